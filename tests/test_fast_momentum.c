/* Fast momentum against the reference: within a proved bound. */
#include "fast_support.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 77 };

struct trial {
    struct assay_dialect d;
    assay_hyper hyper;
    size_t step;
    float m[COUNT], g[COUNT], p[COUNT], next[COUNT], u[COUNT];
    double exact_m[COUNT], exact_g[COUNT], exact_p[COUNT], exact_next[COUNT], exact_u[COUNT];
};

static void fill(struct trial *t, uint64_t *state)
{
    t->d = *assay_dialect_find("jordan");
    t->d.nd = ASSAY_ND_ELEMENTWISE;
    t->d.direction = ASSAY_DIRECTION_IDENTITY;
    t->d.momentum = (enum assay_momentum)random_below(state, 3);
    t->d.nesterov = (enum assay_nesterov)random_below(state, 7);
    t->d.dampening = random_below(state, 2) ? 0.25 : 0;
    t->d.decay = random_below(state, 2) ? ASSAY_DECAY_L2 : ASSAY_DECAY_NONE;
    t->hyper = (assay_hyper){.lr = 0.1, .momentum = random_below(state, 4) ? 0.95 : 0, .weight_decay = 0.3};
    t->step = 1 + random_below(state, 3);
    random_floats(state, t->m, t->exact_m, COUNT);
    random_floats(state, t->g, t->exact_g, COUNT);
    random_floats(state, t->p, t->exact_p, COUNT);
}

static void reference(struct trial *t)
{
    double rest[2][COUNT];
    assay_tensor_answer next = {t->exact_next, rest[0], 0}, u = {t->exact_u, rest[1], 0};
    assay_tensor m = {t->exact_m, 1, {COUNT}}, g = {t->exact_g, 1, {COUNT}};
    assay_options options = {.bits = 60};
    ck_assert(assay_ref_momentum(&next, &u, &t->d, &t->hyper, m, g, t->exact_p, t->step, &options) == ASSAY_OK);
}

/* The largest error over bound. With T the sum of the terms of a formula without sign, v = 2^-53: constants are off by a few v
 * (1 - beta^t, for beta <= 0.95, by 30 v), sums and products by as many: |next - exact| <= u |exact| + 2^-46 T, and u is made
 * of the rounded buffer: another u |of_m next|. */
static double excess(const struct trial *t)
{
    double worst = 0, beta = t->hyper.momentum, k = (double)t->step;
    bool nadam = t->d.nesterov == ASSAY_NESTEROV_NADAM, unbiased = t->d.nesterov == ASSAY_NESTEROV_UNBIASED;
    double of_m = nadam ? 1 / (1 - pow(beta, k + 1)) : unbiased ? 1 / (1 - pow(beta, k)) : 1;
    for (size_t l = 0; l < COUNT; l++) {
        double terms = (fabs(t->exact_m[l]) + fabs(t->exact_g[l]) + fabs(t->exact_p[l])) * (nadam || unbiased ? 40 : 2);
        double next = fabs(t->exact_next[l]), slack = 0x1p-46 * terms;
        double bounds[] = {UNIT * next + slack, UNIT * (fabs(t->exact_u[l]) + of_m * next) + 2 * slack};
        double errors[] = {fabs(t->next[l] - t->exact_next[l]), fabs(t->u[l] - t->exact_u[l])};
        for (int q = 0; q < 2; q++)
            worst = errors[q] / bounds[q] <= worst ? worst : errors[q] / bounds[q]; /* NaN is worse */
    }
    return worst;
}

static assay_status fast(struct trial *t, enum assay_fast_path path)
{
    size_t shape[] = {COUNT};
    assay_fast_plan *plan = plan_of(&t->d, 1, shape, (assay_fast_options){.path = path});
    void *work = malloc(assay_fast_work(plan));
    size_t before = allocations();
    assay_status status = assay_fast_momentum(t->next, t->u, plan, &t->hyper, t->m, t->g, t->p, t->step, work);
    ck_assert_uint_eq(before, allocations());
    free(work);
    assay_fast_plan_free(plan);
    return status;
}

START_TEST(all_rules_are_within_their_bound)
{
    struct trial *t = malloc(sizeof *t);
    uint64_t state = 1;
    for (size_t k = 0; k < rounds(300); k++) {
        fill(t, &state);
        reference(t);
        for (enum assay_fast_path path = ASSAY_FAST_PORTABLE; path < ASSAY_FAST_PATHS; path++) {
            if (!assay_fast_path_runs(path))
                continue;
            ck_assert(fast(t, path) == ASSAY_OK);
            double ratio = excess(t);
            ck_assert_msg(ratio <= 1, "momentum %d, nesterov %d, step %zu: error / bound is %g", (int)t->d.momentum,
                          (int)t->d.nesterov, t->step, ratio);
        }
        t->next[COUNT - 1] = nextafterf(nextafterf(t->next[COUNT - 1], 9), 9); /* two ulps are seen, */
        ck_assert(excess(t) > 1);
        fast(t, ASSAY_FAST_BEST);
        t->hyper.momentum += 1e-5; /* and a beta that is off by 1e-5, where it is used */
        if (t->d.momentum == ASSAY_MOMENTUM_EMA) {
            fast(t, ASSAY_FAST_BEST);
            t->hyper.momentum -= 1e-5;
            ck_assert(excess(t) > 1);
        }
    }
    free(t);
}
END_TEST

START_TEST(in_place_and_bad_input)
{
    struct trial *t = malloc(sizeof *t);
    size_t shape[] = {COUNT};
    uint64_t state = 2;
    fill(t, &state);
    t->d.momentum = ASSAY_MOMENTUM_EMA;
    t->d.nesterov = ASSAY_NESTEROV_LERP;
    t->d.decay = ASSAY_DECAY_L2;
    ck_assert(fast(t, ASSAY_FAST_BEST) == ASSAY_OK);
    assay_fast_plan *plan = plan_of(&t->d, 1, shape, (assay_fast_options){0});
    void *work = malloc(assay_fast_work(plan));
    const assay_hyper *h = &t->hyper;
    ck_assert(assay_fast_momentum(t->next, NULL, plan, h, t->m, t->g, t->p, 0, work) == ASSAY_INVALID);
    ck_assert(assay_fast_momentum(t->next, NULL, plan, h, t->m, t->g, NULL, 1, work) == ASSAY_INVALID);
    ck_assert(assay_fast_momentum(t->next, NULL, plan, h, t->m, NULL, t->p, 1, work) == ASSAY_INVALID);
    ck_assert(assay_fast_momentum(t->g, NULL, plan, h, t->m, t->g, t->p, 1, work) == ASSAY_INVALID);
    ck_assert(assay_fast_momentum(t->next, t->m, plan, h, t->m, t->g, t->p, 1, work) == ASSAY_INVALID);
    ck_assert(assay_fast_momentum(t->m, t->g, plan, h, t->m, t->g, t->p, t->step, work) == ASSAY_OK); /* in place */
    ck_assert_mem_eq(t->m, t->next, sizeof t->m);
    ck_assert_mem_eq(t->g, t->u, sizeof t->g);
    float zero[COUNT] = {0}, next[COUNT];
    ck_assert(assay_fast_momentum(t->next, NULL, plan, h, zero, t->g, t->p, 1, work) == ASSAY_OK);
    ck_assert(assay_fast_momentum(next, NULL, plan, h, NULL, t->g, t->p, 1, work) == ASSAY_OK);
    ck_assert_mem_eq(next, t->next, sizeof next);
    ck_assert(assay_fast_momentum(next, t->u, plan, h, t->m, t->g, t->p, 1, work) == ASSAY_OK);
    ck_assert(assay_fast_momentum(NULL, next, plan, h, t->m, t->g, t->p, 1, work) == ASSAY_OK);
    ck_assert_mem_eq(next, t->u, sizeof next);
    t->g[COUNT - 1] = NAN;
    ck_assert(assay_fast_momentum(t->next, NULL, plan, h, t->m, t->g, t->p, 1, work) == ASSAY_NOT_FINITE);
    ck_assert(isnan(t->next[COUNT - 1]) && isfinite(t->next[0]));
    assay_fast_plan_free(plan);
    t->d.nesterov = ASSAY_NESTEROV_RAW; /* u is made of g alone: only the buffer keeps what m has */
    plan = plan_of(&t->d, 1, shape, (assay_fast_options){0});
    t->g[COUNT - 1] = 0;
    t->m[3] = INFINITY;
    ck_assert(assay_fast_momentum(t->next, t->u, plan, h, t->m, t->g, t->p, 1, work) == ASSAY_NOT_FINITE);
    ck_assert(isinf(t->next[3]) && isfinite(t->u[3]));
    free(work);
    assay_fast_plan_free(plan);
    free(t);
}
END_TEST

/* The buffer without u is what it is beside u. The largest numbers of all are none to be told of; their sum is. */
START_TEST(the_buffer_alone)
{
    struct trial *t = malloc(sizeof *t);
    size_t shape[] = {COUNT};
    uint64_t state = 3;
    for (size_t k = 0; k < rounds(200); k++) {
        float next[COUNT];
        fill(t, &state);
        ck_assert(fast(t, ASSAY_FAST_BEST) == ASSAY_OK);
        assay_fast_plan *plan = plan_of(&t->d, 1, shape, (assay_fast_options){0});
        void *work = malloc(assay_fast_work(plan));
        ck_assert(assay_fast_momentum(next, NULL, plan, &t->hyper, t->m, t->g, t->p, t->step, work) == ASSAY_OK);
        ck_assert_mem_eq(next, t->next, sizeof next);
        bool sum =
            t->d.momentum == ASSAY_MOMENTUM_HEAVY_BALL && t->hyper.momentum > 0 && (t->d.dampening == 0 || t->step > 1);
        t->m[5] = t->g[5] = FLT_MAX;
        t->p[5] = 0;
        assay_status status = assay_fast_momentum(next, NULL, plan, &t->hyper, t->m, t->g, t->p, t->step, work);
        ck_assert(sum ? status == ASSAY_NOT_FINITE && isinf(next[5]) : status == ASSAY_OK && next[5] > FLT_MAX / 2);
        free(work);
        assay_fast_plan_free(plan);
    }
    free(t);
}
END_TEST

RUN_TESTS("fast_momentum", TEST(all_rules_are_within_their_bound), TEST(in_place_and_bad_input), TEST(the_buffer_alone))
