#include "quintic.h"

#include <stdio.h>

/* (p^4)(x) and its derivative, the chain rule. */
static real fourth(const struct quintic *p, real x, real *slope)
{
    real product = real_whole(x->field, 1);
    for (int k = 0; k < 4; k++) {
        product = real_mul(product, quintic_slope(p, x));
        x = quintic_value(p, x);
    }
    *slope = product;
    return x;
}

/* N(X) for X = centre +- 1e-9. */
static struct range newton(const struct quintic *p, real centre, real half_width)
{
    const struct field *f = centre->field;
    real x = real_add(centre, real_between(real_neg(half_width), half_width)), slope, unused;
    fourth(p, x, &slope);
    real value = real_sub(fourth(p, real_enclose(centre), &unused), centre);
    real step = real_div(value, real_sub(slope, real_whole(f, 1))), n = real_sub(centre, step);
    MPFR_DECL_INIT(lo, 256);
    MPFR_DECL_INIT(hi, 256);
    real_ends(lo, hi, n);
    return (struct range){real_mpfr(f, lo), real_mpfr(f, hi)};
}

static const char *const printed[] = {".681919320806", ".752916213733", "1.046907034076", "1.134267640383"};

static void start(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct quintic p = quintic_jordan(f);
    real x = real_fraction(f, 2 * (long)k + 1, 400), least = real_whole(f, 1);
    for (int step = 0; step < 200; step++)
        x = real_middle(real_enclose(quintic_value(&p, real_enclose(x))));
    for (int j = 0; j < 4; j++)
        least = real_min(least, real_abs(real_sub(x, real_decimal(f, printed[j]))));
    certify(e, "after 200 steps within 1e-6 of the cycle", real_sub(real_decimal(f, "1e-6"), least));
}

static void run(struct evidence *e)
{
    const struct field *f = &e->field;
    struct quintic p = quintic_jordan(f);
    real one = real_whole(f, 1), half_width = real_decimal(f, "1e-9"), slope;
    for (int k = 0; k < 4; k++) {
        real centre = real_decimal(f, printed[k]), other = real_add(centre, real_decimal(f, "0.01"));
        struct range n = newton(&p, centre, half_width), wrong = newton(&p, other, half_width);
        certify(e, "N(X) > the lower end of X", real_sub(n.lo, real_sub(centre, half_width)));
        certify(e, "N(X) < the upper end of X", real_sub(real_add(centre, half_width), n.hi));
        real x = real_add(centre, real_between(real_neg(half_width), half_width));
        fourth(&p, x, &slope);
        certify(e, "|(p^4)'(X)| < 1: attracting", real_sub(one, real_abs(slope)));
        char what[ITEM_TEXT];
        snprintf(what, sizeof what, "the cycle holds %s", printed[k]);
        number_printed(e, what, real_between(n.lo, n.hi), printed[k]);
        const char *after = printed[(int[]){3, 2, 0, 1}[k]];
        real image = quintic_value(&p, real_between(n.lo, n.hi));
        certify(e, "p maps N(X) into the X of the next",
                real_sub(half_width, real_abs(real_sub(image, real_decimal(f, after)))));
        must_differ(e, "it is a fixed point", quintic_value(&p, x), x);
        must_differ(e, "it is a 2-cycle", quintic_repeat(&p, x, 2), x);
        must_fail(
            e, "a zero of p^4(x) - x 0.01 beside it",
            real_min(real_sub(wrong.lo, real_sub(other, half_width)), real_sub(real_add(other, half_width), wrong.hi)));
    }
    fourth(&p, real_decimal(f, printed[0]), &slope);
    number_printed(e, "multiplier", slope, "-.1428");
    each(e, instances(e, 200, 20), start);
}

const struct claim claim_ns_cycle = {
    "NS-cycle",
    "Newton-Schulz",
    "Jordan's quintic has an attracting 4-cycle .6819, 1.1343, .7529, 1.0469: Muon never converges to UV^T",
    "ours",
    CLAIM_PROVED,
    "ns_cycle",
    run};
