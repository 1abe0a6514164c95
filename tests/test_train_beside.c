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

/* What one matrix goes through in the float steps alone: after each of them, how far it is from where it started, and how
 * long its path has been; and the largest norms of it and of its buffer so far. */
struct path {
    double gone[BESIDE_STEPS], length[BESIDE_STEPS], parameter[BESIDE_STEPS], momentum[BESIDE_STEPS];
};

static void walk(struct path *path, struct run run, size_t matrix)
{
    enum { MOST = 64 * 64 };
    double kept = excess, length = 0, largest_m = 0, largest_p = 0;
    float start[MOST], before[MOST], moved[MOST];
    excess = 0;
    ck_assert_int_eq(run_start(&run), ASSAY_OK);
    const struct slot *slot = &run.stepper.slots[2 * matrix]; /* biases between */
    size_t count = slot->parameter->rows * slot->parameter->cols;
    ck_assert(slot->parameter->hidden && count <= MOST);
    memcpy(start, slot->parameter->at, count * sizeof *start);
    for (size_t k = 0; k < BESIDE_STEPS; k++) {
        memcpy(before, slot->parameter->at, count * sizeof *before);
        ck_assert_int_eq(run_gradient(&run), ASSAY_OK);
        ck_assert_int_eq(run_update(&run), ASSAY_OK);
        for (size_t i = 0; i < count; i++)
            moved[i] = slot->parameter->at[i] - before[i];
        path->length[k] = length += norm(moved, count);
        for (size_t i = 0; i < count; i++)
            moved[i] = slot->parameter->at[i] - start[i];
        path->gone[k] = norm(moved, count);
        path->momentum[k] = largest_m = fmax(largest_m, norm(slot->state.momentum, count));
        path->parameter[k] = largest_p = fmax(largest_p, norm(slot->parameter->at, count));
    }
    run_end(&run);
    excess = kept;
}

/* Bounds on the divergence of SGD with momentum, whose formulas are evaluated in binary64 and rounded once, u = 2^-24. The
 * buffer's error is e_k <= beta e_(k-1) + u ||m_k|| <= k u M, M the largest ||m_k||; the parameter's at most sum_(j <= k) (u
 * ||p_j|| + lr e_j) <= k u P + lr k (k + 1) / 2 u M. In the first step the same is true of the distance gone. What is of second
 * order, and the roundings of binary64, are below 1/64 of that. */
static void sgdm_bounds(double bounds[BESIDE_STEPS], const struct task *task, size_t matrix)
{
    struct path path;
    walk(&path, run_of(task, "sgdm", 0.1), matrix);
    for (size_t k = 0; k < BESIDE_STEPS; k++) {
        double n = (double)(k + 1);
        bounds[k] =
            (1 + 0x1p-6) * 0x1p-24 * (n * path.parameter[k] + 0.1 * n * (n + 1) / 2 * path.momentum[k]) / path.gone[k];
    }
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

/* What the error of one step may be, over the length of the step.
 *
 * Exact LMO for layer 1, 64 x 64: the gradient of a batch of 32 has 32 singular values that are more than rounding errors, so in
 * the first step the last bits of the float buffer decide about the other 32 (later momenta determine more). With Q = (A, W),
 * Q' = (A, W') orthogonal, and W, W' of 32 columns, ||Q - Q'||_F = ||W - W'||_F <= 2 sqrt(32) = sqrt(2) ||Q||_F. That sees only
 * what is grossly wrong; layer 2, of 32 rows, sees the rest. (Seen: 0.33.)
 *
 * Newton-Schulz in bf16: the bound by Lipschitz constants, 3.4445^5 2^-8 = 1.9, says nothing, and none that is proved says more.
 * 1/4 is chosen to see the mistake below, steps too long by a third. (Seen: 0.10.)
 *
 * All else: a direction in fp32 errs by a few u = 2^-24 times the condition of its formula; 2^8 u is granted, and sees steps too
 * long by 2^-13. (Seen: all within the rounding of parameters.) */
static double step_error(const struct optimizer *o, const struct beside *b)
{
    if (strcmp(o->dialect, "trust-region") == 0 && strcmp(b->name, "layer1") == 0)
        return sqrt(2);
    return b->bf16 ? 0.25 : 0x1p-16;
}

/* Whether all divergences of an optimizer are at most (k u P + step_error L) / ||p - p_0||: the rounding of k parameters, of
 * which P is the largest norm, and the errors of steps along a path of length L. */
static bool near_reference(const struct task *task, const struct optimizer *o)
{
    struct beside matrices[BESIDE_MATRICES];
    struct run run = run_of(task, o->name, o->rate[MODEL_MLP]);
    struct path path;
    size_t count;
    bool all = true;
    ck_assert_int_eq(beside(matrices, &count, &run, NULL), ASSAY_OK);
    for (size_t m = 0; m < count; m++) {
        walk(&path, run_of(task, o->name, o->rate[MODEL_MLP]), m);
        for (size_t s = 0; s < BESIDE_STEPS; s++) {
            double rounding = (double)(s + 1) * 0x1p-24 * path.parameter[s];
            double allowed = (rounding + step_error(o, &matrices[m]) * path.length[s]) / path.gone[s];
            all = all && matrices[m].divergence[s] <= allowed;
        }
    }
    return all;
}

/* Every optimizer stays near the reference (without and with extrapolation, trust-region makes the same steps of given
 * gradients as with a decay of 0); and not when its steps are too long. */
START_TEST(all_beside)
{
    struct task task;
    ck_assert(task_load(&task, "mlp"));
    for (size_t k = 0; k < optimizer_count; k += stride(1))
        ck_assert_msg((strcmp(optimizers[k].dialect, "trust-region") == 0 && optimizers[k].weight_decay == 0) ||
                          near_reference(&task, &optimizers[k]),
                      "%s", optimizers[k].name);
    excess = 1.0 / 3;
    ck_assert(!near_reference(&task, optimizer_find("jordan")));
    excess = 0x1p-13;
    ck_assert(!near_reference(&task, optimizer_find("nsgdm")));
    ck_assert(!thorough() || !near_reference(&task, optimizer_find("auon")));
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
                                             .steps = thorough() ? 60 : 24,
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
