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
    [TENSOR_F32] = {24, 0x1p-24, 0x1p-126, 0x1.fffffep127, 0x1.8p-97},
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

/* A random bit; the draws behind it are made 63 at a time. */
static uint64_t coin(struct evaluation *e)
{
    if (e->coins <= 1)
        e->coins = evaluation_bits(e) | UINT64_C(1) << 63;
    uint64_t bit = e->coins & 1;
    e->coins >>= 1;
    return bit;
}

/* To `precision` bits: the bits behind them are added to, and cut off. */
static double to_precision(struct evaluation *e, int precision, double x)
{
    uint64_t bits, tail = (UINT64_C(1) << (53 - precision)) - 1;
    memcpy(&bits, &x, sizeof bits);
    if (e->random)
        bits += coin(e) ? tail : 0;
    else
        bits += tail / 2 + (bits >> (53 - precision) & 1); /* ties to even */
    bits &= ~tail;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The next number away from zero, or towards it. */
static double neighbour(double x, int away)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits += (uint64_t)(int64_t)away; /* of a finite number other than 0: the largest becomes infinite, the least zero */
    memcpy(&x, &bits, sizeof x);
    return x;
}

double rounded(struct evaluation *e, enum tensor_type place, double x)
{
    if (x == 0 || !isfinite(x))
        return x;
    if (place == TENSOR_F64) /* x was rounded to nearest already: a neighbour is random enough */
        return e->random && coin(e) ? neighbour(x, coin(e) ? 1 : -1) : x;
    if (fabs(x) < formats[place].least_normal) {      /* to nearest; nobody chooses there */
        volatile double sum = x + formats[place].big; /* volatile: not to be folded */
        return copysign(sum - formats[place].big, x);
    }
    x = to_precision(e, formats[place].precision, x);
    return fabs(x) <= formats[place].largest ? x : copysign(INFINITY, x);
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

enum { MOST_LANES = 8 };

static double dot_64(const struct evaluation *e, const double *x, size_t x_stride, const double *y, size_t y_stride,
                     size_t n, const size_t *order)
{
    double part[MOST_LANES] = {0}, sum;
    for (size_t k = 0; k < n; k++) {
        size_t at = order ? order[k] : k;
        double *s = &part[k & (e->lanes - 1)], a = x[at * x_stride], b = y[at * y_stride];
        *s = e->fused ? fma(a, b, *s) : *s + a * b;
    }
    sum = part[0];
    for (size_t l = 1; l < e->lanes; l++)
        sum += part[l];
    return sum;
}

/* x to binary32: by a conversion, or at random where nothing under- or overflows. */
static inline double single(struct evaluation *e, double x)
{
    bool random = e->random_sums && fabs(x) >= formats[TENSOR_F32].least_normal && fabs(x) < 0x1p127;
    return random ? to_precision(e, formats[TENSOR_F32].precision, x) : (double)(float)x;
}

/* In binary32; every operation is rounded by a conversion, whatever the machine evaluates expressions in: products of
 * two such numbers are exact in binary64, and sums are innocently rounded twice (Figueroa 1995). */
static double dot_32(struct evaluation *e, const double *x, size_t x_stride, const double *y, size_t y_stride, size_t n,
                     const size_t *order)
{
    double part[MOST_LANES] = {0}, sum;
    for (size_t k = 0; k < n; k++) {
        size_t at = order ? order[k] : k;
        double *s = &part[k & (e->lanes - 1)], product = x[at * x_stride] * y[at * y_stride];
        *s = single(e, *s + (e->fused ? product : single(e, product)));
    }
    sum = part[0];
    for (size_t l = 1; l < e->lanes; l++)
        sum = single(e, sum + part[l]);
    return sum;
}

double dot(struct evaluation *e, const double *x, size_t x_stride, const double *y, size_t y_stride, size_t n,
           const size_t *order)
{
    return e->format == TENSOR_F64 ? dot_64(e, x, x_stride, y, y_stride, n, order)
                                   : dot_32(e, x, x_stride, y, y_stride, n, order);
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
