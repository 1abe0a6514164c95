/* Newton-Schulz iterations of any coefficients.
 *
 * X, r x c with r <= c (a tall matrix is transposed), is u / d (d in binary64), rounded to fp32, and in bf16 from there to
 * bf16. A step is
 *
 *     A = X X^T,   S = b A + c A A,   Y = a X + S X   (without c: Y = a X + b (A X)),
 *
 * where A and S are symmetric: half of their entries are computed. In fp32 an entry of a product of depth n has an error of
 * at most gamma(n + 5) (|alpha| |A| |B| + |beta| |D|), gamma(k) = k u / (1 - k u), whatever the order of the sum and whether
 * fused or not; in bf16 each of X, A, S and Y is rounded besides, 2^-8 relatively. tests/test_fast_newton_schulz.c carries
 * that through a step, entry by entry, and holds every path to it. So it does with the Gram form, see gram_form.c. */
#include "iteration.h"

#include <lapacke.h>
#include <math.h>
#include <string.h>

/* Of the lengths of rows in equilibration: enum assay_pre. */
static const double ROW_FLOOR = 1e-6;

/* Rows a power of two apart would share cache sets; pairs of bf16 numbers need an even stride. */
static size_t padded(size_t cols)
{
    size_t stride = (cols + 15) / 16 * 16;
    return stride % 256 == 0 ? stride + 16 : stride;
}

struct oriented orient(const struct block_list *b)
{
    bool turned = b->rows > b->cols;
    size_t longer = turned ? b->rows : b->cols;
    return (struct oriented){turned ? b->cols : b->rows, longer, padded(longer), turned};
}

static bool takes_gram(const struct assay_dialect *d)
{
    return d->normalisation == ASSAY_NORMALISE_SPECTRAL || d->normalisation == ASSAY_NORMALISE_SCHATTEN ||
           d->normalisation == ASSAY_NORMALISE_AOL;
}

/* The workspace of one matrix. */
static struct iteration_work iteration_work(struct arena *arena, const assay_fast_plan *plan)
{
    struct oriented o = orient(&plan->blocks);
    size_t size = plan->bf16 ? sizeof(uint16_t) : sizeof(float), square = o.short_side * padded(o.short_side);
    size_t small = plan->gram_form ? sizeof(float) : size;
    size_t gram = gemm_work(plan->kernels, o.short_side, o.short_side, o.long_side);
    size_t last = gemm_work(plan->kernels, o.short_side, o.long_side, o.short_side);
    bool spectral = plan->dialect.normalisation == ASSAY_NORMALISE_SPECTRAL;
    struct iteration_work w;
    w.x = arena_take(arena, o.short_side * o.stride, size);
    w.y = arena_take(arena, o.short_side * o.stride, size);
    w.gram = arena_take(arena, square, small);
    w.sum = arena_take(arena, square, small);
    w.power = arena_take(arena, plan->gram_form ? square : 0, small);
    w.spare = arena_take(arena, plan->gram_form ? square : 0, small);
    w.rows = arena_take(arena, plan->blocks.rows + plan->blocks.cols, sizeof(double));
    w.eigen = arena_take(arena, spectral ? o.short_side * (o.short_side + 4) : 0, sizeof(double));
    w.products = arena_take(arena, gram > last ? gram : last, sizeof(float));
    return w;
}

static struct operand operand(const struct iteration *it, void *at, size_t stride)
{
    return (struct operand){at, stride, it->plan->bf16};
}

struct operand square_operand(const struct iteration *it, void *at, bool bf16)
{
    return (struct operand){at, padded(it->o.short_side), bf16};
}

/* ---- before the iteration ------------------------------------------------------------------------------------- */

/* rows[i] = ||u_i||^2. */
static void measure_rows(const struct iteration *it)
{
    const struct block_list *b = &it->plan->blocks;
    size_t i;
    while ((i = team_next(it->team)) < b->rows) {
        const float *row = it->from + i * b->row_stride;
        double sum = 0;
        if (b->col_stride == 1)
            sum = it->plan->kernels->sums(&(struct mix){.m = row, .of_m = 1}, 0, b->cols).squares;
        else
            for (size_t j = 0; j < b->cols; j++)
                sum += (double)row[j * b->col_stride] * row[j * b->col_stride];
        it->work->rows[i] = sum;
    }
    team_meet(it->team);
}

/* What equilibration multiplies row i by, where `total` is ||u||^2. */
static double row_factor(const struct iteration *it, size_t i, double total)
{
    if (it->plan->dialect.pre != ASSAY_PRE_EQUILIBRATE)
        return 1;
    return sqrt(total / (double)it->plan->blocks.rows) / fmax(sqrt(it->work->rows[i]), ROW_FLOOR);
}

/* 1 / d, and 0 for 0 / 0 where the dialect takes that for 0. */
static double inverse(const struct assay_dialect *d, double divisor)
{
    return divisor == 0 && d->nan_to_zero ? 0 : 1 / divisor;
}

enum {
    SQUARE = 32, /* of entries that are read and written together, so that one of both is by rows */
    PIECE = 512  /* of a row, which stays in the first cache */
};

/* Entries of X from those of u times `factor` and its row's factor: of columns of X from `first` on. */
static void load_columns(const struct iteration *it, size_t first, double factor, double total)
{
    const struct block_list *b = &it->plan->blocks;
    const struct operand x = operand(it, it->work->x, it->o.stride);
    size_t down = it->o.turned ? b->col_stride : b->row_stride, across = it->o.turned ? b->row_stride : b->col_stride;
    size_t end = first + SQUARE < it->o.long_side ? first + SQUARE : it->o.long_side;
    double of_column[SQUARE];
    for (size_t j = first; j < end && it->o.turned; j++)
        of_column[j - first] = factor * row_factor(it, j, total);
    for (size_t i = 0; i < it->o.short_side; i++) {
        double of_row = it->o.turned ? 0 : factor * row_factor(it, i, total);
        for (size_t j = first; j < end; j++)
            put(&x, i, j, (float)((it->o.turned ? of_column[j - first] : of_row) * it->from[i * down + j * across]));
    }
}

/* Row i of X likewise, where it is one of u without gaps. */
static void load_row(const struct iteration *it, size_t i, double factor)
{
    const struct kernels *kernels = it->plan->kernels;
    size_t cols = it->o.long_side, place = i * it->o.stride;
    struct mix row = {.m = it->from + i * it->plan->blocks.row_stride, .of_m = 1};
    if (!it->plan->bf16)
        kernels->scale((float *)it->work->x + place, factor, &row, 0, cols);
    for (size_t first = 0; first < cols && it->plan->bf16; first += PIECE, row.m += PIECE) {
        size_t count = cols - first < PIECE ? cols - first : PIECE;
        float piece[PIECE];
        kernels->scale(piece, factor, &row, 0, count);
        kernels->finish_halves((uint16_t *)it->work->x + place + first, piece, NULL,
                               &(struct finish){.alpha = 1, .rows = 1, .cols = count});
    }
}

static bool rows_without_gaps(const struct iteration *it)
{
    return !it->o.turned && it->plan->blocks.col_stride == 1;
}

static void load_matrix(const struct iteration *it, double factor, double total)
{
    size_t share;
    if (rows_without_gaps(it))
        while ((share = team_next(it->team)) < it->o.short_side)
            load_row(it, share, factor * row_factor(it, share, total));
    else
        while ((share = team_next(it->team) * SQUARE) < it->o.long_side)
            load_columns(it, share, factor, total);
    team_meet(it->team);
}

void gram(const struct iteration *it, const struct operand *a, const struct operand *x)
{
    gemm(it->team, &(struct gemm){.kernels = it->plan->kernels,
                                  .m = it->o.short_side,
                                  .n = it->o.short_side,
                                  .depth = it->o.long_side,
                                  .alpha = 1,
                                  .a = *x,
                                  .b = *x,
                                  .c = *a,
                                  .b_transposed = true,
                                  .symmetric = true,
                                  .work = it->work->products});
}

/* The largest eigenvalue of A = X X^T, which is stored in binary64 by one thread; NaN if LAPACK does not find it. */
static double largest_eigenvalue(const struct iteration *it, const struct operand *a)
{
    size_t n = it->o.short_side;
    double *matrix = it->work->eigen, *values = matrix + n * n;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            matrix[i * n + j] = get(a, i, j);
    int info = LAPACKE_dsyev_work(LAPACK_COL_MAJOR, 'N', 'U', (int)n, matrix, (int)n, values, values + n, (int)(3 * n));
    return info == 0 ? values[n - 1] : NAN;
}

/* Row i of X, which is u / ||u||, times these factors, by norms that are made of A = X X^T. */
static void normalise_by_gram(const struct iteration *it, double norm)
{
    const struct assay_dialect *d = &it->plan->dialect;
    const struct operand x = operand(it, it->work->x, it->o.stride), a = square_operand(it, it->work->gram, x.bf16);
    double *factor = it->work->rows + it->plan->blocks.rows, sum;
    size_t n = it->o.short_side, i;
    gram(it, &a, &x);
    while ((i = team_next(it->team)) < n) {
        sum = 0;
        for (size_t j = 0; j < n; j++)
            sum += d->normalisation == ASSAY_NORMALISE_AOL ? fabs(get(&a, i, j)) : pow(get(&a, i, j), 2);
        factor[i] = sum;
    }
    team_meet(it->team);
    sum = 0;
    for (i = 0; i < n; i++)
        sum += factor[i];
    team_meet(it->team);
    if (d->normalisation == ASSAY_NORMALISE_SPECTRAL && team_next(it->team) == 0)
        factor[0] = largest_eigenvalue(it, &a);
    team_meet(it->team);
    double by = d->normalisation == ASSAY_NORMALISE_SPECTRAL ? norm * sqrt(factor[0]) + d->eps
                                                             : sqrt(fmax(norm * norm * sqrt(sum), d->eps));
    while ((i = team_next(it->team)) < n) {
        double own = d->normalisation == ASSAY_NORMALISE_AOL ? sqrt(fmax(norm * norm * factor[i], d->eps)) : by;
        for (size_t j = 0; j < it->o.long_side; j++)
            put(&x, i, j, (float)(norm * inverse(d, own) * get(&x, i, j)));
    }
    team_meet(it->team);
}

static void normalise(const struct iteration *it)
{
    const struct assay_dialect *d = &it->plan->dialect;
    double total = 0, squares = 0;
    measure_rows(it);
    for (size_t i = 0; i < it->plan->blocks.rows; i++)
        total += it->work->rows[i];
    for (size_t i = 0; i < it->plan->blocks.rows; i++) {
        double factor = row_factor(it, i, total);
        squares += factor * factor * it->work->rows[i];
    }
    double norm = sqrt(squares), by = d->norm_factor * norm;
    if (takes_gram(d)) {
        load_matrix(it, norm == 0 ? 0 : 1 / norm, total);
        normalise_by_gram(it, norm);
        return;
    }
    by = d->normalisation == ASSAY_NORMALISE_ADD ? by + d->eps : by >= d->eps ? by : isnan(by) ? by : d->eps;
    load_matrix(it, inverse(d, by), total);
}

/* ---- the iteration -------------------------------------------------------------------------------------------- */

void multiply(const struct iteration *it, const struct operand *c, double alpha, const struct operand *a,
              const struct operand *b, double beta, const struct operand *d, unsigned what)
{
    gemm(it->team, &(struct gemm){.kernels = it->plan->kernels,
                                  .m = it->o.short_side,
                                  .n = what & SYMMETRIC ? it->o.short_side : it->o.long_side,
                                  .depth = it->o.short_side,
                                  .alpha = (float)alpha,
                                  .beta = (float)beta,
                                  .a = *a,
                                  .b = *b,
                                  .c = *c,
                                  .d = d ? *d : (struct operand){0},
                                  .a_symmetric = true,
                                  .symmetric = what & SYMMETRIC,
                                  .same_a = what & SAME_A,
                                  .same_b = what & SAME_B,
                                  .work = it->work->products});
}

void direct_step(const struct iteration *it, struct assay_triple p, const struct operand *x, const struct operand *y)
{
    struct operand a = square_operand(it, it->work->gram, x->bf16), s = square_operand(it, it->work->sum, x->bf16);
    gram(it, &a, x);
    if (p.c != 0)
        multiply(it, &s, p.c, &a, &a, p.b, &a, SYMMETRIC);
    multiply(it, y, p.c != 0 ? 1 : p.b, p.c != 0 ? &s : &a, x, p.a, x, 0);
}

static void store_matrix(const struct iteration *it, const struct operand *x)
{
    const struct block_list *b = &it->plan->blocks;
    size_t down = it->o.turned ? b->col_stride : b->row_stride, across = it->o.turned ? b->row_stride : b->col_stride;
    size_t first, i;
    while (rows_without_gaps(it) && (i = team_next(it->team)) < it->o.short_side)
        if (x->bf16)
            for (size_t j = 0; j < it->o.long_side; j++)
                it->to[i * down + j] = get(x, i, j);
        else
            memcpy(it->to + i * down, (const float *)x->at + i * x->stride, it->o.long_side * sizeof *it->to);
    while (!rows_without_gaps(it) && (first = team_next(it->team) * SQUARE) < it->o.long_side)
        for (i = 0; i < it->o.short_side; i++)
            for (size_t j = first; j < first + SQUARE && j < it->o.long_side; j++)
                it->to[i * down + j * across] = get(x, i, j);
    team_meet(it->team);
}

static void iterate_one(const struct iteration *it)
{
    const struct assay_dialect *d = &it->plan->dialect;
    struct operand x = operand(it, it->work->x, it->o.stride), y = operand(it, it->work->y, it->o.stride);
    normalise(it);
    for (size_t k = 0; k < assay_dialect_steps(d);) {
        if (it->plan->gram_form)
            k = gram_steps(it, k, &x, &y);
        else
            direct_step(it, assay_dialect_triple(d, k++), &x, &y);
        swap(&x, &y);
    }
    store_matrix(it, &x);
}

size_t iterate_work(const assay_fast_plan *plan)
{
    struct arena one = {0};
    iteration_work(&one, plan);
    return one.used * (plan->alone ? plan->crew : 1);
}

void iterate(struct team *team, float *o, const assay_fast_plan *plan, const float *u, struct arena arena)
{
    struct team solo = {.size = 1};
    size_t rank = team_next(team), k = 0, each = iterate_work(plan) / plan->crew;
    team_meet(team);
    arena.used += plan->alone ? rank * each : 0;
    struct iteration_work work = iteration_work(&arena, plan);
    struct iteration it = {plan->alone ? &solo : team, plan, &work, orient(&plan->blocks), u, o};
    while ((k = plan->alone ? team_next(team) : k) < plan->blocks.count) {
        it.from = u + k * plan->blocks.apart;
        it.to = o + k * plan->blocks.apart;
        iterate_one(&it);
        k++;
    }
    team_meet(team);
}

/* ---- the public function ---------------------------------------------------------------------------------------- */

struct newton_schulz_args {
    float *o;
    const assay_fast_plan *plan;
    const float *u;
    struct arena arena;
    struct sums *chunks;
    double *vectors;
};

static void run_newton_schulz(struct team *team, void *pointer)
{
    const struct newton_schulz_args *args = pointer;
    struct assay_fast_plan plain = *args->plan; /* without second moments */
    plain.dialect.post = ASSAY_POST_NONE;
    if (plain.blocks.count == 0)
        scale_chunks(team, args->o, &plain, 1, &(struct mix){.m = args->u, .of_m = 1}, NULL);
    else
        iterate(team, args->o, &plain, args->u, args->arena);
    finish_direction(team, args->o, NULL, &plain, args->u, args->vectors);
    sum_chunks(team, &plain, &(struct mix){.m = args->o, .of_m = 1}, args->chunks);
}

assay_status assay_fast_newton_schulz(float *o, const assay_fast_plan *plan, const float *u, void *work)
{
    struct newton_schulz_args args = {.o = o, .plan = plan, .u = u, .arena = arena_at(work)};
    if (plan->dialect.direction != ASSAY_DIRECTION_NEWTON_SCHULZ || overlap(o, u, plan->count, true))
        return ASSAY_INVALID;
    args.chunks = arena_take(&args.arena, chunk_count(plan->count), sizeof *args.chunks);
    args.vectors = arena_take(&args.arena, finish_work(plan), sizeof *args.vectors);
    team_run(plan->crew, run_newton_schulz, &args);
    return isfinite(add_chunks(args.chunks, chunk_count(plan->count)).squares) ? ASSAY_OK : ASSAY_NOT_FINITE;
}
