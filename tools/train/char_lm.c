/* The character model, a transformer. With x_0 = embedding + position and N = RMSNorm, for each of its blocks
 *
 *     y = x + W_o attention(W_q N(x), W_k N(x), W_v N(x)),    x <- y + W_d swiglu(W_g N(y), W_u N(y)),
 *
 * and at the end logits = W_h N(x). */
#include "model.h"

#include <math.h>
#include <string.h>

enum { QUERY, KEY, VALUE, OUT, GATE, UP, DOWN, MATRICES }; /* of a block; those that read one input stand together */
enum { EMBEDDING, POSITIONS, BLOCKS };

size_t char_lm_parameters(struct parameter *p, const struct model_shape *s)
{
    static const char *const names[MATRICES] = {"query", "key", "value", "out", "gate", "up", "down"};
    size_t d = s->width, head = BLOCKS + MATRICES * s->depth;
    if (!p)
        return head + 1;
    parameter_set(&p[EMBEDDING], "embedding", 0, s->vocabulary, d, false, 1);
    parameter_set(&p[POSITIONS], "positions", 0, s->length, d, false, 0.5);
    for (size_t l = 0; l < s->depth; l++)
        for (size_t k = 0; k < MATRICES; k++) {
            size_t rows = k == GATE || k == UP ? s->inner : d, cols = k == DOWN ? s->inner : d;
            /* What is added to x is made smaller, so that x does not grow with the depth. */
            double scale = k == OUT || k == DOWN ? 1 / sqrt(2 * (double)s->depth) : 1;
            parameter_set(&p[BLOCKS + MATRICES * l + k], names[k], l + 1, rows, cols, true,
                          scale * sqrt(3 / (double)cols));
        }
    parameter_set(&p[head], "head", 0, s->vocabulary, d, false, sqrt(3 / (double)d));
    return head + 1;
}

/* The activations of a block, in the order in which they are made. */
struct block {
    float *x, *normal, *qkv, *p, *mixed, *y, *normal2, *gates, *inner;
};

static size_t block_size(const struct model_shape *s, size_t count)
{
    return count * s->length * (8 * s->width + s->heads * s->length + 3 * s->inner);
}

static struct block block_at(float *at, const struct model_shape *s, size_t count)
{
    size_t n = count * s->length, d = s->width;
    struct block b = {.x = at};
    b.normal = b.x + n * d;
    b.qkv = b.normal + n * d;
    b.p = b.qkv + 3 * n * d;
    b.mixed = b.p + n * s->heads * s->length;
    b.y = b.mixed + n * d;
    b.normal2 = b.y + n * d;
    b.gates = b.normal2 + n * d;
    b.inner = b.gates + 2 * n * s->inner;
    return b;
}

/* The blocks; x, N(x) and logits of the end; and the derivatives dx, those of the widest activation twice, and of the
 * scores. */
size_t char_lm_work(const struct model_shape *s)
{
    size_t n = s->batch * s->length, widest = 2 * s->inner > 3 * s->width ? 2 * s->inner : 3 * s->width;
    return s->depth * block_size(s, s->batch) + n * (2 * s->width + s->vocabulary) + n * (s->width + 2 * widest) +
           s->length * s->length;
}

static void forward(float *next, struct block b, const struct parameter *w, const struct model_shape *s, size_t count)
{
    size_t n = count * s->length, d = s->width;
    rms_norm(b.normal, b.x, n, d);
    linear(b.qkv, b.normal, w[QUERY].at, NULL, n, d, 3 * d);
    attention(b.mixed, b.p, b.qkv, (struct attention){count, s->length, s->heads, d / s->heads});
    memcpy(b.y, b.x, n * d * sizeof *b.y);
    linear_add(b.y, b.mixed, w[OUT].at, n, d, d);
    rms_norm(b.normal2, b.y, n, d);
    linear(b.gates, b.normal2, w[GATE].at, NULL, n, d, 2 * s->inner);
    swiglu(b.inner, b.gates, n, s->inner);
    memcpy(next, b.y, n * d * sizeof *next);
    linear_add(next, b.inner, w[DOWN].at, n, s->inner, d);
}

/* dx: in, the derivative by what the block makes; out, that by x. */
static void backward(float *dx, float *scratch[3], struct block b, const struct parameter *w,
                     const struct model_shape *s, size_t count)
{
    size_t n = count * s->length, d = s->width;
    linear_backward(scratch[0], w[DOWN].grad, NULL, dx, b.inner, w[DOWN].at, n, s->inner, d);
    swiglu_backward(scratch[1], scratch[0], b.gates, n, s->inner);
    linear_backward(scratch[0], w[GATE].grad, NULL, scratch[1], b.normal2, w[GATE].at, n, d, 2 * s->inner);
    rms_norm_backward_add(dx, scratch[0], b.y, n, d);
    linear_backward(scratch[0], w[OUT].grad, NULL, dx, b.mixed, w[OUT].at, n, d, d);
    attention_backward(scratch[1], scratch[0], b.p, b.qkv, scratch[2],
                       (struct attention){count, s->length, s->heads, d / s->heads});
    linear_backward(scratch[0], w[QUERY].grad, NULL, scratch[1], b.normal, w[QUERY].at, n, d, 3 * d);
    rms_norm_backward_add(dx, scratch[0], b.x, n, d);
}

struct score char_lm_run(struct model *model, const struct batch *batch, bool gradient)
{
    const struct model_shape *s = &model->shape;
    const struct parameter *p = model->parameters, *head = &p[model->count - 1];
    size_t n = batch->count * s->length, d = s->width, widest = 2 * s->inner > 3 * d ? 2 * s->inner : 3 * d;
    size_t size = block_size(s, batch->count);
    struct block b = block_at(model->work, s, batch->count);
    embed(b.x, p[EMBEDDING].at, p[POSITIONS].at, batch->tokens, n, s->length, d);
    for (size_t l = 0; l < s->depth; l++) {
        struct block next = block_at(model->work + (l + 1) * size, s, batch->count);
        forward(next.x, b, p + BLOCKS + MATRICES * l, s, batch->count);
        b = next;
    }
    float *logits = b.normal + n * d, *dx = logits + n * s->vocabulary;
    float *scratch[] = {dx + n * d, dx + n * (d + widest), dx + n * (d + 2 * widest)};
    rms_norm(b.normal, b.x, n, d);
    linear(logits, b.normal, head->at, NULL, n, d, s->vocabulary);
    struct score score = cross_entropy(gradient ? logits : NULL, logits, batch->targets, n, s->vocabulary);
    if (!gradient)
        return score;
    linear_backward(scratch[0], head->grad, NULL, logits, b.normal, head->at, n, d, s->vocabulary);
    memset(dx, 0, n * d * sizeof *dx);
    rms_norm_backward_add(dx, scratch[0], b.x, n, d);
    for (size_t l = s->depth; l-- > 0;) {
        b = block_at(model->work + l * size, s, batch->count);
        backward(dx, scratch, b, p + BLOCKS + MATRICES * l, s, batch->count);
    }
    embed_backward(p[EMBEDDING].grad, p[POSITIONS].grad, dx, batch->tokens, n, s->length, d, s->vocabulary);
    return score;
}
