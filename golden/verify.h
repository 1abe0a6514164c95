/* Proves every stored number of a case again. */
#ifndef ASSAY_GOLDEN_VERIFY_H
#define ASSAY_GOLDEN_VERIFY_H

#include "case.h"

/* Computes the case from its inputs, with the reference, and compares all it says: classes, members, facts, every bit of
 * every answer; and, if it has the id of one of our cases, its inputs, parameters and texts with that one's. *agrees tells
 * whether all of it is so; if not, options->message gets one sentence with the first difference. ASSAY_NO_MEMORY,
 * ASSAY_UNDECIDED, ASSAY_BROKEN. */
assay_status case_verify(bool *agrees, const struct golden_case *c, const assay_options *options)
    __attribute__((warn_unused_result));

#endif
