/* Trust-region steps: no feasible point is better; and the iteration is the one that is stated. */
#include "descent.h"

#include "proof_support.h"
#include "support.h"

#include <string.h>

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

/* F* of P2 with ridge is w / (2 (1 + w)) ||C||^2; with l1, for entries below w, ||C||^2 / 2; with a box that holds C,
 * 0; and -w sum |C_ij| of P7 in a box. Nowhere is F less. */
static void check_least(struct work *w, void *args)
{
    const struct field f = {w, 128};
    uint64_t seed = 3;
    real two = real_whole(&f, 2), zero = real_whole(&f, 0);
    (void)args;
    for (size_t k = 0; k < 5; k++) {
        static const enum assay_regulariser kinds[] = {ASSAY_REGULARISER_NONE, ASSAY_REGULARISER_RIDGE,
                                                       ASSAY_REGULARISER_SUM, ASSAY_REGULARISER_BOX,
                                                       ASSAY_REGULARISER_BOX};
        struct problem p = problem_new(&f, k == 4 ? PROBLEM_LINEAR : PROBLEM_DISTANCE, 2, 2, k);
        const struct method method = {.regulariser = kinds[k], .weight = two, .eta = two};
        real square = matrix_square(p.c), found = least_value(&p, &method);
        const real expected[] = {zero, real_div(square, real_whole(&f, 3)), real_div(square, two), zero,
                                 real_mul(real_whole(&f, -2), norm_of(ASSAY_NORM_SUM, p.c))};
        ck_assert_msg(near(found, expected[k]), "%zu", k);
        for (size_t j = 0; j < 20; j++) {
            struct matrix x = matrix_scale(real_fraction(&f, 1 + (long)j, 10), matrix_random(&f, 2, 2, &seed));
            real value = real_add(problem_value(&p, x), regulariser_value(&method, x));
            ck_assert(at_most(found, value) && !at_most(value, found));
        }
    }
}

START_TEST(the_least_value_is_least)
{
    in_work(check_least, NULL);
}
END_TEST

/* From x = 1 with momentum -2 on f = c x, c > 0 or not: x + eta, e = |-2 - c|. */
static void check_single(struct work *w, void *args)
{
    const struct field f = {w, 128};
    struct problem p = problem_new(&f, PROBLEM_LINEAR, 1, 1, 1);
    const struct method method = {.norm = ASSAY_NORM_MAX, .eta = real_fraction(&f, 1, 4)};
    struct matrix one = matrix_identity(&f, 1), m = matrix_scale(real_whole(&f, -2), one);
    struct step s = step_with(&p, &method, one, m);
    (void)args;
    ck_assert(near(s.next.at[0], real_fraction(&f, 5, 4)));
    ck_assert(near(s.e, real_add(real_whole(&f, 2), p.c.at[0])) && near(s.gradient.at[0], p.c.at[0]));
    ck_assert(near(real_sub(s.next_value, s.value), real_div(p.c.at[0], real_whole(&f, 4))));
    ck_assert(!near(s.next_value, s.value)); /* counter-check */
}

START_TEST(one_step_is_that_of_its_momentum)
{
    in_work(check_single, NULL);
}
END_TEST

/* A step that is known roughly is refused: an m of rank 1, known as an enclosure only, whose factor might be any. */
static void no_check(struct evidence *e, const struct problem *p, const struct method *m, const struct step *s)
{
    (void)e, (void)p, (void)m, (void)s;
}

static void descend_roughly(struct evidence *e)
{
    const struct field *f = &e->field;
    struct problem p = problem_new(f, PROBLEM_SOFTMAX, 2, 2, 3); /* of two classes: its gradient has rank 1 */
    uint64_t seed = 9;
    const struct method method = {.norm = ASSAY_NORM_SPECTRAL,
                                  .eta = real_fraction(f, 1, 16),
                                  .alpha = real_fraction(f, 1, 5),
                                  .steps = 12,
                                  .from = matrix_random(f, 2, 2, &seed)};
    descend(e, &p, &method, no_check);
    certify_fact(e, "all steps were made", true);
    must_fail(e, "-1 >= 0", real_whole(f, -1));
}

START_TEST(a_step_that_is_known_roughly_is_refused)
{
    const struct claim claim = {"XX", "", "", "", CLAIM_PROVED, "", descend_roughly};
    const assay_options options = {.threads = 1};
    static struct findings found;
    ck_assert_int_eq(claim_run(&claim, &found, true, &options), ASSAY_OK);
    ck_assert_int_eq(found.verdict, VERDICT_UNDECIDED);
    ck_assert_msg(strstr(found.message, "undecided") || strstr(found.message, "roughly"), "%s", found.message);
}
END_TEST

RUN_TESTS("descent", TEST(no_feasible_point_is_better), TEST(the_iteration_is_the_stated_one),
          TEST(the_least_value_is_least), TEST(one_step_is_that_of_its_momentum),
          TEST(a_step_that_is_known_roughly_is_refused))
