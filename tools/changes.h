/* Dialects with axes changed: what is tried of each axis. */
#ifndef ASSAY_TOOLS_CHANGES_H
#define ASSAY_TOOLS_CHANGES_H

#include "dialect.h"

enum { AXIS_TEXT = 32 };

/* Value number k that is tried of an axis: true, and its text, unless there are fewer. Of an axis that is a number they are those
 * that ports have been seen with. */
bool axis_value(size_t axis, size_t k, char text[AXIS_TEXT]);

/* Whether the axis is one of these names, which end with NULL. */
bool axis_is_among(const char *axis, const char *const *names);

/* Whether the axis plays a part in what the dialect does. */
bool axis_matters(const struct assay_dialect *d, const char *axis);

/* Sets the axis; false if that is no change. */
bool axis_change(struct assay_dialect *d, size_t axis, const char *value);

#endif
