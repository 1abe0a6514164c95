#include "polar_express.h"

#include "ball.h"
#include "interface.h"

/* Enough for every interval [l, u]: where l is the least binary64 number, 2^-1074, elimination loses so many bits; where
 * h = u - l is small, the errors of the coefficients are 2^-PREC / h^3, and 1 - p(l) > h^3 / 2 is 0 in binary64 when h is
 * below 2^(-PREC / 5): from there on the limit does as well. */
enum { PREC = 2048, MOST_EXCHANGES = 200 };

/* a, b, c of p(x) = a x + b x^3 + c x^5, and scratch. */
struct quintic {
    mpfr_ptr a, b, c, error;
};

static void evaluate(mpfr_ptr y, const struct quintic *p, mpfr_srcptr x)
{
    MPFR_DECL_INIT(square, PREC);
    MPFR_DECL_INIT(sum, PREC);
    mpfr_sqr(square, x, MPFR_RNDN);
    mpfr_fma(sum, p->c, square, p->b, MPFR_RNDN);
    mpfr_fma(sum, sum, square, p->a, MPFR_RNDN);
    mpfr_mul(y, sum, x, MPFR_RNDN);
}

/* Solves a x + b x^3 + c x^5 +- E = 1 at the four points x, with E's sign alternating from +, by elimination. */
static void interpolate(struct work *w, const struct quintic *p, const struct ball *points)
{
    struct work_block *mark = work_mark(w);
    struct ball *z = ball_new(w, 4, 5, PREC), *t = ball_new(w, 1, 1, PREC);
    for (size_t i = 0; i < 4; i++) {
        mpfr_srcptr x = points->at + i;
        mpfr_set(ball_at(z, i, 0), x, MPFR_RNDN);
        mpfr_pow_ui(ball_at(z, i, 1), x, 3, MPFR_RNDN);
        mpfr_pow_ui(ball_at(z, i, 2), x, 5, MPFR_RNDN);
        mpfr_set_si(ball_at(z, i, 3), i % 2 ? -1 : 1, MPFR_RNDN);
        mpfr_set_ui(ball_at(z, i, 4), 1, MPFR_RNDN);
    }
    for (size_t k = 0; k < 4; k++)
        for (size_t i = 0; i < 4; i++)
            if (i != k) {
                mpfr_div(t->at, ball_at(z, i, k), ball_at(z, k, k), MPFR_RNDN);
                mpfr_neg(t->at, t->at, MPFR_RNDN);
                for (size_t j = k; j < 5; j++)
                    mpfr_fma(ball_at(z, i, j), t->at, ball_at(z, k, j), ball_at(z, i, j), MPFR_RNDN);
            }
    mpfr_ptr unknown[] = {p->a, p->b, p->c, p->error};
    for (size_t k = 0; k < 4; k++)
        mpfr_div(unknown[k], ball_at(z, k, 4), ball_at(z, k, k), MPFR_RNDN);
    work_release(w, mark);
}

/* The interior extrema: x^2 = (-3 b -+ sqrt(9 b^2 - 20 a c)) / (10 c). */
static void extrema(const struct quintic *p, struct ball *points)
{
    MPFR_DECL_INIT(root, PREC);
    MPFR_DECL_INIT(t, PREC);
    mpfr_mul(t, p->a, p->c, MPFR_RNDN);
    mpfr_mul_ui(t, t, 20, MPFR_RNDN);
    mpfr_sqr(root, p->b, MPFR_RNDN);
    mpfr_mul_ui(root, root, 9, MPFR_RNDN);
    mpfr_sub(root, root, t, MPFR_RNDN);
    mpfr_sqrt(root, root, MPFR_RNDN);
    for (size_t k = 1; k < 3; k++) {
        mpfr_ptr x = points->at + k;
        mpfr_mul_si(x, p->b, -3, MPFR_RNDN);
        (k == 1 ? mpfr_sub : mpfr_add)(x, x, root, MPFR_RNDN);
        mpfr_div(x, x, p->c, MPFR_RNDN);
        mpfr_div_ui(x, x, 10, MPFR_RNDN);
        mpfr_sqrt(x, x, MPFR_RNDN);
    }
}

/* Remez's exchange for the odd quintic nearest to 1 on [l, u]: the error equioscillates at l, two interior extrema and
 * u. On an interval too short for PREC it is the Taylor polynomial (15 y - 10 y^3 + 3 y^5) / 8, y = x / u. */
static void best_quintic(struct work *w, const struct quintic *p, mpfr_srcptr l, mpfr_srcptr u)
{
    struct work_block *mark = work_mark(w);
    struct ball *points = ball_new(w, 1, 4, PREC), *t = ball_new(w, 1, 3, PREC);
    mpfr_sub(t->at, u, l, MPFR_RNDN);
    if (mpfr_zero_p(t->at) || mpfr_get_exp(t->at) < -PREC / 5) {
        const int taylor[] = {15, -10, 3};
        mpfr_ptr unknown[] = {p->a, p->b, p->c};
        for (unsigned k = 0; k < 3; k++) {
            mpfr_pow_ui(t->at, u, 2 * k + 1, MPFR_RNDN);
            mpfr_si_div(unknown[k], taylor[k], t->at, MPFR_RNDN);
            mpfr_div_ui(unknown[k], unknown[k], 8, MPFR_RNDN);
        }
        work_release(w, mark);
        return;
    }
    mpfr_set(points->at, l, MPFR_RNDN);
    mpfr_set(points->at + 3, u, MPFR_RNDN);
    for (unsigned k = 1; k < 3; k++) { /* (3 l + u) / 4 and (l + 3 u) / 4 */
        mpfr_mul_ui(points->at + k, l, 5 - 2 * k, MPFR_RNDN);
        mpfr_mul_ui(t->at, u, 2 * k - 1, MPFR_RNDN);
        mpfr_add(points->at + k, points->at + k, t->at, MPFR_RNDN);
        mpfr_div_ui(points->at + k, points->at + k, 4, MPFR_RNDN);
    }
    mpfr_set_zero(t->at + 1, 1);
    for (int k = 0; k < MOST_EXCHANGES; k++) { /* half covered: it takes a dozen, and never all */
        interpolate(w, p, points);
        extrema(p, points);
        mpfr_sub(t->at, p->error, t->at + 1, MPFR_RNDN);
        mpfr_set(t->at + 1, p->error, MPFR_RNDN);
        mpfr_mul(t->at + 2, p->error, l, MPFR_RNDN); /* E = 1 - p(l), and p(l) is of the size of l */
        mpfr_div_2ui(t->at + 2, t->at + 2, PREC / 4, MPFR_RNDN);
        if (mpfr_cmpabs(t->at, t->at + 2) <= 0)
            break;
    }
    work_release(w, mark);
}

static void divide_by_powers(const struct quintic *p, mpfr_srcptr factor)
{
    MPFR_DECL_INIT(power, PREC);
    mpfr_ptr unknown[] = {p->a, p->b, p->c};
    for (unsigned k = 0; k < 3; k++) {
        mpfr_pow_ui(power, factor, 2 * k + 1, MPFR_RNDN);
        mpfr_div(unknown[k], unknown[k], power, MPFR_RNDN);
    }
}

void polar_express(struct work *w, struct assay_triple *triples, double *error, const struct polar_express *how)
{
    struct work_block *mark = work_mark(w);
    struct ball *v = ball_new(w, 1, 9, PREC);
    struct quintic p = {v->at, v->at + 1, v->at + 2, v->at + 3};
    mpfr_ptr l = v->at + 4, u = v->at + 5, from = v->at + 6, t = v->at + 7, y = v->at + 8;
    mpfr_set_d(l, how->lower, MPFR_RNDN);
    mpfr_set_ui(u, 1, MPFR_RNDN);
    for (size_t k = 0; k < how->count; k++) {
        mpfr_mul_d(from, u, how->cushion, MPFR_RNDN);
        bool cushioned = mpfr_greater_p(from, l);
        mpfr_max(from, from, l, MPFR_RNDN);
        best_quintic(w, &p, from, u);
        if (cushioned) { /* p *= 2 / (p(l) + p(u)) */
            evaluate(t, &p, l);
            evaluate(y, &p, u);
            mpfr_add(t, t, y, MPFR_RNDN);
            mpfr_ui_div(t, 2, t, MPFR_RNDN);
            mpfr_mul(p.a, p.a, t, MPFR_RNDN);
            mpfr_mul(p.b, p.b, t, MPFR_RNDN);
            mpfr_mul(p.c, p.c, t, MPFR_RNDN);
        }
        if (k + 1 < how->count) {
            mpfr_set_d(t, how->safety, MPFR_RNDN);
            mpfr_add_ui(t, t, 1, MPFR_RNDN);
            divide_by_powers(&p, t);
        }
        triples[k] =
            (struct assay_triple){mpfr_get_d(p.a, MPFR_RNDN), mpfr_get_d(p.b, MPFR_RNDN), mpfr_get_d(p.c, MPFR_RNDN)};
        evaluate(l, &p, l);
        if (mpfr_cmp_ui(l, 1) > 0) /* by rounding errors alone */
            mpfr_set_ui(l, 1, MPFR_RNDN);
        mpfr_ui_sub(u, 2, l, MPFR_RNDN);
    }
    mpfr_ui_sub(t, 1, l, MPFR_RNDN);
    *error = mpfr_get_d(t, MPFR_RNDN);
    work_release(w, mark);
}

/* ---- the public function ---------------------------------------------------------------------------------------- */

struct express_args {
    struct assay_triple *triples;
    double *error;
    struct polar_express how;
};

static void run_express(struct work *w, void *pointer)
{
    struct express_args *args = pointer;
    const struct polar_express *how = &args->how;
    if (!(how->lower > 0 && how->lower < 1) || !(how->safety >= 0 && how->safety < 1) ||
        !(how->cushion >= 0 && how->cushion < 1))
        work_fail(w, ASSAY_INVALID, "lower, safety and cushion must lie in (0, 1), [0, 1) and [0, 1)");
    struct assay_triple *triples = work_alloc(w, how->count, sizeof *triples);
    double error;
    polar_express(w, triples, &error, how);
    for (size_t k = 0; k < how->count; k++)
        args->triples[k] = triples[k];
    *args->error = error;
}

assay_status assay_ref_polar_express(struct assay_triple *triples, double *error, size_t count, double lower,
                                     double safety, double cushion, const assay_options *options)
{
    struct express_args args = {triples, error, {lower, safety, cushion, count}};
    return work_run(options, run_express, &args);
}
