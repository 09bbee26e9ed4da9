/* action_scaling.c: those who act do so in [-1, 1], or in [0, 1] without standard_normal; the environment gets the action
 * on its own scale. A replay buffer keeps what was chosen, not what the environment got. */
#include "envs/transform.h"

typedef struct ActionScaling {
    rlc_transform base;
    bool standard_normal;
    rlc_spec inner; /* of what reaches the environment */
} ActionScaling;

static const rlc_option options[] = {
    RLC_BOOL_OPTION(ActionScaling, standard_normal, true, "actions are chosen in [-1, 1], else in [0, 1]"),
    {0},
};

static void init(rlc_transform *self, rlc_env *env) {
    ActionScaling *s = (ActionScaling *)self;
    const rlc_spec spec = env->action;
    if (spec.kind != RLC_SPEC_BOUNDED) {
        char text[RLC_SHAPE_TEXT + 64];
        rlc_value_fail(self->options,
                       "%s: ActionScaling needs actions with bounds, but those of the environment are %s", self->path,
                       rlc_spec_text(&spec, text));
        return;
    }
    s->inner = spec;
    env->action = rlc_spec_bounded(spec.shape, s->standard_normal ? -1 : 0, 1);
}

static rlc_tensor *inverse(rlc_transform *self, rlc_tensor *action) {
    const ActionScaling *s = (const ActionScaling *)self;
    return rlc_spec_stretch(&s->inner, action, s->standard_normal ? -1 : 0, 1);
}

const rlc_transform_class rlc_action_scaling_class = {
    .base = RLC_CLASS("transform", ActionScaling,
                      .doc = "has actions chosen in [-1, 1] whatever the environment's bounds", .options = options),
    .init = init,
    .inverse = inverse,
};
