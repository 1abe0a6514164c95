#include "certificate.h"

#include "arithmetic.h"

#include <float.h>
#include <math.h>
#include <mpfr.h>
#include <stdlib.h>

/* Bits that hold any sum of products of binary64 numbers exactly: exponents from -2148 to 2048, and room for 2^64 terms. */
enum { EXACT = 4400, PRECISION = 256 };

/* What is certified: D against G, a ball of `norm`. */
struct problem {
    enum assay_norm norm;
    double radius;
    size_t rows, cols;
    const double *g;
    int sign; /* of G: -1 for polar */
};

static struct problem problem_of(const struct golden_case *c)
{
    const struct tensor *g = case_input(c, "G");
    bool polar = c->operation == OPERATION_POLAR;
    return (struct problem){
        polar ? ASSAY_NORM_SPECTRAL : c->norm, polar ? 1 : c->radius, g->shape[0], g->shape[1], g->at, polar ? -1 : 1};
}

double unit_vector_error(enum tensor_type format, size_t count)
{
    enum tensor_type sums = format == TENSOR_F64 ? TENSOR_F64 : TENSOR_F32;
    double x = ((double)count / 2 + 2) * unit_roundoff(sums) + 4 * unit_roundoff(format);
    return x / (1 - x); /* of the product of so many 1 + d */
}

/* ---- norms ------------------------------------------------------------------------------------------------------------- */

/* The Euclidean norm of `count` numbers, `stride` apart, rounded up. */
static void length_up(mpfr_ptr length, const double *x, size_t count, size_t stride)
{
    mpfr_t entry, sum;
    mpfr_init2(entry, 53);
    mpfr_init2(sum, EXACT);
    mpfr_set_zero(sum, 1);
    for (size_t k = 0; k < count; k++) {
        mpfr_set_d(entry, x[k * stride], MPFR_RNDN);
        mpfr_fma(sum, entry, entry, sum, MPFR_RNDU);
    }
    mpfr_sqrt(length, sum, MPFR_RNDU);
    mpfr_clears(entry, sum, (mpfr_ptr)NULL);
}

/* The largest of the lengths of rows or columns, or their sum, rounded up. */
static void lengths_up(mpfr_ptr norm, const struct problem *p, const double *x, bool rows, bool sum)
{
    mpfr_t length;
    mpfr_init2(length, PRECISION);
    mpfr_set_zero(norm, 1);
    for (size_t k = 0; k < (rows ? p->rows : p->cols); k++) {
        length_up(length, rows ? x + k * p->cols : x + k, rows ? p->cols : p->rows, rows ? 1 : p->cols);
        if (sum)
            mpfr_add(norm, norm, length, MPFR_RNDU);
        else
            mpfr_max(norm, norm, length, MPFR_RNDU);
    }
    mpfr_clear(length);
}

/* The largest |entry|, or their sum, rounded up. */
static void entries_up(mpfr_ptr norm, const struct problem *p, const double *x, bool sum)
{
    mpfr_set_zero(norm, 1);
    for (size_t k = 0; k < p->rows * p->cols; k++)
        if (sum)
            mpfr_add_d(norm, norm, fabs(x[k]), MPFR_RNDU);
        else if (mpfr_cmp_d(norm, fabs(x[k])) < 0)
            mpfr_set_d(norm, fabs(x[k]), MPFR_RNDU);
}

static double largest(const double *x, size_t count, size_t stride)
{
    double most = 0;
    for (size_t k = 0; k < count; k++)
        most = fmax(most, fabs(x[k * stride]));
    return most;
}

assay_status scaled_singular_values(double *s, double *radius, int *exponent, const double *a, size_t rows, size_t cols,
                                    const assay_options *options)
{
    size_t size = rows * cols, count = rows < cols ? rows : cols;
    double *scaled = tensor_alloc(size, sizeof *scaled), most = largest(a, size, 1);
    if (!scaled)
        return ASSAY_NO_MEMORY;
    *exponent = most > 0 ? ilogb(most) : 0;
    for (size_t k = 0; k < size; k++)
        scaled[k] = ldexp(a[k], -*exponent);
    assay_answer answer = {{s, 1, count, count}, {s + count, 1, count, count}, 0};
    assay_status status = assay_ref_svd(&answer, NULL, NULL, NULL, (assay_input){scaled, rows, cols, cols}, options);
    *radius = answer.radius;
    free(scaled);
    return status;
}

/* The largest singular value, or their sum, rounded up. */
static assay_status singular_up(mpfr_ptr norm, const struct problem *p, const double *x, bool sum,
                                const assay_options *options)
{
    size_t count = p->rows < p->cols ? p->rows : p->cols;
    double *s = tensor_alloc(2 * count, sizeof *s), radius;
    int exponent = 0;
    assay_status status =
        s ? scaled_singular_values(s, &radius, &exponent, x, p->rows, p->cols, options) : ASSAY_NO_MEMORY;
    mpfr_set_zero(norm, 1);
    for (size_t k = 0; k < (sum ? count : 1) && status == ASSAY_OK; k++) {
        mpfr_add_d(norm, norm, s[k], MPFR_RNDU);
        mpfr_add_d(norm, norm, s[count + k], MPFR_RNDU);
        mpfr_add_d(norm, norm, radius, MPFR_RNDU);
    }
    mpfr_mul_2si(norm, norm, exponent, MPFR_RNDU);
    free(s);
    return status;
}

/* norm *= sqrt(x / y), up */
static void times_root(mpfr_ptr norm, size_t x, size_t y)
{
    mpfr_t root;
    mpfr_init2(root, PRECISION);
    mpfr_set_ui(root, x, MPFR_RNDN);
    mpfr_div_ui(root, root, y, MPFR_RNDU);
    mpfr_sqrt(root, root, MPFR_RNDU);
    mpfr_mul(norm, norm, root, MPFR_RNDU);
    mpfr_clear(root);
}

/* The norm of the ball, or its dual, of x, rounded up: theory of enum assay_norm. */
static assay_status norm_up(mpfr_ptr norm, const struct problem *p, const double *x, bool dual,
                            const assay_options *options)
{
    assay_status status = ASSAY_OK;
    switch (p->norm) {
    case ASSAY_NORM_FROBENIUS:
        length_up(norm, x, p->rows * p->cols, 1);
        break;
    case ASSAY_NORM_MAX:
    case ASSAY_NORM_SUM:
        entries_up(norm, p, x, dual == (p->norm == ASSAY_NORM_MAX));
        break;
    case ASSAY_NORM_COLUMN:
        lengths_up(norm, p, x, false, dual);
        times_root(norm, dual ? p->rows : 1, dual ? 1 : p->rows);
        break;
    case ASSAY_NORM_ROW:
        lengths_up(norm, p, x, true, dual);
        times_root(norm, dual ? 1 : p->cols, dual ? p->cols : 1);
        break;
    case ASSAY_NORM_RMS:
        status = singular_up(norm, p, x, dual, options);
        times_root(norm, dual ? p->rows : p->cols, dual ? p->cols : p->rows);
        break;
    default:
        status = singular_up(norm, p, x, dual == (p->norm == ASSAY_NORM_SPECTRAL), options);
    }
    return status;
}

/* ---- the certificate --------------------------------------------------------------------------------------------------- */

/* <G, D>, exactly, sum being of that many bits. */
static void inner_product(mpfr_ptr sum, const struct problem *p, const double *d)
{
    mpfr_t x, y;
    mpfr_inits2(53, x, y, (mpfr_ptr)NULL);
    mpfr_set_zero(sum, 1);
    for (size_t k = 0; k < p->rows * p->cols; k++) {
        mpfr_set_d(x, p->sign * p->g[k], MPFR_RNDN);
        mpfr_set_d(y, d[k], MPFR_RNDN);
        mpfr_fma(sum, x, y, sum, MPFR_RNDU);
    }
    mpfr_clears(x, y, (mpfr_ptr)NULL);
}

assay_status certificate_measure(struct certificate *found, const struct golden_case *c, const double *d,
                                 const assay_options *options)
{
    struct problem p = problem_of(c);
    mpfr_t norm, product;
    mpfr_init2(norm, PRECISION);
    mpfr_init2(product, EXACT);
    assay_status status = norm_up(norm, &p, d, false, options);
    if (status == ASSAY_OK) {
        mpfr_sub_d(norm, norm, p.radius, MPFR_RNDU);
        found->excess = fmax(0, mpfr_get_d(norm, MPFR_RNDU));
        status = norm_up(norm, &p, p.g, true, options);
    }
    if (status == ASSAY_OK) {
        inner_product(product, &p, d);
        mpfr_mul_d(norm, norm, p.radius, MPFR_RNDU);
        mpfr_add(product, product, norm, MPFR_RNDU);
        found->gap = mpfr_get_d(product, MPFR_RNDU);
    }
    mpfr_clears(norm, product, (mpfr_ptr)NULL);
    return status;
}

static double sum_of_entries(const struct problem *p)
{
    double total = 0;
    for (size_t k = 0; k < p->rows * p->cols; k++)
        total += fabs(p->g[k]);
    return total;
}

double euclidean_norm(const double *x, size_t count, size_t stride)
{
    double squares = 0, most = largest(x, count, stride), scale = most > 0 ? ldexp(1, ilogb(most)) : 1;
    for (size_t k = 0; k < count; k++)
        squares += x[k * stride] / scale * (x[k * stride] / scale);
    return sqrt(squares) * scale;
}

/* The sum of the lengths of the rows of G, or of its columns. */
static double sum_of_lengths(const struct problem *p, bool rows)
{
    double total = 0;
    for (size_t k = 0; k < (rows ? p->rows : p->cols); k++)
        total += rows ? euclidean_norm(p->g + k * p->cols, p->cols, 1) : euclidean_norm(p->g + k, p->rows, p->cols);
    return total;
}

/* certificate_allowed(), but for underflow. */
static struct certificate model(const struct problem *p, enum tensor_type format)
{
    double m = (double)p->rows, n = (double)p->cols, root = sqrt(m < n ? m : n),
           size = euclidean_norm(p->g, p->rows * p->cols, 1);
    double t = backward_error(format, p->rows, p->cols), aspect = sqrt(m / n), few;
    switch (p->norm) {
    case ASSAY_NORM_MAX: /* all entries are radius, or less where it does not matter */
        few = tensor_holds(format, p->radius) ? 0 : unit_roundoff(format);
        return (struct certificate){few * p->radius, few * p->radius * sum_of_entries(p)};
    case ASSAY_NORM_SUM: /* of several largest entries each may have a part of the radius */
        few = unit_roundoff(format);
        return (struct certificate){few * p->radius, few * p->radius * largest(p->g, p->rows * p->cols, 1)};
    case ASSAY_NORM_FROBENIUS:
        few = unit_vector_error(format, p->rows * p->cols);
        return (struct certificate){few * p->radius, few * p->radius * size};
    case ASSAY_NORM_COLUMN:
        few = unit_vector_error(format, p->rows);
        return (struct certificate){few * p->radius, few * p->radius * sqrt(m) * sum_of_lengths(p, false)};
    case ASSAY_NORM_ROW:
        few = unit_vector_error(format, p->cols);
        return (struct certificate){few * p->radius, few * p->radius / sqrt(n) * sum_of_lengths(p, true)};
    case ASSAY_NORM_NUCLEAR: /* ||D||_F <= radius; ||.||_nuc <= root ||.||_F; dual: ||.||_2 <= ||.||_F */
        return (struct certificate){root * t * p->radius, 3 * t * p->radius * size};
    case ASSAY_NORM_RMS: /* ||D||_F <= root aspect radius; the norm is ||.||_2 / aspect, its dual aspect ||.||_nuc */
        return (struct certificate){root * t * p->radius, 3 * root * aspect * t * p->radius * size};
    default: /* ||D||_F <= root radius; dual: ||.||_nuc <= root ||.||_F */
        return (struct certificate){root * t * p->radius, 3 * root * t * p->radius * size};
    }
}

struct certificate certificate_allowed(const struct golden_case *c, enum tensor_type format)
{
    struct problem p = problem_of(c);
    struct certificate allowed = model(&p, format);
    if (allowed.excess > 0)
        allowed.gap = fmax(allowed.gap, DBL_TRUE_MIN); /* the product may vanish */
    return allowed;
}
