/* Random cases for assay gate: of named dialects, and of such with axes changed. */
#ifndef ASSAY_TOOLS_DRAWS_H
#define ASSAY_TOOLS_DRAWS_H

#include "case.h"
#include "inputs.h"

enum { DRAW_NAME = 200, DRAW_SIZES = 4 };

/* What a random case is made of. */
struct draw {
    uint64_t seed;
    enum operation operation;
    struct assay_dialect dialect; /* under the name of the one that it was made of; */
    char name[DRAW_NAME];         /* its own is what a command line calls it: "jordan --set eps=0" */
    const struct family *family;
    size_t rows, cols, steps;
    size_t ndim, apart; /* of 3 dimensions, `apart` matrices; of 4, kernels of apart x apart */
    int exponent;
};

/* The case, and the dialect that it knows, under its own name. */
struct drawn_case {
    struct golden_case c;
    struct assay_dialect dialect;
    char name[DRAW_NAME];
};

/* Case `number` = 0, 1, ... of the seed: every other one is of a named dialect with a choice changed, one of all choices of all
 * axes after the other, and up to two more axes. */
struct draw draw_case(uint64_t seed, size_t number);

/* The draws that have one of the sizes halved, of those that there are; returns how many. */
size_t draw_smaller(struct draw smaller[DRAW_SIZES], const struct draw *d);

/* Makes the case, with answer and bounds; case_free(&made->c) frees it, in any case. ASSAY_INVALID, ASSAY_UNDEFINED,
 * ASSAY_UNDECIDED and ASSAY_RANGE: this draw has no answer. */
assay_status draw_make(struct drawn_case *made, const struct draw *d, char message[ASSAY_MESSAGE_SIZE])
    __attribute__((warn_unused_result));

#endif
