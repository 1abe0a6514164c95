#include "blocks.h"

size_t shape_count(struct shape shape)
{
    size_t count = 1;
    for (size_t k = 0; k < shape.ndim; k++)
        count *= shape.size[k];
    return count;
}

/* The product of the sizes from dimension `first` on. */
static size_t product_from(struct shape shape, size_t first)
{
    size_t product = 1;
    for (size_t k = first; k < shape.ndim; k++)
        product *= shape.size[k];
    return product;
}

static struct blocks blocks_new(struct work *w, size_t count)
{
    return (struct blocks){count, work_alloc(w, count, sizeof(struct block))};
}

static struct blocks one_matrix(struct work *w, size_t rows, size_t cols)
{
    struct blocks b = blocks_new(w, 1);
    b.each[0] = (struct block){rows, cols, 0, cols, 1};
    return b;
}

struct blocks blocks_of_tail(struct work *w, struct shape shape)
{
    size_t rows = shape.size[shape.ndim - 2], cols = shape.size[shape.ndim - 1];
    struct blocks b = blocks_new(w, shape_count(shape) / (rows * cols));
    for (size_t k = 0; k < b.count; k++)
        b.each[k] = (struct block){rows, cols, k * rows * cols, cols, 1};
    return b;
}

/* shape[0] x shape[1], one for each of the positions that the other dimensions count. */
static struct blocks by_position(struct work *w, struct shape shape)
{
    size_t positions = product_from(shape, 2), cols = shape.size[1];
    struct blocks b = blocks_new(w, positions);
    for (size_t k = 0; k < positions; k++)
        b.each[k] = (struct block){shape.size[0], cols, k, cols * positions, positions};
    return b;
}

static struct blocks thirds(struct work *w, size_t cols)
{
    struct blocks b = blocks_new(w, 3);
    for (size_t k = 0; k < 3; k++)
        b.each[k] = (struct block){cols, cols, k * cols * cols, cols, 1};
    return b;
}

struct blocks blocks_of(struct work *w, const struct assay_dialect *d, struct shape shape)
{
    size_t count = shape_count(shape);
    if (d->nd == ASSAY_ND_ELEMENTWISE && d->direction != ASSAY_DIRECTION_NEWTON_SCHULZ)
        return one_matrix(w, count, 1);
    if (shape.ndim < 2)
        return one_matrix(w, count, 1);
    if (shape.ndim == 2) {
        bool split = d->split_thirds && shape.size[0] == 3 * shape.size[1];
        return split ? thirds(w, shape.size[1]) : one_matrix(w, shape.size[0], shape.size[1]);
    }
    bool four = shape.ndim == 4;
    switch (d->nd) {
    case ASSAY_ND_FLATTEN:
        return one_matrix(w, shape.size[0], product_from(shape, 1));
    case ASSAY_ND_BATCH:
        return blocks_of_tail(w, shape);
    case ASSAY_ND_FLATTEN_CONV:
        return four ? one_matrix(w, shape.size[0], product_from(shape, 1)) : blocks_of_tail(w, shape);
    case ASSAY_ND_BYPASS_CONV:
        return four ? blocks_new(w, 0) : blocks_of_tail(w, shape);
    case ASSAY_ND_POSITIONS:
        return by_position(w, shape);
    default:
        work_fail(w, ASSAY_INVALID, "dialect '%s' takes matrices, not tensors of %zu dimensions", d->name, shape.ndim);
    }
}

struct ball *block_get(struct work *w, const struct ball *tensor, const struct block *b)
{
    size_t *place = work_alloc(w, b->rows * b->cols, sizeof *place);
    for (size_t i = 0; i < b->rows; i++)
        for (size_t j = 0; j < b->cols; j++)
            place[i * b->cols + j] = b->offset + i * b->row_stride + j * b->col_stride;
    const size_t first = 0;
    struct ball *flat = ball_gather(w, tensor, &first, 1, place, b->rows * b->cols);
    flat->rows = b->rows;
    flat->cols = b->cols;
    return flat;
}

void block_put(struct ball *tensor, const struct block *b, const struct ball *matrix)
{
    for (size_t i = 0; i < b->rows; i++)
        for (size_t j = 0; j < b->cols; j++) {
            size_t place = b->offset + i * b->row_stride + j * b->col_stride;
            mpfr_set(tensor->at + place, ball_at(matrix, i, j), MPFR_RNDN);
            tensor->error[place] = matrix->error[i * b->cols + j];
        }
}

/* sqrt(x / y) */
static struct ball *root_of_ratio(struct work *w, size_t x, size_t y, mpfr_prec_t prec)
{
    struct ball *ratio = ball_new(w, 1, 1, 2 * prec), *root = ball_new(w, 1, 1, prec);
    ball_div(ratio, ball_from_integer(w, (long)x), ball_from_integer(w, (long)y));
    ball_sqrt(root, ratio);
    return root;
}

/* The two dimensions that the scale calls out and in. */
static void out_and_in(const struct assay_dialect *d, struct shape shape, const struct block *b, size_t *out,
                       size_t *in)
{
    *out = d->layout == ASSAY_LAYOUT_IN_OUT ? b->cols : b->rows;
    *in = d->layout == ASSAY_LAYOUT_IN_OUT ? b->rows : b->cols;
    if (d->layout == ASSAY_LAYOUT_TAIL && shape.ndim >= 2) {
        *out = shape.size[shape.ndim - 2];
        *in = shape.size[shape.ndim - 1];
    }
    if (d->scale == ASSAY_SCALE_CONV_RATIO && shape.ndim >= 2) {
        *out = shape.size[0];
        *in = shape.size[1];
    }
}

struct ball *update_scale(struct work *w, const struct assay_dialect *d, struct shape shape, mpfr_prec_t prec)
{
    struct work_block *mark = work_mark(w);
    struct blocks blocks = blocks_of(w, d, shape);
    struct block whole = {shape_count(shape), 1, 0, 1, 1};
    size_t out, in;
    out_and_in(d, shape, blocks.count ? blocks.each : &whole, &out, &in);
    struct ball *s = ball_new(w, 1, 1, prec);
    switch (d->scale) {
    case ASSAY_SCALE_MAX1_RATIO:
        ball_set(s, out > in ? root_of_ratio(w, out, in, prec) : ball_from_integer(w, 1));
        break;
    case ASSAY_SCALE_RATIO:
        ball_set(s, root_of_ratio(w, out, in, prec));
        break;
    case ASSAY_SCALE_CONV_RATIO:
        ball_set(s, root_of_ratio(w, out, in, prec));
        for (size_t k = 2; k < shape.ndim; k++)
            ball_div(s, s, ball_from_integer(w, (long)shape.size[2]));
        break;
    case ASSAY_SCALE_SQRT_MAX:
        ball_set(s, root_of_ratio(w, out > in ? out : in, 1, prec));
        break;
    default:
        ball_set(s, ball_from_integer(w, 1));
    }
    ball_mul(s, ball_from_double(w, d->scale_factor), s);
    if (d->nd == ASSAY_ND_POSITIONS && shape.ndim > 2)
        ball_mul(s, root_of_ratio(w, 1, blocks.count, prec), s);
    return work_keep(w, mark, s);
}
