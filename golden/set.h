/* The golden set as files: a folder with SHA256SUMS and vectors/OPERATION.json and .safetensors. */
#ifndef ASSAY_GOLDEN_SET_H
#define ASSAY_GOLDEN_SET_H

#include "manifest.h"

struct golden_set {
    size_t count; /* of operations that the set has */
    struct manifest manifests[OPERATIONS];
};

void set_free(struct golden_set *set);

/* How many cases it has, and number k of them, operation by operation. */
size_t set_case_count(const struct golden_set *set);
const struct golden_case *set_case(const struct golden_set *set, size_t k);

/* Reads a whole set. Every file that SHA256SUMS lists must have that checksum, and nothing else is read; the operations
 * stand there in the order of enum operation. ASSAY_UNREADABLE, with a sentence, if anything is missing, altered,
 * malformed or of another version; ASSAY_NO_MEMORY. On failure *set is untouched. */
assay_status set_read(struct golden_set *set, const char *folder, char *message, size_t message_size)
    __attribute__((warn_unused_result));

/* Writes a set, its operations in the order of enum operation, into a folder, made if need be; other operations that
 * SHA256SUMS lists there stay. SHA256SUMS comes last, so that an interrupted writer leaves a set that does not pass for
 * whole. Processes of one machine that write into one folder at once wait for each other. Errors as atomic_file_write(). */
assay_status set_write(const struct golden_set *set, const char *folder, char *message, size_t message_size)
    __attribute__((warn_unused_result));

/* The two files of one manifest, PATH.json and PATH.safetensors. */
assay_status set_write_manifest(const struct manifest *m, const char *path, char *message, size_t message_size)
    __attribute__((warn_unused_result));
assay_status set_read_manifest(struct manifest *m, const char *path, char *message, size_t message_size)
    __attribute__((warn_unused_result));

/* The same for cases that may lack answers. */
assay_status set_read_questions(struct manifest *m, const char *path, char *message, size_t message_size)
    __attribute__((warn_unused_result));

#endif
