#include "descent.h"

static void instance(struct evidence *e, size_t k)
{
    static const enum problem_kind kinds[] = {PROBLEM_QUADRATIC, PROBLEM_STAR, PROBLEM_COSINE};
    const struct field *f = &e->field;
    uint64_t seed = k;
    struct problem p = problem_new(f, kinds[k % 3], 2, 2, k);
    enum assay_norm norm = descent_norms[k / 3 % 3];
    struct matrix x = matrix_random(f, 2, 2, &seed);
    real gap = real_sub(problem_value(&p, x), problem_value(&p, p.solution));
    real bound = PRODUCT(real_whole(f, 2), problem_smoothness(&p, norm), gap);
    certify(e, "||grad f(x)||_*^2 <= 2 L (f(x) - inf f)",
            real_sub(bound, real_square(dual_of(norm, problem_gradient(&p, x)))));
}

/* P2 at distance O / 5 from its solution, O orthogonal: equality. */
static void sharp(struct evidence *e)
{
    const struct field *f = &e->field;
    struct problem p = problem_new(f, PROBLEM_DISTANCE, 2, 2, 1);
    struct matrix x = matrix_add(p.solution, matrix_from(f, 2, 2, (long[]){3, 4, -4, 3}, 25));
    real square = real_square(dual_of(ASSAY_NORM_SPECTRAL, problem_gradient(&p, x)));
    real bound = PRODUCT(real_whole(f, 2), problem_smoothness(&p, ASSAY_NORM_SPECTRAL), problem_value(&p, x));
    certify_equal(e, "P2, spectral: ||grad f(x)||_*^2 = 2 L f(x)", square, bound);
    must_fail(e, "1.99 L for 2 L", real_sub(real_mul(real_fraction(f, 199, 200), bound), square));
}

static void run(struct evidence *e)
{
    const struct field *f = &e->field;
    real share = real_div(real_whole(f, 2), real_whole(f, 128)); /* ||grad f(x_0)||^2 / eps^2 <= share K */
    number(e, "K below which x_0 itself has ||grad f|| <= eps", real_div(real_whole(f, 1), share));
    number(e, "||grad f(x_0)||_* / eps is at most, for K = 12", real_root(real_mul(share, real_whole(f, 12))));
    each(e, instances(e, 90, 18), instance);
    sharp(e);
}

const struct claim claim_ke_vacuous = {"KE-vacuous",
                                       "Kovalev: expectations, all paths enumerated",
                                       "with its own parameters theorem 2 promises for K <= 64 what x_0 already has",
                                       "ours",
                                       CLAIM_VACUOUS,
                                       "ke_vacuous",
                                       run};
