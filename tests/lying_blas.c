#include "lying_blas.h"

#include <cblas.h>

static long lying_call = NO_LIE, calls;
static size_t lying_entry;
static double lie;

void blas_lies(long call, size_t entry, double by)
{
    lying_call = call;
    lying_entry = entry;
    lie = by;
    calls = 0;
}

long blas_calls(void)
{
    return calls;
}

void __real_cblas_dgemm(CBLAS_LAYOUT layout, CBLAS_TRANSPOSE transpose_a, CBLAS_TRANSPOSE transpose_b, blasint m,
                        blasint n, blasint k, double alpha, const double *a, blasint lda, const double *b, blasint ldb,
                        double beta, double *c, blasint ldc);
void __wrap_cblas_dgemm(CBLAS_LAYOUT layout, CBLAS_TRANSPOSE transpose_a, CBLAS_TRANSPOSE transpose_b, blasint m,
                        blasint n, blasint k, double alpha, const double *a, blasint lda, const double *b, blasint ldb,
                        double beta, double *c, blasint ldc);

void __wrap_cblas_dgemm(CBLAS_LAYOUT layout, CBLAS_TRANSPOSE transpose_a, CBLAS_TRANSPOSE transpose_b, blasint m,
                        blasint n, blasint k, double alpha, const double *a, blasint lda, const double *b, blasint ldb,
                        double beta, double *c, blasint ldc)
{
    __real_cblas_dgemm(layout, transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    if (calls++ == lying_call) {
        size_t place = lying_entry % ((size_t)m * (size_t)n);
        c[place / (size_t)n * (size_t)ldc + place % (size_t)n] += lie;
    }
}
