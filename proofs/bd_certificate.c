#include "floating.h"

/* ||D||_F <= root reach r, ||F|| <= outward ||F||_F, ||E||_* <= dual ||E||_F; root = sqrt(k), k = min(m, n). */
struct ball {
    enum assay_norm norm;
    real reach, outward, dual;
};

static struct ball ball_of(const struct field *f, size_t which, size_t m, size_t n)
{
    real one = real_whole(f, 1), root = real_root(real_whole(f, (long)(m < n ? m : n))),
         aspect = real_root(real_fraction(f, (long)m, n));
    switch (which) {
    case 0:
        return (struct ball){ASSAY_NORM_SPECTRAL, root, one, root};
    case 1:
        return (struct ball){ASSAY_NORM_NUCLEAR, one, root, one};
    default:
        return (struct ball){ASSAY_NORM_RMS, real_mul(root, aspect), real_div(one, aspect), real_mul(aspect, root)};
    }
}

/* D = argmin <G + E, D> over ||D|| <= r, and F. */
struct result {
    real excess, gap;
};
static struct result result_of(enum assay_norm norm, real radius, struct matrix g, struct matrix d)
{
    return (struct result){real_sub(norm_of(norm, d), radius),
                           real_add(real_mul(radius, dual_of(norm, g)), matrix_dot(g, d))};
}

/* `what` begins with the norm's name. */
static void certify_result(struct evidence *e, const struct ball *b, real t, real radius, struct matrix g,
                           struct matrix direction, struct matrix other)
{
    const struct field *f = &e->field;
    real one = real_whole(f, 1), size = matrix_frobenius(g);
    struct matrix moved = matrix_mix(one, g, real_div(real_mul(t, size), matrix_frobenius(direction)), direction);
    struct matrix d = matrix_scale(radius, lmo_of(b->norm, moved));
    real step = real_div(real_mul(t, matrix_frobenius(d)), matrix_frobenius(other));
    struct result found = result_of(b->norm, radius, g, matrix_mix(one, d, step, other));
    real excess = PRODUCT(t, radius, b->reach, b->outward);
    real gap = PRODUCT(t, radius, size, real_add(real_mul(real_whole(f, 2), b->dual), b->reach));
    certify(e, "outside the ball: spectral, nuclear, RMS", real_sub(excess, found.excess));
    certify(e, "suboptimal: spectral, nuclear, RMS", real_sub(gap, found.gap));
    certify_equal(e, "excess = sqrt(k) t r", excess,
                  PRODUCT(t, radius, real_root(real_whole(f, (long)(g.rows < g.cols ? g.rows : g.cols)))));
    certify_equal(e, "gap = 3 reach t r ||G||_F", gap, PRODUCT(real_whole(f, 3), b->reach, t, radius, size));
}

static void instance(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    uint64_t seed = k;
    size_t m = 2 + k / 3 % 3;
    struct matrix g = matrix_random(f, m, 2, &seed), direction = matrix_random(f, m, 2, &seed),
                  other = matrix_random(f, m, 2, &seed);
    if (k % 4 == 1) /* nearly of rank one: the minimiser turns */
        for (size_t i = 0; i < m; i++)
            g.at[2 * i + 1] = real_add(g.at[2 * i], real_mul(real_fraction(f, 1, 4096), g.at[2 * i + 1]));
    if (k % 4 == 2)
        other = g; /* as suboptimal as can be */
    if (k % 2) {
        g = matrix_transpose(g);
        direction = matrix_transpose(direction);
        other = matrix_transpose(other);
    }
    struct ball b = ball_of(f, k % 3, g.rows, g.cols);
    certify_result(e, &b, real_fraction(f, 1, 4ul << 4 * (k % 5)), real_fraction(f, 1 + (long)(k % 5), 4), g, direction,
                   other);
}

/* Where only lengths are needed: every entry of D off by less than a relative `few`. */
static void lengths(struct evidence *e, size_t k)
{
    static const enum assay_norm norms[] = {ASSAY_NORM_FROBENIUS, ASSAY_NORM_COLUMN, ASSAY_NORM_ROW};
    const struct field *f = &e->field;
    uint64_t seed = k;
    enum assay_norm norm = norms[k % 3];
    struct matrix g = matrix_random(f, 1 + k / 3 % 4, 1 + k % 4, &seed), sign = matrix_random(f, g.rows, g.cols, &seed);
    real radius = real_fraction(f, 1 + (long)(k % 5), 4), few = real_fraction(f, 1, 8ul << 5 * (k % 4)),
         one = real_whole(f, 1);
    struct matrix d = matrix_scale(radius, lmo_of(norm, g));
    for (size_t j = 0; j < matrix_count(g); j++) /* or nearly that, all towards the origin: the worst for the gap */
        d.at[j] =
            real_mul(d.at[j], real_add(one, real_mul(k / 3 % 2 ? sign.at[j] : real_fraction(f, -999, 1000), few)));
    struct result found = result_of(norm, radius, g, d);
    certify(e, "outside the ball: Frobenius, column, row: few r", real_sub(real_mul(few, radius), found.excess));
    certify(e, "suboptimal: Frobenius, column, row: few r ||G||_*",
            real_sub(PRODUCT(few, radius, dual_of(norm, g)), found.gap));
}

/* G = diag(1, 1), E = 0, F = -t ||D|| e_1 e_1^T: the excess is attained; F = t ||D|| G / ||G||_F: so is the gap's last
 * part. G = diag(1, s), E turns the sign of s: its first part is. */
static void sharp(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    real one = real_whole(f, 1), two = real_whole(f, 2), t = real_fraction(f, 1, 100ul << k);
    struct matrix g = matrix_identity(f, 2), d = matrix_scale(real_whole(f, -1), g), corner = matrix_new(f, 2, 2);
    real length = real_mul(t, matrix_frobenius(d));
    corner.at[0] = one;
    struct result found = result_of(ASSAY_NORM_SPECTRAL, one, g, matrix_mix(one, d, real_neg(length), corner));
    certify_equal(e, "the excess is attained: I, e_1 e_1^T", found.excess, real_mul(t, real_root(two)));
    must_fail(e, "0.99 of the excess", real_sub(PRODUCT(real_fraction(f, 99, 100), t, real_root(two)), found.excess));
    found = result_of(ASSAY_NORM_SPECTRAL, one, g, matrix_mix(one, d, real_div(length, matrix_frobenius(g)), g));
    certify_equal(e, "t ||G||_F ||D||_F is attained", found.gap, PRODUCT(t, matrix_frobenius(g), matrix_frobenius(d)));
    must_fail(e, "0.99 of t ||G||_F ||D||_F",
              real_sub(PRODUCT(real_fraction(f, 99, 100), t, matrix_frobenius(g), matrix_frobenius(d)), found.gap));
    g.at[3] = t; /* E = -t (1 + 1/100) e_2 e_2^T */
    real size = real_mul(real_fraction(f, 101, 100), t);
    d.at[3] = one;
    found = result_of(ASSAY_NORM_SPECTRAL, one, g, d);
    certify(e, "a sign turns: 2 r ||E||_*", real_sub(real_mul(two, size), found.gap));
    must_fail(e, "0.98 of 2 r ||E||_*: a sign turns",
              real_sub(PRODUCT(real_fraction(f, 98, 100), two, size), found.gap));
}

static void run(struct evidence *e)
{
    each(e, instances(e, 180, 36), instance);
    each(e, instances(e, 120, 24), lengths);
    each(e, 3, sharp);
}

const struct claim claim_bd_certificate = {"BD-certificate",
                                           "The judge's bounds",
                                           "D = argmin <G + E, D>, moved by F: ||D + F|| <= r + ||F||, <G, D + F> <= "
                                           "-r ||G||_* + 2 r ||E||_* + ||G||_F ||F||_F",
                                           "ours",
                                           CLAIM_PROVED,
                                           "bd_certificate",
                                           run};
