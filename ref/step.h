/* Whole optimizer steps, enclosed. */
#ifndef ASSAY_REF_STEP_H
#define ASSAY_REF_STEP_H

#include "blocks.h"

/* A run of T steps with given gradients. All numbers are exact. */
struct run {
    const struct assay_dialect *dialect;
    struct shape shape;
    size_t steps;                /* T */
    const struct ball *param;    /* 1 x count */
    const struct ball *grads;    /* T x count */
    const struct ball *momentum; /* 1 x count, before the first step */
    const struct ball *moment;   /* 1 x direction_moment_count(): the second moment before the first step */
    size_t steps_before;         /* how many steps these have seen */
    const double *lr;            /* T */
    const bool *present;         /* T: whether the step has a gradient */
    double beta, weight_decay;
    enum assay_regulariser regulariser;
    double weight; /* of the regulariser */
};

/* After each step, as T x count: the parameter, how it changed, the buffer, the second moment (T x its count), and
 * where the next gradient is asked for if gradients are extrapolated (NIGT):
 * y = x + beta / (1 - beta) (x - x before the step). */
struct trajectory {
    struct ball *params, *updates, *momentum, *moment, *queries;
    bool unique; /* whether no step had a choice of minimisers */
};

/* Encloses the trajectory to about 2^-bits of its size. */
struct trajectory trajectory(struct work *w, const struct run *run, long bits);

#endif
