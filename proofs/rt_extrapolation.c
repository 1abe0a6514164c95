#include "rates.h"

#include <math.h>
#include <stdio.h>

/* alpha = K^-4/7, eta = K^-5/7 */
static struct schedule schedule_of(double steps)
{
    return (struct schedule){.alpha = pow(steps, -4. / 7), .eta = pow(steps, -5. / 7), .extrapolate = true};
}

static void run(struct evidence *e)
{
    size_t last = instances(e, 16, 12), runs = instances(e, 300, 60);
    struct estimate before = {0};
    for (size_t log2 = 8; log2 <= last; log2 += 2) {
        size_t steps = (size_t)1 << log2;
        struct estimate now = simulate(schedule_of((double)steps), steps, runs, log2);
        plot_point(e, "extrapolation, K^-2/7", (double)steps, now.mean, now.half_width);
        if (log2 > 8) {
            struct estimate slope = slope_between(ldexp(1, (int)log2 - 2), before, (double)steps, now);
            char what[ITEM_TEXT];
            snprintf(what, sizeof what, "slope from K = 2^%zu to 2^%zu", log2 - 2, log2);
            measured(e, what, slope.mean, slope.half_width, -0.32, -0.22);
        }
        before = now;
    }
}

const struct claim claim_rt_extrapolation = {"RT-extrapolation",
                                             "Rates, measured",
                                             "extrapolation: mean |f'| falls as K^-2/7 (eps^-3.5)",
                                             "rate: Kovalev v2 abstract",
                                             CLAIM_MEASURED,
                                             "rt_extrapolation",
                                             run};
