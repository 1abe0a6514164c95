#define _GNU_SOURCE /* sched_getaffinity */
#include "parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

enum { MAX_THREADS = 64 };

struct range {
    void (*task)(void *args, size_t from, size_t to);
    void *args;
    size_t from, to;
};

unsigned parallel_processors(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

static void *run(void *range)
{
    const struct range *r = range;
    r->task(r->args, r->from, r->to);
    return NULL;
}

/* floor(count k / parts), without overflow. */
static size_t part_start(size_t count, size_t k, size_t parts)
{
    return count / parts * k + count % parts * k / parts;
}

void parallel_for(unsigned threads, size_t count, size_t grain, void (*task)(void *args, size_t from, size_t to),
                  void *args)
{
    size_t parts = count / (grain ? grain : 1);
    parts = parts > threads ? threads : parts;
    parts = parts > MAX_THREADS ? MAX_THREADS : parts;
    struct range ranges[MAX_THREADS];
    pthread_t ids[MAX_THREADS];
    bool started[MAX_THREADS] = {false};
    for (size_t k = 1; k < parts; k++) {
        ranges[k] = (struct range){task, args, part_start(count, k, parts), part_start(count, k + 1, parts)};
        started[k] = pthread_create(&ids[k], NULL, run, &ranges[k]) == 0;
    }
    task(args, 0, parts > 1 ? count / parts : count);
    for (size_t k = 1; k < parts; k++) {
        if (started[k])
            pthread_join(ids[k], NULL);
        else /* no thread to be had: do its part here */
            run(&ranges[k]);
    }
}
