/* Cases for assay gate, large ones above all, which no file needs to hold. */
#ifndef ASSAY_TOOLS_LARGE_H
#define ASSAY_TOOLS_LARGE_H

#include "case.h"

/* How many are small, of whole tiles; how many these and the large ones are, of seconds; and with those that take minutes. */
extern const size_t small_count, large_count, huge_count;

/* Case number k < huge_count, with one class, whose bounds are 0 in fp32 and bf16; and the dialect whose direction it asks for.
 * ASSAY_NO_MEMORY; ASSAY_BROKEN if its numbers are not those that bf16 holds. */
assay_status large_case(struct golden_case *c, struct assay_dialect *d, size_t k) __attribute__((warn_unused_result));

/* Of large_steps.c: u, m x n with n >= 3 m > 93, and Y after three steps of the dialect. ASSAY_NO_MEMORY. */
enum { LARGE_SEQUENCES = 2 }; /* of steps */
struct assay_dialect large_steps_dialect(size_t sequence, size_t m);
assay_status large_steps(double *u, double *y, size_t sequence, uint64_t seed, size_t m, size_t n)
    __attribute__((warn_unused_result));

#endif
