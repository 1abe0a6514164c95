#include "floating.h"

/* D = -r sign(G) and, for the largest |entry| alone, -r sign: over the max norm's ball and the sum norm's. */
static void instance(struct evidence *e, size_t k)
{
    static const enum assay_norm norms[] = {ASSAY_NORM_MAX, ASSAY_NORM_SUM};
    const struct field *f = &e->field;
    const struct format *format = &floating_formats[k % FLOATING_FORMATS];
    uint64_t seed = k;
    struct matrix g = matrix_random(f, 1 + k % 4, 1 + k / 4 % 4, &seed);
    real u = format_roundoff(f, format), zero = real_whole(f, 0);
    for (size_t l = 0; l < 4; l++) {
        enum assay_norm norm = norms[l % 2];
        real radius = l < 2 ? real_fraction(f, 1, 8) : real_fraction(f, 1 + (long)(next_bits(&seed) % 99), 10);
        struct matrix d = matrix_scale(radius, lmo_of(norm, g)),
                      computed = matrix_scale(nearest_to(format, radius), lmo_of(norm, g));
        real error = matrix_frobenius(matrix_sub(computed, d)), excess = real_sub(norm_of(norm, computed), radius),
             gap = real_add(real_mul(radius, dual_of(norm, g)), matrix_dot(g, computed));
        if (l < 2) {
            certify_equal(e, "r = 1/8: no operation rounds", error, zero);
            certify_equal(e, "r = 1/8: <G, D> = -r ||G||_*", gap, zero);
            certify_equal(e, "r = 1/8: ||D|| = r", excess, zero);
        } else {
            certify(e, "any r, rounded once: u ||D||_F", real_sub(real_mul(u, matrix_frobenius(d)), error));
            certify(e, "outside the ball by u r", real_sub(real_mul(u, radius), excess));
            certify(e, "suboptimal by u r ||G||_*", real_sub(PRODUCT(u, radius, dual_of(norm, g)), gap));
        }
    }
}

static void run(struct evidence *e)
{
    const struct field *f = &e->field;
    each(e, instances(e, 96, 32), instance);
    real tenth = real_fraction(f, 1, 10), fifth = real_fraction(f, 1, 5);
    must_fail(e, "nothing outside the ball, r = 1/10 in bfloat16",
              real_sub(tenth, nearest_to(&floating_formats[3], tenth)));
    must_fail(e, "optimal, r = 1/5 in binary16", real_sub(nearest_to(&floating_formats[2], fifth), fifth));
}

const struct claim claim_bd_exact = {"BD-exact",
                                     "The judge's bounds",
                                     "signs alone: no operation rounds if the radius r is a number of the format; else "
                                     "u ||D||_F, u r outside, u r ||G||_*",
                                     "ours",
                                     CLAIM_PROVED,
                                     "bd_exact",
                                     run};
