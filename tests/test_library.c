#include "library.h"

#include "golden_support.h"
#include "io_support.h"
#include "set.h"

#include <math.h>
#include <string.h>

static char message[ASSAY_MESSAGE_SIZE];

static struct golden_case cases[4];

static void make_cases(void)
{
    cases[0] = golden_bounded(OPERATION_POLAR, "polar-gaussian-3x5");
    cases[1] = golden_bounded(OPERATION_NEWTON_SCHULZ, "newton-schulz-gaussian-3x5");
    cases[2] = golden_bounded(OPERATION_MOMENTUM, "momentum-fine-3x5-0");
    cases[3] = golden_bounded(OPERATION_STEP, "step-gaussian-1x6");
}

static void free_cases(void)
{
    for (size_t k = 0; k < 4; k++)
        case_free(&cases[k]);
}

/* Writes a set of a polar factor, an iteration, a momentum and a run of steps into a folder of the test's own. */
static const char *write_set(void)
{
    struct golden_set set = {.count = 4};
    const char *folder = io_path("set");
    for (size_t k = 0; k < 4; k++)
        set.manifests[k] = (struct manifest){cases[k].operation, 1, &cases[k]};
    ck_assert_int_eq(set_write(&set, folder, message, sizeof message), ASSAY_OK);
    return folder;
}

/* What the set says comes through: cases in order, inputs, answers by any dialect of a class. */
START_TEST(shows_the_set)
{
    assay_golden_set *set;
    assay_golden_array x, jordan, torch;
    ck_assert_int_eq(assay_golden_open(&set, write_set(), message, sizeof message), ASSAY_OK);
    ck_assert_uint_eq(assay_golden_count(set), 4);
    assay_golden_case c = assay_golden_get(set, 1);
    ck_assert_str_eq(c.id, "newton-schulz-gaussian-3x5");
    ck_assert_str_eq(c.operation, "newton-schulz");
    ck_assert_str_eq(c.family, "gaussian");
    ck_assert_uint_gt(strlen(c.why), 0);
    ck_assert_double_eq(assay_golden_get(set, 3).hyper.lr, 0.125);
    ck_assert(assay_golden_input(&x, set, 1, "G"));
    ck_assert_uint_eq(x.ndim, 2);
    ck_assert_uint_eq(x.shape[1], 5);
    ck_assert(!assay_golden_input(&x, set, 1, "param"));
    ck_assert(assay_golden_answer(&x, set, 0, NULL, "Q"));
    ck_assert(assay_golden_answer(&jordan, set, 1, "jordan", "Y"));
    ck_assert(assay_golden_answer(&torch, set, 1, "deepspeed", "Y"));
    ck_assert_ptr_eq(jordan.at, torch.at); /* one function */
    ck_assert(!assay_golden_answer(&x, set, 1, "adamw", "Y"));
    ck_assert(!assay_golden_answer(&x, set, 1, "jordan", "Q"));
    ck_assert(!assay_golden_answer(&x, set, 1, NULL, "Y"));
    assay_golden_close(set);
    assay_golden_close(NULL);
}
END_TEST

/* The answer rounded to binary32 passes as binary32; moved by a thousandth it fails, and the verdict says where, by how
 * much, and how to compute it. */
START_TEST(judges)
{
    assay_golden_set *set;
    assay_golden_array exact;
    assay_verdict v;
    double result[15];
    ck_assert_int_eq(assay_golden_open(&set, write_set(), message, sizeof message), ASSAY_OK);
    ck_assert(assay_golden_answer(&exact, set, 1, "jordan", "Y"));
    for (size_t k = 0; k < 15; k++)
        result[k] = (double)(float)exact.at[k];
    ck_assert_int_eq(assay_judge(&v, set, 1, "jordan", "Y", ASSAY_FORMAT_F32, result, 15), ASSAY_OK);
    ck_assert(v.judged && v.pass && v.ratio <= 1);
    result[7] += 1e-3;
    ck_assert_int_eq(assay_judge(&v, set, 1, "jordan", "Y", ASSAY_FORMAT_F32, result, 15), ASSAY_OK);
    ck_assert(v.judged && !v.pass && v.ratio > 1);
    ck_assert_uint_eq(v.entry, 7);
    ck_assert(v.got == result[7] && v.exact == exact.at[7]);
    ck_assert(fabs(v.error - 1e-3) <= 1e-6);
    ck_assert_ptr_nonnull(strstr(v.text, "jordan"));
    ck_assert_ptr_nonnull(strstr(v.command, "assay ref newton-schulz "));
    ck_assert_ptr_nonnull(strstr(v.command, "-d jordan"));
    ck_assert(assay_golden_answer(&exact, set, 0, NULL, "Q"));
    ck_assert_int_eq(assay_judge(&v, set, 0, NULL, "Q", ASSAY_FORMAT_F64, exact.at, 15), ASSAY_OK);
    ck_assert(v.pass);
    assay_golden_close(set);
}
END_TEST

/* What cannot be judged is refused, and the verdict stays as it was: an output that is not, too few numbers, no such format,
 * and one that does not hold the inputs. */
START_TEST(refuses)
{
    assay_golden_set *set;
    assay_verdict v = {.ratio = 17};
    double result[15] = {0};
    ck_assert_int_eq(assay_golden_open(&set, io_path("nowhere"), message, sizeof message), ASSAY_UNREADABLE);
    ck_assert_ptr_nonnull(strstr(message, "nowhere"));
    ck_assert_int_eq(assay_golden_open(&set, write_set(), message, sizeof message), ASSAY_OK);
    ck_assert_int_eq(assay_judge(&v, set, 1, "adamw", "Y", ASSAY_FORMAT_F32, result, 15), ASSAY_INVALID);
    ck_assert_int_eq(assay_judge(&v, set, 1, "jordan", "Y", ASSAY_FORMAT_F32, result, 14), ASSAY_INVALID);
    ck_assert_int_eq(assay_judge(&v, set, 1, "jordan", "Y", (enum assay_format)4, result, 15), ASSAY_INVALID);
    ck_assert_int_eq(assay_judge(&v, set, 2, "jordan", "u", ASSAY_FORMAT_BF16, result, 15), ASSAY_INVALID);
    ck_assert_double_eq(v.ratio, 17);
    ck_assert_int_eq(assay_judge(&v, set, 2, "jordan", "u", ASSAY_FORMAT_F32, result, 15), ASSAY_OK);
    ck_assert(v.judged && !v.pass);
    assay_golden_close(set);
}
END_TEST

/* A lack of memory where the set is opened (test_set.c has what follows), and where a case is judged. */
START_TEST(memory_failures_are_survived)
{
    const char *folder = write_set();
    assay_golden_set *set = NULL;
    double result[15] = {0};
    for (size_t n = 1; n <= 2; n++) {
        io_fail(n);
        ck_assert_int_eq(assay_golden_open(&set, folder, message, sizeof message), ASSAY_NO_MEMORY);
        ck_assert(io_fail(0) != NULL && set == NULL);
    }
    ck_assert_int_eq(assay_golden_open(&set, folder, message, sizeof message), ASSAY_OK);
    assay_verdict v = {.ratio = 17};
    io_fail(1);
    ck_assert_int_eq(assay_judge(&v, set, 0, NULL, "Q", ASSAY_FORMAT_F32, result, 15), ASSAY_NO_MEMORY);
    io_fail(0);
    ck_assert_double_eq(v.ratio, 17);
    assay_golden_close(set);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("library");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 600);
    tcase_add_unchecked_fixture(tests, make_cases, free_cases);
    tcase_add_test(tests, shows_the_set);
    tcase_add_test(tests, judges);
    tcase_add_test(tests, refuses);
    tcase_add_test(tests, memory_failures_are_survived);
    suite_add_tcase(suite, tests);
    return io_run(suite);
}
