/* The .safetensors format:
 *
 *     the header's length (8 bytes, little-endian), the header, the bytes of the tensors.
 *
 * The header is a JSON object {"NAME": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, ...},
 * where the offsets count from the end of the header; "__metadata__", if there, is an object of strings. The
 * tensors' entries, little-endian and row-major, fill the rest of the file without gap or overlap. */
#ifndef ASSAY_GOLDEN_SAFETENSORS_H
#define ASSAY_GOLDEN_SAFETENSORS_H

#include "tensor.h"

/* The limit of the format's own library too. */
enum { SAFETENSORS_MAX_HEADER = 100000000 };

/* Reads a file's content: tensors in the order of their bytes, metadata in the order of the header. The
 * dtypes F64, F32, F16 and BF16 are supported. ASSAY_UNREADABLE if anything is malformed, missing, duplicate
 * or left over; ASSAY_NO_MEMORY. On failure `file` is untouched. */
assay_status safetensors_parse(struct tensor_file *file, const unsigned char *bytes, size_t size,
                               const struct complaint *to) __attribute__((warn_unused_result));

/* Writes tensors and metadata in the given order, whole or not at all: the same arguments give the same
 * bytes. ASSAY_INVALID if a name appears twice, is "__metadata__" or is not UTF-8, if a tensor contradicts
 * itself, or if its type does not hold an entry; else as atomic_file_write(). */
assay_status safetensors_write(const char *path, const struct tensor_file *file, char *message, size_t message_size)
    __attribute__((warn_unused_result));

#endif
