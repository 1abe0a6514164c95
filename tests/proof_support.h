/* What the tests of proofs/ share. */
#ifndef ASSAY_TESTS_PROOF_SUPPORT_H
#define ASSAY_TESTS_PROOF_SUPPORT_H

#include "claim.h"

/* |x - y| < 2^-bits, proved. */
bool near_by(real x, real y, long bits);
/* The same with 2^-40: for numbers that are equal. */
bool near(real x, real y);
/* x <= y, or that x exceeds y by less than 2^-40. */
bool at_most(real x, real y);

/* Evidence of a claim that is made up, with 128 bits, into *found. */
struct evidence evidence_into(struct work *w, struct findings *found);

#endif
