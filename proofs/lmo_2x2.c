#include "claim.h"

static struct matrix cofactors(struct matrix m, real s)
{
    struct matrix c = matrix_new(s->field, 2, 2);
    for (size_t k = 0; k < 4; k++)
        c.at[k] = PRODUCT(s, real_whole(s->field, k == 1 || k == 2 ? -1 : 1), m.at[3 - k]);
    return c;
}

static real determinant(struct matrix m)
{
    return real_sub(real_mul(m.at[0], m.at[3]), real_mul(m.at[1], m.at[2]));
}

/* (M + s C) / nu */
static struct matrix closed_form(struct matrix m, bool with_sign)
{
    const struct field *f = m.at[0]->field;
    real det = determinant(m), two = real_whole(f, 2), one = real_whole(f, 1);
    real s = real_whole(f, with_sign ? real_sign(det, "det M") : 1);
    real nu = real_root(real_add(matrix_square(m), real_mul(two, real_abs(det))));
    return matrix_scale(real_div(one, nu), matrix_add(m, cofactors(m, s)));
}

static void instance(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    uint64_t seed = k;
    struct matrix m = matrix_random(f, 2, 2, &seed), q = closed_form(m, true);
    struct matrix wide = matrix_new(f, 3, 3); /* diag(M, 1) has the polar factor diag(Q, 1) */
    for (size_t j = 0; j < 4; j++)
        wide.at[j / 2 * 3 + j % 2] = m.at[j];
    wide.at[8] = real_whole(f, 1);
    struct matrix certified = matrix_orth(wide);
    for (size_t j = 0; j < 4; j++)
        certify_equal(e, "orth(M) is that of the general certificate", q.at[j], certified.at[j / 2 * 3 + j % 2]);
    certify_same(e, "orth(M)^T orth(M) = I", matrix_product(matrix_transpose(q), q), matrix_identity(f, 2));
    certify_equal(e, "||M||_nuc = <M, orth(M)>", matrix_nuclear(m), matrix_dot(m, q));
    if (real_below_0(determinant(m)))
        must_differ(e, "without the sign s, <M, (M + C) / nu> is ||M||_nuc", matrix_dot(m, closed_form(m, false)),
                    matrix_nuclear(m));
}

/* M = U diag(a, b) V with rotations U and V by (3, 4) / 5 and (5, 12) / 13: orth(M) = U diag(1, sign b) V, ||M||_nuc =
 * a + |b|. */
static void rational(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    long a = 1 + (long)(k % 5), b = (k % 2 ? -1 : 1) * (1 + (long)(k % 3)), sign = b < 0 ? -1 : 1;
    struct matrix u = matrix_from(f, 2, 2, (long[]){3, -4, 4, 3}, 5),
                  v = matrix_from(f, 2, 2, (long[]){5, 12, -12, 5}, 13);
    struct matrix m = matrix_product(matrix_product(u, matrix_from(f, 2, 2, (long[]){a, 0, 0, b}, 1)), v);
    certify_same(e, "rational singular vectors: orth(M), in fractions", closed_form(m, true),
                 matrix_product(matrix_product(u, matrix_from(f, 2, 2, (long[]){1, 0, 0, sign}, 1)), v));
    certify_equal(e, "rational singular vectors: ||M||_nuc, in fractions", matrix_nuclear(m),
                  real_whole(f, a + sign * b));
}

static void run(struct evidence *e)
{
    each(e, 30, rational);
    each(e, instances(e, 300, 30), instance);
}

const struct claim claim_lmo_2x2 = {"LMO-2x2",
                                    "Linear minimisation oracles",
                                    "2 x 2: orth(M) = (M + s C) / nu, ||M||_nuc = nu = sqrt(||M||_F^2 + 2 |det M|)",
                                    "ours",
                                    CLAIM_PROVED,
                                    "lmo_2x2",
                                    run};
