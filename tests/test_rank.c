/* Ranks are those of exact elimination, however close to another rank the matrix is, and whatever primes divide its
 * minors. */
#include "rank.h"

#include "product.h"
#include "random_balls.h"

#include <stdlib.h>
#include <string.h>

/* ---- the rank by elimination in rational numbers -------------------------------------------------------------------- */

static mpq_ptr entries_of(const struct ball *a, const size_t *rows, size_t m, const size_t *cols, size_t n)
{
    mpq_ptr z = malloc(m * n * sizeof(mpq_t) + 1);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            mpq_init(z + i * n + j);
            mpfr_get_q(z + i * n + j, ball_at(a, rows ? rows[i] : i, cols ? cols[j] : j));
        }
    return z;
}

static void subtract_multiple(mpq_ptr to, mpq_srcptr factor, mpq_srcptr from, size_t n)
{
    mpq_t term;
    mpq_init(term);
    for (size_t j = 0; j < n; j++) {
        mpq_mul(term, factor, from + j);
        mpq_sub(to + j, to + j, term);
    }
    mpq_clear(term);
}

/* The rank of the m x n part of `a` with these row and column numbers (NULL: all). */
static size_t true_rank(const struct ball *a, const size_t *rows, size_t m, const size_t *cols, size_t n)
{
    mpq_ptr z = entries_of(a, rows, m, cols, n);
    mpq_t factor;
    mpq_init(factor);
    size_t rank = 0;
    for (size_t j = 0; j < n && rank < m; j++) {
        size_t pivot = rank;
        while (pivot < m && mpq_sgn(z + pivot * n + j) == 0)
            pivot++;
        if (pivot == m)
            continue;
        for (size_t l = 0; l < n; l++)
            mpq_swap(z + pivot * n + l, z + rank * n + l);
        for (size_t i = rank + 1; i < m; i++) {
            mpq_div(factor, z + i * n + j, z + rank * n + j);
            subtract_multiple(z + i * n, factor, z + rank * n, n);
        }
        rank++;
    }
    mpq_clear(factor);
    for (size_t k = 0; k < m * n; k++)
        mpq_clear(z + k);
    free(z);
    return rank;
}

static size_t whole_rank(const struct ball *a)
{
    return true_rank(a, NULL, a->rows, NULL, a->cols);
}

/* ---- choices of rows and columns ------------------------------------------------------------------------------------- */

static void shuffle(size_t *order, size_t n, uint64_t *state)
{
    for (size_t k = 0; k < n; k++)
        order[k] = k;
    for (size_t k = n; k > 1; k--) {
        size_t other = random_below(state, k), swapped = order[k - 1];
        order[k - 1] = order[other];
        order[other] = swapped;
    }
}

static size_t place_in(const size_t *order, size_t n, size_t number)
{
    size_t k = 0;
    while (k < n && (order ? order[k] : k) != number)
        k++;
    return k;
}

/* Pivot number k was the first choice: its row is the first in order that makes the rows chosen before independent with
 * it, its column the first that makes a nonsingular matrix with it and the pivots before. */
static bool pivot_is_first(const struct ball *a, const struct rank *r, size_t k, const size_t *row_order,
                           const size_t *col_order)
{
    size_t rows[16], cols[16], all[16];
    memcpy(rows, r->rows, (k + 1) * sizeof *rows);
    memcpy(cols, r->cols, (k + 1) * sizeof *cols);
    size_t row_place = place_in(row_order, a->rows, rows[k]), col_place = place_in(col_order, a->cols, cols[k]);
    if (row_place == a->rows || col_place == a->cols || true_rank(a, rows, k + 1, cols, k + 1) != k + 1)
        return false;
    for (size_t earlier = 0; earlier < col_place; earlier++) {
        cols[k] = col_order ? col_order[earlier] : earlier;
        if (true_rank(a, rows, k + 1, cols, k + 1) == k + 1)
            return false;
    }
    for (size_t earlier = 0; earlier < row_place; earlier++)
        all[earlier] = row_order ? row_order[earlier] : earlier;
    return true_rank(a, all, row_place, NULL, a->cols) == k;
}

static bool choice_is_good(const struct ball *a, const struct rank *r, const size_t *row_order, const size_t *col_order)
{
    for (size_t k = 0; k < r->rank; k++)
        if (!pivot_is_first(a, r, k, row_order, col_order))
            return false;
    return true;
}

/* ---- random matrices ------------------------------------------------------------------------------------------------- */

/* An exact product of m x r and r x n matrices, often with rows and columns of zeros and repeated ones. */
static struct ball *random_of_rank(struct work *w, uint64_t *state, size_t m, size_t n, size_t r, long spread)
{
    mpfr_prec_t prec = (mpfr_prec_t)(2 + random_below(state, 100));
    struct ball *left = random_exact(w, state, m, r, prec, spread), *right = random_exact(w, state, r, n, prec, spread);
    struct ball *a = r ? product_exact(w, left, right) : ball_new(w, m, n, 10);
    for (size_t j = 0; j < n && random_below(state, 4) == 0; j++)
        mpfr_set_zero(ball_at(a, random_below(state, m), j), 1);
    return a;
}

static void check_rank(struct work *w, const struct ball *a, const size_t *row_order, const size_t *col_order)
{
    size_t expected = whole_rank(a), most = a->rows < a->cols ? a->rows : a->cols;
    const struct rank *r = rank_of(w, a, row_order, col_order);
    ck_assert_msg(r->rank == expected, "%zu, not %zu", r->rank, expected);
    ck_assert(choice_is_good(a, r, row_order, col_order));
    bool good = true;
    for (size_t k = 0; k <= most + 2; k++)
        good = good && rank_at_most(w, a, k) == (expected <= k);
    ck_assert(good);
}

static void random_ranks(struct work *w, void *args)
{
    uint64_t state = 1;
    size_t deficient = 0, raised = 0, count = rounds(800);
    (void)args;
    for (size_t round = 0; round < count; round++) {
        struct work_block *mark = work_mark(w);
        size_t m = 1 + random_below(&state, 7), n = 1 + random_below(&state, 7), most = m < n ? m : n;
        struct ball *a = random_of_rank(w, &state, m, n, random_below(&state, most + 1), round % 3 ? 10 : 100);
        size_t rows[8], cols[8];
        shuffle(rows, m, &state);
        shuffle(cols, n, &state);
        check_rank(w, a, round % 2 ? rows : NULL, round % 4 > 1 ? cols : NULL);
        size_t before = whole_rank(a);
        mpfr_ptr x = a->at + random_below(&state, m * n); /* the least possible change */
        if (mpfr_zero_p(x))
            mpfr_set_ui_2exp(x, 1, -100, MPFR_RNDN);
        else
            mpfr_nextabove(x);
        check_rank(w, a, NULL, NULL);
        deficient += before < most;
        raised += whole_rank(a) > before;
        work_release(w, mark);
    }
    ck_assert_msg(deficient > count / 3 && raised > count / 4, "%zu and %zu", deficient, raised);
}

/* Matrices of all ranks, and what a change in the last bit of an entry makes of them, against elimination. */
START_TEST(ranks_are_right)
{
    in_work(random_ranks, NULL);
}
END_TEST

/* The check of choices sees other rows, other columns, and repeated ones. */
static void bad_choices(struct work *w, void *args)
{
    uint64_t state = 2;
    (void)args;
    struct ball *a = random_exact(w, &state, 5, 6, 60, 3);
    for (size_t k = 0; k < 30; k++)
        mpfr_set_ui(a->at + k, 1 + random_below(&state, 100), MPFR_RNDN);
    for (size_t j = 0; j < 6; j++)
        mpfr_add(ball_at(a, 2, j), ball_at(a, 0, j), ball_at(a, 1, j), MPFR_RNDN);
    struct rank *r = rank_of(w, a, NULL, NULL);
    ck_assert(r->rank == 4 && choice_is_good(a, r, NULL, NULL) && r->rows[2] == 3 && r->rows[3] == 4);
    r->rows[1] = 2;
    ck_assert(!choice_is_good(a, r, NULL, NULL));
    r->rows[1] = 0;
    ck_assert(!choice_is_good(a, r, NULL, NULL));
    r->rows[1] = 1;
    r->cols[3] = 5;
    ck_assert(!choice_is_good(a, r, NULL, NULL));
}

START_TEST(bad_choices_are_seen)
{
    in_work(bad_choices, NULL);
}
END_TEST

/* ---- primes that divide ------------------------------------------------------------------------------------------------ */

/* The product of the first `count` primes after 2^61, that are used first, to the power sign. */
static void set_unlucky(mpfr_ptr x, unsigned count)
{
    mpz_t p, product;
    mpz_init(p);
    mpz_init_set_ui(product, 1);
    mpz_ui_pow_ui(p, 2, 61);
    for (unsigned k = 0; k < count; k++) {
        mpz_nextprime(p, p);
        mpz_mul(product, product, p);
    }
    ck_assert(mpfr_set_z(x, product, MPFR_RNDN) == 0);
    mpz_clears(p, product, NULL);
}

static void unlucky(struct work *w, void *args)
{
    (void)args;
    for (unsigned count = 1; count <= 8; count++) {
        struct work_block *mark = work_mark(w);
        struct ball *one = ball_new(w, 1, 1, 600);
        set_unlucky(one->at, count);
        ck_assert(rank_of(w, one, NULL, NULL)->rank == 1 && !rank_at_most(w, one, 0) && rank_at_most(w, one, 1));
        mpfr_neg(one->at, one->at, MPFR_RNDN);
        mpfr_mul_2si(one->at, one->at, -12345, MPFR_RNDN);
        ck_assert(rank_of(w, one, NULL, NULL)->rank == 1 && !rank_at_most(w, one, 0));
        /* a minor of 2 that they divide: (1, 1; 1, 1 + P); and beside others that they do not */
        struct ball *a = ball_new(w, 3, 4, 600);
        for (size_t k = 0; k < 12; k++)
            mpfr_set_ui(a->at + k, 1, MPFR_RNDN);
        set_unlucky(ball_at(a, 1, 2), count);
        mpfr_add_ui(ball_at(a, 1, 2), ball_at(a, 1, 2), 1, MPFR_RNDN);
        check_rank(w, a, NULL, NULL);
        ck_assert(whole_rank(a) == 2);
        mpfr_set_ui(ball_at(a, 2, 0), 3, MPFR_RNDN);
        check_rank(w, a, NULL, NULL);
        ck_assert(whole_rank(a) == 3);
        work_release(w, mark);
    }
}

/* Entries and minors that the first primes divide are not 0. */
START_TEST(unlucky_primes_are_survived)
{
    in_work(unlucky, NULL);
}
END_TEST

/* ---- cost and extremes -------------------------------------------------------------------------------------------------- */

struct heard {
    size_t count;
    double last;
    bool rising;
};

static void hear(void *data, const char *stage, double done)
{
    struct heard *heard = data;
    heard->rising = heard->rising && strcmp(stage, "proving the rank") == 0 && done >= heard->last && done <= 1;
    heard->last = done;
    heard->count++;
}

/* v v^T of whole numbers up to 2^20, row i and column i scaled by 2^e(i) */
static struct ball *graded(struct work *w, size_t n, long step)
{
    struct ball *a = ball_new(w, n, n, 64);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            mpfr_set_ui(ball_at(a, i, j), (1000 + i) * (1000 + j), MPFR_RNDN);
            mpfr_mul_2si(ball_at(a, i, j), ball_at(a, i, j), step * ((long)i * 7 % 5 - 2) + step * ((long)j % 3),
                         MPFR_RNDN);
        }
    return a;
}

static void few_primes(struct work *w, void *args)
{
    (void)args;
    for (long step = 0; step <= 1000000; step = 10 * step + 1) {
        struct work_block *mark = work_mark(w);
        struct ball *a = graded(w, 8, step);
        struct heard *heard = w->options->progress_data;
        *heard = (struct heard){.rising = true};
        ck_assert(rank_at_most(w, a, 1) && rank_of(w, a, NULL, NULL)->rank == 1);
        ck_assert_msg(heard->rising && heard->count <= 4, "step %ld: %zu primes", step, heard->count);
        mpfr_nextabove(ball_at(a, 7, 7));
        ck_assert(!rank_at_most(w, a, 1) && rank_of(w, a, NULL, NULL)->rank == 2);
        work_release(w, mark);
    }
}

/* However far the scales of rows and columns lie apart, as few primes are enough as without them: 2-minors of entries of
 * 21 bits are below 2^50, and two primes exceed that. */
START_TEST(scales_cost_nothing)
{
    struct heard heard;
    const assay_options options = {.progress = hear, .progress_data = &heard};
    ck_assert(work_run(&options, few_primes, NULL) == ASSAY_OK);
}
END_TEST

static void many_primes(struct work *w, void *args)
{
    struct heard *heard = args;
    struct ball *left = ball_new(w, 5, 1, 1000), *right = ball_new(w, 1, 4, 1000);
    for (size_t k = 0; k < 5; k++)
        mpfr_sqrt_ui(left->at + k, k + 17, MPFR_RNDN); /* in [4, 8) */
    for (size_t k = 0; k < 4; k++)
        mpfr_sqrt_ui(right->at + k, k + 65, MPFR_RNDN); /* in [8, 16) */
    *heard = (struct heard){.rising = true};
    ck_assert(rank_at_most(w, product_exact(w, left, right), 1));
}

/* 2-minors of entries of 1996 to 2000 bits, bounded by 4002 bits or fewer, take 64 to 66 primes, one of them unheard. */
START_TEST(progress_is_reported)
{
    struct heard heard;
    const assay_options options = {.progress = hear, .progress_data = &heard};
    ck_assert(work_run(&options, many_primes, &heard) == ASSAY_OK);
    ck_assert_msg(heard.rising && heard.count >= 63 && heard.count <= 65 && heard.last > 0.9, "%zu", heard.count);
}
END_TEST

static void special(struct work *w, void *args)
{
    (void)args;
    const size_t shapes[][2] = {{1, 1}, {1, 7}, {7, 1}, {4, 4}, {3, 9}};
    for (size_t k = 0; k < 5; k++) {
        struct ball *zero = ball_new(w, shapes[k][0], shapes[k][1], 10);
        check_rank(w, zero, NULL, NULL);
        ck_assert(rank_of(w, zero, NULL, NULL)->rank == 0 && rank_at_most(w, zero, 0));
        mpfr_set_si_2exp(zero->at + ball_count(zero) - 1, -1, -1000000, MPFR_RNDN);
        ck_assert(rank_of(w, zero, NULL, NULL)->rank == 1 && !rank_at_most(w, zero, 0) && rank_at_most(w, zero, 1));
    }
    ck_assert(rank_of(w, ball_identity(w, 12, 2), NULL, NULL)->rank == 12);
    struct ball *near = ball_new(w, 6, 6, 3000); /* all ones, but the diagonal is 1 + 2^-2000 in five places */
    for (size_t i = 0; i < 36; i++) {
        mpfr_set_ui_2exp(near->at + i, i % 7 == 0 && i < 35, -2000, MPFR_RNDN);
        mpfr_add_ui(near->at + i, near->at + i, 1, MPFR_RNDN);
    }
    check_rank(w, near, NULL, NULL);
    ck_assert(rank_of(w, near, NULL, NULL)->rank == 6);
    for (size_t i = 0; i < 4; i++)
        mpfr_set_ui(ball_at(near, i, i), 1, MPFR_RNDN);
    check_rank(w, near, NULL, NULL);
    ck_assert(rank_of(w, near, NULL, NULL)->rank == 2);
}

/* Zeros, one entry of 2^-1000000, the identity, and matrices that are 2^-2000 away from rank 1. */
START_TEST(special_matrices)
{
    in_work(special, NULL);
}
END_TEST

/* Larger than elimination in rational numbers would like: 60 x 50 of rank 23, made of small integers. */
static void larger(struct work *w, void *args)
{
    uint64_t state = 3;
    (void)args;
    struct ball *left = ball_new(w, 60, 23, 10), *right = ball_new(w, 23, 50, 10);
    for (size_t i = 0; i < 60 * 23; i++)
        mpfr_set_si(left->at + i, (long)random_below(&state, 19) - 9, MPFR_RNDN);
    for (size_t i = 0; i < 23 * 50; i++)
        mpfr_set_si(right->at + i, (long)random_below(&state, 19) - 9, MPFR_RNDN);
    struct ball *a = product_exact(w, left, right);
    const struct rank *r = rank_of(w, a, NULL, NULL);
    ck_assert(r->rank == 23 && rank_at_most(w, a, 23) && !rank_at_most(w, a, 22));
    ck_assert(true_rank(a, r->rows, 23, r->cols, 23) == 23);
    mpfr_add_ui(ball_at(a, 59, 49), ball_at(a, 59, 49), 1, MPFR_RNDN);
    ck_assert(rank_of(w, a, NULL, NULL)->rank == 24 && !rank_at_most(w, a, 23));
}

START_TEST(larger_matrices)
{
    in_work(larger, NULL);
}
END_TEST

/* Progress is reported for each prime of Hadamard's bound, and there is none where small kernel vectors prove the rank: of a
 * matrix whose last columns are the combinations sum_j c_j column_j / d, for c and d below 2^14 or so. */
struct kernel_case {
    long numerator, denominator; /* of the largest coefficients */
    bool wide, small;
};

static void check_kernel(struct work *w, void *pointer)
{
    const struct kernel_case *c = pointer;
    uint64_t state = 8;
    const size_t m = 20, n = 12;
    struct ball *a = ball_new(w, m, n, 200);
    for (size_t i = 0; i < m; i++) {
        mpfr_t sum;
        mpfr_init2(sum, 200);
        mpfr_set_zero(sum, 1);
        for (size_t j = 0; j + 1 < n; j++) {
            mpfr_set_si(ball_at(a, i, j), ((long)random_below(&state, 2001) - 1000) * c->denominator, MPFR_RNDN);
            mpfr_t term;
            mpfr_init2(term, 200);
            mpfr_mul_si(term, ball_at(a, i, j), (long)j - 5 == 0 ? c->numerator : (long)j - 5, MPFR_RNDN);
            mpfr_add(sum, sum, term, MPFR_RNDN);
            mpfr_clear(term);
        }
        mpfr_div_si(ball_at(a, i, n - 1), sum, c->denominator, MPFR_RNDN); /* exact */
        mpfr_clear(sum);
    }
    const struct ball *x = c->wide ? ball_transpose(w, a) : a;
    const struct heard *heard = w->options->progress_data;
    size_t before = heard->count;
    ck_assert(rank_of(w, x, NULL, NULL)->rank == n - 1);
    ck_assert_msg((heard->count == before) == c->small, "%ld / %ld", c->numerator, c->denominator);
    mpfr_nextabove(ball_at(a, 3, n - 1));
    ck_assert(rank_of(w, c->wide ? ball_transpose(w, a) : a, NULL, NULL)->rank == n);
}

START_TEST(small_kernels_are_found)
{
    struct kernel_case cases[] = {{1, 1, false, true},
                                  {-1, 7, true, true},
                                  {9999, 64, false, true},
                                  {1, 10007, true, true},
                                  {1L << 40, 1, false, false},
                                  {1, (1L << 31) - 1, false, false},
                                  {(1L << 27) + 1, 3, true, true}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct heard heard = {0};
        const assay_options options = {.progress = hear, .progress_data = &heard};
        ck_assert(work_run(&options, check_kernel, &cases[k]) == ASSAY_OK);
    }
}
END_TEST

RUN_TESTS("rank", TEST(ranks_are_right), TEST(bad_choices_are_seen), TEST(unlucky_primes_are_survived),
          TEST(scales_cost_nothing), TEST(progress_is_reported), TEST(special_matrices), TEST(larger_matrices),
          TEST(small_kernels_are_found))
