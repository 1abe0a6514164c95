/* assay explain [G.npy | --example NAME]: the trust-region picture of one matrix. */
#include "command.h"
#include "plot.h"
#include "tensor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A larger matrix would be no picture. */
enum { MOST = 32, STEPS = 5, NORM_COUNT = ASSAY_NORM_ROW + 1 };

struct matrix_picture {
    size_t rows, cols, count;    /* count = min(rows, cols) */
    double g[MOST * MOST], size; /* the gradient, and its Frobenius norm */
    double s[MOST];              /* its singular values */
    size_t rank;
    double steps[STEPS + 1][MOST]; /* of G / (||G||_F + 1e-7), and after each Newton-Schulz step */
    double auon[MOST];             /* of AuON's update */
    double best[NORM_COUNT][MOST * MOST], dual[NORM_COUNT], gap[NORM_COUNT];
    bool unique[NORM_COUNT];
};

/* ---- examples ------------------------------------------------------------------------------------------------ */

static const struct example {
    const char *name, *what;
    size_t rows, cols;
    double at[16];
} examples[] = {
    {"rank-one", "one direction alone: every row is a multiple of (3, 4)", 3, 2, {3, 4, 6, 8, 6, 8}},
    {"diagonal", "two directions, one twice as strong", 2, 2, {2, 0, 0, 1}},
    {"ill-conditioned", "one strong direction, one a thousand times weaker", 2, 2, {100, 0, 0, 0.1}},
    {"rotation", "all directions equally strong", 2, 2, {3, -4, 4, 3}},
    {"spike", "one entry far larger than the others", 3, 3, {0.1, -0.2, 0.1, 0.2, 9, -0.1, -0.1, 0.1, 0.3}},
    {"mixed", "three directions of different strength", 3, 4, {4, 1, -2, 0, 1, 3, 0, 1, -1, 2, 5, 2}},
};
enum { EXAMPLES = sizeof examples / sizeof examples[0] };

static bool load_example(struct matrix_picture *p, const char *name)
{
    for (size_t k = 0; k < EXAMPLES; k++)
        if (strcmp(examples[k].name, name) == 0) {
            p->rows = examples[k].rows;
            p->cols = examples[k].cols;
            memcpy(p->g, examples[k].at, p->rows * p->cols * sizeof(double));
            printf("The example \"%s\": %s.\n\n", name, examples[k].what);
            return true;
        }
    complain_usage("there is no example '%s' (assay explain --help lists them)", name);
    return false;
}

static bool load_file(struct matrix_picture *p, const char *path)
{
    struct tensor_file file;
    char message[ASSAY_MESSAGE_SIZE];
    if (tensors_read(&file, path, message, sizeof message) != ASSAY_OK) {
        complain_usage("%s", message);
        return false;
    }
    const struct tensor *t = &file.tensors[0];
    bool fits = file.count == 1 && t->ndim == 2 && t->count > 0 && t->shape[0] <= MOST && t->shape[1] <= MOST;
    if (fits) {
        p->rows = t->shape[0];
        p->cols = t->shape[1];
        memcpy(p->g, t->at, t->count * sizeof(double));
    } else {
        complain_usage("%s: explain takes one matrix, of at most %d x %d", path, MOST, MOST);
    }
    tensors_free(&file);
    return fits;
}

/* ---- computing ----------------------------------------------------------------------------------------------- */

static assay_input view(const struct matrix_picture *p, const double *at)
{
    return (assay_input){at, p->rows, p->cols, p->cols};
}

static assay_status spectrum(double *s, size_t *rank, const struct matrix_picture *p, const double *at,
                             const assay_options *options)
{
    double lo[MOST];
    assay_answer answer = {{s, 1, p->count, p->count}, {lo, 1, p->count, p->count}, 0};
    assay_svd_info info;
    assay_status status = assay_ref_svd(&answer, NULL, NULL, &info, view(p, at), options);
    if (status == ASSAY_OK && rank)
        *rank = info.rank;
    return status;
}

/* The singular values of G after `steps` Newton-Schulz steps; after none, of the normalised G. */
static assay_status newton_schulz_spectrum(double *s, const struct matrix_picture *p, unsigned steps,
                                           const assay_options *options)
{
    double hi[MOST * MOST], lo[MOST * MOST];
    struct assay_dialect d = *assay_dialect_find("jordan");
    assay_tensor g = {p->g, 2, {p->rows, p->cols}};
    assay_tensor_answer o = {hi, lo, 0};
    d.steps = steps;
    if (steps == 0) {
        for (size_t k = 0; k < p->count; k++)
            s[k] = p->s[k] / (p->size + 1e-7);
        return ASSAY_OK;
    }
    assay_status status = assay_ref_newton_schulz(&o, &d, g, options);
    return status == ASSAY_OK ? spectrum(s, NULL, p, hi, options) : status;
}

static assay_status auon_spectrum(double *s, const struct matrix_picture *p, const assay_options *options)
{
    double hi[MOST * MOST], lo[MOST * MOST];
    assay_tensor_answer o = {hi, lo, 0};
    assay_tensor g = {p->g, 2, {p->rows, p->cols}};
    assay_status status = assay_ref_cosh_rms(&o, assay_dialect_find("auon-paper"), g, options);
    return status == ASSAY_OK ? spectrum(s, NULL, p, hi, options) : status;
}

static assay_status best_step(struct matrix_picture *p, enum assay_norm norm, const assay_options *options)
{
    double lo[MOST * MOST];
    assay_answer d = {{p->best[norm], p->rows, p->cols, p->cols}, {lo, p->rows, p->cols, p->cols}, 0};
    assay_lmo_info info;
    assay_status status = assay_ref_lmo(&d, &info, norm, 1, view(p, p->g), options);
    if (status != ASSAY_OK)
        return status;
    p->dual[norm] = info.dual[1];
    p->gap[norm] = info.gap;
    p->unique[norm] = info.unique;
    return ASSAY_OK;
}

static assay_status compute(struct matrix_picture *p, const assay_options *options)
{
    p->count = p->rows < p->cols ? p->rows : p->cols;
    assay_status status = spectrum(p->s, &p->rank, p, p->g, options);
    if (status == ASSAY_OK)
        status = best_step(p, ASSAY_NORM_FROBENIUS, options);
    p->size = p->dual[ASSAY_NORM_FROBENIUS];
    for (unsigned k = 0; k <= STEPS && status == ASSAY_OK; k++)
        status = newton_schulz_spectrum(p->steps[k], p, k, options);
    if (status == ASSAY_OK)
        status = auon_spectrum(p->auon, p, options);
    for (int norm = 0; norm < NORM_COUNT && status == ASSAY_OK; norm++)
        status = best_step(p, (enum assay_norm)norm, options);
    return status;
}

/* ---- in words ------------------------------------------------------------------------------------------------ */

static void print_matrix(const struct matrix_picture *p, const double *at, const char *indent)
{
    for (size_t i = 0; i < p->rows && i < 8; i++) {
        fputs(indent, stdout);
        for (size_t j = 0; j < p->cols && j < 8; j++)
            printf("%10.4g", at[i * p->cols + j] + 0.);
        puts(p->cols > 8 ? "  ..." : "");
    }
    if (p->rows > 8)
        printf("%s       ...\n", indent);
}

static void print_spectrum(const double *s, size_t count, double full)
{
    static const char bar[] = "########################################";
    for (size_t k = 0; k < count && k < 12; k++) {
        int length = full > 0 ? (int)lround(30 * s[k] / full) : 0;
        printf("    %-11.5g %.*s\n", s[k], length > 40 ? 40 : length, bar);
    }
    if (count > 12)
        puts("    ...");
}

static void explain_gradient(const struct matrix_picture *p)
{
    printf("1. The gradient\n\n"
           "G is a %zu x %zu matrix: one number for each weight. A step D changes the loss by about <G, D>, the sum of "
           "the\n"
           "products of their entries; the loss falls where <G, D> is negative.\n\n",
           p->rows, p->cols);
    print_matrix(p, p->g, "  ");
    printf("\nAs a map, G stretches some directions more than others. Its singular values say by how much:\n\n");
    print_spectrum(p->s, p->count, p->s[0]);
    if (p->rank == 0)
        puts("\nAll of them are 0: the gradient is zero, and no step is better than another.");
    else if (p->rank < p->count)
        printf(
            "\nOnly %zu of the %zu %s not zero: the gradient speaks about %zu direction%s, and says nothing about the "
            "rest.\n",
            p->rank, p->count, p->rank == 1 ? "is" : "are", p->rank, p->rank == 1 ? "" : "s");
    else
        printf("\nThe strongest direction is %.4g times as strong as the weakest (the condition number).\n",
               p->s[0] / p->s[p->count - 1]);
}

static const struct norm_words {
    const char *name, *ball, *step, *who, *dual;
} words[NORM_COUNT] = {
    [ASSAY_NORM_SPECTRAL] = {"spectral", "no direction is stretched by more than 1",
                             "moves against every direction that G speaks about, all equally", "Muon",
                             "the sum of the singular values"},
    [ASSAY_NORM_FROBENIUS] = {"Frobenius", "the squares of the entries sum to at most 1", "is -G, scaled",
                              "normalised SGD", "the root of the sum of the squares"},
    [ASSAY_NORM_MAX] = {"max", "no entry is larger than 1", "moves every entry by 1, against its sign in G",
                        "signSGD, Lion, nearly Adam", "the sum of the entries, signs aside"},
    [ASSAY_NORM_RMS] = {"RMS", "inputs of typical size 1 change outputs by at most 1",
                        "is the spectral one, scaled by the shape", "Scion, inner layers",
                        "sqrt(rows / columns) times the spectral one"},
    [ASSAY_NORM_NUCLEAR] = {"nuclear", "the singular values sum to at most 1",
                            "moves against the strongest direction alone", "Frank-Wolfe for low rank",
                            "the largest singular value"},
    [ASSAY_NORM_SUM] = {"sum", "the entries sum to at most 1, signs aside", "moves the largest entry alone",
                        "coordinate descent", "the largest entry, its sign aside"},
    [ASSAY_NORM_COLUMN] = {"column", "every column has length at most sqrt(rows)",
                           "has -G's columns, all made equally long", "Scion, embeddings",
                           "sqrt(rows) times the sum of the columns' lengths"},
    [ASSAY_NORM_ROW] = {"row", "every row has length at most 1 / sqrt(columns)", "has -G's rows, all made equally long",
                        "Scion, last layer", "the sum of the rows' lengths over sqrt(columns)"},
};

/* The sum of products; for people, who are shown four digits. */
static double inner(const struct matrix_picture *p, const double *d)
{
    double sum = 0;
    for (size_t k = 0; k < p->rows * p->cols; k++)
        sum += p->g[k] * d[k];
    return sum;
}

static void explain_steps(const struct matrix_picture *p)
{
    puts("\n2. The best step, if steps may have size 1\n\n"
         "The loss is known only near where we stand, so the step is kept small: inside a ball, the trust region.\n"
         "Which step inside the ball makes <G, D> least? What answers is called the linear minimisation oracle\n"
         "(LMO); the optimizer takes its answer times the learning rate. The answer depends on how size is\n"
         "measured, and each familiar optimizer is one way to measure. No step in the ball brings <G, D> below\n"
         "minus the dual norm of G, for which each way of measuring has a formula of its own; so a step that\n"
         "reaches it is proved to be best.\n");
    for (int k = 0; k < NORM_COUNT; k++) {
        const struct norm_words *w = &words[k];
        char proof[40] = "exactly";
        if (p->gap[k] > 0)
            snprintf(proof, sizeof proof, "certified to 2^%d", ilogb(p->gap[k]) + 1);
        printf("  %s ball: %s.\n    The best step %s (%s).\n    <G, D> = %.6g; the dual norm is %.6g (%s), %s.\n",
               w->name, w->ball, w->step, w->who, inner(p, p->best[k]), p->dual[k], proof, w->dual);
        if (!p->unique[k])
            puts("    It is not the only one: G leaves something free, and the smallest of the best is taken.");
        if (k == ASSAY_NORM_SPECTRAL || k == ASSAY_NORM_FROBENIUS || k == ASSAY_NORM_MAX)
            print_matrix(p, p->best[k], "    ");
        puts("");
    }
    if (p->rank == 0)
        return;
    double shrunk = p->size * (p->size / p->s[0]), best = p->dual[ASSAY_NORM_SPECTRAL];
    printf("In the spectral ball the best step lowers the loss by about %.4g; -G itself, shrunk until it fits (its "
           "largest "
           "singular\n"
           "value 1), by %.4g. ",
           best, shrunk);
    puts(best > shrunk * (1 + 1e-9)
             ? "The difference is what Muon is about: G spends its size on what is strong already."
             : "They are the same here: all the directions that G speaks about are equally strong,\nand there is "
               "nothing to even out.");
}

static void explain_newton_schulz(const struct matrix_picture *p)
{
    puts("\n3. How Muon gets there: five Newton-Schulz steps\n\n"
         "Every matrix is G = U S V^T: rotations U and V around its singular values S. The spectral step is\n"
         "-U V^T, which is -G with every singular value but 0 replaced by 1. Muon does not compute singular values.\n"
         "It divides G by its length (its Frobenius norm) and applies, five times, the polynomial\n"
         "p(x) = 3.4445 x - 4.7750 x^3 + 2.0315 x^5, which needs matrix products only and acts on each singular\n"
         "value by itself:\n");
    printf("    %-11s", "start");
    for (int k = 1; k <= STEPS; k++)
        printf("step %-6d", k);
    puts("goal");
    for (size_t j = 0; j < p->count && j < 12; j++) {
        printf("    ");
        for (int k = 0; k <= STEPS; k++)
            printf("%-10.4f ", p->steps[k][j]);
        printf("%d\n", p->s[j] > 0);
    }
    puts("\n(Sorted in every column.) They do not settle at 1: they grow to 1.2024 at most, and then wander between\n"
         "0.6818 and 1.1344. For 1 is no fixed point of p, and the iteration ends on a cycle of four numbers (assay\n"
         "prove NS-cycle --explain). A singular value below 0.0015 of the length of G does not get there in five\n"
         "steps (NS-five), and a zero stays zero.");
}

static void explain_auon(const struct matrix_picture *p)
{
    puts("\n4. What AuON makes of it\n\n"
         "AuON divides G by its length, and then by the root mean square of the hyperbolic cosines of the entries. "
         "Both are single\n"
         "numbers, so every singular value shrinks by the same factor:\n");
    print_spectrum(p->auon, p->count, p->s[0] > 0 ? p->auon[0] : 0);
    if (p->rank > 0) {
        double length = 0;
        for (size_t k = 0; k < p->count; k++)
            length += p->auon[k] * p->auon[k];
        printf(
            "\nThe ratio of its largest to its least nonzero singular value is %.4g, as before: %.4g. Its length is\n"
            "%.6g: but for the sign it is the Frobenius step above, up to %.2g (assay prove AU-sgd --explain):\n"
            "normalised SGD with momentum rather than Muon.\n",
            p->auon[0] / p->auon[p->rank - 1], p->s[0] / p->s[p->rank - 1], sqrt(length), 1 - sqrt(length));
    }
}

/* ---- the plot ------------------------------------------------------------------------------------------------ */

static bool draw(const struct matrix_picture *p, const char *path)
{
    struct plot plot;
    if (!plot_begin(&plot, path, 900, 420))
        return false;
    fputs("$spectra << E\n", plot.to);
    for (size_t k = 0; k < p->count; k++)
        fprintf(plot.to, "%zu %.9g %d %.9g %.9g\n", k + 1, p->steps[0][k], p->s[k] > 0, p->steps[STEPS][k], p->auon[k]);
    fputs("E\n", plot.to);
    for (size_t k = 0; k < p->count && k < 8; k++) {
        fprintf(plot.to, "$path%zu << E\n", k);
        for (int j = 0; j <= STEPS; j++)
            fprintf(plot.to, "%d %.9g\n", j, p->steps[j][k]);
        fputs("E\n", plot.to);
    }
    fputs("set multiplot layout 1,2\nset yrange [0:1.3]\nset style data histogram\nset style histogram clustered\n"
          "set style fill solid 0.7\nset key outside below noenhanced\nset title 'Singular values'\n"
          "plot $spectra using 2:xtic(1) title 'G / ||G||', '' using 3 title 'U V^T', '' using 4 title 'five "
          "Newton-Schulz steps', "
          "'' using 5 title 'AuON'\n"
          "set title 'Newton-Schulz, step by step'\nset xlabel 'step'\nset xrange [0:5]\nplot ",
          plot.to);
    for (size_t k = 0; k < p->count && k < 8; k++)
        fprintf(plot.to, "$path%zu with linespoints title 'no. %zu by size', ", k, k + 1);
    fputs("1 with lines dashtype 2 title 'goal'\nunset multiplot\n", plot.to);
    return plot_end(&plot);
}

/* ---- the command --------------------------------------------------------------------------------------------- */

static int explain(struct matrix_picture *p, const char *plot)
{
    char message[ASSAY_MESSAGE_SIZE] = "";
    const assay_options options = {.message = message, .message_size = sizeof message};
    assay_status status = compute(p, &options);
    if (status != ASSAY_OK) {
        complain_usage("%s", message);
        return exit_code_of(status);
    }
    explain_gradient(p);
    explain_steps(p);
    explain_newton_schulz(p);
    explain_auon(p);
    if (fflush(stdout) != 0)
        return complain_usage("standard output cannot be written");
    return !plot || draw(p, plot) ? EXIT_PASS : EXIT_USAGE;
}

int run_explain(int argc, char **argv)
{
    const char *example = NULL, *plot = NULL;
    bool help = false;
    const struct option options[] = {
        {"example", 0, &example, NULL, NULL, NULL, "explain a built-in matrix"},
        {"plot", 0, &plot, NULL, NULL, NULL, "write the singular values to this SVG file (takes gnuplot)"},
        {"help", 'h', NULL, &help, NULL, NULL, "print this"},
    };
    int left = parse_options(argc, argv, options, sizeof options / sizeof options[0]);
    if (left < 0)
        return EXIT_USAGE;
    if (help) {
        puts("usage: assay explain [G.npy | --example NAME] [options]\n\nTells the trust-region picture of one small "
             "matrix: what "
             "its best step is in each norm, what Muon's\nNewton-Schulz steps and AuON make of it. Numbers are "
             "certified by the "
             "reference.\n\noptions:");
        print_options(options, sizeof options / sizeof options[0]);
        puts("\nexamples:");
        for (size_t k = 0; k < EXAMPLES; k++)
            printf("  %-24s %s\n", examples[k].name, examples[k].what);
        return EXIT_PASS;
    }
    if (left > 1 || (left == 1 && example))
        return complain_usage("explain takes one matrix: a file or --example NAME");
    struct matrix_picture *p = calloc(1, sizeof *p);
    if (!p)
        return complain_usage("out of memory");
    bool loaded = left == 1 ? load_file(p, argv[0]) : load_example(p, example ? example : "mixed");
    int code = loaded ? explain(p, plot) : EXIT_USAGE;
    free(p);
    return code;
}
