/* Which matrices a tensor is made of, entry by entry, and the scales of their updates. */
#include "support.h"

#include "blocks.h"

#include <math.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { PREC = 200 };

static const struct shape shapes[] = {{0, {0}},          {1, {5}},          {2, {3, 4}},    {2, {6, 2}},
                                      {2, {1, 7}},       {3, {2, 3, 4}},    {3, {5, 1, 2}}, {4, {2, 3, 4, 5}},
                                      {4, {4, 1, 3, 3}}, {4, {1, 1, 1, 1}}, {3, {1, 6, 6}}};

struct args {
    struct assay_dialect d;
    struct shape shape;
    bool tail;
};

/* ---- the matrices ------------------------------------------------------------------------------------------------- */

/* How many matrices there are, and of what size; by the words of dialect.h. None: no answer. */
enum form { NO_ANSWER, NOTHING, COLUMN, PLAIN, THIRDS, FLAT, BATCH, POSITIONS };

static enum form form_of(const struct args *a)
{
    bool vector = a->d.nd == ASSAY_ND_ELEMENTWISE && a->d.direction != ASSAY_DIRECTION_NEWTON_SCHULZ;
    if (a->shape.ndim < 2 || vector)
        return COLUMN;
    if (a->shape.ndim == 2)
        return a->d.split_thirds && a->shape.size[0] == 3 * a->shape.size[1] ? THIRDS : PLAIN;
    const enum form three[] = {NO_ANSWER, FLAT, BATCH, BATCH, BATCH, POSITIONS, NO_ANSWER};
    const enum form four[] = {NO_ANSWER, FLAT, BATCH, FLAT, NOTHING, POSITIONS, NO_ANSWER};
    return (a->shape.ndim == 3 ? three : four)[a->d.nd];
}

/* Where entry (i, j) of matrix b lies: the place of the index (i0, i1, i2, i3) is ((i0 s1 + i1) s2 + i2) s3 + i3. */
static size_t place(enum form form, const size_t s[4], size_t ndim, size_t b, size_t i, size_t j)
{
    size_t last = ndim > 0 ? s[ndim - 1] : 1, index[4] = {0}, at = 0;
    switch (form) {
    case COLUMN:
        return i;
    case THIRDS:
        return (b * s[1] + i) * s[1] + j;
    case POSITIONS: /* (i, j, position) */
        index[0] = i;
        index[1] = j;
        index[2] = ndim == 3 ? b : b / s[3];
        index[3] = ndim == 3 ? 0 : b % s[3];
        break;
    case BATCH: /* (matrix, i, j) */
        index[ndim - 2] = i;
        index[ndim - 1] = j;
        if (ndim == 4) {
            index[0] = b / s[1];
            index[1] = b % s[1];
        } else {
            index[0] = b;
        }
        break;
    case FLAT: /* (i, the rest): j in mixed radix */
        index[0] = i;
        for (size_t k = ndim - 1; k > 0; k--) {
            index[k] = j % s[k];
            j /= s[k];
        }
        break;
    default:
        return i * last + j;
    }
    for (size_t k = 0; k < ndim; k++)
        at = at * s[k] + index[k];
    return at;
}

static void sizes(enum form form, struct shape shape, size_t *count, size_t *rows, size_t *cols)
{
    const size_t *s = shape.size, n = shape.ndim, all = shape_count(shape);
    *count = 1;
    *rows = form == COLUMN ? all : s[0];
    if (form == THIRDS) {
        *count = 3;
        *rows = s[1];
    } else if (form == BATCH) {
        *rows = s[n - 2];
        *count = all / s[n - 2] / s[n - 1];
    } else if (form == POSITIONS) {
        *count = all / s[0] / s[1];
    } else if (form == NOTHING) {
        *count = 0;
    }
    *cols = *count ? all / *rows / *count : 0;
}

static void check_blocks(struct work *w, void *pointer)
{
    const struct args *a = pointer;
    struct blocks blocks = a->tail ? blocks_of_tail(w, a->shape) : blocks_of(w, &a->d, a->shape);
    enum form form = !a->tail ? form_of(a) : a->shape.ndim == 2 ? PLAIN : BATCH;
    size_t count, rows, cols, all = shape_count(a->shape);
    sizes(form, a->shape, &count, &rows, &cols);
    ck_assert_uint_eq(blocks.count, count);
    bool *seen = work_alloc(w, all, sizeof *seen);
    for (size_t b = 0; b < count; b++) {
        const struct block *block = &blocks.each[b];
        ck_assert(block->rows == rows && block->cols == cols);
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < cols; j++) {
                size_t at = block->offset + i * block->row_stride + j * block->col_stride;
                ck_assert_msg(at == place(form, a->shape.size, a->shape.ndim, b, i, j) && at < all && !seen[at],
                              "nd %d, %zu dimensions: (%zu, %zu) of matrix %zu", (int)a->d.nd, a->shape.ndim, i, j, b);
                seen[at] = true; /* so that after count rows cols of them all entries have been seen once */
            }
    }
}

/* enum assay_nd, split_thirds. */
START_TEST(every_entry_is_in_its_place)
{
    const enum assay_direction directions[] = {ASSAY_DIRECTION_NEWTON_SCHULZ, ASSAY_DIRECTION_LMO};
    for (size_t s = 0; s < COUNT(shapes); s++)
        for (int nd = ASSAY_ND_REJECT; nd <= ASSAY_ND_ELEMENTWISE; nd++)
            for (int k = 0; k < 4; k++) {
                struct args a = {{.name = "test", .nd = (enum assay_nd)nd}, shapes[s], false};
                a.d.direction = directions[k % 2];
                a.d.split_thirds = k / 2;
                if (form_of(&a) != NO_ANSWER)
                    in_work(check_blocks, &a);
                else
                    ck_assert(strstr(fails_in_work(ASSAY_INVALID, check_blocks, &a), "'test'"));
            }
    for (size_t s = 2; s < COUNT(shapes); s++) {
        struct args a = {{.nd = ASSAY_ND_BATCH}, shapes[s], true};
        in_work(check_blocks, &a);
    }
}
END_TEST

/* A block that is read holds the entries, errors and no more radius than they allow; written back, the tensor is what it
 * was; a changed block changes its own entries alone. */
static void check_copies(struct work *w, void *pointer)
{
    const struct args *a = pointer;
    uint64_t state = 3;
    size_t all = shape_count(a->shape);
    struct ball *tensor = ball_new(w, 1, all, PREC), *copy = ball_new(w, 1, all, PREC);
    for (size_t k = 0; k < all; k++) {
        mpfr_set_d(tensor->at + k, random_gaussian(&state), MPFR_RNDN);
        tensor->error[k] = k % 3 ? mag_power_of_two(-20 - (int64_t)k) : MAG_ZERO;
    }
    tensor->radius = MAG_INF;
    ball_tighten(tensor);
    struct blocks blocks = blocks_of(w, &a->d, a->shape);
    for (size_t b = 0; b < blocks.count; b++) {
        const struct block *block = &blocks.each[b];
        struct ball *x = block_get(w, tensor, block);
        mag squares = MAG_ZERO;
        ck_assert(x->rows == block->rows && x->cols == block->cols);
        for (size_t i = 0; i < x->rows; i++)
            for (size_t j = 0; j < x->cols; j++) {
                size_t at = place(form_of(a), a->shape.size, a->shape.ndim, b, i, j);
                ck_assert(mpfr_equal_p(ball_at(x, i, j), tensor->at + at));
                ck_assert(mag_le(tensor->error[at], x->error[i * x->cols + j]));
                squares = up_add(squares, up_sqr(tensor->error[at]));
            }
        ck_assert(mag_le(x->radius, up_sqrt(squares)) && mag_le(x->radius, tensor->radius));
        block_put(copy, block, x);
        if (b + 1 < blocks.count) { /* counter-check: the others still are what they were, zeros */
            size_t other = place(form_of(a), a->shape.size, a->shape.ndim, b + 1, 0, 0);
            ck_assert(mpfr_zero_p(copy->at + other) && mag_is_zero(copy->error[other]));
        }
    }
    for (size_t k = 0; k < all && blocks.count; k++)
        ck_assert(mpfr_equal_p(copy->at + k, tensor->at + k) && mag_le(tensor->error[k], copy->error[k]) &&
                  mag_le(copy->error[k], tensor->error[k]));
}

START_TEST(blocks_are_read_and_written)
{
    for (size_t s = 0; s < COUNT(shapes); s++)
        for (int nd = ASSAY_ND_REJECT; nd <= ASSAY_ND_ELEMENTWISE; nd++) {
            struct args a = {{.name = "test", .nd = (enum assay_nd)nd, .split_thirds = true}, shapes[s], false};
            if (form_of(&a) != NO_ANSWER)
                in_work(check_copies, &a);
        }
}
END_TEST

/* ---- the scale ---------------------------------------------------------------------------------------------------- */

/* Whether s > 0 and s^2 is this fraction, as far as the enclosure of s tells, which is to within 2^-150. */
static bool is_root_of(const struct ball *s, mpq_srcptr square)
{
    mpfr_t end;
    mpq_t x;
    mpfr_init2(end, PREC + 2000);
    mpq_init(x);
    MPFR_DECL_INIT(error, 64);
    mag_get_mpfr(error, s->radius);
    bool fine = !mag_is_inf(s->radius) && mag_le(s->radius, mag_scale(up_abs(s->at), -150)) && mpfr_sgn(s->at) > 0;
    for (int side = -1; side <= 1; side += 2) {
        (side < 0 ? mpfr_sub : mpfr_add)(end, s->at, error, MPFR_RNDN); /* exact */
        mpfr_get_q(x, end);
        mpq_mul(x, x, x);
        fine = fine && mpq_cmp(x, square) * side >= 0;
    }
    mpfr_clear(end);
    mpq_clear(x);
    return fine;
}

/* s^2 by the words of dialect.h: enum assay_scale, assay_layout, scale_factor; POSITIONS / their number. */
static void scale_squared(mpq_ptr q, const struct args *a)
{
    size_t count, rows, cols, n = a->shape.ndim;
    const size_t *s = a->shape.size;
    sizes(form_of(a), a->shape, &count, &rows, &cols);
    if (count == 0) {
        rows = shape_count(a->shape);
        cols = 1;
    }
    size_t out = rows, in = cols;
    if (a->d.layout == ASSAY_LAYOUT_IN_OUT) {
        out = cols;
        in = rows;
    } else if (a->d.layout == ASSAY_LAYOUT_TAIL && n >= 2) {
        out = s[n - 2];
        in = s[n - 1];
    }
    if (a->d.scale == ASSAY_SCALE_CONV_RATIO && n >= 2) {
        out = s[0];
        in = s[1];
    }
    mpq_t x;
    mpq_init(x);
    switch (a->d.scale) {
    case ASSAY_SCALE_ONE:
        mpq_set_ui(q, 1, 1);
        break;
    case ASSAY_SCALE_MAX1_RATIO:
        mpq_set_ui(q, out > in ? out : 1, out > in ? in : 1);
        break;
    case ASSAY_SCALE_SQRT_MAX:
        mpq_set_ui(q, out > in ? out : in, 1);
        break;
    default:
        mpq_set_ui(q, out, in);
    }
    mpq_canonicalize(q);
    for (size_t k = 2; k < n && a->d.scale == ASSAY_SCALE_CONV_RATIO; k++) { /* k^2 for 4-D, k for 3-D; squared */
        mpq_set_ui(x, 1, s[2] * s[2]);
        mpq_mul(q, q, x);
    }
    if (a->d.nd == ASSAY_ND_POSITIONS && n > 2) {
        mpq_set_ui(x, 1, count);
        mpq_mul(q, q, x);
    }
    mpq_set_d(x, a->d.scale_factor);
    mpq_mul(q, q, x);
    mpq_mul(q, q, x);
    mpq_clear(x);
}

static void check_scale(struct work *w, void *pointer)
{
    const struct args *a = pointer;
    const struct ball *s = update_scale(w, &a->d, a->shape, PREC);
    mpq_t q, factor;
    mpq_inits(q, factor, NULL);
    scale_squared(q, a);
    ck_assert_msg(is_root_of(s, q), "scale %d, layout %d, nd %d, %zu dimensions", (int)a->d.scale, (int)a->d.layout,
                  (int)a->d.nd, a->shape.ndim);
    mpq_set_d(factor, 1 + 0x1p-40); /* counter-check */
    mpq_mul(q, q, factor);
    ck_assert(!is_root_of(s, q));
    mpq_clears(q, factor, NULL);
}

START_TEST(scales_are_their_formulas)
{
    for (size_t s = 0; s < COUNT(shapes); s++)
        for (int nd = ASSAY_ND_REJECT; nd <= ASSAY_ND_ELEMENTWISE; nd++)
            for (int scale = ASSAY_SCALE_ONE; scale <= ASSAY_SCALE_CONV_RATIO; scale++)
                for (int layout = ASSAY_LAYOUT_OUT_IN; layout <= ASSAY_LAYOUT_TAIL; layout++)
                    for (int thirds = 0; thirds < 2; thirds++) {
                        struct args a = {.d = {.name = "test", .scale_factor = thirds ? 1 : 0.2}, .shape = shapes[s]};
                        a.d.nd = (enum assay_nd)nd;
                        a.d.scale = (enum assay_scale)scale;
                        a.d.layout = (enum assay_layout)layout;
                        a.d.split_thirds = thirds;
                        if (form_of(&a) != NO_ANSWER)
                            in_work(check_scale, &a);
                    }
}
END_TEST

/* Square roots that are rational and binary are exact: no error is claimed where there is none. */
static void check_exact_scales(struct work *w, void *pointer)
{
    (void)pointer;
    const struct {
        enum assay_scale scale;
        struct shape shape;
        double factor, value;
    } cases[] = {
        {ASSAY_SCALE_ONE, {2, {3, 5}}, 0.2, 0.2},           {ASSAY_SCALE_MAX1_RATIO, {2, {2, 5}}, 1, 1},
        {ASSAY_SCALE_MAX1_RATIO, {2, {20, 5}}, 1, 2},       {ASSAY_SCALE_RATIO, {2, {5, 20}}, 1, 0.5},
        {ASSAY_SCALE_SQRT_MAX, {2, {9, 16}}, 0.2, 0.8},     {ASSAY_SCALE_CONV_RATIO, {4, {36, 1, 3, 3}}, 1, 6.0 / 9},
        {ASSAY_SCALE_CONV_RATIO, {4, {81, 1, 3, 3}}, 1, 1}, {ASSAY_SCALE_CONV_RATIO, {3, {9, 1, 3}}, 1, 1}};
    for (size_t k = 0; k < COUNT(cases); k++) {
        const struct assay_dialect d = {
            .scale = cases[k].scale, .scale_factor = cases[k].factor, .nd = ASSAY_ND_FLATTEN};
        const struct ball *s = update_scale(w, &d, cases[k].shape, PREC);
        bool binary = cases[k].value != 6.0 / 9;
        ck_assert(ball_is_exact(s) == binary && fabs(mpfr_get_d(s->at, MPFR_RNDN) - cases[k].value) <= 0x1p-53);
    }
    /* a kernel whose k^4 exceeds 2^64 */
    const struct assay_dialect d = {.scale = ASSAY_SCALE_CONV_RATIO, .scale_factor = 1, .nd = ASSAY_ND_FLATTEN};
    const struct ball *s = update_scale(w, &d, (struct shape){4, {4, 1, 1 << 17, 1}}, PREC);
    ck_assert(ball_is_exact(s) && mpfr_cmp_d(s->at, 0x1p-33) == 0);
}

START_TEST(rational_scales_are_exact)
{
    in_work(check_exact_scales, NULL);
}
END_TEST

RUN_TESTS("blocks", TEST(every_entry_is_in_its_place), TEST(blocks_are_read_and_written),
          TEST(scales_are_their_formulas), TEST(rational_scales_are_exact))
