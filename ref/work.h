/* One computation: its memory, its options, and its only way out on failure.
 *
 * Every function of ref/ that can fail takes a `struct work *` first and never returns an error: work_fail()
 * leaves the whole computation at once, through the single setjmp in work_run(), and all of its memory goes with it.
 * So the mathematics below reads straight, and outputs, which are written last, stay untouched on failure. */
#ifndef ASSAY_REF_WORK_H
#define ASSAY_REF_WORK_H

#include "ref.h"

#include <gmp.h>
#include <mpfr.h>
#include <setjmp.h>
#include <stddef.h>

struct work_block;

struct work {
    jmp_buf escape;
    assay_status status;
    char message[ASSAY_MESSAGE_SIZE];
    const assay_options *options; /* never NULL */
    struct work_block *newest;    /* every live allocation, newest first */
    struct work_block *spare;     /* large blocks given back, kept for the next use */
    unsigned threads;             /* at least 1 */
    long max_bits;                /* where attempts at more precision end */
};

/* Runs body(w, args) with floating point in its default state (round to nearest, no flush to zero) and MPFR's range of
 * exponents its default, whatever they were at entry, and restores them, and MPFR's flags. Returns ASSAY_OK or what work_fail() was given; the sentence goes to
 * options->message. */
assay_status work_run(const assay_options *options, void (*body)(struct work *w, void *args), void *args);

/* Leaves work_run() with this status and sentence. */
_Noreturn void work_fail(struct work *w, assay_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* count * size bytes, zeroed; fails with ASSAY_NO_MEMORY. Lives until the mark before it is released. */
void *work_alloc(struct work *w, size_t count, size_t size);

/* The same without zeroing. */
void *work_scratch(struct work *w, size_t count, size_t size);

/* An integer, initialised to 0, that lives as long as work_alloc() memory does; an array of `count`. */
mpz_ptr work_integers(struct work *w, size_t count);

/* work_release(w, mark) gives back everything allocated since mark = work_mark(w). */
struct work_block *work_mark(const struct work *w);
void work_release(struct work *w, struct work_block *mark);

/* Gives back everything allocated since the mark but `memory`, one of those allocations, and returns it. */
void *work_keep(struct work *w, struct work_block *mark, void *memory);

/* Reports that `done` (0..1) of a stage is reached. */
void work_progress(struct work *w, const char *stage, double done);

#endif
