/* Matrices of every kind, to test with; and views of them and of answers. */
#ifndef ASSAY_TESTS_MATRICES_H
#define ASSAY_TESTS_MATRICES_H

#include "support.h"

enum { MOST_SIDE = 48, MOST = MOST_SIDE * MOST_SIDE };

struct matrix {
    size_t rows, cols;
    double at[MOST];
};

/* What an answer is written to. */
struct pair {
    double hi[MOST], lo[MOST], radius;
};

size_t smaller(size_t x, size_t y);
/* The smaller side. */
size_t side_of(const struct matrix *a);
double *entry(struct matrix *a, size_t i, size_t j);
assay_input input(const struct matrix *a);
/* Views of p for an answer of this shape; its radius is the caller's to fetch. */
assay_answer output(struct pair *p, size_t rows, size_t cols);
/* Whether `count` pairs and the radius have the same bits. */
bool same_pairs(const struct pair *x, const struct pair *y, size_t count);

/* Makes it rows x cols, all 0. */
void set_shape(struct matrix *a, size_t rows, size_t cols);
/* Sides from 1 to `most`, small ones more often; all 0. */
void random_shape(uint64_t *state, struct matrix *a, size_t most);
double small_integer(uint64_t *state, int most); /* -most .. most */
/* order = a permutation of 0 .. n - 1 */
void random_order(uint64_t *state, size_t *order, size_t n);
void transpose(struct matrix *a);
/* Permutes rows and columns, and transposes every other time. */
void shuffle(uint64_t *state, struct matrix *a);

/* What the campaign of test_containment.c tries, and how many of each: of polar factors, of singular values. */
struct kind {
    const char *name;
    void (*make)(uint64_t *state, struct matrix *a);
    size_t polar, values;
};
enum { KINDS = 20 };
extern const struct kind kinds[KINDS];

/* A = N S with N / d of orthonormal columns and S positive semidefinite, so that A's canonical polar factor is N / d in
 * the columns that S reaches and 0 in the others. d is a power of two if `dyadic`, else a product of hypotenuses. */
enum { MOST_KNOWN = 8 };
struct known {
    struct matrix a, numerators; /* the numerators of the polar factor over d */
    double d;
    size_t rank;
};
void make_known(uint64_t *state, struct known *x, bool dyadic);

/* Entries of all sorts: small integers, reals, near copies of each other, any exponent. */
void make_two_by_two(uint64_t *state, struct matrix *m);

#endif
