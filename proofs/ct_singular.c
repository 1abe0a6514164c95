#include "claim.h"

static real defect(struct matrix u)
{
    return matrix_frobenius(
        matrix_sub(matrix_product(matrix_transpose(u), u), matrix_identity(u.at[0]->field, u.cols)));
}

/* ||A - U S V^T||_2 + s_1 (e_U (1 + e_V) + e_V); the second term apart. */
static real residual_of(struct matrix a, struct matrix u, struct matrix s, struct matrix v)
{
    return matrix_spectral(matrix_sub(a, matrix_product(matrix_product(u, s), matrix_transpose(v))));
}

static void instance(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    uint64_t seed = k;
    real one = real_whole(f, 1), size = real_fraction(f, 1, 8ul << k % 12);
    struct matrix u = matrix_from(f, 2, 2, (long[]){3, -4, 4, 3}, 5),
                  v = matrix_from(f, 2, 2, (long[]){5, -12, 12, 5}, 13);
    struct matrix s = matrix_from(f, 2, 2, (long[]){9 + (long)(k % 5), 0, 0, 1 + (long)(k % 7)}, 4);
    struct matrix a =
        matrix_mix(one, matrix_product(matrix_product(u, s), matrix_transpose(v)), size, matrix_random(f, 2, 2, &seed));
    u = matrix_mix(one, u, size, matrix_random(f, 2, 2, &seed));
    v = matrix_mix(one, v, size, matrix_random(f, 2, 2, &seed));
    real e_u = defect(u), e_v = defect(v), first = matrix_spectral(a), second = real_sub(matrix_nuclear(a), first);
    real bound = real_add(residual_of(a, u, s, v), real_mul(s.at[0], real_add(real_mul(e_u, real_add(one, e_v)), e_v)));
    certify(e, "|sigma_1 - s_1| <= residual + defects", real_sub(bound, real_abs(real_sub(first, s.at[0]))));
    certify(e, "|sigma_2 - s_2| <= residual + defects", real_sub(bound, real_abs(real_sub(second, s.at[3]))));
}

static void without_defects(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    real t = real_fraction(f, (long)k + 101, 100), one = real_whole(f, 1);
    struct matrix v = matrix_identity(f, 2), u = matrix_scale(t, v), s = matrix_scale(real_div(one, t), v);
    struct matrix a = matrix_product(u, s); /* the identity */
    must_fail(e, "without the defects", real_sub(residual_of(a, u, s, v), real_abs(real_sub(one, s.at[0]))));
}

static void run(struct evidence *e)
{
    each(e, instances(e, 240, 40), instance);
    each(e, 5, without_defects);
}

const struct claim claim_ct_singular = {"CT-singular",
                                        "Certificates of ref/ and of the judge",
                                        "|sigma_i(A) - s_i| <= ||A - U S V^T||_2 + s_1 (e_U (1 + e_V) + e_V)",
                                        "Weyl; defects ours",
                                        CLAIM_PROVED,
                                        "ct_singular",
                                        run};
