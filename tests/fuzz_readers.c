/* A libFuzzer target for both readers: clang -fsanitize=fuzzer,address,undefined.
 *
 * Whatever the bytes, a reader refuses them with a sentence and leaves its output alone, or returns tensors
 * that can be read to their ends; the sanitizers watch for the rest. */
#include "npy.h"
#include "safetensors.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_tensor(const struct tensor *x)
{
    size_t count;
    require(x->name && x->at && x->ndim <= TENSOR_MAX_DIMS);
    require(tensor_multiply(&count, x->shape, x->ndim) && count == x->count);
    for (size_t k = 0; k < x->count; k++) {
        uint64_t bits;
        require(tensor_encode(&bits, x->type, x->at[k]));
    }
}

static void check_file(struct tensor_file *file)
{
    for (size_t k = 0; k < file->count; k++)
        check_tensor(tensors_find(file, file->tensors[k].name));
    for (size_t k = 0; k < file->metadata_count; k++)
        require(strlen(file->metadata_keys[k]) < SIZE_MAX && strlen(file->metadata_values[k]) < SIZE_MAX);
    tensors_free(file);
}

static void check_refusal(const struct tensor_file *file, assay_status status, const char *message)
{
    const struct tensor_file untouched = {.count = 17};
    require(status == ASSAY_UNREADABLE || status == ASSAY_NO_MEMORY);
    require(memcmp(file, &untouched, sizeof untouched) == 0);
    require(strncmp(message, "x: ", 3) == 0 && !strpbrk(message, "\n\r\x1b"));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char message[ASSAY_MESSAGE_SIZE] = "";
    const struct complaint to = {"x", NULL, message, sizeof message};
    for (int npy = 0; npy <= 2; npy++) {
        struct tensor_file file = {.count = 17};
        assay_status status =
            npy ? npy_parse(&file, bytes, size, npy == 2, &to) : safetensors_parse(&file, bytes, size, &to);
        if (status == ASSAY_OK)
            check_file(&file);
        else
            check_refusal(&file, status, message);
    }
    return 0;
}
