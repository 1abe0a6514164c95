#include "direction.h"

#include "cosh_rms.h"
#include "interface.h"
#include "lmo.h"
#include "momentum.h"
#include "newton_schulz.h"
#include "post.h"
#include "ziv.h"

/* Those of the last two dimensions, where the scale is theirs too. */
struct blocks direction_post_blocks(struct work *w, const struct assay_dialect *d, struct shape shape)
{
    return d->layout == ASSAY_LAYOUT_TAIL && shape.ndim >= 2 ? blocks_of_tail(w, shape) : blocks_of(w, d, shape);
}

size_t direction_moment_count(struct work *w, const struct assay_dialect *d, struct shape shape)
{
    if (d->direction == ASSAY_DIRECTION_ADAM)
        return shape_count(shape);
    if (d->direction != ASSAY_DIRECTION_NEWTON_SCHULZ)
        return 0;
    struct work_block *mark = work_mark(w);
    struct blocks blocks = direction_post_blocks(w, d, shape);
    size_t count = 0;
    for (size_t k = 0; k < blocks.count; k++)
        count += post_moment_count(d, blocks.each[k].rows, blocks.each[k].cols);
    work_release(w, mark);
    return count;
}

/* The tensor that has these matrices for its blocks, and elsewhere what `rest` has. */
static struct ball *assemble(struct work *w, const struct blocks *blocks, struct ball **matrix, const struct ball *rest,
                             mpfr_prec_t prec)
{
    for (size_t k = 0; k < blocks->count; k++)
        prec = matrix[k]->prec > prec ? matrix[k]->prec : prec;
    struct ball *tensor = ball_copy(w, rest, prec);
    for (size_t k = 0; k < blocks->count; k++)
        block_put(tensor, &blocks->each[k], matrix[k]);
    if (blocks->count)
        tensor->radius = MAG_INF;
    ball_tighten(tensor);
    return tensor;
}

static struct ball *iterate(struct work *w, const struct assay_dialect *d, struct shape shape, const struct ball *u,
                            mpfr_prec_t prec)
{
    struct blocks blocks = blocks_of(w, d, shape);
    struct ball **matrix = work_alloc(w, blocks.count, sizeof *matrix);
    for (size_t k = 0; k < blocks.count; k++)
        matrix[k] = newton_schulz(w, d, block_get(w, u, &blocks.each[k]), prec);
    return assemble(w, &blocks, matrix, u, prec);
}

static struct ball *finish(struct work *w, const struct assay_dialect *d, struct shape shape, const struct ball *o,
                           const struct ball *u, struct ball *moment, mpfr_prec_t prec)
{
    struct blocks blocks = direction_post_blocks(w, d, shape), iterated = blocks_of(w, d, shape);
    struct ball **matrix = work_alloc(w, blocks.count, sizeof *matrix);
    size_t from = 0;
    for (size_t k = 0; k < blocks.count; k++) {
        const struct block *b = &blocks.each[k];
        /* As many matrices of as many rows have as many columns; and rows as far apart, the same places. */
        bool own = blocks.count == iterated.count && b->rows == iterated.each[k].rows &&
                   b->row_stride == iterated.each[k].row_stride;
        size_t count = post_moment_count(d, b->rows, b->cols), *place = work_alloc(w, count, sizeof *place);
        for (size_t l = 0; l < count; l++)
            place[l] = from++;
        struct ball *v = ball_gather(w, moment, NULL, 1, place, count);
        matrix[k] = post(w, d, block_get(w, o, b), block_get(w, u, b), own, v, prec);
        ball_scatter(moment, NULL, place, v);
    }
    moment->radius = MAG_INF;
    ball_tighten(moment);
    return assemble(w, &blocks, matrix, o, prec);
}

static struct ball *minimise(struct work *w, const struct assay_dialect *d, struct shape shape, const struct ball *u,
                             mpfr_prec_t prec, bool *unique)
{
    struct blocks blocks = blocks_of(w, d, shape);
    struct ball **matrix = work_alloc(w, blocks.count, sizeof *matrix);
    if (!ball_is_exact(u))
        work_fail(w, ASSAY_INVALID, "the exact LMO of '%s' needs a momentum that is known exactly", d->name);
    for (size_t k = 0; k < blocks.count; k++) {
        struct lmo_problem *problem = lmo_problem_new(w, block_get(w, u, &blocks.each[k]), d->norm);
        struct lmo l = lmo_evaluate(w, problem, prec);
        lmo_settle(w, problem, l.o);
        *unique = *unique && l.unique;
        matrix[k] = l.o;
    }
    return assemble(w, &blocks, matrix, u, prec);
}

/* m-hat / (sqrt(v-hat) + eps), m-hat = m / (1 - beta^t), v-hat = v / (1 - beta2^t). Adam's v is made of g, not of u, so
 * the caller has brought `moment` up to date. */
static struct ball *adam_ratio(struct work *w, const struct assay_dialect *d, const struct ball *m,
                               const struct ball *moment, size_t t, double beta, mpfr_prec_t prec)
{
    struct ball *o = ball_new(w, 1, m->cols, prec), *root = ball_new(w, 1, m->cols, prec);
    struct ball *eps = ball_new(w, 1, m->cols, 53);
    for (size_t k = 0; k < m->cols; k++) {
        mpfr_set_d(eps->at + k, d->adam_eps, MPFR_RNDN);
        if (d->adam_eps == 0 && mpfr_zero_p(moment->at + k) && mag_is_zero(moment->error[k]))
            work_fail(w, ASSAY_UNDEFINED, "entry %zu has no gradient yet, and there is no eps: 0 / 0", k);
    }
    ball_div(root, moment, bias_correction(w, d->beta2, t, prec));
    ball_sqrt(root, root);
    ball_add(root, root, eps);
    ball_div(o, m, bias_correction(w, beta, t, prec));
    ball_div_entries(o, o, root);
    return o;
}

void check_direction(struct work *w, const struct assay_dialect *d)
{
    if (d->direction == ASSAY_DIRECTION_NEWTON_SCHULZ && assay_dialect_steps(d) == 0)
        work_fail(w, ASSAY_INVALID, "dialect '%s' has no Newton-Schulz iteration", d->name);
}

struct ball *direction(struct work *w, const struct assay_dialect *d, struct shape shape, const struct ball *u,
                       struct ball *moment, size_t t, double beta, mpfr_prec_t prec, bool *unique)
{
    struct work_block *mark = work_mark(w);
    bool iterates = assay_dialect_steps(d) > 0;
    switch (d->direction) {
    case ASSAY_DIRECTION_NEWTON_SCHULZ: {
        const struct ball *o = iterate(w, d, shape, u, prec);
        return work_keep(w, mark, finish(w, d, shape, o, u, moment, prec));
    }
    case ASSAY_DIRECTION_COSH_RMS:
        return work_keep(w, mark, cosh_rms(w, d, iterates ? iterate(w, d, shape, u, prec) : u, prec));
    case ASSAY_DIRECTION_LMO:
        return work_keep(w, mark, minimise(w, d, shape, u, prec, unique));
    case ASSAY_DIRECTION_ADAM:
        return work_keep(w, mark, adam_ratio(w, d, u, moment, t, beta, prec));
    default:
        return work_keep(w, mark, ball_copy(w, u, u->prec));
    }
}

/* ---- the public function ---------------------------------------------------------------------------------------- */

struct direction_args {
    assay_tensor_answer *o;
    struct assay_dialect dialect; /* a copy, without second moments */
    enum assay_direction wanted;
    assay_tensor u;
    struct shape shape;
    const struct ball *input;
};

static void evaluate_direction(struct work *w, void *problem, long bits, struct ball **answers)
{
    const struct direction_args *args = problem;
    bool unique;
    struct ball *none = ball_new(w, 1, 0, 2);
    answers[0] = direction(w, &args->dialect, args->shape, args->input, none, 1, 0, bits + 32, &unique);
}

static void run_direction(struct work *w, void *pointer)
{
    struct direction_args *args = pointer;
    const struct assay_dialect *d = &args->dialect;
    if (d->direction != args->wanted)
        work_fail(w, ASSAY_INVALID, "dialect '%s' has no cosh-RMS direction", d->name);
    check_direction(w, d);
    args->shape = read_shape(w, args->u);
    blocks_of(w, d, args->shape); /* refuses tensors that the dialect does not take */
    args->input = read_tensor(w, args->u);
    struct pairs *o = pairs_new(w, 1, args->input->cols);
    struct ziv ziv = {args, 1, evaluate_direction, NULL};
    ziv_round(w, &ziv, w->options->bits, &o);
    write_tensor(args->o, o);
}

assay_status assay_ref_newton_schulz(assay_tensor_answer *o, const struct assay_dialect *dialect, assay_tensor u,
                                     const assay_options *options)
{
    struct direction_args args = {.o = o, .dialect = *dialect, .wanted = ASSAY_DIRECTION_NEWTON_SCHULZ, .u = u};
    args.dialect.direction = ASSAY_DIRECTION_NEWTON_SCHULZ;
    args.dialect.post = ASSAY_POST_NONE;
    return work_run(options, run_direction, &args);
}

assay_status assay_ref_cosh_rms(assay_tensor_answer *o, const struct assay_dialect *dialect, assay_tensor u,
                                const assay_options *options)
{
    struct direction_args args = {.o = o, .dialect = *dialect, .wanted = ASSAY_DIRECTION_COSH_RMS, .u = u};
    return work_run(options, run_direction, &args);
}
