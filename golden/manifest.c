#include "manifest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void manifest_free(struct manifest *m)
{
    for (size_t k = 0; k < m->count; k++)
        case_free(&m->cases[k]);
    free(m->cases);
    *m = (struct manifest){0};
}

/* ---- to JSON ------------------------------------------------------------------------------------------------------ */

/* In what follows NULL stands for a lack of memory; jansson passes it on, and frees what it is given with it. */

static json_t *strings(size_t count, const char *const *texts)
{
    json_t *array = json_array();
    for (size_t k = 0; k < count; k++)
        if (json_array_append_new(array, json_string(texts[k])) != 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

/* More than there are. */
enum { MOST_DIALECTS = 256 };

static json_t *members_to_json(const struct answer_class *k)
{
    const char *names[MOST_DIALECTS];
    for (size_t m = 0; m < k->member_count; m++)
        names[m] = k->members[m]->name;
    return strings(k->member_count, names);
}

static json_t *flags_to_json(const struct golden_case *c)
{
    const char *texts[CASE_FLAGS];
    for (size_t k = 0; k < c->flag_count; k++)
        texts[k] = c->flags[k];
    return strings(c->flag_count, texts);
}

static json_t *formats_to_json(const struct golden_case *c)
{
    const char *texts[FORMATS];
    size_t count = 0;
    for (size_t f = 0; f < FORMATS; f++)
        if (case_fits(c, (enum tensor_type)f))
            texts[count++] = format_names[f];
    return strings(count, texts);
}

static json_t *parameters_to_json(const struct golden_case *c)
{
    switch (c->operation) {
    case OPERATION_LMO:
        return json_pack("{s:s, s:f}", "norm", norm_names()[c->norm], "radius", c->radius);
    case OPERATION_MOMENTUM:
        return json_pack("{s:f, s:f, s:I}", "momentum", c->hyper.momentum, "weight_decay", c->hyper.weight_decay,
                         "step", (json_int_t)c->step);
    case OPERATION_STEP:
        return json_pack("{s:f, s:f, s:f}", "lr", c->hyper.lr, "momentum", c->hyper.momentum, "weight_decay",
                         c->hyper.weight_decay);
    default:
        return json_object();
    }
}

static json_t *inputs_to_json(const struct golden_case *c)
{
    const char *texts[CASE_INPUTS];
    for (size_t k = 0; k < c->input_count; k++)
        texts[k] = c->inputs[k].name;
    return strings(c->input_count, texts);
}

/* The proofs of an answer's bounds, format by format of those that the case has. */
static json_t *proofs_to_json(const struct golden_case *c, const struct answer *a)
{
    const char *texts[FORMATS];
    size_t count = 0;
    for (size_t f = 0; f < FORMATS; f++)
        if (case_fits(c, (enum tensor_type)f))
            texts[count++] = proof_names[a->proofs[f]];
    return strings(count, texts);
}

static json_t *class_to_json(const struct golden_case *c, const struct answer_class *k)
{
    const char *texts[CASE_ANSWERS];
    for (size_t a = 0; a < k->answer_count; a++)
        texts[a] = k->answers[a].name;
    json_t *outputs = strings(k->answer_count, texts), *proofs = json_object();
    for (size_t a = 0; a < k->answer_count; a++)
        if (json_object_set_new(proofs, texts[a], proofs_to_json(c, &k->answers[a])) != 0) {
            json_decref(proofs);
            proofs = NULL; /* as json_pack() takes it for lack of memory */
        }
    if (!operation_has_dialects(c->operation))
        return json_pack("{s:o, s:o, s:b, s:I}", "outputs", outputs, "proofs", proofs, "unique", k->unique, "rank",
                         (json_int_t)k->rank);
    return json_pack("{s:o, s:o, s:o, s:b, s:b}", "dialects", members_to_json(k), "outputs", outputs, "proofs", proofs,
                     "unique", k->unique, "undefined", k->undefined);
}

static json_t *case_to_json(const struct golden_case *c)
{
    json_t *answers = json_array();
    for (size_t k = 0; k < c->class_count; k++)
        if (json_array_append_new(answers, class_to_json(c, &c->classes[k])) != 0) {
            json_decref(answers);
            return NULL;
        }
    return json_pack("{s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o}", "id", c->id, "family", c->family, "flags",
                     flags_to_json(c), "why", c->why, "formats", formats_to_json(c), "parameters",
                     parameters_to_json(c), "inputs", inputs_to_json(c), "answers", answers);
}

/* json_dumps() loses a key if memory runs out just there (jansson 2.14); json_dumpb() needs none of its own. */
static char *dump(const json_t *json)
{
    const size_t flags = JSON_INDENT(1) | JSON_REAL_PRECISION(17);
    size_t size = json_dumpb(json, NULL, 0, flags);
    char *text = size > 0 ? malloc(size + 1) : NULL;
    if (text && json_dumpb(json, text, size, flags) != size) {
        free(text);
        return NULL;
    }
    if (text)
        text[size] = '\0';
    return text;
}

char *manifest_text(const struct manifest *m)
{
    json_t *cases = json_array();
    bool enough = cases != NULL;
    for (size_t k = 0; k < m->count && enough; k++)
        enough = json_array_append_new(cases, case_to_json(&m->cases[k])) == 0;
    json_t *all = json_pack("{s:i, s:s, s:s, s:s, s:O}", "schema", MANIFEST_SCHEMA, "version", MANIFEST_VERSION,
                            "licence", "CC0-1.0", "operation", operation_names[m->operation], "cases", cases);
    char *text = enough && all ? dump(all) : NULL;
    json_decref(all);
    json_decref(cases);
    return text;
}

/* ---- to tensors ------------------------------------------------------------------------------------------------------ */

/* ID/NAME, or ID/CLASS/NAME; with ".lo", ".radius" and so on behind it. */
static char *tensor_name(const struct golden_case *c, const char *class, const char *name, const char *suffix)
{
    size_t size = strlen(c->id) + strlen(class) + strlen(name) + strlen(suffix) + 3;
    char *text = malloc(size);
    if (text)
        snprintf(text, size, "%s%s%s/%s%s", c->id, class[0] ? "/" : "", class, name, suffix);
    return text;
}

/* The narrowest of binary32 and binary64 that holds all of them. */
static enum tensor_type narrowest(const double *at, size_t count)
{
    for (size_t k = 0; k < count; k++)
        if (!tensor_holds(TENSOR_F32, at[k]))
            return TENSOR_F64;
    return TENSOR_F32;
}

/* Appends a tensor with a copy of the entries; takes the name over. */
static bool append(struct tensor_file *tensors, char *name, enum tensor_type type, size_t ndim, const size_t *shape,
                   const double *at, size_t count)
{
    struct tensor *x = &tensors->tensors[tensors->count];
    *x = (struct tensor){.name = name, .type = type, .ndim = ndim, .count = count};
    x->at = tensor_alloc(count, sizeof *at);
    tensors->count++;
    if (!x->at || !name)
        return false;
    memcpy(x->shape, shape, ndim * sizeof *shape);
    memcpy(x->at, at, count * sizeof *at);
    return true;
}

/* What `at` has for all formats, for those of the case: size numbers for each. */
static size_t gather_formats(double *to, const struct golden_case *c, const double *at, size_t size)
{
    size_t count = 0;
    for (size_t f = 0; f < FORMATS; f++)
        if (case_fits(c, (enum tensor_type)f))
            memcpy(to + size * count++, at + f * size, size * sizeof *at);
    return count;
}

static bool append_bounds(struct tensor_file *tensors, const struct golden_case *c, const char *class,
                          const struct answer *a)
{
    size_t size = a->slabs * MEASURES;
    double *bounds = tensor_alloc(FORMATS * size, sizeof *bounds);
    if (!bounds)
        return false;
    size_t formats = gather_formats(bounds, c, a->bounds, size);
    bool enough = append(tensors, tensor_name(c, class, a->name, ".bounds"), narrowest(bounds, formats * size), 3,
                         (size_t[]){formats, a->slabs, MEASURES}, bounds, formats * size);
    free(bounds);
    return enough;
}

/* Whether the answers of the operation are judged by certificates too. */
static bool is_certified(enum operation operation)
{
    return operation == OPERATION_POLAR || operation == OPERATION_LMO;
}

static bool append_certificates(struct tensor_file *tensors, const struct golden_case *c, const struct answer_class *k)
{
    double all[FORMATS][2], fit[FORMATS * 2];
    for (size_t f = 0; f < FORMATS; f++) {
        all[f][0] = k->certificates[f].excess;
        all[f][1] = k->certificates[f].gap;
    }
    size_t formats = gather_formats(fit, c, all[0], 2);
    return append(tensors, tensor_name(c, "", k->answers[0].name, ".certificate"), narrowest(fit, 2 * formats), 2,
                  (size_t[]){formats, 2}, fit, 2 * formats);
}

static bool append_answer(struct tensor_file *tensors, const struct golden_case *c, const char *class,
                          const struct answer *a)
{
    const size_t single = 1;
    return append(tensors, tensor_name(c, class, a->name, ""), TENSOR_F64, a->ndim, a->shape, a->hi, a->count) &&
           append(tensors, tensor_name(c, class, a->name, ".lo"), narrowest(a->lo, a->count), a->ndim, a->shape, a->lo,
                  a->count) &&
           append(tensors, tensor_name(c, class, a->name, ".radius"), TENSOR_F64, 1, &single, &a->radius, 1) &&
           append_bounds(tensors, c, class, a);
}

static bool append_case(struct tensor_file *tensors, const struct golden_case *c)
{
    bool enough = true;
    for (size_t k = 0; k < c->input_count && enough; k++) {
        const struct tensor *x = &c->inputs[k];
        enough = append(tensors, tensor_name(c, "", x->name, ""), narrowest(x->at, x->count), x->ndim, x->shape, x->at,
                        x->count);
    }
    for (size_t k = 0; k < c->class_count && enough; k++) {
        for (size_t a = 0; a < c->classes[k].answer_count && enough; a++)
            enough = append_answer(tensors, c, c->classes[k].name, &c->classes[k].answers[a]);
        if (enough && is_certified(c->operation))
            enough = append_certificates(tensors, c, &c->classes[k]);
    }
    return enough;
}

bool manifest_tensors(struct tensor_file *tensors, const struct manifest *m)
{
    size_t count = 0;
    for (size_t k = 0; k < m->count; k++) {
        count += m->cases[k].input_count;
        for (size_t l = 0; l < m->cases[k].class_count; l++)
            count += 4 * m->cases[k].classes[l].answer_count + is_certified(m->operation);
    }
    *tensors = (struct tensor_file){.tensors = tensor_alloc(count, sizeof *tensors->tensors)};
    bool enough = tensors->tensors != NULL;
    for (size_t k = 0; k < m->count && enough; k++)
        enough = append_case(tensors, &m->cases[k]);
    if (!enough)
        tensors_free(tensors);
    return enough;
}

/* ---- from JSON and tensors -------------------------------------------------------------------------------------------- */

/* What is being read. */
struct reader {
    const struct complaint *to;
    const struct tensor_file *tensors;
    size_t next; /* the tensor after the last one found: they are usually in order */
    bool *taken; /* tensor by tensor */
    const char *id;
    bool fits[FORMATS]; /* case_fits() of this case, once its inputs are read */
    size_t formats;     /* how many that are */
    bool questions;     /* whether cases may lack answers, and the list of their formats */
};

static assay_status refuse(const struct reader *r, const char *what, const char *detail)
{
    return complain(r->to, ASSAY_UNREADABLE, "%s%s: %s%s%s", r->id ? "case " : "the manifest",
                    r->id ? quote(r->id, strlen(r->id)).text : "", what, detail ? " " : "",
                    detail ? quote(detail, strlen(detail)).text : "");
}

static assay_status no_memory(const struct reader *r)
{
    return complain(r->to, ASSAY_NO_MEMORY, "out of memory");
}

/* What jansson says is wrong; out of memory it says so, or nothing. */
static assay_status refuse_json(const struct reader *r, const char *what, const json_error_t *error)
{
    bool memory = error->text[0] == '\0' || json_error_code(error) == json_error_out_of_memory;
    return memory ? no_memory(r) : refuse(r, what, error->text);
}

/* Copies an array of at most `most` strings; *count of them. */
static assay_status read_strings(const struct reader *r, const json_t *array, const char *what, const char **texts,
                                 size_t most, size_t *count)
{
    if (json_typeof(array) != JSON_ARRAY || json_array_size(array) > most)
        return refuse(r, "not a list of strings, or too many:", what);
    *count = json_array_size(array);
    for (size_t k = 0; k < *count; k++) {
        texts[k] = json_string_value(json_array_get(array, k));
        if (!texts[k])
            return refuse(r, "not a list of strings:", what);
    }
    return ASSAY_OK;
}

/* A text that fits, and one that is a plain name where it has to be. */
static assay_status read_text(const struct reader *r, char to[CASE_TEXT], const char *from, bool plain)
{
    size_t length = strlen(from);
    if (length == 0 || length >= CASE_TEXT)
        return refuse(r, "empty or too long:", from);
    if (plain && strspn(from, "abcdefghijklmnopqrstuvwxyz0123456789.-") != length)
        return refuse(r, "not a plain name:", from);
    memcpy(to, from, length + 1);
    return ASSAY_OK;
}

/* The index of the text in the list, or `count`. */
static size_t index_of(const char *text, const char *const *list, size_t count)
{
    size_t k = 0;
    while (k < count && strcmp(text, list[k]) != 0)
        k++;
    return k;
}

static assay_status read_parameters(const struct reader *r, struct golden_case *c, json_t *json)
{
    json_error_t error;
    const char *norm = norm_names()[0];
    json_int_t step = 0;
    int failed = 0;
    switch (c->operation) {
    case OPERATION_LMO:
        failed = json_unpack_ex(json, &error, JSON_STRICT, "{s:s, s:f}", "norm", &norm, "radius", &c->radius);
        break;
    case OPERATION_MOMENTUM:
        failed = json_unpack_ex(json, &error, JSON_STRICT, "{s:f, s:f, s:I}", "momentum", &c->hyper.momentum,
                                "weight_decay", &c->hyper.weight_decay, "step", &step);
        break;
    case OPERATION_STEP:
        failed = json_unpack_ex(json, &error, JSON_STRICT, "{s:f, s:f, s:f}", "lr", &c->hyper.lr, "momentum",
                                &c->hyper.momentum, "weight_decay", &c->hyper.weight_decay);
        break;
    default:
        failed = json_unpack_ex(json, &error, JSON_STRICT, "{}");
    }
    if (failed)
        return refuse_json(r, "parameters:", &error);
    size_t k = index_of(norm, norm_names(), NORMS);
    if (k == NORMS)
        return refuse(r, "there is no norm", norm);
    if (c->operation == OPERATION_MOMENTUM && step < 1)
        return refuse(r, "step is not positive", NULL);
    c->norm = (enum assay_norm)k;
    c->step = (size_t)step;
    return ASSAY_OK;
}

/* The tensor of that name, unless it was taken before; looked for first behind the one before. */
static const struct tensor *find_tensor(struct reader *r, const char *name)
{
    const struct tensor *x = r->next < r->tensors->count ? &r->tensors->tensors[r->next] : NULL;
    if (!x || strcmp(x->name, name) != 0)
        x = tensors_find(r->tensors, name);
    size_t k = x ? (size_t)(x - r->tensors->tensors) : 0;
    if (!x || r->taken[k])
        return NULL;
    r->taken[k] = true;
    r->next = k + 1;
    return x;
}

/* Copies the tensor of that name, which must have that shape unless ndim is SIZE_MAX; its numbers are finite, or neither
 * negative nor NaN. */
static assay_status take_tensor(struct reader *r, struct tensor *to, char *name, size_t ndim, const size_t *shape,
                                bool bounds)
{
    if (!name)
        return no_memory(r);
    const struct tensor *x = find_tensor(r, name);
    assay_status status = x ? ASSAY_OK : refuse(r, "there is no tensor, or it is used twice:", name);
    if (x && ndim != SIZE_MAX && (x->ndim != ndim || memcmp(x->shape, shape, ndim * sizeof *shape) != 0))
        status = refuse(r, "wrong shape:", name);
    free(name);
    if (status != ASSAY_OK)
        return status;
    *to = *x;
    to->name = NULL;
    to->at = tensor_alloc(x->count, sizeof *x->at);
    if (!to->at)
        return no_memory(r);
    memcpy(to->at, x->at, x->count * sizeof *x->at);
    for (size_t k = 0; k < x->count; k++)
        if (bounds ? !(x->at[k] >= 0) : !isfinite(x->at[k]))
            return refuse(r, bounds ? "negative, or no number, in" : "not a finite number in", x->name);
    return ASSAY_OK;
}

static assay_status read_inputs(struct reader *r, struct golden_case *c, const json_t *json)
{
    const char *names[CASE_INPUTS];
    size_t count = 0;
    assay_status status = read_strings(r, json, "inputs", names, CASE_INPUTS, &count);
    for (size_t k = 0; k < count && status == ASSAY_OK; k++) {
        struct tensor *x = &c->inputs[c->input_count++];
        status = take_tensor(r, x, tensor_name(c, "", names[k], ""), SIZE_MAX, NULL, false);
        x->name = status == ASSAY_OK ? strdup(names[k]) : NULL;
        if (status == ASSAY_OK && !x->name)
            status = no_memory(r);
    }
    return status;
}

static bool same_shape(const struct tensor *a, size_t skip, const struct tensor *b)
{
    return a->ndim == b->ndim + skip && memcmp(a->shape + skip, b->shape, b->ndim * sizeof *b->shape) == 0;
}

/* Whether these are the inputs that the operation takes, in shapes that go together. */
static bool inputs_agree(const struct golden_case *c)
{
    const struct tensor *g = case_input(c, "G"), *param = case_input(c, "param"), *grad = case_input(c, "grad"),
                        *grads = case_input(c, "grads"), *m = case_input(c, "momentum"), *lr = case_input(c, "lr"),
                        *present = case_input(c, "present"), *second = case_input(c, "param.2"),
                        *second_grads = case_input(c, "grads.2");
    for (size_t k = 0; k < c->input_count; k++)
        if (c->inputs[k].count == 0)
            return false;
    switch (c->operation) {
    case OPERATION_POLAR:
    case OPERATION_SVD:
    case OPERATION_LMO:
        return c->input_count == 1 && g && g->ndim == 2;
    case OPERATION_NEWTON_SCHULZ:
    case OPERATION_COSH_RMS:
        return c->input_count == 1 && g && g->ndim >= 1 && g->ndim <= 4;
    case OPERATION_MOMENTUM:
        return c->input_count == 3 && m && grad && param && same_shape(m, 0, grad) && same_shape(param, 0, grad) &&
               grad->ndim <= 4;
    default:
        if (second && !(second_grads && same_shape(second_grads, 1, second) && second->ndim <= 4 && grads &&
                        second_grads->shape[0] == grads->shape[0]))
            return false;
        return param && grads && same_shape(grads, 1, param) && param->ndim <= 4 &&
               c->input_count == 2u * case_parameters(c) + (lr != NULL) + (present != NULL) &&
               (!lr || (lr->ndim == 1 && lr->count == grads->shape[0])) &&
               (!present || (present->ndim == 1 && present->count == grads->shape[0]));
    }
}

/* Whether these are the answers that the operation gives, in the shapes of the inputs; or none where undefined. */
static bool answers_agree(const struct golden_case *c, const struct answer_class *k)
{
    static const char *const names[OPERATIONS][CASE_ANSWERS + 1] = {
        {"Q"},
        {"S"},
        {"D"},
        {"Y"},
        {"Y"},
        {"momentum", "u"},
        {"params", "updates", "momentum", "params.2", "updates.2", "momentum.2"}};
    const struct tensor *like = case_input(c, c->operation == OPERATION_MOMENTUM ? "grad" : "G");
    size_t expected = 0, most = c->operation == OPERATION_STEP ? 3 * case_parameters(c) : CASE_ANSWERS;
    for (; expected < most && names[c->operation][expected]; expected++) {
        const struct answer *a = &k->answers[expected];
        struct tensor shape =
            c->operation == OPERATION_STEP ? *case_input(c, expected < 3 ? "grads" : "grads.2") : *like;
        if (c->operation == OPERATION_SVD)
            shape = (struct tensor){.ndim = 1,
                                    .shape = {like->shape[0] < like->shape[1] ? like->shape[0] : like->shape[1]}};
        if (expected < k->answer_count &&
            (strcmp(a->name, names[c->operation][expected]) != 0 || a->ndim != shape.ndim ||
             memcmp(a->shape, shape.shape, shape.ndim * sizeof *shape.shape) != 0))
            return false;
    }
    return k->answer_count == (k->undefined ? 0 : expected);
}

/* The reverse of gather_formats(). */
static void scatter_formats(const struct reader *r, double *to, const double *at, size_t size)
{
    for (size_t f = 0; f < FORMATS; f++)
        if (r->fits[f]) {
            memcpy(to + f * size, at, size * sizeof *at);
            at += size;
        }
}

static void find_formats(struct reader *r, const struct golden_case *c)
{
    r->formats = 0;
    for (size_t f = 0; f < FORMATS; f++)
        r->formats += r->fits[f] = case_fits(c, (enum tensor_type)f);
}

static assay_status read_bounds(struct reader *r, const struct golden_case *c, const struct answer_class *k,
                                struct answer *a)
{
    struct tensor bounds = {0};
    size_t size = a->slabs * MEASURES;
    assay_status status = take_tensor(r, &bounds, tensor_name(c, k->name, a->name, ".bounds"), 3,
                                      (size_t[]){r->formats, a->slabs, MEASURES}, true);
    a->bounds = tensor_alloc(FORMATS * size, sizeof *a->bounds);
    if (status == ASSAY_OK && !a->bounds)
        status = no_memory(r);
    if (status == ASSAY_OK)
        scatter_formats(r, a->bounds, bounds.at, size);
    free(bounds.at);
    return status;
}

static assay_status read_certificates(struct reader *r, const struct golden_case *c, struct answer_class *k)
{
    struct tensor found = {0};
    double all[FORMATS][2] = {{0}};
    assay_status status = take_tensor(r, &found, tensor_name(c, "", k->answers[0].name, ".certificate"), 2,
                                      (size_t[]){r->formats, 2}, true);
    if (status == ASSAY_OK)
        scatter_formats(r, all[0], found.at, 2);
    for (size_t f = 0; f < FORMATS; f++)
        k->certificates[f] = (struct certificate){all[f][0], all[f][1]};
    free(found.at);
    return status;
}

static assay_status read_proofs(struct reader *r, struct answer *a, const json_t *json)
{
    const char *texts[FORMATS];
    size_t count = 0, next = 0;
    if (!json)
        return refuse(r, "no proofs of the bounds of", a->name);
    assay_status status = read_strings(r, json, "proofs", texts, FORMATS, &count);
    if (status == ASSAY_OK && count != r->formats)
        return refuse(r, "not one proof for each format:", a->name);
    for (size_t f = 0; f < FORMATS && status == ASSAY_OK; f++)
        if (r->fits[f]) {
            size_t proof = index_of(texts[next], proof_names, PROOFS);
            if (proof == PROOFS)
                return refuse(r, "there is no proof", texts[next]);
            a->proofs[f] = (enum proof)proof;
            next++;
        }
    return status;
}

static assay_status read_answer(struct reader *r, const struct golden_case *c, struct answer_class *k, const char *name,
                                const json_t *proofs)
{
    struct answer *a = &k->answers[k->answer_count];
    struct tensor hi = {0}, lo = {0}, radius = {0};
    const size_t single = 1;
    if (strlen(name) >= sizeof a->name)
        return refuse(r, "too long:", name);
    assay_status status = take_tensor(r, &hi, tensor_name(c, k->name, name, ""), SIZE_MAX, NULL, false);
    if (status == ASSAY_OK)
        status = take_tensor(r, &lo, tensor_name(c, k->name, name, ".lo"), hi.ndim, hi.shape, false);
    if (status == ASSAY_OK)
        status = take_tensor(r, &radius, tensor_name(c, k->name, name, ".radius"), 1, &single, false);
    *a = (struct answer){.ndim = hi.ndim, .count = hi.count, .hi = hi.at, .lo = lo.at, .slabs = 1};
    a->stepped = c->operation == OPERATION_STEP && hi.ndim > 0;
    if (a->stepped)
        a->slabs = hi.shape[0];
    memcpy(a->shape, hi.shape, sizeof a->shape);
    strcpy(a->name, name);
    k->answer_count++; /* so that case_free() frees it */
    if (status == ASSAY_OK)
        a->radius = radius.at[0];
    free(radius.at);
    if (status == ASSAY_OK)
        status = read_bounds(r, c, k, a);
    return status == ASSAY_OK ? read_proofs(r, a, json_object_get(proofs, name)) : status;
}

/* Whether the dialect is in the class that is being read, or in one before. */
static bool is_member(const struct golden_case *c, const struct assay_dialect *dialect)
{
    for (size_t k = 0; k <= c->class_count; k++)
        for (size_t m = 0; m < c->classes[k].member_count; m++)
            if (c->classes[k].members[m] == dialect) /* NULL where none has been read yet */
                return true;
    return false;
}

static assay_status read_members(struct reader *r, const struct golden_case *c, struct answer_class *k,
                                 const json_t *json)
{
    const char *names[MOST_DIALECTS];
    assay_status status = read_strings(r, json, "dialects", names, MOST_DIALECTS, &k->member_count);
    if (status != ASSAY_OK || k->member_count == 0)
        return status != ASSAY_OK ? status : refuse(r, "a class without dialects", NULL);
    k->members = tensor_alloc(k->member_count, sizeof *k->members);
    if (!k->members)
        return no_memory(r);
    for (size_t m = 0; m < k->member_count; m++) {
        const struct assay_dialect *d = assay_dialect_find(names[m]);
        if (!d)
            return refuse(r, "there is no dialect", names[m]);
        if (is_member(c, d))
            return refuse(r, "a dialect is there twice:", d->name);
        k->members[m] = d;
    }
    k->name = k->members[0]->name;
    return ASSAY_OK;
}

static assay_status read_class(struct reader *r, const struct golden_case *c, struct answer_class *k, json_t *json)
{
    json_error_t error;
    const json_t *outputs = NULL, *dialects = NULL, *proofs = NULL;
    const char *names[CASE_ANSWERS];
    size_t count = 0;
    int unique = 0, undefined = 0;
    json_int_t rank = 0;
    bool plain = !operation_has_dialects(c->operation);
    k->name = "";
    if (plain ? json_unpack_ex(json, &error, JSON_STRICT, "{s:o, s:o, s:b, s:I}", "outputs", &outputs, "proofs",
                               &proofs, "unique", &unique, "rank", &rank)
              : json_unpack_ex(json, &error, JSON_STRICT, "{s:o, s:o, s:o, s:b, s:b}", "dialects", &dialects, "outputs",
                               &outputs, "proofs", &proofs, "unique", &unique, "undefined", &undefined))
        return refuse_json(r, "answers:", &error);
    if (rank < 0)
        return refuse(r, "rank is negative", NULL);
    k->unique = unique;
    k->undefined = undefined;
    k->rank = (size_t)rank;
    assay_status status = plain ? ASSAY_OK : read_members(r, c, k, dialects);
    if (status == ASSAY_OK)
        status = read_strings(r, outputs, "outputs", names, CASE_ANSWERS, &count);
    for (size_t a = 0; status == ASSAY_OK && a < count; a++)
        status = read_answer(r, c, k, names[a], proofs);
    if (status == ASSAY_OK && !answers_agree(c, k))
        status = refuse(r, "the outputs are not those of the operation, or of wrong shape", NULL);
    if (status == ASSAY_OK && json_object_size(proofs) != count)
        status = refuse(r, "proofs for other outputs", NULL);
    return status == ASSAY_OK && is_certified(c->operation) ? read_certificates(r, c, k) : status;
}

static assay_status read_classes(struct reader *r, struct golden_case *c, const json_t *json)
{
    size_t count = json_array_size(json); /* 0 for what is no array */
    if (count == 0)
        return r->questions ? ASSAY_OK : refuse(r, "no answers", NULL);
    c->classes = tensor_alloc(count, sizeof *c->classes);
    if (!c->classes)
        return no_memory(r);
    find_formats(r, c);
    assay_status status = ASSAY_OK;
    for (; c->class_count < count && status == ASSAY_OK; c->class_count++)
        status = read_class(r, c, &c->classes[c->class_count], json_array_get(json, c->class_count));
    return status;
}

static assay_status read_flags(const struct reader *r, struct golden_case *c, const json_t *json)
{
    const char *texts[CASE_FLAGS];
    size_t count = 0;
    assay_status status = read_strings(r, json, "flags", texts, CASE_FLAGS, &count);
    for (size_t k = 0; status == ASSAY_OK && k < count; k++)
        status = read_text(r, c->flags[c->flag_count++], texts[k], false);
    return status;
}

/* The formats say no more than the inputs do, and must say the same. */
static assay_status check_formats(const struct reader *r, const struct golden_case *c, const json_t *json)
{
    json_t *expected = formats_to_json(c);
    bool same = expected && json_equal(expected, json);
    assay_status status = !expected ? no_memory(r)
                          : same    ? ASSAY_OK
                                    : refuse(r, "the inputs do not fit its formats", NULL);
    json_decref(expected);
    return status;
}

static assay_status read_case(struct reader *r, struct golden_case *c, json_t *json)
{
    json_error_t error;
    const char *id, *family, *why;
    json_t *flags, *formats, *parameters, *inputs, *answers;
    r->id = NULL;
    if (json_unpack_ex(json, &error, JSON_STRICT, "{s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o}", "id", &id, "family",
                       &family, "flags", &flags, "why", &why, "formats", &formats, "parameters", &parameters, "inputs",
                       &inputs, "answers", &answers))
        return refuse_json(r, "a case:", &error);
    r->id = id;
    assay_status status = read_text(r, c->id, id, true);
    if (status == ASSAY_OK)
        status = read_text(r, c->family, family, true);
    if (status == ASSAY_OK)
        status = read_text(r, c->why, why, false);
    if (status == ASSAY_OK)
        status = read_flags(r, c, flags);
    if (status == ASSAY_OK)
        status = read_parameters(r, c, parameters);
    if (status == ASSAY_OK)
        status = read_inputs(r, c, inputs);
    if (status == ASSAY_OK && !inputs_agree(c))
        status = refuse(r, "the inputs are not those of the operation, or their shapes disagree", NULL);
    if (status == ASSAY_OK)
        status = r->questions && json_array_size(formats) == 0 ? ASSAY_OK : check_formats(r, c, formats);
    if (status == ASSAY_OK)
        status = read_classes(r, c, answers);
    return status;
}

static assay_status read_cases(struct reader *r, struct manifest *m, const json_t *json)
{
    if (json_typeof(json) != JSON_ARRAY)
        return refuse(r, "there are no cases", NULL);
    size_t count = json_array_size(json);
    m->cases = tensor_alloc(count, sizeof *m->cases);
    if (!m->cases)
        return no_memory(r);
    assay_status status = ASSAY_OK;
    while (m->count < count && status == ASSAY_OK) {
        struct golden_case *c = &m->cases[m->count];
        c->operation = m->operation;
        status = read_case(r, c, json_array_get(json, m->count++));
    }
    r->id = NULL;
    size_t other = 0;
    while (other < r->tensors->count && r->taken[other])
        other++;
    if (status == ASSAY_OK && other < r->tensors->count)
        status = refuse(r, "there are tensors of no case, such as", r->tensors->tensors[other].name);
    return status;
}

static assay_status read_all(struct reader *r, struct manifest *m, json_t *json)
{
    json_error_t error;
    int schema = 0;
    const char *version, *licence, *operation;
    json_t *cases;
    if (json_unpack_ex(json, &error, 0, "{s:i}", "schema", &schema) != 0)
        return refuse_json(r, "at its top:", &error);
    if (schema != MANIFEST_SCHEMA)
        return refuse(r, schema > MANIFEST_SCHEMA ? "its schema is newer than this program" : "there is no such schema",
                      NULL);
    if (json_unpack_ex(json, &error, JSON_STRICT, "{s:i, s:s, s:s, s:s, s:o}", "schema", &schema, "version", &version,
                       "licence", &licence, "operation", &operation, "cases", &cases))
        return refuse_json(r, "at its top:", &error);
    if (!r->questions && strcmp(version, MANIFEST_VERSION) != 0)
        return complain(r->to, ASSAY_UNREADABLE,
                        "this golden set is of version %s, and this program takes version %s: take the set that comes "
                        "with the program, or the program that comes with the set",
                        quote(version, strlen(version)).text, MANIFEST_VERSION);
    size_t k = index_of(operation, operation_names, OPERATIONS);
    if (k == OPERATIONS || strcmp(licence, "CC0-1.0") != 0)
        return refuse(r, "an unknown operation or licence", NULL);
    m->operation = (enum operation)k;
    return read_cases(r, m, cases);
}

static assay_status parse(struct manifest *m, const char *text, size_t size, const struct tensor_file *tensors,
                          const struct complaint *to, bool questions)
{
    struct reader r = {.to = to, .tensors = tensors, .questions = questions};
    struct manifest found = {0};
    json_error_t error = {0};
    json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        return refuse_json(&r, "no valid JSON:", &error);
    r.taken = tensor_alloc(tensors->count, sizeof *r.taken);
    assay_status status = r.taken ? read_all(&r, &found, json) : no_memory(&r);
    free(r.taken);
    json_decref(json);
    if (status == ASSAY_OK)
        *m = found;
    else
        manifest_free(&found);
    return status;
}

assay_status manifest_parse(struct manifest *m, const char *text, size_t size, const struct tensor_file *tensors,
                            const struct complaint *to)
{
    return parse(m, text, size, tensors, to, false);
}

assay_status manifest_parse_questions(struct manifest *m, const char *text, size_t size,
                                      const struct tensor_file *tensors, const struct complaint *to)
{
    return parse(m, text, size, tensors, to, true);
}
