/* What comes after Newton-Schulz: against the formulas of dialect.h, evaluated entry by entry with many more bits. */
#include "support.h"

#include "coefficients.h"
#include "newton_schulz.h"
#include "post.h"

#include <math.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { PREC = 200, TRUTH = 1600, MOST = 16 };

/* ---- the formulas --------------------------------------------------------------------------------------------------- */

/* O, u and v as numbers of TRUTH bits. */
struct truth {
    size_t rows, cols;
    mpfr_t o[MOST], u[MOST], v[MOST];
};

static void truth_init(struct truth *t, size_t rows, size_t cols)
{
    t->rows = rows;
    t->cols = cols;
    for (size_t k = 0; k < MOST; k++)
        mpfr_inits2(TRUTH, t->o[k], t->u[k], t->v[k], (mpfr_ptr)NULL);
}

static void truth_clear(struct truth *t)
{
    for (size_t k = 0; k < MOST; k++)
        mpfr_clears(t->o[k], t->u[k], t->v[k], (mpfr_ptr)NULL);
}

static void norm(mpfr_ptr n, mpfr_t *x, size_t count)
{
    mpfr_set_zero(n, 1);
    for (size_t k = 0; k < count; k++)
        mpfr_fma(n, x[k], x[k], n, MPFR_RNDN);
    mpfr_sqrt(n, n, MPFR_RNDN);
}

static void scale_by_quotient(struct truth *t, mpfr_srcptr top, mpfr_srcptr bottom)
{
    for (size_t k = 0; k < t->rows * t->cols; k++) {
        mpfr_mul(t->o[k], t->o[k], top, MPFR_RNDN);
        mpfr_div(t->o[k], t->o[k], bottom, MPFR_RNDN);
    }
}

/* x = x + y, or max(x, y) */
static void floor_by(mpfr_ptr x, double y, bool add)
{
    MPFR_DECL_INIT(z, 53);
    mpfr_set_d(z, y, MPFR_RNDN);
    (add ? mpfr_add : mpfr_max)(x, x, z, MPFR_RNDN);
}

/* v = beta2 v + (1 - beta2) q */
static void average(mpfr_ptr v, double beta2, mpfr_srcptr q)
{
    mpfr_t x;
    mpfr_init2(x, TRUTH);
    mpfr_set_d(x, beta2, MPFR_RNDN);
    mpfr_ui_sub(x, 1, x, MPFR_RNDN);
    mpfr_mul(x, x, q, MPFR_RNDN);
    mpfr_mul_d(v, v, beta2, MPFR_RNDN);
    mpfr_add(v, v, x, MPFR_RNDN);
    mpfr_clear(x);
}

static bool along_rows(const struct assay_dialect *d, size_t rows, size_t cols)
{
    return d->post == ASSAY_POST_NORMUON_ROWS || rows >= cols;
}

static void normuon(struct truth *t, const struct assay_dialect *d)
{
    bool rows = along_rows(d, t->rows, t->cols), add = d->post == ASSAY_POST_NORMUON_ROWS;
    mpfr_t n0, n1, mean, root;
    mpfr_inits2(TRUTH, n0, n1, mean, root, (mpfr_ptr)NULL);
    norm(n0, t->o, t->rows * t->cols);
    for (size_t l = 0; l < (rows ? t->rows : t->cols); l++) {
        mpfr_set_zero(mean, 1);
        for (size_t k = 0; k < t->rows * t->cols; k++)
            if ((rows ? k / t->cols : k % t->cols) == l)
                mpfr_fma(mean, t->o[k], t->o[k], mean, MPFR_RNDN);
        mpfr_div_ui(mean, mean, rows ? t->cols : t->rows, MPFR_RNDN);
        average(t->v[l], d->beta2, mean);
        mpfr_set(root, t->v[l], MPFR_RNDN);
        if (!add)
            floor_by(root, 1e-10, false);
        mpfr_sqrt(root, root, MPFR_RNDN);
        if (add)
            floor_by(root, 1e-10, true);
        for (size_t k = 0; k < t->rows * t->cols; k++)
            if ((rows ? k / t->cols : k % t->cols) == l)
                mpfr_div(t->o[k], t->o[k], root, MPFR_RNDN);
    }
    norm(n1, t->o, t->rows * t->cols);
    floor_by(n1, 1e-10, add);
    scale_by_quotient(t, n0, n1);
    mpfr_clears(n0, n1, mean, root, (mpfr_ptr)NULL);
}

static void adamuon(struct truth *t, const struct assay_dialect *d)
{
    size_t count = t->rows * t->cols;
    mpfr_t x, n;
    mpfr_inits2(TRUTH, x, n, (mpfr_ptr)NULL);
    for (size_t k = 0; k < count; k++) {
        mpfr_sqr(x, t->o[k], MPFR_RNDN);
        average(t->v[k], d->beta2, x);
        mpfr_sqrt(x, t->v[k], MPFR_RNDN);
        floor_by(x, 1e-7, true);
        mpfr_div(t->o[k], t->o[k], x, MPFR_RNDN);
    }
    norm(n, t->o, count);
    floor_by(n, 1e-7, true);
    mpfr_sqrt_ui(x, count, MPFR_RNDN);
    scale_by_quotient(t, x, n);
    mpfr_clears(x, n, (mpfr_ptr)NULL);
}

/* enum assay_post, snap. */
static void definition(struct truth *t, const struct assay_dialect *d)
{
    size_t count = t->rows * t->cols;
    mpfr_t x, n;
    mpfr_inits2(TRUTH, x, n, (mpfr_ptr)NULL);
    if (d->snap) {
        norm(n, t->o, count);
        floor_by(n, 1e-6, false);
        mpfr_sqrt_ui(x, t->rows < t->cols ? t->rows : t->cols, MPFR_RNDN);
        scale_by_quotient(t, x, n);
    }
    switch (d->post) {
    case ASSAY_POST_NONE:
        break;
    case ASSAY_POST_NORMUON_ROWS:
    case ASSAY_POST_NORMUON_ASPECT:
        normuon(t, d);
        break;
    case ASSAY_POST_ADAMUON:
        adamuon(t, d);
        break;
    case ASSAY_POST_DUAL_NORM:
        mpfr_set_zero(x, 1);
        for (size_t k = 0; k < count; k++)
            mpfr_fma(x, t->u[k], t->o[k], x, MPFR_RNDN);
        mpfr_set_ui(n, 1, MPFR_RNDN);
        scale_by_quotient(t, x, n);
        break;
    case ASSAY_POST_GRAFT:
        norm(x, t->u, count);
        norm(n, t->o, count);
        floor_by(n, 1e-6, false);
        scale_by_quotient(t, x, n);
        break;
    }
    mpfr_clears(x, n, (mpfr_ptr)NULL);
}

/* Whether the ball holds these numbers, which are right to 2^-1000 or so: every entry within its error, and all within the
 * radius. Nothing is held without a bound. */
static bool holds(const struct ball *a, mpfr_t *x)
{
    mpfr_t distance, squares, bound;
    mpfr_inits2(TRUTH, distance, squares, bound, (mpfr_ptr)NULL);
    mpfr_set_zero(squares, 1);
    bool fine = !mag_is_inf(a->radius);
    for (size_t k = 0; k < ball_count(a) && fine; k++) {
        mpfr_sub(distance, a->at + k, x[k], MPFR_RNDN);
        mpfr_fma(squares, distance, distance, squares, MPFR_RNDN);
        mag_get_mpfr(bound, mag_is_inf(a->error[k]) ? MAG_ZERO : a->error[k]);
        mpfr_add_d(bound, bound, 0x1p-1000, MPFR_RNDN);
        mpfr_abs(distance, distance, MPFR_RNDN);
        fine = mpfr_lessequal_p(distance, bound);
    }
    if (fine) {
        mag_get_mpfr(bound, a->radius);
        mpfr_add_d(bound, bound, 0x1p-1000, MPFR_RNDN);
        mpfr_sqrt(squares, squares, MPFR_RNDN);
        fine = mpfr_lessequal_p(squares, bound);
    }
    mpfr_clears(distance, squares, bound, (mpfr_ptr)NULL);
    return fine;
}

static void read_ball(mpfr_t *x, const struct ball *a)
{
    for (size_t k = 0; k < ball_count(a); k++)
        mpfr_set(x[k], a->at + k, MPFR_RNDN);
}

/* A member of the ball: every entry moved by its error times a number in [-1, 1], all of them by no more than the radius.
 */
static void read_member(mpfr_t *x, const struct ball *a, uint64_t *state)
{
    MPFR_DECL_INIT(error, 64);
    for (size_t k = 0; k < ball_count(a); k++) {
        mag_get_mpfr(error, mag_min(a->error[k], a->radius));
        mpfr_mul_d(error, error, (2 * random_uniform(state) - 1) / sqrt((double)ball_count(a)), MPFR_RNDZ);
        mpfr_add(x[k], a->at + k, error, MPFR_RNDN);
    }
}

/* ---- any O ---------------------------------------------------------------------------------------------------------- */

struct args {
    struct assay_dialect d;
    size_t rows, cols;
    double loose, size, moment; /* of O's errors, relative to `size`; second moments are up to `moment` */
    bool zero_row;
    uint64_t *state;
};

static struct ball *make_ball(struct work *w, size_t rows, size_t cols, const struct args *a, double size,
                              bool positive)
{
    struct ball *x = ball_new(w, rows, cols, 60);
    MPFR_DECL_INIT(error, 64);
    mpfr_set_d(error, a->loose * size, MPFR_RNDN);
    for (size_t k = 0; k < ball_count(x); k++) {
        bool zero = a->zero_row && k < cols;
        double value = positive ? random_uniform(a->state) : random_gaussian(a->state);
        mpfr_set_d(x->at + k, zero ? 0 : size * value, MPFR_RNDN);
        x->error[k] = zero || random_below(a->state, 4) == 0 ? MAG_ZERO : up_abs(error);
        if (positive && mpfr_cmp(x->at + k, error) <= 0)
            x->error[k] = MAG_ZERO;
    }
    x->radius = MAG_INF;
    ball_tighten(x);
    return x;
}

static void check_any(struct work *w, void *pointer)
{
    const struct args *a = pointer;
    size_t moments = post_moment_count(&a->d, a->rows, a->cols);
    const struct ball *o = make_ball(w, a->rows, a->cols, a, a->size, false);
    const struct ball *u = make_ball(w, a->rows, a->cols, a, 3, false);
    const struct ball *before = make_ball(w, 1, moments, a, a->moment, true);
    struct ball *v = ball_copy(w, before, PREC);
    struct ball *x = post(w, &a->d, o, u, false, v, PREC);
    struct truth t;
    truth_init(&t, a->rows, a->cols);
    for (int member = 0; member < 3; member++) {
        read_member(t.o, o, a->state);
        read_member(t.u, u, a->state);
        read_member(t.v, before, a->state);
        definition(&t, &a->d);
        ck_assert_msg(holds(x, t.o), "post %d, snap %d, %zu x %zu, loose %g, size %g", (int)a->d.post, a->d.snap,
                      a->rows, a->cols, a->loose, a->size);
        ck_assert_msg(holds(v, t.v), "v: post %d, %zu x %zu", (int)a->d.post, a->rows, a->cols);
        size_t k = random_below(a->state, a->rows * a->cols); /* counter-check */
        MPFR_DECL_INIT(error, 64);
        mag_get_mpfr(error, x->error[k]);
        mpfr_mul_d(error, error, 2.001, MPFR_RNDU);
        mpfr_add_d(error, error, 0x1p-900, MPFR_RNDU);
        mpfr_add(t.o[k], t.o[k], error, MPFR_RNDU);
        ck_assert(!holds(x, t.o));
    }
    if (a->loose == 0) /* and it is no wider than rounding makes it */
        ck_assert(mag_le(x->radius, mag_scale(up_add(ball_norm_up(x), MAG_ONE), 40 - PREC)));
    truth_clear(&t);
}

static const enum assay_post posts[] = {ASSAY_POST_NONE,    ASSAY_POST_NORMUON_ROWS, ASSAY_POST_NORMUON_ASPECT,
                                        ASSAY_POST_ADAMUON, ASSAY_POST_DUAL_NORM,    ASSAY_POST_GRAFT};

/* enum assay_post and snap, of any O, u and v; O of all sizes beside the floors 1e-10, 1e-7 and 1e-6. */
START_TEST(formulas_are_enclosed)
{
    static const size_t shapes[][2] = {{1, 1}, {1, 4}, {4, 1}, {2, 2}, {2, 3}, {3, 2}, {4, 4}};
    const double sizes[] = {1, 1e-6, 1e-11, 1e5}, loose[] = {0, 1e-30, 1e-12}, betas[] = {0, 0.5, 0.95, 1};
    uint64_t state = 1;
    for (size_t p = 0; p < COUNT(posts); p++)
        for (int snap = 0; snap < 2; snap++)
            for (size_t s = 0; s < COUNT(shapes); s++)
                for (size_t l = 0; l < COUNT(loose); l++)
                    for (size_t round = 0; round < rounds(2); round++) {
                        struct args a = {.d = {.name = "test", .snap = snap, .post = posts[p]},
                                         .rows = shapes[s][0],
                                         .cols = shapes[s][1],
                                         .loose = loose[l],
                                         .size = sizes[random_below(&state, COUNT(sizes))],
                                         .moment = random_below(&state, 2) ? 1e-10 : 1,
                                         .zero_row = random_below(&state, 3) == 0,
                                         .state = &state};
                        a.d.beta2 = betas[random_below(&state, COUNT(betas))];
                        in_work(check_any, &a);
                    }
}
END_TEST

/* How many second moments: one a row for NorMuon by rows; one a row or column, whichever are not fewer, by aspect; one an
 * entry for AdaMuon. */
START_TEST(moments_are_counted)
{
    for (size_t p = 0; p < COUNT(posts); p++)
        for (size_t rows = 1; rows < 5; rows++)
            for (size_t cols = 1; cols < 5; cols++) {
                const struct assay_dialect d = {.post = posts[p]};
                size_t counts[] = {0, rows, rows > cols ? rows : cols, rows * cols, 0, 0};
                ck_assert_uint_eq(post_moment_count(&d, rows, cols), counts[p]);
            }
}
END_TEST

/* sqrt(max(v, 1e-10)) where v may lie on either side: with beta2 = 0, v = mean(O_ij^2), and O_ij = 1e-5 but for 1e-15. */
static void check_floor(struct work *w, void *pointer)
{
    (void)pointer;
    const struct assay_dialect d = {.post = ASSAY_POST_NORMUON_ASPECT, .beta2 = 0};
    struct truth t;
    truth_init(&t, 2, 2);
    for (int side = -1; side <= 1; side++) {
        struct ball *o = ball_new(w, 2, 2, 60), *v = ball_new(w, 1, 2, PREC);
        for (size_t k = 0; k < 4; k++)
            mpfr_set_d(o->at + k, k < 2 ? 1e-5 + side * 0.5e-15 : 1, MPFR_RNDN);
        ball_widen_all(o, up_abs(ball_from_double(w, 1e-15)->at));
        const struct ball *x = post(w, &d, o, o, false, v, PREC);
        for (int member = -4; member <= 4; member++) {
            for (size_t k = 0; k < 4; k++) {
                mpfr_set_d(t.o[k], k < 2 ? member * 0.15e-15 : 0, MPFR_RNDN);
                mpfr_add(t.o[k], t.o[k], o->at + k, MPFR_RNDN);
                mpfr_set_zero(t.v[k], 1);
            }
            definition(&t, &d);
            ck_assert_msg(holds(x, t.o) && holds(v, t.v), "%d, member %d", side, member);
        }
    }
    truth_clear(&t);
}

START_TEST(floors_within_the_error_are_enclosed)
{
    in_work(check_floor, NULL);
}
END_TEST

/* ---- iterates that are multiples of their input --------------------------------------------------------------------- */

struct iterate_case {
    size_t rows, cols;
    double u[MOST];
    enum assay_pre pre;
    double v[4];
    bool snapped, after; /* whether O is found exactly, being rational: by snap, and by NorMuon (aspect) after it */
    bool negative; /* by a step of 1.5 x - 0.5 x^3 from x = 2 u / ||u||, which is -u / ||u|| where u has rank one */
};

static struct assay_dialect snapping(const struct iterate_case *c, enum assay_post kind)
{
    return (struct assay_dialect){.name = "test",
                                  .coefficients = c->negative ? &assay_coefficients_cubic : &assay_coefficients_jordan,
                                  .steps = c->negative ? 1 : 5,
                                  .norm_factor = c->negative ? 0.5 : 1,
                                  .eps = 1e-7,
                                  .pre = c->pre,
                                  .snap = true,
                                  .post = kind,
                                  .beta2 = 0.75};
}

static void check_iterate(struct work *w, void *pointer)
{
    const struct iterate_case *c = pointer;
    const struct ball *u = ball_from_input(w, (assay_input){c->u, c->rows, c->cols, c->cols});
    struct truth t;
    truth_init(&t, c->rows, c->cols);
    for (size_t p = 0; p < COUNT(posts); p++) {
        struct assay_dialect d = snapping(c, posts[p]);
        struct ball *v = ball_new(w, 1, post_moment_count(&d, c->rows, c->cols), PREC);
        for (size_t k = 0; k < ball_count(v); k++)
            mpfr_set_d(v->at + k, c->v[k % 4], MPFR_RNDN);
        read_ball(t.o, newton_schulz(w, &d, u, TRUTH));
        read_ball(t.u, u);
        read_ball(t.v, v);
        definition(&t, &d);
        const struct ball *x = post(w, &d, newton_schulz(w, &d, u, PREC), u, true, v, PREC);
        ck_assert_msg(holds(x, t.o) && holds(v, t.v), "post %d, u_0 = %g", (int)d.post, c->u[0]);
        if (d.post == ASSAY_POST_NONE || d.post == ASSAY_POST_NORMUON_ASPECT) {
            bool exact = d.post == ASSAY_POST_NONE ? c->snapped : c->after;
            ck_assert_msg(ball_is_exact(x) == exact, "post %d, u_0 = %g", (int)d.post, c->u[0]);
        }
        mpfr_add_d(t.o[0], t.o[0], 0x1p-100, MPFR_RNDN); /* counter-check */
        ck_assert(!holds(x, t.o));
    }
    truth_clear(&t);
}

/* Snapped iterates of u with one singular value are sqrt(min(r, c)) u / ||u|| or minus that, whatever the iteration, and
 * found exactly where it is rational; NorMuon by aspect leaves that as it is where all v agree and are not huge. */
START_TEST(multiples_of_the_input_are_found)
{
    struct iterate_case cases[] = {
        {2, 2, {3, -4, 4, 3}, ASSAY_PRE_NONE, {0}, false, false, false}, /* u / 5: no binary number */
        {2, 2, {1, 0, 0, 1}, ASSAY_PRE_NONE, {0}, true, true, false},
        {2, 2, {-1, 0, 0, 1}, ASSAY_PRE_NONE, {0, 0.5}, true, false, false},
        {2, 2, {1, 0, 0, -1}, ASSAY_PRE_NONE, {1e30, 1e30}, true, false, false},
        {2, 2, {1, 0, 0, 1}, ASSAY_PRE_NONE, {0x1p65, 0x1p65}, true, true, false},
        {1, 1, {7}, ASSAY_PRE_NONE, {1e30}, true, false, false},
        {1, 1, {-7}, ASSAY_PRE_NONE, {0.1}, true, true, false},
        {3, 1, {0, 0, -5}, ASSAY_PRE_NONE, {0.1, 0.2, 0.3}, true, true, false}, /* one row that is not zero */
        {1, 3, {0, 2, 0}, ASSAY_PRE_NONE, {0.1, 0.2, 0.3}, true, true, false},
        {1, 3, {0, 2, 0}, ASSAY_PRE_NONE, {0.1, 0.2, 0.3}, true, true, true},
        {2, 2, {0, 0, -3, 0}, ASSAY_PRE_NONE, {0.1, 0.2}, false, false, true}, /* sqrt(2) */
        {2, 2, {1, 0, 0, 2}, ASSAY_PRE_NONE, {0}, false, false, false},        /* two singular values */
        {2, 2, {1, 0, 0, 2}, ASSAY_PRE_EQUILIBRATE, {0}, true, true, false},
        {3,
         2,
         {1, 2, 2, 4, 5, 10},
         ASSAY_PRE_NONE,
         {0},
         false,
         false,
         false}, /* rank one, with rows of different moments */
        {4,
         4,
         {1, 1, 1, 1, 1, -1, 1, -1, 1, 1, -1, -1, 1, -1, -1, 1},
         ASSAY_PRE_NONE,
         {0.25, 0.25, 0.25, 0.25},
         true,
         true,
         false}};
    for (size_t k = 0; k < COUNT(cases); k++)
        in_work(check_iterate, &cases[k]);
}
END_TEST

/* u = I has a known direction; but where O is not its iterate, or does not tell the sign, or is small beside 1e-6, nothing
 * is made of that. */
static void check_strangers(struct work *w, void *pointer)
{
    (void)pointer;
    const double numbers[] = {1, 2, 3, 4};
    const struct iterate_case c = {.pre = ASSAY_PRE_NONE};
    const struct assay_dialect d = snapping(&c, ASSAY_POST_NONE);
    const struct ball *u = ball_identity(w, 2, 53), *o = ball_from_input(w, (assay_input){numbers, 2, 2, 2});
    struct ball *none = ball_new(w, 1, 0, 2);
    struct truth t;
    truth_init(&t, 2, 2);
    read_ball(t.o, o);
    definition(&t, &d);
    ck_assert(holds(post(w, &d, o, u, false, none, PREC), t.o));
    ck_assert(!holds(post(w, &d, o, u, true, none, PREC), t.o)); /* believed, which is why it has to be told */

    struct ball *open = ball_new(w, 2, 2, 53); /* about I: 1 +- 2^-60, and 1 +- 1.5 */
    for (size_t k = 0; k < 4; k += 3)
        mpfr_set_d(open->at + k, 1, MPFR_RNDN);
    open->error[3] = mag_power_of_two(-60);
    open->error[0] = open->radius = up_abs(ball_from_double(w, 1.25)->at);
    read_ball(t.o, u);
    ck_assert(!holds(open, t.v) && holds(open, t.o));
    const struct ball *x = post(w, &d, open, u, true, none, PREC);
    ck_assert(!mag_is_inf(x->radius) && holds(x, t.o) && mag_le(mag_power_of_two(-3), x->radius));

    for (int k = 0; k < 2; k++) { /* 1e-7 I, known and less well known */
        struct ball *small = ball_new(w, 2, 2, 53);
        mpfr_set_d(small->at, 1e-7, MPFR_RNDN);
        mpfr_set_d(small->at + 3, 1e-7, MPFR_RNDN);
        read_ball(t.o, small);
        if (k)
            ball_widen_all(small, mag_power_of_two(-20));
        definition(&t, &d); /* sqrt(2) / 1e-6 */
        ck_assert(holds(post(w, &d, small, u, true, none, PREC), t.o));
    }
    truth_clear(&t);
}

START_TEST(other_matrices_are_not_mistaken_for_iterates)
{
    in_work(check_strangers, NULL);
}
END_TEST

/* Two equilibrated rows stay of one length under every odd polynomial, and so NorMuon's v are known exactly after snap, and by
 * aspect divide O by one number. Not so where a row is below the floor of 1e-6 (twice: with and without the other, which is
 * shorter or longer), for three rows, for normalisation by rows (AOL), or without equilibration; then v has errors. */
struct even_case {
    size_t rows, cols;
    double row_sizes[3];
    enum assay_pre pre;
    enum assay_normalisation normalisation;
    bool even;
};

static void check_even(struct work *w, void *pointer)
{
    const struct even_case *c = pointer;
    static const enum assay_post kinds[] = {ASSAY_POST_NORMUON_ROWS, ASSAY_POST_NORMUON_ASPECT};
    uint64_t state = 11;
    double numbers[MOST];
    for (size_t k = 0; k < c->rows * c->cols; k++)
        numbers[k] = random_gaussian(&state) * c->row_sizes[k / c->cols];
    const struct ball *u = ball_from_input(w, (assay_input){numbers, c->rows, c->cols, c->cols});
    struct truth t;
    truth_init(&t, c->rows, c->cols);
    for (size_t p = 0; p < COUNT(kinds); p++) {
        const struct iterate_case plain = {.pre = c->pre};
        struct assay_dialect d = snapping(&plain, kinds[p]);
        d.normalisation = c->normalisation;
        bool by_rows = kinds[p] == ASSAY_POST_NORMUON_ROWS || c->rows >= c->cols;
        struct ball *v = ball_new(w, 1, post_moment_count(&d, c->rows, c->cols), PREC);
        read_ball(t.o, newton_schulz(w, &d, u, TRUTH));
        read_ball(t.u, u);
        read_ball(t.v, v);
        definition(&t, &d);
        const struct ball *x = post(w, &d, newton_schulz(w, &d, u, PREC), u, true, v, PREC);
        ck_assert(holds(x, t.o) && holds(v, t.v));
        bool dyadic = c->cols != 3; /* side / (2 c) */
        ck_assert_msg(ball_is_exact(v) == (c->even && by_rows && dyadic), "%zu x %zu, %d", c->rows, c->cols, (int)p);
    }
    truth_clear(&t);
}

START_TEST(two_equilibrated_rows_stay_even)
{
    const enum assay_pre yes = ASSAY_PRE_EQUILIBRATE, no = ASSAY_PRE_NONE;
    const enum assay_normalisation add = ASSAY_NORMALISE_ADD, aol = ASSAY_NORMALISE_AOL;
    struct even_case cases[] = {{2, 2, {1, 5}, yes, add, true},     {2, 3, {1, 5}, yes, add, true},
                                {2, 4, {3, 0.5}, yes, add, true},   {2, 2, {1, 1e-9}, yes, add, false},
                                {2, 2, {1e-9, 1}, yes, add, false}, {3, 2, {1, 5, 2}, yes, add, false},
                                {2, 2, {1, 5}, yes, aol, false},    {2, 2, {1, 5}, no, add, false}};
    for (size_t k = 0; k < COUNT(cases); k++)
        in_work(check_even, &cases[k]);
}
END_TEST

RUN_TESTS("post", TEST(formulas_are_enclosed), TEST(moments_are_counted), TEST(floors_within_the_error_are_enclosed),
          TEST(multiples_of_the_input_are_found), TEST(other_matrices_are_not_mistaken_for_iterates),
          TEST(two_equilibrated_rows_stay_even))
