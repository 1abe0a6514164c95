#include "rates.h"

#include <math.h>

/* alpha = K^-4/7, eta = K^-5/7 */
static struct schedule schedule_of(double steps)
{
    return (struct schedule){.alpha = pow(steps, -4. / 7), .eta = pow(steps, -5. / 7), .extrapolate = true};
}

static void run(struct evidence *e)
{
    measure_slopes(e, schedule_of, "extrapolation, K^-2/7", -0.32, -0.22);
}

const struct claim claim_rt_extrapolation = {"RT-extrapolation",
                                             "Rates, measured",
                                             "extrapolation: mean |f'| falls as K^-2/7 (eps^-3.5)",
                                             "rate: Kovalev v2 abstract",
                                             CLAIM_MEASURED,
                                             "rt_extrapolation",
                                             run};
