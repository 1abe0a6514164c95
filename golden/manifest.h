/* Golden cases as JSON and tensors: what golden/vectors/<operation>.json and .safetensors hold. golden/schema.json
 * describes the JSON; golden/README.md tells the rest. */
#ifndef ASSAY_GOLDEN_MANIFEST_H
#define ASSAY_GOLDEN_MANIFEST_H

#include "case.h"

#include <jansson.h>

/* Counts up when a reader of the old format would misunderstand the new one. */
enum { MANIFEST_SCHEMA = 1 };

/* The calendar version of the set; changes with any byte of it. */
#define MANIFEST_VERSION "2026.11"

/* The cases of one operation. */
struct manifest {
    enum operation operation;
    size_t count;
    struct golden_case *cases;
};

void manifest_free(struct manifest *m);

/* The JSON text (to be freed) and the tensors of the cases. The tensors' names and arrays belong to `tensors`. NULL, or
 * false, without memory. The same cases give the same bytes. */
char *manifest_text(const struct manifest *m) __attribute__((warn_unused_result));
bool manifest_tensors(struct tensor_file *tensors, const struct manifest *m) __attribute__((warn_unused_result));

/* The reverse. ASSAY_UNREADABLE if anything is malformed, unknown, missing, duplicate, left over, of the wrong shape, of
 * another version or of a newer schema; ASSAY_NO_MEMORY. On failure *m is untouched. */
assay_status manifest_parse(struct manifest *m, const char *text, size_t size, const struct tensor_file *tensors,
                            const struct complaint *to) __attribute__((warn_unused_result));

/* The same for cases that somebody else made: "answers" and "formats" may be empty lists, and the version is theirs. */
assay_status manifest_parse_questions(struct manifest *m, const char *text, size_t size,
                                      const struct tensor_file *tensors, const struct complaint *to)
    __attribute__((warn_unused_result));

#endif
