/* Cases of the user's own: inputs in the format of the golden set, without answers. The reference answers on demand. */
#ifndef ASSAY_TOOLS_OWN_CASES_H
#define ASSAY_TOOLS_OWN_CASES_H

#include "set.h"

/* PATH, which may end in .json or .safetensors, with that ending instead. */
void own_cases_file(char *file, size_t size, const char *path, const char *ending);

/* Reads PATH.json and PATH.safetensors (`path` may end in either) as a set of one operation whose cases have the answers and
 * bounds of the dialect. They are kept in PATH.answers.json and .safetensors and not computed again while the questions are
 * the same. With a progress bar. ASSAY_UNREADABLE with a sentence, and what the reference says. Cost of a case of m x n,
 * m <= n: some 2000 m m n roundings in emulated arithmetic for each step of Newton-Schulz (seconds at 64 x 128). */
assay_status own_cases_read(struct golden_set *set, const char *path, const struct assay_dialect *d, char *message,
                            size_t message_size) __attribute__((warn_unused_result));

#endif
