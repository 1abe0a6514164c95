/* assay gate: judges our fast kernels by the golden set, by large cases, then by random cases against the reference. */
#include "command.h"
#include "draws.h"
#include "findings.h"
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
    unsigned judged[ASSAY_FAST_PATHS][WAYS]; /* 1 << each of the KERNEL_SHAPES of which results were */
    const char *elsewhere;                   /* what repeats a case that is not of the set; NULL for those of it */
    struct drawn_case **others;              /* these cases: findings point to them */
    size_t other_count;
    char message[ASSAY_MESSAGE_SIZE];
};

enum { FAILURE_TEXT = VERDICT_TEXT + 64 };

/* ---- one case -------------------------------------------------------------------------------------------------------- */

/* A case that is not of the set, empty. */
static struct drawn_case *add_case(struct gate *g)
{
    g->others = or_end(realloc(g->others, (g->other_count + 1) * sizeof *g->others));
    return g->others[g->other_count++] = or_end(calloc(1, sizeof **g->others));
}

static void free_findings(struct gate *g)
{
    findings_free(&g->findings);
    for (size_t k = 0; k < g->other_count; k++) {
        case_free(&g->others[k]->c);
        free(g->others[k]);
    }
    free(g->others);
}

/* A case as kernels in one way see it. */
struct trial {
    const struct golden_case *c;
    const struct answer_class *k;
    const struct assay_dialect *d; /* or NULL */
    size_t way;
    struct kernel_choice choice;
    enum tensor_type format;
    double *results[CASE_ANSWERS];
    struct kernel_report report;
};

/* Adds what is found about output a, which has this name; of a failure what is wrong, and the command that computes the answer. */
static void add_finding(struct gate *g, const struct trial *t, enum finding_kind kind, size_t a, const char *output,
                        double ratio, const char *wrong)
{
    char text[FAILURE_TEXT], command[VERDICT_TEXT];
    struct answer_class named = *t->k;
    named.name = t->d ? t->d->name : "";
    snprintf(text, sizeof text, "[%s%s] %s", assay_fast_path_name(t->choice.path),
             t->choice.form == ASSAY_FAST_GRAM_FORM ? ", Gram form" : "", wrong);
    if (g->elsewhere)
        snprintf(command, sizeof command, "%s", g->elsewhere);
    else
        verdict_command(command, t->c, &named, a, g->folder);
    findings_add(&g->findings, (struct finding){.kind = kind,
                                                .operation = t->c->operation,
                                                .format = t->format,
                                                .c = t->c,
                                                .dialect = named.name,
                                                .output = output,
                                                .ratio = ratio,
                                                .text = kind == FINDING_FAIL ? text : NULL,
                                                .command = kind == FINDING_FAIL ? command : NULL});
}

/* Whether results may overflow where no bound says anything: not those of a named dialect, of which our kernels return a number
 * where ports may overflow or may choose. One with axes changed may iterate with the coefficients of one dialect beyond the norm
 * that they converge for. */
static bool may_overflow(const struct trial *t)
{
    return kernel_iterates(t->c->operation, t->d) && !assay_dialect_find(t->d->name);
}

static assay_status judge_output(struct gate *g, const struct trial *t, size_t a)
{
    const assay_options options = {.threads = 1, .message = g->message, .message_size = sizeof g->message};
    const struct answer *answer = &t->k->answers[a];
    struct verdict v;
    char wrong[VERDICT_TEXT] = "";
    struct answer_class named = *t->k;
    named.name = t->d ? t->d->name : "";
    assay_status status = judge(&v, t->c, &named, a, t->format, t->results[a], &options);
    if (status != ASSAY_OK)
        return status;
    bool fails = !v.pass || (!may_overflow(t) && !numbers_are_finite(t->results[a], answer->count));
    if (!v.pass)
        verdict_text(wrong, &v, t->c, &named, a);
    else
        snprintf(wrong, sizeof wrong, "case %s, %s, %s: not finite, as the answer is", t->c->id, named.name,
                 answer->name);
    enum finding_kind kind = fails ? FINDING_FAIL : v.judged ? FINDING_PASS : FINDING_NOT_JUDGED;
    add_finding(g, t, kind, a, answer->name, v.judged ? v.ratio : NAN, wrong);
    g->judged[t->choice.path][t->way] |= v.judged ? t->report.shapes : 0;
    return ASSAY_OK;
}

/* Adds what is wrong otherwise with a run, if anything is. */
static void add_complaint(struct gate *g, const struct trial *t, const char *input, const char *complaint)
{
    char wrong[VERDICT_TEXT];
    snprintf(wrong, sizeof wrong, "case %s%s%s%s: %s", t->c->id, t->d ? ", " : "", t->d ? t->d->name : "", input,
             complaint ? complaint : "");
    if (complaint)
        add_finding(g, t, FINDING_FAIL, 0, "status", NAN, wrong);
}

/* Of larger cases there are few, and one place of these says little. */
enum { MOST_WITH_NAN = 1 << 16 };

/* The case once more with NaN at one place of its gradient: that must come out somewhere, and be told. */
static assay_status judge_with_nan(struct gate *g, const struct trial *t)
{
    const char *name = t->c->operation == OPERATION_STEP       ? "grads"
                       : t->c->operation == OPERATION_MOMENTUM ? "grad"
                                                               : "G";
    const struct tensor *x = case_input(t->c, name), *present = case_input(t->c, "present");
    struct golden_case with = *t->c;
    struct tensor *changed = &with.inputs[x - t->c->inputs];
    size_t place = input_bits(input_seed(t->c->id), 0) % x->count;
    if (x->count > MOST_WITH_NAN || (present && present->at[place * present->count / x->count] == 0))
        return ASSAY_OK;
    changed->at = or_end(malloc(x->count * sizeof *x->at));
    memcpy(changed->at, x->at, x->count * sizeof *x->at);
    changed->at[place] = NAN;
    struct kernel_report report;
    char input[64];
    assay_status status = kernel_run(t->results, &report, &with, t->k, t->d, &t->choice, g->message);
    bool lost = true;
    for (size_t a = 0; a < t->k->answer_count && status == ASSAY_OK; a++)
        lost = lost && numbers_are_finite(t->results[a], t->k->answers[a].count);
    snprintf(input, sizeof input, ", with NaN at place %zu of %s", place, name);
    if (status == ASSAY_OK)
        add_complaint(g, t, input, report.untrue ? report.untrue : lost ? "every result is finite" : NULL);
    free(changed->at);
    return status;
}

/* What the kernels make of the case in this way, judged. */
static assay_status judge_kernel(struct gate *g, const struct golden_case *c, const struct answer_class *k,
                                 const struct assay_dialect *d, enum assay_fast_path path, size_t way)
{
    struct trial t = {c, k, d, way, .choice = {path, ways[way].arithmetic, ways[way].form}};
    t.format = kernel_format(c->operation, d, t.choice.arithmetic);
    if (!case_fits(c, t.format) || !case_fits(c, TENSOR_F32))
        return ASSAY_OK;
    for (size_t a = 0; a < k->answer_count; a++)
        t.results[a] = or_end(malloc(k->answers[a].count * sizeof(double)));
    assay_status status = kernel_run(t.results, &t.report, c, k, d, &t.choice, g->message);
    for (size_t a = 0; a < k->answer_count && status == ASSAY_OK; a++)
        status = judge_output(g, &t, a);
    if (status == ASSAY_OK) {
        add_complaint(g, &t, "", t.report.untrue);
        status = judge_with_nan(g, &t);
    } else if (status == ASSAY_INVALID) {
        add_complaint(g, &t, "", "refused, where the reference has an answer");
        status = ASSAY_OK;
    }
    for (size_t a = 0; a < k->answer_count; a++)
        free(t.results[a]);
    return status;
}

/* In every way that this processor has, from this path on. */
static assay_status judge_class(struct gate *g, const struct golden_case *c, const struct answer_class *k,
                                const struct assay_dialect *d, int path)
{
    size_t count = kernel_iterates(c->operation, d) ? WAYS : 1;
    assay_status status = ASSAY_OK;
    for (; path < ASSAY_FAST_PATHS && status == ASSAY_OK; path++)
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
        if (class->undefined)
            continue;
        if (!operation_has_dialects(c->operation))
            status = judge_class(g, c, class, NULL, ASSAY_FAST_PORTABLE);
        for (size_t m = 0; m < class->member_count && status == ASSAY_OK; m++)
            status = judge_class(g, c, class, class->members[m], ASSAY_FAST_PORTABLE);
    }
    return status;
}

/* The first so many; huge ones on the best path alone, for others would take hours. */
static assay_status judge_large(struct gate *g, size_t count)
{
    struct progress_bar bar = {0};
    assay_status status = ASSAY_OK;
    int best = (int)kernel_best_path();
    g->elsewhere = count > large_count ? "assay gate --huge" : "assay gate";
    for (size_t k = 0; k < count && status == ASSAY_OK; k++) {
        struct golden_case *c = &add_case(g)->c;
        struct assay_dialect d;
        status = large_case(c, &d, k);
        if (status == ASSAY_OK)
            status = judge_class(g, c, c->classes, &d, k < large_count ? ASSAY_FAST_PORTABLE : best);
        show_progress(&bar, "large cases", (double)(k + 1) / (double)count);
    }
    end_progress(&bar);
    return status;
}

/* ---- random cases ---------------------------------------------------------------------------------------------------- */

/* Judges one random case; returns whether it passes, or has no answer. */
static assay_status try_draw(struct gate *g, const struct draw *d, bool *pass)
{
    struct drawn_case *made = add_case(g);
    size_t before = findings_count(&g->findings, FINDING_FAIL);
    assay_status status = draw_make(made, d, g->message);
    bool none =
        status == ASSAY_INVALID || status == ASSAY_UNDEFINED || status == ASSAY_UNDECIDED || status == ASSAY_RANGE;
    if (status == ASSAY_OK)
        status = judge_case(g, &made->c);
    *pass = findings_count(&g->findings, FINDING_FAIL) == before;
    return none ? ASSAY_OK : status;
}

/* Halves the sizes of a failing case as long as it fails. */
static struct draw shrink(struct gate *g, struct draw d)
{
    for (bool again = true; again;) {
        struct draw smaller[DRAW_SIZES];
        size_t count = draw_smaller(smaller, &d);
        again = false;
        for (size_t k = 0; k < count && !again; k++) {
            struct gate scratch = {.folder = g->folder, .elsewhere = g->elsewhere};
            bool pass = true;
            if (try_draw(&scratch, &smaller[k], &pass) == ASSAY_OK && !pass) {
                d = smaller[k];
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
    struct drawn_case made;
    const struct golden_case *c = &made.c;
    char path[CASE_TEXT + 16], command[VERDICT_TEXT], message[ASSAY_MESSAGE_SIZE] = "";
    if (draw_make(&made, d, message) != ASSAY_OK) {
        case_free(&made.c);
        return;
    }
    snprintf(path, sizeof path, "%s.safetensors", c->id);
    answer_command(command, c, &c->classes[0], 0, path, true);
    const struct tensor_file file = {.count = c->input_count, .tensors = made.c.inputs};
    if (safetensors_write(path, &file, message, sizeof message) == ASSAY_OK)
        fprintf(stderr, "assay: the smallest inputs found that fail are in %s; their answer: %s\n", path, command);
    else
        complain_usage("%s", message);
    case_free(&made.c);
}

static assay_status fuzz(struct gate *g, unsigned count, uint64_t seed)
{
    struct progress_bar bar = {0};
    assay_status status = ASSAY_OK;
    char again[64];
    snprintf(again, sizeof again, "assay gate --fuzz %u --seed %llu", count, (unsigned long long)seed);
    g->elsewhere = again;
    for (unsigned k = 0; k < count && status == ASSAY_OK; k++) {
        struct draw d = draw_case(seed, k);
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

/* The paths of this processor. */
static void name_paths(char *text, size_t size)
{
    size_t end = 0;
    for (int path = ASSAY_FAST_PORTABLE; path < ASSAY_FAST_PATHS; path++)
        if (assay_fast_path_runs((enum assay_fast_path)path))
            end += (size_t)snprintf(text + end, size - end, "%s%s", end ? ", " : "",
                                    assay_fast_path_name((enum assay_fast_path)path));
}

/* Whether each of them gave results that were judged, in every way, of matrices of every kind; says which did not. */
static bool all_judged(const struct gate *g)
{
    for (int path = ASSAY_FAST_PORTABLE; path < ASSAY_FAST_PATHS; path++)
        for (size_t w = 0; w < WAYS && assay_fast_path_runs((enum assay_fast_path)path); w++)
            for (unsigned shape = 0; shape < KERNEL_SHAPES; shape++)
                if (!(g->judged[path][w] >> shape & 1)) {
                    complain_usage("no result of %s, %s%s, %s, %s was judged",
                                   assay_fast_path_name((enum assay_fast_path)path),
                                   ways[w].arithmetic == ASSAY_FAST_BF16 ? "bf16" : "fp32",
                                   ways[w].form == ASSAY_FAST_GRAM_FORM ? " in the Gram form" : "",
                                   shape & KERNEL_BATCH ? "several matrices" : "one matrix",
                                   shape & KERNEL_TAILS ? "with tiles in part" : "of whole tiles");
                    return false;
                }
    return true;
}

static int run_gate_on(struct gate *g, size_t large, unsigned random, uint64_t seed, enum findings_format format)
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
    if (status == ASSAY_OK)
        status = judge_large(g, large);
    if (status == ASSAY_OK)
        status = fuzz(g, random, seed);
    if (status != ASSAY_OK) {
        complain_usage("%s", g->message[0] ? g->message : assay_status_text(status));
        return EXIT_OURS;
    }
    name_paths(paths, sizeof paths);
    snprintf(title, sizeof title, "assay's fast kernels (%s), golden set %s, %s%u random cases of seed %llu", paths,
             MANIFEST_VERSION,
             large > large_count   ? "huge cases, "
             : large > small_count ? "large cases, "
                                   : "",
             random, (unsigned long long)seed);
    g->findings.title = title;
    if (!findings_print(&g->findings, format))
        return complain_usage("standard output cannot be written");
    return all_judged(g) && findings_count(&g->findings, FINDING_FAIL) == 0 ? EXIT_PASS : EXIT_FAILED;
}

int run_gate(int argc, char **argv)
{
    const char *given = NULL, *format_text = NULL, *random_text = NULL, *seed_text = NULL;
    bool help = false, small = false, huge = false;
    unsigned random = 200, seed = 1;
    enum findings_format format;
    const struct option options[] = {
        {"set", 0, &given, NULL, NULL, NULL, "the folder of the set (default: the one that belongs to this program)"},
        {"fuzz", 0, &random_text, NULL, NULL, NULL, "how many random cases (default 200)"},
        {"seed", 0, &seed_text, NULL, NULL, NULL, "of the random cases (default 1)"},
        {"small", 0, NULL, &small, NULL, NULL, "without large cases, of 361 x 1103 and more"},
        {"huge", 0, NULL, &huge, NULL, NULL, "with squares of up to 8192 x 8192 too, which take minutes and 4 GiB"},
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
    if (small && huge)
        return complain_usage("--small and --huge exclude each other");
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
        code = run_gate_on(&g, small ? small_count : huge ? huge_count : large_count, random, seed, format);
    else
        complain_usage("%s", g.message);
    free_findings(&g);
    set_free(&g.set);
    free(folder);
    return code;
}
