#include "safetensors.h"

#include "atomic_file.h"

#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define INTEGER "%" JSON_INTEGER_FORMAT

static const char METADATA[] = "__metadata__";

enum {
    LENGTH_SIZE = 8,
    ALIGNMENT = 8 /* of the entries in what is written */
};

/* A tensor of the header, without its entries, and where they are. */
struct slice {
    const char *name;
    struct tensor tensor;
    size_t begin, end;
    size_t order; /* in the header */
};

/* The same with the name of a tensor. */
static struct complaint about(const struct complaint *to, const char *tensor)
{
    struct complaint named = *to;
    named.tensor = tensor;
    return named;
}

/* What jansson says went wrong; it leaves the text empty when memory runs out. Not so while it scans a
 * string: then jansson 2.14 speaks of an invalid token, or, if its buffer cannot grow, loses a character and
 * goes on. */
static assay_status complain_json(const struct complaint *to, const json_error_t *error)
{
    const char *text = error->text;
    if (text[0] == '\0')
        return complain(to, ASSAY_NO_MEMORY, "out of memory");
    return complain(to, ASSAY_UNREADABLE, "byte %d: the header is no valid JSON: %s", LENGTH_SIZE + error->position,
                    quote(text, strlen(text)).text);
}

/* Parses the header; *end gets where it ends. */
static assay_status read_header(json_t **header, size_t *end, const unsigned char *bytes, size_t size,
                                const struct complaint *to)
{
    if (size < LENGTH_SIZE)
        return complain(
            to, ASSAY_UNREADABLE,
            "is no .npy file, and as .safetensors, byte %zu: the file ends within the 8 bytes of the header's length",
            size);
    size_t length = bytes_load(bytes, LENGTH_SIZE, false);
    if (length > SAFETENSORS_MAX_HEADER && memcmp(bytes, "PK\3\4", 4) == 0)
        return complain(to, ASSAY_UNREADABLE,
                        "is a zip archive, as .npz and .pt files are; only .npy and .safetensors are read");
    if (length > SAFETENSORS_MAX_HEADER)
        return complain(to, ASSAY_UNREADABLE,
                        "is no .npy file, and as .safetensors, byte 0: header length %zu exceeds the limit of %d bytes",
                        length, SAFETENSORS_MAX_HEADER);
    if (length > size - LENGTH_SIZE)
        return complain(to, ASSAY_UNREADABLE, "byte 0: header length %zu exceeds the file's %zu bytes", length, size);
    const char *text = (const char *)bytes + LENGTH_SIZE;
    if (length == 0 || text[0] != '{')
        return complain(to, ASSAY_UNREADABLE, "byte %d: the header does not begin with {", LENGTH_SIZE);
    json_error_t error = {0};
    *header = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    *end = LENGTH_SIZE + length;
    return *header ? ASSAY_OK : complain_json(to, &error);
}

static assay_status read_metadata(struct tensor_file *file, json_t *metadata, const struct complaint *to)
{
    if (!metadata)
        return ASSAY_OK;
    if (json_typeof(metadata) != JSON_OBJECT)
        return complain(to, ASSAY_UNREADABLE, "%s is not an object", METADATA);
    size_t count = json_object_size(metadata);
    file->metadata_keys = tensor_alloc(count, sizeof(char *));
    file->metadata_values = tensor_alloc(count, sizeof(char *));
    if (!file->metadata_keys || !file->metadata_values)
        return complain(to, ASSAY_NO_MEMORY, "out of memory for %s", METADATA);
    file->metadata_count = count;
    void *at = json_object_iter(metadata);
    for (size_t k = 0; k < count; k++, at = json_object_iter_next(metadata, at)) {
        const char *key = json_object_iter_key(at), *value = json_string_value(json_object_iter_value(at));
        if (!value)
            return complain(to, ASSAY_UNREADABLE, "the value of %s in %s is not a string", quote(key, strlen(key)).text,
                            METADATA);
        file->metadata_keys[k] = strdup(key);
        file->metadata_values[k] = strdup(value);
        if (!file->metadata_keys[k] || !file->metadata_values[k])
            return complain(to, ASSAY_NO_MEMORY, "out of memory for %s", METADATA);
    }
    return ASSAY_OK;
}

static assay_status read_dtype(struct tensor *x, const json_t *dtype, const struct complaint *to)
{
    static const enum tensor_type types[] = {TENSOR_F64, TENSOR_F32, TENSOR_F16, TENSOR_BF16};
    const char *name = json_string_value(dtype);
    if (!name)
        return complain(to, ASSAY_UNREADABLE, "dtype is not a string");
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        if (strcmp(name, tensor_type_name(types[k])) == 0) {
            x->type = types[k];
            return ASSAY_OK;
        }
    }
    return complain(to, ASSAY_UNREADABLE, "dtype %s is not supported, only F64, F32, F16 and BF16",
                    quote(name, strlen(name)).text);
}

static assay_status read_shape(struct tensor *x, const json_t *shape, const struct complaint *to)
{
    if (json_typeof(shape) != JSON_ARRAY)
        return complain(to, ASSAY_UNREADABLE, "shape is not an array");
    if (json_array_size(shape) > TENSOR_MAX_DIMS)
        return complain(to, ASSAY_UNREADABLE, "%zu dimensions; at most %d are supported", json_array_size(shape),
                        TENSOR_MAX_DIMS);
    for (x->ndim = 0; x->ndim < json_array_size(shape); x->ndim++) {
        const json_t *dimension = json_array_get(shape, x->ndim);
        if (json_typeof(dimension) != JSON_INTEGER || json_integer_value(dimension) < 0)
            return complain(to, ASSAY_UNREADABLE, "dimension %zu is not a non-negative integer", x->ndim);
        x->shape[x->ndim] = (size_t)json_integer_value(dimension);
    }
    if (!tensor_multiply(&x->count, x->shape, x->ndim))
        return complain(to, ASSAY_UNREADABLE, "the product of the dimensions is too large");
    return ASSAY_OK;
}

static assay_status read_offsets(struct slice *s, const json_t *offsets, size_t size, const struct complaint *to)
{
    const json_t *first = json_array_get(offsets, 0), *second = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || json_typeof(first) != JSON_INTEGER || json_typeof(second) != JSON_INTEGER)
        return complain(to, ASSAY_UNREADABLE, "data_offsets is not an array of two integers");
    json_int_t begin = json_integer_value(first), end = json_integer_value(second);
    if (begin < 0 || end < begin || (size_t)end > size)
        return complain(to, ASSAY_UNREADABLE,
                        "data_offsets [" INTEGER ", " INTEGER "] are not a range within the %zu bytes of data", begin,
                        end, size);
    s->begin = (size_t)begin;
    s->end = (size_t)end;
    size_t needed = s->tensor.count * tensor_type_size(s->tensor.type);
    if (s->end - s->begin != needed)
        return complain(to, ASSAY_UNREADABLE,
                        "data_offsets [" INTEGER ", " INTEGER "] span %zu bytes, but the shape needs %zu", begin, end,
                        s->end - s->begin, needed);
    return ASSAY_OK;
}

/* Exactly these three keys; `size` is that of the data. */
static assay_status read_slice(struct slice *s, const json_t *entry, size_t size, const struct complaint *to)
{
    const json_t *dtype = json_object_get(entry, "dtype"), *shape = json_object_get(entry, "shape"),
                 *offsets = json_object_get(entry, "data_offsets");
    if (json_object_size(entry) != 3 || !dtype || !shape || !offsets)
        return complain(to, ASSAY_UNREADABLE, "must be an object of exactly dtype, shape and data_offsets");
    assay_status status = read_dtype(&s->tensor, dtype, to);
    if (status == ASSAY_OK)
        status = read_shape(&s->tensor, shape, to);
    if (status == ASSAY_OK)
        status = read_offsets(s, offsets, size, to);
    return status;
}

static assay_status read_slices(struct slice *slices, json_t *header, size_t size, const struct complaint *to)
{
    size_t count = 0;
    for (void *at = json_object_iter(header); at; at = json_object_iter_next(header, at)) {
        const char *name = json_object_iter_key(at);
        if (strcmp(name, METADATA) == 0)
            continue;
        struct slice *s = &slices[count];
        s->name = name;
        s->order = count++;
        struct complaint named = about(to, name);
        assay_status status = read_slice(s, json_object_iter_value(at), size, &named);
        if (status != ASSAY_OK)
            return status;
    }
    return ASSAY_OK;
}

static int compare(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

/* By offset. Tensors without entries share theirs with the next tensor, and come first. */
static int compare_slices(const void *left, const void *right)
{
    const struct slice *a = left, *b = right;
    if (a->begin != b->begin)
        return compare(a->begin, b->begin);
    if (a->end != b->end)
        return compare(a->end, b->end);
    return compare(a->order, b->order);
}

/* Sorts the slices, which must cover `size` bytes without gap or overlap. */
static assay_status arrange(struct slice *slices, size_t count, size_t size, const struct complaint *to)
{
    qsort(slices, count, sizeof *slices, compare_slices);
    size_t covered = 0;
    for (size_t k = 0; k < count; k++) {
        const struct slice *s = &slices[k];
        struct complaint named = about(to, s->name);
        if (s->begin != covered)
            return complain(&named, ASSAY_UNREADABLE,
                            "%s: data_offsets [%zu, %zu], but the tensors before it end at %zu",
                            s->begin > covered ? "a gap" : "an overlap", s->begin, s->end, covered);
        covered = s->end;
    }
    if (covered < size)
        return complain(to, ASSAY_UNREADABLE, "the tensors cover only %zu of the %zu bytes of data", covered, size);
    return ASSAY_OK;
}

static assay_status read_entries(struct tensor *x, const struct slice *s, const unsigned char *data,
                                 const struct complaint *to)
{
    *x = s->tensor;
    x->name = strdup(s->name);
    x->at = tensor_alloc(x->count, sizeof(double));
    if (!x->name || !x->at) {
        struct complaint named = about(to, s->name);
        return complain(&named, ASSAY_NO_MEMORY, "out of memory for %zu entries", x->count);
    }
    size_t size = tensor_type_size(x->type);
    for (size_t k = 0; k < x->count; k++)
        x->at[k] = tensor_decode(x->type, bytes_load(data + s->begin + k * size, size, false));
    return ASSAY_OK;
}

/* Fills `slices`, then, once nothing can lie any more, file->tensors; both have room for file->count. */
static assay_status read_all(struct tensor_file *file, struct slice *slices, json_t *header, const unsigned char *data,
                             size_t size, const struct complaint *to)
{
    assay_status status = read_slices(slices, header, size, to);
    if (status == ASSAY_OK)
        status = arrange(slices, file->count, size, to);
    for (size_t k = 0; status == ASSAY_OK && k < file->count; k++)
        status = read_entries(&file->tensors[k], &slices[k], data, to);
    return status;
}

static assay_status read_tensors(struct tensor_file *file, json_t *header, const unsigned char *data, size_t size,
                                 const struct complaint *to)
{
    size_t count = json_object_size(header) - (json_object_get(header, METADATA) != NULL);
    file->tensors = tensor_alloc(count, sizeof *file->tensors);
    struct slice *slices = tensor_alloc(count, sizeof *slices);
    if (!file->tensors || !slices) {
        free(slices);
        return complain(to, ASSAY_NO_MEMORY, "out of memory for %zu tensors", count);
    }
    file->count = count;
    assay_status status = read_all(file, slices, header, data, size, to);
    free(slices);
    return status;
}

assay_status safetensors_parse(struct tensor_file *file, const unsigned char *bytes, size_t size,
                               const struct complaint *to)
{
    json_t *header = NULL;
    size_t end = 0;
    assay_status status = read_header(&header, &end, bytes, size, to);
    if (status != ASSAY_OK)
        return status;
    struct tensor_file found = {0};
    status = read_metadata(&found, json_object_get(header, METADATA), to);
    if (status == ASSAY_OK)
        status = read_tensors(&found, header, bytes + end, size - end, to);
    json_decref(header);
    if (status == ASSAY_OK)
        *file = found;
    else
        tensors_free(&found);
    return status;
}

/* Refuses what jansson will not write. */
static assay_status check_text(const char *text, const char *what, const struct complaint *to)
{
    json_error_t error = {0};
    json_t *string = json_pack_ex(&error, 0, "s", text);
    json_decref(string);
    if (string)
        return ASSAY_OK;
    if (json_error_code(&error) == json_error_invalid_utf8)
        return complain(to, ASSAY_INVALID, "%s %s is not UTF-8", what, quote(text, strlen(text)).text);
    return complain(to, ASSAY_NO_MEMORY, "out of memory");
}

/* Adds an entry, and takes `value`, which is NULL if it could not be made. */
static assay_status add(json_t *object, const char *key, json_t *value, const struct complaint *to)
{
    if (json_object_set_new(object, key, value) != 0)
        return complain(to, ASSAY_NO_MEMORY, "out of memory for the header");
    return ASSAY_OK;
}

static assay_status add_metadata(json_t *header, const struct tensor_file *file, const struct complaint *to)
{
    if (file->metadata_count == 0)
        return ASSAY_OK;
    json_t *metadata = json_object();
    assay_status status = add(header, METADATA, metadata, to);
    for (size_t k = 0; status == ASSAY_OK && k < file->metadata_count; k++) {
        const char *key = file->metadata_keys[k], *value = file->metadata_values[k];
        status = check_text(key, "metadata key", to);
        if (status == ASSAY_OK)
            status = check_text(value, "metadata value", to);
        if (status == ASSAY_OK && json_object_get(metadata, key))
            status = complain(to, ASSAY_INVALID, "metadata key %s appears twice", quote(key, strlen(key)).text);
        if (status == ASSAY_OK)
            status = add(metadata, key, json_string(value), to);
    }
    return status;
}

static json_t *shape_to_json(const struct tensor *x)
{
    json_t *shape = json_array();
    for (size_t d = 0; d < x->ndim; d++) {
        if (json_array_append_new(shape, json_integer((json_int_t)x->shape[d])) != 0) {
            json_decref(shape);
            return NULL;
        }
    }
    return shape;
}

/* Adds a tensor whose entries begin `*offset` bytes into the data, and moves the offset to their end. */
static assay_status add_tensor(json_t *header, const struct tensor *x, size_t *offset, const struct complaint *to)
{
    size_t size;
    assay_status status = check_text(x->name, "the name", to);
    if (status == ASSAY_OK)
        status = tensor_measure(&size, x, to);
    if (status != ASSAY_OK)
        return status;
    if (strcmp(x->name, METADATA) == 0)
        return complain(to, ASSAY_INVALID, "this name is reserved");
    if (json_object_get(header, x->name))
        return complain(to, ASSAY_INVALID, "this name appears twice");
    if (size > (size_t)LLONG_MAX - *offset)
        return complain(to, ASSAY_INVALID, "the tensors are too large together");
    size_t end = *offset + size;
    json_t *entry = json_pack("{s:s, s:o, s:[I, I]}", "dtype", tensor_type_name(x->type), "shape", shape_to_json(x),
                              "data_offsets", (json_int_t)*offset, (json_int_t)end);
    *offset = end;
    return add(header, x->name, entry, to);
}

/* Makes the header; *size gets that of the data. */
static assay_status build_header(json_t *header, size_t *size, const struct tensor_file *file,
                                 const struct complaint *to)
{
    assay_status status = add_metadata(header, file, to);
    *size = 0;
    for (size_t k = 0; status == ASSAY_OK && k < file->count; k++) {
        struct complaint named = about(to, file->tensors[k].name);
        status = add_tensor(header, &file->tensors[k], size, &named);
    }
    return status;
}

static assay_status store_tensors(unsigned char *data, const struct tensor_file *file, const struct complaint *to)
{
    assay_status status = ASSAY_OK;
    for (size_t k = 0; status == ASSAY_OK && k < file->count; k++) {
        const struct tensor *x = &file->tensors[k];
        struct complaint named = about(to, x->name);
        status = tensor_store(data, x, &named);
        data += x->count * tensor_type_size(x->type);
    }
    return status;
}

/* The whole content of the file, to be freed; `size` is that of the data, and becomes that of the content. */
static assay_status build_content(unsigned char **content, size_t *size, const json_t *header,
                                  const struct tensor_file *file, const struct complaint *to)
{
    size_t length = json_dumpb(header, NULL, 0, JSON_COMPACT);
    size_t padded = (length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    unsigned char *bytes = length > 0 ? malloc(LENGTH_SIZE + padded + *size) : NULL;
    if (!bytes || json_dumpb(header, (char *)bytes + LENGTH_SIZE, length, JSON_COMPACT) != length) {
        free(bytes);
        return complain(to, ASSAY_NO_MEMORY, "out of memory for %zu bytes of data", *size);
    }
    bytes_store_little(bytes, LENGTH_SIZE, padded);
    memset(bytes + LENGTH_SIZE + length, ' ', padded - length);
    assay_status status = store_tensors(bytes + LENGTH_SIZE + padded, file, to);
    if (status != ASSAY_OK) {
        free(bytes);
        return status;
    }
    *content = bytes;
    *size += LENGTH_SIZE + padded;
    return ASSAY_OK;
}

assay_status safetensors_write(const char *path, const struct tensor_file *file, char *message, size_t message_size)
{
    const struct complaint to = {path, NULL, message, message_size};
    json_t *header = json_object();
    if (!header)
        return complain(&to, ASSAY_NO_MEMORY, "out of memory for the header");
    unsigned char *content = NULL;
    size_t size;
    assay_status status = build_header(header, &size, file, &to);
    if (status == ASSAY_OK)
        status = build_content(&content, &size, header, file, &to);
    json_decref(header);
    if (status == ASSAY_OK)
        status = atomic_file_write(path, content, size, message, message_size);
    free(content);
    return status;
}
