/* Emulated ports over a few golden cases: what tests of golden/numbers.h and golden/statistic.h estimate from. */
#ifndef ASSAY_TESTS_PORTS_SUPPORT_H
#define ASSAY_TESTS_PORTS_SUPPORT_H

#include "sensitivity.h"

/* Cases without answers: some of momentum, newton-schulz, step, and cosh-rms. */
struct port_suite {
    size_t count;
    struct golden_case *cases;
    struct observed *observed; /* at[] are all NULL until a port answers */
    size_t result_count;
    double **results; /* of every port that answered: tests put those of several together */
};
struct port_suite port_suite_new(void);
void port_suite_free(struct port_suite *s);

/* The results of way number `port` to evaluate the dialect, with a fault, and with beta and weight decay changed by so much. Cases
 * that it does not take are left without. */
struct port {
    struct assay_dialect d;
    enum fault fault;
    double beta_off, decay_off;
};
void port_answers(struct port_suite *s, const struct port *p, enum tensor_type format, size_t port);

#endif
