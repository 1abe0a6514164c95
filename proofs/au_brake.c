#include "auon.h"

#include <stdio.h>

/* R_max / R_min - 1 at tau = 1, times N. */
static real range_of(const struct field *f, size_t n, real gamma)
{
    real one = real_whole(f, 1), ratio = real_div(auon_most(gamma, n), auon_least(gamma, n));
    return real_mul(real_sub(ratio, one), real_whole(f, (long)n));
}

static void run(struct evidence *e)
{
    static const size_t counts[] = {16, 4096, 512 * 512, 512 * 1536};
    static const char *const printed[] = {"1.05e-2", "4.6e-5", "7.27e-7", "2.42e-7"};
    const struct field *f = &e->field;
    real one = real_whole(f, 1), gamma = real_fraction(f, 3, 2), half = real_fraction(f, 1, 2);
    for (size_t k = 0; k < 4; k++) {
        char what[ITEM_TEXT];
        snprintf(what, sizeof what, "R_max / R_min - 1 for N = %zu", counts[k]);
        real times = range_of(f, counts[k], one), n = real_whole(f, (long)counts[k]);
        number_printed(e, what, real_div(times, n), printed[k]);
    }
    real limit = real_mul(half, real_sub(real_square(real_sinh(real_enclose(one))), one));
    number_printed(e, "limit of N (R_max / R_min - 1)", limit, "0.19055");
    real wide = real_mul(half, real_sub(real_square(real_sinh(real_enclose(gamma))), real_square(gamma)));
    number_printed(e, "limit with gamma = 1.5", wide, "1.1419");
    certify(e, "N (R_max / R_min - 1) <= 0.19055 for N = 512 x 512",
            real_sub(real_decimal(f, "0.19055"), range_of(f, 512 * 512, one)));
    must_fail(e, "the brake reaches 1e-6 for a 512 x 512 layer",
              real_sub(real_div(range_of(f, 512 * 512, one), real_whole(f, 512 * 512)), real_decimal(f, "1e-6")));
}

const struct claim claim_au_brake = {"AU-brake",
                                     "AuON",
                                     "\"emergency brake\": its whole range is 0.19 / N, 7.3e-7 for 512 x 512",
                                     "AuON arXiv 2509.24320; numbers ours",
                                     CLAIM_VACUOUS,
                                     "au_brake",
                                     run};
