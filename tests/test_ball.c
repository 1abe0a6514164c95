/* Enclosures hold what they claim to hold, are exact when they say so, and are not much wider than they must be. */
#include "arb_oracle.h"
#include "random_balls.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static mpfr_prec_t random_prec(uint64_t *state)
{
    return (mpfr_prec_t)(2 + random_below(state, random_below(state, 2) ? 299 : 30));
}

static size_t random_size(uint64_t *state)
{
    return 1 + random_below(state, 4);
}

static struct ball *scalar_of(struct work *w, double x, double error)
{
    struct ball *c = ball_from_double(w, x);
    MPFR_DECL_INIT(e, 53);
    mpfr_set_d(e, error, MPFR_RNDN);
    ball_widen(c, up_abs(e));
    return c;
}

/* ---- every operation on entries ------------------------------------------------------------------------------ */

enum operands { ONE, SAME_SHAPE, SCALAR };

struct operation {
    const char *name;
    void (*apply)(struct ball *c, const struct ball *a, const struct ball *b);
    int (*truth)(mpfr_ptr z, mpfr_srcptr x, mpfr_srcptr y);
    enum operands operands;
    long spread;   /* of the exponents of its operands */
    bool has_gaps; /* undefined in places */
};

enum { SCALED_BY = -37 };

static void apply_set(struct ball *c, const struct ball *a, const struct ball *b)
{
    (void)b;
    ball_set(c, a);
}

static void apply_scale(struct ball *c, const struct ball *a, const struct ball *b)
{
    (void)b;
    ball_scale(c, a, SCALED_BY);
}

static void apply_sqrt(struct ball *c, const struct ball *a, const struct ball *b)
{
    (void)b;
    ball_sqrt(c, a);
}

static void apply_cosh(struct ball *c, const struct ball *a, const struct ball *b)
{
    (void)b;
    ball_cosh(c, a);
}

static void apply_mul(struct ball *c, const struct ball *a, const struct ball *s)
{
    ball_mul(c, s, a);
}

static int true_set(mpfr_ptr z, mpfr_srcptr x, mpfr_srcptr y)
{
    (void)y;
    return mpfr_set(z, x, MPFR_RNDN);
}

static int true_scale(mpfr_ptr z, mpfr_srcptr x, mpfr_srcptr y)
{
    (void)y;
    return mpfr_mul_2si(z, x, SCALED_BY, MPFR_RNDN);
}

static int true_sqrt(mpfr_ptr z, mpfr_srcptr x, mpfr_srcptr y)
{
    (void)y;
    return mpfr_sqrt(z, x, MPFR_RNDN);
}

static int true_cosh(mpfr_ptr z, mpfr_srcptr x, mpfr_srcptr y)
{
    (void)y;
    return mpfr_cosh(z, x, MPFR_RNDN);
}

static int true_add(mpfr_ptr z, mpfr_srcptr x, mpfr_srcptr y)
{
    return mpfr_add(z, x, y, MPFR_RNDN);
}

static int true_sub(mpfr_ptr z, mpfr_srcptr x, mpfr_srcptr y)
{
    return mpfr_sub(z, x, y, MPFR_RNDN);
}

static int true_mul(mpfr_ptr z, mpfr_srcptr x, mpfr_srcptr y)
{
    return mpfr_mul(z, x, y, MPFR_RNDN);
}

static int true_div(mpfr_ptr z, mpfr_srcptr x, mpfr_srcptr y)
{
    return mpfr_div(z, x, y, MPFR_RNDN);
}

static const struct operation operations[] = {
    {"set", apply_set, true_set, ONE, 100, false},
    {"scale", apply_scale, true_scale, ONE, 100, false},
    {"sqrt", apply_sqrt, true_sqrt, ONE, 100, true},
    {"cosh", apply_cosh, true_cosh, ONE, 4, false},
    {"add", ball_add, true_add, SAME_SHAPE, 100, false},
    {"sub", ball_sub, true_sub, SAME_SHAPE, 100, false},
    {"mul entries", ball_mul_entries, true_mul, SAME_SHAPE, 100, false},
    {"div entries", ball_div_entries, true_div, SAME_SHAPE, 100, true},
    {"mul", apply_mul, true_mul, SCALAR, 100, false},
    {"div", ball_div, true_div, SCALAR, 100, true},
};
enum { OPERATIONS = sizeof operations / sizeof operations[0] };

/* truth_k = f(x_k, y_k), or f(x_k, y) for a scalar y; inexact[k]: whether that had to be rounded. */
static struct ball *truth_of(struct work *w, const struct operation *f, const struct ball *x, const struct ball *y,
                             bool *inexact)
{
    struct ball *z = ball_new(w, x->rows, x->cols, TRUTH_BITS);
    for (size_t k = 0; k < ball_count(x); k++) {
        mpfr_srcptr second = f->operands == ONE ? NULL : f->operands == SCALAR ? y->at : y->at + k;
        int ternary = f->truth(z->at + k, x->at + k, second);
        if (inexact)
            inexact[k] = ternary != 0;
    }
    return z;
}

static struct ball *second_operand(struct work *w, const struct operation *f, uint64_t *state, const struct ball *a,
                                   bool exact)
{
    size_t rows = f->operands == SCALAR ? 1 : a->rows, cols = f->operands == SCALAR ? 1 : a->cols;
    mpfr_prec_t prec = random_prec(state);
    if (f->operands == ONE)
        return NULL;
    return exact ? random_exact(w, state, rows, cols, prec, f->spread)
                 : random_ball(w, state, rows, cols, prec, f->spread);
}

/* No value is claimed where there is none. */
static bool claims_nothing(const struct ball *c, size_t k)
{
    return mag_is_inf(c->error[k]) && mag_is_inf(c->radius);
}

/* Leaves out those entries of c and z where z has no value. */
static void check_gaps(const struct operation *f, struct ball *c, struct ball *z)
{
    for (size_t k = 0; k < ball_count(c); k++)
        if (!mpfr_number_p(z->at + k)) {
            ck_assert_msg(f->has_gaps && claims_nothing(c, k), "%s claims a value where there is none", f->name);
            mpfr_set_zero(z->at + k, 1);
            mpfr_set_zero(c->at + k, 1);
        }
}

/* For X in A and Y in B: f(X, Y) in f(A, B); at half the radius it is not so, in at least every tenth case. */
static void check_operation(struct work *w, const struct operation *f, uint64_t *state, size_t count)
{
    size_t finite = 0, missed = 0;
    for (size_t round = 0; round < count; round++) {
        struct work_block *mark = work_mark(w);
        struct ball *a = random_ball(w, state, random_size(state), random_size(state), random_prec(state), f->spread);
        struct ball *b = second_operand(w, f, state, a, false);
        struct ball *c = ball_new(w, a->rows, a->cols, random_prec(state));
        f->apply(c, a, b);
        for (int member = 0; member < 3; member++) {
            struct ball *x = random_member(w, state, a), *y = b ? random_member(w, state, b) : NULL;
            struct ball *z = truth_of(w, f, x, y, NULL);
            check_gaps(f, c, z);
            ck_assert_msg(encloses(c, z), "%s, round %zu", f->name, round);
            if (!mag_is_inf(c->radius) && !ball_is_exact(c)) {
                finite++;
                missed += half_misses(w, c, z);
            }
        }
        work_release(w, mark);
    }
    ck_assert_msg(finite >= count / 8 && missed >= finite / 10, "%s: %zu of %zu missed", f->name, missed, finite);
}

static void every_operation_encloses(struct work *w, void *args)
{
    (void)args;
    for (size_t k = 0; k < OPERATIONS; k++) {
        uint64_t state = 100 + k;
        check_operation(w, &operations[k], &state, rounds(operations[k].truth == true_cosh ? 150 : 2000));
    }
}

START_TEST(operations_enclose)
{
    in_work(every_operation_encloses, NULL);
}
END_TEST

/* For exact operands, error_k = 0 if and only if midpoint k is f(x_k, y_k), and so the radius for the whole. */
static void check_exactness(struct work *w, const struct operation *f, uint64_t *state)
{
    struct work_block *mark = work_mark(w);
    struct ball *a = random_exact(w, state, random_size(state), random_size(state), random_prec(state), f->spread);
    struct ball *b = second_operand(w, f, state, a, true);
    struct ball *c = ball_new(w, a->rows, a->cols, random_prec(state));
    bool inexact[16], all = true;
    struct ball *z = truth_of(w, f, a, b, inexact);
    f->apply(c, a, b);
    for (size_t k = 0; k < ball_count(c); k++) {
        bool exact = !inexact[k] && mpfr_number_p(z->at + k) && mpfr_equal_p(z->at + k, c->at + k);
        ck_assert_msg(mag_is_zero(c->error[k]) == exact, "%s: error of entry %zu", f->name, k);
        all = all && exact;
    }
    ck_assert_msg(ball_is_exact(c) == all, "%s: radius", f->name);
    work_release(w, mark);
}

static void every_operation_is_exact_where_it_says_so(struct work *w, void *args)
{
    uint64_t state = 2;
    (void)args;
    for (size_t round = 0; round < rounds(2000); round++)
        for (size_t k = 0; k < OPERATIONS; k++)
            if (operations[k].truth != true_cosh || round % 10 == 0)
                check_exactness(w, &operations[k], &state);
}

START_TEST(exact_means_exact)
{
    in_work(every_operation_is_exact_where_it_says_so, NULL);
}
END_TEST

/* f(a, b) written over a, or over b, is f(a, b) written elsewhere at that precision. */
static void check_aliases(struct work *w, const struct operation *f, uint64_t *state)
{
    struct work_block *mark = work_mark(w);
    size_t rows = random_size(state), cols = f->operands == SCALAR ? 1 : random_size(state);
    struct ball *a = random_ball(w, state, f->operands == SCALAR ? 1 : rows, cols, random_prec(state), f->spread);
    struct ball *b = second_operand(w, f, state, a, false);
    struct ball *c = ball_new(w, a->rows, a->cols, a->prec), *over = clone(w, a);
    f->apply(c, a, b);
    f->apply(over, over, b);
    ck_assert_msg(same_ball(c, over), "%s over its first argument", f->name);
    if (b) {
        c = ball_new(w, b->rows, b->cols, b->prec), over = clone(w, b);
        f->apply(c, a, b);
        f->apply(over, a, over);
        ck_assert_msg(same_ball(c, over), "%s over its second argument", f->name);
        c = ball_new(w, b->rows, b->cols, b->prec), over = clone(w, b);
        f->apply(c, b, b);
        f->apply(over, over, over);
        ck_assert_msg(same_ball(c, over), "%s over both", f->name);
    }
    work_release(w, mark);
}

static void every_operation_may_overwrite(struct work *w, void *args)
{
    uint64_t state = 3;
    (void)args;
    for (size_t round = 0; round < rounds(500); round++)
        for (size_t k = 0; k < OPERATIONS; k++)
            check_aliases(w, &operations[k], &state);
}

START_TEST(outputs_may_be_inputs)
{
    in_work(every_operation_may_overwrite, NULL);
}
END_TEST

/* An entry that is exactly 0 stays exactly 0 under set, scale, sqrt and products beside entries that are not, and
 * whatever the other factor is as long as it is a number. */
static void exact_zeros(struct work *w, void *args)
{
    uint64_t state = 4;
    (void)args;
    for (size_t round = 0; round < rounds(500); round++) {
        struct work_block *mark = work_mark(w);
        for (size_t f = 0; f < OPERATIONS; f++) {
            bool keeps = operations[f].truth == true_set || operations[f].truth == true_scale ||
                         operations[f].truth == true_sqrt || operations[f].truth == true_mul;
            struct ball *a = random_ball(w, &state, 3, 3, random_prec(&state), 4);
            struct ball *b = second_operand(w, &operations[f], &state, a, false), *c = ball_new(w, 3, 3, 20);
            mpfr_set_zero(a->at + 4, 1);
            a->error[4] = MAG_ZERO;
            operations[f].apply(c, a, b);
            if (keeps)
                ck_assert_msg(mpfr_zero_p(c->at + 4) && mag_is_zero(c->error[4]), "%s", operations[f].name);
        }
        work_release(w, mark);
    }
}

START_TEST(exact_zeros_stay)
{
    in_work(exact_zeros, NULL);
}
END_TEST

/* ---- against Arb ------------------------------------------------------------------------------------------------ */

/* The interval that a scalar claims. */
static void claimed(struct interval *x, const struct ball *a)
{
    mpfr_t error;
    mpfr_init2(error, 64);
    mag_get_mpfr(error, a->error[0]);
    mpfr_sub(x->low, a->at, error, MPFR_RNDD);
    mpfr_add(x->high, a->at, error, MPFR_RNDU);
    mpfr_clear(error);
}

/* error <= 4 (half the width of z + half a unit in the last place). */
static bool about_as_tight(const struct ball *c, const struct interval *z)
{
    mpfr_t theirs, unit;
    mpfr_inits2(64, theirs, unit, (mpfr_ptr)NULL);
    mpfr_sub(theirs, z->high, z->low, MPFR_RNDD);
    mag_get_mpfr(unit, mag_scale(up_abs(c->at), -c->prec));
    mpfr_add(theirs, theirs, unit, MPFR_RNDD);
    mpfr_mul_2ui(theirs, theirs, 1, MPFR_RNDD);
    bool tight = mag_le(c->error[0], down_abs(theirs));
    mpfr_clears(theirs, unit, (mpfr_ptr)NULL);
    return tight;
}

/* Whether the operand is known to two bits or so, or exactly 0; for cosh also to 1/2, and not below 1. */
static bool is_narrow(const struct operation *f, const struct ball *a)
{
    bool fits = f->truth != true_cosh || (mag_le(a->error[0], mag_power_of_two(-1)) && mpfr_cmpabs_ui(a->at, 1) >= 0);
    return fits && mag_le(mag_scale(a->error[0], 2), down_abs(a->at));
}

/* c with its midpoint moved by four times its error and a unit in the last place, or by 1 if that is nothing. */
static struct ball *moved(struct work *w, const struct ball *c)
{
    struct ball *m = ball_new(w, 1, 1, TRUTH_BITS);
    mag by = up_add(mag_scale(c->error[0], 2), mag_scale(up_abs(c->at), -c->prec));
    mag_get_mpfr(m->at, mag_is_zero(by) ? MAG_ONE : by);
    mpfr_add(m->at, m->at, c->at, MPFR_RNDN);
    m->error[0] = c->error[0];
    return m;
}

static enum arb_function arb_function_of(const struct operation *f)
{
    return f->truth == true_add    ? ARB_ADD
           : f->truth == true_sub  ? ARB_SUB
           : f->truth == true_mul  ? ARB_MUL
           : f->truth == true_div  ? ARB_DIV
           : f->truth == true_sqrt ? ARB_SQRT
           : f->truth == true_cosh ? ARB_COSH
                                   : ARB_SET;
}

/* The interval of every scalar operation meets Arb's, is about as narrow, and holds Arb's value for exact members; a
 * wrong midpoint is found out. */
static void check_against_arb(struct work *w, const struct operation *f, uint64_t *state, struct interval *x,
                              struct interval *y, struct interval *z, struct interval *ours)
{
    enum arb_function g = arb_function_of(f);
    struct ball *a = random_ball(w, state, 1, 1, random_prec(state), f->spread);
    struct ball *b = second_operand(w, f, state, a, false), *c = ball_new(w, 1, 1, random_prec(state));
    f->apply(c, a, b);
    if (mag_is_inf(c->error[0]))
        return;
    claimed(ours, c);
    claimed(x, a);
    claimed(y, b ? b : a);
    arb_apply(z, g, x, y, c->prec);
    ck_assert_msg(intervals_meet(ours, z), "%s", f->name);
    ck_assert_msg(!is_narrow(f, a) || (b && !is_narrow(f, b)) || about_as_tight(c, z), "%s is wide", f->name);
    claimed(x, random_member(w, state, a));
    claimed(y, b ? random_member(w, state, b) : a);
    arb_apply(z, g, x, y, TRUTH_BITS);
    ck_assert_msg(intervals_meet(ours, z), "%s", f->name);
    claimed(ours, moved(w, c));
    ck_assert_msg(!intervals_meet(ours, z), "%s: a wrong midpoint", f->name);
}

static void scalars_against_arb(struct work *w, void *args)
{
    uint64_t state = 5;
    struct interval x, y, z, ours;
    struct interval *all[] = {&x, &y, &z, &ours};
    (void)args;
    for (size_t k = 0; k < 4; k++)
        interval_init(all[k], TRUTH_BITS);
    for (size_t round = 0; round < rounds(1500); round++)
        for (size_t k = 0; k < OPERATIONS; k++)
            if (operations[k].truth != true_scale) {
                struct work_block *mark = work_mark(w);
                check_against_arb(w, &operations[k], &state, &x, &y, &z, &ours);
                work_release(w, mark);
            }
    for (size_t k = 0; k < 4; k++)
        interval_clear(all[k]);
}

START_TEST(scalars_agree_with_arb)
{
    in_work(scalars_against_arb, NULL);
}
END_TEST

/* ---- making and moving ------------------------------------------------------------------------------------------ */

static void constructors(struct work *w, void *args)
{
    (void)args;
    struct ball *zero = ball_new(w, 3, 2, 77), *one = ball_identity(w, 4, 2);
    ck_assert(zero->rows == 3 && zero->cols == 2 && zero->prec == 77 && ball_is_zero(zero) && ball_is_exact(zero));
    ck_assert(mpfr_get_prec(zero->at + 5) == 77 && !mpfr_signbit(zero->at + 5) && !zero->rational);
    for (size_t k = 0; k < 16; k++)
        ck_assert(mpfr_cmp_ui(one->at + k, k % 5 == 0) == 0 && mag_is_zero(one->error[k]));
    ck_assert(ball_is_exact(one) && !ball_is_zero(one) && ball_count(ball_new(w, 0, 5, 2)) == 0);

    /* two rows of three, with a gap of one that is not looked at */
    double at[] = {1.5, -0.0, 0x1p-1074, NAN, -DBL_MAX, 0x1.fffffffffffffp-1, 3};
    struct ball *a = ball_from_input(w, (assay_input){at, 2, 3, 4});
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < 3; j++)
            ck_assert(mpfr_cmp_d(ball_at(a, i, j), at[4 * i + j]) == 0);
    ck_assert(mpfr_zero_p(a->at + 1) && !mpfr_signbit(a->at + 1) && ball_is_exact(a) && a->prec == 53);

    ck_assert(mpfr_cmp_d(ball_from_double(w, -0x1p-1074)->at, -0x1p-1074) == 0);
    ck_assert(mpfr_cmp_si(ball_from_integer(w, LONG_MIN)->at, LONG_MIN) == 0);
    ck_assert(mpfr_cmp_si(ball_from_integer(w, LONG_MAX)->at, LONG_MAX) == 0);
    ck_assert(ball_is_exact(ball_from_integer(w, LONG_MAX)));
}

START_TEST(new_balls_are_exact)
{
    in_work(constructors, NULL);
}
END_TEST

static void from_bad_input(struct work *w, void *args)
{
    ball_from_input(w, *(assay_input *)args);
}

static void new_giant(struct work *w, void *args)
{
    const size_t *size = args;
    ball_new(w, size[0], size[1], 64);
}

/* NaN and infinities are refused with their place; sizes that overflow are out of memory, not small. */
START_TEST(bad_input_is_refused)
{
    double at[] = {1, 2, 3, 4, 5, NAN, 7, 8};
    assay_input input = {at, 2, 3, 4};
    ck_assert_str_eq(fails_in_work(ASSAY_NOT_FINITE, from_bad_input, &input), "entry (1, 1) is NaN");
    at[5] = 0, at[2] = -INFINITY;
    ck_assert_str_eq(fails_in_work(ASSAY_NOT_FINITE, from_bad_input, &input), "entry (0, 2) is infinite");
    size_t giants[][2] = {{SIZE_MAX, 1}, {1, SIZE_MAX}, {SIZE_MAX / 2, 2}, {(size_t)1 << 32, (size_t)1 << 32}};
    for (size_t k = 0; k < 4; k++)
        ck_assert(strstr(fails_in_work(ASSAY_NO_MEMORY, new_giant, giants[k]), "out of memory"));
}
END_TEST

/* Entry (i, j) of a transposed, gathered or scattered matrix is that of the original, with its error; the radius of a
 * part is that of the whole, or what the errors of the part allow if that is less. */
static void moving_entries(struct work *w, void *args)
{
    uint64_t state = 6;
    (void)args;
    for (size_t round = 0; round < rounds(500); round++) {
        struct work_block *mark = work_mark(w);
        struct ball *a = random_ball(w, &state, 4, 3, random_prec(&state), 50), *t = ball_transpose(w, a);
        ck_assert(t->rows == 3 && t->cols == 4 && same_mag(t->radius, a->radius) && !same_ball(a, t));
        ck_assert(same_ball(ball_transpose(w, t), a) && mpfr_equal_p(ball_at(t, 2, 1), ball_at(a, 1, 2)));
        ck_assert(same_ball(ball_copy(w, a, a->prec), a));

        size_t rows[] = {3, 0}, cols[] = {2, 1};
        struct ball *all = ball_gather(w, a, NULL, 4, NULL, 3), *part = ball_gather(w, a, rows, 2, cols, 2);
        struct ball *row = ball_gather(w, a, rows, 1, NULL, 3), *col = ball_gather(w, a, NULL, 4, cols, 1);
        ck_assert(mag_le(all->radius, a->radius) && mag_le(part->radius, a->radius));
        for (size_t i = 0; i < 2; i++)
            for (size_t j = 0; j < 2; j++) {
                ck_assert(mpfr_equal_p(ball_at(part, i, j), ball_at(a, rows[i], cols[j])));
                ck_assert(same_mag(part->error[2 * i + j], a->error[3 * rows[i] + cols[j]]));
            }
        ck_assert(mpfr_equal_p(row->at + 1, ball_at(a, 3, 1)) && mpfr_equal_p(col->at + 1, ball_at(a, 1, 2)));
        struct ball *x = random_member(w, &state, a);
        ck_assert(encloses(part, ball_gather(w, x, rows, 2, cols, 2)) && encloses(t, ball_transpose(w, x)));

        struct ball *c = ball_new(w, 4, 3, a->prec + 1);
        ball_scatter(c, rows, cols, part);
        ck_assert(mpfr_equal_p(ball_at(c, 3, 2), ball_at(a, 3, 2)) && same_mag(c->error[11], a->error[11]));
        ck_assert(mpfr_zero_p(ball_at(c, 1, 1)) && mag_is_zero(c->error[4]));
        ball_scatter(c, NULL, NULL, a);
        c->radius = MAG_INF;
        ball_tighten(c);
        ck_assert(encloses(c, x) && !mag_is_inf(c->radius));
        c->radius = mag_scale(c->radius, -1);
        mag before = c->radius;
        ball_tighten(c);
        ck_assert(same_mag(c->radius, before));
        work_release(w, mark);
    }
}

START_TEST(moves_keep_entries)
{
    in_work(moving_entries, NULL);
}
END_TEST

/* ball_width bits are enough for a common grid: scaled by 2^-bottom every midpoint is an integer of so many bits; one
 * bit less is not enough. is_zero needs midpoints and errors, is_exact the radius. */
static void looking_at_balls(struct work *w, void *args)
{
    uint64_t state = 7;
    (void)args;
    for (size_t round = 0; round < rounds(1000); round++) {
        struct work_block *mark = work_mark(w);
        struct ball *a = random_exact(w, &state, 2, 2, random_prec(&state), 60);
        mpfr_prec_t width = ball_width(a);
        mpfr_exp_t top = -1000; /* below all */
        bool needed = ball_is_zero(a);
        for (size_t k = 0; k < 4; k++)
            if (!mpfr_zero_p(a->at + k) && mpfr_get_exp(a->at + k) > top)
                top = mpfr_get_exp(a->at + k);
        for (size_t k = 0; k < 4; k++) {
            mpfr_mul_2si(a->at + k, a->at + k, width - top, MPFR_RNDN);
            ck_assert(mpfr_integer_p(a->at + k) && mpfr_cmpabs_ui(a->at + k, 0) >= 0);
            mpfr_div_2ui(a->at + k, a->at + k, 1, MPFR_RNDN);
            needed = needed || !mpfr_integer_p(a->at + k);
        }
        ck_assert(needed || width == 1);
        work_release(w, mark);
    }
    struct ball *z = ball_new(w, 2, 2, 10);
    ck_assert(ball_width(z) == 1 && ball_is_zero(z));
    z->error[3] = MAG_ONE;
    ck_assert(!ball_is_zero(z) && ball_is_exact(z));
    z->radius = MAG_ONE;
    ck_assert(!ball_is_exact(z));
    ball_make_exact(z);
    ck_assert(ball_is_exact(z) && ball_is_zero(z));
    mpfr_set_ui(z->at + 2, 1, MPFR_RNDN);
    ck_assert(!ball_is_zero(z));
}

START_TEST(questions_are_answered)
{
    in_work(looking_at_balls, NULL);
}
END_TEST

/* ball_norm_up(a) >= ||X||, ball_midpoint_norm_up(a) >= ||a->at||, both within a relative 2^-20 of it for exact a;
 * ball_abs_down(a) <= |x|; and x lies between the bounds. */
static void bounding_balls(struct work *w, void *args)
{
    uint64_t state = 8;
    size_t wrong = 0, count = rounds(1000);
    mpfr_t norm, bound;
    mpfr_inits2(TRUTH_BITS, norm, bound, (mpfr_ptr)NULL);
    (void)args;
    for (size_t round = 0; round < count; round++) {
        struct work_block *mark = work_mark(w);
        struct ball *a = random_ball(w, &state, 2, 3, random_prec(&state), 50), *x = random_member(w, &state, a);
        mpfr_set_zero(norm, 1);
        for (size_t k = 0; k < 6; k++)
            mpfr_fma(norm, x->at + k, x->at + k, norm, MPFR_RNDU);
        mpfr_sqrt(norm, norm, MPFR_RNDD);
        mag_get_mpfr(bound, ball_norm_up(a));
        ck_assert(mpfr_lessequal_p(norm, bound));
        mag_get_mpfr(bound, ball_midpoint_norm_up(a));
        ck_assert(!ball_is_exact(a) || mpfr_lessequal_p(norm, bound));
        mpfr_mul_d(bound, bound, 1 - 0x1p-20, MPFR_RNDD);
        ck_assert(!ball_is_exact(a) || mpfr_lessequal_p(bound, norm));
        mag_get_mpfr(bound, mag_scale(ball_norm_up(a), -1));
        wrong += mpfr_greater_p(norm, bound) != 0;

        struct ball *s = random_ball(w, &state, 1, 1, random_prec(&state), 50), *t = random_member(w, &state, s);
        double bounds[2];
        ball_bounds(bounds, s);
        mag_get_mpfr(bound, ball_abs_down(s));
        ck_assert(mpfr_cmpabs(bound, t->at) <= 0);
        mpfr_abs(t->at, t->at, MPFR_RNDN);
        ck_assert(mpfr_cmp_d(t->at, bounds[0]) >= 0 && mpfr_cmp_d(t->at, bounds[1]) <= 0);
        work_release(w, mark);
    }
    ck_assert(wrong > count / 2);
    mpfr_clears(norm, bound, (mpfr_ptr)NULL);
}

START_TEST(bounds_hold)
{
    in_work(bounding_balls, NULL);
}
END_TEST

/* ---- where operations have no value ------------------------------------------------------------------------------ */

static bool is_useless(const struct ball *c)
{
    return mag_is_inf(c->radius) && mag_is_inf(c->error[0]);
}

/* Divisors that may be 0 make the radius infinite, whatever is divided: even 0. */
static void dividing(struct work *w, void *args)
{
    (void)args;
    const double divisors[][2] = {{0, 0}, {0, 1}, {0.5, 0.5}, {-0.5, 0.75}, {1, 2}};
    const double dividends[][2] = {{0, 0}, {0, 1}, {3, 0}, {-3, 0.5}};
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < 4; j++) {
            struct ball *a = scalar_of(w, dividends[j][0], dividends[j][1]);
            struct ball *s = scalar_of(w, divisors[i][0], divisors[i][1]), *c = ball_new(w, 1, 1, 60);
            ball_div(c, a, s);
            ck_assert_msg(is_useless(c), "(%g +- %g) / (%g +- %g)", dividends[j][0], dividends[j][1], divisors[i][0],
                          divisors[i][1]);
            ball_div_entries(c, a, s);
            ck_assert_msg(is_useless(c), "entry (%g +- %g) / (%g +- %g)", dividends[j][0], dividends[j][1],
                          divisors[i][0], divisors[i][1]);
        }
    struct ball *c = ball_new(w, 1, 1, 60), *x = scalar_of(w, 6, 0), *y = scalar_of(w, 2, 1.999);
    ball_div(c, x, y);
    ck_assert(!mag_is_inf(c->radius) && !mag_is_inf(c->error[0]));
    ball_div(c, x, scalar_of(w, -2, 0));
    ck_assert(ball_is_exact(c) && mpfr_cmp_si(c->at, -3) == 0);
}

START_TEST(dividing_by_zero_claims_nothing)
{
    in_work(dividing, NULL);
}
END_TEST

/* Roots of what may be negative make the radius infinite; the root of [0, 2x] is within sqrt(x) of sqrt(x). */
static void taking_roots(struct work *w, void *args)
{
    (void)args;
    const double bad[][2] = {{-1, 0}, {-0x1p-1074, 0}, {0, 0x1p-1000}, {1, 1.5}, {-1, 3}};
    struct ball *c = ball_new(w, 1, 1, 60);
    for (size_t k = 0; k < 5; k++) {
        ball_sqrt(c, scalar_of(w, bad[k][0], bad[k][1]));
        ck_assert_msg(is_useless(c), "sqrt(%g +- %g)", bad[k][0], bad[k][1]);
    }
    ball_sqrt(c, scalar_of(w, 4, 4));
    ck_assert(mpfr_cmp_ui(c->at, 2) == 0 && mag_le(mag_from_integer(2), c->radius) && !mag_is_inf(c->radius));
    ball_sqrt(c, scalar_of(w, 0, 0));
    ck_assert(ball_is_zero(c) && ball_is_exact(c));
    ball_sqrt(c, scalar_of(w, 2.25, 0));
    ck_assert(ball_is_exact(c) && mpfr_cmp_d(c->at, 1.5) == 0);
    /* one bad entry does not spoil the error of another */
    double at[] = {-1, 4};
    struct ball *two = ball_new(w, 1, 2, 60);
    ball_sqrt(two, ball_from_input(w, (assay_input){at, 1, 2, 2}));
    ck_assert(mag_is_inf(two->radius) && mag_is_inf(two->error[0]) && mag_is_zero(two->error[1]));
    ck_assert(mpfr_cmp_ui(two->at + 1, 2) == 0);
}

START_TEST(roots_of_negatives_claim_nothing)
{
    in_work(taking_roots, NULL);
}
END_TEST

/* Whatever is made of a result that claims nothing claims nothing either, unless it is multiplied by an exact 0. */
static void using_nothing(struct work *w, void *args)
{
    (void)args;
    struct ball *nan = ball_new(w, 1, 1, 60), *inf = ball_new(w, 1, 1, 60), *one = ball_from_integer(w, 1);
    ball_sqrt(nan, ball_from_integer(w, -1));
    ball_div(inf, one, ball_new(w, 1, 1, 2));
    const struct ball *nothings[] = {nan, inf};
    for (size_t n = 0; n < 2; n++) {
        for (size_t k = 0; k < OPERATIONS; k++) {
            struct ball *c = ball_new(w, 1, 1, 60);
            operations[k].apply(c, nothings[n], one);
            ck_assert_msg(is_useless(c), "%s", operations[k].name);
            if (operations[k].operands != ONE) {
                operations[k].apply(c, one, nothings[n]);
                ck_assert_msg(is_useless(c), "%s, second", operations[k].name);
            }
        }
        struct ball *c = ball_new(w, 1, 1, 60);
        ball_max(c, nothings[n], one);
        ck_assert(is_useless(c));
        ball_max(c, one, nothings[n]);
        ck_assert(is_useless(c));
        ball_norm(w, c, nothings[n]);
        ck_assert(is_useless(c));
        ball_dot(w, c, nothings[n], one);
        ck_assert(is_useless(c));
        ball_mul(c, ball_new(w, 1, 1, 2), nothings[n]); /* 0 x is 0, or else nothing is claimed */
        ck_assert(is_useless(c) || ball_is_zero(c));
    }
}

START_TEST(nothing_comes_of_nothing)
{
    in_work(using_nothing, NULL);
}
END_TEST

/* Results beyond MPFR's range of exponents claim nothing: cosh(2^40), and powers of 2^(2^29) and 2^-(2^29). */
static void leaving_the_range(struct work *w, void *args)
{
    (void)args;
    struct ball *c = ball_new(w, 1, 1, 60), *x = ball_from_double(w, 0x1p40);
    ball_cosh(c, x);
    ck_assert(is_useless(c));
    ball_widen(x, MAG_ONE);
    ball_cosh(c, x);
    ck_assert(is_useless(c));
    for (int sign = -1; sign <= 1; sign += 2) {
        struct ball *y = ball_new(w, 1, 1, 60);
        mpfr_set_ui_2exp(y->at, 1, sign * (1L << 29), MPFR_RNDN);
        ball_mul(y, y, y);
        ck_assert(ball_is_exact(y) || is_useless(y));
        ball_mul(y, y, y);
        ck_assert(is_useless(y) || (mpfr_zero_p(y->at) && !mag_is_zero(y->radius) && !mag_is_zero(y->error[0])));
    }
}

START_TEST(beyond_all_exponents)
{
    in_work(leaving_the_range, NULL);
}
END_TEST

/* Whether c is within its error of k 2^exponent, also where that is beyond MPFR's least number. */
static bool is_near_multiple(struct ball *c, long k, mpfr_exp_t exponent)
{
    mpfr_mul_2si(c->at, c->at, -exponent, MPFR_RNDN);
    long off = labs(mpfr_get_si(c->at, MPFR_RNDN) - k);
    return mpfr_integer_p(c->at) && mag_le(mag_scale(mag_from_integer((uint32_t)off), exponent), c->error[0]) &&
           mag_le(c->error[0], c->radius);
}

static void underflowing(struct work *w, void *args)
{
    (void)args;
    mpfr_exp_t eighth = mpfr_get_emin() - 4, half = eighth / 2;
    size_t inexact = 0;
    for (long k = 1; k <= 16; k++) {
        struct ball *x = ball_from_integer(w, k), *y = ball_from_integer(w, 1), *c = ball_new(w, 1, 1, 60);
        ball_scale(c, x, eighth);
        inexact += !ball_is_exact(c);
        ck_assert_msg(is_near_multiple(c, k, eighth), "%ld eighths", k);
        ball_scale(x, x, half);
        ball_scale(y, y, eighth - half);
        ck_assert(ball_is_exact(x) && ball_is_exact(y));
        ball_mul(c, x, y);
        ck_assert_msg(is_near_multiple(c, k, eighth), "%ld eighths, multiplied", k);
        ball_dot(w, c, x, y);
        ck_assert_msg(is_near_multiple(c, k, eighth), "%ld eighths, summed", k);
        c->error[0] = c->radius = MAG_ZERO;
        mpfr_set_ui_2exp(c->at, 1, eighth + 3, MPFR_RNDN); /* the least number itself */
        ck_assert(is_near_multiple(c, k, eighth) == (k == 8));
    }
    ck_assert(inexact == 7); /* those below it */
}

/* k / 8 of 2^(emin - 1), the least positive number, are rounded to 0 or 1 of it up to k = 8, and off by what is missing. */
START_TEST(underflow_is_counted)
{
    in_work(underflowing, NULL);
}
END_TEST

/* cosh(0) = 1 exactly, and cosh of tiny numbers is not exact. */
static void small_cosh(struct work *w, void *args)
{
    (void)args;
    struct ball *c = ball_new(w, 1, 1, 60);
    ball_cosh(c, ball_new(w, 1, 1, 2));
    ck_assert(ball_is_exact(c) && mpfr_cmp_ui(c->at, 1) == 0);
    ball_cosh(c, ball_from_double(w, 0x1p-1000));
    ck_assert(!ball_is_exact(c) && mpfr_cmp_ui(c->at, 1) == 0 && !mag_is_zero(c->error[0]));
}

START_TEST(cosh_of_small_numbers)
{
    in_work(small_cosh, NULL);
}
END_TEST

/* ---- maximum ------------------------------------------------------------------------------------------------------ */

/* max(x, y) in max(A, B), also where they overlap or touch, over either, and exactly one of them if they do not. */
static void taking_the_maximum(struct work *w, void *args)
{
    uint64_t state = 9;
    size_t overlaps = 0, missed = 0, count = rounds(4000);
    (void)args;
    for (size_t round = 0; round < count; round++) {
        struct work_block *mark = work_mark(w);
        struct ball *a = random_ball(w, &state, 1, 1, random_prec(&state), 3);
        struct ball *b = round % 4 ? random_ball(w, &state, 1, 1, random_prec(&state), 3) : clone(w, a);
        struct ball *c = ball_new(w, 1, 1, random_prec(&state)), *over_a = clone(w, a), *over_b = clone(w, b);
        ball_max(c, a, b);
        for (int member = 0; member < 3; member++) {
            struct ball *x = random_member(w, &state, a), *y = random_member(w, &state, b);
            struct ball *z = mpfr_greater_p(x->at, y->at) ? x : y;
            ck_assert(encloses(c, z));
            overlaps += (z == x) != (mpfr_greater_p(a->at, b->at) != 0);
            missed += half_misses(w, c, z);
        }
        mpfr_prec_t prec = a->prec;
        ball_max(over_a, over_a, b);
        c = ball_new(w, 1, 1, prec);
        ball_max(c, a, b);
        ck_assert(same_ball(c, over_a));
        c = ball_new(w, 1, 1, b->prec);
        ball_max(c, a, b);
        ball_max(over_b, a, over_b);
        ck_assert(same_ball(c, over_b));
        ck_assert(!ball_is_exact(a) || !ball_is_exact(b) || b->prec < a->prec || ball_is_exact(c));
        work_release(w, mark);
    }
    ck_assert(overlaps > count / 20 && missed > count / 4);
}

START_TEST(maximum_encloses)
{
    in_work(taking_the_maximum, NULL);
}
END_TEST

static void maximum_cases(struct work *w, void *args)
{
    (void)args;
    struct ball *c = ball_new(w, 1, 1, 60);
    ball_max(c, scalar_of(w, 1, 0), scalar_of(w, 1, 0));
    ck_assert(ball_is_exact(c) && mpfr_cmp_ui(c->at, 1) == 0);
    ball_max(c, scalar_of(w, -3, 0), scalar_of(w, -2, 0));
    ck_assert(ball_is_exact(c) && mpfr_cmp_si(c->at, -2) == 0);
    ball_max(c, scalar_of(w, 1, 0.25), scalar_of(w, 2, 0)); /* apart: the larger as it is */
    ck_assert(ball_is_exact(c) && mpfr_cmp_ui(c->at, 2) == 0);
    ball_max(c, scalar_of(w, 1, 0.5), scalar_of(w, 2, 0.5)); /* they touch at 1.5 */
    ck_assert(same_mag(c->radius, mag_power_of_two(-1)) && mpfr_cmp_ui(c->at, 2) == 0);
    ball_max(c, scalar_of(w, 1, 8), scalar_of(w, 2, 0.5)); /* up to 9 */
    struct ball *nine = ball_from_integer(w, 9);
    ck_assert(encloses(c, nine));
    ball_max(c, scalar_of(w, 2, 0.5), scalar_of(w, 1, 8));
    ck_assert(encloses(c, nine));
}

START_TEST(maximum_of_known_numbers)
{
    in_work(maximum_cases, NULL);
}
END_TEST

/* ---- widening, noting, adopting -------------------------------------------------------------------------------------- */

/* A wider ball holds what is off by that much more, and forgets that it was exact. */
static void widening(struct work *w, void *args)
{
    uint64_t state = 10;
    (void)args;
    for (size_t round = 0; round < rounds(500); round++) {
        struct work_block *mark = work_mark(w);
        struct ball *a = random_ball(w, &state, 2, 2, random_prec(&state), 20), *x = random_member(w, &state, a);
        struct ball *s = random_ball(w, &state, 1, 1, random_prec(&state), 20), *t = random_member(w, &state, s);
        struct rational rational = {a, NULL};
        a->rational = s->rational = &rational;
        mag by = mag_power_of_two((long)random_below(&state, 20) - 10);
        MPFR_DECL_INIT(shift, 32);
        mag_get_mpfr(shift, by);
        ball_widen_all(a, by);
        ball_widen(s, by);
        mpfr_add(x->at + 2, x->at + 2, shift, MPFR_RNDN);
        mpfr_sub(t->at, t->at, shift, MPFR_RNDN);
        ck_assert(encloses(a, x) && encloses(s, t));
        ck_assert(!a->rational && !s->rational);
        mpfr_mul_2ui(shift, shift, 40, MPFR_RNDN);
        mpfr_add(x->at + 2, x->at + 2, shift, MPFR_RNDN);
        mpfr_sub(t->at, t->at, shift, MPFR_RNDN);
        mpfr_mul_2si(x->at + 2, x->at + 2, 40, MPFR_RNDN);
        mpfr_mul_2si(t->at, t->at, 40, MPFR_RNDN);
        ck_assert(!encloses(a, x) && !encloses(s, t));
        work_release(w, mark);
    }
}

START_TEST(widening_is_enough)
{
    in_work(widening, NULL);
}
END_TEST

/* With errors noted: the radius is the least of sqrt(sum of squares of all errors) and inherited + sqrt(sum of squares
 * of the roundings); a rounding is half a unit in the last place, and none where the ternary value is 0. */
static void noting(struct work *w, void *args)
{
    (void)args;
    struct ball *c = ball_new(w, 1, 2, 10);
    struct tally t = {MAG_ZERO, MAG_ZERO};
    struct rational rational = {c, NULL};
    c->rational = &rational;
    mpfr_set_ui(c->at, 1, MPFR_RNDN); /* of exponent 1: half a unit is 2^-10 */
    mpfr_set_ui(c->at + 1, 8, MPFR_RNDN);
    ball_note(c, &t, 0, -1, MAG_ZERO);
    ball_note(c, &t, 1, 0, mag_power_of_two(-3));
    ck_assert(same_mag(c->error[0], mag_power_of_two(-10)) && same_mag(c->error[1], mag_power_of_two(-3)));
    ball_done(c, &t, MAG_INF);
    ck_assert(mag_le(mag_power_of_two(-3), c->radius) && mag_le(c->radius, mag_scale(mag_from_integer(9), -6)));
    ck_assert(!c->rational);
    ball_done(c, &t, mag_power_of_two(-20));
    ck_assert(same_mag(c->radius, up_add(mag_power_of_two(-20), mag_power_of_two(-10))));
    ball_done(c, &t, MAG_ONE);
    ck_assert(!mag_le(MAG_ONE, c->radius));
}

START_TEST(notes_add_up)
{
    in_work(noting, NULL);
}
END_TEST

/* What two enclosures of X know together: of `known` the exact entries, rounded to the precision of `a`. */
static void adopting(struct work *w, void *args)
{
    uint64_t state = 11;
    size_t missed = 0, count = rounds(1000);
    (void)args;
    for (size_t round = 0; round < count; round++) {
        struct work_block *mark = work_mark(w);
        struct ball *a = random_ball(w, &state, 2, 3, random_prec(&state), 10), *x = random_member(w, &state, a);
        struct ball *before = clone(w, a), *known = ball_new(w, 2, 3, x->prec);
        struct rational rational = {known, NULL};
        known->rational = &rational;
        for (size_t k = 0; k < 6; k++)
            if (random_below(&state, 2))
                mpfr_set(known->at + k, x->at + k, MPFR_RNDN);
            else
                known->error[k] = known->radius = MAG_INF;
        ball_adopt(a, NULL);
        ck_assert(same_ball(a, before));
        ball_adopt(a, known);
        ck_assert(encloses(a, x) && a->rational == &rational);
        for (size_t k = 0; k < 6; k++)
            if (mag_is_zero(known->error[k])) {
                ck_assert(mag_is_zero(a->error[k]) == (mpfr_equal_p(a->at + k, x->at + k) != 0));
                mpfr_add_ui(x->at + k, x->at + k, 1000000, MPFR_RNDN);
            }
        missed += !encloses(a, x);
        work_release(w, mark);
    }
    ck_assert(missed > count / 2);
}

START_TEST(adopted_entries_are_right)
{
    in_work(adopting, NULL);
}
END_TEST

/* ---- sums -------------------------------------------------------------------------------------------------------- */

static struct ball *true_dot(struct work *w, const struct ball *x, const struct ball *y)
{
    struct ball *z = ball_new(w, 1, 1, TRUTH_BITS);
    for (size_t k = 0; k < ball_count(x); k++)
        ck_assert(mpfr_fma(z->at, x->at + k, y->at + k, z->at, MPFR_RNDN) == 0);
    return z;
}

/* <X, Y>, ||X||^2 and ||X|| for X in A and Y in B; over a, if that is a scalar, the same. */
static void summing(struct work *w, void *args)
{
    uint64_t state = 12;
    size_t missed = 0, inexact = 0, count = rounds(2000);
    (void)args;
    for (size_t round = 0; round < count; round++) {
        struct work_block *mark = work_mark(w);
        size_t rows = random_size(&state), cols = random_size(&state);
        struct ball *a = random_ball(w, &state, rows, cols, random_prec(&state), 100);
        struct ball *b = random_ball(w, &state, rows, cols, random_prec(&state), 100);
        mpfr_prec_t prec = ball_count(a) == 1 ? a->prec : random_prec(&state);
        struct ball *dot = ball_new(w, 1, 1, prec), *sqr = ball_new(w, 1, 1, prec), *norm = ball_new(w, 1, 1, prec);
        ball_dot(w, dot, a, b);
        ball_norm_sqr(w, sqr, a);
        ball_norm(w, norm, a);
        struct ball *x = random_member(w, &state, a), *y = random_member(w, &state, b);
        struct ball *xx = true_dot(w, x, x), *xy = true_dot(w, x, y);
        ck_assert(encloses(dot, xy) && encloses(sqr, xx));
        inexact += !ball_is_exact(dot);
        missed += half_misses(w, dot, xy);
        mpfr_sqrt(xx->at, xx->at, MPFR_RNDN);
        ck_assert(encloses(norm, xx));
        if (ball_count(a) == 1) {
            struct ball *over = clone(w, a);
            ball_dot(w, over, over, b);
            ck_assert(same_ball(over, dot));
            over = clone(w, a);
            ball_norm_sqr(w, over, over);
            ck_assert(same_ball(over, sqr));
            over = clone(w, a);
            ball_norm(w, over, over);
            ck_assert(same_ball(over, norm));
        }
        work_release(w, mark);
    }
    ck_assert_msg(missed > inexact / 50, "%zu of %zu", missed, inexact);
}

START_TEST(sums_enclose)
{
    in_work(summing, NULL);
}
END_TEST

/* ||a||^2 is exact if it fits, and ||a|| too where that is a square: (3, 4), (2, 3, 6), (2k, k^2 - 1), also scaled. */
static void exact_norms(struct work *w, void *args)
{
    uint64_t state = 13;
    (void)args;
    for (size_t round = 0; round < rounds(1000); round++) {
        struct work_block *mark = work_mark(w);
        long k = 2 + (long)random_below(&state, 1000), scale = (long)random_below(&state, 2000) - 1000;
        struct ball *a = ball_new(w, 2, 2, 64), *norm = ball_new(w, 1, 1, 22), *sqr = ball_new(w, 1, 1, 44);
        mpfr_set_si_2exp(a->at, 2 * k, scale, MPFR_RNDN);
        mpfr_set_si_2exp(a->at + 3, 1 - k * k, scale, MPFR_RNDN);
        ball_norm(w, norm, a);
        ball_norm_sqr(w, sqr, a);
        ck_assert(ball_is_exact(norm) && mpfr_cmp_si_2exp(norm->at, k * k + 1, scale) == 0);
        ck_assert(ball_is_exact(sqr) && mpfr_cmp_si_2exp(sqr->at, (k * k + 1) * (k * k + 1), 2 * scale) == 0);
        mpfr_nextabove(a->at);
        ball_norm(w, norm, a);
        ck_assert(!ball_is_exact(norm));
        work_release(w, mark);
    }
    struct ball *zero = ball_new(w, 3, 3, 10), *norm = ball_new(w, 1, 1, 10);
    ball_norm(w, norm, zero);
    ck_assert(ball_is_exact(norm) && ball_is_zero(norm));
    ball_widen_all(zero, mag_power_of_two(-5)); /* of Frobenius norm 2^-5 at most */
    ball_norm(w, norm, zero);
    ck_assert(mpfr_zero_p(norm->at) && same_mag(norm->radius, mag_power_of_two(-5)));
}

START_TEST(pythagorean_norms_are_exact)
{
    in_work(exact_norms, NULL);
}
END_TEST

/* s x + y, exactly, whatever the exponents, and on few bits. */
static void exact_sums(struct work *w, void *args)
{
    uint64_t state = 14;
    (void)args;
    for (size_t round = 0; round < rounds(500); round++) {
        struct work_block *mark = work_mark(w);
        struct ball *s = random_exact(w, &state, 1, 1, random_prec(&state), 300);
        struct ball *x = random_exact(w, &state, 2, 2, random_prec(&state), 300);
        struct ball *y = random_exact(w, &state, 2, 2, random_prec(&state), 300);
        struct ball *c = ball_exact_axpy(w, s, x, y);
        mpfr_t z;
        mpfr_init2(z, 4000);
        for (size_t k = 0; k < 4; k++) {
            ck_assert(mpfr_fma(z, s->at, x->at + k, y->at + k, MPFR_RNDN) == 0);
            ck_assert(mpfr_equal_p(z, c->at + k) && mag_is_zero(c->error[k]));
            mpfr_nextabove(z);
            ck_assert(!mpfr_equal_p(z, c->at + k));
        }
        ck_assert(ball_is_exact(c) && c->prec == ball_width(c) + 1);
        mpfr_clear(z);
        work_release(w, mark);
    }
    struct ball *far =
        ball_exact_axpy(w, ball_from_double(w, DBL_MAX), ball_from_double(w, DBL_MAX), ball_from_double(w, 0x1p-1074));
    ck_assert(ball_is_exact(far) && ball_width(far) == 2048 + 1074);
}

START_TEST(axpy_is_exact)
{
    in_work(exact_sums, NULL);
}
END_TEST

RUN_TESTS("ball", TEST(operations_enclose), TEST(exact_means_exact), TEST(outputs_may_be_inputs),
          TEST(exact_zeros_stay), TEST(scalars_agree_with_arb), TEST(new_balls_are_exact), TEST(bad_input_is_refused),
          TEST(moves_keep_entries), TEST(questions_are_answered), TEST(bounds_hold),
          TEST(dividing_by_zero_claims_nothing), TEST(roots_of_negatives_claim_nothing), TEST(nothing_comes_of_nothing),
          TEST(beyond_all_exponents), TEST(underflow_is_counted), TEST(cosh_of_small_numbers), TEST(maximum_encloses),
          TEST(maximum_of_known_numbers), TEST(widening_is_enough), TEST(notes_add_up), TEST(adopted_entries_are_right),
          TEST(sums_enclose), TEST(pythagorean_norms_are_exact), TEST(axpy_is_exact))
