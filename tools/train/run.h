/* One run: a model learns its task with an optimizer. */
#ifndef ASSAY_TRAIN_RUN_H
#define ASSAY_TRAIN_RUN_H

#include "optimizer.h"
#include "task.h"

struct run {
    const struct task *task; /* these five are the caller's to set */
    const struct optimizer *optimizer;
    double rate;
    unsigned steps;
    uint64_t seed;

    struct model model;
    struct stepper stepper;
    unsigned done;                     /* steps */
    double loss;                       /* of the last batch */
    double seconds, optimizer_seconds; /* of the processor */
};

/* ASSAY_NO_MEMORY. run_end() frees what the run holds, also after a failure. */
assay_status run_start(struct run *run);
void run_end(struct run *run);

/* The share of the learning rates that the next step has: 1 in the first half of the run, then falling linearly, to
 * 2 / steps in the last step. */
double run_share(const struct run *run);

/* A step has two parts: the gradients, where the optimizer asks for them, and the update. ASSAY_NOT_FINITE: the loss, or a
 * parameter, is not finite. */
assay_status run_gradient(struct run *run);
assay_status run_update(struct run *run);

#endif
