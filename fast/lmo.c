/* Linear minimisation oracles: the table of theory in the README, in binary64, each entry rounded once. Without singular
 * values each entry has a relative error of at most u + (entries + 8) 2^-53. */
#include "plan.h"

#include <math.h>

bool lmo_takes_svd(enum assay_norm norm)
{
    return norm == ASSAY_NORM_SPECTRAL || norm == ASSAY_NORM_RMS || norm == ASSAY_NORM_NUCLEAR;
}

static double at(const float *g, struct strided s, size_t i, size_t j)
{
    return g[i * s.row_stride + j * s.col_stride];
}

static double sign(double x)
{
    return isnan(x) ? x : (x > 0) - (x < 0);
}

/* o = factor g / ||g||, 0 for 0: for one vector, or matrix. */
static void unit(float *o, struct strided to, double factor, const float *g, struct strided from)
{
    double squares = 0;
    for (size_t i = 0; i < from.rows; i++)
        for (size_t j = 0; j < from.cols; j++)
            squares += at(g, from, i, j) * at(g, from, i, j);
    factor = squares == 0 ? 0 : factor / sqrt(squares);
    for (size_t i = 0; i < from.rows; i++)
        for (size_t j = 0; j < from.cols; j++)
            o[i * to.row_stride + j * to.col_stride] = (float)(factor * at(g, from, i, j));
}

static void unit_rows(float *o, struct strided to, double factor, const float *g, struct strided from)
{
    struct strided one_to = {1, to.cols, 0, to.col_stride}, one_from = {1, from.cols, 0, from.col_stride};
    for (size_t i = 0; i < from.rows; i++)
        unit(o + i * to.row_stride, one_to, factor, g + i * from.row_stride, one_from);
}

static struct strided turned(struct strided s)
{
    return (struct strided){s.cols, s.rows, s.col_stride, s.row_stride};
}

static void signs(float *o, struct strided to, double factor, const float *g, struct strided from)
{
    for (size_t i = 0; i < from.rows; i++)
        for (size_t j = 0; j < from.cols; j++)
            o[i * to.row_stride + j * to.col_stride] = (float)(factor * sign(at(g, from, i, j)));
}

/* The sign at each of k entries that are largest, over k. */
static void largest(float *o, struct strided to, double factor, const float *g, struct strided from)
{
    double most = 0, ties = 0;
    for (size_t i = 0; i < from.rows; i++)
        for (size_t j = 0; j < from.cols; j++) {
            double size = fabs(at(g, from, i, j));
            ties = size > most ? 1 : ties + (size == most);
            most = size > most || isnan(size) ? size : most; /* NaN stays: nothing is greater */
        }
    for (size_t i = 0; i < from.rows; i++)
        for (size_t j = 0; j < from.cols; j++) {
            double x = at(g, from, i, j);
            o[i * to.row_stride + j * to.col_stride] = (float)(isnan(most)       ? most
                                                               : fabs(x) == most ? factor * sign(x) / ties
                                                                                 : 0);
        }
}

bool maximise(float *o, struct strided to, double factor, enum assay_norm norm, const float *g, struct strided from,
              const struct svd_work *work, bool *converged)
{
    double m = (double)from.rows, n = (double)from.cols;
    *converged = true;
    switch (norm) {
    case ASSAY_NORM_SPECTRAL:
        return polar_factor(o, to, factor, false, NULL, g, from, work, converged);
    case ASSAY_NORM_RMS:
        return polar_factor(o, to, factor * sqrt(m / n), false, NULL, g, from, work, converged);
    case ASSAY_NORM_NUCLEAR:
        return polar_factor(o, to, factor, true, NULL, g, from, work, converged);
    case ASSAY_NORM_FROBENIUS:
        unit(o, to, factor, g, from);
        break;
    case ASSAY_NORM_COLUMN:
        unit_rows(o, turned(to), factor * sqrt(m), g, turned(from));
        break;
    case ASSAY_NORM_ROW:
        unit_rows(o, to, factor / sqrt(n), g, from);
        break;
    case ASSAY_NORM_MAX:
        signs(o, to, factor, g, from);
        break;
    default: /* ASSAY_NORM_SUM */
        largest(o, to, factor, g, from);
    }
    return true;
}

/* ---- the public function ---------------------------------------------------------------------------------------- */

size_t assay_fast_lmo_work(enum assay_norm norm, size_t rows, size_t cols)
{
    if (lmo_takes_svd(norm))
        return assay_fast_polar_work(rows, cols);
    return rows == 0 || cols == 0 ? 0 : 1;
}

assay_status assay_fast_lmo(assay_fast_output d, enum assay_norm norm, double radius, assay_fast_input g, void *work)
{
    struct strided from = {g.rows, g.cols, g.stride, 1}, to = {d.rows, d.cols, d.stride, 1};
    if (!views_match(d, g) || (unsigned)norm > ASSAY_NORM_ROW || assay_fast_lmo_work(norm, g.rows, g.cols) == 0 ||
        !(radius > 0) || isinf(radius))
        return ASSAY_INVALID;
    struct arena arena = arena_at(work);
    struct svd_work w = lmo_takes_svd(norm) ? svd_work(&arena, g.rows, g.cols) : (struct svd_work){0};
    bool converged, finite = all_finite(g);
    maximise(d.at, to, -radius, norm, g.at, from, &w, &converged);
    if (!converged)
        return ASSAY_UNDECIDED;
    return finite ? ASSAY_OK : ASSAY_NOT_FINITE;
}
