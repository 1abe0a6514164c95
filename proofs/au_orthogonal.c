#include "auon.h"

/* 1 - (tr M^T M)^2 / (n ||M^T M||_F^2), the square of the distance */
static real distance(struct matrix m)
{
    const struct field *f = m.at[0]->field;
    struct matrix gram = matrix_product(matrix_transpose(m), m);
    real n = real_whole(f, (long)m.cols), all = real_mul(n, matrix_square(gram));
    return real_sub(real_whole(f, 1), real_div(real_square(matrix_trace(gram)), all));
}

static void instance(struct evidence *e, size_t k)
{
    uint64_t seed = k;
    struct matrix g = matrix_random(&e->field, 3 + k % 3, 2 + k % 2, &seed);
    certify_equal(e, "the distance from a multiple of an isometry is that of G", distance(auon_direction(g)),
                  distance(g));
    must_fail(e, "out is semi-orthogonal up to a factor", real_neg(distance(auon_direction(g))));
}

static void run(struct evidence *e)
{
    struct matrix g = matrix_from(&e->field, 2, 2, (long[]){3, 1, 1, 2}, 1);
    number(e, "squared distance for [3 1; 1 2], before and after", distance(auon_direction(g)));
    each(e, instances(e, 100, 20), instance);
}

const struct claim claim_au_orthogonal = {"AU-orthogonal",
                                          "AuON",
                                          "\"near semi-orthogonality\": out is exactly as far from it as G",
                                          "AuON arXiv 2509.24320",
                                          CLAIM_REFUTED,
                                          "au_orthogonal",
                                          run};
