/* The peer of the reference's matrix product: Arb's. Prints the seconds of one arb_mat_mul for each n given. */
#include <arb_mat.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    slong bits = argc > 1 ? atol(argv[1]) : 256;
    for (int k = 2; k < argc; k++) {
        slong n = atol(argv[k]);
        flint_rand_t state;
        arb_mat_t a, b, c;
        flint_randinit(state);
        arb_mat_init(a, n, n);
        arb_mat_init(b, n, n);
        arb_mat_init(c, n, n);
        for (slong i = 0; i < n; i++)
            for (slong j = 0; j < n; j++) {
                arb_urandom(arb_mat_entry(a, i, j), state, bits);
                arb_urandom(arb_mat_entry(b, i, j), state, bits);
                arb_get_mid_arb(arb_mat_entry(a, i, j), arb_mat_entry(a, i, j));
                arb_get_mid_arb(arb_mat_entry(b, i, j), arb_mat_entry(b, i, j));
            }
        double best = 1e300;
        for (int round = 0; round < 3; round++) {
            double started = now();
            arb_mat_mul(c, a, b, bits);
            double took = now() - started;
            best = took < best ? took : best;
        }
        printf("%.9g\n", best);
        arb_mat_clear(a);
        arb_mat_clear(b);
        arb_mat_clear(c);
        flint_randclear(state);
    }
    return 0;
}
