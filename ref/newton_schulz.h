/* Newton-Schulz iterations of any coefficients, enclosed. */
#ifndef ASSAY_REF_NEWTON_SCHULZ_H
#define ASSAY_REF_NEWTON_SCHULZ_H

#include "ball.h"
#include "dialect.h"

/* O of the matrix u as the dialect iterates it: `pre`, normalisation, d->steps steps; without snap and post. Computed
 * to `prec` bits. u may be a ball. Fails with ASSAY_UNDEFINED for 0 / 0.
 *
 * Source: Jordan et al., Muon (2024); for the certificate: p acts on the singular values of X, that is, on the
 * eigenvalues of its Hermitian dilation [0 X; X^T 0], whose spectrum lies in [-s, s] for ||X||_2 <= s. So
 * ||p(X) - p(X~)||_F <= max over |t| <= s of |p'(t)| times ||X - X~||_F: a radius is carried through a step by that
 * constant, plus the step's own rounding. */
struct ball *newton_schulz(struct work *w, const struct assay_dialect *d, const struct ball *u, mpfr_prec_t prec);

/* An exact matrix x that the iterate of u is certain to be a multiple of: u, or after equilibration a multiple of that,
 * where x x^T x = s^2 x because all singular values other than 0 are equal. NULL where that is not so, or not rational;
 * for balls; and for 0. */
const struct ball *newton_schulz_direction(struct work *w, const struct assay_dialect *d, const struct ball *u);

/* Whether the iterate O = p(X X^T) X of u, which may be a ball, is certain to have two rows of one length, because X, the
 * equilibrated u, has: then X X^T = [c d; d c], and so are all its polynomials, (X X^T) p(X X^T)^2 = O O^T among them. */
bool newton_schulz_rows_are_even(struct work *w, const struct assay_dialect *d, const struct ball *u);

#endif
