/* Our fast kernels as a port: golden cases in, results out. */
#ifndef ASSAY_TOOLS_KERNELS_H
#define ASSAY_TOOLS_KERNELS_H

#include "case.h"
#include "fast.h"

/* How they are run. */
struct kernel_choice {
    enum assay_fast_path path;
    enum assay_fast_arithmetic arithmetic;
    enum assay_fast_form form;
};

/* The last path that this processor has. */
enum assay_fast_path kernel_best_path(void);

/* Whether there is a kernel for the operation. */
bool kernel_exists(enum operation operation);

/* Whether the operation takes Newton-Schulz steps in this dialect: then arithmetic and form matter. */
bool kernel_iterates(enum operation operation, const struct assay_dialect *d);

/* The format that results are judged as: the plan's arithmetic where there are iterations, else binary32. */
enum tensor_type kernel_format(enum operation operation, const struct assay_dialect *d,
                               enum assay_fast_arithmetic arithmetic);

/* What matrices that are iterated are like: one or several of them, with sides of whole tiles of the micro-kernels or not. */
enum { KERNEL_BATCH = 1, KERNEL_TAILS = 2, KERNEL_SHAPES = 4 };

struct kernel_report {
    const char *untrue; /* what is wrong with the status of a kernel, a clause, or NULL */
    unsigned shapes;    /* 1 << each of the KERNEL_SHAPES that were iterated in the form that was asked for */
};

/* Runs the case, whose inputs are binary32 numbers, as this dialect (NULL where there is none) in all its outputs:
 * results[a] gets as many numbers as answer a of the class has. A status is true if it is ASSAY_NOT_FINITE exactly where that
 * is so of something written, or may be of u in a step: fast.h; and if momentum makes the same buffer with u and without.
 * Errors: those of the kernels, but ASSAY_NOT_FINITE passes: the results then say so. */
assay_status kernel_run(double *const *results, struct kernel_report *report, const struct golden_case *c,
                        const struct answer_class *k, const struct assay_dialect *d, const struct kernel_choice *choice,
                        char message[ASSAY_MESSAGE_SIZE]) __attribute__((warn_unused_result));

#endif
