#include "descent.h"

/* F(x_k) - eta ||grad f(x_{k+1}) + r||_* + 2 eta e_k + c L eta^2 - F(x_{k+1}) */
static real slack(const struct problem *p, const struct method *m, const struct step *s, real c, real smoothness)
{
    struct matrix last = matrix_add(problem_gradient(p, s->next), s->r);
    return SUM(s->value, real_neg(real_mul(m->eta, dual_of(m->norm, last))),
               PRODUCT(real_whole(p->field, 2), m->eta, s->e), PRODUCT(c, smoothness, m->eta, m->eta),
               real_neg(s->next_value));
}

static real three_halves(const struct problem *p)
{
    return real_fraction(p->field, 3, 2);
}

static void check(struct evidence *e, const struct problem *p, const struct method *m, const struct step *s)
{
    certify(e, m->regulariser == ASSAY_REGULARISER_NONE ? "D2 with R = 0" : "D2 with ridge, l1 or box",
            slack(p, m, s, three_halves(p), problem_smoothness(p, m->norm)));
}

enum { KINDS = 7 };

static void trajectory(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    uint64_t seed = k;
    struct problem p = problem_new(f, (enum problem_kind)(k % KINDS), 2 + k % 2, 2, k);
    const struct variant *v = &descent_variants[k / KINDS % DESCENT_VARIANTS];
    const struct method m = {.norm = v->norm,
                             .regulariser = v->regulariser,
                             .weight = real_fraction(f, 3, 4),
                             .eta = real_fraction(f, 1, 8),
                             .alpha = real_fraction(f, 1, 1 + k % 4),
                             .noise = 1 + (long)(k % 3),
                             .steps = instances(e, 12, 4),
                             .from = matrix_scale(real_fraction(f, 3, 4), matrix_random(f, p.c.rows, p.c.cols, &seed)),
                             .seed = k};
    descend(e, &p, &m, check);
}

/* P2 from x* + (eta / 4096) O. */
static void check_sharp(struct evidence *e, const struct problem *p, const struct method *m, const struct step *s)
{
    const struct field *f = p->field;
    real smoothness = problem_smoothness(p, m->norm), scale = PRODUCT(smoothness, m->eta, m->eta);
    number(e, "slack / (L eta^2) near the minimiser of P2",
           real_div(slack(p, m, s, three_halves(p), smoothness), scale));
    must_fail(e, "1.49 for 3/2", slack(p, m, s, real_fraction(f, 149, 100), smoothness));
    must_fail(e, "0.99 L", slack(p, m, s, three_halves(p), real_mul(real_fraction(f, 99, 100), smoothness)));
    must_fail(e, "L / 2", slack(p, m, s, three_halves(p), real_div(smoothness, real_whole(f, 2))));
    certify(e, "D2 near the minimiser of P2: sharp", slack(p, m, s, three_halves(p), smoothness));
}

static void sharp(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct problem p = problem_new(f, PROBLEM_DISTANCE, 2, 2, 3);
    enum assay_norm norm = descent_norms[k];
    struct matrix o = norm == ASSAY_NORM_MAX ? matrix_from(f, 2, 2, (long[]){1, 1, -1, 1}, 1)
                                             : matrix_from(f, 2, 2, (long[]){3, 4, 4, -3}, 5);
    if (norm == ASSAY_NORM_FROBENIUS)
        o = matrix_from(f, 2, 2, (long[]){1, 1, 1, 1}, 2);
    real eta = real_fraction(f, 1, 8);
    const struct method m = {.norm = norm,
                             .eta = eta,
                             .alpha = real_whole(f, 1),
                             .steps = 1,
                             .from = matrix_add(p.c, matrix_scale(real_div(eta, real_whole(f, 4096)), o))};
    descend(e, &p, &m, check_sharp);
}

/* One number, f linear, and a momentum that points the wrong way but for 1/1000: 2 eta e cannot be less. */
static void misled(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct problem p = problem_new(f, PROBLEM_LINEAR, 1, 1, k);
    const struct method m = {.norm = ASSAY_NORM_MAX, .eta = real_fraction(f, 1, 8)};
    struct step s = step_with(&p, &m, matrix_identity(f, 1), matrix_scale(real_fraction(f, -1, 1000), p.c));
    certify(e, "momentum of the wrong sign", slack(&p, &m, &s, three_halves(&p), real_whole(f, 0)));
    must_fail(
        e, "1.99 e for 2 e",
        real_sub(slack(&p, &m, &s, three_halves(&p), real_whole(f, 0)), PRODUCT(real_fraction(f, 1, 100), m.eta, s.e)));
}

static void run(struct evidence *e)
{
    each(e, instances(e, 6 * KINDS * DESCENT_VARIANTS, KINDS * DESCENT_VARIANTS), trajectory);
    each(e, 3, sharp);
    each(e, 4, misled);
}

const struct claim claim_kv_d2 = {"KV-D2",
                                  "Kovalev: one step, deterministic",
                                  "F(x+) <= F(x) - eta ||grad f(x+) + r||_* + 2 eta e + 3/2 L eta^2",
                                  "ours; constants reproduce Kovalev's theorem 2",
                                  CLAIM_PROVED,
                                  "kv_d2",
                                  run};
