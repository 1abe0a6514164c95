/* The cosh-RMS scaling of AuON lies in its enclosure, and where theory says: against its definition in Arb. */
#include "support.h"

#include "cosh_rms.h"

/* Arb has these names too. */
#define mag_is_zero flint_mag_is_zero
#define mag_is_inf flint_mag_is_inf
#define mag_min flint_mag_min
#define mag_max flint_mag_max
#include <arb.h>
#undef mag_is_zero
#undef mag_is_inf
#undef mag_min
#undef mag_max

#include <math.h>

enum { PREC = 200, TRUTH = 1600, MOST = 64 };

static struct assay_dialect form(enum assay_cosh cosh, double gamma, double eps)
{
    return (struct assay_dialect){.direction = ASSAY_DIRECTION_COSH_RMS, .cosh = cosh, .gamma = gamma, .cosh_eps = eps};
}

/* ---- the definition, in Arb --------------------------------------------------------------------------------------- */

/* r = mean(cosh(factor y)^2) */
static void mean_square(arb_t r, arb_srcptr y, const arb_t factor, size_t count)
{
    arb_t x;
    arb_init(x);
    arb_zero(r);
    for (size_t k = 0; k < count; k++) {
        arb_mul(x, y + k, factor, TRUTH);
        arb_cosh(x, x, TRUTH);
        arb_addmul(r, x, x, TRUTH);
    }
    arb_div_ui(r, r, count, TRUTH);
    arb_clear(x);
}

/* o and r of dialect.h, enum assay_cosh. */
static void definition(arb_ptr o, arb_t r, const struct assay_dialect *d, arb_srcptr y, size_t count)
{
    arb_t norm, t;
    arb_init(norm);
    arb_init(t);
    for (size_t k = 0; k < count; k++)
        arb_addmul(norm, y + k, y + k, TRUTH);
    arb_sqrt(norm, norm, TRUTH);
    arb_set_d(t, 1e-7);
    arb_add(norm, norm, t, TRUTH);
    if (d->cosh == ASSAY_COSH_MEAN_SQUARE) {
        arb_one(t);
        mean_square(r, y, t, count);
    } else {
        arb_set_d(t, d->gamma);
        arb_div(t, t, norm, TRUTH);
        mean_square(r, y, t, count);
        arb_sqrt(r, r, TRUTH);
    }
    arb_set_d(t, d->cosh_eps);
    arb_add(t, t, r, TRUTH);
    if (d->cosh == ASSAY_COSH_NORMALISED)
        arb_mul(t, t, norm, TRUTH);
    for (size_t k = 0; k < count; k++)
        arb_div(o + k, y + k, t, TRUTH);
    arb_clear(norm);
    arb_clear(t);
}

static void set_mag(arb_t x, mag y)
{
    MPFR_DECL_INIT(z, 64);
    mag_get_mpfr(z, y);
    arb_zero(x);
    arf_set_mpfr(arb_midref(x), z);
}

/* Whether the ball, whose bounds are finite, holds the truth, for all that Arb knows, which must be something. */
static bool holds(const struct ball *a, arb_srcptr truth)
{
    bool fine = !mag_is_inf(a->radius);
    arb_t middle, distance, bound, squares;
    arb_init(middle);
    arb_init(distance);
    arb_init(bound);
    arb_init(squares);
    for (size_t k = 0; k < ball_count(a) && fine; k++) {
        fine = !mag_is_inf(a->error[k]) && mpfr_number_p(a->at + k) && arb_is_finite(truth + k) &&
               (arb_contains_zero(truth + k) || arb_rel_accuracy_bits(truth + k) > TRUTH / 2);
        arf_set_mpfr(arb_midref(middle), a->at + k);
        arb_sub(distance, truth + k, middle, TRUTH);
        arb_addmul(squares, distance, distance, TRUTH);
        arb_abs(distance, distance);
        set_mag(bound, fine ? a->error[k] : MAG_ZERO);
        fine = fine && !arb_gt(distance, bound);
    }
    if (fine) {
        set_mag(bound, a->radius);
        arb_sqrtpos(squares, squares, TRUTH);
        fine = !arb_gt(squares, bound);
    }
    arb_clear(middle);
    arb_clear(distance);
    arb_clear(bound);
    arb_clear(squares);
    return fine;
}

/* ---- containment -------------------------------------------------------------------------------------------------- */

struct args {
    struct assay_dialect d;
    double y[MOST];
    size_t rows, cols;
    double loose; /* of the norm of y: the radius of the input */
    uint64_t *state;
};

/* y as a ball; in `member` one of its members, on the boundary or all but there. */
static struct ball *make_ball(struct work *w, const struct args *args, arb_ptr member)
{
    struct ball *y = ball_from_input(w, (assay_input){args->y, args->rows, args->cols, args->cols});
    size_t count = ball_count(y), moved = random_below(args->state, count);
    mag radius = up_mul(ball_norm_up(y), up_abs(ball_from_double(w, args->loose)->at));
    for (size_t k = 0; k < count; k++) {
        y->error[k] = radius;
        arb_set_d(member + k, args->y[k]);
    }
    y->radius = radius;
    arb_t step, length;
    arb_init(step);
    arb_init(length);
    set_mag(length, radius);
    arb_set_d(step, random_below(args->state, 2) ? 1 - 1e-12 : -1 + 1e-12);
    arb_addmul(member + moved, step, length, TRUTH);
    arb_clear(step);
    arb_clear(length);
    return y;
}

static void check_case(struct work *w, void *pointer)
{
    const struct args *args = pointer;
    size_t count = args->rows * args->cols;
    arb_ptr member = _arb_vec_init((slong)count), truth = _arb_vec_init((slong)count);
    arb_t r;
    arb_init(r);
    const struct ball *y = make_ball(w, args, member), *o = cosh_rms(w, &args->d, y, PREC);
    definition(truth, r, &args->d, member, count);
    ck_assert_msg(o->rows == args->rows && o->cols == args->cols && holds(o, truth), "form %d, %zu x %zu, loose %g",
                  (int)args->d.cosh, args->rows, args->cols, args->loose);
    if (args->loose == 0)
        ck_assert(mag_le(o->radius, mag_scale(ball_midpoint_norm_up(o), 40 - PREC)));
    for (size_t k = 0; k < count; k++) /* counter-check: half of it */
        arb_mul_2exp_si(truth + k, truth + k, -1);
    ck_assert(!holds(o, truth));
    _arb_vec_clear(member, (slong)count);
    _arb_vec_clear(truth, (slong)count);
    arb_clear(r);
}

static void check_all(double loose, uint64_t seed)
{
    uint64_t state = seed;
    for (size_t round = 0; round < rounds(300); round++) {
        enum assay_cosh cosh = (enum assay_cosh)(round % 3);
        double gamma = round % 2 ? 1 : 1.5, eps = round % 5 ? 1e-8 : 0;
        struct args args = {.d = form(cosh, gamma, eps), .loose = loose, .state = &state};
        args.rows = 1 + random_below(&state, 8);
        args.cols = 1 + random_below(&state, 8);
        random_matrix(&state, args.y, args.rows * args.cols);
        double size = cosh == ASSAY_COSH_MEAN_SQUARE ? pow(10, 3 * random_uniform(&state) - 1)
                                                     : pow(10, 600 * random_uniform(&state) - 300);
        for (size_t k = 0; k < args.rows * args.cols; k++)
            args.y[k] *= loose > 0 ? fmin(size, 10) : size;
        in_work(check_case, &args);
    }
}

START_TEST(exact_vectors_are_enclosed)
{
    check_all(0, 1);
}
END_TEST

START_TEST(balls_are_enclosed)
{
    check_all(1e-25, 2);
    check_all(1e-6, 3);
}
END_TEST

/* The zero vector stays zero, exactly, in every form. */
static void check_zero(struct work *w, void *pointer)
{
    (void)pointer;
    for (int cosh = ASSAY_COSH_NORMALISED; cosh <= ASSAY_COSH_MEAN_SQUARE; cosh++) {
        struct assay_dialect d = form((enum assay_cosh)cosh, 1.5, 0);
        const struct ball *o = cosh_rms(w, &d, ball_new(w, 3, 2, 53), PREC);
        ck_assert(ball_is_zero(o) && ball_is_exact(o));
        const double y[] = {0, 3, 0, -4};
        o = cosh_rms(w, &d, ball_from_input(w, (assay_input){y, 2, 2, 2}), PREC);
        ck_assert(mpfr_zero_p(o->at) && mag_is_zero(o->error[0]) && mpfr_sgn(o->at + 3) < 0);
    }
}

START_TEST(zeros_stay_zero)
{
    in_work(check_zero, NULL);
}
END_TEST

/* ---- what theory says --------------------------------------------------------------------------------------------- */

/* R of the matrix y, from O = y / R. */
struct range_args {
    const double *y;
    size_t count;
    double gamma, r;
};

static void find_r(struct work *w, void *pointer)
{
    struct range_args *args = pointer;
    struct assay_dialect d = form(ASSAY_COSH_RAW, args->gamma, 0);
    const struct ball *o =
        cosh_rms(w, &d, ball_from_input(w, (assay_input){args->y, 1, args->count, args->count}), PREC);
    size_t k = 0;
    while (args->y[k] == 0)
        k++;
    MPFR_DECL_INIT(x, PREC);
    mpfr_d_div(x, args->y[k], o->at + k, MPFR_RNDN);
    args->r = mpfr_get_d(x, MPFR_RNDN);
}

static double r_of(const double *y, size_t count, double gamma)
{
    struct range_args args = {y, count, gamma, 0};
    in_work(find_r, &args);
    return args.r;
}

/* theory.md A1: cosh(t / sqrt N) <= R <= sqrt(1 + sinh(t)^2 / N), t = gamma ||u|| / (||u|| + 1e-7); the least where all
 * |u_i| are equal, the most where one alone is not 0. */
START_TEST(r_lies_between_its_bounds)
{
    uint64_t state = 4;
    double y[MOST];
    for (size_t round = 0; round < rounds(300); round++) {
        size_t count = 1 + random_below(&state, MOST);
        double gamma = round % 2 ? 1 : 1.5, squares = 0, size = pow(10, 8 * random_uniform(&state) - 9);
        int kind = (int)(round % 3);
        for (size_t k = 0; k < count; k++) {
            y[k] = kind == 0   ? random_gaussian(&state)
                   : kind == 1 ? (random_below(&state, 2) ? 1 : -1)
                               : k == count / 2;
            y[k] *= size;
            squares += y[k] * y[k];
        }
        double t = gamma * sqrt(squares) / (sqrt(squares) + 1e-7), n = (double)count;
        double least = cosh(t / sqrt(n)), most = sqrt(1 + sinh(t) * sinh(t) / n), r = r_of(y, count, gamma);
        ck_assert_msg(r >= least * (1 - 1e-15) && r <= most * (1 + 1e-15), "%.17g in %.17g .. %.17g", r, least, most);
        if (kind == 1)
            ck_assert_msg(fabs(r - least) <= 1e-15 * r, "equal entries: %.17g, not %.17g", r, least);
        if (kind == 2)
            ck_assert_msg(fabs(r - most) <= 1e-15 * r, "one entry: %.17g, not %.17g", r, most);
        if (kind == 0 && count > 3 && t > .5) /* counter-check: neither end */
            ck_assert(r > least * (1 + 1e-9) && r < most * (1 - 1e-9));
    }
}
END_TEST

/* theory.md 4: sinh(1)^2 = 1.3810978455, sinh(1.5)^2 = 4.53383; dialects.md (c): a spike in 2 x 2 has R = 1.160, with
 * gamma 1.5 1.461. */
START_TEST(spikes_are_as_the_theory_says)
{
    const double spike[16] = {[5] = -1e9};
    ck_assert(fabs((pow(r_of(spike, 16, 1), 2) - 1) * 16 - 1.3810978455) <= 1e-9);
    ck_assert(fabs((pow(r_of(spike, 16, 1.5), 2) - 1) * 16 - 4.53383) <= 1e-5);
    const double small_spike[4] = {1e9};
    ck_assert(fabs(r_of(small_spike, 4, 1) - 1.160) <= 5e-4 && fabs(r_of(small_spike, 4, 1.5) - 1.461) <= 5e-4);
}
END_TEST

struct norm_args {
    struct assay_dialect d;
    size_t count;
    double size, norm;
};

static void find_norm(struct work *w, void *pointer)
{
    struct norm_args *args = pointer;
    struct ball *y = ball_new(w, 1, args->count, 53), *norm = ball_new(w, 1, 1, PREC);
    for (size_t k = 0; k < args->count; k++)
        mpfr_set_d(y->at + k, k % 3 ? args->size : -args->size, MPFR_RNDN);
    ball_norm(w, norm, cosh_rms(w, &args->d, y, PREC));
    args->norm = mpfr_get_d(norm->at, MPFR_RNDN);
}

static double norm_of(size_t count, double size)
{
    struct norm_args args = {form(ASSAY_COSH_NORMALISED, 1, 1e-8), count, size / sqrt((double)count), 0};
    in_work(find_norm, &args);
    return args.norm;
}

/* theory.md 4: sup ||out||_2 = 1 / (cosh(1 / sqrt N) + 1e-8): .886819, .969544, .998050 for N = 4, 16, 256, approached
 * by sign matrices (here of rank one, so that the Frobenius norm is the spectral one); and near zero the length shows:
 * .0099, .499, .983, .9921 for ||G|| = 1e-9, 1e-7, 1e-5, 1e-3 with 8 x 8. */
START_TEST(lengths_are_as_the_theory_says)
{
    ck_assert(fabs(norm_of(4, 1e15) - .886819) <= 5e-7 && fabs(norm_of(16, 1e15) - .969544) <= 5e-7);
    ck_assert(fabs(norm_of(256, 1e15) - .998050) <= 5e-7);
    ck_assert(fabs(norm_of(64, 1e-9) - .0099) <= 5e-5 && fabs(norm_of(64, 1e-7) - .499) <= 5e-4);
    ck_assert(fabs(norm_of(64, 1e-5) - .983) <= 6e-4 && fabs(norm_of(64, 1e-3) - .9921) <= 6e-5);
    ck_assert(norm_of(4, 1e-5) < .886819); /* the supremum is not attained */
}
END_TEST

RUN_TESTS("cosh_rms", TEST(exact_vectors_are_enclosed), TEST(balls_are_enclosed), TEST(zeros_stay_zero),
          TEST(r_lies_between_its_bounds), TEST(spikes_are_as_the_theory_says), TEST(lengths_are_as_the_theory_says))
