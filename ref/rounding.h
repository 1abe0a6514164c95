/* Correct rounding of enclosures (Ziv): a ball decides a rounding if all that it holds rounds to the same number. */
#ifndef ASSAY_REF_ROUNDING_H
#define ASSAY_REF_ROUNDING_H

#include "ball.h"

/* A binary interchange format: round to nearest, ties to even, with subnormals; every zero is +0. */
struct format {
    int precision;    /* bits of the significand */
    int max_exponent; /* largest finite number < 2^max_exponent */
    int min_exponent; /* least subnormal = 2^min_exponent */
};
extern const struct format BINARY64, BINARY32, BFLOAT16, BINARY16;

/* *x = entry k of `a` in this format, +-infinity from the format's overflow threshold on. Returns whether the ball
 * decides it; *x is untouched if not. */
bool round_entry(double *x, const struct ball *a, size_t k, const struct format *format);

/* The answer as pairs: the exact value is hi + lo + rest with hi correctly rounded to binary64, lo the exact value
 * minus hi correctly rounded to binary64, and radius the least power of two (that is a binary64) not below
 * ||rest||_F, 0 if all rests are. */
struct pairs {
    size_t rows, cols;
    double *hi, *lo; /* rows * cols */
    double radius;
};
struct pairs *pairs_new(struct work *w, size_t rows, size_t cols);

/* Rounds `a`. Returns whether the ball decides everything; if not, *undecided is an entry that it does not decide, or
 * their number if only the radius is open. Fails with ASSAY_RANGE if an entry overflows binary64. */
bool round_pairs(struct work *w, struct pairs *x, const struct ball *a, size_t *undecided);

#endif
