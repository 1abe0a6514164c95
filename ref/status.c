#include "ref.h"

#include "version.h"

const char assay_version[] = ASSAY_VERSION;

const char *assay_status_text(assay_status status)
{
    static const char *const text[] = {
        [ASSAY_OK] = "ok",
        [ASSAY_INVALID] = "an argument is out of range",
        [ASSAY_NOT_FINITE] = "an input is not finite",
        [ASSAY_UNDEFINED] = "the formula has no value there",
        [ASSAY_RANGE] = "the answer is out of the range of binary64",
        [ASSAY_UNREADABLE] = "a file cannot be used",
        [ASSAY_NO_MEMORY] = "out of memory",
        [ASSAY_UNDECIDED] = "the precision does not decide the answer",
        [ASSAY_BROKEN] = "the BLAS returned a wrong product",
    };
    return (size_t)status < sizeof text / sizeof text[0] ? text[status] : "unknown status";
}
