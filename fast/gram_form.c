/* Steps of Newton-Schulz on A = X X^T alone, for bf16: with P_k = a_k I + b_k A_k + c_k A_k A_k,
 *
 *     A_{k+1} = P_k A_k P_k,   Q_{k+1} = P_k Q_k,   Y = Q X,
 *
 * so X, the long matrix, is multiplied once for several steps and not three times for each. Source: Dao-AILab's
 * gram-newton-schulz. X and Y are in bf16. All others are symmetric and commute, so half of their entries are computed, in
 * fp32: in bf16, A would hold no eigenvalue below 2^-8.
 *
 * What it costs in accuracy. ||.|| is the Frobenius norm, p(x) = x P(x^2), x from 0 to s_k, a bound for the singular values
 * before step k; s_0 = 1 / min(1, norm_factor), as all normalisations divide by no less than the spectral norm times that.
 * The direct form multiplies an error F of X by at most the product of all max |p_k'|, the slopes; and rounding X to bf16 is
 * one of 2^-8 ||X||.
 *
 *   - A_0 has an error E, symmetric, of units of 2^-24. As f(A + E) - f(A) is at most max |f'| ||E|| (of first order in E;
 *     Daleckii & Krein 1965), an error of A_k becomes one of A_{k+1} that is max |P_k p_k'| times as large, for
 *     (t P^2)' = P p' with t = x^2; it enters P_k with max |P_k'(t)|, and Q with the product of all other max |P_j|; and
 *     ||Q X|| <= ||Q|| ||X||_2. So E becomes a multiple of itself in Y, its gain. Steps are taken together while that is at
 *     most 2^16 times the product of slopes: then E adds no more than what rounding X has cost. Jordan's five steps become
 *     one block;
 *   - Q is rounded to bf16 after the last step, if ||Q|| ||X||_2 <= 16 sqrt(r), with ||X||_2^2 <= ||A_0||. That changes Y by
 *     at most 2^-8 ||Q|| ||X||_2, which is 2^-4 of sqrt(r), the norm of Y where all singular values have come near 1; as its
 *     errors are of both signs, by far less. A Gaussian matrix of 1024 x 4096 has 6 for 16. Where X has singular values of
 *     very different size, or steps follow that would take one beyond 1.3 to infinity, Q stays in fp32.
 *
 * In fp32 there is nothing to spend: E and F are both of units of 2^-24, and the gain of two of Jordan's steps is 18 times
 * the slopes. The judge of the golden set refuses that form in some cases, even of two steps at a time; so fp32 is iterated
 * directly. */
#include "iteration.h"

#include <math.h>

static const double MOST_GAIN = 0x1p16; /* 2^-8 / 2^-24 */
static const double MOST_SIZE = 16;

/* max |p0 + p1 t + p2 t^2| for 0 <= t <= end */
static double largest(double p0, double p1, double p2, double end)
{
    double most = fmax(fabs(p0), fabs(p0 + (p1 + p2 * end) * end)), vertex = -p1 / (2 * p2);
    return vertex > 0 && vertex < end ? fmax(most, fabs(p0 + (p1 + p2 * vertex) * vertex)) : most;
}

/* max |p(x)| for 0 <= x <= s: at s, or where p' is 0. */
static double largest_value(struct assay_triple p, double s)
{
    double most = fabs(s * (p.a + (p.b + p.c * s * s) * s * s)), root = sqrt(9 * p.b * p.b - 20 * p.a * p.c);
    const double extrema[] = {(-3 * p.b + root) / (10 * p.c), (-3 * p.b - root) / (10 * p.c), -p.a / (3 * p.b)};
    for (size_t k = 0; k < 3; k++) {
        double t = extrema[k]; /* NaN where there is none */
        if (t > 0 && t < s * s)
            most = fmax(most, fabs(sqrt(t) * (p.a + (p.b + p.c * t) * t)));
    }
    return most;
}

/* What steps do to errors: the product of max |p'|, that of max |P|; by how much E has grown in A, and in Q. */
struct growth {
    double slopes, factors, of_a, of_q;
};

/* After one more step, of singular values up to *s, which it changes, too. */
static struct growth after_step(struct growth g, struct assay_triple p, double *s)
{
    double t = *s * *s, factor = largest(p.a, p.b, p.c, t), slope = largest(p.a, 3 * p.b, 5 * p.c, t);
    *s = largest_value(p, *s);
    return (struct growth){g.slopes * slope, g.factors * factor, g.of_a * factor * slope,
                           factor * g.of_q + fmax(fabs(p.b), fabs(p.b + 2 * p.c * t)) * g.of_a * g.factors};
}

/* The first step that is not taken together with step `from`. */
static size_t block_end(const struct assay_dialect *d, size_t from)
{
    struct growth g = {1, 1, 1, 0};
    double s = 1 / fmin(1, d->norm_factor);
    size_t to = from;
    for (size_t k = 0; k < from; k++)
        after_step(g, assay_dialect_triple(d, k), &s);
    g = after_step(g, assay_dialect_triple(d, to++), &s);
    for (; to < assay_dialect_steps(d); to++) {
        g = after_step(g, assay_dialect_triple(d, to), &s);
        if (!(g.of_q <= MOST_GAIN * g.slopes))
            break;
    }
    return to;
}

double gram_cost(const struct assay_dialect *d, double square, double ratio)
{
    double cost = 0;
    for (size_t k = 0, end; k < assay_dialect_steps(d); k = end) {
        end = block_end(d, k);
        cost += 3 * ratio + (end == k + 1 ? 1 : square * (4 * (double)(end - k) - 3));
    }
    return cost;
}

/* to = factor from + unit I, of a matrix in fp32 */
static void shift(const struct iteration *it, const struct operand *to, double factor, const struct operand *from,
                  double unit)
{
    const struct kernels *kernels = it->plan->kernels;
    size_t n = it->o.short_side, i;
    const struct finish by = {.alpha = (float)factor, .rows = 1, .cols = n};
    while ((i = team_next(it->team)) < n) {
        const float *row = (const float *)from->at + i * from->stride;
        if (to->bf16)
            kernels->finish_halves((uint16_t *)to->at + i * to->stride, row, NULL, &by);
        else
            kernels->finish_floats((float *)to->at + i * to->stride, row, NULL, &by);
        put(to, i, i, get(to, i, i) + (float)unit);
    }
    team_meet(it->team);
}

/* The sum of squares of the entries of a matrix in fp32: of rows, one after the other. */
static double sum_of_squares(const struct iteration *it, const struct operand *m)
{
    size_t n = it->o.short_side, i;
    double sum = 0;
    while ((i = team_next(it->team)) < n)
        it->work->rows[i] =
            it->plan->kernels->sums(&(struct mix){.m = (const float *)m->at + i * m->stride, .of_m = 1}, 0, n).squares;
    team_meet(it->team);
    for (i = 0; i < n; i++)
        sum += it->work->rows[i];
    team_meet(it->team);
    return sum;
}

/* q = Q of steps `from` up to, without, `to`, from a = A, which is lost, as s and `other`; these are swapped with q. */
static void multiply_steps(const struct iteration *it, size_t from, size_t to, const struct operand *a,
                           const struct operand *s, struct operand *q, struct operand *other)
{
    for (size_t k = from; k < to; k++) {
        struct assay_triple p = assay_dialect_triple(&it->plan->dialect, k);
        if (p.c != 0) /* P = S + a I */
            multiply(it, s, p.c, a, a, p.b, a, true);
        else
            shift(it, s, p.b, a, 0);
        if (k == from) {
            shift(it, q, 1, s, p.a);
        } else {
            struct operand previous = *q;
            multiply(it, other, 1, s, q, p.a, q, true);
            *q = *other;
            *other = previous;
        }
        if (k + 1 < to) {
            multiply(it, other, 1, a, s, p.a, a, true);
            multiply(it, a, 1, other, s, p.a, other, true);
        }
    }
}

size_t gram_steps(const struct iteration *it, size_t from, const struct operand *x, const struct operand *y)
{
    struct operand a = square_operand(it, it->work->gram, false), s = square_operand(it, it->work->sum, false);
    struct operand q = square_operand(it, it->work->power, false), other = square_operand(it, it->work->spare, false);
    size_t to = block_end(&it->plan->dialect, from);
    if (to == from + 1) {
        direct_step(it, assay_dialect_triple(&it->plan->dialect, from), x, y);
        return to;
    }
    gram(it, &a, x);
    double size = sqrt(sqrt(sum_of_squares(it, &a))) * sqrt(1 / (double)it->o.short_side);
    multiply_steps(it, from, to, &a, &s, &q, &other);
    if (to == assay_dialect_steps(&it->plan->dialect) && sqrt(sum_of_squares(it, &q)) * size <= MOST_SIZE) {
        other.bf16 = true;
        shift(it, &other, 1, &q, 0);
        q = other;
    }
    multiply(it, y, 1, &q, x, 0, NULL, false);
    return to;
}
