/* The data of `assay train`. */
#include "dataset.h"

#include "support.h"

#include <string.h>

/* 1797 images, 8 x 8 pixels of k / 16; the digits are about as many of each; every image is in one part. */
START_TEST(digits_are_whole)
{
    struct digits parts[PARTS];
    size_t of_digit[DIGIT_CLASSES] = {0}, count = 0;
    ck_assert(digits_load(parts));
    for (size_t p = 0; p < PARTS; p++)
        for (size_t k = 0; k < parts[p].count; k++, count++) {
            ck_assert_uint_lt(parts[p].labels[k], DIGIT_CLASSES);
            of_digit[parts[p].labels[k]]++;
            for (size_t i = 0; i < DIGIT_PIXELS; i++) {
                float pixel = 16 * parts[p].pixels[k * DIGIT_PIXELS + i];
                ck_assert(pixel >= 0 && pixel <= 16 && pixel == (float)(int)pixel);
            }
        }
    ck_assert_uint_eq(count, 1797);
    ck_assert_uint_eq(parts[PART_TEST].count, 359);
    ck_assert_uint_eq(parts[PART_VALIDATION].count, 179);
    for (size_t d = 0; d < DIGIT_CLASSES; d++)
        ck_assert(of_digit[d] >= 170 && of_digit[d] <= 190);
    digits_free(parts);
}
END_TEST

/* The first image, as scikit-learn prints it: a zero whose second row is 0 0 13 15 10 15 5 0. */
START_TEST(first_digit)
{
    static const float row[] = {0, 0, 13, 15, 10, 15, 5, 0};
    struct digits parts[PARTS];
    ck_assert(digits_load(parts));
    ck_assert_uint_eq(parts[PART_TRAIN].labels[0], 0);
    for (size_t j = 0; j < 8; j++)
        ck_assert(16 * parts[PART_TRAIN].pixels[8 + j] == row[j]);
    digits_free(parts);
}
END_TEST

/* The parts are one text of 393216 characters; each number of the vocabulary occurs, in the order of ASCII. */
START_TEST(text_is_whole)
{
    struct text parts[PARTS];
    bool occurs[TEXT_CHARACTERS] = {0};
    size_t count = 0;
    ck_assert(text_load(parts));
    for (size_t p = 0; p < PARTS; p++) {
        ck_assert_uint_eq(parts[p].vocabulary, parts[0].vocabulary);
        for (size_t k = 0; k < parts[p].count; k++, count++) {
            ck_assert_uint_lt(parts[p].at[k], parts[p].vocabulary);
            occurs[parts[p].at[k]] = true;
        }
    }
    ck_assert_uint_eq(count, 393216);
    for (size_t c = 0; c < parts[0].vocabulary; c++)
        ck_assert(occurs[c]);
    /* "THE FIRST": T = T, H, E, and a space (the second character of the vocabulary, after the newline) */
    const unsigned char *at = parts[PART_TRAIN].at;
    ck_assert(at[0] == at[8] && at[1] > at[2] && at[3] == 1 && at[5] > at[1]);
    text_free(parts);
}
END_TEST

RUN_TESTS("train_dataset", TEST(digits_are_whole), TEST(first_digit), TEST(text_is_whole))
