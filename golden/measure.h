/* Errors of results: the only place that subtracts an answer from a result. */
#ifndef ASSAY_GOLDEN_MEASURE_H
#define ASSAY_GOLDEN_MEASURE_H

#include "case.h"

/* Upper bounds, but for a relative 2^-30, of the measures of result - exact for one slab of the answer: `result` are the
 * numbers of that slab, computed in `format`. Where bits are proved, both are rounded to the format before: a port may
 * hand out what a wider one holds. NaN if it holds a number that is not finite. */
void measure_error(double of[MEASURES], const struct answer *a, enum tensor_type format, size_t slab,
                   const double *result);

/* The measures of the answer itself. */
void measure_answer(double of[MEASURES], const struct answer *a, size_t slab);

/* Whether none is NaN or infinite. */
bool numbers_are_finite(const double *x, size_t count);

/* result - exact of one entry, likewise, in double precision. */
double entry_error(const struct answer *a, enum tensor_type format, size_t entry, double result);

#endif
