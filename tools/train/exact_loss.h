/* The loss of a model in MPFR, written down a second time, from the formulas in layers.h; and with it the check of the
 * gradients. Slow: for models of a few hundred parameters. */
#ifndef ASSAY_TRAIN_EXACT_LOSS_H
#define ASSAY_TRAIN_EXACT_LOSS_H

#include "model.h"

#include <mpfr.h>

/* loss: that of the batch for the parameters `at`, all of the model's in order, computed with the precision of `loss`;
 * the constant of RMSNorm is the float number. */
void exact_loss(mpfr_t loss, const struct model_shape *shape, const mpfr_t *at, const struct batch *batch);

/* The loss and its derivatives by all numbers of all parameters in order, correctly to 1e-15 or so of the largest: central
 * differences (loss(x + h) - loss(x - h)) / (2 h) with h = 2^-64 in 256 bits. Their own error, h^2 / 6 = 2^-130 times a
 * third derivative, and 2^-256 / h = 2^-192 times the number of operations, is nothing beside the last rounding. */
void exact_gradient(double *loss, double *gradient, const struct model *model, const struct batch *batch);

/* How far the float gradient of parameter k is from the exact one, ||float - exact||_F / ||exact||_F, for all k: errors[k].
 * Returns the largest, and of the loss |float - exact| / exact; NaN if anything is. */
double gradient_check(double *errors, struct model *model, const struct batch *batch, double loss,
                      const double *gradient);

/* What is let pass. Not proved: a chain of at most 256 dependent roundings of 2^-24 each, as the small models of the tests
 * have, would cause it if nothing cancelled anywhere. A wrong term is larger by far: see tests/test_train_gradient.c. */
#define GRADIENT_TOLERANCE 0x1p-16

/* The small models that are checked, of both kinds, with their batches. */
enum { GRADIENT_MODELS = 2 };
extern const struct model_shape gradient_shapes[GRADIENT_MODELS];
struct batch gradient_batch(enum model_kind kind);

#endif
