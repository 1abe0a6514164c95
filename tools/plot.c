#include "plot.h"

#include "command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The path, quoted as gnuplot's strings are. */
static void write_quoted(FILE *to, const char *path)
{
    fputc('\'', to);
    for (; *path; path++)
        fprintf(to, *path == '\'' ? "''" : "%c", *path);
    fputc('\'', to);
}

bool plot_begin(struct plot *p, const char *path, int width, int height)
{
    *p = (struct plot){.path = path, .script = "/tmp/assay-plot-XXXXXX"};
    FILE *writable = fopen(path, "w");
    if (!writable) {
        complain_usage("%s: %s", path, strerror(errno));
        return false;
    }
    fclose(writable);
    int script = mkstemp(p->script);
    p->to = script < 0 ? NULL : fdopen(script, "w");
    if (!p->to) {
        complain_usage("%s: %s", p->script, strerror(errno));
        return false;
    }
    fprintf(p->to, "set terminal svg size %d,%d dynamic background 'white'\nset output ", width, height);
    write_quoted(p->to, path);
    fputc('\n', p->to);
    return true;
}

/* The exit status of gnuplot; 127 if there is none. */
static int run_gnuplot(const char *script)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        execlp("gnuplot", "gnuplot", script, (char *)NULL);
        _exit(127);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool plot_end(struct plot *p)
{
    bool written = fclose(p->to) == 0;
    int status = written ? run_gnuplot(p->script) : -1;
    unlink(p->script);
    if (status == 0)
        return true;
    unlink(p->path);
    complain_usage(status == 127 ? "%s: no plot without gnuplot (Debian: gnuplot-nox)" : "%s: gnuplot failed", p->path);
    return false;
}
