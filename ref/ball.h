/* Enclosures: a matrix of MPFR midpoints with proved radii.
 *
 * A ball stands for some exact matrix X with ||X - at||_F <= radius and |X_k - at_k| <= error_k for every entry (a
 * zero row stays a zero row even beside irrational ones; error_k = 0 says that entry k is its midpoint). Every
 * function here returns a ball that holds its result for every exact matrix that its arguments may stand for;
 * rounding errors are counted from MPFR's ternary values. A 1 x 1 ball serves as a scalar. Results are rounded to the
 * precision of the ball they are written to, which may be an argument too. */
#ifndef ASSAY_REF_BALL_H
#define ASSAY_REF_BALL_H

#include "magnitude.h"
#include "work.h"

/* numerators / denominator: dyadic numbers, exact, by a positive integer. */
struct rational {
    struct ball *numerators;
    mpz_ptr denominator;
};

struct ball {
    size_t rows, cols;
    mpfr_prec_t prec;
    mpfr_ptr at;                     /* rows * cols midpoints, row-major */
    mag *error;                      /* rows * cols: of each entry */
    mag radius;                      /* of the matrix, in Frobenius norm */
    const struct rational *rational; /* the exact value, where one has been proved; else NULL */
};

/* A zero matrix, exact. */
struct ball *ball_new(struct work *w, size_t rows, size_t cols, mpfr_prec_t prec);
/* The identity, exact. */
struct ball *ball_identity(struct work *w, size_t n, mpfr_prec_t prec);
/* The exact value of binary64 numbers. Fails with ASSAY_NOT_FINITE, naming the entry. */
struct ball *ball_from_input(struct work *w, assay_input a);
/* The exact value of one binary64 number. */
struct ball *ball_from_double(struct work *w, double x);
struct ball *ball_from_integer(struct work *w, long n);

static inline mpfr_ptr ball_at(const struct ball *a, size_t i, size_t j)
{
    return a->at + i * a->cols + j;
}
static inline size_t ball_count(const struct ball *a)
{
    return a->rows * a->cols;
}

/* -1, 0 or 1, for a number that is not NaN. */
static inline int number_sign(mpfr_srcptr x)
{
    return mpfr_zero_p(x) ? 0 : mpfr_signbit(x) ? -1 : 1;
}

bool ball_is_exact(const struct ball *a);
/* Declares the midpoints the exact values. */
void ball_make_exact(struct ball *a);
/* Whether every entry is proved to be zero. */
bool ball_is_zero(const struct ball *a);
/* A bound on the Frobenius norm; one on that of the midpoints alone. */
mag ball_norm_up(const struct ball *a);
mag ball_midpoint_norm_up(const struct ball *a);
/* A lower bound on |a| of a scalar. */
mag ball_abs_down(const struct ball *a);
/* Binary64 numbers on either side of a scalar that is not negative. */
void ball_bounds(double bounds[2], const struct ball *a);
/* Bits that hold every midpoint of `a` exactly on one common grid. */
mpfr_prec_t ball_width(const struct ball *a);

void ball_set(struct ball *c, const struct ball *a);
struct ball *ball_copy(struct work *w, const struct ball *a, mpfr_prec_t prec);
struct ball *ball_transpose(struct work *w, const struct ball *a);
/* The m x n part of `a` with these row and column numbers; NULL stands for 0, 1, 2, ... */
struct ball *ball_gather(struct work *w, const struct ball *a, const size_t *rows, size_t m, const size_t *cols,
                         size_t n);

/* Writes `a` to those places of c, whose precision is not below a's; c's radius is left to the caller. */
void ball_scatter(struct ball *c, const size_t *rows, const size_t *cols, const struct ball *a);
/* Lowers the radius to what the errors of the entries allow. */
void ball_tighten(struct ball *a);

void ball_add(struct ball *c, const struct ball *a, const struct ball *b);
void ball_sub(struct ball *c, const struct ball *a, const struct ball *b);
/* s a, for a scalar s. */
void ball_mul(struct ball *c, const struct ball *s, const struct ball *a);
/* a / s, for a scalar s. Radius infinite unless s is proved not to be zero. */
void ball_div(struct ball *c, const struct ball *a, const struct ball *s);
/* The products and quotients of entries. */
void ball_mul_entries(struct ball *c, const struct ball *a, const struct ball *b);
void ball_div_entries(struct ball *c, const struct ball *a, const struct ball *b);
/* a 2^k */
void ball_scale(struct ball *c, const struct ball *a, long k);
/* The elementwise square root; of a scalar too. Entries that may be negative make the radius infinite. */
void ball_sqrt(struct ball *c, const struct ball *a);
/* The elementwise hyperbolic cosine. */
void ball_cosh(struct ball *c, const struct ball *a);
/* Adds to the radius of a scalar; what was known of its value to be rational is so no more. */
void ball_widen(struct ball *scalar, mag error);
/* Adds to the radius and to the error of every entry; likewise. */
void ball_widen_all(struct ball *a, mag error);
/* Takes over the exact entries, and the rational value, of another enclosure of the same matrix; NULL: none. */
void ball_adopt(struct ball *a, const struct ball *known);
/* The larger of two scalars. */
void ball_max(struct ball *c, const struct ball *a, const struct ball *b);
/* The scalar ||a||_F^2, and ||a||_F. */
void ball_norm_sqr(struct work *w, struct ball *c, const struct ball *a);
void ball_norm(struct work *w, struct ball *c, const struct ball *a);
/* The scalar <a, b>. */
void ball_dot(struct work *w, struct ball *c, const struct ball *a, const struct ball *b);

/* s x + y of exact matrices and an exact scalar, exactly, on as many bits as that takes. */
struct ball *ball_exact_axpy(struct work *w, const struct ball *s, const struct ball *x, const struct ball *y);

/* For functions that write midpoints themselves. Note every entry k of c once, with the ternary value of its rounding
 * and a bound on the error that its operands contribute; then call ball_done(). */
struct tally {
    mag all, rounding; /* sums of squares: of all errors noted, of the rounding errors alone */
};
void ball_note(struct ball *c, struct tally *t, size_t k, int ternary, mag inherited);
/* Sets the radius, given a bound on the Frobenius norm of everything inherited (MAG_INF: none but the noted ones). */
void ball_done(struct ball *c, const struct tally *t, mag inherited);

#endif
