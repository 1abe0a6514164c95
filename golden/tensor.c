#include "tensor.h"

#include "npy.h"
#include "safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const format_names[FORMATS] = {"f64", "f32", "f16", "bf16"};

_Static_assert(sizeof(size_t) == sizeof(uint64_t), "sizes in files are 64-bit numbers");
_Static_assert(sizeof(double) == sizeof(uint64_t), "double is binary64");

/* A pattern is a sign bit, a biased exponent, and a fraction, from the top down. */
static const struct layout {
    const char *name;
    int exponent_bits, fraction_bits;
} layouts[] = {
    [TENSOR_F64] = {"F64", 11, 52},
    [TENSOR_F32] = {"F32", 8, 23},
    [TENSOR_F16] = {"F16", 5, 10},
    [TENSOR_BF16] = {"BF16", 8, 7},
};

enum { TYPES = sizeof layouts / sizeof *layouts };

const char *tensor_type_name(enum tensor_type type)
{
    return layouts[type].name;
}

size_t tensor_type_size(enum tensor_type type)
{
    return (size_t)(1 + layouts[type].exponent_bits + layouts[type].fraction_bits) / 8;
}

/* 2^bits - 1. */
static uint64_t ones(int bits)
{
    return (UINT64_C(1) << bits) - 1;
}

/* The biased exponent of 1. */
static int bias(const struct layout *f)
{
    return (1 << (f->exponent_bits - 1)) - 1;
}

static double from_pattern(uint64_t pattern)
{
    double x;
    memcpy(&x, &pattern, sizeof x);
    return x;
}

double tensor_decode(enum tensor_type type, uint64_t bits)
{
    const struct layout *f = &layouts[type];
    if (type == TENSOR_F64)
        return from_pattern(bits);
    uint64_t sign = bits >> (f->exponent_bits + f->fraction_bits) & 1;
    uint64_t exponent = bits >> f->fraction_bits & ones(f->exponent_bits);
    uint64_t fraction = (bits & ones(f->fraction_bits)) << (52 - f->fraction_bits);
    uint64_t shift = (uint64_t)(1023 - bias(f)); /* between the biased exponents */
    if (exponent == ones(f->exponent_bits)) {    /* infinity or NaN */
        exponent = ones(11);
    } else if (exponent > 0) {
        exponent += shift;
    } else if (fraction > 0) { /* subnormal, but normal in binary64 */
        for (exponent = shift + 1; fraction >> 52 == 0; exponent--)
            fraction <<= 1;
        fraction &= ones(52);
    }
    return from_pattern(sign << 63 | exponent << 52 | fraction);
}

/* The pattern of an infinity or NaN. */
static uint64_t encode_special(const struct layout *f, uint64_t fraction)
{
    uint64_t kept = fraction >> (52 - f->fraction_bits);
    if (fraction > 0 && kept == 0) /* or the NaN would become an infinity */
        kept = UINT64_C(1) << (f->fraction_bits - 1);
    return ones(f->exponent_bits) << f->fraction_bits | kept;
}

/* The pattern of a positive number, given its binary64 pattern. */
static bool encode_magnitude(uint64_t *bits, const struct layout *f, uint64_t pattern)
{
    int exponent = (int)(pattern >> 52) - 1023 + bias(f);
    uint64_t significand = (pattern & ones(52)) | UINT64_C(1) << 52;
    int drop = 52 - f->fraction_bits;
    if (exponent < 1) { /* subnormal: the exponent is as if it were 1, and more bits fall off */
        drop += 1 - exponent;
        exponent = 1;
    }
    if (exponent >= (int)ones(f->exponent_bits) || drop > 52 || (significand & ones(drop)) > 0)
        return false;
    /* The leading bit of a normal number adds 1 to the exponent; a subnormal number has none there. */
    *bits = ((uint64_t)(exponent - 1) << f->fraction_bits) + (significand >> drop);
    return true;
}

bool tensor_encode(uint64_t *bits, enum tensor_type type, double x)
{
    const struct layout *f = &layouts[type];
    uint64_t pattern;
    memcpy(&pattern, &x, sizeof pattern);
    uint64_t sign = pattern >> 63 << (f->exponent_bits + f->fraction_bits);
    uint64_t magnitude = pattern & ones(63);
    if (type != TENSOR_F64) {
        if (magnitude >> 52 == ones(11))
            magnitude = encode_special(f, magnitude & ones(52));
        else if (magnitude > 0 && !encode_magnitude(&magnitude, f, magnitude))
            return false;
    }
    *bits = sign | magnitude;
    return true;
}

bool tensor_holds(enum tensor_type type, double x)
{
    uint64_t bits;
    return tensor_encode(&bits, type, x);
}

struct quoted quote(const char *text, size_t length)
{
    struct quoted q;
    size_t used = 0;
    size_t most = (sizeof q.text - sizeof "...") / 4;
    for (size_t k = 0; k < length && k < most; k++) {
        unsigned char c = (unsigned char)text[k];
        used += (size_t)sprintf(q.text + used, c >= ' ' && c <= '~' ? "%c" : "\\x%02x", c);
    }
    strcpy(q.text + used, length > most ? "..." : "");
    return q;
}

assay_status complain(const struct complaint *to, assay_status status, const char *format, ...)
{
    const char *name = to->tensor ? to->tensor : "";
    int used = snprintf(to->message, to->message_size, "%s: %s%s%s", to->path, to->tensor ? "tensor \"" : "",
                        quote(name, strlen(name)).text, to->tensor ? "\": " : "");
    if ((size_t)used < to->message_size) {
        va_list args;
        va_start(args, format);
        vsnprintf(to->message + used, to->message_size - (size_t)used, format, args);
        va_end(args);
    }
    return status;
}

void *tensor_alloc(size_t count, size_t size)
{
    return calloc(count > 0 ? count : 1, size);
}

bool tensor_multiply(size_t *count, const size_t *shape, size_t ndim)
{
    size_t product = 1;
    bool empty = false;
    for (size_t d = 0; d < ndim; d++) {
        if (shape[d] == 0)
            empty = true;
        else if (shape[d] > PTRDIFF_MAX / sizeof(double) / product)
            return false;
        else
            product *= shape[d];
    }
    *count = empty ? 0 : product;
    return true;
}

uint64_t bytes_load(const unsigned char *bytes, size_t size, bool big_endian)
{
    uint64_t value = 0;
    for (size_t k = 0; k < size; k++)
        value = value << 8 | bytes[big_endian ? k : size - 1 - k];
    return value;
}

void bytes_store_little(unsigned char *bytes, size_t size, uint64_t value)
{
    for (size_t k = 0; k < size; k++)
        bytes[k] = (unsigned char)(value >> 8 * k);
}

assay_status tensor_measure(size_t *bytes, const struct tensor *x, const struct complaint *to)
{
    size_t count;
    if ((unsigned)x->type >= TYPES)
        return complain(to, ASSAY_INVALID, "type %u is none of ours", (unsigned)x->type);
    if (x->ndim > TENSOR_MAX_DIMS)
        return complain(to, ASSAY_INVALID, "%zu dimensions; at most %d are supported", x->ndim, TENSOR_MAX_DIMS);
    if (!tensor_multiply(&count, x->shape, x->ndim))
        return complain(to, ASSAY_INVALID, "the product of the dimensions is too large");
    if (count != x->count)
        return complain(to, ASSAY_INVALID, "the shape has %zu entries, but count is %zu", count, x->count);
    *bytes = count * tensor_type_size(x->type);
    return ASSAY_OK;
}

assay_status tensor_store(unsigned char *bytes, const struct tensor *x, const struct complaint *to)
{
    size_t size = tensor_type_size(x->type);
    for (size_t k = 0; k < x->count; k++) {
        uint64_t bits;
        if (!tensor_encode(&bits, x->type, x->at[k]))
            return complain(to, ASSAY_INVALID, "entry %zu is %.17g (%a), which is not representable in %s", k, x->at[k],
                            x->at[k], tensor_type_name(x->type));
        bytes_store_little(bytes + k * size, size, bits);
    }
    return ASSAY_OK;
}

/* Reads `size` bytes, or says why not. */
static assay_status load_bytes(unsigned char *bytes, size_t size, int fd, const struct complaint *to)
{
    for (size_t got = 0; got < size;) {
        ssize_t n = read(fd, bytes + got, size - got);
        if (n < 0)
            return complain(to, ASSAY_UNREADABLE, "byte %zu: cannot read: %s", got, strerror(errno));
        if (n == 0)
            return complain(to, ASSAY_UNREADABLE, "byte %zu: the file of %zu bytes was cut while it was read", got,
                            size);
        got += (size_t)n;
    }
    return ASSAY_OK;
}

/* Pipes and devices are refused: their end, and so the memory they need, is unknown. */
static assay_status load_open(unsigned char **bytes, size_t *size, int fd, const struct complaint *to)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return complain(to, ASSAY_UNREADABLE, "cannot read: %s", strerror(errno));
    if (S_ISDIR(status.st_mode))
        return complain(to, ASSAY_UNREADABLE, "is a directory, not a file");
    if (!S_ISREG(status.st_mode))
        return complain(to, ASSAY_UNREADABLE, "is not a regular file (a pipe or a device must be copied first)");
    if (status.st_size == 0)
        return complain(to, ASSAY_UNREADABLE, "the file is empty");
    unsigned char *loaded = malloc((size_t)status.st_size);
    if (!loaded)
        return complain(to, ASSAY_NO_MEMORY, "out of memory for its %zu bytes", (size_t)status.st_size);
    assay_status result = load_bytes(loaded, (size_t)status.st_size, fd, to);
    if (result != ASSAY_OK) {
        free(loaded);
        return result;
    }
    *bytes = loaded;
    *size = (size_t)status.st_size;
    return ASSAY_OK;
}

assay_status file_load(unsigned char **bytes, size_t *size, const struct complaint *to)
{
    int fd = open(to->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* so that a pipe without a writer is no trap */
    if (fd < 0)
        return complain(to, ASSAY_UNREADABLE, "cannot open: %s", strerror(errno));
    assay_status status = load_open(bytes, size, fd, to);
    close(fd);
    return status;
}

assay_status tensors_read(struct tensor_file *file, const char *path, char *message, size_t message_size)
{
    const struct complaint to = {path, NULL, message, message_size};
    unsigned char *bytes = NULL;
    size_t size = 0;
    assay_status status = file_load(&bytes, &size, &to);
    if (status != ASSAY_OK)
        return status;
    status = npy_recognise(bytes, size) ? npy_parse(file, bytes, size, false, &to)
                                        : safetensors_parse(file, bytes, size, &to);
    free(bytes);
    return status;
}

void tensors_free(struct tensor_file *file)
{
    for (size_t k = 0; k < file->count; k++) {
        free(file->tensors[k].name);
        free(file->tensors[k].at);
    }
    for (size_t k = 0; k < file->metadata_count; k++) {
        free(file->metadata_keys[k]);
        free(file->metadata_values[k]);
    }
    free(file->tensors);
    free(file->metadata_keys);
    free(file->metadata_values);
    *file = (struct tensor_file){0};
}

const struct tensor *tensors_find(const struct tensor_file *file, const char *name)
{
    for (size_t k = 0; k < file->count; k++)
        if (strcmp(file->tensors[k].name, name) == 0)
            return &file->tensors[k];
    return NULL;
}
