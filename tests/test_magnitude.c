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
static bool are_around(mag low, mpfr_srcptr exact, mag high)
{
    MPFR_DECL_INIT(bound, PREC);
    MPFR_DECL_INIT(slack, PREC);
    mpfr_mul_2si(slack, exact, -29, MPFR_RNDU);
    mag_get_mpfr(bound, high);
    bool good = mpfr_greaterequal_p(bound, exact);
    mpfr_sub(bound, bound, exact, MPFR_RNDU);
    good = good && mpfr_lessequal_p(bound, slack);
    mag_get_mpfr(bound, low);
    good = good && mpfr_lessequal_p(bound, exact);
    mpfr_sub(bound, exact, bound, MPFR_RNDU);
    return good && mpfr_lessequal_p(bound, slack);
}

static mag moved(mag a, int64_t units)
{
    a.mantissa += (uint64_t)units;
    return a;
}

/* The same, and bounds that are closer by two units in the last place are none any more. */
static bool are_closely_around(mag low, mpfr_srcptr exact, mag high)
{
    if (!are_around(low, exact, high))
        return false;
    return mpfr_zero_p(exact) || (!are_around(moved(low, 2), exact, high) && !are_around(low, exact, moved(high, -2)));
}

static bool products_are_good(mag a, mag b, mpfr_srcptr x, mpfr_srcptr y)
{
    MPFR_DECL_INIT(z, PREC);
    mpfr_mul(z, x, y, MPFR_RNDN);
    bool good = are_closely_around(down_mul(a, b), z, up_mul(a, b));
    mpfr_sqr(z, x, MPFR_RNDN);
    return good && are_closely_around(down_mul(a, a), z, up_sqr(a));
}

static bool quotients_and_roots_are_good(mag a, mag b, mpfr_srcptr x, mpfr_srcptr y)
{
    MPFR_DECL_INIT(z, PREC);
    mpfr_sqrt(z, x, MPFR_RNDN);
    bool good = are_closely_around(down_sqrt(a), z, up_sqrt(a));
    if (mag_is_zero(b))
        return good;
    mpfr_div(z, x, y, MPFR_RNDN);
    return good && are_closely_around(down_div(a, b), z, up_div(a, b));
}

/* x + y <= up_add(a, b) = up_add(b, a) <= (x + y) (1 + 2^-29). */
static bool sum_is_good(mag a, mag b, mpfr_srcptr x, mpfr_srcptr y)
{
    MPFR_DECL_INIT(z, PREC);
    MPFR_DECL_INIT(bound, PREC);
    mag sum = up_add(a, b), other = up_add(b, a);
    mpfr_add(z, x, y, MPFR_RNDN); /* exact */
    mag_get_mpfr(bound, sum);
    bool good = mpfr_lessequal_p(z, bound) && mag_le(sum, other) && mag_le(other, sum);
    mpfr_mul_d(z, z, 1 + 0x1p-29, MPFR_RNDU);
    return good && mpfr_lessequal_p(bound, z);
}

/* max(x - y, 0) >= down_sub(a, b) >= x - y - 2^-29 x: a difference loses no more than that of the larger term. */
static bool difference_is_good(mag a, mag b, mpfr_srcptr x, mpfr_srcptr y)
{
    MPFR_DECL_INIT(z, PREC);
    MPFR_DECL_INIT(bound, PREC);
    mpfr_sub(z, x, y, MPFR_RNDN); /* exact */
    mag_get_mpfr(bound, down_sub(a, b));
    bool good = mpfr_zero_p(bound) || (mpfr_sgn(bound) > 0 && mpfr_lessequal_p(bound, z));
    mpfr_sub(bound, z, bound, MPFR_RNDN);
    mpfr_mul_2si(z, x, -29, MPFR_RNDU);
    return good && mpfr_lessequal_p(bound, z);
}

/* Every operation is outward and close, against MPFR. (One assertion a round: each costs more than an operation.) */
START_TEST(arithmetic_is_outward)
{
    uint64_t state = 1;
    mpfr_t x, y;
    mpfr_inits2(PREC, x, y, (mpfr_ptr)NULL);
    for (size_t k = 0; k < rounds(200000); k++) {
        mag a = random_mag(&state), b = random_mag(&state);
        mag_get_mpfr(x, a);
        mag_get_mpfr(y, b);
        bool good = products_are_good(a, b, x, y) && quotients_and_roots_are_good(a, b, x, y) &&
                    sum_is_good(a, b, x, y) && difference_is_good(a, b, x, y);
        if (!good)
            ck_abort_msg("%llx 2^%ld and %llx 2^%ld", (unsigned long long)a.mantissa, (long)a.exponent,
                         (unsigned long long)b.mantissa, (long)b.exponent);
    }
    mpfr_clears(x, y, (mpfr_ptr)NULL);
}
END_TEST

/* Sums and differences of neighbours, of terms so far apart that the lesser is a fraction of a unit in the last place of
 * the greater, and everything between. */
START_TEST(terms_of_all_distances)
{
    const uint64_t mantissas[] = {0x80000000, 0x80000001, 0xC0000000, 0xFFFFFFFE, 0xFFFFFFFF};
    mpfr_t x, y;
    mpfr_inits2(PREC, x, y, (mpfr_ptr)NULL);
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < 5; j++)
            for (int distance = 0; distance < 130; distance++) {
                mag a = {mantissas[i], distance}, b = {mantissas[j], 0};
                mag_get_mpfr(x, a);
                mag_get_mpfr(y, b);
                bool good = sum_is_good(a, b, x, y) && difference_is_good(a, b, x, y) && difference_is_good(b, a, y, x);
                ck_assert_msg(good, "%zu and %zu at distance %d", i, j, distance);
            }
    mpfr_clears(x, y, (mpfr_ptr)NULL);
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
        bool good = are_around(down_abs(x), magnitude, up_abs(x));
        double wide[2], narrow[2];
        mag_bounds(wide, x, up_abs(x));
        mag_bounds(narrow, x, MAG_ZERO);
        good = good && wide[0] == 0 && mpfr_cmp_d(magnitude, wide[1]) <= 0;
        ck_assert(good && mpfr_cmp_d(magnitude, narrow[0]) >= 0 && mpfr_cmp_d(magnitude, narrow[1]) <= 0);
        ck_assert(narrow[1] <= nextafter(nextafter(narrow[0], INFINITY), INFINITY));
        mpfr_clears(x, magnitude, (mpfr_ptr)NULL);
    }
    MPFR_DECL_INIT(long_one, 400);
    for (int k = 1; k < 400; k++) { /* 1 + 2^-k: what is left of it may lie many limbs down */
        mpfr_set_ui_2exp(long_one, 1, -k, MPFR_RNDN);
        mpfr_add_ui(long_one, long_one, 1, MPFR_RNDN);
        ck_assert(are_around(down_abs(long_one), long_one, up_abs(long_one)));
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
    bool exact = true;
    for (uint32_t n = 1; n < 100000; n++)
        exact = exact && up_double(mag_from_integer(n)) == n;
    ck_assert(exact);
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

/* Where a bound leaves MPFR's range of exponents, it is still rounded up. */
START_TEST(bounds_beyond_all_exponents)
{
    MPFR_DECL_INIT(x, 32);
    mag_get_mpfr(x, mag_power_of_two(mpfr_get_emin() - 100));
    ck_assert(mpfr_sgn(x) > 0);
    mag_get_mpfr(x, mag_power_of_two(mpfr_get_emax() + 100));
    ck_assert(mpfr_inf_p(x));
    mag_get_mpfr(x, MAG_INF);
    ck_assert(mpfr_inf_p(x) && mpfr_sgn(x) > 0);
    mag_get_mpfr(x, mag_power_of_two(mpfr_get_emin() - 1)); /* the least that there is */
    ck_assert(mpfr_cmp_ui_2exp(x, 1, mpfr_get_emin() - 1) == 0);
    ck_assert(up_double(mag_power_of_two(mpfr_get_emin() - 100)) == 0x1p-1074);
    ck_assert(mag_le(MAG_ONE, up_cosh(mag_power_of_two(mpfr_get_emin() - 100))));
    ck_assert(!mag_le(up_cosh(mag_power_of_two(mpfr_get_emin() - 100)), MAG_ONE));
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
        bool outward = mpfr_greaterequal_p(y, x);
        mpfr_mul_d(x, x, 1 + 0x1p-28, MPFR_RNDU);
        ck_assert(outward && mpfr_lessequal_p(y, x));
    }
    mpfr_clears(x, y, (mpfr_ptr)NULL);
    ck_assert(mag_is_inf(up_cosh(mag_power_of_two(40)))); /* beyond MPFR's exponents */
}
END_TEST

RUN_TESTS("magnitude", TEST(arithmetic_is_outward), TEST(terms_of_all_distances), TEST(reading_mpfr_is_outward),
          TEST(infinity_propagates), TEST(integers_powers_and_logarithms_are_exact), TEST(bounds_beyond_all_exponents),
          TEST(cosh_is_outward))
