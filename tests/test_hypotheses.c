#include "hypotheses.h"

#include "ports_support.h"
#include "search.h"
#include "support.h"

static struct hypothesis named(const char *dialect)
{
    const struct assay_dialect *d = assay_dialect_find(dialect);
    struct hypothesis h = {.base = d, .dialect = *d, .changes = 1}; /* cases have no answers here: so no named one */
    return h;
}

/* Results are nearest to what made them, contradict nothing of it, and nearly all of something else. */
START_TEST(hypotheses_are_told_apart)
{
    struct port_suite s = port_suite_new();
    struct port p = {.d = *assay_dialect_find("jordan")};
    port_answers(&s, &p, TENSOR_F32, 1000);
    struct evidence e = {.case_count = s.count, .cases = s.observed};
    for (size_t c = 0; c < s.count; c++)
        for (size_t a = 0; a < CASE_ANSWERS; a++)
            e.outputs += s.observed[c].at[a] != NULL;
    struct hypothesis right = named("jordan"), wrong = named("polar-express");
    ck_assert(hypothesis_measure(&right, &e) == ASSAY_OK && hypothesis_measure(&wrong, &e) == ASSAY_OK);
    ck_assert(right.distance < wrong.distance && hypotheses_compare(&right, &wrong) < 0);
    ck_assert(!search_explains(&right)); /* it is not judged yet */
    ck_assert(hypothesis_judge(&right, &e, TENSOR_F32) == ASSAY_OK &&
              hypothesis_judge(&wrong, &e, TENSOR_F32) == ASSAY_OK);
    ck_assert(search_explains(&right) && right.predicted > 30 && right.contradicted == 0);
    ck_assert(!search_explains(&wrong) && 2 * wrong.contradicted > wrong.predicted);
    ck_assert(hypotheses_compare(&right, &wrong) < 0 && hypotheses_compare(&wrong, &right) > 0);
    struct hypothesis same = right;
    ck_assert(search_same(&right, &same) && !search_same(&right, &right) && !search_same(&right, &wrong));
    port_suite_free(&s);
}
END_TEST

/* The format of the narrowest that holds all Newton-Schulz results. */
START_TEST(formats_are_recognised)
{
    struct port_suite s = port_suite_new();
    struct port p = {.d = *assay_dialect_find("jordan")};
    struct evidence e = {.case_count = s.count, .cases = s.observed};
    static const enum tensor_type formats[] = {TENSOR_BF16, TENSOR_F32};
    for (size_t f = 0; f < 2; f++) {
        port_answers(&s, &p, formats[f], 1000);
        ck_assert(evidence_format(&e) == formats[f]);
    }
    port_suite_free(&s);
}
END_TEST

RUN_TESTS("hypotheses", TEST(hypotheses_are_told_apart), TEST(formats_are_recognised))
