#include "polynomial.h"

/* Values are computed to PREC bits at points that are exact or within 2^-(PREC - 20) of an extremum; SLACK, relative to
 * the sum of the terms' absolute values, covers the rounding of both many times over. */
enum { PREC = 256, SLACK = -200, LEAST = -(1 << 20) };

static mag absolute(double x)
{
    MPFR_DECL_INIT(y, 53);
    mpfr_set_d(y, x, MPFR_RNDN);
    return up_abs(y);
}

/* |a + j b x + k c x^2| for x >= 0, rounded up. */
static mag quadratic(struct assay_triple p, uint32_t j, uint32_t k, mpfr_srcptr x)
{
    MPFR_DECL_INIT(y, PREC);
    MPFR_DECL_INIT(z, PREC);
    mpfr_mul_d(y, x, p.c, MPFR_RNDN);
    mpfr_mul_ui(y, y, k, MPFR_RNDN);
    mpfr_set_d(z, p.b, MPFR_RNDN);
    mpfr_mul_ui(z, z, j, MPFR_RNDN);
    mpfr_add(y, y, z, MPFR_RNDN);
    mpfr_mul(y, y, x, MPFR_RNDN);
    mpfr_add_d(y, y, p.a, MPFR_RNDN);
    mag m = up_abs(x), b = up_mul(mag_from_integer(j), absolute(p.b)), c = up_mul(mag_from_integer(k), absolute(p.c));
    mag terms = up_add(absolute(p.a), up_mul(m, up_add(b, up_mul(m, c))));
    return up_add(up_abs(y), mag_scale(terms, SLACK));
}

/* s^2, or more for an s so small that powers of it might leave MPFR's range. */
static void square(mpfr_ptr x, mag s)
{
    mag_get_mpfr(x, mag_is_zero(s) ? s : mag_max(s, mag_power_of_two(LEAST)));
    mpfr_sqr(x, x, MPFR_RNDN);
}

/* Whether x = t^2 for a t with 0 < |t| < s. */
static bool is_inside(mpfr_srcptr x, mpfr_srcptr end)
{
    return mpfr_regular_p(x) && !mpfr_signbit(x) && mpfr_less_p(x, end);
}

mag derivative_bound(struct assay_triple p, mag s)
{
    /* p'(t) = a + 3 b x + 5 c x^2 with x = t^2 in [0, s^2]: largest at an end or at the vertex x = -3 b / (10 c). */
    if (mag_is_inf(s))
        return MAG_INF;
    MPFR_DECL_INIT(x, PREC);
    MPFR_DECL_INIT(end, PREC);
    MPFR_DECL_INIT(c, PREC);
    square(end, s);
    mpfr_set_zero(x, 1);
    mag bound = mag_max(quadratic(p, 3, 5, x), quadratic(p, 3, 5, end));
    mpfr_set_d(x, p.b, MPFR_RNDN);
    mpfr_mul_si(x, x, -3, MPFR_RNDN);
    mpfr_set_d(c, p.c, MPFR_RNDN);
    mpfr_mul_ui(c, c, 10, MPFR_RNDN);
    mpfr_div(x, x, c, MPFR_RNDN);
    if (is_inside(x, end))
        bound = mag_max(bound, quadratic(p, 3, 5, x));
    return bound;
}

mag polynomial_bound(struct assay_triple p, mag s)
{
    /* |p(t)| = sqrt(x) |a + b x + c x^2| is largest at the end or where p' = 0, 5 c x^2 + 3 b x + a = 0: x = q / (10 c) and
     * x = 2 a / q with q = -3 b -+ sqrt(9 b^2 - 20 a c), the sign such that nothing cancels. There p is flat, so the
     * rounding of x does not show; nor does it where the two are so near to each other that the square root is wrong,
     * or NaN: p varies by less than SLACK between them. */
    if (mag_is_inf(s))
        return MAG_INF;
    MPFR_DECL_INIT(q, PREC);
    MPFR_DECL_INIT(root, PREC);
    MPFR_DECL_INIT(x, PREC);
    MPFR_DECL_INIT(end, PREC);
    square(end, s);
    mag bound = up_mul(up_sqrt(up_abs(end)), quadratic(p, 1, 1, end));
    mpfr_set_d(q, p.b, MPFR_RNDN);
    mpfr_mul_si(q, q, -3, MPFR_RNDN);
    mpfr_set_d(x, p.a, MPFR_RNDN);
    mpfr_mul_d(x, x, p.c, MPFR_RNDN);
    mpfr_mul_ui(x, x, 20, MPFR_RNDN);
    mpfr_sqr(root, q, MPFR_RNDN);
    mpfr_sub(root, root, x, MPFR_RNDN);
    mpfr_sqrt(root, root, MPFR_RNDN); /* NaN if p has no extremum */
    (mpfr_signbit(q) ? mpfr_sub : mpfr_add)(q, q, root, MPFR_RNDN);
    for (int k = 0; k < 2; k++) {
        mpfr_set_d(x, k ? p.a : p.c, MPFR_RNDN);
        mpfr_mul_ui(x, x, k ? 2 : 10, MPFR_RNDN);
        if (k)
            mpfr_div(x, x, q, MPFR_RNDN);
        else
            mpfr_div(x, q, x, MPFR_RNDN);
        if (is_inside(x, end))
            bound = mag_max(bound, up_mul(up_sqrt(up_abs(x)), quadratic(p, 1, 1, x)));
    }
    return bound;
}
