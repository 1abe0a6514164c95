/* Three steps X <- P_k(X X^T) X of a matrix of whole numbers, exact in fp32 and in bf16, in the direct form and in the Gram
 * form, as tools/large.c has one.
 *
 * Row l of X has 1 or -1 in two columns of its own, in one that it shares with row l + 1, and in one that it shares with row
 * l - 1, cyclically; in a shared column, both have the same. Then rows are multiplied by 1 or -1, and rows and columns
 * permuted, all at random. Before that, with T the shift by a row,
 *
 *     A = X X^T = 4 I + T + T^-1,
 *
 * so each matrix that is made of A is a sum of powers of T with whole coefficients. With
 *
 *     P_0 = 14 I - 8 A + A A = T^2 + T^-2,   P_1 = I,   P_2 = 2^-70 (A_2 - 8 I),   A_2 = A_1 = P_0 A P_0,
 *
 * these coefficients are at most 16 in size, all partial sums less than 2^10, and an entry of Y at most two of them. The kernels
 * know no more of the singular values of X = u / (||u|| / 64 + eps) = u than that they are at most 64, and of the others what
 * follows of that: at most 2^60 in A_2, for which 2^-70 is small enough to round Q. So the last step is one in bf16, if a step
 * in the Gram form ever is. ||u|| is 2 root(r), of a square r, and eps what makes the denominator 1; 128 in place of 64 where
 * r > 1024. */
#include "large.h"

#include "inputs.h"

#include <stdlib.h>
#include <string.h>

enum { OWN = 2, DEGREE = 7 }; /* columns of a row's own; of P_2 P_1 P_0: 5 of A_1, and 2 */

static const struct assay_triple triples[] = {{14, -8, 1}, {1, 0, 0}, {-8 * 0x1p-70, 0x1p-70, 0}};
static const struct assay_coefficients coefficients = {"whole", "tools/large_steps.c", 3, triples};

struct assay_dialect large_steps_dialect(size_t root)
{
    double factor = root <= 32 ? 1.0 / 64 : 1.0 / 128;
    return (struct assay_dialect){.name = "three-steps-of-whole-numbers",
                                  .direction = ASSAY_DIRECTION_NEWTON_SCHULZ,
                                  .nd = ASSAY_ND_BATCH,
                                  .coefficients = &coefficients,
                                  .steps = 3,
                                  .normalisation = ASSAY_NORMALISE_ADD,
                                  .norm_factor = factor,
                                  .eps = 1 - factor * 2 * (double)root};
}

/* Coefficients of T^-DEGREE to T^DEGREE. */
struct powers {
    int of[2 * DEGREE + 1];
};

/* A product that has no higher powers. */
static struct powers product(const struct powers *p, const struct powers *q)
{
    struct powers r = {{0}};
    for (int i = -DEGREE; i <= DEGREE; i++)
        for (int j = -DEGREE; j <= DEGREE; j++)
            if (abs(i + j) <= DEGREE)
                r.of[i + j + DEGREE] += p->of[i + DEGREE] * q->of[j + DEGREE];
    return r;
}

/* 2^70 P_2 P_1 P_0 */
static struct powers product_of_steps(void)
{
    struct powers a = {.of = {[DEGREE - 1] = 1, [DEGREE] = 4, [DEGREE + 1] = 1}}, square = product(&a, &a), p = square;
    for (size_t k = 0; k < sizeof p.of / sizeof *p.of; k++)
        p.of[k] -= 8 * a.of[k];
    p.of[DEGREE] += 14;
    a = product(&p, &a);
    a = product(&a, &p);
    a.of[DEGREE] -= 8;
    return product(&a, &p);
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

assay_status large_steps(double *u, double *y, size_t m, size_t n)
{
    uint64_t seed = input_seed("large steps");
    struct cycle c = {m, n, shuffled(seed + 1, m), shuffled(seed + 2, n), seed};
    struct powers p = product_of_steps();
    bool enough = c.row && c.col;
    memset(u, 0, m * n * sizeof *u);
    memset(y, 0, m * n * sizeof *y);
    for (size_t l = 0; l < m && enough; l++) {
        int own = sign(&c, n + l);
        add_row(u + c.row[l] * n, own, &c, l);
        for (size_t k = 0; k < sizeof p.of / sizeof *p.of; k++)
            add_row(y + c.row[l] * n, 0x1p-70 * own * p.of[k], &c, (l + m + k - DEGREE) % m);
    }
    free(c.row);
    free(c.col);
    return enough ? ASSAY_OK : ASSAY_NO_MEMORY;
}
