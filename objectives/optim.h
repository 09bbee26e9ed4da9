/* optim.h: optimisers: how gradients become steps.
 *
 *     optim: {type: Adam, lr: 2.5e-4}
 *     optim:
 *       - {type: Adam, params: loss.actor, lr: {type: linear, from: 1e-3, to: 0}, max_grad_norm: 0.5}
 *       - {type: Adam, params: loss.qvalue, lr: 1e-3}
 *
 * An optimiser owns stretches of the model's flat buffer. As with PyTorch, a step leaves alone what got no gradient since
 * the last one; then the gradients are forgotten.
 */
#ifndef RLC_OPTIM_H
#define RLC_OPTIM_H

#include "core/update.h"
#include "objectives/loss.h"

RLC_BEGIN

typedef struct rlc_optim rlc_optim;

/* Parameters that lie next to each other, have a gradient and have taken as many steps: they step as one. */
typedef struct rlc_stretch {
    rlc_range range;  /* in the model's flat buffer */
    int first, count; /* in the optimiser's list of parameters */
} rlc_stretch;

typedef struct rlc_optim_class {
    rlc_class base;
    rlc_status (*init)(rlc_optim *self);
    /* Records one step of a stretch. */
    void (*update)(rlc_optim *self, const rlc_stretch *stretch, rlc_tensor *values, rlc_tensor *grads);
} rlc_optim_class;

/* A learning rate that changes over the run: from `from` to `to` as the frames of the run go by. */
typedef struct rlc_schedule {
    int kind; /* constant or linear */
    double from, to;
} rlc_schedule;

struct rlc_optim {
    const rlc_optim_class *type;
    rlc_model *model;
    const char *params;
    const rlc_value *lr_option, *options;
    double max_grad_norm;
    rlc_schedule schedule;
    rlc_arena arena;
    rlc_state state;
    int *parameters, num_parameters; /* in the model's list, in the order of the flat buffer */
    int64_t *steps;                  /* that each of them has taken */
    rlc_tensor *lr;                  /* float32, read by each step */
    rlc_tensor *frames;              /* int64, one element: how far the run is; NULL for constant rates */
    int64_t total_frames;
    rlc_tensor *grad_norm; /* of the step just recorded, or NULL */
};

/* Builds an optimiser for the parameters of a loss, whose model is allocated. `frames` and `total_frames` are what
 * schedules go by; NULL allows constant rates only. */
rlc_status rlc_optim_new(rlc_loss *loss, const rlc_value *options, rlc_tensor *frames, int64_t total_frames,
                         rlc_optim **optim);
void rlc_optim_free(rlc_optim *optim);

/* Records one step, and forgets the gradients. */
void rlc_optim_step(rlc_optim *optim);

extern const rlc_option rlc__optim_options[];
extern const rlc_optim_class rlc_adam_class;

RLC_END

#endif
