#include "jacobi.h"

#include "inputs.h"
#include "matrices.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 24 * 24 };

static int descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

static double norm(const double *x, size_t count)
{
    double sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += x[k] * x[k];
    return sqrt(sum);
}

/* What is wrong with A = (U S) V^T for U S = us: ||A - (U S) V^T||_F / ||A||_F, ||V^T V - I||_F, the largest cosine of two
 * columns of U S that are not 0, and the largest |s_k - ||(U S)_k|| | / s_1. */
struct defects {
    double product, v, cosine, lengths;
};

static struct defects defects_of(const double *a, const double *us, const double *v, const double *s, size_t m,
                                 size_t n)
{
    struct defects d = {0};
    double product = 0, orthogonal = 0, largest = 0;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = a[i * n + j];
            for (size_t k = 0; k < n; k++)
                sum -= us[i * n + k] * v[j * n + k];
            product += sum * sum;
        }
    for (size_t k = 0; k < n; k++)
        largest = fmax(largest, s[k]);
    for (size_t p = 0; p < n; p++)
        for (size_t q = 0; q < n; q++) {
            double vv = p == q ? -1 : 0, uu = 0;
            for (size_t i = 0; i < n; i++)
                vv += v[i * n + p] * v[i * n + q];
            for (size_t i = 0; i < m; i++)
                uu += us[i * n + p] * us[i * n + q];
            orthogonal += vv * vv;
            if (p != q && s[p] > 0 && s[q] > 0)
                d.cosine = fmax(d.cosine, fabs(uu) / s[p] / s[q]);
            if (p == q)
                d.lengths = fmax(d.lengths, fabs(sqrt(uu) - s[p]) / largest);
        }
    d.product = sqrt(product) / norm(a, m * n);
    d.v = sqrt(orthogonal);
    return d;
}

/* The decomposition is one to 20 n u, and its values are those of the reference: |s_k - sigma_k| <= 20 n u sigma_1. */
static void check_svd(const double *a, size_t m, size_t n)
{
    static double us[LARGEST], v[LARGEST], s[24], exact[24], low[24];
    double tolerance = 20 * (double)n * DBL_EPSILON / 2;
    memcpy(us, a, m * n * sizeof *a);
    jacobi_svd(us, v, s, m, n);
    struct defects d = defects_of(a, us, v, s, m, n);
    ck_assert_double_le(d.product, tolerance);
    ck_assert_double_le(d.v, tolerance);
    ck_assert_double_le(d.cosine, tolerance);
    ck_assert_double_le(d.lengths, tolerance);
    const assay_options alone = {.threads = 1};
    assay_answer values = {{exact, 1, n, n}, {low, 1, n, n}, 0};
    ck_assert_int_eq(assay_ref_svd(&values, NULL, NULL, NULL, (assay_input){a, m, n, n}, &alone), ASSAY_OK);
    qsort(s, n, sizeof *s, descending);
    for (size_t k = 0; k < n; k++)
        ck_assert_double_le(fabs(s[k] - exact[k]), tolerance * exact[0]);
    us[0] += 4 * tolerance * norm(a, m * n); /* the defects see that */
    struct defects worse = defects_of(a, us, v, s, m, n);
    ck_assert_double_gt(worse.product, tolerance);
}

/* All families, square and tall, wide ones turned: spectra that are geometric, clustered, repeated, of low rank, ... */
START_TEST(decomposes_every_family)
{
    static const size_t shapes[][2] = {{1, 1}, {6, 1}, {5, 3}, {8, 8}, {16, 4}, {12, 8}, {24, 8}};
    static int64_t at[LARGEST], truth[LARGEST];
    static double a[LARGEST];
    size_t done = 0;
    for (size_t f = 0; f < family_count; f++)
        for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
            size_t m = shapes[s][0], n = shapes[s][1];
            if (families[f].fits && !families[f].fits(m, n))
                continue;
            struct whole_matrix x = {.rows = m, .cols = n, .at = at, .truth = truth};
            families[f].fill(&x, 3);
            bool zero = true;
            for (size_t k = 0; k < m * n; k++) {
                a[k] = (double)at[k] * ldexp(1, -20);
                zero = zero && at[k] == 0;
            }
            if (!zero)
                check_svd(a, m, n);
            done += !zero;
        }
    ck_assert_uint_gt(done, 80);
}
END_TEST

START_TEST(zero_has_no_singular_values)
{
    double a[6] = {0}, v[4], s[2] = {7, 7};
    jacobi_svd(a, v, s, 3, 2);
    ck_assert(s[0] == 0 && s[1] == 0 && v[0] == 1 && v[1] == 0 && v[2] == 0 && v[3] == 1);
}
END_TEST

/* A = Q S with a known Q: U V^T = Q, where U = (U S) / S. max |U V^T - Q| <= 100 n u kappa, and no less than it should be
 * with a column of V turned round. */
START_TEST(polar_factors_are_the_truth)
{
    static const struct {
        const char *family;
        size_t rows;
    } known[] = {{"dyadic", 16}, {"pythagorean", 12}};
    enum { N = 8 };
    static int64_t at[LARGEST], truth[LARGEST];
    static double us[LARGEST], v[LARGEST], s[24];
    for (size_t f = 0; f < 2; f++)
        for (uint64_t seed = 0; seed < 10; seed++) {
            size_t m = known[f].rows;
            struct whole_matrix x = {.rows = m, .cols = N, .at = at, .truth = truth};
            family_find(known[f].family)->fill(&x, seed);
            ck_assert(x.denominator > 0);
            for (size_t k = 0; k < m * N; k++)
                us[k] = (double)at[k];
            jacobi_svd(us, v, s, m, N);
            for (int turned = 0; turned < 2; turned++) {
                double most = 0, least = INFINITY, worst = 0;
                for (size_t k = 0; k < N; k++) {
                    most = fmax(most, s[k]);
                    least = fmin(least, s[k]);
                }
                for (size_t i = 0; i < m; i++)
                    for (size_t j = 0; j < N; j++) {
                        double q = 0;
                        for (size_t k = 0; k < N; k++)
                            q += us[i * N + k] / s[k] * v[j * N + k];
                        worst = fmax(worst, fabs(q - (double)truth[i * N + j] / (double)x.denominator));
                    }
                double tolerance = 100 * N * DBL_EPSILON / 2 * most / least;
                ck_assert_msg(turned ? worst > tolerance : worst <= tolerance, "%s: %g, %g", known[f].family, worst,
                              tolerance);
                for (size_t j = 0; j < N; j++)
                    v[j * N] = -v[j * N];
            }
        }
}
END_TEST

RUN_TESTS("jacobi", TEST(decomposes_every_family), TEST(zero_has_no_singular_values), TEST(polar_factors_are_the_truth))
