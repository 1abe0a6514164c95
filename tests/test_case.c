#include "case.h"

#include "cases.h"
#include "golden_support.h"
#include "io_support.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static char sentence[ASSAY_MESSAGE_SIZE];
static const assay_options alone = {.threads = 1, .message = sentence, .message_size = sizeof sentence};

static assay_tensor view(const struct tensor *x)
{
    assay_tensor v = {.at = x->at, .ndim = x->ndim};
    memcpy(v.shape, x->shape, sizeof v.shape);
    return v;
}

/* Two dialects to be undefined: none that is named is, but a user's may be. */
static const char *undefined[2];
assay_status __real_assay_ref_newton_schulz(assay_tensor_answer *o, const struct assay_dialect *d, assay_tensor u,
                                            const assay_options *options);
assay_status __wrap_assay_ref_newton_schulz(assay_tensor_answer *o, const struct assay_dialect *d, assay_tensor u,
                                            const assay_options *options);
assay_status __wrap_assay_ref_newton_schulz(assay_tensor_answer *o, const struct assay_dialect *d, assay_tensor u,
                                            const assay_options *options)
{
    for (size_t k = 0; k < 2; k++)
        if (undefined[k] && strcmp(d->name, undefined[k]) == 0)
            return ASSAY_UNDEFINED;
    return __real_assay_ref_newton_schulz(o, d, u, options);
}

/* ---- operations without dialects --------------------------------------------------------------------------------------- */

enum { MOST = 512 };

/* What the reference itself says. */
struct direct {
    assay_status status;
    bool unique;
    size_t rank, answers, count;
    double hi[3][MOST], lo[3][MOST], radius[3];
};

static bool same_bits(const struct answer *a, const struct direct *d, size_t k)
{
    return a->count == d->count && memcmp(a->hi, d->hi[k], d->count * sizeof *a->hi) == 0 &&
           memcmp(a->lo, d->lo[k], d->count * sizeof *a->lo) == 0 && io_bits(a->radius) == io_bits(d->radius[k]);
}

static void check_plain(enum operation o, const char *id, const char *name, size_t rank, bool unique)
{
    static struct direct d;
    struct golden_case c = golden_computed(o, id);
    const struct tensor *g = case_input(&c, "G");
    size_t m = g->shape[0], n = g->shape[1], rows = o == OPERATION_SVD ? 1 : m;
    size_t cols = o == OPERATION_SVD && m < n ? m : n;
    assay_input a = {g->at, m, n, n};
    assay_answer x = {{d.hi[0], rows, cols, cols}, {d.lo[0], rows, cols, cols}, 0};
    assay_status status = o == OPERATION_SVD     ? assay_ref_svd(&x, NULL, NULL, NULL, a, &alone)
                          : o == OPERATION_POLAR ? assay_ref_polar(&x, NULL, a, &alone)
                                                 : assay_ref_lmo(&x, NULL, c.norm, c.radius, a, &alone);
    ck_assert_int_eq(status, ASSAY_OK);
    d.count = rows * cols;
    d.radius[0] = x.radius;
    ck_assert_uint_eq(c.class_count, 1);
    const struct answer_class *k = &c.classes[0];
    ck_assert(k->name[0] == '\0' && k->member_count == 0 && !k->undefined && k->answer_count == 1);
    ck_assert(k->rank == rank && k->unique == unique);
    const struct answer *first = &k->answers[0];
    ck_assert_str_eq(first->name, name);
    ck_assert(same_bits(first, &d, 0));
    ck_assert(first->ndim == (o == OPERATION_SVD ? 1 : 2) && first->shape[first->ndim - 1] == cols);
    ck_assert(o == OPERATION_SVD || first->shape[0] == m);
    first->hi[0] = nextafter(first->hi[0], 10);
    ck_assert(!same_bits(first, &d, 0));
    case_free(&c);
}

START_TEST(plain_operations_have_one_class)
{
    check_plain(OPERATION_POLAR, "polar-gaussian-3x5", "Q", 3, true);
    check_plain(OPERATION_POLAR, "polar-low-rank-8x8", "Q", 4, false);
    check_plain(OPERATION_POLAR, "polar-zero-4x16", "Q", 0, false);
    check_plain(OPERATION_SVD, "svd-gaussian-5x3", "S", 3, true);
    check_plain(OPERATION_SVD, "svd-gaussian-3x5", "S", 3, true);
    check_plain(OPERATION_SVD, "svd-low-rank-8x12", "S", 3, true);
    check_plain(OPERATION_LMO, "lmo-near-tie-8x8-nuclear", "D", 0, true);
    check_plain(OPERATION_LMO, "lmo-hadamard-8x8-nuclear", "D", 0, false);
    check_plain(OPERATION_LMO, "lmo-zero-8x8-row", "D", 0, false);
}
END_TEST

/* ---- operations of dialects -------------------------------------------------------------------------------------------- */

/* What the reference itself says of a dialect. */
static void ask(struct direct *x, const struct golden_case *c, const struct assay_dialect *d)
{
    const struct tensor *g = case_input(c, "G"), *m = case_input(c, "momentum"), *grad = case_input(c, "grad"),
                        *grads = case_input(c, "grads"), *present = case_input(c, "present"), *lr = case_input(c, "lr");
    assay_tensor_answer views[3];
    x->unique = false;
    for (size_t k = 0; k < 3; k++)
        views[k] = (assay_tensor_answer){x->hi[k], x->lo[k], 0};
    if (c->operation == OPERATION_STEP) {
        bool flags[8];
        assay_steps after = {.params = views[0], .updates = views[1], .momentum = views[2]};
        for (size_t t = 0; present && t < grads->shape[0]; t++)
            flags[t] = present->at[t] == 1;
        const assay_run run = {.param = view(case_input(c, "param")),
                               .steps = grads->shape[0],
                               .grads = grads->at,
                               .lr = lr ? lr->at : NULL,
                               .present = present ? flags : NULL};
        x->status = assay_ref_step(&after, &x->unique, d, &c->hyper, &run, &alone);
        views[0] = after.params;
        views[1] = after.updates;
        views[2] = after.momentum;
        x->answers = 3;
        x->count = grads->count;
    } else if (c->operation == OPERATION_MOMENTUM) {
        x->status = assay_ref_momentum(&views[0], &views[1], d, &c->hyper, view(m), view(grad),
                                       case_input(c, "param")->at, c->step, &alone);
        x->answers = 2;
        x->count = grad->count;
    } else {
        x->status = c->operation == OPERATION_COSH_RMS ? assay_ref_cosh_rms(&views[0], d, view(g), &alone)
                                                       : assay_ref_newton_schulz(&views[0], d, view(g), &alone);
        x->answers = 1;
        x->count = g->count;
    }
    ck_assert_uint_le(x->count, MOST);
    for (size_t k = 0; k < 3; k++)
        x->radius[k] = views[k].radius;
}

static bool same_direct(const struct direct *a, const struct direct *b)
{
    bool same = a->status == b->status && a->unique == b->unique;
    for (size_t k = 0; k < a->answers && same && a->status == ASSAY_OK; k++)
        same = memcmp(a->hi[k], b->hi[k], a->count * sizeof(double)) == 0 &&
               memcmp(a->lo[k], b->lo[k], a->count * sizeof(double)) == 0 &&
               io_bits(a->radius[k]) == io_bits(b->radius[k]);
    return same;
}

/* The class that the dialect is a member of, and which one it is there; fails if there are several. NULL: none. */
static const struct answer_class *class_with(const struct golden_case *c, const char *dialect, size_t *place)
{
    const struct answer_class *found = NULL;
    for (size_t k = 0; k < c->class_count; k++)
        for (size_t m = 0; m < c->classes[k].member_count; m++)
            if (strcmp(c->classes[k].members[m]->name, dialect) == 0) {
                ck_assert_ptr_null(found);
                found = &c->classes[k];
                *place = m;
            }
    return found;
}

/* The partition of the dialects is that of their answers, which are asked for one by one: a class for each different
 * answer and none for a refusal. Returns how many dialects are in no class. */
static size_t check_partition(const struct golden_case *c)
{
    struct direct *all = calloc(assay_dialect_count, sizeof *all);
    ck_assert_ptr_nonnull(all);
    size_t none = 0, first_ones = 0, place, other;
    for (size_t d = 0; d < assay_dialect_count; d++) {
        ask(&all[d], c, &assay_dialects[d]);
        const struct answer_class *k = class_with(c, assay_dialects[d].name, &place);
        if (!k) {
            ck_assert_msg(all[d].status == ASSAY_INVALID, "%s: %s", c->id, assay_dialects[d].name);
            none++;
            continue;
        }
        ck_assert(all[d].status == (k->undefined ? ASSAY_UNDEFINED : ASSAY_OK));
        ck_assert(k->answer_count == (k->undefined ? 0 : all[d].answers) && k->unique == all[d].unique);
        for (size_t a = 0; a < k->answer_count; a++)
            ck_assert(same_bits(&k->answers[a], &all[d], a));
        for (size_t e = 0; e < d; e++) /* joined exactly when all bits agree */
            ck_assert_msg(same_direct(&all[d], &all[e]) ==
                              (class_with(c, assay_dialects[e].name, &other) == k && all[e].status != ASSAY_INVALID),
                          "%s: %s, %s", c->id, assay_dialects[d].name, assay_dialects[e].name);
        ck_assert((place == 0) == (strcmp(k->name, assay_dialects[d].name) == 0));
        first_ones += place == 0;
    }
    ck_assert_uint_eq(first_ones, c->class_count);
    free(all);
    return none;
}

START_TEST(step_classes_hold_every_dialect)
{
    static const char *const ids[] = {"step-gaussian-4x6", "step-gaussian-6x4-zero-gradient",
                                      "step-gaussian-5x5-absent-gradient", "step-gaussian-1x6", "step-low-rank-6x4"};
    for (size_t k = 0; k < sizeof ids / sizeof ids[0]; k++) {
        struct golden_case c = golden_computed(OPERATION_STEP, ids[k]);
        ck_assert_uint_eq(check_partition(&c), 0);
        case_free(&c);
    }
}
END_TEST

/* Tensors of three and four dimensions: some dialects take them, some do not. */
START_TEST(dialects_that_take_no_tensors_are_in_no_class)
{
    static const char *const ids[] = {"step-gaussian-2x4x6", "step-gaussian-4x3x2x2-zero-gradient"};
    for (size_t k = 0; k < sizeof ids / sizeof ids[0]; k++) {
        struct golden_case c = golden_computed(OPERATION_STEP, ids[k]);
        size_t none = check_partition(&c), rejecting = 0, place;
        for (size_t d = 0; d < assay_dialect_count; d++)
            if (assay_dialects[d].nd == ASSAY_ND_REJECT) {
                rejecting++;
                ck_assert_ptr_null(class_with(&c, assay_dialects[d].name, &place));
            }
        ck_assert(none == rejecting && none > 0 && none < assay_dialect_count);
        case_free(&c);
    }
}
END_TEST

START_TEST(other_operations_partition_likewise)
{
    static const struct {
        enum operation operation;
        const char *id;
    } these[] = {{OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-3x5"},
                 {OPERATION_NEWTON_SCHULZ, "newton-schulz-zero-8x8"},
                 {OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-2x4x6"},
                 {OPERATION_COSH_RMS, "cosh-rms-gaussian-5x3"},
                 {OPERATION_COSH_RMS, "cosh-rms-zero-8x12"},
                 {OPERATION_MOMENTUM, "momentum-gaussian-3x5-0"},
                 {OPERATION_MOMENTUM, "momentum-fine-4x3x2x2-2"}};
    for (size_t k = 0; k < sizeof these / sizeof these[0]; k++) {
        struct golden_case c = golden_computed(these[k].operation, these[k].id);
        size_t none = check_partition(&c);
        ck_assert(c.class_count > (strcmp(c.family, "zero") != 0) &&
                  (none == 0) == (these[k].operation == OPERATION_MOMENTUM));
        case_free(&c);
    }
}
END_TEST

/* 0 / 0: such dialects are in one class together, without answers. */
START_TEST(undefined_answers_are_a_class)
{
    struct golden_case c = golden_computed(OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-3x5");
    for (size_t k = 0; k < c.class_count; k++)
        ck_assert(!c.classes[k].undefined);
    case_free(&c);
    undefined[0] = "jordan";
    undefined[1] = "timm";
    c = golden_computed(OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-3x5");
    check_partition(&c);
    size_t place;
    const struct answer_class *k = class_with(&c, "jordan", &place);
    ck_assert(k && k == class_with(&c, "timm", &place) && place == 1 && k->undefined && k->member_count == 2);
    ck_assert(k->answer_count == 0 && !k->unique);
    case_free(&c);
}
END_TEST

/* Two parameters are two runs of one optimizer, each as if it were alone; number p of them is a run of its tensors. */
START_TEST(two_parameters_are_two_runs)
{
    static struct direct x[2];
    struct golden_case c = golden_computed(OPERATION_STEP, "step-gaussian-4x6-two-parameters");
    ck_assert_uint_eq(case_parameters(&c), 2);
    for (size_t n = 0; n < c.class_count; n += 9) {
        const struct answer_class *k = &c.classes[n];
        ck_assert_uint_eq(k->answer_count, 6);
        for (size_t p = 0; p < 2; p++) {
            struct golden_case alone_c = c; /* the case of that parameter alone */
            alone_c.input_count = 2;
            alone_c.inputs[0] = c.inputs[2 * p];
            alone_c.inputs[1] = c.inputs[2 * p + 1];
            alone_c.inputs[0].name = "param";
            alone_c.inputs[1].name = "grads";
            ask(&x[p], &alone_c, assay_dialect_find(k->name));
            ck_assert(x[p].status == ASSAY_OK);
            for (size_t a = 0; a < 3; a++) {
                const struct answer *answer = &k->answers[3 * p + a];
                ck_assert(same_bits(answer, &x[p], a) && answer->stepped && answer->slabs == 4);
                ck_assert(strcmp(answer->name + strlen(answer->name) - 2, ".2") == 0 || p == 0);
            }
        }
        ck_assert(k->unique == (x[0].unique && x[1].unique) && !same_bits(&k->answers[0], &x[1], 0));
    }
    bool present[4];
    assay_run run = case_run(&c, 1, present);
    ck_assert(run.steps == 4 && run.grads == case_input(&c, "grads.2")->at && run.param.shape[0] == 6 && present[3]);
    case_free(&c);
    c = golden_named(OPERATION_STEP, "step-gaussian-4x6-absent-gradient");
    run = case_run(&c, 0, present);
    ck_assert(case_parameters(&c) == 1 && !run.lr && run.present == present && present[1] && !present[2]);
    case_free(&c);
}
END_TEST

/* One dialect alone has the class that it has among all; none where it does not take the case. */
START_TEST(one_dialect_alone)
{
    struct golden_case all = golden_computed(OPERATION_COSH_RMS, "cosh-rms-gaussian-5x3"),
                       one = golden_named(OPERATION_COSH_RMS, "cosh-rms-gaussian-5x3");
    ck_assert_int_eq(case_compute_for(&one, assay_dialect_find("jordan"), &alone), ASSAY_INVALID);
    ck_assert(one.class_count == 0 && !class_of(&one, "auon"));
    ck_assert_int_eq(case_compute_for(&one, assay_dialect_find("auon"), &alone), ASSAY_OK);
    const struct answer_class *k = class_of(&one, "auon"), *among = class_of(&all, "auon");
    ck_assert(k == &one.classes[0] && k->member_count == 1 && answers_equal(&k->answers[0], &among->answers[0]));
    ck_assert(!class_of(&all, "jordan") && class_of(&all, "hybrid-auon") != among);
    struct assay_dialect other = *assay_dialect_find("auon"); /* which need not be a named one */
    other.name = "auon --set gamma=2";
    other.gamma = 2;
    ck_assert_int_eq(case_compute_for(&one, &other, &alone), ASSAY_OK);
    k = class_of(&one, other.name);
    ck_assert(k == &one.classes[1] && k->members[0] == &other && strcmp(k->name, other.name) == 0);
    case_free(&all);
    case_free(&one);
    all = golden_computed(OPERATION_SVD, "svd-gaussian-2x2");
    ck_assert(class_of(&all, NULL) == &all.classes[0]);
    case_free(&all);
}
END_TEST

/* ---- what goes wrong ---------------------------------------------------------------------------------------------------- */

START_TEST(errors_are_passed_on)
{
    struct golden_case c = golden_named(OPERATION_POLAR, "polar-gaussian-2x2");
    c.inputs[0].at[3] = (double)NAN;
    ck_assert_int_eq(case_compute(&c, &alone), ASSAY_NOT_FINITE);
    ck_assert_uint_eq(c.class_count, 0);
    case_free(&c);

    c = golden_named(OPERATION_LMO, "lmo-gaussian-5x3-max");
    c.radius = -1;
    ck_assert_int_eq(case_compute(&c, &alone), ASSAY_INVALID);
    case_free(&c);

    /* a parameter that no dialect takes: in no class is anyone */
    c = golden_named(OPERATION_MOMENTUM, "momentum-gaussian-3x5-1");
    c.hyper.momentum = 2;
    ck_assert_int_eq(case_compute(&c, &alone), ASSAY_OK);
    ck_assert_uint_eq(c.class_count, 0);
    case_free(&c);

    /* beyond the largest number, in some dialect and so for all */
    c = golden_named(OPERATION_MOMENTUM, "momentum-gaussian-3x5-1");
    c.inputs[0].at[0] = c.inputs[1].at[0] = 0x1.fffffffffffffp1023;
    ck_assert_int_eq(case_compute(&c, &alone), ASSAY_RANGE);
    case_free(&c);
    c = golden_named(OPERATION_STEP, "step-gaussian-4x6-two-parameters"); /* of which the first one fails */
    c.hyper.lr = 0x1.fffffffffffffp1023;
    ck_assert_int_eq(case_compute(&c, &alone), ASSAY_RANGE);
    case_free(&c);
}
END_TEST

/* Whichever allocation fails, that is the error, and what there was before can be freed. */
static void check_memory(enum operation o, const char *id)
{
    assay_status status = ASSAY_NO_MEMORY;
    size_t failures = 0;
    for (size_t n = 1; status != ASSAY_OK; n += 1 + (n > 60 ? n / 24 : 0)) {
        struct golden_case c = golden_named(o, id);
        io_fail(n);
        status = case_compute(&c, &alone);
        bool failed = io_fail(0) != NULL;
        ck_assert_msg(status == (failed ? ASSAY_NO_MEMORY : ASSAY_OK), "%s, %zu: %d", id, n, (int)status);
        failures += failed;
        case_free(&c);
    }
    ck_assert_uint_gt(failures, 4);
}

START_TEST(memory_failures_are_survived)
{
    check_memory(OPERATION_POLAR, "polar-gaussian-2x2");
    check_memory(OPERATION_SVD, "svd-gaussian-2x2");
    check_memory(OPERATION_LMO, "lmo-gaussian-1x1-nuclear");
    check_memory(OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-1x1");
    check_memory(OPERATION_COSH_RMS, "cosh-rms-gaussian-1x1");
    check_memory(OPERATION_MOMENTUM, "momentum-zero-3x5-1");
    check_memory(OPERATION_STEP, "step-gaussian-1x6");
}
END_TEST

/* ---- comparing ------------------------------------------------------------------------------------------------------------ */

START_TEST(answers_are_compared_by_bits)
{
    double hi[2][2] = {{1, 0}, {1, 0}}, lo[2][2] = {{0x1p-60, 0}, {0x1p-60, 0}};
    struct answer a = {.name = "Q", .ndim = 1, .shape = {2}, .count = 2, .hi = hi[0], .lo = lo[0], .radius = 0x1p-107};
    struct answer b = a;
    b.hi = hi[1];
    b.lo = lo[1];
    ck_assert(answers_equal(&a, &b));
    hi[1][1] = -0.0;
    ck_assert(!answers_equal(&a, &b));
    hi[1][1] = 0;
    hi[1][0] = nextafter(1, 2);
    ck_assert(!answers_equal(&a, &b));
    hi[1][0] = 1;
    lo[1][1] = 0x1p-1074;
    ck_assert(!answers_equal(&a, &b));
    lo[1][1] = 0;
    b.radius = 0x1p-106;
    ck_assert(!answers_equal(&a, &b));
    b.radius = a.radius;
    strcpy(b.name, "D");
    ck_assert(!answers_equal(&a, &b));
    strcpy(b.name, "Q");
    b.count = 1;
    ck_assert(!answers_equal(&a, &b));
    b.count = 2;
    ck_assert(answers_equal(&a, &b));
}
END_TEST

/* One number, name or shape changed is another question; answers, words and flags are not asked. */
START_TEST(questions_are_compared)
{
    struct golden_case a = golden_named(OPERATION_STEP, "step-gaussian-4x6-lr-change");
    struct golden_case b = golden_named(OPERATION_STEP, "step-gaussian-4x6-lr-change");
    double *const numbers[] = {&b.radius,          &b.hyper.lr,       &b.hyper.momentum, &b.hyper.weight_decay,
                               &b.inputs[1].at[7], &b.inputs[2].at[3]};
    ck_assert(case_same_question(&a, &b));
    for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
        double kept = *numbers[k];
        *numbers[k] = nextafter(kept, 100);
        ck_assert(!case_same_question(&a, &b));
        *numbers[k] = kept;
    }
    size_t *const sizes[] = {&b.step, &b.input_count, &b.inputs[0].ndim, &b.inputs[0].shape[1]};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        --*sizes[k];
        ck_assert(!case_same_question(&a, &b));
        ++*sizes[k];
    }
    b.inputs[2].name[0] = 'L';
    ck_assert(!case_same_question(&a, &b));
    b.inputs[2].name[0] = 'l';
    b.operation = OPERATION_MOMENTUM;
    ck_assert(!case_same_question(&a, &b));
    b.operation = OPERATION_STEP;
    b.norm = ASSAY_NORM_MAX;
    ck_assert(!case_same_question(&a, &b));
    b.norm = a.norm;
    strcpy(b.why, "no reason");
    b.flag_count = 0;
    ck_assert(case_same_question(&a, &b));
    case_free(&a);
    case_free(&b);
}
END_TEST

/* The words of the header: which operations have dialects, which formats hold an input, which squares may overflow, freeing twice. */
START_TEST(the_rest)
{
    size_t with = 0;
    for (size_t o = 0; o < OPERATIONS; o++)
        with += operation_has_dialects((enum operation)o);
    ck_assert(with == 4 && operation_has_dialects(OPERATION_STEP) && !operation_has_dialects(OPERATION_LMO));
    struct golden_case c = golden_named(OPERATION_MOMENTUM, "momentum-gaussian-3x5-2");
    ck_assert(case_fits(&c, TENSOR_F64) && case_fits(&c, TENSOR_F16) && case_fits(&c, TENSOR_BF16));
    c.inputs[2].at[14] = 1 + 0x1p-11; /* the last number of the last input */
    ck_assert(case_fits(&c, TENSOR_F32) && !case_fits(&c, TENSOR_F16) && !case_fits(&c, TENSOR_BF16));
    for (size_t n = 0; n < 2; n++) {
        c.inputs[0].at[0] = n ? (double)INFINITY : (double)NAN;
        ck_assert(case_fits(&c, TENSOR_F64) && case_fits(&c, TENSOR_F32));
    }
    static const double others[] = {1 + 0x1p-24, 0x1p128, 0x1p-150};
    for (size_t n = 0; n < 3; n++) {
        c.inputs[0].at[0] = others[n];
        ck_assert(case_fits(&c, TENSOR_F64) && !case_fits(&c, TENSOR_F32));
    }
    static const struct {
        double x;
        bool in_f64, in_less; /* whether fifteen squares of x overflow, or the buffer's */
    } sizes[] = {{0x1p57, false, false}, {0x1p60, false, true}, {-0x1p60, false, true},
                 {0x1p505, false, true}, {0x1p508, true, true}, {0x1p-1074, false, false}};
    for (size_t n = 0; n < sizeof sizes / sizeof sizes[0]; n++) {
        c.inputs[0].at[0] = sizes[n].x;
        ck_assert_msg(case_may_overflow(&c, TENSOR_F64) == sizes[n].in_f64 &&
                          case_may_overflow(&c, TENSOR_F32) == sizes[n].in_less &&
                          case_may_overflow(&c, TENSOR_BF16) == sizes[n].in_less,
                      "%g", sizes[n].x);
    }
    struct golden_case step =
        golden_named(OPERATION_STEP, "step-gaussian-1x6"); /* in binary32, whatever the direction's */
    step.inputs[0].at[0] = 1 + 0x1p-23;
    ck_assert(case_fits(&step, TENSOR_F32) && case_fits(&step, TENSOR_F16) && case_fits(&step, TENSOR_BF16));
    step.inputs[0].at[0] = 1 + 0x1p-24;
    ck_assert(case_fits(&step, TENSOR_F64) && !case_fits(&step, TENSOR_F32) && !case_fits(&step, TENSOR_BF16));
    case_free(&step);
    ck_assert(case_input(&c, "grad") == &c.inputs[1] && !case_input(&c, "grads") && !case_input(&c, ""));
    case_free(&c);
    case_free(&c);
    ck_assert(c.input_count == 0 && c.id[0] == '\0');
}
END_TEST

RUN_TESTS("case", TEST(plain_operations_have_one_class), TEST(step_classes_hold_every_dialect),
          TEST(dialects_that_take_no_tensors_are_in_no_class), TEST(other_operations_partition_likewise),
          TEST(undefined_answers_are_a_class), TEST(two_parameters_are_two_runs), TEST(one_dialect_alone),
          TEST(errors_are_passed_on), TEST(memory_failures_are_survived), TEST(answers_are_compared_by_bits),
          TEST(questions_are_compared), TEST(the_rest))
