/* Products of big integers in binary64 BLAS are exact, and a BLAS that lies is caught. Needs the linker's --wrap of
 * cblas_dgemm. */
#include "integers.h"

#include "lying_blas.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- random integers ------------------------------------------------------------------------------------------------ */

/* How entries of `bits` bits look: any, all of them 2^bits - 1, few not 0, row k of about k / rows of the bits. */
enum look { ANY, LARGEST, SPARSE, GRADED, LOOKS };

static void random_entry(mpz_ptr z, uint64_t *state, size_t bits)
{
    mpz_set_ui(z, 0);
    for (size_t done = 0; done < bits; done += 64) {
        mpz_mul_2exp(z, z, 64);
        mpz_add_ui(z, z, random_bits(state));
    }
    mpz_tdiv_r_2exp(z, z, bits);
}

static void look_of_entry(mpz_ptr z, uint64_t *state, const struct integers *a, size_t row, enum look look)
{
    size_t bits = look == GRADED ? a->bits * (row + 1) / a->rows : a->bits;
    random_entry(z, state, bits);
    if (look == SPARSE && random_below(state, 4))
        mpz_set_ui(z, 0);
    if (look == LARGEST) {
        mpz_set_ui(z, 0);
        mpz_setbit(z, bits);
        mpz_sub_ui(z, z, 1);
    }
}

static void set_entry(struct integers *a, size_t k, mpz_srcptr z, bool negative)
{
    memcpy(a->at + k * a->limbs, mpz_limbs_read(z), mpz_size(z) * sizeof *a->at);
    a->negative[k] = negative;
}

/* Some rows are 0, in every look but LARGEST. */
static struct integers *random_integers(struct work *w, uint64_t *state, size_t rows, size_t cols, size_t bits,
                                        enum look look)
{
    struct integers *a = integers_new(w, rows, cols, bits);
    bool signs = random_below(state, 4), zero = false;
    mpz_t z;
    mpz_init(z);
    for (size_t k = 0; k < rows * cols; k++) {
        zero = k % cols == 0 ? look != LARGEST && random_below(state, 8) == 0 : zero;
        look_of_entry(z, state, a, k / cols, look);
        if (!zero)
            set_entry(a, k, z, signs && random_below(state, 2));
    }
    mpz_clear(z);
    return a;
}

/* ---- products --------------------------------------------------------------------------------------------------------- */

/* Where a product is received: and how often each entry was. */
struct received {
    size_t rows, cols;
    mpz_ptr at;
    unsigned char *times;
};

static struct received *receiver(struct work *w, size_t rows, size_t cols)
{
    struct received *r = work_alloc(w, 1, sizeof *r);
    *r = (struct received){rows, cols, work_integers(w, rows * cols), work_alloc(w, rows * cols, 1)};
    return r;
}

static void receive(void *args, size_t i, size_t j, mpz_srcptr value)
{
    struct received *r = args;
    mpz_set(r->at + i * r->cols + j, value);
    r->times[i * r->cols + j]++;
}

/* entry (i, j) of a b^T, one multiplication after the other. */
static void true_entry(mpz_ptr z, const struct integers *a, const struct integers *b, size_t i, size_t j)
{
    mpz_t x, y;
    mpz_set_ui(z, 0);
    for (size_t k = 0; k < a->cols; k++)
        mpz_addmul(z, integers_entry(a, i * a->cols + k, x), integers_entry(b, j * b->cols + k, y));
}

/* Whether every entry (of a a^T: on and above the diagonal) was received once, and is right; others never. */
static bool is_product(const struct received *r, const struct integers *a, const struct integers *b)
{
    bool good = true;
    mpz_t z;
    mpz_init(z);
    for (size_t i = 0; i < r->rows && good; i++)
        for (size_t j = 0; j < r->cols && good; j++) {
            size_t k = i * r->cols + j;
            bool due = a != b || j >= i;
            if (due)
                true_entry(z, a, b, i, j);
            good = r->times[k] == due && (!due || mpz_cmp(z, r->at + k) == 0);
        }
    mpz_clear(z);
    return good;
}

static size_t random_dimension(uint64_t *state)
{
    return 1 + random_below(state, random_below(state, 3) ? 12 : 70);
}

static size_t random_length(uint64_t *state)
{
    static const size_t most[] = {4, 70, 300, 3000};
    return 1 + random_below(state, most[random_below(state, 4)]);
}

static void products(struct work *w, void *args)
{
    uint64_t state = 1;
    (void)args;
    for (size_t round = 0; round < rounds(300); round++) {
        struct work_block *mark = work_mark(w);
        size_t inner = random_dimension(&state), bits = random_length(&state);
        w->threads = 1 + (unsigned)random_below(&state, 3);
        struct integers *a =
            random_integers(w, &state, random_dimension(&state), inner, bits, (enum look)(round % LOOKS));
        struct integers *b = a;
        if (random_below(&state, 3))
            b = random_integers(w, &state, random_dimension(&state), inner, random_length(&state),
                                (enum look)random_below(&state, LOOKS));
        struct received *r = receiver(w, a->rows, b->rows);
        integers_product(w, a, b, receive, r);
        ck_assert_msg(is_product(r, a, b), "round %zu: %zu x %zu by %zu x %zu, %zu and %zu bits", round, a->rows, inner,
                      b->rows, inner, a->bits, b->bits);
        /* a wrong entry, one that came twice, and one that did not come, are seen */
        size_t wrong = random_below(&state, b->rows);
        mpz_combit(r->at + wrong, random_below(&state, 100));
        ck_assert(!is_product(r, a, b));
        mpz_set(r->at + wrong, r->at + wrong);
        true_entry(r->at + wrong, a, b, 0, wrong);
        ck_assert(is_product(r, a, b));
        r->times[wrong] = (unsigned char)(round % 2 ? 0 : 2);
        ck_assert(!is_product(r, a, b));
        work_release(w, mark);
    }
}

/* a b^T and a a^T against GMP, for 1..70 rows and columns and 1..3000 bits, signs, zeros, rows of different size. */
START_TEST(products_are_exact)
{
    in_work(products, NULL);
}
END_TEST

static void reading(struct work *w, void *args)
{
    uint64_t state = 2;
    mpz_t view, z;
    mpz_init(z);
    (void)args;
    for (size_t bits = 0; bits < 200; bits++) {
        struct integers *a = integers_new(w, 2, 3, bits);
        ck_assert(a->limbs == (bits <= 64 ? 1 : (bits + 63) / 64) && a->bits == bits && a->rows == 2 && a->cols == 3);
        ck_assert(mpz_sgn(integers_entry(a, 5, view)) == 0);
        random_entry(z, &state, bits);
        set_entry(a, 4, z, true);
        mpz_neg(z, z);
        ck_assert(mpz_cmp(integers_entry(a, 4, view), z) == 0 && mpz_sgn(integers_entry(a, 3, view)) == 0);
        mpz_neg(z, z);
        ck_assert(mpz_sgn(z) == 0 || mpz_cmp(integers_entry(a, 4, view), z) != 0);
    }
    mpz_clear(z);
}

/* Entries read back what was set; new ones are 0. */
START_TEST(entries_are_read)
{
    in_work(reading, NULL);
}
END_TEST

static void extremes(struct work *w, void *args)
{
    uint64_t state = 3;
    (void)args;
    const size_t shapes[][4] = {/* rows, inner, rows of b, bits */
                                {1, 1, 1, 1},    {1, 1, 1, 64},    {70, 1, 70, 100},  {3, 2, 5, 3000},
                                {2, 4000, 3, 1}, {2, 4000, 3, 60}, {1, 4000, 2, 700}, {1, 5, 1, 8000}};
    for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++)
        for (int look = 0; look < LOOKS; look++) {
            struct work_block *mark = work_mark(w);
            struct integers *a = random_integers(w, &state, shapes[k][0], shapes[k][1], shapes[k][3], (enum look)look);
            struct integers *b = random_integers(w, &state, shapes[k][2], shapes[k][1], shapes[k][3], (enum look)look);
            struct received *r = receiver(w, a->rows, b->rows), *s = receiver(w, a->rows, a->rows);
            integers_product(w, a, b, receive, r);
            integers_product(w, a, a, receive, s);
            ck_assert_msg(is_product(r, a, b) && is_product(s, a, a), "shape %zu, look %d", k, look);
            work_release(w, mark);
        }
}

/* Inner sizes 1, 2 and 4000, five of 8000 bits, and all entries as large as may be, of one sign. */
START_TEST(extreme_shapes_are_exact)
{
    in_work(extremes, NULL);
}
END_TEST

static void lengths(struct work *w, void *args)
{
    uint64_t state = 7;
    (void)args;
    for (size_t bits = 1; bits <= 1100; bits += bits < 130 || (bits + 2) % 64 < 3 ? 1 : 7) {
        struct work_block *mark = work_mark(w);
        struct integers *a = random_integers(w, &state, 3, 13, bits, bits % 2 ? ANY : LARGEST);
        struct received *r = receiver(w, 3, 3);
        integers_product(w, a, a, receive, r);
        ck_assert_msg(is_product(r, a, a), "%zu bits", bits);
        work_release(w, mark);
    }
}

/* All numbers of bits up to 130, and most of those next to whole limbs, that may be whole digits too (as 960 are). */
START_TEST(all_lengths_are_exact)
{
    in_work(lengths, NULL);
}
END_TEST

static void panels(struct work *w, void *args)
{
    uint64_t state = 4;
    (void)args;
    struct integers *a = random_integers(w, &state, 540, 3, 300, ANY);
    struct integers *b = random_integers(w, &state, 530, 3, 300, ANY);
    struct received *r = receiver(w, a->rows, b->rows), *s = receiver(w, a->rows, a->rows);
    blas_lies(NO_LIE, 0, 0);
    integers_product(w, a, b, receive, r);
    long calls = blas_calls();
    integers_product(w, a, a, receive, s);
    ck_assert(is_product(r, a, b) && is_product(s, a, a));
    ck_assert(calls > 40); /* each of some 24 moduli more than once: more than one panel */
}

/* Products so large that they are recovered in several panels. */
START_TEST(panels_fit_together)
{
    in_work(panels, NULL);
}
END_TEST

/* ---- limits ------------------------------------------------------------------------------------------------------------ */

static void out_of_range(struct work *w, void *args)
{
    integers_product(w, args, args, receive, NULL);
}

/* An inner size that leaves no moduli, or so many bits that they run out, is refused; before any entry is looked at. */
START_TEST(impossible_sizes_are_refused)
{
    struct integers wide = {.rows = 1, .cols = (size_t)1 << 36, .bits = 1, .limbs = 1};
    const char *message = fails_in_work(ASSAY_INVALID, out_of_range, &wide);
    ck_assert_str_eq(message, "a product of inner size 68719476736 and 40 bits is out of range");
    struct integers widest = {.rows = 1, .cols = (size_t)1 << 60, .bits = 1, .limbs = 1};
    message = fails_in_work(ASSAY_INVALID, out_of_range, &widest);
    ck_assert(strstr(message, "inner size 1152921504606846976 and 64 bits is out of range"));
    struct integers wide_and_long = {.rows = 1, .cols = (size_t)1 << 33, .bits = 10000, .limbs = 157};
    message = fails_in_work(ASSAY_INVALID, out_of_range, &wide_and_long);
    ck_assert(strstr(message, "inner size 8589934592 and 20035 bits is out of range"));
}
END_TEST

/* ---- a BLAS that lies ----------------------------------------------------------------------------------------------------- */

enum { LIE_ROWS = 9, LIE_INNER = 7, LIE_COLS = 8, LIE_BITS = 150 };

struct lie {
    long call;
    size_t entry;
    double by;
    bool symmetric;
    long calls; /* set by the run */
    bool right; /* whether the product is right, and received, nevertheless */
};

static void lied_to(struct work *w, void *args)
{
    struct lie *lie = args;
    uint64_t state = 5;
    struct integers *a = random_integers(w, &state, LIE_ROWS, LIE_INNER, LIE_BITS, LARGEST);
    struct integers *b = random_integers(w, &state, LIE_COLS, LIE_INNER, LIE_BITS, LARGEST);
    b = lie->symmetric ? a : b;
    struct received *r = receiver(w, LIE_ROWS, b->rows);
    blas_lies(lie->call, lie->entry, lie->by);
    integers_product(w, a, b, receive, r);
    lie->calls = blas_calls();
    lie->right = is_product(r, a, b);
}

static void check_caught(struct lie lie)
{
    const char *message = fails_in_work(ASSAY_BROKEN, lied_to, &lie);
    ck_assert_msg(strstr(message, "the BLAS returned a wrong product"), "call %ld: %s", lie.call, message);
}

/* The entries of the symmetric product that are asked for lie on and above the diagonal. */
static bool is_used(const struct lie *lie, size_t entry)
{
    return !lie->symmetric || entry % LIE_ROWS >= entry / LIE_ROWS;
}

/* Any one call that returns any one number off by 1, -1 or much more is caught, and the status says so. */
START_TEST(lies_are_caught)
{
    for (int symmetric = 0; symmetric < 2; symmetric++) {
        struct lie none = {.call = NO_LIE, .symmetric = symmetric};
        uint64_t state = 6;
        in_work(lied_to, &none);
        ck_assert(none.right && none.calls > 10);
        for (long call = 0; call < none.calls; call++)
            for (size_t round = 0; round < rounds(6); round++) {
                static const double by[] = {1, -1, 2, 1000, -0x1p40};
                struct lie lie = {call, random_below(&state, 1000), by[random_below(&state, 5)], symmetric, 0, false};
                bool product = call >= (symmetric ? 1 : 2);
                size_t count = LIE_ROWS * (symmetric ? LIE_ROWS : LIE_COLS);
                if (!product || is_used(&lie, lie.entry % count))
                    check_caught(lie);
            }
    }
}
END_TEST

/* What is no number is caught too: NaN, infinity, and what no integer type holds. */
START_TEST(absurd_results_are_caught)
{
    struct lie none = {.call = NO_LIE};
    in_work(lied_to, &none);
    const double absurd[] = {NAN, INFINITY, -INFINITY, 0x1p200, -0x1p63};
    for (long call = 0; call < none.calls; call++)
        for (size_t k = 0; k < 5; k++)
            check_caught((struct lie){call, 3, absurd[k], false, 0, false});
}
END_TEST

/* A residue that is off by a multiple of its modulus is as good as the right one: nothing is wrong, and the product is
 * exact. The first modulus is the largest odd number p with inner (p/2 + 1)^2 <= 2^52, below 2^26. */
START_TEST(multiples_of_the_modulus_do_not_matter)
{
    double p = fmin(2 * floor(sqrt(0x1p52 / LIE_INNER)) - 3, 0x1p26 - 1);
    for (size_t entry = 0; entry < LIE_ROWS * LIE_COLS; entry += 5)
        for (int multiple = -3; multiple <= 3; multiple++) {
            struct lie lie = {2, entry, multiple * p, false, 0, false};
            in_work(lied_to, &lie);
            ck_assert_msg(lie.right, "entry %zu, %d times %g", entry, multiple, p);
            lie.by++;
            check_caught(lie);
        }
}
END_TEST

RUN_TESTS("integers", TEST(products_are_exact), TEST(entries_are_read), TEST(extreme_shapes_are_exact),
          TEST(all_lengths_are_exact), TEST(panels_fit_together), TEST(impossible_sizes_are_refused),
          TEST(lies_are_caught), TEST(absurd_results_are_caught), TEST(multiples_of_the_modulus_do_not_matter))
