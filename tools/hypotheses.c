#include "hypotheses.h"

#include "inputs.h"
#include "judge.h"
#include "measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- evidence -------------------------------------------------------------------------------------------------------- */

/* The results of a case; false if there are none. */
static bool observe(struct evidence *e, struct observed *o, const struct golden_case *c, struct results *results)
{
    struct answer_class room;
    bool any = false;
    *o = (struct observed){.c = c};
    if (class_make_room(&room, c) == ASSAY_OK)
        for (size_t a = 0; a < room.answer_count; a++) {
            const struct answer *like = &room.answers[a];
            const struct tensor *x = results_find(results, c->id, like->name);
            bool fits = x && x->ndim == like->ndim && memcmp(x->shape, like->shape, x->ndim * sizeof *x->shape) == 0;
            o->at[a] = fits ? x->at : NULL;
            e->outputs += fits;
            e->misshapen += x && !fits;
            any = any || fits;
        }
    class_free(&room);
    return any;
}

bool evidence_gather(struct evidence *e, const struct golden_set *set, struct results *results)
{
    size_t most = 0;
    for (size_t m = 0; m < set->count; m++)
        most += set->manifests[m].count;
    *e = (struct evidence){.cases = calloc(most + 1, sizeof *e->cases)};
    if (!e->cases)
        return false;
    for (size_t m = 0; m < set->count; m++)
        for (size_t k = 0; operation_has_dialects(set->manifests[m].operation) && k < set->manifests[m].count; k++)
            e->case_count += observe(e, &e->cases[e->case_count], &set->manifests[m].cases[k], results);
    return true;
}

void evidence_free(struct evidence *e)
{
    free(e->cases);
}

enum tensor_type evidence_format(const struct evidence *e)
{
    static const enum tensor_type narrow[] = {TENSOR_BF16, TENSOR_F16, TENSOR_F32};
    for (size_t f = 0; f < 3; f++) {
        bool holds = true, any = false;
        for (size_t k = 0; k < e->case_count && holds; k++) {
            const struct observed *o = &e->cases[k];
            for (size_t i = 0; o->c->operation == OPERATION_NEWTON_SCHULZ && i < o->c->inputs[0].count && holds; i++) {
                any = any || o->at[0][i] != 0;
                holds = tensor_holds(narrow[f], o->at[0][i]);
            }
        }
        if (holds && any)
            return narrow[f];
    }
    return TENSOR_F32;
}

/* ---- predictions ------------------------------------------------------------------------------------------------------ */

/* The inner work of one case: what is asked, and what is found. */
struct prediction {
    const struct hypothesis *h;
    const struct observed *o;
    enum tensor_type format;
    size_t members;                                  /* evaluations beside the one in binary64 */
    double error[CASE_ANSWERS], size[CASE_ANSWERS];  /* Frobenius norms of result - predicted, of predicted */
    double square[CASE_ANSWERS], most[CASE_ANSWERS]; /* of the evaluations' errors: mean square, largest */
    bool finite[CASE_ANSWERS];                       /* the result */
};

/* The Frobenius norm of x - y; entries that are not finite must be the same kind of not finite, or it is infinite. */
static double difference(const double *x, const double *y, size_t count)
{
    long double sum = 0; /* squares of what is finite do not overflow */
    for (size_t k = 0; k < count; k++) {
        bool same = (isnan(x[k]) && isnan(y[k])) || x[k] == y[k];
        if (!same && !(isfinite(x[k]) && isfinite(y[k])))
            return INFINITY;
        long double off = same ? 0 : (long double)x[k] - y[k];
        sum += off * off;
    }
    return (double)sqrtl(sum);
}

static double size_of(const double *x, size_t count)
{
    long double sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += isfinite(x[k]) ? (long double)x[k] * x[k] : 0;
    return (double)sqrtl(sum);
}

static void predict(struct work *w, void *pointer)
{
    struct prediction *p = pointer;
    struct golden_case moved = *p->o->c, *c = &moved;
    const struct assay_dialect *d = &p->h->dialect;
    struct answer_class room;
    if (p->h->beta != 0)
        moved.hyper.momentum = p->h->beta;
    if (p->h->decay != 0)
        moved.hyper.weight_decay = p->h->decay;
    double *exact[CASE_ANSWERS], *other[CASE_ANSWERS];
    size_t counts[CASE_ANSWERS];
    assay_status status = class_make_room(&room, c);
    size_t answers = room.answer_count;
    for (size_t a = 0; a < answers; a++)
        counts[a] = room.answers[a].count;
    class_free(&room);
    if (status != ASSAY_OK)
        work_fail(w, status, "out of memory");
    for (size_t a = 0; a < answers; a++) {
        exact[a] = work_alloc(w, counts[a], sizeof(double));
        other[a] = work_alloc(w, counts[a], sizeof(double));
        p->square[a] = p->most[a] = 0;
    }
    enum fault fault = p->h->bug ? p->h->bug->fault : FAULT_NONE;
    struct evaluation plain = evaluation_draw(TENSOR_F64, 0, 0, true);
    plain.fault = fault;
    case_evaluate(w, &plain, c, d, exact);
    for (size_t a = 0; a < answers; a++)
        if (p->o->at[a]) {
            p->error[a] = difference(p->o->at[a], exact[a], counts[a]);
            p->size[a] = size_of(exact[a], counts[a]);
            p->finite[a] = numbers_are_finite(p->o->at[a], counts[a]);
        }
    for (size_t m = 0; m < p->members; m++) {
        struct evaluation e =
            evaluation_draw(operation_format(c->operation, p->format), input_seed(c->id), m + 1, false);
        e.fault = fault;
        case_evaluate(w, &e, c, d, other);
        for (size_t a = 0; a < answers; a++) {
            double off = difference(other[a], exact[a], counts[a]);
            p->square[a] += off * off / (double)p->members;
            p->most[a] = fmax(p->most[a], off);
        }
    }
}

/* Whether the hypothesis says anything about the case; `status` is why not, if that is a failure. */
static bool predicts(struct prediction *p, assay_status *status)
{
    const assay_options options = {.threads = 1};
    const struct golden_case *c = p->o->c;
    *status = ASSAY_OK;
    if (!operation_applies(c->operation, &p->h->dialect) ||
        (!p->h->bug && class_of(c, p->h->base->name) == NULL && p->h->changes == 0))
        return false;
    *status = work_run(&options, predict, p);
    if (*status == ASSAY_INVALID) /* a tensor that it does not take */
        *status = ASSAY_OK;
    else if (*status == ASSAY_OK)
        return true;
    return false;
}

/* ---- agreement -------------------------------------------------------------------------------------------------------- */

assay_status hypothesis_measure(struct hypothesis *h, const struct evidence *e)
{
    double sum = 0, most = log(10);
    for (size_t k = 0; k < e->case_count; k++) {
        struct prediction p = {.h = h, .o = &e->cases[k], .format = TENSOR_F64};
        assay_status status;
        bool said = predicts(&p, &status);
        if (status != ASSAY_OK)
            return status;
        for (size_t a = 0; a < CASE_ANSWERS; a++)
            if (p.o->at[a])
                sum += said ? fmin(log(fmax(p.error[a] / fmax(p.size[a], 1e-300), 1e-7)), most) : 0;
    }
    h->distance = e->outputs > 0 ? sum / (double)e->outputs : 0;
    return ASSAY_OK;
}

/* Whether the judge fails output a of a named dialect. */
static bool fails(const struct observed *o, size_t a, const struct assay_dialect *d, enum tensor_type format)
{
    const assay_options options = {.threads = 1};
    const struct answer_class *class = class_of(o->c, d->name);
    struct verdict v;
    if (class->undefined || !case_fits(o->c, format))
        return false;
    return judge(&v, o->c, class, a, format, o->at[a], &options) == ASSAY_OK && !v.pass;
}

static double half_square(double z)
{
    return z <= 4 ? z * z / 2 : 8 * (1 + log(z / 4));
}

static void weigh(struct hypothesis *h, const struct prediction *p, enum tensor_type format)
{
    const struct golden_case *c = p->o->c;
    bool named = h->changes == 0 && !h->bug;
    enum tensor_type f = operation_format(c->operation, format);
    double u = unit_roundoff(c->operation == OPERATION_STEP && f != TENSOR_F64 ? TENSOR_F32 : f);
    /* Of momentum, some members are exact where others round four times, each time sums of numbers that are not small. */
    double rounds = c->operation == OPERATION_MOMENTUM ? 8 : 2;
    for (size_t a = 0; a < CASE_ANSWERS; a++) {
        if (!p->o->at[a] || (named && class_of(c, h->base->name)->undefined))
            continue;
        bool overflows = !isfinite(p->most[a]);
        if (overflows) {
            h->predicted += !p->finite[a];
            h->open += p->finite[a];
            continue;
        }
        double scale = fmin(fmax(p->size[a], 1e-300), 1e300);
        double s = fmax(fmin(sqrt(p->square[a]), scale), u / 2 * scale), error = fmin(p->error[a], 1e3 * scale);
        h->predicted++;
        h->contradicted += named ? fails(p->o, a, h->base, f)
                                 : !(p->error[a] <= fmax(HYPOTHESIS_FACTOR * p->most[a], rounds * u * scale));
        h->cost += fmax(log(s / scale), -20) + half_square(error / s);
    }
}

assay_status hypothesis_judge(struct hypothesis *h, const struct evidence *e, enum tensor_type format)
{
    h->judged = true;
    h->predicted = h->contradicted = h->silent = h->open = 0;
    h->cost = 0;
    for (size_t k = 0; k < NUMBERS; k++)
        h->cost += h->own[k] ? log((double)e->outputs) / 2 : 0;
    for (size_t k = 0; k < e->case_count; k++) {
        struct prediction p = {.h = h, .o = &e->cases[k], .format = format, .members = HYPOTHESIS_MEMBERS};
        assay_status status;
        bool said = predicts(&p, &status);
        if (status != ASSAY_OK)
            return status;
        if (!case_fits(p.o->c, operation_format(p.o->c->operation, format)))
            continue;
        if (said)
            weigh(h, &p, format);
        for (size_t a = 0; a < CASE_ANSWERS; a++)
            h->silent += !said && p.o->at[a];
    }
    return ASSAY_OK;
}

/* Jordan's is what a port is written after unless it says so, torch's what comes with PyTorch. */
bool hypothesis_better_known(const struct assay_dialect *this, const struct assay_dialect *that)
{
    static const char *const known[] = {"jordan", "torch", "moonlight"};
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
        if (strcmp(this->name, known[k]) == 0 || strcmp(that->name, known[k]) == 0)
            return this != that && strcmp(this->name, known[k]) == 0;
    return this < that;
}

int hypotheses_compare(const void *a, const void *b)
{
    const struct hypothesis *x = a, *y = b;
    size_t against = x->contradicted + x->silent, other = y->contradicted + y->silent;
    if (x->judged != y->judged)
        return x->judged ? -1 : 1;
    if (x->judged && against != other)
        return against < other ? -1 : 1;
    if (x->denied != y->denied)
        return x->denied ? 1 : -1;
    double p = x->judged ? x->cost : x->distance, q = x->judged ? y->cost : y->distance;
    if (p != q)
        return p < q ? -1 : 1;
    return hypothesis_better_known(x->base, y->base) ? -1 : x->base != y->base;
}

static bool is_observed(const struct evidence *e, const struct golden_case *c)
{
    for (size_t k = 0; k < e->case_count; k++)
        if (e->cases[k].c == c)
            return true;
    return false;
}

/* How many times its bounds the answers of x are from those of y, at most. */
static double distance_of(const struct answer_class *x, const struct answer_class *y, enum tensor_type f)
{
    double most = 0;
    for (size_t a = 0; a < x->answer_count; a++)
        for (size_t s = 0; s < x->answers[a].slabs; s++) {
            double errors[MEASURES];
            size_t size = y->answers[a].count / y->answers[a].slabs;
            measure_error(errors, &x->answers[a], f, s, y->answers[a].hi + s * size);
            double bound = answer_bounds(&x->answers[a], f, s)[MEASURE_FROBENIUS];
            most = fmax(most, errors[MEASURE_FROBENIUS] > 0 ? errors[MEASURE_FROBENIUS] / bound : 0);
        }
    return most;
}

const struct golden_case *hypotheses_split(const struct golden_set *set, const struct evidence *e, bool observed,
                                           const struct assay_dialect *a, const struct assay_dialect *b,
                                           enum tensor_type format, double *times)
{
    const struct golden_case *best = NULL;
    *times = 1;
    for (size_t m = 0; m < set->count; m++)
        for (size_t k = 0; operation_has_dialects(set->manifests[m].operation) && k < set->manifests[m].count; k++) {
            const struct golden_case *c = &set->manifests[m].cases[k];
            const struct answer_class *x = class_of(c, a->name), *y = class_of(c, b->name);
            enum tensor_type f = operation_format(c->operation, format);
            if (!x || !y || x == y || x->undefined || y->undefined || !case_fits(c, f) || is_observed(e, c) != observed)
                continue;
            double found = distance_of(x, y, f);
            best = found > *times ? c : best;
            *times = fmax(found, *times);
        }
    return best;
}
