#include "svd.h"

#include "interface.h"
#include "polar.h"
#include "product.h"
#include "rank.h"
#include "svd_refine.h"
#include "witness.h"
#include "zeros.h"
#include "ziv.h"

#include <math.h>

enum { GUARD = 32 };

/* One connected component, tall. */
struct part {
    const struct component *place;
    bool wide; /* `a` is the component's transpose */
    const struct ball *a;
    struct rank *rank;
};

/* Proved: values number first to first + count - 1 are this. */
struct known {
    struct ball *s;
    size_t first, count;
};

struct singular_problem {
    const struct ball *a;
    size_t count;
    struct part *part;
    struct known *known; /* as many as there are singular values at most */
    size_t known_count;
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

struct singular_problem *singular_problem_new(struct work *w, const struct ball *a)
{
    struct singular_problem *p = work_alloc(w, 1, sizeof *p);
    struct components parts = components_of(w, a);
    *p = (struct singular_problem){a, parts.count, work_alloc(w, parts.count, sizeof *p->part),
                                   work_alloc(w, smaller(a->rows, a->cols), sizeof *p->known), 0};
    for (size_t k = 0; k < p->count; k++) {
        const struct component *c = &parts.each[k];
        const struct ball *part = ball_gather(w, a, c->rows, c->row_count, c->cols, c->col_count);
        bool wide = part->rows < part->cols;
        p->part[k] = (struct part){c, wide, wide ? ball_transpose(w, part) : part, NULL};
        p->part[k].rank = rank_of(w, p->part[k].a, NULL, NULL);
    }
    return p;
}

/* The decomposition of one part; of a matrix of rank r < n that of A Q^T, where Q (r x n) is the polar factor of r of
 * its independent rows: Q^T Q projects on the row space of A, so A = (A Q^T) Q. */
struct decomposition {
    struct svd *svd;
    struct ball **s;
};

static struct decomposition decompose(struct work *w, const struct part *part, long bits)
{
    size_t n = part->a->cols, r = part->rank->rank;
    if (r == n) {
        struct svd *svd = svd_approximate(w, part->a, bits + GUARD, 0);
        return (struct decomposition){svd, svd_enclose(w, part->a, svd)};
    }
    const struct ball *rows = ball_gather(w, part->a, part->rank->rows, r, NULL, n);
    for (long inner = bits + 2 * GUARD;; inner *= 2) { /* until small singular values are enclosed as well as large */
        const struct ball *q = polar_full_rank(w, rows, inner).q;
        struct ball *aq = ball_new(w, part->a->rows, r, inner + GUARD);
        product_nt(w, aq, part->a, q, inner + GUARD);
        struct svd *svd = svd_approximate(w, aq, bits + GUARD, 0);
        if (!svd && inner > w->max_bits)
            work_fail(w, ASSAY_UNDECIDED, "the least singular value is not told from 0 by %ld bits", inner);
        if (!svd)
            continue;
        struct decomposition d = {svd, svd_enclose(w, aq, svd)};
        const struct ball *least = d.s[r - 1];
        if (mag_le(mag_scale(least->radius, bits), ball_abs_down(least)) || inner > w->max_bits) {
            struct ball *v = ball_new(w, n, r, inner);
            product_tn(w, v, q, svd->v, inner);
            ball_make_exact(v);
            svd->v = v;
            return d;
        }
    }
}

/* A singular value and where it belongs. */
struct value {
    const struct ball *s;
    size_t part, column;
};

/* The values of all parts, descending by midpoints. */
static struct value *collect(struct work *w, const struct singular_problem *p, const struct decomposition *parts,
                             size_t *count)
{
    size_t filled = 0;
    struct value *values = work_alloc(w, smaller(p->a->rows, p->a->cols), sizeof *values);
    for (size_t k = 0; k < p->count; k++)
        for (size_t j = 0; j < p->part[k].rank->rank; j++) {
            size_t at = filled++;
            const struct ball *s = parts[k].s[j];
            for (; at > 0 && mpfr_greater_p(s->at, values[at - 1].s->at); at--)
                values[at] = values[at - 1];
            values[at] = (struct value){s, k, j};
        }
    *count = filled;
    return values;
}

size_t singular_group_end(const struct ball *s, size_t count, size_t first)
{
    MPFR_DECL_INIT(gap, 64);
    size_t end = first + 1;
    for (size_t i = first; i < end; i++)
        for (size_t k = end; k < count; k++) {
            mpfr_sub(gap, s->at + i, s->at + k, MPFR_RNDZ);
            if (mag_le(down_abs(gap), up_add(s->error[i], s->error[k])))
                end = k + 1;
        }
    return end;
}

/* Where enclosures overlap, the i-th largest midpoint need not belong to the i-th largest value: all of a group that
 * hangs together take an error that covers the whole group. */
static void cover_groups(struct ball *s, size_t count)
{
    MPFR_DECL_INIT(spread, 64);
    for (size_t first = 0, end; first < count; first = end) {
        mag largest = MAG_ZERO;
        end = singular_group_end(s, count, first);
        for (size_t j = first; j < end; j++)
            largest = mag_max(largest, s->error[j]);
        mpfr_sub(spread, s->at + first, s->at + end - 1, MPFR_RNDA);
        for (size_t j = first; j < end; j++)
            s->error[j] = up_add(largest, up_abs(spread));
    }
}

static void copy_column(struct ball *to, size_t column, const size_t *rows, size_t count, const struct ball *from,
                        size_t source)
{
    for (size_t i = 0; i < count; i++)
        mpfr_set(ball_at(to, rows[i], column), ball_at(from, i, source), MPFR_RNDN);
}

void singular_measure(struct work *w, const struct singular_problem *p, struct singular *all, mpfr_prec_t prec)
{
    struct work_block *mark = work_mark(w);
    size_t k = all->rank;
    const struct ball *u = ball_gather(w, all->u, NULL, all->u->rows, NULL, k);
    const struct ball *v = ball_gather(w, all->v, NULL, all->v->rows, NULL, k);
    struct ball *gram = ball_new(w, k, k, prec), *identity = ball_identity(w, k, 2);
    product_tn(w, gram, u, u, prec);
    ball_sub(gram, gram, identity);
    all->u_defect = ball_norm_up(gram);
    product_tn(w, gram, v, v, prec);
    ball_sub(gram, gram, identity);
    all->v_defect = ball_norm_up(gram);
    struct ball *us = ball_new(w, u->rows, k, prec), *usv = ball_new(w, u->rows, v->rows, prec);
    struct tally t = {MAG_ZERO, MAG_ZERO};
    for (size_t i = 0; i < u->rows; i++)
        for (size_t j = 0; j < k; j++)
            ball_note(us, &t, i * k + j, mpfr_mul(ball_at(us, i, j), ball_at(u, i, j), all->s->at + j, MPFR_RNDN),
                      MAG_ZERO);
    ball_done(us, &t, MAG_INF);
    product_nt(w, usv, us, v, prec);
    ball_sub(usv, p->a, usv);
    all->residual = ball_norm_up(usv);
    work_release(w, mark);
}

/* Returns how far the values have moved: sum |change|. */
static mag write_known(const struct singular_problem *p, struct ball *s)
{
    MPFR_DECL_INIT(change, 64);
    mag moved = MAG_ZERO;
    for (size_t k = 0; k < p->known_count; k++)
        for (size_t j = p->known[k].first; j < p->known[k].first + p->known[k].count; j++) {
            mpfr_sub(change, s->at + j, p->known[k].s->at, MPFR_RNDA);
            moved = up_add(moved, up_abs(change));
            mpfr_set(s->at + j, p->known[k].s->at, MPFR_RNDN);
            s->error[j] = MAG_ZERO;
        }
    s->radius = MAG_INF;
    ball_tighten(s);
    return moved;
}

struct singular singular_evaluate(struct work *w, struct singular_problem *p, long bits)
{
    struct decomposition *parts = work_alloc(w, p->count, sizeof *parts);
    mpfr_prec_t prec = bits + GUARD;
    for (size_t k = 0; k < p->count; k++) {
        parts[k] = decompose(w, &p->part[k], bits);
        prec = parts[k].svd->prec > prec ? parts[k].svd->prec : prec;
    }
    size_t m = p->a->rows, n = p->a->cols, side = smaller(m, n);
    struct singular all = {.s = ball_new(w, 1, side, prec),
                           .u = ball_new(w, m, side, prec),
                           .v = ball_new(w, n, side, prec),
                           .u_defect = MAG_INF,
                           .v_defect = MAG_INF,
                           .residual = MAG_INF,
                           .prec = prec};
    const struct value *values = collect(w, p, parts, &all.rank);
    for (size_t j = 0; j < all.rank; j++) {
        const struct part *part = &p->part[values[j].part];
        const struct component *at = part->place;
        const struct svd *svd = parts[values[j].part].svd;
        mpfr_set(all.s->at + j, values[j].s->at, MPFR_RNDN);
        all.s->error[j] = values[j].s->radius;
        copy_column(all.u, j, at->rows, at->row_count, part->wide ? svd->v : svd->u, values[j].column);
        copy_column(all.v, j, at->cols, at->col_count, part->wide ? svd->u : svd->v, values[j].column);
    }
    cover_groups(all.s, all.rank);
    write_known(p, all.s);
    return all;
}

/* ---- proofs of dyadic values --------------------------------------------------------------------------------- */

/* A^T A - s^2 I, or A A^T - s^2 I if that is smaller; exact. */
static struct ball *shifted_gram(struct work *w, const struct ball *a, mpfr_srcptr s)
{
    const struct ball *tall = a->rows < a->cols ? ball_transpose(w, a) : a, *gram = product_exact_tn(w, tall, tall);
    struct ball *square = ball_new(w, gram->rows, gram->rows, 2 * mpfr_get_prec(s));
    for (size_t i = 0; i < gram->rows; i++)
        mpfr_sqr(ball_at(square, i, i), s, MPFR_RNDN);
    return ball_exact_axpy(w, ball_from_integer(w, -1), square, gram);
}

/* The dyadic number of fewest bits within `error` > 0 of x, if it has at most a quarter of the bits that x is known
 * to. */
static bool dyadic_candidate(mpfr_ptr candidate, mpfr_srcptr x, mag error)
{
    if (mag_is_inf(error) || mpfr_zero_p(x))
        return false;
    MPFR_DECL_INIT(difference, 64);
    mpfr_prec_t most = (mpfr_get_exp(x) - mag_log2(error)) / 4;
    for (mpfr_prec_t bits = 1; bits <= most; bits++) {
        mpfr_set_prec(candidate, bits);
        mpfr_set(candidate, x, MPFR_RNDN);
        mpfr_sub(difference, candidate, x, MPFR_RNDA);
        if (mag_le(up_abs(difference), error))
            return true;
    }
    return false;
}

static bool holds(const struct ball *s, size_t j, mpfr_srcptr candidate)
{
    MPFR_DECL_INIT(difference, 64);
    mpfr_sub(difference, candidate, s->at + j, MPFR_RNDZ);
    return mag_le(down_abs(difference), s->error[j]);
}

void singular_settle(struct work *w, struct singular_problem *p, struct singular *all)
{
    struct ball *s = all->s;
    mpfr_t candidate;
    mpfr_init2(candidate, 53);
    for (size_t first = 0, last; first < s->cols; first = last) {
        last = first + 1;
        if (mag_is_zero(s->error[first]) || !dyadic_candidate(candidate, s->at + first, s->error[first]))
            continue;
        while (last < s->cols && holds(s, last, candidate))
            last++;
        size_t holding = 0; /* elsewhere too, if what was proved of others came from a wider enclosure */
        for (size_t j = 0; j < s->cols; j++)
            holding += holds(s, j, candidate);
        struct work_block *mark = work_mark(w);
        bool proved =
            holding == last - first && rank_at_most(w, shifted_gram(w, p->a, candidate), s->cols - (last - first));
        work_release(w, mark);
        if (proved) {
            struct ball *exact = ball_new(w, 1, 1, mpfr_get_prec(candidate));
            mpfr_set(exact->at, candidate, MPFR_RNDN);
            p->known[p->known_count++] = (struct known){exact, first, last - first};
        }
    }
    mpfr_clear(candidate);
    /* ||U (S - S') V^T||_F <= ||U||_2 ||V||_2 ||S - S'||_F */
    mag lengths = up_mul(up_add(MAG_ONE, all->u_defect), up_add(MAG_ONE, all->v_defect));
    all->residual = up_add(all->residual, up_mul(lengths, write_known(p, s)));
}

void singular_norm(struct work *w, struct ball *c, const struct ball *a)
{
    struct work_block *mark = work_mark(w);
    struct ball *middle = ball_copy(w, a, a->prec), *zero = ball_new(w, 1, 1, 2);
    ball_make_exact(middle);
    struct singular all = singular_evaluate(w, singular_problem_new(w, middle), c->prec);
    const size_t first = 0;
    ball_set(c, all.rank ? ball_gather(w, all.s, NULL, 1, &first, 1) : zero);
    ball_widen(c, a->radius);
    work_release(w, mark);
}

/* ---- the public function ---------------------------------------------------------------------------------------- */

struct svd_args {
    assay_answer *s, *u, *v;
    assay_svd_info *info;
    assay_input a;
    struct singular_problem *problem;
    struct singular latest;
};

static void evaluate_svd(struct work *w, void *problem, long bits, struct ball **answers)
{
    struct svd_args *args = problem;
    args->latest = singular_evaluate(w, args->problem, bits);
    answers[0] = args->latest.s;
}

static void settle_svd(struct work *w, void *problem, struct ball **answers)
{
    struct svd_args *args = problem;
    singular_settle(w, args->problem, &args->latest);
    answers[0] = args->latest.s;
}

/* The least power of two that is not below it; 0 for 0. */
static double power_above(mag x)
{
    return mag_is_zero(x) ? 0 : ldexp(1, (int)log2_up(x));
}

static void run_svd(struct work *w, void *pointer)
{
    struct svd_args *args = pointer;
    const struct ball *a = read_matrix(w, args->a);
    size_t side = a->rows < a->cols ? a->rows : a->cols;
    check_answer(w, args->s, 1, side);
    check_answer(w, args->u, a->rows, side);
    check_answer(w, args->v, a->cols, side);
    args->problem = singular_problem_new(w, a);
    struct pairs *s = pairs_new(w, 1, side);
    struct ziv ziv = {args, 1, evaluate_svd, settle_svd};
    ziv_round(w, &ziv, w->options->bits, &s);
    struct singular *l = &args->latest;
    witness_canonical(w, l->u, l->v, l->s, l->rank);
    struct pairs *u = witness_round(w, l->u), *v = witness_round(w, l->v);
    singular_measure(w, args->problem, l, 512); /* so many bits hold the products of pairs below 1 */
    u->radius = power_above(l->u_defect);
    v->radius = power_above(l->v_defect);
    write_answer(args->u, u);
    write_answer(args->v, v);
    if (args->info)
        *args->info =
            (assay_svd_info){l->rank, up_double(l->u_defect), up_double(l->v_defect), up_double(l->residual), l->prec};
    write_answer(args->s, s);
}

assay_status assay_ref_svd(assay_answer *s, assay_answer *u, assay_answer *v, assay_svd_info *info, assay_input a,
                           const assay_options *options)
{
    struct svd_args args = {.s = s, .u = u, .v = v, .info = info, .a = a};
    return work_run(options, run_svd, &args);
}
