/* The optimizers of `assay train`: their table, and where they ask for gradients. */
#include "optimizer.h"

#include "support.h"

#include <math.h>
#include <string.h>

static const struct model_shape tiny = {.kind = MODEL_MLP, .depth = 3, .batch = 4, .widths = {5, 6, 4, 3}};

/* Fills all gradients with small numbers. */
static void fill_gradients(struct model *model, uint64_t *state)
{
    for (size_t k = 0; k < model->count; k++)
        for (size_t i = 0; i < model->parameters[k].rows * model->parameters[k].cols; i++)
            model->parameters[k].grad[i] = (float)random_gaussian(state);
}

/* Names are unique, dialects exist, constants are in range. */
START_TEST(table)
{
    for (size_t k = 0; k < optimizer_count; k++) {
        const struct optimizer *o = &optimizers[k];
        ck_assert_ptr_eq(optimizer_find(o->name), o);
        ck_assert_ptr_nonnull(assay_dialect_find(o->dialect));
        ck_assert(o->momentum >= 0 && o->momentum < 1 && o->weight_decay >= 0 && o->rate[0] > 0 && o->rate[1] > 0);
    }
    ck_assert_ptr_null(optimizer_find("none"));
}
END_TEST

/* Powers of 2, the middle one in the middle. */
START_TEST(rates)
{
    const struct optimizer *o = optimizer_find("jordan");
    ck_assert(optimizer_rate(o, MODEL_MLP, 2, 5) == o->rate[MODEL_MLP]);
    ck_assert(optimizer_rate(o, MODEL_MLP, 0, 5) == o->rate[MODEL_MLP] / 4);
    ck_assert(optimizer_rate(o, MODEL_CHAR_LM, 2, 3) == o->rate[MODEL_CHAR_LM] * 2);
}
END_TEST

/* Hidden matrices are the optimizer's, all else AdamW's: under jordan with rate 0 they stay, and the rest moves. */
START_TEST(who_has_what)
{
    for (size_t k = 0; k < optimizer_count; k++) {
        struct model model, before;
        struct stepper stepper;
        uint64_t state = 1;
        ck_assert(model_make(&model, tiny, 1) && model_make(&before, tiny, 1));
        fill_gradients(&model, &state);
        ck_assert_int_eq(stepper_make(&stepper, &model, &optimizers[k], 0, 0.01), ASSAY_OK);
        ck_assert_uint_eq(stepper.under, optimizers[k].all ? model_size(&model) : 5 * 6 + 6 * 4);
        ck_assert_int_eq(stepper_step(&stepper, 1), ASSAY_OK);
        for (size_t p = 0; p < model.count; p++) {
            size_t bytes = model.parameters[p].rows * model.parameters[p].cols * sizeof(float);
            bool stays = memcmp(model.parameters[p].at, before.parameters[p].at, bytes) == 0;
            ck_assert_msg(stays == (optimizers[k].all || model.parameters[p].hidden), "%s, %s", optimizers[k].name,
                          model.parameters[p].name);
        }
        stepper_free(&stepper);
        model_free(&model);
        model_free(&before);
    }
}
END_TEST

/* The gradient is asked for at y = x + beta / (1 - beta) (x - x before), x before = x in the first step, correctly rounded but
 * for the three roundings of binary64; and the parameter comes back, to the bit. Others ask at x. */
START_TEST(extrapolation)
{
    for (size_t k = 0; k < optimizer_count; k++) {
        struct model model;
        struct stepper stepper;
        uint64_t state = 2;
        float old[30], x[30];
        const size_t bytes = sizeof old;
        double ratio = optimizers[k].extrapolates ? optimizers[k].momentum / (1 - optimizers[k].momentum) : 0;
        ck_assert(model_make(&model, tiny, 1));
        ck_assert_int_eq(stepper_make(&stepper, &model, &optimizers[k], 0.1, 0.01), ASSAY_OK);
        float *at = model.parameters[0].at; /* 6 x 5, hidden */
        for (size_t step = 0; step < 3; step++) {
            memcpy(step == 0 ? old : x, at, bytes);
            memcpy(x, at, bytes);
            stepper_query(&stepper);
            for (size_t i = 0; i < 30; i++) {
                double y = x[i] + ratio * ((double)x[i] - old[i]);
                ck_assert(fabs(at[i] - y) <= 0x1p-24 * fabs(y) + 0x1p-50);
                ck_assert(step == 0 || ratio == 0 || old[i] == x[i] || at[i] != x[i]);
            }
            stepper_return(&stepper);
            ck_assert_mem_eq(at, x, bytes);
            memcpy(old, x, bytes);
            fill_gradients(&model, &state);
            ck_assert_int_eq(stepper_step(&stepper, 1), ASSAY_OK);
        }
        stepper_free(&stepper);
        model_free(&model);
    }
}
END_TEST

/* A gradient that is not a number is told. */
START_TEST(not_finite)
{
    struct model model;
    struct stepper stepper;
    ck_assert(model_make(&model, tiny, 1));
    model.parameters[0].grad[7] = NAN;
    ck_assert_int_eq(stepper_make(&stepper, &model, optimizer_find("jordan"), 0.1, 0.01), ASSAY_OK);
    ck_assert_int_eq(stepper_step(&stepper, 1), ASSAY_NOT_FINITE);
    stepper_free(&stepper);
    model_free(&model);
}
END_TEST

RUN_TESTS("train_optimizer", TEST(table), TEST(rates), TEST(who_has_what), TEST(extrapolation), TEST(not_finite))
