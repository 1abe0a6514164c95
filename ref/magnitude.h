/* Bounds: non-negative numbers that are rounded outward, in this file and nowhere else.
 *
 * A `mag` is mantissa * 2^exponent with a 32-bit mantissa. Operations named up_ return a value not below the exact
 * result, those named down_ one not above it, each within a relative 2^-29. All is integer arithmetic: the rounding
 * mode of the processor plays no part. Infinity stands for "no bound known" and propagates. */
#ifndef ASSAY_REF_MAGNITUDE_H
#define ASSAY_REF_MAGNITUDE_H

#include <mpfr.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t mantissa; /* 2^31 <= mantissa < 2^32, or 0 for zero, or UINT64_MAX for infinity */
    int64_t exponent;
} mag;

extern const mag MAG_ZERO, MAG_ONE, MAG_INF;

bool mag_is_zero(mag a);
bool mag_is_inf(mag a);
/* a <= b */
bool mag_le(mag a, mag b);
mag mag_max(mag a, mag b);
mag mag_min(mag a, mag b);

mag mag_from_integer(uint32_t n); /* exact */
mag mag_power_of_two(int64_t k);  /* exact */
mag mag_scale(mag a, int64_t k);  /* a 2^k, exact */
int64_t mag_log2(mag a);          /* floor(log2 a); a neither zero nor infinite */

mag up_abs(mpfr_srcptr x); /* |x|; infinity for NaN and Inf */
mag up_add(mag a, mag b);
mag up_mul(mag a, mag b);
mag up_div(mag a, mag b); /* infinity where b is zero */
mag up_sqrt(mag a);
mag up_sqr(mag a);
mag up_cosh(mag a);

mag down_abs(mpfr_srcptr x);
mag down_sub(mag a, mag b); /* max(a - b, 0) */
mag down_mul(mag a, mag b);
mag down_div(mag a, mag b); /* zero where b is infinite */
mag down_sqrt(mag a);

/* x = a, exactly, or rounded up where it leaves MPFR's range of exponents; x holds at least 32 bits. */
void mag_get_mpfr(mpfr_ptr x, mag a);
/* The least binary64 not below a. */
double up_double(mag a);
/* bounds[0] <= |x| - e and |x| + e <= bounds[1], within a unit or so in the last place of binary64. */
void mag_bounds(double bounds[2], mpfr_srcptr x, mag e);

#endif
