/* Inputs of the golden cases: matrices of whole numbers, to be multiplied by a power of two, made by integer arithmetic
 * alone, so that every machine and language makes the same ones; and recorded ones. Some come with their polar factor. */
#ifndef ASSAY_GOLDEN_INPUTS_H
#define ASSAY_GOLDEN_INPUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Number k of the sequence that `seed` starts: SplitMix64 (Steele, Lea, Flood 2014) as a counter. */
uint64_t input_bits(uint64_t seed, uint64_t k);

/* A seed from a name (FNV-1a), so that new names change nothing of old ones. */
uint64_t input_seed(const char *name);

struct whole_matrix {
    size_t rows, cols;
    int64_t *at;  /* row-major, each a number of binary64; */
    int exponent; /* the matrix is 2^exponent times these: 0 but for recorded ones */
    /* The polar factor is truth / denominator, entry by entry, where denominator > 0: known by construction. */
    int64_t *truth;
    int64_t denominator;
};

struct family {
    const char *name, *flag, *why;
    bool (*fits)(size_t rows, size_t cols); /* NULL: any shape */
    void (*fill)(struct whole_matrix *x, uint64_t seed);
};
extern const struct family families[];
extern const size_t family_count;
const struct family *family_find(const char *name);

#endif
