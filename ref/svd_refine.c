#include "svd_refine.h"

#include "product.h"

#include <lapacke.h>
#include <limits.h>
#include <math.h>

/* The refinement works on V alone. With R = I - V^T V, G = (A V)^T (A V) and l_i = G_ii / (1 - R_ii), the update
 * V (I + E), E_ij = (G_ij + l_j R_ij) / (l_j - l_i) and E_ii = R_ii / 2, converges quadratically (Ogita & Aishima,
 * Iterative refinement for symmetric eigenvalue decomposition, Japan J. Indust. Appl. Math. 35, 2018). Where l_i and
 * l_j are too close for that, i and j are put into one cluster, and the eigenvectors of the cluster's part of G, less
 * its mean eigenvalue, are computed in double precision and multiplied to V. The start V = I, where all columns are
 * one cluster, needs no other treatment; nor do singular values below the reach of double precision, which are a
 * cluster of their own until precision has grown to see them apart. */

/* SEED_BITS are what double precision gives; LOSS is how far an update may fall short of doubling the digits. */
enum { MOST_ROUNDS = 400, GUARD = 64, SEED_BITS = 44, LOSS = 8 };

/* A V as exact numbers, column j scaled by 2^-exponent[j] to a norm between 1/2 and sqrt(m). */
struct image {
    struct ball *b;
    long *exponent;
    bool vanished; /* some column is zero: its singular value is beyond the precision */
    mag error;     /* ||b - A V||_F, unscaled */
};

/* What V shows of itself. */
struct evaluation {
    struct image image;
    struct ball *gram; /* b^T b */
    struct ball *rest; /* I - V^T V */
    mag cosine;        /* the largest |b_i b_j| / (|b_i| |b_j|), i != j */
    mag defect;        /* the largest |rest_ij| */
    mag doubt;         /* how far rounding may have changed these: beyond that they tell nothing, even if they are 0 */
    long depth;        /* log2 of the quotient of the largest and the least column norm, about */
};

/* Finds the exponents of the columns' largest entries. A column that vanishes is given the exponent at which the
 * precision ends, so that the depth tells how much is missing. */
static void find_exponents(struct work *w, struct image *image)
{
    const struct ball *b = image->b;
    long most = LONG_MIN;
    image->exponent = work_alloc(w, b->cols, sizeof *image->exponent);
    for (size_t j = 0; j < b->cols; j++) {
        long top = LONG_MIN;
        for (size_t i = 0; i < b->rows; i++)
            if (!mpfr_zero_p(ball_at(b, i, j)) && mpfr_get_exp(ball_at(b, i, j)) > top)
                top = mpfr_get_exp(ball_at(b, i, j));
        image->exponent[j] = top;
        image->vanished = image->vanished || top == LONG_MIN;
        most = top > most ? top : most;
    }
    for (size_t j = 0; j < b->cols; j++)
        if (image->exponent[j] == LONG_MIN)
            image->exponent[j] = most - b->prec;
}

static void scale_columns(struct ball *b, const long *exponent)
{
    for (size_t i = 0; i < b->rows; i++)
        for (size_t j = 0; j < b->cols; j++)
            mpfr_mul_2si(ball_at(b, i, j), ball_at(b, i, j), -exponent[j], MPFR_RNDN);
}

static mag largest_off_diagonal(const struct ball *a)
{
    mag largest = MAG_ZERO;
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = 0; j < a->cols; j++)
            if (i != j)
                largest = mag_max(largest, up_abs(ball_at(a, i, j)));
    return largest;
}

static struct image multiply_by(struct work *w, const struct ball *a, const struct ball *v, mpfr_prec_t prec)
{
    struct image image = {.b = ball_new(w, a->rows, v->cols, prec)};
    product(w, image.b, a, v, prec);
    image.error = image.b->radius;
    ball_make_exact(image.b);
    find_exponents(w, &image);
    scale_columns(image.b, image.exponent);
    return image;
}

static struct evaluation evaluate(struct work *w, const struct ball *a, const struct ball *v, mpfr_prec_t prec)
{
    size_t n = v->cols;
    struct evaluation e = {.image = multiply_by(w, a, v, prec),
                           .gram = ball_new(w, n, n, prec),
                           .rest = ball_new(w, n, n, prec),
                           .defect = MAG_ZERO};
    product_tn(w, e.gram, e.image.b, e.image.b, prec);
    product_tn(w, e.rest, v, v, prec);
    ball_sub(e.rest, ball_identity(w, n, 2), e.rest);
    e.cosine = mag_scale(largest_off_diagonal(e.gram), 2); /* scaled norms are at least 1/2 */
    for (size_t k = 0; k < n * n; k++)
        e.defect = mag_max(e.defect, up_abs(e.rest->at + k));
    long most = e.image.exponent[0], least = most;
    for (size_t j = 0; j < n; j++) {
        most = e.image.exponent[j] > most ? e.image.exponent[j] : most;
        least = e.image.exponent[j] < least ? e.image.exponent[j] : least;
    }
    e.depth = most - least + 1;
    e.doubt = mag_scale(up_add(e.gram->radius, mag_scale(e.image.error, 1 - least)), 2);
    e.doubt = up_add(e.doubt, e.rest->radius);
    return e;
}

/* ---- one update of V ---------------------------------------------------------------------------------------- */

enum relation { APART, TOGETHER, UNTOLD };

struct update {
    const struct evaluation *e;
    struct ball *lambda;     /* n: l_i, unscaled */
    unsigned char *relation; /* n x n, i < j: an enum relation */
    size_t *cluster;         /* the number of each column's cluster */
    bool clustered;
};

/* x = G_ij, unscaled */
static void gram_entry(mpfr_ptr x, const struct evaluation *e, size_t i, size_t j)
{
    mpfr_mul_2si(x, ball_at(e->gram, i, j), e->image.exponent[i] + e->image.exponent[j], MPFR_RNDN);
}

/* x = (i, j) of G + (l R + R l) / 2: G as it will be once V is orthonormal. */
static void orthonormal_gram_entry(mpfr_ptr x, const struct update *u, size_t i, size_t j, mpfr_ptr mean)
{
    gram_entry(x, u->e, i, j);
    mpfr_add(mean, u->lambda->at + i, u->lambda->at + j, MPFR_RNDN);
    mpfr_div_2ui(mean, mean, 1, MPFR_RNDN);
    mpfr_fma(x, mean, ball_at(u->e->rest, i, j), x, MPFR_RNDN);
}

/* Whether the numerator of E_ij, here bounded, is well below |l_j - l_i|. If not, i and j belong together; unless
 * G_ij is so small (relative to |b_i| |b_j|, at most `noise`) that it is good enough, or may be a rounding error or a
 * second-order effect of what this update corrects: then nothing can be told yet. Nor can it where l_i and l_j are
 * close: the quotient of what G_ij and l_j - l_i happen to be would turn V for nothing, and far. Nor where only R_ij is
 * too large for the gap: making V orthonormal comes first, which turning a cluster would undo. */
static enum relation relate(const struct update *u, size_t i, size_t j, mag noise, mpfr_ptr x, mpfr_ptr y)
{
    const struct evaluation *e = u->e;
    long exponent = e->image.exponent[i] + e->image.exponent[j];
    mag largest = mag_max(up_abs(u->lambda->at + i), up_abs(u->lambda->at + j));
    mag size =
        up_add(mag_scale(up_abs(ball_at(e->gram, i, j)), exponent), up_mul(largest, up_abs(ball_at(e->rest, i, j))));
    mpfr_sub(x, u->lambda->at + i, u->lambda->at + j, MPFR_RNDN);
    mag gap = down_abs(x);
    orthonormal_gram_entry(x, u, i, j, y);
    bool small = mag_le(up_abs(x), mag_scale(noise, exponent)), close = mag_le(gap, mag_scale(largest, -10));
    if (!(small && close) && mag_le(mag_scale(size, 6), gap))
        return APART;
    return small || mag_le(mag_scale(up_abs(x), 6), gap) ? UNTOLD : TOGETHER;
}

static void join(struct update *u, size_t n, size_t i, size_t j)
{
    size_t old = u->cluster[j], new = u->cluster[i];
    for (size_t k = 0; k < n; k++)
        u->cluster[k] = u->cluster[k] == old ? new : u->cluster[k];
    u->clustered = true;
}

static struct update plan(struct work *w, const struct evaluation *e, long target)
{
    size_t n = e->gram->cols;
    struct update u = {.e = e,
                       .lambda = ball_new(w, 1, n, e->gram->prec),
                       .relation = work_alloc(w, n * n, 1),
                       .cluster = work_alloc(w, n, sizeof(size_t))};
    struct ball *t = ball_new(w, 1, 2, e->gram->prec);
    for (size_t i = 0; i < n; i++) { /* l_i = G_ii / (1 - R_ii) */
        gram_entry(t->at, e, i, i);
        mpfr_ui_sub(t->at + 1, 1, ball_at(e->rest, i, i), MPFR_RNDN);
        mpfr_div(u.lambda->at + i, t->at, t->at + 1, MPFR_RNDN);
    }
    mag error = mag_max(e->cosine, e->defect), noise = up_add(e->doubt, mag_power_of_two(-target));
    if (mag_le(error, mag_power_of_two(-20)))
        noise = up_add(noise, mag_scale(up_mul(up_sqr(error), mag_from_integer((uint32_t)(e->image.b->rows * n))), 4));
    for (size_t i = 0; i < n; i++)
        u.cluster[i] = i;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++) {
            enum relation relation = relate(&u, i, j, noise, t->at, t->at + 1);
            u.relation[i * n + j] = (unsigned char)relation;
            if (relation == TOGETHER && u.cluster[i] != u.cluster[j])
                join(&u, n, i, j);
        }
    return u;
}

/* E of the update V (I + E). */
static struct ball *correction(struct work *w, const struct update *u)
{
    size_t n = u->lambda->cols;
    struct ball *c = ball_new(w, n, n, u->lambda->prec), *t = ball_new(w, 1, 2, u->lambda->prec);
    mpfr_ptr g = t->at, gap = t->at + 1;
    for (size_t i = 0; i < n; i++) {
        mpfr_div_2ui(ball_at(c, i, i), ball_at(u->e->rest, i, i), 1, MPFR_RNDN);
        for (size_t j = i + 1; j < n; j++) {
            mpfr_ptr above = ball_at(c, i, j), below = ball_at(c, j, i);
            mpfr_srcptr rest = ball_at(u->e->rest, i, j);
            if (u->relation[i * n + j] != APART || u->cluster[i] == u->cluster[j]) {
                mpfr_div_2ui(above, rest, 1, MPFR_RNDN);
                mpfr_set(below, above, MPFR_RNDN);
                continue;
            }
            gram_entry(g, u->e, i, j);
            mpfr_sub(gap, u->lambda->at + j, u->lambda->at + i, MPFR_RNDN);
            mpfr_ui_div(gap, 1, gap, MPFR_RNDN);
            mpfr_fma(above, u->lambda->at + j, rest, g, MPFR_RNDN);
            mpfr_mul(above, above, gap, MPFR_RNDN);
            mpfr_sub(below, rest, above, MPFR_RNDN); /* E + E^T = R */
        }
    }
    return c;
}

/* The part of G + (l R + R l) / 2 that belongs to the k columns `of` a cluster, less the mean of its diagonal, scaled
 * to at most 1, in double precision. */
static void cluster_gram(struct work *w, const struct update *u, const size_t *of, size_t k, double *out)
{
    struct work_block *mark = work_mark(w);
    mpfr_prec_t prec = u->lambda->prec;
    struct ball *part = ball_new(w, k, k, prec), *mean = ball_new(w, 1, 2, prec);
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < k; j++) {
            orthonormal_gram_entry(ball_at(part, i, j), u, of[i], of[j], mean->at + 1);
            if (i == j)
                mpfr_add(mean->at, mean->at, ball_at(part, i, i), MPFR_RNDN);
        }
    mpfr_div_ui(mean->at, mean->at, k, MPFR_RNDN);
    long top = LONG_MIN;
    for (size_t i = 0; i < k; i++)
        mpfr_sub(ball_at(part, i, i), ball_at(part, i, i), mean->at, MPFR_RNDN);
    for (size_t l = 0; l < k * k; l++)
        if (!mpfr_zero_p(part->at + l) && mpfr_get_exp(part->at + l) > top)
            top = mpfr_get_exp(part->at + l);
    for (size_t l = 0; l < k * k; l++) {
        mpfr_mul_2si(part->at + l, part->at + l, -top, MPFR_RNDN);
        out[l] = mpfr_get_d(part->at + l, MPFR_RNDN);
    }
    work_release(w, mark);
}

/* The orthogonal matrix that is made of the eigenvectors of each cluster's part of G. */
static struct ball *rotation(struct work *w, const struct update *u)
{
    size_t n = u->lambda->cols;
    struct ball *c = ball_identity(w, n, 53);
    struct work_block *mark = work_mark(w);
    size_t *of = work_alloc(w, n, sizeof *of);
    double *vectors = work_scratch(w, n * n, sizeof *vectors), *values = work_scratch(w, n, sizeof *values);
    for (size_t first = 0; first < n; first++) {
        size_t k = 0;
        for (size_t j = 0; j < n; j++)
            if (u->cluster[j] == first)
                of[k++] = j;
        if (k < 2)
            continue;
        cluster_gram(w, u, of, k, vectors);
        if (LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'U', (lapack_int)k, vectors, (lapack_int)k, values) != 0)
            continue; /* no harm done: the rounds are counted */
        for (size_t i = 0; i < k; i++)
            for (size_t j = 0; j < k; j++)
                mpfr_set_d(ball_at(c, of[i], of[j]), vectors[j * k + i], MPFR_RNDN);
    }
    work_release(w, mark);
    return c;
}

/* How many bits an error leaves, 0 to `most`. */
static long digits(mag error, long most)
{
    long bits = mag_is_zero(error) ? most : mag_is_inf(error) ? 0 : (long)-mag_log2(error);
    return bits < 0 ? 0 : bits < most ? bits : most;
}

/* The next V, at precision `prec`. *moved is ||E||_F, and infinite if clusters were turned by matrices of double
 * precision. */
static struct ball *improve(struct work *w, const struct evaluation *e, const struct ball *v, long target,
                            mpfr_prec_t prec, mag *moved)
{
    size_t n = v->cols;
    struct ball *next = ball_new(w, n, n, prec);
    struct work_block *mark = work_mark(w);
    struct update u = plan(w, e, target);
    struct ball *step = ball_new(w, n, n, prec), *c = correction(w, &u);
    mag size = ball_midpoint_norm_up(c); /* the smaller the step, the fewer of its bits count */
    product(w, step, v, c, GUARD + prec - digits(size, prec));
    ball_add(step, step, v);
    *moved = u.clustered ? MAG_INF : size;
    if (u.clustered)
        product(w, next, step, rotation(w, &u), prec);
    else
        ball_set(next, step);
    ball_make_exact(next);
    work_release(w, mark);
    return next;
}

/* ---- the result ---------------------------------------------------------------------------------------------- */

static size_t *descending(struct work *w, const struct ball *values)
{
    size_t *order = work_alloc(w, values->cols, sizeof *order);
    for (size_t i = 0; i < values->cols; i++) {
        size_t k = i;
        for (; k > 0 && mpfr_greater_p(values->at + i, values->at + order[k - 1]); k--)
            order[k] = order[k - 1];
        order[k] = i;
    }
    return order;
}

static struct svd *svd_new(struct work *w, size_t m, size_t n, mpfr_prec_t prec, long depth)
{
    struct svd *svd = work_alloc(w, 1, sizeof *svd);
    *svd = (struct svd){.u = ball_new(w, m, n, prec),
                        .s = ball_new(w, 1, n, prec),
                        .v = ball_new(w, n, n, prec),
                        .depth = depth,
                        .prec = prec};
    return svd;
}

/* s_j = |A v_j|, u_j = A v_j / s_j */
static void finish(struct work *w, struct svd *svd, const struct ball *a, const struct ball *v)
{
    struct work_block *mark = work_mark(w);
    size_t m = a->rows, n = v->cols;
    struct image image = multiply_by(w, a, v, svd->prec);
    struct ball *norm = ball_new(w, 1, n, svd->prec);
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < m; i++)
            mpfr_fma(norm->at + j, ball_at(image.b, i, j), ball_at(image.b, i, j), norm->at + j, MPFR_RNDN);
        mpfr_sqrt(norm->at + j, norm->at + j, MPFR_RNDN);
        for (size_t i = 0; i < m; i++)
            mpfr_div(ball_at(image.b, i, j), ball_at(image.b, i, j), norm->at + j, MPFR_RNDN);
        mpfr_mul_2si(norm->at + j, norm->at + j, image.exponent[j], MPFR_RNDN);
    }
    const size_t *order = descending(w, norm);
    for (size_t j = 0; j < n; j++) {
        mpfr_set(svd->s->at + j, norm->at + order[j], MPFR_RNDN);
        for (size_t i = 0; i < m; i++)
            mpfr_set(ball_at(svd->u, i, j), ball_at(image.b, i, order[j]), MPFR_RNDN);
        for (size_t i = 0; i < n; i++)
            mpfr_set(ball_at(svd->v, i, j), ball_at(v, i, order[j]), MPFR_RNDN);
    }
    work_release(w, mark);
}

/* log2 of ||a|| over what is not known of it: a smaller part of the midpoints means nothing. */
static long known_depth(const struct ball *a)
{
    return mag_is_zero(a->radius)  ? LONG_MAX
           : mag_is_inf(a->radius) ? 0
                                   : mag_log2(ball_norm_up(a)) - mag_log2(a->radius);
}

struct svd *svd_approximate(struct work *w, const struct ball *a, long bits, int lift)
{
    struct ball *middle = ball_copy(w, a, a->prec);
    ball_make_exact(middle);
    struct work_block *mark = work_mark(w);
    struct ball *v = ball_identity(w, a->cols, 2);
    mpfr_prec_t prec = 2 * GUARD;
    for (int round = 0; round < MOST_ROUNDS; round++) {
        struct evaluation e = evaluate(w, middle, v, prec);
        if (e.depth > known_depth(a))
            return NULL;
        /* V gives B = A V to an absolute 2^-prec, so small singular values take `depth` bits more; a defect of V counts
         * 2^(depth / 2) times in the cosines. */
        long depth = e.depth, target = bits + lift * depth, extra = depth + (lift ? depth : depth / 2) + GUARD;
        /* An update takes errors to their squares, down to what rounding leaves open. */
        mag error = mag_max(e.cosine, mag_scale(e.defect, depth / 2)), moved;
        long reached = e.image.vanished ? 0 : digits(error, target), known = digits(e.doubt, target + LOSS);
        work_progress(w, "refining singular vectors", fmin((double)reached / (double)target, 1));
        /* To double the digits of V, or those of double precision, once more takes an evaluation of twice as many. */
        long next = 2 * reached < known ? 2 * reached : known;
        next = next < SEED_BITS ? SEED_BITS : next < target ? next : target;
        prec = 2 * next < target ? 2 * next + extra : target + extra;
        v = work_keep(w, mark, improve(w, &e, v, target, next + extra, &moved));
        long gained = 2 * digits(mag_max(error, moved), target);
        if (known >= target + LOSS && gained >= target + LOSS) {
            struct svd *svd = svd_new(w, a->rows, a->cols, prec, depth);
            finish(w, svd, middle, v);
            return svd;
        }
    }
    work_fail(w, ASSAY_UNDECIDED, "the singular value decomposition did not converge in %d rounds", MOST_ROUNDS);
}

/* ---- the proof ----------------------------------------------------------------------------------------------- */

/* A bound on ||E||_F for D^-1 B^T B D^-1 = I + E. */
static mag cosines_norm(struct work *w, const struct evaluation *e)
{
    size_t n = e->gram->cols;
    mag squares = MAG_ZERO, *norm = work_alloc(w, n, sizeof *norm);
    for (size_t j = 0; j < n; j++)
        norm[j] = down_sub(down_abs(ball_at(e->gram, j, j)), e->gram->radius); /* squared */
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            if (i != j) {
                mag g = up_add(up_abs(ball_at(e->gram, i, j)), e->gram->radius);
                squares = up_add(squares, up_div(up_sqr(g), down_mul(norm[i], norm[j])));
            }
    return up_sqrt(squares);
}

struct ball **svd_enclose(struct work *w, const struct ball *a, const struct svd *svd)
{
    size_t n = svd->v->cols;
    struct ball **s = work_alloc(w, n, sizeof *s);
    for (size_t j = 0; j < n; j++)
        s[j] = ball_new(w, 1, 1, svd->prec);
    struct work_block *mark = work_mark(w);
    struct evaluation e = evaluate(w, a, svd->v, svd->prec);
    mag cosines = cosines_norm(w, &e), defect = ball_norm_up(e.rest), quarter = mag_power_of_two(-2);
    mag absolute = mag_scale(e.image.error, 1); /* d / sqrt(1 - f) <= 2 d */
    /* sqrt((1 + e) / (1 - f)) <= 1 + e + f and sqrt((1 - e) / (1 + f)) >= 1 - e - f for e, f <= 1/4 */
    mag relative = mag_le(cosines, quarter) && mag_le(defect, quarter) ? up_add(cosines, defect) : MAG_INF;
    for (size_t j = 0; j < n; j++) {
        ball_sqrt(s[j], ball_gather(w, e.gram, &j, 1, &j, 1));
        ball_scale(s[j], s[j], e.image.exponent[j]);
        ball_widen(s[j], up_add(up_mul(ball_norm_up(s[j]), relative), absolute));
    }
    work_release(w, mark);
    for (size_t i = 1; i < n; i++)
        for (size_t j = i; j > 0 && mpfr_greater_p(s[j]->at, s[j - 1]->at); j--) {
            struct ball *larger = s[j];
            s[j] = s[j - 1];
            s[j - 1] = larger;
        }
    return s;
}
