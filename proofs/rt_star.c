#include "rates.h"

#include <math.h>
#include <stdio.h>

/* alpha = 4 K^-2/3 (at most 1), beta = 2 ln K / K, eta = 3 beta */
static struct schedule schedule_of(double steps)
{
    double beta = 2 * log(steps) / steps;
    return (struct schedule){
        .alpha = fmin(1, 4 * pow(steps, -2. / 3)), .eta = 3 * beta, .decay = beta, .last_value = true};
}

static void run(struct evidence *e)
{
    size_t last = instances(e, 16, 12), runs = instances(e, 300, 60);
    struct estimate before = {0};
    for (size_t log2 = 8; log2 <= last; log2 += 2) {
        size_t steps = (size_t)1 << log2;
        struct estimate now = simulate(schedule_of((double)steps), steps, runs, log2);
        plot_point(e, "star-convex with decay", (double)steps, now.mean, now.half_width);
        if (log2 > 8) {
            struct estimate slope = slope_between(ldexp(1, (int)log2 - 2), before, (double)steps, now);
            char what[ITEM_TEXT];
            snprintf(what, sizeof what, "slope from K = 2^%zu to 2^%zu", log2 - 2, log2);
            measured(e, what, slope.mean, slope.half_width, -1, -0.3333333333333333);
        }
        before = now;
    }
}

const struct claim claim_rt_star = {
    "RT-star",
    "Rates, measured",
    "star-convex with weight decay: E f(x_K) falls at least as K^-1/3 (up to a logarithm)",
    "rate: Kovalev v2 abstract",
    CLAIM_MEASURED,
    "rt_star",
    run};
