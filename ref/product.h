/* Matrix products of balls: the one heavy operation of ref/. */
#ifndef ASSAY_REF_PRODUCT_H
#define ASSAY_REF_PRODUCT_H

#include "ball.h"

/* C = A B, C = A^T B, C = A B^T, rounded to the precision of C; C is none of the others. Each row of the first and
 * each column of the second factor is cut to `bits` bits below its largest entry (0: nothing is cut), the cut
 * matrices are multiplied exactly, and the product is rounded once. The radius holds what was cut off and rounded
 * off: a relative 2^-bits or so of ||A||_F ||B||_F. Fails with ASSAY_BROKEN if the BLAS lies. */
void product(struct work *w, struct ball *c, const struct ball *a, const struct ball *b, long bits);
void product_tn(struct work *w, struct ball *c, const struct ball *a, const struct ball *b, long bits);
void product_nt(struct work *w, struct ball *c, const struct ball *a, const struct ball *b, long bits);

/* A B and A^T B of exact matrices, exactly, on as many bits as that takes. */
struct ball *product_exact(struct work *w, const struct ball *a, const struct ball *b);
struct ball *product_exact_tn(struct work *w, const struct ball *a, const struct ball *b);

#endif
