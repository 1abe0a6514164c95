/* Floating-point arithmetic of a format as ports do it, emulated so that every machine gets the same bits: one evaluation
 * is one way to order sums, to fuse, to round. What golden/emulate.c computes in. */
#ifndef ASSAY_GOLDEN_ARITHMETIC_H
#define ASSAY_GOLDEN_ARITHMETIC_H

#include "bugs.h"
#include "tensor.h"

/* How p(X) = a X + b A X + c A^2 X, A = X X^T, is multiplied out. */
enum polynomial_form {
    FORM_DIRECT, /* a X + (b A + c A^2) X */
    FORM_HORNER, /* ((c A + b I) A + a I) X */
    FORM_GRAM,   /* steps on A alone, X multiplied in after two and after all */
    POLYNOMIAL_FORMS
};

/* One way to evaluate. Numbers live in doubles that the format holds. */
struct evaluation {
    enum tensor_type format; /* of the direction's arithmetic */
    enum tensor_type state;  /* of parameters and buffers: binary32 where the format is narrower */
    enum polynomial_form form;
    size_t lanes;         /* partial sums of a dot product */
    bool shuffled;        /* its terms come in a random order */
    bool fused;           /* products are added with 25 bits more than their format has, or all */
    bool random;          /* half of the roundings go up, half down, wherever the number lies; */
    bool random_sums;     /* those within sums, too */
    bool constants;       /* coefficients and epsilons are rounded to the format */
    bool reciprocal;      /* quotients by one divisor are products with 1 / divisor */
    bool cast_first;      /* the direction's input is rounded to the format before it is normalised */
    bool finish_in_state; /* what follows the iteration is computed in `state` */
    /* beta m + (1 - beta) g is written so (0), m + (1 - beta) (g - m) (1), or g + beta (m - g) (2) */
    unsigned interpolation;
    bool decay_apart;     /* p (1 - lr wd) is rounded before the direction is subtracted */
    enum fault fault;     /* what is done wrong: golden/bugs.h */
    uint64_t seed, draws; /* of random choices; */
    uint64_t coins;       /* those drawn and not yet tossed: */
    size_t coins_left;    /* so many */
};

/* Way number `member` of an ensemble: each choice above is drawn, but for number 0, which is the plain one. */
struct evaluation evaluation_draw(enum tensor_type format, uint64_t ensemble, size_t member, bool honest);

/* The next random bits. */
uint64_t evaluation_bits(struct evaluation *e);

/* 2^-p, p the precision of the format: half a unit in the last place of 1. */
double unit_roundoff(enum tensor_type format);

/* The least positive number of the format. */
double least_number(enum tensor_type format);

/* A bound on ||E||_F / ||A||_F for which what a sound method computes from an m x n matrix A is exact for A + E: the model
 * of a backward stable method here. 4 sqrt(max(m, n)) u: rounding errors grow with the square root of their number (Higham
 * and Mary, SIAM J. Sci. Comput. 41, 2019), and Householder and Jacobi methods stay within that in practice. */
double backward_error(enum tensor_type format, size_t m, size_t n);

/* x as `place` holds it, rounded as this evaluation rounds; `count` such numbers; to nearest; and a constant, which
 * evaluations round or not. */
double rounded(struct evaluation *e, enum tensor_type place, double x);
void round_all(struct evaluation *e, enum tensor_type place, double *x, size_t count);
double nearest(enum tensor_type place, double x);
double constant(const struct evaluation *e, enum tensor_type place, double x);

/* x^k, by k - 1 products in binary64: pow() of two machines need not agree. */
double power_of(double x, size_t k);

/* The sum of x_k y_k, k < n, with strides, accumulated in binary32 (binary64 for that format). `order` are n places, in
 * which terms are added, or NULL. */
double dot(struct evaluation *e, const double *x, size_t x_stride, const double *y, size_t y_stride, size_t n,
           const size_t *order);

/* sums[j] = dot() of x and column j of y, side by side, each with coins of its own: many times as fast. */
enum { COLUMNS = 8 };
void dots(struct evaluation *e, double sums[COLUMNS], const double *x, const double (*y)[COLUMNS], size_t n);

/* A random order of n terms, in `order`, if the evaluation shuffles; returns `order` or NULL. */
const size_t *draw_order(struct evaluation *e, size_t *order, size_t n);

#endif
