/* optim.h: optimisers: how gradients become steps.
 *
 *     optim: {type: Adam, lr: 2.5e-4}
 *     optim:
 *       - {type: Adam, params: loss.actor, lr: {type: linear, from: 1e-3, to: 0}, max_grad_norm: 0.5}
 *       - {type: RMSprop, params: loss.qvalue, lr: 1e-3, centered: true, max_grad_value: 1}
 *
 * An optimiser owns stretches of the model's flat buffer. As with PyTorch, a step leaves alone what got no gradient since
 * the last one; then the gradients are forgotten. Adam, AdamW, SGD and RMSprop compute what torch.optim does and name
 * their options as it does; the gradients are clipped first, by value and then by norm.
 */
#ifndef RLC_OPTIM_H
#define RLC_OPTIM_H

#include "core/update.h"
#include "objectives/loss.h"
#include "objectives/schedule.h"

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

struct rlc_optim {
    const rlc_optim_class *type;
    rlc_model *model;
    const char *params;
    const rlc_value *lr_option, *options;
    double max_grad_value, max_grad_norm;
    rlc_schedule *schedule;
    rlc_arena arena;
    rlc_state state;
    int *parameters, num_parameters; /* in the model's list, in the order of the flat buffer */
    int64_t *steps;                  /* that each of them has taken */
    rlc_range span;                  /* of the flat buffer, from the first of them to the last */
    rlc_tensor *lr;                  /* float32, read by each step */
    rlc_tensor *frames;              /* int64, one element: how far the run is; NULL for constant rates */
    int64_t total_frames;
    rlc_tensor *grad_norm;      /* of the step just recorded, or NULL; taken when it is clipped */
    rlc_tensor *last_grad_norm; /* what the log shows of it: of the last step, 0 before the first */
};

/* Builds an optimiser for the parameters of a loss, whose model is allocated. `frames` and `total_frames` are what
 * schedules go by; NULL allows constant rates only. */
rlc_status rlc_optim_new(rlc_loss *loss, const rlc_value *options, rlc_tensor *frames, int64_t total_frames,
                         rlc_optim **optim);
void rlc_optim_free(rlc_optim *optim);

/* Records one step, and forgets the gradients. */
void rlc_optim_step(rlc_optim *optim);

/* For init: a float32 for each parameter, which steps keep up to date and a resume finds again; cleared. NULL with an
 * error. For update: the part of it that belongs to a stretch. */
rlc_tensor *rlc_optim_buffer(rlc_optim *optim, const char *name);
rlc_tensor *rlc_optim_part(const rlc_optim *optim, rlc_tensor *buffer, const rlc_stretch *stretch);

extern const rlc_option rlc__optim_options[];
extern const rlc_optim_class rlc_adam_class, rlc_adamw_class, rlc_sgd_class, rlc_rmsprop_class;

RLC_END

#endif
