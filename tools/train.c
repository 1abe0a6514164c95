/* assay train: the optimizers on real data. */
#include "beside.h"
#include "command.h"
#include "exact_loss.h"
#include "jobs.h"
#include "record.h"
#include "report.h"
#include "summary.h"

#include <cblas.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- the comparison -------------------------------------------------------------------------------------------------- */

struct training {
    struct comparison *comparison; /* shared with the processes */
    const char *folder;            /* or NULL */
    bool plotted;
    int exit_code;
};

struct teller {
    const struct job_result *result;
    const char *name;
};

static void tell(void *data, double done, double loss)
{
    const struct teller *t = data;
    job_tell(t->result, done, "%s, loss %.4f", t->name, loss);
}

/* In a process of its own. */
static void make_row(void *data, struct job_result *r)
{
    struct comparison *c = ((struct training *)data)->comparison;
    struct row *row = &c->rows[r->number];
    struct teller teller = {r, row->optimizer->name};
    const struct row_listener listener = {tell, &teller};
    signal(SIGINT, SIG_DFL);
    r->value = (int)row_make(row, &c->task, row->optimizer, &c->settings, &listener);
}

static void make_theory(void *data, struct job_result *r)
{
    struct comparison *c = ((struct training *)data)->comparison;
    struct teller teller = {r, "theory"};
    const struct theory_settings settings = {.task = &c->task,
                                             .steps = c->settings.steps,
                                             .seed = c->settings.seed,
                                             .muon_rate = comparison_row(c, "jordan")->rate,
                                             .auon_rate = comparison_row(c, "auon-paper")->rate,
                                             .decay_rate = comparison_row(c, "trust-region-decay")->rate,
                                             .tell = tell,
                                             .data = &teller};
    signal(SIGINT, SIG_DFL);
    r->value = (int)theory(&c->theory, &settings);
    c->has_theory = r->value == ASSAY_OK;
}

/* What is done is written at once, so that an interrupt leaves it. */
static void job_done(void *data, const struct job_result *r)
{
    struct training *t = data;
    char message[ASSAY_MESSAGE_SIZE];
    assay_status status = (assay_status)r->value;
    if (status == ASSAY_NOT_FINITE) {
        complain_usage("a run of the theory diverges; that part is left out");
    } else if (status != ASSAY_OK) {
        t->exit_code = exit_code_of(status);
        complain_usage("%s", assay_status_text(status));
    } else if (t->folder) {
        status = comparison_write(t->comparison, t->folder, &t->plotted, message, sizeof message);
        if (status != ASSAY_OK)
            t->exit_code = complain_usage("%s", message);
    }
}

static void keep_going(int signal)
{
    (void)signal;
}

/* The processes die of an interrupt; this one lives to tell what they had done. */
static bool run_jobs(struct training *t, size_t count, unsigned processes,
                     void (*run)(void *data, struct job_result *r), const char *stage)
{
    const struct jobs jobs = {
        .count = count, .processes = processes, .run = run, .done = job_done, .data = t, .stage = stage};
    struct sigaction ours = {.sa_handler = keep_going}, theirs;
    sigaction(SIGINT, &ours, &theirs);
    bool all = jobs_run(&jobs);
    sigaction(SIGINT, &theirs, NULL);
    return all;
}

static int compare(struct training *t, unsigned processes, bool json)
{
    struct comparison *c = t->comparison;
    bool all = run_jobs(t, c->count, processes, make_row, "training");
    if (all && c->count == optimizer_count && t->exit_code == EXIT_PASS)
        all = run_jobs(t, 1, 1, make_theory, "theory");
    json_t *found = json ? comparison_json(c) : NULL;
    if (!json) {
        comparison_print(c);
        if (t->folder)
            printf("\nwritten to %s: train.json, curves.csv%s\n", t->folder,
                   t->plotted ? ", curves.svg" : "; for a plot of the curves install gnuplot");
    } else if (!found || !report_print(found, true)) {
        return complain_usage(found ? "cannot write to standard output" : "out of memory");
    }
    if (t->exit_code != EXIT_PASS)
        return t->exit_code;
    return !comparison_agrees(c) ? EXIT_OURS : all ? EXIT_PASS : EXIT_INCOMPLETE;
}

/* ---- one run --------------------------------------------------------------------------------------------------------- */

static struct run one_run(const struct comparison *c)
{
    const struct optimizer *optimizer = c->rows[0].optimizer;
    return (struct run){.task = &c->task,
                        .optimizer = optimizer,
                        .rate = c->settings.rate > 0 ? c->settings.rate : optimizer->rate[task_kind(&c->task)],
                        .steps = c->settings.steps,
                        .seed = c->settings.seed};
}

static void tell_bar(void *data, double done, double loss)
{
    char stage[40];
    snprintf(stage, sizeof stage, "recording, loss %.4f", loss);
    show_progress(data, stage, done);
}

static int run_record(const struct comparison *c, const char *folder)
{
    char message[ASSAY_MESSAGE_SIZE];
    struct run run = one_run(c);
    struct progress_bar bar = {0};
    assay_status status = record(&run, folder, tell_bar, &bar, message, sizeof message);
    end_progress(&bar);
    if (status != ASSAY_OK) {
        complain_usage("%s", message);
        return exit_code_of(status);
    }
    printf("%s with %s at %g, steps %u, %u and %u: gradients.safetensors, step.json and step.safetensors are in %s\n",
           c->task.name, run.optimizer->name, run.rate, recorded_step(run.steps, 0), recorded_step(run.steps, 1),
           recorded_step(run.steps, 2), folder);
    return EXIT_PASS;
}

static json_t *beside_json(const struct beside *b)
{
    json_t *divergence = json_array();
    for (size_t k = 0; k < BESIDE_STEPS; k++)
        json_array_append_new(divergence, json_real(b->divergence[k]));
    return json_pack("{s:s, s:[I,I], s:s, s:o}", "matrix", b->name, "shape", (json_int_t)b->rows, (json_int_t)b->cols,
                     "arithmetic", b->bf16 ? "bf16" : "fp32", "divergence", divergence);
}

static int run_beside(const struct comparison *c, bool json)
{
    struct beside matrices[BESIDE_MATRICES];
    char message[ASSAY_MESSAGE_SIZE] = "";
    struct run run = one_run(c);
    struct progress_bar bar = {0};
    const assay_options options = {
        .progress = show_progress, .progress_data = &bar, .message = message, .message_size = sizeof message};
    size_t count;
    assay_status status = beside(matrices, &count, &run, &options);
    end_progress(&bar);
    if (status != ASSAY_OK) {
        complain_usage("%s", message[0] ? message : assay_status_text(status));
        return exit_code_of(status);
    }
    if (json) {
        json_t *all = json_array();
        for (size_t k = 0; k < count; k++)
            json_array_append_new(all, beside_json(&matrices[k]));
        return report_print(json_pack("{s:s, s:s, s:f, s:o}", "model", c->task.name, "optimizer", run.optimizer->name,
                                      "rate", run.rate, "matrices", all),
                            true)
                   ? EXIT_PASS
                   : complain_usage("cannot write to standard output");
    }
    printf("%s with %s at %g: after each of the first %d steps, the distance of the float parameter from that of the\n"
           "reference (which went all the way by itself, with the same gradients), over how far it has moved.\n\n",
           c->task.name, run.optimizer->name, run.rate, BESIDE_STEPS);
    for (size_t k = 0; k < count; k++) {
        printf("%-14s %4zu x %-4zu %s ", matrices[k].name, matrices[k].rows, matrices[k].cols,
               matrices[k].bf16 ? "bf16" : "fp32");
        for (size_t s = 0; s < BESIDE_STEPS; s++)
            printf(" %.2e", matrices[k].divergence[s]);
        putchar('\n');
    }
    return EXIT_PASS;
}

static int check_gradients(void)
{
    double worst = 0;
    for (size_t k = 0; k < GRADIENT_MODELS; k++) {
        struct model model;
        double errors[32], loss;
        const struct batch batch = gradient_batch(gradient_shapes[k].kind);
        if (!model_make(&model, gradient_shapes[k], 1))
            return complain_usage("out of memory");
        double *gradient = malloc(model_size(&model) * sizeof *gradient);
        if (gradient) {
            exact_gradient(&loss, gradient, &model, &batch);
            double error = gradient_check(errors, &model, &batch, loss, gradient);
            worst = isnan(worst) || error <= worst ? worst : error;
            for (size_t l = 0; l < model.count; l++)
                printf("%-8s %-14s %3zu x %-3zu %.2e\n", k == MODEL_MLP ? "mlp" : "char-lm", model.parameters[l].name,
                       model.parameters[l].rows, model.parameters[l].cols, errors[l]);
        }
        free(gradient);
        model_free(&model);
        if (!gradient)
            return complain_usage("out of memory");
    }
    printf("largest relative error of a gradient or a loss: %.2e, allowed %.2e\n", worst, GRADIENT_TOLERANCE);
    return worst <= GRADIENT_TOLERANCE ? EXIT_PASS : EXIT_FAILED;
}

/* ---- options --------------------------------------------------------------------------------------------------------- */

static void list_optimizers(void)
{
    puts("\noptimizers:");
    for (size_t k = 0; k < optimizer_count; k++)
        printf("  %-27s %s\n", optimizers[k].name, optimizers[k].note);
}

/* The rows of the optimizer, or of all. */
static bool choose(struct comparison *c, const char *name)
{
    const struct optimizer *one = name ? optimizer_find(name) : NULL;
    bool all = !name || strcmp(name, "all") == 0;
    for (size_t k = 0; k < optimizer_count && all; k++)
        c->rows[c->count++].optimizer = &optimizers[k];
    if (one)
        c->rows[c->count++].optimizer = one;
    if (c->count == 0)
        complain_usage("there is no optimizer '%s' (assay train --help lists them)", name);
    return c->count > 0;
}

struct words {
    const char *optimizer, *model, *steps, *seed, *seeds, *rate, *jobs, *folder, *record, *format;
    bool reference, gradients, help;
};

/* The settings, from words that are given or the task's own. */
static bool parse_settings(struct comparison *c, const struct words *w)
{
    double seed = 1;
    c->settings = (struct row_settings){c->task.steps, c->task.seeds, 1, 0};
    if (w->steps && !parse_count(w->steps, CURVE, 1000000, &c->settings.steps))
        return complain_usage("--steps takes a number from %d to 1000000, not '%s'", CURVE, w->steps), false;
    if (w->seeds && !parse_count(w->seeds, 1, ROW_SEEDS, &c->settings.seeds))
        return complain_usage("--seeds takes a number from 1 to %d, not '%s'", ROW_SEEDS, w->seeds), false;
    if (w->seed && (!parse_number(w->seed, 0, 0x1p52, &seed) || seed != floor(seed)))
        return complain_usage("--seed takes a whole number up to 2^52, not '%s'", w->seed), false;
    if (w->rate && (!parse_number(w->rate, 0, 1e6, &c->settings.rate) || c->settings.rate == 0))
        return complain_usage("--lr takes a positive number up to 1e6, not '%s'", w->rate), false;
    c->settings.seed = (uint64_t)seed;
    return true;
}

static int train(const struct words *w, struct comparison *c)
{
    struct training t = {.comparison = c, .folder = w->folder};
    bool json = w->format && strcmp(w->format, "json") == 0;
    unsigned processes;
    if (w->format && !json && strcmp(w->format, "text") != 0)
        return complain_usage("--format takes text or json, not '%s'", w->format);
    if (!jobs_parse(w->jobs, &processes) || !choose(c, w->optimizer))
        return EXIT_USAGE;
    if ((w->record || w->reference) && c->count != 1)
        return complain_usage("--record and --reference take one optimizer: --optimizer NAME");
    if ((w->record || w->reference) && w->folder)
        return complain_usage("-o is for the comparison; --record and --reference have no use for it");
    if (!task_load(&c->task, w->model ? w->model : "mlp"))
        return complain_usage("--model takes mlp or char-lm, not '%s'", w->model);
    openblas_set_num_threads(1); /* the processes are as many as the processors */
    int code = EXIT_USAGE;
    if (parse_settings(c, w))
        code = w->record ? run_record(c, w->record) : w->reference ? run_beside(c, json) : compare(&t, processes, json);
    task_free(&c->task);
    return code;
}

int run_train(int argc, char **argv)
{
    struct words w = {0};
    const struct option options[] = {
        {"optimizer", 0, &w.optimizer, NULL, NULL, NULL, "one of those below, or all (the default)"},
        {"model", 0, &w.model, NULL, NULL, NULL, "mlp (handwritten digits; the default) or char-lm (a text)"},
        {"steps", 0, &w.steps, NULL, NULL, NULL, "steps of a run (mlp: 1200, char-lm: 200)"},
        {"seed", 0, &w.seed, NULL, NULL, NULL, "the first seed (1)"},
        {"seeds", 0, &w.seeds, NULL, NULL, NULL, "how many seeds (mlp: 5, char-lm: 2)"},
        {"lr", 0, &w.rate, NULL, NULL, NULL, "the learning rate, instead of a search"},
        {"jobs", 'j', &w.jobs, NULL, NULL, NULL, "processes to use (default: all processors)"},
        {"output", 'o', &w.folder, NULL, NULL, NULL, "a folder for train.json, curves.csv and curves.svg"},
        {"reference", 0, NULL, &w.reference, NULL, NULL, "the first steps with the reference beside"},
        {"record", 0, &w.record, NULL, NULL, NULL, "a folder for gradients and momenta, and cases made of them"},
        {"check-gradients", 0, NULL, &w.gradients, NULL, NULL, "hold the models' gradients against MPFR"},
        {"format", 0, &w.format, NULL, NULL, NULL, "text or json"},
        {"help", 'h', NULL, &w.help, NULL, NULL, "print this"},
    };
    argc = parse_options(argc, argv, options, sizeof options / sizeof options[0]);
    if (w.help) {
        puts("usage: assay train [options]\n\nTrains a model on real data with each optimizer. The same seed gives the "
             "same "
             "numbers,\nwhatever --jobs.\n\noptions:");
        print_options(options, sizeof options / sizeof options[0]);
        list_optimizers();
        return EXIT_PASS;
    }
    if (argc != 0)
        return argc < 0 ? EXIT_USAGE : complain_usage("train takes nothing but options");
    if (w.gradients)
        return check_gradients();
    struct comparison *c =
        mmap(NULL, sizeof *c, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0); /* zeroed */
    if (c == MAP_FAILED)
        return complain_usage("out of memory");
    int code = train(&w, c);
    munmap(c, sizeof *c);
    return code;
}
