#include "changes.h"

#include "support.h"

#include <stdlib.h>
#include <string.h>

static size_t axis_named(const char *name)
{
    size_t axis = 0;
    while (strcmp(assay_axes[axis].name, name) != 0)
        axis++;
    return axis;
}

/* Every value that is tried can be set; of choices all are tried, of tables too, and of each number at least three. */
START_TEST(values_can_be_set)
{
    for (size_t axis = 0; axis < assay_axis_count; axis++) {
        struct assay_dialect d = *assay_dialect_find("jordan");
        char value[AXIS_TEXT], now[AXIS_TEXT];
        size_t count = 0, choices = 0;
        for (; axis_value(axis, count, value); count++) {
            ck_assert_msg(assay_dialect_set(&d, assay_axes[axis].name, value), "%s", value);
            assay_dialect_get(&d, axis, now, sizeof now);
            ck_assert(strcmp(now, value) == 0 || strtod(now, NULL) == strtod(value, NULL));
        }
        while (assay_axes[axis].values && assay_axes[axis].values[choices])
            choices++;
        if (strcmp(assay_axes[axis].name, "coefficients") == 0)
            choices = assay_coefficient_table_count;
        ck_assert(choices > 0 ? count == choices : count >= 3);
    }
}
END_TEST

/* An axis that has the value already is not changed, nor one that cannot have it. */
START_TEST(changes_are_told)
{
    struct assay_dialect d = *assay_dialect_find("jordan");
    size_t eps = axis_named("eps"), post = axis_named("post");
    ck_assert(!axis_change(&d, eps, "1e-7") && !axis_change(&d, post, "none") && !axis_change(&d, post, "other"));
    ck_assert(axis_change(&d, eps, "1e-6") && d.eps == 1e-6);
    ck_assert(axis_change(&d, post, "graft") && d.post == ASSAY_POST_GRAFT);
}
END_TEST

/* What an axis is for decides where it matters. */
START_TEST(axes_matter_where_they_play_a_part)
{
    static const struct {
        const char *dialect, *axis;
        bool matters;
    } these[] = {{"jordan", "eps", true},        {"adamw", "eps", false},         {"adamw", "adam-eps", true},
                 {"jordan", "adam-eps", false},  {"adamw", "beta2", true},        {"normuon", "beta2", true},
                 {"jordan", "beta2", false},     {"trust-region", "norm", true},  {"jordan", "norm", false},
                 {"auon", "gamma", true},        {"auon", "cosh-eps", true},      {"jordan", "cosh", false},
                 {"sgdm", "dampening", true},    {"jordan", "dampening", false},  {"auon", "coefficients", false},
                 {"hybrid-auon", "steps", true}, {"jordan", "arithmetic", false}, {"jordan", "direction", true},
                 {"jordan", "nan-to-zero", true}};
    for (size_t k = 0; k < sizeof these / sizeof these[0]; k++)
        ck_assert_msg(axis_matters(assay_dialect_find(these[k].dialect), these[k].axis) == these[k].matters, "%s, %s",
                      these[k].dialect, these[k].axis);
}
END_TEST

RUN_TESTS("changes", TEST(values_can_be_set), TEST(changes_are_told), TEST(axes_matter_where_they_play_a_part))
