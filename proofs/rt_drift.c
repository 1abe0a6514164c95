#include "rates.h"

#include <math.h>
#include <stdio.h>

static double slope_of(double x)
{
    return 1 + (x - 1) * exp(-x);
}

/* The mean of |m_{k+1} - phi'(x_k)| over the second half of the way from 3 to 1. */
static double floor_of(double eta, double alpha, bool extrapolate)
{
    double factor = extrapolate ? (1 - alpha) / alpha : 0, m = slope_of(3), sum = 0, count = 0;
    for (double x = 3; x > 1; x -= eta) {
        m = (1 - alpha) * m + alpha * slope_of(x - (x < 3 ? factor * eta : 0));
        if (x < 2) {
            sum += fabs(m - slope_of(x));
            count++;
        }
    }
    return sum / count;
}

static void measure(struct evidence *e, bool extrapolate, double expected, const char *name)
{
    double before = 0;
    for (int k = 6; k <= 13; k++) {
        double eta = ldexp(1, -k), now = floor_of(eta, 0.1, extrapolate);
        plot_point(e, name, 1 / eta, now, 0);
        char what[ITEM_TEXT];
        snprintf(what, sizeof what, "%s: slope of the drift from eta = 2^-%d to 2^-%d", name, k - 1, k);
        if (k > 9)
            measured(e, what, log(before / now) / log(2), 0, expected - 0.05, expected + 0.05);
        before = now;
    }
}

static void run(struct evidence *e)
{
    measure(e, false, 1, "plain");
    measure(e, true, 2, "extrapolated");
}

const struct claim claim_rt_drift = {
    "RT-drift", "Rates, measured", "the drift of the momentum is of first order in eta, with extrapolation of second",
    "ours",     CLAIM_MEASURED,    "rt_drift",
    run};
