/* What is done to the Newton-Schulz iterate: snap, and enum assay_post. Norms, means and second moments are computed in
 * binary64; each entry is rounded once by each of snap and post (twice by AdaMuon). */
#include "plan.h"

#include <math.h>

/* One matrix of a tensor. */
struct block {
    const struct block_list *list;
    float *o;
    const float *u;
};

static float *entry(const struct block *b, size_t i, size_t j)
{
    return b->o + i * b->list->row_stride + j * b->list->col_stride;
}

static void multiply(const struct block *b, double factor)
{
    for (size_t i = 0; i < b->list->rows; i++)
        for (size_t j = 0; j < b->list->cols; j++)
            *entry(b, i, j) = (float)(factor * *entry(b, i, j));
}

/* <x, y> */
static double inner(const struct block *b, const float *x, const float *y)
{
    double sum = 0;
    for (size_t i = 0; i < b->list->rows; i++)
        for (size_t j = 0; j < b->list->cols; j++) {
            size_t k = i * b->list->row_stride + j * b->list->col_stride;
            sum += (double)x[k] * y[k];
        }
    return sum;
}

static double frobenius(const struct block *b, const float *x)
{
    return sqrt(inner(b, x, x));
}

/* v = beta2 v + (1 - beta2) q; returns it before it is rounded. */
static double average(float *v, double beta2, double q)
{
    double next = beta2 * *v + (1 - beta2) * q;
    *v = (float)next;
    return next;
}

/* vectors[k]: what row or column k is multiplied by. */
static void normuon(const struct block *b, const struct assay_dialect *d, float *v, double *vectors)
{
    size_t rows = b->list->rows, cols = b->list->cols;
    bool add = d->post == ASSAY_POST_NORMUON_ROWS, by_rows = add || rows >= cols;
    size_t count = by_rows ? rows : cols, length = by_rows ? cols : rows;
    double before = 0, after = 0;
    for (size_t k = 0; k < count; k++) {
        double squares = 0, root;
        for (size_t l = 0; l < length; l++)
            squares += pow(by_rows ? *entry(b, k, l) : *entry(b, l, k), 2);
        root = average(&v[k], d->beta2, squares / (double)length);
        vectors[k] = 1 / (add ? sqrt(root) + 1e-10 : sqrt(fmax(root, 1e-10)));
        before += squares;
        after += squares * vectors[k] * vectors[k];
    }
    double factor = sqrt(before) / (add ? sqrt(after) + 1e-10 : fmax(sqrt(after), 1e-10));
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            *entry(b, i, j) = (float)(factor * vectors[by_rows ? i : j] * *entry(b, i, j));
}

static void adamuon(const struct block *b, const struct assay_dialect *d, float *v)
{
    for (size_t i = 0; i < b->list->rows; i++)
        for (size_t j = 0; j < b->list->cols; j++) {
            float *o = entry(b, i, j);
            *o = (float)(*o / (sqrt(average(v++, d->beta2, (double)*o * *o)) + 1e-7));
        }
    multiply(b, sqrt((double)(b->list->rows * b->list->cols)) / (frobenius(b, b->o) + 1e-7));
}

static void finish_block(const struct block *b, const struct assay_dialect *d, float *v, double *vectors)
{
    double side = (double)(b->list->rows < b->list->cols ? b->list->rows : b->list->cols);
    if (d->snap)
        multiply(b, sqrt(side) / fmax(frobenius(b, b->o), 1e-6));
    switch (d->post) {
    case ASSAY_POST_NORMUON_ROWS:
    case ASSAY_POST_NORMUON_ASPECT:
        normuon(b, d, v, vectors);
        break;
    case ASSAY_POST_ADAMUON:
        adamuon(b, d, v);
        break;
    case ASSAY_POST_DUAL_NORM:
        multiply(b, inner(b, b->u, b->o));
        break;
    case ASSAY_POST_GRAFT:
        multiply(b, frobenius(b, b->u) / fmax(frobenius(b, b->o), 1e-6));
        break;
    default:
        break;
    }
}

/* Whether rows or columns have factors of their own: as many as second moments. */
static bool takes_vectors(const assay_fast_plan *plan)
{
    return plan->dialect.post == ASSAY_POST_NORMUON_ROWS || plan->dialect.post == ASSAY_POST_NORMUON_ASPECT;
}

size_t finish_work(const assay_fast_plan *plan)
{
    return takes_vectors(plan) ? plan->crew * plan->moments : 0;
}

void finish_direction(struct team *team, float *o, float *moment, const assay_fast_plan *plan, const float *u,
                      double *vectors)
{
    const struct assay_dialect *d = &plan->dialect;
    size_t rank = team_next(team), own = takes_vectors(plan) ? plan->moments : 0, k;
    team_meet(team);
    if (d->snap || d->post != ASSAY_POST_NONE)
        while ((k = team_next(team)) < plan->tail.count) {
            struct block b = {&plan->tail, o + k * plan->tail.apart, u + k * plan->tail.apart};
            finish_block(&b, d, moment ? moment + k * plan->moments : NULL, vectors + rank * own);
        }
    team_meet(team);
}
