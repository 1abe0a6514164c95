/* io_dump FILE [COPY.npy | COPY.safetensors]: prints the tensors of a file, and writes them again if told to.
 *
 * For each tensor a line "TYPE NDIM DIMENSIONS... NAME" and then a line for each entry; metadata as "KEY =
 * VALUE". For tests in other languages; exits with 1 and a sentence on standard error if anything fails. */
#include "npy.h"
#include "safetensors.h"

#include <stdio.h>
#include <string.h>

static void print_tensor(const struct tensor *x)
{
    printf("%s %zu", tensor_type_name(x->type), x->ndim);
    for (size_t d = 0; d < x->ndim; d++)
        printf(" %zu", x->shape[d]);
    printf(" %s\n", x->name);
    for (size_t k = 0; k < x->count; k++)
        printf("%a\n", x->at[k]);
}

static assay_status write_copy(const char *path, const struct tensor_file *file, char *message, size_t size)
{
    size_t length = strlen(path);
    if (length > 4 && strcmp(path + length - 4, ".npy") == 0)
        return npy_write(path, &file->tensors[0], message, size);
    return safetensors_write(path, file, message, size);
}

int main(int argc, char **argv)
{
    struct tensor_file file;
    char message[ASSAY_MESSAGE_SIZE];
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: io_dump FILE [COPY]\n");
        return 1;
    }
    if (tensors_read(&file, argv[1], message, sizeof message) != ASSAY_OK) {
        fprintf(stderr, "%s\n", message);
        return 1;
    }
    for (size_t k = 0; k < file.metadata_count; k++)
        printf("%s = %s\n", file.metadata_keys[k], file.metadata_values[k]);
    for (size_t k = 0; k < file.count; k++)
        print_tensor(&file.tensors[k]);
    bool failed = argc == 3 && write_copy(argv[2], &file, message, sizeof message) != ASSAY_OK;
    if (failed)
        fprintf(stderr, "%s\n", message);
    tensors_free(&file);
    return failed;
}
