#include "fit.h"

#include "jacobi.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- y = p(s) ---------------------------------------------------------------------------------------------------------- */

struct points {
    size_t count, room;
    double *s, *y;
};

static bool add_point(struct points *p, double s, double y)
{
    if (p->count == p->room) {
        size_t room = 2 * p->room + 256;
        double *more = realloc(p->s, room * sizeof *more), *other = realloc(p->y, room * sizeof *other);
        p->s = more ? more : p->s;
        p->y = other ? other : p->y;
        if (!more || !other)
            return false;
        p->room = room;
    }
    p->s[p->count] = s;
    p->y[p->count++] = y;
    return true;
}

/* The numbers of one m x n matrix G, m >= n, given with its result by entries [i * row + j * col]. */
static bool add_matrix(struct points *p, const double *g, const double *y, size_t m, size_t n, size_t row, size_t col,
                       const struct assay_dialect *d)
{
    double *a = calloc(m * n + n * n + n, sizeof *a), squares = 0;
    if (!a)
        return false;
    double *v = a + m * n, *s = v + n * n;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            a[i * n + j] = g[i * row + j * col];
            squares += a[i * n + j] * a[i * n + j];
        }
    jacobi_svd(a, v, s, m, n);
    double by = d->norm_factor * sqrt(squares) + d->eps;
    bool enough = true;
    for (size_t k = 0; k < n && enough; k++) {
        double sum = 0; /* u_k^T Y v_k s_k */
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < n; j++)
                sum += a[i * n + k] * y[i * row + j * col] * v[j * n + k];
        if (s[k] > 1e-6 * by)
            enough = add_point(p, s[k] / by, sum / s[k]);
    }
    free(a);
    return enough;
}

/* Whether it is a result that the fit can use: of a matrix whose norm no epsilon or overflow touches. */
static bool usable(const struct observed *o)
{
    const struct tensor *g = o->c->inputs;
    double most = 0;
    bool finite = true;
    for (size_t k = 0; k < g->count && o->at[0]; k++) {
        most = fmax(most, fabs(g->at[k]));
        finite = finite && isfinite(o->at[0][k]);
    }
    return o->c->operation == OPERATION_NEWTON_SCHULZ && g->ndim == 2 && finite && most > 1e-3 && most < 1e15;
}

static bool gather_points(struct points *p, const struct evidence *e, const struct assay_dialect *d)
{
    bool enough = true;
    for (size_t k = 0; k < e->case_count && enough; k++) {
        const struct observed *o = &e->cases[k];
        if (!usable(o))
            continue;
        size_t rows = o->c->inputs[0].shape[0], cols = o->c->inputs[0].shape[1];
        enough = rows < cols ? add_matrix(p, o->c->inputs[0].at, o->at[0], cols, rows, 1, cols, d)
                             : add_matrix(p, o->c->inputs[0].at, o->at[0], rows, cols, cols, 1, d);
    }
    return enough;
}

/* ---- the fit of a triple ------------------------------------------------------------------------------------------------ */

/* p(s) after the steps, and its derivatives with respect to a, b, c. */
static double compose(const double t[3], size_t steps, double s, double by[3])
{
    double x = s;
    by[0] = by[1] = by[2] = 0;
    for (size_t k = 0; k < steps; k++) {
        double x2 = x * x, slope = t[0] + x2 * (3 * t[1] + 5 * t[2] * x2);
        by[0] = slope * by[0] + x;
        by[1] = slope * by[1] + x * x2;
        by[2] = slope * by[2] + x * x2 * x2;
        x *= t[0] + x2 * (t[1] + t[2] * x2);
    }
    return x;
}

/* Solves the symmetric 3 x 3 system n x = r. False if it is singular. */
static bool solve(double n[3][3], const double r[3], double x[3])
{
    double inverse[3][3], det = 0;
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++) {
            size_t a = (j + 1) % 3, b = (j + 2) % 3, c = (i + 1) % 3, d = (i + 2) % 3;
            inverse[i][j] = n[a][c] * n[b][d] - n[a][d] * n[b][c];
        }
    for (size_t j = 0; j < 3; j++)
        det += n[0][j] * inverse[j][0];
    if (!(fabs(det) > 0) || !isfinite(det))
        return false;
    for (size_t i = 0; i < 3; i++) {
        x[i] = 0;
        for (size_t j = 0; j < 3; j++)
            x[i] += inverse[i][j] / det * r[j];
    }
    return true;
}

/* The sum of log(1 + (y - p(s))^2 / scale^2), and with `n` the weighted normal equations. */
static double loss(const struct points *p, const double t[3], size_t steps, double scale, double n[3][3], double r[3])
{
    double sum = 0, by[3];
    if (n)
        memset(n, 0, 9 * sizeof n[0][0]), memset(r, 0, 3 * sizeof *r);
    for (size_t k = 0; k < p->count; k++) {
        double off = p->y[k] - compose(t, steps, p->s[k], by), weight = 1 / (1 + off * off / (scale * scale));
        sum += log1p(off * off / (scale * scale));
        for (size_t i = 0; i < 3 && n; i++) {
            r[i] += weight * by[i] * off;
            for (size_t j = 0; j < 3; j++)
                n[i][j] += weight * by[i] * by[j];
        }
    }
    return isfinite(sum) ? sum : INFINITY;
}

static double descend(const struct points *p, double t[3], size_t steps, double scale, size_t rounds)
{
    double n[3][3], r[3], x[3], damping = 1e-3, now = loss(p, t, steps, scale, n, r);
    for (size_t k = 0; k < rounds && isfinite(now) && damping < 1e8; k++) {
        double damped[3][3], next[3];
        memcpy(damped, n, sizeof damped);
        for (size_t i = 0; i < 3; i++)
            damped[i][i] *= 1 + damping;
        if (!solve(damped, r, x))
            return now;
        for (size_t i = 0; i < 3; i++)
            next[i] = t[i] + x[i];
        double then = loss(p, next, steps, scale, NULL, NULL);
        damping *= then < now ? 0.2 : 5;
        if (then < now) {
            memcpy(t, next, sizeof next);
            now = loss(p, t, steps, scale, n, r);
        }
    }
    return now;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The median of |y - p(s)|. */
static double median_misfit(const struct points *p, const double t[3], size_t steps)
{
    double *off = calloc(p->count, sizeof *off), by[3];
    if (!off)
        return INFINITY;
    for (size_t k = 0; k < p->count; k++)
        off[k] = fabs(p->y[k] - compose(t, steps, p->s[k], by));
    qsort(off, p->count, sizeof *off, by_value);
    double median = off[p->count / 2];
    free(off);
    return median;
}

enum { FIT_MOST_STEPS = 12, FIT_LEAST_POINTS = 12 };

/* From every triple of every table, for every number of steps, coarsely; then finely from the best. */
static void fit_points(const struct points *p, double best[3], size_t *steps)
{
    double least = INFINITY;
    for (size_t n = 1; n <= FIT_MOST_STEPS; n++)
        for (size_t c = 0; c < assay_coefficient_table_count; c++)
            for (size_t k = 0; k < assay_coefficient_tables[c]->count; k++) {
                const struct assay_triple *from = &assay_coefficient_tables[c]->triples[k];
                double t[3] = {from->a, from->b, from->c}, found = descend(p, t, n, 0.05, 12);
                if (found < least) {
                    least = found;
                    memcpy(best, t, sizeof t);
                    *steps = n;
                }
            }
    for (size_t round = 0; round < 6; round++)
        descend(p, best, *steps, fmax(2 * median_misfit(p, best, *steps), 1e-12), 60);
}

bool fit_triple(struct assay_triple *triple, size_t *steps, const struct evidence *e,
                const struct assay_dialect *normalisation)
{
    struct points p = {0};
    double t[3] = {0};
    bool found = gather_points(&p, e, normalisation) && p.count >= FIT_LEAST_POINTS;
    if (found) {
        fit_points(&p, t, steps);
        found = median_misfit(&p, t, *steps) < 0.1;
        *triple = (struct assay_triple){t[0], t[1], t[2]};
    }
    free(p.s);
    free(p.y);
    return found;
}
