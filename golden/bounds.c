#include "bounds.h"

#include "certificate.h"
#include "emulate.h"
#include "inputs.h"
#include "measure.h"

#include <float.h>
#include <math.h>
#include <string.h>

static void set_all(double bounds[MEASURES], double x)
{
    for (size_t m = 0; m < MEASURES; m++)
        bounds[m] = x;
}

/* The least number of 24 bits that is not below x >= 0: what files hold in four bytes, in the range of binary32. */
static double rounded_up(double x)
{
    int exponent;
    double mantissa = ceil(ldexp(frexp(x, &exponent), FLT_MANT_DIG));
    return isfinite(x) ? ldexp(mantissa, exponent - FLT_MANT_DIG) : x;
}

/* Where the zero matrix would pass, there is no bound. Sets the proof of the format. */
static void admit(struct answer *a, enum tensor_type format, enum proof proof)
{
    a->proofs[format] = PROOF_NONE;
    for (size_t s = 0; s < a->slabs; s++) {
        double *bounds = answer_bounds(a, format, s), size[MEASURES];
        measure_answer(size, a, s);
        for (size_t m = 0; m < MEASURES; m++)
            bounds[m] = rounded_up(bounds[m]);
        if (bounds[MEASURE_FROBENIUS] < size[MEASURE_FROBENIUS] || size[MEASURE_FROBENIUS] == 0)
            a->proofs[format] = proof;
        else
            set_all(bounds, INFINITY);
    }
}

/* One bound on the Frobenius norm of the error, and so on all measures. */
static void bound_by(struct answer *a, enum tensor_type format, double x, enum proof proof)
{
    for (size_t s = 0; s < a->slabs; s++)
        set_all(answer_bounds(a, format, s), x);
    admit(a, format, x == 0 ? PROOF_EXACT : proof);
}

/* ---- bits -------------------------------------------------------------------------------------------------------------- */

/* Whether x + y is a number of the format: their sum in binary64 is one, and leaves nothing (Knuth). */
static bool exact_sum(enum tensor_type f, double x, double y)
{
    double sum = x + y, added = sum - x;
    return tensor_holds(f, sum) && (x - (sum - added)) + (y - added) == 0;
}

/* Whether a x is; 2^-900 keeps the rest that fma() shows from underflow. */
static bool exact_product(enum tensor_type f, double a, double x)
{
    double product = a * x;
    return a == 0 || x == 0 || (tensor_holds(f, product) && fabs(product) > 0x1p-900 && fma(a, x, -product) == 0);
}

/* In which ports may compute what they round to the format at the end. */
static enum tensor_type wider(enum tensor_type f)
{
    return f == TENSOR_F32 ? TENSOR_F64 : TENSOR_F32;
}

/* Whether all that is within `off` of x, and what the wider format makes of that, is rounded to one number of the format, which
 * is not binary64. */
static bool rounds_surely(enum tensor_type f, double x, double off)
{
    off += fabs(x) * 2 * unit_roundoff(wider(f));
    double low = nearest(f, x - off), high = nearest(f, x + off);
    return f != TENSOR_F64 && low == high && isfinite(low);
}

/* The bits of every entry are proved. */
static void bound_bits(struct answer *a, enum tensor_type f)
{
    set_all(answer_bounds(a, f, 0), 0);
    admit(a, f, PROOF_BITS);
}

/* ---- singular values, polar factors, minimisers --------------------------------------------------------------------- */

static double frobenius(const double *x, size_t count)
{
    return euclidean_norm(x, count, 1);
}

/* The singular values of G 2^-exponent; those of a case serve all formats. */
struct spectrum {
    const double *s; /* NULL: not computed yet */
    int exponent;
};

static void find_spectrum(struct work *w, struct spectrum *found, const struct tensor *g)
{
    size_t count = g->shape[0] < g->shape[1] ? g->shape[0] : g->shape[1];
    double *s = work_alloc(w, 2 * count, sizeof *s), radius;
    assay_options options = *w->options;
    options.message = w->message;
    options.message_size = sizeof w->message;
    assay_status status =
        scaled_singular_values(s, &radius, &found->exponent, g->at, g->shape[0], g->shape[1], &options);
    if (status != ASSAY_OK)
        work_fail(w, status, "bounds need the singular values of the input: %s", assay_status_text(status));
    found->s = s;
}

static void bound_svd(const struct golden_case *c, struct answer *a, enum tensor_type f)
{
    const struct tensor *g = case_input(c, "G");
    double moved = backward_error(f, g->shape[0], g->shape[1]) * frobenius(g->at, g->count);
    /* Subnormal singular values are rounded to a multiple of the least number, each of them. */
    double held =
        unit_roundoff(f) * frobenius(a->hi, a->count) + (a->hi[0] > 0 ? least_number(f) * sqrt((double)a->count) : 0);
    bound_by(a, f, moved * (1 + unit_roundoff(f)) + held, PROOF_WEYL); /* it is the values of A + E that are rounded */
}

/* The polar factor, or the minimiser over a ball of singular values, of size ||D||_F. */
static double singular_bound(const struct golden_case *c, const struct spectrum *spectrum, double size,
                             enum tensor_type f)
{
    const struct tensor *g = case_input(c, "G");
    size_t m = g->shape[0], n = g->shape[1], count = m < n ? m : n;
    const double *s = spectrum->s;
    double t = backward_error(f, m, n), moved = t * ldexp(frobenius(g->at, g->count), -spectrum->exponent);
    if (c->operation == OPERATION_LMO && c->norm == ASSAY_NORM_NUCLEAR) {
        double apart = s[0] - (count > 1 ? s[1] : 0);
        return moved < apart / 4 ? c->radius * 2 * moved / (apart - moved) + t * size : INFINITY;
    }
    double least = s[count - 1], unit = size / sqrt((double)count); /* the singular value that D has */
    return moved < least ? unit * 2 * moved / (2 * least - moved) + t * size : INFINITY;
}

static void bound_minimiser(struct work *w, const struct golden_case *c, struct answer_class *k, enum tensor_type f,
                            struct spectrum *spectrum)
{
    const struct tensor *g = case_input(c, "G");
    struct answer *a = &k->answers[0];
    double size = frobenius(a->hi, a->count), x = INFINITY;
    enum proof proof = PROOF_POLAR;
    struct certificate allowed = certificate_allowed(c, f);
    k->certificates[f] = (struct certificate){rounded_up(allowed.excess), rounded_up(allowed.gap)};
    enum assay_norm norm = c->operation == OPERATION_POLAR ? ASSAY_NORM_SPECTRAL : c->norm;
    switch (norm) {
    case ASSAY_NORM_MAX:
    case ASSAY_NORM_SUM: /* signs times the radius, which may be rounded */
        if (k->unique && !tensor_holds(f, c->radius) && rounds_surely(f, c->radius, 0)) {
            bound_bits(a, f);
            return;
        }
        x = tensor_holds(f, c->radius) ? 0 : unit_roundoff(f) * size;
        proof = PROOF_UNIT_VECTORS; /* of one entry */
        break;
    case ASSAY_NORM_FROBENIUS:
    case ASSAY_NORM_COLUMN:
    case ASSAY_NORM_ROW:
        x = unit_vector_error(f, g->count) * size;
        proof = PROOF_UNIT_VECTORS;
        break;
    default:
        if (k->unique && !spectrum->s)
            find_spectrum(w, spectrum, g);
        if (k->unique)
            x = singular_bound(c, spectrum, size, f);
    }
    bound_by(a, f, k->unique ? x : INFINITY, proof);
}

/* ---- momentum --------------------------------------------------------------------------------------------------------- */

/* What the formula is evaluated at, and how far it may be off: entry by entry. Where it is `known`, every form gives this
 * number. */
struct uncertain {
    double at, error;
    bool known;
    double number;
};

static struct uncertain given(double x)
{
    return (struct uncertain){x, 0, true, x};
}

/* a x + b y in all forms, if they agree: the products, and where b is 1 - a the differences and theirs, are numbers of the
 * format, so that each form rounds once, the exact value, and that is no tie. claim BD-bits */
static bool known_sum(double *number, enum tensor_type f, double a, struct uncertain x, double b, struct uncertain y,
                      bool between)
{
    double u = x.number, v = y.number, first = a * u, second = b * v;
    bool forms = tensor_holds(f, a) && tensor_holds(f, b) && exact_product(f, a, u) && exact_product(f, b, v);
    if (between)
        forms = forms && exact_sum(TENSOR_F64, a, b) && exact_sum(f, v, -u) && exact_product(f, a, u - v) &&
                exact_product(f, b, v - u);
    *number = nearest(f, first + second);
    return x.known && y.known && forms && (exact_sum(f, first, second) || rounds_surely(f, first + second, 0));
}

/* a x + b y, |a| <= 1, in any way that it is written: a and b may be rounded once, each product, and each sum. Where b is
 * 1 - a (`between`) the forms x + b (y - x) and y + a (x - y) round differences too, so that |x| or |y| stands unweighted, and
 * 1 - a may be made of a rounded a: 4 u (|x| + |y|) bounds all. u / (1 - 16 u) pays for what is of higher order, the least
 * number of the format for underflow, that of a constant included. claim BD-momentum */
static struct uncertain combined(enum tensor_type f, double a, struct uncertain x, double b, struct uncertain y,
                                 bool between)
{
    double u = unit_roundoff(f), inherited = fabs(a) * x.error + fabs(b) * y.error;
    double sizes = fabs(x.at) + x.error + (between ? 1 : fabs(b)) * (fabs(y.at) + y.error);
    double made = 4 * u / (1 - 16 * u) * sizes + least_number(f) * (4 + fabs(y.at) + y.error);
    struct uncertain sum = {a * x.at + b * y.at, inherited + made, false, 0};
    sum.known = known_sum(&sum.number, f, a, x, b, y, between);
    return sum;
}

/* x / (1 - beta^t). The power has 2 t - 1 roundings if a rounded beta is multiplied t times, and t + 1 at least are allowed
 * for; 1 - beta^t is smaller than it by a factor, its own rounding and that of the quotient follow. 1.25 pays for what is of
 * higher order while all of it is at most 1 / 6, and the power's part 1 / 16. */
static struct uncertain unbiased(enum tensor_type f, struct uncertain x, double beta, size_t t)
{
    double u = unit_roundoff(f), power = power_of(beta, t), rest = 1 - power,
           roundings = (double)(t > 2 ? 2 * t : t + 1);
    double relative = (roundings * power / rest + 2) * u;
    bool small = relative <= 1.0 / 6 && roundings * u <= 1.0 / 16;
    return (struct uncertain){x.at / rest,
                              small ? (x.error + (fabs(x.at) + x.error) * 1.25 * relative) / rest : INFINITY, false, 0};
}

static struct uncertain next_buffer(enum tensor_type f, const struct assay_dialect *d, double beta, size_t t,
                                    struct uncertain m, struct uncertain g)
{
    if (d->momentum == ASSAY_MOMENTUM_NONE)
        return m;
    if (d->momentum == ASSAY_MOMENTUM_HEAVY_BALL && d->dampening != 0 && t == 1)
        return g;
    bool average = d->momentum == ASSAY_MOMENTUM_EMA;
    double less = average ? beta : d->dampening;
    g.known &= exact_sum(TENSOR_F64, 1, -less);
    return combined(f, beta, m, 1 - less, g, average);
}

static struct uncertain direction_input(enum tensor_type f, const struct assay_dialect *d, double beta, size_t t,
                                        struct uncertain m, struct uncertain g)
{
    if (d->momentum == ASSAY_MOMENTUM_NONE)
        return g;
    switch (d->nesterov) {
    case ASSAY_NESTEROV_LERP:
        return combined(f, beta, m, 1 - beta, g, true);
    case ASSAY_NESTEROV_ADD:
        return combined(f, beta, m, 1, g, false);
    case ASSAY_NESTEROV_SUM:
        return combined(f, 1, m, 1, g, false);
    case ASSAY_NESTEROV_NADAM:
        return combined(f, beta, unbiased(f, m, beta, t + 1), 1 - beta, unbiased(f, g, beta, t), true);
    case ASSAY_NESTEROV_UNBIASED:
        return unbiased(f, m, beta, t);
    case ASSAY_NESTEROV_RAW:
        return g;
    default:
        return m;
    }
}

/* What is known of one entry. */
struct entry {
    struct uncertain buffer, input; /* of the next step, and of the direction */
};

static struct entry entry_of(enum tensor_type f, const struct golden_case *c, const struct assay_dialect *d, size_t k)
{
    struct uncertain m = given(case_input(c, "momentum")->at[k]), g = given(case_input(c, "grad")->at[k]);
    if (d->decay == ASSAY_DECAY_L2)
        g = combined(f, 1, g, c->hyper.weight_decay, given(case_input(c, "param")->at[k]), false);
    m = next_buffer(f, d, c->hyper.momentum, c->step, m, g);
    return (struct entry){m, direction_input(f, d, c->hyper.momentum, c->step, m, g)};
}

/* Whether every form gives entry k of the answer, rounded: in the format, and where all is computed in the wider one, by `wide`,
 * and rounded at the end. */
static bool bits_are_known(enum tensor_type f, const struct answer *a, size_t k, const struct uncertain *in,
                           const struct uncertain *wide)
{
    double off = fabs(a->lo[k]) + a->radius + wide->error;
    bool same = in->number == nearest(f, a->hi[k]), sure = f == TENSOR_F64 || rounds_surely(f, a->hi[k], off);
    return in->known & same & sure;
}

/* The measures of a matrix of error bounds, through an answer that has them for its numbers. */
static void measure_errors(struct work *w, struct answer *a, enum tensor_type f, double *errors, bool bits)
{
    struct answer as_answer = *a;
    as_answer.hi = errors;
    as_answer.lo = work_alloc(w, a->count, sizeof *a->lo);
    measure_answer(answer_bounds(a, f, 0), &as_answer, 0);
    bool none = true;
    for (size_t k = 0; k < a->count; k++)
        none = none && errors[k] == 0;
    if (bits && !none)
        bound_bits(a, f);
    else
        admit(a, f, none ? PROOF_EXACT : PROOF_MOMENTUM);
}

static void bound_momentum(struct work *w, const struct golden_case *c, struct answer_class *k, enum tensor_type f)
{
    const struct assay_dialect *d = k->members[0];
    struct answer *next = &k->answers[0], *u = &k->answers[1];
    double *errors[] = {work_alloc(w, next->count, sizeof **errors), work_alloc(w, u->count, sizeof **errors)};
    bool next_known = true, u_known = true;
    for (size_t i = 0; i < next->count; i++) {
        struct entry in = entry_of(f, c, d, i), wide = entry_of(wider(f), c, d, i);
        errors[0][i] = in.buffer.error;
        errors[1][i] = in.input.error;
        next_known = next_known && bits_are_known(f, next, i, &in.buffer, &wide.buffer);
        u_known = u_known && bits_are_known(f, u, i, &in.input, &wide.input);
    }
    measure_errors(w, next, f, errors[0], next_known);
    measure_errors(w, u, f, errors[1], u_known);
}

/* ---- envelopes --------------------------------------------------------------------------------------------------------- */

void case_evaluate(struct work *w, struct evaluation *e, const struct golden_case *c,
                   const struct assay_dialect *dialect, double *const *results)
{
    struct assay_dialect d = *dialect;
    if (c->operation == OPERATION_MOMENTUM) {
        const struct tensor *g = case_input(c, "grad");
        emulate_momentum(e, &d, &c->hyper, g->count, case_input(c, "momentum")->at, g->at, case_input(c, "param")->at,
                         c->step, results[0], results[1]);
        return;
    }
    if (c->operation == OPERATION_STEP) {
        for (size_t p = 0; p < case_parameters(c); p++) {
            double *const *to = results + STEP_OUTPUTS * p;
            bool *present = work_alloc(w, case_input(c, "grads")->shape[0], sizeof *present);
            assay_run run = case_run(c, p, present);
            assay_steps after = {.params.hi = to[0], .updates.hi = to[1], .momentum.hi = to[2]};
            emulate_step(w, e, &d, &c->hyper, &run, &after);
        }
        return;
    }
    const struct tensor *x = case_input(c, "G");
    struct shape shape = {.ndim = x->ndim};
    memcpy(shape.size, x->shape, x->ndim * sizeof *x->shape);
    if (c->operation == OPERATION_NEWTON_SCHULZ) { /* the iterate alone */
        d.direction = ASSAY_DIRECTION_NEWTON_SCHULZ;
        d.post = ASSAY_POST_NONE;
    }
    emulate_direction(w, e, &d, shape, x->at, results[0]);
}

static uint64_t ensemble_of(const struct golden_case *c, const struct answer_class *k, bool held_out)
{
    uint64_t seed = input_seed(c->id) ^ input_seed(k->name);
    return held_out ? ~seed : seed;
}

/* The largest error of an ensemble: errors[a] is slabs x MEASURES of answer a. */
static void spread(struct work *w, const struct golden_case *c, const struct answer_class *k, enum tensor_type f,
                   bool held_out, double *const *errors)
{
    struct work_block *mark = work_mark(w);
    double *results[CASE_ANSWERS];
    for (size_t a = 0; a < k->answer_count; a++)
        results[a] = work_alloc(w, k->answers[a].count, sizeof(double));
    for (size_t member = 0; member < ENVELOPE_MEMBERS; member++) {
        struct work_block *inner = work_mark(w);
        struct evaluation e = evaluation_draw(f, ensemble_of(c, k, held_out), member, held_out);
        /* Dialects of one answer may go different ways to it: an exact LMO by a norm or by an SVD. */
        case_evaluate(w, &e, c, k->members[member % k->member_count], results);
        for (size_t a = 0; a < k->answer_count; a++)
            for (size_t s = 0; s < k->answers[a].slabs; s++) {
                const struct answer *answer = &k->answers[a];
                double found[MEASURES], *most = errors[a] + s * MEASURES;
                measure_error(found, answer, f, s, results[a] + s * (answer->count / answer->slabs));
                for (size_t m = 0; m < MEASURES; m++)
                    most[m] = found[m] <= most[m] ? most[m] : isfinite(found[m]) ? found[m] : INFINITY;
            }
        work_release(w, inner);
    }
    work_release(w, mark);
}

static void bound_by_envelope(struct work *w, const struct golden_case *c, struct answer_class *k, enum tensor_type f)
{
    double *errors[CASE_ANSWERS];
    for (size_t a = 0; a < k->answer_count; a++)
        errors[a] = answer_bounds(&k->answers[a], f, 0);
    spread(w, c, k, f, false, errors);
    bool step = c->operation == OPERATION_STEP;
    double u = unit_roundoff(step && f != TENSOR_F64 ? TENSOR_F32 : f);
    for (size_t a = 0; a < k->answer_count; a++) {
        struct answer *answer = &k->answers[a];
        /* An update is a difference of two parameters, each rounded. */
        const struct answer *rounds = step && a % STEP_OUTPUTS == 1 ? answer - 1 : answer;
        for (size_t s = 0; s < answer->slabs; s++) {
            double size[MEASURES], *bounds = answer_bounds(answer, f, s);
            measure_answer(size, rounds, s);
            for (size_t m = 0; m < MEASURES; m++)
                bounds[m] = ENVELOPE_FACTOR * fmax(bounds[m], u * size[m]);
        }
        admit(answer, f, PROOF_ENVELOPE);
    }
}

/* Of a run in which the exact LMO had a choice only what it does not touch has one answer: the buffer, where that is made of
 * gradients. */
static void forget_choices(struct answer_class *k, enum tensor_type f)
{
    for (size_t a = 0; a < k->answer_count; a++)
        if (a % STEP_OUTPUTS < 2 || k->members[0]->direction_first)
            bound_by(&k->answers[a], f, INFINITY, PROOF_NONE);
}

/* ---- a case ------------------------------------------------------------------------------------------------------------- */

static void bound_class(struct work *w, const struct golden_case *c, struct answer_class *k, enum tensor_type f,
                        struct spectrum *spectrum)
{
    switch (c->operation) {
    case OPERATION_SVD:
        bound_svd(c, &k->answers[0], f);
        break;
    case OPERATION_POLAR:
    case OPERATION_LMO:
        bound_minimiser(w, c, k, f, spectrum);
        break;
    case OPERATION_MOMENTUM:
        bound_momentum(w, c, k, f);
        break;
    default:
        bound_by_envelope(w, c, k, f);
        if (!k->unique && c->operation == OPERATION_STEP)
            forget_choices(k, f);
    }
}

static void bound_case(struct work *w, void *pointer)
{
    struct golden_case *c = pointer;
    struct spectrum spectrum = {0};
    for (size_t k = 0; k < c->class_count; k++)
        for (size_t f = 0; f < FORMATS; f++)
            if (case_fits(c, (enum tensor_type)f) && !c->classes[k].undefined)
                bound_class(w, c, &c->classes[k], (enum tensor_type)f, &spectrum);
}

assay_status case_bound(struct golden_case *c, const assay_options *options)
{
    return work_run(options, bound_case, c);
}

struct held_out {
    const struct golden_case *c;
    double *worst;
};

static void hold_out(struct work *w, void *pointer)
{
    const struct held_out *h = pointer;
    const struct golden_case *c = h->c;
    for (size_t k = 0; k < c->class_count; k++)
        for (size_t f = 0; f < FORMATS; f++) {
            const struct answer_class *class = &c->classes[k];
            double *errors[CASE_ANSWERS];
            if (!case_fits(c, (enum tensor_type)f) || class->undefined)
                continue;
            for (size_t a = 0; a < class->answer_count; a++)
                errors[a] = work_alloc(w, class->answers[a].slabs * MEASURES, sizeof(double));
            spread(w, c, class, (enum tensor_type)f, true, errors);
            for (size_t a = 0; a < class->answer_count; a++) {
                const double *bounds = answer_bounds(&class->answers[a], (enum tensor_type)f, 0);
                for (size_t l = 0; l < class->answers[a].slabs * MEASURES; l++)
                    if (isfinite(bounds[l]) && !(errors[a][l] <= h->worst[f] * bounds[l]))
                        h->worst[f] = errors[a][l] / bounds[l];
            }
        }
}

assay_status case_held_out(double worst[FORMATS], const struct golden_case *c, const assay_options *options)
{
    struct held_out h = {c, worst};
    memset(worst, 0, FORMATS * sizeof *worst);
    bool has =
        c->operation == OPERATION_NEWTON_SCHULZ || c->operation == OPERATION_COSH_RMS || c->operation == OPERATION_STEP;
    return has ? work_run(options, hold_out, &h) : ASSAY_OK;
}
