/* The polar factor, enclosed by proof, and its exact entries. */
#ifndef ASSAY_REF_POLAR_H
#define ASSAY_REF_POLAR_H

#include "ball.h"

struct polar {
    struct ball *q; /* m x n */
    size_t rank;
    struct ball *largest,
        *least;       /* scalars: the largest singular value, and the least that is not zero; NULL for rank 0 */
    mpfr_prec_t prec; /* of the arithmetic that found it */
};

/* The certificate (theorem and proof stand in polar.c): how far exact numbers P can be from the polar factor of `a`, a
 * tall ball, given approximate singular values and right singular vectors of it. The radius is infinite where it
 * refuses. */
struct svd;
struct polar_certificate {
    mag radius; /* ||P - Q||_F <= radius */
    mag shift;  /* |singular value i of A - s_i| <= shift */
};
struct polar_certificate polar_certify(struct work *w, const struct ball *a, const struct ball *p,
                                       const struct svd *svd, mpfr_prec_t prec);

/* Encloses the polar factor U V^T of a matrix of full rank min(m, n) to a radius of 2^-bits or so; the radius is
 * infinite where the certificate refuses. `a` may be a ball; its radius counts. */
struct polar polar_full_rank(struct work *w, const struct ball *a, long bits);

/* An exact matrix whose polar factor, times sqrt(num / den), is wanted to one precision after another. */
struct polar_problem;
struct polar_problem *polar_problem_new(struct work *w, const struct ball *a, unsigned long num, unsigned long den);

/* Encloses sqrt(num / den) U_r V_r^T, the canonical answer for a matrix of rank r (of least Frobenius norm among the
 * maximisers of <A, Q> over ||Q||_2 <= 1), to about 2^-bits of its size. */
struct polar polar_evaluate(struct work *w, struct polar_problem *p, long bits);

/* Looks for proofs that entries of an answer of polar_evaluate() are what they seem to be: rational, or zero. Makes
 * what it proves exact in `q`, and in all later answers. */
void polar_settle(struct work *w, struct polar_problem *p, struct ball *q);

#endif
