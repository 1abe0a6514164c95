#include "measure.h"

#include "arithmetic.h"

#include <math.h>

double entry_error(const struct answer *a, enum tensor_type format, size_t entry, double result)
{
    if (a->proofs[format] == PROOF_BITS)
        return nearest(format, result) - nearest(format, a->hi[entry]);
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

/* What is measured: one slab of an answer, or what a result is off by. */
struct measured {
    const struct answer *a;
    enum tensor_type format;
    size_t first;         /* entry of the answer */
    const double *result; /* of the slab, or NULL */
};

/* Entry k of it. */
static double entry(const struct measured *of, size_t k)
{
    size_t at = of->first + k;
    return of->result ? entry_error(of->a, of->format, at, of->result[k]) : of->a->hi[at];
}

/* The Euclidean norm of `count` entries, `stride` apart, divided by `scale`. */
static double length(const struct measured *of, size_t start, size_t stride, size_t count, double scale)
{
    double sum = 0;
    for (size_t k = 0; k < count; k++) {
        double x = entry(of, start + k * stride) / scale;
        sum += x * x;
    }
    return sqrt(sum);
}

static void measure(double of[MEASURES], const struct measured *x)
{
    const struct answer *a = x->a;
    size_t count = a->count / a->slabs, leading = a->stepped ? 1 : 0;
    size_t rows = a->ndim > leading + 1 ? a->shape[leading] : 1, cols = count / rows;
    double most = 0;
    bool finite = true;
    for (size_t k = 0; k < count; k++) {
        double size = fabs(entry(x, k));
        finite = finite && isfinite(size);
        most = fmax(most, size);
    }
    for (size_t m = 0; m < MEASURES; m++)
        of[m] = finite ? 0 : NAN;
    if (!finite || most == 0)
        return;
    double scale = ldexp(1, ilogb(most)); /* so that squares neither overflow nor vanish */
    for (size_t i = 0; i < rows; i++)
        of[MEASURE_ROW] = fmax(of[MEASURE_ROW], length(x, i * cols, 1, cols, scale) * scale);
    for (size_t j = 0; j < cols; j++)
        of[MEASURE_COLUMN] = fmax(of[MEASURE_COLUMN], length(x, j, cols, rows, scale) * scale);
    of[MEASURE_FROBENIUS] = length(x, 0, 1, count, scale) * scale;
    of[MEASURE_ENTRY] = most;
}

void measure_error(double of[MEASURES], const struct answer *a, enum tensor_type format, size_t slab,
                   const double *result)
{
    measure(of, &(struct measured){a, format, slab * (a->count / a->slabs), result});
    for (size_t m = 0; m < MEASURES && a->proofs[format] != PROOF_BITS; m++)
        of[m] += a->radius;
}

void measure_answer(double of[MEASURES], const struct answer *a, size_t slab)
{
    measure(of, &(struct measured){a, TENSOR_F64, slab * (a->count / a->slabs), NULL});
}
