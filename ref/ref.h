/* assay/ref.h: the reference. What the answer is, correctly rounded, with a proof.
 *
 * Conventions, for every function here:
 *   - outputs come first, then inputs, then options; sizes stand beside their array;
 *   - a matrix is a by-value view, row-major: entry (i, j) is at[i * stride + j], stride >= cols; views never own
 *     memory, and inputs and outputs must not overlap;
 *   - every function returns an assay_status, and outputs are untouched unless it is ASSAY_OK; options->message, if
 *     given, then holds one sentence that says what is wrong, with the place or the value;
 *   - inputs are binary64 numbers, finite, and are taken at their exact value; so are lr, momentum and all constants;
 *     from there on everything is real arithmetic;
 *   - an answer is a pair of matrices and a radius: `hi` is the exact value correctly rounded to binary64 (to nearest,
 *     ties to even; zeros are +0), `lo` the exact value minus hi correctly rounded to binary64, and `radius` the least
 *     power of two that is a binary64 number and not below ||hi + lo - exact||_F; 0 if hi + lo is exact. These bits are
 *     facts: no machine, compiler, BLAS, thread count, rounding mode or precision changes them;
 *   - the bounds in the *_info structures are proved too, but how tight they are depends on the precision;
 *   - memory is allocated and freed; if there is too little, ASSAY_NO_MEMORY is returned (but GMP's own small
 *     temporaries abort the process if they cannot be had). Nothing global is changed; the floating-point environment is
 *     set to the default and restored.
 * Costs are for m x n matrices, m >= n, at p bits; a product is one of p-bit matrices of that size. */
#ifndef ASSAY_REF_H
#define ASSAY_REF_H

#include "dialect.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#define ASSAY_API ASSAY_EXPORT __attribute__((warn_unused_result))
#else
#define ASSAY_API ASSAY_EXPORT
#endif

enum { ASSAY_MESSAGE_SIZE = 512 };

/* What every fallible function returns. */
typedef enum assay_status {
    ASSAY_OK,
    ASSAY_INVALID,    /* an argument is out of range, or arguments disagree */
    ASSAY_NOT_FINITE, /* an input holds NaN or infinity */
    ASSAY_UNDEFINED,  /* the formula itself has no value there: 0 / 0 */
    ASSAY_RANGE,      /* the answer exceeds the largest binary64 number */
    ASSAY_UNREADABLE, /* a file cannot be read or written, or is malformed (golden/) */
    ASSAY_NO_MEMORY,
    ASSAY_UNDECIDED, /* not decided within max_bits of precision, nor by proof */
    ASSAY_BROKEN     /* the BLAS returned a wrong product */
} assay_status;

typedef struct assay_input {
    const double *at;
    size_t rows, cols, stride;
} assay_input;

typedef struct assay_output {
    double *at;
    size_t rows, cols, stride;
} assay_output;

/* The caller sets the views of hi and lo, of the answer's shape; the function fills them and the radius. */
typedef struct assay_answer {
    assay_output hi, lo;
    double radius;
} assay_answer;

/* A tensor of up to four dimensions, without gaps, last dimension fastest. */
typedef struct assay_tensor {
    const double *at;
    size_t ndim, shape[4];
} assay_tensor;

/* The answer for a tensor: arrays of as many numbers as it has, the caller's. An answer whose `hi` is NULL is not
 * wanted. */
typedef struct assay_tensor_answer {
    double *hi, *lo;
    double radius;
} assay_tensor_answer;

/* All zero means default. */
typedef struct assay_options {
    unsigned bits;     /* certify at least this many bits; 0: as many as correct rounding takes. At most 65536 */
    unsigned max_bits; /* give up beyond this precision; 0: 8192 */
    unsigned threads;  /* 0: one for each processor. BLAS has its own */
    void (*progress)(void *data, const char *stage, double done); /* called now and then with done in 0..1; or NULL */
    void *progress_data;
    char *message; /* receives the sentence of a failure; or NULL */
    size_t message_size;
} assay_options;

/* The version of the library, as in "0.1.0". */
ASSAY_EXPORT extern const char assay_version[];

/* The sentence for a status, without particulars. */
ASSAY_EXPORT const char *assay_status_text(assay_status status);

/* ---- polar factor -------------------------------------------------------------------------------------------- */

typedef struct assay_polar_info {
    size_t rank;         /* of A; decided */
    bool unique;         /* whether Q is the only maximiser of <A, Q> over ||Q||_2 <= 1: iff rank = min(m, n) */
    double largest[2];   /* bounds on the largest singular value, */
    double least[2];     /* on the least that is not 0, */
    double condition[2]; /* and on their quotient; all 0 for A = 0 */
    long radius_log2;    /* the enclosure of Q that was rounded has a radius of at most 2^radius_log2; LONG_MIN: 0 */
    long bits;           /* of the arithmetic that found it */
} assay_polar_info;

/* Q = U_r V_r^T for A = U_r S_r V_r^T of rank r: the polar factor if r = min(m, n), else the partial isometry that is
 * the maximiser of <A, Q> over ||Q||_2 <= 1 of least Frobenius norm. 0 for 0. Q is m x n like A; info may be NULL.
 * Errors: ASSAY_INVALID for an empty matrix or views of different shapes, ASSAY_NOT_FINITE, ASSAY_NO_MEMORY,
 * ASSAY_UNDECIDED, ASSAY_BROKEN. Source: Higham, Functions of Matrices (2008), ch. 8; the certificate stands in
 * polar.c. Cost: about 25 products, at p = bits + 2 log2(condition) + 100 or so. */
ASSAY_API assay_status assay_ref_polar(assay_answer *q, assay_polar_info *info, assay_input a,
                                       const assay_options *options);

/* ---- singular value decomposition ------------------------------------------------------------------------------ */

typedef struct assay_svd_info {
    size_t rank;     /* decided; the other singular values are exactly 0 */
    double u_defect; /* bounds on ||U^T U - I||_F and ||V^T V - I||_F of the first `rank` columns, */
    double v_defect;
    double residual; /* and on ||A - U S V^T||_F, for U and V as written */
    long bits;
} assay_svd_info;

/* s: the k = min(m, n) singular values, 1 x k, descending. u (m x k) and v (n x k), which may be NULL, are witnesses,
 * not facts: columns of nearly orthonormal singular vectors up to the rank, zeros beyond; their `radius` bounds how far
 * the first `rank` columns of hi + lo are from being orthonormal, in Frobenius norm (the nearest orthonormal matrix),
 * as a power of two. Errors as assay_ref_polar(). Source: Ogita & Aishima 2018; the enclosure stands in svd.h. Cost:
 * about 25 products. */
ASSAY_API assay_status assay_ref_svd(assay_answer *s, assay_answer *u, assay_answer *v, assay_svd_info *info,
                                     assay_input a, const assay_options *options);

/* ---- linear minimisation oracle and subproblems ---------------------------------------------------------------- */

typedef struct assay_lmo_info {
    bool unique;    /* whether D is the only minimiser; decided */
    double dual[2]; /* bounds on the dual norm ||G||_* */
    double excess;  /* a bound on ||D|| - radius for D = hi + lo: how far it may leave the ball */
    double gap;     /* a bound on radius ||G||_* + <G, D>: how far it may be from optimal */
    long bits;
} assay_lmo_info;

/* D = argmin <G, D> over ||D|| <= radius, radius > 0; of several the one of least Frobenius norm. Errors as
 * assay_ref_polar(), and ASSAY_INVALID for a radius that is not positive and finite. Source: Kovalev arXiv 2503.12645;
 * the table of minimisers is in the README. Cost: that of the polar factor (spectral, RMS), of singular values
 * (nuclear), or of a few passes over the entries. */
ASSAY_API assay_status assay_ref_lmo(assay_answer *d, assay_lmo_info *info, enum assay_norm norm, double radius,
                                     assay_input g, const assay_options *options);

/* x = argmin <m, x> + R(x) over ||x - centre|| <= radius, for the combinations that have a closed form: the ridge with
 * ASSAY_NORM_SPECTRAL and ASSAY_NORM_FROBENIUS, the sum and the box with ASSAY_NORM_MAX. weight is the lambda > 0 of R
 * (>= 0 for the sum). *unique, which may be NULL: whether x is the only minimiser; of several it is the one nearest to
 * the centre. Errors as assay_ref_lmo(), and ASSAY_INVALID for other combinations or where box and ball do not meet.
 * Source: Kovalev arXiv 2503.12645 eq. 17. */
ASSAY_API assay_status assay_ref_subproblem(assay_answer *x, bool *unique, enum assay_norm norm, double radius,
                                            enum assay_regulariser regulariser, double weight, assay_input m,
                                            assay_input centre, const assay_options *options);

/* ---- Newton-Schulz, cosh-RMS, momentum, step: parts of a dialect ----------------------------------------------- */

/* The Newton-Schulz iterate of u as the dialect computes it: pre, normalisation, all steps, snap; for tensors of
 * three and four dimensions as its axis nd says; without the scale of the update and without second moments. Errors:
 * ASSAY_INVALID if the dialect has no such iteration or no such tensors, ASSAY_UNDEFINED for the zero matrix without
 * eps, and those of assay_ref_polar(). Cost: three products for each step. */
ASSAY_API assay_status assay_ref_newton_schulz(assay_tensor_answer *o, const struct assay_dialect *dialect,
                                               assay_tensor u, const assay_options *options);

/* The cosh-RMS direction of u as the dialect computes it, its Newton-Schulz steps included. Errors likewise, and
 * ASSAY_INVALID if the dialect's direction is another. */
ASSAY_API assay_status assay_ref_cosh_rms(assay_tensor_answer *o, const struct assay_dialect *dialect, assay_tensor u,
                                          const assay_options *options);

typedef struct assay_hyper {
    double lr, momentum, weight_decay;  /* lr >= 0; 0 <= momentum < 1, always the decay beta of the buffer; >= 0 */
    enum assay_regulariser regulariser; /* of the composite problem; only where the direction is the exact LMO */
    double weight;
} assay_hyper;

/* next: the buffer after step number `step` = 1, 2, ...; u, which may be unwanted: the input of the direction. param
 * may have at = NULL unless the dialect decays by L2. All tensors have one shape. Errors as assay_ref_polar(), and
 * ASSAY_INVALID for hyperparameters out of range. */
ASSAY_API assay_status assay_ref_momentum(assay_tensor_answer *next, assay_tensor_answer *u,
                                          const struct assay_dialect *dialect, const assay_hyper *hyper,
                                          assay_tensor momentum, assay_tensor grad, const double *param, size_t step,
                                          const assay_options *options);

/* T steps with given gradients. */
typedef struct assay_run {
    assay_tensor param;          /* before the first step */
    size_t steps;                /* T >= 1 */
    const double *grads;         /* T x count */
    const double *lr;            /* T; NULL: hyper.lr in each */
    const bool *present;         /* T: whether step k has a gradient (grads[k] is ignored if not); NULL: all have */
    const double *momentum;      /* count: the buffer before the first step; NULL: 0 */
    const double *second_moment; /* assay_ref_moment_count(), none negative; NULL: 0 */
    size_t steps_before;         /* how many steps the buffers have seen */
} assay_run;

/* How many numbers of second moment (Adam's, NorMuon's) the dialect keeps for a parameter of this shape; 0 for none,
 * and for shapes that it does not take. */
ASSAY_EXPORT size_t assay_ref_moment_count(const struct assay_dialect *dialect, assay_tensor param);

/* After each step: the parameter, its change (decay included), the buffer, the second moment, and the point where the
 * extrapolated gradient method (NIGT) would ask for the next gradient, x + beta / (1 - beta) (x - x before). T x count
 * each, T x moment count for the second moment; any of them may be unwanted. *unique, which may be NULL: whether the
 * exact LMO never had a choice. Errors as assay_ref_momentum(). Cost: that of the direction, T times over. */
typedef struct assay_steps {
    assay_tensor_answer params, updates, momentum, second_moment, queries;
} assay_steps;
ASSAY_API assay_status assay_ref_step(assay_steps *after, bool *unique, const struct assay_dialect *dialect,
                                      const assay_hyper *hyper, const assay_run *run, const assay_options *options);

/* ---- Polar Express --------------------------------------------------------------------------------------------- */

/* The coefficients of `count` steps of Polar Express, derived by Remez's algorithm: minimax odd quintics from
 * [lower, 1] on, 0 < lower < 1, with the safety factor 1 + safety and the cushion of its authors' code (0 and 0 for the
 * plain composition). *error: 1 - (the least image of [lower, 1]). Errors: ASSAY_INVALID, ASSAY_NO_MEMORY. Source:
 * Amsel, Persson, Musco, Gower, arXiv 2505.16932. */
ASSAY_API assay_status assay_ref_polar_express(struct assay_triple *triples, double *error, size_t count, double lower,
                                               double safety, double cushion, const assay_options *options);

#ifdef __cplusplus
}
#endif

#endif
