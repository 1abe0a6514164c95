/* The polar factor, of LAPACK's singular value decomposition in binary64.
 *
 * dgesdd is backward stable: its U, S, V^T are close to those of A + E with ||E||_2 <= p 2^-53 s_1 for a moderate p of the
 * sides. Singular values up to max(m, n) 2^-52 s_1 are taken for 0. The polar factor of A + E is within
 * 2 ||E||_F / (s_r + s_(r-1)) of A's (R.-C. Li 1995): below u for s_r > 2^-29 p s_1. No proof of accuracy is claimed: the
 * constant p is not known. */
#include "plan.h"

#include <cblas.h>
#include <lapacke.h>
#include <limits.h>
#include <math.h>

static void sides(size_t *longer, size_t *shorter, size_t rows, size_t cols)
{
    *longer = rows > cols ? rows : cols;
    *shorter = rows > cols ? cols : rows;
}

/* dgesdd counts its workspace in int: for the vectors of an n x n matrix, 4 n^2 + 7 n numbers. Beyond, what it answers to the
 * query is no longer true. */
bool svd_takes(size_t rows, size_t cols)
{
    size_t m, n;
    sides(&m, &n, rows, cols);
    return n > 0 && m <= INT_MAX / 8 && n <= INT_MAX / (4 * n + 7) && m <= SIZE_MAX / 64 / n;
}

struct svd_work svd_work(struct arena *arena, size_t rows, size_t cols)
{
    size_t m, n;
    struct svd_work w = {0};
    double best = 1, nothing = 0;
    int none = 0;
    sides(&m, &n, rows, cols);
    LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, 'S', (int)m, (int)n, &nothing, (int)m, &nothing, &nothing, (int)m, &nothing,
                        (int)n, &best, -1, &none);
    w.lapack_size = (int)best;
    w.a = arena_take(arena, m * n, sizeof(double));
    w.u = arena_take(arena, m * n, sizeof(double));
    w.v = arena_take(arena, n * n, sizeof(double));
    w.s = arena_take(arena, n, sizeof(double));
    w.lapack = arena_take(arena, (size_t)w.lapack_size, sizeof(double));
    w.integers = arena_take(arena, 8 * n, sizeof(int));
    return w;
}

static void fill(float *o, struct strided to, float value)
{
    for (size_t i = 0; i < to.rows; i++)
        for (size_t j = 0; j < to.cols; j++)
            o[i * to.row_stride + j * to.col_stride] = value;
}

/* The tall one of G and G^T, stored by columns. False if it has NaN or infinity. */
static bool load(double *a, const float *g, struct strided from)
{
    size_t m, n;
    sides(&m, &n, from.rows, from.cols);
    bool tall = from.rows > from.cols, finite = true;
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < m; i++) {
            size_t row = tall ? i : j, col = tall ? j : i;
            a[j * m + i] = g[row * from.row_stride + col * from.col_stride];
            finite = finite && isfinite(a[j * m + i]);
        }
    return finite;
}

bool polar_factor(float *o, struct strided to, double factor, bool top, size_t *rank, const float *g,
                  struct strided from, const struct svd_work *w, bool *converged)
{
    size_t m, n, r = 0;
    sides(&m, &n, from.rows, from.cols);
    bool finite = load(w->a, g, from);
    *converged = !finite || LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, 'S', (int)m, (int)n, w->a, (int)m, w->s, w->u, (int)m,
                                                w->v, (int)n, w->lapack, w->lapack_size, w->integers) == 0;
    if (!finite || !*converged) {
        fill(o, to, NAN);
        return false;
    }
    double blur = (double)m * 0x1p-52 * w->s[0], least = top ? w->s[0] - blur : blur;
    while (r < n && w->s[r] > 0 && (top ? w->s[r] >= least : w->s[r] > least))
        r++;
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, (int)m, (int)n, (int)r, top && r > 0 ? 1 / (double)r : 1,
                w->u, (int)m, w->v, (int)n, 0, w->a, (int)m);
    bool tall = from.rows > from.cols;
    for (size_t i = 0; i < to.rows; i++)
        for (size_t j = 0; j < to.cols; j++)
            o[i * to.row_stride + j * to.col_stride] = (float)(factor * w->a[tall ? j * m + i : i * m + j]);
    if (rank)
        *rank = r;
    return true;
}

/* ---- the public function ---------------------------------------------------------------------------------------- */

size_t assay_fast_polar_work(size_t rows, size_t cols)
{
    struct arena arena = {0};
    if (!svd_takes(rows, cols))
        return 0;
    svd_work(&arena, rows, cols);
    return arena_size(arena);
}

assay_status assay_fast_polar(assay_fast_output q, size_t *rank, assay_fast_input a, void *work)
{
    struct strided from = {a.rows, a.cols, a.stride, 1}, to = {q.rows, q.cols, q.stride, 1};
    if (!views_match(q, a) || !svd_takes(a.rows, a.cols))
        return ASSAY_INVALID;
    struct arena arena = arena_at(work);
    struct svd_work w = svd_work(&arena, a.rows, a.cols);
    bool converged;
    if (rank)
        *rank = 0;
    if (polar_factor(q.at, to, 1, false, rank, a.at, from, &w, &converged))
        return ASSAY_OK;
    return converged ? ASSAY_NOT_FINITE : ASSAY_UNDECIDED;
}
