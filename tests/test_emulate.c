#include "emulate.h"

#include "golden_support.h"
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 96, STEPS = 4, MEMBERS = 12 };
static char sentence[ASSAY_MESSAGE_SIZE];
static const assay_options alone = {.threads = 1, .message = sentence, .message_size = sizeof sentence};

/* "jordan post=adamuon beta2=0.9": a named dialect, with some axes set. */
static struct assay_dialect variant(const char *text)
{
    char copy[256], *rest = NULL;
    snprintf(copy, sizeof copy, "%s", text);
    const struct assay_dialect *named = assay_dialect_find(strtok_r(copy, " ", &rest));
    ck_assert_msg(named != NULL, "%s", text);
    struct assay_dialect d = *named;
    for (char *axis; (axis = strtok_r(NULL, " ", &rest));) {
        char *value = strchr(axis, '=');
        *value++ = '\0';
        ck_assert_msg(assay_dialect_set(&d, axis, value), "%s: %s", text, axis);
    }
    return d;
}

static double length(const double *x, size_t count)
{
    double sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += x[k] * x[k];
    return sqrt(sum);
}

/* ||x - y||_F / size; infinite where it is no number. */
static double distance(const double *x, const double *y, size_t count, double size)
{
    double difference[STEPS * MOST];
    for (size_t k = 0; k < count; k++)
        difference[k] = x[k] - y[k];
    double relative = length(difference, count) / size;
    return relative >= 0 ? relative : (double)INFINITY;
}

static struct tensor tensor_of(size_t ndim, const size_t *shape, double *at)
{
    struct tensor x = {.ndim = ndim, .count = 1, .at = at};
    for (size_t d = 0; d < ndim; d++)
        x.count *= x.shape[d] = shape[d];
    ck_assert_uint_le(x.count, MOST);
    return x;
}

static assay_tensor view(const struct tensor *x)
{
    assay_tensor v = {.at = x->at, .ndim = x->ndim};
    memcpy(v.shape, x->shape, sizeof v.shape);
    return v;
}

/* Gaussian numbers of 6 bits, which all formats hold. */
static void fill(uint64_t *state, double *at, size_t count, double scale)
{
    for (size_t k = 0; k < count; k++)
        at[k] = nearest(TENSOR_BF16, rint(random_gaussian(state) * 32) / 32) * scale;
}

/* ---- directions ----------------------------------------------------------------------------------------------------- */

static const struct {
    size_t ndim, shape[4];
} direction_shapes[] = {{2, {4, 6}}, {2, {6, 3}}, {2, {9, 3}}, {3, {2, 3, 4}}, {4, {4, 3, 2, 2}}};
enum { DIRECTION_SHAPES = sizeof direction_shapes / sizeof direction_shapes[0] };

/* All that Newton-Schulz and cosh-RMS branch on. */
static const char *const directions[] = {
    "jordan",
    "jordan normalisation=max eps=1e-3",
    "jordan normalisation=max eps=1e3",
    "jordan normalisation=spectral",
    "jordan normalisation=schatten",
    "jordan normalisation=schatten eps=1e6",
    "jordan normalisation=aol",
    "jordan normalisation=aol eps=30",
    "jordan norm-factor=1.02 eps=1e-2",
    "jordan eps=0",
    "jordan pre=equilibrate",
    "jordan snap=yes",
    "jordan pre=equilibrate snap=yes normalisation=aol",
    "jordan nd=batch",
    "jordan nd=positions",
    "jordan nd=bypass-conv",
    "jordan split-thirds=yes",
    "polar-express",
    "emerging steps=7",
    "heavyball steps=7",
    "levanter",
    "modded-nanogpt",
    "gram-newton-schulz",
    "hybrid-auon",
    "auon",
    "auon-paper",
    "hybrid-auon-paper",
    "auon-paper cosh=raw gamma=2",
    "auon-paper cosh=mean-square",
    "hybrid-auon cosh=normalised nd=positions",
};

static assay_status reference_direction(const struct assay_dialect *d, const struct tensor *u, double *hi)
{
    double lo[MOST];
    assay_tensor_answer answer = {.hi = hi, .lo = lo};
    return d->direction == ASSAY_DIRECTION_COSH_RMS ? assay_ref_cosh_rms(&answer, d, view(u), &alone)
                                                    : assay_ref_newton_schulz(&answer, d, view(u), &alone);
}

/* In binary64 every member of the ensemble is the reference's formula: ||O - exact||_F <= 1e-12 ||exact||_F, of
 * well-conditioned matrices and tensors. A coefficient that is 1e-9 off is seen. */
START_TEST(directions_are_those_of_the_reference)
{
    size_t done = 0;
    for (size_t n = 0; n < sizeof directions / sizeof directions[0]; n++)
        for (size_t s = 0; s < DIRECTION_SHAPES; s++) {
            uint64_t state = s;
            double at[MOST], exact[MOST], o[MOST];
            struct assay_dialect d = variant(directions[n]);
            d.post = ASSAY_POST_NONE;
            struct tensor u = tensor_of(direction_shapes[s].ndim, direction_shapes[s].shape, at);
            fill(&state, at, u.count, 1);
            if (reference_direction(&d, &u, exact) != ASSAY_OK)
                continue; /* no such tensors */
            done++;
            double size = length(exact, u.count);
            for (size_t member = 0; member < MEMBERS; member++) {
                struct evaluation e = evaluation_draw(TENSOR_F64, 1, member, false);
                emulated_direction(&e, &d, &u, o);
                double off = distance(o, exact, u.count, size);
                ck_assert_msg(off <= 1e-12, "%s, shape %zu, member %zu: %g", directions[n], s, member, off);
            }
            struct assay_triple p = assay_dialect_steps(&d) ? assay_dialect_triple(&d, 0) : (struct assay_triple){0};
            p.b *= 1 + 1e-9;
            const struct assay_coefficients wrong = {"wrong", "", 1, &p};
            bool passes = d.direction == ASSAY_DIRECTION_COSH_RMS || d.nd == ASSAY_ND_BYPASS_CONV || d.snap;
            if (!passes) {
                struct evaluation e = evaluation_draw(TENSOR_F64, 1, 0, false);
                d.coefficients = &wrong;
                d.steps = 1;
                emulated_direction(&e, &d, &u, o);
                ck_assert_double_gt(distance(o, exact, u.count, size), 1e-12);
            }
        }
    ck_assert_uint_ge(done, 90);
}
END_TEST

/* Where u or a row of it is 0, O is 0, in all formats, with an eps or without; but what a decomposition disturbs is not. */
START_TEST(zeros_are_zero)
{
    static const char *const these[] = {"jordan",
                                        "jordan eps=0 nan-to-zero=yes",
                                        "jordan normalisation=aol",
                                        "jordan normalisation=aol eps=0 nan-to-zero=yes",
                                        "auon",
                                        "hybrid-auon-paper",
                                        "trust-region",
                                        "trust-region norm=nuclear",
                                        "trust-region norm=frobenius",
                                        "trust-region norm=row",
                                        "trust-region norm=sum",
                                        "trust-region norm=max"};
    for (size_t n = 0; n < sizeof these / sizeof these[0]; n++)
        for (size_t f = 0; f < FORMATS; f++)
            for (size_t member = 0; member < MEMBERS; member++) {
                double at[12] = {0}, o[12];
                struct assay_dialect d = variant(these[n]);
                struct tensor u = tensor_of(2, (size_t[]){4, 3}, at);
                struct evaluation e = evaluation_draw((enum tensor_type)f, 1, member, false);
                emulated_direction(&e, &d, &u, o);
                for (size_t k = 0; k < 12; k++)
                    ck_assert_msg(o[k] == 0, "%s", these[n]);
                at[0] = 1; /* now one row is not */
                emulated_direction(&e, &d, &u, o);
                bool disturbed = d.direction == ASSAY_DIRECTION_LMO && d.norm % ASSAY_NORM_NUCLEAR == 0;
                ck_assert_msg(o[0] > 0 && (disturbed || (o[3] == 0 && o[11] == 0)), "%s: %g %g", these[n], o[0], o[3]);
            }
}
END_TEST

/* Errors grow with u: of the plain evaluation of Jordan's five steps u / 4 <= ||O - exact||_F / ||exact||_F <= 400 u. */
START_TEST(errors_grow_with_the_roundoff)
{
    for (size_t f = 0; f < FORMATS; f++)
        for (uint64_t seed = 0; seed < 10; seed++) {
            uint64_t state = seed;
            double at[MOST], exact[MOST], o[MOST], u = unit_roundoff((enum tensor_type)f);
            struct tensor x = tensor_of(2, (size_t[]){6, 12}, at);
            struct assay_dialect d = variant("jordan");
            fill(&state, at, x.count, 1);
            ck_assert_int_eq(reference_direction(&d, &x, exact), ASSAY_OK);
            struct evaluation e = evaluation_draw((enum tensor_type)f, 1, 0, false);
            emulated_direction(&e, &d, &x, o);
            double off = distance(o, exact, x.count, length(exact, x.count));
            ck_assert_msg(off >= u / 4 && off <= 400 * u, "%s: %g", tensor_type_name((enum tensor_type)f), off / u);
            for (size_t k = 0; k < x.count; k++)
                ck_assert(o[k] == nearest((enum tensor_type)f, o[k]));
        }
}
END_TEST

/* Members of an ensemble are different evaluations, and each is repeated to the bit. */
START_TEST(members_differ_and_repeat)
{
    uint64_t state = 5;
    double at[MOST], o[MEMBERS][MOST], again[MOST];
    struct tensor x = tensor_of(2, (size_t[]){6, 12}, at);
    struct assay_dialect d = variant("jordan");
    fill(&state, at, x.count, 1);
    for (size_t m = 0; m < MEMBERS; m++) {
        struct evaluation e = evaluation_draw(TENSOR_BF16, 1, m, false), same = e;
        emulated_direction(&e, &d, &x, o[m]);
        emulated_direction(&same, &d, &x, again);
        ck_assert_mem_eq(o[m], again, x.count * sizeof *again);
        for (size_t l = 0; l < m; l++)
            ck_assert(memcmp(o[m], o[l], x.count * sizeof *again) != 0);
    }
}
END_TEST

/* ---- exact minimisers ------------------------------------------------------------------------------------------------ */

/* O = -D for D of the LMO of radius 1: the same to 1e-12 for every norm, in binary64. */
START_TEST(minimisers_are_those_of_the_reference)
{
    static const size_t shapes[][2] = {{4, 6}, {6, 3}, {5, 5}, {1, 4}};
    for (size_t n = 0; n < NORMS; n++)
        for (size_t s = 0; s < 4; s++)
            for (size_t member = 0; member < MEMBERS; member++) {
                uint64_t state = 10 + s;
                double at[MOST], hi[MOST], lo[MOST], o[MOST];
                struct tensor u = tensor_of(2, shapes[s], at);
                struct assay_dialect d = variant("trust-region");
                d.norm = (enum assay_norm)n;
                fill(&state, at, u.count, 1);
                size_t rows = u.shape[0], cols = u.shape[1];
                assay_answer answer = {{hi, rows, cols, cols}, {lo, rows, cols, cols}, 0};
                assay_input input = {at, rows, cols, cols};
                ck_assert_int_eq(assay_ref_lmo(&answer, NULL, d.norm, 1, input, &alone), ASSAY_OK);
                struct evaluation e = evaluation_draw(TENSOR_F64, 3, member, false);
                emulated_direction(&e, &d, &u, o);
                for (size_t k = 0; k < u.count; k++)
                    o[k] = -o[k];
                double off = distance(o, hi, u.count, length(hi, u.count));
                ck_assert_msg(off <= 1e-12, "%s, %zux%zu, member %zu: %g", norm_names()[n], rows, cols, member, off);
            }
}
END_TEST

/* ---- momentum --------------------------------------------------------------------------------------------------------- */

/* m and u of every form of momentum and of Nesterov, with and without dampening and L2: relative 1e-14 in binary64, and the
 * numbers of the format in the others, off by at most 40 u of the largest (1 - beta^7 = 0.36 being divided by). */
START_TEST(momentum_is_that_of_the_reference)
{
    static const char *const buffers[] = {"none", "ema", "heavy-ball", "heavy-ball dampening=0.5"},
                             *const inputs[] = {"none", "lerp", "add", "sum", "nadam", "unbiased", "raw"},
                             *const decays[] = {"decoupled", "l2"};
    enum { COUNT = 24 };
    double m[COUNT], g[COUNT], p[COUNT], next[COUNT], u[COUNT], hi[2][COUNT], lo[2][COUNT];
    uint64_t state = 8;
    fill(&state, m, COUNT, 1);
    fill(&state, g, COUNT, 1);
    fill(&state, p, COUNT, 1);
    size_t shape[] = {4, 6};
    struct tensor mt = tensor_of(2, shape, m), gt = tensor_of(2, shape, g);
    const assay_hyper hyper = {.momentum = 0.9375, .weight_decay = 0.25};
    for (size_t n = 0; n < 4 * 7 * 2 * 2; n++) {
        char text[128];
        snprintf(text, sizeof text, "jordan momentum=%s nesterov=%s decay=%s", buffers[n % 4], inputs[n / 4 % 7],
                 decays[n / 28 % 2]);
        struct assay_dialect d = variant(text);
        size_t step = n / 56 ? 7 : 1;
        assay_tensor_answer answers[] = {{.hi = hi[0], .lo = lo[0]}, {.hi = hi[1], .lo = lo[1]}};
        ck_assert_int_eq(
            assay_ref_momentum(&answers[0], &answers[1], &d, &hyper, view(&mt), view(&gt), p, step, &alone), ASSAY_OK);
        for (size_t f = 0; f < FORMATS; f++)
            for (size_t member = 0; member < MEMBERS; member++) {
                struct evaluation e = evaluation_draw((enum tensor_type)f, 4, member, false);
                emulate_momentum(&e, &d, &hyper, COUNT, m, g, p, step, next, u);
                double bound = 40 * unit_roundoff((enum tensor_type)f);
                for (size_t a = 0; a < 2; a++) {
                    const double *got = a ? u : next;
                    double off = distance(got, hi[a], COUNT, fmax(length(hi[a], COUNT), length(g, COUNT)));
                    ck_assert_msg(off <= bound, "%s, step %zu, %s: %g u", text, step,
                                  tensor_type_name((enum tensor_type)f), off / bound * 40);
                    for (size_t k = 0; k < COUNT; k++)
                        ck_assert(got[k] == nearest((enum tensor_type)f, got[k]));
                }
            }
    }
    struct assay_dialect d = variant("jordan decay=l2"); /* without a parameter there is no L2 */
    struct evaluation e = evaluation_draw(TENSOR_F64, 4, 0, false);
    emulate_momentum(&e, &d, &hyper, COUNT, m, g, NULL, 1, next, u);
    ck_assert(next[0] == 0.9375 * m[0] + 0.0625 * g[0]);
}
END_TEST

/* ---- steps ------------------------------------------------------------------------------------------------------------- */

/* All that steps branch on, beside the named dialects. */
static const char *const runs[] = {
    "jordan post=normuon-rows beta2=0.9",
    "jordan post=normuon-aspect beta2=0.9",
    "jordan post=adamuon beta2=0.9",
    "jordan post=dual-norm",
    "jordan post=graft",
    "jordan snap=yes post=normuon-aspect beta2=0.9",
    "jordan pre=equilibrate snap=yes",
    "jordan post=adamuon beta2=0.9 split-thirds=yes",
    "jordan decay=none",
    "jordan decay=scaled scale=ratio scale-factor=0.25",
    "jordan decay=squared",
    "jordan decay=independent",
    "jordan decay=frank-wolfe",
    "jordan decay=l2",
    "jordan decay=l2 absent=zero-no-decay",
    "jordan decay=cautious",
    "jordan decay=cautious-scaled scale=sqrt-max",
    "jordan decay=cautious-squared absent=zero-no-decay",
    "jordan absent=skip",
    "jordan direction-first=yes",
    "jordan direction=identity",
    "jordan momentum=none",
    "jordan momentum=heavy-ball dampening=0.5 nesterov=add",
    "jordan nesterov=nadam",
    "jordan nesterov=unbiased",
    "jordan scale=conv-ratio nd=flatten",
    "jordan nd=positions",
    "adamw adam-eps=1e-3 beta2=0.5",
    "trust-region norm=frobenius",
    "trust-region norm=max",
    "trust-region norm=rms",
    "trust-region norm=nuclear",
    "trust-region norm=sum",
    "trust-region norm=column",
    "trust-region norm=row",
};
enum { RUNS = sizeof runs / sizeof runs[0] };

struct step_args {
    struct evaluation *e;
    const struct assay_dialect *d;
    const assay_hyper *hyper;
    const assay_run *run;
    const assay_steps *after;
};

static void run_step(struct work *w, void *pointer)
{
    const struct step_args *a = pointer;
    emulate_step(w, a->e, a->d, a->hyper, a->run, a->after);
}

static const struct {
    size_t ndim, shape[4];
} run_shapes[] = {{2, {4, 6}}, {2, {9, 3}}, {3, {2, 3, 4}}, {4, {4, 3, 2, 2}}};

/* A run of four steps of which one has no gradient, and one another learning rate: in binary64 parameters, updates and
 * buffers of every member are those of the reference, to 1e-12 of the size of the parameters, or of the buffer. */
static bool check_run(const struct assay_dialect *d, const char *text, size_t s, bool events)
{
    uint64_t state = 20 + s;
    static double param[MOST], grads[STEPS * MOST], found[3][STEPS * MOST], hi[3][STEPS * MOST], lo[3][STEPS * MOST];
    const double lr[] = {0.125, 0.125, 0.25, 0.0625};
    const bool present[] = {true, true, false, true};
    struct tensor x = tensor_of(run_shapes[s].ndim, run_shapes[s].shape, param);
    fill(&state, param, x.count, 1);
    fill(&state, grads, STEPS * x.count, 1);
    const assay_hyper hyper = {.lr = 0.125, .momentum = 0.9375, .weight_decay = 0.25};
    const assay_run run = {.param = view(&x),
                           .steps = STEPS,
                           .grads = grads,
                           .lr = events ? lr : NULL,
                           .present = events ? present : NULL};
    assay_steps exact = {.params = {hi[0], lo[0], 0}, .updates = {hi[1], lo[1], 0}, .momentum = {hi[2], lo[2], 0}};
    assay_status status = assay_ref_step(&exact, NULL, d, &hyper, &run, &alone);
    if (status == ASSAY_INVALID)
        return false; /* no such tensors */
    ck_assert_msg(status == ASSAY_OK, "%s: %d %s", text, (int)status, sentence);
    assay_steps after = {.params.hi = found[0], .updates.hi = found[1], .momentum.hi = found[2]};
    for (size_t member = 0; member < 8; member++) {
        struct evaluation e = evaluation_draw(TENSOR_F64, 5, member, false);
        in_work(run_step, &(struct step_args){&e, d, &hyper, &run, &after});
        for (size_t a = 0; a < 3; a++) {
            double size = length(hi[a == 1 ? 0 : a], STEPS * x.count) + (a == 2);
            double off = distance(found[a], hi[a], STEPS * x.count, size);
            ck_assert_msg(off <= 1e-12, "%s, shape %zu, member %zu, output %zu: %g", text, s, member, a, off);
        }
    }
    struct evaluation e = evaluation_draw(TENSOR_F64, 5, 0, false); /* another rate is another run */
    assay_hyper other = hyper;
    other.lr *= 1 + 1e-9;
    assay_run changed = run;
    changed.lr = NULL;
    in_work(run_step, &(struct step_args){&e, d, &other, &changed, &after});
    ck_assert(distance(found[0], hi[0], STEPS * x.count, length(hi[0], STEPS * x.count)) > 1e-12);
    return true;
}

START_TEST(steps_are_those_of_the_reference)
{
    size_t done = 0;
    for (size_t n = 0; n < RUNS + assay_dialect_count; n++) {
        struct assay_dialect d = n < RUNS ? variant(runs[n]) : assay_dialects[n - RUNS];
        for (size_t s = 0; s < sizeof run_shapes / sizeof run_shapes[0]; s++)
            done += check_run(&d, n < RUNS ? runs[n] : d.name, s, n % 2 == 0);
    }
    ck_assert_uint_ge(done, 200);
}
END_TEST

/* Parameters and buffers are numbers of binary32 even where the direction is computed in less, and what is rounded in the
 * direction alone is seen: errors in bfloat16 are at least 2^8 times those in binary32. */
START_TEST(state_is_wider_than_the_direction)
{
    uint64_t state = 30;
    double param[MOST], grads[STEPS * MOST], found[3][STEPS * MOST], hi[3][STEPS * MOST], lo[3][STEPS * MOST],
        off[FORMATS] = {0};
    struct tensor x = tensor_of(2, (size_t[]){6, 12}, param);
    fill(&state, param, x.count, 1);
    fill(&state, grads, STEPS * x.count, 1);
    const assay_hyper hyper = {.lr = 0.125, .momentum = 0.9375, .weight_decay = 0.25};
    const assay_run run = {.param = view(&x), .steps = STEPS, .grads = grads};
    assay_steps exact = {.params = {hi[0], lo[0], 0}},
                after = {.params.hi = found[0], .updates.hi = found[1], .momentum.hi = found[2]};
    const struct assay_dialect d = variant("jordan");
    ck_assert_int_eq(assay_ref_step(&exact, NULL, &d, &hyper, &run, &alone), ASSAY_OK);
    for (size_t f = 0; f < FORMATS; f++) {
        bool narrower = false;
        for (size_t member = 0; member < MEMBERS; member++) {
            struct evaluation e = evaluation_draw((enum tensor_type)f, 6, member, false);
            in_work(run_step, &(struct step_args){&e, &d, &hyper, &run, &after});
            for (size_t a = 0; a < 3; a++)
                for (size_t k = 0; k < STEPS * x.count; k++) {
                    ck_assert(found[a][k] == nearest(e.state, found[a][k]));
                    narrower = narrower || found[a][k] != nearest(TENSOR_F16, found[a][k]);
                }
            off[f] = fmax(off[f], distance(found[0], hi[0], STEPS * x.count, length(hi[0], STEPS * x.count)));
        }
        ck_assert(narrower);
    }
    ck_assert(off[TENSOR_F64] <= 1e-12 && off[TENSOR_F32] <= 1e-4 && off[TENSOR_BF16] <= 0.2);
    ck_assert(off[TENSOR_F32] >= 1e3 * off[TENSOR_F64] && off[TENSOR_BF16] >= 256 * off[TENSOR_F32]);
}
END_TEST

/* ---- faults ------------------------------------------------------------------------------------------------------------ */

/* A where A^2 belongs: a X + b A X + c A X, the exact steps of (a, b + c, 0), to a relative 1e-12 in binary64, in every form of
 * the polynomial; and not those of (a, b, c). */
START_TEST(a_missing_square_adds_coefficients)
{
    uint64_t state = 41;
    double at[24], exact[24], other[24], o[24];
    struct assay_dialect d = variant("jordan"), with = d;
    struct assay_triple t = assay_dialect_triple(&d, 0), sum = {t.a, t.b + t.c, 0};
    const struct assay_coefficients table = {"", "", 1, &sum};
    with.coefficients = &table;
    struct tensor u = tensor_of(2, (size_t[]){4, 6}, at);
    fill(&state, at, u.count, 1);
    ck_assert_int_eq(reference_direction(&with, &u, exact), ASSAY_OK);
    ck_assert_int_eq(reference_direction(&d, &u, other), ASSAY_OK);
    for (int form = 0; form < POLYNOMIAL_FORMS; form++) {
        struct evaluation e = evaluation_draw(TENSOR_F64, 7, 0, true);
        e.form = (enum polynomial_form)form;
        e.fault = FAULT_LINEAR;
        emulated_direction(&e, &d, &u, o);
        ck_assert_double_le(distance(o, exact, u.count, length(exact, u.count)), 1e-12);
        ck_assert_double_gt(distance(o, other, u.count, length(other, u.count)), 0.01);
    }
}
END_TEST

/* Two runs of three steps, the one with the fault, in binary64: whether their parameters are the same to the bit. */
static bool same_runs(const assay_run *a, enum fault fault, const assay_run *b)
{
    static double found[2][3][STEPS * MOST];
    const struct assay_dialect d = variant("jordan");
    const assay_hyper hyper = {.lr = 0.125, .momentum = 0.9375, .weight_decay = 0.25};
    for (size_t k = 0; k < 2; k++) {
        struct evaluation e = evaluation_draw(TENSOR_F64, 8, 0, true);
        e.fault = k ? FAULT_NONE : fault;
        const assay_steps after = {.params.hi = found[k][0], .updates.hi = found[k][1], .momentum.hi = found[k][2]};
        in_work(run_step, &(struct step_args){&e, &d, &hyper, k ? b : a, &after});
    }
    return memcmp(found[0][0], found[1][0], 3 * 24 * sizeof(double)) == 0;
}

/* Where there is no gradient the last one is taken again, as if it were that of the step; before the first there is none to
 * take. */
START_TEST(old_gradients_come_again)
{
    uint64_t state = 42;
    double param[24], grads[3 * 24];
    struct tensor x = tensor_of(2, (size_t[]){4, 6}, param);
    const bool gaps[] = {false, true, false}, later[] = {false, true, true};
    fill(&state, param, 24, 1);
    fill(&state, grads, 3 * 24, 1);
    assay_run run = {.param = view(&x), .steps = 3, .grads = grads, .present = gaps}, again = run;
    ck_assert(!same_runs(&run, FAULT_OLD_GRADIENT, &run));
    again.present = later;
    ck_assert(!same_runs(&run, FAULT_OLD_GRADIENT, &again));
    memcpy(grads + 2 * 24, grads + 24, 24 * sizeof *grads);
    ck_assert(same_runs(&run, FAULT_OLD_GRADIENT, &again));
}
END_TEST

RUN_TESTS("emulate", TEST(directions_are_those_of_the_reference), TEST(zeros_are_zero),
          TEST(errors_grow_with_the_roundoff), TEST(members_differ_and_repeat),
          TEST(minimisers_are_those_of_the_reference), TEST(momentum_is_that_of_the_reference),
          TEST(steps_are_those_of_the_reference), TEST(state_is_wider_than_the_direction),
          TEST(a_missing_square_adds_coefficients), TEST(old_gradients_come_again))
