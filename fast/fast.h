/* assay/fast.h: the names of ref.h in float: what production would run.
 *
 * Conventions, for every function here:
 *   - outputs come first, then inputs; a matrix is a by-value view, row-major: entry (i, j) is at[i * stride + j],
 *     stride >= cols; what lies between cols and stride is never touched; tensors are without gaps, last dimension
 *     fastest, and have the shape of their plan;
 *   - parameters, gradients and results are binary32; constants, sums and entrywise formulas are computed in binary64 and
 *     rounded once; matrix products are computed in the plan's arithmetic;
 *   - a plan is made once for a shape and a dialect, and may then be executed any number of times, by several threads of
 *     the caller at once if each has its own workspace and outputs. Executing allocates nothing; workspace is the
 *     caller's, of as many bytes as the _work() query says, anywhere in memory. (What pthread_create() needs for its
 *     stacks, and LAPACK for its own, is theirs);
 *   - an output may be the very same array as an input where that is said, else outputs overlap nothing: ASSAY_INVALID. A
 *     view counts from its first entry to its last, with what lies between; that the workspace is apart is not checked;
 *   - NaN and infinities propagate as IEEE 754 says; where one has come into a result (or u of a step), that is told by
 *     ASSAY_NOT_FINITE. With that, ASSAY_OK and ASSAY_UNDECIDED outputs are written; with any other status none is;
 *   - the floating-point environment is the default one: rounding to nearest, subnormal numbers kept, no traps (products
 *     read what lies beyond the sides of matrices in the workspace, and make nothing of it);
 *   - results do not depend on the number of threads; those of entrywise formulas do not depend on the processor either.
 *
 * u = 2^-24 below is the unit roundoff of binary32. */
#ifndef ASSAY_FAST_H
#define ASSAY_FAST_H

#include "ref.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_fast_input {
    const float *at;
    size_t rows, cols, stride;
} assay_fast_input;

typedef struct assay_fast_output {
    float *at;
    size_t rows, cols, stride;
} assay_fast_output;

/* Which instructions to use. */
enum assay_fast_path {
    ASSAY_FAST_BEST, /* the last of these that the processor has */
    ASSAY_FAST_PORTABLE,
    ASSAY_FAST_NEON,
    ASSAY_FAST_AVX2, /* with FMA */
    ASSAY_FAST_AVX512,
    ASSAY_FAST_AVX512_BF16, /* differs from the former in products of bf16 matrices only */
    ASSAY_FAST_AMX_BF16,    /* likewise; to find out whether it runs, Linux is asked to let the process use tiles */
    ASSAY_FAST_PATHS,       /* how many there are */
};

/* Whether this processor has these instructions; their name. */
ASSAY_EXPORT bool assay_fast_path_runs(enum assay_fast_path path);
ASSAY_EXPORT const char *assay_fast_path_name(enum assay_fast_path path);

/* What Newton-Schulz iterations are computed in. There is no fp16: dialects whose port computes in it are run in fp32. */
enum assay_fast_arithmetic {
    ASSAY_FAST_AS_DIALECT, /* bf16 where the dialect's port computes in bf16, else fp32 */
    ASSAY_FAST_FP32,
    ASSAY_FAST_BF16, /* X, X X^T and b A + c A^2 are stored in bf16, each rounded once; sums are fp32 */
};

/* How Newton-Schulz iterations in bf16 are computed; those in fp32 are direct, for accuracy: see gram_form.c. */
enum assay_fast_form {
    ASSAY_FAST_ANY_FORM,    /* the Gram form where it takes less time: of matrices that are far from square */
    ASSAY_FAST_DIRECT_FORM, /* X <- a X + (b A + c A A) X, A = X X^T, in every step */
    ASSAY_FAST_GRAM_FORM,   /* as many steps on A as accuracy allows, in fp32 but for the last, and then on X */
};

/* All zero means default. */
typedef struct assay_fast_options {
    enum assay_fast_path path;
    enum assay_fast_arithmetic arithmetic;
    enum assay_fast_form form;
    unsigned threads; /* 0: one for each processor; at most 64; small problems take one in any case */
    char *message;    /* receives the sentence of a failure; or NULL */
    size_t message_size;
} assay_fast_options;

/* ---- plans ---------------------------------------------------------------------------------------------------- */

typedef struct assay_fast_plan assay_fast_plan;

/* A plan for parameters of this shape (ndim <= 4; a NULL shape with ndim = 0 is a single number). The dialect is copied;
 * its coefficient table is not, and must outlive the plan. Errors, with which *plan stays as it was: ASSAY_INVALID for shapes
 * that are empty or too large or that the dialect does not take, for NULL in place of a dialect, and for a path that the
 * processor lacks; ASSAY_NO_MEMORY. */
ASSAY_API assay_status assay_fast_plan_new(assay_fast_plan **plan, const struct assay_dialect *dialect, size_t ndim,
                                           const size_t *shape, const assay_fast_options *options);
ASSAY_EXPORT void assay_fast_plan_free(assay_fast_plan *plan); /* NULL is fine */

/* The workspace of the functions below that take a plan and `work`, in bytes. */
ASSAY_EXPORT size_t assay_fast_work(const assay_fast_plan *plan);

/* How many numbers of second moment (Adam's, NorMuon's) the dialect keeps for this shape; 0 for none. */
ASSAY_EXPORT size_t assay_fast_moment_count(const assay_fast_plan *plan);

/* What was chosen. */
ASSAY_EXPORT enum assay_fast_path assay_fast_plan_path(const assay_fast_plan *plan);
ASSAY_EXPORT enum assay_fast_arithmetic assay_fast_plan_arithmetic(const assay_fast_plan *plan);
ASSAY_EXPORT bool assay_fast_plan_gram_form(const assay_fast_plan *plan);

/* ---- parts of a step ------------------------------------------------------------------------------------------ */

/* o: the Newton-Schulz iterate of u as the dialect computes it: pre, normalisation, all steps, snap; without scale and
 * second moments. o may be u. Errors: ASSAY_INVALID if the dialect has no such iteration; ASSAY_NOT_FINITE, also for the
 * zero matrix without eps. Accuracy: see newton_schulz.c, gram_form.c. Cost: for each step and r x c matrix, r <= c, 2 r^2 c +
 * r^3 additions and multiplications each, less a quarter to a third that symmetry saves; in the Gram form r^2 c + 4 r^3 less
 * half, and 2 r^2 c for several steps. */
ASSAY_API assay_status assay_fast_newton_schulz(float *o, const assay_fast_plan *plan, const float *u, void *work);

/* o: the cosh-RMS direction of u as the dialect computes it, its Newton-Schulz steps included. o may be u. Errors
 * likewise, ASSAY_INVALID if the dialect's direction is another. Accuracy: without Newton-Schulz steps each entry has a
 * relative error of at most u + 2^-26, see cosh_rms.c. Cost: two passes over the entries. */
ASSAY_API assay_status assay_fast_cosh_rms(float *o, const assay_fast_plan *plan, const float *u, void *work);

/* y[k] = cosh(x[k]). Relative error at most u + 2^-43 for all x, infinity where cosh rounds to more than the largest
 * binary32 number; see kernels.inc. y may be x. ASSAY_INVALID for a path that the processor lacks; no ASSAY_NOT_FINITE. */
ASSAY_API assay_status assay_fast_cosh(float *y, const float *x, size_t count, enum assay_fast_path path);

/* next: the buffer after step number `step` = 1, 2, ...; u: the input of the direction, made of the buffer as it was
 * rounded; either is NULL if unwanted. One pass. next may be momentum, u may be grad. momentum may be NULL for 0, param unless
 * the dialect decays by L2. Errors: ASSAY_INVALID for hyperparameters out of range, step 0, no gradient, or no param where that
 * is needed; ASSAY_NOT_FINITE. Accuracy: see momentum.c. */
ASSAY_API assay_status assay_fast_momentum(float *next, float *u, const assay_fast_plan *plan, const assay_hyper *hyper,
                                           const float *momentum, const float *grad, const float *param, size_t step,
                                           void *work);

/* The workspace of assay_fast_polar() and assay_fast_lmo(), in bytes; 0 if the matrix is empty or too large: for a singular
 * value decomposition, of which LAPACK counts the workspace in int, its lesser side is at most 23169. */
ASSAY_EXPORT size_t assay_fast_polar_work(size_t rows, size_t cols);
ASSAY_EXPORT size_t assay_fast_lmo_work(enum assay_norm norm, size_t rows, size_t cols);

/* q = U_r V_r^T for A = U_r S_r V_r^T of numerical rank r: singular values up to max(m, n) 2^-52 times the largest count
 * as 0. Of a singular value decomposition in binary64, so to working accuracy unless the least singular value is less
 * than 2^-29 or so times the largest. *rank may be NULL. q may be a. Errors: ASSAY_INVALID for empty matrices, views of
 * different shapes, and strides less than cols; ASSAY_NOT_FINITE; ASSAY_UNDECIDED if LAPACK does not converge; with these two
 * q is all NaN and the rank 0. Source: as assay_ref_polar(). */
ASSAY_API assay_status assay_fast_polar(assay_fast_output q, size_t *rank, assay_fast_input a, void *work);

/* d = argmin <G, D> over ||D|| <= radius; of several minimisers the one of least Frobenius norm, ties of singular values
 * decided as in assay_fast_polar(). d may be g. Errors likewise, but that only norms with singular values make all of d NaN;
 * and ASSAY_INVALID for a radius that is not positive and finite. Source and table: as assay_ref_lmo(). */
ASSAY_API assay_status assay_fast_lmo(assay_fast_output d, enum assay_norm norm, double radius, assay_fast_input g,
                                      void *work);

/* ---- whole steps ---------------------------------------------------------------------------------------------- */

/* What a step reads and writes, the caller's: param and momentum of the plan's shape, second_moment of
 * assay_fast_moment_count() numbers (NULL if that is 0), `steps`: how many steps the buffers have seen. Before the first
 * step, momentum and second_moment are 0. */
typedef struct assay_fast_state {
    float *param, *momentum, *second_moment;
    size_t steps;
} assay_fast_state;

/* One step of the dialect, in place: momentum, Nesterov, direction, scale, weight decay, update, exactly as
 * assay_ref_step() has them. grad, which is never written, is NULL for a step without gradient: then the dialect's axis
 * `absent` decides. Errors: ASSAY_INVALID for hyperparameters out of range and for a regulariser, which needs
 * assay_ref_step(); ASSAY_NOT_FINITE; ASSAY_UNDECIDED as assay_fast_lmo(), the matrix in param NaN then. Cost: that of the
 * direction; where it is entrywise, two passes over the entries (28 bytes of memory traffic an entry). */
ASSAY_API assay_status assay_fast_step(assay_fast_state *state, const assay_fast_plan *plan, const assay_hyper *hyper,
                                       const float *grad, void *work);

#ifdef __cplusplus
}
#endif

#endif
