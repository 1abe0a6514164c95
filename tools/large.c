/* One step Y = a X + (b A + c A A) X, A = X X^T, of large matrices of whole numbers, of which every evaluation in fp32 and in
 * bf16 is exact, in any order, fused or not: the bound is 0, for each entry. That sees whatever a product leaves out, adds
 * twice or puts elsewhere: ranges of the depth, shares, threads, tails. (Of rounding, small cases tell more: a forward bound
 * for a Gaussian matrix of 1024 x 1024 whose singular values are near 1 is 5 per cent of Y in Frobenius norm, and a tile that
 * is left out 2.)
 *
 * Each row of X, or of X^T if that is wide, has d = 4 entries of +-1. With c = 1 and b = -d, N = A - d I,
 *
 *     S = b A + c A A = A (A - d I) = d N + N N,
 *
 * where N is small: two rows have few columns in common. X, A, S and Y are whole numbers of at most 256 in size, which bf16
 * holds; for S and Y that is checked. With m the shorter side, at most 8192, no partial sum of a product exceeds
 * sum_k |A_ik| |A_kj| <= d sum_k |A_ik| <= d d m or sum_k |S_ik| |X_kj| <= 256 m <= 2^21, in which k counts m rows, nor, of
 * A = X X^T, d; with b A <= d d and a X <= 3 added, all that is less than 2^24, up to which fp32 holds whole numbers. */
#include "large.h"

#include "inputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 4, OWN = 3 /* a */, LARGEST = 256 };

/* The first are of whole tiles on every path: of 4, 6, 8, 12 or 32 rows and 8, 12, 16 or 32 columns. */
static const struct {
    size_t count, rows, cols; /* count: of matrices */
    size_t sequence;          /* of three steps, from 1 on; 0 for one step */
} shapes[] = {{1, 96, 288, 1},    {1, 96, 288, 2},    {3, 96, 288, 1},    {3, 96, 288, 2},    {1, 1024, 1024, 0},
              {1, 1024, 4096, 0}, {1, 2501, 997, 0},  {1, 512, 8192, 0},  {1, 361, 1103, 1},  {1, 529, 1601, 2},
              {1, 2048, 2048, 0}, {1, 4096, 4096, 0}, {1, 8192, 8192, 0}, {1, 1089, 3301, 1}, {1, 1089, 3301, 2}};
const size_t small_count = 4, large_count = 10, huge_count = sizeof shapes / sizeof shapes[0];

static const struct assay_triple triple = {OWN, -ENTRIES, 1};
static const struct assay_coefficients coefficients = {"whole", "tools/large.c", 1, &triple};
static const struct assay_dialect one_step = {
    .name = "whole-numbers",
    .direction = ASSAY_DIRECTION_NEWTON_SCHULZ,
    .nd = ASSAY_ND_BATCH,
    .coefficients = &coefficients,
    .steps = 1,
    .normalisation = ASSAY_NORMALISE_ADD, /* X = u / (0 ||u|| + 1) */
    .norm_factor = 0,
    .eps = 1,
};

/* The places of a row's entries, and their signs. */
struct row {
    size_t at[ENTRIES];
    int sign[ENTRIES];
};

static struct row draw_row(uint64_t seed, size_t cols)
{
    struct row row;
    for (size_t l = 0, next = 0; l < ENTRIES; next++) {
        uint64_t bits = input_bits(seed, next);
        bool taken = false;
        row.at[l] = (bits >> 1) % cols;
        row.sign[l] = bits & 1 ? 1 : -1;
        for (size_t k = 0; k < l; k++)
            taken = taken || row.at[k] == row.at[l];
        l += !taken;
    }
    return row;
}

/* X, its Gram matrix, and rows of S and Y, for m <= n. */
struct step {
    size_t m, n;
    struct row *rows;
    int *gram, *sum, *y, *spread; /* m x m; m; n; n */
};

static void fill_gram(const struct step *s)
{
    for (size_t i = 0; i < s->m; i++) {
        memset(s->spread, 0, s->n * sizeof *s->spread);
        for (size_t l = 0; l < ENTRIES; l++)
            s->spread[s->rows[i].at[l]] = s->rows[i].sign[l];
        for (size_t k = 0; k < s->m; k++) {
            int inner = 0;
            for (size_t l = 0; l < ENTRIES; l++)
                inner += s->rows[k].sign[l] * s->spread[s->rows[k].at[l]];
            s->gram[i * s->m + k] = inner;
        }
    }
}

/* x += factor row */
static void add_row(int *x, int factor, const struct row *row)
{
    for (size_t l = 0; l < ENTRIES; l++)
        x[row->at[l]] += factor * row->sign[l];
}

/* Row i of S, then of Y. False if they have an entry beyond LARGEST. */
static bool fill_row(const struct step *s, size_t i)
{
    const int *a = s->gram + i * s->m;
    bool held = true;
    for (size_t j = 0; j < s->m; j++)
        s->sum[j] = -ENTRIES * a[j];
    for (size_t k = 0; k < s->m; k++)
        for (size_t j = 0; j < s->m && a[k] != 0; j++)
            s->sum[j] += a[k] * s->gram[k * s->m + j];
    memset(s->y, 0, s->n * sizeof *s->y);
    add_row(s->y, OWN, &s->rows[i]);
    for (size_t k = 0; k < s->m; k++) {
        held = held && abs(s->sum[k]) <= LARGEST;
        add_row(s->y, s->sum[k], &s->rows[k]);
    }
    for (size_t j = 0; j < s->n; j++)
        held = held && abs(s->y[j]) <= LARGEST;
    return held;
}

/* u and y, which are the transposes of X and Y if there are more rows than columns. */
static assay_status fill_step(const struct step *s, uint64_t seed, double *u, double *y, size_t rows, size_t cols)
{
    size_t down = rows <= cols ? cols : 1, across = rows <= cols ? 1 : cols;
    bool held = true;
    for (size_t i = 0; i < s->m; i++)
        s->rows[i] = draw_row(seed + i, s->n);
    fill_gram(s);
    for (size_t i = 0; i < s->m; i++) {
        held = fill_row(s, i) && held;
        for (size_t l = 0; l < ENTRIES; l++)
            u[i * down + s->rows[i].at[l] * across] = s->rows[i].sign[l];
        for (size_t j = 0; j < s->n; j++)
            y[i * down + j * across] = s->y[j];
    }
    return held ? ASSAY_OK : ASSAY_BROKEN;
}

static assay_status fill(double *u, double *y, uint64_t seed, size_t rows, size_t cols)
{
    size_t m = rows < cols ? rows : cols, n = rows < cols ? cols : rows;
    struct step s = {m,
                     n,
                     calloc(m, sizeof *s.rows),
                     calloc(m * m, sizeof(int)),
                     calloc(m, sizeof(int)),
                     calloc(n, sizeof(int)),
                     calloc(n, sizeof(int))};
    bool enough = s.rows && s.gram && s.sum && s.y && s.spread;
    assay_status status = enough ? fill_step(&s, seed, u, y, rows, cols) : ASSAY_NO_MEMORY;
    free(s.rows);
    free(s.gram);
    free(s.sum);
    free(s.y);
    free(s.spread);
    return status;
}

/* Matrices one after the other. */
static assay_status fill_case(double *u, double *y, size_t k)
{
    size_t rows = shapes[k].rows, cols = shapes[k].cols, sequence = shapes[k].sequence;
    assay_status status = ASSAY_OK;
    for (size_t l = 0; l < shapes[k].count && status == ASSAY_OK; l++, u += rows * cols, y += rows * cols) {
        uint64_t seed = input_seed("large") + l * rows;
        status = sequence ? large_steps(u, y, sequence - 1, seed, rows, cols) : fill(u, y, seed, rows, cols);
    }
    return status;
}

/* A class with one answer, of bounds that are 0. */
static struct answer_class *new_class(const struct tensor *like)
{
    struct answer_class *k = calloc(1, sizeof *k);
    if (!k)
        return NULL;
    struct answer *y = &k->answers[0];
    *y = (struct answer){.name = "Y", .ndim = like->ndim, .count = like->count, .slabs = 1};
    memcpy(y->shape, like->shape, sizeof y->shape);
    y->hi = calloc(y->count, sizeof *y->hi);
    y->lo = calloc(y->count, sizeof *y->lo);
    y->bounds = calloc(FORMATS * MEASURES, sizeof *y->bounds);
    for (size_t f = 0; f < FORMATS; f++)
        y->proofs[f] = PROOF_EXACT;
    k->answer_count = 1;
    return k;
}

assay_status large_case(struct golden_case *c, struct assay_dialect *d, size_t k)
{
    size_t count = shapes[k].count, rows = shapes[k].rows, cols = shapes[k].cols, sequence = shapes[k].sequence;
    struct golden_case made = {.operation = OPERATION_NEWTON_SCHULZ, .input_count = 1, .class_count = 1};
    static const char *const kinds[] = {"one-step", "three-steps", "three-other-steps"};
    snprintf(made.id, sizeof made.id, "%s-%zux%zux%zu-%s", k < small_count ? "whole-tiles" : "large", count, rows, cols,
             kinds[sequence]);
    snprintf(made.why, sizeof made.why, "%s of whole numbers, exact in fp32 and bf16: nothing of it is left out",
             sequence ? "three steps" : "one step");
    struct tensor *g = &made.inputs[0];
    *g = (struct tensor){.name = strdup("G"), .ndim = 3, .shape = {count, rows, cols}, .count = count * rows * cols};
    g->at = calloc(g->count, sizeof *g->at);
    made.classes = new_class(g);
    struct answer *y = made.classes ? &made.classes->answers[0] : NULL;
    bool enough = g->name && g->at && y && y->hi && y->lo && y->bounds;
    assay_status status = enough ? fill_case(g->at, y->hi, k) : ASSAY_NO_MEMORY;
    if (status == ASSAY_OK) {
        *c = made;
        *d = sequence ? large_steps_dialect(sequence - 1, rows) : one_step;
    } else {
        case_free(&made);
    }
    return status;
}
