/* Small matrices of real numbers (real.h), their norms, and trust-region steps, enclosed. */
#ifndef ASSAY_PROOFS_MATRIX_H
#define ASSAY_PROOFS_MATRIX_H

#include "dialect.h"
#include "real.h"

#include <stdint.h>

/* Row-major; entries may be shared between matrices, for numbers are immutable. */
struct matrix {
    size_t rows, cols;
    real *at;
};

struct matrix matrix_new(const struct field *f, size_t rows, size_t cols); /* zeros */
struct matrix matrix_identity(const struct field *f, size_t n);
/* Entry k is integers[k] / denominator. */
struct matrix matrix_from(const struct field *f, size_t rows, size_t cols, const long *integers,
                          unsigned long denominator);
/* The next 64 bits of the sequence that `seed` starts: SplitMix64 (Steele, Lea, Flood 2014). */
uint64_t next_bits(uint64_t *seed);
/* Dyadic entries in (-1, 1), from the sequence that `seed` starts. */
struct matrix matrix_random(const struct field *f, size_t rows, size_t cols, uint64_t *seed);
size_t matrix_count(struct matrix a);

struct matrix matrix_add(struct matrix a, struct matrix b);
struct matrix matrix_sub(struct matrix a, struct matrix b);
struct matrix matrix_scale(real s, struct matrix a);
/* s a + t b */
struct matrix matrix_mix(real s, struct matrix a, real t, struct matrix b);
struct matrix matrix_transpose(struct matrix a);
struct matrix matrix_product(struct matrix a, struct matrix b);
struct matrix matrix_map(struct matrix a, real (*function)(real x));
/* Exact numbers near the entries; those that are fractions stay. */
struct matrix matrix_middle(struct matrix a);
struct matrix matrix_enclose(struct matrix a);

real matrix_dot(struct matrix a, struct matrix b);
real matrix_trace(struct matrix a);
/* ||a||_F^2 */
real matrix_square(struct matrix a);
real matrix_frobenius(struct matrix a);

/* Whether the symmetric matrix is proved to be positive definite: Cholesky's pivots are positive. */
bool matrix_is_positive(struct matrix a);

/* The polar factor U_r V_r^T. For min(m, n) <= 2 by square roots, where the rank, unless full, must be decided;
 * else, for full rank, an approximation with a proved radius (theorem in ref/polar.c, claim CT-polar). Fails with
 * ASSAY_UNDECIDED. */
struct matrix matrix_orth(struct matrix a);

/* ||a||_2 and ||a||_nuc. For min(m, n) <= 2 by square roots. Else ||a||_2 is enclosed by traces of powers, within a
 * factor of r^(1/64), and ||a||_nuc = <a, O> for the polar factor O. */
real matrix_spectral(struct matrix a);
real matrix_nuclear(struct matrix a);

/* ||a||, its dual norm, and argmin <a, D> over ||D|| <= 1 (of several the one of least Frobenius norm), for all norms
 * of theory: spectral, Frobenius, max, RMS, column, row; nuclear (for min(m, n) <= 2) and sum. */
real norm_of(enum assay_norm norm, struct matrix a);
real dual_of(enum assay_norm norm, struct matrix a);
struct matrix lmo_of(enum assay_norm norm, struct matrix a);
/* rho = sup ||x||_* / ||x||_2. */
real norm_rho(enum assay_norm norm, const struct field *f, size_t rows, size_t cols);

#endif
