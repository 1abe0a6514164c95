#include "auon.h"

static real length_of(struct matrix g)
{
    const struct field *f = g.at[0]->field;
    struct auon a = auon_of(g, real_fraction(f, 3, 2));
    return real_div(a.size, real_add(a.r, real_decimal(f, "1e-8")));
}

static void run(struct evidence *e)
{
    const struct field *f = &e->field;
    struct matrix g = matrix_new(f, 8, 8);
    for (size_t j = 0; j < 64; j++)
        g.at[j] = real_whole(f, 1);
    real one = real_whole(f, 1), small = length_of(g), large = length_of(matrix_scale(real_whole(f, 10), g));
    number(e, "||update|| for 8 x 8, ||G|| = 8", small);
    number(e, "||update|| for 10 G", large);
    must_fail(e, "||update|| <= 1", real_sub(one, small));
    must_differ(e, "||update(10 G)|| = ||update(G)||", large, small);
    certify(e, "||update(10 G)|| = 10 ||update(G)|| up to 1e-6",
            real_sub(real_decimal(f, "1e-6"), real_abs(real_sub(large, real_mul(real_whole(f, 10), small)))));
}

const struct claim claim_au_head = {
    "AU-head",
    "AuON",
    "the code of 2026 divides G, not U: ||update(10 G)|| = 10 ||update(G)||, no unit norm",
    "AuON code, January 2026",
    CLAIM_REFUTED,
    "au_head",
    run};
