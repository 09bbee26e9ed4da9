/* transform.c: building the transforms of an environment, going through them, and what several of them need. */
#include "envs/transform.h"

#include <string.h>

/* Compose is taken apart while it is built: a list within the list. */
typedef struct Compose {
    rlc_transform base;
    const rlc_value *transforms;
} Compose;

static const rlc_option compose_options[] = {
    RLC_VALUE(Compose, transforms, "a list of transforms, [{type: RewardSum}]", .required = true),
    {0},
};

const rlc_transform_class rlc_compose_class = {
    .base = RLC_CLASS("transform", Compose, .doc = "several transforms as one", .options = compose_options),
};

static rlc_status add_list(rlc_transforms *to, const rlc_registry *registry, const char *path, const rlc_value *list);

static bool append(rlc_transforms *to, rlc_transform *transform) {
    size_t count = (size_t)to->count;
    rlc_transform **grown = rlc_arena_calloc(to->arena, (count + 1) * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    if (count > 0) {
        memcpy(grown, to->items, count * sizeof *grown);
    }
    transform->index = to->count;
    grown[to->count++] = transform;
    to->items = grown;
    return true;
}

static rlc_status add(rlc_transforms *to, const rlc_registry *registry, const char *path, const rlc_value *options) {
    const rlc_transform_class *type =
        (const rlc_transform_class *)rlc_registry_type_of(registry, "transform", path, options);
    rlc_transform *transform = type != NULL ? rlc_arena_calloc(to->arena, type->base.size) : NULL;
    if (transform == NULL) {
        return rlc_error_status();
    }
    RLC_TRY(rlc_options_apply(to->arena, path, options, transform, type->base.options, NULL));
    if (type == &rlc_compose_class) {
        const char *inner = rlc_arena_printf(to->arena, "%s.transforms", path);
        return inner != NULL ? add_list(to, registry, inner, ((Compose *)transform)->transforms) : rlc_error_status();
    }
    if (to->env == NULL && type->apply == NULL && type->look_back == NULL) {
        return rlc_value_fail(options, "%s: %s works in an environment only (env.transforms), not on samples", path,
                              type->base.name);
    }
    transform->type = type;
    transform->env = to->env;
    transform->device = to->device;
    transform->arena = to->arena;
    transform->state = to->state;
    transform->path = path;
    transform->options = options;
    if (append(to, transform) && type->init != NULL) {
        type->init(transform, to->env);
    }
    return rlc_error_status();
}

static rlc_status add_list(rlc_transforms *to, const rlc_registry *registry, const char *path, const rlc_value *list) {
    if (list->kind != RLC_LIST) {
        char text[64];
        return rlc_value_fail(list, "%s: must be a list such as [{type: RewardSum}], not %s", path,
                              rlc_value_describe(list, text));
    }
    for (int i = 0; i < list->count; i++) {
        const char *item = rlc_arena_printf(to->arena, "%s.%d", path, i);
        RLC_TRY(item != NULL ? add(to, registry, item, list->items[i]) : rlc_error_status());
    }
    return RLC_OK;
}

rlc_status rlc__transforms_build(rlc_transforms *list, const rlc_registry *registry, const char *path,
                                 const rlc_value *options) {
    return options == NULL || options->kind == RLC_NULL ? RLC_OK : add_list(list, registry, path, options);
}

rlc_transform_at rlc__transform_enter(const rlc_transform *self) {
    rlc_program *p = rlc_current();
    const rlc_transform_at at = {p, p != NULL ? p->where : NULL, rlc_error_status() == RLC_OK};
    if (p != NULL) {
        p->where = self->path;
    }
    return at;
}

void rlc__transform_leave(const rlc_transform *self, rlc_transform_at at) {
    if (at.program != NULL) {
        at.program->where = at.where;
    }
    if (at.was_good && rlc_error_status() != RLC_OK) {
        rlc_value_locate(self->options);
    }
}

bool rlc__transforms_change_dicts(const rlc_env *env) {
    bool change = false;
    for (int i = 0; i < env->num_transforms && !change; i++) {
        const rlc_transform_class *type = env->transforms[i]->type;
        change = type->reset != NULL || type->step != NULL || type->apply != NULL || type->look_back != NULL;
    }
    return change;
}

void rlc__transforms_reset(rlc_env *env, rlc_dict *root, rlc_tensor *rows) {
    for (int i = 0; i < env->num_transforms; i++) {
        rlc_transform *t = env->transforms[i];
        const rlc_transform_at at = rlc__transform_enter(t);
        if (t->type->reset != NULL) {
            t->type->reset(t, root, rows);
        } else if (t->type->apply != NULL) {
            t->type->apply(t, root);
        } else if (t->type->look_back != NULL) {
            rlc__look_back_reset(t, root, rows);
        }
        rlc__transform_leave(t, at);
    }
}

void rlc__transform_step(rlc_transform *self, const rlc_dict *td, rlc_dict *next) {
    const rlc_transform_at at = rlc__transform_enter(self);
    if (self->type->step != NULL) {
        self->type->step(self, td, next);
    } else if (self->type->apply != NULL) {
        self->type->apply(self, next);
    } else if (self->type->look_back != NULL) {
        rlc__look_back_step(self, next);
    }
    rlc__transform_leave(self, at);
}

rlc_tensor *rlc__transforms_inverse(rlc_env *env, rlc_tensor *action) {
    for (int i = env->num_transforms - 1; i >= 0; i--) {
        rlc_transform *t = env->transforms[i];
        action = t->type->inverse != NULL ? t->type->inverse(t, action) : action;
    }
    return action;
}

static const rlc_key **intern(const rlc_transform *self, rlc_strings names) {
    const rlc_key **keys = rlc_arena_calloc(self->arena, ((size_t)names.count + 1) * sizeof *keys);
    for (int i = 0; i < names.count && keys != NULL; i++) {
        keys[i] = rlc_key_intern(names.values[i]);
    }
    return keys;
}

void rlc_transform_keys(const rlc_transform *self, rlc_strings in_keys, rlc_strings out_keys, rlc_key_pairs *pairs) {
    out_keys = out_keys.count == 0 ? in_keys : out_keys;
    if (in_keys.count == 0 || in_keys.count != out_keys.count) {
        rlc_value_fail(self->options,
                       "%s: there are %d in_keys and %d out_keys; there must be as many, and at least one", self->path,
                       in_keys.count, out_keys.count);
        return;
    }
    *pairs = (rlc_key_pairs){in_keys.count, intern(self, in_keys), intern(self, out_keys)};
}

void rlc_transform_reads(rlc_transform *self, rlc_strings in_keys, rlc_strings out_keys) {
    rlc_env *env = self->env;
    rlc_transform_keys(self, in_keys, out_keys, &self->entries);
    for (int i = 0; i < self->entries.count && env != NULL && self->entries.out != NULL; i++) {
        env->observed = self->entries.in[i] == env->observed ? self->entries.out[i] : env->observed;
    }
}

void rlc_transform_each(rlc_transform *self, rlc_dict *dict, rlc_tensor *(*f)(rlc_transform *self, rlc_tensor *x)) {
    for (int i = 0; i < self->entries.count; i++) {
        rlc_tensor *x = rlc_dict_get_key(dict, self->entries.in[i]);
        rlc_dict_set_key(dict, self->entries.out[i], x != NULL ? f(self, x) : NULL);
    }
}

/* Reads one number, or a list of them, as an option table reads a list. */
static rlc_status read_numbers(const rlc_transform *self, const char *name, const rlc_value *value,
                               rlc_floats *numbers) {
    const rlc_option table[] = {
        {.name = name, .type = RLC_OPTION_FLOATS, .min = -1e30, .max = 1e30, .help = "a number, or a list of numbers"},
        {0},
    };
    rlc_value list = *value, map = *value, *items[] = {(rlc_value *)value}, *lists[] = {&list};
    if (value->kind != RLC_LIST) {
        list.kind = RLC_LIST;
        list.count = 1;
        list.items = items;
    }
    map.kind = RLC_MAP;
    map.count = 1;
    map.items = lists;
    map.keys = &name;
    RLC_TRY(rlc_options_apply(self->arena, self->path, &map, numbers, table, NULL));
    return numbers->count > 0 ? RLC_OK : rlc_value_fail(value, "%s: option '%s' is an empty list", self->path, name);
}

rlc_tensor *rlc_transform_numbers(const rlc_transform *self, const char *name, const rlc_value *value) {
    rlc_floats numbers = {0};
    char *full = rlc_arena_printf(self->arena, "transforms.%d.%s", self->index, name);
    if (full == NULL || read_numbers(self, name, value, &numbers) != RLC_OK) {
        return NULL;
    }
    float *values = rlc_arena_calloc(self->arena, (size_t)numbers.count * sizeof *values);
    for (int i = 0; i < numbers.count && values != NULL; i++) {
        values[i] = (float)numbers.values[i];
    }
    rlc_tensor *tensor = rlc_state_tensor(self->state, self->device, full, RLC_F32, RLC_SHAPE(numbers.count));
    return values != NULL && tensor != NULL && rlc_tensor_write(tensor, values) == RLC_OK ? tensor : NULL;
}

rlc_tensor *rlc_transform_rows(rlc_tensor *rows, const rlc_tensor *like) {
    if (rows == NULL || like == NULL || rows->ndim == like->ndim) {
        return rows;
    }
    rlc_shape shape = {.ndim = like->ndim};
    for (int i = 0; i < like->ndim; i++) {
        shape.size[i] = i == 0 ? rows->shape[0] : 1;
    }
    return rlc_reshape(rows, shape);
}
