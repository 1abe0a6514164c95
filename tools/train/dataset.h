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

/* Every image is in one of the two parts: the last of each five in the test. False without memory. */
bool digits_load(struct digits *train, struct digits *test);
void digits_free(struct digits *digits);

/* The last tenth is the test. False without memory. */
bool text_load(struct text *train, struct text *test);
void text_free(struct text *text);

#endif
