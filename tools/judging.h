/* Results of a port, judged case by case. */
#ifndef ASSAY_TOOLS_JUDGING_H
#define ASSAY_TOOLS_JUDGING_H

#include "findings.h"
#include "results.h"
#include "set.h"

struct judging {
    struct golden_set *set;
    const char *folder; /* of the set, for commands; or */
    const char *cases;  /* the user's own cases */
    struct results *results;
    const struct assay_dialect *dialect;
    bool any_format; /* judge as what the dialect's port computes in; else: */
    enum tensor_type format;
};

/* The format that an operation of the dialect is judged as: its direction's arithmetic, but binary32 for momentum, and for
 * operations without dialects. */
enum tensor_type format_of(enum operation operation, const struct assay_dialect *d);

/* What results of the operation are judged as. */
enum tensor_type judged_format(const struct judging *j, enum operation operation);

/* Adds what the judge finds on all cases of an operation: those that the dialect takes, and that the format holds. Returns
 * ASSAY_OK, or why the judge could not certify, with a sentence in `message`. */
assay_status judge_operation(struct findings *f, const struct judging *j, enum operation operation,
                             char message[ASSAY_MESSAGE_SIZE]);

/* Whether there is any result of the operation; whether the dialect has answers for it. */
bool is_tried(const struct judging *j, enum operation operation);
bool is_expected(const struct judging *j, enum operation operation);

/* The version of the golden set that the results say they are of, if it is another than the one they are judged by; or NULL. */
const char *other_version(const struct judging *j);

/* Complains of a result that belongs to no case of the set; false if there is none. */
bool complain_unknown(const struct judging *j);

/* The value of --dtype: `any_format` and `format` of *j; false after a complaint. */
bool parse_dtype(const char *text, struct judging *j);

#endif
