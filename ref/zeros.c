#include "zeros.h"

#include "product.h"

/* Deciding zeros that no pattern shows takes products of ever longer integers, as many as the smaller side has rows. */
enum { MOST_SIDE = 64 };

static bool is_zero(const struct ball *a, size_t k)
{
    return mpfr_zero_p(a->at + k) && mag_is_zero(a->error[k]);
}

/* Labels row i as i and column j as rows + j, and gives all of a component the least of its labels. */
static size_t *label(struct work *w, const struct ball *a)
{
    size_t m = a->rows, n = a->cols, *labels = work_alloc(w, m + n, sizeof *labels);
    for (size_t k = 0; k < m + n; k++)
        labels[k] = k;
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < n; j++)
                if (!is_zero(a, i * n + j) && labels[i] != labels[m + j]) {
                    size_t least = labels[i] < labels[m + j] ? labels[i] : labels[m + j];
                    labels[i] = labels[m + j] = least;
                    changed = true;
                }
    }
    return labels;
}

struct components components_of(struct work *w, const struct ball *a)
{
    size_t m = a->rows, n = a->cols;
    struct components all = {0, work_alloc(w, m < n ? m : n, sizeof *all.each)};
    const size_t *labels = label(w, a);
    for (size_t first = 0; first < m; first++) { /* a component is known by its first row */
        struct component c = {0, 0, NULL, NULL};
        if (labels[first] != first)
            continue;
        for (size_t j = 0; j < n; j++)
            c.col_count += labels[m + j] == first;
        if (c.col_count == 0)
            continue;
        c.rows = work_alloc(w, m, sizeof *c.rows);
        c.cols = work_alloc(w, c.col_count, sizeof *c.cols);
        for (size_t i = 0; i < m; i++)
            if (labels[i] == first)
                c.rows[c.row_count++] = i;
        for (size_t j = 0, k = 0; j < n; j++)
            if (labels[m + j] == first)
                c.cols[k++] = j;
        all.each[all.count++] = c;
    }
    return all;
}

/* Of the entries marked in `candidate`, unmarks those at which some A (A^T A)^k is not zero; by Cayley and Hamilton
 * k < cols suffices. */
static void confirm_zeros_tall(struct work *w, const struct ball *a, bool *candidate)
{
    struct work_block *mark = work_mark(w);
    size_t m = a->rows, n = a->cols, count = 0, *cols = work_alloc(w, n, sizeof *cols);
    for (size_t j = 0; j < n; j++) {
        bool any = false;
        for (size_t i = 0; i < m; i++)
            any = any || candidate[i * n + j];
        if (any)
            cols[count++] = j;
    }
    const struct ball *gram = product_exact_tn(w, a, a);
    struct ball *krylov = ball_gather(w, ball_identity(w, n, 2), NULL, n, cols, count);
    bool left = true;
    for (size_t k = 0; k < n && left; k++) {
        struct work_block *inner = work_mark(w);
        const struct ball *image = product_exact(w, a, krylov);
        left = false;
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < count; j++) {
                bool *may_vanish = &candidate[i * n + cols[j]];
                *may_vanish = *may_vanish && mpfr_zero_p(ball_at(image, i, j));
                left = left || *may_vanish;
            }
        krylov = work_keep(w, inner, product_exact(w, gram, krylov));
        work_progress(w, "proving zeros", (double)k / (double)n);
    }
    work_release(w, mark);
}

static void transpose_marks(bool *to, const bool *from, size_t rows, size_t cols)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            to[j * rows + i] = from[i * cols + j];
}

static void confirm_zeros(struct work *w, const struct ball *a, bool *candidate)
{
    if (a->rows >= a->cols) {
        confirm_zeros_tall(w, a, candidate);
        return;
    }
    struct work_block *mark = work_mark(w); /* f(A^T) = f(A)^T */
    bool *transposed = work_alloc(w, a->rows * a->cols, sizeof *transposed);
    transpose_marks(transposed, candidate, a->rows, a->cols);
    confirm_zeros_tall(w, ball_transpose(w, a), transposed);
    transpose_marks(candidate, transposed, a->cols, a->rows);
    work_release(w, mark);
}

static size_t smaller_side(const struct ball *a)
{
    return a->rows < a->cols ? a->rows : a->cols;
}

/* Marks the entries of f outside of all components of `a`. */
static void mark_outside(struct work *w, bool *zero, const struct ball *a)
{
    struct components parts = components_of(w, a);
    for (size_t k = 0; k < ball_count(a); k++)
        zero[k] = true;
    for (size_t k = 0; k < parts.count; k++)
        for (size_t i = 0; i < parts.each[k].row_count; i++)
            for (size_t j = 0; j < parts.each[k].col_count; j++)
                zero[parts.each[k].rows[i] * a->cols + parts.each[k].cols[j]] = false;
}

/* Marks the entries of f that may vanish, and are proved to. */
static void mark_hidden(struct work *w, bool *zero, const struct ball *f, const struct ball *a)
{
    bool *hidden = work_alloc(w, ball_count(f), sizeof *hidden), any = false;
    for (size_t k = 0; k < ball_count(f); k++) {
        hidden[k] = !zero[k] && !mag_is_zero(f->error[k]) && mag_le(up_abs(f->at + k), f->error[k]);
        any = any || hidden[k];
    }
    if (any)
        confirm_zeros(w, a, hidden);
    for (size_t k = 0; k < ball_count(f); k++)
        zero[k] = zero[k] || hidden[k];
}

bool restore_zeros(struct work *w, struct ball *f, const struct ball *a, bool of_gram)
{
    struct work_block *mark = work_mark(w);
    bool *zero = work_alloc(w, ball_count(f), sizeof *zero), any = false;
    mark_outside(w, zero, a);
    if (of_gram && ball_is_exact(a) && smaller_side(a) <= MOST_SIDE)
        mark_hidden(w, zero, f, a);
    for (size_t k = 0; k < ball_count(f); k++)
        if (zero[k] && !is_zero(f, k)) {
            mpfr_set_zero(f->at + k, 1);
            f->error[k] = MAG_ZERO;
            any = true;
        }
    ball_tighten(f);
    work_release(w, mark);
    return any;
}
