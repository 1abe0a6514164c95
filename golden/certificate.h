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

/* s: the min(m, n) singular values of A 2^-exponent, hi and then lo of each, and their radius; of a matrix with a largest
 * entry near 1, so that none is subnormal that matters. Errors: those of assay_ref_svd(). */
assay_status scaled_singular_values(double *s, double *radius, int *exponent, const double *a, size_t rows, size_t cols,
                                    const assay_options *options) __attribute__((warn_unused_result));

/* The Euclidean norm of `count` numbers, `stride` apart, to a few roundings, without overflow or underflow of squares. */
double euclidean_norm(const double *x, size_t count, size_t stride);

/* The t of norms alone: of x / ||x|| for N numbers, accumulated in binary32 (binary64 for that format): N / 2 + 2 roundings
 * there and 4 in the format (the norm, a constant, the quotient, the product). claim BD-unit-vectors */
double unit_vector_error(enum tensor_type format, size_t count);

#endif
