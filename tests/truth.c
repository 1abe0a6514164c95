#include "truth.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum verdict both(enum verdict x, enum verdict y)
{
    return x < y ? x : y;
}

void truth_init(struct truth *t, size_t rows, size_t cols)
{
    arb_mat_init(t->x, (slong)rows, (slong)cols);
    arb_mat_init(t->multiple, (slong)rows, (slong)cols);
    fmpz_init_set_ui(t->d, 1);
    t->prec = FIRST_PREC;
}

void truth_clear(struct truth *t)
{
    arb_mat_clear(t->x);
    arb_mat_clear(t->multiple);
    fmpz_clear(t->d);
}

/* Whether all of x - shift rounds to `claimed`. */
enum verdict rounds_to(double claimed, double shift, const arb_t x)
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
arb_ptr entry_of(const arb_mat_struct *x, size_t k)
{
    return arb_mat_entry(x, (slong)k / arb_mat_ncols(x), (slong)k % arb_mat_ncols(x));
}

size_t count_of(const arb_mat_struct *x)
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
enum verdict pairs_fit(const struct pair *p, const struct truth *t)
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
void check_refusals(const struct pair *p, const struct truth *t)
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

/* ---- exact integers --------------------------------------------------------------------------------------------- */

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
void to_integers(fmpz_mat_t z, const struct matrix *a, long *scale)
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
void pairs_to_integers(fmpz_mat_t p, const struct pair *pair, size_t rows, size_t cols, long *scale)
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

/* ---- polar factors by Arb --------------------------------------------------------------------------------------- */

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
bool enclose_polar(arb_mat_t q, const fmpz_mat_t z, size_t r, slong prec)
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

/* ---- fractions -------------------------------------------------------------------------------------------------- */

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
bool find_fractions(struct truth *t, const fmpz_mat_t z, size_t rank)
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
