#include "row.h"

#include <math.h>

/* Where a run is in its row. */
struct part_of_row {
    const struct row_listener *listener;
    double begin, share;
};

/* Runs a whole run. *diverged instead of ASSAY_NOT_FINITE. */
static assay_status run_through(struct run *run, double curve[CURVE], bool *diverged, const struct part_of_row *part)
{
    unsigned counts[CURVE] = {0};
    assay_status status = run_start(run);
    for (size_t k = 0; k < CURVE; k++)
        curve[k] = 0;
    while (status == ASSAY_OK && run->done < run->steps) {
        size_t k = (size_t)run->done * CURVE / run->steps;
        status = run_gradient(run);
        curve[k] += run->loss;
        counts[k]++;
        if (status == ASSAY_OK)
            status = run_update(run);
        if (run->done % 8 == 0)
            part->listener->tell(part->listener->data, part->begin + part->share * run->done / run->steps, run->loss);
    }
    for (size_t k = 0; k < CURVE; k++)
        curve[k] = counts[k] ? curve[k] / counts[k] : NAN; /* fewer steps than points, or diverged */
    *diverged = status == ASSAY_NOT_FINITE;
    return *diverged ? ASSAY_OK : status;
}

/* The steps of the runs that search. */
static unsigned searched_steps(const struct task *task, const struct row_settings *settings)
{
    return (settings->steps - 1) / task->searched + 1;
}

static assay_status try_rate(struct row *row, unsigned k, const struct task *task, const struct row_settings *settings,
                             const struct part_of_row *part)
{
    struct run run = {.task = task,
                      .optimizer = row->optimizer,
                      .rate = row->rates[k],
                      .steps = searched_steps(task, settings),
                      .seed = settings->seed};
    double curve[CURVE];
    bool diverged;
    assay_status status = run_through(&run, curve, &diverged, part);
    row->validation[k] = INFINITY;
    if (status == ASSAY_OK && !diverged) {
        double loss = task_score(&run.model, task, PART_VALIDATION).loss;
        row->validation[k] = loss <= INFINITY ? loss : INFINITY;
    }
    run_end(&run);
    return status;
}

static assay_status try_seed(struct row *row, unsigned k, const struct task *task, const struct row_settings *settings,
                             const struct part_of_row *part)
{
    struct outcome *o = &row->outcomes[k];
    struct run run = {.task = task,
                      .optimizer = row->optimizer,
                      .rate = row->rate,
                      .steps = settings->steps,
                      .seed = settings->seed + k};
    bool diverged;
    assay_status status = run_through(&run, o->curve, &diverged, part);
    o->finite = status == ASSAY_OK && !diverged;
    o->train_loss = o->finite ? o->curve[CURVE - 1] : INFINITY;
    o->metric = o->finite ? task_metric(task, task_score(&run.model, task, PART_TEST)) : NAN;
    o->seconds = run.seconds;
    o->optimizer_seconds = run.optimizer_seconds;
    row->under = run.stepper.under;
    run_end(&run);
    return status;
}

assay_status row_make(struct row *row, const struct task *task, const struct optimizer *optimizer,
                      const struct row_settings *settings, const struct row_listener *listener)
{
    assay_status status = ASSAY_OK;
    unsigned best = 0;
    row->optimizer = optimizer;
    row->rate_count = settings->rate > 0 ? 0 : task->rates;
    row->seed_count = settings->seeds;
    row->rate = settings->rate;
    double all = (double)row->rate_count * searched_steps(task, settings) + (double)settings->seeds * settings->steps;
    struct part_of_row part = {listener, 0, searched_steps(task, settings) / all};
    for (unsigned k = 0; k < row->rate_count && status == ASSAY_OK; k++, part.begin += part.share) {
        row->rates[k] = optimizer_rate(optimizer, task_kind(task), k, task->rates);
        status = try_rate(row, k, task, settings, &part);
        best = row->validation[k] < row->validation[best] ? k : best;
        row->rate = row->rates[best];
    }
    part.share = settings->steps / all;
    for (unsigned k = 0; k < settings->seeds && status == ASSAY_OK; k++, part.begin += part.share)
        status = try_seed(row, k, task, settings, &part);
    row->done = status == ASSAY_OK;
    return status;
}

struct spread row_spread(const struct row *row, size_t offset)
{
    double sum = 0, squares = 0, n = row->seed_count;
    for (size_t k = 0; k < row->seed_count; k++)
        sum += *(const double *)(const void *)((const char *)&row->outcomes[k] + offset);
    for (size_t k = 0; k < row->seed_count; k++) {
        double x = *(const double *)(const void *)((const char *)&row->outcomes[k] + offset) - sum / n;
        squares += x * x;
    }
    return (struct spread){sum / n, n > 1 ? sqrt(squares / (n - 1)) : 0};
}
