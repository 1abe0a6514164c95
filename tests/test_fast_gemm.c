/* Products, and the entrywise kernels, on every path that this processor has. */
#include "emulated_tiles.h"
#include "fast_support.h"

#include "gemm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 80, RANGE = 2048 /* of the depth: see gemm.h */, RANGES = 27 /* of MOST: more than RANGE + MOST */ };

/* A product that is tried: its operands as floats, and what they are stored as. */
struct trial {
    struct gemm g;
    unsigned threads;
    float a[MOST * MOST * RANGES], b[MOST * MOST * RANGES], d[MOST * MOST];
    double exact[MOST * MOST], size[MOST * MOST]; /* alpha A B + beta D, and |alpha| |A| |B| + |beta| |D| */
};

static void *stored(const float *x, size_t count, bool bf16)
{
    float *copy = malloc((count + 1) * sizeof *copy);
    for (size_t k = 0; k < count; k++) {
        uint16_t half = bf16_of(x[k]);
        memcpy(bf16 ? (char *)copy + 2 * k : (char *)(copy + k), bf16 ? (const void *)&half : &x[k], bf16 ? 2 : 4);
    }
    return copy;
}

/* Exact sums, of numbers with few enough bits: binary64 has an error of 2^-53 of `size` a term. */
static void evaluate(struct trial *t, size_t a_stride, size_t b_stride)
{
    const struct gemm *g = &t->g;
    for (size_t i = 0; i < g->m; i++)
        for (size_t j = 0; j < g->n; j++) {
            double sum = 0, size = 0;
            for (size_t k = 0; k < g->depth; k++) {
                double a = t->a[i * a_stride + k], b = t->b[g->b_transposed ? j * b_stride + k : k * b_stride + j];
                sum += a * b;
                size += fabs(a * b);
            }
            t->exact[i * MOST + j] = g->alpha * sum + (g->d.at ? g->beta * (double)t->d[i * MOST + j] : 0);
            t->size[i * MOST + j] = fabs(g->alpha) * size + (g->d.at ? fabs(g->beta * (double)t->d[i * MOST + j]) : 0);
        }
}

static void run_gemm(struct team *team, void *pointer)
{
    gemm(team, pointer);
}

/* |C - exact| <= gamma(depth + 4) size, and in bf16 the rounding of C besides: (u_b + u) |C|. Products rounded alone or
 * not, sums in any order, each of at most depth + 1 roundings; alpha, beta and their sum add three. */
static double error_over_bound(struct trial *t, void *c, size_t stride)
{
    double worst = 0, gamma = gamma_of((double)t->g.depth + 4);
    for (size_t i = 0; i < t->g.m; i++)
        for (size_t j = 0; j < t->g.n; j++) {
            size_t k = i * stride + j;
            double x = t->g.c.bf16 ? float_of(((uint16_t *)c)[k]) : ((float *)c)[k];
            double bound = gamma * t->size[i * MOST + j] + 0x1p-120;
            bound += t->g.c.bf16 ? UNIT_BF16 * (fabs(t->exact[i * MOST + j]) + bound) : 0;
            double ratio = fabs(x - t->exact[i * MOST + j]) / bound;
            worst = ratio <= worst ? worst : ratio; /* NaN is worse */
        }
    return worst;
}

/* Fills the operands. A symmetric product is that of a matrix with itself, turned or symmetric, or, in fp32, of a symmetric A with
 * A + I: these commute, but not to the bit. */
static void make_operands(uint64_t *state, struct trial *t, bool bf16, size_t *a_stride, size_t *b_stride)
{
    struct gemm *g = &t->g;
    size_t columns = g->b_transposed ? g->depth : g->n, rows = g->b_transposed ? g->n : g->depth;
    *a_stride = (g->depth + 3) / 2 * 2;
    *b_stride = g->symmetric ? *a_stride : (columns + 3) / 2 * 2;
    memset(t->a, 0, g->m * *a_stride * sizeof *t->a);
    memset(t->b, 0, rows * *b_stride * sizeof *t->b);
    for (size_t i = 0; i < g->m; i++)
        for (size_t k = 0; k < g->depth; k++) {
            float x = (float)random_gaussian(state);
            x = bf16 ? float_of(bf16_of(x)) : x;
            t->a[i * *a_stride + k] = x;
            if (g->a_symmetric)
                t->a[k * *a_stride + i] = x;
        }
    for (size_t i = 0; i < g->m && g->a_symmetric; i++)
        t->a[i * (*a_stride + 1)] = (float)(1 + random_below(state, 9));
    for (size_t k = 0; k < rows; k++)
        for (size_t j = 0; j < columns; j++)
            t->b[k * *b_stride + j] = float_of(bf16_of((float)random_gaussian(state)));
    if (g->symmetric)
        memcpy(t->b, t->a, g->m * *a_stride * sizeof *t->a);
    for (size_t i = 0; i < g->m && g->symmetric && g->a_symmetric && !bf16; i++)
        t->b[i * (*b_stride + 1)] += 1;
    for (size_t k = 0; k < MOST * MOST; k++)
        t->d[k] = float_of(bf16_of((float)random_gaussian(state)));
    for (size_t i = 0; i < g->m && g->symmetric; i++)
        for (size_t j = 0; j < i; j++)
            t->d[i * MOST + j] = t->d[j * MOST + i];
}

/* Little, any, or more than one range. */
static size_t random_depth(uint64_t *state)
{
    size_t kind = random_below(state, 8); /* deep ones take longest, and hundreds are enough */
    return kind == 0 ? RANGE + 1 + random_below(state, MOST)
                     : 1 + random_below(state, kind == 1 ? (RANGES - 1) * MOST : MOST);
}

static void multiply_by_two(void *at, size_t count, bool bf16)
{
    for (size_t k = 0; k < count; k++)
        if (bf16)
            ((uint16_t *)at)[k] = bf16_of(2 * float_of(((uint16_t *)at)[k]));
        else
            ((float *)at)[k] *= 2;
}

/* One product of random shape and form; or the second of two with the same A or B, of which the first had half of the other
 * factor. Returns error / bound. *c: the product, to be freed. */
static double try_product(uint64_t *state, struct trial *t, enum assay_fast_path path, bool bf16, void **c)
{
    size_t a_stride, b_stride, form = random_below(state, 4);
    struct gemm *g = &t->g;
    *g = (struct gemm){.kernels = kernels_of(path, NULL), .m = 1 + random_below(state, MOST), .alpha = 1};
    g->symmetric = form <= 1;
    g->a_symmetric = form == 1 || form == 2;
    g->b_transposed = form == 0;
    g->n = g->symmetric ? g->m : 1 + random_below(state, MOST);
    g->depth = g->a_symmetric ? g->m : random_depth(state);
    if (random_below(state, 2))
        g->alpha = (float)random_gaussian(state);
    make_operands(state, t, bf16, &a_stride, &b_stride);
    g->beta = (float)random_gaussian(state);
    bool a_bf16 = bf16 && (g->symmetric || random_below(state, 2)), c_bf16 = bf16 && random_below(state, 2);
    void *a = stored(t->a, g->m * a_stride, a_bf16);
    void *b = stored(t->b, (g->b_transposed ? g->n : g->depth) * b_stride, bf16);
    void *d = stored(t->d, MOST * MOST, c_bf16);
    *c = stored(t->d, MOST * MOST, c_bf16);
    g->a = (struct operand){a, a_stride, a_bf16};
    g->b = (struct operand){b, b_stride, bf16};
    g->c = (struct operand){*c, MOST, c_bf16};
    g->d = (struct operand){random_below(state, 2) ? d : NULL, MOST, c_bf16};
    g->work = malloc(gemm_work(g->kernels, g->m, g->n, g->depth) * sizeof(float));
    evaluate(t, a_stride, b_stride);
    team_run(t->threads, run_gemm, g);
    g->same_a = random_below(state, 2);
    g->same_b = random_below(state, 2);
    if (g->same_a != g->same_b) {
        if (g->same_a)
            multiply_by_two(b, (g->b_transposed ? g->n : g->depth) * b_stride, bf16);
        else
            multiply_by_two(a, g->m * a_stride, a_bf16);
        g->alpha /= 2;
    }
    if (g->same_a || g->same_b)
        team_run(t->threads, run_gemm, g);
    double ratio = error_over_bound(t, *c, MOST);
    free(a);
    free(b);
    free(d);
    free(g->work);
    return ratio;
}

START_TEST(products_are_within_their_bound)
{
    struct trial *t = malloc(sizeof *t);
    for (enum assay_fast_path path = ASSAY_FAST_PORTABLE; path < ASSAY_FAST_PATHS; path++)
        for (int bf16 = 0; bf16 < 2 && assay_fast_path_runs(path); bf16++) {
            uint64_t state = 1 + (uint64_t)path;
            for (size_t k = 0; k < rounds(300); k++) {
                void *c;
                t->threads = 1 + (unsigned)(k % 3);
                double ratio = try_product(&state, t, path, bf16, &c);
                ck_assert_msg(ratio <= 1, "%s: %zu x %zu x %zu: error / bound is %g", assay_fast_path_name(path),
                              t->g.m, t->g.n, t->g.depth, ratio);
                t->exact[0] *= 1.01; /* the bound sees one entry off by a per cent, where it is not all cancellation */
                if (fabs(t->exact[0]) > 0.1 * t->size[0] && !bf16)
                    ck_assert(error_over_bound(t, c, MOST) > 1);
                free(c);
            }
        }
    free(t);
}
END_TEST

/* The same bits for any number of threads; and C symmetric to the bit. */
START_TEST(threads_do_not_matter)
{
    struct trial *t = malloc(sizeof *t);
    for (enum assay_fast_path path = ASSAY_FAST_PORTABLE; path < ASSAY_FAST_PATHS; path++)
        for (size_t k = 0; k < rounds(60) && assay_fast_path_runs(path); k++) {
            void *c[2];
            for (int twice = 0; twice < 2; twice++) {
                uint64_t state = 1000 + k;
                t->threads = twice ? 3 : 1;
                try_product(&state, t, path, k % 2, &c[twice]);
            }
            ck_assert_mem_eq(c[0], c[1], MOST * MOST * (t->g.c.bf16 ? 2 : 4));
            for (size_t i = 0; i < t->g.m && t->g.symmetric && !t->g.c.bf16; i++)
                for (size_t j = 0; j < i; j++)
                    ck_assert(((float *)c[0])[i * MOST + j] == ((float *)c[0])[j * MOST + i]);
            free(c[0]);
            free(c[1]);
        }
    free(t);
}
END_TEST

/* Tiles are used, and given back: a thread that has some in use pays for it at every switch. */
START_TEST(tiles_are_used_and_released)
{
    struct trial *t = malloc(sizeof *t);
    uint64_t state = 1;
    t->threads = 1;
    for (size_t k = 0; k < 20 && assay_fast_path_runs(ASSAY_FAST_AMX_BF16); k++) {
        void *c;
        size_t before = tile_products();
        try_product(&state, t, ASSAY_FAST_AMX_BF16, true, &c);
        ck_assert(tile_products() > before || !t->g.a.bf16);
        ck_assert(tiles_are_released());
        free(c);
    }
    free(t);
}
END_TEST

/* bf16_of() is to nearest, ties to even: against all neighbours in binary64, for bit patterns all over. */
START_TEST(bf16_is_rounded_to_nearest)
{
    for (uint32_t bits = 0; bits < 0x7f7f0000; bits += 4099) {
        float x;
        memcpy(&x, &bits, sizeof x);
        uint16_t half = bf16_of(x);
        double error = fabs((double)float_of(half) - x), below = fabs((double)float_of((uint16_t)(half - 1)) - x);
        double above = fabs((double)float_of((uint16_t)(half + 1)) - x);
        ck_assert(error <= above && (half == 0 || error <= below));
        if (error == above || (half > 0 && error == below))
            ck_assert(half % 2 == 0);
        ck_assert(bf16_of(-x) == (half | 0x8000));
    }
    ck_assert(bf16_of(INFINITY) == 0x7f80 && isnan(float_of(bf16_of(NAN))) && bf16_of(0x1.ffp127f) == 0x7f80);
}
END_TEST

/* ---- entrywise kernels: the same bits on every path --------------------------------------------------------------- */

enum { ENTRIES = 101 };

struct entries {
    float m[ENTRIES], g[ENTRIES], p[ENTRIES], next[ENTRIES], u[ENTRIES], y[ENTRIES], c[ENTRIES];
    struct sums sums[2];
    double scaled, updated, cosh_squares;
};

static void run_entries(struct entries *e, const struct kernels *k, size_t from, size_t to, bool cautious)
{
    uint64_t state = 5;
    memset(e, 0, sizeof *e);
    random_floats(&state, e->m, NULL, ENTRIES);
    random_floats(&state, e->g, NULL, ENTRIES);
    random_floats(&state, e->p, NULL, ENTRIES);
    struct mix y = {e->m, e->g, e->p, 0.95, 0.05, 0.1}, plain = {e->m, e->g, NULL, 0.9, 0.1, 0};
    e->sums[0] = k->sums(&y, from, to);
    e->scaled = k->scale(e->y, 0.3, &plain, from, to);
    e->sums[1] = k->accumulate(e->next, e->u, 0.95, 0.05, e->m, &y, true, from, to);
    e->cosh_squares = k->cosh_squares(0.5, &y, from, to);
    e->updated = k->update(e->p, 0.02, 0.001, cautious, &plain, from, to);
    k->cosh(e->c, e->g, from, to);
}

START_TEST(entries_have_the_same_bits_on_every_path)
{
    struct entries *portable = malloc(sizeof *portable), *other = malloc(sizeof *other);
    for (size_t to = 0; to <= ENTRIES; to++)
        for (enum assay_fast_path path = ASSAY_FAST_NEON; path < ASSAY_FAST_PATHS; path++) {
            if (!assay_fast_path_runs(path))
                continue;
            run_entries(portable, kernels_of(ASSAY_FAST_PORTABLE, NULL), to % 3 < to ? to % 3 : 0, to, to % 2);
            run_entries(other, kernels_of(path, NULL), to % 3 < to ? to % 3 : 0, to, to % 2);
            ck_assert_mem_eq(portable, other, sizeof *portable);
        }
    free(portable);
    free(other);
}
END_TEST

/* Each formula of kernels.h, entry by entry, in the arithmetic that it promises. */
START_TEST(entries_are_what_they_say)
{
    struct entries *e = malloc(sizeof *e);
    double squares = 0, fourths = 0, scaled = 0, updated = 0, cosh_squares = 0;
    uint64_t state = 5;
    run_entries(e, kernels_of(ASSAY_FAST_BEST, NULL), 0, ENTRIES, true);
    float m[ENTRIES], g[ENTRIES], p[ENTRIES];
    random_floats(&state, m, NULL, ENTRIES);
    random_floats(&state, g, NULL, ENTRIES);
    random_floats(&state, p, NULL, ENTRIES);
    for (size_t k = 0; k < ENTRIES; k++) {
        double coupled = g[k] + 0.1 * p[k], y = 0.95 * m[k] + 0.05 * coupled, plain = 0.9 * m[k] + 0.1 * g[k];
        double next = p[k] - (0.02 * plain + (plain * p[k] >= 0 ? 0.001 * p[k] : 0));
        squares += y * y;
        fourths += pow(y, 4);
        scaled += pow(0.3 * plain, 2);
        updated += next * next;
        cosh_squares += pow(cosh(0.5 * y), 2);
        ck_assert(e->next[k] == (float)y);
        ck_assert(e->u[k] == (float)(0.95 * e->next[k] + 0.05 * coupled));
        ck_assert(e->y[k] == (float)(0.3 * plain));
        ck_assert(e->p[k] == (float)next);
    }
    ck_assert(fabs(e->sums[0].squares - squares) <= 1e-13 * squares);
    ck_assert(fabs(e->sums[0].fourths - fourths) <= 1e-13 * fourths);
    ck_assert(fabs(e->scaled - scaled) <= 1e-13 * scaled && fabs(e->updated - updated) <= 1e-13 * updated);
    ck_assert(fabs(e->cosh_squares - cosh_squares) <= 1e-12 * cosh_squares);
    free(e);
}
END_TEST

RUN_TESTS("fast_gemm", TEST(products_are_within_their_bound), TEST(threads_do_not_matter),
          TEST(tiles_are_used_and_released), TEST(bf16_is_rounded_to_nearest),
          TEST(entries_have_the_same_bits_on_every_path), TEST(entries_are_what_they_say))
