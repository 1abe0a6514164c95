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
    /* Nobody takes the Gram form to bfloat16, which holds no eigenvalue of A below 2^-8. */
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

/* Two numbers side by side: what every vector unit takes, and what compilers spell out where there is none. */
typedef double pair __attribute__((vector_size(16)));
typedef uint64_t bits __attribute__((vector_size(16)));
typedef float singles __attribute__((vector_size(8)));
enum { PAIRS = COLUMNS / 2 };

/* Coins for a pair: of each two the first number's, and then the second's. Those above `count` <= 64 are another's. */
static inline bits toss(struct evaluation *e, size_t count)
{
    if (e->coins_left < count) {
        e->coins = evaluation_bits(e);
        e->coins_left = 64;
    }
    bits coins = {e->coins, e->coins >> 1};
    e->coins >>= count;
    e->coins_left -= count;
    return coins;
}

static inline uint64_t bits_of(double x)
{
    uint64_t pattern;
    memcpy(&pattern, &x, sizeof x);
    return pattern;
}

/* All ones where a < b, else 0; both are below 2^63. */
static inline bits below(bits a, bits b)
{
    return -((a - b) >> 63);
}

static inline bits choose(bits mask, bits a, bits b)
{
    return (a & mask) | (b & ~mask);
}

/* All ones where the coin is set. */
static inline bits heads(bits coins)
{
    return -(coins & 1);
}

static const uint64_t no_sign = UINT64_MAX >> 1;

/* x to `place`, of 16 bits. What lies behind its last bit is cut off after half of it was added (to nearest, ties
 * to even) or, with `random`, all of it (`up`: away from zero), or nothing (towards zero). */
static inline pair cut(enum tensor_type place, pair x, bool random, bits up)
{
    int behind = 53 - formats[place].precision;
    double big = formats[place].big;
    uint64_t tail = (UINT64_C(1) << behind) - 1;
    bits size = (bits)x & no_sign, sign = (bits)x ^ size, none = {0}, infinity = none + bits_of(INFINITY);
    bits normal = (size + (random ? up & tail : tail / 2 + (size >> behind & 1))) & ~tail;
    normal = choose(below(none + bits_of(formats[place].largest), normal), infinity, normal);
    bits subnormal = (bits)(((pair)size + big) - big); /* to nearest; nobody chooses there */
    normal = choose(below(size, none + bits_of(formats[place].least_normal)), subnormal, normal);
    return (pair)(sign | choose(below(infinity, size), size, normal)); /* NaN stays */
}

/* x to binary32, whose conversion knows its range: what is random is made to fit the precision before. Of a sum or product of
 * two such numbers, exact in binary64 or innocently rounded twice (Figueroa 1995). */
static inline pair single(pair x, bool random, bits up)
{
    uint64_t tail = (UINT64_C(1) << (53 - formats[TENSOR_F32].precision)) - 1;
    if (random)
        x = (pair)(((bits)x + (up & tail)) & ~tail);
    /* As a vector: of {(double)(float)x[0], ...} gcc 12 forgets the conversions. */
    return __builtin_convertvector(__builtin_convertvector(x, singles), pair);
}

/* x was rounded to nearest already: with one coin, it is random enough to take a neighbour, with another the one away from
 * zero: from the largest number that is infinity. */
static inline pair nudged(pair x, bits moves, bits away)
{
    bits size = (bits)x & no_sign, none = {0};
    bits can = below(none, size) & below(size, none + bits_of(INFINITY));
    return (pair)((bits)x + (can & moves & (~away | 1)));
}

/* `count` <= COLUMNS numbers, with two coins each in binary64, else with one. */
static inline void round_few(struct evaluation *e, enum tensor_type place, double *x, size_t count)
{
    bool random = e->random, wide = place == TENSOR_F64;
    bits coins = {0};
    if (random)
        coins = toss(e, (wide ? 2 : 1) * (count + count % 2));
    for (size_t k = 0; k < count; k += 2) {
        pair two = {x[k]};
        if (k + 1 < count)
            two[1] = x[k + 1];
        if (wide)
            two = nudged(two, heads(coins), heads(coins >> 2));
        else if (place == TENSOR_F32)
            two = single(two, random, heads(coins));
        else
            two = cut(place, two, random, heads(coins));
        x[k] = two[0];
        if (k + 1 < count)
            x[k + 1] = two[1];
        coins >>= wide ? 4 : 2;
    }
}

double rounded(struct evaluation *e, enum tensor_type place, double x)
{
    round_few(e, place, &x, 1);
    return x;
}

void round_all(struct evaluation *e, enum tensor_type place, double *x, size_t count)
{
    if (place == TENSOR_F64 && !e->random)
        return;
    for (; count >= COLUMNS; count -= COLUMNS, x += COLUMNS)
        round_few(e, place, x, COLUMNS);
    round_few(e, place, x, count);
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
static inline pair fused_64(pair sum, pair x, pair y)
{
    const uint64_t first = UINT64_MAX << 27;
    pair x1 = (pair)((bits)x & first), x2 = x - x1, y1 = (pair)((bits)y & first), y2 = y - y1;
    pair high = x1 * y1, low = x1 * y2 + x2 * y;
    pair top = sum + high, added = top - sum, rest = (sum - (top - added)) + (high - added);
    return top + (rest + low);
}

/* sums[p] += x y[p] */
static inline void add_products(struct evaluation *e, struct way way, pair *sums, pair x, const pair *y, size_t pairs)
{
    bits coins = {0};
    if (way.random)
        coins = toss(e, 4 * pairs);
    for (size_t p = 0; p < pairs; p++, coins >>= 4) {
        if (way.wide) {
            sums[p] = way.fused ? fused_64(sums[p], x, y[p]) : sums[p] + x * y[p];
            continue;
        }
        pair product = x * y[p];
        product = way.fused ? product : single(product, way.random, heads(coins));
        sums[p] = single(sums[p] + product, way.random, heads(coins >> 2));
    }
}

/* Adds the partial sums of `lanes`, from left to right, to the first. */
static inline void add_parts(struct evaluation *e, struct way way, pair *sums, size_t pairs)
{
    for (size_t l = 1; l < e->lanes; l++) {
        bits coins = {0};
        if (way.random)
            coins = toss(e, 2 * pairs);
        for (size_t p = 0; p < pairs; p++, coins >>= 2) {
            sums[p] += sums[l * pairs + p];
            sums[p] = way.wide ? sums[p] : single(sums[p], way.random, heads(coins));
        }
    }
}

static struct way way_of(const struct evaluation *e)
{
    bool wide = e->format == TENSOR_F64;
    return (struct way){wide, e->fused, e->random_sums && !wide};
}

double dot(struct evaluation *e, const double *x, size_t x_stride, const double *y, size_t y_stride, size_t n,
           const size_t *order)
{
    pair sums[MOST_LANES] = {0};
    struct way way = way_of(e);
    for (size_t k = 0; k < n; k++) {
        size_t at = order ? order[k] : k;
        pair b = {y[at * y_stride]};
        add_products(e, way, &sums[k & (e->lanes - 1)], (pair){x[at * x_stride]}, &b, 1);
    }
    add_parts(e, way, sums, 1);
    return sums[0][0];
}

/* Inlined for each way, which is constant there. */
static inline void add_columns(struct evaluation *e, struct way way, pair *sums, const double *x,
                               const double (*y)[COLUMNS], size_t n)
{
    size_t lanes = e->lanes;
    for (size_t k = 0; k < n; k++) {
        pair row[PAIRS];
        memcpy(row, y[k], sizeof row);
        add_products(e, way, sums + (k & (lanes - 1)) * PAIRS, (pair){x[k], x[k]}, row, PAIRS);
    }
}

void dots(struct evaluation *e, double sums[COLUMNS], const double *x, const double (*y)[COLUMNS], size_t n)
{
    pair parts[MOST_LANES * PAIRS];
    struct way way = way_of(e);
    memset(parts, 0, e->lanes * PAIRS * sizeof *parts);
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
        add_columns(e, (struct way){false, false, false}, parts, x, y, n);
    add_parts(e, way, parts, PAIRS);
    memcpy(sums, parts, COLUMNS * sizeof *sums);
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
