#include "layers.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

static const float sqrt_half = 0.70710678118654752440f;       /* sqrt(1/2) */
static const float density_at_zero = 0.39894228040143267794f; /* 1 / sqrt(2 pi) */

/* c = scale a b + keep c for a: m x k, b: k x n as they stand or transposed in storage, rows `stride` apart. */
struct view {
    const float *at;
    size_t stride;
    bool transposed;
};
static void multiply(float *c, size_t c_stride, float keep, float scale, struct view a, struct view b, size_t m,
                     size_t n, size_t k)
{
    cblas_sgemm(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans, b.transposed ? CblasTrans : CblasNoTrans,
                (int)m, (int)n, (int)k, scale, a.at, (int)a.stride, b.at, (int)b.stride, keep, c, (int)c_stride);
}

/* ---- linear ---------------------------------------------------------------------------------------------------------- */

void linear(float *y, const float *x, const float *w, const float *bias, size_t count, size_t in, size_t out)
{
    for (size_t i = 0; i < count && bias; i++)
        memcpy(y + i * out, bias, out * sizeof *y);
    multiply(y, out, bias ? 1 : 0, 1, (struct view){x, in, false}, (struct view){w, in, true}, count, out, in);
}

void linear_add(float *y, const float *x, const float *w, size_t count, size_t in, size_t out)
{
    multiply(y, out, 1, 1, (struct view){x, in, false}, (struct view){w, in, true}, count, out, in);
}

void linear_backward(float *dx, float *dw, float *dbias, const float *dy, const float *x, const float *w, size_t count,
                     size_t in, size_t out)
{
    multiply(dw, in, 0, 1, (struct view){dy, out, true}, (struct view){x, in, false}, out, in, count);
    if (dx)
        multiply(dx, in, 0, 1, (struct view){dy, out, false}, (struct view){w, in, false}, count, in, out);
    if (!dbias)
        return;
    memset(dbias, 0, out * sizeof *dbias);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < out; j++)
            dbias[j] += dy[i * out + j];
}

/* ---- entry by entry -------------------------------------------------------------------------------------------------- */

void gelu(float *y, const float *x, size_t count)
{
    for (size_t k = 0; k < count; k++)
        y[k] = x[k] * 0.5f * erfcf(-x[k] * sqrt_half);
}

/* (x Phi)' = Phi + x phi */
void gelu_backward(float *dx, const float *dy, const float *x, size_t count)
{
    for (size_t k = 0; k < count; k++)
        dx[k] = dy[k] * (0.5f * erfcf(-x[k] * sqrt_half) + x[k] * density_at_zero * expf(-0.5f * x[k] * x[k]));
}

void swiglu(float *y, const float *x, size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < size; j++) {
            float a = x[2 * i * size + j], b = x[(2 * i + 1) * size + j];
            y[i * size + j] = a / (1 + expf(-a)) * b;
        }
}

/* silu' = s (1 + a (1 - s)), s = 1 / (1 + exp(-a)) */
void swiglu_backward(float *dx, const float *dy, const float *x, size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < size; j++) {
            float a = x[2 * i * size + j], b = x[(2 * i + 1) * size + j], s = 1 / (1 + expf(-a));
            dx[2 * i * size + j] = dy[i * size + j] * b * s * (1 + a * (1 - s));
            dx[(2 * i + 1) * size + j] = dy[i * size + j] * a * s;
        }
}

/* ---- rows ------------------------------------------------------------------------------------------------------------ */

static float dot(const float *x, const float *y, size_t count)
{
    float sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += x[k] * y[k];
    return sum;
}

static float inverse_rms(const float *x, size_t size)
{
    return 1 / sqrtf(dot(x, x, size) / (float)size + (float)RMS_NORM_EPS);
}

void rms_norm(float *y, const float *x, size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++, x += size, y += size) {
        float r = inverse_rms(x, size);
        for (size_t j = 0; j < size; j++)
            y[j] = r * x[j];
    }
}

/* y = r x with r = (mean x^2 + eps)^(-1/2), dr/dx_j = -r^3 x_j / size: dx = r dy - r^3 <dy, x> x / size. */
void rms_norm_backward_add(float *dx, const float *dy, const float *x, size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++, x += size, dx += size, dy += size) {
        float r = inverse_rms(x, size), along = r * r * dot(dy, x, size) / (float)size;
        for (size_t j = 0; j < size; j++)
            dx[j] += r * (dy[j] - along * x[j]);
    }
}

/* p = exp(x - max x), and the sum of that; *at, which may be NULL: where the maximum is, the first if there are several. */
static float exponentials(float *p, size_t *at, const float *x, size_t count)
{
    size_t top = 0;
    float sum = 0;
    for (size_t k = 1; k < count; k++)
        top = x[k] > x[top] ? k : top;
    float largest = x[top]; /* p may be x */
    for (size_t k = 0; k < count; k++)
        sum += p[k] = expf(x[k] - largest);
    if (at)
        *at = top;
    return sum;
}

/* ---- attention ------------------------------------------------------------------------------------------------------- */

/* Where q, k, v (part 0, 1, 2) of a sequence and head begin. */
static size_t place(struct attention a, size_t sequence, size_t head, size_t part)
{
    return 3 * sequence * a.length * a.heads * a.size + (part * a.heads + head) * a.size;
}

static void attention_head(float *y, float *p, const float *q, const float *k, const float *v, struct attention a)
{
    size_t width = a.heads * a.size, n = a.length;
    multiply(p, n, 0, 1 / sqrtf((float)a.size), (struct view){q, 3 * width, false}, (struct view){k, 3 * width, true},
             n, n, a.size);
    for (size_t i = 0; i < n; i++) {
        float scale = 1 / exponentials(p + i * n, NULL, p + i * n, i + 1);
        for (size_t j = 0; j < n; j++)
            p[i * n + j] = j <= i ? scale * p[i * n + j] : 0;
    }
    multiply(y, width, 0, 1, (struct view){p, n, false}, (struct view){v, 3 * width, false}, n, a.size, n);
}

void attention(float *y, float *p, const float *qkv, struct attention a)
{
    for (size_t s = 0; s < a.count; s++)
        for (size_t h = 0; h < a.heads; h++)
            attention_head(y + (s * a.length * a.heads + h) * a.size, p + (s * a.heads + h) * a.length * a.length,
                           qkv + place(a, s, h, 0), qkv + place(a, s, h, 1), qkv + place(a, s, h, 2), a);
}

/* dv = p^T dy; with dp = dy v^T, the derivative by the scores is p (dp - <p, dp>), row by row. */
static void attention_head_backward(float *dqkv[3], const float *dy, const float *p, const float *const qkv[3],
                                    float *ds, struct attention a)
{
    size_t width = a.heads * a.size, n = a.length;
    const struct view out = {dy, width, false}, q = {qkv[0], 3 * width, false}, k = {qkv[1], 3 * width, false};
    float scale = 1 / sqrtf((float)a.size);
    multiply(dqkv[2], 3 * width, 0, 1, (struct view){p, n, true}, out, n, a.size, n);
    multiply(ds, n, 0, 1, out, (struct view){qkv[2], 3 * width, true}, n, n, a.size);
    for (size_t i = 0; i < n; i++) {
        float mean = dot(ds + i * n, p + i * n, i + 1);
        for (size_t j = 0; j < n; j++)
            ds[i * n + j] = p[i * n + j] * (ds[i * n + j] - mean);
    }
    multiply(dqkv[0], 3 * width, 0, scale, (struct view){ds, n, false}, k, n, a.size, n);
    multiply(dqkv[1], 3 * width, 0, scale, (struct view){ds, n, true}, q, n, a.size, n);
}

void attention_backward(float *dqkv, const float *dy, const float *p, const float *qkv, float *scratch,
                        struct attention a)
{
    for (size_t s = 0; s < a.count; s++)
        for (size_t h = 0; h < a.heads; h++) {
            size_t at[] = {place(a, s, h, 0), place(a, s, h, 1), place(a, s, h, 2)};
            attention_head_backward((float *[]){dqkv + at[0], dqkv + at[1], dqkv + at[2]},
                                    dy + (s * a.length * a.heads + h) * a.size,
                                    p + (s * a.heads + h) * a.length * a.length,
                                    (const float *[]){qkv + at[0], qkv + at[1], qkv + at[2]}, scratch, a);
        }
}

/* ---- the two ends ---------------------------------------------------------------------------------------------------- */

void embed(float *y, const float *e, const float *positions, const unsigned char *tokens, size_t count, size_t length,
           size_t size)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < size; j++)
            y[i * size + j] = e[tokens[i] * size + j] + positions[i % length * size + j];
}

void embed_backward(float *de, float *dpositions, const float *dy, const unsigned char *tokens, size_t count,
                    size_t length, size_t size, size_t vocabulary)
{
    memset(de, 0, vocabulary * size * sizeof *de);
    memset(dpositions, 0, length * size * sizeof *dpositions);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < size; j++) {
            de[tokens[i] * size + j] += dy[i * size + j];
            dpositions[i % length * size + j] += dy[i * size + j];
        }
}

struct score cross_entropy(float *dlogits, const float *logits, const unsigned char *targets, size_t count,
                           size_t classes)
{
    struct score score = {.count = count};
    float p[256]; /* a target is a byte */
    for (size_t i = 0; i < count; i++) {
        const float *x = logits + i * classes;
        size_t top, target = targets[i];
        float sum = exponentials(p, &top, x, classes);
        score.loss += log((double)sum) + (double)(x[top] - x[target]);
        score.correct += target == top;
        for (size_t j = 0; j < classes && dlogits; j++)
            dlogits[i * classes + j] = (p[j] / sum - (j == target ? 1 : 0)) / (float)count;
    }
    score.loss /= (double)count;
    return score;
}
