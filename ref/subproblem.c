#include "subproblem.h"

#include "exact.h"
#include "interface.h"
#include "polar.h"
#include "product.h"
#include "svd.h"
#include "zeros.h"
#include "ziv.h"

#include <math.h>

enum { GUARD = 32 };

bool subproblem_has_closed_form(enum assay_norm norm, enum assay_regulariser regulariser)
{
    if (regulariser == ASSAY_REGULARISER_RIDGE)
        return norm == ASSAY_NORM_SPECTRAL || norm == ASSAY_NORM_FROBENIUS;
    return norm == ASSAY_NORM_MAX;
}

/* ---- ridge: x = the projection of -m / lambda on the ball ------------------------------------------------------ */

/* -m / lambda */
static struct ball *minimum(struct work *w, const struct subproblem *p, const struct ball *lambda, mpfr_prec_t prec)
{
    struct ball *x = ball_new(w, p->m->rows, p->m->cols, prec), *negative = ball_new(w, x->rows, x->cols, p->m->prec);
    ball_mul(negative, ball_from_integer(w, -1), p->m);
    ball_div(x, negative, lambda);
    x->rational = rational_quotient(w, negative, lambda);
    return x;
}

/* With W = m + lambda c: -m / lambda - c = -W / lambda, inside if ||W|| <= lambda eta; else x = c - eta W / ||W||. */
static struct ball *project_frobenius(struct work *w, const struct subproblem *p, const struct ball *c,
                                      const struct ball *lambda, mpfr_prec_t prec)
{
    const struct ball *sum = ball_exact_axpy(w, lambda, c, p->m);
    struct ball *square = ball_new(w, 1, 1, 2 * (ball_width(sum) + GMP_NUMB_BITS)), *zero = ball_new(w, 1, 1, 2);
    ball_norm_sqr(w, square, sum);
    const struct ball *limit = ball_exact_axpy(w, lambda, p->radius, zero);
    const struct ball *limit_squared = ball_exact_axpy(w, limit, limit, zero);
    if (mpfr_lessequal_p(square->at, limit_squared->at))
        return minimum(w, p, lambda, prec);
    /* (c ||W|| - eta W) / ||W||: rational if the norm is */
    struct ball *norm = ball_new(w, 1, 1, prec), *step = ball_new(w, c->rows, c->cols, sum->prec + 53);
    struct ball *numerator = ball_new(w, c->rows, c->cols, 2 * prec), *x = ball_new(w, c->rows, c->cols, prec);
    ball_sqrt(norm, square);
    ball_mul(step, p->radius, sum);
    ball_mul(numerator, norm, c);
    ball_sub(numerator, numerator, step);
    ball_div(x, numerator, norm);
    if (ball_is_exact(numerator) && ball_is_exact(norm))
        x->rational = rational_quotient(w, numerator, norm);
    return x;
}

/* U min(S, limit) V^T of W = U S V^T. The projection on a convex set moves nothing apart: it is as near to that of
 * U' S V'^T, with U', V' the polar factors of U, V, as W is to U' S V'^T. */
static struct ball *clip(struct work *w, const struct ball *a, const struct singular *all, const struct ball *limit)
{
    struct ball *us = ball_new(w, a->rows, all->s->cols, all->prec), *x = ball_new(w, a->rows, a->cols, all->prec);
    struct tally t = {MAG_ZERO, MAG_ZERO};
    for (size_t i = 0; i < us->rows; i++)
        for (size_t j = 0; j < us->cols; j++) {
            mpfr_srcptr s = mpfr_less_p(all->s->at + j, limit->at) ? all->s->at + j : limit->at;
            ball_note(us, &t, i * us->cols + j, mpfr_mul(ball_at(us, i, j), ball_at(all->u, i, j), s, MPFR_RNDN),
                      MAG_ZERO);
        }
    ball_done(us, &t, MAG_INF);
    product_nt(w, x, us, all->v, all->prec);
    mag vectors = up_add(up_mul(all->u_defect, up_add(MAG_ONE, all->v_defect)), all->v_defect);
    mag moved = up_add(all->residual, up_mul(vectors, up_add(up_abs(all->s->at), up_abs(limit->at))));
    ball_widen_all(x, moved);
    restore_zeros(w, x, a, true);
    return x;
}

/* Whether value k lies on this side of the limit for certain. */
static bool not_above(const struct ball *s, size_t k, const struct ball *limit)
{
    MPFR_DECL_INIT(room, 64);
    mpfr_sub(room, limit->at, s->at + k, MPFR_RNDZ);
    return mpfr_lessequal_p(s->at + k, limit->at) && mag_le(s->error[k], down_abs(room));
}

static bool not_below(const struct ball *s, size_t k, const struct ball *limit)
{
    MPFR_DECL_INIT(room, 64);
    mpfr_sub(room, s->at + k, limit->at, MPFR_RNDZ);
    return mpfr_greaterequal_p(s->at + k, limit->at) && mag_le(s->error[k], down_abs(room));
}

/* Whether it is known on which side of the limit the largest and the least value are, or that they are equal to it. */
static bool sides_known(const struct ball *s, const struct ball *limit)
{
    size_t last = s->cols - 1;
    return (not_above(s, 0, limit) || not_below(s, 0, limit)) &&
           (not_above(s, last, limit) || not_below(s, last, limit));
}

/* x = c - eta q, exactly, for q known as a rational matrix. */
static void settle_step(struct work *w, struct ball *x, const struct ball *c, const struct ball *eta,
                        const struct rational *q)
{
    struct ball *d = ball_new(w, 1, 1, (mpfr_prec_t)mpz_sizeinbase(q->denominator, 2)),
                *negative = ball_new(w, 1, 1, eta->prec);
    mpfr_set_z(d->at, q->denominator, MPFR_RNDN);
    ball_mul(negative, ball_from_integer(w, -1), eta);
    const struct ball *dc = ball_exact_axpy(w, d, c, ball_new(w, c->rows, c->cols, 2));
    struct rational *exact = work_alloc(w, 1, sizeof *exact);
    *exact = (struct rational){ball_exact_axpy(w, negative, q->numerators, dc), q->denominator};
    adopt_rational(w, x, exact);
}

/* As above, with the spectral norm: x = c - clip(W, lambda eta) / lambda. */
static struct ball *project_spectral(struct work *w, const struct subproblem *p, const struct ball *c,
                                     const struct ball *lambda, long bits)
{
    const struct ball *sum = ball_exact_axpy(w, lambda, c, p->m);
    const struct ball *limit = ball_exact_axpy(w, lambda, p->radius, ball_new(w, 1, 1, 2));
    struct ball *x = ball_new(w, c->rows, c->cols, bits + GUARD);
    if (ball_is_zero(sum))
        return minimum(w, p, lambda, bits + GUARD);
    struct singular_problem *problem = singular_problem_new(w, sum);
    struct singular all = singular_evaluate(w, problem, bits);
    singular_measure(w, problem, &all, all.prec);
    if (!sides_known(all.s, limit))
        singular_settle(w, problem, &all);
    if (not_above(all.s, 0, limit))
        return minimum(w, p, lambda, bits + GUARD);
    if (not_below(all.s, all.s->cols - 1, limit)) { /* all are clipped: x = c - eta polar(W) */
        struct polar_problem *polar = polar_problem_new(w, sum, 1, 1);
        struct ball *q = polar_evaluate(w, polar, bits).q;
        polar_settle(w, polar, q);
        ball_mul(x, p->radius, q);
        ball_sub(x, c, x);
        if (q->rational)
            settle_step(w, x, c, p->radius, q->rational);
    } else {
        ball_div(x, clip(w, sum, &all, limit), lambda);
        ball_sub(x, c, x);
    }
    return x;
}

/* ---- entry by entry ------------------------------------------------------------------------------------------- */

/* An interval of minimisers, as pointers to numbers that exist. */
struct interval {
    mpfr_srcptr from, to;
};

static mpfr_srcptr larger(mpfr_srcptr x, mpfr_srcptr y)
{
    return mpfr_greater_p(x, y) ? x : y;
}

static mpfr_srcptr smaller(mpfr_srcptr x, mpfr_srcptr y)
{
    return mpfr_less_p(x, y) ? x : y;
}

/* All minimisers of m x + lambda |x| over `range`. */
static struct interval minimise_sum(mpfr_srcptr m, mpfr_srcptr lambda, mpfr_srcptr zero, struct interval range)
{
    mpfr_srcptr nearest_zero = smaller(larger(zero, range.from), range.to);
    int steep = mpfr_cmpabs(m, lambda), sign = number_sign(m);
    if (steep > 0) /* downhill all the way */
        return sign > 0 ? (struct interval){range.from, range.from} : (struct interval){range.to, range.to};
    if (steep < 0)
        return (struct interval){nearest_zero, nearest_zero};
    /* flat on one side of 0, and on both where m = lambda = 0 */
    return (struct interval){sign >= 0 ? range.from : nearest_zero, sign <= 0 ? range.to : nearest_zero};
}

/* All minimisers of m x over `range`, which is not empty. */
static struct interval minimise_linear(mpfr_srcptr m, struct interval range)
{
    int sign = number_sign(m);
    return (struct interval){sign < 0 ? range.to : range.from, sign > 0 ? range.from : range.to};
}

static struct subproblem_answer minimise_entries(struct work *w, const struct subproblem *p, const struct ball *c)
{
    struct ball *ones = ball_new(w, c->rows, c->cols, 2), *weight = ball_from_double(w, p->weight);
    struct ball *zero = ball_new(w, 1, 1, 2), *negative = ball_new(w, 1, 1, p->radius->prec + 53);
    for (size_t k = 0; k < ball_count(ones); k++)
        mpfr_set_ui(ones->at + k, 1, MPFR_RNDN);
    ball_mul(negative, ball_from_integer(w, -1), p->radius);
    const struct ball *low = ball_exact_axpy(w, negative, ones, c), *high = ball_exact_axpy(w, p->radius, ones, c);
    ball_mul(negative, ball_from_integer(w, -1), weight);
    mpfr_prec_t prec = low->prec > high->prec ? low->prec : high->prec;
    prec = prec > c->prec + 53 ? prec : c->prec + 53;
    struct subproblem_answer answer = {ball_new(w, c->rows, c->cols, prec), true};
    for (size_t k = 0; k < ball_count(c); k++) {
        struct interval range = {low->at + k, high->at + k};
        if (p->regulariser == ASSAY_REGULARISER_BOX) {
            range = (struct interval){larger(range.from, negative->at), smaller(range.to, weight->at)};
            if (mpfr_greater_p(range.from, range.to))
                work_fail(w, ASSAY_INVALID, "entry (%zu, %zu) of the centre is further from the box than the radius",
                          k / c->cols, k % c->cols);
            range = minimise_linear(p->m->at + k, range);
        } else {
            range = minimise_sum(p->m->at + k, weight->at, zero->at, range);
        }
        answer.unique = answer.unique && mpfr_equal_p(range.from, range.to);
        mpfr_set(answer.x->at + k, smaller(larger(c->at + k, range.from), range.to), MPFR_RNDN);
    }
    return answer;
}

/* ---------------------------------------------------------------------------------------------------------------- */

struct subproblem_answer subproblem_evaluate(struct work *w, const struct subproblem *p, long bits)
{
    /* Every one of these minimisers moves no further than its centre does, so a ball of centres is its midpoint. */
    struct ball *c = ball_copy(w, p->centre, p->centre->prec), *lambda = ball_from_double(w, p->weight);
    struct subproblem_answer answer = {NULL, true};
    ball_make_exact(c);
    if (p->norm == ASSAY_NORM_MAX)
        answer = minimise_entries(w, p, c);
    else if (p->norm == ASSAY_NORM_FROBENIUS)
        answer.x = project_frobenius(w, p, c, lambda, bits + GUARD);
    else
        answer.x = project_spectral(w, p, c, lambda, bits);
    if (!ball_is_exact(p->centre))
        ball_widen_all(answer.x, p->centre->radius);
    return answer;
}

/* ---- the public function ---------------------------------------------------------------------------------------- */

struct subproblem_args {
    assay_answer *x;
    bool *unique;
    double radius;
    assay_input m, centre;
    struct subproblem problem;
    struct subproblem_answer latest;
};

static void evaluate_subproblem(struct work *w, void *problem, long bits, struct ball **answers)
{
    struct subproblem_args *args = problem;
    args->latest = subproblem_evaluate(w, &args->problem, bits);
    answers[0] = args->latest.x;
}

void subproblem_check(struct work *w, enum assay_norm norm, enum assay_regulariser regulariser, double weight)
{
    if ((unsigned)norm > ASSAY_NORM_ROW || regulariser == ASSAY_REGULARISER_NONE ||
        (unsigned)regulariser > ASSAY_REGULARISER_BOX || !subproblem_has_closed_form(norm, regulariser))
        work_fail(w, ASSAY_INVALID,
                  "there is no closed form for this norm with this regulariser (the ridge goes with the "
                  "spectral and the Frobenius norm, the sum and the box with the largest entry)");
    if (!(weight > 0 || (weight == 0 && regulariser == ASSAY_REGULARISER_SUM)) || isinf(weight))
        work_fail(w, ASSAY_INVALID, "a weight of %g for the regulariser is not positive and finite", weight);
}

static void run_subproblem(struct work *w, void *pointer)
{
    struct subproblem_args *args = pointer;
    const struct ball *m = read_matrix(w, args->m), *centre = read_matrix(w, args->centre);
    check_answer(w, args->x, m->rows, m->cols);
    if (centre->rows != m->rows || centre->cols != m->cols)
        work_fail(w, ASSAY_INVALID, "the centre is %zu x %zu, not %zu x %zu like the gradient", centre->rows,
                  centre->cols, m->rows, m->cols);
    check_radius(w, args->radius);
    subproblem_check(w, args->problem.norm, args->problem.regulariser, args->problem.weight);
    args->problem.m = m;
    args->problem.centre = centre;
    args->problem.radius = ball_from_double(w, args->radius);
    struct pairs *x = pairs_new(w, m->rows, m->cols);
    struct ziv ziv = {args, 1, evaluate_subproblem, NULL};
    ziv_round(w, &ziv, w->options->bits, &x);
    if (args->unique)
        *args->unique = args->latest.unique;
    write_answer(args->x, x);
}

assay_status assay_ref_subproblem(assay_answer *x, bool *unique, enum assay_norm norm, double radius,
                                  enum assay_regulariser regulariser, double weight, assay_input m, assay_input centre,
                                  const assay_options *options)
{
    struct subproblem_args args = {.x = x,
                                   .unique = unique,
                                   .radius = radius,
                                   .m = m,
                                   .centre = centre,
                                   .problem = {.norm = norm, .regulariser = regulariser, .weight = weight}};
    return work_run(options, run_subproblem, &args);
}
