/* Optimality certificates: D solves min <G, D> over ||D|| <= radius if and only if it is in the ball and <G, D> = -radius
 * ||G||_*. They judge answers of which there are several, and unique ones too. */
#ifndef ASSAY_GOLDEN_CERTIFICATE_H
#define ASSAY_GOLDEN_CERTIFICATE_H

#include "case.h"

/* Upper bounds of ||D|| - radius (0 if negative) and of radius ||G||_* + <G, D> for a result D of a case of lmo; for one of
 * polar, of which the polar factor of A is the spectral LMO of -A with radius 1. D must be finite. Evaluated in MPFR from
 * certified singular values. Errors: those of assay_ref_svd(). */
assay_status certificate_measure(struct certificate *found, const struct golden_case *c, const double *d,
                                 const assay_options *options) __attribute__((warn_unused_result));

/* What an honest result in this format keeps to. If it is the exact answer for G + E, ||E||_F <= t ||G||_F, and then moved
 * by no more than t ||D||_F, it is outside the ball by at most the norm of that, and suboptimal by at most
 * 2 radius ||E||_* + t ||G||_F ||D||_F: for <G + E, D> = -radius ||G + E||_* gives <G, D> <= -radius ||G||_* +
 * 2 radius ||E||_*. t is backward_error() where singular vectors are needed, a few roundings where only norms are, one
 * where the radius is parted, and 0 where it stands for itself. */
struct certificate certificate_allowed(const struct golden_case *c, enum tensor_type format);

/* The t of norms alone: of x / ||x|| for N numbers, accumulated in binary32 (binary64 for that format): N / 2 + 2 roundings
 * there and 4 in the format (the norm, a constant, the quotient, the product). claim BD-unit-vectors */
double unit_vector_error(enum tensor_type format, size_t count);

#endif
