#include "descent.h"

#include <stdio.h>

enum { KINDS_TRIED = 7, SHAPES = 2 };

static struct problem problem_of(const struct evidence *e, size_t k, uint64_t seed)
{
    return problem_new(&e->field, (enum problem_kind)(k % KINDS_TRIED), 2, 2 + k / KINDS_TRIED % SHAPES, seed);
}

/* L/2 ||d||^2 - (f(y) - f(x) - <g, d>) for d = y - x. */
static real smoothness_slack(const struct problem *p, real constant, enum assay_norm norm, struct matrix x,
                             struct matrix y)
{
    struct matrix d = matrix_sub(y, x);
    real rise =
        SUM(problem_value(p, y), real_neg(problem_value(p, x)), real_neg(matrix_dot(problem_gradient(p, x), d)));
    real half = real_fraction(p->field, 1, 2);
    return real_sub(PRODUCT(half, constant, real_square(norm_of(norm, d))), rise);
}

static void random_pair(struct evidence *e, size_t k)
{
    uint64_t seed = k;
    struct problem p = problem_of(e, k, seed);
    enum assay_norm norm = descent_norms[k / KINDS_TRIED / SHAPES % 3];
    struct matrix x = matrix_random(&e->field, p.c.rows, p.c.cols, &seed);
    struct matrix y = matrix_random(&e->field, p.c.rows, p.c.cols, &seed);
    x = matrix_scale(real_whole(&e->field, 3), x);
    real constant = problem_smoothness(&p, norm);
    struct matrix change = matrix_sub(problem_gradient(&p, y), problem_gradient(&p, x));
    real lipschitz = real_sub(real_mul(constant, norm_of(norm, matrix_sub(y, x))), dual_of(norm, change));
    if (p.kind == PROBLEM_LINEAR)
        certify_equal(e, "P7: the gradient is constant", dual_of(norm, change), real_whole(&e->field, 0));
    else if (p.kind == PROBLEM_DISTANCE && norm == ASSAY_NORM_FROBENIUS)
        certify_equal(e, "P2, Frobenius: equality", lipschitz, real_whole(&e->field, 0));
    else {
        certify(e, "||grad f(x) - grad f(y)||_* <= L ||x - y||", lipschitz);
        certify(e, "f(y) <= f(x) + <grad f(x), y - x> + L/2 ||y - x||^2", smoothness_slack(&p, constant, norm, x, y));
    }
    if (!problem_has_third(&p) || p.kind == PROBLEM_LINEAR || p.kind == PROBLEM_QUADRATIC || p.kind == PROBLEM_DISTANCE)
        return;
    struct matrix rest = matrix_sub(change, problem_hessian(&p, x, matrix_sub(y, x)));
    real square = real_square(norm_of(norm, matrix_sub(y, x))), half = real_fraction(&e->field, 1, 2);
    certify(e, "the second-order remainder <= H/2 ||y - x||^2",
            real_sub(PRODUCT(half, problem_third(&p, norm), square), dual_of(norm, rest)));
}

/* Where L is attained: Q_A Q_B^T for P1 with the spectral norm (both are the same rotation, so I), its first column
 * pair for Frobenius, ones elsewhere. */
static struct matrix worst_direction(const struct problem *p, enum assay_norm norm)
{
    const struct field *f = p->field;
    if (norm == ASSAY_NORM_SPECTRAL)
        return matrix_identity(f, 2);
    if (norm == ASSAY_NORM_MAX && p->kind != PROBLEM_QUADRATIC)
        return matrix_from(f, 2, 2, (long[]){1, 1, 1, 1}, 1);
    if (p->kind == PROBLEM_QUADRATIC) /* q_1 q_1^T; signs for max */
        return norm == ASSAY_NORM_MAX ? matrix_from(f, 2, 2, (long[]){1, 1, 1, 1}, 1)
                                      : matrix_from(f, 2, 2, (long[]){9, 12, 12, 16}, 25);
    return matrix_from(f, 2, 2, (long[]){3, 0, 0, 4}, 5);
}

static void sharp(struct evidence *e, size_t k)
{
    static const enum problem_kind kinds[] = {PROBLEM_QUADRATIC, PROBLEM_DISTANCE, PROBLEM_HUBER, PROBLEM_COSINE,
                                              PROBLEM_STAR};
    const struct field *f = &e->field;
    struct problem p = problem_new(f, kinds[k / 3], 2, 2, 5);
    enum assay_norm norm = descent_norms[k % 3];
    struct matrix x = p.solution, d = matrix_scale(real_fraction(f, 1, 256), worst_direction(&p, norm));
    real constant = problem_smoothness(&p, norm);
    struct matrix y = matrix_add(x, d), change = matrix_sub(problem_gradient(&p, y), problem_gradient(&p, x));
    real less = real_mul(real_fraction(f, 99, 100), constant), half = real_div(constant, real_whole(f, 2));
    if (k / 3 < 3)
        certify_equal(e, "P1, P2, P5: L is attained", smoothness_slack(&p, constant, norm, x, y), real_whole(f, 0));
    must_fail(e, "0.99 L", smoothness_slack(&p, less, norm, x, y));
    must_fail(e, "L / 2", smoothness_slack(&p, half, norm, x, y));
    must_fail(e, "0.99 L for gradients", real_sub(real_mul(less, norm_of(norm, d)), dual_of(norm, change)));
}

/* The remainder from a point of the greatest third derivative: C for P3 (to its right), near pi / 2 for P4, 0 for P8.
 * */
static void sharp_third(struct evidence *e, size_t k)
{
    static const enum problem_kind kinds[] = {PROBLEM_STAR, PROBLEM_COSINE, PROBLEM_CUBIC};
    const struct field *f = &e->field;
    struct problem p = problem_new(f, kinds[k / 3], 2, 2, 5);
    enum assay_norm norm = descent_norms[k % 3];
    struct matrix x = p.kind == PROBLEM_COSINE ? matrix_from(f, 2, 2, (long[]){11, 11, 11, 11}, 7)
                      : p.kind == PROBLEM_STAR ? p.solution
                                               : matrix_new(f, 2, 2);
    struct matrix d = norm == ASSAY_NORM_MAX
                          ? matrix_from(f, 2, 2, (long[]){1, 1, 1, 1}, 256)
                          : matrix_from(f, 2, 2, (long[]){1, 0, 0, norm == ASSAY_NORM_SPECTRAL}, 256);
    struct matrix change = matrix_sub(problem_gradient(&p, matrix_add(x, d)), problem_gradient(&p, x));
    real rest = dual_of(norm, matrix_sub(change, problem_hessian(&p, x, d)));
    real bound = PRODUCT(real_fraction(f, 1, 2), problem_third(&p, norm), real_square(norm_of(norm, d)));
    if (p.kind == PROBLEM_CUBIC)
        certify_equal(e, "P8: H is attained", rest, bound);
    must_fail(e, "0.99 H", real_sub(real_mul(real_fraction(f, 99, 100), bound), rest));
    must_fail(e, "H / 2", real_sub(real_div(bound, real_whole(f, 2)), rest));
}

/* phi at 2, 4, 6, where it is concave. */
static void not_convex(struct evidence *e)
{
    const struct field *f = &e->field;
    real ends = real_add(star_value(real_whole(f, 2)), star_value(real_whole(f, 6)));
    must_fail(e, "P3 is convex", real_sub(real_div(ends, real_whole(f, 2)), star_value(real_whole(f, 4))));
}

/* Star-convexity of phi about 0: phi(s t) <= s phi(t). */
static void star(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    real t = real_fraction(f, (long)(k % 37) + 1, 4), s = real_fraction(f, (long)(k % 15) + 1, 16);
    certify(e, "P3 is star-convex", real_sub(real_mul(s, star_value(t)), star_value(real_mul(s, t))));
}

static void run(struct evidence *e)
{
    each(e, instances(e, 420, 84), random_pair);
    each(e, 15, sharp);
    each(e, instances(e, 200, 40), star);
    each(e, 9, sharp_third);
    not_convex(e);
}

const struct claim claim_kv_problems = {
    "KV-problems",
    "Kovalev: one step, deterministic",
    "problems P1-P8 have these smoothness constants L and H, and none but P6 has smaller ones",
    "ours",
    CLAIM_PROVED,
    "kv_problems",
    run};
