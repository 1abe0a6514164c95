/* Linear minimisation oracles: feasible, optimal, of least Frobenius norm, and unique where they say so. */
#include "lmo.h"

#include "matrices.h"
#include "product.h"
#include "random_balls.h"
#include "svd.h"

#include <math.h>
#include <string.h>

enum { NORMS = ASSAY_NORM_ROW + 1, BITS = 320 };

/* ---- norms, by their definitions -------------------------------------------------------------------------------- */

/* c sqrt(num / den) */
static void times_root(struct work *w, struct ball *c, long num, long den)
{
    struct ball *root = ball_new(w, 1, 1, BITS);
    ball_div(root, ball_from_integer(w, num), ball_from_integer(w, den));
    ball_sqrt(root, root);
    ball_mul(c, root, c);
}

/* c = the sum or the largest of the lengths of the rows, or of the columns. */
static void lengths(struct work *w, struct ball *c, const struct ball *x, bool rows, bool sum)
{
    struct ball *length = ball_new(w, 1, 1, BITS);
    for (size_t k = 0; k < (rows ? x->rows : x->cols); k++) {
        const struct ball *v = rows ? ball_gather(w, x, &k, 1, NULL, x->cols) : ball_gather(w, x, NULL, x->rows, &k, 1);
        ball_norm(w, length, v);
        sum ? ball_add(c, c, length) : ball_max(c, c, length);
    }
}

/* c = the sum or the largest of the singular values. */
static void values(struct work *w, struct ball *c, const struct ball *x, bool sum)
{
    const struct singular all = singular_evaluate(w, singular_problem_new(w, x), BITS);
    for (size_t k = 0; k < (sum ? all.rank : smaller(all.rank, 1)); k++)
        ball_add(c, c, ball_gather(w, all.s, NULL, 1, &k, 1));
}

/* c = the sum or the largest of the |entries|. */
static void entries(struct work *w, struct ball *c, const struct ball *x, bool sum)
{
    struct ball *entry = ball_new(w, 1, 1, x->prec);
    for (size_t k = 0; k < ball_count(x); k++) {
        mpfr_abs(entry->at, x->at + k, MPFR_RNDN);
        sum ? ball_add(c, c, entry) : ball_max(c, c, entry);
    }
}

static struct ball *norm_of(struct work *w, enum assay_norm norm, const struct ball *x)
{
    struct ball *c = ball_new(w, 1, 1, BITS);
    long m = (long)x->rows, n = (long)x->cols;
    switch (norm) {
    case ASSAY_NORM_SPECTRAL:
    case ASSAY_NORM_RMS:
    case ASSAY_NORM_NUCLEAR:
        values(w, c, x, norm == ASSAY_NORM_NUCLEAR);
        break;
    case ASSAY_NORM_FROBENIUS:
        ball_norm(w, c, x);
        break;
    case ASSAY_NORM_MAX:
    case ASSAY_NORM_SUM:
        entries(w, c, x, norm == ASSAY_NORM_SUM);
        break;
    case ASSAY_NORM_COLUMN:
    case ASSAY_NORM_ROW:
        lengths(w, c, x, norm == ASSAY_NORM_ROW, false);
        break;
    }
    if (norm == ASSAY_NORM_RMS)
        times_root(w, c, n, m);
    if (norm == ASSAY_NORM_COLUMN)
        times_root(w, c, 1, m);
    if (norm == ASSAY_NORM_ROW)
        times_root(w, c, n, 1);
    return c;
}

/* The duals of the above, in the same order: nuclear, itself, sum, sqrt(m / n) nuclear, spectral, largest entry,
 * sqrt(m) sum of the columns' lengths, the rows' over sqrt(n). */
static struct ball *dual_of(struct work *w, enum assay_norm norm, const struct ball *g)
{
    static const enum assay_norm plain[] = {ASSAY_NORM_NUCLEAR, ASSAY_NORM_FROBENIUS, ASSAY_NORM_SUM,
                                            ASSAY_NORM_NUCLEAR, ASSAY_NORM_SPECTRAL,  ASSAY_NORM_MAX};
    long m = (long)g->rows, n = (long)g->cols;
    if (norm < ASSAY_NORM_COLUMN) {
        struct ball *c = norm_of(w, plain[norm], g);
        if (norm == ASSAY_NORM_RMS)
            times_root(w, c, m, n);
        return c;
    }
    struct ball *c = ball_new(w, 1, 1, BITS);
    lengths(w, c, g, norm == ASSAY_NORM_ROW, true);
    times_root(w, c, norm == ASSAY_NORM_ROW ? 1 : m, norm == ASSAY_NORM_ROW ? n : 1);
    return c;
}

/* ---- one answer ------------------------------------------------------------------------------------------------- */

struct answer {
    const struct matrix *g;
    enum assay_norm norm;
    double radius;
    struct pair d;
    assay_lmo_info info;
};

static void require_lmo(struct answer *x)
{
    char message[ASSAY_MESSAGE_SIZE] = "";
    const assay_options options = {.threads = 1, .message = message, .message_size = sizeof message};
    assay_answer d = output(&x->d, x->g->rows, x->g->cols);
    assay_status status = assay_ref_lmo(&d, &x->info, x->norm, x->radius, input(x->g), &options);
    if (status != ASSAY_OK)
        print_matrix("G", x->g->at, x->g->rows, x->g->cols);
    ck_assert_msg(status == ASSAY_OK, "norm %d: %s", (int)x->norm, message);
    x->d.radius = d.radius;
}

static struct ball *sum_of(struct work *w, const struct pair *p, size_t rows, size_t cols)
{
    struct ball *x = ball_new(w, rows, cols, 2200);
    for (size_t k = 0; k < rows * cols; k++) {
        mpfr_set_d(x->at + k, p->hi[k], MPFR_RNDN);
        ck_assert(mpfr_add_d(x->at + k, x->at + k, p->lo[k], MPFR_RNDN) == 0);
    }
    return x;
}

/* Whether the scalar x may be at most `bound`, apart from a relative 2^-200 of `size`. */
static bool at_most(struct work *w, const struct ball *x, double bound, mag size)
{
    struct ball *rest = ball_new(w, 1, 1, BITS);
    ball_sub(rest, x, ball_from_double(w, bound));
    return mpfr_sgn(rest->at) <= 0 || mag_le(up_add(up_abs(rest->at), rest->radius), mag_scale(size, -200));
}

/* ||D|| <= radius + excess and radius ||G||_* + <G, D> <= gap: D is feasible and optimal, as far as is claimed. */
static bool is_optimal(struct work *w, const struct answer *x, const struct ball *d)
{
    const struct ball *g = ball_from_input(w, input(x->g)), *radius = ball_from_double(w, x->radius);
    struct ball *norm = norm_of(w, x->norm, d), *dual = dual_of(w, x->norm, g), *gap = ball_new(w, 1, 1, BITS);
    mag size = up_abs(radius->at);
    ball_sub(norm, norm, radius);
    bool feasible = at_most(w, norm, x->info.excess, size);
    ball_dot(w, gap, g, d);
    size = up_mul(size, ball_norm_up(dual));
    ball_mul(dual, radius, dual);
    ball_add(gap, gap, dual);
    return feasible && at_most(w, gap, x->info.gap, size);
}

/* The counter-checks of is_optimal(): a step too long, one too short, one entry off. */
static void check_refusals(struct work *w, const struct answer *x, const struct ball *d)
{
    struct ball *other = ball_new(w, d->rows, d->cols, 2300);
    ball_mul(other, ball_from_double(w, 1 + 0x1p-40), d);
    ck_assert(!is_optimal(w, x, other));
    ball_mul(other, ball_from_double(w, 1 - 0x1p-40), d);
    ck_assert(!is_optimal(w, x, other));
    ball_mul(other, ball_from_integer(w, -1), d);
    ck_assert(!is_optimal(w, x, other));
}

/* Whether there is one minimiser; and the square of the least Frobenius norm of one for radius 1: spectral, the rank;
 * RMS, m / n of it; nuclear 1 / k for k largest singular values; ... */
static bool is_unique(struct work *w, const struct answer *x, struct ball *square)
{
    const struct ball *g = ball_from_input(w, input(x->g));
    size_t m = g->rows, n = g->cols, zero_rows = 0, zero_cols = 0, zeros = 0, ties = 0;
    double largest = 0;
    for (size_t k = 0; k < m * n; k++) {
        zeros += x->g->at[k] == 0;
        ties = fabs(x->g->at[k]) > largest ? 1 : ties + (fabs(x->g->at[k]) == largest);
        largest = fmax(largest, fabs(x->g->at[k]));
    }
    for (size_t i = 0; i < m; i++)
        zero_rows += ball_is_zero(ball_gather(w, g, &i, 1, NULL, n));
    for (size_t j = 0; j < n; j++)
        zero_cols += ball_is_zero(ball_gather(w, g, NULL, m, &j, 1));
    struct singular_problem *p = singular_problem_new(w, g);
    struct singular all = singular_evaluate(w, p, BITS);
    size_t top = smaller(all.rank, 1);
    MPFR_DECL_INIT(gap, 64);
    for (; top > 0 && top < all.rank; top++) {
        mpfr_sub(gap, all.s->at, all.s->at + top, MPFR_RNDZ);
        if (!mag_le(down_abs(gap), up_add(all.s->error[0], all.s->error[top])))
            break;
    }
    double norms[NORMS] = {
        (double)all.rank,
        zeros<m * n, (double)(m * n - zeros), (double)(m * all.rank) / (double)n, top> 0 ? 1 / (double)top : 0,
        largest > 0 ? 1 / (double)ties : 0, (double)(m * (n - zero_cols)), (double)(m - zero_rows) / (double)n};
    const bool unique[NORMS] = {
        all.rank == side_of(x->g), zeros < m * n,  zeros == 0,    all.rank == side_of(x->g), top == 1,
        ties == 1 && largest > 0,  zero_cols == 0, zero_rows == 0};
    mpfr_set_d(square->at, norms[x->norm], MPFR_RNDN);
    return unique[x->norm];
}

static void check_answer(struct work *w, void *pointer)
{
    const struct answer *x = pointer;
    const struct ball *d = sum_of(w, &x->d, x->g->rows, x->g->cols);
    const struct ball *dual = dual_of(w, x->norm, ball_from_input(w, input(x->g)));
    ck_assert_msg(is_optimal(w, x, d), "norm %d", (int)x->norm);
    if (!ball_is_zero(d))
        check_refusals(w, x, d);
    double middle = mpfr_get_d(dual->at, MPFR_RNDN);
    ck_assert(x->info.dual[0] <= middle && middle <= x->info.dual[1]);
    ck_assert(x->info.dual[1] <= x->info.dual[0] * (1 + 1e-14) + 1e-320);
    ck_assert(x->info.excess <= x->radius * 0x1p-90 + 0x1p-1060);
    struct ball *square = ball_new(w, 1, 1, 64), *norm = ball_new(w, 1, 1, 64);
    ck_assert_msg(x->info.unique == is_unique(w, x, square), "norm %d", (int)x->norm);
    ball_norm(w, norm, d);
    double least = x->radius * sqrt(mpfr_get_d(square->at, MPFR_RNDN));
    ck_assert(fabs(mpfr_get_d(norm->at, MPFR_RNDN) - least) <= 1e-14 * least);
}

static void check_all_norms(const struct matrix *g, double radius)
{
    static struct answer x;
    for (enum assay_norm norm = 0; norm <= ASSAY_NORM_ROW; norm++) {
        x.g = g;
        x.norm = norm;
        x.radius = radius;
        require_lmo(&x);
        in_work(check_answer, &x);
    }
}

static bool is_moderate(const struct matrix *g)
{
    for (size_t k = 0; k < g->rows * g->cols; k++)
        if (fabs(g->at[k]) > 1e200 || (g->at[k] != 0 && fabs(g->at[k]) < 1e-200))
            return false;
    return true;
}

START_TEST(answers_are_feasible_and_optimal)
{
    static struct matrix g;
    static const double radii[] = {1, 0.02, 3, 0x1p-60, 1e10};
    for (size_t k = 0; k < KINDS; k++) {
        uint64_t state = 500 + k;
        for (size_t i = 0; i < rounds(kinds[k].polar < 100 ? 1 : 3); i++) {
            kinds[k].make(&state, &g);
            if (is_moderate(&g))
                check_all_norms(&g, radii[i % 5]);
        }
    }
}
END_TEST

/* ---- ties ------------------------------------------------------------------------------------------------------- */

START_TEST(ties_are_decided)
{
    static const struct matrix matrices[] = {
        {2, 2, {0}}, /* every D is minimal */
        {3, 2, {0}},
        {2, 2, {1, 0, 0, 1}},             /* singular values, entries, columns and rows tie */
        {2, 3, {3, -3, 0, 3, 3, 0}},      /* and a zero column */
        {3, 2, {1, 2, 0, 0, 2, -1}},      /* a zero row, orthogonal others */
        {2, 2, {1, 1, 1, 1}},             /* rank 1 */
        {2, 2, {1, 2, 2, 4.0000001}},     /* hardly rank 2 */
        {2, 2, {1, -0.99999999, 0.5, 1}}, /* nearly a tie of entries */
        {1, 1, {-3}},
        {1, 1, {0}},
        {4, 1, {1, -1, 1, 0}},
        {4, 4, {1, 1, 1, 1, 1, -1, 1, -1, 1, 1, -1, -1, 1, -1, -1, 1}},
        {4, 4, {1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0}},
    };
    for (size_t k = 0; k < sizeof matrices / sizeof matrices[0]; k++)
        check_all_norms(&matrices[k], 0.5);
}
END_TEST

/* D = -radius o for the o that is known: G = (3 4) / any power of two, (0 5), ... */
START_TEST(rational_answers_are_exact)
{
    static const struct matrix g = {2, 2, {3, 4, 0, -5}};
    static struct answer x;
    x.g = &g;
    x.radius = 10;
    x.norm = ASSAY_NORM_ROW; /* radius / sqrt(2): no */
    require_lmo(&x);
    ck_assert(x.d.radius > 0 && x.d.hi[2] == 0);
    x.norm = ASSAY_NORM_SUM;
    require_lmo(&x);
    ck_assert(x.d.radius == 0 && x.d.hi[3] == 10 && x.d.hi[0] == 0 && !signbit(x.d.hi[0]) && x.info.unique);
    x.norm = ASSAY_NORM_MAX;
    require_lmo(&x);
    ck_assert(x.d.hi[0] == -10 && x.d.hi[1] == -10 && x.d.hi[2] == 0 && x.d.hi[3] == 10 && !x.info.unique);
    static const struct matrix tall = {4, 1, {0, 3, 4, 0}};
    x.g = &tall;
    x.norm = ASSAY_NORM_COLUMN; /* sqrt(4) / 5 */
    require_lmo(&x);
    ck_assert(x.d.hi[1] == -12 && x.d.hi[2] == -16 && x.d.radius == 0 && x.d.lo[1] == 0);
    x.norm = ASSAY_NORM_RMS;
    require_lmo(&x);
    ck_assert(x.d.hi[1] == -12 && x.d.hi[2] == -16 && x.d.radius == 0 && x.info.unique);
    x.norm = ASSAY_NORM_FROBENIUS;
    x.radius = 1; /* -(3 4) / 5: not dyadic, but rational, so that the radius of its rests is decided */
    require_lmo(&x);
    ck_assert(x.d.hi[1] == -0.6 && x.d.hi[2] == -0.8 && x.info.dual[0] <= 5 && x.info.dual[1] >= 5);
}
END_TEST

/* Of a matrix that has more bits than are asked for, and without a certificate. */
static void check_long_entries(struct work *w, void *unused)
{
    (void)unused;
    struct ball *g = ball_new(w, 1, 2, 500);
    mpfr_set_ui(g->at, 3, MPFR_RNDN);
    mpfr_nextabove(g->at); /* by 2^-498 */
    mpfr_set_ui(g->at + 1, 3, MPFR_RNDN);
    struct lmo l = lmo_evaluate(w, lmo_problem_new(w, g, ASSAY_NORM_SUM), 10);
    ck_assert(l.unique && ball_is_exact(l.dual) && mpfr_equal_p(l.dual->at, g->at) && mpfr_zero_p(l.o->at + 1));
    ck_assert(mpfr_cmp_ui(l.o->at, 1) == 0);
}

START_TEST(long_entries_are_compared_exactly)
{
    in_work(check_long_entries, NULL);
    static const struct matrix g = {1, 2, {1, -2}};
    static struct pair p;
    assay_answer d = output(&p, 1, 2);
    ck_assert(assay_ref_lmo(&d, NULL, ASSAY_NORM_SUM, 1, input(&g), NULL) == ASSAY_OK);
    ck_assert(p.hi[0] == 0 && p.hi[1] == 1 && d.radius == 0);
}
END_TEST

/* ---- the factor between norms ----------------------------------------------------------------------------------- */

/* ||X|| <= factor ||X||_F, attained by the identity, one entry, one row, one column or ones. */
static void check_factors(struct work *w, void *unused)
{
    (void)unused;
    uint64_t state = 5;
    for (size_t m = 1; m <= 4; m++)
        for (size_t n = 1; n <= 4; n++)
            for (enum assay_norm norm = 0; norm <= ASSAY_NORM_ROW; norm++) {
                struct work_block *mark = work_mark(w);
                mag factor = lmo_norm_factor(norm, m, n), most = MAG_ZERO;
                for (size_t kind = 0; kind < 5 + rounds(3); kind++) {
                    struct ball *x = ball_new(w, m, n, 64), *frobenius = ball_new(w, 1, 1, BITS);
                    for (size_t i = 0; i < m; i++)
                        for (size_t j = 0; j < n; j++) {
                            const double entry[] = {i == j, i + j == 0, i == 0, j == 0, 1};
                            mpfr_set_d(ball_at(x, i, j), kind < 5 ? entry[kind] : random_gaussian(&state), MPFR_RNDN);
                        }
                    ball_norm(w, frobenius, x);
                    mag quotient = down_div(ball_abs_down(norm_of(w, norm, x)), ball_norm_up(frobenius));
                    ck_assert_msg(mag_le(quotient, factor), "norm %d", (int)norm);
                    most = mag_max(most, quotient);
                }
                ck_assert(mag_le(factor, up_add(most, mag_scale(most, -20)))); /* it cannot be smaller */
                work_release(w, mark);
            }
}

START_TEST(factors_of_norms_are_the_least)
{
    in_work(check_factors, NULL);
}
END_TEST

/* ---- bad arguments ---------------------------------------------------------------------------------------------- */

static void refuses(assay_status expected, const char *sentence, enum assay_norm norm, double radius, assay_answer d,
                    assay_input g)
{
    static char message[ASSAY_MESSAGE_SIZE];
    const assay_options options = {.message = message, .message_size = sizeof message};
    d.hi.at[0] = 77;
    ck_assert_int_eq(assay_ref_lmo(&d, NULL, norm, radius, g, &options), expected);
    ck_assert_msg(strstr(message, sentence), "%s", message);
    ck_assert(d.hi.at[0] == 77 && isnan(d.radius));
}

START_TEST(bad_arguments_are_refused)
{
    static struct matrix m = {2, 2, {1, 2, 3, 5}};
    static struct pair p;
    const assay_answer d = output(&p, 2, 2);
    const assay_input g = input(&m);
    for (enum assay_norm norm = 0; norm <= ASSAY_NORM_ROW; norm++) {
        refuses(ASSAY_INVALID, "radius", norm, 0, d, g);
        refuses(ASSAY_INVALID, "radius", norm, -1, d, g);
        refuses(ASSAY_INVALID, "radius", norm, NAN, d, g);
        refuses(ASSAY_INVALID, "radius", norm, INFINITY, d, g);
        refuses(ASSAY_INVALID, "not 2 x 2", norm, 1, output(&p, 2, 1), g);
        refuses(ASSAY_INVALID, "empty", norm, 1, d, (assay_input){m.at, 2, 0, 2});
    }
    refuses(ASSAY_INVALID, "norm number 8", (enum assay_norm)8, 1, d, g);
    refuses(ASSAY_INVALID, "norm number -1", (enum assay_norm) - 1, 1, d, g);
    m.at[1] = NAN;
    refuses(ASSAY_NOT_FINITE, "(0, 1)", ASSAY_NORM_MAX, 1, d, g);
    static const struct matrix tall = {4, 1, {1, 0, 0, 0}};
    refuses(ASSAY_RANGE, "largest binary64", ASSAY_NORM_COLUMN, 0x1.8p1023, output(&p, 4, 1),
            (assay_input){tall.at, 4, 1, 1});
}
END_TEST

RUN_TESTS("lmo", TEST(answers_are_feasible_and_optimal), TEST(ties_are_decided), TEST(rational_answers_are_exact),
          TEST(long_entries_are_compared_exactly), TEST(factors_of_norms_are_the_least),
          TEST(bad_arguments_are_refused))
