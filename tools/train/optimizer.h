/* The optimizers that are compared: points of the table of dialects with their constants, and their steps on a model. */
#ifndef ASSAY_TRAIN_OPTIMIZER_H
#define ASSAY_TRAIN_OPTIMIZER_H

#include "fast.h"
#include "model.h"

struct optimizer {
    const char *name, *dialect, *note;
    double momentum, weight_decay;
    bool extrapolates; /* asks for gradients at x + beta / (1 - beta) (x - x before) */
    bool all;          /* takes all parameters, not only the hidden matrices */
    double rate[2];    /* the middle of the learning rates that are tried, by enum model_kind */
};
extern const struct optimizer optimizers[];
extern const size_t optimizer_count;

/* The optimizer of that name, or NULL. */
const struct optimizer *optimizer_find(const char *name);

/* Learning rate number k of `count` to be tried: the middle one times 2^(k - floor(count / 2)). */
double optimizer_rate(const struct optimizer *optimizer, enum model_kind kind, unsigned k, unsigned count);

/* What an optimizer knows of one parameter. */
struct slot {
    struct parameter *parameter;
    bool under; /* the optimizer in question; else AdamW */
    assay_fast_plan *plan;
    assay_fast_state state;
    float *before; /* the parameter before the last step; NULL if not needed */
    assay_hyper hyper;
};

struct stepper {
    const struct optimizer *optimizer;
    size_t count;
    struct slot *slots; /* one for each parameter */
    void *work;
    size_t under; /* how many numbers the optimizer in question has */
};

/* `rate` is the optimizer's, adam_rate that of AdamW for the rest. ASSAY_NO_MEMORY. */
assay_status stepper_make(struct stepper *stepper, struct model *model, const struct optimizer *optimizer, double rate,
                          double adam_rate);
void stepper_free(struct stepper *stepper);

/* Moves the parameters to where the optimizer asks for the gradient, and back. */
void stepper_query(struct stepper *stepper);
void stepper_return(struct stepper *stepper);

/* One step with the gradients of the parameters and `share` of the learning rates. ASSAY_NOT_FINITE: it diverged. */
assay_status stepper_step(struct stepper *stepper, double share);

#endif
