#include "claim.h"

static const enum assay_norm norms[] = {ASSAY_NORM_SPECTRAL, ASSAY_NORM_FROBENIUS, ASSAY_NORM_MAX,     ASSAY_NORM_RMS,
                                        ASSAY_NORM_COLUMN,   ASSAY_NORM_ROW,       ASSAY_NORM_NUCLEAR, ASSAY_NORM_SUM};
enum { NORM_COUNT = sizeof norms / sizeof norms[0] };

/* Random M and D of one shape, one norm. */
static void attained(struct evidence *e, size_t k)
{
    static const size_t shapes[][2] = {{2, 2}, {3, 2}, {2, 5}, {1, 4}, {4, 4}, {5, 3}};
    const struct field *f = &e->field;
    enum assay_norm norm = norms[k % NORM_COUNT];
    const size_t *shape = shapes[k / NORM_COUNT % (norm == ASSAY_NORM_NUCLEAR ? 4 : 6)];
    uint64_t seed = k;
    struct matrix m = matrix_random(f, shape[0], shape[1], &seed), d = matrix_random(f, shape[0], shape[1], &seed);
    struct matrix best = lmo_of(norm, m);
    real dual = dual_of(norm, m), value = matrix_dot(m, best), share = real_fraction(f, 99, 100);
    certify_equal(e, "<M, lmo(M)> = -||M||_*", value, real_neg(dual));
    if (shape[0] <= 2 || shape[1] <= 2 || (norm != ASSAY_NORM_SPECTRAL && norm != ASSAY_NORM_RMS))
        certify_equal(e, "||lmo(M)|| = 1", norm_of(norm, best), real_whole(f, 1));
    certify(e, "<u, v> <= ||u||_* ||v||", real_sub(real_mul(dual, norm_of(norm, d)), real_abs(matrix_dot(m, d))));
    must_fail(e, "a dual norm that is 1 % smaller", SUM(real_mul(share, dual), value));
    must_fail(e, "half the oracle is as good", real_sub(real_neg(dual), real_div(value, real_whole(f, 2))));
}

/* x with ||x||_* = rho ||x||_F: ones for max and column, orthonormal columns for spectral and RMS, ones in one
 * column for row, e_11 for the others. */
static void rho(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    enum assay_norm norm = norms[k % NORM_COUNT];
    struct matrix x = matrix_new(f, 3, 2);
    real one = real_whole(f, 1), share = real_fraction(f, 99, 100), factor = norm_rho(norm, f, 3, 2);
    for (size_t j = 0; j < 6; j++)
        if (norm == ASSAY_NORM_MAX || norm == ASSAY_NORM_COLUMN || (norm == ASSAY_NORM_ROW && j % 2 == 0) || j == 0 ||
            (j == 3 && (norm == ASSAY_NORM_SPECTRAL || norm == ASSAY_NORM_RMS)))
            x.at[j] = one;
    real limit = real_mul(factor, matrix_frobenius(x));
    certify_equal(e, "||x||_* = rho ||x||_F for one x", dual_of(norm, x), limit);
    must_fail(e, "rho that is 1 % smaller", real_sub(real_mul(share, limit), dual_of(norm, x)));
    uint64_t seed = 77;
    struct matrix y = matrix_random(f, 3, 2, &seed);
    if (norm != ASSAY_NORM_FROBENIUS) /* there they are the same */
        certify(e, "||x||_* <= rho ||x||_F", real_sub(real_mul(factor, matrix_frobenius(y)), dual_of(norm, y)));
}

/* M = diag(2, 0) turned by 3-4-5 rotations: the members for Z = z, |z| <= 1. */
static void degenerate(struct evidence *e, size_t k)
{
    static const long u[] = {3, -4, 4, 3}, v[] = {5, -12, 12, 5}, spread[] = {-100, 50, 0, 50, 100};
    const struct field *f = &e->field;
    struct matrix left = matrix_from(f, 2, 2, u, 5), right = matrix_transpose(matrix_from(f, 2, 2, v, 13));
    struct matrix s = matrix_from(f, 2, 2, (long[]){2, 0, 0, 0}, 1), d = matrix_from(f, 2, 2, (long[]){-1, 0, 0, 0}, 1);
    struct matrix m = matrix_product(matrix_product(left, s), right);
    d.at[3] = real_fraction(f, spread[k], 100);
    struct matrix member = matrix_product(matrix_product(left, d), right);
    certify_equal(e, "every member of the degenerate set has the same value", matrix_dot(m, member),
                  real_neg(dual_of(ASSAY_NORM_SPECTRAL, m)));
    certify_equal(e, "and lies in the ball", matrix_spectral(member), real_whole(f, 1));
    d.at[3] = real_fraction(f, 101, 100);
    member = matrix_product(matrix_product(left, d), right);
    must_fail(e, "||Z|| = 1.01 stays in the ball", real_sub(real_whole(f, 1), matrix_spectral(member)));
    if (k == 2)
        certify_same(e, "the least member is the oracle's", lmo_of(ASSAY_NORM_SPECTRAL, m),
                     matrix_from(f, 2, 2, (long[]){-15, -36, -20, -48}, 65));
}

static void run(struct evidence *e)
{
    each(e, instances(e, 40 * NORM_COUNT, 6 * NORM_COUNT), attained);
    each(e, NORM_COUNT, rho);
    each(e, 5, degenerate);
}

const struct claim claim_lmo_dual = {"LMO-dual",
                                     "Linear minimisation oracles",
                                     "<M, lmo(M)> = -||M||_* for all eight norms, on degenerate sets too",
                                     "Kovalev arXiv 2503.12645; table ours",
                                     CLAIM_PROVED,
                                     "lmo_dual",
                                     run};
