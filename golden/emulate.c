#include "emulate.h"

#include "direction.h"
#include "jacobi.h"
#include "post.h"

#include <math.h>
#include <string.h>

struct matrix {
    double *at;
    size_t rows, cols;
};

static struct matrix matrix_new(struct work *w, size_t rows, size_t cols)
{
    return (struct matrix){work_alloc(w, rows * cols, sizeof(double)), rows, cols};
}

static struct matrix block_matrix(struct work *w, const struct block *b, const double *tensor)
{
    struct matrix x = matrix_new(w, b->rows, b->cols);
    for (size_t i = 0; i < b->rows; i++)
        for (size_t j = 0; j < b->cols; j++)
            x.at[i * b->cols + j] = tensor[b->offset + i * b->row_stride + j * b->col_stride];
    return x;
}

static void put_block(double *tensor, const struct block *b, const double *x)
{
    for (size_t i = 0; i < b->rows; i++)
        for (size_t j = 0; j < b->cols; j++)
            tensor[b->offset + i * b->row_stride + j * b->col_stride] = x[i * b->cols + j];
}

static struct matrix copied(struct work *w, struct matrix x)
{
    struct matrix y = matrix_new(w, x.rows, x.cols);
    memcpy(y.at, x.at, x.rows * x.cols * sizeof *y.at);
    return y;
}

static struct matrix transposed(struct work *w, struct matrix x)
{
    struct matrix y = matrix_new(w, x.cols, x.rows);
    for (size_t i = 0; i < x.rows; i++)
        for (size_t j = 0; j < x.cols; j++)
            y.at[j * x.rows + i] = x.at[i * x.cols + j];
    return y;
}

/* ---- vectors ------------------------------------------------------------------------------------------------------- */

/* a x + b y, a and x multiplied without a rounding of their product if the evaluation fuses. */
static double axpby(struct evaluation *e, enum tensor_type place, double a, double x, double b, double y)
{
    double by = b == 1 ? y : rounded(e, place, b * y);
    return rounded(e, place, e->fused ? fma(a, x, by) : rounded(e, place, a * x) + by);
}

static void multiply_all(struct evaluation *e, enum tensor_type place, double *x, size_t count, double by)
{
    for (size_t k = 0; k < count; k++)
        x[k] *= by;
    round_all(e, place, x, count);
}

static void divide_all(struct evaluation *e, enum tensor_type place, double *x, size_t count, double by)
{
    double inverse = e->reciprocal ? rounded(e, place, 1 / by) : INFINITY;
    if (isfinite(inverse)) { /* in binary16 that of 1e-7 is not, and nobody multiplies by it */
        multiply_all(e, place, x, count, inverse);
        return;
    }
    for (size_t k = 0; k < count; k++)
        x[k] /= by;
    round_all(e, place, x, count);
}

/* The Euclidean norm of `count` numbers, `stride` apart. */
static double norm(struct work *w, struct evaluation *e, enum tensor_type place, const double *x, size_t count,
                   size_t stride)
{
    struct work_block *mark = work_mark(w);
    const size_t *order = draw_order(e, work_alloc(w, count, sizeof *order), count);
    double squares = dot(e, x, stride, x, stride, count, order);
    work_release(w, mark);
    return rounded(e, place, sqrt(squares));
}

/* x *= top / (norm + eps), or top / max(norm, eps). */
static void rescale(struct work *w, struct evaluation *e, enum tensor_type place, struct matrix x, double top,
                    double eps, bool add)
{
    size_t count = x.rows * x.cols;
    double size = norm(w, e, place, x.at, count, 1);
    size = add ? rounded(e, place, size + eps) : fmax(size, eps);
    multiply_all(e, place, x.at, count, rounded(e, place, top / size));
}

/* ---- Newton-Schulz --------------------------------------------------------------------------------------------------- */

enum product {
    PRODUCT_PLAIN,     /* x y */
    PRODUCT_SYMMETRIC, /* x x, of a symmetric x */
    PRODUCT_GRAM,      /* x x^T */
};

/* Columns from `first` of y, or with `turned` of y^T, rows in this order; what is beyond the last is 0. */
static void take_columns(double (*panel)[COLUMNS], struct matrix y, size_t first, bool turned, const size_t *order)
{
    size_t rows = turned ? y.cols : y.rows, cols = turned ? y.rows : y.cols;
    for (size_t k = 0; k < rows; k++)
        for (size_t j = 0, at = order ? order[k] : k; j < COLUMNS; j++) {
            size_t of_y = turned ? (first + j) * y.cols + at : at * y.cols + first + j;
            panel[k][j] = first + j < cols ? y.at[of_y] : 0;
        }
}

/* A product, unrounded but for the accumulation. */
static void multiply(struct work *w, struct evaluation *e, struct matrix out, struct matrix x, struct matrix y,
                     enum product product)
{
    struct work_block *mark = work_mark(w);
    size_t n = x.cols;
    const size_t *order = e->shuffled ? draw_order(e, work_alloc(w, n, sizeof *order), n) : NULL;
    double(*panel)[COLUMNS] = work_alloc(w, n, (COLUMNS + 1) * sizeof(double)), *row = panel[n], sums[COLUMNS];
    for (size_t first = 0; first < out.cols; first += COLUMNS) {
        take_columns(panel, y, first, product == PRODUCT_GRAM, order);
        for (size_t i = product == PRODUCT_PLAIN ? 0 : first; i < out.rows; i++) {
            const double *x_row = x.at + i * n;
            for (size_t k = 0; k < n && order; k++)
                row[k] = x_row[order[k]];
            dots(e, sums, order ? row : x_row, (const double(*)[COLUMNS])panel, n);
            size_t end = product == PRODUCT_PLAIN ? out.cols : i + 1;
            for (size_t j = first; j < end && j < first + COLUMNS; j++) {
                out.at[i * out.cols + j] = sums[j - first];
                if (product != PRODUCT_PLAIN)
                    out.at[j * out.cols + i] = sums[j - first];
            }
        }
    }
    work_release(w, mark);
}

/* out = a x + b y, where y is a product as it was accumulated, and is used up: fused kernels do not round it before. */
static void combine(struct evaluation *e, struct matrix out, double a, struct matrix x, double b, struct matrix y)
{
    enum tensor_type f = e->format;
    size_t count = out.rows * out.cols;
    if (!e->fused)
        round_all(e, f, y.at, count);
    if (b != 1)
        multiply_all(e, f, y.at, count, b);
    for (size_t k = 0; k < count; k++)
        out.at[k] = e->fused ? fma(a, x.at[k], y.at[k]) : a * x.at[k];
    if (!e->fused) {
        round_all(e, f, out.at, count);
        for (size_t k = 0; k < count; k++)
            out.at[k] += y.at[k];
    }
    round_all(e, f, out.at, count);
}

static void add_to_diagonal(struct evaluation *e, struct matrix x, double by)
{
    for (size_t i = 0; i < x.rows; i++)
        x.at[i * x.cols + i] = rounded(e, e->format, x.at[i * x.cols + i] + by);
}

static struct matrix gram(struct work *w, struct evaluation *e, struct matrix x)
{
    struct matrix a = matrix_new(w, x.rows, x.rows);
    multiply(w, e, a, x, x, PRODUCT_GRAM);
    round_all(e, e->format, a.at, x.rows * x.rows);
    return a;
}

/* b A + c A^2 (direct), or (c A + b I) A (Horner); with `unit` times I added. */
static struct matrix polynomial_of_gram(struct work *w, struct evaluation *e, struct assay_triple p, struct matrix a,
                                        double unit)
{
    struct matrix sum = matrix_new(w, a.rows, a.rows), product = matrix_new(w, a.rows, a.rows);
    if (e->form == FORM_HORNER && e->fault != FAULT_LINEAR) {
        memcpy(sum.at, a.at, a.rows * a.rows * sizeof *a.at);
        multiply_all(e, e->format, sum.at, a.rows * a.rows, p.c);
        add_to_diagonal(e, sum, p.b);
        multiply(w, e, product, sum, a, PRODUCT_PLAIN);
        round_all(e, e->format, product.at, a.rows * a.rows);
        sum = product;
    } else {
        /* A's halves differ where roundings are random, and where it is itself made of products. */
        bool symmetric = !e->random && e->form != FORM_GRAM;
        if (e->fault == FAULT_LINEAR)
            memcpy(product.at, a.at, a.rows * a.rows * sizeof *a.at);
        else
            multiply(w, e, product, a, a, symmetric ? PRODUCT_SYMMETRIC : PRODUCT_PLAIN);
        combine(e, sum, p.b, a, p.c, product);
    }
    if (unit != 0)
        add_to_diagonal(e, sum, unit);
    return sum;
}

static struct assay_triple triple(const struct evaluation *e, const struct assay_dialect *d, size_t k)
{
    struct assay_triple p = assay_dialect_triple(d, k);
    enum tensor_type f = e->format;
    bool swapped = e->fault == FAULT_SWAPPED;
    return (struct assay_triple){constant(e, f, p.a), constant(e, f, swapped ? p.c : p.b),
                                 constant(e, f, swapped ? p.b : p.c)};
}

static void step_on_x(struct work *w, struct evaluation *e, struct assay_triple p, struct matrix x)
{
    struct work_block *mark = work_mark(w);
    bool horner = e->form == FORM_HORNER;
    struct matrix by = polynomial_of_gram(w, e, p, gram(w, e, x), horner ? p.a : 0);
    struct matrix product = matrix_new(w, x.rows, x.cols);
    multiply(w, e, product, by, x, PRODUCT_PLAIN);
    if (horner) {
        memcpy(x.at, product.at, x.rows * x.cols * sizeof *x.at);
        round_all(e, e->format, x.at, x.rows * x.cols);
    } else {
        combine(e, x, p.a, x, 1, product);
    }
    work_release(w, mark);
}

/* Steps `from` up to, without, `to`: P_k = a I + b A + c A^2, A <- P_k A P_k, and X <- P_... P_from X at the end. */
static void steps_on_gram(struct work *w, struct evaluation *e, const struct assay_dialect *d, struct matrix x,
                          size_t from, size_t to)
{
    struct work_block *mark = work_mark(w);
    struct matrix a = gram(w, e, x), all = {0}, product = matrix_new(w, x.rows, x.rows);
    size_t count = x.rows * x.rows;
    for (size_t k = from; k < to; k++) {
        struct assay_triple p = triple(e, d, k);
        struct matrix by = polynomial_of_gram(w, e, p, a, p.a);
        multiply(w, e, product, by, k == from ? a : all, PRODUCT_PLAIN);
        round_all(e, e->format, product.at, count);
        if (k == from) {
            all = by;
        } else {
            memcpy(all.at, product.at, count * sizeof *all.at);
            multiply(w, e, product, by, a, PRODUCT_PLAIN);
            round_all(e, e->format, product.at, count);
        }
        multiply(w, e, a, product, by, PRODUCT_PLAIN);
        round_all(e, e->format, a.at, count);
    }
    struct matrix y = matrix_new(w, x.rows, x.cols);
    multiply(w, e, y, all, x, PRODUCT_PLAIN);
    memcpy(x.at, y.at, x.rows * x.cols * sizeof *x.at);
    round_all(e, e->format, x.at, x.rows * x.cols);
    work_release(w, mark);
}

/* The largest singular value of a matrix that is not tall. */
static double spectral_norm(struct work *w, struct matrix x)
{
    struct work_block *mark = work_mark(w);
    struct matrix a = transposed(w, x);
    double *v = work_alloc(w, a.cols * a.cols, sizeof *v), *s = work_alloc(w, a.cols, sizeof *s), most = 0;
    jacobi_svd(a.at, v, s, a.rows, a.cols);
    for (size_t k = 0; k < a.cols; k++)
        most = fmax(most, s[k]);
    work_release(w, mark);
    return most;
}

/* Rows over the roots of the sums of |X X^T|. */
static void normalise_aol(struct work *w, struct evaluation *e, const struct assay_dialect *d, enum tensor_type place,
                          struct matrix x)
{
    struct matrix a = matrix_new(w, x.rows, x.rows);
    multiply(w, e, a, x, x, PRODUCT_GRAM);
    for (size_t i = 0; i < x.rows; i++) {
        double sum = 0;
        for (size_t j = 0; j < x.rows; j++)
            sum = rounded(e, place, sum + fabs(rounded(e, place, a.at[i * x.rows + j])));
        sum = fmax(sum, d->eps);
        if (sum > 0)
            divide_all(e, place, x.at + i * x.cols, x.cols, rounded(e, place, sqrt(sum)));
    }
}

static void normalise(struct work *w, struct evaluation *e, const struct assay_dialect *d, enum tensor_type place,
                      struct matrix x)
{
    size_t count = x.rows * x.cols;
    double by, eps = constant(e, place, d->eps);
    switch (d->normalisation) {
    case ASSAY_NORMALISE_AOL:
        normalise_aol(w, e, d, place, x);
        return;
    case ASSAY_NORMALISE_SPECTRAL:
        by = rounded(e, place, rounded(e, place, spectral_norm(w, x)) + eps);
        break;
    case ASSAY_NORMALISE_SCHATTEN: {
        struct matrix a = matrix_new(w, x.rows, x.rows);
        multiply(w, e, a, x, x, PRODUCT_GRAM);
        round_all(e, place, a.at, x.rows * x.rows);
        by = rounded(e, place, sqrt(fmax(norm(w, e, place, a.at, x.rows * x.rows, 1), eps)));
        break;
    }
    default:
        by = rounded(e, place, norm(w, e, place, x.at, count, 1) * constant(e, place, d->norm_factor));
        by = d->normalisation == ASSAY_NORMALISE_MAX ? fmax(by, eps) : rounded(e, place, by + eps);
    }
    if (by != 0 || e->fault == FAULT_ZERO_BY_ZERO)
        divide_all(e, place, x.at, count, by);
}

/* enum assay_pre; with the floor of row lengths that stands there. */
static void equilibrate(struct work *w, struct evaluation *e, enum tensor_type place, struct matrix x)
{
    double target = norm(w, e, place, x.at, x.rows * x.cols, 1);
    target = rounded(e, place, target / sqrt((double)x.rows));
    for (size_t i = 0; i < x.rows; i++) {
        double *row = x.at + i * x.cols, size = fmax(norm(w, e, place, row, x.cols, 1), 1e-6);
        multiply_all(e, place, row, x.cols, rounded(e, place, target / size));
    }
}

static void orthogonal(struct work *w, struct evaluation *e, struct matrix o, struct matrix u, bool first_only);

/* The iterate, which is the transpose of u in shape if u is tall, in the shape of u. */
static struct matrix with_shape_of(struct work *w, struct evaluation *e, struct matrix u, struct matrix x, bool tall)
{
    bool turn = tall;
    if (e->fault == FAULT_RESHAPED)
        turn = false;
    if (e->fault == FAULT_TRANSPOSED)
        turn = !tall;
    x = turn ? transposed(w, x) : x;
    return (struct matrix){x.at, u.rows, u.cols};
}

static struct matrix newton_schulz_of(struct work *w, struct evaluation *e, const struct assay_dialect *d,
                                      struct matrix u)
{
    enum tensor_type place = e->cast_first ? e->format : e->state;
    bool tall = u.rows > u.cols;
    size_t steps = assay_dialect_steps(d);
    struct matrix x = copied(w, u);
    if (e->fault == FAULT_NO_ITERATION)
        return x;
    if (e->fault == FAULT_POLAR) {
        orthogonal(w, e, x, u, false);
        return x;
    }
    if (e->fault == FAULT_HALF_INPUT)
        round_all(e, TENSOR_F16, x.at, u.rows * u.cols);
    round_all(e, place, x.at, u.rows * u.cols);
    if (d->pre == ASSAY_PRE_EQUILIBRATE)
        equilibrate(w, e, place, x);
    x = tall ? transposed(w, x) : x;
    if (e->fault != FAULT_UNNORMALISED)
        normalise(w, e, d, place, x);
    round_all(e, e->format, x.at, u.rows * u.cols);
    if (e->form == FORM_GRAM) {
        enum { FIRST = 2, THEN = 3 }; /* ports restart it after two steps, and take no more than three after that */
        for (size_t k = 0, next = FIRST; k < steps; k = next, next += THEN)
            steps_on_gram(w, e, d, x, k, next < steps ? next : steps);
    } else {
        for (size_t k = 0; k < steps; k++)
            step_on_x(w, e, triple(e, d, k), x);
    }
    return with_shape_of(w, e, u, x, tall);
}

/* ---- after Newton-Schulz ------------------------------------------------------------------------------------------- */

/* v = beta2 v + (1 - beta2) q */
static double average(struct evaluation *e, double v, double beta2, double q)
{
    return axpby(e, e->state, constant(e, e->state, beta2), v, nearest(e->state, 1 - beta2), q);
}

static void normuon(struct work *w, struct evaluation *e, const struct assay_dialect *d, enum tensor_type place,
                    struct matrix o, double *v)
{
    bool add = d->post == ASSAY_POST_NORMUON_ROWS, rows = add || o.rows >= o.cols;
    size_t vectors = rows ? o.rows : o.cols, length = rows ? o.cols : o.rows;
    size_t step = rows ? o.cols : 1, stride = rows ? 1 : o.cols;
    double before = norm(w, e, place, o.at, o.rows * o.cols, 1);
    for (size_t k = 0; k < vectors; k++) {
        double *x = o.at + k * step;
        double mean = rounded(e, place, dot(e, x, stride, x, stride, length, NULL) / (double)length);
        v[k] = average(e, v[k], d->beta2, mean);
        double root = add ? rounded(e, place, sqrt(v[k])) + 1e-10 : sqrt(fmax(v[k], 1e-10));
        root = rounded(e, place, root);
        for (size_t l = 0; l < length; l++)
            x[l * stride] = rounded(e, place, x[l * stride] / root);
    }
    rescale(w, e, place, o, before, 1e-10, add);
}

static void adamuon(struct work *w, struct evaluation *e, const struct assay_dialect *d, enum tensor_type place,
                    struct matrix o, double *v)
{
    for (size_t k = 0; k < o.rows * o.cols; k++) {
        v[k] = average(e, v[k], d->beta2, rounded(e, place, o.at[k] * o.at[k]));
        o.at[k] = rounded(e, place, o.at[k] / rounded(e, place, rounded(e, place, sqrt(v[k])) + 1e-7));
    }
    rescale(w, e, place, o, rounded(e, place, sqrt((double)(o.rows * o.cols))), 1e-7, true);
}

/* snap and post of one matrix; u is the direction's input. */
static void finish(struct work *w, struct evaluation *e, const struct assay_dialect *d, struct matrix o,
                   struct matrix u, double *v)
{
    enum tensor_type place = e->finish_in_state ? e->state : e->format;
    size_t side = o.rows < o.cols ? o.rows : o.cols, count = o.rows * o.cols;
    if (d->snap)
        rescale(w, e, place, o, rounded(e, place, sqrt((double)side)), 1e-6, false);
    switch (d->post) {
    case ASSAY_POST_NORMUON_ROWS:
    case ASSAY_POST_NORMUON_ASPECT:
        normuon(w, e, d, place, o, v);
        break;
    case ASSAY_POST_ADAMUON:
        adamuon(w, e, d, place, o, v);
        break;
    case ASSAY_POST_DUAL_NORM:
        multiply_all(e, place, o.at, count, rounded(e, place, dot(e, u.at, 1, o.at, 1, count, NULL)));
        break;
    case ASSAY_POST_GRAFT:
        rescale(w, e, place, o, norm(w, e, place, u.at, count, 1), 1e-6, false);
        break;
    default:
        break;
    }
}

static void finish_all(struct work *w, struct evaluation *e, const struct assay_dialect *d, struct shape shape,
                       const double *u, double *o, double *moment)
{
    struct blocks blocks = direction_post_blocks(w, d, shape);
    for (size_t k = 0; k < blocks.count; k++) {
        const struct block *b = &blocks.each[k];
        struct matrix x = block_matrix(w, b, o);
        finish(w, e, d, x, block_matrix(w, b, u), moment);
        put_block(o, b, x.at);
        moment = moment ? moment + post_moment_count(d, b->rows, b->cols) : NULL;
    }
}

/* ---- the other directions -------------------------------------------------------------------------------------------- */

/* cosh by its series: the libraries of two machines need not agree. */
static double series_cosh(double x)
{
    double sum = 1, term = 1;
    for (int k = 1; term > 0x1p-60 * sum; k++) {
        term *= x * x / (2.0 * k * (2.0 * k - 1));
        sum += term;
    }
    return sum;
}

/* mean(cosh(x)^2) */
static double mean_square_cosh(struct work *w, struct evaluation *e, const double *x, size_t count)
{
    struct work_block *mark = work_mark(w);
    double *c = work_alloc(w, count, sizeof *c);
    for (size_t k = 0; k < count; k++)
        c[k] = rounded(e, e->format, series_cosh(x[k]));
    const size_t *order = draw_order(e, work_alloc(w, count, sizeof *order), count);
    double sum = dot(e, c, 1, c, 1, count, order);
    work_release(w, mark);
    return rounded(e, e->format, sum / (double)count);
}

static void cosh_rms_of(struct work *w, struct evaluation *e, const struct assay_dialect *d, double *y, size_t count)
{
    enum tensor_type f = e->format;
    round_all(e, f, y, count);
    if (d->cosh == ASSAY_COSH_MEAN_SQUARE) {
        divide_all(e, f, y, count, rounded(e, f, mean_square_cosh(w, e, y, count) + d->cosh_eps));
        return;
    }
    double *x = work_alloc(w, count, sizeof *x), *argument = work_alloc(w, count, sizeof *argument);
    memcpy(x, y, count * sizeof *x);
    divide_all(e, f, x, count, rounded(e, f, norm(w, e, f, y, count, 1) + 1e-7));
    memcpy(argument, x, count * sizeof *x);
    multiply_all(e, f, argument, count, constant(e, f, d->gamma));
    double r = rounded(e, f, sqrt(mean_square_cosh(w, e, argument, count)));
    if (d->cosh == ASSAY_COSH_NORMALISED)
        memcpy(y, x, count * sizeof *y);
    divide_all(e, f, y, count, rounded(e, f, r + d->cosh_eps));
}

/* O = U V^T, or u_1 v_1^T alone, of a matrix that a backward stable method has disturbed: by backward_error() of its size,
 * or, as random roundings are twice as large as those to nearest, by twice that. */
static void orthogonal(struct work *w, struct evaluation *e, struct matrix o, struct matrix u, bool first_only)
{
    double size = norm(w, e, TENSOR_F64, u.at, u.rows * u.cols, 1);
    double part =
        size * backward_error(e->format, u.rows, u.cols) / sqrt((double)(u.rows * u.cols)) * (e->random ? 2 : 1);
    struct matrix a = u.rows < u.cols ? transposed(w, u) : copied(w, u);
    for (size_t k = 0; k < a.rows * a.cols && size > 0; k++)
        a.at[k] += evaluation_bits(e) & 1 ? part : -part;
    double *v = work_alloc(w, a.cols * a.cols, sizeof *v), *s = work_alloc(w, a.cols, sizeof *s);
    jacobi_svd(a.at, v, s, a.rows, a.cols);
    size_t top = 0;
    for (size_t k = 0; k < a.cols; k++)
        top = s[k] > s[top] ? k : top;
    struct matrix q = matrix_new(w, a.rows, a.cols);
    for (size_t l = 0; l < a.cols; l++)
        for (size_t i = 0; i < a.rows && s[l] > 0 && (l == top || !first_only); i++)
            for (size_t j = 0; j < a.cols; j++)
                q.at[i * a.cols + j] += a.at[i * a.cols + l] / s[l] * v[j * a.cols + l];
    q = u.rows < u.cols ? transposed(w, q) : q;
    memcpy(o.at, q.at, u.rows * u.cols * sizeof *o.at);
}

/* Unit vectors along rows or columns, times `factor`. */
static void normalise_vectors(struct work *w, struct evaluation *e, struct matrix o, bool rows, double factor)
{
    size_t vectors = rows ? o.rows : o.cols, length = rows ? o.cols : o.rows, stride = rows ? 1 : o.cols;
    for (size_t k = 0; k < vectors; k++) {
        double *x = o.at + k * (rows ? o.cols : 1), size = norm(w, e, e->format, x, length, stride);
        for (size_t l = 0; l < length && size > 0; l++)
            x[l * stride] = rounded(e, e->format, x[l * stride] / size) * factor;
    }
}

static void sign_largest(struct matrix o, bool largest_only)
{
    size_t largest = 0, count = o.rows * o.cols;
    for (size_t k = 0; k < count; k++)
        largest = fabs(o.at[k]) > fabs(o.at[largest]) ? k : largest;
    for (size_t k = 0; k < count; k++)
        o.at[k] = o.at[k] == 0 || (largest_only && k != largest) ? 0 : copysign(1, o.at[k]);
}

/* O = argmax <u, O> over ||O|| <= 1 */
static void minimise(struct work *w, struct evaluation *e, enum assay_norm which, struct matrix x, struct matrix u)
{
    size_t count = x.rows * x.cols;
    double size, *o = x.at;
    memcpy(o, u.at, count * sizeof *o);
    round_all(e, e->format, o, count);
    switch (which) {
    case ASSAY_NORM_FROBENIUS:
        size = norm(w, e, e->format, o, count, 1);
        if (size > 0)
            divide_all(e, e->format, o, count, size);
        break;
    case ASSAY_NORM_MAX:
    case ASSAY_NORM_SUM:
        sign_largest(x, which == ASSAY_NORM_SUM);
        break;
    case ASSAY_NORM_COLUMN:
        normalise_vectors(w, e, x, false, sqrt((double)x.rows));
        break;
    case ASSAY_NORM_ROW:
        normalise_vectors(w, e, x, true, 1 / sqrt((double)x.cols));
        break;
    default:
        orthogonal(w, e, x, x, which == ASSAY_NORM_NUCLEAR);
        if (which == ASSAY_NORM_RMS)
            multiply_all(e, e->format, o, count, sqrt((double)x.rows / (double)x.cols));
    }
    round_all(e, e->format, o, count);
}

/* 1 - beta^t */
static double correction(double beta, size_t t)
{
    return 1 - power_of(beta, t);
}

/* m-hat / (sqrt(v-hat) + eps) */
static void adam_ratio(struct evaluation *e, const struct assay_dialect *d, double *o, const double *m, const double *v,
                       size_t count, size_t t, double beta)
{
    enum tensor_type s = e->state;
    double first = rounded(e, s, correction(beta, t)), second = rounded(e, s, correction(d->beta2, t));
    for (size_t k = 0; k < count; k++) {
        double root = e->reciprocal ? rounded(e, s, sqrt(v[k])) / sqrt(second) : sqrt(rounded(e, s, v[k] / second));
        root = rounded(e, s, rounded(e, s, root) + d->adam_eps);
        o[k] = rounded(e, s, rounded(e, s, m[k] / first) / root);
    }
}

/* ---- the direction ------------------------------------------------------------------------------------------------- */

/* Each of the blocks cut into `parts` along rows or columns; those that cannot be cut evenly stay whole. */
static struct blocks cut(struct work *w, struct blocks blocks, size_t parts, bool rows)
{
    struct blocks all = {0, work_alloc(w, parts * blocks.count, sizeof *all.each)};
    for (size_t k = 0; k < blocks.count; k++) {
        struct block b = blocks.each[k];
        size_t count = (rows ? b.rows : b.cols) % parts == 0 ? parts : 1, step = rows ? b.row_stride : b.col_stride;
        *(rows ? &b.rows : &b.cols) /= count;
        for (size_t p = 0; p < count; p++) {
            all.each[all.count++] = b;
            b.offset += (rows ? b.rows : b.cols) * step;
        }
    }
    return all;
}

/* Which matrices are orthogonalised, by a port that may do that wrong. */
static struct blocks faulty_blocks(struct work *w, enum fault fault, const struct assay_dialect *d, struct shape shape)
{
    struct assay_dialect whole = *d;
    whole.split_thirds = false;
    struct blocks blocks = blocks_of(w, fault == FAULT_SPLIT_COLUMNS ? &whole : d, shape);
    if (fault == FAULT_SHARDS)
        return cut(w, blocks, 2, true);
    if (fault == FAULT_SPLIT_COLUMNS)
        return cut(w, blocks, 3, false);
    if (fault == FAULT_STACKED && shape.ndim == 3) {
        size_t rows = shape.size[0] * shape.size[1];
        blocks.count = 1;
        blocks.each[0] = (struct block){rows, shape.size[2], 0, shape.size[2], 1};
    }
    return blocks;
}

/* O of every matrix of the tensor, by what the dialect iterates or minimises; elsewhere what is in o. */
static void each_block(struct work *w, struct evaluation *e, const struct assay_dialect *d, struct shape shape,
                       const double *u, double *o)
{
    struct blocks blocks = faulty_blocks(w, e->fault, d, shape);
    for (size_t k = 0; k < blocks.count; k++) {
        const struct block *b = &blocks.each[k];
        struct matrix x = block_matrix(w, b, u), y;
        if (d->direction == ASSAY_DIRECTION_LMO) {
            y = matrix_new(w, b->rows, b->cols);
            minimise(w, e, d->norm, y, x);
        } else {
            y = newton_schulz_of(w, e, d, x);
        }
        put_block(o, b, y.at);
    }
}

/* As direction() in ref/direction.h. */
static void direction_of(struct work *w, struct evaluation *e, const struct assay_dialect *d, struct shape shape,
                         const double *u, double *moment, size_t t, double beta, double *o)
{
    struct work_block *mark = work_mark(w);
    size_t count = shape_count(shape);
    memcpy(o, u, count * sizeof *o);
    switch (d->direction) {
    case ASSAY_DIRECTION_NEWTON_SCHULZ:
        each_block(w, e, d, shape, u, o);
        finish_all(w, e, d, shape, u, o, moment);
        break;
    case ASSAY_DIRECTION_COSH_RMS:
        if (assay_dialect_steps(d) > 0)
            each_block(w, e, d, shape, u, o);
        cosh_rms_of(w, e, d, o, count);
        break;
    case ASSAY_DIRECTION_LMO:
        each_block(w, e, d, shape, u, o);
        break;
    case ASSAY_DIRECTION_ADAM:
        adam_ratio(e, d, o, u, moment, count, t, beta);
        break;
    default:
        break;
    }
    work_release(w, mark);
}

void emulate_direction(struct work *w, struct evaluation *e, const struct assay_dialect *d, struct shape shape,
                       const double *u, double *o)
{
    direction_of(w, e, d, shape, u, NULL, 1, 0, o);
    round_all(e, e->format, o, shape_count(shape));
}

/* ---- momentum -------------------------------------------------------------------------------------------------------- */

/* beta m + (1 - beta) g, in one of the ways that it is written. */
static double interpolated(struct evaluation *e, enum tensor_type s, double beta, double m, double g)
{
    double fresh = nearest(s, 1 - beta);
    if (e->interpolation == 1)
        return axpby(e, s, fresh, rounded(e, s, g - m), 1, m);
    if (e->interpolation == 2)
        return axpby(e, s, beta, rounded(e, s, m - g), 1, g);
    return axpby(e, s, beta, m, fresh, g);
}

static double next_momentum(struct evaluation *e, enum tensor_type s, const struct assay_dialect *d, double beta,
                            size_t t, double m, double g)
{
    if (d->momentum == ASSAY_MOMENTUM_NONE)
        return m;
    if (d->momentum == ASSAY_MOMENTUM_EMA)
        return interpolated(e, s, beta, m, g);
    if (d->dampening != 0 && t == 1)
        return g;
    return axpby(e, s, beta, m, 1, d->dampening != 0 ? rounded(e, s, (1 - d->dampening) * g) : g);
}

static double nesterov_of(struct evaluation *e, enum tensor_type s, const struct assay_dialect *d, double beta,
                          size_t t, double m, double g)
{
    if (d->momentum == ASSAY_MOMENTUM_NONE)
        return g;
    switch (d->nesterov) {
    case ASSAY_NESTEROV_LERP:
        return interpolated(e, s, beta, m, g);
    case ASSAY_NESTEROV_ADD:
        return axpby(e, s, beta, m, 1, g);
    case ASSAY_NESTEROV_SUM:
        return rounded(e, s, g + m);
    case ASSAY_NESTEROV_NADAM: /* one after the other, as random roundings have an order */
        g = rounded(e, s, g / rounded(e, s, correction(beta, t)));
        m = rounded(e, s, m / rounded(e, s, correction(beta, t + 1)));
        return axpby(e, s, beta, m, nearest(s, 1 - beta), g);
    case ASSAY_NESTEROV_UNBIASED:
        return rounded(e, s, m / rounded(e, s, correction(beta, t)));
    case ASSAY_NESTEROV_RAW:
        return g;
    default:
        return m;
    }
}

/* g + wd p */
static double with_l2(struct evaluation *e, enum tensor_type s, double wd, double p, double g)
{
    return axpby(e, s, wd, p, 1, g);
}

void emulate_momentum(struct evaluation *e, const struct assay_dialect *d, const assay_hyper *hyper, size_t count,
                      const double *momentum, const double *grad, const double *param, size_t step, double *next,
                      double *u)
{
    enum tensor_type f = e->format;
    for (size_t k = 0; k < count; k++) {
        double g =
            d->decay == ASSAY_DECAY_L2 && param ? with_l2(e, f, hyper->weight_decay, param[k], grad[k]) : grad[k];
        next[k] = next_momentum(e, f, d, hyper->momentum, step, momentum[k], g);
        if (e->fault == FAULT_TWICE)
            next[k] = next_momentum(e, f, d, hyper->momentum, step, next[k], g);
        u[k] = nesterov_of(e, f, d, hyper->momentum, step, e->fault == FAULT_STALE ? momentum[k] : next[k], g);
    }
}

/* ---- steps ----------------------------------------------------------------------------------------------------------- */

/* The coefficient of p in what decay takes from it. */
static double decay_rate(const struct assay_dialect *d, double lr, double wd, double scale)
{
    switch (d->decay) {
    case ASSAY_DECAY_DECOUPLED:
    case ASSAY_DECAY_CAUTIOUS:
        return lr * wd;
    case ASSAY_DECAY_SCALED:
    case ASSAY_DECAY_CAUTIOUS_SCALED:
        return scale * lr * wd;
    case ASSAY_DECAY_SQUARED:
        return lr * lr * wd;
    case ASSAY_DECAY_CAUTIOUS_SQUARED:
        return scale * lr * lr * wd;
    case ASSAY_DECAY_INDEPENDENT:
        return wd;
    case ASSAY_DECAY_FRANK_WOLFE:
        return lr;
    default:
        return 0;
    }
}

/* p after the step with direction o. */
static double moved(struct evaluation *e, const struct assay_dialect *d, double p, double o, double rate, double lr,
                    double scale)
{
    enum tensor_type s = e->state;
    lr = e->fault == FAULT_ASCENT ? -lr : lr;
    bool cautious = d->decay == ASSAY_DECAY_CAUTIOUS || d->decay == ASSAY_DECAY_CAUTIOUS_SCALED ||
                    d->decay == ASSAY_DECAY_CAUTIOUS_SQUARED;
    double take = cautious && o * p < 0 ? 0 : rate;
    double by = e->finish_in_state ? rounded(e, s, lr * scale) * o : lr * rounded(e, s, scale * o);
    by = e->fused ? by : rounded(e, s, by);
    if (e->fault == FAULT_NARROW)
        s = TENSOR_BF16;
    if (e->fault == FAULT_DECAY_AFTER)
        return rounded(e, s, rounded(e, s, p - by) * rounded(e, s, 1 - take));
    if (e->decay_apart)
        return rounded(e, s, rounded(e, s, p * rounded(e, s, 1 - take)) - by);
    return rounded(e, s, p - rounded(e, s, by + (e->fused ? take * p : rounded(e, s, take * p))));
}

struct state {
    double *param, *momentum, *moment, *g, *u, *o;
    size_t t;
};

static void advance(struct work *w, struct evaluation *e, const struct assay_dialect *d, const assay_hyper *hyper,
                    struct shape shape, struct state *x, double lr, double scale, bool decays)
{
    size_t count = shape_count(shape), t = ++x->t;
    double beta = hyper->momentum, wd = hyper->weight_decay;
    enum tensor_type s = e->state;
    for (size_t k = 0; k < count && d->decay == ASSAY_DECAY_L2 && decays; k++)
        x->g[k] = with_l2(e, s, wd, x->param[k], x->g[k]);
    for (size_t k = 0; k < count && d->direction == ASSAY_DIRECTION_ADAM; k++)
        x->moment[k] = average(e, x->moment[k], d->beta2, rounded(e, s, x->g[k] * x->g[k]));
    if (d->direction_first) {
        direction_of(w, e, d, shape, x->g, x->moment, t, beta, x->o);
        memcpy(x->g, x->o, count * sizeof *x->g);
    }
    for (size_t k = 0; k < count; k++) {
        double before = x->momentum[k], g = x->g[k];
        x->momentum[k] = next_momentum(e, s, d, beta, t, before, g);
        if (e->fault == FAULT_TWICE)
            x->momentum[k] = next_momentum(e, s, d, beta, t, x->momentum[k], g);
        x->u[k] = nesterov_of(e, s, d, beta, t, e->fault == FAULT_STALE ? before : x->momentum[k], g);
    }
    if (d->direction_first)
        memcpy(x->o, x->u, count * sizeof *x->o);
    else
        direction_of(w, e, d, shape, x->u, x->moment, t, beta, x->o);
    if (e->fault == FAULT_IN_PLACE)
        rescale(w, e, s, (struct matrix){x->momentum, 1, count}, 1, fmax(d->eps, 1e-15), true);
    double size = e->fault == FAULT_CLIPPED ? norm(w, e, s, x->o, count, 1) : 0;
    if (size > 1)
        multiply_all(e, s, x->o, count, rounded(e, s, 1 / size));
    double rate = decays ? rounded(e, s, decay_rate(d, lr, wd, scale)) : 0;
    for (size_t k = 0; k < count; k++)
        x->param[k] = moved(e, d, x->param[k], x->o[k], rate, lr, scale);
}

void emulate_step(struct work *w, struct evaluation *e, const struct assay_dialect *d, const assay_hyper *hyper,
                  const assay_run *run, const assay_steps *after)
{
    struct work_block *mark = work_mark(w);
    struct shape shape = {.ndim = run->param.ndim};
    memcpy(shape.size, run->param.shape, shape.ndim * sizeof *shape.size);
    size_t count = shape_count(shape), moments = direction_moment_count(w, d, shape);
    double *room = work_alloc(w, 5 * count + moments, sizeof *room);
    struct state x = {room, room + count, room + 5 * count, room + 2 * count, room + 3 * count, room + 4 * count, 0};
    double scale = mpfr_get_d(update_scale(w, d, shape, 128)->at, MPFR_RNDN);
    if (e->fault == FAULT_SCALE_TWICE)
        scale *= scale;
    if (e->fault == FAULT_SCALE_INVERTED)
        scale = 1 / scale;
    memcpy(x.param, run->param.at, count * sizeof *x.param);
    for (size_t t = 0; t < run->steps; t++) {
        bool present = !run->present || run->present[t];
        double *params = after->params.hi + t * count, *updates = after->updates.hi + t * count;
        double lr = run->lr ? run->lr[e->fault == FAULT_FIRST_LR ? 0 : t] : hyper->lr;
        memcpy(updates, x.param, count * sizeof *updates);
        bool again = !present && e->fault == FAULT_OLD_GRADIENT && t > 0;
        memset(x.g, 0, count * sizeof *x.g);
        if (present || again)
            memcpy(x.g, run->grads + (again ? t - 1 : t) * count, count * sizeof *x.g);
        if (present || again || d->absent != ASSAY_ABSENT_SKIP)
            advance(w, e, d, hyper, shape, &x, lr, scale, present || d->absent == ASSAY_ABSENT_ZERO);
        memcpy(params, x.param, count * sizeof *params);
        memcpy(after->momentum.hi + t * count, x.momentum, count * sizeof *x.momentum);
        for (size_t k = 0; k < count; k++)
            updates[k] = rounded(e, e->state, params[k] - updates[k]);
    }
    work_release(w, mark);
}
