#include "claim.h"
#include "problems.h"

static void run(struct evidence *e)
{
    const struct field *f = &e->field;
    for (size_t r = 2; r <= 8; r *= 2) {
        struct problem p = problem_new(f, PROBLEM_DISTANCE, r, r, 1);
        real rho = real_square(norm_rho(ASSAY_NORM_SPECTRAL, f, r, r)), dimension = real_whole(f, (long)r);
        real spectral = real_div(real_mul(problem_smoothness(&p, ASSAY_NORM_SPECTRAL), rho), real_square(dimension));
        certify_equal(e, "L_spec rho^2 / (sqrt r)^4 = L_F", spectral, problem_smoothness(&p, ASSAY_NORM_FROBENIUS));
    }
    struct problem p = problem_new(f, PROBLEM_DISTANCE, 8, 8, 1);
    real ratio = real_div(real_mul(problem_smoothness(&p, ASSAY_NORM_SPECTRAL), real_whole(f, 8)), real_whole(f, 64));
    number(e, "bound of Muon over bound of normalised SGD, f = ||X||_F^2 / 2, 8 x 8", ratio);
}

const struct claim claim_ke_dimension = {
    "KE-dimension",
    "Kovalev: expectations, all paths enumerated",
    "theorem 2's eps^-4 term is the same for Muon and for normalised SGD where L_spec = r L_F",
    "ours",
    CLAIM_VACUOUS,
    "ke_dimension",
    run};
