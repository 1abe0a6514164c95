/* The kill matrix: every known bug (golden/bugs.h) in every dialect that can have it, computed in binary32 and bfloat16, and
 * judged as an honest port would be: is it caught, and by which cases? And honest evaluations, of which none may be.
 *
 *     kill_matrix SET                                 the matrix, as a table in Markdown
 *     kill_matrix SET DIALECT BUG|none FORMAT SEED OUT [CHANGE...]    the results of one such port, as a .safetensors file;
 *                              a CHANGE is AXIS=VALUE, or beta=VALUE or weight-decay=VALUE, whatever a case says
 *
 * A bug that changes no exact answer of a dialect (by more than 1e-12) is not observable in results, and not counted. Exit
 * code 1 if an honest run is rejected, if a bug is missed in binary32, or more than 5 % of them in bfloat16. */
#include "bounds.h"
#include "judge.h"
#include "safetensors.h"
#include "set.h"
#include "statistic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAYS = 2, HONEST_SEEDS = 3, MOST_BUGS = 80, MOST_DIALECTS = 80 };
/* From this number on, ports take no part in what they are judged by. */
enum { HELD_OUT = 1000 };
static const enum tensor_type ways[WAYS] = {TENSOR_F32, TENSOR_BF16};

/* What became of one port: shared with the processes that find out. */
struct outcome {
    bool observable;
    unsigned kills; /* by how many cases it is caught, */
    bool by_suite;  /* or, if by none, by the statistics of all together */
    bool by[1024];  /* by which */
};
static struct outcome *outcomes; /* of bug, dialect, way; beyond the bugs, honest runs of each seed */

static struct outcome *outcome_of(size_t bug, size_t dialect, size_t way)
{
    return &outcomes[(bug * MOST_DIALECTS + dialect) * WAYS + way];
}

/* ---- one port on one case --------------------------------------------------------------------------------------------- */

struct port {
    const struct golden_case *c;
    const struct assay_dialect *dialect;
    struct evaluation how;
    double **results;
};

static void evaluate(struct work *w, void *pointer)
{
    struct port *p = pointer;
    case_evaluate(w, &p->how, p->c, p->dialect, p->results);
}

/* Its results, in arrays that the answers of the class give the sizes of; false if it takes no such tensor. */
static bool compute(struct port *p)
{
    const assay_options options = {.threads = 1};
    return work_run(&options, evaluate, p) == ASSAY_OK;
}

/* The answers of a dialect, unless it has none or divides 0 by 0. */
static const struct answer_class *answers_of(const struct golden_case *c, const char *dialect)
{
    const struct answer_class *k = class_of(c, dialect);
    return k && !k->undefined ? k : NULL;
}

static bool differs(const struct answer *a, const double *x)
{
    double error = 0, size = 0;
    for (size_t k = 0; k < a->count; k++) {
        error += (x[k] - a->hi[k]) * (x[k] - a->hi[k]);
        size += a->hi[k] * a->hi[k];
    }
    return !(sqrt(error) <= 1e-12 * sqrt(size));
}

/* Judges one case; notes whether the bug shows in the exact answers, and whether the case kills it. */
static void try_case(struct outcome *found, size_t number, const struct golden_case *c, const struct bug *bug,
                     const struct assay_dialect *base, enum tensor_type way, size_t seed)
{
    const struct answer_class *k = answers_of(c, base->name);
    enum tensor_type format = operation_format(c->operation, way);
    struct assay_dialect d = *base;
    if (!k || !case_fits(c, format) || (bug && !bug_apply(bug, &d)))
        return;
    double *results[CASE_ANSWERS];
    for (size_t a = 0; a < k->answer_count; a++)
        results[a] = calloc(k->answers[a].count + 1, sizeof(double));
    struct port p = {.c = c, .dialect = &d, .results = results};
    p.how = evaluation_draw(TENSOR_F64, 0, 0, true);
    p.how.fault = bug ? bug->fault : FAULT_NONE;
    bool runs = compute(&p), caught = !runs;
    for (size_t a = 0; a < k->answer_count && runs; a++)
        found->observable = found->observable || differs(&k->answers[a], results[a]);
    p.how = port_evaluation(way, HELD_OUT + seed, c, true);
    p.how.fault = bug ? bug->fault : FAULT_NONE;
    runs = runs && compute(&p);
    for (size_t a = 0; a < k->answer_count && runs; a++) {
        struct verdict v;
        const assay_options options = {.threads = 1};
        caught = judge(&v, c, k, a, format, results[a], &options) != ASSAY_OK || !v.pass || caught;
    }
    for (size_t a = 0; a < k->answer_count; a++)
        free(results[a]);
    found->observable = found->observable || !runs;
    found->kills += caught;
    found->by[number] = caught;
}

/* What is wrong with a port of `base`, if anything. */
struct wrong {
    const struct assay_dialect *base;
    struct assay_dialect d;
    enum fault fault;
    double beta, decay; /* of its own, whatever the case says; or NaN */
};

static struct wrong wrong_by(const struct assay_dialect *base, const struct bug *bug)
{
    return (struct wrong){base, *base, bug ? bug->fault : FAULT_NONE, NAN, NAN};
}

/* The results of a port for the case, in arrays to be freed; false if it takes no such case, or has none. */
static bool observe(struct observed *o, const struct golden_case *c, const struct wrong *x, enum tensor_type way,
                    size_t seed)
{
    const struct answer_class *k = answers_of(c, x->base->name);
    struct golden_case own = *c;
    double *results[CASE_ANSWERS];
    if (!k || !case_fits(c, operation_format(c->operation, way)))
        return false;
    own.hyper.momentum = isnan(x->beta) ? c->hyper.momentum : x->beta;
    own.hyper.weight_decay = isnan(x->decay) ? c->hyper.weight_decay : x->decay;
    struct port p = {&own, &x->d, port_evaluation(way, HELD_OUT + seed, c, true), results};
    p.how.fault = x->fault;
    for (size_t a = 0; a < k->answer_count; a++)
        results[a] = calloc(k->answers[a].count + 1, sizeof(double));
    bool runs = compute(&p);
    *o = (struct observed){.c = c};
    for (size_t a = 0; a < k->answer_count; a++)
        if (runs)
            o->at[a] = results[a];
        else
            free(results[a]);
    return runs;
}

static bool suite_catches(const struct golden_set *set, const struct bug *bug, const struct assay_dialect *base,
                          enum tensor_type way, size_t seed)
{
    const assay_options options = {.threads = 1};
    struct observed *all = calloc(set_case_count(set), sizeof *all);
    struct statistic found[STATISTICS];
    size_t count = 0;
    struct wrong x = wrong_by(base, bug);
    bool pass = !bug || bug_apply(bug, &x.d);
    for (size_t k = 0; k < set_case_count(set); k++)
        if (operation_has_dialects(set_case(set, k)->operation))
            count += observe(&all[count], set_case(set, k), &x, way, seed);
    if (statistics_judge(found, base, all, count, way, &options) != ASSAY_OK)
        abort();
    for (size_t k = 0; k < STATISTICS; k++) {
        char text[STATISTIC_TEXT];
        pass = pass && found[k].pass;
        if (found[k].pass)
            continue;
        statistic_text(text, k, &found[k]);
        if (!bug)
            fprintf(stderr, "kill-matrix: honest %s: %s\n", base->name, text);
    }
    for (size_t k = 0; k < count; k++)
        for (size_t a = 0; a < CASE_ANSWERS; a++)
            free((void *)all[k].at[a]);
    free(all);
    return !pass;
}

static void try_port(const struct golden_set *set, size_t bug, size_t dialect, size_t way)
{
    size_t number = 0;
    const struct bug *b = bug < bug_count ? &bugs[bug] : NULL;
    struct assay_dialect d = assay_dialects[dialect];
    if (b && !bug_apply(b, &d))
        return;
    for (size_t m = 0; m < set->count; m++)
        for (size_t k = 0; operation_has_dialects(set->manifests[m].operation) && k < set->manifests[m].count; k++)
            try_case(outcome_of(bug, dialect, way), number++, &set->manifests[m].cases[k], b, &assay_dialects[dialect],
                     ways[way], b ? 0 : bug - bug_count + 1);
    struct outcome *found = outcome_of(bug, dialect, way);
    if (ways[way] != TENSOR_F32 && found->kills == 0 && (found->observable || !b))
        found->by_suite = suite_catches(set, b, &assay_dialects[dialect], ways[way], b ? 0 : bug - bug_count + 1);
}

/* ---- the table -------------------------------------------------------------------------------------------------------- */

struct tallied {
    size_t caught, observable, least, by_suite;
    char missed[400];
};

static struct tallied tally_of(size_t bug, size_t way)
{
    struct tallied t = {.least = SIZE_MAX};
    for (size_t d = 0; d < assay_dialect_count; d++) {
        const struct outcome *o = outcome_of(bug, d, way);
        if (!o->observable)
            continue;
        t.observable++;
        t.caught += o->kills > 0 || o->by_suite;
        t.by_suite += o->by_suite;
        t.least = o->kills < t.least ? o->kills : t.least;
        size_t end = strlen(t.missed);
        if (o->kills == 0 && !o->by_suite)
            snprintf(t.missed + end, sizeof t.missed - end, " %s", assay_dialects[d].name);
    }
    return t;
}

/* The cases that catch nothing. */
static void print_idle(const struct golden_set *set)
{
    size_t number = 0, idle = 0, all = 0;
    printf("\nCases that catch none of these bugs:");
    for (size_t m = 0; m < set->count; m++)
        for (size_t k = 0; operation_has_dialects(set->manifests[m].operation) && k < set->manifests[m].count; k++) {
            bool any = false;
            for (size_t i = 0; i < bug_count * MOST_DIALECTS * WAYS && !any; i++)
                any = outcomes[i].by[number];
            if (!any)
                printf("%s %s", idle++ ? "," : "", set->manifests[m].cases[k].id);
            number++;
            all++;
        }
    printf("%s (%zu of %zu)\n", idle ? "" : " none", idle, all);
}

static int print_matrix(const struct golden_set *set)
{
    size_t caught[WAYS] = {0}, observable[WAYS] = {0}, runs = 0, rejects = 0;
    puts("| bug: the port ... | f32 caught | bf16 caught | by statistics alone | cases that catch it, at least | "
         "missed in "
         "bf16 |\n|---|---:|---:|---:|---:|---|");
    for (size_t b = 0; b < bug_count; b++) {
        struct tallied t[WAYS];
        for (size_t w = 0; w < WAYS; w++) {
            t[w] = tally_of(b, w);
            caught[w] += t[w].caught;
            observable[w] += t[w].observable;
        }
        printf("| **%s**: %s | %zu/%zu | %zu/%zu | %zu | %zu / %zu |%s%s%s |\n", bugs[b].name, bugs[b].meaning,
               t[0].caught, t[0].observable, t[1].caught, t[1].observable, t[1].by_suite,
               t[0].least == SIZE_MAX ? 0 : t[0].least, t[1].least == SIZE_MAX ? 0 : t[1].least, t[1].missed,
               t[0].missed[0] ? "; in f32:" : "", t[0].missed);
    }
    for (size_t s = 0; s < HONEST_SEEDS; s++)
        for (size_t d = 0; d < assay_dialect_count; d++)
            for (size_t w = 0; w < WAYS; w++) {
                runs++;
                const struct outcome *o = outcome_of(bug_count + s, d, w);
                rejects += o->kills > 0 || o->by_suite;
                if (o->kills > 0)
                    fprintf(stderr, "kill-matrix: honest %s is rejected, way %zu\n", assay_dialects[d].name, w);
            }
    printf("\nCaught: %zu of %zu in f32, %zu of %zu in bf16 (%.1f %%). Honest runs rejected: %zu of %zu.\n", caught[0],
           observable[0], caught[1], observable[1], 100.0 * (double)caught[1] / (double)observable[1], rejects, runs);
    print_idle(set);
    return rejects > 0 || caught[0] < observable[0] || (double)caught[1] < 0.95 * (double)observable[1];
}

static int matrix(const struct golden_set *set)
{
    size_t all = (bug_count + HONEST_SEEDS) * MOST_DIALECTS * WAYS;
    outcomes = mmap(NULL, all * sizeof *outcomes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    long processes = sysconf(_SC_NPROCESSORS_ONLN);
    if (outcomes == MAP_FAILED || bug_count > MOST_BUGS || assay_dialect_count > MOST_DIALECTS)
        return 5;
    for (long p = 0; p < processes; p++)
        if (fork() == 0) {
            for (size_t i = (size_t)p; i < (bug_count + HONEST_SEEDS) * assay_dialect_count; i += (size_t)processes)
                for (size_t w = 0; w < WAYS; w++)
                    try_port(set, i / assay_dialect_count, i % assay_dialect_count, w);
            _exit(0);
        }
    int status, failed = 0;
    while (wait(&status) > 0)
        failed |= status;
    return failed ? 5 : print_matrix(set);
}

/* ---- one port's results ------------------------------------------------------------------------------------------------ */

/* AXIS=VALUE, beta=VALUE or weight-decay=VALUE */
static bool apply(struct wrong *x, char *text)
{
    static struct assay_triple triple;
    static const struct assay_coefficients own = {"own", "", 1, &triple};
    char *value = strchr(text, '=');
    if (!value)
        return false;
    *value++ = '\0';
    if (strcmp(text, "beta") == 0)
        return x->beta = atof(value), true;
    if (strcmp(text, "weight-decay") == 0)
        return x->decay = atof(value), true;
    if (strcmp(text, "coefficients") == 0 && sscanf(value, "%lf,%lf,%lf", &triple.a, &triple.b, &triple.c) == 3)
        return x->d.coefficients = &own, true;
    return assay_dialect_set(&x->d, text, value);
}

static void add_results(struct tensor_file *file, const struct observed *o, const struct answer_class *k)
{
    for (size_t a = 0; a < k->answer_count; a++) {
        const struct answer *like = &k->answers[a];
        struct tensor x = {.type = TENSOR_F32, .ndim = like->ndim, .count = like->count};
        x.at = calloc(x.count + 1, sizeof *x.at);
        memcpy(x.shape, like->shape, sizeof x.shape);
        x.name = malloc(strlen(o->c->id) + sizeof like->name + 2);
        sprintf(x.name, "%s/%s", o->c->id, like->name);
        for (size_t i = 0; i < x.count; i++)
            x.at[i] = nearest(TENSOR_F32, o->at[a][i]);
        file->tensors = realloc(file->tensors, (file->count + 1) * sizeof *file->tensors);
        file->tensors[file->count++] = x;
    }
}

static int write_results(const struct golden_set *set, char **argv, int changes)
{
    const struct assay_dialect *base = assay_dialect_find(argv[0]);
    const struct bug *bug = NULL;
    for (size_t b = 0; b < bug_count; b++)
        bug = strcmp(bugs[b].name, argv[1]) == 0 ? &bugs[b] : bug;
    enum tensor_type way = strcmp(argv[2], "f32") == 0 ? TENSOR_F32 : TENSOR_BF16;
    struct tensor_file file = {0};
    char message[ASSAY_MESSAGE_SIZE];
    if (!base || (!bug && strcmp(argv[1], "none") != 0))
        return 2;
    struct wrong x = wrong_by(base, bug);
    bool right = !bug || bug_apply(bug, &x.d);
    for (int k = 0; k < changes; k++)
        right = right && apply(&x, argv[5 + k]);
    if (!right)
        return 2;
    for (size_t k = 0; k < set_case_count(set); k++) {
        struct observed o;
        const struct golden_case *c = set_case(set, k);
        if (operation_has_dialects(c->operation) && observe(&o, c, &x, way, (size_t)atoi(argv[3])))
            add_results(&file, &o, answers_of(c, base->name));
    }
    return safetensors_write(argv[4], &file, message, sizeof message) == ASSAY_OK ? 0 : (puts(message), 2);
}

int main(int argc, char **argv)
{
    struct golden_set set;
    char message[ASSAY_MESSAGE_SIZE];
    if (argc != 2 && argc < 7)
        return fputs("usage: kill_matrix SET [DIALECT BUG FORMAT SEED OUT [CHANGE...]]\n", stderr), 2;
    if (set_read(&set, argv[1], message, sizeof message) != ASSAY_OK)
        return fprintf(stderr, "%s\n", message), 3;
    int code = argc == 2 ? matrix(&set) : write_results(&set, argv + 2, argc - 7);
    set_free(&set);
    return code;
}
