/* The multilayer perceptron: x_{l+1} = GELU(W_l x_l + b_l), and no GELU after the last. */
#include "model.h"

#include <math.h>

size_t mlp_parameters(struct parameter *parameters, const struct model_shape *s)
{
    for (size_t l = 0; l < s->depth && parameters; l++) {
        size_t in = s->widths[l], out = s->widths[l + 1];
        parameter_set(&parameters[2 * l], "", l + 1, out, in, l + 1 < s->depth, sqrt(3 / (double)in));
        parameter_set(&parameters[2 * l + 1], "bias", l + 1, out, 1, false, 0);
    }
    return 2 * s->depth;
}

/* Of each layer its output before and after GELU, and the widest derivative by an input. */
size_t mlp_work(const struct model_shape *s)
{
    size_t count = 0, widest = 0;
    for (size_t l = 1; l <= s->depth; l++) {
        count += 2 * s->batch * s->widths[l];
        widest = s->widths[l] > widest ? s->widths[l] : widest;
    }
    return count + s->batch * widest;
}

struct score mlp_run(struct model *model, const struct batch *batch, bool gradient)
{
    const struct model_shape *s = &model->shape;
    const struct parameter *p = model->parameters;
    const float *in[MODEL_DEPTH]; /* of layer l */
    float *sum[MODEL_DEPTH], *work = model->work;
    size_t n = batch->count, last = s->depth - 1;
    in[0] = batch->pixels;
    for (size_t l = 0; l <= last; l++) {
        sum[l] = work;
        work += n * s->widths[l + 1];
        linear(sum[l], in[l], p[2 * l].at, p[2 * l + 1].at, n, s->widths[l], s->widths[l + 1]);
        if (l == last)
            break;
        gelu(work, sum[l], n * s->widths[l + 1]);
        in[l + 1] = work;
        work += n * s->widths[l + 1];
    }
    struct score score = cross_entropy(gradient ? sum[last] : NULL, sum[last], batch->targets, n, s->widths[s->depth]);
    /* From here on sum[l] becomes the derivative by itself; `work` holds that by in[l]. */
    for (size_t l = s->depth; l-- > 0 && gradient;) {
        linear_backward(l > 0 ? work : NULL, p[2 * l].grad, p[2 * l + 1].grad, sum[l], in[l], p[2 * l].at, n,
                        s->widths[l], s->widths[l + 1]);
        if (l > 0)
            gelu_backward(sum[l - 1], work, sum[l - 1], n * s->widths[l]);
    }
    return score;
}
