/* The top singular space: its multiplicity decided, U_1 V_1^T enclosed and proved. */
#include "top.h"

#include "matrices.h"
#include "product.h"
#include "random_balls.h"

#include <math.h>

/* ---- matrices of known top space -------------------------------------------------------------------------------- */

/* (v^T v) I - 2 v v^T: v^T v times an orthogonal matrix, symmetric; of integers. */
static struct ball *reflector(struct work *w, uint64_t *state, size_t n, double *length_squared)
{
    struct ball *h = ball_new(w, n, n, 64);
    double v[8], sum = 0;
    for (size_t k = 0; k < n; k++) {
        v[k] = 1 + (double)random_below(state, 3);
        sum += v[k] * v[k];
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            mpfr_set_d(ball_at(h, i, j), (i == j ? sum : 0) - 2 * v[i] * v[j], MPFR_RNDN);
    *length_squared = sum;
    return h;
}

/* A = H1 D H2 with D diagonal, s_1 = ... = s_k > s_(k+1) >= ...; so that d U_1 V_1^T = H1 (I_k 0; 0 0) H2. */
struct spaced {
    const struct ball *a, *multiple, *s; /* d U_1 V_1^T; the largest singular value */
    double d;
    size_t k;
};

/* Rational ones; the gap after the k-th value is 2^-gap of it. */
static struct spaced make_spaced(struct work *w, uint64_t *state, size_t k, long gap)
{
    size_t m = k + random_below(state, 3), n = k + random_below(state, 3), side = smaller(m, n);
    double left, right, top = 1 + (double)random_below(state, 5);
    const struct ball *h1 = reflector(w, state, m, &left), *h2 = reflector(w, state, n, &right);
    struct ball *d = ball_new(w, m, n, 64), *first = ball_new(w, m, n, 64), *s = ball_new(w, 1, 1, 64);
    for (size_t j = 0; j < side; j++) {
        mpfr_set_d(ball_at(d, j, j), top, MPFR_RNDN);
        if (j < k)
            mpfr_set_ui(ball_at(first, j, j), 1, MPFR_RNDN);
        if (j >= k) {
            mpfr_set_d(ball_at(d, j, j), top - ldexp(top, (int)-gap), MPFR_RNDN);
            mpfr_div_2ui(ball_at(d, j, j), ball_at(d, j, j), j > k ? random_below(state, 3) : 0, MPFR_RNDN);
        }
    }
    mpfr_set_d(s->at, top * left * right, MPFR_RNDN);
    return (struct spaced){product_exact(w, product_exact(w, h1, d), h2),
                           product_exact(w, product_exact(w, h1, first), h2), s, left * right, k};
}

/* k d o holds d U_1 V_1^T, and `largest` holds s. */
static bool holds_truth(struct work *w, const struct ball *o, const struct ball *largest, const struct spaced *x)
{
    struct ball *scaled = ball_new(w, o->rows, o->cols, o->prec + 64);
    ball_mul(scaled, ball_from_double(w, x->d * (double)x->k), o);
    return contains(scaled, x->multiple) && contains(largest, x->s);
}

static void check_known(struct work *w, void *unused)
{
    (void)unused;
    uint64_t state = 1;
    static const long gaps[] = {1, 1, 3, 20, 45};
    size_t exact = 0, tried = 0;
    for (size_t i = 0; i < rounds(250); i++) {
        struct work_block *mark = work_mark(w);
        struct spaced x = make_spaced(w, &state, 1 + i % 3, gaps[i % 5]);
        struct top_problem *p = top_problem_new(w, x.a);
        for (long bits = 10; bits < 300; bits += 85) {
            struct top top = top_evaluate(w, p, bits);
            ck_assert(top.multiplicity == x.k && holds_truth(w, top.o, top.largest, &x));
            ck_assert(mag_le(top.o->radius, mag_power_of_two(2 - bits)));
            MPFR_DECL_INIT(move, 64); /* counter-check */
            struct ball *moved = clone(w, top.o);
            mag_get_mpfr(move, up_add(mag_scale(top.o->radius, 1), mag_power_of_two(-300)));
            mpfr_add(moved->at, moved->at, move, MPFR_RNDU);
            ck_assert(ball_is_exact(moved) || !holds_truth(w, moved, top.largest, &x));
            top_settle(w, p, top.o);
            ck_assert(holds_truth(w, top.o, top.largest, &x));
            tried += bits > 200;
            exact += bits > 200 && (top.o->rational || ball_is_exact(top.o));
        }
        work_release(w, mark);
    }
    ck_assert(tried == rounds(250) && exact == tried); /* all of these are rational, and proved to be */
}

START_TEST(known_top_spaces_are_found_and_proved)
{
    in_work(check_known, NULL);
}
END_TEST

/* ---- irrational ones -------------------------------------------------------------------------------------------- */

/* `copies` times the block (2 2; 0 2) along the diagonal, then 1/128, 2/128, 3/128, ... The largest singular value of
 * the block is 1 + sqrt 5. */
static struct ball *repeated(struct work *w, size_t copies, size_t others)
{
    size_t n = 2 * copies + others;
    struct ball *a = ball_new(w, n, n, 53);
    for (size_t k = 0; k < copies; k++) {
        mpfr_set_ui(ball_at(a, 2 * k, 2 * k), 2, MPFR_RNDN);
        mpfr_set_ui(ball_at(a, 2 * k, 2 * k + 1), 2, MPFR_RNDN);
        mpfr_set_ui(ball_at(a, 2 * k + 1, 2 * k + 1), 2, MPFR_RNDN);
    }
    for (size_t k = 2 * copies; k < n; k++)
        mpfr_set_ui_2exp(ball_at(a, k, k), k - 2 * copies + 1, -7, MPFR_RNDN);
    return a;
}

/* X = k o is a partial isometry with A X^T X = s X, up to 2^-bits: ||X X^T X - X|| and ||A X^T X - s X|| are small, and
 * ||X||_F^2 is k. */
static bool is_top(struct work *w, const struct ball *a, const struct top *top, long bits)
{
    struct ball *x = ball_new(w, a->rows, a->cols, top->o->prec), *xtx = ball_new(w, a->cols, a->cols, 400);
    struct ball *left = ball_new(w, a->rows, a->cols, 400), *right = ball_new(w, a->rows, a->cols, 400);
    struct ball *norm = ball_new(w, 1, 1, 400);
    ball_mul(x, ball_from_integer(w, (long)top->multiplicity), top->o);
    product_tn(w, xtx, x, x, 400);
    product(w, left, x, xtx, 400);
    ball_sub(left, left, x);
    product(w, right, a, xtx, 400);
    ball_mul(x, top->largest, x);
    ball_sub(right, right, x);
    ball_norm_sqr(w, norm, top->o);
    ball_mul(norm, ball_from_integer(w, (long)top->multiplicity), norm);
    ball_sub(norm, norm, ball_from_integer(w, 1));
    mag error = up_add(ball_norm_up(norm), up_add(ball_norm_up(left), ball_norm_up(right)));
    return mag_le(error, mag_power_of_two(-bits));
}

static void check_irrational(struct work *w, void *unused)
{
    (void)unused;
    for (size_t copies = 1; copies <= 3; copies++) {
        const struct ball *a = repeated(w, copies, 5);
        struct top_problem *p = top_problem_new(w, a);
        struct top top = top_evaluate(w, p, 120);
        ck_assert(top.multiplicity == copies && is_top(w, a, &top, 100));
        MPFR_DECL_INIT(s, 64);
        mpfr_sqrt_ui(s, 5, MPFR_RNDN);
        mpfr_add_ui(s, s, 1, MPFR_RNDN);
        mpfr_sub(s, s, top.largest->at, MPFR_RNDA);
        ck_assert(mag_le(up_abs(s), mag_power_of_two(-60)));
        top_settle(w, p, top.o);
        ck_assert(!top.o->rational && !ball_is_exact(top.o) && is_top(w, a, &top, 100));
        ck_assert(mpfr_zero_p(ball_at(top.o, 0, 2 * copies)) && mag_is_zero(top.o->error[2 * copies]));
        mpfr_neg(top.o->at, top.o->at, MPFR_RNDN); /* counter-check */
        ck_assert(!is_top(w, a, &top, 100));
    }
    const struct ball *wide = ball_gather(w, repeated(w, 2, 1), NULL, 4, NULL, 5); /* 4 x 5 */
    struct top top = top_evaluate(w, top_problem_new(w, wide), 50);
    ck_assert(top.multiplicity == 2 && is_top(w, wide, &top, 40));
}

START_TEST(irrational_ties_are_proved_by_traces)
{
    in_work(check_irrational, NULL);
}
END_TEST

/* Beyond 32 distinct values only dyadic ties are proved. */
static void check_many(struct work *w, void *unused)
{
    (void)unused;
    struct ball *a = repeated(w, 1, 40);
    mpfr_set_zero(ball_at(a, 0, 1), 1); /* 2, 2, 1/128 ... 40/128 */
    struct top_problem *p = top_problem_new(w, a);
    struct top top = top_evaluate(w, p, 60);
    ck_assert(top.multiplicity == 2 && is_top(w, a, &top, 50));
    top_settle(w, p, top.o);
    ck_assert(top.o->rational && ball_is_exact(top.o) && mpfr_cmp_d(top.o->at, 0.5) == 0);
}

static void fail_many(struct work *w, void *unused)
{
    (void)unused;
    w->max_bits = 100;
    top_evaluate(w, top_problem_new(w, repeated(w, 2, 40)), 60);
}

START_TEST(ties_among_many_values)
{
    in_work(check_many, NULL);
    ck_assert_str_eq(fails_in_work(ASSAY_UNDECIDED, fail_many, NULL),
                     "138 bits do not decide whether the largest singular value is repeated");
}
END_TEST

/* 1 and 1 - 2^-300: a tie at first sight, none at the second. */
static void check_near_tie(struct work *w, void *unused)
{
    (void)unused;
    for (long gap = 10; gap < 400; gap += 10) {
        struct ball *a = ball_identity(w, 3, 400);
        mpfr_set_ui_2exp(ball_at(a, 2, 2), 3, -2, MPFR_RNDN);
        mpfr_set_ui_2exp(ball_at(a, 1, 1), 1, -gap, MPFR_RNDN);
        mpfr_ui_sub(ball_at(a, 1, 1), 1, ball_at(a, 1, 1), MPFR_RNDN);
        mpfr_set_ui_2exp(ball_at(a, 0, 2), 1, -gap - 5, MPFR_RNDN); /* the values are not what the diagonal says */
        struct top top = top_evaluate(w, top_problem_new(w, a), 4);
        ck_assert(top.multiplicity == 1 && fabs(mpfr_get_d(top.o->at, MPFR_RNDN) - 1) < 0.01);
    }
}

START_TEST(near_ties_are_told_apart)
{
    in_work(check_near_tie, NULL);
}
END_TEST

static void check_zero(struct work *w, void *unused)
{
    (void)unused;
    const struct ball *a = ball_new(w, 2, 3, 53);
    struct top_problem *p = top_problem_new(w, a);
    struct top top = top_evaluate(w, p, 100);
    ck_assert(top.multiplicity == 0 && ball_is_zero(top.o) && ball_is_zero(top.largest) && top.o->cols == 3);
    top_settle(w, p, top.o);
    ck_assert(ball_is_zero(top.o));
}

START_TEST(the_zero_matrix_has_no_top)
{
    in_work(check_zero, NULL);
}
END_TEST

/* ---- proofs that must fail -------------------------------------------------------------------------------------- */

/* Gives `claim`, within 2^-100, to top_settle() as if it were the answer for diag(2, second): is it believed? */
static bool believes(struct work *w, double second, const struct matrix *claim)
{
    struct ball *a = ball_identity(w, 2, 53);
    mpfr_set_ui(a->at, 2, MPFR_RNDN);
    mpfr_set_d(a->at + 3, second, MPFR_RNDN);
    struct top_problem *p = top_problem_new(w, a);
    top_evaluate(w, p, 100);
    struct ball *o = ball_copy(w, ball_from_input(w, input(claim)), 200);
    ball_widen_all(o, mag_power_of_two(-100));
    top_settle(w, p, o);
    return o->rational != NULL;
}

static void check_disbelief(struct work *w, void *unused)
{
    (void)unused;
    static const struct matrix right = {2, 2, {1, 0, 0, 0}}, other = {2, 2, {0, 0, 0, 1}},
                               too_much = {2, 2, {1, 0, 0, 1}}, both = {2, 2, {0.5, 0, 0, 0.5}},
                               stretched = {2, 2, {0.5, 0.5, 0, 0}}, turned = {2, 2, {0, 0.5, 0.5, 0}};
    ck_assert(believes(w, 1, &right));
    ck_assert(!believes(w, 1, &other));    /* an isometry, of another singular vector */
    ck_assert(!believes(w, 1, &too_much)); /* the norm is wrong */
    ck_assert(believes(w, 2, &both));
    ck_assert(!believes(w, 2, &turned));    /* an isometry on the right spaces */
    ck_assert(!believes(w, 2, &stretched)); /* ||2 o||_F^2 = 2, but no isometry */
}

START_TEST(only_the_top_is_proved)
{
    in_work(check_disbelief, NULL);
}
END_TEST

RUN_TESTS("top", TEST(known_top_spaces_are_found_and_proved), TEST(irrational_ties_are_proved_by_traces),
          TEST(ties_among_many_values), TEST(near_ties_are_told_apart), TEST(the_zero_matrix_has_no_top),
          TEST(only_the_top_is_proved))
