/* adam.c: Adam (Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015), as torch.optim.Adam has it. */
#include "objectives/optim.h"

typedef struct Adam {
    rlc_optim base;
    rlc_floats betas;
    double eps, weight_decay;
    rlc_adam settings;
    rlc_tensor *powers; /* a row for each parameter: the steps it took, and the powers of the betas */
    rlc_tensor *exp_avg, *exp_avg_sq;
    int64_t start; /* where in the flat buffer the moments begin */
} Adam;

static const rlc_option options[] = {
    RLC_FLOATS(Adam, betas, "[0.9, 0.999]", 0, 0.9999999, "how slowly the two moments change"),
    RLC_FLOAT(Adam, eps, 1e-8, 0, 1, "added to the root of the second moment"),
    RLC_FLOAT(Adam, weight_decay, 0, 0, 1e3, "of the parameters, added to the gradient"),
    {0},
};

static rlc_status init(rlc_optim *self) {
    Adam *a = (Adam *)self;
    rlc_device *device = self->model->device;
    const int last = self->num_parameters - 1;
    if (a->betas.count != 2) {
        return rlc_value_fail(rlc_value_find(self->options, "betas"),
                              "optim: option 'betas' must have two numbers, not %d", a->betas.count);
    }
    a->settings = (rlc_adam){a->betas.values[0], a->betas.values[1], a->eps, a->weight_decay, 0};
    rlc_range first, end;
    rlc_model_ranges(self->model, &self->parameters[0], 1, &first);
    rlc_model_ranges(self->model, &self->parameters[last], 1, &end);
    a->start = first.offset;
    rlc_shape span = RLC_SHAPE(end.offset + end.length - a->start);
    a->exp_avg = rlc_state_tensor(&self->state, device, "exp_avg", RLC_F32, span);
    a->exp_avg_sq = rlc_state_tensor(&self->state, device, "exp_avg_sq", RLC_F32, span);
    a->powers = rlc_state_tensor(&self->state, device, "powers", RLC_F64, RLC_SHAPE(self->num_parameters, 3));
    double *start =
        a->powers != NULL ? rlc_arena_alloc(&self->arena, (size_t)a->powers->numel * sizeof *start, 8) : NULL;
    if (start == NULL) {
        return rlc_error_status();
    }
    for (int64_t i = 0; i < a->powers->numel; i++) {
        start[i] = i % 3 == 0 ? 0 : 1;
    }
    return rlc_tensor_write(a->powers, start);
}

/* All parameters of a stretch have taken as many steps, so the first one's powers are those of all. */
static void update(rlc_optim *self, const rlc_stretch *s, rlc_tensor *values, rlc_tensor *grads) {
    Adam *a = (Adam *)self;
    rlc_tensor *first = rlc_slice(a->exp_avg, 0, s->range.offset - a->start, s->range.length);
    rlc_tensor *second = rlc_slice(a->exp_avg_sq, 0, s->range.offset - a->start, s->range.length);
    rlc_adam_tick(rlc_slice(a->powers, 0, s->first, s->count), &a->settings);
    rlc_adam_step(values, grads, first, second, NULL, rlc_slice(a->powers, 0, s->first, 1), self->lr, &a->settings);
}

const rlc_optim_class rlc_adam_class = {
    .base = RLC_CLASS("optim", Adam, .doc = "Adam (Kingma and Ba, 2015), as torch.optim.Adam", .options = options),
    .init = init,
    .update = update,
};
