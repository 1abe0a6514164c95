#include "paths.h"

static void visit(const struct problem *p, const struct method *m, const struct point *at, real *stats)
{
    if (at->k > 0)
        stats[0] = real_add(stats[0], real_div(dual_of(m->norm, at->gradient), real_whole(p->field, (long)m->steps)));
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
    real gap = real_sub(problem_value(&p, m.from), problem_value(&p, p.solution)), steps = real_whole(f, (long)m.steps);
    expect(e, mean, 1, &p, &m, &noise, false, visit);
    real bound = SUM(
        real_div(gap, real_mul(m.eta, steps)), PRODUCT(real_fraction(f, 3, 2), problem_smoothness(&p, m.norm), m.eta),
        real_div(real_mul(two, rho_sigma), real_mul(alpha, steps)),
        PRODUCT(two, rho_sigma, real_root(real_div(alpha, real_sub(two, alpha)))),
        real_div(PRODUCT(problem_third(&p, m.norm), m.eta, m.eta, real_sub(one, alpha)), real_square(alpha)));
    certify(e, "E mean ||grad f(x_k)||_* <= the five terms", real_sub(bound, mean[0]));
}

/* The five terms over eps at the stated parameters; eta times `stretch`. sqrt(eps / 8H) is enclosed. */
static real spent(const struct field *f, size_t k, long stretch, real third)
{
    real one = real_whole(f, 1), two = real_whole(f, 2), four = real_whole(f, 4), eps = real_fraction(f, 1, 1 + k % 3);
    real rho_sigma = real_fraction(f, 1 + (long)(k % 5), 2), smoothness = real_fraction(f, 1 + (long)(k % 7), 2);
    real gap = real_fraction(f, 1 + (long)(k % 4), 3),
         root = real_min(one, real_div(eps, PRODUCT(two, four, rho_sigma)));
    real alpha = real_square(root), eta = real_div(eps, real_mul(real_whole(f, 12), smoothness));
    if (third)
        eta = real_min(eta, real_mul(alpha, real_root(real_div(eps, PRODUCT(two, four, third)))));
    real steps = real_max(real_div(real_mul(four, gap), real_mul(eta, eps)),
                          real_div(PRODUCT(two, four, rho_sigma), real_mul(alpha, eps)));
    real used = real_mul(real_whole(f, stretch), eta);
    real drift =
        third ? real_div(PRODUCT(third, used, used, real_sub(one, alpha)), real_square(alpha)) : real_whole(f, 0);
    real sum = SUM(real_div(gap, real_mul(eta, steps)), PRODUCT(real_fraction(f, 3, 2), smoothness, used),
                   real_div(real_mul(two, rho_sigma), real_mul(alpha, steps)), PRODUCT(two, rho_sigma, root), drift);
    return real_div(sum, eps);
}

static void budget(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    real one = real_whole(f, 1), spare = real_double(f, 0x1p-60);
    certify(e, "the five terms <= eps (1 + 2^-60)",
            SUM(one, spare, real_neg(spent(f, k, 1, real_fraction(f, 1 + (long)(k % 6), 2)))));
}

static void run(struct evidence *e)
{
    const struct field *f = &e->field;
    each(e, instances(e, 18, 18), instance);
    each(e, 60, budget);
    real eighth = real_fraction(f, 1, 8), quarter = real_fraction(f, 1, 4), one = real_whole(f, 1);
    certify_equal(e, "1/4 + 1/8 + 1/4 + 1/4 + 1/8", SUM(quarter, eighth, quarter, quarter, eighth), one);
    must_fail(e, "3/2 L eta with eta doubled: 1/4 more than 1/8",
              real_sub(one, SUM(quarter, quarter, quarter, quarter, eighth)));
}

const struct claim claim_ke_t3 = {
    "KE-t3",
    "Kovalev: expectations, all paths enumerated",
    "extrapolation: E mean ||grad f|| <= Delta/(eta K) + 3/2 L eta + noise + H eta^2 (1-a)/a^2",
    "ours; rate as in Kovalev v2's abstract",
    CLAIM_PROVED,
    "ke_t3",
    run};
