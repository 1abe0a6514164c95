#include "forms.h"

real written(struct rounding_mode mode, enum form form, bool complement, real a, real x, real b, real y)
{
    real one = real_whole(a->field, 1);
    a = rounded_by(&mode, a);
    b = rounded_by(&mode, complement ? real_sub(one, a) : b);
    real difference = form >= FORM_BACKWARD ? real_sub(x, y) : real_sub(y, x);
    switch (form) {
    case FORM_WEIGHTED:
        x = rounded_by(&mode, real_mul(a, x));
        y = rounded_by(&mode, real_mul(b, y));
        return rounded_by(&mode, real_add(x, y));
    case FORM_FUSED_FIRST:
        y = rounded_by(&mode, real_mul(b, y));
        return rounded_by(&mode, real_add(real_mul(a, x), y));
    case FORM_FUSED_SECOND:
        x = rounded_by(&mode, real_mul(a, x));
        return rounded_by(&mode, real_add(x, real_mul(b, y)));
    case FORM_ONCE:
        return rounded_by(&mode, real_add(real_mul(a, x), real_mul(b, y)));
    default:
        difference = real_mul(form >= FORM_BACKWARD ? a : b, rounded_by(&mode, difference));
        if (form == FORM_FORWARD || form == FORM_BACKWARD)
            difference = rounded_by(&mode, difference);
        return rounded_by(&mode, real_add(form >= FORM_BACKWARD ? y : x, difference));
    }
}
