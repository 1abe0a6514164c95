/* Gradients and Hessians of the problems against difference quotients; minimisers; the constants where they are attained. */
#include "problems.h"

#include "proof_support.h"
#include "support.h"

#include <math.h>

/* (value(x + h d) - value(x - h d)) / 2h, h = 2^-20, is <grad, d> but for h^2, and h where a kink lies between. */
static void check_gradients(struct work *w, void *args)
{
    const struct field f = {w, 128};
    uint64_t seed = 1;
    real h = real_double(&f, 0x1p-20), half = real_double(&f, 0x1p19), zero = real_whole(&f, 0);
    (void)args;
    for (size_t k = 0; k < rounds(5 * PROBLEM_KINDS); k++) {
        struct work_block *mark = work_mark(w);
        struct problem p = problem_new(&f, (enum problem_kind)(k % PROBLEM_KINDS), 2, 2, k);
        struct matrix x = matrix_scale(real_whole(&f, 2), matrix_random(&f, 2, 2, &seed)),
                      d = matrix_random(&f, 2, 2, &seed);
        struct matrix up = matrix_add(x, matrix_scale(h, d)), down = matrix_sub(x, matrix_scale(h, d));
        real slope = real_mul(half, real_sub(problem_value(&p, up), problem_value(&p, down)));
        real product = matrix_dot(problem_gradient(&p, x), d);
        ck_assert_msg(near_by(slope, product, 15), "%s", p.name);
        ck_assert(p.kind == PROBLEM_LINEAR || near_by(product, zero, 10) || /* counter-check: half of the gradient */
                  !near_by(slope, real_div(product, real_whole(&f, 2)), 15));
        if (problem_has_third(&p)) {
            struct matrix rate = matrix_scale(half, matrix_sub(problem_gradient(&p, up), problem_gradient(&p, down)));
            real off = matrix_frobenius(matrix_sub(rate, problem_hessian(&p, x, d)));
            ck_assert_msg(near_by(off, zero, 15), "%s", p.name);
        }
        work_release(w, mark);
    }
}

START_TEST(derivatives_are_limits_of_differences)
{
    in_work(check_gradients, NULL);
}
END_TEST

/* Where there is a minimiser its gradient is zero, and elsewhere is more. */
static void check_minimisers(struct work *w, void *args)
{
    const struct field f = {w, 128};
    size_t found = 0;
    uint64_t seed = 2;
    (void)args;
    for (size_t k = 0; k < 3 * PROBLEM_KINDS; k++) {
        struct problem p = problem_new(&f, (enum problem_kind)(k % PROBLEM_KINDS), 2, 3, k);
        if (p.kind == PROBLEM_QUADRATIC)
            p = problem_new(&f, p.kind, 2, 2, k);
        if (!p.solution.at)
            continue;
        real zero = real_whole(&f, 0), best = problem_value(&p, p.solution);
        struct matrix d = matrix_random(&f, p.c.rows, p.c.cols, &seed),
                      x = matrix_add(p.solution, matrix_map(d, real_abs));
        ck_assert(near(matrix_frobenius(problem_gradient(&p, p.solution)), zero));
        ck_assert(real_above_0(real_sub(problem_value(&p, x), best)));
        ck_assert(!near(matrix_frobenius(problem_gradient(&p, x)), zero)); /* counter-check */
        found++;
    }
    ck_assert_uint_eq(found, 18);
}

START_TEST(minimisers)
{
    in_work(check_minimisers, NULL);
}
END_TEST

/* P2 in all norms: the gradient's difference is the point's, and its dual norm L times its norm for the identity or ones. */
static void check_constants(struct work *w, void *args)
{
    static const enum assay_norm norms[] = {ASSAY_NORM_SPECTRAL, ASSAY_NORM_FROBENIUS, ASSAY_NORM_MAX};
    static const long expected[] = {2, 1, 4};
    const struct field f = {w, 128};
    struct problem p = problem_new(&f, PROBLEM_DISTANCE, 2, 2, 1), linear = problem_new(&f, PROBLEM_LINEAR, 2, 2, 1);
    const struct matrix moves[] = {matrix_identity(&f, 2), matrix_identity(&f, 2),
                                   matrix_from(&f, 2, 2, (long[]){1, -1, 1, 1}, 1)};
    (void)args;
    for (size_t k = 0; k < 3; k++) {
        real l = problem_smoothness(&p, norms[k]);
        struct matrix change = matrix_sub(problem_gradient(&p, matrix_add(p.c, moves[k])), problem_gradient(&p, p.c));
        ck_assert(near(l, real_whole(&f, expected[k])));
        ck_assert(near(dual_of(norms[k], change), real_mul(l, norm_of(norms[k], moves[k]))));
        ck_assert(near(problem_smoothness(&linear, norms[k]), real_whole(&f, 0)));
        ck_assert(near(problem_third(&p, norms[k]), real_whole(&f, 0)));
    }
    ck_assert(near(star_value(real_whole(&f, 0)), real_whole(&f, 0)));
    ck_assert(near(star_value(real_whole(&f, -2)), real_double(&f, 2 * -expm1(-2))));
}

START_TEST(constants_are_attained)
{
    in_work(check_constants, NULL);
}
END_TEST

RUN_TESTS("problems", TEST(derivatives_are_limits_of_differences), TEST(minimisers), TEST(constants_are_attained))
