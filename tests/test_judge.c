#include "judge.h"

#include "arithmetic.h"
#include "golden_support.h"
#include "io_support.h"
#include "measure.h"
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 512 };
static char sentence[ASSAY_MESSAGE_SIZE];
static const assay_options alone = {.threads = 1, .message = sentence, .message_size = sizeof sentence};

static struct verdict judged(const struct golden_case *c, const struct answer_class *k, size_t output,
                             enum tensor_type f, const double *result)
{
    struct verdict v;
    assay_status status = judge(&v, c, k, output, f, result, &alone);
    ck_assert_msg(status == ASSAY_OK, "%s: %d %s", c->id, (int)status, sentence);
    return v;
}

/* The exact answer, as the format holds it. */
static void honest(double *result, const struct golden_case *c, const struct answer *a, enum tensor_type f)
{
    ck_assert_uint_le(a->count, MOST);
    for (size_t k = 0; k < a->count; k++)
        result[k] = nearest(c->operation == OPERATION_STEP && f != TENSOR_F64 ? TENSOR_F32 : f, a->hi[k]);
}

static const struct {
    enum operation operation;
    const char *id, *class;
} cases[] = {
    {OPERATION_POLAR, "polar-gaussian-12x8", ""},
    {OPERATION_POLAR, "polar-hadamard-8x8", ""},
    {OPERATION_POLAR, "polar-low-rank-8x8", ""},
    {OPERATION_POLAR, "polar-gaussian-8x8-least", ""},
    {OPERATION_SVD, "svd-gaussian-8x12", ""},
    {OPERATION_SVD, "svd-gaussian-8x8-least", ""},
    {OPERATION_SVD, "svd-gaussian-8x8-subnormal", ""},
    {OPERATION_LMO, "lmo-fine-8x8-max", ""},
    {OPERATION_LMO, "lmo-signs-12x8-sum", ""},
    {OPERATION_LMO, "lmo-ternary-12x8-sum", ""},
    {OPERATION_LMO, "lmo-fine-8x8-column", ""},
    {OPERATION_LMO, "lmo-fine-8x8-nuclear", ""},
    {OPERATION_LMO, "lmo-fine-12x8-rms", ""},
    {OPERATION_NEWTON_SCHULZ, "newton-schulz-hadamard-8x8", "jordan"},
    {OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-3x5", "moonlight"},
    {OPERATION_COSH_RMS, "cosh-rms-gaussian-5x3", "auon"},
    {OPERATION_MOMENTUM, "momentum-gaussian-8x12-2", "jordan"},
    {OPERATION_MOMENTUM, "momentum-fine-8x12-2", "jordan"},
    {OPERATION_MOMENTUM, "momentum-one-rounding-4x6-0", "auon"},
    {OPERATION_STEP, "step-gaussian-1x6", "adamw"},
};
enum { CASES = sizeof cases / sizeof cases[0] };
static struct golden_case bounded[CASES];

static void make_cases(void)
{
    for (size_t n = 0; n < CASES; n++)
        bounded[n] = golden_bounded(cases[n].operation, cases[n].id);
}

static void free_cases(void)
{
    for (size_t n = 0; n < CASES; n++)
        case_free(&bounded[n]);
}

/* The last of them. */
static const struct golden_case *const run_of_steps = &bounded[CASES - 1];

/* ---- what passes ---------------------------------------------------------------------------------------------------- */

/* The exact answers, rounded to each format, of every output of every class; answers of another class, in binary64, only
 * where no bound tells them apart. */
START_TEST(exact_answers_pass)
{
    double result[MOST];
    for (size_t n = 0; n < CASES; n++) {
        const struct golden_case *c = &bounded[n];
        for (size_t l = 0; l < c->class_count; l++)
            for (size_t a = 0; a < c->classes[l].answer_count; a++)
                for (size_t f = 0; f < FORMATS; f++) {
                    if (!case_fits(c, (enum tensor_type)f))
                        continue;
                    const struct answer *answer = &c->classes[l].answers[a];
                    honest(result, c, answer, (enum tensor_type)f);
                    struct verdict v = judged(c, &c->classes[l], a, (enum tensor_type)f, result);
                    ck_assert_msg(v.pass && (!v.judged || v.ratio <= 1), "%s, %s, %s: %g", c->id, c->classes[l].name,
                                  tensor_type_name((enum tensor_type)f), v.ratio);
                    ck_assert(v.judged == (answer->proofs[f] != PROOF_NONE || c->operation <= OPERATION_LMO));
                    ck_assert(v.exact == answer->hi[v.entry] && v.got == result[v.entry]);
                }
    }
}
END_TEST

/* ---- what fails ----------------------------------------------------------------------------------------------------- */

typedef void checked(const struct golden_case *c, const struct answer_class *k, const struct answer *a,
                     enum tensor_type f, double *result);

/* Calls body for the first output of the named class of each case, in all its formats, with an honest result. */
static void for_each(checked *body)
{
    double result[MOST];
    for (size_t n = 0; n < CASES; n++) {
        const struct golden_case *c = &bounded[n];
        const struct answer_class *k = class_of(c, cases[n].class);
        for (size_t f = 0; f < FORMATS; f++)
            if (case_fits(c, (enum tensor_type)f)) {
                honest(result, c, &k->answers[0], (enum tensor_type)f);
                body(c, k, &k->answers[0], (enum tensor_type)f, result);
            }
    }
}

/* NaN and infinities anywhere fail, and the verdict has the entry. */
static void check_not_finite(const struct golden_case *c, const struct answer_class *k, const struct answer *a,
                             enum tensor_type f, double *result)
{
    const double none[] = {NAN, INFINITY, -INFINITY};
    for (size_t n = 0; n < 3; n++)
        for (size_t e = 0; e < a->count; e += 1 + a->count / 7) {
            double kept = result[e];
            result[e] = none[n];
            struct verdict v = judged(c, k, 0, f, result);
            ck_assert_msg(v.judged && !v.pass && isnan(v.ratio), "%s: %g passes", c->id, none[n]);
            ck_assert_msg(v.entry == e && (isnan(v.got) || v.got == none[n]), "%s: %zu, not %zu", c->id, v.entry, e);
            result[e] = kept;
        }
}

START_TEST(what_is_not_finite_fails)
{
    for_each(check_not_finite);
}
END_TEST

/* Where there is no bound what is finite passes unjudged. What is not fails, and the verdict has the step and the entry; but not
 * where evaluations overflow, or squares of the input. */
START_TEST(what_is_not_finite_fails_without_a_bound)
{
    static const struct {
        enum operation operation;
        const char *id, *class;
        enum tensor_type format;
        bool overflows;
    } these[] = {
        {OPERATION_STEP, "step-gaussian-6x1", "signsgdm", TENSOR_F32, false}, /* several answers are right */
        {OPERATION_NEWTON_SCHULZ, "newton-schulz-rank-one-8x8", "nanochat", TENSOR_BF16, false},
        {OPERATION_NEWTON_SCHULZ, "newton-schulz-zero-8x8", "burn", TENSOR_F16, true}, /* its epsilon vanishes */
        {OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-8x8-huge", "jordan", TENSOR_F32, true},
        {OPERATION_SVD, "svd-gaussian-2x2", "", TENSOR_F64, false},
    };
    const double none[] = {NAN, INFINITY, -INFINITY, 0};
    double result[MOST];
    for (size_t n = 0; n < sizeof these / sizeof these[0]; n++) {
        struct golden_case c = golden_bounded(these[n].operation, these[n].id);
        const struct answer_class *k = class_of(&c, these[n].class);
        const struct answer *a = &k->answers[0];
        size_t last = a->count - 1;
        if (c.operation == OPERATION_SVD)
            for (size_t m = 0; m < MEASURES; m++)
                answer_bounds(a, these[n].format, 0)[m] = INFINITY;
        ck_assert_msg(isinf(answer_bounds(a, these[n].format, a->slabs - 1)[0]), "%s has a bound", c.id);
        for (size_t x = 0; x < 4; x++) {
            honest(result, &c, a, these[n].format);
            result[last] = none[x];
            struct verdict v = judged(&c, k, 0, these[n].format, result);
            bool fails = x < 3 && !these[n].overflows;
            ck_assert_msg(v.judged == fails && v.pass == !fails, "%s: %g: %d %d", c.id, none[x], v.judged, v.pass);
            if (fails)
                ck_assert(v.entry == last && v.step == a->slabs - 1 && v.proof == PROOF_NONE && isnan(v.ratio));
        }
        case_free(&c);
    }
}
END_TEST

/* In binary32 and binary64 (in less some certificates allow a row of zeros): all zero, of wrong sign; a row or column of zeros; two unequal rows exchanged; the transpose of what is square. */
static void check_wrong(const struct golden_case *c, const struct answer_class *k, const struct answer *a,
                        enum tensor_type f, double *result)
{
    if (f > TENSOR_F32)
        return;
    size_t rows = a->ndim < 2  ? 1
                  : a->stepped ? a->count / a->slabs / a->shape[a->ndim - 1]
                               : a->shape[0],
           cols = a->count / a->slabs / rows;
    double wrong[MOST] = {0};
    ck_assert_msg(!judged(c, k, 0, f, wrong).pass, "%s: zeros pass", c->id);
    for (size_t e = 0; e < a->count; e++)
        wrong[e] = -result[e];
    ck_assert_msg(!judged(c, k, 0, f, wrong).pass, "%s: the wrong sign passes", c->id);
    memcpy(wrong, result, sizeof wrong);
    memset(wrong + (rows - 1) * cols, 0, cols * sizeof *wrong);
    bool empty = memcmp(wrong, result, a->count * sizeof *wrong) == 0;
    for (size_t e = (rows - 1) * cols; e < rows * cols; e++)
        empty = empty && result[e] == 0;
    struct verdict v = judged(c, k, 0, f, wrong);
    bool choice = c->operation <= OPERATION_LMO && !k->unique; /* of which a row of zeros may be one */
    ck_assert_msg(empty || choice || !v.pass, "%s: a row of zeros passes", c->id);
    ck_assert(empty || choice || v.pass || v.entry / cols == rows - 1);
    if (rows == cols && !choice) {
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < cols; j++)
                wrong[i * cols + j] = result[j * cols + i];
        bool symmetric = memcmp(wrong, result, a->count * sizeof *wrong) == 0;
        ck_assert_msg(symmetric || !judged(c, k, 0, f, wrong).pass, "%s: the transpose passes", c->id);
    }
}

START_TEST(wrong_results_fail)
{
    for_each(check_wrong);
}
END_TEST

/* One entry that is off by 4 times the bound of entries fails, and is named, wherever it is; by 1 / 4 it passes, if the
 * result was exact. */
static void check_entry(const struct golden_case *c, const struct answer_class *k, const struct answer *a,
                        enum tensor_type f, double *result)
{
    size_t size = a->count / a->slabs;
    if (a->proofs[f] == PROOF_NONE)
        return;
    for (size_t e = 0; e < a->count; e += 1 + a->count / 9) {
        double kept = result[e], bound = answer_bounds(a, f, e / size)[MEASURE_ENTRY];
        if (bound == 0)
            bound = fmax(fabs(kept), 1) * unit_roundoff(f);
        result[e] = a->hi[e] + (e % 2 ? -4 : 4) * bound;
        struct verdict v = judged(c, k, 0, f, result);
        ck_assert_msg(!v.pass && v.entry == e && v.step == e / size && v.got == result[e], "%s: %zu, not %zu", c->id,
                      v.entry, e);
        ck_assert(v.ratio > 3 && v.error > 3 * v.bound && v.exact == a->hi[e]);
        result[e] = kept;
        ck_assert(judged(c, k, 0, f, result).pass);
    }
}

START_TEST(single_entries_are_named)
{
    for_each(check_entry);
}
END_TEST

/* Where the bounds of the measures differ, the verdict names that which is worst, in the step where it is. */
START_TEST(the_measure_is_named)
{
    double result[MOST];
    struct golden_case c = golden_bounded(OPERATION_MOMENTUM, "momentum-fine-8x12-2");
    const struct answer_class *k = class_of(&c, "jordan");
    const struct answer *a = &k->answers[1];
    const double *bounds = answer_bounds(a, TENSOR_F32, 0);
    ck_assert(bounds[MEASURE_ENTRY] < bounds[MEASURE_COLUMN] && bounds[MEASURE_COLUMN] < bounds[MEASURE_FROBENIUS]);
    for (int what = 0; what < MEASURES; what++) {
        for (size_t e = 0; e < 96; e++) { /* spread over what is measured, 1.5 times its bound in all */
            bool there = what == MEASURE_ENTRY    ? e == 17
                         : what == MEASURE_ROW    ? e / 12 == 3
                         : what == MEASURE_COLUMN ? e % 12 == 5
                                                  : true;
            size_t of = what == MEASURE_ENTRY ? 1 : what == MEASURE_ROW ? 12 : what == MEASURE_COLUMN ? 8 : 96;
            result[e] = a->hi[e] + (there ? 1.5 * bounds[what] / sqrt((double)of) : 0);
        }
        struct verdict v = judged(&c, k, 1, TENSOR_F32, result);
        ck_assert_msg(!v.pass && v.what == what && v.proof == PROOF_MOMENTUM, "%d, not %d", v.what, what);
        ck_assert_double_le(fabs(v.ratio - 1.5), 1e-6);
        ck_assert(v.bound == bounds[what]);
    }
    case_free(&c);
}
END_TEST

/* Where bits are proved, the answer rounded to the format passes, with no error; a neighbour of one entry on either side does not. */
START_TEST(a_bit_is_seen)
{
    static const struct {
        enum operation operation;
        const char *id, *class;
    } these[] = {{OPERATION_MOMENTUM, "momentum-one-rounding-4x6-0", "jordan"},
                 {OPERATION_LMO, "lmo-one-rounding-4x6-max", ""}};
    double result[MOST];
    for (size_t n = 0; n < 2; n++) {
        struct golden_case c = golden_bounded(these[n].operation, these[n].id);
        const struct answer_class *k = class_of(&c, these[n].class);
        const struct answer *a = &k->answers[0];
        honest(result, &c, a, TENSOR_BF16);
        struct verdict v = judged(&c, k, 0, TENSOR_BF16, result);
        ck_assert(v.pass && v.judged && (n == 1 || (v.error == 0 && v.proof == PROOF_BITS)));
        ck_assert(result[3] != a->hi[3]); /* which is rounded */
        for (int sign = -1; sign <= 1; sign += 2) {
            double kept = result[3];
            result[3] += sign * ldexp(1, ilogb(kept) - 7);
            v = judged(&c, k, 0, TENSOR_BF16, result);
            ck_assert(!v.pass && v.entry == 3 && v.proof == PROOF_BITS && isinf(v.ratio));
            result[3] = kept;
        }
        case_free(&c);
    }
}
END_TEST

/* A step that repeats the one before, and the answers of another dialect. */
START_TEST(stale_steps_and_other_dialects_fail)
{
    double result[MOST];
    const struct golden_case *c = run_of_steps;
    const struct answer_class *k = class_of(c, "adamw");
    for (size_t output = 0; output < 3; output++) {
        const struct answer *a = &k->answers[output];
        size_t size = a->count / a->slabs;
        for (size_t t = 1; t < a->slabs; t++) {
            honest(result, c, a, TENSOR_F32);
            memcpy(result + t * size, result + (t - 1) * size, size * sizeof *result);
            struct verdict v = judged(c, k, output, TENSOR_F32, result);
            ck_assert(!v.pass && v.step == t && v.entry / size == t);
        }
    }
    for (size_t l = 0; l < c->class_count; l++) {
        honest(result, c, &c->classes[l].answers[0], TENSOR_F64);
        bool same = answers_equal(&c->classes[l].answers[0], &k->answers[0]);
        ck_assert_msg(judged(c, k, 0, TENSOR_F64, result).pass == same, "%s", c->classes[l].name);
    }
}
END_TEST

/* ---- answers that are sets -------------------------------------------------------------------------------------------- */

START_TEST(any_optimal_answer_passes)
{
    double d[96] = {0};
    struct golden_case c = golden_bounded(OPERATION_POLAR, "polar-zero-4x4");
    struct verdict v = judged(&c, &c.classes[0], 0, TENSOR_BF16, d);
    ck_assert(v.pass && v.judged && v.proof == PROOF_CERTIFICATE);
    for (size_t k = 0; k < 4; k++)
        d[5 * k] = 1; /* an isometry is as good */
    ck_assert(judged(&c, &c.classes[0], 0, TENSOR_BF16, d).pass);
    d[5] = 2; /* not one that is too large */
    v = judged(&c, &c.classes[0], 0, TENSOR_BF16, d);
    ck_assert(!v.pass && v.what == JUDGED_EXCESS && v.error >= 1 && v.proof == PROOF_CERTIFICATE);
    ck_assert(v.entry == 5 && v.got == 2 && v.exact == 0);
    case_free(&c);

    c = golden_bounded(OPERATION_LMO, "lmo-signs-12x8-sum"); /* all of one size: any entry, or parts of some */
    const double *g = c.inputs[0].at;
    memset(d, 0, sizeof d);
    d[7] = copysign(c.radius, -g[7]);
    for (size_t f = 0; f < FORMATS; f++)
        ck_assert(judged(&c, &c.classes[0], 0, (enum tensor_type)f, d).pass);
    d[7] /= 2;
    v = judged(&c, &c.classes[0], 0, TENSOR_F32, d);
    ck_assert(!v.pass && v.what == JUDGED_GAP && v.error >= 0.499 * c.radius * fabs(g[0]));
    d[40] = copysign(c.radius / 2, -g[40]);
    ck_assert(judged(&c, &c.classes[0], 0, TENSOR_F32, d).pass);
    d[40] = -d[40];
    v = judged(&c, &c.classes[0], 0, TENSOR_F32, d);
    ck_assert(!v.pass && v.what == JUDGED_GAP);
    case_free(&c);

    c = golden_bounded(OPERATION_LMO, "lmo-zero-row-8x8-max"); /* where G is 0, anything up to the radius */
    const struct answer *a = &c.classes[0].answers[0];
    size_t zero = 0;
    while (c.inputs[0].at[zero] != 0)
        zero++;
    memcpy(d, a->hi, a->count * sizeof *d);
    d[zero] = 0.0625;
    ck_assert(judged(&c, &c.classes[0], 0, TENSOR_F64, d).pass);
    d[zero] = nextafter(c.radius, 1);
    v = judged(&c, &c.classes[0], 0, TENSOR_F64, d);
    ck_assert(!v.pass && v.what == JUDGED_EXCESS && isinf(v.ratio) && v.bound == 0);
    case_free(&c);
}
END_TEST

/* ---- words ------------------------------------------------------------------------------------------------------------- */

static void said(const struct golden_case *c, const struct answer_class *k, size_t output, enum tensor_type f,
                 const double *result, const char *expected)
{
    char text[VERDICT_TEXT];
    struct verdict v = judged(c, k, output, f, result);
    verdict_text(text, &v, c, k, output);
    ck_assert_str_eq(text, expected);
}

START_TEST(verdicts_are_sentences)
{
    double result[MOST];
    struct golden_case c = golden_bounded(OPERATION_MOMENTUM, "momentum-zero-3x5-2");
    const struct answer_class *k = class_of(&c, "jordan");
    const struct answer *a = &k->answers[0];
    memcpy(result, a->hi, a->count * sizeof *result);
    for (size_t m = 0; m < MEASURES; m++)
        answer_bounds(a, TENSOR_F64, 0)[m] = m == MEASURE_ENTRY ? 0.25 : 100;
    a->hi[8] = 2;
    result[8] = 2.5;
    char expected[VERDICT_TEXT];
    snprintf(expected, sizeof expected,
             "case momentum-zero-3x5-2, %s, momentum: the error of the worst entry is 0.5, 2 times 0.25 (bits); "
             "momentum[1,3] is 0x1.4p+1 = 2.5, exact 0x1p+1 = 2",
             k->name);
    said(&c, k, 0, TENSOR_F64, result, expected);
    result[0] = NAN; /* the first one that is beyond is named */
    snprintf(expected, sizeof expected,
             "case momentum-zero-3x5-2, %s, momentum: the Frobenius norm of the error is nan, nan times 100 (bits); "
             "momentum[0,0] is nan = nan, exact %a = %.6g",
             k->name, a->hi[0], a->hi[0]);
    said(&c, k, 0, TENSOR_F64, result, expected);
    for (size_t m = 0; m < MEASURES; m++)
        answer_bounds(a, TENSOR_F64, 0)[m] = INFINITY;
    snprintf(expected, sizeof expected,
             "case momentum-zero-3x5-2, momentum: not judged: no bound in this format says anything");
    said(&c, k, 0, TENSOR_F64, a->hi, expected);
    snprintf(
        expected, sizeof expected,
        "case momentum-zero-3x5-2, %s, momentum: not finite, where every honest evaluation is; momentum[0,0] is nan = "
        "nan, exact %a = %.6g",
        k->name, a->hi[0], a->hi[0]);
    said(&c, k, 0, TENSOR_F64, result, expected);
    case_free(&c);

    k = class_of(run_of_steps, "adamw");
    a = &k->answers[0];
    memcpy(result, a->hi, a->count * sizeof *result);
    result[2 * 6 + 4] += 1;
    struct verdict v = judged(run_of_steps, k, 0, TENSOR_F64, result);
    char text[VERDICT_TEXT];
    verdict_text(text, &v, run_of_steps, k, 0);
    ck_assert_msg(strncmp(text, "case step-gaussian-1x6, adamw, params in step 3: the ", 52) == 0, "%s", text);
    ck_assert(strstr(text, "(envelope); params[2,0,4] is 0x"));

    c = golden_bounded(OPERATION_SVD, "svd-zero-8x8");
    memset(result, 0, sizeof result);
    result[7] = 1;
    said(&c, &c.classes[0], 0, TENSOR_BF16, result,
         "case svd-zero-8x8, S: the Frobenius norm of the error is 1, inf times 0 (exact); S[7] is 0x1p+0 = 1, exact "
         "0x0p+0 = 0");
    case_free(&c);
}
END_TEST

/* The command of a case alone in FILE is that of one in DIR, but that no tensor is named. */
static void check_alone(const char *text, const char *command)
{
    const char *file = strstr(command, "DIR"), *tensor = strstr(command, " --tensor "),
               *rest = strchr(tensor + 10, ' ');
    char expected[VERDICT_TEXT];
    snprintf(expected, sizeof expected, "%.*sFILE%s", (int)(file - command), command, rest ? rest : "");
    ck_assert_str_eq(text, expected);
}

/* The command line that computes each; a name that is too long is cut. */
START_TEST(commands_are_complete)
{
    static const struct {
        enum operation operation;
        const char *id, *class, *command;
        size_t output;
    } these[] = {
        {OPERATION_POLAR, "polar-gaussian-2x2", "",
         "assay ref polar DIR/vectors/polar.safetensors --tensor polar-gaussian-2x2/G", 0},
        {OPERATION_SVD, "svd-gaussian-2x2", "", "assay ref svd DIR/vectors/svd.safetensors --tensor svd-gaussian-2x2/G",
         0},
        {OPERATION_LMO, "lmo-gaussian-5x3-row", "",
         "assay ref lmo DIR/vectors/lmo.safetensors --tensor lmo-gaussian-5x3-row/G --norm row --radius 0.125", 0},
        {OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-2x2", "jordan",
         "assay ref newton-schulz DIR/vectors/newton-schulz.safetensors --tensor newton-schulz-gaussian-2x2/G -d "
         "jordan",
         0},
        {OPERATION_COSH_RMS, "cosh-rms-gaussian-2x2", "auon-paper",
         "assay ref cosh-rms DIR/vectors/cosh-rms.safetensors --tensor cosh-rms-gaussian-2x2/G -d auon-paper", 0},
        {OPERATION_MOMENTUM, "momentum-gaussian-3x5-2", "adamw",
         "assay ref momentum DIR/vectors/momentum.safetensors --tensor momentum-gaussian-3x5-2/ -d adamw "
         "--momentum 0.9375 --weight-decay 0.25 --step 7",
         0},
        {OPERATION_STEP, "step-gaussian-1x6", "adamw",
         "assay ref step DIR/vectors/step.safetensors --tensor step-gaussian-1x6/ -d adamw --lr 0.125 --momentum "
         "0.9375 "
         "--weight-decay 0.25",
         0},
        {OPERATION_STEP, "step-gaussian-4x6-lr-change", "adamw",
         "assay ref step DIR/vectors/step.safetensors --tensor step-gaussian-4x6-lr-change/ -d adamw --momentum 0.9375 "
         "--weight-decay 0.25",
         0},
        {OPERATION_STEP, "step-gaussian-4x6-two-parameters", "adamw",
         "assay ref step DIR/vectors/step.safetensors --tensor step-gaussian-4x6-two-parameters/ -d adamw --lr 0.125 "
         "--momentum 0.9375 --weight-decay 0.25 --parameter 2",
         STEP_OUTPUTS},
    };
    char text[VERDICT_TEXT + 1], folder[2 * VERDICT_TEXT];
    for (size_t n = 0; n < sizeof these / sizeof these[0]; n++) {
        struct golden_case c = golden_named(these[n].operation, these[n].id);
        const struct answer_class k = {.name = these[n].class};
        verdict_command(text, &c, &k, these[n].output, "DIR");
        ck_assert_str_eq(text, these[n].command);
        answer_command(text, &c, &k, these[n].output, "FILE", true);
        check_alone(text, these[n].command);
        text[VERDICT_TEXT] = 'x';
        for (size_t length = VERDICT_TEXT - 170; length < VERDICT_TEXT + 10; length++) {
            memset(folder, 'd', length);
            folder[length] = '\0';
            verdict_command(text, &c, &k, these[n].output, folder);
            ck_assert(strlen(text) < VERDICT_TEXT && text[VERDICT_TEXT] == 'x');
        }
        case_free(&c);
    }
}
END_TEST

/* What a shell makes of the word is the name; a plain one is not quoted. */
START_TEST(names_of_files_are_words)
{
    static const char *const names[] = {"golden/a-b_c.safetensors",   "my set/x", "it's",
                                        "$(exit 9)`exit 9`\"\\*;&\n", "'",        ""};
    char word[VERDICT_TEXT], command[VERDICT_TEXT + 64], got[64], longer[2 * VERDICT_TEXT];
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        shell_word(word, names[n]);
        ck_assert(n > 0 || strcmp(word, names[0]) == 0);
        snprintf(command, sizeof command, "printf %%s %s", word);
        FILE *from = popen(command, "r");
        ck_assert_ptr_nonnull(from);
        got[fread(got, 1, sizeof got - 1, from)] = '\0';
        ck_assert_int_eq(pclose(from), 0);
        ck_assert_str_eq(got, names[n]);
    }
    memset(longer, '\'', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    shell_word(word, longer);
    ck_assert(strlen(word) < VERDICT_TEXT && strlen(word) % 4 == 2 && strcmp(word + strlen(word) - 2, "''") == 0);
}
END_TEST

/* ---- what goes wrong --------------------------------------------------------------------------------------------------- */

static void check_memory(const struct golden_case *c, const struct answer_class *k, enum tensor_type f,
                         const double *result, bool pass)
{
    size_t failures = 0;
    bool failed = true;
    for (size_t n = 1; failed; n += 1 + (n > 60 ? n / 24 : 0)) {
        struct verdict v = {.step = 99};
        io_fail(n);
        assay_status status = judge(&v, c, k, 0, f, result, &alone);
        failed = io_fail(0) != NULL;
        ck_assert(status == (failed ? ASSAY_NO_MEMORY : ASSAY_OK));
        ck_assert(failed ? v.step == 99 && !v.judged : v.step == 0 && v.pass == pass);
        failures += failed;
    }
    ck_assert_uint_gt(failures, 4);
}

/* By certificates, and by the evaluations that tell whether an infinity may be. */
START_TEST(memory_failures_are_survived)
{
    const double infinite[64] = {INFINITY};
    struct golden_case c = golden_bounded(OPERATION_POLAR, "polar-gaussian-2x2");
    check_memory(&c, &c.classes[0], TENSOR_F64, c.classes[0].answers[0].hi, true);
    case_free(&c);
    c = golden_bounded(OPERATION_NEWTON_SCHULZ, "newton-schulz-rank-one-8x8");
    check_memory(&c, class_of(&c, "nanochat"), TENSOR_BF16, infinite, false);
    case_free(&c);
}
END_TEST

RUN_TESTS_BETWEEN(make_cases, free_cases, "judge", TEST(exact_answers_pass), TEST(what_is_not_finite_fails),
                  TEST(what_is_not_finite_fails_without_a_bound), TEST(wrong_results_fail),
                  TEST(single_entries_are_named), TEST(the_measure_is_named), TEST(stale_steps_and_other_dialects_fail),
                  TEST(a_bit_is_seen), TEST(any_optimal_answer_passes), TEST(verdicts_are_sentences),
                  TEST(commands_are_complete), TEST(names_of_files_are_words), TEST(memory_failures_are_survived))
