/* Which matrices a tensor is made of, for a dialect. */
#ifndef ASSAY_REF_BLOCKS_H
#define ASSAY_REF_BLOCKS_H

#include "ball.h"
#include "dialect.h"

enum { MOST_DIMENSIONS = 4 };

struct shape {
    size_t ndim, size[MOST_DIMENSIONS];
};
size_t shape_count(struct shape shape);

/* Entry (i, j) of the matrix is entry offset + i row_stride + j col_stride of the tensor. */
struct block {
    size_t rows, cols, offset, row_stride, col_stride;
};
struct blocks {
    size_t count;
    struct block *each;
};

/* The matrices that are orthogonalised (enum assay_nd, split_thirds); none where the tensor is passed by. Tensors of
 * fewer than two dimensions are n x 1 matrices. Fails with ASSAY_INVALID where the dialect has no answer. */
struct blocks blocks_of(struct work *w, const struct assay_dialect *d, struct shape shape);

/* The matrices of the last two dimensions. */
struct blocks blocks_of_tail(struct work *w, struct shape shape);

/* A block of a tensor that is stored as a 1 x count ball, as a matrix; and back. */
struct ball *block_get(struct work *w, const struct ball *tensor, const struct block *b);
void block_put(struct ball *tensor, const struct block *b, const struct ball *matrix);

/* The scalar s of the update, computed to `prec` bits (enum assay_scale, enum assay_layout). */
struct ball *update_scale(struct work *w, const struct assay_dialect *d, struct shape shape, mpfr_prec_t prec);

#endif
