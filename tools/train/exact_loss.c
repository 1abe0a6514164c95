#include "exact_loss.h"

#include <math.h>
#include <stdlib.h>

/* A matrix of one computation; all are freed together at its end. */
struct grid {
    size_t rows, cols;
    mpfr_t *at;
    struct grid *older;
};

struct exact {
    mpfr_prec_t prec;
    struct grid *last;
    const mpfr_t *next; /* the parameters that were not used yet */
    mpfr_t t, u;
};

static void *require(void *memory)
{
    if (!memory)
        abort(); /* as GMP does */
    return memory;
}

static struct grid *grid_new(struct exact *e, size_t rows, size_t cols)
{
    struct grid *g = require(malloc(sizeof *g));
    *g = (struct grid){rows, cols, require(malloc(rows * cols * sizeof *g->at)), e->last};
    for (size_t k = 0; k < rows * cols; k++) {
        mpfr_init2(g->at[k], e->prec);
        mpfr_set_zero(g->at[k], 1);
    }
    return e->last = g;
}

static mpfr_t *at(const struct grid *g, size_t i, size_t j)
{
    return &g->at[i * g->cols + j];
}

/* The next parameter. */
static struct grid *take(struct exact *e, size_t rows, size_t cols)
{
    struct grid *g = grid_new(e, rows, cols);
    for (size_t k = 0; k < rows * cols; k++)
        mpfr_set(g->at[k], *e->next++, MPFR_RNDN);
    return g;
}

/* ---- layers ---------------------------------------------------------------------------------------------------------- */

/* x w^T */
static struct grid *linear_of(struct exact *e, const struct grid *x, const struct grid *w)
{
    struct grid *y = grid_new(e, x->rows, w->rows);
    for (size_t i = 0; i < y->rows; i++)
        for (size_t j = 0; j < y->cols; j++)
            for (size_t k = 0; k < x->cols; k++)
                mpfr_fma(*at(y, i, j), *at(x, i, k), *at(w, j, k), *at(y, i, j), MPFR_RNDN);
    return y;
}

static void add_to(struct grid *x, const struct grid *y)
{
    for (size_t k = 0; k < x->rows * x->cols; k++)
        mpfr_add(x->at[k], x->at[k], y->at[k], MPFR_RNDN);
}

static void add_bias(struct grid *x, const struct grid *bias)
{
    for (size_t i = 0; i < x->rows; i++)
        for (size_t j = 0; j < x->cols; j++)
            mpfr_add(*at(x, i, j), *at(x, i, j), *at(bias, j, 0), MPFR_RNDN);
}

/* x (1 + erf(x / sqrt 2)) / 2 */
static void gelu_of(struct exact *e, struct grid *x)
{
    for (size_t k = 0; k < x->rows * x->cols; k++) {
        mpfr_sqrt_ui(e->t, 2, MPFR_RNDN);
        mpfr_div(e->t, x->at[k], e->t, MPFR_RNDN);
        mpfr_erf(e->t, e->t, MPFR_RNDN);
        mpfr_add_ui(e->t, e->t, 1, MPFR_RNDN);
        mpfr_mul(x->at[k], x->at[k], e->t, MPFR_RNDN);
        mpfr_div_2ui(x->at[k], x->at[k], 1, MPFR_RNDN);
    }
}

static struct grid *rms_norm_of(struct exact *e, const struct grid *x)
{
    struct grid *y = grid_new(e, x->rows, x->cols);
    for (size_t i = 0; i < x->rows; i++) {
        mpfr_set_zero(e->t, 1);
        for (size_t j = 0; j < x->cols; j++)
            mpfr_fma(e->t, *at(x, i, j), *at(x, i, j), e->t, MPFR_RNDN);
        mpfr_div_ui(e->t, e->t, x->cols, MPFR_RNDN);
        mpfr_add_d(e->t, e->t, RMS_NORM_EPS, MPFR_RNDN);
        mpfr_sqrt(e->t, e->t, MPFR_RNDN);
        for (size_t j = 0; j < x->cols; j++)
            mpfr_div(*at(y, i, j), *at(x, i, j), e->t, MPFR_RNDN);
    }
    return y;
}

/* a / (1 + exp(-a)) b */
static struct grid *swiglu_of(struct exact *e, const struct grid *a, const struct grid *b)
{
    struct grid *y = grid_new(e, a->rows, a->cols);
    for (size_t k = 0; k < a->rows * a->cols; k++) {
        mpfr_neg(e->t, a->at[k], MPFR_RNDN);
        mpfr_exp(e->t, e->t, MPFR_RNDN);
        mpfr_add_ui(e->t, e->t, 1, MPFR_RNDN);
        mpfr_div(e->t, a->at[k], e->t, MPFR_RNDN);
        mpfr_mul(y->at[k], e->t, b->at[k], MPFR_RNDN);
    }
    return y;
}

/* Row i of y, columns from `first` on: sum_j p_j v_j / sum_j p_j, p_j = exp(<q_i, k_j> / sqrt(size)), over the rows j from
 * `begin` to i. */
static void attend(struct exact *e, struct grid *y, const struct grid *const qkv[3], size_t begin, size_t i,
                   size_t first, size_t size)
{
    mpfr_t root, total;
    mpfr_inits2(e->prec, root, total, (mpfr_ptr)NULL);
    mpfr_sqrt_ui(root, size, MPFR_RNDN);
    mpfr_set_zero(total, 1);
    for (size_t j = begin; j <= i; j++) {
        mpfr_set_zero(e->t, 1);
        for (size_t c = first; c < first + size; c++)
            mpfr_fma(e->t, *at(qkv[0], i, c), *at(qkv[1], j, c), e->t, MPFR_RNDN);
        mpfr_div(e->t, e->t, root, MPFR_RNDN);
        mpfr_exp(e->t, e->t, MPFR_RNDN);
        mpfr_add(total, total, e->t, MPFR_RNDN);
        for (size_t c = first; c < first + size; c++)
            mpfr_fma(*at(y, i, c), e->t, *at(qkv[2], j, c), *at(y, i, c), MPFR_RNDN);
    }
    for (size_t c = first; c < first + size; c++)
        mpfr_div(*at(y, i, c), *at(y, i, c), total, MPFR_RNDN);
    mpfr_clears(root, total, (mpfr_ptr)NULL);
}

/* mean_i (log sum_j exp(x_ij) - x_i,target) */
static void cross_entropy_of(struct exact *e, mpfr_t loss, const struct grid *x, const unsigned char *targets)
{
    mpfr_set_zero(loss, 1);
    for (size_t i = 0; i < x->rows; i++) {
        mpfr_set_zero(e->t, 1);
        for (size_t j = 0; j < x->cols; j++) {
            mpfr_exp(e->u, *at(x, i, j), MPFR_RNDN);
            mpfr_add(e->t, e->t, e->u, MPFR_RNDN);
        }
        mpfr_log(e->t, e->t, MPFR_RNDN);
        mpfr_sub(e->t, e->t, *at(x, i, targets[i]), MPFR_RNDN);
        mpfr_add(loss, loss, e->t, MPFR_RNDN);
    }
    mpfr_div_ui(loss, loss, x->rows, MPFR_RNDN);
}

/* ---- models ---------------------------------------------------------------------------------------------------------- */

static struct grid *mlp_logits(struct exact *e, const struct model_shape *s, const struct batch *batch)
{
    struct grid *x = grid_new(e, batch->count, s->widths[0]);
    for (size_t k = 0; k < x->rows * x->cols; k++)
        mpfr_set_flt(x->at[k], batch->pixels[k], MPFR_RNDN);
    for (size_t l = 0; l < s->depth; l++) {
        x = linear_of(e, x, take(e, s->widths[l + 1], s->widths[l]));
        add_bias(x, take(e, s->widths[l + 1], 1));
        if (l + 1 < s->depth)
            gelu_of(e, x);
    }
    return x;
}

static struct grid *block_of(struct exact *e, struct grid *x, const struct model_shape *s)
{
    size_t d = s->width, size = d / s->heads;
    const struct grid *normal = rms_norm_of(e, x), *qkv[3];
    for (size_t k = 0; k < 3; k++)
        qkv[k] = linear_of(e, normal, take(e, d, d));
    struct grid *mixed = grid_new(e, x->rows, d);
    for (size_t i = 0; i < x->rows; i++)
        for (size_t h = 0; h < s->heads; h++)
            attend(e, mixed, qkv, i - i % s->length, i, h * size, size);
    add_to(x, linear_of(e, mixed, take(e, d, d)));
    normal = rms_norm_of(e, x);
    const struct grid *gate = linear_of(e, normal, take(e, s->inner, d)),
                      *up = linear_of(e, normal, take(e, s->inner, d));
    add_to(x, linear_of(e, swiglu_of(e, gate, up), take(e, d, s->inner)));
    return x;
}

static struct grid *char_lm_logits(struct exact *e, const struct model_shape *s, const struct batch *batch)
{
    struct grid *x = grid_new(e, batch->count * s->length, s->width);
    const struct grid *embedding = take(e, s->vocabulary, s->width), *positions = take(e, s->length, s->width);
    for (size_t i = 0; i < x->rows; i++)
        for (size_t j = 0; j < s->width; j++)
            mpfr_add(*at(x, i, j), *at(embedding, batch->tokens[i], j), *at(positions, i % s->length, j), MPFR_RNDN);
    for (size_t l = 0; l < s->depth; l++)
        x = block_of(e, x, s);
    return linear_of(e, rms_norm_of(e, x), take(e, s->vocabulary, s->width));
}

void exact_loss(mpfr_t loss, const struct model_shape *shape, const mpfr_t *parameters, const struct batch *batch)
{
    struct exact e = {.prec = mpfr_get_prec(loss), .next = parameters};
    mpfr_inits2(e.prec, e.t, e.u, (mpfr_ptr)NULL);
    const struct grid *logits =
        shape->kind == MODEL_MLP ? mlp_logits(&e, shape, batch) : char_lm_logits(&e, shape, batch);
    cross_entropy_of(&e, loss, logits, batch->targets);
    while (e.last) {
        struct grid *g = e.last;
        e.last = g->older;
        for (size_t k = 0; k < g->rows * g->cols; k++)
            mpfr_clear(g->at[k]);
        free(g->at);
        free(g);
    }
    mpfr_clears(e.t, e.u, (mpfr_ptr)NULL);
}

/* ---- the check ------------------------------------------------------------------------------------------------------- */

enum { PRECISION = 256, STEP_LOG2 = -64 };

/* The derivative of the loss by *x, one of the numbers at `all`. */
static double derivative(mpfr_t *x, const mpfr_t *all, const struct model_shape *shape, const struct batch *batch)
{
    mpfr_t h, old, above, below;
    mpfr_inits2(PRECISION, h, old, above, below, (mpfr_ptr)NULL);
    mpfr_set_ui_2exp(h, 1, STEP_LOG2, MPFR_RNDN);
    mpfr_set(old, *x, MPFR_RNDN);
    mpfr_add(*x, old, h, MPFR_RNDN);
    exact_loss(above, shape, all, batch);
    mpfr_sub(*x, old, h, MPFR_RNDN);
    exact_loss(below, shape, all, batch);
    mpfr_set(*x, old, MPFR_RNDN);
    mpfr_sub(above, above, below, MPFR_RNDN);
    mpfr_mul_2si(above, above, -STEP_LOG2 - 1, MPFR_RNDN);
    double slope = mpfr_get_d(above, MPFR_RNDN);
    mpfr_clears(h, old, above, below, (mpfr_ptr)NULL);
    return slope;
}

void exact_gradient(double *loss, double *gradient, const struct model *model, const struct batch *batch)
{
    size_t count = model_size(model), next = 0;
    mpfr_t *all = require(malloc(count * sizeof *all)), value;
    for (size_t k = 0; k < model->count; k++)
        for (size_t l = 0; l < model->parameters[k].rows * model->parameters[k].cols; l++) {
            mpfr_init2(all[next], PRECISION);
            mpfr_set_flt(all[next++], model->parameters[k].at[l], MPFR_RNDN);
        }
    mpfr_init2(value, PRECISION);
    exact_loss(value, &model->shape, (const mpfr_t *)all, batch);
    *loss = mpfr_get_d(value, MPFR_RNDN);
    for (size_t k = 0; k < count; k++)
        gradient[k] = derivative(&all[k], (const mpfr_t *)all, &model->shape, batch);
    for (size_t k = 0; k < count; k++)
        mpfr_clear(all[k]);
    mpfr_clear(value);
    free(all);
}

double gradient_check(double *errors, struct model *model, const struct batch *batch, double loss,
                      const double *gradient)
{
    double worst = fabs(model_run(model, batch, true).loss - loss) / loss;
    for (size_t k = 0; k < model->count; k++) {
        const struct parameter *p = &model->parameters[k];
        double error = 0, norm = 0;
        for (size_t l = 0; l < p->rows * p->cols; l++, gradient++) {
            error += (p->grad[l] - *gradient) * (p->grad[l] - *gradient);
            norm += *gradient * *gradient;
        }
        errors[k] = error == 0 ? 0 : sqrt(error / norm);
        worst = isnan(worst) || errors[k] <= worst ? worst : errors[k];
    }
    return worst;
}

const struct model_shape gradient_shapes[GRADIENT_MODELS] = {
    {.kind = MODEL_MLP, .depth = 3, .batch = 4, .widths = {5, 6, 4, 3}},
    {.kind = MODEL_CHAR_LM, .depth = 2, .batch = 2, .vocabulary = 6, .length = 4, .width = 4, .heads = 2, .inner = 5},
};

struct batch gradient_batch(enum model_kind kind)
{
    static const float pixels[] = {0,    0.5f, 1, 0.25f, 0.75f, 1, 0, 0, 0.5f, 0.125f,
                                   0.5f, 0.5f, 1, 0,     0.25f, 0, 1, 0, 1,    1};
    static const unsigned char labels[] = {0, 2, 1, 2}, text[] = {3, 1, 4, 1, 5, 2, 0, 5, 3};
    return kind == MODEL_MLP ? (struct batch){.count = 4, .pixels = pixels, .targets = labels}
                             : (struct batch){.count = 2, .tokens = text, .targets = text + 1};
}
