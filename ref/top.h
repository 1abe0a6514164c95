/* The top singular space of a matrix: its multiplicity, decided, and U_1 V_1^T, enclosed. */
#ifndef ASSAY_REF_TOP_H
#define ASSAY_REF_TOP_H

#include "ball.h"

struct top_problem;
struct top_problem *top_problem_new(struct work *w, const struct ball *a);

struct top {
    struct ball *o; /* (1 / k) U_1 V_1^T, k the multiplicity of the largest singular value; 0 for the zero matrix */
    struct ball *largest; /* the largest singular value, a scalar */
    size_t multiplicity;  /* k; of the zero matrix 0 */
    mpfr_prec_t prec;
};

/* Encloses o to about 2^-bits. Fails with ASSAY_UNDECIDED if the multiplicity is open beyond max_bits. */
struct top top_evaluate(struct work *w, struct top_problem *p, long bits);

/* Looks for proofs of exact entries of o, and makes them exact in it and in later answers. */
void top_settle(struct work *w, struct top_problem *p, struct ball *o);

#endif
