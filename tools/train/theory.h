/* What the theory says about runs: ranks and spectra, AuON against normalised momentum, the ball of the weight decay.
 *
 * Singular values come from assay_ref_svd() of the stored numbers, so they are proved; what was stored is float. */
#ifndef ASSAY_TRAIN_THEORY_H
#define ASSAY_TRAIN_THEORY_H

#include "run.h"

/* Measures of a spectrum s_1 >= ... >= s_k that do not depend on its scale: the stable rank sum s_i^2 / s_1^2; the effective
 * rank exp(-sum p_i log p_i) with p_i = s_i / sum s_j (Roy & Vetterli 2007); and s_1 / s_k, infinite if s_k = 0. */
struct spectrum {
    double stable, effective, condition;
};

/* One hidden matrix in one step of Muon. */
struct spectra {
    char name[40];
    unsigned step;
    size_t rows, cols;
    struct spectrum gradient, momentum, update; /* of the step's gradient, of u, and of the change of the parameter */
    /* Of u / ||u||_F the singular values of at least SPECTRUM_REACHED, and of the update without learning rate and scale those
     * within [0.95 SPECTRUM_LOW, 1.05 SPECTRUM_HIGH]: in real arithmetic, and for [SPECTRUM_LOW, SPECTRUM_HIGH], the second
     * number is never less than the first. The 5 % are for bf16. */
    size_t reached, flat;
};
/* For p(x) = 3.4445 x - 4.7750 x^3 + 2.0315 x^5 five times over: p^5 maps [SPECTRUM_REACHED, 1] into [SPECTRUM_LOW,
 * SPECTRUM_HIGH]; SPECTRUM_HIGH is the maximum of p on [0, 1] rounded up, SPECTRUM_LOW its minimum on the interval that it maps
 * onto itself, rounded down. Claims NS-interval, NS-five. */
#define SPECTRUM_REACHED 0.0015052
#define SPECTRUM_LOW 0.68183
#define SPECTRUM_HIGH 1.20237

/* One hidden matrix in one step of AuON as printed: with the direction O and the momentum m, both exact for the stored m,
 * distance = ||O - m / ||m||_F||_F, and the proved bound (sqrt(1 + sinh(1)^2 / N) - 1) + 1e-8 + 1e-7 / ||m||_F, which is
 * below 0.69055 / N + 1e-8 + 1e-7 / ||m||_F (claim AU-sgd). */
struct closeness {
    char name[40];
    unsigned step;
    size_t rows, cols;
    double distance, bound;
};

/* Largest spectral norms of the watched matrices over the watched steps, of the trust-region method without and with weight
 * decay at one learning rate, and the radius that the second cannot leave: max(||x_0||, 1 / weight_decay) (claim KV-T2). */
struct decay_ball {
    double without, with, radius;
    double metric_without, metric_with;
};

/* Steps and matrices that are watched: the first hidden matrix, the middle and the last. */
enum { WATCHED_STEPS = 3, WATCHED_MATRICES = 3, WATCHED = WATCHED_STEPS * WATCHED_MATRICES, BALL_STEPS = 10 };

/* The metric of AuON as printed and of normalised momentum at one learning rate and seed. */
struct twins {
    double auon, normalised;
};

struct theory {
    size_t spectra_count, closeness_count;
    struct spectra spectra[WATCHED];
    struct closeness closeness[WATCHED];
    struct decay_ball ball;
    struct twins twins;
};

/* Learning rates as the rows found them. ASSAY_NOT_FINITE if one of the runs diverges; ASSAY_NO_MEMORY and as
 * assay_ref_svd(). */
struct theory_settings {
    const struct task *task;
    unsigned steps;
    uint64_t seed;
    double muon_rate, auon_rate, decay_rate;
    void (*tell)(void *data, double done, double loss);
    void *data;
};
assay_status theory(struct theory *theory, const struct theory_settings *settings);

#endif
