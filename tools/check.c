/* assay check: judges the results of a port. */
#include "command.h"
#include "judging.h"
#include "own_cases.h"
#include "search.h"
#include "statistic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was asked for. */
struct check {
    struct judging j;
    bool partial;
    enum findings_format format;
};

/* ---- all results together ------------------------------------------------------------------------------------------------ */

static void add_statistic(struct findings *f, const struct check *check, enum tensor_type format, size_t which,
                          const struct statistic *s)
{
    static const struct golden_case suite = {
        .id = "suite", .why = "what the noise of the format hides in each case shows in all of them together"};
    char text[STATISTIC_TEXT], command[VERDICT_TEXT + 32], word[VERDICT_TEXT];
    bool number = which < NUMBERS;
    struct finding finding = {.kind = s->pass ? FINDING_PASS : FINDING_FAIL,
                              .operation = FINDING_SUITE,
                              .format = format,
                              .c = &suite,
                              .dialect = check->j.dialect->name,
                              .output = number ? number_names[which] : bugs[which - NUMBERS].name};
    finding.ratio = fmax(number ? fabs(s->value - s->expected) / s->allowed : s->value / s->allowed, 0);
    if (!s->pass) {
        statistic_text(text, which, s);
        shell_word(word, check->j.results->path);
        snprintf(command, sizeof command, "assay identify %s", word);
        finding.text = text;
        finding.command = command;
    }
    findings_add(f, finding);
}

/* Of the bugs that the results look like, the one that they are farthest on the way to; the others resemble it. */
static size_t worst_bug(const struct statistic found[STATISTICS])
{
    size_t worst = STATISTICS;
    for (size_t k = NUMBERS; k < STATISTICS; k++)
        if (!found[k].pass &&
            (worst == STATISTICS || !(found[k].value / found[k].allowed <= found[worst].value / found[worst].allowed)))
            worst = k;
    return worst;
}

/* Statistics are of use where bounds are wide. */
static assay_status judge_suite(struct findings *f, const struct check *check)
{
    const struct judging *j = &check->j;
    enum tensor_type format = judged_format(j, OPERATION_NEWTON_SCHULZ);
    const assay_options options = {.threads = 1};
    struct statistic found[STATISTICS];
    struct evidence e;
    if (j->cases || (format != TENSOR_BF16 && format != TENSOR_F16))
        return ASSAY_OK;
    if (!evidence_gather(&e, j->set, j->results))
        return ASSAY_NO_MEMORY;
    size_t count = 0;
    for (size_t k = 0; k < e.case_count; k++) {
        const struct golden_case *c = e.cases[k].c;
        const struct answer_class *class = class_of(c, j->dialect->name);
        bool chosen = c->operation == OPERATION_STEP && class && !class->unique; /* by the exact LMO, among several */
        if (class && !class->undefined && !chosen && case_fits(c, operation_format(c->operation, format)))
            e.cases[count++] = e.cases[k];
    }
    assay_status status = statistics_judge(found, j->dialect, e.cases, count, format, &options);
    size_t worst = status == ASSAY_OK ? worst_bug(found) : 0;
    for (size_t k = 0; k < STATISTICS && status == ASSAY_OK; k++)
        if (found[k].judged && (k < NUMBERS || found[k].pass || k == worst))
            add_statistic(f, check, format, k, &found[k]);
    evidence_free(&e);
    return status;
}

/* ---- what failures mean --------------------------------------------------------------------------------------------------- */

/* How many of the results agree with a dialect and how many contradict it. */
struct agreement {
    size_t passed, failed;
};

static struct agreement agreement_with(const struct check *check, const struct assay_dialect *d)
{
    char message[ASSAY_MESSAGE_SIZE] = "";
    struct judging j = check->j;
    struct findings f = {0};
    bool judged = true;
    j.dialect = d;
    j.any_format = false; /* one dialect's noise is not another's excuse */
    for (int o = OPERATION_NEWTON_SCHULZ; o < OPERATIONS && judged; o++) {
        j.format = judged_format(&check->j, (enum operation)o);
        if (is_tried(&j, (enum operation)o))
            judged = judge_operation(&f, &j, (enum operation)o, message) == ASSAY_OK;
    }
    struct agreement t = {judged ? findings_count(&f, FINDING_PASS) : 0,
                          judged ? findings_count(&f, FINDING_FAIL) : SIZE_MAX};
    findings_free(&f);
    return t;
}

/* Says which other dialects the fewest of the results contradict, if those are at most `least` and less than a quarter of ours,
 * and more of them agree than with ours: one that takes few of the results has few to fail. Returns whether there is any. */
static bool tell_nearest(struct findings *f, const struct check *check, struct agreement ours, size_t least)
{
    char names[4096] = "";
    size_t used = 0;
    for (size_t d = 0; d < assay_dialect_count; d++) {
        struct agreement t = agreement_with(check, &assay_dialects[d]);
        if (t.passed <= ours.passed || 4 * t.failed >= ours.failed || t.failed > least)
            continue;
        used = t.failed < least ? 0 : used;
        least = t.failed;
        used += (size_t)snprintf(names + used, sizeof names - used, "%s %s", used ? "," : "", assay_dialects[d].name);
    }
    if (used > 0 && least == 0)
        findings_remark(f, false, "Everything passes as%s.", names);
    else if (used > 0)
        findings_remark(f, false, "Only %zu outputs fail as%s.", least, names);
    return used > 0;
}

/* What is no failure: results near their bounds, and parameters that look narrower than they should be. */
static void warn(struct findings *f, const struct check *check)
{
    size_t near = 0, narrow = 0, params = 0;
    for (size_t k = 0; k < f->count; k++) {
        const struct finding *x = &f->each[k];
        near += x->kind == FINDING_PASS && x->ratio > 0.5;
        if (x->operation != OPERATION_STEP || strcmp(x->output, "params") != 0 || x->kind == FINDING_MISSING)
            continue;
        const struct tensor *p = results_find(check->j.results, x->c->id, x->output);
        bool fits = true;
        for (size_t i = 0; i < p->count && fits; i++)
            fits = isfinite(p->at[i]) && tensor_holds(TENSOR_BF16, p->at[i]);
        params++;
        narrow += fits;
    }
    const char *mutated = results_remark(check->j.results, "mutated");
    const char *version = other_version(&check->j);
    if (version)
        findings_remark(f, true, "these are results of golden set %s: run the port again over %s",
                        quote(version, strlen(version)).text, MANIFEST_VERSION);
    if (mutated)
        findings_remark(f, true,
                        "the port writes into its inputs (%.*s and maybe others): whoever reads a gradient again finds "
                        "another",
                        (int)strcspn(mutated, " "), mutated);
    if (near > 0)
        findings_remark(f, true, "%zu outputs pass with an error above half the bound", near);
    if (params > 0 && narrow == params)
        findings_remark(f, true,
                        "every parameter is a bfloat16 number: where they are kept so, small updates are lost");
}

/* Bounds of the dialect's format are no test of a port that computes in a finer one. */
static void warn_of_finer(struct findings *f, const struct check *check)
{
    enum tensor_type format = format_of(OPERATION_NEWTON_SCHULZ, check->j.dialect);
    struct evidence e;
    if (!check->j.any_format || format == TENSOR_F32 || !is_tried(&check->j, OPERATION_NEWTON_SCHULZ))
        return;
    if (evidence_gather(&e, check->j.set, check->j.results) && evidence_format(&e) == TENSOR_F32)
        findings_remark(f, true, "directions are finer than %s, which they are judged as: see --dtype",
                        format_names[format]);
    evidence_free(&e);
}

/* Names the known bug of the dialect that the results look like, and the dialects that they are as near to; or says what to do. What
 * has another shape is no evidence for any bug. */
static void tell_meaning(struct findings *f, const struct check *check)
{
    const struct bug *bug = NULL;
    struct agreement ours = {findings_count(f, FINDING_PASS), findings_count(f, FINDING_FAIL)};
    size_t misshapen = 0;
    char word[VERDICT_TEXT];
    struct evidence e;
    enum tensor_type format = judged_format(&check->j, OPERATION_NEWTON_SCHULZ);
    for (size_t k = 0; k < f->count; k++)
        misshapen += f->each[k].misshapen;
    size_t left = ours.failed - misshapen;
    shell_word(word, check->j.results->path);
    if (evidence_gather(&e, check->j.set, check->j.results) && left > 0 &&
        search_bug(&bug, &left, &e, check->j.dialect, format) == ASSAY_OK && bug)
        findings_remark(f, false, "It looks like a known bug, %s: the port %s.", bug->name, bug->meaning);
    left += misshapen;
    if (bug && left > 0)
        findings_remark(f, false, "It does not explain %zu outputs; assay identify %s looks further.", left, word);
    if (misshapen > 0)
        findings_remark(f, false, "%zu of the outputs that fail have another shape than their answers.", misshapen);
    evidence_free(&e);
    if (!tell_nearest(f, check, ours, left) && !bug)
        findings_remark(f, false, "No other dialect and no known bug explains it; assay identify %s looks further.",
                        word);
}

/* Prints all of it. `suite`: what failed are statistics alone, which say themselves what they mean. */
static int conclude(struct findings *f, const struct check *check, bool suite)
{
    bool failed = findings_count(f, FINDING_FAIL) > 0;
    warn(f, check);
    warn_of_finer(f, check);
    if (failed && !check->j.cases && !suite)
        tell_meaning(f, check);
    if (!findings_print(f, check->format))
        return complain_usage("standard output cannot be written");
    return failed ? EXIT_FAILED : findings_incomplete(f) ? EXIT_INCOMPLETE : EXIT_PASS;
}

/* Whether results of the operation are to be there. Steps hold the momentum of a port whose buffer is its own affair. */
static bool is_demanded(const struct check *check, enum operation operation)
{
    return is_expected(&check->j, operation) &&
           !(operation == OPERATION_MOMENTUM && is_tried(&check->j, OPERATION_STEP));
}

/* Whether every case of the user's own can be judged; of the golden set's it is known which can. Else complains. */
static bool own_cases_fit(const struct judging *j)
{
    const struct manifest *m = &j->set->manifests[0];
    enum tensor_type format = judged_format(j, m->operation);
    for (size_t k = 0; j->cases && k < m->count; k++) {
        const struct golden_case *c = &m->cases[k];
        if (class_of(c, j->dialect->name) && case_fits(c, format))
            continue;
        if (!class_of(c, j->dialect->name))
            complain_usage("%s: %s does not take the tensors of case '%s'", j->cases, j->dialect->name, c->id);
        else
            complain_usage("%s: the inputs of case '%s' are not all %s numbers: round them, or give a wider --dtype",
                           j->cases, c->id, format_names[format]);
        return false;
    }
    return true;
}

static int check_results(const struct check *check)
{
    struct findings f = {.partial = check->partial};
    char title[256], untried[256] = "", message[ASSAY_MESSAGE_SIZE] = "";
    if (!own_cases_fit(&check->j))
        return EXIT_USAGE;
    if (complain_unknown(&check->j))
        return EXIT_USAGE;
    snprintf(title, sizeof title, "%s as %s, %s %s", check->j.results->path, check->j.dialect->name,
             check->j.cases ? "cases" : "golden set", check->j.cases ? check->j.cases : MANIFEST_VERSION);
    f.title = title;
    assay_status status = ASSAY_OK;
    for (int o = 0; o < OPERATIONS && status == ASSAY_OK; o++) {
        if (is_tried(&check->j, (enum operation)o))
            status = judge_operation(&f, &check->j, (enum operation)o, message);
        else if (is_demanded(check, (enum operation)o))
            snprintf(untried + strlen(untried), sizeof untried - strlen(untried), "%s%s", untried[0] ? ", " : "",
                     operation_names[o]);
    }
    f.untried = untried[0] ? untried : NULL;
    bool clean = findings_count(&f, FINDING_FAIL) == 0;
    if (status == ASSAY_OK && clean)
        status = judge_suite(&f, check);
    int code = EXIT_OURS;
    if (status != ASSAY_OK)
        complain_usage("%s", message[0] ? message : assay_status_text(status));
    else
        code = conclude(&f, check, clean);
    findings_free(&f);
    return code;
}

/* Reads set and results, and checks. */
static int run(struct check *check, const char *folder, const char *path)
{
    struct golden_set set;
    struct results results;
    char message[ASSAY_MESSAGE_SIZE] = "";
    assay_status status = check->j.cases
                              ? own_cases_read(&set, check->j.cases, check->j.dialect, message, sizeof message)
                              : set_read(&set, folder, message, sizeof message);
    if (status != ASSAY_OK) {
        complain_usage("%s", message[0] ? message : assay_status_text(status));
        return check->j.cases ? exit_code_of(status) : EXIT_SET;
    }
    int code = EXIT_USAGE;
    if (results_read(&results, path, message, sizeof message) == ASSAY_OK) {
        check->j.set = &set;
        check->j.folder = folder;
        check->j.results = &results;
        code = check_results(check);
        results_free(&results);
    } else {
        complain_usage("%s", message);
    }
    set_free(&set);
    return code;
}

int run_check(int argc, char **argv)
{
    const char *given = NULL, *dialect = NULL, *dtype = NULL, *format = NULL;
    struct check check = {0};
    bool help = false;
    const struct option options[] = {
        {"dialect", 'd', &dialect, NULL, NULL, NULL, "whose conventions the port follows: assay dialects lists them"},
        {"dtype", 0, &dtype, NULL, NULL, NULL,
         "what the port computes directions in: auto (the dialect's), f64, f32, f16, bf16"},
        {"partial", 0, NULL, &check.partial, NULL, NULL, "results that are missing are no failure"},
        {"set", 0, &given, NULL, NULL, NULL, "the folder of the set (default: the one that belongs to this program)"},
        {"cases", 0, &check.j.cases, NULL, NULL, NULL,
         "judge by cases of your own, FILE.json and FILE.safetensors, that the reference answers"},
        {"format", 0, &format, NULL, NULL, NULL, "text, json, junit, tap, markdown or github"},
        {"help", 'h', NULL, &help, NULL, NULL, "print this"},
    };
    argc = parse_options(argc, argv, options, sizeof options / sizeof options[0]);
    if (help) {
        puts("usage: assay check --dialect NAME RESULTS [options]\n\nJudges the results of a port: a .safetensors file "
             "with tensors ID/NAME, or a folder of ID/NAME.npy.\n\noptions:");
        print_options(options, sizeof options / sizeof options[0]);
        return EXIT_PASS;
    }
    if (argc != 1 || !dialect)
        return argc < 0
                   ? EXIT_USAGE
                   : complain_usage(
                         "check takes --dialect NAME (assay identify tells which) and one file or folder of results");
    check.j.dialect = assay_dialect_find(dialect);
    if (!check.j.dialect)
        return complain_usage("there is no dialect '%s' (assay dialects lists them)", dialect);
    if (!parse_dtype(dtype, &check.j) || !findings_parse_format(format, &check.format))
        return EXIT_USAGE;
    if (given && check.j.cases)
        return complain_usage("--set and --cases exclude each other");
    char *folder = check.j.cases ? NULL : set_folder(given);
    int code = folder || check.j.cases ? run(&check, folder, argv[0]) : EXIT_SET;
    free(folder);
    return code;
}
