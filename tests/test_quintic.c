/* Quintics with fractions for coefficients, whose values and critical points are known. */
#include "quintic.h"

#include "proof_support.h"
#include "support.h"

/* 2 x - 3 x^3 + x^5 at 2: 12, slope 46; at 1/2: 21/32. */
static void check_values(struct work *w, void *args)
{
    const struct field f = {w, 128};
    const struct quintic p = {real_whole(&f, 2), real_whole(&f, -3), real_whole(&f, 1)};
    real two = real_whole(&f, 2), half = real_fraction(&f, 1, 2), once = real_fraction(&f, 21, 32);
    (void)args;
    ck_assert(near(quintic_value(&p, two), real_whole(&f, 12)) && near(quintic_slope(&p, two), real_whole(&f, 46)));
    ck_assert(near(quintic_repeat(&p, half, 0), half) && near(quintic_repeat(&p, half, 1), once));
    ck_assert(near(quintic_repeat(&p, half, 2), quintic_value(&p, once)));
    ck_assert(!near(quintic_repeat(&p, half, 2), once)); /* counter-check */
    const struct quintic jordan = quintic_jordan(&f),
                         table = quintic_of(&f, (struct assay_triple){3.4445, -4.775, 2.0315});
    real gap = real_sub(quintic_value(&jordan, half), quintic_value(&table, half));
    ck_assert(near_by(gap, real_whole(&f, 0), 50) && real_sign(gap, "a gap") != 0); /* decimals are not binary64 */
}

START_TEST(values_and_slopes)
{
    in_work(check_values, NULL);
}
END_TEST

/* p' = 5 (x^2 - 1/4)(x^2 - 1): critical at 1/2 and 1, p there 19/48 and 1/6. */
static struct quintic waved(const struct field *f)
{
    return (struct quintic){real_fraction(f, 5, 4), real_fraction(f, -25, 12), real_whole(f, 1)};
}

static void check_critical(struct work *w, void *args)
{
    const struct field f = {w, 128};
    const struct quintic p = waved(&f), increasing = {real_whole(&f, 1), real_whole(&f, 1), real_whole(&f, 1)},
                         cubic = {real_fraction(&f, 3, 2), real_fraction(&f, -1, 2), real_whole(&f, 0)},
                         one = {real_whole(&f, -5), real_whole(&f, 0), real_whole(&f, 1)};
    real points[2];
    (void)args;
    ck_assert_uint_eq(quintic_critical(&p, points), 2);
    ck_assert(near(points[0], real_fraction(&f, 1, 2)) && near(points[1], real_whole(&f, 1)));
    ck_assert_uint_eq(quintic_critical(&increasing, points), 0);
    ck_assert_uint_eq(quintic_critical(&cubic, points), 1);
    ck_assert(near(points[0], real_whole(&f, 1)));
    ck_assert_uint_eq(quintic_critical(&one, points), 1); /* -5 x + x^5: 5 (x^4 - 1) */
    ck_assert(near(points[0], real_whole(&f, 1)));
}

START_TEST(critical_points)
{
    in_work(check_critical, NULL);
}
END_TEST

/* Images hold all values, and both of their ends are values. */
static void check_images(struct work *w, void *args)
{
    const struct field f = {w, 128};
    const struct quintic p = waved(&f);
    static const long in[][2] = {{0, 12}, {2, 10}, {2, 8}, {1, 3}, {9, 12}}; /* eighths */
    const real least[] = {real_whole(&f, 0), real_fraction(&f, 1, 6), real_fraction(&f, 1, 6)},
               most[] = {real_fraction(&f, 39, 16), quintic_value(&p, real_fraction(&f, 5, 4)),
                         real_fraction(&f, 19, 48)};
    (void)args;
    for (size_t k = 0; k < sizeof in / sizeof in[0]; k++) {
        const struct range x = {real_fraction(&f, in[k][0], 8), real_fraction(&f, in[k][1], 8)},
                           y = quintic_image(&p, x);
        for (long j = 0; j <= 64; j++) {
            real at = real_add(x.lo, real_mul(real_fraction(&f, j, 64), real_sub(x.hi, x.lo))),
                 value = quintic_value(&p, at);
            ck_assert(at_most(y.lo, value) && at_most(value, y.hi));
        }
        if (k < 3)
            ck_assert(near(y.lo, least[k]) && near(y.hi, most[k]));
        else
            ck_assert(near(y.lo, quintic_value(&p, x.lo)) &&
                      near(y.hi, quintic_value(&p, x.hi))); /* increasing there */
    }
    const struct range whole = {real_fraction(&f, 1, 4), real_whole(&f, 1)}, y = quintic_image(&p, whole);
    ck_assert(!near(y.hi, quintic_value(&p, whole.lo)) && !near(y.hi, quintic_value(&p, whole.hi))); /* counter-check */
}

START_TEST(images)
{
    in_work(check_images, NULL);
}
END_TEST

RUN_TESTS("quintic", TEST(values_and_slopes), TEST(critical_points), TEST(images))
