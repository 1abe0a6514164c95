#include "claim.h"

static void random_instance(struct evidence *e, size_t k)
{
    uint64_t seed = k;
    struct matrix m = matrix_random(&e->field, 2, 2, &seed), o = matrix_orth(m);
    real nuclear = matrix_nuclear(m), value = matrix_dot(m, lmo_of(ASSAY_NORM_NUCLEAR, m));
    must_fail(e, "KV-D1 with u_1 v_1^T: <m, c - x+> >= eta ||m||_nuc", real_sub(real_neg(value), nuclear));
    certify_equal(e, "<M, u_1 v_1^T> = sigma_1", real_neg(value), matrix_spectral(m));
    certify_same(e, "orth(orth(M)) = orth(M)", matrix_orth(o), o);
}

static void run(struct evidence *e)
{
    const struct field *f = &e->field;
    struct matrix m = matrix_from(f, 2, 2, (long[]){2, 0, 0, 1}, 1);
    real spectral = matrix_dot(m, lmo_of(ASSAY_NORM_SPECTRAL, m)), top = matrix_dot(m, lmo_of(ASSAY_NORM_NUCLEAR, m));
    number(e, "<diag(2, 1), -U V^T>", spectral);
    number(e, "<diag(2, 1), -u_1 v_1^T>", top);
    must_fail(e, "u_1 v_1^T minimises over the spectral ball", real_sub(spectral, top));
    each(e, instances(e, 200, 20), random_instance);
}

const struct claim claim_lmo_u1v1 = {"LMO-u1v1",
                                     "Linear minimisation oracles",
                                     "\"the LMO of the spectral ball is u_1 v_1^T\": it is U V^T, 3 > 2 for diag(2, 1)",
                                     "AuON arXiv 2509.24320 sec. 2.2",
                                     CLAIM_REFUTED,
                                     "lmo_u1v1",
                                     run};
