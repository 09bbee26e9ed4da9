/* observation_norm.c: observations scaled and moved by constants: x scale + loc, or with standard_normal (x - loc) / scale. */
#include "core/record.h"
#include "envs/transform.h"

typedef struct ObservationNorm {
    rlc_transform base;
    const rlc_value *loc_option, *scale_option;
    rlc_strings in_keys, out_keys;
    bool standard_normal;
    double eps;
    rlc_tensor *loc, *scale; /* [1], or one for each number of the last dimension */
} ObservationNorm;

static const rlc_option options[] = {
    {.name = "loc",
     .type = RLC_OPTION_VALUE,
     .offset = offsetof(ObservationNorm, loc_option),
     .required = true,
     .help = "what is added, or with standard_normal taken off: a number, or one for each number of the entry"},
    {.name = "scale",
     .type = RLC_OPTION_VALUE,
     .offset = offsetof(ObservationNorm, scale_option),
     .required = true,
     .help = "what is multiplied by, or with standard_normal divided by; at least eps"},
    RLC_STRINGS(ObservationNorm, in_keys, "[observation]", "the entries"),
    RLC_STRINGS(ObservationNorm, out_keys, NULL, "where they are written; where they were unless given"),
    RLC_BOOL_OPTION(ObservationNorm, standard_normal, false, "(x - loc) / scale in place of x scale + loc"),
    RLC_FLOAT(ObservationNorm, eps, 1e-6, 0, 1e30, "the least scale"),
    {0},
};

static void init(rlc_transform *self, rlc_env *env) {
    ObservationNorm *n = (ObservationNorm *)self;
    (void)env;
    rlc_transform_keys(self, n->in_keys, n->out_keys, &self->entries);
    n->loc = rlc_transform_numbers(self, "loc", n->loc_option);
    n->scale = rlc_transform_numbers(self, "scale", n->scale_option);
}

/* Errors name the transform; those of the ops below would not. */
static bool fits(const ObservationNorm *n, const rlc_key *key, const rlc_tensor *x) {
    const rlc_tensor *constants[] = {n->loc, n->scale};
    for (int i = 0; i < RLC_COUNT(constants); i++) {
        if (constants[i]->numel != 1 && constants[i]->numel != x->shape[x->ndim - 1]) {
            char text[RLC_SHAPE_TEXT];
            rlc__op_fail(n->base.path, "%s has %lld numbers, but '%s' is %s", i == 0 ? "loc" : "scale",
                         (long long)constants[i]->numel, key->name, rlc_shape_text(rlc_shape_of(x), text));
            return false;
        }
    }
    return true;
}

static void normalise(const ObservationNorm *n, rlc_dict *dict, bool must_be_there) {
    const rlc_key_pairs *keys = &n->base.entries;
    for (int i = 0; i < keys->count; i++) {
        rlc_tensor *x = must_be_there ? rlc_dict_get_key(dict, keys->in[i]) : rlc_dict_find_key(dict, keys->in[i]);
        if (x != NULL && fits(n, keys->in[i], x)) {
            rlc_tensor *scale = rlc_clamp(n->scale, n->eps, INFINITY);
            rlc_dict_set_key(dict, keys->out[i],
                             n->standard_normal ? rlc_div(rlc_sub(x, n->loc), scale)
                                                : rlc_add(rlc_mul(x, scale), n->loc));
        }
    }
}

static void reset(rlc_transform *self, rlc_dict *root, rlc_tensor *rows) {
    (void)rows;
    normalise((ObservationNorm *)self, root, false); /* it may be of what steps alone write */
}

static void apply(rlc_transform *self, rlc_dict *dict) {
    normalise((ObservationNorm *)self, dict, true);
}

const rlc_transform_class rlc_observation_norm_class = {
    .base = RLC_CLASS("transform", ObservationNorm, .doc = "scales and moves observations", .options = options),
    .init = init,
    .reset = reset,
    .apply = apply,
};
