#include "fit.h"

#include "ports_support.h"
#include "support.h"

#include <math.h>

/* A triple that is in no table, taken four times, is found from results in binary32 to 1e-4; from those of another number of cases it
 * is not, if they are too few, or mean nothing. */
START_TEST(unknown_triples_are_found)
{
    static const struct assay_triple truth = {3.3, -4.5, 1.9};
    static const struct assay_coefficients table = {"", "", 1, &truth};
    struct port_suite s = port_suite_new();
    struct port p = {.d = *assay_dialect_find("jordan")};
    p.d.coefficients = &table;
    p.d.steps = 4;
    port_answers(&s, &p, TENSOR_F32, 1000);
    struct evidence e = {.case_count = s.count, .cases = s.observed};
    struct assay_triple found;
    size_t steps;
    ck_assert(fit_triple(&found, &steps, &e, assay_dialect_find("jordan")) && steps == 4);
    ck_assert_double_le(fabs(found.a - truth.a), 1e-4);
    ck_assert_double_le(fabs(found.b - truth.b), 1e-4);
    ck_assert_double_le(fabs(found.c - truth.c), 1e-4);
    struct evidence few = {.case_count = 3, .cases = s.observed};
    ck_assert(!fit_triple(&found, &steps, &few, assay_dialect_find("jordan")));
    static double noise[24 * 40];
    uint64_t state = 5;
    random_matrix(&state, noise, 24 * 40);
    for (size_t c = 0; c < s.count; c++)
        s.observed[c].at[0] = s.observed[c].at[0] ? noise : NULL;
    ck_assert(!fit_triple(&found, &steps, &e, assay_dialect_find("jordan")));
    port_suite_free(&s);
}
END_TEST

RUN_TESTS("fit", TEST(unknown_triples_are_found))
