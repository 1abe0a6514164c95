/* Singular values and vectors: the approximation converges, and what is proved of it holds whatever it is.
 * Needs the linker's --wrap=LAPACKE_dsyevd. */
#include "svd_refine.h"

#include "product.h"
#include "random_balls.h"
#include "rank.h"
#include "truth.h"

#include <lapacke.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

/* ---- eigenvectors that are wrong, or none ----------------------------------------------------------------------- */

static long lies; /* how many calls are still to go wrong */
static bool failing;
static uint64_t lying_state;

lapack_int __real_LAPACKE_dsyevd(int layout, char job, char part, lapack_int n, double *a, lapack_int lda, double *w);
lapack_int __wrap_LAPACKE_dsyevd(int layout, char job, char part, lapack_int n, double *a, lapack_int lda, double *w);

lapack_int __wrap_LAPACKE_dsyevd(int layout, char job, char part, lapack_int n, double *a, lapack_int lda, double *w)
{
    if (lies <= 0)
        return __real_LAPACKE_dsyevd(layout, job, part, n, a, lda, w);
    lies--;
    for (lapack_int k = 0; k < n * lda && !failing; k++)
        a[k] = random_gaussian(&lying_state) / sqrt((double)n);
    return failing ? n : 0;
}

/* ---- identities ------------------------------------------------------------------------------------------------- */

struct subject {
    const struct matrix *a; /* tall */
    long scale;
    fmpz_mat_t gram; /* of a 2^-scale */
    fmpz_t trace, det;
};

static void subject_init(struct subject *x, const struct matrix *a)
{
    fmpz_mat_t z, zt;
    x->a = a;
    fmpz_mat_init(z, (slong)a->rows, (slong)a->cols);
    fmpz_mat_init(zt, (slong)a->cols, (slong)a->rows);
    fmpz_mat_init(x->gram, (slong)a->cols, (slong)a->cols);
    fmpz_init(x->trace);
    fmpz_init(x->det);
    to_integers(z, a, &x->scale);
    fmpz_mat_transpose(zt, z);
    fmpz_mat_mul(x->gram, zt, z);
    fmpz_mat_trace(x->trace, x->gram);
    fmpz_mat_det(x->det, x->gram);
    fmpz_mat_clear(z);
    fmpz_mat_clear(zt);
}

static void subject_clear(struct subject *x)
{
    fmpz_mat_clear(x->gram);
    fmpz_clear(x->trace);
    fmpz_clear(x->det);
}

static void square_of(arb_t square, const struct ball *s, long scale)
{
    MPFR_DECL_INIT(radius, 64);
    mag_get_mpfr(radius, s->radius);
    arf_t r;
    arf_init(r);
    arf_set_mpfr(arb_midref(square), s->at);
    mag_zero(arb_radref(square));
    arf_set_mpfr(r, radius);
    arb_add_error_arf(square, r);
    arb_mul_2exp_si(square, square, -scale);
    arb_mul(square, square, square, 1000);
    arf_clear(r);
}

/* s_1^2 + ... + s_n^2 = tr A^T A and s_1^2 ... s_n^2 = det A^T A, for some numbers in these enclosures. */
static bool identities_hold(struct ball *const *s, const struct subject *x)
{
    size_t n = x->a->cols;
    arb_t square, sum, product;
    arb_init(square);
    arb_init(sum);
    arb_init(product);
    arb_one(product);
    for (size_t k = 0; k < n; k++) {
        square_of(square, s[k], x->scale);
        arb_add(sum, sum, square, 1000);
        arb_mul(product, product, square, 1000);
    }
    bool hold = arb_contains_fmpz(sum, x->trace) && arb_contains_fmpz(product, x->det);
    arb_clear(square);
    arb_clear(sum);
    arb_clear(product);
    return hold;
}

static bool has_full_rank(const struct matrix *a)
{
    fmpz_mat_t z;
    long scale;
    fmpz_mat_init(z, (slong)a->rows, (slong)a->cols);
    to_integers(z, a, &scale);
    bool full = a->rows >= a->cols && fmpz_mat_rank(z) == (slong)a->cols;
    fmpz_mat_clear(z);
    return full;
}

/* The next matrix of this kind that is tall, of full rank; after so many others, the identity. */
static void make_tall(uint64_t *state, const struct kind *kind, struct matrix *a)
{
    for (int k = 0; k < 50; k++) {
        kind->make(state, a);
        if (a->rows < a->cols)
            transpose(a);
        if (has_full_rank(a))
            return;
    }
    set_shape(a, 2, 2);
    *entry(a, 0, 0) = *entry(a, 1, 1) = 1;
}

/* ---- convergence ------------------------------------------------------------------------------------------------ */

/* log2 ||x^T x - I||_F, at most */
static long defect_log2(struct work *w, const struct ball *x)
{
    struct ball *gram = ball_new(w, x->cols, x->cols, 2 * x->prec);
    product_tn(w, gram, x, x, 0);
    ball_sub(gram, gram, ball_identity(w, x->cols, 2));
    mag defect = ball_norm_up(gram);
    return mag_is_zero(defect) ? -100000 : (long)mag_log2(defect) + 1;
}

/* log2 (||A - U S V^T||_F / s_1), at most */
static long residual_log2(struct work *w, const struct ball *a, const struct svd *svd)
{
    mpfr_prec_t prec = 3 * svd->prec + 64;
    struct ball *us = ball_new(w, a->rows, a->cols, prec), *usv = ball_new(w, a->rows, a->cols, prec);
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = 0; j < a->cols; j++)
            mpfr_mul(ball_at(us, i, j), ball_at(svd->u, i, j), svd->s->at + j, MPFR_RNDN);
    product_nt(w, usv, us, svd->v, 0);
    ball_sub(usv, a, usv);
    mag rest = up_div(ball_norm_up(usv), down_abs(svd->s->at));
    return mag_is_zero(rest) ? -100000 : (long)mag_log2(rest) + 1;
}

struct refinement {
    const struct subject *subject;
    long bits;
    int lift;
};

static bool descend(const struct ball *s)
{
    for (size_t j = 1; j < s->cols; j++)
        if (!mpfr_lessequal_p(s->at + j, s->at + j - 1))
            return false;
    return true;
}

/* Columns are orthonormal to 2^-(bits + lift depth), A = U S V^T to that of s_1, each s_j is enclosed to 2^-bits of
 * itself; up to the 12 bits that "or so" stands for. */
static void check_refinement(struct work *w, void *pointer)
{
    enum { OR_SO = 12 };
    const struct refinement *r = pointer;
    const struct ball *a = ball_from_input(w, input(r->subject->a));
    const struct svd *svd = svd_approximate(w, a, r->bits, r->lift);
    long promised = r->bits + r->lift * svd->depth - OR_SO;
    ck_assert(defect_log2(w, svd->v) <= -promised && defect_log2(w, svd->u) <= -promised);
    ck_assert(residual_log2(w, a, svd) <= -promised);
    ck_assert(descend(svd->s) && mpfr_sgn(svd->s->at + a->cols - 1) > 0);
    long depth = (long)(mpfr_get_exp(svd->s->at) - mpfr_get_exp(svd->s->at + a->cols - 1));
    ck_assert(labs(svd->depth - depth) <= 8);
    struct ball **s = svd_enclose(w, a, svd);
    for (size_t j = 0; j < a->cols; j++)
        ck_assert(mag_le(mag_scale(s[j]->radius, r->bits - OR_SO), ball_abs_down(s[j])));
    ck_assert(identities_hold(s, r->subject));
    /* counter-check: one value a little off */
    MPFR_DECL_INIT(factor, 300);
    mpfr_set_ui_2exp(factor, 1, -r->bits / 2, MPFR_RNDN);
    mpfr_add_ui(factor, factor, 1, MPFR_RNDN);
    mpfr_mul(s[a->cols - 1]->at, s[a->cols - 1]->at, factor, MPFR_RNDN);
    ck_assert(!identities_hold(s, r->subject));
}

START_TEST(it_converges_on_every_kind_of_matrix)
{
    static struct matrix a;
    for (size_t k = 0; k < KINDS; k++) {
        uint64_t state = 10 + k;
        size_t count = kinds[k].polar < 100 ? 8 : 50;
        for (size_t i = 0; i < rounds(count); i++) {
            struct subject subject;
            make_tall(&state, &kinds[k], &a);
            subject_init(&subject, &a);
            struct refinement r = {&subject, i % 3 == 0 ? 40 : i % 3 == 1 ? 90 : 250, (int)(i % 2)};
            in_work(check_refinement, &r);
            subject_clear(&subject);
        }
    }
}
END_TEST

/* ---- LAPACK that fails or lies ---------------------------------------------------------------------------------- */

static void approximate(struct work *w, void *pointer)
{
    svd_approximate(w, ball_from_input(w, input(pointer)), 100, 0);
}

START_TEST(wrong_eigenvectors_only_cost_time)
{
    static struct matrix a;
    uint64_t state = 50;
    set_shape(&a, 5, 4);
    random_matrix(&state, a.at, 20);
    struct subject subject;
    subject_init(&subject, &a);
    struct refinement r = {&subject, 100, 0};
    for (int k = 0; k < 6; k++) {
        lies = 1 + k / 2;
        failing = k % 2;
        lying_state = (uint64_t)k;
        in_work(check_refinement, &r);
        ck_assert(lies == 0);
    }
    subject_clear(&subject);
}
END_TEST

START_TEST(without_eigenvectors_there_is_no_answer)
{
    static struct matrix a;
    uint64_t state = 51;
    set_shape(&a, 3, 3);
    random_matrix(&state, a.at, 9);
    lies = LONG_MAX;
    failing = true;
    ck_assert_str_eq(fails_in_work(ASSAY_UNDECIDED, approximate, &a),
                     "the singular value decomposition did not converge in 400 rounds");
}
END_TEST

/* ---- enclosures from anything ----------------------------------------------------------------------------------- */

/* Whether there is a value in each enclosure, taken in descending order, for enclosures that may overlap. */
static bool hold_values(struct ball *const *s, struct ball *const *truth, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        MPFR_DECL_INIT(difference, 64);
        bool held = false; /* value j in any of them, */
        bool used = false; /* and any value in number j */
        for (size_t k = 0; k < n; k++) {
            mpfr_sub(difference, s[k]->at, truth[j]->at, MPFR_RNDZ);
            held = held || mag_le(down_abs(difference), up_add(s[k]->radius, truth[j]->radius));
            mpfr_sub(difference, s[j]->at, truth[k]->at, MPFR_RNDZ);
            used = used || mag_le(down_abs(difference), up_add(s[j]->radius, truth[k]->radius));
        }
        if (!held || !used)
            return false;
    }
    return true;
}

/* Moves entries of V by up to 2^-k each. */
static void disturb(struct ball *v, uint64_t *state, long k)
{
    MPFR_DECL_INIT(move, 53);
    for (size_t l = 0; l < ball_count(v); l++) {
        mpfr_set_d(move, ldexp(random_uniform(state) - 0.5, (int)-k), MPFR_RNDN);
        mpfr_add(v->at + l, v->at + l, move, MPFR_RNDN);
    }
}

struct disturbed {
    const struct matrix *a;
    uint64_t *state;
    size_t finite, infinite, tight;
};

/* Singular vectors that are wrong by 2^-k give enclosures that are wider, not wrong; and where they are too wrong, no
 * enclosures. A ball of matrices gives enclosures of the values of each of them. */
static void check_disturbed(struct work *w, void *pointer)
{
    struct disturbed *d = pointer;
    const struct ball *a = ball_from_input(w, input(d->a));
    struct svd *svd = svd_approximate(w, a, 150, 0);
    struct ball **truth = svd_enclose(w, a, svd);
    for (long k = 80; k >= 0; k -= 10) {
        svd = svd_approximate(w, a, 150, 0);
        disturb(svd->v, d->state, k);
        struct ball **s = svd_enclose(w, a, svd);
        ck_assert(hold_values(s, truth, a->cols));
        bool infinite = mag_is_inf(s[0]->radius);
        ck_assert(mpfr_zero_p(s[0]->at) || infinite ||
                  mag_le(s[0]->radius, mag_scale(up_abs(s[0]->at), 8 - k))); /* and not much wider than they must be */
        d->infinite += infinite;
        d->finite += !infinite;
        struct ball **half = s; /* counter-check: they do need most of their width, now and then */
        for (size_t j = 0; j < a->cols; j++)
            half[j]->radius = mag_scale(half[j]->radius, -7);
        d->tight += !infinite && !hold_values(half, truth, a->cols);
    }
}

START_TEST(enclosures_hold_whatever_the_vectors)
{
    static struct matrix a;
    uint64_t state = 60;
    struct disturbed d = {&a, &state, 0, 0, 0};
    for (size_t k = 0; k < rounds(40); k++) {
        make_tall(&state, &kinds[k % 4], &a);
        in_work(check_disturbed, &d);
    }
    ck_assert(d.finite > rounds(40) && d.infinite > rounds(40) / 4 && d.tight > rounds(40));
}
END_TEST

/* A column of V that is 0: nothing is known. */
static void check_vanished(struct work *w, void *unused)
{
    (void)unused;
    static const struct matrix m = {3, 2, {1, 2, 3, 4, 5, 7}};
    const struct ball *a = ball_from_input(w, input(&m));
    struct svd *svd = svd_approximate(w, a, 60, 0);
    mpfr_set_zero(ball_at(svd->v, 0, 1), 1);
    mpfr_set_zero(ball_at(svd->v, 1, 1), 1);
    struct ball **s = svd_enclose(w, a, svd);
    ck_assert(mag_is_inf(s[0]->radius) && mag_is_inf(s[1]->radius));
}

START_TEST(a_vanished_column_tells_nothing)
{
    in_work(check_vanished, NULL);
}
END_TEST

/* Balls in which the least singular value may be 0, or anything. */
static void check_hopeless(struct work *w, void *unused)
{
    (void)unused;
    struct ball *a = ball_identity(w, 2, 53);
    mpfr_set_ui_2exp(ball_at(a, 1, 1), 1, -50, MPFR_RNDN);
    ball_widen_all(a, mag_power_of_two(-40));
    ck_assert(!svd_approximate(w, a, 60, 0));
    ball_make_exact(a);
    ball_widen_all(a, mag_power_of_two(-60));
    ck_assert(svd_approximate(w, a, 60, 0) != NULL);
    ball_widen_all(a, MAG_INF);
    ck_assert(!svd_approximate(w, a, 60, 0));
}

START_TEST(what_is_not_known_is_not_approximated)
{
    in_work(check_hopeless, NULL);
}
END_TEST

/* A ball: the enclosures hold the singular values of every matrix in it. */
static void check_balls(struct work *w, void *unused)
{
    (void)unused;
    static struct matrix m;
    uint64_t state = 61;
    size_t wide = 0;
    for (size_t k = 0; k < rounds(100); k++) {
        struct work_block *mark = work_mark(w);
        make_tall(&state, &kinds[k % 3], &m);
        struct ball *a = ball_copy(w, ball_from_input(w, input(&m)), 53);
        for (size_t l = 0; l < ball_count(a); l++)
            a->error[l] = mag_power_of_two(-20 - (long)random_below(&state, 30));
        a->radius = MAG_INF;
        ball_tighten(a);
        const struct ball *member = random_member(w, &state, a);
        struct ball **s = svd_enclose(w, a, svd_approximate(w, a, 100, 0));
        if (rank_of(w, member, NULL, NULL)->rank == a->cols) {
            struct ball **truth = svd_enclose(w, member, svd_approximate(w, member, 100, 0));
            ck_assert(hold_values(s, truth, a->cols));
            for (size_t j = 0; j < a->cols; j++)
                s[j]->radius = mag_power_of_two(-80);
            wide += !hold_values(s, truth, a->cols);
        }
        work_release(w, mark);
    }
    ck_assert(wide > rounds(100) / 2);
}

START_TEST(enclosures_of_balls_hold_for_their_members)
{
    in_work(check_balls, NULL);
}
END_TEST

RUN_TESTS("svd_refine", TEST(it_converges_on_every_kind_of_matrix), TEST(wrong_eigenvectors_only_cost_time),
          TEST(without_eigenvectors_there_is_no_answer), TEST(enclosures_hold_whatever_the_vectors),
          TEST(a_vanished_column_tells_nothing), TEST(what_is_not_known_is_not_approximated),
          TEST(enclosures_of_balls_hold_for_their_members))
