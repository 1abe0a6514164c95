#include "rates.h"

#include <math.h>
#include <stdio.h>

enum { STEPS = 20000 };

/* f(x_K) of one run; *largest |x_k|. */
static double run_once(double decay, uint64_t *seed, double *largest)
{
    double x = 3, m = 0;
    for (size_t k = 0; k < STEPS; k++) {
        double noise = (double)(next_bits(seed) >> 11) * 0x1p-53 < 0.005 ? 398 : -2;
        double g = fmax(-1, fmin(1, x)) + noise;
        m = k ? 0.95 * m + 0.05 * g : g;
        x = (1 - decay) * x - copysign(0.01, m);
        *largest = fmax(*largest, fabs(x));
    }
    return fabs(x) <= 1 ? x * x / 2 : fabs(x) - 0.5;
}

static struct estimate average(double decay, size_t runs, double *largest)
{
    double sum = 0, squares = 0, n = (double)runs;
    uint64_t seed = 1;
    for (size_t k = 0; k < runs; k++) {
        double y = run_once(decay, &seed, largest);
        sum += y;
        squares += y * y;
    }
    return (struct estimate){sum / n, 1.96 * sqrt(fmax(squares / n - sum / n * (sum / n), 0) / n)};
}

static void run(struct evidence *e)
{
    size_t runs = instances(e, 400, 40);
    double largest = 0, unused = 0;
    struct estimate free = average(0, runs, &unused), decayed = average(0.01 / 4, runs, &largest);
    measured(e, "mean f(x_K) with decay eta / 4", decayed.mean, decayed.half_width, 1, 2);
    measured(e, "largest |x_k| with decay", largest, 0, 0, 4);
    measured(e, "mean f(x_K), K = 20000, without decay", free.mean, free.half_width, 80, 115);
}

const struct claim claim_wd_w2 = {
    "WD-W2",
    "Why Muon and not Orthogonal-SGDM; why weight decay",
    "Muon, alpha = 1/20: large noise with p = 1/200 drives it away without decay, not with it",
    "ours",
    CLAIM_MEASURED,
    "wd_w2",
    run};
