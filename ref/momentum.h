/* Momentum and Nesterov. */
#ifndef ASSAY_REF_MOMENTUM_H
#define ASSAY_REF_MOMENTUM_H

#include "ball.h"
#include "dialect.h"

/* The buffer after step t = 1, 2, ... (enum assay_momentum), computed to `prec` bits; with prec 0 exactly, on as many bits
 * as that takes. Fails with ASSAY_INVALID for operands that are not exact then. */
struct ball *momentum_next(struct work *w, const struct assay_dialect *d, double beta, size_t t, const struct ball *m,
                           const struct ball *g, mpfr_prec_t prec);

/* u, the input of the direction (enum assay_nesterov), from the buffer after the step and the gradient. Fails with
 * ASSAY_INVALID likewise, and for NADAM and UNBIASED with prec 0: they divide. */
struct ball *nesterov(struct work *w, const struct assay_dialect *d, double beta, size_t t, const struct ball *m,
                      const struct ball *g, mpfr_prec_t prec);

/* The scalar 1 - beta^k, computed to `prec` bits. */
struct ball *bias_correction(struct work *w, double beta, size_t k, mpfr_prec_t prec);

#endif
