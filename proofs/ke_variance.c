#include "paths.h"

static void visit(const struct problem *p, const struct method *m, const struct point *at, real *stats)
{
    (void)p;
    if (at->k < m->steps)
        stats[at->k] = matrix_square(at->error);
}

static void instance(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct problem p = problem_new(f, PROBLEM_LINEAR, 2, 2, k);
    struct matrix shape = matrix_from(f, 2, 2, (long[]){1, 2, 0, -1}, 2);
    struct noise noise =
        k % 2 ? noise_two(real_whole(f, 3), real_fraction(f, 1, 2), shape) : noise_three(real_fraction(f, 5, 4), shape);
    const struct method m = {.norm = ASSAY_NORM_MAX,
                             .eta = real_fraction(f, 1, 16),
                             .alpha = real_fraction(f, 1 + (long)(k % 3), 4),
                             .steps = k % 2 ? instances(e, 9, 6) : instances(e, 6, 4),
                             .from = matrix_new(f, 2, 2)};
    real mean[PATH_MEANS], one = real_whole(f, 1), two = real_whole(f, 2), variance = noise_variance(&noise);
    expect(e, mean, m.steps, &p, &m, &noise, false, visit);
    for (size_t j = 0; j < m.steps; j++) {
        real q = real_power(real_sub(one, m.alpha), 2 * j), left = real_sub(one, q), omega = noise_left(m.alpha, j);
        certify_equal(e, "E ||N_k||_F^2 = sigma^2 omega_k^2", mean[j], real_mul(variance, omega));
        must_differ(e, "sigma^2 / 2", mean[j], real_div(real_mul(variance, omega), two));
        if (j > 0)
            must_differ(e, "a in place of a / (2 - a)", mean[j],
                        real_mul(variance, real_add(q, real_mul(m.alpha, left))));
    }
}

static void run(struct evidence *e)
{
    each(e, 6, instance);
}

const struct claim claim_ke_variance = {"KE-variance",
                                        "Kovalev: expectations, all paths enumerated",
                                        "E ||N_k||_F^2 = sigma^2 ((1-a)^2k + a/(2-a) (1 - (1-a)^2k)), exactly",
                                        "ours",
                                        CLAIM_PROVED,
                                        "ke_variance",
                                        run};
