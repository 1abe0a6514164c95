/* A BLAS that lies on demand. Needs the linker's --wrap=cblas_dgemm. */
#ifndef ASSAY_TESTS_LYING_BLAS_H
#define ASSAY_TESTS_LYING_BLAS_H

#include <stddef.h>

enum { NO_LIE = -1 };

/* From now on calls of cblas_dgemm are counted from 0, and `by` is added to entry number `entry` (modulo their number)
 * of the result of call number `call`; NO_LIE: of none. */
void blas_lies(long call, size_t entry, double by);

/* How many calls there have been since. */
long blas_calls(void);

#endif
