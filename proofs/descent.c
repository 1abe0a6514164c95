#include "descent.h"

const enum assay_norm descent_norms[3] = {ASSAY_NORM_SPECTRAL, ASSAY_NORM_FROBENIUS, ASSAY_NORM_MAX};
const struct variant descent_variants[DESCENT_VARIANTS] = {
    {ASSAY_NORM_SPECTRAL, ASSAY_REGULARISER_NONE},  {ASSAY_NORM_FROBENIUS, ASSAY_REGULARISER_NONE},
    {ASSAY_NORM_MAX, ASSAY_REGULARISER_NONE},       {ASSAY_NORM_FROBENIUS, ASSAY_REGULARISER_RIDGE},
    {ASSAY_NORM_SPECTRAL, ASSAY_REGULARISER_RIDGE}, {ASSAY_NORM_MAX, ASSAY_REGULARISER_SUM},
    {ASSAY_NORM_MAX, ASSAY_REGULARISER_BOX}};

/* ---- the subproblem ------------------------------------------------------------------------------------------ */

/* One coordinate of the l1 problem: m x + w |x| over |x - c| <= eta is convex and piecewise linear. */
static real l1_coordinate(real m, real weight, real centre, real eta, real *r)
{
    real low = real_sub(centre, eta), high = real_add(centre, eta), zero = real_whole(m->field, 0);
    real inside = real_sub(weight, real_abs(m));
    int low_sign = real_sign(low, "an end"), high_sign = real_sign(high, "an end");
    int m_sign = real_sign(m, "an entry");
    real x = real_sign(inside, "a kink") >= 0 ? (low_sign > 0    ? low
                                                 : high_sign < 0 ? high
                                                                 : zero)
                                              : (m_sign > 0 ? low : high);
    int sign = real_sign(x, "an entry");
    *r = sign > 0 ? weight : sign < 0 ? real_neg(weight) : real_max(real_neg(weight), real_min(weight, real_neg(m)));
    return x;
}

/* One coordinate of the box: m x over |x - c| <= eta, |x| <= w; r = 0 at an end of the ball, else -m. */
static real box_coordinate(real m, real weight, real centre, real eta, real *r)
{
    int sign = real_sign(m, "an entry");
    real zero = real_whole(m->field, 0);
    real ball = sign > 0 ? real_sub(centre, eta) : sign < 0 ? real_add(centre, eta) : centre;
    real x = real_max(real_neg(weight), real_min(weight, ball));
    *r = real_sign(real_sub(x, ball), "a difference") == 0 ? zero : real_neg(m);
    return x;
}

/* c + the projection of -m / w - c on the ball: of Frobenius length at most eta, or with singular values clipped at
 * eta, which for two of them is p A + q orth(A) with p s + q = min(s, eta). */
static struct matrix ridge_step(const struct method *method, struct matrix m, struct matrix centre)
{
    const struct field *f = method->eta->field;
    real one = real_whole(f, 1), eta = method->eta;
    struct matrix a = matrix_mix(real_div(real_neg(one), method->weight), m, real_neg(one), centre);
    if (method->norm == ASSAY_NORM_FROBENIUS) {
        real length = matrix_frobenius(a);
        bool inside = real_sign(real_sub(length, eta), "a length") <= 0;
        return matrix_add(centre, inside ? a : matrix_scale(real_div(eta, length), a));
    }
    real first = matrix_spectral(a), second = real_sub(matrix_nuclear(a), first);
    if (real_sign(real_sub(first, eta), "a singular value") <= 0)
        return matrix_add(centre, a);
    if (real_sign(real_sub(second, eta), "a singular value") >= 0)
        return matrix_add(centre, matrix_scale(eta, matrix_orth(a)));
    real p = real_div(real_sub(eta, second), real_sub(first, second)), q = real_mul(second, real_sub(one, p));
    return matrix_add(centre, matrix_mix(p, a, q, matrix_orth(a)));
}

struct matrix trust_region_step(const struct method *method, struct matrix m, struct matrix centre, struct matrix *r)
{
    const struct field *f = method->eta->field;
    struct matrix x;
    *r = matrix_new(f, m.rows, m.cols);
    if (method->regulariser == ASSAY_REGULARISER_NONE)
        return matrix_add(centre, matrix_scale(method->eta, lmo_of(method->norm, m)));
    if (method->regulariser == ASSAY_REGULARISER_RIDGE) {
        x = ridge_step(method, m, centre);
        *r = matrix_scale(method->weight, x);
        return x;
    }
    x = matrix_new(f, m.rows, m.cols);
    for (size_t k = 0; k < matrix_count(m); k++)
        x.at[k] = (method->regulariser == ASSAY_REGULARISER_SUM ? l1_coordinate : box_coordinate)(
            m.at[k], method->weight, centre.at[k], method->eta, &r->at[k]);
    return x;
}

real regulariser_value(const struct method *method, struct matrix x)
{
    const struct field *f = method->eta->field;
    if (method->regulariser == ASSAY_REGULARISER_RIDGE)
        return PRODUCT(real_fraction(f, 1, 2), method->weight, matrix_square(x));
    if (method->regulariser == ASSAY_REGULARISER_SUM)
        return real_mul(method->weight, norm_of(ASSAY_NORM_SUM, x));
    return real_whole(f, 0); /* of the box, all iterates lie in it */
}

/* Numbers in the enclosures of the entries; fails with ASSAY_UNDECIDED where one is wide, for a step to any number in
 * it would not be the method's. */
static struct matrix dyadic_near(struct matrix x)
{
    const struct field *f = x.at[0]->field;
    struct matrix middle = matrix_middle(x);
    real wide = real_double(f, 0x1p-40);
    for (size_t k = 0; k < matrix_count(x); k++)
        if (!real_below_0(real_sub(real_abs(real_sub(x.at[k], middle.at[k])), wide)))
            work_fail(f->w, ASSAY_UNDECIDED, "a step is known only roughly at %ld bits", (long)f->prec);
    return middle;
}

real least_value(const struct problem *p, const struct method *method)
{
    const struct field *f = p->field;
    if (method->regulariser == ASSAY_REGULARISER_NONE)
        return problem_value(p, p->solution);
    if (p->kind == PROBLEM_LINEAR && method->regulariser == ASSAY_REGULARISER_BOX)
        return real_neg(real_mul(method->weight, norm_of(ASSAY_NORM_SUM, p->c)));
    if (p->kind != PROBLEM_DISTANCE)
        work_fail(f->w, ASSAY_INVALID, "the least value of F is known for P2, and for P7 in a box");
    real one = real_whole(f, 1), weight = method->weight;
    struct matrix x = matrix_scale(real_div(one, real_add(one, weight)), p->c);
    for (size_t k = 0; k < matrix_count(x) && method->regulariser != ASSAY_REGULARISER_RIDGE; k++) {
        real inside = real_max(real_neg(weight), real_min(weight, p->c.at[k]));
        x.at[k] = method->regulariser == ASSAY_REGULARISER_BOX ? inside : real_sub(p->c.at[k], inside);
    }
    return real_add(problem_value(p, x), regulariser_value(method, x));
}

/* ---- the iteration ------------------------------------------------------------------------------------------- */

/* What follows from x_k and m_{k+1}. */
static void take_step(struct step *s, const struct problem *p, const struct method *method)
{
    real one = real_whole(p->field, 1);
    s->gradient = problem_gradient(p, s->x);
    s->error = matrix_sub(s->m, s->gradient);
    s->e = dual_of(method->norm, s->error);
    s->centre = method->beta ? matrix_scale(real_sub(one, method->beta), s->x) : s->x;
    s->next = trust_region_step(method, s->m, s->centre, &s->r);
    s->value = real_add(problem_value(p, s->x), regulariser_value(method, s->x));
    s->next_value = real_add(problem_value(p, s->next), regulariser_value(method, s->next));
}

static void compute_step(struct step *s, const struct problem *p, const struct method *method, uint64_t *seed)
{
    const struct field *f = p->field;
    real one = real_whole(f, 1), alpha = method->alpha, rest = real_sub(one, alpha);
    struct matrix noise =
        matrix_scale(real_fraction(f, method->noise, 8), matrix_random(f, s->x.rows, s->x.cols, seed));
    s->y = method->factor ? matrix_add(s->x, matrix_scale(method->factor, matrix_sub(s->x, s->before))) : s->x;
    struct matrix at_y = problem_gradient(p, s->y), g = matrix_add(at_y, noise);
    s->m = dyadic_near(s->k == 0 ? g : matrix_mix(rest, s->m_before, alpha, g));
    s->noise = matrix_sub(
        s->k == 0 ? s->m : matrix_scale(real_div(one, alpha), matrix_mix(one, s->m, real_neg(rest), s->m_before)),
        at_y);
    take_step(s, p, method);
}

struct step step_with(const struct problem *p, const struct method *method, struct matrix x, struct matrix m)
{
    struct step s = {.x = x, .m = m};
    take_step(&s, p, method);
    return s;
}

void descend(struct evidence *e, const struct problem *p, const struct method *method, step_check check)
{
    size_t count = matrix_count(method->from);
    struct matrix x = method->from;
    real *state = work_alloc(e->field.w, 3 * count, sizeof *state);
    uint64_t seed = method->seed;
    for (size_t j = 0; j < count; j++) {
        state[j] = state[count + j] = x.at[j];
        state[2 * count + j] = real_whole(&e->field, 0);
    }
    for (size_t k = 0; k < method->steps; k++) {
        struct work_block *mark = work_mark(e->field.w);
        struct step s = {.k = k,
                         .before = {x.rows, x.cols, state},
                         .x = {x.rows, x.cols, state + count},
                         .m_before = {x.rows, x.cols, state + 2 * count}};
        compute_step(&s, p, method, &seed);
        check(e, p, method, &s);
        struct matrix next = dyadic_near(s.next);
        for (size_t j = 0; j < count; j++) {
            state[j] = state[count + j];
            state[count + j] = next.at[j];
            state[2 * count + j] = s.m.at[j];
        }
        real_keep(e->field.w, mark, state, 3 * count);
    }
}
