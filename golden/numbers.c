#include "numbers.h"

#include <math.h>
#include <string.h>

enum { MOST_ROUNDS = 30, MOST_HALVINGS = 12 };

struct fit {
    const struct assay_dialect *d;
    enum fault fault;
    const struct observed *observed;
    size_t count;
    enum tensor_type format;
    struct part *parts;
    double tolerance;
    bool norm_held; /* at what it is */
    struct number_estimate *found;
};

/* Asks every case. Returns the sum of their losses, and in *all, unless that is NULL, that of their equations. */
static double ask_all(struct work *w, const struct fit *f, const struct change *at, enum ask what,
                      struct equations *all)
{
    double loss = 0;
    if (all)
        memset(all, 0, sizeof *all);
    for (size_t c = 0; c < f->count; c++) {
        struct part *p = &f->parts[c];
        struct question q = {p, f->d, f->fault, f->format, at, f->tolerance, what, 0, NULL};
        if (p->takes)
            part_ask(w, &q);
        if (!p->takes)
            continue;
        for (size_t k = 0; k < NUMBERS && f->norm_held; k++)
            p->found.n[k][NUMBER_NORM] = p->found.n[NUMBER_NORM][k] = p->found.g[NUMBER_NORM] = 0;
        loss += p->loss;
        if (all)
            equations_add(all, &p->found, 1);
    }
    return loss;
}

/* Tries `count` values of a number to each side, a factor apart, for answers need not depend on it smoothly: takes the one that the most
 * results fit, by sum r^2 / (variance + r^2). */
static void scan(struct work *w, const struct fit *f, struct change *at, size_t k, double factor, size_t count)
{
    struct change best = *at, to = *at;
    double least = ask_all(w, f, at, ASK_WEIGHTS, NULL);
    for (int side = 0; side < 2; side++) {
        to.of[k] = at->of[k];
        for (size_t n = 0; n < count; n++) {
            to.of[k] = (1 + to.of[k]) * (side ? factor : 1 / factor) - 1;
            double loss = ask_all(w, f, &to, ASK_WEIGHTS, NULL);
            if (loss < least) {
                least = loss;
                best = to;
            }
        }
    }
    *at = best;
}

/* Moves *at to where sum w r^2, by the weights there, is less, along the solution, halved until it is; false if it falls by no
 * more than 0.01, a tenth of a standard error. With the weights of the next round, too, sum log(variance + mean r^2) has
 * fallen then: log is concave. */
static bool improve(struct work *w, const struct fit *f, struct change *at, struct equations *e, double *loss)
{
    double t[NUMBERS], part = 1, before = *loss, then = before;
    struct change to = *at;
    equations_solve(e, e->g, t);
    for (size_t n = 0; n < MOST_HALVINGS && !(then < before); n++, part /= 2) {
        to = *at;
        for (size_t k = 0; k < NUMBERS; k++)
            to = moved_by(&to, k, part * t[k]);
        then = ask_all(w, f, &to, ASK_LOSS, NULL);
    }
    if (!(then < before - 0.01))
        return false;
    *at = to;
    *loss = ask_all(w, f, at, ASK_EQUATIONS, e);
    return true;
}

/* The jackknife's standard errors, or, if that is more, those of the variances alone. */
static void find_errors(const struct fit *f, const struct equations *e, double errors[NUMBERS])
{
    double squares[NUMBERS] = {0}, count = 0, t[NUMBERS];
    for (size_t c = 0; c < f->count; c++) {
        struct equations without = *e;
        if (!f->parts[c].takes)
            continue;
        count++;
        equations_add(&without, &f->parts[c].found, -1);
        equations_solve(&without, f->parts[c].found.g, t); /* g of all is 0 at the end: of the others, less this */
        for (size_t k = 0; k < NUMBERS; k++)
            squares[k] += t[k] * t[k];
    }
    for (size_t k = 0; k < NUMBERS; k++) {
        double unit[NUMBERS] = {0};
        unit[k] = 1;
        equations_solve(e, unit, t);
        errors[k] = count > 1 ? sqrt(fmax((count - 1) / count * squares[k], t[k])) : INFINITY;
    }
}

static double number_of_case(const struct part *p, size_t k)
{
    return k == NUMBER_BETA ? p->o->c->hyper.momentum : p->o->c->hyper.weight_decay;
}

/* What most of the evidence is of, where cases differ: a port's number is told as if all had that. */
static double nominal_of_cases(const struct part *parts, size_t count, size_t k)
{
    double most = 0, nominal = 0;
    for (size_t c = 0; c < count; c++) {
        double says = 0, own = number_of_case(&parts[c], k);
        for (size_t o = 0; o < count; o++)
            if (parts[o].takes && number_of_case(&parts[o], k) == own)
                says += parts[o].found.n[k][k];
        if (says > most) {
            most = says;
            nominal = own;
        }
    }
    return nominal;
}

double number_nominal(const struct assay_dialect *d, const struct part *parts, size_t count, size_t k)
{
    struct assay_triple t = d->coefficients ? d->coefficients->triples[0] : (struct assay_triple){0};
    double of_cases = k == NUMBER_BETA || k == NUMBER_DECAY ? nominal_of_cases(parts, count, k) : 0;
    return (double[NUMBERS]){t.a, t.b, t.c, 0, d->norm_factor, d->eps, d->scale_factor, of_cases, of_cases}[k];
}

size_t number_cases(const struct part *parts, size_t count, size_t k)
{
    double most = 0;
    size_t found = 0;
    for (size_t c = 0; c < count; c++)
        most = parts[c].takes ? fmax(most, parts[c].found.n[k][k]) : most;
    for (size_t c = 0; c < count && most > 0; c++)
        found += parts[c].takes && parts[c].found.n[k][k] >= most / 100;
    return found;
}

double number_rounded_once(enum tensor_type format, const struct part *parts, size_t count, size_t k, double value)
{
    double u = unit_roundoff(format), held = format == TENSOR_F64 ? u : unit_roundoff(TENSOR_F32), lr = INFINITY;
    for (size_t c = 0; c < count; c++)
        lr = parts[c].o->c->hyper.lr > 0 ? fmin(lr, parts[c].o->c->hyper.lr) : lr;
    if (k == NUMBER_DECAY)
        return held / lr;
    return fabs(value) * (k == NUMBER_BETA ? held : u) / sqrt(fmax((double)number_cases(parts, count, k), 1));
}

/* Gauss-Newton from *at, with the tolerance that there is. */
static void settle(struct work *w, const struct fit *f, struct change *at, struct equations *e)
{
    size_t n = 0;
    double loss = ask_all(w, f, at, ASK_FIRST, e);
    while (improve(w, f, at, e, &loss) && ++n < MOST_ROUNDS) /* half covered: no fit takes so many rounds */
        continue;
}

static void tell(const struct fit *f, const struct change *at, const struct equations *e)
{
    double errors[NUMBERS];
    find_errors(f, e, errors);
    for (size_t k = 0; k < NUMBERS; k++) {
        bool relative = number_ways[k].relative;
        double base = number_nominal(f->d, f->parts, f->count, k), value = base + at->of[k] * (relative ? base : 1);
        double own = errors[k] * (relative ? value : 1),
               once = number_rounded_once(f->format, f->parts, f->count, k, value);
        struct number_estimate x = {.value = base, .cases = number_cases(f->parts, f->count, k)};
        x = number_beside(&x, k, f->format, base);
        x.error = sqrt(own * own + once * once);
        x.seen = x.cases > 0 && errors[k] <= number_ways[k].range / 4 && e->n[k][k] >= e->best[k] / 10 &&
                 (k != NUMBER_NORM || fabs(at->of[k]) <= 0.125);
        x.value = x.seen ? value : base;
        f->found[k] = x;
    }
}

bool number_excluded(const struct number_estimate *x, double errors)
{
    double far = fmin(fabs(x->value - x->nominal), fabs(x->value - x->rounded));
    return !(far <= errors * x->error);
}

struct number_estimate number_beside(const struct number_estimate *x, size_t k, enum tensor_type format, double nominal)
{
    struct number_estimate y = *x;
    y.nominal = nominal;
    y.rounded = k <= NUMBER_C ? nearest(format, nominal) : nominal;
    return y;
}

static void estimate(struct work *w, void *pointer)
{
    static const double tolerances[] = {0.25, 0x1p-7, 0x1p-12, 0};
    struct fit *f = pointer;
    struct change at = {0};
    struct equations e;
    f->parts = work_alloc(w, f->count, sizeof *f->parts);
    for (size_t c = 0; c < f->count; c++)
        part_lay_out(w, &f->parts[c], &f->observed[c], f->format);
    f->tolerance = 0x1p-7 + 8 * unit_roundoff(f->format);
    bool moves = true;
    for (int n = 0; n < 2 && moves; n++) { /* the second time with what rounding does there */
        struct change before = at;
        ask_all(w, f, &at, ASK_FIRST, NULL);
        scan(w, f, &at, NUMBER_EPS, 2, 13);
        scan(w, f, &at, NUMBER_NORM, 1.005, 20);
        moves = at.of[NUMBER_EPS] != before.of[NUMBER_EPS] || at.of[NUMBER_NORM] != before.of[NUMBER_NORM];
    }
    /* From coarse to fine: with the variances alone, one case that is met by chance outweighs all that are off. */
    for (size_t l = 0; l < sizeof tolerances / sizeof tolerances[0]; l++) {
        f->tolerance = tolerances[l];
        settle(w, f, &at, &e);
    }
    tell(f, &at, &e);
    if (!f->d->coefficients || !numbers_repeat(f->d) || number_excluded(&f->found[NUMBER_NORM], NUMBER_FAR))
        return;
    struct number_estimate norm = f->found[NUMBER_NORM];
    f->norm_held = true;
    at.of[NUMBER_NORM] = 0;
    settle(w, f, &at, &e);
    tell(f, &at, &e);
    f->found[NUMBER_NORM] = norm;
}

assay_status numbers_estimate(struct number_estimate found[NUMBERS], const struct assay_dialect *d, enum fault fault,
                              const struct observed *cases, size_t count, enum tensor_type format,
                              const assay_options *options)
{
    struct number_estimate numbers[NUMBERS];
    struct fit f = {d, fault, cases, count, format, NULL, 0, false, numbers};
    assay_status status = work_run(options, estimate, &f);
    if (status == ASSAY_OK) /* half covered: memory is never short in tests */
        memcpy(found, numbers, sizeof numbers);
    return status;
}
