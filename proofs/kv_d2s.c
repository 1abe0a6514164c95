#include "descent.h"

/* f(x_k) - eta ||grad f(x_k)||_* + 2 eta e_k + L eta^2 / 2 - f(x_{k+1}) */
static real slack(const struct problem *p, const struct method *m, const struct step *s, real smoothness)
{
    const struct field *f = p->field;
    return SUM(s->value, real_neg(real_mul(m->eta, dual_of(m->norm, s->gradient))),
               PRODUCT(real_whole(f, 2), m->eta, s->e), PRODUCT(real_fraction(f, 1, 2), smoothness, m->eta, m->eta),
               real_neg(s->next_value));
}

static void check(struct evidence *e, const struct problem *p, const struct method *m, const struct step *s)
{
    certify(e, "D2s", slack(p, m, s, problem_smoothness(p, m->norm)));
}

static void trajectory(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    uint64_t seed = k;
    struct problem p = problem_new(f, (enum problem_kind)(k % 7), 2 + k / 7 % 2, 2, k);
    const struct method m = {.norm = descent_norms[k / 7 % 3],
                             .eta = real_fraction(f, 1, 8),
                             .alpha = real_fraction(f, 1, 2 + k % 3),
                             .noise = 1,
                             .steps = instances(e, 20, 4),
                             .from = matrix_random(f, p.c.rows, p.c.cols, &seed),
                             .seed = k};
    descend(e, &p, &m, check);
}

static void check_sharp(struct evidence *e, const struct problem *p, const struct method *m, const struct step *s)
{
    real smoothness = problem_smoothness(p, m->norm), zero = real_whole(p->field, 0);
    certify_equal(e, "P2 without noise: equality at every step", slack(p, m, s, smoothness), zero);
    must_fail(e, "0.99 L", slack(p, m, s, real_mul(real_fraction(p->field, 99, 100), smoothness)));
    must_fail(e, "L / 2", slack(p, m, s, real_div(smoothness, real_whole(p->field, 2))));
}

/* X_0 = C + U diag(2, 1) V^T with rational rotations: singular values of X - C stay rational. For the Frobenius norm
 * X_0 = C + a matrix of length 2. */
static void sharp(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct problem p = problem_new(f, PROBLEM_DISTANCE, 2, 2, 8);
    struct matrix u = matrix_from(f, 2, 2, (long[]){3, -4, 4, 3}, 5),
                  v = matrix_from(f, 2, 2, (long[]){5, 12, -12, 5}, 13);
    struct matrix d = matrix_product(matrix_product(u, matrix_from(f, 2, 2, (long[]){2, 0, 0, 1}, 1)), v);
    if (descent_norms[k] == ASSAY_NORM_FROBENIUS)
        d = matrix_from(f, 2, 2, (long[]){1, -1, 1, 1}, 1);
    const struct method m = {.norm = descent_norms[k],
                             .eta = real_fraction(f, 3, 32),
                             .alpha = real_whole(f, 1),
                             .steps = instances(e, 60, 20),
                             .from = matrix_add(p.c, d)};
    descend(e, &p, &m, check_sharp);
}

/* One number, f linear, and a momentum that points the wrong way but for 1/1000: 2 eta e cannot be less. */
static void misled(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct problem p = problem_new(f, PROBLEM_LINEAR, 1, 1, k);
    const struct method m = {.norm = ASSAY_NORM_MAX, .eta = real_fraction(f, 1, 8)};
    struct step s = step_with(&p, &m, matrix_identity(f, 1), matrix_scale(real_fraction(f, -1, 1000), p.c));
    certify(e, "momentum of the wrong sign", slack(&p, &m, &s, real_whole(f, 0)));
    must_fail(e, "1.99 e for 2 e",
              real_sub(slack(&p, &m, &s, real_whole(f, 0)), PRODUCT(real_fraction(f, 1, 100), m.eta, s.e)));
}

static void run(struct evidence *e)
{
    each(e, instances(e, 84, 21), trajectory);
    each(e, 3, sharp);
    each(e, 4, misled);
}

const struct claim claim_kv_d2s = {
    "KV-D2s",
    "Kovalev: one step, deterministic",
    "R = 0: f(x+) <= f(x) - eta ||grad f(x)||_* + 2 eta e + 1/2 L eta^2, with equality for P2",
    "ours",
    CLAIM_PROVED,
    "kv_d2s",
    run};
