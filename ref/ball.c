#include "ball.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

static_assert(alignof(struct ball) <= alignof(max_align_t) && sizeof(struct ball) % alignof(mpfr_t) == 0 &&
                  sizeof(mpfr_t) % alignof(mag) == 0 && sizeof(mag) % alignof(mp_limb_t) == 0,
              "a ball is one block: itself, its midpoints, its errors, its limbs");

struct ball *ball_new(struct work *w, size_t rows, size_t cols, mpfr_prec_t prec)
{
    size_t bytes = mpfr_custom_get_size(prec);
    if (cols && rows > SIZE_MAX / 2 / cols / (sizeof(mpfr_t) + sizeof(mag) + bytes))
        work_fail(w, ASSAY_NO_MEMORY, "out of memory: a %zu x %zu matrix of %ld bits", rows, cols, (long)prec);
    size_t count = rows * cols;
    struct ball *c = work_scratch(w, sizeof *c + count * (sizeof(mpfr_t) + sizeof(mag) + bytes), 1);
    *c = (struct ball){.rows = rows, .cols = cols, .prec = prec, .radius = MAG_ZERO};
    c->at = (mpfr_ptr)(void *)(c + 1);
    c->error = (mag *)(void *)(c->at + count);
    unsigned char *limbs = (unsigned char *)(c->error + count);
    for (size_t k = 0; k < count; k++, limbs += bytes) {
        c->error[k] = MAG_ZERO;
        mpfr_custom_init(limbs, prec);
        mpfr_custom_init_set(c->at + k, MPFR_ZERO_KIND, 0, prec, limbs); /* half covered: a macro, for any kind */
    }
    return c;
}

struct ball *ball_identity(struct work *w, size_t n, mpfr_prec_t prec)
{
    struct ball *c = ball_new(w, n, n, prec);
    for (size_t i = 0; i < n; i++)
        mpfr_set_ui(ball_at(c, i, i), 1, MPFR_RNDN);
    return c;
}

struct ball *ball_from_input(struct work *w, assay_input a)
{
    struct ball *c = ball_new(w, a.rows, a.cols, DBL_MANT_DIG);
    for (size_t i = 0; i < a.rows; i++)
        for (size_t j = 0; j < a.cols; j++) {
            double x = a.at[i * a.stride + j];
            if (!isfinite(x))
                work_fail(w, ASSAY_NOT_FINITE, "entry (%zu, %zu) is %s", i, j, isnan(x) ? "NaN" : "infinite");
            mpfr_set_d(ball_at(c, i, j), x == 0 ? 0 : x, MPFR_RNDN);
        }
    return c;
}

struct ball *ball_from_double(struct work *w, double x)
{
    return ball_from_input(w, (assay_input){&x, 1, 1, 1});
}

struct ball *ball_from_integer(struct work *w, long n)
{
    struct ball *c = ball_new(w, 1, 1, 64);
    mpfr_set_si(c->at, n, MPFR_RNDN);
    return c;
}

bool ball_is_exact(const struct ball *a)
{
    return mag_is_zero(a->radius);
}

void ball_make_exact(struct ball *a)
{
    a->radius = MAG_ZERO;
    memset(a->error, 0, ball_count(a) * sizeof *a->error);
}

bool ball_is_zero(const struct ball *a)
{
    for (size_t k = 0; k < ball_count(a); k++)
        if (!mpfr_zero_p(a->at + k) || !mag_is_zero(a->error[k]))
            return false;
    return true;
}

mag ball_midpoint_norm_up(const struct ball *a)
{
    mag sum = MAG_ZERO;
    for (size_t k = 0; k < ball_count(a); k++)
        sum = up_add(sum, up_sqr(up_abs(a->at + k)));
    return up_sqrt(sum);
}

mag ball_norm_up(const struct ball *a)
{
    return up_add(ball_midpoint_norm_up(a), a->radius);
}

mag ball_abs_down(const struct ball *a)
{
    return down_sub(down_abs(a->at), a->radius);
}

void ball_bounds(double bounds[2], const struct ball *a)
{
    mag_bounds(bounds, a->at, a->radius);
}

mpfr_prec_t ball_width(const struct ball *a)
{
    mpfr_exp_t top = 0, bottom = 0;
    bool any = false;
    for (size_t k = 0; k < ball_count(a); k++) {
        mpfr_srcptr x = a->at + k;
        if (mpfr_zero_p(x))
            continue;
        mpfr_exp_t high = mpfr_get_exp(x), low = high - mpfr_min_prec(x);
        top = !any || high > top ? high : top;
        bottom = !any || low < bottom ? low : bottom;
        any = true;
    }
    return any ? top - bottom : 1;
}

/* A bound on what rounding to nearest gave away: half a unit in the last place of the rounded value x, but not less than
 * half the least positive number, which is what underflow takes; everything if x is no number. */
static mag rounding_error(mpfr_srcptr x, int ternary)
{
    if (!mpfr_number_p(x))
        return MAG_INF;
    if (ternary == 0)
        return MAG_ZERO;
    mpfr_exp_t least = mpfr_get_emin() - 2, exponent = least;
    if (!mpfr_zero_p(x))
        exponent = mpfr_get_exp(x) - mpfr_get_prec(x) - 1;
    return mag_power_of_two(exponent > least ? exponent : least);
}

void ball_note(struct ball *c, struct tally *t, size_t k, int ternary, mag inherited)
{
    mag rounding = rounding_error(c->at + k, ternary);
    t->rounding = up_add(t->rounding, up_sqr(rounding));
    c->error[k] = up_add(inherited, rounding);
    t->all = up_add(t->all, up_sqr(c->error[k]));
}

void ball_done(struct ball *c, const struct tally *t, mag inherited)
{
    c->radius = mag_min(up_sqrt(t->all), up_add(inherited, up_sqrt(t->rounding)));
    c->rational = NULL;
}

void ball_set(struct ball *c, const struct ball *a)
{
    struct tally t = {MAG_ZERO, MAG_ZERO};
    mag inherited = a->radius;
    for (size_t k = 0; k < ball_count(a); k++)
        ball_note(c, &t, k, mpfr_set(c->at + k, a->at + k, MPFR_RNDN), a->error[k]);
    ball_done(c, &t, inherited);
}

struct ball *ball_copy(struct work *w, const struct ball *a, mpfr_prec_t prec)
{
    struct ball *c = ball_new(w, a->rows, a->cols, prec);
    ball_set(c, a);
    return c;
}

static void move_entry(struct ball *c, size_t to, const struct ball *a, size_t from)
{
    mpfr_set(c->at + to, a->at + from, MPFR_RNDN);
    c->error[to] = a->error[from];
}

struct ball *ball_transpose(struct work *w, const struct ball *a)
{
    struct ball *c = ball_new(w, a->cols, a->rows, a->prec);
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = 0; j < a->cols; j++)
            move_entry(c, j * c->cols + i, a, i * a->cols + j);
    c->radius = a->radius;
    return c;
}

struct ball *ball_gather(struct work *w, const struct ball *a, const size_t *rows, size_t m, const size_t *cols,
                         size_t n)
{
    struct ball *c = ball_new(w, m, n, a->prec);
    mag squares = MAG_ZERO;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            move_entry(c, i * n + j, a, (rows ? rows[i] : i) * a->cols + (cols ? cols[j] : j));
            squares = up_add(squares, up_sqr(c->error[i * n + j]));
        }
    c->radius = mag_min(a->radius, up_sqrt(squares));
    return c;
}

void ball_scatter(struct ball *c, const size_t *rows, const size_t *cols, const struct ball *a)
{
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = 0; j < a->cols; j++)
            move_entry(c, (rows ? rows[i] : i) * c->cols + (cols ? cols[j] : j), a, i * a->cols + j);
}

void ball_tighten(struct ball *a)
{
    mag squares = MAG_ZERO;
    for (size_t k = 0; k < ball_count(a); k++)
        squares = up_add(squares, up_sqr(a->error[k]));
    a->radius = mag_min(a->radius, up_sqrt(squares));
}

typedef int mpfr_operation(mpfr_ptr, mpfr_srcptr, mpfr_srcptr, mpfr_rnd_t);

static void combine(struct ball *c, const struct ball *a, const struct ball *b, mpfr_operation *operation)
{
    struct tally t = {MAG_ZERO, MAG_ZERO};
    mag inherited = up_add(a->radius, b->radius);
    for (size_t k = 0; k < ball_count(a); k++) {
        mag error = up_add(a->error[k], b->error[k]);
        ball_note(c, &t, k, operation(c->at + k, a->at + k, b->at + k, MPFR_RNDN), error);
    }
    ball_done(c, &t, inherited);
}

void ball_add(struct ball *c, const struct ball *a, const struct ball *b)
{
    combine(c, a, b, mpfr_add);
}

void ball_sub(struct ball *c, const struct ball *a, const struct ball *b)
{
    combine(c, a, b, mpfr_sub);
}

/* A bound on |x y - x~ y~|. */
static mag product_error(mag x, mag x_error, mag y, mag y_error)
{
    return up_add(up_mul(up_add(x, x_error), y_error), up_mul(x_error, y));
}

/* A bound on |x/y - x~/y~| = |(x - x~) + (x~/y~)(y~ - y)| / |y|; infinity where y may be zero, even for x = 0. */
static mag quotient_error(mag x, mag x_error, mpfr_srcptr y, mag y_error)
{
    mag size = down_abs(y), least = down_sub(size, y_error);
    if (mag_is_zero(least))
        return MAG_INF;
    return up_div(up_add(x_error, up_mul(up_div(x, size), y_error)), least);
}

void ball_mul(struct ball *c, const struct ball *s, const struct ball *a)
{
    struct tally t = {MAG_ZERO, MAG_ZERO};
    mag scalar = up_abs(s->at), scalar_error = s->radius;
    mag inherited = product_error(scalar, scalar_error, ball_midpoint_norm_up(a), a->radius);
    for (size_t k = 0; k < ball_count(a); k++) {
        mag error = product_error(scalar, scalar_error, up_abs(a->at + k), a->error[k]);
        ball_note(c, &t, k, mpfr_mul(c->at + k, s->at, a->at + k, MPFR_RNDN), error);
    }
    ball_done(c, &t, inherited);
}

void ball_div(struct ball *c, const struct ball *a, const struct ball *s)
{
    struct tally t = {MAG_ZERO, MAG_ZERO};
    mag inherited = quotient_error(ball_midpoint_norm_up(a), a->radius, s->at, s->radius);
    for (size_t k = 0; k < ball_count(a); k++) {
        mag error = quotient_error(up_abs(a->at + k), a->error[k], s->at, s->error[0]);
        ball_note(c, &t, k, mpfr_div(c->at + k, a->at + k, s->at, MPFR_RNDN), error);
    }
    ball_done(c, &t, inherited);
}

void ball_div_entries(struct ball *c, const struct ball *a, const struct ball *b)
{
    struct tally t = {MAG_ZERO, MAG_ZERO};
    for (size_t k = 0; k < ball_count(a); k++) {
        mag error = quotient_error(up_abs(a->at + k), a->error[k], b->at + k, b->error[k]);
        ball_note(c, &t, k, mpfr_div(c->at + k, a->at + k, b->at + k, MPFR_RNDN), error);
    }
    ball_done(c, &t, MAG_INF);
}

void ball_mul_entries(struct ball *c, const struct ball *a, const struct ball *b)
{
    struct tally t = {MAG_ZERO, MAG_ZERO};
    for (size_t k = 0; k < ball_count(a); k++) {
        mag error = product_error(up_abs(a->at + k), a->error[k], up_abs(b->at + k), b->error[k]);
        ball_note(c, &t, k, mpfr_mul(c->at + k, a->at + k, b->at + k, MPFR_RNDN), error);
    }
    ball_done(c, &t, MAG_INF);
}

void ball_scale(struct ball *c, const struct ball *a, long k)
{
    struct tally t = {MAG_ZERO, MAG_ZERO};
    mag inherited = mag_scale(a->radius, k);
    for (size_t i = 0; i < ball_count(a); i++)
        ball_note(c, &t, i, mpfr_mul_2si(c->at + i, a->at + i, k, MPFR_RNDN), mag_scale(a->error[i], k));
    ball_done(c, &t, inherited);
}

void ball_sqrt(struct ball *c, const struct ball *a)
{
    struct tally t = {MAG_ZERO, MAG_ZERO};
    for (size_t k = 0; k < ball_count(a); k++) {
        /* |sqrt(x) - sqrt(x~)| = |x - x~| / (sqrt(x) + sqrt(x~)) <= |x - x~| / sqrt(x~), for x, x~ >= 0 */
        mag size = down_abs(a->at + k), error = up_div(a->error[k], down_sqrt(size));
        if (mpfr_sgn(a->at + k) < 0 || !mag_le(a->error[k], size))
            error = MAG_INF;
        ball_note(c, &t, k, mpfr_sqrt(c->at + k, a->at + k, MPFR_RNDN), error);
    }
    ball_done(c, &t, MAG_INF);
}

void ball_cosh(struct ball *c, const struct ball *a)
{
    struct tally t = {MAG_ZERO, MAG_ZERO};
    for (size_t k = 0; k < ball_count(a); k++) {
        /* |cosh(x) - cosh(x~)| <= |x - x~| sinh(max(|x|, |x~|)), and sinh < cosh */
        mag error = up_mul(a->error[k], up_cosh(up_add(up_abs(a->at + k), a->error[k])));
        ball_note(c, &t, k, mpfr_cosh(c->at + k, a->at + k, MPFR_RNDN), error);
    }
    ball_done(c, &t, MAG_INF);
}

void ball_widen(struct ball *scalar, mag error)
{
    scalar->error[0] = scalar->radius = up_add(scalar->radius, error);
    scalar->rational = NULL;
}

void ball_widen_all(struct ball *a, mag error)
{
    for (size_t k = 0; k < ball_count(a); k++)
        a->error[k] = up_add(a->error[k], error);
    a->radius = up_add(a->radius, error);
    a->rational = NULL;
}

void ball_adopt(struct ball *a, const struct ball *known)
{
    if (!known)
        return;
    struct tally t = {MAG_ZERO, MAG_ZERO};
    for (size_t k = 0; k < ball_count(a); k++) {
        bool exact = mag_is_zero(known->error[k]);
        int ternary = exact ? mpfr_set(a->at + k, known->at + k, MPFR_RNDN) : 0;
        ball_note(a, &t, k, ternary, exact ? MAG_ZERO : a->error[k]);
    }
    ball_done(a, &t, a->radius);
    a->rational = known->rational;
}

void ball_max(struct ball *c, const struct ball *a, const struct ball *b)
{
    const struct ball *larger = mpfr_greater_p(a->at, b->at) ? a : b, *other = larger == a ? b : a;
    MPFR_DECL_INIT(gap, 64);
    mpfr_sub(gap, larger->at, other->at, MPFR_RNDZ);
    /* If the two may be the other way round, the maximum still lies within the larger radius of the larger midpoint. */
    mag spread = mag_le(up_add(a->radius, b->radius), down_abs(gap)) ? MAG_ZERO : other->radius;
    ball_set(c, larger);
    ball_widen(c, spread);
}

/* c = sum of a_k b_k over the midpoints, with its rounding errors as the radius. */
static void midpoint_dot(struct work *w, struct ball *c, const struct ball *a, const struct ball *b)
{
    struct work_block *mark = work_mark(w);
    struct ball *sum = ball_new(w, 1, 1, c->prec + 32);
    for (size_t k = 0; k < ball_count(a); k++) {
        int ternary = mpfr_fma(sum->at, a->at + k, b->at + k, sum->at, MPFR_RNDN);
        ball_widen(sum, rounding_error(sum->at, ternary));
    }
    ball_set(c, sum);
    work_release(w, mark);
}

void ball_dot(struct work *w, struct ball *c, const struct ball *a, const struct ball *b)
{
    mag inherited = product_error(ball_midpoint_norm_up(a), a->radius, ball_midpoint_norm_up(b), b->radius);
    midpoint_dot(w, c, a, b);
    ball_widen(c, inherited);
}

void ball_norm_sqr(struct work *w, struct ball *c, const struct ball *a)
{
    ball_dot(w, c, a, a);
}

void ball_norm(struct work *w, struct ball *c, const struct ball *a)
{
    struct work_block *mark = work_mark(w);
    struct ball *sum = ball_new(w, 1, 1, 2 * c->prec);
    mag inherited = a->radius; /* a may be c */
    midpoint_dot(w, sum, a, a);
    ball_sqrt(c, sum);
    ball_widen(c, inherited);
    work_release(w, mark);
}

struct ball *ball_exact_axpy(struct work *w, const struct ball *s, const struct ball *x, const struct ball *y)
{
    for (mpfr_prec_t prec = s->prec + x->prec + y->prec;; prec *= 2) {
        struct work_block *mark = work_mark(w);
        struct ball *c = ball_new(w, x->rows, x->cols, prec);
        ball_mul(c, s, x);
        ball_add(c, c, y);
        if (ball_is_exact(c))
            return ball_copy(w, c, ball_width(c) + 1);
        work_release(w, mark);
    }
}
