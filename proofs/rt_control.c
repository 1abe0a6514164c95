#include "rates.h"

#include <math.h>

/* alpha = K^-4/7, eta = K^-5/7 */
static struct schedule schedule_of(double steps)
{
    return (struct schedule){.alpha = pow(steps, -4. / 7), .eta = pow(steps, -5. / 7)};
}

static void run(struct evidence *e)
{
    measure_slopes(e, schedule_of, "its schedule without extrapolation", -0.262, -0.15);
}

const struct claim claim_rt_control = {
    "RT-control", "Rates, measured", "control: plain momentum with the schedule of extrapolation stays behind K^-2/7",
    "ours",       CLAIM_MEASURED,    "rt_control",
    run};
