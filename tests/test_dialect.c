/* The table of dialects, and which of them make the same steps: the steps themselves say so. */
#include "support.h"

#include "coefficients.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- the table ---------------------------------------------------------------------------------------------------- */

/* Sorted by name, so names are unique; lower-case letters, digits and hyphens; each with its source; found, by its name
 * alone. */
START_TEST(names_are_found)
{
    char name[64];
    for (size_t k = 0; k < assay_dialect_count; k++) {
        const struct assay_dialect *d = &assay_dialects[k];
        ck_assert(d->name[0] != '\0' && strlen(d->name) < sizeof name - 1 && strlen(d->source) > 10);
        for (const char *c = d->name; *c; c++)
            ck_assert_msg(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '-', "%s", d->name);
        ck_assert(k == 0 || strcmp(assay_dialects[k - 1].name, d->name) < 0);
        ck_assert_ptr_eq(assay_dialect_find(d->name), d);
        snprintf(name, sizeof name, "%s ", d->name);
        ck_assert(assay_dialect_find(name) == NULL);
        name[0] = (char)toupper((unsigned char)name[0]);
        ck_assert(assay_dialect_find(name) == NULL);
    }
    ck_assert(assay_dialect_find("") == NULL && assay_dialect_find("muon") == NULL);
    ck_assert_uint_eq(assay_dialect_count, 38); /* README.md */
}
END_TEST

static bool is_optional(double x, double least, double most)
{
    return x == -1 || (x >= least && x < most);
}

/* The axes that play a part have values that make sense. */
START_TEST(entries_are_complete)
{
    for (size_t k = 0; k < assay_dialect_count; k++) {
        const struct assay_dialect *d = &assay_dialects[k];
        bool iterates =
            d->direction == ASSAY_DIRECTION_NEWTON_SCHULZ || (d->direction == ASSAY_DIRECTION_COSH_RMS && d->steps > 0);
        bool moments = d->post == ASSAY_POST_NORMUON_ROWS || d->post == ASSAY_POST_NORMUON_ASPECT ||
                       d->direction == ASSAY_DIRECTION_ADAM;
        ck_assert_msg(iterates == (d->coefficients != NULL) && iterates == (d->steps > 0), "%s", d->name);
        ck_assert_msg(iterates == (d->norm_factor >= 1), "%s", d->name);
        ck_assert_msg(d->eps >= 0 && d->eps <= 1e-6 && (!iterates || (d->eps == 0) == d->nan_to_zero), "%s", d->name);
        ck_assert_msg(moments ? d->beta2 > .5 && d->beta2 < 1 : d->beta2 == 0, "%s", d->name);
        ck_assert_msg((d->direction == ASSAY_DIRECTION_ADAM) == (d->adam_eps > 0), "%s", d->name);
        ck_assert_msg((d->direction == ASSAY_DIRECTION_COSH_RMS) == (d->gamma > 0 && d->cosh_eps > 0), "%s", d->name);
        ck_assert_msg(d->scale_factor > 0 && d->scale_factor <= 1 && d->dampening == 0, "%s", d->name);
        ck_assert_msg(d->momentum != ASSAY_MOMENTUM_NONE, "%s", d->name);
        ck_assert_msg(is_optional(d->defaults.lr, 1e-4, 1) && is_optional(d->defaults.momentum, 0, 1) &&
                          is_optional(d->defaults.weight_decay, 0, 2),
                      "%s", d->name);
    }
}
END_TEST

/* ---- steps of Newton-Schulz --------------------------------------------------------------------------------------- */

static bool same_triple(struct assay_triple x, struct assay_triple y)
{
    return x.a == y.a && x.b == y.b && x.c == y.c;
}

/* enum assay_overrun, for tables of 1, 2 and 5 triples: how many steps, and which triple each takes. */
START_TEST(steps_beyond_the_table)
{
    static const struct assay_triple five[] = {{1, 1, 1}, {2, 2, 2}, {3, 3, 3}, {4, 4, 4}, {5, 5, 5}};
    for (size_t count = 1; count <= COUNT(five); count++) {
        const struct assay_coefficients table = {"test", "test", count, five};
        for (size_t steps = 0; steps <= 12; steps++)
            for (int overrun = ASSAY_OVERRUN_REPEAT_LAST; overrun <= ASSAY_OVERRUN_STOP; overrun++) {
                const struct assay_dialect d = {
                    .coefficients = &table, .steps = steps, .overrun = (enum assay_overrun)overrun};
                bool stops = overrun == ASSAY_OVERRUN_STOP && steps > count;
                ck_assert_uint_eq(assay_dialect_steps(&d), stops ? count : steps);
                for (size_t k = 0; k < assay_dialect_steps(&d); k++) {
                    size_t row = k < count ? k : overrun == ASSAY_OVERRUN_CYCLE ? k % count : count - 1;
                    ck_assert(same_triple(assay_dialect_triple(&d, k), five[row]));
                }
            }
    }
    const struct assay_dialect without = {.steps = 5}, stops = {.steps = 5, .overrun = ASSAY_OVERRUN_STOP};
    ck_assert(assay_dialect_steps(&without) == 0 && assay_dialect_steps(&stops) == 0);
}
END_TEST

/* ---- which coincide ----------------------------------------------------------------------------------------------- */

enum { STEPS = 3, SHAPES = 5, MOST = 12 };
static const size_t shapes[SHAPES][2] = {{2, 4}, {4, 2}, {6, 2}, {3, 3}, {1, 4}};

struct run {
    assay_status status[SHAPES];
    double params[SHAPES][STEPS * MOST];
};

/* STEPS steps with the same gradients for every dialect. */
static void run_dialect(struct run *r, const struct assay_dialect *d)
{
    uint64_t state = 11;
    for (size_t s = 0; s < SHAPES; s++) {
        size_t count = shapes[s][0] * shapes[s][1];
        double param[MOST], grads[STEPS * MOST], lo[STEPS * MOST];
        random_matrix(&state, param, count);
        random_matrix(&state, grads, STEPS * count);
        const assay_hyper hyper = {.lr = 0.05, .momentum = 0.9, .weight_decay = 0.1};
        const assay_run run = {.param = {param, 2, {shapes[s][0], shapes[s][1]}}, .steps = STEPS, .grads = grads};
        assay_steps after = {.params = {r->params[s], lo, 0}};
        r->status[s] = assay_ref_step(&after, NULL, d, &hyper, &run, NULL);
    }
}

/* The largest difference of parameters, of those of one shape; infinity if one of the two has none. */
static double distance(const struct run *x, const struct run *y)
{
    double largest = 0;
    for (size_t s = 0; s < SHAPES; s++) {
        if (x->status[s] != ASSAY_OK || y->status[s] != ASSAY_OK)
            return INFINITY;
        for (size_t k = 0; k < STEPS * shapes[s][0] * shapes[s][1]; k++)
            largest = fmax(largest, fabs(x->params[s][k] - y->params[s][k]));
    }
    return largest;
}

/* dialect.h: two dialects coincide if they make the same steps, but for a relative eps / ||u|| or so, which Newton-Schulz
 * magnifies by less than 1000. */
START_TEST(named_dialects_coincide_if_their_steps_do)
{
    static struct run runs[64];
    ck_assert(assay_dialect_count <= COUNT(runs));
    for (size_t k = 0; k < assay_dialect_count; k++) {
        run_dialect(&runs[k], &assay_dialects[k]);
        for (size_t s = 0; s < SHAPES; s++)
            ck_assert_msg(runs[k].status[s] == ASSAY_OK, "%s, shape %zu", assay_dialects[k].name, s);
    }
    size_t coinciding = 0;
    for (size_t i = 0; i < assay_dialect_count; i++)
        for (size_t j = 0; j < assay_dialect_count; j++) {
            const struct assay_dialect *a = &assay_dialects[i], *b = &assay_dialects[j];
            bool coincide = assay_dialects_coincide(a, b);
            double apart = distance(&runs[i], &runs[j]);
            ck_assert_msg(coincide == (apart < 1e-5), "%s and %s: %d, but %g apart", a->name, b->name, coincide, apart);
            ck_assert_msg(apart < 1e-5 || apart > 1e-4, "%s and %s: %g apart", a->name, b->name, apart);
            coinciding += i < j && coincide;
        }
    ck_assert_msg(coinciding >= 10, "%zu", coinciding);
}
END_TEST

/* Sets one axis to another value; the ones called eps only to small ones. Returns which. */
static const char *change(struct assay_dialect *d, uint64_t *state)
{
    static char what[128];
    const char *const numbers[] = {"0", "0.5", "0.9", "1", "1.25"}, *const counts[] = {"0", "1", "3", "5", "6", "12"};
    const struct assay_axis *axis = &assay_axes[random_below(state, assay_axis_count)];
    const char *value;
    size_t choices = 0;
    while (axis->values && axis->values[choices])
        choices++;
    if (choices)
        value = axis->values[random_below(state, choices)];
    else if (strcmp(axis->name, "coefficients") == 0)
        value = assay_coefficient_tables[random_below(state, assay_coefficient_table_count)]->name;
    else if (strcmp(axis->name, "steps") == 0)
        value = counts[random_below(state, COUNT(counts))];
    else if (strstr(axis->name, "eps"))
        value = "1e-12";
    else
        value = numbers[random_below(state, COUNT(numbers))];
    ck_assert(assay_dialect_set(d, axis->name, value));
    snprintf(what, sizeof what, "%s=%s", axis->name, value);
    return what;
}

/* The same for whatever --set makes of them: one or two axes away from a named dialect, all eps of which are small, because
 * some tables magnify more. */
START_TEST(dialects_that_coincide_make_the_same_steps)
{
    uint64_t state = 5;
    size_t compared = 0, apart = 0;
    static struct run x, y;
    for (size_t round = 0; round < rounds(400); round++) {
        struct assay_dialect a = assay_dialects[random_below(&state, assay_dialect_count)], b;
        char first[128] = "";
        a.eps = fmin(a.eps, 1e-13);
        a.adam_eps = fmin(a.adam_eps, 1e-13);
        a.cosh_eps = fmin(a.cosh_eps, 1e-13);
        if (random_below(&state, 2))
            snprintf(first, sizeof first, "%s", change(&a, &state));
        b = a;
        const char *second = change(&b, &state);
        ck_assert(assay_dialects_coincide(&a, &a) && assay_dialects_coincide(&b, &b));
        ck_assert(assay_dialects_coincide(&a, &b) == assay_dialects_coincide(&b, &a));
        if (!assay_dialects_coincide(&a, &b)) {
            apart++;
            continue;
        }
        run_dialect(&x, &a);
        run_dialect(&y, &b);
        double far = distance(&x, &y);
        ck_assert_msg(far < 1e-5 || far == INFINITY, "%s, %s: %s leads %g away", a.name, first, second, far);
        compared += far < 1e-5;
    }
    ck_assert_msg(compared > rounds(400) / 8 && apart > rounds(400) / 8, "%zu %zu", compared, apart);
}
END_TEST

struct pair {
    const char *base, *axis[4], *value[4]; /* the first two set on one, the last two on the other */
    bool coincide;
};

static bool coincides(const struct pair *p)
{
    struct assay_dialect a = *assay_dialect_find(p->base), b = a;
    for (int k = 0; k < 4; k++)
        if (p->axis[k])
            ck_assert(assay_dialect_set(k < 2 ? &a : &b, p->axis[k], p->value[k]));
    static struct run x, y;
    run_dialect(&x, &a);
    run_dialect(&y, &b);
    ck_assert_msg((distance(&x, &y) < 1e-5) == p->coincide, "%s %s: %g", p->base, p->axis[2], distance(&x, &y));
    ck_assert(assay_dialects_coincide(&a, &b) == assay_dialects_coincide(&b, &a));
    return assay_dialects_coincide(&a, &b);
}

/* Pairs that look alike and are not, and the other way round. */
START_TEST(subtle_pairs)
{
    const struct pair pairs[] = {
        /* CONV_RATIO knows no layout */
        {"scion", {"layout", NULL, "scale", "layout"}, {"in-out", NULL, "ratio", "in-out"}, false},
        {"scion", {"layout", NULL, "scale", NULL}, {"in-out", NULL, "ratio", NULL}, true},
        /* the layout matters if the scale is not symmetric, */
        {"jordan", {NULL, NULL, "layout", NULL}, {NULL, NULL, "in-out", NULL}, false},
        {"keras", {NULL, NULL, "layout", NULL}, {NULL, NULL, "in-out", NULL}, true},
        /* and where it is that of the whole tensor */
        {"modded-nanogpt-2024", {NULL, NULL, "layout", NULL}, {NULL, NULL, "tail", NULL}, false},
        {"keras", {NULL, NULL, "layout", NULL}, {NULL, NULL, "tail", NULL}, true},
        /* a matrix as one vector */
        {"trust-region", {NULL, NULL, "nd", NULL}, {NULL, NULL, "elementwise", NULL}, false},
        {"nsgdm", {NULL, NULL, "nd", NULL}, {NULL, NULL, "reject", NULL}, true},
        {"auon", {"scale", NULL, "scale", "layout"}, {"max1-ratio", NULL, "max1-ratio", "tail"}, false},
        {"auon-2025-10", {NULL, NULL, "nd", NULL}, {NULL, NULL, "elementwise", NULL}, false},
        {"hybrid-auon", {NULL, NULL, "nd", NULL}, {NULL, NULL, "elementwise", NULL}, false},
        {"jordan", {NULL, NULL, "nd", NULL}, {NULL, NULL, "elementwise", NULL}, true},
        {"signsgdm", {"norm", NULL, "norm", "nd"}, {"sum", NULL, "sum", "batch"}, true},
        {"signsgdm", {"norm", NULL, "norm", "nd"}, {"column", NULL, "column", "batch"}, false},
        /* a plain sum of gradients is as good as their mean where length is ignored, */
        {"trust-region", {NULL, NULL, "momentum", NULL}, {NULL, NULL, "heavy-ball", NULL}, true},
        {"jordan", {NULL, NULL, "momentum", "nesterov"}, {NULL, NULL, "heavy-ball", "add"}, true},
        {"jordan", {NULL, NULL, "momentum", NULL}, {NULL, NULL, "heavy-ball", NULL}, false},
        {"auon-2025-10", {NULL, NULL, "momentum", "nesterov"}, {NULL, NULL, "heavy-ball", "add"}, true},
        {"timm", {NULL, NULL, "nesterov", NULL}, {NULL, NULL, "unbiased", NULL}, true},
        {"timm", {"post", NULL, "post", "nesterov"}, {"graft", NULL, "graft", "unbiased"}, false},
        /* and not elsewhere */
        {"auon", {NULL, NULL, "momentum", "nesterov"}, {NULL, NULL, "heavy-ball", "add"}, false},
        {"orthogonal-sgdm", {NULL, NULL, "momentum", NULL}, {NULL, NULL, "heavy-ball", NULL}, false},
        {"jordan", {"post", NULL, "post", "momentum"}, {"graft", NULL, "graft", "heavy-ball"}, false},
        {"jordan", {"nesterov", NULL, "momentum", NULL}, {"raw", NULL, "none", NULL}, true},
        /* dampening is of heavy balls */
        {"jordan", {NULL, NULL, "dampening", NULL}, {NULL, NULL, "0.5", NULL}, true},
        {"keras", {NULL, NULL, "dampening", NULL}, {NULL, NULL, "0.5", NULL}, false},
        /* second moments are of NorMuon, AdaMuon and Adam */
        {"jordan", {NULL, NULL, "beta2", NULL}, {NULL, NULL, "0.5", NULL}, true},
        {"normuon", {NULL, NULL, "beta2", NULL}, {NULL, NULL, "0.5", NULL}, false},
        {"adamw", {NULL, NULL, "beta2", NULL}, {NULL, NULL, "0.5", NULL}, false},
        {"jordan", {"post", "beta2", "post", NULL}, {"adamuon", "0.5", "adamuon", NULL}, false},
        /* what the iteration is made of */
        {"jordan", {NULL, NULL, "steps", NULL}, {NULL, NULL, "4", NULL}, false},
        {"jordan", {NULL, NULL, "norm-factor", NULL}, {NULL, NULL, "1.25", NULL}, false},
        {"jordan", {NULL, NULL, "pre", NULL}, {NULL, NULL, "equilibrate", NULL}, false},
        {"jordan", {NULL, NULL, "snap", NULL}, {NULL, NULL, "yes", NULL}, false},
        {"jordan", {NULL, NULL, "normalisation", NULL}, {NULL, NULL, "max", NULL}, true},
        {"jordan", {NULL, NULL, "normalisation", NULL}, {NULL, NULL, "aol", NULL}, false},
        {"jordan", {"normalisation", NULL, "normalisation", NULL}, {"spectral", NULL, "schatten", NULL}, false},
        {"timm", {"overrun", NULL, "steps", "overrun"}, {"cycle", NULL, "6", "stop"}, true},
        {"timm", {"steps", "overrun", "steps", "overrun"}, {"6", "cycle", "6", "repeat-last"}, false},
        {"auon", {NULL, NULL, "steps", "coefficients"}, {NULL, NULL, "1", "jordan"}, false},
        {"auon", {NULL, NULL, "gamma", NULL}, {NULL, NULL, "3", NULL}, false},
        {"hybrid-auon-paper", {NULL, NULL, "gamma", NULL}, {NULL, NULL, "3", NULL}, true},
        {"signsgdm", {NULL, NULL, "norm", NULL}, {NULL, NULL, "sum", NULL}, false},
        {"sgdm", {NULL, NULL, "norm", NULL}, {NULL, NULL, "sum", NULL}, true},
        {"jordan", {NULL, NULL, "scale-factor", NULL}, {NULL, NULL, "2", NULL}, false},
        {"jordan", {NULL, NULL, "decay", NULL}, {NULL, NULL, "none", NULL}, false},
        {"jordan", {NULL, NULL, "split-thirds", NULL}, {NULL, NULL, "yes", NULL}, false},
        {"signsgdm", {NULL, NULL, "direction", NULL}, {NULL, NULL, "identity", NULL}, false},
        {"trust-region", {NULL, NULL, "direction-first", NULL}, {NULL, NULL, "yes", NULL}, false},
        {"jordan", {NULL, NULL, "arithmetic", "absent"}, {NULL, NULL, "fp32", "skip"}, true},
    };
    for (size_t k = 0; k < COUNT(pairs); k++)
        ck_assert_msg(coincides(&pairs[k]) == pairs[k].coincide, "pair %zu: %s", k, pairs[k].base);
}
END_TEST

/* Tables coincide if their numbers do, whatever their names. */
START_TEST(one_coefficient_makes_another_dialect)
{
    const struct assay_triple triples[] = {
        {2, -1.5, .5}, {2, -1.5, .5}, {2.5, -1.5, .5}, {2, -1.25, .5}, {2, -1.5, .25}};
    struct assay_coefficients tables[COUNT(triples)];
    struct assay_dialect dialects[COUNT(triples)];
    for (size_t k = 0; k < COUNT(triples); k++) {
        tables[k] = (struct assay_coefficients){k ? "one" : "other", "test", 1, &triples[k]};
        dialects[k] = *assay_dialect_find("jordan");
        dialects[k].coefficients = &tables[k];
        ck_assert(assay_dialects_coincide(&dialects[0], &dialects[k]) == (k < 2));
        ck_assert(assay_dialects_coincide(&dialects[k], &dialects[0]) == (k < 2));
    }
}
END_TEST

RUN_TESTS("dialect", TEST(names_are_found), TEST(entries_are_complete), TEST(steps_beyond_the_table),
          TEST(named_dialects_coincide_if_their_steps_do), TEST(dialects_that_coincide_make_the_same_steps),
          TEST(subtle_pairs), TEST(one_coefficient_makes_another_dialect))
