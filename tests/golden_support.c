#include "golden_support.h"

#include "bounds.h"
#include "cases.h"
#include "support.h"

#include <string.h>

struct golden_case golden_named(enum operation operation, const char *id)
{
    struct golden_case c;
    size_t k = cases_find(operation, id);
    ck_assert_msg(k < cases_count(operation), "%s", id);
    ck_assert_int_eq(cases_make(&c, operation, k), ASSAY_OK);
    return c;
}

static char sentence[ASSAY_MESSAGE_SIZE];
static const assay_options options = {.threads = 1, .message = sentence, .message_size = sizeof sentence};

struct golden_case golden_computed(enum operation operation, const char *id)
{
    struct golden_case c = golden_named(operation, id);
    ck_assert_msg(case_compute(&c, &options) == ASSAY_OK, "%s: %s", id, sentence);
    return c;
}

struct golden_case golden_bounded(enum operation operation, const char *id)
{
    struct golden_case c = golden_computed(operation, id);
    ck_assert_msg(case_bound(&c, &options) == ASSAY_OK, "%s: %s", id, sentence);
    return c;
}

struct direction_args {
    struct evaluation *e;
    const struct assay_dialect *d;
    const struct tensor *u;
    double *o;
};

static void run_direction(struct work *w, void *pointer)
{
    const struct direction_args *args = pointer;
    struct shape shape = {.ndim = args->u->ndim};
    memcpy(shape.size, args->u->shape, shape.ndim * sizeof *shape.size);
    emulate_direction(w, args->e, args->d, shape, args->u->at, args->o);
}

void emulated_direction(struct evaluation *e, const struct assay_dialect *d, const struct tensor *u, double *o)
{
    in_work(run_direction, &(struct direction_args){e, d, u, o});
}
