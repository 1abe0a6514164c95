/* Fast steps against assay_ref_step(): every dialect, every axis. */
#include "fast_support.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 4, MOST = 800 };

static const struct {
    size_t ndim, size[4];
} shapes[] = {{2, {16, 16}}, {2, {12, 20}},  {2, {20, 12}},     {2, {48, 16}}, {2, {1, 7}},
              {2, {5, 1}},   {3, {2, 6, 8}}, {4, {6, 4, 3, 3}}, {1, {11}},     {0, {0}}};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

/* A run, in both arithmetics. */
struct both {
    struct assay_dialect d;
    assay_hyper hyper;
    size_t shape, count, moments;
    bool present[STEPS];
    float param[MOST], grads[STEPS * MOST];
    double exact_param[MOST], exact_grads[STEPS * MOST];
    double params[STEPS * MOST], updates[STEPS * MOST], momentum[STEPS * MOST], second_moment[STEPS * MOST];
};

/* False if the dialect does not take the shape. */
static bool reference(struct both *b)
{
    static double rest[4][STEPS * MOST];
    assay_steps after = {.params = {b->params, rest[0], 0},
                         .updates = {b->updates, rest[1], 0},
                         .momentum = {b->momentum, rest[2], 0},
                         .second_moment = {b->second_moment, rest[3], 0}};
    assay_run run = {.param = {.at = b->exact_param, .ndim = shapes[b->shape].ndim},
                     .steps = STEPS,
                     .grads = b->exact_grads,
                     .present = b->present};
    assay_options options = {.bits = 60};
    memcpy(run.param.shape, shapes[b->shape].size, sizeof run.param.shape);
    b->moments = assay_ref_moment_count(&b->d, run.param);
    return assay_ref_step(&after, NULL, &b->d, &b->hyper, &run, &options) == ASSAY_OK;
}

static double distance(const float *x, const double *y, size_t count)
{
    double squares = 0;
    for (size_t k = 0; k < count; k++)
        squares += pow(x[k] - y[k], 2);
    return sqrt(squares);
}

static double norm_of(const double *x, size_t count)
{
    double squares = 0;
    for (size_t k = 0; k < count; k++)
        squares += x[k] * x[k];
    return sqrt(squares);
}

/* Runs the fast steps; each must stay within: of the parameter, t u ||p|| for its own roundings and `tolerance` of all
 * updates so far; of the buffer, t u of the largest so far and what L2 decay of that parameter adds; of second moments,
 * `tolerance` relatively. Gradients are not written, nothing beyond the arrays is, nothing is allocated. */
static void compare(const struct both *b, assay_fast_options options, double tolerance)
{
    assay_fast_plan *plan = plan_of(&b->d, shapes[b->shape].ndim, shapes[b->shape].size, options);
    size_t n = b->count;
    ck_assert_uint_eq(assay_fast_moment_count(plan), b->moments);
    struct guarded p = guarded_new(n), m = guarded_new(n), v = guarded_new(b->moments), g = guarded_new(STEPS * n);
    memcpy(p.at, b->param, n * sizeof(float));
    memcpy(g.at, b->grads, STEPS * n * sizeof(float));
    memset(m.at, 0, n * sizeof(float));
    memset(v.at, 0, b->moments * sizeof(float));
    assay_fast_state state = {p.at, m.at, b->moments ? v.at : NULL, 0};
    size_t size = assay_fast_work(plan);
    struct guarded work = guarded_new(size / sizeof(float) + 1);
    double travelled = 0, largest = 0;
    for (size_t t = 0; t < STEPS; t++) {
        size_t before = allocations();
        assay_status status = assay_fast_step(&state, plan, &b->hyper, b->present[t] ? g.at + t * n : NULL, work.at);
        size_t after = allocations();
        ck_assert_uint_eq(after, before);
        ck_assert_msg(status == ASSAY_OK, "%s: %s", b->d.name, assay_status_text(status));
        travelled += norm_of(b->updates + t * n, n);
        largest = fmax(largest, norm_of(b->momentum + t * n, n));
        double roundings = (double)(t + 1) * UNIT, norm = norm_of(b->params + t * n, n);
        double error = distance(p.at, b->params + t * n, n);
        ck_assert_msg(error <= 2 * roundings * norm + tolerance * travelled,
                      "%s, shape %zu, step %zu: the parameter is off by %g, of %g in %g", b->d.name, b->shape, t + 1,
                      error, travelled, norm);
        error = distance(m.at, b->momentum + t * n, n);
        ck_assert_msg(
            error <= (b->d.direction_first || b->d.decay == ASSAY_DECAY_L2 ? tolerance : 2 * roundings) * largest,
            "%s, shape %zu, step %zu: the buffer is off by %g of %g", b->d.name, b->shape, t + 1, error, largest);
        error = distance(v.at, b->second_moment + t * b->moments, b->moments);
        ck_assert_msg(error <= tolerance * norm_of(b->second_moment + t * b->moments, b->moments),
                      "%s, shape %zu, step %zu: the second moment is off by %g", b->d.name, b->shape, t + 1, error);
    }
    ck_assert_mem_eq(g.at, b->grads, STEPS * n * sizeof(float));
    guarded_free(&p);
    guarded_free(&m);
    guarded_free(&v);
    guarded_free(&g);
    guarded_free(&work);
    assay_fast_plan_free(plan);
}

static void fill(struct both *b, uint64_t *state, size_t shape)
{
    b->shape = shape;
    b->count = 1;
    for (size_t k = 0; k < shapes[shape].ndim; k++)
        b->count *= shapes[shape].size[k];
    random_floats(state, b->param, b->exact_param, b->count);
    random_floats(state, b->grads, b->exact_grads, STEPS * b->count);
    b->hyper = (assay_hyper){.lr = 0.02, .momentum = 0.9, .weight_decay = 0.1};
}

/* Every dialect, every shape (in short: one), a step without gradient among four. Tolerance: measured over these seeds, at most 2.5e-5 of the
 * path (modded-nanogpt's second moments); a wrong axis, constant or order shows as 1e-3 or more. */
START_TEST(all_dialects_agree_with_the_reference)
{
    struct both *b = malloc(sizeof *b);
    uint64_t state = 1;
    size_t compared = 0;
    for (size_t k = 0; k < assay_dialect_count; k++)
        for (size_t s = thorough() ? 0 : k % SHAPES; s < SHAPES; s += thorough() ? 1 : SHAPES) {
            b->d = assay_dialects[k];
            fill(b, &state, s);
            for (size_t t = 0; t < STEPS; t++)
                b->present[t] = t != 2;
            assay_fast_plan *plan = NULL;
            if (!reference(b)) {
                ck_assert(assay_fast_plan_new(&plan, &b->d, shapes[s].ndim, shapes[s].size, NULL) == ASSAY_INVALID);
                continue;
            }
            compare(b, (assay_fast_options){.arithmetic = ASSAY_FAST_FP32}, 1e-4);
            compared++;
        }
    ck_assert_uint_ge(compared, thorough() ? 38 * 6 : 20);
    free(b);
}
END_TEST

/* One value of any axis. */
static void change_axis(uint64_t *state, struct assay_dialect *d)
{
    static const char *const left[] = {"coefficients", "steps",    "eps",   "gamma",
                                       "cosh-eps",     "adam-eps", "beta2", "norm-factor"};
    const struct assay_axis *axis = &assay_axes[random_below(state, assay_axis_count)];
    size_t count = 0;
    for (size_t k = 0; k < sizeof left / sizeof left[0]; k++)
        if (strcmp(axis->name, left[k]) == 0)
            return;
    while (axis->values && axis->values[count])
        count++;
    if (axis->values)
        ck_assert(assay_dialect_set(d, axis->name, axis->values[random_below(state, count)]));
    else
        ck_assert(assay_dialect_set(d, axis->name, "0.5"));
}

/* Mixtures: dialects with six axes changed. The exact LMO is of a degenerate matrix now and then, where rounding decides; and
 * not all mixtures have an answer: those that the reference refuses are left out. */
START_TEST(all_axes_agree_with_the_reference)
{
    struct both *b = malloc(sizeof *b);
    uint64_t state = 2;
    size_t compared = 0;
    for (size_t k = 0; k < rounds(250); k++) {
        b->d = assay_dialects[random_below(&state, assay_dialect_count)];
        b->d.beta2 = 0.9;
        b->d.adam_eps = b->d.cosh_eps = 1e-8;
        b->d.gamma = 1.5;
        if (!b->d.coefficients) {
            b->d.coefficients = assay_coefficients_find("jordan");
            b->d.steps = 3;
        }
        b->d.norm_factor = 1;
        b->d.eps = 1e-7;
        for (int changes = 0; changes < 6; changes++)
            change_axis(&state, &b->d);
        fill(b, &state, random_below(&state, SHAPES));
        for (size_t t = 0; t < STEPS; t++)
            b->present[t] = random_below(&state, 4) > 0;
        b->present[0] = true;
        if (!reference(b))
            continue;
        compare(b, (assay_fast_options){.arithmetic = ASSAY_FAST_FP32, .threads = 1 + (unsigned)(k % 3)}, 1e-3);
        compared++;
    }
    ck_assert_uint_ge(compared, rounds(250) / 4);
    free(b);
}
END_TEST

/* Every dialect, of 4-D tensors whose direction is O = u. */
START_TEST(convolutions_may_pass_by)
{
    struct both *b = malloc(sizeof *b);
    uint64_t state = 3;
    size_t compared = 0, shape = 0;
    while (shapes[shape].ndim < 4)
        shape++;
    for (size_t k = 0; k < assay_dialect_count; k++) {
        b->d = assay_dialects[k];
        b->d.nd = ASSAY_ND_BYPASS_CONV;
        fill(b, &state, shape);
        for (size_t t = 0; t < STEPS; t++)
            b->present[t] = true;
        if (!reference(b))
            continue;
        compare(b, (assay_fast_options){.arithmetic = ASSAY_FAST_FP32}, 1e-4);
        compared++;
    }
    ck_assert_uint_ge(compared, assay_dialect_count / 2);
    free(b);
}
END_TEST

/* A simple step, proved: p - lr sign(m) for signSGD-M. m' is off by u relatively (see momentum.c), so its sign is right; p'
 * is computed in binary64, to 2^-50 of |p| + lr, and rounded once. */
START_TEST(a_sign_step_is_rounded_once)
{
    struct both *b = malloc(sizeof *b);
    uint64_t state = 3;
    for (size_t k = 0; k < rounds(40); k++) {
        b->d = *assay_dialect_find("signsgdm");
        fill(b, &state, 1);
        size_t shape[] = {12, 20}, n = b->count;
        assay_fast_plan *plan = plan_of(&b->d, 2, shape, (assay_fast_options){0});
        float m[MOST] = {0};
        assay_fast_state s = {b->param, m, NULL, 0};
        void *work = malloc(assay_fast_work(plan));
        ck_assert(assay_fast_step(&s, plan, &b->hyper, b->grads, work) == ASSAY_OK);
        for (size_t l = 0; l < n; l++) {
            double exact = b->exact_param[l] * (1 - 0.02 * 0.1) - copysign(0.02, b->exact_grads[l]);
            ck_assert(fabs(b->param[l] - exact) <= UNIT * fabs(exact) + 0x1p-50);
        }
        ck_assert_uint_eq(s.steps, 1);
        free(work);
        assay_fast_plan_free(plan);
    }
    free(b);
}
END_TEST

/* Paths and threads: the same bits for entrywise dialects, on arrays of several chunks. */
START_TEST(entrywise_steps_have_the_same_bits_everywhere)
{
    static const char *const names[] = {"auon", "auon-paper", "adamw", "sgdm", "nsgdm"};
    enum { COUNT = 150001 };
    size_t shape[] = {COUNT};
    float *p = malloc(2 * COUNT * sizeof *p), *m = malloc(2 * COUNT * sizeof *m), *v = malloc(2 * COUNT * sizeof *v);
    float *g = malloc(COUNT * sizeof *g);
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        for (int other = 0; other < 2; other++) {
            uint64_t state = 4;
            assay_fast_options options = {.path = other ? ASSAY_FAST_BEST : ASSAY_FAST_PORTABLE,
                                          .threads = other ? 2 : 1};
            assay_fast_plan *plan = plan_of(assay_dialect_find(names[k]), 1, shape, options);
            assay_fast_state s = {p + other * COUNT, m + other * COUNT, v + other * COUNT, 0};
            void *work = malloc(assay_fast_work(plan));
            random_floats(&state, s.param, NULL, COUNT);
            memset(s.momentum, 0, COUNT * sizeof *m);
            memset(s.second_moment, 0, COUNT * sizeof *v);
            for (int t = 0; t < 2; t++) {
                random_floats(&state, g, NULL, COUNT);
                g[77] = t == 0 ? 1e6f : 0; /* a spike, which cosh must see */
                ck_assert(assay_fast_step(&s, plan, &(assay_hyper){.lr = 0.1, .momentum = 0.9}, g, work) == ASSAY_OK);
            }
            free(work);
            assay_fast_plan_free(plan);
        }
        ck_assert_mem_eq(p, p + COUNT, COUNT * sizeof *p);
        ck_assert_mem_eq(m, m + COUNT, COUNT * sizeof *m);
    }
    free(p);
    free(m);
    free(v);
    free(g);
}
END_TEST

/* bf16 runs in every dialect that has it, and lies near the reference: within half of the path. */
START_TEST(bf16_steps_run)
{
    struct both *b = malloc(sizeof *b);
    uint64_t state = 5;
    for (size_t k = 0; k < assay_dialect_count; k++) {
        b->d = assay_dialects[k];
        fill(b, &state, 1);
        for (size_t t = 0; t < STEPS; t++)
            b->present[t] = true;
        ck_assert(reference(b));
        compare(b, (assay_fast_options){.arithmetic = ASSAY_FAST_BF16}, 0.5);
    }
    free(b);
}
END_TEST

START_TEST(bad_input_gets_a_status)
{
    size_t shape[] = {4, 6}, empty[] = {4, 0}, huge[] = {(size_t)1 << 40, (size_t)1 << 40};
    const struct assay_dialect *d = assay_dialect_find("jordan");
    char sentence[ASSAY_MESSAGE_SIZE] = "";
    assay_fast_options options = {.message = sentence, .message_size = sizeof sentence};
    assay_fast_plan *plan = NULL;
    ck_assert(assay_fast_plan_new(&plan, d, 2, empty, &options) == ASSAY_INVALID);
    ck_assert_str_eq(sentence, "the tensor is empty (dimension 1 is 0)");
    ck_assert(assay_fast_plan_new(&plan, d, 2, huge, &options) == ASSAY_INVALID);
    ck_assert(assay_fast_plan_new(&plan, d, 5, huge, &options) == ASSAY_INVALID);
    ck_assert(assay_fast_plan_new(&plan, NULL, 2, shape, &options) == ASSAY_INVALID);
    ck_assert_str_eq(sentence, "there is no dialect");
    options.path = ASSAY_FAST_PATHS;
    ck_assert(assay_fast_plan_new(&plan, d, 2, shape, &options) == ASSAY_INVALID);
    ck_assert_str_eq(sentence, "this processor cannot run the path 'unknown'");
    ck_assert_ptr_null(plan);
    plan = plan_of(d, 2, shape, (assay_fast_options){0});
    float p[24] = {0}, m[24] = {0}, g[24] = {1, 2, 3};
    assay_fast_state s = {p, m, NULL, 0};
    void *work = malloc(assay_fast_work(plan));
    static const assay_hyper bad[] = {
        {.lr = -1},           {.lr = NAN},           {.lr = INFINITY},
        {.momentum = 1},      {.momentum = -0.1},    {.momentum = NAN},
        {.weight_decay = -1}, {.weight_decay = NAN}, {.lr = 1, .regulariser = ASSAY_REGULARISER_BOX, .weight = 1}};
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
        ck_assert(assay_fast_step(&s, plan, &bad[k], g, work) == ASSAY_INVALID);
    assay_hyper hyper = {.lr = 0.1, .momentum = 0.9};
    ck_assert(assay_fast_step(&(assay_fast_state){p, p, NULL, 0}, plan, &hyper, g, work) == ASSAY_INVALID);
    ck_assert(assay_fast_step(&(assay_fast_state){p, m, NULL, 0}, plan, &hyper, m + 1, work) == ASSAY_INVALID);
    ck_assert(assay_fast_step(&(assay_fast_state){p, NULL, NULL, 0}, plan, &hyper, g, work) == ASSAY_INVALID);
    ck_assert(p[0] == 0 && m[0] == 0 && s.steps == 0);
    g[5] = NAN;
    ck_assert(assay_fast_step(&s, plan, &hyper, g, work) == ASSAY_NOT_FINITE);
    ck_assert(isnan(p[0]) && isnan(m[5]) && m[0] == (float)((1 - 0.9) * 1) && s.steps == 1);
    free(work);
    assay_fast_plan_free(plan);
    assay_fast_plan_free(NULL);
}
END_TEST

/* A large or infinite gradient of which only the buffer or the second moment keeps an infinity: parameters are finite. */
START_TEST(infinity_in_a_buffer_is_told)
{
    static const struct {
        const char *name, *axis, *value;
        float g, m, v;
    } cases[] = {{"adamw", "nesterov", "none", 1e30f, 0, INFINITY},
                 {"adamw", "direction-first", "yes", 1e30f, 0, INFINITY},
                 {"signsgdm", "nesterov", "none", INFINITY, INFINITY, 0},
                 {"signsgdm", "nesterov", "raw", FLT_MAX, INFINITY, 0},
                 {"signsgdm", "nesterov", "raw", 1, 0, 0}};
    size_t shape[] = {3, 5};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct assay_dialect d = *assay_dialect_find(cases[k].name);
        ck_assert(assay_dialect_set(&d, cases[k].axis, cases[k].value));
        ck_assert(assay_dialect_set(&d, "momentum", k == 3 ? "heavy-ball" : "ema"));
        assay_fast_plan *plan = plan_of(&d, 2, shape, (assay_fast_options){0});
        float p[15] = {0}, m[15] = {0}, v[15] = {0}, g[15] = {0};
        m[7] = k == 3 ? FLT_MAX : 0;
        g[7] = cases[k].g;
        assay_fast_state s = {p, m, v, 0};
        void *work = malloc(assay_fast_work(plan));
        assay_status status = assay_fast_step(&s, plan, &(assay_hyper){.lr = 0.1, .momentum = 0.9}, g, work);
        ck_assert_msg(status == (k == 4 ? ASSAY_OK : ASSAY_NOT_FINITE), "case %zu: %s", k, assay_status_text(status));
        for (int l = 0; l < 15; l++)
            ck_assert(isfinite(p[l]));
        ck_assert((isinf(cases[k].m) ? isinf(m[7]) : isfinite(m[7])) && (isinf(cases[k].v) ? isinf(v[7]) : v[7] == 0));
        free(work);
        assay_fast_plan_free(plan);
    }
}
END_TEST

/* Second moments may be no other array, nor any part of one. */
START_TEST(second_moments_are_apart)
{
    size_t shape[] = {3, 5};
    assay_fast_plan *plan = plan_of(assay_dialect_find("adamw"), 2, shape, (assay_fast_options){0});
    float p[30] = {0}, m[15] = {0}, g[15] = {0};
    float *const places[] = {p, p + 14, m, m + 1, g, g + 14};
    void *work = malloc(assay_fast_work(plan));
    for (size_t k = 0; k < sizeof places / sizeof places[0]; k++) {
        assay_fast_state s = {p, m, places[k], 0};
        ck_assert(assay_fast_step(&s, plan, &(assay_hyper){.lr = 0.1}, g, work) == ASSAY_INVALID && s.steps == 0);
    }
    assay_fast_state s = {p, m, p + 15, 0};
    ck_assert(assay_fast_step(&s, plan, &(assay_hyper){.lr = 0.1}, g, work) == ASSAY_OK);
    free(work);
    assay_fast_plan_free(plan);
}
END_TEST

/* What is computed entry by entry in passes needs 16 bytes for each 4096 entries, and a cache line or two; and no more for more
 * threads than a plan ever uses. */
START_TEST(entrywise_steps_need_little_workspace)
{
    static const char *const names[] = {"auon", "adamw", "sgdm", "nsgdm"};
    size_t count = (size_t)1 << 24, batch[] = {200, 256, 256}, size[2];
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        assay_fast_plan *plan = plan_of(assay_dialect_find(names[k]), 1, &count, (assay_fast_options){.threads = 2});
        ck_assert_uint_le(assay_fast_work(plan), count / 4096 * 16 + 128);
        assay_fast_plan_free(plan);
    }
    struct assay_dialect d = *assay_dialect_find("jordan");
    d.nd = ASSAY_ND_BATCH;
    for (int k = 0; k < 2; k++) {
        assay_fast_plan *plan = plan_of(&d, 3, batch, (assay_fast_options){.threads = k == 0 ? 64 : 1000});
        size[k] = assay_fast_work(plan);
        assay_fast_plan_free(plan);
    }
    ck_assert_uint_eq(size[0], size[1]);
}
END_TEST

/* A zero gradient from the start: nothing moves but by decay. */
START_TEST(a_zero_gradient_does_what_the_dialect_says)
{
    for (size_t k = 0; k < assay_dialect_count; k++) {
        const struct assay_dialect *d = &assay_dialects[k];
        size_t shape[] = {3, 5};
        assay_fast_plan *plan = plan_of(d, 2, shape, (assay_fast_options){0});
        float p[15], m[15] = {0}, v[15] = {0}, g[15] = {0};
        for (int l = 0; l < 15; l++)
            p[l] = (float)(l + 1);
        assay_fast_state s = {p, m, v, 0};
        void *work = malloc(assay_fast_work(plan));
        ck_assert_msg(assay_fast_step(&s, plan, &(assay_hyper){.lr = 0.5, .momentum = 0.9}, g, work) == ASSAY_OK, "%s",
                      d->name);
        for (int l = 0; l < 15; l++)
            ck_assert(p[l] == (float)(l + 1) * (d->decay == ASSAY_DECAY_FRANK_WOLFE ? 0.5f : 1.0f) && m[l] == 0);
        free(work);
        assay_fast_plan_free(plan);
    }
}
END_TEST

RUN_TESTS("fast_step", TEST(all_dialects_agree_with_the_reference), TEST(all_axes_agree_with_the_reference),
          TEST(convolutions_may_pass_by), TEST(a_sign_step_is_rounded_once),
          TEST(entrywise_steps_have_the_same_bits_everywhere), TEST(bf16_steps_run), TEST(bad_input_gets_a_status),
          TEST(infinity_in_a_buffer_is_told), TEST(second_moments_are_apart),
          TEST(entrywise_steps_need_little_workspace), TEST(a_zero_gradient_does_what_the_dialect_says))
