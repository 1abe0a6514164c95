/* What results say of the numbers of a port (coefficients, epsilon, scale, beta, weight decay): one case's part of the normal
 * equations of a least-squares fit.
 *
 * y = numbers looked at in the results, r = y of the results - y of an evaluation in binary64 - what rounding adds on average,
 * J = d y / d theta by central differences of that evaluation. Each group of y has one weight: 1 / variance, which some
 * evaluations in the format give. n = sum J^T w J, g = sum J^T w r. */
#ifndef ASSAY_GOLDEN_SENSITIVITY_H
#define ASSAY_GOLDEN_SENSITIVITY_H

#include "bounds.h"

/* The results that a port has for a case; at[a] is NULL where there are none for output a. */
struct observed {
    const struct golden_case *c;
    const double *at[CASE_ANSWERS];
};

enum number {
    NUMBER_A, /* of a triple that every step repeats */
    NUMBER_B,
    NUMBER_C,
    NUMBER_ROUNDING, /* of a schedule: 0 if the coefficients are as printed, 1 if they are rounded to the format */
    NUMBER_NORM,     /* assay_dialect.norm_factor */
    NUMBER_EPS,
    NUMBER_SCALE, /* assay_dialect.scale_factor */
    NUMBER_BETA,
    NUMBER_DECAY,
    NUMBERS
};
extern const char *const number_names[NUMBERS];

/* In units of the number itself where it is `relative`: differences are taken over `step` to both sides (which makes errors of
 * step^2 and of some 500 unit roundoffs / step, 500 being the slope of five steps of Newton-Schulz at 0), and the number is
 * looked for within `range`. */
struct number_way {
    double step, range;
    bool relative;
};
extern const struct number_way number_ways[NUMBERS];

/* What the numbers are changed by, in these units. */
struct change {
    double of[NUMBERS];
};

/* One number moved by t units; a relative one by no more than a factor 4. */
struct change moved_by(const struct change *from, size_t k, double t);

/* Whether every step of the dialect has the same triple. */
bool numbers_repeat(const struct assay_dialect *d);

/* Momentum alone is computed in binary32 by ports whose direction is narrower. */
enum tensor_type operation_format(enum operation operation, enum tensor_type format);

/* Way number `port` to evaluate, the same for every case of a set, as one port has it; only random choices are the case's. */
struct evaluation port_evaluation(enum tensor_type format, size_t port, const struct golden_case *c, bool honest);

/* The normal equations n t = g; and what n[k][k] would be if all that is left were rounding's. */
struct equations {
    double n[NUMBERS][NUMBERS], g[NUMBERS], best[NUMBERS];
};

/* Numbers of one variance and weight: those of a matrix of results, one of each step; but of a matrix
 * G = sum s_k u_k v_k^T that is iterated, u_k^T Y v_k of one k: they are all that Y says of the iteration's numbers, and s_k
 * decides what rounding does to them. */
struct group {
    size_t from, count;
    double variance, size, weight; /* size: the mean square of the exact numbers */
};

/* A case with its results. */
struct part {
    const struct observed *o;
    size_t answers, sizes[CASE_ANSWERS];
    size_t rows, cols, row,
        col;       /* of G, or of G^T, rows >= cols: entry (i, j) is at i * row + j * col; cols = 0: no matrix */
    double *u, *v; /* u_k is zero where s_k is next to nothing */
    size_t count, group_count;
    double *y, *offset; /* the numbers of the port, and what rounding adds to them on average */
    struct group *groups;
    bool takes; /* whether there are results that say something, and the dialect takes it */
    struct equations found;
    double loss; /* sum w r^2 */
};

/* Makes a part of a case. One in which ports may overflow or not says nothing of their numbers: which of the two they do is far
 * more than any number does, and the ensembles, whose sums are all of one type, all do the same. */
void part_lay_out(struct work *w, struct part *p, const struct observed *o, enum tensor_type format);

/* What is asked of it. */
struct question {
    struct part *part;
    const struct assay_dialect *d;
    enum fault fault;
    enum tensor_type format;
    const struct change *at;
    double tolerance; /* of errors relative to the numbers, beside the variances */
    enum ask {
        ASK_FIRST,     /* offset and variances, and what follows */
        ASK_EQUATIONS, /* n, g, loss, by weights 1 / (variance + mean r^2 of the group): what fits badly counts little */
        ASK_WEIGHTS,   /* those weights, and the loss by them */
        ASK_LOSS,      /* loss, by the weights that there are */
    } what;
    size_t members; /* of an ensemble of ports, and for each its g; with these, weights are
                       * 1 / (variance + their mean square) */
    double (*member_g)[NUMBERS];
};

/* Asks, in a computation of its own: a dialect that does not take the case makes part->takes false. ASSAY_NO_MEMORY fails w. */
void part_ask(struct work *w, const struct question *q);

/* y of one evaluation by a port with changed numbers; and of the port, r[0], and the members what is left of y. */
double *question_numbers(struct work *w, const struct question *q, struct evaluation e, const struct change *by);
double **question_residuals(struct work *w, const struct question *q, const double *exact);

/* x = (n + diag(1 / range^2))^-1 g: what is not seen stays where it is, and is no obstacle. */
void equations_solve(const struct equations *e, const double g[NUMBERS], double x[NUMBERS]);

/* Adds `sign` times what `part` says. */
void equations_add(struct equations *all, const struct equations *part, double sign);

#endif
