/* What the C tests share. */
#ifndef ASSAY_TESTS_SUPPORT_H
#define ASSAY_TESTS_SUPPORT_H

#include "ball.h"
#include "work.h"

#include <check.h>
#include <stdint.h>

/* Runs body(w, args) as one computation and requires that it succeeds; or that it fails with this status, and returns
 * the sentence (valid until the next call). */
void in_work(void (*body)(struct work *w, void *args), void *args);
const char *fails_in_work(assay_status status, void (*body)(struct work *w, void *args), void *args);

/* SplitMix64: every test starts from a seed of its own, so failures repeat. */
uint64_t random_bits(uint64_t *state);
double random_uniform(uint64_t *state);                       /* in [0, 1) */
double random_gaussian(uint64_t *state);                      /* a sum of 12 uniforms, less 6 */
size_t random_below(uint64_t *state, size_t n);               /* 0 .. n - 1 */
void random_matrix(uint64_t *state, double *a, size_t count); /* gaussian */

/* How much random testing to do: `usual` times ASSAY_TEST_MULTIPLIER (default 1), but no less than 40, so that what has to
 * happen now and then does. */
size_t rounds(size_t usual);

/* The stride through a list of cases: `usual`, or 1 / ASSAY_TEST_MULTIPLIER times that where less testing is asked for. The
 * first case is always taken. */
size_t stride(size_t usual);

/* Whether less testing than usual is not asked for. */
bool thorough(void);

/* Whether the exact matrix `truth` lies in the ball: every entry within its error, the whole within the radius. */
bool contains(const struct ball *a, const struct ball *truth);

/* Prints a matrix as hex floats, for a failing test. */
void print_matrix(const char *name, const double *a, size_t rows, size_t cols);

/* main(): runs these tests, one after the other, each in a process of its own. */
struct named_test {
    const char *name;
    const TTest *test;
};
int run_tests(const char *suite, const struct named_test *tests, size_t count);
#define RUN_TESTS(suite, ...)                                                                                          \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        const struct named_test tests[] = {__VA_ARGS__};                                                               \
        return run_tests(suite, tests, sizeof tests / sizeof tests[0]);                                                \
    }

/* The same after prepare(), which makes once for all what takes long. Each test changes a copy of its own, but where all run in
 * one process (CK_FORK=no): it leaves things as they were. */
int run_tests_between(void (*prepare)(void), void (*release)(void), const char *suite, const struct named_test *tests,
                      size_t count);
#define RUN_TESTS_BETWEEN(prepare, release, suite, ...)                                                                \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        const struct named_test tests[] = {__VA_ARGS__};                                                               \
        return run_tests_between(prepare, release, suite, tests, sizeof tests / sizeof tests[0]);                      \
    }
#define TEST(function)                                                                                                 \
    {                                                                                                                  \
#function, function                                                                                            \
    }

#endif
