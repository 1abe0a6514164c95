/* The known bugs: each can be had by some dialect, and shows in its exact results; none is had where it says it cannot be. */
#include "bounds.h"
#include "bugs.h"
#include "cases.h"
#include "support.h"

#include <math.h>
#include <string.h>

enum { MOST = 400 };
static const enum operation operations[] = {OPERATION_NEWTON_SCHULZ, OPERATION_STEP, OPERATION_COSH_RMS,
                                            OPERATION_MOMENTUM};

/* What a dialect, with a fault or without, answers to a case in an evaluation. */
struct question {
    const struct golden_case *c;
    const struct assay_dialect *d;
    struct evaluation how;
    double **results;
};

static void ask(struct work *w, void *pointer)
{
    struct question *q = pointer;
    case_evaluate(w, &q->how, q->c, q->d, q->results);
}

/* Whether the dialects answer the case differently: by more than a relative 1e-9, or by other places of what is not finite. */
static bool differ(const struct golden_case *c, const struct assay_dialect *a, const struct assay_dialect *b,
                   enum fault fault)
{
    const assay_options options = {.threads = 1};
    struct answer_class x, y;
    double *x_at[CASE_ANSWERS], *y_at[CASE_ANSWERS];
    bool other = false;
    if (!operation_applies(c->operation, a) || !operation_applies(c->operation, b))
        return false;
    ck_assert_int_eq(class_make_room(&x, c), ASSAY_OK);
    ck_assert_int_eq(class_make_room(&y, c), ASSAY_OK);
    for (size_t k = 0; k < x.answer_count; k++) {
        x_at[k] = x.answers[k].hi;
        y_at[k] = y.answers[k].hi;
    }
    struct question first = {c, a, evaluation_draw(TENSOR_F64, 0, 0, true), x_at}, second = {c, b, first.how, y_at};
    second.how.fault = fault;
    bool both = work_run(&options, ask, &first) == ASSAY_OK && work_run(&options, ask, &second) == ASSAY_OK;
    for (size_t k = 0; both && k < x.answer_count; k++) {
        double error = 0, size = 0;
        for (size_t i = 0; i < x.answers[k].count; i++) {
            error += (x_at[k][i] - y_at[k][i]) * (x_at[k][i] - y_at[k][i]);
            size += x_at[k][i] * x_at[k][i];
        }
        other = other || !(sqrt(error) <= 1e-9 * sqrt(size));
    }
    class_free(&x);
    class_free(&y);
    return other;
}

/* Whether the bug shows in the dialect, in any case. */
static bool shows(const struct golden_case *cases, size_t count, const struct bug *b, const struct assay_dialect *d)
{
    struct assay_dialect with = *d;
    bool other = false;
    if (!bug_apply(b, &with))
        return false;
    for (size_t k = 0; k < count && !other; k++)
        other = differ(&cases[k], d, &with, b->fault);
    return other;
}

static size_t make_cases(struct golden_case *cases)
{
    size_t count = 0;
    for (size_t o = 0; o < sizeof operations / sizeof *operations; o++)
        for (size_t k = 0; k < cases_count(operations[o]); k++)
            ck_assert_int_eq(cases_make(&cases[count++], operations[o], k), ASSAY_OK);
    ck_assert_uint_lt(count, MOST);
    return count;
}

/* Each bug shows in some dialect; the control, a dialect and itself, does not differ. */
START_TEST(every_bug_shows)
{
    static struct golden_case cases[MOST];
    size_t count = make_cases(cases);
    for (size_t b = 0; b < bug_count; b++) {
        bool any = false;
        for (size_t d = 0; d < assay_dialect_count && !any; d++)
            any = shows(cases, count, &bugs[b], &assay_dialects[d]);
        ck_assert_msg(any, "%s shows in no dialect", bugs[b].name);
    }
    const struct assay_dialect *jordan = assay_dialect_find("jordan");
    for (size_t k = 0; k < count; k++) {
        ck_assert_msg(!differ(&cases[k], jordan, jordan, FAULT_NONE), "%s differs from itself", cases[k].id);
        case_free(&cases[k]);
    }
}
END_TEST

/* Names are there once, and none is that of a dialect. */
START_TEST(names_are_distinct)
{
    for (size_t b = 0; b < bug_count; b++) {
        ck_assert_ptr_null(assay_dialect_find(bugs[b].name));
        for (size_t k = 0; k < b; k++)
            ck_assert_str_ne(bugs[b].name, bugs[k].name);
    }
}
END_TEST

/* A dialect without iteration cannot have the bugs of one; a bug that is an axis changes the dialect. */
START_TEST(bugs_need_what_they_break)
{
    const struct assay_dialect *sgdm = assay_dialect_find("sgdm");
    for (size_t b = 0; b < bug_count; b++) {
        struct assay_dialect d = *sgdm;
        bool can = bug_apply(&bugs[b], &d);
        if (bugs[b].fault > FAULT_NONE && bugs[b].fault < FAULT_STALE)
            ck_assert_msg(!can, "sgdm can have %s", bugs[b].name);
        if (can && bugs[b].fault == FAULT_NONE)
            ck_assert_msg(memcmp(&d, sgdm, sizeof d) != 0, "%s changes nothing", bugs[b].name);
    }
}
END_TEST

/* Value number k of an axis; NULL if there are fewer. */
static const char *axis_value(const struct assay_axis *axis, size_t k)
{
    static const char *const numbers[] = {"0", "1", "2", "0.001", NULL};
    const char *const *values = axis->values ? axis->values : numbers;
    size_t count = 0;
    while (values[count])
        count++;
    return k < count ? values[k] : NULL;
}

/* Bugs that may show in tensors of more than two dimensions only, in shapes 3 c x c, in steps without gradient, in small
 * gradients, in the input of the iteration. */
static const char *const elsewhere[] = {"conv-by-passed",  "conv-not-flattened", "scale-of-kernel",  "split-missing",
                                        "absent-gradient", "eps-too-large",      "nesterov-missing", NULL};

/* A bug that is axes alone makes another dialect, which takes other steps, and has as many iterations as one may have. */
static void check_axes(const struct bug *b, const struct assay_dialect *d, const char *axis, const char *value)
{
    struct assay_dialect with = *d;
    bool can = bug_apply(b, &with);
    size_t k = 0;
    while (elsewhere[k] && strcmp(elsewhere[k], b->name) != 0)
        k++;
    ck_assert_msg(!can || with.steps <= 1000, "%s of %s, %s=%s: %zu steps", b->name, d->name, axis, value, with.steps);
    ck_assert_msg(!can || b->fault != FAULT_NONE || memcmp(d, &with, sizeof with) != 0, "%s of %s, %s=%s: no change",
                  b->name, d->name, axis, value);
    ck_assert_msg(!can || b->fault != FAULT_NONE || elsewhere[k] || !assay_dialects_coincide(d, &with),
                  "%s of %s, %s=%s: the same steps", b->name, d->name, axis, value);
}

/* Every bug in every dialect, and in dialects with any one axis changed. */
START_TEST(bugs_change_dialects)
{
    for (size_t n = 0; n < assay_dialect_count; n++)
        for (size_t a = 0; a < assay_axis_count; a++) {
            const char *value;
            for (size_t k = 0; (value = axis_value(&assay_axes[a], k)); k++) {
                struct assay_dialect d = assay_dialects[n];
                bool set = assay_dialect_set(&d, assay_axes[a].name, value); /* steps are whole, tables have names */
                for (size_t b = 0; set && b < bug_count; b++)
                    check_axes(&bugs[b], &d, assay_axes[a].name, value);
            }
        }
}
END_TEST

RUN_TESTS("bugs", TEST(every_bug_shows), TEST(names_are_distinct), TEST(bugs_need_what_they_break),
          TEST(bugs_change_dialects))
