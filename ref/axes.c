/* The axes of dialects by name: for printing them, and for setting them from text. */
#include "dialect.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define VALUES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* How an axis is kept in struct assay_dialect. */
enum kind { CHOICE, FLAG, NUMBER, INTEGER, TABLE };

struct place {
    enum kind kind;
    size_t offset;
};

#define AXIS(kind, member)                                                                                             \
    {                                                                                                                  \
        kind, offsetof(struct assay_dialect, member)                                                                   \
    }

/* The values stand in the order of their enumerations. */
const struct assay_axis assay_axes[] = {
    {"momentum", "the buffer m", VALUES("none", "ema", "heavy-ball")},
    {"dampening", "of heavy-ball momentum", NULL},
    {"nesterov", "the input u of the direction", VALUES("none", "lerp", "add", "sum", "nadam", "unbiased", "raw")},
    {"direction-first", "the buffer is made of directions", VALUES("no", "yes")},
    {"direction", "O", VALUES("identity", "newton-schulz", "lmo", "cosh-rms", "adam")},
    {"coefficients", "of Newton-Schulz", NULL},
    {"steps", "of Newton-Schulz", NULL},
    {"overrun", "steps beyond the table", VALUES("repeat-last", "cycle", "stop")},
    {"normalisation", "before Newton-Schulz", VALUES("add", "max", "spectral", "schatten", "aol")},
    {"norm-factor", "on ||u||", NULL},
    {"eps", "beside ||u||", NULL},
    {"nan-to-zero", "0 / 0 is 0", VALUES("no", "yes")},
    {"pre", "before the normalisation", VALUES("none", "equilibrate")},
    {"snap", "to the norm of an isometry", VALUES("no", "yes")},
    {"post", "after Newton-Schulz", VALUES("none", "normuon-rows", "normuon-aspect", "adamuon", "dual-norm", "graft")},
    {"beta2", "of second moments", NULL},
    {"adam-eps", "of Adam", NULL},
    {"norm", "of the exact LMO", VALUES("spectral", "frobenius", "max", "rms", "nuclear", "sum", "column", "row")},
    {"cosh", "form of cosh-RMS", VALUES("normalised", "raw", "mean-square")},
    {"gamma", "of cosh-RMS", NULL},
    {"cosh-eps", "of cosh-RMS", NULL},
    {"scale", "of the update", VALUES("one", "max1-ratio", "ratio", "sqrt-max", "conv-ratio")},
    {"scale-factor", "on the scale", NULL},
    {"layout", "of the scale's dimensions", VALUES("out-in", "in-out", "tail")},
    {"decay", "of the weights",
     VALUES("none", "decoupled", "scaled", "squared", "independent", "frank-wolfe", "l2", "cautious", "cautious-scaled",
            "cautious-squared")},
    {"nd", "tensors of 3 and 4 dimensions",
     VALUES("reject", "flatten", "batch", "flatten-conv", "bypass-conv", "positions", "elementwise")},
    {"split-thirds", "a 3c x c matrix is three", VALUES("no", "yes")},
    {"absent", "a step without gradient", VALUES("skip", "zero", "zero-no-decay")},
    {"arithmetic", "of the port's direction", VALUES("fp32", "bf16", "fp16")},
};
const size_t assay_axis_count = COUNT(assay_axes);

static const struct place places[] = {
    AXIS(CHOICE, momentum),      AXIS(NUMBER, dampening),   AXIS(CHOICE, nesterov),     AXIS(FLAG, direction_first),
    AXIS(CHOICE, direction),     AXIS(TABLE, coefficients), AXIS(INTEGER, steps),       AXIS(CHOICE, overrun),
    AXIS(CHOICE, normalisation), AXIS(NUMBER, norm_factor), AXIS(NUMBER, eps),          AXIS(FLAG, nan_to_zero),
    AXIS(CHOICE, pre),           AXIS(FLAG, snap),          AXIS(CHOICE, post),         AXIS(NUMBER, beta2),
    AXIS(NUMBER, adam_eps),      AXIS(CHOICE, norm),        AXIS(CHOICE, cosh),         AXIS(NUMBER, gamma),
    AXIS(NUMBER, cosh_eps),      AXIS(CHOICE, scale),       AXIS(NUMBER, scale_factor), AXIS(CHOICE, layout),
    AXIS(CHOICE, decay),         AXIS(CHOICE, nd),          AXIS(FLAG, split_thirds),   AXIS(CHOICE, absent),
    AXIS(CHOICE, arithmetic),
};
static_assert(COUNT(places) == COUNT(assay_axes), "one place for each axis");
static_assert(sizeof(enum assay_momentum) == sizeof(int) && sizeof(enum assay_decay) == sizeof(int),
              "enumerations are read and written as int");

/* The shortest decimal that is this number. */
static void print_number(char *text, size_t size, double x)
{
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, size, "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            return;
    }
}

void assay_dialect_get(const struct assay_dialect *d, size_t axis, char *text, size_t size)
{
    const char *member = (const char *)d + places[axis].offset;
    int choice;
    bool flag;
    double number;
    size_t integer;
    const struct assay_coefficients *table;
    switch (places[axis].kind) {
    case CHOICE:
        memcpy(&choice, member, sizeof choice);
        snprintf(text, size, "%s", assay_axes[axis].values[choice]);
        break;
    case FLAG:
        memcpy(&flag, member, sizeof flag);
        snprintf(text, size, "%s", assay_axes[axis].values[flag]);
        break;
    case NUMBER:
        memcpy(&number, member, sizeof number);
        print_number(text, size, number);
        break;
    case INTEGER:
        memcpy(&integer, member, sizeof integer);
        snprintf(text, size, "%zu", integer);
        break;
    default: /* TABLE */
        memcpy(&table, member, sizeof table);
        snprintf(text, size, "%s", table ? table->name : "none");
        break;
    }
}

static bool set_number(char *member, const char *value)
{
    char *end;
    double number = strtod(value, &end);
    if (end == value || *end != '\0' || !(number >= 0 && number <= 1e300))
        return false;
    memcpy(member, &number, sizeof number);
    return true;
}

static bool set_integer(char *member, const char *value)
{
    char *end;
    unsigned long number = strtoul(value, &end, 10);
    size_t integer = number;
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || number > 1000)
        return false;
    memcpy(member, &integer, sizeof integer);
    return true;
}

static bool set_choice(char *member, enum kind kind, const char *const *values, const char *value)
{
    for (int k = 0; values[k]; k++)
        if (strcmp(values[k], value) == 0) {
            bool flag = k == 1;
            memcpy(member, kind == FLAG ? (const void *)&flag : (const void *)&k,
                   kind == FLAG ? sizeof flag : sizeof k);
            return true;
        }
    return false;
}

bool assay_dialect_set(struct assay_dialect *d, const char *axis, const char *value)
{
    size_t k = 0;
    while (k < assay_axis_count && strcmp(assay_axes[k].name, axis) != 0)
        k++;
    if (k == assay_axis_count)
        return false;
    char *member = (char *)d + places[k].offset;
    const struct assay_coefficients *table = assay_coefficients_find(value);
    switch (places[k].kind) {
    case NUMBER:
        return set_number(member, value);
    case INTEGER:
        return set_integer(member, value);
    case TABLE:
        if (table)
            memcpy(member, &table, sizeof table);
        return table != NULL;
    default:
        return set_choice(member, places[k].kind, assay_axes[k].values, value);
    }
}
