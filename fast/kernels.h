/* The innermost loops, once for each set of instructions: kernels.inc compiled by kernels_*.c. */
#ifndef ASSAY_FAST_KERNELS_H
#define ASSAY_FAST_KERNELS_H

#include "fast.h"

#include <stdint.h>

/* y = of_m m + of_g (g + of_p p): what a pass over entries reads. m, g, p may be NULL, for 0. */
struct mix {
    const float *m, *g, *p;
    double of_m, of_g, of_p;
};

/* Of entries: the sums of their squares and of their fourth powers. */
struct sums {
    double squares, fourths;
};

/* How a block of sums becomes one of C. */
struct finish {
    float alpha, beta;
    size_t rows, cols, c_stride, sums_stride, d_stride;
};

struct kernels {
    /* Micro-kernel of matrix products: the tall x wide tile c, stored by rows, += A B for panels
     * a[k * a_step + i] and b[k * b_step + j], k < depth; = unless `resume`. Of it the first rows x cols, at least. */
    size_t tall, wide;
    void (*tile)(size_t depth, const float *a, size_t a_step, const float *b, size_t b_step, float *c, size_t rows,
                 size_t cols, bool resume);
    /* The same for pairs of bf16 numbers in place of each a and b: c += a.low b.low + a.high b.high, in an order that is
     * the processor's, of `pair_tall` rows. Where `pair_deep` is not 1, that many pairs of a row of A lie together: a step of
     * a_step is one of the depth still, and pair k of row i is at a[(k - k % pair_deep) * a_step + i * pair_deep + k %
     * pair_deep]. NULL where there is no such instruction. `pair_speed`: products in a time, of those of floats. */
    size_t pair_tall, pair_deep, pair_speed;
    void (*pair_tile)(size_t depth, const float *a, size_t a_step, const float *b, size_t b_step, float *c, size_t rows,
                      size_t cols, bool resume);
    /* to[k * width + i] = from[i * stride + k] for i < rows, k < depth; */
    void (*turn)(float *to, size_t width, const float *from, size_t stride, size_t rows, size_t depth);
    void (*turn_halves)(uint16_t *to, size_t width, const uint16_t *from, size_t stride, size_t rows, size_t depth);
    /* = from[k * stride + i] for i < count; */
    void (*copy)(float *to, size_t width, const float *from, size_t stride, size_t count, size_t depth);
    /* = the pair of from[2 k * stride + i] and from[(2 k + 1) stride + i]. */
    void (*pair_up)(uint32_t *to, size_t width, const uint16_t *from, size_t stride, size_t count, size_t depth);
    /* c = alpha sums + beta d, of bf16 numbers too; without d if that is NULL. Each operation is rounded. */
    void (*finish_floats)(float *c, const float *sums, const float *d, const struct finish *f);
    void (*finish_halves)(uint16_t *c, const float *sums, const uint16_t *d, const struct finish *f);

    /* Entries from .. to - 1 of: */
    struct sums (*sums)(const struct mix *y, size_t from, size_t to);
    /* factor y; returns the squares of that, before it is rounded */
    double (*scale)(float *to_at, double factor, const struct mix *y, size_t from, size_t to);
    /* next = keep m + fresh (g + of_p p), u = y with next, as rounded, for m; either may be NULL; returns the sums of u,
     * if not `all` then squares alone. */
    struct sums (*accumulate)(float *next, float *u, double keep, double fresh, const float *m, const struct mix *y,
                              bool all, size_t from, size_t to);
    /* p -= rate y + decay p, where `cautious` decaying only those p with y p >= 0; returns the squares of p before it is
     * rounded. */
    double (*update)(float *p, double rate, double decay, bool cautious, const struct mix *y, size_t from, size_t to);
    double (*cosh_squares)(double factor, const struct mix *y, size_t from, size_t to); /* sum of cosh(factor y)^2 */
    void (*cosh)(float *y, const float *x, size_t from, size_t to);
};

/* The kernels of a path, of the best for ASSAY_FAST_BEST; NULL where the processor lacks it. *chosen, which may be NULL: that
 * path. */
const struct kernels *kernels_of(enum assay_fast_path path, enum assay_fast_path *chosen);

extern const struct kernels kernels_portable;
#if defined(__x86_64__)
extern const struct kernels kernels_avx2, kernels_avx512, kernels_avx512_bf16, kernels_amx_bf16;

/* Whether the processor has AMX for bf16, and the operating system lets this process use it from now on. */
bool tiles_run(void);
#elif defined(__aarch64__)
extern const struct kernels kernels_neon;
#endif

#endif
