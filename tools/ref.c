/* assay ref OP IN [-o OUT]: the reference as a calculator. */
#include "case.h"
#include "command.h"
#include "report.h"
#include "safetensors.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { MOST_SETTINGS = 32, MOST_OUTPUTS = 16, MOST_COEFFICIENTS = 300 };

/* Everything a command line can say. */
struct request {
    const char *output, *bits, *max_bits, *threads, *format, *tensor;
    const char *norm, *radius, *ridge, *l1, *box, *centre;
    const char *dialect, *coeffs, *steps, *eps;
    const char *lr, *momentum, *weight_decay, *step, *parameter;
    bool extrapolate, help;
    const char *settings[MOST_SETTINGS]; /* --set AXIS=VALUE */
    size_t setting_count;

    const char *operation, *input;
    char suffix[16]; /* of the names of --parameter */
    struct tensor_file file;
    const struct tensor *matrix; /* the tensor of operations on one */
    assay_options options;
    struct progress_bar bar;
    char message[ASSAY_MESSAGE_SIZE];
    struct assay_dialect chosen;
    struct assay_coefficients table;
    struct assay_triple triples[MOST_COEFFICIENTS / 3];
    report *report;
    struct tensor outputs[MOST_OUTPUTS];
    size_t output_count;
};

/* ---- memory and failure: a calculation is one process ------------------------------------------------------------ */

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory) {
        fputs("assay: out of memory\n", stderr);
        exit(EXIT_USAGE);
    }
    return memory;
}

static int fail(struct request *r, assay_status status)
{
    end_progress(&r->bar);
    fprintf(stderr, "assay: %s: %s\n", r->input, r->message[0] ? r->message : assay_status_text(status));
    return exit_code_of(status);
}

/* ---- input --------------------------------------------------------------------------------------------------- */

/* One sentence for a number that is not finite, with its place; slices t[k] with present[k] = 0 are not looked at. */
static bool check_finite(const char *path, const struct tensor *t, const struct tensor *present)
{
    for (size_t k = 0; k < t->count; k++) {
        bool absent = present && present->at[k / (t->count / present->count)] == 0;
        if (isfinite(t->at[k]) || absent)
            continue;
        char place[256] = "";
        size_t rest = k, used = 0, before = t->count;
        for (size_t d = 0; d < t->ndim; d++) {
            before /= t->shape[d];
            used += (size_t)snprintf(place + used, sizeof place - used, "%s%zu", d ? ", " : "", rest / before);
            rest %= before;
        }
        complain_usage("%s: %s[%s] is %s", path, t->name[0] ? t->name : "entry ", place,
                       isnan(t->at[k]) ? "NaN" : "infinite");
        return false;
    }
    return true;
}

static bool read_file(struct request *r, struct tensor_file *file, const char *path)
{
    assay_status status = tensors_read(file, path, r->message, sizeof r->message);
    if (status != ASSAY_OK)
        complain_usage("%s", r->message);
    return status == ASSAY_OK;
}

/* The one tensor that is meant, of at most `most` dimensions and with something in it; NULL after a complaint. */
static const struct tensor *the_tensor(const struct request *r, const struct tensor_file *file, const char *path,
                                       size_t most)
{
    const struct tensor *t = r->tensor ? tensors_find(file, r->tensor) : file->count == 1 ? file->tensors : NULL;
    if (!t && r->tensor)
        complain_usage("%s: there is no tensor '%s'", path, r->tensor);
    else if (!t)
        complain_usage("%s: holds %zu tensors: name one with --tensor", path, file->count);
    else if (t->ndim > most)
        complain_usage("%s: has %zu dimensions, and '%s' takes at most %zu", path, t->ndim, r->operation, most);
    else if (t->count == 0)
        complain_usage("%s: is empty", path);
    else if (check_finite(path, t, NULL))
        return t;
    return NULL;
}

/* Vectors are columns, numbers 1 x 1. */
static assay_input as_matrix(const struct tensor *t)
{
    size_t rows = t->ndim > 0 ? t->shape[0] : 1, cols = t->ndim > 1 ? t->shape[1] : 1;
    return (assay_input){t->at, rows, cols, cols};
}

static assay_tensor as_tensor(const struct tensor *t)
{
    assay_tensor x = {t->at, t->ndim, {0}};
    for (size_t k = 0; k < t->ndim; k++)
        x.shape[k] = t->shape[k];
    return x;
}

/* ---- output -------------------------------------------------------------------------------------------------- */

static char *join(const char *name, const char *suffix)
{
    size_t size = strlen(name) + strlen(suffix) + 1;
    char *text = allocate(size, 1);
    snprintf(text, size, "%s%s", name, suffix);
    return text;
}

static struct tensor *add_tensor(struct request *r, char *name, const size_t *shape, size_t ndim)
{
    struct tensor *t = &r->outputs[r->output_count++];
    *t = (struct tensor){.name = name, .type = TENSOR_F64, .ndim = ndim, .count = 1};
    for (size_t k = 0; k < ndim; k++) {
        t->shape[k] = shape[k];
        t->count *= shape[k];
    }
    t->at = allocate(t->count, sizeof *t->at);
    return t;
}

/* Room for X, X.lo and X.radius; the first of the three. */
static struct tensor *add_answer(struct request *r, const char *name, const size_t *shape, size_t ndim)
{
    const size_t one = 1;
    struct tensor *hi = add_tensor(r, join(name, ""), shape, ndim);
    add_tensor(r, join(name, ".lo"), shape, ndim);
    add_tensor(r, join(name, ".radius"), &one, 1);
    return hi;
}

static assay_answer answer_view(struct tensor *hi, size_t rows, size_t cols)
{
    return (assay_answer){{hi[0].at, rows, cols, cols}, {hi[1].at, rows, cols, cols}, 0};
}

static assay_tensor_answer tensor_view(struct tensor *hi)
{
    return (assay_tensor_answer){hi[0].at, hi[1].at, 0};
}

static void add_metadata(struct tensor_file *file, const char *key, const char *value)
{
    file->metadata_keys[file->metadata_count] = (char *)(size_t)key;
    file->metadata_values[file->metadata_count++] = (char *)(size_t)value;
}

/* Small answers are shown when they are not written. */
static void show_answers(const struct request *r)
{
    enum { MOST_SHOWN = 64 };
    for (size_t k = 0; k < r->output_count; k += 3) {
        const struct tensor *t = &r->outputs[k];
        if (t->count > MOST_SHOWN)
            continue;
        printf("%s =\n", t->name);
        size_t cols = t->ndim > 0 ? t->shape[t->ndim - 1] : 1;
        for (size_t j = 0; j < t->count; j++)
            printf("%24.17g%s", t->at[j], (j + 1) % cols == 0 ? "\n" : " ");
    }
}

/* Writes the outputs, if asked for, then the report. */
static int finish(struct request *r)
{
    end_progress(&r->bar);
    bool as_json = r->format && strcmp(r->format, "json") == 0;
    json_t *radii = json_object();
    for (size_t k = 0; k < r->output_count; k += 3) {
        double radius = r->outputs[k + 2].at[0];
        if (as_json)
            json_object_set_new(radii, r->outputs[k].name, report_number(radius));
        else
            report_add(r->report, join(r->outputs[k].name, ".radius"),
                       report_power(radius == 0 ? LONG_MIN : (long)ilogb(radius)));
    }
    if (as_json)
        report_add(r->report, "radius", radii);
    else
        json_decref(radii);
    if (r->output) {
        char *keys[3], *values[3];
        struct tensor_file file = {
            .count = r->output_count, .tensors = r->outputs, .metadata_keys = keys, .metadata_values = values};
        add_metadata(&file, "assay", assay_version);
        add_metadata(&file, "operation", r->operation);
        if (r->dialect)
            add_metadata(&file, "dialect", r->dialect);
        assay_status status = safetensors_write(r->output, &file, r->message, sizeof r->message);
        if (status != ASSAY_OK)
            return complain_usage("%s", r->message);
        report_add(r->report, "output", report_text(r->output));
    }
    if (!report_print(r->report, as_json))
        return complain_usage("standard output cannot be written");
    if (!r->output && !as_json)
        show_answers(r);
    return EXIT_PASS;
}

/* ---- operations on one matrix ---------------------------------------------------------------------------------- */

static int polar(struct request *r)
{
    assay_input a = as_matrix(r->matrix);
    struct tensor *q = add_answer(r, "Q", r->matrix->shape, r->matrix->ndim);
    assay_answer answer = answer_view(q, a.rows, a.cols);
    assay_polar_info info;
    assay_status status = assay_ref_polar(&answer, &info, a, &r->options);
    if (status != ASSAY_OK)
        return fail(r, status);
    q[2].at[0] = answer.radius;
    report_add(r->report, "rank", json_integer((json_int_t)info.rank));
    report_add(r->report, "unique", json_boolean(info.unique));
    report_add(r->report, "largest singular", report_bounds(info.largest));
    report_add(r->report, "least singular", report_bounds(info.least));
    report_add(r->report, "condition", report_bounds(info.condition));
    report_add(r->report, "certified radius", report_power(info.radius_log2));
    report_add(r->report, "precision", json_integer(info.bits));
    return finish(r);
}

static int svd(struct request *r)
{
    assay_input a = as_matrix(r->matrix);
    size_t side = a.rows < a.cols ? a.rows : a.cols;
    struct tensor *u = add_answer(r, "U", (size_t[]){a.rows, side}, 2), *s = add_answer(r, "S", &side, 1);
    struct tensor *v = add_answer(r, "V", (size_t[]){a.cols, side}, 2);
    assay_answer us = answer_view(u, a.rows, side), ss = answer_view(s, 1, side), vs = answer_view(v, a.cols, side);
    assay_svd_info info;
    assay_status status = assay_ref_svd(&ss, &us, &vs, &info, a, &r->options);
    if (status != ASSAY_OK)
        return fail(r, status);
    u[2].at[0] = us.radius;
    s[2].at[0] = ss.radius;
    v[2].at[0] = vs.radius;
    report_add(r->report, "rank", json_integer((json_int_t)info.rank));
    report_add(r->report, "residual", report_number(info.residual));
    report_add(r->report, "U defect", report_number(info.u_defect));
    report_add(r->report, "V defect", report_number(info.v_defect));
    report_add(r->report, "precision", json_integer(info.bits));
    return finish(r);
}

/* The norm of this name, or -1. */
static int find_norm(const char *name)
{
    for (int k = 0; k < NORMS; k++)
        if (strcmp(norm_names()[k], name) == 0)
            return k;
    complain_usage("there is no norm '%s': spectral, frobenius, max, rms, nuclear, sum, column or row", name);
    return -1;
}

/* Which of --ridge, --l1 and --box is given, and its weight; false after a complaint. */
static bool read_regulariser(const struct request *r, enum assay_regulariser *regulariser, double *weight)
{
    const char *const text[] = {NULL, r->ridge, r->l1, r->box};
    *regulariser = ASSAY_REGULARISER_NONE;
    for (int k = ASSAY_REGULARISER_RIDGE; k <= ASSAY_REGULARISER_BOX; k++) {
        if (!text[k])
            continue;
        if (*regulariser != ASSAY_REGULARISER_NONE || !parse_number(text[k], 0, 1e300, weight)) {
            complain_usage("--ridge, --l1 and --box exclude each other and take a number that is not negative");
            return false;
        }
        *regulariser = (enum assay_regulariser)k;
    }
    return true;
}

static int subproblem(struct request *r, enum assay_norm norm, double radius, enum assay_regulariser regulariser,
                      double weight)
{
    assay_input m = as_matrix(r->matrix);
    struct tensor_file file = {0};
    double *origin = allocate(m.rows * m.cols, sizeof *origin);
    assay_input centre = {origin, m.rows, m.cols, m.cols};
    if (r->centre) {
        const struct tensor *t = read_file(r, &file, r->centre) ? the_tensor(r, &file, r->centre, 2) : NULL;
        if (!t)
            return EXIT_USAGE;
        centre = as_matrix(t);
        if (centre.rows != m.rows || centre.cols != m.cols)
            return complain_usage("%s: is %zu x %zu, and %s is %zu x %zu", r->centre, centre.rows, centre.cols,
                                  r->input, m.rows, m.cols);
    }
    struct tensor *x = add_answer(r, "X", r->matrix->shape, r->matrix->ndim);
    assay_answer answer = answer_view(x, m.rows, m.cols);
    bool unique;
    assay_status status =
        assay_ref_subproblem(&answer, &unique, norm, radius, regulariser, weight, m, centre, &r->options);
    if (status != ASSAY_OK)
        return fail(r, status);
    x[2].at[0] = answer.radius;
    report_add(r->report, "unique", json_boolean(unique));
    return finish(r);
}

static int lmo(struct request *r)
{
    enum assay_regulariser regulariser;
    double radius = 1, weight = 0;
    if (!r->norm)
        return complain_usage("'lmo' needs --norm");
    int norm = find_norm(r->norm);
    if (norm < 0 || !read_regulariser(r, &regulariser, &weight))
        return EXIT_USAGE;
    if (r->radius && (!parse_number(r->radius, 0, 1e300, &radius) || radius == 0))
        return complain_usage("--radius takes a positive number, not '%s'", r->radius);
    if (regulariser != ASSAY_REGULARISER_NONE)
        return subproblem(r, (enum assay_norm)norm, radius, regulariser, weight);
    if (r->centre)
        return complain_usage("--centre goes with --ridge, --l1 or --box");
    assay_input g = as_matrix(r->matrix);
    struct tensor *d = add_answer(r, "D", r->matrix->shape, r->matrix->ndim);
    assay_answer answer = answer_view(d, g.rows, g.cols);
    assay_lmo_info info;
    assay_status status = assay_ref_lmo(&answer, &info, (enum assay_norm)norm, radius, g, &r->options);
    if (status != ASSAY_OK)
        return fail(r, status);
    d[2].at[0] = answer.radius;
    report_add(r->report, "norm", json_string(r->norm));
    report_add(r->report, "unique", json_boolean(info.unique));
    report_add(r->report, "dual norm", report_bounds(info.dual));
    report_add(r->report, "outside the ball", report_number(info.excess));
    report_add(r->report, "duality gap", report_number(info.gap));
    report_add(r->report, "precision", json_integer(info.bits));
    return finish(r);
}

/* ---- operations of a dialect ----------------------------------------------------------------------------------- */

static bool parse_coefficients(struct request *r)
{
    const struct assay_coefficients *named = assay_coefficients_find(r->coeffs);
    if (named) {
        r->chosen.coefficients = named;
        return true;
    }
    double *numbers = (double *)r->triples;
    size_t count = 0;
    char *copy = join(r->coeffs, ""), *rest = copy;
    for (char *word; (word = strsep(&rest, ","));)
        if (count == MOST_COEFFICIENTS || !parse_number(word, -1e300, 1e300, &numbers[count++])) {
            complain_usage("--coeffs takes the name of a table or at most %d numbers a,b,c,...; not '%s'",
                           MOST_COEFFICIENTS, word);
            return false;
        }
    if (count % 3 != 0) {
        complain_usage("--coeffs takes triples a,b,c, and %zu numbers are not", count);
        return false;
    }
    r->table = (struct assay_coefficients){"custom", "given", count / 3, r->triples};
    r->chosen.coefficients = &r->table;
    return true;
}

static void complain_values(const char *axis, const char *const *values, const char *value)
{
    char list[256] = "";
    for (size_t k = 0, used = 0; values[k] && used < sizeof list; k++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", k ? ", " : "", values[k]);
    complain_usage("axis '%s' takes %s, not '%s'", axis, list, value);
}

static bool set_axis(struct request *r, const char *axis, const char *value)
{
    if (assay_dialect_set(&r->chosen, axis, value))
        return true;
    size_t k = 0;
    while (k < assay_axis_count && strcmp(assay_axes[k].name, axis) != 0)
        k++;
    if (k == assay_axis_count)
        complain_usage("there is no axis '%s' (assay dialects %s lists them)", axis, r->chosen.name);
    else if (!assay_axes[k].values)
        complain_usage("'%s' is no number that '%s' can be", value, axis);
    else
        complain_values(axis, assay_axes[k].values, value);
    return false;
}

/* What the command line changed of the dialect: axis = value, and coefficients of one's own. */
static void report_changes(struct request *r, const struct assay_dialect *original)
{
    for (size_t k = 0; k < assay_axis_count; k++) {
        char before[64], after[64];
        assay_dialect_get(original, k, before, sizeof before);
        assay_dialect_get(&r->chosen, k, after, sizeof after);
        if (strcmp(before, after) != 0)
            report_add(r->report, assay_axes[k].name, json_string(after));
    }
    if (r->chosen.coefficients == &r->table)
        report_add(r->report, "triples", json_string(r->coeffs));
}

/* The dialect, with what the command line changes of it; false after a complaint. */
static bool choose_dialect(struct request *r, const char *otherwise)
{
    const char *name = r->dialect ? r->dialect : otherwise;
    if (!name) {
        complain_usage("'%s' needs --dialect (assay dialects lists them)", r->operation);
        return false;
    }
    const struct assay_dialect *found = assay_dialect_find(name);
    if (!found) {
        complain_usage("there is no dialect '%s' (assay dialects lists them)", name);
        return false;
    }
    r->chosen = *found;
    if (r->coeffs) {
        if (!parse_coefficients(r))
            return false;
        r->chosen.steps = r->chosen.coefficients->count;
    }
    if ((r->steps && !set_axis(r, "steps", r->steps)) || (r->eps && !set_axis(r, "eps", r->eps)) ||
        (r->norm && !set_axis(r, "norm", r->norm)))
        return false;
    for (size_t k = 0; k < r->setting_count; k++) {
        char *axis = join(r->settings[k], ""), *equals = strchr(axis, '=');
        if (!equals) {
            complain_usage("--set takes AXIS=VALUE, not '%s'", axis);
            return false;
        }
        *equals = '\0';
        if (!set_axis(r, axis, equals + 1))
            return false;
    }
    report_add(r->report, "dialect", json_string(found->name));
    report_changes(r, found);
    return true;
}

static int iterate(struct request *r, const char *otherwise, const char *name,
                   assay_status (*compute)(assay_tensor_answer *, const struct assay_dialect *, assay_tensor,
                                           const assay_options *))
{
    if (!choose_dialect(r, otherwise))
        return EXIT_USAGE;
    struct tensor *y = add_answer(r, name, r->matrix->shape, r->matrix->ndim);
    assay_tensor_answer answer = tensor_view(y);
    assay_status status = compute(&answer, &r->chosen, as_tensor(r->matrix), &r->options);
    if (status != ASSAY_OK)
        return fail(r, status);
    y[2].at[0] = answer.radius;
    return finish(r);
}

static int newton_schulz(struct request *r)
{
    return iterate(r, r->coeffs ? "jordan" : NULL, "Y", assay_ref_newton_schulz);
}

static int cosh_rms(struct request *r)
{
    return iterate(r, NULL, "Y", assay_ref_cosh_rms);
}

/* The tensor of that name, behind what --tensor says that names begin with; or NULL. The second of several parameters has
 * param.2, grads.2 and so on, and shares what there is one of a step. */
static const struct tensor *find_named(const struct request *r, const char *name)
{
    bool shared = strcmp(name, "lr") == 0 || strcmp(name, "present") == 0;
    char *whole = join(r->tensor ? r->tensor : "", name), *own = join(whole, r->suffix);
    const struct tensor *t = tensors_find(&r->file, shared ? whole : own);
    free(whole);
    free(own);
    return t;
}

/* A tensor of the input by name; NULL if it is not there. Complains of one that is not finite, and sets *bad. */
static const struct tensor *named(const struct request *r, const char *name, bool *bad)
{
    const struct tensor *t = find_named(r, name), *present = find_named(r, "present");
    bool by_step = strcmp(name, "grads") == 0 && present && t && t->ndim > 0 && present->count == t->shape[0];
    if (t && !*bad && !check_finite(r->input, t, by_step ? present : NULL))
        *bad = true;
    return t;
}

static const struct tensor *required(const struct request *r, const char *name, bool *bad)
{
    const struct tensor *t = named(r, name, bad);
    if (!t && !*bad) {
        complain_usage("%s: there is no tensor '%s%s%s'", r->input, r->tensor ? r->tensor : "", name, r->suffix);
        *bad = true;
    } else if (t && t->count == 0 && !*bad) {
        complain_usage("%s: tensor '%s' is empty", r->input, name);
        *bad = true;
    }
    return t;
}

/* Whether t has the shape of `like`, after `first` leading dimensions of its own. */
static bool same_shape(const struct request *r, const struct tensor *t, const struct tensor *like, size_t first)
{
    bool same = t->ndim == like->ndim + first;
    for (size_t k = 0; k < like->ndim && same; k++)
        same = t->shape[first + k] == like->shape[k];
    if (!same)
        complain_usage("%s: the shape of '%s' does not fit that of '%s'", r->input, t->name, like->name);
    return same;
}

static bool read_hyper(struct request *r, assay_hyper *hyper, bool needs_lr)
{
    const struct assay_dialect *d = &r->chosen;
    *hyper = (assay_hyper){d->defaults.lr, d->defaults.momentum, d->defaults.weight_decay, ASSAY_REGULARISER_NONE, 0};
    hyper->weight_decay = hyper->weight_decay < 0 ? 0 : hyper->weight_decay;
    if (r->lr && !parse_number(r->lr, 0, 1e300, &hyper->lr))
        return complain_usage("--lr takes a number that is not negative, not '%s'", r->lr), false;
    if (r->momentum && (!parse_number(r->momentum, 0, 1, &hyper->momentum) || hyper->momentum == 1))
        return complain_usage("--momentum takes a number in [0, 1), not '%s'", r->momentum), false;
    if (r->weight_decay && !parse_number(r->weight_decay, 0, 1e300, &hyper->weight_decay))
        return complain_usage("--weight-decay takes a number that is not negative, not '%s'", r->weight_decay), false;
    if (hyper->momentum < 0)
        return complain_usage("dialect '%s' has no default momentum: give --momentum", d->name), false;
    if (hyper->lr < 0 && needs_lr)
        return complain_usage("dialect '%s' has no default learning rate: give --lr", d->name), false;
    hyper->lr = hyper->lr < 0 ? 0 : hyper->lr;
    report_add(r->report, "momentum", json_real(hyper->momentum));
    report_add(r->report, "weight decay", json_real(hyper->weight_decay));
    const char *ignored =
        r->weight_decay && d->decay == ASSAY_DECAY_NONE          ? "has no weight decay: --weight-decay does nothing"
        : r->weight_decay && d->decay == ASSAY_DECAY_FRANK_WOLFE ? "decays by lr: --weight-decay does nothing"
        : r->momentum && d->momentum == ASSAY_MOMENTUM_NONE      ? "has no momentum: --momentum does nothing"
                                                                 : NULL;
    if (ignored)
        report_add(r->report, "note", json_sprintf("dialect '%s' %s", d->name, ignored));
    return true;
}

static int momentum(struct request *r)
{
    assay_hyper hyper;
    bool bad = false;
    unsigned step = 1;
    if (!choose_dialect(r, NULL) || !read_hyper(r, &hyper, false))
        return EXIT_USAGE;
    if (r->step && !parse_count(r->step, 1, 1000000, &step))
        return complain_usage("--step takes a whole number from 1 on, not '%s'", r->step);
    const struct tensor *m = required(r, "momentum", &bad), *g = required(r, "grad", &bad),
                        *p = named(r, "param", &bad);
    if (bad || !same_shape(r, m, g, 0) || (p && !same_shape(r, p, g, 0)))
        return EXIT_USAGE;
    if (g->ndim > 4)
        return complain_usage("%s: has %zu dimensions, and 'momentum' takes at most 4", r->input, g->ndim);
    struct tensor *next = add_answer(r, "momentum", g->shape, g->ndim), *u = add_answer(r, "u", g->shape, g->ndim);
    assay_tensor_answer next_answer = tensor_view(next), u_answer = tensor_view(u);
    assay_status status = assay_ref_momentum(&next_answer, &u_answer, &r->chosen, &hyper, as_tensor(m), as_tensor(g),
                                             p ? p->at : NULL, step, &r->options);
    if (status != ASSAY_OK)
        return fail(r, status);
    next[2].at[0] = next_answer.radius;
    u[2].at[0] = u_answer.radius;
    return finish(r);
}

/* A [T] tensor of the input, if it is there. */
static const double *per_step(struct request *r, const char *name, size_t steps, bool *bad)
{
    const struct tensor *t = named(r, name, bad);
    if (t && !*bad && (t->ndim != 1 || t->count != steps)) {
        complain_usage("%s: '%s' is not a vector of %zu, one for each step", r->input, name, steps);
        *bad = true;
    }
    return t ? t->at : NULL;
}

static int step(struct request *r)
{
    assay_hyper hyper;
    bool bad = false;
    unsigned before = 0, parameter = 1;
    if (!choose_dialect(r, NULL))
        return EXIT_USAGE;
    if (r->parameter && !parse_count(r->parameter, 1, 1000000, &parameter))
        return complain_usage("--parameter takes a whole number from 1 on, not '%s'", r->parameter);
    if (parameter > 1)
        snprintf(r->suffix, sizeof r->suffix, ".%u", parameter);
    if (r->lr && find_named(r, "lr"))
        return complain_usage("%s: holds a tensor 'lr', and --lr is given too", r->input);
    const struct tensor *param = required(r, "param", &bad), *grads = required(r, "grads", &bad);
    if (bad || !same_shape(r, grads, param, 1))
        return EXIT_USAGE;
    if (param->ndim > 4)
        return complain_usage("%s: 'param' has %zu dimensions, and 'step' takes at most 4", r->input, param->ndim);
    size_t steps = grads->shape[0], moments = assay_ref_moment_count(&r->chosen, as_tensor(param));
    assay_run run = {.param = as_tensor(param), .steps = steps, .grads = grads->at};
    run.lr = per_step(r, "lr", steps, &bad);
    const double *present = per_step(r, "present", steps, &bad);
    const struct tensor *m = named(r, "momentum", &bad), *v = named(r, "second_moment", &bad);
    if (bad || !read_hyper(r, &hyper, run.lr == NULL) || !read_regulariser(r, &hyper.regulariser, &hyper.weight) ||
        (m && !same_shape(r, m, param, 0)))
        return EXIT_USAGE;
    if (v && v->count != moments)
        return complain_usage("%s: 'second_moment' has %zu numbers, not %zu", r->input, v->count, moments);
    if (r->step && !parse_count(r->step, 1, 1000000, &before))
        return complain_usage("--step takes a whole number from 1 on, not '%s'", r->step);
    run.steps_before = before > 0 ? before - 1 : 0;
    run.momentum = m ? m->at : NULL;
    run.second_moment = v ? v->at : NULL;
    bool *flags = allocate(steps, sizeof *flags);
    for (size_t k = 0; k < steps; k++)
        flags[k] = !present || present[k] != 0;
    run.present = flags;

    static const char *const names[] = {"params", "updates", "momentum", "second_moment", "queries"};
    struct tensor *outputs[COUNT(names)] = {NULL};
    assay_steps after = {0};
    assay_tensor_answer *answers[] = {&after.params, &after.updates, &after.momentum, &after.second_moment,
                                      &after.queries};
    for (size_t k = 0; k < COUNT(names); k++) {
        if ((k == 3 && moments == 0) || (k == 4 && !r->extrapolate))
            continue;
        outputs[k] =
            add_answer(r, names[k], k == 3 ? (size_t[]){steps, moments} : grads->shape, k == 3 ? 2 : grads->ndim);
        *answers[k] = tensor_view(outputs[k]);
    }
    bool unique;
    assay_status status = assay_ref_step(&after, &unique, &r->chosen, &hyper, &run, &r->options);
    if (status != ASSAY_OK)
        return fail(r, status);
    for (size_t k = 0; k < COUNT(names); k++)
        if (outputs[k])
            outputs[k][2].at[0] = answers[k]->radius;
    report_add(r->report, "steps", json_integer((json_int_t)steps));
    if (r->chosen.direction == ASSAY_DIRECTION_LMO)
        report_add(r->report, "unique", json_boolean(unique));
    return finish(r);
}

/* ---- command line ---------------------------------------------------------------------------------------------- */

struct ref_operation {
    const char *name;
    int (*run)(struct request *r);
    size_t most_dimensions; /* of the one tensor it takes; 0: it takes tensors by name */
    const char *takes;      /* the options that go with it, besides those that go with all */
    const char *summary;
};

static const struct ref_operation operations[] = {
    {"polar", polar, 2, "", "the polar factor, or the canonical partial isometry"},
    {"svd", svd, 2, "", "singular values, with vectors as witnesses"},
    {"lmo", lmo, 2, " norm radius ridge l1 box centre ", "argmin <G, D> over a ball; and trust-region subproblems"},
    {"newton-schulz", newton_schulz, 4, " dialect coeffs steps eps set ", "the iteration of a dialect, or any other"},
    {"cosh-rms", cosh_rms, 4, " dialect coeffs steps eps set ", "the scaling of AuON"},
    {"momentum", momentum, 0, " dialect set momentum weight-decay step ",
     "tensors momentum, grad: the next buffer and u"},
    {"step", step, 0,
     " dialect coeffs steps eps set norm lr momentum weight-decay step ridge l1 box extrapolate parameter ",
     "tensors param [...], grads [T, ...]: T steps"},
};

static void add_setting(void *to, const char *value)
{
    struct request *r = to;
    if (r->setting_count < MOST_SETTINGS)
        r->settings[r->setting_count++] = value;
}

static void print_help(const struct option *options, size_t count)
{
    printf("usage: assay ref OP IN [options]\n\n"
           "Computes with the reference: every answer X comes as X (binary64, correctly rounded), X.lo (the rest,\n"
           "rounded) and X.radius. IN is a .npy or .safetensors file.\n\noperations:\n");
    for (size_t k = 0; k < COUNT(operations); k++)
        printf("  %-14s %s\n", operations[k].name, operations[k].summary);
    printf("\noptions:\n");
    print_options(options, count);
}

/* Whether every option that was given goes with the operation. */
static bool options_fit(const struct ref_operation *op, const struct option *options, size_t count,
                        const struct request *r)
{
    for (size_t k = 6; k < count; k++) { /* the first six go with all */
        char word[40];
        snprintf(word, sizeof word, " %s ", options[k].name);
        bool given = options[k].flag  ? *options[k].flag
                     : options[k].add ? r->setting_count > 0
                                      : *options[k].value != NULL;
        if (given && options[k].flag != &r->help && !strstr(op->takes, word)) {
            complain_usage("option --%s does not go with '%s'", options[k].name, op->name);
            return false;
        }
    }
    return true;
}

/* Whether the output may be written: it is none of the inputs, and does not pretend to be of another format. */
static bool output_fits(const struct request *r)
{
    struct stat out, in;
    size_t length = r->output ? strlen(r->output) : 0;
    if (length >= 4 && strcmp(r->output + length - 4, ".npy") == 0)
        return complain_usage("%s: answers are written as .safetensors files", r->output), false;
    for (int k = 0; k < 2 && r->output; k++) {
        const char *input = k ? r->centre : r->input;
        if (input && stat(r->output, &out) == 0 && stat(input, &in) == 0 && out.st_dev == in.st_dev &&
            out.st_ino == in.st_ino)
            return complain_usage("%s: is the input, and would be overwritten", r->output), false;
    }
    return true;
}

static bool read_common(struct request *r)
{
    r->options = (assay_options){
        .progress = show_progress, .progress_data = &r->bar, .message = r->message, .message_size = sizeof r->message};
    if (r->bits && !parse_count(r->bits, 1, 65536, &r->options.bits))
        return complain_usage("--bits takes a whole number from 1 to 65536, not '%s'", r->bits), false;
    if (r->max_bits && !parse_count(r->max_bits, 1, 65536, &r->options.max_bits))
        return complain_usage("--max-bits takes a whole number from 1 to 65536, not '%s'", r->max_bits), false;
    if (r->threads && !parse_count(r->threads, 1, 1024, &r->options.threads))
        return complain_usage("--threads takes a whole number from 1 to 1024, not '%s'", r->threads), false;
    if (r->format && strcmp(r->format, "text") != 0 && strcmp(r->format, "json") != 0)
        return complain_usage("--format takes text or json, not '%s'", r->format), false;
    return true;
}

int run_ref(int argc, char **argv)
{
    static struct request request; /* large */
    struct request *r = &request;
    const struct option options[] = {
        {"output", 'o', &r->output, NULL, NULL, NULL, "write the answer to this .safetensors file"},
        {"bits", 0, &r->bits, NULL, NULL, NULL, "certify at least this many bits"},
        {"max-bits", 0, &r->max_bits, NULL, NULL, NULL, "give up beyond this precision (default 8192)"},
        {"threads", 0, &r->threads, NULL, NULL, NULL, "threads to use (default: all processors)"},
        {"format", 0, &r->format, NULL, NULL, NULL, "text or json"},
        {"tensor", 0, &r->tensor, NULL, NULL, NULL, "which tensor of IN (momentum, step: what names begin with)"},
        {"norm", 0, &r->norm, NULL, NULL, NULL, "spectral frobenius max rms nuclear sum column row"},
        {"radius", 0, &r->radius, NULL, NULL, NULL, "of the ball (default 1)"},
        {"ridge", 0, &r->ridge, NULL, NULL, NULL, "lambda of R = lambda/2 |x|^2 (spectral, frobenius)"},
        {"l1", 0, &r->l1, NULL, NULL, NULL, "lambda of R = lambda sum |x_ij| (max)"},
        {"box", 0, &r->box, NULL, NULL, NULL, "half width of the box that holds x (max)"},
        {"centre", 0, &r->centre, NULL, NULL, NULL, "file with the centre of the ball (default 0)"},
        {"dialect", 'd', &r->dialect, NULL, NULL, NULL, "whose conventions: assay dialects lists them"},
        {"coeffs", 0, &r->coeffs, NULL, NULL, NULL, "a table's name, or a,b,c[,a,b,c...]: each once"},
        {"steps", 0, &r->steps, NULL, NULL, NULL, "steps of Newton-Schulz"},
        {"eps", 0, &r->eps, NULL, NULL, NULL, "beside the norm, before Newton-Schulz"},
        {"set", 0, NULL, NULL, add_setting, r, "AXIS=VALUE: change an axis of the dialect; repeatable"},
        {"lr", 0, &r->lr, NULL, NULL, NULL, "learning rate"},
        {"momentum", 0, &r->momentum, NULL, NULL, NULL, "beta, the decay of the buffer, whatever a port calls it"},
        {"weight-decay", 0, &r->weight_decay, NULL, NULL, NULL, "weight decay"},
        {"step", 0, &r->step, NULL, NULL, NULL, "number of the (first) step, from 1 (default 1)"},
        {"parameter", 0, &r->parameter, NULL, NULL, NULL,
         "which of several: 2 reads param.2, grads.2, ... (default 1)"},
        {"extrapolate", 0, NULL, &r->extrapolate, NULL, NULL, "also write where NIGT asks for gradients"},
        {"help", 'h', NULL, &r->help, NULL, NULL, "print this"},
    };
    int words = parse_options(argc, argv, options, COUNT(options));
    if (words < 0)
        return EXIT_USAGE;
    if (r->help) {
        print_help(options, COUNT(options));
        return EXIT_PASS;
    }
    if (words != 2)
        return complain_usage("ref takes an operation and a file: assay ref OP IN [-o OUT] (--help says more)");
    r->operation = argv[0];
    r->input = argv[1];
    const struct ref_operation *op = operations;
    while (op < operations + COUNT(operations) && strcmp(op->name, r->operation) != 0)
        op++;
    if (op == operations + COUNT(operations))
        return complain_usage("there is no operation '%s' (assay ref --help lists them)", r->operation);
    if (!options_fit(op, options, COUNT(options), r) || !output_fits(r) || !read_common(r) ||
        !read_file(r, &r->file, r->input))
        return EXIT_USAGE;
    if (op->most_dimensions > 0) {
        r->matrix = the_tensor(r, &r->file, r->input, op->most_dimensions);
        if (!r->matrix)
            return EXIT_USAGE;
    }
    r->report = json_object();
    report_add(r->report, "operation", json_string(op->name));
    report_add(r->report, "input", report_text(r->input));
    if (r->matrix)
        report_add(r->report, "shape", report_shape(r->matrix->shape, r->matrix->ndim));
    return op->run(r);
}
