#include "cases.h"

#include "inputs.h"
#include "io_support.h"
#include "recorded.h"
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t all_count(void)
{
    size_t count = 0;
    for (size_t o = 0; o < OPERATIONS; o++)
        count += cases_count((enum operation)o);
    return count;
}

/* Case number k of all. */
static struct golden_case nth(size_t k)
{
    struct golden_case c;
    enum operation o = 0;
    for (; k >= cases_count(o); o++)
        k -= cases_count(o);
    ck_assert_int_eq(cases_make(&c, o, k), ASSAY_OK);
    return c;
}

static struct golden_case named(enum operation o, const char *id)
{
    struct golden_case c;
    size_t k = cases_find(o, id);
    ck_assert_msg(k < cases_count(o), "%s", id);
    ck_assert_int_eq(cases_make(&c, o, k), ASSAY_OK);
    ck_assert_str_eq(c.id, id);
    return c;
}

static bool has_flag(const struct golden_case *c, const char *flag)
{
    for (size_t k = 0; k < c->flag_count; k++)
        if (strcmp(c->flags[k], flag) == 0)
            return true;
    return false;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* ---- ids and words -------------------------------------------------------------------------------------------------- */

START_TEST(ids_are_unique_and_plain)
{
    size_t count = all_count();
    ck_assert_uint_ge(count, 600);
    char(*ids)[CASE_TEXT] = calloc(count, sizeof *ids);
    for (size_t k = 0; k < count; k++) {
        struct golden_case c = nth(k);
        size_t length = strlen(c.id), prefix = strlen(operation_names[c.operation]);
        ck_assert_uint_eq(strspn(c.id, "abcdefghijklmnopqrstuvwxyz0123456789-"), length);
        ck_assert(length < CASE_TEXT / 2 && strncmp(c.id, operation_names[c.operation], prefix) == 0);
        ck_assert(strstr(c.id, c.family) == c.id + prefix + 1);
        memcpy(ids[k], c.id, length + 1);
        case_free(&c);
    }
    qsort(ids, count, sizeof *ids, compare_texts);
    for (size_t k = 1; k < count; k++)
        ck_assert_msg(strcmp(ids[k - 1], ids[k]) != 0, "%s", ids[k]);
    free(ids);
}
END_TEST

START_TEST(cases_are_found_by_id)
{
    for (size_t o = 0; o < OPERATIONS; o++)
        for (size_t k = 0; k < cases_count((enum operation)o); k += 7) {
            struct golden_case c;
            ck_assert_int_eq(cases_make(&c, (enum operation)o, k), ASSAY_OK);
            ck_assert_uint_eq(cases_find((enum operation)o, c.id), k);
            enum operation other = (enum operation)((o + 1) % OPERATIONS);
            ck_assert_uint_eq(cases_find(other, c.id), cases_count(other));
            case_free(&c);
        }
    ck_assert_uint_eq(cases_find(OPERATION_POLAR, ""), cases_count(OPERATION_POLAR));
    ck_assert_uint_eq(cases_find(OPERATION_POLAR, "polar-gaussian-8x8-tinier"), cases_count(OPERATION_POLAR));
}
END_TEST

/* Every family and every flag occurs, and no other flag; a family's flag is on its cases, and the reason of the case is
 * the family's or that of another flag. */
START_TEST(every_case_says_why)
{
    static const char *const others[] = {"TinyNorm",          "EpsDominated", "HugeNorm",       "Subnormal",
                                         "Trajectory",        "ZeroGradient", "AbsentGradient", "LrChange",
                                         "SeveralParameters", "Batched",      "Convolution"};
    enum { OTHERS = sizeof others / sizeof others[0] };
    size_t used_families[64] = {0}, used_flags[OTHERS] = {0}, count = all_count();
    for (size_t k = 0; k < count; k++) {
        struct golden_case c = nth(k);
        const struct family *f = family_find(c.family);
        ck_assert_ptr_nonnull(f);
        used_families[f - families]++;
        ck_assert(c.flag_count >= 1 && c.flag_count <= CASE_FLAGS && strcmp(c.flags[0], f->flag) == 0);
        size_t reasons = 1;
        for (size_t i = 1; i < c.flag_count; i++)
            for (size_t h = 0; h < i; h++)
                ck_assert(strcmp(c.flags[h], c.flags[i]) != 0);
        for (size_t i = 1; i < c.flag_count; i++)
            for (size_t o = 0; o < OTHERS; o++)
                if (strcmp(c.flags[i], others[o]) == 0) {
                    used_flags[o]++;
                    reasons++;
                }
        ck_assert_msg(reasons == c.flag_count, "%s has an unknown flag", c.id);
        ck_assert(strlen(c.why) > 20 && !strpbrk(c.why, ".\n\""));
        const char *named = strstr(c.why, ": "); /* of a real matrix, its name comes first */
        const char *why = strcmp(c.family, "real") == 0 && named ? named + 2 : c.why;
        ck_assert(reasons > 1 || strcmp(why, f->why) == 0);
        case_free(&c);
    }
    for (size_t k = 0; k < family_count; k++)
        ck_assert_msg(used_families[k] > 0, "no case of the family %s", families[k].name);
    for (size_t o = 0; o < OTHERS; o++)
        ck_assert_msg(used_flags[o] > 0, "no case has the flag %s", others[o]);
}
END_TEST

/* ---- inputs --------------------------------------------------------------------------------------------------------- */

static void check_shapes(const struct golden_case *c)
{
    const struct tensor *g = case_input(c, "G"), *param = case_input(c, "param"), *grads = case_input(c, "grads");
    size_t optional = (case_input(c, "lr") ? 1u : 0u) + (case_input(c, "present") ? 1u : 0u);
    if (c->operation == OPERATION_STEP) {
        size_t parameters = case_parameters(c);
        ck_assert(param && grads && c->input_count == 2 * parameters + optional && grads->shape[0] >= 4);
        ck_assert(parameters == (strstr(c->id, "-two-parameters") ? 2 : 1));
        ck_assert(grads->ndim == param->ndim + 1 && grads->count == grads->shape[0] * param->count);
    } else if (c->operation == OPERATION_MOMENTUM) {
        ck_assert(c->input_count == 3 && param && case_input(c, "momentum") && case_input(c, "grad"));
    } else {
        ck_assert(c->input_count == 1 && g && g->ndim >= 2 && g->ndim <= 4);
        ck_assert(g->ndim == 2 || c->operation >= OPERATION_NEWTON_SCHULZ);
    }
    ck_assert_ptr_null(case_input(c, "second_moment"));
}

/* Finite, of shapes that agree, and without answers; exact in binary64 always, in binary32 unless a family or size is
 * meant not to be, and Gaussian-like entries of usual size in all formats. */
START_TEST(inputs_are_sound)
{
    size_t count = all_count(), narrow = 0;
    for (size_t k = 0; k < count; k++) {
        struct golden_case c = nth(k);
        check_shapes(&c);
        ck_assert(c.class_count == 0 && c.classes == NULL);
        bool finite = true;
        for (size_t i = 0; i < c.input_count; i++) {
            size_t product = 1;
            for (size_t d = 0; d < c.inputs[i].ndim; d++)
                product *= c.inputs[i].shape[d];
            ck_assert(c.inputs[i].count == product && product > 0);
            for (size_t n = 0; n < product; n++)
                finite = finite && isfinite(c.inputs[i].at[n]);
        }
        ck_assert_msg(finite && case_fits(&c, TENSOR_F64), "%s", c.id);
        bool usual = strcmp(c.family, "gaussian") == 0 && !strstr(c.id, "-tiny") && !strstr(c.id, "-eps") &&
                     !strstr(c.id, "-huge") && !strstr(c.id, "-subnormal") && !strstr(c.id, "-least");
        bool all = case_fits(&c, TENSOR_F32) && case_fits(&c, TENSOR_F16) && case_fits(&c, TENSOR_BF16);
        ck_assert_msg(!usual || all, "%s", c.id);
        narrow += case_fits(&c, TENSOR_F32);
        case_free(&c);
    }
    ck_assert_uint_ge(narrow, count * 9 / 10);
}
END_TEST

/* FNV-1a of the id is the seed; its own test vectors are "" and "a". */
static uint64_t seed_of_id(const char *id)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *id; id++) {
        hash ^= (unsigned char)*id;
        hash *= UINT64_C(1099511628211);
    }
    return hash;
}

/* The one input of a case is the family's numbers times a power of two. */
static void check_input(enum operation o, const char *id, const char *family, int exponent)
{
    struct golden_case c = named(o, id);
    const struct tensor *g = case_input(&c, "G");
    int64_t at[256], truth[256];
    ck_assert_uint_le(g->count, 256);
    struct whole_matrix x = {.rows = g->shape[0], .cols = g->count / g->shape[0], .at = at, .truth = truth};
    family_find(family)->fill(&x, seed_of_id(id));
    for (size_t k = 0; k < g->count; k++)
        ck_assert(g->at[k] == (double)at[k] * pow(2, exponent / 2) * pow(2, exponent - exponent / 2));
    case_free(&c);
}

START_TEST(inputs_are_those_of_the_family)
{
    ck_assert(seed_of_id("a") == UINT64_C(0xAF63DC4C8601EC8C));
    check_input(OPERATION_POLAR, "polar-gaussian-8x8", "gaussian", 0);
    check_input(OPERATION_POLAR, "polar-gaussian-8x8-tiny", "gaussian", -35);
    check_input(OPERATION_POLAR, "polar-gaussian-8x12-eps", "gaussian", -29);
    check_input(OPERATION_SVD, "svd-gaussian-12x8-huge", "gaussian", 95);
    check_input(OPERATION_SVD, "svd-gaussian-8x8-subnormal", "gaussian", -140);
    check_input(OPERATION_SVD, "svd-gaussian-8x8-least", "gaussian", -1074);
    check_input(OPERATION_POLAR, "polar-pythagorean-12x8", "pythagorean", 0);
    check_input(OPERATION_LMO, "lmo-ternary-8x8-nuclear", "ternary", 0);
    check_input(OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-12x2x1x3", "gaussian", 0);
    check_input(OPERATION_COSH_RMS, "cosh-rms-rank-one-2x4x6", "rank-one", 0);
}
END_TEST

/* Recorded matrices stand in the cases as they were recorded, each under its number, and steps take them by turns. */
START_TEST(recorded_cases_are_as_recorded)
{
    struct golden_case c = named(OPERATION_SVD, "svd-real-32x64-5");
    const struct recorded *r = recorded_find(32, 64, 4);
    for (size_t k = 0; k < c.inputs[0].count; k++)
        ck_assert(c.inputs[0].at[k] == recorded_entry(r, k));
    ck_assert(strncmp(c.why, r->name, strlen(r->name)) == 0 && case_fits(&c, TENSOR_F32) &&
              has_flag(&c, "RealGradient"));
    case_free(&c);
    c = named(OPERATION_LMO, "lmo-real-24x8-row");
    ck_assert(c.inputs[0].at[7] == recorded_entry(recorded_find(24, 8, 0), 7));
    case_free(&c);
    c = named(OPERATION_STEP, "step-real-8x24");
    for (size_t t = 0; t < 4; t++)
        ck_assert(case_input(&c, "grads")->at[192 * t + 5] == recorded_entry(recorded_find(8, 24, t % 2), 5));
    case_free(&c);
    ck_assert_uint_eq(cases_find(OPERATION_POLAR, "polar-real-32x64-7"), cases_count(OPERATION_POLAR));
}
END_TEST

/* Families that may be zero for some seeds are not for those of the cases, but for a single entry. */
START_TEST(only_zero_cases_are_zero)
{
    size_t count = all_count();
    for (size_t k = 0; k < count; k++) {
        struct golden_case c = nth(k);
        bool zero = true;
        for (size_t n = 0; n < c.inputs[0].count; n++)
            zero = zero && c.inputs[0].at[n] == 0;
        ck_assert_msg(!zero || strcmp(c.family, "zero") == 0 || (c.operation == OPERATION_MOMENTUM && c.step == 1) ||
                          c.inputs[0].count == 1,
                      "%s", c.id);
        case_free(&c);
    }
}
END_TEST

/* What each event does to a run of four steps. */
START_TEST(steps_have_their_events)
{
    struct golden_case c = named(OPERATION_STEP, "step-gaussian-4x6");
    ck_assert(!case_input(&c, "lr") && !case_input(&c, "present") && has_flag(&c, "Trajectory"));
    ck_assert(c.hyper.lr == 0.125 && c.hyper.momentum == 0.9375 && c.hyper.weight_decay == 0.25);
    case_free(&c);

    c = named(OPERATION_STEP, "step-gaussian-4x6-zero-gradient");
    const struct tensor *grads = case_input(&c, "grads");
    for (size_t t = 0; t < 4; t++) {
        bool zero = true;
        for (size_t k = 0; k < 24; k++)
            zero = zero && grads->at[24 * t + k] == 0;
        ck_assert(zero == (t == 2));
    }
    ck_assert(has_flag(&c, "ZeroGradient"));
    case_free(&c);

    c = named(OPERATION_STEP, "step-gaussian-6x4-absent-gradient");
    static const double present[] = {1, 1, 0, 1}, lr[] = {0.125, 0.125, 0.0625, 0.0625};
    ck_assert_mem_eq(case_input(&c, "present")->at, present, sizeof present);
    ck_assert(has_flag(&c, "AbsentGradient"));
    case_free(&c);

    c = named(OPERATION_STEP, "step-gaussian-6x4-lr-change");
    ck_assert_mem_eq(case_input(&c, "lr")->at, lr, sizeof lr);
    ck_assert(has_flag(&c, "LrChange"));
    case_free(&c);

    c = named(OPERATION_STEP, "step-gaussian-4x6-tiny-gradients");
    grads = case_input(&c, "grads");
    for (size_t k = 0; k < grads->count; k++)
        ck_assert(fabs(grads->at[k]) <= 0x1p-27);
    ck_assert(has_flag(&c, "TinyNorm"));
    case_free(&c);

    c = named(OPERATION_STEP, "step-gaussian-4x6-huge-gradients"); /* of which binary16 holds none but the least */
    grads = case_input(&c, "grads");
    double most = 0;
    for (size_t k = 0; k < grads->count; k++)
        most = fmax(most, fabs(grads->at[k]));
    ck_assert(most > 65504 && most < 0x1p40 && has_flag(&c, "HugeNorm") && case_fits(&c, TENSOR_F16));
    case_free(&c);

    c = named(OPERATION_STEP,
              "step-gaussian-6x4-two-parameters"); /* of which one is as the other's transpose in shape */
    const struct tensor *second = case_input(&c, "param.2"), *seconds = case_input(&c, "grads.2");
    ck_assert(second->shape[0] == 4 && second->shape[1] == 6 && seconds->ndim == 3 && seconds->shape[0] == 4);
    ck_assert(seconds->shape[1] == 4 && seconds->shape[2] == 6 && has_flag(&c, "SeveralParameters"));
    ck_assert(memcmp(second->at, case_input(&c, "param")->at, second->count * sizeof *second->at) != 0);
    ck_assert(memcmp(seconds->at, case_input(&c, "grads")->at, seconds->count * sizeof *seconds->at) != 0);
    case_free(&c);

    c = named(OPERATION_STEP, "step-gaussian-4x3x2x2-absent-gradient");
    ck_assert(case_input(&c, "grads")->ndim == 5 && has_flag(&c, "Convolution") && !has_flag(&c, "Batched"));
    case_free(&c);
}
END_TEST

START_TEST(momentum_and_lmo_cases_have_their_parameters)
{
    static const size_t steps[] = {1, 2, 7};
    for (size_t v = 0; v < 3; v++) {
        char id[CASE_TEXT];
        snprintf(id, sizeof id, "momentum-fine-8x12-%zu", v);
        struct golden_case c = named(OPERATION_MOMENTUM, id);
        ck_assert(c.step == steps[v] && c.hyper.momentum == 0.9375 && c.hyper.weight_decay == 0.25);
        bool zero = true;
        for (size_t k = 0; k < c.inputs[0].count; k++)
            zero = zero && case_input(&c, "momentum")->at[k] == 0;
        ck_assert(zero == (c.step == 1));
        case_free(&c);
    }
    static const int precisions[] = {8, 11, 24};
    for (size_t v = 0; v < 3; v++) { /* buffers fill the format, and nothing narrower */
        char id[CASE_TEXT];
        snprintf(id, sizeof id, "momentum-one-rounding-4x6-%zu", v);
        struct golden_case c = named(OPERATION_MOMENTUM, id);
        ck_assert(c.step == 2 && c.hyper.momentum == 0.5 && c.hyper.weight_decay == 0.25);
        double top = ldexp(1, precisions[v]);
        for (size_t k = 0; k < 24; k++) {
            double m = c.inputs[0].at[k] * top, g = c.inputs[1].at[k] * top / 2, p = c.inputs[2].at[k] * top / 8;
            double size = fabs(m), nearly = fabs(g), fresh = fabs(g + p);
            ck_assert(m * g > 0 && size >= 0.9 * top && size < top && fabs(remainder(size, 16)) == 1);
            ck_assert(nearly >= 0.64 * top && nearly < 0.85 * top && fmod(nearly, 4) == 0);
            ck_assert(fabs(p) <= 0.03 * top && fmod(p, 4) == 0 && fresh > 0.61 * top && fresh < 0.88 * top);
        }
        ck_assert(case_fits(&c, TENSOR_BF16) == (v == 0) && case_fits(&c, TENSOR_F16) == (v < 2));
        ck_assert(case_fits(&c, TENSOR_F32));
        case_free(&c);
    }
    size_t norms[8] = {0};
    for (size_t k = 0; k < cases_count(OPERATION_LMO); k++) {
        struct golden_case c;
        ck_assert_int_eq(cases_make(&c, OPERATION_LMO, k), ASSAY_OK);
        ck_assert(c.radius == (strcmp(c.family, "one-rounding") ? 0.125 : 0.1) && (unsigned)c.norm < 8);
        norms[c.norm]++;
        case_free(&c);
    }
    for (size_t k = 1; k < 8; k++)
        ck_assert(norms[k] == norms[0] && norms[k] > 0);
    struct golden_case c = named(OPERATION_LMO, "lmo-zero-8x8-row");
    ck_assert(c.norm == ASSAY_NORM_ROW);
    case_free(&c);
    c = named(OPERATION_LMO, "lmo-zero-8x8-rms");
    ck_assert(c.norm == ASSAY_NORM_RMS);
    case_free(&c);
}
END_TEST

/* ---- ids are immutable ------------------------------------------------------------------------------------------------ */

/* FNV-1a, going on. */
static uint64_t digest(uint64_t hash, const void *bytes, size_t size)
{
    for (size_t k = 0; k < size; k++)
        hash = (hash ^ ((const unsigned char *)bytes)[k]) * UINT64_C(1099511628211);
    return hash;
}

/* The hash of numbers as their bits, the least significant byte first. */
static uint64_t digest_number(uint64_t hash, double x)
{
    unsigned char bytes[8];
    bytes_store_little(bytes, 8, io_bits(x));
    return digest(hash, bytes, 8);
}

/* Everything that a case asks. */
static uint64_t digest_case(const struct golden_case *c)
{
    uint64_t hash = digest(UINT64_C(14695981039346656037), c->id, strlen(c->id) + 1);
    const double numbers[] = {(double)c->norm,       c->radius,       c->hyper.lr,           c->hyper.momentum,
                              c->hyper.weight_decay, (double)c->step, (double)c->input_count};
    for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++)
        hash = digest_number(hash, numbers[k]);
    for (size_t i = 0; i < c->input_count; i++) {
        const struct tensor *x = &c->inputs[i];
        hash = digest(hash, x->name, strlen(x->name) + 1);
        for (size_t d = 0; d < x->ndim; d++)
            hash = digest_number(hash, (double)x->shape[d]);
        for (size_t n = 0; n < x->count; n++)
            hash = digest_number(hash, x->at[n]);
    }
    return hash;
}

/* How many cases each operation has, and the sum of their digests, which does not depend on their order. A published case
 * is never changed: ports have results for it. Whoever adds cases adds to the sum just their digests; whoever finds
 * another sum without having added any has changed one. (`assay verify` on a published set names it.) */
static const struct {
    size_t count;
    uint64_t sum;
} published[OPERATIONS] = {
    {165, UINT64_C(0x0EE91FF13CDBF3E2)}, /* polar */
    {106, UINT64_C(0x2F42A06F0D571DCD)}, /* svd */
    {240, UINT64_C(0xD729743C9F9A039B)}, /* lmo */
    {71, UINT64_C(0x9DDD67D893EC8B68)},  /* newton-schulz */
    {71, UINT64_C(0x0FE950751F21D459)},  /* cosh-rms */
    {34, UINT64_C(0x785BACCDDD455EC9)},  /* momentum */
    {48, UINT64_C(0x219A864B6A3C27C3)},  /* step */
};

START_TEST(published_cases_are_unchanged)
{
    for (size_t o = 0; o < OPERATIONS; o++) {
        uint64_t sum = 0;
        for (size_t k = 0; k < cases_count((enum operation)o); k++) {
            struct golden_case c;
            ck_assert_int_eq(cases_make(&c, (enum operation)o, k), ASSAY_OK);
            uint64_t before = digest_case(&c);
            sum += before;
            c.inputs[c.input_count - 1].at[0] *= -1; /* another number, or the other zero */
            ck_assert(digest_case(&c) != before);
            case_free(&c);
        }
        ck_assert_msg(cases_count((enum operation)o) == published[o].count && sum == published[o].sum,
                      "%s: {%zu, UINT64_C(0x%016llX)}", operation_names[o], cases_count((enum operation)o),
                      (unsigned long long)sum);
    }
}
END_TEST

/* ---- memory ----------------------------------------------------------------------------------------------------------- */

/* Whichever allocation fails, the case is none and holds nothing. */
START_TEST(memory_failures_are_survived)
{
    for (size_t o = 0; o < OPERATIONS; o++)
        for (size_t k = 0; k < cases_count((enum operation)o); k += o >= OPERATION_MOMENTUM ? 1 : 13) {
            static const struct golden_case none;
            struct golden_case c;
            assay_status status = ASSAY_NO_MEMORY;
            size_t n = 1;
            for (; status != ASSAY_OK; n++) {
                io_fail(n);
                status = cases_make(&c, (enum operation)o, k);
                bool failed = io_fail(0) != NULL;
                ck_assert(status == (failed ? ASSAY_NO_MEMORY : ASSAY_OK));
                ck_assert(!failed || memcmp(&c, &none, sizeof c) == 0);
            }
            ck_assert_uint_gt(n, 2 * c.input_count); /* a name and an array for each; and once without a failure */
            case_free(&c);
        }
}
END_TEST

RUN_TESTS("cases", TEST(ids_are_unique_and_plain), TEST(cases_are_found_by_id), TEST(every_case_says_why),
          TEST(inputs_are_sound), TEST(inputs_are_those_of_the_family), TEST(recorded_cases_are_as_recorded),
          TEST(only_zero_cases_are_zero), TEST(steps_have_their_events),
          TEST(momentum_and_lmo_cases_have_their_parameters), TEST(published_cases_are_unchanged),
          TEST(memory_failures_are_survived))
