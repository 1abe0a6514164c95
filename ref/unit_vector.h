/* Vectors scaled to a given length, exactly where the result is rational. */
#ifndef ASSAY_REF_UNIT_VECTOR_H
#define ASSAY_REF_UNIT_VECTOR_H

#include "ball.h"

/* o = sqrt(num / den) g / ||g||_2 and the scalar norm = sqrt(num / den) ||g||_2, for the entries of g as one vector; both
 * zero for zero. *value, if not NULL, becomes the exact rational value of o where it is found to be one. */
void unit_vector(struct work *w, struct ball *o, struct ball *norm, const struct rational **value, long num, long den,
                 const struct ball *g);

#endif
