/* What the tests of fast/ share. */
#ifndef ASSAY_TESTS_FAST_SUPPORT_H
#define ASSAY_TESTS_FAST_SUPPORT_H

#include "fast.h"
#include "support.h"

/* Unit roundoffs: of binary32 and of bf16. */
#define UNIT 0x1p-24
#define UNIT_BF16 0x1p-8

/* n u / (1 - n u) */
double gamma_of(double n);

/* Floats with a guard of NaN on either side. */
struct guarded {
    float *at, *memory;
    size_t count;
};
struct guarded guarded_new(size_t count);
/* Fails the test if the guard was touched; frees it. */
void guarded_free(struct guarded *g);

/* Gaussian numbers that are floats, in both formats. */
void random_floats(uint64_t *state, float *x, double *same, size_t count);

/* A plan that must be had. */
assay_fast_plan *plan_of(const struct assay_dialect *d, size_t ndim, const size_t *shape, assay_fast_options options);

/* Calls of malloc(), calloc() and realloc() by what was compiled here, since the program began. */
size_t allocations(void);

#endif
