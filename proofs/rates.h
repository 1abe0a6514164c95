/* Rates, measured: simulations in binary64, their means and confidence intervals. Nothing here is a proof. */
#ifndef ASSAY_PROOFS_RATES_H
#define ASSAY_PROOFS_RATES_H

#include "claim.h"

/* One dimension, phi(x) = |x| (1 - e^-|x|), noise +-1, sign oracle; the average of `runs` runs from x_0 = 3. */
struct schedule {
    double alpha, eta, decay; /* decay: beta, 0 for none */
    bool extrapolate;
    bool last_value; /* average phi(x_K) instead of the mean of |phi'(x_k)| over the run */
};

/* A mean and the half width of its 95 % confidence interval. */
struct estimate {
    double mean, half_width;
};
struct estimate simulate(struct schedule s, size_t steps, size_t runs, uint64_t seed);

/* The slope of log y over log x between two points, and its half width. */
struct estimate slope_between(double x0, struct estimate y0, double x1, struct estimate y1);

/* Measures the slopes between K = 2^8, 2^10, ..., 2^16 (2^12 in a quick run) for the schedule of each K, of 300 runs
 * (60); each must lie in [least, most], whatever its half width. The points are plotted under that name. */
void measure_slopes(struct evidence *e, struct schedule (*schedule_of)(double steps), const char *name, double least,
                    double most);

#endif
