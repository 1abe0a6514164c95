/* Products of enclosures: exact where they say so, correctly rounded, and holding every product that they stand for.
 * Needs the linker's --wrap of cblas_dgemm, to see which way a product went. */
#include "product.h"

#include "lying_blas.h"
#include "random_balls.h"

#include <math.h>
#include <string.h>

/* Enough for every exact product below. */
enum { EXACT_BITS = 6000 };

/* The three forms of a product, and those of a matrix by its own transpose. */
enum form { AB, ATB, ABT, FORMS };

static void multiply(struct work *w, enum form form, struct ball *c, const struct ball *a, const struct ball *b,
                     long bits)
{
    switch (form) {
    case ATB:
        product_tn(w, c, ball_transpose(w, a), b, bits);
        break;
    case ABT:
        product_nt(w, c, a, ball_transpose(w, b), bits);
        break;
    default:
        product(w, c, a, b, bits);
    }
}

/* entry (i, j) = sum of x_ik y_kj, one multiplication after the other. */
static struct ball *true_product(struct work *w, const struct ball *x, const struct ball *y)
{
    struct ball *z = ball_new(w, x->rows, y->cols, EXACT_BITS);
    bool exact = true;
    for (size_t i = 0; i < x->rows; i++)
        for (size_t j = 0; j < y->cols; j++)
            for (size_t k = 0; k < x->cols; k++) {
                mpfr_ptr sum = ball_at(z, i, j);
                exact = mpfr_fma(sum, ball_at(x, i, k), ball_at(y, k, j), sum, MPFR_RNDN) == 0 && exact;
            }
    ck_assert(exact);
    return z;
}

struct sizes {
    size_t rows, inner, cols;
};

/* Small ones are multiplied one by one, the others by BLAS: from 12 x 4096 / 12 multiplications on. */
static struct sizes random_sizes(uint64_t *state, bool large)
{
    size_t least = large ? 16 : 1, more = large ? 6 : 5;
    return (struct sizes){least + random_below(state, more), least + random_below(state, more),
                          least + random_below(state, more)};
}

static mpfr_prec_t random_prec(uint64_t *state)
{
    return (mpfr_prec_t)(2 + random_below(state, random_below(state, 2) ? 250 : 30));
}

/* ---- exact operands ----------------------------------------------------------------------------------------------- */

/* Whether midpoint k is z_k rounded to nearest, error_k is 0 if and only if that is exact, the radius if all are. */
static bool is_rounded(struct work *w, const struct ball *c, const struct ball *z)
{
    struct work_block *mark = work_mark(w);
    mpfr_ptr rounded = ball_new(w, 1, 1, c->prec)->at;
    bool good = c->rows == z->rows && c->cols == z->cols, all = true;
    for (size_t k = 0; k < ball_count(c) && good; k++) {
        bool exact = mpfr_set(rounded, z->at + k, MPFR_RNDN) == 0;
        good = mpfr_equal_p(rounded, c->at + k) && mag_is_zero(c->error[k]) == exact;
        all = all && exact;
    }
    work_release(w, mark);
    return good && ball_is_exact(c) == all && encloses(c, z);
}

static void check_exact_operands(struct work *w, uint64_t *state, bool large, size_t *seen)
{
    struct sizes size = random_sizes(state, large);
    struct ball *a = random_exact(w, state, size.rows, size.inner, random_prec(state), 100);
    struct ball *b = random_exact(w, state, size.inner, size.cols, random_prec(state), 100);
    struct ball *z = true_product(w, a, b);
    for (enum form form = AB; form < FORMS; form++) {
        struct ball *c = ball_new(w, size.rows, size.cols, random_prec(state));
        blas_lies(NO_LIE, 0, 0);
        multiply(w, form, c, a, b, 0);
        ck_assert_msg((blas_calls() > 0) == large, "%zu %zu %zu", size.rows, size.inner, size.cols);
        ck_assert_msg(is_rounded(w, c, z), "form %d, %zu %zu %zu", form, size.rows, size.inner, size.cols);
    }
    const struct ball *exact = product_exact(w, a, b), *tn = product_exact_tn(w, ball_transpose(w, a), b);
    ck_assert(ball_is_exact(exact) && is_rounded(w, exact, z) && same_ball(exact, tn));
    /* the product of another matrix is found out, unless it was multiplied by zeros */
    mpfr_ptr changed = a->at + random_below(state, ball_count(a));
    if (mpfr_zero_p(changed))
        mpfr_set_ui(changed, 1, MPFR_RNDN);
    else
        mpfr_nextabove(changed);
    *seen += !is_rounded(w, exact, true_product(w, a, b));
}

static void exact_operands(struct work *w, void *args)
{
    (void)args;
    for (int large = 0; large < 2; large++) {
        uint64_t state = 1 + (uint64_t)large;
        size_t seen = 0, count = rounds(large ? 40 : 1000);
        for (size_t round = 0; round < count; round++) {
            struct work_block *mark = work_mark(w);
            check_exact_operands(w, &state, large, &seen);
            work_release(w, mark);
        }
        ck_assert_msg(seen >= count / 2, "%zu of %zu", seen, count);
    }
}

/* For exact A and B: every entry of A B, A^T B, A B^T is correctly rounded to the precision of C, and product_exact()
 * is exact; multiplied one by one and by BLAS. */
START_TEST(products_are_correctly_rounded)
{
    in_work(exact_operands, NULL);
}
END_TEST

/* Rows and columns of very different sizes, from 2^-100000 to 2^100000, take no more bits than each of them needs. */
static void graded(struct work *w, void *args)
{
    uint64_t state = 3;
    (void)args;
    for (size_t n = 3; n <= 18; n += 15) {
        struct ball *a = random_exact(w, &state, n, n, 60, 20), *b = random_exact(w, &state, n, n, 60, 20);
        struct ball *c = ball_new(w, n, n, 100), *scaled = ball_new(w, n, n, 100);
        product(w, c, a, b, 0);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) {
                mpfr_mul_2si(ball_at(a, i, j), ball_at(a, i, j), 200000 * (long)i / (long)n - 100000, MPFR_RNDN);
                mpfr_mul_2si(ball_at(b, j, i), ball_at(b, j, i), 100000 - 200000 * (long)i / (long)n, MPFR_RNDN);
            }
        product(w, scaled, a, b, 0);
        bool same = true;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) {
                long shift = 200000 * (long)i / (long)n - 200000 * (long)j / (long)n;
                mpfr_mul_2si(ball_at(c, i, j), ball_at(c, i, j), shift, MPFR_RNDN);
                same = same && mpfr_equal_p(ball_at(c, i, j), ball_at(scaled, i, j));
            }
        ck_assert(same);
    }
}

START_TEST(graded_matrices)
{
    in_work(graded, NULL);
}
END_TEST

/* Zero matrices, zero rows and columns; and bits 64, 128, ... of a limb's edge: (2^p - 1)^2 n. */
static void edges(struct work *w, void *args)
{
    (void)args;
    for (size_t n = 2; n <= 16; n += 14) {
        struct ball *zero = ball_new(w, n, n, 50), *one = ball_identity(w, n, 50), *c = ball_new(w, n, n, 80);
        product(w, c, zero, one, 0);
        ck_assert(ball_is_zero(c) && ball_is_exact(c));
        product_nt(w, c, zero, zero, 10);
        ck_assert(ball_is_zero(c) && ball_is_exact(c));
        mpfr_set_d(ball_at(zero, 1, 0), -0.375, MPFR_RNDN);
        product_tn(w, c, zero, one, 1);
        ck_assert(ball_is_exact(c) == false && encloses(c, ball_transpose(w, zero))); /* cut to 1 bit */
        product_tn(w, c, zero, one, 2);
        ck_assert(ball_is_exact(c) && encloses(c, ball_transpose(w, zero)));
        for (mpfr_prec_t prec = 62; prec <= 258; prec++) {
            struct work_block *mark = work_mark(w);
            struct ball *a = ball_new(w, n, n, prec);
            for (size_t k = 0; k < ball_count(a); k++) {
                mpfr_set_ui_2exp(a->at + k, 1, prec, MPFR_RNDN);
                mpfr_nextbelow(a->at + k);
            }
            ck_assert(is_rounded(w, product_exact(w, a, a), true_product(w, a, a)));
            work_release(w, mark);
        }
    }
}

START_TEST(edges_of_limbs_and_zeros)
{
    in_work(edges, NULL);
}
END_TEST

/* ---- enclosures ------------------------------------------------------------------------------------------------------- */

struct tallied {
    size_t inexact, missed;
};

/* Counts inexact products, and whether 1/64 of the radius and errors would not do: most products are far better than
 * their bounds, but not by that much. */
static void tally_miss(struct work *w, struct tallied *count, const struct ball *c, const struct ball *z)
{
    struct ball *less = clone(w, c);
    less->radius = mag_scale(less->radius, -6);
    for (size_t k = 0; k < ball_count(c); k++)
        less->error[k] = mag_scale(less->error[k], -6);
    count->inexact += !ball_is_exact(c);
    count->missed += !ball_is_exact(c) && !encloses(less, z);
}

/* For X in A and Y in B: X Y in A B, cut to `bits` or not. */
static void check_balls(struct work *w, uint64_t *state, bool large, struct tallied *count)
{
    struct sizes size = random_sizes(state, large);
    struct ball *a = random_ball(w, state, size.rows, size.inner, random_prec(state), 60);
    struct ball *b = random_ball(w, state, size.inner, size.cols, random_prec(state), 60);
    struct ball *c = ball_new(w, size.rows, size.cols, random_prec(state));
    long bits = (long)(random_below(state, 2) * (1 + random_below(state, 150)));
    enum form form = (enum form)random_below(state, FORMS);
    multiply(w, form, c, a, b, bits);
    const struct ball *z = true_product(w, random_member(w, state, a), random_member(w, state, b));
    ck_assert_msg(encloses(c, z), "form %d, %zu %zu %zu, %ld bits", form, size.rows, size.inner, size.cols, bits);
    tally_miss(w, count, c, z);
}

static void balls(struct work *w, void *args)
{
    (void)args;
    for (int large = 0; large < 2; large++) {
        uint64_t state = 4 + (uint64_t)large;
        size_t number = rounds(large ? 100 : 3000);
        struct tallied count = {0, 0};
        for (size_t round = 0; round < number; round++) {
            struct work_block *mark = work_mark(w);
            check_balls(w, &state, large, &count);
            work_release(w, mark);
        }
        ck_assert_msg(count.inexact > number / 2 && count.missed > count.inexact / 4, "%zu of %zu", count.missed,
                      count.inexact);
    }
}

START_TEST(products_enclose)
{
    in_work(balls, NULL);
}
END_TEST

/* radius <= 2^-bits 5 sqrt(inner) ||A|| ||B|| + 2^-prec ||C||, for exact A and B: row i loses less than 2^(e_i - bits) an
 * entry, 2^(e_i - 1) being at most its norm; so A loses 2 sqrt(inner) 2^-bits ||A|| at most, and B too. And for balls
 * r_A ||B|| + r_B ||A|| + r_A r_B besides, within a relative 2^-20. */
static bool is_tight(const struct ball *c, const struct ball *a, const struct ball *b, long bits)
{
    mag norm_a = ball_midpoint_norm_up(a), norm_b = ball_midpoint_norm_up(b), norms = up_mul(norm_a, norm_b);
    mag cut = up_mul(norms, up_mul(mag_from_integer(5), up_sqrt(mag_from_integer((uint32_t)a->cols))));
    mag bound = up_add(bits ? mag_scale(cut, -bits) : MAG_ZERO, mag_scale(ball_midpoint_norm_up(c), -c->prec));
    bound = up_add(bound, up_add(up_mul(a->radius, norm_b), up_mul(b->radius, up_add(norm_a, a->radius))));
    if (bits) /* what is cut off of one factor, times the radius of the other */
        bound = up_add(bound, mag_scale(up_mul(bound, mag_from_integer(5 * (uint32_t)a->cols)), -bits));
    return mag_le(c->radius, up_add(bound, mag_scale(bound, -20)));
}

static void widths(struct work *w, void *args)
{
    uint64_t state = 6;
    size_t loose = 0, inexact = 0;
    (void)args;
    for (size_t round = 0; round < rounds(500); round++) {
        struct work_block *mark = work_mark(w);
        struct sizes size = random_sizes(&state, round % 16 == 0);
        struct ball *a = random_exact(w, &state, size.rows, size.inner, random_prec(&state), 60);
        struct ball *b = random_exact(w, &state, size.inner, size.cols, random_prec(&state), 60);
        struct ball *c = ball_new(w, size.rows, size.cols, random_prec(&state));
        long bits = (long)(random_below(&state, 2) * (10 + random_below(&state, 100)));
        multiply(w, (enum form)(round % FORMS), c, a, b, bits);
        ck_assert(is_tight(c, a, b, bits));
        if (!ball_is_exact(c)) {
            inexact++;
            c->radius = mag_scale(c->radius, 12); /* such a radius is refused */
            loose += !is_tight(c, a, b, bits);
        }
        work_release(w, mark);
    }
    ck_assert_msg(loose > inexact * 9 / 10, "%zu of %zu", loose, inexact);
}

START_TEST(radii_are_as_small_as_promised)
{
    in_work(widths, NULL);
}
END_TEST

/* A ball that claims nothing, even with midpoints that are no numbers, makes a product that claims nothing; or 0 times
 * it, which is 0. */
static void nothing(struct work *w, void *args)
{
    uint64_t state = 7;
    (void)args;
    for (size_t n = 3; n <= 16; n += 13)
        for (int kind = 0; kind < 3; kind++) {
            struct ball *a = random_exact(w, &state, n, n, 60, 10), *b = ball_identity(w, n, 60);
            struct ball *c = ball_new(w, n, n, 60);
            a->radius = a->error[1] = MAG_INF;
            if (kind == 1)
                mpfr_set_nan(a->at + 1);
            if (kind == 2)
                mpfr_set_inf(a->at + 1, -1);
            for (long bits = 0; bits <= 60; bits += 60)
                for (int swapped = 0; swapped < 2; swapped++) {
                    product(w, c, swapped ? b : a, swapped ? a : b, bits);
                    ck_assert(mag_is_inf(c->radius) && mag_is_inf(c->error[0]) && mag_is_inf(c->error[n * n - 1]));
                    product_nt(w, c, a, a, bits);
                    ck_assert(mag_is_inf(c->radius) && mag_is_inf(c->error[n]));
                    product(w, c, a, ball_new(w, n, n, 60), bits);
                    ck_assert(mag_is_inf(c->radius) || ball_is_zero(c));
                }
        }
}

START_TEST(nothing_comes_of_nothing)
{
    in_work(nothing, NULL);
}
END_TEST

/* ---- a matrix and its own transpose ---------------------------------------------------------------------------------- */

/* A^T A and A A^T: the same midpoints as of A^T and a copy of A, as good a radius, and exactly symmetric. */
static void check_gram(struct work *w, uint64_t *state, bool large, struct tallied *count)
{
    struct sizes size = random_sizes(state, large);
    struct ball *a = random_ball(w, state, size.rows, size.inner, random_prec(state), 60), *copy = clone(w, a);
    mpfr_prec_t prec = random_prec(state);
    long bits = (long)(random_below(state, 2) * (1 + random_below(state, 150)));
    struct ball *x = random_member(w, state, a), *xt = ball_transpose(w, x);
    for (int tn = 0; tn < 2; tn++) {
        size_t n = tn ? a->cols : a->rows;
        struct ball *c = ball_new(w, n, n, prec), *full = ball_new(w, n, n, prec);
        (tn ? product_tn : product_nt)(w, c, a, a, bits);
        (tn ? product_tn : product_nt)(w, full, a, copy, bits);
        ck_assert(same_ball(c, ball_transpose(w, c)));
        bool same = true;
        for (size_t k = 0; k < n * n; k++)
            same = same && mpfr_equal_p(c->at + k, full->at + k) && same_mag(c->error[k], full->error[k]);
        ck_assert(same && mag_le(mag_scale(c->radius, -1), full->radius) &&
                  mag_le(full->radius, up_mul(c->radius, up_add(MAG_ONE, mag_power_of_two(-20)))));
        struct ball *z = tn ? true_product(w, xt, x) : true_product(w, x, xt);
        ck_assert(encloses(c, z));
        tally_miss(w, count, c, z);
    }
}

static void grams(struct work *w, void *args)
{
    (void)args;
    for (int large = 0; large < 2; large++) {
        uint64_t state = 8 + (uint64_t)large;
        struct tallied count = {0, 0};
        for (size_t round = 0; round < rounds(large ? 40 : 1000); round++) {
            struct work_block *mark = work_mark(w);
            check_gram(w, &state, large, &count);
            work_release(w, mark);
        }
        ck_assert_msg(count.missed > count.inexact / 4, "%zu of %zu", count.missed, count.inexact);
    }
}

START_TEST(gram_matrices_are_symmetric)
{
    in_work(grams, NULL);
}
END_TEST

/* ---- one way or the other, with few threads or many -------------------------------------------------------------------- */

/* `a` as the upper left part of zeros. */
static struct ball *padded(struct work *w, const struct ball *a, size_t rows, size_t cols)
{
    struct ball *c = ball_new(w, rows, cols, a->prec);
    ball_scatter(c, NULL, NULL, a);
    c->radius = a->radius;
    return c;
}

/* A product multiplied one by one is the upper left part of the same product among zeros, multiplied by BLAS. */
static void both_ways(struct work *w, void *args)
{
    uint64_t state = 10;
    (void)args;
    for (size_t round = 0; round < rounds(150); round++) {
        struct work_block *mark = work_mark(w);
        struct sizes size = random_sizes(&state, false);
        struct ball *a = random_ball(w, &state, size.rows, size.inner, random_prec(&state), 60);
        struct ball *b = random_ball(w, &state, size.inner, size.cols, random_prec(&state), 60);
        struct ball *c = ball_new(w, size.rows, size.cols, random_prec(&state)), *large = ball_new(w, 16, 16, c->prec);
        long bits = (long)(random_below(&state, 2) * (1 + random_below(&state, 150)));
        blas_lies(NO_LIE, 0, 0);
        product(w, c, a, b, bits);
        ck_assert(blas_calls() == 0);
        product(w, large, padded(w, a, 16, 16), padded(w, b, 16, 16), bits);
        ck_assert(blas_calls() > 0);
        struct ball *part = ball_gather(w, large, NULL, size.rows, NULL, size.cols);
        c->radius = part->radius = MAG_ZERO; /* compared elsewhere: these count the errors of the zeros too */
        ck_assert(same_ball(c, part));
        mpfr_nextabove(c->at);
        ck_assert(!same_ball(c, part));
        work_release(w, mark);
    }
}

START_TEST(both_ways_agree)
{
    in_work(both_ways, NULL);
}
END_TEST

/* From an inner size of 12 and 4096 multiplications on it is BLAS. */
static void thresholds(struct work *w, void *args)
{
    const struct sizes plain[] = {{40, 11, 40}, {16, 15, 17}, {1, 4095, 1}};
    const struct sizes blas[] = {{19, 12, 18}, {16, 16, 16}, {1, 4096, 1}};
    uint64_t state = 11;
    (void)args;
    for (int k = 0; k < 6; k++) {
        struct sizes size = k < 3 ? plain[k] : blas[k - 3];
        struct ball *a = random_exact(w, &state, size.rows, size.inner, 80, 20);
        struct ball *b = random_exact(w, &state, size.inner, size.cols, 80, 20);
        struct ball *c = ball_new(w, size.rows, size.cols, 90);
        blas_lies(NO_LIE, 0, 0);
        product(w, c, a, b, 0);
        ck_assert((blas_calls() > 0) == (k >= 3) && is_rounded(w, c, true_product(w, a, b)));
    }
}

START_TEST(thresholds_are_right)
{
    in_work(thresholds, NULL);
}
END_TEST

/* The same bits, midpoints, errors and radii, for any number of threads. */
static void threads(struct work *w, void *args)
{
    uint64_t state = 12;
    (void)args;
    for (size_t round = 0; round < rounds(12); round++) {
        struct work_block *mark = work_mark(w);
        struct ball *a = random_ball(w, &state, 100, 70, 200, 60), *b = random_ball(w, &state, 70, 90, 300, 60);
        struct ball *c = ball_new(w, 100, 90, 150), *gram = ball_new(w, 70, 70, 150);
        w->threads = 1;
        product(w, c, a, b, 200);
        product_tn(w, gram, a, a, 200);
        for (w->threads = 2; w->threads <= 16; w->threads *= 2) {
            struct ball *other = ball_new(w, 100, 90, 150), *other_gram = ball_new(w, 70, 70, 150);
            product(w, other, a, b, 200);
            product_tn(w, other_gram, a, a, 200);
            ck_assert_msg(same_ball(c, other) && same_ball(gram, other_gram), "%u threads", w->threads);
        }
        work_release(w, mark);
    }
}

START_TEST(threads_change_nothing)
{
    in_work(threads, NULL);
}
END_TEST

static void by_a_liar(struct work *w, void *args)
{
    uint64_t state = 13;
    (void)args;
    struct ball *a = random_exact(w, &state, 16, 16, 80, 20), *c = ball_new(w, 16, 16, 80);
    blas_lies(4, 7, 1);
    product(w, c, a, a, 0);
}

/* A BLAS that lies fails the whole. */
START_TEST(lies_are_passed_on)
{
    ck_assert(strstr(fails_in_work(ASSAY_BROKEN, by_a_liar, NULL), "the BLAS returned a wrong product"));
}
END_TEST

RUN_TESTS("product", TEST(products_are_correctly_rounded), TEST(graded_matrices), TEST(edges_of_limbs_and_zeros),
          TEST(products_enclose), TEST(radii_are_as_small_as_promised), TEST(nothing_comes_of_nothing),
          TEST(gram_matrices_are_symmetric), TEST(both_ways_agree), TEST(thresholds_are_right),
          TEST(threads_change_nothing), TEST(lies_are_passed_on))
