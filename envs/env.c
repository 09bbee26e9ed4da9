#include "envs/env.h"

#include <stdlib.h>
#include <string.h>

#include "core/record.h"
#include "envs/game.h"
#include "envs/keys.h"
#include "envs/render.h"
#include "envs/transform.h"

const rlc_option rlc__env_options[] = {
    RLC_LONG(rlc_env, num_envs, 1, 1, 1 << 24, "environments that step together"),
    RLC_LONG(rlc_env, max_episode_steps, -1, -1, 1e15, "truncate episodes after so many steps; -1: as usual, 0: never"),
    RLC_ENUM(rlc_env, action_encoding, "one_hot", "one_hot|categorical", "how discrete actions are written"),
    RLC_BOOL_OPTION(rlc_env, from_pixels, false, "draw each state into `pixels`, uint8 [height, width, 3]"),
    RLC_BOOL_OPTION(rlc_env, pixels_only, false, "with from_pixels: no `observation` beside `pixels`"),
    {.name = "device",
     .type = RLC_OPTION_STRING,
     .offset = offsetof(rlc_env, place),
     .help = "cpu: it stays on the host while the rest is on a GPU; where the rest is unless given"},
    {.name = "transforms",
     .type = RLC_OPTION_VALUE,
     .offset = offsetof(rlc_env, transform_options),
     .help = "a list of transforms, [{type: RewardSum}]"},
    {0},
};

static void set_specs(rlc_env *env) {
    const rlc_env_class *type = env->type;
    if (type->planes > 0) {
        env->observation = rlc__game_spec(env);
        env->observed = rlc__env_keys()->pixels;
    } else {
        env->observation = rlc_spec_unbounded(RLC_SHAPE(type->observation_size));
        env->observed = rlc__env_keys()->observation;
    }
    env->shown = env->observed;
    env->shown_spec = env->observation;
    env->pixels_spec =
        rlc_spec_as(rlc_spec_bounded(RLC_SHAPE(type->frame_height, type->frame_width, 3), 0, 255), RLC_U8);
    if (env->pixels_only) {
        env->observation = env->pixels_spec;
        env->observed = rlc__env_keys()->pixels;
    }
    if (type->num_actions > 0) {
        env->action = env->action_encoding == RLC_ACTION_ONE_HOT ? rlc_spec_one_hot(type->num_actions)
                                                                 : rlc_spec_categorical(type->num_actions);
    } else {
        env->action = rlc_spec_bounded(RLC_SHAPE(type->action_size), type->action_low, type->action_high);
        env->action_encoding = RLC_ACTION_CONTINUOUS;
    }
}

static rlc_status make_state(rlc_env *env, uint64_t seed, const char *name) {
    rlc_state *s = &env->state;
    rlc_device *home = env->host_kernel != NULL ? env->device->shared : env->device;
    int64_t n = env->num_envs;
    char actions[128];
    snprintf(actions, sizeof actions, "%s.actions", name);
    env->stream = rlc_state_stream(s, home, seed, name);
    env->action_stream = rlc_state_stream(s, env->device, seed, actions);
    env->states = rlc_state_tensor(s, home, "state", RLC_F32, RLC_SHAPE(env->type->state_size, n));
    env->elapsed = rlc_state_tensor(s, home, "elapsed", RLC_I64, RLC_SHAPE(n));
    env->episode_return = rlc_state_tensor(s, home, "return", RLC_F32, RLC_SHAPE(n));
    env->totals = rlc_state_tensor(s, home, "totals", RLC_I64, RLC_SHAPE(RLC_ENV_NUM_TOTALS));
    env->returns = rlc_state_tensor(s, home, "returns", RLC_F64, RLC_SHAPE(RLC_ENV_HISTORY + 1));
    env->lengths = rlc_state_tensor(s, home, "lengths", RLC_F64, RLC_SHAPE(RLC_ENV_HISTORY));
    env->flags_down = rlc_tensor_new(env->device, RLC_BOOL, RLC_SHAPE(n, 1));
    if (rlc_error_status() != RLC_OK) {
        return rlc_error_status();
    }
    int64_t totals[RLC_ENV_NUM_TOTALS] = {[RLC_ENV_SOLVED_AT] = -1};
    return rlc_tensor_write(env->totals, totals);
}

/* The kernel that steps this class on that device; what a class brings along runs on the host. */
static rlc_kernel *kernel_on(const rlc_env *env, const rlc_device *device) {
    char name[128];
    snprintf(name, sizeof name, "env.%s", env->type->base.name);
    return env->type->kernel != NULL && device->memory.on_host ? env->type->kernel : rlc_device_kernel(device, name);
}

/* Where it runs: with the rest, or on the host because the recipe says so, or because the class allows that and has no other
 * kernel. */
static rlc_status find_place(const rlc_env *env, const rlc_value *options, rlc_device **place) {
    *place = env->device;
    if (env->place != NULL && rlc_device_open(env->place, place) != RLC_OK) {
        rlc_value_locate(rlc_value_find(options, "device"));
        return rlc_error_status();
    }
    if (*place != env->device && !(*place)->memory.on_host) {
        return rlc_value_fail(rlc_value_find(options, "device"),
                              "env: it cannot run on %s while the rest runs on %s; 'device' is cpu, or left out",
                              (*place)->name, env->device->name);
    }
    if (kernel_on(env, *place) == NULL && env->type->kernel != NULL && env->type->host_fallback) {
        char name[128];
        snprintf(name, sizeof name, "env.%s", env->type->base.name);
        rlc__tell_fallback(env->device, name);
        return rlc_device_open("cpu", place);
    }
    return RLC_OK;
}

static rlc_status find_kernel(rlc_env *env, const rlc_value *options) {
    rlc_device *place;
    RLC_TRY(find_place(env, options, &place));
    env->kernel = kernel_on(env, place);
    if (env->kernel == NULL) {
        return rlc_value_fail(options, "env: %s does not run on device %s%s", env->type->base.name, env->device->name,
                              env->type->kernel != NULL ? "; 'device: cpu' keeps it on the host, and so does "
                                                          "`.host_fallback = true` in its rlc_env_class"
                                                        : "");
    }
    if (place != env->device) {
        env->host_kernel = env->kernel;
        env->kernel = env->device->host_call;
    }
    return RLC_OK;
}

/* What draws is found now, not at the first step. */
static rlc_status check_pixels(rlc_env *env, const rlc_value *options) {
    if (!env->from_pixels) {
        return env->pixels_only ? rlc_value_fail(options, "env: pixels_only needs from_pixels: true") : RLC_OK;
    }
    if (env->type->planes > 0 && !env->pixels_only) {
        return rlc_value_fail(
            options,
            "env: from_pixels: %s shows pixels of its own; pixels_only: true as well puts its picture "
            "in their place",
            env->type->base.name);
    }
    if (rlc_env_draw_steps(env) != RLC_OK) {
        rlc_error_prefix("env: from_pixels: ");
        rlc_value_locate(options);
    }
    return rlc_error_status();
}

/* Roots for every entry of a reset's dict, so that a dict can outlive its program. */
static void make_carrier(const rlc_key *key, rlc_tensor *tensor, void *data) {
    rlc_env *env = data;
    char name[256];
    snprintf(name, sizeof name, "carried.%s", key->name);
    rlc_dict_set_key(env->carried, key,
                     tensor->program == NULL ? tensor
                                             : rlc_state_tensor(&env->state, env->device, name,
                                                                (rlc_dtype)tensor->dtype, rlc_shape_of(tensor)));
}

/* A step's shapes, so that what transforms cannot do is found here, and that all have made what they keep. */
static rlc_status rehearse(rlc_env *env) {
    rlc_program *shapes;
    if (env->num_transforms == 0) {
        return RLC_OK;
    }
    RLC_TRY(rlc_program_new(env->device, "transforms", &shapes));
    rlc_env_example(env, shapes);
    rlc_program_free(shapes);
    return rlc_error_status();
}

/* The observation as it is after transforms, unless one of them has said what it is. */
static void observe_spec(rlc_env *env, const rlc_dict *root) {
    const rlc_tensor *seen = rlc_dict_find_key(root, env->observed);
    if (seen != NULL && !rlc_spec_fits(&env->observation, seen)) {
        rlc_shape shape = {.ndim = seen->ndim - 1};
        memcpy(shape.size, seen->shape + 1, (size_t)shape.ndim * sizeof *shape.size);
        env->observation = seen->dtype == RLC_U8 ? rlc_spec_bounded(shape, 0, 255) : rlc_spec_unbounded(shape);
        env->observation.dtype = (rlc_dtype)seen->dtype;
    }
}

static rlc_status first_reset(rlc_env *env) {
    rlc_program *program;
    RLC_TRY(rlc_program_new(env->device, "reset", &program));
    rlc_begin(program);
    rlc_dict *root = rlc_env_reset(env);
    env->carried = rlc_dict_new_in(&env->arena, RLC_SHAPE(env->num_envs));
    if (root != NULL && env->carried != NULL) {
        observe_spec(env, root);
        rlc_dict_each(root, make_carrier, env);
        rlc_env_keep(env, root);
    }
    rlc_status status = rlc_end(program);
    rlc_program_free(program);
    return status != RLC_OK ? status : rlc_error_status();
}

static rlc_status build_transforms(rlc_env *env, const rlc_registry *registry) {
    rlc_transforms list = {.env = env, .device = env->device, .arena = &env->arena, .state = &env->state};
    RLC_TRY(rlc__transforms_build(&list, registry, "env.transforms", env->transform_options));
    env->transforms = list.items;
    env->num_transforms = list.count;
    return RLC_OK;
}

static rlc_status build(rlc_env *env, const rlc_registry *registry, uint64_t seed, const char *name,
                        const rlc_value *options) {
    options = rlc_value_clone(&env->arena, options); /* whoever gave them may be gone before the environment is */
    if (options == NULL) {
        return rlc_error_status();
    }
    RLC_TRY(rlc_options_apply(&env->arena, "env", options, env, rlc__env_options, env->type->base.options));
    if (env->max_episode_steps < 0) {
        env->max_episode_steps = env->type->max_steps;
    }
    set_specs(env);
    RLC_TRY(find_kernel(env, options));
    RLC_TRY(make_state(env, seed, name));
    RLC_TRY(check_pixels(env, options));
    RLC_TRY(build_transforms(env, registry));
    RLC_TRY(rehearse(env));
    return first_reset(env);
}

rlc_status rlc_env_new(const rlc_registry *registry, rlc_device *device, uint64_t seed, const char *name,
                       const rlc_value *options, rlc_env **out) {
    const rlc_env_class *type = (const rlc_env_class *)rlc_registry_type_of(registry, "env", "env", options);
    rlc_env *env = type != NULL ? rlc_calloc(1, type->base.size) : NULL;
    if (env == NULL) {
        return rlc_error_status();
    }
    env->type = type;
    env->device = device;
    rlc_status status = build(env, registry, seed, name, options);
    if (status != RLC_OK) {
        rlc_env_free(env);
        return status;
    }
    *out = env;
    return RLC_OK;
}

rlc_status rlc_env_make(const rlc_registry *registry, rlc_device *device, uint64_t seed, const char *options,
                        rlc_env **env) {
    rlc_arena arena = {0};
    rlc_value *value;
    rlc_status status = rlc_value_parse(&arena, "env", options, &value);
    if (status == RLC_OK) {
        status = rlc_env_new(registry, device, seed, "env", value, env);
    }
    rlc_arena_free(&arena);
    return status;
}

void rlc_env_free(rlc_env *env) {
    if (env != NULL) {
        rlc__renderer_free(env->renderer);
        rlc_tensor_free(env->flags_down);
        rlc_state_free(&env->state);
        rlc_state_free(&env->learned);
        rlc_arena_free(&env->arena);
        free(env);
    }
}
