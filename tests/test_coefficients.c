/* The coefficient tables: their numbers as the ports print them, and what theory says that they do. */
#include "support.h"

#include "coefficients.h"

#include <math.h>
#include <string.h>

static const struct assay_coefficients *table(const char *name)
{
    const struct assay_coefficients *t = assay_coefficients_find(name);
    ck_assert_msg(t != NULL, "no table '%s'", name);
    return t;
}

/* Sorted by name, so names are unique; each found by its name; none empty or without source. */
START_TEST(tables_are_in_order)
{
    for (size_t k = 0; k < assay_coefficient_table_count; k++) {
        const struct assay_coefficients *t = assay_coefficient_tables[k];
        ck_assert(k == 0 || strcmp(assay_coefficient_tables[k - 1]->name, t->name) < 0);
        ck_assert_ptr_eq(assay_coefficients_find(t->name), t);
        ck_assert(t->count > 0 && t->source[0] != '\0');
        for (size_t j = 0; j < t->count; j++)
            ck_assert(isfinite(t->triples[j].a) && isfinite(t->triples[j].b) && isfinite(t->triples[j].c));
    }
    ck_assert_uint_eq(assay_coefficient_table_count, 17);
    ck_assert(assay_coefficients_find("") == NULL && assay_coefficients_find("Jordan") == NULL);
    ck_assert(assay_coefficients_find("jordan ") == NULL && assay_coefficients_find("pe") == NULL);
}
END_TEST

static bool same_triple(struct assay_triple x, struct assay_triple y)
{
    return x.a == y.a && x.b == y.b && x.c == y.c;
}

static bool same_table(const struct assay_coefficients *t, const struct assay_triple *triples, size_t count)
{
    bool same = t->count == count;
    for (size_t k = 0; k < count && same; k++)
        same = same_triple(t->triples[k], triples[k]);
    return same;
}

#define CHECK_TABLE(name, ...)                                                                                         \
    do {                                                                                                               \
        const struct assay_triple expected[] = {__VA_ARGS__};                                                          \
        ck_assert_msg(same_table(table(name), expected, sizeof expected / sizeof expected[0]), "%s", name);            \
    } while (0)

/* dialects.md (a), notation and rows 1, 4, 10, 18. */
START_TEST(numbers_are_those_of_the_ports)
{
    CHECK_TABLE("jordan", {3.4445, -4.7750, 2.0315});
    CHECK_TABLE("you5", {4.0848, -6.8946, 2.9270}, {3.9505, -6.3029, 2.6377}, {3.7418, -5.5913, 2.3037},
                {2.8769, -3.1427, 1.2046}, {2.8366, -3.0525, 1.2012});
    CHECK_TABLE("pe-5", {8.156554524902461, -22.48329292557795, 15.878769915207462},
                {4.042929935166739, -2.808917465908714, .5000178451051316},
                {3.8916678022926607, -2.772484153217685, .5060648178503393},
                {3.285753657755655, -2.3681294933425376, .46449024233003106},
                {2.3465413258596377, -1.7097828382687081, .42323551169305323});
    CHECK_TABLE("aol-dion", {4.6051, -9.6552, 5.6769}, {4.7505, -6.0861, 2.1790}, {2.7763, -2.3190, .5523},
                {2.4231, -2.2861, .8193});
    const struct assay_triple q = {3.4445, -4.7750, 2.0315};
    CHECK_TABLE("deepseek-v4", q, q, q, q, q, q, q, q, {2, -1.5, .5}, {2, -1.5, .5});
    CHECK_TABLE("cubic", {1.5, -.5, 0});
    CHECK_TABLE("quintic", {1.875, -1.25, .375});
    const struct assay_coefficients *cubic5 = table("cubic5");
    for (size_t k = 0; k < cubic5->count; k++)
        ck_assert(cubic5->triples[k].c == 0);
    ck_assert(cubic5->count == 5 && table("aol")->count == 4 && table("cans")->count == 5);
    ck_assert(table("pe-8")->count == 8 && table("pe-8-safer")->count == 8 && table("pe-10")->count == 10);
    ck_assert(table("pe-paper")->count == 8 && table("pe-msign")->count == 8 && table("pe-nvidia")->count == 8);
    ck_assert(table("pe-gram")->count == 5);
}
END_TEST

static double apply(struct assay_triple p, double x)
{
    return x * (p.a + x * x * (p.b + x * x * p.c));
}

static double slope(struct assay_triple p, double x)
{
    return p.a + x * x * (3 * p.b + x * x * 5 * p.c);
}

/* p_4(...p_0(x / divisor)...), the first `steps` triples, the last repeated. */
static double iterate(const struct assay_coefficients *t, size_t steps, double x, double divisor)
{
    x /= divisor;
    for (size_t k = 0; k < steps; k++)
        x = apply(t->triples[k < t->count ? k : t->count - 1], x);
    return x;
}

/* theory.md 5: the classical cubic has p(1) = 1, p'(1) = 0; the quintic p''(1) = 0 too; Jordan's p(1) = .7010. */
START_TEST(classical_iterations_rest_at_one)
{
    struct assay_triple c = table("cubic")->triples[0], q = table("quintic")->triples[0];
    ck_assert(apply(c, 1) == 1 && slope(c, 1) == 0);
    ck_assert(apply(q, 1) == 1 && slope(q, 1) == 0 && 6 * q.b + 20 * q.c == 0);
    ck_assert(apply(table("deepseek-v4")->triples[9], 1) == 1);
    ck_assert(fabs(apply(table("jordan")->triples[0], 1) - .7010) <= 1e-15);
    /* 1 - p = (1 - x)^2 (2 + x) / 2 and (1 - x)^3 (8 + 9 x + 3 x^2) / 8 */
    for (double x = 0; x <= 2; x += 0x1p-6) {
        ck_assert(1 - apply(c, x) == (1 - x) * (1 - x) * (2 + x) / 2);
        ck_assert(fabs(1 - apply(q, x) - pow(1 - x, 3) * (8 + 9 * x + 3 * x * x) / 8) <= 1e-15);
    }
}
END_TEST

/* theory.md 5: fixed points and their slopes, critical points, the invariant interval, the attracting 4-cycle. */
START_TEST(jordan_never_rests)
{
    struct assay_triple p = table("jordan")->triples[0];
    const double fixed[] = {.868025797655531, 1.263729067298377}, slopes[] = {-1.5823731, 6.4734565};
    const double critical[] = {.554528790854494, 1.050136079121016}, values[] = {1.202368605163213, .681831462177185};
    for (int k = 0; k < 2; k++) {
        ck_assert(fabs(apply(p, fixed[k]) - fixed[k]) <= 4e-15 && fabs(slope(p, fixed[k]) - slopes[k]) <= 1e-7);
        ck_assert(fabs(slope(p, critical[k])) <= 3e-14 && fabs(apply(p, critical[k]) - values[k]) <= 1e-15);
    }
    ck_assert(fabs(apply(p, .681831462177185) - 1.134357264562472) <= 3e-15);
    const double cycle[] = {.681919320806, .752916213733, 1.046907034076, 1.134267640383};
    double x = .5, multiplier = 1;
    for (int k = 0; k < 4000; k++)
        x = apply(p, x);
    for (int k = 0; k < 4; k++, x = apply(p, x)) {
        bool on_cycle = false;
        for (int j = 0; j < 4; j++)
            on_cycle = on_cycle || fabs(x - cycle[j]) <= 1e-12;
        ck_assert_msg(on_cycle, "%.15g", x);
        multiplier *= slope(p, x);
    }
    ck_assert(fabs(multiplier + .1428) <= 1e-4);
    /* the smallest sigma from which on p^k >= .681831 */
    const double least[] = {.21066347,   .061481017,   .017856932,   .0051843801,
                            .0015051231, .00043696428, .00012685855, 3.6829309e-5};
    for (size_t k = 0; k < 8; k++) {
        ck_assert(iterate(table("jordan"), k + 1, least[k] * (1 + 1e-7), 1) > values[1]);
        ck_assert(iterate(table("jordan"), k + 1, least[k] * (1 - 1e-7), 1) < values[1]);
    }
}
END_TEST

/* The image of [low, 1] under five steps, by sampling, finely near 0. */
static bool image_is(const char *name, double divisor, double low, double least, double largest)
{
    enum { SAMPLES = 200000 };
    const struct assay_coefficients *t = table(name);
    double from = INFINITY, to = -INFINITY;
    for (int k = 0; k <= SAMPLES; k++) {
        double y = iterate(t, 5, low + (1 - low) * pow((double)k / SAMPLES, 3), divisor);
        from = fmin(from, y);
        to = fmax(to, y);
    }
    return fabs(from - least) <= 2e-6 && fabs(to - largest) <= 2e-6;
}

/* theory.md 5: exact five-step images of [l, 1]. */
START_TEST(images_are_those_of_the_theory)
{
    ck_assert(image_is("jordan", 1, 1e-4, .048473, 1.202369) && image_is("jordan", 1, 1e-3, .470544, 1.202369));
    ck_assert(image_is("jordan", 1, 2e-3, .681831, 1.202369) && image_is("jordan", 1, 5e-3, .681831, 1.154366));
    ck_assert(image_is("jordan", 1, 1e-2, .681831, 1.134357));
    ck_assert(image_is("pe-paper", 1, 1e-3, .876441, 1.123559) && image_is("pe-paper", 1, 1e-4, .102444, 1.123559));
    ck_assert(image_is("pe-nvidia", 1, 1e-3, .846195, 1.123597));
    ck_assert(image_is("pe-5", 1.02, 1e-3, .846647, 1.141127)); /* as dion normalises */
    ck_assert(image_is("you5", 1, 1e-3, .474982, 1.145020) && image_is("you5", 1, 1e-2, .977751, 1.031775));
    ck_assert(image_is("cubic", 1, 1e-3, .007594, 1) && image_is("quintic", 1, 1e-3, .023171, 1));
}
END_TEST

/* One wrong digit is seen. */
START_TEST(wrong_numbers_are_noticed)
{
    struct assay_triple wrong = table("jordan")->triples[0];
    wrong.b = -4.7751;
    ck_assert(!same_table(table("jordan"), &wrong, 1) && !same_table(table("you5"), &wrong, 1));
    ck_assert(fabs(apply(wrong, .868025797655531) - .868025797655531) > 1e-5);
    ck_assert(!image_is("pe-msign", 1, 1e-3, .846195, 1.123597) && !image_is("jordan", 1.02, 1e-3, .470544, 1.202369));
}
END_TEST

RUN_TESTS("coefficients", TEST(tables_are_in_order), TEST(numbers_are_those_of_the_ports),
          TEST(classical_iterations_rest_at_one), TEST(jordan_never_rests), TEST(images_are_those_of_the_theory),
          TEST(wrong_numbers_are_noticed))
