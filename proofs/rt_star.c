#include "rates.h"

#include <math.h>

/* alpha = 4 K^-2/3 (at most 1), beta = 2 ln K / K, eta = 3 beta */
static struct schedule schedule_of(double steps)
{
    double beta = 2 * log(steps) / steps;
    return (struct schedule){
        .alpha = fmin(1, 4 * pow(steps, -2. / 3)), .eta = 3 * beta, .decay = beta, .last_value = true};
}

static void run(struct evidence *e)
{
    measure_slopes(e, schedule_of, "star-convex with decay", -1, -0.3333333333333333);
}

const struct claim claim_rt_star = {
    "RT-star",
    "Rates, measured",
    "star-convex with weight decay: E f(x_K) falls at least as K^-1/3 (up to a logarithm)",
    "rate: Kovalev v2 abstract",
    CLAIM_MEASURED,
    "rt_star",
    run};
