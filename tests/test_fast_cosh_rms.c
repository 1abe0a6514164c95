/* Fast cosh, for all binary32 numbers if ASSAY_TEST_EXHAUSTIVE is set (make exhaustive), and fast cosh-RMS. */
#include "fast_support.h"

#include <math.h>
#include <mpfr.h>
#include <stdlib.h>
#include <string.h>

/* ---- cosh ------------------------------------------------------------------------------------------------------- */

enum { BATCH = 4096 };

/* |y - cosh x| <= (u + 2^-43) cosh x, and infinity where that rounds to it. The yardstick is the C library's cosh, which
 * claims 2^-51; the test below holds that claim to MPFR. Returns false if x does not pass. */
static bool cosh_is_right(float x, float y)
{
    const double most = 0x1.ffffffp127; /* what rounds to infinity */
    double c = cosh(x);
    if (isnan(x))
        return isnan(y);
    if (isinf(y))
        return y > 0 && c >= most * (1 - 0x1p-43);
    return c <= most * (1 + 0x1p-43) && fabs(y - c) <= (UNIT + 0x1p-43) * c;
}

static void check_batch(uint32_t first, uint32_t step, size_t count)
{
    float x[BATCH] = {0}, y[BATCH];
    for (uint32_t k = 0; k < count; k++) {
        uint32_t bits = first + k * step;
        memcpy(&x[k], &bits, sizeof bits);
    }
    ck_assert(assay_fast_cosh(y, x, count, ASSAY_FAST_BEST) == ASSAY_OK);
    for (size_t k = 0; k < count; k++)
        if (!cosh_is_right(x[k], y[k]))
            ck_abort_msg("cosh(%a) = %a", x[k], y[k]);
}

/* All x >= 0 up to 96 = 0x42c00000, in the exhaustive form; each 1009th in the short one. All paths have the same bits
 * (test_fast_gemm.c), and so have x and -x: both are tried below. */
START_TEST(cosh_is_within_its_bound)
{
    uint32_t step = getenv("ASSAY_TEST_EXHAUSTIVE") ? 1 : 1009, end = 0x42c00000 + 2 * BATCH;
    for (uint32_t first = 0; first < end; first += BATCH * step)
        check_batch(first, step, BATCH);
    for (uint32_t around = 0; around < 0x42c00000; around += 0x100000) /* powers of two, and more */
        check_batch(around > BATCH / 2 ? around - BATCH / 2 : 0, 1, BATCH);
    check_batch(0x42b2d400, 1, BATCH); /* where it overflows, at 0x1.65a9f8p+6 */
    check_batch(0x7f800000 - BATCH / 2, 1, BATCH);
}
END_TEST

START_TEST(cosh_of_special_numbers)
{
    float x[] = {0, -0.0f, INFINITY, -INFINITY, NAN, 0x1p-149f, -1, 1, 1000}, y[9];
    ck_assert(assay_fast_cosh(y, x, 9, ASSAY_FAST_BEST) == ASSAY_OK);
    ck_assert(y[0] == 1 && y[1] == 1 && y[5] == 1 && y[6] == y[7] && isnan(y[4]));
    ck_assert(y[2] == INFINITY && y[3] == INFINITY && y[8] == INFINITY);
    ck_assert(!cosh_is_right(1, nextafterf(nextafterf(y[7], 9), 9))); /* the check sees two ulps */
    ck_assert(!cosh_is_right(1, NAN) && !cosh_is_right(1, INFINITY) && !cosh_is_right(100, 1e38f));
    ck_assert(assay_fast_cosh(x + 1, x, 8, ASSAY_FAST_BEST) == ASSAY_INVALID);
    ck_assert(assay_fast_cosh(y, x, 8, ASSAY_FAST_PATHS) == ASSAY_INVALID);
}
END_TEST

START_TEST(the_yardstick_is_good)
{
    uint64_t state = 1;
    MPFR_DECL_INIT(exact, 200);
    for (size_t k = 0; k < rounds(3000); k++) {
        double x = (float)(random_uniform(&state) * (random_below(&state, 2) ? 96 : 2));
        mpfr_set_d(exact, x, MPFR_RNDN);
        mpfr_cosh(exact, exact, MPFR_RNDN);
        double c = cosh(x);
        mpfr_sub_d(exact, exact, c, MPFR_RNDN);
        ck_assert(fabs(mpfr_get_d(exact, MPFR_RNDN)) <= 0x1p-51 * c);
    }
}
END_TEST

/* ---- cosh-RMS --------------------------------------------------------------------------------------------------- */

static void reference(double *hi, const struct assay_dialect *d, const double *u, size_t rows, size_t cols)
{
    double *lo = malloc(rows * cols * sizeof *lo);
    assay_tensor_answer o = {hi, lo, 0};
    assay_options options = {.bits = 60};
    ck_assert(assay_ref_cosh_rms(&o, d, (assay_tensor){u, 2, {rows, cols}}, &options) == ASSAY_OK);
    free(lo);
}

static assay_status fast(float *o, const struct assay_dialect *d, const float *u, size_t rows, size_t cols)
{
    size_t shape[] = {rows, cols};
    assay_fast_plan *plan = plan_of(d, 2, shape, (assay_fast_options){.arithmetic = ASSAY_FAST_FP32});
    void *work = malloc(assay_fast_work(plan));
    size_t before = allocations();
    assay_status status = assay_fast_cosh_rms(o, plan, u, work);
    ck_assert_uint_eq(before, allocations());
    free(work);
    assay_fast_plan_free(plan);
    return status;
}

enum { SIDE = 24, MOST = SIDE * SIDE };

/* Error over bound, for entries: |O - exact| <= (u + 2^-26) |exact|, from cosh_rms.c. */
static double excess(const float *o, const double *exact, size_t count)
{
    double worst = 0;
    for (size_t k = 0; k < count; k++) {
        double ratio = fabs(o[k] - exact[k]) / ((UNIT + 0x1p-26) * fabs(exact[k]) + 0x1p-149);
        worst = ratio <= worst ? worst : ratio; /* NaN is worse */
    }
    return worst;
}

/* All forms, gammas, spikes (where the series does not serve) and flat matrices (where it does). The counter-checks: gamma off
 * by 1e-3, and no root. */
START_TEST(cosh_rms_is_within_its_bound)
{
    uint64_t state = 2;
    for (size_t k = 0; k < rounds(200); k++) {
        struct assay_dialect d = *assay_dialect_find("auon");
        size_t rows = 1 + random_below(&state, SIDE), cols = 1 + random_below(&state, SIDE), n = rows * cols;
        float u[MOST], o[MOST];
        double same[MOST], exact[MOST];
        d.cosh = (enum assay_cosh)random_below(&state, 3);
        d.gamma = random_below(&state, 2) ? 1.5 : 0.1;
        random_floats(&state, u, same, n);
        if (random_below(&state, 2))
            same[0] = u[0] = 30;
        if (random_below(&state, 4) == 0)
            for (size_t l = 0; l < n; l++)
                same[l] = u[l] = ldexpf(u[l], -60);
        reference(exact, &d, same, rows, cols);
        ck_assert(fast(o, &d, u, rows, cols) == ASSAY_OK);
        double ratio = excess(o, exact, n);
        ck_assert_msg(ratio <= 1, "%zu x %zu, form %d: error / bound is %g", rows, cols, (int)d.cosh, ratio);
        if (d.cosh == ASSAY_COSH_MEAN_SQUARE || d.gamma < 1 || n > 16 || fabs(same[0]) < 1e-3)
            continue;
        d.gamma *= 1.001;
        ck_assert(fast(o, &d, u, rows, cols) == ASSAY_OK);
        ck_assert(excess(o, exact, n) > 1);
    }
}
END_TEST

static void check_large(size_t rows, size_t cols, float spike)
{
    size_t count = rows * cols;
    float *u = malloc(count * sizeof *u), *o = malloc(count * sizeof *o);
    double *same = malloc(count * sizeof *same), norm = 0, mean = 0;
    struct assay_dialect d = *assay_dialect_find("auon");
    uint64_t state = 3;
    random_floats(&state, u, same, count);
    same[5000] = u[5000] = spike;
    for (size_t k = 0; k < count; k++)
        norm += same[k] * same[k];
    norm = sqrt(norm) + 1e-7;
    for (size_t k = 0; k < count; k++)
        mean += pow(sinh(1.5 * same[k] / norm), 2) / (double)count;
    for (size_t k = 0; k < count; k++) /* cosh^2 = 1 + sinh^2 */
        same[k] /= sqrt(1 + mean) + 1e-8;
    ck_assert(fast(o, &d, u, rows, cols) == ASSAY_OK);
    ck_assert(excess(o, same, count) <= 1);
    free(u);
    free(o);
    free(same);
}

/* The series and the kernel of cosh agree where both serve: 10^5 entries in chunks of which one has a spike, and as few as the
 * series serves for, where its last term is 1e-7 of the sum. */
START_TEST(large_arrays_are_within_their_bound)
{
    check_large(300, 350, 300);
    check_large(76, 76, 0);
}
END_TEST

START_TEST(bad_input_gets_a_status)
{
    float u[6] = {1, NAN, 3, 4, 5, 6}, o[6];
    ck_assert(fast(o, assay_dialect_find("auon"), u, 2, 3) == ASSAY_NOT_FINITE && isnan(o[0]) && isnan(o[1]));
    ck_assert(fast(u + 1, assay_dialect_find("auon"), u, 1, 3) == ASSAY_INVALID);
    ck_assert(fast(o, assay_dialect_find("jordan"), u, 2, 3) == ASSAY_INVALID);
    memset(u, 0, sizeof u);
    ck_assert(fast(o, assay_dialect_find("auon"), u, 2, 3) == ASSAY_OK && o[3] == 0);
    ck_assert(fast(o, assay_dialect_find("hybrid-auon"), u, 2, 3) == ASSAY_OK && o[3] == 0);
}
END_TEST

RUN_TESTS("fast_cosh_rms", TEST(cosh_is_within_its_bound), TEST(cosh_of_special_numbers), TEST(the_yardstick_is_good),
          TEST(cosh_rms_is_within_its_bound), TEST(large_arrays_are_within_their_bound), TEST(bad_input_gets_a_status))
