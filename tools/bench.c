/* assay bench: speed, with peers in the same run. */
#include "bench.h"

#include "product.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PRODUCT_BITS = 256 };

double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- what is measured ------------------------------------------------------------------------------------------ */

struct product_args {
    size_t n;
    int rounds;
    double best;     /* of `rounds` products */
    double fma_loop; /* one product as a loop of mpfr_fma; only if asked for by fma_loop < 0 */
};

static void fill(struct ball *a, gmp_randstate_t state)
{
    for (size_t k = 0; k < ball_count(a); k++)
        mpfr_urandomb(a->at + k, state);
}

static double time_fma_loop(struct ball *c, const struct ball *a, const struct ball *b)
{
    double started = bench_now();
    for (size_t i = 0; i < c->rows; i++)
        for (size_t j = 0; j < c->cols; j++) {
            mpfr_ptr x = ball_at(c, i, j);
            mpfr_set_zero(x, 1);
            for (size_t k = 0; k < a->cols; k++)
                mpfr_fma(x, ball_at(a, i, k), ball_at(b, k, j), x, MPFR_RNDN);
        }
    return bench_now() - started;
}

static void run_products(struct work *w, void *pointer)
{
    struct product_args *args = pointer;
    size_t n = args->n;
    struct ball *a = ball_new(w, n, n, PRODUCT_BITS), *b = ball_new(w, n, n, PRODUCT_BITS);
    struct ball *c = ball_new(w, n, n, PRODUCT_BITS);
    gmp_randstate_t state;
    gmp_randinit_default(state);
    fill(a, state);
    fill(b, state);
    gmp_randclear(state);
    args->best = INFINITY;
    for (int round = 0; round < args->rounds; round++) {
        double started = bench_now();
        product(w, c, a, b, PRODUCT_BITS + 16);
        args->best = fmin(args->best, bench_now() - started);
    }
    if (args->fma_loop < 0)
        args->fma_loop = time_fma_loop(c, a, b);
}

/* A matrix of sums of 12 uniform numbers, less 6: close enough to Gaussian for a stopwatch. */
static double *gaussian(size_t n)
{
    double *a = calloc(n * n, sizeof *a);
    unsigned long long state = n;
    for (size_t k = 0; a && k < n * n; k++) {
        a[k] = -6;
        for (int j = 0; j < 12; j++) {
            state = state * 6364136223846793005ULL + 1442695040888963407ULL;
            a[k] += (double)(state >> 11) * 0x1p-53;
        }
    }
    return a;
}

/* The best time of `rounds` certified polar factors; *radius_log2 of the last. Negative if it fails. */
static double time_polar(size_t n, unsigned bits, int rounds, long *radius_log2)
{
    double *a = gaussian(n), *hi = calloc(n * n, sizeof *hi), *lo = calloc(n * n, sizeof *lo), best = INFINITY;
    assay_status status = a && hi && lo ? ASSAY_OK : ASSAY_NO_MEMORY;
    for (int round = 0; round < rounds && status == ASSAY_OK; round++) {
        assay_answer q = {{hi, n, n, n}, {lo, n, n, n}, 0};
        assay_polar_info info;
        assay_options options = {.bits = bits};
        double started = bench_now();
        status = assay_ref_polar(&q, &info, (assay_input){a, n, n, n}, &options);
        best = fmin(best, bench_now() - started);
        *radius_log2 = info.radius_log2;
    }
    free(a);
    free(hi);
    free(lo);
    return status == ASSAY_OK ? best : -1;
}

/* ---- peers ----------------------------------------------------------------------------------------------------- */

size_t bench_peer(const char *command, double *numbers, size_t most)
{
    size_t count = 0;
    FILE *pipe = popen(command, "r");
    while (pipe && count < most && fscanf(pipe, "%lf", &numbers[count]) == 1)
        count++;
    return pipe && pclose(pipe) == 0 ? count : 0;
}

/* The folder of this program, with a slash. */
static void own_folder(char *folder, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", folder, size - 1);
    folder[length < 0 ? 0 : length] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[1] = '\0';
}

static const char mpmath_script[] = "import time, random\n"
                                    "from mpmath import mp, matrix, svd_r\n"
                                    "mp.prec = 256; random.seed(1)\n"
                                    "a = matrix(48, 48)\n"
                                    "for i in range(48):\n"
                                    "    for j in range(48): a[i, j] = mp.mpf(random.gauss(0, 1))\n"
                                    "t = time.time(); svd_r(a); print(time.time() - t)\n";

const char *bench_python(void)
{
    return access("/usr/bin/python3", X_OK) == 0 ? "/usr/bin/python3" : "python3";
}

static double time_mpmath(void)
{
    char command[2048];
    double seconds;
    snprintf(command, sizeof command, "%s -c '%s' 2>/dev/null", bench_python(), mpmath_script);
    return bench_peer(command, &seconds, 1) == 1 ? seconds : -1;
}

/* ---- the command ------------------------------------------------------------------------------------------------ */

void bench_time(report *r, const char *what, double seconds)
{
    report_add(r, what, seconds < 0 ? json_string("not to be had") : json_sprintf("%.4g s", seconds));
}

void bench_ratio(report *r, const char *what, double peer, double own)
{
    if (peer > 0 && own > 0)
        report_add(r, what, json_sprintf("%.3g times as fast", peer / own));
}

static int bench_ref(report *r, bool peers)
{
    static const size_t sizes[] = {256, 512, 1024};
    double products[3], flint[2], fma = -1;
    for (size_t k = 0; k < 3; k++) {
        struct product_args args = {sizes[k], k == 0 ? 25 : k == 1 ? 9 : 3, 0, k == 0 && peers ? -1 : 0};
        char name[64];
        if (work_run(NULL, run_products, &args) != ASSAY_OK)
            return complain_usage("out of memory");
        products[k] = args.best;
        fma = k == 0 ? args.fma_loop : fma;
        snprintf(name, sizeof name, "product %zu, 256 bits", sizes[k]);
        bench_time(r, name, args.best);
    }
    static const struct {
        size_t n;
        unsigned bits;
        int rounds;
    } polars[] = {{48, 256, 41}, {256, 256, 2}, {1024, 0, 1}};
    double small = -1;
    for (size_t k = 0; k < 3; k++) {
        char name[64];
        long radius = 0;
        double seconds = time_polar(polars[k].n, polars[k].bits, polars[k].rounds, &radius);
        snprintf(name, sizeof name, "polar %zu, radius 2^%ld", polars[k].n, radius);
        bench_time(r, name, seconds);
        small = k == 0 ? seconds : small;
    }
    if (!peers)
        return EXIT_PASS;
    bench_time(r, "mpfr_fma loop 256", fma);
    bench_ratio(r, "  product 256", fma, products[0]);
    char folder[4096], command[4200];
    own_folder(folder, sizeof folder);
    snprintf(command, sizeof command, "'%sassay-peer-flint' %d 512 1024 2>/dev/null", folder, PRODUCT_BITS);
    size_t found = bench_peer(command, flint, 2);
    bench_time(r, "arb_mat_mul 512", found == 2 ? flint[0] : -1);
    bench_ratio(r, "  product 512", found == 2 ? flint[0] : -1, products[1]);
    bench_time(r, "arb_mat_mul 1024", found == 2 ? flint[1] : -1);
    bench_ratio(r, "  product 1024", found == 2 ? flint[1] : -1, products[2]);
    double mpmath = time_mpmath();
    bench_time(r, "mpmath svd_r 48", mpmath);
    bench_ratio(r, "  polar 48", mpmath, small);
    return EXIT_PASS;
}

int run_bench(int argc, char **argv)
{
    bool peers = false, help = false;
    const char *file = NULL;
    const struct option options[] = {
        {"peers", 0, NULL, &peers, NULL, NULL, "measure others too: MPFR, FLINT/Arb and mpmath; PyTorch"},
        {"json", 0, &file, NULL, NULL, NULL, "write the figures to this file"},
        {"help", 'h', NULL, &help, NULL, NULL, "print this"},
    };
    int words = parse_options(argc, argv, options, 3);
    if (words < 0)
        return EXIT_USAGE;
    if (help) {
        puts("usage: assay bench [ref|fast] [options]\n\nMeasures the reference (best of several runs each) or the "
             "fast kernels (medians).\n");
        print_options(options, 3);
        return EXIT_PASS;
    }
    bool fast = words == 1 && strcmp(argv[0], "fast") == 0;
    if (words > 1 || (words == 1 && !fast && strcmp(argv[0], "ref") != 0))
        return complain_usage("bench measures 'ref' or 'fast'");
    report *r = json_object();
    report_add(r, "BLAS core", json_string(openblas_get_corename()));
    report_add(r, "BLAS threads", json_integer(openblas_get_num_threads()));
    int code = fast ? bench_fast(r, peers) : bench_ref(r, peers);
    if (code == EXIT_PASS && file && json_dump_file(r, file, JSON_INDENT(2)) != 0)
        code = complain_usage("%s: cannot be written", file);
    if (!report_print(r, false))
        code = complain_usage("standard output cannot be written");
    return code;
}
