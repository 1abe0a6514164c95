/* assay identify: which dialect, or which known bug, do results come from? */
#include "command.h"
#include "hypotheses.h"
#include "report.h"
#include "search.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct identification {
    struct judging j;
    bool as_json;
    struct evidence evidence;
    struct search search;
};

/* ---- in words --------------------------------------------------------------------------------------------------------- */

/* What the first hypothesis amounts to. */
static const char *verdict(const struct hypothesis *h)
{
    return search_explains(h) ? h->bug       ? "a known bug"
                                : h->changes ? "a known dialect with other axes"
                                             : "a known dialect"
                              : "no known convention";
}

static void print_hypothesis(const struct hypothesis *h)
{
    printf("  %-44s contradicted by %zu of %zu outputs, cost %.1f", h->name, h->contradicted, h->predicted, h->cost);
    if (h->silent > 0)
        printf("; says nothing about %zu", h->silent);
    if (h->denied)
        printf("; its numbers are others");
    putchar('\n');
}

/* Other dialects that the results do not contradict, and what would. */
static void print_rivals(const struct identification *i, const struct hypothesis *first)
{
    const struct search *s = &i->search;
    bool any = false;
    for (size_t k = 0; k < s->count && first->changes == 0 && !first->bug; k++) {
        const struct hypothesis *h = &s->each[k];
        double times;
        if (h == first || !h->judged || h->contradicted > first->contradicted || h->changes > 0 || h->bug ||
            search_same(first, h))
            continue;
        if (!any)
            puts("\nnot contradicted either:");
        any = true;
        if (hypotheses_split(i->j.set, &i->evidence, true, first->base, h->base, s->format, &times)) {
            printf("  %-20s less likely: cost %.1f more\n", h->name, h->cost - first->cost);
            continue;
        }
        const struct golden_case *c =
            hypotheses_split(i->j.set, &i->evidence, false, first->base, h->base, s->format, &times);
        if (c)
            printf("  %-20s results for case %s would tell (%.3g times what rounding does)\n", h->name, c->id, times);
        else
            printf("  %-20s no case of this set can tell them apart in %s\n", h->name, format_names[s->format]);
    }
}

static void print_axes(const struct search *s)
{
    puts("\nevidence for each axis of it (what changing it alone would contradict):");
    for (size_t k = 0; k < s->axis_count; k++) {
        const struct axis_evidence *a = &s->axes[k];
        printf("  %-16s %-16s ", assay_axes[a->axis].name, a->value);
        if (a->contradicted > 0)
            printf("else %s: %zu outputs contradict it\n", a->other, a->contradicted);
        else
            printf("open: %s would do as well\n", a->other);
    }
}

/* Whether the number is one to tell of: a triple only if every step has it. */
static bool told(const struct hypothesis *h, size_t number)
{
    bool coefficient = number <= NUMBER_C;
    return number != NUMBER_ROUNDING && (!coefficient || (h->dialect.coefficients && numbers_repeat(&h->dialect)));
}

static void print_numbers(const struct search *s)
{
    if (!search_explains(&s->each[0])) {
        puts("\nnumbers of the port: not told, for nothing explains the results");
        return;
    }
    printf("\nnumbers of the port, if it is %s otherwise:\n", s->each[0].name);
    for (size_t k = 0; k < NUMBERS; k++) {
        const struct number_estimate *x = &s->each[0].numbers[k];
        /* to a tenth of the error */
        int digits = (int)fmin(fmax(2 + ceil(log10(fabs(x->value) / x->error)), 2), 17);
        char far[64] = "";
        if (number_excluded(x, NUMBER_FAR))
            snprintf(far, sizeof far, ", %.0f standard errors away", fabs(x->value - x->nominal) / x->error);
        if (told(&s->each[0], k) && x->seen)
            printf("  %-16s %.*g +- %.2g (it should be %.6g%s), from %zu cases\n", number_names[k], digits, x->value,
                   x->error, x->nominal, far, x->cases);
        else if (told(&s->each[0], k))
            printf("  %-16s not seen in these results\n", number_names[k]);
    }
}

static bool print_text(const struct identification *i)
{
    const struct search *s = &i->search;
    const struct hypothesis *first = &s->each[0];
    printf("%s: %zu outputs of %zu cases, judged as computed in %s\n\n%s%s %s\n", i->j.results->path,
           i->evidence.outputs, i->evidence.case_count, format_names[s->format], verdict(first),
           search_explains(first) ? ":" : "; the nearest is", first->name);
    if (i->evidence.misshapen > 0)
        printf("left out, for their shape is another than the answers': %zu outputs\n", i->evidence.misshapen);
    for (size_t k = 0; k < s->count; k++)
        if (search_same(first, &s->each[k]))
            printf("the same to the last bit: %s\n", s->each[k].name);
    if (first->bug)
        printf("the port %s\n", first->bug->meaning);
    puts("\nwhat explains the results best:");
    for (size_t k = 0; k < s->count && k < 6 && s->each[k].judged; k++)
        print_hypothesis(&s->each[k]);
    print_rivals(i, first);
    print_axes(s);
    print_numbers(s);
    return fflush(stdout) == 0 && !ferror(stdout);
}

/* ---- as data ---------------------------------------------------------------------------------------------------------- */

static json_t *hypothesis_json(const struct hypothesis *h)
{
    report *r = json_object();
    report_add(r, "name", json_string(h->name));
    report_add(r, "dialect", json_string(h->base->name));
    report_add(r, "bug", h->bug ? json_string(h->bug->name) : json_null());
    report_add(r, "contradicted", json_integer((json_int_t)h->contradicted));
    report_add(r, "predicted", json_integer((json_int_t)h->predicted));
    report_add(r, "silent", json_integer((json_int_t)h->silent));
    report_add(r, "cost", report_number(h->cost));
    report_add(r, "denied", json_boolean(h->denied));
    return r;
}

/* value and error are null where the results do not show the number. */
static json_t *number_json(const struct number_estimate *x)
{
    report *r = json_object();
    report_add(r, "value", x->seen ? report_number(x->value) : json_null());
    report_add(r, "error", x->seen ? report_number(x->error) : json_null());
    report_add(r, "nominal", report_number(x->nominal));
    report_add(r, "cases", json_integer((json_int_t)x->cases));
    return r;
}

static bool print_json(const struct identification *i)
{
    const struct search *s = &i->search;
    report *r = json_object(), *effective = json_object(), *axes = json_object();
    json_t *ranking = json_array();
    report_add(r, "verdict", json_string(verdict(&s->each[0])));
    report_add(r, "name", json_string(s->each[0].name));
    report_add(r, "format", json_string(format_names[s->format]));
    report_add(r, "misshapen", json_integer((json_int_t)i->evidence.misshapen));
    for (size_t k = 0; k < s->count && s->each[k].judged; k++)
        json_array_append_new(ranking, hypothesis_json(&s->each[k]));
    for (size_t k = 0; k < s->axis_count; k++)
        report_add(axes, assay_axes[s->axes[k].axis].name,
                   json_pack("{s:s, s:s, s:I}", "value", s->axes[k].value, "else", s->axes[k].other, "contradicted",
                             (json_int_t)s->axes[k].contradicted));
    for (size_t k = 0; k < NUMBERS && search_explains(&s->each[0]); k++)
        if (told(&s->each[0], k))
            report_add(effective, number_names[k], number_json(&s->each[0].numbers[k]));
    json_t *same = json_array();
    for (size_t k = 0; k < s->count; k++)
        if (search_same(&s->each[0], &s->each[k]))
            json_array_append_new(same, json_string(s->each[k].name));
    report_add(r, "same", same);
    report_add(r, "ranking", ranking);
    report_add(r, "axes", axes);
    report_add(r, "effective", effective);
    return report_print(r, true);
}

/* ---- the command ------------------------------------------------------------------------------------------------------ */

static int identify_results(struct identification *i)
{
    if (complain_unknown(&i->j))
        return EXIT_USAGE;
    if (!evidence_gather(&i->evidence, i->j.set, i->j.results))
        return complain_usage("out of memory");
    int code = EXIT_PASS;
    if (i->evidence.outputs == 0) {
        complain_usage("%s holds no result of an operation that depends on a dialect%s", i->j.results->path,
                       i->evidence.misshapen > 0 ? ", but such as have another shape than the answers" : "");
        code = EXIT_INCOMPLETE;
    } else {
        assay_status status = search_run(&i->search, &i->evidence, i->j.any_format, i->j.format);
        if (status != ASSAY_OK)
            code = complain_usage("%s", assay_status_text(status)), code = exit_code_of(status);
        else if (!(i->as_json ? print_json(i) : print_text(i)))
            code = complain_usage("standard output cannot be written");
        if (status == ASSAY_OK && code == EXIT_PASS && (!search_explains(&i->search.each[0]) || i->search.each[0].bug))
            code = EXIT_FAILED;
    }
    search_free(&i->search);
    evidence_free(&i->evidence);
    return code;
}

static int run(struct identification *i, const char *folder, const char *path)
{
    struct golden_set set;
    struct results results;
    char message[ASSAY_MESSAGE_SIZE];
    if (set_read(&set, folder, message, sizeof message) != ASSAY_OK) {
        complain_usage("%s", message);
        return EXIT_SET;
    }
    int code = EXIT_USAGE;
    if (results_read(&results, path, message, sizeof message) == ASSAY_OK) {
        i->j.set = &set;
        i->j.folder = folder;
        i->j.results = &results;
        code = identify_results(i);
        results_free(&results);
    } else {
        complain_usage("%s", message);
    }
    set_free(&set);
    return code;
}

int run_identify(int argc, char **argv)
{
    const char *given = NULL, *dtype = NULL, *format = NULL;
    struct identification i = {0};
    bool help = false;
    const struct option options[] = {
        {"dtype", 0, &dtype, NULL, NULL, NULL, "what the port computes directions in: auto, f64, f32, f16, bf16"},
        {"set", 0, &given, NULL, NULL, NULL, "the folder of the set (default: the one that belongs to this program)"},
        {"format", 0, &format, NULL, NULL, NULL, "text or json"},
        {"help", 'h', NULL, &help, NULL, NULL, "print this"},
    };
    argc = parse_options(argc, argv, options, sizeof options / sizeof options[0]);
    if (help) {
        puts("usage: assay identify RESULTS [options]\n\nSays which dialect of Muon, or which known bug, the results "
             "of a "
             "port come from.\nExit code 0 if a dialect explains them, with axes changed or not; 1 if a bug does, or "
             "nothing.\n\noptions:");
        print_options(options, sizeof options / sizeof options[0]);
        return EXIT_PASS;
    }
    if (argc != 1)
        return argc < 0 ? EXIT_USAGE : complain_usage("identify takes one file or folder of results");
    if (format && strcmp(format, "text") != 0 && strcmp(format, "json") != 0)
        return complain_usage("--format takes text or json, not '%s'", format);
    i.as_json = format && strcmp(format, "json") == 0;
    if (!parse_dtype(dtype, &i.j))
        return EXIT_USAGE;
    char *folder = set_folder(given);
    int code = folder ? run(&i, folder, argv[0]) : EXIT_SET;
    free(folder);
    return code;
}
