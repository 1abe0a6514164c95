/* A golden case: inputs, parameters, and the exact answers, correctly rounded. */
#ifndef ASSAY_GOLDEN_CASE_H
#define ASSAY_GOLDEN_CASE_H

#include "tensor.h"

enum operation {
    OPERATION_POLAR,
    OPERATION_SVD,
    OPERATION_LMO,
    OPERATION_NEWTON_SCHULZ,
    OPERATION_COSH_RMS,
    OPERATION_MOMENTUM,
    OPERATION_STEP,
    OPERATIONS
};
extern const char *const operation_names[OPERATIONS];
/* The names of the norms, those of the axis, by enum assay_norm. */
enum { NORMS = ASSAY_NORM_ROW + 1 };
const char *const *norm_names(void);

/* Whether its answer depends on a dialect. */
bool operation_has_dialects(enum operation operation);

enum { CASE_TEXT = 200, CASE_FLAGS = 6, CASE_INPUTS = 6, CASE_ANSWERS = 5 };

/* One array of an answer: hi + lo is within `radius` of the exact value, as assay/ref.h defines them. */
struct answer {
    char name[24];
    size_t ndim, shape[TENSOR_MAX_DIMS], count;
    double *hi, *lo, radius;
};

/* What all dialects of a class answer, to the last bit; operations without dialects have one class named "". */
struct answer_class {
    const char *name; /* its first dialect */
    size_t member_count;
    const char **members;
    bool undefined; /* 0 / 0: there are no answers */
    bool unique;    /* whether the exact LMO, or the polar factor, has one value */
    size_t rank;    /* of the input; polar and svd */
    size_t answer_count;
    struct answer answers[CASE_ANSWERS];
};

struct golden_case {
    char id[CASE_TEXT], family[CASE_TEXT], why[CASE_TEXT];
    size_t flag_count;
    char flags[CASE_FLAGS][CASE_TEXT];
    enum operation operation;
    enum assay_norm norm; /* lmo */
    double radius;
    assay_hyper hyper; /* momentum, step */
    size_t step;       /* momentum: its number, from 1 */
    size_t input_count;
    struct tensor inputs[CASE_INPUTS]; /* "G", or what assay ref calls them */
    size_t class_count;
    struct answer_class *classes;
};

/* Frees what the case holds. */
void case_free(struct golden_case *c);

/* The input of that name, or NULL. */
const struct tensor *case_input(const struct golden_case *c, const char *name);

/* Whether every number of every input is one of the format. */
bool case_fits(const struct golden_case *c, enum tensor_type format);

/* Whether two cases ask the same: operation, parameters, and the bits of all inputs. */
bool case_same_question(const struct golden_case *a, const struct golden_case *b);

/* Computes the classes of a case that has none: for operations with dialects, of those that have the operation and take
 * the shape; others are in no class. Errors as those of the reference; classes that were found before stay. */
assay_status case_compute(struct golden_case *c, const assay_options *options) __attribute__((warn_unused_result));

/* Whether two answers are the same bits. */
bool answers_equal(const struct answer *a, const struct answer *b);

#endif
