/* Floating-point arithmetic in exact numbers, for bounds of what rounding does: to nearest, or by the standard model
 * fl(x) = x (1 + d), |d| <= u (Higham, Accuracy and Stability of Numerical Algorithms, 2002, sec. 2.2). */
#ifndef ASSAY_PROOFS_FLOATING_H
#define ASSAY_PROOFS_FLOATING_H

#include "claim.h"

struct format {
    const char *name;
    long precision, least; /* u = 2^-precision; 2^least is the least positive number */
};
enum { FLOATING_FORMATS = 4 };
extern const struct format floating_formats[FLOATING_FORMATS]; /* binary64, binary32, binary16, bfloat16 */

/* 2^k */
real power_of_two(const struct field *f, long k);
real format_roundoff(const struct field *f, const struct format *format);
real format_least(const struct field *f, const struct format *format);

/* The number of the format nearest to x, ties to even; exponents have no upper end. Fails with ASSAY_UNDECIDED if both ends
 * of an enclosure are not rounded alike. */
real nearest_to(const struct format *format, real x);

/* A way to round: to nearest; or at a vertex of the standard model, where bit j of `signs` says whether the j-th rounding
 * multiplies by 1 + u or by 1 - u. What is a product or a quotient of sums is monotonic in every single d, so its largest
 * error is at a vertex. */
struct rounding_mode {
    const struct format *format;
    bool vertex;
    unsigned long signs;
};
real rounded_by(struct rounding_mode *mode, real x);

#endif
