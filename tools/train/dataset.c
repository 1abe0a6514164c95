#include "dataset.h"

#include <stdlib.h>
#include <string.h>

/* C17 has no way to include bytes, but every assembler has. */
#define EMBED(name, path)                                                                                              \
    __asm__(".section .rodata\n" #name ": .incbin \"" path "\"\n" #name "_end: .byte 0\n.text\n");                     \
    extern const char name[], name##_end[]

EMBED(train_digits, "tools/train/data/digits.txt");
EMBED(train_text, "tools/train/data/opticks.txt");

enum { LINE = DIGIT_PIXELS + 2, IN_TEST = 5 };

/* ---- digits ---------------------------------------------------------------------------------------------------------- */

static bool digits_alloc(struct digits *d, size_t count)
{
    d->count = 0;
    d->pixels = malloc(count * DIGIT_PIXELS * sizeof *d->pixels);
    d->labels = malloc(count);
    return d->pixels && d->labels;
}

/* A letter a pixel, 'a' for 0 to 'q' for 16, then the digit. */
static void digits_add(struct digits *d, const char *line)
{
    for (size_t k = 0; k < DIGIT_PIXELS; k++)
        d->pixels[d->count * DIGIT_PIXELS + k] = (float)(line[k] - 'a') / 16;
    d->labels[d->count++] = (unsigned char)(line[DIGIT_PIXELS] - '0');
}

void digits_free(struct digits *digits)
{
    free(digits->pixels);
    free(digits->labels);
    *digits = (struct digits){0};
}

bool digits_load(struct digits *train, struct digits *test)
{
    size_t count = (size_t)(train_digits_end - train_digits) / LINE;
    bool enough = digits_alloc(train, count);
    enough = digits_alloc(test, count) && enough;
    for (size_t k = 0; k < count && enough; k++)
        digits_add(k % IN_TEST == IN_TEST - 1 ? test : train, train_digits + k * LINE);
    if (!enough) {
        digits_free(train);
        digits_free(test);
    }
    return enough;
}

/* ---- text ------------------------------------------------------------------------------------------------------------ */

void text_free(struct text *text)
{
    free(text->at);
    *text = (struct text){0};
}

bool text_load(struct text *train, struct text *test)
{
    size_t count = (size_t)(train_text_end - train_text), tested = count / 10, vocabulary = 0;
    unsigned char number[TEXT_CHARACTERS] = {0};
    for (size_t k = 0; k < count; k++)
        number[(unsigned char)train_text[k]] = 1;
    for (size_t c = 0; c < TEXT_CHARACTERS; c++)
        if (number[c])
            number[c] = (unsigned char)vocabulary++;
    *train = (struct text){count - tested, vocabulary, malloc(count - tested)};
    *test = (struct text){tested, vocabulary, malloc(tested)};
    if (!train->at || !test->at) {
        text_free(train);
        text_free(test);
        return false;
    }
    for (size_t k = 0; k < count; k++)
        *(k < train->count ? train->at + k : test->at + (k - train->count)) = number[(unsigned char)train_text[k]];
    return true;
}
