/* The direction O of a step, from u. */
#ifndef ASSAY_REF_DIRECTION_H
#define ASSAY_REF_DIRECTION_H

#include "blocks.h"

/* Refuses a dialect that has no such direction: Newton-Schulz without an iteration. */
void check_direction(struct work *w, const struct assay_dialect *d);

/* O (1 x count, like u) of a tensor of this shape, to `prec` bits. `moment` is the second moment: 1 x
 * direction_moment_count(), before the step and, on return, after it; t = 1, 2, ... counts steps. The exact LMO asks
 * for an exact u. Clears *unique if the LMO had more than one answer. */
struct ball *direction(struct work *w, const struct assay_dialect *d, struct shape shape, const struct ball *u,
                       struct ball *moment, size_t t, double beta, mpfr_prec_t prec, bool *unique);

/* The matrices that snap and post act on. */
struct blocks direction_post_blocks(struct work *w, const struct assay_dialect *d, struct shape shape);

size_t direction_moment_count(struct work *w, const struct assay_dialect *d, struct shape shape);

#endif
