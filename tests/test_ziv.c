/* Ziv's strategy asks for more precision exactly as long as it must, and its answers do not depend on where it began. */
#include "ziv.h"

#include "random_balls.h"

#include <stdio.h>
#include <string.h>

/* ---- a problem whose answers are known -------------------------------------------------------------------------------- */

enum { MOST_ANSWERS = 3, MOST_CALLS = 40, TRUE_BITS = 20000 };

/* Exact matrices, that evaluate() encloses to 2^-bits of each entry's size, as far away as that allows. */
struct problem {
    struct ball *truth[MOST_ANSWERS];
    size_t count;
    uint64_t state;
    long asked[MOST_CALLS]; /* the bits of each call of evaluate() */
    size_t evaluated, settled;
    size_t settles_at;     /* the call of settle() that proves what is exact, from 1; 0: none */
    const char *last;      /* "evaluate" or "settle" */
    bool out_of_order;     /* settle() came before evaluate() */
    struct ball *answered; /* the first answer of evaluate() */
    double off_by;         /* evaluate() is wrong: each midpoint is moved by so much of its size */
};

static void evaluate(struct work *w, void *problem, long bits, struct ball **answers)
{
    struct problem *p = problem;
    p->asked[p->evaluated++] = bits;
    p->last = "evaluate";
    MPFR_DECL_INIT(offset, 64);
    for (size_t k = 0; k < p->count; k++) {
        const struct ball *truth = p->truth[k];
        struct ball *a = answers[k] = ball_copy(w, truth, bits + 200);
        for (size_t l = 0; l < ball_count(a); l++) {
            mag error = mag_scale(up_abs(a->at + l), -bits);
            mag_get_mpfr(offset, error);
            mpfr_mul_d(offset, offset, 0.5 - random_uniform(&p->state), MPFR_RNDN);
            mpfr_add(a->at + l, a->at + l, offset, MPFR_RNDN);
            mpfr_mul_d(offset, a->at + l, p->off_by, MPFR_RNDN);
            mpfr_add(a->at + l, a->at + l, offset, MPFR_RNDN);
            a->error[l] = mag_scale(error, 1);
        }
        a->radius = MAG_INF;
        ball_tighten(a);
    }
    p->answered = answers[0];
}

static void settle(struct work *w, void *problem, struct ball **answers)
{
    struct problem *p = problem;
    p->out_of_order = p->out_of_order || strcmp(p->last, "evaluate") != 0 || p->answered != answers[0];
    p->last = "settle";
    if (++p->settled == p->settles_at)
        for (size_t k = 0; k < p->count; k++)
            answers[k] = ball_copy(w, p->truth[k], TRUE_BITS);
}

/* 1 + 2^-53 + 1.25 2^-gap: that close to a midpoint. */
static void set_near_midpoint(mpfr_ptr x, long gap)
{
    mpfr_set_ui_2exp(x, 5, -gap - 2, MPFR_RNDN);
    mpfr_add_d(x, x, 0x1p-53, MPFR_RNDN);
    mpfr_add_ui(x, x, 1, MPFR_RNDN);
}

/* Two answers, 2 x 3 and 1 x 1, of the roots of 2, 3, 5, ... */
static struct problem *roots(struct work *w)
{
    struct problem *p = work_alloc(w, 1, sizeof *p);
    *p = (struct problem){.count = 2, .state = 1, .last = ""};
    p->truth[0] = ball_new(w, 2, 3, TRUE_BITS);
    p->truth[1] = ball_new(w, 1, 1, TRUE_BITS);
    for (unsigned k = 0; k < 6; k++)
        mpfr_sqrt_ui(p->truth[0]->at + k, k * k + 2, MPFR_RNDN);
    mpfr_sqrt_ui(p->truth[1]->at, 71, MPFR_RNDN);
    return p;
}

static struct pairs **new_pairs(struct work *w, const struct problem *p)
{
    struct pairs **pairs = work_alloc(w, p->count, sizeof(struct pairs *));
    for (size_t k = 0; k < p->count; k++)
        pairs[k] = pairs_new(w, p->truth[k]->rows, p->truth[k]->cols);
    return pairs;
}

static long solve(struct work *w, struct problem *p, bool settles, long bits, struct pairs **pairs)
{
    const struct ziv z = {p, p->count, evaluate, settles ? settle : NULL};
    p->evaluated = p->settled = 0;
    return ziv_round(w, &z, bits, pairs);
}

/* Whether the pairs are those of the exact matrices. */
static bool are_right(struct work *w, const struct problem *p, struct pairs *const *pairs)
{
    for (size_t k = 0; k < p->count; k++) {
        struct pairs *expected = pairs_new(w, pairs[k]->rows, pairs[k]->cols);
        size_t count = ball_count(p->truth[k]), undecided, bytes = count * sizeof(double);
        if (!round_pairs(w, expected, p->truth[k], &undecided) || pairs[k]->radius != expected->radius ||
            memcmp(pairs[k]->hi, expected->hi, bytes) != 0 || memcmp(pairs[k]->lo, expected->lo, bytes) != 0)
            return false;
    }
    return true;
}

/* ---- tests ------------------------------------------------------------------------------------------------------------ */

static void ordinary(struct work *w, void *args)
{
    struct problem *p = roots(w);
    struct pairs **pairs = new_pairs(w, p);
    (void)args;
    ck_assert(solve(w, p, true, 0, pairs) == 160 && p->evaluated == 1 && p->asked[0] == 160 && p->settled == 0);
    ck_assert(are_right(w, p, pairs));
    pairs = new_pairs(w, p);
    ck_assert(solve(w, p, false, 100, pairs) == 160 && are_right(w, p, pairs)); /* never less than usual */
    pairs = new_pairs(w, p);
    ck_assert(solve(w, p, false, 1000, pairs) == 1000 && p->asked[0] == 1000 && are_right(w, p, pairs));
    p->off_by = 0x1p-50; /* and what is wrong is seen to be */
    ck_assert(solve(w, p, false, 0, pairs) == 160 && !are_right(w, p, pairs));
    p->off_by = 0x1p-110;
    ck_assert(solve(w, p, false, 0, pairs) == 160 && !are_right(w, p, pairs));
}

/* Ordinary numbers are decided at once by 160 bits, or by those that are asked for if they are more. */
START_TEST(ordinary_numbers_are_decided_at_once)
{
    in_work(ordinary, NULL);
}
END_TEST

/* Of first, first + first / 2, ... (160, 240, 360, 540, 810, ...) the first that is beyond `gap` by a few. */
static bool is_enough(long bits, long gap, long first)
{
    long tried = first;
    while (tried < bits)
        tried += tried / 2;
    return tried == bits && bits >= gap && (bits == first || bits / 3 * 2 <= gap + 8);
}

static void harder(struct work *w, void *args)
{
    (void)args;
    for (long gap = 130; gap < 5000; gap += gap / 5)
        for (long first = 160; first < 2000; first += 333)
            for (size_t where = 0; where < 7; where++) {
                struct work_block *mark = work_mark(w);
                struct problem *p = roots(w);
                struct pairs **pairs = new_pairs(w, p);
                set_near_midpoint(where < 6 ? p->truth[0]->at + where : p->truth[1]->at, gap);
                long bits = solve(w, p, where % 2, first, pairs);
                ck_assert_msg(is_enough(bits, gap, first), "%ld bits from %ld on for %ld", bits, first, gap);
                ck_assert(p->asked[p->evaluated - 1] == bits && p->settled == (where % 2 ? p->evaluated - 1 : 0));
                ck_assert(are_right(w, p, pairs) && !p->out_of_order);
                work_release(w, mark);
            }
}

/* Close to a midpoint it takes as many bits as it is close, no more, wherever it stands and wherever one begins; and the
 * pairs are the same. What proves exact values is asked after each failure, and proves nothing here. */
START_TEST(hard_numbers_take_more_bits)
{
    in_work(harder, NULL);
}
END_TEST

static void settled(struct work *w, void *args)
{
    (void)args;
    for (size_t at = 1; at <= 5; at++) {
        struct problem *p = roots(w);
        struct pairs **pairs = new_pairs(w, p);
        set_near_midpoint(p->truth[0]->at + 3, TRUE_BITS + 10); /* exactly on it */
        p->settles_at = at;
        long bits = solve(w, p, true, 0, pairs);
        ck_assert(p->evaluated == at && p->settled == at && bits == p->asked[at - 1] && !p->out_of_order);
        ck_assert(are_right(w, p, pairs) && pairs[0]->hi[3] == 1 && pairs[0]->lo[3] == 0x1p-53);
    }
}

/* What no enclosure decides is decided once it is proved to be exact. */
START_TEST(proofs_decide)
{
    in_work(settled, NULL);
}
END_TEST

/* What cannot be decided: entry `where` of the first answer or, if that is 6, the second; or its radius. */
struct hopeless {
    struct problem problem;
    size_t where;
    bool settles, radius;
    long max_bits;
};

static void try_in_vain(struct work *w, void *args)
{
    struct hopeless *h = args;
    struct problem *p = roots(w);
    mpfr_ptr x = h->where < 6 ? p->truth[0]->at + h->where : p->truth[1]->at;
    set_near_midpoint(x, TRUE_BITS + 10);
    if (h->radius) { /* 1 + 2^-60 + 2^-120: what is left is 2^-120, alone */
        mpfr_set_ui_2exp(x, 1, -120, MPFR_RNDN);
        mpfr_add_d(x, x, 0x1p-60, MPFR_RNDN);
        mpfr_add_ui(x, x, 1, MPFR_RNDN);
    }
    w->max_bits = h->max_bits;
    h->problem = *p;
    solve(w, &h->problem, h->settles, 0, new_pairs(w, p));
}

static void check_failure(struct hopeless h, const char *expected)
{
    const char *message = fails_in_work(ASSAY_UNDECIDED, try_in_vain, &h);
    const struct problem *p = &h.problem;
    long last = p->asked[p->evaluated - 1];
    char sentence[200];
    snprintf(sentence, sizeof sentence, "%s is not decided by %ld bits, nor by proof", expected, last);
    ck_assert_str_eq(message, sentence);
    ck_assert(last > h.max_bits && (p->evaluated == 1 || p->asked[p->evaluated - 2] <= h.max_bits));
    ck_assert(p->settled == (h.settles ? p->evaluated : 0));
}

/* The first attempt beyond max_bits is the last one, proofs included; the sentence names what is open. */
START_TEST(beyond_the_last_bits_it_is_undecided)
{
    for (int settles = 0; settles < 2; settles++)
        for (long max_bits = 1; max_bits <= 8192; max_bits = 2 * max_bits + 1) {
            check_failure((struct hopeless){.where = 0, .settles = settles, .radius = false, .max_bits = max_bits},
                          "entry (0, 0) of the answer");
            check_failure((struct hopeless){.where = 5, .settles = settles, .radius = false, .max_bits = max_bits},
                          "entry (1, 2) of the answer");
            check_failure((struct hopeless){.where = 6, .settles = settles, .radius = false, .max_bits = max_bits},
                          "entry (0, 0) of the answer");
            check_failure((struct hopeless){.where = 6, .settles = settles, .radius = true, .max_bits = max_bits},
                          "the radius of the answer");
        }
}
END_TEST

static void too_large(struct work *w, void *args)
{
    struct problem *p = roots(w);
    (void)args;
    mpfr_mul_2ui(p->truth[0]->at + 4, p->truth[0]->at + 4, 1100, MPFR_RNDN);
    solve(w, p, true, 0, new_pairs(w, p));
}

/* Overflow is passed on. */
START_TEST(overflow_is_passed_on)
{
    ck_assert(strstr(fails_in_work(ASSAY_RANGE, too_large, NULL), "entry (1, 1) of the answer exceeds"));
}
END_TEST

RUN_TESTS("ziv", TEST(ordinary_numbers_are_decided_at_once), TEST(hard_numbers_take_more_bits), TEST(proofs_decide),
          TEST(beyond_the_last_bits_it_is_undecided), TEST(overflow_is_passed_on))
