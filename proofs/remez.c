#include "remez.h"

enum { UNKNOWNS = 4, ITERATIONS = 24 };

/* Solves the linear system in place by elimination with exact midpoints; the last column is the right side. */
static void solve(const struct field *f, real m[UNKNOWNS][UNKNOWNS + 1])
{
    for (size_t k = 0; k < UNKNOWNS; k++)
        for (size_t i = 0; i < UNKNOWNS; i++) {
            if (i == k)
                continue;
            real factor = real_middle(real_enclose(real_div(m[i][k], m[k][k])));
            for (size_t j = k; j <= UNKNOWNS; j++)
                m[i][j] = real_middle(real_enclose(real_sub(m[i][j], real_mul(factor, m[k][j]))));
            m[i][k] = real_whole(f, 0);
        }
    for (size_t k = 0; k < UNKNOWNS; k++)
        m[k][UNKNOWNS] = real_middle(real_enclose(real_div(m[k][UNKNOWNS], m[k][k])));
}

/* p with 1 - p(points[k]) = (-1)^k E. */
static struct quintic interpolate(const real points[4])
{
    const struct field *f = points[0]->field;
    real m[UNKNOWNS][UNKNOWNS + 1];
    for (size_t k = 0; k < UNKNOWNS; k++) {
        real square = real_square(points[k]);
        m[k][0] = real_middle(real_enclose(points[k]));
        m[k][1] = real_middle(real_enclose(real_mul(points[k], square)));
        m[k][2] = real_middle(real_enclose(PRODUCT(points[k], square, square)));
        m[k][3] = real_whole(f, k % 2 ? -1 : 1);
        m[k][4] = real_whole(f, 1);
    }
    solve(f, m);
    return (struct quintic){m[0][4], m[1][4], m[2][4]};
}

struct quintic remez(struct range x, real points[4])
{
    const struct field *f = x.lo->field;
    real width = real_sub(x.hi, x.lo);
    struct quintic p = {0};
    points[0] = x.lo;
    points[1] = real_add(x.lo, real_mul(real_fraction(f, 1, 4), width));
    points[2] = real_add(x.lo, real_mul(real_fraction(f, 3, 4), width));
    points[3] = x.hi;
    for (int k = 0; k < ITERATIONS; k++) {
        real inner[2];
        p = interpolate(points);
        if (quintic_critical(&p, inner) < 2)
            work_fail(f->w, ASSAY_UNDECIDED, "Remez's algorithm lost its critical points at %ld bits", (long)f->prec);
        points[1] = real_middle(inner[0]);
        points[2] = real_middle(inner[1]);
    }
    return p;
}
