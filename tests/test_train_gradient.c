/* The gradients of the models of `assay train` against differences of the loss in MPFR. */
#include "exact_loss.h"

#include "support.h"

#include <math.h>
#include <stdlib.h>

/* ---- a break in any backward function ------------------------------------------------------------------------------- */

/* Which function's derivative is multiplied by 1 + 2^-8: a small error beside a wrong term. */
enum {
    INTACT,
    LINEAR_X,
    LINEAR_W,
    LINEAR_BIAS,
    GELU,
    RMS_NORM,
    SWIGLU,
    ATTENTION,
    EMBEDDING,
    POSITIONS,
    LOGITS,
    BREAKS
};
static int broken;

static void distort(int which, float *dx, size_t count)
{
    for (size_t k = 0; k < count && broken == which; k++)
        dx[k] *= 1 + 0x1p-8f;
}

void __real_linear_backward(float *, float *, float *, const float *, const float *, const float *, size_t, size_t,
                            size_t);
void __wrap_linear_backward(float *dx, float *dw, float *dbias, const float *dy, const float *x, const float *w,
                            size_t count, size_t in, size_t out);
void __wrap_linear_backward(float *dx, float *dw, float *dbias, const float *dy, const float *x, const float *w,
                            size_t count, size_t in, size_t out)
{
    __real_linear_backward(dx, dw, dbias, dy, x, w, count, in, out);
    distort(LINEAR_X, dx, dx ? count * in : 0);
    distort(LINEAR_W, dw, in * out);
    distort(LINEAR_BIAS, dbias, dbias ? out : 0);
}

void __real_gelu_backward(float *, const float *, const float *, size_t);
void __wrap_gelu_backward(float *dx, const float *dy, const float *x, size_t count);
void __wrap_gelu_backward(float *dx, const float *dy, const float *x, size_t count)
{
    __real_gelu_backward(dx, dy, x, count);
    distort(GELU, dx, count);
}

void __real_rms_norm_backward_add(float *, const float *, const float *, size_t, size_t);
void __wrap_rms_norm_backward_add(float *dx, const float *dy, const float *x, size_t count, size_t size);
void __wrap_rms_norm_backward_add(float *dx, const float *dy, const float *x, size_t count, size_t size)
{
    __real_rms_norm_backward_add(dx, dy, x, count, size);
    distort(RMS_NORM, dx, count * size);
}

void __real_swiglu_backward(float *, const float *, const float *, size_t, size_t);
void __wrap_swiglu_backward(float *dx, const float *dy, const float *x, size_t count, size_t size);
void __wrap_swiglu_backward(float *dx, const float *dy, const float *x, size_t count, size_t size)
{
    __real_swiglu_backward(dx, dy, x, count, size);
    distort(SWIGLU, dx, 2 * count * size);
}

void __real_attention_backward(float *, const float *, const float *, const float *, float *, struct attention);
void __wrap_attention_backward(float *dqkv, const float *dy, const float *p, const float *qkv, float *scratch,
                               struct attention a);
void __wrap_attention_backward(float *dqkv, const float *dy, const float *p, const float *qkv, float *scratch,
                               struct attention a)
{
    __real_attention_backward(dqkv, dy, p, qkv, scratch, a);
    distort(ATTENTION, dqkv, 3 * a.count * a.length * a.heads * a.size);
}

void __real_embed_backward(float *, float *, const float *, const unsigned char *, size_t, size_t, size_t, size_t);
void __wrap_embed_backward(float *de, float *dpositions, const float *dy, const unsigned char *tokens, size_t count,
                           size_t length, size_t size, size_t vocabulary);
void __wrap_embed_backward(float *de, float *dpositions, const float *dy, const unsigned char *tokens, size_t count,
                           size_t length, size_t size, size_t vocabulary)
{
    __real_embed_backward(de, dpositions, dy, tokens, count, length, size, vocabulary);
    distort(EMBEDDING, de, vocabulary * size);
    distort(POSITIONS, dpositions, length * size);
}

struct score __real_cross_entropy(float *, const float *, const unsigned char *, size_t, size_t);
struct score __wrap_cross_entropy(float *dlogits, const float *logits, const unsigned char *targets, size_t count,
                                  size_t classes);
struct score __wrap_cross_entropy(float *dlogits, const float *logits, const unsigned char *targets, size_t count,
                                  size_t classes)
{
    struct score score = __real_cross_entropy(dlogits, logits, targets, count, classes);
    distort(LOGITS, dlogits, dlogits ? count * classes : 0);
    return score;
}

/* ---- tests ----------------------------------------------------------------------------------------------------------- */

/* A small model with its exact gradient. */
struct subject {
    struct model model;
    struct batch batch;
    double loss, *gradient;
};

static struct subject subject_new(size_t kind, uint64_t seed)
{
    struct subject s = {.batch = gradient_batch(gradient_shapes[kind].kind)};
    ck_assert(model_make(&s.model, gradient_shapes[kind], seed));
    s.gradient = malloc(model_size(&s.model) * sizeof *s.gradient);
    exact_gradient(&s.loss, s.gradient, &s.model, &s.batch);
    return s;
}

static double check_subject(struct subject *s)
{
    double errors[32];
    ck_assert(s->model.count <= 32);
    return gradient_check(errors, &s->model, &s->batch, s->loss, s->gradient);
}

static void subject_free(struct subject *s)
{
    free(s->gradient);
    model_free(&s->model);
}

/* ||float gradient - (loss(x + h) - loss(x - h)) / (2 h)||_F <= GRADIENT_TOLERANCE ||.||_F, of each parameter. */
START_TEST(gradients)
{
    for (size_t kind = 0; kind < GRADIENT_MODELS; kind++)
        for (uint64_t seed = 1; seed <= (thorough() ? 3 : 1); seed++) {
            struct subject s = subject_new(kind, seed);
            double worst = check_subject(&s);
            ck_assert_msg(worst <= GRADIENT_TOLERANCE, "model %zu, seed %d: %g", kind, (int)seed, worst);
            subject_free(&s);
        }
}
END_TEST

/* Counter-check: each derivative multiplied by 1 + 2^-8 is seen, in the models that use it. */
START_TEST(breaks_are_seen)
{
    static const bool used[GRADIENT_MODELS][BREAKS] = {
        {[LINEAR_X] = true, [LINEAR_W] = true, [LINEAR_BIAS] = true, [GELU] = true, [LOGITS] = true},
        {[LINEAR_X] = true,
         [LINEAR_W] = true,
         [RMS_NORM] = true,
         [SWIGLU] = true,
         [ATTENTION] = true,
         [EMBEDDING] = true,
         [POSITIONS] = true,
         [LOGITS] = true}};
    for (size_t kind = 0; kind < GRADIENT_MODELS; kind++) {
        struct subject s = subject_new(kind, 1);
        for (broken = INTACT + 1; broken < BREAKS; broken++)
            ck_assert_msg((check_subject(&s) <= GRADIENT_TOLERANCE) == !used[kind][broken], "%zu, %d", kind, broken);
        subject_free(&s);
    }
}
END_TEST

/* A loss or a gradient that is not a number does not pass. */
START_TEST(nan_is_seen)
{
    struct subject s = subject_new(MODEL_MLP, 1);
    s.gradient[3] = NAN;
    ck_assert(!(check_subject(&s) <= GRADIENT_TOLERANCE));
    s.gradient[3] = 0;
    s.model.parameters[0].at[3] = NAN;
    ck_assert(!(check_subject(&s) <= GRADIENT_TOLERANCE));
    subject_free(&s);
}
END_TEST

RUN_TESTS("train_gradient", TEST(gradients), TEST(breaks_are_seen), TEST(nan_is_seen))
