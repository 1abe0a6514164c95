/* The reference beside the first steps, and what the theory says: both against bounds, and with the float step broken. */
#include "beside.h"
#include "summary.h"
#include "theory.h"

#include "support.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

/* ---- a broken step --------------------------------------------------------------------------------------------------- */

/* Every step moves this much too far. */
static double excess;

assay_status __real_assay_fast_step(assay_fast_state *, const assay_fast_plan *, const assay_hyper *, const float *,
                                    void *);
assay_status __wrap_assay_fast_step(assay_fast_state *state, const assay_fast_plan *plan, const assay_hyper *hyper,
                                    const float *grad, void *work);
assay_status __wrap_assay_fast_step(assay_fast_state *state, const assay_fast_plan *plan, const assay_hyper *hyper,
                                    const float *grad, void *work)
{
    assay_hyper changed = *hyper;
    changed.lr *= 1 + excess;
    return __real_assay_fast_step(state, plan, &changed, grad, work);
}

static double norm(const float *x, size_t count)
{
    double sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += (double)x[k] * x[k];
    return sqrt(sum);
}

static struct run run_of(const struct task *task, const char *optimizer, double rate)
{
    openblas_set_num_threads(1);
    return (struct run){.task = task, .optimizer = optimizer_find(optimizer), .rate = rate, .steps = 100, .seed = 3};
}

/* Bounds on the divergence of SGD with momentum, whose formulas are evaluated in binary64 and rounded once, u = 2^-24. The
 * buffer's error is e_k <= beta e_(k-1) + u ||m_k|| <= k u M, M the largest ||m_k||; the parameter's at most sum_(j <= k) (u
 * ||p_j|| + lr e_j) <= k u P + lr k (k + 1) / 2 u M. In the first step the same is true of the distance gone. What is of second
 * order, and the roundings of binary64, are below 1/64 of that. */
static void sgdm_bounds(double bounds[BESIDE_STEPS], const struct task *task, size_t matrix)
{
    struct run run = run_of(task, "sgdm", 0.1);
    double largest_m = 0, largest_p = 0;
    float start[64 * 64];
    ck_assert_int_eq(run_start(&run), ASSAY_OK);
    const struct slot *slot = &run.stepper.slots[2 * matrix]; /* biases between */
    size_t count = slot->parameter->rows * slot->parameter->cols;
    ck_assert(slot->parameter->hidden && count <= 64 * 64);
    memcpy(start, slot->parameter->at, count * sizeof *start);
    for (size_t k = 0; k < BESIDE_STEPS; k++) {
        float moved[64 * 64];
        ck_assert_int_eq(run_gradient(&run), ASSAY_OK);
        ck_assert_int_eq(run_update(&run), ASSAY_OK);
        for (size_t i = 0; i < count; i++)
            moved[i] = slot->parameter->at[i] - start[i];
        largest_m = fmax(largest_m, norm(slot->state.momentum, count));
        largest_p = fmax(largest_p, norm(slot->parameter->at, count));
        double n = (double)(k + 1);
        bounds[k] = (1 + 0x1p-6) * 0x1p-24 * (n * largest_p + 0.1 * n * (n + 1) / 2 * largest_m) / norm(moved, count);
    }
    run_end(&run);
}

static bool within(const struct beside *matrices, size_t count, double bounds[][BESIDE_STEPS])
{
    bool all = true;
    for (size_t k = 0; k < count; k++)
        for (size_t s = 0; s < BESIDE_STEPS; s++)
            all = all && matrices[k].divergence[s] <= bounds[k][s];
    return all;
}

/* ||p - P|| / ||P - p_0|| of SGD with momentum is within its bound; a step that is 0.1 % too long is not. */
START_TEST(sgdm_beside)
{
    struct task task;
    struct beside matrices[BESIDE_MATRICES];
    double bounds[2][BESIDE_STEPS];
    size_t count;
    ck_assert(task_load(&task, "mlp"));
    for (size_t k = 0; k < 2; k++)
        sgdm_bounds(bounds[k], &task, k);
    struct run run = run_of(&task, "sgdm", 0.1);
    ck_assert_int_eq(beside(matrices, &count, &run, NULL), ASSAY_OK);
    ck_assert_uint_eq(count, 2);
    ck_assert(!matrices[0].bf16);
    ck_assert(within(matrices, count, bounds));
    excess = 0.001;
    run = run_of(&task, "sgdm", 0.1);
    ck_assert_int_eq(beside(matrices, &count, &run, NULL), ASSAY_OK);
    ck_assert(!within(matrices, count, bounds));
    excess = 0;
    task_free(&task);
}
END_TEST

/* What is let pass, measured and not proved; it is to see a wrong hyperparameter, a lost buffer, a lost step: 25 % of the way
 * gone for Newton-Schulz in bf16 (seen: 10 %), 0.1 % for fp32 (seen: 0.001 %), 50 % for an exact LMO of a momentum of layer 1
 * (seen: 33 %; that gradient has numerical rank 32, so the last bits of the float buffer decide half of its directions). */
static double allowed(const struct optimizer *o, const struct beside *b)
{
    return b->bf16 ? 0.25 : strcmp(o->dialect, "trust-region") == 0 && strcmp(b->name, "layer1") == 0 ? 0.5 : 0.001;
}

/* Whether all divergences of an optimizer are within what is allowed. */
static bool near_reference(const struct task *task, const struct optimizer *o)
{
    struct beside matrices[BESIDE_MATRICES];
    struct run run = run_of(task, o->name, o->rate[MODEL_MLP]);
    size_t count;
    bool all = true;
    ck_assert_int_eq(beside(matrices, &count, &run, NULL), ASSAY_OK);
    for (size_t m = 0; m < count; m++)
        for (size_t s = 0; s < BESIDE_STEPS; s++)
            all = all && matrices[m].divergence[s] <= allowed(o, &matrices[m]);
    return all;
}

/* Every optimizer stays near the reference (without and with extrapolation, trust-region makes the same steps of given
 * gradients as with a decay of 0); and not when its steps are too long by a third. */
START_TEST(all_beside)
{
    struct task task;
    ck_assert(task_load(&task, "mlp"));
    for (size_t k = 0; k < optimizer_count; k++)
        ck_assert_msg((strcmp(optimizers[k].dialect, "trust-region") == 0 && optimizers[k].weight_decay == 0) ||
                          near_reference(&task, &optimizers[k]),
                      "%s", optimizers[k].name);
    excess = 1.0 / 3;
    ck_assert(!near_reference(&task, optimizer_find("jordan")));
    ck_assert(!near_reference(&task, optimizer_find("nsgdm")));
    ck_assert(!near_reference(&task, optimizer_find("auon")));
    task_free(&task);
}
END_TEST

/* ---- theory ---------------------------------------------------------------------------------------------------------- */

static void hear_nothing(void *data, double done, double loss)
{
    (void)data;
    (void)done;
    (void)loss;
}

static struct theory theory_of(const struct task *task)
{
    struct theory t;
    const struct theory_settings settings = {.task = task,
                                             .steps = 60,
                                             .seed = 1,
                                             .muon_rate = 0.02,
                                             .auon_rate = 0.1,
                                             .decay_rate = 0.1,
                                             .tell = hear_nothing};
    openblas_set_num_threads(1);
    ck_assert_int_eq(theory(&t, &settings), ASSAY_OK);
    return t;
}

static void check_spectrum(const struct spectrum *s, size_t side)
{
    ck_assert(s->stable >= 1 && s->stable <= (double)side * (1 + 1e-12));
    ck_assert(s->effective >= 1 && s->effective <= (double)side * (1 + 1e-12));
    ck_assert(s->condition >= 1);
}

/* Ranks lie in [1, min(r, c)]; every singular value that is large enough comes out flat; Muon's update has a larger effective
 * rank than its gradient; AuON is as near to normalised momentum as was proved; the weights stay in their ball. */
START_TEST(theory_holds)
{
    struct comparison c = {.has_theory = true};
    ck_assert(task_load(&c.task, "mlp"));
    c.theory = theory_of(&c.task);
    ck_assert_uint_eq(c.theory.spectra_count, 6);
    ck_assert_uint_eq(c.theory.closeness_count, 6);
    for (size_t k = 0; k < 6; k++) {
        const struct spectra *s = &c.theory.spectra[k];
        size_t side = s->rows < s->cols ? s->rows : s->cols;
        check_spectrum(&s->gradient, side);
        check_spectrum(&s->momentum, side);
        check_spectrum(&s->update, side);
        ck_assert(s->reached > 0 && s->flat >= s->reached);
        ck_assert(s->update.effective > s->gradient.effective);
        ck_assert(c.theory.closeness[k].distance > 0);
    }
    ck_assert(c.theory.ball.with > 0);
    ck_assert(comparison_agrees(&c));
    task_free(&c.task);
}
END_TEST

/* Counter-check: a distance beyond its bound, weights outside the ball, and NaN are seen. */
START_TEST(disagreement_is_seen)
{
    struct comparison c = {.has_theory = true};
    c.theory.closeness_count = 1;
    c.theory.closeness[0] = (struct closeness){.distance = 1, .bound = 1};
    c.theory.ball = (struct decay_ball){.with = 2, .radius = 2};
    ck_assert(comparison_agrees(&c));
    c.theory.closeness[0].distance = 1.001;
    ck_assert(!comparison_agrees(&c));
    c.theory.closeness[0].distance = NAN;
    ck_assert(!comparison_agrees(&c));
    c.theory.closeness[0].distance = 0;
    c.theory.ball.with = 2.001;
    ck_assert(!comparison_agrees(&c));
    c.theory.ball.with = NAN;
    ck_assert(!comparison_agrees(&c));
    c.has_theory = false;
    ck_assert(comparison_agrees(&c));
}
END_TEST

RUN_TESTS("train_beside", TEST(sgdm_beside), TEST(all_beside), TEST(theory_holds), TEST(disagreement_is_seen))
