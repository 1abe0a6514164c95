#include "quintic.h"

static void run(struct evidence *e)
{
    const struct field *f = &e->field;
    struct quintic p = quintic_jordan(f);
    real c[2], one = real_whole(f, 1);
    certify_fact(e, "two positive critical points", quintic_critical(&p, c) == 2);
    real largest = quintic_value(&p, c[0]), m = quintic_value(&p, c[1]), top = quintic_value(&p, m);
    number_printed(e, "c_1", c[0], ".554528790854495");
    number_printed(e, "M = p(c_1)", largest, "1.202368605163213");
    number_printed(e, "c_2", c[1], "1.050136079121016");
    number_printed(e, "m = p(c_2)", m, ".681831462177185");
    number_printed(e, "p(m)", top, "1.134357264562472");
    certify(e, "c_1 < m", real_sub(m, c[0]));
    certify(e, "m < c_2", real_sub(c[1], m));
    certify(e, "c_2 < p(m)", real_sub(top, c[1]));
    certify(e, "p(p(m)) <= p(m)", real_sub(top, quintic_value(&p, top)));
    certify(e, "p(M) <= p(m)", real_sub(top, quintic_value(&p, largest)));
    certify(e, "M below the last fixed point", real_sub(real_decimal(f, "1.2637"), largest));
    certify(e, "m lies below the first fixed point, so p(x) > x below m", real_sub(real_decimal(f, "0.868"), m));
    certify(e, "1 <= M", real_sub(largest, one));
    real low = real_decimal(f, "0.7"), high = real_decimal(f, "1.2");
    struct range image = quintic_image(&p, (struct range){low, high});
    must_fail(e, "[0.7, 1.2] is invariant", real_sub(image.lo, low));
    real raised = real_add(m, real_decimal(f, "1e-6"));
    image = quintic_image(&p, (struct range){raised, quintic_value(&p, raised)});
    must_fail(e, "J with m + 1e-6 is invariant", real_sub(image.lo, raised));
}

const struct claim claim_ns_interval = {
    "NS-interval",
    "Newton-Schulz",
    "Jordan's quintic maps J = [0.68183, 1.13436] onto itself, and every sigma in (0, 1] enters J",
    "ours",
    CLAIM_PROVED,
    "ns_interval",
    run};
