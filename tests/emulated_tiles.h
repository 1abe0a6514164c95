/* AMX on processors that lack it: where the instructions of tiles are illegal, the signal's handler does what Intel's manual says
 * they do (Software Developer's Manual, volume 2: LDTILECFG, TILELOADD, TILESTORED, TILERELEASE, TDPBF16PS), reading them as
 * the processor would. So it is the machine code of fast/kernels_amx_bf16.c that is tried. What would be an exception, other than of
 * memory, ends the program with a sentence.
 *
 * A program that is linked with --wrap=tiles_run has it: tests that include this, and the command of `make gate-tiles`. It needs
 * the AVX-512 that all processors with AMX have. Signal handlers for SIGILL are for this alone. */
#ifndef ASSAY_TESTS_EMULATED_TILES_H
#define ASSAY_TESTS_EMULATED_TILES_H

#include <stdbool.h>
#include <stddef.h>

/* How many TDPBF16PS were emulated, in all threads. */
size_t tile_products(void);

/* Whether this thread's tiles are released. */
bool tiles_are_released(void);

#endif
