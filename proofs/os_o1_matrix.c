#include "paths.h"

/* The diagonal of the eigenvalues of X_0. */
static struct matrix start_of(const struct field *f)
{
    struct matrix x = matrix_new(f, 2, 2);
    real half = real_fraction(f, 1, 2), five = real_whole(f, 5), root = real_root(five);
    x.at[0] = real_mul(half, real_add(five, root));
    x.at[3] = real_mul(half, real_sub(five, root));
    return x;
}

/* Besides what visit_end() does: stats[2] = ||X_K - X_0 - c I||_F^2 for the best c. */
static void visit(const struct problem *p, const struct method *m, const struct point *at, real *stats)
{
    visit_end(p, m, at, stats);
    if (at->k != m->steps)
        return;
    struct matrix moved = matrix_sub(at->x, m->from);
    real half = real_fraction(p->field, 1, 2);
    stats[2] = real_sub(matrix_square(moved), real_mul(half, real_square(matrix_trace(moved))));
}

static void instance(struct evidence *e, size_t k)
{
    static const char *const averaged[] = {"4.0335", "4.0403", "4.2279"}, *const muon[] = {"4.0335", "2.5894",
                                                                                           "3.4766"};
    static const char *const names[][2] = {{"E f, Orthogonal-SGDM, alpha = 1", "E f, algorithm 1, alpha = 1"},
                                           {"E f, Orthogonal-SGDM, alpha = 1/2", "E f, algorithm 1, alpha = 1/2"},
                                           {"E f, Orthogonal-SGDM, alpha = 1/10", "E f, algorithm 1, alpha = 1/10"}};
    static const unsigned long inverse[] = {1, 2, 10};
    const struct field *f = &e->field;
    struct problem p = problem_new(f, PROBLEM_HUBER, 2, 2, 1);
    real two = real_whole(f, 2), mean[PATH_MEANS];
    struct noise noise = noise_two(two, two, matrix_identity(f, 2));
    const struct method m = {.norm = ASSAY_NORM_SPECTRAL,
                             .eta = real_fraction(f, 1, 5),
                             .alpha = real_fraction(f, 1, inverse[k]),
                             .steps = instances(e, 10, 6),
                             .from = start_of(f)};
    certify_equal(e, "f(X_0) = 4", problem_value(&p, m.from), real_whole(f, 4));
    expect(e, mean, 3, &p, &m, &noise, true, visit);
    certify_equal(e, "E tr X_K = tr X_0", mean[0], real_whole(f, 5));
    certify_equal(e, "X_K - X_0 is a multiple of I: the mean square of the rest is 0", mean[2], real_whole(f, 0));
    if (!e->quick) {
        certify(e, "E f(X_K) >= f(X_0)", real_sub(mean[1], real_whole(f, 4)));
        number_printed(e, names[k][0], mean[1], averaged[k]);
    }
    expect(e, mean, 2, &p, &m, &noise, false, visit_end);
    if (!e->quick)
        number_printed(e, names[k][1], mean[1], muon[k]);
    if (k == 1)
        must_differ(e, "E tr X_K = tr X_0 for algorithm 1", mean[0], real_whole(f, 5));
}

static void run(struct evidence *e)
{
    each(e, 3, instance);
}

const struct claim claim_os_o1_matrix = {"OS-O1-matrix",
                                         "Why Muon and not Orthogonal-SGDM; why weight decay",
                                         "the same for matrices: X_K = X_0 + c I, E c = 0, E f(X_K) >= f(X_0)",
                                         "ours",
                                         CLAIM_PROVED,
                                         "os_o1_matrix",
                                         run};
