#include "claim.h"

struct bounds {
    real lower, upper, lower_unscaled, upper_without_rest;
};

/* The enclosure from O, with delta = 2^-40 for Cholesky. */
static struct bounds enclose(struct matrix m, struct matrix o)
{
    const struct field *f = m.at[0]->field;
    size_t n = m.cols;
    real one = real_whole(f, 1), half = real_fraction(f, 1, 2), delta = real_double(f, 0x1p-40);
    struct matrix t = matrix_product(matrix_transpose(o), m), identity = matrix_identity(f, n);
    struct matrix h = matrix_mix(half, t, half, matrix_transpose(t));
    if (!matrix_is_positive(matrix_mix(one, h, delta, identity)))
        work_fail(f->w, ASSAY_UNDECIDED, "H + delta I is not proved to be positive");
    real defect = matrix_frobenius(matrix_sub(matrix_product(matrix_transpose(o), o), identity));
    real length = real_root(real_add(one, defect)), inner = matrix_dot(m, o);
    real rest = matrix_frobenius(matrix_sub(m, matrix_product(o, h)));
    real trace = real_add(matrix_trace(h), PRODUCT(real_whole(f, 2 * (long)n), delta));
    struct bounds b = {real_div(inner, length), NULL, inner, real_mul(length, trace)};
    b.upper = real_add(b.upper_without_rest, real_mul(real_root(real_whole(f, (long)n)), rest));
    return b;
}

static void instance(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    uint64_t seed = k;
    size_t n = 2 + k % 3;
    struct matrix m = matrix_random(f, n + k % 2, n, &seed), q = matrix_middle(matrix_orth(m));
    real exact = matrix_nuclear(m);
    struct bounds b = enclose(m, q);
    certify(e, "lower bound times 1 - 2^-50 at the polar factor, where it is attained",
            real_sub(exact, real_mul(b.lower, real_double(f, 1 - 0x1p-50))));
    certify(e, "upper bound at the polar factor", real_sub(b.upper, exact));
    certify(e, "they are 2^-30 apart", real_sub(real_double(f, 0x1p-30), real_sub(b.upper, b.lower)));
    b = enclose(m, matrix_scale(real_fraction(f, 11, 10), q));
    certify(e, "lower bound at 1.1 O", real_sub(exact, b.lower));
    certify(e, "upper bound at 1.1 O", real_sub(b.upper, exact));
    must_fail(e, "the lower bound at 1.1 O without ||O||_2", real_sub(exact, b.lower_unscaled));
    b = enclose(m, matrix_scale(real_fraction(f, 1, 2), q));
    certify(e, "upper bound at O / 2", real_sub(b.upper, exact));
    must_fail(e, "the upper bound at O / 2 without the rest", real_sub(b.upper_without_rest, exact));
}

static void run(struct evidence *e)
{
    each(e, instances(e, 60, 9), instance);
}

const struct claim claim_lmo_nuclear = {
    "LMO-nuclear",
    "Linear minimisation oracles",
    "<M, O> / ||O||_2 <= ||M||_nuc <= ||O||_2 ||sym O^T M||_nuc + sqrt(n) ||M - O H||_F",
    "ours",
    CLAIM_PROVED,
    "lmo_nuclear",
    run};
