/* Proofs that an answer is rational, for enclosures that would never decide its rounding.
 *
 * If a ball holds a rational matrix with a short common denominator, that matrix is a candidate; whether it is the
 * answer is then a question about integers. */
#ifndef ASSAY_REF_EXACT_H
#define ASSAY_REF_EXACT_H

#include "ball.h"

/* The rational matrix of least common denominator, with integers for numerators, that `a` may
 * stand for, provided that the denominator has at most a quarter of the bits that `a` is known to; NULL if there is
 * none. */
struct rational *rational_candidate(struct work *w, const struct ball *a);

/* Whether X is sqrt(num / den) times the canonical polar factor U_r V_r^T of the exact matrix `a` of rank r, given
 * that it is within `distance` of it and that the nonzero singular values of `a` lie between `least` and `largest`. */
bool prove_polar(struct work *w, const struct ball *a, size_t r, const struct rational *x, unsigned long num,
                 unsigned long den, mag distance, mag least, mag largest);

/* Whether an entry of the canonical polar factor of the exact matrix `a` of rank r that is within `distance` of the
 * fraction `candidate` is equal to it; true only if that is proved. `largest` bounds the singular values of `a`. */
bool prove_polar_entry(const struct ball *a, size_t r, mag largest, mag distance, mpq_srcptr candidate);

/* The fraction of least denominator within `error` of x. */
void simplest_near(mpq_ptr q, mpfr_srcptr x, mag error);

/* Whether a = s b, for exact matrices and an integer s. */
bool equals_multiple(const struct ball *a, mpz_srcptr s, const struct ball *b);
/* Whether ||x||_F^2 = k. */
bool rational_norm_squared_is(struct work *w, const struct rational *x, unsigned long k);

/* a / s as a rational matrix, for an exact matrix and an exact scalar other than 0. */
struct rational *rational_quotient(struct work *w, const struct ball *a, const struct ball *s);

/* The m x n matrix that has the pieces at the given rows and columns (NULL: all of them) and is 0 elsewhere; NULL if
 * any of the pieces is NULL. */
struct piece {
    const struct rational *value;
    const size_t *rows, *cols;
};
struct rational *rational_assemble(struct work *w, size_t m, size_t n, const struct piece *pieces, size_t count);

/* Notes x as the exact value of `a`, and sets those entries that are dyadic numbers to it. */
void adopt_rational(struct work *w, struct ball *a, const struct rational *x);

#endif
