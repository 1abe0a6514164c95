/* The numbers of a port (coefficients, epsilon, scale, beta, weight decay), estimated from all its results at once.
 *
 * r = results - answers at theta, J = d answers / d theta, the answers an evaluation in binary64 and J its central
 * differences. One weight for each matrix of results (that of one step, or of the case): 1 / variance of an entry, which
 * NUMBER_MEMBERS evaluations in the format give. The estimate solves the normal equations sum J^T w J t = sum J^T w r. */
#ifndef ASSAY_GOLDEN_NUMBERS_H
#define ASSAY_GOLDEN_NUMBERS_H

#include "bounds.h"

/* The results that a port has for a case; at[a] is NULL where there are none for output a. */
struct observed {
    const struct golden_case *c;
    const double *at[CASE_ANSWERS];
};

enum number {
    NUMBER_A, /* of a triple that every step repeats */
    NUMBER_B,
    NUMBER_C,
    NUMBER_ROUNDING, /* of a schedule: 0 if the coefficients are as printed, 1 if they are rounded to the format */
    NUMBER_EPS,
    NUMBER_SCALE, /* assay_dialect.scale_factor */
    NUMBER_BETA, /* beta and weight decay: those of the case, of several cases by the evidence in each, plus what is off */
    NUMBER_DECAY,
    NUMBERS
};
extern const char *const number_names[NUMBERS];

struct number_estimate {
    double value, error; /* with its standard error */
    double nominal;      /* what the dialect, or the cases, say */
    size_t cases;        /* that say at least a hundredth of what the best of them says; 0: it plays no part in any */
    bool seen;           /* whether the results show it; if not, value is nominal */
};

/* Way number `port` to evaluate, the same for every case of a set, as one port has it; only random choices are the case's.
 * Momentum alone is computed in binary32 by ports whose direction is narrower. */
enum tensor_type operation_format(enum operation operation, enum tensor_type format);
struct evaluation port_evaluation(enum tensor_type format, size_t port, const struct golden_case *c, bool honest);

/* Whether every step of the dialect has the same triple. */
bool numbers_repeat(const struct assay_dialect *d);

/* The numbers of a port of the dialect, which may have a bug, computed in the format: Gauss-Newton from the dialect's own, weighted by
 * 1 / (variance + mean square of what is left) besides, so that cases in which something else is wrong count little. The standard
 * error is the jackknife's over cases, sqrt((C - 1) / C sum_c (theta without c - theta)^2), to first order. A number is seen
 * if that is at most a quarter of the range in which it is looked for (1 for coefficients, a factor e for eps, half of
 * the scale, 1/4 for beta and decay). Cases that the dialect does not take say nothing. Errors: ASSAY_NO_MEMORY. */
assay_status numbers_estimate(struct number_estimate found[NUMBERS], const struct assay_dialect *d, enum fault fault,
                              const struct observed *cases, size_t count, enum tensor_type format,
                              const assay_options *options) __attribute__((warn_unused_result));

#endif
