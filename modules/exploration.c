/* exploration.c: noise on continuous actions, under random exploration only: AdditiveGaussianModule and
 * OrnsteinUhlenbeckProcessModule (Uhlenbeck and Ornstein, 1930; Lillicrap et al., "Continuous control with deep
 * reinforcement learning", ICLR 2016).
 */
#include <math.h>

#include "modules/classes.h"
#include "modules/model.h"

/* A number that goes linearly from one value to another over so many frames, kept on the device with its frame count. */
typedef struct annealed {
    double from, to;
    int64_t steps;
    rlc_tensor *frames, *value;
} annealed;

static void annealed_init(annealed *a, rlc_module *self, const char *name, bool logged) {
    const char *frames = rlc_arena_printf(&self->model->arena, "%s.frames", name);
    a->frames = frames != NULL ? rlc_module_buffer(self, frames, RLC_F64, (rlc_shape){0}) : NULL;
    a->value = rlc_module_buffer(self, name, RLC_F32, (rlc_shape){0});
    if (a->value != NULL) {
        rlc_tensor_write(a->value, &(float){(float)a->from});
        if (logged) {
            rlc_state_log(&self->model->state, a->value);
        }
    }
}

/* From the count of frames, so that rounding does not add up. */
static void annealed_step(const annealed *a, int64_t frames) {
    if (a->from == a->to) {
        return;
    }
    rlc_tensor *count = rlc_add_scalar(a->frames, (double)frames);
    rlc_assign(a->frames, count);
    rlc_tensor *value = rlc_add_scalar(rlc_mul_scalar(count, (a->to - a->from) / (double)a->steps), a->from);
    rlc_assign(a->value, rlc_clamp(value, fmin(a->from, a->to), fmax(a->from, a->to)));
}

/* What the two have in common: continuous actions, kept in the environment's bounds. */
static bool expect_continuous(const rlc_module *self, const rlc_build *build) {
    const rlc_tensor *action = rlc_in(self, build->example, 0);
    char spec[RLC_SHAPE_TEXT + 64], shape[RLC_SHAPE_TEXT];
    if (rlc_spec_is_discrete(build->action)) {
        rlc_fail(RLC_INVALID, "%s: it adds noise to continuous actions, but those of the environment are %s",
                 self->path, rlc_spec_text(build->action, spec));
        return false;
    }
    if (action != NULL && !rlc_spec_fits(build->action, action)) {
        rlc_fail(RLC_INVALID, "%s: %s is %s %s, but the environment reads %s", self->path, self->in_keys[0]->name,
                 rlc_dtype_name((rlc_dtype)action->dtype), rlc_shape_text(rlc_shape_of(action), shape),
                 rlc_spec_text(build->action, spec));
        return false;
    }
    return action != NULL;
}

typedef struct AdditiveGaussianModule {
    rlc_module base;
    annealed sigma;
    double mean, std;
    rlc_spec spec;
    rlc_stream *noise;
} AdditiveGaussianModule;

#define ANNEALED(Type, field, part, option, kind, value, low, high, text)                                              \
    {                                                                                                                  \
        .name = option, .type = kind, .offset = offsetof(Type, field.part), .number = value, .min = low, .max = high,  \
        .help = text                                                                                                   \
    }

static const rlc_option gaussian_options[] = {
    ANNEALED(AdditiveGaussianModule, sigma, from, "sigma_init", RLC_OPTION_FLOAT, 1, 0, 1e6,
             "factor of the noise at the start"),
    ANNEALED(AdditiveGaussianModule, sigma, to, "sigma_end", RLC_OPTION_FLOAT, 0.1, 0, 1e6, "the same at the end"),
    ANNEALED(AdditiveGaussianModule, sigma, steps, "annealing_num_steps", RLC_OPTION_LONG, 1000, 1, 1e15,
             "frames over which it goes down"),
    RLC_FLOAT(AdditiveGaussianModule, mean, 0, -1e6, 1e6, "of the noise"),
    RLC_FLOAT(AdditiveGaussianModule, std, 1, 0, 1e6, "of the noise"),
    {0},
};

static void gaussian_init(rlc_module *self, const rlc_build *build) {
    AdditiveGaussianModule *m = (AdditiveGaussianModule *)self;
    if (expect_continuous(self, build)) {
        m->spec = *build->action;
        m->noise = rlc_module_stream(self, "noise");
        annealed_init(&m->sigma, self, "sigma", true);
    }
}

static void gaussian_forward(rlc_module *self, rlc_dict *td) {
    const AdditiveGaussianModule *m = (const AdditiveGaussianModule *)self;
    rlc_tensor *action = rlc_in(self, td, 0);
    if (action != NULL && rlc_current()->exploration == RLC_EXPLORE_RANDOM) {
        rlc_tensor *noise = rlc_randn(m->noise, rlc_shape_of(action));
        noise = m->std != 1 ? rlc_mul_scalar(noise, m->std) : noise;
        noise = m->mean != 0 ? rlc_add_scalar(noise, m->mean) : noise;
        action = rlc_spec_clamp(&m->spec, rlc_add(action, rlc_mul(noise, m->sigma.value)));
    }
    rlc_out(self, td, 0, action);
}

static void gaussian_step(rlc_module *self, int64_t frames) {
    annealed_step(&((AdditiveGaussianModule *)self)->sigma, frames);
}

const rlc_module_class rlc_additive_gaussian_class = {
    .base = RLC_CLASS("module", AdditiveGaussianModule, .doc = "Gaussian noise on continuous actions",
                      .options = gaussian_options),
    .in_keys = {"action"},
    .out_keys = {"action"},
    .init = gaussian_init,
    .forward = gaussian_forward,
    .step = gaussian_step,
};

typedef struct OrnsteinUhlenbeckProcessModule {
    rlc_module base;
    annealed eps, sigma;
    double theta, mu, dt, x0;
    rlc_spec spec;
    rlc_stream *noise;
    rlc_tensor *state; /* [*batch, *action]: where the process is */
    const rlc_key *is_init;
} OrnsteinUhlenbeckProcessModule;

static const rlc_option ou_options[] = {
    ANNEALED(OrnsteinUhlenbeckProcessModule, eps, from, "eps_init", RLC_OPTION_FLOAT, 1, 0, 1e6,
             "factor of the noise at the start"),
    ANNEALED(OrnsteinUhlenbeckProcessModule, eps, to, "eps_end", RLC_OPTION_FLOAT, 0.1, 0, 1e6, "the same at the end"),
    ANNEALED(OrnsteinUhlenbeckProcessModule, eps, steps, "annealing_num_steps", RLC_OPTION_LONG, 1000, 1, 1e15,
             "frames over which both factors go down"),
    ANNEALED(OrnsteinUhlenbeckProcessModule, sigma, from, "sigma", RLC_OPTION_FLOAT, 0.2, 0, 1e6,
             "of the process at the start"),
    ANNEALED(OrnsteinUhlenbeckProcessModule, sigma, to, "sigma_min", RLC_OPTION_FLOAT, -1, -1, 1e6,
             "the same at the end; -1 for no change"),
    RLC_FLOAT(OrnsteinUhlenbeckProcessModule, theta, 0.15, 0, 1e6, "how fast the process returns to mu"),
    RLC_FLOAT(OrnsteinUhlenbeckProcessModule, mu, 0, -1e6, 1e6, "the mean it returns to"),
    RLC_FLOAT(OrnsteinUhlenbeckProcessModule, dt, 0.01, 1e-9, 1e6, "time between two steps"),
    RLC_FLOAT(OrnsteinUhlenbeckProcessModule, x0, 0, -1e6, 1e6, "where an episode's process begins"),
    {0},
};

static void ou_init(rlc_module *self, const rlc_build *build) {
    OrnsteinUhlenbeckProcessModule *m = (OrnsteinUhlenbeckProcessModule *)self;
    if (!expect_continuous(self, build)) {
        return;
    }
    m->spec = *build->action;
    m->noise = rlc_module_stream(self, "noise");
    m->is_init = rlc_key_intern("is_init");
    m->sigma.to = m->sigma.to < 0 ? m->sigma.from : m->sigma.to;
    m->sigma.steps = m->eps.steps;
    annealed_init(&m->eps, self, "eps", true);
    annealed_init(&m->sigma, self, "sigma", false);
    m->state = rlc_module_run_state(self, "state", RLC_F32, rlc_shape_of(rlc_in(self, build->example, 0)));
    if (rlc_dict_find_key(build->example, m->is_init) == NULL) {
        rlc_fail(RLC_INVALID,
                 "%s: it starts anew where an episode begins, which 'is_init' says; add {type: InitTracker} to "
                 "env.transforms",
                 self->path);
    }
}

/* n <- n + theta (mu - n) dt + sigma sqrt(dt) N, from x0 where an episode begins. */
static void ou_forward(rlc_module *self, rlc_dict *td) {
    const OrnsteinUhlenbeckProcessModule *m = (const OrnsteinUhlenbeckProcessModule *)self;
    rlc_tensor *action = rlc_in(self, td, 0);
    if (action != NULL && rlc_current()->exploration == RLC_EXPLORE_RANDOM) {
        rlc_tensor *n = rlc_where(rlc_dict_get_key(td, m->is_init), rlc_scalar(m->x0), m->state);
        rlc_tensor *kick =
            rlc_mul(rlc_randn(m->noise, rlc_shape_of(action)), rlc_mul_scalar(m->sigma.value, sqrt(m->dt)));
        n = rlc_add(rlc_add_scalar(rlc_mul_scalar(n, 1 - m->theta * m->dt), m->theta * m->mu * m->dt), kick);
        rlc_assign(m->state, n);
        action = rlc_spec_clamp(&m->spec, rlc_add(action, rlc_mul(n, m->eps.value)));
    }
    rlc_out(self, td, 0, action);
}

static void ou_step(rlc_module *self, int64_t frames) {
    const OrnsteinUhlenbeckProcessModule *m = (const OrnsteinUhlenbeckProcessModule *)self;
    annealed_step(&m->eps, frames);
    annealed_step(&m->sigma, frames);
}

const rlc_module_class rlc_ornstein_uhlenbeck_class = {
    .base = RLC_CLASS("module", OrnsteinUhlenbeckProcessModule,
                      .doc = "noise on continuous actions that drifts from step to step", .options = ou_options),
    .in_keys = {"action"},
    .out_keys = {"action"},
    .init = ou_init,
    .forward = ou_forward,
    .step = ou_step,
};
