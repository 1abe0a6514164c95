/* Plans: what a dialect does with tensors of one shape. */
#ifndef ASSAY_FAST_PLAN_H
#define ASSAY_FAST_PLAN_H

#include "gemm.h"

enum { MOST_DIMS = 4 };

/* The matrices that a tensor is made of, all of one shape: entry (i, j) of the k-th is entry
 * k apart + i row_stride + j col_stride of the tensor. */
struct block_list {
    size_t count, rows, cols, apart, row_stride, col_stride;
};

struct assay_fast_plan {
    struct assay_dialect dialect;
    size_t ndim, shape[MOST_DIMS], count;
    struct block_list blocks; /* what is iterated or minimised over */
    struct block_list tail;   /* what snap, post and their second moments act on */
    size_t moments;           /* of each of those */
    double scale;             /* s of the update */
    bool bf16;
    enum assay_fast_path path;
    const struct kernels *kernels;
    unsigned crew; /* threads that execute it */
    bool alone;    /* whether each of them iterates matrices of its own */
    bool gram_form;
};

/* Whether the direction takes Newton-Schulz steps, of a tensor that does not pass by. */
bool plan_iterates(const assay_fast_plan *plan);

/* A range of memory from which parts are taken; from NULL, it only counts. Parts start on cache lines. */
struct arena {
    char *base;
    size_t used;
};
void *arena_take(struct arena *arena, size_t count, size_t size);
struct arena arena_at(void *work);    /* the first cache line there */
size_t arena_size(struct arena used); /* what a caller must have for that */

/* Whether x_count numbers at x and y_count at y have any memory in common, neither being none; and whether count at each
 * have, other than all of it if `same` is permitted, where x and y may be NULL. */
bool share_memory(const float *x, size_t x_count, const float *y, size_t y_count);
bool overlap(const float *x, const float *y, size_t count, bool same);

/* Whether the views have one shape with entries and strides that hold them, and are disjoint or the same; whether all
 * entries are finite. */
bool views_match(assay_fast_output to, assay_fast_input from);
bool all_finite(assay_fast_input x);

/* How many entries a thread sums before the sums are added to others': a constant, so that results do not depend on the
 * number of threads. 4096 floats of three arrays stay in the first cache but for a half. */
enum { CHUNK = 4096 };
static inline size_t chunk_count(size_t count)
{
    return (count + CHUNK - 1) / CHUNK;
}

/* The entries of chunk k: those from `from` to `to` - 1. */
struct chunk {
    size_t k, from, to, left;
};

/* This thread's next chunk; false if all are taken. Begins with zeros. A share is of several chunks that lie together, so that
 * what the memory sends ahead is for the thread that asked: a fifth faster than one at a time. Half of what a thread is worth
 * starting for. */
enum { SHARE = 8 };
static inline bool next_chunk(struct chunk *c, struct team *team, const assay_fast_plan *plan)
{
    c->k = c->left > 0 ? c->k + 1 : team_next(team) * SHARE;
    c->left = c->left > 0 ? c->left - 1 : SHARE - 1;
    c->from = c->k * CHUNK;
    c->to = c->from + CHUNK < plan->count ? c->from + CHUNK : plan->count;
    return c->from < plan->count;
}

/* ---- what a step is made of: each is called by all of a team, which has met when it returns ------------------------- */

/* o = the iterates of the matrices of u: pre, normalisation, steps. o may be u. The workspace is taken from the arena. */
void iterate(struct team *team, float *o, const assay_fast_plan *plan, const float *u, struct arena arena);
size_t iterate_work(const assay_fast_plan *plan);

/* All steps in the Gram form, where products of r x r matrices take `square` units, and of an r x c one c / r = `ratio`. */
double gram_cost(const struct assay_dialect *d, double square, double ratio);

/* Whether that takes some steps together; else it is the direct form. */
bool gram_joins_steps(const struct assay_dialect *d);

/* o = factor y; NaN or infinity among the squares of `chunks`, which may be NULL, if there is any in o. */
void scale_chunks(struct team *team, float *o, const assay_fast_plan *plan, double factor, const struct mix *y,
                  struct sums *chunks);

/* NaN or infinity if what kernels->scale() or update() made of x[from .. to - 1] has any, from the squares that it returned.
 * Numbers that are rounded to infinity have squares of nearly 2^256 at least. */
static inline double stored_squares(const struct kernels *kernels, const float *x, double squares, size_t from,
                                    size_t to)
{
    return squares < 0x1p255 ? squares : kernels->sums(&(struct mix){.m = x, .of_m = 1}, from, to).squares;
}

/* snap and post: o, and the second moments, in place. The workspace is finish_work() numbers. */
void finish_direction(struct team *team, float *o, float *moment, const assay_fast_plan *plan, const float *u,
                      double *vectors);
size_t finish_work(const assay_fast_plan *plan);

/* The sums of y by chunks, and all of them together: the same for all of the team. */
struct sums sum_chunks(struct team *team, const assay_fast_plan *plan, const struct mix *y, struct sums *chunks);
struct sums add_chunks(const struct sums *chunks, size_t count);

/* The factor by which cosh-RMS multiplies y to get O, from the sums of chunks of y, which it overwrites. */
double cosh_factor(struct team *team, const assay_fast_plan *plan, const struct mix *y, struct sums *chunks);

/* The polar factor and linear minimisation oracles of matrices in strides, by one thread. */
struct strided {
    size_t rows, cols, row_stride, col_stride;
};
struct svd_work {
    double *a, *u, *v, *s, *lapack;
    int *integers, lapack_size;
};
bool svd_takes(size_t rows, size_t cols); /* false for what is empty, or too large for LAPACK's integers */
struct svd_work svd_work(struct arena *arena, size_t rows, size_t cols);
/* o = factor U V^T: all of rank r, or with `top` the average over the largest singular values. False, o all NaN, if g has
 * NaN or infinity, or if LAPACK does not converge: *converged. */
bool polar_factor(float *o, struct strided to, double factor, bool top, size_t *rank, const float *g,
                  struct strided from, const struct svd_work *work, bool *converged);
bool lmo_takes_svd(enum assay_norm norm);
/* o = factor argmax <g, O> over ||O|| <= 1. */
bool maximise(float *o, struct strided to, double factor, enum assay_norm norm, const float *g, struct strided from,
              const struct svd_work *work, bool *converged);

/* The coefficients of momentum and Nesterov at step t: next = keep m + fresh g, u = of_m next + of_g g. */
struct momentum_rule {
    bool kept;       /* whether there is a buffer: else it stays as it is */
    bool fresh_only; /* whether next = g, whatever m is */
    double keep, fresh, of_m, of_g;
};
struct momentum_rule momentum_rule(const struct assay_dialect *d, double beta, size_t t);
bool hyper_is_valid(const assay_hyper *hyper);

#endif
