#include "descent.h"

/* R(z) >= R(x) + <r, z - x>, z in the box where R is one: r is a subgradient, with which the equality means that x is
 * the minimiser. */
static void check_subgradient(struct evidence *e, const struct method *method, struct matrix x, struct matrix r,
                              struct matrix z)
{
    certify(e, "r is in dR(x+): R(z) >= R(x+) + <r, z - x+>",
            SUM(regulariser_value(method, z), real_neg(regulariser_value(method, x)),
                real_neg(matrix_dot(r, matrix_sub(z, x)))));
}

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
    certify(e, "||x+ - c|| <= eta (1 + 2^-52)",
            real_sub(real_mul(method.eta, real_double(f, 1 + 0x1p-52)), norm_of(v->norm, matrix_sub(x, c))));
    if (v->regulariser != ASSAY_REGULARISER_NONE)
        for (size_t j = 0; j < 4; j++)
            check_subgradient(e, &method, x, r, matrix_scale(half, matrix_random(f, m.rows, m.cols, &seed)));
    struct matrix shorter = matrix_scale(real_fraction(f, 99, 100), matrix_sub(c, x));
    if (v->regulariser == ASSAY_REGULARISER_NONE)
        must_fail(e, "a step of 0.99 eta", real_sub(matrix_dot(sum, shorter), full));
    if (v->regulariser == ASSAY_REGULARISER_RIDGE)
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
