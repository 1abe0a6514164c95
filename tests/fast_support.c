#include "fast_support.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 64 };

double gamma_of(double n)
{
    return n * UNIT / (1 - n * UNIT);
}

/* A NaN that no arithmetic makes. */
static float mark(void)
{
    uint32_t bits = 0x7fedcba9;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

struct guarded guarded_new(size_t count)
{
    struct guarded g = {.memory = malloc((count + 2 * GUARD) * sizeof(float)), .count = count};
    ck_assert_ptr_nonnull(g.memory);
    g.at = g.memory + GUARD;
    float m = mark();
    for (size_t k = 0; k < count + 2 * GUARD; k++)
        memcpy(&g.memory[k], &m, sizeof m);
    return g;
}

void guarded_free(struct guarded *g)
{
    float m = mark();
    for (size_t k = 0; k < GUARD; k++) {
        ck_assert_mem_eq(&g->memory[k], &m, sizeof m);
        ck_assert_mem_eq(&g->at[g->count + k], &m, sizeof m);
    }
    free(g->memory);
}

void random_floats(uint64_t *state, float *x, double *same, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        x[k] = (float)random_gaussian(state);
        if (same)
            same[k] = x[k];
    }
}

assay_fast_plan *plan_of(const struct assay_dialect *d, size_t ndim, const size_t *shape, assay_fast_options options)
{
    char sentence[ASSAY_MESSAGE_SIZE] = "";
    assay_fast_plan *plan = NULL;
    options.message = sentence;
    options.message_size = sizeof sentence;
    ck_assert_msg(assay_fast_plan_new(&plan, d, ndim, shape, &options) == ASSAY_OK, "%s: %s", d->name, sentence);
    return plan;
}

static atomic_size_t calls;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *at, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *at, size_t size);

void *__wrap_malloc(size_t size)
{
    calls++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    calls++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *at, size_t size)
{
    calls++;
    return __real_realloc(at, size);
}

size_t allocations(void)
{
    return calls;
}
