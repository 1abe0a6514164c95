#include "npy.h"

#include "atomic_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char MAGIC[] = "\x93NUMPY";

enum {
    MAGIC_SIZE = sizeof MAGIC - 1,
    LENGTH_AT = MAGIC_SIZE + 2, /* behind the version */
    ALIGNMENT = 64,             /* of the entries, as numpy does it */
    HEADER_SIZE = 512           /* more than eight dimensions take */
};

static const struct dtype {
    const char *name;
    enum tensor_type type;
} dtypes[] = {{"f8", TENSOR_F64}, {"f4", TENSOR_F32}, {"f2", TENSOR_F16}, {"u2", TENSOR_BF16}};

enum { DTYPES = sizeof dtypes / sizeof *dtypes };

/* A header that is being read: bytes[at] is next, bytes[end] is behind it. */
struct header {
    const unsigned char *bytes;
    size_t at, end;
    const struct complaint *to;
    enum tensor_type type;
    bool bits; /* whether u2 is welcome */
    bool big_endian, fortran;
    size_t ndim, shape[TENSOR_MAX_DIMS];
};

static bool expected(const struct header *h, const char *what)
{
    complain(h->to, ASSAY_UNREADABLE, "byte %zu: the header should have %s here", h->at, what);
    return false;
}

static void skip_spaces(struct header *h)
{
    while (h->at < h->end && memchr(" \t\r\n", h->bytes[h->at], 4))
        h->at++;
}

/* Whether this is next, spaces aside. */
static bool next_is(struct header *h, const char *text)
{
    skip_spaces(h);
    size_t length = strlen(text);
    return h->end - h->at >= length && memcmp(h->bytes + h->at, text, length) == 0;
}

static bool take(struct header *h, const char *text)
{
    bool there = next_is(h, text);
    if (there)
        h->at += strlen(text);
    return there;
}

/* A Python string in single or double quotes. One with a backslash in it is not what it looks like, but is
 * none of the strings that are looked for either. */
static bool take_string(struct header *h, const char **text, size_t *length)
{
    if (!next_is(h, "'") && !next_is(h, "\""))
        return expected(h, "a string");
    const unsigned char *start = h->bytes + h->at + 1;
    const unsigned char *stop = memchr(start, start[-1], h->end - h->at - 1);
    if (!stop)
        return expected(h, "a string that ends");
    *text = (const char *)start;
    *length = (size_t)(stop - start);
    h->at += *length + 2;
    return true;
}

static bool same(const char *name, const char *text, size_t length)
{
    return strlen(name) == length && memcmp(name, text, length) == 0;
}

static bool host_is_big_endian(void)
{
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first == 0;
}

/* '<' and '>' are little and big endian; '=' is the machine's order, and so is '|', which says that there is
 * none. */
static bool set_type(struct header *h, const char *text, size_t length)
{
    if (length == 0 || !memchr("<>=|", text[0], 4))
        return false;
    h->big_endian = memchr("=|", text[0], 2) ? host_is_big_endian() : text[0] == '>';
    for (size_t k = 0; k < DTYPES; k++) {
        if (same(dtypes[k].name, text + 1, length - 1) && (h->bits || dtypes[k].type != TENSOR_BF16)) {
            h->type = dtypes[k].type;
            return true;
        }
    }
    return false;
}

static bool read_descr(struct header *h)
{
    skip_spaces(h);
    size_t start = h->at;
    const char *text = (const char *)h->bytes + start; /* of a structured dtype: no string, but a list */
    size_t length = h->end - start;
    if (!next_is(h, "[") && !take_string(h, &text, &length))
        return false;
    if (set_type(h, text, length))
        return true;
    complain(h->to, ASSAY_UNREADABLE,
             "byte %zu: dtype %s is not supported, only f2, f4%s and f8 with a byte order <, >, = or | before it",
             start, quote(text, length).text, h->bits ? ", u2 (bfloat16)" : "");
    return false;
}

static bool read_order(struct header *h)
{
    h->fortran = take(h, "True");
    if (!h->fortran && !take(h, "False"))
        return expected(h, "True or False");
    return true;
}

static bool is_digit(const struct header *h)
{
    return h->at < h->end && h->bytes[h->at] >= '0' && h->bytes[h->at] <= '9';
}

static bool read_dimension(struct header *h)
{
    if (h->ndim == TENSOR_MAX_DIMS)
        return expected(h, "at most 8 dimensions, which ended");
    if (next_is(h, "-"))
        return expected(h, "no negative dimension");
    if (!is_digit(h))
        return expected(h, "a dimension");
    size_t start = h->at, value = 0;
    while (is_digit(h)) {
        size_t digit = (size_t)h->bytes[h->at] - '0';
        if (value > (SIZE_MAX - digit) / 10)
            return expected(h, "a dimension below 2^64");
        value = 10 * value + digit;
        h->at++;
    }
    if (h->bytes[start] == '0' && h->at > start + 1)
        return expected(h, "no dimension that begins with 0");
    h->shape[h->ndim++] = value;
    return true;
}

/* A Python tuple: (), (2,), (2, 3), (2, 3,). */
static bool read_shape(struct header *h)
{
    if (!take(h, "("))
        return expected(h, "a tuple");
    bool more = true;
    while (more && !next_is(h, ")")) {
        if (!read_dimension(h))
            return false;
        more = take(h, ",");
    }
    if (h->ndim == 1 && !more)
        return expected(h, "a comma, without which this is no tuple");
    if (!take(h, ")"))
        return expected(h, "a comma or a closing parenthesis");
    return true;
}

static const struct key {
    const char *name;
    bool (*read)(struct header *h);
} keys[] = {{"descr", read_descr}, {"fortran_order", read_order}, {"shape", read_shape}};

enum { KEYS = sizeof keys / sizeof *keys };

/* Which of the keys has this name; KEYS if none. */
static size_t find_key(const char *text, size_t length)
{
    size_t k = 0;
    while (k < KEYS && !same(keys[k].name, text, length))
        k++;
    return k;
}

static bool read_entry(struct header *h, bool seen[KEYS])
{
    const char *text;
    size_t length;
    if (!take_string(h, &text, &length))
        return false;
    size_t k = find_key(text, length);
    if (k == KEYS || seen[k]) {
        complain(h->to, ASSAY_UNREADABLE, "byte %zu: %s key %s", (size_t)((const unsigned char *)text - h->bytes) - 1,
                 k == KEYS ? "unknown" : "second", quote(text, length).text);
        return false;
    }
    seen[k] = true;
    if (!take(h, ":"))
        return expected(h, "a colon");
    return keys[k].read(h);
}

static bool read_dict(struct header *h)
{
    if (!take(h, "{"))
        return expected(h, "a dict");
    bool seen[KEYS] = {false}, more = true;
    while (more && !next_is(h, "}")) {
        if (!read_entry(h, seen))
            return false;
        more = take(h, ",");
    }
    if (!take(h, "}"))
        return expected(h, "a comma or a closing brace");
    for (size_t k = 0; k < KEYS; k++) {
        if (!seen[k]) {
            complain(h->to, ASSAY_UNREADABLE, "byte %zu: the dict ends without the key %s", h->at - 1, keys[k].name);
            return false;
        }
    }
    skip_spaces(h);
    if (h->at < h->end)
        return expected(h, "nothing but padding");
    return true;
}

/* Finds where the header begins and ends. */
static assay_status locate_header(struct header *h, size_t size)
{
    if (!npy_recognise(h->bytes, size))
        return complain(h->to, ASSAY_UNREADABLE, "byte 0: the magic of a .npy file is missing");
    size_t length_size = size > MAGIC_SIZE && h->bytes[MAGIC_SIZE] > 1 ? 4 : 2;
    size_t begin = LENGTH_AT + length_size;
    if (size < begin)
        return complain(h->to, ASSAY_UNREADABLE, "byte %zu: the file ends before the header", size);
    unsigned major = h->bytes[MAGIC_SIZE], minor = h->bytes[MAGIC_SIZE + 1];
    if (major < 1 || major > 3 || minor != 0)
        return complain(h->to, ASSAY_UNREADABLE, "byte %d: version %u.%u is none of 1.0, 2.0 and 3.0", MAGIC_SIZE,
                        major, minor);
    size_t length = bytes_load(h->bytes + LENGTH_AT, length_size, false);
    if (length > size - begin)
        return complain(h->to, ASSAY_UNREADABLE, "byte %zu: header length %zu exceeds the file's %zu bytes", begin,
                        length, size);
    h->at = begin;
    h->end = begin + length;
    return ASSAY_OK;
}

/* Where entry k, row-major, is in Fortran order, in which the first index runs fastest. */
static size_t fortran_place(const struct tensor *x, size_t k)
{
    size_t place = 0, stride = x->count;
    for (size_t d = x->ndim; d-- > 0;) {
        stride /= x->shape[d];
        place += k % x->shape[d] * stride;
        k /= x->shape[d];
    }
    return place;
}

static void decode_entries(struct tensor *x, const struct header *h)
{
    size_t size = tensor_type_size(x->type);
    for (size_t k = 0; k < x->count; k++) {
        size_t place = h->fortran ? fortran_place(x, k) : k;
        x->at[k] = tensor_decode(x->type, bytes_load(h->bytes + h->end + place * size, size, h->big_endian));
    }
}

static assay_status read_entries(struct tensor_file *file, const struct header *h, size_t size)
{
    struct tensor_file found = {.count = 1, .tensors = tensor_alloc(1, sizeof(struct tensor))};
    if (!found.tensors)
        return complain(h->to, ASSAY_NO_MEMORY, "out of memory");
    struct tensor *x = found.tensors;
    x->type = h->type;
    x->ndim = h->ndim;
    memcpy(x->shape, h->shape, sizeof x->shape);
    assay_status status = ASSAY_OK;
    if (!tensor_multiply(&x->count, x->shape, x->ndim))
        status = complain(h->to, ASSAY_UNREADABLE, "the product of the dimensions is too large");
    else if (x->count * tensor_type_size(x->type) != size - h->end)
        status = complain(h->to, ASSAY_UNREADABLE, "byte %zu: the shape needs %zu bytes from here, the file has %zu",
                          h->end, x->count * tensor_type_size(x->type), size - h->end);
    else if (!(x->name = tensor_alloc(1, 1)) || !(x->at = tensor_alloc(x->count, sizeof(double))))
        status = complain(h->to, ASSAY_NO_MEMORY, "out of memory for %zu entries", x->count);
    if (status != ASSAY_OK) {
        tensors_free(&found);
        return status;
    }
    decode_entries(x, h);
    *file = found;
    return ASSAY_OK;
}

bool npy_recognise(const unsigned char *bytes, size_t size)
{
    return size >= MAGIC_SIZE && memcmp(bytes, MAGIC, MAGIC_SIZE) == 0;
}

assay_status npy_parse(struct tensor_file *file, const unsigned char *bytes, size_t size, bool bits,
                       const struct complaint *to)
{
    struct header h = {.bytes = bytes, .to = to, .bits = bits};
    assay_status status = locate_header(&h, size);
    if (status != ASSAY_OK)
        return status;
    if (!read_dict(&h))
        return ASSAY_UNREADABLE;
    return read_entries(file, &h, size);
}

/* The header as numpy writes it, without padding. Returns its length. */
static size_t print_header(char text[HEADER_SIZE], const struct tensor *x)
{
    size_t used =
        (size_t)sprintf(text, "{'descr': '<f%zu', 'fortran_order': False, 'shape': (", tensor_type_size(x->type));
    for (size_t d = 0; d < x->ndim; d++)
        used += (size_t)sprintf(text + used, "%s%zu", d > 0 ? ", " : "", x->shape[d]);
    return used + (size_t)sprintf(text + used, "%s), }", x->ndim == 1 ? "," : "");
}

assay_status npy_write(const char *path, const struct tensor *x, char *message, size_t message_size)
{
    const struct complaint to = {path, NULL, message, message_size};
    size_t entries;
    assay_status status = tensor_measure(&entries, x, &to);
    if (status != ASSAY_OK)
        return status;
    if (x->type == TENSOR_BF16)
        return complain(&to, ASSAY_INVALID, "BF16 has no .npy dtype");
    char text[HEADER_SIZE];
    size_t used = print_header(text, x);
    size_t begin = (LENGTH_AT + 2 + used + 1 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    unsigned char *bytes = malloc(begin + entries);
    if (!bytes)
        return complain(&to, ASSAY_NO_MEMORY, "out of memory for %zu bytes", begin + entries);
    memset(bytes, ' ', begin);
    memcpy(bytes, MAGIC, MAGIC_SIZE);
    bytes_store_little(bytes + MAGIC_SIZE, 2, 1); /* version 1.0 */
    bytes_store_little(bytes + LENGTH_AT, 2, begin - LENGTH_AT - 2);
    memcpy(bytes + LENGTH_AT + 2, text, used);
    bytes[begin - 1] = '\n';
    status = tensor_store(bytes + begin, x, &to);
    if (status == ASSAY_OK)
        status = atomic_file_write(path, bytes, begin + entries, message, message_size);
    free(bytes);
    return status;
}
