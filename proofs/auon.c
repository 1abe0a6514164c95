#include "auon.h"

#include <math.h>

struct auon auon_of(struct matrix g, real gamma)
{
    const struct field *f = gamma->field;
    struct auon a;
    a.size = matrix_frobenius(g);
    real length = real_add(a.size, real_decimal(f, "1e-7")), sum = real_whole(f, 0);
    a.tau = real_div(a.size, length);
    for (size_t k = 0; k < matrix_count(g); k++)
        sum = real_add(sum, real_square(real_cosh(real_div(real_mul(gamma, g.at[k]), length))));
    a.r = real_root(real_div(sum, real_whole(f, (long)matrix_count(g))));
    a.scale = real_div(real_whole(f, 1), real_mul(length, real_add(a.r, real_decimal(f, "1e-8"))));
    return a;
}

struct matrix auon_direction(struct matrix g)
{
    return matrix_scale(auon_of(g, real_whole(g.at[0]->field, 1)).scale, g);
}

real auon_least(real t, size_t count)
{
    return real_cosh(real_div(t, real_root(real_whole(t->field, (long)count))));
}

real auon_most(real t, size_t count)
{
    real one = real_whole(t->field, 1);
    return real_root(real_add(one, real_div(real_square(real_sinh(t)), real_whole(t->field, (long)count))));
}

struct matrix auon_instance(const struct field *f, size_t k)
{
    uint64_t seed = k;
    struct matrix g = matrix_random(f, 1 + k % 6, 1 + k / 6 % 5, &seed);
    for (size_t j = 0; j < matrix_count(g) && k % 3 > 0; j++)
        g.at[j] = real_whole(f, k % 3 == 1 ? (j % 2 ? -1 : 1) : j == matrix_count(g) / 2);
    return matrix_scale(real_double(f, pow(10, (double)(k % 19) - 9)), g);
}
