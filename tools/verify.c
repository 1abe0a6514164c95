/* assay verify: proves every stored number of a golden set again. */
#include "verify.h"

#include "bounds.h"
#include "cases.h"
#include "command.h"
#include "jobs.h"
#include "set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct verification {
    struct golden_set set;
    size_t count, altered, missing;
    int exit_code;
    bool hold_out;
    double worst[OPERATIONS][FORMATS]; /* of held-out evaluations, error over bound */
};

/* In a process of its own. */
static void verify_case(void *data, struct job_result *r)
{
    const struct verification *v = data;
    bool agrees = false;
    const struct golden_case *c = set_case(&v->set, r->number);
    const assay_options options = {.threads = 1, .message = r->message, .message_size = sizeof r->message};
    assay_status status = case_verify(&agrees, c, &options);
    if (status == ASSAY_OK && v->hold_out)
        status = case_held_out(r->numbers, c, &options);
    r->value = status != ASSAY_OK ? exit_code_of(status) : agrees ? EXIT_PASS : EXIT_SET;
    if (status != ASSAY_OK)
        snprintf(r->message, sizeof r->message, "case %s: %s", c->id, assay_status_text(status));
}

static void case_verified(void *data, const struct job_result *r)
{
    struct verification *v = data;
    for (size_t f = 0; f < FORMATS; f++) {
        double *worst = &v->worst[set_case(&v->set, r->number)->operation][f];
        *worst = r->numbers[f] <= *worst ? *worst : r->numbers[f];
    }
    if (r->value == EXIT_PASS)
        return;
    complain_usage("%s", r->message);
    v->altered += r->value == EXIT_SET;
    if (v->exit_code == EXIT_PASS || r->value < v->exit_code) /* 2, then 3, then 5 */
        v->exit_code = r->value;
}

/* Returns false if one of them fails the bounds. */
static bool print_held_out(const struct verification *v)
{
    bool pass = true;
    puts("\nerror over bound of held-out evaluations, at worst:");
    printf("%-15s %8s %8s %8s %8s\n", "", format_names[0], format_names[1], format_names[2], format_names[3]);
    for (size_t m = 0; m < v->set.count; m++) {
        const double *worst = v->worst[v->set.manifests[m].operation];
        bool any = false;
        for (size_t f = 0; f < FORMATS; f++) {
            any = any || worst[f] != 0;
            pass = pass && worst[f] <= 1;
        }
        if (any)
            printf("%-15s %8.3f %8.3f %8.3f %8.3f\n", operation_names[v->set.manifests[m].operation], worst[0],
                   worst[1], worst[2], worst[3]);
    }
    return pass;
}

static bool has_case(const struct manifest *m, const char *id)
{
    size_t k = 0;
    while (k < m->count && strcmp(m->cases[k].id, id) != 0)
        k++;
    return k < m->count;
}

/* Names the cases that the set lacks of the operations that it has: checksums can be made to fit. */
static void find_missing(struct verification *v)
{
    for (size_t m = 0; m < v->set.count; m++)
        for (size_t k = 0; k < cases_count(v->set.manifests[m].operation); k++) {
            struct golden_case ours;
            if (cases_make(&ours, v->set.manifests[m].operation, k) != ASSAY_OK)
                or_end(NULL);
            if (!has_case(&v->set.manifests[m], ours.id)) {
                complain_usage("case %s: it is missing", ours.id);
                v->missing++;
                v->exit_code = EXIT_SET;
            }
            case_free(&ours);
        }
}

static int verify(const char *folder, unsigned processes, bool hold_out)
{
    struct verification v = {.exit_code = EXIT_PASS, .hold_out = hold_out};
    char message[ASSAY_MESSAGE_SIZE];
    if (set_read(&v.set, folder, message, sizeof message) != ASSAY_OK) {
        complain_usage("%s", message);
        return EXIT_SET;
    }
    v.count = set_case_count(&v.set);
    find_missing(&v);
    const struct jobs jobs = {.count = v.count,
                              .processes = processes,
                              .run = verify_case,
                              .done = case_verified,
                              .data = &v,
                              .stage = "verifying"};
    if (!jobs_run(&jobs))
        v.exit_code = EXIT_OURS;
    if (v.exit_code == EXIT_PASS)
        printf("%zu cases: every stored bit is proved\n", v.count);
    else if (v.altered > 0)
        printf("%zu of %zu cases do not say what is proved\n", v.altered, v.count);
    if (v.missing > 0)
        printf("%zu of %zu cases are missing\n", v.missing, v.count + v.missing);
    if (hold_out && !print_held_out(&v) && v.exit_code == EXIT_PASS)
        v.exit_code = EXIT_OURS;
    set_free(&v.set);
    return v.exit_code;
}

int run_verify(int argc, char **argv)
{
    const char *given = NULL, *processes = NULL;
    bool help = false, hold_out = false;
    unsigned process_count;
    const struct option options[] = {
        {"set", 0, &given, NULL, NULL, NULL, "the folder of the set (default: the one that belongs to this program)"},
        {"jobs", 'j', &processes, NULL, NULL, NULL, "processes to use (default: all processors)"},
        {"held-out", 0, NULL, &hold_out, NULL, NULL,
         "also hold evaluations against the envelopes that made none of them"},
        {"help", 'h', NULL, &help, NULL, NULL, "print this"},
    };
    argc = parse_options(argc, argv, options, sizeof options / sizeof options[0]);
    if (help) {
        puts("usage: assay verify [options]\n\nProves every stored number of a golden set again, from its inputs.\n\n"
             "options:");
        print_options(options, sizeof options / sizeof options[0]);
        return EXIT_PASS;
    }
    if (argc != 0)
        return argc < 0 ? EXIT_USAGE : complain_usage("verify takes nothing but options");
    if (!jobs_parse(processes, &process_count))
        return EXIT_USAGE;
    char *folder = set_folder(given);
    int code = folder ? verify(folder, process_count, hold_out) : EXIT_SET;
    free(folder);
    return code;
}
