/* AuON's direction against closed forms, and its bounds where they are attained. */
#include "auon.h"

#include "proof_support.h"
#include "support.h"

/* N entries +-g: ||G|| = |g| sqrt N, R = cosh(gamma |g| / (||G|| + 1e-7)), out = +-|g| / (||G|| + 1e-7) / (R + 1e-8). */
static void check_equal_entries(struct work *w, void *args)
{
    const struct field f = {w, 128};
    (void)args;
    for (size_t k = 0; k < 12; k++) {
        size_t rows = 1 + k % 3, cols = 1 + k % 4;
        struct matrix g = matrix_new(&f, rows, cols);
        real entry = real_fraction(&f, 3, 1ul << 6 * (k % 5)), gamma = real_fraction(&f, k % 2 ? 3 : 2, 2);
        for (size_t j = 0; j < rows * cols; j++)
            g.at[j] = j % 2 ? real_neg(entry) : entry;
        const struct auon a = auon_of(g, gamma);
        real size = real_mul(entry, real_root(real_whole(&f, (long)(rows * cols)))),
             length = real_add(size, real_decimal(&f, "1e-7"));
        real r = real_cosh(real_div(real_mul(gamma, entry), length));
        ck_assert(near(a.size, size) && near(a.tau, real_div(size, length)) && near(a.r, r));
        ck_assert(near(real_mul(a.scale, real_mul(length, real_add(r, real_decimal(&f, "1e-8")))), real_whole(&f, 1)));
        ck_assert(near(auon_least(real_mul(gamma, a.tau), rows * cols), a.r)); /* attained */
        if (k % 2 == 0)
            ck_assert(near(auon_direction(g).at[0], real_mul(a.scale, entry)));
        else
            ck_assert(!near(auon_of(g, real_whole(&f, 1)).r, a.r)); /* counter-check: gamma matters */
    }
}

START_TEST(equal_entries)
{
    in_work(check_equal_entries, NULL);
}
END_TEST

/* One entry alone attains the upper bound; every instance lies between; N and N + 1 differ. */
static void check_bounds(struct work *w, void *args)
{
    const struct field f = {w, 128};
    real one = real_whole(&f, 1);
    size_t attained = 0;
    (void)args;
    for (size_t k = 0; k < 90; k++) {
        struct matrix g = auon_instance(&f, k);
        const struct auon a = auon_of(g, one);
        size_t count = matrix_count(g);
        ck_assert(at_most(auon_least(a.tau, count), a.r) && at_most(a.r, auon_most(a.tau, count)));
        attained += k % 3 == 2 && near(a.r, auon_most(a.tau, count));
        if (k % 3 == 2 && k % 19 >= 9) /* counter-check, where tau is not small */
            ck_assert(!near(a.r, auon_most(a.tau, count + 1)));
    }
    ck_assert_uint_eq(attained, 30);
}

START_TEST(bounds_hold_and_are_attained)
{
    in_work(check_bounds, NULL);
}
END_TEST

RUN_TESTS("auon", TEST(equal_entries), TEST(bounds_hold_and_are_attained))
