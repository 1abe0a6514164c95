#include "manifest.h"

#include "cases.h"
#include "io_support.h"
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char message[ASSAY_MESSAGE_SIZE];
static const assay_options alone = {.threads = 1, .message = message, .message_size = sizeof message};
static const struct complaint to = {"x", NULL, message, sizeof message};

/* ---- manifests to test with ------------------------------------------------------------------------------------------ */

/* Bounds of every kind, and certificates: what envelopes say takes longer than reading and writing is worth. */
static void bound(struct golden_case *c)
{
    for (size_t k = 0; k < c->class_count; k++)
        for (size_t f = 0; f < FORMATS; f++) {
            struct answer_class *class = &c->classes[k];
            if (!case_fits(c, (enum tensor_type)f))
                continue;
            if (c->operation <= OPERATION_LMO && c->operation != OPERATION_SVD)
                class->certificates[f] = (struct certificate){(double)f, 0.125 + (double)k};
            for (size_t a = 0; a < class->answer_count; a++) {
                class->answers[a].proofs[f] = (enum proof)((f + k + a) % PROOF_CERTIFICATE);
                for (size_t b = 0; b < class->answers[a].slabs * MEASURES; b++)
                    answer_bounds(&class->answers[a], (enum tensor_type)f, 0)[b] =
                        b == 3 ? (double)INFINITY : (double)(b + f) / (a ? 8 : 7);
            }
        }
}

/* A manifest of these cases of ours, computed. */
static struct manifest make(enum operation o, size_t count, const char *const *ids)
{
    struct manifest m = {o, count, calloc(count, sizeof *m.cases)};
    ck_assert_ptr_nonnull(m.cases);
    for (size_t k = 0; k < count; k++) {
        size_t number = cases_find(o, ids[k]);
        ck_assert_msg(number < cases_count(o), "%s", ids[k]);
        ck_assert_int_eq(cases_make(&m.cases[k], o, number), ASSAY_OK);
        ck_assert_int_eq(case_compute(&m.cases[k], &alone), ASSAY_OK);
        bound(&m.cases[k]);
    }
    return m;
}

/* One of each operation: what `text` and `tensors` hold. */
static const struct {
    const char *ids[3];
} samples[OPERATIONS] = {
    [OPERATION_POLAR] = {{"polar-gaussian-2x2", "polar-zero-4x4"}},
    [OPERATION_SVD] = {{"svd-gaussian-2x2", "svd-gaussian-3x5", "svd-gaussian-8x8-least"}},
    [OPERATION_LMO] = {{"lmo-gaussian-1x6-row", "lmo-gaussian-1x1-nuclear"}},
    [OPERATION_NEWTON_SCHULZ] = {{"newton-schulz-gaussian-1x1", "newton-schulz-gaussian-2x4x6"}},
    [OPERATION_COSH_RMS] = {{"cosh-rms-gaussian-2x2"}},
    [OPERATION_MOMENTUM] = {{"momentum-ternary-3x5-2", "momentum-gaussian-4x3x2x2-0"}},
    [OPERATION_STEP] = {{"step-gaussian-4x6-lr-change", "step-gaussian-5x5-absent-gradient"}},
};

struct written {
    struct manifest m;
    char *text;
    struct tensor_file tensors;
};

static struct written write_sample(enum operation o)
{
    size_t count = 0;
    while (count < 3 && samples[o].ids[count])
        count++;
    struct written w = {.m = make(o, count, samples[o].ids)};
    w.text = manifest_text(&w.m);
    ck_assert_ptr_nonnull(w.text);
    ck_assert(manifest_tensors(&w.tensors, &w.m));
    return w;
}

/* After a change of the manifest. */
static void rewrite(struct written *w)
{
    free(w->text);
    tensors_free(&w->tensors);
    w->text = manifest_text(&w->m);
    ck_assert_ptr_nonnull(w->text);
    ck_assert(manifest_tensors(&w->tensors, &w->m));
}

static void written_free(struct written *w)
{
    manifest_free(&w->m);
    tensors_free(&w->tensors);
    free(w->text);
}

/* ---- there and back ---------------------------------------------------------------------------------------------------- */

static bool same_class(const struct answer_class *a, const struct answer_class *b)
{
    bool same = strcmp(a->name, b->name) == 0 && a->member_count == b->member_count && a->undefined == b->undefined &&
                a->unique == b->unique && a->rank == b->rank && a->answer_count == b->answer_count;
    for (size_t k = 0; same && k < a->member_count; k++)
        same = a->members[k] == b->members[k];
    for (size_t k = 0; same && k < a->answer_count; k++)
        same = answers_equal(&a->answers[k], &b->answers[k]) && a->answers[k].ndim == b->answers[k].ndim &&
               memcmp(a->answers[k].shape, b->answers[k].shape, sizeof a->answers[k].shape) == 0 &&
               a->answers[k].slabs == b->answers[k].slabs && a->answers[k].stepped == b->answers[k].stepped &&
               memcmp(a->answers[k].proofs, b->answers[k].proofs, sizeof a->answers[k].proofs) == 0 &&
               memcmp(a->answers[k].bounds, b->answers[k].bounds,
                      FORMATS * a->answers[k].slabs * MEASURES * sizeof(double)) == 0;
    for (size_t f = 0; same && f < FORMATS; f++)
        same =
            a->certificates[f].excess == b->certificates[f].excess && a->certificates[f].gap == b->certificates[f].gap;
    return same;
}

/* Whether all of two cases is the same. */
static bool same_case(const struct golden_case *a, const struct golden_case *b)
{
    bool same = case_same_question(a, b) && strcmp(a->id, b->id) == 0 && strcmp(a->family, b->family) == 0 &&
                strcmp(a->why, b->why) == 0 && a->flag_count == b->flag_count && a->class_count == b->class_count;
    for (size_t k = 0; same && k < a->flag_count; k++)
        same = strcmp(a->flags[k], b->flags[k]) == 0;
    for (size_t k = 0; same && k < a->class_count; k++)
        same = same_class(&a->classes[k], &b->classes[k]);
    return same;
}

static bool same_tensors(const struct tensor_file *a, const struct tensor_file *b)
{
    bool same = a->count == b->count;
    for (size_t k = 0; same && k < a->count; k++) {
        const struct tensor *x = &a->tensors[k], *y = &b->tensors[k];
        same = strcmp(x->name, y->name) == 0 && x->type == y->type && x->ndim == y->ndim &&
               memcmp(x->shape, y->shape, sizeof x->shape) == 0 && memcmp(x->at, y->at, x->count * sizeof *x->at) == 0;
    }
    return same;
}

/* What is written is read as what it was, and writing that gives the same bytes again. */
START_TEST(reads_what_it_writes)
{
    for (enum operation o = 0; o < OPERATIONS; o++) {
        struct written w = write_sample(o);
        struct manifest back;
        assay_status status = manifest_parse(&back, w.text, strlen(w.text), &w.tensors, &to);
        ck_assert_msg(status == ASSAY_OK, "%s", message);
        ck_assert(back.operation == o && back.count == w.m.count);
        for (size_t k = 0; k < back.count; k++)
            ck_assert_msg(same_case(&w.m.cases[k], &back.cases[k]), "%s", w.m.cases[k].id);
        char *text = manifest_text(&back);
        struct tensor_file tensors;
        ck_assert(manifest_tensors(&tensors, &back));
        ck_assert_str_eq(text, w.text);
        ck_assert(same_tensors(&tensors, &w.tensors));
        struct answer_class *first = &back.cases[0].classes[0];
        double *const numbers[] = {&first->answers[0].hi[0], &first->answers[0].bounds[5], &first->certificates[0].gap};
        for (size_t k = 0; k < 3; k++) { /* the comparisons see that */
            *numbers[k] += 1;
            ck_assert(!same_case(&w.m.cases[0], &back.cases[0]));
            *numbers[k] -= 1;
        }
        first->answers[0].proofs[0] = PROOF_CERTIFICATE;
        ck_assert(!same_case(&w.m.cases[0], &back.cases[0]));
        tensors.tensors[0].at[0] += 1;
        ck_assert(!same_tensors(&tensors, &w.tensors));
        free(text);
        tensors_free(&tensors);
        manifest_free(&back);
        written_free(&w);
    }
}
END_TEST

/* Undefined classes have no answers; no cases at all are a manifest too. */
START_TEST(reads_what_it_writes_at_the_edges)
{
    struct written w = write_sample(OPERATION_NEWTON_SCHULZ);
    struct answer_class *k = &w.m.cases[0].classes[0];
    for (size_t a = 0; a < k->answer_count; a++) {
        free(k->answers[a].hi);
        free(k->answers[a].lo);
        free(k->answers[a].bounds);
    }
    k->answer_count = 0;
    k->undefined = true;
    rewrite(&w);
    struct manifest back;
    ck_assert_int_eq(manifest_parse(&back, w.text, strlen(w.text), &w.tensors, &to), ASSAY_OK);
    ck_assert(same_case(&w.m.cases[0], &back.cases[0]) && back.cases[0].classes[0].undefined);
    manifest_free(&back);
    written_free(&w);

    const struct manifest none = {OPERATION_LMO, 0, NULL};
    struct tensor_file tensors;
    char *text = manifest_text(&none);
    ck_assert(manifest_tensors(&tensors, &none) && tensors.count == 0);
    ck_assert_int_eq(manifest_parse(&back, text, strlen(text), &tensors, &to), ASSAY_OK);
    ck_assert(back.count == 0 && back.operation == OPERATION_LMO);
    manifest_free(&back);
    tensors_free(&tensors);
    free(text);
}
END_TEST

/* Tensors in any order are read: a file that another program wrote. */
START_TEST(order_does_not_matter)
{
    struct written w = write_sample(OPERATION_STEP);
    struct tensor *x = w.tensors.tensors;
    for (size_t k = w.tensors.count - 1; k > 0; k--) {
        size_t other = (size_t)(io_random(k) % (k + 1));
        struct tensor kept = x[k];
        x[k] = x[other];
        x[other] = kept;
    }
    struct manifest back;
    ck_assert_int_eq(manifest_parse(&back, w.text, strlen(w.text), &w.tensors, &to), ASSAY_OK);
    for (size_t k = 0; k < back.count; k++)
        ck_assert(same_case(&w.m.cases[k], &back.cases[k]));
    manifest_free(&back);
    written_free(&w);
}
END_TEST

/* ---- what is refused ------------------------------------------------------------------------------------------------------ */

typedef assay_status parser(struct manifest *m, const char *text, size_t size, const struct tensor_file *tensors,
                            const struct complaint *to);

/* The text must be refused in one sentence that holds `part`, and nothing be touched. */
static void refused_by(parser *parse, const char *text, size_t size, const struct tensor_file *tensors,
                       const char *part)
{
    struct manifest m = {OPERATION_COSH_RMS, 17, NULL};
    message[0] = '\0';
    assay_status status = parse(&m, text, size, tensors, &to);
    ck_assert_msg(status == ASSAY_UNREADABLE, "status %d instead of a refusal with '%s'", (int)status, part);
    ck_assert_msg(strncmp(message, "x: ", 3) == 0 && strstr(message, part), "'%s' is not in: %s", part, message);
    for (const char *c = message; *c; c++)
        ck_assert(*c >= ' ' && *c <= '~');
    ck_assert(m.operation == OPERATION_COSH_RMS && m.count == 17 && m.cases == NULL);
}

static void refused(const char *text, size_t size, const struct tensor_file *tensors, const char *part)
{
    refused_by(manifest_parse, text, size, tensors, part);
}

/* The text with the n-th (from 0) occurrence of something replaced; to be freed. */
static char *replaced(const char *text, size_t n, const char *from, const char *by)
{
    const char *place = strstr(text, from);
    for (; n > 0 && place; n--)
        place = strstr(place + 1, from);
    ck_assert_msg(place != NULL, "there is no %s", from);
    char *result = malloc(strlen(text) + strlen(by) + 1);
    ck_assert_ptr_nonnull(result);
    sprintf(result, "%.*s%s%s", (int)(place - text), text, by, place + strlen(from));
    return result;
}

#define SVD "case svd-gaussian-2x2: "
#define OUTPUTS "the outputs are not those of the operation, or of wrong shape"
static const struct spoiled {
    enum operation operation;
    const char *from, *by, *part;
} spoiled[] = {
    /* JSON */
    {OPERATION_SVD, "{", "", "the manifest: no valid JSON: "},
    {OPERATION_SVD, "\"schema\": 1", "\"schema\": 1, \"schema\": 1", "duplicate object key"},
    {OPERATION_SVD, "\"why\":", "\"id\": \"z\", \"why\":", "duplicate object key"},
    {OPERATION_SVD, "\"CC0-1.0\"", "\"CC0\\u0000\"", "no valid JSON: "},
    /* the head */
    {OPERATION_SVD, "\"schema\": 1", "\"schema\": 2", "the manifest: its schema is newer than this program"},
    {OPERATION_SVD, "\"schema\": 1", "\"schema\": 0", "the manifest: there is no such schema"},
    {OPERATION_SVD, "\"schema\": 1", "\"schema\": -1", "the manifest: there is no such schema"},
    {OPERATION_SVD, "\"schema\": 1", "\"schema\": \"1\"", "the manifest: at its top: Expected integer, got string"},
    {OPERATION_SVD, "\"schema\"", "\"scheme\"", "schema"},
    {OPERATION_SVD, "\"schema\": 1,", "\"schema\": 1, \"colour\": 2,", "colour"},
    {OPERATION_SVD, "\"version\"", "\"versions\"", "version"},
    {OPERATION_SVD, "\"version\": \"" MANIFEST_VERSION "\"", "\"version\": \"1999.1\"",
     "x: this golden set is of version 1999.1, and this program takes version " MANIFEST_VERSION ": "},
    {OPERATION_SVD, "\"version\": \"" MANIFEST_VERSION "\"", "\"version\": 1", "at its top: Expected string"},
    {OPERATION_SVD, "\"CC0-1.0\"", "\"MIT\"", "the manifest: an unknown operation or licence"},
    {OPERATION_SVD, "\"operation\": \"svd\"", "\"operation\": \"svdd\"", "an unknown operation or licence"},
    {OPERATION_SVD, "\"operation\": \"svd\"", "\"operation\": 1", "Expected string, got integer"},
    {OPERATION_SVD, "\"operation\": \"svd\"", "\"operation\": \"polar\"", SVD OUTPUTS},
    {OPERATION_SVD, "\"operation\": \"svd\"", "\"operation\": \"lmo\"", SVD "parameters: "},
    {OPERATION_SVD, "\"operation\": \"svd\"", "\"operation\": \"cosh-rms\"", SVD "answers: "},
    /* a case */
    {OPERATION_SVD, "\"id\": \"svd-gaussian-2x2\"", "\"id\": \"svd-gaussian-3x5\"", "svd-gaussian-3x5"},
    {OPERATION_SVD, "\"id\": \"svd-gaussian-2x2\"", "\"id\": \"\"", "case : empty or too long: "},
    {OPERATION_SVD, "\"id\": \"svd-gaussian-2x2\"", "\"id\": \"SVD\"", "case SVD: not a plain name: SVD"},
    {OPERATION_SVD, "\"id\": \"svd-gaussian-2x2\"", "\"id\": \"a/b\"", "not a plain name: a/b"},
    {OPERATION_SVD, "\"id\": \"svd-gaussian-2x2\"", "\"id\": \"\\n\"", "not a plain name: \\x0a"},
    {OPERATION_SVD, "\"id\": \"svd-gaussian-2x2\"", "\"id\": 7", "a case: "},
    {OPERATION_SVD, "\"id\": \"svd-gaussian-2x2\"", "\"name\": \"svd-gaussian-2x2\"", "the manifest: a case: "},
    {OPERATION_SVD, "\"family\": \"gaussian\"", "\"family\": \"\"", SVD "empty or too long: "},
    {OPERATION_SVD, "\"family\": \"gaussian\"", "\"family\": \"G\"", SVD "not a plain name: G"},
    {OPERATION_SVD, "\"family\": \"gaussian\"", "\"family\": null", "a case: "},
    {OPERATION_SVD, "\"family\": \"gaussian\"", "\"family\": \"gaussian\", \"mood\": \"good\"", "mood"},
    {OPERATION_SVD, "\"GaussianLike\"", "\"\"", SVD "empty or too long: "},
    {OPERATION_SVD, "\"GaussianLike\"", "3", SVD "not a list of strings: flags"},
    {OPERATION_SVD, "\"GaussianLike\"", "\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\"",
     SVD "not a list of strings, or too many: flags"},
    {OPERATION_SVD, "[\n    \"GaussianLike\"\n   ]", "{}", SVD "not a list of strings, or too many: flags"},
    {OPERATION_SVD, "\"flags\": [", "\"flags\": {}, \"flugs\": [", "flugs"},
    {OPERATION_SVD, "\"why\": \"", "\"why\": \"\", \"when\": \"", "when"},
    {OPERATION_SVD, "\"f64\",", "", SVD "the inputs do not fit its formats"},
    {OPERATION_SVD, "\"f64\",", "\"f64\", \"f8\",", SVD "the inputs do not fit its formats"},
    {OPERATION_SVD, "\"parameters\": {}", "\"parameters\": []", SVD "parameters: "},
    {OPERATION_SVD, "\"parameters\": {}", "\"parameters\": {\"x\": 1}", SVD "parameters: "},
    {OPERATION_SVD, "\"G\"", "\"H\"", SVD "there is no tensor, or it is used twice: svd-gaussian-2x2/H"},
    {OPERATION_SVD, "\"G\"", "\"G\", \"G\"", SVD "there is no tensor, or it is used twice: svd-gaussian-2x2/G"},
    {OPERATION_SVD, "\"G\"", "null", SVD "not a list of strings: inputs"},
    {OPERATION_SVD, "\"G\"", "\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\"",
     SVD "not a list of strings, or too many: inputs"},
    /* answers */
    {OPERATION_SVD, "\"answers\": [", "\"answers\": [], \"replies\": [", "replies"},
    {OPERATION_SVD, "\"answers\": [", "\"answers\": [null,", SVD "answers: "},
    {OPERATION_SVD, "\"S\"", "\"T\"", SVD "there is no tensor, or it is used twice: svd-gaussian-2x2/T"},
    {OPERATION_SVD, "\"S\"", "\"S\", \"S\"", SVD "there is no tensor, or it is used twice: svd-gaussian-2x2/S"},
    {OPERATION_SVD, "\"S\"", "", SVD OUTPUTS},
    {OPERATION_SVD, "\"S\"", "\"aaaaaaaaaaaaaaaaaaaaaaaa\"", SVD "too long: aaaaaaaaaaaaaaaaaaaaaaaa"},
    {OPERATION_SVD, "\"S\"", "4", SVD "not a list of strings: outputs"},
    {OPERATION_SVD, "\"unique\": true", "\"unique\": 1", SVD "answers: "},
    {OPERATION_SVD, "\"unique\": true", "\"undefined\": false, \"unique\": true", SVD "answers: "},
    {OPERATION_SVD, "\"rank\": 2", "\"rank\": -2", SVD "rank is negative"},
    {OPERATION_SVD, "\"rank\": 2", "\"rank\": 2.0", SVD "answers: "},
    /* proofs */
    {OPERATION_SVD, "\"proofs\"", "\"proof\"", SVD "answers: "},
    {OPERATION_SVD, "\"proofs\": {", "\"proofs\": [], \"proof\": {", SVD "answers: "},
    {OPERATION_SVD, "\"proofs\": {\n      \"S\"", "\"proofs\": {\n      \"T\"", SVD "no proofs of the bounds of S"},
    {OPERATION_SVD, "\"proofs\": {", "\"proofs\": {\"T\": [],", SVD "proofs for other outputs"},
    {OPERATION_SVD, "\"bits\"", "\"guess\"", SVD "there is no proof guess"},
    {OPERATION_SVD, "\"bits\",", "", SVD "not one proof for each format: S"},
    {OPERATION_SVD, "\"bits\"", "3", SVD "not a list of strings: proofs"},
    {OPERATION_COSH_RMS, "\"proofs\"", "\"proof\"", "case cosh-rms-gaussian-2x2: answers: "},
    /* parameters */
    {OPERATION_LMO, "\"norm\": \"row\"", "\"norm\": \"taxi\"", "case lmo-gaussian-1x6-row: there is no norm taxi"},
    {OPERATION_LMO, "\"radius\": 0.125", "\"radius\": \"0.125\"", "case lmo-gaussian-1x6-row: parameters: "},
    {OPERATION_LMO, "\"radius\": 0.125", "\"radius\": 1", "case lmo-gaussian-1x6-row: parameters: "},
    {OPERATION_LMO, "\"radius\": 0.125", "\"size\": 0.125", "case lmo-gaussian-1x6-row: parameters: "},
    {OPERATION_MOMENTUM, "\"step\": 7", "\"step\": 0", "case momentum-ternary-3x5-2: step is not positive"},
    {OPERATION_MOMENTUM, "\"step\": 7", "\"step\": -1", "case momentum-ternary-3x5-2: step is not positive"},
    {OPERATION_MOMENTUM, "\"step\": 7", "\"step\": 1.5", "case momentum-ternary-3x5-2: parameters: "},
    {OPERATION_STEP, "\"weight_decay\": 0.25", "\"weight_decay\": null", "parameters: "},
    {OPERATION_STEP, "\"weight_decay\": 0.25", "\"weight_decay\": 0.25, \"eps\": 0.0", "parameters: "},
    /* dialects */
    {OPERATION_COSH_RMS, "\"auon\"", "\"moon\"", "case cosh-rms-gaussian-2x2: there is no dialect moon"},
    {OPERATION_COSH_RMS, "\"auon\"", "\"auon\", \"auon\"",
     "case cosh-rms-gaussian-2x2: a dialect is there twice: auon"},
    {OPERATION_COSH_RMS, "\"auon\"", "\"auon\", \"hybrid-auon\"", "a dialect is there twice: hybrid-auon"},
    {OPERATION_COSH_RMS, "\"auon\"", "", "case cosh-rms-gaussian-2x2: a class without dialects"},
    {OPERATION_COSH_RMS, "\"auon\"", "5", "case cosh-rms-gaussian-2x2: not a list of strings: dialects"},
    {OPERATION_COSH_RMS, "\"undefined\": false", "\"undefined\": 0", "case cosh-rms-gaussian-2x2: answers: "},
    {OPERATION_COSH_RMS, "\"undefined\": false", "\"undefined\": false, \"rank\": 2", "answers: "},
    /* inputs of another operation */
    {OPERATION_MOMENTUM, "\"grad\",", "", "the inputs are not those of the operation, or their shapes disagree"},
    {OPERATION_STEP, "\"grads\",\n    \"lr\"", "\"grads\"", "the manifest: there are tensors of no case, such as "},
    {OPERATION_STEP, "\"param\",", "", "the inputs are not those of the operation, or their shapes disagree"},
    {OPERATION_STEP, "\"grads\",", "", "the inputs are not those of the operation, or their shapes disagree"},
};

START_TEST(refuses_spoiled_texts)
{
    for (enum operation o = 0; o < OPERATIONS; o++) {
        struct written w = write_sample(o);
        for (size_t k = 0; k < sizeof spoiled / sizeof spoiled[0]; k++)
            if (spoiled[k].operation == o) {
                char *text = replaced(w.text, 0, spoiled[k].from, spoiled[k].by);
                refused(text, strlen(text), &w.tensors, spoiled[k].part);
                free(text);
            }
        written_free(&w);
    }
}
END_TEST

/* The second case is named too. */
START_TEST(refuses_what_is_wrong_later)
{
    struct written w = write_sample(OPERATION_SVD);
    char *text = replaced(w.text, 1, "\"rank\"", "\"rang\"");
    refused(text, strlen(text), &w.tensors, "case svd-gaussian-3x5: answers: ");
    free(text);
    /* the same id again, and tensors for it: those of the case before are taken */
    text = replaced(w.text, 0, "\"svd-gaussian-3x5\"", "\"svd-gaussian-2x2\"");
    refused(text, strlen(text), &w.tensors, "case svd-gaussian-2x2: there is no tensor, or it is used twice: ");
    free(text);
    /* no cases at all, or none that is a list */
    text = strdup("{\"schema\":1,\"version\":\"" MANIFEST_VERSION
                  "\",\"licence\":\"CC0-1.0\",\"operation\":\"svd\",\"cases\":{}}");
    refused(text, strlen(text), &w.tensors, "the manifest: there are no cases");
    free(text);
    refused("[]", 2, &w.tensors, "the manifest: ");
    refused("", 0, &w.tensors, "the manifest: no valid JSON");
    refused("\0{}", 3, &w.tensors, "the manifest: no valid JSON");
    written_free(&w);
}
END_TEST

/* Texts of CASE_TEXT bytes and more have no room. */
START_TEST(refuses_long_texts)
{
    static const char *const keys[] = {"\"id\": \"svd", "\"family\": \"gau", "\"why\": \"Gau", "\"Gauss"};
    struct written w = write_sample(OPERATION_SVD);
    char longer[CASE_TEXT + 32], room[CASE_TEXT];
    memset(room, 'a', CASE_TEXT - 1);
    room[CASE_TEXT - 1] = '\0';
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        snprintf(longer, sizeof longer, "%s%s", keys[k], room);
        char *text = replaced(w.text, 0, keys[k], longer);
        refused(text, strlen(text), &w.tensors, "empty or too long: ");
        free(text);
    }
    /* one of CASE_TEXT - 1 has */
    const char *why = w.m.cases[0].why;
    char *text = replaced(w.text, 0, why, room);
    struct manifest m;
    ck_assert_int_eq(manifest_parse(&m, text, strlen(text), &w.tensors, &to), ASSAY_OK);
    ck_assert_str_eq(m.cases[0].why, room);
    manifest_free(&m);
    free(text);
    /* so many dialects there are not */
    struct written c = write_sample(OPERATION_COSH_RMS);
    char many[257 * 7 + 1] = "";
    for (size_t k = 0; k < 256; k++)
        strcat(many, "\"auon\",");
    strcat(many, "\"auon\"");
    text = replaced(c.text, 0, "\"auon\"", many);
    refused(text, strlen(text), &c.tensors, "not a list of strings, or too many: dialects");
    free(text);
    written_free(&c);
    written_free(&w);
}
END_TEST

static struct tensor *tensor(const struct written *w, const char *name)
{
    for (size_t k = 0; k < w->tensors.count; k++)
        if (strcmp(w->tensors.tensors[k].name, name) == 0)
            return &w->tensors.tensors[k];
    ck_abort_msg("there is no tensor %s", name);
}

static void tensors_refused(const struct written *w, const char *part)
{
    refused(w->text, strlen(w->text), &w->tensors, part);
}

/* The tensor is reshaped, refused, and restored. */
static void reshaped(const struct written *w, const char *name, size_t ndim, size_t first, size_t second,
                     const char *part)
{
    struct tensor *x = tensor(w, name), kept = *x;
    x->ndim = ndim;
    x->shape[0] = first;
    x->shape[1] = second;
    for (size_t d = 2; d < TENSOR_MAX_DIMS; d++)
        x->shape[d] = d < ndim ? 1 : 0;
    x->count = ndim == 0 ? 1 : ndim == 1 ? first : first * second;
    tensors_refused(w, part);
    *x = kept;
}

START_TEST(refuses_spoiled_tensors)
{
    struct written w = write_sample(OPERATION_SVD);
    const char *wrong_inputs = SVD "the inputs are not those of the operation, or their shapes disagree";
    /* numbers that are none */
    static const char *const names[] = {"svd-gaussian-2x2/G", "svd-gaussian-2x2/S", "svd-gaussian-2x2/S.lo",
                                        "svd-gaussian-2x2/S.radius"};
    const double none[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
    for (size_t k = 0; k < 4; k++)
        for (size_t n = 0; n < 3; n++) {
            struct tensor *x = tensor(&w, names[k]);
            double kept = x->at[x->count - 1];
            x->at[x->count - 1] = none[n];
            char part[128];
            snprintf(part, sizeof part, SVD "not a finite number in %s", names[k]);
            tensors_refused(&w, part);
            x->at[x->count - 1] = kept;
        }
    const double no_bounds[] = {(double)NAN, -1};
    for (size_t n = 0; n < 2; n++) {
        struct tensor *x = tensor(&w, "svd-gaussian-2x2/S.bounds");
        double kept = x->at[3];
        x->at[3] = no_bounds[n];
        tensors_refused(&w, SVD "negative, or no number, in svd-gaussian-2x2/S.bounds");
        x->at[3] = kept;
    }
    /* shapes */
    reshaped(&w, "svd-gaussian-2x2/S.bounds", 2, 4, 4, SVD "wrong shape: svd-gaussian-2x2/S.bounds");
    reshaped(&w, "svd-gaussian-2x2/S.bounds", 3, 3, 1, SVD "wrong shape: svd-gaussian-2x2/S.bounds");
    reshaped(&w, "svd-gaussian-2x2/S.lo", 1, 1, 0, SVD "wrong shape: svd-gaussian-2x2/S.lo");
    reshaped(&w, "svd-gaussian-2x2/S.lo", 2, 2, 1, SVD "wrong shape: svd-gaussian-2x2/S.lo");
    reshaped(&w, "svd-gaussian-2x2/S.radius", 0, 0, 0, SVD "wrong shape: svd-gaussian-2x2/S.radius");
    reshaped(&w, "svd-gaussian-2x2/S.radius", 1, 0, 0, SVD "wrong shape: svd-gaussian-2x2/S.radius");
    reshaped(&w, "svd-gaussian-2x2/G", 1, 4, 0, wrong_inputs);
    reshaped(&w, "svd-gaussian-2x2/G", 3, 2, 2, wrong_inputs);
    reshaped(&w, "svd-gaussian-2x2/G", 2, 0, 2, wrong_inputs);
    /* missing, and one too many */
    w.tensors.count--;
    tensors_refused(&w, "case svd-gaussian-8x8-least: there is no tensor, or it is used twice: "
                        "svd-gaussian-8x8-least/S.bounds");
    w.tensors.count++;
    struct tensor *x = tensor(&w, "svd-gaussian-3x5/S.lo");
    x->name[0] = 'z';
    tensors_refused(&w, "case svd-gaussian-3x5: there is no tensor, or it is used twice: svd-gaussian-3x5/S.lo");
    x->name[0] = 's';
    struct tensor *more = calloc(w.tensors.count + 1, sizeof *more);
    memcpy(more, w.tensors.tensors, w.tensors.count * sizeof *more);
    free(w.tensors.tensors);
    w.tensors.tensors = more;
    more[w.tensors.count] = (struct tensor){.name = strdup("extra"), .ndim = 0, .count = 1, .at = calloc(1, 8)};
    w.tensors.count++;
    tensors_refused(&w, "the manifest: there are tensors of no case, such as extra");
    written_free(&w);
}
END_TEST

/* Certificates are there, of their shape, and not negative. */
START_TEST(refuses_spoiled_certificates)
{
    struct written w = write_sample(OPERATION_POLAR);
    const char *name = "polar-gaussian-2x2/Q.certificate";
    reshaped(&w, name, 2, 2, 4, "case polar-gaussian-2x2: wrong shape: polar-gaussian-2x2/Q.certificate");
    reshaped(&w, name, 1, 8, 0, "case polar-gaussian-2x2: wrong shape: polar-gaussian-2x2/Q.certificate");
    struct tensor *x = tensor(&w, name);
    x->at[7] = -1;
    tensors_refused(&w, "case polar-gaussian-2x2: negative, or no number, in polar-gaussian-2x2/Q.certificate");
    x->at[7] = (double)INFINITY;
    struct manifest m;
    ck_assert_int_eq(manifest_parse(&m, w.text, strlen(w.text), &w.tensors, &to), ASSAY_OK);
    manifest_free(&m);
    x->name[0] = 'z';
    tensors_refused(&w, "there is no tensor, or it is used twice: polar-gaussian-2x2/Q.certificate");
    written_free(&w);
}
END_TEST

/* Two parameters are read as they are written, or refused where they do not go together. */
START_TEST(two_parameters_go_together)
{
#define TWO "case step-gaussian-4x6-two-parameters: the inputs are not those of the operation, or their shapes disagree"
    static const char *const ids[] = {"step-gaussian-4x6-two-parameters"};
    struct written w = {.m = make(OPERATION_STEP, 1, ids)};
    rewrite(&w);
    struct manifest back;
    ck_assert_int_eq(manifest_parse(&back, w.text, strlen(w.text), &w.tensors, &to), ASSAY_OK);
    ck_assert(same_case(&w.m.cases[0], &back.cases[0]) && back.cases[0].classes[0].answer_count == 6);
    ck_assert(back.cases[0].classes[0].answers[5].shape[1] == 6 && case_parameters(&back.cases[0]) == 2);
    manifest_free(&back);
    reshaped(&w, "step-gaussian-4x6-two-parameters/param.2", 2, 4, 6, TWO);
    reshaped(&w, "step-gaussian-4x6-two-parameters/param.2", 1, 24, 0, TWO);
    struct tensor *p = tensor(&w, "step-gaussian-4x6-two-parameters/param.2"), kept = *p;
    struct tensor *g = tensor(&w, "step-gaussian-4x6-two-parameters/grads.2"), kept_too = *g;
    p->ndim = 5;
    g->ndim = 6;
    for (size_t d = 2; d < 5; d++)
        p->shape[d] = g->shape[d + 1] = 1;
    tensors_refused(&w, TWO);
    *p = kept;
    *g = kept_too;
    g->shape[0] = 3; /* steps */
    g->count = 72;
    tensors_refused(&w, TWO);
    *g = kept_too;
    struct answer *last = &w.m.cases[0].classes[0].answers[5]; /* an output of the other's shape */
    last->shape[1] = 4;
    last->shape[2] = 6;
    rewrite(&w);
    tensors_refused(&w, "case step-gaussian-4x6-two-parameters: " OUTPUTS);
    last->shape[1] = 6;
    last->shape[2] = 4;
    static const char *const names[] = {"grads", "grads.2"};
    for (size_t n = 0; n < 2; n++) { /* one of another name */
        for (size_t k = 0; k < w.m.cases[0].input_count; k++)
            if (strcmp(w.m.cases[0].inputs[k].name, names[n]) == 0)
                w.m.cases[0].inputs[k].name[0] = 'G';
        rewrite(&w);
        tensors_refused(&w, TWO);
        for (size_t k = 0; k < w.m.cases[0].input_count; k++)
            if (w.m.cases[0].inputs[k].name[0] == 'G')
                w.m.cases[0].inputs[k].name[0] = 'g';
    }
    written_free(&w);
}
END_TEST

/* The manifest is written anew, and must be refused. */
static void rewritten_refused(struct written *w, const char *part)
{
    rewrite(w);
    tensors_refused(w, part);
}

/* Answers that another operation might have; what is spoiled is restored. */
START_TEST(refuses_answers_of_other_kinds)
{
    struct written w = write_sample(OPERATION_SVD);
    struct answer_class *k = &w.m.cases[1].classes[0];
    struct answer *a = &k->answers[0], kept = *a;
    k->answers[1] = *a; /* one more */
    strcpy(k->answers[1].name, "T");
    k->answer_count = 2;
    rewritten_refused(&w, "case svd-gaussian-3x5: " OUTPUTS);
    k->answer_count = 1;
    a->ndim = 2; /* 1 x 3 */
    a->shape[0] = 1;
    a->shape[1] = 3;
    rewritten_refused(&w, "case svd-gaussian-3x5: " OUTPUTS);
    *a = kept;
    a->shape[0] = a->count = 2; /* fewer numbers */
    rewritten_refused(&w, "case svd-gaussian-3x5: " OUTPUTS);
    *a = kept;
    k->answer_count = 0; /* none */
    rewritten_refused(&w, "case svd-gaussian-3x5: " OUTPUTS);
    k->answer_count = 1;
    w.m.cases[1].class_count = 0;
    rewritten_refused(&w, "case svd-gaussian-3x5: no answers");
    w.m.cases[1].class_count = 1;
    written_free(&w);

    w = write_sample(OPERATION_COSH_RMS);
    w.m.cases[0].classes[0].undefined = true; /* and still with an answer */
    rewritten_refused(&w, "case cosh-rms-gaussian-2x2: " OUTPUTS);
    written_free(&w);

    w = write_sample(OPERATION_STEP);
    w.m.cases[0].classes[0].answers[1].name[0] = 'U';
    rewritten_refused(&w, "case step-gaussian-4x6-lr-change: " OUTPUTS);
    written_free(&w);
}
END_TEST

#define DISAGREE "the inputs are not those of the operation, or their shapes disagree"
START_TEST(refuses_inputs_that_do_not_go_together)
{
    struct written w;
    for (enum operation o = 0; o < OPERATION_MOMENTUM; o++) { /* of another name; one more */
        w = write_sample(o);
        struct golden_case *c = &w.m.cases[0];
        c->inputs[0].name[0] = 'H';
        rewritten_refused(&w, DISAGREE);
        c->inputs[0].name[0] = 'G';
        c->inputs[1] = c->inputs[0];
        c->inputs[1].name = strdup("H");
        c->inputs[1].at = calloc(c->inputs[0].count, sizeof(double));
        c->input_count = 2;
        rewritten_refused(&w, DISAGREE);
        written_free(&w);
    }
    w = write_sample(OPERATION_STEP); /* lr of another name, and so one input that is none */
    strcpy(w.m.cases[0].inputs[2].name, "rl");
    rewritten_refused(&w, "case step-gaussian-4x6-lr-change: " DISAGREE);
    written_free(&w);

    w = write_sample(OPERATION_NEWTON_SCHULZ);
    reshaped(&w, "newton-schulz-gaussian-1x1/G", 0, 0, 0, DISAGREE);
    reshaped(&w, "newton-schulz-gaussian-1x1/G", 5, 1, 1, DISAGREE);
    written_free(&w);

    w = write_sample(OPERATION_MOMENTUM);
    reshaped(&w, "momentum-ternary-3x5-2/momentum", 2, 5, 3, DISAGREE);
    reshaped(&w, "momentum-ternary-3x5-2/momentum", 1, 15, 0, DISAGREE);
    reshaped(&w, "momentum-ternary-3x5-2/param", 2, 5, 3, DISAGREE);
    static const char *const three[] = {"momentum", "grad", "param"};
    for (size_t k = 0; k < 3; k++) { /* all of five dimensions */
        char name[64];
        snprintf(name, sizeof name, "momentum-ternary-3x5-2/%s", three[k]);
        struct tensor *x = tensor(&w, name);
        x->ndim = 5;
        x->shape[2] = x->shape[3] = x->shape[4] = 1;
    }
    tensors_refused(&w, "case momentum-ternary-3x5-2: " DISAGREE);
    written_free(&w);
    for (size_t k = 0; k < 3; k++) { /* one of them of another name */
        w = write_sample(OPERATION_MOMENTUM);
        char name[64], quoted[16];
        snprintf(name, sizeof name, "momentum-ternary-3x5-2/%s", three[k]);
        snprintf(quoted, sizeof quoted, "    \"%s\"%s\n", three[k], k < 2 ? "," : "");
        tensor(&w, name)->name[strlen(name) - 1] = 'z';
        char *changed = strdup(quoted);
        changed[strlen(three[k]) + 4] = 'z';
        char *text = replaced(w.text, 0, quoted, changed);
        refused(text, strlen(text), &w.tensors, "case momentum-ternary-3x5-2: " DISAGREE);
        free(text);
        free(changed);
        written_free(&w);
    }

    w = write_sample(OPERATION_STEP);
    reshaped(&w, "step-gaussian-4x6-lr-change/lr", 1, 3, 0, DISAGREE);
    reshaped(&w, "step-gaussian-4x6-lr-change/lr", 2, 4, 1, DISAGREE);
    reshaped(&w, "step-gaussian-5x5-absent-gradient/present", 1, 3, 0, DISAGREE);
    reshaped(&w, "step-gaussian-5x5-absent-gradient/present", 2, 4, 1, DISAGREE);
    reshaped(&w, "step-gaussian-5x5-absent-gradient/param", 1, 25, 0, DISAGREE);
    reshaped(&w, "step-gaussian-4x6-lr-change/param", 2, 6, 4, DISAGREE);
    struct tensor *p = tensor(&w, "step-gaussian-4x6-lr-change/param");
    struct tensor *g = tensor(&w, "step-gaussian-4x6-lr-change/grads");
    p->ndim = 5;
    g->ndim = 6;
    for (size_t d = 2; d < 5; d++)
        p->shape[d] = g->shape[d + 1] = 1;
    tensors_refused(&w, "case step-gaussian-4x6-lr-change: " DISAGREE);
    written_free(&w);
}
END_TEST

/* ---- questions ------------------------------------------------------------------------------------------------------------ */

/* A sample without answers. */
static struct written write_questions(enum operation o)
{
    struct written w = write_sample(o);
    for (size_t k = 0; k < w.m.count; k++) {
        struct golden_case *c = &w.m.cases[k];
        for (size_t l = 0; l < c->class_count; l++)
            class_free(&c->classes[l]);
        free(c->classes);
        c->classes = NULL;
        c->class_count = 0;
    }
    rewrite(&w);
    return w;
}

/* The text with an empty list of the first case's formats; to be freed. */
static char *without_formats(const char *text)
{
    const char *list = strstr(text, "\"formats\": [") + strlen("\"formats\": [");
    char *result = strdup(text);
    ck_assert_ptr_nonnull(result);
    strcpy(result + (list - text), strchr(list, ']'));
    return result;
}

static void asks(const char *text, const struct written *w)
{
    struct manifest back;
    assay_status status = manifest_parse_questions(&back, text, strlen(text), &w->tensors, &to);
    ck_assert_msg(status == ASSAY_OK, "%s", message);
    ck_assert(back.operation == w->m.operation && back.count == w->m.count);
    for (size_t k = 0; k < back.count; k++)
        ck_assert(same_case(&w->m.cases[k], &back.cases[k]));
    manifest_free(&back);
}

/* Cases with answers are read, and those without, and without formats, which a golden set must have, and of any version; but
 * no wrong ones. */
START_TEST(questions_may_lack_answers)
{
    for (enum operation o = 0; o < OPERATIONS; o++) {
        struct written whole = write_sample(o), w = write_questions(o);
        asks(whole.text, &whole);
        asks(w.text, &w);
        refused(w.text, strlen(w.text), &w.tensors, "no answers");
        char *text = without_formats(w.text), *all = without_formats(whole.text);
        asks(text, &w);
        free(text);
        text = replaced(w.text, 0, MANIFEST_VERSION, "own");
        asks(text, &w);
        refused(all, strlen(all), &whole.tensors, "the inputs do not fit its formats");
        free(text);
        text = replaced(w.text, 0, "\"f64\",", "\"f64\", \"f8\",");
        refused_by(manifest_parse_questions, text, strlen(text), &w.tensors, "the inputs do not fit its formats");
        free(text);
        text = replaced(whole.text, 0, "\"outputs\"", "\"output\"");
        refused_by(manifest_parse_questions, text, strlen(text), &whole.tensors, "answers: ");
        free(text);
        free(all);
        written_free(&whole);
        written_free(&w);
    }
}
END_TEST

/* ---- memory ---------------------------------------------------------------------------------------------------------------- */

/* Leaves no text in the manifest longer than 13 characters: where its scanner must lengthen a string and cannot, jansson
 * 2.14 loses a character, goes on, and can write beyond the end of what it has. */
static void shorten(struct manifest *m)
{
    for (size_t k = 0; k < m->count; k++) {
        struct golden_case *c = &m->cases[k];
        snprintf(c->id, sizeof c->id, "case-%zu", k);
        strcpy(c->family, "family");
        strcpy(c->why, "why");
        strcpy(c->flags[0], "Flag");
        c->flag_count = 1;
        for (size_t l = 0; l < c->class_count; l++) {
            struct answer_class *a = &c->classes[l];
            size_t kept = 0;
            for (size_t n = 0; n < a->member_count; n++)
                if (strlen(a->members[n]->name) <= 13)
                    a->members[kept++] = a->members[n];
            a->member_count = kept;
            a->name = kept ? a->members[0]->name : "";
            if (kept == 0 && operation_has_dialects(c->operation)) {
                for (size_t n = 0; n < a->answer_count; n++) {
                    free(a->answers[n].hi);
                    free(a->answers[n].lo);
                    free(a->answers[n].bounds);
                }
                free(a->members);
                *a = c->classes[--c->class_count];
                l--;
            }
        }
    }
}

/* How many allocations of a parser fail, of all or of some; each is survived. Where jansson lacks memory it may speak of a malformed text, or do
 * without. */
static size_t failing_parses(parser *parse, const struct written *w)
{
    size_t failures = 0, each = thorough() ? 1 : 23;
    bool failed = true;
    for (size_t n = 1; failed; n += each) {
        struct manifest m = {OPERATION_SVD, 99, NULL};
        io_fail(n);
        assay_status status = parse(&m, w->text, strlen(w->text), &w->tensors, &to);
        const char *call = io_fail(0);
        failed = call != NULL;
        bool jansson = failed && strcmp(call, "jansson") == 0;
        ck_assert_msg(status == (failed ? ASSAY_NO_MEMORY : ASSAY_OK) || jansson, "request %zu: %s", n, message);
        ck_assert(status == ASSAY_OK || status == ASSAY_NO_MEMORY || status == ASSAY_UNREADABLE);
        ck_assert(status == ASSAY_OK ? m.count == w->m.count : m.count == 99);
        for (size_t k = 0; k < m.count && status == ASSAY_OK; k++)
            ck_assert(same_case(&m.cases[k], &w->m.cases[k]));
        if (status == ASSAY_OK)
            manifest_free(&m);
        failures += failed;
    }
    return failures;
}

/* Whichever allocation fails: no text, no tensors, no manifest, and nothing is lost. */
START_TEST(memory_failures_are_survived)
{
    for (enum operation o = 0; o < OPERATIONS; o++) {
        struct written w = write_sample(o);
        shorten(&w.m);
        rewrite(&w);
        size_t failures = 0, each = thorough() ? 1 : 23;
        bool failed = true;
        for (size_t n = 1; failed; n += each) {
            io_fail(n);
            char *text = manifest_text(&w.m);
            failed = io_fail(0) != NULL;
            ck_assert_msg((text == NULL) == failed, "request %zu", n);
            free(text);
            failures += failed;
        }
        failed = true;
        for (size_t n = 1; failed; n += each) {
            struct tensor_file tensors;
            io_fail(n);
            bool enough = manifest_tensors(&tensors, &w.m);
            failed = io_fail(0) != NULL;
            ck_assert(enough == !failed);
            if (enough)
                tensors_free(&tensors);
            failures += failed;
        }
        failures += failing_parses(manifest_parse, &w);
        ck_assert_uint_gt(failures, 100 / each);
        written_free(&w);
        w = write_questions(o);
        shorten(&w.m);
        rewrite(&w);
        ck_assert_uint_gt(failing_parses(manifest_parse_questions, &w), 20 / each);
        written_free(&w);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("manifest");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 600);
    tcase_add_test(tests, reads_what_it_writes);
    tcase_add_test(tests, reads_what_it_writes_at_the_edges);
    tcase_add_test(tests, order_does_not_matter);
    tcase_add_test(tests, refuses_spoiled_texts);
    tcase_add_test(tests, refuses_what_is_wrong_later);
    tcase_add_test(tests, refuses_long_texts);
    tcase_add_test(tests, refuses_spoiled_tensors);
    tcase_add_test(tests, refuses_spoiled_certificates);
    tcase_add_test(tests, two_parameters_go_together);
    tcase_add_test(tests, refuses_answers_of_other_kinds);
    tcase_add_test(tests, refuses_inputs_that_do_not_go_together);
    tcase_add_test(tests, questions_may_lack_answers);
    tcase_add_test(tests, memory_failures_are_survived);
    suite_add_tcase(suite, tests);
    return io_run(suite);
}
