/* The judge of a whole suite: are the numbers of a port, and its resemblance to known bugs, what legitimate evaluations give?
 *
 * All statistics are linear in the results, with the weights of golden/sensitivity.h, so that the same maps of STATISTIC_MEMBERS
 * emulated ports, each evaluating all cases in its one way, say where honest ports come out: mean m, standard deviation s,
 * S = s sqrt(1 + 1 / STATISTIC_MEMBERS). Judged are
 *
 *   - each number: one step of Gauss-Newton from the dialect's own. It passes within sqrt((STATISTIC_WIDTH S)^2 + (STATISTIC_ONCE r)^2)
 *     of m, r what rounding it once may make of it (number_rounded_once());
 *   - each known bug that the dialect can have: how far the port is on the way to it, sum w d r / sum w d^2, d = exact answers with
 *     the bug - those without: some 0 for an honest port, some 1 with the bug. It passes below m + STATISTIC_WIDTH S, and
 *     wherever it is less than half the way.
 *
 * What fails must fail whichever one case is left out: what one case shows alone is for golden/judge.h.
 *
 * If they were normal, an honest port would fail one of them with the probability that Student's t with STATISTIC_MEMBERS - 1 degrees
 * of freedom exceeds the width: 2e-6 each. They are nearer than that: three of four members round at random, with errors
 * twice those of rounding to nearest. */
#ifndef ASSAY_GOLDEN_STATISTIC_H
#define ASSAY_GOLDEN_STATISTIC_H

#include "numbers.h"

enum { STATISTIC_MEMBERS = 32, STATISTIC_WIDTH = 6, STATISTIC_ONCE = 4, STATISTIC_BUGS = 80 };
enum { STATISTICS = NUMBERS + STATISTIC_BUGS }; /* number NUMBERS + b is that of bugs[b] */

struct statistic {
    bool judged;                     /* whether the results show it */
    bool pass;                       /* NaN fails */
    double value, expected, allowed; /* what is allowed is a difference to what is expected; for bugs a value */
    size_t cases;                    /* that say something of it; numbers only */
};

/* Judges a port of the dialect, computed in the format. Cases that the dialect does not take say nothing, nor do
 * those in which ports may overflow (case_may_overflow()): the whole ensemble does, honest ports need not. Errors:
 * ASSAY_NO_MEMORY. Cost: some 150 evaluations of each case. */
assay_status statistics_judge(struct statistic found[STATISTICS], const struct assay_dialect *d,
                              const struct observed *cases, size_t count, enum tensor_type format,
                              const assay_options *options) __attribute__((warn_unused_result));

enum { STATISTIC_TEXT = 400 };

/* One sentence: which statistic, its value, and where honest ports come out. */
void statistic_text(char text[STATISTIC_TEXT], size_t which, const struct statistic *s);

#endif
