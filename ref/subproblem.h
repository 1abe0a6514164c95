/* Composite and constrained trust-region subproblems with a closed form:
 *
 *     x = argmin <m, x> + R(x) over ||x - centre|| <= radius
 *
 * (Kovalev, arXiv 2503.12645, eq. 17, with the shifted centre of the weight-decay variant). */
#ifndef ASSAY_REF_SUBPROBLEM_H
#define ASSAY_REF_SUBPROBLEM_H

#include "ball.h"
#include "dialect.h"

struct subproblem {
    enum assay_norm norm;
    enum assay_regulariser regulariser;
    double weight;        /* lambda, or the half width of the box */
    const struct ball *m; /* exact */
    const struct ball *centre;
    const struct ball *radius; /* the scalar eta > 0, exact */
};

/* Whether there is a closed form: ridge with SPECTRAL and FROBENIUS; sum and box with MAX. */
bool subproblem_has_closed_form(enum assay_norm norm, enum assay_regulariser regulariser);

/* Fails with ASSAY_INVALID for a combination without closed form, or a weight out of range. */
void subproblem_check(struct work *w, enum assay_norm norm, enum assay_regulariser regulariser, double weight);

struct subproblem_answer {
    struct ball *x;
    bool unique; /* decided; of several minimisers x is the one nearest to the centre */
};

/* Encloses the answer to about 2^-bits of its size. Fails with ASSAY_INVALID where the box and the ball do not meet. */
struct subproblem_answer subproblem_evaluate(struct work *w, const struct subproblem *p, long bits);

#endif
