/* Singular values and vectors of a matrix of full column rank, by any means, then enclosed by proof. */
#ifndef ASSAY_REF_SVD_REFINE_H
#define ASSAY_REF_SVD_REFINE_H

#include "ball.h"

/* Exact numbers that nearly are a singular value decomposition, singular values descending. */
struct svd {
    struct ball *u;   /* m x n */
    struct ball *s;   /* 1 x n */
    struct ball *v;   /* n x n */
    long depth;       /* log2(s_1 / s_n), about */
    mpfr_prec_t prec; /* of the last arithmetic */
};

/* `a` is m x n with m >= n and full column rank. Columns of U and V come out orthonormal and singular values right to
 * a relative 2^-(bits + lift depth) or so, where lift is 0 or 1; nothing is promised. NULL for a ball that is not known
 * well enough to tell its least singular value from 0. Fails with ASSAY_UNDECIDED if it does not converge. */
struct svd *svd_approximate(struct work *w, const struct ball *a, long bits, int lift);

/* Encloses the n singular values of `a`: each scalar holds one of them, and each of them is in one. Midpoints descend;
 * where enclosures overlap, the values in them need not.
 *
 * With B = A V + error, ||error||_F <= d, D the diagonal of B's column norms, D^-1 B^T B D^-1 = I + E, ||E||_F <= e
 * and ||V^T V - I||_F <= f: by Ostrowski's theorem the singular values of B lie within factors sqrt(1 -+ e) of D's,
 * by Weyl's those of A V within d of those of B, and those of A within factors (1 +- f)^(-1/2) of those of A V. */
struct ball **svd_enclose(struct work *w, const struct ball *a, const struct svd *svd);

#endif
