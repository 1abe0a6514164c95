/* Whole steps: in exact fractions where the direction is rational, against more precision where it is not. */
#include "support.h"

#include "direction.h"
#include "step.h"
#include "subproblem.h"

#include <math.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { STEPS = 4, ENTRIES = 3, TRUTH = 4000 };

/* ---- steps in fractions --------------------------------------------------------------------------------------------- */

struct fractions {
    struct assay_dialect d; /* its direction is the identity, or the sign: the LMO of the maximum norm */
    assay_hyper hyper;
    double lr[STEPS], grads[STEPS * ENTRIES], param[ENTRIES], momentum[ENTRIES];
    bool present[STEPS];
    size_t before;
    bool tie; /* whether a direction had a choice: set by apply_direction() */
};

struct entry {
    mpq_t p, m, change, query;
};

static void set_power(mpq_ptr x, mpq_srcptr base, size_t k)
{
    mpq_set_ui(x, 1, 1);
    while (k--)
        mpq_mul(x, x, base);
}

/* 1 - x */
static void complement(mpq_ptr y, mpq_srcptr x)
{
    mpq_t one;
    mpq_init(one);
    mpq_set_ui(one, 1, 1);
    mpq_sub(y, one, x);
    mpq_clear(one);
}

/* u of momentum and Nesterov (enum assay_momentum, assay_nesterov) for the t-th g; m becomes the buffer after it. */
static void accumulate(mpq_ptr u, mpq_ptr m, const struct fractions *f, size_t t, mpq_srcptr g)
{
    const struct assay_dialect *d = &f->d;
    bool heavy = d->momentum == ASSAY_MOMENTUM_HEAVY_BALL;
    mpq_t beta, fresh, x, y;
    mpq_inits(beta, fresh, x, y, NULL);
    mpq_set_d(beta, f->hyper.momentum);
    mpq_set_d(fresh, heavy ? d->dampening : f->hyper.momentum);
    complement(fresh, fresh);
    if (heavy && d->dampening != 0 && t == 1) {
        mpq_set(m, g);
    } else if (d->momentum != ASSAY_MOMENTUM_NONE) {
        mpq_mul(x, fresh, g);
        mpq_mul(m, beta, m);
        mpq_add(m, m, x);
    }
    complement(fresh, beta);
    mpq_mul(x, beta, m);
    mpq_mul(y, fresh, g);
    mpq_set(u, m);
    if (d->nesterov == ASSAY_NESTEROV_NADAM || d->nesterov == ASSAY_NESTEROV_UNBIASED) {
        bool nadam = d->nesterov == ASSAY_NESTEROV_NADAM;
        set_power(fresh, beta, nadam ? t + 1 : t);
        complement(fresh, fresh);
        mpq_div(u, nadam ? x : m, fresh);
        set_power(fresh, beta, t);
        complement(fresh, fresh);
        mpq_div(y, y, fresh);
    }
    if (d->nesterov == ASSAY_NESTEROV_LERP)
        mpq_add(u, x, y);
    if (d->nesterov == ASSAY_NESTEROV_NADAM)
        mpq_add(u, u, y);
    if (d->nesterov == ASSAY_NESTEROV_ADD)
        mpq_add(u, g, x);
    if (d->nesterov == ASSAY_NESTEROV_SUM)
        mpq_add(u, g, m);
    if (d->nesterov == ASSAY_NESTEROV_RAW || d->momentum == ASSAY_MOMENTUM_NONE)
        mpq_set(u, g);
    mpq_clears(beta, fresh, x, y, NULL);
}

static void apply_direction(mpq_ptr o, struct fractions *f)
{
    if (f->d.direction != ASSAY_DIRECTION_LMO)
        return;
    f->tie = f->tie || mpq_sgn(o) == 0;
    mpq_set_si(o, mpq_sgn(o), 1);
}

/* What decay takes from p (enum assay_decay), for a scale s. */
static void decayed(mpq_ptr taken, const struct fractions *f, double lr_k, mpq_srcptr s, mpq_srcptr o, mpq_srcptr p)
{
    mpq_t lr, wd;
    mpq_inits(lr, wd, NULL);
    mpq_set_d(lr, lr_k);
    mpq_set_d(wd, f->hyper.weight_decay);
    mpq_set(taken, p);
    bool cautious = false;
    switch (f->d.decay) {
    case ASSAY_DECAY_NONE:
    case ASSAY_DECAY_L2:
        mpq_set_ui(taken, 0, 1);
        break;
    case ASSAY_DECAY_CAUTIOUS_SQUARED:
        mpq_mul(taken, taken, lr); /* and again: */
        /* fall through */
    case ASSAY_DECAY_CAUTIOUS_SCALED:
        mpq_mul(taken, taken, s);
        /* fall through */
    case ASSAY_DECAY_CAUTIOUS:
        cautious = true;
        mpq_mul(taken, taken, lr);
        mpq_mul(taken, taken, wd);
        break;
    case ASSAY_DECAY_SCALED:
        mpq_mul(taken, taken, s);
        mpq_mul(taken, taken, lr);
        mpq_mul(taken, taken, wd);
        break;
    case ASSAY_DECAY_SQUARED:
        mpq_mul(taken, taken, lr);
        mpq_mul(taken, taken, lr);
        mpq_mul(taken, taken, wd);
        break;
    case ASSAY_DECAY_DECOUPLED:
        mpq_mul(taken, taken, lr);
        mpq_mul(taken, taken, wd);
        break;
    case ASSAY_DECAY_INDEPENDENT:
        mpq_mul(taken, taken, wd);
        break;
    case ASSAY_DECAY_FRANK_WOLFE:
        mpq_mul(taken, taken, lr);
        break;
    }
    if (cautious && mpq_sgn(o) * mpq_sgn(p) < 0)
        mpq_set_ui(taken, 0, 1);
    mpq_clears(lr, wd, NULL);
}

/* Step k of one entry; t counts the steps that were not skipped. */
static void advance(struct entry *e, struct fractions *f, size_t k, size_t i, size_t *t)
{
    bool present = f->present[k], decays = present || f->d.absent == ASSAY_ABSENT_ZERO;
    mpq_set_ui(e->change, 0, 1);
    mpq_set(e->query, e->p);
    if (!present && f->d.absent == ASSAY_ABSENT_SKIP)
        return;
    ++*t;
    mpq_t g, u, x, s;
    mpq_inits(g, u, x, s, NULL);
    mpq_set_d(g, present ? f->grads[k * ENTRIES + i] : 0);
    if (f->d.decay == ASSAY_DECAY_L2 && decays) {
        mpq_set_d(x, f->hyper.weight_decay);
        mpq_mul(x, x, e->p);
        mpq_add(g, g, x);
    }
    if (f->d.direction_first)
        apply_direction(g, f);
    accumulate(u, e->m, f, *t, g);
    if (!f->d.direction_first)
        apply_direction(u, f);
    mpq_set_d(s, f->d.scale_factor);
    if (decays)
        decayed(e->change, f, f->lr[k], s, u, e->p);
    mpq_set_d(x, f->lr[k]);
    mpq_mul(x, x, s);
    mpq_mul(x, x, u);
    mpq_add(e->change, e->change, x);
    mpq_neg(e->change, e->change);
    mpq_add(e->p, e->p, e->change);
    mpq_set_d(x, f->hyper.momentum); /* y = p + beta / (1 - beta) change */
    complement(g, x);
    mpq_div(x, x, g);
    mpq_mul(x, x, e->change);
    mpq_add(e->query, e->p, x);
    mpq_clears(g, u, x, s, NULL);
}

/* ---- comparison ----------------------------------------------------------------------------------------------------- */

/* hi = x rounded to nearest, lo = x - hi rounded; adds (x - hi - lo)^2 to squares. */
static bool is_pair(double hi, double lo, mpq_srcptr x, mpfr_ptr squares)
{
    mpfr_t rest;
    mpfr_init2(rest, TRUTH);
    mpfr_set_q(rest, x, MPFR_RNDN);
    bool fine = mpfr_get_d(rest, MPFR_RNDN) == hi;
    mpq_t exact, part;
    mpq_inits(exact, part, NULL);
    mpq_set_d(part, fine ? hi : 0);
    mpq_sub(exact, x, part);
    mpfr_set_q(rest, exact, MPFR_RNDN);
    fine = fine && mpfr_get_d(rest, MPFR_RNDN) == lo;
    mpq_set_d(part, fine ? lo : 0);
    mpq_sub(exact, exact, part);
    mpfr_set_q(rest, exact, MPFR_RNDN);
    mpfr_fma(squares, rest, rest, squares, MPFR_RNDN);
    mpq_clears(exact, part, NULL);
    mpfr_clear(rest);
    return fine;
}

/* The least power of two not below the root of `squares`; 0 for 0. */
static bool is_radius(double radius, mpfr_ptr squares)
{
    mpfr_sqrt(squares, squares, MPFR_RNDN);
    return mpfr_zero_p(squares) ? radius == 0 : mpfr_cmp_d(squares, radius) <= 0 && mpfr_cmp_d(squares, radius / 2) > 0;
}

enum { ANSWERS = 4 };

struct answers {
    double hi[ANSWERS][STEPS * ENTRIES], lo[ANSWERS][STEPS * ENTRIES];
    assay_steps after;
    bool unique;
    assay_status status;
    char message[ASSAY_MESSAGE_SIZE];
};

static void take_steps(struct answers *a, const struct fractions *f)
{
    assay_tensor_answer *each[ANSWERS] = {&a->after.params, &a->after.updates, &a->after.momentum, &a->after.queries};
    const assay_options options = {.message = a->message, .message_size = sizeof a->message};
    a->after = (assay_steps){0};
    for (size_t k = 0; k < ANSWERS; k++)
        *each[k] = (assay_tensor_answer){a->hi[k], a->lo[k], 7};
    const assay_run run = {.param = {f->param, 1, {ENTRIES}},
                           .steps = STEPS,
                           .grads = f->grads,
                           .lr = f->lr,
                           .present = f->present,
                           .momentum = f->momentum,
                           .steps_before = f->before};
    a->status = assay_ref_step(&a->after, &a->unique, &f->d, &f->hyper, &run, &options);
}

/* What is wrong with the answers, or NULL. */
static const char *compare(const struct answers *a, struct fractions *f)
{
    struct entry e[ENTRIES];
    mpfr_t squares[ANSWERS];
    const char *wrong = NULL;
    for (size_t k = 0; k < ANSWERS; k++) {
        mpfr_init2(squares[k], TRUTH);
        mpfr_set_zero(squares[k], 1);
    }
    for (size_t i = 0; i < ENTRIES; i++) {
        size_t t = f->before;
        mpq_inits(e[i].p, e[i].m, e[i].change, e[i].query, NULL);
        mpq_set_d(e[i].p, f->param[i]);
        mpq_set_d(e[i].m, f->momentum[i]);
        for (size_t k = 0; k < STEPS; k++) {
            advance(&e[i], f, k, i, &t);
            size_t at = k * ENTRIES + i;
            mpq_srcptr truth[ANSWERS] = {e[i].p, e[i].change, e[i].m, e[i].query};
            const char *const names[ANSWERS] = {"params", "updates", "momentum", "queries"};
            for (size_t n = 0; n < ANSWERS; n++)
                if (!is_pair(a->hi[n][at], a->lo[n][at], truth[n], squares[n]))
                    wrong = names[n];
        }
        mpq_clears(e[i].p, e[i].m, e[i].change, e[i].query, NULL);
    }
    const double radius[ANSWERS] = {a->after.params.radius, a->after.updates.radius, a->after.momentum.radius,
                                    a->after.queries.radius};
    for (size_t k = 0; k < ANSWERS; k++) {
        if (!wrong && !is_radius(radius[k], squares[k]))
            wrong = "a radius";
        mpfr_clear(squares[k]);
    }
    return wrong;
}

static void random_case(struct fractions *f, uint64_t *state)
{
    *f = (struct fractions){.d = {.name = "test", .nd = ASSAY_ND_ELEMENTWISE, .norm = ASSAY_NORM_MAX}};
    f->hyper.momentum = random_below(state, 4) ? random_uniform(state) : 0;
    f->hyper.weight_decay = random_below(state, 4) ? random_uniform(state) : 0;
    for (size_t k = 0; k < STEPS; k++) {
        f->lr[k] = random_below(state, 6) ? random_uniform(state) : 0;
        f->present[k] = random_below(state, 4) != 0;
    }
    random_matrix(state, f->grads, STEPS * ENTRIES);
    random_matrix(state, f->param, ENTRIES);
    if (random_below(state, 2))
        random_matrix(state, f->momentum, ENTRIES);
    if (random_below(state, 4) == 0)
        f->param[1] = f->grads[1] = 0;
    for (size_t k = 0; k < STEPS * ENTRIES; k++) /* is not looked at */
        f->grads[k] = f->present[k / ENTRIES] ? f->grads[k] : NAN;
    f->before = random_below(state, 2) ? 0 : random_below(state, 5);
    f->d.scale_factor = random_below(state, 2) ? 1 : 0.2;
    f->d.dampening = random_below(state, 2) ? 0 : 0.25;
    f->d.absent = (enum assay_absent)random_below(state, 3);
    f->d.direction_first = random_below(state, 3) == 0;
    f->d.momentum = (enum assay_momentum)random_below(state, 3);
    f->d.nesterov = (enum assay_nesterov)random_below(state, 7);
    f->d.direction = random_below(state, 2) ? ASSAY_DIRECTION_IDENTITY : ASSAY_DIRECTION_LMO;
}

/* Every decay with momentum, Nesterov, schedules, missing gradients and earlier steps at random: all rational. */
START_TEST(rational_steps_are_correctly_rounded)
{
    uint64_t state = 1;
    static struct answers a;
    struct fractions f;
    size_t compared = 0, total = rounds(60);
    for (int decay = ASSAY_DECAY_NONE; decay <= ASSAY_DECAY_CAUTIOUS_SQUARED; decay++)
        for (size_t round = 0; round < total; round++) {
            random_case(&f, &state);
            f.d.decay = (enum assay_decay)decay;
            bool exact = f.d.direction == ASSAY_DIRECTION_LMO && !f.d.direction_first;
            bool divides = f.d.nesterov == ASSAY_NESTEROV_NADAM || f.d.nesterov == ASSAY_NESTEROV_UNBIASED;
            take_steps(&a, &f);
            if (exact && divides && f.d.momentum != ASSAY_MOMENTUM_NONE) {
                bool any = f.d.absent != ASSAY_ABSENT_SKIP;
                for (size_t k = 0; k < STEPS; k++)
                    any = any || f.present[k];
                ck_assert(a.status == (any ? ASSAY_INVALID : ASSAY_OK));
                continue;
            }
            if (f.d.direction == ASSAY_DIRECTION_LMO && f.d.direction_first && decay == ASSAY_DECAY_L2 &&
                a.status == ASSAY_INVALID)
                continue; /* the parameter, rounded, is part of what the LMO asks for exactly */
            ck_assert_msg(a.status == ASSAY_OK, "decay %d, round %zu: %s", decay, round, a.message);
            const char *wrong = compare(&a, &f);
            ck_assert_msg(!wrong, "decay %d, round %zu: %s", decay, round, wrong);
            compared++;
            ck_assert(a.unique == !f.tie);
            f.param[2] += 0x1p-50; /* counter-check */
            ck_assert(compare(&a, &f));
        }
    ck_assert(compared > total * 6);
}
END_TEST

/* ---- steps that are not rational ------------------------------------------------------------------------------------ */

enum { COARSE = 40, FINE = 900, MOST = 24 };

struct enclosed {
    struct assay_dialect d;
    struct shape shape;
    uint64_t seed;
    enum assay_regulariser regulariser;
    size_t known; /* how many answers had a bound */
};

static const struct ball *numbers(struct work *w, uint64_t *state, size_t rows, size_t cols, bool positive)
{
    struct ball *x = ball_new(w, rows, cols, 53);
    for (size_t k = 0; k < ball_count(x); k++)
        mpfr_set_d(x->at + k, positive ? random_uniform(state) : random_gaussian(state), MPFR_RNDN);
    return x;
}

/* An enclosure to few bits holds what many bits find, which is known to 2^-FINE/2 or so; with a bound or without one. */
static void check_precisions(struct work *w, void *pointer)
{
    struct enclosed *e = pointer;
    uint64_t state = e->seed;
    size_t count = shape_count(e->shape), moments = direction_moment_count(w, &e->d, e->shape);
    const double lr[STEPS] = {0.05, 0.02, 0.1, 0.01};
    const bool present[STEPS] = {true, true, e->seed % 2, true};
    const struct run run = {.dialect = &e->d,
                            .shape = e->shape,
                            .steps = STEPS,
                            .param = numbers(w, &state, 1, count, false),
                            .grads = numbers(w, &state, STEPS, count, false),
                            .momentum = numbers(w, &state, 1, count, false),
                            .moment = numbers(w, &state, 1, moments, true),
                            .steps_before = e->seed % 3,
                            .lr = lr,
                            .present = present,
                            .beta = 0.9,
                            .weight_decay = 0.1,
                            .regulariser = e->regulariser,
                            .weight = 0.5};
    struct trajectory coarse = trajectory(w, &run, COARSE), fine = trajectory(w, &run, FINE);
    struct ball *a[] = {coarse.params, coarse.updates, coarse.momentum, coarse.moment, coarse.queries};
    struct ball *b[] = {fine.params, fine.updates, fine.momentum, fine.moment, fine.queries};
    ck_assert(coarse.unique == fine.unique);
    for (size_t k = 0; k < COUNT(a); k++) {
        ck_assert_msg(mag_le(b[k]->radius, mag_power_of_two(-FINE / 2)), "%s, answer %zu", e->d.name, k);
        ball_widen_all(a[k], b[k]->radius);
        ball_make_exact(b[k]);
        ck_assert_msg(contains(a[k], b[k]), "%s, answer %zu", e->d.name, k);
        e->known += !mag_is_inf(a[k]->radius);
        if (ball_count(b[k]) == 0 || mag_is_inf(a[k]->radius))
            continue;
        MPFR_DECL_INIT(shift, 64); /* counter-check */
        mag_get_mpfr(shift, mag_max(mag_scale(a[k]->radius, 1), mag_power_of_two(-2 * FINE)));
        mpfr_add(b[k]->at, b[k]->at, shift, MPFR_RNDU);
        mpfr_add(b[k]->at, b[k]->at, shift, MPFR_RNDU);
        ck_assert(!contains(a[k], b[k]));
    }
}

/* Every dialect, as it is and with another decay, on matrices and on what tensors it takes. */
START_TEST(enclosures_hold_what_more_bits_find)
{
    static const struct shape shapes[] = {{2, {2, 3}}, {2, {3, 1}}, {3, {2, 2, 3}}, {4, {2, 2, 1, 3}}};
    uint64_t state = 2;
    size_t known = 0, all = 0;
    for (size_t round = 0; round < rounds(4) * assay_dialect_count; round++) {
        struct enclosed e = {.d = assay_dialects[round % assay_dialect_count], .seed = random_bits(&state)};
        bool any = e.d.nd != ASSAY_ND_REJECT;
        e.shape = shapes[random_below(&state, any ? COUNT(shapes) : 2)];
        if (random_below(&state, 2) && (e.d.direction != ASSAY_DIRECTION_LMO || e.d.direction_first))
            e.d.decay = (enum assay_decay)random_below(&state, ASSAY_DECAY_CAUTIOUS_SQUARED + 1);
        in_work(check_precisions, &e);
        known += e.known;
        all += 5;
    }
    ck_assert_msg(known > all - all / 10, "%zu of %zu are known", known, all);
}
END_TEST

/* The composite problem: likewise; and a step from no momentum is the public subproblem, bit by bit. */
START_TEST(composite_steps_solve_the_subproblem)
{
    const struct {
        enum assay_norm norm;
        enum assay_regulariser regulariser;
    } kinds[] = {{ASSAY_NORM_SPECTRAL, ASSAY_REGULARISER_RIDGE},
                 {ASSAY_NORM_FROBENIUS, ASSAY_REGULARISER_RIDGE},
                 {ASSAY_NORM_MAX, ASSAY_REGULARISER_SUM},
                 {ASSAY_NORM_MAX, ASSAY_REGULARISER_BOX}};
    uint64_t state = 3;
    for (size_t round = 0; round < rounds(3) * COUNT(kinds); round++) {
        struct enclosed e = {
            .d = *assay_dialect_find("trust-region"), .shape = {2, {2, 3}}, .seed = random_bits(&state)};
        e.d.norm = kinds[round % COUNT(kinds)].norm;
        e.regulariser = kinds[round % COUNT(kinds)].regulariser;
        if (e.regulariser != ASSAY_REGULARISER_BOX) /* random parameters lie outside */
            in_work(check_precisions, &e);
        double param[6], grad[6], hi[2][6], lo[2][6], centre[6];
        random_matrix(&state, param, 6);
        random_matrix(&state, grad, 6);
        for (size_t k = 0; k < 6; k++)
            param[k] /= 16;
        const assay_hyper hyper = {
            .lr = 0.5, .weight_decay = round % 2 ? 0.5 : 0, .regulariser = e.regulariser, .weight = 0.75};
        const assay_run run = {.param = {param, 2, {2, 3}}, .steps = 1, .grads = grad};
        assay_steps after = {.params = {hi[0], lo[0], 7}};
        assay_answer x = {{hi[1], 2, 3, 3}, {lo[1], 2, 3, 3}, 7};
        bool unique[2];
        for (size_t k = 0; k < 6; k++)
            centre[k] = param[k] * (1 - hyper.lr * hyper.weight_decay); /* exact but for the last two bits */
        ck_assert(assay_ref_step(&after, &unique[0], &e.d, &hyper, &run, NULL) == ASSAY_OK);
        ck_assert(assay_ref_subproblem(&x, &unique[1], e.d.norm, hyper.lr, e.regulariser, hyper.weight,
                                       (assay_input){grad, 2, 3, 3}, (assay_input){centre, 2, 3, 3}, NULL) == ASSAY_OK);
        ck_assert(unique[0] == unique[1]);
        for (size_t k = 0; k < 6; k++) {
            ck_assert(fabs(hi[0][k] - hi[1][k]) <= 1e-15);
            ck_assert(round % 2 || (hi[0][k] == hi[1][k] && lo[0][k] == lo[1][k]));
        }
        ck_assert(round % 2 || after.params.radius == x.radius);
    }
}
END_TEST

/* With R = 0 and no gradient every point of the ball is a minimiser, and the nearest to the centre, (1 - lr wd) p, is the
 * answer; without decay, p. */
START_TEST(composite_steps_may_have_a_choice)
{
    const double param[] = {1, -2, 4}, grads[6] = {0};
    const bool present[] = {false, true};
    const assay_hyper hyper = {.lr = 0.5, .weight_decay = 0.5, .regulariser = ASSAY_REGULARISER_SUM};
    const assay_run run = {.param = {param, 1, {3}}, .steps = 2, .grads = grads, .present = present};
    struct assay_dialect d = *assay_dialect_find("signsgdm");
    for (int absent = ASSAY_ABSENT_SKIP; absent <= ASSAY_ABSENT_ZERO_NO_DECAY; absent++) {
        double hi[6], lo[6];
        assay_steps after = {.params = {hi, lo, 7}};
        bool unique = true;
        d.absent = (enum assay_absent)absent;
        ck_assert(assay_ref_step(&after, &unique, &d, &hyper, &run, NULL) == ASSAY_OK);
        ck_assert(!unique && after.params.radius == 0);
        for (size_t k = 0; k < 3; k++) {
            ck_assert(hi[k] == param[k] * (absent == ASSAY_ABSENT_ZERO ? 0.75 : 1));
            ck_assert(hi[3 + k] == hi[k] * 0.75);
        }
    }
}
END_TEST

/* ---- decay that depends on signs ------------------------------------------------------------------------------------ */

/* Cautious decay where O p changes sign within the error: few bits claim nothing, and more bits decide. O of the first is
 * small beside its error; the parameter of the second is, at its third step, 1 less what two steps along 1 / sqrt(5) take
 * from it, which is 1 to 100 bits. */
static void check_open_signs(struct work *w, void *pointer)
{
    (void)pointer;
    const bool present[3] = {true, true, true};
    double lr[3] = {0.1, 0.1, 0.1}, at[4] = {1, 1e-40, 3e-41, 1}, p[4] = {1, 1, 1, 1};
    for (int second = 0; second < 2; second++) {
        struct assay_dialect d = *assay_dialect_find(second ? "nsgdm" : "jordan");
        d.decay = ASSAY_DECAY_CAUTIOUS;
        if (second) {
            MPFR_DECL_INIT(rest, 400);
            MPFR_DECL_INIT(root, 400);
            mpfr_sqrt_ui(root, 5, MPFR_RNDN);
            mpfr_set_ui(rest, 1, MPFR_RNDN);
            for (int k = 0; k < 2; k++) { /* rest - lr / root, as small as may be */
                mpfr_mul(rest, rest, root, MPFR_RNDN);
                lr[k] = mpfr_get_d(rest, MPFR_RNDD);
                mpfr_sub_d(rest, rest, lr[k], MPFR_RNDN);
                mpfr_div(rest, rest, root, MPFR_RNDN);
            }
            memcpy(at, (double[]){1, 2, 0, 0}, sizeof at);
        }
        const struct ball *g = ball_from_input(w, (assay_input){at, 1, 4, 4});
        struct ball *grads = ball_new(w, 3, 4, 53);
        for (size_t k = 0; k < 3; k++)
            ball_scatter(grads, &k, NULL, g);
        const struct run run = {.dialect = &d,
                                .shape = {2, {2, 2}},
                                .steps = second ? 3 : 1,
                                .param = ball_from_input(w, (assay_input){p, 1, 4, 4}),
                                .grads = grads,
                                .momentum = ball_new(w, 1, 4, 2),
                                .moment = ball_new(w, 1, 0, 2),
                                .lr = lr,
                                .present = present};
        struct trajectory coarse = trajectory(w, &run, COARSE), fine = trajectory(w, &run, FINE);
        ck_assert(mag_is_inf(coarse.params->radius) && !mag_is_inf(fine.params->radius));
        ball_make_exact(fine.params);
        ck_assert(contains(coarse.params, fine.params));
    }
}

START_TEST(open_signs_claim_nothing)
{
    in_work(check_open_signs, NULL);
}
END_TEST

/* ---- Adam ----------------------------------------------------------------------------------------------------------- */

/* v = beta2 v + (1 - beta2) g^2 in fractions; p -= lr (m-hat / (sqrt(v-hat) + eps)) + lr wd p in binary64. */
START_TEST(adam_keeps_two_moments)
{
    enum { T = 4 };
    const struct assay_dialect *adamw = assay_dialect_find("adamw");
    const assay_hyper hyper = {.lr = 0.05, .momentum = 0.9, .weight_decay = 0.1};
    const double grads[T] = {0.5, -2, 3, 0.25}, param = 1.5, moment = 0.125;
    double hi[2][T], lo[2][T], p = param, m = 0, v = moment;
    const assay_run run = {
        .param = {&param, 0, {0}}, .steps = T, .grads = grads, .second_moment = &moment, .steps_before = 2};
    assay_steps after = {.params = {hi[0], lo[0], 7}, .second_moment = {hi[1], lo[1], 7}};
    ck_assert(assay_ref_step(&after, NULL, adamw, &hyper, &run, NULL) == ASSAY_OK);
    mpq_t exact, beta2, fresh, square;
    mpq_inits(exact, beta2, fresh, square, NULL);
    mpfr_t squares;
    mpfr_init2(squares, TRUTH);
    mpfr_set_zero(squares, 1);
    mpq_set_d(exact, moment);
    mpq_set_d(beta2, adamw->beta2);
    complement(fresh, beta2);
    for (int k = 0; k < T; k++) {
        mpq_set_d(square, grads[k] * grads[k]); /* exact */
        mpq_mul(square, square, fresh);
        mpq_mul(exact, exact, beta2);
        mpq_add(exact, exact, square);
        ck_assert(is_pair(hi[1][k], lo[1][k], exact, squares));
        m = 0.9 * m + 0.1 * grads[k];
        v = 0.999 * v + 0.001 * grads[k] * grads[k];
        double o = m / (1 - pow(0.9, k + 3)) / (sqrt(v / (1 - pow(0.999, k + 3))) + 1e-8);
        p -= 0.05 * (o + 0.1 * p);
        ck_assert(fabs(hi[0][k] - p) <= 1e-13);
    }
    ck_assert(is_radius(after.second_moment.radius, squares));
    mpq_clears(exact, beta2, fresh, square, NULL);
    mpfr_clear(squares);
}
END_TEST

/* ---- arguments ------------------------------------------------------------------------------------------------------ */

enum { SIX = 6 };

struct call {
    const char *dialect;
    assay_hyper hyper;
    assay_run run;
    assay_status status;
    const char *part; /* of the sentence */
};

/* Whether the call is refused as it should be, with all outputs as they were. */
static bool is_refused(const struct call *c)
{
    double at[10][2 * SIX];
    bool unique = true, untouched = true;
    char message[ASSAY_MESSAGE_SIZE] = "";
    const assay_options options = {.message = message, .message_size = sizeof message};
    for (size_t k = 0; k < 10 * 2 * SIX; k++)
        at[k / (2 * SIX)][k % (2 * SIX)] = 7;
    assay_steps after = {{at[0], at[1], 7}, {at[2], at[3], 7}, {at[4], at[5], 7}, {at[6], at[7], 7}, {at[8], at[9], 7}};
    struct assay_dialect d = *assay_dialect_find(strcmp(c->dialect, "trust-l2") ? c->dialect : "trust-region");
    if (strcmp(c->dialect, d.name)) /* its second gradient is not rational */
        d.decay = ASSAY_DECAY_L2;
    assay_status status = assay_ref_step(&after, &unique, &d, &c->hyper, &c->run, &options);
    for (size_t k = 0; k < 10 * 2 * SIX; k++)
        untouched = untouched && at[k / (2 * SIX)][k % (2 * SIX)] == 7;
    bool radii = after.params.radius == 7 && after.updates.radius == 7 && after.momentum.radius == 7 &&
                 after.second_moment.radius == 7 && after.queries.radius == 7;
    return status == c->status && untouched && radii && unique && strstr(message, c->part) && !strchr(message, '\n');
}

/* ref.h, assay_ref_step. */
START_TEST(arguments_are_checked)
{
    static const double p[2 * SIX] = {1, 2, 3, 4, 5, 6}, g[2 * SIX] = {1, -2, 3, 4, 5, 7, 8, 9, 9, 9, 9, 9};
    static const double bad[2 * SIX] = {1, 2, 3, 4, 5, 6, 7, 8, 9, NAN, 1, 1}, huge[SIX] = {1e308, 1, 1, 1, 1, 1};
    static const double lr[] = {0.1, -1}, no_lr[] = {0.1, NAN}, any_lr[] = {INFINITY, 1}, zero_lr[] = {0.1, 0};
    static const double negative[] = {1, -1e-300};
    static const bool absent[] = {true, false};
    const assay_hyper fine = {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.1};
    const assay_hyper ridge = {.lr = 0.1, .regulariser = ASSAY_REGULARISER_RIDGE, .weight = 1};
    const assay_tensor matrix = {p, 2, {2, 3}}, none = {NULL, 2, {2, 3}}, vector = {p, 1, {6}},
                       block = {p, 3, {1, 2, 3}};
    const struct call calls[] = {
        {"jordan", {.lr = -1}, {.param = matrix, .steps = 1, .grads = g}, ASSAY_INVALID, "learning rate"},
        {"jordan", {.momentum = 1}, {.param = matrix, .steps = 1, .grads = g}, ASSAY_INVALID, "momentum"},
        {"jordan", fine, {.param = matrix, .steps = 0, .grads = g}, ASSAY_INVALID, "at least one"},
        {"jordan", fine, {.param = matrix, .steps = 2, .grads = g, .lr = lr}, ASSAY_INVALID, "lr[1] = -1"},
        {"jordan", fine, {.param = matrix, .steps = 2, .grads = g, .lr = no_lr}, ASSAY_INVALID, "lr[1]"},
        {"jordan", fine, {.param = matrix, .steps = 2, .grads = g, .lr = any_lr}, ASSAY_INVALID, "lr[0] = inf"},
        {"jordan", fine, {.param = vector, .steps = 1, .grads = g}, ASSAY_INVALID, "'jordan' takes matrices"},
        {"torch", fine, {.param = block, .steps = 1, .grads = g}, ASSAY_INVALID, "'torch' takes matrices"},
        {"jordan", fine, {.param = none, .steps = 1, .grads = g}, ASSAY_INVALID, "no data"},
        {"jordan", fine, {.param = matrix, .steps = 2}, ASSAY_INVALID, "step 0"},
        {"jordan", fine, {.param = matrix, .steps = 2, .grads = bad}, ASSAY_NOT_FINITE, "(1, 3) is NaN"},
        {"jordan", fine, {.param = matrix, .steps = 1, .grads = g, .momentum = bad + 6}, ASSAY_NOT_FINITE, "(0, 3)"},
        {"normuon",
         fine,
         {.param = matrix, .steps = 1, .grads = g, .second_moment = negative},
         ASSAY_INVALID,
         "second_moment[1]"},
        {"normuon", fine, {.param = matrix, .steps = 1, .grads = g, .second_moment = bad + 9}, ASSAY_NOT_FINITE, "NaN"},
        {"jordan", ridge, {.param = matrix, .steps = 1, .grads = g}, ASSAY_INVALID, "'jordan' does not solve"},
        {"orthogonal-sgdm", ridge, {.param = matrix, .steps = 1, .grads = g}, ASSAY_INVALID, "does not solve"},
        {"signsgdm", ridge, {.param = matrix, .steps = 1, .grads = g}, ASSAY_INVALID, ""},
        {"trust-region", ridge, {.param = matrix, .steps = 2, .grads = g, .lr = zero_lr}, ASSAY_INVALID, "radius of 0"},
        {"msign", fine, {.param = matrix, .steps = 1, .grads = g, .present = absent + 1}, ASSAY_OK, ""},
        {"trust-l2", fine, {.param = matrix, .steps = 2, .grads = g}, ASSAY_INVALID, "known exactly"},
        {"sgdm", {.lr = 1e300}, {.param = matrix, .steps = 1, .grads = huge}, ASSAY_RANGE, "exceeds"}};
    for (size_t k = 0; k < COUNT(calls); k++)
        ck_assert_msg(is_refused(&calls[k]) == (calls[k].status != ASSAY_OK), "call %zu", k);
}
END_TEST

/* A dialect without the direction that it asks for is refused, whether or not a step ever comes to that. */
START_TEST(a_missing_iteration_is_refused)
{
    static const double p[SIX] = {1, 2, 3, 4, 5, 6};
    static const bool present[] = {false, true};
    const assay_hyper hyper = {.lr = 0.1, .momentum = 0.9};
    struct assay_dialect d = *assay_dialect_find("adamw");
    d.absent = ASSAY_ABSENT_SKIP;
    for (int k = 0; k < 4; k++) {
        double hi[SIX], lo[SIX];
        char message[ASSAY_MESSAGE_SIZE] = "";
        const assay_options options = {.message = message, .message_size = sizeof message};
        const assay_run run = {.param = {p, 2, {2, 3}}, .steps = 1, .grads = p, .present = present + k % 2};
        assay_steps after = {.params = {hi, lo, 7}};
        d.direction = k < 2 ? ASSAY_DIRECTION_ADAM : ASSAY_DIRECTION_NEWTON_SCHULZ;
        ck_assert_int_eq(assay_ref_step(&after, NULL, &d, &hyper, &run, &options), k < 2 ? ASSAY_OK : ASSAY_INVALID);
        ck_assert(k < 2 || (after.params.radius == 7 && strstr(message, "'adamw' has no Newton-Schulz iteration")));
    }
}
END_TEST

/* ref.h: any of the answers may be unwanted, and lr, present, momentum and second moments NULL. */
START_TEST(answers_may_be_unwanted)
{
    static const double p[SIX] = {1, 2, 3, 4, 5, 6}, g[2 * SIX] = {1, -2, 3, 4, 5, 7, 8, 9, 9, 9, 9, 8},
                        lr[] = {.1, .1};
    static const bool present[] = {true, true};
    const double zeros[SIX] = {0};
    const struct assay_dialect *d = assay_dialect_find("normuon");
    const assay_hyper hyper = {.lr = 0.1, .momentum = 0.9};
    const assay_run shortest = {.param = {p, 2, {2, 3}}, .steps = 2, .grads = g};
    assay_run longest = shortest;
    longest.lr = lr;
    longest.present = present;
    longest.momentum = longest.second_moment = zeros;
    double all[10][2 * SIX], one[2][2 * SIX];
    assay_steps after = {
        {all[0], all[1], 7}, {all[2], all[3], 7}, {all[4], all[5], 7}, {all[6], all[7], 7}, {all[8], all[9], 7}};
    ck_assert(assay_ref_step(&after, NULL, d, &hyper, &longest, NULL) == ASSAY_OK);
    const size_t counts[] = {2 * SIX, 2 * SIX, 2 * SIX, 4, 2 * SIX};
    for (size_t k = 0; k < 5; k++) {
        assay_steps some = {0};
        assay_tensor_answer *each[] = {&some.params, &some.updates, &some.momentum, &some.second_moment, &some.queries};
        *each[k] = (assay_tensor_answer){one[0], one[1], 7};
        ck_assert(assay_ref_step(&some, NULL, d, &hyper, &shortest, NULL) == ASSAY_OK);
        ck_assert(memcmp(one[0], all[2 * k], counts[k] * sizeof(double)) == 0);
        ck_assert(memcmp(one[1], all[2 * k + 1], counts[k] * sizeof(double)) == 0);
        ck_assert(each[k]->radius != 7);
    }
}
END_TEST

/* assay_ref_moment_count: 0 for shapes that the dialect does not take. */
START_TEST(moments_are_counted)
{
    const assay_tensor matrix = {NULL, 2, {2, 3}}, block = {NULL, 3, {4, 2, 3}}, empty = {NULL, 2, {0, 3}};
    const struct assay_dialect *adamw = assay_dialect_find("adamw"), *normuon = assay_dialect_find("normuon");
    struct assay_dialect rejecting = *normuon;
    rejecting.nd = ASSAY_ND_REJECT;
    rejecting.layout = ASSAY_LAYOUT_OUT_IN;
    ck_assert(assay_ref_moment_count(adamw, block) == 24 && assay_ref_moment_count(normuon, block) == 8);
    ck_assert(assay_ref_moment_count(normuon, matrix) == 2 && assay_ref_moment_count(&rejecting, matrix) == 2);
    ck_assert(assay_ref_moment_count(&rejecting, block) == 0 && assay_ref_moment_count(adamw, empty) == 0);
    ck_assert(assay_ref_moment_count(assay_dialect_find("jordan"), matrix) == 0);
}
END_TEST

RUN_TESTS("step", TEST(rational_steps_are_correctly_rounded), TEST(enclosures_hold_what_more_bits_find),
          TEST(composite_steps_solve_the_subproblem), TEST(composite_steps_may_have_a_choice),
          TEST(open_signs_claim_nothing), TEST(adam_keeps_two_moments), TEST(arguments_are_checked),
          TEST(a_missing_iteration_is_refused), TEST(answers_may_be_unwanted), TEST(moments_are_counted))
