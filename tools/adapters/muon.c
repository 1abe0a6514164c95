/* A Muon in C: cc -O2 muon.c -o my_port -lm; python3 golden.py golden/vectors results.safetensors ./my_port */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* z = x y, of m x k and k x n; with `turned`, x y^T. */
static void multiply(float *z, const float *x, const float *y, int m, int k, int n, int turned)
{
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            float sum = 0;
            for (int l = 0; l < k; l++)
                sum += x[i * k + l] * (turned ? y[j * k + l] : y[l * n + j]);
            z[i * n + j] = sum;
        }
}

/* o = five steps of Newton-Schulz of the r x c matrix u, the short side first. */
static void newton_schulz(float *o, const float *u, int r, int c)
{
    int m = r < c ? r : c, n = r < c ? c : r;
    float *x = malloc(sizeof *x * (size_t)(2 * m * n + 2 * m * m)), *y = x + m * n, *a = y + m * n, *b = a + m * m;
    double norm = 0;
    for (int k = 0; k < r * c; k++)
        norm += (double)u[k] * u[k];
    for (int k = 0; k < r * c; k++)
        x[r > c ? k % c * n + k / c : k] = u[k] / (float)(sqrt(norm) + 1e-7);
    for (int step = 0; step < 5; step++) {
        multiply(a, x, x, m, n, m, 1);
        multiply(b, a, a, m, m, m, 0);
        for (int k = 0; k < m * m; k++)
            b[k] = -4.7750f * a[k] + 2.0315f * b[k];
        multiply(y, b, x, m, m, n, 0);
        for (int k = 0; k < m * n; k++)
            x[k] = 3.4445f * x[k] + y[k];
    }
    for (int k = 0; k < r * c; k++)
        o[k] = x[r > c ? k % c * n + k / c : k];
    free(x);
}

/* One step for a matrix of r x c; the update's scale is that of its last two dimensions, `ratio` = rows / columns. */
static void my_port(float *p, const float *g, float *m, int r, int c, float ratio, const float numbers[3])
{
    float lr = numbers[0], beta = numbers[1], *u = malloc(sizeof *u * (size_t)(2 * r * c)), *o = u + r * c;
    for (int k = 0; k < r * c; k++) {
        m[k] = beta * m[k] + (1 - beta) * g[k];
        u[k] = beta * m[k] + (1 - beta) * g[k];
    }
    newton_schulz(o, u, r, c);
    for (int k = 0; k < r * c; k++)
        p[k] = p[k] * (1 - lr * numbers[2]) - lr * sqrtf(ratio > 1 ? ratio : 1) * o[k];
    free(u);
}

/* ---- the adapter: tools/adapters/golden.py says what is asked and answered ---- */
int main(void)
{
    int q[6]; /* kind, dimensions, shape */
    float numbers[3];
    while (fread(q, sizeof q, 1, stdin) == 1 && fread(numbers, sizeof numbers, 1, stdin) == 1) {
        int count = q[2] * q[3] * q[4] * q[5], stack = q[1] == 3 ? q[2] : 1, rows = q[1] == 3 ? q[3] : q[2];
        int cols = count / stack / rows, arrays = q[0] ? 3 : 1;
        float ratio = q[1] == 4 ? (float)q[4] / (float)q[5] : (float)rows / (float)cols;
        float *x = malloc(sizeof *x * (size_t)(4 * count)), *y = x + 3 * count;
        if (fread(x, sizeof *x, (size_t)(arrays * count), stdin) != (size_t)(arrays * count))
            return 1;
        for (int k = 0; k < count; k += rows * cols)
            if (q[0])
                my_port(x + k, x + count + k, x + 2 * count + k, rows, cols, ratio, numbers);
            else
                newton_schulz(y + k, x + k, rows, cols);
        fwrite(q[0] ? x : y, sizeof *x, (size_t)count, stdout);
        if (q[0])
            fwrite(x + 2 * count, sizeof *x, (size_t)count, stdout);
        fflush(stdout);
        free(x);
    }
}
