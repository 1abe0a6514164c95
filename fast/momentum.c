/* Momentum, Nesterov and L2 decay in one pass.
 *
 *     next = keep m + fresh (g + wd p),   u = of_m next + of_g (g + wd p),
 *
 * for four constants that are computed in binary64 (to 2^-52 relatively but for powers of beta close to 1). The formula
 * itself is evaluated in binary64 and rounded once: with v = 2^-53 and T the sum of the terms' absolute values,
 *
 *     |next - exact| <= u |next| + 8 v T;   u likewise, given the rounded `next`: another u |of_m next|. */
#include "plan.h"

#include <math.h>

bool hyper_is_valid(const assay_hyper *hyper)
{
    return hyper->lr >= 0 && !isinf(hyper->lr) && hyper->momentum >= 0 && hyper->momentum < 1 &&
           hyper->weight_decay >= 0 && !isinf(hyper->weight_decay);
}

struct momentum_rule momentum_rule(const struct assay_dialect *d, double beta, size_t t)
{
    bool heavy = d->momentum == ASSAY_MOMENTUM_HEAVY_BALL;
    struct momentum_rule r = {.kept = d->momentum != ASSAY_MOMENTUM_NONE, .of_m = 1, .of_g = 0};
    if (!r.kept)
        return (struct momentum_rule){.of_g = 1};
    r.fresh_only = heavy && d->dampening != 0 && t == 1;
    r.keep = r.fresh_only ? 0 : beta;
    r.fresh = r.fresh_only ? 1 : 1 - (heavy ? d->dampening : beta);
    switch (d->nesterov) {
    case ASSAY_NESTEROV_LERP:
        r.of_m = beta;
        r.of_g = 1 - beta;
        break;
    case ASSAY_NESTEROV_ADD:
        r.of_m = beta;
        r.of_g = 1;
        break;
    case ASSAY_NESTEROV_SUM:
        r.of_g = 1;
        break;
    case ASSAY_NESTEROV_NADAM:
        r.of_m = beta / (1 - pow(beta, (double)t + 1));
        r.of_g = (1 - beta) / (1 - pow(beta, (double)t));
        break;
    case ASSAY_NESTEROV_UNBIASED:
        r.of_m = 1 / (1 - pow(beta, (double)t));
        break;
    case ASSAY_NESTEROV_RAW:
        r.of_m = 0;
        r.of_g = 1;
        break;
    default:
        break;
    }
    return r;
}

struct momentum_args {
    float *next, *u;
    const assay_fast_plan *plan;
    struct momentum_rule rule;
    const float *momentum;
    struct mix y;
    struct sums *chunks;
};

static void run_buffer(struct team *team, void *pointer)
{
    const struct momentum_args *args = pointer;
    const struct momentum_rule *rule = &args->rule;
    const struct mix next = {args->momentum, args->y.g, args->y.p, rule->keep, rule->fresh, args->y.of_p};
    scale_chunks(team, args->next, args->plan, 1, &next, args->chunks);
}

static void run_momentum(struct team *team, void *pointer)
{
    const struct momentum_args *args = pointer;
    const struct kernels *kernels = args->plan->kernels;
    struct chunk c = {0};
    while (next_chunk(&c, team, args->plan)) {
        args->chunks[c.k] = kernels->accumulate(args->next, args->u, args->rule.keep, args->rule.fresh, args->momentum,
                                                &args->y, false, c.from, c.to);
        if (args->next && args->rule.of_m == 0) /* u is not made of it */
            args->chunks[c.k].squares += kernels->sums(&(struct mix){.m = args->next, .of_m = 1}, c.from, c.to).squares;
    }
}

assay_status assay_fast_momentum(float *next, float *u, const assay_fast_plan *plan, const assay_hyper *hyper,
                                 const float *momentum, const float *grad, const float *param, size_t step, void *work)
{
    const struct assay_dialect *d = &plan->dialect;
    bool l2 = d->decay == ASSAY_DECAY_L2 && hyper->weight_decay != 0;
    size_t n = plan->count;
    if (!hyper_is_valid(hyper) || step == 0 || !grad || (l2 && !param) || overlap(next, momentum, n, true) ||
        overlap(next, grad, n, false) || overlap(next, u, n, false) || overlap(next, param, n, false) ||
        overlap(u, momentum, n, false) || overlap(u, grad, n, true) || overlap(u, param, n, false))
        return ASSAY_INVALID;
    struct momentum_rule rule = momentum_rule(d, hyper->momentum, step);
    struct arena arena = arena_at(work);
    struct momentum_args args = {next, u, plan, rule, momentum, {.g = grad, .of_m = rule.of_m, .of_g = rule.of_g},
                                 NULL};
    if (!rule.kept) { /* next = m */
        args.rule.keep = 1;
    } else if (rule.fresh_only) {
        args.momentum = NULL;
    }
    if (rule.of_g == 0 && rule.fresh == 0)
        args.y.g = NULL;
    if (l2) {
        args.y.p = param;
        args.y.of_p = hyper->weight_decay;
    }
    args.chunks = arena_take(&arena, chunk_count(n), sizeof *args.chunks);
    team_run(plan->crew, next && !u ? run_buffer : run_momentum, &args);
    return isfinite(add_chunks(args.chunks, chunk_count(n)).squares) ? ASSAY_OK : ASSAY_NOT_FINITE;
}
