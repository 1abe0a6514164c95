#include "product.h"

#include "integers.h"

/* Below this inner size, or fewer multiplications, big integers are multiplied one by one. */
enum { PLAIN_INNER = 12, PLAIN_MULTIPLICATIONS = 4096 };

/* A factor as integers: entry (i, k) = at(i, k) 2^scale[i], up to what was cut off. */
struct factor {
    struct integers *at;
    long *scale;
    mag cut; /* Frobenius norm of what was cut off */
};

/* Row i, place k of op(matrix). */
struct strided {
    const struct ball *matrix;
    size_t rows, cols, row_stride, col_stride;
};

static mpfr_srcptr entry(const struct strided *a, size_t i, size_t k)
{
    return a->matrix->at + i * a->row_stride + k * a->col_stride;
}

/* The exponent of the largest entry of a row, and the bits it takes to hold the row exactly below that. */
static bool row_extent(const struct strided *a, size_t i, mpfr_exp_t *top, long *width)
{
    mpfr_exp_t bottom = 0;
    bool any = false;
    for (size_t k = 0; k < a->cols; k++) {
        mpfr_srcptr x = entry(a, i, k);
        if (!mpfr_regular_p(x)) /* 0, or of infinite error, and then anything will do */
            continue;
        mpfr_exp_t high = mpfr_get_exp(x), low = high - mpfr_min_prec(x);
        *top = !any || high > *top ? high : *top;
        bottom = !any || low < bottom ? low : bottom;
        any = true;
    }
    *width = any ? *top - bottom : 0;
    return any;
}

/* out = floor(|x| 2^shift) on n limbs, that it fits in; returns whether bits were cut off. */
static bool fixed_point(mp_limb_t *out, size_t n, mpfr_srcptr x, long shift)
{
    /* x = significand 2^(exponent - 64 size) */
    const mp_limb_t *significand = mpfr_custom_get_significand(x);
    long size = (long)((mpfr_get_prec(x) + GMP_NUMB_BITS - 1) / GMP_NUMB_BITS);
    long up = mpfr_get_exp(x) - size * GMP_NUMB_BITS + shift;
    long limb_shift = up >= 0 ? up / GMP_NUMB_BITS : -((-up + GMP_NUMB_BITS - 1) / GMP_NUMB_BITS);
    unsigned bit_shift = (unsigned)(up - limb_shift * GMP_NUMB_BITS);
    bool cut = false;
    for (long s = 0; s < size; s++) {
        mp_limb_t low = significand[s] << bit_shift;
        mp_limb_t high = bit_shift ? significand[s] >> (GMP_NUMB_BITS - bit_shift) : 0;
        long at = s + limb_shift;
        if (at < 0)
            cut = cut || low;
        else
            out[at] |= low;
        if (at + 1 < 0)
            cut = cut || high;
        else if (at + 1 < (long)n) /* beyond, there are but zeros */
            out[at + 1] |= high;
    }
    return cut;
}

static struct factor to_integers(struct work *w, const struct strided *a, long bits)
{
    mpfr_exp_t *top = work_alloc(w, a->rows, sizeof *top);
    long width, widest = 1;
    for (size_t i = 0; i < a->rows; i++)
        if (row_extent(a, i, &top[i], &width) && width > widest)
            widest = width;
    if (bits > 0 && widest > bits)
        widest = bits;
    struct factor f = {integers_new(w, a->rows, a->cols, (size_t)widest), work_alloc(w, a->rows, sizeof(long)),
                       MAG_ZERO};
    mag squares = MAG_ZERO;
    for (size_t i = 0; i < a->rows; i++) {
        f.scale[i] = top[i] - widest;
        mag unit_squared = mag_power_of_two(2 * f.scale[i]);
        for (size_t k = 0; k < a->cols; k++) {
            mpfr_srcptr x = entry(a, i, k);
            size_t place = i * a->cols + k;
            if (!mpfr_regular_p(x))
                continue;
            f.at->negative[place] = mpfr_signbit(x);
            if (fixed_point(f.at->at + place * f.at->limbs, f.at->limbs, x, -f.scale[i]))
                squares = up_add(squares, unit_squared);
        }
    }
    f.cut = up_sqrt(squares);
    return f;
}

struct output {
    struct ball *c;
    const long *row_scale, *col_scale;
    struct tally *tally; /* one a row, so that the order of threads plays no part */
    mag inherited;       /* by every entry, and by the whole in Frobenius norm */
};

static void write_entry(void *args, size_t i, size_t j, mpz_srcptr value)
{
    const struct output *o = args;
    mpfr_ptr x = ball_at(o->c, i, j);
    int ternary = mpfr_set_z_2exp(x, value, o->row_scale[i] + o->col_scale[j], MPFR_RNDN);
    ball_note(o->c, &o->tally[i], i * o->c->cols + j, ternary, o->inherited);
}

/* Fills in what lies below the diagonal. */
static void mirror(const struct output *o)
{
    for (size_t i = 1; i < o->c->rows; i++)
        for (size_t j = 0; j < i; j++) {
            mpfr_ptr from = ball_at(o->c, j, i), to = ball_at(o->c, i, j);
            ball_note(o->c, &o->tally[i], i * o->c->cols + j, 0, o->c->error[j * o->c->cols + i]);
            mpfr_set(to, from, MPFR_RNDN);
        }
}

static void plain_product(struct work *w, const struct integers *a, const struct integers *b, struct output *o)
{
    bool symmetric = a == b;
    struct work_block *mark = work_mark(w);
    mpz_ptr sum = work_integers(w, 1);
    mpz_t x, y;
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = symmetric ? i : 0; j < b->rows; j++) {
            mpz_set_ui(sum, 0);
            for (size_t k = 0; k < a->cols; k++)
                mpz_addmul(sum, integers_entry(a, i * a->cols + k, x), integers_entry(b, j * b->cols + k, y));
            write_entry(o, i, j, sum);
        }
    work_release(w, mark);
}

static void multiply(struct work *w, struct ball *c, const struct strided *a, const struct strided *b, long bits)
{
    struct work_block *mark = work_mark(w);
    bool symmetric = a->matrix == b->matrix && a->row_stride == b->row_stride;
    struct factor fa = to_integers(w, a, bits), fb = symmetric ? fa : to_integers(w, b, bits);
    mag error_a = up_add(a->matrix->radius, fa.cut), error_b = up_add(b->matrix->radius, fb.cut);
    struct output o = {c, fa.scale, fb.scale, work_alloc(w, c->rows, sizeof(struct tally)), MAG_ZERO};
    if (!mag_is_zero(error_a) || !mag_is_zero(error_b)) { /* |A B - A~ B~| <= e_A ||B|| + (||A|| + e_A) e_B */
        mag norm_a = ball_midpoint_norm_up(a->matrix), norm_b = ball_midpoint_norm_up(b->matrix);
        o.inherited = up_add(up_mul(error_a, norm_b), up_mul(up_add(norm_a, error_a), error_b));
    }
    if (a->cols < PLAIN_INNER || a->rows * a->cols * b->rows < PLAIN_MULTIPLICATIONS)
        plain_product(w, fa.at, fb.at, &o);
    else
        integers_product(w, fa.at, fb.at, write_entry, &o);
    if (symmetric)
        mirror(&o);
    struct tally total = {MAG_ZERO, MAG_ZERO};
    for (size_t i = 0; i < c->rows; i++) {
        total.all = up_add(total.all, o.tally[i].all);
        total.rounding = up_add(total.rounding, o.tally[i].rounding);
    }
    if (symmetric) /* rounded once, but there twice */
        total.rounding = mag_scale(total.rounding, 1);
    ball_done(c, &total, o.inherited);
    work_release(w, mark);
}

static struct strided straight(const struct ball *a)
{
    return (struct strided){a, a->rows, a->cols, a->cols, 1};
}

static struct strided transposed(const struct ball *a)
{
    return (struct strided){a, a->cols, a->rows, 1, a->cols};
}

void product(struct work *w, struct ball *c, const struct ball *a, const struct ball *b, long bits)
{
    struct strided left = straight(a), right = transposed(b);
    multiply(w, c, &left, &right, bits);
}

void product_tn(struct work *w, struct ball *c, const struct ball *a, const struct ball *b, long bits)
{
    struct strided left = transposed(a), right = transposed(b);
    multiply(w, c, &left, &right, bits);
}

void product_nt(struct work *w, struct ball *c, const struct ball *a, const struct ball *b, long bits)
{
    struct strided left = straight(a), right = straight(b);
    multiply(w, c, &left, &right, bits);
}

static mpfr_prec_t exact_prec(const struct ball *a, const struct ball *b)
{
    return ball_width(a) + ball_width(b) + GMP_NUMB_BITS; /* 2^64 terms would overflow that */
}

struct ball *product_exact(struct work *w, const struct ball *a, const struct ball *b)
{
    struct ball *c = ball_new(w, a->rows, b->cols, exact_prec(a, b));
    product(w, c, a, b, 0);
    return c;
}

struct ball *product_exact_tn(struct work *w, const struct ball *a, const struct ball *b)
{
    struct ball *c = ball_new(w, a->cols, b->cols, exact_prec(a, b));
    product_tn(w, c, a, b, 0);
    return c;
}
