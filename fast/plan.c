#include "plan.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CACHE_LINE = 64 };

/* ---- workspace --------------------------------------------------------------------------------------------------- */

void *arena_take(struct arena *arena, size_t count, size_t size)
{
    void *part = arena->base ? arena->base + arena->used : NULL;
    arena->used += (count * size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    return part;
}

struct arena arena_at(void *work)
{
    char *base = work;
    return (struct arena){base + (CACHE_LINE - (uintptr_t)base % CACHE_LINE) % CACHE_LINE, 0};
}

size_t arena_size(struct arena used)
{
    return used.used + CACHE_LINE - 1;
}

struct sums add_chunks(const struct sums *chunks, size_t count)
{
    struct sums all = {0};
    for (size_t k = 0; k < count; k++) {
        all.squares += chunks[k].squares;
        all.fourths += chunks[k].fourths;
    }
    return all;
}

struct sums sum_chunks(struct team *team, const assay_fast_plan *plan, const struct mix *y, struct sums *chunks)
{
    struct chunk c = {0};
    while (next_chunk(&c, team, plan))
        chunks[c.k] = plan->kernels->sums(y, c.from, c.to);
    team_meet(team);
    return add_chunks(chunks, chunk_count(plan->count));
}

bool share_memory(const float *x, size_t x_count, const float *y, size_t y_count)
{
    uintptr_t a = (uintptr_t)x, b = (uintptr_t)y;
    return a < b ? b - a < x_count * sizeof *x : a - b < y_count * sizeof *y;
}

bool overlap(const float *x, const float *y, size_t count, bool same)
{
    return x && y && !(same && x == y) && share_memory(x, count, y, count);
}

static size_t span(size_t rows, size_t cols, size_t stride)
{
    return (rows - 1) * stride + cols;
}

bool views_match(assay_fast_output to, assay_fast_input from)
{
    if (from.rows == 0 || from.cols == 0 || to.rows != from.rows || to.cols != from.cols || from.stride < from.cols ||
        to.stride < to.cols || !from.at || !to.at)
        return false;
    if (to.at == from.at)
        return to.stride == from.stride;
    return !share_memory(to.at, span(to.rows, to.cols, to.stride), from.at, span(from.rows, from.cols, from.stride));
}

bool all_finite(assay_fast_input x)
{
    bool finite = true;
    for (size_t i = 0; i < x.rows; i++)
        for (size_t j = 0; j < x.cols; j++)
            finite = finite && isfinite(x.at[i * x.stride + j]);
    return finite;
}

void scale_chunks(struct team *team, float *o, const assay_fast_plan *plan, double factor, const struct mix *y,
                  struct sums *chunks)
{
    struct chunk c = {0};
    while (next_chunk(&c, team, plan)) {
        double squares = plan->kernels->scale(o, factor, y, c.from, c.to);
        if (chunks)
            chunks[c.k].squares = stored_squares(plan->kernels, o, squares, c.from, c.to);
    }
    team_meet(team);
}

/* ---- which matrices a tensor is made of ---------------------------------------------------------------------------- */

static size_t product(const size_t *sizes, size_t from, size_t to)
{
    size_t product = 1;
    for (size_t k = from; k < to; k++)
        product *= sizes[k];
    return product;
}

static struct block_list whole(size_t rows, size_t cols)
{
    return (struct block_list){1, rows, cols, rows * cols, cols, 1};
}

static struct block_list last_two(const assay_fast_plan *p)
{
    size_t rows = p->shape[p->ndim - 2], cols = p->shape[p->ndim - 1];
    return (struct block_list){p->count / (rows * cols), rows, cols, rows * cols, cols, 1};
}

/* enum assay_nd and split_thirds. False where the dialect does not take the tensor; no blocks where it passes it by. */
static bool find_blocks(struct block_list *b, const assay_fast_plan *p)
{
    const struct assay_dialect *d = &p->dialect;
    const size_t *size = p->shape;
    bool elementwise = d->nd == ASSAY_ND_ELEMENTWISE && d->direction != ASSAY_DIRECTION_NEWTON_SCHULZ;
    *b = whole(p->count, 1);
    if (p->ndim < 2 || elementwise)
        return true;
    if (p->ndim == 2) {
        *b = whole(size[0], size[1]);
        if (d->split_thirds && size[0] == 3 * size[1])
            *b = (struct block_list){3, size[1], size[1], size[1] * size[1], size[1], 1};
        return true;
    }
    size_t positions = product(size, 2, p->ndim);
    switch (d->nd) {
    case ASSAY_ND_FLATTEN:
        *b = whole(size[0], p->count / size[0]);
        return true;
    case ASSAY_ND_FLATTEN_CONV:
        *b = p->ndim == 4 ? whole(size[0], p->count / size[0]) : last_two(p);
        return true;
    case ASSAY_ND_BYPASS_CONV:
        *b = p->ndim == 4 ? (struct block_list){0} : last_two(p);
        return true;
    case ASSAY_ND_BATCH:
        *b = last_two(p);
        return true;
    case ASSAY_ND_POSITIONS:
        *b = (struct block_list){positions, size[0], size[1], 1, size[1] * positions, positions};
        return true;
    default:
        return false;
    }
}

static size_t moments_of(const struct assay_dialect *d, const struct block_list *b)
{
    if (d->direction != ASSAY_DIRECTION_NEWTON_SCHULZ)
        return 0;
    switch (d->post) {
    case ASSAY_POST_NORMUON_ROWS:
        return b->rows;
    case ASSAY_POST_NORMUON_ASPECT:
        return b->rows >= b->cols ? b->rows : b->cols;
    case ASSAY_POST_ADAMUON:
        return b->rows * b->cols;
    default:
        return 0;
    }
}

/* enum assay_scale, enum assay_layout. */
static double scale_of(const assay_fast_plan *p)
{
    const struct assay_dialect *d = &p->dialect;
    double rows = (double)(p->blocks.count ? p->blocks.rows : p->count);
    double cols = (double)(p->blocks.count ? p->blocks.cols : 1);
    double out = d->layout == ASSAY_LAYOUT_IN_OUT ? cols : rows, in = d->layout == ASSAY_LAYOUT_IN_OUT ? rows : cols;
    if (p->ndim >= 2 && d->layout == ASSAY_LAYOUT_TAIL) {
        out = (double)p->shape[p->ndim - 2];
        in = (double)p->shape[p->ndim - 1];
    }
    if (p->ndim >= 2 && d->scale == ASSAY_SCALE_CONV_RATIO) {
        out = (double)p->shape[0];
        in = (double)p->shape[1];
    }
    double s = 1;
    switch (d->scale) {
    case ASSAY_SCALE_MAX1_RATIO:
        s = sqrt(fmax(1, out / in));
        break;
    case ASSAY_SCALE_RATIO:
        s = sqrt(out / in);
        break;
    case ASSAY_SCALE_SQRT_MAX:
        s = sqrt(fmax(out, in));
        break;
    case ASSAY_SCALE_CONV_RATIO:
        s = sqrt(out / in);
        for (size_t k = 2; k < p->ndim; k++)
            s /= (double)p->shape[2];
        break;
    default:
        break;
    }
    if (d->nd == ASSAY_ND_POSITIONS && p->ndim > 2)
        s /= sqrt((double)p->blocks.count);
    return s * d->scale_factor;
}

/* ---- plans ------------------------------------------------------------------------------------------------------- */

bool plan_iterates(const assay_fast_plan *plan)
{
    const struct assay_dialect *d = &plan->dialect;
    return (d->direction == ASSAY_DIRECTION_NEWTON_SCHULZ || d->direction == ASSAY_DIRECTION_COSH_RMS) &&
           assay_dialect_steps(d) > 0 && plan->blocks.count > 0;
}

/* How many threads are worth starting, and whether there are enough matrices to give each its own: starting a thread
 * takes as long as passing over some 10^4 entries or as 10^6 multiplications. */
static void hire(assay_fast_plan *p, unsigned most)
{
    const struct block_list *b = &p->blocks;
    double side = (double)(b->rows < b->cols ? b->rows : b->cols), size = (double)(b->rows * b->cols);
    double steps = plan_iterates(p) ? (double)(assay_dialect_steps(&p->dialect) * b->count) : 0;
    double shares = fmax((double)p->count / 65536, steps * side * (2 * size + side * side) / 2e6);
    most = most < MOST_THREADS ? most : MOST_THREADS;
    p->crew = shares < 2 ? 1 : shares < most ? (unsigned)shares : most;
    p->alone = b->count >= p->crew;
}

/* Whether the Gram form takes a tenth less than the direct one, by its multiplications. */
static bool gram_form_pays(const assay_fast_plan *p)
{
    double rows = (double)p->blocks.rows, cols = (double)p->blocks.cols, ratio = fmax(rows, cols) / fmin(rows, cols);
    double direct = (double)assay_dialect_steps(&p->dialect) * (3 * ratio + 1);
    return p->blocks.count > 0 && gram_cost(&p->dialect, (double)p->kernels->pair_speed, ratio) < 0.9 * direct;
}

static assay_status refuse(const assay_fast_options *options, assay_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static assay_status refuse(const assay_fast_options *options, assay_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (options->message && options->message_size > 0)
        vsnprintf(options->message, options->message_size, format, arguments);
    va_end(arguments);
    return status;
}

static assay_status check_shape(const assay_fast_options *options, size_t ndim, const size_t *shape)
{
    size_t most = SIZE_MAX / 4096; /* room for any workspace */
    if (ndim > MOST_DIMS)
        return refuse(options, ASSAY_INVALID, "%zu dimensions are more than %d", ndim, MOST_DIMS);
    for (size_t k = 0; k < ndim; k++) {
        if (shape[k] == 0)
            return refuse(options, ASSAY_INVALID, "the tensor is empty (dimension %zu is 0)", k);
        if (shape[k] > most)
            return refuse(options, ASSAY_INVALID, "the tensor is too large (from dimension %zu on)", k);
        most /= shape[k];
    }
    return ASSAY_OK;
}

static assay_status fill_plan(assay_fast_plan *p, const assay_fast_options *options)
{
    const struct assay_dialect *d = &p->dialect;
    p->count = product(p->shape, 0, p->ndim);
    if (!find_blocks(&p->blocks, p) || (d->nd != ASSAY_ND_ELEMENTWISE && p->ndim < 2))
        return refuse(options, ASSAY_INVALID, "dialect '%s' takes matrices, not tensors of %zu dimensions", d->name,
                      p->ndim);
    if (d->direction == ASSAY_DIRECTION_NEWTON_SCHULZ && assay_dialect_steps(d) == 0)
        return refuse(options, ASSAY_INVALID, "dialect '%s' has no Newton-Schulz iteration", d->name);
    if (d->direction == ASSAY_DIRECTION_LMO && lmo_takes_svd(d->norm) && p->blocks.count > 0 &&
        !svd_takes(p->blocks.rows, p->blocks.cols))
        return refuse(options, ASSAY_INVALID, "a matrix of %zu x %zu is too large for LAPACK", p->blocks.rows,
                      p->blocks.cols);
    p->tail = d->layout == ASSAY_LAYOUT_TAIL && p->ndim >= 2 ? last_two(p) : p->blocks;
    p->moments = moments_of(d, &p->tail);
    p->scale = scale_of(p);
    p->bf16 = options->arithmetic == ASSAY_FAST_BF16 ||
              (options->arithmetic == ASSAY_FAST_AS_DIALECT && d->arithmetic == ASSAY_BF16);
    hire(p, options->threads ? options->threads : team_processors());
    p->kernels = kernels_of(options->path, &p->path);
    if (!p->kernels)
        return refuse(options, ASSAY_INVALID, "this processor cannot run the path '%s'",
                      assay_fast_path_name(options->path));
    p->gram_form =
        p->bf16 && gram_joins_steps(d) &&
        (options->form == ASSAY_FAST_GRAM_FORM || (options->form == ASSAY_FAST_ANY_FORM && gram_form_pays(p)));
    return ASSAY_OK;
}

assay_status assay_fast_plan_new(assay_fast_plan **plan, const struct assay_dialect *dialect, size_t ndim,
                                 const size_t *shape, const assay_fast_options *options)
{
    static const assay_fast_options defaults = {0};
    options = options ? options : &defaults;
    assay_status status =
        dialect ? check_shape(options, ndim, shape) : refuse(options, ASSAY_INVALID, "there is no dialect");
    if (status != ASSAY_OK)
        return status;
    assay_fast_plan *p = calloc(1, sizeof *p);
    if (!p)
        return refuse(options, ASSAY_NO_MEMORY, "out of memory");
    p->dialect = *dialect;
    p->ndim = ndim;
    for (size_t k = 0; k < ndim; k++)
        p->shape[k] = shape[k];
    status = fill_plan(p, options);
    if (status == ASSAY_OK)
        *plan = p;
    else
        free(p);
    return status;
}

void assay_fast_plan_free(assay_fast_plan *plan)
{
    free(plan);
}

size_t assay_fast_moment_count(const assay_fast_plan *plan)
{
    return plan->dialect.direction == ASSAY_DIRECTION_ADAM ? plan->count : plan->tail.count * plan->moments;
}

enum assay_fast_path assay_fast_plan_path(const assay_fast_plan *plan)
{
    return plan->path;
}

bool assay_fast_plan_gram_form(const assay_fast_plan *plan)
{
    return plan->gram_form;
}

enum assay_fast_arithmetic assay_fast_plan_arithmetic(const assay_fast_plan *plan)
{
    return plan->bf16 ? ASSAY_FAST_BF16 : ASSAY_FAST_FP32;
}
