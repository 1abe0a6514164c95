/* Threads that compute one thing together: each runs the same function, and they meet at barriers. Which thread does
 * which share never changes a result. */
#ifndef ASSAY_FAST_TEAM_H
#define ASSAY_FAST_TEAM_H

#include <stdatomic.h>
#include <stddef.h>

enum { MOST_THREADS = 64 };

struct team {
    _Atomic unsigned size, arrived, meetings;
    atomic_size_t next;
};

/* Runs body(team, args) in up to `size` threads, at most MOST_THREADS, this one among them; in fewer if no more can
 * be had. */
void team_run(unsigned size, void (*body)(struct team *team, void *args), void *args);

/* Waits for all others. What they wrote before can be read after. */
void team_meet(struct team *team);

/* Shares of a loop: 0, 1, 2, ... each to one of the team, until the team meets. */
static inline size_t team_next(struct team *team)
{
    return atomic_fetch_add_explicit(&team->next, 1, memory_order_relaxed);
}

/* How many processors this process may use; at least 1. */
unsigned team_processors(void);

#endif
