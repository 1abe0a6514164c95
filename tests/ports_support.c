#include "ports_support.h"

#include "golden_support.h"
#include "support.h"

#include <stdlib.h>

static const struct {
    enum operation operation;
    const char *id;
} chosen[] = {
    {OPERATION_MOMENTUM, "momentum-gaussian-3x5-1"},
    {OPERATION_MOMENTUM, "momentum-gaussian-5x3-2"},
    {OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-8x8"},
    {OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-8x8-eps"},
    {OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-8x12"},
    {OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-8x12-eps"},
    {OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-12x8"},
    {OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-12x8-eps"},
    {OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-2x4x6"},
    {OPERATION_NEWTON_SCHULZ, "newton-schulz-sparse-8x8"},
    {OPERATION_NEWTON_SCHULZ, "newton-schulz-ternary-8x12"},
    {OPERATION_NEWTON_SCHULZ, "newton-schulz-rank-one-and-noise-8x12"},
    {OPERATION_NEWTON_SCHULZ, "newton-schulz-zero-8x8"},
    {OPERATION_COSH_RMS, "cosh-rms-gaussian-5x3"},
    {OPERATION_STEP, "step-gaussian-4x6"},
    {OPERATION_STEP, "step-gaussian-6x4-zero-gradient"},
    {OPERATION_STEP, "step-gaussian-4x6-lr-change"},
    {OPERATION_STEP, "step-gaussian-4x6-tiny-gradients"},
    {OPERATION_STEP, "step-gaussian-6x4-two-parameters"},
    {OPERATION_STEP, "step-gaussian-2x4x6"},
    {OPERATION_STEP, "step-zero-4x6"},
    {OPERATION_STEP, "step-zero-6x4"},
    {OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-24x40"}, /* takes longest: left out of short tests */
};
enum { CHOSEN = sizeof chosen / sizeof chosen[0] };

struct port_suite port_suite_new(void)
{
    struct port_suite s = {.count = thorough() ? CHOSEN : CHOSEN - 1,
                           .cases = calloc(CHOSEN, sizeof *s.cases),
                           .observed = calloc(CHOSEN, sizeof *s.observed)};
    ck_assert(s.cases && s.observed);
    for (size_t c = 0; c < s.count; c++) {
        s.cases[c] = golden_named(chosen[c].operation, chosen[c].id);
        s.observed[c].c = &s.cases[c];
    }
    return s;
}

void port_suite_free(struct port_suite *s)
{
    for (size_t c = 0; c < s->count; c++)
        case_free(&s->cases[c]);
    for (size_t r = 0; r < s->result_count; r++)
        free(s->results[r]);
    free(s->cases);
    free(s->observed);
    free(s->results);
}

static double *new_result(struct port_suite *s, size_t count)
{
    s->results = realloc(s->results, (s->result_count + 1) * sizeof *s->results);
    double *result = calloc(count, sizeof *result);
    ck_assert(s->results && result);
    return s->results[s->result_count++] = result;
}

struct answering {
    struct golden_case c;
    const struct port *p;
    enum tensor_type format;
    size_t port;
    double **results;
};

static void answer_one(struct work *w, void *pointer)
{
    struct answering *a = pointer;
    struct evaluation e = port_evaluation(a->format, a->port, &a->c, true);
    e.fault = a->p->fault;
    case_evaluate(w, &e, &a->c, &a->p->d, a->results);
}

void port_answers(struct port_suite *s, const struct port *p, enum tensor_type format, size_t port)
{
    const assay_options options = {.threads = 1};
    for (size_t k = 0; k < s->count; k++) {
        struct observed *o = &s->observed[k];
        struct answer_class room;
        double *results[CASE_ANSWERS] = {0};
        struct answering a = {*o->c, p, format, port, results};
        a.c.hyper.momentum += p->beta_off;
        a.c.hyper.weight_decay += p->decay_off;
        ck_assert(class_make_room(&room, o->c) == ASSAY_OK);
        for (size_t n = 0; n < room.answer_count; n++)
            results[n] = new_result(s, room.answers[n].count);
        bool takes = operation_applies(o->c->operation, &p->d) && work_run(&options, answer_one, &a) == ASSAY_OK;
        for (size_t n = 0; n < room.answer_count; n++)
            o->at[n] = takes ? results[n] : NULL;
        class_free(&room);
    }
}
