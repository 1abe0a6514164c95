/* What the two forms of a Newton-Schulz iteration share. */
#ifndef ASSAY_FAST_ITERATION_H
#define ASSAY_FAST_ITERATION_H

#include "plan.h"

/* The matrix that is iterated: oriented so that it is not tall. */
struct oriented {
    size_t short_side, long_side, stride; /* stride: of X, in entries */
    bool turned;
};
struct oriented orient(const struct block_list *b);

/* The workspace of one matrix. */
struct iteration_work {
    void *x, *y, *gram, *sum;
    void *power, *spare; /* of the Gram form: then these and the former two have room for squares of floats */
    double *rows, *eigen;
    float *products;
};

/* One matrix and the team that iterates it. */
struct iteration {
    struct team *team;
    const assay_fast_plan *plan;
    const struct iteration_work *work;
    struct oriented o;
    const float *from;
    float *to;
};

/* A matrix with sides that are the short one. */
struct operand square_operand(const struct iteration *it, void *at, bool bf16);

static inline float get(const struct operand *x, size_t i, size_t j)
{
    size_t k = i * x->stride + j;
    return x->bf16 ? float_of(((const uint16_t *)x->at)[k]) : ((const float *)x->at)[k];
}

static inline void put(const struct operand *x, size_t i, size_t j, float value)
{
    size_t k = i * x->stride + j;
    if (x->bf16)
        ((uint16_t *)x->at)[k] = bf16_of(value);
    else
        ((float *)x->at)[k] = value;
}

static inline void swap(struct operand *x, struct operand *y)
{
    struct operand was = *x;
    *x = *y;
    *y = was;
}

/* A = X X^T */
void gram(const struct iteration *it, const struct operand *a, const struct operand *x);

enum {
    SYMMETRIC = 1, /* C is, and so has the sides of A, not those of X */
    SAME_A = 2,    /* as in the product before, which had the same sides and formats */
    SAME_B = 4
};

/* C = alpha A B + beta D for a symmetric A whose sides are short. D may be NULL. */
void multiply(const struct iteration *it, const struct operand *c, double alpha, const struct operand *a,
              const struct operand *b, double beta, const struct operand *d, unsigned what);

/* One step of the direct form, from x to y. */
void direct_step(const struct iteration *it, struct assay_triple p, const struct operand *x, const struct operand *y);

/* ---- the Gram form, gram_form.c -------------------------------------------------------------------------------------- */

/* From x to y: as many steps in one, beginning with number `from`, as accuracy allows. Returns the first that is left. */
size_t gram_steps(const struct iteration *it, size_t from, const struct operand *x, const struct operand *y);

#endif
