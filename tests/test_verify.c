#include "verify.h"

#include "bounds.h"
#include "cases.h"
#include "golden_support.h"
#include "io_support.h"
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char sentence[ASSAY_MESSAGE_SIZE];
static const assay_options alone = {.threads = 1, .message = sentence, .message_size = sizeof sentence};

static bool agrees(const struct golden_case *c)
{
    bool so = false;
    sentence[0] = '\0';
    assay_status status = case_verify(&so, c, &alone);
    ck_assert_msg(status == ASSAY_OK, "%s: %d %s", c->id, (int)status, sentence);
    return so;
}

/* The case must be found altered, in one sentence that begins with its name and holds `part`. */
static void altered(const struct golden_case *c, const char *part)
{
    char start[CASE_TEXT + 8];
    snprintf(start, sizeof start, "case %s: ", c->id);
    ck_assert_msg(!agrees(c), "%s: not seen: %s", c->id, part);
    ck_assert_msg(strncmp(sentence, start, strlen(start)) == 0 && strstr(sentence + strlen(start), part),
                  "'%s' is not in: %s", part, sentence);
    ck_assert_ptr_null(strchr(sentence, '\n'));
}

/* Those whose bounds are envelopes of all dialects, found anew each time. */
static bool takes_long(enum operation o)
{
    return o == OPERATION_NEWTON_SCHULZ || o == OPERATION_STEP;
}

/* ---- what is right ------------------------------------------------------------------------------------------------------ */

START_TEST(untouched_cases_agree)
{
    for (size_t o = 0; o < OPERATIONS; o++)
        for (size_t k = 0; k < cases_count((enum operation)o); k += stride(17)) {
            struct golden_case c;
            ck_assert_int_eq(cases_make(&c, (enum operation)o, k), ASSAY_OK);
            if ((takes_long(c.operation) && (c.inputs[0].count > 8 || !thorough())) ||
                (c.inputs[0].count > 200 && !thorough())) {
                case_free(&c);
                continue;
            }
            ck_assert_int_eq(case_compute(&c, &alone), ASSAY_OK);
            ck_assert_int_eq(case_bound(&c, &alone), ASSAY_OK);
            ck_assert_msg(agrees(&c), "%s", sentence);
            case_free(&c);
        }
}
END_TEST

/* ---- single bits -------------------------------------------------------------------------------------------------------- */

static const struct {
    enum operation operation;
    const char *id;
} flipped[] = {
    {OPERATION_POLAR, "polar-gaussian-3x5"},       {OPERATION_POLAR, "polar-low-rank-4x4"},
    {OPERATION_SVD, "svd-gaussian-5x3"},           {OPERATION_LMO, "lmo-gaussian-5x3-row"},
    {OPERATION_LMO, "lmo-zero-8x8-nuclear"},       {OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-2x2"},
    {OPERATION_COSH_RMS, "cosh-rms-gaussian-3x5"}, {OPERATION_MOMENTUM, "momentum-gaussian-3x5-1"},
    {OPERATION_STEP, "step-gaussian-1x6"},
};
enum { FLIPPED = sizeof flipped / sizeof flipped[0] };
static struct golden_case bounded[FLIPPED];

static void make_cases(void)
{
    for (size_t f = 0; f < FLIPPED; f++)
        bounded[f] = golden_bounded(flipped[f].operation, flipped[f].id);
}

static void free_cases(void)
{
    for (size_t f = 0; f < FLIPPED; f++)
        case_free(&bounded[f]);
}

static void flip(void *at, size_t size, uint64_t random)
{
    uint64_t place = random % (8 * size);
    ((unsigned char *)at)[place / 8] ^= (unsigned char)(1 << place % 8);
}

/* One bit of an answer's high part, low part, radius or bounds, or of a certificate, anywhere: seen, named, and no longer
 * there when flipped back. */
START_TEST(every_flipped_bit_is_seen)
{
    enum { HIGH, LOW, RADIUS, BOUND, CERTIFICATE, PARTS };
    static const char *const starts[PARTS] = {"[", ".lo[", ".radius is ", ".bounds has ", ""};
    size_t tried[PARTS] = {0};
    for (size_t f = 0; f < FLIPPED; f++) {
        if (!thorough() && takes_long(flipped[f].operation))
            continue;
        struct golden_case c = bounded[f];
        bool certified = c.operation == OPERATION_POLAR || c.operation == OPERATION_LMO;
        for (size_t n = 0; n < (takes_long(c.operation) ? 2 * PARTS : rounds(40)); n++) {
            uint64_t random = io_random(1000 * f + 10 * n), bit = io_random(1000 * f + 10 * n + 1);
            struct answer_class *k = &c.classes[random % c.class_count];
            struct answer *a = &k->answers[(random >> 20) % k->answer_count];
            char part[128];
            size_t which = n % PARTS, format = (random >> 30) % FORMATS;
            if (which == CERTIFICATE && !certified)
                continue;
            struct certificate *certificate = &k->certificates[format];
            void *const at[PARTS] = {a->hi, a->lo, &a->radius, answer_bounds(a, (enum tensor_type)format, 0),
                                     certificate};
            const size_t numbers[PARTS] = {a->count, a->count, 1, a->slabs * MEASURES, 2};
            snprintf(part, sizeof part, "%s%s%s%s", k->name, k->name[0] ? "/" : "", a->name, starts[which]);
            if (which == CERTIFICATE)
                snprintf(part, sizeof part, "the certificate for %s is not ",
                         tensor_type_name((enum tensor_type)format));
            flip(at[which], numbers[which] * sizeof(double), bit);
            altered(&c, part);
            ck_assert(which >= BOUND || strstr(sentence, " is proved"));
            ck_assert(which != BOUND || strstr(sentence, tensor_type_name((enum tensor_type)format)));
            flip(at[which], numbers[which] * sizeof(double), bit);
            tried[which]++;
        }
        ck_assert(agrees(&c));
    }
    for (size_t which = 0; which < PARTS; which++)
        ck_assert_uint_ge(tried[which], 20);
}
END_TEST

/* The sign of a certificate's zero, another proof. */
START_TEST(changed_bounds_are_seen)
{
    struct golden_case c = golden_bounded(OPERATION_LMO, "lmo-gaussian-5x3-max");
    struct answer_class *k = &c.classes[0];
    ck_assert(k->certificates[TENSOR_BF16].gap == 0);
    k->certificates[TENSOR_BF16].gap = -0.0;
    altered(&c, "the certificate for BF16 is not 0x0p+0, 0x0p+0");
    k->certificates[TENSOR_BF16].gap = 0;
    k->answers[0].proofs[TENSOR_F16] = PROOF_ENVELOPE;
    altered(&c, "the proofs of the bounds of D are others");
    k->answers[0].proofs[TENSOR_F16] = PROOF_NONE;
    ck_assert(agrees(&c));
    case_free(&c);
    c = golden_bounded(OPERATION_MOMENTUM, "momentum-gaussian-3x5-1");
    double *bounds = answer_bounds(&c.classes[0].answers[1], TENSOR_F32, 0), kept = bounds[MEASURE_COLUMN];
    bounds[MEASURE_COLUMN] = 1; /* it was 0: bits */
    altered(&c, "/u.bounds has ");
    ck_assert_ptr_nonnull(strstr(sentence, " for the worst column in F32, step 0, where "));
    bounds[MEASURE_COLUMN] = kept;
    ck_assert(agrees(&c));
    case_free(&c);
}
END_TEST

/* One bit of an input of one of our cases: seen even where it changes no answer. */
START_TEST(every_flipped_input_is_seen)
{
    size_t per_case = rounds(20);
    for (size_t f = 0; f < FLIPPED; f++) {
        struct golden_case c = bounded[f];
        for (size_t n = 0; n < per_case; n++) {
            uint64_t random = io_random(7777 * f + n);
            struct tensor *x = &c.inputs[random % c.input_count];
            flip(x->at, x->count * sizeof *x->at, random >> 8);
            altered(&c, "inputs or parameters are not those of this id");
            flip(x->at, x->count * sizeof *x->at, random >> 8);
        }
    }
}
END_TEST

START_TEST(changed_parameters_are_seen)
{
    struct golden_case c =
        golden_bounded(OPERATION_LMO, "lmo-zero-8x8-nuclear"); /* the answer is 0 whatever the radius */
    c.radius = 0.25;
    altered(&c, "inputs or parameters");
    c.radius = 0.125;
    c.norm = ASSAY_NORM_MAX;
    altered(&c, "inputs or parameters");
    c.norm = ASSAY_NORM_NUCLEAR;
    ck_assert(agrees(&c));
    case_free(&c);
}
END_TEST

/* What a case is for. */
START_TEST(changed_texts_are_seen)
{
    struct golden_case c = golden_bounded(OPERATION_SVD, "svd-gaussian-2x2");
    char *texts[] = {c.family, c.why, c.flags[0]};
    for (size_t k = 0; k < 3; k++) {
        texts[k][0]++;
        altered(&c, "family, flags or why are not those of this id");
        texts[k][0]--;
    }
    c.flag_count--;
    altered(&c, "family, flags or why are not those of this id");
    c.flag_count++;
    ck_assert(agrees(&c));
    case_free(&c);
}
END_TEST

/* ---- facts, members, shapes ------------------------------------------------------------------------------------------------ */

START_TEST(changed_facts_are_seen)
{
    for (size_t f = 0; f < FLIPPED; f++) {
        struct golden_case c = bounded[f];
        for (size_t n = 0; n < (takes_long(c.operation) ? 1 : c.class_count); n++) {
            struct answer_class *k = &c.classes[n];
            k->unique = !k->unique;
            altered(&c, "undefined, unique or rank is wrong");
            k->unique = !k->unique;
            k->undefined = !k->undefined;
            altered(&c, "undefined, unique or rank is wrong");
            k->undefined = !k->undefined;
            k->rank++;
            altered(&c, k->name[0] ? k->name : "answers: undefined, unique or rank is wrong");
            k->rank--;
        }
    }
}
END_TEST

START_TEST(changed_classes_are_seen)
{
    struct golden_case c = golden_bounded(OPERATION_MOMENTUM, "momentum-gaussian-3x5-1");
    for (size_t n = 0; n < c.class_count; n++) {
        struct answer_class *k = &c.classes[n];
        size_t last = k->member_count - 1;
        const struct assay_dialect *kept = k->members[last];
        k->member_count--; /* one fewer */
        altered(&c, " has other dialects");
        k->member_count++;
        const char *other = strcmp(kept->name, "jordan") == 0 ? "torch-match-rms" : "jordan"; /* or in another place */
        k->members[last] = assay_dialect_find(other);
        altered(&c, " has other dialects");
        k->members[last] = kept;
        k->name = "moon";
        altered(&c, " has other dialects");
        k->name = k->members[0]->name;
    }
    struct answer_class last = c.classes[c.class_count - 1], first = c.classes[0];
    c.class_count--;
    altered(&c, " classes of answers instead of ");
    c.class_count++;
    c.classes[0] = last; /* another order */
    c.classes[c.class_count - 1] = first;
    altered(&c, " has other dialects");
    c.classes[0] = first;
    c.classes[c.class_count - 1] = last;
    ck_assert(agrees(&c));
    case_free(&c);
}
END_TEST

START_TEST(changed_outputs_are_seen)
{
    struct golden_case c = bounded[FLIPPED - 1];
    struct answer_class *k = &c.classes[1];
    k->answer_count--;
    altered(&c, "2 outputs instead of 3");
    k->answer_count++;
    struct answer *a = &k->answers[2];
    strcpy(a->name, "momentun");
    altered(&c, "/momentun should be called momentum");
    strcpy(a->name, "momentum");
    a->ndim = 2;
    altered(&c, "/momentum should be called momentum, or has a wrong shape");
    a->ndim = 3;
    a->shape[1] = 6;
    a->shape[2] = 1;
    altered(&c, "/momentum should be called momentum, or has a wrong shape");
    a->shape[1] = 1;
    a->shape[2] = 6;
    ck_assert(agrees(&c));

    c = golden_bounded(OPERATION_LMO, "lmo-zero-8x8-nuclear");
    c.classes[0].answers[0].hi[63] = -0.0; /* another number than 0 */
    altered(&c, "D[63] is -0x0p+0, and 0x0p+0 is proved");
    c.classes[0].answers[0].hi[63] = 0;
    ck_assert(agrees(&c));
    case_free(&c);
}
END_TEST

/* ---- cases that are not ours -------------------------------------------------------------------------------------------------- */

/* A case of another id may ask what it likes; its answers are proved all the same. */
START_TEST(other_cases_are_proved_too)
{
    struct golden_case c = golden_bounded(OPERATION_POLAR, "polar-gaussian-3x5");
    strcpy(c.id, "my-own");
    ck_assert(agrees(&c));
    c.inputs[0].at[0] += 1;
    altered(&c, "Q[0] is ");
    c.inputs[0].at[0] = (double)NAN;
    altered(&c, "there is no answer: ");
    case_free(&c);

    c = golden_bounded(OPERATION_LMO, "lmo-gaussian-5x3-row");
    strcpy(c.id, "my-own");
    c.radius = -1;
    altered(&c, "there is no answer: ");
    case_free(&c);

    c = golden_bounded(OPERATION_STEP, "step-gaussian-1x6");
    strcpy(c.id, "my-own");
    c.hyper.lr = 0x1.fffffffffffffp1023;
    altered(&c, "there is no answer: ");
    c.hyper.lr = -1; /* nobody takes it */
    altered(&c, " classes of answers instead of 0");
    case_free(&c);
}
END_TEST

/* ---- what goes wrong ------------------------------------------------------------------------------------------------------------ */

START_TEST(memory_failures_are_survived)
{
    static const struct {
        enum operation operation;
        const char *id;
    } these[] = {{OPERATION_SVD, "svd-gaussian-2x2"}, {OPERATION_COSH_RMS, "cosh-rms-gaussian-1x1"}};
    for (size_t f = 0; f < 2; f++) {
        struct golden_case c = golden_bounded(these[f].operation, these[f].id);
        size_t failures = 0;
        bool failed = true;
        for (size_t n = 1; failed; n += 1 + (n > 60 ? n / 24 : 0)) {
            bool so = false;
            io_fail(n);
            assay_status status = case_verify(&so, &c, &alone);
            failed = io_fail(0) != NULL;
            ck_assert_msg(status == (failed ? ASSAY_NO_MEMORY : ASSAY_OK), "%zu: %d", n, (int)status);
            ck_assert(failed || so);
            failures += failed;
        }
        ck_assert_uint_gt(failures, 4);
        case_free(&c);
    }
}
END_TEST

/* Short of room, the sentence is cut; without any, there is none. */
START_TEST(messages_fit)
{
    struct golden_case c = golden_bounded(OPERATION_SVD, "svd-gaussian-2x2");
    char text[16];
    memset(text, 'x', sizeof text);
    const assay_options little = {.threads = 1, .message = text, .message_size = 8}, none = {.threads = 1};
    bool so = true;
    c.classes[0].rank = 1;
    ck_assert_int_eq(case_verify(&so, &c, &little), ASSAY_OK);
    ck_assert_str_eq(text, "case sv");
    ck_assert(!so && text[8] == 'x');
    so = true;
    ck_assert_int_eq(case_verify(&so, &c, &none), ASSAY_OK);
    ck_assert(!so);
    case_free(&c);
}
END_TEST

RUN_TESTS_BETWEEN(make_cases, free_cases, "verify", TEST(untouched_cases_agree), TEST(every_flipped_bit_is_seen),
                  TEST(changed_bounds_are_seen), TEST(every_flipped_input_is_seen), TEST(changed_parameters_are_seen),
                  TEST(changed_texts_are_seen), TEST(changed_facts_are_seen), TEST(changed_classes_are_seen),
                  TEST(changed_outputs_are_seen), TEST(other_cases_are_proved_too), TEST(memory_failures_are_survived),
                  TEST(messages_fit))
