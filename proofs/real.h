/* Real numbers for proofs: each is a fraction, known exactly, or lies in a closed interval with MPFR end points.
 *
 * Sums, products, quotients and comparisons of fractions are exact (GMP's mpq); so are square roots that are fractions.
 * Everything else is enclosed: lower ends are rounded down and upper ends up, to the field's precision, so the true
 * value lies between them always. A number is immutable and lives in the memory of its field's work (work_release()).
 *
 * Questions have three answers. A test below is true only if it is proved; that it is false says nothing, unless its
 * contrary is true. Where a program must choose (a sign, the larger of two) and the interval does not decide it,
 * real_sign() fails with ASSAY_UNDECIDED, and the caller tries again with twice the precision. */
#ifndef ASSAY_PROOFS_REAL_H
#define ASSAY_PROOFS_REAL_H

#include "work.h"

struct field {
    struct work *w;
    mpfr_prec_t prec;
};

typedef const struct real *real;
struct real {
    const struct field *field;
    mpq_srcptr exact; /* the fraction; or NULL, and lo <= x <= hi */
    mpfr_t lo, hi;
};

real real_whole(const struct field *f, long n);
real real_fraction(const struct field *f, long numerator, unsigned long denominator);
/* The exact value of a decimal, as printed: "-4.7750", "1e-7". */
real real_decimal(const struct field *f, const char *text);
/* The exact value of a binary64 number. */
real real_double(const struct field *f, double x);
/* The exact value of an MPFR number. */
real real_mpfr(const struct field *f, mpfr_srcptr x);
/* lo <= x <= hi, the ends of two numbers. */
real real_between(real lo, real hi);

real real_add(real x, real y);
real real_sub(real x, real y);
real real_mul(real x, real y);
/* The whole line where y may be zero. */
real real_div(real x, real y);
real real_neg(real x);
real real_abs(real x);
real real_square(real x);
real real_power(real x, unsigned long k);
real real_max(real x, real y);
real real_min(real x, real y);
/* The square root; the part of x below 0 counts as 0. */
real real_root(real x);
real real_exp(real x);
/* The whole line where x may be negative. */
real real_log(real x);
real real_sinh(real x);
real real_cosh(real x);
real real_cos(real x);
real real_sin(real x);

/* An exact number in the middle of an interval; the number itself if it is a fraction. */
real real_middle(real x);
/* The interval, of the field's precision, around a fraction: keeps long computations from exact growth. */
real real_enclose(real x);

/* x >= 0, x > 0, x <= 0, x < 0: proved. */
bool real_at_least_0(real x);
bool real_above_0(real x);
bool real_at_most_0(real x);
bool real_below_0(real x);
/* -1, 0 or 1; fails with ASSAY_UNDECIDED, naming `what`, where the interval does not decide. */
int real_sign(real x, const char *what);

/* The ends, rounded outward to the precision of lo and hi. */
void real_ends(mpfr_ptr lo, mpfr_ptr hi, real x);

/* Gives back all memory since the mark but that of these numbers, which are replaced by copies. */
void real_keep(struct work *w, struct work_block *mark, real *values, size_t count);

/* Sums and products of several. */
real real_sum(const real *x, size_t count);
real real_product(const real *x, size_t count);
#define SUM(...) real_sum((const real[]){__VA_ARGS__}, sizeof(const real[]){__VA_ARGS__} / sizeof(real))
#define PRODUCT(...) real_product((const real[]){__VA_ARGS__}, sizeof(const real[]){__VA_ARGS__} / sizeof(real))

#endif
