/* assay generate: makes the golden set. */
#include "bounds.h"
#include "cases.h"
#include "command.h"
#include "jobs.h"
#include "set.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

/* Every case is first written to a part, a set of one in FOLDER/parts: what is there need not be made again, whoever
 * made it. */
struct generation {
    const char *folder;
    size_t first, last; /* operations */
    unsigned shard, shards;
    size_t count; /* of cases, in all shards */
    size_t failed;
    int exit_code;
    int parts; /* FOLDER/parts, held by a lock that all who write there share: enter_parts() */
};

static size_t count_cases(const struct generation *g)
{
    size_t count = 0;
    for (size_t operation = g->first; operation <= g->last; operation++)
        count += cases_count((enum operation)operation);
    return count;
}

/* Case number k of those to be made, without answers. */
static assay_status make_case(const struct generation *g, size_t k, struct golden_case *c)
{
    enum operation operation = (enum operation)g->first;
    for (; k >= cases_count(operation); operation++)
        k -= cases_count(operation);
    return cases_make(c, operation, k);
}

static void part_path(const struct generation *g, const char *id, const char *suffix, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s/parts/%s%s", g->folder, id, suffix);
}

/* Reads the part of this case; false if there is none, or one of something else. */
static bool read_part(const struct generation *g, const struct golden_case *c, struct manifest *part)
{
    char path[PATH_SIZE], message[ASSAY_MESSAGE_SIZE];
    part_path(g, c->id, "", path);
    if (set_read_manifest(part, path, message, sizeof message) != ASSAY_OK)
        return false;
    if (part->count == 1 && strcmp(part->cases[0].id, c->id) == 0 && case_same_question(&part->cases[0], c))
        return true;
    manifest_free(part);
    return false;
}

/* In a process of its own. */
static void make_part(void *data, struct job_result *r)
{
    const struct generation *g = data;
    struct golden_case c;
    struct manifest part;
    char path[PATH_SIZE];
    assay_options options = {.threads = 1, .message = r->message, .message_size = sizeof r->message};
    assay_status status = make_case(g, r->number * g->shards + g->shard, &c);
    if (status == ASSAY_OK && read_part(g, &c, &part)) {
        manifest_free(&part);
    } else if (status == ASSAY_OK) {
        part = (struct manifest){c.operation, 1, &c};
        part_path(g, c.id, "", path);
        status = case_compute(&c, &options);
        if (status == ASSAY_OK)
            status = case_bound(&c, &options);
        if (status == ASSAY_OK)
            status = set_write_manifest(&part, path, r->message, sizeof r->message);
    }
    if (status != ASSAY_OK && !r->message[0])
        snprintf(r->message, sizeof r->message, "case %s: %s", c.id, assay_status_text(status));
    r->value = (int)status;
    case_free(&c);
}

static void part_made(void *data, const struct job_result *r)
{
    struct generation *g = data;
    if (r->value == ASSAY_OK)
        return;
    g->failed++;
    g->exit_code = exit_code_of((assay_status)r->value);
    complain_usage("%s", r->message);
}

/* Moves the cases of all parts into the set; returns how many parts are missing. */
static size_t collect(const struct generation *g, struct golden_set *set)
{
    size_t missing = 0;
    for (size_t operation = g->first; operation <= g->last; operation++) {
        struct manifest *m = &set->manifests[set->count++];
        *m = (struct manifest){.operation = (enum operation)operation,
                               .cases = tensor_alloc(cases_count((enum operation)operation), sizeof *m->cases)};
        for (size_t k = 0; k < cases_count((enum operation)operation) && m->cases; k++) {
            struct golden_case c;
            struct manifest part;
            bool there = cases_make(&c, (enum operation)operation, k) == ASSAY_OK && read_part(g, &c, &part);
            case_free(&c);
            missing += !there;
            if (there) {
                m->cases[m->count++] = part.cases[0];
                free(part.cases);
            }
        }
        missing += !m->cases;
    }
    return missing;
}

/* Removes the temporary files that killed processes left: those of others that are at work look the same. */
static void remove_leftovers(const char *folder)
{
    char path[PATH_SIZE];
    DIR *opened = opendir(folder);
    for (struct dirent *entry; opened && (entry = readdir(opened));)
        if (strncmp(entry->d_name, ".assay-", 7) == 0 &&
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) < PATH_SIZE)
            unlink(path);
    if (opened)
        closedir(opened);
}

static void remove_parts(const struct generation *g, const struct golden_set *set)
{
    char path[PATH_SIZE];
    for (size_t operation = 0; operation < set->count; operation++)
        for (size_t k = 0; k < set->manifests[operation].count; k++) {
            part_path(g, set->manifests[operation].cases[k].id, ".json", path);
            unlink(path);
            part_path(g, set->manifests[operation].cases[k].id, ".safetensors", path);
            unlink(path);
        }
    if (flock(g->parts, LOCK_EX | LOCK_NB) != 0)
        return; /* others are at work there: the last of them gets the lock */
    snprintf(path, sizeof path, "%s/parts", g->folder);
    remove_leftovers(path);
    rmdir(path); /* unless it holds parts of other operations */
}

static int assemble(const struct generation *g)
{
    char message[ASSAY_MESSAGE_SIZE];
    struct golden_set set = {0};
    size_t missing = collect(g, &set);
    int code = EXIT_PASS;
    if (missing > 0 && g->shards == 1) {
        code = complain_usage("%zu of the %zu cases in %s/parts cannot be read again", missing, g->count, g->folder);
    } else if (missing > 0) {
        printf("%zu of %zu cases are in %s/parts; other shards make the rest\n", g->count - missing, g->count,
               g->folder);
    } else if (set_write(&set, g->folder, message, sizeof message) == ASSAY_OK) {
        remove_parts(g, &set);
        printf("%zu cases are in %s\n", g->count, g->folder);
    } else {
        code = complain_usage("%s", message);
    }
    set_free(&set);
    return code;
}

/* Opens and locks a folder of parts, made if need be; -1 if that fails, or if meanwhile it was removed by who is done. */
static int enter_folder(const char *path)
{
    struct stat held, there;
    mkdir(path, 0777); /* whether it worked is seen below */
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -1;
    if (flock(folder, LOCK_SH) == 0 && fstat(folder, &held) == 0 && stat(path, &there) == 0 &&
        held.st_dev == there.st_dev && held.st_ino == there.st_ino)
        return folder;
    close(folder);
    return -1;
}

static bool enter_parts(struct generation *g)
{
    enum { ATTEMPTS = 100 }; /* each but the last fails where one process more ends at that moment */
    char path[PATH_SIZE];
    if (snprintf(path, sizeof path, "%s/parts", g->folder) > PATH_SIZE - 256)
        return false;
    mkdir(g->folder, 0777); /* as above */
    g->parts = -1;
    for (size_t k = 0; k < ATTEMPTS && g->parts < 0; k++)
        g->parts = enter_folder(path);
    return g->parts >= 0 && access(path, W_OK | X_OK) == 0;
}

static int generate(struct generation *g, unsigned processes)
{
    if (!enter_parts(g))
        return complain_usage("%s: cannot make or write to this folder", g->folder);
    g->count = count_cases(g);
    const struct jobs jobs = {.count = (g->count + g->shards - 1 - g->shard) / g->shards,
                              .processes = processes,
                              .run = make_part,
                              .done = part_made,
                              .data = g,
                              .stage = "generating"};
    if (!jobs_run(&jobs))
        return EXIT_USAGE;
    return g->failed ? g->exit_code : assemble(g);
}

/* "i/n", i from 1 on */
static bool parse_shard(const char *text, struct generation *g)
{
    char copy[32];
    const char *slash = strchr(text, '/');
    if (!slash || (size_t)(slash - text) >= sizeof copy)
        return false;
    memcpy(copy, text, (size_t)(slash - text));
    copy[slash - text] = '\0';
    if (!parse_count(slash + 1, 1, 100000, &g->shards) || !parse_count(copy, 1, g->shards, &g->shard))
        return false;
    g->shard--;
    return true;
}

int run_generate(int argc, char **argv)
{
    const char *folder = NULL, *only = NULL, *shard = NULL, *processes = NULL;
    bool help = false;
    unsigned process_count;
    const struct option options[] = {
        {"set", 0, &folder, NULL, NULL, NULL, "the folder to make the set in"},
        {"only", 0, &only, NULL, NULL, NULL, "polar svd lmo newton-schulz cosh-rms momentum or step"},
        {"shard", 0, &shard, NULL, NULL, NULL, "i/n: every n-th case from the i-th on; the last shard merges"},
        {"jobs", 'j', &processes, NULL, NULL, NULL, "processes to use (default: all processors)"},
        {"help", 'h', NULL, &help, NULL, NULL, "print this"},
    };
    struct generation g = {.last = OPERATIONS - 1, .shards = 1};
    argc = parse_options(argc, argv, options, sizeof options / sizeof options[0]);
    if (help) {
        puts("usage: assay generate --set DIR [options]\n\nMakes the golden set, the same bytes everywhere. "
             "Interrupted, it goes on where it was.\n\noptions:");
        print_options(options, sizeof options / sizeof options[0]);
        return EXIT_PASS;
    }
    if (argc != 0 || !folder || !folder[0])
        return argc < 0 ? EXIT_USAGE : complain_usage("generate takes --set DIR, and nothing else but options");
    for (g.first = 0; only && g.first < OPERATIONS && strcmp(only, operation_names[g.first]) != 0;)
        g.first++;
    if (g.first == OPERATIONS)
        return complain_usage("--only takes polar, svd, lmo, newton-schulz, cosh-rms, momentum or step, not '%s'",
                              only);
    if (only)
        g.last = g.first;
    if (shard && !parse_shard(shard, &g))
        return complain_usage("--shard takes i/n with 1 <= i <= n, not '%s'", shard);
    if (!jobs_parse(processes, &process_count))
        return EXIT_USAGE;
    g.folder = folder;
    return generate(&g, process_count);
}
