#include "run.h"

#include <math.h>
#include <time.h>

static double processor_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

assay_status run_start(struct run *run)
{
    if (!task_model(&run->model, run->task, run->seed))
        return ASSAY_NO_MEMORY;
    return stepper_make(&run->stepper, &run->model, run->optimizer, run->rate, run->task->adam_rate);
}

void run_end(struct run *run)
{
    stepper_free(&run->stepper);
    model_free(&run->model);
}

double run_share(const struct run *run)
{
    double left = (double)(run->steps - run->done) / run->steps;
    return left > 0.5 ? 1 : 2 * left;
}

assay_status run_gradient(struct run *run)
{
    double start = processor_time();
    stepper_query(&run->stepper);
    run->loss = task_gradient(&run->model, run->task, run->seed, run->done).loss;
    stepper_return(&run->stepper);
    run->seconds += processor_time() - start;
    return isfinite(run->loss) ? ASSAY_OK : ASSAY_NOT_FINITE;
}

assay_status run_update(struct run *run)
{
    double start = processor_time();
    assay_status status = stepper_step(&run->stepper, run_share(run));
    double taken = processor_time() - start;
    run->seconds += taken;
    run->optimizer_seconds += taken;
    run->done++;
    return status;
}
