#include "statistic.h"

#include "golden_support.h"
#include "ports_support.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const assay_options alone = {.threads = 1};
enum { PORT = 1000 }; /* takes no part in what it is judged by */

static size_t bug_named(const char *name)
{
    size_t b = 0;
    while (b < bug_count && strcmp(bugs[b].name, name) != 0)
        b++;
    ck_assert_msg(b < bug_count, "%s", name);
    return b;
}

static void judge_port(struct statistic found[STATISTICS], struct port_suite *s, const char *dialect,
                       const struct port *p, size_t port)
{
    port_answers(s, p, TENSOR_BF16, port);
    ck_assert(statistics_judge(found, assay_dialect_find(dialect), s->observed, s->count, TENSOR_BF16, &alone) ==
              ASSAY_OK);
}

/* Ports that took no part pass; what plays no part in a dialect is not judged. */
START_TEST(honest_ports_pass)
{
    static const char *const dialects[] = {"jordan", "moonlight", "polar-express", "torch", "signsgdm", "auon"};
    struct port_suite s = port_suite_new();
    for (size_t d = 0; d < sizeof dialects / sizeof dialects[0]; d += thorough() ? 1 : 3)
        for (size_t seed = 0; seed < (thorough() ? 3 : 1); seed++) {
            struct statistic found[STATISTICS];
            struct port p = {.d = *assay_dialect_find(dialects[d])};
            judge_port(found, &s, dialects[d], &p, PORT + seed);
            for (size_t k = 0; k < STATISTICS; k++)
                ck_assert_msg(found[k].pass, "%s, %zu: %g, not %g +- %g", dialects[d], k, found[k].value,
                              found[k].expected, found[k].allowed);
            ck_assert(!found[NUMBER_ROUNDING].judged && found[NUMBER_BETA].judged);
            ck_assert(found[NUMBER_EPS].judged == (d < 4));
            ck_assert(!found[STATISTICS - 1].judged); /* there is no such bug */
        }
    port_suite_free(&s);
}
END_TEST

/* Small mistakes that bounds of single cases in bfloat16 do not show: each is seen by its own statistic. */
START_TEST(small_mistakes_fail)
{
    struct port_suite s = port_suite_new();
    struct statistic found[STATISTICS];
    char text[STATISTIC_TEXT];
    struct port p = {.d = *assay_dialect_find("moonlight")}, right = p;
    p.decay_off = -1e-4;
    judge_port(found, &s, "moonlight", &p, PORT);
    ck_assert(!found[NUMBER_DECAY].pass && found[NUMBER_BETA].pass && found[NUMBER_SCALE].pass);
    ck_assert_double_le(fabs(found[NUMBER_DECAY].value - 0.2499), 1e-6);
    statistic_text(text, NUMBER_DECAY, &found[NUMBER_DECAY]);
    ck_assert_msg(strncmp(text, "weight-decay, estimated from ", 29) == 0 && strstr(text, " is 0.2499;"), "%s", text);
    p = right;
    p.beta_off = 1e-3;
    judge_port(found, &s, "moonlight", &p, PORT);
    ck_assert(!found[NUMBER_BETA].pass);
    p = right;
    p.d.scale_factor *= 1.1;
    judge_port(found, &s, "moonlight", &p, PORT);
    ck_assert(!found[NUMBER_SCALE].pass && found[NUMBER_DECAY].pass);
    port_suite_free(&s);
}
END_TEST

/* A port with a known bug is some 1 on the way to it, and fails; without it, some 0. */
START_TEST(bugs_fail)
{
    struct port_suite s = port_suite_new();
    struct statistic found[STATISTICS];
    char text[STATISTIC_TEXT];
    static const char *const names[] = {"decay-after", "step-too-few", "nesterov-missing", "ascent"};
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n += stride(1)) {
        size_t b = bug_named(names[n]);
        struct port p = {.d = *assay_dialect_find("jordan"), .fault = bugs[b].fault};
        ck_assert(bug_apply(&bugs[b], &p.d));
        judge_port(found, &s, "jordan", &p, PORT);
        const struct statistic *x = &found[NUMBERS + b];
        ck_assert_msg(x->judged && !x->pass && fabs(x->value - 1) < 0.4 && fabs(x->expected) < 0.3, "%s: %g, not %g",
                      names[n], x->value, x->expected);
        statistic_text(text, NUMBERS + b, x);
        ck_assert_msg(strstr(text, names[n]) && strstr(text, bugs[b].meaning), "%s", text);
    }
    port_suite_free(&s);
}
END_TEST

/* One case decides nothing, be it wrong or not finite. */
START_TEST(one_case_decides_nothing)
{
    struct port_suite s = port_suite_new();
    struct statistic found[STATISTICS];
    struct port p = {.d = *assay_dialect_find("jordan")}, wrong = p;
    wrong.d.scale_factor = 1.2;
    size_t first = 0;
    while (s.cases[first].operation != OPERATION_STEP)
        first++;
    for (size_t c = first + 1; c < s.count && s.cases[c].operation == OPERATION_STEP; c += stride(2)) {
        port_answers(&s, &wrong, TENSOR_BF16, PORT);
        struct observed kept = s.observed[c];
        port_answers(&s, &p, TENSOR_BF16, PORT);
        s.observed[c] = kept;
        ck_assert(statistics_judge(found, &p.d, s.observed, s.count, TENSOR_BF16, &alone) == ASSAY_OK);
        for (size_t k = 0; k < STATISTICS; k++)
            ck_assert_msg(found[k].pass, "%s wrong: %zu", s.cases[c].id, k);
    }
    p.fault = FAULT_ASCENT;
    port_answers(&s, &p, TENSOR_BF16, PORT);
    ck_assert(statistics_judge(found, &p.d, s.observed + first, 1, TENSOR_BF16, &alone) == ASSAY_OK);
    const struct statistic *ascent = &found[NUMBERS + bug_named("ascent")];
    ck_assert(ascent->judged && ascent->value > ascent->allowed && ascent->pass);
    ck_assert(statistics_judge(found, &p.d, s.observed, 1, TENSOR_BF16, &alone) == ASSAY_OK);
    for (size_t k = 0; k < NUMBERS; k++)
        ck_assert(!found[k].judged);
    port_suite_free(&s);
}
END_TEST

/* One case in which all overflow fails nothing; and epsilon is not seen where nothing is small. */
START_TEST(what_is_not_judged)
{
    struct statistic found[STATISTICS];
    const struct assay_dialect *jordan = assay_dialect_find("jordan");
    struct golden_case c = golden_named(OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-8x8-huge");
    static const double zeros[64];
    struct observed o = {&c, {zeros}};
    ck_assert(statistics_judge(found, jordan, &o, 1, TENSOR_F16, &alone) == ASSAY_OK);
    for (size_t k = 0; k < STATISTICS; k++)
        ck_assert(found[k].pass);
    struct port_suite s = port_suite_new();
    struct port p = {.d = *jordan};
    port_answers(&s, &p, TENSOR_BF16, PORT);
    struct observed ordinary[] = {s.observed[2], s.observed[4], s.observed[6]};
    ck_assert(statistics_judge(found, jordan, ordinary, 3, TENSOR_BF16, &alone) == ASSAY_OK);
    ck_assert(!found[NUMBER_EPS].judged && found[NUMBER_EPS].cases > 1);
    port_suite_free(&s);
    case_free(&c);
}
END_TEST

/* Ports that add the squares of huge inputs in binary32 overflow, and their output is zero, as all of the ensemble's is; those that
 * add in binary64 do not. Neither is wrong, and neither shows any number, however many such cases are all that there is. */
START_TEST(huge_inputs_say_nothing)
{
    static const char *const ids[] = {"newton-schulz-gaussian-8x8-huge", "newton-schulz-gaussian-8x12-huge",
                                      "newton-schulz-gaussian-12x8-huge"};
    struct port_suite s = {.count = 3, .cases = calloc(3, sizeof *s.cases), .observed = calloc(3, sizeof *s.observed)};
    struct port p = {.d = *assay_dialect_find("jordan")};
    ck_assert(s.cases && s.observed);
    for (size_t c = 0; c < s.count; c++) {
        s.cases[c] = golden_named(OPERATION_NEWTON_SCHULZ, ids[c]);
        s.observed[c].c = &s.cases[c];
    }
    for (size_t overflows = 0; overflows < 2; overflows++) {
        struct statistic found[STATISTICS];
        struct number_estimate numbers[NUMBERS];
        port_answers(&s, &p, overflows ? TENSOR_BF16 : TENSOR_F64, PORT);
        ck_assert((s.observed[0].at[0][0] == 0) == overflows);
        ck_assert(statistics_judge(found, &p.d, s.observed, s.count, TENSOR_BF16, &alone) == ASSAY_OK);
        for (size_t k = 0; k < STATISTICS; k++)
            ck_assert_msg(!found[k].judged && found[k].pass, "%zu: %g, not %g", k, found[k].value, found[k].expected);
        ck_assert(numbers_estimate(numbers, &p.d, FAULT_NONE, s.observed, s.count, TENSOR_BF16, &alone) == ASSAY_OK);
        for (size_t k = 0; k < NUMBERS; k++)
            ck_assert_msg(!numbers[k].seen, "%s: %g", number_names[k], numbers[k].value);
    }
    port_suite_free(&s);
}
END_TEST

RUN_TESTS("statistic", TEST(honest_ports_pass), TEST(small_mistakes_fail), TEST(bugs_fail),
          TEST(one_case_decides_nothing), TEST(what_is_not_judged), TEST(huge_inputs_say_nothing))
