#include "magnitude.h"

#include <assert.h>
#include <gmp.h>
#include <math.h>

static_assert(GMP_NUMB_BITS == 64, "limbs of 64 bits");

/* Mantissas hold BITS bits. A result is first exact or a truncation of at least BITS + 1 bits in 64, then cut:
 * up_ operations add one unit in the last place when anything was lost, a relative 2^-31 at most. */
enum { BITS = 32 };

const mag MAG_ZERO = {0, 0};
const mag MAG_ONE = {UINT64_C(1) << (BITS - 1), 1 - BITS};
const mag MAG_INF = {UINT64_MAX, 0};

bool mag_is_zero(mag a)
{
    return a.mantissa == 0;
}

bool mag_is_inf(mag a)
{
    return a.mantissa == UINT64_MAX;
}

static int leading_zeros(uint64_t x)
{
    return __builtin_clzll(x);
}

/* x 2^exponent cut to BITS bits; rounds up if `up` and if anything (or `sticky`) is cut off. */
static mag cut(uint64_t x, int64_t exponent, bool sticky, bool up)
{
    if (x == 0)
        return MAG_ZERO;
    int shift = 64 - BITS - leading_zeros(x);
    if (shift <= 0)
        return cut(x << (1 - shift), exponent - (1 - shift), sticky, up);
    uint64_t kept = x >> shift;
    sticky = sticky || (kept << shift) != x;
    if (sticky && up && ++kept >> BITS)
        return (mag){kept >> 1, exponent + shift + 1};
    return (mag){kept, exponent + shift};
}

bool mag_le(mag a, mag b)
{
    if (mag_is_zero(a) || mag_is_inf(b))
        return true;
    if (mag_is_zero(b) || mag_is_inf(a))
        return false;
    return a.exponent < b.exponent || (a.exponent == b.exponent && a.mantissa <= b.mantissa);
}

mag mag_max(mag a, mag b)
{
    return mag_le(a, b) ? b : a;
}

mag mag_min(mag a, mag b)
{
    return mag_le(a, b) ? a : b;
}

mag mag_from_integer(uint32_t n)
{
    return cut(n, 0, false, false);
}

mag mag_power_of_two(int64_t k)
{
    return mag_scale(MAG_ONE, k);
}

mag mag_scale(mag a, int64_t k)
{
    if (!mag_is_zero(a) && !mag_is_inf(a))
        a.exponent += k;
    return a;
}

int64_t mag_log2(mag a)
{
    return a.exponent + BITS - 1;
}

mag up_add(mag a, mag b)
{
    if (mag_is_inf(a) || mag_is_inf(b))
        return MAG_INF;
    if (!mag_le(b, a))
        return up_add(b, a);
    if (mag_is_zero(b))
        return a;
    int64_t distance = a.exponent - b.exponent;
    uint64_t high = a.mantissa << (63 - BITS);
    if (distance > 63)
        return cut(high, a.exponent - (63 - BITS), true, true);
    uint64_t low = b.mantissa << (63 - BITS), shifted = low >> distance;
    return cut(high + shifted, a.exponent - (63 - BITS), (shifted << distance) != low, true);
}

mag down_sub(mag a, mag b)
{
    if (mag_is_inf(b) || mag_le(a, b))
        return MAG_ZERO;
    if (mag_is_inf(a) || mag_is_zero(b))
        return a;
    /* a > b, so a's exponent is not below b's. Subtract b rounded up to a's 62-bit grid. */
    int64_t distance = a.exponent - b.exponent;
    uint64_t high = a.mantissa << (62 - BITS), low = b.mantissa << (62 - BITS);
    uint64_t shifted = distance < 62 ? low >> distance : 0;
    if (distance >= 62 || (shifted << distance) != low)
        shifted++;
    return cut(high - shifted, a.exponent - (62 - BITS), false, false);
}

static mag multiply(mag a, mag b, bool up)
{
    if (mag_is_zero(a) || mag_is_zero(b))
        return MAG_ZERO;
    if (mag_is_inf(a) || mag_is_inf(b))
        return MAG_INF;
    return cut(a.mantissa * b.mantissa, a.exponent + b.exponent, false, up);
}

mag up_mul(mag a, mag b)
{
    return multiply(a, b, true);
}

mag down_mul(mag a, mag b)
{
    return multiply(a, b, false);
}

static mag divide(mag a, mag b, bool up)
{
    if (mag_is_zero(b) || mag_is_inf(a))
        return mag_is_zero(a) ? MAG_ZERO : MAG_INF;
    if (mag_is_zero(a) || mag_is_inf(b))
        return MAG_ZERO;
    uint64_t numerator = a.mantissa << BITS, quotient = numerator / b.mantissa;
    return cut(quotient << 1, a.exponent - BITS - b.exponent - 1, quotient * b.mantissa != numerator, up);
}

mag up_div(mag a, mag b)
{
    return divide(a, b, true);
}

mag down_div(mag a, mag b)
{
    return divide(a, b, false);
}

static uint64_t integer_sqrt(uint64_t x)
{
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1)
        if ((root + bit) * (root + bit) <= x)
            root += bit;
    return root;
}

static mag square_root(mag a, bool up)
{
    if (mag_is_zero(a) || mag_is_inf(a))
        return a;
    /* a = x 2^2e with x of 63 or 64 bits, whose root has 32. */
    int shift = a.exponent & 1 ? BITS - 1 : BITS;
    uint64_t x = a.mantissa << shift, root = integer_sqrt(x);
    return cut(root << 1, (a.exponent - shift) / 2 - 1, root * root != x, up);
}

mag up_sqrt(mag a)
{
    return square_root(a, true);
}

mag down_sqrt(mag a)
{
    return square_root(a, false);
}

mag up_sqr(mag a)
{
    return up_mul(a, a);
}

static mag from_mpfr(mpfr_srcptr x, bool up)
{
    if (mpfr_zero_p(x))
        return MAG_ZERO;
    if (!mpfr_number_p(x))
        return up ? MAG_INF : MAG_ZERO;
    const mp_limb_t *significand = mpfr_custom_get_significand(x);
    mpfr_prec_t low_limbs = (mpfr_get_prec(x) - 1) / GMP_NUMB_BITS;
    bool sticky = false;
    for (mpfr_prec_t k = 0; k < low_limbs && !sticky; k++)
        sticky = significand[k] != 0;
    return cut(significand[low_limbs], mpfr_get_exp(x) - GMP_NUMB_BITS, sticky, up);
}

mag up_abs(mpfr_srcptr x)
{
    return from_mpfr(x, true);
}

mag up_cosh(mag a)
{
    MPFR_DECL_INIT(x, BITS);
    mag_get_mpfr(x, a);
    mpfr_cosh(x, x, MPFR_RNDU);
    return up_abs(x);
}

mag down_abs(mpfr_srcptr x)
{
    return from_mpfr(x, false);
}

void mag_get_mpfr(mpfr_ptr x, mag a)
{
    if (mag_is_inf(a))
        mpfr_set_inf(x, 1);
    else
        mpfr_set_ui_2exp(x, a.mantissa, a.exponent, MPFR_RNDU);
}

double up_double(mag a)
{
    MPFR_DECL_INIT(x, BITS);
    mag_get_mpfr(x, a);
    return mpfr_get_d(x, MPFR_RNDU);
}

void mag_bounds(double bounds[2], mpfr_srcptr x, mag e)
{
    bounds[0] = 0;
    bounds[1] = INFINITY;
    if (mag_is_inf(e))
        return;
    MPFR_DECL_INIT(error, BITS);
    MPFR_DECL_INIT(y, 64);
    mag_get_mpfr(error, e);
    mpfr_abs(y, x, MPFR_RNDD);
    mpfr_sub(y, y, error, MPFR_RNDD);
    double least = mpfr_get_d(y, MPFR_RNDD);
    bounds[0] = least > 0 ? least : 0;
    mpfr_abs(y, x, MPFR_RNDU);
    mpfr_add(y, y, error, MPFR_RNDU);
    bounds[1] = mpfr_get_d(y, MPFR_RNDU);
}
