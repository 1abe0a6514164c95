#include "statistic.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PORTS = STATISTIC_MEMBERS + 1 }; /* number 0 is the one that is judged */

/* sum w d r of each port, and sum w d^2. */
struct contrast {
    double along[PORTS], square;
};
typedef struct contrast contrasts[STATISTIC_BUGS];

struct suite {
    const struct assay_dialect *d;
    const struct observed *cases;
    size_t count;
    enum tensor_type format;
    struct part *parts;
    struct equations all;
    double g[PORTS][NUMBERS];
    contrasts *bugs; /* of each case */
    struct statistic *found;
};

/* ---- sums over the cases ------------------------------------------------------------------------------------------------- */

static const struct change none;

/* The numbers of a port with a bug; a computation of its own, as the bug may be none of this case. */
struct with_bug {
    struct question q;
    double *y;
};

static void evaluate_bug(struct work *w, void *pointer)
{
    struct with_bug *b = pointer;
    struct evaluation plain = port_evaluation(TENSOR_F64, 0, b->q.part->o->c, true);
    memcpy(b->y, question_numbers(w, &b->q, plain, &none), b->q.part->count * sizeof *b->y);
}

/* Adds the groups in which the bug makes a finite difference. */
static void add_contrast(struct contrast *to, const struct part *p, const double *with, const double *exact,
                         double *const *r)
{
    for (size_t n = 0; n < p->group_count; n++) {
        const struct group *g = &p->groups[n];
        double square = 0;
        for (size_t i = g->from; i < g->from + g->count; i++)
            square += (with[i] - exact[i]) * (with[i] - exact[i]);
        for (size_t i = g->from; i < g->from + g->count && g->weight > 0 && isfinite(square); i++)
            for (size_t port = 0; port < PORTS; port++)
                to->along[port] += g->weight * (with[i] - exact[i]) * r[port][i];
        to->square += g->weight > 0 && isfinite(square) ? g->weight * square : 0;
    }
}

struct one_case {
    const struct suite *s;
    struct part *p;
    contrasts *bugs;
};

static void contrast_bugs(struct work *w, void *pointer)
{
    const struct one_case *c = pointer;
    struct question q = {c->p, c->s->d, FAULT_NONE, c->s->format, &none, 0, ASK_LOSS, STATISTIC_MEMBERS, NULL};
    double *exact = question_numbers(w, &q, port_evaluation(TENSOR_F64, 0, c->p->o->c, true), &none);
    double **r = question_residuals(w, &q, exact), *with = work_alloc(w, c->p->count, sizeof *with);
    for (size_t b = 0; b < bug_count; b++) {
        struct assay_dialect d = *c->s->d;
        struct with_bug of = {q, with};
        of.q.d = &d;
        of.q.fault = bugs[b].fault;
        if (!bug_apply(&bugs[b], &d))
            continue;
        assay_status status = work_run(w->options, evaluate_bug, &of);
        if (status == ASSAY_OK) /* half covered: no bug makes a dialect refuse the case */
            add_contrast(&(*c->bugs)[b], c->p, with, exact, r);
    }
}

static void add_case(struct work *w, struct suite *s, size_t c)
{
    struct part *p = &s->parts[c];
    struct question q = {p, s->d, FAULT_NONE, s->format, &none, 0, ASK_FIRST, STATISTIC_MEMBERS, s->g + 1};
    part_lay_out(w, p, &s->cases[c], s->format);
    if (p->takes)
        part_ask(w, &q);
    if (!p->takes)
        return;
    equations_add(&s->all, &p->found, 1);
    assay_status status = work_run(w->options, contrast_bugs, &(struct one_case){s, p, &s->bugs[c]});
    if (status != ASSAY_OK)                    /* half covered: memory is never short in tests */
        work_fail(w, status, "out of memory"); /* uncovered: memory is never short in tests */
}

/* ---- verdicts ------------------------------------------------------------------------------------------------------------ */

/* Where honest ports come out: the mean of x[1], x[2], ..., and STATISTIC_WIDTH S. */
static void honest_range(const double x[PORTS], double *mean, double *wide)
{
    double squares = *mean = 0;
    for (size_t m = 1; m < PORTS; m++)
        *mean += x[m] / STATISTIC_MEMBERS;
    for (size_t m = 1; m < PORTS; m++)
        squares += (x[m] - *mean) * (x[m] - *mean) / (STATISTIC_MEMBERS - 1);
    *wide = STATISTIC_WIDTH * sqrt(squares * (1 + 1.0 / STATISTIC_MEMBERS));
}

/* Whether a number is off whichever one case is left out: nothing that only one case shows is for statistics to judge. */
static bool fails_number(const struct suite *s, size_t k, double nominal, double unit, const struct statistic *found)
{
    bool fails = !(fabs(found->value - found->expected) <= found->allowed);
    for (size_t c = 0; c < s->count && fails; c++) {
        struct equations without = s->all;
        double t[NUMBERS];
        if (!s->parts[c].takes)
            continue;
        equations_add(&without, &s->parts[c].found, -1);
        equations_solve(&without, without.g, t);
        fails = !(fabs(nominal + unit * t[k] - found->expected) <= found->allowed);
    }
    return fails;
}

static struct statistic judge_number(const struct suite *s, double t[PORTS][NUMBERS], size_t k)
{
    double nominal = number_nominal(s->d, s->parts, s->count, k), unit = number_ways[k].relative ? nominal : 1;
    double once = STATISTIC_ONCE * number_rounded_once(s->format, s->parts, s->count, k, nominal);
    double x[PORTS], basis[NUMBERS] = {0}, variance[NUMBERS], wide;
    struct statistic found = {.cases = number_cases(s->parts, s->count, k)};
    basis[k] = 1;
    equations_solve(&s->all, basis, variance);
    for (size_t port = 0; port < PORTS; port++)
        x[port] = nominal + unit * t[port][k];
    honest_range(x, &found.expected, &wide);
    found.value = x[0];
    found.allowed = sqrt(wide * wide + once * once);
    /* The rounding of constants is a way to evaluate: none is wrong. */
    found.judged = k != NUMBER_ROUNDING && found.cases > 1 && sqrt(variance[k]) <= number_ways[k].range / 4;
    found.pass = !found.judged || !fails_number(s, k, nominal, unit, &found);
    return found;
}

/* The same for a bug. */
static bool fails_bug(const struct suite *s, size_t b, const struct contrast *all, const struct statistic *found)
{
    bool fails = !(found->value <= found->allowed);
    for (size_t c = 0; c < s->count && fails; c++) {
        const struct contrast *of = &s->bugs[c][b];
        bool rest = all->square - of->square > 0x1p-30 * all->square;
        fails = rest && !((all->along[0] - of->along[0]) / (all->square - of->square) <= found->allowed);
    }
    return fails;
}

/* A bug is judged where it is farther off than honest ports come. */
static struct statistic judge_bug(const struct suite *s, size_t b)
{
    struct contrast all = {0};
    double x[PORTS], wide;
    for (size_t c = 0; c < s->count; c++) {
        all.square += s->bugs[c][b].square;
        for (size_t port = 0; port < PORTS; port++)
            all.along[port] += s->bugs[c][b].along[port];
    }
    struct statistic found = {.judged = all.square > 0, .pass = true};
    if (!found.judged)
        return found;
    for (size_t port = 0; port < PORTS; port++)
        x[port] = all.along[port] / all.square;
    honest_range(x, &found.expected, &wide);
    found.value = x[0];
    found.allowed = fmax(found.expected + wide, 0.5);
    found.judged = found.allowed < 1;
    found.pass = !found.judged || !fails_bug(s, b, &all, &found);
    return found;
}

static void judge_suite(struct work *w, void *pointer)
{
    struct suite *s = pointer;
    double t[PORTS][NUMBERS];
    assert(bug_count <= STATISTIC_BUGS); /* half covered: there are not so many */
    s->parts = work_alloc(w, s->count, sizeof *s->parts);
    s->bugs = work_alloc(w, s->count, sizeof *s->bugs);
    for (size_t c = 0; c < s->count; c++)
        add_case(w, s, c);
    memcpy(s->g[0], s->all.g, sizeof s->g[0]);
    for (size_t port = 0; port < PORTS; port++)
        equations_solve(&s->all, s->g[port], t[port]);
    for (size_t k = 0; k < NUMBERS; k++)
        s->found[k] = judge_number(s, t, k);
    for (size_t b = 0; b < STATISTIC_BUGS; b++)
        s->found[NUMBERS + b] = judge_bug(s, b);
}

assay_status statistics_judge(struct statistic found[STATISTICS], const struct assay_dialect *d,
                              const struct observed *cases, size_t count, enum tensor_type format,
                              const assay_options *options)
{
    struct statistic statistics[STATISTICS];
    struct suite s = {.d = d, .cases = cases, .count = count, .format = format, .found = statistics};
    assay_status status = work_run(options, judge_suite, &s);
    if (status == ASSAY_OK) /* half covered: memory is never short in tests */
        memcpy(found, statistics, sizeof statistics);
    return status;
}

void statistic_text(char text[STATISTIC_TEXT], size_t which, const struct statistic *s)
{
    if (which < NUMBERS)
        snprintf(text, STATISTIC_TEXT,
                 "%s, estimated from %zu cases together, is %.6g; honest ports come out at %.6g +- %.2g",
                 number_names[which], s->cases, s->value, s->expected, s->allowed);
    else
        snprintf(text, STATISTIC_TEXT,
                 "all cases together are %.2f of the way to the known bug %s; honest ports come out at %.2f, and below "
                 "%.2f: "
                 "the port %s",
                 s->value, bugs[which - NUMBERS].name, s->expected, s->allowed, bugs[which - NUMBERS].meaning);
}
