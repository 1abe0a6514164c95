/* Functions of a matrix whose smoothness constants are known exactly (theory of the problems: claim KV-problems). */
#ifndef ASSAY_PROOFS_PROBLEMS_H
#define ASSAY_PROOFS_PROBLEMS_H

#include "matrix.h"

enum problem_kind {
    PROBLEM_QUADRATIC, /* P1: <X, A X B> / 2 - <C, X>, A and B positive semidefinite */
    PROBLEM_DISTANCE,  /* P2: ||X - C||_F^2 / 2 */
    PROBLEM_STAR,      /* P3: sum phi(X_ij - C_ij), phi(t) = |t| (1 - e^-|t|): star-convex, not convex */
    PROBLEM_COSINE,    /* P4: sum (1 - cos X_ij): not star-convex */
    PROBLEM_HUBER,     /* P5: sum h(X_ij), h(x) = x^2 / 2 for |x| <= 1, |x| - 1/2 beyond */
    PROBLEM_SOFTMAX,   /* P6: mean cross-entropy of softmax(X a_s), s = 1, 2, 3 */
    PROBLEM_LINEAR,    /* P7: <C, X> */
    PROBLEM_CUBIC,     /* P8: sum X_ij^2 / 2 + H X_ij^3 / 6 for X_ij >= 0, H = 1 */
    PROBLEM_KINDS
};

struct problem {
    enum problem_kind kind;
    const char *name;
    const struct field *field;
    struct matrix a, b, c;
    struct matrix solution; /* a minimiser, where there is one; else at is NULL */
    bool convex, star_convex;
};

/* The problem for rows x cols matrices, with data from this seed. Rotations of A, B for 2 x 2. */
struct problem problem_new(const struct field *f, enum problem_kind kind, size_t rows, size_t cols, uint64_t seed);

real problem_value(const struct problem *p, struct matrix x);
struct matrix problem_gradient(const struct problem *p, struct matrix x);
/* The Hessian at x applied to d; for kinds with a second derivative: P1-P4, P7, P8. */
struct matrix problem_hessian(const struct problem *p, struct matrix x, struct matrix d);

/* L of ||grad f(x) - grad f(y)||_* <= L ||x - y||, and H of the second-order remainder <= H/2 ||x - y||^2, for the
 * spectral, Frobenius and max norms; the least such numbers but for P6. */
real problem_smoothness(const struct problem *p, enum assay_norm norm);
bool problem_has_third(const struct problem *p);
real problem_third(const struct problem *p, enum assay_norm norm);

/* phi of P3. */
real star_value(real t);

#endif
