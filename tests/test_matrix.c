/* Matrices of the proofs: against identities that hold whatever the entries, and across methods that share nothing. */
#include "proof_support.h"
#include "support.h"

static bool all_near(struct matrix a, struct matrix b)
{
    bool all = a.rows == b.rows && a.cols == b.cols;
    for (size_t k = 0; k < matrix_count(a) && all; k++)
        all = near(a.at[k], b.at[k]);
    return all;
}

/* diag(A, 1): its polar factor is diag(orth A, 1), found by the general method where A is m x 2. */
static struct matrix bordered(struct matrix a)
{
    const struct field *f = a.at[0]->field;
    struct matrix b = matrix_new(f, a.rows + 1, a.cols + 1);
    for (size_t k = 0; k < matrix_count(a); k++)
        b.at[k / a.cols * b.cols + k % a.cols] = a.at[k];
    b.at[matrix_count(b) - 1] = real_whole(f, 1);
    return b;
}

/* Q^T Q = I, Q^T A symmetric and positive; twice A has the same factor; the closed form agrees with the general
 * method. */
static void check_orth(struct work *w, void *args)
{
    const struct field f = {w, 128};
    uint64_t state = 1;
    (void)args;
    for (size_t k = 0; k < rounds(60); k++) {
        struct work_block *mark = work_mark(w);
        size_t n = 1 + k % 4, m = n + k / 4 % 3;
        struct matrix a = matrix_random(&f, m, n, &state), q = matrix_orth(a),
                      h = matrix_product(matrix_transpose(q), a);
        ck_assert(all_near(matrix_product(matrix_transpose(q), q), matrix_identity(&f, n)));
        ck_assert(all_near(h, matrix_transpose(h)) && matrix_is_positive(h));
        ck_assert(!matrix_is_positive(matrix_map(h, real_neg)));
        ck_assert(all_near(matrix_orth(matrix_add(a, a)), q) && near(matrix_nuclear(a), matrix_trace(h)));
        ck_assert(all_near(matrix_orth(matrix_transpose(a)), matrix_transpose(q)));
        if (n == 2)
            ck_assert(all_near(matrix_orth(bordered(a)), bordered(q)));
        ck_assert(!all_near(q, a)); /* counter-check */
        work_release(w, mark);
    }
}

START_TEST(polar_factors_are_polar_factors)
{
    in_work(check_orth, NULL);
}
END_TEST

/* Of rank one and zero: A / ||A||, 0, decided in fractions. */
static void check_deficient(struct work *w, void *args)
{
    const struct field f = {w, 128};
    struct matrix a = matrix_from(&f, 3, 2, (long[]){3, 4, 6, 8, 6, 8}, 1), q = matrix_orth(a);
    (void)args;
    for (size_t k = 0; k < 6; k++)
        ck_assert(q.at[k]->exact && near(q.at[k], real_div(a.at[k], real_whole(&f, 15))));
    q = matrix_orth(matrix_new(&f, 2, 2));
    ck_assert(near(matrix_square(q), real_whole(&f, 0)));
    ck_assert(near(matrix_nuclear(a), real_whole(&f, 15)) && near(matrix_spectral(a), real_whole(&f, 15)));
}

START_TEST(deficient_ranks_are_decided)
{
    in_work(check_deficient, NULL);
}
END_TEST

/* ||A||_2 <= ||A||_F <= ||A||_nuc, and ||A||_2 ||A||_nuc >= ||A||_F^2; diag(3, 2, 1) has 3, sqrt 14, 6. */
static void check_norms(struct work *w, void *args)
{
    const struct field f = {w, 128};
    struct matrix d = matrix_from(&f, 3, 3, (long[]){3, 0, 0, 0, -2, 0, 0, 0, 1}, 1);
    uint64_t state = 3;
    (void)args;
    ck_assert(near(matrix_nuclear(d), real_whole(&f, 6)) && near(matrix_square(d), real_whole(&f, 14)));
    real off = real_abs(real_sub(matrix_spectral(d), real_whole(&f, 3)));
    ck_assert(real_below_0(real_sub(off, real_fraction(&f, 1, 10)))); /* within r^(1/64), and 3 lies inside */
    ck_assert(!real_above_0(real_sub(matrix_spectral(d), real_whole(&f, 3))) &&
              !real_below_0(real_sub(matrix_spectral(d), real_whole(&f, 3))));
    for (size_t k = 0; k < rounds(40); k++) {
        struct matrix a = matrix_random(&f, 2 + k % 3, 2, &state);
        real spectral = matrix_spectral(a), frobenius = matrix_frobenius(a), nuclear = matrix_nuclear(a);
        ck_assert(real_at_least_0(real_sub(frobenius, spectral)) && real_at_least_0(real_sub(nuclear, frobenius)));
        ck_assert(real_at_least_0(real_sub(real_mul(spectral, nuclear), matrix_square(a))));
        real trace = matrix_trace(matrix_product(matrix_transpose(a), a));
        ck_assert(near(trace, matrix_square(a)) && near(matrix_dot(a, a), trace));
    }
}

START_TEST(norms_are_in_order)
{
    in_work(check_norms, NULL);
}
END_TEST

RUN_TESTS("matrix", TEST(polar_factors_are_polar_factors), TEST(deficient_ranks_are_decided), TEST(norms_are_in_order))
