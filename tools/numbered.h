/* Hypotheses with numbers of their own: what the results show of a port's coefficients, epsilon, scale, beta, decay. */
#ifndef ASSAY_TOOLS_NUMBERED_H
#define ASSAY_TOOLS_NUMBERED_H

#include "hypotheses.h"

/* h->numbers = what the results, computed in the format, show beside what the hypothesis says, and whether they deny it: exclude a
 * number by NUMBER_BEYOND standard errors. Nothing if it was asked before. */
assay_status hypothesis_ask(struct hypothesis *h, const struct evidence *e, enum tensor_type format);

/* Whether it has numbers of its own. */
bool hypothesis_is_numbered(const struct hypothesis *h);

/* Replaces those numbers of a hypothesis that was asked that the results exclude (NUMBER_FAR): by its dialect's where they
 * allow that, else by the estimates. Of a triple all three are, and kept in *to, which must live as long as the hypothesis.
 * False if there is nothing to replace. */
struct own_triple {
    struct assay_triple triple;
    struct assay_coefficients table;
    struct own_triple *next;
};
bool hypothesis_number(struct hypothesis *h, enum tensor_type format, struct own_triple *to);

/* Gives the hypothesis a triple of its own. */
void hypothesis_give_triple(struct hypothesis *h, struct own_triple *to, struct assay_triple triple);

/* The name, and how many changes there are: each axis that differs from the dialect with its bug, each number, and the bug. */
void hypothesis_name(struct hypothesis *h);

/* Of numbers of its own h->numbers are told beside what its dialect says, and in its name. */
void hypothesis_tell(struct hypothesis *h, enum tensor_type format);

#endif
