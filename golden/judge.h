/* The judge: a case and a result in, a verdict out. The only place that compares, but for all results of a port
 * together, which golden/statistic.h does. */
#ifndef ASSAY_GOLDEN_JUDGE_H
#define ASSAY_GOLDEN_JUDGE_H

#include "case.h"

/* What was compared: an error (enum measure), or one of the two numbers of a certificate. */
enum { JUDGED_EXCESS = MEASURES, JUDGED_GAP, JUDGED };

struct verdict {
    bool judged;                /* whether there was a bound, or something to find fault with; if not, pass is true and
                                 * says nothing */
    bool pass;                  /* error <= bound for every bound; NaN fails. Where there is none, what is not finite
                                 * fails, unless honest evaluations overflow there: PROOF_NONE, NaN, infinity */
    int what;                   /* where error / bound is largest: enum measure, JUDGED_EXCESS or JUDGED_GAP, */
    size_t step;                /* counted from 0, in runs of several, */
    enum proof proof;           /* with what proof the bound has, */
    double error, bound, ratio; /* and these; ratio is 0 for 0 / 0 */
    size_t entry;               /* of the output: the first one beyond the bound of entries, or else the worst */
    double got, exact;
};

/* Judges one output of a class of answers: `result` are as many numbers as it has, computed in `format`, which holds the
 * inputs of the case. Outputs of polar and lmo are judged by their certificate too. Errors:
 * ASSAY_NO_MEMORY, and those of assay_ref_svd(), for certificates. */
assay_status judge(struct verdict *v, const struct golden_case *c, const struct answer_class *k, size_t output,
                   enum tensor_type format, const double *result, const assay_options *options)
    __attribute__((warn_unused_result));

enum { VERDICT_TEXT = 1024 };

/* One sentence for people: what was off, by how much, and the entry in hexadecimal. */
void verdict_text(char text[VERDICT_TEXT], const struct verdict *v, const struct golden_case *c,
                  const struct answer_class *k, size_t output);

/* The name of a file as a word of a shell command, quoted if need be; one that is too long is cut. */
void shell_word(char to[VERDICT_TEXT], const char *file);

/* The command that computes an output of the case from scratch: for a set in that folder; for any .safetensors file that
 * holds the inputs, under names that begin with the id, or (`alone`) by themselves. */
void verdict_command(char text[VERDICT_TEXT], const struct golden_case *c, const struct answer_class *k, size_t output,
                     const char *folder);
void answer_command(char text[VERDICT_TEXT], const struct golden_case *c, const struct answer_class *k, size_t output,
                    const char *file, bool alone);

#endif
