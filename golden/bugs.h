/* Mistakes that real ports made, each as a way to compute wrong results: what `assay identify` and `assay check` name, and
 * what the kill matrix holds the golden set against. A bug changes axes of a dialect, or makes golden/emulate.c do one
 * thing wrong (enum fault), or both. */
#ifndef ASSAY_GOLDEN_BUGS_H
#define ASSAY_GOLDEN_BUGS_H

#include "dialect.h"

enum fault {
    FAULT_NONE,
    /* in the iteration */
    FAULT_SHARDS,        /* the upper and the lower half of the rows are orthogonalised apart */
    FAULT_STACKED,       /* the matrices of a 3-D tensor are one matrix, one below the other */
    FAULT_SPLIT_COLUMNS, /* columns are split into thirds instead of rows */
    FAULT_RESHAPED,      /* a tall matrix was transposed for the iteration, and its output only gets its shape */
    FAULT_TRANSPOSED,    /* every output is transposed and gets the shape of the input */
    FAULT_HALF_INPUT,    /* the input is cast to binary16 before it is normalised */
    FAULT_UNNORMALISED,  /* X = u */
    FAULT_ZERO_BY_ZERO,  /* 0 / 0 is NaN */
    FAULT_LINEAR,        /* A where A^2 belongs */
    FAULT_SWAPPED,       /* b and c change places */
    FAULT_NO_ITERATION,  /* O = u */
    FAULT_POLAR,         /* O = U V^T */
    /* in the step */
    FAULT_STALE,        /* u is made of the buffer before it is updated */
    FAULT_TWICE,        /* the buffer is updated twice with each gradient */
    FAULT_IN_PLACE,     /* normalising the input of the iteration normalises the buffer */
    FAULT_OLD_GRADIENT, /* a step without gradient takes the one before */
    FAULT_CLIPPED,      /* O is clipped to Frobenius norm 1 */
    FAULT_SCALE_TWICE,
    FAULT_SCALE_INVERTED,
    FAULT_DECAY_AFTER, /* decay takes from the updated parameter */
    FAULT_NARROW,      /* parameters are kept in bfloat16 */
    FAULT_FIRST_LR,    /* every step has the learning rate of the first */
    FAULT_ASCENT,      /* p + lr O */
};

struct bug {
    const char *name, *meaning; /* the meaning completes "the port ..." */
    enum fault fault;
    /* Makes the axes of a dialect those of a port with the bug; false if the dialect cannot have it. NULL: as they are. */
    bool (*change)(struct assay_dialect *d);
};
extern const struct bug bugs[];
extern const size_t bug_count;

/* *d as a port of it with the bug has it; false, and *d is nothing, if the dialect cannot have that bug. */
bool bug_apply(const struct bug *b, struct assay_dialect *d);

#endif
