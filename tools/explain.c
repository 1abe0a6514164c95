#include "command.h"
int run_explain(int argc, char **argv) { (void)argc; (void)argv; return EXIT_USAGE; }
