/* Three steps X <- P_k(X X^T) X of matrices of whole numbers, exact in fp32 and in bf16, in the direct form and in the Gram
 * form, as tools/large.c has one.
 *
 * Row l of X has 1 or -1 in two columns of its own, in one that it shares with row l + 1, and in one that it shares with row
 * l - 1, cyclically; in a shared column, both have the same. Then rows are multiplied by 1 or -1, and rows and columns
 * permuted, all at random. Before that, with T the shift by a row,
 *
 *     A_0 = X X^T = 4 I + T + T^-1,
 *
 * so each matrix that is made of A_0 is a sum of powers of T with whole coefficients. There are two sequences of steps:
 *
 *     P_0 = 14 I - 8 A + A A = T^2 + T^-2,   P_1 = I,               P_2 = 2^-122 (A A - 16 A);
 *     P_0 = A - 4 I = T + T^-1,              P_1 = A A - 16 A,      P_2 = I.
 *
 * The coefficients of A_k, b A + c A A and products of P_k that come into Y are at most 64 in size, partial sums less than
 * 2^12, and an entry of Y is the sum of at most two of them. X = u / (||u|| / ||u||) is u, and the kernels know no more of its
 * singular values than that they are at most ||u||, 66 for 1089 rows: so P_2 of the first sequence is at most 2^-122 2^121 to
 * them, and Q, with rows of length sqrt(2), may be rounded: in the Gram form the last step is one in bf16. In the second
 * sequence Q has rows of length 128, and stays in fp32. */
#include "large.h"

#include "inputs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    STEPS = 3,
    DEGREE = 15, /* of powers of T in A_2 of the second sequence */
    OWN = 2      /* columns of a row's own */
};

static const struct assay_triple triples[LARGE_SEQUENCES][STEPS] = {
    {{14, -8, 1}, {1, 0, 0}, {0, -16 * 0x1p-122, 0x1p-122}},
    {{-4, 1, 0}, {0, -16, 1}, {1, 0, 0}},
};
static const struct assay_coefficients coefficients[LARGE_SEQUENCES] = {
    {"whole-1", "tools/large_steps.c", STEPS, triples[0]},
    {"whole-2", "tools/large_steps.c", STEPS, triples[1]},
};

struct assay_dialect large_steps_dialect(size_t sequence, size_t m)
{
    return (struct assay_dialect){.name = "three-steps-of-whole-numbers",
                                  .direction = ASSAY_DIRECTION_NEWTON_SCHULZ,
                                  .nd = ASSAY_ND_BATCH,
                                  .coefficients = &coefficients[sequence],
                                  .steps = STEPS,
                                  .normalisation = ASSAY_NORMALISE_ADD,
                                  .norm_factor = 1 / sqrt((double)(4 * m)),
                                  .eps = 0};
}

/* Coefficients of T^-DEGREE to T^DEGREE. */
struct powers {
    double of[2 * DEGREE + 1];
};

/* A product, without powers beyond. */
static struct powers product(const struct powers *p, const struct powers *q)
{
    struct powers r = {{0}};
    for (int i = -DEGREE; i <= DEGREE; i++)
        for (int j = -DEGREE; j <= DEGREE; j++)
            if (abs(i + j) <= DEGREE)
                r.of[i + j + DEGREE] += p->of[i + DEGREE] * q->of[j + DEGREE];
    return r;
}

/* P_2 P_1 P_0 */
static struct powers product_of_steps(const struct assay_triple *steps)
{
    struct powers a = {.of = {[DEGREE - 1] = 1, [DEGREE] = 4, [DEGREE + 1] = 1}}, q = {.of = {[DEGREE] = 1}};
    for (size_t k = 0; k < STEPS; k++) {
        struct powers p = product(&a, &a);
        for (size_t l = 0; l < sizeof p.of / sizeof *p.of; l++)
            p.of[l] = steps[k].c * p.of[l] + steps[k].b * a.of[l];
        p.of[DEGREE] += steps[k].a;
        q = product(&p, &q);
        a = product(&p, &a);
        a = product(&a, &p);
    }
    return q;
}

/* The numbers below n in random order; NULL without memory. */
static size_t *shuffled(uint64_t seed, size_t n)
{
    size_t *at = malloc(n * sizeof *at);
    for (size_t k = 0; k < n && at; k++) {
        size_t other = input_bits(seed, k) % (k + 1);
        at[k] = at[other];
        at[other] = k;
    }
    return at;
}

struct cycle {
    size_t m, n, *row, *col; /* the places of rows and columns */
    uint64_t seed;
};

static int sign(const struct cycle *c, size_t k)
{
    return input_bits(c->seed, k) & 1 ? 1 : -1;
}

/* to += factor times row l before it was multiplied by its sign. */
static void add_row(double *to, double factor, const struct cycle *c, size_t l)
{
    const size_t columns[] = {l, (l + c->m - 1) % c->m, c->m + OWN * l, c->m + OWN * l + 1};
    for (size_t k = 0; k < sizeof columns / sizeof *columns; k++)
        to[c->col[columns[k]]] += factor * sign(c, columns[k]);
}

assay_status large_steps(double *u, double *y, size_t sequence, uint64_t seed, size_t m, size_t n)
{
    struct cycle c = {m, n, shuffled(seed + 1, m), shuffled(seed + 2, n), seed};
    struct powers p = product_of_steps(triples[sequence]);
    bool enough = c.row && c.col;
    memset(u, 0, m * n * sizeof *u);
    memset(y, 0, m * n * sizeof *y);
    for (size_t l = 0; l < m && enough; l++) {
        int own = sign(&c, n + l);
        add_row(u + c.row[l] * n, own, &c, l);
        for (size_t k = 0; k < sizeof p.of / sizeof *p.of; k++)
            add_row(y + c.row[l] * n, own * p.of[k], &c, (l + m + k - DEGREE) % m);
    }
    free(c.row);
    free(c.col);
    return enough ? ASSAY_OK : ASSAY_NO_MEMORY;
}
