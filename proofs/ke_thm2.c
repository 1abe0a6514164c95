#include "paths.h"

/* stats[0] = (1/K) sum ||grad f(x_k) + r_k||_*, stats[1] = min, over k = 1 .. K. */
static void visit(const struct problem *p, const struct method *m, const struct point *at, real *stats)
{
    if (at->k == 0)
        return;
    real size = dual_of(m->norm, matrix_add(at->gradient, at->r));
    stats[0] = real_add(stats[0], real_div(size, real_whole(p->field, (long)m->steps)));
    stats[1] = at->k == 1 ? size : real_min(stats[1], size);
}

static real paper(real gap, real smoothness, real rho_sigma, const struct method *m)
{
    const struct field *f = m->eta->field;
    real two = real_whole(f, 2), steps = real_whole(f, (long)m->steps), drift = real_mul(smoothness, m->eta);
    return SUM(real_div(gap, real_mul(m->eta, steps)), real_div(real_mul(two, rho_sigma), real_mul(m->alpha, steps)),
               PRODUCT(two, real_root(m->alpha), rho_sigma), real_mul(real_fraction(f, 3, 2), drift),
               real_div(real_mul(two, drift), m->alpha));
}

static real ours(real gap, real smoothness, real rho_sigma, const struct method *m)
{
    const struct field *f = m->eta->field;
    real one = real_whole(f, 1), two = real_whole(f, 2), steps = real_whole(f, (long)m->steps);
    real drift = real_mul(smoothness, m->eta), rest = real_sub(one, m->alpha);
    return SUM(real_div(gap, real_mul(m->eta, steps)), real_div(real_mul(two, rho_sigma), real_mul(m->alpha, steps)),
               PRODUCT(two, rho_sigma, real_root(real_div(m->alpha, real_sub(two, m->alpha)))),
               real_div(PRODUCT(two, drift, rest), m->alpha), real_mul(real_fraction(f, 3, 2), drift));
}

static void certify_with(struct evidence *e, size_t k, enum problem_kind kind, struct variant v)
{
    const struct field *f = &e->field;
    struct problem p = problem_new(f, kind, 2, 2, k);
    struct matrix shape = matrix_from(f, 2, 2, (long[]){3, 4, -4, 3}, 10);
    struct noise noise = k / 9 % 2 ? noise_two(real_whole(f, 2), real_fraction(f, 1, 2), shape)
                                   : noise_three(real_fraction(f, 3, 2), shape);
    const struct method m = {.norm = v.norm,
                             .regulariser = v.regulariser,
                             .weight = real_fraction(f, 3, 4),
                             .eta = real_fraction(f, 1, 4ul << k / 9 % 3),
                             .alpha = real_fraction(f, 1, 1 + k % 4),
                             .steps = k / 9 % 2 ? instances(e, 8, 4) : instances(e, 5, 3),
                             .from = matrix_from(f, 2, 2, (long[]){19, 15, -17, 13}, 8)};
    real mean[PATH_MEANS], smoothness = problem_smoothness(&p, m.norm);
    real rho_sigma = real_mul(norm_rho(m.norm, f, 2, 2), real_root(noise_variance(&noise)));
    real gap = SUM(problem_value(&p, m.from), regulariser_value(&m, m.from), real_neg(least_value(&p, &m)));
    expect(e, mean, 2, &p, &m, &noise, false, visit);
    certify(e, "ours, for the mean", real_sub(ours(gap, smoothness, rho_sigma, &m), mean[0]));
    certify(e, "paper, for the minimum", real_sub(paper(gap, smoothness, rho_sigma, &m), mean[1]));
    certify(e, "paper - ours >= 2 L eta - 2^-60",
            SUM(paper(gap, smoothness, rho_sigma, &m), real_neg(ours(gap, smoothness, rho_sigma, &m)),
                real_neg(PRODUCT(real_whole(f, 2), smoothness, m.eta)), real_double(f, 0x1p-60)));
}

static void instance(struct evidence *e, size_t k)
{
    static const enum problem_kind kinds[] = {PROBLEM_DISTANCE, PROBLEM_COSINE, PROBLEM_HUBER};
    certify_with(e, k, kinds[k % 3], (struct variant){descent_norms[k / 3 % 3], ASSAY_REGULARISER_NONE});
}

/* P2 with ridge and l1. */
static void regularised(struct evidence *e, size_t k)
{
    certify_with(e, 6 * k, PROBLEM_DISTANCE, descent_variants[3 + k % 3]);
}

/* Huber's function from 99 in small steps: every gradient has size 1. */
static void without_gap(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct problem p = problem_new(f, PROBLEM_HUBER, 1, 1, k);
    struct noise noise = noise_three(real_whole(f, 0), matrix_identity(f, 1));
    const struct method m = {.norm = ASSAY_NORM_MAX,
                             .eta = real_fraction(f, 1, 8),
                             .alpha = real_whole(f, 1),
                             .steps = 4,
                             .from = matrix_from(f, 1, 1, (long[]){99}, 1)};
    real mean[PATH_MEANS], zero = real_whole(f, 0);
    expect(e, mean, 2, &p, &m, &noise, false, visit);
    must_fail(e, "without Delta_0 / (eta K)", real_sub(paper(zero, real_whole(f, 1), zero, &m), mean[1]));
}

/* Both right sides where every term is a fraction; and the corollary of the text: L = 3, Delta_0 = 2, K = 1. */
static void worked_examples(struct evidence *e)
{
    const struct field *f = &e->field;
    real one = real_whole(f, 1);
    const struct method quarter = {.eta = real_fraction(f, 1, 8), .alpha = real_fraction(f, 1, 4), .steps = 2},
                        fifth = {.eta = real_fraction(f, 1, 8), .alpha = real_fraction(f, 1, 5), .steps = 2};
    certify_equal(e, "L = Delta_0 = rho sigma = 1, eta = 1/8, K = 2, a = 1/4: paper's is 4 + 4 + 1 + 3/16 + 1",
                  paper(one, one, one, &quarter), real_fraction(f, 163, 16));
    certify_equal(e, "there, a = 1/5: ours is 4 + 5 + 2/3 + 1 + 3/16", ours(one, one, one, &fifth),
                  real_fraction(f, 521, 48));
    const struct method m = {.eta = real_fraction(f, 2, 3), .alpha = real_whole(f, 1), .steps = 1};
    certify_equal(e, "sigma = 0, alpha = 1, eta = sqrt(2 Delta_0 / (3 L K)): ours is sqrt(6 L Delta_0 / K)",
                  ours(real_whole(f, 2), real_whole(f, 3), real_whole(f, 0), &m), real_root(real_whole(f, 36)));
}

/* Sum M_j = sum O_j + (M_0 - M_k)(1 - a) / a with |M| <= 1, so x_k - x_0 is a sum of independent eta s_j up to
 * 2 eta (1 - a) / a; by Kolmogorov's inequality x leaves x >= 1 up to step K with probability at most eta^2 K / t^2. */
static void orthogonal_sgdm(struct evidence *e)
{
    const struct field *f = &e->field;
    real eps = real_fraction(f, 1, 2), sigma = real_whole(f, 2), gap = real_fraction(f, 5, 2), one = real_whole(f, 1);
    real variance = real_square(sigma), two = real_whole(f, 2);
    real alpha = real_div(real_square(eps), real_mul(real_whole(f, 16), variance));
    real eta = real_min(real_div(eps, real_whole(f, 16)),
                        real_div(real_power(eps, 3), real_mul(real_whole(f, 256), variance)));
    real steps = real_div(PRODUCT(real_whole(f, 2048), gap, variance), real_power(eps, 4));
    certify_equal(e, "alpha of the paper for eps = 1/2, sigma = 2", alpha, real_fraction(f, 1, 256));
    certify_equal(e, "eta of the paper", eta, real_fraction(f, 1, 8192));
    certify_equal(e, "K of the paper for eps = 1/2 (the largest of its four terms)", steps, real_whole(f, 327680));
    real t = real_sub(two, real_div(PRODUCT(two, eta, real_sub(one, alpha)), alpha));
    real least = real_sub(one, real_div(real_mul(real_square(eta), steps), real_square(t)));
    number(e, "E min |h'(x_k)| of Orthogonal-SGDM over these K steps is at least", least);
    must_fail(e, "Orthogonal-SGDM reaches eps with these parameters", real_sub(eps, least));
}

static void run(struct evidence *e)
{
    each(e, instances(e, 54, 18), instance);
    each(e, instances(e, 9, 3), regularised);
    each(e, 1, without_gap);
    worked_examples(e);
    orthogonal_sgdm(e);
}

const struct claim claim_ke_thm2 = {
    "KE-thm2",
    "Kovalev: expectations, all paths enumerated",
    "E min ||grad f(x_k)||_* <= Delta/(eta K) + 2 rho sigma/(a K) + 2 sqrt(a) rho sigma + 3/2 L eta + 2 L eta/a",
    "Kovalev v1 theorem 2; smaller bound ours",
    CLAIM_PROVED,
    "ke_thm2",
    run};
