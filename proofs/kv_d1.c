#include "descent.h"

static void instance(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    uint64_t seed = k;
    const struct variant *v = &descent_variants[k % DESCENT_VARIANTS];
    struct matrix m = matrix_random(f, 2 + k % 2, 2, &seed), r;
    struct matrix c = matrix_random(f, 2 + k % 2, 2, &seed);
    real half = real_fraction(f, 1, 2);
    c = matrix_scale(half, c); /* inside the box */
    const struct method method = {
        .norm = v->norm, .regulariser = v->regulariser, .eta = real_fraction(f, 1 + (long)(k % 5), 8), .weight = half};
    struct matrix x = trust_region_step(&method, m, c, &r), sum = matrix_add(m, r);
    real full = real_mul(method.eta, dual_of(v->norm, sum)), gain = matrix_dot(sum, matrix_sub(c, x));
    certify_equal(e, "eta ||m + r||_* = <m + r, c - x+>", full, gain);
    struct matrix shorter = matrix_scale(real_fraction(f, 99, 100), matrix_sub(c, x));
    if (v->regulariser == ASSAY_REGULARISER_NONE)
        must_fail(e, "a step of 0.99 eta", real_sub(matrix_dot(sum, shorter), full));
    if (v->regulariser == ASSAY_REGULARISER_RIDGE && k / DESCENT_VARIANTS % 2 == 0)
        must_differ(e, "r = 0 in spite of the ridge", real_mul(method.eta, dual_of(v->norm, m)),
                    matrix_dot(m, matrix_sub(c, x)));
}

static void run(struct evidence *e)
{
    each(e, instances(e, 60 * DESCENT_VARIANTS, 10 * DESCENT_VARIANTS), instance);
}

const struct claim claim_kv_d1 = {"KV-D1",
                                  "Kovalev: one step, deterministic",
                                  "eta ||m + r||_* = <m + r, c - x+> for one r of the subdifferential of R",
                                  "Kovalev arXiv 2503.12645 eq. 17; proof ours",
                                  CLAIM_PROVED,
                                  "kv_d1",
                                  run};
