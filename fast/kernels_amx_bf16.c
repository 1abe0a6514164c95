/* For x86-64 with AMX: products of bf16 pairs in tiles of 16 rows of 64 bytes. For each entry of a tile of floats, TDPBF16PS sums
 * 16 products of the pairs' lower halves, one after the other, likewise those of the upper halves, and adds the sum of both to the
 * entry: each time rounding to nearest, with subnormal numbers taken for 0. (Intel's Software Developer's Manual, volume 2.) All
 * else is as in kernels_avx512.c. */
#include "kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

bool tiles_run(void)
{
    /* of Linux, since 5.16: a process asks for the state of tiles, 8 KiB in each thread, before it uses any */
    enum { AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24, ARCH_REQ_XCOMP_PERM = 0x1023, XTILEDATA = 18 };
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & AMX_BF16) && (d & AMX_TILE) &&
           syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XTILEDATA) == 0;
}

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("amx-tile,amx-bf16,avx512f,avx512vl,avx512bw,avx512dq,avx2,fma"))), \
                             apply_to = function)
#else
#pragma GCC target("amx-tile,amx-bf16,avx512f,avx512vl,avx512bw,avx512dq,avx2,fma,prefer-vector-width=512")
#endif
#define PAIR_TILE tile_of_tiles
#define PAIR_TALL 32
#define PAIR_DEEP 16
#define PAIR_SPEED 8 /* 16 by the manual's counts; that memory keeps up with half of it is a guess */

enum { SIDE = 16, ROW = 64 /* bytes */, ACROSS = 2 * SIDE };

/* Tiles 0 to 3 are those of C, by rows; 4 and 5 of A, 6 and 7 of B. */
struct tile_configuration {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

/* Instructions, for tiles of given numbers. The intrinsics of GCC 12 do not say which memory they read. */
#define LOAD(tile, at, step)                                                                                           \
    __asm__ volatile("tileloadd (%0, %1, 1), %%tmm" #tile : : "r"(at), "r"((size_t)(step)) : "memory")
#define STORE(tile, at, step)                                                                                          \
    __asm__ volatile("tilestored %%tmm" #tile ", (%0, %1, 1)" : : "r"(at), "r"((size_t)(step)) : "memory")
#define MULTIPLY(c, a, b) __asm__ volatile("tdpbf16ps %tmm" #b ", %tmm" #a ", %tmm" #c)

/* All tiles become 0. */
static void configure_tiles(void)
{
    struct tile_configuration all = {.palette = 1};
    for (size_t t = 0; t < 8; t++) {
        all.row_bytes[t] = ROW;
        all.rows[t] = SIDE;
    }
    __asm__ volatile("ldtilecfg %0" : : "m"(all));
}

/* C += A B for 32 x 16 pairs, stored by rows without gaps, and 16 rows of pairs. */
static inline __attribute__((always_inline)) void multiply_tiles(const float *a, const float *b, size_t b_step,
                                                                 bool both_down, bool both_across)
{
    LOAD(4, a, ROW);
    LOAD(6, b, b_step * sizeof *b);
    MULTIPLY(0, 4, 6);
    if (both_across) {
        LOAD(7, b + SIDE, b_step * sizeof *b);
        MULTIPLY(1, 4, 7);
    }
    if (both_down) {
        LOAD(5, a + SIDE * PAIR_DEEP, ROW);
        MULTIPLY(2, 5, 6);
    }
    if (both_down && both_across)
        MULTIPLY(3, 5, 7);
}

/* The last `depth` < 16 pairs, with zeros for the others. */
static void multiply_rest(size_t depth, const float *a, const float *b, size_t b_step, bool both_down, bool both_across)
{
    float rest_a[PAIR_TALL * PAIR_DEEP] = {0}, rest_b[PAIR_DEEP * ACROSS] = {0};
    for (size_t i = 0; i < (both_down ? 2 * SIDE : SIDE); i++)
        memcpy(rest_a + i * PAIR_DEEP, a + i * PAIR_DEEP, depth * sizeof *a);
    for (size_t k = 0; k < depth; k++)
        memcpy(rest_b + k * ACROSS, b + k * b_step, (both_across ? ACROSS : SIDE) * sizeof *b);
    multiply_tiles(rest_a, rest_b, ACROSS, both_down, both_across);
}

static void tile_of_tiles(size_t depth, const float *a, size_t a_step, const float *b, size_t b_step, float *c,
                          size_t rows, size_t cols, bool resume)
{
    enum { STEP = ACROSS * sizeof *c };
    bool both_down = rows > SIDE, both_across = cols > SIDE;
    float *below = c + SIDE * ACROSS;
    configure_tiles();
    if (resume) {
        LOAD(0, c, STEP);
        LOAD(1, c + SIDE, STEP);
        LOAD(2, below, STEP);
        LOAD(3, below + SIDE, STEP);
    }
    for (; depth >= PAIR_DEEP; depth -= PAIR_DEEP, a += a_step * PAIR_DEEP, b += b_step * PAIR_DEEP)
        multiply_tiles(a, b, b_step, both_down, both_across);
    if (depth > 0)
        multiply_rest(depth, a, b, b_step, both_down, both_across);
    STORE(0, c, STEP);
    STORE(1, c + SIDE, STEP);
    STORE(2, below, STEP);
    STORE(3, below + SIDE, STEP);
    __asm__ volatile("tilerelease");
}

#include "kernels_avx512.inc"
#define KERNELS kernels_amx_bf16
#include "kernels.inc"
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
