#include "forms.h"

static const struct format *wider(const struct format *format)
{
    return format->precision == 24 ? &floating_formats[0] : &floating_formats[1];
}

/* Whether every x with |x - z| <= off is rounded like z, and none is a tie. */
static bool surely(const struct format *format, real z, real off)
{
    off = real_add(off, PRODUCT(real_whole(z->field, 2), format_roundoff(z->field, wider(format)), real_abs(z)));
    real low = nearest_to(format, real_sub(z, off)), high = nearest_to(format, real_add(z, off));
    return real_sign(real_sub(high, low), "a difference of roundings") == 0;
}

/* The forms of 1/2 x + b y, b = 1/2 or 1, give `number`, computed in `inside` and rounded to the format. */
static void each_form(struct evidence *e, const char *what, const struct format *format, const struct format *inside,
                      real x, real b, real y, real number)
{
    const struct field *f = &e->field;
    const struct rounding_mode mode = {inside, false, 0};
    real half = real_fraction(f, 1, 2);
    bool average = real_sign(real_sub(b, half), "b - 1/2") == 0;
    for (enum form form = 0; form < (average ? FORMS : FORM_FORWARD); form++)
        for (int complement = 0; complement <= (average ? 1 : 0); complement++)
            certify_equal(e, what, nearest_to(format, written(mode, form, complement, half, x, b, y)), number);
}

/* m+ = m / 2 + b g, u = m+ / 2 + b g: step by step in the format, and all of it in the wider one. */
static void two_in_a_row(struct evidence *e, const struct format *format, real m, real b, real g)
{
    const struct field *f = &e->field;
    const struct rounding_mode wide = {wider(format), false, 0};
    real half = real_fraction(f, 1, 2), zero = real_whole(f, 0), fresh = real_mul(b, g);
    real next = real_add(real_mul(half, m), fresh), u = real_add(real_mul(half, next), fresh);
    real next_rounded = nearest_to(format, next), u_rounded = nearest_to(format, u);
    each_form(e, "the buffer, in the format", format, format, m, b, g, next_rounded);
    each_form(e, "the buffer, in the wider format", format, wider(format), m, b, g, next_rounded);
    each_form(e, "the direction's input, in the format", format, format, next_rounded, b, g, u_rounded);
    real kept = written(wide, FORM_WEIGHTED, false, half, m, b, g);
    each_form(e, "the direction's input, in the wider format", format, wider(format), kept, b, g, u_rounded);
    certify_fact(e, "far from ties", surely(format, next, zero) && surely(format, u, real_abs(real_sub(kept, next))));
}

static void numbers(struct evidence *e, const struct format *format, long buffer, long gradient, long parameter)
{
    const struct field *f = &e->field;
    real q = power_of_two(f, -format->precision), m = real_mul(real_whole(f, buffer), q),
         g = real_mul(real_whole(f, 2 * (gradient + parameter)), q);
    two_in_a_row(e, format, m, real_fraction(f, 1, 2), g);
    two_in_a_row(e, format, m, real_whole(f, 1), g);
}

/* bfloat16: all there are, 0.64 2^8 <= G < 0.85 2^8. */
static void bfloat16(struct evidence *e, size_t k)
{
    static const long buffers[] = {239, 241, 255};
    for (long gradient = 164; gradient < 216; gradient += e->quick ? 16 : 4)
        for (long parameter = -4; parameter <= 4; parameter += 4)
            numbers(e, &floating_formats[3], buffers[k], gradient, parameter);
}

static void others(struct evidence *e, size_t k)
{
    const struct format *format = &floating_formats[1 + k % 2];
    uint64_t seed = k;
    long top = 1L << format->precision;
    long buffer = top - 16 * (1 + (long)(next_bits(&seed) % (uint64_t)(top / 160))) + (next_bits(&seed) >> 63 ? 1 : -1);
    long gradient = 4 * (top * 13 / 80 + (long)(next_bits(&seed) % (uint64_t)(top / 20)));
    long parameter = 4 * ((long)(next_bits(&seed) % (uint64_t)(top * 3 / 200)) - top * 3 / 400);
    numbers(e, format, buffer, gradient, parameter);
}

static void run(struct evidence *e)
{
    const struct field *f = &e->field;
    const struct format *format = &floating_formats[3];
    each(e, 3, bfloat16);
    each(e, instances(e, 40, 8), others);
    real one = real_whole(f, 1), zero = real_whole(f, 0), tenth = real_double(f, 0.1), step = power_of_two(f, -8);
    for (size_t k = 1; k < FLOATING_FORMATS; k++) {
        real twice = nearest_to(&floating_formats[k], nearest_to(wider(&floating_formats[k]), tenth));
        certify_fact(e, "r = 1/10 is far from ties", surely(&floating_formats[k], tenth, zero));
        certify_equal(e, "r = 1/10, rounded twice", twice, nearest_to(&floating_formats[k], tenth));
    }
    const struct rounding_mode mode = {format, false, 0};
    real a = real_fraction(f, 15, 16), b = real_fraction(f, 1, 16), m = real_fraction(f, 133, 128), least = zero,
         most = zero;
    for (long g = 128; g < 256; g++) {
        real y = real_fraction(f, g, 128), way = real_sub(written(mode, FORM_WEIGHTED, false, a, m, b, y),
                                                          written(mode, FORM_ONCE, false, a, m, b, y));
        least = real_min(least, way);
        most = real_max(most, way);
    }
    must_differ(e, "beta = 15/16, m = 133/128 in bfloat16: forms, for some g", least, most);
    real near = SUM(one, step, power_of_two(f, -30));
    must_differ(e, "1 + 2^-8 + 2^-30 in bfloat16: rounded twice", nearest_to(format, nearest_to(wider(format), near)),
                nearest_to(format, near));
    certify_fact(e, "which is not far from a tie, nor is a tie",
                 !surely(format, near, zero) && !surely(format, real_add(one, step), zero));
}

const struct claim claim_bd_bits = {"BD-bits",
                                    "The judge's bounds",
                                    "where all operations but the last are exact, and no tie is near: every form gives "
                                    "the exact value rounded",
                                    "ours",
                                    CLAIM_PROVED,
                                    "bd_bits",
                                    run};
