#include "draws.h"

#include "bounds.h"
#include "changes.h"
#include "command.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The sequence of random bits that a draw is made of. */
struct source {
    uint64_t seed, next;
};

static size_t below(struct source *s, size_t count)
{
    return input_bits(s->seed, s->next++) % count;
}

/* ---- dialects ---------------------------------------------------------------------------------------------------------- */

/* Whether the axis plays a part in the operation: momentum ends with the input of the direction, newton-schulz and cosh-rms
 * with the direction. */
static bool axis_is_of(enum operation operation, const struct assay_dialect *d, const char *axis)
{
    static const char *const momentum[] = {"momentum", "dampening", "nesterov", NULL};
    static const char *const direction[] = {
        "coefficients", "steps", "overrun", "normalisation", "norm-factor", "eps",          "nan-to-zero", "pre",
        "snap",         "cosh",  "gamma",   "cosh-eps",      "nd",          "split-thirds", "layout",      NULL};
    bool part =
        operation == OPERATION_STEP || axis_is_among(axis, operation == OPERATION_MOMENTUM ? momentum : direction);
    return part && axis_matters(d, axis);
}

/* Sets the axis, and says so in the name; false if that is no change. */
static bool change(struct draw *d, size_t axis, const char *value)
{
    size_t end = strlen(d->name);
    if (!axis_change(&d->dialect, axis, value))
        return false;
    snprintf(d->name + end, sizeof d->name - end, " --set %s=%s", assay_axes[axis].name, value);
    return true;
}

/* Number k of all values of all axes that are choices, one axis after the other and over again. */
static size_t choice(size_t k, char value[AXIS_TEXT])
{
    for (size_t axis = 0;; axis = (axis + 1) % assay_axis_count)
        for (size_t l = 0; assay_axes[axis].values && axis_value(axis, l, value); l++)
            if (k-- == 0)
                return axis;
}

/* Gives another axis of those that play a part a random value; or does nothing, if it has that. */
static void change_another(struct draw *d, size_t axis, struct source *s)
{
    char value[AXIS_TEXT];
    size_t other, count = 0;
    do {
        other = below(s, assay_axis_count);
    } while (other == axis || !axis_is_of(d->operation, &d->dialect, assay_axes[other].name));
    while (axis_value(other, count, value))
        count++;
    if (axis_value(other, below(s, count), value))
        change(d, other, value);
}

static void draw_named(struct draw *d, struct source *s)
{
    static const enum operation operations[] = {OPERATION_POLAR,    OPERATION_LMO,      OPERATION_NEWTON_SCHULZ,
                                                OPERATION_COSH_RMS, OPERATION_MOMENTUM, OPERATION_STEP,
                                                OPERATION_STEP}; /* which has the most axes */
    d->operation = operations[below(s, sizeof operations / sizeof operations[0])];
    do {
        d->dialect = assay_dialects[below(s, assay_dialect_count)];
    } while (operation_has_dialects(d->operation) && !operation_applies(d->operation, &d->dialect));
    snprintf(d->name, sizeof d->name, "%s", d->dialect.name);
}

/* A named dialect with this change, where it is one and plays a part, and up to two more. */
static void draw_changed(struct draw *d, size_t axis, const char *value, struct source *s)
{
    const char *name = assay_axes[axis].name;
    for (bool good = false; !good;) {
        draw_named(d, s);
        good = operation_has_dialects(d->operation) && axis_is_of(d->operation, &d->dialect, name) &&
               change(d, axis, value);
        for (size_t k = good ? below(s, 3) : 0; k > 0; k--)
            change_another(d, axis, s);
        good = good && operation_applies(d->operation, &d->dialect) && axis_is_of(d->operation, &d->dialect, name);
    }
}

/* ---- sizes ------------------------------------------------------------------------------------------------------------- */

/* Mostly matrices; a third of those that are split has what can be split. */
static void draw_sizes(struct draw *d, struct source *s)
{
    bool thirds = d->dialect.split_thirds && below(s, 3) == 0, any = operation_has_dialects(d->operation);
    size_t kind = any ? below(s, 8) : 0;
    d->ndim = kind == 7 ? 4 : kind == 6 ? 3 : 2;
    d->rows = 1 + below(s, d->ndim == 4 ? 8 : 24);
    d->cols = 1 + below(s, d->ndim == 4 || thirds ? 8 : 24);
    d->apart = 1 + below(s, 3);
    if (thirds)
        d->rows = 3 * d->cols;
    d->steps = 1 + below(s, 4);
    d->exponent = (int)below(s, 41) - 30;
}

static bool family_fits(const struct draw *d)
{
    return !d->family->fits || d->family->fits(d->rows, d->cols);
}

struct draw draw_case(uint64_t seed, size_t number)
{
    char value[AXIS_TEXT];
    size_t axis = choice(number / 2, value);
    struct draw d = {.seed = input_bits(seed, number)};
    struct source s = {.seed = d.seed};
    if (number % 2 == 0 && strcmp(assay_axes[axis].name, "arithmetic") != 0)
        draw_changed(&d, axis, value, &s);
    else
        draw_named(&d, &s);
    draw_sizes(&d, &s);
    do {
        d.family = &families[below(&s, family_count)];
    } while (!family_fits(&d));
    return d;
}

size_t draw_smaller(struct draw smaller[DRAW_SIZES], const struct draw *d)
{
    size_t count = 0;
    for (size_t k = 0; k < DRAW_SIZES; k++) {
        struct draw *less = &smaller[count];
        *less = *d;
        size_t *const sizes[DRAW_SIZES] = {&less->steps, &less->rows, &less->cols, &less->apart}, before = *sizes[k];
        *sizes[k] = (before + 1) / 2;
        count += *sizes[k] < before && family_fits(less);
    }
    return count;
}

/* ---- cases ------------------------------------------------------------------------------------------------------------- */

/* A tensor of which nothing but the shape is there. */
static struct tensor shape_of(const struct draw *d)
{
    struct tensor x = {.ndim = d->ndim, .shape = {d->rows, d->cols, d->apart, d->apart}, .count = 1};
    if (d->ndim == 3) {
        const size_t stack[] = {d->apart, d->rows, d->cols};
        memcpy(x.shape, stack, sizeof stack);
    }
    for (size_t k = 0; k < x.ndim; k++)
        x.count *= x.shape[k];
    return x;
}

/* The input `name` of the case: `count` tensors, rounded to binary32, each of as many matrices of the family as it takes. */
static void add_tensors(struct golden_case *c, const char *name, const struct draw *d, size_t count, bool stacked,
                        uint64_t salt)
{
    struct tensor *x = &c->inputs[c->input_count++];
    size_t size = d->rows * d->cols;
    int64_t *both = or_end(calloc(2 * size, sizeof *both));
    const struct tensor each = shape_of(d);
    *x = (struct tensor){.name = or_end(strdup(name)), .ndim = stacked, .shape = {count}, .count = count * each.count};
    for (size_t k = 0; k < each.ndim; k++)
        x->shape[x->ndim++] = each.shape[k];
    x->at = or_end(calloc(x->count, sizeof *x->at));
    for (size_t t = 0; t < x->count / size; t++) {
        struct whole_matrix whole = {.rows = d->rows, .cols = d->cols, .at = both, .truth = both + size};
        d->family->fill(&whole, input_bits(d->seed ^ salt, t));
        for (size_t k = 0; k < size; k++)
            x->at[t * size + k] = (double)(float)ldexp((double)both[k], whole.exponent + d->exponent);
    }
    free(both);
}

/* Of every other run the steps with a gradient: three of four. */
static void add_present(struct golden_case *c, const struct draw *d)
{
    struct source s = {.seed = d->seed ^ 4};
    if (below(&s, 2) == 0)
        return;
    struct tensor *x = &c->inputs[c->input_count++];
    *x = (struct tensor){.name = or_end(strdup("present")), .ndim = 1, .shape = {d->steps}, .count = d->steps};
    x->at = or_end(calloc(x->count, sizeof *x->at));
    for (size_t t = 0; t < d->steps; t++)
        x->at[t] = below(&s, 4) > 0;
}

static void add_inputs(struct golden_case *c, const struct draw *d)
{
    switch (d->operation) {
    case OPERATION_MOMENTUM:
        add_tensors(c, "momentum", d, 1, false, 1);
        add_tensors(c, "grad", d, 1, false, 2);
        add_tensors(c, "param", d, 1, false, 3);
        break;
    case OPERATION_STEP:
        add_tensors(c, "param", d, 1, false, 1);
        add_tensors(c, "grads", d, d->steps, true, 2);
        add_present(c, d);
        break;
    default:
        add_tensors(c, "G", d, 1, false, 1);
    }
}

assay_status draw_make(struct drawn_case *made, const struct draw *d, char message[ASSAY_MESSAGE_SIZE])
{
    const assay_options options = {.message = message, .message_size = ASSAY_MESSAGE_SIZE};
    struct golden_case *c = &made->c;
    *made = (struct drawn_case){.c = {.operation = d->operation, .radius = 0.5, .step = d->steps}};
    snprintf(made->name, sizeof made->name, "%s", d->name);
    made->dialect = d->dialect;
    made->dialect.name = made->name;
    int end = snprintf(c->id, sizeof c->id, "fuzz-%016llx-%zu", (unsigned long long)d->seed, d->steps);
    const struct tensor shape = shape_of(d);
    for (size_t k = 0; k < shape.ndim; k++)
        end += snprintf(c->id + end, sizeof c->id - (size_t)end, "x%zu", shape.shape[k]);
    snprintf(c->family, sizeof c->family, "%s", d->family->name);
    snprintf(c->why, sizeof c->why, "a random case of the family %s", d->family->name);
    c->norm = (enum assay_norm)(input_bits(d->seed, 99) % NORMS);
    c->hyper = (assay_hyper){.lr = 0.0625, .momentum = 0.875, .weight_decay = 0.25};
    add_inputs(c, d);
    assay_status status = case_compute_for(c, operation_has_dialects(d->operation) ? &made->dialect : NULL, &options);
    if (status == ASSAY_OK && c->classes[0].undefined)
        status = ASSAY_UNDEFINED;
    return status == ASSAY_OK ? case_bound(c, &options) : status;
}
