#include "jobs.h"

#include "command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

bool jobs_parse(const char *text, unsigned *processes)
{
    *processes = 0;
    if (!text || parse_count(text, 1, 1024, processes))
        return true;
    complain_usage("--jobs takes a number from 1 to 1024, not '%s'", text);
    return false;
}

static unsigned processes(const struct jobs *jobs)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned wanted = jobs->processes ? jobs->processes : online > 0 ? (unsigned)online : 1;
    return jobs->count < wanted ? (unsigned)jobs->count : wanted;
}

/* A result is shorter than PIPE_BUF, so it is written whole. */
static void send(const struct job_result *r)
{
    if (write(r->out, r, sizeof *r) != (ssize_t)sizeof *r)
        _exit(EXIT_FAILURE);
}

void job_tell(const struct job_result *r, double done, const char *format, ...)
{
    struct job_result interim = {.number = r->number, .done = done < 1 ? done : 0.999, .out = r->out};
    va_list args;
    va_start(args, format);
    vsnprintf(interim.message, sizeof interim.message, format, args);
    va_end(args);
    send(&interim);
}

/* The child's part: every processes-th job. */
static void work(const struct jobs *jobs, unsigned first, unsigned step, int out)
{
    for (size_t k = first; k < jobs->count; k += step) {
        struct job_result r = {.number = k, .out = out};
        jobs->run(jobs->data, &r);
        r.done = 1;
        send(&r);
    }
    _exit(EXIT_SUCCESS);
}

/* A whole result; false at the end. */
static bool receive(int in, struct job_result *r)
{
    for (size_t got = 0; got < sizeof *r;) {
        ssize_t n = read(in, (char *)r + got, sizeof *r - got);
        if (n == 0 || (n < 0 && errno != EINTR))
            return false;
        got += n > 0 ? (size_t)n : 0;
    }
    return true;
}

bool jobs_run(const struct jobs *jobs)
{
    int ends[2];
    unsigned count = processes(jobs), started = 0;
    struct progress_bar bar = {0};
    struct job_result r;
    size_t done = 0;
    double sum = 0, *parts = calloc(jobs->count, sizeof *parts); /* of all jobs, of each */
    if (!parts || pipe(ends) != 0) {
        complain_usage("cannot start processes: %s", strerror(errno));
        free(parts);
        return false;
    }
    for (; started < count; started++) {
        pid_t child = fork();
        if (child < 0)
            break;
        if (child == 0) {
            close(ends[0]);
            work(jobs, started, count, ends[1]);
        }
    }
    close(ends[1]);
    while (receive(ends[0], &r)) {
        sum += r.done - parts[r.number];
        parts[r.number] = r.done;
        if (r.done == 1) {
            jobs->done(jobs->data, &r);
            done++;
        }
        show_progress(&bar, r.done < 1 ? r.message : jobs->stage, sum / (double)jobs->count);
    }
    free(parts);
    end_progress(&bar);
    close(ends[0]);
    while (wait(NULL) > 0 || errno == EINTR)
        ;
    if (done < jobs->count)
        complain_usage("%zu of %zu jobs were not done: a process could not be started, or died", jobs->count - done,
                       jobs->count);
    return done == jobs->count;
}
