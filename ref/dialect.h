/* What a Muon is: the axes along which optimizers of the family differ, and the named points ("dialects").
 *
 * One step is always the same composition, and each part of it is one axis:
 *
 *     momentum -> Nesterov -> direction (Newton-Schulz | exact LMO | cosh-RMS | Adam ratio) -> scale -> weight decay
 *     -> update.
 *
 * m is the momentum buffer, g the gradient, p the parameter, u what momentum and Nesterov make of g, O the direction
 * made of u, s the scale, r x c the shape of a matrix (rows, columns). All constants are the binary64 numbers nearest
 * to the decimals printed here or in the port; from there on everything is real arithmetic. */
#ifndef ASSAY_DIALECT_H
#define ASSAY_DIALECT_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __GNUC__
#define ASSAY_EXPORT __attribute__((visibility("default")))
#else
#define ASSAY_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum assay_momentum {
    ASSAY_MOMENTUM_NONE,       /* m stays 0; u = g */
    ASSAY_MOMENTUM_EMA,        /* m = beta m + (1 - beta) g */
    ASSAY_MOMENTUM_HEAVY_BALL, /* m = beta m + (1 - dampening) g; m_1 = g whatever the dampening */
};

enum assay_nesterov {
    ASSAY_NESTEROV_NONE,     /* u = m */
    ASSAY_NESTEROV_LERP,     /* u = beta m + (1 - beta) g */
    ASSAY_NESTEROV_ADD,      /* u = g + beta m */
    ASSAY_NESTEROV_SUM,      /* u = g + m */
    ASSAY_NESTEROV_NADAM,    /* u = beta m / (1 - beta^(t+1)) + (1 - beta) g / (1 - beta^t), t = 1, 2, ... */
    ASSAY_NESTEROV_UNBIASED, /* u = m / (1 - beta^t) */
    ASSAY_NESTEROV_RAW,      /* u = g: the buffer plays no part */
};

enum assay_direction {
    ASSAY_DIRECTION_IDENTITY,      /* O = u */
    ASSAY_DIRECTION_NEWTON_SCHULZ, /* O = the iteration below, of u */
    ASSAY_DIRECTION_LMO,           /* O = argmax <u, O> over ||O|| <= 1, exactly */
    ASSAY_DIRECTION_COSH_RMS,      /* O = the formula below, of u or of its Newton-Schulz iterate */
    ASSAY_DIRECTION_ADAM,          /* O = m-hat / (sqrt(v-hat) + eps), Kingma & Ba */
};

/* Unit balls of the exact LMO. */
enum assay_norm {
    ASSAY_NORM_SPECTRAL,  /* largest singular value */
    ASSAY_NORM_FROBENIUS, /* the Euclidean norm of the entries */
    ASSAY_NORM_MAX,       /* largest |entry| */
    ASSAY_NORM_RMS,       /* RMS -> RMS operator norm: sqrt(c / r) times the spectral norm */
    ASSAY_NORM_NUCLEAR,   /* sum of the singular values */
    ASSAY_NORM_SUM,       /* sum of |entry| */
    ASSAY_NORM_COLUMN,    /* 1 -> RMS: largest Euclidean norm of a column, over sqrt(r) */
    ASSAY_NORM_ROW,       /* RMS -> max: largest Euclidean norm of a row, times sqrt(c) */
};

/* R of the composite problem f(x) + R(x). */
enum assay_regulariser {
    ASSAY_REGULARISER_NONE,
    ASSAY_REGULARISER_RIDGE, /* lambda/2 ||x||_F^2 */
    ASSAY_REGULARISER_SUM,   /* lambda sum |x_ij| */
    ASSAY_REGULARISER_BOX,   /* |x_ij| <= lambda */
};

/* One step of Newton-Schulz, X <- a X + b (X X^T) X + c (X X^T)^2 X. */
struct assay_triple {
    double a, b, c;
};

enum assay_overrun { /* if there are more steps than triples (if there are fewer, the first ones are taken): */
                     ASSAY_OVERRUN_REPEAT_LAST, /* the last triple is repeated */
                     ASSAY_OVERRUN_CYCLE,       /* the table starts again */
                     ASSAY_OVERRUN_STOP,        /* the iteration ends with the table */
};

struct assay_coefficients {
    const char *name, *source;
    size_t count;
    const struct assay_triple *triples;
};

enum assay_normalisation {                           /* X = u / d with f, e = norm_factor, eps: */
                           ASSAY_NORMALISE_ADD,      /* d = f ||u||_F + e */
                           ASSAY_NORMALISE_MAX,      /* d = max(f ||u||_F, e) */
                           ASSAY_NORMALISE_SPECTRAL, /* d = ||u||_2 + e */
                           ASSAY_NORMALISE_SCHATTEN, /* d = sqrt(max(||u u^T||_F, e)) */
                           ASSAY_NORMALISE_AOL, /* X = D u on the shorter side, D_ii = max(sum_j |(u u^T)_ij|, e)^(-1/2)
                                                 */
};

enum assay_pre {
    ASSAY_PRE_NONE,
    ASSAY_PRE_EQUILIBRATE, /* row i of u times ||u||_F / (sqrt(r) max(||u_i||, 1e-6)) */
};

/* What is done to O = NS(u); v is the second moment, v_0 = 0. */
enum assay_post {
    ASSAY_POST_NONE,
    /* NorMuon: v_i = beta2 v_i + (1 - beta2) mean_j(O_ij^2) by rows; O_ij /= sqrt(v_i) + 1e-10; then O is brought back
     * to the Frobenius norm n0 that it had, by n0 / (n1 + 1e-10). */
    ASSAY_POST_NORMUON_ROWS,
    /* The same by rows if r >= c, else by columns, with / sqrt(max(v, 1e-10)) and n0 / max(n1, 1e-10). */
    ASSAY_POST_NORMUON_ASPECT,
    /* AdaMuon: v = beta2 v + (1 - beta2) O^2 by entries; O /= sqrt(v) + 1e-7; O *= sqrt(r c) / (||O||_F + 1e-7). */
    ASSAY_POST_ADAMUON,
    ASSAY_POST_DUAL_NORM, /* O *= <u, O> */
    ASSAY_POST_GRAFT,     /* O *= ||u||_F / max(||O||_F, 1e-6) */
};

enum assay_cosh {
    /* With x = gamma y / (||y||_F + 1e-7), R = sqrt(mean(cosh(x)^2)): */
    ASSAY_COSH_NORMALISED, /* O = (y / (||y||_F + 1e-7)) / (R + eps) */
    ASSAY_COSH_RAW,        /* O = y / (R + eps) */
    /* R = mean(cosh(y)^2), without root, y as it is, O = y / (R + eps) */
    ASSAY_COSH_MEAN_SQUARE,
};

enum assay_scale { /* s */
                   ASSAY_SCALE_ONE,
                   ASSAY_SCALE_MAX1_RATIO, /* sqrt(max(1, out / in)) */
                   ASSAY_SCALE_RATIO,      /* sqrt(out / in) */
                   ASSAY_SCALE_SQRT_MAX,   /* sqrt(max(out, in)) */
                   ASSAY_SCALE_CONV_RATIO, /* sqrt(shape[0] / shape[1]), over k^2 (4-D) or k (3-D), k = shape[2] */
};

/* Which dimensions `out` and `in` of the scale are. */
enum assay_layout {
    ASSAY_LAYOUT_OUT_IN, /* out = rows, in = columns of the matrix that is orthogonalised */
    ASSAY_LAYOUT_IN_OUT, /* the other way round */
    ASSAY_LAYOUT_TAIL,   /* out, in = the last two dimensions of the tensor as it is stored */
};

enum assay_decay { /* p is the old parameter in all of them */
                   ASSAY_DECAY_NONE,
                   ASSAY_DECAY_DECOUPLED,        /* p -= lr wd p */
                   ASSAY_DECAY_SCALED,           /* p -= lr s wd p */
                   ASSAY_DECAY_SQUARED,          /* p -= lr^2 wd p */
                   ASSAY_DECAY_INDEPENDENT,      /* p -= wd p */
                   ASSAY_DECAY_FRANK_WOLFE,      /* p -= lr p, whatever wd */
                   ASSAY_DECAY_L2,               /* g += wd p, before the momentum */
                   ASSAY_DECAY_CAUTIOUS,         /* p_ij -= lr wd p_ij where O_ij p_ij >= 0 */
                   ASSAY_DECAY_CAUTIOUS_SCALED,  /* p_ij -= lr s wd p_ij where O_ij p_ij >= 0 */
                   ASSAY_DECAY_CAUTIOUS_SQUARED, /* p_ij -= lr s lr wd p_ij where O_ij p_ij >= 0 */
};

/* What becomes of tensors of three and four dimensions: which matrices are orthogonalised. */
enum assay_nd {
    ASSAY_ND_REJECT,
    ASSAY_ND_FLATTEN,      /* shape[0] x the rest */
    ASSAY_ND_BATCH,        /* the last two dimensions; the others count matrices */
    ASSAY_ND_FLATTEN_CONV, /* 3-D as BATCH, 4-D as FLATTEN */
    ASSAY_ND_BYPASS_CONV,  /* 3-D as BATCH, 4-D not at all: O = u */
    ASSAY_ND_POSITIONS,    /* shape[0] x shape[1], one for each kernel position; O /= sqrt(their number) */
    ASSAY_ND_ELEMENTWISE,  /* any shape: the tensor is one vector */
};

enum assay_absent {                             /* a step without gradient */
                    ASSAY_ABSENT_SKIP,          /* does nothing */
                    ASSAY_ABSENT_ZERO,          /* is one with a zero gradient */
                    ASSAY_ABSENT_ZERO_NO_DECAY, /* is one with a zero gradient, without decay */
};

enum assay_arithmetic { /* what the port's direction is computed in; the reference computes in real numbers */
                        ASSAY_FP32,
                        ASSAY_BF16,
                        ASSAY_FP16,
};

struct assay_dialect {
    const char *name, *source;

    enum assay_momentum momentum;
    double dampening;
    enum assay_nesterov nesterov;
    bool direction_first; /* O is made of g, then m of O, and m is the update (Orthogonal-SGDM) */
    enum assay_direction direction;

    const struct assay_coefficients *coefficients; /* Newton-Schulz */
    size_t steps;
    enum assay_overrun overrun;
    enum assay_normalisation normalisation;
    double norm_factor, eps;
    bool nan_to_zero; /* without eps, O = 0 for u = 0; else it is undefined there */
    enum assay_pre pre;
    bool snap; /* O *= sqrt(min(r, c)) / max(||O||_F, 1e-6), before `post` */
    enum assay_post post;
    double beta2, adam_eps;

    enum assay_norm norm; /* exact LMO */

    enum assay_cosh cosh; /* cosh-RMS: of u, or with steps > 0 of its Newton-Schulz iterate */
    double gamma, cosh_eps;

    enum assay_scale scale;
    double scale_factor; /* s is multiplied by this */
    enum assay_layout layout;
    enum assay_decay decay;
    enum assay_nd nd;
    bool split_thirds; /* a matrix with r = 3 c is three c x c matrices (query, key, value) */
    enum assay_absent absent;
    enum assay_arithmetic arithmetic;

    struct { /* what the port defaults to; negative: it has none */
        double lr, momentum, weight_decay;
    } defaults;
};

/* The named dialects, in alphabetical order. */
ASSAY_EXPORT extern const struct assay_dialect assay_dialects[];
ASSAY_EXPORT extern const size_t assay_dialect_count;

/* The dialect of this name, or NULL. */
ASSAY_EXPORT const struct assay_dialect *assay_dialect_find(const char *name);

/* Whether two dialects make the same steps with matrices in real arithmetic, given the same lr, momentum and weight
 * decay, but for what eps changes: a relative eps / ||u|| or so. */
ASSAY_EXPORT bool assay_dialects_coincide(const struct assay_dialect *a, const struct assay_dialect *b);

/* The axes by name, for people: assay_axes[k].name is that of the k-th. */
struct assay_axis {
    const char *name, *meaning;
    const char *const *values; /* NULL-terminated; NULL if the axis is a number */
};
ASSAY_EXPORT extern const struct assay_axis assay_axes[];
ASSAY_EXPORT extern const size_t assay_axis_count;

/* Writes the value of an axis to text; sets an axis from text, and returns false if there is no such axis or value. */
ASSAY_EXPORT void assay_dialect_get(const struct assay_dialect *d, size_t axis, char *text, size_t size);
ASSAY_EXPORT bool assay_dialect_set(struct assay_dialect *d, const char *axis, const char *value);

/* The named coefficient tables. */
ASSAY_EXPORT extern const struct assay_coefficients *const assay_coefficient_tables[];
ASSAY_EXPORT extern const size_t assay_coefficient_table_count;
ASSAY_EXPORT const struct assay_coefficients *assay_coefficients_find(const char *name);

/* How many steps the iteration takes, and the triple of step k = 0, 1, ... */
ASSAY_EXPORT size_t assay_dialect_steps(const struct assay_dialect *d);
ASSAY_EXPORT struct assay_triple assay_dialect_triple(const struct assay_dialect *d, size_t k);

#ifdef __cplusplus
}
#endif

#endif
