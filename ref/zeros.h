/* Entries that vanish for a reason: of f(A) = A g(A^T A), whatever the function g.
 *
 * Polar factors, Newton-Schulz iterates and u_1 v_1^T are all of this form, and so is what they make of a matrix whose
 * rows and columns are scaled. An entry that is exactly zero can never be told from a small one by enclosing it. */
#ifndef ASSAY_REF_ZEROS_H
#define ASSAY_REF_ZEROS_H

#include "ball.h"

/* The connected components of the graph that joins row i and column j unless a_ij is known to be zero. Rows and columns
 * of zeros belong to none. f(A) is made of the f of each component, and zero elsewhere. */
struct component {
    size_t row_count, col_count;
    size_t *rows, *cols;
};
struct components {
    size_t count;
    struct component *each;
};
struct components components_of(struct work *w, const struct ball *a);

/* Makes those entries of f, an enclosure of f(A), exactly zero that vanish because of A's pattern of zeros; and with
 * `of_gram`, if f(A) = A g(A^T A) and `a` is exact and at most 64 on a side, all others that f leaves open and that
 * vanish for every g. Returns whether it made any. */
bool restore_zeros(struct work *w, struct ball *f, const struct ball *a, bool of_gram);

#endif
