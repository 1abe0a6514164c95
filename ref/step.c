#include "step.h"

#include "direction.h"
#include "interface.h"
#include "momentum.h"
#include "subproblem.h"
#include "ziv.h"

#include <math.h>
#include <string.h>

enum { GUARD = 64 };

struct state {
    struct ball *param, *momentum, *moment;
    size_t t; /* steps seen */
};

static struct ball *constant(struct work *w, double x)
{
    return ball_from_double(w, x);
}

/* c = a x */
static struct ball *times(struct work *w, const struct ball *a, const struct ball *x, mpfr_prec_t prec)
{
    struct ball *c = ball_new(w, x->rows, x->cols, prec);
    ball_mul(c, a, x);
    return c;
}

/* ---- weight decay -------------------------------------------------------------------------------------------- */

/* The coefficient of p in what decay takes from it: lr wd and its variants. */
static struct ball *decay_rate(struct work *w, const struct run *run, double lr, const struct ball *scale,
                               mpfr_prec_t prec)
{
    const struct ball *wd = constant(w, run->weight_decay), *rate = constant(w, lr), *one = ball_from_integer(w, 1);
    switch (run->dialect->decay) {
    case ASSAY_DECAY_DECOUPLED:
    case ASSAY_DECAY_CAUTIOUS:
        return times(w, rate, wd, prec);
    case ASSAY_DECAY_SCALED:
    case ASSAY_DECAY_CAUTIOUS_SCALED:
        return times(w, scale, times(w, rate, wd, prec), prec);
    case ASSAY_DECAY_SQUARED:
        return times(w, rate, times(w, rate, wd, prec), prec);
    case ASSAY_DECAY_CAUTIOUS_SQUARED:
        return times(w, scale, times(w, rate, times(w, rate, wd, prec), prec), prec);
    case ASSAY_DECAY_INDEPENDENT:
        return times(w, one, wd, prec);
    case ASSAY_DECAY_FRANK_WOLFE:
        return times(w, one, rate, prec);
    default: /* none, or already in the gradient */
        return ball_new(w, 1, 1, prec);
    }
}

enum { OPEN = 2 };

/* The sign of entry k; 0 if it is exactly zero, OPEN if it may be either. */
static int sign_of(const struct ball *a, size_t k)
{
    if (mag_le(up_abs(a->at + k), a->error[k]))
        return mag_is_zero(a->error[k]) ? 0 : OPEN;
    return mpfr_signbit(a->at + k) ? -1 : 1;
}

/* Zeroes what decay takes from p where O p < 0; where the sign of O p is open, so is the result. */
static void mask_decay(struct ball *taken, const struct ball *o, const struct ball *p)
{
    for (size_t k = 0; k < ball_count(p); k++) {
        int of_o = sign_of(o, k), of_p = sign_of(p, k);
        if (of_o == 0 || of_p == 0)
            continue;
        if (of_o == OPEN || of_p == OPEN) {
            taken->error[k] = taken->radius = MAG_INF;
        } else if (of_o != of_p) {
            mpfr_set_zero(taken->at + k, 1);
            taken->error[k] = MAG_ZERO;
        }
    }
}

static struct ball *decayed(struct work *w, const struct run *run, double lr, const struct ball *scale,
                            const struct ball *o, const struct ball *p, mpfr_prec_t prec)
{
    enum assay_decay decay = run->dialect->decay;
    struct ball *taken = times(w, decay_rate(w, run, lr, scale, prec), p, prec);
    if (decay == ASSAY_DECAY_CAUTIOUS || decay == ASSAY_DECAY_CAUTIOUS_SCALED || decay == ASSAY_DECAY_CAUTIOUS_SQUARED)
        mask_decay(taken, o, p);
    return taken;
}

/* ---- one step ------------------------------------------------------------------------------------------------ */

/* Adam's v = beta2 v + (1 - beta2) g^2 */
static void update_adam_moment(struct work *w, const struct assay_dialect *d, struct ball *v, const struct ball *g)
{
    const struct ball *one = ball_from_integer(w, 1), *fresh = ball_exact_axpy(w, constant(w, -d->beta2), one, one);
    struct ball *square = ball_new(w, 1, g->cols, v->prec);
    ball_mul_entries(square, g, g);
    ball_mul(square, fresh, square);
    ball_mul(v, constant(w, d->beta2), v);
    ball_add(v, v, square);
}

/* g + wd p: exactly for prec 0, if p is known exactly. */
static const struct ball *with_l2(struct work *w, const struct run *run, const struct ball *p, const struct ball *g,
                                  mpfr_prec_t prec)
{
    const struct ball *wd = constant(w, run->weight_decay);
    if (prec == 0 && ball_is_exact(p))
        return ball_exact_axpy(w, wd, p, g);
    struct ball *sum = times(w, wd, p, prec ? prec : p->prec);
    ball_add(sum, sum, g);
    return sum;
}

/* p of the composite problem: the exact solution of the subproblem around (1 - lr wd) p. */
static struct ball *solve(struct work *w, const struct run *run, double lr, const struct ball *u, const struct ball *p,
                          bool decays, long bits, bool *unique)
{
    const struct assay_dialect *d = run->dialect;
    mpfr_prec_t prec = bits + GUARD;
    struct blocks blocks = blocks_of(w, d, run->shape);
    struct ball *centre = ball_new(w, 1, p->cols, prec), *next;
    ball_set(centre, p);
    if (decays)
        ball_sub(centre, p, decayed(w, run, lr, ball_from_integer(w, 1), p, p, prec));
    struct subproblem_answer *answer = work_alloc(w, blocks.count, sizeof *answer);
    for (size_t k = 0; k < blocks.count; k++) {
        struct subproblem s = {d->norm,
                               run->regulariser,
                               run->weight,
                               block_get(w, u, &blocks.each[k]),
                               block_get(w, centre, &blocks.each[k]),
                               constant(w, lr)};
        answer[k] = subproblem_evaluate(w, &s, bits);
        *unique = *unique && answer[k].unique;
        prec = answer[k].x->prec > prec ? answer[k].x->prec : prec;
    }
    next = ball_new(w, 1, p->cols, prec);
    for (size_t k = 0; k < blocks.count; k++)
        block_put(next, &blocks.each[k], answer[k].x);
    next->radius = MAG_INF;
    ball_tighten(next);
    return next;
}

/* The change of p, and the state after it. */
static struct ball *advance(struct work *w, const struct run *run, struct state *s, const struct ball *g, double lr,
                            bool decays, long bits, bool *unique)
{
    const struct assay_dialect *d = run->dialect;
    mpfr_prec_t prec = bits + GUARD,
                momentum_prec = d->direction == ASSAY_DIRECTION_LMO && !d->direction_first ? 0 : prec;
    size_t t = ++s->t;
    const struct ball *u = g, *o;
    if (d->decay == ASSAY_DECAY_L2 && decays)
        u = g = with_l2(w, run, s->param, g, momentum_prec);
    if (d->direction == ASSAY_DIRECTION_ADAM)
        update_adam_moment(w, d, s->moment, g);
    if (d->direction_first) {
        o = direction(w, d, run->shape, g, s->moment, t, run->beta, prec, unique);
        s->momentum = momentum_next(w, d, run->beta, t, s->momentum, o, prec);
        o = nesterov(w, d, run->beta, t, s->momentum, o, prec);
    } else {
        s->momentum = momentum_next(w, d, run->beta, t, s->momentum, g, momentum_prec);
        u = nesterov(w, d, run->beta, t, s->momentum, g, momentum_prec);
        if (run->regulariser != ASSAY_REGULARISER_NONE) {
            struct ball *change = ball_new(w, 1, g->cols, prec), *next;
            next = solve(w, run, lr, u, s->param, decays, bits, unique);
            ball_sub(change, next, s->param);
            s->param = next;
            return change;
        }
        o = direction(w, d, run->shape, u, s->moment, t, run->beta, prec, unique);
    }
    const struct ball *scale = update_scale(w, d, run->shape, prec);
    struct ball *change = times(w, times(w, scale, constant(w, -lr), prec), o, prec), *next;
    if (decays)
        ball_sub(change, change, decayed(w, run, lr, scale, o, s->param, prec));
    next = ball_new(w, 1, g->cols, prec);
    ball_add(next, s->param, change);
    s->param = next;
    return change;
}

/* ---- the run ------------------------------------------------------------------------------------------------- */

/* Rows that come one at a time, of different precisions. */
struct rows {
    size_t count;
    struct ball **each;
};

static struct ball *stack(struct work *w, const struct rows *rows, size_t cols)
{
    mpfr_prec_t prec = 2;
    for (size_t k = 0; k < rows->count; k++)
        prec = rows->each[k]->prec > prec ? rows->each[k]->prec : prec;
    struct ball *all = ball_new(w, rows->count, cols, prec);
    mag squares = MAG_ZERO;
    for (size_t k = 0; k < rows->count; k++) {
        ball_scatter(all, &k, NULL, rows->each[k]);
        squares = up_add(squares, up_sqr(rows->each[k]->radius));
    }
    all->radius = up_sqrt(squares);
    return all;
}

/* x + beta / (1 - beta) (x - before) */
static struct ball *extrapolate(struct work *w, const struct run *run, const struct ball *x, const struct ball *change,
                                mpfr_prec_t prec)
{
    const struct ball *one = ball_from_integer(w, 1), *beta = constant(w, run->beta);
    struct ball *factor = ball_new(w, 1, 1, prec), *y = ball_new(w, 1, x->cols, prec);
    ball_div(factor, beta, ball_exact_axpy(w, constant(w, -run->beta), one, one));
    ball_mul(y, factor, change);
    ball_add(y, y, x);
    return y;
}

struct trajectory trajectory(struct work *w, const struct run *run, long bits)
{
    size_t steps = run->steps, count = shape_count(run->shape);
    mpfr_prec_t prec = bits + GUARD;
    struct rows params = {steps, work_alloc(w, steps, sizeof(struct ball *))}, updates = params, momentum = params;
    struct rows moment = params, queries = params;
    updates.each = work_alloc(w, steps, sizeof(struct ball *));
    momentum.each = work_alloc(w, steps, sizeof(struct ball *));
    moment.each = work_alloc(w, steps, sizeof(struct ball *));
    queries.each = work_alloc(w, steps, sizeof(struct ball *));
    struct state s = {ball_copy(w, run->param, run->param->prec), ball_copy(w, run->momentum, run->momentum->prec),
                      ball_copy(w, run->moment, prec), run->steps_before};
    struct trajectory all = {.unique = true};
    for (size_t k = 0; k < steps; k++) {
        bool present = run->present[k], skip = !present && run->dialect->absent == ASSAY_ABSENT_SKIP;
        bool decays = present || run->dialect->absent == ASSAY_ABSENT_ZERO;
        struct ball *zero = ball_new(w, 1, count, 2);
        const struct ball *g = present ? ball_gather(w, run->grads, &k, 1, NULL, count) : zero;
        s.moment = ball_copy(w, s.moment, s.moment->prec);
        updates.each[k] = skip ? zero : advance(w, run, &s, g, run->lr[k], decays, bits, &all.unique);
        params.each[k] = s.param;
        momentum.each[k] = s.momentum;
        moment.each[k] = s.moment;
        queries.each[k] = extrapolate(w, run, s.param, updates.each[k], prec);
        work_progress(w, "stepping", (double)(k + 1) / (double)steps);
    }
    all.params = stack(w, &params, count);
    all.updates = stack(w, &updates, count);
    all.momentum = stack(w, &momentum, count);
    all.moment = stack(w, &moment, run->moment->cols);
    all.queries = stack(w, &queries, count);
    return all;
}

/* ---- the public function ---------------------------------------------------------------------------------------- */

enum { STEP_ANSWERS = 5 };

struct step_args {
    assay_steps *after;
    bool *unique;
    const struct assay_dialect *dialect;
    const assay_hyper *hyper;
    const assay_run *input;
    struct run run;
    struct trajectory latest;
};

static void evaluate_step(struct work *w, void *problem, long bits, struct ball **answers)
{
    struct step_args *args = problem;
    struct trajectory *l = &args->latest;
    *l = trajectory(w, &args->run, bits);
    answers[0] = l->params;
    answers[1] = l->updates;
    answers[2] = l->momentum;
    answers[3] = l->moment;
    if (args->after->queries.hi)
        answers[4] = l->queries;
}

static void check_step(struct work *w, const struct step_args *args)
{
    const struct assay_dialect *d = args->dialect;
    check_hyper(w, args->hyper);
    check_direction(w, d);
    if (args->input->steps == 0)
        work_fail(w, ASSAY_INVALID, "a run needs at least one step");
    for (size_t k = 0; k < args->input->steps && args->input->lr; k++)
        if (!(args->input->lr[k] >= 0) || isinf(args->input->lr[k]))
            work_fail(w, ASSAY_INVALID, "lr[%zu] = %g is negative or not finite", k, args->input->lr[k]);
    if (args->hyper->regulariser == ASSAY_REGULARISER_NONE)
        return;
    if (d->direction != ASSAY_DIRECTION_LMO || d->direction_first)
        work_fail(w, ASSAY_INVALID,
                  "dialect '%s' does not solve composite problems: its direction is not the exact LMO", d->name);
    subproblem_check(w, d->norm, args->hyper->regulariser, args->hyper->weight);
    for (size_t k = 0; k < args->input->steps; k++)
        check_radius(w, args->input->lr ? args->input->lr[k] : args->hyper->lr);
}

/* The gradients, with zeros where there is none: what the caller has there is not looked at. */
static const struct ball *read_gradients(struct work *w, const assay_run *in, const bool *present, size_t count)
{
    double *grads = work_alloc(w, in->steps, count * sizeof *grads);
    for (size_t k = 0; k < in->steps; k++)
        if (present[k] && !in->grads)
            work_fail(w, ASSAY_INVALID, "step %zu has a gradient, but there are no gradients", k);
        else if (present[k])
            memcpy(grads + k * count, in->grads + k * count, count * sizeof *grads);
    return read_numbers(w, grads, in->steps, count);
}

static void run_step(struct work *w, void *pointer)
{
    struct step_args *args = pointer;
    const assay_run *in = args->input;
    struct shape shape = read_shape(w, in->param);
    check_step(w, args);
    size_t count = shape_count(shape), steps = in->steps;
    if (args->dialect->nd != ASSAY_ND_ELEMENTWISE && shape.ndim < 2)
        work_fail(w, ASSAY_INVALID, "dialect '%s' takes matrices, not tensors of %zu dimensions", args->dialect->name,
                  shape.ndim);
    size_t moments = direction_moment_count(w, args->dialect, shape);
    for (size_t k = 0; k < moments && in->second_moment; k++)
        if (in->second_moment[k] < 0)
            work_fail(w, ASSAY_INVALID, "second_moment[%zu] = %g is negative", k, in->second_moment[k]);
    double *lr = work_alloc(w, steps, sizeof *lr);
    bool *present = work_alloc(w, steps, sizeof *present);
    for (size_t k = 0; k < steps; k++) {
        lr[k] = in->lr ? in->lr[k] : args->hyper->lr;
        present[k] = in->present ? in->present[k] : true;
    }
    args->run = (struct run){
        .dialect = args->dialect,
        .shape = shape,
        .steps = steps,
        .param = read_tensor(w, in->param),
        .grads = read_gradients(w, in, present, count),
        .momentum = read_numbers(w, in->momentum, 1, count),
        .moment = read_numbers(w, in->second_moment, 1, moments),
        .steps_before = in->steps_before,
        .lr = lr,
        .present = present,
        .beta = args->hyper->momentum,
        .weight_decay = args->hyper->weight_decay,
        .regulariser = args->hyper->regulariser,
        .weight = args->hyper->weight,
    };
    struct pairs *pairs[STEP_ANSWERS];
    for (size_t k = 0; k < STEP_ANSWERS; k++)
        pairs[k] = pairs_new(w, steps, k == 3 ? moments : count);
    assay_steps *after = args->after;
    bool extrapolates = after->queries.hi != NULL;
    struct ziv ziv = {args, extrapolates ? STEP_ANSWERS : STEP_ANSWERS - 1, evaluate_step, NULL};
    ziv_round(w, &ziv, w->options->bits, pairs);
    write_tensor(&after->params, pairs[0]);
    write_tensor(&after->updates, pairs[1]);
    write_tensor(&after->momentum, pairs[2]);
    write_tensor(&after->second_moment, pairs[3]);
    if (extrapolates)
        write_tensor(&after->queries, pairs[4]);
    if (args->unique)
        *args->unique = args->latest.unique;
}

assay_status assay_ref_step(assay_steps *after, bool *unique, const struct assay_dialect *dialect,
                            const assay_hyper *hyper, const assay_run *run, const assay_options *options)
{
    struct step_args args = {.after = after, .unique = unique, .dialect = dialect, .hyper = hyper, .input = run};
    return work_run(options, run_step, &args);
}

struct count_args {
    const struct assay_dialect *dialect;
    assay_tensor param;
    size_t count;
};

static void run_count(struct work *w, void *pointer)
{
    struct count_args *args = pointer;
    args->count = direction_moment_count(w, args->dialect, read_shape(w, args->param));
}

size_t assay_ref_moment_count(const struct assay_dialect *dialect, assay_tensor param)
{
    struct count_args args = {dialect, param, 0};
    return work_run(NULL, run_count, &args) == ASSAY_OK ? args.count : 0;
}
