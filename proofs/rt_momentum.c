#include "rates.h"

#include <math.h>

/* alpha = K^-1/2, eta = K^-3/4 */
static struct schedule schedule_of(double steps)
{
    return (struct schedule){.alpha = pow(steps, -1. / 2), .eta = pow(steps, -3. / 4)};
}

static void run(struct evidence *e)
{
    measure_slopes(e, schedule_of, "plain momentum, K^-1/4", -0.28, -0.17);
}

const struct claim claim_rt_momentum = {"RT-momentum",
                                        "Rates, measured",
                                        "plain momentum: mean |f'| falls as K^-1/4 (eps^-4)",
                                        "rate: Kovalev v1 theorem 2",
                                        CLAIM_MEASURED,
                                        "rt_momentum",
                                        run};
