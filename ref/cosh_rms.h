/* The cosh-RMS scaling of AuON (arXiv 2509.24320 section 3.1, and the versions of its code), enclosed. */
#ifndef ASSAY_REF_COSH_RMS_H
#define ASSAY_REF_COSH_RMS_H

#include "ball.h"
#include "dialect.h"

/* O of y by the dialect's formula (enum assay_cosh), computed to `prec` bits; the entries are one vector, whatever the
 * shape. y may be a ball. 0 for 0. */
struct ball *cosh_rms(struct work *w, const struct assay_dialect *d, const struct ball *y, mpfr_prec_t prec);

#endif
