#include "kernels.h"

#include "plan.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum assay_fast_path kernel_best_path(void)
{
    enum assay_fast_path path = ASSAY_FAST_PATHS - 1;
    while (!assay_fast_path_runs(path))
        path--;
    return path;
}

bool kernel_exists(enum operation operation)
{
    return operation != OPERATION_SVD;
}

bool kernel_iterates(enum operation operation, const struct assay_dialect *d)
{
    return operation == OPERATION_NEWTON_SCHULZ ||
           ((operation == OPERATION_COSH_RMS || operation == OPERATION_STEP) && assay_dialect_steps(d) > 0);
}

enum tensor_type kernel_format(enum operation operation, const struct assay_dialect *d,
                               enum assay_fast_arithmetic arithmetic)
{
    return kernel_iterates(operation, d) && arithmetic == ASSAY_FAST_BF16 ? TENSOR_BF16 : TENSOR_F32;
}

/* Room for one run: everything in binary32. */
struct room {
    float *in[3], *out[3], *moment;
    void *work;
    assay_fast_plan *plan;
};

static void room_free(struct room *r)
{
    for (size_t k = 0; k < 3; k++) {
        free(r->in[k]);
        free(r->out[k]);
    }
    free(r->moment);
    free(r->work);
    assay_fast_plan_free(r->plan);
}

/* A copy in binary32, where all of them are binary32 numbers. */
static float *narrowed(const double *at, size_t count)
{
    float *x = malloc(count * sizeof *x);
    for (size_t k = 0; k < count && x; k++)
        x[k] = (float)at[k];
    return x;
}

static void widen(double *to, const float *from, size_t count)
{
    for (size_t k = 0; k < count; k++)
        to[k] = (double)from[k];
}

static bool are_finite(const float *x, size_t count)
{
    for (size_t k = 0; k < count; k++)
        if (!isfinite(x[k]))
            return false;
    return true;
}

/* What is untrue about the status of results that are finite or are not. */
static const char *untrue_status(assay_status status, bool finite)
{
    return status == ASSAY_OK && !finite          ? "not every number is finite, which the status does not tell"
           : status == ASSAY_NOT_FINITE && finite ? "the status tells of NaN or infinity, and every number is finite"
                                                  : NULL;
}

/* Takes the status of numbers that were written into account; what becomes of it: ASSAY_NOT_FINITE is none. */
static assay_status told(struct kernel_report *report, assay_status status, bool finite)
{
    const char *wrong = untrue_status(status, finite);
    report->untrue = report->untrue ? report->untrue : wrong;
    return status == ASSAY_NOT_FINITE ? ASSAY_OK : status;
}

static assay_status run_matrix(double *const *results, struct kernel_report *report, const struct golden_case *c)
{
    const struct tensor *g = case_input(c, "G");
    size_t m = g->shape[0], n = g->shape[1];
    bool polar = c->operation == OPERATION_POLAR;
    struct room r = {.in = {narrowed(g->at, g->count)}, .out = {malloc(g->count * sizeof(float))}};
    r.work = malloc((polar ? assay_fast_polar_work(m, n) : assay_fast_lmo_work(c->norm, m, n)) + 1);
    assay_status status = ASSAY_NO_MEMORY;
    if (r.in[0] && r.out[0] && r.work) {
        assay_fast_output out = {r.out[0], m, n, n};
        assay_fast_input in = {r.in[0], m, n, n};
        status = polar ? assay_fast_polar(out, NULL, in, r.work) : assay_fast_lmo(out, c->norm, c->radius, in, r.work);
        widen(results[0], r.out[0], g->count);
        status = told(report, status, are_finite(r.out[0], g->count));
    }
    room_free(&r);
    return status;
}

/* 1 << one of the KERNEL_SHAPES; 0 if it iterates nothing, or directly where the Gram form was asked for. */
static unsigned shapes_of(const assay_fast_plan *p, enum assay_fast_form form)
{
    if (!plan_iterates(p) || (form == ASSAY_FAST_GRAM_FORM && !p->gram_form))
        return 0;
    const struct kernels *k = p->kernels;
    size_t longer = p->blocks.rows > p->blocks.cols ? p->blocks.rows : p->blocks.cols;
    size_t shorter = p->blocks.rows + p->blocks.cols - longer;
    bool pairs = p->bf16 && k->pair_tile, floats = !pairs || p->gram_form;
    bool whole = shorter % k->wide == 0 && longer % k->wide == 0 && (!pairs || shorter % k->pair_tall == 0) &&
                 (!floats || shorter % k->tall == 0);
    return 1u << ((p->blocks.count > 1 ? KERNEL_BATCH : 0) | (whole ? 0 : KERNEL_TAILS));
}

/* A plan for tensors like `x`, its workspace, and second moments. */
static assay_status make_plan(struct room *r, const struct assay_dialect *d, const struct tensor *x,
                              const struct kernel_choice *choice, char message[ASSAY_MESSAGE_SIZE])
{
    const assay_fast_options options = {.path = choice->path,
                                        .arithmetic = choice->arithmetic,
                                        .form = choice->form,
                                        .message = message,
                                        .message_size = ASSAY_MESSAGE_SIZE};
    assay_status status = assay_fast_plan_new(&r->plan, d, x->ndim, x->shape, &options);
    if (status != ASSAY_OK)
        return status;
    r->work = malloc(assay_fast_work(r->plan) + 1);
    r->moment = calloc(assay_fast_moment_count(r->plan) + 1, sizeof *r->moment);
    return r->work && r->moment ? ASSAY_OK : ASSAY_NO_MEMORY;
}

static assay_status run_direction(double *const *results, struct kernel_report *report, const struct golden_case *c,
                                  const struct assay_dialect *d, const struct kernel_choice *choice,
                                  char message[ASSAY_MESSAGE_SIZE])
{
    const struct tensor *g = case_input(c, "G");
    struct room r = {.in = {narrowed(g->at, g->count)}, .out = {malloc(g->count * sizeof(float))}};
    struct assay_dialect iterate = *d; /* as assay_ref_newton_schulz() has it, also of dialects that scale it by cosh */
    if (c->operation == OPERATION_NEWTON_SCHULZ)
        iterate.direction = ASSAY_DIRECTION_NEWTON_SCHULZ;
    assay_status status = r.in[0] && r.out[0] ? make_plan(&r, &iterate, g, choice, message) : ASSAY_NO_MEMORY;
    if (status == ASSAY_OK)
        status = c->operation == OPERATION_NEWTON_SCHULZ ? assay_fast_newton_schulz(r.out[0], r.plan, r.in[0], r.work)
                                                         : assay_fast_cosh_rms(r.out[0], r.plan, r.in[0], r.work);
    if (status == ASSAY_OK || status == ASSAY_NOT_FINITE) {
        widen(results[0], r.out[0], g->count);
        status = told(report, status, are_finite(r.out[0], g->count));
        report->shapes = shapes_of(r.plan, choice->form);
    }
    room_free(&r);
    return status;
}

static bool are_same(const float *x, const float *y, size_t count)
{
    for (size_t k = 0; k < count; k++)
        if (x[k] != y[k] && !(isnan(x[k]) && isnan(y[k])))
            return false;
    return true;
}

/* The buffer and u, and the buffer once more without u, which is made in another way. */
static assay_status run_momentum(double *const *results, struct kernel_report *report, const struct golden_case *c,
                                 const struct assay_dialect *d, const struct kernel_choice *choice,
                                 char message[ASSAY_MESSAGE_SIZE])
{
    const struct tensor *m = case_input(c, "momentum"), *g = case_input(c, "grad"), *p = case_input(c, "param");
    struct room r = {
        .in = {narrowed(m->at, m->count), narrowed(g->at, g->count), narrowed(p->at, p->count)},
        .out = {malloc(g->count * sizeof(float)), malloc(g->count * sizeof(float)), malloc(g->count * sizeof(float))}};
    bool enough = r.in[0] && r.in[1] && r.in[2] && r.out[0] && r.out[1] && r.out[2];
    const struct tensor column = {.ndim = 2, .shape = {g->count, 1}}; /* of any shape, whatever the direction takes */
    assay_status status = enough ? make_plan(&r, d, &column, choice, message) : ASSAY_NO_MEMORY;
    if (status == ASSAY_OK)
        status = assay_fast_momentum(r.out[0], r.out[1], r.plan, &c->hyper, r.in[0], r.in[1], r.in[2], c->step, r.work);
    if (status == ASSAY_OK || status == ASSAY_NOT_FINITE) {
        for (size_t a = 0; a < 2; a++)
            widen(results[a], r.out[a], g->count);
        bool finite = are_finite(r.out[0], g->count);
        status = told(report, status, finite && are_finite(r.out[1], g->count));
        told(report, assay_fast_momentum(r.out[2], NULL, r.plan, &c->hyper, r.in[0], r.in[1], r.in[2], c->step, r.work),
             finite);
        if (!are_same(r.out[0], r.out[2], g->count))
            report->untrue = "the buffer is another where it alone is asked for";
    }
    room_free(&r);
    return status;
}

static bool step_is_finite(const assay_fast_state *after, size_t count, size_t moments)
{
    return are_finite(after->param, count) && are_finite(after->momentum, count) &&
           are_finite(after->second_moment, moments);
}

/* Whether u, which no step shows, must be finite: u = a m + b (g + wd p) with the next buffer m and 0 <= a, b <= 1 / (1 - beta)
 * in every convention. Half of the range of binary32 pays for roundings. */
static bool input_is_finite(const assay_fast_state *after, size_t count, const assay_hyper *hyper, const double *param,
                            const float *grad)
{
    for (size_t k = 0; k < count; k++) {
        double g = (grad ? fabs((double)grad[k]) : 0) + hyper->weight_decay * fabs(param[k]);
        if (!((fabs((double)after->momentum[k]) + g) / (1 - hyper->momentum) <= (double)FLT_MAX / 2))
            return false;
    }
    return true;
}

/* The steps of one parameter: params, updates, momentum. */
static assay_status run_parameter(double *const *results, struct kernel_report *report, const struct golden_case *c,
                                  size_t p, const struct assay_dialect *d, const struct kernel_choice *choice,
                                  char message[ASSAY_MESSAGE_SIZE])
{
    bool *present = malloc(case_input(c, "grads")->shape[0] * sizeof *present);
    if (!present)
        return ASSAY_NO_MEMORY;
    assay_run run = case_run(c, p, present);
    struct tensor like = {.ndim = run.param.ndim, .count = 1};
    for (size_t k = 0; k < like.ndim; k++)
        like.count *= like.shape[k] = run.param.shape[k];
    size_t count = like.count;
    struct room r = {
        .in = {narrowed(run.param.at, count), calloc(count, sizeof(float)), narrowed(run.grads, run.steps * count)}};
    assay_status status = r.in[0] && r.in[1] && r.in[2] ? make_plan(&r, d, &like, choice, message) : ASSAY_NO_MEMORY;
    size_t moments = status == ASSAY_OK ? assay_fast_moment_count(r.plan) : 0;
    assay_fast_state state = {r.in[0], r.in[1], r.moment, 0};
    for (size_t t = 0; t < run.steps && status == ASSAY_OK; t++) {
        assay_hyper hyper = c->hyper;
        hyper.lr = run.lr ? run.lr[t] : hyper.lr;
        double *params = results[0] + t * count, *updates = results[1] + t * count;
        widen(updates, state.param, count);
        const float *grad = present[t] ? r.in[2] + t * count : NULL;
        status = assay_fast_step(&state, r.plan, &hyper, grad, r.work);
        bool skipped = !grad && d->absent == ASSAY_ABSENT_SKIP, finite = step_is_finite(&state, count, moments);
        if (status == ASSAY_NOT_FINITE)
            finite = finite && input_is_finite(&state, count, &hyper, updates, grad);
        status = told(report, status, skipped || finite);
        widen(params, state.param, count);
        widen(results[2] + t * count, state.momentum, count);
        for (size_t k = 0; k < count; k++)
            updates[k] = (double)(float)(params[k] - updates[k]);
    }
    free(present);
    room_free(&r);
    return status;
}

assay_status kernel_run(double *const *results, struct kernel_report *report, const struct golden_case *c,
                        const struct answer_class *k, const struct assay_dialect *d, const struct kernel_choice *choice,
                        char message[ASSAY_MESSAGE_SIZE])
{
    assay_status status = ASSAY_OK;
    *report = (struct kernel_report){0};
    switch (c->operation) {
    case OPERATION_NEWTON_SCHULZ:
    case OPERATION_COSH_RMS:
        return run_direction(results, report, c, d, choice, message);
    case OPERATION_MOMENTUM:
        return run_momentum(results, report, c, d, choice, message);
    case OPERATION_STEP:
        for (size_t p = 0; STEP_OUTPUTS * p < k->answer_count && status == ASSAY_OK; p++)
            status = run_parameter(results + STEP_OUTPUTS * p, report, c, p, d, choice, message);
        return status;
    default:
        return run_matrix(results, report, c);
    }
}
