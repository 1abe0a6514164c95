/* Large cases for assay gate, which no file needs to hold. */
#ifndef ASSAY_TOOLS_LARGE_H
#define ASSAY_TOOLS_LARGE_H

#include "case.h"

/* How many there are, in seconds; and with those that take minutes, all of them. */
extern const size_t large_count, huge_count;

/* The dialect whose direction they ask for: one Newton-Schulz step with coefficients of whole numbers, not normalised. */
extern const struct assay_dialect large_dialect;

/* Case number k < huge_count, with one class, whose bounds are 0 in fp32 and bf16. ASSAY_NO_MEMORY; ASSAY_BROKEN if its
 * numbers are not those that bf16 holds. */
assay_status large_case(struct golden_case *c, size_t k) __attribute__((warn_unused_result));

#endif
