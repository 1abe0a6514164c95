#include "auon.h"

static void instance(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct matrix g = auon_instance(f, k);
    size_t n = matrix_count(g);
    real one = real_whole(f, 1), gamma = k % 2 ? one : real_fraction(f, 3, 2);
    struct auon a = auon_of(g, gamma);
    real t = real_mul(gamma, a.tau), least = auon_least(t, n), most = auon_most(t, n);
    real constant = real_div(real_square(real_sinh(gamma)), real_whole(f, 2 * (long)n));
    certify(e, "R - 1 <= sinh^2(gamma) / (2 N)", SUM(one, constant, real_neg(a.r)));
    if (k % 3 == 1)
        certify_equal(e, "equal entries: R = cosh(t / sqrt N)", a.r, least);
    if (k % 3 == 2)
        certify_equal(e, "one entry: R = sqrt(1 + sinh^2(t) / N)", a.r, most);
    if (k % 3 == 0 && n > 1) {
        certify(e, "R >= cosh(t / sqrt N)", real_sub(a.r, least));
        certify(e, "R <= sqrt(1 + sinh^2(t) / N)", real_sub(most, a.r));
    }
    if (k % 3 == 1)
        must_fail(e, "cosh(1.01 t / sqrt N) as lower bound",
                  real_sub(a.r, auon_least(real_mul(real_fraction(f, 101, 100), t), n)));
    real square = real_mul(real_fraction(f, 99, 100), real_square(real_sinh(t)));
    if (k % 3 == 2)
        must_fail(e, "0.99 sinh^2 as upper bound",
                  real_sub(real_root(real_add(one, real_div(square, real_whole(f, (long)n)))), a.r));
}

static void run(struct evidence *e)
{
    const struct field *f = &e->field;
    number_printed(e, "sinh(1)^2", real_square(real_sinh(real_enclose(real_whole(f, 1)))), "1.3810978455");
    number_printed(e, "sinh(1.5)^2", real_square(real_sinh(real_enclose(real_fraction(f, 3, 2)))), "4.53383");
    each(e, instances(e, 300, 60), instance);
}

const struct claim claim_au_range = {
    "AU-range", "AuON",       "cosh(tau / sqrt N) <= R <= sqrt(1 + sinh^2(tau) / N), so 0 < R - 1 <= 0.69055 / N",
    "ours",     CLAIM_PROVED, "au_range",
    run};
