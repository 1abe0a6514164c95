#include "search.h"

#include "bugs.h"
#include "ports_support.h"
#include "support.h"

#include <math.h>
#include <string.h>

static struct evidence evidence_of(const struct port_suite *s)
{
    struct evidence e = {.case_count = s->count, .cases = s->observed};
    for (size_t c = 0; c < s->count; c++)
        for (size_t a = 0; a < CASE_ANSWERS; a++)
            e.outputs += s->observed[c].at[a] != NULL;
    return e;
}

/* The name of the bug that search_bug() finds in results of the dialect with that bug, judged as jordan; "" if none. Of
 * `failures` it becomes how many are left. */
static const char *found_in(const char *dialect, const char *name, size_t *failures)
{
    struct port_suite s = port_suite_new();
    struct port p = {.d = *assay_dialect_find(dialect)};
    const struct bug *found = NULL;
    for (size_t b = 0; b < bug_count; b++)
        if (strcmp(bugs[b].name, name) == 0) {
            ck_assert(bug_apply(&bugs[b], &p.d));
            p.fault = bugs[b].fault;
        }
    port_answers(&s, &p, TENSOR_F32, 1000);
    struct evidence e = evidence_of(&s);
    ck_assert(search_bug(&found, failures, &e, assay_dialect_find("jordan"), TENSOR_F32) == ASSAY_OK);
    port_suite_free(&s);
    return found ? found->name : "";
}

/* A bug is named if it leaves less than a quarter of the failures; of another dialect's results none is. */
START_TEST(bugs_are_named)
{
    static const char *const names[] = {"step-too-few", "decay-coupled", "stale-buffer"};
    for (size_t k = 0; k < 3; k += stride(1)) {
        size_t failures = 20;
        ck_assert_str_eq(found_in("jordan", names[k], &failures), names[k]);
        ck_assert(failures == 0);
    }
    size_t failures = 20, few = 0;
    ck_assert_str_eq(found_in("polar-express", "", &failures), "");
    ck_assert(failures == 20);
    ck_assert_str_eq(found_in("jordan", "decay-coupled", &few), "");
}
END_TEST

/* Signs have no Newton-Schulz results: of these the hypothesis says nothing, which counts against it as contradiction does. */
START_TEST(silence_counts)
{
    struct port_suite s = port_suite_new();
    struct port p = {.d = *assay_dialect_find("jordan")};
    port_answers(&s, &p, TENSOR_F32, 1000);
    struct evidence e = evidence_of(&s);
    const struct assay_dialect *signs = assay_dialect_find("signsgdm");
    struct hypothesis h = {.base = signs, .dialect = *signs, .changes = 1};
    ck_assert(hypothesis_judge(&h, &e, TENSOR_F32) == ASSAY_OK);
    ck_assert(h.silent > 0 && h.predicted > 0 && h.predicted + h.silent <= e.outputs);
    port_suite_free(&s);

    struct hypothesis some = {.judged = true, .base = signs, .predicted = 5, .silent = 5}, all = some;
    all.predicted = 10;
    all.silent = 0;
    all.contradicted = 4;
    ck_assert(search_explains(&some) && !search_explains(&all));
    ck_assert(hypotheses_compare(&all, &some) < 0 && hypotheses_compare(&some, &all) > 0);
    some.silent = 6;
    ck_assert(!search_explains(&some));
}
END_TEST

/* Iterations of other coefficients overflow: then nothing is said of results that are finite, and nothing against them. */
START_TEST(overflow_is_left_open)
{
    struct port_suite s = port_suite_new();
    struct port p = {.d = *assay_dialect_find("jordan")}, wild = p;
    static const struct assay_triple growing = {3, 2, 9};
    static const struct assay_coefficients table = {"", "", 1, &growing};
    wild.d.coefficients = &table;
    wild.d.steps = 9;
    struct hypothesis h = {.base = assay_dialect_find("jordan"), .dialect = wild.d, .changes = 1};
    port_answers(&s, &p, TENSOR_F32, 1000);
    struct evidence e = evidence_of(&s);
    ck_assert(hypothesis_judge(&h, &e, TENSOR_F32) == ASSAY_OK);
    ck_assert(h.open > 0 && h.silent == 0 && h.predicted + h.open == e.outputs && isfinite(h.cost));
    port_answers(&s, &wild, TENSOR_F32, 1000);
    ck_assert(hypothesis_judge(&h, &e, TENSOR_F32) == ASSAY_OK);
    ck_assert(h.open == 0 && h.contradicted == 0 && search_explains(&h));
    port_suite_free(&s);

    struct hypothesis some = {.judged = true, .base = h.base, .predicted = 5, .open = 5};
    ck_assert(search_explains(&some));
    some.open = 6;
    ck_assert(!search_explains(&some));
}
END_TEST

/* Of dialects that explain the same the best known comes first, whatever the table's order. */
START_TEST(the_best_known_comes_first)
{
    static const char *const order[] = {"jordan", "torch", "moonlight", "burn", "deepspeed", "keras"};
    for (size_t a = 0; a < 6; a++)
        for (size_t b = 0; b < 6; b++) {
            struct hypothesis x = {.base = assay_dialect_find(order[a])}, y = {.base = assay_dialect_find(order[b])};
            ck_assert(hypothesis_better_known(x.base, y.base) == (a < b));
            ck_assert_int_eq(hypotheses_compare(&x, &y), a < b ? -1 : a > b);
        }
}
END_TEST

RUN_TESTS("search", TEST(bugs_are_named), TEST(silence_counts), TEST(overflow_is_left_open),
          TEST(the_best_known_comes_first))
