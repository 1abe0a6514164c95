#define _GNU_SOURCE /* REG_RIP */
#include "emulated_tiles.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_size_t products;

size_t tile_products(void)
{
    return products;
}

#if defined(__x86_64__)
#include <immintrin.h>
#include <signal.h>
#include <ucontext.h>

enum { TILES = 8, ROWS = 16, ROW = 64, PAIRS = ROW / 4 };

/* As LDTILECFG reads it. */
struct configuration {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

struct tile {
    uint32_t at[ROWS][PAIRS];
};

static _Thread_local struct configuration configured;
static _Thread_local struct tile tiles[TILES];

bool tiles_are_released(void)
{
    static const struct configuration released;
    return memcmp(&configured, &released, sizeof released) == 0;
}

static void demand(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "emulated tiles: %s\n", what);
    abort();
}

/* ---- decoding -------------------------------------------------------------------------------------------------------- */

/* An instruction with the prefix VEX of three bytes: its fields, and its operand in memory, if it is not a register. */
struct instruction {
    unsigned map, opcode, prefix, vvvv, reg, rm;
    bool w, l, in_memory, has_index;
    size_t length;
    uint8_t *base;
    size_t index;
};

static uint64_t register_of(const ucontext_t *context, unsigned number)
{
    static const int places[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                 REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    return (uint64_t)context->uc_mcontext.gregs[places[number]];
}

/* What follows ModRM: a byte with scale, index and base, and what is added. */
static void decode_memory(struct instruction *x, const ucontext_t *context, const uint8_t *code, unsigned mod,
                          bool far_index, bool far_base)
{
    uint64_t base = 0;
    int32_t added = 0;
    unsigned number = x->rm;
    if (x->rm == 4) {
        unsigned scaled = code[x->length] >> 3 & 7, scale = code[x->length] >> 6;
        number = code[x->length++] & 7;
        x->has_index = scaled != 4 || far_index;
        x->index = x->has_index ? register_of(context, scaled | (unsigned)far_index << 3) << scale : 0;
    }
    bool no_base = number == 5 && mod == 0;
    if (mod == 1)
        added = (int8_t)code[x->length];
    else if (mod == 2 || no_base)
        memcpy(&added, code + x->length, sizeof added);
    x->length += mod == 1 ? 1 : mod == 2 || no_base ? 4 : 0;
    if (!no_base)
        base = register_of(context, number | (unsigned)far_base << 3);
    else if (x->rm == 5) /* relative to what comes next; these instructions have nothing after */
        base = (uint64_t)(uintptr_t)(code + x->length);
    x->base = (uint8_t *)(uintptr_t)(base + (uint64_t)(int64_t)added);
}

static struct instruction decode(const ucontext_t *context)
{
    const uint8_t *code = (const uint8_t *)(uintptr_t)context->uc_mcontext.gregs[REG_RIP];
    demand(code[0] == 0xc4, "an illegal instruction that is none of tiles");
    unsigned modrm = code[4], mod = modrm >> 6;
    struct instruction x = {.map = code[1] & 31,
                            .w = code[2] >> 7,
                            .vvvv = ~(unsigned)code[2] >> 3 & 15,
                            .l = code[2] >> 2 & 1,
                            .prefix = code[2] & 3,
                            .opcode = code[3],
                            .reg = (modrm >> 3 & 7) | (code[1] & 0x80 ? 0 : 8),
                            .rm = modrm & 7,
                            .in_memory = mod != 3,
                            .length = 5};
    if (x.in_memory)
        decode_memory(&x, context, code, mod, !(code[1] & 0x40), !(code[1] & 0x20));
    else
        x.rm |= code[1] & 0x20 ? 0 : 8;
    return x;
}

/* ---- instructions ---------------------------------------------------------------------------------------------------- */

static void load_configuration(const struct instruction *x)
{
    struct configuration c;
    memcpy(&c, x->base, sizeof c);
    demand(c.palette == 1 && c.start_row == 0, "a configuration of another palette, or not from the first row");
    for (size_t k = 0; k < sizeof c.reserved; k++)
        demand(c.reserved[k] == 0, "a configuration whose reserved bytes are not 0");
    for (size_t t = 0; t < 16; t++) {
        demand(c.rows[t] <= ROWS && c.row_bytes[t] <= ROW, "a tile that is too large");
        demand((c.rows[t] == 0) == (c.row_bytes[t] == 0), "a tile of rows without bytes, or bytes without rows");
        demand(t < TILES || c.rows[t] == 0, "more tiles than there are");
    }
    configured = c;
    memset(tiles, 0, sizeof tiles);
}

static size_t tile_of(unsigned number)
{
    demand(number < TILES && configured.palette == 1 && configured.rows[number] > 0, "a tile that is not configured");
    return number;
}

static void move_tile(const struct instruction *x, bool store)
{
    size_t t = tile_of(x->reg), bytes = configured.row_bytes[t];
    demand(x->rm == 4 && x->vvvv == 0, "a tile in memory that has no rows, by its encoding");
    if (!store)
        memset(&tiles[t], 0, sizeof tiles[t]);
    for (size_t i = 0; i < configured.rows[t]; i++) {
        uint8_t *row = x->base + i * x->index;
        store ? memcpy(row, tiles[t].at[i], bytes) : memcpy(tiles[t].at[i], row, bytes);
    }
}

/* sum[n] += even and odd products of a row of A and of B, each of which is summed alone: by FMA, of the bf16 numbers of pairs. */
__attribute__((target("avx512f,fma"), noinline)) static void multiply_row(uint32_t sum[PAIRS], const uint32_t a[PAIRS],
                                                                          uint32_t b[][PAIRS], size_t depth)
{
    __m512 even = _mm512_setzero_ps(), odd = even, c = _mm512_loadu_ps(sum);
    for (size_t k = 0; k < depth; k++) {
        __m512i pairs = _mm512_loadu_si512(b[k]), high = _mm512_set1_epi32((int)0xffff0000);
        __m512i factor = _mm512_set1_epi32((int)a[k]);
        even = _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_slli_epi32(factor, 16)),
                               _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16)), even);
        odd = _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_and_si512(factor, high)),
                              _mm512_castsi512_ps(_mm512_and_si512(pairs, high)), odd);
    }
    _mm512_storeu_ps(sum, _mm512_add_ps(c, _mm512_add_ps(even, odd)));
}

static void multiply(const struct instruction *x)
{
    enum { ALL_MASKED_TO_NEAREST = 0x1f80, SUBNORMAL_IS_ZERO = 0x8040 };
    size_t c = tile_of(x->reg), a = tile_of(x->rm), b = tile_of(x->vvvv), depth = configured.row_bytes[a] / 4u;
    demand(c != a && c != b && a != b, "a product of tiles that are not three");
    demand(configured.rows[c] == configured.rows[a] && configured.row_bytes[c] == configured.row_bytes[b] &&
               depth == configured.rows[b] && configured.row_bytes[a] % 4 == 0 && configured.row_bytes[b] % 4 == 0,
           "a product of tiles that do not match");
    unsigned before = _mm_getcsr();
    _mm_setcsr(ALL_MASKED_TO_NEAREST | SUBNORMAL_IS_ZERO);
    for (size_t i = 0; i < configured.rows[c]; i++)
        multiply_row(tiles[c].at[i], tiles[a].at[i], tiles[b].at, depth);
    _mm_setcsr(before);
    products++;
}

static void on_illegal(int number, siginfo_t *info, void *pointer)
{
    ucontext_t *context = pointer;
    struct instruction x = decode(context);
    unsigned code = x.prefix << 8 | x.opcode; /* prefixes: 0 none, 2 F3, 3 F2 */
    (void)number, (void)info;
    demand(x.map == 2 && !x.w && !x.l, "an illegal instruction that is none of tiles");
    if (code == 0x049 && x.in_memory && x.reg == 0)
        load_configuration(&x);
    else if (code == 0x049 && x.reg == 0 && x.rm == 0)
        memset(&configured, 0, sizeof configured);
    else if ((code == 0x34b || code == 0x24b) && x.in_memory)
        move_tile(&x, code == 0x24b);
    else if (code == 0x25c && !x.in_memory)
        multiply(&x);
    else
        demand(false, "an instruction of tiles that is not emulated");
    context->uc_mcontext.gregs[REG_RIP] += (greg_t)x.length;
}

bool __wrap_tiles_run(void);
bool __wrap_tiles_run(void)
{
    const struct sigaction action = {.sa_sigaction = on_illegal, .sa_flags = SA_SIGINFO};
    return __builtin_cpu_supports("avx512f") && sigaction(SIGILL, &action, NULL) == 0;
}
#else
bool tiles_are_released(void)
{
    return true;
}
#endif
