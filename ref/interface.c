#include "interface.h"

#include <limits.h>
#include <math.h>
#include <stdint.h>

enum { MOST_BITS = 65536 };

static void check_options(struct work *w)
{
    if (w->options->bits > MOST_BITS || w->options->max_bits > MOST_BITS)
        work_fail(w, ASSAY_INVALID, "a precision of more than %d bits is not offered", MOST_BITS);
}

const struct ball *read_matrix(struct work *w, assay_input a)
{
    check_options(w);
    if (a.rows == 0 || a.cols == 0)
        work_fail(w, ASSAY_INVALID, "the matrix is empty (%zu x %zu)", a.rows, a.cols);
    if (a.stride < a.cols || !a.at)
        work_fail(w, ASSAY_INVALID, "a stride of %zu is less than %zu columns, or there is no data", a.stride, a.cols);
    return ball_from_input(w, a);
}

static bool has_shape(const assay_answer *answer, size_t rows, size_t cols)
{
    const assay_output *hi = &answer->hi, *lo = &answer->lo;
    return hi->at && lo->at && hi->rows == rows && hi->cols == cols && hi->stride >= cols && lo->rows == rows &&
           lo->cols == cols && lo->stride >= cols;
}

void check_answer(struct work *w, const assay_answer *answer, size_t rows, size_t cols)
{
    if (answer && !has_shape(answer, rows, cols))
        work_fail(w, ASSAY_INVALID, "an output is not %zu x %zu", rows, cols);
}

void write_answer(assay_answer *answer, const struct pairs *x)
{
    if (!answer)
        return;
    for (size_t i = 0; i < x->rows; i++)
        for (size_t j = 0; j < x->cols; j++) {
            answer->hi.at[i * answer->hi.stride + j] = x->hi[i * x->cols + j];
            answer->lo.at[i * answer->lo.stride + j] = x->lo[i * x->cols + j];
        }
    answer->radius = x->radius;
}

void write_tensor(assay_tensor_answer *answer, const struct pairs *x)
{
    if (!answer || !answer->hi)
        return;
    for (size_t k = 0; k < x->rows * x->cols; k++) {
        answer->hi[k] = x->hi[k];
        answer->lo[k] = x->lo[k];
    }
    answer->radius = x->radius;
}

struct shape read_shape(struct work *w, assay_tensor x)
{
    struct shape shape = {.ndim = x.ndim};
    size_t most = SIZE_MAX / sizeof(double);
    check_options(w);
    if (x.ndim > MOST_DIMENSIONS)
        work_fail(w, ASSAY_INVALID, "%zu dimensions are more than %d", x.ndim, MOST_DIMENSIONS);
    for (size_t k = 0; k < x.ndim; k++) {
        shape.size[k] = x.shape[k];
        if (x.shape[k] == 0)
            work_fail(w, ASSAY_INVALID, "the tensor is empty (dimension %zu is 0)", k);
        if (x.shape[k] > most)
            work_fail(w, ASSAY_INVALID, "the tensor is too large (from dimension %zu on)", k);
        most /= x.shape[k];
    }
    return shape;
}

const struct ball *read_numbers(struct work *w, const double *at, size_t rows, size_t count)
{
    if (!at)
        return ball_new(w, rows, count, 2);
    return ball_from_input(w, (assay_input){at, rows, count, count});
}

const struct ball *read_tensor(struct work *w, assay_tensor x)
{
    if (!x.at)
        work_fail(w, ASSAY_INVALID, "a tensor has no data");
    return read_numbers(w, x.at, 1, shape_count(read_shape(w, x)));
}

long log2_up(mag x)
{
    if (mag_is_zero(x) || mag_is_inf(x))
        return mag_is_zero(x) ? LONG_MIN : LONG_MAX;
    long k = (long)mag_log2(x);
    return mag_le(x, mag_power_of_two(k)) ? k : k + 1;
}

void check_radius(struct work *w, double radius)
{
    if (!(radius > 0) || isinf(radius))
        work_fail(w, ASSAY_INVALID, "a radius of %g is not positive and finite", radius);
}

void check_hyper(struct work *w, const assay_hyper *hyper)
{
    if (!(hyper->lr >= 0) || isinf(hyper->lr))
        work_fail(w, ASSAY_INVALID, "a learning rate of %g is negative or not finite", hyper->lr);
    if (!(hyper->momentum >= 0 && hyper->momentum < 1))
        work_fail(w, ASSAY_INVALID, "a momentum of %g is not in [0, 1)", hyper->momentum);
    if (!(hyper->weight_decay >= 0) || isinf(hyper->weight_decay))
        work_fail(w, ASSAY_INVALID, "a weight decay of %g is negative or not finite", hyper->weight_decay);
}
