/* egreedy.c: now and then a random action: with probability epsilon, which anneals as frames go by. */
#include <math.h>

#include "modules/classes.h"
#include "modules/model.h"

typedef struct EGreedyModule {
    rlc_module base;
    double eps_init, eps_end, decay;
    int64_t annealing_num_steps;
    int schedule;
    rlc_spec spec;
    rlc_stream *coin, *choice;
    rlc_tensor *eps, *frames;
} EGreedyModule;

enum { LINEAR, EXPONENTIAL };

static const rlc_option options[] = {
    RLC_FLOAT(EGreedyModule, eps_init, 1.0, 0, 1, "epsilon at the start"),
    RLC_FLOAT(EGreedyModule, eps_end, 0.1, 0, 1, "epsilon at the end"),
    RLC_LONG(EGreedyModule, annealing_num_steps, 1000, 1, 1e15, "frames over which a linear schedule goes down"),
    RLC_ENUM(EGreedyModule, schedule, "linear", "linear|exponential",
             "exponential: eps_end + (eps_init - eps_end) exp(-frames / decay)"),
    RLC_FLOAT(EGreedyModule, decay, 1000, 1e-9, 1e15, "of the exponential schedule, in frames"),
    {0},
};

static void init(rlc_module *self, const rlc_build *build) {
    EGreedyModule *m = (EGreedyModule *)self;
    if (!rlc_spec_is_discrete(build->action)) {
        char text[RLC_SHAPE_TEXT + 64];
        rlc_fail(RLC_INVALID, "%s: it explores among discrete actions, but those of the environment are %s", self->path,
                 rlc_spec_text(build->action, text));
        return;
    }
    const rlc_tensor *action = rlc_in(self, build->example, 0);
    if (action != NULL && !rlc_spec_fits(build->action, action)) {
        char spec[RLC_SHAPE_TEXT + 64], shape[RLC_SHAPE_TEXT];
        rlc_fail(RLC_INVALID, "%s: %s is %s %s, but the environment reads %s", self->path, self->in_keys[0]->name,
                 rlc_dtype_name((rlc_dtype)action->dtype), rlc_shape_text(rlc_shape_of(action), shape),
                 rlc_spec_text(build->action, spec));
        return;
    }
    m->spec = *build->action;
    m->coin = rlc_module_stream(self, "coin");
    m->choice = rlc_module_stream(self, "choice");
    m->frames = rlc_module_buffer(self, "frames", RLC_F64, (rlc_shape){0});
    m->eps = rlc_module_buffer(self, "eps", RLC_F32, (rlc_shape){0});
    if (m->eps != NULL) {
        rlc_tensor_write(m->eps, &(float){(float)m->eps_init});
        rlc_state_log(&self->model->state, m->eps);
    }
}

/* TorchRL: only under random exploration; one coin for each element of the batch. */
static void forward(rlc_module *self, rlc_dict *td) {
    const EGreedyModule *m = (const EGreedyModule *)self;
    rlc_tensor *action = rlc_in(self, td, 0);
    if (action == NULL || rlc_current()->exploration != RLC_EXPLORE_RANDOM) {
        rlc_out(self, td, 0, action);
        return;
    }
    rlc_shape batch = rlc_shape_of(action);
    batch.ndim -= m->spec.shape.ndim;
    rlc_tensor *explores = rlc_lt(rlc_rand(m->coin, batch), m->eps);
    for (int i = 0; i < m->spec.shape.ndim; i++) {
        explores = rlc_unsqueeze(explores, -1);
    }
    rlc_out(self, td, 0, rlc_where(explores, rlc_spec_sample(&m->spec, batch, m->choice), action));
}

/* From the count of frames, so that rounding does not add up over a million steps. */
static void step(rlc_module *self, int64_t frames) {
    const EGreedyModule *m = (const EGreedyModule *)self;
    const double from = m->eps_init, to = m->eps_end;
    rlc_tensor *count = rlc_add_scalar(m->frames, (double)frames), *eps;
    rlc_assign(m->frames, count);
    if (m->schedule == LINEAR) {
        eps = rlc_add_scalar(rlc_mul_scalar(count, (to - from) / (double)m->annealing_num_steps), from);
        eps = rlc_clamp(eps, fmin(from, to), fmax(from, to));
    } else {
        eps = rlc_exp(rlc_mul_scalar(count, -1 / m->decay));
        eps = rlc_add_scalar(rlc_mul_scalar(eps, from - to), to);
    }
    rlc_assign(m->eps, eps);
}

const rlc_module_class rlc_egreedy_class = {
    .base = RLC_CLASS("module", EGreedyModule, .doc = "random actions with probability epsilon", .options = options),
    .in_keys = {"action"},
    .out_keys = {"action"},
    .init = init,
    .forward = forward,
    .step = step,
};
