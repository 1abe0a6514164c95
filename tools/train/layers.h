/* The layers of the models, forward and backward, in float.
 *
 * Matrices are row-major without gaps; a row is an example (or a position of a text). Backward functions take dy, the
 * derivative of the loss by the output, and write dx and dw, those by the inputs; `_add` ones add to dx instead, as
 * residual connections need. In one thread a call gives the same bits every time on one machine.
 * All of them are held against differences of exact_loss.h by tests/test_train_gradient.c. */
#ifndef ASSAY_TRAIN_LAYERS_H
#define ASSAY_TRAIN_LAYERS_H

#include <stdbool.h>
#include <stddef.h>

/* y = x w^T + bias; x: count x in, w: out x in, bias: out, or NULL. linear_add: y += x w^T. */
void linear(float *y, const float *x, const float *w, const float *bias, size_t count, size_t in, size_t out);
void linear_add(float *y, const float *x, const float *w, size_t count, size_t in, size_t out);

/* dx, dbias may be NULL. */
void linear_backward(float *dx, float *dw, float *dbias, const float *dy, const float *x, const float *w, size_t count,
                     size_t in, size_t out);

/* y = x Phi(x), Phi the distribution function of the normal distribution; exact, not its tanh approximation.
 * Hendrycks & Gimpel, arXiv 1606.08415. */
void gelu(float *y, const float *x, size_t count);
void gelu_backward(float *dx, const float *dy, const float *x, size_t count);

/* Rows: y = x / sqrt(mean(x^2) + RMS_NORM_EPS); without gain. Zhang & Sennrich, arXiv 1910.07467. */
#define RMS_NORM_EPS 0x1p-20
void rms_norm(float *y, const float *x, size_t count, size_t size);
void rms_norm_backward_add(float *dx, const float *dy, const float *x, size_t count, size_t size);

/* y = silu(a) b, silu(a) = a / (1 + exp(-a)); a row of x is (a, b), 2 size long. Shazeer, arXiv 2002.05202. */
void swiglu(float *y, const float *x, size_t count, size_t size);
void swiglu_backward(float *dx, const float *dy, const float *x, size_t count, size_t size);

/* Causal attention: of each of `count` sequences, `length` rows (q, k, v) of 3 heads * size numbers, and for each head
 * y_i = sum_{j <= i} p_ij v_j, p_i = softmax_j(<q_i, k_j> / sqrt(size)). p, count x heads x length x length, is kept for
 * the way back, whose work space is scratch, length x length. Vaswani et al., arXiv 1706.03762. */
struct attention {
    size_t count, length, heads, size;
};
void attention(float *y, float *p, const float *qkv, struct attention a);
void attention_backward(float *dqkv, const float *dy, const float *p, const float *qkv, float *scratch,
                        struct attention a);

/* y = e[token] + positions[row % length], and back: de, dpositions. vocabulary x size and length x size. */
void embed(float *y, const float *e, const float *positions, const unsigned char *tokens, size_t count, size_t length,
           size_t size);
void embed_backward(float *de, float *dpositions, const float *dy, const unsigned char *tokens, size_t count,
                    size_t length, size_t size, size_t vocabulary);

/* The mean over the rows of -log softmax(logits)[target], and of how many rows the first maximum is at the target. dlogits, the
 * derivative of the mean, may be NULL, or be logits itself. */
struct score {
    double loss;
    size_t correct, count;
};
struct score cross_entropy(float *dlogits, const float *logits, const unsigned char *targets, size_t count,
                           size_t classes);

#endif
