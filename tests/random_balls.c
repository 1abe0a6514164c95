#include "random_balls.h"

static void random_significand(mpfr_ptr x, uint64_t *state)
{
    MPFR_DECL_INIT(chunk, 64);
    mpfr_set_zero(x, 1);
    for (mpfr_prec_t done = 0; done <= mpfr_get_prec(x); done += 64) {
        mpfr_set_uj_2exp(chunk, random_bits(state), -done - 64, MPFR_RNDN);
        mpfr_add(x, x, chunk, MPFR_RNDN);
    }
}

void random_number(mpfr_ptr x, uint64_t *state, long spread)
{
    switch (random_below(state, 8)) {
    case 0:
    case 1:
        mpfr_set_zero(x, 1);
        return;
    case 2:
        mpfr_set_ui(x, 1 + random_below(state, 9), MPFR_RNDN);
        break;
    default:
        random_significand(x, state);
        mpfr_mul_2si(x, x, (long)random_below(state, 2 * (size_t)spread + 1) - spread, MPFR_RNDN);
    }
    mpfr_setsign(x, x, (int)random_below(state, 2), MPFR_RNDN);
}

struct ball *random_exact(struct work *w, uint64_t *state, size_t rows, size_t cols, mpfr_prec_t prec, long spread)
{
    struct ball *a = ball_new(w, rows, cols, prec);
    for (size_t k = 0; k < ball_count(a); k++)
        random_number(a->at + k, state, spread);
    return a;
}

static mag random_error(uint64_t *state, mpfr_srcptr x, mpfr_prec_t prec, long spread)
{
    long top = mpfr_zero_p(x) ? (long)random_below(state, (size_t)spread) - spread / 2 : (long)mpfr_get_exp(x);
    mag e = mag_from_integer((uint32_t)(1 + random_below(state, UINT32_MAX)));
    return mag_scale(e, top - 32 - (long)random_below(state, (size_t)prec + 10) + 2);
}

struct ball *random_ball(struct work *w, uint64_t *state, size_t rows, size_t cols, mpfr_prec_t prec, long spread)
{
    struct ball *a = random_exact(w, state, rows, cols, prec, spread);
    size_t kind = random_below(state, 4); /* exact, mixed, inexact, inexact with less radius than the errors allow */
    for (size_t k = 0; k < ball_count(a); k++)
        if (kind > 1 || (kind == 1 && random_below(state, 2)))
            a->error[k] = random_error(state, a->at + k, prec, spread);
    a->radius = MAG_INF;
    ball_tighten(a);
    if (kind == 3)
        a->radius = mag_scale(a->radius, -(long)random_below(state, 4));
    return a;
}

/* offset_k = a number within error_k of 0; at the very end of that if `corner`. Returns a bound on their norm. */
static mag random_offsets(struct ball *offset, uint64_t *state, const struct ball *a, bool corner)
{
    mag squares = MAG_ZERO;
    for (size_t k = 0; k < ball_count(a); k++) {
        mpfr_ptr x = offset->at + k;
        mag_get_mpfr(x, mag_is_inf(a->error[k]) ? mag_power_of_two((long)random_below(state, 100) - 50) : a->error[k]);
        if (!corner)
            mpfr_mul_d(x, x, (double)random_below(state, 0x10001) * 0x1p-16, MPFR_RNDN);
        mpfr_setsign(x, x, (int)random_below(state, 2), MPFR_RNDN);
        squares = up_add(squares, up_sqr(up_abs(x)));
    }
    return up_sqrt(squares);
}

struct ball *random_member(struct work *w, uint64_t *state, const struct ball *a)
{
    struct ball *x = ball_new(w, a->rows, a->cols, MEMBER_BITS);
    mag norm = random_offsets(x, state, a, random_below(state, 4) != 0);
    MPFR_DECL_INIT(shrink, 64);
    mag_get_mpfr(shrink, mag_le(norm, a->radius) ? MAG_ONE : down_div(a->radius, norm));
    for (size_t k = 0; k < ball_count(a); k++) {
        int scaled = mpfr_mul(x->at + k, x->at + k, shrink, MPFR_RNDN);
        int moved = mpfr_add(x->at + k, x->at + k, a->at + k, MPFR_RNDN);
        ck_assert_msg(scaled == 0 && moved == 0, "a member needs more bits than it has");
    }
    return x;
}

bool encloses(const struct ball *c, const struct ball *truth)
{
    for (size_t k = 0; k < ball_count(c); k++)
        if (!mpfr_number_p(c->at + k) && !mag_is_inf(c->error[k]))
            return false;
    return contains(c, truth);
}

bool half_misses(struct work *w, const struct ball *c, const struct ball *truth)
{
    struct ball *half = clone(w, c);
    half->radius = mag_scale(half->radius, -1);
    for (size_t k = 0; k < ball_count(c); k++)
        half->error[k] = mag_scale(half->error[k], -1);
    return !encloses(half, truth);
}

struct ball *clone(struct work *w, const struct ball *a)
{
    struct ball *c = ball_new(w, a->rows, a->cols, a->prec);
    for (size_t k = 0; k < ball_count(a); k++) {
        mpfr_set(c->at + k, a->at + k, MPFR_RNDN);
        c->error[k] = a->error[k];
    }
    c->radius = a->radius;
    return c;
}

bool same_mag(mag a, mag b)
{
    return a.mantissa == b.mantissa && (mag_is_zero(a) || mag_is_inf(a) || a.exponent == b.exponent);
}

bool same_ball(const struct ball *a, const struct ball *b)
{
    bool same = a->rows == b->rows && a->cols == b->cols && same_mag(a->radius, b->radius);
    for (size_t k = 0; k < ball_count(a) && same; k++)
        same = (mpfr_equal_p(a->at + k, b->at + k) || (mpfr_nan_p(a->at + k) && mpfr_nan_p(b->at + k))) &&
               same_mag(a->error[k], b->error[k]);
    return same;
}
