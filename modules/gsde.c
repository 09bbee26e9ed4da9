/* gsde.c: gSDEModule: noise on actions that is a linear function of the state, and stays that function for an episode
 * (Raffin, Kober and Stulp, "Smooth Exploration for Robotic Reinforcement Learning", CoRL 2021).
 *
 * With the state s, or what a network made of it, a learned sigma [action, state] and noise eps of the same shape:
 *
 *     action = transform(loc + (sigma eps) s)        scale_i = sqrt(sum_j (sigma_ij s_j)^2)
 *
 * so an action has the distribution Normal(loc, scale), and a ProbabilisticActor around this module scores it by that.
 *
 * eps is drawn anew for an environment where is_init says that an episode begins there, and, with resample_every, after so
 * many steps, as Stable-Baselines3 does for each batch it collects; in between it waits with the run and its checkpoint,
 * no part of the state_dict, which so fits any number of environments. Where td says nothing of beginnings, as the batch of
 * a loss does, `_eps_gSDE` of td is used if it has that, else no noise: loc and scale do not depend on it.
 */
#include <math.h>
#include <stdlib.h>

#include "core/record.h"
#include "modules/classes.h"
#include "modules/model.h"

typedef struct gSDEModule {
    rlc_module base;
    double sigma_init, scale_min, scale_max;
    bool learn_sigma;
    int64_t resample_every;
    int transform;
    rlc_spec spec;
    rlc_stream *noise;
    rlc_tensor *sigma;       /* the parameter log_sigma, or the buffer _sigma */
    rlc_tensor *eps, *drawn; /* [*batch, action, state]; int64 [*batch, 1], steps since it was drawn */
    const rlc_key *is_init, *given;
} gSDEModule;

enum { MU, STATE };
enum { LOC, SCALE, ACTION, EPS };
enum { NONE, TANH };

static const rlc_option options[] = {
    RLC_FLOAT(gSDEModule, sigma_init, 0, 0, 1e6,
              "of sigma at the start; 0: such that a state of numbers around 1 gives a scale of 1"),
    RLC_FLOAT(gSDEModule, scale_min, 0.01, 0, 1e6, "smallest sigma"),
    RLC_FLOAT(gSDEModule, scale_max, 10, 0, 1e6, "largest sigma"),
    RLC_BOOL_OPTION(gSDEModule, learn_sigma, true, "sigma is a parameter, softplus(log_sigma)"),
    RLC_ENUM(gSDEModule, transform, "none", "none|tanh", "tanh: of the noisy action, into the environment's bounds"),
    RLC_LONG(gSDEModule, resample_every, 0, 0, 1e15,
             "steps after which the noise is drawn anew within an episode; 0: never", .alias = "sde_sample_freq"),
    {0},
};

static bool check(const gSDEModule *m, const rlc_build *build) {
    const rlc_module *self = &m->base;
    char text[RLC_SHAPE_TEXT + 64];
    if (rlc_spec_is_discrete(build->action)) {
        rlc_fail(RLC_INVALID, "%s: it adds noise to continuous actions, but those of the environment are %s",
                 self->path, rlc_spec_text(build->action, text));
    } else if (rlc_dict_find_key(build->example, m->is_init) == NULL) {
        rlc_fail(
            RLC_INVALID,
            "%s: its noise is drawn anew where an episode begins, which 'is_init' says; add {type: InitTracker} to "
            "env.transforms",
            self->path);
    } else if (self->num_in < 2 || self->num_out != 4) {
        rlc_fail(RLC_INVALID,
                 "%s: it reads an average action and a state, and writes loc, scale, the action and its noise: "
                 "two in_keys and four out_keys",
                 self->path);
    } else if (m->scale_min > m->scale_max) {
        rlc_fail(RLC_INVALID, "%s: scale_min (%g) is above scale_max (%g)", self->path, m->scale_min, m->scale_max);
    }
    return rlc_error_status() == RLC_OK;
}

static void set_all(rlc_tensor *tensor, double value) {
    float *values = tensor != NULL ? rlc_calloc((size_t)tensor->numel, sizeof *values) : NULL;
    for (int64_t i = 0; values != NULL && i < tensor->numel; i++) {
        values[i] = (float)value;
    }
    if (values != NULL) {
        rlc_tensor_write(tensor, values);
    }
    free(values);
}

static void init(rlc_module *self, const rlc_build *build) {
    gSDEModule *m = (gSDEModule *)self;
    m->is_init = rlc_key_intern("is_init");
    if (!check(m, build)) {
        return;
    }
    const rlc_tensor *mu = rlc_in(self, build->example, MU), *state = rlc_in(self, build->example, STATE);
    if (mu == NULL || state == NULL) {
        return;
    }
    int64_t actions = rlc_size(mu, -1), states = rlc_size(state, -1);
    rlc_shape batch = build->example->batch;
    double sigma = m->sigma_init > 0 ? m->sigma_init : sqrt(fmax(1 - m->scale_min, 0) / (double)states);
    m->spec = *build->action;
    m->given = self->out_keys[EPS];
    m->noise = rlc_module_stream(self, "noise");
    if (m->learn_sigma) {
        m->sigma = rlc_parameter_new(self, "log_sigma", RLC_SHAPE(actions, states),
                                     (rlc_init){RLC_INIT_CONSTANT, log(expm1(fmax(sigma, 1e-6)))});
    } else {
        m->sigma = rlc_module_buffer(self, "_sigma", RLC_F32, RLC_SHAPE(actions, states));
        set_all(m->sigma, sigma);
    }
    m->eps = rlc_module_run_state(self, "eps", RLC_F32, rlc_shape_concat(batch, RLC_SHAPE(actions, states)));
    m->drawn = rlc_module_run_state(self, "drawn", RLC_I64, rlc_shape_concat(batch, RLC_SHAPE(1)));
}

/* Moves the noise on by a step of all environments. */
static rlc_tensor *next_noise(const gSDEModule *m, rlc_tensor *begins) {
    char ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
    if (!rlc_shape_equal(rlc_shape_of(begins), rlc_shape_of(m->drawn))) {
        return rlc__op_fail("gsde", "its noise is that of %s environments, but is_init has shape %s",
                            rlc_shape_text(rlc_shape_of(m->drawn), ta), rlc_shape_text(rlc_shape_of(begins), tb));
    }
    bool was = rlc_no_grad(true);
    rlc_tensor *one = rlc_full(RLC_I64, (rlc_shape){0}, 1);
    begins = rlc_logical_or(begins, rlc_lt(m->drawn, one)); /* never yet: another policy began the episode */
    if (m->resample_every > 0) {
        rlc_tensor *limit = rlc_full(RLC_I64, (rlc_shape){0}, (double)m->resample_every);
        begins = rlc_logical_or(begins, rlc_ge(m->drawn, limit));
    }
    rlc_assign(m->drawn, rlc_where(begins, one, rlc_add(m->drawn, one)));
    rlc_tensor *fresh = rlc_randn(m->noise, rlc_shape_of(m->eps));
    rlc_tensor *eps = rlc_where(rlc_unsqueeze(begins, -1), fresh, m->eps);
    rlc_assign(m->eps, eps);
    rlc_no_grad(was);
    return eps;
}

/* NULL where there is none. */
static rlc_tensor *noise_for(const gSDEModule *m, const rlc_dict *td) {
    if (rlc_current()->exploration != RLC_EXPLORE_RANDOM) {
        return NULL;
    }
    rlc_tensor *begins = rlc_dict_find_key(td, m->is_init);
    return begins != NULL ? next_noise(m, begins) : rlc_dict_find_key(td, m->given);
}

static rlc_tensor *transformed(const gSDEModule *m, rlc_tensor *action) {
    return m->transform == NONE ? action : rlc_spec_stretch(&m->spec, rlc_tanh(action), -1, 1);
}

static void forward(rlc_module *self, rlc_dict *td) {
    const gSDEModule *m = (const gSDEModule *)self;
    rlc_tensor *mu = rlc_in(self, td, MU), *state = rlc_in(self, td, STATE);
    if (mu == NULL || state == NULL) {
        return;
    }
    rlc_tensor *sigma = rlc_clamp(m->learn_sigma ? rlc_softplus(m->sigma) : m->sigma, m->scale_min, m->scale_max);
    rlc_tensor *eps = noise_for(m, td), *action = mu;
    if (eps != NULL) {
        rlc_tensor *slope = rlc_mul(sigma, eps); /* the noise is this times the state */
        action = rlc_add(mu, rlc_squeeze(rlc_matmul(slope, rlc_unsqueeze(state, -1)), -1));
        rlc_out(self, td, EPS, eps);
    }
    rlc_tensor *variance = rlc_matmul(rlc_square(state), rlc_transpose(rlc_square(sigma), 0, 1));
    rlc_out(self, td, LOC, mu);
    rlc_out(self, td, SCALE, rlc_sqrt(rlc_clamp(variance, 1e-5, INFINITY)));
    rlc_out(self, td, ACTION, transformed(m, action));
}

const rlc_module_class rlc_gsde_class = {
    .base = RLC_CLASS("module", gSDEModule,
                      .doc = "noise on actions that depends on the state and stays the same for an episode",
                      .options = options),
    .in_keys = {"action", "observation"},
    .out_keys = {"loc", "scale", "action", "_eps_gSDE"},
    .init = init,
    .forward = forward,
};
