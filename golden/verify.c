#include "verify.h"

#include "bounds.h"
#include "cases.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Writes the sentence, and returns false. */
__attribute__((format(printf, 3, 4))) static bool differs(const struct golden_case *c, const assay_options *options,
                                                          const char *format, ...)
{
    char text[ASSAY_MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(options->message, options->message_size, "case %s: %s", c->id, text);
    return false;
}

/* The first entry whose bits differ, or count. */
static size_t first_difference(const double *a, const double *b, size_t count)
{
    size_t k = 0;
    while (k < count && memcmp(a + k, b + k, sizeof *a) == 0)
        k++;
    return k;
}

static bool same_bounds(const struct golden_case *c, const char *class, const struct answer *stored,
                        const struct answer *proved, const assay_options *options)
{
    const char *slash = class[0] ? "/" : "";
    size_t size = stored->slabs * MEASURES, k = first_difference(stored->bounds, proved->bounds, FORMATS * size);
    if (k < FORMATS * size)
        return differs(c, options, "%s%s%s.bounds has %a for the %s in %s, step %zu, where %a is found", class, slash,
                       stored->name, stored->bounds[k], measure_names[k % MEASURES],
                       tensor_type_name((enum tensor_type)(k / size)), k % size / MEASURES, proved->bounds[k]);
    if (memcmp(stored->proofs, proved->proofs, sizeof stored->proofs) != 0)
        return differs(c, options, "the proofs of the bounds of %s%s%s are others", class, slash, stored->name);
    return true;
}

static bool same_answer(const struct golden_case *c, const char *class, const struct answer *stored,
                        const struct answer *proved, const assay_options *options)
{
    const char *slash = class[0] ? "/" : "";
    if (strcmp(stored->name, proved->name) != 0 || stored->ndim != proved->ndim ||
        memcmp(stored->shape, proved->shape, stored->ndim * sizeof *stored->shape) != 0)
        return differs(c, options, "%s%s%s should be called %s, or has a wrong shape", class, slash, stored->name,
                       proved->name);
    for (int low = 0; low < 2; low++) {
        const double *a = low ? stored->lo : stored->hi, *b = low ? proved->lo : proved->hi;
        size_t k = first_difference(a, b, stored->count);
        if (k < stored->count)
            return differs(c, options, "%s%s%s%s[%zu] is %a, and %a is proved", class, slash, stored->name,
                           low ? ".lo" : "", k, a[k], b[k]);
    }
    if (memcmp(&stored->radius, &proved->radius, sizeof stored->radius) != 0)
        return differs(c, options, "%s%s%s.radius is %a, and %a is proved", class, slash, stored->name, stored->radius,
                       proved->radius);
    return true;
}

static bool same_class(const struct golden_case *c, const struct answer_class *stored,
                       const struct answer_class *proved, const assay_options *options)
{
    bool members = stored->member_count == proved->member_count;
    for (size_t k = 0; k < stored->member_count && members; k++)
        members = stored->members[k] == proved->members[k];
    if (!members || strcmp(stored->name, proved->name) != 0)
        return differs(c, options, "the class of %s has other dialects", proved->name);
    if (stored->undefined != proved->undefined || stored->unique != proved->unique || stored->rank != proved->rank)
        return differs(c, options, "%s: undefined, unique or rank is wrong",
                       proved->name[0] ? proved->name : "answers");
    if (stored->answer_count != proved->answer_count)
        return differs(c, options, "%zu outputs instead of %zu", stored->answer_count, proved->answer_count);
    for (size_t k = 0; k < stored->answer_count; k++)
        if (!same_answer(c, stored->name, &stored->answers[k], &proved->answers[k], options))
            return false;
    return true;
}

static bool same_class_bounds(const struct golden_case *c, const struct answer_class *stored,
                              const struct answer_class *proved, const assay_options *options)
{
    for (size_t k = 0; k < stored->answer_count; k++)
        if (!same_bounds(c, stored->name, &stored->answers[k], &proved->answers[k], options))
            return false;
    for (size_t f = 0; f < FORMATS; f++) /* -0 is another number */
        if (memcmp(&stored->certificates[f], &proved->certificates[f], sizeof proved->certificates[f]) != 0)
            return differs(c, options, "the certificate for %s is not %a, %a", tensor_type_name((enum tensor_type)f),
                           proved->certificates[f].excess, proved->certificates[f].gap);
    return true;
}

static bool same_texts(const struct golden_case *a, const struct golden_case *b)
{
    bool same = strcmp(a->family, b->family) == 0 && strcmp(a->why, b->why) == 0 && a->flag_count == b->flag_count;
    for (size_t k = 0; same && k < a->flag_count; k++)
        same = strcmp(a->flags[k], b->flags[k]) == 0;
    return same;
}

/* Whether the case asks what ours of that id does, and for the same reason. */
static assay_status verify_question(bool *agrees, const struct golden_case *c, const assay_options *options)
{
    struct golden_case ours;
    size_t k = cases_find(c->operation, c->id);
    *agrees = true;
    if (k == cases_count(c->operation))
        return ASSAY_OK;
    assay_status status = cases_make(&ours, c->operation, k);
    if (status == ASSAY_OK) {
        if (!case_same_question(c, &ours))
            *agrees = differs(c, options, "inputs or parameters are not those of this id");
        else if (!same_texts(c, &ours))
            *agrees = differs(c, options, "family, flags or why are not those of this id");
        case_free(&ours);
    }
    return status;
}

/* Whether its answers are right; sets *agrees to false only. Bounds take longest to prove, and come last. */
static assay_status verify_answers(bool *agrees, const struct golden_case *c, const assay_options *options)
{
    struct golden_case proved = *c; /* borrows the inputs */
    proved.classes = NULL;
    proved.class_count = 0;
    assay_status status = case_compute(&proved, options);
    if (status == ASSAY_OK && proved.class_count != c->class_count)
        *agrees = differs(c, options, "%zu classes of answers instead of %zu", c->class_count, proved.class_count);
    for (size_t k = 0; k < c->class_count && status == ASSAY_OK && *agrees; k++)
        *agrees = same_class(c, &c->classes[k], &proved.classes[k], options);
    if (status == ASSAY_OK && *agrees)
        status = case_bound(&proved, options);
    for (size_t k = 0; k < c->class_count && status == ASSAY_OK && *agrees; k++)
        *agrees = same_class_bounds(c, &c->classes[k], &proved.classes[k], options);
    if (status == ASSAY_INVALID || status == ASSAY_NOT_FINITE || status == ASSAY_RANGE) {
        *agrees = differs(c, options, "there is no answer: %s", assay_status_text(status));
        status = ASSAY_OK;
    }
    proved.input_count = 0;
    case_free(&proved);
    return status;
}

assay_status case_verify(bool *agrees, const struct golden_case *c, const assay_options *options)
{
    assay_status status = verify_question(agrees, c, options);
    return status == ASSAY_OK && *agrees ? verify_answers(agrees, c, options) : status;
}
