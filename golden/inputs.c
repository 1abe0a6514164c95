#include "inputs.h"

#include "recorded.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

uint64_t input_bits(uint64_t seed, uint64_t k)
{
    uint64_t z = seed * UINT64_C(0xD1342543DE82EF95) + (k + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint64_t input_seed(const char *name)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001B3);
    return hash;
}

static int64_t *entry(const struct whole_matrix *x, size_t i, size_t j)
{
    return &x->at[i * x->cols + j];
}

static int64_t *truth(const struct whole_matrix *x, size_t i, size_t j)
{
    return &x->truth[i * x->cols + j];
}

static size_t smaller(const struct whole_matrix *x)
{
    return x->rows < x->cols ? x->rows : x->cols;
}

/* ---- random entries ---------------------------------------------------------------------------------------------- */

/* How many of 64 bits are set, less 32: variance 16, and exact in every format. */
static int64_t binomial(uint64_t bits)
{
    return (int64_t)__builtin_popcountll(bits) - 32;
}

static void gaussian(struct whole_matrix *x, uint64_t seed)
{
    size_t count = x->rows * x->cols;
    for (size_t k = 0; k < count; k++)
        x->at[k] = binomial(input_bits(seed, k));
    for (size_t k = 1; count == 1 && x->at[0] == 0; k++) /* the zero matrix is a family of its own */
        x->at[0] = binomial(input_bits(seed, k));
}

/* 21 bits and a sign: exact in binary32 and no less. */
static void fine(struct whole_matrix *x, uint64_t seed)
{
    for (size_t k = 0; k < x->rows * x->cols; k++)
        x->at[k] = binomial(input_bits(seed, 2 * k)) * 65536 + (int64_t)(input_bits(seed, 2 * k + 1) >> 48);
}

static void ternary(struct whole_matrix *x, uint64_t seed)
{
    for (size_t k = 0; k < x->rows * x->cols; k++)
        x->at[k] = (int64_t)(input_bits(seed, k) % 3) - 1;
}

/* 1, 3, 5, ... with random signs: none is zero, and one is the largest. */
static void distinct(struct whole_matrix *x, uint64_t seed)
{
    for (size_t k = 0; k < x->rows * x->cols; k++)
        x->at[k] = (int64_t)(2 * k + 1) * (input_bits(seed, k) >> 63 ? 1 : -1);
}

static void signs(struct whole_matrix *x, uint64_t seed)
{
    for (size_t k = 0; k < x->rows * x->cols; k++)
        x->at[k] = input_bits(seed, k) >> 63 ? 1 : -1;
}

static void wide_range(struct whole_matrix *x, uint64_t seed)
{
    for (size_t k = 0; k < x->rows * x->cols; k++)
        x->at[k] = binomial(input_bits(seed, 2 * k)) * ((int64_t)1 << (input_bits(seed, 2 * k + 1) % 41));
}

static void sparse(struct whole_matrix *x, uint64_t seed)
{
    for (size_t k = 0; k < x->rows * x->cols; k++)
        x->at[k] = input_bits(seed, 2 * k) % 4 == 0 ? binomial(input_bits(seed, 2 * k + 1)) : 0;
}

/* ---- structure ------------------------------------------------------------------------------------------------------ */

static void zero(struct whole_matrix *x, uint64_t seed)
{
    (void)seed;
    memset(x->at, 0, x->rows * x->cols * sizeof *x->at);
}

static void zero_row(struct whole_matrix *x, uint64_t seed)
{
    gaussian(x, seed);
    memset(entry(x, x->rows / 2, 0), 0, x->cols * sizeof *x->at);
}

static void zero_column(struct whole_matrix *x, uint64_t seed)
{
    gaussian(x, seed);
    for (size_t i = 0; i < x->rows; i++)
        *entry(x, i, x->cols / 2) = 0;
}

static bool has_two_rows_and_columns(size_t rows, size_t cols)
{
    return rows > 1 && cols > 1;
}

/* The product of rows x rank and rank x cols binomial numbers of variance 1. */
static void product_of_rank(struct whole_matrix *x, uint64_t seed, size_t rank, int64_t factor)
{
    for (size_t i = 0; i < x->rows; i++)
        for (size_t j = 0; j < x->cols; j++) {
            int64_t sum = 0;
            for (size_t k = 0; k < rank; k++)
                sum += (binomial(input_bits(seed, i * rank + k)) / 4) * (binomial(input_bits(~seed, j * rank + k)) / 4);
            *entry(x, i, j) = factor * sum;
        }
}

static void low_rank(struct whole_matrix *x, uint64_t seed)
{
    product_of_rank(x, seed, (smaller(x) + 1) / 2, 1);
}

static void rank_one(struct whole_matrix *x, uint64_t seed)
{
    for (size_t i = 0; i < x->rows; i++)
        for (size_t j = 0; j < x->cols; j++)
            *entry(x, i, j) = ((int64_t)(input_bits(seed, i) % 15) - 7) * (int64_t)(1 + input_bits(~seed, j) % 7);
}

static void rank_one_and_noise(struct whole_matrix *x, uint64_t seed)
{
    product_of_rank(x, seed, 1, 64);
    for (size_t k = 0; k < x->rows * x->cols; k++)
        x->at[k] += (int64_t)(input_bits(seed + 1, k) % 3) - 1;
}

static void hilbert(struct whole_matrix *x, uint64_t seed)
{
    (void)seed;
    for (size_t i = 0; i < x->rows; i++)
        for (size_t j = 0; j < x->cols; j++)
            *entry(x, i, j) = ((int64_t)1 << 40) / (int64_t)(i + j + 1);
}

/* Kahan's upper triangle with sine 4/5 and cosine 3/5, times 5^n: ill-conditioned, though no pivot is small. */
static void kahan(struct whole_matrix *x, uint64_t seed)
{
    (void)seed;
    int64_t row = 1;
    for (size_t k = 0; k < smaller(x); k++)
        row *= 5;
    for (size_t i = 0; i < x->rows; i++, row = row / 5 * 4)
        for (size_t j = 0; j < x->cols; j++)
            *entry(x, i, j) = j < i ? 0 : j == i ? row : -row / 5 * 3;
}

static bool is_small(size_t rows, size_t cols)
{
    return rows > 1 && cols > 1 && rows <= 20 && cols <= 20;
}

/* ---- designed spectra: A = H D H' with Sylvester's Hadamard matrices, singular values sqrt(m n) d_k -------------------- */

static bool is_power_of_two(size_t n)
{
    return (n & (n - 1)) == 0;
}

static bool has_hadamard(size_t rows, size_t cols)
{
    return rows > 1 && cols > 1 && is_power_of_two(rows) && is_power_of_two(cols);
}

static int64_t hadamard_entry(size_t i, size_t j)
{
    return __builtin_popcountll(i & j) % 2 ? -1 : 1;
}

/* Entry (i, k) of a Hadamard matrix of power-of-two size n with its rows shuffled and their signs changed. */
static int64_t shuffled(uint64_t seed, size_t n, size_t i, size_t k)
{
    size_t row = (i * (2 * (seed % 8) + 1) + seed % n) % n;
    return hadamard_entry(row, k) * (input_bits(seed, i) >> 63 ? -1 : 1);
}

static void spectrum(struct whole_matrix *x, uint64_t seed, int64_t (*value)(size_t k, size_t count))
{
    size_t root = 1;
    while (root * root < x->rows * x->cols)
        root *= 2;
    x->denominator = root * root == x->rows * x->cols ? (int64_t)root : 0;
    for (size_t i = 0; i < x->rows; i++)
        for (size_t j = 0; j < x->cols; j++) {
            *entry(x, i, j) = *truth(x, i, j) = 0;
            for (size_t k = 0; k < smaller(x); k++) {
                int64_t sign = shuffled(seed, x->rows, i, k) * shuffled(seed + 1, x->cols, j, k);
                *entry(x, i, j) += sign * value(k, smaller(x));
                *truth(x, i, j) += sign;
            }
        }
}

static int64_t geometric_value(size_t k, size_t count)
{
    return (int64_t)1 << (count - 1 - k) * 6 / count;
}

static int64_t steep_value(size_t k, size_t count)
{
    return (int64_t)1 << (count - 1 - k) * 40 / (count - 1);
}

static int64_t arithmetic_value(size_t k, size_t count)
{
    return (int64_t)(count - k);
}

static int64_t clustered_value(size_t k, size_t count)
{
    return k < count / 2 ? 1000 + (int64_t)(k % 2) : 1;
}

static int64_t repeated_value(size_t k, size_t count)
{
    return (int64_t)((count + 1) / 2 - k / 2);
}

static int64_t one_tiny_value(size_t k, size_t count)
{
    return k == count - 1 ? 1 : 1 << 20;
}

static int64_t near_tie_value(size_t k, size_t count)
{
    return k == 0 ? (1 << 20) + 1 : k == 1 ? 1 << 20 : (int64_t)(count - k);
}

static int64_t equal_value(size_t k, size_t count)
{
    (void)k, (void)count;
    return 1;
}

#define SPECTRUM(name)                                                                                                 \
    static void name##_spectrum(struct whole_matrix *x, uint64_t seed)                                                 \
    {                                                                                                                  \
        spectrum(x, seed, name##_value);                                                                               \
    }
SPECTRUM(geometric)
SPECTRUM(steep)
SPECTRUM(arithmetic)
SPECTRUM(clustered)
SPECTRUM(repeated)
SPECTRUM(one_tiny)
SPECTRUM(near_tie)
SPECTRUM(equal)

/* ---- answer first: A = Q S, with Q orthonormal and S symmetric positive definite, both chosen ---------------------------- */

enum { LARGEST_TRUTH = 64 };

/* S = B^T B + I. */
static int64_t definite(uint64_t seed, size_t n, size_t i, size_t j)
{
    int64_t sum = i == j;
    for (size_t k = 0; k < n; k++)
        sum += ((int64_t)(input_bits(seed, k * n + i) % 5) - 2) * ((int64_t)(input_bits(seed, k * n + j) % 5) - 2);
    return sum;
}

/* A = q S / 1 and truth q / denominator for the first columns of a square q, or the transposes of both. */
static void answer_first(struct whole_matrix *x, uint64_t seed, int64_t q[LARGEST_TRUTH][LARGEST_TRUTH],
                         int64_t denominator)
{
    bool wide = x->rows < x->cols;
    size_t n = smaller(x), m = x->rows * x->cols / n;
    x->denominator = denominator;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            int64_t sum = 0;
            for (size_t k = 0; k < n; k++)
                sum += q[i][k] * definite(seed, n, k, j);
            *(wide ? entry(x, j, i) : entry(x, i, j)) = sum;
            *(wide ? truth(x, j, i) : truth(x, i, j)) = q[i][j];
        }
}

static bool fits_dyadic(size_t rows, size_t cols)
{
    size_t m = rows > cols ? rows : cols;
    return m == 4 || m == 16 || m == 64;
}

static void dyadic(struct whole_matrix *x, uint64_t seed)
{
    int64_t q[LARGEST_TRUTH][LARGEST_TRUTH];
    size_t m = x->rows > x->cols ? x->rows : x->cols;
    for (size_t i = 0; i < m; i++)
        for (size_t k = 0; k < m; k++)
            q[i][k] = shuffled(seed, m, i, k);
    answer_first(x, seed, q, m == 4 ? 2 : m == 16 ? 4 : 8);
}

/* A product of rotations by the angle with cosine 3/5 and sine 4/5, in neighbouring planes. */
static void pythagorean(struct whole_matrix *x, uint64_t seed)
{
    int64_t q[LARGEST_TRUTH][LARGEST_TRUTH] = {{0}}, denominator = 1;
    size_t m = x->rows > x->cols ? x->rows : x->cols;
    for (size_t i = 0; i < m; i++)
        q[i][i] = input_bits(seed, i) >> 63 ? -1 : 1;
    for (size_t k = 0; k + 1 < m; k++, denominator *= 5)
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < m; j++) {
                int64_t a = q[i][k], b = q[i][k + 1];
                if (j == k)
                    q[i][k] = 3 * a - 4 * b, q[i][k + 1] = 4 * a + 3 * b;
                else if (j != k + 1)
                    q[i][j] *= 5;
            }
    answer_first(x, seed, q, denominator);
}

static bool fits_pythagorean(size_t rows, size_t cols)
{
    return rows > 1 && cols > 1 && rows <= 12 && cols <= 12;
}

static void permutation(struct whole_matrix *x, uint64_t seed)
{
    zero(x, seed);
    for (size_t k = 0; k < smaller(x); k++)
        *entry(x, (k + seed) % x->rows, (x->cols - 1 - k)) = input_bits(seed, k) >> 63 ? -3 : 3;
    memcpy(x->truth, x->at, x->rows * x->cols * sizeof *x->at);
    x->denominator = 3;
}

/* ---- the table -------------------------------------------------------------------------------------------------------- */

/* ---- recorded -------------------------------------------------------------------------------------------------------- */

static bool is_recorded(size_t rows, size_t cols)
{
    return recorded_find(rows, cols, 0) != NULL;
}

/* The exponent of a power of two that divides every entry; INT_MAX if all are zero. */
static int lowest_bit(const struct recorded *r)
{
    int least = INT_MAX, exponent;
    for (size_t k = 0; k < r->rows * r->cols; k++) {
        double x = recorded_entry(r, k);
        frexp(x, &exponent);
        least = x != 0 && exponent - FLT_MANT_DIG < least ? exponent - FLT_MANT_DIG : least;
    }
    return least;
}

/* Number `seed` of the recorded matrices of the shape, counted round. */
static void real(struct whole_matrix *x, uint64_t seed)
{
    size_t count = 0;
    while (recorded_find(x->rows, x->cols, count))
        count++;
    const struct recorded *r = recorded_find(x->rows, x->cols, seed % count);
    x->exponent = lowest_bit(r);
    for (size_t k = 0; k < x->rows * x->cols; k++)
        x->at[k] = (int64_t)ldexp(recorded_entry(r, k), -x->exponent);
}

const struct family families[] = {
    {"gaussian", "GaussianLike", "Gaussian-like entries: what a momentum buffer looks like", NULL, gaussian},
    {"fine", "FineEntries", "Gaussian-like entries that fill binary32: casting the input to less changes the answer",
     NULL, fine},
    {"wide-range", "WideRange",
     "entries of sizes from 1 to 2^45: sums in the wrong order or format lose the small ones", NULL, wide_range},
    {"sparse", "ExactZeros", "three entries of four are zero: signs of zeros, components, divisions by nothing", NULL,
     sparse},
    {"ternary", "Ternary", "entries -1, 0 and 1: ties everywhere", NULL, ternary},
    {"signs", "Ternary", "entries -1 and 1: every entry is a largest one", NULL, signs},
    {"zero", "ZeroMatrix", "the zero matrix: 0 / 0 unless the convention says otherwise", NULL, zero},
    {"zero-row", "ZeroRow", "a zero row: it stays zero, and row norms divide by it", has_two_rows_and_columns,
     zero_row},
    {"zero-column", "ZeroColumn", "a zero column: it stays zero, and column norms divide by it",
     has_two_rows_and_columns, zero_column},
    {"rank-one", "RankDeficient", "rank one: the iteration leaves all other directions at zero",
     has_two_rows_and_columns, rank_one},
    {"low-rank", "RankDeficient", "half the rank is missing: the polar factor is not unique", has_two_rows_and_columns,
     low_rank},
    {"rank-one-and-noise", "DominantDirection", "one direction dominates, as in early training",
     has_two_rows_and_columns, rank_one_and_noise},
    {"hilbert", "IllConditioned", "Hilbert's matrix: as ill-conditioned as its size allows", is_small, hilbert},
    {"kahan", "IllConditioned", "Kahan's triangle: ill-conditioned without a small pivot", is_small, kahan},
    {"geometric", "DesignedSpectrum", "singular values in geometric progression", has_hadamard, geometric_spectrum},
    {"steep", "IllConditioned", "singular values from 1 to 2^40: condition 10^12", has_hadamard, steep_spectrum},
    {"arithmetic", "DesignedSpectrum", "singular values in arithmetic progression", has_hadamard, arithmetic_spectrum},
    {"clustered", "DesignedSpectrum", "two clusters of singular values, 1000 apart", has_hadamard, clustered_spectrum},
    {"repeated", "RepeatedSingularValues", "every singular value is there twice: no SVD is the right one", has_hadamard,
     repeated_spectrum},
    {"one-tiny", "IllConditioned", "one singular value is a million times smaller than the others", has_hadamard,
     one_tiny_spectrum},
    {"near-tie", "NearTie", "the largest two singular values agree to 20 bits", has_hadamard, near_tie_spectrum},
    {"hadamard", "RepeatedSingularValues", "a multiple of an isometry: all singular values are equal", has_hadamard,
     equal_spectrum},
    {"permutation", "RepeatedSingularValues", "a signed permutation: an answer that anyone can see", NULL, permutation},
    {"dyadic", "AnswerFirst", "A = Q S with a dyadic Q: the polar factor is known without any algorithm", fits_dyadic,
     dyadic},
    {"pythagorean", "AnswerFirst", "A = Q S with a rational Q of 3-4-5 rotations: known without any algorithm",
     fits_pythagorean, pythagorean},
    {"one-rounding", "OneRounding",
     "one operation rounds, far from a tie: every order of evaluation gives the same bits", NULL, distinct},
    {"real", "RealGradient", "gradients and momenta of a real model: what ports meet in earnest", is_recorded, real},
};
const size_t family_count = sizeof families / sizeof families[0];

const struct family *family_find(const char *name)
{
    for (size_t k = 0; k < family_count; k++)
        if (strcmp(families[k].name, name) == 0)
            return &families[k];
    return NULL;
}
