#include "record.h"

#include "safetensors.h"
#include "set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct recording {
    struct tensor_file gradients;
    struct manifest cases;
    bool enough; /* memory */
};

unsigned recorded_step(unsigned steps, unsigned k)
{
    return k == 0 ? 10 : k == 1 ? steps / 2 : steps;
}

/* ---- collecting ------------------------------------------------------------------------------------------------------ */

static size_t leading(size_t size)
{
    return size < RECORD_SIDE ? size : RECORD_SIDE;
}

/* Copies the leading block of a matrix. */
static void copy_block(double *to, const struct tensor *like, const float *at, size_t stride)
{
    size_t rows = like->shape[like->ndim - 2], cols = like->shape[like->ndim - 1];
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            to[i * cols + j] = at[i * stride + j];
}

static void new_tensor(struct recording *r, struct tensor *x, const char *name, size_t ndim, const size_t *shape)
{
    *x = (struct tensor){.name = strdup(name), .type = TENSOR_F32, .ndim = ndim, .count = 1};
    for (size_t d = 0; d < ndim; d++)
        x->count *= x->shape[d] = shape[d];
    x->at = tensor_alloc(x->count, sizeof *x->at);
    r->enough = r->enough && x->name && x->at;
}

/* A whole matrix for the file of gradients. */
static void add_matrix(struct recording *r, const struct run *run, const struct parameter *p, const char *what,
                       const float *at)
{
    char name[160];
    struct tensor *x = &r->gradients.tensors[r->gradients.count++];
    snprintf(name, sizeof name, "%s-step%u-%s-%s", run->task->name, run->done, p->name, what);
    new_tensor(r, x, name, 2, (size_t[]){p->rows, p->cols});
    if (r->enough)
        copy_block(x->at, x, at, p->cols);
}

static void begin_case(struct recording *r, const struct run *run, const struct slot *slot, unsigned last)
{
    const struct parameter *p = slot->parameter;
    struct golden_case *c = &r->cases.cases[r->cases.count++];
    size_t shape[] = {RECORD_WINDOW, leading(p->rows), leading(p->cols)}, length = RECORD_WINDOW;
    *c = (struct golden_case){.family = "real",
                              .flag_count = 1,
                              .flags = {"RealGradient"},
                              .operation = OPERATION_STEP,
                              .hyper = slot->hyper,
                              .input_count = 3};
    snprintf(c->id, sizeof c->id, "%s-step%u-%s", run->task->name, last, p->name);
    snprintf(c->why, sizeof c->why, "gradients that %s met when it learnt %s", run->optimizer->name, run->task->name);
    new_tensor(r, &c->inputs[0], "param", 2, shape + 1);
    new_tensor(r, &c->inputs[1], "grads", 3, shape);
    new_tensor(r, &c->inputs[2], "lr", 1, &length);
    c->inputs[2].type = TENSOR_F64; /* what the optimizer was given */
    if (r->enough)
        copy_block(c->inputs[0].at, &c->inputs[0], p->at, p->cols);
}

/* After the gradient and before the update number `t` of the window whose last step is `last`. */
static void record_gradient(struct recording *r, const struct run *run, unsigned t, unsigned last)
{
    size_t hidden = 0;
    for (size_t k = 0; k < run->stepper.count && r->enough; k++) {
        const struct slot *slot = &run->stepper.slots[k];
        if (!slot->parameter->hidden)
            continue;
        if (t == 0)
            begin_case(r, run, slot, last);
        hidden++;
    }
    struct golden_case *c = r->cases.cases + (r->cases.count - hidden);
    for (size_t k = 0; k < run->stepper.count && r->enough; k++) {
        const struct slot *slot = &run->stepper.slots[k];
        if (!slot->parameter->hidden)
            continue;
        struct tensor *grads = &c->inputs[1];
        copy_block(grads->at + t * grads->count / RECORD_WINDOW, grads, slot->parameter->grad, slot->parameter->cols);
        c->inputs[2].at[t] = slot->hyper.lr * run_share(run);
        c++;
    }
}

/* After the update. */
static void record_matrices(struct recording *r, const struct run *run)
{
    for (size_t k = 0; k < run->stepper.count && r->enough; k++) {
        const struct slot *slot = &run->stepper.slots[k];
        if (slot->parameter->hidden) {
            add_matrix(r, run, slot->parameter, "grad", slot->parameter->grad);
            add_matrix(r, run, slot->parameter, "momentum", slot->state.momentum);
        }
    }
}

/* ---- the run --------------------------------------------------------------------------------------------------------- */

static assay_status record_run(struct recording *r, struct run *run, void (*tell)(void *, double, double), void *data)
{
    assay_status status = run_start(run);
    size_t most = (size_t)RECORDED * run->model.count;
    r->gradients.tensors = tensor_alloc(2 * most, sizeof *r->gradients.tensors);
    r->cases = (struct manifest){OPERATION_STEP, 0, tensor_alloc(most, sizeof *r->cases.cases)};
    r->enough = r->gradients.tensors && r->cases.cases;
    while (status == ASSAY_OK && r->enough && run->done < run->steps) {
        status = run_gradient(run);
        for (unsigned k = 0; k < RECORDED && status == ASSAY_OK; k++) {
            unsigned last = recorded_step(run->steps, k), first = last - RECORD_WINDOW;
            if (run->done >= first && run->done < last)
                record_gradient(r, run, run->done - first, last);
        }
        if (status == ASSAY_OK)
            status = run_update(run);
        for (unsigned k = 0; k < RECORDED && status == ASSAY_OK; k++)
            if (run->done == recorded_step(run->steps, k))
                record_matrices(r, run);
        if (run->done % 8 == 0)
            tell(data, (double)run->done / run->steps, run->loss);
    }
    return status == ASSAY_OK && !r->enough ? ASSAY_NO_MEMORY : status;
}

static assay_status write_files(struct recording *r, const char *folder, char *message, size_t message_size)
{
    char path[4096];
    const struct complaint to = {folder, NULL, message, message_size};
    const assay_options options = {.message = message, .message_size = message_size};
    assay_status status = ASSAY_OK;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return complain(&to, ASSAY_UNREADABLE, "cannot make this folder: %s", strerror(errno));
    if (strlen(folder) > sizeof path - 32)
        return complain(&to, ASSAY_UNREADABLE, "the path is too long");
    for (size_t k = 0; k < r->cases.count && status == ASSAY_OK; k++)
        status = case_compute(&r->cases.cases[k], &options);
    snprintf(path, sizeof path, "%s/gradients.safetensors", folder);
    if (status == ASSAY_OK)
        status = safetensors_write(path, &r->gradients, message, message_size);
    snprintf(path, sizeof path, "%s/step", folder);
    return status == ASSAY_OK ? set_write_manifest(&r->cases, path, message, message_size) : status;
}

assay_status record(struct run *run, const char *folder, void (*tell)(void *data, double done, double loss), void *data,
                    char *message, size_t message_size)
{
    struct recording r = {0};
    message[0] = '\0';
    assay_status status = record_run(&r, run, tell, data);
    if (status == ASSAY_OK)
        status = write_files(&r, folder, message, message_size);
    if (status != ASSAY_OK && !message[0])
        snprintf(message, message_size, "%s",
                 status == ASSAY_NOT_FINITE ? "the run diverges; nothing is recorded" : assay_status_text(status));
    tensors_free(&r.gradients);
    manifest_free(&r.cases);
    run_end(run);
    return status;
}
