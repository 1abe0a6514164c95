#include "quintic.h"

static void run(struct evidence *e)
{
    static const char *const points[] = {".868025797655531", "1.263729067298377"}, *const slopes[] = {"-1.5823731",
                                                                                                      "6.4734565"};
    const struct field *f = &e->field;
    struct quintic p = quintic_jordan(f);
    real one = real_whole(f, 1), two = real_whole(f, 2), four = real_whole(f, 4), a = real_sub(p.a, one);
    real root = real_root(real_sub(real_square(p.b), PRODUCT(four, a, p.c))), fixed[2];
    for (int k = 0; k < 2; k++) {
        real t = real_div(real_add(real_neg(p.b), k ? root : real_neg(root)), real_mul(two, p.c));
        fixed[k] = real_root(t);
        real slope = quintic_slope(&p, fixed[k]);
        number_printed(e, k ? "second fixed point" : "first fixed point", fixed[k], points[k]);
        number_printed(e, k ? "slope at the second" : "slope at the first", slope, slopes[k]);
        certify_equal(e, "p(x) = x", quintic_value(&p, fixed[k]), fixed[k]);
        certify(e, "|slope| > 1: repelling", real_sub(real_abs(slope), one));
    }
    certify_equal(e, "p(1) = 0.7010", quintic_value(&p, one), real_decimal(f, "0.7010"));
    certify(e, "b^2 < 4 a c: no positive zero", real_sub(PRODUCT(four, p.a, p.c), real_square(p.b)));
    real beyond = real_decimal(f, "1.26373");
    certify(e, "p(1.26373) > 1.26373", real_sub(quintic_value(&p, beyond), beyond));
    certify(e, "c > 0: p(x) / x - 1 increases from there on", p.c);
    must_differ(e, "1 is a fixed point", quintic_value(&p, one), one);
    must_fail(e, "0.868 attracts: |slope| <= 1", real_sub(one, real_abs(quintic_slope(&p, fixed[0]))));
}

const struct claim claim_ns_fixed = {
    "NS-fixed", "Newton-Schulz", "Jordan's quintic: fixed points 0, 0.8680, 1.2637, all repelling; p(1) = 0.7010",
    "ours",     CLAIM_PROVED,    "ns_fixed",
    run};
