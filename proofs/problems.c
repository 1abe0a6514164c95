#include "problems.h"

/* ---- functions of one number --------------------------------------------------------------------------------- */

/* phi(t) = |t| (1 - e^-|t|), phi'(t) = sign(t) (1 + (|t| - 1) e^-|t|), phi''(t) = (2 - |t|) e^-|t|. */
real star_value(real t)
{
    real size = real_abs(t);
    return real_mul(size, real_sub(real_whole(t->field, 1), real_exp(real_neg(size))));
}

static real star_slope(real t)
{
    const struct field *f = t->field;
    real one = real_whole(f, 1), size = real_abs(t);
    int sign = real_sign(t, "t in phi'(t)");
    real slope = real_add(one, real_mul(real_sub(size, one), real_exp(real_neg(size))));
    return sign == 0 ? real_whole(f, 0) : sign > 0 ? slope : real_neg(slope);
}

static real star_curvature(real t)
{
    real size = real_abs(t);
    return real_mul(real_sub(real_whole(t->field, 2), size), real_exp(real_neg(size)));
}

/* h(x) = c (|x| - c / 2), c = min(|x|, 1): both pieces in one formula. */
static real huber_value(real x)
{
    real size = real_abs(x), c = real_min(size, real_whole(x->field, 1));
    return real_mul(c, real_sub(size, real_div(c, real_whole(x->field, 2))));
}

static real huber_slope(real x)
{
    real one = real_whole(x->field, 1);
    return real_max(real_neg(one), real_min(one, x));
}

static real cosine_value(real x)
{
    return real_sub(real_whole(x->field, 1), real_cos(x));
}

static real cubic_value(real x)
{
    const struct field *f = x->field;
    return real_mul(real_square(x), real_add(real_fraction(f, 1, 2), real_div(x, real_whole(f, 6))));
}

static real cubic_slope(real x)
{
    return real_add(x, real_div(real_square(x), real_whole(x->field, 2)));
}

static real cubic_curvature(real x)
{
    return real_add(real_whole(x->field, 1), x);
}

static real total(struct matrix x)
{
    real sum = x.at[0];
    for (size_t k = 1; k < matrix_count(x); k++)
        sum = real_add(sum, x.at[k]);
    return sum;
}

/* ---- making -------------------------------------------------------------------------------------------------- */

/* Q diag Q^T, Q the rotation (3 -4; 4 3) / 5 for n = 2, else the identity. */
static struct matrix positive_matrix(const struct field *f, size_t n, long first)
{
    struct matrix d = matrix_new(f, n, n);
    for (size_t k = 0; k < n; k++)
        d.at[k * n + k] = real_fraction(f, first, 1 + k);
    struct matrix q = n == 2 ? matrix_from(f, 2, 2, (long[]){3, -4, 4, 3}, 5) : matrix_identity(f, n);
    return matrix_product(matrix_product(q, d), matrix_transpose(q));
}

struct problem problem_new(const struct field *f, enum problem_kind kind, size_t rows, size_t cols, uint64_t seed)
{
    static const char *const names[] = {"P1 quadratic", "P2 distance", "P3 star-convex", "P4 cosines",
                                        "P5 Huber",     "P6 softmax",  "P7 linear",      "P8 cubic"};
    struct problem p = {.kind = kind, .name = names[kind], .field = f};
    p.convex = kind != PROBLEM_STAR && kind != PROBLEM_COSINE;
    p.star_convex = kind != PROBLEM_COSINE;
    seed = ~seed; /* what a caller draws from the same seed must not be the solution */
    p.c = matrix_random(f, rows, cols, &seed);
    if (kind == PROBLEM_QUADRATIC) {
        p.a = positive_matrix(f, rows, 3);
        p.b = positive_matrix(f, cols, 1);
        p.solution = p.c; /* and C of the definition is A X* B */
        p.c = matrix_product(matrix_product(p.a, p.solution), p.b);
    } else if (kind == PROBLEM_DISTANCE || kind == PROBLEM_STAR) {
        p.solution = p.c;
    } else if (kind == PROBLEM_COSINE || kind == PROBLEM_HUBER || kind == PROBLEM_CUBIC) {
        p.solution = matrix_new(f, rows, cols);
    } else if (kind == PROBLEM_SOFTMAX) {
        p.a = matrix_random(f, cols, 3, &seed);
    }
    return p;
}

/* ---- values and derivatives ---------------------------------------------------------------------------------- */

/* For P6: softmax(X a_s) in column s; *value is the mean cross-entropy for the class s mod rows. */
static struct matrix softmax(const struct problem *p, struct matrix x, real *value)
{
    const struct field *f = p->field;
    struct matrix z = matrix_product(x, p->a), exponentials = matrix_map(z, real_exp);
    real sum = real_whole(f, 0);
    for (size_t s = 0; s < z.cols; s++) {
        real all = exponentials.at[s];
        for (size_t i = 1; i < z.rows; i++)
            all = real_add(all, exponentials.at[i * z.cols + s]);
        for (size_t i = 0; i < z.rows; i++)
            exponentials.at[i * z.cols + s] = real_div(exponentials.at[i * z.cols + s], all);
        sum = SUM(sum, real_log(all), real_neg(z.at[s % z.rows * z.cols + s]));
    }
    *value = real_div(sum, real_whole(f, (long)z.cols));
    return exponentials;
}

real problem_value(const struct problem *p, struct matrix x)
{
    real half = real_fraction(p->field, 1, 2), value;
    switch (p->kind) {
    case PROBLEM_QUADRATIC:
        return real_sub(real_mul(half, matrix_dot(x, matrix_product(matrix_product(p->a, x), p->b))),
                        matrix_dot(p->c, x));
    case PROBLEM_DISTANCE:
        return real_mul(half, matrix_square(matrix_sub(x, p->c)));
    case PROBLEM_STAR:
        return total(matrix_map(matrix_sub(x, p->c), star_value));
    case PROBLEM_COSINE:
        return total(matrix_map(x, cosine_value));
    case PROBLEM_HUBER:
        return total(matrix_map(x, huber_value));
    case PROBLEM_SOFTMAX:
        softmax(p, x, &value);
        return value;
    case PROBLEM_LINEAR:
        return matrix_dot(p->c, x);
    default:
        return total(matrix_map(x, cubic_value));
    }
}

struct matrix problem_gradient(const struct problem *p, struct matrix x)
{
    real value;
    switch (p->kind) {
    case PROBLEM_QUADRATIC:
        return matrix_sub(matrix_product(matrix_product(p->a, x), p->b), p->c);
    case PROBLEM_DISTANCE:
        return matrix_sub(x, p->c);
    case PROBLEM_STAR:
        return matrix_map(matrix_sub(x, p->c), star_slope);
    case PROBLEM_COSINE:
        return matrix_map(x, real_sin);
    case PROBLEM_HUBER:
        return matrix_map(x, huber_slope);
    case PROBLEM_SOFTMAX: {
        struct matrix excess = softmax(p, x, &value);
        for (size_t s = 0; s < excess.cols; s++) {
            size_t k = s % excess.rows * excess.cols + s;
            excess.at[k] = real_sub(excess.at[k], real_whole(p->field, 1));
        }
        return matrix_scale(real_fraction(p->field, 1, excess.cols), matrix_product(excess, matrix_transpose(p->a)));
    }
    case PROBLEM_LINEAR:
        return p->c;
    default:
        return matrix_map(x, cubic_slope);
    }
}

struct matrix problem_hessian(const struct problem *p, struct matrix x, struct matrix d)
{
    struct matrix weights;
    if (p->kind == PROBLEM_QUADRATIC)
        return matrix_product(matrix_product(p->a, d), p->b);
    if (p->kind == PROBLEM_DISTANCE)
        return d;
    if (p->kind == PROBLEM_LINEAR)
        return matrix_new(p->field, d.rows, d.cols);
    weights = p->kind == PROBLEM_STAR     ? matrix_map(matrix_sub(x, p->c), star_curvature)
              : p->kind == PROBLEM_COSINE ? matrix_map(x, real_cos)
                                          : matrix_map(x, cubic_curvature);
    for (size_t k = 0; k < matrix_count(d); k++)
        weights.at[k] = real_mul(weights.at[k], d.at[k]);
    return weights;
}

/* ---- constants ----------------------------------------------------------------------------------------------- */

/* Where entries of the gradient have slope at most c, ||D||_* <= rho ||D||_F <= c rho ||X||_F <= c rho^2 ||X||: rho^2
 * is 1, r or m n, whole numbers, so that what is computed with it can stay exact. */
static real dimension_factor(const struct problem *p, enum assay_norm norm)
{
    size_t m = p->c.rows, n = p->c.cols, r = m < n ? m : n;
    return real_whole(p->field, (long)(norm == ASSAY_NORM_SPECTRAL ? r : norm == ASSAY_NORM_MAX ? m * n : 1));
}

/* max of <S, A S B> over sign matrices S: a convex function, so its maximum over the max ball is taken at one. */
static real quadratic_max(const struct problem *p)
{
    const struct field *f = p->field;
    struct matrix s = matrix_new(f, p->c.rows, p->c.cols);
    real largest = real_whole(f, 0);
    for (size_t signs = 0; signs < (size_t)1 << matrix_count(s); signs++) {
        for (size_t k = 0; k < matrix_count(s); k++)
            s.at[k] = real_whole(f, signs >> k & 1 ? 1 : -1);
        largest = real_max(largest, matrix_dot(s, matrix_product(matrix_product(p->a, s), p->b)));
    }
    return largest;
}

/* L = lambda_1(A) lambda_1(B) for Frobenius, sum lambda_i(A) lambda_i(B) for spectral: Horn. The eigenvalues of
 * positive_matrix() are known: first / (1 + k). */
static real quadratic_smoothness(const struct problem *p, enum assay_norm norm)
{
    const struct field *f = p->field;
    size_t r = p->c.rows < p->c.cols ? p->c.rows : p->c.cols;
    real sum = real_whole(f, 3);
    if (norm == ASSAY_NORM_MAX)
        return quadratic_max(p);
    for (size_t k = 1; k < r && norm == ASSAY_NORM_SPECTRAL; k++)
        sum = real_add(sum, real_fraction(f, 3, (1 + k) * (1 + k)));
    return sum;
}

/* 1/2 lambda_max(mean a a^T) <= 1/2 mean ||a||_2^2 (used for both), and mean ||a||_1^2. */
static real softmax_smoothness(const struct problem *p, enum assay_norm norm)
{
    const struct field *f = p->field;
    real sum = real_whole(f, 0);
    if (norm != ASSAY_NORM_MAX)
        return real_div(matrix_square(p->a), real_whole(f, 2 * (long)p->a.cols));
    for (size_t s = 0; s < p->a.cols; s++) {
        real size = real_whole(f, 0);
        for (size_t i = 0; i < p->a.rows; i++)
            size = real_add(size, real_abs(p->a.at[i * p->a.cols + s]));
        sum = real_add(sum, real_square(size));
    }
    return real_div(sum, real_whole(f, (long)p->a.cols));
}

real problem_smoothness(const struct problem *p, enum assay_norm norm)
{
    const struct field *f = p->field;
    switch (p->kind) {
    case PROBLEM_QUADRATIC:
        return quadratic_smoothness(p, norm);
    case PROBLEM_SOFTMAX:
        return softmax_smoothness(p, norm);
    case PROBLEM_LINEAR:
        return real_whole(f, 0);
    default:
        return real_mul(real_whole(f, p->kind == PROBLEM_STAR ? 2 : 1), dimension_factor(p, norm));
    }
}

bool problem_has_third(const struct problem *p)
{
    return p->kind != PROBLEM_HUBER && p->kind != PROBLEM_SOFTMAX;
}

real problem_third(const struct problem *p, enum assay_norm norm)
{
    long h = p->kind == PROBLEM_STAR ? 3 : p->kind == PROBLEM_COSINE || p->kind == PROBLEM_CUBIC;
    return real_mul(real_whole(p->field, h), dimension_factor(p, norm));
}
