#include "rates.h"

#include <math.h>
#include <stdio.h>

/* alpha = K^-1/2, eta = K^-3/4 */
static struct schedule schedule_of(double steps)
{
    return (struct schedule){.alpha = pow(steps, -1. / 2), .eta = pow(steps, -3. / 4)};
}

static void run(struct evidence *e)
{
    size_t last = instances(e, 16, 12), runs = instances(e, 300, 60);
    struct estimate before = {0};
    for (size_t log2 = 8; log2 <= last; log2 += 2) {
        size_t steps = (size_t)1 << log2;
        struct estimate now = simulate(schedule_of((double)steps), steps, runs, log2);
        plot_point(e, "plain momentum, K^-1/4", (double)steps, now.mean, now.half_width);
        if (log2 > 8) {
            struct estimate slope = slope_between(ldexp(1, (int)log2 - 2), before, (double)steps, now);
            char what[ITEM_TEXT];
            snprintf(what, sizeof what, "slope from K = 2^%zu to 2^%zu", log2 - 2, log2);
            measured(e, what, slope.mean, slope.half_width, -0.28, -0.17);
        }
        before = now;
    }
}

const struct claim claim_rt_momentum = {"RT-momentum",
                                        "Rates, measured",
                                        "plain momentum: mean |f'| falls as K^-1/4 (eps^-4)",
                                        "rate: Kovalev v1 theorem 2",
                                        CLAIM_MEASURED,
                                        "rt_momentum",
                                        run};
