/* The odd quintic nearest to 1 on an interval, approximately: a guess, for a certificate to judge. */
#ifndef ASSAY_PROOFS_REMEZ_H
#define ASSAY_PROOFS_REMEZ_H

#include "quintic.h"

/* Exact coefficients near the best ones for [x.lo, x.hi], 0 < lo < hi, and the four points where 1 - p is nearly +E,
 * -E, +E, -E: Remez's algorithm, whose inner points are the critical points of p. */
struct quintic remez(struct range x, real points[4]);

#endif
