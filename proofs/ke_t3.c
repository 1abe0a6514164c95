#include "paths.h"

static void visit(const struct problem *p, const struct method *m, const struct point *at, real *stats)
{
    if (at->k > 0)
        stats[0] = real_add(stats[0], real_div(dual_of(m->norm, at->gradient), real_whole(p->field, (long)m->steps)));
}

static real bound_of(real gap, real smoothness, real third, real rho_sigma, const struct method *m)
{
    const struct field *f = m->eta->field;
    real one = real_whole(f, 1), two = real_whole(f, 2), steps = real_whole(f, (long)m->steps), alpha = m->alpha;
    return SUM(real_div(gap, real_mul(m->eta, steps)), PRODUCT(real_fraction(f, 3, 2), smoothness, m->eta),
               real_div(real_mul(two, rho_sigma), real_mul(alpha, steps)),
               PRODUCT(two, rho_sigma, real_root(real_div(alpha, real_sub(two, alpha)))),
               real_div(PRODUCT(third, m->eta, m->eta, real_sub(one, alpha)), real_square(alpha)));
}

static void instance(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct problem p = problem_new(f, k % 2 ? PROBLEM_COSINE : PROBLEM_DISTANCE, 2, 2, k);
    real alpha = real_fraction(f, 1, 1 + k % 3), one = real_whole(f, 1), two = real_whole(f, 2);
    struct matrix shape = matrix_from(f, 2, 2, (long[]){3, 4, -4, 3}, 10);
    struct noise noise =
        k / 3 % 2 ? noise_two(two, real_fraction(f, 1, 2), shape) : noise_three(real_fraction(f, 3, 2), shape);
    const struct method m = {.norm = descent_norms[k / 2 % 3],
                             .eta = real_fraction(f, 1, 8),
                             .alpha = alpha,
                             .factor = real_div(real_sub(one, alpha), alpha),
                             .steps = k / 3 % 2 ? instances(e, 7, 4) : instances(e, 5, 3),
                             .from = matrix_from(f, 2, 2, (long[]){9, 5, -7, 3}, 8)};
    real mean[PATH_MEANS], rho_sigma = real_mul(norm_rho(m.norm, f, 2, 2), real_root(noise_variance(&noise)));
    real gap = real_sub(problem_value(&p, m.from), problem_value(&p, p.solution));
    expect(e, mean, 1, &p, &m, &noise, false, visit);
    real bound = bound_of(gap, problem_smoothness(&p, m.norm), problem_third(&p, m.norm), rho_sigma, &m);
    certify(e, "E mean ||grad f(x_k)||_* <= the five terms", real_sub(bound, mean[0]));
}

/* The five terms over eps at the stated parameters; `c` stands for the 3/2. sqrt(eps / 8H) may be enclosed. */
static real spent(real smoothness, real third, real gap, real rho_sigma, real eps, real c)
{
    const struct field *f = eps->field;
    real one = real_whole(f, 1), two = real_whole(f, 2), four = real_whole(f, 4), eight = real_whole(f, 8);
    real root = real_min(one, real_div(eps, real_mul(eight, rho_sigma))), alpha = real_square(root);
    real eta = real_min(real_div(eps, real_mul(real_whole(f, 12), smoothness)),
                        real_mul(alpha, real_root(real_div(eps, real_mul(eight, third)))));
    real steps = real_max(real_div(real_mul(four, gap), real_mul(eta, eps)),
                          real_div(real_mul(eight, rho_sigma), real_mul(alpha, eps)));
    real sum = SUM(real_div(gap, real_mul(eta, steps)), PRODUCT(c, smoothness, eta),
                   real_div(real_mul(two, rho_sigma), real_mul(alpha, steps)), PRODUCT(two, rho_sigma, root),
                   real_div(PRODUCT(third, real_square(eta), real_sub(one, alpha)), real_square(alpha)));
    return real_div(sum, eps);
}

static void budget(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    real share = spent(real_fraction(f, 1 + (long)(k % 7), 2), real_fraction(f, 1 + (long)(k % 6), 2),
                       real_fraction(f, 1 + (long)(k % 4), 3), real_fraction(f, 1 + (long)(k % 5), 2),
                       real_fraction(f, 1, 1 + k % 3), real_fraction(f, 3, 2));
    certify(e, "the five terms <= eps (1 + 2^-60)", SUM(real_whole(f, 1), real_double(f, 0x1p-60), real_neg(share)));
}

/* Where every term is as large as it may be, but for 1 - alpha of the last: alpha = 1/64, eta = 1/12, K = 512. */
static void sharp_budget(struct evidence *e)
{
    const struct field *f = &e->field;
    real one = real_whole(f, 1), third = real_fraction(f, 9, 2048), gap = real_fraction(f, 32, 3);
    certify_equal(e, "L = eps = rho sigma = 1, H = 9/2048, Delta = 32/3: 511/512 of eps is spent",
                  spent(one, third, gap, one, one, real_fraction(f, 3, 2)), real_fraction(f, 511, 512));
    must_fail(e, "there, with 1.6 for 3/2, the five terms are at most eps",
              real_sub(one, spent(one, third, gap, one, one, real_fraction(f, 8, 5))));
}

static void worked_example(struct evidence *e)
{
    const struct field *f = &e->field;
    real one = real_whole(f, 1);
    const struct method m = {.eta = real_fraction(f, 1, 8), .alpha = real_fraction(f, 1, 5), .steps = 2};
    certify_equal(e, "L = H = Delta_0 = rho sigma = 1, eta = 1/8, K = 2, a = 1/5: 4 + 3/16 + 5 + 2/3 + 5/16",
                  bound_of(one, one, one, one, &m), real_fraction(f, 61, 6));
}

/* P2 from 99 in small steps, without noise. */
static void without_gap(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct problem p = problem_new(f, PROBLEM_DISTANCE, 1, 1, k);
    struct noise noise = noise_three(real_whole(f, 0), matrix_identity(f, 1));
    const struct method m = {.norm = ASSAY_NORM_MAX,
                             .eta = real_fraction(f, 1, 8),
                             .alpha = real_fraction(f, 1, 2),
                             .factor = real_whole(f, 1),
                             .steps = 4,
                             .from = matrix_from(f, 1, 1, (long[]){99}, 1)};
    real mean[PATH_MEANS], zero = real_whole(f, 0);
    expect(e, mean, 1, &p, &m, &noise, false, visit);
    must_fail(e, "without Delta_0 / (eta K)", real_sub(bound_of(zero, real_whole(f, 1), zero, zero, &m), mean[0]));
}

static void run(struct evidence *e)
{
    each(e, instances(e, 18, 18), instance);
    each(e, 60, budget);
    sharp_budget(e);
    worked_example(e);
    each(e, 1, without_gap);
}

const struct claim claim_ke_t3 = {
    "KE-t3",
    "Kovalev: expectations, all paths enumerated",
    "extrapolation: E mean ||grad f|| <= Delta/(eta K) + 3/2 L eta + noise + H eta^2 (1-a)/a^2",
    "ours; rate as in Kovalev v2's abstract",
    CLAIM_PROVED,
    "ke_t3",
    run};
