/* What a comparison found, for people and as JSON. */
#ifndef ASSAY_TRAIN_SUMMARY_H
#define ASSAY_TRAIN_SUMMARY_H

#include "row.h"
#include "theory.h"

#include <jansson.h>

/* Lives in memory that the processes share. */
enum { COMPARISON_ROWS = 16 };
struct comparison {
    struct task task;
    struct row_settings settings;
    size_t count;
    struct row rows[COMPARISON_ROWS]; /* those that are not `done` are left out of everything below */
    bool has_theory;
    struct theory theory;
};

void comparison_print(const struct comparison *c);

/* NULL without memory. */
json_t *comparison_json(const struct comparison *c);

/* Whether everything proved was seen: distances of AuON within their bounds, weights with decay within their ball (up to
 * 2^-20 for the roundings of float parameters). True without theory. */
bool comparison_agrees(const struct comparison *c);

/* The row of an optimizer, if it is done; else NULL. */
const struct row *comparison_row(const struct comparison *c, const char *name);

/* Writes FOLDER/train.json, FOLDER/curves.csv, and, if gnuplot is installed, FOLDER/curves.svg: *plotted. The folder is made if
 * need be. ASSAY_UNREADABLE, ASSAY_NO_MEMORY, with a sentence. */
assay_status comparison_write(const struct comparison *c, const char *folder, bool *plotted, char *message,
                              size_t message_size);

#endif
