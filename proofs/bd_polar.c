#include "floating.h"

/* sigma_n of a matrix with two columns. */
static real least_of(struct matrix a)
{
    return real_sub(matrix_nuclear(a), matrix_spectral(a));
}

/* 2 e / (2 s - e) */
static real polar_bound(real e, real s)
{
    real two = real_whole(e->field, 2);
    return real_div(real_mul(two, e), real_sub(real_mul(two, s), e));
}

/* 2 e / (gap - e) */
static real wedin_bound(real e, real gap)
{
    return real_div(real_mul(real_whole(e->field, 2), e), real_sub(gap, e));
}

/* B = A + E, ||E||_F = size; what the minimiser moves by, and besides by t of its norm, is below bound + t ||D||_F. */
static void certify_moved(struct evidence *e, const char *what, enum assay_norm norm, struct matrix a, struct matrix b,
                          real bound, struct matrix direction)
{
    const struct field *f = &e->field;
    real t = real_fraction(f, 1, 100), zero = real_whole(f, 0), one = real_whole(f, 1);
    struct matrix d = lmo_of(norm, a), moved = lmo_of(norm, b);
    real length = matrix_frobenius(d), step = real_div(real_mul(t, length), matrix_frobenius(direction));
    const real after[] = {zero, step, real_neg(step)};
    for (size_t k = 0; k < 3; k++) {
        real error = matrix_frobenius(matrix_sub(matrix_mix(one, moved, after[k], direction), d));
        certify(e, what, real_sub(real_add(bound, k ? real_mul(t, length) : zero), error));
    }
}

static void instance(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    uint64_t seed = k;
    size_t m = 2 + k % 3;
    struct matrix a = matrix_random(f, m, 2, &seed), direction = matrix_random(f, m, 2, &seed),
                  other = matrix_random(f, m, 2, &seed);
    real least = least_of(a), gap = real_sub(matrix_spectral(a), least);
    real part = real_fraction(f, (long)(k % 9) + 1, 10), length = matrix_frobenius(direction), one = real_whole(f, 1);
    real size = real_middle(real_mul(part, least));
    struct matrix b = matrix_mix(one, a, real_div(size, length), direction);
    certify_moved(e, "orth(A + E): 2 e / (2 sigma_n - e), e < sigma_n", ASSAY_NORM_SPECTRAL, a, b,
                  polar_bound(size, least), other);
    size = real_middle(PRODUCT(part, real_fraction(f, 1, 4), gap));
    b = matrix_mix(one, a, real_div(size, length), direction);
    certify_moved(e, "u_1 v_1^T of A + E: 2 e / (sigma_1 - sigma_2 - e), e < (sigma_1 - sigma_2) / 4",
                  ASSAY_NORM_NUCLEAR, a, b, wedin_bound(size, gap), other);
}

/* Three columns, A = (diag(3, 2, 1/2); 0), whose singular values are plain. */
static void three(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    uint64_t seed = k;
    struct matrix a = matrix_new(f, 3 + k % 3, 3), direction = matrix_random(f, 3 + k % 3, 3, &seed);
    for (size_t j = 0; j < 3; j++)
        a.at[4 * j] = real_fraction(f, j == 0 ? 6 : j == 1 ? 4 : 1, 2);
    real size = real_fraction(f, (long)(k % 4) + 1, 20);
    struct matrix b = matrix_mix(real_whole(f, 1), a, real_div(size, matrix_frobenius(direction)), direction);
    certify(e, "three columns, sigma_3 = 1/2",
            real_sub(polar_bound(size, real_fraction(f, 1, 2)),
                     matrix_frobenius(matrix_sub(matrix_orth(matrix_middle(b)), matrix_orth(a)))));
}

static void sharp(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    real small = real_fraction(f, 1, 1000ul << k), one = real_whole(f, 1), part = real_fraction(f, 99, 100);
    struct matrix a = matrix_identity(f, 2), turn = matrix_from(f, 2, 2, (long[]){0, -1, 1, 0}, 1);
    struct matrix b = matrix_mix(one, a, small, turn);
    real error = matrix_frobenius(matrix_sub(matrix_orth(b), a));
    real bound = polar_bound(real_mul(small, matrix_frobenius(turn)), one);
    certify(e, "I and I + t J", real_sub(bound, error));
    must_fail(e, "0.99 of 2 e / (2 sigma_n - e): I and I + t J", real_sub(real_mul(part, bound), error));
    a = matrix_from(f, 2, 2, (long[]){2, 0, 0, 1}, 1);
    b = matrix_mix(one, a, small, matrix_from(f, 2, 2, (long[]){0, 1, 1, 0}, 1));
    error = matrix_frobenius(matrix_sub(lmo_of(ASSAY_NORM_NUCLEAR, b), lmo_of(ASSAY_NORM_NUCLEAR, a)));
    bound = wedin_bound(real_mul(small, matrix_frobenius(turn)), one);
    certify(e, "diag(2, 1) and its rotation", real_sub(bound, error));
    must_fail(e, "0.49 of 2 e / (gap - e): diag(2, 1) + t (0 1; 1 0)",
              real_sub(real_mul(real_fraction(f, 49, 100), bound), error));
}

static void run(struct evidence *e)
{
    each(e, instances(e, 180, 27), instance);
    each(e, instances(e, 36, 6), three);
    each(e, 3, sharp);
}

const struct claim claim_bd_polar = {
    "BD-polar",
    "The judge's bounds",
    "of A + E, e = ||E||_F: orth is off by 2 e / (2 sigma_n - e) at most, u_1 v_1^T by 2 e / (sigma_1 - sigma_2 - e)",
    "Li 1995, Wedin 1972; proof in the text",
    CLAIM_PROVED,
    "bd_polar",
    run};
