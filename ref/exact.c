#include "exact.h"

#include "product.h"

#include <math.h>

/* ---- the simplest fraction in an interval -------------------------------------------------------------------- */

/* q = the fraction of least denominator in [low, high], 0 <= low <= high, by continued fractions: all of them agree
 * with the ends' expansions for as long as those agree. */
static void simplest_fraction(mpq_ptr q, mpq_ptr low, mpq_ptr high)
{
    mpz_t p0, q0, p1, q1, term, rest;
    mpz_inits(p0, q0, p1, q1, term, rest, NULL);
    mpz_set_ui(p1, 1);
    mpz_set_ui(q0, 1); /* convergents p0/q0 = 0/1 and p1/q1 = 1/0 */
    bool done = false;
    while (!done) {
        mpz_cdiv_q(term, mpq_numref(low), mpq_denref(low)); /* the least integer not below low */
        done = mpq_cmp_z(high, term) >= 0;
        if (!done)
            mpz_sub_ui(term, term, 1); /* low and high lie between this and the next integer */
        mpz_addmul(p0, term, p1);
        mpz_addmul(q0, term, q1);
        mpz_swap(p0, p1);
        mpz_swap(q0, q1);
        if (!done) { /* (low, high) = (1 / (high - term), 1 / (low - term)) */
            mpz_submul(mpq_numref(low), term, mpq_denref(low));
            mpz_submul(mpq_numref(high), term, mpq_denref(high));
            mpq_swap(low, high);
            mpq_inv(low, low);
            mpq_inv(high, high);
        }
    }
    mpz_set(mpq_numref(q), p1);
    mpz_set(mpq_denref(q), q1);
    mpz_clears(p0, q0, p1, q1, term, rest, NULL);
}

void simplest_near(mpq_ptr q, mpfr_srcptr x, mag error)
{
    MPFR_DECL_INIT(e, 64);
    mpq_t low, high, radius;
    mpq_inits(low, high, radius, NULL);
    mag_get_mpfr(e, error);
    mpfr_get_q(radius, e);
    mpfr_get_q(q, x);
    bool negative = mpq_sgn(q) < 0;
    mpq_abs(q, q);
    mpq_sub(low, q, radius);
    mpq_add(high, q, radius);
    if (mpq_sgn(low) <= 0)
        mpq_set_ui(q, 0, 1);
    else
        simplest_fraction(q, low, high);
    if (negative)
        mpq_neg(q, q);
    mpq_clears(low, high, radius, NULL);
}

/* z = the integer nearest to d x; whether it is within d error of it. */
static bool near_integer(mpz_ptr z, mpz_srcptr d, mpfr_srcptr x, mag error)
{
    mpfr_t y, r;
    mpfr_init2(y, mpfr_get_prec(x) + (mpfr_prec_t)mpz_sizeinbase(d, 2));
    mpfr_init2(r, mpfr_get_prec(y));
    mpfr_mul_z(y, x, d, MPFR_RNDN);
    mpfr_get_z(z, y, MPFR_RNDN);
    mpfr_sub_z(r, y, z, MPFR_RNDN);
    mpfr_set_z(y, d, MPFR_RNDU);
    bool near = mag_le(up_abs(r), up_mul(up_abs(y), error));
    mpfr_clears(y, r, (mpfr_ptr)NULL);
    return near;
}

struct rational *rational_candidate(struct work *w, const struct ball *a)
{
    if (mag_is_inf(a->radius))
        return NULL;
    size_t known = mag_is_zero(a->radius) || mag_log2(a->radius) > 0 ? 0 : (size_t)-mag_log2(a->radius);
    struct rational *x = work_alloc(w, 1, sizeof *x);
    mpz_ptr z = work_integers(w, 2);
    x->denominator = z;
    mpz_set_ui(x->denominator, 1);
    mpq_t q;
    mpq_init(q);
    bool short_enough = true;
    for (size_t k = 0; k < ball_count(a) && short_enough; k++) {
        if (near_integer(z + 1, x->denominator, a->at + k, a->error[k]))
            continue;
        simplest_near(q, a->at + k, a->error[k]);
        mpz_lcm(x->denominator, x->denominator, mpq_denref(q));
        short_enough = 4 * mpz_sizeinbase(x->denominator, 2) <= known;
    }
    mpq_clear(q);
    if (!short_enough)
        return NULL;
    x->numerators = ball_new(w, a->rows, a->cols, a->prec + (mpfr_prec_t)mpz_sizeinbase(x->denominator, 2));
    for (size_t k = 0; k < ball_count(a); k++) { /* near again: a fraction within the error has this denominator too */
        near_integer(z + 1, x->denominator, a->at + k, a->error[k]);
        mpfr_set_z(x->numerators->at + k, z + 1, MPFR_RNDN);
    }
    return x;
}

/* ---- polar factors ------------------------------------------------------------------------------------------- */

bool equals_multiple(const struct ball *a, mpz_srcptr s, const struct ball *b)
{
    mpfr_t x;
    mpfr_init2(x, b->prec + (mpfr_prec_t)mpz_sizeinbase(s, 2));
    bool equal = true;
    for (size_t k = 0; k < ball_count(a) && equal; k++) {
        mpfr_mul_z(x, b->at + k, s, MPFR_RNDN);
        equal = mpfr_equal_p(x, a->at + k);
    }
    mpfr_clear(x);
    return equal;
}

static bool is_symmetric(const struct ball *a)
{
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = 0; j < i; j++)
            if (!mpfr_equal_p(ball_at(a, i, j), ball_at(a, j, i)))
                return false;
    return true;
}

/* Whether den <N, N> = s. */
static bool norm_squared_is(struct work *w, const struct ball *n, unsigned long den, mpz_srcptr s)
{
    struct ball *sum = ball_new(w, 1, 1, 2 * (ball_width(n) + GMP_NUMB_BITS));
    ball_norm_sqr(w, sum, n);
    mpfr_mul_ui(sum->at, sum->at, den, MPFR_RNDN);
    return mpfr_cmp_z(sum->at, s) == 0;
}

bool rational_norm_squared_is(struct work *w, const struct rational *x, unsigned long k)
{
    mpz_ptr total = work_integers(w, 1);
    mpz_mul(total, x->denominator, x->denominator);
    mpz_mul_ui(total, total, k);
    return norm_squared_is(w, x->numerators, 1, total);
}

/* With N = D X and c = sqrt(num / den), X = c U_r V_r^T if
 *   (1) (c D)^2 A = N N^T A and ||N||_F^2 = (c D)^2 r: N N^T is (c D)^2 on the range of A, of r dimensions, and as its
 *       trace is no more than that, 0 elsewhere;
 *   (2) so X / c is a partial isometry, and its range is that of A;
 *   (3) N^T A is symmetric: with S = X^T A / c, A = (X / c) S, so the row space of A is that of X too, and the
 *       eigenvalues of S other than 0 are the singular values of A up to sign;
 *   (4) ||X / c - U_r V_r^T|| ||A|| < 2 s_r: by Weyl's theorem S is too close to the positive semidefinite factor of
 *       A for one of those signs to be negative. */
bool prove_polar(struct work *w, const struct ball *a, size_t r, const struct rational *x, unsigned long num,
                 unsigned long den, mag distance, mag least, mag largest)
{
    struct work_block *mark = work_mark(w);
    const struct ball *n = x->numerators;
    mpz_ptr z = work_integers(w, 2), square = z, total = z + 1;
    mpz_mul(square, x->denominator, x->denominator);
    mpz_mul_ui(square, square, num); /* den (c D)^2 */
    mpz_mul_ui(total, square, r);
    /* distance bounds ||X - c U_r V_r^T||; 1 / c <= sqrt(den / num) */
    mag c = down_sqrt(down_div(mag_from_integer((uint32_t)num), mag_from_integer((uint32_t)den)));
    bool proved = mag_le(up_mul(up_div(distance, c), largest), least);
    proved = proved && norm_squared_is(w, n, den, total);
    if (proved) {
        struct ball *scaled = ball_copy(w, n, n->prec + GMP_NUMB_BITS); /* den N */
        for (size_t k = 0; k < ball_count(n); k++)
            mpfr_mul_ui(scaled->at + k, scaled->at + k, den, MPFR_RNDN);
        struct ball *nta = product_exact_tn(w, n, a);
        proved = is_symmetric(nta) && equals_multiple(product_exact(w, scaled, nta), square, a);
    }
    work_release(w, mark);
    return proved;
}

/* ---- single entries ------------------------------------------------------------------------------------------ */

/* log2 of 1 / (the least distance of a polar factor's entry from a fraction of denominator b that it is not equal to),
 * rounded up; for an m x n matrix of rank r.
 *
 * Let n <= m, Z = A scaled to integers, N = Z^T Z, s_1 >= ... >= s_r > 0 the singular values of Z, e_k their elementary
 * symmetric functions, and Y(N) and H X(N) the sums of e_k H^(r-k) over even and odd r - k, H = sqrt(N). On the range
 * of H, Cayley and Hamilton give H X(N) = Y(N), and on its kernel Y = e_r: so Y is regular and Q = Z X(N) Y(N)^-1.
 * Hence z = det(Y) (b q - a) = b (Z X adj Y)_ij - a det Y is an algebraic integer, in Z[e_1, ..., e_r]. Its conjugates
 * come from changing signs of the s_k: at most 2^r. With p = (s_1 + s_1) ... (s_1 + s_r), each of them has
 * ||X|| <= p / (2 s_1), ||Y|| <= p / 2, so |z| <= (b + |a|) (p / 2)^n <= 2 b (p / 2)^n =: B for |a| <= b. The product
 * of all conjugates is an integer; if it is not 0, |z| >= B^(1 - 2^r), and as det Y <= (p / 2)^n, |q - a/b| >=
 * B^(-2^r). */
static double separation_bits(const struct ball *a, size_t r, mag largest, mpz_srcptr b)
{
    size_t n = a->rows < a->cols ? a->rows : a->cols;
    mpfr_exp_t last = 0;
    bool any = false;
    for (size_t k = 0; k < ball_count(a); k++)
        if (!mpfr_zero_p(a->at + k)) {
            mpfr_exp_t low = mpfr_get_exp(a->at + k) - mpfr_min_prec(a->at + k);
            last = !any || low < last ? low : last;
            any = true;
        }
    double log2_s = (double)(mag_log2(largest) + 1 - last), log2_p = (double)r * (1 + log2_s);
    double log2_bound = 1 + (double)mpz_sizeinbase(b, 2) + (double)n * (log2_p - 1);
    return ldexp(log2_bound, (int)r);
}

bool prove_polar_entry(const struct ball *a, size_t r, mag largest, mag distance, mpq_srcptr candidate)
{
    if (r > 20 || mpz_cmpabs(mpq_numref(candidate), mpq_denref(candidate)) > 0) /* beyond any precision; not an entry */
        return false;
    return mag_is_zero(distance) ||
           (double)-(mag_log2(distance) + 1) >= separation_bits(a, r, largest, mpq_denref(candidate));
}

/* ---- rational matrices --------------------------------------------------------------------------------------- */

struct rational *rational_quotient(struct work *w, const struct ball *a, const struct ball *s)
{
    struct rational *x = work_alloc(w, 1, sizeof *x);
    x->denominator = work_integers(w, 1);
    mpfr_exp_t exponent = mpfr_get_z_2exp(x->denominator, s->at);
    bool negative = mpz_sgn(x->denominator) < 0;
    mpz_abs(x->denominator, x->denominator);
    x->numerators = ball_new(w, a->rows, a->cols, a->prec);
    ball_scale(x->numerators, a, -exponent);
    for (size_t k = 0; k < ball_count(a) && negative; k++)
        mpfr_neg(x->numerators->at + k, x->numerators->at + k, MPFR_RNDN);
    return x;
}

struct rational *rational_assemble(struct work *w, size_t m, size_t n, const struct piece *pieces, size_t count)
{
    mpz_ptr z = work_integers(w, 2), denominator = z, factor = z + 1;
    mpz_set_ui(denominator, 1);
    mpfr_prec_t prec = 2;
    for (size_t k = 0; k < count; k++) {
        if (!pieces[k].value)
            return NULL;
        mpz_lcm(denominator, denominator, pieces[k].value->denominator);
        prec = pieces[k].value->numerators->prec > prec ? pieces[k].value->numerators->prec : prec;
    }
    prec += (mpfr_prec_t)mpz_sizeinbase(denominator, 2);
    struct rational *whole = work_alloc(w, 1, sizeof *whole);
    *whole = (struct rational){ball_new(w, m, n, prec), denominator};
    for (size_t k = 0; k < count; k++) {
        struct work_block *mark = work_mark(w);
        struct ball *numerators = ball_copy(w, pieces[k].value->numerators, prec);
        mpz_divexact(factor, denominator, pieces[k].value->denominator);
        for (size_t l = 0; l < ball_count(numerators); l++)
            mpfr_mul_z(numerators->at + l, numerators->at + l, factor, MPFR_RNDN);
        ball_scatter(whole->numerators, pieces[k].rows, pieces[k].cols, numerators);
        work_release(w, mark);
    }
    return whole;
}

void adopt_rational(struct work *w, struct ball *a, const struct rational *x)
{
    struct work_block *mark = work_mark(w);
    mpz_ptr z = work_integers(w, 2), odd = z, rest = z + 1;
    size_t twos = mpz_scan1(x->denominator, 0);
    mpz_tdiv_q_2exp(odd, x->denominator, twos);
    struct tally t = {MAG_ZERO, MAG_ZERO};
    for (size_t k = 0; k < ball_count(a); k++) {
        mpfr_srcptr numerator = x->numerators->at + k; /* rest 2^exponent */
        mpfr_exp_t exponent = mpfr_zero_p(numerator) ? 0 : mpfr_get_z_2exp(rest, numerator);
        if (mpfr_zero_p(numerator))
            mpz_set_ui(rest, 0);
        int ternary = 0;
        mag error = a->error[k];
        if (mpz_divisible_p(rest, odd)) {
            mpz_divexact(rest, rest, odd);
            ternary = mpfr_set_z_2exp(a->at + k, rest, exponent - (mpfr_exp_t)twos, MPFR_RNDN);
            error = MAG_ZERO;
        }
        ball_note(a, &t, k, ternary, error);
    }
    ball_done(a, &t, a->radius);
    a->rational = x;
    work_release(w, mark);
}
