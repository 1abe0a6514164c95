/* The ledger: every claim holds; and the machinery that says so can say otherwise. */
#include "support.h"

#include "claim.h"

#include <string.h>

/* ---- a mutant: KV-D2 with 1.49 in the place of 3/2 -------------------------------------------------------------- */

static real mutated_fraction(const struct field *f, long numerator, unsigned long denominator)
{
    return numerator == 3 && denominator == 2 ? real_fraction(f, 149, 100) : real_fraction(f, numerator, denominator);
}

#define real_fraction mutated_fraction
#define claim_kv_d2 mutant_kv_d2
#define run run_mutant
#include "kv_d2.c"
#undef run
#undef claim_kv_d2
#undef real_fraction

static enum verdict verdict_of(const struct claim *claim, struct findings *found)
{
    const assay_options options = {.threads = 1};
    ck_assert_int_eq(claim_run(claim, found, true, &options), ASSAY_OK);
    return found->verdict;
}

START_TEST(a_lowered_constant_fails)
{
    static struct findings found;
    ck_assert_int_eq(verdict_of(&mutant_kv_d2, &found), VERDICT_FAILS);
    ck_assert_int_eq(verdict_of(claim_find("KV-D2"), &found), VERDICT_HOLDS);
}
END_TEST

/* ---- the machinery ---------------------------------------------------------------------------------------------- */

static void run_sound(struct evidence *e)
{
    const struct field *f = &e->field;
    real one = real_whole(f, 1), root = real_root(real_whole(f, 2));
    certify(e, "1 >= 0", one);
    certify(e, "1 >= 0", real_fraction(f, 1, 3));
    certify_equal(e, "sqrt 2 squared", real_square(root), real_whole(f, 2));
    certify_fact(e, "a fact", true);
    must_fail(e, "-1 >= 0", real_neg(one));
    must_differ(e, "1 = sqrt 2", one, root);
    number_printed(e, "sqrt 2", root, "1.4142");
}

static void run_false_inequality(struct evidence *e)
{
    run_sound(e);
    certify(e, "-1 >= 0", real_whole(&e->field, -1));
}

static void run_false_equality(struct evidence *e)
{
    run_sound(e);
    certify_equal(e, "1 = 2", real_whole(&e->field, 1), real_whole(&e->field, 2));
}

static void run_false_fact(struct evidence *e)
{
    run_sound(e);
    certify_fact(e, "a fact", false);
}

static void run_false_counter(struct evidence *e)
{
    run_sound(e);
    must_fail(e, "1 >= 0 fails", real_whole(&e->field, 1));
}

static void run_false_digit(struct evidence *e)
{
    run_sound(e);
    number_printed(e, "sqrt 2, wrong in the last digit", real_root(real_whole(&e->field, 2)), "1.4143");
}

static void run_false_measure(struct evidence *e)
{
    run_sound(e);
    measured(e, "a slope", 0.5, 0.1, 0.6, 0.7);
}

static void run_without_counter(struct evidence *e)
{
    certify(e, "1 >= 0", real_whole(&e->field, 1));
}

static void run_nothing(struct evidence *e)
{
    (void)e;
}

/* Decided from 1024 bits on: 2^-700 beside sqrt 2. */
static void run_fine(struct evidence *e)
{
    real root = real_root(real_whole(&e->field, 2)), tiny = real_double(&e->field, 0x1p-700);
    certify(e, "2^-700 >= 0, seen through sqrt 2", real_sub(real_add(root, tiny), root));
    must_fail(e, "-1 >= 0", real_whole(&e->field, -1));
}

/* Never decided. */
static void run_undecided(struct evidence *e)
{
    real root = real_root(real_whole(&e->field, 2));
    certify(e, "0 >= 0, seen through sqrt 2", real_sub(root, root));
    must_fail(e, "-1 >= 0", real_whole(&e->field, -1));
}

static void run_undecided_sign(struct evidence *e)
{
    real root = real_root(real_whole(&e->field, 2));
    real_sign(real_sub(root, root), "sqrt 2 - sqrt 2");
}

/* A wide interval is not equal to what it holds. */
static void run_wide(struct evidence *e)
{
    real one = real_whole(&e->field, 1);
    certify_equal(e, "[0, 2] = 1", real_between(real_whole(&e->field, 0), real_whole(&e->field, 2)), one);
    must_fail(e, "-1 >= 0", real_neg(one));
}

START_TEST(verdicts_follow_the_evidence)
{
    static const struct {
        void (*run)(struct evidence *e);
        enum verdict verdict;
        long bits;
    } cases[] = {{run_sound, VERDICT_HOLDS, 128},          {run_false_inequality, VERDICT_FAILS, 128},
                 {run_false_equality, VERDICT_FAILS, 128}, {run_false_fact, VERDICT_FAILS, 128},
                 {run_false_counter, VERDICT_FAILS, 128},  {run_false_digit, VERDICT_FAILS, 128},
                 {run_false_measure, VERDICT_FAILS, 128},  {run_without_counter, VERDICT_FAILS, 128},
                 {run_nothing, VERDICT_FAILS, 128},        {run_fine, VERDICT_HOLDS, 1024},
                 {run_undecided, VERDICT_UNDECIDED, 2048}, {run_undecided_sign, VERDICT_UNDECIDED, 2048},
                 {run_wide, VERDICT_UNDECIDED, 2048}};
    static struct findings found;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const struct claim claim = {"XX", "", "", "", CLAIM_PROVED, "", cases[k].run};
        ck_assert_msg(verdict_of(&claim, &found) == cases[k].verdict, "case %zu", k);
        ck_assert_msg(found.bits == cases[k].bits, "case %zu: %ld bits", k, found.bits);
    }
    static const struct {
        enum claim_status status;
        void (*run)(struct evidence *e);
        enum verdict verdict;
    } kinds[] = {
        {CLAIM_CHECKED, run_without_counter, VERDICT_FAILS},  {CLAIM_REFUTED, run_without_counter, VERDICT_FAILS},
        {CLAIM_VACUOUS, run_without_counter, VERDICT_FAILS},  {CLAIM_VACUOUS, run_sound, VERDICT_HOLDS},
        {CLAIM_MEASURED, run_without_counter, VERDICT_HOLDS}, {CLAIM_REFUTED, run_sound, VERDICT_HOLDS}};
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        const struct claim claim = {"XX", "", "", "", kinds[k].status, "", kinds[k].run};
        ck_assert_msg(verdict_of(&claim, &found) == kinds[k].verdict, "kind %zu", k);
    }
    const struct claim claim = {"XX", "", "", "", CLAIM_PROVED, "", run_sound};
    verdict_of(&claim, &found);
    ck_assert_uint_eq(found.items[0].count, 2);
    ck_assert_str_eq(found.items[0].value, "slack >= 0.3333"); /* rounded down */
    char slack[SLACK_TEXT];
    claim_slack(slack, sizeof slack, &claim, &found);
    ck_assert_str_eq(slack, "slack >= 0.3333");
    const struct claim refuted = {"XX", "", "", "", CLAIM_REFUTED, "", run_sound};
    claim_slack(slack, sizeof slack, &refuted, &found);
    ck_assert_str_eq(slack, "-1 >= 0: fails by at least 1");
}
END_TEST

/* ---- the ledger ------------------------------------------------------------------------------------------------- */

START_TEST(every_claim_holds)
{
    static struct findings found;
    for (size_t k = 0; k < claim_count; k += thorough() ? 1 : 4) {
        const struct claim *c = claims[k];
        ck_assert_msg(verdict_of(c, &found) == VERDICT_HOLDS, "%s: %s", c->id, found.message);
        ck_assert_msg(claim_find(c->id) == c, "%s twice", c->id);
        ck_assert_msg(claim_text(c->name) && strstr(claim_text(c->name)[0], c->id), "%s has no text", c->id);
    }
    ck_assert(!claim_find("KV-D9") && !claim_text("absent"));
}
END_TEST

RUN_TESTS("proofs", TEST(a_lowered_constant_fails), TEST(verdicts_follow_the_evidence), TEST(every_claim_holds))
