#include "polar.h"

#include "exact.h"
#include "interface.h"
#include "product.h"
#include "rank.h"
#include "svd_refine.h"
#include "zeros.h"
#include "ziv.h"

#include <math.h>

/* SCALAR is the precision at which singular values are kept: they only bound. */
enum { GUARD = 32, SCALAR = 128 };

/* Certificate. A is m x n, m >= n. For any P (m x n, the candidate) and any symmetric S let F = A - P S,
 * e = ||P^T P - I||_F < 1, and suppose S >= mu I with mu > 0. Then A has full rank and its polar factor Q satisfies
 *
 *     ||P - Q||_F <= e + 2 (e ||S||_2 + ||F||_F) / mu.
 *
 * Proof. Let W be the polar factor of P: ||P - W||_F <= e, since |s - 1| <= |s^2 - 1|. Then A = W S + G with
 * G = (P - W) S + F and ||G||_F <= e ||S||_2 + ||F||_F. Let A = Q H be any polar decomposition (H >= 0), D = Q - W.
 * Identity: D (H + S) + (Q + W) (H - S) = 2 G. Take the inner product with D: D^T (Q + W) = Q^T W - W^T Q is skew and
 * H - S symmetric, so the second term vanishes, and mu ||D||_F^2 <= <D (H + S), D> = 2 <G, D> <= 2 ||G||_F ||D||_F.
 * (Full rank is then known to the caller: A's columns are independent.) []
 *
 * mu comes from approximate eigenvectors V and eigenvalues s of S: with Z = S V - V diag(s) and
 * f = ||V^T V - I||_F, replacing V by its polar factor shows |eigenvalue_i(S) - s_i| <= ||Z||_F + f (||S||_F + s_1),
 * and by Weyl's theorem the singular values of A = W S + G are within ||G||_F of the eigenvalues of S. */
static mag eigenvalue_shift(struct work *w, const struct ball *s, const struct svd *svd)
{
    size_t n = s->rows;
    mpfr_prec_t low = svd->depth + SCALAR;
    struct ball *z = ball_new(w, n, n, low), *vs = ball_new(w, n, n, low), *gram = ball_new(w, n, n, low);
    product(w, z, s, svd->v, low);
    struct tally t = {MAG_ZERO, MAG_ZERO};
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            ball_note(vs, &t, i * n + j, mpfr_mul(ball_at(vs, i, j), ball_at(svd->v, i, j), svd->s->at + j, MPFR_RNDN),
                      MAG_ZERO);
    ball_done(vs, &t, MAG_INF);
    ball_sub(z, z, vs);
    product_tn(w, gram, svd->v, svd->v, low);
    ball_sub(gram, gram, ball_identity(w, n, 2));
    mag norms = up_add(ball_norm_up(s), up_abs(svd->s->at));
    return up_add(ball_norm_up(z), up_mul(ball_norm_up(gram), norms));
}

struct polar_certificate polar_certify(struct work *w, const struct ball *a, const struct ball *p,
                                       const struct svd *svd, mpfr_prec_t prec)
{
    struct work_block *mark = work_mark(w);
    size_t m = a->rows, n = a->cols;

    work_progress(w, "certifying the polar factor", 0);
    struct ball *gram = ball_new(w, n, n, prec);
    product_tn(w, gram, p, p, prec);
    ball_sub(gram, gram, ball_identity(w, n, 2));
    mag e = ball_norm_up(gram);

    struct ball *s = ball_new(w, n, n, prec);
    product_tn(w, s, p, a, prec);
    ball_add(s, s, ball_transpose(w, s));
    ball_scale(s, s, -1);
    ball_make_exact(s); /* S is what we choose it to be */

    work_progress(w, "certifying the polar factor", 0.5);
    struct ball *f = ball_new(w, m, n, prec);
    product(w, f, p, s, prec);
    ball_sub(f, a, f);

    mag shift = eigenvalue_shift(w, s, svd), norm = up_add(up_abs(svd->s->at), shift);
    mag mu = down_sub(down_abs(svd->s->at + n - 1), shift), g = up_add(up_mul(e, norm), ball_norm_up(f));
    work_release(w, mark);
    if (mag_is_zero(mu) || mag_le(MAG_ONE, e))
        return (struct polar_certificate){MAG_INF, MAG_INF};
    return (struct polar_certificate){up_add(e, mag_scale(up_div(g, mu), 1)), up_add(shift, g)};
}

static struct ball *singular_value(struct work *w, const struct svd *svd, size_t k, mag shift)
{
    struct ball *s = ball_gather(w, svd->s, NULL, 1, &k, 1);
    ball_widen(s, shift);
    return s;
}

static struct ball *unknown(struct work *w, size_t rows, size_t cols)
{
    struct ball *x = ball_new(w, rows, cols, SCALAR);
    ball_widen_all(x, MAG_INF);
    return x;
}

static struct polar polar_tall(struct work *w, const struct ball *a, long bits)
{
    struct svd *svd = svd_approximate(w, a, bits + 8, 1);
    if (!svd)
        return (struct polar){unknown(w, a->rows, a->cols), a->cols, unknown(w, 1, 1), unknown(w, 1, 1), bits};
    mpfr_prec_t prec = bits + svd->depth + GUARD;
    struct ball *q = ball_new(w, a->rows, a->cols, prec);
    product_nt(w, q, svd->u, svd->v, prec);
    ball_make_exact(q); /* any candidate will do */
    struct polar_certificate c = polar_certify(w, a, q, svd, prec + svd->depth);
    q->radius = c.radius;
    for (size_t k = 0; k < ball_count(q); k++)
        q->error[k] = c.radius;
    return (struct polar){.q = q,
                          .rank = a->cols,
                          .largest = singular_value(w, svd, 0, c.shift),
                          .least = singular_value(w, svd, a->cols - 1, c.shift),
                          .prec = svd->prec};
}

/* Gives back all memory since the mark but what belongs to the answer; largest and least are older than that. */
static struct polar keep(struct work *w, struct work_block *mark, const struct polar *polar, struct ball *q,
                         struct ball *largest, struct ball *least)
{
    struct polar kept = *polar;
    ball_set(largest, polar->largest);
    ball_set(least, polar->least);
    kept.largest = largest;
    kept.least = least;
    kept.q = work_keep(w, mark, q);
    return kept;
}

struct polar polar_full_rank(struct work *w, const struct ball *a, long bits)
{
    struct ball *largest = ball_new(w, 1, 1, SCALAR), *least = ball_new(w, 1, 1, SCALAR);
    struct work_block *mark = work_mark(w);
    bool wide = a->rows < a->cols;
    struct polar polar = polar_tall(w, wide ? ball_transpose(w, a) : a, bits);
    return keep(w, mark, &polar, wide ? ball_transpose(w, polar.q) : polar.q, largest, least);
}

/* ---- any rank ------------------------------------------------------------------------------------------------ */

/* One connected component of the matrix: the polar factor is made of those of the components. */
struct part {
    const struct component *place;
    const struct ball *a;
    struct rank *rank;
    struct polar latest;
    struct ball *known; /* what is proved: its entries with error 0, its rational value; or NULL */
};

struct polar_problem {
    const struct ball *a;
    unsigned long num, den;
    size_t count;
    struct part *part;
    const struct rational *rational; /* the whole answer, once that is proved; or NULL */
};

struct polar_problem *polar_problem_new(struct work *w, const struct ball *a, unsigned long num, unsigned long den)
{
    struct polar_problem *p = work_alloc(w, 1, sizeof *p);
    struct components parts = components_of(w, a);
    *p = (struct polar_problem){a, num, den, parts.count, work_alloc(w, parts.count, sizeof *p->part), NULL};
    for (size_t k = 0; k < p->count; k++) {
        const struct component *c = &parts.each[k];
        p->part[k].place = c;
        p->part[k].a = ball_gather(w, a, c->rows, c->row_count, c->cols, c->col_count);
        p->part[k].rank = rank_of(w, p->part[k].a, NULL, NULL);
    }
    return p;
}

/* A matrix A of rank r < min(m, n). With Q1 the polar factor of r of its independent columns, Q2^T that of r of its
 * independent rows, Q1 Q1^T and Q2 Q2^T project on the range and the row space of A. So A = Q1 (Q1^T A Q2) Q2^T, the
 * matrix in the middle has full rank r and the singular values of A, and if Q3 is its polar factor, Q1 Q3 Q2^T is
 * that of A. */
static struct polar polar_deficient(struct work *w, const struct ball *a, const struct rank *rank, long bits)
{
    size_t m = a->rows, n = a->cols, r = rank->rank;
    const struct ball *cols = ball_gather(w, a, NULL, m, rank->cols, r);
    const struct ball *rows = ball_gather(w, a, rank->rows, r, NULL, n);
    struct ball *largest = ball_new(w, 1, 1, SCALAR), *least = ball_new(w, 1, 1, SCALAR);
    for (long inner = bits + GUARD;; inner *= 2) { /* the middle's condition shows only once it is there */
        struct work_block *mark = work_mark(w);
        const struct ball *q1 = polar_full_rank(w, cols, inner).q, *q2 = polar_full_rank(w, rows, inner).q;
        struct ball *aq = ball_new(w, m, r, inner), *middle = ball_new(w, r, r, inner);
        product_nt(w, aq, a, q2, inner);
        product_tn(w, middle, q1, aq, inner);
        struct polar polar = polar_full_rank(w, middle, bits + GUARD);
        struct ball *left = ball_new(w, m, r, inner), *q = ball_new(w, m, n, inner);
        product(w, left, q1, polar.q, inner);
        product(w, q, left, q2, inner);
        polar = keep(w, mark, &polar, q, largest, least);
        if (mag_le(polar.q->radius, mag_power_of_two(-bits)) || inner > w->max_bits)
            return polar;
    }
}

static struct ball *evaluate_part(struct work *w, const struct polar_problem *p, struct part *part, long bits)
{
    struct ball *largest = ball_new(w, 1, 1, SCALAR), *least = ball_new(w, 1, 1, SCALAR);
    struct work_block *mark = work_mark(w);
    bool full = part->rank->rank == (part->a->rows < part->a->cols ? part->a->rows : part->a->cols);
    part->latest = full ? polar_full_rank(w, part->a, bits) : polar_deficient(w, part->a, part->rank, bits);
    part->latest.rank = part->rank->rank;
    struct ball *q = part->latest.q;
    if (p->num != p->den) {
        struct ball *c = ball_new(w, 1, 1, q->prec), *den = ball_from_integer(w, (long)p->den);
        ball_div(c, ball_from_integer(w, (long)p->num), den);
        ball_sqrt(c, c);
        ball_mul(q, c, q);
    }
    ball_adopt(q, part->known);
    part->latest = keep(w, mark, &part->latest, q, largest, least);
    return part->latest.q;
}

static struct ball *larger(struct work *w, const struct ball *x, const struct ball *y)
{
    struct ball *c = ball_new(w, 1, 1, x->prec > y->prec ? x->prec : y->prec);
    ball_max(c, x, y);
    return c;
}

/* -max(-x, -y) */
static struct ball *smaller(struct work *w, const struct ball *x, const struct ball *y)
{
    struct ball *minus_x = ball_copy(w, x, x->prec), *minus_y = ball_copy(w, y, y->prec);
    mpfr_neg(minus_x->at, x->at, MPFR_RNDN);
    mpfr_neg(minus_y->at, y->at, MPFR_RNDN);
    struct ball *c = larger(w, minus_x, minus_y);
    mpfr_neg(c->at, c->at, MPFR_RNDN);
    return c;
}

struct polar polar_evaluate(struct work *w, struct polar_problem *p, long bits)
{
    struct polar all = {0};
    struct ball **q = work_alloc(w, p->count, sizeof *q);
    mpfr_prec_t prec = 2;
    for (size_t k = 0; k < p->count; k++) {
        struct part *part = &p->part[k];
        q[k] = evaluate_part(w, p, part, bits);
        prec = q[k]->prec > prec ? q[k]->prec : prec;
        const struct polar *l = &part->latest;
        all.rank += l->rank;
        all.prec = l->prec > all.prec ? l->prec : all.prec;
        all.largest = all.largest ? larger(w, all.largest, l->largest) : l->largest;
        all.least = all.least ? smaller(w, all.least, l->least) : l->least;
    }
    all.q = ball_new(w, p->a->rows, p->a->cols, prec);
    mag squares = MAG_ZERO;
    for (size_t k = 0; k < p->count; k++) {
        ball_scatter(all.q, p->part[k].place->rows, p->part[k].place->cols, q[k]);
        squares = up_add(squares, up_sqr(q[k]->radius));
    }
    all.q->radius = up_sqrt(squares);
    all.q->rational = p->rational;
    return all;
}

/* ---- proofs of exact entries --------------------------------------------------------------------------------- */

/* 1 / sqrt(num / den), if that is rational. */
static bool inverse_factor(mpq_ptr inverse, const struct polar_problem *p)
{
    mpz_t root;
    mpz_init_set_ui(root, p->num);
    mpz_mul_ui(root, root, p->den);
    bool rational = mpz_perfect_square_p(root);
    mpz_sqrt(root, root); /* den sqrt(num / den) */
    mpq_set_ui(inverse, p->den, 1);
    mpq_set_den(inverse, root);
    mpq_canonicalize(inverse);
    mpz_clear(root);
    return rational;
}

/* Whether entry k of `q` is proved to be the fraction of least denominator that it may be, and that is dyadic. */
static bool is_dyadic(mpq_ptr value, const struct polar_problem *p, const struct part *part, const struct ball *q,
                      size_t k)
{
    mpq_t entry; /* of the polar factor itself */
    mpq_init(entry);
    simplest_near(value, q->at + k, q->error[k]);
    mpz_srcptr d = mpq_denref(value);
    bool possible = mpz_scan1(d, 0) + 1 == mpz_sizeinbase(d, 2);
    possible = possible && (inverse_factor(entry, p) || mpq_sgn(value) == 0);
    mpq_mul(entry, entry, value);
    /* value is within the error of the midpoint, as is the truth; and sqrt(den / num) <= den */
    mag distance = up_mul(mag_scale(q->error[k], 1), mag_from_integer((uint32_t)p->den));
    bool proved = possible && !mag_is_zero(distance) &&
                  prove_polar_entry(part->a, part->rank->rank, ball_norm_up(part->latest.largest), distance, entry);
    mpq_clear(entry);
    return proved;
}

/* Dyadic entries, zeros included, in small matrices. */
static bool settle_dyadic(const struct polar_problem *p, const struct part *part, struct ball *q)
{
    bool any = false;
    mpq_t value;
    mpq_init(value);
    struct tally t = {MAG_ZERO, MAG_ZERO};
    for (size_t k = 0; k < ball_count(q); k++) {
        bool proved = is_dyadic(value, p, part, q, k);
        int ternary = proved ? mpfr_set_q(q->at + k, value, MPFR_RNDN) : 0;
        ball_note(q, &t, k, ternary, proved ? MAG_ZERO : q->error[k]);
        any = any || proved;
    }
    ball_done(q, &t, q->radius);
    mpq_clear(value);
    return any;
}

/* How far the truth can be from a matrix whose entries are within twice the errors of q's. */
static mag reach(const struct ball *q)
{
    mag squares = MAG_ZERO;
    for (size_t k = 0; k < ball_count(q); k++)
        squares = up_add(squares, up_sqr(q->error[k]));
    return up_add(q->radius, mag_scale(up_sqrt(squares), 1));
}

static void settle_part(struct work *w, const struct polar_problem *p, struct part *part, struct ball *q)
{
    if (mag_is_inf(q->radius)) /* nothing is known yet */
        return;
    struct rational *x = rational_candidate(w, q);
    const struct polar *l = &part->latest;
    bool proved = x && prove_polar(w, part->a, part->rank->rank, x, p->num, p->den, reach(q), ball_abs_down(l->least),
                                   ball_norm_up(l->largest));
    if (proved)
        adopt_rational(w, q, x);
    if (!proved)
        proved = restore_zeros(w, q, part->a, true);
    if (!q->rational)
        proved = settle_dyadic(p, part, q) || proved;
    if (proved) {
        part->known = ball_copy(w, q, q->prec);
        part->known->rational = q->rational;
    }
}

/* The whole as a rational matrix, if every part is one. */
static const struct rational *whole_rational(struct work *w, const struct polar_problem *p)
{
    struct piece *pieces = work_alloc(w, p->count, sizeof *pieces);
    for (size_t k = 0; k < p->count; k++) {
        const struct part *part = &p->part[k];
        pieces[k] = (struct piece){part->known ? part->known->rational : NULL, part->place->rows, part->place->cols};
    }
    return rational_assemble(w, p->a->rows, p->a->cols, pieces, p->count);
}

void polar_settle(struct work *w, struct polar_problem *p, struct ball *q)
{
    for (size_t k = 0; k < p->count; k++) {
        struct part *part = &p->part[k];
        const struct component *at = part->place;
        if (part->known && part->known->rational) /* all of it is known */
            continue;
        struct ball *own = ball_gather(w, q, at->rows, at->row_count, at->cols, at->col_count);
        if (ball_is_exact(own)) { /* so it is dyadic */
            own->rational = rational_quotient(w, own, ball_from_integer(w, 1));
            part->known = own;
        } else {
            settle_part(w, p, part, own);
            ball_scatter(q, at->rows, at->cols, own);
        }
    }
    ball_tighten(q);
    q->rational = p->rational = whole_rational(w, p);
}

/* ---- the public function ---------------------------------------------------------------------------------------- */

struct polar_args {
    assay_answer *q;
    assay_polar_info *info;
    assay_input a;
    struct polar_problem *problem;
    struct polar latest;
};

static void evaluate_polar(struct work *w, void *problem, long bits, struct ball **answers)
{
    struct polar_args *args = problem;
    args->latest = polar_evaluate(w, args->problem, bits);
    answers[0] = args->latest.q;
}

static void settle_polar(struct work *w, void *problem, struct ball **answers)
{
    struct polar_args *args = problem;
    polar_settle(w, args->problem, answers[0]);
}

static assay_polar_info polar_info(struct work *w, const struct polar_args *args)
{
    const struct polar *p = &args->latest;
    assay_polar_info info = {.rank = p->rank, .radius_log2 = log2_up(p->q->radius), .bits = p->prec};
    info.unique = p->rank == (args->a.rows < args->a.cols ? args->a.rows : args->a.cols);
    if (p->rank > 0) {
        struct ball *condition = ball_new(w, 1, 1, p->largest->prec);
        ball_div(condition, p->largest, p->least);
        ball_bounds(info.largest, p->largest);
        ball_bounds(info.least, p->least);
        ball_bounds(info.condition, condition);
        info.condition[0] = fmax(info.condition[0], 1);
    }
    return info;
}

static void run_polar(struct work *w, void *pointer)
{
    struct polar_args *args = pointer;
    const struct ball *a = read_matrix(w, args->a);
    check_answer(w, args->q, a->rows, a->cols);
    args->problem = polar_problem_new(w, a, 1, 1);
    struct pairs *q = pairs_new(w, a->rows, a->cols);
    struct ziv ziv = {args, 1, evaluate_polar, settle_polar};
    ziv_round(w, &ziv, w->options->bits, &q);
    if (args->info)
        *args->info = polar_info(w, args);
    write_answer(args->q, q);
}

assay_status assay_ref_polar(assay_answer *q, assay_polar_info *info, assay_input a, const assay_options *options)
{
    struct polar_args args = {.q = q, .info = info, .a = a};
    return work_run(options, run_polar, &args);
}
