/* Momentum and Nesterov: every form, over several steps, in exact fractions. */
#include "support.h"

#include "momentum.h"

#include <math.h>
#include <string.h>

enum { STEPS = 7, PREC = 300, TRUTH = 6000 };

struct form {
    struct assay_dialect d;
    double beta;
    const double *g; /* STEPS gradients */
    double m0;
    uint64_t *state;
};

/* ---- the definitions, in fractions -------------------------------------------------------------------------------- */

static void set_power(mpq_ptr x, mpq_srcptr base, size_t k)
{
    mpq_set_ui(x, 1, 1);
    while (k--)
        mpq_mul(x, x, base);
}

/* m of step t from m: dialect.h, enum assay_momentum. */
static void next_buffer(mpq_ptr m, const struct form *f, size_t t, mpq_srcptr g)
{
    mpq_t beta, fresh, one;
    mpq_inits(beta, fresh, one, NULL);
    mpq_set_d(beta, f->beta);
    mpq_set_ui(one, 1, 1);
    mpq_set_d(fresh, f->d.momentum == ASSAY_MOMENTUM_HEAVY_BALL ? f->d.dampening : f->beta);
    mpq_sub(fresh, one, fresh);
    mpq_mul(fresh, fresh, g);
    if (f->d.momentum == ASSAY_MOMENTUM_HEAVY_BALL && f->d.dampening != 0 && t == 1) {
        mpq_set(m, g);
    } else if (f->d.momentum != ASSAY_MOMENTUM_NONE) {
        mpq_mul(m, m, beta);
        mpq_add(m, m, fresh);
    }
    mpq_clears(beta, fresh, one, NULL);
}

/* x / (1 - beta^k) */
static void unbias(mpq_ptr x, mpq_srcptr beta, size_t k)
{
    mpq_t power, one;
    mpq_inits(power, one, NULL);
    mpq_set_ui(one, 1, 1);
    set_power(power, beta, k);
    mpq_sub(power, one, power);
    mpq_div(x, x, power);
    mpq_clears(power, one, NULL);
}

/* u of step t: dialect.h, enum assay_nesterov. */
static void input_of_direction(mpq_ptr u, const struct form *f, size_t t, mpq_srcptr m, mpq_srcptr g)
{
    mpq_t beta, a, b;
    mpq_inits(beta, a, b, NULL);
    mpq_set_d(beta, f->beta);
    mpq_set_ui(b, 1, 1);
    mpq_sub(b, b, beta);
    mpq_mul(a, beta, m); /* beta m */
    mpq_mul(b, b, g);    /* (1 - beta) g */
    mpq_set(u, m);
    switch (f->d.nesterov) {
    case ASSAY_NESTEROV_NONE:
        break;
    case ASSAY_NESTEROV_LERP:
        mpq_add(u, a, b);
        break;
    case ASSAY_NESTEROV_ADD:
        mpq_add(u, g, a);
        break;
    case ASSAY_NESTEROV_SUM:
        mpq_add(u, g, m);
        break;
    case ASSAY_NESTEROV_NADAM:
        unbias(a, beta, t + 1);
        unbias(b, beta, t);
        mpq_add(u, a, b);
        break;
    case ASSAY_NESTEROV_UNBIASED:
        unbias(u, beta, t);
        break;
    case ASSAY_NESTEROV_RAW:
        mpq_set(u, g);
        break;
    }
    if (f->d.momentum == ASSAY_MOMENTUM_NONE)
        mpq_set(u, g);
    mpq_clears(beta, a, b, NULL);
}

/* Whether the 1 x 1 ball holds the fraction; with `exactly`, as its midpoint. */
static bool holds(const struct ball *a, mpq_srcptr truth, bool exactly)
{
    mpq_t middle, error;
    mpq_inits(middle, error, NULL);
    mpfr_get_q(middle, a->at);
    mpq_sub(middle, middle, truth);
    mpq_abs(middle, middle);
    bool fine = !mag_is_inf(a->radius) && mag_le(a->error[0], a->radius);
    if (fine) {
        MPFR_DECL_INIT(bound, 64);
        mag_get_mpfr(bound, a->error[0]);
        mpfr_get_q(error, bound);
        fine = mpq_cmp(middle, error) <= 0 && (!exactly || mpq_sgn(middle) == 0);
    }
    mpq_clears(middle, error, NULL);
    return fine;
}

/* ---- several steps ------------------------------------------------------------------------------------------------ */

static bool divides(const struct form *f)
{
    return f->d.momentum != ASSAY_MOMENTUM_NONE &&
           (f->d.nesterov == ASSAY_NESTEROV_NADAM || f->d.nesterov == ASSAY_NESTEROV_UNBIASED);
}

/* All steps in enclosures beside all steps in fractions. With prec 0 everything is exact. */
static void follow(struct work *w, const struct form *f, mpfr_prec_t prec)
{
    struct ball *m = ball_from_double(w, f->m0);
    mpq_t exact_m, exact_u, g;
    mpq_inits(exact_m, exact_u, g, NULL);
    mpq_set_d(exact_m, f->m0);
    for (size_t t = 1; t <= STEPS; t++) {
        const struct ball *gradient = ball_from_double(w, f->g[t - 1]), *u;
        mpq_set_d(g, f->g[t - 1]);
        next_buffer(exact_m, f, t, g);
        m = momentum_next(w, &f->d, f->beta, t, m, gradient, prec);
        ck_assert_msg(holds(m, exact_m, prec == 0), "momentum %d, step %zu", (int)f->d.momentum, t);
        input_of_direction(exact_u, f, t, exact_m, g);
        if (prec == 0 && divides(f))
            continue;
        u = nesterov(w, &f->d, f->beta, t, m, gradient, prec);
        ck_assert_msg(holds(u, exact_u, prec == 0), "momentum %d, nesterov %d, step %zu", (int)f->d.momentum,
                      (int)f->d.nesterov, t);
        ck_assert(prec == 0 || mag_le(u->radius, mag_scale(up_add(ball_norm_up(u), ball_norm_up(m)),
                                                           80 - prec))); /* 1 - beta^t cancels */
        mpq_add(exact_u, exact_u, g);                                    /* counter-check: twice the gradient */
        ck_assert(f->g[t - 1] == 0 || !holds(u, exact_u, prec == 0));
    }
    mpq_clears(exact_m, exact_u, g, NULL);
}

static void check_form(struct work *w, void *pointer)
{
    follow(w, pointer, PREC);
    follow(w, pointer, 0);
}

/* dialect.h, enum assay_momentum and enum assay_nesterov: all of them, to PREC bits and exactly. */
START_TEST(all_forms_follow_their_formulas)
{
    uint64_t state = 1;
    const double betas[] = {0, 0.5, 0.9, 0.95, 0.999, 1 - 0x1p-53, 0x1p-60};
    double g[STEPS];
    for (size_t b = 0; b < sizeof betas / sizeof betas[0]; b++)
        for (int momentum = ASSAY_MOMENTUM_NONE; momentum <= ASSAY_MOMENTUM_HEAVY_BALL; momentum++)
            for (int nesterov = ASSAY_NESTEROV_NONE; nesterov <= ASSAY_NESTEROV_RAW; nesterov++)
                for (int dampening = 0; dampening < 2; dampening++) {
                    struct form f = {.beta = betas[b], .g = g};
                    random_matrix(&state, g, STEPS);
                    g[3] = 0;
                    g[5] *= 1e-20;
                    f.d.momentum = (enum assay_momentum)momentum;
                    f.d.nesterov = (enum assay_nesterov)nesterov;
                    f.d.dampening = dampening ? 0.1 : 0;
                    f.m0 = dampening || random_below(&state, 2) ? 0 : random_gaussian(&state);
                    in_work(check_form, &f);
                }
}
END_TEST

/* Closed forms for a constant gradient: ema m_t = (1 - beta^t) g, so m / (1 - beta^t) = g; heavy ball m_t = g (1 -
 * beta^t) / (1 - beta); with dampening tau m_t = g (beta^(t-1) + (1 - tau)(1 - beta^(t-1)) / (1 - beta)). */
static void check_closed_forms(struct work *w, void *pointer)
{
    (void)pointer;
    const double beta = 0.75, g = 3, tau = 0.25;
    struct assay_dialect ema = {.momentum = ASSAY_MOMENTUM_EMA, .nesterov = ASSAY_NESTEROV_UNBIASED};
    struct assay_dialect heavy = {.momentum = ASSAY_MOMENTUM_HEAVY_BALL};
    struct assay_dialect damped = {.momentum = ASSAY_MOMENTUM_HEAVY_BALL, .dampening = tau};
    const struct ball *gradient = ball_from_double(w, g);
    struct ball *m[3] = {ball_new(w, 1, 1, 2), ball_new(w, 1, 1, 2), ball_new(w, 1, 1, 2)};
    for (size_t t = 1; t <= STEPS; t++) {
        double power = pow(beta, (double)t), before = pow(beta, (double)t - 1); /* exact */
        m[0] = momentum_next(w, &ema, beta, t, m[0], gradient, 0);
        m[1] = momentum_next(w, &heavy, beta, t, m[1], gradient, 0);
        m[2] = momentum_next(w, &damped, beta, t, m[2], gradient, 0);
        ck_assert(mpfr_cmp_d(m[0]->at, (1 - power) * g) == 0);
        ck_assert(mpfr_cmp_d(m[1]->at, (1 - power) / (1 - beta) * g) == 0);
        ck_assert(mpfr_cmp_d(m[2]->at, g * (before + (1 - tau) * (1 - before) / (1 - beta))) == 0);
        ck_assert(ball_is_exact(m[0]) && ball_is_exact(m[1]) && ball_is_exact(m[2]));
        const struct ball *u = nesterov(w, &ema, beta, t, m[0], gradient, PREC);
        ck_assert(ball_is_exact(u) && mpfr_cmp_d(u->at, g) == 0);
    }
}

START_TEST(constant_gradients_have_closed_forms)
{
    in_work(check_closed_forms, NULL);
}
END_TEST

/* With prec 0 what divides, and what is not exact to begin with, is refused. */
static void divide_exactly(struct work *w, void *pointer)
{
    const struct assay_dialect *d = pointer;
    const struct ball *one = ball_from_integer(w, 1);
    (void)nesterov(w, d, 0.9, 1, one, one, 0);
}

static void combine_the_unknown(struct work *w, void *pointer)
{
    bool buffer = *(bool *)pointer;
    const struct assay_dialect d = {.name = "test", .momentum = ASSAY_MOMENTUM_EMA};
    const struct ball *one = ball_from_integer(w, 1);
    struct ball *about = ball_from_integer(w, 1);
    ball_widen(about, mag_power_of_two(-100));
    (void)momentum_next(w, &d, 0.9, 2, buffer ? about : one, buffer ? one : about, 0);
}

START_TEST(what_cannot_be_exact_is_refused)
{
    struct assay_dialect d = {.name = "test", .momentum = ASSAY_MOMENTUM_EMA, .nesterov = ASSAY_NESTEROV_NADAM};
    ck_assert(strstr(fails_in_work(ASSAY_INVALID, divide_exactly, &d), "'test'"));
    d.nesterov = ASSAY_NESTEROV_UNBIASED;
    fails_in_work(ASSAY_INVALID, divide_exactly, &d);
    for (int buffer = 0; buffer < 2; buffer++) { /* would never end */
        bool which = buffer;
        fails_in_work(ASSAY_INVALID, combine_the_unknown, &which);
    }
}
END_TEST

/* 1 - beta^k, by its definition as far as fractions go, and within seconds beyond: 0.5^(2^40) leaves MPFR's range. */
static void check_corrections(struct work *w, void *pointer)
{
    (void)pointer;
    const double betas[] = {0, 0.5, 0.95, 1 - 0x1p-53, 0x1p-1074};
    const size_t counts[] = {0, 1, 2, 3, 7, 64, 100};
    mpq_t beta, truth, one;
    mpq_inits(beta, truth, one, NULL);
    mpq_set_ui(one, 1, 1);
    for (size_t b = 0; b < sizeof betas / sizeof betas[0]; b++)
        for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
            mpq_set_d(beta, betas[b]);
            set_power(truth, beta, counts[k]);
            mpq_sub(truth, one, truth);
            struct ball *c = bias_correction(w, betas[b], counts[k], PREC);
            ck_assert_msg(holds(c, truth, false), "1 - %g^%zu", betas[b], counts[k]);
            ck_assert(mag_le(c->radius, mag_power_of_two(20 - PREC)));
            mpfr_add_d(c->at, c->at, 0x1p-150, MPFR_RNDN); /* counter-check */
            ck_assert(!holds(c, truth, false));
        }
    mpq_clears(beta, truth, one, NULL);
    for (size_t b = 1; b < 4; b++) {
        const struct ball *c = bias_correction(w, betas[b], (size_t)1 << 40, PREC);
        ck_assert(!mag_is_inf(c->radius) && mpfr_cmp_d(c->at, b < 3 ? 1 : 1.3e-4) <= 0);
        if (b < 3) /* not 1, and no exact number */
            ck_assert(!ball_is_exact(c) && mpfr_cmp_d(c->at, 1 - 0x1p-50) > 0);
        else /* 1 - exp(2^40 log(1 - 2^-53)) = 2^-13 - 2^-27 + ... */
            ck_assert(fabs(mpfr_get_d(c->at, MPFR_RNDN) + expm1(0x1p40 * log1p(-0x1p-53))) < 1e-18);
    }
}

START_TEST(corrections_of_the_bias_are_enclosed)
{
    in_work(check_corrections, NULL);
}
END_TEST

/* The forms hold for every member of a ball: combinations, and quotients by 1 - beta^t. */
static void check_balls(struct work *w, void *pointer)
{
    const struct form *f = pointer;
    struct ball *m = ball_from_double(w, 0.5), *g = ball_from_double(w, 0.25);
    ball_widen(m, mag_power_of_two(-20));
    ball_widen(g, mag_power_of_two(-22));
    const struct ball *next = momentum_next(w, &f->d, f->beta, 2, m, g, PREC), *u;
    u = nesterov(w, &f->d, f->beta, 2, next, g, PREC);
    mpq_t exact_m, exact_u, exact_g;
    mpq_inits(exact_m, exact_u, exact_g, NULL);
    for (int corner = 0; corner < 4; corner++) {
        mpq_set_d(exact_m, 0.5 + (corner & 1 ? 0x1p-20 : -0x1p-20));
        mpq_set_d(exact_g, 0.25 + (corner & 2 ? 0x1p-22 : -0x1p-22));
        next_buffer(exact_m, f, 2, exact_g);
        input_of_direction(exact_u, f, 2, exact_m, exact_g);
        ck_assert(holds(next, exact_m, false) && holds(u, exact_u, false));
    }
    mpq_clears(exact_m, exact_u, exact_g, NULL);
}

START_TEST(balls_are_enclosed)
{
    for (int momentum = ASSAY_MOMENTUM_NONE; momentum <= ASSAY_MOMENTUM_HEAVY_BALL; momentum++)
        for (int nesterov = ASSAY_NESTEROV_NONE; nesterov <= ASSAY_NESTEROV_RAW; nesterov++) {
            struct form f = {.beta = 0.95};
            f.d.momentum = (enum assay_momentum)momentum;
            f.d.nesterov = (enum assay_nesterov)nesterov;
            in_work(check_balls, &f);
        }
}
END_TEST

/* ---- the public function ------------------------------------------------------------------------------------------ */

/* hi = x rounded to nearest, lo = x - hi rounded, radius = the least power of two not below |x - hi - lo|. */
static bool is_pair_of(double hi, double lo, double radius, mpq_srcptr x)
{
    mpfr_t rest;
    mpfr_init2(rest, TRUTH);
    mpfr_set_q(rest, x, MPFR_RNDN);
    bool fine = mpfr_get_d(rest, MPFR_RNDN) == hi;
    mpfr_sub_d(rest, rest, hi, MPFR_RNDN);
    fine = fine && mpfr_get_d(rest, MPFR_RNDN) == lo;
    mpfr_sub_d(rest, rest, lo, MPFR_RNDN);
    fine = fine && mpfr_cmpabs_ui(rest, 0) >= 0 && !signbit(hi + 0 * lo) == (hi >= 0);
    mpfr_abs(rest, rest, MPFR_RNDN);
    fine = fine && (mpfr_zero_p(rest) ? radius == 0 : mpfr_cmp_d(rest, radius) <= 0);
    if (radius > 0x1p-1074)
        fine = fine && mpfr_cmp_d(rest, radius / 2) > 0;
    mpfr_clear(rest);
    return fine;
}

struct call {
    double next[2], u[2], radius[2];
    assay_status status;
    char message[ASSAY_MESSAGE_SIZE];
};

static struct call call(const struct assay_dialect *d, const assay_hyper *h, double m, double g, const double *p,
                        size_t t)
{
    struct call c = {{7, 7}, {7, 7}, {7, 7}, ASSAY_OK, ""};
    const assay_options options = {.message = c.message, .message_size = sizeof c.message, .max_bits = 2000};
    const assay_tensor momentum = {&m, 0, {0}}, grad = {&g, 0, {0}};
    assay_tensor_answer next = {&c.next[0], &c.next[1], 7}, u = {&c.u[0], &c.u[1], 7};
    c.status = assay_ref_momentum(&next, &u, d, h, momentum, grad, p, t, &options);
    c.radius[0] = next.radius;
    c.radius[1] = u.radius;
    return c;
}

/* ref.h, assay_ref_momentum: for every dialect, one step from a buffer, correctly rounded; with L2 decay g + wd p is
 * the gradient. */
START_TEST(every_dialect_is_correctly_rounded)
{
    uint64_t state = 2;
    mpq_t m, g, u, p;
    mpq_inits(m, g, u, p, NULL);
    for (size_t round = 0; round < rounds(4) * assay_dialect_count; round++) {
        struct form f = {.d = assay_dialects[round % assay_dialect_count], .beta = random_uniform(&state)};
        const assay_hyper h = {.lr = 1, .momentum = f.beta, .weight_decay = 0.1};
        double buffer = random_gaussian(&state), grad = random_gaussian(&state) * 1e-5, param = random_gaussian(&state);
        size_t t = 1 + random_below(&state, 9);
        struct call c = call(&f.d, &h, buffer, grad, &param, t);
        mpq_set_d(m, buffer);
        mpq_set_d(g, grad);
        if (f.d.decay == ASSAY_DECAY_L2) {
            mpq_set_d(p, param);
            mpq_set_d(u, h.weight_decay);
            mpq_mul(p, p, u);
            mpq_add(g, g, p);
        }
        next_buffer(m, &f, t, g);
        input_of_direction(u, &f, t, m, g);
        ck_assert_msg(c.status == ASSAY_OK, "%s: %s", f.d.name, c.message);
        ck_assert_msg(is_pair_of(c.next[0], c.next[1], c.radius[0], m), "%s: m", f.d.name);
        ck_assert_msg(is_pair_of(c.u[0], c.u[1], c.radius[1], u), "%s: u", f.d.name);
        mpq_add(u, u, g); /* counter-check */
        ck_assert(!is_pair_of(c.u[0], c.u[1], c.radius[1], u));
    }
    mpq_clears(m, g, u, p, NULL);
}
END_TEST

/* A sum of two quotients that are no binary numbers can be one: with beta = 1/4, t = 3, m = 85, g = -7, NADAM's u is
 * 64/3 - 16/3 = 16, and no enclosure says so. Then the answer is given, or not; a wrong one never is. */
START_TEST(undecidable_sums_are_not_guessed)
{
    const struct assay_dialect *optax = assay_dialect_find("optax");
    const assay_hyper h = {.lr = 1, .momentum = 0.25};
    struct call c = call(optax, &h, (85 + .75 * 7) / .25, -7, NULL, 3);
    ck_assert(c.status == ASSAY_UNDECIDED || (c.status == ASSAY_OK && c.u[0] == 16 && c.u[1] == 0 && c.radius[1] == 0));
    ck_assert(c.status == ASSAY_OK || (c.u[0] == 7 && c.next[0] == 7 && c.radius[0] == 7));
}
END_TEST

/* ref.h: the arguments that are refused, in a sentence, with the outputs untouched; outputs that are not wanted. */
START_TEST(arguments_are_checked)
{
    const struct assay_dialect *jordan = assay_dialect_find("jordan"), *mlx = assay_dialect_find("mlx");
    const assay_hyper fine = {.lr = .1, .momentum = .9, .weight_decay = .1};
    const assay_hyper bad[] = {{.lr = -1},
                               {.lr = NAN},
                               {.momentum = 1},
                               {.momentum = -.1},
                               {.momentum = NAN},
                               {.weight_decay = -1},
                               {.weight_decay = INFINITY},
                               {.lr = INFINITY}};
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        struct call c = call(jordan, &bad[k], 1, 1, NULL, 1);
        ck_assert(c.status == ASSAY_INVALID && c.message[0] && c.next[0] == 7 && c.u[1] == 7 && c.radius[1] == 7);
    }
    ck_assert(call(jordan, &fine, 1, 1, NULL, 0).status == ASSAY_INVALID);
    ck_assert(call(jordan, &fine, NAN, 1, NULL, 1).status == ASSAY_NOT_FINITE);
    ck_assert(call(jordan, &fine, 1, INFINITY, NULL, 1).status == ASSAY_NOT_FINITE);
    struct call c = call(mlx, &fine, 1, 1, NULL, 1);
    ck_assert(c.status == ASSAY_INVALID && strstr(c.message, "'mlx'"));
    const assay_hyper without = {.lr = .1, .momentum = .9};
    ck_assert(call(mlx, &without, 1, 1, NULL, 1).status == ASSAY_OK);
    ck_assert(call(jordan, &fine, 1, 1, NULL, 1).status == ASSAY_OK);

    const double six[] = {1, 2, 3, 4, 5, 6};
    const assay_tensor shapes[] = {{six, 2, {2, 3}}, {six, 2, {3, 2}}, {six, 1, {6}}, {six, 3, {2, 3, 1}}};
    for (int k = 0; k < 16; k++) {
        assay_status status =
            assay_ref_momentum(NULL, NULL, jordan, &fine, shapes[k / 4], shapes[k % 4], NULL, 1, NULL);
        ck_assert(status == (k / 4 == k % 4 ? ASSAY_OK : ASSAY_INVALID));
    }
    const double three[] = {1, 2, 3};
    const assay_tensor nothing = {NULL, 1, {3}}, something = {three, 1, {3}};
    ck_assert(assay_ref_momentum(NULL, NULL, jordan, &fine, nothing, something, NULL, 1, NULL) == ASSAY_INVALID);
    ck_assert(assay_ref_momentum(NULL, NULL, jordan, &fine, something, nothing, NULL, 1, NULL) == ASSAY_INVALID);
    double hi[3], lo[3];
    const assay_tensor x = {three, 1, {3}}, y = {three, 1, {2}};
    assay_tensor_answer next = {hi, lo, 7}, unwanted = {NULL, NULL, 7};
    ck_assert(assay_ref_momentum(&next, &unwanted, jordan, &fine, x, y, NULL, 1, NULL) == ASSAY_INVALID);
    ck_assert(assay_ref_momentum(&next, &unwanted, jordan, &fine, x, x, NULL, 1, NULL) == ASSAY_OK);
    ck_assert(hi[2] == 3 && lo[2] == 0 && next.radius < 0x1p-104 && unwanted.radius == 7);
    ck_assert(assay_ref_momentum(NULL, NULL, jordan, &fine, x, x, NULL, 1, NULL) == ASSAY_OK);
}
END_TEST

RUN_TESTS("momentum", TEST(all_forms_follow_their_formulas), TEST(constant_gradients_have_closed_forms),
          TEST(what_cannot_be_exact_is_refused), TEST(corrections_of_the_bias_are_enclosed), TEST(balls_are_enclosed),
          TEST(every_dialect_is_correctly_rounded), TEST(undecidable_sums_are_not_guessed), TEST(arguments_are_checked))
