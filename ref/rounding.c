#include "rounding.h"

#include <math.h>

const struct format BINARY64 = {53, 1024, -1074};
const struct format BINARY32 = {24, 128, -149};
const struct format BFLOAT16 = {8, 128, -133};
const struct format BINARY16 = {11, 16, -24};

static double round_number(mpfr_srcptr x, const struct format *f)
{
    if (mpfr_zero_p(x))
        return 0;
    long precision = mpfr_get_exp(x) - f->min_exponent; /* bits above the least subnormal */
    precision = precision < f->precision ? precision : f->precision;
    if (precision < 0)
        return 0;
    if (precision == 0) { /* between half the least subnormal, which ties to 0, and all of it */
        double least = mpfr_min_prec(x) == 1 ? 0 : ldexp(1, f->min_exponent);
        return mpfr_signbit(x) && least > 0 ? -least : least;
    }
    mp_limb_t limb;
    mpfr_t y;
    mpfr_custom_init(&limb, precision);
    mpfr_custom_init_set(y, MPFR_ZERO_KIND, 0, precision, &limb); /* half covered: a macro, for any kind */
    mpfr_set(y, x, MPFR_RNDN);
    if (mpfr_get_exp(y) > f->max_exponent)
        return mpfr_signbit(x) ? -INFINITY : INFINITY;
    return mpfr_get_d(y, MPFR_RNDN);
}

/* Rounding is monotonic: if both ends of an enclosure of entry k, less `shift`, agree, so does all between. */
static bool round_between(double *x, const struct ball *a, size_t k, double shift, const struct format *format)
{
    MPFR_DECL_INIT(error, 64);
    mag_get_mpfr(error, a->error[k]);
    mpfr_t below, above;
    /* `shift` is 0 or the entry rounded to 53 bits: the difference of an exact entry and it is exact here. */
    mpfr_inits2(a->prec + 64, below, above, (mpfr_ptr)NULL);
    mpfr_sub_d(below, a->at + k, shift, MPFR_RNDD);
    mpfr_sub_d(above, a->at + k, shift, MPFR_RNDU);
    mpfr_sub(below, below, error, MPFR_RNDD);
    mpfr_add(above, above, error, MPFR_RNDU);
    double low = round_number(below, format), high = round_number(above, format);
    mpfr_clears(below, above, (mpfr_ptr)NULL);
    if (!(low == high))
        return false;
    *x = low;
    return true;
}

bool round_entry(double *x, const struct ball *a, size_t k, const struct format *format)
{
    return !mag_is_inf(a->error[k]) && round_between(x, a, k, 0, format);
}

struct pairs *pairs_new(struct work *w, size_t rows, size_t cols)
{
    struct pairs *x = work_alloc(w, 1, sizeof *x);
    *x = (struct pairs){rows, cols, NULL, NULL, 0};
    x->hi = work_alloc(w, rows * cols, sizeof(double));
    x->lo = work_alloc(w, rows * cols, sizeof(double));
    return x;
}

/* The least k >= -1074 with 4^k d^2 >= s, for s > 0. */
static long half_log2_up(struct work *w, mpfr_srcptr s, mpz_srcptr d)
{
    struct ball *bound = ball_new(w, 1, 1, 2 * (mpfr_prec_t)mpz_sizeinbase(d, 2));
    mpfr_set_z(bound->at, d, MPFR_RNDN);
    mpfr_sqr(bound->at, bound->at, MPFR_RNDN);
    long k = (mpfr_get_exp(s) - mpfr_get_exp(bound->at)) / 2 - 1;
    k = k > BINARY64.min_exponent ? k : BINARY64.min_exponent;
    for (mpfr_mul_2si(bound->at, bound->at, 2 * k, MPFR_RNDN); mpfr_less_p(bound->at, s); k++)
        mpfr_mul_2ui(bound->at, bound->at, 2, MPFR_RNDN);
    return k;
}

/* The exact value less the pairs, times d. */
static struct ball *rests(struct work *w, const struct pairs *x, const struct ball *a, mpz_srcptr d)
{
    struct ball *rest = ball_new(w, a->rows, a->cols, a->prec + (mpfr_prec_t)mpz_sizeinbase(d, 2) + 64);
    struct ball *t = ball_new(w, 1, 1, (mpfr_prec_t)mpz_sizeinbase(d, 2) + 64);
    struct tally tally = {MAG_ZERO, MAG_ZERO};
    for (size_t k = 0; k < ball_count(a); k++) {
        /* The first difference cancels, and the second cancels more: neither needs the bits it is given. */
        mpfr_set_d(t->at, x->hi[k], MPFR_RNDN);
        mpfr_mul_z(t->at, t->at, d, MPFR_RNDN);
        mpfr_sub(rest->at + k, a->at + k, t->at, MPFR_RNDN);
        mpfr_set_d(t->at, x->lo[k], MPFR_RNDN);
        mpfr_mul_z(t->at, t->at, d, MPFR_RNDN);
        ball_note(rest, &tally, k, mpfr_sub(rest->at + k, rest->at + k, t->at, MPFR_RNDN), a->error[k]);
    }
    ball_done(rest, &tally, a->radius);
    return rest;
}

/* With R = d ||rest||_F: the least k with 4^k d^2 >= R^2 for both ends of R^2's enclosure, if they agree. */
static bool round_radius(struct work *w, struct pairs *x, const struct ball *a, mpz_srcptr d)
{
    struct ball *rest = rests(w, x, a, d);
    struct ball *squares = ball_new(w, 1, 1, ball_is_exact(rest) ? 2 * ball_width(rest) + 64 : a->prec + 64);
    ball_norm_sqr(w, squares, rest);
    if (ball_is_zero(squares)) {
        x->radius = 0;
        return true;
    }
    MPFR_DECL_INIT(error, 64);
    mag_get_mpfr(error, squares->radius);
    struct ball *above = ball_copy(w, squares, squares->prec);
    mpfr_sub(squares->at, squares->at, error, MPFR_RNDD);
    mpfr_add(above->at, above->at, error, MPFR_RNDU);
    if (mpfr_signbit(squares->at)) /* may be 0: that is -0 when rounded down */
        return false;
    long low = half_log2_up(w, squares->at, d), high = half_log2_up(w, above->at, d);
    if (low == high)
        x->radius = ldexp(1, (int)high);
    return low == high;
}

bool round_pairs(struct work *w, struct pairs *x, const struct ball *a, size_t *undecided)
{
    for (size_t k = 0; k < ball_count(a); k++) {
        *undecided = k;
        if (!round_entry(&x->hi[k], a, k, &BINARY64))
            return false;
        if (isinf(x->hi[k]))
            work_fail(w, ASSAY_RANGE, "entry (%zu, %zu) of the answer exceeds the largest binary64 number", k / a->cols,
                      k % a->cols);
        if (!round_between(&x->lo[k], a, k, x->hi[k], &BINARY64))
            return false;
    }
    *undecided = ball_count(a);
    struct work_block *mark = work_mark(w);
    mpz_ptr one = work_integers(w, 1);
    mpz_set_ui(one, 1);
    bool decided = round_radius(w, x, a, one);
    if (!decided && a->rational)
        decided = round_radius(w, x, a->rational->numerators, a->rational->denominator);
    work_release(w, mark);
    return decided;
}
