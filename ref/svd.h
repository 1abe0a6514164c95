/* The singular values of any exact matrix, enclosed; and witnesses of them. */
#ifndef ASSAY_REF_SVD_H
#define ASSAY_REF_SVD_H

#include "ball.h"

/* An exact matrix whose singular values are wanted to one precision after another. */
struct singular_problem;
struct singular_problem *singular_problem_new(struct work *w, const struct ball *a);

struct singular {
    struct ball *s; /* 1 x min(m, n), descending; those that are 0 are exactly 0 */
    size_t rank;    /* how many are not */
    struct ball *u; /* m x min(m, n) and n x min(m, n), exact numbers: nearly singular vectors in their first */
    struct ball *v; /* `rank` columns, 0 beyond */
    mag u_defect;   /* once measured, bounds on ||U^T U - I||_F and ||V^T V - I||_F, of the first `rank` columns, */
    mag v_defect;
    mag residual; /* and on ||A - U S V^T||_F for the midpoints S of s */
    mpfr_prec_t prec;
};

/* Encloses the singular values to a relative 2^-bits or so, each of them. */
struct singular singular_evaluate(struct work *w, struct singular_problem *p, long bits);

/* Bounds what the witnesses miss: u_defect, v_defect, residual, infinite until then. In arithmetic of `prec` bits. Cost:
 * three products. */
void singular_measure(struct work *w, const struct singular_problem *p, struct singular *all, mpfr_prec_t prec);

/* Looks for proofs that singular values are the dyadic numbers they seem to be: s is one, k times over, if A^T A -
 * s^2 I has a kernel of dimension k and no more than k of the enclosures hold s. (A rational singular value of a matrix
 * of dyadic numbers is dyadic: scaled to integers, its square is an algebraic integer.) Makes them exact in `all`, the
 * latest answer of singular_evaluate(), whose residual bound grows by as much as they move, and in later answers. */
void singular_settle(struct work *w, struct singular_problem *p, struct singular *all);

/* Of enclosures whose midpoints descend: the end of the group of `first`, the fewest that are certainly larger than all
 * behind them. */
size_t singular_group_end(const struct ball *s, size_t count, size_t first);

/* The scalar ||a||_2 of a matrix that may be a ball, to the precision of c. */
void singular_norm(struct work *w, struct ball *c, const struct ball *a);

#endif
