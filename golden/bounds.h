/* How far an honest result may be from the answer, for each case, output and format, in each of four measures. A bound has
 * one of these proofs (enum proof; golden/README.md tells users the same); u is the unit roundoff of the format.
 *
 *   exact         no operation rounds: 0. claim BD-exact
 *   bits          in every form but one operation is exact, and that one far from a tie, so that all of them give the answer
 *                 rounded to the format: 0, as the distance of both, rounded. Where nothing accumulates: momentum, and signs times
 *                 a radius. claim BD-bits
 *   momentum      a forward bound for every way to write beta m + (1 - beta) g, fused or not, one rounding or several. claim
 *                 BD-momentum
 *   weyl          singular values of A + E, ||E||_F <= backward_error() ||A||_F: no farther than ||E||_F (Mirsky 1960). claim
 *                 BD-weyl
 *   polar         the polar factor of A + E: 2 ||E||_F / (s + s~), s and s~ the least singular values of A and A + E (Li,
 *                 SIAM J. Matrix Anal. Appl. 16, 1995); of the nuclear norm's LMO, u_1 v_1^T: by Wedin's theorem. claim BD-polar
 *   unit-vectors  x / ||x||: a forward bound, norms accumulated in binary32 or better. claim BD-unit-vectors
 *   envelope      no proof: ENVELOPE_FACTOR times the largest error of ENVELOPE_MEMBERS evaluations in emulated arithmetic
 *                 (golden/emulate.h), or one rounding of the answer, if that is more. claim BD-envelope
 *   certificate   of polar and lmo besides: golden/certificate.h. claim BD-certificate
 *
 * Those of a proof hold in the stated model: every operation rounds to nearest, sums are accumulated in binary32 or better.
 *
 * A bound in which the zero matrix would pass says nothing, and is left out: PROOF_NONE, infinite. */
#ifndef ASSAY_GOLDEN_BOUNDS_H
#define ASSAY_GOLDEN_BOUNDS_H

#include "case.h"
#include "emulate.h"

enum { ENVELOPE_MEMBERS = 128, ENVELOPE_FACTOR = 2 };

/* Fills in the bounds of all answers of a case that was computed. Errors: ASSAY_NO_MEMORY, and what the reference says. */
assay_status case_bound(struct golden_case *c, const assay_options *options) __attribute__((warn_unused_result));

/* worst[f] = the largest error over bound that ENVELOPE_MEMBERS other evaluations reach in format f; 0 where nothing has an
 * envelope. */
assay_status case_held_out(double worst[FORMATS], const struct golden_case *c, const assay_options *options)
    __attribute__((warn_unused_result));

/* One evaluation of what a dialect answers to a case of momentum, or of an operation with an envelope: results[a] gets
 * answer a. The dialect takes the shape. */
void case_evaluate(struct work *w, struct evaluation *e, const struct golden_case *c,
                   const struct assay_dialect *dialect, double *const *results);

#endif
