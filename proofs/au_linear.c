#include "claim.h"

/* Operations of out = U / (sqrt(mean cosh(U)^2) + eps), U = G / (||G|| + eps): loops as they are written. */
static long count_cosh_rms(long n)
{
    long count = 0;
    for (long k = 0; k < n; k++)
        count += 1 + (k > 0); /* a square, a sum */
    count += 2;               /* the root, eps */
    for (long k = 0; k < n; k++)
        count++; /* a quotient */
    for (long k = 0; k < n; k++)
        count += 2 + (k > 0); /* cosh, a square, a sum */
    count += 3;               /* mean, root, eps */
    for (long k = 0; k < n; k++)
        count++; /* a quotient */
    return count;
}

/* Multiplications of the three products of X <- a X + (b G + c G^2) X, G = X X^T. */
static long count_quintic_step(long n)
{
    long count = 0;
    for (int product = 0; product < 3; product++)
        for (long i = 0; i < n; i++)
            for (long j = 0; j < n; j++)
                count += n;
    return count;
}

static void run(struct evidence *e)
{
    const struct field *f = &e->field;
    for (long n = 1; n <= 4096; n *= 4)
        certify_equal(e, "cosh-RMS: 7 N + 3 operations", real_whole(f, count_cosh_rms(n)), real_whole(f, 7 * n + 3));
    for (long n = 4; n <= 64; n *= 2)
        certify_equal(e, "one quintic step: 3 n^3 multiplications", real_whole(f, count_quintic_step(n)),
                      real_whole(f, 3 * n * n * n));
    must_fail(e, "a quintic step in 100 n^2 operations for n = 64",
              real_whole(f, 100 * 64 * 64 - count_quintic_step(64)));
}

const struct claim claim_au_linear = {
    "AU-linear",
    "AuON",
    "7 N + 3 operations for N entries; \"Newton-Schulz O(n^2)\" is false: 3 n^3 for a step",
    "AuON arXiv 2509.24320; counts ours",
    CLAIM_CHECKED,
    "au_linear",
    run};
