#include "changes.h"

#include <stdio.h>
#include <string.h>

/* The values of a numerical axis that ports have been seen with. */
static const struct {
    const char *axis, *values[14];
} seen[] = {
    {"steps", {"1", "2", "3", "4", "5", "6", "7", "8", "10", "12"}},
    {"norm-factor", {"1", "1.01", "1.02", "1.05", "1.1"}},
    {"eps", {"0", "1e-15", "1e-12", "1e-10", "1e-9", "1e-8", "1e-7", "1e-6", "1e-5", "1e-4", "1e-3"}},
    {"beta2", {"0.9", "0.95", "0.98", "0.99", "0.999"}},
    {"gamma", {"0.5", "1", "1.5", "2"}},
    {"scale-factor", {"0.1", "0.2", "0.4", "0.5", "1", "2"}},
    {"dampening", {"0", "0.1", "0.5", "0.9", "0.95"}},
    {"cosh-eps", {"0", "1e-8", "1e-6"}},
    {"adam-eps", {"0", "1e-15", "1e-10", "1e-8", "1e-6"}},
};

bool axis_value(size_t axis, size_t k, char text[AXIS_TEXT])
{
    const struct assay_axis *a = &assay_axes[axis];
    const char *value = NULL;
    if (strcmp(a->name, "coefficients") == 0) {
        value = k < assay_coefficient_table_count ? assay_coefficient_tables[k]->name : NULL;
    } else if (a->values) {
        size_t count = 0;
        while (a->values[count])
            count++;
        value = k < count ? a->values[k] : NULL;
    } else {
        for (size_t l = 0; l < sizeof seen / sizeof seen[0]; l++)
            if (strcmp(seen[l].axis, a->name) == 0 && k < sizeof seen[l].values / sizeof *seen[l].values)
                value = seen[l].values[k];
    }
    if (value)
        snprintf(text, AXIS_TEXT, "%s", value);
    return value != NULL;
}

bool axis_is_among(const char *axis, const char *const *names)
{
    while (*names && strcmp(*names, axis) != 0)
        names++;
    return *names;
}

bool axis_matters(const struct assay_dialect *d, const char *axis)
{
    static const char *const iteration[] = {"coefficients", "steps", "overrun", "normalisation", "norm-factor", "eps",
                                            "pre",          "snap",  "post",    "nan-to-zero",   NULL};
    bool iterates = assay_dialect_steps(d) > 0 &&
                    (d->direction == ASSAY_DIRECTION_NEWTON_SCHULZ || d->direction == ASSAY_DIRECTION_COSH_RMS);
    if (axis_is_among(axis, iteration))
        return iterates;
    if (strcmp(axis, "norm") == 0)
        return d->direction == ASSAY_DIRECTION_LMO;
    if (strcmp(axis, "cosh") == 0 || strcmp(axis, "gamma") == 0 || strcmp(axis, "cosh-eps") == 0)
        return d->direction == ASSAY_DIRECTION_COSH_RMS;
    if (strcmp(axis, "beta2") == 0)
        return d->post != ASSAY_POST_NONE || d->direction == ASSAY_DIRECTION_ADAM;
    if (strcmp(axis, "adam-eps") == 0)
        return d->direction == ASSAY_DIRECTION_ADAM;
    if (strcmp(axis, "dampening") == 0)
        return d->momentum == ASSAY_MOMENTUM_HEAVY_BALL;
    return strcmp(axis, "arithmetic") != 0;
}

bool axis_change(struct assay_dialect *d, size_t axis, const char *value)
{
    char old[AXIS_TEXT], now[AXIS_TEXT];
    assay_dialect_get(d, axis, old, sizeof old);
    bool set = assay_dialect_set(d, assay_axes[axis].name, value);
    assay_dialect_get(d, axis, now, sizeof now);
    return set && strcmp(old, now) != 0;
}
