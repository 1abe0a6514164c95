/* What the parts of `assay bench` share. */
#ifndef ASSAY_TOOLS_BENCH_H
#define ASSAY_TOOLS_BENCH_H

#include "command.h"
#include "report.h"

double bench_now(void); /* seconds */

/* Lines of the report: seconds, or that they are not to be had if negative; how much faster `own` is than `peer`. */
void bench_time(report *r, const char *what, double seconds);
void bench_ratio(report *r, const char *what, double peer, double own);

/* The numbers that a command prints, one a line; how many came. And the Python that sees Debian's packages. */
size_t bench_peer(const char *command, double *numbers, size_t most);
const char *bench_python(void);

/* The fast kernels; returns the exit code. */
int bench_fast(report *r, bool peers);

#endif
