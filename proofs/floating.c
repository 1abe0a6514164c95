#include "floating.h"

const struct format floating_formats[FLOATING_FORMATS] = {
    {"binary64", 53, -1074}, {"binary32", 24, -149}, {"binary16", 11, -24}, {"bfloat16", 8, -133}};

real power_of_two(const struct field *f, long k)
{
    real power = real_power(real_whole(f, 2), (unsigned long)(k < 0 ? -k : k));
    return k < 0 ? real_div(real_whole(f, 1), power) : power;
}

real format_roundoff(const struct field *f, const struct format *format)
{
    return power_of_two(f, -format->precision);
}

real format_least(const struct field *f, const struct format *format)
{
    return power_of_two(f, format->least);
}

/* The whole number nearest to x, ties to even. */
static real nearest_whole(real x)
{
    const struct field *f = x->field;
    mpz_t twice, whole, rest;
    mpz_inits(twice, whole, rest, (mpz_ptr)NULL);
    mpz_mul_2exp(twice, mpq_denref(x->exact), 1);
    mpz_mul_2exp(rest, mpq_numref(x->exact), 1);
    mpz_add(rest, rest, mpq_denref(x->exact));
    mpz_fdiv_qr(whole, rest, rest, twice); /* floor(x + 1/2) */
    if (mpz_sgn(rest) == 0 && mpz_odd_p(whole))
        mpz_sub_ui(whole, whole, 1);
    mpfr_t number;
    mpfr_init2(number, (mpfr_prec_t)mpz_sizeinbase(whole, 2) + 1);
    mpfr_set_z(number, whole, MPFR_RNDN);
    real result = real_mpfr(f, number);
    mpfr_clear(number);
    mpz_clears(twice, whole, rest, (mpz_ptr)NULL);
    return result;
}

real nearest_to(const struct format *format, real x)
{
    const struct field *f = x->field;
    if (!x->exact) {
        real low = nearest_to(format, real_mpfr(f, x->lo)), high = nearest_to(format, real_mpfr(f, x->hi));
        if (real_sign(real_sub(high, low), "a difference") != 0)
            work_fail(f->w, ASSAY_UNDECIDED, "a rounding is not decided at %ld bits", (long)f->prec);
        return low;
    }
    if (real_sign(x, "what is rounded") == 0)
        return x;
    real size = real_abs(x);
    /* 2^top <= |x| < 2^(top + 1) */
    long top = (long)mpz_sizeinbase(mpq_numref(size->exact), 2) - (long)mpz_sizeinbase(mpq_denref(size->exact), 2);
    if (real_below_0(real_sub(size, power_of_two(f, top))))
        top--;
    long last = top - format->precision + 1;
    real unit = power_of_two(f, last < format->least ? format->least : last);
    return real_mul(nearest_whole(real_div(x, unit)), unit);
}

real rounded_by(struct rounding_mode *mode, real x)
{
    const struct field *f = x->field;
    if (!mode->vertex)
        return nearest_to(mode->format, x);
    real u = format_roundoff(f, mode->format), one = real_whole(f, 1);
    bool up = mode->signs & 1;
    mode->signs >>= 1;
    return real_mul(x, up ? real_add(one, u) : real_sub(one, u));
}
