/* assay dialects [NAME]: the table of conventions. */
#include "command.h"
#include "report.h"

#include <stdio.h>
#include <string.h>

/* The names of the dialects that coincide with d, d left out. */
static json_t *equals_of(const struct assay_dialect *d)
{
    json_t *names = json_array();
    for (size_t k = 0; k < assay_dialect_count; k++)
        if (&assay_dialects[k] != d && assay_dialects_coincide(d, &assay_dialects[k]))
            json_array_append_new(names, json_string(assay_dialects[k].name));
    return names;
}

static json_t *triples_of(const struct assay_dialect *d)
{
    json_t *triples = json_array();
    for (size_t k = 0; k < assay_dialect_steps(d); k++) {
        struct assay_triple t = assay_dialect_triple(d, k);
        json_array_append_new(triples, json_pack("[f, f, f]", t.a, t.b, t.c));
    }
    return triples;
}

static json_t *default_of(double x)
{
    return x < 0 ? json_string("none") : json_real(x);
}

static report *describe(const struct assay_dialect *d)
{
    report *r = json_object();
    report_add(r, "name", json_string(d->name));
    report_add(r, "source", json_string(d->source));
    for (size_t k = 0; k < assay_axis_count; k++) {
        char text[64];
        assay_dialect_get(d, k, text, sizeof text);
        report_add(r, assay_axes[k].name, json_string(text));
    }
    report_add(r, "default-lr", default_of(d->defaults.lr));
    report_add(r, "default-momentum", default_of(d->defaults.momentum));
    report_add(r, "default-weight-decay", default_of(d->defaults.weight_decay));
    report_add(r, "coincides-with", equals_of(d));
    return r;
}

static void print_one(const struct assay_dialect *d)
{
    printf("%s\n  %s\n\n", d->name, d->source);
    for (size_t k = 0; k < assay_axis_count; k++) {
        char text[64];
        assay_dialect_get(d, k, text, sizeof text);
        printf("  %-18s %-16s %s\n", assay_axes[k].name, text, assay_axes[k].meaning);
    }
    for (size_t k = 0; k < assay_dialect_steps(d); k++) {
        struct assay_triple t = assay_dialect_triple(d, k);
        printf("  step %-13zu %.17g, %.17g, %.17g\n", k + 1, t.a, t.b, t.c);
    }
    json_t *equal = equals_of(d), *name;
    size_t index;
    printf("\n  coincides, but for eps, with ");
    json_array_foreach(equal, index, name) printf("%s%s", index ? ", " : "", json_string_value(name));
    puts(json_array_size(equal) ? "" : "no other");
    json_decref(equal);
}

static void print_table(void)
{
    static const char *const shown[] = {"momentum", "nesterov", "direction", "coefficients", "steps", "scale", "decay"};
    printf("%-20s", "dialect");
    for (size_t j = 0; j < sizeof shown / sizeof shown[0]; j++)
        printf(" %-15s", shown[j]);
    puts(" coincides with");
    for (size_t k = 0; k < assay_dialect_count; k++) {
        const struct assay_dialect *d = &assay_dialects[k];
        printf("%-20s", d->name);
        for (size_t j = 0; j < sizeof shown / sizeof shown[0]; j++)
            for (size_t a = 0; a < assay_axis_count; a++)
                if (strcmp(assay_axes[a].name, shown[j]) == 0) {
                    char text[64];
                    assay_dialect_get(d, a, text, sizeof text);
                    printf(" %-15s", text);
                }
        json_t *equal = equals_of(d), *name;
        size_t index;
        json_array_foreach(equal, index, name) printf("%s%s", index ? ", " : " ", json_string_value(name));
        puts("");
        json_decref(equal);
    }
}

int run_dialects(int argc, char **argv)
{
    const char *format = NULL;
    bool help = false;
    const struct option options[] = {
        {"format", 0, &format, NULL, NULL, NULL, "text or json"},
        {"help", 'h', NULL, &help, NULL, NULL, "print this"},
    };
    int words = parse_options(argc, argv, options, 2);
    if (words < 0)
        return EXIT_USAGE;
    if (help) {
        puts(
            "usage: assay dialects [NAME] [options]\n\nPrints the conventions of the optimizers of the Muon family.\n");
        print_options(options, 2);
        return EXIT_PASS;
    }
    if (words > 1)
        return complain_usage("dialects takes at most one name");
    if (format && strcmp(format, "text") != 0 && strcmp(format, "json") != 0)
        return complain_usage("--format takes text or json, not '%s'", format);
    bool as_json = format && strcmp(format, "json") == 0;
    const struct assay_dialect *d = words == 1 ? assay_dialect_find(argv[0]) : NULL;
    if (words == 1 && !d)
        return complain_usage("there is no dialect '%s' (assay dialects lists them)", argv[0]);
    if (as_json) {
        report *r = json_object();
        for (size_t k = 0; k < assay_dialect_count; k++)
            if (!d || d == &assay_dialects[k]) {
                report *one = describe(&assay_dialects[k]);
                report_add(one, "triples", triples_of(&assay_dialects[k]));
                report_add(r, assay_dialects[k].name, one);
            }
        return report_print(r, true) ? EXIT_PASS : complain_usage("standard output cannot be written");
    }
    if (d)
        print_one(d);
    else
        print_table();
    return fflush(stdout) == 0 ? EXIT_PASS : complain_usage("standard output cannot be written");
}
