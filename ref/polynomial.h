/* Bounds of the polynomials p(t) = a t + b t^3 + c t^5 and their derivatives. */
#ifndef ASSAY_REF_POLYNOMIAL_H
#define ASSAY_REF_POLYNOMIAL_H

#include "dialect.h"
#include "magnitude.h"

/* At least max |p(t)|, and max |p'(t)|, over |t| <= s; too large by a relative 2^-28 or so. Infinity
 * for an infinite s. */
mag polynomial_bound(struct assay_triple p, mag s);
mag derivative_bound(struct assay_triple p, mag s);

#endif
