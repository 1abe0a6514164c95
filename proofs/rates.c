#include "rates.h"

#include <math.h>
#include <stdio.h>

static double slope_of(double x)
{
    return copysign(1 + (fabs(x) - 1) * exp(-fabs(x)), x);
}

/* The mean of |phi'(x_k)|, or phi(x_K), of one run. */
static double run_once(struct schedule s, size_t steps, uint64_t *seed)
{
    double x = 3, before = 3, m = 0, sum = 0, factor = s.extrapolate ? (1 - s.alpha) / s.alpha : 0;
    for (size_t k = 0; k < steps; k++) {
        double noise = next_bits(seed) >> 63 ? 1 : -1, g = slope_of(x + factor * (x - before)) + noise;
        m = k ? (1 - s.alpha) * m + s.alpha * g : g;
        before = x;
        x = (1 - s.decay) * x - (m > 0 ? s.eta : m < 0 ? -s.eta : 0);
        sum += fabs(slope_of(x));
    }
    return s.last_value ? fabs(x) * -expm1(-fabs(x)) : sum / (double)steps;
}

struct estimate simulate(struct schedule s, size_t steps, size_t runs, uint64_t seed)
{
    double sum = 0, squares = 0, n = (double)runs;
    for (size_t k = 0; k < runs; k++) {
        double y = run_once(s, steps, &seed);
        sum += y;
        squares += y * y;
    }
    double mean = sum / n, variance = fmax(squares / n - mean * mean, 0);
    return (struct estimate){mean, 1.96 * sqrt(variance / n)};
}

struct estimate slope_between(double x0, struct estimate y0, double x1, struct estimate y1)
{
    double run = log(x1 / x0), relative = hypot(y0.half_width / y0.mean, y1.half_width / y1.mean);
    return (struct estimate){log(y1.mean / y0.mean) / run, relative / fabs(run)};
}

void measure_slopes(struct evidence *e, struct schedule (*schedule_of)(double steps), const char *name, double least,
                    double most)
{
    size_t last = instances(e, 16, 12), runs = instances(e, 300, 60);
    struct estimate before = {0};
    for (size_t log2 = 8; log2 <= last; log2 += 2) {
        size_t steps = (size_t)1 << log2;
        struct estimate now = simulate(schedule_of((double)steps), steps, runs, log2);
        plot_point(e, name, (double)steps, now.mean, now.half_width);
        if (log2 > 8) {
            struct estimate slope = slope_between(ldexp(1, (int)log2 - 2), before, (double)steps, now);
            char what[ITEM_TEXT];
            snprintf(what, sizeof what, "slope from K = 2^%zu to 2^%zu", log2 - 2, log2);
            measured(e, what, slope.mean, slope.half_width, least, most);
        }
        before = now;
    }
}
