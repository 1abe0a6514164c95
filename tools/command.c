#include "command.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int complain_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("assay: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return EXIT_USAGE;
}

void *or_end(void *memory)
{
    if (!memory) {
        fputs("assay: out of memory\n", stderr);
        exit(EXIT_OURS);
    }
    return memory;
}

/* ---- options ------------------------------------------------------------------------------------------------- */

/* The option that a word names; *value points behind its "=" or is NULL. */
static const struct option *find_option(const char *word, const struct option *options, size_t count,
                                        const char **value)
{
    *value = NULL;
    if (word[0] == '-' && word[1] != '-' && word[2] == '\0') {
        for (size_t k = 0; k < count; k++)
            if (options[k].letter == word[1])
                return &options[k];
        return NULL;
    }
    const char *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    for (size_t k = 0; k < count; k++)
        if (length == strlen(options[k].name) + 2 && strncmp(word + 2, options[k].name, length - 2) == 0) {
            *value = equals ? equals + 1 : NULL;
            return &options[k];
        }
    return NULL;
}

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0' && !(word[1] >= '0' && word[1] <= '9') && word[1] != '.';
}

int parse_options(int argc, char **argv, const struct option *options, size_t count)
{
    int left = 0;
    for (int k = 0; k < argc; k++) {
        const char *value;
        if (!is_option(argv[k])) {
            argv[left++] = argv[k];
            continue;
        }
        const struct option *option = find_option(argv[k], options, count, &value);
        if (!option) {
            complain_usage("there is no option '%s' here", argv[k]);
            return -1;
        }
        if (option->flag) {
            if (value) {
                complain_usage("option --%s takes no value", option->name);
                return -1;
            }
            *option->flag = true;
            continue;
        }
        if (!value && ++k < argc)
            value = argv[k];
        if (!value) {
            complain_usage("option --%s needs a value", option->name);
            return -1;
        }
        if (option->add) {
            option->add(option->to, value);
        } else if (*option->value) {
            complain_usage("option --%s is given twice", option->name);
            return -1;
        } else {
            *option->value = value;
        }
    }
    return left;
}

void print_options(const struct option *options, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        char name[40];
        snprintf(name, sizeof name, "%s--%s%s", options[k].letter ? (char[]){'-', options[k].letter, ',', ' ', 0} : "",
                 options[k].name, options[k].flag ? "" : " X");
        printf("  %-24s %s\n", name, options[k].help);
    }
}

bool parse_number(const char *text, double least, double most, double *x)
{
    char *end;
    double number = strtod(text, &end);
    bool good = end != text && *end == '\0' && number >= least && number <= most;
    if (good)
        *x = number;
    return good;
}

bool parse_count(const char *text, unsigned least, unsigned most, unsigned *x)
{
    double number;
    bool good = parse_number(text, least, most, &number) && number == floor(number);
    if (good)
        *x = (unsigned)number;
    return good;
}

int exit_code_of(assay_status status)
{
    if (status == ASSAY_OK)
        return EXIT_PASS;
    return status == ASSAY_UNDECIDED || status == ASSAY_BROKEN ? EXIT_OURS : EXIT_USAGE;
}

/* ---- progress ------------------------------------------------------------------------------------------------ */

enum { BAR_WIDTH = 30 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void show_progress(void *bar, const char *stage, double done)
{
    struct progress_bar *b = bar;
    double time = now();
    if (b->started == 0)
        b->started = time;
    if (time - b->started < 2 || time - b->shown < 0.1 || !isatty(STDERR_FILENO))
        return;
    b->shown = time;
    int filled = (int)(done * BAR_WIDTH);
    fprintf(stderr, "\r\033[K[%.*s%*s] %3.0f%% %s", filled, "##############################", BAR_WIDTH - filled, "",
            100 * done, stage);
    fflush(stderr);
}

void end_progress(struct progress_bar *bar)
{
    if (bar->shown > 0)
        fputs("\r\033[K", stderr);
}

char *set_folder(const char *given)
{
    if (given)
        return or_end(strdup(given));
    /* build/assay, build/gcc-O3/assay and /usr/local/bin/assay */
    static const char *const beside[] = {"/../golden", "/../../golden", "/../share/assay/golden"};
    char program[PATH_MAX], sums[PATH_MAX + 64];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    char *slash = NULL;
    if (length > 0) {
        program[length] = '\0';
        slash = strrchr(program, '/');
    }
    for (size_t k = 0; slash && k < sizeof beside / sizeof beside[0]; k++) {
        *slash = '\0';
        snprintf(sums, sizeof sums, "%s%s/SHA256SUMS", program, beside[k]);
        if (access(sums, R_OK) == 0) {
            *strrchr(sums, '/') = '\0';
            return realpath(sums, NULL);
        }
    }
    complain_usage("there is no golden set beside this program: name one with --set DIR");
    return NULL;
}
