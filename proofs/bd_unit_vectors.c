#include "floating.h"

/* X = (N / 2 + 2) u_s + 4 u */
static real first_order(real sums, real u, long count)
{
    const struct field *f = u->field;
    return real_add(real_mul(real_add(real_fraction(f, count, 2), real_whole(f, 2)), sums),
                    real_mul(real_whole(f, 4), u));
}

/* X / (1 - X) */
static real bound_of(real sums, real u, long count)
{
    real x = first_order(sums, u, count);
    return real_div(x, real_sub(real_whole(u->field, 1), x));
}

/* The largest relative error of the model: c, c / n and its product with x go one way; every product and sum under the
 * root, the root and its conversion to the format the other. */
static real vertex(real sums, real u, long count, bool up)
{
    const struct field *f = u->field;
    real one = real_whole(f, 1), more = real_add(one, u), less = real_sub(one, u);
    real above = real_power(up ? more : less, 3), beside = up ? real_sub(one, sums) : real_add(one, sums);
    real below = PRODUCT(up ? less : more, beside, real_root(real_power(beside, (unsigned long)count)));
    return real_abs(real_sub(real_div(above, below), one));
}

static void model(struct evidence *e, size_t k)
{
    static const long counts[] = {1, 2, 3, 6, 24, 192, 2048, 4096, 65536};
    const struct field *f = &e->field;
    size_t which = k % FLOATING_FORMATS;
    real u = format_roundoff(f, &floating_formats[which]),
         sums = format_roundoff(f, &floating_formats[which == 0 ? 0 : 1]);
    for (size_t l = 0; l < sizeof counts / sizeof counts[0]; l++)
        for (size_t up = 0; up < 2; up++)
            certify(e, "every rounding the worst way",
                    real_sub(bound_of(sums, u, counts[l]), vertex(sums, u, counts[l], up)));
    if (which >= 2) /* binary64's and binary32's own spare rounding pays for its second order */
        must_fail(e, "X in place of X / (1 - X), N = 24",
                  real_sub(first_order(sums, u, 24), vertex(sums, u, 24, true)));
    real less = real_sub(bound_of(sums, u, 24), real_mul(real_whole(f, 2), u));
    must_fail(e, "2 u in place of 4 u, N = 24", real_sub(less, vertex(sums, u, 24, true)));
}

/* r sqrt(m) x / ||x|| as computed: squares and sums rounded to `sums`, everything else to the format, to nearest. */
static void nearest(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    const struct format *format = &floating_formats[k % FLOATING_FORMATS],
                        *sums = &floating_formats[k % FLOATING_FORMATS == 0 ? 0 : 1];
    uint64_t seed = k;
    size_t count = 1 + k % 13;
    struct matrix x = matrix_random(f, 1, count, &seed), d = matrix_new(f, 1, count);
    real square = real_whole(f, 0), constant = real_root(real_fraction(f, 3 + (long)(k % 7), 5));
    for (size_t j = 0; j < count; j++) {
        x.at[j] = nearest_to(format, x.at[j]);
        real product = real_square(x.at[j]);
        product = k / 4 % 2 ? product : nearest_to(sums, product); /* fused, or not */
        square = nearest_to(sums, real_add(square, product));
    }
    real length = nearest_to(format, nearest_to(sums, real_root(square)));
    real factor = nearest_to(format, real_div(nearest_to(format, constant), length));
    for (size_t j = 0; j < count; j++)
        d.at[j] = nearest_to(format, real_mul(factor, x.at[j]));
    real bound = bound_of(format_roundoff(f, sums), format_roundoff(f, format), (long)count);
    struct matrix exact = matrix_scale(real_div(constant, matrix_frobenius(x)), x);
    certify(e, "to nearest, random vectors",
            real_sub(real_mul(bound, constant), matrix_frobenius(matrix_sub(d, exact))));
}

static void run(struct evidence *e)
{
    each(e, FLOATING_FORMATS, model);
    each(e, instances(e, 400, 80), nearest);
}

const struct claim claim_bd_unit_vectors = {
    "BD-unit-vectors",
    "The judge's bounds",
    "x / ||x|| of N numbers, relatively: at most X / (1 - X), X = (N / 2 + 2) u_s + 4 u for sums in unit roundoff u_s",
    "ours; model: Higham 2002",
    CLAIM_PROVED,
    "bd_unit_vectors",
    run};
