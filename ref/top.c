#include "top.h"

#include "exact.h"
#include "product.h"
#include "rank.h"
#include "svd.h"
#include "zeros.h"

enum { GUARD = 32, MOST_DISTINCT = 32 };

struct top_problem {
    const struct ball *a;
    struct singular_problem *singular;
    size_t multiplicity;      /* once it is known; else 0 */
    struct singular latest;   /* evaluation */
    const struct ball *known; /* exact entries of the answer; or NULL */
};

struct top_problem *top_problem_new(struct work *w, const struct ball *a)
{
    struct top_problem *p = work_alloc(w, 1, sizeof *p);
    *p = (struct top_problem){.a = a, .singular = singular_problem_new(w, a)};
    return p;
}

/* ---- multiplicity ----------------------------------------------------------------------------------------------- */

/* How many groups of overlapping enclosures there are. */
static size_t count_groups(const struct ball *s, size_t rank)
{
    size_t groups = 0;
    for (size_t first = 0; first < rank; first = singular_group_end(s, rank, first))
        groups++;
    return groups;
}

/* Whether N = A^T A (or A A^T) has at most c distinct eigenvalues: the Hankel matrix of the traces of N^0 ... N^2c has
 * as many ranks as N has distinct eigenvalues, all real, up to its size c + 1 (Hermite, Sylvester). */
static bool at_most_distinct(struct work *w, const struct ball *a, size_t c)
{
    struct work_block *mark = work_mark(w);
    const struct ball *tall = a->rows < a->cols ? ball_transpose(w, a) : a, *gram = product_exact_tn(w, tall, tall);
    struct ball **power = work_alloc(w, c + 1, sizeof *power);
    power[0] = ball_identity(w, gram->rows, 2);
    for (size_t k = 1; k <= c; k++)
        power[k] = product_exact(w, power[k - 1], gram);
    mpfr_prec_t prec = 2 * (ball_width(power[c]) + ball_width(gram) + GMP_NUMB_BITS);
    struct ball *hankel = ball_new(w, c + 1, c + 1, prec), *trace = ball_new(w, 1, 1, prec);
    for (size_t i = 0; i <= c; i++)
        for (size_t j = 0; j <= c; j++) {
            ball_dot(w, trace, power[i], power[j]); /* tr N^(i+j), exactly */
            mpfr_set(ball_at(hankel, i, j), trace->at, MPFR_RNDN);
        }
    bool proved = rank_at_most(w, hankel, c);
    work_release(w, mark);
    return proved;
}

/* Decides the multiplicity from the enclosures, if they allow it. */
static void decide_multiplicity(struct work *w, struct top_problem *p, struct singular *all)
{
    size_t in_first = singular_group_end(all->s, all->rank, 0),
           side = p->a->rows < p->a->cols ? p->a->rows : p->a->cols;
    size_t distinct = count_groups(all->s, all->rank) + (all->rank < side);
    if (in_first > 1 && distinct <= MOST_DISTINCT && at_most_distinct(w, p->a, distinct)) {
        p->multiplicity = in_first; /* every group is one value */
        return;
    }
    if (in_first > 1) {
        singular_settle(w, p->singular, all);
        in_first = singular_group_end(all->s, all->rank, 0);
        for (size_t j = 0; j < in_first; j++)
            if (!mag_is_zero(all->s->error[j])) /* all exact, they are one number */
                return;
    }
    p->multiplicity = in_first;
}

/* ---- U_1 V_1^T -------------------------------------------------------------------------------------------------- */

/* A bound on ||U_1 V_1^T - U~_1 V~_1^T||_F for the first k columns U~_1, V~_1 of the witnesses.
 *
 * Let U', V' be the polar factors of U~, V~, and A' = U' S' V'^T with the first k values of S' all set to s: say
 * ||A - A'||_F <= e. In the Hermitian dilations of A and A' the eigenvalues s_1 and s have multiplicity k, and s is
 * d = s - s_(k+1) away from all other eigenvalues of A's. By Davis and Kahan's sin theta theorem the projectors on the
 * eigenspaces differ by at most sqrt(2) e / d in Frobenius norm; U_1 V_1^T / 2 is one of two such blocks of one, so
 * ||U_1 V_1^T - U'_1 V'_1^T||_F <= 2 e / d. */
static mag top_error(const struct singular *all, size_t k)
{
    MPFR_DECL_INIT(difference, 64);
    const struct ball *s = all->s;
    mag vectors = up_add(up_mul(all->u_defect, up_add(MAG_ONE, all->v_defect)), all->v_defect);
    mpfr_sub(difference, s->at, s->at + k - 1, MPFR_RNDA);
    mag spread = up_mul(up_abs(difference), mag_from_integer((uint32_t)k));
    mag e = up_add(up_add(all->residual, up_mul(up_abs(s->at), vectors)), spread);
    mpfr_set(difference, s->at, MPFR_RNDZ);
    if (k < s->cols)
        mpfr_sub(difference, s->at, s->at + k, MPFR_RNDZ);
    mag d = down_sub(down_abs(difference), k < s->cols ? s->error[k] : MAG_ZERO);
    return up_add(mag_scale(up_div(e, d), 1), vectors);
}

static struct ball *top_isometry(struct work *w, const struct singular *all, size_t k)
{
    const struct ball *u = ball_gather(w, all->u, NULL, all->u->rows, NULL, k);
    const struct ball *v = ball_gather(w, all->v, NULL, all->v->rows, NULL, k);
    struct ball *o = ball_new(w, u->rows, v->rows, all->prec);
    product_nt(w, o, u, v, all->prec);
    ball_widen_all(o, top_error(all, k));
    ball_div(o, o, ball_from_integer(w, (long)k));
    return o;
}

struct top top_evaluate(struct work *w, struct top_problem *p, long bits)
{
    struct singular all;
    for (long inner = bits + GUARD;; inner += inner / 2) {
        all = singular_evaluate(w, p->singular, inner);
        if (all.rank == 0)
            return (struct top){ball_new(w, p->a->rows, p->a->cols, 2), ball_new(w, 1, 1, 2), 0, all.prec};
        singular_measure(w, p->singular, &all, all.prec);
        if (p->multiplicity == 0)
            decide_multiplicity(w, p, &all);
        if (p->multiplicity != 0)
            break;
        if (inner > w->max_bits)
            work_fail(w, ASSAY_UNDECIDED, "%ld bits do not decide whether the largest singular value is repeated",
                      inner);
    }
    const size_t first = 0;
    struct top top = {.o = top_isometry(w, &all, p->multiplicity),
                      .multiplicity = p->multiplicity,
                      .prec = all.prec,
                      .largest = ball_gather(w, all.s, NULL, 1, &first, 1)};
    p->latest = all;
    ball_adopt(top.o, p->known);
    return top;
}

/* ---- proofs of exact entries ------------------------------------------------------------------------------------ */

/* Whether X = N / D is U_1 V_1^T of `a` for its largest singular value s, of multiplicity k:
 *   (1) N N^T N = D^2 N and ||N||_F^2 = D^2 k: X is a partial isometry of rank k;
 *   (2) A N^T N = s D N: for v in the k-dimensional row space of X, A v = s X v, so |A v| = s |v|: that space is the
 *       one of the right singular vectors of s, and X is A / s there. */
static bool prove_top(struct work *w, const struct ball *a, const struct rational *x, const struct ball *s, size_t k)
{
    struct work_block *mark = work_mark(w);
    const struct ball *n = x->numerators;
    mpz_ptr square = work_integers(w, 1);
    mpz_mul(square, x->denominator, x->denominator);
    bool proved = rational_norm_squared_is(w, x, k);
    if (proved) {
        const struct ball *ntn = product_exact_tn(w, n, n);
        struct ball *sn = ball_new(w, n->rows, n->cols, n->prec + s->prec);
        ball_mul(sn, s, n);
        proved = equals_multiple(product_exact(w, n, ntn), square, n) &&
                 equals_multiple(product_exact(w, a, ntn), x->denominator, sn);
    }
    work_release(w, mark);
    return proved;
}

void top_settle(struct work *w, struct top_problem *p, struct ball *o)
{
    if (p->multiplicity == 0)
        return;
    struct ball *isometry = ball_new(w, o->rows, o->cols, o->prec), *k = ball_from_integer(w, (long)p->multiplicity);
    ball_mul(isometry, k, o);
    singular_settle(w, p->singular, &p->latest);
    const size_t first = 0;
    const struct ball *s = ball_gather(w, p->latest.s, NULL, 1, &first, 1);
    struct rational *x = ball_is_exact(s) ? rational_candidate(w, isometry) : NULL;
    if (x && prove_top(w, p->a, x, s, p->multiplicity)) {
        mpz_mul_ui(x->denominator, x->denominator, p->multiplicity); /* of o = X / k */
        adopt_rational(w, o, x);
    } else {
        restore_zeros(w, o, p->a, true);
    }
    struct ball *known = ball_copy(w, o, o->prec);
    known->rational = o->rational;
    p->known = known;
}
