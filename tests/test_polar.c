/* Polar factors: the certificate, exact entries, bits that do not depend on how a matrix is turned, bad arguments.
 * That the answers are right is the business of test_containment.c. */
#include "polar.h"

#include "matrices.h"
#include "product.h"
#include "random_balls.h"
#include "rank.h"
#include "svd_refine.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- calls ------------------------------------------------------------------------------------------------------ */

static void require_polar(struct pair *q, assay_polar_info *info, const struct matrix *a)
{
    char message[ASSAY_MESSAGE_SIZE] = "";
    const assay_options options = {.threads = 1, .message = message, .message_size = sizeof message};
    assay_answer answer = output(q, a->rows, a->cols);
    assay_status status = assay_ref_polar(&answer, info, input(a), &options);
    if (status != ASSAY_OK)
        print_matrix("A", a->at, a->rows, a->cols);
    ck_assert_msg(status == ASSAY_OK, "%s", message);
    q->radius = answer.radius;
}

/* ---- the certificate -------------------------------------------------------------------------------------------- */

/* A matrix of full column rank, its polar factor Q to about 2^-400, singular values and vectors. */
struct certified {
    const struct ball *a, *q;
    const struct svd *svd;
    mag slack; /* ||Q - polar factor||_F */
};

static struct certified certified_of(struct work *w, const struct matrix *m)
{
    const struct ball *a = ball_from_input(w, input(m));
    struct ball *q = polar_full_rank(w, a, 400).q;
    mag slack = q->radius;
    ball_make_exact(q);
    return (struct certified){a, q, svd_approximate(w, a, 200, 1), slack};
}

/* A lower bound on ||p - polar factor||_F. */
static mag true_distance(struct work *w, const struct certified *c, const struct ball *p)
{
    struct ball *difference = ball_new(w, p->rows, p->cols, p->prec + 64), *norm = ball_new(w, 1, 1, 64);
    ball_sub(difference, p, c->q);
    ball_norm(w, norm, difference);
    return down_sub(ball_abs_down(norm), c->slack);
}

static mag certified_radius(struct work *w, const struct certified *c, const struct ball *p)
{
    return polar_certify(w, c->a, p, c->svd, 300 + 2 * c->svd->depth).radius;
}

static struct ball *rounded(struct work *w, const struct ball *q, mpfr_prec_t prec)
{
    struct ball *p = ball_copy(w, q, prec);
    ball_make_exact(p);
    return p;
}

static void swap_columns(struct ball *p, size_t i, size_t j)
{
    for (size_t k = 0; k < p->rows; k++)
        mpfr_swap(ball_at(p, k, i), ball_at(p, k, j));
}

struct tally_of_proofs {
    const struct matrix *a;
    uint64_t *state;
    size_t refused, grown, sharp;
};

/* What is certified of a P that is not Q: a radius not below the distance, or none. */
static void check_wrong(struct work *w, struct tally_of_proofs *t, const struct certified *c, const struct ball *p)
{
    mag distance = true_distance(w, c, p), radius = certified_radius(w, c, p);
    ck_assert(mag_le(distance, radius));
    t->refused += mag_is_inf(radius);
    t->grown += !mag_is_inf(radius) && !mag_is_zero(distance);
    t->sharp += mag_le(radius, mag_scale(distance, 4));
}

/* P = Q rounded; Q with one entry moved by a unit in its last place of 53 bits, and by larger ones; two columns
 * swapped; a column negated; other matrices altogether. */
static void check_certificate(struct work *w, void *pointer)
{
    struct tally_of_proofs *t = pointer;
    struct certified c = certified_of(w, t->a);
    size_t n = c.a->cols, count = ball_count(c.a);
    ck_assert(mag_le(certified_radius(w, &c, c.q), mag_power_of_two(-180)));
    check_wrong(w, t, &c, rounded(w, c.q, 53));
    for (long k = 53; k > 0; k -= 13) {
        struct ball *p = rounded(w, c.q, 300);
        MPFR_DECL_INIT(move, 10);
        size_t place = random_below(t->state, count);
        mpfr_set_si_2exp(move, random_below(t->state, 2) ? 1 : -1, -k, MPFR_RNDN);
        mpfr_add(p->at + place, p->at + place, move, MPFR_RNDN);
        mag radius = certified_radius(w, &c, p);
        check_wrong(w, t, &c, p);
        ck_assert(mag_le(mag_power_of_two(-k - 1), radius)); /* it has grown */
    }
    struct ball *p = rounded(w, c.q, 300);
    swap_columns(p, 0, n - 1);
    check_wrong(w, t, &c, p);
    p = rounded(w, c.q, 300);
    for (size_t i = 0; i < p->rows; i++)
        mpfr_neg(ball_at(p, i, n - 1), ball_at(p, i, n - 1), MPFR_RNDN);
    check_wrong(w, t, &c, p);
    ck_assert(mag_is_inf(certified_radius(w, &c, p))); /* S is not positive any more */
    p = ball_new(w, p->rows, n, 300);
    check_wrong(w, t, &c, p);
    ck_assert(mag_is_inf(certified_radius(w, &c, p)));
    for (size_t k = 0; k < count; k++)
        mpfr_set_d(p->at + k, random_gaussian(t->state), MPFR_RNDN);
    check_wrong(w, t, &c, p);
}

static bool has_full_rank(const struct matrix *m);

/* The next matrix of this kind that is tall, of full rank and not too ill-conditioned to be quick. */
static bool make_tall(uint64_t *state, const struct kind *kind, struct matrix *a)
{
    for (int k = 0; k < 50; k++) {
        kind->make(state, a);
        if (a->rows < a->cols)
            transpose(a);
        if (has_full_rank(a))
            return true;
    }
    return false;
}

struct full {
    const struct matrix *m;
    bool full;
};

static void find_rank(struct work *w, void *pointer)
{
    struct full *f = pointer;
    f->full = rank_of(w, ball_from_input(w, input(f->m)), NULL, NULL)->rank == f->m->cols;
}

static bool has_full_rank(const struct matrix *m)
{
    struct full f = {m, false};
    in_work(find_rank, &f);
    return f.full;
}

START_TEST(no_certified_radius_is_below_the_error)
{
    static struct matrix a;
    uint64_t state = 1;
    struct tally_of_proofs t = {&a, &state, 0, 0, 0};
    size_t tried = 0;
    for (size_t k = 0; k < KINDS; k++)
        for (size_t i = 0; i < rounds(kinds[k].polar < 100 ? 3 : 15); i++)
            if (make_tall(&state, &kinds[k], &a)) {
                in_work(check_certificate, &t);
                tried++;
            }
    ck_assert(t.refused > tried && t.grown > tried && t.sharp > tried);
}
END_TEST

/* The proof needs no more of V and s than that they are numbers: if they are bad, mu is low or there is none. */
static void check_bad_vectors(struct work *w, void *unused)
{
    (void)unused;
    static struct matrix m;
    uint64_t state = 2;
    size_t refused = 0, proved = 0;
    for (size_t k = 0; k < rounds(150); k++) {
        struct work_block *mark = work_mark(w);
        set_shape(&m, 5, 3);
        random_matrix(&state, m.at, 15);
        struct certified c = certified_of(w, &m);
        struct svd *svd = svd_approximate(w, c.a, 100, 1);
        MPFR_DECL_INIT(move, 53);
        for (size_t l = 0; l < 9; l++) {
            mpfr_set_d(move, ldexp(random_gaussian(&state), -(int)(k % 30)), MPFR_RNDN);
            mpfr_add(svd->v->at + l, svd->v->at + l, move, MPFR_RNDN);
        }
        mpfr_mul_d(svd->s->at + 2, svd->s->at + 2, 1 + 0.2 * random_gaussian(&state), MPFR_RNDN);
        c.svd = svd;
        const struct ball *p = rounded(w, c.q, 30);
        struct polar_certificate got = polar_certify(w, c.a, p, svd, 300);
        ck_assert(mag_le(true_distance(w, &c, p), got.radius));
        refused += mag_is_inf(got.radius);
        proved += !mag_is_inf(got.radius);
        ck_assert(mag_is_inf(got.radius) == mag_is_inf(got.shift));
        work_release(w, mark);
    }
    ck_assert(refused > rounds(150) / 20 && proved > rounds(150) / 3);
}

START_TEST(bad_singular_vectors_do_no_harm)
{
    in_work(check_bad_vectors, NULL);
}
END_TEST

/* The enclosure for a ball holds the factors of its members. */
static void check_balls(struct work *w, void *unused)
{
    (void)unused;
    static struct matrix m;
    uint64_t state = 3;
    size_t wide = 0;
    for (size_t k = 0; k < rounds(150); k++) {
        struct work_block *mark = work_mark(w);
        set_shape(&m, 1 + random_below(&state, 4), 1 + random_below(&state, 4));
        random_matrix(&state, m.at, m.rows * m.cols);
        struct ball *a = ball_copy(w, ball_from_input(w, input(&m)), 53);
        for (size_t l = 0; l < ball_count(a); l++)
            a->error[l] = mag_power_of_two(-(long)(k % 20));
        a->radius = MAG_INF;
        ball_tighten(a);
        const struct ball *member = random_member(w, &state, a);
        struct polar outer = polar_full_rank(w, a, 80);
        struct polar inner = polar_full_rank(w, member, 80);
        struct ball *loose = ball_copy(w, outer.q, 200);
        ball_widen_all(loose, inner.q->radius);
        ball_make_exact(inner.q);
        ck_assert(contains(loose, inner.q));
        loose->radius = mag_power_of_two(-60);
        wide += !contains(loose, inner.q);
        work_release(w, mark);
    }
    ck_assert(wide > rounds(150) / 3);
}

START_TEST(enclosures_of_balls_hold_for_their_members)
{
    in_work(check_balls, NULL);
}
END_TEST

/* ---- bits that do not depend on how a matrix is turned ---------------------------------------------------------- */

/* b = a with rows and columns permuted, transposed if `flipped`, rows negated and everything scaled by 2^k. */
struct turn {
    size_t rows[MOST_SIDE], cols[MOST_SIDE];
    bool negated[MOST_SIDE], flipped;
    int k;
};

static void random_turn(uint64_t *state, struct turn *t, const struct matrix *a)
{
    random_order(state, t->rows, a->rows);
    random_order(state, t->cols, a->cols);
    t->flipped = random_below(state, 2);
    double most = 0;
    for (size_t k = 0; k < a->rows * a->cols; k++)
        most = fmax(most, fabs(a->at[k]));
    t->k = most < 0x1p800 && most > 0 ? (int)random_below(state, 150) : 0; /* up: nothing is rounded */
    for (size_t i = 0; i < a->rows; i++)
        t->negated[i] = random_below(state, 2);
}

static void turn(double *to, const double *from, size_t rows, size_t cols, const struct turn *t, int k)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++) {
            size_t row = t->rows[i], col = t->cols[j];
            double x = ldexp(from[i * cols + j], k);
            to[t->flipped ? col * rows + row : row * cols + col] = t->negated[i] && x != 0 ? -x : x;
        }
}

START_TEST(turning_a_matrix_turns_its_factor)
{
    static struct matrix a, b;
    static struct pair q, expected, found;
    static struct turn t;
    for (size_t k = 0; k < KINDS; k++) {
        uint64_t state = 400 + k;
        for (size_t i = 0; i < rounds(kinds[k].polar < 100 ? 3 : 20); i++) {
            assay_polar_info info, other;
            kinds[k].make(&state, &a);
            random_turn(&state, &t, &a);
            set_shape(&b, t.flipped ? a.cols : a.rows, t.flipped ? a.rows : a.cols);
            turn(b.at, a.at, a.rows, a.cols, &t, t.k);
            require_polar(&q, &info, &a);
            turn(expected.hi, q.hi, a.rows, a.cols, &t, 0);
            turn(expected.lo, q.lo, a.rows, a.cols, &t, 0);
            expected.radius = q.radius;
            require_polar(&found, &other, &b);
            ck_assert(same_pairs(&found, &expected, a.rows * a.cols));
            ck_assert(info.rank == other.rank && info.unique == other.unique);
            ck_assert(info.condition[0] <= other.condition[1] && other.condition[0] <= info.condition[1]);
            found.hi[0] = nextafter(found.hi[0], 2); /* counter-check */
            ck_assert(!same_pairs(&found, &expected, a.rows * a.cols));
        }
    }
}
END_TEST

/* ---- exact answers ---------------------------------------------------------------------------------------------- */

/* (0 0; -13 0; 0 -12; 0 -5): two components, -1 and -(12 5) / 13. The rests of these two are k / 13 and l / 13 units
 * with k^2 + l^2 = 13^2: the radius is that unit exactly, which no enclosure decides. */
START_TEST(a_radius_that_is_a_power_of_two_is_proved)
{
    static const struct matrix a = {4, 2, {0, 0, -13, 0, 0, -12, 0, -5}};
    static struct pair q;
    assay_polar_info info;
    require_polar(&q, &info, &a);
    ck_assert(q.hi[2] == -1 && q.lo[2] == 0 && q.hi[5] == -12.0 / 13 && q.hi[7] == -5.0 / 13);
    ck_assert(frexp(q.radius, &(int){0}) == 0.5 && info.rank == 2 && info.unique);
}
END_TEST

/* Of (a b; c d) with entries of all sizes; the closed form is (M + s C) / nu. To first order the factor is the signs on
 * the anti-diagonal and (a + d) / (|b| + |c|), (d + a) / (|b| + |c|) on the diagonal. */
START_TEST(entries_of_all_sizes_are_decided)
{
    static const struct matrix a = {2, 2, {-0x1p-982, -0x1p231, 0x1p141, 0x1p-286}};
    static struct pair q;
    assay_polar_info info;
    require_polar(&q, &info, &a);
    ck_assert(q.hi[1] == -1 && q.hi[2] == 1);
    ck_assert(fabs(q.hi[0] / (0x1p-286 / (0x1p231 + 0x1p141)) - 1) < 1e-15);
    ck_assert(q.hi[0] == q.hi[3] && q.lo[1] > 0 && info.condition[0] > 0x1p89 && info.condition[1] < 0x1p91);
}
END_TEST

static void check_scaled_factor(struct work *w, void *unused)
{
    (void)unused;
    static struct known x;
    uint64_t state = 4;
    for (size_t k = 0; k < rounds(100); k++) {
        struct work_block *mark = work_mark(w);
        make_known(&state, &x, k % 2);
        const struct ball *a = ball_from_input(w, input(&x.a));
        struct polar_problem *p = polar_problem_new(w, a, 9, 4); /* 3/2 Q */
        struct polar polar = polar_evaluate(w, p, 200);
        struct ball *q = polar.q, *expected = ball_new(w, a->rows, a->cols, 300), *d = ball_new(w, 1, 1, 53);
        mpfr_set_d(d->at, 2 * x.d / 3, MPFR_RNDN);
        polar_settle(w, p, q);
        ck_assert(x.rank == 0 || q->rational);
        for (size_t l = 0; l < ball_count(a); l++) /* 2 d q = 3 n up to the error */
            mpfr_set_d(expected->at + l, 3 * x.numerators.at[l], MPFR_RNDN);
        mpfr_set_d(d->at, 2 * x.d, MPFR_RNDN);
        ball_mul(q, d, q);
        ck_assert(contains(q, expected));
        ck_assert(!k || mag_le(q->radius, mag_power_of_two(-150)));
        /* twice as many bits, and what has been proved is remembered */
        struct polar again = polar_evaluate(w, p, 200);
        ck_assert(x.rank == 0 || again.q->rational);
        polar_settle(w, p, again.q);
        work_release(w, mark);
    }
}

START_TEST(scaled_factors_are_proved_too)
{
    in_work(check_scaled_factor, NULL);
}
END_TEST

/* Q = (-1 sqrt2 1; sqrt2 0 sqrt2; 1 sqrt2 -1) / 2. Of Q and of 3 Q / 2, all entries but those with sqrt2 are proved; of
 * sqrt(3) Q and sqrt(2) Q the zero. */
static void check_irrational(struct work *w, void *unused)
{
    (void)unused;
    static const struct matrix m = {3, 3, {-1, 1, 0, 1, -1, 1, 0, 1, -1}};
    static const unsigned long scale[][2] = {{1, 1}, {9, 4}, {3, 1}, {2, 1}};
    for (size_t turn = 0; turn < 8; turn++) {
        size_t s = turn % 4;
        double sign = turn < 4 ? 1 : -1;
        struct ball *a = ball_from_input(w, input(&m));
        ball_mul(a, ball_from_double(w, sign), a);
        struct polar_problem *p = polar_problem_new(w, a, scale[s][0], scale[s][1]);
        struct ball *q = polar_evaluate(w, p, 1000).q;
        polar_settle(w, p, q);
        ck_assert(!q->rational);
        for (size_t k = 0; k < 9; k++)
            ck_assert(mag_is_zero(q->error[k]) == (s >= 2 ? k == 4 : k % 2 == 0));
        double half = sign * sqrt((double)scale[s][0] / (double)scale[s][1]) / 2;
        ck_assert(fabs(mpfr_get_d(q->at, MPFR_RNDN) + half) < 1e-15 && mpfr_zero_p(q->at + 4));
        ck_assert(fabs(mpfr_get_d(q->at + 2, MPFR_RNDN) - half) < 1e-15);
        ck_assert(mag_is_zero(polar_evaluate(w, p, 100).q->error[4])); /* it is remembered, at any precision */
    }
    struct polar_problem *p;
    struct ball *q;
    /* where nothing is known nothing is proved */
    p = polar_problem_new(w, ball_from_input(w, input(&m)), 1, 1);
    q = polar_evaluate(w, p, 1000).q;
    ball_widen_all(q, MAG_INF);
    polar_settle(w, p, q);
    ck_assert(mag_is_inf(q->error[4]) && mag_is_inf(q->error[0]));
}

START_TEST(irrational_factors_keep_their_errors)
{
    in_work(check_irrational, NULL);
}
END_TEST

/* ---- what is reported ------------------------------------------------------------------------------------------- */

static void note_progress(void *data, const char *stage, double done)
{
    size_t *calls = data;
    ck_assert(stage && done >= 0 && done <= 1);
    ++*calls;
}

/* diag(8, 1/4), turned: condition 32. */
START_TEST(certificates_are_reported)
{
    static const struct matrix a = {2, 3, {0, 4.8, 6.4, 0.25, 0, 0}}, zero = {2, 2, {0}};
    static struct pair q;
    size_t calls = 0;
    assay_polar_info info;
    assay_options options = {.bits = 500, .progress = note_progress, .progress_data = &calls};
    assay_answer answer = output(&q, 2, 3);
    ck_assert(assay_ref_polar(&answer, &info, input(&a), &options) == ASSAY_OK);
    ck_assert(info.rank == 2 && info.unique && info.radius_log2 <= -500 && info.bits >= 500 && calls > 2);
    ck_assert(fabs(info.largest[0] - 8) < 1e-9 && fabs(info.least[1] - 0.25) < 1e-9);
    ck_assert(fabs(info.condition[0] - 32) < 1e-9 && info.condition[0] <= info.condition[1]);
    require_polar(&q, &info, &zero);
    ck_assert(info.rank == 0 && !info.unique && info.largest[1] == 0 && info.least[1] == 0 && info.condition[1] == 0);
    ck_assert(info.radius_log2 == LONG_MIN && q.radius == 0 && q.hi[3] == 0 && !signbit(q.hi[3]));
}
END_TEST

static void refuses(assay_status expected, const char *sentence, assay_answer q, assay_input a, unsigned bits,
                    unsigned max_bits)
{
    static char message[ASSAY_MESSAGE_SIZE];
    const assay_options options = {
        .bits = bits, .max_bits = max_bits, .message = message, .message_size = sizeof message};
    static assay_polar_info info;
    memset(&info, 77, sizeof info);
    assay_polar_info before = info;
    double untouched = 0;
    if (q.hi.at)
        untouched = q.hi.at[0] = 77;
    ck_assert_int_eq(assay_ref_polar(&q, &info, a, &options), expected);
    ck_assert_msg(strstr(message, sentence), "%s", message);
    ck_assert((!q.hi.at || q.hi.at[0] == untouched) && isnan(q.radius));
    ck_assert(memcmp(&info, &before, sizeof info) == 0);
}

START_TEST(bad_arguments_are_refused)
{
    static struct matrix m = {3, 2, {1, 2, 3, 4, 5, 7}};
    static struct pair qp;
    const assay_answer q = output(&qp, 3, 2);
    const assay_input a = input(&m);
    assay_answer bad = q;
    refuses(ASSAY_INVALID, "empty", q, (assay_input){m.at, 0, 2, 2}, 0, 0);
    refuses(ASSAY_INVALID, "empty", q, (assay_input){m.at, 3, 0, 2}, 0, 0);
    refuses(ASSAY_INVALID, "stride", q, (assay_input){m.at, 3, 2, 1}, 0, 0);
    refuses(ASSAY_INVALID, "no data", q, (assay_input){NULL, 3, 2, 2}, 0, 0);
    refuses(ASSAY_INVALID, "not 3 x 2", output(&qp, 2, 3), a, 0, 0);
    bad.lo.stride = 1;
    refuses(ASSAY_INVALID, "not 3 x 2", bad, a, 0, 0);
    bad = q;
    bad.hi.at = NULL;
    refuses(ASSAY_INVALID, "not 3 x 2", bad, a, 0, 0);
    refuses(ASSAY_INVALID, "bits", q, a, 65537, 0);
    refuses(ASSAY_INVALID, "bits", q, a, 0, 65537);
    m.at[4] = -INFINITY;
    refuses(ASSAY_NOT_FINITE, "(2, 0)", q, a, 0, 0);
    static struct matrix steep = {2, 2, {1, 0x1p-400, 0x1p-401, 1}}; /* 1 - tiny on the diagonal */
    refuses(ASSAY_UNDECIDED, "is not decided", output(&qp, 2, 2), input(&steep), 0, 200);
    static struct matrix deficient = {3, 3, {1, 1, 1, 1, 1, 1, 0x1p-600, 0x2p-600, 0x3p-600}};
    refuses(ASSAY_UNDECIDED, "is not decided", output(&qp, 3, 3), input(&deficient), 0, 100);
    static assay_polar_info info;
    require_polar(&qp, &info, &deficient);
    ck_assert(info.rank == 2 && !info.unique && info.condition[0] > 0x1p600);
}
END_TEST

/* Views with gaps between rows, on both sides. */
START_TEST(strides_are_respected)
{
    static const struct matrix a = {2, 2, {1, 2, 3, 5}};
    static struct pair q;
    const double gaps[] = {1, 2, NAN, 3, 5, NAN};
    double hi[] = {7, 7, 7, 7, 7, 7, 7}, lo[] = {7, 7, 7, 7, 7};
    require_polar(&q, NULL, &a);
    assay_answer answer = {{hi, 2, 2, 4}, {lo, 2, 2, 3}, NAN};
    ck_assert(assay_ref_polar(&answer, NULL, (assay_input){gaps, 2, 2, 3}, NULL) == ASSAY_OK);
    ck_assert(hi[0] == q.hi[0] && hi[1] == q.hi[1] && hi[4] == q.hi[2] && hi[5] == q.hi[3]);
    ck_assert(lo[0] == q.lo[0] && lo[1] == q.lo[1] && lo[3] == q.lo[2] && lo[4] == q.lo[3]);
    ck_assert(hi[2] == 7 && hi[3] == 7 && hi[6] == 7 && lo[2] == 7 && answer.radius == q.radius);
}
END_TEST

/* A row 10^-60 times as large as the others makes entries that are tiny but not 0: that is found out at once, not after as
 * many exact products as there are columns. The counter in progress reports is the test's clock: none but a few of them are
 * of zeros. */
static void count_proofs(void *data, const char *stage, double done)
{
    (void)done;
    *(size_t *)data += strcmp(stage, "proving zeros") == 0;
}

START_TEST(tiny_entries_are_not_taken_for_zeros)
{
    enum { ROWS = 20, COLS = 12 };
    static double a[ROWS * COLS], hi[ROWS * COLS], lo[ROWS * COLS];
    uint64_t state = 4;
    size_t proofs = 0;
    random_matrix(&state, a, ROWS * COLS);
    for (size_t j = 0; j < COLS; j++)
        a[j] *= 1e-60;
    assay_answer q = {{hi, ROWS, COLS, COLS}, {lo, ROWS, COLS, COLS}, 0};
    const assay_options options = {.progress = count_proofs, .progress_data = &proofs};
    ck_assert_int_eq(assay_ref_polar(&q, NULL, (assay_input){a, ROWS, COLS, COLS}, &options), ASSAY_OK);
    ck_assert_msg(proofs <= 2, "%zu", proofs);
    for (size_t j = 0; j < COLS; j++)
        ck_assert(hi[j] != 0 && fabs(hi[j]) < 1e-58);
}
END_TEST

RUN_TESTS("polar", TEST(no_certified_radius_is_below_the_error), TEST(bad_singular_vectors_do_no_harm),
          TEST(enclosures_of_balls_hold_for_their_members), TEST(turning_a_matrix_turns_its_factor),
          TEST(a_radius_that_is_a_power_of_two_is_proved), TEST(entries_of_all_sizes_are_decided),
          TEST(scaled_factors_are_proved_too), TEST(irrational_factors_keep_their_errors),
          TEST(certificates_are_reported), TEST(bad_arguments_are_refused), TEST(strides_are_respected),
          TEST(tiny_entries_are_not_taken_for_zeros))
