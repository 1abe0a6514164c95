/* The sentences of statuses, and the version. */
#include "support.h"

#include "version.h"

#include <stdio.h>
#include <string.h>

/* Every status has a sentence of its own, in one line without a stop; numbers that are none have one too. */
START_TEST(every_status_has_its_text)
{
    for (int k = ASSAY_OK; k <= ASSAY_BROKEN; k++) {
        const char *text = assay_status_text((assay_status)k);
        ck_assert(text && strlen(text) >= 2 && strlen(text) < ASSAY_MESSAGE_SIZE);
        ck_assert(strchr(text, '\n') == NULL && text[strlen(text) - 1] != '.');
        for (int j = ASSAY_OK; j < k; j++)
            ck_assert_str_ne(text, assay_status_text((assay_status)j));
        ck_assert_str_ne(text, assay_status_text((assay_status)(ASSAY_BROKEN + 1)));
    }
    ck_assert_str_eq(assay_status_text(ASSAY_OK), "ok");
    ck_assert_str_eq(assay_status_text((assay_status)(ASSAY_BROKEN + 1)), "unknown status");
    ck_assert_str_eq(assay_status_text((assay_status)-1), "unknown status");
    ck_assert_str_eq(assay_status_text((assay_status)1000000), "unknown status");
}
END_TEST

/* Three numbers and two dots. */
START_TEST(the_version_is_three_numbers)
{
    unsigned major, minor, patch;
    char rest;
    ck_assert_int_eq(sscanf(assay_version, "%u.%u.%u%c", &major, &minor, &patch, &rest), 3);
    ck_assert_str_eq(assay_version, ASSAY_VERSION);
}
END_TEST

RUN_TESTS("status", TEST(every_status_has_its_text), TEST(the_version_is_three_numbers))
