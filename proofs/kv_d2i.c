#include "descent.h"
#include "quintic.h"

/* X <- a X + b X X^T X + c (X X^T)^2 X, five times, from M / (||M||_F + 1e-7). */
static struct matrix newton_schulz_of(struct matrix m)
{
    const struct field *f = m.at[0]->field;
    real one = real_whole(f, 1), norm = real_add(matrix_frobenius(m), real_decimal(f, "1e-7"));
    const struct quintic p = quintic_jordan(f);
    struct matrix x = matrix_enclose(matrix_scale(real_div(one, norm), m));
    for (int k = 0; k < 5; k++) {
        struct matrix g = matrix_product(x, matrix_transpose(x)), second = matrix_product(g, g);
        x = matrix_mix(p.a, x, one, matrix_product(matrix_mix(p.b, g, p.c, second), x));
    }
    return matrix_middle(x);
}

struct oracle {
    struct matrix q;
    real zeta, kappa;
};

static struct oracle measure(struct matrix m)
{
    struct matrix q = newton_schulz_of(m);
    return (struct oracle){q, real_div(matrix_dot(m, q), matrix_nuclear(m)), matrix_spectral(q)};
}

/* The slack of D2i from x with the momentum m. */
static real slack(const struct problem *p, struct matrix x, struct matrix m, const struct oracle *o, real eta,
                  real zeta, real kappa)
{
    const struct field *f = p->field;
    struct matrix g = problem_gradient(p, x), next = matrix_mix(real_whole(f, 1), x, real_neg(eta), o->q);
    real e = matrix_nuclear(matrix_sub(m, g)), smoothness = problem_smoothness(p, ASSAY_NORM_SPECTRAL);
    return SUM(problem_value(p, x), real_neg(PRODUCT(eta, zeta, matrix_nuclear(g))),
               PRODUCT(eta, real_add(kappa, zeta), e),
               PRODUCT(real_fraction(f, 1, 2), smoothness, real_square(real_mul(kappa, eta))),
               real_neg(problem_value(p, next)));
}

static void instance(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    uint64_t seed = k;
    struct problem p = problem_new(f, (enum problem_kind)(k % 7), 2 + k / 7 % 2, 2, k);
    struct matrix x = matrix_random(f, p.c.rows, p.c.cols, &seed), noise = matrix_random(f, p.c.rows, p.c.cols, &seed);
    struct matrix m =
        matrix_middle(matrix_mix(real_whole(f, 1), problem_gradient(&p, x), real_fraction(f, 1, 4), noise));
    struct oracle o = measure(m);
    certify(e, "D2i", slack(&p, x, m, &o, real_fraction(f, 1, 1 + k % 8), o.zeta, o.kappa));
    real norm = real_add(matrix_frobenius(m), real_decimal(f, "1e-7"));
    real first = real_div(matrix_spectral(m), norm), second = real_sub(real_div(matrix_nuclear(m), norm), first);
    const struct quintic jordan = quintic_jordan(f);
    real images[] = {quintic_repeat(&jordan, first, 5), quintic_repeat(&jordan, second, 5)};
    certify(e, "zeta > min p^5(sigma_i) - 2^-50",
            SUM(o.zeta, real_neg(real_min(images[0], images[1])), real_double(f, 0x1p-50)));
    certify(e, "|kappa - max p^5(sigma_i)| < 2^-50",
            real_sub(real_double(f, 0x1p-50), real_abs(real_sub(o.kappa, real_max(images[0], images[1])))));
}

/* P2 from C + O, O = (3 4; 4 -3) / 5: both singular values of the normalised gradient are 1 / sqrt 2. */
static void sharp(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct problem p = problem_new(f, PROBLEM_DISTANCE, 2, 2, k);
    struct matrix m = matrix_from(f, 2, 2, (long[]){3, 4, 4, -3}, 5), x = matrix_add(p.c, m);
    struct oracle o = measure(m);
    real eta = real_fraction(f, 1, 64), more = real_mul(real_fraction(f, 13, 10), o.zeta);
    certify_equal(e, "P2, equal singular values, no noise: equality", slack(&p, x, m, &o, eta, o.zeta, o.kappa),
                  real_whole(f, 0));
    number(e, "p^5(1 / sqrt 2) = zeta = kappa there", o.zeta);
    must_fail(e, "1.3 zeta", slack(&p, x, m, &o, eta, more, o.kappa));
}

/* P2 from C + diag(19, 6) / 20: zeta is below 1. */
static void exact_oracle(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct problem p = problem_new(f, PROBLEM_DISTANCE, 2, 2, k);
    struct matrix m = matrix_from(f, 2, 2, (long[]){19, 0, 0, 6}, 20), x = matrix_add(p.c, m);
    struct oracle o = measure(m);
    real one = real_whole(f, 1);
    number(e, "zeta for singular values 19 : 6", o.zeta);
    must_fail(e, "zeta = kappa = 1 for Newton-Schulz", slack(&p, x, m, &o, real_fraction(f, 1, 64), one, one));
}

/* f linear, a momentum that points the wrong way but for 1/1000, Q = 3/4 of what the oracle has: zeta = kappa = 3/4. */
static void misled(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct problem p = problem_new(f, PROBLEM_LINEAR, 1, 1, k);
    struct matrix m = matrix_scale(real_fraction(f, -1, 1000), p.c), x = matrix_identity(f, 1);
    real eta = real_fraction(f, 1, 8), part = real_fraction(f, 3, 4);
    const struct oracle o = {matrix_scale(part, matrix_orth(m)), part, part};
    real found = slack(&p, x, m, &o, eta, part, part), e_k = matrix_nuclear(matrix_sub(m, p.c));
    certify(e, "momentum of the wrong sign", found);
    must_fail(e, "0.99 (kappa + zeta) e", real_sub(found, PRODUCT(real_fraction(f, 2, 100), part, eta, e_k)));
}

static void run(struct evidence *e)
{
    each(e, instances(e, 420, 42), instance);
    each(e, 1, sharp);
    each(e, 1, exact_oracle);
    each(e, 4, misled);
}

const struct claim claim_kv_d2i = {
    "KV-D2i",
    "Kovalev: one step, deterministic",
    "inexact oracle: f(x+) <= f(x) - eta zeta ||grad f||_* + eta (kappa + zeta) e + L/2 kappa^2 eta^2",
    "ours",
    CLAIM_PROVED,
    "kv_d2i",
    run};
