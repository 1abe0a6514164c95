#include "cases.h"

#include "inputs.h"
#include "recorded.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what there is ---------------------------------------------------------------------------------------------------- */

struct dims {
    size_t ndim, at[4];
};

/* The power of two that an input is multiplied by. */
struct size {
    int exponent;
    const char *tag, *flag, *why; /* "" and NULL: the family's own */
};

static const struct size sizes[] = {
    {0, "", NULL, NULL},
    {-35, "-tiny", "TinyNorm", "a norm near 1e-9: every epsilon shows, and how it is added"},
    {-29, "-eps", "EpsDominated", "a norm near 1e-7: the epsilons of the dialects tell them apart"},
    {95, "-huge", "HugeNorm", "a norm near 1e30: squares overflow binary32"},
    {-140, "-subnormal", "Subnormal", "subnormal numbers of binary32: flushed to zero, or squared to zero"},
    {-1074, "-least", "Subnormal", "subnormal numbers of binary64"},
};

/* What happens in a run of several steps, besides gradients. */
enum event { EVENT_NONE, EVENT_ZERO, EVENT_ABSENT, EVENT_LR, EVENT_TINY, EVENT_HUGE, EVENT_TWO, EVENTS };
static const struct {
    const char *tag, *flag, *why;
    int exponent; /* gradients are multiplied by this power of two */
} events[EVENTS] = {
    {"", "Trajectory", "several steps with momentum and weight decay", -4},
    {"-zero-gradient", "ZeroGradient", "the third gradient is zero: the buffer goes on alone", -4},
    {"-absent-gradient", "AbsentGradient", "the third gradient is absent: skipped, taken for zero, or decayed only",
     -4},
    {"-lr-change", "LrChange", "the learning rate halves: decay that is tied to it must follow", -4},
    {"-tiny-gradients", "TinyNorm", "gradients near 1e-8: momentum conventions show only beside epsilon", -32},
    {"-huge-gradients", "HugeNorm", "gradients near 1e6: cast to binary16 before they are normalised they are infinite",
     20},
    {"-two-parameters", "SeveralParameters", "two parameters in one optimizer: buffers mixed up, or shared", -4},
};

/* A product of families, shapes, and sizes, norms or events; shapes that a family does not fit are left out. */
struct group {
    enum operation operation;
    const char *families[26]; /* and NULL */
    struct dims shapes[8];    /* and one of no dimensions */
    size_t variants;          /* the first so many sizes, norms (lmo) or events (step) */
};

#define STRUCTURED                                                                                                     \
    "wide-range", "sparse", "ternary", "signs", "zero", "zero-row", "zero-column", "rank-one", "low-rank",             \
        "rank-one-and-noise", "hilbert", "kahan", "geometric", "steep", "arithmetic", "clustered", "repeated",         \
        "one-tiny", "near-tie", "hadamard", "permutation", "dyadic", "pythagorean"
#define SHAPES                                                                                                         \
    {2, {4, 4}}, {2, {8, 8}}, {2, {16, 4}}, {2, {4, 16}}, {2, {8, 12}},                                                \
    {                                                                                                                  \
        2,                                                                                                             \
        {                                                                                                              \
            12, 8                                                                                                      \
        }                                                                                                              \
    }
#define TINY_SHAPES                                                                                                    \
    {2, {1, 1}}, {2, {1, 6}}, {2, {6, 1}}, {2, {2, 2}}, {2, {3, 5}},                                                   \
    {                                                                                                                  \
        2,                                                                                                             \
        {                                                                                                              \
            5, 3                                                                                                       \
        }                                                                                                              \
    }
#define LARGE_SHAPES                                                                                                   \
    {2, {32, 32}}, {2, {24, 40}}, {2, {40, 24}},                                                                       \
    {                                                                                                                  \
        2,                                                                                                             \
        {                                                                                                              \
            64, 16                                                                                                     \
        }                                                                                                              \
    }
#define FULL                                                                                                           \
    {2, {8, 8}}, {2, {8, 12}},                                                                                         \
    {                                                                                                                  \
        2,                                                                                                             \
        {                                                                                                              \
            12, 8                                                                                                      \
        }                                                                                                              \
    }
#define TENSORS                                                                                                        \
    {3, {2, 4, 6}}, {3, {3, 6, 4}}, {4, {4, 3, 2, 2}},                                                                 \
    {                                                                                                                  \
        4,                                                                                                             \
        {                                                                                                              \
            12, 2, 1, 3                                                                                                \
        }                                                                                                              \
    }
#define REAL_SHAPES                                                                                                    \
    {2, {32, 64}}, {2, {64, 32}}, {2, {16, 16}}, {2, {12, 12}}, {2, {8, 24}},                                          \
    {                                                                                                                  \
        2,                                                                                                             \
        {                                                                                                              \
            24, 8                                                                                                      \
        }                                                                                                              \
    }
enum { SIZES = sizeof sizes / sizeof sizes[0], RECORDED = 6 /* at most, of one shape */ };

static const struct group groups[] = {
    {OPERATION_POLAR, {"gaussian"}, {TINY_SHAPES}, 1},
    {OPERATION_POLAR, {"gaussian"}, {FULL}, SIZES},
    {OPERATION_POLAR, {"gaussian", "fine"}, {LARGE_SHAPES}, 1},
    {OPERATION_POLAR, {STRUCTURED}, {SHAPES}, 1},
    {OPERATION_POLAR, {"real"}, {REAL_SHAPES}, RECORDED},
    {OPERATION_SVD, {"gaussian"}, {TINY_SHAPES}, 1},
    {OPERATION_SVD, {"gaussian"}, {FULL}, SIZES},
    {OPERATION_SVD, {"gaussian", "fine"}, {LARGE_SHAPES}, 1},
    {OPERATION_SVD, {STRUCTURED}, {{2, {8, 8}}, {2, {16, 4}}, {2, {8, 12}}}, 1},
    {OPERATION_SVD, {"real"}, {REAL_SHAPES}, RECORDED},
    {OPERATION_LMO, {"real"}, {{2, {8, 24}}, {2, {24, 8}}}, NORMS},
    {OPERATION_LMO, {"gaussian"}, {{2, {1, 1}}, {2, {1, 6}}, {2, {6, 1}}, {2, {5, 3}}, {2, {24, 40}}}, NORMS},
    {OPERATION_LMO,
     {"fine", "sparse", "ternary", "signs", "zero", "zero-row", "zero-column", "rank-one", "low-rank", "near-tie",
      "hadamard", "permutation"},
     {{2, {8, 8}}, {2, {12, 8}}},
     NORMS},
    {OPERATION_LMO, {"one-rounding"}, {{2, {4, 6}}}, NORMS},
    {OPERATION_NEWTON_SCHULZ, {"gaussian"}, {TINY_SHAPES}, 1},
    {OPERATION_NEWTON_SCHULZ, {"gaussian"}, {FULL}, SIZES - 1},
    {OPERATION_NEWTON_SCHULZ, {"gaussian"}, {{2, {24, 40}}, {2, {40, 24}}, {2, {12, 4}}, TENSORS}, 1},
    {OPERATION_NEWTON_SCHULZ, {STRUCTURED}, {{2, {8, 8}}, {2, {8, 12}}}, 1},
    /* longer than the blocks that kernels cut sums and vectors into */
    {OPERATION_NEWTON_SCHULZ, {"gaussian"}, {{2, {4, 600}}}, 1},
    {OPERATION_COSH_RMS, {"gaussian"}, {{2, {8, 600}}, {2, {600, 8}}}, 1},
    {OPERATION_MOMENTUM, {"gaussian"}, {{2, {8, 600}}}, 1},
    {OPERATION_NEWTON_SCHULZ, {"real"}, {REAL_SHAPES}, 1},
    {OPERATION_COSH_RMS, {"real"}, {{2, {16, 16}}, {2, {8, 24}}, {2, {24, 8}}}, RECORDED},
    {OPERATION_COSH_RMS, {"gaussian"}, {TINY_SHAPES}, 1},
    {OPERATION_COSH_RMS, {"gaussian"}, {FULL}, SIZES - 1},
    {OPERATION_COSH_RMS, {"zero", "zero-row", "rank-one", "signs", "sparse", "permutation"}, {FULL, TENSORS}, 1},
    {OPERATION_MOMENTUM, {"gaussian", "fine"}, {{2, {3, 5}}, {2, {5, 3}}, {2, {8, 12}}, {4, {4, 3, 2, 2}}}, 3},
    {OPERATION_MOMENTUM, {"zero", "ternary"}, {{2, {3, 5}}}, 3},
    {OPERATION_MOMENTUM, {"one-rounding"}, {{2, {4, 6}}}, 3},
    {OPERATION_STEP, {"gaussian"}, {{2, {4, 6}}, {2, {6, 4}}}, EVENTS},
    {OPERATION_STEP, {"gaussian"}, {{2, {5, 5}}}, 3},
    {OPERATION_STEP, {"low-rank", "rank-one-and-noise", "fine"}, {{2, {4, 6}}, {2, {6, 4}}}, 1},
    {OPERATION_STEP, {"zero", "rank-one", "permutation"}, {{2, {4, 6}}}, 1},
    {OPERATION_STEP, {"zero"}, {{2, {6, 4}}}, 1},
    {OPERATION_STEP,
     {"gaussian"},
     {{2, {8, 12}}, {2, {12, 8}}, {2, {12, 4}}, {2, {1, 1}}, {2, {1, 6}}, {2, {6, 1}}},
     1},
    {OPERATION_STEP, {"gaussian"}, {TENSORS}, 3},
    {OPERATION_STEP, {"gaussian"}, {{2, {12, 16}}}, 1},
    {OPERATION_STEP, {"real"}, {{2, {8, 24}}, {2, {24, 8}}}, 1},
};
enum { CASE_STEPS = 4, GROUPS = sizeof groups / sizeof groups[0] };

/* ---- walking through it ------------------------------------------------------------------------------------------------ */

/* One case of a group. */
struct place {
    const struct group *group;
    const struct family *family;
    const struct dims *dims;
    size_t variant;
};

/* A tensor is made like the matrix of shape[0] rows. */
static size_t columns(const struct dims *dims)
{
    size_t count = 1;
    for (size_t d = 1; d < dims->ndim; d++)
        count *= dims->at[d];
    return count;
}

static bool is_recorded(const struct place *p)
{
    return strcmp(p->family->name, "real") == 0;
}

/* Which of the recorded matrices of the shape it is about: where variants are not something else, they count them. */
static size_t recorded_number(const struct place *p)
{
    enum operation operation = p->group->operation;
    return operation == OPERATION_LMO || operation == OPERATION_STEP ? 0 : p->variant;
}

static const struct recorded *recorded_of(const struct place *p)
{
    return recorded_find(p->dims->at[0], columns(p->dims), recorded_number(p));
}

static bool exists(const struct place *p)
{
    return is_recorded(p) ? recorded_of(p) != NULL
                          : !p->family->fits || p->family->fits(p->dims->at[0], columns(p->dims));
}

/* Finds case number k of the operation; returns how many cases there are before it, or in all if there are fewer. */
static size_t find(struct place *p, enum operation operation, size_t k)
{
    size_t count = 0;
    for (size_t g = 0; g < GROUPS; g++)
        for (size_t f = 0; groups[g].operation == operation && groups[g].families[f]; f++)
            for (size_t s = 0; groups[g].shapes[s].ndim > 0; s++)
                for (size_t v = 0; v < groups[g].variants; v++) {
                    *p = (struct place){&groups[g], family_find(groups[g].families[f]), &groups[g].shapes[s], v};
                    if (exists(p) && count++ == k)
                        return k;
                }
    return count;
}

size_t cases_count(enum operation operation)
{
    struct place p;
    return find(&p, operation, SIZE_MAX);
}

/* ---- making one ------------------------------------------------------------------------------------------------------- */

/* A tensor of this shape; NULL if there is no memory. */
static struct tensor *add_input(struct golden_case *c, const char *name, size_t ndim, const size_t *shape)
{
    struct tensor *x = &c->inputs[c->input_count];
    *x = (struct tensor){.ndim = ndim, .count = 1};
    for (size_t d = 0; d < ndim; d++)
        x->count *= x->shape[d] = shape[d];
    x->name = strdup(name);
    x->at = tensor_alloc(x->count, sizeof *x->at);
    c->input_count++;
    return x->name && x->at ? x : NULL;
}

/* Fills rows x cols entries with the family's numbers times 2^exponent. */
static assay_status fill(double *at, const struct family *family, size_t rows, size_t cols, uint64_t seed, int exponent)
{
    size_t count = rows * cols;
    int64_t *both = tensor_alloc(2 * count, sizeof *both);
    if (!both)
        return ASSAY_NO_MEMORY;
    struct whole_matrix x = {.rows = rows, .cols = cols, .at = both, .truth = both + count};
    family->fill(&x, seed);
    for (size_t k = 0; k < count; k++)
        at[k] = ldexp((double)x.at[k], x.exponent + exponent); /* exact */
    free(both);
    return ASSAY_OK;
}

static assay_status fill_tensor(struct tensor *x, const struct family *family, const struct dims *dims, uint64_t seed,
                                int exponent)
{
    if (!x)
        return ASSAY_NO_MEMORY;
    size_t rows = dims->at[0], cols = columns(dims), count = rows * cols;
    assay_status status = ASSAY_OK;
    for (size_t t = 0; t * count < x->count && status == ASSAY_OK; t++)
        status = fill(x->at + t * count, family, rows, cols, seed + t, exponent);
    return status;
}

static void add_flag(struct golden_case *c, const char *flag)
{
    snprintf(c->flags[c->flag_count++], CASE_TEXT, "%s", flag);
}

/* A flag, and the reason for the case unless there is none. */
static void add_reason(struct golden_case *c, const char *flag, const char *why)
{
    if (flag) {
        add_flag(c, flag);
        snprintf(c->why, sizeof c->why, "%s", why);
    }
}

static assay_status make_direction(struct golden_case *c, const struct place *p, uint64_t seed)
{
    const struct size *size = &sizes[is_recorded(p) ? 0 : p->variant];
    add_reason(c, size->flag, size->why);
    return fill_tensor(add_input(c, "G", p->dims->ndim, p->dims->at), p->family, p->dims, seed, size->exponent);
}

static bool rounds_once(const struct place *p)
{
    return strcmp(p->family->name, "one-rounding") == 0;
}

static assay_status make_lmo(struct golden_case *c, const struct place *p, uint64_t seed)
{
    c->norm = (enum assay_norm)p->variant;
    c->radius = rounds_once(p) ? 0.1 : 0.125;
    return fill_tensor(add_input(c, "G", p->dims->ndim, p->dims->at), p->family, p->dims, seed, 0);
}

/* Buffers M q, gradients 2 G q and parameters 8 P q with a common sign, q = 2^-p, for numbers of p bits, beta = 1/2 and a decay
 * of 1/4: 0.9 2^p <= M < 2^p, M = +-1 mod 16, and 0.64 2^p <= G < 0.85 2^p, |P| <= 0.03 2^p, multiples of 4. Then all but the
 * last operation of a sum is exact, and that is no tie, nor is the next sum: claim BD-bits. */
static assay_status fill_rounding_once(struct golden_case *c, const struct place *p, uint64_t seed)
{
    static const int precisions[] = {8, 11, 24}; /* bfloat16, binary16, binary32 */
    int precision = precisions[p->variant];
    uint64_t top = UINT64_C(1) << precision, below = top / 160, gradients = top / 20, parameters = top * 3 / 400;
    const struct tensor *m = add_input(c, "momentum", p->dims->ndim, p->dims->at),
                        *g = add_input(c, "grad", p->dims->ndim, p->dims->at),
                        *param = add_input(c, "param", p->dims->ndim, p->dims->at);
    c->hyper.momentum = 0.5;
    c->step = 2;
    if (!m || !g || !param)
        return ASSAY_NO_MEMORY;
    for (size_t k = 0; k < m->count; k++) {
        uint64_t bits = input_bits(seed, 2 * k), more = input_bits(seed, 2 * k + 1);
        double sign = bits & 1 ? 1 : -1, odd = bits & 2 ? 1 : -1;
        double buffer = (double)(top - 16 * (1 + (bits >> 2) % below)) + odd;
        double gradient = 4 * (double)(top * 13 / 80 + (more & 0xFFFFFFFF) % gradients);
        double parameter = 4 * ((double)((more >> 32) % (2 * parameters + 1)) - (double)parameters);
        m->at[k] = sign * ldexp(buffer, -precision);
        g->at[k] = sign * ldexp(gradient, 1 - precision);
        param->at[k] = sign * ldexp(parameter, 3 - precision);
    }
    return ASSAY_OK;
}

static assay_status make_momentum(struct golden_case *c, const struct place *p, uint64_t seed)
{
    static const size_t numbers[] = {1, 2, 7};
    c->hyper = (assay_hyper){.momentum = 0.9375, .weight_decay = 0.25};
    c->step = numbers[p->variant];
    if (rounds_once(p))
        return fill_rounding_once(c, p, seed);
    assay_status status =
        fill_tensor(add_input(c, "momentum", p->dims->ndim, p->dims->at), family_find("gaussian"), p->dims, ~seed, -3);
    for (size_t k = 0; k < c->inputs[0].count && c->step == 1 && status == ASSAY_OK; k++)
        c->inputs[0].at[k] = 0; /* before the first step there is none */
    if (status == ASSAY_OK)
        status = fill_tensor(add_input(c, "grad", p->dims->ndim, p->dims->at), p->family, p->dims, seed, -4);
    if (status == ASSAY_OK)
        status = fill_tensor(add_input(c, "param", p->dims->ndim, p->dims->at), family_find("gaussian"), p->dims,
                             seed + 9, -6);
    return status;
}

/* The numbers that a step has one of: 1, but `other` at one step, or from there on. */
static assay_status per_step(struct golden_case *c, const char *name, double usual, double other, bool onwards)
{
    struct tensor *x = add_input(c, name, 1, (size_t[]){CASE_STEPS});
    if (!x)
        return ASSAY_NO_MEMORY;
    for (size_t t = 0; t < CASE_STEPS; t++)
        x->at[t] = t == 2 || (t > 2 && onwards) ? other : usual;
    return ASSAY_OK;
}

/* param and grads, with that behind their names. */
static assay_status add_parameter(struct golden_case *c, const struct place *p, const struct dims *dims,
                                  const char *suffix, uint64_t seed)
{
    size_t shape[5] = {CASE_STEPS};
    char param[16], grads[16];
    memcpy(shape + 1, dims->at, dims->ndim * sizeof *shape);
    snprintf(param, sizeof param, "param%s", suffix);
    snprintf(grads, sizeof grads, "grads%s", suffix);
    assay_status status =
        fill_tensor(add_input(c, param, dims->ndim, dims->at), family_find("gaussian"), dims, ~seed, -4);
    return status != ASSAY_OK ? status
                              : fill_tensor(add_input(c, grads, dims->ndim + 1, shape), p->family, dims, seed,
                                            is_recorded(p) ? 0 : events[p->variant].exponent);
}

static assay_status make_step(struct golden_case *c, const struct place *p, uint64_t seed)
{
    enum event event = (enum event)p->variant;
    add_reason(c, events[event].flag, events[event].why);
    c->hyper = (assay_hyper){.lr = 0.125, .momentum = 0.9375, .weight_decay = 0.25};
    assay_status status = add_parameter(c, p, p->dims, parameter_suffixes[0], seed);
    if (status == ASSAY_OK && event == EVENT_TWO) { /* the other one's transpose in shape */
        struct dims turned = {2, {p->dims->at[1], p->dims->at[0]}};
        status = add_parameter(c, p, &turned, parameter_suffixes[1], input_seed(c->why) ^ seed);
    }
    if (status != ASSAY_OK)
        return status;
    if (event == EVENT_ZERO)
        memset(c->inputs[1].at + 2 * c->inputs[0].count, 0, c->inputs[0].count * sizeof *c->inputs[1].at);
    return event == EVENT_ABSENT ? per_step(c, "present", 1, 0, false)
           : event == EVENT_LR   ? per_step(c, "lr", 0.125, 0.0625, true)
                                 : ASSAY_OK;
}

/* operation-family-8x12-variant */
static void name_case(char id[CASE_TEXT], const struct place *p)
{
    enum operation operation = p->group->operation;
    int end = snprintf(id, CASE_TEXT, "%s-%s-", operation_names[operation], p->family->name);
    for (size_t d = 0; d < p->dims->ndim; d++)
        end += snprintf(id + end, CASE_TEXT - (size_t)end, d ? "x%zu" : "%zu", p->dims->at[d]);
    switch (operation) {
    case OPERATION_LMO:
        snprintf(id + end, CASE_TEXT - (size_t)end, "-%s", norm_names()[p->variant]);
        break;
    case OPERATION_MOMENTUM:
        snprintf(id + end, CASE_TEXT - (size_t)end, "-%zu", p->variant);
        break;
    case OPERATION_STEP:
        snprintf(id + end, CASE_TEXT - (size_t)end, "%s", events[p->variant].tag);
        break;
    default:
        if (is_recorded(p))
            snprintf(id + end, CASE_TEXT - (size_t)end, "-%zu", p->variant + 1);
        else
            snprintf(id + end, CASE_TEXT - (size_t)end, "%s", sizes[p->variant].tag);
    }
}

size_t cases_find(enum operation operation, const char *id)
{
    size_t count = cases_count(operation), k = 0;
    for (; k < count; k++) {
        struct place p;
        char name[CASE_TEXT];
        find(&p, operation, k);
        name_case(name, &p);
        if (strcmp(name, id) == 0)
            break;
    }
    return k;
}

assay_status cases_make(struct golden_case *c, enum operation operation, size_t k)
{
    static assay_status (*const make[OPERATIONS])(struct golden_case *, const struct place *, uint64_t) = {
        make_direction, make_direction, make_lmo, make_direction, make_direction, make_momentum, make_step};
    struct place p;
    find(&p, operation, k);
    *c = (struct golden_case){.operation = operation};
    name_case(c->id, &p);
    snprintf(c->family, sizeof c->family, "%s", p.family->name);
    snprintf(c->why, sizeof c->why, "%s", p.family->why);
    if (is_recorded(&p))
        snprintf(c->why, sizeof c->why, "%s: %s", recorded_of(&p)->name, p.family->why);
    add_flag(c, p.family->flag);
    if (p.dims->ndim > 2)
        add_flag(c, p.dims->ndim == 3 ? "Batched" : "Convolution");
    assay_status status = make[operation](c, &p, is_recorded(&p) ? recorded_number(&p) : input_seed(c->id));
    if (status != ASSAY_OK)
        case_free(c);
    return status;
}
