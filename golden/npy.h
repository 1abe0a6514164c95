/* NumPy's .npy format, versions 1.0, 2.0 and 3.0 (numpy.lib.format), for floating-point arrays.
 *
 *     "\x93NUMPY", major, minor, the header's length (2 bytes, from 2.0 on 4; little-endian), the header, the
 * entries.
 *
 * The header is a Python dict literal with the keys descr, fortran_order and shape. */
#ifndef ASSAY_GOLDEN_NPY_H
#define ASSAY_GOLDEN_NPY_H

#include "tensor.h"

/* Whether the bytes begin like a .npy file. */
bool npy_recognise(const unsigned char *bytes, size_t size);

/* Reads a file's content: one tensor named "", row-major whatever the order in the file. The dtypes f2, f4
 * and f8 are supported, in any byte order; with `bits` u2 too, as the bits of bfloat16, which numpy lacks. ASSAY_UNREADABLE
 * if anything is malformed, missing or left over; ASSAY_NO_MEMORY. On failure `file` is untouched. */
assay_status npy_parse(struct tensor_file *file, const unsigned char *bytes, size_t size, bool bits,
                       const struct complaint *to) __attribute__((warn_unused_result));

/* Writes version 1.0, C order, little-endian, whole or not at all; the name is ignored. ASSAY_INVALID if the
 * type is TENSOR_BF16, which numpy lacks, if the tensor contradicts itself, or if its type does not hold an
 * entry; else as atomic_file_write(). */
assay_status npy_write(const char *path, const struct tensor *x, char *message, size_t message_size)
    __attribute__((warn_unused_result));

#endif
