#include "own_cases.h"

#include "bounds.h"
#include "command.h"
#include "judging.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 4096 };

/* Adds a class to a case that owns what it has; takes `found` over. */
static bool add_class(struct golden_case *c, struct answer_class *found)
{
    struct answer_class *more = realloc(c->classes, (c->class_count + 1) * sizeof *more);
    if (!more)
        return false;
    c->classes = more;
    c->classes[c->class_count++] = *found;
    *found = (struct answer_class){0};
    return true;
}

/* What the dialect answers, and its bounds. A dialect that takes no such tensor leaves the case without a class of it. */
static assay_status compute(struct golden_case *c, const struct assay_dialect *d, const assay_options *options)
{
    bool has = operation_has_dialects(c->operation);
    struct answer_class found;
    if (has && !operation_applies(c->operation, d))
        return ASSAY_OK;
    assay_status status = case_answer(&found, c, has ? d : NULL, options);
    if (status != ASSAY_OK)
        return status == ASSAY_INVALID && has ? ASSAY_OK : status;
    if (has) {
        found.name = d->name;
        found.member_count = 1;
        found.members = malloc(sizeof *found.members);
        if (found.members)
            found.members[0] = d;
    }
    struct golden_case alone = *c;
    alone.classes = &found;
    alone.class_count = 1;
    status = has && !found.members ? ASSAY_NO_MEMORY : case_bound(&alone, options);
    if (status == ASSAY_OK && !add_class(c, &found))
        status = ASSAY_NO_MEMORY;
    class_free(&found);
    return status;
}

/* Takes over the classes of the cases in the cache that ask the same. */
static void remember(struct manifest *m, struct manifest *cache)
{
    for (size_t k = 0; k < m->count; k++)
        for (size_t l = 0; l < cache->count && m->cases[k].class_count == 0; l++)
            if (strcmp(m->cases[k].id, cache->cases[l].id) == 0 && case_same_question(&m->cases[k], &cache->cases[l])) {
                m->cases[k].classes = cache->cases[l].classes;
                m->cases[k].class_count = cache->cases[l].class_count;
                cache->cases[l].classes = NULL;
                cache->cases[l].class_count = 0;
            }
}

/* Writes what has answers; that it cannot be written is no failure. */
static void keep(const struct manifest *m, const char *path)
{
    char message[ASSAY_MESSAGE_SIZE];
    struct manifest answered = {.operation = m->operation, .cases = calloc(m->count + 1, sizeof *answered.cases)};
    for (size_t k = 0; answered.cases && k < m->count; k++)
        if (m->cases[k].class_count > 0)
            answered.cases[answered.count++] = m->cases[k];
    if (answered.cases && set_write_manifest(&answered, path, message, sizeof message) != ASSAY_OK)
        complain_usage("the answers are not kept: %s", message);
    free(answered.cases);
}

/* How long a path is without this ending, if it has it. */
static size_t length_without(const char *path, const char *ending)
{
    size_t length = strlen(path), end = strlen(ending);
    return length > end && strcmp(path + length - end, ending) == 0 ? length - end : length;
}

void own_cases_file(char *file, size_t size, const char *path, const char *ending)
{
    size_t json = length_without(path, ".json"), tensors = length_without(path, ".safetensors");
    size_t length = json < tensors ? json : tensors;
    snprintf(file, size, "%.*s%s", (int)length, path, ending);
}

assay_status own_cases_read(struct golden_set *set, const char *path, const struct assay_dialect *d, char *message,
                            size_t message_size)
{
    char stem[PATH_SIZE], answers[PATH_SIZE];
    struct manifest m, cache;
    struct progress_bar bar = {0};
    const assay_options options = {.message = message, .message_size = message_size, .threads = 1};
    size_t computed = 0;
    own_cases_file(stem, sizeof stem, path, "");
    own_cases_file(answers, sizeof answers, path, ".answers");
    assay_status status = set_read_questions(&m, stem, message, message_size);
    if (status != ASSAY_OK)
        return status;
    char ignored[ASSAY_MESSAGE_SIZE];
    if (set_read_manifest(&cache, answers, ignored, sizeof ignored) == ASSAY_OK) {
        remember(&m, &cache);
        manifest_free(&cache);
    }
    for (size_t k = 0; k < m.count && status == ASSAY_OK; k++)
        if (!class_of(&m.cases[k], d->name)) {
            show_progress(&bar, "the reference answers", (double)k / (double)m.count);
            status = compute(&m.cases[k], d, &options);
            computed++;
        }
    end_progress(&bar);
    if (status != ASSAY_OK) {
        manifest_free(&m);
        return status;
    }
    if (computed > 0)
        keep(&m, answers);
    *set = (struct golden_set){.count = 1, .manifests = {m}};
    return ASSAY_OK;
}
