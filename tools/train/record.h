/* Real gradients as files: what a run's hidden matrices see in an early, a middle and the last step. */
#ifndef ASSAY_TRAIN_RECORD_H
#define ASSAY_TRAIN_RECORD_H

#include "run.h"

/* The steps that are recorded, from 1: the 10th, that in the middle, and the last. */
enum { RECORDED = 3, RECORD_WINDOW = 2, RECORD_SIDE = 32 };
unsigned recorded_step(unsigned steps, unsigned k);

/* Makes the run that the first five members of `run` say, and writes
 *   FOLDER/gradients.safetensors: TASK-stepN-MATRIX-grad and -momentum (F32, the buffer after the step), whole;
 *   FOLDER/step.json, .safetensors: golden cases TASK-stepN-MATRIX, whose inputs are the parameter, the gradients and the
 *     learning rates of the RECORD_WINDOW steps up to N, of matrices larger than RECORD_SIDE the leading block, and whose
 *     answers are those of every dialect, from the reference.
 * The folder is made if need be. ASSAY_NOT_FINITE if the run diverges, ASSAY_UNREADABLE, ASSAY_NO_MEMORY, and as
 * case_compute(); `message` gets a sentence. */
assay_status record(struct run *run, const char *folder, void (*tell)(void *data, double done, double loss), void *data,
                    char *message, size_t message_size);

#endif
