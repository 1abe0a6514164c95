#include "dataset.h"

#include <stdlib.h>
#include <string.h>

/* C17 has no way to include bytes, but every assembler has. */
#define EMBED(name, path)                                                                                              \
    __asm__(".section .rodata\n" #name ": .incbin \"" path "\"\n" #name "_end: .byte 0\n.text\n");                     \
    extern const char name[], name##_end[]

EMBED(train_digits, "tools/train/data/digits.txt");
EMBED(train_text, "tools/train/data/opticks.txt");

enum { LINE = DIGIT_PIXELS + 2 };

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

void digits_free(struct digits parts[PARTS])
{
    for (size_t k = 0; k < PARTS; k++) {
        free(parts[k].pixels);
        free(parts[k].labels);
        parts[k] = (struct digits){0};
    }
}

static enum part part_of(size_t image)
{
    return image % 5 == 4 ? PART_TEST : image % 10 == 8 ? PART_VALIDATION : PART_TRAIN;
}

bool digits_load(struct digits parts[PARTS])
{
    size_t count = (size_t)(train_digits_end - train_digits) / LINE;
    bool enough = true;
    for (size_t k = 0; k < PARTS; k++)
        enough = digits_alloc(&parts[k], count) && enough;
    for (size_t k = 0; k < count && enough; k++)
        digits_add(&parts[part_of(k)], train_digits + k * LINE);
    if (!enough)
        digits_free(parts);
    return enough;
}

/* ---- text ------------------------------------------------------------------------------------------------------------ */

void text_free(struct text parts[PARTS])
{
    for (size_t k = 0; k < PARTS; k++) {
        free(parts[k].at);
        parts[k] = (struct text){0};
    }
}

bool text_load(struct text parts[PARTS])
{
    size_t count = (size_t)(train_text_end - train_text), vocabulary = 0, next = 0;
    size_t counts[PARTS] = {count - 2 * (count / 10), count / 10, count / 10};
    unsigned char number[TEXT_CHARACTERS] = {0};
    bool enough = true;
    for (size_t k = 0; k < count; k++)
        number[(unsigned char)train_text[k]] = 1;
    for (size_t c = 0; c < TEXT_CHARACTERS; c++)
        if (number[c])
            number[c] = (unsigned char)vocabulary++;
    for (size_t k = 0; k < PARTS; k++) {
        parts[k] = (struct text){counts[k], vocabulary, malloc(counts[k])};
        enough = parts[k].at && enough;
        for (size_t c = 0; c < counts[k] && enough; c++)
            parts[k].at[c] = number[(unsigned char)train_text[next++]];
    }
    if (!enough)
        text_free(parts);
    return enough;
}
