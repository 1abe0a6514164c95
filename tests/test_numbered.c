#include "numbered.h"

#include "bugs.h"
#include "ports_support.h"
#include "support.h"

#include <string.h>

static struct hypothesis plain(const char *dialect)
{
    const struct assay_dialect *d = assay_dialect_find(dialect);
    return (struct hypothesis){
        .base = d, .dialect = *d, .changes = 1}; /* cases have no answers here: so no named one */
}

static struct number_estimate estimate(enum number k, double value, double error, double nominal)
{
    struct number_estimate x = {.value = value, .error = error, .cases = 9, .seen = true};
    return number_beside(&x, k, TENSOR_BF16, nominal);
}

/* What is excluded becomes the dialect's where that is not, else the estimate; a triple all three. */
START_TEST(numbers_are_replaced)
{
    struct own_triple to;
    struct hypothesis h = plain("jordan");
    h.dialect.norm_factor = 1.01;
    h.numbers[NUMBER_NORM] = estimate(NUMBER_NORM, 1.0004, 0.0009, 1.01);
    h.numbers[NUMBER_A] = estimate(NUMBER_A, 3.4052, 0.0016, 3.4445);
    h.numbers[NUMBER_B] = estimate(NUMBER_B, -4.7, 0.04, -4.775);
    h.numbers[NUMBER_C] = estimate(NUMBER_C, 2.01, 0.04, 2.0315);
    h.numbers[NUMBER_BETA] = estimate(NUMBER_BETA, 0.9, 1e-8, 0.9375);
    ck_assert(hypothesis_number(&h, TENSOR_BF16, &to));
    ck_assert_str_eq(h.name, "jordan, coefficients 3.4052, -4.7, 2.01, beta=0.9");
    ck_assert(h.changes == 2 && h.dialect.norm_factor == 1 && h.beta == 0.9 && h.dialect.coefficients == &to.table);
    ck_assert(to.triple.a == 3.4052 && to.triple.b == -4.7 && to.triple.c == 2.01 && hypothesis_is_numbered(&h));
    hypothesis_tell(&h, TENSOR_BF16);
    ck_assert(h.numbers[NUMBER_A].nominal == 3.4445 && h.numbers[NUMBER_NORM].nominal == 1.01);
}
END_TEST

/* Nothing is where nothing is excluded: a coefficient that bfloat16 rounds, what is not seen, how far a schedule is rounded, a scale of
 * nothing. */
START_TEST(numbers_are_kept)
{
    struct own_triple to;
    struct hypothesis h = plain("jordan");
    h.numbers[NUMBER_A] = estimate(NUMBER_A, 3.4377, 0.001, 3.4445);
    h.numbers[NUMBER_SCALE] = estimate(NUMBER_SCALE, 1e-9, 1e-10, 1);
    h.numbers[NUMBER_ROUNDING] = estimate(NUMBER_ROUNDING, 1, 0.01, 0);
    h.numbers[NUMBER_EPS] = estimate(NUMBER_EPS, 2e-7, 1e-9, 1e-7);
    h.numbers[NUMBER_EPS].seen = false;
    ck_assert(!hypothesis_number(&h, TENSOR_BF16, &to) && !hypothesis_is_numbered(&h));
    ck_assert_str_eq(h.name, "jordan");
    ck_assert(h.changes == 0 && h.dialect.coefficients == h.base->coefficients);
    h.numbers[NUMBER_EPS].seen = true;
    ck_assert(hypothesis_number(&h, TENSOR_BF16, &to));
    ck_assert_str_eq(h.name, "jordan, eps=2e-07");
}
END_TEST

/* The bug, axes that differ from those of the dialect with it, numbers. */
START_TEST(names_tell_all)
{
    struct hypothesis h = plain("jordan");
    for (size_t b = 0; b < bug_count; b++)
        if (strcmp(bugs[b].name, "step-too-few") == 0)
            h.bug = &bugs[b];
    ck_assert(bug_apply(h.bug, &h.dialect));
    h.dialect.nesterov = ASSAY_NESTEROV_NONE;
    hypothesis_name(&h);
    ck_assert_str_eq(h.name, "jordan, step-too-few, nesterov=none");
    ck_assert(h.changes == 1);
}
END_TEST

/* Asks for the numbers of a port in bfloat16. */
static void asked(struct hypothesis *h, const struct port_suite *s)
{
    struct evidence e = {.case_count = s->count, .cases = s->observed};
    ck_assert(hypothesis_ask(h, &e, TENSOR_BF16) == ASSAY_OK && h->asked);
    ck_assert(hypothesis_ask(h, NULL, TENSOR_BF16) == ASSAY_OK); /* not again */
}

/* A factor on the norm stands in for no triple: its own numbers deny it, and name the truth; of a port that has it they do not. */
START_TEST(false_names_are_denied)
{
    static const struct assay_triple triple = {3.3, -4.5, 1.9};
    static const struct assay_coefficients table = {"", "", 1, &triple};
    struct port_suite s = port_suite_new();
    struct port p = {.d = *assay_dialect_find("jordan")};
    struct hypothesis h = plain("jordan"), honest = h;
    struct own_triple to;
    p.d.norm_factor = h.dialect.norm_factor = honest.dialect.norm_factor = 1.01;
    port_answers(&s, &p, TENSOR_BF16, 1002);
    asked(&honest, &s);
    ck_assert(!honest.denied);
    p.d.norm_factor = 1;
    p.d.coefficients = &table;
    port_answers(&s, &p, TENSOR_BF16, 1002); /* constants are not rounded */
    asked(&h, &s);
    ck_assert(h.denied && hypothesis_number(&h, TENSOR_BF16, &to));
    ck_assert(strncmp(h.name, "jordan, coefficients 3.", 23) == 0 && h.dialect.norm_factor == 1);
    h.asked = h.denied = false;
    asked(&h, &s);
    ck_assert(!h.denied);
    port_suite_free(&s);
}
END_TEST

/* Of two that nothing contradicts, the one that numbers deny comes last, whatever it costs. */
START_TEST(denial_counts)
{
    struct hypothesis x = {.base = assay_dialect_find("jordan"), .judged = true, .predicted = 9, .cost = -9}, y = x;
    x.denied = true;
    y.cost = 9;
    ck_assert(hypotheses_compare(&x, &y) > 0 && hypotheses_compare(&y, &x) < 0);
    y.contradicted = 1;
    ck_assert(hypotheses_compare(&x, &y) < 0 && hypotheses_compare(&y, &x) > 0);
}
END_TEST

RUN_TESTS("numbered", TEST(numbers_are_replaced), TEST(numbers_are_kept), TEST(names_tell_all),
          TEST(false_names_are_denied), TEST(denial_counts))
