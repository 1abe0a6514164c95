#include "task.h"

#include "inputs.h"

#include <math.h>
#include <string.h>

enum { BATCH = 32 }; /* the largest of the tasks */

static const struct task tasks[] = {
    {.name = "mlp",
     .metric = "accuracy",
     .batch = 32,
     .steps = 1200,
     .searched = 1,
     .rates = 5,
     .seeds = 5,
     .most = 1000,
     .adam_rate = 3e-3},
    {.name = "char-lm",
     .metric = "perplexity",
     .batch = 8,
     .steps = 200,
     .searched = 3,
     .rates = 3,
     .seeds = 2,
     .most = 256,
     .adam_rate = 3e-3},
};
enum { TASKS = sizeof tasks / sizeof tasks[0] };
const char *const task_names[] = {"mlp", "char-lm", NULL};

bool task_load(struct task *task, const char *name)
{
    for (size_t k = 0; k < TASKS; k++)
        if (strcmp(tasks[k].name, name) == 0) {
            *task = tasks[k];
            return k == MODEL_MLP ? digits_load(task->digits) : text_load(task->text);
        }
    return false;
}

void task_free(struct task *task)
{
    digits_free(task->digits);
    text_free(task->text);
}

enum model_kind task_kind(const struct task *task)
{
    return task->text[PART_TRAIN].at ? MODEL_CHAR_LM : MODEL_MLP;
}

static struct model_shape shape_of(const struct task *task)
{
    return task_kind(task) == MODEL_CHAR_LM ? model_char_lm_shape(task->batch, task->text[PART_TRAIN].vocabulary)
                                            : model_mlp_shape(task->batch);
}

bool task_model(struct model *model, const struct task *task, uint64_t seed)
{
    return model_make(model, shape_of(task), seed);
}

/* ---- batches --------------------------------------------------------------------------------------------------------- */

/* Room for a batch. */
struct room {
    float pixels[BATCH * DIGIT_PIXELS];
    unsigned char tokens[BATCH * MODEL_LENGTH], targets[BATCH * MODEL_LENGTH];
};

/* How many examples a part has: images, or places where a sequence and its next character fit. */
static size_t example_count(const struct task *task, enum part part)
{
    return task->text[part].at ? task->text[part].count - MODEL_LENGTH : task->digits[part].count;
}

/* Makes example number k of a part number i of the batch. */
static void put(struct room *room, const struct task *task, enum part part, size_t i, size_t k)
{
    const struct digits *digits = &task->digits[part];
    if (task->text[part].at) {
        memcpy(room->tokens + i * MODEL_LENGTH, task->text[part].at + k, MODEL_LENGTH);
        memcpy(room->targets + i * MODEL_LENGTH, task->text[part].at + k + 1, MODEL_LENGTH);
    } else {
        memcpy(room->pixels + i * DIGIT_PIXELS, digits->pixels + k * DIGIT_PIXELS, DIGIT_PIXELS * sizeof(float));
        room->targets[i] = digits->labels[k];
    }
}

static struct batch batch_of(const struct room *room, size_t count)
{
    return (struct batch){count, room->pixels, room->tokens, room->targets};
}

struct score task_gradient(struct model *model, const struct task *task, uint64_t seed, unsigned step)
{
    struct room room;
    for (size_t i = 0; i < task->batch; i++)
        put(&room, task, PART_TRAIN, i,
            input_bits(~seed, (uint64_t)step * task->batch + i) % example_count(task, PART_TRAIN));
    const struct batch batch = batch_of(&room, task->batch);
    return model_run(model, &batch, true);
}

struct score task_score(struct model *model, const struct task *task, enum part part)
{
    struct room room;
    struct score total = {0};
    size_t apart = task->text[part].at ? MODEL_LENGTH : 1, count = (example_count(task, part) - 1) / apart + 1;
    if (count > task->most)
        count = task->most;
    for (size_t first = 0; first < count; first += task->batch) {
        size_t size = count - first < task->batch ? count - first : task->batch;
        for (size_t i = 0; i < size; i++)
            put(&room, task, part, i, (first + i) * apart);
        const struct batch batch = batch_of(&room, size);
        struct score score = model_run(model, &batch, false);
        total.loss += score.loss * (double)score.count;
        total.correct += score.correct;
        total.count += score.count;
    }
    total.loss /= (double)total.count;
    return total;
}

double task_metric(const struct task *task, struct score score)
{
    return task_kind(task) == MODEL_CHAR_LM ? exp(score.loss) : (double)score.correct / (double)score.count;
}
