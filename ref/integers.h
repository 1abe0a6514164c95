/* Matrices of signed big integers and their exact product.
 *
 * The product is computed in double precision BLAS, exactly, by residues: modulo many coprime moduli p, so small that
 * every inner product of centred residues is an integer below 2^52, which binary64 holds without error in any order
 * and with or without fused multiply-add; then the Chinese remainder theorem gives the integers back. (Ozaki et al.'s
 * error-free products with residues in place of slices: the number of BLAS calls grows with the number of bits, not
 * with its square.) A BLAS that lies is caught: every product passes Freivalds' test C v = A (B v) modulo 2^61 - 1
 * for a pseudo-random v, which a wrong C survives with probability 2^-61. */
#ifndef ASSAY_REF_INTEGERS_H
#define ASSAY_REF_INTEGERS_H

#include "work.h"

struct integers {
    size_t rows, cols;
    size_t bits;    /* every entry is below 2^bits in absolute value */
    size_t limbs;   /* of one entry */
    mp_limb_t *at;  /* rows * cols * limbs, least significant first */
    bool *negative; /* rows * cols */
};

struct integers *integers_new(struct work *w, size_t rows, size_t cols, size_t bits);

/* Entry k, read-only, without copying; `view` is where the answer lives. */
mpz_srcptr integers_entry(const struct integers *a, size_t k, mpz_ptr view);

/* Receives entry (i, j) of a product; called once for each, from several threads at a time, but from one for any row. */
typedef void integers_receive(void *args, size_t i, size_t j, mpz_srcptr value);

/* Sends every entry of a b^T (both have the same number of columns) to `receive`; of a a^T, if b is a, those on and
 * above the diagonal. Time: for n x n matrices and
 * entries of B bits, (2 B + log2 n) / (27.5 - log2(n) / 2) BLAS products of size n. Fails with ASSAY_BROKEN if
 * Freivalds' test does. */
void integers_product(struct work *w, const struct integers *a, const struct integers *b, integers_receive *receive,
                      void *args);

#endif
