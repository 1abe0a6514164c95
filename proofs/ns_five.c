#include "quintic.h"

#include <stdio.h>

static struct range steps_of(const struct quintic *p, real l, int count)
{
    struct range x = {l, real_whole(l->field, 1)};
    for (int k = 0; k < count; k++)
        x = quintic_image(p, (struct range){real_enclose(x.lo), real_enclose(x.hi)});
    return x;
}

static void images(struct evidence *e, const struct quintic *p)
{
    static const char *const from[] = {"1e-4", "1e-3", "2e-3", "5e-3", "1e-2"};
    static const char *const low[] = {".048473", ".470544", ".681831", ".681831", ".681831"};
    static const char *const high[] = {"1.202369", "1.202369", "1.202369", "1.154366", "1.134357"};
    for (size_t k = 0; k < 5; k++) {
        struct range y = steps_of(p, real_decimal(&e->field, from[k]), 5);
        char what[ITEM_TEXT];
        snprintf(what, sizeof what, "p^5([%s, 1]), lower end", from[k]);
        number_printed(e, what, y.lo, low[k]);
        snprintf(what, sizeof what, "p^5([%s, 1]), upper end", from[k]);
        number_printed(e, what, y.hi, high[k]);
    }
}

/* p^k at the printed threshold, half a unit of its last digit below and above. */
static void thresholds(struct evidence *e, const struct quintic *p, real m)
{
    static const char *const printed[] = {".21066347",   ".061481017",   ".017856932",   ".0051843801",
                                          ".0015051231", ".00043696428", ".00012685855", "3.6829309e-5"};
    static const char *const half[] = {"5e-9", "5e-10", "5e-10", "5e-11", "5e-11", "5e-12", "5e-12", "5e-13"};
    const struct field *f = &e->field;
    for (size_t k = 0; k < 8; k++) {
        real sigma = real_decimal(f, printed[k]), unit = real_decimal(f, half[k]);
        real below = real_sub(sigma, unit), above = real_add(sigma, unit);
        certify(e, "p^k(printed threshold - half a unit) < m", real_sub(m, quintic_repeat(p, below, k + 1)));
        certify(e, "p^k(printed threshold + half a unit) > m", real_sub(quintic_repeat(p, above, k + 1), m));
        real before = quintic_repeat(p, above, k), points[2];
        quintic_critical(p, points);
        certify(e, "on the first branch: p^(k-1) <= c_1", real_sub(points[0], before));
        must_fail(e, "the threshold lowered by 1 %",
                  real_sub(quintic_repeat(p, real_mul(real_fraction(f, 99, 100), sigma), k + 1), m));
    }
    number(e, "1 / 0.0015051231^2: equal singular values that five steps do not lift",
           real_div(real_whole(f, 1), real_square(real_decimal(f, ".0015051231"))));
}

/* On the first branch, half a unit of the last digit below and above: where p^5 passes other levels. */
static void levels(struct evidence *e, const struct quintic *p)
{
    static const char *const level[] = {"0.7", "0.5"}, *const printed[] = {".0015518735", ".0010670274"};
    const struct field *f = &e->field;
    real unit = real_decimal(f, "5e-11"), points[2];
    quintic_critical(p, points);
    for (size_t k = 0; k < 2; k++) {
        real sigma = real_decimal(f, printed[k]), wanted = real_decimal(f, level[k]), above = real_add(sigma, unit);
        certify(e, "p^5(.0015518735) = 0.7, p^5(.0010670274) = 0.5: not below",
                real_sub(quintic_repeat(p, above, 5), wanted));
        certify(e, "p^5(.0015518735) = 0.7, p^5(.0010670274) = 0.5: not above",
                real_sub(wanted, quintic_repeat(p, real_sub(sigma, unit), 5)));
        certify(e, "on the first branch: p^(k-1) <= c_1", real_sub(points[0], quintic_repeat(p, above, 4)));
    }
}

static void run(struct evidence *e)
{
    const struct field *f = &e->field;
    struct quintic p = quintic_jordan(f);
    real points[2];
    quintic_critical(&p, points);
    images(e, &p);
    real m = quintic_value(&p, points[1]);
    thresholds(e, &p, m);
    levels(e, &p);
    struct range ten = steps_of(&p, real_decimal(f, "1e-4"), 10);
    certify_equal(e, "p^10([1e-4, 1]) = J, lower end", ten.lo, m);
    certify_equal(e, "p^10([1e-4, 1]) = J, upper end", ten.hi, quintic_value(&p, m));
    struct range y = steps_of(&p, real_decimal(f, "1e-2"), 5);
    must_fail(e, "p^5([1e-2, 1]) lies in [0.7, 1.2]", real_sub(y.lo, real_decimal(f, "0.7")));
}

const struct claim claim_ns_five = {
    "NS-five",
    "Newton-Schulz",
    "five steps: p^5([1e-3, 1]) = [.470544, 1.202369]; sigma >= 0.0015051231 ends at 0.68183 or above",
    "ours",
    CLAIM_PROVED,
    "ns_five",
    run};
