#include "momentum.h"

#include "blocks.h"
#include "interface.h"
#include "ziv.h"

#include <math.h>

/* a x + b y, to prec bits, or exactly. */
static struct ball *combine(struct work *w, const struct assay_dialect *d, const struct ball *a, const struct ball *x,
                            const struct ball *b, const struct ball *y, mpfr_prec_t prec)
{
    if (prec == 0 && !(ball_is_exact(x) && ball_is_exact(y)))
        work_fail(w, ASSAY_INVALID, "the exact LMO of '%s' needs a momentum that is known exactly", d->name);
    struct work_block *mark = work_mark(w);
    struct ball *by = ball_new(w, y->rows, y->cols, prec ? prec : b->prec + y->prec), *c;
    ball_mul(by, b, y);
    if (prec == 0)
        return work_keep(w, mark, ball_exact_axpy(w, a, x, by));
    c = ball_new(w, x->rows, x->cols, prec);
    ball_mul(c, a, x);
    ball_add(c, c, by);
    return work_keep(w, mark, c);
}

/* 1 - x, exactly. */
static struct ball *complement(struct work *w, double x)
{
    const struct ball *one = ball_from_integer(w, 1);
    return ball_exact_axpy(w, ball_from_double(w, -x), one, one);
}

struct ball *bias_correction(struct work *w, double beta, size_t k, mpfr_prec_t prec)
{
    struct ball *square = ball_copy(w, ball_from_double(w, beta), prec), *power = ball_new(w, 1, 1, prec);
    const struct ball *one = ball_from_integer(w, 1);
    ball_set(power, one);
    for (; k > 0; k /= 2) {
        if (k % 2)
            ball_mul(power, square, power);
        ball_mul(square, square, square);
    }
    ball_sub(power, one, power);
    return power;
}

/* x / (1 - beta^k) */
static struct ball *unbias(struct work *w, const struct ball *x, double beta, size_t k, mpfr_prec_t prec)
{
    struct ball *c = ball_new(w, x->rows, x->cols, prec);
    ball_div(c, x, bias_correction(w, beta, k, prec));
    return c;
}

struct ball *momentum_next(struct work *w, const struct assay_dialect *d, double beta, size_t t, const struct ball *m,
                           const struct ball *g, mpfr_prec_t prec)
{
    if (d->momentum == ASSAY_MOMENTUM_NONE)
        return ball_copy(w, m, m->prec);
    bool heavy = d->momentum == ASSAY_MOMENTUM_HEAVY_BALL;
    if (heavy && d->dampening != 0 && t == 1)
        return ball_copy(w, g, g->prec);
    struct work_block *mark = work_mark(w);
    const struct ball *fresh = complement(w, heavy ? d->dampening : beta);
    return work_keep(w, mark, combine(w, d, ball_from_double(w, beta), m, fresh, g, prec));
}

struct ball *nesterov(struct work *w, const struct assay_dialect *d, double beta, size_t t, const struct ball *m,
                      const struct ball *g, mpfr_prec_t prec)
{
    struct work_block *mark = work_mark(w);
    const struct ball *one = ball_from_integer(w, 1), *decay = ball_from_double(w, beta), *fresh = complement(w, beta);
    if (d->momentum == ASSAY_MOMENTUM_NONE || d->nesterov == ASSAY_NESTEROV_RAW)
        return work_keep(w, mark, ball_copy(w, g, g->prec));
    bool divides = d->nesterov == ASSAY_NESTEROV_NADAM || d->nesterov == ASSAY_NESTEROV_UNBIASED;
    if (divides && prec == 0)
        work_fail(w, ASSAY_INVALID, "the exact LMO of '%s' does not go with a bias-corrected momentum", d->name);
    switch (d->nesterov) {
    case ASSAY_NESTEROV_LERP:
        return work_keep(w, mark, combine(w, d, decay, m, fresh, g, prec));
    case ASSAY_NESTEROV_ADD:
        return work_keep(w, mark, combine(w, d, decay, m, one, g, prec));
    case ASSAY_NESTEROV_SUM:
        return work_keep(w, mark, combine(w, d, one, m, one, g, prec));
    case ASSAY_NESTEROV_NADAM:
        return work_keep(
            w, mark, combine(w, d, decay, unbias(w, m, beta, t + 1, prec), fresh, unbias(w, g, beta, t, prec), prec));
    case ASSAY_NESTEROV_UNBIASED:
        return work_keep(w, mark, unbias(w, m, beta, t, prec));
    default:
        return work_keep(w, mark, ball_copy(w, m, m->prec));
    }
}

/* ---- the public function ---------------------------------------------------------------------------------------- */

struct momentum_args {
    assay_tensor_answer *next, *u;
    const struct assay_dialect *dialect;
    const assay_hyper *hyper;
    assay_tensor momentum, grad;
    const double *param;
    size_t step;
    const struct ball *m, *g, *p;
};

static void evaluate_momentum(struct work *w, void *problem, long bits, struct ball **answers)
{
    const struct momentum_args *args = problem;
    const struct assay_dialect *d = args->dialect;
    mpfr_prec_t prec = bits + 64;
    const struct ball *g = args->g;
    if (d->decay == ASSAY_DECAY_L2 && args->p) {
        struct ball *sum = ball_new(w, 1, g->cols, prec);
        ball_mul(sum, ball_from_double(w, args->hyper->weight_decay), args->p);
        ball_add(sum, sum, g);
        g = sum;
    }
    answers[0] = momentum_next(w, d, args->hyper->momentum, args->step, args->m, g, prec);
    answers[1] = nesterov(w, d, args->hyper->momentum, args->step, answers[0], g, prec);
}

static bool same_shape(struct shape a, struct shape b)
{
    bool same = a.ndim == b.ndim;
    for (size_t k = 0; k < a.ndim && same; k++)
        same = a.size[k] == b.size[k];
    return same;
}

static void run_momentum(struct work *w, void *pointer)
{
    struct momentum_args *args = pointer;
    struct shape shape = read_shape(w, args->grad);
    size_t count = shape_count(shape);
    if (!same_shape(read_shape(w, args->momentum), shape))
        work_fail(w, ASSAY_INVALID, "momentum and gradient have different shapes");
    check_hyper(w, args->hyper);
    if (args->step == 0)
        work_fail(w, ASSAY_INVALID, "steps are counted from 1");
    if (args->dialect->decay == ASSAY_DECAY_L2 && args->hyper->weight_decay != 0 && !args->param)
        work_fail(w, ASSAY_INVALID, "dialect '%s' adds the weight decay to the gradient and needs the parameter",
                  args->dialect->name);
    args->m = read_tensor(w, args->momentum);
    args->g = read_tensor(w, args->grad);
    args->p = args->param ? read_numbers(w, args->param, 1, count) : NULL;
    struct pairs *pairs[] = {pairs_new(w, 1, count), pairs_new(w, 1, count)};
    struct ziv ziv = {args, 2, evaluate_momentum, NULL};
    ziv_round(w, &ziv, w->options->bits, pairs);
    write_tensor(args->next, pairs[0]);
    write_tensor(args->u, pairs[1]);
}

assay_status assay_ref_momentum(assay_tensor_answer *next, assay_tensor_answer *u, const struct assay_dialect *dialect,
                                const assay_hyper *hyper, assay_tensor momentum, assay_tensor grad, const double *param,
                                size_t step, const assay_options *options)
{
    struct momentum_args args = {.next = next,
                                 .u = u,
                                 .dialect = dialect,
                                 .hyper = hyper,
                                 .momentum = momentum,
                                 .grad = grad,
                                 .param = param,
                                 .step = step};
    return work_run(options, run_momentum, &args);
}
