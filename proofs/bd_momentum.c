#include "forms.h"

enum { ROUNDINGS = 5 };

/* A number, and a bound of how far what is computed for it may be off. */
struct uncertain {
    real at, error;
};

static bool is_average(real a, real b)
{
    return real_sign(real_sub(real_add(a, b), real_whole(a->field, 1)), "a + b - 1") == 0;
}

/* factor u / (1 - 16 u) (|x| + w |y|) + 4 least, and what is inherited. */
static struct uncertain combined(const struct format *format, real factor, real weight, real a, struct uncertain x,
                                 real b, struct uncertain y)
{
    const struct field *f = a->field;
    real u = format_roundoff(f, format), one = real_whole(f, 1);
    real size = real_add(real_add(real_abs(x.at), x.error), real_mul(weight, real_add(real_abs(y.at), y.error)));
    real made = real_div(PRODUCT(factor, u, size), real_sub(one, real_mul(real_whole(f, 16), u)));
    return (struct uncertain){real_add(real_mul(a, x.at), real_mul(b, y.at)),
                              SUM(real_mul(real_abs(a), x.error), real_mul(real_abs(b), y.error), made,
                                  real_mul(real_whole(f, 4), format_least(f, format)))};
}

static struct uncertain claimed(const struct format *format, real a, struct uncertain x, real b, struct uncertain y)
{
    const struct field *f = a->field;
    struct uncertain bound =
        combined(format, real_whole(f, 4), is_average(a, b) ? real_whole(f, 1) : real_abs(b), a, x, b, y);
    bound.error = real_add(bound.error, real_mul(format_least(f, format), real_add(real_abs(y.at), y.error)));
    return bound;
}

static struct uncertain exactly(real x)
{
    return (struct uncertain){x, real_whole(x->field, 0)};
}

static real slack_of(struct uncertain bound, real computed)
{
    return real_sub(bound.error, real_abs(real_sub(computed, bound.at)));
}

/* ---- the vertices of the standard model -------------------------------------------------------------------------- */

static void vertices(struct evidence *e, size_t k)
{
    static const long pairs[][2] = {{0, 16}, {1, 15},  {8, 8},   {15, 1}, {16, 0}, /* 16 a, 16 b: averages, */
                                    {16, 4}, {15, 16}, {16, 16}, {15, 48}};        /* and others */
    static const long values[] = {16, -16, 1, -1, 0};
    const struct field *f = &e->field;
    const struct format *format = &floating_formats[3];
    real a = real_fraction(f, pairs[k][0], 16), b = real_fraction(f, pairs[k][1], 16);
    size_t forms = is_average(a, b) ? FORMS : FORM_FORWARD;
    for (size_t place = 0; place < 25; place += e->quick ? 3 : 1) {
        struct uncertain x = exactly(real_fraction(f, values[place % 5], 16)),
                         y = exactly(real_fraction(f, values[place / 5], 16)), bound = claimed(format, a, x, b, y);
        for (size_t way = 0; way < 2 * forms; way++)
            for (unsigned long signs = 0; signs < 1ul << ROUNDINGS; signs++) {
                const struct rounding_mode mode = {format, true, signs};
                bool complement = way >= forms;
                if (complement && forms < FORMS)
                    continue;
                certify(e, "every form, at every vertex of the model",
                        slack_of(bound, written(mode, (enum form)(way % forms), complement, a, x.at, b, y.at)));
            }
    }
}

/* ---- rounding to nearest ------------------------------------------------------------------------------------------- */

/* m' = a m + b g, u = a m' + b g, in any form. */
static void check_nearest(struct evidence *e, const char *what, const struct format *format, real a, real m, real g)
{
    const struct field *f = &e->field;
    const struct rounding_mode mode = {format, false, 0};
    real b = real_sub(real_whole(f, 1), a);
    struct uncertain next = claimed(format, a, exactly(m), b, exactly(g)), u = claimed(format, a, next, b, exactly(g));
    for (size_t way = 0; way < 2 * FORMS; way++) {
        enum form form = (enum form)(way % FORMS);
        real computed = written(mode, form, way >= FORMS, a, m, b, g);
        certify(e, what, slack_of(next, computed));
        certify(e, what, slack_of(u, written(mode, form, way >= FORMS, a, computed, b, g)));
    }
}

/* bfloat16: all significands of g against one of m, for a buffer of an eighth of the gradient's size. */
static void nearest_significands(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    real m = real_fraction(f, 128 + (long)(37 * k % 128), 1024),
         beta[] = {real_fraction(f, 15, 16), real_double(f, 0.95)};
    for (long g = 0; g < 128; g += e->quick ? 9 : 1)
        for (size_t l = 0; l < 2; l++)
            check_nearest(e, "bfloat16 to nearest, m' and u", &floating_formats[3], beta[l], m,
                          real_fraction(f, k % 2 ? -128 - g : 128 + g, 128));
}

/* binary16: the least numbers. */
static void nearest_subnormal(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    real least = format_least(f, &floating_formats[2]), m = real_mul(real_whole(f, (long)k - 8), least);
    for (long g = -12; g <= 12; g += e->quick ? 5 : 1)
        check_nearest(e, "binary16 to nearest, subnormal", &floating_formats[2], real_fraction(f, 15, 16), m,
                      real_mul(real_whole(f, g), least));
}

/* ---- bias correction ------------------------------------------------------------------------------------------------- */

static unsigned long roundings_of_power(unsigned long t)
{
    return t > 2 ? 2 * t : t + 1;
}

/* r = (k p / (1 - p) + 2) u, p = beta^t; false unless r <= 1/6 and k u <= 1/16. */
static bool relative_of(real *r, real *power, real u, real beta, unsigned long t)
{
    const struct field *f = u->field;
    real one = real_whole(f, 1), roundings = real_whole(f, (long)roundings_of_power(t));
    *power = real_power(beta, t);
    *r = real_mul(real_add(real_div(real_mul(roundings, *power), real_sub(one, *power)), real_whole(f, 2)), u);
    return real_at_least_0(real_sub(real_fraction(f, 1, 6), *r)) &&
           real_at_least_0(real_sub(real_fraction(f, 1, 16), real_mul(roundings, u)));
}

/* The relative slack of 1.25 r at a vertex: all roundings of the power one way. */
static real bias_slack(real r, real power, real u, unsigned long t, unsigned signs)
{
    const struct field *f = u->field;
    real one = real_whole(f, 1), up = real_add(one, u), down = real_sub(one, u);
    real computed = real_mul(power, real_power(signs & 1 ? up : down, roundings_of_power(t)));
    real rest = real_mul(real_sub(one, computed), signs & 2 ? up : down);
    real quotient = real_div(real_mul(real_sub(one, power), signs & 4 ? up : down), rest);
    return real_sub(real_mul(real_fraction(f, 5, 4), r), real_abs(real_sub(quotient, one)));
}

static void bias(struct evidence *e, size_t k)
{
    static const char *const betas[] = {"0.5", "0.9", "0.9375", "0.95", "0.99", "0.999"};
    const struct field *f = &e->field;
    real u = format_roundoff(f, &floating_formats[k % FLOATING_FORMATS]);
    for (unsigned long t = 1; t <= 12; t++) {
        real r, power;
        if (!relative_of(&r, &power, u, real_decimal(f, betas[k / FLOATING_FORMATS]), t))
            continue;
        for (unsigned signs = 0; signs < 8; signs++)
            certify(e, "x / (1 - beta^t), relatively: 1.25 r", bias_slack(r, power, u, t, signs));
    }
}

/* ---- what must fail ---------------------------------------------------------------------------------------------------- */

static void counter(struct evidence *e)
{
    const struct field *f = &e->field;
    const struct format *format = &floating_formats[3];
    const struct rounding_mode up = {format, true, ~0ul}, nearest = {format, false, 0};
    real zero = real_whole(f, 0), one = real_whole(f, 1), a = real_fraction(f, 15, 16), b = real_fraction(f, 1, 16),
         u = format_roundoff(f, format), r, power;
    real weighted = combined(format, real_whole(f, 4), b, a, exactly(zero), b, exactly(one)).error;
    real computed = written(up, FORM_BACKWARD, false, a, zero, b, one);
    must_fail(e, "(1 - beta) |g| where g + beta (m - g) is written, m = 0",
              real_sub(weighted, real_abs(real_sub(computed, b))));
    real m = real_fraction(f, 17, 256), g = real_fraction(f, 161, 128), at = real_add(real_mul(a, m), real_mul(b, g));
    weighted = combined(format, real_whole(f, 4), b, a, exactly(m), b, exactly(g)).error;
    computed = written(nearest, FORM_BACKWARD, false, a, m, b, g);
    must_fail(e, "the same to nearest in bfloat16, m = 17/256, g = 161/128",
              real_sub(weighted, real_abs(real_sub(computed, at))));
    real less = combined(format, real_fraction(f, 7, 2), one, a, exactly(one), b, exactly(zero)).error;
    must_fail(e, "3.5 u in place of 4 u, g + beta (m - g), g = 0",
              real_sub(less, real_abs(real_sub(written(up, FORM_BACKWARD, false, a, one, b, zero), a))));
    real hundred = real_whole(f, 100), least = format_least(f, format),
         subnormal = real_mul(real_fraction(f, 3, 2), least);
    struct uncertain sum = claimed(format, one, exactly(zero), subnormal, exactly(hundred));
    computed = written(nearest, FORM_WEIGHTED, false, one, zero, subnormal, hundred);
    certify(e, "a subnormal constant, to nearest", slack_of(sum, computed));
    must_fail(e, "without least |y|: b = 3/2 least, y = 100",
              slack_of(combined(format, real_whole(f, 4), subnormal, one, exactly(zero), subnormal, exactly(hundred)),
                       computed));
    relative_of(&r, &power, u, real_decimal(f, "0.99"), 1);
    must_fail(e, "1.25 r in bfloat16 for beta = 0.99, t = 1: r > 1/6", bias_slack(r, power, u, 1, 5));
}

static void run(struct evidence *e)
{
    each(e, 9, vertices);
    each(e, instances(e, 24, 4), nearest_significands);
    each(e, 17, nearest_subnormal);
    each(e, 6 * FLOATING_FORMATS, bias);
    counter(e);
}

const struct claim claim_bd_momentum = {
    "BD-momentum",
    "The judge's bounds",
    "beta m + (1 - beta) g, however written: off by 4 u / (1 - 16 u) (|m| + |g|) + (4 + |g|) least, and what m, g are",
    "ours; model: Higham 2002",
    CLAIM_PROVED,
    "bd_momentum",
    run};
