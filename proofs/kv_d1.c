#include "descent.h"

static const struct variant {
    enum assay_norm norm;
    enum assay_regulariser regulariser;
} variants[] = {{ASSAY_NORM_SPECTRAL, ASSAY_REGULARISER_NONE},  {ASSAY_NORM_FROBENIUS, ASSAY_REGULARISER_NONE},
                {ASSAY_NORM_MAX, ASSAY_REGULARISER_NONE},       {ASSAY_NORM_FROBENIUS, ASSAY_REGULARISER_RIDGE},
                {ASSAY_NORM_SPECTRAL, ASSAY_REGULARISER_RIDGE}, {ASSAY_NORM_MAX, ASSAY_REGULARISER_SUM},
                {ASSAY_NORM_MAX, ASSAY_REGULARISER_BOX}};
enum { VARIANTS = sizeof variants / sizeof variants[0] };

static void instance(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    uint64_t seed = k;
    const struct variant *v = &variants[k % VARIANTS];
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
    if (v->regulariser == ASSAY_REGULARISER_RIDGE && k / VARIANTS % 2 == 0)
        must_differ(e, "r = 0 in spite of the ridge", real_mul(method.eta, dual_of(v->norm, m)),
                    matrix_dot(m, matrix_sub(c, x)));
}

static void run(struct evidence *e)
{
    each(e, instances(e, 60 * VARIANTS, 10 * VARIANTS), instance);
}

const struct claim claim_kv_d1 = {"KV-D1",
                                  "Kovalev: one step, deterministic",
                                  "eta ||m + r||_* = <m + r, c - x+> for one r of the subdifferential of R",
                                  "Kovalev arXiv 2503.12645 eq. 17; proof ours",
                                  CLAIM_PROVED,
                                  "kv_d1",
                                  run};
