#include "auon.h"

/* sinh^2(1) / (2 N) + 1e-8 + 1e-7 / ||G|| */
static real bound_of(const struct auon *a, size_t n)
{
    const struct field *f = a->tau->field;
    real square = real_square(real_sinh(real_whole(f, 1)));
    return SUM(real_div(square, real_whole(f, 2 * (long)n)), real_decimal(f, "1e-8"),
               real_div(real_decimal(f, "1e-7"), a->size));
}

static void instance(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct matrix g = auon_instance(f, k), out = auon_direction(g);
    struct auon a = auon_of(g, real_whole(f, 1));
    real one = real_whole(f, 1), s = real_mul(a.scale, a.size);
    real distance = matrix_frobenius(matrix_sub(out, matrix_scale(real_div(one, a.size), g)));
    certify_equal(e, "||out - G / ||G|| || = 1 - tau / (R + 1e-8)", distance, real_sub(one, s));
    certify(e, "<= 0.69055 / N + 1e-8 + 1e-7 / ||G||", real_sub(bound_of(&a, matrix_count(g)), distance));
    if (matrix_count(g) == 1 && k % 19 > 10)
        must_fail(e, "half the bound", real_sub(real_div(bound_of(&a, 1), real_whole(f, 2)), distance));
}

/* <out, G> / ||G||_nuc = s ||G||_F / ||G||_nuc lies in [s / sqrt r, s]. */
static void alignment(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    uint64_t seed = k;
    struct matrix g = matrix_random(f, 2 + k % 4, 2, &seed);
    struct auon a = auon_of(g, real_whole(f, 1));
    real s = real_mul(a.scale, a.size), share = real_div(matrix_dot(auon_direction(g), g), matrix_nuclear(g));
    certify(e, "<out, G> / ||G||_nuc <= s", real_sub(s, share));
    certify(e, "<out, G> / ||G||_nuc >= s / sqrt 2 for rank 2",
            real_sub(share, real_div(s, real_root(real_whole(f, 2)))));
}

static void run(struct evidence *e)
{
    const struct field *f = &e->field;
    real half = real_fraction(f, 1, 2), square = real_square(real_sinh(real_enclose(real_whole(f, 1))));
    number_printed(e, "sinh^2(1) / 2 over N, 512 x 512", real_div(real_mul(half, square), real_whole(f, 512 * 512)),
                   "2.634e-6");
    each(e, instances(e, 570, 150), instance);
    each(e, instances(e, 100, 20), alignment);
}

const struct claim claim_au_sgd = {
    "AU-sgd", "AuON",       "out is G / ||G||_F up to 0.69055 / N + 1e-8 + 1e-7 / ||G||: normalised SGD with momentum",
    "ours",   CLAIM_PROVED, "au_sgd",
    run};
