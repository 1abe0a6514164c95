#include "post.h"

#include "newton_schulz.h"
#include "unit_vector.h"

static bool by_rows(const struct assay_dialect *d, size_t rows, size_t cols)
{
    return d->post == ASSAY_POST_NORMUON_ROWS || rows >= cols;
}

size_t post_moment_count(const struct assay_dialect *d, size_t rows, size_t cols)
{
    switch (d->post) {
    case ASSAY_POST_NORMUON_ROWS:
    case ASSAY_POST_NORMUON_ASPECT:
        return by_rows(d, rows, cols) ? rows : cols;
    case ASSAY_POST_ADAMUON:
        return rows * cols;
    default:
        return 0;
    }
}

static struct ball *scalar(struct work *w, mpfr_prec_t prec)
{
    return ball_new(w, 1, 1, prec);
}

/* o *= top / (norm of o + eps), or / max(norm of o, eps) */
static void rescale(struct work *w, struct ball *o, const struct ball *top, double eps, bool add)
{
    struct ball *norm = scalar(w, o->prec), *floor = ball_from_double(w, eps);
    ball_norm(w, norm, o);
    if (add)
        ball_add(norm, norm, floor);
    else
        ball_max(norm, norm, floor);
    ball_div(norm, top, norm);
    ball_mul(o, norm, o);
}

/* v = beta2 v + (1 - beta2) q, for one entry of v. */
static void average(struct work *w, struct ball *v, size_t k, double beta2, const struct ball *q)
{
    const struct ball *decay = ball_from_double(w, beta2), *one = ball_from_integer(w, 1);
    const struct ball *fresh = ball_exact_axpy(w, ball_from_double(w, -beta2), one, one);
    struct ball *old = ball_gather(w, v, NULL, 1, &k, 1), *new = scalar(w, v->prec), *sum = scalar(w, v->prec);
    ball_mul(sum, decay, old);
    ball_mul(new, fresh, q);
    ball_add(sum, sum, new);
    ball_scatter(v, NULL, &k, sum);
    v->radius = up_add(v->radius, sum->radius);
}

/* sqrt(v_k) + 1e-10, or sqrt(max(v_k, 1e-10)) */
static struct ball *root(struct work *w, const struct ball *v, size_t k, bool add)
{
    struct ball *r = ball_copy(w, ball_gather(w, v, NULL, 1, &k, 1), v->prec), *eps = ball_from_double(w, 1e-10);
    if (!add)
        ball_max(r, r, eps);
    ball_sqrt(r, r);
    if (add)
        ball_add(r, r, eps);
    return r;
}

/* mean(O_ij^2) over one vector of O. Where O is sqrt(min(r, c)) u / ||u||_F, it is a quotient of exact numbers, which an
 * enclosure of O could not tell. */
static void mean_square(struct work *w, struct ball *mean, const struct ball *vector, const struct ball *u, long side)
{
    if (!u) {
        ball_norm_sqr(w, mean, vector);
    } else {
        struct ball *total = ball_new(w, 1, 1, 2 * mean->prec), *part = ball_new(w, 1, 1, 2 * mean->prec);
        ball_norm_sqr(w, part, vector); /* of u */
        ball_norm_sqr(w, total, u);
        ball_mul(part, ball_from_integer(w, side), part);
        ball_div(mean, part, total);
    }
    ball_div(mean, mean, ball_from_integer(w, (long)ball_count(vector)));
}

/* Whether all vectors of u that are not zero have one and the same v: because there is but one, or because all v are known
 * exactly; and one not so large (2^66 < 1e20) that the norm n0 >= 1 over its root is below 1e-10. */
static bool one_moment(const struct ball *u, const struct ball *v, bool rows)
{
    size_t count = 0, first = 0;
    bool same = true, small = true;
    for (size_t k = 0; k < v->cols; k++) {
        bool zero = true;
        for (size_t l = 0; l < (rows ? u->cols : u->rows); l++)
            zero = zero && mpfr_zero_p(rows ? ball_at(u, k, l) : ball_at(u, l, k));
        if (zero)
            continue;
        first = count++ == 0 ? k : first;
        same = same && mag_is_zero(v->error[k]) && mpfr_equal_p(v->at + k, v->at + first);
        small = small && mag_le(up_add(up_abs(v->at + k), v->error[k]), mag_power_of_two(66));
    }
    return small && (count == 1 || same);
}

/* What snapping shows of O. */
struct snapped {
    const struct ball *along; /* x where O = sqrt(min(r, c)) x / ||x||_F with a known x; else NULL */
    bool even;                /* O has two rows of one length, and norm sqrt(min(r, c)) */
};

static void normuon(struct work *w, const struct assay_dialect *d, struct ball *o, struct ball *v,
                    const struct snapped *snapped)
{
    const struct ball *along = snapped->along;
    bool rows = by_rows(d, o->rows, o->cols), add = d->post == ASSAY_POST_NORMUON_ROWS;
    long side = (long)(o->rows < o->cols ? o->rows : o->cols);
    struct ball *before = scalar(w, o->prec), *mean = scalar(w, o->prec);
    ball_norm(w, before, o);
    for (size_t k = 0; k < v->cols; k++) {
        const size_t *row = rows ? &k : NULL, *col = rows ? NULL : &k;
        if (rows && snapped->even)
            ball_div(mean, ball_from_integer(w, side), ball_from_integer(w, (long)ball_count(o)));
        else
            mean_square(w, mean, ball_gather(w, along ? along : o, row, rows ? 1 : o->rows, col, rows ? o->cols : 1),
                        along, side);
        average(w, v, k, d->beta2, mean);
    }
    ball_tighten(v);
    if ((along || (rows && snapped->even)) && !add && one_moment(along ? along : o, v, rows))
        return; /* divided by one number, and brought back */
    for (size_t k = 0; k < v->cols; k++) {
        const size_t *row = rows ? &k : NULL, *col = rows ? NULL : &k;
        struct ball *vector = ball_gather(w, o, row, rows ? 1 : o->rows, col, rows ? o->cols : 1);
        ball_div(vector, vector, root(w, v, k, add));
        ball_scatter(o, row, col, vector);
    }
    o->radius = MAG_INF;
    ball_tighten(o);
    rescale(w, o, before, 1e-10, add);
}

static void adamuon(struct work *w, const struct assay_dialect *d, struct ball *o, struct ball *v)
{
    struct ball *square = scalar(w, o->prec), *size = scalar(w, o->prec);
    for (size_t k = 0; k < ball_count(o); k++) {
        size_t i = k / o->cols, j = k % o->cols;
        struct ball *entry = ball_gather(w, o, &i, 1, &j, 1), *divisor;
        ball_mul(square, entry, entry);
        average(w, v, k, d->beta2, square);
        divisor = ball_copy(w, ball_gather(w, v, NULL, 1, &k, 1), v->prec);
        ball_sqrt(divisor, divisor);
        ball_add(divisor, divisor, ball_from_double(w, 1e-7));
        ball_div(entry, entry, divisor);
        ball_scatter(o, &i, &j, entry);
    }
    o->radius = MAG_INF;
    ball_tighten(o);
    ball_tighten(v);
    ball_sqrt(size, ball_from_integer(w, (long)ball_count(o)));
    rescale(w, o, size, 1e-7, true);
}

/* The sign of O's multiple of x, by an entry of x that is largest; 0 if O leaves it open. */
static int sign_along(const struct ball *o, const struct ball *x)
{
    size_t largest = 0;
    for (size_t k = 1; k < ball_count(x); k++)
        largest = mpfr_cmpabs(x->at + k, x->at + largest) > 0 ? k : largest;
    bool open = mag_le(up_abs(o->at + largest), o->error[largest]);
    bool same = mpfr_signbit(o->at + largest) == mpfr_signbit(x->at + largest);
    return open ? 0 : same ? 1 : -1;
}

/* O *= sqrt(min(r, c)) / max(||O||_F, 1e-6). If O is a multiple of a known matrix this is a multiple that does not depend
 * on O, and may be rational: then it is found exactly. */
static struct snapped snap(struct work *w, const struct assay_dialect *d, struct ball *o, const struct ball *u,
                           bool own)
{
    long side = (long)(o->rows < o->cols ? o->rows : o->cols);
    struct ball *factor = scalar(w, o->prec), *norm = scalar(w, o->prec), *floor = ball_from_double(w, 1e-6);
    ball_norm(w, norm, o);
    bool above = own && mag_le(ball_norm_up(floor), ball_abs_down(norm));
    struct snapped snapped = {above ? newton_schulz_direction(w, d, u) : NULL,
                              above && newton_schulz_rows_are_even(w, d, u)};
    int sign = snapped.along ? sign_along(o, snapped.along) : 0;
    if (sign == 0) {
        ball_sqrt(factor, ball_from_integer(w, side));
        rescale(w, o, factor, 1e-6, false);
        snapped.along = NULL;
    } else {
        unit_vector(w, o, norm, NULL, side, 1, snapped.along);
        ball_mul(o, ball_from_integer(w, sign), o);
    }
    return snapped;
}

struct ball *post(struct work *w, const struct assay_dialect *d, const struct ball *o, const struct ball *u, bool own,
                  struct ball *v, mpfr_prec_t prec)
{
    struct ball *x = ball_copy(w, o, prec);
    struct work_block *mark = work_mark(w);
    struct ball *factor = scalar(w, prec);
    struct snapped snapped = d->snap ? snap(w, d, x, u, own) : (struct snapped){0};
    switch (d->post) {
    case ASSAY_POST_NORMUON_ROWS:
    case ASSAY_POST_NORMUON_ASPECT:
        normuon(w, d, x, v, &snapped);
        break;
    case ASSAY_POST_ADAMUON:
        adamuon(w, d, x, v);
        break;
    case ASSAY_POST_DUAL_NORM:
        ball_dot(w, factor, u, x);
        ball_mul(x, factor, x);
        break;
    case ASSAY_POST_GRAFT:
        ball_norm(w, factor, u);
        rescale(w, x, factor, 1e-6, false);
        break;
    default:
        break;
    }
    work_release(w, mark);
    return x;
}
