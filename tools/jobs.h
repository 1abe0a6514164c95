/* Independent jobs in processes of their own: what one loses, leaks or crashes is not the others'. */
#ifndef ASSAY_TOOLS_JOBS_H
#define ASSAY_TOOLS_JOBS_H

#include "ref.h"

struct job_result {
    size_t number;
    int value; /* these are the job's own */
    double numbers[4];
    double done; /* how much of the job is: less than 1 in what job_tell() tells */
    int out;     /* where it is told */
    char message[ASSAY_MESSAGE_SIZE];
};

/* Tells the progress bar how much of a running job is done, and what to show. */
void job_tell(const struct job_result *r, double done, const char *format, ...) __attribute__((format(printf, 3, 4)));

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
