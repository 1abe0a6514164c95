/* Polar Express: the derived coefficients are minimax, and the published lists are what the derivation gives. */
#include "support.h"

#include "coefficients.h"
#include "polar_express.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PREC = 256, MOST_STEPS = 16 };

struct list {
    struct assay_triple triples[MOST_STEPS];
    double error;
};

static struct list derive(size_t count, double lower, double safety, double cushion)
{
    struct list l;
    ck_assert(assay_ref_polar_express(l.triples, &l.error, count, lower, safety, cushion, NULL) == ASSAY_OK);
    return l;
}

/* theory.md 5: 1 - (the least image) after each step, without cushion, to all digits given; but for its 2.2e-27 at the
 * end of the first list, which is 20 h^3 with h = 4.8e-10, the error of the Taylor polynomial (15, -10, 3) / 8 of x / u:
 * the minimax polynomial is as near as 5/8 h^3. */
START_TEST(errors_are_those_of_the_theory)
{
    const struct {
        double lower;
        size_t count;
        const char *errors[8];
    } cases[] = {
        {1e-3, 8, {"0.99153", "0.964572", "0.859771", "0.545893", "0.113448", "9.165e-4", "4.8e-10", "6.96e-29"}},
        {1e-2, 5, {"0.91909", "0.707203", "0.269436", "0.0125283", "1.23e-6"}},
        {.1, 4, {"0.453417", "0.0626752", "1.54e-4", "2.3e-12"}}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++)
        for (size_t j = 0; j < cases[k].count; j++) {
            const char *expected = cases[k].errors[j], *exponent = strchr(expected, 'e');
            int decimals = (int)((exponent ? exponent : expected + strlen(expected)) - strchr(expected, '.')) - 1;
            double unit = pow(10, (exponent ? atof(exponent + 1) : 0) - decimals);
            double error = derive(j + 1, cases[k].lower, 0, 0).error;
            ck_assert_msg(fabs(error - atof(expected)) <= .5001 * unit, "%g, step %zu: %.10g, not %s", cases[k].lower,
                          j + 1, error, expected);
        }
}
END_TEST

/* y = p(x); y may be x. */
static void evaluate(mpfr_ptr y, struct assay_triple p, mpfr_srcptr x)
{
    MPFR_DECL_INIT(square, PREC);
    MPFR_DECL_INIT(sum, PREC);
    mpfr_sqr(square, x, MPFR_RNDN);
    mpfr_mul_d(sum, square, p.c, MPFR_RNDN);
    mpfr_add_d(sum, sum, p.b, MPFR_RNDN);
    mpfr_mul(sum, sum, square, MPFR_RNDN);
    mpfr_add_d(sum, sum, p.a, MPFR_RNDN);
    mpfr_mul(y, sum, x, MPFR_RNDN);
}

/* p'(x) */
static void differentiate(mpfr_ptr y, struct assay_triple p, mpfr_srcptr x)
{
    MPFR_DECL_INIT(square, PREC);
    mpfr_sqr(square, x, MPFR_RNDN);
    mpfr_mul_d(y, square, 5 * p.c, MPFR_RNDN);
    mpfr_add_d(y, y, 3 * p.b, MPFR_RNDN);
    mpfr_mul(y, y, square, MPFR_RNDN);
    mpfr_add_d(y, y, p.a, MPFR_RNDN);
}

/* Moves x to the zero of p' between x and y, by bisection. */
static void close_in(mpfr_ptr x, mpfr_srcptr y, struct assay_triple p)
{
    MPFR_DECL_INIT(to, PREC);
    MPFR_DECL_INIT(middle, PREC);
    MPFR_DECL_INIT(slope, PREC);
    differentiate(slope, p, x);
    int sign = mpfr_sgn(slope);
    mpfr_set(to, y, MPFR_RNDN);
    for (int k = 0; k < 120; k++) {
        mpfr_add(middle, x, to, MPFR_RNDN);
        mpfr_div_2ui(middle, middle, 1, MPFR_RNDN);
        differentiate(slope, p, middle);
        mpfr_set(mpfr_sgn(slope) == sign ? x : to, middle, MPFR_RNDN);
    }
}

static double error_at(struct assay_triple p, mpfr_srcptr x)
{
    MPFR_DECL_INIT(y, PREC);
    evaluate(y, p, x);
    mpfr_sub_ui(y, y, 1, MPFR_RNDN);
    return mpfr_get_d(y, MPFR_RNDN);
}

/* The errors p(x) - 1 at l, at the extrema between, and at u, in order; returns how many there are, 4 at most. */
static int alternation(double errors[4], struct assay_triple p, mpfr_srcptr l, mpfr_srcptr u)
{
    enum { POINTS = 300 };
    int count = 1, before = 0;
    MPFR_DECL_INIT(x, PREC);
    MPFR_DECL_INIT(last, PREC);
    MPFR_DECL_INIT(slope, PREC);
    MPFR_DECL_INIT(width, PREC);
    mpfr_sub(width, u, l, MPFR_RNDN);
    errors[0] = error_at(p, l);
    for (unsigned long k = 0; k <= POINTS && count < 4; k++) { /* finer near l */
        mpfr_mul_ui(x, width, k * k * k, MPFR_RNDN);
        mpfr_div_ui(x, x, (unsigned long)POINTS * POINTS * POINTS, MPFR_RNDN);
        mpfr_add(x, x, l, MPFR_RNDN);
        differentiate(slope, p, x);
        if (k > 0 && mpfr_sgn(slope) != before) {
            close_in(last, x, p);
            errors[count++] = error_at(p, last);
        }
        before = mpfr_sgn(slope);
        mpfr_set(last, x, MPFR_RNDN);
    }
    if (count < 4)
        errors[count++] = error_at(p, u);
    return count;
}

/* Whether the errors alternate and are equal up to a relative `tolerance`. By Chebyshev's theorem for the Haar space of
 * x, x^3, x^5 on [l, u], l > 0, that makes p the nearest to 1; and by de la Vallee-Poussin no other is nearer than the
 * least of them. */
static bool equioscillates(struct assay_triple p, mpfr_srcptr l, mpfr_srcptr u, double tolerance)
{
    double errors[4], least = INFINITY, largest = 0;
    bool alternates = alternation(errors, p, l, u) == 4;
    for (int k = 0; k < 4 && alternates; k++) {
        alternates = (errors[k] > 0) == (k % 2 == 1);
        least = fmin(least, fabs(errors[k]));
        largest = fmax(largest, fabs(errors[k]));
    }
    return alternates && largest - least <= tolerance * largest;
}

/* Each step equioscillates on the [l, 2 - l] that the steps before leave; the rounding of coefficients up
 * to 30 leaves some 1e-14. */
START_TEST(every_step_is_minimax)
{
    const double lowers[] = {1e-4, 1e-3, 1e-2, .1, .5, .9};
    MPFR_DECL_INIT(l, PREC);
    MPFR_DECL_INIT(u, PREC);
    for (size_t k = 0; k < sizeof lowers / sizeof lowers[0]; k++) {
        struct list list = derive(7, lowers[k], 0, 0);
        mpfr_set_d(l, lowers[k], MPFR_RNDN);
        mpfr_set_ui(u, 1, MPFR_RNDN);
        for (size_t j = 0; j < 7; j++) {
            double error = derive(j + 1, lowers[k], 0, 0).error, tolerance = 1e-14 + 2e-14 / error;
            if (tolerance > 1e-2)
                break;
            struct assay_triple p = list.triples[j], wrong = p;
            ck_assert_msg(equioscillates(p, l, u, tolerance), "[%g, 1], step %zu", lowers[k], j);
            wrong.a *= 1 + 4 * tolerance * error; /* counter-check */
            ck_assert(!equioscillates(wrong, l, u, tolerance));
            evaluate(l, p, l);
            mpfr_ui_sub(u, 2, l, MPFR_RNDN);
        }
    }
}
END_TEST

static bool near(struct assay_triple x, struct assay_triple y, double tolerance)
{
    return fabs(x.a - y.a) <= tolerance && fabs(x.b - y.b) <= tolerance && fabs(x.c - y.c) <= tolerance;
}

/* Whether triples from .. to - 1 of a table are these, up to a tolerance. */
static bool agree(const struct assay_coefficients *t, const struct assay_triple *triples, size_t from, size_t to,
                  double tolerance)
{
    for (size_t k = from; k < to; k++)
        if (!near(t->triples[k], triples[k], tolerance))
            return false;
    return true;
}

/* theory.md 5: the paper's list is the derivation with cushion .02407327424182761, to 9e-15 of b = -23.6 and less of
 * others; to 2e-11 where [l, u] is as short as 1e-2; its last triple is the limit. */
START_TEST(the_papers_list_is_derived)
{
    const struct assay_coefficients *t = &assay_coefficients_pe_paper;
    struct list list = derive(8, 1e-3, 0, .02407327424182761);
    ck_assert(agree(t, list.triples, 0, 6, 1.5e-14) && agree(t, list.triples, 6, 7, 2e-11));
    ck_assert(t->triples[7].a == 1.875 && t->triples[7].b == -1.25 && t->triples[7].c == .375);
    ck_assert(near(t->triples[7], list.triples[7], 1e-10));
    ck_assert(!agree(t, derive(8, 1e-3, 0, .0240732743).triples, 0, 6, 1.5e-14)); /* the cushion's digits matter */
    ck_assert(!agree(t, derive(8, 1.001e-3, 0, .02407327424182761).triples, 0, 6, 1.5e-14));
}
END_TEST

/* Lists that ports compute or print: 1e-3, safety, cushion .02. The solver of their authors leaves 2e-14 or so,
 * 1e-12 and 1e-6 where the interval is short; pe-10 stands in the table as derived. The last triple bears no safety, so a list of
 * five is not the beginning of one of eight. */
START_TEST(safe_lists_are_derived)
{
    struct list ten = derive(10, 1e-3, 1e-2, .02), eight = derive(8, 1e-3, 1e-2, .02);
    struct list safer = derive(8, 1e-3, 2e-2, .02), five = derive(5, 1e-3, 2e-2, .02);
    ck_assert(agree(&assay_coefficients_pe_10, ten.triples, 0, 10, 2e-14));
    ck_assert(agree(&assay_coefficients_pe_8, eight.triples, 0, 6, 2e-14));
    ck_assert(agree(&assay_coefficients_pe_8, eight.triples, 6, 7, 4e-12) &&
              agree(&assay_coefficients_pe_8, eight.triples, 7, 8, 2e-6));
    ck_assert(agree(&assay_coefficients_pe_8_safer, safer.triples, 0, 6, 2e-14));
    ck_assert(agree(&assay_coefficients_pe_8_safer, safer.triples, 6, 7, 4e-12) &&
              agree(&assay_coefficients_pe_8_safer, safer.triples, 7, 8, 2e-8));
    ck_assert(agree(&assay_coefficients_pe_5, five.triples, 0, 5, 2e-14));
    ck_assert(agree(&assay_coefficients_pe_5, safer.triples, 0, 4, 2e-14));
    ck_assert(!near(assay_coefficients_pe_5.triples[4], safer.triples[4], .04));
    ck_assert(!agree(&assay_coefficients_pe_8, derive(8, 1e-3, 1.0001e-2, .02).triples, 0, 6, 2e-14));
}
END_TEST

/* The triple of X / factor. */
static struct assay_triple divided(struct assay_triple p, double factor)
{
    return (struct assay_triple){p.a / factor, p.b / pow(factor, 3), p.c / pow(factor, 5)};
}

static bool within_half_unit(double printed, double x, double unit)
{
    return fabs(printed - x) <= .5 * unit * (1 + 1e-9);
}

static bool rounded(struct assay_triple printed, struct assay_triple x, double unit)
{
    return within_half_unit(printed.a, x.a, unit) && within_half_unit(printed.b, x.b, unit) &&
           within_half_unit(printed.c, x.c, unit);
}

/* pe-msign = pe-paper / 1.01 but for the last, pe-gram = the first five of pe-paper / 1.05, each computed in double;
 * pe-nvidia = pe-msign to four decimals, but that it prints 8.2051 for 8.20516; cans = the plain composition to four. */
START_TEST(other_lists_follow)
{
    const struct assay_triple *paper = assay_coefficients_pe_paper.triples;
    struct list plain = derive(5, 1e-3, 0, 0);
    for (size_t k = 0; k < 8; k++) {
        struct assay_triple msign = k < 7 ? divided(paper[k], 1.01) : paper[k];
        struct assay_triple nvidia = assay_coefficients_pe_nvidia.triples[k];
        ck_assert(near(assay_coefficients_pe_msign.triples[k], msign, 4e-15));
        if (k == 0) {
            ck_assert(nvidia.a == 8.2051 && !within_half_unit(nvidia.a, msign.a, 1e-4));
            nvidia.a = 8.2052;
        }
        ck_assert(rounded(nvidia, msign, 1e-4));
        ck_assert(!rounded(nvidia, divided(paper[k], 1.05), 1e-4));
    }
    for (size_t k = 0; k < 5; k++) {
        ck_assert(near(assay_coefficients_pe_gram.triples[k], divided(paper[k], 1.05), 4e-15));
        ck_assert(rounded(assay_coefficients_cans.triples[k], plain.triples[k], 1e-4));
        ck_assert(!rounded(assay_coefficients_cans.triples[k], paper[k], 1e-4));
    }
}
END_TEST

/* *error = 1 - (the least image of [lower, 1]), of the triples as they are: with cushion and safety too. */
START_TEST(error_is_what_the_images_miss)
{
    const double safeties[] = {0, 1e-2}, cushions[] = {0, .02, .3};
    for (int s = 0; s < 2; s++)
        for (int c = 0; c < 3; c++) {
            struct list list = derive(5, 1e-3, safeties[s], cushions[c]);
            double least = INFINITY;
            for (int k = 0; k <= 20000; k++) {
                double x = 1e-3 + (1 - 1e-3) * pow(k / 20000.0, 3);
                for (int j = 0; j < 5; j++) {
                    struct assay_triple p = list.triples[j];
                    x *= p.a + x * x * (p.b + x * x * p.c);
                }
                least = fmin(least, x);
            }
            ck_assert_msg(fabs(1 - least - list.error) <= 1e-12, "%g %g: %.15g, not %.15g", safeties[s], cushions[c],
                          1 - least, list.error);
        }
}
END_TEST

/* 0 < lower < 1, however small: the first step tends to that of [0, 1] as a continuous function of lower, which is
 * all but linear in it. And however near to 1: the Taylor polynomial (15 - 10 - 3) / 8 there, rescaled. */
START_TEST(extreme_intervals_are_derived)
{
    struct assay_triple limit = derive(1, 1e-15, 0, 0).triples[0];
    for (double lower = 1e-16; lower > 0; lower /= 1024) {
        struct list list = derive(2, lower, 0, 0);
        ck_assert_msg(near(list.triples[0], limit, 1e-12), "[%g, 1]: %.17g", lower, list.triples[0].a);
        ck_assert(list.triples[1].a > 4.25 && list.triples[1].a < 4.26 && list.error <= 1 && list.error > .99);
    }
    ck_assert(near(derive(1, 5e-324, 0, 0).triples[0], limit, 1e-12));
    for (int k = 1; k <= 53; k++) { /* p(x) = (15 y - 10 y^3 + 3 y^5) / 8 around the middle, to second order */
        double width = ldexp(1, -k), middle = 1 - width / 2;
        struct assay_triple taylor = {1.875 / middle, -1.25 / pow(middle, 3), .375 / pow(middle, 5)};
        struct list list = derive(1, 1 - width, 0, 0);
        ck_assert_msg(near(list.triples[0], taylor, 8 * width * width + 0x1p-52), "[1 - 2^-%d, 1]", k);
        ck_assert(list.error > 0 && list.error <= pow(width, 3) / 4); /* width^3 5 / 64 for short ones */
    }
}
END_TEST

/* A small error h is followed by 5/8 h^3, down to numbers that no binary64 holds: 0, and never less. */
START_TEST(errors_stay_positive)
{
    double before = 1;
    for (size_t count = 1; count <= 12; count++) {
        double error = derive(count, 1e-3, 0, 0).error;
        ck_assert_msg(error >= 0 && (error < before || before == 0), "%zu steps: %g", count, error);
        if (before < 1e-3 && before > 1e-90)
            ck_assert_msg(fabs(error / pow(before, 3) / .625 - 1) < 2 * before + 1e-14, "%zu: %g after %g", count,
                          error, before);
        before = error;
    }
    ck_assert(before == 0);
    for (int k = 1; k < 20; k++) /* where 1 - p(l) is less than what is rounded away */
        ck_assert(derive(16, k / 20.0, 0, 0).error == 0 && !signbit(derive(16, k / 20.0, 0, 0).error));
    ck_assert(derive(0, .25, 0, 0).error == .75); /* no step, no change */
}
END_TEST

/* ASSAY_INVALID outside of 0 < lower < 1, 0 <= safety < 1, 0 <= cushion < 1; outputs stay as they were. */
START_TEST(arguments_are_checked)
{
    const double bad_lower[] = {0, -1e-3, 1, 2, NAN, INFINITY}, bad_other[] = {-1e-9, 1, 2, NAN, INFINITY};
    char message[ASSAY_MESSAGE_SIZE];
    const assay_options options = {.message = message, .message_size = sizeof message};
    struct assay_triple triples[2] = {{7, 7, 7}, {7, 7, 7}};
    double error = 7;
    for (size_t k = 0; k < 6; k++) {
        ck_assert(assay_ref_polar_express(triples, &error, 2, bad_lower[k], 0, 0, &options) == ASSAY_INVALID);
        ck_assert(strstr(message, "lower") && strchr(message, '\n') == NULL);
    }
    for (size_t k = 0; k < 5; k++) {
        ck_assert(assay_ref_polar_express(triples, &error, 2, .5, bad_other[k], 0, &options) == ASSAY_INVALID);
        ck_assert(assay_ref_polar_express(triples, &error, 2, .5, 0, bad_other[k], &options) == ASSAY_INVALID);
    }
    ck_assert(assay_ref_polar_express(triples, &error, SIZE_MAX, .5, 0, 0, &options) == ASSAY_NO_MEMORY);
    ck_assert(error == 7);
    for (int k = 0; k < 2; k++)
        ck_assert(triples[k].a == 7 && triples[k].b == 7 && triples[k].c == 7);
}
END_TEST

RUN_TESTS("polar_express", TEST(errors_are_those_of_the_theory), TEST(every_step_is_minimax),
          TEST(the_papers_list_is_derived), TEST(safe_lists_are_derived), TEST(other_lists_follow),
          TEST(error_is_what_the_images_miss), TEST(extreme_intervals_are_derived), TEST(errors_stay_positive),
          TEST(arguments_are_checked))
