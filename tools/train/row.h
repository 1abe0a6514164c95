/* One row of the comparison: an optimizer, its learning rate found by search, several seeds. */
#ifndef ASSAY_TRAIN_ROW_H
#define ASSAY_TRAIN_ROW_H

#include "run.h"

enum { ROW_RATES = 8, ROW_SEEDS = 32, CURVE = 50 };

/* What a run came to; infinite and NaN numbers if it diverged. */
struct outcome {
    bool finite;
    double train_loss; /* mean over the last fiftieth of the steps */
    double metric;     /* of the test */
    double seconds, optimizer_seconds;
    double curve[CURVE]; /* the mean training loss in each fiftieth of the steps */
};

/* What is asked; a rate of 0 means: search. */
struct row_settings {
    unsigned steps, seeds;
    uint64_t seed; /* the first; the search has it too */
    double rate;
};

struct row {
    const struct optimizer *optimizer;
    bool done;
    unsigned rate_count, seed_count;
    double rates[ROW_RATES], validation[ROW_RATES]; /* the loss of the validation part; infinity if the run diverged */
    double rate;                                    /* the one with the least */
    size_t under;                                   /* how many parameters the optimizer has */
    struct outcome outcomes[ROW_SEEDS];
};

/* Is told now and then how much of a row is done, and the loss of the last batch. */
struct row_listener {
    void (*tell)(void *data, double done, double loss);
    void *data;
};

/* Fills the row. Everything but the seconds is the same bits every time on one machine. ASSAY_NO_MEMORY. */
assay_status row_make(struct row *row, const struct task *task, const struct optimizer *optimizer,
                      const struct row_settings *settings, const struct row_listener *listener);

/* The mean and the standard deviation (of the sample; 0 of one) of one number of the outcomes: offsetof() says which. */
struct spread {
    double mean, deviation;
};
struct spread row_spread(const struct row *row, size_t offset);

#endif
