/* The best odd quintic: its error alternates at four points, and nobody's is smaller. */
#include "remez.h"

#include "proof_support.h"
#include "support.h"

/* The largest of (1 - p(x)) sign over a grid. */
static real worst(const struct quintic *p, struct range x)
{
    const struct field *f = x.lo->field;
    real most = real_whole(f, 0), one = real_whole(f, 1);
    for (long k = 0; k <= 200; k++) {
        real at = real_add(x.lo, real_mul(real_fraction(f, k, 200), real_sub(x.hi, x.lo)));
        most = real_max(most, real_enclose(real_abs(real_sub(one, quintic_value(p, at)))));
    }
    return most;
}

static void check_best(struct work *w, void *args)
{
    const struct field f = {w, 128};
    static const long starts[] = {1, 5, 30, 80};
    real one = real_whole(&f, 1);
    (void)args;
    for (size_t k = 0; k < 4; k++) {
        const struct range x = {real_fraction(&f, starts[k], 100), one};
        real points[4];
        const struct quintic p = remez(x, points);
        real error = real_sub(one, quintic_value(&p, points[0]));
        ck_assert(real_above_0(error));
        for (size_t j = 0; j < 4; j++) {
            ck_assert(j == 0 || real_above_0(real_sub(points[j], points[j - 1])));
            real here = real_sub(one, quintic_value(&p, points[j]));
            ck_assert(near(here, j % 2 ? real_neg(error) : error));
        }
        ck_assert(near(points[0], x.lo) && near(points[3], x.hi) && at_most(worst(&p, x), error));
        for (int j = 0; j < 6; j++) { /* counter-check: any other is worse */
            struct quintic other = p;
            real *of[] = {&other.a, &other.b, &other.c};
            *of[j / 2] = real_add(*of[j / 2], real_fraction(&f, j % 2 ? 1 : -1, 50));
            ck_assert(real_above_0(real_sub(worst(&other, x), error)));
        }
    }
}

START_TEST(errors_alternate_and_are_least)
{
    in_work(check_best, NULL);
}
END_TEST

RUN_TESTS("remez", TEST(errors_alternate_and_are_least))
