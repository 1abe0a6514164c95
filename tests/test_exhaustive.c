/* Whole small domains: all 2 x 2 matrices of FP4 numbers (E2M1: 0, 1/2, 1, 3/2, 2, 3, 4, 6 and their negatives, -0 too),
 * and all 3 x 3 matrices of -1, 0 and 1, singular ones, ties and all, against closed forms. */
#include "support.h"

#include "ref.h"

#include <math.h>

/* The closed forms are computed to PREC bits. Their values are algebraic numbers of low degree whose polynomials have
 * small coefficients: one that is not the sum of two binary64 numbers is much farther than 2^-TINY from any that is. */
enum { PREC = 640, TINY = 480 };

/* ---- 3 x 3 matrices of MPFR numbers; 2 x 2 ones have a row and a column of zeros more ---------------------------------- */

struct matrix {
    mpfr_t at[9];
};

static void init(struct matrix *a)
{
    for (size_t k = 0; k < 9; k++) {
        mpfr_init2(a->at[k], PREC);
        mpfr_set_zero(a->at[k], 1);
    }
}

static void clear(struct matrix *a)
{
    for (size_t k = 0; k < 9; k++)
        mpfr_clear(a->at[k]);
}

static void copy(struct matrix *c, const struct matrix *a)
{
    for (size_t k = 0; k < 9; k++)
        mpfr_set(c->at[k], a->at[k], MPFR_RNDN);
}

/* c = a b, or a^T b; c is neither. */
static void multiply(struct matrix *c, const struct matrix *a, bool transposed, const struct matrix *b)
{
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++) {
            mpfr_set_zero(c->at[i * 3 + j], 1);
            for (size_t k = 0; k < 3; k++)
                mpfr_fma(c->at[i * 3 + j], a->at[transposed ? k * 3 + i : i * 3 + k], b->at[k * 3 + j],
                         c->at[i * 3 + j], MPFR_RNDN);
        }
}

/* a = x a + y b */
static void combine(struct matrix *a, mpfr_srcptr x, mpfr_srcptr y, const struct matrix *b)
{
    for (size_t k = 0; k < 9; k++)
        mpfr_fmma(a->at[k], x, a->at[k], y, b->at[k], MPFR_RNDN);
}

static void divide(struct matrix *a, mpfr_srcptr s)
{
    for (size_t k = 0; k < 9; k++)
        mpfr_div(a->at[k], a->at[k], s, MPFR_RNDN);
}

static void add_to_diagonal(struct matrix *a, mpfr_srcptr x)
{
    for (size_t i = 0; i < 9; i += 4)
        mpfr_add(a->at[i], a->at[i], x, MPFR_RNDN);
}

/* Entry (i, j) is the cofactor of a_ij: a^T times this is det a times the identity. */
static void cofactors(struct matrix *c, const struct matrix *a)
{
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++) {
            size_t i1 = (i + 1) % 3, i2 = (i + 2) % 3, j1 = (j + 1) % 3, j2 = (j + 2) % 3;
            mpfr_fmms(c->at[3 * i + j], a->at[3 * i1 + j1], a->at[3 * i2 + j2], a->at[3 * i1 + j2], a->at[3 * i2 + j1],
                      MPFR_RNDN);
        }
}

static void determinant(mpfr_ptr det, const struct matrix *a, const struct matrix *cofactor)
{
    mpfr_set_zero(det, 1);
    for (size_t j = 0; j < 3; j++)
        mpfr_fma(det, a->at[j], cofactor->at[j], det, MPFR_RNDN);
}

static void sum_of_squares(mpfr_ptr sum, const struct matrix *a)
{
    mpfr_set_zero(sum, 1);
    for (size_t k = 0; k < 9; k++)
        mpfr_fma(sum, a->at[k], a->at[k], sum, MPFR_RNDN);
}

/* ---- closed forms -------------------------------------------------------------------------------------------------------- */

/* What is known of A, of side n = 2 or 3. With G = A^T A, e1, e2, e3 are the elementary symmetric functions of its
 * eigenvalues: ||A||^2, the sum of the squared 2 x 2 minors, det^2; all exact, as is everything polynomial in A. */
struct truth {
    size_t n, rank;
    struct matrix a, g, cofactor;
    mpfr_t det, e1, e2, e3, t, u, minus;
};

static void truth_init(struct truth *x)
{
    init(&x->a);
    init(&x->g);
    init(&x->cofactor);
    mpfr_inits2(PREC, x->det, x->e1, x->e2, x->e3, x->t, x->u, x->minus, (mpfr_ptr)NULL);
    mpfr_set_si(x->minus, -1, MPFR_RNDN);
}

static void truth_clear(struct truth *x)
{
    clear(&x->a);
    clear(&x->g);
    clear(&x->cofactor);
    mpfr_clears(x->det, x->e1, x->e2, x->e3, x->t, x->u, x->minus, (mpfr_ptr)NULL);
}

static void truth_set(struct truth *x, size_t n, const double *a)
{
    x->n = n;
    for (size_t k = 0; k < 9; k++)
        mpfr_set_d(x->a.at[k], k / 3 < n && k % 3 < n ? a[k / 3 * n + k % 3] : 0, MPFR_RNDN);
    multiply(&x->g, &x->a, true, &x->a);
    cofactors(&x->cofactor, &x->a);
    determinant(x->det, &x->a, &x->cofactor);
    sum_of_squares(x->e1, &x->a);
    sum_of_squares(x->e2, &x->cofactor);
    mpfr_sqr(x->e3, x->det, MPFR_RNDN);
    x->rank = !mpfr_zero_p(x->e3) ? 3 : !mpfr_zero_p(x->e2) ? 2 : !mpfr_zero_p(x->e1) ? 1 : 0;
}

/* Q, the polar factor or the partial isometry of the range.
 *
 * Rank 3: Newton's iteration X <- (X + X^-T) / 2 from A, quadratic once near (X^-T: cofactors over determinant).
 * Rank 2: d = s1 s2 = sqrt(e2), t = s1 + s2 = sqrt(e1 + 2 d); the root S of G has S^2 - t S + d P = 0 with P the projector
 * on its range, so that Q = A S^+ = ((e1 + d) A - A G) / (t d). Rank 1: A / ||A||. */
static void polar(struct matrix *q, struct truth *x)
{
    struct matrix c;
    init(&c);
    if (x->rank == 3) {
        copy(q, &x->a);
        mpfr_set_d(x->t, 0.5, MPFR_RNDN);
        for (int step = 0; step < 18; step++) {
            cofactors(&c, q);
            determinant(x->u, q, &c);
            divide(&c, x->u);
            combine(q, x->t, x->t, &c);
        }
    } else if (x->rank == 2) {
        multiply(q, &x->a, false, &x->g);
        mpfr_sqrt(x->t, x->e2, MPFR_RNDN);
        mpfr_add(x->u, x->e1, x->t, MPFR_RNDN);
        combine(q, x->minus, x->u, &x->a);
        mpfr_add(x->u, x->u, x->t, MPFR_RNDN);
        mpfr_sqrt(x->u, x->u, MPFR_RNDN);
        mpfr_mul(x->u, x->u, x->t, MPFR_RNDN);
        divide(q, x->u);
    } else {
        copy(q, &x->a);
        mpfr_sqrt(x->t, x->e1, MPFR_RNDN);
        if (x->rank)
            divide(q, x->t);
    }
    clear(&c);
}

/* t = the largest root of p(l) = l^3 - e1 l^2 + e2 l - e3, a simple one: Newton's iteration falls to it from e1. */
static void largest_root(struct truth *x)
{
    mpfr_t p, slope;
    mpfr_inits2(PREC, p, slope, (mpfr_ptr)NULL);
    mpfr_set(x->t, x->e1, MPFR_RNDN);
    mpfr_set(p, x->e1, MPFR_RNDN);
    while (!mpfr_zero_p(p) && mpfr_get_exp(p) > -PREC / 2) { /* once more is all the digits */
        mpfr_sub(p, x->t, x->e1, MPFR_RNDN);
        mpfr_fma(p, p, x->t, x->e2, MPFR_RNDN);
        mpfr_fms(p, p, x->t, x->e3, MPFR_RNDN);
        mpfr_mul_si(slope, x->t, 3, MPFR_RNDN);
        mpfr_sub(slope, slope, x->e1, MPFR_RNDN);
        mpfr_sub(slope, slope, x->e1, MPFR_RNDN);
        mpfr_fma(slope, slope, x->t, x->e2, MPFR_RNDN);
        mpfr_div(p, p, slope, MPFR_RNDN);
        mpfr_sub(x->t, x->t, p, MPFR_RNDN);
    }
    mpfr_clears(p, slope, (mpfr_ptr)NULL);
}

/* t = the double root (e1 e2 - 9 e3) / (2 (e1^2 - 3 e2)) of p and u = the other, where the discriminant is zero and the
 * root not threefold; false if there is none. */
static bool double_root(struct truth *x)
{
    mpfr_t terms[5];
    mpfr_ptr pointers[5];
    for (size_t k = 0; k < 5; k++) {
        mpfr_init2(terms[k], PREC);
        pointers[k] = terms[k];
    }
    mpfr_mul(terms[0], x->e1, x->e2, MPFR_RNDN);
    mpfr_mul(terms[2], terms[0], x->e3, MPFR_RNDN);
    mpfr_mul_si(terms[2], terms[2], 18, MPFR_RNDN);
    mpfr_sqr(terms[0], terms[0], MPFR_RNDN);
    mpfr_pow_ui(terms[1], x->e2, 3, MPFR_RNDN);
    mpfr_mul_si(terms[1], terms[1], -4, MPFR_RNDN);
    mpfr_pow_ui(terms[3], x->e1, 3, MPFR_RNDN);
    mpfr_mul(terms[3], terms[3], x->e3, MPFR_RNDN);
    mpfr_mul_si(terms[3], terms[3], -4, MPFR_RNDN);
    mpfr_sqr(terms[4], x->e3, MPFR_RNDN);
    mpfr_mul_si(terms[4], terms[4], -27, MPFR_RNDN);
    mpfr_sum(x->u, pointers, 5, MPFR_RNDN);
    bool is_double = mpfr_zero_p(x->u);
    mpfr_mul(x->t, x->e1, x->e2, MPFR_RNDN);
    mpfr_mul_si(terms[0], x->e3, 9, MPFR_RNDN);
    mpfr_sub(x->t, x->t, terms[0], MPFR_RNDN);
    mpfr_sqr(x->u, x->e1, MPFR_RNDN);
    mpfr_mul_si(terms[0], x->e2, 3, MPFR_RNDN);
    mpfr_sub(x->u, x->u, terms[0], MPFR_RNDN);
    mpfr_mul_2si(x->u, x->u, 1, MPFR_RNDN);
    is_double = is_double && !mpfr_zero_p(x->u);
    mpfr_div(x->t, x->t, x->u, MPFR_RNDN);
    mpfr_mul_2si(x->u, x->t, 1, MPFR_RNDN);
    mpfr_sub(x->u, x->e1, x->u, MPFR_RNDN);
    for (size_t k = 0; k < 5; k++)
        mpfr_clear(terms[k]);
    return is_double;
}

static bool is_multiple_of_identity(const struct matrix *a)
{
    bool is = true;
    for (size_t k = 0; k < 9; k++)
        is = is && (k % 4 == 0 ? mpfr_equal_p(a->at[k], a->at[0]) : mpfr_zero_p(a->at[k]));
    return is;
}

/* D = U1 V1^T / k for the k largest singular values s1, which are equal: the maximiser of <A, D> in the nuclear ball that
 * has the least Frobenius norm. D = A P / (k s1), where P projects on the eigenspace of G for l = s1^2: P = I for k = 3,
 * (G - m I) / (l - m) for k = 2 with m the third eigenvalue, (G^2 - (e1 - l) G + (e2 - l (e1 - l)) I) / p'(l) for k = 1.
 * Returns k. */
static unsigned nuclear(struct matrix *d, struct truth *x)
{
    struct matrix p;
    unsigned k = 1;
    init(&p);
    mpfr_t l, m;
    mpfr_inits2(PREC, l, m, (mpfr_ptr)NULL);
    if (double_root(x) && mpfr_greater_p(x->t, x->u)) {
        k = 2;
        mpfr_set(l, x->t, MPFR_RNDN);
        copy(&p, &x->g);
        mpfr_neg(m, x->u, MPFR_RNDN);
        add_to_diagonal(&p, m);
        mpfr_add(m, m, l, MPFR_RNDN);
        divide(&p, m);
    } else if (is_multiple_of_identity(&x->g)) {
        k = 3;
        mpfr_set(l, x->g.at[0], MPFR_RNDN);
        mpfr_set_si(m, 1, MPFR_RNDN);
        add_to_diagonal(&p, m);
    } else {
        largest_root(x);
        mpfr_set(l, x->t, MPFR_RNDN);
        multiply(&p, &x->g, false, &x->g);
        mpfr_sub(m, x->t, x->e1, MPFR_RNDN); /* l - e1 */
        mpfr_set_si(x->u, 1, MPFR_RNDN);
        combine(&p, x->u, m, &x->g);
        mpfr_fma(m, m, l, x->e2, MPFR_RNDN);
        add_to_diagonal(&p, m);
        mpfr_mul_si(m, l, 3, MPFR_RNDN);
        mpfr_sub(m, m, x->e1, MPFR_RNDN);
        mpfr_sub(m, m, x->e1, MPFR_RNDN);
        mpfr_fma(m, m, l, x->e2, MPFR_RNDN);
        divide(&p, m);
    }
    multiply(d, &x->a, false, &p);
    mpfr_sqrt(l, l, MPFR_RNDN);
    mpfr_mul_ui(l, l, k, MPFR_RNDN);
    divide(d, l);
    clear(&p);
    mpfr_clears(l, m, (mpfr_ptr)NULL);
    return k;
}

/* X = A / (||A|| + eps), then X <- a X + b X G + c X G^2 with G = X^T X, as often as the dialect says. */
static void iterate(struct matrix *y, struct truth *x, const struct assay_dialect *d)
{
    struct matrix g, xg, xgg;
    init(&g);
    init(&xg);
    init(&xgg);
    mpfr_t c[3];
    for (size_t k = 0; k < 3; k++)
        mpfr_init2(c[k], PREC);
    copy(y, &x->a);
    mpfr_sqrt(x->t, x->e1, MPFR_RNDN);
    mpfr_add_d(x->t, x->t, d->eps, MPFR_RNDN);
    divide(y, x->t);
    for (size_t k = 0; k < assay_dialect_steps(d); k++) {
        struct assay_triple triple = assay_dialect_triple(d, k);
        mpfr_set_d(c[0], triple.a, MPFR_RNDN);
        mpfr_set_d(c[1], triple.b, MPFR_RNDN);
        mpfr_set_d(c[2], triple.c, MPFR_RNDN);
        multiply(&g, y, true, y);
        multiply(&xg, y, false, &g);
        multiply(&xgg, &xg, false, &g);
        combine(y, c[0], c[1], &xg);
        mpfr_set_si(x->t, 1, MPFR_RNDN);
        combine(y, x->t, c[2], &xgg);
    }
    clear(&g);
    clear(&xg);
    clear(&xgg);
    for (size_t k = 0; k < 3; k++)
        mpfr_clear(c[k]);
}

/* ---- comparing ------------------------------------------------------------------------------------------------------------ */

struct result {
    double hi[9], lo[9], radius;
};

/* What is left of `exact` after its nearest binary64 number is taken off and returned; what is tiny is nothing. */
static double take(mpfr_ptr exact)
{
    double x = mpfr_get_d(exact, MPFR_RNDN) + 0.0;
    mpfr_sub_d(exact, exact, x, MPFR_RNDN);
    if (!mpfr_zero_p(exact) && mpfr_get_exp(exact) < -TINY)
        mpfr_set_zero(exact, 1);
    return fabs(x) < ldexp(1, -TINY) ? 0 : x;
}

/* Whether hi and lo are the correctly rounded entries of sign * `exact`, signs of zeros included, and the radius is the least
 * power of two that bounds the rest. Overwrites `exact`. */
static bool agrees(const struct result *got, struct matrix *exact, size_t n, int sign)
{
    bool same = true;
    mpfr_t rest;
    mpfr_init2(rest, PREC);
    mpfr_set_zero(rest, 1);
    for (size_t k = 0; k < n * n; k++) {
        mpfr_ptr x = exact->at[k / n * 3 + k % n];
        if (sign < 0)
            mpfr_neg(x, x, MPFR_RNDN);
        for (int low = 0; low < 2; low++) {
            double found = low ? got->lo[k] : got->hi[k];
            same = same && found == take(x) && !(found == 0 && signbit(found));
        }
        mpfr_fma(rest, x, x, rest, MPFR_RNDN);
    }
    mpfr_sqrt(rest, rest, MPFR_RNDN);
    mpfr_prec_round(rest, TINY / 2, MPFR_RNDN); /* of rational matrices it may be a power of two */
    if (mpfr_zero_p(rest))
        same = same && got->radius == 0;
    else
        same = same && mpfr_cmp_d(rest, got->radius) <= 0 && mpfr_cmp_d(rest, got->radius / 2) > 0;
    mpfr_clear(rest);
    return same;
}

static void lmo(struct result *got, bool *unique, enum assay_norm norm, size_t n, const double *a)
{
    assay_answer view = {{got->hi, n, n, n}, {got->lo, n, n, n}, 0};
    assay_lmo_info info;
    ck_assert_int_eq(assay_ref_lmo(&view, &info, norm, 1, (assay_input){a, n, n, n}, NULL), ASSAY_OK);
    got->radius = view.radius;
    *unique = info.unique;
}

/* Frobenius: -A / ||A||; max: -sign A. */
static bool check_entrywise(struct truth *x, struct matrix *exact, const double *a)
{
    struct result got;
    bool unique, zeros = false;
    for (size_t k = 0; k < x->n * x->n; k++)
        zeros = zeros || a[k] == 0;
    copy(exact, &x->a);
    mpfr_sqrt(x->t, x->e1, MPFR_RNDN);
    if (x->rank)
        divide(exact, x->t);
    lmo(&got, &unique, ASSAY_NORM_FROBENIUS, x->n, a);
    bool good = agrees(&got, exact, x->n, -1) && unique == (x->rank > 0);
    for (size_t k = 0; k < 9; k++)
        mpfr_set_si(exact->at[k], mpfr_sgn(x->a.at[k]), MPFR_RNDN);
    lmo(&got, &unique, ASSAY_NORM_MAX, x->n, a);
    return good && agrees(&got, exact, x->n, -1) && unique == !zeros;
}

/* Whether y is -x, zeros positive: the correctly rounded answer for -X where x is that for X, as rounding to nearest is
 * symmetric. */
static bool are_negatives(const struct result *x, const struct result *y, size_t n)
{
    bool so = x->radius == y->radius;
    for (size_t k = 0; k < n * n; k++) {
        so = so && y->hi[k] == -x->hi[k] && !(y->hi[k] == 0 && signbit(y->hi[k]));
        so = so && y->lo[k] == -x->lo[k] && !(y->lo[k] == 0 && signbit(y->lo[k]));
    }
    return so;
}

static bool check_spectral(struct truth *x, struct matrix *exact, const double *a)
{
    struct result got, minus;
    assay_answer view = {{got.hi, x->n, x->n, x->n}, {got.lo, x->n, x->n, x->n}, 0};
    assay_polar_info info;
    bool unique;
    ck_assert_int_eq(assay_ref_polar(&view, &info, (assay_input){a, x->n, x->n, x->n}, NULL), ASSAY_OK);
    got.radius = view.radius;
    polar(exact, x);
    bool good = agrees(&got, exact, x->n, 1) && info.rank == x->rank && info.unique == (x->rank == x->n);
    lmo(&minus, &unique, ASSAY_NORM_SPECTRAL, x->n, a);
    return good && are_negatives(&got, &minus, x->n) && unique == (x->rank == x->n);
}

static bool check_nuclear(struct truth *x, struct matrix *exact, const double *a)
{
    struct result got;
    bool unique;
    copy(exact, &x->a); /* zero for zero */
    unsigned k = x->rank ? nuclear(exact, x) : 0;
    lmo(&got, &unique, ASSAY_NORM_NUCLEAR, x->n, a);
    return agrees(&got, exact, x->n, -1) && unique == (k == 1);
}

static bool check_newton_schulz(struct truth *x, struct matrix *exact, const double *a)
{
    struct result got;
    const struct assay_dialect *d = assay_dialect_find("jordan");
    assay_tensor_answer view = {.hi = got.hi, .lo = got.lo};
    ck_assert_int_eq(assay_ref_newton_schulz(&view, d, (assay_tensor){a, 2, {x->n, x->n}}, NULL), ASSAY_OK);
    got.radius = view.radius;
    iterate(exact, x, d);
    return agrees(&got, exact, x->n, 1);
}

static void check_matrix(struct truth *x, struct matrix *exact, size_t n, const double *a)
{
    truth_set(x, n, a);
    bool good[] = {check_spectral(x, exact, a), check_nuclear(x, exact, a), check_entrywise(x, exact, a),
                   check_newton_schulz(x, exact, a)};
    for (size_t k = 0; k < sizeof good / sizeof good[0]; k++)
        if (!good[k]) {
            print_matrix("A", a, n, n);
            ck_abort_msg("check %zu of polar, nuclear, entrywise, Newton-Schulz", k);
        }
}

/* All n x n matrices of the first `digits` of these numbers; with ASSAY_TEST_MULTIPLIER < 1 only every so many. */
static void check_all(size_t n, const double *numbers, size_t digits)
{
    struct truth x;
    struct matrix exact;
    double a[9];
    size_t count = 1;
    truth_init(&x);
    init(&exact);
    for (size_t k = 0; k < n * n; k++)
        count *= digits;
    size_t chosen = rounds(count) < count ? rounds(count) : count;
    for (size_t c = 0; c < chosen; c++) {
        size_t code = chosen == count ? c : (size_t)((double)c / (double)chosen * (double)count);
        for (size_t k = 0; k < n * n; k++, code /= digits)
            a[k] = numbers[code % digits];
        check_matrix(&x, &exact, n, a);
    }
    truth_clear(&x);
    clear(&exact);
}

START_TEST(all_fp4_matrices)
{
    const double fp4[] = {0, .5, 1, 1.5, 2, 3, 4, 6, -0.0, -.5, -1, -1.5, -2, -3, -4, -6};
    check_all(2, fp4, 16);
}
END_TEST

START_TEST(all_ternary_matrices)
{
    const double ternary[] = {0, 1, -1};
    check_all(3, ternary, 3);
}
END_TEST

/* The comparison sees one bit of lo, a wrong sign of zero, and a radius twice as large. */
START_TEST(wrong_answers_are_noticed)
{
    const double a[] = {1, 2, 0, 3};
    struct truth x;
    struct matrix exact;
    truth_init(&x);
    init(&exact);
    truth_set(&x, 2, a);
    for (int wrong = 0; wrong < 4; wrong++) {
        struct result got;
        bool unique;
        lmo(&got, &unique, ASSAY_NORM_FROBENIUS, 2, a);
        got.lo[3] = wrong == 1 ? nextafter(got.lo[3], 1) : got.lo[3];
        got.hi[2] = wrong == 2 ? -0.0 : got.hi[2];
        got.radius *= wrong == 3 ? 2 : 1;
        copy(&exact, &x.a);
        mpfr_sqrt(x.t, x.e1, MPFR_RNDN);
        divide(&exact, x.t);
        ck_assert(agrees(&got, &exact, 2, -1) == (wrong == 0));
        struct result minus = got;
        for (size_t k = 0; k < 4; k++) {
            minus.hi[k] = 0 - got.hi[k];
            minus.lo[k] = 0 - got.lo[k];
        }
        minus.lo[0] = wrong == 1 ? nextafter(minus.lo[0], 1) : minus.lo[0];
        minus.hi[2] = wrong == 2 ? -0.0 : minus.hi[2];
        minus.radius *= wrong == 3 ? 2 : 1;
        ck_assert(are_negatives(&got, &minus, 2) == (wrong == 0));
    }
    truth_clear(&x);
    clear(&exact);
}
END_TEST

RUN_TESTS("exhaustive", TEST(all_fp4_matrices), TEST(all_ternary_matrices), TEST(wrong_answers_are_noticed))
