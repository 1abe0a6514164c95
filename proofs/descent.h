/* Trust-region steps with momentum (Kovalev, arXiv 2503.12645, algorithm 1) and their variants, in exact numbers:
 *
 *     m_{k+1} = (1 - alpha) m_k + alpha g(y_k)
 *     x_{k+1} = argmin <m_{k+1}, x> + R(x) over ||x - c_k|| <= eta,    c_k = (1 - beta) x_k
 *
 * with y_k = x_k, or extrapolated, y_k = x_k + ((1 - alpha) / alpha) (x_k - x_{k-1}). Where x_{k+1} or m_{k+1} is not a
 * fraction, the next step starts from a dyadic number in its enclosure: every inequality that is checked is about one
 * step from exact x_k and m_{k+1}, whatever came before; the noise is what m_{k+1} says it was. */
#ifndef ASSAY_PROOFS_DESCENT_H
#define ASSAY_PROOFS_DESCENT_H

#include "claim.h"
#include "problems.h"

struct method {
    enum assay_norm norm;
    real eta, alpha;
    real beta;   /* weight decay; NULL: none */
    real factor; /* of the extrapolation; NULL: none */
    long noise;  /* entries of the noise are up to noise / 8 */
    size_t steps;
    struct matrix from; /* x_0 */
    uint64_t seed;
    enum assay_regulariser regulariser;
    real weight; /* of R; or half the side of the box */
};

struct step {
    size_t k;
    struct matrix before, x, y, centre, next; /* x_{k-1} (x_0 for k = 0), x_k, y_k, c_k, x_{k+1} */
    struct matrix m_before, m;                /* m_k (0 for k = 0), m_{k+1} */
    struct matrix gradient, noise;            /* grad f(x_k), n_k */
    struct matrix error;                      /* E_k = m_{k+1} - grad f(x_k) */
    struct matrix r;                          /* of the subdifferential of R at x_{k+1} */
    real e;                                   /* ||E_k||_* */
    real value, next_value;                   /* F(x_k), F(x_{k+1}) */
};

typedef void (*step_check)(struct evidence *e, const struct problem *p, const struct method *m, const struct step *s);

void descend(struct evidence *e, const struct problem *p, const struct method *m, step_check check);
/* One step from x with the momentum m, whatever made it; nothing is said of x_{k-1}, y_k and the noise. */
struct step step_with(const struct problem *p, const struct method *method, struct matrix x, struct matrix m);

/* argmin <m, x> + R(x) over ||x - centre|| <= eta, and the subgradient r of the optimality condition. */
struct matrix trust_region_step(const struct method *method, struct matrix m, struct matrix centre, struct matrix *r);
/* R(x) */
real regulariser_value(const struct method *method, struct matrix x);
/* The least value of F = f + R: at the solution for R = 0; for P2 with R, at C / (1 + w), or with every entry brought
 * nearer to 0 by w, or into the box; for P7 in a corner of the box. */
real least_value(const struct problem *p, const struct method *method);

/* The three norms that are tried, and the pairs of norm and R that have a closed form. */
extern const enum assay_norm descent_norms[3];
enum { DESCENT_VARIANTS = 7 };
struct variant {
    enum assay_norm norm;
    enum assay_regulariser regulariser;
};
extern const struct variant descent_variants[DESCENT_VARIANTS];

#endif
