#include "judging.h"

#include "command.h"
#include "own_cases.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum tensor_type format_of(enum operation operation, const struct assay_dialect *d)
{
    if (operation == OPERATION_MOMENTUM || !operation_has_dialects(operation))
        return TENSOR_F32;
    return d->arithmetic == ASSAY_BF16 ? TENSOR_BF16 : d->arithmetic == ASSAY_FP16 ? TENSOR_F16 : TENSOR_F32;
}

enum tensor_type judged_format(const struct judging *j, enum operation operation)
{
    return j->any_format ? format_of(operation, j->dialect) : j->format;
}

static const struct manifest *manifest_of(const struct judging *j, enum operation operation)
{
    for (size_t m = 0; m < j->set->count; m++)
        if (j->set->manifests[m].operation == operation)
            return &j->set->manifests[m];
    return NULL;
}

/* 8 x 12 */
static void shape_text(char text[128], size_t ndim, const size_t *shape)
{
    size_t end = 0;
    text[0] = '\0';
    for (size_t d = 0; d < ndim && end < 100; d++)
        end += (size_t)snprintf(text + end, 128 - end, d ? " x %zu" : "%zu", shape[d]);
}

/* The command that computes the answer, from the set or from the user's file. */
static void command_of(char command[VERDICT_TEXT], const struct golden_case *c, const struct answer_class *k,
                       size_t output, const struct judging *j)
{
    if (j->cases) {
        char file[VERDICT_TEXT];
        own_cases_file(file, sizeof file, j->cases, ".safetensors");
        answer_command(command, c, k, output, file, false);
    } else {
        verdict_command(command, c, k, output, j->folder);
    }
}

/* One output: a missing or misshapen result, or what the judge says. */
static assay_status judge_output(struct findings *f, const struct judging *j, const struct golden_case *c,
                                 const struct answer_class *k, size_t output, struct finding finding,
                                 const assay_options *options)
{
    const struct answer *a = &k->answers[output];
    const struct tensor *x = results_find(j->results, c->id, a->name);
    char text[VERDICT_TEXT] = "", command[VERDICT_TEXT], got[128], wanted[128];
    struct verdict v = {0};
    finding.output = a->name;
    struct answer_class named = *k; /* after the dialect that was asked for, not the first of its class */
    named.name = finding.dialect;
    if (!x) {
        finding.kind = FINDING_MISSING;
    } else if (x->ndim != a->ndim || memcmp(x->shape, a->shape, a->ndim * sizeof *a->shape) != 0) {
        shape_text(got, x->ndim, x->shape);
        shape_text(wanted, a->ndim, a->shape);
        snprintf(text, sizeof text, "case %s, %s: the shape is %s, not %s", c->id, a->name, got, wanted);
        finding.kind = FINDING_FAIL;
        finding.ratio = NAN;
        finding.misshapen = true;
    } else {
        assay_status status = judge(&v, c, k, output, finding.format, x->at, options);
        if (status != ASSAY_OK)
            return status;
        finding.kind = !v.judged ? FINDING_NOT_JUDGED : v.pass ? FINDING_PASS : FINDING_FAIL;
        finding.ratio = v.ratio;
        verdict_text(text, &v, c, &named, output);
    }
    if (finding.kind == FINDING_FAIL) {
        command_of(command, c, &named, output, j);
        finding.text = text;
        finding.command = command;
    }
    findings_add(f, finding);
    return ASSAY_OK;
}

assay_status judge_operation(struct findings *f, const struct judging *j, enum operation operation,
                             char message[ASSAY_MESSAGE_SIZE])
{
    const struct manifest *m = manifest_of(j, operation);
    const assay_options options = {.threads = 1, .message = message, .message_size = ASSAY_MESSAGE_SIZE};
    enum tensor_type format = judged_format(j, operation);
    assay_status status = ASSAY_OK;
    for (size_t k = 0; m && k < m->count && status == ASSAY_OK; k++) {
        const struct golden_case *c = &m->cases[k];
        const struct answer_class *class = class_of(c, j->dialect->name);
        if (!class || class->undefined || !case_fits(c, format))
            continue;
        struct finding finding = {.operation = operation,
                                  .format = format,
                                  .c = c,
                                  .dialect = operation_has_dialects(operation) ? j->dialect->name : ""};
        for (size_t a = 0; a < class->answer_count && status == ASSAY_OK; a++)
            status = judge_output(f, j, c, class, a, finding, &options);
    }
    return status;
}

/* By asking for every one. */
bool is_tried(const struct judging *j, enum operation operation)
{
    const struct manifest *m = manifest_of(j, operation);
    bool any = false;
    for (size_t k = 0; m && k < m->count; k++)
        for (size_t l = 0; l < m->cases[k].class_count; l++)
            for (size_t a = 0; a < m->cases[k].classes[l].answer_count; a++)
                any = results_find(j->results, m->cases[k].id, m->cases[k].classes[l].answers[a].name) || any;
    return any;
}

bool is_expected(const struct judging *j, enum operation operation)
{
    const struct manifest *m = manifest_of(j, operation);
    bool any = false;
    for (size_t k = 0; m && k < m->count && operation_has_dialects(operation); k++)
        any = any || class_of(&m->cases[k], j->dialect->name);
    return any;
}

const char *other_version(const struct judging *j)
{
    const char *version = results_remark(j->results, "version");
    return version && !j->cases && strcmp(version, MANIFEST_VERSION) != 0 ? version : NULL;
}

bool complain_unknown(const struct judging *j)
{
    for (int o = 0; o < OPERATIONS; o++)
        is_tried(j, (enum operation)o);
    const char *unknown = results_unused(j->results), *version = other_version(j);
    if (unknown && !unknown[0])
        complain_usage(
            "%s: is one array without a name: results are a .safetensors file of tensors ID/OUTPUT, or a folder "
            "of ID/OUTPUT.npy",
            j->results->path);
    else if (unknown && version)
        complain_usage(
            "%s: tensor '%s' is the output of no case of golden set %s: these are results of golden set %s; run "
            "the port again",
            j->results->path, quote(unknown, strlen(unknown)).text, MANIFEST_VERSION,
            quote(version, strlen(version)).text);
    else if (unknown)
        complain_usage("%s: tensor '%s' is the output of no case of %s %s; results are named ID/OUTPUT",
                       j->results->path, quote(unknown, strlen(unknown)).text, j->cases ? "cases" : "golden set",
                       j->cases ? j->cases : MANIFEST_VERSION);
    return unknown != NULL;
}

bool parse_dtype(const char *text, struct judging *j)
{
    j->any_format = !text || strcmp(text, "auto") == 0;
    for (size_t f = 0; f < FORMATS && !j->any_format; f++)
        if (strcmp(text, format_names[f]) == 0) {
            j->format = (enum tensor_type)f;
            return true;
        }
    if (!j->any_format)
        complain_usage("--dtype takes auto, f64, f32, f16 or bf16, not '%s'", text);
    return j->any_format;
}
