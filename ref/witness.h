/* Singular vectors as witnesses: bases that do not depend on the machine, rounded. */
#ifndef ASSAY_REF_WITNESS_H
#define ASSAY_REF_WITNESS_H

#include "ball.h"
#include "rounding.h"

/* Singular vectors are determined up to a sign, and those of a repeated singular value up to a rotation; which of them
 * an SVD finds is an accident of its rounding. Turns the first `rank` columns of u and of v, alike, into the ones that
 * make the columns of v to each group of singular values that may be equal a lower trapezoid with a positive diagonal:
 * for a simple singular value, the first entry of v that is not tiny is positive. Overwrites u and v, exact matrices
 * with nearly orthonormal columns. Cost: k^3 for k equal singular values. */
void witness_canonical(struct work *w, struct ball *u, struct ball *v, const struct ball *s, size_t rank);

/* x as pairs, after rounding to multiples of 2^-120, which drops what is left of a machine's own rounding errors unless
 * gaps between singular values are small. Overwrites x by what the pairs hold; its precision is at least 128 bits. */
struct pairs *witness_round(struct work *w, struct ball *x);

#endif
