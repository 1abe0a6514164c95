/* Numbers of the proofs: enclosures hold the true value, fractions are exact, questions are answered only if proved. */
#include "support.h"

#include "real.h"

#include <math.h>
#include <string.h>

enum { FINE = 400 };

/* Whether x holds the number t, to which a relative 2^-300 is allowed for. */
static bool holds(real x, mpfr_srcptr t)
{
    MPFR_DECL_INIT(lo, FINE);
    MPFR_DECL_INIT(hi, FINE);
    MPFR_DECL_INIT(slack, FINE);
    real_ends(lo, hi, x);
    mpfr_abs(slack, t, MPFR_RNDU);
    mpfr_mul_2si(slack, slack, -300, MPFR_RNDU);
    mpfr_sub(lo, lo, slack, MPFR_RNDD);
    mpfr_add(hi, hi, slack, MPFR_RNDU);
    return mpfr_lessequal_p(lo, t) && mpfr_lessequal_p(t, hi);
}

/* An interval of relative width 2^-20 or so, or a fraction, and one of the numbers that it holds. */
static real random_real(const struct field *f, uint64_t *state, mpfr_ptr member)
{
    double x = ldexp(random_gaussian(state), (int)random_below(state, 12) - 6), share = random_uniform(state);
    double width = random_below(state, 3) ? fabs(x) * 0x1p-20 : 0;
    if (random_below(state, 4) == 0)
        x = 0, width = 0;
    mpfr_set_d(member, x, MPFR_RNDN);
    if (width == 0)
        return real_double(f, x);
    mpfr_set_d(member, width, MPFR_RNDN);
    mpfr_mul_d(member, member, share, MPFR_RNDN);
    mpfr_add_d(member, member, x, MPFR_RNDN);
    return real_between(real_double(f, x), real_double(f, x + width));
}

static void check_binary(struct work *w, void *args)
{
    static real (*const functions[])(real, real) = {real_add, real_sub, real_mul, real_div, real_max, real_min};
    static int (*const truths[])(mpfr_ptr, mpfr_srcptr, mpfr_srcptr, mpfr_rnd_t) = {mpfr_add, mpfr_sub, mpfr_mul,
                                                                                    mpfr_div, mpfr_max, mpfr_min};
    const struct field f = {w, 64};
    uint64_t state = 1;
    MPFR_DECL_INIT(a, FINE);
    MPFR_DECL_INIT(b, FINE);
    MPFR_DECL_INIT(t, FINE);
    (void)args;
    for (size_t k = 0; k < rounds(6000); k++) {
        struct work_block *mark = work_mark(w);
        real x = random_real(&f, &state, a), y = random_real(&f, &state, b);
        size_t which = k % 6;
        if (which == 3 && mpfr_zero_p(b))
            continue;
        truths[which](t, a, b, MPFR_RNDN);
        real z = functions[which](x, y);
        ck_assert_msg(holds(z, t), "operation %zu of round %zu", which, k);
        ck_assert(!(x->exact && y->exact) || z->exact);
        mpfr_add_d(t, t, 1, MPFR_RNDN); /* counter-check: one more is not in it */
        ck_assert(!holds(z, t));
        work_release(w, mark);
    }
}

START_TEST(operations_enclose)
{
    in_work(check_binary, NULL);
}
END_TEST

static void check_functions(struct work *w, void *args)
{
    static real (*const functions[])(real) = {real_exp, real_cosh,   real_sinh, real_cos, real_sin,
                                              real_abs, real_square, real_root, real_log, real_neg};
    static int (*const truths[])(mpfr_ptr, mpfr_srcptr, mpfr_rnd_t) = {
        mpfr_exp, mpfr_cosh, mpfr_sinh, mpfr_cos, mpfr_sin, mpfr_abs, mpfr_sqr, mpfr_sqrt, mpfr_log, mpfr_neg};
    const struct field f = {w, 64};
    uint64_t state = 2;
    MPFR_DECL_INIT(a, FINE);
    MPFR_DECL_INIT(t, FINE);
    (void)args;
    for (size_t k = 0; k < rounds(4000); k++) {
        struct work_block *mark = work_mark(w);
        real x = random_real(&f, &state, a);
        size_t which = k % 10;
        if ((which == 7 || which == 8) && mpfr_sgn(a) <= 0)
            continue;
        truths[which](t, a, MPFR_RNDN);
        real z = functions[which](x);
        ck_assert_msg(holds(z, t), "function %zu of round %zu", which, k);
        mpfr_abs(a, t, MPFR_RNDN);
        mpfr_add_d(a, a, 1, MPFR_RNDN);
        mpfr_div_2ui(a, a, 6, MPFR_RNDN);
        mpfr_add(t, t, a, MPFR_RNDN); /* counter-check: 2^-6 more of 1 + |t| */
        ck_assert(!holds(z, t));
        work_release(w, mark);
    }
}

START_TEST(functions_enclose)
{
    in_work(check_functions, NULL);
}
END_TEST

/* 1/3 + 1/6 = 1/2; sqrt(9/4) = 3/2; -4.7750 = -191/40; 2.5e-3 = 1/400; (1/2)^5 = 1/32: fractions all along. */
static void check_exact(struct work *w, void *args)
{
    const struct field f = {w, 64};
    (void)args;
    const real sums[][2] = {{real_add(real_fraction(&f, 1, 3), real_fraction(&f, 1, 6)), real_fraction(&f, 1, 2)},
                            {real_root(real_fraction(&f, 9, 4)), real_fraction(&f, 3, 2)},
                            {real_decimal(&f, "-4.7750"), real_fraction(&f, -191, 40)},
                            {real_decimal(&f, "2.5e-3"), real_fraction(&f, 1, 400)},
                            {real_decimal(&f, "25e2"), real_whole(&f, 2500)},
                            {real_power(real_fraction(&f, 1, 2), 5), real_fraction(&f, 1, 32)},
                            {SUM(real_whole(&f, 1), real_whole(&f, 2), real_whole(&f, 3)), real_whole(&f, 6)},
                            {PRODUCT(real_whole(&f, 2), real_whole(&f, 3)), real_whole(&f, 6)}};
    for (size_t k = 0; k < sizeof sums / sizeof sums[0]; k++)
        ck_assert_msg(sums[k][0]->exact && mpq_equal(sums[k][0]->exact, sums[k][1]->exact), "%zu", k);
    ck_assert(!real_root(real_whole(&f, 2))->exact && !real_enclose(real_whole(&f, 2))->exact);
    ck_assert(real_middle(real_enclose(real_fraction(&f, 1, 3)))->exact);
}

START_TEST(fractions_stay_exact)
{
    in_work(check_exact, NULL);
}
END_TEST

/* An interval around 0 is neither above nor below, nor are 1 over it, 0 times that, or its logarithm. */
static void check_questions(struct work *w, void *args)
{
    const struct field f = {w, 64};
    real zero = real_whole(&f, 0), one = real_whole(&f, 1), around = real_between(real_neg(one), one);
    real line = real_div(one, around), nothing = real_sub(line, line), product = real_mul(real_enclose(zero), line);
    (void)args;
    ck_assert(real_at_least_0(zero) && real_at_most_0(zero) && !real_above_0(zero) && !real_below_0(zero));
    ck_assert(real_above_0(one) && real_at_least_0(one) && !real_at_most_0(one) && real_below_0(real_neg(one)));
    const real unknown[] = {around, line, nothing, product, real_log(around)};
    for (size_t k = 0; k < 5; k++)
        ck_assert(!real_above_0(unknown[k]) && !real_below_0(unknown[k]) && !real_at_least_0(unknown[k]) &&
                  !real_at_most_0(unknown[k]) && !real_above_0(real_max(unknown[k], zero)));
    ck_assert(real_sign(zero, "") == 0 && real_sign(one, "") == 1 && real_sign(real_neg(one), "") == -1);
    ck_assert(real_sign(real_enclose(zero), "") == 0 && real_at_least_0(real_between(zero, one)));
}

static void undecided_sign(struct work *w, void *args)
{
    const struct field f = {w, 64};
    real one = real_whole(&f, 1);
    (void)args;
    real_sign(real_between(real_neg(one), one), "the thing");
}

START_TEST(questions_need_proof)
{
    in_work(check_questions, NULL);
    const char *message = fails_in_work(ASSAY_UNDECIDED, undecided_sign, NULL);
    ck_assert_msg(strstr(message, "the thing") && strstr(message, "64 bits"), "%s", message);
}
END_TEST

/* real_keep() returns the same values, fraction or interval, in fresh memory. */
static void check_keep(struct work *w, void *args)
{
    const struct field f = {w, 64};
    struct work_block *mark = work_mark(w);
    real values[] = {real_fraction(&f, 22, 7), real_root(real_whole(&f, 2))};
    MPFR_DECL_INIT(t, FINE);
    (void)args;
    real_keep(w, mark, values, 2);
    ck_assert(values[0]->exact && mpq_cmp_ui(values[0]->exact, 22, 7) == 0);
    mpfr_sqrt_ui(t, 2, MPFR_RNDN);
    ck_assert(!values[1]->exact && holds(values[1], t));
}

START_TEST(kept_numbers_survive)
{
    in_work(check_keep, NULL);
}
END_TEST

RUN_TESTS("real", TEST(operations_enclose), TEST(functions_enclose), TEST(fractions_stay_exact),
          TEST(questions_need_proof), TEST(kept_numbers_survive))
