/* assay/judge.h: the golden set and its judge, for programs of your own.
 *
 *     assay_golden_set *set;
 *     if (assay_golden_open(&set, "golden", message, sizeof message) != ASSAY_OK) ...
 *     for (size_t k = 0; k < assay_golden_count(set); k++) {
 *         assay_golden_case c = assay_golden_get(set, k);
 *         ... what your port makes of assay_golden_input(&x, set, k, "G") ...
 *         assay_judge(&verdict, set, k, "jordan", "Y", ASSAY_FORMAT_F32, result, count);
 *     }
 *
 * The conventions of assay/ref.h hold. A set that is open may be used by several threads at once. */
#ifndef ASSAY_JUDGE_H
#define ASSAY_JUDGE_H

#include "ref.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_golden_set assay_golden_set;

/* Reads a set: a folder with SHA256SUMS. Errors: ASSAY_UNREADABLE, with a sentence, if anything is missing, altered,
 * malformed or of another version; ASSAY_NO_MEMORY. */
ASSAY_API assay_status assay_golden_open(assay_golden_set **set, const char *folder, char *message,
                                         size_t message_size);
ASSAY_EXPORT void assay_golden_close(assay_golden_set *set); /* NULL is fine */

/* How many cases there are; they are numbered from 0, operation by operation. */
ASSAY_EXPORT size_t assay_golden_count(const assay_golden_set *set);

/* A case; texts live as long as the set. */
typedef struct assay_golden_case {
    const char *id, *operation, *family, *why;
    enum assay_norm norm; /* of lmo, */
    double radius;        /* and of its ball */
    assay_hyper hyper;    /* of momentum and step */
    size_t step;          /* of momentum */
} assay_golden_case;
ASSAY_EXPORT assay_golden_case assay_golden_get(const assay_golden_set *set, size_t k);

/* An array of a case: `at` holds the product of `shape`'s ndim numbers, row-major. */
typedef struct assay_golden_array {
    const double *at;
    size_t ndim;
    const size_t *shape;
} assay_golden_array;

/* The input of that name (golden/README.md); false if the case has none. */
ASSAY_EXPORT bool assay_golden_input(assay_golden_array *x, const assay_golden_set *set, size_t k, const char *name);

/* The exact value of an output, correctly rounded, by the conventions of a dialect (NULL for polar, svd and lmo); false if
 * there is none. */
ASSAY_EXPORT bool assay_golden_answer(assay_golden_array *x, const assay_golden_set *set, size_t k, const char *dialect,
                                      const char *output);

/* What a result was computed in: binary64, binary32, binary16, bfloat16. */
enum assay_format { ASSAY_FORMAT_F64, ASSAY_FORMAT_F32, ASSAY_FORMAT_F16, ASSAY_FORMAT_BF16 };

enum { ASSAY_VERDICT_TEXT = 1024 };
typedef struct assay_verdict {
    bool judged, pass;          /* not judged, where no bound says anything of a finite result: pass then */
    double error, bound, ratio; /* where error / bound is largest */
    size_t step, entry;         /* there: the step of a run, from 0, and an entry that is off */
    double got, exact;          /* of that entry */
    char text[ASSAY_VERDICT_TEXT], command[ASSAY_VERDICT_TEXT]; /* a sentence; what computes the answer again */
} assay_verdict;

/* Judges one output of a case: `result` are its `count` numbers. Errors: ASSAY_INVALID if the case has no such output by
 * the dialect, or another number of entries, or does not list the format; and those of assay_ref_svd(), where a
 * certificate needs singular values. */
ASSAY_API assay_status assay_judge(assay_verdict *verdict, const assay_golden_set *set, size_t k, const char *dialect,
                                   const char *output, enum assay_format format, const double *result, size_t count);

#ifdef __cplusplus
}
#endif

#endif
