#include "descent.h"

/* E_{k-1}, from m_k and x_{k-1}. */
static struct matrix error_before(const struct problem *p, const struct step *s)
{
    return matrix_sub(s->m_before, problem_gradient(p, s->before));
}

static void check_identity(struct evidence *e, const struct problem *p, const struct method *m, const struct step *s)
{
    real one = real_whole(p->field, 1), rest = real_sub(one, m->alpha);
    if (s->k == 0) {
        certify_same(e, "E_0 = n_0", s->error, s->noise);
        return;
    }
    struct matrix drift = matrix_sub(problem_gradient(p, s->before), s->gradient);
    struct matrix right = matrix_mix(rest, matrix_add(error_before(p, s), drift), m->alpha, s->noise);
    certify_same(e, "E_k = (1-a) E_{k-1} + (1-a) (grad f(x_{k-1}) - grad f(x_k)) + a n_k", s->error, right);
    struct matrix g = matrix_add(s->gradient, s->noise), nesterov = matrix_mix(m->alpha, g, rest, s->m);
    certify_same(e, "Nesterov: a g_k + (1-a) m_{k+1} - grad f(x_k) = (1-a) E_k + a n_k",
                 matrix_sub(nesterov, s->gradient), matrix_mix(rest, s->error, m->alpha, s->noise));
    real step = norm_of(m->norm, matrix_sub(s->x, s->before)), limit = real_mul(problem_smoothness(p, m->norm), step);
    if (p->kind != PROBLEM_DISTANCE && p->kind != PROBLEM_HUBER) /* there it may be an equality */
        certify(e, "||grad f(x_k) - grad f(x_{k-1})||_* <= L s", real_sub(limit, dual_of(m->norm, drift)));
    if (s->k == 3 && p->kind == PROBLEM_DISTANCE) /* others have directions without drift */
        must_fail(
            e, "the drift left out",
            real_neg(matrix_square(matrix_sub(s->error, matrix_mix(rest, error_before(p, s), m->alpha, s->noise)))));
}

/* (1 - a)(1 - (1 - a)^k) / a */
static real drift_factor(const struct method *m, size_t k)
{
    real one = real_whole(m->eta->field, 1), rest = real_sub(one, m->alpha);
    return real_div(real_mul(rest, real_sub(one, real_power(rest, k))), m->alpha);
}

/* Without noise E_k = B_k, up to the rounding of m to a dyadic number. */
static void check_drift(struct evidence *e, const struct problem *p, const struct method *m, const struct step *s)
{
    if (s->k == 0)
        return;
    real longest = m->beta ? real_mul(real_whole(p->field, 2), m->eta) : m->eta;
    real bound = PRODUCT(problem_smoothness(p, m->norm), longest, drift_factor(m, s->k));
    certify(e,
            m->beta ? "||B_k||_* <= L s (1-a)(1 - (1-a)^k) / a, s = 2 eta: with decay"
                    : "||B_k||_* <= L s (1-a)(1 - (1-a)^k) / a, s = eta",
            real_sub(bound, s->e));
}

static struct method method_of(const struct evidence *e, size_t k, long noise)
{
    const struct field *f = &e->field;
    uint64_t seed = k;
    return (struct method){.norm = descent_norms[k / 7 % 3],
                           .eta = real_fraction(f, 1, 16),
                           .alpha = real_fraction(f, 1, 2 + k % 4),
                           .noise = noise,
                           .steps = instances(e, 12, 5),
                           .from = matrix_random(f, 2, 2, &seed),
                           .seed = k};
}

static void trajectory(struct evidence *e, size_t k)
{
    struct problem p = problem_new(&e->field, (enum problem_kind)(k % 6), 2, 2, k);
    const struct method m = method_of(e, k, 1);
    descend(e, &p, &m, check_identity);
}

/* With decay from within the ball of radius eta / beta = 2. */
static void drift(struct evidence *e, size_t k)
{
    static const enum problem_kind kinds[] = {PROBLEM_QUADRATIC, PROBLEM_STAR, PROBLEM_COSINE};
    struct problem p = problem_new(&e->field, kinds[k % 3], 2, 2, k);
    struct method m = method_of(e, k, 0);
    if (k / 3 % 2)
        m.beta = real_fraction(&e->field, 1, 32);
    descend(e, &p, &m, check_drift);
}

static void check_sharp(struct evidence *e, const struct problem *p, const struct method *m, const struct step *s)
{
    real bound = PRODUCT(problem_smoothness(p, m->norm), m->eta, drift_factor(m, s->k)), two = real_whole(p->field, 2);
    certify_equal(e, "||E_k||_1 = L eta (1-a)(1 - (1-a)^k) / a", s->e, bound);
    if (s->k > 0) {
        must_fail(e, "L / 2, or (1-a) / (2a) for (1-a) / a", real_sub(real_div(bound, two), s->e));
    }
}

static void sharp(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct problem p = problem_new(f, PROBLEM_DISTANCE, 2, 2, 4);
    const struct method m = {.norm = ASSAY_NORM_MAX,
                             .eta = real_fraction(f, 1, 16),
                             .alpha = real_fraction(f, 1, 2 + 3 * k),
                             .steps = instances(e, 30, 10),
                             .from = matrix_add(p.c, matrix_from(f, 2, 2, (long[]){9, -9, 9, 9}, 1))};
    descend(e, &p, &m, check_sharp);
}

/* n = sigma U V^T / sqrt r: ||n||_F = sigma and ||n||_nuc = sqrt(r) sigma. */
static void noise_is_sharp(struct evidence *e)
{
    const struct field *f = &e->field;
    real sigma = real_fraction(f, 5, 3), rho = norm_rho(ASSAY_NORM_SPECTRAL, f, 2, 2), two = real_whole(f, 2);
    struct matrix o = matrix_from(f, 2, 2, (long[]){3, 4, -4, 3}, 5);
    struct matrix n = matrix_scale(real_div(sigma, rho), o);
    real size = matrix_nuclear(n), bound = real_mul(rho, sigma);
    certify_equal(e, "||n_0||_nuc = rho sigma", size, bound);
    must_fail(e, "sigma / 2 at k = 0", real_sub(real_div(bound, two), size));
    must_fail(e, "rho = 1 for the spectral norm at k = 0", real_sub(sigma, size));
}

static void run(struct evidence *e)
{
    each(e, instances(e, 126, 21), trajectory);
    each(e, instances(e, 84, 21), drift);
    each(e, 3, sharp);
    noise_is_sharp(e);
}

const struct claim claim_kv_l3 = {
    "KV-L3",
    "Kovalev: one step, deterministic",
    "momentum error: E_k = (1-a) E_{k-1} + (1-a) (grad f(x_{k-1}) - grad f(x_k)) + a n_k, and its drift",
    "ours; the role of Kovalev's lemma 3",
    CLAIM_PROVED,
    "kv_l3",
    run};
