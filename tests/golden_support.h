/* Golden cases for tests, by name. */
#ifndef ASSAY_TESTS_GOLDEN_SUPPORT_H
#define ASSAY_TESTS_GOLDEN_SUPPORT_H

#include "case.h"
#include "emulate.h"

/* The case of this id, which must exist: without answers, with them, and with bounds too. case_free() frees it. */
struct golden_case golden_named(enum operation operation, const char *id);
struct golden_case golden_computed(enum operation operation, const char *id);
struct golden_case golden_bounded(enum operation operation, const char *id);

/* emulate_direction() of a tensor, as one computation. */
void emulated_direction(struct evaluation *e, const struct assay_dialect *d, const struct tensor *u, double *o);

#endif
