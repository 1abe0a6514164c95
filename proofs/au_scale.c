#include "auon.h"

static real length_of(struct matrix g)
{
    return matrix_frobenius(auon_direction(g));
}

static void instance(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    struct matrix g = auon_instance(f, k), larger = matrix_scale(real_whole(f, 2 + (long)(k % 9)), g);
    real before = length_of(g), after = length_of(larger), size = matrix_frobenius(g);
    real limit = real_mul(real_div(real_decimal(f, "1e-7"), size), after);
    certify(e, "1 - ||out(G)|| / ||out(cG)|| <= 1e-7 / ||G||", real_sub(limit, real_sub(after, before)));
    certify(e, "||out(G)|| <= ||out(cG)||, c > 1", real_sub(after, before));
}

static void run(struct evidence *e)
{
    static const char *const sizes[] = {"1e-9", "1e-7", "1e-5", "1e-3"}, *const lengths[] = {".0099", ".499", ".983",
                                                                                             ".9921"};
    static const char *const names[] = {"||out|| at ||G|| = 1e-9", "||out|| at 1e-7", "||out|| at 1e-5",
                                        "||out|| at 1e-3"};
    const struct field *f = &e->field;
    struct matrix g = matrix_new(f, 8, 8);
    for (size_t k = 0; k < 4; k++) {
        for (size_t j = 0; j < 64; j++)
            g.at[j] = real_div(real_decimal(f, sizes[k]), real_whole(f, 8));
        number_printed(e, names[k], length_of(g), lengths[k]);
        if (k != 1)
            continue;
        real there = length_of(matrix_scale(real_whole(f, 1000), g)), gap = real_sub(there, length_of(g));
        must_differ(e, "||out(G)|| = ||out(1000 G)|| at ||G|| = 1e-7", length_of(g), there);
        must_fail(e, "1e-8 for 1e-7", real_sub(real_mul(real_fraction(f, 1, 10), there), gap));
    }
    each(e, instances(e, 300, 60), instance);
}

const struct claim claim_au_scale = {"AU-scale",
                                     "AuON",
                                     "scale invariance holds up to 1e-7 / ||G|| relatively, and is lost near zero",
                                     "claim AuON arXiv 2509.24320; bound ours",
                                     CLAIM_PROVED,
                                     "au_scale",
                                     run};
