#include "rank.h"

#include "product.h"

#include <string.h>

__extension__ typedef unsigned __int128 wide;

static uint64_t mul(uint64_t a, uint64_t b, uint64_t p)
{
    return (uint64_t)((wide)a * b % p);
}

static uint64_t power(uint64_t base, uint64_t exponent, uint64_t p)
{
    uint64_t result = 1;
    for (; exponent; exponent >>= 1, base = mul(base, base, p))
        if (exponent & 1)
            result = mul(result, base, p);
    return result;
}

/* The residue of a dyadic rational. */
static uint64_t residue(mpfr_srcptr x, uint64_t p)
{
    if (mpfr_zero_p(x))
        return 0;
    const mp_limb_t *significand = mpfr_custom_get_significand(x);
    mp_size_t size = (mpfr_get_prec(x) + GMP_NUMB_BITS - 1) / GMP_NUMB_BITS;
    mpfr_exp_t exponent = mpfr_get_exp(x) - size * GMP_NUMB_BITS;
    uint64_t scale = exponent >= 0 ? power(2, (uint64_t)exponent, p) : power((p + 1) / 2, (uint64_t)-exponent, p);
    uint64_t r = mul(mpn_mod_1(significand, size, p), scale, p);
    return mpfr_signbit(x) && r ? p - r : r;
}

/* to -= factor * from. Shoup: with f' = floor(factor 2^64 / p), factor x - floor(f' x / 2^64) p lies in [0, 2p). */
static void subtract_multiple(uint64_t *to, const uint64_t *from, size_t n, uint64_t factor, uint64_t p)
{
    uint64_t quotient = (uint64_t)(((wide)factor << 64) / p);
    for (size_t j = 0; j < n; j++) {
        uint64_t product = factor * from[j] - (uint64_t)((wide)quotient * from[j] >> 64) * p;
        product = product >= p ? product - p : product;
        to[j] = to[j] >= product ? to[j] - product : to[j] + p - product;
    }
}

/* Rows in echelon form modulo p: row[k] has 1 at col[k] and 0 at the columns of the rows before it. */
struct echelon {
    size_t rank;
    uint64_t **row;
    size_t *col;
};

/* Gaussian elimination of `a`, its rows and columns taken in the given orders; rows and cols, if not NULL, receive the
 * numbers of the pivots. */
static struct echelon eliminate(struct work *w, const struct ball *a, const size_t *row_order, const size_t *col_order,
                                uint64_t p, size_t *rows, size_t *cols)
{
    size_t m = a->rows, n = a->cols, most = m < n ? m : n;
    uint64_t *z = work_scratch(w, m * n, sizeof *z);
    struct echelon e = {0, work_alloc(w, most, sizeof *e.row), work_alloc(w, most, sizeof *e.col)};
    for (size_t i = 0; i < m && e.rank < n; i++) {
        uint64_t *row = z + i * n;
        size_t number = row_order ? row_order[i] : i;
        for (size_t j = 0; j < n; j++)
            row[j] = residue(ball_at(a, number, col_order ? col_order[j] : j), p);
        for (size_t k = 0; k < e.rank; k++)
            if (row[e.col[k]])
                subtract_multiple(row, e.row[k], n, row[e.col[k]], p);
        size_t j = 0;
        while (j < n && row[j] == 0)
            j++;
        if (j == n)
            continue;
        uint64_t inverse = power(row[j], p - 2, p);
        for (size_t l = 0; l < n; l++)
            row[l] = mul(row[l], inverse, p);
        if (rows) {
            rows[e.rank] = number;
            cols[e.rank] = col_order ? col_order[j] : j;
        }
        e.row[e.rank] = row;
        e.col[e.rank++] = j;
    }
    return e;
}

/* ---- kernels of small integers ------------------------------------------------------------------------------------- */

enum { SMALL = 1 << 28 };

/* y = u / v modulo p with |u| and v below SMALL, by Euclid's algorithm (Wang 1981); false if there is no such fraction. */
static bool small_fraction(int64_t *u, int64_t *v, uint64_t y, uint64_t p)
{
    int64_t r0 = (int64_t)p, r1 = (int64_t)y, t0 = 0, t1 = 1;
    while (r1 >= SMALL) {
        int64_t quotient = r0 / r1, r2 = r0 - quotient * r1, t2 = t0 - quotient * t1;
        r0 = r1, r1 = r2;
        t0 = t1, t1 = t2;
        if (t1 >= SMALL || t1 <= -SMALL)
            return false;
    }
    *u = t1 < 0 ? -r1 : r1;
    *v = t1 < 0 ? -t1 : t1;
    return true;
}

/* The kernel vector modulo p that has `free` as its only column without pivot, scaled so that it has small integers for
 * entries; false if it has not. */
static bool small_vector(int64_t *x, const struct echelon *e, size_t n, size_t free, uint64_t p)
{
    memset(x, 0, n * sizeof *x);
    x[free] = 1;
    for (size_t k = e->rank; k-- > 0;) { /* back substitution: later rows have no part in earlier pivots */
        uint64_t sum = 0;
        int64_t u, v;
        for (size_t j = e->col[k] + 1; j < n; j++)
            if (x[j])
                sum = (sum + mul(e->row[k][j], x[j] < 0 ? p - (uint64_t)-x[j] : (uint64_t)x[j], p)) % p;
        if (!small_fraction(&u, &v, sum ? p - sum : 0, p))
            return false;
        for (size_t j = 0; j < n && v > 1; j++) {
            if (x[j] > SMALL / v || x[j] < -SMALL / v)
                return false;
            x[j] *= v;
        }
        x[e->col[k]] = u;
    }
    return true;
}

/* Whether n - r small integer vectors, independent as each has a column without pivot of its own, are mapped to 0 by the
 * n columns of `a`, whose echelon form modulo p, with the columns in this order, has r rows: then its rank is at most r. True
 * of matrices with equal columns, zero sums, and the like. */
static bool small_kernel(struct work *w, const struct ball *a, const size_t *col_order, const struct echelon *e,
                         uint64_t p)
{
    size_t n = a->cols, found = 0;
    struct work_block *mark = work_mark(w);
    struct ball *kernel = ball_new(w, n, n - e->rank, 64);
    int64_t *x = work_alloc(w, n, sizeof *x);
    bool *has_pivot = work_alloc(w, n, sizeof *has_pivot), small = true;
    for (size_t k = 0; k < e->rank; k++)
        has_pivot[e->col[k]] = true;
    for (size_t free = 0; free < n && small; free++) {
        if (has_pivot[free])
            continue;
        small = small_vector(x, e, n, free, p);
        for (size_t j = 0; j < n; j++)
            mpfr_set_si(ball_at(kernel, col_order ? col_order[j] : j, found), x[j], MPFR_RNDN);
        found++;
    }
    bool proved = small && ball_is_zero(product_exact(w, a, kernel));
    work_release(w, mark);
    return proved;
}

/* log2 of Hadamard's bound for the k-minors of `a` scaled to integers, rounded up: rows and columns are first scaled
 * by powers of two, which changes no rank, until every entry is an integer and small. */
static long minor_bits(struct work *w, const struct ball *a, size_t k)
{
    struct work_block *mark = work_mark(w);
    long *low = work_alloc(w, a->cols, sizeof *low), *bits = work_alloc(w, a->rows, sizeof *bits);
    /* Scale column j by 2^-low[j], the exponent of its last bit; then each row by that of its own. */
    for (size_t j = 0; j < a->cols; j++) {
        bool any = false;
        for (size_t i = 0; i < a->rows; i++) {
            mpfr_srcptr x = ball_at(a, i, j);
            long last = mpfr_zero_p(x) ? 0 : mpfr_get_exp(x) - mpfr_min_prec(x);
            if (!mpfr_zero_p(x) && (!any || last < low[j]))
                low[j] = last, any = true;
        }
    }
    for (size_t i = 0; i < a->rows; i++) {
        long top = 0, bottom = 0;
        bool any = false;
        for (size_t j = 0; j < a->cols; j++) {
            mpfr_srcptr x = ball_at(a, i, j);
            if (mpfr_zero_p(x))
                continue;
            long high = mpfr_get_exp(x) - low[j], last = high - mpfr_min_prec(x);
            top = !any || high > top ? high : top;
            bottom = !any || last < bottom ? last : bottom;
            any = true;
        }
        long half_log2_cols = 1;
        while (((size_t)1 << (2 * half_log2_cols)) < a->cols)
            half_log2_cols++;
        bits[i] = any ? top - bottom + half_log2_cols : 0; /* Euclidean norm of the row < 2^bits */
    }
    long total = 0;
    for (size_t taken = 0; taken < k; taken++) { /* the k largest rows */
        size_t largest = 0;
        for (size_t i = 0; i < a->rows; i++)
            largest = bits[i] > bits[largest] ? i : largest;
        total += bits[largest];
        bits[largest] = 0;
    }
    work_release(w, mark);
    return total;
}

/* The next prime after *p, of 62 bits: certainly prime, as mpz_nextprime's test is exact below 2^64. */
static uint64_t next_prime(mpz_ptr p)
{
    mpz_nextprime(p, p);
    return mpz_get_ui(p);
}

/* Where next_prime() begins. */
static mpz_ptr before_first_prime(struct work *w)
{
    mpz_ptr p = work_integers(w, 1);
    mpz_ui_pow_ui(p, 2, 61);
    return p;
}

/* The same of `a`, or of its transpose if that has fewer columns. */
static bool has_small_kernel(struct work *w, const struct ball *a, const size_t *col_order, const struct echelon *e,
                             uint64_t p)
{
    if (a->rows >= a->cols)
        return small_kernel(w, a, col_order, e, p);
    const struct ball *tall = ball_transpose(w, a);
    struct echelon f = eliminate(w, tall, NULL, NULL, p, NULL, NULL);
    return small_kernel(w, tall, NULL, &f, p);
}

/* With the echelon form modulo the prime p, of at most r rows: whether the rank is at most r. */
static bool confirm(struct work *w, const struct ball *a, const size_t *col_order, const struct echelon *e, size_t r,
                    mpz_ptr p)
{
    if (r >= a->rows || r >= a->cols)
        return true;
    if (has_small_kernel(w, a, col_order, e, mpz_get_ui(p)))
        return true;
    long bits = minor_bits(w, a, r + 1);
    for (long proved = 61; proved <= bits + 1; proved += 61) {
        struct work_block *mark = work_mark(w);
        size_t rank = eliminate(w, a, NULL, NULL, next_prime(p), NULL, NULL).rank;
        work_release(w, mark);
        if (rank > r)
            return false;
        work_progress(w, "proving the rank", (double)proved / (double)(bits + 1));
    }
    return true;
}

struct rank *rank_of(struct work *w, const struct ball *a, const size_t *row_order, const size_t *col_order)
{
    size_t most = a->rows < a->cols ? a->rows : a->cols;
    struct rank *r = work_alloc(w, 1, sizeof *r);
    r->rows = work_alloc(w, most, sizeof *r->rows);
    r->cols = work_alloc(w, most, sizeof *r->cols);
    mpz_ptr p = before_first_prime(w);
    for (bool proved = false; !proved;) {
        struct work_block *mark = work_mark(w);
        struct echelon e = eliminate(w, a, row_order, col_order, next_prime(p), r->rows, r->cols);
        r->rank = e.rank;
        proved = confirm(w, a, col_order, &e, e.rank, p);
        work_release(w, mark);
    }
    return r;
}

bool rank_at_most(struct work *w, const struct ball *a, size_t r)
{
    struct work_block *mark = work_mark(w);
    mpz_ptr p = before_first_prime(w);
    struct echelon e = eliminate(w, a, NULL, NULL, next_prime(p), NULL, NULL);
    bool proved = e.rank <= r && confirm(w, a, NULL, &e, r, p);
    work_release(w, mark);
    return proved;
}
