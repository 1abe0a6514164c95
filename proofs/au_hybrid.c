#include "auon.h"
#include "quintic.h"

static real quintic(real x)
{
    const struct quintic p = quintic_jordan(x->field);
    return quintic_value(&p, x);
}

/* ||out||_2 for diag(2, 3, 0, ..., 0) of N entries: the iterate is diagonal. */
static real norm_for(const struct field *f, long n, bool with_root)
{
    real length = real_add(real_root(real_whole(f, 13)), real_decimal(f, "1e-7")), rest = real_whole(f, n - 2);
    real x = quintic(real_div(real_whole(f, 2), length)), y = quintic(real_div(real_whole(f, 3), length));
    real sum = SUM(real_square(real_cosh(x)), real_square(real_cosh(y)), rest);
    real mean = real_div(sum, real_whole(f, n)), rms = with_root ? real_root(mean) : mean;
    return real_div(real_max(x, y), real_add(rms, real_decimal(f, "1e-8")));
}

static void run(struct evidence *e)
{
    const struct field *f = &e->field;
    real one = real_whole(f, 1);
    number_printed(e, "||out||_2 for diag(2, 3, 0, ...), 16 x 16", norm_for(f, 256, true), "1.1944");
    number_printed(e, "the same, rms as printed, without root", norm_for(f, 256, false), "1.1865");
    number_printed(e, "the same, 4096 x 4096", norm_for(f, 4096L * 4096, true), "1.20237");
    must_fail(e, "||out||_2 <= 1 for Hybrid-AuON", real_sub(one, norm_for(f, 256, true)));
    must_fail(e, "nor without the root", real_sub(one, norm_for(f, 256, false)));
    must_fail(e, "p keeps the order of singular values: p(1) >= p(0.55)",
              real_sub(quintic(one), quintic(real_fraction(f, 55, 100))));
}

const struct claim claim_au_hybrid = {"AU-hybrid",
                                      "AuON",
                                      "\"||out||_2 <= 1\" for Hybrid-AuON: 1.1944 for diag(2, 3, 0, ..., 0), 16 x 16",
                                      "AuON arXiv 2509.24320",
                                      CLAIM_REFUTED,
                                      "au_hybrid",
                                      run};
