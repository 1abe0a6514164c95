#include "arb_oracle.h"

#include <arb.h>

void interval_init(struct interval *x, mpfr_prec_t prec)
{
    mpfr_inits2(prec, x->low, x->high, (mpfr_ptr)NULL);
}

void interval_clear(struct interval *x)
{
    mpfr_clears(x->low, x->high, (mpfr_ptr)NULL);
}

bool intervals_meet(const struct interval *x, const struct interval *y)
{
    return mpfr_lessequal_p(x->low, y->high) && mpfr_lessequal_p(y->low, x->high);
}

static void from_interval(arb_t x, const struct interval *a)
{
    arb_set_interval_mpfr(x, a->low, a->high, mpfr_get_prec(a->low) + 64);
}

void arb_apply(struct interval *z, enum arb_function f, const struct interval *x, const struct interval *y, long prec)
{
    arb_t a, b, c;
    arb_init(a);
    arb_init(b);
    arb_init(c);
    from_interval(a, x);
    if (f == ARB_ADD || f == ARB_SUB || f == ARB_MUL || f == ARB_DIV)
        from_interval(b, y);
    switch (f) {
    case ARB_SET:
        arb_set_round(c, a, prec);
        break;
    case ARB_ADD:
        arb_add(c, a, b, prec);
        break;
    case ARB_SUB:
        arb_sub(c, a, b, prec);
        break;
    case ARB_MUL:
        arb_mul(c, a, b, prec);
        break;
    case ARB_DIV:
        arb_div(c, a, b, prec);
        break;
    case ARB_SQRT:
        arb_sqrt(c, a, prec);
        break;
    case ARB_COSH:
        arb_cosh(c, a, prec);
        break;
    }
    arb_get_interval_mpfr(z->low, z->high, c);
    arb_clear(a);
    arb_clear(b);
    arb_clear(c);
}
