#include "remez.h"

#include <stdio.h>

/* The least of |1 - p| at the four points, whose signs must alternate; and a bound on |1 - p| over the interval. */
static void certify_step(struct evidence *e, const struct quintic *p, struct range x, const real points[4],
                         real error[2])
{
    real one = real_whole(&e->field, 1);
    error[0] = real_whole(&e->field, 2);
    for (int k = 0; k < 4; k++) {
        real rest = real_sub(one, quintic_value(p, points[k]));
        error[0] = real_min(error[0], k % 2 ? real_neg(rest) : rest);
    }
    struct range image = quintic_image(p, x);
    error[1] = real_max(real_sub(one, image.lo), real_sub(image.hi, one));
}

static void family(struct evidence *e, const char *from, const char *const *errors, size_t count)
{
    const struct field *f = &e->field;
    real one = real_whole(f, 1), two = real_whole(f, 2), l = real_decimal(f, from);
    struct range x = {l, one};
    for (size_t t = 0; t < count; t++) {
        real points[4], error[2];
        struct quintic p = remez(x, points);
        certify_step(e, &p, x, points, error);
        certify(e, "the signs alternate: E > 0", error[0]);
        for (int j = 0; j < 3; j++)
            certify(e, "l <= x_0 < x_1 < x_2 < x_3 <= u", real_sub(points[j + 1], points[j]));
        certify(e, "E' - E <= 2^-60 E", SUM(error[0], real_mul(error[0], real_double(f, 0x1p-60)), real_neg(error[1])));
        char what[ITEM_TEXT];
        snprintf(what, sizeof what, "error from %s after step %zu", from, t + 1);
        number_printed(e, what, real_between(error[0], error[1]), errors[t]);
        if (t == 0) {
            struct quintic other = p;
            other.b = real_add(p.b, real_decimal(f, "1e-6"));
            real worse[2];
            certify_step(e, &other, x, points, worse);
            must_fail(e, "b changed by 1e-6 is no worse", real_sub(error[1], worse[1]));
            must_fail(e, "another odd quintic reaches 0.999 E",
                      real_sub(real_mul(real_fraction(f, 999, 1000), error[1]), error[0]));
        }
        l = real_middle(real_enclose(quintic_value(&p, x.lo)));
        x = (struct range){l, real_sub(two, l)};
    }
}

static void run(struct evidence *e)
{
    static const char *const thousandth[] = {".99153",  ".964572",  ".859771", ".545893",
                                             ".113448", "9.165e-4", "4.8e-10", "6.96e-29"};
    static const char *const hundredth[] = {".91909", ".707203", ".269436", ".0125283", "1.23e-6"};
    static const char *const tenth[] = {".453417", ".0626752", "1.54e-4", "2.3e-12"};
    if (e->field.prec < 512) /* the eighth error is 7e-29, and E' - E is wanted to 2^-60 of it */
        work_fail(e->field.w, ASSAY_UNDECIDED, "the points are found to half of 512 bits");
    family(e, "1e-3", thousandth, 8);
    family(e, "1e-2", hundredth, 5);
    family(e, "0.1", tenth, 4);
}

const struct claim claim_pe_optimal = {
    "PE-optimal",
    "Newton-Schulz",
    "each step of Polar Express is minimax for its interval, by equioscillation at four points",
    "arXiv 2505.16932; certificates ours",
    CLAIM_PROVED,
    "pe_optimal",
    run};
