/* Errors of results: the only place that subtracts an answer from a result. */
#ifndef ASSAY_GOLDEN_MEASURE_H
#define ASSAY_GOLDEN_MEASURE_H

#include "case.h"

/* Upper bounds, but for a relative 2^-30, of the measures of result - exact for one slab of the answer: `result` are the
 * numbers of that slab. NaN if it holds a number that is not finite. */
void measure_error(double of[MEASURES], const struct answer *a, size_t slab, const double *result);

/* The measures of the answer itself. */
void measure_answer(double of[MEASURES], const struct answer *a, size_t slab);

/* Whether none is NaN or infinite. */
bool numbers_are_finite(const double *x, size_t count);

/* result - exact of one entry, in double precision. */
double entry_error(const struct answer *a, size_t entry, double result);

#endif
