/* What the subcommands of `assay` share: exit codes, options, complaints. */
#ifndef ASSAY_TOOLS_COMMAND_H
#define ASSAY_TOOLS_COMMAND_H

#include "ref.h"

/* When several apply: USAGE, then SET, OURS, FAILED, INCOMPLETE. */
enum exit_code {
    EXIT_PASS = 0,
    EXIT_FAILED = 1,     /* a case failed */
    EXIT_USAGE = 2,      /* usage, or unreadable input */
    EXIT_SET = 3,        /* golden set unreadable, altered or of another version */
    EXIT_INCOMPLETE = 4, /* results incomplete */
    EXIT_OURS = 5,       /* could not certify: our bug */
};

struct command {
    const char *name, *summary;
    int (*run)(int argc, char **argv); /* argv[0] is the first word after the command */
};
int run_ref(int argc, char **argv);
int run_dialects(int argc, char **argv);
int run_bench(int argc, char **argv);
int run_generate(int argc, char **argv);
int run_verify(int argc, char **argv);
int run_gate(int argc, char **argv);
int run_check(int argc, char **argv);
int run_identify(int argc, char **argv);
int run_train(int argc, char **argv);
int run_prove(int argc, char **argv);
int run_explain(int argc, char **argv);

/* An option: "--name VALUE", "--name=VALUE" or "-l VALUE" sets *value, each time it is given calling `add` if that is
 * not NULL; without `value` and `add` it is a flag and sets *flag. */
struct option {
    const char *name;
    char letter; /* or 0 */
    const char **value;
    bool *flag;
    void (*add)(void *to, const char *value);
    void *to;
    const char *help;
};

/* Takes the options out of argv, in any place, and returns how many words are left at its start; -1, after a complaint,
 * if one is unknown, repeated or lacks its value. */
int parse_options(int argc, char **argv, const struct option *options, size_t count);

/* Prints the options, for --help. */
void print_options(const struct option *options, size_t count);

/* Prints "assay: ..." to stderr; returns EXIT_USAGE. */
int complain_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* *x = the number that the text is, all of it; false if it is none or not within the bounds. */
bool parse_number(const char *text, double least, double most, double *x);
bool parse_count(const char *text, unsigned least, unsigned most, unsigned *x);

/* The memory, unless it is NULL: out of memory ends the program. */
void *or_end(void *memory);

/* The exit code of a status. */
int exit_code_of(assay_status status);

/* The folder of the golden set: what --set says; or, if that is NULL, golden/ of the source tree that the program was built
 * in, or ../share/assay/golden beside an installed one. NULL, after a complaint, if neither is there; else to be freed. */
char *set_folder(const char *given);

/* For assay_options.progress: a bar on stderr, if that is a terminal and it has been two seconds. Give it a zeroed
 * struct. */
struct progress_bar {
    double started, shown;
};
void show_progress(void *bar, const char *stage, double done);
/* Wipes the bar. */
void end_progress(struct progress_bar *bar);

#endif
