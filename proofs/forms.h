/* The ways to write a sum of two products, and what each of them computes. */
#ifndef ASSAY_PROOFS_FORMS_H
#define ASSAY_PROOFS_FORMS_H

#include "floating.h"

/* How a x + b y is written; the last four for b = 1 - a only. */
enum form {
    FORM_WEIGHTED,       /* a x + b y */
    FORM_FUSED_FIRST,    /* fma(a, x, b y) */
    FORM_FUSED_SECOND,   /* fma(b, y, a x) */
    FORM_ONCE,           /* a x + b y, rounded once */
    FORM_FORWARD,        /* x + b (y - x) */
    FORM_FORWARD_FUSED,  /* fma(b, y - x, x) */
    FORM_BACKWARD,       /* y + a (x - y) */
    FORM_BACKWARD_FUSED, /* fma(a, x - y, y) */
    FORMS
};

/* a x + b y in this form, every operation rounded. `complement`: b is 1 minus the rounded a, rounded. */
real written(struct rounding_mode mode, enum form form, bool complement, real a, real x, real b, real y);

#endif
