#include "paths.h"

/* stats[k] = x_k; behind them, the excess max(|x_k| - max(|x_0|, D), 0) over all k. */
static void visit(const struct problem *p, const struct method *m, const struct point *at, real *stats)
{
    const struct field *f = p->field;
    real radius = m->beta ? real_div(m->eta, m->beta) : real_whole(f, 4);
    real limit = real_max(real_abs(m->from.at[0]), radius);
    stats[at->k] = at->x.at[0];
    stats[m->steps + 1] = real_max(stats[m->steps + 1], real_sub(real_abs(at->x.at[0]), limit));
}

static void run(struct evidence *e)
{
    const struct field *f = &e->field;
    struct problem p = problem_new(f, PROBLEM_HUBER, 1, 1, 1);
    struct noise noise = noise_two(real_whole(f, 8), real_whole(f, 2), matrix_identity(f, 1));
    struct method m = {.norm = ASSAY_NORM_MAX,
                       .eta = real_fraction(f, 1, 2),
                       .alpha = real_whole(f, 1),
                       .steps = instances(e, 10, 7),
                       .from = matrix_from(f, 1, 1, (long[]){3}, 1)};
    real mean[PATH_MEANS], drift = real_mul(m.eta, real_fraction(f, 3, 5)), zero = real_whole(f, 0);
    expect(e, mean, m.steps + 2, &p, &m, &noise, false, visit);
    for (size_t k = 0; k < m.steps; k++)
        certify_equal(e, "without decay: E x_{k+1} = E x_k + eta (1 - 2p)", mean[k + 1], real_add(mean[k], drift));
    number(e, "E x_K without decay", mean[m.steps]);
    must_fail(e, "|x_k| <= 4 without decay", real_neg(mean[m.steps + 1]));
    m.beta = real_fraction(f, 1, 8);
    expect(e, mean, m.steps + 2, &p, &m, &noise, false, visit);
    for (size_t k = 0; k < m.steps; k++)
        certify_equal(e, "with decay: E x_{k+1} = (1-b) E x_k + eta (1 - 2p)", mean[k + 1],
                      real_add(real_mul(real_fraction(f, 7, 8), mean[k]), drift));
    certify_equal(e, "with decay: |x_k| <= max(|x_0|, eta / b) on every path", mean[m.steps + 1], zero);
    number(e, "E x_K with decay", mean[m.steps]);
}

const struct claim claim_wd_w1 = {
    "WD-W1",
    "Why Muon and not Orthogonal-SGDM; why weight decay",
    "Muon, alpha = 1: E x_K = x_0 + eta (1 - 2p) K without decay; |x_K| <= max(|x_0|, eta / b) with it",
    "ours",
    CLAIM_PROVED,
    "wd_w1",
    run};
