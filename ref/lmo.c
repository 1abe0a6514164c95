#include "lmo.h"

#include "exact.h"
#include "interface.h"
#include "polar.h"
#include "top.h"
#include "unit_vector.h"
#include "ziv.h"

#include <math.h>

enum { GUARD = 32 };

struct lmo_problem {
    const struct ball *g;
    enum assay_norm norm;
    struct polar_problem *polar; /* spectral, RMS */
    struct top_problem *top;     /* nuclear */
};

struct lmo_problem *lmo_problem_new(struct work *w, const struct ball *g, enum assay_norm norm)
{
    struct lmo_problem *p = work_alloc(w, 1, sizeof *p);
    *p = (struct lmo_problem){.g = g, .norm = norm};
    if (norm == ASSAY_NORM_SPECTRAL)
        p->polar = polar_problem_new(w, g, 1, 1);
    if (norm == ASSAY_NORM_RMS) /* ||X||_2 <= sqrt(r / c) */
        p->polar = polar_problem_new(w, g, g->rows, g->cols);
    if (norm == ASSAY_NORM_NUCLEAR)
        p->top = top_problem_new(w, g);
    return p;
}

/* ---- spectral and RMS: sqrt(r / c) U_r V_r^T; unique iff the rank is full ------------------------------------- */

static void evaluate_polar(struct work *w, struct lmo *l, struct lmo_problem *p, long bits)
{
    struct polar polar = polar_evaluate(w, p->polar, bits);
    size_t side = p->g->rows < p->g->cols ? p->g->rows : p->g->cols;
    l->o = polar.q;
    l->unique = polar.rank == side;
    l->prec = polar.prec;
    ball_dot(w, l->dual, l->o, p->g);
}

/* ---- nuclear: u_1 v_1^T; (1/k) U_1 V_1^T if the largest singular value has multiplicity k ----------------------- */

static void evaluate_top(struct work *w, struct lmo *l, struct lmo_problem *p, long bits)
{
    struct top top = top_evaluate(w, p->top, bits);
    l->o = top.o;
    l->unique = top.multiplicity == 1;
    l->prec = top.prec;
    l->dual = top.largest;
}

/* ---- Frobenius, columns, rows: g sqrt(num / den) / ||g||_2 for each vector g of G ------------------------------- */

/* Vector k is row k, column k, or with neither everything. */
static void evaluate_vectors(struct work *w, struct lmo *l, const struct ball *g, bool rows, bool cols, long num,
                             long den)
{
    size_t count = rows ? g->rows : cols ? g->cols : 1, *number = work_alloc(w, count, sizeof *number);
    struct piece *pieces = work_alloc(w, count, sizeof *pieces);
    for (size_t k = 0; k < count; k++) {
        number[k] = k;
        const size_t *row = rows ? &number[k] : NULL, *col = cols ? &number[k] : NULL;
        const struct ball *vector = ball_gather(w, g, row, rows ? 1 : g->rows, col, cols ? 1 : g->cols);
        struct ball *o = ball_new(w, vector->rows, vector->cols, l->prec), *norm = ball_new(w, 1, 1, l->prec);
        pieces[k] = (struct piece){NULL, row, col};
        unit_vector(w, o, norm, &pieces[k].value, num, den, vector);
        ball_scatter(l->o, row, col, o);
        ball_add(l->dual, l->dual, norm);
        if (ball_is_zero(norm)) { /* any vector of the ball does */
            l->unique = false;
            pieces[k].value = rational_quotient(w, vector, ball_from_integer(w, 1));
        }
    }
    l->o->radius = MAG_INF;
    ball_tighten(l->o);
    l->o->rational = rational_assemble(w, g->rows, g->cols, pieces, count);
}

/* ---- largest entry: sign(G); unique iff no entry is zero ------------------------------------------------------- */

static void evaluate_signs(struct work *w, struct lmo *l, const struct ball *g)
{
    for (size_t k = 0; k < ball_count(g); k++) {
        mpfr_set_si(l->o->at + k, number_sign(g->at + k), MPFR_RNDN);
        l->unique = l->unique && number_sign(g->at + k) != 0;
    }
    ball_dot(w, l->dual, l->o, g);
}

/* ---- sum of entries: the sign at the largest |entry|; at each of k largest, over k ------------------------------ */

static void evaluate_largest(struct work *w, struct lmo *l, const struct ball *g)
{
    mpfr_srcptr largest = g->at;
    long ties = 0;
    for (size_t k = 1; k < ball_count(g); k++)
        largest = mpfr_cmpabs(g->at + k, largest) > 0 ? g->at + k : largest;
    struct ball *signs = ball_new(w, g->rows, g->cols, 2);
    for (size_t k = 0; k < ball_count(g); k++)
        if (mpfr_cmpabs(g->at + k, largest) == 0) {
            mpfr_set_si(signs->at + k, number_sign(g->at + k), MPFR_RNDN);
            ties++;
        }
    mpfr_abs(l->dual->at, largest, MPFR_RNDN);
    l->unique = ties == 1 && !mpfr_zero_p(largest);
    ball_div(l->o, signs, ball_from_integer(w, ties));
    l->o->rational = rational_quotient(w, signs, ball_from_integer(w, ties));
}

/* ---------------------------------------------------------------------------------------------------------------- */

struct lmo lmo_evaluate(struct work *w, struct lmo_problem *p, long bits)
{
    const struct ball *g = p->g;
    mpfr_prec_t prec = bits + GUARD > g->prec ? bits + GUARD : g->prec;
    struct lmo l = {
        .o = ball_new(w, g->rows, g->cols, prec), .dual = ball_new(w, 1, 1, prec), .unique = true, .prec = prec};
    switch (p->norm) {
    case ASSAY_NORM_SPECTRAL:
    case ASSAY_NORM_RMS:
        evaluate_polar(w, &l, p, bits);
        break;
    case ASSAY_NORM_FROBENIUS:
        evaluate_vectors(w, &l, g, false, false, 1, 1);
        break;
    case ASSAY_NORM_COLUMN:
        evaluate_vectors(w, &l, g, false, true, (long)g->rows, 1);
        break;
    case ASSAY_NORM_ROW:
        evaluate_vectors(w, &l, g, true, false, 1, (long)g->cols);
        break;
    case ASSAY_NORM_MAX:
        evaluate_signs(w, &l, g);
        break;
    case ASSAY_NORM_SUM:
        evaluate_largest(w, &l, g);
        break;
    default: /* ASSAY_NORM_NUCLEAR */
        evaluate_top(w, &l, p, bits);
        break;
    }
    return l;
}

void lmo_settle(struct work *w, struct lmo_problem *p, struct ball *o)
{
    if (p->polar)
        polar_settle(w, p->polar, o);
    if (p->top)
        top_settle(w, p->top, o);
}

mag lmo_norm_factor(enum assay_norm norm, size_t rows, size_t cols)
{
    mag m = mag_from_integer((uint32_t)rows), n = mag_from_integer((uint32_t)cols);
    switch (norm) {
    case ASSAY_NORM_RMS: /* sqrt(n / m) ||X||_2 */
        return up_sqrt(up_div(n, m));
    case ASSAY_NORM_NUCLEAR: /* a sum of min(m, n) numbers with squares of sum 1 */
        return up_sqrt(mag_min(m, n));
    case ASSAY_NORM_SUM:
        return up_sqrt(up_mul(m, n));
    case ASSAY_NORM_COLUMN:
        return up_sqrt(up_div(MAG_ONE, m));
    case ASSAY_NORM_ROW:
        return up_sqrt(n);
    default:
        return MAG_ONE;
    }
}

/* ---- the public function ---------------------------------------------------------------------------------------- */

struct lmo_args {
    assay_answer *d;
    assay_lmo_info *info;
    enum assay_norm norm;
    double radius;
    assay_input g;
    struct lmo_problem *problem;
    struct lmo latest;
};

/* D = -radius O */
static struct ball *scaled_answer(struct work *w, const struct lmo_args *args, const struct ball *o)
{
    const struct ball *factor = ball_from_double(w, -args->radius);
    struct ball *d = ball_new(w, o->rows, o->cols, o->prec + 53);
    ball_mul(d, factor, o);
    if (o->rational) {
        struct rational *x = work_alloc(w, 1, sizeof *x);
        const struct ball *numerators = o->rational->numerators;
        *x = (struct rational){ball_new(w, o->rows, o->cols, numerators->prec + 53), o->rational->denominator};
        ball_mul(x->numerators, factor, numerators);
        d->rational = x;
    }
    return d;
}

static void evaluate_lmo(struct work *w, void *problem, long bits, struct ball **answers)
{
    struct lmo_args *args = problem;
    args->latest = lmo_evaluate(w, args->problem, bits);
    answers[0] = scaled_answer(w, args, args->latest.o);
}

static void settle_lmo(struct work *w, void *problem, struct ball **answers)
{
    struct lmo_args *args = problem;
    lmo_settle(w, args->problem, args->latest.o);
    answers[0] = scaled_answer(w, args, args->latest.o);
}

static assay_lmo_info lmo_info(struct work *w, const struct lmo_args *args, const struct ball *g, double rest)
{
    mag radius = up_abs(ball_from_double(w, rest)->at);
    assay_lmo_info info = {
        .unique = args->latest.unique,
        .excess = up_double(up_mul(radius, lmo_norm_factor(args->norm, g->rows, g->cols))),
        .gap = up_double(up_mul(radius, ball_norm_up(g))), /* <G, D - exact> */
        .bits = args->latest.prec,
    };
    ball_bounds(info.dual, args->latest.dual);
    return info;
}

static void run_lmo(struct work *w, void *pointer)
{
    struct lmo_args *args = pointer;
    const struct ball *g = read_matrix(w, args->g);
    check_answer(w, args->d, g->rows, g->cols);
    check_radius(w, args->radius);
    if ((unsigned)args->norm > ASSAY_NORM_ROW)
        work_fail(w, ASSAY_INVALID, "there is no norm number %d", (int)args->norm);
    args->problem = lmo_problem_new(w, g, args->norm);
    struct pairs *d = pairs_new(w, g->rows, g->cols);
    struct ziv ziv = {args, 1, evaluate_lmo, settle_lmo};
    ziv_round(w, &ziv, w->options->bits, &d);
    if (args->info)
        *args->info = lmo_info(w, args, g, d->radius);
    write_answer(args->d, d);
}

assay_status assay_ref_lmo(assay_answer *d, assay_lmo_info *info, enum assay_norm norm, double radius, assay_input g,
                           const assay_options *options)
{
    struct lmo_args args = {.d = d, .info = info, .norm = norm, .radius = radius, .g = g};
    return work_run(options, run_lmo, &args);
}
