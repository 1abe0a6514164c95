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

/* Whether it is a part of the dialect. */
bool operation_applies(enum operation operation, const struct assay_dialect *d);

enum { CASE_TEXT = 200, CASE_FLAGS = 6, CASE_INPUTS = 6, CASE_ANSWERS = 6 };

/* Of each parameter of a case of `step`: params, updates and momentum, one parameter after the other. */
enum { STEP_OUTPUTS = 3 };

/* How errors are measured, each over one matrix: an answer's, or one for each step of a run; rows are those of the first
 * dimension of what is measured. The first alone would miss a zeroed row of a large matrix. */
enum measure { MEASURE_FROBENIUS, MEASURE_ROW, MEASURE_COLUMN, MEASURE_ENTRY, MEASURES };
extern const char *const measure_names[MEASURES];

/* Where bounds come from: golden/bounds.h. */
enum proof {
    PROOF_NONE, /* no bound that says anything */
    PROOF_EXACT,
    PROOF_BITS,
    PROOF_MOMENTUM,
    PROOF_WEYL,
    PROOF_POLAR,
    PROOF_UNIT_VECTORS,
    PROOF_ENVELOPE,
    PROOF_CERTIFICATE, /* of certificates */
    PROOFS
};
extern const char *const proof_names[PROOFS];

/* One array of an answer: hi + lo is within `radius` of the exact value, as assay/ref.h defines them. */
struct answer {
    char name[24];
    size_t ndim, shape[TENSOR_MAX_DIMS], count;
    double *hi, *lo, radius;
    bool stepped;               /* the first dimension counts steps */
    size_t slabs;               /* how many matrices are measured: one for each step, or 1 */
    enum proof proofs[FORMATS]; /* of the bounds, for results that were computed in the format, */
    double *bounds;             /* FORMATS x slabs x MEASURES; infinite without proof */
};
/* The bounds of one slab. */
double *answer_bounds(const struct answer *a, enum tensor_type format, size_t slab);

/* What all dialects of a class answer, to the last bit; operations without dialects have one class named "". */
struct answer_class {
    const char *name; /* its first dialect */
    size_t member_count;
    const struct assay_dialect **members; /* whose owner outlives the class */

    bool undefined; /* 0 / 0: there are no answers */
    bool unique;    /* whether the exact LMO, or the polar factor, has one value */
    size_t rank;    /* of the input; polar and svd */
    size_t answer_count;
    struct answer answers[CASE_ANSWERS];
    /* polar and lmo: how far an honest result may be outside the ball, and from optimal (golden/certificate.h) */
    struct certificate {
        double excess, gap;
    } certificates[FORMATS];
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

/* How many parameters a case of `step` has, 1 or 2, and what stands behind the names of the tensors of number p. */
size_t case_parameters(const struct golden_case *c);
extern const char *const parameter_suffixes[2];

/* Number p of them as a run, from the inputs; `present` gets its flags, one for each step. */
assay_run case_run(const struct golden_case *c, size_t p, bool *present);

/* Whether results in the format are judged: whether it holds every number of every input; of `step`, where parameters and
 * gradients are binary32 when the direction is computed in less, whether that does. */
bool case_fits(const struct golden_case *c, enum tensor_type format);

/* Whether squares of the inputs, or of a buffer that holds sixteen times as much, may sum to more than the type holds in which
 * sums are accumulated: ports may overflow on the way to a finite answer, or not. */
bool case_may_overflow(const struct golden_case *c, enum tensor_type format);

/* Whether two cases ask the same: operation, parameters, and the bits of all inputs. */
bool case_same_question(const struct golden_case *a, const struct golden_case *b);

/* Computes the classes of a case that has none: for operations with dialects, of those that have the operation and take
 * the shape; others are in no class. Errors as those of the reference; classes that were found before stay. */
assay_status case_compute(struct golden_case *c, const assay_options *options) __attribute__((warn_unused_result));

/* The same for one dialect alone, NULL where there are none: ASSAY_INVALID if it does not take the case. */
assay_status case_compute_for(struct golden_case *c, const struct assay_dialect *d, const assay_options *options)
    __attribute__((warn_unused_result));

/* The class that the dialect is in, or, where there are no dialects, the only one; NULL if there is none. */
const struct answer_class *class_of(const struct golden_case *c, const char *dialect);
/* What a dialect, which need not be a named one, answers: a class without members, and without bounds. class_free() frees
 * it. `d` is NULL for operations without dialects. Errors as above; then there is nothing to free. */
assay_status case_answer(struct answer_class *found, const struct golden_case *c, const struct assay_dialect *d,
                         const assay_options *options) __attribute__((warn_unused_result));
void class_free(struct answer_class *k);

/* A class with the answers of the operation, all zero. ASSAY_NO_MEMORY; class_free() frees it in any case. */
assay_status class_make_room(struct answer_class *k, const struct golden_case *c) __attribute__((warn_unused_result));

/* Whether two answers are the same bits. */
bool answers_equal(const struct answer *a, const struct answer *b);

#endif
