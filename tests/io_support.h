/* What the tests of golden/'s files share: a directory of their own, whole files as bytes, parsing under
 * watch, and failures on demand.
 *
 * The failures need the linker's --wrap=F for F = malloc, calloc, strdup, open, fstat, read, write, fsync,
 * close, rename, flock. */
#ifndef ASSAY_TESTS_IO_SUPPORT_H
#define ASSAY_TESTS_IO_SUPPORT_H

#include "tensor.h"

#include <check.h>

/* Runs the suite in a fresh directory below $ASSAY_TEST_TMP, $TMPDIR or /tmp, which is removed afterwards.
 * Returns the exit status of the program: 0 if every test passed. */
int io_run(Suite *suite);

/* The path of a file in that directory, valid until the fourth call after this one. */
const char *io_path(const char *name);
/* How many files and folders the directory holds; and none after io_clear(). */
size_t io_file_count(void);
void io_clear(void);

void io_save(const char *path, const void *bytes, size_t size);
/* The content, to be freed, with a 0 behind it. */
unsigned char *io_load(const char *path, size_t *size);

/* Makes the n-th call (from 1) of the wrapped functions, or of malloc by jansson, fail from now on: memory
 * with ENOMEM, the others with EIO. 0 ends that, and returns the function that failed, or NULL. */
const char *io_fail(size_t n);

/* While not 0, read() and write() transfer at most so many bytes at once. */
extern size_t io_chunk;
/* While true, read() finds the end of the file. */
extern bool io_cut;

/* What a reader says about these bytes. They lie in a block of exactly their size, and the path is "x". Fails
 * the test unless a refusal leaves `file` untouched and gives one sentence of printable ASCII that begins
 * with "x: ", or else the tensors make sense. */
typedef assay_status io_parser(struct tensor_file *file, const unsigned char *bytes, size_t size,
                               const struct complaint *to);
assay_status io_parse(io_parser *parse, struct tensor_file *file, const void *bytes, size_t size,
                      char message[ASSAY_MESSAGE_SIZE]);
/* The same where only a refusal may be lacking in sense: frees what was read. */
assay_status io_try(io_parser *parse, const void *bytes, size_t size);
/* Fails the test unless the bytes are refused as unreadable, in a sentence that holds `part`. */
void io_refused(io_parser *parse, const void *bytes, size_t size, const char *part);

/* The bit pattern of a number. */
uint64_t io_bits(double x);
/* A pseudo-random number, the same in every run. */
uint64_t io_random(uint64_t k);

#endif
