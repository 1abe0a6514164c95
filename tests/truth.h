/* The truth about polar factors, enclosed by Arb and FLINT in ways that assay does not go; and what it says about an
 * answer. Include this before nothing that needs Arb's own mag_is_zero(), mag_is_inf(), mag_max() and mag_min(). */
#ifndef ASSAY_TESTS_TRUTH_H
#define ASSAY_TESTS_TRUTH_H

#include "matrices.h"

/* Arb and ref/magnitude.h have names in common; these of Arb's are inline functions of its headers. */
#define mag_is_zero arb_mag_is_zero
#define mag_is_inf arb_mag_is_inf
#define mag_max arb_mag_max
#define mag_min arb_mag_min
#include <arb_mat.h>
#undef mag_is_zero
#undef mag_is_inf
#undef mag_max
#undef mag_min

enum { FIRST_PREC = 448, LAST_PREC = 1 << 15 };

/* What an enclosure of the truth says about a claim. */
enum verdict { NO, OPEN, YES };
enum verdict both(enum verdict x, enum verdict y);

/* x, enclosed, and d x, which is exact if x is known to be fractions of denominator d. */
struct truth {
    arb_mat_t x, multiple;
    fmpz_t d;
    slong prec;
};
void truth_init(struct truth *t, size_t rows, size_t cols);
void truth_clear(struct truth *t);

/* Entry k, row by row; and how many there are. */
arb_ptr entry_of(const arb_mat_struct *x, size_t k);
size_t count_of(const arb_mat_struct *x);

/* Whether all of x - shift rounds to `claimed`. */
enum verdict rounds_to(double claimed, double shift, const arb_t x);

/* Whether `p` is the truth correctly rounded to pairs: hi, lo and the radius. */
enum verdict pairs_fit(const struct pair *p, const struct truth *t);
/* The counter-check of pairs_fit(): answers that are off by the least there is are all refused. */
void check_refusals(const struct pair *p, const struct truth *t);

/* z = a 2^-*scale, with the largest scale that makes integers of all entries; p = (hi + lo) 2^-*scale. */
void to_integers(fmpz_mat_t z, const struct matrix *a, long *scale);
void pairs_to_integers(fmpz_mat_t p, const struct pair *pair, size_t rows, size_t cols, long *scale);

/* q = an enclosure of the canonical polar factor of the integer matrix z of rank r. Returns false where this precision
 * is not enough. */
bool enclose_polar(arb_mat_t q, const fmpz_mat_t z, size_t r, slong prec);

/* Sets the truth, an enclosure of z's polar factor by enclose_polar(), to fractions, if integers prove that it is
 * them. */
bool find_fractions(struct truth *t, const fmpz_mat_t z, size_t rank);

#endif
