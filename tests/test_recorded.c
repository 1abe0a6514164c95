#include "recorded.h"

#include "io_support.h"
#include "support.h"
#include "tensor.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

/* The header of the file, and where its numbers begin. */
static json_t *header(size_t *start)
{
    uint64_t size = bytes_load(recorded_file, 8, false);
    ck_assert(size > 0 && size < recorded_file_size - 8);
    json_t *json = json_loadb((const char *)recorded_file + 8, size, 0, NULL);
    ck_assert_ptr_nonnull(json);
    *start = 8 + (size_t)size;
    return json;
}

/* The table says of every tensor of the file, and of nothing else, what the file's header says: name, shape, place. */
START_TEST(the_table_is_the_header)
{
    size_t start, numbers = 0;
    json_t *json = header(&start);
    json_object_del(json, "__metadata__");
    ck_assert_uint_eq(json_object_size(json), recorded_count);
    for (size_t k = 0; k < recorded_count; k++) {
        const struct recorded *r = &recorded[k];
        const char *type;
        json_int_t rows, cols, first, end;
        json_t *entry = json_object_get(json, r->name);
        ck_assert_msg(entry != NULL, "%s", r->name);
        ck_assert_int_eq(json_unpack(entry, "{s:s, s:[I,I!], s:[I,I!]}", "dtype", &type, "shape", &rows, &cols,
                                     "data_offsets", &first, &end),
                         0);
        ck_assert_str_eq(type, "F32");
        ck_assert((size_t)rows == r->rows && (size_t)cols == r->cols && start + (size_t)first == r->offset);
        ck_assert_uint_eq((size_t)(end - first), 4 * r->rows * r->cols);
        numbers += r->rows * r->cols;
    }
    ck_assert_uint_eq(start + 4 * numbers, recorded_file_size);
    json_decref(json);
}
END_TEST

/* Every number is the one that the reader of .safetensors files finds, in the file in the tree too. */
START_TEST(every_number_is_that_of_the_file)
{
    char message[ASSAY_MESSAGE_SIZE];
    struct tensor_file file;
    ck_assert_msg(tensors_read(&file, "golden/real_gradients.safetensors", message, sizeof message) == ASSAY_OK, "%s",
                  message);
    ck_assert_uint_eq(file.count, recorded_count);
    for (size_t k = 0; k < recorded_count; k++) {
        const struct recorded *r = &recorded[k];
        const struct tensor *x = tensors_find(&file, r->name);
        ck_assert(x && x->count == r->rows * r->cols);
        size_t distinct = 0;
        for (size_t n = 0; n < x->count; n++) {
            ck_assert(isfinite(x->at[n]) && io_bits(recorded_entry(r, n)) == io_bits(x->at[n]));
            distinct += n > 0 && io_bits(x->at[n]) != io_bits(recorded_entry(r, n - 1));
        }
        ck_assert_uint_gt(distinct, x->count / 2); /* another entry would be seen */
    }
    tensors_free(&file);
}
END_TEST

START_TEST(matrices_are_found_by_shape)
{
    ck_assert_str_eq(recorded_find(32, 64, 0)->name, "mlp-step10-layer2-grad");
    ck_assert_str_eq(recorded_find(32, 64, 5)->name, "mlp-step1200-layer2-momentum");
    ck_assert_ptr_null(recorded_find(32, 64, 6));
    ck_assert_ptr_null(recorded_find(32, 63, 0));
    ck_assert_ptr_null(recorded_find(33, 64, 0));
    for (size_t k = 0; k < recorded_count; k++) { /* each one once */
        size_t found = 0, n = 0;
        for (const struct recorded *r; (r = recorded_find(recorded[k].rows, recorded[k].cols, n)); n++)
            found += r == &recorded[k];
        ck_assert_uint_eq(found, 1);
    }
}
END_TEST

RUN_TESTS("recorded", TEST(the_table_is_the_header), TEST(every_number_is_that_of_the_file),
          TEST(matrices_are_found_by_shape))
