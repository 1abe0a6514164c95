/* assay gate: judges our fast kernels by the golden set, by large cases, then by random cases against the reference. */
#include "bounds.h"
#include "cases.h"
#include "command.h"
#include "findings.h"
#include "inputs.h"
#include "kernels.h"
#include "large.h"
#include "measure.h"
#include "safetensors.h"
#include "set.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How kernels that iterate are run on each path; others in the first of these ways. */
static const struct {
    enum assay_fast_arithmetic arithmetic;
    enum assay_fast_form form;
} ways[] = {{ASSAY_FAST_FP32, ASSAY_FAST_DIRECT_FORM},
            {ASSAY_FAST_BF16, ASSAY_FAST_DIRECT_FORM},
            {ASSAY_FAST_BF16, ASSAY_FAST_GRAM_FORM}};
enum { WAYS = sizeof ways / sizeof ways[0] };

struct gate {
    const char *folder;
    struct golden_set set;
    struct findings findings;
    size_t judged[ASSAY_FAST_PATHS][WAYS]; /* how many of their results */
    const char *elsewhere;                 /* what repeats a case that is not of the set; NULL for those of it */
    struct golden_case **others;           /* these cases: findings point to them */
    size_t other_count;
    char message[ASSAY_MESSAGE_SIZE];
};

enum { FAILURE_TEXT = VERDICT_TEXT + 64 };

/* ---- one case -------------------------------------------------------------------------------------------------------- */

/* A case that is not of the set, empty. */
static struct golden_case *add_case(struct gate *g)
{
    g->others = or_end(realloc(g->others, (g->other_count + 1) * sizeof *g->others));
    return g->others[g->other_count++] = or_end(calloc(1, sizeof **g->others));
}

static void free_findings(struct gate *g)
{
    findings_free(&g->findings);
    for (size_t k = 0; k < g->other_count; k++) {
        case_free(g->others[k]);
        free(g->others[k]);
    }
    free(g->others);
}

/* What is wrong with output a, and the command that computes it. */
static void tell_failure(char text[FAILURE_TEXT], char command[VERDICT_TEXT], const struct gate *g,
                         const struct golden_case *c, const struct answer_class *named, size_t a,
                         const struct verdict *v, const struct kernel_choice *choice)
{
    int end = snprintf(text, FAILURE_TEXT, "[%s%s] ", assay_fast_path_name(choice->path),
                       choice->form == ASSAY_FAST_GRAM_FORM ? ", Gram form" : "");
    if (v->judged)
        verdict_text(text + end, v, c, named, a);
    else
        snprintf(text + end, FAILURE_TEXT - (size_t)end, "case %s, %s, %s: not finite, as the answer is", c->id,
                 named->name, named->answers[a].name);
    if (g->elsewhere)
        snprintf(command, VERDICT_TEXT, "%s", g->elsewhere);
    else
        verdict_command(command, c, named, a, g->folder);
}

/* What the kernels make of the case in this way, judged. Answers are finite, and so must their results be, also where no
 * bound says anything: where ports may overflow or may choose, these kernels return a number. */
static assay_status judge_kernel(struct gate *g, const struct golden_case *c, const struct answer_class *k,
                                 const struct assay_dialect *d, enum assay_fast_path path, size_t way)
{
    const struct kernel_choice choice = {path, ways[way].arithmetic, ways[way].form};
    enum tensor_type format = kernel_format(c->operation, d, choice.arithmetic);
    double *results[CASE_ANSWERS];
    char text[FAILURE_TEXT], command[VERDICT_TEXT];
    const assay_options options = {.threads = 1, .message = g->message, .message_size = sizeof g->message};
    struct answer_class named = *k;
    if (!case_fits(c, format) || !case_fits(c, TENSOR_F32))
        return ASSAY_OK;
    named.name = d ? d->name : "";
    for (size_t a = 0; a < k->answer_count; a++)
        results[a] = or_end(malloc(k->answers[a].count * sizeof(double)));
    assay_status status = kernel_run(results, c, k, d, &choice, g->message);
    for (size_t a = 0; a < k->answer_count && status == ASSAY_OK; a++) {
        struct verdict v;
        status = judge(&v, c, &named, a, format, results[a], &options);
        if (status != ASSAY_OK)
            break;
        bool finite = numbers_are_finite(results[a], k->answers[a].count);
        enum finding_kind kind = !finite || !v.pass ? FINDING_FAIL : v.judged ? FINDING_PASS : FINDING_NOT_JUDGED;
        if (kind == FINDING_FAIL)
            tell_failure(text, command, g, c, &named, a, &v, &choice);
        findings_add(&g->findings, (struct finding){.kind = kind,
                                                    .operation = c->operation,
                                                    .format = format,
                                                    .c = c,
                                                    .dialect = named.name,
                                                    .output = k->answers[a].name,
                                                    .ratio = v.judged ? v.ratio : NAN,
                                                    .text = kind == FINDING_FAIL ? text : NULL,
                                                    .command = kind == FINDING_FAIL ? command : NULL});
        g->judged[path][way] += v.judged;
    }
    for (size_t a = 0; a < k->answer_count; a++)
        free(results[a]);
    return status;
}

/* In every way that this processor has. */
static assay_status judge_class(struct gate *g, const struct golden_case *c, const struct answer_class *k,
                                const struct assay_dialect *d)
{
    size_t count = kernel_iterates(c->operation, d) ? WAYS : 1;
    assay_status status = ASSAY_OK;
    for (int path = ASSAY_FAST_PORTABLE; path < ASSAY_FAST_PATHS && status == ASSAY_OK; path++)
        for (size_t w = 0; w < count && status == ASSAY_OK; w++) {
            if (!assay_fast_path_runs((enum assay_fast_path)path))
                continue;
            /* polar and lmo have one path */
            if (d || path == ASSAY_FAST_PORTABLE)
                status = judge_kernel(g, c, k, d, (enum assay_fast_path)path, w);
        }
    return status;
}

static assay_status judge_case(struct gate *g, const struct golden_case *c)
{
    assay_status status = ASSAY_OK;
    for (size_t k = 0; k < c->class_count && status == ASSAY_OK; k++) {
        const struct answer_class *class = &c->classes[k];
        if (!operation_has_dialects(c->operation))
            status = judge_class(g, c, class, NULL);
        for (size_t m = 0; m < class->member_count && status == ASSAY_OK; m++)
            status = judge_class(g, c, class, class->members[m]);
    }
    return status;
}

static assay_status judge_large(struct gate *g)
{
    struct progress_bar bar = {0};
    assay_status status = ASSAY_OK;
    g->elsewhere = "assay gate";
    for (size_t k = 0; k < large_count && status == ASSAY_OK; k++) {
        struct golden_case *c = add_case(g);
        status = large_case(c, k);
        if (status == ASSAY_OK)
            status = judge_class(g, c, c->classes, &large_dialect);
        show_progress(&bar, "large cases", (double)(k + 1) / (double)large_count);
    }
    end_progress(&bar);
    return status;
}

/* ---- random cases ---------------------------------------------------------------------------------------------------- */

/* What one random case is made of; shrinking makes its sizes less. */
struct draw {
    uint64_t seed;
    enum operation operation;
    const struct assay_dialect *dialect;
    const struct family *family;
    size_t rows, cols, steps;
    int exponent;
};

static struct draw draw_case(uint64_t seed)
{
    static const enum operation operations[] = {OPERATION_POLAR,    OPERATION_LMO,      OPERATION_NEWTON_SCHULZ,
                                                OPERATION_COSH_RMS, OPERATION_MOMENTUM, OPERATION_STEP};
    struct draw d = {.seed = seed};
    uint64_t next = 0;
    d.operation = operations[input_bits(seed, next++) % (sizeof operations / sizeof operations[0])];
    d.rows = 1 + input_bits(seed, next++) % 24;
    d.cols = 1 + input_bits(seed, next++) % 24;
    d.steps = 1 + input_bits(seed, next++) % 4;
    d.exponent = (int)(input_bits(seed, next++) % 41) - 30;
    do {
        d.family = &families[input_bits(seed, next++) % family_count];
    } while (d.family->fits && !d.family->fits(d.rows, d.cols));
    do {
        d.dialect = &assay_dialects[input_bits(seed, next++) % assay_dialect_count];
    } while ((d.operation == OPERATION_NEWTON_SCHULZ && assay_dialect_steps(d.dialect) == 0) ||
             (d.operation == OPERATION_COSH_RMS && d.dialect->direction != ASSAY_DIRECTION_COSH_RMS));
    return d;
}

/* The input `name` of the case: `count` matrices of the family, rounded to binary32. */
static void add_matrices(struct golden_case *c, const char *name, const struct draw *d, size_t count, bool stacked,
                         uint64_t salt)
{
    struct tensor *x = &c->inputs[c->input_count++];
    size_t size = d->rows * d->cols;
    int64_t *both = or_end(calloc(2 * size, sizeof *both));
    *x = (struct tensor){.name = or_end(strdup(name)), .ndim = 2, .shape = {d->rows, d->cols}, .count = count * size};
    if (stacked) {
        x->ndim = 3;
        x->shape[0] = count;
        x->shape[1] = d->rows;
        x->shape[2] = d->cols;
    }
    x->at = or_end(calloc(x->count, sizeof *x->at));
    for (size_t t = 0; t < count; t++) {
        struct whole_matrix whole = {.rows = d->rows, .cols = d->cols, .at = both, .truth = both + size};
        d->family->fill(&whole, input_bits(d->seed ^ salt, t));
        for (size_t k = 0; k < size; k++)
            x->at[t * size + k] = (double)(float)ldexp((double)both[k], whole.exponent + d->exponent);
    }
    free(both);
}

/* The case, with the answer and the bounds of its dialect. ASSAY_UNDECIDED, ASSAY_UNDEFINED and ASSAY_INVALID: none. */
static assay_status make_case(struct golden_case *c, const struct draw *d, char message[ASSAY_MESSAGE_SIZE])
{
    const assay_options options = {.message = message, .message_size = ASSAY_MESSAGE_SIZE};
    *c = (struct golden_case){.operation = d->operation, .radius = 0.5, .step = d->steps};
    snprintf(c->id, sizeof c->id, "fuzz-%016llx-%zux%zux%zu", (unsigned long long)d->seed, d->steps, d->rows, d->cols);
    snprintf(c->family, sizeof c->family, "%s", d->family->name);
    snprintf(c->why, sizeof c->why, "a random case of the family %s", d->family->name);
    c->norm = (enum assay_norm)(input_bits(d->seed, 99) % NORMS);
    c->hyper = (assay_hyper){.lr = 0.0625, .momentum = 0.875, .weight_decay = 0.25};
    switch (d->operation) {
    case OPERATION_MOMENTUM:
        add_matrices(c, "momentum", d, 1, false, 1);
        add_matrices(c, "grad", d, 1, false, 2);
        add_matrices(c, "param", d, 1, false, 3);
        break;
    case OPERATION_STEP:
        add_matrices(c, "param", d, 1, false, 1);
        add_matrices(c, "grads", d, d->steps, true, 2);
        break;
    default:
        add_matrices(c, "G", d, 1, false, 1);
    }
    assay_status status = case_compute_for(c, operation_has_dialects(d->operation) ? d->dialect : NULL, &options);
    return status == ASSAY_OK ? case_bound(c, &options) : status;
}

/* Judges one random case; returns whether it passes, or has no answer. */
static assay_status try_draw(struct gate *g, const struct draw *d, bool *pass)
{
    struct golden_case *c = add_case(g);
    size_t before = findings_count(&g->findings, FINDING_FAIL);
    assay_status status = make_case(c, d, g->message);
    bool none =
        status == ASSAY_INVALID || status == ASSAY_UNDEFINED || status == ASSAY_UNDECIDED || status == ASSAY_RANGE;
    if (status == ASSAY_OK)
        status = judge_case(g, c);
    *pass = findings_count(&g->findings, FINDING_FAIL) == before;
    return none ? ASSAY_OK : status;
}

/* Halves the sizes of a failing case as long as it fails. */
static struct draw shrink(struct gate *g, struct draw d)
{
    for (bool again = true; again;) {
        struct draw less[] = {d, d, d};
        again = false;
        less[0].steps = (d.steps + 1) / 2;
        less[1].rows = (d.rows + 1) / 2;
        less[2].cols = (d.cols + 1) / 2;
        for (size_t k = 0; k < 3 && !again; k++) {
            struct gate scratch = {.folder = g->folder};
            bool pass = true, same = less[k].steps == d.steps && less[k].rows == d.rows && less[k].cols == d.cols;
            bool fits = !d.family->fits || d.family->fits(less[k].rows, less[k].cols);
            if (!same && fits && try_draw(&scratch, &less[k], &pass) == ASSAY_OK && !pass) {
                d = less[k];
                again = true;
            }
            free_findings(&scratch);
        }
    }
    return d;
}

/* Writes the inputs of a failing case, and says how to compute its answer. */
static void write_reproducer(const struct draw *d)
{
    struct golden_case c;
    char path[CASE_TEXT + 16], command[VERDICT_TEXT], message[ASSAY_MESSAGE_SIZE] = "";
    if (make_case(&c, d, message) != ASSAY_OK) {
        case_free(&c);
        return;
    }
    snprintf(path, sizeof path, "%s.safetensors", c.id);
    answer_command(command, &c, &c.classes[0], 0, path, true);
    const struct tensor_file file = {.count = c.input_count, .tensors = c.inputs};
    if (safetensors_write(path, &file, message, sizeof message) == ASSAY_OK)
        fprintf(stderr, "assay: the smallest inputs found that fail are in %s; their answer: %s\n", path, command);
    else
        complain_usage("%s", message);
    case_free(&c);
}

static assay_status fuzz(struct gate *g, unsigned count, uint64_t seed)
{
    struct progress_bar bar = {0};
    assay_status status = ASSAY_OK;
    char again[64];
    snprintf(again, sizeof again, "assay gate --fuzz %u --seed %llu", count, (unsigned long long)seed);
    g->elsewhere = again;
    for (unsigned k = 0; k < count && status == ASSAY_OK; k++) {
        struct draw d = draw_case(input_bits(seed, k));
        bool pass = true;
        status = try_draw(g, &d, &pass);
        if (status == ASSAY_OK && !pass) {
            d = shrink(g, d);
            write_reproducer(&d);
            break;
        }
        show_progress(&bar, "random cases", (double)(k + 1) / (double)count);
    }
    end_progress(&bar);
    return status;
}

/* ---- the gate -------------------------------------------------------------------------------------------------------- */

/* Whether every path of this processor gave results that were judged; names them. */
static bool all_paths(const struct gate *g, char *text, size_t size)
{
    size_t end = 0;
    bool all = true;
    for (int path = ASSAY_FAST_PORTABLE; path < ASSAY_FAST_PATHS; path++)
        if (assay_fast_path_runs((enum assay_fast_path)path)) {
            end += (size_t)snprintf(text + end, size - end, "%s %s", end ? "," : "",
                                    assay_fast_path_name((enum assay_fast_path)path));
            for (size_t w = 0; w < WAYS; w++)
                all = all && g->judged[path][w] > 0;
        }
    return all;
}

static int run_gate_on(struct gate *g, bool large, unsigned random, uint64_t seed, enum findings_format format)
{
    char title[256], paths[128] = "";
    struct progress_bar bar = {0};
    assay_status status = ASSAY_OK;
    for (size_t m = 0; m < g->set.count && status == ASSAY_OK; m++)
        for (size_t k = 0; k < g->set.manifests[m].count && status == ASSAY_OK; k++) {
            const struct golden_case *c = &g->set.manifests[m].cases[k];
            if (kernel_exists(c->operation))
                status = judge_case(g, c);
            show_progress(&bar, operation_names[c->operation], (double)(k + 1) / (double)g->set.manifests[m].count);
        }
    end_progress(&bar);
    if (status == ASSAY_OK && large)
        status = judge_large(g);
    if (status == ASSAY_OK)
        status = fuzz(g, random, seed);
    if (status != ASSAY_OK) {
        complain_usage("%s", g->message[0] ? g->message : assay_status_text(status));
        return EXIT_OURS;
    }
    bool all = all_paths(g, paths, sizeof paths);
    snprintf(title, sizeof title, "assay's fast kernels (%s), golden set %s, %s%u random cases of seed %llu", paths + 1,
             MANIFEST_VERSION, large ? "large cases, " : "", random, (unsigned long long)seed);
    g->findings.title = title;
    if (!findings_print(&g->findings, format))
        return complain_usage("standard output cannot be written");
    if (!all)
        complain_usage("not every path of this processor was judged");
    return findings_count(&g->findings, FINDING_FAIL) > 0 || !all ? EXIT_FAILED : EXIT_PASS;
}

int run_gate(int argc, char **argv)
{
    const char *given = NULL, *format_text = NULL, *random_text = NULL, *seed_text = NULL;
    bool help = false, small = false;
    unsigned random = 200, seed = 1;
    enum findings_format format;
    const struct option options[] = {
        {"set", 0, &given, NULL, NULL, NULL, "the folder of the set (default: the one that belongs to this program)"},
        {"fuzz", 0, &random_text, NULL, NULL, NULL, "how many random cases (default 200)"},
        {"seed", 0, &seed_text, NULL, NULL, NULL, "of the random cases (default 1)"},
        {"small", 0, NULL, &small, NULL, NULL, "without large cases, of 1024 x 1024 and more"},
        {"format", 0, &format_text, NULL, NULL, NULL, "text, json, junit, tap, markdown or github"},
        {"help", 'h', NULL, &help, NULL, NULL, "print this"},
    };
    argc = parse_options(argc, argv, options, sizeof options / sizeof options[0]);
    if (help) {
        puts("usage: assay gate [options]\n\nJudges the fast kernels, in every way that this processor can run them: "
             "by the golden set,\nby large cases, then by random cases against the reference.\n\noptions:");
        print_options(options, sizeof options / sizeof options[0]);
        return EXIT_PASS;
    }
    if (argc != 0)
        return argc < 0 ? EXIT_USAGE : complain_usage("gate takes nothing but options");
    if ((random_text && !parse_count(random_text, 0, 1000000000, &random)) ||
        (seed_text && !parse_count(seed_text, 0, 1000000000, &seed)))
        return complain_usage("--fuzz and --seed take numbers up to 1000000000");
    if (!findings_parse_format(format_text, &format))
        return EXIT_USAGE;
    char *folder = set_folder(given);
    struct gate g = {.folder = folder};
    if (!g.folder)
        return EXIT_SET;
    int code = EXIT_SET;
    if (set_read(&g.set, g.folder, g.message, sizeof g.message) == ASSAY_OK)
        code = run_gate_on(&g, !small, random, seed, format);
    else
        complain_usage("%s", g.message);
    free_findings(&g);
    set_free(&g.set);
    free(folder);
    return code;
}
