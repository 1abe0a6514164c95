#include "rates.h"

#include <math.h>
#include <stdio.h>

/* alpha = K^-4/7, eta = K^-5/7 */
static struct schedule schedule_of(double steps)
{
    return (struct schedule){.alpha = pow(steps, -4. / 7), .eta = pow(steps, -5. / 7)};
}

static void run(struct evidence *e)
{
    size_t last = instances(e, 16, 12), runs = instances(e, 300, 60);
    struct estimate before = {0};
    for (size_t log2 = 8; log2 <= last; log2 += 2) {
        size_t steps = (size_t)1 << log2;
        struct estimate now = simulate(schedule_of((double)steps), steps, runs, log2);
        plot_point(e, "its schedule without extrapolation", (double)steps, now.mean, now.half_width);
        if (log2 > 8) {
            struct estimate slope = slope_between(ldexp(1, (int)log2 - 2), before, (double)steps, now);
            char what[ITEM_TEXT];
            snprintf(what, sizeof what, "slope from K = 2^%zu to 2^%zu", log2 - 2, log2);
            measured(e, what, slope.mean, slope.half_width, -0.262, -0.15);
        }
        before = now;
    }
}

const struct claim claim_rt_control = {
    "RT-control", "Rates, measured", "control: plain momentum with the schedule of extrapolation stays behind K^-2/7",
    "ours",       CLAIM_MEASURED,    "rt_control",
    run};
