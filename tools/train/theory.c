#include "theory.h"

#include "record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The k-th watched slot, or NULL: small models have fewer. */
static const struct slot *watched(const struct run *run, size_t k)
{
    const struct slot *hidden[64];
    size_t count = 0;
    for (size_t i = 0; i < run->stepper.count && count < 64; i++)
        if (run->stepper.slots[i].parameter->hidden)
            hidden[count++] = &run->stepper.slots[i];
    if (count < WATCHED_MATRICES)
        return k < count ? hidden[k] : NULL;
    return hidden[k * (count - 1) / (WATCHED_MATRICES - 1)];
}

static size_t smaller(const struct parameter *p)
{
    return p->rows < p->cols ? p->rows : p->cols;
}

/* The singular values of a matrix of p's shape, of which there are smaller(p). */
static assay_status singular_values(double *values, const struct parameter *p, const double *at)
{
    size_t count = smaller(p);
    double *lo = malloc(count * sizeof *lo);
    if (!lo)
        return ASSAY_NO_MEMORY;
    assay_answer s = {{values, 1, count, count}, {lo, 1, count, count}, 0};
    const assay_options options = {.threads = 1};
    assay_status status = assay_ref_svd(&s, NULL, NULL, NULL, (assay_input){at, p->rows, p->cols, p->cols}, &options);
    free(lo);
    return status;
}

static struct spectrum measure(const double *values, size_t count)
{
    double sum = 0, squares = 0, entropy = 0;
    for (size_t k = 0; k < count; k++) {
        sum += values[k];
        squares += values[k] * values[k];
    }
    for (size_t k = 0; k < count; k++)
        entropy -= values[k] > 0 ? values[k] / sum * log(values[k] / sum) : 0;
    return (struct spectrum){squares / (values[0] * values[0]), exp(entropy), values[0] / values[count - 1]};
}

static double norm_of(const double *x, size_t count)
{
    double sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += x[k] * x[k];
    return sqrt(sum);
}

/* Whether the run has just made the step of that number among the watched ones. */
static bool is_watched(const struct run *run)
{
    for (unsigned k = 0; k < WATCHED_STEPS; k++)
        if (run->done == recorded_step(run->steps, k))
            return true;
    return false;
}

/* ---- spectra --------------------------------------------------------------------------------------------------------- */

/* `old`: the parameter before the update, which has been made. */
static assay_status observe_spectra(struct spectra *s, const struct run *run, const struct slot *slot, const float *old)
{
    const struct parameter *p = slot->parameter;
    size_t size = p->rows * p->cols, count = smaller(p);
    double *x = malloc((3 * size + count) * sizeof *x), beta = slot->hyper.momentum;
    if (!x)
        return ASSAY_NO_MEMORY;
    double *grad = x, *u = x + size, *update = u + size, *values = update + size;
    unsigned before = run->done - 1;
    struct run then = *run;
    then.done = before;
    double rate = slot->hyper.lr * run_share(&then) * sqrt(fmax(1, (double)p->rows / (double)p->cols));
    for (size_t k = 0; k < size; k++) {
        grad[k] = p->grad[k];
        u[k] = beta * slot->state.momentum[k] + (1 - beta) * p->grad[k];
        update[k] = ((double)old[k] - p->at[k]) / rate;
    }
    *s = (struct spectra){.step = run->done, .rows = p->rows, .cols = p->cols};
    memcpy(s->name, p->name, sizeof s->name);
    assay_status status = singular_values(values, p, grad);
    if (status == ASSAY_OK) {
        s->gradient = measure(values, count);
        status = singular_values(values, p, u);
    }
    if (status == ASSAY_OK) {
        s->momentum = measure(values, count);
        for (size_t k = 0; k < count; k++)
            s->reached += values[k] >= SPECTRUM_REACHED * norm_of(u, size);
        status = singular_values(values, p, update);
    }
    if (status == ASSAY_OK) {
        s->update = measure(values, count);
        for (size_t k = 0; k < count; k++)
            s->flat += values[k] >= 0.95 * SPECTRUM_LOW && values[k] <= 1.05 * SPECTRUM_HIGH;
    }
    free(x);
    return status;
}

/* ---- AuON ------------------------------------------------------------------------------------------------------------ */

static assay_status observe_closeness(struct closeness *c, const struct run *run, const struct slot *slot)
{
    const struct parameter *p = slot->parameter;
    size_t size = p->rows * p->cols;
    double *m = malloc(3 * size * sizeof *m), *o = m ? m + size : NULL;
    if (!m)
        return ASSAY_NO_MEMORY;
    for (size_t k = 0; k < size; k++)
        m[k] = slot->state.momentum[k];
    assay_tensor_answer answer = {o, o + size, 0};
    const assay_options options = {.threads = 1};
    assay_status status = assay_ref_cosh_rms(&answer, assay_dialect_find("auon-paper"),
                                             (assay_tensor){m, 2, {p->rows, p->cols}}, &options);
    double norm = norm_of(m, size), n = (double)size;
    for (size_t k = 0; k < size; k++)
        m[k] = o[k] - m[k] / norm;
    *c = (struct closeness){.step = run->done,
                            .rows = p->rows,
                            .cols = p->cols,
                            .distance = norm_of(m, size),
                            .bound = sqrt(1 + sinh(1) * sinh(1) / n) - 1 + 1e-8 + 1e-7 / norm};
    memcpy(c->name, p->name, sizeof c->name);
    free(m);
    return status;
}

/* ---- the ball of the decay ------------------------------------------------------------------------------------------- */

/* Raises *largest to the largest spectral norm of the watched matrices. */
static assay_status raise(double *largest, const struct run *run)
{
    assay_status status = ASSAY_OK;
    for (size_t k = 0; k < WATCHED_MATRICES && watched(run, k) && status == ASSAY_OK; k++) {
        const struct parameter *p = watched(run, k)->parameter;
        size_t size = p->rows * p->cols;
        double *x = malloc((size + smaller(p)) * sizeof *x), *values = x ? x + size : NULL;
        if (!x)
            return ASSAY_NO_MEMORY;
        for (size_t i = 0; i < size; i++)
            x[i] = p->at[i];
        status = singular_values(values, p, x);
        *largest = status == ASSAY_OK && values[0] > *largest ? values[0] : *largest;
        free(x);
    }
    return status;
}

/* ---- runs ------------------------------------------------------------------------------------------------------------ */

/* What is looked at after each update. */
struct watch {
    struct theory *theory;
    double *start, *largest;      /* of the spectral norms; not wanted if NULL */
    float *old[WATCHED_MATRICES]; /* the watched parameters before the update */
    bool spectra, closeness;
};

static assay_status remember(struct watch *w, const struct run *run)
{
    for (size_t k = 0; k < WATCHED_MATRICES && watched(run, k) && w->spectra; k++) {
        const struct parameter *p = watched(run, k)->parameter;
        size_t bytes = p->rows * p->cols * sizeof *p->at;
        if (!w->old[k])
            w->old[k] = malloc(bytes);
        if (!w->old[k])
            return ASSAY_NO_MEMORY;
        memcpy(w->old[k], p->at, bytes);
    }
    return ASSAY_OK;
}

static assay_status look(struct watch *w, const struct run *run)
{
    struct theory *t = w->theory;
    assay_status status = ASSAY_OK;
    for (size_t k = 0; k < WATCHED_MATRICES && watched(run, k) && is_watched(run) && status == ASSAY_OK; k++) {
        if (w->spectra)
            status = observe_spectra(&t->spectra[t->spectra_count++], run, watched(run, k), w->old[k]);
        else if (w->closeness)
            status = observe_closeness(&t->closeness[t->closeness_count++], run, watched(run, k));
    }
    bool measures = w->largest && (size_t)run->done * BALL_STEPS % run->steps < BALL_STEPS;
    return status == ASSAY_OK && measures ? raise(w->largest, run) : status;
}

enum { THEORY_RUNS = 5 };

/* `done`: how many runs came before. */
static assay_status watch_run(struct watch *w, const struct theory_settings *s, const char *optimizer, double rate,
                              double *metric, double done)
{
    struct run run = {
        .task = s->task, .optimizer = optimizer_find(optimizer), .rate = rate, .steps = s->steps, .seed = s->seed};
    assay_status status = run_start(&run);
    if (status == ASSAY_OK && w->start)
        status = raise(w->start, &run);
    while (status == ASSAY_OK && run.done < run.steps) {
        status = run_gradient(&run);
        if (status == ASSAY_OK)
            status = remember(w, &run);
        if (status == ASSAY_OK)
            status = run_update(&run);
        if (status == ASSAY_OK)
            status = look(w, &run);
        if (run.done % 8 == 0)
            s->tell(s->data, (done + (double)run.done / run.steps) / THEORY_RUNS, run.loss);
    }
    if (status == ASSAY_OK && metric)
        *metric = task_metric(s->task, task_score(&run.model, s->task, PART_TEST));
    run_end(&run);
    for (size_t k = 0; k < WATCHED_MATRICES; k++)
        free(w->old[k]);
    return status;
}

assay_status theory(struct theory *theory, const struct theory_settings *s)
{
    struct theory t = {0};
    double start = 0;
    struct watch muon = {.theory = &t, .spectra = true}, auon = {.theory = &t, .closeness = true};
    struct watch normalised = {.theory = &t};
    struct watch without = {.theory = &t, .largest = &t.ball.without};
    struct watch with = {.theory = &t, .largest = &t.ball.with, .start = &start};
    assay_status status = watch_run(&muon, s, "jordan", s->muon_rate, NULL, 0);
    if (status == ASSAY_OK)
        status = watch_run(&auon, s, "auon-paper", s->auon_rate, &t.twins.auon, 1);
    if (status == ASSAY_OK)
        status = watch_run(&normalised, s, "nsgdm", s->auon_rate, &t.twins.normalised, 2);
    if (status == ASSAY_OK)
        status = watch_run(&without, s, "trust-region", s->decay_rate, &t.ball.metric_without, 3);
    if (status == ASSAY_OK)
        status = watch_run(&with, s, "trust-region-decay", s->decay_rate, &t.ball.metric_with, 4);
    t.ball.radius = fmax(start, 1 / optimizer_find("trust-region-decay")->weight_decay);
    if (status == ASSAY_OK)
        *theory = t;
    return status;
}
