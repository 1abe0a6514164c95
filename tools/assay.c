/* assay: the command line. */
#include "command.h"

#include <cblas.h>
#include <mpfr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct command commands[] = {
    {"ref", "compute with the reference: polar svd lmo newton-schulz cosh-rms momentum step", run_ref},
    {"dialects", "the conventions of the optimizers of the Muon family", run_dialects},
    {"generate", "make the golden set", run_generate},
    {"verify", "prove every stored number of the golden set again", run_verify},
    {"gate", "judge our fast kernels, and try them on random cases", run_gate},
    {"check", "judge the results of a port", run_check},
    {"identify", "which dialect, or which bug, results of a port come from", run_identify},
    {"train", "learn real data with every optimizer", run_train},
    {"prove", "the proof ledger: the theory, certified claim by claim", run_prove},
    {"explain", "the trust-region picture of one matrix, in words and numbers", run_explain},
    {"bench", "measure speed, with peers in the same run", run_bench},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(void)
{
    puts("usage: assay COMMAND ...\n\ncommands:");
    for (size_t k = 0; k < COMMANDS; k++)
        printf("  %-10s %s\n", commands[k].name, commands[k].summary);
    puts("\nassay COMMAND --help says more; assay --version prints the version.\n"
         "Exit codes: 0 pass, 1 a case failed, 2 usage or unreadable input, 3 golden set unreadable, altered or of\n"
         "another version, 4 results incomplete, 5 could not certify (our bug).");
}

/* OpenBLAS takes a processor that is newer than itself for the oldest one, and is 5 to 8 times slower then. It chooses
 * when it is loaded, so the only way to correct it is to start again with a better choice in the environment. */
static void choose_blas_core(char **argv)
{
#if defined(__x86_64__)
    if (strcmp(openblas_get_corename(), "Prescott") != 0 || getenv("OPENBLAS_CORETYPE"))
        return;
    __builtin_cpu_init();
    const char *core = __builtin_cpu_supports("avx512vl") ? "SkylakeX"
                       : __builtin_cpu_supports("avx2")   ? "Haswell"
                                                          : NULL;
    if (core && setenv("OPENBLAS_CORETYPE", core, 1) == 0)
        execv("/proc/self/exe", argv); /* if that fails, it is only slower */
#else
    (void)argv;
#endif
}

int main(int argc, char **argv)
{
    choose_blas_core(argv);
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help();
        return argc < 2 ? EXIT_USAGE : EXIT_PASS;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("assay %s (MPFR %s)\n", assay_version, mpfr_get_version());
        return EXIT_PASS;
    }
    for (size_t k = 0; k < COMMANDS; k++)
        if (strcmp(commands[k].name, argv[1]) == 0)
            return commands[k].run(argc - 2, argv + 2);
    return complain_usage("there is no command '%s' (assay --help lists them)", argv[1]);
}
