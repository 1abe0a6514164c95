/* assay bench fast: the speed of the fast kernels, beside that of the memory and of PyTorch. What has a shape and no other name
 * is five steps of Newton-Schulz. Kernels and PyTorch take turns, for processors have better and worse moments, shared ones
 * most of all: each figure is the median of several turns, each of which is the median of some runs. What the memory limits is
 * compared with the memory run by run. */
#include "bench.h"

#include "fast.h"
#include "kernels.h"
#include "team.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TURNS = 5,
    MOST_ROUNDS = 201,
    LEAST_ROUNDS = 3,
    SIDE = 4096,
    ROWS = 32 /* of a share */,
    STREAM_BYTES = 12 /* an entry */
};
static const double SECONDS = 0.5; /* for one median of runs */

static int compare(const void *x, const void *y)
{
    const double *a = x, *b = y;
    return (*a > *b) - (*a < *b);
}

/* Of at most MOST_ROUNDS. */
static double median(const double *times, size_t count)
{
    double sorted[MOST_ROUNDS];
    memcpy(sorted, times, count * sizeof *times);
    qsort(sorted, count, sizeof *sorted, compare);
    return sorted[count / 2];
}

struct timed {
    void (*run)(void *args);
    void *args;
    double seconds; /* the median time of run(args) */
};

/* Times all of them, which take turns, after one run of each that is not counted. */
static void take_times(struct timed *each, size_t count)
{
    double times[2][MOST_ROUNDS], started = bench_now(), begin;
    size_t rounds = 0;
    for (size_t k = 0; k < count; k++)
        each[k].run(each[k].args);
    while (rounds < LEAST_ROUNDS || (rounds < MOST_ROUNDS && bench_now() - started < SECONDS * (double)count)) {
        for (size_t k = 0; k < count; k++) {
            begin = bench_now();
            each[k].run(each[k].args);
            times[k][rounds] = bench_now() - begin;
        }
        rounds++;
    }
    for (size_t k = 0; k < count; k++)
        each[k].seconds = median(times[k], rounds);
}

static void *allocate(size_t count, size_t size)
{
    void *at = calloc(count ? count : 1, size);
    if (!at) {
        complain_usage("out of memory");
        exit(EXIT_USAGE);
    }
    return at;
}

/* Numbers between -1 and 1 that look random enough for a stopwatch. */
static float *numbers(size_t count)
{
    float *x = allocate(count, sizeof *x);
    unsigned long long state = 1;
    for (size_t k = 0; k < count; k++) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        x[k] = (float)(state >> 40) * 0x1p-23f - 1;
    }
    return x;
}

/* ---- what is measured ------------------------------------------------------------------------------------------ */

struct job {
    assay_fast_plan *plan;
    assay_fast_state state;
    float *grad;
    void *work;
    assay_status status;
};

static void run_iteration(void *pointer)
{
    struct job *j = pointer;
    j->status = assay_fast_newton_schulz(j->state.param, j->plan, j->grad, j->work);
}

static void run_step(void *pointer)
{
    struct job *j = pointer;
    j->status = assay_fast_step(&j->state, j->plan, &(assay_hyper){.lr = 1e-3, .momentum = 0.95, .weight_decay = 0.01},
                                j->grad, j->work);
}

static void run_momentum(void *pointer)
{
    struct job *j = pointer;
    j->status = assay_fast_momentum(j->state.momentum, NULL, j->plan, &(assay_hyper){.lr = 1e-3, .momentum = 0.95},
                                    j->state.momentum, j->grad, NULL, 1 + j->state.steps++, j->work);
}

/* a = a / 2 + b: what memory allows a pass that reads two arrays and writes one of them. */
struct stream {
    float *a, *b;
};

static void stream_share(struct team *team, void *pointer)
{
    struct stream *s = pointer;
    size_t share;
    while ((share = team_next(team)) < SIDE / ROWS)
        for (size_t k = share * ROWS * SIDE; k < (share + 1) * ROWS * SIDE; k++)
            s->a[k] = s->a[k] * 0.5f + s->b[k];
}

static void run_stream(void *pointer)
{
    team_run(team_processors(), stream_share, pointer);
}

/* The first PEERS of them PyTorch does, too; those with bytes for an entry are beside the stream. */
static const struct job_kind {
    const char *name;
    void (*run)(void *job);
    const char *dialect;
    enum assay_fast_arithmetic arithmetic;
    size_t shape[3];
    double bytes;
} kinds[] = {{"fp32 512^2", run_iteration, "jordan", ASSAY_FAST_FP32, {1, 512, 512}, 0},
             {"fp32 1024^2", run_iteration, "jordan", ASSAY_FAST_FP32, {1, 1024, 1024}, 0},
             {"bf16 1024^2", run_iteration, "jordan", ASSAY_FAST_BF16, {1, 1024, 1024}, 0},
             {"bf16 1024 x 4096", run_iteration, "jordan", ASSAY_FAST_BF16, {1, 1024, 4096}, 0},
             {"64 of 64^2", run_iteration, "jordan", ASSAY_FAST_FP32, {64, 64, 64}, 0},
             {"AuON 4096^2", run_step, "auon", ASSAY_FAST_AS_DIALECT, {1, SIDE, SIDE}, 28},
             {"momentum 4096^2", run_momentum, "auon", ASSAY_FAST_AS_DIALECT, {1, SIDE, SIDE}, 12}};
enum { AUON = 5, PEERS, MOMENTUM = PEERS, KINDS };

struct job_times {
    double job, stream; /* seconds; NAN if it fails, or has no stream beside it */
};

static struct job_times time_job(const struct job_kind *kind)
{
    struct assay_dialect d = *assay_dialect_find(kind->dialect);
    size_t n = kind->shape[0] * kind->shape[1] * kind->shape[2];
    assay_fast_options options = {.arithmetic = kind->arithmetic};
    struct job j = {0};
    if (d.nd != ASSAY_ND_ELEMENTWISE)
        d.nd = ASSAY_ND_BATCH;
    if (assay_fast_plan_new(&j.plan, &d, 3, kind->shape, &options) != ASSAY_OK)
        return (struct job_times){NAN, NAN};
    j.state = (assay_fast_state){numbers(n), numbers(n), allocate(assay_fast_moment_count(j.plan), sizeof(float)), 0};
    j.grad = numbers(n);
    j.work = allocate(assay_fast_work(j.plan), 1);
    size_t beside = kind->bytes > 0 ? (size_t)SIDE * SIDE : 0;
    struct stream s = {numbers(beside), numbers(beside)};
    struct timed timed[2] = {{kind->run, &j, NAN}, {run_stream, &s, NAN}};
    take_times(timed, beside ? 2 : 1);
    free(s.a);
    free(s.b);
    free(j.state.param);
    free(j.state.momentum);
    free(j.state.second_moment);
    free(j.grad);
    free(j.work);
    assay_fast_plan_free(j.plan);
    return (struct job_times){j.status == ASSAY_OK ? timed[0].seconds : NAN, timed[1].seconds};
}

/* ---- the peer --------------------------------------------------------------------------------------------------- */

static const char torch_script[] =
    "import time, torch\n"
    "torch.set_num_threads(%u)\n"
    "def ns(G, dtype):\n"
    "    a, b, c = 3.4445, -4.7750, 2.0315\n"
    "    X = G.to(dtype)\n"
    "    X = X / (X.norm() + 1e-7)\n"
    "    for _ in range(5):\n"
    "        A = X @ X.mT\n"
    "        X = a * X + (b * A + c * A @ A) @ X\n"
    "    return X\n"
    "def auon(p, m, g):\n"
    "    p.mul_(1 - 1e-5)\n"
    "    m.lerp_(g, 0.05)\n"
    "    u = g.lerp(m, 0.95)\n"
    "    x = u / (u.norm() + 1e-7)\n"
    "    p.add_(u / (torch.cosh(1.5 * x).square().mean().sqrt() + 1e-8), alpha=-1e-3)\n"
    "def median(f):\n"
    "    f(); times = []; began = time.perf_counter()\n"
    "    while len(times) < 3 or (len(times) < 201 and time.perf_counter() - began < 0.5):\n"
    "        t = time.perf_counter(); f(); times.append(time.perf_counter() - t)\n"
    "    print(sorted(times)[len(times) // 2], flush=True)\n"
    "with torch.no_grad():\n"
    "    for dtype, r, c in ((torch.float32, 512, 512), (torch.float32, 1024, 1024),\n"
    "                        (torch.bfloat16, 1024, 1024), (torch.bfloat16, 1024, 4096)):\n"
    "        G = torch.randn(r, c); median(lambda: ns(G, dtype))\n"
    "    many = [torch.randn(64, 64) for _ in range(64)]\n"
    "    median(lambda: [ns(G, torch.float32) for G in many])\n"
    "    p, m, g = (torch.randn(4096, 4096) for _ in range(3)); median(lambda: auon(p, m, g))\n";

static bool time_torch(double seconds[PEERS])
{
    char script[4096], command[8192];
    snprintf(script, sizeof script, torch_script, team_processors());
    snprintf(command, sizeof command, "%s -c '%s' 2>/dev/null", bench_python(), script);
    return bench_peer(command, seconds, PEERS) == PEERS;
}

static void add_comparison(report *r, const double *own, const double *peer)
{
    for (size_t k = 0; k < PEERS; k++) {
        char name[96];
        snprintf(name, sizeof name, "PyTorch %s", kinds[k].name);
        bench_time(r, name, peer[k]);
        snprintf(name, sizeof name, "  %s", kinds[k].name);
        bench_ratio(r, name, peer[k], own[k]);
    }
}

/* How much of the memory's speed it has. */
static void add_share(report *r, const struct job_kind *kind, const double *times, const double *streams)
{
    double shares[TURNS];
    char name[96];
    for (size_t t = 0; t < TURNS; t++)
        shares[t] = kind->bytes / times[t] / (STREAM_BYTES / streams[t]);
    snprintf(name, sizeof name, "  %s, %g B", kind->name, kind->bytes);
    report_add(r, name, json_sprintf("%.3g of that", median(shares, TURNS)));
}

int bench_fast(report *r, bool peers)
{
    double times[KINDS][TURNS], streams[KINDS][TURNS], peer_times[PEERS][TURNS], own[KINDS], peer[PEERS];
    report_add(r, "instructions", json_string(assay_fast_path_name(kernel_best_path())));
    bool torch = peers;
    for (size_t turn = 0; turn < TURNS; turn++) {
        for (size_t k = 0; k < KINDS; k++) {
            struct job_times t = time_job(&kinds[k]);
            times[k][turn] = t.job;
            streams[k][turn] = t.stream;
        }
        torch = torch && time_torch(peer);
        for (size_t k = 0; k < PEERS && torch; k++)
            peer_times[k][turn] = peer[k];
    }
    for (size_t k = 0; k < KINDS; k++) {
        own[k] = median(times[k], TURNS);
        bench_time(r, kinds[k].name, own[k]);
    }
    report_add(r, "memory",
               json_sprintf("%.3g GB/s", 1e-9 * STREAM_BYTES * SIDE * SIDE / median(streams[AUON], TURNS)));
    add_share(r, &kinds[AUON], times[AUON], streams[AUON]);
    add_share(r, &kinds[MOMENTUM], times[MOMENTUM], streams[MOMENTUM]);
    for (size_t k = 0; k < PEERS && torch; k++)
        peer[k] = median(peer_times[k], TURNS);
    if (torch)
        add_comparison(r, own, peer);
    else if (peers)
        report_add(r, "PyTorch", json_string("not to be had (Debian: python3-torch)"));
    return EXIT_PASS;
}
