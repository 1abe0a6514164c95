/* Linear minimisation oracles: trust-region steps for any of eight norms. */
#ifndef ASSAY_REF_LMO_H
#define ASSAY_REF_LMO_H

#include "ball.h"
#include "dialect.h"

/* An exact matrix G whose argmax <G, O> over ||O|| <= 1 is wanted to one precision after another. */
struct lmo_problem;
struct lmo_problem *lmo_problem_new(struct work *w, const struct ball *g, enum assay_norm norm);

struct lmo {
    struct ball *o;    /* the maximiser of least Frobenius norm */
    struct ball *dual; /* the scalar ||G||_* = <G, O> */
    bool unique;       /* whether it is the only maximiser: decided, not guessed */
    mpfr_prec_t prec;
};

/* Encloses the answer to about 2^-bits of its size. Fails with ASSAY_UNDECIDED where a tie of singular values can be
 * neither proved nor excluded. */
struct lmo lmo_evaluate(struct work *w, struct lmo_problem *p, long bits);

/* Looks for proofs of exact entries, and makes them exact in o and in later answers. */
void lmo_settle(struct work *w, struct lmo_problem *p, struct ball *o);

/* The largest ||X|| of matrices with ||X||_F = 1, rounded up: what a Frobenius radius says about the norm. */
mag lmo_norm_factor(enum assay_norm norm, size_t rows, size_t cols);

#endif
