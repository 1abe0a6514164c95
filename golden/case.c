#include "case.h"

#include "ref.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const operation_names[OPERATIONS] = {"polar",    "svd",      "lmo", "newton-schulz",
                                                 "cosh-rms", "momentum", "step"};

const char *const measure_names[MEASURES] = {"Frobenius norm", "worst row", "worst column", "worst entry"};
const char *const proof_names[PROOFS] = {"none",  "exact",        "bits",     "momentum",   "weyl",
                                         "polar", "unit-vectors", "envelope", "certificate"};

const char *const *norm_names(void)
{
    size_t axis = 0;
    while (strcmp(assay_axes[axis].name, "norm") != 0)
        axis++;
    return assay_axes[axis].values;
}

bool operation_has_dialects(enum operation operation)
{
    return operation >= OPERATION_NEWTON_SCHULZ;
}

void class_free(struct answer_class *k)
{
    for (size_t a = 0; a < k->answer_count; a++) {
        free(k->answers[a].hi);
        free(k->answers[a].lo);
        free(k->answers[a].bounds);
    }
    free(k->members);
    *k = (struct answer_class){0};
}

void case_free(struct golden_case *c)
{
    for (size_t k = 0; k < c->class_count; k++)
        class_free(&c->classes[k]);
    free(c->classes);
    for (size_t k = 0; k < c->input_count; k++) {
        free(c->inputs[k].name);
        free(c->inputs[k].at);
    }
    *c = (struct golden_case){0};
}

const struct tensor *case_input(const struct golden_case *c, const char *name)
{
    for (size_t k = 0; k < c->input_count; k++)
        if (strcmp(c->inputs[k].name, name) == 0)
            return &c->inputs[k];
    return NULL;
}

static assay_tensor tensor_view(const struct tensor *x)
{
    assay_tensor view = {.at = x->at, .ndim = x->ndim};
    memcpy(view.shape, x->shape, x->ndim * sizeof *x->shape);
    return view;
}

const char *const parameter_suffixes[2] = {"", ".2"};

static const struct tensor *suffixed_input(const struct golden_case *c, const char *name, size_t p)
{
    char whole[CASE_TEXT];
    snprintf(whole, sizeof whole, "%s%s", name, parameter_suffixes[p]);
    return case_input(c, whole);
}

size_t case_parameters(const struct golden_case *c)
{
    return suffixed_input(c, "param", 1) ? 2 : 1;
}

assay_run case_run(const struct golden_case *c, size_t p, bool *present)
{
    const struct tensor *grads = suffixed_input(c, "grads", p), *lr = case_input(c, "lr"),
                        *flags = case_input(c, "present");
    for (size_t t = 0; t < grads->shape[0]; t++)
        present[t] = !flags || flags->at[t] != 0;
    return (assay_run){.param = tensor_view(suffixed_input(c, "param", p)),
                       .steps = grads->shape[0],
                       .grads = grads->at,
                       .lr = lr ? lr->at : NULL,
                       .present = present};
}

bool case_fits(const struct golden_case *c, enum tensor_type format)
{
    if (c->operation == OPERATION_STEP && format != TENSOR_F64)
        format = TENSOR_F32;
    for (size_t k = 0; k < c->input_count; k++)
        for (size_t i = 0; i < c->inputs[k].count; i++)
            if (!tensor_holds(format, c->inputs[k].at[i]))
                return false;
    return true;
}

bool case_may_overflow(const struct golden_case *c, enum tensor_type format)
{
    double most = 0;
    for (size_t k = 0; k < c->input_count; k++)
        for (size_t i = 0; i < c->inputs[k].count; i++)
            most = fmax(most, fabs(c->inputs[k].at[i]) * sqrt((double)c->inputs[k].count));
    return most > (format == TENSOR_F64 ? 0x1p508 : 0x1p60);
}

static bool same_input(const struct tensor *a, const struct tensor *b)
{
    return strcmp(a->name, b->name) == 0 && a->ndim == b->ndim &&
           memcmp(a->shape, b->shape, a->ndim * sizeof *a->shape) == 0 &&
           memcmp(a->at, b->at, a->count * sizeof *a->at) == 0;
}

bool case_same_question(const struct golden_case *a, const struct golden_case *b)
{
    bool same = a->operation == b->operation && a->norm == b->norm && a->radius == b->radius && a->step == b->step &&
                a->hyper.lr == b->hyper.lr && a->hyper.momentum == b->hyper.momentum &&
                a->hyper.weight_decay == b->hyper.weight_decay && a->input_count == b->input_count;
    for (size_t k = 0; k < a->input_count && same; k++)
        same = same_input(&a->inputs[k], &b->inputs[k]);
    return same;
}

const struct answer_class *class_of(const struct golden_case *c, const char *dialect)
{
    for (size_t k = 0; k < c->class_count; k++) {
        if (!operation_has_dialects(c->operation))
            return &c->classes[k];
        for (size_t m = 0; m < c->classes[k].member_count; m++)
            if (strcmp(c->classes[k].members[m]->name, dialect) == 0)
                return &c->classes[k];
    }
    return NULL;
}

bool answers_equal(const struct answer *a, const struct answer *b)
{
    /* Bits, not values; a radius is never NaN, and neither are the others. */
    return strcmp(a->name, b->name) == 0 && a->count == b->count &&
           memcmp(a->hi, b->hi, a->count * sizeof *a->hi) == 0 && memcmp(a->lo, b->lo, a->count * sizeof *a->lo) == 0 &&
           memcmp(&a->radius, &b->radius, sizeof a->radius) == 0;
}

/* ---- room for answers ---------------------------------------------------------------------------------------------- */

double *answer_bounds(const struct answer *a, enum tensor_type format, size_t slab)
{
    return a->bounds + ((size_t)format * a->slabs + slab) * MEASURES;
}

/* Adds an answer of this shape to the class; NULL if there is no memory. */
static struct answer *add_answer(struct answer_class *k, const char *name, size_t ndim, const size_t *shape,
                                 bool stepped)
{
    struct answer *a = &k->answers[k->answer_count];
    *a = (struct answer){.ndim = ndim, .count = 1, .stepped = stepped, .slabs = stepped ? shape[0] : 1};
    snprintf(a->name, sizeof a->name, "%s", name);
    for (size_t d = 0; d < ndim; d++)
        a->count *= a->shape[d] = shape[d];
    a->hi = tensor_alloc(a->count, sizeof *a->hi);
    a->lo = tensor_alloc(a->count, sizeof *a->lo);
    a->bounds = tensor_alloc(FORMATS * a->slabs * MEASURES, sizeof *a->bounds);
    k->answer_count++;
    return a->hi && a->lo && a->bounds ? a : NULL;
}

assay_status class_make_room(struct answer_class *k, const struct golden_case *c)
{
    static const char *const steps[STEP_OUTPUTS] = {"params", "updates", "momentum"};
    const struct tensor *g = case_input(c, c->operation == OPERATION_MOMENTUM ? "grad" : "G");
    struct answer *a = NULL;
    *k = (struct answer_class){.name = ""};
    switch (c->operation) {
    case OPERATION_SVD:
        a = add_answer(k, "S", 1, g->shape[0] < g->shape[1] ? g->shape : g->shape + 1, false);
        break;
    case OPERATION_POLAR:
    case OPERATION_LMO:
        a = add_answer(k, c->operation == OPERATION_POLAR ? "Q" : "D", g->ndim, g->shape, false);
        break;
    case OPERATION_MOMENTUM:
        a = add_answer(k, "momentum", g->ndim, g->shape, false);
        a = a ? add_answer(k, "u", g->ndim, g->shape, false) : NULL;
        break;
    case OPERATION_STEP:
        for (size_t n = 0; n < STEP_OUTPUTS * case_parameters(c); n++) {
            const struct tensor *grads = suffixed_input(c, "grads", n / STEP_OUTPUTS);
            char name[sizeof a->name];
            snprintf(name, sizeof name, "%s%s", steps[n % STEP_OUTPUTS], parameter_suffixes[n / STEP_OUTPUTS]);
            a = add_answer(k, name, grads->ndim, grads->shape, true);
            if (!a)
                return ASSAY_NO_MEMORY;
        }
        break;
    default:
        a = add_answer(k, "Y", g->ndim, g->shape, false);
    }
    return a ? ASSAY_OK : ASSAY_NO_MEMORY;
}

static assay_answer matrix_view(const struct answer *a, size_t rows, size_t cols)
{
    return (assay_answer){{a->hi, rows, cols, cols}, {a->lo, rows, cols, cols}, 0};
}

/* ---- operations without dialects: one class --------------------------------------------------------------------------- */

static assay_status compute_matrix(const struct golden_case *c, struct answer_class *k, const assay_options *options)
{
    const struct tensor *g = case_input(c, "G");
    size_t m = g->shape[0], n = g->shape[1];
    bool svd = c->operation == OPERATION_SVD;
    struct answer *a = &k->answers[0];
    assay_input input = {g->at, m, n, n};
    assay_answer view = svd ? matrix_view(a, 1, a->count) : matrix_view(a, m, n);
    assay_svd_info svd_info = {0};
    assay_polar_info polar_info = {0};
    assay_lmo_info lmo_info = {0};
    assay_status status = svd ? assay_ref_svd(&view, NULL, NULL, &svd_info, input, options)
                          : c->operation == OPERATION_POLAR
                              ? assay_ref_polar(&view, &polar_info, input, options)
                              : assay_ref_lmo(&view, &lmo_info, c->norm, c->radius, input, options);
    a->radius = view.radius;
    k->rank = svd ? svd_info.rank : polar_info.rank;
    k->unique = svd || polar_info.unique || lmo_info.unique;
    return status;
}

/* ---- operations of a dialect -------------------------------------------------------------------------------------------- */

static assay_status compute_direction(const struct golden_case *c, struct answer_class *k,
                                      const struct assay_dialect *d, const assay_options *options)
{
    const struct tensor *g = case_input(c, "G");
    struct answer *a = &k->answers[0];
    assay_tensor_answer view = {.hi = a->hi, .lo = a->lo};
    assay_status status = c->operation == OPERATION_NEWTON_SCHULZ
                              ? assay_ref_newton_schulz(&view, d, tensor_view(g), options)
                              : assay_ref_cosh_rms(&view, d, tensor_view(g), options);
    a->radius = view.radius;
    return status;
}

static assay_status compute_momentum(const struct golden_case *c, struct answer_class *k, const struct assay_dialect *d,
                                     const assay_options *options)
{
    const struct tensor *m = case_input(c, "momentum"), *g = case_input(c, "grad"), *p = case_input(c, "param");
    struct answer *next = &k->answers[0], *u = &k->answers[1];
    assay_tensor_answer views[] = {{.hi = next->hi, .lo = next->lo}, {.hi = u->hi, .lo = u->lo}};
    assay_status status =
        assay_ref_momentum(&views[0], &views[1], d, &c->hyper, tensor_view(m), tensor_view(g), p->at, c->step, options);
    next->radius = views[0].radius;
    u->radius = views[1].radius;
    return status;
}

/* The steps of parameter p. */
static assay_status compute_run(const struct golden_case *c, struct answer_class *k, size_t p,
                                const struct assay_dialect *d, const assay_options *options)
{
    struct answer *answers = &k->answers[STEP_OUTPUTS * p];
    assay_steps after = {0};
    assay_tensor_answer *views[] = {&after.params, &after.updates, &after.momentum};
    for (size_t a = 0; a < 3; a++)
        *views[a] = (assay_tensor_answer){.hi = answers[a].hi, .lo = answers[a].lo};
    bool *present = tensor_alloc(answers->slabs, sizeof *present), unique = true;
    if (!present)
        return ASSAY_NO_MEMORY;
    assay_run run = case_run(c, p, present);
    assay_status status = assay_ref_step(&after, &unique, d, &c->hyper, &run, options);
    for (size_t a = 0; a < 3; a++)
        answers[a].radius = views[a]->radius;
    k->unique = k->unique && unique;
    free(present);
    return status;
}

static assay_status compute_step(const struct golden_case *c, struct answer_class *k, const struct assay_dialect *d,
                                 const assay_options *options)
{
    assay_status status = ASSAY_OK;
    k->unique = true;
    for (size_t p = 0; p < case_parameters(c) && status == ASSAY_OK; p++)
        status = compute_run(c, k, p, d, options);
    return status;
}

static assay_status compute_class(const struct golden_case *c, struct answer_class *k, const struct assay_dialect *d,
                                  const assay_options *options)
{
    switch (c->operation) {
    case OPERATION_NEWTON_SCHULZ:
    case OPERATION_COSH_RMS:
        return compute_direction(c, k, d, options);
    case OPERATION_MOMENTUM:
        return compute_momentum(c, k, d, options);
    case OPERATION_STEP:
        return compute_step(c, k, d, options);
    default:
        return compute_matrix(c, k, options);
    }
}

static bool same_class(const struct answer_class *a, const struct answer_class *b)
{
    bool same = a->undefined == b->undefined && a->unique == b->unique; /* so they have as many answers */
    for (size_t k = 0; k < a->answer_count && same; k++)
        same = answers_equal(&a->answers[k], &b->answers[k]);
    return same;
}

/* Makes the dialect, NULL where there are none, a member of the class that answers like `found`, or of a new one that takes
 * `found` over; there is room for one of each dialect. */
static assay_status join(struct golden_case *c, struct answer_class *found, const struct assay_dialect *dialect)
{
    size_t k = 0;
    while (k < c->class_count && !same_class(&c->classes[k], found))
        k++;
    if (k == c->class_count) {
        found->name = dialect ? dialect->name : "";
        found->members = tensor_alloc(assay_dialect_count, sizeof *found->members);
        if (!found->members)
            return ASSAY_NO_MEMORY;
        c->classes[c->class_count++] = *found;
        *found = (struct answer_class){0};
    }
    if (dialect) /* operations without dialects have one class without members */
        c->classes[k].members[c->classes[k].member_count++] = dialect;
    return ASSAY_OK;
}

assay_status case_answer(struct answer_class *found, const struct golden_case *c, const struct assay_dialect *d,
                         const assay_options *options)
{
    assay_status status = class_make_room(found, c);
    if (status == ASSAY_OK)
        status = compute_class(c, found, d, options);
    if (status == ASSAY_OK)
        return ASSAY_OK;
    class_free(found);
    found->name = "";
    found->undefined = status == ASSAY_UNDEFINED;
    return found->undefined ? ASSAY_OK : status;
}

bool operation_applies(enum operation operation, const struct assay_dialect *d)
{
    return operation == OPERATION_NEWTON_SCHULZ ? assay_dialect_steps(d) > 0
           : operation == OPERATION_COSH_RMS    ? d->direction == ASSAY_DIRECTION_COSH_RMS
                                                : true;
}

assay_status case_compute_for(struct golden_case *c, const struct assay_dialect *d, const assay_options *options)
{
    struct answer_class found;
    if (d && !operation_applies(c->operation, d))
        return ASSAY_INVALID;
    if (!c->classes)
        c->classes = tensor_alloc(d ? assay_dialect_count : 1, sizeof *c->classes);
    if (!c->classes)
        return ASSAY_NO_MEMORY;
    assay_status status = case_answer(&found, c, d, options);
    if (status == ASSAY_OK)
        status = join(c, &found, d);
    class_free(&found);
    return status;
}

assay_status case_compute(struct golden_case *c, const assay_options *options)
{
    if (!operation_has_dialects(c->operation))
        return case_compute_for(c, NULL, options);
    assay_status status = ASSAY_OK;
    for (size_t k = 0; k < assay_dialect_count && status == ASSAY_OK; k++) {
        status = case_compute_for(c, &assay_dialects[k], options);
        if (status == ASSAY_INVALID) /* a dialect that takes no such tensor */
            status = ASSAY_OK;
    }
    return status;
}
