#include "numbers.h"

#include "inputs.h"
#include "jacobi.h"

#include <math.h>
#include <string.h>

const char *const number_names[NUMBERS] = {"a", "b", "c", "rounding", "eps", "scale-factor", "beta", "weight-decay"};

enum { NUMBER_MEMBERS = 12, MOST_ROUNDS = 30, MOST_HALVINGS = 12 };

/* In units of the number itself for eps and scale: differences are taken over `step` to both sides (it makes errors of
 * step^2 and of some 500 unit roundoffs / step, 500 being the slope of five steps of Newton-Schulz at 0), and the number is
 * looked for within `range`. */
static const struct {
    double step, range;
    bool relative;
} ways[NUMBERS] = {
    [NUMBER_A] = {0x1p-14, 1, false},       [NUMBER_B] = {0x1p-14, 1, false},
    [NUMBER_C] = {0x1p-14, 1, false},       [NUMBER_ROUNDING] = {0x1p-4, 1, false},
    [NUMBER_EPS] = {0x1p-10, 1, true},      [NUMBER_SCALE] = {0x1p-12, 0.5, true},
    [NUMBER_BETA] = {0x1p-16, 0.25, false}, [NUMBER_DECAY] = {0x1p-10, 0.25, false},
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

/* What the numbers are changed by, in units of `ways`. */
struct change {
    double of[NUMBERS];
};

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

/* One number moved by t units; a relative one by no more than a factor 4. */
static struct change moved_by(const struct change *from, size_t k, double t)
{
    struct change to = *from;
    to.of[k] = ways[k].relative ? (1 + from->of[k]) * (1 + fmin(fmax(t, -0.75), 3)) - 1 : from->of[k] + t;
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
    d.eps *= 1 + by->of[NUMBER_EPS];
    d.scale_factor *= 1 + by->of[NUMBER_SCALE];
    moved.hyper.momentum += by->of[NUMBER_BETA];
    moved.hyper.weight_decay += by->of[NUMBER_DECAY];
    case_evaluate(w, &e, &moved, &d, results);
}

/* ---- one case ------------------------------------------------------------------------------------------------------------ */

/* The normal equations n t = g. */
struct equations {
    double n[NUMBERS][NUMBERS], g[NUMBERS];
};

/* Numbers of one variance and weight: those of a matrix of results, one of each step; but of a matrix
 * G = sum s_k u_k v_k^T that is iterated, u_k^T Y v_k of one k: they are all that Y says of the iteration's numbers, and s_k
 * decides what rounding does to them. */
struct group {
    size_t from, count;
    double variance, size, weight; /* size: the mean square of the exact numbers */
};

/* A case with its results. */
struct part {
    const struct observed *o;
    size_t answers, sizes[CASE_ANSWERS];
    size_t rows, cols, row,
        col;       /* of G, or of G^T, rows >= cols: entry (i, j) is at i * row + j * col; cols = 0: no matrix */
    double *u, *v; /* u_k is zero where s_k is next to nothing */
    size_t count, group_count;
    double *y, *offset; /* the numbers of the port, and what rounding adds to them on average */
    struct group *groups;
    bool takes; /* whether the dialect takes it */
    struct equations found;
    double loss; /* sum w r^2 */
};

/* Whether answer a is looked at: parameters are sums of the updates before them, which say it all. */
static bool looked_at(const struct observed *o, size_t a)
{
    return o->at[a] && (o->c->operation != OPERATION_STEP || a % 3 != 0);
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

static void lay_out(struct work *w, struct part *p, const struct observed *o)
{
    struct answer_class room;
    size_t slabs[CASE_ANSWERS], most = 1;
    assay_status status = class_make_room(&room, o->c);
    *p = (struct part){.o = o, .answers = room.answer_count, .takes = true};
    for (size_t a = 0; a < room.answer_count; a++) {
        p->sizes[a] = room.answers[a].count;
        most += slabs[a] = room.answers[a].slabs;
    }
    class_free(&room);
    if (status != ASSAY_OK)
        work_fail(w, status, "out of memory"); /* uncovered: memory is never short in tests */
    const struct tensor *g = case_input(o->c, "G");
    if (o->c->operation == OPERATION_NEWTON_SCHULZ && g->ndim == 2)
        decompose(w, p, g);
    p->groups = work_alloc(w, most + p->cols, sizeof *p->groups);
    for (size_t k = 0; k < p->cols; k++)
        add_group(p, 1);
    for (size_t a = 0; a < p->answers && p->cols == 0; a++)
        for (size_t s = 0; s < slabs[a] && looked_at(o, a); s++)
            add_group(p, p->sizes[a] / slabs[a]);
    p->y = work_alloc(w, p->count, sizeof *p->y);
    p->offset = work_alloc(w, p->count, sizeof *p->offset);
    look(p, o->at, p->y);
}

/* ---- what it says -------------------------------------------------------------------------------------------------------- */

/* What is asked of a case. */
struct question {
    struct part *part;
    const struct assay_dialect *d;
    enum fault fault;
    enum tensor_type format;
    const struct change *at;
    double tolerance; /* of errors relative to the numbers, beside the variances */
    enum {
        ASK_FIRST,
        ASK_EQUATIONS,
        ASK_LOSS
    } what; /* offset and variances too; n, g, weights, loss; loss by those weights */
};

/* The numbers of one evaluation. */
static double *numbers_of(struct work *w, const struct question *q, struct evaluation e, const struct change *by)
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

/* Offset and variances, of evaluations with unrounded constants, which are numbers to be found. A variance is that of one rounding
 * of the direction at least: where evaluations agree to the last bit, no bit shows how near they were to another. */
static void find_variances(struct work *w, const struct question *q, const double *exact, const double *by_scale)
{
    struct part *p = q->part;
    enum operation operation = p->o->c->operation;
    bool scaled = operation == OPERATION_MOMENTUM || operation == OPERATION_STEP;
    const double *direction = scaled ? by_scale : exact;
    double *members[NUMBER_MEMBERS], u = unit_roundoff(q->format),
                                     held = unit_roundoff(q->format == TENSOR_F64 ? TENSOR_F64 : TENSOR_F32);
    for (size_t m = 0; m < NUMBER_MEMBERS; m++) {
        struct evaluation e = port_evaluation(q->format, m + 1, p->o->c, true);
        e.constants = false;
        members[m] = numbers_of(w, q, e, q->at);
        for (size_t i = 0; i < p->count; i++)
            p->offset[i] += (members[m][i] - exact[i]) / NUMBER_MEMBERS;
    }
    for (size_t n = 0; n < p->group_count; n++) {
        struct group *g = &p->groups[n];
        double sum = 0, least = 0;
        for (size_t i = g->from; i < g->from + g->count; i++) {
            g->size += exact[i] * exact[i] / (double)g->count;
            least += held * held * exact[i] * exact[i] + u * u * direction[i] * direction[i];
            for (size_t m = 0; m < NUMBER_MEMBERS; m++) {
                double off = members[m][i] - exact[i] - p->offset[i];
                sum += off * off;
            }
        }
        g->variance = (sum / (NUMBER_MEMBERS - 1) + least) / (double)g->count;
    }
}

/* d numbers / d number k */
static double *derivative(struct work *w, const struct question *q, size_t k)
{
    struct evaluation plain = port_evaluation(TENSOR_F64, 0, q->part->o->c, true);
    struct change up = moved_by(q->at, k, ways[k].step), down = moved_by(q->at, k, -ways[k].step);
    double *j = numbers_of(w, q, plain, &up), *below = numbers_of(w, q, plain, &down);
    for (size_t i = 0; i < q->part->count; i++)
        j[i] = (j[i] - below[i]) / (2 * ways[k].step);
    return j;
}

/* Adds what number i, with residual r, says. */
static void add_number(struct equations *e, double weight, double r, double *const j[NUMBERS], size_t i)
{
    for (size_t k = 0; k < NUMBERS; k++) {
        e->g[k] += weight * j[k][i] * r;
        for (size_t l = 0; l < NUMBERS; l++)
            e->n[k][l] += weight * j[k][i] * j[l][i];
    }
}

static void ask(struct work *w, void *pointer)
{
    const struct question *q = pointer;
    struct part *p = q->part;
    double *j[NUMBERS], *r = numbers_of(w, q, port_evaluation(TENSOR_F64, 0, p->o->c, true), q->at);
    for (size_t k = 0; k < NUMBERS && q->what != ASK_LOSS; k++)
        j[k] = derivative(w, q, k);
    if (q->what == ASK_FIRST)
        find_variances(w, q, r, j[NUMBER_SCALE]);
    if (q->what != ASK_LOSS)
        memset(&p->found, 0, sizeof p->found);
    p->loss = 0;
    for (size_t n = 0; n < p->group_count; n++) {
        struct group *g = &p->groups[n];
        double left = 0;
        for (size_t i = g->from; i < g->from + g->count; i++) {
            r[i] = p->y[i] - p->offset[i] - r[i];
            left += r[i] * r[i];
        }
        if (q->what != ASK_LOSS)
            g->weight = 1 / (g->variance + q->tolerance * q->tolerance * g->size + left / (double)g->count);
        if (!(g->weight > 0) || isinf(g->weight))
            continue; /* something is not finite, or all of it 0 */
        p->loss += g->weight * left;
        for (size_t i = g->from; i < g->from + g->count && q->what != ASK_LOSS; i++)
            add_number(&p->found, g->weight, r[i], j, i);
    }
}

/* ---- all cases ----------------------------------------------------------------------------------------------------------- */

struct fit {
    const struct assay_dialect *d;
    enum fault fault;
    enum tensor_type format;
    double tolerance;
    size_t count;
    struct part *parts;
    struct number_estimate *found;
    const struct observed *observed;
};

/* Asks every case, each in a computation of its own, for the dialect may refuse it. Returns the sum of their losses, and in *all
 * that of their equations. */
static double ask_all(struct work *w, struct fit *f, const struct change *at, int what, struct equations *all)
{
    double loss = 0;
    memset(all, 0, sizeof *all);
    for (size_t c = 0; c < f->count; c++) {
        struct part *p = &f->parts[c];
        struct question q = {p, f->d, f->fault, f->format, at, f->tolerance, what};
        if (p->takes) {
            assay_status status = work_run(w->options, ask, &q);
            p->takes = status == ASSAY_OK;
            if (status == ASSAY_NO_MEMORY)
                work_fail(w, status, "out of memory"); /* uncovered: memory is never short in tests */
        }
        for (size_t k = 0; k < NUMBERS && p->takes; k++) {
            all->g[k] += p->found.g[k];
            for (size_t l = 0; l < NUMBERS; l++)
                all->n[k][l] += p->found.n[k][l];
        }
        loss += p->takes ? p->loss : 0;
    }
    return loss;
}

/* x = (n + diag(1 / range^2))^-1 g, by Cholesky: what is not seen stays where it is, and is no obstacle. */
static void solve(double n[NUMBERS][NUMBERS], const double g[NUMBERS], double x[NUMBERS])
{
    double l[NUMBERS][NUMBERS];
    for (size_t i = 0; i < NUMBERS; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = n[i][j] + (i == j ? 1 / (ways[i].range * ways[i].range) : 0);
            for (size_t k = 0; k < j; k++)
                sum -= l[i][k] * l[j][k];
            /* rounding of a large matrix may leave less than the ridge */
            l[i][j] = i == j ? sqrt(fmax(sum, 0x1p-40 * (n[i][i] + 1))) : sum / l[j][j];
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

/* Moves *at to where sum w r^2, by the weights there, is less, along the solution, halved until it is; false if it falls by no
 * more than 0.01, a tenth of a standard error. With the weights of the next round, too, sum log(variance + r^2) has fallen
 * then: log is concave. */
static bool improve(struct work *w, struct fit *f, struct change *at, struct equations *e, double *loss)
{
    struct equations unused;
    double t[NUMBERS], part = 1, before = *loss, then = before;
    struct change to = *at;
    solve(e->n, e->g, t);
    for (size_t n = 0; n < MOST_HALVINGS && !(then < before); n++, part /= 2) {
        to = *at;
        for (size_t k = 0; k < NUMBERS; k++)
            to = moved_by(&to, k, part * t[k]);
        then = ask_all(w, f, &to, ASK_LOSS, &unused);
    }
    if (!(then < before - 0.01))
        return false;
    *at = to;
    *loss = ask_all(w, f, at, ASK_EQUATIONS, e);
    return true;
}

/* The jackknife's standard errors, or, if that is more, those of the variances alone. */
static void find_errors(const struct fit *f, struct equations *e, double errors[NUMBERS])
{
    double squares[NUMBERS] = {0}, count = 0;
    for (size_t c = 0; c < f->count; c++) {
        struct equations without = *e;
        const struct part *p = &f->parts[c];
        if (!p->takes)
            continue;
        count++;
        double g[NUMBERS], t[NUMBERS];
        for (size_t k = 0; k < NUMBERS; k++) {
            g[k] = -p->found.g[k]; /* those of all are 0 at the end */
            for (size_t l = 0; l < NUMBERS; l++)
                without.n[k][l] -= p->found.n[k][l];
        }
        solve(without.n, g, t);
        for (size_t k = 0; k < NUMBERS; k++)
            squares[k] += t[k] * t[k];
    }
    for (size_t k = 0; k < NUMBERS; k++) {
        double unit[NUMBERS] = {0}, inverse[NUMBERS];
        unit[k] = 1;
        solve(e->n, unit, inverse);
        errors[k] = count > 1 ? sqrt(fmax((count - 1) / count * squares[k], inverse[k])) : INFINITY;
    }
}

/* What is said of the number: by the dialect, or on average by the cases. */
static double nominal(const struct fit *f, size_t k)
{
    double sum = 0, all = 0;
    struct assay_triple t = f->d->coefficients ? f->d->coefficients->triples[0] : (struct assay_triple){0};
    for (size_t c = 0; c < f->count; c++) {
        const struct part *p = &f->parts[c];
        const assay_hyper *h = &p->o->c->hyper;
        sum += p->takes ? p->found.n[k][k] * (k == NUMBER_BETA ? h->momentum : h->weight_decay) : 0;
        all += p->takes ? p->found.n[k][k] : 0;
    }
    double of_cases = all > 0 ? sum / all : 0;
    return (double[NUMBERS]){t.a, t.b, t.c, 0, f->d->eps, f->d->scale_factor, of_cases, of_cases}[k];
}

/* How many cases say at least a hundredth of what the best one does. */
static size_t speaking(const struct fit *f, size_t k)
{
    double most = 0;
    size_t count = 0;
    for (size_t c = 0; c < f->count; c++)
        most = f->parts[c].takes ? fmax(most, f->parts[c].found.n[k][k]) : most;
    for (size_t c = 0; c < f->count && most > 0; c++)
        count += f->parts[c].takes && f->parts[c].found.n[k][k] >= most / 100;
    return count;
}

/* What a port's own rounding may make of the number, the same in all cases, so that no scatter shows it: one rounding of the
 * number a case; of 1 - lr wd, in all. */
static double rounded_once(const struct fit *f, size_t k, double value, size_t cases)
{
    double u = unit_roundoff(f->format), held = f->format == TENSOR_F64 ? u : unit_roundoff(TENSOR_F32), lr = INFINITY;
    for (size_t c = 0; c < f->count; c++)
        lr = f->observed[c].c->hyper.lr > 0 ? fmin(lr, f->observed[c].c->hyper.lr) : lr;
    if (k == NUMBER_DECAY)
        return held / lr;
    return fabs(value) * (k == NUMBER_BETA ? held : u) / sqrt(fmax((double)cases, 1));
}

static void estimate(struct work *w, void *pointer)
{
    static const double tolerances[] = {0.25, 0x1p-7, 0x1p-12, 0};
    struct fit *f = pointer;
    struct change at = {0};
    double errors[NUMBERS];
    f->parts = work_alloc(w, f->count, sizeof *f->parts);
    for (size_t c = 0; c < f->count; c++)
        lay_out(w, &f->parts[c], &f->observed[c]);
    struct equations e;
    /* From coarse to fine: with the variances alone, one case that is met by chance outweighs all that are off. */
    ask_all(w, f, &at, ASK_FIRST, &e);
    for (size_t l = 0; l < sizeof tolerances / sizeof tolerances[0]; l++) {
        f->tolerance = tolerances[l];
        double loss = ask_all(w, f, &at, ASK_EQUATIONS, &e);
        for (size_t n = 0; n < MOST_ROUNDS && improve(w, f, &at, &e, &loss); n++)
            continue;
    }
    find_errors(f, &e, errors);
    for (size_t k = 0; k < NUMBERS; k++) {
        double base = nominal(f, k), value = ways[k].relative ? base * (1 + at.of[k]) : base + at.of[k];
        size_t cases = speaking(f, k);
        double own = errors[k] * (ways[k].relative ? value : 1), once = rounded_once(f, k, value, cases);
        struct number_estimate x = {base, sqrt(own * own + once * once), base, cases, false};
        x.seen = cases > 0 && errors[k] <= ways[k].range / 4;
        x.value = x.seen ? value : base;
        f->found[k] = x;
    }
}

assay_status numbers_estimate(struct number_estimate found[NUMBERS], const struct assay_dialect *d, enum fault fault,
                              const struct observed *cases, size_t count, enum tensor_type format,
                              const assay_options *options)
{
    struct number_estimate numbers[NUMBERS];
    struct fit f = {.d = d, .fault = fault, .format = format, .count = count, .found = numbers, .observed = cases};
    assay_status status = work_run(options, estimate, &f);
    if (status == ASSAY_OK)
        memcpy(found, numbers, sizeof numbers);
    return status;
}
