#include "unit_vector.h"

#include "exact.h"

void unit_vector(struct work *w, struct ball *o, struct ball *norm, const struct rational **value, long num, long den,
                 const struct ball *g)
{
    /* With S = ||g||^2: sqrt(num / den) / ||g|| = sqrt(num den S) / (den S), and the root is exact if it is rational.
     */
    struct ball *square = ball_new(w, 1, 1, 2 * norm->prec), *radicand = ball_new(w, 1, 1, 2 * norm->prec);
    struct ball *root = ball_new(w, 1, 1, norm->prec), *product = ball_new(w, g->rows, g->cols, g->prec + norm->prec);
    const struct ball *divisor = ball_from_integer(w, den);
    ball_norm_sqr(w, square, g);
    if (ball_is_zero(square)) {
        ball_set(o, g);
        ball_set(norm, square);
        return;
    }
    ball_mul(radicand, ball_from_integer(w, num * den), square);
    ball_sqrt(root, radicand);
    ball_mul(product, root, g);
    ball_mul(square, divisor, square);
    ball_div(o, product, square);
    ball_div(norm, root, divisor);
    if (value && ball_is_exact(square) && ball_is_exact(product))
        *value = rational_quotient(w, product, square);
}
