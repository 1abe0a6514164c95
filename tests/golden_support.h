/* Golden cases for tests, by name. */
#ifndef ASSAY_TESTS_GOLDEN_SUPPORT_H
#define ASSAY_TESTS_GOLDEN_SUPPORT_H

#include "case.h"

/* The case of this id, which must exist: without answers, and with them. case_free() frees it. */
struct golden_case golden_named(enum operation operation, const char *id);
struct golden_case golden_computed(enum operation operation, const char *id);

#endif
