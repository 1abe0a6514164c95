#include "quintic.h"

/* max |p'(t)| over 0 <= t <= s: at the ends or where p'' = 0: t^2 = -3 b / (10 c). */
static real lipschitz(const struct quintic *p, real s)
{
    const struct field *f = s->field;
    real most = real_max(real_abs(p->a), real_abs(quintic_slope(p, s)));
    if (real_sign(p->c, "a coefficient") == 0)
        return most;
    real square = real_div(real_mul(real_whole(f, -3), p->b), real_mul(real_whole(f, 10), p->c));
    if (real_sign(square, "a square") > 0 && real_sign(real_sub(real_square(s), square), "an end") > 0)
        most = real_max(most, real_abs(quintic_slope(p, real_root(square))));
    return most;
}

static struct matrix apply(const struct quintic *p, struct matrix x)
{
    struct matrix g = matrix_product(x, matrix_transpose(x)), square = matrix_product(g, g);
    return matrix_mix(p->a, x, real_whole(p->a->field, 1), matrix_product(matrix_mix(p->b, g, p->c, square), x));
}

static void instance(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    uint64_t seed = k;
    const struct assay_coefficients *table = assay_coefficient_tables[k % assay_coefficient_table_count];
    struct quintic p = quintic_of(f, table->triples[k / 2 % table->count]);
    struct matrix x = matrix_random(f, 2 + k % 3, 2, &seed), d = matrix_random(f, 2 + k % 3, 2, &seed);
    x = matrix_scale(real_fraction(f, 1, 2), x);
    struct matrix y = matrix_mix(real_whole(f, 1), x, real_fraction(f, 1, 4ul << 2 * (k % 6)), d);
    real s =
        real_middle(real_enclose(real_add(real_max(matrix_spectral(x), matrix_spectral(y)), real_double(f, 0x1p-20))));
    real moved = matrix_frobenius(matrix_sub(apply(&p, x), apply(&p, y)));
    certify(e, "||p(X) - p(Y)||_F <= max |p'| ||X - Y||_F",
            real_sub(real_mul(lipschitz(&p, s), matrix_frobenius(matrix_sub(x, y))), moved));
}

static void sharp(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct quintic p = quintic_jordan(f);
    struct matrix zero = matrix_new(f, 3, 2), x = matrix_from(f, 3, 2, (long[]){3, -4, 4, 3, 0, 0}, 5ul << (8 + k));
    real constant = lipschitz(&p, real_whole(f, 1)), moved = matrix_frobenius(apply(&p, x));
    number_printed(e, "max |p'| on [0, 1], Jordan's", constant, "3.4445");
    certify(e, "near 0", real_sub(real_mul(constant, matrix_frobenius(matrix_sub(x, zero))), moved));
    must_fail(e, "0.99 of the constant",
              real_sub(PRODUCT(real_fraction(f, 99, 100), constant, matrix_frobenius(x)), moved));
}

/* X and Y beside each other, t and t - 1/1000 times one orthogonal matrix: where |p'| is largest at the end s,
 * Jordan's; and where it is so between, x^5 - x^3, p'' = 0 at t^2 = 3/10. */
static void elsewhere(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    const struct quintic within = {real_whole(f, 0), real_whole(f, -1), real_whole(f, 1)};
    const struct quintic p = k ? within : quintic_jordan(f);
    struct matrix o = matrix_from(f, 2, 2, (long[]){3, -4, 4, 3}, 5);
    struct matrix x = matrix_scale(real_fraction(f, k ? 548 : 1200, 1000), o),
                  y = matrix_scale(real_fraction(f, k ? 547 : 1199, 1000), o);
    real bound = real_mul(lipschitz(&p, real_fraction(f, k ? 7 : 12, 10)), matrix_frobenius(matrix_sub(x, y)));
    real moved = matrix_frobenius(matrix_sub(apply(&p, x), apply(&p, y)));
    certify(e, "where |p'| is largest at s, or between", real_sub(bound, moved));
    must_fail(e, "0.99 of it there", real_sub(real_mul(real_fraction(f, 99, 100), bound), moved));
}

static void run(struct evidence *e)
{
    each(e, instances(e, 340, 51), instance);
    each(e, 4, sharp);
    each(e, 2, elsewhere);
}

const struct claim claim_ct_lipschitz = {"CT-lipschitz",
                                         "Certificates of ref/ and of the judge",
                                         "||p(X) - p(Y)||_F <= max |p'| ||X - Y||_F for odd p on singular values",
                                         "classical; proof in the text",
                                         CLAIM_PROVED,
                                         "ct_lipschitz",
                                         run};
