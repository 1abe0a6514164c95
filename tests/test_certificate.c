#include "certificate.h"

#include "emulate.h"
#include "golden_support.h"
#include "io_support.h"
#include "jacobi.h"
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 40 * 40 };
static char sentence[ASSAY_MESSAGE_SIZE];
static const assay_options alone = {.threads = 1, .message = sentence, .message_size = sizeof sentence};

static struct certificate measured(const struct golden_case *c, const double *d)
{
    struct certificate found = {-1, -1};
    assay_status status = certificate_measure(&found, c, d, &alone);
    ck_assert_msg(status == ASSAY_OK, "%s: %d %s", c->id, (int)status, sentence);
    return found;
}

static bool within(struct certificate found, struct certificate allowed)
{
    return found.excess <= allowed.excess && found.gap <= allowed.gap;
}

/* Calls body(case) for polar, and for the LMO of every norm, of Gaussian-like and of degenerate matrices. */
static void for_each_case(void (*body)(const struct golden_case *c))
{
    static const char *const polar[] = {"polar-gaussian-3x5", "polar-gaussian-12x8", "polar-hadamard-8x8",
                                        "polar-low-rank-8x8", "polar-pythagorean-12x8"},
                             *const lmo[] = {"gaussian-5x3", "fine-12x8", "low-rank-12x8", "signs-8x8",
                                             "zero-row-12x8"};
    for (size_t k = 0; k < 5; k++) {
        struct golden_case c = golden_computed(OPERATION_POLAR, polar[k]);
        body(&c);
        case_free(&c);
        for (size_t n = 0; n < NORMS; n++) {
            char id[CASE_TEXT];
            snprintf(id, sizeof id, "lmo-%s-%s", lmo[k], norm_names()[n]);
            c = golden_computed(OPERATION_LMO, id);
            body(&c);
            case_free(&c);
        }
    }
}

/* ---- an evaluation of its own --------------------------------------------------------------------------------------- */

/* The singular values of x, by Jacobi's method: the largest, or their sum. */
static double singular(const double *x, size_t m, size_t n, bool sum)
{
    static double a[MOST], v[MOST], s[64];
    bool wide = m < n;
    size_t rows = wide ? n : m, cols = wide ? m : n;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            a[wide ? j * cols + i : i * cols + j] = x[i * n + j];
    jacobi_svd(a, v, s, rows, cols);
    double total = 0;
    for (size_t k = 0; k < cols; k++)
        total = sum ? total + s[k] : fmax(total, s[k]);
    return total;
}

/* The largest length of a row (or column), or their sum, or that of all entries, or of every single one, in long double. */
static double lengths(const double *x, size_t m, size_t n, bool rows, bool sum)
{
    long double total = 0;
    for (size_t k = 0; k < (rows ? m : n); k++) {
        long double squares = 0;
        for (size_t l = 0; l < (rows ? n : m); l++) {
            long double y = x[rows ? k * n + l : l * n + k];
            squares += y * y;
        }
        total = sum ? total + sqrtl(squares) : fmaxl(total, sqrtl(squares));
    }
    return (double)total;
}

/* The norm of enum assay_norm, or its dual, as theory has it:
 *     spectral <-> nuclear, frobenius <-> itself, max <-> sum,
 *     rms = sqrt(n / m) spectral <-> sqrt(m / n) nuclear,
 *     column = largest column / sqrt(m) <-> sqrt(m) sum of columns, row = sqrt(n) largest row <-> sum of rows / sqrt(n). */
static double norm_of(enum assay_norm norm, const double *x, size_t rows, size_t cols, bool dual)
{
    double m = (double)rows, n = (double)cols;
    switch (norm) {
    case ASSAY_NORM_SPECTRAL:
        return singular(x, rows, cols, dual);
    case ASSAY_NORM_NUCLEAR:
        return singular(x, rows, cols, !dual);
    case ASSAY_NORM_RMS:
        return singular(x, rows, cols, dual) * (dual ? sqrt(m / n) : sqrt(n / m));
    case ASSAY_NORM_FROBENIUS:
        return lengths(x, 1, rows * cols, true, false);
    case ASSAY_NORM_MAX:
        return lengths(x, rows * cols, 1, true, dual);
    case ASSAY_NORM_SUM:
        return lengths(x, rows * cols, 1, true, !dual);
    case ASSAY_NORM_COLUMN:
        return lengths(x, rows, cols, false, dual) * (dual ? sqrt(m) : 1 / sqrt(m));
    default:
        return lengths(x, rows, cols, true, dual) * (dual ? 1 / sqrt(n) : sqrt(n));
    }
}

/* What a certificate says, to about 1e-14 of `size`. */
static struct certificate evaluated(const struct golden_case *c, const double *d, double *size)
{
    const struct tensor *g = case_input(c, "G");
    bool polar = c->operation == OPERATION_POLAR;
    enum assay_norm norm = polar ? ASSAY_NORM_SPECTRAL : c->norm;
    double radius = polar ? 1 : c->radius, dual = norm_of(norm, g->at, g->shape[0], g->shape[1], true);
    long double product = 0;
    for (size_t k = 0; k < g->count; k++)
        product += (long double)(polar ? -g->at[k] : g->at[k]) * d[k];
    *size = radius * dual;
    return (struct certificate){fmax(0, norm_of(norm, d, g->shape[0], g->shape[1], false) - radius),
                                (double)(radius * (long double)dual + product)};
}

/* ---- what is measured ----------------------------------------------------------------------------------------------- */

/* Of the answer, and of others: the same as evaluated here, to 1e-13, and no gap below zero within the ball. */
static void check_measured(const struct golden_case *c)
{
    static double d[MOST];
    const struct answer *a = &c->classes[0].answers[0];
    uint64_t state = a->count;
    for (size_t n = 0; n < 6; n++) {
        double size;
        for (size_t k = 0; k < a->count; k++)
            d[k] = a->hi[k] * (n == 1   ? 1.25
                               : n == 2 ? 0.75
                               : n == 3 ? -1
                                        : 1) +
                   (n < 4 ? 0 : ldexp(random_gaussian(&state), n == 4 ? -10 : -30));
        struct certificate found = measured(c, d), expected = evaluated(c, d, &size);
        double radius = c->operation == OPERATION_POLAR ? 1 : c->radius;
        ck_assert_msg(fabs(found.excess - expected.excess) <= 1e-13 * radius, "%s, %zu: %g, not %g", c->id, n,
                      found.excess, expected.excess);
        ck_assert_msg(fabs(found.gap - expected.gap) <= 1e-13 * size, "%s, %zu: %g, not %g", c->id, n, found.gap,
                      expected.gap);
        ck_assert(found.excess > 0 || found.gap >= 0);
    }
}

START_TEST(certificates_are_what_they_say)
{
    for_each_case(check_measured);
}
END_TEST

/* Upper bounds, strictly: the excess of diag(x, y) over the unit ball is known, and so is the gap, x and y being off by one
 * unit; where all is representable the certificate is exact, but for the radii of singular values. */
START_TEST(certificates_are_upper_bounds)
{
    struct golden_case c = golden_named(OPERATION_LMO, "lmo-gaussian-5x3-spectral");
    struct tensor *g = &c.inputs[0];
    g->shape[0] = g->shape[1] = 2;
    g->count = 4;
    memcpy(g->at, (double[]){3, 0, 0, 4}, 4 * sizeof *g->at);
    for (size_t n = 0; n < NORMS; n++) {
        c.norm = (enum assay_norm)n;
        c.radius = 1;
        const double all[] = {-1, 0, 0, -1}, one[] = {0, 0, 0, -1};
        double share = n == ASSAY_NORM_ROW ? 1 / sqrt(2) : n == ASSAY_NORM_COLUMN ? sqrt(2) : 0;
        const double scaled[] = {-share, 0, 0, -share}, fifths[] = {-0.6, 0, 0, -0.8};
        bool single = n == ASSAY_NORM_NUCLEAR || n == ASSAY_NORM_SUM;
        const double *d = n == ASSAY_NORM_FROBENIUS ? fifths : single ? one : share > 0 ? scaled : all;
        struct certificate found = measured(&c, d);
        ck_assert(found.excess >= 0 && found.excess <= 0x1p-51);
        ck_assert(found.gap >= (share > 0 || n == ASSAY_NORM_FROBENIUS ? -0x1p-49 : 0) && found.gap <= 0x1p-48);
        double beyond[4]; /* by 2^-30: the exact excess, and its part of the gap, are at least this */
        for (size_t k = 0; k < 4; k++)
            beyond[k] = d[k] * (1 + 0x1p-30);
        struct certificate more = measured(&c, beyond);
        ck_assert(more.excess >= 0x1p-30 - 0x1p-51 && more.excess <= 0x1p-30 + 0x1p-50);
        ck_assert_double_lt(more.gap, found.gap);
        for (size_t k = 0; k < 4; k++)
            beyond[k] = d[k] * (1 - 0x1p-30);
        more = measured(&c, beyond);
        ck_assert(more.excess == 0 && more.gap >= 3 * 0x1p-30);
        if (n == ASSAY_NORM_MAX || n == ASSAY_NORM_SUM ||
            n == ASSAY_NORM_SPECTRAL) /* the same in rational arithmetic */
            ck_assert(more.gap >= (n == ASSAY_NORM_SUM ? 4 : 7) * 0x1p-30);
    }
    case_free(&c);
}
END_TEST

/* ---- what is allowed ------------------------------------------------------------------------------------------------ */

/* The answer passes, in binary64 and rounded to every format; not what is 1 % outside the ball, 10 % short, of wrong sign,
 * or transposed, whose gaps are known: t radius ||G||_* for (1 - t) D. */
static void check_allowed(const struct golden_case *c)
{
    static double d[MOST];
    const struct answer *a = &c->classes[0].answers[0];
    const struct tensor *g = case_input(c, "G");
    double radius = c->operation == OPERATION_POLAR ? 1 : c->radius, size;
    bool zero = true;
    for (size_t k = 0; k < a->count; k++)
        zero = zero && a->hi[k] == 0;
    ck_assert(!zero);
    evaluated(c, a->hi, &size);
    for (size_t f = 0; f < FORMATS; f++) {
        enum tensor_type format = (enum tensor_type)f;
        if (!case_fits(c, format))
            continue;
        struct certificate allowed = certificate_allowed(c, format), found;
        for (size_t k = 0; k < a->count; k++)
            d[k] = nearest(format, a->hi[k]);
        ck_assert_msg(within(measured(c, d), allowed), "%s: the answer is refused in %s", c->id,
                      tensor_type_name(format));
        for (size_t k = 0; k < a->count; k++)
            d[k] = a->hi[k] * 1.01;
        found = measured(c, d);
        ck_assert_double_ge(found.excess, 0.0099 * radius);
        ck_assert(found.excess > allowed.excess || format >= TENSOR_F16);
        for (size_t k = 0; k < a->count; k++)
            d[k] = a->hi[k] * 0.9;
        found = measured(c, d);
        ck_assert_double_ge(found.gap, 0.0999 * size);
        ck_assert(found.gap > allowed.gap || format == TENSOR_BF16 || format == TENSOR_F16);
        for (size_t k = 0; k < a->count; k++)
            d[k] = -a->hi[k];
        found = measured(c, d);
        ck_assert_double_ge(found.gap, 1.999 * size);
        ck_assert(found.gap > allowed.gap || format == TENSOR_BF16);
        bool plain = strstr(c->id, "fine-12x8") || strstr(c->id, "gaussian-12x8");
        for (size_t i = 0; i < g->shape[0] && plain; i++) /* written as if columns came first */
            for (size_t j = 0; j < g->shape[1]; j++)
                d[i * g->shape[1] + j] = a->hi[j * g->shape[0] + i];
        ck_assert(!plain || !within(measured(c, d), allowed));
    }
}

START_TEST(answers_are_allowed_and_others_not)
{
    for_each_case(check_allowed);
}
END_TEST

/* Honest evaluations, emulated in every format, keep to what is allowed there. */
static void check_honest(const struct golden_case *c)
{
    static double d[MOST];
    const struct tensor *g = case_input(c, "G");
    bool polar = c->operation == OPERATION_POLAR;
    struct assay_dialect dialect = *assay_dialect_find("trust-region");
    dialect.norm = polar ? ASSAY_NORM_SPECTRAL : c->norm;
    for (size_t f = 0; f < FORMATS; f++) {
        enum tensor_type format = (enum tensor_type)f;
        struct certificate allowed = certificate_allowed(c, format);
        for (size_t member = 0; member < 8 && case_fits(c, format); member++) {
            struct evaluation e = evaluation_draw(format, 11, member, true);
            emulated_direction(&e, &dialect, g, d);
            for (size_t k = 0; k < g->count; k++)
                d[k] *= polar ? 1 : -c->radius; /* powers of two */
            struct certificate found = measured(c, d);
            ck_assert_msg(within(found, allowed), "%s, %s: %g, %g beyond %g, %g", c->id, tensor_type_name(format),
                          found.excess, found.gap, allowed.excess, allowed.gap);
        }
    }
}

START_TEST(honest_evaluations_are_allowed)
{
    for_each_case(check_honest);
}
END_TEST

/* No more is allowed than the model says: a polar factor rounded to binary16 is not one of binary32, and one rounded to
 * binary32 is none of binary64; the same of all norms whose answers are not mere signs. */
START_TEST(no_format_passes_for_a_finer_one)
{
    static double d[MOST];
    static const enum tensor_type formats[] = {TENSOR_F16, TENSOR_F32, TENSOR_F64};
    for (size_t n = 0; n <= NORMS; n++) {
        char id[CASE_TEXT];
        snprintf(id, sizeof id, "lmo-gaussian-24x40-%s", norm_names()[n % NORMS]);
        struct golden_case c =
            n == NORMS ? golden_computed(OPERATION_POLAR, "polar-gaussian-12x8") : golden_computed(OPERATION_LMO, id);
        const struct answer *a = &c.classes[0].answers[0];
        bool signs = n == ASSAY_NORM_MAX || n == ASSAY_NORM_SUM;
        for (size_t f = 0; f < 2; f++) {
            for (size_t k = 0; k < a->count; k++)
                d[k] = nearest(formats[f], a->hi[k]);
            struct certificate found = measured(&c, d);
            ck_assert(within(found, certificate_allowed(&c, formats[f])));
            ck_assert_msg(within(found, certificate_allowed(&c, formats[f + 1])) == signs, "%s", c.id);
        }
        case_free(&c);
    }
}
END_TEST

/* t of unit vectors: x / (1 - x) for x = (N / 2 + 2) u of the accumulator and 4 u of the format. A radius that the format does not hold is
 * rounded; one that it holds is not. */
START_TEST(models_are_what_they_say)
{
    static const double x[FORMATS] = {11 * 0x1p-53, 11 * 0x1p-24, 7 * 0x1p-24 + 0x1p-9, 7 * 0x1p-24 + 0x1p-6};
    for (size_t f = 0; f < FORMATS; f++)
        ck_assert(unit_vector_error((enum tensor_type)f, 10) == x[f] / (1 - x[f]));
    struct golden_case c = golden_named(OPERATION_LMO, "lmo-gaussian-5x3-max");
    struct certificate allowed = certificate_allowed(&c, TENSOR_BF16);
    ck_assert(allowed.excess == 0 && allowed.gap == 0);
    c.radius = 0.1;
    allowed = certificate_allowed(&c, TENSOR_BF16);
    double d[15], sum = 0;
    for (size_t k = 0; k < 15; k++) {
        d[k] = copysign(nearest(TENSOR_BF16, 0.1), -c.inputs[0].at[k]);
        sum += fabs(c.inputs[0].at[k]);
    }
    ck_assert_double_eq(allowed.excess, 0.1 * 0x1p-8);
    ck_assert_double_le(fabs(allowed.gap - sum * 0.1 * 0x1p-8), 1e-12 * allowed.gap);
    struct certificate found = measured(&c, d);
    ck_assert(within(found, allowed) && found.excess > 0);
    case_free(&c);
}
END_TEST

/* Of the least numbers there are: squares and radii do not vanish. */
START_TEST(tiny_matrices_have_certificates)
{
    struct golden_case c = golden_computed(OPERATION_POLAR, "polar-gaussian-8x8-least");
    double *q = c.classes[0].answers[0].hi;
    struct certificate allowed = certificate_allowed(&c, TENSOR_F64), found = measured(&c, q);
    ck_assert(within(found, allowed) && allowed.gap > 0 && allowed.gap <= 0x1p-1060);
    for (size_t k = 0; k < 64; k++)
        q[k] *= 0.75;
    ck_assert(!within(measured(&c, q), allowed));
    case_free(&c);
    c = golden_named(OPERATION_POLAR, "polar-zero-4x4"); /* everything in the ball is optimal */
    ck_assert(within(measured(&c, (double[16]){0.5}), certificate_allowed(&c, TENSOR_F64)));
    ck_assert(measured(&c, (double[16]){0.5}).gap == 0 && certificate_allowed(&c, TENSOR_F64).gap == 0x1p-1074);
    case_free(&c);
}
END_TEST

/* ---- what goes wrong ------------------------------------------------------------------------------------------------ */

START_TEST(memory_failures_are_survived)
{
    struct golden_case c = golden_computed(OPERATION_POLAR, "polar-gaussian-2x2");
    size_t failures = 0;
    bool failed = true;
    for (size_t n = 1; failed; n += 1 + (n > 60 ? n / 24 : 0)) {
        struct certificate found;
        io_fail(n);
        assay_status status = certificate_measure(&found, &c, c.classes[0].answers[0].hi, &alone);
        failed = io_fail(0) != NULL;
        ck_assert(status == (failed ? ASSAY_NO_MEMORY : ASSAY_OK));
        failures += failed;
    }
    ck_assert_uint_gt(failures, 4);
    case_free(&c);
}
END_TEST

RUN_TESTS("certificate", TEST(certificates_are_what_they_say), TEST(certificates_are_upper_bounds),
          TEST(answers_are_allowed_and_others_not), TEST(honest_evaluations_are_allowed),
          TEST(no_format_passes_for_a_finer_one), TEST(models_are_what_they_say), TEST(tiny_matrices_have_certificates),
          TEST(memory_failures_are_survived))
