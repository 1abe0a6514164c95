#include "sensitivity.h"

#include "inputs.h"
#include "jacobi.h"

#include <math.h>
#include <string.h>

const char *const number_names[NUMBERS] = {"a",    "b",           "c", "rounding", "norm-factor", "eps", "scale-factor",
                                           "beta", "weight-decay"};

enum { VARIANCE_MEMBERS = 12 };

const struct number_way number_ways[NUMBERS] = {
    [NUMBER_A] = {0x1p-14, 1, false},        [NUMBER_B] = {0x1p-14, 1, false},
    [NUMBER_C] = {0x1p-14, 1, false},        [NUMBER_ROUNDING] = {0x1p-4, 1, false},
    [NUMBER_NORM] = {0x1p-12, 0.5, true},    [NUMBER_EPS] = {0x1p-10, 1, true},
    [NUMBER_SCALE] = {0x1p-12, 0.5, true},   [NUMBER_BETA] = {0x1p-16, 0.25, false},
    [NUMBER_DECAY] = {0x1p-10, 0.25, false},
};

enum tensor_type operation_format(enum operation operation, enum tensor_type format)
{
    return operation == OPERATION_MOMENTUM && format != TENSOR_F64 ? TENSOR_F32 : format;
}

struct evaluation port_evaluation(enum tensor_type format, size_t port, const struct golden_case *c, bool honest)
{
    struct evaluation e = evaluation_draw(operation_format(c->operation, format), input_seed("port"), port, honest);
    e.seed = input_bits(input_seed(c->id), port);
    e.draws = 0;
    return e;
}

/* ---- a port with other numbers ----------------------------------------------------------------------------------------- */

bool numbers_repeat(const struct assay_dialect *d)
{
    struct assay_triple first = assay_dialect_triple(d, 0);
    for (size_t k = 1; k < assay_dialect_steps(d); k++) {
        struct assay_triple t = assay_dialect_triple(d, k);
        if (t.a != first.a || t.b != first.b || t.c != first.c)
            return false;
    }
    return true;
}

/* x + part (x rounded to the format - x) */
static double partly_rounded(enum tensor_type format, double x, double part)
{
    return x + part * (nearest(format, x) - x);
}

/* The coefficients, in memory of the computation. */
static const struct assay_coefficients *changed_coefficients(struct work *w, const struct assay_dialect *d,
                                                             enum tensor_type format, const struct change *by)
{
    const struct assay_coefficients *from = d->coefficients;
    struct assay_coefficients *to = work_alloc(w, 1, sizeof *to);
    struct assay_triple *triples = work_alloc(w, from->count, sizeof *triples);
    double part = by->of[NUMBER_ROUNDING];
    for (size_t k = 0; k < from->count; k++) {
        struct assay_triple t = from->triples[k];
        if (numbers_repeat(d))
            triples[k] = (struct assay_triple){t.a + by->of[NUMBER_A], t.b + by->of[NUMBER_B], t.c + by->of[NUMBER_C]};
        else
            triples[k] = (struct assay_triple){partly_rounded(format, t.a, part), partly_rounded(format, t.b, part),
                                               partly_rounded(format, t.c, part)};
    }
    *to = (struct assay_coefficients){from->name, from->source, from->count, triples};
    return to;
}

struct change moved_by(const struct change *from, size_t k, double t)
{
    struct change to = *from;
    to.of[k] = number_ways[k].relative ? (1 + from->of[k]) * (1 + fmin(fmax(t, -0.75), 3)) - 1 : from->of[k] + t;
    return to;
}

/* One evaluation of the case by a port of the dialect with changed numbers. */
static void evaluate_changed(struct work *w, struct evaluation e, const struct assay_dialect *dialect,
                             enum tensor_type format, const struct golden_case *c, const struct change *by,
                             double *const *results)
{
    struct assay_dialect d = *dialect;
    struct golden_case moved = *c;
    if (d.coefficients)
        d.coefficients = changed_coefficients(w, dialect, format, by);
    d.norm_factor *= 1 + by->of[NUMBER_NORM];
    d.eps *= 1 + by->of[NUMBER_EPS];
    d.scale_factor *= 1 + by->of[NUMBER_SCALE];
    moved.hyper.momentum += by->of[NUMBER_BETA];
    moved.hyper.weight_decay += by->of[NUMBER_DECAY];
    case_evaluate(w, &e, &moved, &d, results);
}

/* ---- one case ------------------------------------------------------------------------------------------------------------ */

/* Whether answer a is looked at: parameters are sums of the updates before them, which say it all. */
static bool looked_at(const struct observed *o, size_t a)
{
    return o->at[a] && (o->c->operation != OPERATION_STEP || a % STEP_OUTPUTS != 0);
}

static void add_group(struct part *p, size_t count)
{
    p->groups[p->group_count++] = (struct group){.from = p->count, .count = count};
    p->count += count;
}

static void decompose(struct work *w, struct part *p, const struct tensor *g)
{
    bool tall = g->shape[0] >= g->shape[1];
    p->rows = g->shape[tall ? 0 : 1];
    p->cols = g->shape[tall ? 1 : 0];
    p->row = tall ? g->shape[1] : 1;
    p->col = tall ? 1 : g->shape[1];
    p->u = work_alloc(w, g->count, sizeof *p->u);
    p->v = work_alloc(w, p->cols * p->cols, sizeof *p->v);
    double *s = work_alloc(w, p->cols, sizeof *s), most = 0;
    for (size_t i = 0; i < p->rows; i++)
        for (size_t j = 0; j < p->cols; j++)
            p->u[i * p->cols + j] = g->at[i * p->row + j * p->col];
    jacobi_svd(p->u, p->v, s, p->rows, p->cols);
    for (size_t k = 0; k < p->cols; k++)
        most = fmax(most, s[k]);
    for (size_t i = 0; i < p->rows; i++)
        for (size_t k = 0; k < p->cols; k++)
            p->u[i * p->cols + k] *= s[k] > 1e-6 * most ? 1 / s[k] : 0;
}

/* The numbers that results are looked at by. */
static void look(const struct part *p, const double *const *results, double *y)
{
    for (size_t k = 0; k < p->cols; k++)
        for (size_t i = 0; i < p->rows; i++)
            for (size_t j = 0; j < p->cols; j++)
                y[k] += p->u[i * p->cols + k] * results[0][i * p->row + j * p->col] * p->v[j * p->cols + k];
    for (size_t a = 0; a < p->answers && p->cols == 0; a++)
        if (looked_at(p->o, a)) {
            memcpy(y, results[a], p->sizes[a] * sizeof *y);
            y += p->sizes[a];
        }
}

void part_lay_out(struct work *w, struct part *p, const struct observed *o, enum tensor_type format)
{
    struct answer_class room;
    size_t slabs[CASE_ANSWERS], most = 1;
    assay_status status = class_make_room(&room, o->c);
    *p = (struct part){.o = o, .answers = room.answer_count};
    for (size_t a = 0; a < room.answer_count; a++) {
        p->sizes[a] = room.answers[a].count;
        most += slabs[a] = room.answers[a].slabs;
    }
    class_free(&room);
    if (status != ASSAY_OK)                    /* half covered: memory is never short in tests */
        work_fail(w, status, "out of memory"); /* uncovered: memory is never short in tests */
    const struct tensor *g = case_input(o->c, "G");
    if (o->c->operation == OPERATION_NEWTON_SCHULZ && g->ndim == 2 && o->at[0])
        decompose(w, p, g);
    p->groups = work_alloc(w, most + p->cols, sizeof *p->groups);
    for (size_t k = 0; k < p->cols; k++)
        add_group(p, 1);
    for (size_t a = 0; a < p->answers && p->cols == 0; a++)
        for (size_t s = 0; s < slabs[a] && looked_at(o, a); s++)
            add_group(p, p->sizes[a] / slabs[a]);
    p->takes = p->count > 0 && !case_may_overflow(o->c, format);
    p->y = work_alloc(w, p->count, sizeof *p->y);
    p->offset = work_alloc(w, p->count, sizeof *p->offset);
    look(p, o->at, p->y);
}

/* ---- what it says -------------------------------------------------------------------------------------------------------- */

double *question_numbers(struct work *w, const struct question *q, struct evaluation e, const struct change *by)
{
    const struct part *p = q->part;
    double *y = work_alloc(w, p->count, sizeof *y), *results[CASE_ANSWERS];
    struct work_block *mark = work_mark(w);
    for (size_t a = 0; a < p->answers; a++)
        results[a] = work_alloc(w, p->sizes[a], sizeof(double));
    e.fault = q->fault;
    evaluate_changed(w, e, q->d, q->format, p->o->c, by, results);
    look(p, (const double *const *)results, y);
    work_release(w, mark);
    return y;
}

/* Offset and variances, of evaluations with unrounded constants, which are numbers to be found. A variance is that about the exact
 * numbers, for an offset is no better known than by its size: squares that overflow in one port need not in another. And it is
 * that of one rounding of the direction at least: where evaluations agree to the last bit, no bit shows how near they were to
 * another. */
static void find_variances(struct work *w, const struct question *q, const double *exact, const double *by_scale)
{
    struct part *p = q->part;
    enum operation operation = p->o->c->operation;
    bool scaled = operation == OPERATION_MOMENTUM || operation == OPERATION_STEP;
    const double *direction = scaled ? by_scale : exact;
    double *members[VARIANCE_MEMBERS], u = unit_roundoff(q->format),
                                       held = unit_roundoff(q->format == TENSOR_F64 ? TENSOR_F64 : TENSOR_F32);
    memset(p->offset, 0, p->count * sizeof *p->offset);
    for (size_t m = 0; m < VARIANCE_MEMBERS; m++) {
        struct evaluation e = port_evaluation(q->format, m + 1, p->o->c, true);
        e.constants = false;
        members[m] = question_numbers(w, q, e, q->at);
        for (size_t i = 0; i < p->count; i++)
            p->offset[i] += (members[m][i] - exact[i]) / VARIANCE_MEMBERS;
    }
    for (size_t n = 0; n < p->group_count; n++) {
        struct group *g = &p->groups[n];
        double sum = 0, least = 0;
        g->size = 0;
        for (size_t i = g->from; i < g->from + g->count; i++) {
            g->size += exact[i] * exact[i] / (double)g->count;
            least += held * held * exact[i] * exact[i] + u * u * direction[i] * direction[i];
            for (size_t m = 0; m < VARIANCE_MEMBERS; m++) {
                double off = members[m][i] - exact[i];
                sum += off * off;
            }
        }
        g->variance = (sum / VARIANCE_MEMBERS + least) / (double)g->count;
    }
}

/* d numbers / d number k */
static double *derivative(struct work *w, const struct question *q, size_t k)
{
    struct evaluation plain = port_evaluation(TENSOR_F64, 0, q->part->o->c, true);
    struct change up = moved_by(q->at, k, number_ways[k].step), down = moved_by(q->at, k, -number_ways[k].step);
    double *j = question_numbers(w, q, plain, &up), *below = question_numbers(w, q, plain, &down);
    for (size_t i = 0; i < q->part->count; i++)
        j[i] = (j[i] - below[i]) / (2 * number_ways[k].step);
    return j;
}

/* Adds what number i, with residual r, says; `alone` is the variance of rounding alone. */
static void add_number(struct equations *e, double weight, double alone, double r, double *const j[NUMBERS], size_t i)
{
    for (size_t k = 0; k < NUMBERS; k++) {
        e->best[k] += j[k][i] * j[k][i] / alone;
        e->g[k] += weight * j[k][i] * r;
        for (size_t l = 0; l < NUMBERS; l++)
            e->n[k][l] += weight * j[k][i] * j[l][i];
    }
}

double **question_residuals(struct work *w, const struct question *q, const double *exact)
{
    const struct part *p = q->part;
    double **r = work_alloc(w, q->members + 1, sizeof *r);
    for (size_t m = 0; m <= q->members; m++) {
        struct evaluation e = port_evaluation(q->format, VARIANCE_MEMBERS + m, p->o->c, false);
        r[m] = m > 0 ? question_numbers(w, q, e, q->at) : work_alloc(w, p->count, sizeof **r);
        for (size_t i = 0; i < p->count; i++)
            r[m][i] = (m > 0 ? r[m][i] : p->y[i]) - p->offset[i] - exact[i];
    }
    return r;
}

/* Whether the port has finite numbers there; left = the mean of r^2 of the one, spread of the members. */
static bool group_left(const struct question *q, const struct group *g, double *const *r, double *left, double *spread)
{
    *left = *spread = 0;
    for (size_t i = g->from; i < g->from + g->count; i++) {
        *left += r[0][i] * r[0][i] / (double)g->count;
        for (size_t m = 1; m <= q->members; m++)
            *spread += r[m][i] * r[m][i] / (double)(g->count * q->members);
    }
    return isfinite(*left);
}

static void ask_group(const struct question *q, struct group *g, double *const *r, double *const j[NUMBERS])
{
    struct part *p = q->part;
    double left, spread;
    bool finite = group_left(q, g, r, &left, &spread);
    double alone = g->variance + q->tolerance * q->tolerance * g->size;
    if (q->what != ASK_LOSS)
        g->weight = 1 / (alone + (q->members > 0 ? spread : left));
    if (!finite || !(g->weight > 0) || isinf(g->weight)) {
        g->weight = 0; /* or all of it is 0 */
        return;
    }
    left *= (double)g->count;
    p->loss += g->weight * left;
    for (size_t i = g->from; i < g->from + g->count && q->what <= ASK_EQUATIONS; i++) {
        add_number(&p->found, g->weight, alone, r[0][i], j, i);
        for (size_t m = 0; m < q->members; m++)
            for (size_t k = 0; k < NUMBERS; k++)
                q->member_g[m][k] += g->weight * j[k][i] * r[m + 1][i];
    }
}

static void ask(struct work *w, void *pointer)
{
    const struct question *q = pointer;
    struct part *p = q->part;
    double *j[NUMBERS], *exact = question_numbers(w, q, port_evaluation(TENSOR_F64, 0, p->o->c, true), q->at);
    for (size_t k = 0; k < NUMBERS && q->what <= ASK_EQUATIONS; k++)
        j[k] = derivative(w, q, k);
    if (q->what == ASK_FIRST)
        find_variances(w, q, exact, j[NUMBER_SCALE]);
    if (q->what <= ASK_EQUATIONS)
        memset(&p->found, 0, sizeof p->found);
    double **r = question_residuals(w, q, exact);
    p->loss = 0;
    for (size_t n = 0; n < p->group_count; n++)
        ask_group(q, &p->groups[n], r, j);
}

void part_ask(struct work *w, const struct question *q)
{
    struct question copy = *q;
    assay_status status = work_run(w->options, ask, &copy);
    q->part->takes = status == ASSAY_OK;
    if (status == ASSAY_NO_MEMORY)             /* half covered: memory is never short in tests */
        work_fail(w, status, "out of memory"); /* uncovered: memory is never short in tests */
}

/* ---- equations ----------------------------------------------------------------------------------------------------------- */

void equations_add(struct equations *all, const struct equations *part, double sign)
{
    for (size_t k = 0; k < NUMBERS; k++) {
        all->g[k] += sign * part->g[k];
        all->best[k] += sign * part->best[k];
        for (size_t l = 0; l < NUMBERS; l++)
            all->n[k][l] += sign * part->n[k][l];
    }
}

/* By Cholesky. */
void equations_solve(const struct equations *e, const double g[NUMBERS], double x[NUMBERS])
{
    double l[NUMBERS][NUMBERS];
    for (size_t i = 0; i < NUMBERS; i++)
        for (size_t j = 0; j <= i; j++) {
            double range = number_ways[i].range, sum = e->n[i][j] + (i == j ? 1 / (range * range) : 0);
            for (size_t k = 0; k < j; k++)
                sum -= l[i][k] * l[j][k];
            /* rounding of a large matrix may leave less than the ridge */
            l[i][j] = i == j ? sqrt(fmax(sum, 0x1p-40 * (e->n[i][i] + 1))) : sum / l[j][j];
        }
    for (size_t i = 0; i < NUMBERS; i++) {
        x[i] = g[i];
        for (size_t k = 0; k < i; k++)
            x[i] -= l[i][k] * x[k];
        x[i] /= l[i][i];
    }
    for (size_t i = NUMBERS; i-- > 0;) {
        for (size_t k = i + 1; k < NUMBERS; k++)
            x[i] -= l[k][i] * x[k];
        x[i] /= l[i][i];
    }
}
