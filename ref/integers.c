#include "integers.h"

#include "parallel.h"

#include <assert.h>
#include <cblas.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

static_assert(FLT_EVAL_METHOD == 0 || FLT_EVAL_METHOD == 1,
              "exact integer arithmetic in binary64 needs operations rounded to binary64");
static_assert(GMP_NUMB_BITS == 64, "limbs of 64 bits");

__extension__ typedef unsigned __int128 wide;

/* Integers of at most this many bits are exact in binary64 and leave room to be reduced (see reduce()). */
enum { SAFE_BITS = 52, MODULUS_BITS = 26, LEAST_MODULUS = 1 << 10, GRAIN = 1 << 11 };

/* A product is recovered in panels of rows that take about this much memory. */
static const size_t PANEL_BYTES = (size_t)1 << 27;

struct integers *integers_new(struct work *w, size_t rows, size_t cols, size_t bits)
{
    struct integers *a = work_alloc(w, 1, sizeof *a);
    size_t limbs = (bits + GMP_NUMB_BITS - 1) / GMP_NUMB_BITS;
    *a = (struct integers){rows, cols, bits, limbs ? limbs : 1, NULL, NULL};
    a->at = work_alloc(w, rows * cols * a->limbs, sizeof *a->at);
    a->negative = work_alloc(w, rows * cols, sizeof *a->negative);
    return a;
}

mpz_srcptr integers_entry(const struct integers *a, size_t k, mpz_ptr view)
{
    mp_size_t n = (mp_size_t)a->limbs;
    return mpz_roinit_n(view, a->at + k * a->limbs, a->negative[k] ? -n : n);
}

/* ---- residues ---------------------------------------------------------------------------------------------- */

/* Coprime moduli whose product P exceeds 4 times any entry of the product, and what the way back needs:
 * x = sum_m y_m P/p_m - q P with y_m = x (P/p_m)^-1 mod p_m and q the integer next to sum_m y_m / p_m, since
 * |x / P| <= 1/4. The weights P/p_m and P are cut into digits of `width` bits, so that the sum is a BLAS product. */
struct basis {
    size_t count;
    double *modulus, *cofactor_inverse; /* p_m; (P/p_m)^-1 mod p_m, centred */
    unsigned width;
    size_t digits;
    double *weights; /* digits x (count + 1) */
};

/* The nearest integer, for |x| < 2^51. */
static inline double to_integer(double x)
{
    const double shift = 0x1.8p52;
    return (x + shift) - shift;
}

/* x mod p, centred: an integer of absolute value at most p/2 + 1, for |x| <= 2^52; the + 1 because the quotient is
 * rounded twice. */
static inline double reduce(double x, double p, double p_inverse)
{
    return x - p * to_integer(x * p_inverse);
}

static unsigned ceil_log2(size_t n) /* n <= 2^63 */
{
    unsigned bits = 0;
    while (((size_t)1 << bits) < n)
        bits++;
    return bits;
}

/* The widest digits such that `terms`(digits) products of a digit and a centred residue stay exact. */
static unsigned digit_width(size_t bits, size_t extra_terms)
{
    unsigned width = SAFE_BITS - MODULUS_BITS;
    while (width + MODULUS_BITS + ceil_log2(bits / width + 1 + extra_terms) > SAFE_BITS)
        width--;
    return width;
}

static bool coprime_to_all(unsigned long candidate, const double *modulus, size_t count)
{
    mpz_t p;
    mp_limb_t limb = candidate;
    mpz_roinit_n(p, &limb, 1);
    for (size_t m = 0; m < count; m++)
        if (mpz_gcd_ui(NULL, p, (unsigned long)modulus[m]) != 1)
            return false;
    return true;
}

/* The largest coprime odd numbers with inner * (p/2 + 1)^2 <= 2^52, until their product exceeds 2^bits. */
static size_t choose_moduli(struct work *w, size_t inner, size_t bits, double *modulus, mpz_ptr product)
{
    double largest = 2 * floor(sqrt(0x1p52 / (double)inner)) - 3;
    unsigned long candidate = (unsigned long)fmax(fmin(largest, (1 << MODULUS_BITS) - 1), 1);
    size_t count = 0;
    mpz_set_ui(product, 1);
    for (candidate |= 1; mpz_sizeinbase(product, 2) <= bits + 1; candidate -= 2) {
        if (candidate < LEAST_MODULUS)
            work_fail(w, ASSAY_INVALID, "a product of inner size %zu and %zu bits is out of range", inner, bits);
        if (!coprime_to_all(candidate, modulus, count))
            continue;
        modulus[count++] = (double)candidate;
        mpz_mul_ui(product, product, candidate);
    }
    return count;
}

static double centred_residue(mpz_srcptr x, double p)
{
    unsigned long modulus = (unsigned long)p, residue = mpz_fdiv_ui(x, modulus);
    return residue > modulus / 2 ? -(double)(modulus - residue) : (double)residue;
}

static struct basis *choose_basis(struct work *w, size_t inner, size_t bits)
{
    struct basis *basis = work_alloc(w, 1, sizeof *basis);
    size_t most = bits / 10 + 2; /* each modulus has more than 10 bits */
    basis->modulus = work_alloc(w, most, sizeof(double));
    basis->cofactor_inverse = work_alloc(w, most, sizeof(double));
    mpz_ptr z = work_integers(w, 4), product = z, cofactor = z + 1, inverse = z + 2, p = z + 3;
    basis->count = choose_moduli(w, inner, bits + 2, basis->modulus, product);
    size_t product_bits = mpz_sizeinbase(product, 2);
    basis->width = digit_width(product_bits + 2, basis->count + 1);
    basis->digits = (product_bits + 2) / basis->width + 1;
    basis->weights = work_alloc(w, basis->digits * (basis->count + 1), sizeof(double));
    for (size_t m = 0; m <= basis->count; m++) {
        if (m < basis->count) {
            mpz_set_ui(p, (unsigned long)basis->modulus[m]);
            mpz_divexact(cofactor, product, p);
            mpz_invert(inverse, cofactor, p);
            basis->cofactor_inverse[m] = centred_residue(inverse, basis->modulus[m]);
        } else {
            mpz_set(cofactor, product);
        }
        for (size_t d = 0; d < basis->digits; d++) {
            mpz_tdiv_r_2exp(inverse, cofactor, basis->width);
            basis->weights[d * (basis->count + 1) + m] = mpz_get_d(inverse);
            mpz_tdiv_q_2exp(cofactor, cofactor, basis->width);
        }
    }
    return basis;
}

struct split {
    const struct integers *a;
    unsigned width;
    size_t count, digits;
    double *at; /* digits x count */
};

/* Entry k = sum_d at[d][k] 2^(width d). */
static void split_entries(void *args, size_t from, size_t to)
{
    const struct split *s = args;
    mp_limb_t mask = ((mp_limb_t)1 << s->width) - 1;
    for (size_t k = from; k < to; k++) {
        const mp_limb_t *limbs = s->a->at + k * s->a->limbs;
        double sign = s->a->negative[k] ? -1 : 1;
        for (size_t d = 0; d < s->digits; d++) {
            size_t bit = d * s->width, limb = bit / GMP_NUMB_BITS, offset = bit % GMP_NUMB_BITS;
            mp_limb_t digit = limb < s->a->limbs ? limbs[limb] >> offset : 0;
            if (offset + s->width > GMP_NUMB_BITS && limb + 1 < s->a->limbs)
                digit |= limbs[limb + 1] << (GMP_NUMB_BITS - offset);
            s->at[d * s->count + k] = sign * (double)(digit & mask);
        }
    }
}

struct reduction {
    const struct basis *basis;
    size_t count; /* of numbers for each modulus */
    double *at;   /* basis->count x count */
    bool times_inverse;
};

static void reduce_numbers(void *args, size_t from, size_t to)
{
    const struct reduction *r = args;
    for (size_t m = 0; m < r->basis->count; m++) {
        double p = r->basis->modulus[m], p_inverse = 1 / p, factor = r->basis->cofactor_inverse[m];
        double *at = r->at + m * r->count;
        if (r->times_inverse)
            for (size_t k = from; k < to; k++)
                at[k] = reduce(reduce(at[k], p, p_inverse) * factor, p, p_inverse);
        else
            for (size_t k = from; k < to; k++)
                at[k] = reduce(at[k], p, p_inverse);
    }
}

static void gemm(CBLAS_TRANSPOSE transpose_b, size_t m, size_t n, size_t k, const double *a, const double *b, double *c)
{
    size_t row_of_b = transpose_b == CblasTrans ? k : n;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, transpose_b, (blasint)m, (blasint)n, (blasint)k, 1, a, (blasint)k, b,
                (blasint)row_of_b, 0, c, (blasint)n);
}

/* The centred residues of all entries: basis->count x (rows * cols). */
static double *residues(struct work *w, const struct basis *basis, const struct integers *a)
{
    size_t count = a->rows * a->cols;
    double *out = work_scratch(w, basis->count * count, sizeof *out);
    struct work_block *mark = work_mark(w);
    unsigned width = digit_width(a->bits, 0);
    struct split split = {a, width, count, a->bits / width + 1, NULL};
    split.at = work_scratch(w, split.digits * count, sizeof(double));
    double *powers = work_alloc(w, basis->count * split.digits, sizeof *powers);
    mpz_ptr power = work_integers(w, 1);
    for (size_t d = 0; d < split.digits; d++) {
        mpz_set_ui(power, 0);
        mpz_setbit(power, d * width);
        for (size_t m = 0; m < basis->count; m++)
            powers[m * split.digits + d] = centred_residue(power, basis->modulus[m]);
    }
    parallel_for(w->threads, count, GRAIN, split_entries, &split);
    gemm(CblasNoTrans, basis->count, count, split.digits, powers, split.at, out);
    struct reduction reduction = {basis, count, out, false};
    parallel_for(w->threads, count, GRAIN, reduce_numbers, &reduction);
    work_release(w, mark);
    return out;
}

/* ---- Freivalds' test modulo q = 2^61 - 1 -------------------------------------------------------------------- */

static const uint64_t Q = (UINT64_C(1) << 61) - 1;

static uint64_t fold(uint64_t x) /* x mod q, for x < 2^64, possibly q itself for 0 */
{
    return (x & Q) + (x >> 61);
}

static uint64_t mul_mod(uint64_t a, uint64_t b) /* a, b < 2^62 */
{
    wide product = (wide)a * b;
    return fold(fold((uint64_t)(product & Q)) + fold((uint64_t)(product >> 61)));
}

static uint64_t integer_mod(const mp_limb_t *limbs, size_t n)
{
    wide sum = 0; /* 2^64 = 8: Horner's rule, folded before it can overflow */
    for (size_t k = n; k-- > 0;) {
        sum = (sum << 3) + limbs[k];
        if (sum >> 120)
            sum = (sum & Q) + (sum >> 61);
    }
    sum = (sum & Q) + (sum >> 61);
    return fold(fold((uint64_t)(sum & Q) + (uint64_t)(sum >> 61)));
}

static uint64_t signed_mod(uint64_t residue, bool negative)
{
    residue = fold(residue);
    return negative ? 2 * Q - residue : residue;
}

static uint64_t entry_mod(const struct integers *a, size_t k)
{
    return signed_mod(integer_mod(a->at + k * a->limbs, a->limbs), a->negative[k]);
}

/* SplitMix64's output number k. */
static uint64_t pseudo_random(uint64_t k)
{
    uint64_t z = (k + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return fold(z ^ (z >> 31));
}

/* expected = a (b^T v) mod q */
static uint64_t *freivalds_expected(struct work *w, const struct integers *a, const struct integers *b,
                                    const uint64_t *v)
{
    uint64_t *expected = work_alloc(w, a->rows, sizeof *expected);
    uint64_t *bv = work_alloc(w, b->cols, sizeof *bv);
    for (size_t j = 0; j < b->rows; j++)
        for (size_t k = 0; k < b->cols; k++)
            bv[k] = fold(bv[k] + mul_mod(entry_mod(b, j * b->cols + k), v[j]));
    for (size_t i = 0; i < a->rows; i++)
        for (size_t k = 0; k < a->cols; k++)
            expected[i] = fold(expected[i] + mul_mod(entry_mod(a, i * a->cols + k), bv[k]));
    return expected;
}

/* ---- the way back ------------------------------------------------------------------------------------------- */

/* One panel: rows of the product from first_row on, columns from first_col on. */
struct panel {
    const struct basis *basis;
    size_t first_row, first_col, rows, cols, count, limbs;
    double *y;           /* (basis->count + 1) x count: the residues and what becomes of them */
    double *digits;      /* basis->digits x count: of each integer, not yet carried */
    mp_limb_t *integers; /* count * limbs */
    uint64_t *residue;   /* count: the integers mod q */
    bool symmetric;      /* entries below the diagonal are left to their mirror images */
    integers_receive *receive;
    void *args;
};

/* A digit as an integer; if the BLAS returned what is none, any other: Freivalds' test will tell. */
static int64_t integer_digit(double x)
{
    return fabs(x) < 0x1p62 ? (int64_t)x : 0;
}

/* Carries the digits of number k into limbs of |x|, all but the last of which are full; returns whether x < 0. */
static bool carry(const struct panel *r, size_t k, mp_limb_t *limbs)
{
    unsigned width = r->basis->width, filled = 0;
    int64_t mask = ((int64_t)1 << width) - 1, rest = 0;
    wide buffer = 0;
    size_t n = 0;
    for (size_t d = 0; d < r->basis->digits; d++) {
        rest += integer_digit(r->digits[d * r->count + k]);
        buffer |= (wide)(rest & mask) << filled;
        rest >>= width; /* arithmetic: rounds down */
        for (filled += width; filled >= GMP_NUMB_BITS; filled -= GMP_NUMB_BITS) {
            limbs[n++] = (mp_limb_t)buffer;
            buffer >>= GMP_NUMB_BITS;
        }
    }
    bool negative = rest < 0;
    mp_limb_t sign_extension = negative ? ~(mp_limb_t)0 : 0;
    limbs[n++] = (mp_limb_t)buffer | sign_extension << filled;
    if (negative)
        mpn_neg(limbs, limbs, (mp_size_t)n);
    return negative;
}

/* Rows `from` to `to` of a panel. A row is never shared between threads: receivers may sum over it. */
static void recover(void *args, size_t from, size_t to)
{
    const struct panel *p = args;
    for (size_t k = from * p->cols; k < to * p->cols; k++) {
        size_t i = p->first_row + k / p->cols, j = p->first_col + k % p->cols;
        if (p->symmetric && j < i)
            continue;
        mp_limb_t *limbs = p->integers + k * p->limbs;
        bool negative = carry(p, k, limbs);
        p->residue[k] = signed_mod(integer_mod(limbs, p->limbs), negative);
        mp_size_t n = (mp_size_t)p->limbs;
        mpz_t view;
        p->receive(p->args, i, j, mpz_roinit_n(view, limbs, negative ? -n : n));
    }
}

/* Appends the row -q, q = nearest integer to sum_m y_m / p_m, to the count rows y. */
static void append_quotients(const struct basis *basis, size_t count, double *y)
{
    double *quotient = y + basis->count * count;
    memset(quotient, 0, count * sizeof *quotient);
    for (size_t m = 0; m < basis->count; m++) {
        double p_inverse = 1 / basis->modulus[m];
        for (size_t k = 0; k < count; k++)
            quotient[k] -= y[m * count + k] * p_inverse;
    }
    for (size_t k = 0; k < count; k++)
        quotient[k] = to_integer(quotient[k]);
}

/* tested += (this panel) v mod q */
static void add_tested(uint64_t *tested, const struct panel *p, const uint64_t *v)
{
    for (size_t k = 0; k < p->count; k++) {
        size_t i = p->first_row + k / p->cols, j = p->first_col + k % p->cols;
        if (p->symmetric && j < i)
            continue;
        tested[i] = fold(tested[i] + mul_mod(p->residue[k], v[j]));
        if (p->symmetric && j > i)
            tested[j] = fold(tested[j] + mul_mod(p->residue[k], v[i]));
    }
}

static struct panel *new_panel(struct work *w, const struct basis *basis, size_t rows, size_t cols)
{
    struct panel *p = work_alloc(w, 1, sizeof *p);
    size_t limbs = basis->digits * basis->width / GMP_NUMB_BITS + 1;
    size_t most = PANEL_BYTES / (8 * cols * (basis->count + basis->digits + limbs)) + 1;
    most = most < rows ? most : rows;
    *p = (struct panel){.basis = basis, .rows = most, .limbs = limbs};
    p->y = work_scratch(w, (basis->count + 1) * most * cols, sizeof *p->y);
    p->digits = work_scratch(w, basis->digits * most * cols, sizeof *p->digits);
    p->integers = work_scratch(w, most * cols * limbs, sizeof *p->integers);
    p->residue = work_scratch(w, most * cols, sizeof *p->residue);
    return p;
}

void integers_product(struct work *w, const struct integers *a, const struct integers *b, integers_receive *receive,
                      void *args)
{
    struct work_block *mark = work_mark(w);
    size_t inner = a->cols, n = b->rows;
    const struct basis *basis = choose_basis(w, inner, a->bits + b->bits + ceil_log2(inner));
    const double *ra = residues(w, basis, a), *rb = a == b ? ra : residues(w, basis, b);
    uint64_t *v = work_alloc(w, n, sizeof *v), *tested = work_alloc(w, a->rows, sizeof *tested);
    for (size_t j = 0; j < n; j++)
        v[j] = pseudo_random(j);
    struct panel *p = new_panel(w, basis, a->rows, n);
    p->symmetric = a == b;
    p->receive = receive;
    p->args = args;
    for (size_t step = p->rows; p->first_row < a->rows; p->first_row += step) {
        p->rows = a->rows - p->first_row < step ? a->rows - p->first_row : step;
        p->first_col = p->symmetric ? p->first_row : 0;
        p->cols = n - p->first_col;
        p->count = p->rows * p->cols;
        for (size_t m = 0; m < basis->count; m++)
            gemm(CblasTrans, p->rows, p->cols, inner, ra + (m * a->rows + p->first_row) * inner,
                 rb + (m * n + p->first_col) * inner, p->y + m * p->count);
        struct reduction reduction = {basis, p->count, p->y, true};
        parallel_for(w->threads, p->count, GRAIN, reduce_numbers, &reduction);
        append_quotients(basis, p->count, p->y);
        gemm(CblasNoTrans, basis->digits, p->count, basis->count + 1, basis->weights, p->y, p->digits);
        parallel_for(w->threads, p->rows, GRAIN / p->cols + 1, recover, p);
        add_tested(tested, p, v);
    }
    const uint64_t *expected = freivalds_expected(w, a, b, v);
    for (size_t i = 0; i < a->rows; i++)
        if (tested[i] % Q != expected[i] % Q)
            work_fail(w, ASSAY_BROKEN, "the BLAS returned a wrong product (Freivalds' test failed in row %zu)", i);
    work_release(w, mark);
}
