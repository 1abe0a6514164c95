/* The axes by name: every value of every axis is set and read back, and nothing else is changed. */
#include "support.h"

#include "coefficients.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The members of struct assay_dialect in the order of assay_axes, as text that this file makes of them. */
enum { MEMBERS = 29 };
static void members(const struct assay_dialect *d, double value[MEMBERS])
{
    const double all[MEMBERS] = {(double)d->momentum,
                                 d->dampening,
                                 (double)d->nesterov,
                                 (double)d->direction_first,
                                 (double)d->direction,
                                 NAN,
                                 (double)d->steps,
                                 (double)d->overrun,
                                 (double)d->normalisation,
                                 d->norm_factor,
                                 d->eps,
                                 (double)d->nan_to_zero,
                                 (double)d->pre,
                                 (double)d->snap,
                                 (double)d->post,
                                 d->beta2,
                                 d->adam_eps,
                                 (double)d->norm,
                                 (double)d->cosh,
                                 d->gamma,
                                 d->cosh_eps,
                                 (double)d->scale,
                                 d->scale_factor,
                                 (double)d->layout,
                                 (double)d->decay,
                                 (double)d->nd,
                                 (double)d->split_thirds,
                                 (double)d->absent,
                                 (double)d->arithmetic};
    memcpy(value, all, sizeof all);
}

/* Whether the two dialects differ in this axis at most. */
static bool same_but(const struct assay_dialect *a, const struct assay_dialect *b, size_t axis)
{
    double x[MEMBERS], y[MEMBERS];
    members(a, x);
    members(b, y);
    bool same = (axis == 5 || a->coefficients == b->coefficients) && a->name == b->name && a->source == b->source;
    for (size_t k = 0; k < MEMBERS; k++)
        same = same && (k == axis || k == 5 || x[k] == y[k]);
    return same && memcmp(&a->defaults, &b->defaults, sizeof a->defaults) == 0;
}

static size_t axis_of(const char *name)
{
    for (size_t k = 0; k < assay_axis_count; k++)
        if (strcmp(assay_axes[k].name, name) == 0)
            return k;
    ck_abort_msg("no axis '%s'", name);
}

/* Sets the axis of a jordan, and requires that its member has this value, that it reads back as that text, and that nothing
 * else has changed. */
static void check_value(const char *name, const char *text, double value, const char *back)
{
    const struct assay_dialect *jordan = assay_dialect_find("jordan");
    struct assay_dialect d = *jordan;
    size_t axis = axis_of(name);
    char got[64];
    double all[MEMBERS];
    ck_assert_msg(assay_dialect_set(&d, name, text), "%s = %s", name, text);
    members(&d, all);
    ck_assert_msg(all[axis] == value, "%s = %s: %g", name, text, all[axis]);
    ck_assert_msg(same_but(&d, jordan, axis), "%s = %s", name, text);
    assay_dialect_get(&d, axis, got, sizeof got);
    ck_assert_msg(strcmp(got, back) == 0, "%s = %s reads %s", name, text, got);
}

/* Names are unique, and each has a meaning. */
START_TEST(axes_have_names)
{
    ck_assert_uint_eq(assay_axis_count, MEMBERS);
    for (size_t k = 0; k < assay_axis_count; k++) {
        ck_assert(assay_axes[k].name[0] && assay_axes[k].meaning[0]);
        for (size_t j = 0; j < k; j++)
            ck_assert_str_ne(assay_axes[j].name, assay_axes[k].name);
        for (size_t j = 0; assay_axes[k].values && assay_axes[k].values[j]; j++)
            for (size_t i = 0; i < j; i++)
                ck_assert_str_ne(assay_axes[k].values[i], assay_axes[k].values[j]);
    }
}
END_TEST

/* The j-th name stands for the j-th value of the enumeration; 1 for yes. The last value of each is named here. */
START_TEST(choices_are_in_the_order_of_their_enumerations)
{
    const struct {
        const char *axis, *last;
        int number;
    } last[] = {{"momentum", "heavy-ball", ASSAY_MOMENTUM_HEAVY_BALL},
                {"nesterov", "raw", ASSAY_NESTEROV_RAW},
                {"direction-first", "yes", 1},
                {"direction", "adam", ASSAY_DIRECTION_ADAM},
                {"overrun", "stop", ASSAY_OVERRUN_STOP},
                {"normalisation", "aol", ASSAY_NORMALISE_AOL},
                {"nan-to-zero", "yes", 1},
                {"pre", "equilibrate", ASSAY_PRE_EQUILIBRATE},
                {"snap", "yes", 1},
                {"post", "graft", ASSAY_POST_GRAFT},
                {"norm", "row", ASSAY_NORM_ROW},
                {"cosh", "mean-square", ASSAY_COSH_MEAN_SQUARE},
                {"scale", "conv-ratio", ASSAY_SCALE_CONV_RATIO},
                {"layout", "tail", ASSAY_LAYOUT_TAIL},
                {"decay", "cautious-squared", ASSAY_DECAY_CAUTIOUS_SQUARED},
                {"nd", "elementwise", ASSAY_ND_ELEMENTWISE},
                {"split-thirds", "yes", 1},
                {"absent", "zero-no-decay", ASSAY_ABSENT_ZERO_NO_DECAY},
                {"arithmetic", "fp16", ASSAY_FP16}};
    size_t choices = 0;
    for (size_t k = 0; k < assay_axis_count; k++)
        choices += assay_axes[k].values != NULL;
    ck_assert_uint_eq(choices, COUNT(last));
    for (size_t k = 0; k < COUNT(last); k++) {
        const struct assay_axis *axis = &assay_axes[axis_of(last[k].axis)];
        int number = 0;
        for (; axis->values[number]; number++)
            check_value(axis->name, axis->values[number], number, axis->values[number]);
        ck_assert_int_eq(number - 1, last[k].number);
        ck_assert_str_eq(axis->values[number - 1], last[k].last);
    }
    /* and some in the middle */
    check_value("nesterov", "sum", ASSAY_NESTEROV_SUM, "sum");
    check_value("norm", "rms", ASSAY_NORM_RMS, "rms");
    check_value("norm", "max", ASSAY_NORM_MAX, "max");
    check_value("norm", "column", ASSAY_NORM_COLUMN, "column");
    check_value("decay", "independent", ASSAY_DECAY_INDEPENDENT, "independent");
    check_value("decay", "l2", ASSAY_DECAY_L2, "l2");
    check_value("decay", "cautious", ASSAY_DECAY_CAUTIOUS, "cautious");
    check_value("nd", "flatten-conv", ASSAY_ND_FLATTEN_CONV, "flatten-conv");
    check_value("scale", "ratio", ASSAY_SCALE_RATIO, "ratio");
    check_value("post", "adamuon", ASSAY_POST_ADAMUON, "adamuon");
    check_value("normalisation", "spectral", ASSAY_NORMALISE_SPECTRAL, "spectral");
}
END_TEST

static const char *const numbers[] = {"dampening", "norm-factor", "eps",      "beta2",
                                      "adam-eps",  "gamma",       "cosh-eps", "scale-factor"};

/* Numbers are read as binary64 and written as the shortest decimal that is that number. */
START_TEST(numbers_are_set)
{
    uint64_t state = 1;
    char text[64];
    for (size_t k = 0; k < COUNT(numbers); k++) {
        check_value(numbers[k], "0", 0, "0");
        check_value(numbers[k], "1e-07", 1e-7, "1e-07");
        check_value(numbers[k], "0.10", 0.1, "0.1");
        check_value(numbers[k], "0.1000000000000000055511151231257827", 0.1, "0.1");
        check_value(numbers[k], "0x1p-3", 0.125, "0.125");
        check_value(numbers[k], "1e300", 1e300, "1e+300");
        check_value(numbers[k], "5e-324", 5e-324, "5e-324");
        check_value(numbers[k], "0.30000000000000004", 0.1 + 0.2, "0.30000000000000004");
        for (size_t j = 0; j < rounds(50); j++) {
            double x = ldexp(random_uniform(&state), (int)random_below(&state, 60) - 30);
            snprintf(text, sizeof text, "%.17g", x);
            struct assay_dialect d = assay_dialects[0];
            ck_assert(assay_dialect_set(&d, numbers[k], text));
            assay_dialect_get(&d, axis_of(numbers[k]), text, sizeof text);
            struct assay_dialect again = assay_dialects[1];
            ck_assert(assay_dialect_set(&again, numbers[k], text));
            double one[MEMBERS], other[MEMBERS];
            members(&d, one);
            members(&again, other);
            ck_assert(one[axis_of(numbers[k])] == x && other[axis_of(numbers[k])] == x);
        }
    }
    check_value("steps", "0", 0, "0");
    check_value("steps", "7", 7, "7");
    check_value("steps", "1000", 1000, "1000");
}
END_TEST

START_TEST(tables_are_set)
{
    char text[64];
    struct assay_dialect d = *assay_dialect_find("jordan");
    for (size_t k = 0; k < assay_coefficient_table_count; k++) {
        ck_assert(assay_dialect_set(&d, "coefficients", assay_coefficient_tables[k]->name));
        ck_assert_ptr_eq(d.coefficients, assay_coefficient_tables[k]);
        ck_assert(same_but(&d, assay_dialect_find("jordan"), 5));
        assay_dialect_get(&d, 5, text, sizeof text);
        ck_assert_str_eq(text, assay_coefficient_tables[k]->name);
    }
    d.coefficients = NULL;
    assay_dialect_get(&d, 5, text, sizeof text);
    ck_assert_str_eq(text, "none");
}
END_TEST

/* What is not an axis or not a value changes nothing. */
START_TEST(nonsense_is_refused)
{
    const char *const pairs[][2] = {
        {"", "1"},        {"Momentum", "ema"}, {"momentum ", "ema"},     {"name", "x"},
        {"momentum", ""}, {"momentum", "EMA"}, {"momentum", "1"},        {"momentum", "em"},
        {"snap", "true"}, {"snap", "1"},       {"coefficients", "none"}, {"coefficients", ""},
        {"steps", ""},    {"steps", "-1"},     {"steps", "+1"},          {"steps", " 1"},
        {"steps", "1.5"}, {"steps", "5x"},     {"steps", "1001"},        {"steps", "18446744073709551617"},
        {"steps", "five"}};
    const char *const not_numbers[] = {"", "x", "1x", "1 ", "-1", "-1e-300", "nan", "inf", "1e301", "1e999", "1,5"};
    const struct assay_dialect *jordan = assay_dialect_find("jordan");
    struct assay_dialect d = *jordan;
    for (size_t k = 0; k < COUNT(pairs); k++)
        ck_assert_msg(!assay_dialect_set(&d, pairs[k][0], pairs[k][1]), "%s = %s", pairs[k][0], pairs[k][1]);
    for (size_t k = 0; k < COUNT(numbers); k++)
        for (size_t j = 0; j < COUNT(not_numbers); j++)
            ck_assert_msg(!assay_dialect_set(&d, numbers[k], not_numbers[j]), "%s = %s", numbers[k], not_numbers[j]);
    ck_assert(same_but(&d, jordan, MEMBERS));
    d.snap = !d.snap; /* counter-check */
    ck_assert(!same_but(&d, jordan, MEMBERS) && same_but(&d, jordan, axis_of("snap")));
}
END_TEST

/* Every named dialect is what its axes say: set on an empty one, they make the same. */
START_TEST(dialects_are_what_their_axes_say)
{
    char text[64];
    for (size_t k = 0; k < assay_dialect_count; k++) {
        struct assay_dialect copy = {.name = assay_dialects[k].name, .source = assay_dialects[k].source};
        copy.defaults = assay_dialects[k].defaults;
        for (size_t axis = 0; axis < assay_axis_count; axis++) {
            assay_dialect_get(&assay_dialects[k], axis, text, sizeof text);
            bool none = strcmp(assay_axes[axis].name, "coefficients") == 0 && strcmp(text, "none") == 0;
            ck_assert_msg(none || assay_dialect_set(&copy, assay_axes[axis].name, text), "%s = %s",
                          assay_axes[axis].name, text);
        }
        ck_assert_msg(same_but(&copy, &assay_dialects[k], MEMBERS), "%s", copy.name);
    }
    assay_dialect_get(&assay_dialects[0], axis_of("momentum"), text, 3); /* cut, and ended */
    ck_assert_str_eq(text, "em");
    assay_dialect_get(assay_dialect_find("dion"), axis_of("norm-factor"), text, 4);
    ck_assert_str_eq(text, "1.0");
}
END_TEST

RUN_TESTS("axes", TEST(axes_have_names), TEST(choices_are_in_the_order_of_their_enumerations), TEST(numbers_are_set),
          TEST(tables_are_set), TEST(nonsense_is_refused), TEST(dialects_are_what_their_axes_say))
