#include "floating.h"

/* Of two columns: sigma_1, sigma_2. */
static struct matrix values_of(struct matrix a)
{
    struct matrix s = matrix_new(a.at[0]->field, 1, 2);
    s.at[0] = matrix_spectral(a);
    s.at[1] = real_sub(matrix_nuclear(a), s.at[0]);
    return s;
}

/* t (1 + u) ||A||_F + u ||sigma(A)|| + sqrt(2) least / 2, without `dropped` of t u ||A||_F. */
static real bound_of(struct matrix a, real t, real u, real least, real dropped)
{
    const struct field *f = u->field;
    real size = matrix_frobenius(a), one = real_whole(f, 1);
    return SUM(PRODUCT(t, size, real_add(one, real_mul(real_sub(one, dropped), u))), real_mul(u, size),
               PRODUCT(real_root(real_whole(f, 2)), real_fraction(f, 1, 2), least));
}

/* Values of A + E, each multiplied by 1 + u or 1 - u, and moved by half of the least number. */
static void certify_moved(struct evidence *e, const char *what, struct matrix a, struct matrix direction)
{
    const struct field *f = &e->field;
    for (size_t k = 0; k < FLOATING_FORMATS; k++) {
        const struct format *format = &floating_formats[k];
        real u = format_roundoff(f, format), least = format_least(f, format), one = real_whole(f, 1);
        real t = PRODUCT(real_whole(f, 4), real_root(real_whole(f, (long)a.rows)), u);
        real length = real_div(real_mul(t, matrix_frobenius(a)), matrix_frobenius(direction));
        struct matrix s = values_of(a), moved = values_of(matrix_mix(one, a, length, direction));
        real bound = bound_of(a, t, u, least, real_whole(f, 0)), half = real_mul(real_fraction(f, 1, 2), least);
        for (unsigned signs = 0; signs < 4; signs++) {
            struct matrix rounded = matrix_new(f, 1, 2);
            for (size_t j = 0; j < 2; j++)
                rounded.at[j] = signs >> j & 1 ? real_add(real_mul(moved.at[j], real_add(one, u)), half)
                                               : real_sub(real_mul(moved.at[j], real_sub(one, u)), half);
            certify(e, what, real_sub(bound, matrix_frobenius(matrix_sub(rounded, s))));
        }
    }
}

static void instance(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    uint64_t seed = k;
    struct matrix a = matrix_random(f, 2 + k % 4, 2, &seed), direction = matrix_random(f, 2 + k % 4, 2, &seed);
    if (k % 3 == 1) /* nearly of rank one */
        for (size_t i = 0; i < a.rows; i++)
            a.at[2 * i + 1] = real_add(a.at[2 * i], real_mul(real_fraction(f, 1, 4096), a.at[2 * i + 1]));
    if (k % 3 == 2) /* subnormal: halves of the least number of binary16 count */
        a = matrix_scale(power_of_two(f, -22), a);
    certify_moved(e, "values of A + E, rounded", a, direction);
}

/* E = t A, every value rounded up: nothing but sqrt(2) least / 2 is left. */
static void sharp(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    const struct format *format = &floating_formats[k];
    struct matrix a = matrix_from(f, 2, 2, (long[]){3, 0, 0, 4}, 1);
    real u = format_roundoff(f, format), zero = real_whole(f, 0), one = real_whole(f, 1);
    real t = real_mul(real_whole(f, 8), u);
    real error = real_mul(matrix_frobenius(a), real_sub(real_mul(real_add(one, t), real_add(one, u)), one));
    certify_equal(e, "E = t A, rounded up: equality", bound_of(a, t, u, zero, zero), error);
    must_fail(e, "without t u ||A||_F", real_sub(bound_of(a, t, u, zero, one), error));
}

/* The two values of diag(3/2, 5/2) least, of which every number of the format is half of the least number away. */
static void counter(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    const struct format *format = &floating_formats[k];
    real least = format_least(f, format), u = format_roundoff(f, format), zero = real_whole(f, 0);
    struct matrix a = matrix_scale(least, matrix_from(f, 2, 2, (long[]){3, 0, 0, 5}, 2));
    real t = real_mul(real_whole(f, 8), u), square = zero;
    for (size_t j = 0; j < 4; j += 3)
        square = real_add(square, real_square(real_sub(nearest_to(format, a.at[j]), a.at[j])));
    certify(e, "subnormal values, to nearest", real_sub(bound_of(a, t, u, least, zero), real_root(square)));
    if (k > 0 && k < 3) /* in binary64 like these; bfloat16's own 8 u are enough */
        must_fail(e, "without sqrt(k) least / 2", real_sub(bound_of(a, t, u, zero, zero), real_root(square)));
}

static void run(struct evidence *e)
{
    each(e, instances(e, 60, 12), instance);
    each(e, FLOATING_FORMATS, sharp);
    each(e, FLOATING_FORMATS, counter);
}

const struct claim claim_bd_weyl = {"BD-weyl",
                                    "The judge's bounds",
                                    "||s - sigma(A)|| <= t (1 + u) ||A||_F + u ||A||_F + sqrt(k) least / 2 for s = "
                                    "sigma(A + E) rounded, ||E|| <= t ||A||",
                                    "Mirsky 1960; model ours",
                                    CLAIM_PROVED,
                                    "bd_weyl",
                                    run};
