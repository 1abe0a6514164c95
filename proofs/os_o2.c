#include "paths.h"

static void instance(struct evidence *e, size_t k)
{
    static const unsigned long inverse[] = {1, 2, 10};
    const struct field *f = &e->field;
    struct problem p = problem_new(f, PROBLEM_HUBER, 1, 1, 1);
    struct noise noise = noise_two(real_whole(f, 8), real_whole(f, 2), matrix_identity(f, 1));
    const struct method m = {.norm = ASSAY_NORM_MAX,
                             .eta = real_fraction(f, 1, 5),
                             .alpha = real_fraction(f, 1, inverse[k]),
                             .steps = instances(e, 10, 7),
                             .from = matrix_from(f, 1, 1, (long[]){3}, 1)};
    real mean[PATH_MEANS], climb = PRODUCT(m.eta, real_fraction(f, 3, 5), real_whole(f, (long)m.steps));
    struct matrix there = {1, 1, (real[]){real_add(m.from.at[0], climb)}};
    expect(e, mean, 2, &p, &m, &noise, true, visit_end);
    certify_equal(e, "E x_K = x_0 + eta (1 - 2p) K", mean[0], there.at[0]);
    certify(e, "E f(x_K) >= f(x_0 + eta (1 - 2p) K)", real_sub(mean[1], problem_value(&p, there)));
    number(e, "E x_K", mean[0]);
    expect(e, mean, 2, &p, &m, &noise, false, visit_end);
    if (k > 0)
        must_differ(e, "the same for algorithm 1", mean[0], there.at[0]);
}

static void run(struct evidence *e)
{
    each(e, 3, instance);
}

const struct claim claim_os_o2 = {
    "OS-O2",
    "Why Muon and not Orthogonal-SGDM; why weight decay",
    "Orthogonal-SGDM diverges under skewed noise: E x_K = x_0 + eta (1 - 2p) K for every alpha",
    "ours",
    CLAIM_PROVED,
    "os_o2",
    run};
