/* Products by panels (Goto & van de Geijn 2008): for each range of the depth, the team copies A into panels of `tall` rows
 * and B into panels of `wide` columns, as the micro-kernel reads them, then shares out blocks of C. Sums that go on in the
 * next range wait in a workspace of tiles, so that C is written once. */
#include "gemm.h"

#include <string.h>

enum {
    DEPTH = 256, /* of panels, in floats or pairs: a panel of A stays in the first cache, a block of B in the second */
    BLOCK_TALL = 8,  /* panels of a share of C */
    BLOCK_WIDE = 8,  /* */
    MOST_TILE = 512, /* floats of the largest tile: 12 x 32 */
    MOST_WIDE = 32   /* columns of the widest panel */
};

static size_t up_div(size_t x, size_t y)
{
    return (x + y - 1) / y;
}

uint16_t bf16_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float float_of(uint16_t x)
{
    uint32_t bits = (uint32_t)x << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* ---- panels ----------------------------------------------------------------------------------------------------- */

/* A panel of `width` columns, the `count` from `first` on, of rows from .. from + depth - 1 of a matrix: `flat` if it is
 * stored by rows, else it is stored by columns. */
struct panel {
    float *to;
    size_t width, first, count, from, depth;
    bool flat;
};

static void pack_floats(const struct kernels *kernels, const struct operand *x, const struct panel *p)
{
    const float *at = x->at;
    if (!p->flat) {
        kernels->turn(p->to, p->width, at + p->first * x->stride + p->from, x->stride, p->count, p->depth);
        return;
    }
    for (size_t k = 0; k < p->depth; k++) {
        memcpy(p->to + k * p->width, at + (p->from + k) * x->stride + p->first, p->count * sizeof *at);
        memset(p->to + k * p->width + p->count, 0, (p->width - p->count) * sizeof *at);
    }
}

static void pack_widened(const struct operand *x, const struct panel *p)
{
    const uint16_t *at = x->at;
    size_t down = p->flat ? x->stride : 1, across = p->flat ? 1 : x->stride;
    for (size_t k = 0; k < p->depth; k++)
        for (size_t i = 0; i < p->width; i++)
            p->to[k * p->width + i] = i < p->count ? float_of(at[(p->from + k) * down + (p->first + i) * across]) : 0;
}

/* Two bf16 numbers in the place of a float; 0 for the last where the depth is odd. */
static void pack_pairs(const struct kernels *kernels, const struct operand *x, const struct panel *p)
{
    const uint16_t *at = x->at;
    size_t pairs = p->depth / 2;
    if (!p->flat && x->stride % 2 == 0 && p->from % 2 == 0) /* the matrix is one of pairs already */
        kernels->turn(p->to, p->width, (const float *)at + (p->first * x->stride + p->from) / 2, x->stride / 2,
                      p->count, pairs);
    else
        for (size_t k = 0; k < pairs; k++) {
            uint32_t line[MOST_WIDE] = {0};
            size_t down = p->flat ? x->stride : 1, across = p->flat ? 1 : x->stride;
            const uint16_t *from = at + (p->from + 2 * k) * down + p->first * across;
            for (size_t i = 0; i < p->count; i++)
                line[i] = from[i * across] | (uint32_t)from[i * across + down] << 16;
            memcpy(p->to + k * p->width, line, p->width * sizeof *line);
        }
    if (p->depth % 2) {
        uint32_t line[MOST_WIDE] = {0};
        size_t k = p->from + p->depth - 1;
        for (size_t i = 0; i < p->count; i++)
            line[i] = p->flat ? at[k * x->stride + p->first + i] : at[(p->first + i) * x->stride + k];
        memcpy(p->to + pairs * p->width, line, p->width * sizeof *line);
    }
}

static void pack(const struct kernels *kernels, const struct operand *x, const struct panel *p)
{
    if (!x->bf16)
        pack_floats(kernels, x, p);
    else if (kernels->pair_tile)
        pack_pairs(kernels, x, p);
    else
        pack_widened(x, p);
}

/* ---- tiles ------------------------------------------------------------------------------------------------------ */

static float read_entry(const struct operand *x, size_t i, size_t j)
{
    return x->bf16 ? float_of(((const uint16_t *)x->at)[i * x->stride + j]) : ((const float *)x->at)[i * x->stride + j];
}

static void write_entry(const struct operand *x, size_t i, size_t j, float value)
{
    if (x->bf16)
        ((uint16_t *)x->at)[i * x->stride + j] = bf16_of(value);
    else
        ((float *)x->at)[i * x->stride + j] = value;
}

/* A row of C from the sums of a tile, `count` entries from column j on. */
static void finish_row(const struct gemm *g, const float *sums, size_t i, size_t j, size_t count)
{
    float row[MOST_WIDE];
    for (size_t l = 0; l < count; l++)
        row[l] = g->alpha * sums[l];
    if (g->d.at && g->d.bf16)
        for (size_t l = 0; l < count; l++)
            row[l] += g->beta * float_of(((const uint16_t *)g->d.at)[i * g->d.stride + j + l]);
    else if (g->d.at)
        for (size_t l = 0; l < count; l++)
            row[l] += g->beta * ((const float *)g->d.at)[i * g->d.stride + j + l];
    if (g->c.bf16)
        for (size_t l = 0; l < count; l++)
            ((uint16_t *)g->c.at)[i * g->c.stride + j + l] = bf16_of(row[l]);
    else
        memcpy((float *)g->c.at + i * g->c.stride + j, row, count * sizeof *row);
}

/* C, from the sums of the tile at (first_row, first_col). Of a symmetric C, what is on and below the diagonal, and its
 * mirror image: each entry is written by one thread. */
static void finish(const struct gemm *g, const float *sums, size_t first_row, size_t first_col)
{
    size_t tall = g->kernels->tall, wide = g->kernels->wide;
    size_t rows = g->m - first_row < tall ? g->m - first_row : tall;
    for (size_t k = 0; k < rows; k++) {
        size_t i = first_row + k, cols = g->n - first_col < wide ? g->n - first_col : wide;
        if (g->symmetric)
            cols = i < first_col ? 0 : i - first_col + 1 < cols ? i - first_col + 1 : cols;
        finish_row(g, sums + k * wide, i, first_col, cols);
    }
    if (!g->symmetric)
        return;
    for (size_t j = first_col; j < first_col + wide && j < g->n; j++)
        for (size_t i = first_row > j ? first_row : j + 1; i < first_row + rows; i++)
            write_entry(&g->c, j, i, read_entry(&g->c, i, j));
}

/* ---- the product ------------------------------------------------------------------------------------------------ */

struct layout {
    size_t talls, wides;  /* panels of A and of B */
    size_t depth, ranges; /* in floats or pairs */
    size_t unit;          /* entries of the depth in one of them: 1 or 2 */
    float *a, *b, *tiles; /* tiles: NULL if there is one range */
};

size_t gemm_work(const struct kernels *kernels, size_t m, size_t n, size_t depth)
{
    size_t talls = up_div(m, kernels->tall), wides = up_div(n, kernels->wide), most = depth < DEPTH ? depth : DEPTH;
    size_t tiles = depth > DEPTH ? talls * wides * kernels->tall * kernels->wide : 0;
    return (talls * kernels->tall + wides * kernels->wide) * most + tiles;
}

static struct layout layout(const struct gemm *g)
{
    const struct kernels *k = g->kernels;
    struct layout l = {.talls = up_div(g->m, k->tall), .wides = up_div(g->n, k->wide), .unit = 1};
    if (g->a.bf16 && k->pair_tile)
        l.unit = 2;
    l.depth = up_div(g->depth, l.unit);
    l.ranges = up_div(l.depth, DEPTH);
    size_t most = l.depth < DEPTH ? l.depth : DEPTH;
    l.a = g->work;
    l.b = l.a + l.talls * k->tall * most;
    l.tiles = l.ranges > 1 ? l.b + l.wides * k->wide * most : NULL;
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
    size_t tall = g->kernels->tall, wide = g->kernels->wide, k;
    while ((k = team_next(team)) < l->talls + l->wides) {
        if (k < l->talls) {
            size_t first = k * tall, count = g->m - first < tall ? g->m - first : tall;
            pack(g->kernels, &g->a,
                 &(struct panel){l->a + first * floats, tall, first, count, from, depth, g->a_symmetric});
        } else {
            size_t first = (k - l->talls) * wide, count = g->n - first < wide ? g->n - first : wide;
            pack(g->kernels, &g->b,
                 &(struct panel){l->b + first * floats, wide, first, count, from, depth, !g->b_transposed});
        }
    }
    team_meet(team);
}

static void multiply_tile(const struct gemm *g, const struct layout *l, size_t r, size_t tall, size_t wide)
{
    const struct kernels *k = g->kernels;
    size_t floats = up_div(range_start(g, l, r + 1) - range_start(g, l, r), l->unit);
    float own[MOST_TILE], *sums = l->tiles ? l->tiles + (tall * l->wides + wide) * k->tall * k->wide : own;
    if (g->symmetric && tall * k->tall + k->tall <= wide * k->wide)
        return;
    (l->unit == 2 ? k->pair_tile : k->tile)(floats, l->a + tall * k->tall * floats, l->b + wide * k->wide * floats,
                                            sums, r > 0);
    if (r + 1 == l->ranges)
        finish(g, sums, tall * k->tall, wide * k->wide);
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
