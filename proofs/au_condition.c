#include "auon.h"

static real condition(struct matrix a)
{
    real first = matrix_spectral(a);
    return real_div(first, real_sub(matrix_nuclear(a), first));
}

static void instance(struct evidence *e, size_t k)
{
    uint64_t seed = k;
    struct matrix g = matrix_random(&e->field, 2 + k % 4, 2, &seed), out = auon_direction(g);
    certify_equal(e, "the condition number is that of G", condition(out), condition(g));
    certify_equal(e, "so is ||.||_nuc / ||.||_F", real_div(matrix_nuclear(out), matrix_frobenius(out)),
                  real_div(matrix_nuclear(g), matrix_frobenius(g)));
    must_differ(e, "the condition number is 1, as of the polar factor", condition(out), real_whole(&e->field, 1));
}

static void run(struct evidence *e)
{
    const struct field *f = &e->field;
    struct matrix g = matrix_from(f, 2, 2, (long[]){100, 0, 0, 1}, 1);
    number(e, "condition number of out for G = diag(100, 1)", condition(auon_direction(g)));
    each(e, instances(e, 200, 30), instance);
}

const struct claim claim_au_condition = {
    "AU-condition",
    "AuON",
    "\"reconditions ill-posed updates\": out = c G, every condition number and cosine is unchanged",
    "AuON arXiv 2509.24320",
    CLAIM_REFUTED,
    "au_condition",
    run};
