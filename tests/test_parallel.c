/* Work that is spread over threads is done once, whatever becomes of the threads. Needs the linker's --wrap of
 * pthread_create, pthread_join and sched_getaffinity. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "parallel.h"

#include "support.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* ---- threads, counted and failing on demand ------------------------------------------------------------------------- */

static size_t created, joined;
static size_t refused; /* bit k: the k-th thread is not to be had */
static bool affinity_fails;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *args);
int __real_pthread_join(pthread_t thread, void **result);
int __real_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *args);
int __wrap_pthread_join(pthread_t thread, void **result);
int __wrap_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *args)
{
    if (refused >> (created++ % 64) & 1)
        return 11;
    return __real_pthread_create(thread, attributes, start, args);
}

int __wrap_pthread_join(pthread_t thread, void **result)
{
    joined++;
    return __real_pthread_join(thread, result);
}

int __wrap_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
    return affinity_fails ? -1 : __real_sched_getaffinity(pid, size, set);
}

/* ---- tasks -------------------------------------------------------------------------------------------------------- */

enum { MOST_RANGES = 100, MOST_THREADS = 64 };

/* The ranges that tasks were called with, and how often each index was. */
struct log {
    pthread_mutex_t lock;
    size_t count;
    size_t from[MOST_RANGES], to[MOST_RANGES];
    unsigned char *times;
};

static void record(void *args, size_t from, size_t to)
{
    struct log *log = args;
    pthread_mutex_lock(&log->lock);
    log->from[log->count % MOST_RANGES] = from;
    log->to[log->count++ % MOST_RANGES] = to;
    pthread_mutex_unlock(&log->lock);
    for (size_t k = from; log->times && k < to; k++)
        log->times[k]++;
}

/* Runs parallel_for() and leaves in `log` what it did. */
static void run_logged(struct log *log, unsigned threads, size_t count, size_t grain)
{
    log->count = 0;
    created = joined = 0;
    if (log->times)
        memset(log->times, 0, count);
    parallel_for(threads, count, grain, record, log);
}

static bool each_is_done_once(const struct log *log, size_t count)
{
    for (size_t k = 0; k < count; k++)
        if (log->times[k] != 1)
            return false;
    return true;
}

/* Whether the ranges are as promised: they follow on one another from 0 to count in some order, at most one a thread,
 * and each is at least `grain` long unless it is the only one. */
static bool ranges_are_good(const struct log *log, unsigned threads, size_t count, size_t grain)
{
    size_t most = threads < 1 ? 1 : threads < MOST_THREADS ? threads : MOST_THREADS, reached = 0, found = 0;
    if (log->count < 1 || log->count > most)
        return false;
    for (bool any = true; any && found < log->count;) {
        any = false;
        for (size_t k = 0; k < log->count; k++)
            if (log->from[k] == reached && (log->to[k] > reached || count == 0) && found < log->count) {
                if (log->count > 1 && log->to[k] - log->from[k] < grain)
                    return false;
                reached = log->to[k];
                found++;
                any = true;
            }
    }
    return reached == count && found == log->count;
}

/* ---- tests -------------------------------------------------------------------------------------------------------- */

/* Every index 0 .. count - 1 is done exactly once; each created thread is joined; one range is the caller's own. */
START_TEST(each_index_once)
{
    uint64_t state = 1;
    struct log log = {.lock = PTHREAD_MUTEX_INITIALIZER, .times = malloc(10000)};
    for (size_t round = 0; round < rounds(800); round++) {
        unsigned threads = (unsigned)random_below(&state, random_below(&state, 3) ? 9 : 200);
        size_t count = random_below(&state, random_below(&state, 3) ? 100 : 10000);
        size_t grain = random_below(&state, random_below(&state, 3) ? 9 : 3000);
        run_logged(&log, threads, count, grain);
        ck_assert_msg(each_is_done_once(&log, count) && ranges_are_good(&log, threads, count, grain),
                      "%u threads, count %zu, grain %zu", threads, count, grain);
        ck_assert(created == log.count - 1 && joined == created);
    }
    free(log.times);
}
END_TEST

/* The checks above see a range that is missing, done twice, short, or one too many. */
START_TEST(bad_ranges_are_seen)
{
    unsigned char times[100];
    struct log log = {.lock = PTHREAD_MUTEX_INITIALIZER, .times = times};
    run_logged(&log, 4, 100, 10);
    ck_assert(log.count == 4 && ranges_are_good(&log, 4, 100, 10) && each_is_done_once(&log, 100));
    ck_assert(!ranges_are_good(&log, 3, 100, 10) && !ranges_are_good(&log, 4, 100, 26));
    ck_assert(!ranges_are_good(&log, 4, 101, 10));
    record(&log, 25, 50);
    ck_assert(!ranges_are_good(&log, 5, 100, 10) && !each_is_done_once(&log, 100));
    run_logged(&log, 4, 100, 10);
    log.count--;
    ck_assert(!ranges_are_good(&log, 4, 100, 10));
    times[99] = 0;
    ck_assert(!each_is_done_once(&log, 100));
}
END_TEST

/* Nothing to do is one empty range; one thread, or none, does everything itself; a grain of 0 is one of 1; as many
 * threads as there are grains, but never more than 64. */
START_TEST(small_cases)
{
    struct log log = {.lock = PTHREAD_MUTEX_INITIALIZER};
    run_logged(&log, 8, 0, 0);
    ck_assert(log.count == 1 && log.from[0] == 0 && log.to[0] == 0 && created == 0);
    for (unsigned threads = 0; threads < 2; threads++) {
        run_logged(&log, threads, 1000, 1);
        ck_assert(log.count == 1 && log.to[0] == 1000 && created == 0);
    }
    run_logged(&log, 8, 5, 0);
    ck_assert(log.count == 5 && ranges_are_good(&log, 8, 5, 0));
    run_logged(&log, 8, 99, 50);
    ck_assert(log.count == 1);
    run_logged(&log, 8, 100, 50);
    ck_assert(log.count == 2 && ranges_are_good(&log, 8, 100, 50));
    run_logged(&log, 1000, 100000, 1);
    ck_assert(log.count == MOST_THREADS && ranges_are_good(&log, 1000, 100000, 1));
}
END_TEST

/* Threads that cannot be had, none or any choice of them, leave no work undone and are not joined. */
START_TEST(refused_threads_leave_nothing_undone)
{
    uint64_t state = 2;
    unsigned char times[1000];
    struct log log = {.lock = PTHREAD_MUTEX_INITIALIZER, .times = times};
    for (size_t round = 0; round < rounds(300); round++) {
        refused = round % 3 == 0 ? SIZE_MAX : (size_t)random_bits(&state);
        unsigned threads = (unsigned)(2 + random_below(&state, 40));
        size_t had = 0;
        run_logged(&log, threads, sizeof times, 10);
        for (size_t k = 0; k < created; k++)
            had += !(refused >> k & 1);
        ck_assert(each_is_done_once(&log, sizeof times) && ranges_are_good(&log, threads, sizeof times, 10));
        ck_assert(created == threads - 1 && joined == had);
    }
    refused = 0;
}
END_TEST

/* Sizes near the largest are divided as well as small ones. */
START_TEST(giant_counts_are_covered)
{
    struct log log = {.lock = PTHREAD_MUTEX_INITIALIZER};
    const size_t counts[] = {SIZE_MAX, SIZE_MAX - 5, SIZE_MAX / 2, SIZE_MAX / 64, SIZE_MAX / 64 + 1};
    for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++)
        for (unsigned threads = 1; threads <= 64; threads += 7) {
            run_logged(&log, threads, counts[k], 1);
            ck_assert_msg(ranges_are_good(&log, threads, counts[k], 1), "%zu in %u", counts[k], threads);
        }
}
END_TEST

struct meeting {
    pthread_barrier_t barrier;
};

static void meet(void *args, size_t from, size_t to)
{
    struct meeting *meeting = args;
    (void)from;
    (void)to;
    pthread_barrier_wait(&meeting->barrier);
}

/* Ranges run at the same time: each waits here for all others. */
START_TEST(ranges_run_together)
{
    struct meeting meeting;
    pthread_barrier_init(&meeting.barrier, NULL, 5);
    parallel_for(5, 500, 100, meet, &meeting);
    pthread_barrier_destroy(&meeting.barrier);
}
END_TEST

/* At least one processor, even where the system does not tell. */
START_TEST(there_is_a_processor)
{
    unsigned processors = parallel_processors();
    ck_assert(processors >= 1 && processors <= 1 << 16);
    affinity_fails = true;
    ck_assert(parallel_processors() == 1);
    affinity_fails = false;
}
END_TEST

RUN_TESTS("parallel", TEST(each_index_once), TEST(bad_ranges_are_seen), TEST(small_cases),
          TEST(refused_threads_leave_nothing_undone), TEST(giant_counts_are_covered), TEST(ranges_run_together),
          TEST(there_is_a_processor))
