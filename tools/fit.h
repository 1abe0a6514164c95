/* Coefficients of an iteration that nobody knows, found from its results. */
#ifndef ASSAY_TOOLS_FIT_H
#define ASSAY_TOOLS_FIT_H

#include "hypotheses.h"

/* One triple (a, b, c), taken *steps times, that explains the Newton-Schulz results best: where golden/numbers.h starts from, which
 * makes it precise and knows its standard errors.
 *
 * For G = U S V^T the exact answer is U p(S / d) V^T, d the norm that the dialect divides by, p the composition of the steps:
 * so each case gives numbers y_i = u_i^T Y v_i at s_i / d, and a least-squares fit of p to these is the projection of the
 * residual on the derivatives of the answer with respect to a, b, c. Gauss-Newton with Levenberg's damping from the triples of
 * all tables, for 1 to 12 steps; weights of Student's t, so that some wild cases do no harm. Cases of epsilon's size and
 * tensors are left out. False if there are too few numbers, or if nothing fits to a tenth of the answers. */
bool fit_triple(struct assay_triple *triple, size_t *steps, const struct evidence *e,
                const struct assay_dialect *normalisation);

#endif
