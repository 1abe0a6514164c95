/* Bounds of odd quintics: never below what dense sampling finds, and hardly above it. */
#include "support.h"

#include "coefficients.h"
#include "polynomial.h"

#include <math.h>

enum { PREC = 256, SAMPLES = 400 };

/* p(t) or p'(t) in MPFR, by the definition. */
static void evaluate(mpfr_ptr y, struct assay_triple p, mpfr_srcptr t, bool derivative)
{
    const double c[] = {p.a, p.b, p.c};
    MPFR_DECL_INIT(term, PREC);
    mpfr_set_zero(y, 1);
    for (unsigned k = 0; k < 3; k++) {
        unsigned power = 2 * k + 1;
        mpfr_pow_ui(term, t, derivative ? power - 1 : power, MPFR_RNDN);
        mpfr_mul_d(term, term, c[k], MPFR_RNDN);
        mpfr_mul_ui(term, term, derivative ? power : 1, MPFR_RNDN);
        mpfr_add(y, y, term, MPFR_RNDN);
    }
}

/* The largest |p| or |p'| of SAMPLES + 1 points between s from and s to, and which point it is (of 0 .. SAMPLES). */
static double sample(mpfr_ptr largest, struct assay_triple p, bool derivative, mpfr_srcptr s, double from, double to)
{
    double best = from;
    MPFR_DECL_INIT(t, PREC);
    MPFR_DECL_INIT(y, PREC);
    mpfr_set_zero(largest, 1);
    for (int k = 0; k <= SAMPLES; k++) {
        double at = from + (to - from) * k / SAMPLES;
        mpfr_mul_d(t, s, at, MPFR_RNDN);
        evaluate(y, p, t, derivative);
        if (mpfr_cmpabs(y, largest) > 0) {
            mpfr_abs(largest, y, MPFR_RNDN);
            best = at;
        }
    }
    return best;
}

/* The same over |t| <= s, to about (1 / SAMPLES)^4: sampled again around the best point. */
static void sampled_maximum(mpfr_ptr largest, struct assay_triple p, bool derivative, mpfr_srcptr s)
{
    double best = sample(largest, p, derivative, s, 0, 1), step = 1.0 / SAMPLES;
    sample(largest, p, derivative, s, fmax(best - step, 0), fmin(best + step, 1));
}

/* maximum <= bound <= maximum (1 + 1e-6), the first to 180 bits. */
static bool fits(mag bound, mpfr_srcptr maximum)
{
    MPFR_DECL_INIT(b, PREC);
    MPFR_DECL_INIT(m, PREC);
    if (mag_is_inf(bound))
        return false;
    mag_get_mpfr(b, bound);
    mpfr_mul_2si(m, maximum, -180, MPFR_RNDN);
    mpfr_sub(m, maximum, m, MPFR_RNDD);
    bool above = mpfr_lessequal_p(m, b);
    mpfr_mul_d(m, maximum, 1 + 1e-6, MPFR_RNDU);
    return above && mpfr_lessequal_p(b, m);
}

/* polynomial_bound(p, s) = max |p(t)| and derivative_bound(p, s) = max |p'(t)| over |t| <= s, outward, within 1e-6. */
static bool both_fit(struct assay_triple p, mag s)
{
    MPFR_DECL_INIT(end, PREC);
    MPFR_DECL_INIT(maximum, PREC);
    mag_get_mpfr(end, s);
    sampled_maximum(maximum, p, false, end);
    bool fit = fits(polynomial_bound(p, s), maximum);
    sampled_maximum(maximum, p, true, end);
    return fit && fits(derivative_bound(p, s), maximum);
}

static mag mag_from_double(double x)
{
    MPFR_DECL_INIT(y, 53);
    mpfr_set_d(y, x, MPFR_RNDN);
    return up_abs(y);
}

/* All triples of all tables, with s from far inside to far outside of where they are used. */
START_TEST(tables_are_bounded)
{
    enum { SIZES = 10 };
    const double sizes[SIZES] = {0x1p-400, 1e-3, 0.3, 0.7, 1, 1 / 1.02, 1.3, 3, 1e5, 0x1p200};
    for (size_t k = 0; k < assay_coefficient_table_count; k++) {
        const struct assay_coefficients *table = assay_coefficient_tables[k];
        for (size_t j = 0; j < table->count; j++)
            for (size_t l = thorough() ? 0 : j % SIZES; l < SIZES; l += thorough() ? 1 : SIZES)
                ck_assert_msg(both_fit(table->triples[j], mag_from_double(sizes[l])), "%s %zu at %g", table->name, j,
                              sizes[l]);
    }
}
END_TEST

/* A number of either sign, of size 2^-60 .. 2^60 or, half of the time, 1/16 .. 16; or 0. */
static double random_coefficient(uint64_t *state)
{
    if (random_below(state, 8) == 0)
        return 0;
    int exponent = random_below(state, 2) ? (int)random_below(state, 120) - 60 : (int)random_below(state, 8) - 4;
    return ldexp(random_uniform(state) - 0.5, exponent);
}

START_TEST(random_triples_are_bounded)
{
    uint64_t state = 1;
    for (size_t k = 0; k < rounds(600); k++) {
        struct assay_triple p = {random_coefficient(&state), random_coefficient(&state), random_coefficient(&state)};
        mag s = mag_from_double(ldexp(1 + random_uniform(&state), (int)random_below(&state, 100) - 50));
        ck_assert_msg(both_fit(p, s), "%a %a %a at %a", p.a, p.b, p.c, up_double(s));
    }
}
END_TEST

/* Where there is no extremum, one, or two; where they coincide; and where a or c is 0 or as good as that: t^3 - t^5 is
 * largest at t^2 = 3/5, and a t that cannot be seen changes nothing. */
START_TEST(extrema_are_found_whatever_is_small)
{
    const struct assay_triple odd[] = {{1, 1, 1},      {1, -1, 0}, {0, 1, -1},
                                       {1, 0, -1},     {0, 0, 1},  {0, 0, 0},
                                       {0, -1, 0},     {-1, 1, 0}, {1.875, -1.25, 0.375},
                                       {1.5, -0.5, 0}, {-3, 4, -2}};
    for (size_t k = 0; k < sizeof odd / sizeof odd[0]; k++)
        for (int e = -3; e <= 3; e++)
            ck_assert_msg(both_fit(odd[k], mag_power_of_two(e)), "triple %zu at 2^%d", k, e);
    for (int e = -20; e >= -1000; e -= 20) {
        const struct assay_triple small_a = {ldexp(1, e), 1, -1}, small_c = {1, -1, ldexp(1, e)};
        ck_assert_msg(both_fit(small_a, MAG_ONE), "a = 2^%d", e);
        ck_assert_msg(both_fit(small_c, MAG_ONE), "c = 2^%d", e);
    }
}
END_TEST

/* p(t) <= |a| s + |b| s^3 + |c| s^5 and the bounds are near to the first term that is not 0, or just above, where powers
 * of s leave the range of MPFR's exponents (2^-2^30 .. 2^2^30): there too nothing is lost to underflow or overflow. */
START_TEST(ends_of_the_range_are_bounded)
{
    const struct assay_triple p[] = {{3, 1, -1}, {0, -3, 1}, {0, 0, 3}};
    for (int64_t k = 0; k < 3; k++)
        for (int e = 29; e < 33; e++) {
            int64_t log2 = INT64_C(1) << e;
            mag tiny = mag_power_of_two(-log2), huge = mag_power_of_two(log2), three = mag_from_integer(3);
            ck_assert(mag_le(mag_scale(three, -log2 * (2 * k + 1)), polynomial_bound(p[k], tiny)));
            ck_assert(mag_le(mag_scale(three, -log2 * 2 * k), derivative_bound(p[k], tiny)));
            ck_assert(mag_le(polynomial_bound(p[k], tiny), mag_power_of_two(-(1 << 19))));
            ck_assert(mag_le(mag_power_of_two(5 * log2), polynomial_bound(p[k], huge)));
            ck_assert(mag_le(mag_power_of_two(4 * log2), derivative_bound(p[k], huge)));
        }
}
END_TEST

static bool near(mag x, double expected, double relative)
{
    return fabs(up_double(x) - expected) <= relative * fabs(expected);
}

/* theory.md 5, of Jordan's quintic: p(.554528790854494) = 1.202368605163213 is the maximum on [0, 1]; p'(0) = 3.4445;
 * p' = -1.5823731 and 6.4734565 at the fixed points, the second of which is the largest on [0, 1.263729...]. */
START_TEST(jordan_is_as_the_theory_says)
{
    struct assay_triple p = assay_coefficients_jordan.triples[0];
    const double maximum = 1.202368605163213, critical = .554528790854494;
    ck_assert(near(polynomial_bound(p, MAG_ONE), maximum, 2e-9));
    ck_assert(near(polynomial_bound(p, mag_from_double(critical)), maximum, 2e-9));
    ck_assert(up_double(polynomial_bound(p, mag_from_double(critical - 1e-3))) < maximum - 1e-7);
    ck_assert(near(derivative_bound(p, MAG_ONE), 3.4445, 2e-9));
    ck_assert(near(derivative_bound(p, mag_from_double(1.263729067298377)), 6.4734565, 1e-8));
    struct assay_triple cubic = assay_coefficients_cubic.triples[0], quintic = assay_coefficients_quintic.triples[0];
    ck_assert(near(polynomial_bound(cubic, MAG_ONE), 1, 2e-9) && near(derivative_bound(cubic, MAG_ONE), 1.5, 2e-9));
    ck_assert(near(polynomial_bound(quintic, MAG_ONE), 1, 2e-9));
    ck_assert(near(derivative_bound(quintic, MAG_ONE), 1.875, 2e-9));
}
END_TEST

/* Infinity stands for "no bound known" and propagates (magnitude.h); p(0) = 0 and p'(0) = a. */
START_TEST(no_bound_on_s_gives_none_on_p)
{
    struct assay_triple p = assay_coefficients_jordan.triples[0];
    ck_assert(mag_is_inf(polynomial_bound(p, MAG_INF)) && mag_is_inf(derivative_bound(p, MAG_INF)));
    ck_assert(mag_is_zero(polynomial_bound(p, MAG_ZERO)) && near(derivative_bound(p, MAG_ZERO), 3.4445, 2e-9));
}
END_TEST

/* The check above refuses bounds that are too small or too large by little, and those that look at the ends alone. */
START_TEST(wrong_bounds_are_noticed)
{
    struct assay_triple p = assay_coefficients_jordan.triples[0];
    MPFR_DECL_INIT(one, PREC);
    MPFR_DECL_INIT(maximum, PREC);
    mpfr_set_ui(one, 1, MPFR_RNDN);
    sampled_maximum(maximum, p, false, one);
    mag bound = polynomial_bound(p, MAG_ONE);
    ck_assert(fits(bound, maximum));
    ck_assert(!fits(down_sub(bound, mag_scale(bound, -20)), maximum));
    ck_assert(!fits(up_add(bound, mag_scale(bound, -19)), maximum));
    ck_assert(!fits(mag_scale(bound, -1), maximum) && !fits(MAG_INF, maximum));
    ck_assert(!fits(mag_from_double(p.a + p.b + p.c), maximum)); /* |p(1)| = .7010 */
    mpfr_set_nan(maximum);
    ck_assert(!fits(bound, maximum));
}
END_TEST

RUN_TESTS("polynomial", TEST(tables_are_bounded), TEST(random_triples_are_bounded),
          TEST(extrema_are_found_whatever_is_small), TEST(ends_of_the_range_are_bounded),
          TEST(jordan_is_as_the_theory_says), TEST(no_bound_on_s_gives_none_on_p), TEST(wrong_bounds_are_noticed))
