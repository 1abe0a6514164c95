#include "arithmetic.h"

#include "inputs.h"

#include <math.h>
#include <string.h>

static const struct {
    int precision;
    double roundoff, least_normal, largest;
    double big; /* what is added to a subnormal number and subtracted again has a last bit of the least of them */
} formats[FORMATS] = {
    [TENSOR_F64] = {53, 0x1p-53, 0x1p-1022, 0x1.fffffffffffffp1023, 0},
    [TENSOR_F32] = {24, 0x1p-24, 0x1p-126, 0x1.fffffep127, 0},
    [TENSOR_F16] = {11, 0x1p-11, 0x1p-14, 65504, 0x1.8p28},
    [TENSOR_BF16] = {8, 0x1p-8, 0x1p-126, 0x1.fep127, 0x1.8p-81},
};

double unit_roundoff(enum tensor_type format)
{
    return formats[format].roundoff;
}

double least_number(enum tensor_type format)
{
    return 2 * formats[format].roundoff * formats[format].least_normal;
}

double backward_error(enum tensor_type format, size_t m, size_t n)
{
    return 4 * sqrt((double)(m > n ? m : n)) * unit_roundoff(format);
}

uint64_t evaluation_bits(struct evaluation *e)
{
    return input_bits(e->seed, e->draws++);
}

struct evaluation evaluation_draw(enum tensor_type format, uint64_t ensemble, size_t member, bool honest)
{
    struct evaluation e = {.format = format,
                           .state = format == TENSOR_F64 ? TENSOR_F64 : TENSOR_F32,
                           .lanes = 1,
                           .cast_first = format != TENSOR_F16,
                           .seed = input_bits(ensemble, member)};
    if (member == 0)
        return e;
    uint64_t bits = evaluation_bits(&e);
    /* No port takes the Gram form to bfloat16, which holds no eigenvalue of A below 2^-8. */
    e.form = (enum polynomial_form)(member % (format == TENSOR_BF16 ? FORM_GRAM : POLYNOMIAL_FORMS));
    e.lanes = (size_t)1 << 2 * (bits & 1) << (bits >> 1 & 1); /* 1, 2, 4 or 8 */
    e.shuffled = bits >> 2 & 1;
    e.fused = bits >> 3 & 1;
    e.random = !honest && (bits >> 4 & 3) > 0;
    e.random_sums = e.random && (bits >> 20 & 1);
    e.constants = bits >> 6 & 1;
    e.reciprocal = bits >> 7 & 1;
    e.cast_first = format != TENSOR_F16 && (bits >> 8 & 1); /* binary16 would overflow */
    e.finish_in_state = bits >> 9 & 1;
    e.decay_apart = bits >> 10 & 1;
    e.interpolation = (unsigned)(bits >> 11) % 3;
    return e;
}

/* ---- rounding ------------------------------------------------------------------------------------------------------ */

/* Eight numbers side by side, as vector units take them: all at once, or two or four at a time. By pointers, as not every unit
 * has a register to pass them in. */
typedef double eight __attribute__((vector_size(64)));
typedef uint64_t bits __attribute__((vector_size(64)));
typedef float singles __attribute__((vector_size(32)));

/* Compiled for several units, of which the best is taken when the program starts: arithmetic is IEEE 754's in each. Static
 * functions only: of others libraries would show what does that, whatever the visibility; with clang 14 of these, too. */
#if defined(__x86_64__) && defined(__OPTIMIZE__) && !defined(__clang__)
#define FOR_EACH_UNIT __attribute__((target_clones("avx512f", "avx2", "default")))
#define INLINE static inline __attribute__((always_inline)) /* into each of them */
#else
#define FOR_EACH_UNIT
#define INLINE static inline
#endif

/* Which coin is whose: one for each number; or, of two for each, the first, and two farther the second. */
static const bits one_coin = {0, 1, 2, 3, 4, 5, 6, 7}, two_coins = {0, 1, 4, 5, 8, 9, 12, 13};

/* That many coins. Those above `count` <= 64 are another's. */
INLINE uint64_t toss(struct evaluation *e, size_t count)
{
    if (e->coins_left < count) {
        e->coins = evaluation_bits(e);
        e->coins_left = 64;
    }
    uint64_t coins = e->coins;
    e->coins >>= count;
    e->coins_left -= count;
    return coins;
}

INLINE uint64_t bits_of(double x)
{
    uint64_t pattern;
    memcpy(&pattern, &x, sizeof x);
    return pattern;
}

/* All ones where a < b, else 0; both are below 2^63. */
#define BELOW(a, b) (-(((a) - (b)) >> 63))
#define CHOOSE(mask, a, b) (((a) & (mask)) | ((b) & ~(mask)))

/* All ones where a number's coin is set. */
#define HEADS(coins, whose) (-((((bits){0} + (coins)) >> (whose)) & 1))

static const uint64_t no_sign = UINT64_MAX >> 1;

/* x to `place`, of 16 bits. What lies behind its last bit is cut off after half of it was added (to nearest, ties
 * to even) or, with `random`, all of it (`up`: away from zero), or nothing (towards zero). */
INLINE void cut(eight *x, enum tensor_type place, bool random, const bits *up)
{
    int behind = 53 - formats[place].precision;
    double big = formats[place].big;
    uint64_t tail = (UINT64_C(1) << behind) - 1;
    bits size = (bits)*x & no_sign, sign = (bits)*x ^ size, none = {0}, infinity = none + bits_of(INFINITY);
    bits normal = (size + (random ? *up & tail : tail / 2 + (size >> behind & 1))) & ~tail;
    normal = CHOOSE(BELOW(none + bits_of(formats[place].largest), normal), infinity, normal);
    bits subnormal = (bits)(((eight)size + big) - big); /* to nearest; nobody chooses there */
    normal = CHOOSE(BELOW(size, none + bits_of(formats[place].least_normal)), subnormal, normal);
    *x = (eight)(sign | CHOOSE(BELOW(infinity, size), size, normal)); /* NaN stays */
}

/* x to binary32, whose conversion knows its range: what is random is made to fit the precision before. Of a sum or product of
 * two such numbers, exact in binary64 or innocently rounded twice (Figueroa 1995). */
INLINE void single(eight *x, bool random, const bits *up)
{
    uint64_t tail = (UINT64_C(1) << (53 - formats[TENSOR_F32].precision)) - 1;
    if (random)
        *x = (eight)(((bits)*x + (*up & tail)) & ~tail);
    /* As a vector: of {(double)(float)x[0], ...} gcc 12 forgets the conversions. */
    *x = __builtin_convertvector(__builtin_convertvector(*x, singles), eight);
}

/* x was rounded to nearest already: with one coin, it is random enough to take a neighbour, with another the one away from
 * zero: from the largest number that is infinity. */
INLINE void nudge(eight *x, const bits *moves, const bits *away)
{
    bits size = (bits)*x & no_sign, none = {0};
    bits can = BELOW(none, size) & BELOW(size, none + bits_of(INFINITY));
    *x = (eight)((bits)*x + (can & *moves & (~*away | 1)));
}

/* `count` <= COLUMNS numbers, with two coins each in binary64, else with one. */
INLINE void round_few(struct evaluation *e, enum tensor_type place, double *x, size_t count)
{
    bool random = e->random, wide = place == TENSOR_F64;
    bits first = {0}, second = {0};
    eight all = {0};
    memcpy(&all, x, count * sizeof *x);
    if (random) {
        uint64_t coins = toss(e, (wide ? 2 : 1) * (count + count % 2));
        first = HEADS(coins, wide ? two_coins : one_coin);
        second = HEADS(coins >> 2, two_coins);
    }
    if (wide)
        nudge(&all, &first, &second);
    else if (place == TENSOR_F32)
        single(&all, random, &first);
    else
        cut(&all, place, random, &first);
    memcpy(x, &all, count * sizeof *x);
}

FOR_EACH_UNIT static void round_vector(struct evaluation *e, enum tensor_type place, double *x, size_t count)
{
    for (; count >= COLUMNS; count -= COLUMNS, x += COLUMNS)
        round_few(e, place, x, COLUMNS);
    round_few(e, place, x, count);
}

FOR_EACH_UNIT static double round_one(struct evaluation *e, enum tensor_type place, double x)
{
    round_few(e, place, &x, 1);
    return x;
}

double rounded(struct evaluation *e, enum tensor_type place, double x)
{
    return place == TENSOR_F32 && !e->random ? (double)(float)x : round_one(e, place, x);
}

void round_all(struct evaluation *e, enum tensor_type place, double *x, size_t count)
{
    if (place != TENSOR_F64 || e->random)
        round_vector(e, place, x, count);
}

double nearest(enum tensor_type place, double x)
{
    struct evaluation plain = {0};
    return rounded(&plain, place, x);
}

double constant(const struct evaluation *e, enum tensor_type place, double x)
{
    return e->constants ? nearest(place, x) : x;
}

double power_of(double x, size_t k)
{
    double power = 1;
    for (; k > 0; k--)
        power *= x;
    return power;
}

/* ---- sums ---------------------------------------------------------------------------------------------------------- */

enum { MOST_LANES = 8 };

/* How terms are added: in binary64 or binary32. */
struct way {
    bool wide, fused, random;
};

/* sum + x y, rounded once: fma() is slow where it is no instruction. The product is high + low to 2^-78 of it, high exact, as
 * its factors have 26 bits; what sum + high leaves is exact (Knuth). */
INLINE void add_fused(eight *sum, const eight *x, const eight *y)
{
    const uint64_t first = UINT64_MAX << 27;
    eight x1 = (eight)((bits)*x & first), x2 = *x - x1, y1 = (eight)((bits)*y & first), y2 = *y - y1;
    eight high = x1 * y1, low = x1 * y2 + x2 * *y;
    eight top = *sum + high, added = top - *sum, rest = (*sum - (top - added)) + (high - added);
    *sum = top + (rest + low);
}

/* *sum += x y, with coins for so many pairs of columns */
INLINE void add_product(struct evaluation *e, struct way way, eight *sum, const eight *x, const eight *y, size_t pairs)
{
    if (way.wide && way.fused) {
        add_fused(sum, x, y);
        return;
    }
    eight product = *x * *y;
    bits first = {0}, second = {0};
    if (way.random) {
        uint64_t coins = toss(e, 4 * pairs);
        first = HEADS(coins, two_coins);
        second = HEADS(coins >> 2, two_coins);
    }
    if (!way.wide && !way.fused)
        single(&product, way.random, &first);
    *sum += product;
    if (!way.wide)
        single(sum, way.random, &second);
}

/* Adds the partial sums of `lanes`, from left to right, to the first. */
INLINE void add_parts(struct evaluation *e, struct way way, eight *sums, size_t pairs)
{
    for (size_t l = 1; l < e->lanes; l++) {
        uint64_t coins = way.random ? toss(e, 2 * pairs) : 0;
        bits up = HEADS(coins, one_coin);
        sums[0] += sums[l];
        if (!way.wide)
            single(&sums[0], way.random, &up);
    }
}

static struct way way_of(const struct evaluation *e)
{
    bool wide = e->format == TENSOR_F64;
    return (struct way){wide, e->fused, e->random_sums && !wide};
}

FOR_EACH_UNIT static double dot_of_vectors(struct evaluation *e, const double *x, size_t x_stride, const double *y,
                                           size_t y_stride, size_t n, const size_t *order)
{
    eight sums[MOST_LANES] = {0};
    struct way way = way_of(e);
    for (size_t k = 0; k < n; k++) {
        size_t at = order ? order[k] : k;
        eight a = {x[at * x_stride]}, b = {y[at * y_stride]};
        add_product(e, way, &sums[k & (e->lanes - 1)], &a, &b, 1);
    }
    add_parts(e, way, sums, 1);
    return sums[0][0];
}

double dot(struct evaluation *e, const double *x, size_t x_stride, const double *y, size_t y_stride, size_t n,
           const size_t *order)
{
    return dot_of_vectors(e, x, x_stride, y, y_stride, n, order);
}

/* Inlined for each way, which is constant there. */
INLINE void add_columns(struct evaluation *e, struct way way, eight *sums, const double *x, const double (*y)[COLUMNS],
                        size_t n)
{
    size_t lanes = e->lanes;
    for (size_t k = 0; k < n; k++) {
        eight row, factor = (eight){0} + x[k];
        memcpy(&row, y[k], sizeof row);
        add_product(e, way, &sums[k & (lanes - 1)], &factor, &row, COLUMNS / 2);
    }
}

/* The same where binary32 itself does it: neither fused nor at random. */
INLINE void add_singles(const struct evaluation *e, eight *sums, const double *x, const double (*y)[COLUMNS], size_t n)
{
    singles parts[MOST_LANES] = {0};
    size_t lanes = e->lanes;
    for (size_t k = 0; k < n; k++) {
        eight row, factor = (eight){0} + x[k];
        memcpy(&row, y[k], sizeof row);
        /* Vectors both: a float alone may be computed with as a double (FLT_EVAL_METHOD). */
        singles product = __builtin_convertvector(row, singles) * __builtin_convertvector(factor, singles);
        parts[k & (lanes - 1)] += product;
    }
    for (size_t l = 0; l < lanes; l++)
        sums[l] = __builtin_convertvector(parts[l], eight);
}

FOR_EACH_UNIT static void dots_of_vectors(struct evaluation *e, double sums[COLUMNS], const double *x,
                                          const double (*y)[COLUMNS], size_t n)
{
    eight parts[MOST_LANES];
    struct way way = way_of(e);
    memset(parts, 0, e->lanes * sizeof *parts);
    if (way.wide && way.fused)
        add_columns(e, (struct way){true, true, false}, parts, x, y, n);
    else if (way.wide)
        add_columns(e, (struct way){true, false, false}, parts, x, y, n);
    else if (way.fused && way.random)
        add_columns(e, (struct way){false, true, true}, parts, x, y, n);
    else if (way.fused)
        add_columns(e, (struct way){false, true, false}, parts, x, y, n);
    else if (way.random)
        add_columns(e, (struct way){false, false, true}, parts, x, y, n);
    else
        add_singles(e, parts, x, y, n);
    add_parts(e, way, parts, COLUMNS / 2);
    memcpy(sums, parts, COLUMNS * sizeof *sums);
}

void dots(struct evaluation *e, double sums[COLUMNS], const double *x, const double (*y)[COLUMNS], size_t n)
{
    dots_of_vectors(e, sums, x, y, n);
}

const size_t *draw_order(struct evaluation *e, size_t *order, size_t n)
{
    if (!e->shuffled)
        return NULL;
    for (size_t k = 0; k < n; k++) { /* inside-out (Fisher and Yates) */
        size_t j = (size_t)(evaluation_bits(e) % (k + 1));
        order[k] = order[j];
        order[j] = k;
    }
    return order;
}
