/* The campaign: more than 10,000 matrices of every kind, each answer compared with one that was found another way.
 *
 * Where the truth comes from: matrices made from their polar factor, which is then known without any algorithm; the
 * closed form for 2 x 2; square roots of A^T A enclosed by Arb, from Newton's iteration and a bound that assay does
 * not use; Sylvester's law of inertia, which counts the singular values above a number by the signs of pivots; ranks
 * and exact identities in FLINT's integers; LAPACK, to double precision; and our own answer with more bits. */
#include "polar.h"
#include "svd.h"
#include "truth.h"

#include <float.h>
#include <lapacke.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- our answers ------------------------------------------------------------------------------------------------ */

static void require_ok(assay_status status, const char *message, const struct matrix *a)
{
    if (status != ASSAY_OK)
        print_matrix("A", a->at, a->rows, a->cols);
    ck_assert_msg(status == ASSAY_OK, "%s: %s", assay_status_text(status), message);
}

static void our_polar(struct pair *q, assay_polar_info *info, const struct matrix *a, unsigned bits)
{
    char message[ASSAY_MESSAGE_SIZE] = "";
    const assay_options options = {.bits = bits, .threads = 1, .message = message, .message_size = sizeof message};
    assay_answer answer = output(q, a->rows, a->cols);
    require_ok(assay_ref_polar(&answer, info, input(a), &options), message, a);
    q->radius = answer.radius;
}

/* ---- enclosures against the truth ------------------------------------------------------------------------------- */

static void arb_from_mag(arb_t x, mag bound)
{
    MPFR_DECL_INIT(y, 64);
    mag_get_mpfr(y, bound);
    arf_set_mpfr(arb_midref(x), y);
    mag_zero(arb_radref(x));
}

/* Whether the ball does not hold x for certain: an entry is off by more than its error, or the whole by more than the
 * radius. */
static bool refuted(const struct ball *ball, const arb_mat_t x)
{
    arb_t difference, bound, sum;
    arb_init(difference);
    arb_init(bound);
    arb_init(sum);
    bool wrong = false;
    for (size_t k = 0; k < ball_count(ball); k++) {
        arf_set_mpfr(arb_midref(difference), ball->at + k);
        mag_zero(arb_radref(difference));
        arb_sub(difference, entry_of(x, k), difference, ARF_PREC_EXACT);
        arb_abs(difference, difference);
        arb_addmul(sum, difference, difference, 256);
        if (!arb_is_finite(difference)) /* the midpoint is no number: then nothing may be claimed of it */
            wrong = wrong || !mag_is_inf(ball->error[k]);
        if (mag_is_inf(ball->error[k]))
            continue;
        arb_from_mag(bound, ball->error[k]);
        wrong = wrong || arb_gt(difference, bound);
    }
    if (!mag_is_inf(ball->radius)) {
        arb_from_mag(bound, ball->radius);
        arb_mul(bound, bound, bound, 256);
        wrong = wrong || arb_gt(sum, bound);
    }
    arb_clear(difference);
    arb_clear(bound);
    arb_clear(sum);
    return wrong;
}

static void require_contained(const struct ball *q, const arb_mat_t truth, const char *what, long bits)
{
    ck_assert_msg(!refuted(q, truth), "%s of %ld bits does not hold the truth", what, bits);
}

/* error <= 2^k: it is no use to be right about nothing. */
static void require_small(mag error, long k, const struct matrix *a)
{
    bool small = mag_le(error, mag_power_of_two(k));
    if (!small)
        print_matrix("A", a->at, a->rows, a->cols);
    ck_assert_msg(small, "the error is more than 2^%ld: 2^%ld", k,
                  mag_is_inf(error) ? LONG_MAX : (long)mag_log2(error));
}

/* The counter-check of refuted(): a ball that is moved by three of its radii, and by more than a truth that decides
 * pairs is uncertain, does not hold the truth. */
static void check_moved(struct work *w, const struct ball *q, const arb_mat_t truth)
{
    struct ball *moved = ball_copy(w, q, q->prec + 300), *step = ball_new(w, 1, 1, 64);
    mag_get_mpfr(step->at, up_add(q->radius, mag_scale(ball_midpoint_norm_up(q), -95)));
    mpfr_mul_ui(step->at, step->at, 3, MPFR_RNDN);
    if (mpfr_zero_p(step->at))
        mpfr_set_ui_2exp(step->at, 1, -95, MPFR_RNDN);
    mpfr_add(moved->at, moved->at, step->at, MPFR_RNDN);
    ck_assert(refuted(moved, truth));
}

struct enclosing {
    const struct matrix *a;
    arb_mat_struct *q;
    size_t rank;
};

/* The enclosures that a rounding is made from hold the truth at any precision, and are as small as they are said to
 * be. */
static void check_enclosures(struct work *w, void *pointer)
{
    const struct enclosing *e = pointer;
    const struct ball *a = ball_from_input(w, input(e->a));
    struct polar_problem *problem = polar_problem_new(w, a, 1, 1);
    const long precisions[] = {4, 24, 53, 150};
    for (size_t k = 0; k < sizeof precisions / sizeof precisions[0]; k++) {
        struct work_block *mark = work_mark(w);
        struct ball *q = polar_evaluate(w, problem, precisions[k]).q;
        require_contained(q, e->q, "an enclosure", precisions[k]);
        require_small(q->radius, -precisions[k] / 2, e->a);
        check_moved(w, q, e->q);
        if (e->rank == side_of(e->a)) {
            q = polar_full_rank(w, a, precisions[k]).q;
            require_contained(q, e->q, "a full-rank enclosure", precisions[k]);
        }
        work_release(w, mark);
    }
    struct ball *q = polar_evaluate(w, problem, precisions[0]).q;
    polar_settle(w, problem, q);
    require_contained(q, e->q, "a settled enclosure", precisions[0]);
}

/* ---- LAPACK ----------------------------------------------------------------------------------------------------- */

/* The polar factor by LAPACK agrees to double precision, as far as the condition number lets it. */
static void check_lapack(const struct matrix *a, const struct pair *q, const assay_polar_info *info)
{
    static double work[MOST], u[MOST], vt[MOST], s[MOST_SIDE];
    size_t m = a->rows, n = a->cols, k = side_of(a);
    if (info->rank < k || info->condition[1] > 1e8 || info->largest[1] > 1e200 || info->least[0] < 1e-200)
        return;
    memcpy(work, a->at, m * n * sizeof(double));
    lapack_int status = LAPACKE_dgesdd(LAPACK_ROW_MAJOR, 'S', (lapack_int)m, (lapack_int)n, work, (lapack_int)n, s, u,
                                       (lapack_int)k, vt, (lapack_int)n);
    ck_assert(status == 0);
    double squares = 0;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t l = 0; l < k; l++)
                sum += u[i * k + l] * vt[l * n + j];
            squares += (sum - q->hi[i * n + j]) * (sum - q->hi[i * n + j]);
        }
    double tolerance = 64 * (double)k * DBL_EPSILON;
    ck_assert(sqrt(squares) <= tolerance * info->condition[1]);
    ck_assert(fabs(s[0] - info->largest[0]) <= tolerance * s[0]);
    ck_assert(fabs(s[k - 1] - info->least[0]) <= tolerance * s[0]);
}

/* ---- one matrix ------------------------------------------------------------------------------------------------- */

/* How many matrices have been checked by this process, so that costly checks can be made of some. */
static size_t checked;

static void check_info(const assay_polar_info *info, const struct matrix *a, size_t rank)
{
    ck_assert(info->rank == rank && info->unique == (rank == side_of(a)));
    ck_assert(info->largest[0] <= info->largest[1] && info->least[0] <= info->least[1]);
    ck_assert(info->condition[0] <= info->condition[1]);
    ck_assert(rank == 0 ? info->largest[1] == 0 : info->least[0] > 0 && info->condition[0] >= 1);
}

/* What can be checked given an enclosure of the truth. */
static void check_against(const struct matrix *a, const struct pair *q, const assay_polar_info *info, struct truth *t)
{
    static struct pair again;
    struct enclosing e = {a, t->x, info->rank};
    if (checked % 8 == 0)
        check_refusals(q, t);
    if (checked % 2 == 0)
        in_work(check_enclosures, &e);
    if (checked % 4 == 1) {
        our_polar(&again, NULL, a, 420);
        ck_assert(same_pairs(q, &again, a->rows * a->cols));
    }
    check_lapack(a, q, info);
    checked++;
}

static void require_yes(enum verdict v, const char *what, const struct matrix *a)
{
    if (v != YES)
        print_matrix("A", a->at, a->rows, a->cols);
    ck_assert_msg(v == YES, v == NO ? "%s: wrong" : "%s: the oracle does not decide", what);
}

/* The public answer for `a` is right, by Arb; so are the enclosures that it is made from. */
static void check_by_arb(const struct matrix *a)
{
    static struct pair q;
    assay_polar_info info;
    our_polar(&q, &info, a, 0);
    fmpz_mat_t z;
    struct truth t;
    long scale;
    fmpz_mat_init(z, (slong)a->rows, (slong)a->cols);
    truth_init(&t, a->rows, a->cols);
    to_integers(z, a, &scale);
    size_t rank = (size_t)fmpz_mat_rank(z);
    check_info(&info, a, rank);
    enum verdict v = OPEN;
    for (; v == OPEN && t.prec <= LAST_PREC; t.prec *= 2) {
        if (!enclose_polar(t.x, z, rank, t.prec))
            continue;
        arb_mat_set(t.multiple, t.x);
        v = pairs_fit(&q, &t);
        if (v == OPEN && find_fractions(&t, z, rank))
            v = pairs_fit(&q, &t);
    }
    require_yes(v, "the polar factor", a);
    check_against(a, &q, &info, &t);
    fmpz_mat_clear(z);
    truth_clear(&t);
}

/* Sets the truth to t->prec bits. */
typedef void formula(struct truth *t, const struct matrix *a);

/* The public answer for `a`, of this rank, is right by a formula. */
static void check_by_formula(const struct matrix *a, size_t rank, formula *formula)
{
    static struct pair q;
    assay_polar_info info;
    our_polar(&q, &info, a, 0);
    check_info(&info, a, rank);
    struct truth t;
    truth_init(&t, a->rows, a->cols);
    enum verdict v = OPEN;
    for (; v == OPEN && t.prec <= LAST_PREC; t.prec *= 2) {
        formula(&t, a);
        v = pairs_fit(&q, &t);
    }
    require_yes(v, "the polar factor", a);
    check_against(a, &q, &info, &t);
    truth_clear(&t);
}

/* ---- singular values by Sylvester's law of inertia -------------------------------------------------------------- */

/* The number of eigenvalues of the symmetric matrix `gram` above x^2: that of positive pivots of gram - x^2 I; -1 if
 * this precision does not tell. */
static slong count_above(const arb_mat_t gram, const arb_t x, slong prec)
{
    slong n = arb_mat_nrows(gram), count = 0;
    arb_mat_t a;
    arb_t t;
    arb_mat_init(a, n, n);
    arb_init(t);
    arb_mul(t, x, x, ARF_PREC_EXACT);
    arb_mat_set(a, gram);
    for (slong k = 0; k < n; k++)
        arb_sub(arb_mat_entry(a, k, k), arb_mat_entry(a, k, k), t, ARF_PREC_EXACT);
    for (slong k = 0; k < n && count >= 0; k++) {
        arb_srcptr pivot = arb_mat_entry(a, k, k);
        count = arb_contains_zero(pivot) ? -1 : count + arb_is_positive(pivot);
        for (slong i = k + 1; i < n && count >= 0; i++) {
            arb_div(t, arb_mat_entry(a, i, k), pivot, prec);
            for (slong j = k + 1; j <= i; j++)
                arb_submul(arb_mat_entry(a, i, j), t, arb_mat_entry(a, j, k), prec);
        }
    }
    arb_mat_clear(a);
    arb_clear(t);
    return count;
}

/* Whether the i-th largest singular value lies within x. */
static enum verdict holds_value(const arb_mat_t gram, const arb_t x, slong i, slong prec)
{
    arb_t end;
    arb_init(end);
    arb_get_ubound_arf(arb_midref(end), x, ARF_PREC_EXACT);
    slong above = count_above(gram, end, prec);
    arb_get_lbound_arf(arb_midref(end), x, ARF_PREC_EXACT);
    slong from = count_above(gram, end, prec);
    arb_clear(end);
    if (above < 0 || from < 0)
        return OPEN;
    return above <= i && i < from ? YES : NO;
}

/* z^T z or z z^T, whichever is smaller. */
static void small_gram(fmpz_mat_t gram, const fmpz_mat_t z)
{
    fmpz_mat_t zt;
    fmpz_mat_init(zt, fmpz_mat_ncols(z), fmpz_mat_nrows(z));
    fmpz_mat_transpose(zt, z);
    if (fmpz_mat_nrows(z) < fmpz_mat_ncols(z))
        fmpz_mat_mul(gram, z, zt);
    else
        fmpz_mat_mul(gram, zt, z);
    fmpz_mat_clear(zt);
}

struct spectrum {
    const struct matrix *a;
    arb_mat_struct *s; /* 1 x side; the truth, enclosed */
    fmpz_mat_struct *gram;
    long scale; /* of the matrix that gram belongs to: a = z 2^scale */
    size_t rank;
    long bits;
};

/* Takes our singular values to a relative 2^-bits and proves that this encloses the truth. */
static void enclose_spectrum(struct work *w, void *pointer)
{
    struct spectrum *x = pointer;
    const struct ball *a = ball_from_input(w, input(x->a));
    struct singular all = singular_evaluate(w, singular_problem_new(w, a), x->bits + 40);
    ck_assert(all.rank == x->rank);
    arb_mat_t gram;
    arb_mat_init(gram, fmpz_mat_nrows(x->gram), fmpz_mat_ncols(x->gram));
    arb_mat_set_fmpz_mat(gram, x->gram);
    for (slong i = 0; i < (slong)all.rank; i++) {
        arb_ptr s = arb_mat_entry(x->s, 0, i);
        arf_set_mpfr(arb_midref(s), all.s->at + i);
        mag_set_ui_2exp_si(arb_radref(s), 1, (slong)mpfr_get_exp(all.s->at + i) - x->bits);
        require_small(all.s->error[i], (long)mpfr_get_exp(all.s->at + i) - x->bits, x->a);
        arb_mul_2exp_si(s, s, -x->scale);
        enum verdict v = OPEN;
        for (slong prec = 4 * x->bits; v == OPEN && prec <= LAST_PREC; prec *= 2)
            v = holds_value(gram, s, i, prec);
        ck_assert_msg(v == YES, "singular value %ld is not where it should be", (long)i);
        arb_mul_2exp_si(s, s, x->scale);
    }
    for (size_t i = all.rank; i < all.s->cols; i++)
        ck_assert(mpfr_zero_p(all.s->at + i) && mag_is_zero(all.s->error[i]));
    arb_mat_clear(gram);
}

/* Whether hi + lo is a singular value of multiplicity `count` or more, exactly: gram - s^2 I has such a kernel. */
static bool is_exact_value(const struct spectrum *x, double hi, double lo, slong count)
{
    slong n = fmpz_mat_nrows(x->gram);
    struct pair *one = calloc(1, sizeof *one);
    fmpz_mat_t s, shifted;
    long scale;
    one->hi[0] = hi;
    one->lo[0] = lo;
    fmpz_mat_init(s, 1, 1);
    fmpz_mat_init(shifted, n, n);
    pairs_to_integers(s, one, 1, 1, &scale);
    scale -= x->scale;
    free(one);
    fmpz *square = fmpz_mat_entry(s, 0, 0);
    fmpz_mul(square, square, square);
    if (scale > 0)
        fmpz_mul_2exp(square, square, (ulong)(2 * scale));
    fmpz_mat_scalar_mul_2exp(shifted, x->gram, scale < 0 ? (ulong)(-2 * scale) : 0);
    for (slong k = 0; k < n; k++)
        fmpz_sub(fmpz_mat_entry(shifted, k, k), fmpz_mat_entry(shifted, k, k), square);
    bool exact = fmpz_mat_rank(shifted) <= n - count;
    fmpz_mat_clear(s);
    fmpz_mat_clear(shifted);
    return exact;
}

/* Replaces enclosures by the numbers that are claimed, where integers prove these. */
static void sharpen(struct spectrum *x, const struct pair *s)
{
    arb_t part;
    arb_init(part);
    for (size_t i = 0, count; i < x->rank; i += count) {
        count = 1;
        while (i + count < x->rank && s->hi[i + count] == s->hi[i] && s->lo[i + count] == s->lo[i])
            count++;
        arb_ptr truth = arb_mat_entry(x->s, 0, (slong)i);
        bool open = s->radius == 0 || rounds_to(s->lo[i], s->hi[i], truth) == OPEN;
        if (!open || !is_exact_value(x, s->hi[i], s->lo[i], (slong)count))
            continue;
        for (size_t j = i; j < i + count; j++) {
            truth = arb_mat_entry(x->s, 0, (slong)j);
            arb_set_d(truth, s->hi[j]);
            arb_set_d(part, s->lo[j]);
            arb_add(truth, truth, part, ARF_PREC_EXACT);
        }
    }
    arb_clear(part);
}

static void check_value_enclosures(struct work *w, void *pointer)
{
    const struct spectrum *x = pointer;
    const struct ball *a = ball_from_input(w, input(x->a));
    struct singular_problem *problem = singular_problem_new(w, a);
    const long precisions[] = {2, 24, 53, 100};
    for (size_t k = 0; k < sizeof precisions / sizeof precisions[0]; k++) {
        struct singular all = singular_evaluate(w, problem, precisions[k]);
        ck_assert(all.rank == x->rank);
        require_contained(all.s, x->s, "singular values", precisions[k]);
        check_moved(w, all.s, x->s);
        singular_settle(w, problem, &all);
        require_contained(all.s, x->s, "settled singular values", precisions[k]);
    }
}

static void check_values_by_lapack(const struct matrix *a, const struct pair *s)
{
    static double work[MOST], values[MOST_SIDE];
    size_t k = side_of(a);
    if (s->hi[0] > 1e200 || s->hi[0] < 1e-200)
        return;
    memcpy(work, a->at, a->rows * a->cols * sizeof(double));
    ck_assert(LAPACKE_dgesdd(LAPACK_ROW_MAJOR, 'N', (lapack_int)a->rows, (lapack_int)a->cols, work, (lapack_int)a->cols,
                             values, NULL, 1, NULL, (lapack_int)a->cols) == 0);
    for (size_t i = 0; i < k; i++)
        ck_assert(fabs(values[i] - s->hi[i]) <= 64 * (double)(a->rows + a->cols) * DBL_EPSILON * values[0]);
}

static void our_values(struct pair *s, const struct matrix *a, unsigned bits)
{
    char message[ASSAY_MESSAGE_SIZE] = "";
    const assay_options options = {.bits = bits, .threads = 1, .message = message, .message_size = sizeof message};
    assay_answer answer = output(s, 1, side_of(a));
    require_ok(assay_ref_svd(&answer, NULL, NULL, NULL, input(a), &options), message, a);
    s->radius = answer.radius;
}

/* The singular values of `a` are right: of the public answer, and of enclosures of any precision. */
static void check_values(const struct matrix *a)
{
    static struct pair s, again;
    slong side = (slong)side_of(a);
    fmpz_mat_t z, gram;
    struct truth t;
    fmpz_mat_init(z, (slong)a->rows, (slong)a->cols);
    fmpz_mat_init(gram, side, side);
    truth_init(&t, 1, (size_t)side);
    struct spectrum x = {a, t.x, gram, 0, 0, 180};
    to_integers(z, a, &x.scale);
    small_gram(gram, z);
    x.rank = (size_t)fmpz_mat_rank(z);
    our_values(&s, a, 0);
    enum verdict v = OPEN;
    for (; v == OPEN && x.bits < 6000; x.bits *= 2, t.prec *= 2) {
        in_work(enclose_spectrum, &x);
        sharpen(&x, &s);
        arb_mat_set(t.multiple, t.x);
        v = pairs_fit(&s, &t);
    }
    require_yes(v, "the singular values", a);
    check_refusals(&s, &t);
    in_work(check_value_enclosures, &x);
    check_values_by_lapack(a, &s);
    our_values(&again, a, 420);
    ck_assert(same_pairs(&s, &again, (size_t)side));
    fmpz_mat_clear(z);
    fmpz_mat_clear(gram);
    truth_clear(&t);
}

/* The one under test: a formula is not told. */
static const struct known *known;

static void known_factor(struct truth *t, const struct matrix *a)
{
    fmpz_set_d(t->d, known->d);
    for (size_t k = 0; k < a->rows * a->cols; k++)
        arb_set_d(entry_of(t->multiple, k), known->numerators.at[k]);
    arb_mat_scalar_div_fmpz(t->x, t->multiple, t->d, t->prec);
}

/* ---- the closed form for 2 x 2 ---------------------------------------------------------------------------------- */

/* nu^2 = ||M||_F^2 + 2 |det M|. Returns the sign of the determinant. */
static int nu_squared(arb_t square, const struct matrix *m)
{
    arb_t entry[4], det;
    arb_init(det);
    arb_zero(square);
    for (size_t k = 0; k < 4; k++) {
        arb_init(entry[k]);
        arb_set_d(entry[k], m->at[k]);
        arb_addmul(square, entry[k], entry[k], ARF_PREC_EXACT);
    }
    arb_mul(det, entry[0], entry[3], ARF_PREC_EXACT);
    arb_submul(det, entry[1], entry[2], ARF_PREC_EXACT);
    int sign = arb_sgn_nonzero(det);
    arb_mul_si(det, det, 2 * sign, ARF_PREC_EXACT);
    arb_add(square, square, det, ARF_PREC_EXACT);
    for (size_t k = 0; k < 4; k++)
        arb_clear(entry[k]);
    arb_clear(det);
    return sign;
}

/* M = (a b; c d): with s the sign of the determinant and C = (d -c; -b a), the polar factor is (M + s C) / nu; of rank
 * 1, M / ||M||_F: the same formula for s = 0. If nu is rational, it is d times a power of two. */
static void closed_form(struct truth *t, const struct matrix *m)
{
    static const size_t opposite[4] = {3, 2, 1, 0};
    arb_t nu, c;
    arb_init(nu);
    arb_init(c);
    int sign = nu_squared(nu, m);
    arb_sqrt(nu, nu, t->prec);
    for (size_t k = 0; k < 4; k++) {
        arb_ptr x = entry_of(t->x, k);
        arb_set_d(x, m->at[k]);
        arb_set_d(c, m->at[opposite[k]]);
        arb_mul_si(c, c, k == 0 || k == 3 ? sign : -sign, ARF_PREC_EXACT);
        arb_add(x, x, c, ARF_PREC_EXACT);
    }
    if (arb_is_exact(nu) && !arb_is_zero(nu)) {
        fmpz_t exponent;
        fmpz_init(exponent);
        arf_get_fmpz_2exp(t->d, exponent, arb_midref(nu));
        arb_mat_scalar_mul_2exp_si(t->multiple, t->x, -fmpz_get_si(exponent));
        fmpz_clear(exponent);
    }
    if (!arb_is_zero(nu))
        arb_mat_scalar_div_arb(t->x, t->x, nu, t->prec);
    if (fmpz_is_one(t->d))
        arb_mat_set(t->multiple, t->x);
    arb_clear(nu);
    arb_clear(c);
}

static size_t rank_of_two(const struct matrix *m)
{
    fmpz_mat_t z;
    long scale;
    fmpz_mat_init(z, 2, 2);
    to_integers(z, m, &scale);
    size_t rank = (size_t)fmpz_mat_rank(z);
    fmpz_mat_clear(z);
    return rank;
}

/* ---- the tests -------------------------------------------------------------------------------------------------- */

enum { DYADIC = 1200, PYTHAGOREAN = 1000, TWO_BY_TWO = 2500 };

/* Whatever else the counts above are: 10,000 matrices in all, at the usual multiplier. */
START_TEST(there_are_ten_thousand)
{
    size_t total = DYADIC + PYTHAGOREAN + TWO_BY_TWO;
    for (size_t k = 0; k < KINDS; k++)
        total += kinds[k].polar + kinds[k].values;
    ck_assert(total >= 10000);
}
END_TEST

static void try_known(uint64_t seed, size_t count, bool dyadic)
{
    static struct known x;
    known = &x;
    for (size_t k = 0; k < rounds(count); k++) {
        make_known(&seed, &x, dyadic);
        check_by_formula(&x.a, x.rank, known_factor);
    }
}

/* A = Q S with Q of signed permutations and Hadamard blocks: entries are dyadic, and mostly no rounding at all. */
START_TEST(dyadic_factors_are_found)
{
    try_known(1, DYADIC, true);
}
END_TEST

/* A = Q S with Q of rotations by Pythagorean triangles: entries are fractions. */
START_TEST(pythagorean_factors_are_found)
{
    try_known(2, PYTHAGOREAN, false);
}
END_TEST

/* orth(M) = (M + s C) / nu. */
START_TEST(two_by_two_agrees_with_the_closed_form)
{
    static struct matrix m;
    uint64_t state = 3;
    for (size_t k = 0; k < rounds(TWO_BY_TWO); k++) {
        make_two_by_two(&state, &m);
        check_by_formula(&m, rank_of_two(&m), closed_form);
    }
}
END_TEST

/* Every kind of matrix, by Arb. */
START_TEST(polar_factors_agree_with_arb)
{
    static struct matrix a;
    for (size_t k = 0; k < KINDS; k++) {
        uint64_t state = 100 + k;
        for (size_t i = 0; i < rounds(kinds[k].polar); i++) {
            kinds[k].make(&state, &a);
            check_by_arb(&a);
        }
    }
}
END_TEST

/* Every kind of matrix, by inertia. */
START_TEST(singular_values_agree_with_inertia)
{
    static struct matrix a;
    for (size_t k = 0; k < KINDS; k++) {
        uint64_t state = 200 + k;
        for (size_t i = 0; i < rounds(kinds[k].values); i++) {
            kinds[k].make(&state, &a);
            check_values(&a);
        }
    }
}
END_TEST

RUN_TESTS("containment", TEST(there_are_ten_thousand), TEST(dyadic_factors_are_found),
          TEST(pythagorean_factors_are_found), TEST(two_by_two_agrees_with_the_closed_form),
          TEST(polar_factors_agree_with_arb), TEST(singular_values_agree_with_inertia))
