#include "recorded.h"

#include "tensor.h"

/* The file becomes part of the program, so that no installation can lose it; make runs the compiler where it is. */
__asm__(".section .rodata, \"a\"\n"
        ".hidden recorded_file\n.globl recorded_file\nrecorded_file:\n"
        ".incbin \"golden/real_gradients.safetensors\"\nrecorded_end:\n"
        ".balign 8\n.hidden recorded_file_size\n.globl recorded_file_size\nrecorded_file_size:\n"
        ".quad recorded_end - recorded_file\n"
        ".previous\n");

const struct recorded recorded[] = {
    {"mlp-step10-layer2-grad", 32, 64, 1584},         {"mlp-step10-layer2-momentum", 32, 64, 9776},
    {"mlp-step600-layer2-grad", 32, 64, 17968},       {"mlp-step600-layer2-momentum", 32, 64, 26160},
    {"mlp-step1200-layer2-grad", 32, 64, 34352},      {"mlp-step1200-layer2-momentum", 32, 64, 42544},
    {"mlp-step600-layer1-grad-64x32", 64, 32, 50736}, {"mlp-step600-layer1-momentum-64x32", 64, 32, 58928},
    {"mlp-step10-layer2-grad-16x16", 16, 16, 67120},  {"mlp-step1200-layer2-grad-16x16", 16, 16, 68144},
    {"mlp-step10-layer2-grad-8x24", 8, 24, 69168},    {"mlp-step1200-layer2-grad-8x24", 8, 24, 69936},
    {"mlp-step10-layer2-grad-24x8", 24, 8, 70704},    {"mlp-step1200-layer2-grad-24x8", 24, 8, 71472},
    {"mlp-step10-layer2-grad-12x12", 12, 12, 72240},  {"mlp-step1200-layer2-grad-12x12", 12, 12, 72816},
};
const size_t recorded_count = sizeof recorded / sizeof recorded[0];

const struct recorded *recorded_find(size_t rows, size_t cols, size_t k)
{
    for (size_t l = 0; l < recorded_count; l++)
        if (recorded[l].rows == rows && recorded[l].cols == cols && k-- == 0)
            return &recorded[l];
    return NULL;
}

double recorded_entry(const struct recorded *r, size_t k)
{
    return tensor_decode(TENSOR_F32, bytes_load(recorded_file + r->offset + 4 * k, 4, false));
}
