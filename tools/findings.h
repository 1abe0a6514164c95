/* What the judge found, case by case, and the ways to print it. */
#ifndef ASSAY_TOOLS_FINDINGS_H
#define ASSAY_TOOLS_FINDINGS_H

#include "judge.h"

enum finding_kind {
    FINDING_PASS,
    FINDING_FAIL,
    FINDING_MISSING,    /* no result */
    FINDING_NOT_JUDGED, /* no bound in this format says anything */
};

/* In the place of an operation: the statistics of all results together. */
#define FINDING_SUITE OPERATIONS

struct finding {
    enum finding_kind kind;
    enum operation operation; /* or FINDING_SUITE */
    enum tensor_type format;  /* of the arithmetic that it was judged as */
    const struct golden_case *c;
    const char *dialect, *output; /* "" where there is none */
    double ratio;                 /* error over bound; NaN */
    bool misshapen;               /* where the result has another shape than the answer */
    char *text, *command;         /* of a failure: what is wrong, and what computes the answer */
};

/* A sentence about all of them. */
struct remark {
    bool warning; /* of what is no failure; or what failures mean */
    char *text;
};

struct findings {
    const char *title;
    const char *untried; /* operations of which there is no result at all, or NULL; */
    bool partial;        /* and whether results may be missing */
    size_t count, room;
    struct finding *each;
    size_t remark_count;
    struct remark *remarks;
};

void findings_free(struct findings *f);

/* Adds one; `text` and `command`, which may be NULL, are copied. Out of memory ends the program. */
void findings_add(struct findings *f, struct finding finding);

/* Adds a remark. Out of memory ends the program. */
void findings_remark(struct findings *f, bool warning, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Whether results are missing that may not be, or nothing is judged. */
bool findings_incomplete(const struct findings *f);

/* How many there are of a kind. */
size_t findings_count(const struct findings *f, enum finding_kind kind);

enum findings_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_JUNIT, FORMAT_TAP, FORMAT_MARKDOWN, FORMAT_GITHUB };

/* The value of --format, NULL standing for text; false after a complaint. */
bool findings_parse_format(const char *text, enum findings_format *format);

/* Prints them. Returns false if standard output fails. */
bool findings_print(const struct findings *f, enum findings_format format);

#endif
