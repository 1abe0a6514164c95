#include "matrices.h"

#include <float.h>
#include <math.h>
#include <string.h>

size_t smaller(size_t x, size_t y)
{
    return x < y ? x : y;
}

size_t side_of(const struct matrix *a)
{
    return smaller(a->rows, a->cols);
}

assay_input input(const struct matrix *a)
{
    return (assay_input){a->at, a->rows, a->cols, a->cols};
}

assay_answer output(struct pair *p, size_t rows, size_t cols)
{
    return (assay_answer){{p->hi, rows, cols, cols}, {p->lo, rows, cols, cols}, NAN};
}

bool same_pairs(const struct pair *x, const struct pair *y, size_t count)
{
    return memcmp(x->hi, y->hi, count * sizeof(double)) == 0 && memcmp(x->lo, y->lo, count * sizeof(double)) == 0 &&
           x->radius == y->radius;
}

/* ---- kinds of matrices ------------------------------------------------------------------------------------------ */

double small_integer(uint64_t *state, int most)
{
    return (double)random_below(state, 2 * (size_t)most + 1) - most;
}

void set_shape(struct matrix *a, size_t rows, size_t cols)
{
    a->rows = rows;
    a->cols = cols;
    memset(a->at, 0, rows * cols * sizeof(double));
}

/* Sides from 1 to `most`, small ones more often. */
void random_shape(uint64_t *state, struct matrix *a, size_t most)
{
    size_t limit = 1 + random_below(state, most);
    set_shape(a, 1 + random_below(state, limit), 1 + random_below(state, limit));
}

double *entry(struct matrix *a, size_t i, size_t j)
{
    return &a->at[i * a->cols + j];
}

void transpose(struct matrix *a)
{
    static struct matrix b;
    b = *a;
    a->rows = b.cols;
    a->cols = b.rows;
    for (size_t i = 0; i < b.rows; i++)
        for (size_t j = 0; j < b.cols; j++)
            *entry(a, j, i) = b.at[i * b.cols + j];
}

void random_order(uint64_t *state, size_t *order, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        size_t l = random_below(state, k + 1);
        order[k] = order[l];
        order[l] = k;
    }
}

/* Permutes rows and columns, and transposes every other time. */
void shuffle(uint64_t *state, struct matrix *a)
{
    static struct matrix b;
    size_t rows[MOST_SIDE], cols[MOST_SIDE];
    b = *a;
    random_order(state, rows, a->rows);
    random_order(state, cols, a->cols);
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = 0; j < a->cols; j++)
            *entry(a, rows[i], cols[j]) = b.at[i * b.cols + j];
    if (random_below(state, 2))
        transpose(a);
}

static void make_gaussian(uint64_t *state, struct matrix *a)
{
    random_shape(state, a, 12);
    random_matrix(state, a->at, a->rows * a->cols);
}

static void make_integer(uint64_t *state, struct matrix *a)
{
    random_shape(state, a, 10);
    for (size_t k = 0; k < a->rows * a->cols; k++)
        a->at[k] = small_integer(state, 4);
}

static void make_ternary(uint64_t *state, struct matrix *a)
{
    random_shape(state, a, 7);
    for (size_t k = 0; k < a->rows * a->cols; k++)
        a->at[k] = small_integer(state, 1);
}

/* A product of integer matrices of inner size r: rank at most r. */
static void make_deficient(uint64_t *state, struct matrix *a)
{
    static double left[MOST], right[MOST];
    random_shape(state, a, 9);
    size_t r = random_below(state, side_of(a) + 1);
    for (size_t k = 0; k < a->rows * r; k++)
        left[k] = small_integer(state, 3);
    for (size_t k = 0; k < r * a->cols; k++)
        right[k] = small_integer(state, 3);
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = 0; j < a->cols; j++)
            for (size_t l = 0; l < r; l++)
                *entry(a, i, j) += left[i * r + l] * right[l * a->cols + j];
}

/* The same with one entry moved a little: full rank again, or one rank more, and hardly so. */
static void make_nearly_deficient(uint64_t *state, struct matrix *a)
{
    make_deficient(state, a);
    *entry(a, 0, 0) += ldexp(1, -10 - (int)random_below(state, 36));
    shuffle(state, a);
}

/* Rows that repeat others, up to factors of two, and rows and columns of zeros. */
static void make_duplicates(uint64_t *state, struct matrix *a)
{
    random_shape(state, a, 7);
    random_matrix(state, a->at, a->rows * a->cols);
    for (size_t i = 1; i < a->rows; i++) {
        size_t from = random_below(state, 2 * i);
        for (size_t j = 0; j < a->cols && from < i; j++)
            *entry(a, i, j) = ldexp(*entry(a, from, j), (int)(i % 2));
    }
    size_t zero_row = random_below(state, 2 * a->rows), zero_col = random_below(state, 2 * a->cols);
    for (size_t j = 0; j < a->cols && zero_row < a->rows; j++)
        *entry(a, zero_row, j) = 0;
    for (size_t i = 0; i < a->rows && zero_col < a->cols; i++)
        *entry(a, i, zero_col) = 0;
    shuffle(state, a);
}

/* Blocks of integers or of reals along the diagonal. */
static void make_blocks(uint64_t *state, struct matrix *a)
{
    size_t blocks = 2 + random_below(state, 3), from_row = 0, from_col = 0;
    set_shape(a, 3 * blocks, 3 * blocks);
    for (size_t b = 0; b < blocks; b++) {
        size_t rows = 1 + random_below(state, 3), cols = 1 + random_below(state, 3);
        bool integers = random_below(state, 2);
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < cols; j++)
                *entry(a, from_row + i, from_col + j) = integers ? small_integer(state, 3) : random_gaussian(state);
        from_row += rows;
        from_col += cols;
    }
    shuffle(state, a);
}

static void make_skew(uint64_t *state, struct matrix *a)
{
    size_t n = 2 + random_below(state, 6);
    bool integers = random_below(state, 2);
    set_shape(a, n, n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) {
            double x = integers ? small_integer(state, 5) : random_gaussian(state);
            *entry(a, i, j) = x;
            *entry(a, j, i) = -x;
        }
}

static void make_circulant(uint64_t *state, struct matrix *a)
{
    size_t n = 2 + random_below(state, 6);
    int sign = random_below(state, 2) ? 1 : -1;
    set_shape(a, n, n);
    for (size_t k = 0; k < n; k++) {
        double x = small_integer(state, 6);
        for (size_t i = 0; i < n; i++) /* skew-circulant for -1 */
            *entry(a, i, (i + k) % n) = i + k < n ? x : sign * x;
    }
}

/* One column, one row, one entry; of the exponents that binary64 has. */
static void make_thin(uint64_t *state, struct matrix *a)
{
    size_t n = 1 + random_below(state, 12);
    set_shape(a, n, 1);
    for (size_t i = 0; i < n; i++)
        a->at[i] = random_below(state, 5) ? ldexp(random_gaussian(state), (int)random_below(state, 2000) - 1060) : 0;
    if (random_below(state, 2))
        transpose(a);
}

/* Entries of any exponent whatever. */
static void make_wild(uint64_t *state, struct matrix *a)
{
    random_shape(state, a, 3);
    for (size_t k = 0; k < a->rows * a->cols; k++)
        a->at[k] = ldexp(random_gaussian(state), (int)random_below(state, 2050) - 1070);
}

/* Subnormal numbers only, or numbers near the largest. */
static void make_extreme(uint64_t *state, struct matrix *a)
{
    random_shape(state, a, 5);
    int exponent = random_below(state, 2) ? -1072 : 1000;
    for (size_t k = 0; k < a->rows * a->cols; k++)
        a->at[k] = ldexp(small_integer(state, 3000), exponent - (exponent > 0 ? 0 : 2));
}

/* Rows, or columns, or both, graded from 1 to 2^-most: condition numbers of about 2^most. */
static void grade(uint64_t *state, struct matrix *a, int most)
{
    size_t way = random_below(state, 3);
    int steps = (int)(a->rows > a->cols ? a->rows : a->cols);
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = 0; j < a->cols; j++) {
            int place = way == 0 ? 2 * (int)i : way == 1 ? 2 * (int)j : (int)(i + j);
            *entry(a, i, j) = ldexp(random_gaussian(state), steps > 1 ? -most * place / (2 * (steps - 1)) : 0);
        }
}

static void make_graded_30(uint64_t *state, struct matrix *a)
{
    random_shape(state, a, 10);
    grade(state, a, 100);
}

static void make_graded_100(uint64_t *state, struct matrix *a)
{
    random_shape(state, a, 6);
    grade(state, a, 332);
}

static void make_graded_300(uint64_t *state, struct matrix *a)
{
    random_shape(state, a, 4);
    grade(state, a, 997);
}

static void make_hilbert(uint64_t *state, struct matrix *a)
{
    random_shape(state, a, 11);
    size_t from = random_below(state, 3);
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = 0; j < a->cols; j++)
            *entry(a, i, j) = 1 / (double)(i + j + 1 + from);
}

static void make_kahan(uint64_t *state, struct matrix *a)
{
    size_t n = 2 + random_below(state, 10);
    double c = 0.2 + 0.7 * random_uniform(state), s = sqrt(1 - c * c), power = 1;
    set_shape(a, n, n);
    for (size_t i = 0; i < n; i++, power *= s)
        for (size_t j = i; j < n; j++)
            *entry(a, i, j) = i == j ? power : -c * power;
    if (random_below(state, 2))
        transpose(a);
}

/* H D H / 4 with Hadamard's H of size 4 or 8 and few different, or hardly different, values in D. */
static void make_clustered(uint64_t *state, struct matrix *a)
{
    size_t n = random_below(state, 2) ? 4 : 8;
    double d[8], apart = random_below(state, 2) ? 0 : ldexp(1, -8 - (int)random_below(state, 30));
    set_shape(a, n, n);
    for (size_t k = 0; k < n; k++)
        d[k] = (double)(1 + random_below(state, 3)) + apart * (double)random_below(state, 3);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            for (size_t k = 0; k < n; k++) {
                bool odd = __builtin_parityll((unsigned long long)((i & k) ^ (j & (k * 3 % n))));
                *entry(a, i, j) += odd ? -d[k] : d[k];
            }
}

/* Polar factors with entries like 1/2 and 0 beside irrational ones. */
static void make_hidden(uint64_t *state, struct matrix *a)
{
    /* -1 on the diagonal, 1 beside it: eigenvalues -1, -1 +- sqrt 2; the projectors are (1/4) (1 +-sqrt2 1; ...). */
    set_shape(a, 3, 3);
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++)
            *entry(a, i, j) = i == j ? -1 : i + j == 2 ? 0 : 1;
    double scale = ldexp((double)(1 + random_below(state, 7)), (int)random_below(state, 80) - 40);
    for (size_t k = 0; k < 9; k++)
        a->at[k] *= scale;
    for (size_t k = 0; k < 3; k++) {
        double sign = random_below(state, 2) ? 1 : -1;
        for (size_t j = 0; j < 3; j++)
            *entry(a, k, j) *= sign;
    }
    shuffle(state, a);
}

static void make_large(uint64_t *state, struct matrix *a)
{
    set_shape(a, 13 + random_below(state, 36), 13 + random_below(state, 36));
    for (size_t k = 0; k < a->rows * a->cols; k++)
        a->at[k] = random_gaussian(state);
}

const struct kind kinds[KINDS] = {
    {"gaussian", make_gaussian, 1200, 100},
    {"integer", make_integer, 1000, 100},
    {"ternary", make_ternary, 1000, 200},
    {"deficient", make_deficient, 700, 100},
    {"nearly deficient", make_nearly_deficient, 300, 50},
    {"duplicates", make_duplicates, 400, 60},
    {"blocks", make_blocks, 500, 60},
    {"skew", make_skew, 300, 60},
    {"circulant", make_circulant, 300, 60},
    {"thin", make_thin, 400, 50},
    {"wild", make_wild, 150, 20},
    {"extreme", make_extreme, 200, 30},
    {"graded to 1e30", make_graded_30, 200, 30},
    {"graded to 1e100", make_graded_100, 60, 10},
    {"graded to 1e300", make_graded_300, 20, 5},
    {"Hilbert", make_hilbert, 100, 20},
    {"Kahan", make_kahan, 150, 20},
    {"clustered", make_clustered, 200, 40},
    {"hidden", make_hidden, 100, 10},
    {"large", make_large, 6, 1},
};

/* ---- matrices made from their polar factor ---------------------------------------------------------------------- */

/* An orthogonal matrix N / d, of integers. */
struct orthogonal {
    size_t n;
    double at[MOST_KNOWN][MOST_KNOWN], d;
};

static void random_signed_permutation(uint64_t *state, struct orthogonal *q, size_t n)
{
    size_t order[MOST_SIDE];
    *q = (struct orthogonal){.n = n, .d = 1};
    random_order(state, order, n);
    for (size_t k = 0; k < n; k++)
        q->at[k][order[k]] = random_below(state, 2) ? 1 : -1;
}

/* Four rows times Hadamard's matrix of size 4, over 2. */
static void mix_four(uint64_t *state, struct orthogonal *q)
{
    size_t rows[MOST_SIDE];
    random_order(state, rows, q->n);
    for (size_t j = 0; j < q->n; j++) {
        double sum[4] = {0};
        for (size_t i = 0; i < 4; i++)
            for (size_t k = 0; k < 4; k++)
                sum[i] += __builtin_parityll((unsigned long long)(i & k)) ? -q->at[rows[k]][j] : q->at[rows[k]][j];
        for (size_t i = 0; i < q->n; i++)
            q->at[i][j] *= 2;
        for (size_t i = 0; i < 4; i++)
            q->at[rows[i]][j] = sum[i];
    }
    q->d *= 2;
}

/* Two rows turned by the angle of a Pythagorean triangle. */
static void turn_two(uint64_t *state, struct orthogonal *q)
{
    static const double triangles[][3] = {{3, 4, 5}, {5, 12, 13}, {4, 3, 5}, {8, 15, 17}};
    const double *t = triangles[random_below(state, 4)];
    size_t rows[MOST_SIDE];
    random_order(state, rows, q->n);
    for (size_t j = 0; j < q->n; j++) {
        double x = q->at[rows[0]][j], y = q->at[rows[1]][j];
        for (size_t i = 0; i < q->n; i++)
            q->at[i][j] *= t[2];
        q->at[rows[0]][j] = t[0] * x - t[1] * y;
        q->at[rows[1]][j] = t[1] * x + t[0] * y;
    }
    q->d *= t[2];
}

static void random_orthogonal(uint64_t *state, struct orthogonal *q, bool dyadic)
{
    size_t n = 1 + random_below(state, MOST_KNOWN);
    random_signed_permutation(state, q, n);
    for (size_t k = random_below(state, 4); k > 0; k--) {
        if (dyadic && n >= 4)
            mix_four(state, q);
        if (!dyadic && n >= 2)
            turn_two(state, q);
    }
}

/* S = K^T K + I for a small integer matrix K on `used` of n places; 0 elsewhere. Or a multiple of the identity. */
static void random_definite(uint64_t *state, double s[MOST_KNOWN][MOST_KNOWN], const bool *used, size_t n)
{
    double k[MOST_KNOWN][MOST_KNOWN];
    bool multiple = random_below(state, 4) == 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            k[i][j] = multiple ? 0 : small_integer(state, 2);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            s[i][j] = i == j;
            for (size_t l = 0; l < n; l++)
                s[i][j] += k[l][i] * k[l][j];
            s[i][j] = used[i] && used[j] ? s[i][j] : 0;
        }
}

void make_known(uint64_t *state, struct known *x, bool dyadic)
{
    struct orthogonal q;
    double s[MOST_KNOWN][MOST_KNOWN];
    bool used[MOST_KNOWN], deficient = random_below(state, 4) == 0;
    random_orthogonal(state, &q, dyadic);
    size_t n = 1 + random_below(state, q.n);
    x->rank = 0;
    for (size_t j = 0; j < n; j++) {
        used[j] = !deficient || random_below(state, 3);
        x->rank += used[j];
    }
    random_definite(state, s, used, n);
    set_shape(&x->a, q.n, n);
    set_shape(&x->numerators, q.n, n);
    x->d = q.d;
    for (size_t i = 0; i < q.n; i++)
        for (size_t j = 0; j < n; j++) {
            *entry(&x->numerators, i, j) = used[j] ? q.at[i][j] : 0;
            for (size_t l = 0; l < n; l++)
                *entry(&x->a, i, j) += q.at[i][l] * s[l][j];
        }
    if (random_below(state, 2)) {
        transpose(&x->a);
        transpose(&x->numerators);
    }
}

/* ---- 2 x 2 ------------------------------------------------------------------------------------------------------ */

/* Entries of all sorts: small integers, reals, near copies of each other, any exponent. */
void make_two_by_two(uint64_t *state, struct matrix *m)
{
    size_t sort = random_below(state, 5);
    set_shape(m, 2, 2);
    for (size_t k = 0; k < 4; k++) {
        int exponent = sort == 3 ? (int)random_below(state, 1500) - 1000 : (int)random_below(state, 60) - 30;
        m->at[k] = sort == 0   ? small_integer(state, 2)
                   : sort == 1 ? small_integer(state, 40)
                   : sort == 2 ? random_gaussian(state)
                   : sort == 3 ? ldexp(random_gaussian(state), exponent)
                               : 1 + ldexp(small_integer(state, 3), -20 - exponent / 2);
    }
}
