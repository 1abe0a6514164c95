#include "witness.h"

#include "product.h"
#include "svd.h"

/* Rows shorter than 2^-TINY are passed over; n rows cannot all be, since their squares sum to the number of
 * directions still missing. */
enum { TINY = 30, GRID = 120 };

/* Takes the components along the first `count` rows of q out of row x, all of length k. */
static void take_out(mpfr_ptr x, const struct ball *q, size_t count)
{
    mpfr_t component;
    mpfr_init2(component, q->prec);
    for (size_t c = 0; c < count; c++) {
        mpfr_set_zero(component, 1);
        for (size_t j = 0; j < q->cols; j++)
            mpfr_fma(component, x + j, ball_at(q, c, j), component, MPFR_RNDN);
        mpfr_neg(component, component, MPFR_RNDN);
        for (size_t j = 0; j < q->cols; j++)
            mpfr_fma(x + j, component, ball_at(q, c, j), x + j, MPFR_RNDN);
    }
    mpfr_clear(component);
}

/* Row x divided by its length; false if that is tiny. */
static bool normalise(mpfr_ptr x, size_t k)
{
    mpfr_t length;
    mpfr_init2(length, mpfr_get_prec(x));
    mpfr_set_zero(length, 1);
    for (size_t j = 0; j < k; j++)
        mpfr_fma(length, x + j, x + j, length, MPFR_RNDN);
    mpfr_sqrt(length, length, MPFR_RNDN);
    bool large = mpfr_cmp_ui_2exp(length, 1, -TINY) >= 0;
    for (size_t j = 0; j < k && large; j++)
        mpfr_div(x + j, x + j, length, MPFR_RNDN);
    mpfr_clear(length);
    return large;
}

/* The transpose of the orthogonal q for which v q^T is a lower trapezoid: Gram-Schmidt on the rows of v. */
static struct ball *trapezoid(struct work *w, const struct ball *v)
{
    size_t k = v->cols, found = 0;
    struct ball *q = ball_new(w, k, k, v->prec);
    for (size_t i = 0; i < v->rows && found < k; i++) { /* half covered: the rows suffice, unless v is no basis */
        for (size_t j = 0; j < k; j++)
            mpfr_set(ball_at(q, found, j), ball_at(v, i, j), MPFR_RNDN);
        take_out(ball_at(q, found, 0), q, found);
        found += normalise(ball_at(q, found, 0), k);
    }
    return ball_transpose(w, q);
}

/* Columns first .. first + count - 1 of x, times q. */
static void turn(struct work *w, struct ball *x, const size_t *columns, const struct ball *q)
{
    struct ball *part = ball_gather(w, x, NULL, x->rows, columns, q->rows);
    struct ball *turned = ball_new(w, x->rows, q->rows, x->prec);
    product(w, turned, part, q, x->prec);
    ball_make_exact(turned);
    ball_scatter(x, NULL, columns, turned);
}

void witness_canonical(struct work *w, struct ball *u, struct ball *v, const struct ball *s, size_t rank)
{
    size_t *columns = work_alloc(w, rank, sizeof *columns);
    for (size_t first = 0, end; first < rank; first = end) {
        struct work_block *mark = work_mark(w);
        end = singular_group_end(s, rank, first);
        for (size_t j = first; j < end; j++)
            columns[j - first] = j;
        const struct ball *q = trapezoid(w, ball_gather(w, v, NULL, v->rows, columns, end - first));
        turn(w, u, columns, q);
        turn(w, v, columns, q);
        work_release(w, mark);
    }
}

struct pairs *witness_round(struct work *w, struct ball *x)
{
    struct pairs *pairs = pairs_new(w, x->rows, x->cols);
    mpfr_t entry;
    mpfr_init2(entry, GRID + 8);
    for (size_t k = 0; k < ball_count(x); k++) {
        mpfr_mul_2si(entry, x->at + k, GRID, MPFR_RNDN);
        mpfr_rint(entry, entry, MPFR_RNDN);
        mpfr_div_2si(entry, entry, GRID, MPFR_RNDN);
        pairs->hi[k] = mpfr_get_d(entry, MPFR_RNDN) + 0.0;
        mpfr_sub_d(entry, entry, pairs->hi[k], MPFR_RNDN);
        pairs->lo[k] = mpfr_get_d(entry, MPFR_RNDN) + 0.0;
        mpfr_set_d(x->at + k, pairs->hi[k], MPFR_RNDN);
        mpfr_add_d(x->at + k, x->at + k, pairs->lo[k], MPFR_RNDN);
    }
    mpfr_clear(entry);
    return pairs;
}
