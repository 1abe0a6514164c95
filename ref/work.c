#include "work.h"

#include "parallel.h"

#include <fenv.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fresh pages cost more than most of what is done to them, so blocks this large are kept for reuse. */
enum { KEEP_BYTES = 1 << 15 };

/* Enough for condition numbers of 1e300 and then some. */
enum { DEFAULT_MAX_BITS = 1 << 13 };

struct work_block {
    struct work_block *older;
    size_t bytes;
    size_t integers; /* how many mpz_t the payload holds; 0 for plain memory */
    max_align_t payload[];
};

/* Blocks to be kept come in few sizes, so that they fit more often: four for each power of two. */
static size_t round_up(size_t bytes)
{
    size_t step = KEEP_BYTES / 4;
    while (step <= bytes / 8)
        step *= 2;
    return bytes < KEEP_BYTES ? bytes : (bytes + step - 1) / step * step;
}

static struct work_block *take_spare(struct work *w, size_t bytes)
{
    for (struct work_block **link = &w->spare; *link; link = &(*link)->older) {
        struct work_block *block = *link;
        if (block->bytes >= bytes && block->bytes / 2 <= bytes) {
            *link = block->older;
            return block;
        }
    }
    return NULL;
}

static struct work_block *push(struct work *w, size_t count, size_t size, bool zero)
{
    if (count > SIZE_MAX / 2 / size)
        work_fail(w, ASSAY_NO_MEMORY, "out of memory: %zu items of %zu bytes", count, size);
    size_t bytes = round_up(count * size);
    struct work_block *block = bytes >= KEEP_BYTES ? take_spare(w, bytes) : NULL;
    if (block && zero)
        memset(block->payload, 0, bytes);
    if (!block) {
        block = zero ? calloc(1, sizeof *block + bytes) : malloc(sizeof *block + bytes);
        if (!block)
            work_fail(w, ASSAY_NO_MEMORY, "out of memory: %zu items of %zu bytes", count, size);
        block->bytes = bytes;
    }
    block->integers = 0;
    block->older = w->newest;
    w->newest = block;
    return block;
}

void *work_alloc(struct work *w, size_t count, size_t size)
{
    return push(w, count, size, true)->payload;
}

void *work_scratch(struct work *w, size_t count, size_t size)
{
    return push(w, count, size, false)->payload;
}

mpz_ptr work_integers(struct work *w, size_t count)
{
    struct work_block *block = push(w, count, sizeof(mpz_t), true);
    mpz_ptr integers = (mpz_ptr)(void *)block->payload;
    for (size_t k = 0; k < count; k++)
        mpz_init(integers + k);
    block->integers = count;
    return integers;
}

struct work_block *work_mark(const struct work *w)
{
    return w->newest;
}

void work_release(struct work *w, struct work_block *mark)
{
    while (w->newest != mark) {
        struct work_block *block = w->newest;
        for (size_t k = 0; k < block->integers; k++)
            mpz_clear((mpz_ptr)(void *)block->payload + k);
        w->newest = block->older;
        block->older = w->spare;
        if (block->bytes >= KEEP_BYTES)
            w->spare = block;
        else
            free(block);
    }
}

void *work_keep(struct work *w, struct work_block *mark, void *memory)
{
    struct work_block **link = &w->newest;
    while ((*link)->payload != memory)
        link = &(*link)->older;
    struct work_block *block = *link;
    *link = block->older;
    work_release(w, mark);
    block->older = mark;
    w->newest = block;
    return memory;
}

_Noreturn void work_fail(struct work *w, assay_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(w->message, sizeof w->message, format, args);
    va_end(args);
    w->status = status;
    longjmp(w->escape, 1);
}

void work_progress(struct work *w, const char *stage, double done)
{
    if (w->options->progress)
        w->options->progress(w->options->progress_data, stage, done);
}

/* What a thread may have set and others not: the state of binary64 arithmetic, and MPFR's range of exponents and flags. */
struct arithmetic {
    fenv_t environment;
    mpfr_exp_t least, largest;
    mpfr_flags_t flags;
};

static void set_default_arithmetic(struct arithmetic *caller)
{
    fegetenv(&caller->environment);
    caller->least = mpfr_get_emin();
    caller->largest = mpfr_get_emax();
    caller->flags = mpfr_flags_save();
    fesetenv(FE_DFL_ENV);
    mpfr_set_emin(MPFR_EMIN_DEFAULT);
    mpfr_set_emax(MPFR_EMAX_DEFAULT);
}

static void restore_arithmetic(const struct arithmetic *caller)
{
    mpfr_set_emin(caller->least);
    mpfr_set_emax(caller->largest);
    mpfr_flags_restore(caller->flags, MPFR_FLAGS_ALL);
    fesetenv(&caller->environment);
}

/* Returns when body() does, or leaves it. (A function of its own: setjmp() leaves what its caller changed unspecified.) */
static void run_or_escape(struct work *w, void (*body)(struct work *w, void *args), void *args)
{
    if (setjmp(w->escape) == 0)
        body(w, args);
}

assay_status work_run(const assay_options *options, void (*body)(struct work *w, void *args), void *args)
{
    static const assay_options defaults = {0};
    struct work w = {.options = options ? options : &defaults};
    w.max_bits = w.options->max_bits ? (long)w.options->max_bits : DEFAULT_MAX_BITS;
    w.threads = w.options->threads ? w.options->threads : parallel_processors();
    struct arithmetic caller;
    set_default_arithmetic(&caller);
    run_or_escape(&w, body, args);
    work_release(&w, NULL);
    for (struct work_block *block = w.spare, *older; block; block = older) {
        older = block->older;
        free(block);
    }
    restore_arithmetic(&caller);
    if (w.options->message && w.options->message_size)
        snprintf(w.options->message, w.options->message_size, "%s", w.message);
    return w.status;
}
