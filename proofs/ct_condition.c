#include "claim.h"

/* sigma_n of a matrix with two columns. */
static real least_of(struct matrix a)
{
    return real_sub(matrix_nuclear(a), matrix_spectral(a));
}

static void instance(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    uint64_t seed = k;
    struct matrix a = matrix_random(f, 2 + k % 3, 2, &seed), d = matrix_random(f, 2 + k % 3, 2, &seed);
    d = matrix_scale(real_fraction(f, 1, 1ul << k % 9), d);
    struct matrix b = matrix_add(a, d), moved = matrix_sub(matrix_orth(a), matrix_orth(b));
    real bound = real_div(real_mul(real_whole(f, 2), matrix_frobenius(d)), real_add(least_of(a), least_of(b)));
    certify(e, "||Q_A - Q_B||_F <= 2 ||A - B||_F / (sigma_n(A) + sigma_n(B))",
            real_sub(bound, matrix_frobenius(moved)));
}

/* A = I, B = I + t (0 -1; 1 0). */
static void sharp(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    real t = real_fraction(f, 1, 100ul << k);
    struct matrix a = matrix_identity(f, 2), d = matrix_scale(t, matrix_from(f, 2, 2, (long[]){0, -1, 1, 0}, 1));
    struct matrix b = matrix_add(a, d), moved = matrix_sub(a, matrix_orth(b));
    real bound = real_div(real_mul(real_whole(f, 2), matrix_frobenius(d)), real_add(least_of(a), least_of(b)));
    certify(e, "I and I + t J", real_sub(bound, matrix_frobenius(moved)));
    must_fail(e, "0.99 of the bound", real_sub(real_mul(real_fraction(f, 99, 100), bound), matrix_frobenius(moved)));
}

static void run(struct evidence *e)
{
    each(e, instances(e, 270, 45), instance);
    each(e, 4, sharp);
}

const struct claim claim_ct_condition = {"CT-condition",
                                         "Certificates of ref/ and of the judge",
                                         "||Q_A - Q_B||_F <= 2 ||A - B||_F / (sigma_n(A) + sigma_n(B))",
                                         "Li 1995; proof in the text",
                                         CLAIM_PROVED,
                                         "ct_condition",
                                         run};
