/* Plots: gnuplot (a Debian package, needed only here) draws what a command found. */
#ifndef ASSAY_TOOLS_PLOT_H
#define ASSAY_TOOLS_PLOT_H

#include <stdbool.h>
#include <stdio.h>

struct plot {
    const char *path; /* of the SVG file */
    char script[64];
    FILE *to; /* gnuplot's commands: the caller writes them, after the terminal is set */
};

/* Starts a plot of width x height; plot_end() draws it. Both return false after a complaint: the file cannot be
 * written, gnuplot is not installed or reports an error. */
bool plot_begin(struct plot *p, const char *path, int width, int height);
bool plot_end(struct plot *p);

#endif
