/* Proofs of rational answers: they accept what is true, and nothing else. */
#include "exact.h"

#include "polar.h"
#include "random_balls.h"
#include "truth.h"

#include <math.h>
#include <string.h>

/* ---- the simplest fraction -------------------------------------------------------------------------------------- */

static void fmpq_from_mpfr(fmpq_t y, mpfr_srcptr x)
{
    mpq_t q;
    mpq_init(q);
    mpfr_get_q(q, x);
    fmpq_set_mpq(y, q);
    mpq_clear(q);
}

/* FLINT's simplest fraction between |x| - e and |x| + e, with x's sign; 0 if that holds 0. */
static void simplest_by_flint(fmpq_t y, mpfr_srcptr x, mag error)
{
    MPFR_DECL_INIT(e, 64);
    fmpq_t low, high, radius;
    fmpq_init(low);
    fmpq_init(high);
    fmpq_init(radius);
    mag_get_mpfr(e, error);
    fmpq_from_mpfr(radius, e);
    fmpq_from_mpfr(low, x);
    int sign = fmpq_sgn(low);
    fmpq_abs(low, low);
    fmpq_add(high, low, radius);
    fmpq_sub(low, low, radius);
    if (fmpq_sgn(low) <= 0)
        fmpq_zero(y);
    else
        fmpq_simplest_between(y, low, high);
    if (sign < 0)
        fmpq_neg(y, y);
    fmpq_clear(low);
    fmpq_clear(high);
    fmpq_clear(radius);
}

START_TEST(the_simplest_fraction_is_found)
{
    uint64_t state = 1;
    MPFR_DECL_INIT(x, 120);
    mpq_t q;
    fmpq_t ours, flints;
    mpq_init(q);
    fmpq_init(ours);
    fmpq_init(flints);
    for (size_t k = 0; k < rounds(3000); k++) {
        random_number(x, &state, 6);
        mag error = random_below(&state, 10) ? mag_scale(mag_from_integer((uint32_t)(1 + random_below(&state, 99))),
                                                         -(long)random_below(&state, 60))
                                             : MAG_ZERO;
        simplest_near(q, x, error);
        fmpq_set_mpq(ours, q);
        simplest_by_flint(flints, x, error);
        ck_assert(fmpq_is_canonical(ours) && fmpq_equal(ours, flints));
        simplest_near(q, x, mag_scale(error, -8)); /* counter-check: another interval has another one, mostly */
        fmpq_set_mpq(ours, q);
        ck_assert(fmpq_cmp(ours, flints) == 0 || fmpz_cmp(fmpq_denref(ours), fmpq_denref(flints)) >= 0);
    }
    mpq_clear(q);
    fmpq_clear(ours);
    fmpq_clear(flints);
}
END_TEST

/* ---- rational candidates ---------------------------------------------------------------------------------------- */

/* A ball of `bits` correct bits about N / d. */
static struct ball *near_fractions(struct work *w, uint64_t *state, const struct ball *n, unsigned long d, long bits)
{
    struct ball *a = ball_new(w, n->rows, n->cols, bits + 60);
    MPFR_DECL_INIT(offset, 32);
    for (size_t k = 0; k < ball_count(a); k++) {
        mpfr_div_ui(a->at + k, n->at + k, d, MPFR_RNDN);
        mpfr_set_d(offset, ldexp(random_uniform(state) - 0.5, (int)-bits), MPFR_RNDN);
        mpfr_add(a->at + k, a->at + k, offset, MPFR_RNDN);
        a->error[k] = mag_power_of_two(-bits);
    }
    a->radius = MAG_INF;
    ball_tighten(a);
    return a;
}

/* Whether x is N / d, in lowest terms. */
static bool is_fraction(const struct rational *x, const struct ball *n, unsigned long d)
{
    mpz_t common, p;
    mpz_inits(common, p, NULL);
    mpz_set_ui(common, d);
    for (size_t k = 0; k < ball_count(n); k++) {
        mpfr_get_z(p, n->at + k, MPFR_RNDN);
        mpz_gcd(common, common, p);
    }
    bool equal = mpz_cmp_ui(x->denominator, d / mpz_get_ui(common)) == 0;
    for (size_t k = 0; k < ball_count(n); k++) {
        mpfr_get_z(p, n->at + k, MPFR_RNDN);
        mpz_divexact(p, p, common);
        equal = equal && mpfr_cmp_z(x->numerators->at + k, p) == 0;
    }
    mpz_clears(common, p, NULL);
    return equal;
}

static struct ball *random_integers(struct work *w, uint64_t *state, size_t rows, size_t cols, int most)
{
    struct ball *n = ball_new(w, rows, cols, 64);
    for (size_t k = 0; k < ball_count(n); k++)
        mpfr_set_d(n->at + k, small_integer(state, most), MPFR_RNDN);
    return n;
}

static void check_candidates(struct work *w, void *unused)
{
    (void)unused;
    uint64_t state = 2;
    size_t found = 0;
    for (size_t k = 0; k < rounds(800); k++) {
        struct work_block *mark = work_mark(w);
        unsigned long d = 1 + random_below(&state, 500);
        struct ball *n = random_integers(w, &state, 1 + random_below(&state, 4), 1 + random_below(&state, 4), 600);
        const struct ball *a = near_fractions(w, &state, n, d, 60);
        const struct rational *x = rational_candidate(w, a);
        ck_assert(x && is_fraction(x, n, d));
        mpfr_add_ui(n->at, n->at, 1, MPFR_RNDN); /* counter-check */
        ck_assert(!is_fraction(x, n, d));
        /* 24 bits leave no room for denominators of more than 6; what is found must be in the ball all the same */
        struct ball *coarse = near_fractions(w, &state, n, d, 24);
        x = rational_candidate(w, coarse);
        found += x != NULL;
        ck_assert(!x || mpz_sizeinbase(x->denominator, 2) <= 6);
        coarse->radius = MAG_INF;
        ck_assert(!rational_candidate(w, coarse));
        work_release(w, mark);
    }
    ck_assert(found < rounds(800) / 2);
    struct ball *zero = ball_new(w, 2, 2, 53), *large = ball_copy(w, zero, 53);
    large->radius = mag_power_of_two(3);
    ck_assert(is_fraction(rational_candidate(w, zero), zero, 1));
    ck_assert(rational_candidate(w, large)); /* all entries are exact */
}

START_TEST(candidates_are_short_fractions_in_the_ball)
{
    in_work(check_candidates, NULL);
}
END_TEST

/* ---- polar factors ---------------------------------------------------------------------------------------------- */

static struct rational *rational_of(struct work *w, const struct matrix *numerators, double d)
{
    struct rational *x = work_alloc(w, 1, sizeof *x);
    x->numerators = ball_copy(w, ball_from_input(w, input(numerators)), 128);
    x->denominator = work_integers(w, 1);
    mpz_set_d(x->denominator, d);
    return x;
}

/* The singular values of known matrices are eigenvalues of parts of K^T K + I: from 1 to 1 + ||K||_F^2. */
enum { LARGEST = 1 + 4 * MOST_KNOWN * MOST_KNOWN };

/* Whether x's numerators over x's d are proved to be the factor of x's matrix, which is within `distance` of them. */
static bool proves_within(struct work *w, const struct known *x, unsigned long num, unsigned long den, size_t rank,
                          double distance)
{
    return prove_polar(w, ball_from_input(w, input(&x->a)), rank, rational_of(w, &x->numerators, x->d), num, den,
                       up_abs(ball_from_double(w, distance)->at), MAG_ONE, mag_from_integer(LARGEST));
}

static bool proves(struct work *w, const struct known *x, unsigned long num, unsigned long den, size_t rank)
{
    return proves_within(w, x, num, den, rank, 0x1p-100);
}

/* Numerators or denominator times `factor`. */
static struct known scaled(const struct known *x, double numerators, double d)
{
    struct known y = *x;
    for (size_t k = 0; k < x->a.rows * x->a.cols; k++)
        y.numerators.at[k] *= numerators;
    y.d *= d;
    return y;
}

static void swap_columns(struct matrix *a, size_t i, size_t j)
{
    for (size_t k = 0; k < a->rows; k++) {
        double t = *entry(a, k, i);
        *entry(a, k, i) = *entry(a, k, j);
        *entry(a, k, j) = t;
    }
}

/* Whether x is proved, given how far it is from x's matrix's true factor, `truth` over x's d. */
static bool proves_honestly(struct work *w, const struct known *x, const struct matrix *truth)
{
    double squares = 0;
    for (size_t k = 0; k < x->a.rows * x->a.cols; k++)
        squares += pow((x->numerators.at[k] - truth->at[k]) / x->d, 2);
    bool proved = proves_within(w, x, 1, 1, x->rank, sqrt(squares) * (1 + 1e-9));
    ck_assert(proved == (squares == 0));
    return proved;
}

/* Every way to spoil a true factor is refused. Returns whether swapped columns made a difference. */
static bool check_spoiled(struct work *w, uint64_t *state, const struct known *x)
{
    static struct known y;
    size_t n = x->a.cols;
    y = *x;
    y.numerators.at[random_below(state, x->a.rows * n)] += 1;
    ck_assert(!proves_honestly(w, &y, &x->numerators));
    y = *x;
    swap_columns(&y.numerators, 0, n - 1);
    bool differs = !proves_honestly(w, &y, &x->numerators);
    y = *x;
    swap_columns(&y.numerators, 0, n - 1);
    struct matrix *swapped = &y.numerators;
    static struct known z; /* the matrix swapped, the factor not */
    z = *x;
    swap_columns(&z.a, 0, n - 1);
    proves_honestly(w, &z, swapped);
    y = *x;
    for (size_t i = 0; i < x->a.rows; i++)
        *entry(&y.numerators, i, n - 1) *= -1;
    proves_honestly(w, &y, &x->numerators);
    ck_assert(!proves(w, x, 1, 1, x->rank + 1));
    ck_assert(!proves(w, x, 4, 1, x->rank) && !proves(w, x, 1, 4, x->rank));
    return differs;
}

static void check_proofs(struct work *w, void *unused)
{
    (void)unused;
    static struct known x, y;
    uint64_t state = 3;
    size_t differing = 0;
    for (size_t k = 0; k < rounds(400); k++) {
        struct work_block *mark = work_mark(w);
        make_known(&state, &x, k % 2);
        if (x.rank > 0) {
            ck_assert(proves(w, &x, 1, 1, x.rank));
            y = scaled(&x, 3, 2); /* 3 / 2 = sqrt(9 / 4) */
            ck_assert(proves(w, &y, 9, 4, x.rank) && !proves(w, &y, 9, 2, x.rank));
            differing += check_spoiled(w, &state, &x);
        }
        work_release(w, mark);
    }
    ck_assert(differing > rounds(400) / 2);
}

START_TEST(true_polar_factors_are_proved_and_others_refused)
{
    in_work(check_proofs, NULL);
}
END_TEST

/* Conditions (1) to (4) of prove_polar(), each the only one to fail. */
static void check_conditions(struct work *w, void *unused)
{
    (void)unused;
    static const struct known right = {
        .a = {2, 2, {2, 0, 0, 1}}, .numerators = {2, 2, {1, 0, 0, 1}}, .d = 1, .rank = 2};
    ck_assert(proves(w, &right, 1, 1, 2));
    /* (1), its first half: another range */
    static const struct known range = {
        .a = {2, 2, {1, 0, 0, 0}}, .numerators = {2, 2, {0, 0, 0, 1}}, .d = 1, .rank = 1};
    ck_assert(!proves(w, &range, 1, 1, 1));
    /* (1), its second half: a range that is too large */
    static const struct known large = {
        .a = {2, 2, {1, 0, 0, 0}}, .numerators = {2, 2, {1, 0, 0, 1}}, .d = 1, .rank = 1};
    ck_assert(!proves(w, &large, 1, 1, 1));
    /* (3): another orthogonal matrix */
    static const struct known skew = {
        .a = {2, 2, {2, 0, 0, 1}}, .numerators = {2, 2, {0, 1, -1, 0}}, .d = 1, .rank = 2};
    ck_assert(!proves(w, &skew, 1, 1, 2));
    /* (4): the sign of one singular value; it shows only in the distance */
    static const struct known sign = {
        .a = {2, 2, {2, 0, 0, 1}}, .numerators = {2, 2, {1, 0, 0, -1}}, .d = 1, .rank = 2};
    const struct ball *a = ball_from_input(w, input(&sign.a));
    const struct rational *x = rational_of(w, &sign.numerators, 1);
    mag two = mag_from_integer(2); /* ||diag(1, -1) - I||_F, and the largest singular value */
    ck_assert(!prove_polar(w, a, 2, x, 1, 1, two, MAG_ONE, two));
    x = rational_of(w, &right.numerators, 1);
    ck_assert(prove_polar(w, a, 2, x, 1, 1, mag_power_of_two(-1), MAG_ONE, two));
    ck_assert(!prove_polar(w, a, 2, x, 1, 1, MAG_INF, MAG_ONE, two));
}

START_TEST(no_condition_is_too_many)
{
    in_work(check_conditions, NULL);
}
END_TEST

/* ---- single entries --------------------------------------------------------------------------------------------- */

/* Whether entry k of an enclosure of `bits` bits is proved to be p / q. */
static bool proves_entry(struct work *w, const struct matrix *m, long bits, size_t k, long p, unsigned long q)
{
    const struct ball *a = ball_from_input(w, input(m));
    struct polar polar = polar_evaluate(w, polar_problem_new(w, a, 1, 1), bits);
    mpq_t candidate;
    mpq_init(candidate);
    mpq_set_si(candidate, p, q);
    mpfr_t away;
    mpfr_init2(away, polar.q->prec + 64);
    mpfr_sub_q(away, polar.q->at + k, candidate, MPFR_RNDA);
    bool proved = prove_polar_entry(a, polar.rank, ball_norm_up(polar.largest), up_add(up_abs(away), polar.q->error[k]),
                                    candidate);
    mpfr_clear(away);
    mpq_clear(candidate);
    return proved;
}

/* -1 on the diagonal and 1 beside it: eigenvalues -1 and -1 +- sqrt 2, with projectors onto (1, 0, -1) / sqrt 2 and
 * (1, +-sqrt 2, 1) / 2. The polar factor is their sum with signs -, -, +, so its entries are -1/2, sqrt(1/2), 1/2 in
 * the first row and 0 in the middle, where the matrix has -1. */
static void check_entries(struct work *w, void *unused)
{
    (void)unused;
    static const struct matrix m = {3, 3, {-1, 1, 0, 1, -1, 1, 0, 1, -1}};
    ck_assert(proves_entry(w, &m, 1000, 0, -1, 2));
    ck_assert(proves_entry(w, &m, 1000, 2, 1, 2));
    ck_assert(proves_entry(w, &m, 1000, 4, 0, 1));
    ck_assert(!proves_entry(w, &m, 1000, 0, 1, 2));
    ck_assert(!proves_entry(w, &m, 1000, 4, 1, 1 << 20));
    ck_assert(!proves_entry(w, &m, 1000, 1, 19601, 27720));        /* about sqrt(1/2) */
    ck_assert(!proves_entry(w, &m, 1000, 0, -2, 1));               /* no entry is beyond 1 */
    ck_assert(!proves_entry(w, &m, 20, 0, -1, 2));                 /* too coarse to tell */
    static const struct matrix graded = {2, 2, {4, 0, 0, 0x1p-8}}; /* Z is this times 2^8 */
    ck_assert(proves_entry(w, &graded, 200, 3, 1, 1) && !proves_entry(w, &graded, 200, 3, 1, 3));
    static const struct matrix wide = {2, 3, {3, 0, 0, 0, 0, -4}};
    ck_assert(proves_entry(w, &wide, 60, 0, 1, 1) && !proves_entry(w, &wide, 60, 5, 1, 1));
}

START_TEST(entries_are_proved_by_separation)
{
    in_work(check_entries, NULL);
}
END_TEST

/* Beyond rank 20 there would be no end of bits; and what is exact needs no proof. */
static void check_limits(struct work *w, void *unused)
{
    (void)unused;
    const struct ball *a = ball_identity(w, 21, 2);
    mpq_t one;
    mpq_init(one);
    mpq_set_si(one, 1, 1);
    ck_assert(!prove_polar_entry(a, 21, MAG_ONE, MAG_ZERO, one));
    ck_assert(prove_polar_entry(a, 20, MAG_ONE, MAG_ZERO, one));
    ck_assert(!prove_polar_entry(a, 20, MAG_ONE, mag_power_of_two(-1000000), one));
    mpq_clear(one);
}

START_TEST(separation_is_for_small_ranks)
{
    in_work(check_limits, NULL);
}
END_TEST

/* ---- rational matrices ------------------------------------------------------------------------------------------ */

static void check_multiples(struct work *w, void *unused)
{
    (void)unused;
    uint64_t state = 4;
    mpz_ptr s = work_integers(w, 1);
    for (size_t k = 0; k < rounds(300); k++) {
        struct work_block *mark = work_mark(w);
        struct ball *b = random_exact(w, &state, 2, 3, 90, 40), *a = ball_new(w, 2, 3, 160);
        mpz_set_si(s, (long)random_below(&state, 2000) - 1000);
        ball_mul(a, ball_from_integer(w, mpz_get_si(s)), b);
        ck_assert(equals_multiple(a, s, b));
        mpfr_nextabove(a->at + random_below(&state, 6));
        ck_assert(!equals_multiple(a, s, b));
        work_release(w, mark);
    }
}

START_TEST(multiples_are_recognised)
{
    in_work(check_multiples, NULL);
}
END_TEST

/* ||(3 4 12) / 13||^2 = 1, ||(3 4 12)||^2 = 169. */
static void check_norms(struct work *w, void *unused)
{
    (void)unused;
    static const struct matrix n = {1, 3, {3, -4, 12}};
    ck_assert(rational_norm_squared_is(w, rational_of(w, &n, 13), 1));
    ck_assert(!rational_norm_squared_is(w, rational_of(w, &n, 13), 2));
    ck_assert(!rational_norm_squared_is(w, rational_of(w, &n, 14), 1));
    ck_assert(rational_norm_squared_is(w, rational_of(w, &n, 1), 169));
}

START_TEST(norms_of_rational_matrices)
{
    in_work(check_norms, NULL);
}
END_TEST

/* x = a / s: numerators s = a denominator, the denominator positive and odd or 1. */
static void check_quotients(struct work *w, void *unused)
{
    (void)unused;
    uint64_t state = 5;
    for (size_t k = 0; k < rounds(300); k++) {
        struct work_block *mark = work_mark(w);
        struct ball *a = random_exact(w, &state, 2, 2, 80, 50), *s = ball_new(w, 1, 1, 70);
        do
            random_number(s->at, &state, 50);
        while (mpfr_zero_p(s->at));
        const struct rational *x = rational_quotient(w, a, s);
        ck_assert(mpz_sgn(x->denominator) > 0);
        struct ball *left = ball_new(w, 2, 2, 400), *right = ball_new(w, 2, 2, 400), *d = ball_new(w, 1, 1, 400);
        mpfr_set_z(d->at, x->denominator, MPFR_RNDN);
        ball_mul(left, s, x->numerators);
        ball_mul(right, d, a);
        ck_assert(ball_is_exact(left) && ball_is_exact(right) && same_ball(left, right));
        work_release(w, mark);
    }
}

START_TEST(quotients_are_exact)
{
    in_work(check_quotients, NULL);
}
END_TEST

/* (3 0 5; 0 7 0) = (3 5) / 4 in row 0 and 7 / 6 in the middle: over 12, (9 0 15; 0 14 0). */
static void check_assembly(struct work *w, void *unused)
{
    (void)unused;
    static const struct matrix first = {1, 2, {3, 5}}, second = {1, 1, {7}}, whole = {2, 3, {9, 0, 15, 0, 14, 0}};
    const size_t rows[] = {0, 1}, cols[] = {0, 2, 1};
    struct piece pieces[] = {{rational_of(w, &first, 4), rows, cols}, {rational_of(w, &second, 6), rows + 1, cols + 2}};
    const struct rational *x = rational_assemble(w, 2, 3, pieces, 2);
    ck_assert(mpz_cmp_ui(x->denominator, 12) == 0);
    for (size_t k = 0; k < 6; k++)
        ck_assert(mpfr_cmp_d(x->numerators->at + k, whole.at[k]) == 0);
    pieces[1].value = NULL;
    ck_assert(!rational_assemble(w, 2, 3, pieces, 2));
    x = rational_assemble(w, 2, 3, pieces, 0);
    ck_assert(mpz_cmp_ui(x->denominator, 1) == 0 && ball_is_zero(x->numerators));
    /* a piece at all places */
    const struct piece all = {rational_of(w, &whole, 12), NULL, NULL};
    x = rational_assemble(w, 2, 3, &all, 1);
    ck_assert(mpz_cmp_ui(x->denominator, 12) == 0 && mpfr_cmp_ui(ball_at(x->numerators, 1, 1), 14) == 0);
}

START_TEST(pieces_are_put_together)
{
    in_work(check_assembly, NULL);
}
END_TEST

/* x = (3, 6, 5, 0) / 24: 3/24 and 6/24 are dyadic, 5/24 is not. The fourth would need more bits than there are. */
static void check_adoption(struct work *w, void *unused)
{
    (void)unused;
    static const struct matrix n = {1, 4, {3, 6, 5, 0x3000000001p0}};
    struct ball *a = ball_new(w, 1, 4, 20);
    for (size_t k = 0; k < 4; k++) {
        mpfr_set_d(a->at + k, n.at[k] / 24, MPFR_RNDN);
        a->error[k] = mag_power_of_two(20);
    }
    a->radius = MAG_INF;
    const struct rational *x = rational_of(w, &n, 8);
    struct ball *b = clone(w, a);
    adopt_rational(w, a, x);
    ck_assert(a->rational == x && mpfr_cmp_d(a->at, 0.375) == 0 && mag_is_zero(a->error[0]));
    ck_assert(mag_is_zero(a->error[2]) && !mag_is_zero(a->error[3]) && !mag_is_inf(a->radius));
    ck_assert(mpfr_cmp_d(a->at + 3, 0x6000000000p-4) == 0); /* rounded, and the error says so */
    x = rational_of(w, &n, 24);
    adopt_rational(w, b, x);
    ck_assert(mag_is_zero(b->error[0]) && mag_is_zero(b->error[1]) && !mag_is_zero(b->error[2]));
    ck_assert(mpfr_cmp_d(b->at, 0.125) == 0 && mpfr_cmp_d(b->at + 1, 0.25) == 0);
    ck_assert(same_mag(b->error[2], mag_power_of_two(20)));
    static const struct matrix dyadic = {1, 4, {0.75, 0, -1.5, 0.125}}; /* over 6: 1/8, 0, -1/4, 1/48 */
    adopt_rational(w, b, rational_of(w, &dyadic, 6));
    ck_assert(mpfr_cmp_d(b->at, 0.125) == 0 && mpfr_zero_p(b->at + 1) && mpfr_cmp_d(b->at + 2, -0.25) == 0);
    ck_assert(mag_is_zero(b->error[1]) && mag_is_zero(b->error[2]) && !mag_is_zero(b->error[3]));
}

START_TEST(dyadic_entries_are_adopted)
{
    in_work(check_adoption, NULL);
}
END_TEST

RUN_TESTS("exact", TEST(the_simplest_fraction_is_found), TEST(candidates_are_short_fractions_in_the_ball),
          TEST(true_polar_factors_are_proved_and_others_refused), TEST(no_condition_is_too_many),
          TEST(entries_are_proved_by_separation), TEST(separation_is_for_small_ranks), TEST(multiples_are_recognised),
          TEST(norms_of_rational_matrices), TEST(quotients_are_exact), TEST(pieces_are_put_together),
          TEST(dyadic_entries_are_adopted))
