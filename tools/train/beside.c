#include "beside.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one matrix went through: before the first step, and in each. */
struct trace {
    const struct slot *slot;
    size_t count;
    double *start, *grads, *params;
    double lr[BESIDE_STEPS];
};

static void widen(double *to, const float *from, size_t count)
{
    for (size_t k = 0; k < count; k++)
        to[k] = from[k];
}

static bool trace_start(struct trace *t, const struct slot *slot)
{
    size_t count = slot->parameter->rows * slot->parameter->cols;
    *t = (struct trace){.slot = slot, .count = count, .start = malloc((2 * BESIDE_STEPS + 1) * count * sizeof(double))};
    if (!t->start)
        return false;
    t->grads = t->start + count;
    t->params = t->grads + BESIDE_STEPS * count;
    widen(t->start, slot->parameter->at, count);
    return true;
}

static double distance(const double *a, const double *b, size_t count)
{
    double sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += (a[k] - b[k]) * (a[k] - b[k]);
    return sqrt(sum);
}

static assay_status compare(struct beside *b, const struct trace *t, const struct assay_dialect *dialect,
                            const assay_options *options)
{
    const struct parameter *p = t->slot->parameter;
    double *exact = malloc(2 * BESIDE_STEPS * t->count * sizeof *exact);
    if (!exact)
        return ASSAY_NO_MEMORY;
    assay_steps after = {.params = {exact, exact + BESIDE_STEPS * t->count, 0}};
    const assay_run run = {
        .param = {t->start, 2, {p->rows, p->cols}}, .steps = BESIDE_STEPS, .grads = t->grads, .lr = t->lr};
    assay_status status = assay_ref_step(&after, NULL, dialect, &t->slot->hyper, &run, options);
    *b = (struct beside){
        .rows = p->rows, .cols = p->cols, .bf16 = assay_fast_plan_arithmetic(t->slot->plan) == ASSAY_FAST_BF16};
    memcpy(b->name, p->name, sizeof b->name);
    for (size_t k = 0; k < BESIDE_STEPS && status == ASSAY_OK; k++)
        b->divergence[k] = distance(t->params + k * t->count, exact + k * t->count, t->count) /
                           distance(exact + k * t->count, t->start, t->count);
    free(exact);
    return status;
}

/* The steps of the whole model, and what the traced matrices go through. */
static assay_status follow(struct run *run, struct trace *traces, size_t count)
{
    assay_status status = ASSAY_OK;
    for (size_t s = 0; s < BESIDE_STEPS && status == ASSAY_OK; s++) {
        status = run_gradient(run);
        for (size_t k = 0; k < count; k++) {
            widen(traces[k].grads + s * traces[k].count, traces[k].slot->parameter->grad, traces[k].count);
            traces[k].lr[s] = traces[k].slot->hyper.lr * run_share(run);
        }
        if (status == ASSAY_OK)
            status = run_update(run);
        for (size_t k = 0; k < count; k++)
            widen(traces[k].params + s * traces[k].count, traces[k].slot->parameter->at, traces[k].count);
    }
    return status;
}

assay_status beside(struct beside matrices[BESIDE_MATRICES], size_t *count, struct run *run,
                    const assay_options *options)
{
    struct trace traces[BESIDE_MATRICES];
    assay_status status = run_start(run);
    *count = 0;
    for (size_t k = 0; k < run->stepper.count && *count < BESIDE_MATRICES && status == ASSAY_OK; k++) {
        if (!run->stepper.slots[k].parameter->hidden)
            continue;
        status = trace_start(&traces[*count], &run->stepper.slots[k]) ? ASSAY_OK : ASSAY_NO_MEMORY;
        *count += status == ASSAY_OK;
    }
    if (status == ASSAY_OK)
        status = follow(run, traces, *count);
    for (size_t k = 0; k < *count && status == ASSAY_OK; k++)
        status = compare(&matrices[k], &traces[k], assay_dialect_find(run->optimizer->dialect), options);
    for (size_t k = 0; k < *count; k++)
        free(traces[k].start);
    run_end(run);
    return status;
}
