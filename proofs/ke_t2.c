#include "paths.h"

struct terms {
    real start, drift, noise, noise_at_start;
};

static struct terms terms_of(const struct method *m, real gap, real smoothness, real rho_sigma)
{
    const struct field *f = m->eta->field;
    real one = real_whole(f, 1), two = real_whole(f, 2), radius = real_div(m->eta, m->beta);
    real slow = real_power(real_sub(one, m->beta), m->steps), fast = real_power(real_sub(one, m->alpha), m->steps);
    real sum = real_div(real_sub(slow, fast), real_sub(m->alpha, m->beta));
    return (struct terms){real_mul(slow, gap),
                          real_div(PRODUCT(real_whole(f, 4), smoothness, radius, radius, m->beta), m->alpha),
                          PRODUCT(two, radius, rho_sigma, real_root(real_div(m->alpha, real_sub(two, m->alpha)))),
                          PRODUCT(two, radius, rho_sigma, m->beta, sum)};
}

/* KV-T2 step by step, with KE-lemma3's bound (1-a)^k + sqrt(a / (2-a)) and L 2 eta (1-a) / a of e_k: the four terms,
 * but for the part (1-b)^K that the sums of the second and third do not reach. */
static void certify_iterated(struct evidence *e, const struct method *m, real gap, real smoothness, real rho_sigma)
{
    const struct field *f = m->eta->field;
    struct terms t = terms_of(m, gap, smoothness, rho_sigma);
    real one = real_whole(f, 1), two = real_whole(f, 2), rest = real_sub(one, m->alpha), last = gap;
    real square = PRODUCT(smoothness, m->eta, m->eta), floor = real_root(real_div(m->alpha, real_sub(two, m->alpha)));
    for (size_t k = 0; k < m->steps; k++) {
        real e_k = real_add(real_mul(rho_sigma, real_add(real_power(rest, k), floor)),
                            real_div(PRODUCT(two, smoothness, m->eta, rest), m->alpha));
        last =
            SUM(real_mul(real_sub(one, m->beta), last), real_mul(real_whole(f, 4), square), PRODUCT(two, m->eta, e_k));
    }
    real reached = real_sub(one, real_power(real_sub(one, m->beta), m->steps));
    certify_equal(e, "KV-T2 iterated: first + (1 - (1-b)^K) (second + third) + fourth", last,
                  SUM(t.start, real_mul(reached, real_add(t.drift, t.noise)), t.noise_at_start));
}

static struct method method_of(const struct evidence *e, size_t k, struct matrix from)
{
    const struct field *f = &e->field;
    return (struct method){.norm = descent_norms[k / 3 % 3],
                           .eta = real_fraction(f, 1, 8),
                           .beta = real_fraction(f, 1, 24),
                           .alpha = real_fraction(f, 1 + (long)(k % 2), 2),
                           .steps = k % 2 ? instances(e, 7, 4) : instances(e, 5, 3),
                           .from = from};
}

static void instance(struct evidence *e, size_t k)
{
    static const enum problem_kind kinds[] = {PROBLEM_DISTANCE, PROBLEM_STAR, PROBLEM_HUBER};
    const struct field *f = &e->field;
    struct problem p = problem_new(f, kinds[k % 3], 2, 2, k);
    struct matrix shape = matrix_from(f, 2, 2, (long[]){3, 4, -4, 3}, 10);
    struct noise noise =
        k % 2 ? noise_two(real_whole(f, 2), real_fraction(f, 1, 2), shape) : noise_three(real_fraction(f, 3, 2), shape);
    struct method m = method_of(e, k, matrix_from(f, 2, 2, (long[]){9, 5, -7, 3}, 8));
    real mean[PATH_MEANS], rho_sigma = real_mul(norm_rho(m.norm, f, 2, 2), real_root(noise_variance(&noise)));
    real least = problem_value(&p, p.solution), gap = real_sub(problem_value(&p, m.from), least);
    expect(e, mean, 2, &p, &m, &noise, false, visit_end);
    struct terms t = terms_of(&m, gap, problem_smoothness(&p, m.norm), rho_sigma);
    certify_iterated(e, &m, gap, problem_smoothness(&p, m.norm), rho_sigma);
    certify(e, "E F(x_K) - F* <= the four terms",
            real_sub(SUM(t.start, t.drift, t.noise, t.noise_at_start), real_sub(mean[1], least)));
}

/* From the minimiser of P2, without decay towards it: noise and steps lead away. */
static void counter(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct problem p = problem_new(f, PROBLEM_DISTANCE, 2, 2, k);
    real two = real_whole(f, 2);
    struct noise noise = noise_two(two, two, matrix_from(f, 2, 2, (long[]){3, 4, -4, 3}, 5));
    struct method m = method_of(e, 1, p.solution);
    m.steps = 3;
    real mean[PATH_MEANS], zero = real_whole(f, 0);
    expect(e, mean, 2, &p, &m, &noise, false, visit_end);
    struct terms t = terms_of(&m, zero, problem_smoothness(&p, m.norm), zero);
    must_fail(e, "without drift and noise, at the minimiser",
              real_sub(real_add(t.start, problem_value(&p, p.solution)), mean[1]));
}

/* The three parameters, sqrt(alpha) rational: every term but the first is at most eps / 4. */
static void budget(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    real one = real_whole(f, 1), eps = real_fraction(f, 1, 1 + k % 3), radius = real_whole(f, 1 + (long)(k % 4));
    real rho_sigma = real_fraction(f, 1 + (long)(k % 5), 2), smoothness = real_fraction(f, 1 + (long)(k % 7), 2);
    real root = real_min(one, real_div(eps, PRODUCT(real_whole(f, 8), radius, rho_sigma))), alpha = real_square(root);
    real product = real_mul(alpha, eps), quarter = real_div(eps, real_whole(f, 4)), two = real_whole(f, 2);
    real beta = real_min(real_div(product, PRODUCT(real_whole(f, 16), smoothness, radius, radius)),
                         real_div(product, PRODUCT(real_whole(f, 8), radius, rho_sigma)));
    certify(e, "4 L D^2 b / a <= eps / 4",
            real_sub(quarter, real_div(PRODUCT(real_whole(f, 4), smoothness, radius, radius, beta), alpha)));
    certify(e, "2 D rho sigma sqrt(a) <= eps / 4", real_sub(quarter, PRODUCT(two, radius, rho_sigma, root)));
    certify(e, "2 D rho sigma b / a <= eps / 4",
            real_sub(quarter, real_div(PRODUCT(two, radius, rho_sigma, beta), alpha)));
}

static void run(struct evidence *e)
{
    each(e, instances(e, 18, 18), instance);
    each(e, 1, counter);
    each(e, 60, budget);
}

const struct claim claim_ke_t2 = {
    "KE-t2",
    "Kovalev: expectations, all paths enumerated",
    "decay: E F(x_K) - F* <= (1-b)^K Delta + 4LD^2 b/a + 2D rho sigma (sqrt(a/(2-a)) + b S_K)",
    "ours; rate as in Kovalev v2's abstract",
    CLAIM_PROVED,
    "ke_t2",
    run};
