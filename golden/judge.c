#include "judge.h"

#include "bounds.h"
#include "certificate.h"
#include "inputs.h"
#include "measure.h"
#include "work.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* NaN must not pass, and errors must not be reordered away. */
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error "the judge does not work under -ffast-math or -ffinite-math-only"
#endif

static const char *const what_names[JUDGED] = {
    [MEASURE_FROBENIUS] = "Frobenius norm of the error",
    [MEASURE_ROW] = "error of the worst row",
    [MEASURE_COLUMN] = "error of the worst column",
    [MEASURE_ENTRY] = "error of the worst entry",
    [JUDGED_EXCESS] = "excess over the ball",
    [JUDGED_GAP] = "gap to the optimum",
};

/* Takes one comparison into account. */
static void compare(struct verdict *v, int what, size_t step, enum proof proof, double error, double bound)
{
    bool pass = error <= bound;
    double ratio = error == 0 && bound == 0 ? 0 : error / bound;
    if (!v->judged || (!isnan(v->ratio) && !(ratio <= v->ratio))) {
        v->what = what;
        v->step = step;
        v->proof = proof;
        v->error = error;
        v->bound = bound;
        v->ratio = ratio;
    }
    v->judged = true;
    v->pass = v->pass && pass;
}

/* The first entry that is beyond the bound of entries, or not finite where there is none; if there is none, the one farthest off in the slab
 * of the verdict. */
static void find_entry(struct verdict *v, const struct answer *a, enum tensor_type format, const double *result)
{
    size_t size = a->count / a->slabs, found = SIZE_MAX, worst = v->step * size;
    for (size_t k = 0; k < a->count && found == SIZE_MAX; k++) {
        double bound = answer_bounds(a, format, k / size)[MEASURE_ENTRY];
        if (isinf(bound) ? k / size == v->step && !isfinite(result[k])
                         : !(fabs(entry_error(a, format, k, result[k])) <= bound))
            found = k;
    }
    for (size_t k = worst; k < (v->step + 1) * size; k++)
        worst =
            fabs(entry_error(a, format, k, result[k])) > fabs(entry_error(a, format, worst, result[worst])) ? k : worst;
    v->entry = found == SIZE_MAX ? worst : found;
    v->got = result[v->entry];
    v->exact = a->hi[v->entry];
}

static assay_status judge_certificate(struct verdict *v, const struct golden_case *c, const struct certificate *allowed,
                                      const double *result, size_t count, const assay_options *options)
{
    struct certificate found = {NAN, NAN};
    assay_status status =
        numbers_are_finite(result, count) ? certificate_measure(&found, c, result, options) : ASSAY_OK;
    if (status == ASSAY_OK) {
        compare(v, JUDGED_EXCESS, 0, PROOF_CERTIFICATE, found.excess, allowed->excess);
        compare(v, JUDGED_GAP, 0, PROOF_CERTIFICATE, found.gap, allowed->gap);
    }
    return status;
}

/* A result, and what is said of it. */
struct judged {
    struct verdict *v;
    const struct golden_case *c;
    const struct answer_class *class;
    const struct answer *a;
    enum tensor_type format;
    const double *result;
};

static bool slab_is_finite(const struct answer *a, size_t slab, const double *at)
{
    size_t size = a->count / a->slabs;
    return numbers_are_finite(at + slab * size, size);
}

/* Whether the result is not finite where it has no bound. */
static bool is_suspect(const struct judged *j, size_t slab)
{
    return isinf(answer_bounds(j->a, j->format, slab)[MEASURE_FROBENIUS]) && !slab_is_finite(j->a, slab, j->result);
}

/* Fails the suspect slabs in which none of as many evaluations as an envelope is made of overflows. */
static void judge_suspects(struct work *w, void *pointer)
{
    const struct judged *j = pointer;
    const struct answer_class *k = j->class;
    bool *suspect = work_alloc(w, j->a->slabs, sizeof *suspect);
    double *results[CASE_ANSWERS];
    size_t members = operation_has_dialects(j->c->operation) ? ENVELOPE_MEMBERS : 0;
    for (size_t s = 0; s < j->a->slabs; s++)
        suspect[s] = is_suspect(j, s);
    for (size_t a = 0; a < k->answer_count; a++)
        results[a] = work_alloc(w, k->answers[a].count, sizeof(double));
    for (size_t member = 0; member < members; member++) {
        struct work_block *mark = work_mark(w);
        struct evaluation e = evaluation_draw(j->format, input_seed(j->c->id), member, false);
        case_evaluate(w, &e, j->c, k->members[member % k->member_count], results);
        for (size_t s = 0; s < j->a->slabs; s++)
            suspect[s] = suspect[s] && slab_is_finite(j->a, s, results[j->a - k->answers]);
        work_release(w, mark);
    }
    for (size_t s = 0; s < j->a->slabs; s++)
        if (suspect[s])
            compare(j->v, MEASURE_ENTRY, s, PROOF_NONE, NAN, INFINITY);
}

/* Where there is no bound, what is finite may be anything; what is not fails, unless honest ports overflow. Of a result that
 * fails anyway nobody need know. */
static assay_status judge_unbounded(const struct judged *j, const assay_options *options)
{
    size_t s = j->v->pass ? 0 : j->a->slabs;
    while (s < j->a->slabs && !is_suspect(j, s))
        s++;
    return s < j->a->slabs && !case_may_overflow(j->c, j->format) ? work_run(options, judge_suspects, (void *)j)
                                                                  : ASSAY_OK;
}

assay_status judge(struct verdict *v, const struct golden_case *c, const struct answer_class *k, size_t output,
                   enum tensor_type format, const double *result, const assay_options *options)
{
    const struct answer *a = &k->answers[output];
    struct verdict found = {.pass = true};
    for (size_t s = 0; s < a->slabs; s++) {
        double errors[MEASURES];
        const double *bounds = answer_bounds(a, format, s);
        measure_error(errors, a, format, s, result + s * (a->count / a->slabs));
        for (int m = 0; m < MEASURES; m++)
            if (!isinf(bounds[m]))
                compare(&found, m, s, a->proofs[format], errors[m], bounds[m]);
    }
    assay_status status = judge_unbounded(&(struct judged){&found, c, k, a, format, result}, options);
    if (status == ASSAY_OK && (c->operation == OPERATION_POLAR || c->operation == OPERATION_LMO))
        status = judge_certificate(&found, c, &k->certificates[format], result, a->count, options);
    if (status == ASSAY_OK) {
        find_entry(&found, a, format, result);
        *v = found;
    }
    return status;
}

/* [2,1,3] for an entry of a tensor of that shape. */
static void place_text(char *text, size_t size, const struct answer *a, size_t entry)
{
    size_t place[TENSOR_MAX_DIMS], end = 0;
    for (size_t d = a->ndim; d-- > 0;) {
        place[d] = entry % a->shape[d];
        entry /= a->shape[d];
    }
    for (size_t d = 0; d < a->ndim; d++)
        end += (size_t)snprintf(text + end, size - end, "%c%zu", d ? ',' : '[', place[d]);
    snprintf(text + end, size - end, "]");
}

void verdict_text(char text[VERDICT_TEXT], const struct verdict *v, const struct golden_case *c,
                  const struct answer_class *k, size_t output)
{
    const struct answer *a = &k->answers[output];
    char place[24 * TENSOR_MAX_DIMS], step[48] = "";
    if (!v->judged) {
        snprintf(text, VERDICT_TEXT, "case %s, %s: not judged: no bound in this format says anything", c->id, a->name);
        return;
    }
    place_text(place, sizeof place, a, v->entry);
    if (a->stepped)
        snprintf(step, sizeof step, " in step %zu", v->step + 1);
    char what[128] = "not finite, where every honest evaluation is";
    if (v->proof != PROOF_NONE)
        snprintf(what, sizeof what, "the %s is %.3g, %.3g times %.3g (%s)", what_names[v->what], v->error, v->ratio,
                 v->bound, proof_names[v->proof]);
    snprintf(text, VERDICT_TEXT, "case %s%s%s, %s%s: %s; %s%s is %a = %.6g, exact %a = %.6g", c->id,
             k->name[0] ? ", " : "", k->name, a->name, step, what, a->name, place, v->got, v->got, v->exact, v->exact);
}

void shell_word(char to[VERDICT_TEXT], const char *file)
{
    size_t used = 0;
    if (file[strspn(file, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+,:@%=-")] == '\0') {
        snprintf(to, VERDICT_TEXT, "%s", file);
        return;
    }
    to[used++] = '\'';
    for (; *file && used < VERDICT_TEXT - 6; file++)
        used += (size_t)snprintf(to + used, VERDICT_TEXT - used, *file == '\'' ? "'\\''" : "%c", *file);
    strcpy(to + used, "'");
}

void answer_command(char text[VERDICT_TEXT], const struct golden_case *c, const struct answer_class *k, size_t output,
                    const char *file, bool alone)
{
    char lr[40] = "", tensor[CASE_TEXT + 16] = "", parameter[40] = "", word[VERDICT_TEXT];
    bool whole = c->operation == OPERATION_MOMENTUM || c->operation == OPERATION_STEP;
    if (!alone)
        snprintf(tensor, sizeof tensor, " --tensor %s/%s", c->id, whole ? "" : "G");
    shell_word(word, file);
    int end = snprintf(text, VERDICT_TEXT, "assay ref %s %s%s", operation_names[c->operation], word, tensor);
    size_t room = end < VERDICT_TEXT ? VERDICT_TEXT - (size_t)end : 0;
    char *at = text + (VERDICT_TEXT - room);
    switch (c->operation) {
    case OPERATION_LMO:
        snprintf(at, room, " --norm %s --radius %.17g", norm_names()[c->norm], c->radius);
        break;
    case OPERATION_MOMENTUM:
        snprintf(at, room, " -d %s --momentum %.17g --weight-decay %.17g --step %zu", k->name, c->hyper.momentum,
                 c->hyper.weight_decay, c->step);
        break;
    case OPERATION_STEP:
        if (!case_input(c, "lr"))
            snprintf(lr, sizeof lr, " --lr %.17g", c->hyper.lr);
        if (output >= STEP_OUTPUTS)
            snprintf(parameter, sizeof parameter, " --parameter %zu", output / STEP_OUTPUTS + 1);
        snprintf(at, room, " -d %s%s --momentum %.17g --weight-decay %.17g%s", k->name, lr, c->hyper.momentum,
                 c->hyper.weight_decay, parameter);
        break;
    case OPERATION_NEWTON_SCHULZ:
    case OPERATION_COSH_RMS:
        snprintf(at, room, " -d %s", k->name);
        break;
    default:
        break;
    }
}

void verdict_command(char text[VERDICT_TEXT], const struct golden_case *c, const struct answer_class *k, size_t output,
                     const char *folder)
{
    char file[VERDICT_TEXT];
    snprintf(file, sizeof file, "%s/vectors/%s.safetensors", folder, operation_names[c->operation]);
    answer_command(text, c, k, output, file, false);
}
