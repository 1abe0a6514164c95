/* Runs and rows of `assay train`: what they depend on, what they choose, and what becomes of a run that diverges. */
#include "row.h"

#include "support.h"

#include <cblas.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

enum { STEPS = 60 };

static void hear_nothing(void *data, double done, double loss)
{
    (void)loss;
    double *last = data;
    ck_assert(done >= *last && done <= 1); /* goes forward */
    *last = done;
}

static struct row make(struct task *task, const char *optimizer, uint64_t seed, double rate)
{
    struct row row = {0};
    double last = 0;
    const struct row_settings settings = {.steps = STEPS, .seeds = 2, .seed = seed, .rate = rate};
    const struct row_listener listener = {hear_nothing, &last};
    openblas_set_num_threads(1);
    ck_assert_int_eq(row_make(&row, task, optimizer_find(optimizer), &settings, &listener), ASSAY_OK);
    ck_assert(row.done);
    return row;
}

/* Whether all but the times is the same bits. */
static bool same(const struct row *a, const struct row *b)
{
    bool equal = a->rate == b->rate && a->seed_count == b->seed_count &&
                 memcmp(a->validation, b->validation, sizeof a->validation) == 0;
    for (size_t k = 0; k < a->seed_count; k++)
        equal = equal && memcmp(a->outcomes[k].curve, b->outcomes[k].curve, sizeof a->outcomes[k].curve) == 0 &&
                a->outcomes[k].metric == b->outcomes[k].metric;
    return equal;
}

/* The same seed gives the same bits, and another seed others; the second seed of one is the first of the next. */
START_TEST(seeds)
{
    struct task task;
    ck_assert(task_load(&task, "mlp"));
    struct row a = make(&task, "jordan", 1, 0.02), again = make(&task, "jordan", 1, 0.02);
    struct row next = make(&task, "jordan", 2, 0.02);
    ck_assert(same(&a, &again));
    ck_assert(!same(&a, &next));
    ck_assert_mem_eq(a.outcomes[1].curve, next.outcomes[0].curve, sizeof a.outcomes[1].curve);
    task_free(&task);
}
END_TEST

/* The search takes the rate whose run has the least loss on the validation part; every optimizer learns: the training loss
 * falls below the half of log(10), that of a guess. */
START_TEST(search)
{
    struct task task;
    ck_assert(task_load(&task, "mlp"));
    for (size_t k = 0; k < optimizer_count; k += stride(1)) {
        struct row row = make(&task, optimizers[k].name, 1, 0);
        ck_assert_uint_eq(row.rate_count, task.rates);
        double least = INFINITY, rate = 0;
        for (unsigned r = 0; r < row.rate_count; r++)
            if (row.validation[r] < least) {
                least = row.validation[r];
                rate = row.rates[r];
            }
        ck_assert(row.rate == rate);
        double loss = row_spread(&row, offsetof(struct outcome, train_loss)).mean;
        ck_assert_msg(loss <= log(10) / 2, "%s: %g", optimizers[k].name, loss);
    }
    task_free(&task);
}
END_TEST

/* A rate that is far too large makes a row of its own kind, not a failure. */
START_TEST(divergence)
{
    struct task task;
    ck_assert(task_load(&task, "mlp"));
    struct row row = make(&task, "sgdm", 1, 1e30);
    ck_assert(!row.outcomes[0].finite && isnan(row.outcomes[0].metric) && isinf(row.outcomes[0].train_loss));
    ck_assert(isnan(row_spread(&row, offsetof(struct outcome, metric)).mean));
    task_free(&task);
}
END_TEST

/* mean and sqrt(sum (x - mean)^2 / (n - 1)) of 1, 2, 6: 3 and sqrt(7). */
START_TEST(spread)
{
    struct row row = {.seed_count = 3, .outcomes = {{.metric = 1}, {.metric = 2}, {.metric = 6}}};
    struct spread s = row_spread(&row, offsetof(struct outcome, metric));
    ck_assert(s.mean == 3 && fabs(s.deviation - sqrt(7)) <= 0x1p-50);
    row.seed_count = 1;
    ck_assert(row_spread(&row, offsetof(struct outcome, metric)).deviation == 0);
}
END_TEST

/* A model that knows nothing: with all parameters 0 the loss is log(classes), so the perplexity is the vocabulary and the
 * accuracy that of always saying 0. Whole parts and their halves are scored alike. */
START_TEST(scores)
{
    for (size_t k = 0; task_names[k]; k++) {
        struct task task;
        struct model model;
        ck_assert(task_load(&task, task_names[k]));
        ck_assert(task_model(&model, &task, 1));
        for (size_t p = 0; p < model.count; p++)
            memset(model.parameters[p].at, 0, model.parameters[p].rows * model.parameters[p].cols * sizeof(float));
        task.most = 20; /* more than one batch, and not a multiple */
        struct score score = task_score(&model, &task, PART_TEST);
        bool text = task_kind(&task) == MODEL_CHAR_LM;
        double classes = text ? (double)task.text[PART_TEST].vocabulary : DIGIT_CLASSES;
        ck_assert_uint_eq(score.count, text ? 20 * MODEL_LENGTH : 20);
        ck_assert(fabs(score.loss - log(classes)) <= 1e-6);
        size_t zeros = 0;
        for (size_t i = 0; i < 20 && !text; i++)
            zeros += task.digits[PART_TEST].labels[i] == 0;
        ck_assert(text ? fabs(task_metric(&task, score) - classes) <= 1e-3
                       : task_metric(&task, score) == (double)zeros / 20);
        model_free(&model);
        task_free(&task);
    }
    struct task none;
    ck_assert(!task_load(&none, "none"));
}
END_TEST

/* 1 in the first half, then 2 (steps - done) / steps. */
START_TEST(shares)
{
    struct run run = {.steps = 100};
    ck_assert(run_share(&run) == 1);
    run.done = 50;
    ck_assert(run_share(&run) == 1);
    run.done = 75;
    ck_assert(run_share(&run) == 0.5);
    run.done = 99;
    ck_assert(fabs(run_share(&run) - 0.02) <= 0x1p-50);
}
END_TEST

RUN_TESTS("train_row", TEST(seeds), TEST(search), TEST(divergence), TEST(spread), TEST(scores), TEST(shares))
