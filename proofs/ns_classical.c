#include "quintic.h"

#include <stdio.h>

static struct quintic classical(const struct field *f, bool five)
{
    return five ? (struct quintic){real_fraction(f, 15, 8), real_fraction(f, -10, 8), real_fraction(f, 3, 8)}
                : (struct quintic){real_fraction(f, 3, 2), real_fraction(f, -1, 2), real_whole(f, 0)};
}

/* Eight points decide identities of degree 5. */
static void identities(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct quintic cubic = classical(f, false), quintic = classical(f, true);
    real x = real_fraction(f, (long)k - 3, 2), one = real_whole(f, 1), two = real_whole(f, 2), eight = real_whole(f, 8);
    real rest = real_sub(one, x), square = real_square(x), away = real_square(real_sub(one, square));
    certify_equal(e, "cubic: 1 - p = (1-x)^2 (2+x) / 2", real_sub(one, quintic_value(&cubic, x)),
                  real_div(PRODUCT(rest, rest, real_add(two, x)), two));
    real last = SUM(eight, real_mul(real_whole(f, 9), x), real_mul(real_whole(f, 3), square));
    certify_equal(e, "quintic: 1 - p = (1-x)^3 (8 + 9x + 3x^2) / 8", real_sub(one, quintic_value(&quintic, x)),
                  real_div(PRODUCT(rest, rest, rest, last), eight));
    certify_equal(e, "quintic: p' = 15/8 (1 - x^2)^2", quintic_slope(&quintic, x),
                  real_mul(real_fraction(f, 15, 8), away));
    certify_equal(e, "cubic: p' = 3/2 (1 - x^2)", quintic_slope(&cubic, x),
                  real_mul(real_fraction(f, 3, 2), real_sub(one, square)));
    certify_equal(e, "cubic: p(x) = x (3 - x^2) / 2, zero at sqrt 3", quintic_value(&cubic, x),
                  real_div(real_mul(x, real_sub(real_whole(f, 3), square)), two));
    real basin = real_mul(real_sub(real_mul(real_whole(f, 3), square), real_whole(f, 7)), real_sub(square, one));
    certify_equal(e, "quintic: p(x) - x = x (3x^2 - 7)(x^2 - 1) / 8", real_sub(quintic_value(&quintic, x), x),
                  real_div(real_mul(x, basin), eight));
}

static void steps(struct evidence *e, bool five)
{
    static const char *const from[] = {"1e-3", "0.01", "0.1", "0.5"};
    static const size_t counts[2][4] = {{22, 17, 11, 7}, {15, 11, 7, 5}};
    const struct field *f = &e->field;
    struct quintic p = classical(f, five);
    real one = real_whole(f, 1), small = real_decimal(f, "1e-16");
    for (size_t k = 0; k < 4; k++) {
        real l = real_decimal(f, from[k]);
        certify(e, "1 - p^k(l) < 1e-16 after the stated steps",
                SUM(small, real_neg(one), quintic_repeat(&p, l, counts[five][k])));
        must_fail(e, "one step fewer", SUM(small, real_neg(one), quintic_repeat(&p, l, counts[five][k] - 1)));
    }
    number_printed(e, five ? "quintic p^5(1e-3)" : "cubic p^5(1e-3)", quintic_repeat(&p, real_decimal(f, "1e-3"), 5),
                   five ? ".023171" : ".0075936");
    number_printed(e, five ? "quintic p^5(0.1)" : "cubic p^5(0.1)", quintic_repeat(&p, real_decimal(f, "0.1"), 5),
                   five ? ".995849" : ".658719");
}

static void run(struct evidence *e)
{
    each(e, 8, identities);
    steps(e, false);
    steps(e, true);
}

const struct claim claim_ns_classical = {
    "NS-classical",
    "Newton-Schulz",
    "the classical cubic and quintic increase on [0, 1] and converge to 1, of order 2 and 3",
    "classical",
    CLAIM_PROVED,
    "ns_classical",
    run};
