#include "bounds.h"

#include "certificate.h"
#include "golden_support.h"
#include "io_support.h"
#include "jacobi.h"
#include "measure.h"
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 24 * 40 };
static char sentence[ASSAY_MESSAGE_SIZE];
static const assay_options alone = {.threads = 1, .message = sentence, .message_size = sizeof sentence};

/* The largest error over bound of a result, of all measures; infinite where there is no number. */
static double ratio(const struct answer *a, enum tensor_type f, const double *result)
{
    double errors[MEASURES], worst = 0;
    measure_error(errors, a, f, 0, result);
    for (size_t m = 0; m < MEASURES; m++) {
        double over = errors[m] == 0 ? 0 : errors[m] / answer_bounds(a, f, 0)[m];
        worst = over <= worst ? worst : over >= 0 ? over : (double)INFINITY;
    }
    return worst;
}

static double length(const double *x, size_t count)
{
    double sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += x[k] * x[k];
    return sqrt(sum);
}

/* The case again, of other numbers, which all formats hold. */
static void refill(struct golden_case *c, uint64_t *state)
{
    struct golden_case other = *c;
    other.class_count = 0;
    for (size_t i = 0; i < c->input_count; i++)
        for (size_t k = 0; k < c->inputs[i].count; k++)
            c->inputs[i].at[k] = rint(random_gaussian(state) * 32) / 32;
    c->input_count = 0;
    case_free(c);
    *c = other;
    c->classes = NULL;
    ck_assert_int_eq(case_compute(c, &alone), ASSAY_OK);
    ck_assert_int_eq(case_bound(c, &alone), ASSAY_OK);
}

/* ---- what kind of bound there is ----------------------------------------------------------------------------------- */

START_TEST(proofs_are_of_the_right_kind)
{
    static const struct {
        enum operation operation;
        const char *id, *class;
        size_t answer;
        enum proof proofs[FORMATS]; /* F64, F32, F16, BF16 */
    } these[] = {
        {OPERATION_SVD, "svd-gaussian-3x5", "", 0, {PROOF_WEYL, PROOF_WEYL, PROOF_WEYL, PROOF_WEYL}},
        {OPERATION_SVD, "svd-zero-8x8", "", 0, {PROOF_EXACT, PROOF_EXACT, PROOF_EXACT, PROOF_EXACT}},
        {OPERATION_SVD, "svd-gaussian-8x8-least", "", 0, {PROOF_WEYL, PROOF_NONE, PROOF_NONE, PROOF_NONE}},
        {OPERATION_POLAR, "polar-hadamard-8x8", "", 0, {PROOF_POLAR, PROOF_POLAR, PROOF_POLAR, PROOF_POLAR}},
        {OPERATION_POLAR, "polar-low-rank-8x8", "", 0, {PROOF_NONE, PROOF_NONE, PROOF_NONE, PROOF_NONE}},
        {OPERATION_POLAR, "polar-one-tiny-8x8", "", 0, {PROOF_POLAR, PROOF_NONE, PROOF_NONE, PROOF_NONE}},
        {OPERATION_LMO, "lmo-fine-8x8-max", "", 0, {PROOF_EXACT, PROOF_EXACT, PROOF_NONE, PROOF_NONE}},
        {OPERATION_LMO, "lmo-fine-8x8-sum", "", 0, {PROOF_EXACT, PROOF_EXACT, PROOF_NONE, PROOF_NONE}},
        {OPERATION_LMO, "lmo-signs-8x8-sum", "", 0, {PROOF_NONE, PROOF_NONE, PROOF_NONE, PROOF_NONE}},
        {OPERATION_LMO,
         "lmo-gaussian-5x3-row",
         "",
         0,
         {PROOF_UNIT_VECTORS, PROOF_UNIT_VECTORS, PROOF_UNIT_VECTORS, PROOF_UNIT_VECTORS}},
        {OPERATION_LMO, "lmo-zero-row-8x8-row", "", 0, {PROOF_NONE, PROOF_NONE, PROOF_NONE, PROOF_NONE}},
        {OPERATION_LMO, "lmo-gaussian-5x3-nuclear", "", 0, {PROOF_POLAR, PROOF_POLAR, PROOF_POLAR, PROOF_POLAR}},
        {OPERATION_LMO, "lmo-gaussian-1x6-nuclear", "", 0, {PROOF_POLAR, PROOF_POLAR, PROOF_POLAR, PROOF_POLAR}},
        {OPERATION_LMO, "lmo-near-tie-8x8-nuclear", "", 0, {PROOF_POLAR, PROOF_NONE, PROOF_NONE, PROOF_NONE}},
        {OPERATION_LMO, "lmo-hadamard-8x8-nuclear", "", 0, {PROOF_NONE, PROOF_NONE, PROOF_NONE, PROOF_NONE}},
        {OPERATION_MOMENTUM,
         "momentum-gaussian-3x5-1",
         "jordan",
         1,
         {PROOF_BITS, PROOF_BITS, PROOF_MOMENTUM, PROOF_MOMENTUM}},
        {OPERATION_MOMENTUM, "momentum-fine-3x5-1", "jordan", 1, {PROOF_BITS, PROOF_MOMENTUM, PROOF_NONE, PROOF_NONE}},
        {OPERATION_MOMENTUM,
         "momentum-one-rounding-4x6-0",
         "jordan",
         1,
         {PROOF_BITS, PROOF_BITS, PROOF_BITS, PROOF_BITS}},
        {OPERATION_MOMENTUM,
         "momentum-one-rounding-4x6-0",
         "optax", /* divides by 1 - beta^t */
         1,
         {PROOF_MOMENTUM, PROOF_MOMENTUM, PROOF_MOMENTUM, PROOF_MOMENTUM}},
        {OPERATION_LMO, "lmo-one-rounding-4x6-max", "", 0, {PROOF_EXACT, PROOF_BITS, PROOF_BITS, PROOF_BITS}},
        {OPERATION_LMO, "lmo-one-rounding-4x6-sum", "", 0, {PROOF_EXACT, PROOF_BITS, PROOF_BITS, PROOF_BITS}},
        {OPERATION_COSH_RMS,
         "cosh-rms-gaussian-5x3",
         "auon-paper",
         0,
         {PROOF_ENVELOPE, PROOF_ENVELOPE, PROOF_ENVELOPE, PROOF_ENVELOPE}},
        {OPERATION_NEWTON_SCHULZ,
         "newton-schulz-gaussian-2x2",
         "jordan",
         0,
         {PROOF_ENVELOPE, PROOF_ENVELOPE, PROOF_ENVELOPE, PROOF_ENVELOPE}},
    };
    for (size_t n = 0; n < sizeof these / sizeof these[0]; n++) {
        struct golden_case c = golden_bounded(these[n].operation, these[n].id);
        const struct answer_class *k = class_of(&c, these[n].class);
        const struct answer *a = &k->answers[these[n].answer];
        for (size_t f = 0; f < FORMATS; f++) {
            double size[MEASURES], *bounds = answer_bounds(a, (enum tensor_type)f, 0);
            measure_answer(size, a, 0);
            ck_assert_msg(a->proofs[f] == these[n].proofs[f], "%s, %s: %s", these[n].id,
                          tensor_type_name((enum tensor_type)f), proof_names[a->proofs[f]]);
            for (size_t m = 0; m < MEASURES && case_fits(&c, (enum tensor_type)f); m++) {
                ck_assert((a->proofs[f] == PROOF_NONE) == (isinf(bounds[m]) != 0));
                ck_assert((a->proofs[f] == PROOF_EXACT || a->proofs[f] == PROOF_BITS) == (bounds[m] == 0));
                /* where there is one, the zero matrix fails; and files hold it in four bytes, if they can */
                ck_assert(m > 0 || isinf(bounds[m]) || size[m] == 0 || bounds[m] < size[m]);
                ck_assert(isinf(bounds[m]) || bounds[m] < 0x1p-149 || bounds[m] == nearest(TENSOR_F32, bounds[m]));
            }
        }
        case_free(&c);
    }
}
END_TEST

/* Of formats that do not hold the inputs, and of undefined classes, there are no bounds. */
START_TEST(where_nothing_is_judged_there_are_none)
{
    struct golden_case c = golden_bounded(OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-8x8-subnormal");
    for (size_t k = 0; k < c.class_count; k++)
        for (size_t m = 0; m < MEASURES; m++)
            ck_assert(answer_bounds(&c.classes[k].answers[0], TENSOR_F16, 0)[m] == 0 &&
                      answer_bounds(&c.classes[k].answers[0], TENSOR_F32, 0)[m] > 0 &&
                      c.classes[k].answers[0].proofs[TENSOR_F16] == PROOF_NONE);
    case_free(&c);
    c = golden_computed(OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-2x2");
    c.classes[0].undefined = true; /* its answers are not looked at */
    double worst[FORMATS];
    ck_assert_int_eq(case_bound(&c, &alone), ASSAY_OK);
    ck_assert(answer_bounds(&c.classes[0].answers[0], TENSOR_F64, 0)[0] == 0);
    ck_assert(answer_bounds(&c.classes[1].answers[0], TENSOR_F64, 0)[0] > 0);
    ck_assert_int_eq(case_held_out(worst, &c, &alone), ASSAY_OK);
    ck_assert(worst[TENSOR_F64] > 0 && worst[TENSOR_F64] < 1);
    case_free(&c);
}
END_TEST

/* A radius that a format does not hold is rounded in it. */
START_TEST(signs_of_any_radius)
{
    struct golden_case c = golden_named(OPERATION_LMO, "lmo-ternary-8x8-max");
    for (size_t k = 0; k < 64; k++)
        c.inputs[0].at[k] = k % 3 ? 1 : -1;
    c.radius = 0x1.002p-3; /* a tie of binary16 */
    ck_assert_int_eq(case_compute(&c, &alone), ASSAY_OK);
    ck_assert_int_eq(case_bound(&c, &alone), ASSAY_OK);
    const struct answer *a = &c.classes[0].answers[0];
    ck_assert(a->proofs[TENSOR_F64] == PROOF_EXACT && answer_bounds(a, TENSOR_F64, 0)[0] == 0);
    ck_assert(a->proofs[TENSOR_F16] == PROOF_UNIT_VECTORS);
    double d[64];
    for (size_t k = 0; k < 64; k++)
        d[k] = nearest(TENSOR_F16, a->hi[k]);
    double over = ratio(a, TENSOR_F16, d);
    ck_assert(over <= 1 && over > 0.25);
    case_free(&c);
}
END_TEST

/* In a run with a choice of minimisers only the buffer of gradients is judged. */
START_TEST(choices_are_forgotten)
{
    struct golden_case c = golden_computed(OPERATION_STEP, "step-low-rank-4x6");
    size_t choosing = 0;
    for (size_t k = 0; k < c.class_count; k++) /* those alone: it is quicker */
        if (c.classes[k].unique)
            c.classes[k].undefined = true;
        else
            choosing++;
    ck_assert_uint_gt(choosing, 0);
    ck_assert_int_eq(case_bound(&c, &alone), ASSAY_OK);
    for (size_t k = 0; k < c.class_count; k++) {
        const struct answer_class *class = &c.classes[k];
        if (class->undefined)
            continue;
        bool first = assay_dialect_find(class->name)->direction_first;
        ck_assert(class->answers[0].proofs[TENSOR_F32] == PROOF_NONE);
        ck_assert(class->answers[1].proofs[TENSOR_F32] == PROOF_NONE);
        ck_assert(class->answers[2].proofs[TENSOR_F32] == (first ? PROOF_NONE : PROOF_ENVELOPE));
        ck_assert(isinf(answer_bounds(&class->answers[0], TENSOR_F32, 3)[MEASURE_ENTRY]));
    }
    for (size_t k = 0; k < c.class_count; k++)
        c.classes[k].undefined = false;
    case_free(&c);
}
END_TEST

/* ---- singular values, polar factors --------------------------------------------------------------------------------- */

/* a + e, e of Frobenius norm `size`: random, along a, or a rotation of a. */
static void disturb(uint64_t *state, double *a, size_t m, size_t n, double size, size_t kind)
{
    static double e[MOST];
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            e[i * n + j] = kind == 0   ? random_gaussian(state)
                           : kind == 1 ? a[i * n + j]
                                       : (i % 2       ? -a[(i - 1) * n + j]
                                          : i + 1 < m ? a[(i + 1) * n + j]
                                                      : 0);
    double total = length(e, m * n);
    for (size_t k = 0; k < m * n; k++)
        a[k] += e[k] / total * size;
}

/* The singular values in descending order, and, unless NULL, the polar factor or that of the first singular vectors. */
static void decompose(const double *a, size_t m, size_t n, double *s, double *q, bool first_only)
{
    static double us[MOST], v[MOST];
    bool wide = m < n;
    size_t rows = wide ? n : m, cols = wide ? m : n, top = 0;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            us[wide ? j * cols + i : i * cols + j] = a[i * n + j];
    jacobi_svd(us, v, s, rows, cols);
    for (size_t k = 0; k < cols; k++)
        top = s[k] > s[top] ? k : top;
    for (size_t i = 0; q && i < rows; i++)
        for (size_t j = 0; j < cols; j++) {
            double sum = 0;
            for (size_t k = 0; k < cols; k++)
                sum += first_only && k != top ? 0 : us[i * cols + k] / s[k] * v[j * cols + k];
            q[wide ? j * n + i : i * n + j] = sum;
        }
    for (size_t k = 0; k < cols; k++)
        for (size_t l = k + 1; l < cols; l++)
            if (s[l] > s[k]) {
                double kept = s[k];
                s[k] = s[l];
                s[l] = kept;
            }
}

/* Of what is exact for G + E, ||E||_F = backward_error() ||G||_F, and then moved by u or t of its size, errors are within the
 * bound: ||E||_F for singular values (Mirsky), 2 ||E||_F / (s + s~) for polar factors (Li). Some of these E come near: of
 * half the bound they would not stay within. binary64 is left out: this decomposition rounds there too. */
static double check_disturbed(enum operation o, const char *id)
{
    static double a[MOST], q[MOST], s[64];
    uint64_t state = 3;
    double worst = 0;
    struct golden_case c = golden_bounded(o, id);
    const struct tensor *g = case_input(&c, "G");
    const struct answer *answer = &c.classes[0].answers[0];
    size_t m = g->shape[0], n = g->shape[1];
    for (size_t f = TENSOR_F32; f < FORMATS; f++) {
        enum tensor_type format = (enum tensor_type)f;
        if (!case_fits(&c, format) || answer->proofs[format] == PROOF_NONE)
            continue;
        for (size_t trial = 0; trial < rounds(120); trial++) {
            memcpy(a, g->at, g->count * sizeof *a);
            double t = backward_error(format, m, n), tame = 1 - 1e-6;
            disturb(&state, a, m, n, t * length(a, g->count) * tame, trial % (m > 1 ? 3 : 2));
            decompose(a, m, n, s, o == OPERATION_SVD ? NULL : q, c.norm == ASSAY_NORM_NUCLEAR);
            double *result = o == OPERATION_SVD ? s : q, size = length(answer->hi, answer->count), apart = 0;
            double scale = o == OPERATION_LMO ? -size / length(q, g->count) : 1;
            for (size_t k = 0; k < answer->count; k++) {
                result[k] *= scale;
                apart += (result[k] - answer->hi[k]) * (result[k] - answer->hi[k]);
            }
            double rest = (o == OPERATION_SVD ? unit_roundoff(format) : t) * size * tame,
                   more = apart > 0 ? rest / sqrt(apart) : 0;
            for (size_t k = 0; k < answer->count; k++) /* on, in the direction of the error */
                result[k] += (result[k] - answer->hi[k]) * more;
            double over = ratio(answer, format, result);
            ck_assert_msg(over <= 1, "%s, %s: %g", id, tensor_type_name(format), over);
            worst = fmax(worst, over);
        }
    }
    case_free(&c);
    return worst;
}

START_TEST(disturbed_matrices_are_within_bounds)
{
    ck_assert_double_gt(check_disturbed(OPERATION_SVD, "svd-gaussian-8x12"), 0.9);
    ck_assert_double_gt(check_disturbed(OPERATION_SVD, "svd-clustered-16x4"), 0.9);
    check_disturbed(OPERATION_SVD, "svd-low-rank-8x8");
    ck_assert_double_gt(check_disturbed(OPERATION_POLAR, "polar-hadamard-8x8"), 0.9);
    ck_assert_double_gt(check_disturbed(OPERATION_POLAR, "polar-repeated-16x4"), 0.1);
    check_disturbed(OPERATION_POLAR, "polar-gaussian-12x8");
    check_disturbed(OPERATION_POLAR, "polar-gaussian-3x5");
    check_disturbed(OPERATION_LMO, "lmo-gaussian-5x3-spectral");
    check_disturbed(OPERATION_LMO, "lmo-gaussian-24x40-rms");
    ck_assert_double_gt(check_disturbed(OPERATION_LMO, "lmo-gaussian-1x6-nuclear"), 0.5);
    check_disturbed(OPERATION_LMO, "lmo-gaussian-5x3-nuclear");
}
END_TEST

/* ---- unit vectors ----------------------------------------------------------------------------------------------------- */

/* Honest evaluations of x / ||x||, in every order and format, of random matrices: within ((N / 2 + 2) u' + 4 u) ||D||_F, and
 * beyond a sixteenth of that. */
START_TEST(unit_vectors_are_within_bounds)
{
    static const enum assay_norm norms[] = {ASSAY_NORM_FROBENIUS, ASSAY_NORM_COLUMN, ASSAY_NORM_ROW};
    uint64_t state = 4;
    for (size_t n = 0; n < 3; n++) {
        char id[CASE_TEXT];
        double o[15], worst[FORMATS] = {0};
        snprintf(id, sizeof id, "lmo-gaussian-5x3-%s", norm_names()[norms[n]]);
        struct golden_case c = golden_computed(OPERATION_LMO, id);
        struct assay_dialect d = *assay_dialect_find("trust-region");
        d.norm = norms[n];
        for (size_t trial = 0; trial < rounds(60); trial++) {
            refill(&c, &state);
            const struct answer *a = &c.classes[0].answers[0];
            for (size_t f = 0; f < FORMATS; f++)
                for (size_t member = 0; member < 16; member++) {
                    struct evaluation e = evaluation_draw((enum tensor_type)f, trial, member, true);
                    emulated_direction(&e, &d, &c.inputs[0], o);
                    for (size_t k = 0; k < 15; k++)
                        o[k] *= -c.radius;
                    double over = ratio(a, (enum tensor_type)f, o);
                    ck_assert_msg(over <= 1, "%s, %s: %g", id, tensor_type_name((enum tensor_type)f), over);
                    worst[f] = fmax(worst[f], over);
                }
        }
        for (size_t f = 0; f < FORMATS; f++)
            ck_assert_double_gt(worst[f], 0.0625);
        case_free(&c);
    }
}
END_TEST

/* ---- momentum ---------------------------------------------------------------------------------------------------------- */

/* Every form of the buffer, of Nesterov, and of decay. */
static struct assay_dialect form(size_t n)
{
    struct assay_dialect d = *assay_dialect_find("jordan");
    d.momentum = n % 4 == 0 ? ASSAY_MOMENTUM_NONE : n % 4 == 1 ? ASSAY_MOMENTUM_EMA : ASSAY_MOMENTUM_HEAVY_BALL;
    d.dampening = n % 4 == 3 ? 0.5 : 0;
    d.nesterov = (enum assay_nesterov)(n / 4 % 7);
    d.decay = n / 28 % 2 ? ASSAY_DECAY_L2 : ASSAY_DECAY_DECOUPLED;
    return d;
}
enum { FORMS = 56 };

/* The answers of the first class are those of the dialect, and it is the only one. */
static void answer_as(struct golden_case *c, const struct assay_dialect *d)
{
    const struct tensor *m = &c->inputs[0], *g = &c->inputs[1], *p = &c->inputs[2];
    struct answer *a = c->classes[0].answers;
    assay_tensor_answer next = {a[0].hi, a[0].lo, 0}, u = {a[1].hi, a[1].lo, 0};
    assay_tensor mt = {m->at, 2, {m->shape[0], m->shape[1]}}, gt = {g->at, 2, {g->shape[0], g->shape[1]}};
    ck_assert_int_eq(assay_ref_momentum(&next, &u, d, &c->hyper, mt, gt, p->at, c->step, &alone), ASSAY_OK);
    a[0].radius = next.radius;
    a[1].radius = u.radius;
    c->classes[0].members[0] = d;
    ck_assert_int_eq(case_bound(c, &alone), ASSAY_OK);
}

/* Honest evaluations of every form, in every format, of random numbers, at steps 1 to 9: within the bounds, but not within an
 * eighth of them; without momentum nothing is rounded, and the bound is 0; and where bits are
 * proved, every evaluation has them. With 1 - beta off by a thousandth results in
 * binary32 and binary64 are beyond them. */
START_TEST(momentum_is_within_bounds)
{
    static const enum tensor_type fullest[] = {TENSOR_BF16, TENSOR_F32, TENSOR_F64};
    uint64_t state = 5;
    struct golden_case c = golden_computed(OPERATION_MOMENTUM, "momentum-gaussian-3x5-2");
    size_t classes = c.class_count, wrong = 0, seen = 0, known = 0;
    double worst[FORMATS] = {0}, next[15], u[15];
    for (size_t trial = 0; trial < rounds(9) * FORMS; trial++) {
        struct assay_dialect d = form(trial % FORMS);
        enum tensor_type full = fullest[trial / FORMS % 3];
        for (size_t i = 0; i < 3; i++)
            for (size_t k = 0; k < 15; k++)
                c.inputs[i].at[k] = nearest(full, full == TENSOR_BF16 ? rint(random_gaussian(&state) * 64) / 64
                                                                      : random_gaussian(&state));
        c.step = 1 + trial / FORMS % 9;
        c.class_count = 1;
        answer_as(&c, &d);
        const struct answer *a = c.classes[0].answers;
        for (size_t f = 0; f < FORMATS; f++)
            for (size_t member = 0; member < 9 && case_fits(&c, (enum tensor_type)f); member++) {
                struct evaluation e = evaluation_draw((enum tensor_type)f, trial, member, true);
                assay_hyper hyper = c.hyper;
                if (member == 8)
                    hyper.momentum = 1 - (1 - hyper.momentum) * 1.001;
                emulate_momentum(&e, &d, &hyper, 15, c.inputs[0].at, c.inputs[1].at, c.inputs[2].at, c.step, next, u);
                double first = ratio(&a[0], (enum tensor_type)f, next),
                       over = fmax(first, ratio(&a[1], (enum tensor_type)f, u));
                if (member < 8) {
                    ck_assert_msg(over <= 1, "form %zu, %s, step %zu: %g", trial % FORMS,
                                  tensor_type_name((enum tensor_type)f), c.step, over);
                    worst[f] = fmax(worst[f], over);
                } else if (f <= TENSOR_F32 && d.momentum == ASSAY_MOMENTUM_EMA) {
                    wrong++;
                    seen += first > 1;
                }
                bool exact =
                    d.momentum == ASSAY_MOMENTUM_NONE || (d.dampening != 0 && c.step == 1 && d.decay != ASSAY_DECAY_L2);
                known += a[0].proofs[f] == PROOF_BITS && member == 0;
                ck_assert(exact ? a[0].proofs[f] == PROOF_EXACT
                                : a[0].proofs[f] == PROOF_MOMENTUM || a[0].proofs[f] == PROOF_BITS);
            }
    }
    ck_assert(known > 10);
    for (size_t f = 0; f < FORMATS; f++)
        ck_assert_double_gt(worst[f], 0.125);
    ck_assert(wrong > 100 && seen == wrong);
    c.class_count = classes;
    case_free(&c);
}
END_TEST

/* A relative error (r power / (1 - power) + 2) u, power = beta^t, r = 2 t for t > 2 and t + 1 else, is bounded up to 1 / 6, and r u
 * up to 1 / 16: in bfloat16 32 / 256 is, 64 / 256 is not; nor are 2 t / 256 from t = 9. In binary32 all are. */
START_TEST(rough_bias_corrections_have_no_bound)
{
    static const struct {
        double beta;
        size_t t;
        enum proof proof; /* in bfloat16 */
    } these[] = {{0.9375, 1, PROOF_MOMENTUM}, {0.96875, 1, PROOF_NONE}, {0.5, 8, PROOF_MOMENTUM}, {0.5, 9, PROOF_NONE}};
    struct golden_case c = golden_computed(OPERATION_MOMENTUM, "momentum-gaussian-3x5-1");
    size_t classes = c.class_count;
    const struct assay_dialect d = form(21);
    ck_assert(d.momentum == ASSAY_MOMENTUM_EMA && d.nesterov == ASSAY_NESTEROV_UNBIASED);
    c.class_count = 1;
    for (size_t n = 0; n < sizeof these / sizeof these[0]; n++) {
        c.hyper.momentum = these[n].beta;
        c.step = these[n].t;
        answer_as(&c, &d);
        const enum proof *proofs = c.classes[0].answers[1].proofs;
        ck_assert_msg(proofs[TENSOR_BF16] == these[n].proof, "%zu: %s", n, proof_names[proofs[TENSOR_BF16]]);
        ck_assert(proofs[TENSOR_F32] == PROOF_MOMENTUM);
    }
    c.class_count = classes;
    case_free(&c);
}
END_TEST

struct evaluate_args {
    struct evaluation *e;
    const struct golden_case *c;
    const struct assay_dialect *d;
    double *const *results;
};

static void evaluate(struct work *w, void *pointer)
{
    const struct evaluate_args *a = pointer;
    case_evaluate(w, a->e, a->c, a->d, a->results);
}

/* Of the cases that round once the bits of every output of every dialect are proved in the format that they fill, but where a bias
 * is divided out: 128 honest evaluations give them, to the bit, and a neighbour of any entry fails. */
START_TEST(bits_are_those_of_every_evaluation)
{
    static const struct {
        const char *id;
        enum tensor_type full;
    } these[] = {{"momentum-one-rounding-4x6-0", TENSOR_BF16},
                 {"momentum-one-rounding-4x6-1", TENSOR_F16},
                 {"momentum-one-rounding-4x6-2", TENSOR_F32}};
    for (size_t n = 0; n < sizeof these / sizeof these[0]; n++) {
        struct golden_case c = golden_bounded(OPERATION_MOMENTUM, these[n].id);
        enum tensor_type f = these[n].full;
        for (size_t k = 0; k < c.class_count; k++) {
            const struct answer *a = c.classes[k].answers;
            const struct assay_dialect *d = assay_dialect_find(c.classes[k].name);
            double next[24], u[24], *results[] = {next, u};
            bool biased = d->nesterov == ASSAY_NESTEROV_UNBIASED || d->nesterov == ASSAY_NESTEROV_NADAM;
            ck_assert(a[0].proofs[f] == PROOF_BITS && a[1].proofs[f] == (biased ? PROOF_MOMENTUM : PROOF_BITS));
            for (size_t member = 0; member < ENVELOPE_MEMBERS; member++) {
                struct evaluation e = evaluation_draw(f, k, member, true);
                in_work(evaluate, &(struct evaluate_args){&e, &c, d, results});
                ck_assert(ratio(&a[0], f, next) == 0 && (biased || ratio(&a[1], f, u) == 0));
            }
            for (size_t i = 0; i < 24; i++) {
                double kept = next[i], unit = ldexp(2 * unit_roundoff(f), ilogb(kept));
                for (int sign = -1; sign <= 1; sign += 2) {
                    next[i] = kept + sign * unit;
                    ck_assert(isinf(ratio(&a[0], f, next)));
                }
                next[i] = kept;
            }
        }
        case_free(&c);
    }
}
END_TEST

/* One entry of a case that rounds once is changed: (m + g) / 2 is a tie, so that nothing is proved of bfloat16, but all of
 * binary32; (m + g) / 2 with a difference that rounds; and a product that does. A radius near a tie is rounded twice, or once. */
START_TEST(ties_are_not_certified)
{
    static const struct {
        double m, g, beta;
        enum proof proof; /* in bfloat16 */
    } these[] = {{239.0 / 256, 336.0 / 256, 0.5, PROOF_BITS},        {242.0 / 256, 336.0 / 256, 0.5, PROOF_MOMENTUM},
                 {240.0 / 256, 336.0 / 256, 0.5, PROOF_BITS},        {-239.0 / 256, 336.0 / 256, 0.5, PROOF_MOMENTUM},
                 {239.0 / 256, 336.0 / 256, 0.9375, PROOF_MOMENTUM}, {240.0 / 256, 336.0 / 256, 0.9375, PROOF_BITS},
                 {240.0 / 256, 336.0 / 256, 0, PROOF_BITS},          {0, 336.0 / 256, 0.5, PROOF_BITS},
                 {240.0 / 256, 1.25, 0x1p-10, PROOF_MOMENTUM}}; /* 1 - 2^-10 is rounded */
    for (size_t n = 0; n < sizeof these / sizeof these[0]; n++) {
        struct golden_case c = golden_named(OPERATION_MOMENTUM, "momentum-one-rounding-4x6-0");
        for (size_t k = 0; k < 24; k++) { /* the same everywhere: beta is */
            c.inputs[0].at[k] = these[n].m;
            c.inputs[1].at[k] = these[n].g;
        }
        c.hyper.momentum = these[n].beta;
        ck_assert_int_eq(case_compute(&c, &alone), ASSAY_OK);
        ck_assert_int_eq(case_bound(&c, &alone), ASSAY_OK);
        const struct answer *a = &class_of(&c, "auon")->answers[0];
        ck_assert_msg(a->proofs[TENSOR_BF16] == these[n].proof, "%zu: %s", n, proof_names[a->proofs[TENSOR_BF16]]);
        ck_assert(a->proofs[TENSOR_F32] == PROOF_BITS && a->proofs[TENSOR_F64] == PROOF_BITS);
        case_free(&c);
    }
    static const struct {
        const char *class;
        double m, g, beta;
        enum tensor_type f;
    } never[] = {{"sgdm", 64000, 64000, 0.5, TENSOR_F16},                  /* 96000 is infinite */
                 {"auon", 240.0 / 256, 336.0 / 256, 0.95, TENSOR_BF16},    /* constants are rounded */
                 {"auon", 1, 0x1p-24, 0.5, TENSOR_F32},                    /* a difference is */
                 {"auon", 1.0 / 256, 0.75, 0.25, TENSOR_BF16},             /* 3 / 4 of a difference is */
                 {"auon", 1, 1 + 0x1p-52, 0.75, TENSOR_F64},               /* products of more bits */
                 {"auon", 0x1p-950, 0x1p-950, 0.75, TENSOR_F64},           /* where fma() may not tell */
                 {"auon", 1, 0x1p-60, 0.5, TENSOR_F64},                    /* sums of more bits */
                 {"auon", 240.0 / 256, 336.0 / 256, 0x1p-60, TENSOR_F64}}; /* 1 - beta is 1 */
    for (size_t n = 0; n < sizeof never / sizeof never[0]; n++) {
        struct golden_case c = golden_named(OPERATION_MOMENTUM, "momentum-one-rounding-4x6-0");
        for (size_t k = 0; k < 24; k++) {
            c.inputs[0].at[k] = never[n].m;
            c.inputs[1].at[k] = never[n].g;
            c.inputs[2].at[k] = 0;
        }
        c.hyper.momentum = never[n].beta;
        ck_assert_int_eq(case_compute(&c, &alone), ASSAY_OK);
        ck_assert_int_eq(case_bound(&c, &alone), ASSAY_OK);
        const struct answer *a = &class_of(&c, never[n].class)->answers[0];
        ck_assert_msg(case_fits(&c, never[n].f) && a->proofs[never[n].f] != PROOF_BITS, "%zu", n);
        case_free(&c);
    }
    static const struct {
        double radius;
        enum proof proof;
    } radii[] = {{1 + 0x1p-8, PROOF_UNIT_VECTORS},
                 {1 + 0x1p-8 + 0x1p-30, PROOF_UNIT_VECTORS},
                 {1 + 0x1p-8 + 0x1p-12, PROOF_BITS},
                 {1 + 0x1p-7, PROOF_EXACT}};
    for (size_t n = 0; n < sizeof radii / sizeof radii[0]; n++) {
        struct golden_case c = golden_named(OPERATION_LMO, "lmo-one-rounding-4x6-max");
        c.radius = radii[n].radius;
        ck_assert_int_eq(case_compute(&c, &alone), ASSAY_OK);
        ck_assert_int_eq(case_bound(&c, &alone), ASSAY_OK);
        ck_assert(c.classes[0].answers[0].proofs[TENSOR_BF16] == radii[n].proof);
        case_free(&c);
    }
}
END_TEST

/* ---- envelopes --------------------------------------------------------------------------------------------------------- */

static const struct {
    enum operation operation;
    const char *id;
} sampled[] = {{OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-3x5"},
               {OPERATION_NEWTON_SCHULZ, "newton-schulz-hadamard-8x8"},
               {OPERATION_COSH_RMS, "cosh-rms-gaussian-5x3"},
               {OPERATION_STEP, "step-gaussian-1x6"}};

/* 128 other honest evaluations stay within the bounds of each format, by which they are used up to an eighth at least: an
 * eighth of the bounds would refuse some. */
START_TEST(held_out_evaluations_pass)
{
    for (size_t n = 0; n < sizeof sampled / sizeof sampled[0]; n += stride(1)) {
        struct golden_case c = golden_bounded(sampled[n].operation, sampled[n].id);
        double worst[FORMATS];
        ck_assert_int_eq(case_held_out(worst, &c, &alone), ASSAY_OK);
        for (size_t f = 0; f < FORMATS; f++) {
            ck_assert_msg(worst[f] < 1, "%s, %s: %g", c.id, tensor_type_name((enum tensor_type)f), worst[f]);
            ck_assert_msg(worst[f] > 0.125, "%s, %s: %g", c.id, tensor_type_name((enum tensor_type)f), worst[f]);
        }
        struct answer *a = &c.classes[0].answers[0]; /* an eighth */
        double before[MEASURES];
        memcpy(before, answer_bounds(a, TENSOR_F32, 0), sizeof before);
        for (size_t m = 0; m < MEASURES; m++)
            answer_bounds(a, TENSOR_F32, 0)[m] *= 0x1p-6;
        ck_assert_int_eq(case_held_out(worst, &c, &alone), ASSAY_OK);
        ck_assert_double_gt(worst[TENSOR_F32], 1);
        case_free(&c);
    }
    double worst[FORMATS] = {1, 1, 1, 1};
    struct golden_case c = golden_bounded(OPERATION_COSH_RMS, "cosh-rms-gaussian-8x8-subnormal");
    ck_assert_int_eq(case_held_out(worst, &c, &alone), ASSAY_OK);
    ck_assert(worst[TENSOR_F32] > 0 && worst[TENSOR_F16] == 0); /* which does not hold it */
    case_free(&c);
    c = golden_bounded(OPERATION_SVD, "svd-gaussian-2x2");
    ck_assert_int_eq(case_held_out(worst, &c, &alone), ASSAY_OK);
    for (size_t f = 0; f < FORMATS; f++)
        ck_assert(worst[f] == 0);
    case_free(&c);
}
END_TEST

/* A coefficient of Newton-Schulz that is off by a thousandth, of cosh-RMS likewise: beyond the bounds in binary32 and
 * binary64. */
START_TEST(wrong_coefficients_are_seen)
{
    struct golden_case c = golden_bounded(OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-3x5");
    const struct answer_class *k = class_of(&c, "jordan");
    double o[15];
    for (size_t f = 0; f <= TENSOR_F32; f++)
        for (size_t which = 0; which <= 3; which++) {
            struct assay_dialect d = *assay_dialect_find("jordan");
            struct assay_triple p = d.coefficients->triples[0];
            p.a *= which == 1 ? 1.001 : 1;
            p.b *= which == 2 ? 1.001 : 1;
            p.c *= which == 3 ? 1.001 : 1;
            const struct assay_coefficients table = {"wrong", "", 1, &p};
            struct evaluation e = evaluation_draw((enum tensor_type)f, 9, 0, true);
            d.coefficients = &table;
            emulated_direction(&e, &d, &c.inputs[0], o);
            ck_assert((ratio(&k->answers[0], (enum tensor_type)f, o) > 1) == (which > 0));
        }
    case_free(&c);
    c = golden_bounded(OPERATION_COSH_RMS, "cosh-rms-gaussian-5x3");
    k = class_of(&c, "auon-paper");
    for (int which = 0; which < 2; which++) {
        struct assay_dialect d = *assay_dialect_find("auon-paper");
        struct evaluation e = evaluation_draw(TENSOR_F32, 9, 0, true);
        d.gamma *= which ? 1.001 : 1;
        emulated_direction(&e, &d, &c.inputs[0], o);
        ck_assert((ratio(&k->answers[0], TENSOR_F32, o) > 1) == (which > 0));
    }
    case_free(&c);
}
END_TEST

/* The bounds of a dialect that has no name of its own are of its evaluations, which pass, not of those of the named one that it
 * was changed from: Newton-Schulz of u over its spectral norm is well beyond rounding from that of u over its Frobenius norm,
 * as is a step that AdaMuon's second moments follow. Where the exact LMO of zeros has a choice, the buffer of directions is
 * forgotten too if the direction comes first, of which the named one knows nothing. */
START_TEST(bounds_are_those_of_the_changed_dialect)
{
    static const struct {
        enum operation operation;
        const char *id, *axis, *value;
    } these[] = {{OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-3x5", "normalisation", "spectral"},
                 {OPERATION_STEP, "step-gaussian-1x6", "post", "adamuon"}};
    const struct assay_dialect *jordan = assay_dialect_find("jordan");
    double first[MOST], second[MOST], third[MOST], *results[] = {first, second, third};
    for (size_t n = 0; n < sizeof these / sizeof these[0]; n++) {
        struct golden_case c = golden_named(these[n].operation, these[n].id);
        struct assay_dialect d = *jordan;
        ck_assert(assay_dialect_set(&d, these[n].axis, these[n].value));
        ck_assert_int_eq(case_compute_for(&c, &d, &alone), ASSAY_OK);
        ck_assert_int_eq(case_bound(&c, &alone), ASSAY_OK);
        ck_assert(c.classes[0].answers[0].proofs[TENSOR_F32] == PROOF_ENVELOPE);
        for (size_t member = 0; member < 16; member++) {
            struct evaluation e = evaluation_draw(TENSOR_F32, n, member, true);
            in_work(evaluate, &(struct evaluate_args){&e, &c, member < 8 ? &d : jordan, results});
            ck_assert((ratio(&c.classes[0].answers[0], TENSOR_F32, first) <= 1) == (member < 8));
        }
        case_free(&c);
    }
    struct golden_case c = golden_named(OPERATION_STEP, "step-gaussian-4x6-zero-gradient");
    struct assay_dialect d = *assay_dialect_find("signsgdm");
    d.direction_first = true;
    ck_assert_int_eq(case_compute_for(&c, &d, &alone), ASSAY_OK);
    ck_assert_int_eq(case_bound(&c, &alone), ASSAY_OK);
    ck_assert(!c.classes[0].unique && c.classes[0].answers[2].proofs[TENSOR_F32] == PROOF_NONE);
    case_free(&c);
}
END_TEST

/* Twice the same bounds, to the bit: verifying needs that. */
START_TEST(bounds_are_reproducible)
{
    for (size_t n = 0; n < sizeof sampled / sizeof sampled[0]; n += stride(1)) {
        struct golden_case a = golden_bounded(sampled[n].operation, sampled[n].id),
                           b = golden_bounded(sampled[n].operation, sampled[n].id);
        for (size_t k = 0; k < a.class_count; k++)
            for (size_t l = 0; l < a.classes[k].answer_count; l++)
                ck_assert_mem_eq(a.classes[k].answers[l].bounds, b.classes[k].answers[l].bounds,
                                 FORMATS * a.classes[k].answers[l].slabs * MEASURES * sizeof(double));
        case_free(&a);
        case_free(&b);
    }
}
END_TEST

/* ---- what goes wrong --------------------------------------------------------------------------------------------------- */

START_TEST(memory_failures_are_survived)
{
    static const char *const ids[] = {"polar-gaussian-2x2", "cosh-rms-gaussian-1x1"};
    for (size_t n = 0; n < 2; n++) {
        struct golden_case c = golden_computed(n ? OPERATION_COSH_RMS : OPERATION_POLAR, ids[n]);
        size_t failures = 0;
        bool failed = true;
        for (size_t k = 1; failed; k += 1 + (k > 60 ? k / 24 : 0)) {
            io_fail(k);
            assay_status status = case_bound(&c, &alone);
            failed = io_fail(0) != NULL;
            ck_assert(status == (failed ? ASSAY_NO_MEMORY : ASSAY_OK));
            failures += failed;
        }
        ck_assert_uint_gt(failures, 3);
        case_free(&c);
    }
}
END_TEST

RUN_TESTS("bounds", TEST(proofs_are_of_the_right_kind), TEST(where_nothing_is_judged_there_are_none),
          TEST(signs_of_any_radius), TEST(choices_are_forgotten), TEST(disturbed_matrices_are_within_bounds),
          TEST(unit_vectors_are_within_bounds), TEST(momentum_is_within_bounds),
          TEST(bits_are_those_of_every_evaluation), TEST(rough_bias_corrections_have_no_bound),
          TEST(ties_are_not_certified), TEST(held_out_evaluations_pass), TEST(wrong_coefficients_are_seen),
          TEST(bounds_are_those_of_the_changed_dialect), TEST(bounds_are_reproducible),
          TEST(memory_failures_are_survived))
