/* Spreads independent work over threads. Which thread does what never changes a result: tasks write disjoint
 * outputs and share nothing else. */
#ifndef ASSAY_REF_PARALLEL_H
#define ASSAY_REF_PARALLEL_H

#include <stddef.h>

/* How many processors this process may use; at least 1. */
unsigned parallel_processors(void);

/* Calls task(args, from, to) on ranges that together cover 0..count, each at least `grain` long unless it is the
 * only one. A task must neither allocate nor fail. */
void parallel_for(unsigned threads, size_t count, size_t grain, void (*task)(void *args, size_t from, size_t to),
                  void *args);

#endif
