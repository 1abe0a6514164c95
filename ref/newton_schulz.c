#include "newton_schulz.h"

#include "polynomial.h"
#include "product.h"
#include "svd.h"
#include "zeros.h"

/* ---- before the iteration ------------------------------------------------------------------------------------ */

/* Row i of u times ||u||_F / (sqrt(r) max(||u_i||, 1e-6)). */
static struct ball *equilibrate(struct work *w, const struct ball *u, mpfr_prec_t prec)
{
    struct ball *x = ball_copy(w, u, prec);
    struct work_block *mark = work_mark(w);
    struct ball *target = ball_new(w, 1, 1, prec), *rows = ball_from_integer(w, (long)u->rows);
    struct ball *floor = ball_from_double(w, 1e-6), *norm = ball_new(w, 1, 1, prec);
    ball_norm_sqr(w, target, u);
    ball_div(target, target, rows);
    ball_sqrt(target, target);
    for (size_t i = 0; i < u->rows; i++) {
        struct ball *row = ball_copy(w, ball_gather(w, u, &i, 1, NULL, u->cols), prec);
        ball_norm(w, norm, row);
        ball_max(norm, norm, floor);
        ball_mul(row, target, row);
        ball_div(row, row, norm);
        ball_scatter(x, &i, NULL, row);
    }
    x->radius = MAG_INF;
    ball_tighten(x);
    work_release(w, mark);
    return x;
}

/* D u, D_ii = max(sum_j |(u u^T)_ij|, eps)^(-1/2). */
static struct ball *normalise_aol(struct work *w, const struct ball *u, double eps, mpfr_prec_t prec)
{
    struct ball *x = ball_copy(w, u, prec);
    struct work_block *mark = work_mark(w);
    struct ball *gram = ball_new(w, u->rows, u->rows, prec), *sum = ball_new(w, 1, 1, prec);
    product_nt(w, gram, u, u, prec);
    for (size_t k = 0; k < ball_count(gram); k++)
        mpfr_abs(gram->at + k, gram->at + k, MPFR_RNDN); /* no error grows by that */
    struct ball *ones = ball_new(w, 1, u->rows, 2), *floor = ball_from_double(w, eps);
    for (size_t j = 0; j < u->rows; j++)
        mpfr_set_ui(ones->at + j, 1, MPFR_RNDN);
    for (size_t i = 0; i < u->rows; i++) {
        struct ball *row = ball_copy(w, ball_gather(w, u, &i, 1, NULL, u->cols), prec);
        ball_dot(w, sum, ball_gather(w, gram, &i, 1, NULL, u->rows), ones);
        ball_max(sum, sum, floor);
        ball_sqrt(sum, sum);
        ball_div(row, row, sum);
        ball_scatter(x, &i, NULL, row);
    }
    x->radius = MAG_INF;
    ball_tighten(x);
    work_release(w, mark);
    return x;
}

/* The d of X = u / d. */
static struct ball *divisor(struct work *w, const struct assay_dialect *d, const struct ball *u, mpfr_prec_t prec)
{
    struct ball *norm = ball_new(w, 1, 1, prec);
    const struct ball *eps = ball_from_double(w, d->eps), *factor = ball_from_double(w, d->norm_factor);
    struct ball *gram;
    switch (d->normalisation) {
    case ASSAY_NORMALISE_MAX:
        ball_norm(w, norm, u);
        ball_mul(norm, factor, norm);
        ball_max(norm, norm, eps);
        break;
    case ASSAY_NORMALISE_SCHATTEN:
        gram = ball_new(w, u->rows, u->rows, prec);
        product_nt(w, gram, u, u, prec);
        ball_norm(w, norm, gram);
        ball_max(norm, norm, eps);
        ball_sqrt(norm, norm);
        break;
    case ASSAY_NORMALISE_SPECTRAL:
        singular_norm(w, norm, u);
        ball_add(norm, norm, eps);
        break;
    default:
        ball_norm(w, norm, u);
        ball_mul(norm, factor, norm);
        ball_add(norm, norm, eps);
    }
    return norm;
}

/* ---- the iteration ------------------------------------------------------------------------------------------- */

/* p(X) = a X + (b A + c A^2) X, A = X X^T, of exact numbers. */
static struct ball *apply(struct work *w, struct assay_triple p, const struct ball *x, mpfr_prec_t prec)
{
    struct ball *y = ball_new(w, x->rows, x->cols, prec);
    struct work_block *mark = work_mark(w);
    size_t n = x->rows;
    struct ball *gram = ball_new(w, n, n, prec), *sum = ball_new(w, n, n, prec), *square = ball_new(w, n, n, prec);
    product_nt(w, gram, x, x, prec);
    ball_mul(sum, ball_from_double(w, p.b), gram);
    if (p.c != 0) {
        product_nt(w, square, gram, gram, prec);
        ball_mul(square, ball_from_double(w, p.c), square);
        ball_add(sum, sum, square);
    }
    product(w, y, sum, x, prec);
    struct ball *ax = ball_new(w, x->rows, x->cols, prec);
    ball_mul(ax, ball_from_double(w, p.a), x);
    ball_add(y, y, ax);
    work_release(w, mark);
    return y;
}

static mag norm_bound(const struct assay_dialect *d, const struct ball *x)
{
    mag frobenius = ball_norm_up(x), known = MAG_ONE;
    if (d->normalisation == ASSAY_NORMALISE_ADD || d->normalisation == ASSAY_NORMALISE_MAX) {
        MPFR_DECL_INIT(factor, 53);
        mpfr_set_d(factor, d->norm_factor, MPFR_RNDN);
        known = up_div(MAG_ONE, down_abs(factor));
    }
    return mag_min(frobenius, known);
}

static struct ball *normalise(struct work *w, const struct assay_dialect *d, const struct ball *u, mpfr_prec_t prec)
{
    if (d->normalisation == ASSAY_NORMALISE_AOL)
        return normalise_aol(w, u, d->eps, prec);
    struct ball *by = divisor(w, d, u, prec), *x = ball_new(w, u->rows, u->cols, prec);
    if (ball_is_zero(by)) {
        if (!d->nan_to_zero)
            work_fail(w, ASSAY_UNDEFINED, "the zero matrix has no value where there is no eps: 0 / 0");
        return x;
    }
    ball_div(x, u, by);
    return x;
}

struct ball *newton_schulz(struct work *w, const struct assay_dialect *d, const struct ball *u, mpfr_prec_t prec)
{
    struct work_block *mark = work_mark(w);
    bool tall = u->rows > u->cols;
    struct ball *x = d->pre == ASSAY_PRE_EQUILIBRATE ? equilibrate(w, u, prec) : ball_copy(w, u, u->prec);
    x = normalise(w, d, tall ? ball_transpose(w, x) : x, prec);
    mag bound = norm_bound(d, x); /* of ||X||_2; that of the midpoints is larger by the radius at most */
    for (size_t k = 0; k < assay_dialect_steps(d); k++) {
        struct assay_triple p = assay_dialect_triple(d, k);
        mag radius = x->radius, slope = derivative_bound(p, up_add(bound, radius));
        ball_make_exact(x);
        x = apply(w, p, x, prec);
        ball_widen_all(x, up_mul(slope, radius));
        bound = polynomial_bound(p, bound);
    }
    x = tall ? ball_transpose(w, x) : x;
    bool of_gram = d->pre == ASSAY_PRE_NONE && d->normalisation != ASSAY_NORMALISE_AOL;
    restore_zeros(w, x, u, of_gram);
    return work_keep(w, mark, x);
}

/* Whether x and y are proportional, for exact matrices and x other than 0. */
static bool proportional(const struct ball *x, const struct ball *y)
{
    size_t first = 0;
    while (mpfr_zero_p(x->at + first))
        first++;
    mpfr_t left, right;
    mpfr_inits2(x->prec + y->prec, left, right, (mpfr_ptr)NULL);
    bool same = true;
    for (size_t k = 0; k < ball_count(x) && same; k++) {
        mpfr_mul(left, x->at + k, y->at + first, MPFR_RNDN); /* exact */
        mpfr_mul(right, x->at + first, y->at + k, MPFR_RNDN);
        same = mpfr_equal_p(left, right);
    }
    mpfr_clears(left, right, (mpfr_ptr)NULL);
    return same;
}

/* Whether all rows that are not zero have the same length. */
static bool rows_are_equal(struct work *w, const struct ball *u)
{
    const struct ball *first = NULL;
    for (size_t i = 0; i < u->rows; i++) {
        struct ball *square = ball_new(w, 1, 1, 2 * (ball_width(u) + GMP_NUMB_BITS));
        ball_norm_sqr(w, square, ball_gather(w, u, &i, 1, NULL, u->cols));
        if (mpfr_zero_p(square->at))
            continue;
        if (first && !mpfr_equal_p(first->at, square->at))
            return false;
        first = square;
    }
    return true;
}

bool newton_schulz_keeps_direction(struct work *w, const struct assay_dialect *d, const struct ball *u)
{
    struct work_block *mark = work_mark(w);
    bool keeps = ball_is_exact(u) && !ball_is_zero(u) && d->normalisation != ASSAY_NORMALISE_AOL &&
                 (d->pre == ASSAY_PRE_NONE || rows_are_equal(w, u)) &&
                 proportional(u, product_exact(w, u, product_exact_tn(w, u, u)));
    work_release(w, mark);
    return keeps;
}
