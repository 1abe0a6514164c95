/* Simulated rates where the answer is known without simulation. */
#include "rates.h"

#include "support.h"

#include <math.h>

static bool close_to(double x, double y)
{
    return fabs(x - y) <= 1e-12 * (1 + fabs(y));
}

/* y = x^-1/4 has the slope -1/4; its half width is that of the logarithms. */
START_TEST(slopes_of_power_laws)
{
    const struct estimate before = {pow(16, -0.25), 0.03}, after = {pow(256, -0.25), 0.02};
    struct estimate slope = slope_between(16, before, 256, after);
    ck_assert(close_to(slope.mean, -0.25));
    ck_assert(close_to(slope.half_width, hypot(0.03 / before.mean, 0.02 / after.mean) / log(16)));
    ck_assert(!close_to(slope_between(16, before, 64, after).mean, -0.25)); /* counter-check */
}
END_TEST

/* From x_0 = 3, phi'(3) = 1 + 2 e^-3, so that the first gradient is positive with either noise. eta = 0 stays, decay halves,
 * eta = 1 goes to 2 in one step. */
START_TEST(runs_without_chance)
{
    struct estimate y = simulate((struct schedule){.alpha = 1}, 5, 10, 1);
    ck_assert(close_to(y.mean, 1 + 2 * exp(-3)) && y.half_width <= 1e-7);
    y = simulate((struct schedule){.alpha = 1, .decay = 0.5, .last_value = true}, 1, 10, 1);
    ck_assert(close_to(y.mean, 1.5 * -expm1(-1.5)));
    y = simulate((struct schedule){.alpha = 0.5, .eta = 1, .last_value = true}, 1, 10, 1);
    ck_assert(close_to(y.mean, 2 * -expm1(-2)));
    ck_assert(!close_to(y.mean, 3 * -expm1(-3))); /* counter-check */
}
END_TEST

/* Two steps of eta = 1, alpha = 1: to 2; the second gradient is phi'(2) +- 1 = 1 + e^-2 +- 1 > 0: to 1; the third is 1 +- 1,
 * where 0 stays: 0 or 1 with probability 1/2 each, phi(1) / 2 in the mean. 40000 runs find it, 160000 twice as well. */
START_TEST(intervals_hold_the_mean)
{
    const struct schedule s = {.alpha = 1, .eta = 1, .last_value = true};
    struct estimate few = simulate(s, 3, 40000, 7), many = simulate(s, 3, 160000, 7);
    double mean = -expm1(-1) / 2;
    ck_assert(fabs(few.mean - mean) <= 2 * few.half_width && fabs(many.mean - mean) <= 2 * many.half_width);
    ck_assert(fabs(few.half_width - 1.96 * mean / 200) <= 0.01 * few.half_width);
    ck_assert(fabs(few.half_width / many.half_width - 2) <= 0.05);
    ck_assert(fabs(few.mean - 1.05 * mean) > 2 * few.half_width); /* counter-check: 5 % more is outside */
    ck_assert(simulate(s, 3, 1000, 7).mean == simulate(s, 3, 1000, 7).mean);
    ck_assert(simulate(s, 3, 1000, 7).mean != simulate(s, 3, 1000, 8).mean);
}
END_TEST

/* Extrapolation: y_1 = x_1 + (1 - a) / a (x_1 - x_0) = 2 - 1 = 1 for a = 1/2, eta = 1, whose gradient is 1 +- 1, not that of 2. */
START_TEST(extrapolation_looks_ahead)
{
    const struct schedule plain = {.alpha = 0.5, .eta = 1, .last_value = true};
    struct schedule ahead = plain;
    ahead.extrapolate = true;
    ck_assert(close_to(simulate(plain, 1, 100, 3).mean, simulate(ahead, 1, 100, 3).mean));
    ck_assert(simulate(plain, 4, 1000, 3).mean != simulate(ahead, 4, 1000, 3).mean);
}
END_TEST

RUN_TESTS("rates", TEST(slopes_of_power_laws), TEST(runs_without_chance), TEST(intervals_hold_the_mean),
          TEST(extrapolation_looks_ahead))
