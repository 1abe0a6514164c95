/* The numbers of a port (golden/sensitivity.h), estimated from all its results at once, with standard errors. */
#ifndef ASSAY_GOLDEN_NUMBERS_H
#define ASSAY_GOLDEN_NUMBERS_H

#include "sensitivity.h"

struct number_estimate {
    double value, error; /* with its standard error */
    double
        nominal; /* what the dialect says; of beta and weight decay the cases, where these differ most of the evidence */
    double
        rounded; /* what the format holds of it, if it is a coefficient: what a port may have in its place; else the same */
    size_t cases; /* that say at least a hundredth of what the best of them says; 0: it plays no part in any */
    bool seen;    /* whether the results show it; if not, value is nominal */
};

/* The numbers of a port of the dialect, which may have a fault, computed in the format: Gauss-Newton from the dialect's own, which
 * makes sum log(variance + mean r^2) least. Where one triple is repeated
 * and the factor on the norm is nominal, within 4 errors, the others are estimated with the nominal one: it does much the
 * same as b and c. error^2 is that of the jackknife over cases, (C - 1) / C sum_c (theta without
 * c - theta)^2 to first order, or, if that is more, 1 / n; and that of what a port may round once, the same in all cases:
 * (u number)^2 / cases, u the roundoff of the format (of binary32 for beta; for weight decay (u / lr)^2, that of 1 - lr wd).
 * A number is seen if the first is at most a quarter of the range that it is looked for in, and what fits says at least a quarter of
 * what all says of it (half, if all fits): answers need not depend smoothly on a number, and a fit that leaves most out is none. A factor on the norm is
 * seen within an eighth of the nominal one: iterations that end on a plateau look alike further out. Cases that the dialect does not
 * take, or in which ports may overflow, say nothing. Errors: ASSAY_NO_MEMORY. Cost: some 400 evaluations of each case. */
assay_status numbers_estimate(struct number_estimate found[NUMBERS], const struct assay_dialect *d, enum fault fault,
                              const struct observed *cases, size_t count, enum tensor_type format,
                              const assay_options *options) __attribute__((warn_unused_result));

/* Whether the nominal value and the rounded one are excluded: by so many standard errors. NUMBER_FAR is what is told of;
 * errors are estimates, too, of few cases where it matters most, and of honest ports in bf16 one in some 300 numbers is 4.7 of them
 * away: by NUMBER_BEYOND none was. */
enum { NUMBER_FAR = 4, NUMBER_BEYOND = 6 };
bool number_excluded(const struct number_estimate *x, double errors);

/* The estimate of number k beside another nominal value, for ports that compute in the format. */
struct number_estimate number_beside(const struct number_estimate *x, size_t k, enum tensor_type format,
                                     double nominal);

/* What a dialect and the parts of some cases say of number k; how many of them say something of it. */
double number_nominal(const struct assay_dialect *d, const struct part *parts, size_t count, size_t k);
size_t number_cases(const struct part *parts, size_t count, size_t k);

/* What rounding the number once, in the same way in all cases, makes of it. */
double number_rounded_once(enum tensor_type format, const struct part *parts, size_t count, size_t k, double value);

#endif
