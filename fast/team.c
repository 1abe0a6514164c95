#define _GNU_SOURCE /* sched_getaffinity */
#include "team.h"

#include <pthread.h>
#include <sched.h>

enum {
    SPINS = 2000 /* some 50 microseconds: beyond, another process has the processor */
};

struct start {
    struct team team;
    void (*body)(struct team *team, void *args);
    void *args;
};

unsigned team_processors(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

static void pause_briefly(unsigned spins)
{
    if (spins > SPINS)
        sched_yield();
#if defined(__x86_64__)
    else
        __builtin_ia32_pause();
#endif
}

static void *run(void *pointer)
{
    struct start *start = pointer;
    for (unsigned spins = 0; atomic_load(&start->team.size) == 0; spins++)
        pause_briefly(spins);
    start->body(&start->team, start->args);
    return NULL;
}

void team_run(unsigned size, void (*body)(struct team *team, void *args), void *args)
{
    struct start start = {.body = body, .args = args};
    pthread_t threads[MOST_THREADS];
    unsigned count = 1;
    while (count < size && count < MOST_THREADS && pthread_create(&threads[count], NULL, run, &start) == 0)
        count++;
    atomic_store(&start.team.size, count);
    body(&start.team, args);
    while (--count > 0)
        pthread_join(threads[count], NULL);
}

void team_meet(struct team *team)
{
    unsigned meeting = atomic_load(&team->meetings);
    if (atomic_fetch_add(&team->arrived, 1) + 1 == atomic_load(&team->size)) {
        atomic_store(&team->arrived, 0);
        atomic_store(&team->next, 0);
        atomic_store(&team->meetings, meeting + 1);
        return;
    }
    for (unsigned spins = 0; atomic_load(&team->meetings) == meeting; spins++)
        pause_briefly(spins);
}
