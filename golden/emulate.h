/* Dialects in the emulated arithmetic of golden/arithmetic.h: legitimate evaluations, from whose spread golden/bounds.c
 * takes what rounding may do. They follow ref/ formula by formula; only roundings, and what dialects.h leaves open
 * (orders, fusing, forms), vary. */
#ifndef ASSAY_GOLDEN_EMULATE_H
#define ASSAY_GOLDEN_EMULATE_H

#include "arithmetic.h"
#include "step.h"

/* O of u as assay_ref_newton_schulz() (with `iterate_only`) and assay_ref_cosh_rms() define it, held by e->format. `u` and
 * `o` hold as many numbers as the shape. */
void emulate_direction(struct work *w, struct evaluation *e, const struct assay_dialect *d, struct shape shape,
                       const double *u, double *o);

/* The operation `momentum`, all of it in e->format. */
void emulate_momentum(struct evaluation *e, const struct assay_dialect *d, const assay_hyper *hyper, size_t count,
                      const double *momentum, const double *grad, const double *param, size_t step, double *next,
                      double *u);

/* A run of steps; of `after` the arrays hi of params, updates and momentum are written. Parameters and buffers are held
 * by e->state, the direction by e->format. No initial buffers, no regulariser. */
void emulate_step(struct work *w, struct evaluation *e, const struct assay_dialect *d, const assay_hyper *hyper,
                  const assay_run *run, const assay_steps *after);

#endif
