#include "descent.h"

/* f(x_k) - c b gap_k + 2 eta e_k + 2 L eta^2 - f(x_{k+1}) */
static real slack(const struct problem *p, const struct method *m, const struct step *s, long c)
{
    const struct field *f = p->field;
    real two = real_whole(f, 2), radius = real_div(m->eta, m->beta);
    real gap = real_add(matrix_dot(s->gradient, s->x), real_mul(radius, dual_of(m->norm, s->gradient)));
    return SUM(s->value, real_neg(PRODUCT(real_whole(f, c), m->beta, gap)), PRODUCT(two, m->eta, s->e),
               PRODUCT(two, problem_smoothness(p, m->norm), m->eta, m->eta), real_neg(s->next_value));
}

static void check(struct evidence *e, const struct problem *p, const struct method *m, const struct step *s)
{
    certify(e, "f(x+) <= f(x) - b gap + 2 eta e + 2 L eta^2", slack(p, m, s, 1));
}

static void check_doubled(struct evidence *e, const struct problem *p, const struct method *m, const struct step *s)
{
    certify_equal(e, "linear f without noise: equality", slack(p, m, s, 1), real_whole(p->field, 0));
    must_fail(e, "the gap counted twice", slack(p, m, s, 2));
}

static struct method method_of(const struct evidence *e, size_t k, long noise)
{
    const struct field *f = &e->field;
    uint64_t seed = k;
    return (struct method){.norm = descent_norms[k % 3],
                           .eta = real_fraction(f, 1, 8),
                           .beta = real_fraction(f, 1, 16 + k % 3 * 8),
                           .alpha = real_fraction(f, 1, 1 + k % 2),
                           .noise = noise,
                           .steps = instances(e, 12, 5),
                           .from = matrix_random(f, 2, 2, &seed),
                           .seed = k};
}

static void trajectory(struct evidence *e, size_t k)
{
    struct problem p = problem_new(&e->field, (enum problem_kind)(k / 3 % 7), 2, 2, k);
    struct method m = method_of(e, k, 1);
    descend(e, &p, &m, check);
}

static void linear(struct evidence *e, size_t k)
{
    struct problem p = problem_new(&e->field, PROBLEM_LINEAR, 2, 2, k);
    struct method m = method_of(e, k, 0);
    descend(e, &p, &m, check_doubled);
}

/* One number, f linear, and a momentum that points the wrong way but for 1/1000: 2 eta e cannot be less. */
static void misled(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct problem p = problem_new(f, PROBLEM_LINEAR, 1, 1, k);
    const struct method m = {.norm = ASSAY_NORM_MAX, .eta = real_fraction(f, 1, 8), .beta = real_fraction(f, 1, 16)};
    struct step s = step_with(&p, &m, matrix_identity(f, 1), matrix_scale(real_fraction(f, -1, 1000), p.c));
    certify(e, "momentum of the wrong sign", slack(&p, &m, &s, 1));
    must_fail(e, "1.99 e for 2 e", real_sub(slack(&p, &m, &s, 1), PRODUCT(real_fraction(f, 1, 100), m.eta, s.e)));
}

/* P2, one number, from the end of the ball, D = |x_0|, inwards past its minimiser: the step is 2 eta long. */
static void farthest(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct problem p = problem_new(f, PROBLEM_DISTANCE, 1, 1, k);
    real eta = real_fraction(f, 1, 64), part = real_fraction(f, 1001, 1000);
    struct matrix x = matrix_scale(part, p.c);
    const struct method m = {.norm = ASSAY_NORM_MAX, .eta = eta, .beta = real_div(eta, real_abs(x.at[0]))};
    struct step s = step_with(&p, &m, x, problem_gradient(&p, x));
    certify_equal(e, "P2 from the end of the ball: equality", slack(&p, &m, &s, 1), real_whole(f, 0));
    must_fail(e, "1.99 L for 2 L", real_sub(slack(&p, &m, &s, 1), PRODUCT(real_fraction(f, 1, 100), eta, eta)));
}

static void run(struct evidence *e)
{
    each(e, instances(e, 84, 21), trajectory);
    each(e, 3, linear);
    each(e, 4, misled);
    each(e, 4, farthest);
}

const struct claim claim_kv_fw = {
    "KV-FW",
    "Kovalev: one step, deterministic",
    "weight decay is Frank-Wolfe on ||x|| <= eta / b: f(x+) <= f(x) - b gap + 2 eta e + 2 L eta^2",
    "ours",
    CLAIM_PROVED,
    "kv_fw",
    run};
