/* The first steps of a run, with the reference beside them. */
#ifndef ASSAY_TRAIN_BESIDE_H
#define ASSAY_TRAIN_BESIDE_H

#include "run.h"

enum { BESIDE_STEPS = 8, BESIDE_MATRICES = 8 };

/* One hidden matrix. */
struct beside {
    char name[40];
    size_t rows, cols;
    bool bf16; /* the arithmetic of the float direction */
    /* After each step ||p - P||_F / ||P - p_0||_F, p_0 the parameter at the start, p the float one, and P the correctly
     * rounded one of the reference, which went all the way by itself with the same gradients. */
    double divergence[BESIDE_STEPS];
};

/* Where the momentum is numerically singular an exact LMO diverges honestly: the last bits of the float buffer decide the
 * directions of its tiny singular values, which count as much as the others.
 *
 * Makes the first BESIDE_STEPS steps of the run that the first five members of `run` say, and those of the reference for
 * its first BESIDE_MATRICES hidden matrices: *count of them. ASSAY_NOT_FINITE if the run diverges, and as
 * assay_ref_step(). */
assay_status beside(struct beside matrices[BESIDE_MATRICES], size_t *count, struct run *run,
                    const assay_options *options);

#endif
