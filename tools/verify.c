/* assay verify: proves every stored number of a golden set again. */
#include "verify.h"

#include "command.h"
#include "jobs.h"
#include "set.h"

#include <stdio.h>

struct verification {
    struct golden_set set;
    size_t count, altered;
    int exit_code;
};

static const struct golden_case *case_number(const struct verification *v, size_t k)
{
    size_t m = 0;
    for (; k >= v->set.manifests[m].count; m++)
        k -= v->set.manifests[m].count;
    return &v->set.manifests[m].cases[k];
}

/* In a process of its own. */
static void verify_case(void *data, struct job_result *r)
{
    const struct verification *v = data;
    bool agrees = false;
    const struct golden_case *c = case_number(v, r->number);
    const assay_options options = {.threads = 1, .message = r->message, .message_size = sizeof r->message};
    assay_status status = case_verify(&agrees, c, &options);
    r->value = status != ASSAY_OK ? exit_code_of(status) : agrees ? EXIT_PASS : EXIT_SET;
    if (status != ASSAY_OK)
        snprintf(r->message, sizeof r->message, "case %s: %s", c->id, assay_status_text(status));
}

static void case_verified(void *data, const struct job_result *r)
{
    struct verification *v = data;
    if (r->value == EXIT_PASS)
        return;
    complain_usage("%s", r->message);
    v->altered += r->value == EXIT_SET;
    if (v->exit_code == EXIT_PASS || r->value < v->exit_code) /* 2, then 3, then 5 */
        v->exit_code = r->value;
}

static int verify(const char *folder, unsigned processes)
{
    struct verification v = {.exit_code = EXIT_PASS};
    char message[ASSAY_MESSAGE_SIZE];
    if (set_read(&v.set, folder, message, sizeof message) != ASSAY_OK) {
        complain_usage("%s", message);
        return EXIT_SET;
    }
    for (size_t m = 0; m < v.set.count; m++)
        v.count += v.set.manifests[m].count;
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
    set_free(&v.set);
    return v.exit_code;
}

int run_verify(int argc, char **argv)
{
    const char *folder = NULL, *processes = NULL;
    bool help = false;
    unsigned process_count;
    const struct option options[] = {
        {"set", 0, &folder, NULL, NULL, NULL, "the folder of the set"},
        {"jobs", 'j', &processes, NULL, NULL, NULL, "processes to use (default: all processors)"},
        {"help", 'h', NULL, &help, NULL, NULL, "print this"},
    };
    argc = parse_options(argc, argv, options, sizeof options / sizeof options[0]);
    if (help) {
        puts("usage: assay verify --set DIR [options]\n\nProves every stored number of a golden set again, from its "
             "inputs.\n\noptions:");
        print_options(options, sizeof options / sizeof options[0]);
        return EXIT_PASS;
    }
    if (argc != 0 || !folder)
        return argc < 0 ? EXIT_USAGE : complain_usage("verify takes --set DIR, and nothing else but options");
    return jobs_parse(processes, &process_count) ? verify(folder, process_count) : EXIT_USAGE;
}
