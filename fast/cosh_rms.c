/* cosh-RMS: O = y / (R + eps) and its variants (enum assay_cosh), R = sqrt(mean(cosh(x)^2)), x = gamma y / (||y|| + 1e-7).
 *
 * ||y|| must be known before any x, and R before any O; and yet two passes do: the pass that makes y also sums y^2 by chunks
 * and y^4. With cosh(x)^2 = 1 + x^2 + x^4/3 + 2 x^6/45 + x^8/315 + ..., a chunk of n entries whose sum of x^4 is f <= 2^-8,
 * so that |x| <= 1/4, has
 *
 *     sum cosh(x)^2 = n + sum x^2 + f/3 + rest,   0 <= rest <= 2.02/45 sum x^6 <= 2.02/45 f^(3/2),
 *
 * and where that bound is at most 2^-30 n, the rest is left out: 2^-30 relatively, as cosh^2 >= 1. Other chunks, of large
 * or few entries, are evaluated by the kernel of cosh. (A Gaussian matrix of 128 x 128 with gamma = 1.5 has f = 2.3e-4 in each
 * chunk of 4096, a bound of 2^-35 n, and needs no other.)
 *
 * Error of O without Newton-Schulz steps: y is summed in binary64 (chunks of 4096, one after the other: at most
 * (4096 / 8 + chunks + 4) 2^-53 relatively, 2^-34 for up to 10^9 entries), so ||y||, R and 1 / (R + eps) are off by at most
 * 2^-30 (x enters R with a derivative of at most |x| tanh |x|, and |x| <= gamma: for gamma <= 2^6 that is 2^-27); each entry
 * is then multiplied and rounded once. u + 2^-26 in all. */
#include "plan.h"

#include <math.h>

double cosh_factor(struct team *team, const assay_fast_plan *plan, const struct mix *y, struct sums *chunks)
{
    const struct assay_dialect *d = &plan->dialect;
    bool plain = d->cosh == ASSAY_COSH_MEAN_SQUARE;
    struct chunk c = {0};
    size_t count = chunk_count(plan->count);
    double norm = sqrt(add_chunks(chunks, count).squares) + 1e-7, by = plain ? 1 : d->gamma / norm, total = 0;
    team_meet(team);
    while (next_chunk(&c, team, plan)) {
        double n = (double)(c.to - c.from), squares = by * by * chunks[c.k].squares,
               fourths = by * by * by * by * chunks[c.k].fourths;
        bool series = !plain && fourths <= 0x1p-8 && 2.02 / 45 * fourths * sqrt(fourths) <= 0x1p-30 * n;
        chunks[c.k].squares = series ? n + squares + fourths / 3 : plan->kernels->cosh_squares(by, y, c.from, c.to);
    }
    team_meet(team);
    for (size_t k = 0; k < count; k++)
        total += chunks[k].squares;
    double mean = total / (double)plan->count;
    switch (d->cosh) {
    case ASSAY_COSH_NORMALISED:
        return 1 / (norm * (sqrt(mean) + d->cosh_eps));
    case ASSAY_COSH_RAW:
        return 1 / (sqrt(mean) + d->cosh_eps);
    default:
        return 1 / (mean + d->cosh_eps);
    }
}

struct cosh_args {
    float *o;
    const assay_fast_plan *plan;
    const float *u;
    struct arena arena;
    struct sums *chunks;
};

static void run_cosh_rms(struct team *team, void *pointer)
{
    const struct cosh_args *args = pointer;
    const assay_fast_plan *plan = args->plan;
    struct mix y = {.m = args->u, .of_m = 1};
    if (plan_iterates(plan)) {
        iterate(team, args->o, plan, args->u, args->arena);
        y.m = args->o;
    }
    sum_chunks(team, plan, &y, args->chunks);
    double factor = cosh_factor(team, plan, &y, args->chunks);
    team_meet(team); /* chunks have been read */
    scale_chunks(team, args->o, plan, factor, &y, args->chunks);
}

assay_status assay_fast_cosh_rms(float *o, const assay_fast_plan *plan, const float *u, void *work)
{
    struct cosh_args args = {.o = o, .plan = plan, .u = u, .arena = arena_at(work)};
    if (plan->dialect.direction != ASSAY_DIRECTION_COSH_RMS || overlap(o, u, plan->count, true))
        return ASSAY_INVALID;
    args.chunks = arena_take(&args.arena, chunk_count(plan->count), sizeof *args.chunks);
    team_run(plan->crew, run_cosh_rms, &args);
    return isfinite(add_chunks(args.chunks, chunk_count(plan->count)).squares) ? ASSAY_OK : ASSAY_NOT_FINITE;
}

assay_status assay_fast_cosh(float *y, const float *x, size_t count, enum assay_fast_path path)
{
    const struct kernels *kernels = kernels_of(path, NULL);
    if (!kernels || overlap(y, x, count, true))
        return ASSAY_INVALID;
    kernels->cosh(y, x, 0, count);
    return ASSAY_OK;
}
