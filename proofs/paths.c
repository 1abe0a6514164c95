#include "paths.h"

struct noise noise_two(real a, real b, struct matrix shape)
{
    real p = real_div(b, real_add(a, b)), one = real_whole(a->field, 1);
    return (struct noise){2, {p, real_sub(one, p)}, {matrix_scale(a, shape), matrix_scale(real_neg(b), shape)}};
}

struct noise noise_three(real a, struct matrix shape)
{
    const struct field *f = a->field;
    real quarter = real_fraction(f, 1, 4), half = real_fraction(f, 1, 2), zero = real_whole(f, 0);
    return (struct noise){3,
                          {quarter, quarter, half},
                          {matrix_scale(a, shape), matrix_scale(real_neg(a), shape), matrix_scale(zero, shape)}};
}

real noise_left(real alpha, size_t k)
{
    real one = real_whole(alpha->field, 1), two = real_whole(alpha->field, 2);
    real q = real_power(real_sub(one, alpha), 2 * k);
    return real_add(q, real_mul(real_div(alpha, real_sub(two, alpha)), real_sub(one, q)));
}

struct matrix noise_mean(const struct noise *n)
{
    struct matrix mean = matrix_scale(n->probability[0], n->value[0]);
    for (size_t k = 1; k < n->outcomes; k++)
        mean = matrix_add(mean, matrix_scale(n->probability[k], n->value[k]));
    return mean;
}

real noise_variance(const struct noise *n)
{
    real sum = real_whole(n->probability[0]->field, 0);
    for (size_t k = 0; k < n->outcomes; k++)
        sum = real_add(sum, real_mul(n->probability[k], matrix_square(n->value[k])));
    return sum;
}

/* One path: digit k of `path` in base `outcomes` is the outcome of the noise of step k. Returns its probability. */
static real walk(real *stats, size_t path, const struct problem *p, const struct method *method,
                 const struct noise *noise, bool orthogonalised, path_visit visit)
{
    const struct field *f = p->field;
    real one = real_whole(f, 1), rest = real_sub(one, method->alpha), weight = one;
    struct point at = {.x = method->from, .r = matrix_new(f, method->from.rows, method->from.cols)};
    struct matrix before = at.x;
    for (; at.k < method->steps; at.k++, path /= noise->outcomes) {
        size_t outcome = path % noise->outcomes;
        weight = real_mul(weight, noise->probability[outcome]);
        at.gradient = problem_gradient(p, at.x);
        struct matrix y =
            method->factor ? matrix_add(at.x, matrix_scale(method->factor, matrix_sub(at.x, before))) : at.x;
        struct matrix at_y = method->factor ? problem_gradient(p, y) : at.gradient;
        struct matrix g = matrix_add(at_y, noise->value[outcome]);
        if (orthogonalised)
            g = matrix_orth(g);
        at.m_before = at.k ? at.m : g;
        at.m = at.k ? matrix_mix(rest, at.m, method->alpha, g) : g;
        at.error = matrix_sub(at.m, at.gradient);
        visit(p, method, &at, stats);
        struct matrix centre = method->beta ? matrix_scale(real_sub(one, method->beta), at.x) : at.x;
        before = at.x;
        at.x = orthogonalised ? matrix_mix(one, at.x, real_neg(method->eta), at.m)
                              : trust_region_step(method, at.m, centre, &at.r);
    }
    at.gradient = problem_gradient(p, at.x);
    at.m_before = at.m;
    visit(p, method, &at, stats);
    return weight;
}

void visit_end(const struct problem *p, const struct method *m, const struct point *at, real *stats)
{
    if (at->k != m->steps)
        return;
    stats[0] = matrix_trace(at->x);
    stats[1] = problem_value(p, at->x);
}

void expect(struct evidence *e, real *mean, size_t count, const struct problem *p, const struct method *m,
            const struct noise *noise, bool orthogonalised_gradients, path_visit visit)
{
    real zero = real_whole(&e->field, 0), total = zero;
    real sums[PATH_MEANS + 1];
    size_t paths = 1;
    for (size_t k = 0; k < m->steps; k++)
        paths *= noise->outcomes;
    for (size_t j = 0; j <= count; j++)
        sums[j] = zero;
    certify_equal(e, "E n = 0", matrix_square(noise_mean(noise)), zero);
    for (size_t path = 0; path < paths; path++) {
        struct work_block *mark = work_mark(e->field.w);
        real stats[PATH_MEANS];
        for (size_t j = 0; j < count; j++)
            stats[j] = zero;
        real weight = walk(stats, path, p, m, noise, orthogonalised_gradients, visit);
        for (size_t j = 0; j < count; j++)
            sums[j] = real_add(sums[j], real_mul(weight, stats[j]));
        sums[count] = real_add(sums[count], weight);
        real_keep(e->field.w, mark, sums, count + 1);
    }
    total = sums[count];
    certify_equal(e, "the probabilities sum to 1", total, real_whole(&e->field, 1));
    for (size_t j = 0; j < count; j++)
        mean[j] = sums[j];
}
