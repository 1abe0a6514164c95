/* A model: named parameters, and a loss with its gradient. */
#ifndef ASSAY_TRAIN_MODEL_H
#define ASSAY_TRAIN_MODEL_H

#include "layers.h"

#include <stdint.h>

/* A matrix, or a vector with cols = 1. Hidden matrices are those that Muon is for: neither embeddings nor the last
 * layer nor vectors. */
struct parameter {
    char name[40];
    size_t rows, cols;
    bool hidden;
    double spread;    /* entries begin uniform in [-spread, spread] */
    float *at, *grad; /* rows x cols */
};

/* What a model is asked about: `count` images, or `count` sequences of characters, each with the one that follows. */
struct batch {
    size_t count;
    const float *pixels;
    const unsigned char *tokens, *targets;
};

enum model_kind {
    MODEL_MLP,     /* linear layers with bias, GELU between them */
    MODEL_CHAR_LM, /* a transformer: attention, RMSNorm before each block and the head, SwiGLU */
};

/* MLP: widths[0 .. depth]. Character model: `depth` blocks. */
enum { MODEL_DEPTH = 8, MODEL_LENGTH = 64 }; /* MODEL_LENGTH: of a sequence of `assay train` */
struct model_shape {
    enum model_kind kind;
    size_t depth, batch; /* the largest batch->count */
    size_t widths[MODEL_DEPTH + 1];
    size_t vocabulary, length, width, heads, inner; /* width = heads * (size of a head); inner: of SwiGLU */
};

struct model {
    struct model_shape shape;
    size_t count;
    struct parameter *parameters;
    float *memory; /* all parameters, all gradients, all activations */
    float *work;   /* the activations */
};

/* The models of `assay train`: 64 - 64 - 32 - 10, and about a million parameters. */
struct model_shape model_mlp_shape(size_t batch);
struct model_shape model_char_lm_shape(size_t batch, size_t vocabulary);

/* Entries are uniform numbers, independent for each seed. False without memory. */
bool model_make(struct model *model, struct model_shape shape, uint64_t seed);
void model_free(struct model *model);

/* How many numbers all parameters are. */
size_t model_size(const struct model *model);

/* The score of a batch; with `gradient` also sets every parameter's grad, to the derivative of the loss. */
struct score model_run(struct model *model, const struct batch *batch, bool gradient);

/* ---- for each kind: its parameters in order (their number; NULL: only that), how many floats of work it takes, and the
 * run. ---- */
size_t mlp_parameters(struct parameter *parameters, const struct model_shape *shape);
size_t mlp_work(const struct model_shape *shape);
struct score mlp_run(struct model *model, const struct batch *batch, bool gradient);
size_t char_lm_parameters(struct parameter *parameters, const struct model_shape *shape);
size_t char_lm_work(const struct model_shape *shape);
struct score char_lm_run(struct model *model, const struct batch *batch, bool gradient);

/* Sets a parameter that is to be; its name is layerL-NAME, layerL, or for layer = 0 NAME. */
void parameter_set(struct parameter *p, const char *name, size_t layer, size_t rows, size_t cols, bool hidden,
                   double spread);

#endif
