#include "auon.h"

static real supremum(const struct field *f, size_t n)
{
    real t = real_whole(f, 1);
    return real_div(t, real_add(auon_least(t, n), real_decimal(f, "1e-8")));
}

static void instance(struct evidence *e, size_t k)
{
    struct matrix g = auon_instance(&e->field, k), out = auon_direction(g);
    certify(e, "||out||_2 <= ||out||_F <= sup", real_sub(supremum(&e->field, matrix_count(g)), matrix_frobenius(out)));
}

/* The sign matrix of rank one, n x n, times 1e15. */
static void approached(struct evidence *e, size_t k)
{
    static const char *const printed[] = {".886819", ".969544", ".998050"};
    const struct field *f = &e->field;
    size_t n = k == 0 ? 2 : k == 1 ? 4 : 16;
    struct matrix g = matrix_new(f, n, n);
    for (size_t j = 0; j < n * n; j++)
        g.at[j] = real_double(f, (j / n + j % n) % 2 ? -1e15 : 1e15);
    real size = matrix_frobenius(auon_direction(g)), most = supremum(f, n * n);
    number_printed(e, k == 0 ? "sup for 2 x 2" : k == 1 ? "sup for 4 x 4" : "sup for 16 x 16", most, printed[k]);
    certify(e, "a rank-one sign matrix comes within 1e-20", real_sub(real_decimal(f, "1e-20"), real_sub(most, size)));
    certify(e, "and does not attain it", real_sub(most, size));
    must_fail(e, "99 % of it", real_sub(real_mul(real_fraction(f, 99, 100), most), size));
    if (k == 2) /* the identity: ||out||_2 = ||out||_F / 4 */
        must_fail(e, "an orthogonal G, r = 16, reaches half of it",
                  real_sub(real_div(matrix_frobenius(auon_direction(matrix_identity(f, n))), real_whole(f, 4)),
                           real_div(most, real_whole(f, 2))));
}

static void run(struct evidence *e)
{
    each(e, instances(e, 300, 60), instance);
    each(e, 3, approached);
}

const struct claim claim_au_spectral = {"AU-spectral",
                                        "AuON",
                                        "sup ||out||_2 = 1 / (cosh(1 / sqrt N) + 1e-8) < 1, through the Frobenius norm",
                                        "claim AuON arXiv 2509.24320; supremum ours",
                                        CLAIM_PROVED,
                                        "au_spectral",
                                        run};
