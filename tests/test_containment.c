/* The campaign: more than 10,000 matrices of every kind, each answer compared with one that was found another way.
 *
 * Where the truth comes from: matrices made from their polar factor, which is then known without any algorithm; the
 * closed form for 2 x 2; square roots of A^T A enclosed by Arb, from Newton's iteration and a bound that assay does
 * not use; Sylvester's law of inertia, which counts the singular values above a number by the signs of pivots; ranks
 * and exact identities in FLINT's integers; LAPACK, to double precision; and our own answer with more bits. */
#include "polar.h"
#include "support.h"
#include "svd.h"
#include "svd_refine.h"

/* Arb and ref/magnitude.h have names in common; these of Arb's are inline functions of its headers. */
#define mag_is_zero arb_mag_is_zero
#define mag_is_inf arb_mag_is_inf
#define mag_max arb_mag_max
#define mag_min arb_mag_min
#include <arb_mat.h>
#undef mag_is_zero
#undef mag_is_inf
#undef mag_max
#undef mag_min

#include <float.h>
#include <lapacke.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_SIDE = 48, MOST = MOST_SIDE * MOST_SIDE, FIRST_PREC = 448, LAST_PREC = 1 << 15 };

struct matrix {
    size_t rows, cols;
    double at[MOST];
};

struct pair {
    double hi[MOST], lo[MOST], radius;
};

/* What an enclosure of the truth says about a claim. */
enum verdict { NO, OPEN, YES };

static enum verdict both(enum verdict x, enum verdict y)
{
    return x < y ? x : y;
}

static size_t smaller(size_t x, size_t y)
{
    return x < y ? x : y;
}

static size_t side_of(const struct matrix *a)
{
    return smaller(a->rows, a->cols);
}

/* ---- an answer against an enclosure of the truth --------------------------------------------------------------- */

/* x, enclosed, and d x, which is exact if x is known to be fractions of denominator d. */
struct truth {
    arb_mat_t x, multiple;
    fmpz_t d;
    slong prec;
};

static void truth_init(struct truth *t, size_t rows, size_t cols)
{
    arb_mat_init(t->x, (slong)rows, (slong)cols);
    arb_mat_init(t->multiple, (slong)rows, (slong)cols);
    fmpz_init_set_ui(t->d, 1);
    t->prec = FIRST_PREC;
}

static void truth_clear(struct truth *t)
{
    arb_mat_clear(t->x);
    arb_mat_clear(t->multiple);
    fmpz_clear(t->d);
}

/* Whether all of x - shift rounds to `claimed`. */
static enum verdict rounds_to(double claimed, double shift, const arb_t x)
{
    mpfr_t low, high;
    mpfr_inits2(arb_bits(x) + 4096, low, high, (mpfr_ptr)NULL);
    arb_get_interval_mpfr(low, high, x);
    mpfr_sub_d(low, low, shift, MPFR_RNDD);
    mpfr_sub_d(high, high, shift, MPFR_RNDU);
    double from = mpfr_get_d(low, MPFR_RNDN), to = mpfr_get_d(high, MPFR_RNDN);
    mpfr_clears(low, high, (mpfr_ptr)NULL);
    if (!(from <= claimed && claimed <= to))
        return NO;
    return from == to ? YES : OPEN;
}

static bool is_negative_zero(double x)
{
    return x == 0 && signbit(x);
}

/* Entry k, row by row. */
static arb_ptr entry_of(const arb_mat_struct *x, size_t k)
{
    return arb_mat_entry(x, (slong)k / arb_mat_ncols(x), (slong)k % arb_mat_ncols(x));
}

static size_t count_of(const arb_mat_struct *x)
{
    return (size_t)(arb_mat_nrows(x) * arb_mat_ncols(x));
}

/* sum = ||d x - d hi - d lo||_F^2 */
static void rest_squared(arb_t sum, const struct truth *t, const struct pair *p)
{
    arb_t rest, part;
    arb_init(rest);
    arb_init(part);
    arb_zero(sum);
    for (size_t k = 0; k < count_of(t->x); k++) {
        arb_set_d(part, p->hi[k]);
        arb_set(rest, entry_of(t->multiple, k));
        arb_submul_fmpz(rest, part, t->d, ARF_PREC_EXACT);
        arb_set_d(part, p->lo[k]);
        arb_submul_fmpz(rest, part, t->d, ARF_PREC_EXACT);
        arb_addmul(sum, rest, rest, arb_is_exact(rest) ? ARF_PREC_EXACT : t->prec);
    }
    arb_clear(rest);
    arb_clear(part);
}

/* Whether x <= y. */
static enum verdict at_most(const arb_t x, const arb_t y)
{
    return arb_le(x, y) ? YES : arb_gt(x, y) ? NO : OPEN;
}

static enum verdict negate(enum verdict v)
{
    return v == YES ? NO : v == NO ? YES : OPEN;
}

/* Whether the radius is the least power of two that is a binary64 number and not below the root of `sum`, over d. */
static enum verdict radius_fits(double radius, const arb_t sum, const fmpz_t d)
{
    int exponent;
    if (radius == 0)
        return arb_is_zero(sum) ? YES : arb_contains_zero(sum) ? OPEN : NO;
    if (!(radius > 0) || frexp(radius, &exponent) != 0.5)
        return NO;
    arb_t square;
    arb_init(square);
    arb_set_d(square, radius);
    arb_mul_fmpz(square, square, d, ARF_PREC_EXACT);
    arb_mul(square, square, square, ARF_PREC_EXACT);
    enum verdict v = at_most(sum, square);
    arb_mul_2exp_si(square, square, -2); /* that half of the radius would not do; there is none below the least */
    if (radius == DBL_TRUE_MIN)
        arb_zero(square);
    v = both(v, negate(at_most(sum, square)));
    arb_clear(square);
    return v;
}

/* Whether `p` is the truth correctly rounded to pairs: hi, lo and the radius. */
static enum verdict pairs_fit(const struct pair *p, const struct truth *t)
{
    enum verdict v = YES;
    for (size_t k = 0; k < count_of(t->x); k++) {
        if (is_negative_zero(p->hi[k]) || is_negative_zero(p->lo[k]))
            return NO;
        v = both(v, rounds_to(p->hi[k], 0, entry_of(t->x, k)));
        v = both(v, rounds_to(p->lo[k], p->hi[k], entry_of(t->x, k)));
    }
    arb_t sum;
    arb_init(sum);
    rest_squared(sum, t, p);
    v = both(v, radius_fits(p->radius, sum, t->d));
    arb_clear(sum);
    return v;
}

/* An entry that is not exact in binary64; else one that is not 0; else the first. */
static size_t telling_entry(const struct pair *p, size_t count)
{
    for (size_t k = 0; k < count; k++)
        if (p->lo[k] != 0)
            return k;
    for (size_t k = 0; k < count; k++)
        if (p->hi[k] != 0)
            return k;
    return 0;
}

/* The counter-check of pairs_fit(): answers that are off by the least there is are all refused. */
static void check_refusals(const struct pair *p, const struct truth *t)
{
    static struct pair q;
    size_t k = telling_entry(p, count_of(t->x));
    q = *p;
    q.hi[k] = nextafter(p->hi[k], INFINITY);
    ck_assert(pairs_fit(&q, t) == NO);
    q.hi[k] = NAN;
    ck_assert(pairs_fit(&q, t) == NO);
    q.hi[k] = p->hi[k];
    q.lo[k] = p->lo[k] == 0 ? 0x1p-200 : nextafter(p->lo[k], -INFINITY);
    ck_assert(pairs_fit(&q, t) == NO);
    q.lo[k] = p->lo[k];
    q.radius = p->radius == 0 ? 0x1p-200 : p->radius * 2;
    ck_assert(pairs_fit(&q, t) == NO);
    q.radius = p->radius == 0 ? 1 : p->radius / 2;
    ck_assert(pairs_fit(&q, t) == NO);
}

/* ---- exact integers -------------------------------------------------------------------------------------------- */

/* x = mantissa 2^*exponent with an odd mantissa; 0 for 0. */
static slong odd_mantissa(double x, int *exponent)
{
    *exponent = 0;
    if (x == 0)
        return 0;
    slong mantissa = (slong)ldexp(frexp(x, exponent), DBL_MANT_DIG);
    *exponent -= DBL_MANT_DIG;
    for (; mantissa % 2 == 0; mantissa /= 2)
        ++*exponent;
    return mantissa;
}

/* z = a 2^-*scale, with the largest scale that makes integers of all entries. */
static void to_integers(fmpz_mat_t z, const struct matrix *a, long *scale)
{
    int exponent;
    *scale = 0;
    bool any = false;
    for (size_t k = 0; k < a->rows * a->cols; k++)
        if (odd_mantissa(a->at[k], &exponent) && (!any || exponent < *scale)) {
            *scale = exponent;
            any = true;
        }
    for (size_t k = 0; k < a->rows * a->cols; k++) {
        fmpz *entry = fmpz_mat_entry(z, (slong)(k / a->cols), (slong)(k % a->cols));
        fmpz_set_si(entry, odd_mantissa(a->at[k], &exponent));
        if (!fmpz_is_zero(entry))
            fmpz_mul_2exp(entry, entry, (ulong)(exponent - *scale));
    }
}

/* p = (hi + lo) 2^-*scale as integers. */
static void pairs_to_integers(fmpz_mat_t p, const struct pair *pair, size_t rows, size_t cols, long *scale)
{
    static struct matrix part;
    fmpz_mat_t low;
    fmpz_mat_init(low, (slong)rows, (slong)cols);
    long low_scale;
    part.rows = rows;
    part.cols = cols;
    memcpy(part.at, pair->hi, rows * cols * sizeof(double));
    to_integers(p, &part, scale);
    memcpy(part.at, pair->lo, rows * cols * sizeof(double));
    to_integers(low, &part, &low_scale);
    if (!fmpz_mat_is_zero(low)) {
        long least = low_scale < *scale ? low_scale : *scale;
        fmpz_mat_scalar_mul_2exp(p, p, (ulong)(*scale - least));
        fmpz_mat_scalar_mul_2exp(low, low, (ulong)(low_scale - least));
        fmpz_mat_add(p, p, low);
        *scale = least;
    }
    fmpz_mat_clear(low);
}

/* Whether x = y d^2. */
static bool equals_times_square(const fmpz_mat_t x, const fmpz_mat_t y, const fmpz_t d)
{
    fmpz_mat_t z;
    fmpz_mat_init(z, fmpz_mat_nrows(x), fmpz_mat_ncols(x));
    fmpz_mat_scalar_mul_fmpz(z, y, d);
    fmpz_mat_scalar_mul_fmpz(z, z, d);
    bool equal = fmpz_mat_equal(x, z);
    fmpz_mat_clear(z);
    return equal;
}

/* Whether P = N / d is the canonical polar factor of the integer matrix A of rank r, given that it is near: P P^T P = P
 * and P P^T A = A make it a partial isometry onto the range of A, if the ranks are equal, and P^T A symmetric makes
 * that polar, up to signs that would put it at a distance of 2. */
static bool is_polar_factor(const fmpz_mat_t n, const fmpz_t d, const fmpz_mat_t a, size_t r)
{
    slong rows = fmpz_mat_nrows(a), cols = fmpz_mat_ncols(a);
    fmpz_mat_t nt, square, left, inner, innert;
    fmpz_mat_init(nt, cols, rows);
    fmpz_mat_init(square, rows, rows);
    fmpz_mat_init(left, rows, cols);
    fmpz_mat_init(inner, cols, cols);
    fmpz_mat_init(innert, cols, cols);
    fmpz_mat_transpose(nt, n);
    fmpz_mat_mul(square, n, nt);
    fmpz_mat_mul(left, square, n);
    bool good = fmpz_mat_rank(n) == (slong)r && equals_times_square(left, n, d);
    fmpz_mat_mul(left, square, a);
    good = good && equals_times_square(left, a, d);
    fmpz_mat_mul(inner, nt, a);
    fmpz_mat_transpose(innert, inner);
    good = good && fmpz_mat_equal(inner, innert);
    fmpz_mat_clear(nt);
    fmpz_mat_clear(square);
    fmpz_mat_clear(left);
    fmpz_mat_clear(inner);
    fmpz_mat_clear(innert);
    return good;
}

/* ---- polar factors by Arb -------------------------------------------------------------------------------------- */

/* floor(log2 ||x||_F) or so. */
static slong log2_norm(const arb_mat_t x)
{
    arb_t norm;
    arb_init(norm);
    arb_mat_frobenius_norm(norm, x, 64);
    slong exponent = arb_is_zero(norm) ? -LONG_MAX / 4 : arf_abs_bound_lt_2exp_si(arb_midref(norm));
    arb_clear(norm);
    return exponent;
}

/* x = (2^k x + 2^-k x^-T) / 2 until it stands still, with k to bring the two to one size: the orthogonal factor of x,
 * about. Returns whether it converged. */
static bool newton(arb_mat_t x, slong prec)
{
    slong n = arb_mat_nrows(x);
    arb_mat_t inverse, next;
    arb_mat_init(inverse, n, n);
    arb_mat_init(next, n, n);
    bool near = false, done = false;
    for (int step = 0; step < 200 && !done; step++) {
        if (!arb_mat_approx_inv(inverse, x, prec))
            break;
        arb_mat_transpose(inverse, inverse);
        slong k = (log2_norm(inverse) - log2_norm(x)) / 2;
        arb_mat_scalar_mul_2exp_si(next, x, k - 1);
        arb_mat_scalar_mul_2exp_si(inverse, inverse, -k - 1);
        arb_mat_add(next, next, inverse, prec);
        arb_mat_get_mid(next, next);
        arb_mat_sub(inverse, next, x, prec);
        arb_mat_set(x, next);
        done = near;
        near = k == 0 && log2_norm(inverse) < -prec / 3;
    }
    arb_mat_clear(inverse);
    arb_mat_clear(next);
    return done;
}

/* root = an enclosure of the square root R of a symmetric positive definite matrix N. With H symmetric positive
 * definite, E = H^2 - N = H (H - R) + (H - R) R, so ||H - R||_F <= ||E||_F ||H^-1||_2. */
static bool enclose_root(arb_mat_t root, const arb_mat_t gram, slong prec)
{
    slong n = arb_mat_nrows(gram);
    arb_mat_t l, x, h;
    arb_t error, norm;
    arb_mat_init(l, n, n);
    arb_mat_init(x, n, n);
    arb_mat_init(h, n, n);
    arb_init(error);
    arb_init(norm);
    bool good = arb_mat_cho(l, gram, prec);
    if (good) { /* N = L L^T, L^T = X H */
        arb_mat_transpose(l, l);
        arb_mat_get_mid(l, l);
        arb_mat_set(x, l);
        good = newton(x, prec);
    }
    if (good) {
        arb_mat_transpose(x, x);
        arb_mat_approx_mul(h, x, l, prec);
        arb_mat_transpose(x, h);
        arb_mat_add(h, h, x, prec);
        arb_mat_scalar_mul_2exp_si(h, h, -1);
        arb_mat_get_mid(root, h);
        good = arb_mat_cho(l, root, prec) && arb_mat_inv(h, root, prec);
    }
    if (good) {
        arb_mat_frobenius_norm(norm, h, 64);
        arb_mat_mul(h, root, root, prec);
        arb_mat_sub(h, h, gram, prec);
        arb_mat_frobenius_norm(error, h, 64);
        arb_mul(error, error, norm, 64);
        mag_t bound;
        mag_init(bound);
        arb_get_mag(bound, error);
        arb_mat_add_error_mag(root, bound);
        mag_clear(bound);
        good = arb_mat_is_finite(root);
    }
    arb_mat_clear(l);
    arb_mat_clear(x);
    arb_mat_clear(h);
    arb_clear(error);
    arb_clear(norm);
    return good;
}

/* q = A R^-1 with R = (A^T A)^(1/2), for A of full column rank; and R. */
static bool enclose_tall(arb_mat_t q, arb_mat_t root, const arb_mat_t a, slong prec)
{
    slong m = arb_mat_nrows(a), n = arb_mat_ncols(a);
    arb_mat_t at, gram, qt;
    arb_mat_init(at, n, m);
    arb_mat_init(gram, n, n);
    arb_mat_init(qt, n, m);
    arb_mat_transpose(at, a);
    arb_mat_mul(gram, at, a, prec);
    bool good = enclose_root(root, gram, prec) && arb_mat_solve(qt, root, at, prec);
    arb_mat_transpose(q, qt);
    arb_mat_clear(at);
    arb_mat_clear(gram);
    arb_mat_clear(qt);
    return good;
}

static bool enclose_product(arb_mat_t q, const arb_mat_t c, const arb_mat_t tt, slong prec);

/* With A = C T, C its pivot columns and T the reduced row echelon form, C = Q1 R1, T^T = Q2 R2, R1 R2 = Q3 R3: the
 * canonical polar factor is Q1 Q3 Q2^T. */
static bool enclose_any(arb_mat_t q, const fmpz_mat_t a, slong prec)
{
    slong m = fmpz_mat_nrows(a), n = fmpz_mat_ncols(a);
    fmpz_mat_t reduced;
    fmpz_t denominator;
    arb_mat_t c, tt;
    fmpz_mat_init(reduced, m, n);
    fmpz_init(denominator);
    slong r = fmpz_mat_rref(reduced, denominator, a);
    arb_mat_init(c, m, r);
    arb_mat_init(tt, n, r);
    for (slong k = 0; k < r; k++) {
        slong pivot = 0;
        while (fmpz_is_zero(fmpz_mat_entry(reduced, k, pivot)))
            pivot++;
        for (slong i = 0; i < m; i++)
            arb_set_fmpz(arb_mat_entry(c, i, k), fmpz_mat_entry(a, i, pivot));
        for (slong j = 0; j < n; j++) /* |denominator| times T */
            arb_set_fmpz(arb_mat_entry(tt, j, k), fmpz_mat_entry(reduced, k, j));
    }
    if (fmpz_sgn(denominator) < 0)
        arb_mat_neg(tt, tt);
    bool good = enclose_product(q, c, tt, prec);
    fmpz_mat_clear(reduced);
    fmpz_clear(denominator);
    arb_mat_clear(c);
    arb_mat_clear(tt);
    return good;
}

/* The canonical polar factor of C T, both of full rank r. */
static bool enclose_product(arb_mat_t q, const arb_mat_t c, const arb_mat_t tt, slong prec)
{
    slong m = arb_mat_nrows(c), n = arb_mat_nrows(tt), r = arb_mat_ncols(c);
    arb_mat_t q1, q2, q2t, q3, r1, r2, product, left;
    arb_mat_init(q1, m, r);
    arb_mat_init(q2, n, r);
    arb_mat_init(q2t, r, n);
    arb_mat_init(q3, r, r);
    arb_mat_init(r1, r, r);
    arb_mat_init(r2, r, r);
    arb_mat_init(product, r, r);
    arb_mat_init(left, m, r);
    bool good = enclose_tall(q1, r1, c, prec) && enclose_tall(q2, r2, tt, prec);
    if (good) {
        arb_mat_mul(product, r1, r2, prec);
        good = enclose_tall(q3, r1, product, prec);
        arb_mat_mul(left, q1, q3, prec);
        arb_mat_transpose(q2t, q2);
        arb_mat_mul(q, left, q2t, prec);
    }
    arb_mat_clear(q1);
    arb_mat_clear(q2);
    arb_mat_clear(q2t);
    arb_mat_clear(q3);
    arb_mat_clear(r1);
    arb_mat_clear(r2);
    arb_mat_clear(product);
    arb_mat_clear(left);
    return good;
}

/* q = an enclosure of the canonical polar factor of the integer matrix z of rank r. Returns false where this precision
 * is not enough. */
static bool enclose_polar(arb_mat_t q, const fmpz_mat_t z, size_t r, slong prec)
{
    slong m = fmpz_mat_nrows(z), n = fmpz_mat_ncols(z);
    bool wide = m < n;
    fmpz_mat_t tall;
    arb_mat_t a, root, answer;
    fmpz_mat_init(tall, wide ? n : m, wide ? m : n);
    arb_mat_init(a, wide ? n : m, wide ? m : n);
    arb_mat_init(answer, wide ? n : m, wide ? m : n);
    arb_mat_init(root, wide ? m : n, wide ? m : n);
    if (wide)
        fmpz_mat_transpose(tall, z);
    else
        fmpz_mat_set(tall, z);
    arb_mat_set_fmpz_mat(a, tall);
    bool good = true;
    if (r == (size_t)fmpz_mat_ncols(tall))
        good = enclose_tall(answer, root, a, prec);
    else if (r > 0)
        good = enclose_any(answer, tall, prec);
    if (wide)
        arb_mat_transpose(q, answer);
    else
        arb_mat_set(q, answer);
    fmpz_mat_clear(tall);
    arb_mat_clear(a);
    arb_mat_clear(root);
    arb_mat_clear(answer);
    return good;
}

/* ---- our answers ----------------------------------------------------------------------------------------------- */

static assay_input input(const struct matrix *a)
{
    return (assay_input){a->at, a->rows, a->cols, a->cols};
}

static assay_answer output(struct pair *p, size_t rows, size_t cols)
{
    return (assay_answer){{p->hi, rows, cols, cols}, {p->lo, rows, cols, cols}, NAN};
}

static void require_ok(assay_status status, const char *message, const struct matrix *a)
{
    if (status != ASSAY_OK)
        print_matrix("A", a->at, a->rows, a->cols);
    ck_assert_msg(status == ASSAY_OK, "%s: %s", assay_status_text(status), message);
}

static void our_polar(struct pair *q, assay_polar_info *info, const struct matrix *a, unsigned bits)
{
    char message[ASSAY_MESSAGE_SIZE] = "";
    const assay_options options = {.bits = bits, .threads = 1, .message = message, .message_size = sizeof message};
    assay_answer answer = output(q, a->rows, a->cols);
    require_ok(assay_ref_polar(&answer, info, input(a), &options), message, a);
    q->radius = answer.radius;
}

static bool same_pairs(const struct pair *x, const struct pair *y, size_t count)
{
    return memcmp(x->hi, y->hi, count * sizeof(double)) == 0 && memcmp(x->lo, y->lo, count * sizeof(double)) == 0 &&
           x->radius == y->radius;
}

/* ---- enclosures against the truth ------------------------------------------------------------------------------ */

static void arb_from_mag(arb_t x, mag bound)
{
    MPFR_DECL_INIT(y, 64);
    mag_get_mpfr(y, bound);
    arf_set_mpfr(arb_midref(x), y);
    mag_zero(arb_radref(x));
}

/* Whether the ball does not hold x for certain: an entry is off by more than its error, or the whole by more than the
 * radius. */
static bool refuted(const struct ball *ball, const arb_mat_t x)
{
    arb_t difference, bound, sum;
    arb_init(difference);
    arb_init(bound);
    arb_init(sum);
    bool wrong = false;
    for (size_t k = 0; k < ball_count(ball); k++) {
        arf_set_mpfr(arb_midref(difference), ball->at + k);
        mag_zero(arb_radref(difference));
        arb_sub(difference, entry_of(x, k), difference, ARF_PREC_EXACT);
        arb_abs(difference, difference);
        arb_addmul(sum, difference, difference, 256);
        if (!arb_is_finite(difference)) /* the midpoint is no number: then nothing may be claimed of it */
            wrong = wrong || !mag_is_inf(ball->error[k]);
        if (mag_is_inf(ball->error[k]))
            continue;
        arb_from_mag(bound, ball->error[k]);
        wrong = wrong || arb_gt(difference, bound);
    }
    if (!mag_is_inf(ball->radius)) {
        arb_from_mag(bound, ball->radius);
        arb_mul(bound, bound, bound, 256);
        wrong = wrong || arb_gt(sum, bound);
    }
    arb_clear(difference);
    arb_clear(bound);
    arb_clear(sum);
    return wrong;
}

static void require_contained(const struct ball *q, const arb_mat_t truth, const char *what, long bits)
{
    ck_assert_msg(!refuted(q, truth), "%s of %ld bits does not hold the truth", what, bits);
}

/* The counter-check of refuted(): a ball that is moved by three of its radii, and by more than the truth is uncertain,
 * does not hold the truth. */
static void check_moved(struct work *w, const struct ball *q, const arb_mat_t truth)
{
    struct ball *moved = ball_copy(w, q, q->prec + 300), *step = ball_new(w, 1, 1, 64);
    mag_get_mpfr(step->at, up_add(q->radius, mag_scale(up_abs(q->at), -150)));
    mpfr_mul_ui(step->at, step->at, 3, MPFR_RNDN);
    if (mpfr_zero_p(step->at))
        mpfr_set_ui_2exp(step->at, 1, -100, MPFR_RNDN);
    mpfr_add(moved->at, moved->at, step->at, MPFR_RNDN);
    ck_assert(refuted(moved, truth));
}

struct enclosing {
    const struct matrix *a;
    arb_mat_struct *q;
    size_t rank;
};

/* The enclosures that a rounding is made from hold the truth at any precision, and are as small as they are said to
 * be. */
static void check_enclosures(struct work *w, void *pointer)
{
    const struct enclosing *e = pointer;
    const struct ball *a = ball_from_input(w, input(e->a));
    struct polar_problem *problem = polar_problem_new(w, a, 1, 1);
    const long precisions[] = {4, 24, 53, 150};
    for (size_t k = 0; k < sizeof precisions / sizeof precisions[0]; k++) {
        struct work_block *mark = work_mark(w);
        struct ball *q = polar_evaluate(w, problem, precisions[k]).q;
        require_contained(q, e->q, "an enclosure", precisions[k]);
        ck_assert(mag_le(q->radius, mag_power_of_two(-precisions[k] / 2)));
        check_moved(w, q, e->q);
        if (e->rank == side_of(e->a)) {
            q = polar_full_rank(w, a, precisions[k]).q;
            require_contained(q, e->q, "a full-rank enclosure", precisions[k]);
        }
        work_release(w, mark);
    }
    struct ball *q = polar_evaluate(w, problem, precisions[0]).q;
    polar_settle(w, problem, q);
    require_contained(q, e->q, "a settled enclosure", precisions[0]);
}

/* ---- LAPACK ---------------------------------------------------------------------------------------------------- */

/* The polar factor by LAPACK agrees to double precision, as far as the condition number lets it. */
static void check_lapack(const struct matrix *a, const struct pair *q, const assay_polar_info *info)
{
    static double work[MOST], u[MOST], vt[MOST], s[MOST_SIDE];
    size_t m = a->rows, n = a->cols, k = side_of(a);
    if (info->rank < k || info->condition[1] > 1e8 || info->largest[1] > 1e200 || info->least[0] < 1e-200)
        return;
    memcpy(work, a->at, m * n * sizeof(double));
    lapack_int status = LAPACKE_dgesdd(LAPACK_ROW_MAJOR, 'S', (lapack_int)m, (lapack_int)n, work, (lapack_int)n, s, u,
                                       (lapack_int)k, vt, (lapack_int)n);
    ck_assert(status == 0);
    double squares = 0;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t l = 0; l < k; l++)
                sum += u[i * k + l] * vt[l * n + j];
            squares += (sum - q->hi[i * n + j]) * (sum - q->hi[i * n + j]);
        }
    double tolerance = 64 * (double)k * DBL_EPSILON;
    ck_assert(sqrt(squares) <= tolerance * info->condition[1]);
    ck_assert(fabs(s[0] - info->largest[0]) <= tolerance * s[0]);
    ck_assert(fabs(s[k - 1] - info->least[0]) <= tolerance * s[0]);
}

/* ---- one matrix ------------------------------------------------------------------------------------------------ */

/* How many matrices have been checked by this process, so that costly checks can be made of some. */
static size_t checked;

static void check_info(const assay_polar_info *info, const struct matrix *a, size_t rank)
{
    ck_assert(info->rank == rank && info->unique == (rank == side_of(a)));
    ck_assert(info->largest[0] <= info->largest[1] && info->least[0] <= info->least[1]);
    ck_assert(info->condition[0] <= info->condition[1]);
    ck_assert(rank == 0 ? info->largest[1] == 0 : info->least[0] > 0 && info->condition[0] >= 1);
}

/* What can be checked given an enclosure of the truth. */
static void check_against(const struct matrix *a, const struct pair *q, const assay_polar_info *info, struct truth *t)
{
    static struct pair again;
    struct enclosing e = {a, t->x, info->rank};
    if (checked % 8 == 0)
        check_refusals(q, t);
    if (checked % 2 == 0)
        in_work(check_enclosures, &e);
    if (checked % 4 == 1) {
        our_polar(&again, NULL, a, 420);
        ck_assert(same_pairs(q, &again, a->rows * a->cols));
    }
    check_lapack(a, q, info);
    checked++;
}

static void require_yes(enum verdict v, const char *what, const struct matrix *a)
{
    if (v != YES)
        print_matrix("A", a->at, a->rows, a->cols);
    ck_assert_msg(v == YES, v == NO ? "%s: wrong" : "%s: the oracle does not decide", what);
}

/* n / d = the fractions of least denominators that the entries of x may be. Returns false if there are none that short.
 */
static bool simplest_fractions(fmpz_mat_t n, fmpz_t d, const arb_mat_t x, slong most_bits)
{
    fmpz_t low, high, exponent;
    fmpq_t from, to, *entry = calloc(count_of(x), sizeof *entry);
    fmpz_init(low);
    fmpz_init(high);
    fmpz_init(exponent);
    fmpq_init(from);
    fmpq_init(to);
    fmpz_one(d);
    for (size_t k = 0; k < count_of(x); k++) {
        fmpq_init(entry[k]);
        arb_get_interval_fmpz_2exp(low, high, exponent, entry_of(x, k));
        fmpq_set_fmpz(from, low);
        fmpq_set_fmpz(to, high);
        slong e = fmpz_get_si(exponent);
        e < 0 ? fmpq_div_2exp(from, from, (ulong)-e) : fmpq_mul_2exp(from, from, (ulong)e);
        e < 0 ? fmpq_div_2exp(to, to, (ulong)-e) : fmpq_mul_2exp(to, to, (ulong)e);
        fmpq_simplest_between(entry[k], from, to);
        fmpz_lcm(d, d, fmpq_denref(entry[k]));
    }
    for (size_t k = 0; k < count_of(x); k++) {
        fmpz *numerator = fmpz_mat_entry(n, (slong)k / arb_mat_ncols(x), (slong)k % arb_mat_ncols(x));
        fmpz_divexact(numerator, d, fmpq_denref(entry[k]));
        fmpz_mul(numerator, numerator, fmpq_numref(entry[k]));
        fmpq_clear(entry[k]);
    }
    free(entry);
    fmpz_clear(low);
    fmpz_clear(high);
    fmpz_clear(exponent);
    fmpq_clear(from);
    fmpq_clear(to);
    return (slong)fmpz_bits(d) <= most_bits;
}

static bool known_to(const arb_mat_t x, slong bits)
{
    bool known = true;
    for (size_t k = 0; k < count_of(x); k++)
        known = known && mag_cmp_2exp_si(arb_radref(entry_of(x, k)), -bits) < 0;
    return known;
}

/* Sets the truth to fractions, if integers prove that it is them. x is known to 2^-prec / 2 or better, and another
 * choice of signs would move it by 2 s_r / s_1 >= s_1^-r, for the singular values s of an integer matrix. */
static bool find_fractions(struct truth *t, const fmpz_mat_t z, size_t rank)
{
    fmpz_mat_t n;
    fmpz_mat_init(n, fmpz_mat_nrows(z), fmpz_mat_ncols(z));
    slong s_bits = labs(fmpz_mat_max_bits(z)) + 8;
    bool good = (slong)(rank + 1) * s_bits < t->prec / 2 && known_to(t->x, t->prec / 2) &&
                simplest_fractions(n, t->d, t->x, t->prec / 8) && is_polar_factor(n, t->d, z, rank);
    if (good) {
        arb_mat_set_fmpz_mat(t->multiple, n);
        arb_mat_scalar_div_fmpz(t->x, t->multiple, t->d, t->prec);
    } else {
        fmpz_one(t->d);
    }
    fmpz_mat_clear(n);
    return good;
}

/* The public answer for `a` is right, by Arb; so are the enclosures that it is made from. */
static void check_by_arb(const struct matrix *a)
{
    static struct pair q;
    assay_polar_info info;
    our_polar(&q, &info, a, 0);
    fmpz_mat_t z;
    struct truth t;
    long scale;
    fmpz_mat_init(z, (slong)a->rows, (slong)a->cols);
    truth_init(&t, a->rows, a->cols);
    to_integers(z, a, &scale);
    size_t rank = (size_t)fmpz_mat_rank(z);
    check_info(&info, a, rank);
    enum verdict v = OPEN;
    for (; v == OPEN && t.prec <= LAST_PREC; t.prec *= 2) {
        if (!enclose_polar(t.x, z, rank, t.prec))
            continue;
        arb_mat_set(t.multiple, t.x);
        v = pairs_fit(&q, &t);
        if (v == OPEN && find_fractions(&t, z, rank))
            v = pairs_fit(&q, &t);
    }
    require_yes(v, "the polar factor", a);
    check_against(a, &q, &info, &t);
    fmpz_mat_clear(z);
    truth_clear(&t);
}

/* Sets the truth to t->prec bits. */
typedef void formula(struct truth *t, const struct matrix *a);

/* The public answer for `a`, of this rank, is right by a formula. */
static void check_by_formula(const struct matrix *a, size_t rank, formula *formula)
{
    static struct pair q;
    assay_polar_info info;
    our_polar(&q, &info, a, 0);
    check_info(&info, a, rank);
    struct truth t;
    truth_init(&t, a->rows, a->cols);
    enum verdict v = OPEN;
    for (; v == OPEN && t.prec <= LAST_PREC; t.prec *= 2) {
        formula(&t, a);
        v = pairs_fit(&q, &t);
    }
    require_yes(v, "the polar factor", a);
    check_against(a, &q, &info, &t);
    truth_clear(&t);
}

/* ---- singular values by Sylvester's law of inertia ------------------------------------------------------------- */

/* The number of eigenvalues of the symmetric matrix `gram` above x^2: that of positive pivots of gram - x^2 I; -1 if
 * this precision does not tell. */
static slong count_above(const arb_mat_t gram, const arb_t x, slong prec)
{
    slong n = arb_mat_nrows(gram), count = 0;
    arb_mat_t a;
    arb_t t;
    arb_mat_init(a, n, n);
    arb_init(t);
    arb_mul(t, x, x, ARF_PREC_EXACT);
    arb_mat_set(a, gram);
    for (slong k = 0; k < n; k++)
        arb_sub(arb_mat_entry(a, k, k), arb_mat_entry(a, k, k), t, ARF_PREC_EXACT);
    for (slong k = 0; k < n && count >= 0; k++) {
        arb_srcptr pivot = arb_mat_entry(a, k, k);
        count = arb_contains_zero(pivot) ? -1 : count + arb_is_positive(pivot);
        for (slong i = k + 1; i < n && count >= 0; i++) {
            arb_div(t, arb_mat_entry(a, i, k), pivot, prec);
            for (slong j = k + 1; j <= i; j++)
                arb_submul(arb_mat_entry(a, i, j), t, arb_mat_entry(a, j, k), prec);
        }
    }
    arb_mat_clear(a);
    arb_clear(t);
    return count;
}

/* Whether the i-th largest singular value lies within x. */
static enum verdict holds_value(const arb_mat_t gram, const arb_t x, slong i, slong prec)
{
    arb_t end;
    arb_init(end);
    arb_get_ubound_arf(arb_midref(end), x, ARF_PREC_EXACT);
    slong above = count_above(gram, end, prec);
    arb_get_lbound_arf(arb_midref(end), x, ARF_PREC_EXACT);
    slong from = count_above(gram, end, prec);
    arb_clear(end);
    if (above < 0 || from < 0)
        return OPEN;
    return above <= i && i < from ? YES : NO;
}

/* z^T z or z z^T, whichever is smaller. */
static void small_gram(fmpz_mat_t gram, const fmpz_mat_t z)
{
    fmpz_mat_t zt;
    fmpz_mat_init(zt, fmpz_mat_ncols(z), fmpz_mat_nrows(z));
    fmpz_mat_transpose(zt, z);
    if (fmpz_mat_nrows(z) < fmpz_mat_ncols(z))
        fmpz_mat_mul(gram, z, zt);
    else
        fmpz_mat_mul(gram, zt, z);
    fmpz_mat_clear(zt);
}

struct spectrum {
    const struct matrix *a;
    arb_mat_struct *s; /* 1 x side; the truth, enclosed */
    fmpz_mat_struct *gram;
    long scale; /* of the matrix that gram belongs to: a = z 2^scale */
    size_t rank;
    long bits;
};

/* Takes our singular values to a relative 2^-bits and proves that this encloses the truth. */
static void enclose_spectrum(struct work *w, void *pointer)
{
    struct spectrum *x = pointer;
    const struct ball *a = ball_from_input(w, input(x->a));
    struct singular all = singular_evaluate(w, singular_problem_new(w, a), x->bits + 40);
    ck_assert(all.rank == x->rank);
    arb_mat_t gram;
    arb_mat_init(gram, fmpz_mat_nrows(x->gram), fmpz_mat_ncols(x->gram));
    arb_mat_set_fmpz_mat(gram, x->gram);
    for (slong i = 0; i < (slong)all.rank; i++) {
        arb_ptr s = arb_mat_entry(x->s, 0, i);
        arf_set_mpfr(arb_midref(s), all.s->at + i);
        mag_set_ui_2exp_si(arb_radref(s), 1, (slong)mpfr_get_exp(all.s->at + i) - x->bits);
        ck_assert(mag_le(all.s->error[i], mag_power_of_two(mpfr_get_exp(all.s->at + i) - x->bits)));
        arb_mul_2exp_si(s, s, -x->scale);
        enum verdict v = OPEN;
        for (slong prec = 4 * x->bits; v == OPEN && prec <= LAST_PREC; prec *= 2)
            v = holds_value(gram, s, i, prec);
        ck_assert_msg(v == YES, "singular value %ld is not where it should be", (long)i);
        arb_mul_2exp_si(s, s, x->scale);
    }
    for (size_t i = all.rank; i < all.s->cols; i++)
        ck_assert(mpfr_zero_p(all.s->at + i) && mag_is_zero(all.s->error[i]));
    arb_mat_clear(gram);
}

/* Whether hi + lo is a singular value of multiplicity `count` or more, exactly: gram - s^2 I has such a kernel. */
static bool is_exact_value(const struct spectrum *x, double hi, double lo, slong count)
{
    slong n = fmpz_mat_nrows(x->gram);
    struct pair *one = calloc(1, sizeof *one);
    fmpz_mat_t s, shifted;
    long scale;
    one->hi[0] = hi;
    one->lo[0] = lo;
    fmpz_mat_init(s, 1, 1);
    fmpz_mat_init(shifted, n, n);
    pairs_to_integers(s, one, 1, 1, &scale);
    scale -= x->scale;
    free(one);
    fmpz *square = fmpz_mat_entry(s, 0, 0);
    fmpz_mul(square, square, square);
    if (scale > 0)
        fmpz_mul_2exp(square, square, (ulong)(2 * scale));
    fmpz_mat_scalar_mul_2exp(shifted, x->gram, scale < 0 ? (ulong)(-2 * scale) : 0);
    for (slong k = 0; k < n; k++)
        fmpz_sub(fmpz_mat_entry(shifted, k, k), fmpz_mat_entry(shifted, k, k), square);
    bool exact = fmpz_mat_rank(shifted) <= n - count;
    fmpz_mat_clear(s);
    fmpz_mat_clear(shifted);
    return exact;
}

/* Replaces enclosures by the numbers that are claimed, where integers prove these. */
static void sharpen(struct spectrum *x, const struct pair *s)
{
    arb_t part;
    arb_init(part);
    for (size_t i = 0, count; i < x->rank; i += count) {
        count = 1;
        while (i + count < x->rank && s->hi[i + count] == s->hi[i] && s->lo[i + count] == s->lo[i])
            count++;
        arb_ptr truth = arb_mat_entry(x->s, 0, (slong)i);
        bool open = s->radius == 0 || rounds_to(s->lo[i], s->hi[i], truth) == OPEN;
        if (!open || !is_exact_value(x, s->hi[i], s->lo[i], (slong)count))
            continue;
        for (size_t j = i; j < i + count; j++) {
            truth = arb_mat_entry(x->s, 0, (slong)j);
            arb_set_d(truth, s->hi[j]);
            arb_set_d(part, s->lo[j]);
            arb_add(truth, truth, part, ARF_PREC_EXACT);
        }
    }
    arb_clear(part);
}

static void check_value_enclosures(struct work *w, void *pointer)
{
    const struct spectrum *x = pointer;
    const struct ball *a = ball_from_input(w, input(x->a));
    struct singular_problem *problem = singular_problem_new(w, a);
    const long precisions[] = {2, 24, 53, 100};
    for (size_t k = 0; k < sizeof precisions / sizeof precisions[0]; k++) {
        struct singular all = singular_evaluate(w, problem, precisions[k]);
        ck_assert(all.rank == x->rank);
        require_contained(all.s, x->s, "singular values", precisions[k]);
        check_moved(w, all.s, x->s);
        singular_settle(w, problem, all.s);
        require_contained(all.s, x->s, "settled singular values", precisions[k]);
    }
}

static void check_values_by_lapack(const struct matrix *a, const struct pair *s)
{
    static double work[MOST], values[MOST_SIDE];
    size_t k = side_of(a);
    if (s->hi[0] > 1e200 || s->hi[0] < 1e-200)
        return;
    memcpy(work, a->at, a->rows * a->cols * sizeof(double));
    ck_assert(LAPACKE_dgesdd(LAPACK_ROW_MAJOR, 'N', (lapack_int)a->rows, (lapack_int)a->cols, work,
                             (lapack_int)a->cols, values, NULL, 1, NULL, (lapack_int)a->cols) == 0);
    for (size_t i = 0; i < k; i++)
        ck_assert(fabs(values[i] - s->hi[i]) <= 64 * (double)(a->rows + a->cols) * DBL_EPSILON * values[0]);
}

static void our_values(struct pair *s, const struct matrix *a, unsigned bits)
{
    char message[ASSAY_MESSAGE_SIZE] = "";
    const assay_options options = {.bits = bits, .threads = 1, .message = message, .message_size = sizeof message};
    assay_answer answer = output(s, 1, side_of(a));
    require_ok(assay_ref_svd(&answer, NULL, NULL, NULL, input(a), &options), message, a);
    s->radius = answer.radius;
}

/* The singular values of `a` are right: of the public answer, and of enclosures of any precision. */
static void check_values(const struct matrix *a)
{
    static struct pair s, again;
    slong side = (slong)side_of(a);
    fmpz_mat_t z, gram;
    struct truth t;
    fmpz_mat_init(z, (slong)a->rows, (slong)a->cols);
    fmpz_mat_init(gram, side, side);
    truth_init(&t, 1, (size_t)side);
    struct spectrum x = {a, t.x, gram, 0, 0, 180};
    to_integers(z, a, &x.scale);
    small_gram(gram, z);
    x.rank = (size_t)fmpz_mat_rank(z);
    our_values(&s, a, 0);
    enum verdict v = OPEN;
    for (; v == OPEN && x.bits < 4000; x.bits *= 2, t.prec *= 2) {
        in_work(enclose_spectrum, &x);
        sharpen(&x, &s);
        arb_mat_set(t.multiple, t.x);
        v = pairs_fit(&s, &t);
    }
    require_yes(v, "the singular values", a);
    check_refusals(&s, &t);
    in_work(check_value_enclosures, &x);
    check_values_by_lapack(a, &s);
    our_values(&again, a, 420);
    ck_assert(same_pairs(&s, &again, (size_t)side));
    fmpz_mat_clear(z);
    fmpz_mat_clear(gram);
    truth_clear(&t);
}

/* ---- kinds of matrices ----------------------------------------------------------------------------------------- */

static double small_integer(uint64_t *state, int most)
{
    return (double)random_below(state, 2 * (size_t)most + 1) - most;
}

static void set_shape(struct matrix *a, size_t rows, size_t cols)
{
    a->rows = rows;
    a->cols = cols;
    memset(a->at, 0, rows * cols * sizeof(double));
}

/* Sides from 1 to `most`, small ones more often. */
static void random_shape(uint64_t *state, struct matrix *a, size_t most)
{
    size_t limit = 1 + random_below(state, most);
    set_shape(a, 1 + random_below(state, limit), 1 + random_below(state, limit));
}

static double *entry(struct matrix *a, size_t i, size_t j)
{
    return &a->at[i * a->cols + j];
}

static void transpose(struct matrix *a)
{
    static struct matrix b;
    b = *a;
    a->rows = b.cols;
    a->cols = b.rows;
    for (size_t i = 0; i < b.rows; i++)
        for (size_t j = 0; j < b.cols; j++)
            *entry(a, j, i) = b.at[i * b.cols + j];
}

static void random_order(uint64_t *state, size_t *order, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        size_t l = random_below(state, k + 1);
        order[k] = order[l];
        order[l] = k;
    }
}

/* Permutes rows and columns, and transposes every other time. */
static void shuffle(uint64_t *state, struct matrix *a)
{
    static struct matrix b;
    size_t rows[MOST_SIDE], cols[MOST_SIDE];
    b = *a;
    random_order(state, rows, a->rows);
    random_order(state, cols, a->cols);
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = 0; j < a->cols; j++)
            *entry(a, rows[i], cols[j]) = b.at[i * b.cols + j];
    if (random_below(state, 2))
        transpose(a);
}

static void make_gaussian(uint64_t *state, struct matrix *a)
{
    random_shape(state, a, 12);
    random_matrix(state, a->at, a->rows * a->cols);
}

static void make_integer(uint64_t *state, struct matrix *a)
{
    random_shape(state, a, 10);
    for (size_t k = 0; k < a->rows * a->cols; k++)
        a->at[k] = small_integer(state, 4);
}

static void make_ternary(uint64_t *state, struct matrix *a)
{
    random_shape(state, a, 7);
    for (size_t k = 0; k < a->rows * a->cols; k++)
        a->at[k] = small_integer(state, 1);
}

/* A product of integer matrices of inner size r: rank at most r. */
static void make_deficient(uint64_t *state, struct matrix *a)
{
    static double left[MOST], right[MOST];
    random_shape(state, a, 9);
    size_t r = random_below(state, side_of(a) + 1);
    for (size_t k = 0; k < a->rows * r; k++)
        left[k] = small_integer(state, 3);
    for (size_t k = 0; k < r * a->cols; k++)
        right[k] = small_integer(state, 3);
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = 0; j < a->cols; j++)
            for (size_t l = 0; l < r; l++)
                *entry(a, i, j) += left[i * r + l] * right[l * a->cols + j];
}

/* The same with one entry moved a little: full rank again, or one rank more, and hardly so. */
static void make_nearly_deficient(uint64_t *state, struct matrix *a)
{
    make_deficient(state, a);
    *entry(a, 0, 0) += ldexp(1, -10 - (int)random_below(state, 36));
    shuffle(state, a);
}

/* Rows that repeat others, up to factors of two, and rows and columns of zeros. */
static void make_duplicates(uint64_t *state, struct matrix *a)
{
    random_shape(state, a, 7);
    random_matrix(state, a->at, a->rows * a->cols);
    for (size_t i = 1; i < a->rows; i++) {
        size_t from = random_below(state, 2 * i);
        for (size_t j = 0; j < a->cols && from < i; j++)
            *entry(a, i, j) = ldexp(*entry(a, from, j), (int)(i % 2));
    }
    size_t zero_row = random_below(state, 2 * a->rows), zero_col = random_below(state, 2 * a->cols);
    for (size_t j = 0; j < a->cols && zero_row < a->rows; j++)
        *entry(a, zero_row, j) = 0;
    for (size_t i = 0; i < a->rows && zero_col < a->cols; i++)
        *entry(a, i, zero_col) = 0;
    shuffle(state, a);
}

/* Blocks of integers or of reals along the diagonal. */
static void make_blocks(uint64_t *state, struct matrix *a)
{
    size_t blocks = 2 + random_below(state, 3), from_row = 0, from_col = 0;
    set_shape(a, 3 * blocks, 3 * blocks);
    for (size_t b = 0; b < blocks; b++) {
        size_t rows = 1 + random_below(state, 3), cols = 1 + random_below(state, 3);
        bool integers = random_below(state, 2);
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < cols; j++)
                *entry(a, from_row + i, from_col + j) = integers ? small_integer(state, 3) : random_gaussian(state);
        from_row += rows;
        from_col += cols;
    }
    shuffle(state, a);
}

static void make_skew(uint64_t *state, struct matrix *a)
{
    size_t n = 2 + random_below(state, 6);
    bool integers = random_below(state, 2);
    set_shape(a, n, n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) {
            double x = integers ? small_integer(state, 5) : random_gaussian(state);
            *entry(a, i, j) = x;
            *entry(a, j, i) = -x;
        }
}

static void make_circulant(uint64_t *state, struct matrix *a)
{
    size_t n = 2 + random_below(state, 6);
    int sign = random_below(state, 2) ? 1 : -1;
    set_shape(a, n, n);
    for (size_t k = 0; k < n; k++) {
        double x = small_integer(state, 6);
        for (size_t i = 0; i < n; i++) /* skew-circulant for -1 */
            *entry(a, i, (i + k) % n) = i + k < n ? x : sign * x;
    }
}

/* One column, one row, one entry; of the exponents that binary64 has. */
static void make_thin(uint64_t *state, struct matrix *a)
{
    size_t n = 1 + random_below(state, 12);
    set_shape(a, n, 1);
    for (size_t i = 0; i < n; i++)
        a->at[i] = random_below(state, 5) ? ldexp(random_gaussian(state), (int)random_below(state, 2000) - 1060) : 0;
    if (random_below(state, 2))
        transpose(a);
}

/* Entries of any exponent whatever. */
static void make_wild(uint64_t *state, struct matrix *a)
{
    random_shape(state, a, 3);
    for (size_t k = 0; k < a->rows * a->cols; k++)
        a->at[k] = ldexp(random_gaussian(state), (int)random_below(state, 2050) - 1070);
}

/* Subnormal numbers only, or numbers near the largest. */
static void make_extreme(uint64_t *state, struct matrix *a)
{
    random_shape(state, a, 5);
    int exponent = random_below(state, 2) ? -1072 : 1000;
    for (size_t k = 0; k < a->rows * a->cols; k++)
        a->at[k] = ldexp(small_integer(state, 3000), exponent - (exponent > 0 ? 0 : 2));
}

/* Rows, or columns, or both, graded from 1 to 2^-most: condition numbers of about 2^most. */
static void grade(uint64_t *state, struct matrix *a, int most)
{
    size_t way = random_below(state, 3);
    int steps = (int)(a->rows > a->cols ? a->rows : a->cols);
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = 0; j < a->cols; j++) {
            int place = way == 0 ? 2 * (int)i : way == 1 ? 2 * (int)j : (int)(i + j);
            *entry(a, i, j) = ldexp(random_gaussian(state), steps > 1 ? -most * place / (2 * (steps - 1)) : 0);
        }
}

static void make_graded_30(uint64_t *state, struct matrix *a)
{
    random_shape(state, a, 10);
    grade(state, a, 100);
}

static void make_graded_100(uint64_t *state, struct matrix *a)
{
    random_shape(state, a, 6);
    grade(state, a, 332);
}

static void make_graded_300(uint64_t *state, struct matrix *a)
{
    random_shape(state, a, 4);
    grade(state, a, 997);
}

static void make_hilbert(uint64_t *state, struct matrix *a)
{
    random_shape(state, a, 11);
    size_t from = random_below(state, 3);
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = 0; j < a->cols; j++)
            *entry(a, i, j) = 1 / (double)(i + j + 1 + from);
}

static void make_kahan(uint64_t *state, struct matrix *a)
{
    size_t n = 2 + random_below(state, 10);
    double c = 0.2 + 0.7 * random_uniform(state), s = sqrt(1 - c * c), power = 1;
    set_shape(a, n, n);
    for (size_t i = 0; i < n; i++, power *= s)
        for (size_t j = i; j < n; j++)
            *entry(a, i, j) = i == j ? power : -c * power;
    if (random_below(state, 2))
        transpose(a);
}

/* H D H / 4 with Hadamard's H of size 4 or 8 and few different, or hardly different, values in D. */
static void make_clustered(uint64_t *state, struct matrix *a)
{
    size_t n = random_below(state, 2) ? 4 : 8;
    double d[8], apart = random_below(state, 2) ? 0 : ldexp(1, -8 - (int)random_below(state, 30));
    set_shape(a, n, n);
    for (size_t k = 0; k < n; k++)
        d[k] = (double)(1 + random_below(state, 3)) + apart * (double)random_below(state, 3);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            for (size_t k = 0; k < n; k++) {
                bool odd = __builtin_parityll((unsigned long long)((i & k) ^ (j & (k * 3 % n))));
                *entry(a, i, j) += odd ? -d[k] : d[k];
            }
}

/* Polar factors with entries like 1/2 and 0 beside irrational ones. */
static void make_hidden(uint64_t *state, struct matrix *a)
{
    /* -1 on the diagonal, 1 beside it: eigenvalues -1, -1 +- sqrt 2; the projectors are (1/4) (1 +-sqrt2 1; ...). */
    set_shape(a, 3, 3);
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++)
            *entry(a, i, j) = i == j ? -1 : i + j == 2 ? 0 : 1;
    double scale = ldexp((double)(1 + random_below(state, 7)), (int)random_below(state, 80) - 40);
    for (size_t k = 0; k < 9; k++)
        a->at[k] *= scale;
    for (size_t k = 0; k < 3; k++) {
        double sign = random_below(state, 2) ? 1 : -1;
        for (size_t j = 0; j < 3; j++)
            *entry(a, k, j) *= sign;
    }
    shuffle(state, a);
}

static void make_large(uint64_t *state, struct matrix *a)
{
    set_shape(a, 13 + random_below(state, 36), 13 + random_below(state, 36));
    for (size_t k = 0; k < a->rows * a->cols; k++)
        a->at[k] = random_gaussian(state);
}

struct kind {
    const char *name;
    void (*make)(uint64_t *state, struct matrix *a);
    size_t polar, values; /* how many of them to try */
};

static const struct kind kinds[] = {
    {"gaussian", make_gaussian, 1200, 100},
    {"integer", make_integer, 1000, 100},
    {"ternary", make_ternary, 1000, 200},
    {"deficient", make_deficient, 700, 100},
    {"nearly deficient", make_nearly_deficient, 300, 50},
    {"duplicates", make_duplicates, 400, 60},
    {"blocks", make_blocks, 500, 60},
    {"skew", make_skew, 300, 60},
    {"circulant", make_circulant, 300, 60},
    {"thin", make_thin, 400, 50},
    {"wild", make_wild, 150, 20},
    {"extreme", make_extreme, 200, 30},
    {"graded to 1e30", make_graded_30, 200, 30},
    {"graded to 1e100", make_graded_100, 60, 10},
    {"graded to 1e300", make_graded_300, 20, 5},
    {"Hilbert", make_hilbert, 100, 20},
    {"Kahan", make_kahan, 150, 20},
    {"clustered", make_clustered, 200, 40},
    {"hidden", make_hidden, 100, 10},
    {"large", make_large, 6, 1},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* ---- matrices made from their polar factor ----------------------------------------------------------------------- */

/* An orthogonal matrix N / d, of integers. */
enum { MOST_KNOWN = 8 };
struct orthogonal {
    size_t n;
    double at[MOST_KNOWN][MOST_KNOWN], d;
};

static void random_signed_permutation(uint64_t *state, struct orthogonal *q, size_t n)
{
    size_t order[MOST_SIDE];
    *q = (struct orthogonal){.n = n, .d = 1};
    random_order(state, order, n);
    for (size_t k = 0; k < n; k++)
        q->at[k][order[k]] = random_below(state, 2) ? 1 : -1;
}

/* Four rows times Hadamard's matrix of size 4, over 2. */
static void mix_four(uint64_t *state, struct orthogonal *q)
{
    size_t rows[MOST_SIDE];
    random_order(state, rows, q->n);
    for (size_t j = 0; j < q->n; j++) {
        double sum[4] = {0};
        for (size_t i = 0; i < 4; i++)
            for (size_t k = 0; k < 4; k++)
                sum[i] += __builtin_parityll((unsigned long long)(i & k)) ? -q->at[rows[k]][j] : q->at[rows[k]][j];
        for (size_t i = 0; i < q->n; i++)
            q->at[i][j] *= 2;
        for (size_t i = 0; i < 4; i++)
            q->at[rows[i]][j] = sum[i];
    }
    q->d *= 2;
}

/* Two rows turned by the angle of a Pythagorean triangle. */
static void turn_two(uint64_t *state, struct orthogonal *q)
{
    static const double triangles[][3] = {{3, 4, 5}, {5, 12, 13}, {4, 3, 5}, {8, 15, 17}};
    const double *t = triangles[random_below(state, 4)];
    size_t rows[MOST_SIDE];
    random_order(state, rows, q->n);
    for (size_t j = 0; j < q->n; j++) {
        double x = q->at[rows[0]][j], y = q->at[rows[1]][j];
        for (size_t i = 0; i < q->n; i++)
            q->at[i][j] *= t[2];
        q->at[rows[0]][j] = t[0] * x - t[1] * y;
        q->at[rows[1]][j] = t[1] * x + t[0] * y;
    }
    q->d *= t[2];
}

static void random_orthogonal(uint64_t *state, struct orthogonal *q, bool dyadic)
{
    size_t n = 1 + random_below(state, MOST_KNOWN);
    random_signed_permutation(state, q, n);
    for (size_t k = random_below(state, 4); k > 0; k--) {
        if (dyadic && n >= 4)
            mix_four(state, q);
        if (!dyadic && n >= 2)
            turn_two(state, q);
    }
}

/* S = K^T K + I for a small integer matrix K on `used` of n places; 0 elsewhere. Or a multiple of the identity. */
static void random_definite(uint64_t *state, double s[MOST_KNOWN][MOST_KNOWN], const bool *used, size_t n)
{
    double k[MOST_KNOWN][MOST_KNOWN];
    bool multiple = random_below(state, 4) == 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            k[i][j] = multiple ? 0 : small_integer(state, 2);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            s[i][j] = i == j;
            for (size_t l = 0; l < n; l++)
                s[i][j] += k[l][i] * k[l][j];
            s[i][j] = used[i] && used[j] ? s[i][j] : 0;
        }
}

/* A = N S, so that its canonical polar factor is N / d in the used columns and 0 in the others. */
struct known {
    struct matrix a, numerators;
    double d;
    size_t rank;
};

static void make_known(uint64_t *state, struct known *x, bool dyadic)
{
    struct orthogonal q;
    double s[MOST_KNOWN][MOST_KNOWN];
    bool used[MOST_KNOWN], deficient = random_below(state, 4) == 0;
    random_orthogonal(state, &q, dyadic);
    size_t n = 1 + random_below(state, q.n);
    x->rank = 0;
    for (size_t j = 0; j < n; j++) {
        used[j] = !deficient || random_below(state, 3);
        x->rank += used[j];
    }
    random_definite(state, s, used, n);
    set_shape(&x->a, q.n, n);
    set_shape(&x->numerators, q.n, n);
    x->d = q.d;
    for (size_t i = 0; i < q.n; i++)
        for (size_t j = 0; j < n; j++) {
            *entry(&x->numerators, i, j) = used[j] ? q.at[i][j] : 0;
            for (size_t l = 0; l < n; l++)
                *entry(&x->a, i, j) += q.at[i][l] * s[l][j];
        }
    if (random_below(state, 2)) {
        transpose(&x->a);
        transpose(&x->numerators);
    }
}

/* The one under test: a formula is not told. */
static const struct known *known;

static void known_factor(struct truth *t, const struct matrix *a)
{
    fmpz_set_d(t->d, known->d);
    for (size_t k = 0; k < a->rows * a->cols; k++)
        arb_set_d(entry_of(t->multiple, k), known->numerators.at[k]);
    arb_mat_scalar_div_fmpz(t->x, t->multiple, t->d, t->prec);
}

/* ---- the closed form for 2 x 2 ----------------------------------------------------------------------------------- */

/* nu^2 = ||M||_F^2 + 2 |det M|. Returns the sign of the determinant. */
static int nu_squared(arb_t square, const struct matrix *m)
{
    arb_t entry[4], det;
    arb_init(det);
    arb_zero(square);
    for (size_t k = 0; k < 4; k++) {
        arb_init(entry[k]);
        arb_set_d(entry[k], m->at[k]);
        arb_addmul(square, entry[k], entry[k], ARF_PREC_EXACT);
    }
    arb_mul(det, entry[0], entry[3], ARF_PREC_EXACT);
    arb_submul(det, entry[1], entry[2], ARF_PREC_EXACT);
    int sign = arb_sgn_nonzero(det);
    arb_mul_si(det, det, 2 * sign, ARF_PREC_EXACT);
    arb_add(square, square, det, ARF_PREC_EXACT);
    for (size_t k = 0; k < 4; k++)
        arb_clear(entry[k]);
    arb_clear(det);
    return sign;
}

/* M = (a b; c d): with s the sign of the determinant and C = (d -c; -b a), the polar factor is (M + s C) / nu; of rank
 * 1, M / ||M||_F: the same formula for s = 0. If nu is rational, it is d times a power of two. */
static void closed_form(struct truth *t, const struct matrix *m)
{
    static const size_t opposite[4] = {3, 2, 1, 0};
    arb_t nu, c;
    arb_init(nu);
    arb_init(c);
    int sign = nu_squared(nu, m);
    arb_sqrt(nu, nu, t->prec);
    for (size_t k = 0; k < 4; k++) {
        arb_ptr x = entry_of(t->x, k);
        arb_set_d(x, m->at[k]);
        arb_set_d(c, m->at[opposite[k]]);
        arb_mul_si(c, c, k == 0 || k == 3 ? sign : -sign, ARF_PREC_EXACT);
        arb_add(x, x, c, ARF_PREC_EXACT);
    }
    if (arb_is_exact(nu) && !arb_is_zero(nu)) {
        fmpz_t exponent;
        fmpz_init(exponent);
        arf_get_fmpz_2exp(t->d, exponent, arb_midref(nu));
        arb_mat_scalar_mul_2exp_si(t->multiple, t->x, -fmpz_get_si(exponent));
        fmpz_clear(exponent);
    }
    if (!arb_is_zero(nu))
        arb_mat_scalar_div_arb(t->x, t->x, nu, t->prec);
    if (fmpz_is_one(t->d))
        arb_mat_set(t->multiple, t->x);
    arb_clear(nu);
    arb_clear(c);
}

static size_t rank_of_two(const struct matrix *m)
{
    fmpz_mat_t z;
    long scale;
    fmpz_mat_init(z, 2, 2);
    to_integers(z, m, &scale);
    size_t rank = (size_t)fmpz_mat_rank(z);
    fmpz_mat_clear(z);
    return rank;
}

/* Entries of all sorts: small integers, reals, near copies of each other, any exponent. */
static void make_two_by_two(uint64_t *state, struct matrix *m)
{
    size_t sort = random_below(state, 5);
    set_shape(m, 2, 2);
    for (size_t k = 0; k < 4; k++) {
        int exponent = sort == 3 ? (int)random_below(state, 1500) - 1000 : (int)random_below(state, 60) - 30;
        m->at[k] = sort == 0   ? small_integer(state, 2)
                   : sort == 1 ? small_integer(state, 40)
                   : sort == 2 ? random_gaussian(state)
                   : sort == 3 ? ldexp(random_gaussian(state), exponent)
                               : 1 + ldexp(small_integer(state, 3), -20 - exponent / 2);
    }
}

/* ---- the tests --------------------------------------------------------------------------------------------------- */

enum { DYADIC = 1200, PYTHAGOREAN = 1000, TWO_BY_TWO = 2500 };

/* Whatever else the counts above are: 10,000 matrices in all, at the usual multiplier. */
START_TEST(there_are_ten_thousand)
{
    size_t total = DYADIC + PYTHAGOREAN + TWO_BY_TWO;
    for (size_t k = 0; k < KINDS; k++)
        total += kinds[k].polar + kinds[k].values;
    ck_assert(total >= 10000);
}
END_TEST

static void try_known(uint64_t seed, size_t count, bool dyadic)
{
    static struct known x;
    known = &x;
    for (size_t k = 0; k < rounds(count); k++) {
        make_known(&seed, &x, dyadic);
        check_by_formula(&x.a, x.rank, known_factor);
    }
}

/* A = Q S with Q of signed permutations and Hadamard blocks: entries are dyadic, and mostly no rounding at all. */
START_TEST(dyadic_factors_are_found)
{
    try_known(1, DYADIC, true);
}
END_TEST

/* A = Q S with Q of rotations by Pythagorean triangles: entries are fractions. */
START_TEST(pythagorean_factors_are_found)
{
    try_known(2, PYTHAGOREAN, false);
}
END_TEST

/* orth(M) = (M + s C) / nu. */
START_TEST(two_by_two_agrees_with_the_closed_form)
{
    static struct matrix m;
    uint64_t state = 3;
    for (size_t k = 0; k < rounds(TWO_BY_TWO); k++) {
        make_two_by_two(&state, &m);
        check_by_formula(&m, rank_of_two(&m), closed_form);
    }
}
END_TEST

/* Every kind of matrix, by Arb. */
START_TEST(polar_factors_agree_with_arb)
{
    static struct matrix a;
    for (size_t k = 0; k < KINDS; k++) {
        uint64_t state = 100 + k;
        for (size_t i = 0; i < rounds(kinds[k].polar); i++) {
            kinds[k].make(&state, &a);
            check_by_arb(&a);
        }
    }
}
END_TEST

/* Every kind of matrix, by inertia. */
START_TEST(singular_values_agree_with_inertia)
{
    static struct matrix a;
    for (size_t k = 0; k < KINDS; k++) {
        uint64_t state = 200 + k;
        for (size_t i = 0; i < rounds(kinds[k].values); i++) {
            kinds[k].make(&state, &a);
            check_values(&a);
        }
    }
}
END_TEST

RUN_TESTS("containment", TEST(there_are_ten_thousand), TEST(dyadic_factors_are_found),
          TEST(pythagorean_factors_are_found), TEST(two_by_two_agrees_with_the_closed_form),
          TEST(polar_factors_agree_with_arb), TEST(singular_values_agree_with_inertia))
