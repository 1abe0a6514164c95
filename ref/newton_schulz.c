#include "newton_schulz.h"

#include "polynomial.h"
#include "product.h"
#include "svd.h"
#include "zeros.h"

/* ---- before the iteration ------------------------------------------------------------------------------------ */

/* Of the lengths of rows in equilibration: enum assay_pre. */
static const double ROW_FLOOR = 1e-6;

/* Row i of u times ||u||_F / (sqrt(r) max(||u_i||, ROW_FLOOR)). */
static struct ball *equilibrate(struct work *w, const struct ball *u, mpfr_prec_t prec)
{
    struct ball *x = ball_copy(w, u, prec);
    struct work_block *mark = work_mark(w);
    struct ball *target = ball_new(w, 1, 1, prec), *rows = ball_from_integer(w, (long)u->rows);
    struct ball *floor = ball_from_double(w, ROW_FLOOR), *norm = ball_new(w, 1, 1, prec);
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

/* Fails unless the dialect takes 0 / 0 for 0. */
static void check_zero(struct work *w, const struct assay_dialect *d, const char *what)
{
    if (!d->nan_to_zero)
        work_fail(w, ASSAY_UNDEFINED, "%s has no value where there is no eps: 0 / 0", what);
}

/* D u, D_ii = max(sum_j |(u u^T)_ij|, eps)^(-1/2). */
static struct ball *normalise_aol(struct work *w, const struct assay_dialect *d, const struct ball *u, mpfr_prec_t prec)
{
    struct ball *x = ball_copy(w, u, prec);
    struct work_block *mark = work_mark(w);
    struct ball *gram = ball_new(w, u->rows, u->rows, prec), *sum = ball_new(w, 1, 1, prec);
    product_nt(w, gram, u, u, prec);
    for (size_t k = 0; k < ball_count(gram); k++)
        mpfr_abs(gram->at + k, gram->at + k, MPFR_RNDN); /* no error grows by that */
    struct ball *ones = ball_new(w, 1, u->rows, 2), *floor = ball_from_double(w, d->eps);
    for (size_t j = 0; j < u->rows; j++)
        mpfr_set_ui(ones->at + j, 1, MPFR_RNDN);
    for (size_t i = 0; i < u->rows; i++) {
        struct ball *row = ball_copy(w, ball_gather(w, u, &i, 1, NULL, u->cols), prec);
        if (ball_is_zero(row)) {
            if (d->eps == 0)
                check_zero(w, d, "a row of zeros");
            continue;
        }
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
        return normalise_aol(w, d, u, prec);
    struct ball *by = divisor(w, d, u, prec), *x = ball_new(w, u->rows, u->cols, prec);
    if (ball_is_zero(by)) {
        check_zero(w, d, "the zero matrix");
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
    for (size_t k = 0; k < assay_dialect_steps(d) && !mag_is_inf(x->radius); k++) {
        struct assay_triple p = assay_dialect_triple(d, k);
        mag radius = x->radius, slope = derivative_bound(p, up_add(bound, radius));
        ball_make_exact(x);
        x = apply(w, p, x, prec);
        ball_widen_all(x, up_mul(slope, radius));
        bound = mag_min(polynomial_bound(p, bound), ball_norm_up(x));
    }
    if (mag_is_inf(x->radius)) /* divided by what may be zero, or beyond the range of MPFR: nothing is known */
        ball_widen_all(x, MAG_INF);
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

/* max(||u_i||, ROW_FLOOR)^2, exactly. */
static struct ball *squared_length(struct work *w, const struct ball *u, size_t i)
{
    struct ball *square = ball_new(w, 1, 1, 2 * (ball_width(u) + GMP_NUMB_BITS)), *floor = ball_new(w, 1, 1, 2 * 53);
    ball_norm_sqr(w, square, ball_gather(w, u, &i, 1, NULL, u->cols));
    mpfr_set_d(floor->at, ROW_FLOOR, MPFR_RNDN);
    mpfr_sqr(floor->at, floor->at, MPFR_RNDN);
    return mpfr_greater_p(square->at, floor->at) ? square : floor;
}

/* *root = sqrt(x y), if that is dyadic; the squared lengths of rows are in rational proportion if they are squares of
 * numbers that are, and only then. */
static bool exact_root(mpfr_ptr root, mpfr_srcptr x, mpfr_srcptr y)
{
    mpfr_t product;
    mpfr_init2(product, mpfr_get_prec(x) + mpfr_get_prec(y));
    mpfr_set_prec(root, mpfr_get_prec(product));
    mpfr_mul(product, x, y, MPFR_RNDN); /* exact */
    bool exact = mpfr_sqrt(root, product, MPFR_RNDN) == 0;
    mpfr_clear(product);
    return exact;
}

/* *odd = x 2^k, an odd integer; returns k. */
static long odd_part(mpz_ptr odd, mpfr_srcptr x)
{
    long exponent = mpfr_get_z_2exp(odd, x);
    mp_bitcnt_t twos = mpz_scan1(odd, 0);
    mpz_fdiv_q_2exp(odd, odd, twos);
    return -exponent - (long)twos;
}

/* *content = the greatest common divisor of the odd parts of row i. Returns whether the row has an entry other than 0. */
static bool row_content(mpz_ptr content, const struct ball *u, size_t i)
{
    mpz_t odd;
    mpz_init(odd);
    mpz_set_ui(content, 0);
    for (size_t j = 0; j < u->cols; j++)
        if (!mpfr_zero_p(ball_at(u, i, j))) {
            odd_part(odd, ball_at(u, i, j));
            mpz_gcd(content, content, odd);
        }
    mpz_clear(odd);
    return mpz_size(content) > 0;
}

/* Where a common multiple of all rows' denominators has more bits than that, products would take too long. */
enum { MOST_BITS = 4096 };

/* A multiple of the equilibrated u, exactly: rows u_i / t_i for t_i = ||u_i|| ||u_f||, f the first that is not 0. With c_i
 * for the content of row i and c_i / t_i = n_i / d_i 2^k in lowest terms, n and d odd: (u_i / c_i) n_i (D / d_i) 2^k, where
 * D is the least common multiple of all d_i. NULL if the t_i are not all rational. */
static struct ball *equilibrated_multiple(struct work *w, const struct ball *u)
{
    const struct ball *first = NULL;
    mpz_ptr content = work_integers(w, 3 * u->rows + 2), n = content + u->rows, d = n + u->rows;
    mpz_ptr multiple = d + u->rows, common = multiple + 1;
    long *twos = work_alloc(w, u->rows, sizeof *twos);
    mpz_set_ui(multiple, 1);
    for (size_t i = 0; i < u->rows; i++) {
        if (!row_content(content + i, u, i))
            continue;
        struct ball *square = squared_length(w, u, i);
        first = first ? first : square;
        mpfr_t root;
        mpfr_init2(root, 53);
        bool exact = exact_root(root, first->at, square->at);
        if (exact)
            twos[i] = odd_part(d + i, root);
        mpfr_clear(root);
        if (!exact)
            return NULL;
        mpz_gcd(common, content + i, d + i);
        mpz_divexact(n + i, content + i, common);
        mpz_divexact(d + i, d + i, common);
        mpz_lcm(multiple, multiple, d + i);
        if (mpz_sizeinbase(multiple, 2) > MOST_BITS)
            return NULL;
    }
    struct ball *scaled = ball_new(w, u->rows, u->cols, 2 * u->prec + (mpfr_prec_t)mpz_sizeinbase(multiple, 2));
    for (size_t i = 0; i < u->rows; i++) {
        if (mpz_size(content + i) == 0)
            continue;
        mpz_divexact(common, multiple, d + i);
        mpz_mul(common, common, n + i);
        for (size_t j = 0; j < u->cols; j++) {
            mpfr_ptr x = ball_at(scaled, i, j);
            mpfr_div_z(x, ball_at(u, i, j), content + i, MPFR_RNDN); /* all exact */
            mpfr_mul_z(x, x, common, MPFR_RNDN);
            mpfr_mul_2si(x, x, twos[i], MPFR_RNDN);
        }
    }
    return ball_copy(w, scaled, ball_width(scaled));
}

const struct ball *newton_schulz_direction(struct work *w, const struct assay_dialect *d, const struct ball *u)
{
    if (!ball_is_exact(u) || ball_is_zero(u) || d->normalisation == ASSAY_NORMALISE_AOL)
        return NULL;
    const struct ball *x = d->pre == ASSAY_PRE_EQUILIBRATE ? equilibrated_multiple(w, u) : u;
    return x && proportional(x, product_exact(w, x, product_exact_tn(w, x, x))) ? x : NULL;
}

bool newton_schulz_rows_are_even(struct work *w, const struct assay_dialect *d, const struct ball *u)
{
    bool even = d->pre == ASSAY_PRE_EQUILIBRATE && d->normalisation != ASSAY_NORMALISE_AOL && u->rows == 2;
    struct ball *length = ball_new(w, 1, 1, u->prec + 64), *floor = ball_from_double(w, ROW_FLOOR);
    for (size_t i = 0; i < 2 && even; i++) {
        ball_norm(w, length, ball_gather(w, u, &i, 1, NULL, u->cols));
        even = mag_le(ball_norm_up(floor), ball_abs_down(length));
    }
    return even;
}
