/* Memory, failure and floating-point state of a computation. Needs the linker's --wrap of malloc, calloc and free. */
#include "support.h"

#include <fenv.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* ---- malloc, counted and failing on demand ----------------------------------------------------------------------- */

/* How often memory was asked for, and which of these requests (from 1) is to be refused; 0: none. A size beyond LARGEST
 * is always refused, so that no test depends on the machine's memory. */
static long asked, refused;
static const size_t LARGEST = (size_t)1 << 40;

/* The blocks in use. (What free() is given may come from elsewhere: the C library's strdup() is not wrapped.) */
enum { MOST_IN_USE = 1 << 16 };
static void *block[MOST_IN_USE];
static long in_use;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void __wrap_free(void *memory);

static void *remember(void *memory)
{
    if (memory && in_use < MOST_IN_USE)
        block[in_use++] = memory;
    return memory;
}

static bool refuses(size_t size)
{
    return ++asked == refused || size > LARGEST;
}

void *__wrap_malloc(size_t size)
{
    return refuses(size) ? NULL : remember(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refuses(count * size) ? NULL : remember(__real_calloc(count, size));
}

void __wrap_free(void *memory)
{
    for (long k = in_use; k-- > 0;)
        if (block[k] == memory) {
            block[k] = block[--in_use];
            break;
        }
    __real_free(memory);
}

static void reset_counts(void)
{
    in_use = asked = refused = 0;
}

/* in_work(), with a check that every block is given back in the end. */
static void in_work_without_leak(void (*body)(struct work *w, void *args), void *args)
{
    reset_counts();
    in_work(body, args);
    ck_assert_int_eq(in_use, 0);
    ck_assert_int_gt(asked, 0);
}

/* ---- allocation ------------------------------------------------------------------------------------------------- */

enum { LARGE = 1 << 15 }; /* blocks from this size on are kept for reuse */

static bool all_bytes_are(const unsigned char *at, size_t count, unsigned char value)
{
    for (size_t k = 0; k < count; k++)
        if (at[k] != value)
            return false;
    return true;
}

static void zeroed(struct work *w, void *args)
{
    (void)args;
    const size_t sizes[] = {0, 1, 7, 100, LARGE - 1, LARGE, LARGE + 1, 100000, 1 << 20};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++)
        for (int again = 0; again < 3; again++) {
            struct work_block *mark = work_mark(w);
            unsigned char *whole = work_alloc(w, sizes[k], 1), *parts = work_alloc(w, 3, sizes[k] ? sizes[k] : 1);
            unsigned char *scratch = work_scratch(w, sizes[k], 2);
            ck_assert(all_bytes_are(whole, sizes[k], 0) && all_bytes_are(parts, 3 * sizes[k], 0));
            ck_assert((uintptr_t)whole % _Alignof(max_align_t) == 0 && (uintptr_t)scratch % _Alignof(max_align_t) == 0);
            memset(whole, 0xA5, sizes[k]);
            memset(parts, 0x5A, 3 * sizes[k]);
            memset(scratch, 0xFF, 2 * sizes[k]);
            ck_assert(all_bytes_are(whole, sizes[k], 0xA5) && all_bytes_are(parts, 3 * sizes[k], 0x5A));
            work_release(w, mark);
        }
}

/* work_alloc() gives zeros, also from memory that was written to before; blocks do not overlap and are aligned. */
START_TEST(memory_is_zeroed)
{
    in_work_without_leak(zeroed, NULL);
}
END_TEST

/* A released large block is what the next request of that size gets, with its old content from work_scratch() and
 * zeroed from work_alloc(); one that is much too large or too small is not. Small blocks are not kept. */
static void spares(struct work *w, void *args)
{
    (void)args;
    struct work_block *mark = work_mark(w);
    unsigned char *first = work_scratch(w, 4 * LARGE, 1);
    memset(first, 0xAB, 4 * LARGE);
    work_release(w, mark);
    long before = in_use; /* a spare block is in use too */
    unsigned char *second = work_scratch(w, 4 * LARGE, 1);
    ck_assert(second == first && all_bytes_are(second, 4 * LARGE, 0xAB) && in_use == before);
    work_release(w, mark);
    unsigned char *third = work_alloc(w, 2 * LARGE + 1, 1); /* more than half of it */
    ck_assert(third == first && all_bytes_are(third, 2 * LARGE + 1, 0) && in_use == before);
    work_release(w, mark);
    ck_assert(work_alloc(w, LARGE, 1) != first && in_use == before + 1); /* less than half */
    ck_assert(work_alloc(w, 5 * LARGE, 1) != first && in_use == before + 2);
    ck_assert(work_alloc(w, 4 * LARGE, 1) == first && in_use == before + 2);
    ck_assert(work_alloc(w, 4 * LARGE, 1) != first && in_use == before + 3); /* it is taken */
    work_release(w, mark);

    before = in_use;
    mpz_ptr integers = work_integers(w, 2 * LARGE / sizeof(mpz_t) + 1); /* a used block turned into integers, */
    ck_assert(in_use == before);
    for (size_t k = 0; k < 2 * LARGE / sizeof(mpz_t) + 1; k++)
        ck_assert(mpz_sgn(integers + k) == 0);
    mpz_ui_pow_ui(integers + 7, 3, 1000);
    work_release(w, mark);
    unsigned char *plain = work_alloc(w, 2 * LARGE + 100, 1); /* and back */
    ck_assert(in_use == before && all_bytes_are(plain, 2 * LARGE + 100, 0));
    work_release(w, mark);

    before = in_use;
    unsigned char *small = work_alloc(w, LARGE / 2, 1);
    memset(small, 1, LARGE / 2);
    ck_assert(in_use == before + 1);
    work_release(w, mark);
    ck_assert(in_use == before);
}

START_TEST(large_blocks_are_reused)
{
    in_work_without_leak(spares, NULL);
}
END_TEST

static void ask_too_much(struct work *w, void *args)
{
    const size_t *request = args;
    if (request[2] == 0)
        work_alloc(w, request[0], request[1]);
    else if (request[2] == 1)
        work_scratch(w, request[0], request[1]);
    else
        work_integers(w, request[0]);
}

/* count * size that overflows, or that no machine has, is out of memory. */
START_TEST(overflowing_sizes_are_refused)
{
    const size_t huge[][2] = {{SIZE_MAX, 1},        {SIZE_MAX, 2},     {SIZE_MAX / 2 + 1, 2},
                              {SIZE_MAX / 16, 32},  {SIZE_MAX / 4, 2}, {SIZE_MAX / 2 - 100, 1},
                              {(size_t)1 << 41, 1}, {1, SIZE_MAX},     {3, SIZE_MAX / 2}};
    for (size_t k = 0; k < sizeof huge / sizeof huge[0]; k++)
        for (size_t kind = 0; kind < 2; kind++) {
            size_t request[] = {huge[k][0], huge[k][1], kind};
            char expected[200];
            snprintf(expected, sizeof expected, "out of memory: %zu items of %zu bytes", request[0], request[1]);
            ck_assert_str_eq(fails_in_work(ASSAY_NO_MEMORY, ask_too_much, request), expected);
        }
    size_t integers[] = {SIZE_MAX / 2, 0, 2};
    ck_assert(strstr(fails_in_work(ASSAY_NO_MEMORY, ask_too_much, integers), "out of memory"));
}
END_TEST

/* ---- marks ------------------------------------------------------------------------------------------------------ */

enum { MOST_BLOCKS = 60 };

/* What should be alive: newest last. Each block is filled with a byte of its own. */
struct model {
    size_t count;
    unsigned char *at[MOST_BLOCKS], fill[MOST_BLOCKS];
    size_t bytes[MOST_BLOCKS];
    struct work_block *mark_before[MOST_BLOCKS];
};

static void model_push(struct work *w, struct model *m, uint64_t *state)
{
    size_t k = m->count++, bytes = random_below(state, 4) ? random_below(state, 300) : random_below(state, 4 * LARGE);
    m->mark_before[k] = work_mark(w);
    m->bytes[k] = bytes;
    m->fill[k] = (unsigned char)random_bits(state);
    bool zero = random_below(state, 2);
    m->at[k] = zero ? work_alloc(w, bytes, 1) : work_scratch(w, bytes, 1);
    ck_assert(!zero || all_bytes_are(m->at[k], bytes, 0));
    memset(m->at[k], m->fill[k], bytes);
}

static void model_keep(struct work *w, struct model *m, uint64_t *state)
{
    size_t from = random_below(state, m->count), kept = from + random_below(state, m->count - from);
    ck_assert(work_keep(w, m->mark_before[from], m->at[kept]) == m->at[kept]);
    m->at[from] = m->at[kept];
    m->fill[from] = m->fill[kept];
    m->bytes[from] = m->bytes[kept];
    m->count = from + 1;
}

static void model_check(const struct model *m)
{
    for (size_t k = 0; k < m->count; k++)
        ck_assert(all_bytes_are(m->at[k], m->bytes[k], m->fill[k]));
}

static void nestings(struct work *w, void *args)
{
    uint64_t state = 1;
    struct model m = {0};
    (void)args;
    for (size_t round = 0; round < rounds(3000); round++) {
        size_t action = random_below(&state, 8);
        if (m.count == 0 || (action < 5 && m.count < MOST_BLOCKS)) {
            model_push(w, &m, &state);
        } else if (action < 7) {
            model_keep(w, &m, &state);
        } else {
            m.count = random_below(&state, m.count);
            work_release(w, m.mark_before[m.count]);
        }
        model_check(&m);
    }
    work_release(w, NULL);
    ck_assert(work_mark(w) == NULL);
}

/* Random sequences of alloc, release and keep leave exactly the blocks that they should, unchanged. */
START_TEST(marks_nest)
{
    in_work_without_leak(nestings, NULL);
}
END_TEST

/* work_keep() of the first, a middle, the last and the only block after the mark; what is older stays. */
static void keeping(struct work *w, void *args)
{
    (void)args;
    for (size_t count = 1; count <= 4; count++)
        for (size_t kept = 0; kept < count; kept++) {
            unsigned char *old = memset(work_alloc(w, 10, 1), 1, 10), *at[4];
            struct work_block *mark = work_mark(w);
            for (size_t k = 0; k < count; k++)
                at[k] = memset(work_alloc(w, 20, 1), (int)k + 2, 20);
            long before = in_use;
            ck_assert(work_keep(w, mark, at[kept]) == at[kept] && in_use == before - (long)count + 1);
            ck_assert(all_bytes_are(old, 10, 1) && all_bytes_are(at[kept], 20, (unsigned char)(kept + 2)));
            ck_assert(work_mark(w) != mark);
            work_release(w, mark);
            ck_assert(in_use == before - (long)count && work_mark(w) == mark); /* small blocks are freed at once */
        }
}

START_TEST(one_block_is_kept)
{
    in_work_without_leak(keeping, NULL);
}
END_TEST

/* ---- integers --------------------------------------------------------------------------------------------------- */

static long gmp_in_use;

static void *gmp_allocate(size_t size)
{
    gmp_in_use++;
    return __real_malloc(size);
}

static void *gmp_resize(void *memory, size_t old, size_t size)
{
    (void)old;
    return realloc(memory, size);
}

static void gmp_free(void *memory, size_t size)
{
    (void)size;
    gmp_in_use--;
    __real_free(memory);
}

static void integers(struct work *w, void *args)
{
    (void)args;
    struct work_block *mark = work_mark(w);
    mpz_ptr a = work_integers(w, 5), b = work_integers(w, 0), c = work_integers(w, 3000);
    (void)b;
    for (size_t k = 0; k < 5; k++) {
        ck_assert(mpz_sgn(a + k) == 0);
        mpz_ui_pow_ui(a + k, 7, 500 * (k + 1));
    }
    for (size_t k = 0; k < 3000; k += 100)
        mpz_ui_pow_ui(c + k, 5, k + 1);
    ck_assert(gmp_in_use >= 5 + 30);
    long before = gmp_in_use;
    work_keep(w, mark, a);
    ck_assert(gmp_in_use == before - 30);
    mpz_ui_pow_ui(c = work_integers(w, 1), 7, 2500);
    ck_assert(mpz_cmp(a + 4, c) == 0);
    work_release(w, mark);
    ck_assert(gmp_in_use == before - 35);
    mpz_ui_pow_ui(work_integers(w, 1), 7, 500); /* left to the end of the computation, */
}

static void integers_and_failure(struct work *w, void *args)
{
    integers(w, args);
    work_fail(w, ASSAY_UNDEFINED, "enough"); /* or to its failure */
}

/* Integers start as 0 and GMP's own memory goes with them, on release, at the end and on failure. */
START_TEST(integers_are_freed)
{
    mp_set_memory_functions(gmp_allocate, gmp_resize, gmp_free);
    in_work_without_leak(integers, NULL);
    ck_assert_int_eq(gmp_in_use, 0);
    ck_assert_str_eq(fails_in_work(ASSAY_UNDEFINED, integers_and_failure, NULL), "enough");
    ck_assert_int_eq(gmp_in_use, 0);
    mp_set_memory_functions(NULL, NULL, NULL);
}
END_TEST

/* ---- failure ---------------------------------------------------------------------------------------------------- */

static void fail_with(struct work *w, void *args)
{
    const int *status = args;
    work_alloc(w, 100000, 1);
    work_integers(w, 3);
    work_fail(w, (assay_status)*status, "number %d of %s", *status, "several");
}

/* The status and the sentence arrive, all memory is given back, and what comes after work_fail() is not reached. */
START_TEST(failure_arrives)
{
    for (int status = ASSAY_INVALID; status <= ASSAY_BROKEN; status++) {
        char expected[100];
        snprintf(expected, sizeof expected, "number %d of several", status);
        reset_counts();
        ck_assert_str_eq(fails_in_work((assay_status)status, fail_with, &status), expected);
        ck_assert_int_eq(in_use, 0);
    }
}
END_TEST

static void fail_at_length(struct work *w, void *args)
{
    (void)args;
    work_fail(w, ASSAY_INVALID, "%0600d", 7);
}

static void succeed(struct work *w, void *args)
{
    (void)w;
    (void)args;
}

/* Long sentences are cut to what fits, with a 0 at the end; no room, and no buffer, is no error; success empties it. */
START_TEST(messages_fit)
{
    char message[2 * ASSAY_MESSAGE_SIZE];
    for (size_t size = 0; size < sizeof message; size += 31) {
        memset(message, '#', sizeof message);
        const assay_options options = {.message = message, .message_size = size};
        ck_assert(work_run(&options, fail_at_length, NULL) == ASSAY_INVALID);
        size_t length = size == 0 ? 0 : size < ASSAY_MESSAGE_SIZE ? size - 1 : ASSAY_MESSAGE_SIZE - 1;
        ck_assert(all_bytes_are((unsigned char *)message, length, '0'));
        ck_assert(message[length] == (size ? '\0' : '#') && message[length + 1] == '#');
        ck_assert(work_run(&options, succeed, NULL) == ASSAY_OK && message[0] == (size ? '\0' : '#'));
    }
    const assay_options silent = {.message_size = 100};
    ck_assert(work_run(&silent, fail_at_length, NULL) == ASSAY_INVALID);
    ck_assert(work_run(NULL, fail_at_length, NULL) == ASSAY_INVALID);
}
END_TEST

/* ---- options and progress ---------------------------------------------------------------------------------------- */

static void check_defaults(struct work *w, void *args)
{
    (void)args;
    ck_assert(w->options && w->options->bits == 0 && w->threads >= 1 && w->max_bits == 8192);
    work_progress(w, "nobody hears this", 0.5);
}

static void check_given(struct work *w, void *args)
{
    ck_assert(w->options == args && w->threads == 3 && w->max_bits == 100);
}

START_TEST(options_are_read)
{
    const assay_options given = {.threads = 3, .max_bits = 100}, none = {0};
    ck_assert(work_run(NULL, check_defaults, NULL) == ASSAY_OK);
    ck_assert(work_run(&none, check_defaults, NULL) == ASSAY_OK);
    ck_assert(work_run(&given, check_given, (void *)(uintptr_t)&given) == ASSAY_OK);
}
END_TEST

struct heard {
    size_t count;
    double done[8];
    const char *stage[8];
};

static void hear(void *data, const char *stage, double done)
{
    struct heard *heard = data;
    heard->stage[heard->count] = stage;
    heard->done[heard->count++] = done;
}

static void report(struct work *w, void *args)
{
    (void)args;
    work_progress(w, "first", 0);
    work_progress(w, "first", 0.25);
    work_progress(w, "second", 1);
}

/* The callback hears what is reported, with its own data. */
START_TEST(progress_is_reported)
{
    struct heard heard = {0};
    const assay_options options = {.progress = hear, .progress_data = &heard};
    ck_assert(work_run(&options, report, NULL) == ASSAY_OK && heard.count == 3);
    ck_assert(heard.done[0] == 0 && heard.done[1] == 0.25 && heard.done[2] == 1);
    ck_assert_str_eq(heard.stage[1], "first");
    ck_assert_str_eq(heard.stage[2], "second");
}
END_TEST

/* ---- whole computations without memory ---------------------------------------------------------------------------- */

enum { SMALL = 6, MOST = 17 }; /* up to 15 or so, the BLAS has no part in it */

struct example {
    size_t n; /* n x n numbers each */
    double a[MOST * MOST], hi[MOST * MOST], lo[MOST * MOST];
    assay_answer answer;
    assay_polar_info info;
    char message[ASSAY_MESSAGE_SIZE];
};

static void make_example(struct example *x, size_t n, uint64_t seed, bool deficient)
{
    x->n = n;
    random_matrix(&seed, x->a, n * n);
    for (size_t j = 0; j < n && deficient; j++)
        x->a[(n - 1) * n + j] = x->a[j] + x->a[n + j];
}

/* Fills all outputs with a pattern; and whether they still hold it. */
static void mark_outputs(struct example *x)
{
    memset(x->hi, 0xC3, sizeof x->hi);
    memset(x->lo, 0xC3, sizeof x->lo);
    memset(&x->info, 0xC3, sizeof x->info);
    x->answer = (assay_answer){{x->hi, x->n, x->n, x->n}, {x->lo, x->n, x->n, x->n}, -7};
}

static bool outputs_are_untouched(const struct example *x)
{
    return all_bytes_are((const unsigned char *)x->hi, sizeof x->hi, 0xC3) &&
           all_bytes_are((const unsigned char *)x->lo, sizeof x->lo, 0xC3) &&
           all_bytes_are((const unsigned char *)&x->info, sizeof x->info, 0xC3) && x->answer.radius == -7;
}

static bool same_answers(const struct example *x, const struct example *y)
{
    return memcmp(x->hi, y->hi, sizeof x->hi) == 0 && memcmp(x->lo, y->lo, sizeof x->lo) == 0 &&
           memcmp(&x->answer.radius, &y->answer.radius, sizeof(double)) == 0;
}

static assay_status polar_of(struct example *x, unsigned threads)
{
    const assay_options options = {.threads = threads, .message = x->message, .message_size = sizeof x->message};
    return assay_ref_polar(&x->answer, &x->info, (assay_input){x->a, x->n, x->n, x->n}, &options);
}

/* Refuses the k-th request of a polar factor, for k = first, first + step, ..., until there is no k-th. */
static void starve(struct example *x, long step)
{
    struct example fed = *x;
    mark_outputs(&fed);
    ck_assert(polar_of(&fed, 1) == ASSAY_OK && !outputs_are_untouched(&fed));
    assay_status status = ASSAY_NO_MEMORY;
    long k = 1, requests = 0;
    for (; status != ASSAY_OK; k += step) {
        mark_outputs(x);
        reset_counts();
        refused = k;
        status = polar_of(x, 1);
        requests = asked;
        refused = 0;
        ck_assert_msg(in_use == 0, "request %ld: %ld blocks leak", k, in_use);
        if (status == ASSAY_OK)
            break;
        ck_assert_msg(status == ASSAY_NO_MEMORY, "request %ld: status %d", k, (int)status);
        ck_assert(requests == k && strncmp(x->message, "out of memory: ", 15) == 0);
        ck_assert_msg(outputs_are_untouched(x), "request %ld: outputs are touched", k);
    }
    ck_assert(requests < k && k > 50);
    ck_assert(same_answers(x, &fed));
}

/* Whichever request of a whole computation is refused, it ends with ASSAY_NO_MEMORY, outputs untouched and nothing
 * leaked; and if none is, with the answer. Of matrices of full rank and of one that lacks 1, with BLAS and without. */
START_TEST(every_refusal_is_survived)
{
    struct example x;
    make_example(&x, SMALL, 2, false);
    starve(&x, 1);
    make_example(&x, SMALL, 3, true);
    starve(&x, 1);
    make_example(&x, MOST, 4, false);
    starve(&x, 3);
}
END_TEST

/* ---- floating-point environment ----------------------------------------------------------------------------------- */

static void in_default_state(struct work *w, void *args)
{
    (void)w;
    (void)args;
    volatile double one = 1, tiny = 0x1p-60, least = 0x1p-1074, small = 0x1p-1022;
    ck_assert(fegetround() == FE_TONEAREST);
    ck_assert(one + tiny == 1 && -one - tiny == -1 && one - tiny / 64 == 1);
    ck_assert(least * 2 == 0x1p-1073 && small / 4 == 0x1p-1024 && least != 0); /* nothing is flushed to zero */
}

/* The four rounding modes; and on x86 flush to zero with denormals as zeros, in two of them. */
enum { STATES = 6, FLUSHING = 4, FLUSH_BITS = 0x8040 };
static const int modes[STATES] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO, FE_TONEAREST, FE_UPWARD};

static void enter_state(int state)
{
    fesetenv(FE_DFL_ENV);
    fesetround(modes[state]);
#if defined(__x86_64__)
    if (state >= FLUSHING)
        _mm_setcsr(_mm_getcsr() | FLUSH_BITS);
#endif
}

static bool is_in_state(int state)
{
    bool same = fegetround() == modes[state];
#if defined(__x86_64__)
    same = same && (_mm_getcsr() & FLUSH_BITS) == (state >= FLUSHING ? FLUSH_BITS : 0);
#endif
    return same;
}

/* Valgrind's processor has no flush to zero and no exception flags: what it cannot hold is no test. */
static bool holds_state(int state)
{
    enter_state(state);
    bool holds = is_in_state(state);
    fesetenv(FE_DFL_ENV);
    return holds || state < FLUSHING;
}

static void fail_in_default_state(struct work *w, void *args)
{
    in_default_state(w, args);
    work_fail(w, ASSAY_INVALID, "on purpose");
}

/* Inside, floating point is in its default state; after success and failure it is what it was before. */
START_TEST(floating_point_is_default_inside_and_restored)
{
    for (int state = 0; state < STATES && holds_state(state); state++) {
        enter_state(state);
        assay_status ok = work_run(NULL, in_default_state, NULL);
        bool restored = is_in_state(state);
        assay_status invalid = work_run(NULL, fail_in_default_state, NULL);
        restored = restored && is_in_state(state);
        fesetenv(FE_DFL_ENV);
        ck_assert(ok == ASSAY_OK && invalid == ASSAY_INVALID && restored);
    }
}
END_TEST

/* Which exceptions were raised before is known afterwards, and what the computation itself raises is not. */
START_TEST(exception_flags_are_the_callers)
{
    struct example x;
    make_example(&x, SMALL, 4, false);
    mark_outputs(&x);
    feclearexcept(FE_ALL_EXCEPT);
    feraiseexcept(FE_UNDERFLOW);
    int before = fetestexcept(FE_ALL_EXCEPT);
    ck_assert(polar_of(&x, 2) == ASSAY_OK);
    ck_assert(fetestexcept(FE_ALL_EXCEPT) == before);
}
END_TEST

/* The bits of an answer do not depend on the state at entry, for entries of ordinary size and for subnormal ones (which
 * would be read as zeros where denormals are); an entry that differs in its last bit gives another answer. */
START_TEST(answers_do_not_depend_on_the_state)
{
    for (int subnormal = 0; subnormal < 2; subnormal++) {
        struct example x, y;
        make_example(&x, SMALL, 5, false);
        for (size_t k = 0; k < SMALL * SMALL && subnormal; k++)
            x.a[k] = ldexp(x.a[k], -1050);
        y = x;
        mark_outputs(&x);
        ck_assert(polar_of(&x, 2) == ASSAY_OK);
        for (int state = 0; state < STATES; state++) {
            mark_outputs(&y);
            enter_state(state);
            assay_status status = polar_of(&y, 2);
            fesetenv(FE_DFL_ENV);
            ck_assert(status == ASSAY_OK && y.info.rank == SMALL);
            ck_assert_msg(same_answers(&x, &y), "state %d, subnormal %d", state, subnormal);
        }
        y.a[7] = nextafter(y.a[7], INFINITY);
        mark_outputs(&y);
        ck_assert(polar_of(&y, 2) == ASSAY_OK && !same_answers(&x, &y));
    }
}
END_TEST

/* The polar factor of one subnormal number is 1, not 0; of its negative -1; and 1 x 2 subnormals are not mistaken. */
START_TEST(subnormals_are_read_exactly)
{
    const double a[] = {3 * 0x1p-1074, -4 * 0x1p-1074};
    for (int state = 0; state < STATES; state++) {
        double hi[2] = {0}, lo[2] = {0};
        assay_answer q = {{hi, 1, 2, 2}, {lo, 1, 2, 2}, -1};
        enter_state(state);
        assay_status status = assay_ref_polar(&q, NULL, (assay_input){a, 1, 2, 2}, NULL);
        fesetenv(FE_DFL_ENV);
        ck_assert(status == ASSAY_OK && hi[0] == 0.6 && hi[1] == -0.8 && lo[0] != 0 && q.radius > 0);
    }
}
END_TEST

/* ---- MPFR's range of exponents ------------------------------------------------------------------------------------- */

static void ordinary_range(struct work *w, void *args)
{
    (void)w;
    (void)args;
    MPFR_DECL_INIT(x, 53);
    mpfr_set_ui_2exp(x, 1, -100000, MPFR_RNDN);
    ck_assert(mpfr_get_exp(x) == -99999);
    mpfr_set_ui_2exp(x, 1, 100000, MPFR_RNDN);
    ck_assert(mpfr_get_exp(x) == 100001);
}

/* A caller who uses MPFR with the exponents of binary64 gets the same answers, and keeps them. */
START_TEST(a_narrow_range_of_exponents_is_survived)
{
    struct example x, y;
    make_example(&x, SMALL, 6, false);
    for (size_t k = 0; k < SMALL * SMALL; k++)
        x.a[k] = ldexp(x.a[k], -600);
    y = x;
    mark_outputs(&x);
    mark_outputs(&y);
    ck_assert(polar_of(&x, 1) == ASSAY_OK);
    mpfr_set_emin(-1073);
    mpfr_set_emax(1024);
    ck_assert(work_run(NULL, ordinary_range, NULL) == ASSAY_OK);
    ck_assert(polar_of(&y, 1) == ASSAY_OK);
    ck_assert(mpfr_get_emin() == -1073 && mpfr_get_emax() == 1024);
    mpfr_set_emin(MPFR_EMIN_DEFAULT);
    mpfr_set_emax(MPFR_EMAX_DEFAULT);
    ck_assert(same_answers(&x, &y));
}
END_TEST

/* Which of MPFR's flags were raised before is known afterwards, and what the computation itself raises is not. */
START_TEST(flags_of_mpfr_are_the_callers)
{
    struct example x;
    make_example(&x, SMALL, 7, false);
    mark_outputs(&x);
    mpfr_clear_flags();
    mpfr_set_divby0();
    ck_assert(polar_of(&x, 1) == ASSAY_OK && !outputs_are_untouched(&x));
    ck_assert(mpfr_flags_save() == MPFR_FLAGS_DIVBY0);
}
END_TEST

RUN_TESTS("work", TEST(memory_is_zeroed), TEST(large_blocks_are_reused), TEST(overflowing_sizes_are_refused),
          TEST(marks_nest), TEST(one_block_is_kept), TEST(integers_are_freed), TEST(failure_arrives),
          TEST(messages_fit), TEST(options_are_read), TEST(progress_is_reported), TEST(every_refusal_is_survived),
          TEST(floating_point_is_default_inside_and_restored), TEST(exception_flags_are_the_callers),
          TEST(answers_do_not_depend_on_the_state), TEST(subnormals_are_read_exactly),
          TEST(a_narrow_range_of_exponents_is_survived), TEST(flags_of_mpfr_are_the_callers))
