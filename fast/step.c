/* Whole steps. Where O is a multiple of u, as of cosh-RMS, normalised SGD and plain momentum, u is never stored: one pass
 * makes the buffer and the sums of u, another the update (12 + 16 bytes of memory traffic an entry). */
#include "plan.h"

#include <math.h>
#include <string.h>

struct places {
    float *u, *o;
    struct sums *chunks;
    double *vectors;
    struct svd_work svd;
    struct arena rest; /* of the iteration */
};

struct step {
    const assay_fast_plan *plan;
    assay_fast_state *state;
    struct momentum_rule rule;
    struct places places;
    double lr, decay, l2;   /* decay: what p is multiplied by in what is taken from it */
    double unbias, unbias2; /* 1 / (1 - beta^t), 1 / (1 - beta2^t): Adam's */
    const float *grad;
    bool converged;
    atomic_bool *not_finite; /* whether NaN or infinity has come up */
};

/* Whether O is a multiple of u by one number for the whole tensor. */
static bool is_multiple(const assay_fast_plan *p)
{
    const struct assay_dialect *d = &p->dialect;
    bool one_vector = d->direction == ASSAY_DIRECTION_LMO && d->norm == ASSAY_NORM_FROBENIUS && p->blocks.count == 1;
    return !d->direction_first && (d->direction == ASSAY_DIRECTION_IDENTITY || one_vector ||
                                   (d->direction == ASSAY_DIRECTION_COSH_RMS && assay_dialect_steps(d) == 0));
}

/* Whether the direction is that of exact minimisers, of a tensor that does not pass by. */
static bool minimises(const assay_fast_plan *p)
{
    return p->dialect.direction == ASSAY_DIRECTION_LMO && p->blocks.count > 0;
}

static struct places places(struct arena *arena, const assay_fast_plan *plan)
{
    struct places w = {0};
    bool first = plan->dialect.direction_first, adam = plan->dialect.direction == ASSAY_DIRECTION_ADAM;
    bool stores = !is_multiple(plan) && (first || !adam);
    w.u = arena_take(arena, stores ? plan->count : 0, sizeof *w.u);
    w.o = arena_take(arena, stores ? plan->count : 0, sizeof *w.o);
    w.chunks = arena_take(arena, chunk_count(plan->count), sizeof *w.chunks);
    w.vectors = arena_take(arena, finish_work(plan), sizeof *w.vectors);
    w.rest = *arena;
    if (plan_iterates(plan))
        arena_take(arena, iterate_work(plan), 1);
    if (minimises(plan) && lmo_takes_svd(plan->dialect.norm))
        w.svd = svd_work(arena, plan->blocks.rows, plan->blocks.cols);
    return w;
}

size_t assay_fast_work(const assay_fast_plan *plan)
{
    struct arena arena = {0};
    places(&arena, plan);
    return arena_size(arena);
}

/* What decay takes from p is this times p: lr wd and its variants. */
static double decay_rate(const assay_fast_plan *plan, const assay_hyper *hyper)
{
    double lr = hyper->lr, wd = hyper->weight_decay;
    switch (plan->dialect.decay) {
    case ASSAY_DECAY_DECOUPLED:
    case ASSAY_DECAY_CAUTIOUS:
        return lr * wd;
    case ASSAY_DECAY_SCALED:
    case ASSAY_DECAY_CAUTIOUS_SCALED:
        return plan->scale * lr * wd;
    case ASSAY_DECAY_SQUARED:
        return lr * lr * wd;
    case ASSAY_DECAY_CAUTIOUS_SQUARED:
        return plan->scale * lr * lr * wd;
    case ASSAY_DECAY_INDEPENDENT:
        return wd;
    case ASSAY_DECAY_FRANK_WOLFE:
        return lr;
    default:
        return 0;
    }
}

static void watch(const struct step *s, double squares)
{
    if (!isfinite(squares))
        atomic_store_explicit(s->not_finite, true, memory_order_relaxed);
}

/* ---- passes ----------------------------------------------------------------------------------------------------- */

static bool cautious(const struct step *s)
{
    enum assay_decay d = s->plan->dialect.decay;
    return d == ASSAY_DECAY_CAUTIOUS || d == ASSAY_DECAY_CAUTIOUS_SCALED || d == ASSAY_DECAY_CAUTIOUS_SQUARED;
}

/* p -= lr s factor y + decay p */
static void update(struct team *team, const struct step *s, double factor, const struct mix *y)
{
    float *p = s->state->param;
    double rate = s->lr * s->plan->scale * factor;
    struct chunk c = {0};
    while (next_chunk(&c, team, s->plan))
        watch(s,
              stored_squares(s->plan->kernels, p,
                             s->plan->kernels->update(p, rate, s->decay, cautious(s), y, c.from, c.to), c.from, c.to));
    team_meet(team);
}

/* The gradient, with L2 decay: *y times `of_g` of what a pass reads. Without gradient it is 0, or wd p. */
static struct mix gradient(const struct step *s, double of_m, double of_g)
{
    const float *p = s->l2 != 0 ? s->state->param : NULL;
    if (!s->grad)
        return (struct mix){.g = p, .of_m = of_m, .of_g = of_g * s->l2};
    return (struct mix){.g = s->grad, .p = p, .of_m = of_m, .of_g = of_g, .of_p = s->l2};
}

/* The buffer after the step, made of x.g; u = of_m buffer + of_g g, and its sums. */
static void accumulate(struct team *team, const struct step *s, float *u, const struct mix *x)
{
    float *next = s->rule.kept ? s->state->momentum : NULL;
    double relative = s->grad || s->plan->dialect.direction_first ? 1 : s->l2; /* of x.g to the gradient */
    bool all = s->plan->dialect.direction == ASSAY_DIRECTION_COSH_RMS;
    struct chunk c = {0};
    while (next_chunk(&c, team, s->plan)) {
        s->places.chunks[c.k] = s->plan->kernels->accumulate(next, u, s->rule.keep, s->rule.fresh * relative,
                                                             s->rule.fresh_only ? NULL : next, x, all, c.from, c.to);
        watch(s, s->places.chunks[c.k].squares);
        if (next && s->rule.of_m == 0) /* these are not sums of the buffer */
            watch(s, s->plan->kernels->sums(&(struct mix){.m = next, .of_m = 1}, c.from, c.to).squares);
    }
    team_meet(team);
}

/* ---- directions that are multiples of u --------------------------------------------------------------------------- */

static void step_multiple(struct team *team, const struct step *s)
{
    const struct assay_dialect *d = &s->plan->dialect;
    struct mix y = gradient(s, s->rule.of_m, s->rule.of_g);
    accumulate(team, s, NULL, &y);
    y.m = s->rule.of_m != 0 ? s->state->momentum : NULL;
    if (y.of_g == 0)
        y.g = NULL;
    double factor = 1;
    if (d->direction == ASSAY_DIRECTION_LMO) {
        double norm = sqrt(add_chunks(s->places.chunks, chunk_count(s->plan->count)).squares);
        factor = norm == 0 ? 0 : 1 / norm;
    } else if (d->direction == ASSAY_DIRECTION_COSH_RMS) {
        factor = cosh_factor(team, s->plan, &y, s->places.chunks);
    }
    team_meet(team); /* chunks have been read */
    update(team, s, factor, &y);
}

/* ---- Adam ------------------------------------------------------------------------------------------------------- */

/* v = beta2 v + (1 - beta2) g^2 for entry k; returns O = u-hat / (sqrt(v-hat) + eps). */
static double adam_ratio(const struct step *s, size_t k, double g, double u)
{
    const struct assay_dialect *d = &s->plan->dialect;
    double v = d->beta2 * s->state->second_moment[k] + (1 - d->beta2) * g * g;
    s->state->second_moment[k] = (float)v;
    return u * s->unbias / (sqrt(v * s->unbias2) + d->adam_eps);
}

/* A whole step for entry k, in one pass. */
static void adam_entry(const struct step *s, size_t k)
{
    assay_fast_state *state = s->state;
    double p = state->param[k], g = (s->grad ? s->grad[k] : 0) + (s->l2 != 0 ? s->l2 * p : 0), u = s->rule.of_g * g;
    if (s->rule.kept) {
        double m = s->rule.fresh_only ? 0 : s->rule.keep * state->momentum[k];
        state->momentum[k] = (float)(m + s->rule.fresh * g);
        u = s->rule.of_g != 0 ? u : 0;
        u += s->rule.of_m != 0 ? s->rule.of_m * state->momentum[k] : 0;
    }
    double o = adam_ratio(s, k, g, u), taken = cautious(s) && !(o * p >= 0) ? 0 : s->decay * p;
    state->param[k] = (float)(p - (s->lr * s->plan->scale * o + taken));
}

static void step_adam(struct team *team, const struct step *s)
{
    const assay_fast_state *state = s->state;
    const struct mix all = {state->param, state->second_moment, s->rule.kept ? state->momentum : NULL, 1, 1, 1};
    struct chunk c = {0};
    while (next_chunk(&c, team, s->plan)) {
        for (size_t l = c.from; l < c.to; l++)
            adam_entry(s, l);
        watch(s, s->plan->kernels->sums(&all, c.from, c.to).squares);
    }
    team_meet(team);
}

static void adam_direction(struct team *team, const struct step *s, const float *g)
{
    struct chunk c = {0};
    while (next_chunk(&c, team, s->plan))
        for (size_t l = c.from; l < c.to; l++)
            s->places.o[l] = (float)adam_ratio(s, l, g[l], g[l]);
    team_meet(team);
}

/* ---- other directions ------------------------------------------------------------------------------------------- */

static void minimise(struct team *team, struct step *s, const float *u)
{
    const struct block_list *b = &s->plan->blocks;
    struct strided matrix = {b->rows, b->cols, b->row_stride, b->col_stride};
    if (team_next(team) == 0)
        for (size_t k = 0; k < b->count; k++) {
            bool converged;
            maximise(s->places.o + k * b->apart, matrix, 1, s->plan->dialect.norm, u + k * b->apart, matrix,
                     &s->places.svd, &converged);
            s->converged = s->converged && converged;
        }
    team_meet(team);
}

/* Second moments may overflow where O does not. */
static void watch_moments(struct team *team, const struct step *s)
{
    const struct mix v = {.m = s->state->second_moment, .of_m = 1};
    if (team_next(team) == 0)
        watch(s, s->plan->kernels->sums(&v, 0, assay_fast_moment_count(s->plan)).squares);
    team_meet(team);
}

/* places.o = O of u, but for a factor that is returned. */
static double direct(struct team *team, struct step *s, const float *u)
{
    const assay_fast_plan *plan = s->plan;
    const struct assay_dialect *d = &plan->dialect;
    struct mix o = {.m = s->places.o, .of_m = 1};
    if (minimises(plan))
        minimise(team, s, u);
    else if (d->direction == ASSAY_DIRECTION_ADAM)
        adam_direction(team, s, u);
    else if (plan_iterates(plan))
        iterate(team, s->places.o, plan, u, s->places.rest);
    else
        scale_chunks(team, s->places.o, plan, 1, &(struct mix){.m = u, .of_m = 1}, NULL);
    if (d->direction == ASSAY_DIRECTION_NEWTON_SCHULZ)
        finish_direction(team, s->places.o, s->state->second_moment, plan, u, s->places.vectors);
    if (assay_fast_moment_count(plan) > 0)
        watch_moments(team, s);
    if (d->direction != ASSAY_DIRECTION_COSH_RMS)
        return 1;
    sum_chunks(team, plan, &o, s->places.chunks);
    double factor = cosh_factor(team, plan, &o, s->places.chunks);
    team_meet(team); /* chunks have been read */
    return factor;
}

static void step_any(struct team *team, struct step *s)
{
    struct mix y = gradient(s, s->rule.of_m, s->rule.of_g);
    accumulate(team, s, s->places.u, &y);
    double factor = direct(team, s, s->places.u);
    update(team, s, factor, &(struct mix){.m = s->places.o, .of_m = 1});
}

/* O is made of g, the buffer of O. */
static void step_direction_first(struct team *team, struct step *s)
{
    struct mix g = gradient(s, 0, 1);
    const float *u = s->grad;
    if (!u || g.p) {
        u = s->places.u;
        scale_chunks(team, s->places.u, s->plan, 1, &g, NULL);
    }
    double factor = direct(team, s, u);
    if (factor != 1)
        scale_chunks(team, s->places.o, s->plan, factor, &(struct mix){.m = s->places.o, .of_m = 1}, NULL);
    struct mix y = {.g = s->places.o, .of_m = s->rule.of_m, .of_g = s->rule.of_g};
    accumulate(team, s, NULL, &y);
    y.m = s->rule.of_m != 0 ? s->state->momentum : NULL;
    if (y.of_g == 0)
        y.g = NULL;
    update(team, s, 1, &y);
}

/* ---- the public function ---------------------------------------------------------------------------------------- */

static void run_step(struct team *team, void *pointer)
{
    struct step *s = pointer;
    const struct assay_dialect *d = &s->plan->dialect;
    if (is_multiple(s->plan))
        step_multiple(team, s);
    else if (d->direction_first)
        step_direction_first(team, s);
    else if (d->direction == ASSAY_DIRECTION_ADAM)
        step_adam(team, s);
    else
        step_any(team, s);
}

static bool moments_are_apart(const assay_fast_state *state, size_t n, size_t moments, const float *grad)
{
    const float *v = state->second_moment, *others[] = {state->param, state->momentum, grad};
    for (size_t k = 0; k < 3 && v; k++)
        if (others[k] && share_memory(v, moments, others[k], n))
            return false;
    return v;
}

static bool step_is_valid(const assay_fast_state *state, const assay_fast_plan *plan, const assay_hyper *hyper,
                          const float *grad)
{
    size_t n = plan->count, moments = assay_fast_moment_count(plan);
    return hyper_is_valid(hyper) && hyper->regulariser == ASSAY_REGULARISER_NONE && state->param &&
           (state->momentum || plan->dialect.momentum == ASSAY_MOMENTUM_NONE) &&
           !overlap(state->param, state->momentum, n, false) && !overlap(state->param, grad, n, false) &&
           !overlap(state->momentum, grad, n, false) && (moments == 0 || moments_are_apart(state, n, moments, grad));
}

assay_status assay_fast_step(assay_fast_state *state, const assay_fast_plan *plan, const assay_hyper *hyper,
                             const float *grad, void *work)
{
    const struct assay_dialect *d = &plan->dialect;
    if (!step_is_valid(state, plan, hyper, grad))
        return ASSAY_INVALID;
    if (!grad && d->absent == ASSAY_ABSENT_SKIP)
        return ASSAY_OK;
    bool decays = grad || d->absent == ASSAY_ABSENT_ZERO;
    double t = (double)state->steps + 1;
    struct arena arena = arena_at(work);
    atomic_bool not_finite = false;
    struct step s = {
        .plan = plan,
        .state = state,
        .rule = momentum_rule(d, hyper->momentum, state->steps + 1),
        .places = places(&arena, plan),
        .lr = hyper->lr,
        .decay = decays ? decay_rate(plan, hyper) : 0,
        .l2 = decays && d->decay == ASSAY_DECAY_L2 ? hyper->weight_decay : 0,
        .grad = grad,
        .unbias = 1 / (1 - pow(hyper->momentum, t)),
        .unbias2 = 1 / (1 - pow(d->beta2, t)),
        .converged = true,
        .not_finite = &not_finite,
    };
    team_run(plan->crew, run_step, &s);
    state->steps++;
    if (!s.converged)
        return ASSAY_UNDECIDED;
    return atomic_load(&not_finite) ? ASSAY_NOT_FINITE : ASSAY_OK;
}
