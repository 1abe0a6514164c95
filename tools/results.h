/* What a port made of the golden inputs: a .safetensors file with tensors ID/NAME, or a folder of ID/NAME.npy files, where
 * dtype u2 stands for the bits of bfloat16. */
#ifndef ASSAY_TOOLS_RESULTS_H
#define ASSAY_TOOLS_RESULTS_H

#include "tensor.h"

#include <stdbool.h>

struct results {
    const char *path;
    struct tensor_file file; /* sorted by name */
    bool *used;              /* tensor by tensor */
};

/* Reads a file, or all .npy files two levels down in a folder. ASSAY_UNREADABLE with a sentence; ASSAY_NO_MEMORY. */
assay_status results_read(struct results *r, const char *path, char *message, size_t message_size)
    __attribute__((warn_unused_result));
void results_free(struct results *r);

/* The tensor ID/NAME, or NULL; asked for, it counts as used. */
const struct tensor *results_find(struct results *r, const char *id, const char *name);

/* What the metadata of the file have under that key, or NULL. */
const char *results_remark(const struct results *r, const char *key);

/* The name of a tensor that nobody has asked for, or NULL. */
const char *results_unused(const struct results *r);

#endif
