/* Products by panels (Goto & van de Geijn 2008): for each range of the depth, the team copies A into panels of `tall` rows
 * and B into panels of `wide` columns, as the micro-kernel reads them, then shares out blocks of C. Sums that go on in the
 * next range wait in a workspace of tiles, so that C is written once. */
#include "gemm.h"

#include <string.h>

enum {
    /* Of panels, in floats or pairs: those of a share of C stay in the second cache. Half of that, for a panel of A to stay in
     * the first, takes longer where sums must then wait for a next range: by a twentieth for 1024 x 1024 floats. */
    DEPTH = 1024,
    BLOCK_TALL = 2,  /* panels of a share of C: with AVX-512 24 x 128 entries, with AMX 64 x 128, */
    BLOCK_WIDE = 4,  /* so that there are enough shares for a few threads */
    SMALL = 256,     /* sides of matrices that are read where they are: their rows share few pages */
    MOST_TILE = 1024 /* floats of the largest tile: 32 x 32 */
};

static size_t up_div(size_t x, size_t y)
{
    return (x + y - 1) / y;
}

/* ---- panels ----------------------------------------------------------------------------------------------------- */

/* A panel of `width` columns, the `count` from `first` on, of rows from .. from + depth - 1 of a matrix: `flat` if it is
 * stored by rows, else it is stored by columns. */
struct panel {
    float *to;
    size_t width, first, count, from, depth;
    bool flat;
    size_t deep; /* so many pairs of a column lie together: see kernels.h */
};

static void pack_floats(const struct kernels *kernels, const struct operand *x, const struct panel *p)
{
    const float *at = x->at;
    if (p->flat)
        kernels->copy(p->to, p->width, at + p->from * x->stride + p->first, x->stride, p->count, p->depth);
    else
        kernels->turn(p->to, p->width, at + p->first * x->stride + p->from, x->stride, p->count, p->depth);
}

static void pack_widened(const struct operand *x, const struct panel *p)
{
    const uint16_t *at = x->at;
    size_t down = p->flat ? x->stride : 1, across = p->flat ? 1 : x->stride;
    for (size_t k = 0; k < p->depth; k++)
        for (size_t i = 0; i < p->count; i++)
            p->to[k * p->width + i] = float_of(at[(p->from + k) * down + (p->first + i) * across]);
}

/* Where a panel has pair k of column i. */
static float *place_of_pair(const struct panel *p, size_t k, size_t i)
{
    return p->to + (k - k % p->deep) * p->width + i * p->deep + k % p->deep;
}

static void copy_runs(const float *columns, size_t stride, const struct panel *p, size_t pairs)
{
    for (size_t k = 0; k < pairs; k += p->deep)
        for (size_t i = 0; i < p->count; i++)
            memcpy(place_of_pair(p, k, i), columns + i * stride + k,
                   (pairs - k < p->deep ? pairs - k : p->deep) * sizeof *columns);
}

/* Two bf16 numbers in the place of a float; 0 for the last where the depth is odd. Strides and p->from are even, so a matrix
 * that is stored by columns is one of pairs already. */
static void pack_pairs(const struct kernels *kernels, const struct operand *x, const struct panel *p)
{
    const uint16_t *at = x->at;
    const float *columns = (const float *)at + (p->first * x->stride + p->from) / 2;
    size_t pairs = p->depth / 2, k = p->from + p->depth - 1;
    if (p->flat)
        kernels->pair_up((uint32_t *)p->to, p->width, at + p->from * x->stride + p->first, x->stride, p->count, pairs);
    else if (p->deep > 1)
        copy_runs(columns, x->stride / 2, p, pairs);
    else
        kernels->turn(p->to, p->width, columns, x->stride / 2, p->count, pairs);
    for (size_t i = 0; i < p->count && p->depth % 2; i++) {
        uint32_t last = p->flat ? at[k * x->stride + p->first + i] : at[(p->first + i) * x->stride + k];
        memcpy(place_of_pair(p, pairs, i), &last, sizeof last);
    }
}

/* What is beyond the sides of the matrix is left as it was: it comes into tiles, but into no entry of C. */
static void pack(const struct kernels *kernels, const struct operand *x, size_t unit, const struct panel *p)
{
    if (!x->bf16)
        pack_floats(kernels, x, p);
    else if (unit == 2)
        pack_pairs(kernels, x, p);
    else
        pack_widened(x, p);
}

/* ---- tiles ------------------------------------------------------------------------------------------------------ */

/* Rows x cols entries of C from (i, j) on, from sums of a tile. */
static void finish_block(const struct gemm *g, const float *sums, size_t i, size_t j, size_t rows, size_t cols)
{
    size_t place = i * g->c.stride + j, other = i * g->d.stride + j;
    const struct finish f = {g->alpha, g->beta, rows, cols, g->c.stride, g->kernels->wide, g->d.stride};
    if (g->c.bf16)
        g->kernels->finish_halves((uint16_t *)g->c.at + place, sums, g->d.at ? (const uint16_t *)g->d.at + other : NULL,
                                  &f);
    else
        g->kernels->finish_floats((float *)g->c.at + place, sums, g->d.at ? (const float *)g->d.at + other : NULL, &f);
}

/* Entries (j, i) of C from (i, j), for i < rows, j < cols from these first ones on. */
static void mirror(const struct gemm *g, size_t first_row, size_t first_col, size_t rows, size_t cols)
{
    size_t stride = g->c.stride, from = first_row * stride + first_col, to = first_col * stride + first_row;
    if (g->c.bf16)
        g->kernels->turn_halves((uint16_t *)g->c.at + to, stride, (uint16_t *)g->c.at + from, stride, rows, cols);
    else
        g->kernels->turn((float *)g->c.at + to, stride, (float *)g->c.at + from, stride, rows, cols);
}

/* C, from the sums of the tile at (first_row, first_col), which has `tall` rows. Of a symmetric C, what is on and below the
 * diagonal, and its mirror image: each entry is written by one thread. The same sums are found above the diagonal, to the bit,
 * if A and B are one matrix; then these entries of the tile are as good as those below. */
static void finish(const struct gemm *g, const float *sums, size_t tall, size_t first_row, size_t first_col)
{
    size_t wide = g->kernels->wide;
    size_t rows = g->m - first_row < tall ? g->m - first_row : tall;
    size_t cols = g->n - first_col < wide ? g->n - first_col : wide;
    size_t below = first_row < first_col ? 0 : first_row - first_col < cols ? first_row - first_col : cols;
    bool whole = !g->symmetric || g->a.at == g->b.at || below == cols;
    if (g->symmetric && first_row + rows - first_col < cols)
        cols = first_row + rows - first_col;
    if (whole)
        finish_block(g, sums, first_row, first_col, rows, cols);
    for (size_t i = first_row; i < first_row + rows && !whole; i++) {
        size_t half = i < first_col ? 0 : i - first_col + 1;
        finish_block(g, sums + (i - first_row) * wide, i, first_col, 1, half < cols ? half : cols);
    }
    if (g->symmetric)
        mirror(g, first_row, first_col, rows, below);
    for (size_t i = first_row; i < first_row + rows && !whole; i++)
        for (size_t j = first_col + below; j < i && j < first_col + cols; j++)
            mirror(g, i, j, 1, 1);
}

/* ---- the product ------------------------------------------------------------------------------------------------ */

struct layout {
    size_t talls, wides;  /* panels of A and of B */
    size_t depth, ranges; /* in floats or pairs */
    size_t unit;          /* entries of the depth in one of them: 1 or 2 */
    size_t tall, deep;    /* of panels of A: their rows; how many floats or pairs of a row lie together */
    float *a, *b, *tiles; /* tiles: NULL if there is one range */
    /* How the operands are read: from panels, from one panel with X^T that both share, or where they are. */
    bool a_packed, b_packed, shared;
    size_t a_step, b_step; /* from one to the next of the depth */
};

/* How deep the panels of A are, for a range of so many floats or pairs. */
static size_t depth_of_a(const struct layout *l, size_t floats)
{
    return up_div(floats, l->deep) * l->deep;
}

/* Of floats, or of pairs. */
static struct layout shape_of(const struct kernels *k, size_t unit, size_t m, size_t n, size_t depth)
{
    struct layout l = {.unit = unit, .tall = unit == 2 ? k->pair_tall : k->tall, .deep = unit == 2 ? k->pair_deep : 1};
    l.talls = up_div(m, l.tall);
    l.wides = up_div(n, k->wide);
    l.depth = up_div(depth, unit);
    l.ranges = up_div(l.depth, DEPTH);
    return l;
}

/* Of all panels: the longest range. */
static size_t most_depth(const struct layout *l)
{
    return l->depth < DEPTH ? l->depth : DEPTH;
}

/* The floats before l.b, and before l.tiles. */
static size_t floats_of_a(const struct layout *l)
{
    return l->talls * l->tall * depth_of_a(l, most_depth(l));
}

static size_t floats_of_panels(const struct kernels *k, const struct layout *l)
{
    return floats_of_a(l) + l->wides * k->wide * most_depth(l);
}

size_t gemm_work(const struct kernels *kernels, size_t m, size_t n, size_t depth)
{
    size_t most = 0;
    for (size_t unit = 1; unit <= 2; unit++) {
        struct layout l = shape_of(kernels, unit, m, n, depth);
        size_t tiles = l.ranges > 1 ? l.talls * l.tall * l.wides * kernels->wide : 0;
        size_t floats = floats_of_panels(kernels, &l) + tiles;
        most = floats > most ? floats : most;
    }
    return most;
}

/* Rows of A that the micro-kernel reads for the last panel. */
static size_t rows_read(const struct kernels *k, size_t rows)
{
    size_t third = k->tall / 3;
    return rows > k->tall - third ? k->tall : rows > third ? k->tall - third : third;
}

/* Small matrices of floats need no panels, where they have room to be read beyond their sides. */
static void read_in_place(struct layout *l, const struct gemm *g)
{
    const struct kernels *k = g->kernels;
    size_t before = (l->talls - 1) * k->tall, rows = before + rows_read(k, g->m - before), cols = l->wides * k->wide;
    bool small = !g->a.bf16 && !g->b.bf16 && g->m <= SMALL && g->n <= SMALL;
    l->shared = small && g->a.at == g->b.at && g->b_transposed && l->ranges == 1 && rows <= cols;
    l->a_packed = !l->shared && (!small || !g->a_symmetric || rows > g->a.stride);
    l->b_packed = l->shared || !small || g->b_transposed || cols > g->b.stride;
    l->a_step = l->shared ? cols : l->a_packed ? l->tall : g->a.stride;
    l->b_step = l->shared ? cols : l->b_packed ? k->wide : g->b.stride;
}

static struct layout layout(const struct gemm *g)
{
    const struct kernels *k = g->kernels;
    struct layout l = shape_of(k, g->a.bf16 && g->b.bf16 && k->pair_tile ? 2 : 1, g->m, g->n, g->depth);
    l.a = g->work;
    l.b = l.a + floats_of_a(&l);
    l.tiles = l.ranges > 1 ? l.a + floats_of_panels(k, &l) : NULL;
    read_in_place(&l, g);
    return l;
}

/* Entries of the depth before range r. */
static size_t range_start(const struct gemm *g, const struct layout *l, size_t r)
{
    size_t start = r * DEPTH * l->unit;
    return start < g->depth ? start : g->depth;
}

static void pack_range(struct team *team, const struct gemm *g, const struct layout *l, size_t r)
{
    size_t from = range_start(g, l, r), depth = range_start(g, l, r + 1) - from, floats = up_div(depth, l->unit);
    size_t tall = l->tall, wide = g->kernels->wide, k;
    bool kept_a = g->same_a && l->ranges == 1, kept_b = g->same_b && l->ranges == 1;
    size_t talls = l->a_packed && !kept_a ? l->talls : 0, wides = l->b_packed && !kept_b ? l->wides : 0;
    while ((k = team_next(team)) < talls + wides) {
        if (k < talls) {
            size_t first = k * tall, count = g->m - first < tall ? g->m - first : tall;
            pack(g->kernels, &g->a, l->unit,
                 &(struct panel){l->a + first * depth_of_a(l, floats), tall, first, count, from, depth,
                                 g->a_symmetric && l->deep == 1, l->deep});
        } else {
            size_t first = (k - talls) * wide, count = g->n - first < wide ? g->n - first : wide;
            pack(g->kernels, &g->b, l->unit,
                 &(struct panel){l->b + first * (l->shared ? 1 : floats), l->b_step, first, count, from, depth,
                                 !g->b_transposed, 1});
        }
    }
    team_meet(team);
}

/* The tile of panel i of A and panel j of B. */
static void multiply_tile(const struct gemm *g, const struct layout *l, size_t r, size_t i, size_t j)
{
    const struct kernels *k = g->kernels;
    size_t floats = up_div(range_start(g, l, r + 1) - range_start(g, l, r), l->unit);
    float own[MOST_TILE], *sums = l->tiles ? l->tiles + (i * l->wides + j) * l->tall * k->wide : own;
    size_t first_row = i * l->tall, first_col = j * k->wide;
    size_t rows = g->m - first_row < l->tall ? g->m - first_row : l->tall, cols = g->n - first_col;
    if (g->symmetric && first_row + rows <= first_col)
        return;
    if (g->symmetric) /* on and below the diagonal */
        cols = first_row + rows - first_col;
    const float *a = l->a + first_row * depth_of_a(l, floats), *b = l->b + first_col * (l->shared ? 1 : floats);
    if (l->shared)
        a = l->b + first_row;
    else if (!l->a_packed)
        a = (const float *)g->a.at + range_start(g, l, r) * g->a.stride + first_row;
    if (!l->b_packed)
        b = (const float *)g->b.at + range_start(g, l, r) * g->b.stride + first_col;
    (l->unit == 2 ? k->pair_tile : k->tile)(floats, a, l->a_step, b, l->b_step, sums, rows, cols, r > 0);
    if (r + 1 == l->ranges)
        finish(g, sums, l->tall, first_row, first_col);
}

static void multiply_range(struct team *team, const struct gemm *g, const struct layout *l, size_t r)
{
    size_t across = up_div(l->wides, BLOCK_WIDE), share;
    while ((share = team_next(team)) < up_div(l->talls, BLOCK_TALL) * across) {
        size_t first_tall = share / across * BLOCK_TALL, first_wide = share % across * BLOCK_WIDE;
        for (size_t i = first_tall; i < first_tall + BLOCK_TALL && i < l->talls; i++)
            for (size_t j = first_wide; j < first_wide + BLOCK_WIDE && j < l->wides; j++)
                multiply_tile(g, l, r, i, j);
    }
    team_meet(team);
}

void gemm(struct team *team, const struct gemm *g)
{
    struct layout l = layout(g);
    for (size_t r = 0; r < l.ranges; r++) {
        pack_range(team, g, &l, r);
        multiply_range(team, g, &l, r);
    }
}
