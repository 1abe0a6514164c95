/* Enclosures to test with, and exact matrices that they may stand for. */
#ifndef ASSAY_TESTS_RANDOM_BALLS_H
#define ASSAY_TESTS_RANDOM_BALLS_H

#include "support.h"

/* Members of random balls are exact on so many bits, and so are their sums and products on twice as many. */
enum { MEMBER_BITS = 1024, TRUTH_BITS = 2 * MEMBER_BITS + 64 };

/* A number of x's precision below 2^(spread + 1) in size: often 0 or a small integer, else with all bits random and
 * an exponent from -spread to spread. */
void random_number(mpfr_ptr x, uint64_t *state, long spread);

/* An exact matrix of such numbers. */
struct ball *random_exact(struct work *w, uint64_t *state, size_t rows, size_t cols, mpfr_prec_t prec, long spread);

/* The same with errors: of no entry, of some or of all, far below or beyond their size; and a radius that is all that
 * they allow, or less. For prec <= 300 and spread <= 100. */
struct ball *random_ball(struct work *w, uint64_t *state, size_t rows, size_t cols, mpfr_prec_t prec, long spread);

/* An exact matrix that `a` may stand for, often one that is as far from the midpoints as may be. */
struct ball *random_member(struct work *w, uint64_t *state, const struct ball *a);

/* contains(), and every midpoint is a number unless nothing is claimed of it. */
bool encloses(const struct ball *c, const struct ball *truth);
/* Whether a ball of half the radius and half the errors would not hold `truth`: what encloses() would find then. */
bool half_misses(struct work *w, const struct ball *c, const struct ball *truth);

/* A ball with the same midpoints, errors and radius; and whether two have the same. */
struct ball *clone(struct work *w, const struct ball *a);
bool same_mag(mag a, mag b);
bool same_ball(const struct ball *a, const struct ball *b);

#endif
