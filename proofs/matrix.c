#include "matrix.h"

#include <assert.h>
#include <math.h>

/* ---- making -------------------------------------------------------------------------------------------------- */

static const struct field *field_of(struct matrix a)
{
    return a.at[0]->field;
}

static struct matrix blank(const struct field *f, size_t rows, size_t cols)
{
    return (struct matrix){rows, cols, work_alloc(f->w, rows * cols, sizeof(real))};
}

size_t matrix_count(struct matrix a)
{
    return a.rows * a.cols;
}

struct matrix matrix_new(const struct field *f, size_t rows, size_t cols)
{
    struct matrix c = blank(f, rows, cols);
    real zero = real_whole(f, 0);
    for (size_t k = 0; k < rows * cols; k++)
        c.at[k] = zero;
    return c;
}

struct matrix matrix_identity(const struct field *f, size_t n)
{
    struct matrix c = matrix_new(f, n, n);
    for (size_t k = 0; k < n; k++)
        c.at[k * n + k] = real_whole(f, 1);
    return c;
}

struct matrix matrix_from(const struct field *f, size_t rows, size_t cols, const long *integers,
                          unsigned long denominator)
{
    struct matrix c = blank(f, rows, cols);
    for (size_t k = 0; k < rows * cols; k++)
        c.at[k] = real_fraction(f, integers[k], denominator);
    return c;
}

uint64_t next_bits(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

struct matrix matrix_random(const struct field *f, size_t rows, size_t cols, uint64_t *seed)
{
    struct matrix c = blank(f, rows, cols);
    for (size_t k = 0; k < rows * cols; k++)
        c.at[k] = real_fraction(f, 2 * (long)(next_bits(seed) >> 48) - 65535, 65536);
    return c;
}

/* ---- algebra ------------------------------------------------------------------------------------------------- */

struct matrix matrix_mix(real s, struct matrix a, real t, struct matrix b)
{
    struct matrix c = blank(s->field, a.rows, a.cols);
    assert(a.rows == b.rows && a.cols == b.cols);
    for (size_t k = 0; k < matrix_count(a); k++)
        c.at[k] = real_add(real_mul(s, a.at[k]), real_mul(t, b.at[k]));
    return c;
}

struct matrix matrix_add(struct matrix a, struct matrix b)
{
    struct matrix c = blank(field_of(a), a.rows, a.cols);
    assert(a.rows == b.rows && a.cols == b.cols);
    for (size_t k = 0; k < matrix_count(a); k++)
        c.at[k] = real_add(a.at[k], b.at[k]);
    return c;
}

struct matrix matrix_sub(struct matrix a, struct matrix b)
{
    return matrix_add(a, matrix_map(b, real_neg));
}

struct matrix matrix_scale(real s, struct matrix a)
{
    struct matrix c = blank(s->field, a.rows, a.cols);
    for (size_t k = 0; k < matrix_count(a); k++)
        c.at[k] = real_mul(s, a.at[k]);
    return c;
}

struct matrix matrix_transpose(struct matrix a)
{
    struct matrix c = blank(field_of(a), a.cols, a.rows);
    for (size_t k = 0; k < matrix_count(a); k++)
        c.at[k % a.cols * a.rows + k / a.cols] = a.at[k];
    return c;
}

struct matrix matrix_product(struct matrix a, struct matrix b)
{
    struct matrix c = blank(field_of(a), a.rows, b.cols);
    assert(a.cols == b.rows);
    for (size_t i = 0; i < a.rows; i++)
        for (size_t j = 0; j < b.cols; j++) {
            real sum = real_mul(a.at[i * a.cols], b.at[j]);
            for (size_t k = 1; k < a.cols; k++)
                sum = real_add(sum, real_mul(a.at[i * a.cols + k], b.at[k * b.cols + j]));
            c.at[i * b.cols + j] = sum;
        }
    return c;
}

struct matrix matrix_map(struct matrix a, real (*function)(real x))
{
    struct matrix c = blank(field_of(a), a.rows, a.cols);
    for (size_t k = 0; k < matrix_count(a); k++)
        c.at[k] = function(a.at[k]);
    return c;
}

struct matrix matrix_middle(struct matrix a)
{
    return matrix_map(a, real_middle);
}

struct matrix matrix_enclose(struct matrix a)
{
    return matrix_map(a, real_enclose);
}

real matrix_dot(struct matrix a, struct matrix b)
{
    real sum = real_mul(a.at[0], b.at[0]);
    assert(a.rows == b.rows && a.cols == b.cols);
    for (size_t k = 1; k < matrix_count(a); k++)
        sum = real_add(sum, real_mul(a.at[k], b.at[k]));
    return sum;
}

real matrix_trace(struct matrix a)
{
    real sum = a.at[0];
    for (size_t k = 1; k < a.rows; k++)
        sum = real_add(sum, a.at[k * a.cols + k]);
    return sum;
}

real matrix_square(struct matrix a)
{
    real sum = real_square(a.at[0]);
    for (size_t k = 1; k < matrix_count(a); k++)
        sum = real_add(sum, real_square(a.at[k]));
    return sum;
}

real matrix_frobenius(struct matrix a)
{
    return real_root(matrix_square(a));
}

/* ---- positive definite matrices -------------------------------------------------------------------------------- */

/* Gaussian elimination without pivoting; the pivots are those of Cholesky's factorisation, squared. */
bool matrix_is_positive(struct matrix a)
{
    size_t n = a.rows;
    struct matrix s = blank(field_of(a), n, n);
    for (size_t k = 0; k < n * n; k++)
        s.at[k] = real_enclose(a.at[k]);
    for (size_t k = 0; k < n; k++) {
        if (!real_above_0(s.at[k * n + k]))
            return false;
        for (size_t i = k + 1; i < n; i++) {
            real factor = real_div(s.at[i * n + k], s.at[k * n + k]);
            for (size_t j = k + 1; j < n; j++)
                s.at[i * n + j] = real_sub(s.at[i * n + j], real_mul(factor, s.at[k * n + j]));
        }
    }
    return true;
}

/* ---- polar factors ------------------------------------------------------------------------------------------- */

/* The Gram matrix of the shorter side, [a b; b c] for two: its trace and determinant, by Lagrange's identity a sum of
 * squares of 2 x 2 minors, so that it is not negative, and 0 where the minors are. */
static real gram_determinant(struct matrix a)
{
    real sum = real_whole(field_of(a), 0);
    size_t longer = a.rows > a.cols ? a.rows : a.cols;
    struct matrix t = a.rows >= a.cols ? a : matrix_transpose(a);
    for (size_t i = 0; i < longer; i++)
        for (size_t j = i + 1; j < longer; j++)
            sum = real_add(sum, real_square(real_sub(real_mul(t.at[2 * i], t.at[2 * j + 1]),
                                                     real_mul(t.at[2 * j], t.at[2 * i + 1]))));
    return sum;
}

static size_t shorter_side(struct matrix a)
{
    return a.rows < a.cols ? a.rows : a.cols;
}

/* A / ||A||_F for rank 1, 0 for rank 0. */
static struct matrix orth_of_rank_one(struct matrix a)
{
    real square = matrix_square(a), one = real_whole(field_of(a), 1);
    return real_sign(square, "||A||") == 0 ? a : matrix_scale(real_div(one, real_root(square)), a);
}

/* m x 2: with G = A^T A, d = sqrt(det G), t = sqrt(tr G + 2 d): G^(1/2) = (G + d I) / t (Cayley-Hamilton), and its
 * inverse is ((tr G + d) I - G) / (t d). For 2 x 2 that is (A + s C) / t, C the cofactors, s the sign of det A. */
static struct matrix orth_of_two(struct matrix a)
{
    struct matrix tall = a.rows >= a.cols ? a : matrix_transpose(a);
    real determinant = gram_determinant(a), d = real_root(determinant), trace = matrix_square(a);
    if (real_sign(determinant, "a determinant") == 0)
        return orth_of_rank_one(a);
    real t = real_root(SUM(trace, d, d));
    struct matrix inverse = matrix_mix(real_add(trace, d), matrix_identity(field_of(a), 2), real_whole(field_of(a), -1),
                                       matrix_product(matrix_transpose(tall), tall));
    struct matrix q = matrix_product(tall, matrix_scale(real_div(real_whole(field_of(a), 1), real_mul(t, d)), inverse));
    return a.rows >= a.cols ? q : matrix_transpose(q);
}

/* An exact matrix near the polar factor of a tall matrix: X <- X (3 I - X^T X) / 2 from a / ||a||_F, which converges
 * quadratically once its singular values are near 1; as many steps as a condition number of 2^30 takes. */
static struct matrix orth_guess(struct matrix a)
{
    const struct field *f = field_of(a);
    enum { STEPS = 90 };
    struct matrix x = matrix_middle(matrix_enclose(matrix_scale(real_div(real_whole(f, 1), matrix_frobenius(a)), a)));
    struct matrix one = matrix_identity(f, a.cols);
    real *kept = work_alloc(f->w, matrix_count(a) + 1, sizeof *kept);
    real defect = real_whole(f, 1), small = real_double(f, ldexp(1, -(int)f->prec));
    for (size_t k = 0; k < STEPS && !real_below_0(real_sub(defect, small)); k++) {
        struct work_block *mark = work_mark(f->w);
        struct matrix wide = matrix_enclose(x), g = matrix_product(matrix_transpose(wide), wide);
        defect = matrix_square(matrix_sub(g, one));
        struct matrix next = matrix_product(wide, matrix_mix(real_fraction(f, 3, 2), one, real_fraction(f, -1, 2), g));
        for (size_t j = 0; j < matrix_count(a); j++)
            kept[j] = real_middle(next.at[j]);
        kept[matrix_count(a)] = defect;
        real_keep(f->w, mark, kept, matrix_count(a) + 1);
        defect = kept[matrix_count(a)];
        x.at = kept;
    }
    return x;
}

/* ||P - Q||_F <= e + 2 (e ||S||_F + ||A - P S||_F) / mu, where S = sym(P^T A) > mu I, e = ||P^T P - I||_F < 1:
 * ref/polar.c. */
static struct matrix orth_certified(struct matrix a)
{
    const struct field *f = field_of(a);
    struct matrix tall = a.rows >= a.cols ? a : matrix_transpose(a), p = orth_guess(tall);
    struct matrix wide = matrix_enclose(p), t = matrix_product(matrix_transpose(wide), tall);
    real half = real_fraction(f, 1, 2);
    struct matrix s = matrix_mix(half, t, half, matrix_transpose(t)), one = matrix_identity(f, tall.cols);
    real e = matrix_frobenius(matrix_sub(matrix_product(matrix_transpose(wide), wide), one));
    real rest = matrix_frobenius(matrix_sub(tall, matrix_product(wide, s))), size = matrix_frobenius(s);
    for (long k = 2; k < f->prec / 2; k += 2) {
        real mu = real_mul(real_middle(real_enclose(size)), real_double(f, ldexp(1, -(int)k)));
        if (!matrix_is_positive(matrix_mix(real_whole(f, 1), s, real_neg(mu), one)))
            continue;
        real two = real_whole(f, 2), radius = real_add(e, real_div(PRODUCT(two, SUM(real_mul(e, size), rest)), mu));
        struct matrix q = blank(f, p.rows, p.cols);
        for (size_t j = 0; j < matrix_count(q); j++)
            q.at[j] = real_add(p.at[j], real_between(real_neg(radius), radius));
        return a.rows >= a.cols ? q : matrix_transpose(q);
    }
    work_fail(f->w, ASSAY_UNDECIDED, "the rank of a matrix is undecided at %ld bits", (long)f->prec);
}

struct matrix matrix_orth(struct matrix a)
{
    size_t r = shorter_side(a);
    return r == 1 ? orth_of_rank_one(a) : r == 2 ? orth_of_two(a) : orth_certified(a);
}

/* ---- norms --------------------------------------------------------------------------------------------------- */

/* sigma_1^2 = (t + sqrt(t^2 - 4 d)) / 2 for the trace t and determinant d of the Gram matrix; in general, with G =
 * A^T A, tr(G^k)^(1/2k) r^(-1/2k) <= ||A||_2 <= tr(G^k)^(1/2k). */
real matrix_spectral(struct matrix a)
{
    const struct field *f = field_of(a);
    size_t r = shorter_side(a);
    real square = matrix_square(a), half = real_fraction(f, 1, 2);
    if (r == 1)
        return real_root(square);
    if (r == 2) {
        real rest = real_sub(real_square(square), real_mul(real_whole(f, 4), gram_determinant(a)));
        return real_root(real_mul(half, real_add(square, real_root(rest))));
    }
    struct matrix t = matrix_transpose(a), g = a.rows > a.cols ? matrix_product(t, a) : matrix_product(a, t);
    real top, bottom;
    g = matrix_enclose(g);
    for (int k = 0; k < 5; k++)
        g = matrix_product(g, g);
    top = matrix_trace(g);
    bottom = real_div(top, real_whole(f, (long)r));
    for (int k = 0; k < 6; k++) {
        top = real_root(top);
        bottom = real_root(bottom);
    }
    return real_between(bottom, top);
}

real matrix_nuclear(struct matrix a)
{
    size_t r = shorter_side(a);
    if (r == 1)
        return matrix_frobenius(a);
    if (r == 2) {
        real d = real_root(gram_determinant(a));
        return real_root(SUM(matrix_square(a), d, d));
    }
    return matrix_dot(a, matrix_orth(a));
}

/* The length of column j, or of row j. */
static real length_of(struct matrix a, size_t j, bool column)
{
    struct matrix part = blank(field_of(a), column ? a.rows : a.cols, 1);
    for (size_t k = 0; k < part.rows; k++)
        part.at[k] = column ? a.at[k * a.cols + j] : a.at[j * a.cols + k];
    return matrix_frobenius(part);
}

/* The largest, or the sum, of the lengths. */
static real lengths(struct matrix a, bool column, bool sum)
{
    real all = real_whole(field_of(a), 0);
    for (size_t j = 0; j < (column ? a.cols : a.rows); j++)
        all = sum ? real_add(all, length_of(a, j, column)) : real_max(all, length_of(a, j, column));
    return all;
}

static real entries(struct matrix a, bool sum)
{
    real all = real_whole(field_of(a), 0);
    for (size_t k = 0; k < matrix_count(a); k++)
        all = sum ? real_add(all, real_abs(a.at[k])) : real_max(all, real_abs(a.at[k]));
    return all;
}

static real root_of(const struct field *f, size_t numerator, size_t denominator)
{
    return real_root(real_fraction(f, (long)numerator, denominator));
}

real norm_of(enum assay_norm norm, struct matrix a)
{
    const struct field *f = field_of(a);
    switch (norm) {
    case ASSAY_NORM_SPECTRAL:
        return matrix_spectral(a);
    case ASSAY_NORM_FROBENIUS:
        return matrix_frobenius(a);
    case ASSAY_NORM_MAX:
        return entries(a, false);
    case ASSAY_NORM_RMS:
        return real_mul(root_of(f, a.cols, a.rows), matrix_spectral(a));
    case ASSAY_NORM_NUCLEAR:
        return matrix_nuclear(a);
    case ASSAY_NORM_SUM:
        return entries(a, true);
    case ASSAY_NORM_COLUMN:
        return real_mul(root_of(f, 1, a.rows), lengths(a, true, false));
    default:
        return real_mul(root_of(f, a.cols, 1), lengths(a, false, false));
    }
}

real dual_of(enum assay_norm norm, struct matrix a)
{
    const struct field *f = field_of(a);
    switch (norm) {
    case ASSAY_NORM_SPECTRAL:
        return matrix_nuclear(a);
    case ASSAY_NORM_FROBENIUS:
        return matrix_frobenius(a);
    case ASSAY_NORM_MAX:
        return entries(a, true);
    case ASSAY_NORM_RMS:
        return real_mul(root_of(f, a.rows, a.cols), matrix_nuclear(a));
    case ASSAY_NORM_NUCLEAR:
        return matrix_spectral(a);
    case ASSAY_NORM_SUM:
        return entries(a, false);
    case ASSAY_NORM_COLUMN:
        return real_mul(root_of(f, a.rows, 1), lengths(a, true, true));
    default:
        return real_mul(root_of(f, 1, a.cols), lengths(a, false, true));
    }
}

static real minus_sign(real x)
{
    return real_whole(x->field, -real_sign(x, "an entry"));
}

/* -scale times each column, or row, over its length; zeros stay. */
static struct matrix normalise(struct matrix a, bool column, real scale)
{
    struct matrix d = blank(field_of(a), a.rows, a.cols);
    for (size_t k = 0; k < matrix_count(a); k++) {
        real length = length_of(a, column ? k % a.cols : k / a.cols, column);
        d.at[k] = real_sign(length, "a length") == 0 ? length : real_neg(real_div(real_mul(scale, a.at[k]), length));
    }
    return d;
}

/* -u_1 v_1^T for min(m, n) <= 2: with sigma_1 > sigma_2, A^T A - sigma_2^2 I = (sigma_1^2 - sigma_2^2) v_1 v_1^T, so
 * u_1 v_1^T = (A - sigma_2 O) / (sigma_1 - sigma_2) for the polar factor O; and O / 2 where they are equal. */
static struct matrix nuclear_lmo(struct matrix a)
{
    const struct field *f = field_of(a);
    struct matrix o = matrix_orth(a);
    real first = matrix_spectral(a), second = real_sub(matrix_nuclear(a), first), gap = real_sub(first, second);
    if (real_sign(first, "||A||") == 0 || shorter_side(a) == 1)
        return matrix_map(o, real_neg);
    if (real_sign(gap, "a gap of singular values") == 0)
        return matrix_scale(real_fraction(f, -1, 2), o);
    return matrix_scale(real_div(real_whole(f, -1), gap), matrix_mix(real_whole(f, 1), a, real_neg(second), o));
}

static struct matrix sum_lmo(struct matrix a)
{
    const struct field *f = field_of(a);
    struct matrix d = matrix_new(f, a.rows, a.cols);
    real largest = entries(a, false);
    long count = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t k = 0; k < matrix_count(a); k++)
            if (real_sign(real_sub(largest, real_abs(a.at[k])), "a difference of entries") == 0) {
                count += pass == 0;
                if (pass == 1)
                    d.at[k] = real_div(minus_sign(a.at[k]), real_whole(f, count));
            }
    return d;
}

struct matrix lmo_of(enum assay_norm norm, struct matrix a)
{
    const struct field *f = field_of(a);
    switch (norm) {
    case ASSAY_NORM_SPECTRAL:
        return matrix_map(matrix_orth(a), real_neg);
    case ASSAY_NORM_FROBENIUS:
        return matrix_map(orth_of_rank_one(a), real_neg);
    case ASSAY_NORM_MAX:
        return matrix_map(a, minus_sign);
    case ASSAY_NORM_RMS:
        return matrix_scale(real_neg(root_of(f, a.rows, a.cols)), matrix_orth(a));
    case ASSAY_NORM_NUCLEAR:
        return nuclear_lmo(a);
    case ASSAY_NORM_SUM:
        return sum_lmo(a);
    case ASSAY_NORM_COLUMN:
        return normalise(a, true, root_of(f, a.rows, 1));
    default:
        return normalise(a, false, root_of(f, 1, a.cols));
    }
}

real norm_rho(enum assay_norm norm, const struct field *f, size_t rows, size_t cols)
{
    size_t r = rows < cols ? rows : cols;
    switch (norm) {
    case ASSAY_NORM_SPECTRAL:
        return root_of(f, r, 1);
    case ASSAY_NORM_MAX:
    case ASSAY_NORM_COLUMN:
        return root_of(f, rows * cols, 1);
    case ASSAY_NORM_RMS:
        return root_of(f, rows * r, cols);
    case ASSAY_NORM_ROW:
        return root_of(f, rows, cols);
    default:
        return real_whole(f, 1);
    }
}
