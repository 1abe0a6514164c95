/* The coefficients of Polar Express, derived. */
#ifndef ASSAY_REF_POLAR_EXPRESS_H
#define ASSAY_REF_POLAR_EXPRESS_H

#include "dialect.h"
#include "work.h"

/* What the greedy composition is made of. Step t = 0, 1, ... takes the odd quintic p_t that is nearest to 1 on
 * [max(l, cushion u), u]; where the cushion matters, it is recentred by 2 / (p(l) + p(u)); in all steps but the last
 * (a, b, c) are divided by (1 + safety)^(1, 3, 5); then l <- p_t(l), u <- 2 - l. (Amsel, Persson, Musco, Gower, The
 * Polar Express, arXiv 2505.16932, algorithm 1 and its code.) */
struct polar_express {
    double lower; /* l of the first step, whose u is 1 */
    double safety, cushion;
    size_t count; /* of steps */
};

/* triples[0 .. count - 1], correctly rounded but for the last bit; *error = 1 - l after the last step. */
void polar_express(struct work *w, struct assay_triple *triples, double *error, const struct polar_express *how);

#endif
