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

/* For each norm an M whose minimisers are least + z free, |z| <= 1, turned by rotations where the norm allows: for the
 * nuclear and the sum norm, whose free parts must have trace 0, the least is midway between two extreme points. */
static const struct degenerate {
    enum assay_norm norm;
    long m[4], least[4], free[4]; /* the latter two over `over` */
    unsigned long over;
    bool turned;
} degenerates[] = {{ASSAY_NORM_SPECTRAL, {2, 0, 0, 0}, {-1, 0, 0, 0}, {0, 0, 0, 1}, 1, true},
                   {ASSAY_NORM_RMS, {2, 0, 0, 0}, {-1, 0, 0, 0}, {0, 0, 0, 1}, 1, true},
                   {ASSAY_NORM_MAX, {2, 0, -3, 1}, {-1, 0, 1, -1}, {0, 1, 0, 0}, 1, false},
                   {ASSAY_NORM_COLUMN, {3, 0, 4, 0}, {-3, 0, -4, 0}, {0, 4, 0, 3}, 5, false},
                   {ASSAY_NORM_ROW, {3, 4, 0, 0}, {-3, -4, 0, 0}, {0, 0, 4, 3}, 5, false},
                   {ASSAY_NORM_NUCLEAR, {2, 0, 0, 2}, {-1, 0, 0, -1}, {1, 0, 0, -1}, 2, true},
                   {ASSAY_NORM_SUM, {2, 0, 1, -2}, {-1, 0, 0, 1}, {1, 0, 0, 1}, 2, false}};
enum { DEGENERATES = sizeof degenerates / sizeof degenerates[0], MEMBERS = 3 };

/* least + z free, times sqrt 2 for the column norm and over sqrt 2 for the row norm, whose balls are that large. */
static struct matrix member_of(const struct field *f, const struct degenerate *d, real z)
{
    real root = real_root(real_whole(f, 2)), one = real_whole(f, 1);
    real scale = d->norm == ASSAY_NORM_COLUMN ? root : d->norm == ASSAY_NORM_ROW ? real_div(one, root) : one;
    return matrix_mix(scale, matrix_from(f, 2, 2, d->least, d->over), real_mul(scale, z),
                      matrix_from(f, 2, 2, d->free, d->over));
}

static struct matrix turn(struct matrix a, bool turned)
{
    const struct field *f = a.at[0]->field;
    struct matrix u = matrix_from(f, 2, 2, (long[]){3, -4, 4, 3}, 5),
                  v = matrix_from(f, 2, 2, (long[]){5, 12, -12, 5}, 13);
    return turned ? matrix_product(matrix_product(u, a), v) : a;
}

static void degenerate(struct evidence *e, size_t k)
{
    static const long spread[MEMBERS] = {-1, 0, 1};
    const struct field *f = &e->field;
    const struct degenerate *d = &degenerates[k / MEMBERS];
    real one = real_whole(f, 1), beyond = real_fraction(f, 101, 100);
    struct matrix m = turn(matrix_from(f, 2, 2, d->m, 1), d->turned),
                  member = turn(member_of(f, d, real_whole(f, spread[k % MEMBERS])), d->turned),
                  outside = turn(member_of(f, d, beyond), d->turned);
    certify_equal(e, "every member of the degenerate set has the same value", matrix_dot(m, member),
                  real_neg(dual_of(d->norm, m)));
    certify_equal(e, "and lies in the ball", norm_of(d->norm, member), one);
    must_fail(e, "a member with 1.01 of what is free stays in the ball", real_sub(one, norm_of(d->norm, outside)));
    if (spread[k % MEMBERS] == 0)
        certify_same(e, "the least member is the oracle's", lmo_of(d->norm, m), member);
}

/* M = 0: every member of the ball; the least is 0. */
static void zero(struct evidence *e, size_t k)
{
    struct matrix m = matrix_new(&e->field, 2, 2);
    certify_same(e, "M = 0: the least minimiser is 0", lmo_of(norms[k], m), m);
    certify_equal(e, "M = 0: ||M||_* = 0", dual_of(norms[k], m), real_whole(&e->field, 0));
}

static void run(struct evidence *e)
{
    each(e, instances(e, 40 * NORM_COUNT, 6 * NORM_COUNT), attained);
    each(e, NORM_COUNT, rho);
    each(e, DEGENERATES * MEMBERS, degenerate);
    each(e, NORM_COUNT, zero);
}

const struct claim claim_lmo_dual = {"LMO-dual",
                                     "Linear minimisation oracles",
                                     "<M, lmo(M)> = -||M||_* for all eight norms, on degenerate sets too",
                                     "Kovalev arXiv 2503.12645; table ours",
                                     CLAIM_PROVED,
                                     "lmo_dual",
                                     run};
