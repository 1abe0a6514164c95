/* Products of matrices in fp32 and bf16, by a team. */
#ifndef ASSAY_FAST_GEMM_H
#define ASSAY_FAST_GEMM_H

#include "kernels.h"
#include "team.h"

#include <string.h>

/* A matrix of floats, or of bf16 numbers: the upper halves of floats. */
struct operand {
    void *at;
    size_t stride;
    bool bf16;
};

/* C = alpha A B + beta D, m x n, with A m x depth and B depth x n, stored by rows. A and B may be read to the end of each
 * row's stride, beyond their columns; what is there comes into no result. D, of which at may be NULL, may not be C. C and D
 * have one format, A and B each its own. Each entry is a sum of products over ranges of 2048 or fewer (1024 in fp32), each
 * rounded as it goes, the ranges one after the other; then it is combined with alpha, beta and D in fp32, and stored rounded
 * once. */
struct gemm {
    const struct kernels *kernels;
    size_t m, n, depth;
    float alpha, beta;
    struct operand a, b, c, d;
    bool a_symmetric;  /* A = A^T */
    bool b_transposed; /* B is stored as B^T */
    bool symmetric;    /* C is: only half of it is computed */
    bool same_a; /* A is as in the last product with this work, which had these sides, strides, formats and flags */
    bool same_b; /* so is B */
    void *work;
};

/* Floats of workspace that serve all products with sides up to these, of A, C (rows), of B, C (columns), and depth. */
size_t gemm_work(const struct kernels *kernels, size_t m, size_t n, size_t depth);

/* All of the team call it, and have met when it returns. */
void gemm(struct team *team, const struct gemm *g);

/* bf16, to nearest, ties to even; NaN stays NaN. And back. */
static inline uint16_t bf16_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline float float_of(uint16_t x)
{
    uint32_t bits = (uint32_t)x << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

#endif
