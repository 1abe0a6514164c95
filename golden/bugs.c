#include "bugs.h"

static bool iterates(const struct assay_dialect *d)
{
    return assay_dialect_steps(d) > 0 &&
           (d->direction == ASSAY_DIRECTION_NEWTON_SCHULZ || d->direction == ASSAY_DIRECTION_COSH_RMS);
}

static bool remembers(struct assay_dialect *d)
{
    return d->momentum != ASSAY_MOMENTUM_NONE;
}

/* ---- axes ------------------------------------------------------------------------------------------------------------- */

static bool raw_gradient(struct assay_dialect *d)
{
    bool can = remembers(d) && d->nesterov != ASSAY_NESTEROV_RAW && d->direction != ASSAY_DIRECTION_ADAM;
    d->nesterov = ASSAY_NESTEROV_RAW;
    return can;
}

static bool no_nesterov(struct assay_dialect *d)
{
    bool can = remembers(d) && d->nesterov != ASSAY_NESTEROV_NONE;
    d->nesterov = ASSAY_NESTEROV_NONE;
    return can;
}

static bool has_formula(struct assay_dialect *d)
{
    return remembers(d) && (d->nesterov == ASSAY_NESTEROV_LERP || d->nesterov == ASSAY_NESTEROV_ADD);
}

static bool gradient_twice(struct assay_dialect *d)
{
    bool can = has_formula(d);
    d->nesterov = ASSAY_NESTEROV_SUM;
    return can;
}

/* The buffer of one convention and Nesterov's formula of the other. */
static bool mixed_momentum(struct assay_dialect *d)
{
    bool can = has_formula(d);
    d->nesterov = d->nesterov == ASSAY_NESTEROV_LERP ? ASSAY_NESTEROV_ADD : ASSAY_NESTEROV_LERP;
    return can;
}

static bool no_bias_correction(struct assay_dialect *d)
{
    bool can = remembers(d) && d->nesterov == ASSAY_NESTEROV_NADAM;
    d->nesterov = ASSAY_NESTEROV_LERP;
    return can;
}

static bool with_decay(struct assay_dialect *d, enum assay_decay decay)
{
    bool can = d->decay != ASSAY_DECAY_NONE && d->decay != decay;
    d->decay = decay;
    return can;
}

static bool no_decay(struct assay_dialect *d)
{
    return with_decay(d, ASSAY_DECAY_NONE);
}

static bool coupled_decay(struct assay_dialect *d)
{
    return with_decay(d, ASSAY_DECAY_L2);
}

static bool decay_without_lr(struct assay_dialect *d)
{
    return d->decay != ASSAY_DECAY_L2 && with_decay(d, ASSAY_DECAY_INDEPENDENT);
}

static bool scaled_decay(struct assay_dialect *d)
{
    bool can = d->scale != ASSAY_SCALE_ONE && d->decay == ASSAY_DECAY_DECOUPLED;
    d->decay = ASSAY_DECAY_SCALED;
    return can;
}

static bool decay_after(struct assay_dialect *d)
{
    return d->decay != ASSAY_DECAY_NONE && d->decay != ASSAY_DECAY_L2;
}

static bool has_scale(struct assay_dialect *d)
{
    return d->scale != ASSAY_SCALE_ONE || d->scale_factor != 1;
}

static bool no_scale(struct assay_dialect *d)
{
    bool can = d->scale != ASSAY_SCALE_ONE;
    d->scale = ASSAY_SCALE_ONE;
    d->scale_factor = 1;
    return can;
}

static bool no_scale_factor(struct assay_dialect *d)
{
    bool can = d->scale_factor != 1;
    d->scale_factor = 1;
    return can;
}

static bool other_layout(struct assay_dialect *d)
{
    bool can = d->scale == ASSAY_SCALE_RATIO || d->scale == ASSAY_SCALE_MAX1_RATIO;
    d->layout = d->layout == ASSAY_LAYOUT_IN_OUT ? ASSAY_LAYOUT_OUT_IN : ASSAY_LAYOUT_IN_OUT;
    return can;
}

static bool scale_of_kernel(struct assay_dialect *d)
{
    bool flattens = d->nd == ASSAY_ND_FLATTEN || d->nd == ASSAY_ND_FLATTEN_CONV;
    bool can =
        flattens && d->scale != ASSAY_SCALE_ONE && d->scale != ASSAY_SCALE_CONV_RATIO && d->layout != ASSAY_LAYOUT_TAIL;
    d->layout = ASSAY_LAYOUT_TAIL;
    return can;
}

static bool ratio_of_one(struct assay_dialect *d)
{
    bool can = d->scale == ASSAY_SCALE_MAX1_RATIO;
    d->scale = ASSAY_SCALE_RATIO;
    return can;
}

static bool fewer_steps(struct assay_dialect *d)
{
    bool can = iterates(d) && assay_dialect_steps(d) > 1;
    d->steps = assay_dialect_steps(d) - 1;
    return can;
}

static bool more_steps(struct assay_dialect *d)
{
    bool can = iterates(d);
    d->steps = assay_dialect_steps(d) + 1;
    d->overrun = ASSAY_OVERRUN_REPEAT_LAST;
    return can;
}

static bool no_eps(struct assay_dialect *d)
{
    bool can = iterates(d) && d->eps > 0 && d->normalisation <= ASSAY_NORMALISE_MAX;
    d->eps = 0;
    return can;
}

static bool large_eps(struct assay_dialect *d)
{
    bool can = iterates(d) && d->eps < 1e-3 && d->normalisation <= ASSAY_NORMALISE_MAX;
    d->eps = 1e-3;
    return can;
}

static bool no_norm_factor(struct assay_dialect *d)
{
    bool can = iterates(d) && d->norm_factor != 1;
    d->norm_factor = 1;
    return can;
}

static bool spectral_norm(struct assay_dialect *d)
{
    bool can = iterates(d) && d->normalisation <= ASSAY_NORMALISE_MAX;
    d->normalisation = ASSAY_NORMALISE_SPECTRAL;
    return can;
}

static bool no_post(struct assay_dialect *d)
{
    bool can = d->direction == ASSAY_DIRECTION_NEWTON_SCHULZ && d->post != ASSAY_POST_NONE;
    d->post = ASSAY_POST_NONE;
    return can;
}

static bool no_snap(struct assay_dialect *d)
{
    bool can = d->direction == ASSAY_DIRECTION_NEWTON_SCHULZ && d->snap;
    d->snap = false;
    return can;
}

static bool no_pre(struct assay_dialect *d)
{
    bool can = iterates(d) && d->pre != ASSAY_PRE_NONE;
    d->pre = ASSAY_PRE_NONE;
    return can;
}

static bool conv_by_passed(struct assay_dialect *d)
{
    bool can = iterates(d) && (d->nd == ASSAY_ND_FLATTEN_CONV || d->nd == ASSAY_ND_FLATTEN);
    d->nd = ASSAY_ND_BYPASS_CONV;
    return can;
}

static bool conv_not_flattened(struct assay_dialect *d)
{
    bool can = iterates(d) && (d->nd == ASSAY_ND_FLATTEN_CONV || d->nd == ASSAY_ND_FLATTEN);
    d->nd = ASSAY_ND_BATCH;
    return can;
}

static bool not_split(struct assay_dialect *d)
{
    bool can = d->split_thirds;
    d->split_thirds = false;
    return can;
}

static bool splits(struct assay_dialect *d)
{
    return d->split_thirds;
}

static bool stacks(struct assay_dialect *d)
{
    return iterates(d) && (d->nd == ASSAY_ND_BATCH || d->nd == ASSAY_ND_FLATTEN_CONV || d->nd == ASSAY_ND_BYPASS_CONV);
}

static bool iterating(struct assay_dialect *d)
{
    return iterates(d);
}

static bool stale(struct assay_dialect *d)
{
    return remembers(d) && d->direction != ASSAY_DIRECTION_ADAM && !d->direction_first;
}

/* With Nesterov's formula the input of the iteration is a tensor of its own. */
static bool in_place(struct assay_dialect *d)
{
    return iterates(d) && d->nesterov == ASSAY_NESTEROV_NONE && d->direction == ASSAY_DIRECTION_NEWTON_SCHULZ;
}

static bool other_absence(struct assay_dialect *d)
{
    d->absent = d->absent == ASSAY_ABSENT_SKIP ? ASSAY_ABSENT_ZERO : ASSAY_ABSENT_SKIP;
    return remembers(d);
}

static bool other_numerator(struct assay_dialect *d)
{
    bool can = d->direction == ASSAY_DIRECTION_COSH_RMS && d->cosh != ASSAY_COSH_MEAN_SQUARE;
    d->cosh = d->cosh == ASSAY_COSH_RAW ? ASSAY_COSH_NORMALISED : ASSAY_COSH_RAW;
    return can;
}

static bool other_gamma(struct assay_dialect *d)
{
    d->gamma = d->gamma == 1 ? 1.5 : 1;
    return d->direction == ASSAY_DIRECTION_COSH_RMS && d->cosh != ASSAY_COSH_MEAN_SQUARE;
}

/* ---- the table ------------------------------------------------------------------------------------------------------- */

const struct bug bugs[] = {
    {"shard-local", "orthogonalises each shard of a matrix (half of its rows) by itself", FAULT_SHARDS, iterating},
    {"stacked-layers", "orthogonalises the matrices of a stack as one", FAULT_STACKED, stacks},
    {"split-missing", "orthogonalises query, key and value as one matrix", FAULT_NONE, not_split},
    {"split-on-wrong-axis", "splits query, key and value along columns", FAULT_SPLIT_COLUMNS, splits},
    {"conv-by-passed", "does not orthogonalise convolutions", FAULT_NONE, conv_by_passed},
    {"conv-not-flattened", "orthogonalises each kernel of a convolution by itself", FAULT_NONE, conv_not_flattened},
    {"not-transposed-back", "transposes tall matrices for the iteration, and only reshapes the output", FAULT_RESHAPED,
     iterating},
    {"output-transposed", "writes outputs transposed (column by column)", FAULT_TRANSPOSED, iterating},
    {"fp16-before-norm", "casts to binary16 before it normalises: large inputs overflow, small ones vanish",
     FAULT_HALF_INPUT, iterating},
    {"norm-missing", "does not normalise the input of the iteration", FAULT_UNNORMALISED, iterating},
    {"spectral-norm", "divides by the spectral norm, not by the Frobenius norm", FAULT_NONE, spectral_norm},
    {"norm-factor-missing", "lacks the safety factor on the norm", FAULT_NONE, no_norm_factor},
    {"eps-missing", "divides by the norm without epsilon: 0 / 0 for a zero gradient", FAULT_ZERO_BY_ZERO, no_eps},
    {"eps-too-large", "has an epsilon of 1e-3: small gradients lose their scale invariance", FAULT_NONE, large_eps},
    {"square-missing", "multiplies c with A where A^2 belongs", FAULT_LINEAR, iterating},
    {"swapped-coefficients", "has b and c in each other's place", FAULT_SWAPPED, iterating},
    {"step-too-few", "iterates once too little", FAULT_NONE, fewer_steps},
    {"step-too-many", "iterates once too often", FAULT_NONE, more_steps},
    {"no-iteration", "does not orthogonalise: it is SGD with momentum", FAULT_NO_ITERATION, iterating},
    {"exact-polar", "takes the exact polar factor, not the iteration", FAULT_POLAR, iterating},
    {"equilibration-missing", "does not equilibrate rows before the iteration", FAULT_NONE, no_pre},
    {"snap-missing", "does not bring the iterate to the norm of an isometry", FAULT_NONE, no_snap},
    {"second-moment-missing", "lacks the second moment after the iteration", FAULT_NONE, no_post},
    {"raw-gradient", "orthogonalises the gradient: the buffer plays no part", FAULT_NONE, raw_gradient},
    {"nesterov-missing", "orthogonalises the buffer, without Nesterov's formula", FAULT_NONE, no_nesterov},
    {"gradient-twice", "adds the gradient to a buffer that has it in full: u = g + m", FAULT_NONE, gradient_twice},
    {"mixed-momentum", "has the buffer of one convention and the Nesterov formula of another", FAULT_NONE,
     mixed_momentum},
    {"bias-correction-missing", "does not correct the bias of the buffer", FAULT_NONE, no_bias_correction},
    {"stale-buffer", "makes the update of the buffer as it was before the step", FAULT_STALE, stale},
    {"buffer-advanced-twice", "updates the buffer for every micro-batch", FAULT_TWICE, remembers},
    {"in-place-normalisation", "normalises the momentum buffer itself", FAULT_IN_PLACE, in_place},
    {"old-gradient", "takes the last gradient again where there is none", FAULT_OLD_GRADIENT, remembers},
    {"absent-gradient", "skips a step without gradient where it should take zero, or the reverse", FAULT_NONE,
     other_absence},
    {"clipped-update", "clips the orthogonalised update", FAULT_CLIPPED, iterating},
    {"scale-missing", "does not scale the update", FAULT_NONE, no_scale},
    {"scale-factor-missing", "lacks the constant of the scale", FAULT_NONE, no_scale_factor},
    {"scale-turned", "takes rows for columns in the scale", FAULT_NONE, other_layout},
    {"scale-inverted", "divides by the scale", FAULT_SCALE_INVERTED, has_scale},
    {"scale-twice", "applies the scale twice", FAULT_SCALE_TWICE, has_scale},
    {"scale-of-kernel", "takes the scale of a convolution from its kernel's height and width", FAULT_NONE,
     scale_of_kernel},
    {"scale-below-one", "lets the scale be less than 1", FAULT_NONE, ratio_of_one},
    {"decay-missing", "has no weight decay", FAULT_NONE, no_decay},
    {"decay-coupled", "adds weight decay to the gradient", FAULT_NONE, coupled_decay},
    {"decay-without-lr", "decays weights without the learning rate", FAULT_NONE, decay_without_lr},
    {"decay-scaled", "decays weights by the scaled learning rate", FAULT_NONE, scaled_decay},
    {"decay-after", "decays the updated weights", FAULT_DECAY_AFTER, decay_after},
    {"narrow-parameters", "keeps parameters in bfloat16: small updates are lost", FAULT_NARROW, NULL},
    {"stuck-learning-rate", "never changes the learning rate", FAULT_FIRST_LR, NULL},
    {"ascent", "adds the update instead of subtracting it", FAULT_ASCENT, NULL},
    {"other-numerator", "has the raw numerator in the place of the normalised one, or the reverse", FAULT_NONE,
     other_numerator},
    {"other-gamma", "has another gamma", FAULT_NONE, other_gamma},
};
const size_t bug_count = sizeof bugs / sizeof bugs[0];

bool bug_apply(const struct bug *b, struct assay_dialect *d)
{
    return !b->change || b->change(d);
}
