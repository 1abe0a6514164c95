#include "inputs.h"

#include "arithmetic.h"
#include "recorded.h"
#include "ref.h"
#include "support.h"
#include "tensor.h"

#include <gmp.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64 * 64, SEEDS = 3 };

static const struct {
    size_t rows, cols;
} shapes[] = {{1, 1}, {1, 2}, {2, 1}, {1, 6}, {6, 1},  {2, 2},  {2, 8},  {8, 2},   {3, 5},   {5, 3},   {4, 4},
              {4, 8}, {8, 8}, {7, 4}, {4, 7}, {16, 4}, {4, 16}, {8, 12}, {12, 12}, {20, 20}, {24, 10}, {16, 64}};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

/* A matrix with room for itself. */
struct filled {
    struct whole_matrix x;
    int64_t at[MOST], truth[MOST];
};

static const assay_options alone = {.threads = 1};

static void make(struct filled *f, const struct family *family, size_t rows, size_t cols, uint64_t seed)
{
    ck_assert_uint_le(rows * cols, MOST);
    memset(f->at, 0x5A, sizeof f->at); /* what is there before must not matter */
    memset(f->truth, 0xA5, sizeof f->truth);
    f->x = (struct whole_matrix){.rows = rows, .cols = cols, .at = f->at, .truth = f->truth};
    family->fill(&f->x, seed);
}

static void make_named(struct filled *f, const char *family, size_t rows, size_t cols, uint64_t seed)
{
    make(f, family_find(family), rows, cols, seed);
}

static int64_t at(const struct filled *f, size_t i, size_t j)
{
    return f->at[i * f->x.cols + j];
}

static size_t side(const struct filled *f)
{
    return f->x.rows < f->x.cols ? f->x.rows : f->x.cols;
}

/* Calls body(family, rows, cols, seed) for every shape that the family fits, with several seeds each. */
static void for_each_shape(const char *name, void (*body)(const struct family *, size_t rows, size_t cols, uint64_t))
{
    const struct family *family = family_find(name);
    size_t fitting = 0;
    for (size_t s = 0; s < SHAPES; s++)
        if (!family->fits || family->fits(shapes[s].rows, shapes[s].cols)) {
            fitting++;
            for (uint64_t seed = 0; seed < SEEDS; seed++)
                body(family, shapes[s].rows, shapes[s].cols, seed * UINT64_C(0x123456789ABCDEF1) + seed % 2);
        }
    ck_assert_uint_gt(fitting, 0);
}

/* ---- exact arithmetic ---------------------------------------------------------------------------------------------- */

/* A matrix of integers. */
struct integers {
    size_t rows, cols;
    mpz_t *at;
};

static struct integers integers_new(size_t rows, size_t cols)
{
    struct integers a = {rows, cols, calloc(rows * cols, sizeof *a.at)};
    ck_assert_ptr_nonnull(a.at);
    for (size_t k = 0; k < rows * cols; k++)
        mpz_init(a.at[k]);
    return a;
}

static void integers_free(struct integers *a)
{
    for (size_t k = 0; k < a->rows * a->cols; k++)
        mpz_clear(a->at[k]);
    free(a->at);
}

static mpz_t *integer(const struct integers *a, size_t i, size_t j)
{
    return &a->at[i * a->cols + j];
}

/* The matrix, transposed if it is wide, so that rows >= cols. */
static struct integers tall(const struct filled *f, const int64_t *numbers)
{
    bool wide = f->x.rows < f->x.cols;
    struct integers a = integers_new(wide ? f->x.cols : f->x.rows, side(f));
    for (size_t i = 0; i < a.rows; i++)
        for (size_t j = 0; j < a.cols; j++)
            mpz_set_si(*integer(&a, i, j), numbers[wide ? j * f->x.cols + i : i * f->x.cols + j]);
    return a;
}

/* a^T b */
static struct integers product(const struct integers *a, const struct integers *b)
{
    struct integers c = integers_new(a->cols, b->cols);
    for (size_t i = 0; i < c.rows; i++)
        for (size_t j = 0; j < c.cols; j++)
            for (size_t k = 0; k < a->rows; k++)
                mpz_addmul(*integer(&c, i, j), *integer(a, k, i), *integer(b, k, j));
    return c;
}

/* Fraction-free elimination (Bareiss), in place; returns the rank. Without exchanges, so that all pivots are leading
 * principal minors, if `definite`: then returns how many of these, from the first on, are positive. */
static size_t eliminate(struct integers *a, bool definite)
{
    size_t rank = 0;
    mpz_t last, t;
    mpz_init_set_si(last, 1);
    mpz_init(t);
    for (size_t j = 0; j < a->cols && rank < a->rows; j++) {
        size_t pivot = rank;
        while (!definite && pivot < a->rows && mpz_sgn(*integer(a, pivot, j)) == 0)
            pivot++;
        if (definite && mpz_sgn(*integer(a, pivot, j)) <= 0)
            break;
        if (pivot == a->rows)
            continue;
        for (size_t k = 0; k < a->cols; k++)
            mpz_swap(*integer(a, pivot, k), *integer(a, rank, k));
        for (size_t i = rank + 1; i < a->rows; i++) {
            mpz_set(t, *integer(a, i, j));
            for (size_t k = 0; k < a->cols; k++) {
                mpz_t *x = integer(a, i, k);
                mpz_mul(*x, *x, *integer(a, rank, j));
                mpz_submul(*x, t, *integer(a, rank, k));
                mpz_divexact(*x, *x, last);
            }
        }
        mpz_set(last, *integer(a, rank, j));
        rank++;
    }
    mpz_clears(last, t, NULL);
    return rank;
}

static size_t rank_of(const struct filled *f, const int64_t *numbers)
{
    struct integers a = tall(f, numbers);
    size_t rank = eliminate(&a, false);
    integers_free(&a);
    return rank;
}

/* ---- the numbers ------------------------------------------------------------------------------------------------------ */

/* The first numbers of SplitMix64 from states 0 and 1234567, as its publications print them; and of any seed, with
 * state = seed times an odd constant. */
START_TEST(bits_are_those_of_splitmix64)
{
    static const uint64_t from_0[] = {UINT64_C(0xE220A8397B1DCDAF), UINT64_C(0x6E789E6AA1B965F4),
                                      UINT64_C(0x06C45D188009454F), UINT64_C(0xF88BB8A8724C81EC)};
    static const uint64_t from_1234567[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                                            UINT64_C(9817491932198370423), UINT64_C(4593380528125082431)};
    const uint64_t factor = UINT64_C(0xD1342543DE82EF95);
    uint64_t inverse = factor; /* Newton: each step doubles how many bits of it are right, from 3 on */
    for (int k = 0; k < 5; k++)
        inverse *= 2 - factor * inverse;
    ck_assert(factor * inverse == 1);
    for (uint64_t k = 0; k < 4; k++) {
        ck_assert(input_bits(0, k) == from_0[k]);
        ck_assert(input_bits(1234567 * inverse, k) == from_1234567[k]);
    }
    for (uint64_t seed = 1; seed < 200; seed++) {
        uint64_t state = seed * seed * seed * factor;
        for (uint64_t k = 0; k < 50; k++)
            ck_assert(input_bits(seed * seed * seed, k) == random_bits(&state));
    }
    ck_assert(input_bits(0, 1) != input_bits(1, 0) && input_bits(0, 0) != input_bits(1, 0));
}
END_TEST

/* ---- all families ------------------------------------------------------------------------------------------------------ */

START_TEST(the_table_is_sound)
{
    for (size_t k = 0; k < family_count; k++) {
        const struct family *f = &families[k];
        ck_assert(family_find(f->name) == f); /* so the names are unique */
        ck_assert_uint_eq(strspn(f->name, "abcdefghijklmnopqrstuvwxyz-"), strlen(f->name));
        ck_assert(f->flag[0] >= 'A' && f->flag[0] <= 'Z' && strlen(f->why) > 20 && strchr(f->why, '.') == NULL);
    }
    ck_assert_ptr_null(family_find("gauss"));
    ck_assert_ptr_null(family_find(""));
}
END_TEST

/* The same seed, the same numbers, whatever lay there; all exact in binary64, the truth at most 1 in size. */
static void check_family(const struct family *family, size_t rows, size_t cols, uint64_t seed)
{
    static struct filled f, again;
    make(&f, family, rows, cols, seed);
    make(&again, family, rows, cols, seed);
    size_t count = rows * cols;
    ck_assert_mem_eq(f.at, again.at, count * sizeof *f.at);
    memset(f.at, 0, sizeof f.at);
    f.x.denominator = f.x.exponent = 0;
    family->fill(&f.x, seed);
    ck_assert_mem_eq(f.at, again.at, count * sizeof *f.at);
    ck_assert(f.x.denominator == again.x.denominator && f.x.denominator >= 0 && f.x.exponent == again.x.exponent);
    bool good = true; /* for check writes to a pipe at every assertion */
    for (size_t k = count; k < MOST; k++)
        good = good && f.at[k] == 0;
    for (size_t k = 0; k < count; k++)
        good = good && f.at[k] > -(INT64_C(1) << 53) && f.at[k] < INT64_C(1) << 53;
    for (size_t k = 0; k < count && f.x.denominator > 0; k++)
        good = good && f.truth[k] == again.truth[k] && llabs(f.truth[k]) <= f.x.denominator;
    ck_assert_msg(good, "%s %zu x %zu", family->name, rows, cols);
}

START_TEST(families_are_functions_of_the_seed)
{
    for (size_t k = 0; k < family_count; k++)
        for_each_shape(families[k].name, check_family);
}
END_TEST

START_TEST(seeds_matter)
{
    static struct filled f, other;
    for (size_t k = 0; k < family_count; k++) {
        const char *name = families[k].name;
        if (strcmp(name, "real") == 0)
            continue;
        bool constant = strcmp(name, "zero") == 0 || strcmp(name, "hilbert") == 0 || strcmp(name, "kahan") == 0;
        size_t n = families[k].fits && !families[k].fits(16, 16) ? 12 : 16;
        make(&f, &families[k], n, n, 1);
        for (uint64_t seed = 2; seed < 12; seed++) {
            make(&other, &families[k], n, n, seed);
            ck_assert_msg((memcmp(f.at, other.at, n * n * sizeof *f.at) == 0) == constant, "%s", name);
        }
    }
}
END_TEST

/* Number seed, counted round, of the recorded matrices of a shape: whole numbers, which binary64 holds, times a power of two
 * that are the recorded ones exactly. */
START_TEST(recorded_ones_are_whole_numbers)
{
    static struct filled f;
    const struct family *real = family_find("real");
    for (size_t k = 0; k < recorded_count; k++) {
        size_t number = 0, count = 0;
        while (recorded_find(recorded[k].rows, recorded[k].cols, number) != &recorded[k])
            number++;
        while (recorded_find(recorded[k].rows, recorded[k].cols, count))
            count++;
        for (size_t round = 0; round < 3; round++) {
            make(&f, real, recorded[k].rows, recorded[k].cols, number + round * count);
            bool same = f.x.denominator == 0;
            for (size_t n = 0; n < recorded[k].rows * recorded[k].cols; n++)
                same = same && (int64_t)(double)f.at[n] == f.at[n] && llabs(f.at[n]) < INT64_C(1) << 62 &&
                       ldexp((double)f.at[n], f.x.exponent) == recorded_entry(&recorded[k], n);
            ck_assert_msg(same, "%s", recorded[k].name);
        }
        make(&f, real, recorded[k].rows, recorded[k].cols, number + 1);
        ck_assert(ldexp((double)f.at[0], f.x.exponent) != recorded_entry(&recorded[k], 0));
    }
    ck_assert(!real->fits(32, 63) && real->fits(32, 64));
}
END_TEST

/* FNV-1a: its own test vectors are "", "a" and "foobar". */
START_TEST(seeds_are_those_of_fnv)
{
    ck_assert(input_seed("") == UINT64_C(0xCBF29CE484222325) && input_seed("a") == UINT64_C(0xAF63DC4C8601EC8C));
    ck_assert(input_seed("foobar") == UINT64_C(0x85944171F73967E8));
}
END_TEST

/* ---- random entries ------------------------------------------------------------------------------------------------------ */

/* 65536 numbers of one family. */
static int64_t sample[1 << 16];
static void draw(const char *family)
{
    static struct filled f;
    for (size_t k = 0; k < 16; k++) {
        make_named(&f, family, 64, 64, 1000 + k);
        memcpy(sample + k * MOST, f.at, sizeof f.at);
    }
}

static double share(int64_t value)
{
    size_t count = 0;
    for (size_t k = 0; k < 1 << 16; k++)
        count += sample[k] == value;
    return (double)count / 0x1p16;
}

static double moment(int power, double unit)
{
    double sum = 0;
    for (size_t k = 0; k < 1 << 16; k++)
        sum += pow((double)sample[k] / unit, power);
    return sum / 0x1p16;
}

/* Whether all numbers of the sample are numbers of this format. */
static bool all_fit(enum tensor_type type)
{
    uint64_t bits;
    for (size_t k = 0; k < 1 << 16; k++)
        if (!tensor_encode(&bits, type, (double)sample[k]))
            return false;
    return true;
}

/* A share p of 65536 numbers is within 5 standard deviations, 5 sqrt(p (1 - p)) / 256. Binomial numbers of 64 coins:
 * mean 0 (deviation 4 / 256), variance 16 (deviation 16 sqrt(2) / 256), fourth moment 16^2 (3 - 2 / 64), P(0) =
 * C(64, 32) / 2^64 = 0.0993. */
static bool near(double got, double expected, double deviation)
{
    return fabs(got - expected) <= 5 * deviation;
}

static bool share_is(int64_t value, double p)
{
    return near(share(value), p, sqrt(p * (1 - p)) / 256);
}

START_TEST(random_entries_have_their_distribution)
{
    draw("gaussian");
    ck_assert(near(moment(1, 1), 0, 4 / 256.0) && near(moment(2, 1), 16, 16 * sqrt(2) / 256));
    ck_assert(near(moment(4, 1), 256 * (3 - 2 / 64.0), 256 * sqrt(96) / 256));
    ck_assert(share_is(0, 0.0993) && all_fit(TENSOR_F16) && all_fit(TENSOR_BF16));
    draw("fine"); /* the same plus a uniform number in [0, 1) */
    ck_assert(near(moment(1, 65536), 0.5, 4 / 256.0) && near(moment(2, 65536), 16 + 1 / 3.0, 16 * sqrt(2) / 256));
    ck_assert(all_fit(TENSOR_F32) && !all_fit(TENSOR_F16) && !all_fit(TENSOR_BF16));
    draw("sparse");
    ck_assert(share_is(0, 0.75 + 0.25 * 0.0993) && near(moment(2, 1), 4, 16 * sqrt(3) / 256));
    draw("ternary");
    ck_assert(share_is(-1, 1 / 3.0) && share_is(0, 1 / 3.0) && share_is(1, 1 / 3.0));
    ck_assert(fabs(share(-1) + share(0) + share(1) - 1) < 1e-12);
    draw("signs");
    ck_assert(share_is(1, 0.5) && fabs(share(-1) + share(1) - 1) < 1e-12);
    ck_assert(!share_is(1, 0.48)); /* such a difference is seen */
    draw("one-rounding");
    for (size_t k = 0; k < 1 << 16; k++)
        ck_assert(llabs(sample[k]) == (int64_t)(2 * (k % MOST) + 1));
    draw("wide-range");
    ck_assert(all_fit(TENSOR_BF16) && !all_fit(TENSOR_F16));
    int64_t largest = 0;
    size_t odd = 0;
    for (size_t k = 0; k < 1 << 16; k++) {
        largest = llabs(sample[k]) > largest ? llabs(sample[k]) : largest;
        odd += sample[k] & 1;
    }
    ck_assert(largest >= INT64_C(1) << 43 && largest <= INT64_C(1) << 45);
    ck_assert(near((double)odd / 0x1p16, 0.5 / 41, sqrt(0.5 / 41) / 256)); /* times 2^0, and odd */
}
END_TEST

/* ---- structure ------------------------------------------------------------------------------------------------------------- */

static void check_zero(const struct family *family, size_t rows, size_t cols, uint64_t seed)
{
    static struct filled f;
    make(&f, family, rows, cols, seed);
    for (size_t k = 0; k < rows * cols; k++)
        ck_assert(f.at[k] == 0);
}

/* The Gaussian-like matrix but for one row or column. */
static void check_zero_line(const struct family *family, size_t rows, size_t cols, uint64_t seed)
{
    static struct filled f, full;
    bool row = strcmp(family->name, "zero-row") == 0;
    make(&f, family, rows, cols, seed);
    make_named(&full, "gaussian", rows, cols, seed);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            ck_assert(at(&f, i, j) == ((row ? i == rows / 2 : j == cols / 2) ? 0 : at(&full, i, j)));
    size_t rank = rank_of(&f, f.at);
    ck_assert(rank <= (row ? rows : cols) - 1);
}

/* Rank at most 1, and `reached` counts how often it is 1. */
static size_t reached, tried;
static void check_rank(const struct family *family, size_t rows, size_t cols, uint64_t seed)
{
    static struct filled f;
    make(&f, family, rows, cols, seed);
    size_t rank = rank_of(&f, f.at), most = strcmp(family->name, "rank-one") == 0 ? 1 : (side(&f) + 1) / 2;
    ck_assert_msg(rank <= most && most < side(&f), "%s %zu x %zu: rank %zu", family->name, rows, cols, rank);
    reached += rank == most;
    tried++;
    f.at[0] += 1; /* one entry more is one rank more, or the same */
    f.at[f.x.cols + 1] += 1;
    ck_assert(rank == 0 || rank_of(&f, f.at) > 1);
}

static void check_noise(const struct family *family, size_t rows, size_t cols, uint64_t seed)
{
    static struct filled f;
    make(&f, family, rows, cols, seed);
    size_t noisy = 0;
    for (size_t k = 0; k < rows * cols; k++) {
        int64_t noise = ((f.at[k] + 32) & 63) - 32; /* what is over the nearest multiple of 64 */
        ck_assert(noise >= -1 && noise <= 1);
        noisy += noise != 0;
        f.at[k] -= noise;
    }
    ck_assert(noisy > 0 && noisy <= rows * cols && rank_of(&f, f.at) <= 1);
}

static void check_permutation(const struct family *family, size_t rows, size_t cols, uint64_t seed)
{
    static struct filled f;
    size_t in_row[64] = {0}, in_column[64] = {0}, all = 0;
    make(&f, family, rows, cols, seed);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            if (at(&f, i, j) != 0) {
                ck_assert(llabs(at(&f, i, j)) == 3);
                ck_assert(++in_row[i] == 1 && ++in_column[j] == 1);
                all++;
            }
    ck_assert_uint_eq(all, side(&f));
}

START_TEST(structure_is_what_the_names_say)
{
    for_each_shape("zero", check_zero);
    for_each_shape("zero-row", check_zero_line);
    for_each_shape("zero-column", check_zero_line);
    for_each_shape("rank-one", check_rank);
    for_each_shape("low-rank", check_rank);
    ck_assert_uint_ge(reached, tried * 3 / 4);
    for_each_shape("rank-one-and-noise", check_noise);
    for_each_shape("permutation", check_permutation);
}
END_TEST

/* The singular values of the matrix, correctly rounded; returns how many. */
static size_t singular_values(const struct filled *f, double values[64])
{
    static double a[MOST];
    double lo[64];
    size_t count = side(f);
    for (size_t k = 0; k < f->x.rows * f->x.cols; k++)
        a[k] = (double)f->at[k];
    assay_answer s = {{values, 1, count, count}, {lo, 1, count, count}, 0};
    ck_assert_int_eq(assay_ref_svd(&s, NULL, NULL, NULL, (assay_input){a, f->x.rows, f->x.cols, f->x.cols}, &alone),
                     ASSAY_OK);
    return count;
}

/* (i + j + 1) h_ij is 2^40, less than (i + j + 1) below. The condition of Hilbert's matrix of size n >= 2 exceeds
 * 10^(n - 1) (Todd 1954: it grows like 33.97^n / sqrt(n)); of ours, rounded to 40 bits, up to n = 8. */
static void check_hilbert(const struct family *family, size_t rows, size_t cols, uint64_t seed)
{
    static struct filled f;
    double s[64];
    make(&f, family, rows, cols, seed);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++) {
            int64_t n = (int64_t)(i + j + 1), less = (INT64_C(1) << 40) - n * at(&f, i, j);
            ck_assert(less >= 0 && less < n);
        }
    if (rows == cols && rows <= 8) {
        size_t n = singular_values(&f, s);
        ck_assert(s[0] > s[n - 1] * pow(10, (double)(n - 1)));
    }
}

/* R_ii = 5^p s^i and R_ij = -c R_ii for s = 4/5, c = 3/5. The inverse of R has c (1 + c)^(n-2) / (5^p s^(n-1)) in its
 * upper right corner for square R (back-substitution), so the least singular value is at most the reciprocal: it is
 * smaller than the least pivot by the factor 0.6 * 1.6^(n-2). */
static void check_kahan(const struct family *family, size_t rows, size_t cols, uint64_t seed)
{
    static struct filled f;
    double s[64];
    make(&f, family, rows, cols, seed);
    size_t n = side(&f);
    __extension__ __int128 pivot = 1;
    for (size_t k = 0; k < n; k++)
        pivot *= 5;
    for (size_t i = 0; i < rows; i++, pivot = pivot * 4 / 5)
        for (size_t j = 0; j < cols; j++) {
            ck_assert(!(i < n && i == j) || at(&f, i, j) == pivot);
            ck_assert(!(i < n && i < j) || 5 * at(&f, i, j) == -3 * at(&f, i, i));
            ck_assert((i < n && i <= j) || at(&f, i, j) == 0);
        }
    if (rows == cols) {
        singular_values(&f, s);
        ck_assert(s[n - 1] <= (double)at(&f, n - 1, n - 1) / (0.6 * pow(1.6, (double)n - 2)) * (1 + 1e-12));
        ck_assert(n < 4 || s[n - 1] < (double)at(&f, n - 1, n - 1));
    }
}

START_TEST(ill_conditioned_ones_are)
{
    for_each_shape("hilbert", check_hilbert);
    for_each_shape("kahan", check_kahan);
}
END_TEST

/* ---- designed spectra ------------------------------------------------------------------------------------------------------ */

/* The designed values, in descending order. */
static int64_t designed(const char *family, size_t k, size_t n)
{
    double x = (double)(n - 1 - k);
    if (strcmp(family, "geometric") == 0)
        return (int64_t)exp2(floor(6 * x / (double)n));
    if (strcmp(family, "steep") == 0)
        return (int64_t)exp2(floor(40 * x / (double)(n - 1)));
    if (strcmp(family, "arithmetic") == 0)
        return (int64_t)(n - k);
    if (strcmp(family, "clustered") == 0) /* 1001 for the odd ones of the first half, 1000 for the even ones */
        return k < n / 4 ? 1001 : k < n / 2 ? 1000 : 1;
    if (strcmp(family, "repeated") == 0)
        return (int64_t)((n + 1) / 2 - k / 2);
    if (strcmp(family, "one-tiny") == 0)
        return k + 1 < n ? 1 << 20 : 1;
    if (strcmp(family, "near-tie") == 0)
        return k < 2 ? (1 << 20) + 1 - (int64_t)k : (int64_t)(n - k);
    ck_assert_str_eq(family, "hadamard");
    return 1;
}

/* Whether mn d^2 is an eigenvalue of the smaller Gram matrix with just this multiplicity: the rank of G - mn d^2 I is
 * less than full by that. */
static bool has_value(const struct filled *f, int64_t d, size_t multiplicity)
{
    struct integers a = tall(f, f->at), g = product(&a, &a);
    mpz_t square;
    mpz_init_set_si(square, d);
    mpz_mul(square, square, square);
    mpz_mul_ui(square, square, f->x.rows * f->x.cols);
    for (size_t i = 0; i < g.rows; i++)
        mpz_sub(*integer(&g, i, i), *integer(&g, i, i), square);
    size_t n = g.rows, rank = eliminate(&g, false);
    mpz_clear(square);
    integers_free(&a);
    integers_free(&g);
    return rank == n - multiplicity;
}

/* A has the singular values sqrt(mn) d_k: proved in integers, and confirmed by the reference, which must round
 * sqrt(mn d_k^2) correctly. */
static void check_spectrum(const struct family *family, size_t rows, size_t cols, uint64_t seed)
{
    static struct filled f;
    double s[64];
    make(&f, family, rows, cols, seed);
    size_t n = side(&f);
    for (size_t k = 0, next; k < n; k = next) {
        int64_t d = designed(family->name, k, n);
        for (next = k + 1; next < n && designed(family->name, next, n) == d; next++)
            ;
        ck_assert_msg(has_value(&f, d, next - k), "%s %zu x %zu", family->name, rows, cols);
        ck_assert(!has_value(&f, d, next - k + 1) && !has_value(&f, d + (INT64_C(1) << 41), 1));
    }
    singular_values(&f, s);
    mpfr_t exact;
    mpfr_init2(exact, 53);
    for (size_t k = 0; k < n; k++) {
        int64_t d = designed(family->name, k, n);
        mpz_t square;
        mpz_init_set_si(square, d);
        mpz_mul(square, square, square);
        mpz_mul_ui(square, square, rows * cols);
        mpfr_t root;
        mpfr_init2(root, 128); /* mn d^2 is exact there */
        mpfr_set_z(root, square, MPFR_RNDN);
        mpfr_sqrt(exact, root, MPFR_RNDN);
        ck_assert_msg(mpfr_get_d(exact, MPFR_RNDN) == s[k], "%s %zu x %zu: %zu", family->name, rows, cols, k);
        mpfr_clear(root);
        mpz_clear(square);
    }
    mpfr_clear(exact);
    f.at[0] ^= 1; /* the check sees one entry changed */
    ck_assert(n < 3 || !has_value(&f, designed(family->name, n - 1, n), 1) ||
              !has_value(&f, designed(family->name, 0, n), 1));
}

START_TEST(spectra_are_as_designed)
{
    static const char *const names[] = {"geometric", "steep",    "arithmetic", "clustered",
                                        "repeated",  "one-tiny", "near-tie",   "hadamard"};
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
        for_each_shape(names[k], check_spectrum);
}
END_TEST

/* ---- answers known by construction ------------------------------------------------------------------------------------------ */

static bool is_multiple_of_identity(const struct integers *a, int64_t square_root)
{
    bool good = true;
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = 0; j < a->cols; j++) {
            mpz_t expected;
            mpz_init_set_si(expected, i == j ? square_root : 0);
            mpz_mul(expected, expected, expected);
            good = good && mpz_cmp(*integer(a, i, j), expected) == 0;
            mpz_clear(expected);
        }
    return good;
}

static bool is_symmetric(const struct integers *a)
{
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = 0; j < i; j++)
            if (mpz_cmp(*integer(a, i, j), *integer(a, j, i)) != 0)
                return false;
    return true;
}

/* Whether d^2 A = T S. */
static bool is_product(const struct integers *a, const struct integers *t, const struct integers *s, int64_t d)
{
    bool good = true;
    mpz_t sum;
    mpz_init(sum);
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = 0; j < a->cols; j++) {
            mpz_mul_si(sum, *integer(a, i, j), d);
            mpz_mul_si(sum, sum, d);
            for (size_t k = 0; k < s->rows; k++)
                mpz_submul(sum, *integer(t, i, k), *integer(s, k, j));
            good = good && mpz_sgn(sum) == 0;
        }
    mpz_clear(sum);
    return good;
}

/* Q = T / d is the polar factor of A (m >= n, or of the transposes) iff Q^T Q = I and A = Q H with H = Q^T A symmetric
 * and positive definite: here with S = T^T A = d H, all in integers. */
static bool is_polar_factor(const struct filled *f)
{
    struct integers a = tall(f, f->at), t = tall(f, f->truth), gram = product(&t, &t), s = product(&t, &a);
    bool good = f->x.denominator > 0 && is_multiple_of_identity(&gram, f->x.denominator) && is_symmetric(&s) &&
                is_product(&a, &t, &s, f->x.denominator) && eliminate(&s, true) == s.rows;
    integers_free(&a);
    integers_free(&t);
    integers_free(&gram);
    integers_free(&s);
    return good;
}

/* Whether hi + lo is t / d, rounded twice; adds the square of what is left to *squares. */
static bool is_rounded(double hi, double lo, int64_t t, int64_t d, mpq_t squares)
{
    mpq_t exact, part;
    mpfr_t rounded;
    mpfr_init2(rounded, 53);
    mpq_inits(exact, part, NULL);
    mpz_set_si(mpq_numref(exact), t);
    mpz_set_si(mpq_denref(exact), d);
    mpq_canonicalize(exact);
    mpfr_set_q(rounded, exact, MPFR_RNDN); /* far from subnormal */
    bool good = mpfr_get_d(rounded, MPFR_RNDN) == hi && !signbit(hi) == (hi >= 0);
    mpq_set_d(part, hi);
    mpq_sub(exact, exact, part);
    mpfr_set_q(rounded, exact, MPFR_RNDN);
    good = good && mpfr_get_d(rounded, MPFR_RNDN) == lo && !signbit(lo) == (lo >= 0);
    mpq_set_d(part, lo);
    mpq_sub(exact, exact, part);
    mpq_mul(exact, exact, exact);
    mpq_add(squares, squares, exact);
    mpq_clears(exact, part, NULL);
    mpfr_clear(rounded);
    return good;
}

/* Whether the radius is the least power of two whose square is not below the squares; 0 for 0. */
static bool is_radius(double radius, mpq_t squares)
{
    mpq_t r;
    mpq_init(r);
    mpq_set_d(r, radius);
    mpq_mul(r, r, r);
    bool enough = mpq_cmp(r, squares) >= 0;
    mpq_div_2exp(r, r, 2);
    bool least = mpq_cmp(r, squares) < 0;
    mpq_clear(r);
    int exponent;
    return mpq_sgn(squares) == 0 ? radius == 0 : enough && least && frexp(radius, &exponent) == 0.5;
}

static bool answer_fits(const struct filled *f, const double *hi, const double *lo, double radius)
{
    mpq_t squares;
    mpq_init(squares);
    bool good = true;
    for (size_t k = 0; k < f->x.rows * f->x.cols; k++)
        good = is_rounded(hi[k], lo[k], f->truth[k], f->x.denominator, squares) && good;
    good = good && is_radius(radius, squares);
    mpq_clear(squares);
    return good;
}

/* The reference answers the truth, correctly rounded, at every size: for A 2^e. */
static void check_reference(const struct filled *f, int exponent)
{
    static double a[MOST], hi[MOST], lo[MOST];
    size_t count = f->x.rows * f->x.cols;
    for (size_t k = 0; k < count; k++)
        a[k] = ldexp((double)f->at[k], exponent);
    assay_answer q = {{hi, f->x.rows, f->x.cols, f->x.cols}, {lo, f->x.rows, f->x.cols, f->x.cols}, 0};
    assay_polar_info info;
    ck_assert_int_eq(assay_ref_polar(&q, &info, (assay_input){a, f->x.rows, f->x.cols, f->x.cols}, &alone), ASSAY_OK);
    ck_assert(info.unique && info.rank == side(f));
    ck_assert(answer_fits(f, hi, lo, q.radius));
    /* what the check sees */
    ck_assert(!answer_fits(f, hi, lo, q.radius > 0 ? q.radius / 2 : 0x1p-1000));
    ck_assert(!answer_fits(f, hi, lo, q.radius > 0 ? q.radius * 2 : 1));
    ck_assert(q.radius == 0 || !answer_fits(f, hi, lo, q.radius * 0.75));
    size_t k = count / 2;
    double kept = hi[k];
    hi[k] = nextafter(kept, 2);
    ck_assert(!answer_fits(f, hi, lo, q.radius));
    hi[k] = kept;
    kept = lo[k];
    lo[k] = nextafter(kept, 2);
    ck_assert(!answer_fits(f, hi, lo, q.radius));
}

/* ||U V^T - T / d||_F of A = U S V^T by LAPACK, which knows nothing of how A was made, and what a backward stable SVD may
 * have: U V^T is the polar factor of A + E, ||E||_F <= e = backward_error ||A||_F, moved by as much relatively, so
 * 2 e / (2 s - e) + backward_error sqrt(n) with the least singular value s (golden/bounds.h). */
static double lapack_error(const struct filled *f, double *allowed)
{
    static double a[MOST], u[MOST], v[MOST], s[MOST];
    int m = (int)f->x.rows, n = (int)f->x.cols, least = m < n ? m : n;
    double squares = 0, size = 0;
    for (int k = 0; k < m * n; k++) {
        a[k] = (double)f->at[k];
        size += a[k] * a[k];
    }
    ck_assert_int_eq(LAPACKE_dgesdd(LAPACK_ROW_MAJOR, 'S', m, n, a, n, s, u, least, v, n), 0);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            double x = -(double)f->truth[i * n + j] / (double)f->x.denominator;
            for (int k = 0; k < least; k++)
                x += u[i * least + k] * v[k * n + j];
            squares += x * x;
        }
    double t = backward_error(TENSOR_F64, f->x.rows, f->x.cols), e = t * sqrt(size);
    *allowed = e < s[least - 1] ? 2 * e / (2 * s[least - 1] - e) + t * sqrt(least) : 0;
    return sqrt(squares);
}

/* The third oracle, after whole numbers and the reference. */
static void check_lapack(struct filled *f, size_t place)
{
    double allowed, error = lapack_error(f, &allowed);
    ck_assert_msg(error <= allowed, "%g > %g", error, allowed);
    f->truth[place] += f->x.denominator / 1024 + 1; /* what the check sees */
    ck_assert(!(lapack_error(f, &allowed) <= allowed));
    f->truth[place] -= f->x.denominator / 1024 + 1;
}

static size_t known;
static void check_truth(const struct family *family, size_t rows, size_t cols, uint64_t seed)
{
    static struct filled f;
    make(&f, family, rows, cols, seed);
    if (f.x.denominator == 0)
        return;
    known++;
    ck_assert_msg(is_polar_factor(&f), "%s %zu x %zu", family->name, rows, cols);
    static const int exponents[] = {0, -35, 95, -1074};
    for (size_t k = 0; k < (rows * cols > 144 ? 1 : 4); k++)
        check_reference(&f, exponents[k]);
    /* what the check sees: an entry of the truth, the denominator, a column's or the whole matrix's sign, an entry of a
     * matrix whose truth has no zeros in that row */
    size_t place = seed % (rows * cols);
    check_lapack(&f, place);
    f.truth[place]++;
    ck_assert(!is_polar_factor(&f));
    f.truth[place]--;
    f.x.denominator++;
    ck_assert(!is_polar_factor(&f));
    f.x.denominator--;
    for (size_t i = 0; i < rows; i++)
        f.at[i * cols] *= -1;
    ck_assert(rows < cols || !is_polar_factor(&f));
    for (size_t i = 0; i < rows; i++)
        f.at[i * cols] *= -1;
    bool full = side(&f) > 1;
    for (size_t k = 0; k < rows * cols; k++)
        full = full && f.truth[k] != 0;
    f.at[place]++;
    ck_assert(!full || !is_polar_factor(&f));
    f.at[place]--;
    ck_assert(is_polar_factor(&f));
}

START_TEST(truths_are_polar_factors)
{
    static const char *const all[] = {"permutation", "dyadic", "pythagorean"};
    for (size_t k = 0; k < family_count; k++) {
        known = 0;
        tried = 0;
        for_each_shape(families[k].name, check_truth);
        for (size_t s = 0; s < SHAPES; s++)
            tried += !families[k].fits || families[k].fits(shapes[s].rows, shapes[s].cols) ? SEEDS : 0u;
        for (size_t a = 0; a < sizeof all / sizeof all[0]; a++)
            ck_assert(strcmp(families[k].name, all[a]) != 0 || known == tried);
        if (strcmp(families[k].name, "geometric") == 0) /* 2 x 2, 2 x 8, 8 x 2, 4 x 4, 8 x 8, 16 x 4, 4 x 16, 16 x 64 */
            ck_assert_uint_eq(known, 8 * SEEDS);
    }
}
END_TEST

RUN_TESTS("inputs", TEST(bits_are_those_of_splitmix64), TEST(the_table_is_sound),
          TEST(families_are_functions_of_the_seed), TEST(seeds_matter), TEST(recorded_ones_are_whole_numbers),
          TEST(seeds_are_those_of_fnv), TEST(random_entries_have_their_distribution),
          TEST(structure_is_what_the_names_say), TEST(ill_conditioned_ones_are), TEST(spectra_are_as_designed),
          TEST(truths_are_polar_factors))
