/* Rounding of exact numbers: against the conversions of the processor and of golden/arithmetic.c, which share nothing. */
#include "floating.h"

#include "arithmetic.h"
#include "proof_support.h"
#include "support.h"

#include <math.h>
#include <string.h>

static bool same(real x, double y)
{
    return real_sign(real_sub(x, real_double(x->field, y)), "a difference") == 0;
}

/* Of all sizes, subnormal ones and ties among them. */
static double random_double(uint64_t *state)
{
    double x = ldexp(random_gaussian(state), (int)random_below(state, 60) - 40);
    return random_below(state, 3) ? x : ldexp(rint(ldexp(x, 8)) + 0.5, random_below(state, 2) ? -8 : -24);
}

static void check_nearest(struct work *w, void *args)
{
    const struct field f = {w, 128};
    uint64_t state = 1;
    (void)args;
    for (size_t k = 0; k < rounds(4000); k++) {
        struct work_block *mark = work_mark(w);
        double x = random_double(&state);
        real exact = real_double(&f, x);
        for (size_t format = 0; format < FLOATING_FORMATS; format++) {
            if (format == TENSOR_F16 && fabs(x) >= 65504) /* where binary16 ends, and nearest_to() does not */
                continue;
            double y = nearest((enum tensor_type)format, x);
            ck_assert_msg(same(nearest_to(&floating_formats[format], exact), y), "%a in format %zu", x, format);
            ck_assert(same(nearest_to(&floating_formats[format], real_neg(exact)), -y));
        }
        ck_assert(same(nearest_to(&floating_formats[1], exact), (double)(float)x));
        ck_assert(!same(nearest_to(&floating_formats[1], exact), (double)nextafterf((float)x, INFINITY)));
        work_release(w, mark);
    }
    for (int k = -155; k <= -120; k++) /* the least numbers of binary32, and their halves */
        for (int m = 1; m < 16; m++) {
            double x = ldexp(m, k);
            ck_assert(same(nearest_to(&floating_formats[1], real_double(&f, x)), (double)(float)x));
        }
}

START_TEST(nearest_numbers_are_those_of_the_processor)
{
    in_work(check_nearest, NULL);
}
END_TEST

/* Fractions: 1/3 in bfloat16 is 171/512. Ties go to even; 0 stays; an enclosure of sqrt 2 is rounded, one across a tie not. */
static void check_fractions(struct work *w, void *args)
{
    const struct field f = {w, 128};
    const struct format *narrow = &floating_formats[3];
    (void)args;
    ck_assert(same(nearest_to(narrow, real_fraction(&f, 1, 3)), 171. / 512));
    ck_assert(same(nearest_to(narrow, real_fraction(&f, 257, 256)), 1) &&
              same(nearest_to(narrow, real_fraction(&f, 259, 256)), 1 + 2. / 128));
    ck_assert(same(nearest_to(narrow, real_whole(&f, 0)), 0));
    ck_assert(same(nearest_to(&floating_formats[0], real_root(real_whole(&f, 2))), sqrt(2)));
    for (size_t k = 0; k < FLOATING_FORMATS; k++) {
        ck_assert(same(format_roundoff(&f, &floating_formats[k]), unit_roundoff((enum tensor_type)k)));
        ck_assert(same(format_least(&f, &floating_formats[k]), least_number((enum tensor_type)k)));
    }
}

static void round_across_a_tie(struct work *w, void *args)
{
    const struct field f = {w, 128};
    (void)args;
    nearest_to(&floating_formats[3], real_between(real_whole(&f, 1), real_fraction(&f, 258, 256)));
}

START_TEST(fractions_and_enclosures_are_rounded)
{
    in_work(check_fractions, NULL);
    ck_assert(strstr(fails_in_work(ASSAY_UNDECIDED, round_across_a_tie, NULL), "128 bits"));
}
END_TEST

/* The bits of `signs`, from the lowest, turn 1 into (1 + u)(1 - u)(1 + u). */
static void check_vertices(struct work *w, void *args)
{
    const struct field f = {w, 128};
    struct rounding_mode mode = {&floating_formats[3], true, 5};
    real x = real_whole(&f, 1);
    const double expected[] = {257. / 256, 257. * 255 / 65536, 257. * 255 * 257 / 16777216};
    (void)args;
    for (size_t k = 0; k < 3; k++) {
        x = rounded_by(&mode, x);
        ck_assert(same(x, expected[k]));
    }
    mode = (struct rounding_mode){&floating_formats[3], false, 5};
    ck_assert(same(rounded_by(&mode, real_fraction(&f, 1025, 1024)), 1));
}

START_TEST(vertices_follow_the_signs)
{
    in_work(check_vertices, NULL);
}
END_TEST

RUN_TESTS("floating", TEST(nearest_numbers_are_those_of_the_processor), TEST(fractions_and_enclosures_are_rounded),
          TEST(vertices_follow_the_signs))
