/* Zeros that are there for a reason: found where they are, and nowhere else. */
#include "zeros.h"

#include "matrices.h"
#include "random_balls.h"

#include <string.h>

/* ---- connected components --------------------------------------------------------------------------------------- */

enum { MOST_NODES = 24 };

/* Warshall's transitive closure over rows 0 .. m - 1 and columns m .. m + n - 1. */
struct reach {
    size_t rows, nodes;
    bool from[MOST_NODES][MOST_NODES];
};

static bool known_zero(const struct ball *a, size_t i, size_t j)
{
    return mpfr_zero_p(ball_at(a, i, j)) && mag_is_zero(a->error[i * a->cols + j]);
}

static void close_graph(struct reach *r, const struct ball *a)
{
    *r = (struct reach){.rows = a->rows, .nodes = a->rows + a->cols};
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = 0; j < a->cols; j++)
            r->from[i][a->rows + j] = r->from[a->rows + j][i] = !known_zero(a, i, j);
    for (size_t via = 0; via < r->nodes; via++)
        for (size_t x = 0; x < r->nodes; x++)
            for (size_t y = 0; y < r->nodes; y++)
                r->from[x][y] = r->from[x][y] || (r->from[x][via] && r->from[via][y]);
}

/* The number of the component that each node is in; -1 for none. A node in two of them fails the test. */
static void number_nodes(long *number, const struct components *all, size_t rows, size_t nodes)
{
    for (size_t x = 0; x < nodes; x++)
        number[x] = -1;
    for (size_t k = 0; k < all->count; k++) {
        const struct component *c = &all->each[k];
        for (size_t i = 0; i < c->row_count; i++) {
            ck_assert(number[c->rows[i]] == -1 && (i == 0 || c->rows[i] > c->rows[i - 1]));
            number[c->rows[i]] = (long)k;
        }
        for (size_t j = 0; j < c->col_count; j++) {
            ck_assert(number[rows + c->cols[j]] == -1 && (j == 0 || c->cols[j] > c->cols[j - 1]));
            number[rows + c->cols[j]] = (long)k;
        }
    }
}

/* Two nodes are in one component if and only if there is a way between them; those without neighbours are in none. */
static bool are_components(const struct components *all, const struct reach *r)
{
    long number[MOST_NODES];
    number_nodes(number, all, r->rows, r->nodes);
    for (size_t x = 0; x < r->nodes; x++)
        for (size_t y = 0; y < r->nodes; y++)
            if (r->from[x][y] != (number[x] == number[y] && number[x] >= 0))
                return false;
    return true;
}

/* Sparse, some of the zeros only seeming ones. */
static struct ball *sparse(struct work *w, uint64_t *state, size_t most)
{
    struct ball *a = ball_new(w, 1 + random_below(state, most), 1 + random_below(state, most), 53);
    size_t one_in = 2 + random_below(state, 8);
    for (size_t k = 0; k < ball_count(a); k++) {
        if (random_below(state, one_in) == 0)
            mpfr_set_d(a->at + k, random_gaussian(state), MPFR_RNDN);
        if (random_below(state, 20) == 0)
            a->error[k] = mag_power_of_two(-40);
    }
    a->radius = MAG_INF;
    ball_tighten(a);
    return a;
}

static void check_components(struct work *w, void *unused)
{
    (void)unused;
    static struct reach r;
    uint64_t state = 1;
    size_t broken = 0;
    for (size_t k = 0; k < rounds(2000); k++) {
        struct work_block *mark = work_mark(w);
        const struct ball *a = sparse(w, &state, MOST_NODES / 2);
        struct components all = components_of(w, a);
        close_graph(&r, a);
        ck_assert(are_components(&all, &r));
        if (all.count > 1) { /* counter-check: a column that moved into another component */
            all.each[0].cols[0] = all.each[1].cols[--all.each[1].col_count];
            all.each[0].col_count = 1;
            ck_assert(!are_components(&all, &r));
            broken++;
        }
        work_release(w, mark);
    }
    ck_assert(broken > rounds(2000) / 10);
}

START_TEST(components_are_the_connected_ones)
{
    in_work(check_components, NULL);
}
END_TEST

/* ---- zeros of the pattern --------------------------------------------------------------------------------------- */

/* Entries that join no two nodes of a component become exactly zero, all others stay as they are to the last bit. */
static void check_pattern(struct work *w, void *unused)
{
    (void)unused;
    static struct reach r;
    uint64_t state = 2;
    size_t seen[2] = {0};
    for (size_t k = 0; k < rounds(2000); k++) {
        struct work_block *mark = work_mark(w);
        const struct ball *a = sparse(w, &state, 8);
        struct ball *f = random_ball(w, &state, a->rows, a->cols, 60, 5), *old = clone(w, f);
        bool any = restore_zeros(w, f, a, false), expected = false;
        close_graph(&r, a);
        for (size_t i = 0; i < a->rows; i++)
            for (size_t j = 0; j < a->cols; j++) {
                size_t l = i * a->cols + j;
                bool apart = !r.from[i][a->rows + j];
                expected = expected || (apart && !known_zero(old, i, j));
                ck_assert(apart ? known_zero(f, i, j) && !mpfr_signbit(f->at + l)
                                : mpfr_equal_p(f->at + l, old->at + l) && same_mag(f->error[l], old->error[l]));
            }
        ck_assert(any == expected && mag_le(f->radius, old->radius));
        seen[any]++;
        work_release(w, mark);
    }
    ck_assert(seen[0] > rounds(2000) / 100 && seen[1] > rounds(2000) / 100);
}

START_TEST(entries_outside_of_components_vanish)
{
    in_work(check_pattern, NULL);
}
END_TEST

/* ---- zeros that no pattern shows -------------------------------------------------------------------------------- */

/* Modulo P = 2^61 - 1: f = A g(A^T A) for a random polynomial g of degree 2 n. An entry of it vanishes if it does for
 * every g, and else with a probability of 1 / P. */
static const uint64_t P = (UINT64_C(1) << 61) - 1;
__extension__ typedef unsigned __int128 wide;

static uint64_t dot_mod(const uint64_t *x, size_t x_step, const uint64_t *y, size_t y_step, size_t n)
{
    wide sum = 0;
    for (size_t k = 0; k < n; k++)
        sum = (sum + (wide)x[k * x_step] * y[k * y_step]) % P;
    return (uint64_t)sum;
}

static void random_function(uint64_t *f, uint64_t *state, const struct matrix *a)
{
    static uint64_t z[MOST], gram[MOST], power[MOST], next[MOST];
    size_t m = a->rows, n = a->cols;
    for (size_t k = 0; k < m * n; k++) {
        z[k] = power[k] = a->at[k] < 0 ? P - (uint64_t)-a->at[k] : (uint64_t)a->at[k];
        f[k] = 0;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            gram[i * n + j] = dot_mod(z + i, n, z + j, n, m);
    for (size_t degree = 0; degree <= 2 * n; degree++) {
        uint64_t c = random_bits(state) % P;
        for (size_t k = 0; k < m * n; k++)
            f[k] = (uint64_t)((f[k] + (wide)c * power[k]) % P);
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < n; j++)
                next[i * n + j] = dot_mod(power + i * n, 1, gram + j, n, n);
        memcpy(power, next, m * n * sizeof *power);
    }
}

/* Skew matrices have skew odd functions, so zeros on the diagonal; a conference matrix is its own function; products of
 * these with permutations likewise; random ones have none that is not due to the pattern. */
static void make_candidate(uint64_t *state, struct matrix *a)
{
    size_t sort = random_below(state, 4), n = 2 + random_below(state, 6);
    if (sort == 0) {
        random_shape(state, a, 7);
        for (size_t k = 0; k < a->rows * a->cols; k++)
            a->at[k] = small_integer(state, 1);
        return;
    }
    set_shape(a, n, n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) {
            *entry(a, i, j) = small_integer(state, 3);
            *entry(a, j, i) = sort == 1 ? *entry(a, i, j) : -*entry(a, i, j);
        }
    shuffle(state, a);
}

/* A ball that leaves everything open. */
static struct ball *open_ball(struct work *w, size_t rows, size_t cols)
{
    struct ball *f = ball_new(w, rows, cols, 53);
    for (size_t k = 0; k < ball_count(f); k++)
        f->error[k] = k % 3 ? MAG_ONE : MAG_INF;
    f->radius = MAG_INF;
    return f;
}

static void check_hidden(struct work *w, void *unused)
{
    (void)unused;
    static struct matrix m;
    static uint64_t value[MOST];
    uint64_t state = 3;
    size_t hidden = 0, seeming = 0;
    for (size_t k = 0; k < rounds(1500); k++) {
        struct work_block *mark = work_mark(w);
        make_candidate(&state, &m);
        random_function(value, &state, &m);
        const struct ball *a = ball_from_input(w, input(&m));
        struct ball *f = open_ball(w, m.rows, m.cols), *pattern = open_ball(w, m.rows, m.cols);
        restore_zeros(w, f, a, true);
        restore_zeros(w, pattern, a, false);
        for (size_t l = 0; l < ball_count(f); l++) {
            ck_assert_msg(mag_is_zero(f->error[l]) == (value[l] == 0), "entry %zu", l);
            hidden += value[l] == 0 && !mag_is_zero(pattern->error[l]);
            seeming += value[l] != 0 && m.at[l] == 0;
        }
        work_release(w, mark);
    }
    ck_assert(hidden > rounds(1500) / 4 && seeming > rounds(1500) / 4); /* both sorts do occur */
}

START_TEST(hidden_zeros_are_those_of_every_function)
{
    in_work(check_hidden, NULL);
}
END_TEST

/* What is not open is not touched: here the ball says that the entry is not zero. It would be wrong, but how wrong is
 * not for restore_zeros() to say. */
static void check_untouched(struct work *w, void *unused)
{
    (void)unused;
    const double skew[] = {0, 1, 2, -1, 0, 3, -2, -3, 0};
    const struct ball *a = ball_from_input(w, (assay_input){skew, 3, 3, 3});
    struct ball *f = open_ball(w, 3, 3);
    mpfr_set_d(f->at, 2, MPFR_RNDN);
    f->error[0] = mag_power_of_two(0);
    ck_assert(restore_zeros(w, f, a, true));
    ck_assert(mpfr_cmp_ui(f->at, 2) == 0 && known_zero(f, 1, 1) && known_zero(f, 2, 2));
    ck_assert(!restore_zeros(w, f, a, true)); /* nothing is left to do */

    struct ball *inexact = ball_copy(w, a, 53);
    ball_widen_all(inexact, mag_power_of_two(-300));
    f = open_ball(w, 3, 3);
    ck_assert(!restore_zeros(w, f, inexact, true));
    ck_assert(!mag_is_zero(f->error[0]));
}

START_TEST(other_entries_are_not_touched)
{
    in_work(check_untouched, NULL);
}
END_TEST

/* Whether the zeros on the diagonal of functions of a skew n x n matrix, a band, are found. */
static bool finds_diagonal_zeros(struct work *w, size_t n)
{
    struct ball *a = ball_new(w, n, n, 8), *f = ball_new(w, n, n, 53);
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n && j <= i + 2; j++) {
            mpfr_set_si(ball_at(a, i, j), 1 + (long)i % 2, MPFR_RNDN);
            mpfr_set_si(ball_at(a, j, i), -1 - (long)i % 2, MPFR_RNDN);
        }
    for (size_t i = 0; i < n; i++)
        f->error[i * n + i] = MAG_ONE;
    f->radius = MAG_INF;
    bool any = restore_zeros(w, f, a, true);
    ck_assert(ball_is_exact(f) == any);
    return any;
}

static void check_sides(struct work *w, void *unused)
{
    (void)unused;
    ck_assert(finds_diagonal_zeros(w, 64));
    ck_assert(!finds_diagonal_zeros(w, 65));
}

START_TEST(hidden_zeros_are_sought_up_to_a_side_of_64)
{
    in_work(check_sides, NULL);
}
END_TEST

RUN_TESTS("zeros", TEST(components_are_the_connected_ones), TEST(entries_outside_of_components_vanish),
          TEST(hidden_zeros_are_those_of_every_function), TEST(other_entries_are_not_touched),
          TEST(hidden_zeros_are_sought_up_to_a_side_of_64))
