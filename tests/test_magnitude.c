/* Bounds round outward, always, and not by much. */
#include "support.h"

#include <math.h>

enum { PREC = 400 };

static mag random_mag(uint64_t *state)
{
    switch (random_below(state, 12)) {
    case 0:
        return MAG_ZERO;
    case 1:
        return MAG_ONE;
    case 2: /* the largest mantissa: roundings carry */
        return (mag){UINT64_C(0xFFFFFFFF), (int64_t)random_below(state, 200) - 100};
    default:
        return (mag){UINT64_C(0x80000000) | (random_bits(state) & UINT64_C(0x7FFFFFFF)),
                     (int64_t)random_below(state, 140) - 70};
    }
}

/* low <= exact <= high, and both within a relative 2^-29 of it. */
static void check_around(mag low, mpfr_srcptr exact, mag high)
{
    mpfr_t bound, slack;
    mpfr_inits2(PREC, bound, slack, (mpfr_ptr)NULL);
    mpfr_mul_2si(slack, exact, -29, MPFR_RNDU);
    mag_get_mpfr(bound, high);
    ck_assert(mpfr_greaterequal_p(bound, exact));
    mpfr_sub(bound, bound, exact, MPFR_RNDU);
    ck_assert(mpfr_lessequal_p(bound, slack));
    mag_get_mpfr(bound, low);
    ck_assert(mpfr_lessequal_p(bound, exact));
    mpfr_sub(bound, exact, bound, MPFR_RNDU);
    ck_assert(mpfr_lessequal_p(bound, slack));
    mpfr_clears(bound, slack, (mpfr_ptr)NULL);
}

/* up_op(a, b) >= a op b >= down_op(a, b), within 2^-29, against MPFR. */
START_TEST(arithmetic_is_outward)
{
    uint64_t state = 1;
    mpfr_t x, y, z;
    mpfr_inits2(PREC, x, y, z, (mpfr_ptr)NULL);
    for (size_t k = 0; k < rounds(200000); k++) {
        mag a = random_mag(&state), b = random_mag(&state);
        mag_get_mpfr(x, a);
        mag_get_mpfr(y, b);
        mpfr_mul(z, x, y, MPFR_RNDN);
        check_around(down_mul(a, b), z, up_mul(a, b));
        check_around(down_mul(a, a), (mpfr_sqr(z, x, MPFR_RNDN), z), up_sqr(a));
        mpfr_add(z, x, y, MPFR_RNDN);
        ck_assert(mag_le(up_add(a, b), up_add(b, a)) && mag_le(up_add(b, a), up_add(a, b)));
        mag sum = up_add(a, b);
        mag_get_mpfr(z, sum);
        mpfr_sub(z, z, x, MPFR_RNDN);
        ck_assert(mpfr_greaterequal_p(z, y));
        mpfr_sqrt(z, x, MPFR_RNDN);
        check_around(down_sqrt(a), z, up_sqrt(a));
        if (!mag_is_zero(b)) {
            mpfr_div(z, x, y, MPFR_RNDN);
            check_around(down_div(a, b), z, up_div(a, b));
        }
        mpfr_sub(z, x, y, MPFR_RNDN);
        mag_get_mpfr(y, down_sub(a, b));
        ck_assert(mpfr_sgn(y) >= 0 && (mpfr_sgn(y) == 0 || mpfr_lessequal_p(y, z)));
    }
    mpfr_clears(x, y, z, (mpfr_ptr)NULL);
}
END_TEST

/* A difference loses no more than 2^-29 of the larger term. */
START_TEST(subtraction_is_tight)
{
    uint64_t state = 2;
    mpfr_t x, y, z;
    mpfr_inits2(PREC, x, y, z, (mpfr_ptr)NULL);
    for (size_t k = 0; k < rounds(100000); k++) {
        mag a = random_mag(&state), b = random_mag(&state);
        mag_get_mpfr(x, a);
        mag_get_mpfr(y, b);
        mpfr_sub(z, x, y, MPFR_RNDN); /* exact */
        mag_get_mpfr(y, down_sub(a, b));
        mpfr_sub(y, z, y, MPFR_RNDN);
        mpfr_mul_2si(x, x, -29, MPFR_RNDU);
        ck_assert(mpfr_lessequal_p(y, x));
    }
    mpfr_clears(x, y, z, (mpfr_ptr)NULL);
}
END_TEST

/* |x| of MPFR numbers of any precision, with and without bits below the mantissa. */
START_TEST(reading_mpfr_is_outward)
{
    uint64_t state = 3;
    for (size_t k = 0; k < rounds(50000); k++) {
        mpfr_t x, magnitude;
        mpfr_init2(x, (mpfr_prec_t)(1 + random_below(&state, 200)));
        mpfr_init2(magnitude, 200);
        mpfr_set_d(x, random_gaussian(&state), MPFR_RNDN);
        mpfr_mul_d(x, x, random_gaussian(&state), MPFR_RNDN);
        mpfr_mul_2si(x, x, (long)random_below(&state, 4000) - 2000, MPFR_RNDN);
        mpfr_abs(magnitude, x, MPFR_RNDN);
        check_around(down_abs(x), magnitude, up_abs(x));
        double bounds[2];
        mag_bounds(bounds, x, up_abs(x));
        ck_assert(bounds[0] == 0 && mpfr_cmp_d(magnitude, bounds[1]) <= 0);
        mag_bounds(bounds, x, MAG_ZERO);
        ck_assert(mpfr_cmp_d(magnitude, bounds[0]) >= 0 && mpfr_cmp_d(magnitude, bounds[1]) <= 0);
        mpfr_clears(x, magnitude, (mpfr_ptr)NULL);
    }
    mpfr_t x;
    mpfr_init2(x, 10);
    ck_assert(mag_is_inf(up_abs(x)) && mag_is_zero(down_abs(x))); /* NaN */
    mpfr_set_inf(x, -1);
    ck_assert(mag_is_inf(up_abs(x)));
    mpfr_set_zero(x, -1);
    ck_assert(mag_is_zero(up_abs(x)) && mag_is_zero(down_abs(x)));
    mpfr_clear(x);
}
END_TEST

/* Infinity means "no bound known" and stays that; zero times it is zero, as an exact zero is. */
START_TEST(infinity_propagates)
{
    mag one = MAG_ONE;
    ck_assert(mag_is_inf(up_add(one, MAG_INF)) && mag_is_inf(up_add(MAG_INF, one)));
    ck_assert(mag_is_inf(up_mul(one, MAG_INF)) && mag_is_zero(up_mul(MAG_ZERO, MAG_INF)));
    ck_assert(mag_is_inf(up_div(one, MAG_ZERO)) && mag_is_zero(up_div(MAG_ZERO, MAG_ZERO)));
    ck_assert(mag_is_inf(up_div(MAG_INF, one)) && mag_is_zero(down_div(one, MAG_INF)));
    ck_assert(mag_is_inf(up_sqrt(MAG_INF)) && mag_is_inf(up_cosh(MAG_INF)));
    ck_assert(mag_is_zero(down_sub(one, MAG_INF)) && mag_is_inf(down_sub(MAG_INF, one)));
    ck_assert(!mag_le(MAG_INF, one) && mag_le(one, MAG_INF) && mag_le(MAG_INF, MAG_INF) && mag_le(MAG_ZERO, one));
    ck_assert(!mag_le(one, MAG_ZERO) && mag_is_inf(mag_max(one, MAG_INF)) && !mag_is_inf(mag_min(one, MAG_INF)));
    ck_assert(mag_is_inf(mag_scale(MAG_INF, -5)) && mag_is_zero(mag_scale(MAG_ZERO, 5)));
    ck_assert(isinf(up_double(MAG_INF)));
    double bounds[2];
    mpfr_t x;
    mpfr_init2(x, 53);
    mpfr_set_ui(x, 1, MPFR_RNDN);
    mag_bounds(bounds, x, MAG_INF);
    ck_assert(bounds[0] == 0 && isinf(bounds[1]));
    mpfr_clear(x);
}
END_TEST

START_TEST(integers_powers_and_logarithms_are_exact)
{
    for (uint32_t n = 1; n < 100000; n++)
        ck_assert(up_double(mag_from_integer(n)) == n);
    ck_assert(up_double(mag_from_integer(UINT32_MAX)) == UINT32_MAX && mag_is_zero(mag_from_integer(0)));
    for (int k = -1000; k < 1000; k++) {
        ck_assert(up_double(mag_power_of_two(k)) == ldexp(1, k));
        ck_assert(mag_log2(mag_power_of_two(k)) == k);
        ck_assert(mag_log2(up_mul(mag_power_of_two(k), mag_from_integer(3))) == k + 1);
    }
    ck_assert(up_double(mag_power_of_two(-5000)) == 0x1p-1074); /* the least binary64 not below it */
    ck_assert(isinf(up_double(mag_power_of_two(2000))));
}
END_TEST

/* cosh, rounded up, within a relative 2^-28 for arguments of the size it is used for. */
START_TEST(cosh_is_outward)
{
    uint64_t state = 4;
    mpfr_t x, y;
    mpfr_inits2(PREC, x, y, (mpfr_ptr)NULL);
    for (size_t k = 0; k < rounds(20000); k++) {
        mag a = mag_scale(random_mag(&state), 0);
        a.exponent = a.mantissa ? -31 - (int64_t)random_below(&state, 40) : 0;
        mag_get_mpfr(x, a);
        mpfr_cosh(x, x, MPFR_RNDU);
        mag_get_mpfr(y, up_cosh(a));
        ck_assert(mpfr_greaterequal_p(y, x));
        mpfr_mul_d(x, x, 1 + 0x1p-28, MPFR_RNDU);
        ck_assert(mpfr_lessequal_p(y, x));
    }
    mpfr_clears(x, y, (mpfr_ptr)NULL);
}
END_TEST

RUN_TESTS("magnitude", TEST(arithmetic_is_outward), TEST(subtraction_is_tight), TEST(reading_mpfr_is_outward),
          TEST(infinity_propagates), TEST(integers_powers_and_logarithms_are_exact), TEST(cosh_is_outward))
