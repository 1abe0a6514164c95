#include "auon.h"

static real energy(struct matrix m)
{
    struct matrix gram = matrix_product(m, matrix_transpose(m));
    real sum = matrix_square(gram);
    for (size_t k = 0; k < gram.rows; k++)
        sum = real_sub(sum, real_square(gram.at[k * gram.cols + k]));
    return sum;
}

static void instance(struct evidence *e, size_t k)
{
    const struct field *f = &e->field;
    uint64_t seed = k;
    struct matrix g = matrix_random(f, 2 + k % 3, 2 + k % 2, &seed);
    struct auon a = auon_of(g, real_whole(f, 1));
    real one = real_whole(f, 1), factor = real_power(real_add(a.r, real_decimal(f, "1e-8")), 4);
    struct matrix u = matrix_scale(real_div(a.tau, a.size), g);
    certify_equal(e, "E(out) = E(U) / (R + 1e-8)^4", real_mul(energy(auon_direction(g)), factor), energy(u));
    if (matrix_count(g) >= 9)
        must_fail(e, "E falls by a third for N >= 9", real_sub(real_fraction(f, 2, 3), real_div(one, factor)));
}

static void run(struct evidence *e)
{
    const struct field *f = &e->field;
    size_t n = 512 * 512;
    real one = real_whole(f, 1), least = real_power(auon_least(one, n), 4), most = real_power(auon_most(one, n), 4);
    number(e, "E(U) / E(out) - 1 for 512 x 512 at most", real_sub(most, one));
    number(e, "and at least", real_sub(least, one));
    each(e, instances(e, 100, 20), instance);
}

const struct claim claim_au_energy = {"AU-energy",
                                      "AuON",
                                      "\"reduced correlation energy\": by a factor (R + 1e-8)^-4 = 1 - O(2.8 / N)",
                                      "AuON, later summary; numbers ours",
                                      CLAIM_VACUOUS,
                                      "au_energy",
                                      run};
