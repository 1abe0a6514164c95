/* What the public functions share: which views, tensors, radii and hyperparameters are refused, and how answers are
 * written. */
#include "support.h"

#include "interface.h"

#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char message[ASSAY_MESSAGE_SIZE];

static assay_status status_of(void (*body)(struct work *w, void *args), void *args, assay_options options)
{
    options.message = message;
    options.message_size = sizeof message;
    message[0] = '\0';
    assay_status status = work_run(&options, body, args);
    ck_assert((status == ASSAY_OK) == (message[0] == '\0'));
    return status;
}

static bool refused(void (*body)(struct work *w, void *args), void *args, const char *part)
{
    return status_of(body, args, (assay_options){0}) == ASSAY_INVALID && strstr(message, part) != NULL;
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

static void matrix(struct work *w, void *args)
{
    const assay_input *a = args;
    const struct ball *x = read_matrix(w, *a);
    ck_assert(x->rows == a->rows && x->cols == a->cols && ball_is_exact(x));
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = 0; j < a->cols; j++)
            ck_assert(mpfr_cmp_d(ball_at(x, i, j), a->at[i * a->stride + j]) == 0);
}

/* Entry (i, j) is at[i stride + j], exactly; stride < cols, no data and no entries are refused. */
START_TEST(matrices_are_read_by_their_stride)
{
    double at[] = {1, -2, 0x1.fffffffffffffp1023, 0x1p-1074, 5, 6.1};
    assay_input a = {at, 2, 2, 3}, last = {at, 2, 3, 3};
    ck_assert(status_of(matrix, &a, (assay_options){0}) == ASSAY_OK);
    ck_assert(status_of(matrix, &last, (assay_options){0}) == ASSAY_OK);
    assay_input bad[] = {{at, 0, 2, 3}, {at, 2, 0, 3}, {at, 2, 3, 2}, {NULL, 2, 2, 2}};
    const char *part[] = {"empty (0 x 2)", "empty (2 x 0)", "stride of 2", "no data"};
    for (size_t k = 0; k < COUNT(bad); k++)
        ck_assert_msg(refused(matrix, &bad[k], part[k]), "%s", message);
    at[2] = NAN; /* beyond the columns of one view, not of the other */
    ck_assert(status_of(matrix, &a, (assay_options){0}) == ASSAY_OK);
    ck_assert(status_of(matrix, &last, (assay_options){0}) == ASSAY_NOT_FINITE && strstr(message, "(0, 2) is NaN"));
    at[2] = 0;
    at[4] = -INFINITY;
    ck_assert(status_of(matrix, &a, (assay_options){0}) == ASSAY_NOT_FINITE && strstr(message, "(1, 1) is infinite"));
}
END_TEST

static void tensor(struct work *w, void *args)
{
    const assay_tensor *x = args;
    struct shape shape = read_shape(w, *x);
    size_t count = 1;
    ck_assert(shape.ndim == x->ndim);
    for (size_t k = 0; k < x->ndim; k++) {
        ck_assert(shape.size[k] == x->shape[k]);
        count *= x->shape[k];
    }
    const struct ball *numbers = read_tensor(w, *x);
    ck_assert(numbers->rows == 1 && numbers->cols == count && ball_is_exact(numbers));
    for (size_t k = 0; k < count; k++)
        ck_assert(mpfr_cmp_d(numbers->at + k, x->at[k]) == 0);
}

/* Up to four dimensions, none of them 0, and no more numbers than a size_t counts bytes. */
START_TEST(tensors_are_read_flat)
{
    double at[24];
    for (size_t k = 0; k < COUNT(at); k++)
        at[k] = (double)k - 7;
    assay_tensor good[] = {{at, 0, {0}}, {at, 1, {24}}, {at, 2, {4, 6}}, {at, 3, {2, 3, 4}}, {at, 4, {2, 3, 2, 2}}};
    for (size_t k = 0; k < COUNT(good); k++)
        ck_assert(status_of(tensor, &good[k], (assay_options){0}) == ASSAY_OK);
    assay_tensor bad[] = {{at, 5, {1, 1, 1, 1}},
                          {at, 2, {0, 3}},
                          {at, 4, {1, 2, 3, 0}},
                          {NULL, 1, {2}},
                          {at, 2, {(size_t)1 << 32, (size_t)1 << 32}},
                          {at, 3, {2, SIZE_MAX / 16, 2}},
                          {at, 1, {SIZE_MAX}}};
    const char *part[] = {"5 dimensions", "dimension 0", "dimension 3", "no data",
                          "dimension 1",  "dimension 2", "dimension 0"};
    for (size_t k = 0; k < COUNT(bad); k++)
        ck_assert_msg(refused(tensor, &bad[k], part[k]), "%zu: %s", k, message);
    at[5] = INFINITY;
    ck_assert(status_of(tensor, &good[2], (assay_options){0}) == ASSAY_NOT_FINITE && strstr(message, "(0, 5)"));
}
END_TEST

static void numbers(struct work *w, void *args)
{
    const double *at = args;
    const struct ball *x = read_numbers(w, at, 2, 3), *none = read_numbers(w, NULL, 2, 3);
    ck_assert(x->rows == 2 && x->cols == 3 && none->rows == 2 && none->cols == 3);
    ck_assert(ball_is_zero(none) && mpfr_cmp_d(ball_at(x, 1, 0), at[3]) == 0);
}

START_TEST(missing_numbers_are_zeros)
{
    double at[] = {1, 2, 3, 4, 5, 6};
    in_work(numbers, at);
}
END_TEST

/* ref.h: bits and max_bits are at most 65536. */
START_TEST(options_are_checked)
{
    double at = 1;
    assay_input a = {&at, 1, 1, 1};
    assay_tensor x = {&at, 0, {0}};
    const assay_options fine[] = {{0}, {.bits = 65536}, {.max_bits = 65536}, {.bits = 1, .max_bits = 1}};
    const assay_options bad[] = {{.bits = 65537}, {.max_bits = 65537}, {.bits = UINT_MAX}, {.max_bits = UINT_MAX}};
    for (size_t k = 0; k < COUNT(fine); k++) {
        ck_assert(status_of(matrix, &a, fine[k]) == ASSAY_OK);
        ck_assert(status_of(tensor, &x, fine[k]) == ASSAY_OK);
        ck_assert(status_of(matrix, &a, bad[k]) == ASSAY_INVALID && strstr(message, "65536"));
        ck_assert(status_of(tensor, &x, bad[k]) == ASSAY_INVALID && strstr(message, "65536"));
    }
}
END_TEST

/* ---- numbers that come with them ---------------------------------------------------------------------------------- */

static void radius(struct work *w, void *args)
{
    check_radius(w, *(double *)args);
}

static void hyper(struct work *w, void *args)
{
    check_hyper(w, args);
}

/* 0 < radius < infinity; 0 <= lr, wd < infinity; 0 <= beta < 1; and never NaN. */
START_TEST(ranges_are_checked)
{
    double good_radius[] = {0x1p-1074, 1, 0x1.fffffffffffffp1023}, bad_radius[] = {0, -0.0, -1, INFINITY, NAN};
    for (size_t k = 0; k < COUNT(good_radius); k++)
        ck_assert(status_of(radius, &good_radius[k], (assay_options){0}) == ASSAY_OK);
    for (size_t k = 0; k < COUNT(bad_radius); k++)
        ck_assert(refused(radius, &bad_radius[k], "radius"));
    assay_hyper good[] = {{0}, {.lr = 1e300}, {.momentum = 1 - 0x1p-53}, {.weight_decay = 1e300}};
    for (size_t k = 0; k < COUNT(good); k++)
        ck_assert(status_of(hyper, &good[k], (assay_options){0}) == ASSAY_OK);
    assay_hyper bad[] = {{.lr = -1e-300},      {.lr = NAN},           {.lr = INFINITY},
                         {.momentum = 1},      {.momentum = -1e-300}, {.momentum = NAN},
                         {.weight_decay = -1}, {.weight_decay = NAN}, {.weight_decay = INFINITY}};
    const char *part[] = {"learning rate", "momentum", "weight decay"};
    for (size_t k = 0; k < COUNT(bad); k++)
        ck_assert(refused(hyper, &bad[k], part[k / 3]));
}
END_TEST

/* 2^(k-1) < x <= 2^k */
START_TEST(logarithms_are_rounded_up)
{
    ck_assert(log2_up(MAG_ZERO) == LONG_MIN && log2_up(MAG_INF) == LONG_MAX);
    for (long k = -300; k <= 300; k += 25) {
        mag power = mag_power_of_two(k);
        ck_assert(log2_up(power) == k);
        ck_assert(log2_up(up_add(power, mag_power_of_two(k - 31))) == k + 1);
        ck_assert(log2_up(down_sub(power, mag_power_of_two(k - 32))) == k);
    }
}
END_TEST

/* ---- writing ------------------------------------------------------------------------------------------------------ */

static void output(struct work *w, void *args)
{
    check_answer(w, args, 2, 3);
}

/* hi and lo are 2 x 3 views, both, of stride 3 or more. */
START_TEST(answers_have_the_right_shape)
{
    double at[16];
    const assay_output good = {at, 2, 3, 3}, wide = {at, 2, 3, 8};
    assay_answer fine[] = {{good, good, 0}, {wide, good, 0}, {good, wide, 0}};
    for (size_t k = 0; k < COUNT(fine); k++)
        ck_assert(status_of(output, &fine[k], (assay_options){0}) == ASSAY_OK);
    ck_assert(status_of(output, NULL, (assay_options){0}) == ASSAY_OK);
    const assay_output bad[] = {{NULL, 2, 3, 3}, {at, 3, 3, 3}, {at, 2, 2, 3}, {at, 2, 3, 2}, {at, 3, 2, 2}};
    for (size_t k = 0; k < COUNT(bad); k++) {
        assay_answer hi = {bad[k], good, 0}, lo = {good, bad[k], 0};
        ck_assert(refused(output, &hi, "2 x 3") && refused(output, &lo, "2 x 3"));
    }
}
END_TEST

/* hi(i, j) to hi.at[i stride + j], nothing between the rows; what is unwanted is not touched. */
START_TEST(answers_are_written_by_their_stride)
{
    double hi[] = {1, 2, 3, 4, 5, 6}, lo[] = {.1, .2, .3, .4, .5, .6}, to[2][8], flat[2][6];
    const struct pairs pairs = {2, 3, hi, lo, 0x1p-60};
    for (size_t k = 0; k < 8; k++)
        to[0][k] = to[1][k] = 7;
    assay_answer answer = {{to[0], 2, 3, 4}, {to[1], 2, 3, 5}, 7};
    write_answer(&answer, &pairs);
    for (size_t k = 0; k < 8; k++) {
        ck_assert(to[0][k] == (k % 4 < 3 ? hi[k / 4 * 3 + k % 4] : 7));
        ck_assert(to[1][k] == (k % 5 < 3 ? lo[k / 5 * 3 + k % 5] : 7));
    }
    ck_assert(answer.radius == 0x1p-60);
    write_answer(NULL, &pairs);
    assay_tensor_answer tensor_answer = {flat[0], flat[1], 7}, unwanted = {NULL, flat[1], 7};
    write_tensor(&tensor_answer, &pairs);
    ck_assert(memcmp(flat[0], hi, sizeof hi) == 0 && memcmp(flat[1], lo, sizeof lo) == 0);
    ck_assert(tensor_answer.radius == 0x1p-60);
    flat[1][0] = 7;
    write_tensor(&unwanted, &pairs);
    write_tensor(NULL, &pairs);
    ck_assert(unwanted.radius == 7 && flat[1][0] == 7);
}
END_TEST

RUN_TESTS("interface", TEST(matrices_are_read_by_their_stride), TEST(tensors_are_read_flat),
          TEST(missing_numbers_are_zeros), TEST(options_are_checked), TEST(ranges_are_checked),
          TEST(logarithms_are_rounded_up), TEST(answers_have_the_right_shape),
          TEST(answers_are_written_by_their_stride))
