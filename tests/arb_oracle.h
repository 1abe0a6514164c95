/* Arb's opinion. In a file of its own, because Arb has names in common with ref/magnitude.h. */
#ifndef ASSAY_TESTS_ARB_ORACLE_H
#define ASSAY_TESTS_ARB_ORACLE_H

#include <mpfr.h>
#include <stdbool.h>

enum arb_function { ARB_SET, ARB_ADD, ARB_SUB, ARB_MUL, ARB_DIV, ARB_SQRT, ARB_COSH };

struct interval {
    mpfr_t low, high;
};
void interval_init(struct interval *x, mpfr_prec_t prec);
void interval_clear(struct interval *x);
bool intervals_meet(const struct interval *x, const struct interval *y);

/* z holds f(x, y) for all numbers of x and y, computed with `prec` bits; y is ignored if f takes one argument. */
void arb_apply(struct interval *z, enum arb_function f, const struct interval *x, const struct interval *y, long prec);

#endif
