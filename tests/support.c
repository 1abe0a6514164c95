#include "support.h"

#include <stdio.h>
#include <stdlib.h>

static char message[ASSAY_MESSAGE_SIZE];

static assay_status run(void (*body)(struct work *w, void *args), void *args)
{
    const assay_options options = {.message = message, .message_size = sizeof message, .threads = 2};
    message[0] = '\0';
    return work_run(&options, body, args);
}

void in_work(void (*body)(struct work *w, void *args), void *args)
{
    assay_status status = run(body, args);
    ck_assert_msg(status == ASSAY_OK, "status %d: %s", (int)status, message);
}

const char *fails_in_work(assay_status status, void (*body)(struct work *w, void *args), void *args)
{
    assay_status got = run(body, args);
    ck_assert_msg(got == status, "status %d, not %d: %s", (int)got, (int)status, message);
    return message;
}

uint64_t random_bits(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

double random_uniform(uint64_t *state)
{
    return (double)(random_bits(state) >> 11) * 0x1p-53;
}

double random_gaussian(uint64_t *state)
{
    double sum = -6;
    for (int k = 0; k < 12; k++)
        sum += random_uniform(state);
    return sum;
}

size_t random_below(uint64_t *state, size_t n)
{
    return (size_t)(random_bits(state) % n);
}

void random_matrix(uint64_t *state, double *a, size_t count)
{
    for (size_t k = 0; k < count; k++)
        a[k] = random_gaussian(state);
}

static double multiplier(void)
{
    const char *text = getenv("ASSAY_TEST_MULTIPLIER");
    return text ? atof(text) : 1;
}

size_t rounds(size_t usual)
{
    double n = (double)usual * multiplier(), least = usual < 40 ? (double)usual : 40;
    return (size_t)(n < least ? least : n);
}

size_t stride(size_t usual)
{
    double m = multiplier();
    return m > 0 && m < 1 ? (size_t)((double)usual / m) : usual;
}

bool thorough(void)
{
    return multiplier() >= 1;
}

bool contains(const struct ball *a, const struct ball *truth)
{
    mag squares = MAG_ZERO;
    mpfr_t difference;
    mpfr_init2(difference, a->prec + truth->prec + 4096);
    bool inside = a->rows == truth->rows && a->cols == truth->cols;
    for (size_t k = 0; k < ball_count(a) && inside; k++) {
        mpfr_sub(difference, a->at + k, truth->at + k, MPFR_RNDZ);
        mag distance = down_abs(difference);
        inside = mag_le(distance, a->error[k]);
        squares = up_add(squares, up_sqr(distance));
    }
    mpfr_clear(difference);
    /* the sum is rounded up by a relative 2^-28 at most */
    return inside && mag_le(up_sqrt(squares), up_add(a->radius, mag_scale(a->radius, -24)));
}

void print_matrix(const char *name, const double *a, size_t rows, size_t cols)
{
    fprintf(stderr, "%s = %zu x %zu\n", name, rows, cols);
    for (size_t k = 0; k < rows * cols; k++)
        fprintf(stderr, "%a%s", a[k], (k + 1) % cols ? " " : "\n");
}

static int run_suite(Suite *s)
{
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}

static TCase *new_case(Suite *s, const char *name)
{
    TCase *c = tcase_create(name);
    tcase_set_timeout(c, 600);
    suite_add_tcase(s, c);
    return c;
}

int run_tests(const char *suite, const struct named_test *tests, size_t count)
{
    Suite *s = suite_create(suite);
    for (size_t k = 0; k < count; k++)
        tcase_add_test(new_case(s, tests[k].name), tests[k].test);
    return run_suite(s);
}

int run_tests_between(void (*prepare)(void), void (*release)(void), const char *suite, const struct named_test *tests,
                      size_t count)
{
    Suite *s = suite_create(suite);
    TCase *all = new_case(s, "all");
    tcase_add_unchecked_fixture(all, prepare, release);
    for (size_t k = 0; k < count; k++)
        tcase_add_test(all, tests[k].test);
    return run_suite(s);
}
