#include "paths.h"

struct terms {
    real start, smooth, noise, drift, noise_at_start;
};

static struct terms terms_of(const struct method *m, real gap, real smoothness, real third, real rho_sigma)
{
    const struct field *f = m->eta->field;
    real one = real_whole(f, 1), two = real_whole(f, 2), four = real_whole(f, 4), radius = real_div(m->eta, m->beta);
    real slow = real_power(real_sub(one, m->beta), m->steps), fast = real_power(real_sub(one, m->alpha), m->steps);
    real sum = real_div(real_sub(slow, fast), real_sub(m->alpha, m->beta)), ratio = real_div(m->beta, m->alpha);
    return (struct terms){real_mul(slow, gap), PRODUCT(four, smoothness, radius, radius, m->beta),
                          PRODUCT(two, radius, rho_sigma, real_root(real_div(m->alpha, real_sub(two, m->alpha)))),
                          PRODUCT(four, third, real_power(radius, 3), real_square(ratio), real_sub(one, m->alpha)),
                          PRODUCT(two, radius, rho_sigma, m->beta, sum)};
}

/* As in KE-t2, with the bound of KV-T3 for steps of 2 eta. */
static void certify_iterated(struct evidence *e, const struct method *m, const struct terms *t, real gap,
                             real smoothness, real third, real rho_sigma)
{
    const struct field *f = m->eta->field;
    real one = real_whole(f, 1), two = real_whole(f, 2), rest = real_sub(one, m->alpha), last = gap;
    real square = real_square(m->eta), floor = real_root(real_div(m->alpha, real_sub(two, m->alpha)));
    for (size_t k = 0; k < m->steps; k++) {
        real e_k = real_add(real_mul(rho_sigma, real_add(real_power(rest, k), floor)),
                            real_div(PRODUCT(two, third, square, rest), real_square(m->alpha)));
        last = SUM(real_mul(real_sub(one, m->beta), last), PRODUCT(real_whole(f, 4), smoothness, square),
                   PRODUCT(two, m->eta, e_k));
    }
    real reached = real_sub(one, real_power(real_sub(one, m->beta), m->steps));
    certify_equal(e, "KV-T2 iterated: first + (1 - (1-b)^K) (second + third + fourth) + fifth", last,
                  SUM(t->start, real_mul(reached, SUM(t->smooth, t->noise, t->drift)), t->noise_at_start));
}

static struct method method_of(const struct evidence *e, size_t k, struct matrix from)
{
    const struct field *f = &e->field;
    return (struct method){.norm = descent_norms[k / 2 % 3],
                           .eta = real_fraction(f, 1, 8),
                           .beta = real_fraction(f, 1, 24), /* D = 3 */
                           .alpha = real_fraction(f, 1, 2),
                           .factor = real_whole(f, 1),
                           .steps = k / 6 % 2 ? instances(e, 7, 4) : instances(e, 5, 3),
                           .from = from};
}

/* E F(x_K) - F* against the five terms, or the first alone. */
static void instance(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct problem p = problem_new(f, k % 2 ? PROBLEM_STAR : PROBLEM_DISTANCE, 2, 2, k);
    struct matrix shape = matrix_from(f, 2, 2, (long[]){3, 4, -4, 3}, 10);
    struct noise noise = k / 6 % 2 ? noise_two(real_whole(f, 2), real_fraction(f, 1, 2), shape)
                                   : noise_three(real_fraction(f, 3, 2), shape);
    struct method m = method_of(e, k, matrix_from(f, 2, 2, (long[]){9, 5, -7, 3}, 8));
    real mean[PATH_MEANS], rho_sigma = real_mul(norm_rho(m.norm, f, 2, 2), real_root(noise_variance(&noise)));
    real least = problem_value(&p, p.solution), gap = real_sub(problem_value(&p, m.from), least);
    real smoothness = problem_smoothness(&p, m.norm), third = problem_third(&p, m.norm);
    struct terms t = terms_of(&m, gap, smoothness, third, rho_sigma);
    certify_iterated(e, &m, &t, gap, smoothness, third, rho_sigma);
    expect(e, mean, 2, &p, &m, &noise, false, visit_end);
    certify(e, "E F(x_K) - F* <= the five terms",
            real_sub(SUM(t.start, t.smooth, t.noise, t.drift, t.noise_at_start), real_sub(mean[1], least)));
    m.from = p.solution;
    expect(e, mean, 2, &p, &m, &noise, false, visit_end);
    must_fail(e, "the first term alone, from the minimiser", real_sub(least, mean[1]));
}

/* All terms but the first, which is K's; the root enclosed. */
static void budget(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    real one = real_whole(f, 1), two = real_whole(f, 2), four = real_whole(f, 4), twenty = real_whole(f, 20);
    real eps = real_fraction(f, 1, 1 + k % 3), radius = real_whole(f, 1 + (long)(k % 4));
    real rho_sigma = real_fraction(f, 1 + (long)(k % 5), 2), smoothness = real_fraction(f, 1 + (long)(k % 7), 2);
    real third = real_fraction(f, 1 + (long)(k % 6), 2), cube = real_power(radius, 3);
    real root = real_min(one, real_div(eps, PRODUCT(real_whole(f, 10), radius, rho_sigma))), alpha = real_square(root);
    real flat = real_div(eps, PRODUCT(twenty, smoothness, radius, radius));
    real beta = real_min(real_min(flat, real_div(alpha, two)),
                         real_mul(alpha, real_root(real_div(eps, PRODUCT(twenty, third, cube)))));
    real fifth = real_div(eps, real_whole(f, 5)), spare = real_mul(fifth, real_double(f, 1 + 0x1p-50));
    certify(e, "4 L D^2 b <= eps / 5", real_sub(fifth, PRODUCT(four, smoothness, radius, radius, beta)));
    must_fail(e, "4 L D^2 b <= eps / 5 for b = eps / (10 L D^2)",
              real_sub(fifth, PRODUCT(four, smoothness, radius, radius, two, flat)));
    certify(e, "2 D rho sigma sqrt(a) <= eps / 5", real_sub(fifth, PRODUCT(two, radius, rho_sigma, root)));
    certify(e, "4 H D^3 b^2 / a^2 <= eps / 5 (1 + 2^-50)",
            real_sub(spare, PRODUCT(four, third, cube, real_square(real_div(beta, alpha)))));
    certify(e, "b / (a - b) <= 1", real_sub(one, real_div(beta, real_sub(alpha, beta))));
}

static void run(struct evidence *e)
{
    each(e, 12, instance);
    each(e, 60, budget);
}

const struct claim claim_ke_t3_star = {
    "KE-t3-star",
    "Kovalev: expectations, all paths enumerated",
    "decay and extrapolation: E F(x_K) - F* <= (1-b)^K Delta + 4LD^2 b + noise + 4HD^3 b^2 (1-a)/a^2",
    "ours; form after Kovalev v2",
    CLAIM_PROVED,
    "ke_t3_star",
    run};
