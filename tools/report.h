/* What a command found, as data: printed for people or as JSON. */
#ifndef ASSAY_TOOLS_REPORT_H
#define ASSAY_TOOLS_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* A JSON object whose keys keep their order. */
typedef json_t report;

/* Adds a value, taking it over; out of memory ends the program. */
void report_add(report *r, const char *key, json_t *value);
json_t *report_bounds(const double bounds[2]);
json_t *report_shape(const size_t *shape, size_t ndim);
/* A text that a user gave; where it is not UTF-8, which JSON lacks, escaped. */
json_t *report_text(const char *text);
/* A number, or "infinity" or "nan", which JSON lacks. */
json_t *report_number(double x);
/* 2^k as text, 0 for LONG_MIN. */
json_t *report_power(long k);

/* Prints it, one line a key or as JSON, and frees it. Returns false if standard output fails. */
bool report_print(report *r, bool as_json);

#endif
