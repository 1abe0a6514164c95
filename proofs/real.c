#include "real.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- making -------------------------------------------------------------------------------------------------- */

static struct real *new_interval(const struct field *f)
{
    size_t bytes = mpfr_custom_get_size(f->prec);
    struct real *x = work_scratch(f->w, sizeof *x + 2 * bytes, 1);
    unsigned char *limbs = (unsigned char *)(x + 1);
    x->field = f;
    x->exact = NULL;
    mpfr_custom_init(limbs, f->prec);
    mpfr_custom_init_set(x->lo, MPFR_ZERO_KIND, 0, f->prec, limbs);
    mpfr_custom_init(limbs + bytes, f->prec);
    mpfr_custom_init_set(x->hi, MPFR_ZERO_KIND, 0, f->prec, limbs + bytes);
    return x;
}

/* Two of GMP's integers in a row are laid out as its fraction is. */
static_assert(sizeof(mpq_t) == 2 * sizeof(mpz_t), "an mpq_t is two mpz_t");

static mpq_ptr new_fraction(const struct field *f, struct real **x)
{
    mpz_ptr parts = work_integers(f->w, 2);
    mpz_set_ui(parts + 1, 1);
    *x = work_scratch(f->w, sizeof **x, 1);
    (*x)->field = f;
    (*x)->exact = (mpq_ptr)(void *)parts;
    return (mpq_ptr)(void *)parts;
}

real real_fraction(const struct field *f, long numerator, unsigned long denominator)
{
    struct real *x;
    mpq_ptr q = new_fraction(f, &x);
    mpq_set_si(q, numerator, denominator);
    mpq_canonicalize(q);
    return x;
}

real real_whole(const struct field *f, long n)
{
    return real_fraction(f, n, 1);
}

/* The digits without the point, over or times a power of ten. */
real real_decimal(const struct field *f, const char *text)
{
    char digits[64];
    size_t used = 0;
    long exponent = 0;
    bool point = false;
    struct real *x;
    mpq_ptr q = new_fraction(f, &x);
    for (; *text && *text != 'e'; text++) {
        if (*text == '.') {
            point = true;
            continue;
        }
        exponent -= point;
        assert(used + 1 < sizeof digits);
        digits[used++] = *text;
    }
    digits[used] = '\0';
    exponent += *text ? strtol(text + 1, NULL, 10) : 0;
    mpz_set_str(mpq_numref(q), digits, 10);
    mpz_ptr power = work_integers(f->w, 1);
    mpz_ui_pow_ui(power, 10, (unsigned long)labs(exponent));
    if (exponent < 0)
        mpz_set(mpq_denref(q), power);
    else
        mpz_mul(mpq_numref(q), mpq_numref(q), power);
    mpq_canonicalize(q);
    return x;
}

real real_double(const struct field *f, double value)
{
    struct real *x;
    mpq_set_d(new_fraction(f, &x), value);
    return x;
}

real real_mpfr(const struct field *f, mpfr_srcptr value)
{
    struct real *x;
    mpq_ptr q = new_fraction(f, &x);
    if (!mpfr_number_p(value))
        work_fail(f->w, ASSAY_UNDECIDED, "an interval has no finite ends at %ld bits", (long)f->prec);
    mpfr_get_q(q, value);
    return x;
}

void real_ends(mpfr_ptr lo, mpfr_ptr hi, real x)
{
    if (x->exact) {
        mpfr_set_q(lo, x->exact, MPFR_RNDD);
        mpfr_set_q(hi, x->exact, MPFR_RNDU);
    } else {
        mpfr_set(lo, x->lo, MPFR_RNDD);
        mpfr_set(hi, x->hi, MPFR_RNDU);
    }
}

real real_enclose(real x)
{
    if (!x->exact)
        return x;
    struct real *y = new_interval(x->field);
    real_ends(y->lo, y->hi, x);
    return y;
}

real real_between(real lo, real hi)
{
    struct real *x = new_interval(lo->field);
    real low = real_enclose(lo), high = real_enclose(hi);
    mpfr_set(x->lo, low->lo, MPFR_RNDD);
    mpfr_set(x->hi, high->hi, MPFR_RNDU);
    return x;
}

/* ---- arithmetic ---------------------------------------------------------------------------------------------- */

static bool both_exact(real x, real y)
{
    return x->exact && y->exact;
}

real real_add(real x, real y)
{
    struct real *z;
    if (both_exact(x, y)) {
        mpq_add(new_fraction(x->field, &z), x->exact, y->exact);
        return z;
    }
    x = real_enclose(x);
    y = real_enclose(y);
    z = new_interval(x->field);
    mpfr_add(z->lo, x->lo, y->lo, MPFR_RNDD);
    mpfr_add(z->hi, x->hi, y->hi, MPFR_RNDU);
    return z;
}

real real_neg(real x)
{
    struct real *z;
    if (x->exact) {
        mpq_neg(new_fraction(x->field, &z), x->exact);
        return z;
    }
    z = new_interval(x->field);
    mpfr_neg(z->lo, x->hi, MPFR_RNDD);
    mpfr_neg(z->hi, x->lo, MPFR_RNDU);
    return z;
}

real real_sub(real x, real y)
{
    return real_add(x, real_neg(y));
}

static real whole_line(const struct field *f)
{
    struct real *z = new_interval(f);
    mpfr_set_inf(z->lo, -1);
    mpfr_set_inf(z->hi, 1);
    return z;
}

/* The hull of the products of the ends; the whole line where one is 0 times infinity, so that nothing is ever NaN. */
real real_mul(real x, real y)
{
    struct real *z, *other;
    if (both_exact(x, y)) {
        mpq_mul(new_fraction(x->field, &z), x->exact, y->exact);
        return z;
    }
    if ((x->exact && mpq_sgn(x->exact) == 0) || (y->exact && mpq_sgn(y->exact) == 0))
        return real_whole(x->field, 0);
    x = real_enclose(x);
    y = real_enclose(y);
    z = new_interval(x->field);
    other = new_interval(x->field);
    mpfr_srcptr pairs[4][2] = {{x->lo, y->lo}, {x->lo, y->hi}, {x->hi, y->lo}, {x->hi, y->hi}};
    for (size_t k = 0; k < 4; k++) {
        mpfr_mul(other->lo, pairs[k][0], pairs[k][1], MPFR_RNDD);
        mpfr_mul(other->hi, pairs[k][0], pairs[k][1], MPFR_RNDU);
        if (mpfr_nan_p(other->lo))
            return whole_line(x->field);
        if (k == 0 || mpfr_less_p(other->lo, z->lo))
            mpfr_set(z->lo, other->lo, MPFR_RNDD);
        if (k == 0 || mpfr_greater_p(other->hi, z->hi))
            mpfr_set(z->hi, other->hi, MPFR_RNDU);
    }
    return z;
}

real real_div(real x, real y)
{
    struct real *z;
    if (y->exact && mpq_sgn(y->exact) != 0) {
        mpq_inv(new_fraction(x->field, &z), y->exact);
        return real_mul(x, z);
    }
    y = real_enclose(y);
    if (mpfr_sgn(y->lo) > 0 || mpfr_sgn(y->hi) < 0) {
        z = new_interval(x->field);
        mpfr_ui_div(z->lo, 1, y->hi, MPFR_RNDD);
        mpfr_ui_div(z->hi, 1, y->lo, MPFR_RNDU);
        return real_mul(x, z);
    }
    return whole_line(x->field);
}

real real_abs(real x)
{
    if (real_at_least_0(x))
        return x;
    if (real_at_most_0(x))
        return real_neg(x);
    struct real *z = new_interval(x->field);
    mpfr_neg(z->hi, x->lo, MPFR_RNDU);
    mpfr_max(z->hi, z->hi, x->hi, MPFR_RNDU);
    return z;
}

real real_square(real x)
{
    real size = real_abs(x);
    return real_mul(size, size);
}

real real_power(real x, unsigned long k)
{
    if (k == 0)
        return real_whole(x->field, 1);
    real half = real_square(real_power(x, k / 2));
    return k % 2 ? real_mul(half, x) : half;
}

real real_max(real x, real y)
{
    if (both_exact(x, y))
        return mpq_cmp(x->exact, y->exact) >= 0 ? x : y;
    x = real_enclose(x);
    y = real_enclose(y);
    struct real *z = new_interval(x->field);
    mpfr_max(z->lo, x->lo, y->lo, MPFR_RNDD);
    mpfr_max(z->hi, x->hi, y->hi, MPFR_RNDU);
    return z;
}

real real_min(real x, real y)
{
    return real_neg(real_max(real_neg(x), real_neg(y)));
}

/* ---- functions ----------------------------------------------------------------------------------------------- */

typedef int (*mpfr_function)(mpfr_ptr, mpfr_srcptr, mpfr_rnd_t);

static real increasing(mpfr_function function, real x)
{
    x = real_enclose(x);
    struct real *z = new_interval(x->field);
    function(z->lo, x->lo, MPFR_RNDD);
    function(z->hi, x->hi, MPFR_RNDU);
    return mpfr_nan_p(z->lo) || mpfr_nan_p(z->hi) ? whole_line(x->field) : z;
}

real real_root(real x)
{
    if (x->exact && mpz_perfect_square_p(mpq_numref(x->exact)) && mpz_perfect_square_p(mpq_denref(x->exact))) {
        struct real *z;
        mpq_ptr q = new_fraction(x->field, &z);
        mpz_sqrt(mpq_numref(q), mpq_numref(x->exact));
        mpz_sqrt(mpq_denref(q), mpq_denref(x->exact));
        return z;
    }
    return increasing(mpfr_sqrt, real_max(x, real_whole(x->field, 0)));
}

real real_exp(real x)
{
    return increasing(mpfr_exp, x);
}

real real_log(real x)
{
    return increasing(mpfr_log, x);
}

real real_sinh(real x)
{
    return increasing(mpfr_sinh, x);
}

real real_cosh(real x)
{
    return increasing(mpfr_cosh, real_abs(x));
}

/* At a number of the field's precision, rounding down and up encloses the value even where the function decreases; and
 * within the interval it moves by no more than its half width, for the slope is at most 1. */
static real slope_one(mpfr_function function, real x)
{
    x = real_enclose(x);
    real middle = real_middle(x), width = real_abs(real_sub(x, middle)), one = real_whole(x->field, 1);
    real z = real_add(increasing(function, middle), real_between(real_neg(width), width));
    return real_max(real_neg(one), real_min(one, z));
}

real real_cos(real x)
{
    return slope_one(mpfr_cos, x);
}

real real_sin(real x)
{
    return slope_one(mpfr_sin, x);
}

real real_middle(real x)
{
    if (x->exact)
        return x;
    struct real *z = new_interval(x->field);
    mpfr_add(z->lo, x->lo, x->hi, MPFR_RNDN);
    mpfr_div_2ui(z->lo, z->lo, 1, MPFR_RNDN);
    return real_mpfr(x->field, z->lo);
}

/* ---- questions ----------------------------------------------------------------------------------------------- */

bool real_at_least_0(real x)
{
    return x->exact ? mpq_sgn(x->exact) >= 0 : mpfr_cmp_ui(x->lo, 0) >= 0 && !mpfr_nan_p(x->lo);
}

bool real_above_0(real x)
{
    return x->exact ? mpq_sgn(x->exact) > 0 : mpfr_cmp_ui(x->lo, 0) > 0 && !mpfr_nan_p(x->lo);
}

bool real_at_most_0(real x)
{
    return x->exact ? mpq_sgn(x->exact) <= 0 : mpfr_cmp_ui(x->hi, 0) <= 0 && !mpfr_nan_p(x->hi);
}

bool real_below_0(real x)
{
    return x->exact ? mpq_sgn(x->exact) < 0 : mpfr_cmp_ui(x->hi, 0) < 0 && !mpfr_nan_p(x->hi);
}

int real_sign(real x, const char *what)
{
    if (real_above_0(x))
        return 1;
    if (real_below_0(x))
        return -1;
    if (!x->exact && !(mpfr_zero_p(x->lo) && mpfr_zero_p(x->hi)))
        work_fail(x->field->w, ASSAY_UNDECIDED, "the sign of %s is undecided at %ld bits", what, (long)x->field->prec);
    return 0;
}

/* ---- many ---------------------------------------------------------------------------------------------------- */

struct saved {
    const struct field *field;
    bool is_exact;
    mpq_t exact;
    mpfr_t lo, hi;
};

static void save(struct saved *s, real x)
{
    s->field = x->field;
    s->is_exact = x->exact;
    mpq_init(s->exact);
    mpfr_inits2(x->field->prec, s->lo, s->hi, (mpfr_ptr)0);
    if (x->exact)
        mpq_set(s->exact, x->exact);
    else
        real_ends(s->lo, s->hi, x);
}

static real restore(struct saved *s)
{
    struct real *x = NULL;
    if (s->is_exact) {
        mpq_swap(new_fraction(s->field, &x), s->exact);
    } else {
        x = new_interval(s->field);
        mpfr_set(x->lo, s->lo, MPFR_RNDD);
        mpfr_set(x->hi, s->hi, MPFR_RNDU);
    }
    mpq_clear(s->exact);
    mpfr_clears(s->lo, s->hi, (mpfr_ptr)0);
    return x;
}

void real_keep(struct work *w, struct work_block *mark, real *values, size_t count)
{
    struct saved *all = malloc((count ? count : 1) * sizeof *all);
    if (!all)
        work_fail(w, ASSAY_NO_MEMORY, "out of memory: %zu numbers", count);
    for (size_t k = 0; k < count; k++)
        save(all + k, values[k]);
    work_release(w, mark);
    for (size_t k = 0; k < count; k++)
        values[k] = restore(all + k);
    free(all);
}

real real_sum(const real *x, size_t count)
{
    real sum = x[0];
    for (size_t k = 1; k < count; k++)
        sum = real_add(sum, x[k]);
    return sum;
}

real real_product(const real *x, size_t count)
{
    real product = x[0];
    for (size_t k = 1; k < count; k++)
        product = real_mul(product, x[k]);
    return product;
}
