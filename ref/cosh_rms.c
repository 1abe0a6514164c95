#include "cosh_rms.h"

/* mean(cosh(x)^2) */
static struct ball *mean_square_cosh(struct work *w, const struct ball *x, mpfr_prec_t prec)
{
    struct ball *cosh = ball_new(w, x->rows, x->cols, prec), *mean = ball_new(w, 1, 1, prec);
    ball_cosh(cosh, x);
    ball_norm_sqr(w, mean, cosh);
    ball_div(mean, mean, ball_from_integer(w, (long)ball_count(x)));
    return mean;
}

struct ball *cosh_rms(struct work *w, const struct assay_dialect *d, const struct ball *y, mpfr_prec_t prec)
{
    struct work_block *mark = work_mark(w);
    struct ball *o = ball_new(w, y->rows, y->cols, prec), *x = ball_new(w, y->rows, y->cols, prec), *r;
    const struct ball *numerator = y;
    if (d->cosh == ASSAY_COSH_MEAN_SQUARE) {
        r = mean_square_cosh(w, y, prec);
    } else {
        struct ball *norm = ball_new(w, 1, 1, prec), *argument = ball_new(w, y->rows, y->cols, prec);
        ball_norm(w, norm, y);
        ball_add(norm, norm, ball_from_double(w, 1e-7));
        ball_div(x, y, norm);
        ball_mul(argument, ball_from_double(w, d->gamma), x);
        r = mean_square_cosh(w, argument, prec);
        ball_sqrt(r, r);
        numerator = d->cosh == ASSAY_COSH_NORMALISED ? x : y;
    }
    ball_add(r, r, ball_from_double(w, d->cosh_eps));
    ball_div(o, numerator, r);
    return work_keep(w, mark, o);
}
