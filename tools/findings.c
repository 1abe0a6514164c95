#include "findings.h"

#include "command.h"
#include "escape.h"
#include "report.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {"pass", "fail", "missing", "not judged"};

static const char *name_of(enum operation operation)
{
    return operation == FINDING_SUITE ? "all together" : operation_names[operation];
}

void findings_free(struct findings *f)
{
    for (size_t k = 0; k < f->count; k++) {
        free(f->each[k].text);
        free(f->each[k].command);
    }
    free(f->each);
    for (size_t k = 0; k < f->remark_count; k++)
        free(f->remarks[k].text);
    free(f->remarks);
}

void findings_add(struct findings *f, struct finding finding)
{
    if (f->count == f->room) {
        f->room = 2 * f->room + 64;
        f->each = or_end(realloc(f->each, f->room * sizeof *f->each));
    }
    finding.text = finding.text ? or_end(strdup(finding.text)) : NULL;
    finding.command = finding.command ? or_end(strdup(finding.command)) : NULL;
    f->each[f->count++] = finding;
}

void findings_remark(struct findings *f, bool warning, const char *format, ...)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = or_end(open_memstream(&text, &size));
    va_list args;
    va_start(args, format);
    vfprintf(to, format, args);
    va_end(args);
    if (fclose(to) != 0)
        or_end(NULL);
    f->remarks = or_end(realloc(f->remarks, (f->remark_count + 1) * sizeof *f->remarks));
    f->remarks[f->remark_count++] = (struct remark){warning, text};
}

size_t findings_count(const struct findings *f, enum finding_kind kind)
{
    size_t count = 0;
    for (size_t k = 0; k < f->count; k++)
        count += f->each[k].kind == kind;
    return count;
}

bool findings_incomplete(const struct findings *f)
{
    bool missing = f->untried || findings_count(f, FINDING_MISSING) > 0;
    return findings_count(f, FINDING_PASS) == 0 || (missing && !f->partial);
}

bool findings_parse_format(const char *text, enum findings_format *format)
{
    static const char *const names[] = {"text", "json", "junit", "tap", "markdown", "github"};
    *format = FORMAT_TEXT;
    for (size_t k = 0; text && k < sizeof names / sizeof names[0]; k++)
        if (strcmp(text, names[k]) == 0) {
            *format = (enum findings_format)k;
            return true;
        }
    if (text)
        complain_usage("--format takes text, json, junit, tap, markdown or github, not '%s'", text);
    return !text;
}

/* ---- by operation --------------------------------------------------------------------------------------------------- */

struct row {
    size_t counts[4]; /* by enum finding_kind */
    double worst;
};

static struct row row_of(const struct findings *f, enum operation operation, enum tensor_type format)
{
    struct row row = {0};
    for (size_t k = 0; k < f->count; k++) {
        const struct finding *x = &f->each[k];
        if (x->operation != operation || x->format != format)
            continue;
        row.counts[x->kind]++;
        if (x->kind <= FINDING_FAIL && !isnan(row.worst) && !(x->ratio <= row.worst))
            row.worst = x->ratio;
    }
    return row;
}

/* Calls `print` for each operation and format of which there is something. */
static void each_row(const struct findings *f, void (*print)(enum operation, enum tensor_type, const struct row *))
{
    for (unsigned o = 0; o <= FINDING_SUITE; o++)
        for (int t = 0; t < FORMATS; t++) {
            struct row row = row_of(f, (enum operation)o, (enum tensor_type)t);
            if (row.counts[0] + row.counts[1] + row.counts[2] + row.counts[3] > 0)
                print((enum operation)o, (enum tensor_type)t, &row);
        }
}

static const char *verdict(const struct findings *f)
{
    return findings_count(f, FINDING_FAIL)        ? "FAIL"
           : findings_count(f, FINDING_PASS) == 0 ? "NOTHING JUDGED"
           : findings_incomplete(f)               ? "INCOMPLETE"
                                                  : "PASS";
}

/* What there ought to be and is not, or "". */
static void lack(const struct findings *f, char text[256])
{
    size_t missing = findings_count(f, FINDING_MISSING);
    bool nothing = findings_count(f, FINDING_PASS) + findings_count(f, FINDING_FAIL) == 0;
    char some[64] = "";
    if (missing > 0)
        snprintf(some, sizeof some, "; results missing: %zu", missing);
    text[0] = '\0';
    if (nothing || (!f->partial && (f->untried || missing > 0)))
        snprintf(text, 256, "%s%s%s%s", nothing ? "nothing judged" : "incomplete", some,
                 f->untried ? "; not tried: " : "", f->untried ? f->untried : "");
}

/* ---- text ------------------------------------------------------------------------------------------------------------ */

enum { MOST_SHOWN = 20 }; /* of the failures, in text */

static void text_row(enum operation operation, enum tensor_type format, const struct row *row)
{
    printf("%-15s %-6s %8zu %8zu %8zu %12zu %16.3g\n", name_of(operation), format_names[format],
           row->counts[FINDING_PASS], row->counts[FINDING_FAIL], row->counts[FINDING_MISSING],
           row->counts[FINDING_NOT_JUDGED], row->worst);
}

static void print_text(const struct findings *f)
{
    size_t shown = 0, failed = findings_count(f, FINDING_FAIL);
    printf("%s\n\n%-15s %-6s %8s %8s %8s %12s %16s\n", f->title, "operation", "format", "pass", "fail", "missing",
           "not judged", "worst err/bound");
    each_row(f, text_row);
    for (size_t k = 0; k < f->count && shown < MOST_SHOWN; k++)
        if (f->each[k].kind == FINDING_FAIL) {
            printf("\nFAIL %s\n     why this case: %s\n     the answer: %s\n", f->each[k].text, f->each[k].c->why,
                   f->each[k].command);
            shown++;
        }
    if (shown < failed)
        printf("\n... and %zu more failures (--format json lists all)\n", failed - shown);
    if (f->untried)
        printf("\nnot tried: %s\n", f->untried);
    printf("\n%s\n", verdict(f));
    for (size_t k = 0; k < f->remark_count; k++)
        printf("\n%s%s\n", f->remarks[k].warning ? "warning: " : "", f->remarks[k].text);
}

/* `before`, a text that may hold anything, `after`. */
static void print_escaped(const char *before, enum escape how, const char *text, const char *after)
{
    fputs(before, stdout);
    escape_to(stdout, how, text);
    fputs(after, stdout);
}

static void print_tap(const struct findings *f)
{
    char lacking[256];
    lack(f, lacking);
    printf("TAP version 13\n1..%zu\n", f->count + (lacking[0] != '\0'));
    for (size_t k = 0; k < f->count; k++) {
        const struct finding *x = &f->each[k];
        bool skip = x->kind == FINDING_MISSING || x->kind == FINDING_NOT_JUDGED;
        printf("%s %zu - %s %s%s%s%s%s\n", x->kind == FINDING_FAIL ? "not ok" : "ok", k + 1, x->c->id, x->dialect,
               x->dialect[0] ? " " : "", x->output, skip ? " # SKIP " : "", skip ? kind_names[x->kind] : "");
        if (x->text)
            print_escaped("# ", ESCAPE_LINE, x->text, "\n");
    }
    if (lacking[0])
        printf("not ok %zu - %s\n", f->count + 1, lacking);
    else if (f->untried)
        printf("# not tried: %s\n", f->untried);
    for (size_t k = 0; k < f->remark_count; k++)
        print_escaped(f->remarks[k].warning ? "# warning: " : "# ", ESCAPE_LINE, f->remarks[k].text, "\n");
}

static void markdown_row(enum operation operation, enum tensor_type format, const struct row *row)
{
    printf("| %s | %s | %zu | %zu | %zu | %zu | %.3g |\n", name_of(operation), format_names[format],
           row->counts[FINDING_PASS], row->counts[FINDING_FAIL], row->counts[FINDING_MISSING],
           row->counts[FINDING_NOT_JUDGED], row->worst);
}

static void print_markdown(const struct findings *f)
{
    print_escaped("## ", ESCAPE_MARKDOWN, f->title, ": ");
    printf("%s\n\n| operation | format | pass | fail | missing | not judged | worst err/bound |\n"
           "|---|---|---:|---:|---:|---:|---:|\n",
           verdict(f));
    each_row(f, markdown_row);
    if (f->untried)
        printf("\nNot tried: %s\n", f->untried);
    for (size_t k = 0; k < f->remark_count; k++)
        print_escaped(f->remarks[k].warning ? "\n**Warning**: " : "\n", ESCAPE_MARKDOWN, f->remarks[k].text, "\n");
    for (size_t k = 0; k < f->count; k++)
        if (f->each[k].kind == FINDING_FAIL) {
            printf("\n* **%s**: ", f->each[k].c->id);
            print_escaped("", ESCAPE_MARKDOWN, f->each[k].text, "\n  ");
            escape_markdown_code(stdout, f->each[k].command);
            puts("");
        }
}

/* Workflow commands: one annotation a failure. Only ten of a kind are shown: what is about all of them comes first. */
static void print_github(const struct findings *f)
{
    for (size_t k = 0; k < f->remark_count; k++)
        print_escaped(f->remarks[k].warning ? "::warning title=assay::" : "::notice title=assay::", ESCAPE_GITHUB,
                      f->remarks[k].text, "\n");
    char lacking[256];
    lack(f, lacking);
    if (lacking[0])
        printf("::error title=assay::%s\n", lacking);
    else if (f->untried)
        printf("::warning title=assay::not tried: %s\n", f->untried);
    for (size_t k = 0; k < f->count; k++)
        if (f->each[k].kind == FINDING_FAIL) {
            printf("::error title=assay %s::", f->each[k].c->id);
            print_escaped("", ESCAPE_GITHUB, f->each[k].text, "\n");
        } else if (f->each[k].kind == FINDING_MISSING) {
            printf("::warning title=assay %s::no result for %s\n", f->each[k].c->id, f->each[k].output);
        }
    print_escaped("::notice title=assay::", ESCAPE_GITHUB, f->title, ": ");
    puts(verdict(f));
}

/* ---- JUnit ----------------------------------------------------------------------------------------------------------- */

static void print_junit_case(const struct finding *x)
{
    printf("  <testcase classname=\"assay.%s.%s\" name=\"%s %s\"", name_of(x->operation), format_names[x->format],
           x->c->id, x->output);
    if (x->kind == FINDING_PASS) {
        puts("/>");
        return;
    }
    puts(">");
    if (x->kind == FINDING_FAIL) {
        print_escaped("    <failure message=\"", ESCAPE_XML, x->text, "\">");
        print_escaped("", ESCAPE_XML, x->command, "</failure>\n");
    } else {
        printf("    <skipped message=\"%s\"/>\n", kind_names[x->kind]);
    }
    puts("  </testcase>");
}

/* What is lacking is an error, of a test case of its own. */
static void print_junit(const struct findings *f)
{
    size_t skipped = findings_count(f, FINDING_MISSING) + findings_count(f, FINDING_NOT_JUDGED);
    char lacking[256];
    lack(f, lacking);
    bool lacks = lacking[0] != '\0';
    puts("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    print_escaped("<testsuite name=\"", ESCAPE_XML, f->title, "\"");
    printf(" tests=\"%zu\" failures=\"%zu\" errors=\"%d\" skipped=\"%zu\">\n", f->count + lacks,
           findings_count(f, FINDING_FAIL), lacks, skipped);
    for (size_t k = 0; k < f->count; k++)
        print_junit_case(&f->each[k]);
    if (lacks)
        printf("  <testcase classname=\"assay\" name=\"complete\">\n    <error message=\"%s\"/>\n  </testcase>\n",
               lacking);
    if (f->remark_count > 0)
        puts("  <system-out>");
    for (size_t k = 0; k < f->remark_count; k++)
        print_escaped(f->remarks[k].warning ? "warning: " : "", ESCAPE_XML, f->remarks[k].text, "\n");
    puts(f->remark_count > 0 ? "  </system-out>\n</testsuite>" : "</testsuite>");
}

/* ---- JSON ------------------------------------------------------------------------------------------------------------ */

/* The texts of one of the two kinds. */
static json_t *remarks_to_json(const struct findings *f, bool warning)
{
    json_t *texts = or_end(json_array());
    for (size_t k = 0; k < f->remark_count; k++)
        if (f->remarks[k].warning == warning && json_array_append_new(texts, report_text(f->remarks[k].text)) != 0)
            or_end(NULL);
    return texts;
}

static void print_json(const struct findings *f)
{
    json_t *all = or_end(json_array());
    for (size_t k = 0; k < f->count; k++) {
        const struct finding *x = &f->each[k];
        report *r = or_end(json_object());
        report_add(r, "case", json_string(x->c->id));
        report_add(r, "operation", json_string(name_of(x->operation)));
        report_add(r, "dialect", json_string(x->dialect));
        report_add(r, "output", json_string(x->output));
        report_add(r, "format", json_string(format_names[x->format]));
        report_add(r, "verdict", json_string(kind_names[x->kind]));
        if (x->kind <= FINDING_FAIL)
            report_add(r, "err_over_bound", report_number(x->ratio));
        if (x->text)
            report_add(r, "what", report_text(x->text));
        if (x->command)
            report_add(r, "command", report_text(x->command));
        if (json_array_append_new(all, r) != 0)
            or_end(NULL);
    }
    report *top = or_end(json_object());
    report_add(top, "title", report_text(f->title));
    report_add(top, "verdict", json_string(verdict(f)));
    if (f->untried)
        report_add(top, "not_tried", json_string(f->untried));
    report_add(top, "meaning", remarks_to_json(f, false));
    report_add(top, "warnings", remarks_to_json(f, true));
    report_add(top, "findings", all);
    report_print(top, true);
}

bool findings_print(const struct findings *f, enum findings_format format)
{
    static void (*const print[])(const struct findings *) = {print_text, print_json,     print_junit,
                                                             print_tap,  print_markdown, print_github};
    print[format](f);
    return fflush(stdout) == 0 && !ferror(stdout);
}
