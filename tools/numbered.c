#include "numbered.h"

#include "bugs.h"
#include "changes.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Whether the results show that number k is another. */
static bool is_another(const struct hypothesis *h, size_t k, double errors)
{
    const struct number_estimate *x = &h->numbers[k];
    bool vanishes = k == NUMBER_SCALE && !(x->value > 0x1p-20 * x->nominal); /* no port has that: it does nothing */
    return k != NUMBER_ROUNDING && x->seen && !vanishes && number_excluded(x, errors);
}

assay_status hypothesis_ask(struct hypothesis *h, const struct evidence *e, enum tensor_type format)
{
    const assay_options options = {.threads = 1};
    if (h->asked)
        return ASSAY_OK;
    assay_status status = numbers_estimate(h->numbers, &h->dialect, h->bug ? h->bug->fault : FAULT_NONE, e->cases,
                                           e->case_count, format, &options);
    h->asked = true;
    for (size_t k = 0; k < NUMBERS && status == ASSAY_OK; k++)
        h->denied = h->denied || is_another(h, k, NUMBER_BEYOND);
    return status;
}

bool hypothesis_is_numbered(const struct hypothesis *h)
{
    bool any = false;
    for (size_t k = 0; k < NUMBERS; k++)
        any = any || h->own[k];
    return any;
}

/* ---- names --------------------------------------------------------------------------------------------------------------- */

static void append(struct hypothesis *h, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void append(struct hypothesis *h, const char *format, ...)
{
    size_t end = strlen(h->name);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(h->name + end, sizeof h->name - end, format, arguments);
    va_end(arguments);
}

/* What the results show of a number of its own, or what the hypothesis has until they are asked. */
static double own_number(const struct hypothesis *h, size_t k)
{
    if (h->asked && h->numbers[k].seen)
        return h->numbers[k].value;
    const struct assay_triple t = k <= NUMBER_C ? h->dialect.coefficients->triples[0] : (struct assay_triple){0};
    return (double[NUMBERS]){t.a,     t.b,     t.c, 0, h->dialect.norm_factor, h->dialect.eps, h->dialect.scale_factor,
                             h->beta, h->decay}[k];
}

/* To the first digit of the error, with six at most. */
static void append_number(struct hypothesis *h, const char *before, size_t k)
{
    double x = own_number(h, k);
    int digits = (int)fmin(fmax(1 + ceil(log10(fabs(x) / h->numbers[k].error)), 2), 6);
    append(h, "%s%.*g", before, digits, x);
}

/* The number that an axis is; NUMBERS if none. */
static size_t number_of_axis(const char *axis)
{
    size_t k = NUMBER_NORM;
    while (k < NUMBERS && strcmp(number_names[k], axis) != 0)
        k++;
    return strcmp(axis, "coefficients") == 0 ? (size_t)NUMBER_A : k;
}

static void name_axis(struct hypothesis *h, size_t axis, const char *value)
{
    size_t k = number_of_axis(assay_axes[axis].name);
    h->changes++;
    append(h, ", %s", assay_axes[axis].name);
    if (k == NUMBERS || !h->own[k])
        append(h, "=%s", value);
    else if (k != NUMBER_A)
        append_number(h, "=", k);
    else
        for (; k <= NUMBER_C; k++)
            append_number(h, k == NUMBER_A ? " " : ", ", k);
}

void hypothesis_name(struct hypothesis *h)
{
    struct assay_dialect plain = *h->base;
    h->changes = 0;
    snprintf(h->name, sizeof h->name, "%s", h->base->name);
    if (h->bug && bug_apply(h->bug, &plain))
        append(h, ", %s", h->bug->name);
    for (size_t axis = 0; axis < assay_axis_count; axis++) {
        char old[AXIS_TEXT], now[AXIS_TEXT];
        assay_dialect_get(&plain, axis, old, sizeof old);
        assay_dialect_get(&h->dialect, axis, now, sizeof now);
        if (strcmp(old, now) != 0)
            name_axis(h, axis, now);
    }
    for (size_t k = NUMBER_BETA; k <= NUMBER_DECAY; k++)
        if (h->own[k]) {
            h->changes++;
            append(h, ", %s", number_names[k]);
            append_number(h, "=", k);
        }
}

/* ---- numbers of its own ---------------------------------------------------------------------------------------------------- */

void hypothesis_give_triple(struct hypothesis *h, struct own_triple *to, struct assay_triple triple)
{
    to->triple = triple;
    to->table = (struct assay_coefficients){"fitted", "", 1, &to->triple};
    h->dialect.coefficients = &to->table;
    h->dialect.overrun = ASSAY_OVERRUN_REPEAT_LAST;
    h->own[NUMBER_A] = h->own[NUMBER_B] = h->own[NUMBER_C] = true;
}

/* The dialect's number where the results allow it, else the estimate. */
static bool replace(struct hypothesis *h, size_t k, enum tensor_type format, double *number, double of_dialect)
{
    struct number_estimate beside = number_beside(&h->numbers[k], k, format, of_dialect);
    if (!is_another(h, k, NUMBER_FAR))
        return false;
    h->own[k] = of_dialect == 0 || number_excluded(&beside, NUMBER_FAR);
    *number = h->own[k] ? beside.value : of_dialect;
    return true;
}

bool hypothesis_number(struct hypothesis *h, enum tensor_type format, struct own_triple *to)
{
    const struct number_estimate *x = h->numbers;
    bool any = is_another(h, NUMBER_A, NUMBER_FAR) || is_another(h, NUMBER_B, NUMBER_FAR) ||
               is_another(h, NUMBER_C, NUMBER_FAR);
    if (any)
        hypothesis_give_triple(h, to, (struct assay_triple){x[NUMBER_A].value, x[NUMBER_B].value, x[NUMBER_C].value});
    any = replace(h, NUMBER_NORM, format, &h->dialect.norm_factor, h->base->norm_factor) || any;
    any = replace(h, NUMBER_EPS, format, &h->dialect.eps, h->base->eps) || any;
    any = replace(h, NUMBER_SCALE, format, &h->dialect.scale_factor, h->base->scale_factor) || any;
    any = replace(h, NUMBER_BETA, format, &h->beta, 0) || any;
    any = replace(h, NUMBER_DECAY, format, &h->decay, 0) || any;
    hypothesis_name(h);
    return any;
}

void hypothesis_tell(struct hypothesis *h, enum tensor_type format)
{
    const struct assay_dialect *d = h->base;
    bool known = d->coefficients && numbers_repeat(d);
    const struct assay_triple t = known ? assay_dialect_triple(d, 0) : (struct assay_triple){0};
    const double of_dialect[NUMBERS] = {[NUMBER_A] = t.a,      [NUMBER_B] = t.b,
                                        [NUMBER_C] = t.c,      [NUMBER_NORM] = d->norm_factor,
                                        [NUMBER_EPS] = d->eps, [NUMBER_SCALE] = d->scale_factor};
    for (size_t k = 0; k < NUMBERS; k++)
        if (h->own[k] && of_dialect[k] != 0)
            h->numbers[k] = number_beside(&h->numbers[k], k, format, of_dialect[k]);
    if (hypothesis_is_numbered(h))
        hypothesis_name(h);
}
