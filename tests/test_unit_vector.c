/* Vectors of a given length: enclosed, and exactly rational wherever that length is. */
#include "unit_vector.h"

#include "random_balls.h"

/* ---- the truth ---------------------------------------------------------------------------------------------------------- */

enum { DEEP = 3000 };

/* sqrt(num / den) ||x|| and that over ||x||^2 times x, to 2900 bits or so. */
static void true_unit_vector(struct work *w, struct ball *o, mpfr_ptr norm, long num, long den, const struct ball *x)
{
    mpfr_ptr length = ball_new(w, 1, 1, DEEP)->at;
    for (size_t k = 0; k < ball_count(x); k++)
        mpfr_fma(length, x->at + k, x->at + k, length, MPFR_RNDN);
    mpfr_sqrt(length, length, MPFR_RNDN);
    mpfr_set_si(norm, num, MPFR_RNDN);
    mpfr_div_si(norm, norm, den, MPFR_RNDN);
    mpfr_sqrt(norm, norm, MPFR_RNDN);
    for (size_t k = 0; k < ball_count(x); k++) {
        mpfr_mul(o->at + k, x->at + k, norm, MPFR_RNDN);
        mpfr_div(o->at + k, o->at + k, length, MPFR_RNDN);
    }
    mpfr_mul(norm, norm, length, MPFR_RNDN);
}

/* contains(), for a truth with errors of its own: they are far below those of any ball here. */
static bool holds(struct work *w, const struct ball *c, const struct ball *truth)
{
    struct ball *wider = clone(w, c);
    for (size_t k = 0; k < ball_count(c); k++)
        wider->error[k] = up_add(wider->error[k], mag_scale(up_abs(truth->at + k), 40 - DEEP));
    wider->radius = up_add(wider->radius, mag_scale(ball_norm_up(truth), 40 - DEEP));
    return encloses(wider, truth);
}

/* Whether x is sqrt(num / den) g / ||g||: x_k^2 den ||g||^2 = num g_k^2 and of the sign of g_k, in exact numbers. */
static bool is_exactly(struct work *w, const struct rational *x, long num, long den, const struct ball *g)
{
    mpfr_ptr t = ball_new(w, 1, 3, DEEP)->at, squares = t, left = t + 1, right = t + 2;
    int inexact = 0;
    bool equal = mpz_sgn(x->denominator) > 0 && ball_is_exact(x->numerators);
    for (size_t k = 0; k < ball_count(g); k++)
        inexact |= mpfr_fma(squares, g->at + k, g->at + k, squares, MPFR_RNDN);
    for (size_t k = 0; k < ball_count(g); k++) {
        inexact |= mpfr_sqr(left, x->numerators->at + k, MPFR_RNDN);
        inexact |= mpfr_mul(left, left, squares, MPFR_RNDN) | mpfr_mul_si(left, left, den, MPFR_RNDN);
        inexact |= mpfr_sqr(right, g->at + k, MPFR_RNDN) | mpfr_mul_si(right, right, num, MPFR_RNDN);
        inexact |= mpfr_mul_z(right, right, x->denominator, MPFR_RNDN);
        inexact |= mpfr_mul_z(right, right, x->denominator, MPFR_RNDN);
        equal = equal && mpfr_equal_p(left, right) && mpfr_sgn(x->numerators->at + k) == mpfr_sgn(g->at + k);
    }
    ck_assert(!inexact);
    return equal;
}

/* ---- tests ---------------------------------------------------------------------------------------------------------------- */

struct count {
    size_t useful, missed;
};

static void check_random(struct work *w, uint64_t *state, struct count *count)
{
    size_t rows = 1 + random_below(state, 3), cols = 1 + random_below(state, 3);
    struct ball *g = random_ball(w, state, rows, cols, (mpfr_prec_t)(20 + random_below(state, 200)), 30);
    mpfr_prec_t prec = (mpfr_prec_t)(10 + random_below(state, 250));
    struct ball *o = ball_new(w, rows, cols, prec), *norm = ball_new(w, 1, 1, prec);
    long num = 1 + (long)random_below(state, 50), den = 1 + (long)random_below(state, 50);
    const struct rational *value = NULL;
    unit_vector(w, o, norm, random_below(state, 2) ? &value : NULL, num, den, g);
    struct ball *x = random_member(w, state, g), *true_o = ball_new(w, rows, cols, DEEP);
    struct ball *true_norm = ball_new(w, 1, 1, DEEP);
    if (!ball_is_zero(x)) {
        true_unit_vector(w, true_o, true_norm->at, num, den, x);
        ck_assert(holds(w, o, true_o) && holds(w, norm, true_norm));
    }
    ck_assert(!value || (ball_is_exact(g) && is_exactly(w, value, num, den, g)));
    if (mag_is_inf(o->radius) || ball_is_exact(o))
        return;
    count->useful++;
    o->radius = mag_scale(o->radius, -8);
    for (size_t k = 0; k < ball_count(o); k++)
        o->error[k] = mag_scale(o->error[k], -8);
    count->missed += !holds(w, o, true_o);
}

static void random_vectors(struct work *w, void *args)
{
    uint64_t state = 1;
    size_t number = rounds(3000);
    struct count count = {0, 0};
    (void)args;
    for (size_t round = 0; round < number; round++) {
        struct work_block *mark = work_mark(w);
        check_random(w, &state, &count);
        work_release(w, mark);
    }
    ck_assert_msg(count.useful > number / 2 && count.missed > count.useful / 4, "%zu of %zu", count.missed,
                  count.useful);
}

/* For X in G: sqrt(num / den) X / ||X|| in o and sqrt(num / den) ||X|| in norm; and no rational value unless it is it. */
START_TEST(unit_vectors_enclose)
{
    in_work(random_vectors, NULL);
}
END_TEST

/* A vector g whose length times sqrt(num / den) is rational, scaled by a power of two. */
struct rational_case {
    long g[4], num, den;
};

static void check_rational(struct work *w, const struct rational_case *c, long scale, bool rational)
{
    struct work_block *mark = work_mark(w);
    struct ball *g = ball_new(w, 2, 2, 53), *o = ball_new(w, 2, 2, 100), *norm = ball_new(w, 1, 1, 100);
    const struct rational *value = NULL;
    for (size_t k = 0; k < 4; k++)
        mpfr_set_si_2exp(g->at + k, c->g[k], scale, MPFR_RNDN);
    unit_vector(w, o, norm, &value, c->num, c->den, g);
    ck_assert_msg((value != NULL) == rational, "(%ld %ld %ld %ld) %ld / %ld", c->g[0], c->g[1], c->g[2], c->g[3],
                  c->num, c->den);
    ck_assert(!mag_is_inf(o->radius));
    if (value) {
        ck_assert(is_exactly(w, value, c->num, c->den, g));
        ck_assert(!is_exactly(w, value, c->num + 1, c->den, g) && !is_exactly(w, value, c->num, c->den + 1, g));
        size_t k = 0;
        while (c->g[k] == 0)
            k++;
        mpfr_neg(value->numerators->at + k, value->numerators->at + k, MPFR_RNDN);
        ck_assert(!is_exactly(w, value, c->num, c->den, g));
    }
    work_release(w, mark);
}

static void rationals(struct work *w, void *args)
{
    static const struct rational_case yes[] = {
        {{3, 4, 0, 0}, 1, 1},  {{0, -3, 0, 4}, 1, 1},  {{1, 1, 1, 1}, 1, 1},       {{1, -1, 0, 0}, 2, 1},
        {{1, 1, 0, 0}, 1, 2},  {{5, 0, 0, 0}, 1, 1},   {{-7, 0, 0, 0}, 4, 9},      {{2, 3, 6, 0}, 16, 25},
        {{1, 1, 1, 0}, 3, 1},  {{1, 1, 1, 0}, 12, 49}, {{20, 21, 0, 0}, 100, 121}, {{1, 2, 3, 0}, 14, 1},
        {{6, 10, 0, 0}, 34, 1}};
    static const struct rational_case no[] = {
        {{1, 1, 0, 0}, 1, 1}, {{3, 4, 0, 0}, 2, 1}, {{3, 4, 0, 0}, 1, 2}, {{1, 2, 3, 0}, 1, 1}, {{1, 1, 1, 1}, 3, 1}};
    (void)args;
    for (long scale = -1000; scale <= 900; scale += 100) {
        for (size_t k = 0; k < sizeof yes / sizeof yes[0]; k++)
            check_rational(w, &yes[k], scale + (long)k, true);
        for (size_t k = 0; k < sizeof no / sizeof no[0]; k++)
            check_rational(w, &no[k], scale + (long)k, false);
    }
}

/* (3, 4) / 5 and its like are found to be rational, with their exact value, whatever their scale; others are not. */
START_TEST(rational_vectors_are_found)
{
    in_work(rationals, NULL);
}
END_TEST

/* Zero stays zero, over anything that was there before; a vector that may be zero claims nothing but its length. */
static void zeros(struct work *w, void *args)
{
    (void)args;
    struct ball *g = ball_new(w, 2, 3, 53), *o = ball_new(w, 2, 3, 100), *norm = ball_new(w, 1, 1, 100);
    const struct rational *value = NULL;
    mpfr_set_ui(o->at + 3, 1, MPFR_RNDN);
    mpfr_set_ui(norm->at, 1, MPFR_RNDN);
    ball_widen_all(o, MAG_ONE);
    unit_vector(w, o, norm, &value, 5, 3, g);
    ck_assert(ball_is_zero(o) && ball_is_exact(o) && ball_is_zero(norm) && ball_is_exact(norm) && !value);
    mpfr_set_ui(g->at + 4, 1, MPFR_RNDN);
    ball_widen_all(g, mag_power_of_two(3));
    unit_vector(w, o, norm, &value, 1, 1, g);
    ck_assert(mag_is_inf(o->radius) && mag_is_inf(o->error[0]) && !value);
    ck_assert(mag_is_inf(norm->radius) || mag_le(mag_power_of_two(3), norm->radius));
    struct ball *exact = ball_new(w, 2, 3, 53);
    mpfr_set_si(exact->at + 4, -3, MPFR_RNDN);
    unit_vector(w, o, norm, &value, 1, 1, exact); /* zeros beside it are exact */
    ck_assert(mag_is_zero(o->error[0]) && mpfr_zero_p(o->at) && mpfr_cmp_si(o->at + 4, -1) == 0 && ball_is_exact(o));
    ck_assert(mpfr_cmp_ui(norm->at, 3) == 0 && ball_is_exact(norm) && value && is_exactly(w, value, 1, 1, exact));
}

START_TEST(zeros_and_what_may_be_zero)
{
    in_work(zeros, NULL);
}
END_TEST

/* o may be g. */
static void overwriting(struct work *w, void *args)
{
    uint64_t state = 2;
    (void)args;
    for (size_t round = 0; round < rounds(300); round++) {
        struct work_block *mark = work_mark(w);
        struct ball *g = random_ball(w, &state, 2, 2, 100, 10), *o = ball_new(w, 2, 2, 100), *over = clone(w, g);
        struct ball *norm = ball_new(w, 1, 1, 100), *other = ball_new(w, 1, 1, 100);
        const struct rational *value = NULL, *same = NULL;
        unit_vector(w, o, norm, &value, 2, 3, g);
        unit_vector(w, over, other, &same, 2, 3, over);
        ck_assert(same_ball(o, over) && same_ball(norm, other) && !value == !same);
        work_release(w, mark);
    }
}

START_TEST(output_may_be_input)
{
    in_work(overwriting, NULL);
}
END_TEST

RUN_TESTS("unit_vector", TEST(unit_vectors_enclose), TEST(rational_vectors_are_found), TEST(zeros_and_what_may_be_zero),
          TEST(output_may_be_input))
