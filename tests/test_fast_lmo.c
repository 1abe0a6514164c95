/* Fast polar factors and linear minimisation oracles against the reference. */
#include "fast_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 24, STRIDE = SIDE + 3, MOST = SIDE * STRIDE };

/* A matrix with padding of NaN. */
struct padded {
    size_t rows, cols;
    float at[MOST];
    double same[MOST];
};

static void fill(struct padded *a, uint64_t *state, size_t rank)
{
    for (size_t k = 0; k < MOST; k++)
        a->same[k] = a->at[k] = NAN;
    a->rows = 1 + random_below(state, SIDE);
    a->cols = 1 + random_below(state, SIDE);
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = 0; j < a->cols; j++)
            a->same[i * STRIDE + j] = a->at[i * STRIDE + j] = (float)random_gaussian(state);
    for (size_t i = rank; i < a->rows; i++) /* small multiples: exact */
        for (size_t j = 0; j < a->cols; j++)
            a->same[i * STRIDE + j] = a->at[i * STRIDE + j] = (float)(i % 3) * a->at[(i % rank) * STRIDE + j] / 4;
}

static bool padding_is_untouched(const struct padded *a)
{
    bool untouched = true;
    for (size_t i = 0; i < SIDE; i++)
        for (size_t j = 0; j < STRIDE; j++)
            untouched = untouched && ((i < a->rows && j < a->cols) || isnan(a->at[i * STRIDE + j]));
    return untouched;
}

static double relative_error(const struct padded *d, const double *exact)
{
    double error = 0, norm = 0;
    for (size_t i = 0; i < d->rows; i++)
        for (size_t j = 0; j < d->cols; j++) {
            double x = exact[i * d->cols + j];
            error += pow(d->at[i * STRIDE + j] - x, 2);
            norm += x * x;
        }
    return sqrt(error) / fmax(sqrt(norm), 0x1p-100);
}

static assay_fast_input view(const struct padded *a)
{
    return (assay_fast_input){a->at, a->rows, a->cols, STRIDE};
}

static assay_fast_output target(struct padded *a)
{
    return (assay_fast_output){a->at, a->rows, a->cols, STRIDE};
}

/* All norms, ranks and shapes: entrywise ones within u + 2^-40 of each entry, and so in Frobenius norm (see lmo.c); those
 * of singular values within 2^-22, measured up to 2^-24.2 on these matrices, whose condition is below 1e5. */
START_TEST(all_norms_agree_with_the_reference)
{
    struct padded *g = malloc(sizeof *g), *d = malloc(sizeof *d);
    uint64_t state = 1;
    for (size_t k = 0; k < rounds(240); k++) {
        enum assay_norm norm = (enum assay_norm)(k % (ASSAY_NORM_ROW + 1));
        double hi[MOST], lo[MOST], radius = k % 2 ? 1 : 0.37;
        bool svd = norm == ASSAY_NORM_SPECTRAL || norm == ASSAY_NORM_RMS || norm == ASSAY_NORM_NUCLEAR;
        fill(g, &state, 1 + random_below(&state, SIDE));
        for (size_t l = 0; l < MOST; l++)
            d->at[l] = NAN;
        d->rows = g->rows;
        d->cols = g->cols;
        assay_answer exact = {{hi, g->rows, g->cols, g->cols}, {lo, g->rows, g->cols, g->cols}, 0};
        assay_options options = {.bits = 60};
        ck_assert(assay_ref_lmo(&exact, NULL, norm, radius, (assay_input){g->same, g->rows, g->cols, STRIDE},
                                &options) == ASSAY_OK);
        void *work = malloc(assay_fast_lmo_work(norm, g->rows, g->cols));
        size_t before = allocations();
        assay_status status = assay_fast_lmo(target(d), norm, radius, view(g), work);
        ck_assert_uint_eq(before, allocations());
        ck_assert(status == ASSAY_OK && padding_is_untouched(d));
        double error = relative_error(d, hi), bound = svd ? 0x1p-22 : UNIT + 0x1p-40;
        ck_assert_msg(error <= bound, "norm %d, %zu x %zu: off by %g", (int)norm, g->rows, g->cols, error);
        ck_assert(assay_fast_lmo(target(g), norm, radius, view(g), work) == ASSAY_OK); /* in place */
        ck_assert(relative_error(g, hi) <= bound && padding_is_untouched(g));
        g->at[0] *= -1.001f; /* the error sees a wrong entry, even of the sparsest */
        d->at[0] = d->at[0] != 0 ? d->at[0] * 1.01f : 1e-3f;
        ck_assert(relative_error(d, hi) > bound);
        free(work);
    }
    free(g);
    free(d);
}
END_TEST

START_TEST(polar_factors_agree_with_the_reference)
{
    struct padded *a = malloc(sizeof *a), *q = malloc(sizeof *q);
    uint64_t state = 2;
    for (size_t k = 0; k < rounds(60); k++) {
        double hi[MOST], lo[MOST];
        fill(a, &state, 1 + random_below(&state, SIDE));
        *q = *a;
        assay_answer exact = {{hi, a->rows, a->cols, a->cols}, {lo, a->rows, a->cols, a->cols}, 0};
        assay_polar_info info;
        assay_options options = {.bits = 60};
        ck_assert(assay_ref_polar(&exact, &info, (assay_input){a->same, a->rows, a->cols, STRIDE}, &options) ==
                  ASSAY_OK);
        void *work = malloc(assay_fast_polar_work(a->rows, a->cols));
        size_t rank = 99;
        ck_assert(assay_fast_polar(target(q), &rank, view(a), work) == ASSAY_OK);
        ck_assert_uint_eq(rank, info.rank);
        ck_assert(relative_error(q, hi) <= 0x1p-22 && padding_is_untouched(q));
        free(work);
    }
    free(a);
    free(q);
}
END_TEST

START_TEST(bad_input_gets_a_status)
{
    float g[12] = {3, 0, 0, 4}, d[12], work[4096];
    assay_fast_input in = {g, 2, 2, 2};
    assay_fast_output out = {d, 2, 2, 2};
    for (enum assay_norm norm = ASSAY_NORM_SPECTRAL; norm <= ASSAY_NORM_ROW; norm++) {
        ck_assert_uint_le(assay_fast_lmo_work(norm, 2, 2), sizeof work);
        ck_assert_uint_eq(assay_fast_lmo_work(norm, 0, 2), 0);
        ck_assert(assay_fast_lmo(out, norm, 0, in, work) == ASSAY_INVALID);
        ck_assert(assay_fast_lmo(out, norm, NAN, in, work) == ASSAY_INVALID);
        ck_assert(assay_fast_lmo(out, norm, INFINITY, in, work) == ASSAY_INVALID);
        ck_assert(assay_fast_lmo(out, norm, 1, (assay_fast_input){g, 2, 2, 1}, work) == ASSAY_INVALID);
        ck_assert(assay_fast_lmo(out, norm, 1, (assay_fast_input){g, 2, 0, 2}, work) == ASSAY_INVALID);
        ck_assert(assay_fast_lmo(out, norm, 1, (assay_fast_input){NULL, 2, 2, 2}, work) == ASSAY_INVALID);
        ck_assert(assay_fast_lmo((assay_fast_output){d, 2, 3, 3}, norm, 1, in, work) == ASSAY_INVALID);
        ck_assert(assay_fast_lmo((assay_fast_output){g + 1, 2, 2, 2}, norm, 1, in, work) == ASSAY_INVALID);
        float zero[4] = {0};
        ck_assert(assay_fast_lmo(out, norm, 1, (assay_fast_input){zero, 2, 2, 2}, work) == ASSAY_OK);
        ck_assert(d[0] == 0 && d[1] == 0 && d[2] == 0 && d[3] == 0);
        float bad[4] = {1, NAN, 2, 3};
        ck_assert(assay_fast_lmo(out, norm, 1, (assay_fast_input){bad, 2, 2, 2}, work) == ASSAY_NOT_FINITE);
        ck_assert(isnan(d[1]));
    }
    ck_assert(assay_fast_lmo(out, (enum assay_norm)99, 1, in, work) == ASSAY_INVALID);
    g[2] = INFINITY;
    ck_assert(assay_fast_polar(out, NULL, in, work) == ASSAY_NOT_FINITE && isnan(d[0]));
    ck_assert(assay_fast_polar(out, NULL, (assay_fast_input){g, 2, 2, 1}, work) == ASSAY_INVALID);
    size_t rank = 99;
    ck_assert(assay_fast_polar(out, &rank, in, work) == ASSAY_NOT_FINITE && rank == 0);
    ck_assert_uint_eq(assay_fast_polar_work((size_t)1 << 40, 3), 0);
    assay_fast_plan *plan = NULL;
    size_t large[] = {(size_t)1 << 33, 1};
    ck_assert(assay_fast_plan_new(&plan, assay_dialect_find("trust-region"), 2, large, NULL) == ASSAY_INVALID);
    ck_assert_ptr_null(plan);
}
END_TEST

/* dgesdd counts its workspace in int. Of a 2 n x n matrix that is 4 n^2 + 7 n numbers, besides A, U, V: up to n = 23169. */
START_TEST(lapack_is_asked_for_no_more_than_it_counts)
{
    size_t n = 23169;
    ck_assert_uint_ge(assay_fast_polar_work(2 * n, n), (2 * 2 * n * n + n * n + 4 * n * n + 7 * n) * sizeof(double));
    ck_assert_uint_eq(assay_fast_polar_work(n + 1, n + 1), 0);
    ck_assert_uint_gt(assay_fast_polar_work(n + 1, n), 0);
    ck_assert_uint_gt(assay_fast_lmo_work(ASSAY_NORM_MAX, n + 1, n + 1), 0);
}
END_TEST

/* Two views in one array: to the last entry of one, then the other begins, whatever their strides. */
START_TEST(views_may_lie_side_by_side)
{
    float x[14] = {3, 0, 0, 4}, work[4096];
    assay_fast_input in = {x, 2, 2, 2};
    ck_assert(assay_fast_polar((assay_fast_output){x + 4, 2, 2, 8}, NULL, in, work) == ASSAY_OK);
    ck_assert(fabsf(x[4] - 1) < 1e-6f && fabsf(x[13] - 1) < 1e-6f && x[6] == 0 && x[11] == 0);
    ck_assert(assay_fast_polar((assay_fast_output){x, 2, 2, 2}, NULL, (assay_fast_input){x + 4, 2, 2, 8}, work) ==
              ASSAY_OK);
    ck_assert(assay_fast_polar((assay_fast_output){x + 3, 2, 2, 8}, NULL, in, work) == ASSAY_INVALID);
    ck_assert(assay_fast_polar((assay_fast_output){x, 2, 2, 2}, NULL, (assay_fast_input){x + 3, 2, 2, 8}, work) ==
              ASSAY_INVALID);
}
END_TEST

RUN_TESTS("fast_lmo", TEST(all_norms_agree_with_the_reference), TEST(polar_factors_agree_with_the_reference),
          TEST(bad_input_gets_a_status), TEST(lapack_is_asked_for_no_more_than_it_counts),
          TEST(views_may_lie_side_by_side))
