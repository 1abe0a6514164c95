#include "optimizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Momentum as the papers have it where they say, else 0.9; the decay of the trust-region method keeps the weights in a ball of
 * spectral norm 1 / weight_decay = 10. Middle rates: found by a wider search on the validation parts, then fixed. */
const struct optimizer optimizers[] = {
    {"adamw", "adamw", "Kingma & Ba; Loshchilov & Hutter", .momentum = 0.9, .weight_decay = 0.01,
     .rate = {0.004, 0.002}, .all = true},
    {"sgdm", "sgdm", "SGD with momentum", .momentum = 0.9, .weight_decay = 0, .rate = {0.1, 0.1}},
    {"jordan", "jordan", "Muon (Jordan)", .momentum = 0.95, .weight_decay = 0, .rate = {0.005, 0.02}},
    {"moonlight", "moonlight", "Muon with weight decay (Moonlight)", .momentum = 0.95, .weight_decay = 0.1,
     .rate = {0.02, 0.01}},
    {"trust-region", "trust-region", "exact spectral steps (Kovalev, algorithm 1)", .momentum = 0.9, .weight_decay = 0,
     .rate = {0.005, 0.02}},
    {"trust-region-decay", "trust-region", "the same with weight decay", .momentum = 0.9, .weight_decay = 0.1,
     .rate = {0.04, 0.02}},
    {"trust-region-extrapolation", "trust-region", "the same with extrapolated gradients", .momentum = 0.9,
     .weight_decay = 0, .rate = {0.005, 0.01}, .extrapolates = true},
    {"orthogonal-sgdm", "orthogonal-sgdm", "orthogonalised before momentum (Tuddenham et al.)", .momentum = 0.9,
     .weight_decay = 0, .rate = {0.02, 0.08}},
    {"nsgdm", "nsgdm", "normalised SGD with momentum", .momentum = 0.9, .weight_decay = 0, .rate = {0.1, 0.05}},
    {"signsgdm", "signsgdm", "signs of the momentum", .momentum = 0.9, .weight_decay = 0, .rate = {0.001, 0.0005}},
    {"auon-paper", "auon-paper", "AuON as printed", .momentum = 0.9, .weight_decay = 0, .rate = {0.1, 0.05}},
    {"auon", "auon", "AuON, current code", .momentum = 0.95, .weight_decay = 0, .rate = {0.8, 1.6}},
    {"hybrid-auon-paper", "hybrid-auon-paper", "Hybrid-AuON as printed", .momentum = 0.9, .weight_decay = 0,
     .rate = {0.0125, 0.025}},
    {"hybrid-auon", "hybrid-auon", "Hybrid-AuON, current code", .momentum = 0.95, .weight_decay = 0,
     .rate = {0.02, 0.02}},
};
const size_t optimizer_count = sizeof optimizers / sizeof optimizers[0];

const struct optimizer *optimizer_find(const char *name)
{
    for (size_t k = 0; k < optimizer_count; k++)
        if (strcmp(optimizers[k].name, name) == 0)
            return &optimizers[k];
    return NULL;
}

double optimizer_rate(const struct optimizer *optimizer, enum model_kind kind, unsigned k, unsigned count)
{
    return ldexp(optimizer->rate[kind], (int)k - (int)(count / 2));
}

/* ---- steps ----------------------------------------------------------------------------------------------------------- */

static float *zeros(size_t count)
{
    return calloc(count ? count : 1, sizeof(float));
}

static assay_status slot_make(struct slot *slot, struct parameter *p, const struct optimizer *optimizer, double rate,
                              double adam_rate)
{
    const struct assay_dialect *dialect = assay_dialect_find(slot->under ? optimizer->dialect : "adamw");
    const assay_fast_options options = {.threads = 1};
    size_t count = p->rows * p->cols;
    slot->parameter = p;
    slot->hyper =
        slot->under
            ? (assay_hyper){.lr = rate, .momentum = optimizer->momentum, .weight_decay = optimizer->weight_decay}
            : (assay_hyper){.lr = adam_rate, .momentum = 0.9};
    assay_status status = assay_fast_plan_new(&slot->plan, dialect, 2, (size_t[]){p->rows, p->cols}, &options);
    if (status != ASSAY_OK)
        return status;
    slot->state = (assay_fast_state){p->at, zeros(count), zeros(assay_fast_moment_count(slot->plan)), 0};
    bool extrapolates = slot->under && optimizer->extrapolates;
    if (extrapolates && (slot->before = zeros(count)))
        memcpy(slot->before, p->at, count * sizeof *p->at);
    return slot->state.momentum && slot->state.second_moment && (slot->before || !extrapolates) ? ASSAY_OK
                                                                                                : ASSAY_NO_MEMORY;
}

void stepper_free(struct stepper *stepper)
{
    for (size_t k = 0; k < stepper->count; k++) {
        assay_fast_plan_free(stepper->slots[k].plan);
        free(stepper->slots[k].state.momentum);
        free(stepper->slots[k].state.second_moment);
        free(stepper->slots[k].before);
    }
    free(stepper->slots);
    free(stepper->work);
    *stepper = (struct stepper){0};
}

assay_status stepper_make(struct stepper *stepper, struct model *model, const struct optimizer *optimizer, double rate,
                          double adam_rate)
{
    struct stepper s = {.optimizer = optimizer, .slots = calloc(model->count, sizeof *s.slots)};
    assay_status status = s.slots ? ASSAY_OK : ASSAY_NO_MEMORY;
    size_t most = 1;
    for (; s.count < model->count && status == ASSAY_OK; s.count++) {
        struct parameter *p = &model->parameters[s.count];
        struct slot *slot = &s.slots[s.count];
        slot->under = p->hidden || optimizer->all;
        s.under += slot->under ? p->rows * p->cols : 0;
        status = slot_make(slot, p, optimizer, rate, adam_rate);
        if (status == ASSAY_OK && assay_fast_work(slot->plan) > most)
            most = assay_fast_work(slot->plan);
    }
    if (status == ASSAY_OK && !(s.work = malloc(most)))
        status = ASSAY_NO_MEMORY;
    if (status == ASSAY_OK)
        *stepper = s;
    else
        stepper_free(&s);
    return status;
}

/* y = x + beta / (1 - beta) (x - x before) takes the place of x, and x that of x before. */
void stepper_query(struct stepper *stepper)
{
    for (size_t k = 0; k < stepper->count; k++) {
        struct slot *slot = &stepper->slots[k];
        double ratio = slot->hyper.momentum / (1 - slot->hyper.momentum);
        for (size_t i = 0; i < slot->parameter->rows * slot->parameter->cols && slot->before; i++) {
            float x = slot->parameter->at[i];
            slot->parameter->at[i] = (float)(x + ratio * ((double)x - slot->before[i]));
            slot->before[i] = x;
        }
    }
}

void stepper_return(struct stepper *stepper)
{
    for (size_t k = 0; k < stepper->count; k++) {
        struct slot *slot = &stepper->slots[k];
        if (slot->before)
            memcpy(slot->parameter->at, slot->before, slot->parameter->rows * slot->parameter->cols * sizeof(float));
    }
}

assay_status stepper_step(struct stepper *stepper, double share)
{
    assay_status status = ASSAY_OK;
    for (size_t k = 0; k < stepper->count && status == ASSAY_OK; k++) {
        struct slot *slot = &stepper->slots[k];
        assay_hyper hyper = slot->hyper;
        hyper.lr *= share;
        status = assay_fast_step(&slot->state, slot->plan, &hyper, slot->parameter->grad, stepper->work);
    }
    return status;
}
