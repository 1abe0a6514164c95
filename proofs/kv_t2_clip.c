#include "descent.h"

/* (1-g)(F(x_k) - F*) + L eta^2 + 2 eta e_k - (F(x_{k+1}) - F*) */
static real slack(const struct problem *p, const struct method *m, const struct step *s, real gamma)
{
    const struct field *f = p->field;
    real least = problem_value(p, p->solution), rest = real_sub(real_whole(f, 1), gamma);
    return SUM(real_mul(rest, real_sub(s->value, least)), PRODUCT(problem_smoothness(p, m->norm), m->eta, m->eta),
               PRODUCT(real_whole(f, 2), m->eta, s->e), real_neg(real_sub(s->next_value, least)));
}

static real gamma_of(const struct problem *p, const struct method *m, const struct step *s)
{
    return real_min(real_whole(p->field, 1), real_div(m->eta, norm_of(m->norm, matrix_sub(s->x, p->solution))));
}

static void check(struct evidence *e, const struct problem *p, const struct method *m, const struct step *s)
{
    certify(e, m->regulariser == ASSAY_REGULARISER_BOX ? "clipped" : "unconstrained",
            slack(p, m, s, gamma_of(p, m, s)));
}

static void check_doubled(struct evidence *e, const struct problem *p, const struct method *m, const struct step *s)
{
    must_fail(e, "2 gamma", slack(p, m, s, real_mul(real_whole(p->field, 2), gamma_of(p, m, s))));
}

static void trajectory(struct evidence *e, size_t k)
{
    static const enum problem_kind kinds[] = {PROBLEM_QUADRATIC, PROBLEM_DISTANCE, PROBLEM_STAR, PROBLEM_HUBER};
    const struct field *f = &e->field;
    uint64_t seed = k;
    struct problem p = problem_new(f, kinds[k % 4], 2, 2, k);
    bool box = k / 4 % 4 == 3;
    const struct method m = {.norm = box ? ASSAY_NORM_MAX : descent_norms[k / 4 % 4],
                             .regulariser = box ? ASSAY_REGULARISER_BOX : ASSAY_REGULARISER_NONE,
                             .weight = real_whole(f, 1),
                             .eta = real_fraction(f, 1, 8),
                             .alpha = real_fraction(f, 1, 2),
                             .noise = 1,
                             .steps = instances(e, 12, 5),
                             .from = matrix_random(f, 2, 2, &seed),
                             .seed = k};
    descend(e, &p, &m, check);
}

/* Huber's function far out, one entry: F - F* is |x| - 1/2. */
static void doubled(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct problem p = problem_new(f, PROBLEM_HUBER, 1, 1, k);
    const struct method m = {.norm = ASSAY_NORM_MAX,
                             .eta = real_fraction(f, 1, 16),
                             .alpha = real_whole(f, 1),
                             .steps = 4,
                             .from = matrix_from(f, 1, 1, (long[]){9}, 1)};
    descend(e, &p, &m, check_doubled);
}

/* Huber's function far out, and a momentum that points away from the minimiser: F grows by eta, not falls by it. */
static void misled(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct problem p = problem_new(f, PROBLEM_HUBER, 1, 1, k);
    const struct method m = {.norm = ASSAY_NORM_MAX, .eta = real_fraction(f, 1, 128)};
    struct matrix x = matrix_from(f, 1, 1, (long[]){k % 2 ? -99 : 99}, 1);
    struct step s = step_with(&p, &m, x, matrix_scale(real_fraction(f, -1, 100000), x));
    real found = slack(&p, &m, &s, gamma_of(&p, &m, &s));
    certify(e, "momentum of the wrong sign", found);
    must_fail(e, "1.98 e for 2 e", real_sub(found, PRODUCT(real_fraction(f, 2, 100), m.eta, s.e)));
}

static void run(struct evidence *e)
{
    each(e, instances(e, 80, 16), trajectory);
    each(e, 1, doubled);
    each(e, 2, misled);
}

const struct claim claim_kv_t2_clip = {
    "KV-T2-clip",
    "Kovalev: one step, deterministic",
    "bounded iterates: F(x+) - F* <= (1-g)(F(x) - F*) + L eta^2 + 2 eta e, g = min(1, eta / D)",
    "ours; weight clipping after Kovalev v2",
    CLAIM_PROVED,
    "kv_t2_clip",
    run};
