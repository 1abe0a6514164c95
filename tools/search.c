#include "search.h"

#include "changes.h"
#include "command.h"
#include "fit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many hypotheses are judged after each round of the search, how many of the best have their axes changed in the second
 * (in the first all dialects have), and how many rounds there are; and how many dialects are tried with other numbers. */
enum { JUDGED_AT_ONCE = 24, CHANGED_AT_ONCE = 6, MOST_CHANGES = 2, NUMBERED_AT_ONCE = 2, MOST_CHANGED = 64 };

static bool add(struct search *s, const struct hypothesis *h)
{
    if (s->count == s->room) {
        size_t room = 2 * s->room + 64;
        struct hypothesis *more = realloc(s->each, room * sizeof *more);
        if (!more)
            return false;
        s->each = more;
        s->room = room;
    }
    s->each[s->count++] = *h;
    return true;
}

void search_free(struct search *s)
{
    for (struct own_triple *next, *x = s->triples; x; x = next) {
        next = x->next;
        free(x);
    }
    free(s->each);
}

bool search_explains(const struct hypothesis *h)
{
    return h->judged && h->contradicted == 0 && h->predicted > 0 && h->predicted >= h->silent + h->open;
}

bool search_same(const struct hypothesis *h, const struct hypothesis *other)
{
    return h != other && fabs(h->distance - other->distance) <= 1e-12 * fabs(h->distance) &&
           h->predicted == other->predicted;
}

/* Measures a hypothesis and adds it, unless it says the same as one that is there: two bugs that do so are both named. Of two
 * dialects changed alike that do so the better known stays. */
static assay_status consider(struct search *s, const struct evidence *e, struct hypothesis *h)
{
    h->judged = h->asked = h->denied = false;
    assay_status status = hypothesis_measure(h, e);
    if (status != ASSAY_OK)
        return status;
    bool changed = h->bug || h->changes > 0;
    for (size_t k = 0; k < s->count && changed; k++) {
        struct hypothesis *x = &s->each[k];
        if ((h->bug && x->bug && x->bug != h->bug) || fabs(x->distance - h->distance) > 1e-12 * fabs(h->distance))
            continue;
        if (x->bug == h->bug && x->changes == h->changes && hypothesis_better_known(h->base, x->base))
            *x = *h;
        return ASSAY_OK;
    }
    return add(s, h) ? ASSAY_OK : ASSAY_NO_MEMORY;
}

static struct hypothesis plain_of(const struct assay_dialect *d)
{
    struct hypothesis h = {.base = d, .dialect = *d};
    snprintf(h.name, sizeof h.name, "%s", d->name);
    return h;
}

static assay_status consider_named(struct search *s, const struct evidence *e, struct progress_bar *bar)
{
    assay_status status = ASSAY_OK;
    for (size_t d = 0; d < assay_dialect_count && status == ASSAY_OK; d++) {
        struct hypothesis h = plain_of(&assay_dialects[d]);
        show_progress(bar, "dialects", (double)d / (double)assay_dialect_count);
        status = consider(s, e, &h);
    }
    return status;
}

/* Unless the dialect cannot have it. */
static assay_status consider_bug(struct search *s, const struct evidence *e, const struct assay_dialect *base,
                                 const struct bug *bug)
{
    struct hypothesis h = {.base = base, .dialect = *base, .bug = bug};
    snprintf(h.name, sizeof h.name, "%s, %s", base->name, bug->name);
    return bug_apply(bug, &h.dialect) ? consider(s, e, &h) : ASSAY_OK;
}

static assay_status consider_bugs(struct search *s, const struct evidence *e, struct progress_bar *bar)
{
    assay_status status = ASSAY_OK;
    for (size_t k = 0; k < assay_dialect_count * bug_count && status == ASSAY_OK; k++) {
        show_progress(bar, "known bugs", (double)k / (double)(assay_dialect_count * bug_count));
        status = consider_bug(s, e, &assay_dialects[k / bug_count], &bugs[k % bug_count]);
    }
    return status;
}

/* ---- axes -------------------------------------------------------------------------------------------------------------- */

/* Whether the axis is one that ports are told by: the rest is seen in no results, or in the choice of a named dialect. */
static bool is_told_by(const struct assay_dialect *d, const char *axis)
{
    static const char *const left[] = {"direction", "nan-to-zero", "cosh-eps", "adam-eps", NULL};
    return !axis_is_among(axis, left) && axis_matters(d, axis);
}

/* The hypothesis with the axis changed; false if that is no change. */
static bool changed(struct hypothesis *to, const struct hypothesis *from, size_t axis, const char *value)
{
    *to = *from;
    to->changes++;
    snprintf(to->name, sizeof to->name, "%.150s, %s=%s", from->name, assay_axes[axis].name, value);
    return axis_change(&to->dialect, axis, value);
}

static assay_status consider_changes(struct search *s, const struct evidence *e, const struct hypothesis *from,
                                     struct progress_bar *bar)
{
    assay_status status = ASSAY_OK;
    for (size_t axis = 0; axis < assay_axis_count && status == ASSAY_OK; axis++) {
        char value[AXIS_TEXT];
        show_progress(bar, "axes", (double)axis / (double)assay_axis_count);
        if (!is_told_by(&from->dialect, assay_axes[axis].name))
            continue;
        for (size_t k = 0; axis_value(axis, k, value) && status == ASSAY_OK; k++) {
            struct hypothesis h;
            if (changed(&h, from, axis, value))
                status = consider(s, e, &h);
        }
    }
    return status;
}

/* ---- judging ----------------------------------------------------------------------------------------------------------- */

/* Judges the nearest ones that are not judged yet, and ranks. */
static assay_status judge_nearest(struct search *s, const struct evidence *e, size_t most, struct progress_bar *bar)
{
    assay_status status = ASSAY_OK;
    size_t done = 0;
    qsort(s->each, s->count, sizeof *s->each, hypotheses_compare); /* the judged ones first */
    for (size_t k = 0; k < s->count && done < most && status == ASSAY_OK; k++)
        if (!s->each[k].judged) {
            show_progress(bar, "judging", (double)done++ / (double)most);
            status = hypothesis_judge(&s->each[k], e, s->format);
        }
    qsort(s->each, s->count, sizeof *s->each, hypotheses_compare);
    return status;
}

/* Forgets what was found in another format, numbers too. */
static void forget_format(struct search *s)
{
    size_t count = 0;
    for (size_t k = 0; k < s->count; k++) {
        struct hypothesis *h = &s->each[k];
        h->judged = h->asked = h->denied = false;
        if (!hypothesis_is_numbered(h))
            s->each[count++] = *h;
    }
    s->count = count;
}

/* Copies the best with so many axes changed and without a bug, at most `most`; returns how many. */
static size_t best_of(const struct search *s, struct hypothesis *best, size_t most, size_t changes)
{
    size_t count = 0;
    for (size_t k = 0; k < s->count && count < most; k++)
        if (s->each[k].changes == changes && !s->each[k].bug)
            best[count++] = s->each[k];
    return count;
}

/* Dialects, then bugs and changed axes of the nearest, until something explains the results. */
static assay_status explain(struct search *s, const struct evidence *e, struct progress_bar *bar)
{
    assay_status status = judge_nearest(s, e, JUDGED_AT_ONCE, bar);
    for (size_t round = 0; round < MOST_CHANGES && status == ASSAY_OK && !search_explains(&s->each[0]); round++) {
        struct hypothesis from[MOST_CHANGED];
        size_t count = best_of(s, from, round == 0 ? MOST_CHANGED : CHANGED_AT_ONCE, round);
        if (round == 0)
            status = consider_bugs(s, e, bar);
        for (size_t k = 0; k < count && status == ASSAY_OK; k++)
            status = consider_changes(s, e, &from[k], bar);
        if (status == ASSAY_OK)
            status = judge_nearest(s, e, JUDGED_AT_ONCE, bar);
    }
    return status;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------------- */

/* Copies the named dialects that a fitted triple may belong to, the nearest first; returns how many. They divide by the norm
 * itself: those with a factor on it come with tables of their own. */
static size_t fittable(const struct search *s, struct hypothesis from[MOST_CHANGED])
{
    size_t found = best_of(s, from, MOST_CHANGED, 0), count = 0;
    for (size_t k = 0; k < found; k++)
        if (from[k].dialect.coefficients && from[k].dialect.norm_factor == 1)
            from[count++] = from[k];
    return count;
}

static struct own_triple *new_triple(struct search *s)
{
    struct own_triple *x = calloc(1, sizeof *x);
    if (x) {
        x->next = s->triples;
        s->triples = x;
    }
    return x;
}

/* A measured hypothesis with the numbers that the results show, if these are others: asked for once more from there if that is
 * twice as near to the results, for from afar they are not found to the last digit. */
static assay_status consider_own_numbers(struct search *s, const struct evidence *e, struct hypothesis h)
{
    bool nearer = true;
    assay_status status = ASSAY_OK;
    for (int n = 0; n < 2 && nearer && status == ASSAY_OK; n++) {
        struct own_triple *to = new_triple(s);
        double before = h.distance;
        status = to ? hypothesis_ask(&h, e, s->format) : ASSAY_NO_MEMORY;
        bool others = status == ASSAY_OK && hypothesis_number(&h, s->format, to);
        others = others && (h.changes > 0 || h.bug); /* the dialect itself is there */
        if (others)
            status = consider(s, e, &h);
        nearer = others && h.distance < before - log(2);
    }
    return status;
}

static int by_distance(const void *a, const void *b)
{
    const struct hypothesis *x = a, *y = b;
    return x->distance < y->distance ? -1 : x->distance > y->distance;
}

/* The dialects at the least distances, those that say the same as another left out, with numbers that the results show;
 * unless something explains them already. A wrong number may contradict every output, so that contradictions are no guide. */
static assay_status consider_numbered(struct search *s, const struct evidence *e, struct progress_bar *bar)
{
    struct hypothesis from[MOST_CHANGED];
    size_t found = search_explains(&s->each[0]) ? 0 : best_of(s, from, MOST_CHANGED, 0), count = 0;
    qsort(from, found, sizeof *from, by_distance);
    for (size_t k = 0; k < found && count < NUMBERED_AT_ONCE; k++)
        if (count == 0 || from[k].distance > from[count - 1].distance)
            from[count++] = from[k];
    assay_status status = ASSAY_OK;
    for (size_t k = 0; k < count && status == ASSAY_OK; k++) {
        show_progress(bar, "numbers", (double)k / NUMBERED_AT_ONCE);
        status = consider_own_numbers(s, e, from[k]);
    }
    return status == ASSAY_OK && count > 0 ? judge_nearest(s, e, JUDGED_AT_ONCE, bar) : status;
}

/* A dialect with numbers of its own, with one axis changed, or with a known bug. */
static assay_status consider_around(struct search *s, const struct evidence *e, const struct assay_dialect *base,
                                    struct progress_bar *bar)
{
    struct hypothesis plain = plain_of(base);
    assay_status status = hypothesis_measure(&plain, e);
    if (status == ASSAY_OK)
        status = consider_own_numbers(s, e, plain);
    for (size_t b = 0; b < bug_count && status == ASSAY_OK; b++)
        status = consider_bug(s, e, base, &bugs[b]);
    return status == ASSAY_OK ? consider_changes(s, e, &plain, bar) : status;
}

/* As long as what explains the results is denied by their numbers: what these make of it, and what is around its dialect. */
static assay_status settle_numbers(struct search *s, const struct evidence *e, struct progress_bar *bar)
{
    assay_status status = ASSAY_OK;
    const struct assay_dialect *around = NULL;
    while (status == ASSAY_OK && search_explains(&s->each[0]) && !s->each[0].asked) {
        show_progress(bar, "numbers", 0);
        status = hypothesis_ask(&s->each[0], e, s->format);
        if (status != ASSAY_OK || !s->each[0].denied)
            break;
        const struct assay_dialect *base = s->each[0].base;
        status = consider_own_numbers(s, e, s->each[0]);
        if (status == ASSAY_OK && base != around)
            status = consider_around(s, e, around = base, bar);
        if (status == ASSAY_OK)
            status = judge_nearest(s, e, JUDGED_AT_ONCE, bar);
    }
    return status;
}

/* Fits a triple, once. */
static bool fits(struct search *s, const struct evidence *e, const struct assay_dialect *normalisation)
{
    if (!s->fit_tried)
        s->fit_found = fit_triple(&s->fitted.triple, &s->steps, e, normalisation);
    s->fit_tried = true;
    return s->fit_found;
}

static struct hypothesis with_fitted(struct search *s, const struct hypothesis *from)
{
    struct hypothesis h = *from;
    h.dialect.steps = s->steps;
    hypothesis_give_triple(&h, &s->fitted, s->fitted.triple);
    hypothesis_name(&h);
    return h;
}

/* Whether a named dialect explains the results as it is, or with a bug or other axes leaves less than a quarter of them open:
 * what rounding moves far, so that many things explain it. (Of honest ports in bf16 msign, with ten steps, leaves 13 of 270.) */
static bool is_settled(const struct search *s)
{
    const struct hypothesis *first = &s->each[0];
    bool named = first->changes == 0 && !first->bug;
    return search_explains(first) && (named || 4 * (first->silent + first->open) < first->predicted);
}

/* Where that is not so, the named dialects with a triple of the port's own, if one, repeated, explains those of
 * Newton-Schulz: every dialect, for wrong coefficients contradict them all alike; the nearest with other numbers too, for a fit
 * knows no factor on the norm. */
static assay_status consider_fitted(struct search *s, const struct evidence *e, struct progress_bar *bar)
{
    assay_status status = ASSAY_OK;
    struct hypothesis from[MOST_CHANGED], nearest = {0};
    size_t count = is_settled(s) ? 0 : fittable(s, from);
    if (count == 0 || !fits(s, e, &from->dialect))
        return ASSAY_OK;
    for (size_t k = 0; k < count && status == ASSAY_OK; k++) {
        struct hypothesis h = with_fitted(s, &from[k]);
        status = consider(s, e, &h);
        nearest = h.distance < nearest.distance ? h : nearest;
    }
    if (status == ASSAY_OK)
        status = judge_nearest(s, e, JUDGED_AT_ONCE, bar);
    if (status != ASSAY_OK || search_explains(&s->each[0]) || !nearest.base)
        return status;
    status = consider_own_numbers(s, e, nearest);
    return status == ASSAY_OK ? judge_nearest(s, e, JUDGED_AT_ONCE, bar) : status;
}

/* ---- what it rests on ---------------------------------------------------------------------------------------------------- */

/* For each axis the nearest other value, and how many outputs contradict it. */
static assay_status weigh_axes(struct search *s, const struct evidence *e, struct progress_bar *bar)
{
    const struct hypothesis *first = &s->each[0];
    assay_status status = ASSAY_OK;
    for (size_t axis = 0; axis < assay_axis_count && status == ASSAY_OK; axis++) {
        struct axis_evidence found = {.axis = axis};
        struct hypothesis nearest = {0};
        char value[AXIS_TEXT];
        show_progress(bar, "evidence", (double)axis / (double)assay_axis_count);
        if (!is_told_by(&first->dialect, assay_axes[axis].name))
            continue;
        for (size_t k = 0; axis_value(axis, k, value) && status == ASSAY_OK; k++) {
            struct hypothesis h;
            if (!changed(&h, first, axis, value))
                continue;
            status = hypothesis_measure(&h, e);
            if (fabs(h.distance - first->distance) <= 1e-12)
                continue; /* another name for the same */
            if (found.other[0] == '\0' || h.distance < nearest.distance) {
                nearest = h;
                memcpy(found.other, value, sizeof value);
            }
        }
        if (status == ASSAY_OK && found.other[0] != '\0')
            status = hypothesis_judge(&nearest, e, s->format);
        assay_dialect_get(&first->dialect, axis, found.value, sizeof found.value);
        found.contradicted = nearest.contradicted;
        if (found.other[0] != '\0')
            s->axes[s->axis_count++] = found;
    }
    return status;
}

/* Looks for what explains the results as computed in the format. */
static assay_status search_in(struct search *s, const struct evidence *e, enum tensor_type format,
                              struct progress_bar *bar)
{
    forget_format(s);
    s->format = format;
    assay_status status = explain(s, e, bar);
    if (status == ASSAY_OK)
        status = consider_numbered(s, e, bar);
    if (status == ASSAY_OK)
        status = consider_fitted(s, e, bar);
    return status == ASSAY_OK ? settle_numbers(s, e, bar) : status;
}

assay_status search_run(struct search *s, const struct evidence *e, bool any_format, enum tensor_type format)
{
    struct progress_bar bar = {0};
    *s = (struct search){0};
    assay_status status = consider_named(s, e, &bar);
    for (int f = (int)(any_format ? evidence_format(e) : format); f < FORMATS && status == ASSAY_OK; f++) {
        status = search_in(s, e, (enum tensor_type)f, &bar);
        if (!any_format || search_explains(&s->each[0]))
            break;
    }
    if (status == ASSAY_OK)
        status = weigh_axes(s, e, &bar);
    if (status == ASSAY_OK)
        hypothesis_tell(&s->each[0], s->format);
    end_progress(&bar);
    return status;
}

assay_status search_bug(const struct bug **bug, size_t *contradicted, const struct evidence *e,
                        const struct assay_dialect *d, enum tensor_type format)
{
    struct search s = {.format = format};
    struct progress_bar bar = {0};
    assay_status status = ASSAY_OK;
    for (size_t k = 0; k < bug_count && status == ASSAY_OK; k++)
        status = consider_bug(&s, e, d, &bugs[k]);
    if (status == ASSAY_OK)
        status = judge_nearest(&s, e, JUDGED_AT_ONCE / 3, &bar);
    end_progress(&bar);
    bool likely = status == ASSAY_OK && s.count > 0 && 4 * s.each[0].contradicted < *contradicted;
    *bug = likely ? s.each[0].bug : NULL;
    *contradicted = likely ? s.each[0].contradicted : *contradicted;
    search_free(&s);
    return status;
}
