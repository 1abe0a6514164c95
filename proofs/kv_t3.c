#include "descent.h"

static struct matrix second_order_rest(const struct problem *p, struct matrix u, struct matrix v)
{
    struct matrix change = matrix_sub(problem_gradient(p, u), problem_gradient(p, v));
    return matrix_sub(change, problem_hessian(p, v, matrix_sub(u, v)));
}

/* (1-a) Z(x_{k-1}, x_k) + a Z(y_k, x_k) */
static struct matrix drift_of(const struct problem *p, const struct method *m, const struct step *s)
{
    real rest = real_sub(real_whole(p->field, 1), m->alpha);
    return matrix_mix(rest, second_order_rest(p, s->before, s->x), m->alpha, second_order_rest(p, s->y, s->x));
}

static void check(struct evidence *e, const struct problem *p, const struct method *m, const struct step *s)
{
    const struct field *f = p->field;
    real rest = real_sub(real_whole(f, 1), m->alpha);
    if (s->k == 0)
        return;
    struct matrix before = matrix_sub(s->m_before, problem_gradient(p, s->before)), drift = drift_of(p, m, s);
    struct matrix found = matrix_sub(s->error, matrix_mix(rest, before, m->alpha, s->noise));
    certify_same(e, "E_k - (1-a) E_{k-1} - a n_k = (1-a) Z(x_{k-1}, x_k) + a Z(y_k, x_k)", found, drift);
    if (p->kind == PROBLEM_QUADRATIC || p->kind == PROBLEM_DISTANCE) {
        certify_equal(e, "a quadratic has no drift: E_k = (1-a) E_{k-1} + a n_k", matrix_square(found),
                      real_whole(f, 0));
        return;
    }
    real step = norm_of(m->norm, matrix_sub(s->x, s->before));
    real bound =
        PRODUCT(real_fraction(f, 1, 2), problem_third(p, m->norm), real_square(step), real_div(rest, m->alpha));
    certify(e, "drift of a step <= H/2 s^2 (1-a) / a", real_sub(bound, dual_of(m->norm, drift)));
}

static struct method method_of(const struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    uint64_t seed = k;
    real alpha = real_fraction(f, 1, 2 + k % 3), one = real_whole(f, 1);
    return (struct method){.norm = descent_norms[k / 4 % 3],
                           .eta = real_fraction(f, 1, 16),
                           .alpha = alpha,
                           .factor = real_div(real_sub(one, alpha), alpha),
                           .noise = 1,
                           .steps = instances(e, 12, 5),
                           .from = matrix_random(f, 2, 2, &seed),
                           .seed = k};
}

static void trajectory(struct evidence *e, size_t k)
{
    static const enum problem_kind kinds[] = {PROBLEM_QUADRATIC, PROBLEM_DISTANCE, PROBLEM_STAR, PROBLEM_COSINE};
    struct problem p = problem_new(&e->field, kinds[k % 4], 2, 2, k);
    const struct method m = method_of(e, k);
    descend(e, &p, &m, check);
}

static void check_wrong(struct evidence *e, const struct problem *p, const struct method *m, const struct step *s)
{
    real rest = real_sub(real_whole(p->field, 1), m->alpha);
    if (s->k == 0)
        return;
    struct matrix before = matrix_sub(s->m_before, problem_gradient(p, s->before));
    struct matrix drift = matrix_sub(s->error, matrix_mix(rest, before, m->alpha, s->noise));
    must_fail(e, m->factor ? "the factor 1/a: no drift on a quadratic" : "no extrapolation: no drift on a quadratic",
              real_neg(matrix_square(drift)));
}

/* The method run with the factor 1 / a for (1 - a) / a, and with none. */
static void wrong_factor(struct evidence *e, size_t k)
{
    struct problem p = problem_new(&e->field, k % 2 ? PROBLEM_DISTANCE : PROBLEM_QUADRATIC, 2, 2, k);
    struct method m = method_of(e, k);
    m.factor = k / 2 % 2 ? NULL : real_div(real_whole(&e->field, 1), m.alpha);
    descend(e, &p, &m, check_wrong);
}

/* P8 from 9 downwards: ||E_k||_1 = H eta^2 (1-a)(1 - (1-a)^k) / (2 a^2); there is no drift at k = 0, for x_{-1} =
 * x_0. */
static void check_sharp(struct evidence *e, const struct problem *p, const struct method *m, const struct step *s)
{
    const struct field *f = p->field;
    real one = real_whole(f, 1), two = real_whole(f, 2), rest = real_sub(one, m->alpha);
    real bound = PRODUCT(problem_third(p, m->norm), m->eta, m->eta, rest, real_sub(one, real_power(rest, s->k)));
    bound = real_div(bound, PRODUCT(two, m->alpha, m->alpha));
    if (s->k == 0)
        return;
    certify_equal(e, "P8: ||E_k||_1 = H eta^2 (1-a)(1 - (1-a)^k) / (2 a^2)", s->e, bound);
    must_fail(e, "H / 2", real_sub(real_div(bound, two), s->e));
}

static void sharp(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct problem p = problem_new(f, PROBLEM_CUBIC, 2, 2, 1);
    real alpha = real_fraction(f, 1, 2 + k), one = real_whole(f, 1);
    const struct method m = {.norm = ASSAY_NORM_MAX,
                             .eta = real_fraction(f, 1, 16),
                             .alpha = alpha,
                             .factor = real_div(real_sub(one, alpha), alpha),
                             .steps = instances(e, 20, 8),
                             .from = matrix_from(f, 2, 2, (long[]){9, 9, 9, 9}, 1)};
    descend(e, &p, &m, check_sharp);
}

static void run(struct evidence *e)
{
    each(e, instances(e, 72, 12), trajectory);
    each(e, 12, wrong_factor);
    each(e, 3, sharp);
}

const struct claim claim_kv_t3 = {
    "KV-T3",
    "Kovalev: one step, deterministic",
    "extrapolation by (1-a)/a: the drift of the momentum is of second order, <= H/2 s^2 (1-a)/a",
    "ours; form after Cutkosky & Mehta, Kovalev v2",
    CLAIM_PROVED,
    "kv_t3",
    run};
