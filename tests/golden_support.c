#include "golden_support.h"

#include "cases.h"

#include <check.h>

struct golden_case golden_named(enum operation operation, const char *id)
{
    struct golden_case c;
    size_t k = cases_find(operation, id);
    ck_assert_msg(k < cases_count(operation), "%s", id);
    ck_assert_int_eq(cases_make(&c, operation, k), ASSAY_OK);
    return c;
}

struct golden_case golden_computed(enum operation operation, const char *id)
{
    char sentence[ASSAY_MESSAGE_SIZE] = "";
    const assay_options options = {.threads = 1, .message = sentence, .message_size = sizeof sentence};
    struct golden_case c = golden_named(operation, id);
    ck_assert_msg(case_compute(&c, &options) == ASSAY_OK, "%s: %s", id, sentence);
    return c;
}
