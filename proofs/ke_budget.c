#include "claim.h"

/* The five terms at the paper's parameters, over eps; `c` stands for the 3/2. */
static real spent(real smoothness, real gap, real rho_sigma, real eps, real c)
{
    const struct field *f = eps->field;
    real one = real_whole(f, 1), two = real_whole(f, 2), sixteen = real_whole(f, 16);
    real ratio = real_div(eps, rho_sigma), alpha = real_min(one, real_div(real_square(ratio), sixteen));
    real root = real_min(one, real_div(ratio, real_whole(f, 4)));
    real eta = real_min(real_div(eps, real_mul(sixteen, smoothness)),
                        real_div(real_power(eps, 3), PRODUCT(real_whole(f, 256), real_square(rho_sigma), smoothness)));
    real scaled = real_div(real_mul(smoothness, gap), real_square(eps));
    real steps = real_max(real_max(real_div(PRODUCT(real_whole(f, 2048), scaled), real_square(ratio)),
                                   real_div(real_whole(f, 256), real_power(ratio, 3))),
                          real_max(real_mul(real_whole(f, 128), scaled), real_div(sixteen, ratio)));
    real drift = real_mul(smoothness, eta);
    real sum = SUM(real_div(gap, real_mul(eta, steps)), real_div(real_mul(two, rho_sigma), real_mul(alpha, steps)),
                   PRODUCT(two, root, rho_sigma), real_mul(c, drift), real_div(real_mul(two, drift), alpha));
    return real_div(sum, eps);
}

static void instance(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    real smoothness = real_fraction(f, 1 + (long)(k % 5), 2), gap = real_fraction(f, 1 + (long)(k % 7), 3);
    real rho_sigma = real_fraction(f, 1 + (long)(k % 4), 2), eps = real_fraction(f, 1 + (long)(k % 3), 4);
    real share = spent(smoothness, gap, rho_sigma, eps, real_fraction(f, 3, 2));
    certify(e, "the five terms <= 31/32 eps", real_sub(real_fraction(f, 31, 32), share));
}

static void run(struct evidence *e)
{
    const struct field *f = &e->field;
    real eighth = real_fraction(f, 1, 8), half = real_fraction(f, 1, 2), one = real_whole(f, 1),
         sixteen = real_whole(f, 16);
    real budget = SUM(eighth, eighth, half, real_div(real_fraction(f, 3, 2), sixteen), eighth);
    number(e, "1/8 + 1/8 + 1/2 + 3/32 + 1/8", budget);
    certify_equal(e, "the budget is 31/32", budget, real_fraction(f, 31, 32));
    real other = SUM(eighth, eighth, half, real_div(real_fraction(f, 7, 2), sixteen), eighth);
    number(e, "the same with 7/2", other);
    must_fail(e, "7/2 in place of 3/2", real_sub(one, other));
    each(e, 60, instance);
    real gap = real_fraction(f, 1, 32), noise = real_fraction(f, 1, 4);
    certify_equal(e, "all of it is spent: L = eps = 1, Delta = 1/32, rho sigma = 1/4",
                  spent(one, gap, noise, one, real_fraction(f, 3, 2)), real_fraction(f, 31, 32));
    must_fail(e, "there, with 7/2 for 3/2, the five terms are at most eps",
              real_sub(one, spent(one, gap, noise, one, real_fraction(f, 7, 2))));
}

const struct claim claim_ke_budget = {"KE-budget",
                                      "Kovalev: expectations, all paths enumerated",
                                      "theorem 2's eta, alpha, K spend 31/32 of eps",
                                      "Kovalev v1 theorem 2",
                                      CLAIM_PROVED,
                                      "ke_budget",
                                      run};
