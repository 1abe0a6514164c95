#include "bounds.h"
#include "cases.h"
#include "claim.h"

#include <stdio.h>

static const struct {
    enum operation operation;
    const char *id;
} held_out[] = {{OPERATION_COSH_RMS, "cosh-rms-gaussian-3x5"},
                {OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-3x5"},
                {OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-1x6"},
                {OPERATION_STEP, "step-gaussian-4x6"}};

/* The case's bounds, and then the largest error over bound of an ensemble that had no part in them. */
static assay_status hold_out(double worst[FORMATS], enum operation operation, const char *id)
{
    const assay_options options = {.threads = 1};
    struct golden_case c;
    assay_status status = cases_make(&c, operation, cases_find(operation, id));
    if (status != ASSAY_OK)
        return status;
    status = case_compute(&c, &options);
    if (status == ASSAY_OK)
        status = case_bound(&c, &options);
    if (status == ASSAY_OK)
        status = case_held_out(worst, &c, &options);
    case_free(&c);
    return status;
}

static void run(struct evidence *e)
{
    for (size_t k = 0; k < (e->quick ? 2 : sizeof held_out / sizeof held_out[0]); k++) {
        double worst[FORMATS];
        assay_status status = hold_out(worst, held_out[k].operation, held_out[k].id);
        if (status != ASSAY_OK)
            work_fail(e->field.w, status, "%s: %s", held_out[k].id, assay_status_text(status));
        for (size_t f = 0; f < FORMATS; f++) {
            char what[ITEM_TEXT];
            snprintf(what, sizeof what, "held out: error / bound, %s, %s", held_out[k].id,
                     tensor_type_name((enum tensor_type)f));
            measured(e, what, worst[f], 0, 0, 1);
        }
    }
}

const struct claim claim_bd_envelope = {
    "BD-envelope",
    "The judge's bounds",
    "envelopes: twice the largest error of 128 emulated evaluations; 128 others stay inside",
    "ours; no proof",
    CLAIM_MEASURED,
    "bd_envelope",
    run};
