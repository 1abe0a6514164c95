/* The list of golden cases: which families, shapes and parameters there are. */
#ifndef ASSAY_GOLDEN_CASES_H
#define ASSAY_GOLDEN_CASES_H

#include "case.h"

/* How many cases the operation has. */
size_t cases_count(enum operation operation);

/* The number of the operation's case of that id; cases_count() if there is none. */
size_t cases_find(enum operation operation, const char *id);

/* Case number k of the operation, without answers; case_free() frees it. ASSAY_NO_MEMORY. */
assay_status cases_make(struct golden_case *c, enum operation operation, size_t k) __attribute__((warn_unused_result));

#endif
