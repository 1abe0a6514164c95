/* Expectations over all paths against sums that are made by hand. */
#include "paths.h"

#include "proof_support.h"
#include "support.h"

/* stats: points visited, x_K, x_K^2. */
static void visit(const struct problem *p, const struct method *m, const struct point *at, real *stats)
{
    (void)p;
    stats[0] = real_add(stats[0], real_whole(at->x.at[0]->field, 1));
    if (at->k == m->steps) {
        stats[1] = at->x.at[0];
        stats[2] = real_square(at->x.at[0]);
    }
}

/* f = 0, alpha = 1: x_{k+1} = x_k - eta sign(n_k), a walk with P(-) = b / (a + b) = q; E x_K = eta (1 - 2q) K, and
 * Var x_K = 4 q (1 - q) eta^2 K. Also of Orthogonal-SGDM, as a 1 x 1 matrix is orthogonalised to its sign. */
static void check_walk(struct work *w, void *args)
{
    struct findings found;
    struct evidence e = evidence_into(w, &found);
    const struct field *f = &e.field;
    struct problem p = problem_new(f, PROBLEM_LINEAR, 1, 1, 1);
    p.c = matrix_new(f, 1, 1);
    (void)args;
    for (long steps = 1; steps <= 4; steps++) {
        const struct method m = {.norm = ASSAY_NORM_SPECTRAL,
                                 .eta = real_fraction(f, 1, 3),
                                 .alpha = real_whole(f, 1),
                                 .steps = (size_t)steps,
                                 .from = matrix_new(f, 1, 1)};
        struct noise noise = noise_two(real_whole(f, 2), real_whole(f, 1), matrix_identity(f, 1)); /* q = 1/3 */
        ck_assert(near(matrix_square(noise_mean(&noise)), real_whole(f, 0)));
        ck_assert(near(noise_variance(&noise), real_whole(f, 2))); /* a b */
        real drift = real_fraction(f, steps, 9), mean[3];
        for (size_t k = 0; k < 2; k++) {
            expect(&e, mean, 3, &p, &m, &noise, k, visit);
            ck_assert(near(mean[0], real_whole(f, steps + 1)) && near(mean[1], drift));
            ck_assert(near(real_sub(mean[2], real_square(drift)), real_fraction(f, 8 * steps, 81)));
            ck_assert(!near(mean[1], real_whole(f, 0))); /* counter-check */
        }
        noise = noise_three(real_whole(f, 2), matrix_identity(f, 1)); /* steps of 0 with probability 1/2 */
        ck_assert(near(noise_variance(&noise), real_whole(f, 2)));
        expect(&e, mean, 3, &p, &m, &noise, false, visit);
        ck_assert(near(mean[1], real_whole(f, 0)) && near(mean[2], real_fraction(f, steps, 18)));
    }
    for (size_t k = 0; k < found.count; k++)
        ck_assert_msg(found.items[k].verdict == VERDICT_HOLDS, "%s", found.items[k].what);
}

START_TEST(walks_have_their_mean_and_variance)
{
    in_work(check_walk, NULL);
}
END_TEST

/* Noise of mean 1 is refused: E n = 0 is certified. */
static void check_biased(struct work *w, void *args)
{
    struct findings found;
    struct evidence e = evidence_into(w, &found);
    const struct field *f = &e.field;
    struct problem p = problem_new(f, PROBLEM_DISTANCE, 1, 1, 1);
    const struct method m = {.norm = ASSAY_NORM_SPECTRAL,
                             .eta = real_whole(f, 1),
                             .alpha = real_whole(f, 1),
                             .steps = 1,
                             .from = matrix_new(f, 1, 1)};
    struct noise noise = noise_two(real_whole(f, 1), real_whole(f, 1), matrix_identity(f, 1));
    real mean[3];
    (void)args;
    noise.value[1] = noise.value[0];
    expect(&e, mean, 3, &p, &m, &noise, false, visit);
    ck_assert(found.items[0].verdict == VERDICT_FAILS);
}

START_TEST(biased_noise_is_seen)
{
    in_work(check_biased, NULL);
}
END_TEST

/* alpha = 1/2: 1, 1/4 + 1/4, 1/16 + 1/16 + 1/4: the squares of the weights of the noise so far. */
static void check_left(struct work *w, void *args)
{
    const struct field f = {w, 128};
    real half = real_fraction(&f, 1, 2);
    (void)args;
    ck_assert(near(noise_left(half, 0), real_whole(&f, 1)) && near(noise_left(half, 1), half));
    ck_assert(near(noise_left(half, 2), real_fraction(&f, 3, 8)));
    ck_assert(!near(noise_left(half, 2), half)); /* counter-check */
}

START_TEST(the_noise_that_is_left)
{
    in_work(check_left, NULL);
}
END_TEST

RUN_TESTS("paths", TEST(the_noise_that_is_left), TEST(walks_have_their_mean_and_variance), TEST(biased_noise_is_seen))
