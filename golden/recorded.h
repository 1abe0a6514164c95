/* Gradients and momenta of a real model: golden/real_gradients.safetensors, which never changes. */
#ifndef ASSAY_GOLDEN_RECORDED_H
#define ASSAY_GOLDEN_RECORDED_H

#include <stddef.h>

struct recorded {
    const char *name;
    size_t rows, cols, offset; /* of its binary32 numbers in the file, in bytes */
};
extern const struct recorded recorded[];
extern const size_t recorded_count;

/* Number k of those of this shape; NULL if there are fewer. */
const struct recorded *recorded_find(size_t rows, size_t cols, size_t k);

/* Entry k of its rows x cols, row by row. */
double recorded_entry(const struct recorded *r, size_t k);

/* The file. */
extern const unsigned char recorded_file[];
extern const size_t recorded_file_size;

#endif
