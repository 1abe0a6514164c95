/* The search for what explains results: named dialects, known bugs, axes changed one by one, coefficients fitted. */
#ifndef ASSAY_TOOLS_SEARCH_H
#define ASSAY_TOOLS_SEARCH_H

#include "numbered.h"

/* What one axis of the best hypothesis rests on: its value, the nearest other value, and how many outputs contradict it. */
struct axis_evidence {
    size_t axis;
    char value[32], other[32];
    size_t contradicted;
};

struct search {
    enum tensor_type format; /* what the results were judged as */
    size_t count, room;
    struct hypothesis *each; /* the best first */
    size_t axis_count;
    struct axis_evidence axes[64];
    struct own_triple *triples; /* what hypotheses have of their own */
    bool fit_tried, fit_found;  /* and what fits all Newton-Schulz results, taken so many steps */
    struct own_triple fitted;
    size_t steps;
};

/* Searches, with a progress bar. Without `any_format` only the format given is tried. */
assay_status search_run(struct search *s, const struct evidence *e, bool any_format, enum tensor_type format);
void search_free(struct search *s);

/* Whether the other one says the same about every result that there is. */
bool search_same(const struct hypothesis *h, const struct hypothesis *other);

/* Whether nothing that a hypothesis predicts is contradicted, and that is at least half of the outputs. */
bool search_explains(const struct hypothesis *h);

/* *bug = the known bug of the dialect that the results contradict least, if that is in less than a quarter as many outputs
 * as *contradicted, which becomes how many; else NULL. */
assay_status search_bug(const struct bug **bug, size_t *contradicted, const struct evidence *e,
                        const struct assay_dialect *d, enum tensor_type format);

#endif
