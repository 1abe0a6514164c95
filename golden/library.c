#include "library.h"

#include "judge.h"
#include "set.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((int)ASSAY_FORMAT_BF16 == (int)TENSOR_BF16 && (int)ASSAY_FORMAT_F16 == (int)TENSOR_F16 &&
                   (int)ASSAY_VERDICT_TEXT == (int)VERDICT_TEXT,
               "the public names are those of golden/");

struct assay_golden_set {
    struct golden_set set;
    char *folder;
};

assay_status assay_golden_open(assay_golden_set **set, const char *folder, char *message, size_t message_size)
{
    assay_golden_set *opened = calloc(1, sizeof *opened);
    char *copy = strdup(folder);
    assay_status status = opened && copy ? set_read(&opened->set, folder, message, message_size) : ASSAY_NO_MEMORY;
    if (status != ASSAY_OK) {
        free(copy);
        free(opened);
        return status;
    }
    opened->folder = copy;
    *set = opened;
    return ASSAY_OK;
}

void assay_golden_close(assay_golden_set *set)
{
    if (!set)
        return;
    set_free(&set->set);
    free(set->folder);
    free(set);
}

size_t assay_golden_count(const assay_golden_set *set)
{
    return set_case_count(&set->set);
}

assay_golden_case assay_golden_get(const assay_golden_set *set, size_t k)
{
    const struct golden_case *c = set_case(&set->set, k);
    return (assay_golden_case){.id = c->id,
                               .operation = operation_names[c->operation],
                               .family = c->family,
                               .why = c->why,
                               .norm = c->norm,
                               .radius = c->radius,
                               .hyper = c->hyper,
                               .step = c->step};
}

bool assay_golden_input(assay_golden_array *x, const assay_golden_set *set, size_t k, const char *name)
{
    const struct tensor *input = case_input(set_case(&set->set, k), name);
    if (input)
        *x = (assay_golden_array){input->at, input->ndim, input->shape};
    return input != NULL;
}

/* Finds the output; NULL if the dialect has none of that name. */
static const struct answer *find_answer(const struct answer_class **class, const struct golden_case *c,
                                        const char *dialect, const char *output)
{
    *class = class_of(c, dialect ? dialect : "");
    for (size_t a = 0; *class && a < (*class)->answer_count; a++)
        if (strcmp((*class)->answers[a].name, output) == 0)
            return &(*class)->answers[a];
    return NULL;
}

bool assay_golden_answer(assay_golden_array *x, const assay_golden_set *set, size_t k, const char *dialect,
                         const char *output)
{
    const struct answer_class *class;
    const struct answer *a = find_answer(&class, set_case(&set->set, k), dialect, output);
    if (a)
        *x = (assay_golden_array){a->hi, a->ndim, a->shape};
    return a != NULL;
}

assay_status assay_judge(assay_verdict *verdict, const assay_golden_set *set, size_t k, const char *dialect,
                         const char *output, enum assay_format format, const double *result, size_t count)
{
    const struct golden_case *c = set_case(&set->set, k);
    const struct answer_class *class;
    const struct answer *a = find_answer(&class, c, dialect, output);
    struct verdict v;
    if (!a || a->count != count || format > ASSAY_FORMAT_BF16 || !case_fits(c, (enum tensor_type)format))
        return ASSAY_INVALID;
    size_t number = (size_t)(a - class->answers);
    const assay_options options = {.threads = 1};
    assay_status status = judge(&v, c, class, number, (enum tensor_type)format, result, &options);
    if (status != ASSAY_OK)
        return status;
    struct answer_class named = *class;
    named.name = dialect ? dialect : "";
    *verdict = (assay_verdict){.judged = v.judged,
                               .pass = v.pass,
                               .error = v.error,
                               .bound = v.bound,
                               .ratio = v.ratio,
                               .step = v.step,
                               .entry = v.entry,
                               .got = v.got,
                               .exact = v.exact};
    verdict_text(verdict->text, &v, c, &named, number);
    verdict_command(verdict->command, c, &named, number, set->folder);
    return ASSAY_OK;
}
