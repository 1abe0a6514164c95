/* AuON's cosh-RMS direction (arXiv 2509.24320 and its code at c87b862), enclosed:
 *
 *     U = G / (||G||_F + 1e-7),  R = sqrt(mean(cosh(U)^2)),  out = U / (R + 1e-8),  N entries */
#ifndef ASSAY_PROOFS_AUON_H
#define ASSAY_PROOFS_AUON_H

#include "claim.h"

struct auon {
    real size;  /* ||G||_F */
    real tau;   /* ||U||_F = ||G||_F / (||G||_F + 1e-7) */
    real r;     /* R, of gamma U */
    real scale; /* out = scale G, scale > 0 */
};

/* `gamma` multiplies the argument of cosh: 1 in the paper, 1.5 in the code of 2026. */
struct auon auon_of(struct matrix g, real gamma);
struct matrix auon_direction(struct matrix g);

/* The bounds of R: cosh(t / sqrt N) and sqrt(1 + sinh(t)^2 / N), t = gamma tau. */
real auon_least(real t, size_t count);
real auon_most(real t, size_t count);

/* Instances: matrices of 1 x 1 to 6 x 5 of sizes 1e-9 to 1e9; every third has equal |entries|, every third one entry
 * alone. */
struct matrix auon_instance(const struct field *f, size_t k);

#endif
