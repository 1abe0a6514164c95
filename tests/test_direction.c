/* Directions of whole tensors: matrix by matrix, as the functions for matrices have them; Adam's by its formula. */
#include "support.h"

#include "coefficients.h"
#include "cosh_rms.h"
#include "direction.h"
#include "lmo.h"
#include "newton_schulz.h"
#include "post.h"

#include <math.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { PREC = 200, TRUTH = 1200, MOST = 120 };

/* ---- the public functions ------------------------------------------------------------------------------------------- */

typedef assay_status direction_function(assay_tensor_answer *o, const struct assay_dialect *dialect, assay_tensor u,
                                        const assay_options *options);

struct call {
    double hi[MOST], lo[MOST], radius;
    assay_status status;
    char message[ASSAY_MESSAGE_SIZE];
};

static void call(struct call *c, direction_function *f, const struct assay_dialect *d, assay_tensor u)
{
    const assay_options options = {.message = c->message, .message_size = sizeof c->message};
    assay_tensor_answer o = {c->hi, c->lo, 7};
    for (size_t k = 0; k < MOST; k++)
        c->hi[k] = c->lo[k] = 7;
    c->status = f(&o, d, u, &options);
    c->radius = o.radius;
}

static bool untouched(const struct call *c)
{
    bool same = c->radius == 7 && c->message[0] != '\0' && strchr(c->message, '\n') == NULL;
    for (size_t k = 0; k < MOST; k++)
        same = same && c->hi[k] == 7 && c->lo[k] == 7;
    return same;
}

/* Entries of the tensor, by the place of entry (i, j) of matrix number b: see test_blocks.c. */
static void gather(double *matrix, const double *tensor, const struct block *b)
{
    for (size_t i = 0; i < b->rows; i++)
        for (size_t j = 0; j < b->cols; j++)
            matrix[i * b->cols + j] = tensor[b->offset + i * b->row_stride + j * b->col_stride];
}

struct pieces {
    const struct assay_dialect *d;
    direction_function *f;
    assay_tensor u;
};

/* Every matrix of the tensor alone gives the bits that it gives in the tensor; the radius is at most the root of the sum of
 * squares, to the next power of two. */
static void check_pieces(struct work *w, void *pointer)
{
    const struct pieces *p = pointer;
    static struct call whole, alone;
    struct shape shape = {.ndim = p->u.ndim};
    memcpy(shape.size, p->u.shape, sizeof shape.size);
    struct blocks blocks = blocks_of(w, p->d, shape);
    struct assay_dialect flat = *p->d; /* takes matrices as they are */
    flat.split_thirds = false;
    if (flat.nd == ASSAY_ND_ELEMENTWISE)
        flat.nd = ASSAY_ND_BATCH;
    double matrix[MOST], hi[MOST], lo[MOST], squares = 0;
    call(&whole, p->f, p->d, p->u);
    ck_assert_msg(whole.status == ASSAY_OK, "%s: %s", p->d->name, whole.message);
    for (size_t b = 0; b < blocks.count; b++) {
        const struct block *block = &blocks.each[b];
        gather(matrix, p->u.at, block);
        call(&alone, p->f, &flat, (assay_tensor){matrix, 2, {block->rows, block->cols}});
        ck_assert(alone.status == ASSAY_OK);
        gather(hi, whole.hi, block);
        gather(lo, whole.lo, block);
        ck_assert(memcmp(hi, alone.hi, block->rows * block->cols * sizeof *hi) == 0);
        ck_assert(memcmp(lo, alone.lo, block->rows * block->cols * sizeof *lo) == 0);
        squares += alone.radius * alone.radius;
    }
    for (size_t k = 0; k < shape_count(shape) && blocks.count == 0; k++)
        ck_assert(whole.hi[k] == p->u.at[k] && whole.lo[k] == 0);
    ck_assert(whole.radius <= 2 * sqrt(squares) && whole.radius >= sqrt(squares) / 4);
}

static const size_t shapes[][5] = {{0, 0, 0, 0, 0}, {1, 5, 0, 0, 0}, {2, 3, 4, 0, 0}, {2, 6, 2, 0, 0},
                                   {3, 2, 3, 4, 0}, {3, 3, 2, 2, 0}, {4, 3, 2, 2, 3}, {4, 2, 2, 3, 3}};

static assay_tensor tensor(const double *at, const size_t shape[5])
{
    return (assay_tensor){at, shape[0], {shape[1], shape[2], shape[3], shape[4]}};
}

/* enum assay_nd, through assay_ref_newton_schulz: with and without thirds. */
START_TEST(tensors_are_iterated_matrix_by_matrix)
{
    uint64_t state = 1;
    double u[MOST];
    for (size_t s = 0; s < COUNT(shapes); s++)
        for (int nd = ASSAY_ND_REJECT; nd <= ASSAY_ND_ELEMENTWISE; nd++)
            for (int thirds = 0; thirds < 2; thirds++) {
                struct assay_dialect d = *assay_dialect_find(thirds ? "dion" : "jordan");
                d.nd = (enum assay_nd)nd;
                d.split_thirds = thirds;
                random_matrix(&state, u, MOST);
                struct pieces p = {&d, assay_ref_newton_schulz, tensor(u, shapes[s])};
                bool taken = shapes[s][0] < 3 || (nd != ASSAY_ND_REJECT && nd != ASSAY_ND_ELEMENTWISE);
                static struct call refused;
                if (taken) {
                    in_work(check_pieces, &p);
                    continue;
                }
                call(&refused, p.f, &d, p.u);
                ck_assert(refused.status == ASSAY_INVALID && untouched(&refused));
                ck_assert(strstr(refused.message, d.name) && strstr(refused.message, "dimensions"));
            }
}
END_TEST

struct rounding {
    const struct assay_dialect *d;
    const double *u;
    size_t rows, cols;
    direction_function *f;
};

/* hi is the true value rounded to nearest, lo the rest, up to the radius; true to TRUTH / 2 bits. */
static void check_rounding(struct work *w, void *pointer)
{
    const struct rounding *r = pointer;
    static struct call c;
    const struct ball *u = ball_from_input(w, (assay_input){r->u, r->rows, r->cols, r->cols}), *o = u;
    call(&c, r->f, r->d, (assay_tensor){r->u, 2, {r->rows, r->cols}});
    ck_assert_msg(c.status == ASSAY_OK, "%s: %s", r->d->name, c.message);
    if (assay_dialect_steps(r->d) > 0)
        o = newton_schulz(w, r->d, u, TRUTH);
    if (r->f == assay_ref_cosh_rms)
        o = cosh_rms(w, r->d, o, TRUTH);
    ck_assert(mag_le(o->radius, mag_power_of_two(-TRUTH / 2)));
    mpfr_t rest, squares;
    mpfr_inits2(TRUTH + 100, rest, squares, (mpfr_ptr)NULL);
    mpfr_set_zero(squares, 1);
    for (size_t k = 0; k < ball_count(o); k++) {
        ck_assert(mpfr_get_d(o->at + k, MPFR_RNDN) == c.hi[k]);
        mpfr_sub_d(rest, o->at + k, c.hi[k], MPFR_RNDN);
        ck_assert(mpfr_get_d(rest, MPFR_RNDN) == c.lo[k]);
        mpfr_sub_d(rest, rest, c.lo[k], MPFR_RNDN);
        mpfr_fma(squares, rest, rest, squares, MPFR_RNDN);
    }
    mpfr_sqrt(squares, squares, MPFR_RNDN);
    ck_assert(mpfr_cmp_d(squares, c.radius) <= 0 && mpfr_cmp_d(squares, c.radius / 2) > 0);
    mpfr_clears(rest, squares, (mpfr_ptr)NULL);
}

/* ref.h: answers are correctly rounded. For every dialect that iterates, and every one of AuON's. */
START_TEST(answers_are_correctly_rounded)
{
    uint64_t state = 2;
    double u[12];
    size_t cosh = 0;
    for (size_t k = 0; k < assay_dialect_count; k++) {
        struct assay_dialect d = assay_dialects[k];
        random_matrix(&state, u, 12);
        struct rounding r = {&d, u, k % 2 ? 3 : 4, k % 2 ? 4 : 3, assay_ref_newton_schulz};
        d.snap = false; /* tested in test_post.c */
        if (assay_dialect_steps(&d) > 0)
            in_work(check_rounding, &r);
        r.f = assay_ref_cosh_rms;
        if (d.direction == ASSAY_DIRECTION_COSH_RMS && (cosh++, d.nd != ASSAY_ND_ELEMENTWISE || d.steps == 0))
            in_work(check_rounding, &r);
    }
    ck_assert_uint_eq(cosh, 5);
}
END_TEST

/* The errors of ref.h, with the outputs untouched and a sentence. */
START_TEST(arguments_are_checked)
{
    static struct call c;
    double u[6] = {1, 2, 3, 4, 5, 6}, zero[6] = {0};
    const struct assay_dialect *jordan = assay_dialect_find("jordan"), *msign = assay_dialect_find("msign");
    const assay_tensor matrix = {u, 2, {2, 3}}, nothing = {NULL, 2, {2, 3}}, empty = {u, 2, {0, 3}};
    const char *const without[] = {"adamw", "trust-region", "sgdm", "auon"};
    for (size_t k = 0; k < COUNT(without); k++) {
        call(&c, assay_ref_newton_schulz, assay_dialect_find(without[k]), matrix);
        ck_assert(c.status == ASSAY_INVALID && untouched(&c) && strstr(c.message, without[k]));
    }
    struct assay_dialect d = *assay_dialect_find("trust-region");
    d.steps = 5; /* and no coefficients */
    call(&c, assay_ref_newton_schulz, &d, matrix);
    ck_assert(c.status == ASSAY_INVALID && untouched(&c));
    call(&c, assay_ref_cosh_rms, jordan, matrix);
    ck_assert(c.status == ASSAY_INVALID && untouched(&c) && strstr(c.message, "'jordan'"));
    call(&c, assay_ref_newton_schulz, jordan, nothing);
    ck_assert(c.status == ASSAY_INVALID && untouched(&c));
    call(&c, assay_ref_newton_schulz, jordan, empty);
    ck_assert(c.status == ASSAY_INVALID && untouched(&c));
    call(&c, assay_ref_cosh_rms, assay_dialect_find("auon-2025-10"), (assay_tensor){u, 3, {1, 2, 3}});
    ck_assert(c.status == ASSAY_INVALID && untouched(&c));
    call(&c, assay_ref_cosh_rms, assay_dialect_find("auon"), (assay_tensor){u, 3, {1, 2, 3}});
    ck_assert(c.status == ASSAY_OK);
    d = *msign;
    d.nan_to_zero = false;
    call(&c, assay_ref_newton_schulz, &d, (assay_tensor){zero, 2, {2, 3}});
    ck_assert(c.status == ASSAY_UNDEFINED && untouched(&c));
    call(&c, assay_ref_newton_schulz, msign, (assay_tensor){zero, 2, {2, 3}});
    ck_assert(c.status == ASSAY_OK && c.hi[0] == 0 && c.hi[5] == 0 && c.radius == 0);
    u[4] = NAN;
    call(&c, assay_ref_newton_schulz, jordan, matrix);
    ck_assert(c.status == ASSAY_NOT_FINITE && untouched(&c) && strstr(c.message, "(0, 4)"));
    u[4] = 5;
    ck_assert(assay_ref_newton_schulz(NULL, jordan, matrix, NULL) == ASSAY_OK);
}
END_TEST

/* ---- second moments ------------------------------------------------------------------------------------------------- */

struct moments {
    const struct assay_dialect *d;
    struct shape shape;
    size_t count;
};

static void check_count(struct work *w, void *pointer)
{
    const struct moments *m = pointer;
    ck_assert_uint_eq(direction_moment_count(w, m->d, m->shape), m->count);
}

/* Adam's: one an entry. NorMuon's: of each matrix; with layout TAIL of those of the last two dimensions. */
START_TEST(moments_are_counted)
{
    struct assay_dialect normuon = *assay_dialect_find("normuon"), batch = normuon, aspect = batch, ada = batch;
    ck_assert(normuon.layout == ASSAY_LAYOUT_TAIL && normuon.nd == ASSAY_ND_FLATTEN_CONV);
    batch.layout = ASSAY_LAYOUT_OUT_IN;
    aspect.post = ASSAY_POST_NORMUON_ASPECT;
    ada.post = ASSAY_POST_ADAMUON;
    struct moments cases[] = {{assay_dialect_find("adamw"), {3, {2, 3, 4}}, 24},
                              {assay_dialect_find("adamw"), {0, {0}}, 1},
                              {assay_dialect_find("jordan"), {2, {2, 3}}, 0},
                              {assay_dialect_find("trust-region"), {2, {2, 3}}, 0},
                              {assay_dialect_find("auon"), {2, {2, 3}}, 0},
                              {&normuon, {2, {2, 3}}, 2},
                              {&normuon, {3, {5, 2, 3}}, 10},
                              {&normuon, {4, {5, 2, 3, 4}}, 30}, /* 5 * 2 matrices of 3 x 4 */
                              {&batch, {4, {5, 2, 3, 4}}, 5},    /* one of 5 x 24 */
                              {&aspect, {2, {2, 3}}, 3},
                              {&aspect, {1, {7}}, 7},
                              {&ada, {3, {5, 2, 3}}, 30}};
    for (size_t k = 0; k < COUNT(cases); k++)
        in_work(check_count, &cases[k]);
    struct moments rejected = {assay_dialect_find("torch"), {3, {2, 3, 4}}, 0};
    fails_in_work(ASSAY_INVALID, check_count, &rejected);
}
END_TEST

static mag more(mag x)
{
    return mag_scale(x, 4);
}

/* The same midpoints, with errors of about the same size: of a matrix inside of a tensor only the errors of its entries are
 * known, which allow it some more radius. */
static bool same_numbers(const struct ball *a, const struct ball *b)
{
    bool same = a->rows == b->rows && a->cols == b->cols;
    for (size_t k = 0; k < ball_count(a) && same; k++)
        same = mpfr_equal_p(a->at + k, b->at + k) && mag_le(a->error[k], more(b->error[k])) &&
               mag_le(b->error[k], more(a->error[k]));
    return same;
}

/* NorMuon of a batch: each matrix with moments of its own, in order. */
static void check_batch(struct work *w, void *pointer)
{
    uint64_t *state = pointer;
    struct assay_dialect d = *assay_dialect_find("nanochat");
    const struct shape shape = {3, {4, 2, 3}};
    const struct ball *u = ball_new(w, 1, 24, 53);
    struct ball *moment = ball_new(w, 1, 12, PREC);
    bool unique = true;
    for (size_t k = 0; k < 24; k++)
        mpfr_set_d(u->at + k, random_gaussian(state), MPFR_RNDN);
    for (size_t k = 0; k < 12; k++)
        mpfr_set_d(moment->at + k, random_uniform(state), MPFR_RNDN);
    const struct ball *before = ball_copy(w, moment, PREC);
    const struct ball *o = direction(w, &d, shape, u, moment, 1, 0.9, PREC, &unique);
    for (size_t b = 0; b < 4; b++) {
        size_t place[6], of_v[3];
        for (size_t k = 0; k < 6; k++)
            place[k] = 6 * b + k;
        for (size_t k = 0; k < 3; k++)
            of_v[k] = 3 * b + k;
        struct ball *part = ball_gather(w, u, NULL, 1, place, 6), *v = ball_gather(w, before, NULL, 1, of_v, 3);
        part->rows = 2;
        part->cols = 3;
        struct ball *expected = post(w, &d, newton_schulz(w, &d, part, PREC), part, true, v, PREC);
        expected->rows = 1;
        expected->cols = 6;
        ck_assert(same_numbers(ball_gather(w, o, NULL, 1, place, 6), expected));
        ck_assert(same_numbers(ball_gather(w, moment, NULL, 1, of_v, 3), v));
        ck_assert(!same_numbers(ball_gather(w, before, NULL, 1, of_v, 3), v)); /* counter-check */
    }
    ck_assert(unique && !mag_is_inf(o->radius) && !mag_is_inf(moment->radius));
}

START_TEST(every_matrix_has_its_own_moments)
{
    uint64_t state = 4;
    in_work(check_batch, &state);
}
END_TEST

/* Tensors whose kernels, the matrices of the last two dimensions, are snapped where others are iterated: a kernel that is a
 * rotation is not what its part of the iterate is a multiple of. */
struct kernels {
    enum assay_nd nd;
    struct shape shape;
    double u[16];
    size_t strangers; /* entries that are far from the kernel's own direction */
};

/* O = kernel of the iterate times sqrt(min(r, c)) / its norm. */
static void check_kernels(struct work *w, void *pointer)
{
    const struct kernels *c = pointer;
    struct assay_dialect d = *assay_dialect_find("jordan");
    d.snap = true;
    d.nd = c->nd;
    ck_assert(d.layout == ASSAY_LAYOUT_TAIL);
    size_t count = shape_count(c->shape), rows = c->shape.size[c->shape.ndim - 2],
           cols = c->shape.size[c->shape.ndim - 1];
    size_t kernel = rows * cols, strangers = 0;
    const struct ball *u = ball_from_input(w, (assay_input){c->u, 1, count, count});
    struct ball *none = ball_new(w, 1, 0, 2), *iterate = ball_new(w, 1, count, TRUTH);
    bool unique = true;
    const struct ball *o = direction(w, &d, c->shape, u, none, 1, 0, PREC, &unique);
    struct blocks blocks = blocks_of(w, &d, c->shape);
    for (size_t b = 0; b < blocks.count; b++)
        block_put(iterate, &blocks.each[b], newton_schulz(w, &d, block_get(w, u, &blocks.each[b]), TRUTH));
    mpfr_t norm, own, x;
    mpfr_inits2(TRUTH, norm, own, x, (mpfr_ptr)NULL);
    for (size_t k = 0; k < count; k++) {
        mpfr_set_zero(norm, 1);
        mpfr_set_zero(own, 1);
        for (size_t l = k / kernel * kernel; l < (k / kernel + 1) * kernel; l++) {
            mpfr_fma(norm, iterate->at + l, iterate->at + l, norm, MPFR_RNDN);
            mpfr_fma(own, u->at + l, u->at + l, own, MPFR_RNDN);
        }
        mpfr_div_ui(norm, norm, rows < cols ? rows : cols, MPFR_RNDN);
        mpfr_sqrt(norm, norm, MPFR_RNDN);
        mpfr_div(x, iterate->at + k, norm, MPFR_RNDN);
        double along = c->u[k] / sqrt(mpfr_get_d(own, MPFR_RNDN) / (double)(rows < cols ? rows : cols));
        strangers += fabs(mpfr_get_d(x, MPFR_RNDN) - along) > 1e-3;
        mpfr_sub(x, x, o->at + k, MPFR_RNDN);
        mag noise = mag_power_of_two(-TRUTH / 2);
        ck_assert_msg(mag_le(down_abs(x), up_add(o->error[k], noise)), "nd %d, entry %zu", (int)c->nd, k);
        ck_assert(mag_le(o->error[k], mag_power_of_two(-150)));
    }
    ck_assert_msg((strangers > 0) == (c->strangers > 0), "nd %d: %zu", (int)c->nd, strangers);
    mpfr_clears(norm, own, x, (mpfr_ptr)NULL);
}

START_TEST(kernels_of_other_matrices_are_not_iterates)
{
    struct kernels cases[] = {
        {ASSAY_ND_FLATTEN_CONV, {4, {2, 2, 2, 2}}, {3, -4, 4, 3, 1, 0, 0, 1, 1, 2, 3, 4, 0, -2, 2, 0}, 1},
        {ASSAY_ND_POSITIONS, {4, {2, 2, 2, 2}}, {3, -4, 4, 3, 1, 0, 0, 1, 1, 2, 3, 4, 0, -2, 2, 0}, 1},
        {ASSAY_ND_FLATTEN, {4, {1, 1, 2, 2}}, {3, -4, 4, 3}, 0}, /* a row, which keeps its direction */
        {ASSAY_ND_FLATTEN, {3, {2, 2, 4}}, {3, -4, 0, 0, 4, 3, 0, 0, 1, 2, 3, 4, 5, 6, 7, 9}, 1},
        {ASSAY_ND_BATCH, {3, {2, 2, 2}}, {3, -4, 4, 3, 1, 0, 0, 1}, 0}};
    for (size_t k = 0; k < COUNT(cases); k++)
        in_work(check_kernels, &cases[k]);
}
END_TEST

/* ---- other directions ----------------------------------------------------------------------------------------------- */

/* O = m / (1 - beta^t) / (sqrt(v / (1 - beta2^t)) + eps), entry by entry, for members of m's and v's balls. */
static void check_adam(struct work *w, void *pointer)
{
    uint64_t *state = pointer;
    struct assay_dialect d = *assay_dialect_find("adamw");
    const struct shape shape = {1, {5}};
    const double betas[] = {0, 0.9, 1 - 0x1p-53};
    mpfr_t x, y;
    mpfr_inits2(TRUTH, x, y, (mpfr_ptr)NULL);
    for (size_t round = 0; round < 60; round++) {
        size_t t = 1 + random_below(state, round % 2 ? 4 : 1000);
        double beta = betas[random_below(state, COUNT(betas))];
        d.beta2 = betas[random_below(state, COUNT(betas))];
        struct ball *m = ball_new(w, 1, 5, 60), *v = ball_new(w, 1, 5, 60);
        bool unique = true, loose = round % 3 == 0;
        for (size_t k = 0; k < 5; k++) {
            mpfr_set_d(m->at + k, k ? random_gaussian(state) : 0, MPFR_RNDN);
            mpfr_set_d(v->at + k, k > 1 ? random_uniform(state) + 0.1 : 0, MPFR_RNDN);
            m->error[k] = loose ? mag_power_of_two(-30) : MAG_ZERO;
            v->error[k] = loose && k > 1 ? mag_power_of_two(-30) : MAG_ZERO;
        }
        m->radius = v->radius = MAG_INF;
        ball_tighten(m);
        ball_tighten(v);
        const struct ball *o = direction(w, &d, shape, m, v, t, beta, PREC, &unique);
        for (size_t k = 0; k < 5; k++)
            for (int corner = 0; corner < 4; corner++) {
                mpfr_set_d(y, d.beta2, MPFR_RNDN);
                mpfr_pow_ui(y, y, t, MPFR_RNDN);
                mpfr_ui_sub(y, 1, y, MPFR_RNDN);
                mpfr_add_d(x, v->at + k, loose && k > 1 ? (corner & 1 ? 0x1p-30 : -0x1p-30) : 0, MPFR_RNDN);
                mpfr_div(y, x, y, MPFR_RNDN);
                mpfr_sqrt(y, y, MPFR_RNDN);
                mpfr_add_d(y, y, 1e-8, MPFR_RNDN);
                mpfr_add_d(x, m->at + k, loose ? (corner & 2 ? 0x1p-30 : -0x1p-30) : 0, MPFR_RNDN);
                mpfr_div(y, x, y, MPFR_RNDN);
                mpfr_set_d(x, beta, MPFR_RNDN);
                mpfr_pow_ui(x, x, t, MPFR_RNDN);
                mpfr_ui_sub(x, 1, x, MPFR_RNDN);
                mpfr_div(y, y, x, MPFR_RNDN);
                mpfr_sub(x, y, o->at + k, MPFR_RNDN);
                mag distance = down_abs(x), noise = mag_scale(up_abs(y), -1000);
                ck_assert_msg(mag_le(distance, up_add(o->error[k], noise)), "t = %zu, entry %zu", t, k);
                ck_assert(loose || mag_le(o->error[k], mag_scale(up_abs(y), 80 - PREC)));
            }
        ck_assert(unique && mag_is_zero(v->error[0]));
    }
    mpfr_clears(x, y, (mpfr_ptr)NULL);
}

/* Without eps a v of 0 is divided by; a v that may be 0 is not known to be. */
static void adam_of_zero(struct work *w, void *pointer)
{
    const double *v = pointer; /* and its error */
    struct assay_dialect d = *assay_dialect_find("adamw");
    d.adam_eps = 0;
    struct ball *moment = ball_new(w, 1, 2, 53);
    mpfr_set_ui(moment->at, 1, MPFR_RNDN);
    mpfr_set_d(moment->at + 1, v[0], MPFR_RNDN);
    moment->error[1] = moment->radius = up_abs(ball_from_double(w, v[1])->at);
    bool unique = true;
    const struct ball *o = direction(w, &d, (struct shape){1, {2}}, moment, moment, 1, 0.9, PREC, &unique);
    ck_assert(mag_is_inf(o->radius) == (v[0] <= v[1]));
}

START_TEST(adam_is_its_formula)
{
    uint64_t state = 5;
    double zero[] = {0, 0}, about[] = {0, 0x1p-100}, positive[] = {0x1p-90, 0x1p-100};
    in_work(check_adam, &state);
    ck_assert(strstr(fails_in_work(ASSAY_UNDEFINED, adam_of_zero, zero), "entry 1"));
    in_work(adam_of_zero, about);
    in_work(adam_of_zero, positive);
}
END_TEST

struct lmo_case {
    enum assay_norm norm;
    struct shape shape;
    double u[24];
    bool unique;
};

/* O of each matrix is what lmo.h has; *unique is cleared where one of them has a choice, and never set. */
static void check_lmo(struct work *w, void *pointer)
{
    const struct lmo_case *c = pointer;
    struct assay_dialect d = *assay_dialect_find("trust-region");
    d.norm = c->norm;
    d.nd = ASSAY_ND_BATCH;
    size_t count = shape_count(c->shape);
    const struct ball *u = ball_from_input(w, (assay_input){c->u, 1, count, count});
    struct ball *none = ball_new(w, 1, 0, 2);
    struct blocks blocks = blocks_of(w, &d, c->shape);
    bool unique = true, before = false;
    const struct ball *o = direction(w, &d, c->shape, u, none, 1, 0, PREC, &unique);
    ck_assert(unique == c->unique);
    direction(w, &d, c->shape, u, none, 1, 0, PREC, &before);
    ck_assert(!before);
    for (size_t b = 0; b < blocks.count; b++) {
        struct lmo_problem *problem = lmo_problem_new(w, block_get(w, u, &blocks.each[b]), c->norm);
        const struct ball *expected = lmo_evaluate(w, problem, PREC).o, *got = block_get(w, o, &blocks.each[b]);
        for (size_t k = 0; k < ball_count(got); k++) {
            mpfr_t distance;
            mpfr_init2(distance, TRUTH);
            mpfr_sub(distance, got->at + k, expected->at + k, MPFR_RNDN);
            ck_assert(mag_le(down_abs(distance), up_add(got->error[k], expected->error[k])));
            ck_assert(mag_le(got->error[k], mag_power_of_two(-100)));
            mpfr_clear(distance);
        }
    }
}

static void minimise_ball(struct work *w, void *pointer)
{
    const struct assay_dialect *d = pointer;
    struct ball *u = ball_identity(w, 2, 53), *none = ball_new(w, 1, 0, 2);
    u->rows = 1;
    u->cols = 4;
    ball_widen_all(u, mag_power_of_two(-500));
    bool unique = true;
    direction(w, d, (struct shape){2, {2, 2}}, u, none, 1, 0, PREC, &unique);
}

START_TEST(minimisers_are_those_of_the_matrices)
{
    struct lmo_case cases[] = {{ASSAY_NORM_MAX, {2, {2, 2}}, {1, -2, 3, -4}, true},
                               {ASSAY_NORM_MAX, {2, {2, 2}}, {1, -2, 0, -4}, false},
                               {ASSAY_NORM_FROBENIUS, {1, {3}}, {1, 2, -2}, true},
                               {ASSAY_NORM_SPECTRAL, {2, {2, 3}}, {1, 2, 3, 4, 5, 7}, true},
                               {ASSAY_NORM_SPECTRAL, {3, {2, 2, 2}}, {1, 2, 3, 4, 5, 6, 7, 9}, true},
                               {ASSAY_NORM_SPECTRAL, {3, {2, 2, 2}}, {1, 2, 3, 4, 1, 2, 2, 4}, false},
                               {ASSAY_NORM_SPECTRAL, {3, {2, 2, 2}}, {1, 2, 2, 4, 1, 2, 3, 4}, false}};
    for (size_t k = 0; k < COUNT(cases); k++)
        in_work(check_lmo, &cases[k]);
    struct assay_dialect d = *assay_dialect_find("trust-region");
    ck_assert(strstr(fails_in_work(ASSAY_INVALID, minimise_ball, &d), "'trust-region'"));
}
END_TEST

/* ASSAY_DIRECTION_IDENTITY: O = u, with what is known of it. */
static void check_identity(struct work *w, void *pointer)
{
    const struct assay_dialect *d = pointer;
    const double at[] = {1, 2, 3};
    struct ball *u = ball_copy(w, ball_from_input(w, (assay_input){at, 1, 3, 3}), 60), *none = ball_new(w, 1, 0, 2);
    u->error[1] = u->radius = mag_power_of_two(-10);
    bool unique = true;
    const struct ball *o = direction(w, d, (struct shape){1, {3}}, u, none, 1, 0, PREC, &unique);
    ck_assert(same_numbers(o, u) && unique);
}

START_TEST(the_identity_changes_nothing)
{
    struct assay_dialect d = *assay_dialect_find("sgdm");
    in_work(check_identity, &d);
}
END_TEST

RUN_TESTS("direction", TEST(tensors_are_iterated_matrix_by_matrix), TEST(answers_are_correctly_rounded),
          TEST(arguments_are_checked), TEST(moments_are_counted), TEST(every_matrix_has_its_own_moments),
          TEST(kernels_of_other_matrices_are_not_iterates), TEST(adam_is_its_formula),
          TEST(minimisers_are_those_of_the_matrices), TEST(the_identity_changes_nothing))
