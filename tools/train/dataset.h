/* The data that `assay train` learns from, compiled in; data/README.md tells where they are from. */
#ifndef ASSAY_TRAIN_DATASET_H
#define ASSAY_TRAIN_DATASET_H

#include <stdbool.h>
#include <stddef.h>

enum { DIGIT_PIXELS = 64, DIGIT_CLASSES = 10, TEXT_CHARACTERS = 128 };

/* Optical digits: pixels in [0, 1], DIGIT_PIXELS an image, and the digit. */
struct digits {
    size_t count;
    float *pixels;
    unsigned char *labels;
};

/* A text as numbers 0 .. vocabulary - 1, in the order of the characters' ASCII codes. */
struct text {
    size_t count, vocabulary;
    unsigned char *at;
};

/* What is learnt, what the learning rates are chosen by, and what is reported. */
enum part { PART_TRAIN, PART_VALIDATION, PART_TEST, PARTS };

/* Of each ten images the fifth and the tenth are in the test, the ninth in the validation. False without memory. */
bool digits_load(struct digits parts[PARTS]);
void digits_free(struct digits parts[PARTS]);

/* The last tenth is the test, the one before it the validation. False without memory. */
bool text_load(struct text parts[PARTS]);
void text_free(struct text parts[PARTS]);

#endif
