/* assay prove [CLAIM ...]: the proof ledger. */
#include "claim.h"
#include "command.h"
#include "jobs.h"
#include "plot.h"
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const char *const verdict_names[] = {"holds", "FAILS", "undecided"};
static const char *const kind_names[] = {"inequality", "equality", "fact", "number", "counter-check", "measured"};

/* The claims that were asked for, and what their runs find: memory that the processes share. */
struct ledger {
    size_t count;
    const struct claim **claims;
    struct findings *found;
    bool quick;
};

/* ---- running ------------------------------------------------------------------------------------------------- */

static void prove_one(void *data, struct job_result *r)
{
    const struct ledger *l = data;
    const assay_options options = {.threads = 1};
    assay_status status = claim_run(l->claims[r->number], &l->found[r->number], l->quick, &options);
    r->value = status == ASSAY_OK ? EXIT_PASS : exit_code_of(status);
}

static void proved_one(void *data, const struct job_result *r)
{
    const struct ledger *l = data;
    if (r->value != EXIT_PASS)
        complain_usage("%s: %s", l->claims[r->number]->id, l->found[r->number].message);
}

static bool run_claims(struct ledger *l, unsigned processes)
{
    const struct jobs jobs = {
        .count = l->count, .processes = processes, .run = prove_one, .done = proved_one, .data = l, .stage = "proving"};
    return jobs_run(&jobs);
}

static size_t count_verdict(const struct ledger *l, enum verdict verdict)
{
    size_t count = 0;
    for (size_t k = 0; k < l->count; k++)
        count += l->found[k].verdict == verdict;
    return count;
}

/* ---- printing ------------------------------------------------------------------------------------------------ */

/* The status that the claim has, if its evidence holds. */
static void status_of(char *text, size_t size, const struct claim *c, const struct findings *f)
{
    if (f->verdict == VERDICT_UNDECIDED)
        snprintf(text, size, "undecided at %ld bits", f->bits);
    else
        snprintf(text, size, "%s", f->verdict == VERDICT_FAILS ? "FAILED" : claim_status_names[c->status]);
}

static void print_table(const struct ledger *l)
{
    const char *family = "";
    double seconds = 0;
    size_t counters = 0;
    for (size_t k = 0; k < l->count; k++) {
        const struct claim *c = l->claims[k];
        const struct findings *f = &l->found[k];
        char slack[SLACK_TEXT], status[40];
        claim_slack(slack, sizeof slack, c, f);
        status_of(status, sizeof status, c, f);
        if (strcmp(family, c->family) != 0)
            printf("%s%s\n", k ? "\n" : "", c->family);
        family = c->family;
        printf("  %-15s %-9s %s\n  %-15s %-9s %s; %s; %.2f s\n", c->id, status, c->statement, "", "", c->source, slack,
               f->seconds);
        seconds += f->seconds;
        for (size_t j = 0; j < f->count; j++)
            counters += f->items[j].kind == ITEM_COUNTER;
    }
    printf("\n%zu claims: %zu hold, %zu fail, %zu undecided; %zu counter-checks; %.1f s\n", l->count,
           count_verdict(l, VERDICT_HOLDS), count_verdict(l, VERDICT_FAILS), count_verdict(l, VERDICT_UNDECIDED),
           counters, seconds);
}

static void print_items(const struct findings *f)
{
    for (size_t j = 0; j < f->count; j++) {
        const struct item *item = &f->items[j];
        printf("  %-13s %s: %s", kind_names[item->kind], item->what, item->value);
        if (item->count > 1)
            printf(" (%zu instances)", item->count);
        printf("%s%s\n", item->verdict == VERDICT_HOLDS ? "" : " -- ",
               item->verdict == VERDICT_HOLDS ? "" : verdict_names[item->verdict]);
    }
    if (f->message[0])
        printf("  %s\n", f->message);
}

/* --explain: the text, then every number of the run. */
static void print_whole(const struct ledger *l)
{
    for (size_t k = 0; k < l->count; k++) {
        const struct claim *c = l->claims[k];
        const struct findings *f = &l->found[k];
        char status[40];
        status_of(status, sizeof status, c, f);
        printf("%s%s  %s\nsource: %s\nstatus: %s, with %ld bits, in %.2f s\n\n", k ? "\n\n" : "", c->id, c->statement,
               c->source, status, f->bits, f->seconds);
        for (const char *const *line = claim_text(c->name); line && *line; line++)
            puts(*line);
        puts("\nWhat this run certified:\n");
        print_items(f);
    }
}

static json_t *items_of(const struct findings *f)
{
    json_t *items = json_array();
    for (size_t j = 0; j < f->count; j++) {
        const struct item *item = &f->items[j];
        report *r = json_object();
        report_add(r, "kind", json_string(kind_names[item->kind]));
        report_add(r, "what", json_string(item->what));
        report_add(r, "value", json_string(item->value));
        report_add(r, "instances", json_integer((json_int_t)item->count));
        report_add(r, "exact", json_boolean(item->exact));
        report_add(r, "verdict", json_string(verdict_names[item->verdict]));
        json_array_append_new(items, r);
    }
    return items;
}

static void print_json(const struct ledger *l)
{
    report *all = json_object();
    for (size_t k = 0; k < l->count; k++) {
        const struct claim *c = l->claims[k];
        const struct findings *f = &l->found[k];
        report *r = json_object();
        char slack[SLACK_TEXT];
        claim_slack(slack, sizeof slack, c, f);
        report_add(r, "family", json_string(c->family));
        report_add(r, "statement", json_string(c->statement));
        report_add(r, "source", json_string(c->source));
        report_add(r, "status", json_string(claim_status_names[c->status]));
        report_add(r, "verdict", json_string(verdict_names[f->verdict]));
        report_add(r, "slack", json_string(slack));
        report_add(r, "bits", json_integer(f->bits));
        report_add(r, "seconds", json_real(f->seconds));
        report_add(r, "items", items_of(f));
        report_add(all, c->id, r);
    }
    json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(all);
}

/* Without what depends on how many instances were run, so that proofs/README.md is the same by any run. */
static void print_markdown(const struct ledger *l)
{
    const char *family = "";
    for (size_t k = 0; k < l->count; k++) {
        const struct claim *c = l->claims[k];
        char status[40];
        status_of(status, sizeof status, c, &l->found[k]);
        if (strcmp(family, c->family) != 0)
            printf("%s### %s\n\n| claim | statement | source | status |\n|---|---|---|---|\n", k ? "\n" : "",
                   c->family);
        family = c->family;
        printf("| [%s](%s.md) | ", c->id, c->name);
        for (const char *s = c->statement; *s; s++)
            printf(*s == '|' ? "\\|" : "%c", *s);
        printf(" | %s | %s |\n", c->source, status);
    }
}

static void print_escaped(const char *text)
{
    for (; *text; text++)
        if (*text == '<' || *text == '>' || *text == '&' || *text == '"')
            printf("&#%d;", *text);
        else
            putchar(*text);
}

static void print_junit(const struct ledger *l)
{
    printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"assay prove\" tests=\"%zu\" failures=\"%zu\" "
           "errors=\"%zu\">\n",
           l->count, count_verdict(l, VERDICT_FAILS), count_verdict(l, VERDICT_UNDECIDED));
    for (size_t k = 0; k < l->count; k++) {
        const struct claim *c = l->claims[k];
        const struct findings *f = &l->found[k];
        printf("  <testcase classname=\"%s\" name=\"%s\" time=\"%.3f\">", claim_status_names[c->status], c->id,
               f->seconds);
        const char *element = f->verdict == VERDICT_FAILS ? "failure" : "error";
        if (f->verdict != VERDICT_HOLDS)
            printf("<%s message=\"", element);
        for (size_t j = 0; f->verdict != VERDICT_HOLDS && j < f->count; j++)
            if (f->items[j].verdict != VERDICT_HOLDS) {
                print_escaped(f->items[j].what);
                fputs(": ", stdout);
                print_escaped(f->items[j].value);
                fputs("; ", stdout);
            }
        if (f->verdict != VERDICT_HOLDS) {
            print_escaped(f->message);
            fputs("\"/>", stdout);
        }
        puts("</testcase>");
    }
    puts("</testsuite>");
}

/* ---- the plot ------------------------------------------------------------------------------------------------ */

static bool draw(const struct ledger *l, const char *path)
{
    struct plot p;
    size_t count = 0;
    for (size_t k = 0; k < l->count; k++)
        count += l->found[k].series_count;
    if (count == 0) {
        complain_usage("--plot: none of these claims measures a rate");
        return false;
    }
    if (!plot_begin(&p, path, 900, 620))
        return false;
    fputs("set logscale xy\nset format '10^{%L}'\nset key outside below noenhanced\nset grid\n"
          "set title 'Measured rates, with 95% confidence intervals: never a proof'\n"
          "set xlabel 'K, or 1 / eta'\nset ylabel 'error'\n",
          p.to);
    for (size_t k = 0, n = 0; k < l->count; k++)
        for (size_t j = 0; j < l->found[k].series_count; j++, n++) {
            const struct series *s = &l->found[k].series[j];
            fprintf(p.to, "$s%zu << E\n", n);
            for (size_t i = 0; i < s->count; i++)
                fprintf(p.to, "%.9g %.9g %.9g\n", s->x[i], s->y[i], s->half_width[i]);
            fputs("E\n", p.to);
        }
    for (size_t k = 0, n = 0; k < l->count; k++)
        for (size_t j = 0; j < l->found[k].series_count; j++, n++)
            fprintf(p.to, "%s $s%zu with yerrorlines title '%s: %s'", n ? "," : "plot", n, l->claims[k]->id,
                    l->found[k].series[j].name);
    fputc('\n', p.to);
    return plot_end(&p);
}

/* ---- the command --------------------------------------------------------------------------------------------- */

static const struct format {
    const char *name;
    void (*print)(const struct ledger *l);
} formats[] = {{"text", print_table}, {"json", print_json}, {"markdown", print_markdown}, {"junit", print_junit}};
enum { FORMATS = sizeof formats / sizeof formats[0] };

static const struct format *find_format(const char *name)
{
    for (size_t k = 0; k < FORMATS; k++)
        if (!name || strcmp(formats[k].name, name) == 0)
            return &formats[k];
    complain_usage("--format takes text, json, markdown or junit, not '%s'", name);
    return NULL;
}

/* All claims, or those named, as yet undecided: so they stay where a process ends before its claim's run does. False
 * after a complaint. */
static bool choose(struct ledger *l, int words, char **argv)
{
    l->count = words ? (size_t)words : claim_count;
    l->claims = malloc(l->count * sizeof *l->claims);
    l->found = mmap(NULL, l->count * sizeof *l->found, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!l->claims || l->found == MAP_FAILED) {
        complain_usage("out of memory");
        return false;
    }
    for (size_t k = 0; k < l->count; k++) {
        l->claims[k] = words ? claim_find(argv[k]) : claims[k];
        l->found[k].verdict = VERDICT_UNDECIDED;
        if (!l->claims[k]) {
            complain_usage("there is no claim '%s' (assay prove --list lists them)", argv[k]);
            return false;
        }
    }
    return true;
}

static int list_claims(void)
{
    for (size_t k = 0; k < claim_count; k++)
        printf("%-15s %-9s %s\n", claims[k]->id, claim_status_names[claims[k]->status], claims[k]->statement);
    return EXIT_PASS;
}

static int prove(struct ledger *l, const struct format *format, bool explain, unsigned processes, const char *plot)
{
    bool ran = run_claims(l, processes);
    if (explain)
        print_whole(l);
    else
        format->print(l);
    bool drawn = !plot || draw(l, plot);
    if (fflush(stdout) != 0)
        return complain_usage("standard output cannot be written");
    if (!drawn)
        return EXIT_USAGE;
    if (!ran || count_verdict(l, VERDICT_UNDECIDED) > 0)
        return EXIT_OURS;
    return count_verdict(l, VERDICT_FAILS) > 0 ? EXIT_FAILED : EXIT_PASS;
}

int run_prove(int argc, char **argv)
{
    const char *format_name = NULL, *jobs = NULL, *plot = NULL;
    bool help = false, explain = false, list = false;
    struct ledger l = {0};
    unsigned processes;
    const struct option options[] = {
        {"explain", 0, NULL, &explain, NULL, NULL, "print the statement, the proof, every number and counter-check"},
        {"list", 0, NULL, &list, NULL, NULL, "print the claims, and run none"},
        {"quick", 0, NULL, &l.quick, NULL, NULL, "fewer instances"},
        {"format", 0, &format_name, NULL, NULL, NULL, "text, json, markdown or junit"},
        {"plot", 0, &plot, NULL, NULL, NULL, "write the measured rates to this SVG file (takes gnuplot)"},
        {"jobs", 'j', &jobs, NULL, NULL, NULL, "processes to use (default: all processors)"},
        {"help", 'h', NULL, &help, NULL, NULL, "print this"},
    };
    int words = parse_options(argc, argv, options, sizeof options / sizeof options[0]);
    if (words < 0)
        return EXIT_USAGE;
    if (help) {
        puts("usage: assay prove [CLAIM ...] [options]\n\n"
             "Certifies the theory, claim by claim: with outward rounding or in fractions. What is marked as measured\n"
             "is measured, and proves nothing.\n\noptions:");
        print_options(options, sizeof options / sizeof options[0]);
        return EXIT_PASS;
    }
    if (list)
        return list_claims();
    if (explain && format_name)
        return complain_usage("--explain prints text: it takes no --format");
    const struct format *format = find_format(format_name);
    if (!format || !jobs_parse(jobs, &processes) || !choose(&l, words, argv))
        return EXIT_USAGE;
    int code = prove(&l, format, explain, processes, plot);
    munmap(l.found, l.count * sizeof *l.found);
    free(l.claims);
    return code;
}
