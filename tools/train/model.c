#include "model.h"

#include "inputs.h"

#include <stdio.h>
#include <stdlib.h>

struct model_shape model_mlp_shape(size_t batch)
{
    return (struct model_shape){.kind = MODEL_MLP, .depth = 3, .batch = batch, .widths = {64, 64, 32, 10}};
}

struct model_shape model_char_lm_shape(size_t batch, size_t vocabulary)
{
    return (struct model_shape){.kind = MODEL_CHAR_LM,
                                .depth = 5,
                                .batch = batch,
                                .vocabulary = vocabulary,
                                .length = MODEL_LENGTH,
                                .width = 128,
                                .heads = 4,
                                .inner = 344}; /* 8/3 of the width, so that SwiGLU costs what two layers of 4 do */
}

void parameter_set(struct parameter *p, const char *name, size_t layer, size_t rows, size_t cols, bool hidden,
                   double spread)
{
    *p = (struct parameter){.rows = rows, .cols = cols, .hidden = hidden, .spread = spread};
    if (layer > 0)
        snprintf(p->name, sizeof p->name, "layer%zu%s%s", layer, name[0] ? "-" : "", name);
    else
        snprintf(p->name, sizeof p->name, "%s", name);
}

static size_t parameters_of(struct parameter *parameters, const struct model_shape *shape)
{
    return shape->kind == MODEL_MLP ? mlp_parameters(parameters, shape) : char_lm_parameters(parameters, shape);
}

/* Uniform in [-spread, spread): the upper 24 bits of a number of the parameter's own sequence. */
static void fill(struct parameter *p, uint64_t seed)
{
    for (size_t k = 0; k < p->rows * p->cols && p->spread > 0; k++)
        p->at[k] = (float)(p->spread * ((double)(input_bits(seed, k) >> 40) * 0x1p-23 - 1));
}

bool model_make(struct model *model, struct model_shape shape, uint64_t seed)
{
    struct model m = {.shape = shape, .count = parameters_of(NULL, &shape)};
    m.parameters = calloc(m.count, sizeof *m.parameters);
    if (!m.parameters)
        return false;
    parameters_of(m.parameters, &shape);
    size_t count = model_size(&m);
    m.memory = calloc(2 * count + (shape.kind == MODEL_MLP ? mlp_work(&shape) : char_lm_work(&shape)), sizeof(float));
    if (!m.memory) {
        free(m.parameters);
        return false;
    }
    float *next = m.memory;
    for (size_t k = 0; k < m.count; k++) {
        struct parameter *p = &m.parameters[k];
        p->at = next;
        p->grad = next + count;
        next += p->rows * p->cols;
        fill(p, input_bits(seed, k));
    }
    m.work = next + count;
    *model = m;
    return true;
}

void model_free(struct model *model)
{
    free(model->parameters);
    free(model->memory);
    *model = (struct model){0};
}

size_t model_size(const struct model *model)
{
    size_t count = 0;
    for (size_t k = 0; k < model->count; k++)
        count += model->parameters[k].rows * model->parameters[k].cols;
    return count;
}

struct score model_run(struct model *model, const struct batch *batch, bool gradient)
{
    return model->shape.kind == MODEL_MLP ? mlp_run(model, batch, gradient) : char_lm_run(model, batch, gradient);
}
