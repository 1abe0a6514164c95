/* Roundings are right wherever they are decided, and decided wherever they can be. */
#include "rounding.h"

#include "random_balls.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- one entry, in every format ----------------------------------------------------------------------------------- */

/* x +- error as a ball of one entry. */
static struct ball *ball_of(struct work *w, mpfr_srcptr x, mag error)
{
    struct ball *a = ball_new(w, 1, 1, mpfr_get_prec(x));
    mpfr_set(a->at, x, MPFR_RNDN);
    ball_widen(a, error);
    return a;
}

static bool same_bits(double x, double y)
{
    return memcmp(&x, &y, sizeof x) == 0;
}

/* Whether [x - error, x + error] rounds to `expected`, in that format. */
static bool rounds_to(double expected, mpfr_srcptr x, mag error, const struct format *format, struct work *w)
{
    struct work_block *mark = work_mark(w);
    double y = -7;
    bool decided = round_entry(&y, ball_of(w, x, error), 0, format);
    work_release(w, mark);
    return decided && same_bits(y, expected);
}

/* Whether it is left open, and the output untouched. */
static bool is_open(mpfr_srcptr x, mag error, const struct format *format, struct work *w)
{
    struct work_block *mark = work_mark(w);
    double y = -7;
    bool decided = round_entry(&y, ball_of(w, x, error), 0, format);
    work_release(w, mark);
    return !decided && y == -7;
}

/* Number n of the format from 0 on, by the layout of its bits: an exponent field that is 0 for subnormal numbers, and
 * `fraction` bits. The number after the largest stands for the overflow: 2^max_exponent. */
static double number(uint32_t n, int fraction, const struct format *format)
{
    uint32_t exponent = n >> fraction, rest = n & ((UINT32_C(1) << fraction) - 1);
    return exponent == 0 ? ldexp(rest, format->min_exponent)
                         : ldexp((double)(rest | UINT32_C(1) << fraction), (int)exponent - 1 + format->min_exponent);
}

/* Around number n: itself; up to half way to the next; the middle, which goes to the even one; and beyond, all of either
 * sign, exactly and as balls that reach as far as they may, or a little further. */
static bool neighbourhood_is_good(struct work *w, uint32_t n, uint32_t count, int fraction, const struct format *format)
{
    double low = number(n, fraction, format), high = n + 1 == count ? INFINITY : number(n + 1, fraction, format);
    double gap = number(n + 1, fraction, format) - low, even = n % 2 ? high : low;
    mag half = mag_power_of_two(ilogb(gap) - 1), quarter = mag_scale(half, -1), least = mag_power_of_two(-300);
    bool good = true;
    MPFR_DECL_INIT(x, 400);
    MPFR_DECL_INIT(tiny, 2);
    mpfr_set_ui_2exp(tiny, 1, -250, MPFR_RNDN);
    for (int sign = 1; sign >= -1; sign -= 2) {
        double down = low == 0 ? 0 : sign * low, up = sign * high, tie = even == 0 ? 0 : sign * even;
        mpfr_set_d(x, sign * low, MPFR_RNDN);
        good = good && rounds_to(down, x, MAG_ZERO, format, w) && rounds_to(down, x, quarter, format, w);
        good = good &&
               (n % 2 || n == 0 || (n & ((UINT32_C(1) << fraction) - 1)) == 0 || rounds_to(down, x, half, format, w));
        good = good && is_open(x, up_add(half, least), format, w);
        mpfr_set_d(x, sign * (low + gap / 2), MPFR_RNDN);
        good = good && rounds_to(tie, x, MAG_ZERO, format, w) && is_open(x, least, format, w);
        (sign > 0 ? mpfr_sub : mpfr_add)(x, x, tiny, MPFR_RNDN);
        good = good && rounds_to(down, x, MAG_ZERO, format, w) && rounds_to(down, x, least, format, w);
        mpfr_set_d(x, sign * (low + gap / 2), MPFR_RNDN);
        (sign > 0 ? mpfr_add : mpfr_sub)(x, x, tiny, MPFR_RNDN);
        good = good && rounds_to(up, x, MAG_ZERO, format, w) && rounds_to(up, x, least, format, w);
        good = good && !rounds_to(down, x, MAG_ZERO, format, w);
    }
    return good;
}

static void every_number(struct work *w, const struct format *format, int fraction)
{
    /* all but the largest exponent field, which stands for infinities and NaN */
    uint32_t count = (UINT32_C(1) << 15) - (UINT32_C(1) << fraction);
    ck_assert(number(1, fraction, format) == ldexp(1, format->min_exponent));
    ck_assert(number(count, fraction, format) == ldexp(1, format->max_exponent));
    for (uint32_t n = 0; n < count; n++)
        if (!neighbourhood_is_good(w, n, count, fraction, format))
            ck_abort_msg("number %u: %a", n, number(n, fraction, format));
}

static void every_binary16(struct work *w, void *args)
{
    (void)args;
    every_number(w, &BINARY16, 10);
}

static void every_bfloat16(struct work *w, void *args)
{
    (void)args;
    every_number(w, &BFLOAT16, 7);
}

/* All numbers of binary16 and bfloat16, and all midpoints between two, subnormal or not, up to the overflow. */
START_TEST(all_of_binary16)
{
    in_work(every_binary16, NULL);
}
END_TEST

START_TEST(all_of_bfloat16)
{
    in_work(every_bfloat16, NULL);
}
END_TEST

/* A binary64 number of any exponent that matters to the format, often on a midpoint of it, or just beside one. */
static double near_midpoint(uint64_t *state, const struct format *format)
{
    size_t exponents = (size_t)(format->max_exponent - format->min_exponent + 4);
    size_t below = random_below(state, random_below(state, 8) ? exponents : 3);
    int exponent = format->max_exponent - (int)below;
    int bits = exponent - format->min_exponent;
    bits = bits < 0 ? 0 : bits > format->precision ? format->precision : bits;
    double x =
        ldexp(floor(ldexp(1 + random_uniform(state), bits)) + (random_below(state, 2) ? 0.5 : 0), exponent - bits);
    x = random_below(state, 3) ? x : nextafter(x, random_below(state, 2) ? INFINITY : -INFINITY);
    return random_below(state, 2) ? x : -x;
}

static void against_the_processor(struct work *w, void *args)
{
    uint64_t state = 1;
    size_t subnormal = 0, infinite = 0, count = rounds(100000);
    MPFR_DECL_INIT(x, 53);
    (void)args;
    for (size_t round = 0; round < count; round++) {
        volatile double d = near_midpoint(&state, &BINARY32);
        volatile float f = (float)d;
        double expected = f == 0 ? 0 : (double)f;
        mpfr_set_d(x, d, MPFR_RNDN);
        if (!rounds_to(expected, x, MAG_ZERO, &BINARY32, w) ||
            (isfinite(f) && rounds_to(nextafterf(f, INFINITY), x, MAG_ZERO, &BINARY32, w)))
            ck_abort_msg("%a", d);
        subnormal += fabs(expected) < FLT_MIN;
        infinite += isinf(expected) != 0;
    }
    ck_assert_msg(subnormal > count / 20 && infinite > count / 100, "%zu and %zu of %zu", subnormal, infinite, count);
}

/* binary32: what the processor makes of binary64 numbers. */
START_TEST(binary32_is_the_processors)
{
    in_work(against_the_processor, NULL);
}
END_TEST

enum { WIDE = 6000 };

static void subtract_exactly(mpfr_ptr difference, mpfr_srcptr x, double y)
{
    int inexact =
        isinf(y) ? mpfr_set_si_2exp(difference, y > 0 ? 1 : -1, 1024, MPFR_RNDN) : mpfr_set_d(difference, y, MPFR_RNDN);
    inexact |= mpfr_sub(difference, x, difference, MPFR_RNDN);
    if (inexact)
        ck_abort_msg("a difference needs more bits than it has");
}

/* The binary64 number nearest to x by the definition: of the two around it, infinity standing for 2^1024, the one that is
 * less far, or has an even significand. (Not strtod(): that of glibc before 2.41 rounds some subnormal numbers wrongly.) */
static double nearest(mpfr_srcptr x)
{
    double low = mpfr_get_d(x, MPFR_RNDD), high = nextafter(low, INFINITY);
    uint64_t bits;
    memcpy(&bits, &low, sizeof bits);
    mpfr_t below, above;
    mpfr_inits2(WIDE, below, above, (mpfr_ptr)NULL);
    subtract_exactly(below, x, low);
    subtract_exactly(above, x, high);
    if ((mpfr_sgn(below) < 0 && isfinite(low)) || (mpfr_sgn(above) >= 0 && isfinite(high)))
        ck_abort_msg("%a and %a are not around it", low, high);
    int order = mpfr_cmpabs(below, above);
    mpfr_clears(below, above, (mpfr_ptr)NULL);
    double y = order < 0 || (order == 0 && bits % 2 == 0) ? low : high;
    return y == 0 ? 0 : y;
}

static void against_the_definition(struct work *w, void *args)
{
    uint64_t state = 2;
    size_t subnormal = 0, infinite = 0, count = rounds(30000);
    (void)args;
    for (size_t round = 0; round < count; round++) {
        struct work_block *mark = work_mark(w);
        mpfr_ptr x = ball_new(w, 1, 1, (mpfr_prec_t)(2 + random_below(&state, 200)))->at;
        random_number(x, &state, 30);
        long middle = random_below(&state, 2)   ? (long)random_below(&state, 2100) - 1050
                      : random_below(&state, 2) ? -1060
                                                : 1000;
        mpfr_mul_2si(x, x, middle, MPFR_RNDN);
        if (random_below(&state, 2) && !mpfr_zero_p(x)) { /* a midpoint of normal numbers, or just beside it */
            MPFR_DECL_INIT(midpoint, 54);
            mpfr_set(midpoint, x, MPFR_RNDN);
            if (mpfr_min_prec(midpoint) < 54)
                mpfr_nextabove(midpoint);
            mpfr_set(x, midpoint, MPFR_RNDN);
            if (random_below(&state, 2))
                mpfr_nextbelow(x);
        }
        double expected = nearest(x);
        if (!rounds_to(expected, x, MAG_ZERO, &BINARY64, w) ||
            (isfinite(expected) && rounds_to(nextafter(expected, INFINITY), x, MAG_ZERO, &BINARY64, w)))
            ck_abort_msg("round %zu: not %a", round, expected);
        subnormal += fabs(expected) < DBL_MIN && expected != 0;
        infinite += isinf(expected) != 0;
        work_release(w, mark);
    }
    ck_assert(subnormal > count / 50 && infinite > count / 100);
}

/* binary64: the nearest to numbers of 2 to 200 bits. */
START_TEST(binary64_is_nearest)
{
    in_work(against_the_definition, NULL);
}
END_TEST

static void unknowns(struct work *w, void *args)
{
    const struct format *formats[] = {&BINARY64, &BINARY32, &BFLOAT16, &BINARY16};
    (void)args;
    MPFR_DECL_INIT(x, 60);
    for (size_t k = 0; k < 4; k++) {
        mpfr_set_ui(x, 1, MPFR_RNDN);
        ck_assert(is_open(x, MAG_INF, formats[k], w));
        mpfr_set_nan(x);
        ck_assert(is_open(x, MAG_INF, formats[k], w));
        mpfr_set_zero(x, -1);
        ck_assert(rounds_to(0, x, MAG_ZERO, formats[k], w)); /* +0 */
        ck_assert(rounds_to(0, x, mag_power_of_two(formats[k]->min_exponent - 1), formats[k], w));
        ck_assert(is_open(x, mag_power_of_two(formats[k]->min_exponent), formats[k], w));
        mpfr_set_ui_2exp(x, 1, 5000, MPFR_RNDN);
        ck_assert(rounds_to(INFINITY, x, mag_power_of_two(4999), formats[k], w));
        ck_assert(is_open(x, mag_power_of_two(5000), formats[k], w));
    }
}

/* What claims nothing decides nothing; zeros are +0, and so is what lies around them; infinities are decided too. */
START_TEST(zeros_infinities_and_unknowns)
{
    in_work(unknowns, NULL);
}
END_TEST

/* ---- pairs ------------------------------------------------------------------------------------------------------------ */

/* The pairs of an exact matrix by their definition; the radius by trying powers of two from the
 * least on. */
static struct pairs *true_pairs(struct work *w, const struct ball *x)
{
    struct pairs *p = pairs_new(w, x->rows, x->cols);
    struct work_block *mark = work_mark(w);
    mpfr_ptr t = ball_new(w, 1, 3, WIDE)->at, rest = t, squares = t + 1, power = t + 2;
    int inexact = 0;
    for (size_t k = 0; k < ball_count(x); k++) {
        p->hi[k] = nearest(x->at + k);
        inexact |= mpfr_sub_d(rest, x->at + k, p->hi[k], MPFR_RNDN);
        p->lo[k] = nearest(rest);
        inexact |= mpfr_sub_d(rest, rest, p->lo[k], MPFR_RNDN);
        inexact |= mpfr_fma(squares, rest, rest, squares, MPFR_RNDN);
    }
    ck_assert(!inexact);
    long exponent = -1074;
    if (!mpfr_zero_p(squares)) {
        mpfr_set_ui_2exp(power, 1, 2 * exponent, MPFR_RNDN);
        for (; mpfr_less_p(power, squares); exponent++)
            mpfr_mul_2ui(power, power, 2, MPFR_RNDN);
        p->radius = ldexp(1, (int)exponent);
    }
    work_release(w, mark);
    return p;
}

static bool same_pairs(const struct pairs *x, const struct pairs *y)
{
    bool same = x->rows == y->rows && x->cols == y->cols && same_bits(x->radius, y->radius);
    for (size_t k = 0; k < x->rows * x->cols && same; k++)
        same = same_bits(x->hi[k], y->hi[k]) && same_bits(x->lo[k], y->lo[k]);
    return same;
}

/* An exact matrix, often with exponents near those where binary64 ends. */
static struct ball *random_answer(struct work *w, uint64_t *state)
{
    static const long middles[] = {0, 0, 0, -1070, -1020, -960, 1000};
    struct ball *x = random_exact(w, state, 1 + random_below(state, 3), 1 + random_below(state, 3),
                                  (mpfr_prec_t)(2 + random_below(state, 250)), 20);
    ball_scale(x, x, middles[random_below(state, 7)]);
    return x;
}

static void exact_pairs(struct work *w, void *args)
{
    uint64_t state = 3;
    size_t exact = 0, least = 0, count = rounds(5000);
    (void)args;
    for (size_t round = 0; round < count; round++) {
        struct work_block *mark = work_mark(w);
        struct ball *x = random_answer(w, &state);
        struct pairs *p = pairs_new(w, x->rows, x->cols), *q = true_pairs(w, x);
        size_t undecided;
        if (!round_pairs(w, p, x, &undecided) || !same_pairs(p, q))
            ck_abort_msg("round %zu", round);
        exact += p->radius == 0;
        least += p->radius == 0x1p-1074;
        if (p->radius > 0x1p-1074) { /* half as large a radius would not do; this is true_pairs' own radius */
            q->radius /= 2;
            ck_assert(!same_pairs(p, q));
        }
        mpfr_add_d(x->at, x->at, fmax(fabs(p->hi[0]) * 0x1p-52, 0x1p-1073), MPFR_RNDU);
        ck_assert(!same_pairs(p, true_pairs(w, x)));
        work_release(w, mark);
    }
    ck_assert_msg(exact > count / 20 && least > count / 50, "%zu and %zu of %zu", exact, least, count);
}

/* Exact matrices are always decided: hi = the entry rounded to nearest, lo = the rest rounded, radius = the least
 * binary64 power of two not below the Frobenius norm of what is left. */
START_TEST(exact_answers_are_decided)
{
    in_work(exact_pairs, NULL);
}
END_TEST

/* Moves entry k of x to the upper or lower end of what `a` allows. */
static void move_to_end(struct work *w, struct ball *x, const struct ball *a, size_t k, int sign)
{
    mpfr_ptr error = ball_new(w, 1, 1, 64)->at;
    mag_get_mpfr(error, a->error[k]);
    (sign > 0 ? mpfr_add : mpfr_sub)(x->at + k, a->at + k, error, MPFR_RNDN);
}

/* The midpoints of `a`, but for entry k at its end. */
static struct ball *end_of(struct work *w, const struct ball *a, size_t k, int sign)
{
    struct ball *x = ball_copy(w, a, WIDE);
    ball_make_exact(x);
    move_to_end(w, x, a, k, sign);
    return x;
}

/* A corner of `a`, whose radius allows them all. */
static struct ball *corner_of(struct work *w, uint64_t *state, const struct ball *a)
{
    struct ball *x = ball_copy(w, a, WIDE);
    ball_make_exact(x);
    for (size_t k = 0; k < ball_count(a); k++)
        if (random_below(state, 2))
            move_to_end(w, x, a, k, random_below(state, 2) ? 1 : -1);
    return x;
}

struct decisions {
    size_t made, by_entry, by_radius;
};

/* A decision is right for each member. Where an entry is left open, it differs between the ends of its enclosure. */
static void check_decision(struct work *w, uint64_t *state, struct decisions *count)
{
    struct ball *a = random_answer(w, state);
    struct pairs *p = pairs_new(w, a->rows, a->cols);
    size_t undecided = 12345;
    for (size_t k = 0; k < ball_count(a); k++)
        if (random_below(state, 4)) {
            mpfr_exp_t top = mpfr_zero_p(a->at + k) ? 0 : mpfr_get_exp(a->at + k);
            a->error[k] = mag_power_of_two(top - (long)random_below(state, 300));
        }
    a->radius = MAG_INF;
    ball_tighten(a);
    if (round_pairs(w, p, a, &undecided)) {
        count->made++;
        for (int member = 0; member < 3; member++)
            ck_assert(same_pairs(p, true_pairs(w, corner_of(w, state, a))));
    } else if (undecided < ball_count(a)) {
        count->by_entry++;
        const struct pairs *low = true_pairs(w, end_of(w, a, undecided, -1));
        const struct pairs *high = true_pairs(w, end_of(w, a, undecided, 1));
        ck_assert(low->hi[undecided] != high->hi[undecided] || low->lo[undecided] != high->lo[undecided]);
    } else {
        ck_assert(undecided == ball_count(a));
        count->by_radius++;
    }
}

static void decisions(struct work *w, void *args)
{
    uint64_t state = 4;
    struct decisions count = {0};
    size_t number = rounds(4000);
    (void)args;
    for (size_t round = 0; round < number; round++) {
        struct work_block *mark = work_mark(w);
        check_decision(w, &state, &count);
        work_release(w, mark);
    }
    ck_assert_msg(count.made > number / 10 && count.by_entry > number / 10 && count.by_radius > number / 100,
                  "%zu %zu %zu of %zu", count.made, count.by_entry, count.by_radius, number);
}

/* Enclosures: whatever is decided holds for each matrix that they may stand for; what is not decided could not be. */
START_TEST(decisions_hold)
{
    in_work(decisions, NULL);
}
END_TEST

/* 1 + 2^-60 + (n / d) 2^-120 as a ball of 300 bits, all of it error but the midpoint; n 2^-120 + d (...) the numerator. */
static struct ball *tie_of(struct work *w, const unsigned long *n, size_t count, unsigned long d)
{
    struct ball *a = ball_new(w, 1, count, 300);
    struct rational *x = work_alloc(w, 1, sizeof *x);
    *x = (struct rational){ball_new(w, 1, count, 200), work_integers(w, 1)};
    mpz_set_ui(x->denominator, d);
    for (size_t k = 0; k < count; k++) {
        mpfr_ptr numerator = x->numerators->at + k;
        mpfr_set_ui_2exp(numerator, 1, -60, MPFR_RNDN);
        mpfr_add_ui(numerator, numerator, 1, MPFR_RNDN);
        mpfr_mul_2ui(numerator, numerator, 120, MPFR_RNDN);
        mpfr_mul_ui(numerator, numerator, d, MPFR_RNDN);
        mpfr_add_ui(numerator, numerator, n[k], MPFR_RNDN);
        mpfr_mul_2si(numerator, numerator, -120, MPFR_RNDN);
        mpfr_div_ui(a->at + k, numerator, d, MPFR_RNDN);
        a->error[k] = mag_power_of_two(-298);
    }
    a->radius = MAG_INF;
    ball_tighten(a);
    a->rational = x;
    return a;
}

/* A rest of (3/5, 4/5) 2^-120 is of norm 2^-120 exactly: no enclosure decides whether that or 2^-119 is the radius, its
 * being rational does. Likewise (2/7, 3/7, 6/7), (1/1), and (1/3, 2/3, 2/3); while 5/5, 1/3 alone and so on need not. */
static void ties_of_radius(struct work *w, void *args)
{
    static const struct {
        unsigned long n[3];
        size_t count;
        unsigned long d;
        int radius;
        bool tie;
    } cases[] = {
        {{3, 4}, 2, 5, -120, true},     {{4, 3}, 2, 5, -120, true},     {{2, 3, 6}, 3, 7, -120, true},
        {{1}, 1, 1, -120, true},        {{1, 2, 2}, 3, 3, -120, true},  {{6, 8}, 2, 5, -119, true},
        {{3, 5}, 2, 5, -119, false},    {{3, 3}, 2, 5, -120, false},    {{2, 3, 5}, 3, 7, -120, false},
        {{2, 3, 7}, 3, 7, -119, false}, {{0, 0}, 2, 5, 0, true},        {{1}, 1, 3, -121, false},
        {{1}, 1, 1025, -130, false},    {{1025}, 1, 1024, -119, false}, {{1023}, 1, 1024, -120, false},
    };
    (void)args;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct ball *a = tie_of(w, cases[k].n, cases[k].count, cases[k].d);
        struct pairs *p = pairs_new(w, 1, cases[k].count);
        const struct rational *x = a->rational;
        size_t undecided = 0;
        double expected = cases[k].radius ? ldexp(1, cases[k].radius) : 0;
        ck_assert_msg(round_pairs(w, p, a, &undecided) && p->radius == expected, "case %zu: %a", k, p->radius);
        ck_assert(p->hi[0] == 1 && p->lo[0] == 0x1p-60);
        a->rational = NULL;
        bool decided = round_pairs(w, p, a, &undecided);
        ck_assert_msg(decided == !cases[k].tie && undecided == cases[k].count, "case %zu", k);
        ck_assert(!decided || p->radius == expected);
        a->rational = x;
        mpfr_nextabove(x->numerators->at); /* another rational value has another radius, if this one was a tie */
        ck_assert(round_pairs(w, p, a, &undecided) && (p->radius != expected) == cases[k].tie);
    }
}

START_TEST(rational_answers_decide_their_radius)
{
    in_work(ties_of_radius, NULL);
}
END_TEST

/* Which entry is open, by its hi or by its lo: 1 + 2^-53 is a midpoint of hi, 1 + 2^-60 (1 + 2^-53) of lo. */
static void open_entries(struct work *w, void *args)
{
    (void)args;
    struct ball *a = ball_new(w, 2, 3, 200);
    struct pairs *p = pairs_new(w, 2, 3);
    size_t undecided = 77;
    ck_assert(round_pairs(w, p, a, &undecided) && p->radius == 0 && p->hi[5] == 0 && p->lo[5] == 0);
    for (size_t k = 6; k-- > 0;) {
        mpfr_set_ui_2exp(a->at + k, 1, k % 2 ? -53 : -113, MPFR_RNDN);
        mpfr_add_d(a->at + k, a->at + k, k % 2 ? 0 : 0x1p-60, MPFR_RNDN);
        mpfr_add_ui(a->at + k, a->at + k, 1, MPFR_RNDN);
        ck_assert(round_pairs(w, p, a, &undecided)); /* exact: ties to even */
        ck_assert(p->hi[k] == 1 && p->lo[k] == (k % 2 ? 0x1p-53 : 0x1p-60));
        a->error[k] = mag_power_of_two(-190);
        ck_assert(!round_pairs(w, p, a, &undecided) && undecided == k);
        a->error[k] = MAG_ZERO;
    }
    a->error[4] = MAG_INF;
    ck_assert(!round_pairs(w, p, a, &undecided) && undecided == 4);
}

START_TEST(the_open_entry_is_named)
{
    in_work(open_entries, NULL);
}
END_TEST

/* A radius that may be 0 is not decided: x = 1 +- 2^-300, and 0 +- 2^-3000, whose radius may be 2^-1074. */
static void radii_near_zero(struct work *w, void *args)
{
    (void)args;
    struct pairs *p = pairs_new(w, 1, 1);
    struct ball *a = ball_from_integer(w, 1);
    size_t undecided = 0;
    ball_widen(a, mag_power_of_two(-300));
    ck_assert(!round_pairs(w, p, a, &undecided)); /* lo may be +-2^-300: that differs */
    ck_assert(undecided == 0);
    a = ball_new(w, 1, 1, 64);
    ball_widen(a, mag_power_of_two(-3000));
    ck_assert(!round_pairs(w, p, a, &undecided) && undecided == 1);
    mpfr_set_ui_2exp(a->at, 1, -2990, MPFR_RNDN);
    ck_assert(round_pairs(w, p, a, &undecided) && p->hi[0] == 0 && p->lo[0] == 0 && p->radius == 0x1p-1074);
    mpfr_set_ui_2exp(a->at, 1, -1075, MPFR_RNDN); /* exactly half the least number: to even */
    ball_make_exact(a);
    ck_assert(round_pairs(w, p, a, &undecided) && p->hi[0] == 0 && p->lo[0] == 0 && p->radius == 0x1p-1074);
    mpfr_set_si_2exp(a->at, -3, -1075, MPFR_RNDN);
    ck_assert(round_pairs(w, p, a, &undecided) && p->hi[0] == -0x1p-1073 && p->lo[0] == 0 && p->radius == 0x1p-1074);
}

START_TEST(radii_near_zero_are_not_guessed)
{
    in_work(radii_near_zero, NULL);
}
END_TEST

/* +-(DBL_MAX + half a unit in the last place (less 2^-5)), exactly or nearly. */
struct overflow {
    bool negative, less;
    size_t place;
};

static void overflowing(struct work *w, void *args)
{
    const struct overflow *o = args;
    struct ball *a = ball_new(w, 2, 2, 1200);
    struct pairs *p = pairs_new(w, 2, 2);
    mpfr_ptr x = a->at + o->place;
    mpfr_set_ui_2exp(x, 1, 970, MPFR_RNDN);
    mpfr_add_d(x, x, DBL_MAX, MPFR_RNDN);
    mpfr_sub_d(x, x, o->less ? 0x1p-5 : 0, MPFR_RNDN);
    mpfr_setsign(x, x, o->negative, MPFR_RNDN);
    size_t undecided;
    ck_assert(round_pairs(w, p, a, &undecided));
    double sign = o->negative ? -1 : 1;
    ck_assert(p->hi[o->place] == sign * DBL_MAX && p->lo[o->place] == sign * 0x1p970 && p->radius == 0x1p-5);
    a->error[o->place] = a->radius = mag_power_of_two(-4);
    ck_assert(!round_pairs(w, p, a, &undecided) && undecided == o->place);
}

/* From DBL_MAX + 2^970 on there is no answer; below there is. */
START_TEST(overflow_is_an_error)
{
    for (size_t place = 0; place < 4; place++)
        for (int negative = 0; negative < 2; negative++) {
            char expected[100];
            struct overflow o = {negative, true, place};
            in_work(overflowing, &o);
            o.less = false;
            snprintf(expected, sizeof expected, "entry (%zu, %zu) of the answer exceeds the largest binary64 number",
                     place / 2, place % 2);
            ck_assert_str_eq(fails_in_work(ASSAY_RANGE, overflowing, &o), expected);
        }
}
END_TEST

/* Zeros of either sign, and what cancels to zero, are +0 in hi and lo. */
static void signs_of_zero(struct work *w, void *args)
{
    (void)args;
    struct ball *a = ball_new(w, 1, 4, 100);
    struct pairs *p = pairs_new(w, 1, 4);
    size_t undecided;
    mpfr_set_zero(a->at, -1);
    mpfr_set_si(a->at + 1, -3, MPFR_RNDN);
    mpfr_set_si_2exp(a->at + 2, -1, -1200, MPFR_RNDN);
    mpfr_set_si_2exp(a->at + 3, -5, -1075, MPFR_RNDN); /* its lo would be -2^-1075 */
    ck_assert(round_pairs(w, p, a, &undecided) && p->hi[1] == -3 && p->hi[3] == -0x1p-1073);
    for (size_t k = 0; k < 4; k++)
        ck_assert(same_bits(p->lo[k], 0) && (k % 2 || same_bits(p->hi[k], 0)));
}

START_TEST(zeros_are_positive)
{
    in_work(signs_of_zero, NULL);
}
END_TEST

RUN_TESTS("rounding", TEST(all_of_binary16), TEST(all_of_bfloat16), TEST(binary32_is_the_processors),
          TEST(binary64_is_nearest), TEST(zeros_infinities_and_unknowns), TEST(exact_answers_are_decided),
          TEST(decisions_hold), TEST(rational_answers_decide_their_radius), TEST(the_open_entry_is_named),
          TEST(radii_near_zero_are_not_guessed), TEST(overflow_is_an_error), TEST(zeros_are_positive))
