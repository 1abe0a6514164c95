/* Odd quintics p(x) = a x + b x^3 + c x^5 with exact coefficients: values, critical points, images of intervals. */
#ifndef ASSAY_PROOFS_QUINTIC_H
#define ASSAY_PROOFS_QUINTIC_H

#include "claim.h"

struct quintic {
    real a, b, c;
};

/* Jordan's: 3.4445, -4.7750, 2.0315, as printed. */
struct quintic quintic_jordan(const struct field *f);
/* The exact values of binary64 coefficients. */
struct quintic quintic_of(const struct field *f, struct assay_triple t);

real quintic_value(const struct quintic *p, real x);
real quintic_slope(const struct quintic *p, real x);
real quintic_repeat(const struct quintic *p, real x, size_t times);

/* The positive critical points, ascending; returns how many: 3 b^2 may be of either sign below 5 a c. */
size_t quintic_critical(const struct quintic *p, real points[2]);

/* The image of [lo, hi], lo >= 0: by the ends and the critical points inside, for p is continuous. */
struct range {
    real lo, hi;
};
struct range quintic_image(const struct quintic *p, struct range x);

#endif
