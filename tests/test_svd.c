/* Singular value decompositions: values to the last bit, witnesses as good as they are said to be. */
#include "svd.h"

#include "matrices.h"
#include "product.h"
#include "random_balls.h"
#include "svd_refine.h"

#include <math.h>
#include <string.h>

/* ---- calls ------------------------------------------------------------------------------------------------------ */

struct decomposition {
    struct pair s, u, v;
    assay_svd_info info;
};

static void require_svd(struct decomposition *d, const struct matrix *a)
{
    char message[ASSAY_MESSAGE_SIZE] = "";
    const assay_options options = {.threads = 1, .message = message, .message_size = sizeof message};
    size_t side = side_of(a);
    assay_answer s = output(&d->s, 1, side), u = output(&d->u, a->rows, side), v = output(&d->v, a->cols, side);
    assay_status status = assay_ref_svd(&s, &u, &v, &d->info, input(a), &options);
    if (status != ASSAY_OK)
        print_matrix("A", a->at, a->rows, a->cols);
    ck_assert_msg(status == ASSAY_OK, "%s", message);
    d->s.radius = s.radius;
    d->u.radius = u.radius;
    d->v.radius = v.radius;
}

/* hi + lo, exactly */
static struct ball *sum_of(struct work *w, const struct pair *p, size_t rows, size_t cols)
{
    struct ball *x = ball_new(w, rows, cols, 2200);
    for (size_t k = 0; k < rows * cols; k++) {
        mpfr_set_d(x->at + k, p->hi[k], MPFR_RNDN);
        ck_assert(mpfr_add_d(x->at + k, x->at + k, p->lo[k], MPFR_RNDN) == 0);
    }
    return x;
}

/* ---- witnesses -------------------------------------------------------------------------------------------------- */

/* ||x^T x - I||_F, rounded up, of the first `rank` columns; *beyond: whether the others are zero. */
static mag defect_of(struct work *w, const struct ball *x, size_t rank, bool *beyond)
{
    const struct ball *columns = ball_gather(w, x, NULL, x->rows, NULL, rank);
    struct ball *gram = ball_new(w, rank, rank, 3 * x->prec);
    product_tn(w, gram, columns, columns, 0);
    ball_sub(gram, gram, ball_identity(w, rank, 2));
    *beyond = true;
    for (size_t i = 0; i < x->rows; i++)
        for (size_t j = rank; j < x->cols; j++)
            *beyond = *beyond && mpfr_zero_p(ball_at(x, i, j));
    return ball_norm_up(gram);
}

static struct ball *times_diagonal(struct work *w, const struct ball *u, const struct ball *s)
{
    struct ball *us = ball_new(w, u->rows, u->cols, u->prec + s->prec);
    for (size_t i = 0; i < u->rows; i++)
        for (size_t j = 0; j < u->cols; j++)
            mpfr_mul(ball_at(us, i, j), ball_at(u, i, j), s->at + j, MPFR_RNDN);
    return us;
}

/* ||A - U S V^T||_F <= residual, S up to its radius. */
static bool residual_fits(struct work *w, const struct ball *a, const struct ball *u, const struct ball *s,
                          const struct ball *v, double residual)
{
    struct ball *usv = ball_new(w, a->rows, a->cols, 8000);
    product_nt(w, usv, times_diagonal(w, u, s), v, 0);
    ball_sub(usv, a, usv);
    return mag_le(ball_norm_up(usv), up_abs(ball_from_double(w, residual)->at));
}

static bool fits(struct work *w, mag found, double claimed)
{
    mag bound = up_abs(ball_from_double(w, claimed)->at);
    return mag_le(found, up_add(bound, mag_scale(bound, -20))); /* `found` is rounded up too */
}

/* The nearest orthonormal matrix is no further than ||x^T x - I||_F, which is what `radius` bounds. */
static void check_witnesses(struct work *w, void *pointer)
{
    const struct {
        const struct matrix *a;
        const struct decomposition *d;
    } *p = pointer;
    const struct decomposition *d = p->d;
    size_t m = p->a->rows, n = p->a->cols, side = side_of(p->a);
    const struct ball *a = ball_from_input(w, input(p->a)), *s = sum_of(w, &d->s, 1, side);
    struct ball *u = sum_of(w, &d->u, m, side), *v = sum_of(w, &d->v, n, side);
    bool beyond_u, beyond_v;
    mag u_defect = defect_of(w, u, d->info.rank, &beyond_u), v_defect = defect_of(w, v, d->info.rank, &beyond_v);
    ck_assert(beyond_u && beyond_v);
    ck_assert(fits(w, u_defect, d->u.radius) && fits(w, v_defect, d->v.radius));
    ck_assert(fits(w, u_defect, d->info.u_defect) && fits(w, v_defect, d->info.v_defect));
    ck_assert(d->u.radius < 0x1p-60 && d->v.radius < 0x1p-60);
    double allowed = d->info.residual + 2 * d->s.radius;
    ck_assert(residual_fits(w, a, u, s, v, allowed));
    ck_assert_double_le(d->info.residual, 0x1p-60 * d->s.hi[0] + 0x1p-1074);
    if (d->info.rank > 0) { /* counter-check: a vector turned round */
        for (size_t i = 0; i < m; i++)
            mpfr_neg(ball_at(u, i, 0), ball_at(u, i, 0), MPFR_RNDN);
        ck_assert(!residual_fits(w, a, u, s, v, allowed));
    }
}

/* ---- facts ------------------------------------------------------------------------------------------------------ */

static void check_order(const struct decomposition *d, size_t side)
{
    for (size_t j = 0; j < side; j++) {
        ck_assert((d->s.hi[j] > 0) == (j < d->info.rank));
        ck_assert(j == 0 || d->s.hi[j] <= d->s.hi[j - 1]);
        ck_assert(d->s.hi[j] > 0 || (d->s.hi[j] == 0 && d->s.lo[j] == 0));
    }
}

/* Singular values are those of the transpose, of any order of rows and columns, and of any signs of rows. */
static void check_invariance(uint64_t *state, const struct matrix *a, const struct decomposition *d)
{
    static struct matrix b;
    static struct decomposition e;
    b = *a;
    shuffle(state, &b);
    for (size_t i = 0; i < b.rows; i += 2)
        for (size_t j = 0; j < b.cols; j++)
            *entry(&b, i, j) *= -1;
    require_svd(&e, &b);
    ck_assert(same_pairs(&d->s, &e.s, side_of(a)) && d->info.rank == e.info.rank);
    size_t largest = 0; /* counter-check */
    for (size_t k = 0; k < b.rows * b.cols; k++)
        largest = fabs(b.at[k]) > fabs(b.at[largest]) ? k : largest;
    b.at[largest] = b.at[largest] != 0 ? 3 * b.at[largest] : 1;
    require_svd(&e, &b);
    ck_assert(!same_pairs(&d->s, &e.s, side_of(a)));
}

START_TEST(every_kind_of_matrix_has_its_decomposition)
{
    static struct matrix a;
    static struct decomposition d;
    for (size_t k = 0; k < KINDS; k++) {
        uint64_t state = 300 + k;
        for (size_t i = 0; i < rounds(kinds[k].polar < 100 ? 4 : 15); i++) {
            kinds[k].make(&state, &a);
            require_svd(&d, &a);
            struct {
                const struct matrix *a;
                const struct decomposition *d;
            } p = {&a, &d};
            in_work(check_witnesses, &p);
            check_order(&d, side_of(&a));
            if (i % 4 == 0 && kinds[k].polar >= 100)
                check_invariance(&state, &a, &d);
        }
    }
}
END_TEST

/* diag(3, 3/4) turned by (3 4; -4 3): its singular values are 15 and 15/4. */
START_TEST(dyadic_values_are_exact)
{
    static const struct matrix a = {2, 2, {9, 3, -12, 2.25}};
    static struct decomposition d;
    require_svd(&d, &a);
    ck_assert(d.s.hi[0] == 15 && d.s.hi[1] == 3.75 && d.s.lo[0] == 0 && d.s.lo[1] == 0 && d.s.radius == 0);
    static const struct matrix b = {3, 3, {0, 3, 0, 3, 0, 0, 0, 0, -3}};
    require_svd(&d, &b);
    ck_assert(d.s.hi[0] == 3 && d.s.hi[1] == 3 && d.s.hi[2] == 3 && d.s.radius == 0);
}
END_TEST

START_TEST(the_zero_matrix_has_rank_0)
{
    static const struct matrix a = {2, 3, {0}};
    static struct decomposition d;
    require_svd(&d, &a);
    ck_assert(d.info.rank == 0 && d.s.hi[0] == 0 && d.s.hi[1] == 0 && d.s.radius == 0);
    ck_assert(d.u.radius == 0 && d.v.radius == 0 && d.info.residual == 0);
    for (size_t k = 0; k < 6; k++)
        ck_assert(d.v.hi[k] == 0 && !signbit(d.v.hi[k]) && d.v.lo[k] == 0);
}
END_TEST

/* Only what is wanted. */
START_TEST(outputs_may_be_unwanted)
{
    static const struct matrix a = {3, 2, {1, 2, 3, 4, 5, 7}};
    static struct decomposition d;
    static struct pair s;
    require_svd(&d, &a);
    assay_answer answer = output(&s, 1, 2);
    ck_assert(assay_ref_svd(&answer, NULL, NULL, NULL, input(&a), NULL) == ASSAY_OK);
    s.radius = answer.radius;
    ck_assert(same_pairs(&s, &d.s, 2));
    ck_assert(assay_ref_svd(NULL, NULL, NULL, &d.info, input(&a), NULL) == ASSAY_OK && d.info.rank == 2);
}
END_TEST

/* ---- errors ----------------------------------------------------------------------------------------------------- */

static void refuses(assay_status expected, const char *sentence, assay_answer s, assay_answer u, assay_answer v,
                    assay_input a, unsigned bits, unsigned max_bits)
{
    static char message[ASSAY_MESSAGE_SIZE];
    const assay_options options = {
        .bits = bits, .max_bits = max_bits, .message = message, .message_size = sizeof message};
    static assay_svd_info info;
    memset(&info, 77, sizeof info);
    assay_svd_info before = info;
    memset(s.hi.at, 77, 2 * sizeof(double));
    double untouched = s.hi.at[0];
    ck_assert_int_eq(assay_ref_svd(&s, &u, &v, &info, a, &options), expected);
    ck_assert_msg(strstr(message, sentence), "%s", message);
    ck_assert(s.hi.at[0] == untouched && isnan(s.radius) && memcmp(&info, &before, sizeof info) == 0);
}

START_TEST(bad_arguments_are_refused)
{
    static struct matrix m = {3, 2, {1, 2, 3, 4, 5, 7}};
    static struct pair sp, up, vp;
    const assay_answer s = output(&sp, 1, 2), u = output(&up, 3, 2), v = output(&vp, 2, 2);
    const assay_input a = input(&m);
    refuses(ASSAY_INVALID, "empty", s, u, v, (assay_input){m.at, 0, 2, 2}, 0, 0);
    refuses(ASSAY_INVALID, "empty", s, u, v, (assay_input){m.at, 3, 0, 2}, 0, 0);
    refuses(ASSAY_INVALID, "stride", s, u, v, (assay_input){m.at, 3, 2, 1}, 0, 0);
    refuses(ASSAY_INVALID, "no data", s, u, v, (assay_input){NULL, 3, 2, 2}, 0, 0);
    refuses(ASSAY_INVALID, "not 1 x 2", output(&sp, 2, 2), u, v, a, 0, 0);
    refuses(ASSAY_INVALID, "not 3 x 2", s, output(&up, 2, 3), v, a, 0, 0);
    refuses(ASSAY_INVALID, "not 2 x 2", s, u, output(&vp, 3, 2), a, 0, 0);
    refuses(ASSAY_INVALID, "bits", s, u, v, a, 65537, 0);
    m.at[3] = INFINITY;
    refuses(ASSAY_NOT_FINITE, "(1, 1)", s, u, v, a, 0, 0);
    m.at[3] = NAN;
    refuses(ASSAY_NOT_FINITE, "(1, 1)", s, u, v, a, 0, 0);
    /* s_1 = 1 + 2^-801 - ..., whose rest takes more bits than are allowed; with more it is decided */
    static struct matrix n = {2, 2, {1, 0x1p-400, 0, 0x1p-400}};
    assay_answer t = s;
    refuses(ASSAY_UNDECIDED, "is not decided", s, output(&up, 2, 2), v, input(&n), 0, 200);
    ck_assert(assay_ref_svd(&t, NULL, NULL, NULL, input(&n), NULL) == ASSAY_OK);
    ck_assert(sp.hi[0] == 1 && sp.lo[0] == 0x1p-801);
    /* rank 2, and a condition number of 2^600 */
    static struct matrix steep = {3, 3, {1, 1, 1, 1, 1, 1, 0x1p-600, 0x2p-600, 0x3p-600}};
    refuses(ASSAY_UNDECIDED, "is not told from 0", output(&sp, 1, 3), output(&up, 3, 3), output(&vp, 3, 3),
            input(&steep), 0, 100);
    static struct matrix less = {3, 3, {1, 1, 1, 1, 1, 1, 0x1p-150, 0x2p-150, 0x3p-150}};
    refuses(ASSAY_UNDECIDED, "is not decided", output(&sp, 1, 3), output(&up, 3, 3), output(&vp, 3, 3), input(&less), 0,
            100);
    static struct decomposition d;
    require_svd(&d, &less);
    ck_assert(d.info.rank == 2 && fabs(d.s.hi[1] / (0x1p-150 * sqrt(2)) - 1) < 1e-12);
    require_svd(&d, &steep);
    ck_assert(d.info.rank == 2 && fabs(d.s.hi[1] / (0x1p-600 * sqrt(2)) - 1) < 1e-12);
    /* of (x, x), x sqrt(2) */
    static struct matrix large = {1, 2, {0x1.fffffp1023, 0x1.fffffp1023}};
    refuses(ASSAY_RANGE, "largest binary64", output(&sp, 1, 1), output(&up, 1, 1), output(&vp, 2, 1), input(&large), 0,
            0);
}
END_TEST

/* ---- proofs of dyadic values ------------------------------------------------------------------------------------ */

static struct singular evaluate(struct work *w, const struct matrix *a, struct singular_problem **p, long bits)
{
    *p = singular_problem_new(w, ball_from_input(w, input(a)));
    struct singular all = singular_evaluate(w, *p, bits);
    ck_assert(mag_is_inf(all.u_defect) && mag_is_inf(all.v_defect) && mag_is_inf(all.residual));
    singular_measure(w, *p, &all, all.prec);
    return all;
}

/* What singular_settle() must not believe: 2 is a singular value of diag(2, 2 - 2^-30), once, and it is known to be the
 * first; an enclosure of the second that holds 2 as well does not make it another. */
static void check_crowd(struct work *w, void *unused)
{
    (void)unused;
    static const struct matrix a = {2, 2, {2, 0, 0, 2 - 0x1p-30}};
    struct singular_problem *p;
    struct singular all = evaluate(w, &a, &p, 100);
    mpfr_set_ui(all.s->at + 0, 2, MPFR_RNDN);
    mpfr_set_ui(all.s->at + 1, 2, MPFR_RNDN);
    all.s->error[0] = MAG_ZERO;
    all.s->error[1] = mag_power_of_two(-29);
    singular_settle(w, p, &all);
    ck_assert(same_mag(all.s->error[1], mag_power_of_two(-29)));
    /* what is true is proved: of both, that they are what they are */
    all.s->error[0] = mag_power_of_two(-32);
    mpfr_set_d(all.s->at + 1, 2 - 0x1p-30, MPFR_RNDN);
    all.s->error[1] = mag_power_of_two(-200);
    singular_settle(w, p, &all);
    ck_assert(ball_is_exact(all.s) && mpfr_cmp_d(all.s->at + 1, 2 - 0x1p-30) == 0);
}

/* Candidates that are near and wrong, or no candidates. */
static void check_near_misses(struct work *w, void *unused)
{
    (void)unused;
    static const struct matrix a = {2, 2, {3, 0, 0, 0x1.00000001p0}};
    struct singular_problem *p;
    struct singular all = evaluate(w, &a, &p, 100);
    mpfr_set_ui(all.s->at + 0, 3, MPFR_RNDN);
    mpfr_set_ui(all.s->at + 1, 1, MPFR_RNDN);
    all.s->error[0] = MAG_INF;
    all.s->error[1] = mag_power_of_two(-31);
    singular_settle(w, p, &all);
    ck_assert(mag_is_inf(all.s->error[0]) && !mag_is_zero(all.s->error[1]));
    mpfr_set_zero(all.s->at + 1, 1); /* of which nothing is known but that it is below 2 */
    all.s->error[1] = mag_power_of_two(1);
    singular_settle(w, p, &all);
    ck_assert(!mag_is_zero(all.s->error[1]));
    mpfr_set_d(all.s->at + 1, 0x1.00000001p0, MPFR_RNDN);
    all.s->error[1] = mag_power_of_two(-100); /* 33 bits are more than a quarter of 100 */
    singular_settle(w, p, &all);
    ck_assert(!mag_is_zero(all.s->error[1]));
}

/* ||A - U S V^T||_F stays bounded when S moves. */
static void check_moved_residual(struct work *w, void *unused)
{
    (void)unused;
    static const struct matrix a = {2, 2, {2, 0, 0, 1}};
    struct singular_problem *p;
    struct singular all = evaluate(w, &a, &p, 100);
    mpfr_set_d(all.s->at, 2 + 0x1p-50, MPFR_RNDN);
    all.s->error[0] = mag_power_of_two(-49);
    all.residual = mag_power_of_two(-50); /* as ||A - U S V^T||_F would have been then */
    singular_settle(w, p, &all);
    ck_assert(mpfr_cmp_ui(all.s->at, 2) == 0);
    ck_assert(mag_le(mag_power_of_two(-49), all.residual) && mag_le(all.residual, mag_power_of_two(-48)));
}

START_TEST(settling_needs_proof)
{
    in_work(check_crowd, NULL);
    in_work(check_near_misses, NULL);
    in_work(check_moved_residual, NULL);
}
END_TEST

/* ---- the norm --------------------------------------------------------------------------------------------------- */

/* ||a||_2 for every member of a ball. */
static void check_norms(struct work *w, void *unused)
{
    (void)unused;
    uint64_t state = 9;
    size_t wide = 0;
    for (size_t k = 0; k < rounds(150); k++) {
        struct work_block *mark = work_mark(w);
        size_t m = 1 + random_below(&state, 4), n = 1 + random_below(&state, 4);
        struct ball *a = random_ball(w, &state, m, n, 60, 4), *c = ball_new(w, 1, 1, 100), *d = ball_new(w, 1, 1, 100);
        if (!mag_is_inf(a->radius)) {
            const struct ball *member = random_member(w, &state, a);
            singular_norm(w, c, a);
            singular_norm(w, d, member);
            ck_assert(ball_is_exact(member));
            ball_sub(d, d, c);
            ck_assert(mag_le(mag_max(up_abs(d->at), MAG_ZERO), up_add(d->radius, c->radius)));
            ck_assert(mag_le(c->radius, up_add(mag_scale(a->radius, 1), mag_scale(up_abs(c->at), -90))));
            wide += mag_le(mag_scale(up_abs(c->at), -90), up_abs(d->at)); /* without the radius it would be wrong */
        }
        work_release(w, mark);
    }
    ck_assert(wide > rounds(150) / 10);
    struct ball *zero = ball_new(w, 2, 2, 53), *c = ball_new(w, 1, 1, 53);
    singular_norm(w, c, zero);
    ck_assert(ball_is_zero(c));
}

START_TEST(norms_hold_for_members)
{
    in_work(check_norms, NULL);
}
END_TEST

/* 10 +- 0.1, 9 +- 0.1 and 8.9 +- 5 are one group, for the third may be the largest; 3 +- 0.1 is another, and without the
 * wide one so are 10 and 9. */
static void groups(struct work *w, void *args)
{
    (void)args;
    const double at[] = {10, 9, 8.9, 3}, error[] = {0.1, 0.1, 5, 0.1};
    struct ball *s = ball_new(w, 1, 4, 53);
    for (size_t k = 0; k < 4; k++) {
        mpfr_set_d(s->at + k, at[k], MPFR_RNDN);
        s->error[k] = up_abs(ball_from_double(w, error[k])->at);
    }
    ck_assert(singular_group_end(s, 4, 0) == 3 && singular_group_end(s, 4, 3) == 4 && singular_group_end(s, 2, 0) == 1);
    s->error[2] = s->error[0];
    ck_assert(singular_group_end(s, 4, 0) == 1 && singular_group_end(s, 4, 1) == 3);
    s->error[3] = MAG_INF;
    ck_assert(singular_group_end(s, 4, 0) == 4);
}

START_TEST(groups_are_above_all_behind_them)
{
    in_work(groups, NULL);
}
END_TEST

/* The singular values of I + 2^-700 E agree to 700 bits, and are decided. s_1 >= s_n; hi + lo = 1 up to 2^-700. */
START_TEST(values_that_nearly_agree_are_decided)
{
    static struct matrix a = {4, 4, {0}};
    static struct decomposition d;
    uint64_t state = 5;
    for (size_t k = 0; k < 16; k++)
        a.at[k] = k % 5 == 0 ? 1 : ldexp(random_gaussian(&state), -700);
    require_svd(&d, &a);
    ck_assert(d.info.rank == 4 && d.s.lo[0] > 0 && d.s.lo[3] < 0);
    for (size_t k = 0; k < 4; k++)
        ck_assert(d.s.hi[k] == 1 && fabs(d.s.lo[k]) < 0x1p-690 && (k == 0 || d.s.lo[k] < d.s.lo[k - 1]));
}
END_TEST

/* Rank 2 with a condition of 10^150: the projections on the range are balls, whose least singular value shows only once
 * they are known to 500 bits. s_1^2 s_2^2 = the sum of squared 2 x 2 minors, 10 |(3, -3, 2) x third row|^2. */
START_TEST(small_values_of_deficient_matrices_are_found)
{
    static const struct matrix a = {3, 3, {3, -3, 2, 9, -9, 6, 1.16e-150, -1.35e-150, 4.1e-150}};
    static struct decomposition d;
    require_svd(&d, &a);
    const double *x = a.at, *y = a.at + 6;
    double cross[] = {x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]};
    double length = hypot(hypot(cross[0], cross[1]), cross[2]) * sqrt(10);
    ck_assert(d.info.rank == 2 && d.s.hi[2] == 0);
    ck_assert(fabs(d.s.hi[0] * d.s.hi[1] / length - 1) < 1e-14);
}
END_TEST

/* |rest| = 2^k (1 - 2^-141) or so: sqrt(2^140 + 1) = 2^70 + 2^-71 - 2^-213 + ... */
START_TEST(radii_near_a_power_of_two_are_decided)
{
    static const struct matrix a = {1, 2, {0x1p70, 1}};
    static struct decomposition d;
    require_svd(&d, &a);
    ck_assert(d.s.hi[0] == 0x1p70 && d.s.lo[0] == 0x1p-71 && d.s.radius == 0x1p-213);
}
END_TEST

/* One row 2^900 times as large as the others: s_1 is its length but for a relative 2^-1800, and the others are of size 1. */
START_TEST(far_apart_values_are_found)
{
    static struct matrix a = {5, 5, {0}};
    static struct decomposition d;
    uint64_t state = 6;
    for (size_t k = 0; k < 25; k++)
        a.at[k] = ldexp(random_gaussian(&state), k < 5 ? 900 : 0);
    require_svd(&d, &a);
    double squares = 0;
    for (size_t k = 0; k < 5; k++)
        squares += ldexp(a.at[k], -900) * ldexp(a.at[k], -900);
    ck_assert(d.info.rank == 5 && fabs(ldexp(d.s.hi[0], -900) / sqrt(squares) - 1) < 1e-15);
    ck_assert(d.s.hi[1] < 10 && d.s.hi[4] > 1e-4);
}
END_TEST

RUN_TESTS("svd", TEST(every_kind_of_matrix_has_its_decomposition), TEST(dyadic_values_are_exact),
          TEST(the_zero_matrix_has_rank_0), TEST(outputs_may_be_unwanted), TEST(bad_arguments_are_refused),
          TEST(settling_needs_proof), TEST(norms_hold_for_members), TEST(groups_are_above_all_behind_them),
          TEST(values_that_nearly_agree_are_decided), TEST(small_values_of_deficient_matrices_are_found),
          TEST(radii_near_a_power_of_two_are_decided), TEST(far_apart_values_are_found))
