/* Ziv's strategy: compute, try to round, and compute again with more precision until every rounding is decided. */
#ifndef ASSAY_REF_ZIV_H
#define ASSAY_REF_ZIV_H

#include "rounding.h"

struct ziv {
    void *problem;
    size_t count; /* of answers */
    /* Encloses the answers to about 2^-bits of their size. */
    void (*evaluate)(struct work *w, void *problem, long bits, struct ball **answers);
    /* Tries to prove exact values that no enclosure decides, and makes those entries exact. May be NULL. */
    void (*settle)(struct work *w, void *problem, struct ball **answers);
};

/* Rounds every answer into pairs[k], made by pairs_new(). Starts with `bits` (0: what usually suffices) and returns
 * the bits it took. Fails with ASSAY_UNDECIDED beyond max_bits. */
long ziv_round(struct work *w, const struct ziv *z, long bits, struct pairs **pairs);

#endif
