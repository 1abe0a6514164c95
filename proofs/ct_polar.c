#include "claim.h"

/* e + 2 (e ||S||_F + ||F||_F) / mu */
static real bound_of(struct matrix a, struct matrix p, real mu)
{
    const struct field *f = mu->field;
    real half = real_fraction(f, 1, 2), two = real_whole(f, 2);
    struct matrix t = matrix_product(matrix_transpose(p), a), one = matrix_identity(f, a.cols);
    struct matrix s = matrix_mix(half, t, half, matrix_transpose(t));
    if (!matrix_is_positive(matrix_mix(real_whole(f, 1), s, real_neg(mu), one)))
        work_fail(f->w, ASSAY_UNDECIDED, "S >= mu I is not proved");
    real e = matrix_frobenius(matrix_sub(matrix_product(matrix_transpose(p), p), one));
    real rest = matrix_frobenius(matrix_sub(a, matrix_product(p, s)));
    return real_add(e, real_div(PRODUCT(two, real_add(real_mul(e, matrix_frobenius(s)), rest)), mu));
}

/* Q = the first n columns of a product of rotations by (3, 4)/5 and (5, 12)/13 in the planes (0, 1), (1, 2), ... */
static struct matrix rational_factor(const struct field *f, size_t m, size_t n, size_t k)
{
    struct matrix q = matrix_identity(f, m), part = matrix_new(f, m, n);
    for (size_t i = 0; i + 1 < m; i++) {
        struct matrix turn = matrix_identity(f, m);
        long c = (i + k) % 2 ? 3 : 5, s = (i + k) % 2 ? 4 : 12;
        unsigned long r = (i + k) % 2 ? 5 : 13;
        turn.at[i * m + i] = turn.at[(i + 1) * m + i + 1] = real_fraction(f, c, r);
        turn.at[i * m + i + 1] = real_fraction(f, -s, r);
        turn.at[(i + 1) * m + i] = real_fraction(f, s, r);
        q = matrix_product(q, turn);
    }
    for (size_t j = 0; j < m * n; j++)
        part.at[j] = q.at[j / n * m + j % n];
    return part;
}

static void instance(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    uint64_t seed = k;
    size_t n = 2 + k % 3, m = n + k / 3 % 3;
    struct matrix q = rational_factor(f, m, n, k), half = matrix_random(f, n, n, &seed);
    struct matrix s = matrix_mix(real_whole(f, 1), matrix_product(matrix_transpose(half), half), real_fraction(f, 1, 2),
                                 matrix_identity(f, n));
    struct matrix a = matrix_product(q, s), noise = matrix_random(f, m, n, &seed);
    real size = real_fraction(f, 1, 16ul << 4 * (k % 5));
    struct matrix p = matrix_mix(real_whole(f, 1), q, size, noise);
    real error = matrix_frobenius(matrix_sub(p, q)), bound = bound_of(a, p, real_fraction(f, 1, 16));
    certify(e, "||P - Q||_F <= e + 2 (e ||S|| + ||F||) / mu", real_sub(bound, error));
}

/* P = (c -s; s c) with c = (n^2 - 1) / (n^2 + 1), s = 2n / (n^2 + 1); mu a little below c. */
static void sharp(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    long n = 1000 * (long)(k + 1);
    unsigned long r = (unsigned long)(n * n + 1);
    struct matrix p = matrix_from(f, 2, 2, (long[]){n * n - 1, -2 * n, 2 * n, n * n - 1}, r),
                  one = matrix_identity(f, 2);
    real bound = bound_of(one, p, real_fraction(f, 999, 1000)), error = matrix_frobenius(matrix_sub(p, one));
    certify(e, "a small rotation of I", real_sub(bound, error));
    must_fail(e, "0.49 of the bound", real_sub(real_mul(real_fraction(f, 49, 100), bound), error));
    number(e, "error / bound there", real_div(error, bound));
}

static void run(struct evidence *e)
{
    each(e, instances(e, 180, 30), instance);
    each(e, 3, sharp);
}

const struct claim claim_ct_polar = {
    "CT-polar",
    "Certificates of ref/ and of the judge",
    "||P - Q||_F <= e + 2 (e ||S|| + ||F||_F) / mu for S = sym(P^T A) >= mu I, F = A - P S",
    "ours",
    CLAIM_PROVED,
    "ct_polar",
    run};
