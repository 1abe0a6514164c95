#include "jacobi.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Columns p, q of x (rows x cols), rotated by the angle of cosine c and sine s. */
static void rotate(double *x, size_t rows, size_t cols, size_t p, size_t q, double c, double s)
{
    for (size_t i = 0; i < rows; i++) {
        double a = x[i * cols + p], b = x[i * cols + q];
        x[i * cols + p] = c * a - s * b;
        x[i * cols + q] = s * a + c * b;
    }
}

static double column_dot(const double *x, size_t rows, size_t cols, size_t p, size_t q)
{
    double sum = 0;
    for (size_t i = 0; i < rows; i++)
        sum += x[i * cols + p] * x[i * cols + q];
    return sum;
}

/* Makes columns p and q orthogonal; returns whether they were not. */
static bool orthogonalise(double *a, double *v, size_t m, size_t n, size_t p, size_t q)
{
    double pp = column_dot(a, m, n, p, p), qq = column_dot(a, m, n, q, q), pq = column_dot(a, m, n, p, q);
    if (fabs(pq) <= DBL_EPSILON * sqrt(pp) * sqrt(qq))
        return false;
    double zeta = (qq - pp) / (2 * pq), t = copysign(1, zeta) / (fabs(zeta) + sqrt(1 + zeta * zeta));
    double c = 1 / sqrt(1 + t * t);
    rotate(a, m, n, p, q, c, c * t);
    rotate(v, n, n, p, q, c, c * t);
    return true;
}

void jacobi_svd(double *a, double *v, double *s, size_t m, size_t n)
{
    enum { SWEEPS = 40 };
    memset(v, 0, n * n * sizeof *v);
    for (size_t k = 0; k < n; k++)
        v[k * n + k] = 1;
    bool rotated = true;
    for (int sweep = 0; sweep < SWEEPS && rotated; sweep++) {
        rotated = false;
        for (size_t p = 0; p < n; p++)
            for (size_t q = p + 1; q < n; q++)
                rotated = orthogonalise(a, v, m, n, p, q) || rotated;
    }
    for (size_t k = 0; k < n; k++)
        s[k] = sqrt(column_dot(a, m, n, k, k));
}
