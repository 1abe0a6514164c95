#include "descent.h"

/* (1-b)(F(x_k) - F*) + c L eta^2 + 2 eta e_k - (F(x_{k+1}) - F*) */
static real slack(const struct problem *p, const struct method *m, const struct step *s, long c)
{
    const struct field *f = p->field;
    real least = least_value(p, m), rest = real_sub(real_whole(f, 1), m->beta);
    return SUM(real_mul(rest, real_sub(s->value, least)),
               PRODUCT(real_whole(f, c), problem_smoothness(p, m->norm), m->eta, m->eta),
               PRODUCT(real_whole(f, 2), m->eta, s->e), real_neg(real_sub(s->next_value, least)));
}

static void check(struct evidence *e, const struct problem *p, const struct method *m, const struct step *s)
{
    const struct field *f = p->field;
    real radius = real_div(m->eta, m->beta), two = real_whole(f, 2);
    certify(e, "||x_{k+1}|| <= D", real_sub(radius, norm_of(m->norm, s->next)));
    certify(e, "||x_{k+1} - x_k|| <= 2 eta",
            real_sub(real_mul(two, m->eta), norm_of(m->norm, matrix_sub(s->next, s->x))));
    certify(e, "star-convex: contraction with 4 L eta^2", slack(p, m, s, 4));
    if (p->convex)
        certify(e, "convex: contraction with 2 L eta^2", slack(p, m, s, 2));
}

/* With the norm and R of a variant. */
static void descend_with(struct evidence *e, size_t k, enum problem_kind kind, struct variant v)
{
    const struct field *f = &e->field;
    uint64_t seed = k;
    struct problem p = problem_new(f, kind, 2, 2, k);
    const struct method m = {.norm = v.norm,
                             .regulariser = v.regulariser,
                             .weight = real_fraction(f, 3, 4),
                             .eta = real_fraction(f, 1, 8),
                             .beta = real_fraction(f, 1, 24), /* D = 3, and ||x||_F <= 2 for entries below 1 */
                             .alpha = real_fraction(f, 1, 1 + k % 3),
                             .noise = 1,
                             .steps = instances(e, 20, 5),
                             .from = matrix_scale(real_fraction(f, 3, 4), matrix_random(f, 2, 2, &seed)),
                             .seed = k};
    descend(e, &p, &m, check);
}

static void trajectory(struct evidence *e, size_t k)
{
    static const enum problem_kind kinds[] = {PROBLEM_QUADRATIC, PROBLEM_DISTANCE, PROBLEM_STAR, PROBLEM_HUBER};
    descend_with(e, k, kinds[k % 4], (struct variant){descent_norms[k / 4 % 3], ASSAY_REGULARISER_NONE});
}

/* P2 with ridge, l1 and box, of which the minimum is known. */
static void regularised(struct evidence *e, size_t k)
{
    descend_with(e, k, PROBLEM_DISTANCE, descent_variants[3 + k % (DESCENT_VARIANTS - 3)]);
}

/* The two assumptions, in one dimension with the sign oracle: f(x_K) - f* against (1-b)^K (f(x_0) - f*) + 4 L D^2 b. */
static real endless(const struct field *f, real (*slope)(real x), real x, real radius, real beta, size_t steps)
{
    real rest = real_sub(real_whole(f, 1), beta), eta = real_mul(radius, beta);
    struct work_block *mark = work_mark(f->w);
    for (size_t k = 0; k < steps; k++) {
        int sign = real_sign(slope(x), "a slope");
        x = real_enclose(real_sub(real_mul(rest, x), real_mul(real_whole(f, sign), eta)));
        real_keep(f->w, mark, &x, 1);
    }
    return x;
}

static real slope_outside(real x)
{
    return real_sub(x, real_whole(x->field, 2));
}

static real slope_wavy(real x)
{
    return real_add(real_sin(x), real_div(x, real_whole(x->field, 25)));
}

static real value_wavy(real x)
{
    return SUM(real_whole(x->field, 1), real_neg(real_cos(x)), real_div(real_square(x), real_whole(x->field, 50)));
}

static void assumptions(struct evidence *e)
{
    const struct field *f = &e->field;
    real beta = real_fraction(f, 1, 100), half = real_fraction(f, 1, 2), four = real_whole(f, 4);
    real rest = real_sub(real_whole(f, 1), beta), radius = real_whole(f, 1);
    real x = endless(f, slope_outside, real_whole(f, 0), radius, beta, 2000);
    real gap = real_mul(half, real_square(real_sub(x, real_whole(f, 2))));
    real bound = real_add(real_mul(real_power(real_enclose(rest), 2000), real_whole(f, 2)), real_mul(four, beta));
    must_fail(e, "x* outside the ball", real_sub(bound, gap));
    x = real_fraction(f, 31, 5);
    beta = real_fraction(f, 1, 1000);
    radius = real_whole(f, 7);
    real start = value_wavy(x), smoothness = real_fraction(f, 26, 25);
    real last = value_wavy(endless(f, slope_wavy, real_enclose(x), radius, beta, 20000));
    rest = real_enclose(real_sub(real_whole(f, 1), beta));
    bound = real_add(real_mul(real_power(rest, 20000), start), PRODUCT(four, smoothness, real_square(radius), beta));
    must_fail(e, "not star-convex", real_sub(bound, last));
    x = endless(f, slope_outside, real_whole(f, 0), real_whole(f, 3), real_fraction(f, 1, 100), 2000);
    gap = real_mul(half, real_square(real_sub(x, real_whole(f, 2))));
    certify(e, "control: x* inside, (1-b)^K Delta + 4 L D^2 b", real_sub(real_fraction(f, 36, 100), gap));
}

/* P2, one number, from the end of the ball, D = |x_0|, inwards past its minimiser: the step is 2 eta long. */
static void farthest(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct problem p = problem_new(f, PROBLEM_DISTANCE, 1, 1, k);
    real eta = real_fraction(f, 1, 1024);
    struct matrix x = matrix_scale(real_fraction(f, 1000001, 1000000), p.c);
    const struct method m = {.norm = ASSAY_NORM_MAX, .eta = eta, .beta = real_div(eta, real_abs(x.at[0]))};
    struct step s = step_with(&p, &m, x, problem_gradient(&p, x));
    certify(e, "P2 from the end of the ball, 2 L eta^2", slack(&p, &m, &s, 2));
    must_fail(e, "1.99 L eta^2 for convex f",
              real_sub(slack(&p, &m, &s, 2), PRODUCT(real_fraction(f, 1, 100), eta, eta)));
}

/* f linear in a box that is the ball: from its worst corner, and with a momentum that points further, x stays, and F*
 * is as far as can be: 2 eta e cannot be less. */
static void misled(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct problem p = problem_new(f, PROBLEM_LINEAR, 1, 1, k);
    real worst = real_mul(real_whole(f, 2), real_div(p.c.at[0], real_abs(p.c.at[0])));
    const struct method m = {.norm = ASSAY_NORM_MAX,
                             .regulariser = ASSAY_REGULARISER_BOX,
                             .weight = real_whole(f, 2),
                             .eta = real_fraction(f, 1, 64),
                             .beta = real_fraction(f, 1, 128)};
    struct step s = step_with(&p, &m, (struct matrix){1, 1, &worst}, matrix_scale(real_fraction(f, -1, 1000), p.c));
    certify(e, "momentum of the wrong sign", slack(&p, &m, &s, 2));
    must_fail(e, "1.99 e for 2 e", real_sub(slack(&p, &m, &s, 2), PRODUCT(real_fraction(f, 1, 100), m.eta, s.e)));
}

static void run(struct evidence *e)
{
    each(e, instances(e, 72, 12), trajectory);
    each(e, instances(e, 48, 8), regularised);
    each(e, 4, farthest);
    each(e, 4, misled);
    assumptions(e);
}

const struct claim claim_kv_t2 = {
    "KV-T2",
    "Kovalev: one step, deterministic",
    "weight decay: ||x_k|| <= D, steps <= 2 eta, F(x+) - F* <= (1-b)(F(x) - F*) + 4 L eta^2 + 2 eta e",
    "ours; form after Kovalev v2",
    CLAIM_PROVED,
    "kv_t2",
    run};
