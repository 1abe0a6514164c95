#include "quintic.h"

struct quintic quintic_jordan(const struct field *f)
{
    return (struct quintic){real_decimal(f, "3.4445"), real_decimal(f, "-4.7750"), real_decimal(f, "2.0315")};
}

struct quintic quintic_of(const struct field *f, struct assay_triple t)
{
    return (struct quintic){real_double(f, t.a), real_double(f, t.b), real_double(f, t.c)};
}

real quintic_value(const struct quintic *p, real x)
{
    real square = real_square(x);
    return real_mul(x, real_add(p->a, real_mul(square, real_add(p->b, real_mul(p->c, square)))));
}

real quintic_slope(const struct quintic *p, real x)
{
    real square = real_square(x), three = real_whole(x->field, 3), five = real_whole(x->field, 5);
    return real_add(p->a, real_mul(square, real_add(real_mul(three, p->b), PRODUCT(five, p->c, square))));
}

real quintic_repeat(const struct quintic *p, real x, size_t times)
{
    for (size_t k = 0; k < times; k++)
        x = quintic_value(p, real_enclose(x));
    return x;
}

/* 5 c t^2 + 3 b t + a = 0 for t = x^2. */
size_t quintic_critical(const struct quintic *p, real points[2])
{
    const struct field *f = p->a->field;
    real b = real_mul(real_whole(f, 3), p->b), c = real_mul(real_whole(f, 5), p->c), zero = real_whole(f, 0);
    if (real_sign(p->c, "a coefficient") == 0) {
        real t = real_neg(real_div(p->a, b));
        points[0] = real_root(t);
        return real_sign(t, "a square") > 0;
    }
    real rest = real_sub(real_square(b), PRODUCT(real_whole(f, 4), p->a, c)), two = real_whole(f, 2);
    if (real_sign(rest, "a discriminant") <= 0)
        return 0;
    real root = real_root(rest), t[2] = {real_div(real_sub(real_neg(b), root), real_mul(two, c)),
                                         real_div(real_sub(root, b), real_mul(two, c))};
    size_t count = 0;
    for (size_t k = 0; k < 2; k++)
        if (real_sign(real_sub(t[k], zero), "a square") > 0)
            points[count++] = real_root(t[k]);
    return count;
}

struct range quintic_image(const struct quintic *p, struct range x)
{
    real points[2], low = quintic_value(p, x.lo), high = quintic_value(p, x.hi);
    struct range y = {real_min(low, high), real_max(low, high)};
    size_t count = quintic_critical(p, points);
    for (size_t k = 0; k < count; k++)
        if (real_sign(real_sub(points[k], x.lo), "a critical point") > 0 &&
            real_sign(real_sub(x.hi, points[k]), "a critical point") > 0) {
            real value = quintic_value(p, points[k]);
            y = (struct range){real_min(y.lo, value), real_max(y.hi, value)};
        }
    return y;
}
