/* What some optimizers do to the direction after Newton-Schulz: NorMuon, AdaMuon, and rescalings. */
#ifndef ASSAY_REF_POST_H
#define ASSAY_REF_POST_H

#include "ball.h"
#include "dialect.h"

/* How many numbers of second moment (v) one matrix takes. */
size_t post_moment_count(const struct assay_dialect *d, size_t rows, size_t cols);

/* O of one matrix after snap and post (enum assay_post), to `prec` bits; u is the input of the direction, and `own` says
 * that o is the iterate of this matrix alone. v, 1 x post_moment_count(), is the second moment before the step, and after
 * it on return. */
struct ball *post(struct work *w, const struct assay_dialect *d, const struct ball *o, const struct ball *u, bool own,
                  struct ball *v, mpfr_prec_t prec);

#endif
