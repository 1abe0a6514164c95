/* Newton-Schulz iterates lie in their enclosures: against singular values mapped one by one in MPFR, and against the
 * definition evaluated on whole matrices in Arb. */
#include "support.h"

#include "coefficients.h"
#include "newton_schulz.h"
#include "polynomial.h"

/* Arb has these names too. */
#define mag_is_zero flint_mag_is_zero
#define mag_is_inf flint_mag_is_inf
#define mag_min flint_mag_min
#define mag_max flint_mag_max
#include <arb_mat.h>
#undef mag_is_zero
#undef mag_is_inf
#undef mag_min
#undef mag_max

#include <math.h>
#include <string.h>

enum { PREC = 200, TRUTH = 1600, SCALAR = 3000 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct assay_dialect iteration(const struct assay_coefficients *table, size_t steps,
                                      enum assay_normalisation normalisation, double eps)
{
    return (struct assay_dialect){.name = "test",
                                  .direction = ASSAY_DIRECTION_NEWTON_SCHULZ,
                                  .coefficients = table,
                                  .steps = steps,
                                  .normalisation = normalisation,
                                  .norm_factor = 1,
                                  .eps = eps};
}

/* ---- the definition, in Arb --------------------------------------------------------------------------------------- */

static void transpose_product(arb_mat_t g, const arb_mat_t x) /* x x^T */
{
    arb_mat_t t;
    arb_mat_init(t, arb_mat_ncols(x), arb_mat_nrows(x));
    arb_mat_transpose(t, x);
    arb_mat_mul(g, x, t, TRUTH);
    arb_mat_clear(t);
}

static void norm(arb_t n, const arb_mat_t x)
{
    arb_zero(n);
    for (slong i = 0; i < arb_mat_nrows(x); i++)
        for (slong j = 0; j < arb_mat_ncols(x); j++)
            arb_addmul(n, arb_mat_entry(x, i, j), arb_mat_entry(x, i, j), TRUTH);
    arb_sqrt(n, n, TRUTH);
}

/* The largest singular value: H = (x x^T)^(2^19), of trace 1, projects on its space. */
static void spectral_norm(arb_t n, const arb_mat_t x)
{
    slong size = arb_mat_nrows(x);
    arb_mat_t g, h;
    arb_mat_init(g, size, size);
    arb_mat_init(h, size, size);
    transpose_product(g, x);
    arb_mat_set(h, g);
    for (int k = 0; k < 20; k++) {
        arb_mat_trace(n, h, TRUTH);
        arb_mat_scalar_div_arb(h, h, n, TRUTH);
        if (k < 19)
            arb_mat_sqr(h, h, TRUTH);
    }
    arb_mat_mul(g, h, g, TRUTH);
    arb_mat_trace(n, g, TRUTH);
    arb_sqrt(n, n, TRUTH);
    arb_mat_clear(g);
    arb_mat_clear(h);
}

/* n = max(n, x) */
static void at_least(arb_t n, double x)
{
    arb_t y;
    arb_init(y);
    arb_set_d(y, x);
    arb_max(n, n, y, TRUTH);
    arb_clear(y);
}

static void scale_row(arb_mat_t x, slong i, const arb_t factor)
{
    for (slong j = 0; j < arb_mat_ncols(x); j++)
        arb_mul(arb_mat_entry(x, i, j), arb_mat_entry(x, i, j), factor, TRUTH);
}

/* ASSAY_PRE_EQUILIBRATE: row i of u times ||u||_F / (sqrt(r) max(||u_i||, 1e-6)). */
static void equilibrate(arb_mat_t x)
{
    arb_t whole, row;
    arb_mat_t window;
    arb_init(whole);
    arb_init(row);
    norm(whole, x);
    arb_sqrt_ui(row, (ulong)arb_mat_nrows(x), TRUTH);
    arb_div(whole, whole, row, TRUTH);
    for (slong i = 0; i < arb_mat_nrows(x); i++) {
        arb_mat_window_init(window, x, i, 0, i + 1, arb_mat_ncols(x));
        norm(row, window);
        arb_mat_window_clear(window);
        at_least(row, 1e-6);
        arb_div(row, whole, row, TRUTH);
        scale_row(x, i, row);
    }
    arb_clear(whole);
    arb_clear(row);
}

/* ASSAY_NORMALISE_AOL, for no more rows than columns: D_ii = max(sum_j |(u u^T)_ij|, e)^(-1/2). */
static void normalise_aol(arb_mat_t x, double eps)
{
    slong size = arb_mat_nrows(x);
    arb_mat_t g;
    arb_t sum, entry;
    arb_mat_init(g, size, size);
    arb_init(sum);
    arb_init(entry);
    transpose_product(g, x);
    for (slong i = 0; i < size; i++) {
        arb_zero(sum);
        for (slong j = 0; j < size; j++) {
            arb_abs(entry, arb_mat_entry(g, i, j));
            arb_add(sum, sum, entry, TRUTH);
        }
        at_least(sum, eps);
        arb_rsqrt(sum, sum, TRUTH);
        scale_row(x, i, sum);
    }
    arb_mat_clear(g);
    arb_clear(sum);
    arb_clear(entry);
}

static void divisor(arb_t n, const struct assay_dialect *d, const arb_mat_t x)
{
    arb_t eps, factor;
    arb_mat_t g;
    arb_init(eps);
    arb_init(factor);
    arb_set_d(eps, d->eps);
    arb_set_d(factor, d->norm_factor);
    arb_mat_init(g, arb_mat_nrows(x), arb_mat_nrows(x));
    transpose_product(g, x);
    if (d->normalisation == ASSAY_NORMALISE_SPECTRAL) {
        spectral_norm(n, x);
        arb_add(n, n, eps, TRUTH);
    } else if (d->normalisation == ASSAY_NORMALISE_SCHATTEN) {
        norm(n, g);
        at_least(n, d->eps);
        arb_sqrt(n, n, TRUTH);
    } else {
        norm(n, x);
        arb_mul(n, n, factor, TRUTH);
        if (d->normalisation == ASSAY_NORMALISE_ADD)
            arb_add(n, n, eps, TRUTH);
        else
            at_least(n, d->eps);
    }
    arb_clear(eps);
    arb_clear(factor);
    arb_mat_clear(g);
}

/* x = a x + b (x x^T) x + c (x x^T)^2 x, whatever its shape. */
static void one_step(arb_mat_t x, struct assay_triple p)
{
    const double coefficients[] = {p.a, p.b, p.c};
    arb_mat_t g, power, sum;
    arb_t c;
    arb_init(c);
    arb_mat_init(g, arb_mat_nrows(x), arb_mat_nrows(x));
    arb_mat_init(power, arb_mat_nrows(x), arb_mat_ncols(x));
    arb_mat_init(sum, arb_mat_nrows(x), arb_mat_ncols(x));
    transpose_product(g, x);
    arb_mat_set(power, x);
    for (int k = 0; k < 3; k++) {
        arb_set_d(c, coefficients[k]);
        arb_mat_scalar_addmul_arb(sum, power, c, TRUTH);
        arb_mat_mul(power, g, power, TRUTH);
    }
    arb_mat_set(x, sum);
    arb_mat_clear(g);
    arb_mat_clear(power);
    arb_mat_clear(sum);
    arb_clear(c);
}

/* o = the iterate of u: by the words of dialect.h, triples counted here again. */
static void definition(arb_mat_t o, const struct assay_dialect *d, const arb_mat_t u)
{
    bool tall = arb_mat_nrows(u) > arb_mat_ncols(u);
    arb_t n;
    arb_init(n);
    arb_mat_set(o, u);
    if (d->pre == ASSAY_PRE_EQUILIBRATE)
        equilibrate(o);
    if (d->normalisation == ASSAY_NORMALISE_AOL) {
        arb_mat_t shorter;
        arb_mat_init(shorter, tall ? arb_mat_ncols(u) : arb_mat_nrows(u), tall ? arb_mat_nrows(u) : arb_mat_ncols(u));
        if (tall)
            arb_mat_transpose(shorter, o);
        else
            arb_mat_set(shorter, o);
        normalise_aol(shorter, d->eps);
        if (tall)
            arb_mat_transpose(o, shorter);
        else
            arb_mat_set(o, shorter);
        arb_mat_clear(shorter);
    } else {
        divisor(n, d, o);
        arb_mat_scalar_div_arb(o, o, n, TRUTH);
    }
    size_t count = d->steps ? d->coefficients->count : 0;
    for (size_t k = 0; k < d->steps; k++) {
        if (k >= count && d->overrun == ASSAY_OVERRUN_STOP)
            break;
        size_t last = d->overrun == ASSAY_OVERRUN_CYCLE ? k % count : count - 1;
        one_step(o, d->coefficients->triples[k < count ? k : last]);
    }
    arb_clear(n);
}

/* ---- comparison --------------------------------------------------------------------------------------------------- */

static void set_mpfr(arb_t x, mpfr_srcptr y)
{
    arf_set_mpfr(arb_midref(x), y);
    mag_zero(arb_radref(x)); /* Arb's */
}

static void set_mag(arb_t x, mag y)
{
    MPFR_DECL_INIT(z, 64);
    mag_get_mpfr(z, y);
    set_mpfr(x, z);
}

static void read_midpoints(arb_mat_t x, const struct ball *a)
{
    for (slong i = 0; i < arb_mat_nrows(x); i++)
        for (slong j = 0; j < arb_mat_ncols(x); j++)
            set_mpfr(arb_mat_entry(x, i, j), ball_at(a, (size_t)i, (size_t)j));
}

/* Whether the ball, whose bounds are finite, holds the truth: every entry within its error, the whole within the
 * radius; for all that Arb knows, which must be something. */
static bool holds(const struct ball *a, const arb_mat_t truth)
{
    bool fine = !mag_is_inf(a->radius);
    arb_t middle, distance, bound, squares;
    arb_init(middle);
    arb_init(distance);
    arb_init(bound);
    arb_init(squares);
    for (size_t k = 0; k < ball_count(a) && fine; k++) {
        arb_srcptr x = arb_mat_entry(truth, (slong)(k / a->cols), (slong)(k % a->cols));
        fine = !mag_is_inf(a->error[k]) && mpfr_number_p(a->at + k) && arb_is_finite(x) &&
               (arb_contains_zero(x) || arb_rel_accuracy_bits(x) > TRUTH / 2);
        set_mpfr(middle, a->at + k);
        arb_sub(distance, x, middle, TRUTH);
        arb_addmul(squares, distance, distance, TRUTH);
        arb_abs(distance, distance);
        set_mag(bound, fine ? a->error[k] : MAG_ZERO);
        fine = fine && !arb_gt(distance, bound);
    }
    if (fine) {
        set_mag(bound, a->radius);
        arb_sqrtpos(squares, squares, TRUTH);
        fine = !arb_gt(squares, bound);
    }
    arb_clear(middle);
    arb_clear(distance);
    arb_clear(bound);
    arb_clear(squares);
    return fine;
}

/* ---- cases -------------------------------------------------------------------------------------------------------- */

enum kind { GAUSSIAN, ZERO_ROW, ZERO_COLUMN, INTEGERS, RANK_ONE, TINY, HUGE_NUMBERS, KINDS };

static void fill(uint64_t *state, double *u, size_t rows, size_t cols, enum kind kind)
{
    size_t zero_row = random_below(state, rows), zero_col = random_below(state, cols);
    random_matrix(state, u, rows * cols);
    for (size_t k = 0; k < rows * cols; k++) {
        size_t i = k / cols, j = k % cols;
        if (kind == INTEGERS)
            u[k] = (double)random_below(state, 7) - 3;
        if (kind == RANK_ONE)
            u[k] = (double)(i + 1) * (j % 2 ? -1.5 : 0.5);
        if ((kind == ZERO_ROW && i == zero_row) || (kind == ZERO_COLUMN && j == zero_col))
            u[k] = 0;
        u[k] *= kind == TINY ? 1e-300 : kind == HUGE_NUMBERS ? 1e300 : 1;
    }
}

struct args {
    struct assay_dialect d;
    const double *u;
    size_t rows, cols;
    double loose; /* of the norm of u: the radius of the input */
    uint64_t *state;
};

/* The ball around u of radius loose ||u||_F, in which an entry moves no more than that radius. */
static struct ball *make_ball(struct work *w, const struct args *args)
{
    struct ball *u = ball_from_input(w, (assay_input){args->u, args->rows, args->cols, args->cols});
    mag radius = up_mul(ball_norm_up(u), up_abs(ball_from_double(w, args->loose)->at));
    for (size_t k = 0; k < ball_count(u) && args->loose > 0; k++)
        u->error[k] = mpfr_zero_p(u->at + k) ? MAG_ZERO : radius;
    u->radius = radius;
    return u;
}

/* A member of the ball: on its boundary, or all but there. */
static void choose_member(arb_mat_t x, uint64_t *state, const struct ball *u)
{
    double direction[64], squares = 0;
    read_midpoints(x, u);
    random_matrix(state, direction, ball_count(u));
    if (random_below(state, 2)) /* one entry alone */
        for (size_t k = 0, one = random_below(state, ball_count(u)); k < ball_count(u); k++)
            direction[k] = k == one ? 1 : 0;
    for (size_t k = 0; k < ball_count(u); k++) {
        direction[k] = mag_is_zero(u->error[k]) ? 0 : direction[k];
        squares += direction[k] * direction[k];
    }
    arb_t step, radius;
    arb_init(step);
    arb_init(radius);
    set_mag(radius, u->radius);
    for (size_t k = 0; k < ball_count(u) && squares > 0; k++) {
        arb_set_d(step, direction[k] / sqrt(squares) * (1 - 1e-12));
        arb_addmul(arb_mat_entry(x, (slong)(k / u->cols), (slong)(k % u->cols)), step, radius, TRUTH);
    }
    arb_clear(step);
    arb_clear(radius);
}

/* radius <= 2^bits ||O|| */
static bool is_narrow(const struct ball *o, int64_t bits)
{
    return mag_le(o->radius, mag_scale(ball_midpoint_norm_up(o), bits));
}

static void check_case(struct work *w, void *pointer)
{
    const struct args *args = pointer;
    const struct ball *u = make_ball(w, args), *o = newton_schulz(w, &args->d, u, PREC);
    arb_mat_t x, truth;
    arb_mat_init(x, (slong)args->rows, (slong)args->cols);
    arb_mat_init(truth, (slong)args->rows, (slong)args->cols);
    for (int k = 0; k < (args->loose > 0 ? 3 : 1); k++) {
        if (args->loose > 0)
            choose_member(x, args->state, u);
        else
            read_midpoints(x, u);
        definition(truth, &args->d, x);
        ck_assert_msg(holds(o, truth), "%s, %zu steps, normalisation %d, pre %d, overrun %d, %zu x %zu, loose %g",
                      args->d.coefficients->name, args->d.steps, (int)args->d.normalisation, (int)args->d.pre,
                      (int)args->d.overrun, args->rows, args->cols, args->loose);
    }
    for (size_t i = 0; i < args->rows; i++) /* zero rows and columns are exact */
        for (size_t j = 0; j < args->cols; j++) {
            bool row = true, col = true;
            for (size_t k = 0; k < args->cols; k++)
                row = row && args->u[i * args->cols + k] == 0;
            for (size_t k = 0; k < args->rows; k++)
                col = col && args->u[k * args->cols + j] == 0;
            if (row || col)
                ck_assert(mpfr_zero_p(ball_at(o, i, j)) && mag_is_zero(o->error[i * args->cols + j]));
        }
    if (args->loose == 0)
        ck_assert(is_narrow(o, -PREC / 3));
    arb_mat_clear(x);
    arb_mat_clear(truth);
}

/* Every table, normalisation, pre and overrun, beyond the end of the table; wide, tall and square matrices. */
static void check_all(double loose, uint64_t seed)
{
    static const size_t shapes[][2] = {{1, 1}, {1, 4}, {3, 1}, {2, 2}, {3, 3}, {2, 5}, {4, 3}, {4, 4}};
    uint64_t state = seed;
    double u[16];
    for (size_t t = 0; t < assay_coefficient_table_count; t++)
        for (int n = ASSAY_NORMALISE_ADD; n <= ASSAY_NORMALISE_AOL; n++)
            for (int pre = 0; pre < 2; pre++)
                for (int overrun = 0; overrun < 3; overrun++) {
                    const struct assay_coefficients *table = assay_coefficient_tables[t];
                    const size_t *shape = shapes[random_below(&state, COUNT(shapes))];
                    enum kind kind = (enum kind)random_below(&state, loose > 0 ? INTEGERS : KINDS);
                    struct args args = {.d = iteration(table, table->count + 1, (enum assay_normalisation)n, 1e-7),
                                        .u = u,
                                        .rows = shape[0],
                                        .cols = shape[1],
                                        .loose = loose,
                                        .state = &state};
                    args.d.pre = (enum assay_pre)pre;
                    args.d.overrun = (enum assay_overrun)overrun;
                    args.d.norm_factor = random_below(&state, 2) ? 1 : 1.02;
                    fill(&state, u, shape[0], shape[1], kind);
                    bool zero = true;
                    for (size_t k = 0; k < shape[0] * shape[1]; k++)
                        zero = zero && u[k] == 0;
                    if (!zero)
                        in_work(check_case, &args);
                }
}

/* design.md 2, Newton-Schulz: a certified radius for any coefficients, any number of steps. */
START_TEST(iterates_of_exact_matrices_are_enclosed)
{
    check_all(0, 1);
}
END_TEST

/* ... and for every member of the input's ball: ||p(X) - p(Y)||_F <= max |p'| ||X - Y||_F, step by step. */
START_TEST(iterates_of_balls_are_enclosed)
{
    check_all(1e-25, 2);
    check_all(1e-9, 3);
}
END_TEST

/* ---- one singular value at a time --------------------------------------------------------------------------------- */

/* y = p_steps(...p_0(y)) */
static void map_value(mpfr_ptr y, const struct assay_dialect *d)
{
    mpfr_t square, sum;
    mpfr_inits2(SCALAR, square, sum, (mpfr_ptr)NULL);
    for (size_t k = 0; k < d->steps; k++) {
        struct assay_triple p = d->coefficients->triples[k < d->coefficients->count ? k : d->coefficients->count - 1];
        mpfr_sqr(square, y, MPFR_RNDN);
        mpfr_mul_d(sum, square, p.c, MPFR_RNDN);
        mpfr_add_d(sum, sum, p.b, MPFR_RNDN);
        mpfr_mul(sum, sum, square, MPFR_RNDN);
        mpfr_add_d(sum, sum, p.a, MPFR_RNDN);
        mpfr_mul(y, y, sum, MPFR_RNDN);
    }
    mpfr_clears(square, sum, (mpfr_ptr)NULL);
}

/* n = the divisor of a diagonal matrix of these entries; for AOL that of entry i alone. */
static void diagonal_divisor(mpfr_ptr n, const struct assay_dialect *d, const double *s, size_t count, size_t i)
{
    bool fourth = d->normalisation == ASSAY_NORMALISE_SCHATTEN;
    mpfr_t x;
    mpfr_init2(x, SCALAR);
    mpfr_set_zero(n, 1);
    for (size_t k = 0; k < count; k++) {
        mpfr_set_d(x, s[k], MPFR_RNDN);
        mpfr_abs(x, x, MPFR_RNDN);
        if (d->normalisation == ASSAY_NORMALISE_SPECTRAL)
            mpfr_max(n, n, x, MPFR_RNDN);
        mpfr_pow_ui(x, x, fourth ? 4 : 2, MPFR_RNDN);
        if (d->normalisation != ASSAY_NORMALISE_SPECTRAL && (d->normalisation != ASSAY_NORMALISE_AOL || k == i))
            mpfr_add(n, n, x, MPFR_RNDN);
    }
    if (d->normalisation <= ASSAY_NORMALISE_MAX || fourth)
        mpfr_sqrt(n, n, MPFR_RNDN);
    if (d->normalisation <= ASSAY_NORMALISE_MAX)
        mpfr_mul_d(n, n, d->norm_factor, MPFR_RNDN);
    mpfr_set_d(x, d->eps, MPFR_RNDN);
    if (d->normalisation == ASSAY_NORMALISE_ADD || d->normalisation == ASSAY_NORMALISE_SPECTRAL)
        mpfr_add(n, n, x, MPFR_RNDN);
    else
        mpfr_max(n, n, x, MPFR_RNDN);
    if (fourth || d->normalisation == ASSAY_NORMALISE_AOL)
        mpfr_sqrt(n, n, MPFR_RNDN);
    mpfr_clear(x);
}

struct diagonal_args {
    struct assay_dialect d;
    const double *s;
    size_t count, rows, cols;
};

static void check_diagonal(struct work *w, void *pointer)
{
    const struct diagonal_args *args = pointer;
    struct ball *u = ball_new(w, args->rows, args->cols, 53), *truth = ball_new(w, args->rows, args->cols, SCALAR);
    mpfr_t n;
    mpfr_init2(n, SCALAR);
    for (size_t i = 0; i < args->count; i++) {
        mpfr_ptr x = ball_at(truth, i, i);
        mpfr_set_d(ball_at(u, i, i), args->s[i], MPFR_RNDN);
        diagonal_divisor(n, &args->d, args->s, args->count, i);
        mpfr_set_d(x, args->s[i], MPFR_RNDN);
        mpfr_div(x, x, n, MPFR_RNDN);
        map_value(x, &args->d);
    }
    mpfr_clear(n);
    const struct ball *o = newton_schulz(w, &args->d, u, PREC);
    ck_assert_msg(contains(o, truth), "%s, normalisation %d", args->d.coefficients->name, (int)args->d.normalisation);
    ck_assert(is_narrow(o, -PREC / 3));
    for (size_t k = 0; k < ball_count(o); k++)
        if (k / o->cols != k % o->cols)
            ck_assert(mpfr_zero_p(o->at + k) && mag_is_zero(o->error[k]));
    size_t largest = 0; /* counter-check: another value of it */
    for (size_t k = 1; k < ball_count(truth); k++)
        largest = mpfr_cmpabs(truth->at + k, truth->at + largest) > 0 ? k : largest;
    mpfr_mul_d(truth->at + largest, truth->at + largest, 1 + 0x1p-50, MPFR_RNDN);
    ck_assert(!contains(o, truth));
}

/* p acts on singular values: a diagonal matrix, of any shape, is mapped entry by entry, and keeps its zeros exactly. */
START_TEST(singular_values_are_mapped_one_by_one)
{
    const double values[][3] = {{3, -2, 0.5}, {1e-300, 1, 1e300}, {1, 1, 1}, {-1e-9, 2e-9, 3e-10}, {5e-324, 7, 1e-7}};
    for (size_t t = 0; t < assay_coefficient_table_count; t++)
        for (int n = ASSAY_NORMALISE_ADD; n <= ASSAY_NORMALISE_AOL; n++)
            for (size_t v = 0; v < COUNT(values); v++) {
                const struct assay_coefficients *table = assay_coefficient_tables[t];
                struct diagonal_args args = {.d = iteration(table, 6, (enum assay_normalisation)n, 1e-7),
                                             .s = values[v],
                                             .count = 3,
                                             .rows = 3 + (t + v) % 2,
                                             .cols = 3 + v % 3};
                in_work(check_diagonal, &args);
            }
}
END_TEST

static double scalar_iterate(double x, const struct assay_coefficients *table, size_t steps)
{
    for (size_t k = 0; k < steps; k++) {
        struct assay_triple p = table->triples[k < table->count ? k : table->count - 1];
        x *= p.a + x * x * (p.b + x * x * p.c);
    }
    return x;
}

/* theory.md 5: p(1) = .7010, exactly the sum of the three binary64 numbers. */
static void check_one(struct work *w, void *pointer)
{
    (void)pointer;
    const struct assay_dialect d = iteration(&assay_coefficients_jordan, 1, ASSAY_NORMALISE_ADD, 0);
    const struct ball *o = newton_schulz(w, &d, ball_from_integer(w, -5), PREC);
    struct assay_triple p = assay_coefficients_jordan.triples[0];
    MPFR_DECL_INIT(sum, PREC);
    mpfr_set_d(sum, p.a, MPFR_RNDN);
    mpfr_add_d(sum, sum, p.b, MPFR_RNDN);
    mpfr_add_d(sum, sum, p.c, MPFR_RNDN);
    mpfr_neg(sum, sum, MPFR_RNDN);
    ck_assert(ball_is_exact(o) && mpfr_equal_p(o->at, sum));
    ck_assert(fabs(mpfr_get_d(o->at, MPFR_RNDN) + .7010) <= 1e-15);
}

/* theory.md 5: from 1.5051231e-3 on five steps of Jordan's end in [.681831, 1.202369], and below it they do not. */
static void check_band(struct work *w, void *pointer)
{
    (void)pointer;
    const struct assay_dialect d = iteration(&assay_coefficients_jordan, 5, ASSAY_NORMALISE_SPECTRAL, 0);
    enum { SIDE = 12 };
    struct ball *u = ball_identity(w, SIDE, 53);
    for (size_t i = 0; i < SIDE; i++)
        mpfr_set_d(ball_at(u, i, i), pow(.0015051232, (double)i / (SIDE - 1)), MPFR_RNDN);
    const struct ball *o = newton_schulz(w, &d, u, PREC);
    for (size_t i = 0; i < SIDE; i++) {
        double x = mpfr_get_d(ball_at(o, i, i), MPFR_RNDN);
        ck_assert_msg(x >= .681831462177 && x <= 1.202368605164, "%.12g", x);
        double expected = scalar_iterate(mpfr_get_d(ball_at(u, i, i), MPFR_RNDN), &assay_coefficients_jordan, 5);
        ck_assert(fabs(x - expected) <= 1e-12);
    }
    mpfr_set_d(ball_at(u, SIDE - 1, SIDE - 1), .0015051230, MPFR_RNDN);
    o = newton_schulz(w, &d, u, PREC);
    ck_assert(mpfr_cmp_d(ball_at(o, SIDE - 1, SIDE - 1), .681831462177) < 0);
}

START_TEST(jordan_keeps_its_band)
{
    in_work(check_one, NULL);
    in_work(check_band, NULL);
}
END_TEST

/* ---- the certificate ---------------------------------------------------------------------------------------------- */

/* y = a x + (b x x^T + c (x x^T)^2) x in binary64, n x n. */
static void apply_double(double *y, struct assay_triple p, const double *x, size_t n)
{
    double gram[16], inner[16];
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            gram[i * n + j] = 0;
            for (size_t k = 0; k < n; k++)
                gram[i * n + j] += x[i * n + k] * x[j * n + k];
        }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            inner[i * n + j] = p.b * gram[i * n + j];
            for (size_t k = 0; k < n; k++)
                inner[i * n + j] += p.c * gram[i * n + k] * gram[k * n + j];
        }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            y[i * n + j] = p.a * x[i * n + j];
            for (size_t k = 0; k < n; k++)
                y[i * n + j] += inner[i * n + k] * x[k * n + j];
        }
}

static double distance(const double *x, const double *y, size_t count)
{
    double squares = 0;
    for (size_t k = 0; k < count; k++)
        squares += (x[k] - y[k]) * (x[k] - y[k]);
    return sqrt(squares);
}

static mag as_mag(double x)
{
    MPFR_DECL_INIT(y, 53);
    mpfr_set_d(y, x, MPFR_RNDN);
    return up_abs(y);
}

/* newton_schulz.h: ||p(X) - p(Y)||_F <= max over |t| <= s of |p'(t)| times ||X - Y||_F where ||X||_2, ||Y||_2 <= s.
 * Pairs of random matrices of norm s or less, near and far apart; half of the constant is too little for some. */
START_TEST(polynomials_are_lipschitz)
{
    uint64_t state = 5;
    double largest = 0;
    for (size_t round = 0; round < rounds(20000); round++) {
        double x[9], y[9], px[9], py[9], zero[9] = {0}, apart = pow(10, -(double)random_below(&state, 6));
        struct assay_triple p = assay_coefficient_tables[round % assay_coefficient_table_count]->triples[0];
        random_matrix(&state, x, 9);
        random_matrix(&state, y, 9);
        double s = ldexp(1, (int)random_below(&state, 6) - 4), norm_x = distance(x, zero, 9), norm_y = 0;
        for (size_t k = 0; k < 9; k++) {
            x[k] *= s / norm_x;
            y[k] = (1 - apart) * x[k] + apart * y[k];
        }
        norm_y = fmax(distance(y, zero, 9), s);
        for (size_t k = 0; k < 9; k++)
            y[k] *= s / norm_y;
        apply_double(px, p, x, 3);
        apply_double(py, p, y, 3);
        double ratio = distance(px, py, 9) / (up_double(derivative_bound(p, as_mag(s))) * distance(x, y, 9));
        if (!(ratio <= 1 + 1e-8))
            ck_abort_msg("%g of the bound", ratio);
        largest = fmax(largest, ratio);
    }
    ck_assert_msg(largest > .5, "the constant is never half used: %g", largest);
}
END_TEST

/* The radius that comes out is not twice what it need be: for 1 x 1, near 0, where |p'| is largest, members of the ball
 * lie beyond half of it. */
static void check_tightness(struct work *w, void *pointer)
{
    (void)pointer;
    const struct assay_dialect d = iteration(&assay_coefficients_jordan, 1, ASSAY_NORMALISE_MAX, 1);
    struct ball *u = ball_from_double(w, 1e-3);
    ball_widen(u, mag_power_of_two(-40));
    const struct ball *o = newton_schulz(w, &d, u, PREC);
    struct ball *member = ball_new(w, 1, 1, SCALAR), *half = ball_copy(w, o, PREC);
    mpfr_set_d(member->at, 1e-3, MPFR_RNDN);
    mpfr_add_d(member->at, member->at, 0x1p-40, MPFR_RNDN);
    map_value(member->at, &d);
    half->radius = half->error[0] = mag_scale(o->radius, -1);
    ck_assert(contains(o, member) && !contains(half, member));
}

START_TEST(half_the_radius_is_too_little)
{
    in_work(check_tightness, NULL);
}
END_TEST

/* ||X_0||_2 in binary64 for X_0 = what no steps leave of u, by the power method. */
static void check_start(struct work *w, void *pointer)
{
    struct args *args = pointer;
    const struct ball *x = newton_schulz(w, &args->d, make_ball(w, args), PREC);
    double v[8], image[8], norm = 0;
    random_matrix(args->state, v, args->cols);
    for (int k = 0; k < 300; k++) {
        double squares = 0;
        for (size_t i = 0; i < args->rows; i++) {
            image[i] = 0;
            for (size_t j = 0; j < args->cols; j++)
                image[i] += mpfr_get_d(ball_at(x, i, j), MPFR_RNDN) * v[j];
        }
        for (size_t j = 0; j < args->cols; j++) {
            v[j] = 0;
            for (size_t i = 0; i < args->rows; i++)
                v[j] += mpfr_get_d(ball_at(x, i, j), MPFR_RNDN) * image[i];
            squares += v[j] * v[j];
        }
        norm = sqrt(sqrt(squares));
        for (size_t j = 0; j < args->cols && squares > 0; j++)
            v[j] /= sqrt(squares);
    }
    args->loose = norm;
}

/* What the certificate starts from: ||X_0||_2 <= 1 / f for ADD and MAX (X = u / d, d >= f ||u||_F), <= 1 for SPECTRAL
 * (d >= ||u||_2), SCHATTEN (d^2 >= ||u u^T||_F >= ||u||_2^2) and AOL: with A = u u^T, v^T D A D v = sum A_ij (D_i v_i)
 * (D_j v_j) <= sum |A_ij| (D_i^2 v_i^2 + D_j^2 v_j^2) / 2 = sum_i v_i^2 D_i^2 sum_j |A_ij| <= ||v||^2. All are reached. */
START_TEST(starting_norms_are_bounded)
{
    uint64_t state = 7;
    double u[25], largest[5] = {0};
    for (size_t round = 0; round < rounds(1000); round++) {
        struct args args = {.d = iteration(NULL, 0, (enum assay_normalisation)(round % 5), 1e-12),
                            .u = u,
                            .rows = 1 + random_below(&state, 5),
                            .cols = 1 + random_below(&state, 5),
                            .state = &state};
        args.d.norm_factor = round % 2 ? .25 : 1.02;
        args.d.pre = (enum assay_pre)random_below(&state, 2);
        fill(&state, u, args.rows, args.cols, (enum kind)random_below(&state, TINY));
        in_work(check_start, &args);
        double bound = args.d.normalisation <= ASSAY_NORMALISE_MAX ? 1 / args.d.norm_factor : 1;
        ck_assert_msg(args.loose <= bound * (1 + 1e-14), "normalisation %d: %.17g", (int)args.d.normalisation,
                      args.loose);
        largest[round % 5] = fmax(largest[round % 5], args.loose / bound);
    }
    for (int n = 0; n < 5; n++)
        ck_assert_msg(largest[n] > .999, "normalisation %d: %g", n, largest[n]);
}
END_TEST

/* Where ||X||_2 is known to be 1 / f > 1 only, and p is steep beyond 1, the norm of the iterates themselves keeps the bound
 * from diverging: Polar Express with f = 0.9, whose singular values stay below 1. */
static void check_divisor_below_one(struct work *w, void *pointer)
{
    uint64_t *state = pointer;
    struct assay_dialect d = iteration(&assay_coefficients_pe_10, 10, ASSAY_NORMALISE_ADD, 1e-7);
    double u[16];
    d.norm_factor = 0.9;
    random_matrix(state, u, 16);
    const struct ball *o = newton_schulz(w, &d, ball_from_input(w, (assay_input){u, 4, 4, 4}), 2 * PREC);
    ck_assert(is_narrow(o, -PREC / 2));
    arb_mat_t x, truth;
    arb_mat_init(x, 4, 4);
    arb_mat_init(truth, 4, 4);
    read_midpoints(x, ball_from_input(w, (assay_input){u, 4, 4, 4}));
    definition(truth, &d, x);
    ck_assert(holds(o, truth));
    arb_mat_clear(x);
    arb_mat_clear(truth);
}

START_TEST(bounds_do_not_diverge_where_iterates_do_not)
{
    uint64_t state = 9;
    for (int k = 0; k < 10; k++)
        in_work(check_divisor_below_one, &state);
}
END_TEST

/* ---- iterates that are multiples of their input ------------------------------------------------------------------- */

struct direction_case {
    const char *what;
    size_t rows, cols;
    double u[16];
    bool plain, equilibrated; /* whether the iterate has a known direction, without `pre` and with it */
};

/* Whether o is a multiple of x, within the errors: o_i x_j = o_j x_i. */
static bool may_be_multiple(const struct ball *o, const struct ball *x)
{
    mpfr_t left, right;
    mpfr_inits2(SCALAR, left, right, (mpfr_ptr)NULL);
    MPFR_DECL_INIT(bound, 64);
    bool may = true;
    for (size_t i = 0; i < ball_count(o); i++)
        for (size_t j = 0; j < i; j++) {
            mpfr_mul(left, o->at + i, x->at + j, MPFR_RNDN);
            mpfr_mul(right, o->at + j, x->at + i, MPFR_RNDN);
            mpfr_sub(left, left, right, MPFR_RNDN);
            mag_get_mpfr(bound, up_mul(o->radius, up_add(up_abs(x->at + i), up_abs(x->at + j))));
            may = may && mpfr_cmpabs(left, bound) <= 0;
        }
    mpfr_clears(left, right, (mpfr_ptr)NULL);
    return may;
}

static void check_direction(struct work *w, void *pointer)
{
    const struct direction_case *c = pointer;
    const struct ball *u = ball_from_input(w, (assay_input){c->u, c->rows, c->cols, c->cols});
    struct ball *about = ball_copy(w, u, 53);
    ball_widen_all(about, mag_power_of_two(-1000));
    for (int pre = 0; pre < 2; pre++)
        for (int n = ASSAY_NORMALISE_ADD; n <= ASSAY_NORMALISE_AOL; n++) {
            struct assay_dialect d = iteration(&assay_coefficients_jordan, 2, (enum assay_normalisation)n, 1e-7);
            d.pre = pre ? ASSAY_PRE_EQUILIBRATE : ASSAY_PRE_NONE;
            bool expected = (pre ? c->equilibrated : c->plain) && n != ASSAY_NORMALISE_AOL;
            const struct ball *x = newton_schulz_direction(w, &d, u);
            ck_assert_msg((x != NULL) == expected, "%s, pre %d, %d", c->what, pre, n);
            ck_assert(!newton_schulz_direction(w, &d, about));
            const struct ball *o = ball_is_zero(u) ? u : newton_schulz(w, &d, u, PREC);
            ck_assert_msg(!x || (ball_is_exact(x) && may_be_multiple(o, x)), "%s, pre %d, %d", c->what, pre, n);
            ck_assert_msg(pre || x || n == ASSAY_NORMALISE_AOL || ball_is_zero(u) || !may_be_multiple(o, u), "%s, %d",
                          c->what, n);
        }
}

/* If x x^T x = s^2 x, for x = u or what ASSAY_PRE_EQUILIBRATE makes of it, then p(x / d) is a multiple of x. */
START_TEST(directions_are_known_where_singular_values_are_equal)
{
    struct direction_case cases[] = {
        {"one entry", 1, 1, {-3}, true, true},
        {"one row", 1, 4, {1, 2, 0, 0.1}, true, true},
        {"one column", 3, 1, {1, 2, 0.1}, true, true},
        {"one column with a zero", 3, 1, {0.1, -0.1, 0}, true, true},
        {"rotation", 2, 2, {.3, -.4, .4, .3}, true, true},
        {"rotation, off by one bit", 2, 2, {.3, -.4, .4, .3 + 0x1p-54}, false, false},
        {"permutation with a zero row", 4, 3, {0, 0, 0, 7, 0, 0, 0, 7, 0, 0, 0, 7}, true, true},
        {"two singular values", 2, 2, {1, 0, 0, 2}, false, true},
        {"rank one", 2, 3, {1, 2, 3, 2, 4, 6}, true, true},
        {"rows of the lengths 15 and 3.5", 2, 2, {9, 12, -2.8125, 2.109375}, false, true},
        {"rows in irrational proportion", 2, 2, {1, 1, 1, 0}, false, false},
        {"rows of one length, askew", 2, 2, {3, 4, 5, 0}, false, false},
        {"Hadamard", 4, 4, {1, 1, 1, 1, 1, -1, 1, -1, 1, 1, -1, -1, 1, -1, -1, 1}, true, true},
        {"far apart", 2, 2, {1e10, 0, 0, 1e-3}, false, true},
        {"a row below 1e-6", 2, 2, {1e10, 0, 0, 1e-7}, false, false},
        {"scaled permutation", 3, 3, {0, 0.1, 0, 0, 0, -0.7, 1.3e20, 0, 0}, false, true},
        {"scaled rows of a rotation", 2, 2, {3, -4, 12, 9}, false, true},
        {"a zero row, and irrational lengths", 3, 2, {0, 0, 1, 1, -1, 1}, true, true},
        {"zero", 2, 2, {0}, false, false}};
    for (size_t k = 0; k < COUNT(cases); k++)
        in_work(check_direction, &cases[k]);
}
END_TEST

/* A diagonal matrix is equilibrated to a multiple of signs, found as such however many entries it has; and where a common
 * denominator would be too long, it is not looked for: rows (p, 0 .. 0, q) with p^2 + q^2 a square, of all sizes. */
static void check_large_direction(struct work *w, void *pointer)
{
    uint64_t *state = pointer;
    enum { SIDE = 60 };
    struct assay_dialect d = iteration(&assay_coefficients_jordan, 2, ASSAY_NORMALISE_ADD, 1e-7);
    d.pre = ASSAY_PRE_EQUILIBRATE;
    struct ball *u = ball_new(w, SIDE, SIDE, 53), *rows = ball_new(w, 300, 2, 53);
    for (size_t i = 0; i < SIDE; i++)
        mpfr_set_d(ball_at(u, i, i), random_gaussian(state), MPFR_RNDN);
    const struct ball *x = newton_schulz_direction(w, &d, u);
    ck_assert(x && x->prec < 200);
    for (size_t i = 0; i < SIDE; i++)
        ck_assert(mpfr_cmpabs(ball_at(x, i, i), ball_at(x, 0, 0)) == 0 &&
                  mpfr_signbit(ball_at(x, i, i)) == mpfr_signbit(ball_at(u, i, i)));
    for (size_t i = 0; i < 300; i++) { /* (k^2 - 1, 2 k), of the length k^2 + 1 */
        double k = 2 * (double)(i + 500);
        mpfr_set_d(ball_at(rows, i, 0), k * k - 1, MPFR_RNDN);
        mpfr_set_d(ball_at(rows, i, 1), 2 * k, MPFR_RNDN);
    }
    ck_assert(!newton_schulz_direction(w, &d, rows));
}

START_TEST(large_denominators_are_avoided)
{
    uint64_t state = 8;
    in_work(check_large_direction, &state);
}
END_TEST

/* ---- zeros and ends of the range ---------------------------------------------------------------------------------- */

/* A skew-symmetric matrix has a zero diagonal, and so has every p(X): proved for scalar normalisations, where X = u/d. */
static void check_skew(struct work *w, void *pointer)
{
    const struct assay_dialect *d = pointer;
    const double u[] = {0, 1, -2, 3, -1, 0, 5, 7, 2, -5, 0, 1, -3, -7, -1, 0};
    const struct ball *o = newton_schulz(w, d, ball_from_input(w, (assay_input){u, 4, 4, 4}), PREC);
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 4; j++) {
            bool zero = mpfr_zero_p(ball_at(o, i, j)) && mag_is_zero(o->error[i * 4 + j]);
            ck_assert(zero == (i == j));
        }
}

START_TEST(hidden_zeros_are_exact)
{
    for (int n = ASSAY_NORMALISE_ADD; n <= ASSAY_NORMALISE_SCHATTEN; n++) {
        struct assay_dialect d = iteration(&assay_coefficients_jordan, 5, (enum assay_normalisation)n, 1e-7);
        in_work(check_skew, &d);
    }
}
END_TEST

static void iterate_zero(struct work *w, void *pointer)
{
    const struct assay_dialect *d = pointer;
    const struct ball *o = newton_schulz(w, d, ball_new(w, 2, 3, 53), PREC);
    ck_assert(ball_is_zero(o) && ball_is_exact(o));
}

/* 0 / (0 + eps) = 0; without eps 0 / 0: ASSAY_UNDEFINED, or 0 with nan_to_zero. */
START_TEST(zero_matrices_need_an_eps)
{
    for (int n = ASSAY_NORMALISE_ADD; n <= ASSAY_NORMALISE_AOL; n++) {
        struct assay_dialect d = iteration(&assay_coefficients_jordan, 5, (enum assay_normalisation)n, 1e-7);
        in_work(iterate_zero, &d);
        d.eps = 0;
        ck_assert_msg(strstr(fails_in_work(ASSAY_UNDEFINED, iterate_zero, &d), "0 / 0"), "normalisation %d", n);
        d.nan_to_zero = true;
        in_work(iterate_zero, &d);
    }
}
END_TEST

static void iterate_zero_row(struct work *w, void *pointer)
{
    const struct assay_dialect *d = pointer;
    const double u[] = {1, 2, 3, 0, 0, 0};
    const struct ball *o = newton_schulz(w, d, ball_from_input(w, (assay_input){u, 2, 3, 3}), PREC);
    for (size_t k = 3; k < 6; k++)
        ck_assert(mpfr_zero_p(o->at + k) && mag_is_zero(o->error[k]));
    ck_assert(is_narrow(o, -PREC / 3));
}

/* AOL divides every row by something of its own: without eps a row of zeros is 0 / 0. */
START_TEST(zero_rows_need_an_eps_with_aol)
{
    struct assay_dialect d = iteration(&assay_coefficients_aol, 4, ASSAY_NORMALISE_AOL, 1e-7);
    in_work(iterate_zero_row, &d);
    d.eps = 0;
    ck_assert(strstr(fails_in_work(ASSAY_UNDEFINED, iterate_zero_row, &d), "0 / 0"));
    d.nan_to_zero = true;
    in_work(iterate_zero_row, &d);
}
END_TEST

/* Whether a ball around zero, divided by a norm that may be zero, is known to be nothing. */
static void check_unknown(struct work *w, void *pointer)
{
    (void)pointer;
    for (int n = ASSAY_NORMALISE_ADD; n <= ASSAY_NORMALISE_AOL; n++) {
        struct assay_dialect d = iteration(&assay_coefficients_jordan, 2, (enum assay_normalisation)n, 0);
        struct ball *u = ball_identity(w, 2, 53);
        ball_widen_all(u, mag_power_of_two(4));
        const struct ball *o = newton_schulz(w, &d, u, PREC);
        ck_assert_msg(mag_is_inf(o->radius) && mag_is_inf(o->error[0]), "normalisation %d", n);
    }
}

START_TEST(norms_that_may_vanish_give_no_bound)
{
    in_work(check_unknown, NULL);
}
END_TEST

struct divergence {
    double factor;
    size_t steps;
    mpfr_prec_t prec;
};

/* Whether every entry, whose true value exceeds 1e308, is known to, or not known at all. */
static void check_divergence(struct work *w, void *pointer)
{
    const struct divergence *args = pointer;
    struct assay_dialect d = iteration(&assay_coefficients_jordan, args->steps, ASSAY_NORMALISE_ADD, 1e-7);
    const double u[] = {1, 2, 3, 4};
    d.norm_factor = args->factor;
    const struct ball *o = newton_schulz(w, &d, ball_from_input(w, (assay_input){u, 2, 2, 2}), args->prec);
    for (size_t k = 0; k < 4; k++) {
        bool huge = mpfr_number_p(o->at + k) && mpfr_cmpabs_ui(o->at + k, 1) > 0 && mpfr_get_exp(o->at + k) > 1024;
        ck_assert_msg((mag_is_inf(o->error[k]) && mag_is_inf(o->radius)) || huge, "%g, %zu steps, %ld bits",
                      args->factor, args->steps, (long)args->prec);
    }
}

/* theory.md 5: |x| > 1.26373 diverges, to 2^(5^k) or so. The enclosure follows until it leaves MPFR's range (2^2^30); from
 * there on nothing is known, and nothing may be claimed: with factor 0.5 that is where the last of 13 steps leads. */
START_TEST(overflow_is_no_answer)
{
    for (double factor = 0.25; factor < 0.76; factor += 0.05)
        for (size_t steps = 6; steps <= 20; steps++)
            for (mpfr_prec_t prec = 192; prec < 400; prec += 96) {
                struct divergence args = {factor, steps, prec};
                in_work(check_divergence, &args);
            }
}
END_TEST

/* The comparison with Arb refuses what is wrong by little, unbounded, or not known. */
static void check_comparison(struct work *w, void *pointer)
{
    (void)pointer;
    struct ball *a = ball_identity(w, 2, PREC);
    arb_mat_t truth;
    arb_mat_init(truth, 2, 2);
    read_midpoints(truth, a);
    ck_assert(holds(a, truth));
    ball_widen_all(a, mag_power_of_two(-100));
    arb_set_d(arb_mat_entry(truth, 0, 1), 0x1.01p-100);
    ck_assert(!holds(a, truth));
    arb_set_d(arb_mat_entry(truth, 0, 1), -0x1p-101);
    ck_assert(holds(a, truth));
    for (slong k = 0; k < 4; k++) /* each within its error, the whole not */
        arb_add_error_2exp_si(arb_mat_entry(truth, k / 2, k % 2), -TRUTH);
    arb_set_d(arb_mat_entry(truth, 0, 1), 0x1.ep-101);
    arb_set_d(arb_mat_entry(truth, 1, 0), 0x1.ep-101);
    arb_set_d(arb_mat_entry(truth, 1, 1), 1 + 0x1p-60);
    ck_assert(!holds(a, truth));
    read_midpoints(truth, a);
    arb_indeterminate(arb_mat_entry(truth, 1, 1));
    ck_assert(!holds(a, truth));
    read_midpoints(truth, a);
    a->radius = MAG_INF;
    ck_assert(!holds(a, truth));
    arb_mat_clear(truth);
}

START_TEST(wrong_matrices_are_noticed)
{
    in_work(check_comparison, NULL);
}
END_TEST

RUN_TESTS("newton_schulz", TEST(iterates_of_exact_matrices_are_enclosed), TEST(iterates_of_balls_are_enclosed),
          TEST(singular_values_are_mapped_one_by_one), TEST(jordan_keeps_its_band), TEST(polynomials_are_lipschitz),
          TEST(half_the_radius_is_too_little), TEST(directions_are_known_where_singular_values_are_equal),
          TEST(large_denominators_are_avoided), TEST(bounds_do_not_diverge_where_iterates_do_not),
          TEST(starting_norms_are_bounded), TEST(hidden_zeros_are_exact), TEST(zero_matrices_need_an_eps),
          TEST(zero_rows_need_an_eps_with_aol), TEST(norms_that_may_vanish_give_no_bound), TEST(overflow_is_no_answer),
          TEST(wrong_matrices_are_noticed))
