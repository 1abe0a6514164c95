/* Singular value decomposition of small matrices in double precision, with the same bits on every machine. Not a
 * certificate of anything: emulated ports use it. */
#ifndef ASSAY_GOLDEN_JACOBI_H
#define ASSAY_GOLDEN_JACOBI_H

#include <stddef.h>

/* A = U S V^T for a (m x n, m >= n, overwritten by U S) and v (n x n): one-sided Jacobi (Hestenes 1958). s: n singular
 * values, in the order of the columns, which is none. Cost: some ten sweeps of n^2 / 2 rotations. */
void jacobi_svd(double *a, double *v, double *s, size_t m, size_t n);

#endif
