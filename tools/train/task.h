/* What is learnt: a model with its data, and how long. */
#ifndef ASSAY_TRAIN_TASK_H
#define ASSAY_TRAIN_TASK_H

#include "dataset.h"
#include "model.h"

struct task {
    const char *name, *metric; /* "accuracy" or "perplexity" */
    unsigned batch;            /* examples a step */
    unsigned steps, searched;  /* by default; and of the runs that choose the learning rate, a fraction 1/searched */
    unsigned rates, seeds;     /* how many learning rates are tried, how many seeds run at the best one */
    unsigned most;             /* examples that a score of the validation or the test is the mean of */
    double adam_rate;          /* of AdamW for what is not hidden */
    struct digits digits[PARTS];
    struct text text[PARTS];
};

/* The task of that name with its data; false if there is none, or no memory. */
bool task_load(struct task *task, const char *name);
void task_free(struct task *task);
extern const char *const task_names[]; /* NULL-terminated */

enum model_kind task_kind(const struct task *task);
bool task_model(struct model *model, const struct task *task, uint64_t seed);

/* The loss of the batch of this step, drawn with replacement by the seed, and the gradient. */
struct score task_gradient(struct model *model, const struct task *task, uint64_t seed, unsigned step);

/* The score of a part: of all its examples, or the first task->most. */
struct score task_score(struct model *model, const struct task *task, enum part part);

/* The metric of a score: the share that was right, or exp(loss). */
double task_metric(const struct task *task, struct score score);

#endif
