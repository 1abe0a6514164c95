#include "arithmetic.h"

#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const enum tensor_type narrow[] = {TENSOR_F32, TENSOR_F16, TENSOR_BF16};
enum { NARROW = sizeof narrow / sizeof narrow[0] };
/* Of every format: precision, and the exponents of its least number and of the first power of two beyond it. */
static const struct {
    int precision, least, beyond;
} layout[FORMATS] = {{53, -1074, 1024}, {24, -149, 128}, {11, -24, 16}, {8, -133, 128}};

/* ---- rounding to nearest ------------------------------------------------------------------------------------------- */

/* x rounded by MPFR, with the format's precision and exponents; ties to even. */
static double mpfr_nearest(enum tensor_type f, double x)
{
    mpfr_exp_t least = mpfr_get_emin(), most = mpfr_get_emax();
    mpfr_t y;
    mpfr_init2(y, (mpfr_prec_t)layout[f].precision);
    mpfr_set_emin(layout[f].least + 1);
    mpfr_set_emax(layout[f].beyond);
    int ternary = mpfr_set_d(y, x, MPFR_RNDN);
    ternary = mpfr_check_range(y, ternary, MPFR_RNDN);
    mpfr_subnormalize(y, ternary, MPFR_RNDN);
    double rounded = mpfr_get_d(y, MPFR_RNDN);
    mpfr_set_emin(least);
    mpfr_set_emax(most);
    mpfr_clear(y);
    return rounded;
}

static bool same(double x, double y)
{
    return memcmp(&x, &y, sizeof x) == 0;
}

static void check_nearest(enum tensor_type f, double x)
{
    for (int sign = -1; sign <= 1; sign += 2)
        ck_assert_msg(same(nearest(f, sign * x), mpfr_nearest(f, sign * x)), "%s: %a becomes %a, not %a",
                      tensor_type_name(f), sign * x, nearest(f, sign * x), mpfr_nearest(f, sign * x));
}

/* nearest(x) = MPFR's rounding to the format, for every number of the 16-bit formats and every 2^16th of binary32, the
 * middle between it and the next one, and the binary64 numbers beside these: ties, subnormals, overflow. */
START_TEST(rounds_to_nearest_everywhere)
{
    for (size_t k = 0; k < NARROW; k++) {
        enum tensor_type f = narrow[k];
        bool wide = f == TENSOR_F32;
        for (uint64_t bits = 0; bits < 0x8000; bits += stride(1)) {
            uint64_t pattern = wide ? bits << 16 | (bits * 40503 & 0xFFFF) : bits;
            double x = tensor_decode(f, pattern), next = tensor_decode(f, pattern + 1);
            if (!isfinite(x))
                continue;
            if (!isfinite(next))
                next = ldexp(1, layout[f].beyond); /* what would come next */
            const double around[] = {x, x + (next - x) / 2, x + (next - x) / 4};
            for (size_t a = 0; a < 3; a++) {
                check_nearest(f, around[a]);
                check_nearest(f, nextafter(around[a], INFINITY));
                check_nearest(f, nextafter(around[a], 0));
            }
            ck_assert(same(nearest(f, x), x)); /* what the format holds stays */
        }
        check_nearest(f, 0x1.fffffffffffffp1023);
        check_nearest(f, 0x1p-1074);
        check_nearest(f, INFINITY);
        ck_assert(isnan(nearest(f, NAN)));
    }
    ck_assert(same(nearest(TENSOR_F64, 0x1.8000000000001p-1050), 0x1.8000000000001p-1050));
    ck_assert(!same(nearest(TENSOR_BF16, 1 + 0x1p-8), 1 + 0x1p-7)); /* the comparison sees ties away from zero */
}
END_TEST

START_TEST(constants_of_the_formats)
{
    for (size_t f = 0; f < FORMATS; f++) {
        ck_assert(unit_roundoff((enum tensor_type)f) == ldexp(1, -layout[f].precision));
        ck_assert(least_number((enum tensor_type)f) == ldexp(1, layout[f].least));
        /* 4 sqrt(max(m, n)) u */
        ck_assert(backward_error((enum tensor_type)f, 4, 9) == 12 * ldexp(1, -layout[f].precision));
        ck_assert(backward_error((enum tensor_type)f, 16, 9) == 16 * ldexp(1, -layout[f].precision));
    }
    struct evaluation e = {.format = TENSOR_BF16};
    ck_assert(constant(&e, TENSOR_BF16, 3.4445) == 3.4445);
    e.constants = true;
    ck_assert(constant(&e, TENSOR_BF16, 3.4445) == 3.4375);
    ck_assert(power_of(0.5, 0) == 1 && power_of(0.5, 10) == 0x1p-10 && power_of(3, 4) == 81);
}
END_TEST

/* ---- random rounding ----------------------------------------------------------------------------------------------- */

/* Only the two neighbours of x come up, both about as often (within 6 standard deviations of 1 / 2), and x itself where the
 * format holds it; below the least normal number rounding is to nearest. */
START_TEST(random_rounding_gives_the_neighbours)
{
    uint64_t state = 1;
    struct evaluation e = {.random = true, .seed = 7};
    for (size_t k = 0; k < NARROW; k++) {
        enum tensor_type f = narrow[k];
        size_t up = 0, total = rounds(20000);
        for (size_t n = 0; n < total; n++) {
            double x = ldexp(1 + random_uniform(&state), (int)random_below(&state, 20) - 10);
            double unit = ldexp(1, ilogb(x) + 1 - layout[f].precision), below = floor(x / unit) * unit;
            double got = rounded(&e, f, n % 2 ? x : -x) * (n % 2 ? 1 : -1);
            ck_assert_msg(got == below || got == below + unit, "%a becomes %a", x, got);
            up += got > below;
            ck_assert(rounded(&e, f, below) == below);
        }
        double off = (double)up - (double)total / 2;
        ck_assert_double_le(fabs(off), 3 * sqrt((double)total));
        double tiny = 5.4 * least_number(f);
        for (size_t n = 0; n < 100; n++)
            ck_assert(rounded(&e, f, tiny) == 5 * least_number(f));
        ck_assert(isinf(rounded(&e, f, ldexp(1.0, layout[f].beyond))) && isnan(rounded(&e, f, NAN)));
    }
    size_t seen[3] = {0};
    for (size_t n = 0; n < 4000; n++) { /* binary64: x, or one of its neighbours */
        double got = rounded(&e, TENSOR_F64, 1.5);
        ck_assert(fabs(got - 1.5) <= 0x1p-52);
        seen[got < 1.5 ? 0 : got > 1.5 ? 2 : 1]++;
    }
    ck_assert(seen[0] > 800 && seen[2] > 800 && seen[1] > 1700);
}
END_TEST

/* round_all() is rounded() of each, for any number of them: to nearest to the bit; at random the neighbours, each number with
 * coins of its own: 1 + 2^-20 and its neighbours in the array agree about as often as not. */
START_TEST(rows_are_rounded_like_numbers)
{
    uint64_t state = 3;
    double x[21], all[21];
    struct evaluation plain = {0}, e = {.random = true, .seed = 8};
    for (size_t n = 0; n < rounds(4000); n++) {
        enum tensor_type f = (enum tensor_type)(n % FORMATS);
        size_t count = random_below(&state, 22);
        for (size_t k = 0; k < count; k++)
            all[k] = x[k] = ldexp(random_gaussian(&state), (int)random_below(&state, 320) - 160);
        round_all(&plain, f, all, count);
        for (size_t k = 0; k < count; k++)
            ck_assert(same(all[k], rounded(&plain, f, x[k])));
    }
    for (size_t f = 0; f < FORMATS; f++) {
        size_t up[21] = {0}, alike[21] = {0}, total = 4000;
        for (size_t n = 0; n < total; n++) {
            for (size_t k = 0; k < 21; k++)
                all[k] = 1 + (f == TENSOR_F64 ? 0 : 0x1p-25);
            round_all(&e, (enum tensor_type)f, all, 21);
            double unit = ldexp(1, 1 - layout[f].precision);
            for (size_t k = 0; k < 21; k++) {
                ck_assert(all[k] == 1 || all[k] == 1 + unit || (f == TENSOR_F64 && all[k] == 1 - unit / 2));
                up[k] += all[k] != 1;
                alike[k] += k > 0 && (all[k] == 1) == (all[k - 1] == 1);
            }
        }
        for (size_t k = 0; k < 21; k++)
            ck_assert(fabs((double)up[k] - (double)total / 2) <= 3 * sqrt((double)total) &&
                      (k == 0 || fabs((double)alike[k] - (double)total / 2) <= 3 * sqrt((double)total)));
    }
}
END_TEST

/* ---- dot products -------------------------------------------------------------------------------------------------- */

enum { MOST_TERMS = 200 };

/* The sum of x_k y_k, and of |x_k y_k|, exactly but for the last rounding. */
static void exact_dot(double *sum, double *size, const double *x, const double *y, size_t n)
{
    mpfr_t s, t, p;
    mpfr_init2(s, 4400);
    mpfr_init2(t, 4400);
    mpfr_init2(p, 106);
    mpfr_set_zero(s, 1);
    mpfr_set_zero(t, 1);
    for (size_t k = 0; k < n; k++) {
        mpfr_set_d(p, x[k], MPFR_RNDN);
        mpfr_mul_d(p, p, y[k], MPFR_RNDN);
        mpfr_add(s, s, p, MPFR_RNDN);
        mpfr_abs(p, p, MPFR_RNDN);
        mpfr_add(t, t, p, MPFR_RNDN);
    }
    *sum = mpfr_get_d(s, MPFR_RNDN);
    *size = mpfr_get_d(t, MPFR_RNDN);
    mpfr_clears(s, t, p, (mpfr_ptr)NULL);
}

/* |dot - sum x_k y_k| <= gamma_{n + lanes} sum |x_k y_k|, gamma_k = k u / (1 - k u), u that of the accumulator (Higham,
 * Accuracy and Stability, 3.1), for every number of lanes, order, fused or not, and strides. Not so if u were half as large
 * for some: bounds are used up by more than a twentieth. */
START_TEST(dots_are_within_gamma)
{
    static double x[2 * MOST_TERMS], y[3 * MOST_TERMS], a[MOST_TERMS], b[MOST_TERMS];
    uint64_t state = 2;
    size_t order[MOST_TERMS];
    double worst[2] = {0, 0};
    for (size_t n = 0; n < rounds(3000); n++) {
        size_t count = 1 + random_below(&state, MOST_TERMS);
        enum tensor_type f = (enum tensor_type)(n % FORMATS), sums = f == TENSOR_F64 ? TENSOR_F64 : TENSOR_F32;
        struct evaluation e = {.format = f,
                               .lanes = (size_t)1 << random_below(&state, 4),
                               .fused = n / 4 % 2,
                               .shuffled = n / 8 % 2,
                               .seed = n};
        for (size_t k = 0; k < count; k++) {
            a[k] = x[2 * k] = nearest(f, random_gaussian(&state));
            b[k] = y[3 * k] = nearest(f, random_gaussian(&state));
        }
        const size_t *drawn = draw_order(&e, order, count);
        ck_assert((drawn != NULL) == e.shuffled);
        double sum, size, got = dot(&e, x, 2, y, 3, count, drawn);
        exact_dot(&sum, &size, a, b, count);
        double ku = (double)(count + e.lanes) * unit_roundoff(sums), bound = ku / (1 - ku) * size;
        ck_assert_double_le(fabs(got - sum), bound);
        ck_assert(same(got, nearest(sums, got)));
        worst[sums == TENSOR_F32] = fmax(worst[sums == TENSOR_F32], fabs(got - sum) / bound);
    }
    ck_assert(rounds(3000) < 3000 || (worst[0] > 0.05 && worst[1] > 0.05)); /* few rounds come less near */
}
END_TEST

/* dots() are eight dot() to the bit: every format, number of lanes, fused or not; and what one column holds changes no other. */
START_TEST(columns_are_dots)
{
    static double x[MOST_TERMS], y[MOST_TERMS][COLUMNS];
    uint64_t state = 11;
    for (size_t n = 0; n < rounds(3000); n++) {
        size_t count = random_below(&state, n % 8 ? 20 : MOST_TERMS);
        enum tensor_type f = (enum tensor_type)(n % FORMATS);
        struct evaluation e = {.format = f, .lanes = (size_t)1 << random_below(&state, 4), .fused = n / 4 % 2};
        double scale = n % 5 ? 1 : ldexp(1, -layout[f].beyond / 2),
               sums[COLUMNS]; /* products are subnormal, or vanish */
        for (size_t k = 0; k < count; k++) {
            x[k] = nearest(f, random_gaussian(&state) * scale);
            for (size_t j = 0; j < COLUMNS; j++)
                y[k][j] = j == n % 9 ? 0 : nearest(f, random_gaussian(&state) * scale);
        }
        dots(&e, sums, x, (const double(*)[COLUMNS])y, count);
        for (size_t j = 0; j < COLUMNS; j++)
            ck_assert(same(sums[j], dot(&e, x, 1, &y[0][j], COLUMNS, count, NULL)));
        size_t k = count / 2, j = random_below(&state, COLUMNS);
        y[k][j] += 1;
        double changed[COLUMNS];
        dots(&e, changed, x, (const double(*)[COLUMNS])y, count);
        for (size_t l = 0; l < COLUMNS; l++)
            ck_assert(l == j || same(changed[l], sums[l]));
    }
}
END_TEST

/* In binary64 a fused product counts to 2^-78: (1 + a)(1 + b) - 1 with a, b of 52 bits is the exact value rounded to nearest,
 * in dot() and in every column of dots(), but where that is within 2^-25 of a tie; and is not without fusing. */
START_TEST(fused_products_are_long)
{
    uint64_t state = 12;
    size_t differ = 0;
    for (size_t n = 0; n < rounds(5000); n++) {
        double x[2] = {1, 1 + random_uniform(&state)}, y[2][COLUMNS], sums[COLUMNS], first[2];
        for (size_t j = 0; j < COLUMNS; j++) {
            y[0][j] = -1 - random_uniform(&state);
            y[1][j] = 1 + random_uniform(&state);
        }
        struct evaluation e = {.format = TENSOR_F64, .lanes = 1, .fused = true};
        dots(&e, sums, x, (const double(*)[COLUMNS])y, 2);
        for (size_t j = 0; j < COLUMNS; j++) {
            double exact = fma(x[1], y[1][j], y[0][j]);
            ck_assert_double_le(fabs(sums[j] - exact), 0x1p-77 + fabs(exact) * 0x1p-52 * (sums[j] != exact));
            differ += sums[j] != exact;
        }
        for (int fused = 0; fused < 2; fused++) {
            e.fused = fused;
            first[fused] = dot(&e, x, 1, &y[0][3], COLUMNS, 2, NULL);
        }
        ck_assert(same(first[1], sums[3]));
        ck_assert_double_le(fabs(first[0] - first[1]), 0x1p-51);
        state += first[0] == first[1] ? 0 : 1;
    }
    ck_assert_uint_le(differ, 2); /* 2^-24 of 40 000 are expected to be so near a tie */
}
END_TEST

/* Random sums: 1 + 2^-30 is 1 or 1 + 2^-23 in each column about as often (within 6 standard deviations), and two columns agree
 * about as often as not; so are products, (1 + 2^-15)^2 - 1; and fused ones are not rounded. */
START_TEST(columns_have_their_own_coins)
{
    const double x[] = {1, 1 + 0x1p-15};
    double y[2][COLUMNS], sums[COLUMNS];
    size_t up[2][COLUMNS] = {{0}}, alike[COLUMNS] = {0}, total = 4000;
    struct evaluation e = {.format = TENSOR_BF16, .lanes = 1, .random = true, .random_sums = true, .seed = 9};
    for (size_t n = 0; n < total; n++) {
        const double ones[] = {1, 1};
        e.lanes = n % 2 ? 1 : 2;
        for (size_t j = 0; j < COLUMNS; j++) {
            y[0][j] = 1;
            y[1][j] = 0x1p-30;
        }
        dots(&e, sums, ones, (const double(*)[COLUMNS])y, 2);
        for (size_t j = 0; j < COLUMNS; j++) {
            ck_assert(sums[j] == 1 || sums[j] == 1 + 0x1p-23);
            up[0][j] += sums[j] > 1;
            alike[j] += (sums[j] > 1) == (sums[0] > 1);
        }
        for (size_t j = 0; j < COLUMNS; j++) {
            y[0][j] = -1;
            y[1][j] = 1 + 0x1p-15;
        }
        dots(&e, sums, x, (const double(*)[COLUMNS])y, 2);
        for (size_t j = 0; j < COLUMNS; j++) { /* the product is a multiple of 2^-30, the sum of 2^-23, so exact */
            ck_assert(sums[j] == 0x1p-14 || sums[j] == 0x1p-14 + 0x1p-23);
            up[1][j] += sums[j] > 0x1p-14;
        }
    }
    for (size_t j = 0; j < COLUMNS; j++) {
        for (size_t l = 0; l < 2; l++)
            ck_assert(fabs((double)up[l][j] - (double)total / 2) <= 3 * sqrt((double)total));
        ck_assert(j == 0 || fabs((double)alike[j] - (double)total / 2) <= 3 * sqrt((double)total));
    }
    e.fused = true;
    dots(&e, sums, x, (const double(*)[COLUMNS])y, 2);
    for (size_t j = 0; j < COLUMNS; j++)
        ck_assert(sums[j] == 0x1p-14 + 0x1p-30);
}
END_TEST

/* What tells evaluations apart: (1 + 2^-12)^2 - 1, and 1 + 2^-24 + 2^-24 in either order and in lanes. */
START_TEST(evaluations_differ)
{
    const double x[] = {1, 1 + 0x1p-12}, y[] = {-1, 1 + 0x1p-12};
    struct evaluation e = {.format = TENSOR_F32, .lanes = 1, .fused = true};
    ck_assert(dot(&e, x, 1, y, 1, 2, NULL) == 0x1p-11 + 0x1p-24);
    e.fused = false;
    ck_assert(dot(&e, x, 1, y, 1, 2, NULL) == 0x1p-11);
    const double ones[] = {1, 1, 1}, terms[] = {1, 0x1p-24, 0x1p-24};
    const size_t backwards[] = {2, 1, 0};
    ck_assert(dot(&e, ones, 1, terms, 1, 3, NULL) == 1);
    ck_assert(dot(&e, ones, 1, terms, 1, 3, backwards) == 1 + 0x1p-23);
    e.lanes = 2; /* (1 + 2^-24) + 2^-24 */
    ck_assert(dot(&e, ones, 1, terms, 1, 3, NULL) == 1);
    const double last[] = {0x1p-24, 1, 0x1p-24}; /* (2^-24 + 2^-24) + 1 */
    ck_assert(dot(&e, ones, 1, last, 1, 3, NULL) == 1 + 0x1p-23);
    e.format = TENSOR_F64;
    ck_assert(dot(&e, ones, 1, terms, 1, 3, NULL) == 1 + 0x1p-23);
    const double fine[] = {1, 1 + 0x1p-27}, back[] = {-1, 1 + 0x1p-27};
    ck_assert(dot(&e, fine, 1, back, 1, 2, NULL) == 0x1p-26);
    e.fused = true;
    e.lanes = 1;
    ck_assert(dot(&e, fine, 1, back, 1, 2, NULL) == 0x1p-26 + 0x1p-54);
}
END_TEST

/* ---- drawing ------------------------------------------------------------------------------------------------------- */

static bool same_way(const struct evaluation *a, const struct evaluation *b)
{
    return a->format == b->format && a->state == b->state && a->form == b->form && a->lanes == b->lanes &&
           a->shuffled == b->shuffled && a->fused == b->fused && a->random == b->random &&
           a->constants == b->constants && a->reciprocal == b->reciprocal && a->cast_first == b->cast_first &&
           a->finish_in_state == b->finish_in_state && a->interpolation == b->interpolation &&
           a->decay_apart == b->decay_apart && a->seed == b->seed && a->draws == b->draws;
}

/* The same member is the same way to evaluate; number 0 is the plain one; every choice occurs; honest ones round to
 * nearest; binary16 is never cast to before it is normalised; nobody takes the Gram form to bfloat16. */
START_TEST(draws_are_reproducible)
{
    for (size_t f = 0; f < FORMATS; f++) {
        enum tensor_type format = (enum tensor_type)f;
        size_t forms[POLYNOMIAL_FORMS] = {0}, lanes[9] = {0}, flags[8] = {0}, different = 0;
        for (size_t m = 0; m < 256; m++) {
            struct evaluation e = evaluation_draw(format, 17, m, false), again = evaluation_draw(format, 17, m, false);
            struct evaluation other = evaluation_draw(format, 18, m, false),
                              honest = evaluation_draw(format, 17, m, true);
            ck_assert(same_way(&e, &again) && evaluation_bits(&e) == evaluation_bits(&again));
            different += !same_way(&again, &other);
            ck_assert(!honest.random && e.form == honest.form && e.lanes == honest.lanes);
            ck_assert(e.format == format && e.state == (format == TENSOR_F64 ? TENSOR_F64 : TENSOR_F32));
            ck_assert(!(format == TENSOR_F16 && e.cast_first) && !(format == TENSOR_BF16 && e.form == FORM_GRAM));
            forms[e.form]++;
            lanes[e.lanes]++;
            const bool choices[] = {e.shuffled,          e.fused,      e.random,
                                    e.constants,         e.reciprocal, e.finish_in_state,
                                    e.interpolation > 0, e.decay_apart};
            for (size_t c = 0; c < 8; c++)
                flags[c] += choices[c];
            if (m == 0)
                for (size_t c = 0; c < 8; c++)
                    ck_assert(!choices[c] && e.lanes == 1 && e.form == FORM_DIRECT);
        }
        ck_assert_uint_eq(different, 256);
        ck_assert(forms[FORM_DIRECT] > 60 && forms[FORM_HORNER] > 60);
        ck_assert((forms[FORM_GRAM] > 60) == (format != TENSOR_BF16));
        ck_assert(lanes[1] > 40 && lanes[2] > 40 && lanes[4] > 40 && lanes[8] > 40);
        for (size_t c = 0; c < 8; c++)
            ck_assert(flags[c] > 90 && flags[c] < 220);
    }
}
END_TEST

/* Every order of three terms comes up about as often: 6 000 draws, 1 000 each, within 6 standard deviations of 29. */
START_TEST(orders_are_permutations)
{
    size_t seen[27] = {0}, kinds = 0, order[3];
    struct evaluation e = {.shuffled = true, .seed = 5};
    for (size_t n = 0; n < 6000; n++) {
        ck_assert(draw_order(&e, order, 3) == order);
        seen[order[0] * 9 + order[1] * 3 + order[2]]++;
    }
    for (size_t k = 0; k < 27; k++) {
        size_t a = k / 9, b = k / 3 % 3, c = k % 3;
        bool permutation = a != b && b != c && a != c;
        kinds += permutation;
        ck_assert(permutation ? seen[k] > 826 && seen[k] < 1174 : seen[k] == 0);
    }
    ck_assert_uint_eq(kinds, 6);
    e.shuffled = false;
    ck_assert_ptr_null(draw_order(&e, order, 3));
}
END_TEST

RUN_TESTS("arithmetic", TEST(rounds_to_nearest_everywhere), TEST(constants_of_the_formats),
          TEST(random_rounding_gives_the_neighbours), TEST(rows_are_rounded_like_numbers), TEST(dots_are_within_gamma),
          TEST(columns_are_dots), TEST(fused_products_are_long), TEST(columns_have_their_own_coins),
          TEST(evaluations_differ), TEST(draws_are_reproducible), TEST(orders_are_permutations))
