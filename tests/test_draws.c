#include "draws.h"

#include "changes.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

enum { DRAWS = 400 };

static bool same_axes(const struct assay_dialect *a, const struct assay_dialect *b)
{
    bool same = true;
    for (size_t axis = 0; axis < assay_axis_count && same; axis++) {
        char x[AXIS_TEXT], y[AXIS_TEXT];
        assay_dialect_get(a, axis, x, sizeof x);
        assay_dialect_get(b, axis, y, sizeof y);
        same = strcmp(x, y) == 0;
    }
    return same;
}

/* The dialect that a command line calls so, "NAME --set AXIS=VALUE ..."; returns how many axes that sets. */
static size_t parse(struct assay_dialect *d, const char *text)
{
    char copy[DRAW_NAME], *at = copy;
    size_t count = 0;
    strcpy(copy, text);
    for (char *next; at; at = next) {
        next = strstr(at, " --set ");
        if (next) {
            *next = '\0';
            next += strlen(" --set ");
        }
        char *equals = strchr(at, '=');
        if (at == copy) {
            ck_assert_ptr_nonnull(assay_dialect_find(at));
            *d = *assay_dialect_find(at);
            continue;
        }
        ck_assert_ptr_nonnull(equals);
        *equals = '\0';
        ck_assert(assay_dialect_set(d, at, equals + 1));
        count++;
    }
    return count;
}

/* What a dialect is called is what it is; the same number of the same seed is the same draw, whose sizes are in the bounds. */
START_TEST(names_are_what_dialects_are)
{
    size_t changed = 0, most = 0;
    for (size_t k = 0; k < DRAWS; k++) {
        struct draw d = draw_case(5, k), again = draw_case(5, k), other = draw_case(6, k);
        struct assay_dialect named;
        size_t count = parse(&named, d.name);
        ck_assert_msg(same_axes(&named, &d.dialect), "%s", d.name);
        ck_assert(strcmp(d.name, again.name) == 0 && d.seed == again.seed && d.rows == again.rows);
        ck_assert(d.seed != other.seed);
        ck_assert(!operation_has_dialects(d.operation) || operation_applies(d.operation, &d.dialect));
        ck_assert(d.rows >= 1 && d.rows <= 24 && d.cols >= 1 && d.cols <= 24 && d.steps >= 1 && d.steps <= 4);
        ck_assert(k % 2 == 0 || count == 0);
        changed += count > 0;
        most = count > most ? count : most;
    }
    ck_assert(changed >= DRAWS / 2 - 12 && most == 3); /* three values of the arithmetic, four times, are no change */
}
END_TEST

/* Every value of every axis that is a choice comes up, in the dialect that is drawn, in an operation that it matters for. */
START_TEST(every_choice_comes_up)
{
    for (size_t axis = 0; axis < assay_axis_count; axis++) {
        char value[AXIS_TEXT], now[AXIS_TEXT];
        bool choice = assay_axes[axis].values && strcmp(assay_axes[axis].name, "arithmetic") != 0;
        for (size_t l = 0; choice && axis_value(axis, l, value); l++) {
            char text[2 * AXIS_TEXT + 8];
            bool found = false;
            snprintf(text, sizeof text, " --set %s=%s", assay_axes[axis].name, value);
            for (size_t k = 0; k < DRAWS && !found; k += 2) {
                struct draw d = draw_case(7, k);
                assay_dialect_get(&d.dialect, axis, now, sizeof now);
                found =
                    strstr(d.name, text) && strcmp(now, value) == 0 && axis_matters(&d.dialect, assay_axes[axis].name);
            }
            ck_assert_msg(found, "%s", text);
        }
    }
}
END_TEST

/* Sizes that can be halved are, one at a time; nothing is smaller than a number. */
START_TEST(draws_become_smaller)
{
    for (size_t k = 0; k < DRAWS; k++) {
        struct draw d = draw_case(8, k), smaller[DRAW_SIZES];
        size_t rounds = 0;
        for (size_t count; (count = draw_smaller(smaller, &d)) > 0; rounds++) {
            for (size_t l = 0; l < count; l++) {
                const struct draw *s = &smaller[l];
                int halved = (s->rows < d.rows) + (s->cols < d.cols) + (s->steps < d.steps) + (s->apart < d.apart);
                ck_assert(halved == 1 && s->seed == d.seed && strcmp(s->name, d.name) == 0);
            }
            d = smaller[rounds % count];
        }
        ck_assert(rounds <= 5 + 5 + 2 + 2 && (d.family->fits || d.rows * d.cols * d.steps * d.apart == 1));
    }
}
END_TEST

/* The case has the shape, binary32 numbers, an answer and bounds of the dialect under its own name; some runs have steps without
 * gradient. */
START_TEST(cases_are_made)
{
    char message[ASSAY_MESSAGE_SIZE];
    size_t made = 0, absent = 0, deep = 0;
    for (size_t k = 0; k < 60; k++) {
        struct draw d = draw_case(9, k);
        struct drawn_case x;
        if (d.rows * d.cols * d.steps > 200)
            continue;
        assay_status status = draw_make(&x, &d, message);
        const struct golden_case *c = &x.c;
        ck_assert_msg(status == ASSAY_OK || status == ASSAY_INVALID || status == ASSAY_UNDEFINED, "%s: %s", d.name,
                      assay_status_text(status));
        ck_assert(case_fits(c, TENSOR_F32) && c->inputs[0].count % (d.rows * d.cols) == 0);
        if (status == ASSAY_OK) {
            bool has = operation_has_dialects(d.operation);
            ck_assert(c->class_count == 1 && (!has || c->classes[0].members[0] == &x.dialect));
            ck_assert_str_eq(c->classes[0].name, has ? d.name : "");
            made++;
            absent += case_input(c, "present") != NULL;
            deep += c->inputs[0].ndim > 2;
        }
        case_free(&x.c);
    }
    ck_assert(made > 20 && absent > 0 && deep > 0);
}
END_TEST

RUN_TESTS("draws", TEST(names_are_what_dialects_are), TEST(every_choice_comes_up), TEST(draws_become_smaller),
          TEST(cases_are_made))
