#include "measure.h"

#include "arithmetic.h"
#include "support.h"

#include <math.h>
#include <string.h>

enum { MOST = 600 };

/* An answer with room for itself. */
struct room {
    struct answer a;
    double hi[MOST], lo[MOST];
};

static void shape(struct room *r, bool stepped, size_t ndim, const size_t *sizes)
{
    r->a = (struct answer){.ndim = ndim, .count = 1, .hi = r->hi, .lo = r->lo, .stepped = stepped, .slabs = 1};
    for (size_t d = 0; d < ndim; d++)
        r->a.count *= r->a.shape[d] = sizes[d];
    if (stepped)
        r->a.slabs = sizes[0];
    ck_assert_uint_le(r->a.count, MOST);
}

/* The four measures of result - hi - lo (or of hi, without result), by their formulas, in MPFR: sqrt of the sum of all
 * squares, the largest sqrt of those of one row and of one column of the rows x cols matrix, the largest |entry|. */
static void naive(double of[MEASURES], const struct answer *a, size_t rows, size_t cols, size_t first,
                  const double *result)
{
    mpfr_t x, square, sums[MOST + 1];
    mpfr_inits2(4400, x, square, (mpfr_ptr)NULL);
    for (size_t k = 0; k <= rows + cols; k++)
        mpfr_inits2(9000, sums[k], (mpfr_ptr)NULL);
    for (size_t k = 0; k <= rows + cols; k++)
        mpfr_set_zero(sums[k], 1);
    for (size_t m = 0; m < MEASURES; m++)
        of[m] = 0;
    for (size_t k = 0; k < rows * cols; k++) {
        mpfr_set_d(x, result ? result[k] : a->hi[first + k], MPFR_RNDN);
        if (result) {
            mpfr_sub_d(x, x, a->hi[first + k], MPFR_RNDN);
            mpfr_sub_d(x, x, a->lo[first + k], MPFR_RNDN);
        }
        of[MEASURE_ENTRY] = fmax(of[MEASURE_ENTRY], fabs(mpfr_get_d(x, MPFR_RNDN)));
        mpfr_sqr(square, x, MPFR_RNDN);
        mpfr_add(sums[0], sums[0], square, MPFR_RNDN);
        mpfr_add(sums[1 + k / cols], sums[1 + k / cols], square, MPFR_RNDN);
        mpfr_add(sums[1 + rows + k % cols], sums[1 + rows + k % cols], square, MPFR_RNDN);
    }
    for (size_t k = 0; k <= rows + cols; k++) {
        enum measure m = k == 0 ? MEASURE_FROBENIUS : k <= rows ? MEASURE_ROW : MEASURE_COLUMN;
        mpfr_sqrt(sums[k], sums[k], MPFR_RNDN);
        of[m] = fmax(of[m], mpfr_get_d(sums[k], MPFR_RNDN));
        mpfr_clear(sums[k]);
    }
    mpfr_clears(x, square, (mpfr_ptr)NULL);
}

/* Shapes, and the matrices that are measured: of tensors, the first dimension and the rest. */
static const struct {
    bool stepped;
    size_t ndim, sizes[5], rows, cols;
} shapes[] = {
    {false, 2, {5, 7}, 5, 7},        {false, 2, {1, 9}, 1, 9},       {false, 2, {9, 1}, 9, 1},
    {false, 2, {1, 1}, 1, 1},        {false, 1, {6}, 1, 6},          {false, 3, {2, 4, 6}, 2, 24},
    {true, 3, {4, 5, 7}, 5, 7},      {true, 4, {3, 2, 4, 6}, 2, 24}, {true, 5, {2, 4, 3, 2, 2}, 4, 12},
    {false, 4, {4, 3, 2, 2}, 4, 12}, {true, 2, {3, 8}, 1, 8},
};

static void check_all(double least, double most)
{
    static struct room r;
    uint64_t state = 1;
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++)
        for (size_t n = 0; n < 20; n++) {
            double result[MOST], of[MEASURES], true_of[MEASURES];
            shape(&r, shapes[s].stepped, shapes[s].ndim, shapes[s].sizes);
            size_t size = r.a.count / r.a.slabs;
            ck_assert_uint_eq(size, shapes[s].rows * shapes[s].cols);
            r.a.radius = n % 2 ? 0 : least * 0x1p-20;
            for (size_t k = 0; k < r.a.count; k++) {
                double scale = n % 3 ? most : exp(log(least) + random_uniform(&state) * log(most / least));
                r.hi[k] = random_gaussian(&state) * scale;
                r.lo[k] = r.hi[k] * 0x1p-54 * random_uniform(&state);
            }
            for (size_t t = 0; t < r.a.slabs; t++) {
                for (size_t k = 0; k < size; k++)
                    result[k] = n % 4 ? nearest(n % 4 == 1 ? TENSOR_F64 : TENSOR_BF16, r.hi[t * size + k])
                                      : r.hi[t * size + k] * 0.75;
                if (most > 1e200) /* beyond the narrow formats */
                    for (size_t k = 0; k < size; k++)
                        result[k] = r.hi[t * size + k] * (1 - ldexp(1, -(int)(n % 4) * 12));
                measure_error(of, &r.a, TENSOR_F64, t, result);
                naive(true_of, &r.a, shapes[s].rows, shapes[s].cols, t * size, result);
                for (size_t m = 0; m < MEASURES; m++) {
                    double expected = true_of[m] + r.a.radius, slack = expected * 0x1p-30 + 0x1p-1070;
                    ck_assert_msg(fabs(of[m] - expected) <= slack, "%zu, %zu: %a, not %a", s, m, of[m], expected);
                }
                measure_answer(of, &r.a, t);
                naive(true_of, &r.a, shapes[s].rows, shapes[s].cols, t * size, NULL);
                for (size_t m = 0; m < MEASURES; m++)
                    ck_assert_double_le(fabs(of[m] - true_of[m]), true_of[m] * 0x1p-45 + 0x1p-1070);
            }
        }
}

/* All measures, to a relative 2^-30, of all shapes; also where squares of single entries vanish, or overflow. */
START_TEST(measures_are_their_formulas)
{
    check_all(1e-3, 1);
    check_all(1e-25, 1e10);
}
END_TEST

START_TEST(nothing_vanishes_or_overflows)
{
    check_all(1e-322, 1e-320);
    check_all(1e290, 1e300);
}
END_TEST

/* The measures differ: one entry, one row, one column, all of it; each is the norm of that. */
START_TEST(each_sees_its_own)
{
    static struct room r;
    shape(&r, false, 2, (size_t[]){3, 4});
    memset(r.hi, 0, sizeof r.hi);
    memset(r.lo, 0, sizeof r.lo);
    double result[12] = {0}, of[MEASURES];
    measure_error(of, &r.a, TENSOR_F64, 0, result);
    for (size_t m = 0; m < MEASURES; m++)
        ck_assert(of[m] == 0);
    for (size_t j = 0; j < 4; j++)
        result[4 + j] = 1; /* a row */
    measure_error(of, &r.a, TENSOR_F64, 0, result);
    ck_assert(of[MEASURE_FROBENIUS] == 2 && of[MEASURE_ROW] == 2 && of[MEASURE_COLUMN] == 1 && of[MEASURE_ENTRY] == 1);
    for (size_t k = 0; k < 12; k++)
        result[k] = k % 4 == 2 ? -3 : 0; /* a column */
    measure_error(of, &r.a, TENSOR_F64, 0, result);
    ck_assert(of[MEASURE_ROW] == 3 && of[MEASURE_ENTRY] == 3);
    ck_assert_double_le(fabs(of[MEASURE_COLUMN] - sqrt(27)), 1e-14);
    ck_assert_double_le(fabs(of[MEASURE_FROBENIUS] - sqrt(27)), 1e-14);
    r.a.radius = 0.5;
    measure_error(of, &r.a, TENSOR_F64, 0, result);
    ck_assert(of[MEASURE_ROW] == 3.5 && of[MEASURE_ENTRY] == 3.5);
    measure_answer(of, &r.a, 0);
    for (size_t m = 0; m < MEASURES; m++)
        ck_assert(of[m] == 0);
}
END_TEST

/* Of one entry: (result - hi) - lo, exact for results near the answer. */
START_TEST(entries_are_subtracted_exactly)
{
    struct room r;
    shape(&r, false, 1, (size_t[]){1});
    r.hi[0] = 1;
    r.lo[0] = 0x1p-60;
    ck_assert(entry_error(&r.a, TENSOR_F64, 0, 1) == -0x1p-60);
    ck_assert(entry_error(&r.a, TENSOR_F64, 0, 1 + 0x1p-52) == 0x1p-52 - 0x1p-60);
    ck_assert(entry_error(&r.a, TENSOR_F64, 0, 3) == 2);
}
END_TEST

/* Where bits are proved, what is left is taken from the answer rounded to the format, and the radius does not count. */
START_TEST(proved_bits_are_compared)
{
    static struct room r;
    double result[] = {1, 1 + 0x1p-7}, of[MEASURES];
    shape(&r, false, 1, (size_t[]){2});
    r.hi[0] = r.hi[1] = 1 + 0x1p-10;
    r.lo[0] = r.lo[1] = 0x1p-60;
    r.a.radius = 0x1p-80;
    r.a.proofs[TENSOR_BF16] = PROOF_BITS;
    ck_assert(entry_error(&r.a, TENSOR_BF16, 0, 1) == 0 && entry_error(&r.a, TENSOR_F32, 0, 1) < -0x1p-11);
    ck_assert(entry_error(&r.a, TENSOR_BF16, 0, 1 + 0x1p-9) == 0); /* rounded, too */
    measure_error(of, &r.a, TENSOR_BF16, 0, result);
    ck_assert(of[MEASURE_FROBENIUS] == 0x1p-7 && of[MEASURE_ENTRY] == 0x1p-7);
    measure_error(of, &r.a, TENSOR_F32, 0, result);
    ck_assert(of[MEASURE_ENTRY] > 0x1p-8 && of[MEASURE_ENTRY] < 0x1p-7);
    r.a.proofs[TENSOR_BF16] = PROOF_NONE;
}
END_TEST

/* NaN or infinity anywhere in a slab makes its measures NaN, all of them, and those of other slabs not. */
START_TEST(what_is_not_finite_propagates)
{
    static struct room r;
    shape(&r, true, 3, (size_t[]){2, 3, 4});
    for (size_t k = 0; k < 24; k++) {
        r.hi[k] = (double)k;
        r.lo[k] = 0;
    }
    const double none[] = {NAN, INFINITY, -INFINITY};
    for (size_t n = 0; n < 3; n++)
        for (size_t k = 0; k < 12; k++) {
            double result[24], of[MEASURES];
            memcpy(result, r.hi, sizeof result);
            result[12 + k] = none[n];
            measure_error(of, &r.a, TENSOR_F64, 1, result + 12);
            for (size_t m = 0; m < MEASURES; m++)
                ck_assert(isnan(of[m]));
            measure_error(of, &r.a, TENSOR_F64, 0, result);
            for (size_t m = 0; m < MEASURES; m++)
                ck_assert(of[m] == 0);
        }
    double result[24] = {0}, of[MEASURES]; /* and so does a difference that overflows */
    r.hi[3] = 0x1p1023;
    result[3] = -0x1.8p1023;
    measure_error(of, &r.a, TENSOR_F64, 0, result);
    ck_assert(isnan(of[MEASURE_FROBENIUS]) && isnan(of[MEASURE_ENTRY]));
}
END_TEST

RUN_TESTS("measure", TEST(measures_are_their_formulas), TEST(nothing_vanishes_or_overflows), TEST(each_sees_its_own),
          TEST(entries_are_subtracted_exactly), TEST(what_is_not_finite_propagates), TEST(proved_bits_are_compared))
