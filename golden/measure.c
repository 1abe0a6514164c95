#include "measure.h"

#include <math.h>

double entry_error(const struct answer *a, size_t entry, double result)
{
    /* The first difference is exact where it matters: for numbers within a factor of 2 (Sterbenz). */
    return (result - a->hi[entry]) - a->lo[entry];
}

bool numbers_are_finite(const double *x, size_t count)
{
    bool finite = true;
    for (size_t k = 0; k < count; k++)
        finite = finite && isfinite(x[k]);
    return finite;
}

/* Entry k of what is measured. */
static double entry(const struct answer *a, size_t first, const double *result, size_t k)
{
    return result ? entry_error(a, first + k, result[k]) : a->hi[first + k];
}

/* The Euclidean norm of `count` entries, `stride` apart, divided by `scale`. */
static double length(const struct answer *a, size_t first, const double *result, size_t start, size_t stride,
                     size_t count, double scale)
{
    double sum = 0;
    for (size_t k = 0; k < count; k++) {
        double x = entry(a, first, result, start + k * stride) / scale;
        sum += x * x;
    }
    return sqrt(sum);
}

static void measure(double of[MEASURES], const struct answer *a, size_t slab, const double *result)
{
    size_t count = a->count / a->slabs, leading = a->stepped ? 1 : 0;
    size_t rows = a->ndim > leading + 1 ? a->shape[leading] : 1, cols = count / rows, first = slab * count;
    double most = 0;
    bool finite = true;
    for (size_t k = 0; k < count; k++) {
        double x = fabs(entry(a, first, result, k));
        finite = finite && isfinite(x);
        most = fmax(most, x);
    }
    for (size_t m = 0; m < MEASURES; m++)
        of[m] = finite ? 0 : NAN;
    if (!finite || most == 0)
        return;
    double scale = ldexp(1, ilogb(most)); /* so that squares neither overflow nor vanish */
    for (size_t i = 0; i < rows; i++)
        of[MEASURE_ROW] = fmax(of[MEASURE_ROW], length(a, first, result, i * cols, 1, cols, scale) * scale);
    for (size_t j = 0; j < cols; j++)
        of[MEASURE_COLUMN] = fmax(of[MEASURE_COLUMN], length(a, first, result, j, cols, rows, scale) * scale);
    of[MEASURE_FROBENIUS] = length(a, first, result, 0, 1, count, scale) * scale;
    of[MEASURE_ENTRY] = most;
}

void measure_error(double of[MEASURES], const struct answer *a, size_t slab, const double *result)
{
    measure(of, a, slab, result);
    for (size_t m = 0; m < MEASURES; m++)
        of[m] += a->radius;
}

void measure_answer(double of[MEASURES], const struct answer *a, size_t slab)
{
    measure(of, a, slab, NULL);
}
