#include "paths.h"

static void instance(struct evidence *e, size_t k)
{
    static const char *const averaged[] = {"2.500020", "2.500026", "2.500182"}, *const muon[] = {"2.5000", "1.4053",
                                                                                                 "1.6396"};
    static const char *const names[][2] = {{"E f, Orthogonal-SGDM, alpha = 1", "E f, algorithm 1, alpha = 1"},
                                           {"E f, Orthogonal-SGDM, alpha = 1/2", "E f, algorithm 1, alpha = 1/2"},
                                           {"E f, Orthogonal-SGDM, alpha = 1/10", "E f, algorithm 1, alpha = 1/10"}};
    static const unsigned long inverse[] = {1, 2, 10};
    const struct field *f = &e->field;
    struct problem p = problem_new(f, PROBLEM_HUBER, 1, 1, 1);
    real two = real_whole(f, 2), mean[PATH_MEANS], start = real_fraction(f, 5, 2);
    struct noise noise = noise_two(two, two, matrix_identity(f, 1));
    const struct method m = {.norm = ASSAY_NORM_MAX,
                             .eta = real_fraction(f, 1, 5),
                             .alpha = real_fraction(f, 1, inverse[k]),
                             .steps = instances(e, 12, 7),
                             .from = matrix_from(f, 1, 1, (long[]){3}, 1)};
    expect(e, mean, 2, &p, &m, &noise, true, visit_end);
    certify_equal(e, "E x_K = x_0", mean[0], m.from.at[0]);
    certify(e, "E f(x_K) >= f(x_0)", real_sub(mean[1], start));
    if (!e->quick)
        number_printed(e, names[k][0], mean[1], averaged[k]);
    expect(e, mean, 2, &p, &m, &noise, false, visit_end);
    if (!e->quick)
        number_printed(e, names[k][1], mean[1], muon[k]);
    if (k > 0) {
        certify(e, "algorithm 1 makes progress", real_sub(start, mean[1]));
        must_differ(e, "E x_K = x_0 for algorithm 1", mean[0], m.from.at[0]);
    }
}

static void run(struct evidence *e)
{
    each(e, 3, instance);
}

const struct claim claim_os_o1 = {"OS-O1",
                                  "Why Muon and not Orthogonal-SGDM; why weight decay",
                                  "Orthogonal-SGDM stalls: E x_K = x_0 and E f(x_K) >= f(x_0) for every eta, alpha, K",
                                  "ours",
                                  CLAIM_PROVED,
                                  "os_o1",
                                  run};
