/* Trust-region steps: no feasible point is better; and the iteration is the one that is stated. */
#include "descent.h"

#include "proof_support.h"
#include "support.h"

static real objective(const struct method *method, struct matrix m, struct matrix x)
{
    return real_add(matrix_dot(m, x), regulariser_value(method, x));
}

static struct matrix into_box(struct matrix x, real half)
{
    for (size_t k = 0; k < matrix_count(x); k++)
        x.at[k] = real_max(real_neg(half), real_min(half, x.at[k]));
    return x;
}

/* ||x - c|| <= eta, and <m, x> + R(x) <= <m, y> + R(y) for random y in the ball (and the box). */
static void check_steps(struct work *w, void *args)
{
    const struct field f = {w, 128};
    uint64_t seed = 1;
    real half = real_fraction(&f, 1, 2);
    (void)args;
    for (size_t k = 0; k < rounds(6 * DESCENT_VARIANTS); k++) {
        struct work_block *mark = work_mark(w);
        const struct variant *v = &descent_variants[k % DESCENT_VARIANTS];
        const struct method method = {.norm = v->norm,
                                      .regulariser = v->regulariser,
                                      .eta = real_fraction(&f, 1 + (long)(k % 5), 8),
                                      .weight = half};
        struct matrix m = matrix_random(&f, 2, 2, &seed), c = matrix_scale(half, matrix_random(&f, 2, 2, &seed)), r;
        struct matrix x = trust_region_step(&method, m, c, &r);
        ck_assert(at_most(norm_of(v->norm, matrix_sub(x, c)), method.eta));
        ck_assert(v->regulariser != ASSAY_REGULARISER_BOX || at_most(norm_of(ASSAY_NORM_MAX, x), half));
        for (size_t j = 0; j < 8; j++) {
            struct matrix d = matrix_random(&f, 2, 2, &seed);
            real length = real_div(method.eta, norm_of(v->norm, d));
            struct matrix y = matrix_add(c, matrix_scale(length, d));
            if (v->regulariser == ASSAY_REGULARISER_BOX)
                y = into_box(y, half); /* which keeps it in the max norm's ball, as c is in the box */
            ck_assert(at_most(objective(&method, m, x), objective(&method, m, y)));
        }
        if (v->regulariser == ASSAY_REGULARISER_NONE) /* counter-check: the centre is worse */
            ck_assert(!at_most(objective(&method, m, c), objective(&method, m, x)));
        work_release(w, mark);
    }
}

START_TEST(no_feasible_point_is_better)
{
    in_work(check_steps, NULL);
}
END_TEST

/* m_{k+1} = (1 - a) m_k + a (grad f(y_k) + n_k), x_{k+1} from its centre, in steps that follow each other. */
static void visit(struct evidence *e, const struct problem *p, const struct method *method, const struct step *s)
{
    const struct field *f = &e->field;
    real one = real_whole(f, 1), zero = real_whole(f, 0);
    struct matrix g = matrix_add(problem_gradient(p, s->y), s->noise);
    struct matrix m = s->k == 0 ? g : matrix_mix(real_sub(one, method->alpha), s->m_before, method->alpha, g);
    ck_assert(near(matrix_frobenius(matrix_sub(m, s->m)), zero));
    struct matrix y =
        method->factor ? matrix_mix(real_add(one, method->factor), s->x, real_neg(method->factor), s->before) : s->x;
    ck_assert(near(matrix_frobenius(matrix_sub(y, s->y)), zero));
    struct matrix centre = method->beta ? matrix_scale(real_sub(one, method->beta), s->x) : s->x;
    struct matrix next = matrix_mix(one, centre, method->eta, lmo_of(method->norm, s->m));
    ck_assert(near(matrix_frobenius(matrix_sub(next, s->next)), zero));
    ck_assert(!near(matrix_frobenius(matrix_sub(s->x, s->next)), zero)); /* counter-check */
    ck_assert(near(s->e, dual_of(method->norm, matrix_sub(s->m, problem_gradient(p, s->x)))));
    ck_assert(near(s->value, problem_value(p, s->x)) && near(s->next_value, problem_value(p, s->next)));
    if (method->noise == 0)
        ck_assert(near(matrix_frobenius(s->noise), zero));
    number(e, "x_{k+1}", matrix_frobenius(s->next));
}

static void check_iteration(struct work *w, void *args)
{
    struct findings found;
    struct evidence e = evidence_into(w, &found);
    const struct field *f = &e.field;
    uint64_t seed = 5;
    (void)args;
    for (size_t k = 0; k < 8; k++) {
        struct problem p = problem_new(f, k % 2 ? PROBLEM_QUADRATIC : PROBLEM_STAR, 2, 2, k);
        const struct method method = {.norm = descent_norms[k % 3],
                                      .eta = real_fraction(f, 1, 8),
                                      .alpha = real_fraction(f, 1, 1 + k % 3),
                                      .beta = k / 2 % 2 ? real_fraction(f, 1, 10) : NULL,
                                      .factor = k / 4 ? real_whole(f, (long)(k % 3)) : NULL,
                                      .noise = (long)(k % 2),
                                      .steps = 4,
                                      .from = matrix_random(f, 2, 2, &seed),
                                      .seed = k};
        descend(&e, &p, &method, visit);
    }
    ck_assert_uint_eq(found.items[0].count, 8 * 4);
}

START_TEST(the_iteration_is_the_stated_one)
{
    in_work(check_iteration, NULL);
}
END_TEST

RUN_TESTS("descent", TEST(no_feasible_point_is_better), TEST(the_iteration_is_the_stated_one))
