/* What the public functions share: views checked and read, answers written. */
#ifndef ASSAY_REF_INTERFACE_H
#define ASSAY_REF_INTERFACE_H

#include "blocks.h"
#include "rounding.h"

/* The exact matrix of a view. Fails with ASSAY_INVALID for one without entries or with a stride too small, and for
 * options out of range. */
const struct ball *read_matrix(struct work *w, assay_input a);

/* rows x count numbers, exact; zeros for NULL. */
const struct ball *read_numbers(struct work *w, const double *at, size_t rows, size_t count);

/* The shape of a tensor; fails with ASSAY_INVALID for more than four dimensions, for empty ones and for more numbers than
 * memory holds, and for options out of range. */
struct shape read_shape(struct work *w, assay_tensor x);

/* Its numbers, exact, as 1 x count. Fails with ASSAY_INVALID for NULL. */
const struct ball *read_tensor(struct work *w, assay_tensor x);

/* Fails with ASSAY_INVALID unless the answer's views are rows x cols; NULL is not looked at. */
void check_answer(struct work *w, const assay_answer *answer, size_t rows, size_t cols);

/* Fail with ASSAY_INVALID for a radius that is not positive and finite, and for hyperparameters out of range. */
void check_radius(struct work *w, double radius);
void check_hyper(struct work *w, const assay_hyper *hyper);

/* Writes an answer, unless it is NULL or unwanted. */
void write_answer(assay_answer *answer, const struct pairs *x);
void write_tensor(assay_tensor_answer *answer, const struct pairs *x);

/* The least k with x <= 2^k; LONG_MIN for 0, LONG_MAX for infinity. */
long log2_up(mag x);

#endif
