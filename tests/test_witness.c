/* Witnesses: what of them is canonical is so, and rounding changes them as little as it says. */
#include "witness.h"

#include "product.h"
#include "random_balls.h"

enum { PREC = 256, SIDE = 6 };

/* A rotation of columns i and j of x by the angle with sine 2 t / (1 + t^2), nearly. */
static void rotate(struct ball *x, size_t i, size_t j, double t)
{
    mpfr_t c, s, y;
    mpfr_inits2(PREC, c, s, y, (mpfr_ptr)NULL);
    mpfr_set_d(c, 1 - t * t, MPFR_RNDN);
    mpfr_div_d(c, c, 1 + t * t, MPFR_RNDN);
    mpfr_set_d(s, 2 * t, MPFR_RNDN);
    mpfr_div_d(s, s, 1 + t * t, MPFR_RNDN);
    for (size_t k = 0; k < x->rows; k++) {
        mpfr_fmma(y, c, ball_at(x, k, i), s, ball_at(x, k, j), MPFR_RNDN);
        mpfr_fmms(ball_at(x, k, j), c, ball_at(x, k, j), s, ball_at(x, k, i), MPFR_RNDN);
        mpfr_set(ball_at(x, k, i), y, MPFR_RNDN);
    }
    mpfr_clears(c, s, y, (mpfr_ptr)NULL);
}

/* A nearly orthogonal matrix, made of rotations by t = k / 16, which are 1 and 0 for k = 0. */
static struct ball *orthogonal(struct work *w, uint64_t *state)
{
    struct ball *x = ball_identity(w, SIDE, PREC);
    for (size_t i = 0; i < SIDE; i++)
        for (size_t j = 0; j < i; j++)
            rotate(x, i, j, (double)random_below(state, 16) / 16);
    return x;
}

/* max |x_ij - y_ij| <= 2^exponent */
static bool close_to(const struct ball *x, const struct ball *y, long exponent)
{
    mpfr_t difference;
    mpfr_init2(difference, PREC);
    bool close = true;
    for (size_t k = 0; k < ball_count(x); k++) {
        mpfr_sub(difference, x->at + k, y->at + k, MPFR_RNDN);
        close = close && mpfr_cmpabs_ui(difference, 0) >= 0 &&
                (mpfr_zero_p(difference) || mpfr_get_exp(difference) <= exponent);
    }
    mpfr_clear(difference);
    return close;
}

/* sum_j of group u_j v_j^T, for columns from `first` on */
static struct ball *projector(struct work *w, const struct ball *u, const struct ball *v, size_t first, size_t count)
{
    size_t columns[SIDE];
    for (size_t j = 0; j < count; j++)
        columns[j] = first + j;
    struct ball *p = ball_new(w, u->rows, v->rows, PREC);
    product_nt(w, p, ball_gather(w, u, NULL, u->rows, columns, count), ball_gather(w, v, NULL, v->rows, columns, count),
               0);
    return p;
}

/* Singular values 3, 3, 2, 1, 1, 1: groups of 2, 1 and 3. */
static const size_t group_of[] = {0, 2, 3, SIDE};

static struct ball *values(struct work *w)
{
    const double at[] = {3, 3, 2, 1, 1, 1};
    struct ball *s = ball_new(w, 1, SIDE, 53);
    for (size_t j = 0; j < SIDE; j++)
        mpfr_set_d(s->at + j, at[j], MPFR_RNDN);
    return s;
}

/* Row by row, the entries of a group's columns: 0 behind the diagonal of the trapezoid, whose entries, the first of their
 * rows that are not tiny, are positive. */
static bool is_trapezoid(const struct ball *v, size_t first, size_t end)
{
    size_t found = first;
    for (size_t i = 0; i < v->rows && found < end; i++) {
        for (size_t j = found + 1; j < end; j++)
            if (!mpfr_zero_p(ball_at(v, i, j)) && mpfr_get_exp(ball_at(v, i, j)) > -PREC / 2)
                return false;
        if (mpfr_zero_p(ball_at(v, i, found)) || mpfr_get_exp(ball_at(v, i, found)) < -PREC / 2)
            continue;
        if (mpfr_sgn(ball_at(v, i, found)) < 0)
            return false;
        found++;
    }
    return found == end;
}

/* Turning the columns of each group of U and V alike, and changing signs, changes nothing of the canonical bases; nor do
 * these change the sums of u_j v_j^T over groups. Without the second turn (of V) the sums do change. */
static void turned(struct work *w, void *args)
{
    uint64_t *state = args;
    struct ball *u = orthogonal(w, state), *v = orthogonal(w, state), *s = values(w);
    struct ball *u2 = clone(w, u), *v2 = clone(w, v);
    for (size_t g = 0; g < 3; g++)
        for (size_t j = group_of[g]; j < group_of[g + 1]; j++) {
            if (j > group_of[g]) {
                double t = (double)random_below(state, 64) / 16;
                rotate(u2, j, group_of[g], t);
                rotate(v2, j, group_of[g], t);
            }
            bool flip = random_below(state, 2);
            for (size_t i = 0; i < SIDE && flip; i++) {
                mpfr_neg(ball_at(u2, i, j), ball_at(u2, i, j), MPFR_RNDN);
                mpfr_neg(ball_at(v2, i, j), ball_at(v2, i, j), MPFR_RNDN);
            }
        }
    struct ball *before[3];
    for (size_t g = 0; g < 3; g++)
        before[g] = projector(w, u, v, group_of[g], group_of[g + 1] - group_of[g]);
    witness_canonical(w, u, v, s, SIDE);
    witness_canonical(w, u2, v2, s, SIDE);
    ck_assert(close_to(u, u2, -200) && close_to(v, v2, -200));
    for (size_t g = 0; g < 3; g++) {
        ck_assert(is_trapezoid(v, group_of[g], group_of[g + 1]));
        ck_assert(close_to(before[g], projector(w, u, v, group_of[g], group_of[g + 1] - group_of[g]), -200));
    }
    rotate(v, 0, 1, 0.125);
    ck_assert(!close_to(before[0], projector(w, u, v, 0, 2), -200) && !is_trapezoid(v, 0, 2));
}

/* A row that is tiny in a group is passed over: here the first of the last group, whose columns start as unit vectors. */
static void passed_over(struct work *w, void *args)
{
    (void)args;
    struct ball *u = ball_identity(w, SIDE, PREC), *v = ball_identity(w, SIDE, PREC);
    mpfr_set_ui_2exp(ball_at(v, 0, 4), 1, -60, MPFR_RNDN);
    mpfr_set_si(ball_at(v, 5, 5), -1, MPFR_RNDN);
    witness_canonical(w, u, v, values(w), SIDE);
    mpfr_set_ui(ball_at(v, 0, 4), 0, MPFR_RNDN);
    ck_assert(close_to(v, ball_identity(w, SIDE, 2), -50));
    ck_assert(mpfr_cmp_si(ball_at(u, 5, 5), -1) == 0 && mpfr_cmp_si(ball_at(u, 4, 4), 1) == 0);
}

START_TEST(bases_do_not_depend_on_the_start)
{
    uint64_t state = 1;
    in_work(passed_over, NULL);
    for (size_t k = 0; k < rounds(100); k++)
        in_work(turned, &state);
}
END_TEST

/* |x - (hi + lo)| <= 2^-121 + what the pair leaves of that, 2^-106 |x| at most; multiples of 2^-120 of 106 bits stay; noise
 * below 2^-121 is dropped. */
static void rounded(struct work *w, void *args)
{
    uint64_t *state = args;
    struct ball *x = orthogonal(w, state), *noisy = clone(w, x);
    const struct ball *exact = clone(w, x);
    mpfr_set_ui_2exp(x->at, 1, -200, MPFR_RNDN);
    mpfr_set_si_2exp(noisy->at, -1, -190, MPFR_RNDN);
    mpfr_set_d(x->at + 1, 0.625, MPFR_RNDN);
    mpfr_set_d(noisy->at + 1, 0.625, MPFR_RNDN);
    const struct pairs *p = witness_round(w, x), *q = witness_round(w, noisy);
    ck_assert(p->hi[0] == 0 && p->lo[0] == 0 && q->hi[0] == 0 && q->lo[0] == 0 && p->hi[1] == 0.625 && p->lo[1] == 0);
    mpfr_t sum;
    mpfr_init2(sum, PREC);
    for (size_t k = 0; k < ball_count(x); k++) {
        ck_assert(p->hi[k] == q->hi[k] && p->lo[k] == q->lo[k]);
        mpfr_set_d(sum, p->hi[k], MPFR_RNDN);
        mpfr_add_d(sum, sum, p->lo[k], MPFR_RNDN);
        ck_assert(mpfr_equal_p(sum, x->at + k));
        mpfr_sub(sum, sum, exact->at + k, MPFR_RNDN);
        ck_assert(k < 2 || mpfr_zero_p(sum) || mpfr_get_exp(sum) <= -105);
    }
    mpfr_clear(sum);
}

START_TEST(rounding_drops_noise)
{
    uint64_t state = 2;
    for (size_t k = 0; k < rounds(20); k++)
        in_work(rounded, &state);
}
END_TEST

RUN_TESTS("witness", TEST(bases_do_not_depend_on_the_start), TEST(rounding_drops_noise))
