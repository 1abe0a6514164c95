/* The rank of an exact matrix, decided.
 *
 * Midpoints are dyadic rationals, so an odd prime p has residues for them, and the rank modulo p never exceeds the
 * rank. Conversely let Z be the matrix scaled to integers: if the rank modulo each of several primes is at most r, all
 * (r + 1)-minors of Z are divisible by their product, and once that product exceeds Hadamard's bound of these minors
 * they all vanish: the rank is at most r. Or, sooner: n - r independent integer vectors that the n columns map to 0. */
#ifndef ASSAY_REF_RANK_H
#define ASSAY_REF_RANK_H

#include "ball.h"

struct rank {
    size_t rank;
    size_t *rows, *cols; /* rank row and column numbers whose submatrix is nonsingular */
};

/* The rank of the midpoints of `a`. rows and cols are chosen greedily in the given orders of preference (NULL: first
 * come, first served). Cost: one elimination modulo a 62-bit prime if `a` has full rank; or if the
 * kernel consists of small integers (two, for wide matrices); otherwise as many as Hadamard's bound has 61-bit parts. */
struct rank *rank_of(struct work *w, const struct ball *a, const size_t *row_order, const size_t *col_order);

/* Whether the rank of the midpoints is at most r: a proof either way. */
bool rank_at_most(struct work *w, const struct ball *a, size_t r);

#endif
