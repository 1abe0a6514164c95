#include "numbers.h"

#include "ports_support.h"
#include "support.h"

#include <math.h>
#include <string.h>

static const assay_options alone = {.threads = 1};
enum { PORT = 1000 }; /* takes no part in what variances are made of */

static struct port port_of(const char *name)
{
    return (struct port){.d = *assay_dialect_find(name)};
}

static void estimated(struct number_estimate found[NUMBERS], const struct port_suite *s, const char *dialect,
                      enum tensor_type format)
{
    ck_assert(numbers_estimate(found, assay_dialect_find(dialect), FAULT_NONE, s->observed, s->count, format, &alone) ==
              ASSAY_OK);
}

/* The true value is within 4 standard errors, and these are at most `error`. */
static void is_near(const struct number_estimate *x, enum number k, double truth, double error)
{
    ck_assert_msg(x[k].seen, "%s is not seen", number_names[k]);
    ck_assert_msg(x[k].error <= error, "%s: an error of %g", number_names[k], x[k].error);
    ck_assert_msg(fabs(x[k].value - truth) <= 4 * x[k].error, "%s: %.10g +- %g, not %.10g", number_names[k], x[k].value,
                  x[k].error, truth);
}

static bool excludes(const struct number_estimate *x, enum number k)
{
    return fabs(x[k].value - x[k].nominal) > 4 * x[k].error;
}

/* An honest port has the dialect's own numbers: 0.9375 and 0.25 are those of the cases. */
START_TEST(honest_ports_have_nominal_numbers)
{
    static const struct {
        enum tensor_type format;
        double precision;
    } ways[] = {{TENSOR_F64, 1e-12}, {TENSOR_F32, 3e-6}, {TENSOR_BF16, 0.06}};
    struct port_suite s = port_suite_new();
    struct port p = port_of("jordan");
    for (size_t n = 0; n < 3; n += thorough() ? 1 : 2) {
        struct number_estimate x[NUMBERS];
        double e = ways[n].precision;
        port_answers(&s, &p, ways[n].format, PORT);
        estimated(x, &s, "jordan", ways[n].format);
        is_near(x, NUMBER_A, 3.4445, e);
        is_near(x, NUMBER_B, -4.775, e);
        is_near(x, NUMBER_C, 2.0315, e);
        is_near(x, NUMBER_NORM, 1, e);
        is_near(x, NUMBER_EPS, 1e-7, e * 1e-7);
        is_near(x, NUMBER_SCALE, 1, e);
        is_near(x, NUMBER_BETA, 0.9375, 1e-7);
        is_near(x, NUMBER_DECAY, 0.25, 0.01);
        ck_assert(!x[NUMBER_ROUNDING].seen && x[NUMBER_ROUNDING].cases == 0);
        ck_assert(x[NUMBER_EPS].nominal == 1e-7 && fabs(x[NUMBER_BETA].nominal - 0.9375) < 1e-12);
    }
    port_suite_free(&s);
}
END_TEST

/* A coefficient may be what the format makes of it: 3.4445 is 3.4375 in bfloat16, and 3.4445 in binary32. No other number may. */
START_TEST(coefficients_may_be_rounded)
{
    const struct number_estimate x = {.value = 3.4375, .error = 0.001};
    struct number_estimate a = number_beside(&x, NUMBER_A, TENSOR_BF16, 3.4445),
                           finer = number_beside(&x, NUMBER_A, TENSOR_F32, 3.4445),
                           scale = number_beside(&x, NUMBER_SCALE, TENSOR_BF16, 3.4445);
    ck_assert(a.nominal == 3.4445 && a.rounded == 3.4375 && a.value == x.value && a.error == x.error);
    ck_assert(!number_excluded(&a, NUMBER_FAR) && number_excluded(&finer, NUMBER_FAR) &&
              number_excluded(&scale, NUMBER_FAR));
    a.value = 3.441; /* as far from the one as from the other */
    ck_assert(!number_excluded(&a, NUMBER_FAR) && number_excluded(&a, 3));
}
END_TEST

/* A port with other numbers: they are found, all at once, and the nominal ones excluded. epsilon is ten times too large. */
START_TEST(other_numbers_are_found)
{
    struct port_suite s = port_suite_new();
    struct port p = port_of("jordan");
    static const struct assay_triple triple = {3.5, -4.75, 2};
    static const struct assay_coefficients table = {"", "", 1, &triple};
    p.d.coefficients = &table;
    p.d.eps = 1e-6;
    p.d.scale_factor = 1.1;
    p.d.norm_factor = 1.02;
    p.beta_off = 0.9 - 0.9375;
    p.decay_off = -0.15;
    static const enum tensor_type formats[] = {TENSOR_F32, TENSOR_BF16};
    for (size_t n = 0; n < (thorough() ? 2 : 1); n++) {
        struct number_estimate x[NUMBERS];
        double e = n ? 0.06 : 3e-6;
        port_answers(&s, &p, formats[n], PORT + 2); /* constants are not rounded */
        estimated(x, &s, "jordan", formats[n]);
        is_near(x, NUMBER_A, 3.5, e);
        is_near(x, NUMBER_B, -4.75, e);
        is_near(x, NUMBER_C, 2, e);
        is_near(x, NUMBER_NORM, 1.02, e);
        is_near(x, NUMBER_EPS, 1e-6, e * 1e-6);
        is_near(x, NUMBER_SCALE, 1.1, e);
        is_near(x, NUMBER_BETA, 0.9, 1e-7);
        is_near(x, NUMBER_DECAY, 0.1, 0.01);
        for (size_t k = 0; k < NUMBERS; k++)
            ck_assert_msg(k == NUMBER_ROUNDING || (n == 1 && k <= NUMBER_NORM) || excludes(x, (enum number)k), "%s",
                          number_names[k]);
    }
    port_suite_free(&s);
}
END_TEST

/* A schedule: its coefficients are no numbers of their own, but how far they are rounded is. Tensors that the dialect does not
 * take say nothing. */
START_TEST(schedules)
{
    struct port_suite s = port_suite_new();
    struct number_estimate x[NUMBERS];
    struct port p = port_of("polar-express");
    port_answers(&s, &p, TENSOR_F32, PORT + 2);
    estimated(x, &s, "polar-express", TENSOR_F32);
    for (size_t k = NUMBER_A; k <= NUMBER_C; k++)
        ck_assert(!x[k].seen && x[k].cases == 0 && x[k].value == x[k].nominal);
    is_near(x, NUMBER_NORM, p.d.norm_factor, 1e-5);
    is_near(x, NUMBER_SCALE, p.d.scale_factor, 1e-5);
    struct port other = port_of("torch");
    port_answers(&s, &other, TENSOR_F32, PORT);
    estimated(x, &s, "torch", TENSOR_F32); /* takes matrices alone */
    is_near(x, NUMBER_A, 3.4445, 1e-5);
    for (size_t c = 0; c < s.count; c++) /* a tensor of three dimensions with results all the same */
        if (strstr(s.observed[c].c->id, "newton-schulz-gaussian-2x4x6")) {
            port_answers(&s, &p, TENSOR_F32, PORT);
            const double *kept = s.observed[c].at[0];
            port_answers(&s, &other, TENSOR_F32, PORT);
            ck_assert(s.observed[c].at[0] == NULL);
            s.observed[c].at[0] = kept;
        }
    estimated(x, &s, "torch", TENSOR_F32);
    is_near(x, NUMBER_A, 3.4445, 1e-5);
    port_suite_free(&s);
}
END_TEST

/* What no case depends on is not seen: without steps, scale and decay; without anything small, eps; with one case alone, nothing,
 * as there is no scatter. */
START_TEST(what_is_not_seen)
{
    struct port_suite s = port_suite_new();
    struct number_estimate x[NUMBERS];
    struct port p = port_of("jordan");
    port_answers(&s, &p, TENSOR_F32, PORT);
    ck_assert(numbers_estimate(x, &p.d, FAULT_NONE, s.observed, 2, TENSOR_F32, &alone) == ASSAY_OK); /* momentum */
    is_near(x, NUMBER_BETA, 0.9375, 1e-7);
    ck_assert(!x[NUMBER_SCALE].seen && x[NUMBER_SCALE].cases == 0 && x[NUMBER_SCALE].value == 1);
    ck_assert(!x[NUMBER_EPS].seen && x[NUMBER_EPS].value == 1e-7 && !x[NUMBER_DECAY].seen);
    ck_assert(numbers_estimate(x, &p.d, FAULT_NONE, s.observed + 2, 1, TENSOR_F32, &alone) == ASSAY_OK);
    for (size_t k = 0; k < NUMBERS; k++)
        ck_assert(!x[k].seen && x[k].value == x[k].nominal);
    struct port sign = port_of("signsgdm");
    port_answers(&s, &sign, TENSOR_F32, PORT);
    estimated(x, &s, "signsgdm", TENSOR_F32);
    ck_assert(!x[NUMBER_A].seen && x[NUMBER_A].nominal == 0);
    is_near(x, NUMBER_SCALE, sign.d.scale_factor, 1e-5);
    port_suite_free(&s);
}
END_TEST

/* A case in which something else is wrong, or not finite, does little harm; two thirds of all do. */
START_TEST(wrong_cases_count_little)
{
    struct port_suite s = port_suite_new();
    struct number_estimate x[NUMBERS];
    struct port p = port_of("jordan"), wrong = p;
    wrong.d.nesterov = ASSAY_NESTEROV_RAW;
    port_answers(&s, &wrong, TENSOR_F32, PORT);
    const double *other = s.observed[15].at[1];
    port_answers(&s, &p, TENSOR_F32, PORT);
    s.observed[15].at[1] = other;
    static double nan[64];
    for (size_t k = 0; k < 64; k++)
        nan[k] = k == 7 ? NAN : 0;
    s.observed[2].at[0] = nan;
    estimated(x, &s, "jordan", TENSOR_F32);
    is_near(x, NUMBER_A, 3.4445, 1e-5);
    is_near(x, NUMBER_SCALE, 1, 1e-5);
    port_suite_free(&s);
}
END_TEST

/* Other answers altogether, and a norm beyond what is looked for, are not seen; neither are they taken for something else. */
START_TEST(other_ports_are_not_seen)
{
    struct port_suite s = port_suite_new();
    struct number_estimate x[NUMBERS];
    struct port p = port_of("polar-express"), far = port_of("jordan");
    port_answers(&s, &p, TENSOR_F32, PORT);
    estimated(x, &s, "jordan", TENSOR_F32);
    ck_assert(!x[NUMBER_A].seen && !x[NUMBER_B].seen && !x[NUMBER_C].seen);
    far.d.norm_factor = 1.3;
    if (thorough()) {
        port_answers(&s, &far, TENSOR_F32, PORT);
        estimated(x, &s, "jordan", TENSOR_F32);
        ck_assert(!x[NUMBER_NORM].seen && x[NUMBER_NORM].value == 1);
    }
    port_suite_free(&s);
}
END_TEST

/* By a, by b and by c. */
START_TEST(schedules_are_told_from_triples)
{
    static const struct assay_triple triples[][2] = {
        {{3, -4, 2}, {3, -4, 2}}, {{3, -4, 2}, {2, -4, 2}}, {{3, -4, 2}, {3, -3, 2}}, {{3, -4, 2}, {3, -4, 1}}};
    for (size_t n = 0; n < 4; n++) {
        const struct assay_coefficients table = {"", "", 2, triples[n]};
        struct assay_dialect d = *assay_dialect_find("jordan");
        d.coefficients = &table;
        ck_assert(numbers_repeat(&d) == (n == 0));
    }
}
END_TEST

/* A fault that is known is taken into account. */
START_TEST(ports_with_a_fault)
{
    struct port_suite s = port_suite_new();
    struct number_estimate x[NUMBERS];
    struct port p = port_of("jordan");
    p.fault = FAULT_SCALE_TWICE;
    p.d.eps = 3e-7;
    port_answers(&s, &p, TENSOR_F32, PORT);
    ck_assert(numbers_estimate(x, assay_dialect_find("jordan"), p.fault, s.observed, s.count, TENSOR_F32, &alone) ==
              ASSAY_OK);
    is_near(x, NUMBER_EPS, 3e-7, 1e-11);
    is_near(x, NUMBER_SCALE, 1, 1e-5);
    port_suite_free(&s);
}
END_TEST

/* x solves (n + diag(1 / range^2)) x = g, of a random symmetric n = m m^T; of n = 0, x = range^2 g. */
START_TEST(equations_are_solved)
{
    uint64_t state = 7;
    struct equations e = {0}, none = {0};
    double m[NUMBERS][NUMBERS], x[NUMBERS];
    random_matrix(&state, m[0], sizeof m / sizeof m[0][0]);
    for (size_t i = 0; i < NUMBERS; i++) {
        e.g[i] = random_gaussian(&state);
        for (size_t j = 0; j < NUMBERS; j++)
            for (size_t k = 0; k < NUMBERS; k++)
                e.n[i][j] += m[i][k] * m[j][k];
    }
    equations_solve(&e, e.g, x);
    for (size_t i = 0; i < NUMBERS; i++) {
        double range = number_ways[i].range, left = x[i] / (range * range) - e.g[i];
        for (size_t j = 0; j < NUMBERS; j++)
            left += e.n[i][j] * x[j];
        ck_assert_double_le(fabs(left), 1e-10);
    }
    equations_solve(&none, e.g, x);
    for (size_t i = 0; i < NUMBERS; i++)
        ck_assert_double_le(fabs(x[i] - e.g[i] * number_ways[i].range * number_ways[i].range), 1e-12);
}
END_TEST

RUN_TESTS("numbers", TEST(honest_ports_have_nominal_numbers), TEST(other_numbers_are_found), TEST(schedules),
          TEST(what_is_not_seen), TEST(coefficients_may_be_rounded), TEST(wrong_cases_count_little),
          TEST(ports_with_a_fault), TEST(other_ports_are_not_seen), TEST(schedules_are_told_from_triples),
          TEST(equations_are_solved))
