#include "claim.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { FIRST_BITS = 128, LAST_BITS = 2048 };

const char *const claim_status_names[] = {"proved", "checked", "measured", "refuted", "vacuous"};

const struct claim *claim_find(const char *id)
{
    for (size_t k = 0; k < claim_count; k++)
        if (strcasecmp(claims[k]->id, id) == 0)
            return claims[k];
    return NULL;
}

/* ---- items --------------------------------------------------------------------------------------------------- */

/* The item of that statement: the one that there is, or a new one. */
static struct item *item_of(struct evidence *e, enum item_kind kind, const char *what)
{
    struct findings *all = e->found;
    for (size_t k = 0; k < all->count; k++)
        if (all->items[k].kind == kind && strncmp(all->items[k].what, what, ITEM_TEXT - 1) == 0)
            return &all->items[k];
    if (all->count == ITEM_MOST)
        work_fail(e->field.w, ASSAY_INVALID, "a claim has more than %d items", ITEM_MOST);
    struct item *item = &all->items[all->count++];
    *item = (struct item){.kind = kind, .exact = true, .least = INFINITY, .most = INFINITY};
    snprintf(item->what, sizeof item->what, "%s", what);
    return item;
}

/* Counts one instance; what failed stays failed, and what is undecided is so unless something failed. */
static void note(struct item *item, bool holds, bool fails, bool exact)
{
    item->count++;
    item->exact = item->exact && exact;
    if (fails)
        item->verdict = VERDICT_FAILS;
    else if (!holds && item->verdict == VERDICT_HOLDS)
        item->verdict = VERDICT_UNDECIDED;
}

/* The ends as binary64, outward; NaN becomes infinite. */
static void ends(double *least, double *most, real x)
{
    mpfr_t lo, hi;
    mpfr_inits2(53, lo, hi, (mpfr_ptr)0);
    real_ends(lo, hi, x);
    *least = mpfr_nan_p(lo) ? -INFINITY : mpfr_get_d(lo, MPFR_RNDD);
    *most = mpfr_nan_p(hi) ? INFINITY : mpfr_get_d(hi, MPFR_RNDU);
    mpfr_clears(lo, hi, (mpfr_ptr)0);
}

/* The words and the number, rounded down to four digits. */
static void write_bound(struct item *item, const char *words, double bound)
{
    MPFR_DECL_INIT(x, 53);
    mpfr_set_d(x, bound, MPFR_RNDN);
    mpfr_snprintf(item->value, sizeof item->value, "%s %.4RDg", words, x);
}

/* "a / b" if that is short; else both ends to 11 digits, outward. */
static void describe(char *text, size_t size, real x)
{
    if (x->exact && mpz_sizeinbase(mpq_numref(x->exact), 10) + mpz_sizeinbase(mpq_denref(x->exact), 10) < 14) {
        gmp_snprintf(text, size, "%Qd", x->exact);
        return;
    }
    mpfr_t lo, hi;
    mpfr_inits2(x->field->prec, lo, hi, (mpfr_ptr)0);
    real_ends(lo, hi, x);
    mpfr_snprintf(text, size, "%.11RDg .. %.11RUg", lo, hi);
    mpfr_clears(lo, hi, (mpfr_ptr)0);
}

size_t instances(const struct evidence *e, size_t usual, size_t quick)
{
    return e->quick ? quick : usual;
}

void each(struct evidence *e, size_t count, void (*instance)(struct evidence *e, size_t k))
{
    for (size_t k = 0; k < count; k++) {
        struct work_block *mark = work_mark(e->field.w);
        instance(e, k);
        work_release(e->field.w, mark);
    }
}

void certify(struct evidence *e, const char *what, real slack)
{
    struct item *item = item_of(e, ITEM_INEQUALITY, what);
    double least, most;
    ends(&least, &most, slack);
    note(item, real_at_least_0(slack), real_below_0(slack), slack->exact);
    item->least = fmin(item->least, least);
    item->most = fmin(item->most, most);
    if (item->least == 0 && item->most == 0)
        snprintf(item->value, sizeof item->value, "slack 0: sharp");
    else
        write_bound(item, "slack >=", item->least);
}

void certify_equal(struct evidence *e, const char *what, real x, real y)
{
    struct item *item = item_of(e, ITEM_EQUALITY, what);
    real gap = real_sub(x, y), one = real_whole(x->field, 1);
    real width = real_mul(real_add(one, real_abs(x)), real_double(x->field, ldexp(1, -(int)(x->field->prec / 3))));
    bool apart = real_above_0(gap) || real_below_0(gap), near = real_below_0(real_sub(real_abs(gap), width));
    note(item, near && !apart, apart, gap->exact);
    snprintf(item->value, sizeof item->value, item->exact ? "exactly" : "within 2^-%ld", (long)x->field->prec / 3);
}

void certify_same(struct evidence *e, const char *what, struct matrix x, struct matrix y)
{
    for (size_t k = 0; k < matrix_count(x); k++)
        certify_equal(e, what, x.at[k], y.at[k]);
}

void certify_fact(struct evidence *e, const char *what, bool holds)
{
    struct item *item = item_of(e, ITEM_FACT, what);
    note(item, holds, !holds, true);
    snprintf(item->value, sizeof item->value, "%s", item->verdict == VERDICT_HOLDS ? "yes" : "no");
}

void must_fail(struct evidence *e, const char *what, real slack)
{
    struct item *item = item_of(e, ITEM_COUNTER, what);
    double least, most;
    ends(&least, &most, slack);
    note(item, real_below_0(slack), real_at_least_0(slack), slack->exact);
    item->least = fmin(item->least, least);
    item->most = isinf(item->most) ? most : fmax(item->most, most);
    write_bound(item, item->verdict == VERDICT_HOLDS ? "fails by at least" : "DOES NOT FAIL, by", -item->most);
}

void must_differ(struct evidence *e, const char *what, real x, real y)
{
    must_fail(e, what, real_neg(real_abs(real_sub(x, y))));
}

void number(struct evidence *e, const char *what, real x)
{
    struct item *item = item_of(e, ITEM_NUMBER, what);
    note(item, true, false, x->exact);
    ends(&item->least, &item->most, x);
    describe(item->value, sizeof item->value, x);
}

void number_printed(struct evidence *e, const char *what, real x, const char *printed)
{
    const char *point = strchr(printed, '.'), *exponent = strchr(printed, 'e');
    size_t length = exponent ? (size_t)(exponent - printed) : strlen(printed);
    char unit[64];
    snprintf(unit, sizeof unit, "5e%ld",
             (exponent ? strtol(exponent + 1, NULL, 10) : 0) - (point ? (long)(printed + length - point) : 1));
    real off = real_abs(real_sub(x, real_decimal(&e->field, printed)));
    real slack = real_sub(real_decimal(&e->field, unit), off);
    number(e, what, x);
    struct item *item = item_of(e, ITEM_NUMBER, what);
    note(item, real_at_least_0(slack), real_below_0(slack), x->exact);
    item->count--;
    size_t used = strlen(item->value);
    snprintf(item->value + used, sizeof item->value - used, "%s%s", item->verdict == VERDICT_HOLDS ? "" : ", not ",
             item->verdict == VERDICT_HOLDS ? "" : printed);
}

void measured(struct evidence *e, const char *what, double value, double half_width, double least, double most)
{
    struct item *item = item_of(e, ITEM_MEASURED, what);
    bool within = value >= least && value <= most;
    note(item, within, !within, false);
    item->least = value - half_width;
    item->most = value + half_width;
    int used = snprintf(item->value, sizeof item->value, "%.4f", value);
    if (half_width > 0)
        used += snprintf(item->value + used, sizeof item->value - (size_t)used, " +- %.4f", half_width);
    snprintf(item->value + used, sizeof item->value - (size_t)used, "%s", within ? "" : ", out of range");
}

void plot_point(struct evidence *e, const char *name, double x, double y, double half_width)
{
    struct findings *all = e->found;
    size_t k = 0;
    while (k < all->series_count && strcmp(all->series[k].name, name) != 0)
        k++;
    if (k == SERIES_MOST || (k < all->series_count && all->series[k].count == SERIES_POINTS))
        work_fail(e->field.w, ASSAY_INVALID, "a claim plots more than it may");
    struct series *s = &all->series[k];
    all->series_count = k == all->series_count ? k + 1 : all->series_count;
    snprintf(s->name, sizeof s->name, "%s", name);
    s->x[s->count] = x;
    s->y[s->count] = y;
    s->half_width[s->count++] = half_width;
}

/* ---- running ------------------------------------------------------------------------------------------------- */

struct run {
    const struct claim *claim;
    struct evidence evidence;
};

static void run_body(struct work *w, void *args)
{
    struct run *run = args;
    run->evidence.field.w = w;
    run->claim->run(&run->evidence);
}

/* Whether everything is decided. */
static bool decided(assay_status status, const struct findings *found)
{
    bool all = status != ASSAY_UNDECIDED;
    for (size_t k = 0; k < found->count; k++)
        all = all && found->items[k].verdict != VERDICT_UNDECIDED;
    return all;
}

assay_status claim_run(const struct claim *claim, struct findings *found, bool quick, const assay_options *options)
{
    struct timespec start, end;
    struct run run = {claim, {.quick = quick, .found = found}};
    assay_status status = ASSAY_UNDECIDED;
    assay_options own = *options;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (long bits = FIRST_BITS; bits <= LAST_BITS; bits *= 2) {
        memset(found, 0, sizeof *found);
        found->verdict = VERDICT_UNDECIDED;
        own.message = found->message;
        own.message_size = sizeof found->message;
        found->bits = bits;
        run.evidence.field.prec = bits;
        status = work_run(&own, run_body, &run);
        if (decided(status, found))
            break;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    found->seconds = (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
    if (status != ASSAY_UNDECIDED)
        found->verdict = status == ASSAY_OK ? claim_verdict(claim, found) : VERDICT_FAILS;
    return status == ASSAY_UNDECIDED ? ASSAY_OK : status;
}

enum verdict claim_verdict(const struct claim *claim, const struct findings *found)
{
    enum verdict worst = VERDICT_HOLDS;
    size_t counters = 0, numbers = 0;
    for (size_t k = 0; k < found->count; k++) {
        const struct item *item = &found->items[k];
        counters += item->kind == ITEM_COUNTER;
        numbers += item->kind == ITEM_NUMBER;
        if (item->verdict == VERDICT_FAILS || worst == VERDICT_HOLDS)
            worst = item->verdict;
        if (worst == VERDICT_FAILS)
            return worst;
    }
    bool needs_counter = claim->status != CLAIM_MEASURED && claim->status != CLAIM_VACUOUS;
    bool needs_number = claim->status == CLAIM_VACUOUS;
    return found->count == 0 || (needs_counter && counters == 0) || (needs_number && numbers == 0) ? VERDICT_FAILS
                                                                                                   : worst;
}

/* The first item of that kind, of what was measured the last; NULL if there is none. */
static const struct item *chosen_of(const struct findings *found, enum item_kind kind)
{
    const struct item *chosen = NULL;
    for (size_t k = 0; k < found->count; k++)
        if (found->items[k].kind == kind && (!chosen || kind == ITEM_MEASURED))
            chosen = &found->items[k];
    return chosen;
}

void claim_slack(char *text, size_t size, const struct claim *claim, const struct findings *found)
{
    static const enum item_kind kinds[] = {
        [CLAIM_MEASURED] = ITEM_MEASURED, [CLAIM_REFUTED] = ITEM_COUNTER, [CLAIM_VACUOUS] = ITEM_NUMBER};
    const struct item *least = NULL, *chosen = NULL;
    if (claim->status >= CLAIM_MEASURED)
        chosen = chosen_of(found, kinds[claim->status]);
    for (size_t k = 0; k < found->count; k++)
        if (found->items[k].kind == ITEM_INEQUALITY && (!least || found->items[k].least < least->least))
            least = &found->items[k];
    if (chosen)
        snprintf(text, size, "%s: %s", chosen->what, chosen->value);
    else
        snprintf(text, size, "%s", least ? least->value : "equality");
}
