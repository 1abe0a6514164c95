/* Composite subproblems: feasible and optimal by the conditions that define it, and nearest to the centre of several.
 *
 * x minimises <m, x> + R(x) over ||x - c|| <= eta if and only if some r in dR(x) has eta ||m + r||_* = <m + r, c - x>
 * and ||x - c|| <= eta (theory of the trust-region step; r = lambda x for the ridge). */
#include "subproblem.h"

#include "matrices.h"
#include "product.h"
#include "random_balls.h"
#include "svd.h"

#include <gmp.h>
#include <math.h>
#include <string.h>

struct problem {
    enum assay_norm norm;
    enum assay_regulariser regulariser;
    double radius, weight;
    struct matrix m, centre;
    struct pair x;
    bool unique;
};

static void require_solved(struct problem *p)
{
    char message[ASSAY_MESSAGE_SIZE] = "";
    const assay_options options = {.threads = 1, .message = message, .message_size = sizeof message};
    assay_answer x = output(&p->x, p->m.rows, p->m.cols);
    assay_status status = assay_ref_subproblem(&x, &p->unique, p->norm, p->radius, p->regulariser, p->weight,
                                               input(&p->m), input(&p->centre), &options);
    if (status != ASSAY_OK) {
        print_matrix("M", p->m.at, p->m.rows, p->m.cols);
        print_matrix("C", p->centre.at, p->m.rows, p->m.cols);
    }
    ck_assert_msg(status == ASSAY_OK, "radius %a, weight %a: %s", p->radius, p->weight, message);
    p->x.radius = x.radius;
}

/* ---- the ridge -------------------------------------------------------------------------------------------------- */

enum { BITS = 400 };

static struct ball *sum_of(struct work *w, const struct pair *p, size_t rows, size_t cols)
{
    struct ball *x = ball_new(w, rows, cols, 2200);
    for (size_t k = 0; k < rows * cols; k++) {
        mpfr_set_d(x->at + k, p->hi[k], MPFR_RNDN);
        ck_assert(mpfr_add_d(x->at + k, x->at + k, p->lo[k], MPFR_RNDN) == 0);
    }
    return x;
}

/* The Frobenius norm; else the largest singular value, or for the dual norm the sum of them. */
static struct ball *norm_of(struct work *w, const struct problem *p, const struct ball *x, bool dual)
{
    struct ball *c = ball_new(w, 1, 1, BITS);
    if (p->norm == ASSAY_NORM_FROBENIUS) {
        ball_norm(w, c, x);
        return c;
    }
    struct singular all = singular_evaluate(w, singular_problem_new(w, x), BITS);
    for (size_t k = 0; k < (dual ? all.rank : smaller(all.rank, 1)); k++)
        ball_add(c, c, ball_gather(w, all.s, NULL, 1, &k, 1));
    return c;
}

/* Whether a <= b, or |a| is no more than `tolerance`. */
static bool at_most(const struct ball *a, mag tolerance)
{
    return mpfr_sgn(a->at) <= 0 || mag_le(up_add(up_abs(a->at), a->radius), tolerance);
}

/* With x known up to its radius e: ||x - c|| - eta <= e, and eta ||m + lambda x||_* - <m + lambda x, c - x>, which is
 * Lipschitz in x, is below e times 4 (lambda eta sqrt(side) + ||m + lambda x||_F + lambda ||c - x||_F). */
static bool is_optimal(struct work *w, const struct problem *p, const struct ball *x)
{
    const struct ball *m = ball_from_input(w, input(&p->m)), *c = ball_from_input(w, input(&p->centre));
    const struct ball *eta = ball_from_double(w, p->radius), *lambda = ball_from_double(w, p->weight);
    struct ball *step = ball_new(w, m->rows, m->cols, 4400), *slope = ball_new(w, m->rows, m->cols, 4400);
    ball_sub(step, c, x);
    ball_mul(slope, lambda, x);
    ball_add(slope, slope, m);
    struct ball *length = norm_of(w, p, step, false), *gap = norm_of(w, p, slope, true), *dot = ball_new(w, 1, 1, BITS);
    mag e = up_add(up_abs(ball_from_double(w, p->x.radius)->at), mag_scale(up_abs(eta->at), -300));
    ball_sub(length, length, eta);
    ball_mul(gap, eta, gap);
    ball_dot(w, dot, slope, step);
    ball_sub(gap, gap, dot);
    mag slack = up_mul(up_abs(lambda->at), up_add(mag_scale(up_abs(eta->at), 3), ball_norm_up(step)));
    slack = up_mul(mag_scale(e, 2), up_add(slack, ball_norm_up(slope)));
    slack = up_add(slack, mag_scale(up_mul(ball_norm_up(slope), up_abs(eta->at)), -300));
    return at_most(length, mag_scale(e, 1)) && at_most(gap, slack);
}

struct counts {
    size_t inside, outside, clipped;
};

/* Where the answer lies: at the unconstrained minimum, or with all singular values of its step at eta, or between. */
static void check_ridge(struct work *w, void *pointer)
{
    struct {
        const struct problem *p;
        struct counts *counts;
    } *args = pointer;
    const struct problem *p = args->p;
    const struct ball *x = sum_of(w, &p->x, p->m.rows, p->m.cols), *c = ball_from_input(w, input(&p->centre));
    ck_assert(p->unique && is_optimal(w, p, x));
    struct ball *step = ball_new(w, x->rows, x->cols, 4400), *length = NULL;
    ball_sub(step, x, c);
    length = norm_of(w, p, step, false);
    double size = mpfr_get_d(length->at, MPFR_RNDN);
    args->counts->inside += size < p->radius * (1 - 1e-9);
    args->counts->outside += size >= p->radius * (1 - 1e-9);
    struct ball *other = ball_new(w, x->rows, x->cols, 2300); /* counter-checks */
    ball_mul(other, ball_from_double(w, 1 + 0x1p-40), x);
    ck_assert(ball_is_zero(x) || !is_optimal(w, p, other));
    other = clone(w, other);
    mpfr_add_d(other->at, x->at, p->radius * 0x1p-30, MPFR_RNDN);
    ck_assert(!is_optimal(w, p, other));
}

START_TEST(ridge_answers_meet_the_conditions)
{
    static struct problem p;
    static const enum assay_norm norms[] = {ASSAY_NORM_FROBENIUS, ASSAY_NORM_SPECTRAL};
    uint64_t state = 1;
    struct counts counts = {0};
    for (size_t i = 0; i < rounds(160); i++) {
        p.norm = norms[i % 2];
        p.regulariser = ASSAY_REGULARISER_RIDGE;
        p.radius = i % 3 ? 0.5 + random_uniform(&state) : ldexp(1 + (double)random_below(&state, 3), (int)(i % 5) - 2);
        p.weight = i % 5 ? ldexp(1 + random_uniform(&state), (int)random_below(&state, 8) - 4) : 1;
        kinds[i % 4].make(&state, &p.m);
        p.centre = p.m;
        for (size_t k = 0; k < p.m.rows * p.m.cols; k++)
            p.centre.at[k] = i % 7 ? small_integer(&state, 2) : 0;
        require_solved(&p);
        struct {
            const struct problem *p;
            struct counts *counts;
        } args = {&p, &counts};
        in_work(check_ridge, &args);
    }
    ck_assert(counts.inside > rounds(160) / 20 && counts.outside > rounds(160) / 4);
}
END_TEST

/* Exactly on the boundary, and other cases that no enclosure decides. */
START_TEST(ridge_answers_that_are_rational_are_exact)
{
    static struct problem p;
    p = (struct problem){
        .norm = ASSAY_NORM_FROBENIUS, .regulariser = ASSAY_REGULARISER_RIDGE, .radius = 5, .weight = 1};
    p.m = (struct matrix){1, 2, {-3, -4}};
    p.centre = (struct matrix){1, 2, {0, 0}};
    require_solved(&p); /* -m / lambda lies on the sphere */
    ck_assert(p.x.hi[0] == 3 && p.x.hi[1] == 4 && p.x.radius == 0);
    p.radius = 2.5; /* beyond: half way */
    require_solved(&p);
    ck_assert(p.x.hi[0] == 1.5 && p.x.hi[1] == 2 && p.x.radius == 0);
    p.weight = 3; /* -m / 3, inside */
    require_solved(&p);
    ck_assert(p.x.hi[0] == 1 && p.x.hi[1] == 4.0 / 3 && p.x.radius > 0);
    p.centre.at[0] = 1;
    p.weight = 1;
    require_solved(&p); /* W = (-2, -4): irrational */
    ck_assert(p.x.lo[0] != 0 && fabs(p.x.hi[0] - 1 - 2.5 * 2 / sqrt(20)) < 1e-15);

    p.norm = ASSAY_NORM_SPECTRAL;
    p.centre = (struct matrix){2, 2, {0}};
    p.m = (struct matrix){2, 2, {-4, 0, 0, -1}}; /* S = diag(4, 1), clipped at 2 */
    p.radius = 2;
    require_solved(&p);
    ck_assert(p.x.hi[0] == 2 && p.x.hi[3] == 1 && p.x.hi[1] == 0 && p.unique);
    p.radius = 4; /* just inside */
    require_solved(&p);
    ck_assert(p.x.hi[0] == 4 && p.x.hi[3] == 1 && p.x.radius == 0);
    p.radius = 1; /* all are clipped, one of them just */
    require_solved(&p);
    ck_assert(p.x.hi[0] == 1 && p.x.hi[3] == 1 && p.x.radius == 0);
    p.m = (struct matrix){2, 2, {-9, -3, 12, -2.25}}; /* singular values 15 and 3.75, U = (3 4; -4 3) / 5 */
    p.radius = 15;
    require_solved(&p);
    ck_assert(p.x.hi[0] == 9 && p.x.hi[1] == 3 && p.x.hi[2] == -12 && p.x.hi[3] == 2.25 && p.x.radius == 0);
    p.radius = 3.75; /* times U */
    require_solved(&p);
    ck_assert(p.x.hi[0] == 2.25 && p.x.hi[1] == 3 && p.x.hi[2] == -3 && p.x.hi[3] == 2.25 && p.x.radius == 0);
    p.m = (struct matrix){2, 2, {-41, -12, 12, 34}}; /* singular values 50 and 25, polar factor -diag(1, -1) */
    p.radius = 50;
    require_solved(&p);
    ck_assert(p.x.hi[0] == 41 && p.x.hi[3] == -34 && p.x.radius == 0);
    p.radius = 25;
    require_solved(&p);
    ck_assert(p.x.hi[0] == 25 && p.x.hi[3] == -25 && p.x.hi[1] == 0 && p.x.radius == 0);
    p.m = (struct matrix){2, 2, {0}};
    p.centre = (struct matrix){2, 2, {-2, -1, 1, 2}}; /* 3 and 1; x = c - 0.75 diag(-1, 1) */
    p.radius = 0.75;
    require_solved(&p);
    ck_assert(p.x.hi[0] == -1.25 && p.x.hi[1] == -1 && p.x.hi[2] == 1 && p.x.hi[3] == 1.25 && p.x.radius == 0);
    p.centre = (struct matrix){2, 2, {0}};
    /* a and b, turned by triangles: c^2 and 2 c^2, or c^2 and 3 c^2 */
    static const struct {
        struct matrix m;
        double least, largest;
    } turned[] = {{{2, 2, {-313, -60, -60, -194}}, 169, 338},
                  {{2, 2, {-57, -24, -24, -43}}, 25, 75},
                  {{2, 2, {-514, -120, -120, -353}}, 289, 578},
                  {{2, 2, {-457, -120, -120, -219}}, 169, 507}};
    for (size_t k = 0; k < 4; k++) {
        p.m = turned[k].m;
        p.radius = turned[k].largest;
        require_solved(&p);
        ck_assert(p.x.hi[0] == -p.m.at[0] && p.x.hi[1] == -p.m.at[1] && p.x.radius == 0);
        p.radius = turned[k].least;
        require_solved(&p);
        ck_assert(p.x.hi[0] == p.radius && p.x.hi[3] == p.radius && p.x.hi[1] == 0 && p.x.radius == 0);
    }
    p.radius = 1;
    p.m = (struct matrix){2, 2, {0}}; /* W = 0 */
    require_solved(&p);
    ck_assert(p.x.hi[0] == 0 && p.x.radius == 0);
    p.centre = (struct matrix){2, 2, {3, 0, 0, 3}}; /* a multiple of the identity */
    require_solved(&p);
    ck_assert(p.x.hi[0] == 2 && p.x.hi[3] == 2 && p.x.hi[1] == 0 && p.x.radius == 0);
}
END_TEST

/* With the limit closer and closer below the largest singular value, 50: what is clipped is 2^-k, up to the error. */
static void check_close_limits(struct work *w, void *unused)
{
    (void)unused;
    static const struct matrix m = {2, 2, {-41, -12, 12, 34}};
    for (long k = 10; k < 210; k++) {
        struct work_block *mark = work_mark(w);
        const struct ball *g = ball_from_input(w, input(&m));
        struct ball *limit = ball_new(w, 1, 1, 200), *difference = ball_new(w, 2, 2, 300);
        mpfr_set_si_2exp(limit->at, -1, -k, MPFR_RNDN);
        mpfr_add_ui(limit->at, limit->at, 50, MPFR_RNDN); /* 50 itself in the end */
        const struct subproblem p = {ASSAY_NORM_SPECTRAL, ASSAY_REGULARISER_RIDGE, 1, g, ball_new(w, 2, 2, 2), limit};
        const struct ball *x = subproblem_evaluate(w, &p, 10).x;
        ball_add(difference, x, g); /* x = -g, less 2^-k u v^T */
        mag clipped = k < 195 ? mag_power_of_two(-k) : MAG_ZERO, error = mag_scale(x->radius, 1);
        struct ball *exact = clone(w, difference);
        ball_make_exact(exact);
        mag size = ball_norm_up(exact);
        ck_assert(mag_le(size, up_add(error, up_add(clipped, mag_scale(clipped, -20)))));
        ck_assert(mag_le(clipped, up_add(mag_scale(error, 1), up_add(size, mag_scale(size, -20)))));
        ck_assert(mag_le(x->radius, mag_power_of_two(-5)));
        work_release(w, mark);
    }
}

START_TEST(limits_may_be_close_to_singular_values)
{
    in_work(check_close_limits, NULL);
}
END_TEST

/* ---- entry by entry --------------------------------------------------------------------------------------------- */

/* value = m x + lambda |x| for the sum, m x for the box; false outside of the ball or of the box. */
static bool objective(mpq_t value, const struct problem *p, size_t k, const mpq_t x)
{
    mpq_t m, c, eta, weight, t;
    mpq_inits(m, c, eta, weight, t, NULL);
    mpq_set_d(m, p->m.at[k]);
    mpq_set_d(c, p->centre.at[k]);
    mpq_set_d(eta, p->radius);
    mpq_set_d(weight, p->weight);
    mpq_sub(t, x, c);
    mpq_abs(t, t);
    bool feasible = mpq_cmp(t, eta) <= 0;
    mpq_mul(value, m, x);
    mpq_abs(t, x);
    if (p->regulariser == ASSAY_REGULARISER_BOX)
        feasible = feasible && mpq_cmp(t, weight) <= 0;
    else {
        mpq_mul(t, t, weight);
        mpq_add(value, value, t);
    }
    mpq_clears(m, c, eta, weight, t, NULL);
    return feasible;
}

/* Entry k of the answer, tried against `other`: -1 if that is feasible and better, 0 if it is as good, 1 if it is worse
 * or not feasible. */
static int compare(const struct problem *p, size_t k, const mpq_t x, const mpq_t other)
{
    mpq_t here, there;
    mpq_inits(here, there, NULL);
    bool feasible = objective(there, p, k, other);
    objective(here, p, k, x);
    int order = feasible ? mpq_cmp(there, here) : 1;
    mpq_clears(here, there, NULL);
    return order < 0 ? -1 : order > 0;
}

/* y = x + t (towards - x) */
static void between(mpq_t y, const mpq_t x, const mpq_t towards, double t)
{
    mpq_t factor;
    mpq_init(factor);
    mpq_set_d(factor, t);
    mpq_sub(y, towards, x);
    mpq_mul(y, y, factor);
    mpq_add(y, y, x);
    mpq_clear(factor);
}

/* The objective is convex and piecewise linear: x minimises it if none of its corners, nor a point a little to either
 * side of x, is better; it is the only minimiser if no such point is as good, and else the nearest to the centre if
 * none between it and the centre is. *unique: whether no point is as good. */
static bool is_best(const struct problem *p, size_t k, const mpq_t x, bool *unique)
{
    mpq_t corner[6], near, c;
    bool best;
    mpq_inits(near, c, NULL);
    mpq_set_d(c, p->centre.at[k]);
    best = objective(near, p, k, x); /* feasible */
    for (size_t i = 0; i < 6; i++)
        mpq_init(corner[i]);
    mpq_set_d(corner[0], p->radius);
    mpq_sub(corner[1], c, corner[0]);
    mpq_add(corner[0], corner[0], c);
    mpq_set_d(corner[2], p->weight);
    mpq_neg(corner[3], corner[2]);
    mpq_set(corner[5], c); /* corner[4] is 0 */
    *unique = true;
    for (size_t i = 0; i < 6; i++)
        if (!mpq_equal(corner[i], x)) {
            best = best && compare(p, k, x, corner[i]) >= 0;
            between(near, x, corner[i], 0x1p-80);
            int order = compare(p, k, x, near);
            best = best && order >= 0;
            *unique = *unique && order > 0;
        }
    if (!mpq_equal(c, x)) {
        between(near, x, c, 0x1p-80);
        best = best && compare(p, k, x, near) > 0;
    }
    for (size_t i = 0; i < 6; i++)
        mpq_clear(corner[i]);
    mpq_clears(near, c, NULL);
    return best;
}

/* A number of few bits, often 0 or +-2. */
static double short_number(uint64_t *state, double weight)
{
    switch (random_below(state, 5)) {
    case 0:
        return 0;
    case 1:
        return random_below(state, 2) ? weight : -weight;
    case 2:
        return small_integer(state, 4);
    default:
        return ldexp(floor(random_gaussian(state) * 0x1p20), -20);
    }
}

static void check_entries(const struct problem *p, size_t *ties, size_t *spoiled)
{
    mpq_t x, low, moved;
    mpq_inits(x, low, moved, NULL);
    bool all_unique = true, unique;
    ck_assert(p->x.radius == 0);
    for (size_t k = 0; k < p->m.rows * p->m.cols; k++) {
        mpq_set_d(x, p->x.hi[k]);
        mpq_set_d(low, p->x.lo[k]);
        mpq_add(x, x, low);
        ck_assert_msg(is_best(p, k, x, &unique), "m %a c %a weight %a radius %a: %a", p->m.at[k], p->centre.at[k],
                      p->weight, p->radius, p->x.hi[k]);
        all_unique = all_unique && unique;
        *ties += !unique;
        mpq_set_d(moved, 0x1p-30); /* counter-check */
        mpq_add(moved, moved, x);
        bool other;
        if (!is_best(p, k, moved, &other))
            ++*spoiled;
        else
            ck_assert(false);
    }
    ck_assert(p->unique == all_unique);
    mpq_clears(x, low, moved, NULL);
}

START_TEST(entries_are_the_nearest_minimisers)
{
    static struct problem p;
    uint64_t state = 2;
    size_t ties = 0, spoiled = 0, unique = 0;
    for (size_t i = 0; i < rounds(3000); i++) {
        p.norm = ASSAY_NORM_MAX;
        p.regulariser = i % 2 ? ASSAY_REGULARISER_BOX : ASSAY_REGULARISER_SUM;
        p.radius = ldexp(1 + (double)random_below(&state, 7), (int)random_below(&state, 5) - 2);
        p.weight = ldexp((double)random_below(&state, 5) + (double)(i % 2), (int)random_below(&state, 3) - 1);
        random_shape(&state, &p.m, 3);
        p.centre = p.m;
        for (size_t k = 0; k < p.m.rows * p.m.cols; k++) {
            p.m.at[k] = short_number(&state, p.weight);
            p.centre.at[k] = short_number(&state, p.weight);
            double most = p.weight + p.radius; /* where box and ball meet */
            if (i % 2)
                p.centre.at[k] = fmax(-most, fmin(p.centre.at[k], most));
        }
        require_solved(&p);
        check_entries(&p, &ties, &spoiled);
        unique += p.unique;
    }
    ck_assert(ties > rounds(3000) / 10 && unique > rounds(3000) / 10 && spoiled > rounds(3000));
}
END_TEST

/* ---- centres that are balls ------------------------------------------------------------------------------------- */

/* The answer for a ball of centres holds those of its members. */
static void check_centres(struct work *w, void *unused)
{
    (void)unused;
    static struct matrix m;
    static const struct {
        enum assay_norm norm;
        enum assay_regulariser regulariser;
    } forms[] = {{ASSAY_NORM_MAX, ASSAY_REGULARISER_SUM},
                 {ASSAY_NORM_FROBENIUS, ASSAY_REGULARISER_RIDGE},
                 {ASSAY_NORM_SPECTRAL, ASSAY_REGULARISER_RIDGE}};
    uint64_t state = 3;
    size_t wide = 0;
    for (size_t i = 0; i < rounds(300); i++) {
        struct work_block *mark = work_mark(w);
        kinds[i % 3].make(&state, &m);
        struct ball *centre = random_exact(w, &state, m.rows, m.cols, 60, 2);
        for (size_t k = 0; k < ball_count(centre); k++)
            centre->error[k] = mag_power_of_two(-(long)(i % 30));
        centre->radius = MAG_INF;
        ball_tighten(centre);
        struct subproblem p = {
            forms[i % 3].norm,       forms[i % 3].regulariser, 0.75, ball_from_input(w, input(&m)), centre,
            ball_from_double(w, 1.5)};
        struct ball *outer = subproblem_evaluate(w, &p, 100).x;
        p.centre = random_member(w, &state, centre);
        struct ball *inner = subproblem_evaluate(w, &p, 100).x;
        ball_widen_all(outer, inner->radius);
        ball_make_exact(inner);
        ck_assert(contains(outer, inner));
        outer->radius = mag_power_of_two(-60);
        wide += !contains(outer, inner);
        work_release(w, mark);
    }
    ck_assert(wide > rounds(300) / 3);
}

START_TEST(a_ball_of_centres_gives_a_ball)
{
    in_work(check_centres, NULL);
}
END_TEST

/* ---- bad arguments ---------------------------------------------------------------------------------------------- */

static void refuses(assay_status expected, const char *sentence, const struct problem *p, assay_answer x, assay_input m,
                    assay_input centre)
{
    static char message[ASSAY_MESSAGE_SIZE];
    const assay_options options = {.message = message, .message_size = sizeof message};
    x.hi.at[0] = 77;
    bool unique = true;
    ck_assert_int_eq(
        assay_ref_subproblem(&x, &unique, p->norm, p->radius, p->regulariser, p->weight, m, centre, &options),
        expected);
    ck_assert_msg(strstr(message, sentence), "%s", message);
    ck_assert(x.hi.at[0] == 77 && isnan(x.radius) && unique);
}

START_TEST(bad_arguments_are_refused)
{
    static struct problem p;
    static struct matrix m = {2, 2, {1, 2, 3, 4}}, c = {2, 2, {5, -9, 0, 1}}, tall = {4, 1, {1, 2, 3, 4}};
    const assay_answer x = output(&p.x, 2, 2);
    for (int norm = -1; norm <= ASSAY_NORM_ROW + 1; norm++)
        for (int regulariser = -1; regulariser <= ASSAY_REGULARISER_BOX + 1; regulariser++) {
            p = (struct problem){(enum assay_norm)norm, (enum assay_regulariser)regulariser, .radius = 20, .weight = 1};
            bool ridge =
                regulariser == ASSAY_REGULARISER_RIDGE && (norm == ASSAY_NORM_SPECTRAL || norm == ASSAY_NORM_FROBENIUS);
            bool separable = (regulariser == ASSAY_REGULARISER_SUM || regulariser == ASSAY_REGULARISER_BOX) &&
                             norm == ASSAY_NORM_MAX;
            if (!ridge && !separable) {
                refuses(ASSAY_INVALID, "no closed form", &p, x, input(&m), input(&c));
                continue;
            }
            assay_answer good = x;
            ck_assert(assay_ref_subproblem(&good, NULL, p.norm, p.radius, p.regulariser, p.weight, input(&m), input(&c),
                                           NULL) == ASSAY_OK);
            refuses(ASSAY_INVALID, "not 2 x 2", &p, output(&p.x, 2, 1), input(&m), input(&c));
            refuses(ASSAY_INVALID, "the centre is 4 x 1", &p, x, input(&m), input(&tall));
            tall.rows = 2; /* 2 x 1 */
            refuses(ASSAY_INVALID, "the centre is 2 x 1", &p, x, input(&m), input(&tall));
            tall.rows = 4;
            p.weight = -1;
            refuses(ASSAY_INVALID, "a weight of -1", &p, x, input(&m), input(&c));
            p.weight = NAN;
            refuses(ASSAY_INVALID, "a weight of", &p, x, input(&m), input(&c));
            p.weight = INFINITY;
            refuses(ASSAY_INVALID, "a weight of inf", &p, x, input(&m), input(&c));
            p.weight = 0;
            if (regulariser != ASSAY_REGULARISER_SUM)
                refuses(ASSAY_INVALID, "a weight of 0", &p, x, input(&m), input(&c));
            p.weight = 1;
            p.radius = 0;
            refuses(ASSAY_INVALID, "a radius of 0", &p, x, input(&m), input(&c));
        }
    p = (struct problem){ASSAY_NORM_MAX, ASSAY_REGULARISER_BOX, .radius = 4, .weight = 1};
    refuses(ASSAY_INVALID, "entry (0, 1) of the centre is further from the box than the radius", &p, x, input(&m),
            input(&c));
    c.at[2] = NAN;
    refuses(ASSAY_NOT_FINITE, "(1, 0)", &p, x, input(&m), input(&c));
}
END_TEST

RUN_TESTS("subproblem", TEST(ridge_answers_meet_the_conditions), TEST(ridge_answers_that_are_rational_are_exact),
          TEST(limits_may_be_close_to_singular_values), TEST(entries_are_the_nearest_minimisers),
          TEST(a_ball_of_centres_gives_a_ball), TEST(bad_arguments_are_refused))
