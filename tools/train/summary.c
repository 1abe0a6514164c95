#include "summary.h"

#include "atomic_file.h"
#include "tensor.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const struct row *comparison_row(const struct comparison *c, const char *name)
{
    for (size_t k = 0; k < c->count; k++)
        if (c->rows[k].done && strcmp(c->rows[k].optimizer->name, name) == 0)
            return &c->rows[k];
    return NULL;
}

#define SPREAD(row, member) row_spread(row, offsetof(struct outcome, member))

bool comparison_agrees(const struct comparison *c)
{
    bool good = true;
    if (!c->has_theory)
        return true;
    for (size_t k = 0; k < c->theory.closeness_count; k++)
        good = good && c->theory.closeness[k].distance <= c->theory.closeness[k].bound;
    return good && c->theory.ball.with <= c->theory.ball.radius * (1 + 0x1p-20);
}

/* ---- for people ------------------------------------------------------------------------------------------------------ */

static bool in_percent(const struct comparison *c)
{
    return task_kind(&c->task) == MODEL_MLP;
}

static void print_row(const struct comparison *c, const struct row *row)
{
    struct spread loss = SPREAD(row, train_loss), metric = SPREAD(row, metric);
    double unit = in_percent(c) ? 100 : 1;
    printf("%-27s %9zu %9.4g %8.2f %10.2f", row->optimizer->name, row->under, row->rate, SPREAD(row, seconds).mean,
           SPREAD(row, optimizer_seconds).mean);
    if (isfinite(metric.mean))
        printf("   %8.3g +- %-8.2g %8.2f +- %.2f\n", loss.mean, loss.deviation, unit * metric.mean,
               unit * metric.deviation);
    else
        puts("   diverged");
}

static void print_spectra(const struct theory *t)
{
    printf(
        "\nSpectra under Muon (jordan), of gradient, momentum u and update: stable rank, effective rank, condition.\n"
        "Of the singular values, `reached` are at least %g ||u||_F, which five steps map into [%g, %g]\n"
        "(claim NS-five); `flat` ones of the update are there, give or take 5 %% for bf16.\n\n",
        SPECTRUM_REACHED, SPECTRUM_LOW, SPECTRUM_HIGH);
    puts("step  matrix           shape        gradient               momentum               update             "
         "reached  flat");
    for (size_t k = 0; k < t->spectra_count; k++) {
        const struct spectra *s = &t->spectra[k];
        const struct spectrum *all[] = {&s->gradient, &s->momentum, &s->update};
        printf("%-5u %-14s %4zu x %-4zu", s->step, s->name, s->rows, s->cols);
        for (size_t l = 0; l < 3; l++)
            printf("  %5.2f %6.2f %7.1e", all[l]->stable, all[l]->effective, all[l]->condition);
        printf("  %5zu  %5zu\n", s->reached, s->flat);
    }
}

static void print_closeness(const struct comparison *c)
{
    const struct theory *t = &c->theory;
    double worst = 0, distance = 0, unit = in_percent(c) ? 100 : 1;
    for (size_t k = 0; k < t->closeness_count; k++) {
        worst = fmax(worst, t->closeness[k].distance / t->closeness[k].bound);
        distance = fmax(distance, t->closeness[k].distance);
    }
    printf(
        "\nAuON as printed against normalised momentum (claim AU-sgd), %zu momenta of its run: ||O - m / ||m|| ||_F\n"
        "at most %.3g, at most %.3f of the proved bound, which is below 0.69055 / N + 1e-8 + 1e-7 / ||m||;\n"
        "%s at one rate and seed %.2f and %.2f.\n",
        t->closeness_count, distance, worst, c->task.metric, unit * t->twins.auon, unit * t->twins.normalised);
}

/* Of the means, with its standard error. */
static void print_order(const struct comparison *c)
{
    const struct row *before = comparison_row(c, "orthogonal-sgdm"), *after = comparison_row(c, "trust-region");
    struct spread x = SPREAD(before, metric), y = SPREAD(after, metric);
    double unit = in_percent(c) ? 100 : 1;
    printf(
        "\nOrthogonal-SGDM, which orthogonalises before the momentum, less trust-region, which does after\n"
        "(claims OS-O1, OS-O1-matrix: there are noises with which the first stalls), %s: %+.2f, standard error %.2f.\n",
        c->task.metric, unit * (x.mean - y.mean),
        unit * sqrt((x.deviation * x.deviation + y.deviation * y.deviation) / before->seed_count));
}

static void print_theory(const struct comparison *c)
{
    const struct theory *t = &c->theory;
    double unit = in_percent(c) ? 100 : 1;
    print_spectra(t);
    print_closeness(c);
    printf(
        "\nWeight decay (claim KV-T2), trust-region at one rate: largest spectral norm %.3f without, %.3f with decay,\n"
        "which keeps it within %.3f; %s %.2f without, %.2f with.\n",
        t->ball.without, t->ball.with, t->ball.radius, c->task.metric, unit * t->ball.metric_without,
        unit * t->ball.metric_with);
    print_order(c);
}

void comparison_print(const struct comparison *c)
{
    printf("%s: %u steps of %u examples, seeds %llu to %llu; the rest of the parameters under AdamW at %g.\n"
           "Times: seconds of one processor, a run. After +-: standard deviation over the seeds.\n\n",
           c->task.name, c->settings.steps, c->task.batch, (unsigned long long)c->settings.seed,
           (unsigned long long)(c->settings.seed + c->settings.seeds - 1), c->task.adam_rate);
    printf("%-27s %9s %9s %8s %10s   %-20s test %s%s\n", "optimizer", "numbers", "rate", "time", "optimizer",
           "train loss", c->task.metric, in_percent(c) ? " (%)" : "");
    for (size_t k = 0; k < c->count; k++)
        if (c->rows[k].done)
            print_row(c, &c->rows[k]);
    if (c->has_theory)
        print_theory(c);
    printf("\nLearning rates: %s.\nThis compares optimizers on one small model and few data. It shows that they work\n"
           "and what a step costs; which is better at scale it does not show, and differences within the spread mean "
           "nothing.\n",
           c->settings.rate > 0 ? "the one that was given"
                                : "of those tried, powers of 2 around a middle one, that with the least loss on the "
                                  "validation part");
}

/* ---- as JSON --------------------------------------------------------------------------------------------------------- */

/* A number, or null, for what diverged. */
static json_t *number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *numbers(const double *x, size_t count, size_t stride)
{
    json_t *array = json_array();
    for (size_t k = 0; k < count; k++)
        json_array_append_new(array, number(*(const double *)(const void *)((const char *)x + k * stride)));
    return array;
}

static json_t *row_json(const struct row *row)
{
    const struct outcome *o = row->outcomes;
    size_t n = row->seed_count;
    struct spread loss = SPREAD(row, train_loss), metric = SPREAD(row, metric);
    json_t *curves = json_array();
    for (size_t k = 0; k < n; k++)
        json_array_append_new(curves, numbers(o[k].curve, CURVE, sizeof o->curve[0]));
    return json_pack(
        "{s:s, s:s, s:I, s:f, s:f, s:f, s:o, s:o, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "optimizer",
        row->optimizer->name, "dialect", row->optimizer->dialect, "numbers", (json_int_t)row->under, "momentum",
        row->optimizer->momentum, "weight_decay", row->optimizer->weight_decay, "rate", row->rate, "rates",
        numbers(row->rates, row->rate_count, sizeof row->rates[0]), "validation_losses",
        numbers(row->validation, row->rate_count, sizeof row->validation[0]), "seconds", SPREAD(row, seconds).mean,
        "optimizer_seconds", number(SPREAD(row, optimizer_seconds).mean), "train_loss", number(loss.mean),
        "train_loss_deviation", number(loss.deviation), "metric", number(metric.mean), "metric_deviation",
        number(metric.deviation), "train_losses", numbers(&o->train_loss, n, sizeof *o), "metrics",
        numbers(&o->metric, n, sizeof *o), "curves", curves);
}

static json_t *spectrum_json(const struct spectrum *s)
{
    return json_pack("{s:f, s:f, s:o}", "stable_rank", s->stable, "effective_rank", s->effective, "condition",
                     number(s->condition));
}

static json_t *theory_json(const struct theory *t)
{
    json_t *spectra = json_array(), *auon = json_array();
    for (size_t k = 0; k < t->spectra_count; k++) {
        const struct spectra *s = &t->spectra[k];
        json_array_append_new(spectra,
                              json_pack("{s:s, s:i, s:[I,I], s:o, s:o, s:o, s:I, s:I}", "matrix", s->name, "step",
                                        (int)s->step, "shape", (json_int_t)s->rows, (json_int_t)s->cols, "gradient",
                                        spectrum_json(&s->gradient), "momentum", spectrum_json(&s->momentum), "update",
                                        spectrum_json(&s->update), "reached", (json_int_t)s->reached, "flat",
                                        (json_int_t)s->flat));
    }
    for (size_t k = 0; k < t->closeness_count; k++) {
        const struct closeness *s = &t->closeness[k];
        json_array_append_new(auon, json_pack("{s:s, s:i, s:[I,I], s:f, s:f}", "matrix", s->name, "step", (int)s->step,
                                              "shape", (json_int_t)s->rows, (json_int_t)s->cols, "distance",
                                              s->distance, "bound", s->bound));
    }
    return json_pack("{s:o, s:o, s:{s:f, s:f, s:f, s:f, s:f}, s:{s:f, s:f}}", "spectra", spectra, "auon", auon, "decay",
                     "norm_without", t->ball.without, "norm_with", t->ball.with, "radius", t->ball.radius,
                     "metric_without", t->ball.metric_without, "metric_with", t->ball.metric_with, "twins",
                     "auon-paper", t->twins.auon, "nsgdm", t->twins.normalised);
}

json_t *comparison_json(const struct comparison *c)
{
    json_t *rows = json_array();
    for (size_t k = 0; k < c->count; k++)
        if (c->rows[k].done)
            json_array_append_new(rows, row_json(&c->rows[k]));
    json_t *all =
        json_pack("{s:s, s:s, s:i, s:i, s:I, s:i, s:f, s:o}", "model", c->task.name, "metric", c->task.metric, "steps",
                  (int)c->settings.steps, "batch", (int)c->task.batch, "seed", (json_int_t)c->settings.seed, "seeds",
                  (int)c->settings.seeds, "adamw_rate", c->task.adam_rate, "rows", rows);
    if (all && c->has_theory)
        json_object_set_new(all, "theory", theory_json(&c->theory));
    return all;
}

/* ---- files ----------------------------------------------------------------------------------------------------------- */

enum { PATH_SIZE = 4096 };

/* step, then a column for each optimizer: the mean over the seeds. */
static char *curves_csv(const struct comparison *c)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return NULL;
    fputs("step", f);
    for (size_t k = 0; k < c->count; k++)
        if (c->rows[k].done)
            fprintf(f, ",%s", c->rows[k].optimizer->name);
    for (size_t p = 0; p < CURVE; p++) {
        fprintf(f, "\n%.0f", (double)(p + 1) * c->settings.steps / CURVE);
        for (size_t k = 0; k < c->count; k++)
            if (c->rows[k].done)
                fprintf(f, ",%.6g", row_spread(&c->rows[k], offsetof(struct outcome, curve) + p * sizeof(double)).mean);
    }
    fputc('\n', f);
    return fclose(f) == 0 ? text : NULL;
}

/* Lets gnuplot draw the curves; false if there is none. */
static bool plot(const struct comparison *c, const char *folder)
{
    char path[PATH_SIZE];
    if (system("command -v gnuplot > /dev/null 2>&1") != 0 || strpbrk(folder, "\"\\\n"))
        return false;
    FILE *g = popen("gnuplot > /dev/null 2>&1", "w");
    if (!g)
        return false;
    snprintf(path, sizeof path, "%s/curves.csv", folder);
    fprintf(g,
            "set terminal svg size 960,600 font 'sans,13' background 'white'\nset output \"%s/curves.svg\"\n"
            "set datafile separator ','\nset xlabel 'step'\nset ylabel 'training loss (mean over the seeds)'\n"
            "set title '%s'\nset key outside right\nset grid\n%s",
            folder, c->task.name,
            /* the perceptron learns its images by heart: losses fall by many powers of ten */
            task_kind(&c->task) == MODEL_MLP ? "set logscale y\nset format y '10^{%T}'\n" : "");
    size_t drawn = 0;
    for (size_t k = 0; k < c->count; k++)
        if (c->rows[k].done) {
            fprintf(g,
                    "%s \"%s\" using 1:%zu with lines linewidth 2 dashtype %zu linecolor rgb hsv2rgb(%g,0.9,0.75) "
                    "title '%s'",
                    drawn == 0 ? "plot" : ",", path, drawn + 2, drawn % 3 + 1, (double)k / (double)c->count,
                    c->rows[k].optimizer->name);
            drawn++;
        }
    fputs("\n", g);
    return pclose(g) == 0 && drawn > 0;
}

assay_status comparison_write(const struct comparison *c, const char *folder, bool *plotted, char *message,
                              size_t message_size)
{
    char path[PATH_SIZE];
    const struct complaint to = {folder, NULL, message, message_size};
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return complain(&to, ASSAY_UNREADABLE, "cannot make this folder: %s", strerror(errno));
    if (strlen(folder) > PATH_SIZE - 32)
        return complain(&to, ASSAY_UNREADABLE, "the path is too long");
    json_t *json = comparison_json(c);
    char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL, *csv = curves_csv(c);
    assay_status status = text && csv ? ASSAY_OK : complain(&to, ASSAY_NO_MEMORY, "out of memory");
    snprintf(path, sizeof path, "%s/train.json", folder);
    if (status == ASSAY_OK)
        status = atomic_file_write(path, text, strlen(text), message, message_size);
    snprintf(path, sizeof path, "%s/curves.csv", folder);
    if (status == ASSAY_OK)
        status = atomic_file_write(path, csv, strlen(csv), message, message_size);
    *plotted = status == ASSAY_OK && plot(c, folder);
    json_decref(json);
    free(text);
    free(csv);
    return status;
}
