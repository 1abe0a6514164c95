/* Tensors in files: the values of .npy and .safetensors files as binary64 numbers.
 *
 * Each of the four formats below embeds in binary64, so nothing is rounded on the way in, and on the way out
 * a value that the format does not hold is refused. All of it works on bit patterns: no floating-point mode
 * matters, and neither does the byte order of the machine. */
#ifndef ASSAY_GOLDEN_TENSOR_H
#define ASSAY_GOLDEN_TENSOR_H

#include "ref.h"

#include <stdint.h>

enum { TENSOR_MAX_DIMS = 8 };

/* IEEE 754 binary64, binary32, binary16, and the upper half of a binary32. */
enum tensor_type { TENSOR_F64, TENSOR_F32, TENSOR_F16, TENSOR_BF16 };
enum { FORMATS = TENSOR_BF16 + 1 };
/* What users call them: "f64", "f32", "f16", "bf16". */
extern const char *const format_names[FORMATS];

struct tensor {
    char *name;            /* UTF-8; empty in a .npy file */
    enum tensor_type type; /* in the file */
    size_t ndim, shape[TENSOR_MAX_DIMS];
    size_t count; /* the product of the shape: 1 if ndim is 0 */
    double *at;   /* row-major; never NULL in what was read */
};

struct tensor_file {
    size_t count;
    struct tensor *tensors;
    size_t metadata_count;
    char **metadata_keys, **metadata_values;
};

/* Reads a whole .npy file (one tensor named "") or .safetensors file (tensors in the order of their bytes,
 * metadata in the order of the header), told apart by the first bytes. tensors_free(file) frees the result.
 *
 * ASSAY_UNREADABLE if the file cannot be opened or read, is no regular file, or is malformed;
 * ASSAY_NO_MEMORY. On failure `file` is untouched and `message` gets one sentence that names the file, the
 * tensor where there is one, and the offset or the value. Memory is proportional to the size of the file,
 * whatever its header claims. */
assay_status tensors_read(struct tensor_file *file, const char *path, char *message, size_t message_size)
    __attribute__((warn_unused_result));

/* Frees what a reader returned, and makes `file` empty. */
void tensors_free(struct tensor_file *file);

/* The tensor of that name, or NULL. */
const struct tensor *tensors_find(const struct tensor_file *file, const char *name);

/* "F64", "F32", "F16", "BF16"; the bytes of one entry. */
const char *tensor_type_name(enum tensor_type type);
size_t tensor_type_size(enum tensor_type type);

/* The number with that bit pattern, exactly: subnormals, signed zeros, infinities, and NaNs with their
 * payload. */
double tensor_decode(enum tensor_type type, uint64_t bits);

/* The bit pattern of `x`, or false, and *bits untouched, if the format does not hold it. Any NaN becomes a
 * NaN. */
bool tensor_encode(uint64_t *bits, enum tensor_type type, double x) __attribute__((warn_unused_result));

/* Whether tensor_encode() has a pattern for `x`. */
bool tensor_holds(enum tensor_type type, double x);

/* ------------------------------------------------- for the readers and writers of the formats */

/* Where a failure is told: one sentence, about this file and, unless NULL, this tensor. */
struct complaint {
    const char *path, *tensor;
    char *message;
    size_t message_size;
};

/* Writes the sentence and returns `status`. */
assay_status complain(const struct complaint *to, assay_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The start of some text from a file, fit for a message: what is not printable ASCII becomes \xNN. */
struct quoted {
    char text[4 * 80 + 4];
};
struct quoted quote(const char *text, size_t length);

/* The whole content of a regular file that is not empty, to be freed. ASSAY_UNREADABLE, ASSAY_NO_MEMORY. */
assay_status file_load(unsigned char **bytes, size_t *size, const struct complaint *to)
    __attribute__((warn_unused_result));

/* count * size zeroed bytes, also for a count of 0; NULL if there is no memory. */
void *tensor_alloc(size_t count, size_t size) __attribute__((warn_unused_result));

/* Multiplies the shape; false if no array can be that large. A zero does not excuse such other dimensions. */
bool tensor_multiply(size_t *count, const size_t *shape, size_t ndim) __attribute__((warn_unused_result));

/* Unsigned integers of `size` bytes, 1 to 8. */
uint64_t bytes_load(const unsigned char *bytes, size_t size, bool big_endian);
void bytes_store_little(unsigned char *bytes, size_t size, uint64_t value);

/* ASSAY_INVALID unless type, ndim, shape and count agree; bytes gets what the entries take in a file. */
assay_status tensor_measure(size_t *bytes, const struct tensor *x, const struct complaint *to)
    __attribute__((warn_unused_result));

/* Writes the entries, little-endian. ASSAY_INVALID, with the entry, if the type does not hold one of them. */
assay_status tensor_store(unsigned char *bytes, const struct tensor *x, const struct complaint *to)
    __attribute__((warn_unused_result));

#endif
