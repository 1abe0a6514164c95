/* Independent jobs in processes of their own: what one loses, leaks or crashes is not the others'. */
#ifndef ASSAY_TOOLS_JOBS_H
#define ASSAY_TOOLS_JOBS_H

#include "ref.h"

struct job_result {
    size_t number;
    int value; /* these are the job's own */
    double numbers[4];
    char message[ASSAY_MESSAGE_SIZE];
};

struct jobs {
    size_t count;
    unsigned processes; /* 0: one for each processor */
    /* Runs in a child process: does job number r->number, and fills in the rest. */
    void (*run)(void *data, struct job_result *r);
    /* Runs here, for each job as it ends. */
    void (*done)(void *data, const struct job_result *r);
    void *data;
    const char *stage; /* for the progress bar */
};

/* --jobs: a number of processes, or NULL for 0; false after a complaint. */
bool jobs_parse(const char *text, unsigned *processes);

/* Returns false, after a complaint, if processes cannot be had or one died: then not all jobs are done. */
bool jobs_run(const struct jobs *jobs);

#endif
