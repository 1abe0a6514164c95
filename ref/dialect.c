/* The table of dialects: what each named port or paper does, axis by axis. Axes that are not named in an entry have
 * the first value of their enumeration, or are 0 and play no part. "@" precedes the commit that was read. */
#include "dialect.h"

#include "coefficients.h"

#include <string.h>

/* Newton-Schulz with a table, steps, and X = u / (factor ||u|| + eps) or u / max(factor ||u||, eps). */
#define ADD_EPS(table, number, factor, epsilon)                                                                        \
    .coefficients = &assay_coefficients_##table, .steps = number, .normalisation = ASSAY_NORMALISE_ADD,                \
    .norm_factor = factor, .eps = epsilon
#define MAX_EPS(table, number, epsilon)                                                                                \
    .coefficients = &assay_coefficients_##table, .steps = number, .normalisation = ASSAY_NORMALISE_MAX,                \
    .norm_factor = 1, .eps = epsilon

#define EMA_LERP .momentum = ASSAY_MOMENTUM_EMA, .nesterov = ASSAY_NESTEROV_LERP
#define EMA_ALONE .momentum = ASSAY_MOMENTUM_EMA, .nesterov = ASSAY_NESTEROV_NONE
#define HEAVY_BALL_ADD .momentum = ASSAY_MOMENTUM_HEAVY_BALL, .nesterov = ASSAY_NESTEROV_ADD
#define HEAVY_BALL_ALONE .momentum = ASSAY_MOMENTUM_HEAVY_BALL, .nesterov = ASSAY_NESTEROV_NONE

#define SCALE(kind, factor) .scale = ASSAY_SCALE_##kind, .scale_factor = factor
#define DEFAULTS(rate, beta, decay) .defaults = {rate, beta, decay}

/* Jordan's step around another orthogonaliser: what a drop-in replacement is measured in. */
#define IN_JORDANS_STEP(without_gradient, format)                                                                      \
    EMA_LERP, .direction = ASSAY_DIRECTION_NEWTON_SCHULZ, SCALE(MAX1_RATIO, 1), .layout = ASSAY_LAYOUT_TAIL,           \
              .decay = ASSAY_DECAY_DECOUPLED, .nd = ASSAY_ND_FLATTEN_CONV, .absent = ASSAY_ABSENT_##without_gradient,  \
              .arithmetic = ASSAY_##format, DEFAULTS(0.02, 0.95, 0)

const struct assay_dialect assay_dialects[] = {
    {
        .name = "adamw",
        .source = "Kingma & Ba 2015 with decoupled weight decay (Loshchilov & Hutter 2019)",
        .momentum = ASSAY_MOMENTUM_EMA,
        .direction = ASSAY_DIRECTION_ADAM,
        .beta2 = 0.999,
        .adam_eps = 1e-8,
        SCALE(ONE, 1),
        .decay = ASSAY_DECAY_DECOUPLED,
        .nd = ASSAY_ND_ELEMENTWISE,
        DEFAULTS(1e-3, 0.9, 0.01),
    },
    {
        .name = "auon",
        .source = "ryyzn9/AuON auon/optimizer.py @bba2e82, AuON",
        EMA_LERP,
        .direction = ASSAY_DIRECTION_COSH_RMS,
        .cosh = ASSAY_COSH_RAW,
        .gamma = 1.5,
        .cosh_eps = 1e-8,
        SCALE(ONE, 1),
        .decay = ASSAY_DECAY_DECOUPLED,
        .nd = ASSAY_ND_ELEMENTWISE,
        DEFAULTS(0.24, 0.95, 0),
    },
    {
        .name = "auon-2025-10",
        .source = "ryyzn9/AuON Auon_Adam_train.py @c87b862",
        EMA_LERP,
        .direction = ASSAY_DIRECTION_COSH_RMS,
        .cosh = ASSAY_COSH_NORMALISED,
        .gamma = 1,
        .cosh_eps = 1e-8,
        SCALE(MAX1_RATIO, 1),
        .arithmetic = ASSAY_BF16,
        DEFAULTS(0.055, 0.95, 0),
    },
    {
        .name = "auon-paper",
        .source = "arXiv 2509.24320 section 3.1",
        EMA_ALONE,
        .direction = ASSAY_DIRECTION_COSH_RMS,
        .cosh = ASSAY_COSH_NORMALISED,
        .gamma = 1,
        .cosh_eps = 1e-8,
        SCALE(ONE, 1),
        .nd = ASSAY_ND_ELEMENTWISE,
        DEFAULTS(0.055, -1, -1),
    },
    {
        .name = "burn",
        .source = "tracel-ai/burn burn-optim/src/optim/muon.rs @2c06be3",
        HEAVY_BALL_ADD,
        .direction = ASSAY_DIRECTION_NEWTON_SCHULZ,
        MAX_EPS(jordan, 5, 1e-7),
        SCALE(MAX1_RATIO, 1),
        .decay = ASSAY_DECAY_DECOUPLED,
        DEFAULTS(-1, 0.95, 0),
    },
    {
        .name = "deepspeed",
        .source = "deepspeedai/DeepSpeed runtime/zero/muon/original_muon.py @edaa722",
        ADD_EPS(jordan, 5, 1, 1e-7),
        IN_JORDANS_STEP(ZERO, FP16),
    },
    {
        .name = "dion",
        .source = "microsoft/dion dion/muon.py @0a059a4",
        HEAVY_BALL_ALONE,
        .direction = ASSAY_DIRECTION_NEWTON_SCHULZ,
        ADD_EPS(pe_5, 5, 1.02, 1e-8),
        SCALE(RATIO, 1),
        .decay = ASSAY_DECAY_DECOUPLED,
        .nd = ASSAY_ND_BATCH,
        .arithmetic = ASSAY_BF16,
        DEFAULTS(0.01, 0.95, 0.01),
    },
    {
        .name = "dion-reference",
        .source = "microsoft/dion dion/muon_reference.py @0a059a4",
        HEAVY_BALL_ADD,
        .direction = ASSAY_DIRECTION_NEWTON_SCHULZ,
        ADD_EPS(jordan, 5, 1, 1e-8),
        SCALE(RATIO, 1),
        .decay = ASSAY_DECAY_DECOUPLED,
        .arithmetic = ASSAY_BF16,
        DEFAULTS(1e-3, 0.95, 0.1),
    },
    {
        .name = "emerging",
        .source = "NVIDIA-NeMo/Emerging-Optimizers @fd77292, Muon",
        EMA_ALONE,
        .direction = ASSAY_DIRECTION_NEWTON_SCHULZ,
        MAX_EPS(you5, 5, 1e-15),
        .overrun = ASSAY_OVERRUN_CYCLE,
        SCALE(SQRT_MAX, 1),
        .decay = ASSAY_DECAY_DECOUPLED,
        .arithmetic = ASSAY_BF16,
        DEFAULTS(3e-4, 0.95, 0.01),
    },
    {
        .name = "gram-newton-schulz",
        .source = "Dao-AILab/gram-newton-schulz @f08f25e",
        HEAVY_BALL_ADD,
        .direction = ASSAY_DIRECTION_NEWTON_SCHULZ,
        ADD_EPS(pe_gram, 5, 1, 1e-7),
        SCALE(SQRT_MAX, 0.2),
        .decay = ASSAY_DECAY_DECOUPLED,
        .nd = ASSAY_ND_BATCH,
        .arithmetic = ASSAY_FP16,
        DEFAULTS(1e-3, 0.95, 0.1),
    },
    {
        .name = "heavyball",
        .source = "HomebrewML/HeavyBall heavyball/utils.py @07887bd, Muon",
        .momentum = ASSAY_MOMENTUM_EMA,
        .nesterov = ASSAY_NESTEROV_SUM,
        .direction = ASSAY_DIRECTION_NEWTON_SCHULZ,
        MAX_EPS(you5, 5, 1e-7),
        .overrun = ASSAY_OVERRUN_STOP,
        SCALE(MAX1_RATIO, 1),
        .decay = ASSAY_DECAY_DECOUPLED,
        .nd = ASSAY_ND_FLATTEN,
        .arithmetic = ASSAY_BF16,
        DEFAULTS(0.0025, 0.9, 0),
    },
    {
        .name = "hybrid-auon",
        .source = "ryyzn9/AuON auon/optimizer.py @bba2e82, HybridAuON",
        EMA_LERP,
        ADD_EPS(jordan, 5, 1, 1e-7),
        .direction = ASSAY_DIRECTION_COSH_RMS,
        .cosh = ASSAY_COSH_RAW,
        .gamma = 1.5,
        .cosh_eps = 1e-8,
        SCALE(ONE, 1),
        .decay = ASSAY_DECAY_DECOUPLED,
        .nd = ASSAY_ND_BATCH,
        DEFAULTS(0.24, 0.95, 0),
    },
    {
        .name = "hybrid-auon-paper",
        .source = "arXiv 2509.24320 section 3.2, with Jordan's coefficients (it prints none) and delta = 1e-8",
        EMA_ALONE,
        ADD_EPS(jordan, 1, 1, 1e-7),
        .direction = ASSAY_DIRECTION_COSH_RMS,
        .cosh = ASSAY_COSH_MEAN_SQUARE,
        .gamma = 1,
        .cosh_eps = 1e-8,
        SCALE(ONE, 1),
        DEFAULTS(-1, -1, -1),
    },
    {
        .name = "jordan",
        .source = "KellerJordan/Muon muon.py @857d1ad",
        ADD_EPS(jordan, 5, 1, 1e-7),
        IN_JORDANS_STEP(ZERO, BF16),
    },
    {
        .name = "keras",
        .source = "keras-team/keras keras/src/optimizers/muon.py @3422977",
        HEAVY_BALL_ADD,
        .direction = ASSAY_DIRECTION_NEWTON_SCHULZ,
        ADD_EPS(jordan, 5, 1, 1e-7),
        SCALE(SQRT_MAX, 0.2),
        .decay = ASSAY_DECAY_DECOUPLED,
        DEFAULTS(1e-3, 0.95, 0.004),
    },
    {
        .name = "kozistr",
        .source = "kozistr/pytorch_optimizer optimizer/muon.py @7a076d2",
        EMA_LERP,
        .direction = ASSAY_DIRECTION_NEWTON_SCHULZ,
        MAX_EPS(jordan, 5, 1e-7),
        SCALE(SQRT_MAX, 0.2),
        .decay = ASSAY_DECAY_DECOUPLED,
        .nd = ASSAY_ND_FLATTEN,
        .arithmetic = ASSAY_BF16,
        DEFAULTS(0.02, 0.95, 0),
    },
    {
        .name = "levanter",
        .source = "stanford-crfm/levanter optim/muon.py @094aecc",
        HEAVY_BALL_ADD,
        .direction = ASSAY_DIRECTION_NEWTON_SCHULZ,
        ADD_EPS(jordan, 10, 1, 1e-7),
        SCALE(MAX1_RATIO, 1),
        .decay = ASSAY_DECAY_DECOUPLED,
        .nd = ASSAY_ND_BATCH,
        DEFAULTS(0.02, 0.95, 0),
    },
    {
        .name = "lucidrains",
        .source = "lucidrains/adam-atan2-pytorch muon_adam_atan2.py @b42d7cb",
        EMA_ALONE,
        .direction = ASSAY_DIRECTION_NEWTON_SCHULZ,
        MAX_EPS(jordan, 5, 1e-7),
        SCALE(SQRT_MAX, 0.2),
        .layout = ASSAY_LAYOUT_TAIL,
        .decay = ASSAY_DECAY_DECOUPLED,
        .nd = ASSAY_ND_BYPASS_CONV,
        DEFAULTS(1e-4, 0.95, 0),
    },
    {
        .name = "mlx",
        .source = "ml-explore/mlx python/mlx/optimizers/optimizers.py @846d176",
        EMA_LERP,
        .direction = ASSAY_DIRECTION_NEWTON_SCHULZ,
        ADD_EPS(jordan, 5, 1, 1e-7),
        SCALE(MAX1_RATIO, 1),
        .layout = ASSAY_LAYOUT_TAIL,
        .decay = ASSAY_DECAY_L2,
        .nd = ASSAY_ND_FLATTEN,
        DEFAULTS(-1, 0.95, 0.01),
    },
    {
        .name = "modded-nanogpt",
        .source = "KellerJordan/modded-nanogpt train_gpt.py @0016a3c, NorMuon",
        EMA_LERP,
        .direction = ASSAY_DIRECTION_NEWTON_SCHULZ,
        ADD_EPS(pe_5, 5, 1.02, 1e-6),
        .overrun = ASSAY_OVERRUN_STOP,
        .post = ASSAY_POST_NORMUON_ASPECT,
        .beta2 = 0.9,
        SCALE(MAX1_RATIO, 1),
        .decay = ASSAY_DECAY_CAUTIOUS_SQUARED,
        .nd = ASSAY_ND_BATCH,
        .arithmetic = ASSAY_BF16,
        DEFAULTS(0.023, 0.95, 1.2),
    },
    {
        .name = "modded-nanogpt-2024",
        .source = "KellerJordan/modded-nanogpt records/track_1_short/2024-10-10_Muon/train_gpt2.py @f411b3d",
        HEAVY_BALL_ADD,
        .direction = ASSAY_DIRECTION_NEWTON_SCHULZ,
        ADD_EPS(jordan, 5, 1, 1e-7),
        SCALE(SQRT_MAX, 1),
        .split_thirds = true,
        .arithmetic = ASSAY_BF16,
        DEFAULTS(3e-4, 0.95, -1),
    },
    {
        .name = "moonlight",
        .source = "MoonshotAI/Moonlight examples/toy_train.py @c2ad5b2",
        HEAVY_BALL_ADD,
        .direction = ASSAY_DIRECTION_NEWTON_SCHULZ,
        ADD_EPS(jordan, 5, 1, 1e-7),
        SCALE(SQRT_MAX, 0.2),
        .decay = ASSAY_DECAY_DECOUPLED,
        .arithmetic = ASSAY_BF16,
        DEFAULTS(1e-3, 0.95, 0.1),
    },
    {
        .name = "msign",
        .source = "thinking-machines-lab/manifolds src/msign.py @89dcae5, in Jordan's step",
        ADD_EPS(pe_msign, 10, 1.01, 0),
        .nan_to_zero = true,
        IN_JORDANS_STEP(ZERO, BF16),
    },
    {
        .name = "nanochat",
        .source = "karpathy/nanochat nanochat/optim.py @92d63d4",
        EMA_LERP,
        .direction = ASSAY_DIRECTION_NEWTON_SCHULZ,
        ADD_EPS(pe_5, 5, 1.01, 1e-6),
        .overrun = ASSAY_OVERRUN_STOP,
        .pre = ASSAY_PRE_EQUILIBRATE,
        .snap = true,
        .post = ASSAY_POST_NORMUON_ASPECT,
        .beta2 = 0.95,
        SCALE(MAX1_RATIO, 1),
        .decay = ASSAY_DECAY_CAUTIOUS_SCALED,
        .nd = ASSAY_ND_BATCH,
        .arithmetic = ASSAY_BF16,
        DEFAULTS(-1, 0.95, -1),
    },
    {
        .name = "normuon",
        .source = "zichongli5/NorMuon normuon.py @d45c9a4",
        ADD_EPS(jordan, 5, 1, 1e-7),
        .post = ASSAY_POST_NORMUON_ROWS,
        .beta2 = 0.95,
        IN_JORDANS_STEP(ZERO_NO_DECAY, BF16),
    },
    {
        .name = "nsgdm",
        .source = "Cutkosky & Mehta 2020; Kovalev arXiv 2503.12645, Euclidean norm",
        EMA_ALONE,
        .direction = ASSAY_DIRECTION_LMO,
        .norm = ASSAY_NORM_FROBENIUS,
        SCALE(ONE, 1),
        .decay = ASSAY_DECAY_DECOUPLED,
        .nd = ASSAY_ND_ELEMENTWISE,
        DEFAULTS(-1, -1, -1),
    },
    {
        .name = "optax",
        .source = "google-deepmind/optax contrib/_muon.py @2edbcbe",
        .momentum = ASSAY_MOMENTUM_EMA,
        .nesterov = ASSAY_NESTEROV_NADAM,
        .direction = ASSAY_DIRECTION_NEWTON_SCHULZ,
        ADD_EPS(jordan, 5, 1, 1e-8),
        SCALE(MAX1_RATIO, 1),
        .layout = ASSAY_LAYOUT_IN_OUT,
        .decay = ASSAY_DECAY_DECOUPLED,
        DEFAULTS(-1, 0.95, 0),
    },
    {
        .name = "orthogonal-sgdm",
        .source = "Tuddenham et al. 2022 in the form of Kovalev arXiv 2503.12645, algorithm 2",
        EMA_ALONE,
        .direction_first = true,
        .direction = ASSAY_DIRECTION_LMO,
        .norm = ASSAY_NORM_SPECTRAL,
        SCALE(ONE, 1),
        .decay = ASSAY_DECAY_DECOUPLED,
        DEFAULTS(-1, -1, -1),
    },
    {
        .name = "polar-express",
        .source = "NoahAmsel/PolarExpress polar_express.py @5454910, in Jordan's step",
        ADD_EPS(pe_10, 5, 1.01, 1e-7),
        IN_JORDANS_STEP(ZERO, BF16),
    },
    {
        .name = "scion",
        .source = "LIONS-EPFL/scion scion.py @f58a393, constrained; its argument momentum is 1 - beta",
        EMA_ALONE,
        .direction = ASSAY_DIRECTION_NEWTON_SCHULZ,
        ADD_EPS(jordan, 5, 1, 1e-7),
        SCALE(CONV_RATIO, 1),
        .decay = ASSAY_DECAY_FRANK_WOLFE,
        .nd = ASSAY_ND_FLATTEN,
        .arithmetic = ASSAY_BF16,
        DEFAULTS(1e-3, 0, -1),
    },
    {
        .name = "scion-unconstrained",
        .source = "LIONS-EPFL/scion scion.py @f58a393, unconstrained; its argument momentum is 1 - beta",
        EMA_ALONE,
        .direction = ASSAY_DIRECTION_NEWTON_SCHULZ,
        ADD_EPS(jordan, 5, 1, 1e-7),
        SCALE(CONV_RATIO, 1),
        .nd = ASSAY_ND_FLATTEN,
        .arithmetic = ASSAY_BF16,
        DEFAULTS(1e-3, 0, -1),
    },
    {
        .name = "sgdm",
        .source = "torch.optim.SGD with momentum, without dampening or Nesterov",
        HEAVY_BALL_ALONE,
        SCALE(ONE, 1),
        .decay = ASSAY_DECAY_L2,
        .nd = ASSAY_ND_ELEMENTWISE,
        DEFAULTS(1e-3, 0, 0),
    },
    {
        .name = "signsgdm",
        .source = "Sun et al. 2023; Kovalev arXiv 2503.12645, entrywise maximum norm",
        EMA_ALONE,
        .direction = ASSAY_DIRECTION_LMO,
        .norm = ASSAY_NORM_MAX,
        SCALE(ONE, 1),
        .decay = ASSAY_DECAY_DECOUPLED,
        .nd = ASSAY_ND_ELEMENTWISE,
        DEFAULTS(-1, -1, -1),
    },
    {
        .name = "timm",
        .source = "huggingface/pytorch-image-models timm/optim/muon.py @aa4b585",
        EMA_ALONE,
        .direction = ASSAY_DIRECTION_NEWTON_SCHULZ,
        MAX_EPS(you5, 5, 1e-7),
        SCALE(SQRT_MAX, 0.2),
        .decay = ASSAY_DECAY_DECOUPLED,
        .nd = ASSAY_ND_FLATTEN,
        .arithmetic = ASSAY_BF16,
        DEFAULTS(0.02, 0.95, 0),
    },
    {
        .name = "tinygrad",
        .source = "tinygrad/tinygrad nn/optim.py @a9069c1, with the weight decay that it means (there it does nothing)",
        HEAVY_BALL_ADD,
        .direction = ASSAY_DIRECTION_NEWTON_SCHULZ,
        ADD_EPS(jordan, 5, 1, 1e-7),
        SCALE(ONE, 1),
        .decay = ASSAY_DECAY_DECOUPLED,
        .nd = ASSAY_ND_FLATTEN,
        DEFAULTS(1e-3, 0.95, 0.1),
    },
    {
        .name = "torch",
        .source = "pytorch/pytorch torch/optim/_muon.py v2.12.0",
        EMA_LERP,
        .direction = ASSAY_DIRECTION_NEWTON_SCHULZ,
        MAX_EPS(jordan, 5, 1e-7),
        SCALE(MAX1_RATIO, 1),
        .decay = ASSAY_DECAY_DECOUPLED,
        .arithmetic = ASSAY_BF16,
        DEFAULTS(1e-3, 0.95, 0.1),
    },
    {
        .name = "torch-match-rms",
        .source = "pytorch/pytorch torch/optim/_muon.py v2.12.0, adjust_lr_fn=match_rms_adamw",
        EMA_LERP,
        .direction = ASSAY_DIRECTION_NEWTON_SCHULZ,
        MAX_EPS(jordan, 5, 1e-7),
        SCALE(SQRT_MAX, 0.2),
        .decay = ASSAY_DECAY_DECOUPLED,
        .arithmetic = ASSAY_BF16,
        DEFAULTS(1e-3, 0.95, 0.1),
    },
    {
        .name = "trust-region",
        .source = "Kovalev arXiv 2503.12645, algorithm 1; beta = 1 - alpha, eta = lr, shrinking by lr wd",
        EMA_ALONE,
        .direction = ASSAY_DIRECTION_LMO,
        .norm = ASSAY_NORM_SPECTRAL,
        SCALE(ONE, 1),
        .decay = ASSAY_DECAY_DECOUPLED,
        DEFAULTS(-1, -1, -1),
    },
};
const size_t assay_dialect_count = sizeof assay_dialects / sizeof assay_dialects[0];

const struct assay_dialect *assay_dialect_find(const char *name)
{
    for (size_t k = 0; k < assay_dialect_count; k++)
        if (strcmp(assay_dialects[k].name, name) == 0)
            return &assay_dialects[k];
    return NULL;
}

size_t assay_dialect_steps(const struct assay_dialect *d)
{
    size_t most = d->coefficients ? d->coefficients->count : 0;
    bool stops = !d->coefficients || d->overrun == ASSAY_OVERRUN_STOP;
    return stops && d->steps > most ? most : d->steps;
}

struct assay_triple assay_dialect_triple(const struct assay_dialect *d, size_t k)
{
    size_t count = d->coefficients->count;
    if (k >= count)
        k = d->overrun == ASSAY_OVERRUN_CYCLE ? k % count : count - 1;
    return d->coefficients->triples[k];
}

/* ---- which coincide ------------------------------------------------------------------------------------------ */

static bool iterates(const struct assay_dialect *d)
{
    return assay_dialect_steps(d) > 0 &&
           (d->direction == ASSAY_DIRECTION_NEWTON_SCHULZ || d->direction == ASSAY_DIRECTION_COSH_RMS);
}

static bool same_iteration(const struct assay_dialect *a, const struct assay_dialect *b)
{
    if (iterates(a) != iterates(b))
        return false;
    if (!iterates(a))
        return true;
    if (assay_dialect_steps(a) != assay_dialect_steps(b) || a->pre != b->pre || a->norm_factor != b->norm_factor)
        return false;
    for (size_t k = 0; k < assay_dialect_steps(a); k++) {
        struct assay_triple x = assay_dialect_triple(a, k), y = assay_dialect_triple(b, k);
        if (x.a != y.a || x.b != y.b || x.c != y.c)
            return false;
    }
    /* ||u|| + eps and max(||u||, eps) differ by eps */
    bool a_plain = a->normalisation <= ASSAY_NORMALISE_MAX, b_plain = b->normalisation <= ASSAY_NORMALISE_MAX;
    return a_plain && b_plain ? true : a->normalisation == b->normalisation;
}

/* Whether the update does not depend on the length of u, but for eps. */
static bool ignores_length(const struct assay_dialect *d)
{
    if (d->direction_first)
        return false;
    switch (d->direction) {
    case ASSAY_DIRECTION_NEWTON_SCHULZ:
        return d->post != ASSAY_POST_DUAL_NORM && d->post != ASSAY_POST_GRAFT;
    case ASSAY_DIRECTION_LMO:
        return true;
    case ASSAY_DIRECTION_COSH_RMS:
        return iterates(d) || d->cosh == ASSAY_COSH_NORMALISED;
    default:
        return false;
    }
}

/* What the momentum makes of the gradients, up to a factor: two numbers that are equal for equal directions. */
static int momentum_kind(const struct assay_dialect *d)
{
    bool heavy = d->momentum == ASSAY_MOMENTUM_HEAVY_BALL;
    if (d->momentum == ASSAY_MOMENTUM_NONE || d->nesterov == ASSAY_NESTEROV_RAW)
        return -1;
    if (!ignores_length(d) || (heavy && d->dampening != 0))
        return 100 + 10 * (int)d->momentum + (int)d->nesterov;
    if (d->nesterov == ASSAY_NESTEROV_NONE || d->nesterov == ASSAY_NESTEROV_UNBIASED)
        return 0;
    if ((heavy && d->nesterov == ASSAY_NESTEROV_ADD) || (!heavy && d->nesterov == ASSAY_NESTEROV_LERP))
        return 1;
    return 10 * (int)d->momentum + (int)d->nesterov;
}

static bool same_post(const struct assay_dialect *a, const struct assay_dialect *b)
{
    bool second_moment =
        a->post == ASSAY_POST_NORMUON_ROWS || a->post == ASSAY_POST_NORMUON_ASPECT || a->post == ASSAY_POST_ADAMUON;
    return a->snap == b->snap && a->post == b->post && (!second_moment || a->beta2 == b->beta2);
}

static bool same_direction(const struct assay_dialect *a, const struct assay_dialect *b)
{
    if (a->direction != b->direction || a->direction_first != b->direction_first || !same_iteration(a, b))
        return false;
    switch (a->direction) {
    case ASSAY_DIRECTION_NEWTON_SCHULZ:
        return same_post(a, b);
    case ASSAY_DIRECTION_LMO:
        return a->norm == b->norm;
    case ASSAY_DIRECTION_COSH_RMS:
        return a->cosh == b->cosh && (a->cosh == ASSAY_COSH_MEAN_SQUARE || a->gamma == b->gamma);
    case ASSAY_DIRECTION_ADAM:
        return a->beta2 == b->beta2;
    default:
        return true;
    }
}

/* Whether the scale takes columns for outputs. */
static bool turns(const struct assay_dialect *d)
{
    return d->layout == ASSAY_LAYOUT_IN_OUT && (d->scale == ASSAY_SCALE_RATIO || d->scale == ASSAY_SCALE_MAX1_RATIO);
}

static bool same_scale(const struct assay_dialect *a, const struct assay_dialect *b)
{
    enum assay_scale x = a->scale == ASSAY_SCALE_CONV_RATIO ? ASSAY_SCALE_RATIO : a->scale;
    enum assay_scale y = b->scale == ASSAY_SCALE_CONV_RATIO ? ASSAY_SCALE_RATIO : b->scale;
    return x == y && a->scale_factor == b->scale_factor && turns(a) == turns(b);
}

/* Whether the step depends on which matrices the parameter is made of: not if it is one of single entries. The same for
 * dialects of one direction and one scale. */
static bool sees_matrices(const struct assay_dialect *d)
{
    bool by_entries = d->norm == ASSAY_NORM_FROBENIUS || d->norm == ASSAY_NORM_MAX || d->norm == ASSAY_NORM_SUM;
    return d->scale != ASSAY_SCALE_ONE || iterates(d) || (d->direction == ASSAY_DIRECTION_LMO && !by_entries);
}

/* Whether the matrices that are orthogonalised, and those that the scale is of, are the same for each matrix. */
static bool same_matrices(const struct assay_dialect *a, const struct assay_dialect *b)
{
    bool a_vector = a->nd == ASSAY_ND_ELEMENTWISE && a->direction != ASSAY_DIRECTION_NEWTON_SCHULZ;
    bool b_vector = b->nd == ASSAY_ND_ELEMENTWISE && b->direction != ASSAY_DIRECTION_NEWTON_SCHULZ;
    bool same_whole = (a->layout == ASSAY_LAYOUT_TAIL) == (b->layout == ASSAY_LAYOUT_TAIL) &&
                      (a->scale == ASSAY_SCALE_CONV_RATIO) == (b->scale == ASSAY_SCALE_CONV_RATIO);
    return a_vector == b_vector && a->split_thirds == b->split_thirds && (same_whole || !(a_vector || a->split_thirds));
}

bool assay_dialects_coincide(const struct assay_dialect *a, const struct assay_dialect *b)
{
    bool dampened = a->momentum == ASSAY_MOMENTUM_HEAVY_BALL || b->momentum == ASSAY_MOMENTUM_HEAVY_BALL;
    return momentum_kind(a) == momentum_kind(b) && (!dampened || a->dampening == b->dampening) &&
           same_direction(a, b) && same_scale(a, b) && a->decay == b->decay &&
           (same_matrices(a, b) || !sees_matrices(a));
}
