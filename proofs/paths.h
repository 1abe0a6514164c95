/* Expectations over noise with finitely many values, exactly: every path is walked, with its probability. */
#ifndef ASSAY_PROOFS_PATHS_H
#define ASSAY_PROOFS_PATHS_H

#include "descent.h"

enum { OUTCOMES_MOST = 3, PATH_MEANS = 64 };

struct noise {
    size_t outcomes;
    real probability[OUTCOMES_MOST];
    struct matrix value[OUTCOMES_MOST];
};

/* a with probability b / (a + b), -b else, times `shape`: mean 0, and three values +-a, 0 with 1/4, 1/4, 1/2. */
struct noise noise_two(real a, real b, struct matrix shape);
struct noise noise_three(real a, struct matrix shape);
/* omega_k^2 = (1-a)^2k + a / (2-a) (1 - (1-a)^2k): E ||N_k||_F^2 over sigma^2 (claim KE-variance). */
real noise_left(real alpha, size_t k);
/* E n, and sigma^2 = E ||n||_F^2. */
struct matrix noise_mean(const struct noise *n);
real noise_variance(const struct noise *n);

/* A path at k = 0 .. method->steps: x_k, grad f(x_k), r_k of the subdifferential of R at x_k (for k > 0; 0 for k = 0);
 * and unless k is the last, m_k, m_{k+1}, E_k. */
struct point {
    size_t k;
    struct matrix x, m_before, m, gradient, error, r;
};
typedef void (*path_visit)(const struct problem *p, const struct method *m, const struct point *at, real *stats);
/* One: the trace of x and f(x), at the end of the path. */
void visit_end(const struct problem *p, const struct method *m, const struct point *at, real *stats);

/* mean[j] = E stats[j], where visit() changes stats (0 at the start of a path) at every point. Of all outcomes^steps
 * paths. Certifies that the probabilities sum to 1 and that E n = 0. `orthogonalised_gradients`: Orthogonal-SGDM
 * instead, M_{k+1} = (1-a) M_k + a orth(g_k), X_{k+1} = X_k - eta M_{k+1}, with M_0 = orth(g_0). */
void expect(struct evidence *e, real *mean, size_t count, const struct problem *p, const struct method *m,
            const struct noise *noise, bool orthogonalised_gradients, path_visit visit);

#endif
