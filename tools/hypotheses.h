/* What a port may be: a dialect, a dialect with axes changed, or with a known bug; and how well results agree with that. */
#ifndef ASSAY_TOOLS_HYPOTHESES_H
#define ASSAY_TOOLS_HYPOTHESES_H

#include "judging.h"
#include "numbers.h"

/* The results of a port that are there, of operations with dialects. */
struct evidence {
    size_t case_count, outputs; /* how many cases, and how many outputs of these there are */
    struct observed *cases;     /* results of another shape are none */
    size_t misshapen;
};

/* Gathers it; the arrays stay those of the results. False without memory. */
bool evidence_gather(struct evidence *e, const struct golden_set *set, struct results *results);
void evidence_free(struct evidence *e);

/* The narrowest format that holds every Newton-Schulz result: what a port that casts at the end computed in. */
enum tensor_type evidence_format(const struct evidence *e);

enum { HYPOTHESIS_NAME = 200 };

struct hypothesis {
    char name[HYPOTHESIS_NAME];
    const struct assay_dialect *base; /* the named dialect that it starts from */
    struct assay_dialect dialect;
    const struct bug *bug; /* or NULL */
    size_t changes;        /* of axes, and numbers of its own: */
    bool own[NUMBERS];     /* those that were estimated from the results */
    double beta, decay;    /* what the port has, whatever the cases say; 0 if it has theirs */

    bool asked;  /* whether its numbers were estimated, beside those that it says, and */
    bool denied; /* whether they exclude some of these */
    struct number_estimate numbers[NUMBERS];

    double distance; /* hypothesis_measure() */
    bool judged;     /* hypothesis_judge(): of the outputs that it predicts, how many are contradicted, and */
    size_t predicted, contradicted;
    size_t silent; /* of how many it says nothing, for it takes no such tensor or has no such operation; */
    size_t open;   /* or because some evaluations overflow where the result does not */
    double cost;   /* less the log likelihood of all */
};

/* distance = the mean over all outputs of log |result - predicted| / |predicted|, Frobenius norms, each from 1e-7 to 10: of
 * a right hypothesis the log of the unit roundoff or so, of one whose noise is not like the port's still the least. The
 * prediction is an evaluation in binary64. Errors: those of case_evaluate(). */
assay_status hypothesis_measure(struct hypothesis *h, const struct evidence *e);

/* Judges it as computed in the format. An output is contradicted if its error exceeds HYPOTHESIS_FACTOR times that of the
 * worst of HYPOTHESIS_MEMBERS evaluations in that format, which is an empirical envelope as in golden/bounds.h, only made
 * on the spot; for a named dialect, if the judge fails it. cost = sum of log s + z^2 / 2 with z = error / s, s the root
 * mean square error of these evaluations relative to the result, and z^2 / 2 growing as the logarithm beyond z = 4; and of
 * log(outputs) / 2 for each number of its own, as Schwarz has it: what is fitted to the results is nearer to them for that
 * alone. */
enum { HYPOTHESIS_MEMBERS = 12, HYPOTHESIS_FACTOR = 3 };
assay_status hypothesis_judge(struct hypothesis *h, const struct evidence *e, enum tensor_type format);

/* The case that tells two named dialects apart best in the format, and by how many times what rounding may do: of those that
 * there are results for, or of the others. NULL if none does. */
const struct golden_case *hypotheses_split(const struct golden_set *set, const struct evidence *e, bool observed,
                                           const struct assay_dialect *a, const struct assay_dialect *b,
                                           enum tensor_type format, double *times);

/* Which of two explains more: for qsort(), by outputs contradicted or passed over in silence, then whether the numbers
 * deny it, then cost if both were judged; else by distance; of equals the better known. */
int hypotheses_compare(const void *a, const void *b);

/* Whether a port is more often of this dialect than of that, by the name alone. */
bool hypothesis_better_known(const struct assay_dialect *this, const struct assay_dialect *that);

#endif
