#include "auon.h"

#include <math.h>

enum { BF16 = 8 };

/* The rounded square of the rounded cosh of a binary64 number. */
static double q_of(double u)
{
    MPFR_DECL_INIT(x, BF16);
    MPFR_DECL_INIT(y, 53);
    mpfr_set_d(y, u, MPFR_RNDN);
    mpfr_cosh(x, y, MPFR_RNDN);
    mpfr_sqr(x, x, MPFR_RNDN);
    return mpfr_get_d(x, MPFR_RNDN);
}

/* 1 + mean of (q - 1), rounded. */
static double mean_of(const struct field *f, real excess, long n)
{
    MPFR_DECL_INIT(x, BF16);
    real mean = real_add(real_whole(f, 1), real_div(excess, real_whole(f, n)));
    mpfr_set_q(x, mean->exact, MPFR_RNDN);
    return mpfr_get_d(x, MPFR_RNDN);
}

/* u = 2^-5 (1 + k / 128) 2^j: all bfloat16 numbers from 2^-5 up to the first above 1.0079. */
static void all_numbers(struct evidence *e)
{
    const struct field *f = &e->field;
    real one = real_whole(f, 1), limit = real_decimal(f, "1.0079"), constant = real_decimal(f, "2.02"),
         most = real_whole(f, 0);
    size_t count = 0;
    for (int j = -5; j <= 0; j++)
        for (int k = 0; k < 128; k++) {
            double u = ldexp(1 + k / 128., j);
            real x = real_double(f, u);
            if (real_above_0(real_sub(x, limit)))
                continue;
            real excess = real_sub(real_double(f, q_of(u)), one), square = real_square(x);
            certify(e, "q(u) - 1 <= 2.02 u^2, all bfloat16 u from 2^-5 to 1.0079",
                    real_sub(real_mul(constant, square), excess));
            most = real_max(most, real_div(excess, square));
            count++;
        }
    number(e, "largest (q(u) - 1) / u^2", most);
    number(e, "how many u", real_whole(f, (long)count));
    must_fail(e, "1.9 for 2.02", real_sub(real_decimal(f, "1.9"), most));
    real mean = real_add(one, PRODUCT(constant, real_square(limit), real_fraction(f, 1, 576)));
    certify(e, "mean (1 + 2^-12) <= 1 + 2^-8 for N = 576",
            real_sub(real_fraction(f, 257, 256), real_mul(mean, real_fraction(f, 4097, 4096))));
    certify(e, "(1 + 2^-8) / ((1 - 2^-8) (1 - 2^-15)) <= 1.0079",
            real_sub(limit, real_mul(real_fraction(f, 257, 255), real_fraction(f, 32768, 32767))));
}

/* Besides, the mean itself for one entry 1 among zeros. */
static void run(struct evidence *e)
{
    const struct field *f = &e->field;
    all_numbers(e);
    real spike = real_sub(real_double(f, q_of(1)), real_whole(f, 1));
    certify_fact(e, "N = 1024, one entry 1: the mean rounds to 1", mean_of(f, spike, 1024) == 1);
    must_differ(e, "N = 64, one entry 1: the mean rounds to 1", real_double(f, mean_of(f, spike, 64)),
                real_whole(f, 1));
    MPFR_DECL_INIT(x, BF16);
    mpfr_set_d(x, 1 + 1e-8, MPFR_RNDN);
    certify_fact(e, "1 + 1e-8 rounds to 1", mpfr_cmp_ui(x, 1) == 0);
}

const struct claim claim_au_bf16 = {
    "AU-bf16", "AuON", "in bfloat16 out = U bit for bit for N >= 576 entries: cosh is a no-op", "ours", CLAIM_PROVED,
    "au_bf16", run};
