#include "objectives/loss.h"

#include <string.h>

#include "core/record.h"

rlc_dict *rlc_loss_call(rlc_loss *loss, rlc_dict *batch) {
    rlc_dict *out = batch != NULL && rlc__require_program("loss_call") != NULL ? rlc_dict_new((rlc_shape){0}) : NULL;
    if (out != NULL) {
        bool was = rlc_set_training(true);
        loss->out = out;
        rlc_module_call(&loss->base, batch);
        loss->out = NULL;
        rlc_set_training(was);
    }
    return out;
}

/* While the model is built the loss is called as any module, to check shapes: its numbers then go nowhere. */
void rlc_loss_set(rlc_loss *loss, const char *name, rlc_tensor *value) {
    if (value != NULL && value->ndim != 0) {
        char text[RLC_SHAPE_TEXT];
        rlc__op_fail(loss->base.type->base.name, "'%s' must be one number without dimensions, not of shape %s", name,
                     rlc_shape_text(rlc_shape_of(value), text));
        return;
    }
    if (loss->out != NULL) {
        rlc_dict_set(loss->out, name, value);
    }
}

static rlc_loss_group_entry *group_named(rlc_loss *loss, const char *name) {
    for (int i = 0; i < loss->num_groups; i++) {
        if (strcmp(loss->groups[i].name, name) == 0) {
            return &loss->groups[i];
        }
    }
    if (loss->num_groups == RLC_MAX_GROUPS) {
        rlc_fail(RLC_INVALID, "%s: more than %d groups of parameters", loss->base.path, RLC_MAX_GROUPS);
        return NULL;
    }
    rlc_loss_group_entry *group = &loss->groups[loss->num_groups++];
    group->name = name;
    return group;
}

static void join(rlc_loss *loss, const char *name, const int *parameters, int count) {
    rlc_loss_group_entry *group = group_named(loss, name);
    rlc_arena *arena = &loss->base.model->arena;
    int *all = group != NULL
                   ? rlc_arena_alloc(arena, ((size_t)(group->count + count) + 1) * sizeof *all, RLC_ALIGN_STRUCT)
                   : NULL;
    if (all == NULL) {
        return;
    }
    if (group->count > 0) {
        memcpy(all, group->parameters, (size_t)group->count * sizeof *all);
    }
    if (count > 0) {
        memcpy(all + group->count, parameters, (size_t)count * sizeof *all);
    }
    group->parameters = all;
    group->count += count;
}

enum { MAX_PARAMETERS = 1024 };

void rlc_loss_group(rlc_loss *loss, const char *name, rlc_module *module) {
    int parameters[MAX_PARAMETERS];
    if (module == NULL) {
        return;
    }
    int count = rlc_module_parameters(module, parameters, MAX_PARAMETERS);
    if (count > MAX_PARAMETERS) {
        rlc_fail(RLC_INVALID, "%s: %s has more than %d parameters", loss->base.path, module->path, MAX_PARAMETERS);
        return;
    }
    join(loss, name, parameters, count);
}

void rlc_loss_group_parameter(rlc_loss *loss, const char *name, const rlc_tensor *parameter) {
    const rlc_model *model = loss->base.model;
    for (int i = 0; i < model->num_parameters; i++) {
        if (model->parameters[i].tensor == parameter) {
            join(loss, name, &i, 1);
        }
    }
}

rlc_module *rlc_loss_target(rlc_loss *loss, const rlc_build *build, rlc_module *online, const char *name) {
    if (loss->num_targets == RLC_MAX_TARGETS) {
        rlc_fail(RLC_INVALID, "%s: more than %d target networks", loss->base.path, RLC_MAX_TARGETS);
        return NULL;
    }
    rlc_module *target = rlc_module_clone(&loss->base, build, online, name, true);
    if (target != NULL) {
        rlc_module_requires_grad(target, false);
        target->is_target = true;
        loss->targets[loss->num_targets++] = (rlc_loss_target_entry){online, target};
    }
    return target;
}

static int add_key(const rlc_key **keys, int count, const rlc_key *key) {
    for (int i = 0; i < count; i++) {
        if (keys[i] == key) {
            return count;
        }
    }
    if (count < RLC_MAX_KEYS && key != NULL) {
        keys[count++] = key;
    }
    return count;
}

void rlc_loss_reads(rlc_loss *loss, const rlc_module *network, bool next, const char *const *names, int count) {
    const rlc_key *keys[RLC_MAX_KEYS];
    int n = loss->base.num_in;
    memcpy(keys, loss->base.in_keys, (size_t)n * sizeof *keys);
    for (int i = 0; network != NULL && i < network->num_in; i++) {
        n = add_key(keys, n, network->in_keys[i]);
        n = next ? add_key(keys, n, rlc_key_join(rlc_key_intern("next"), network->in_keys[i])) : n;
    }
    for (int i = 0; i < count; i++) {
        n = add_key(keys, n, rlc_key_intern(names[i]));
    }
    rlc_module_set_in_keys(&loss->base, keys, n);
}

int rlc_loss_parameters(const rlc_loss *loss, const char *group, int *parameters, int room) {
    int count = 0;
    bool found = group == NULL;
    for (int i = 0; i < loss->num_groups; i++) {
        const rlc_loss_group_entry *g = &loss->groups[i];
        if (group != NULL && strcmp(group, g->name) != 0) {
            continue;
        }
        found = true;
        for (int k = 0; k < g->count && count < room; k++) {
            bool seen = false; /* groups may share a network: an actor's body and its critic's */
            for (int m = 0; m < count && !seen; m++) {
                seen = parameters[m] == g->parameters[k];
            }
            if (!seen) {
                parameters[count++] = g->parameters[k];
            }
        }
    }
    return found ? count : -1;
}

rlc_schedule *rlc_loss_schedule(rlc_loss *loss, const char *option, const rlc_value *value, double usual) {
    rlc_model *model = loss->base.model;
    rlc_schedule *schedule = NULL;
    if (value == NULL || value->kind == RLC_NULL) {
        return rlc_schedule_constant(&model->arena, usual);
    }
    rlc_schedule_read(model->registry, &model->arena, loss->base.path, option, value, &schedule);
    return schedule;
}

/* While the model is built there is no run to go by: then it is what it starts from. */
rlc_tensor *rlc_loss_scheduled(const rlc_loss *loss, const rlc_schedule *schedule) {
    if (loss->frames == NULL || !rlc_schedule_changes(schedule)) {
        return rlc_scalar(rlc_schedule_start(schedule));
    }
    return rlc_schedule_record(schedule, loss->frames, loss->total_frames);
}

rlc_tensor *rlc_distance(int distance, rlc_tensor *value, rlc_tensor *target) {
    enum { L2, L1 };
    return distance == L2   ? rlc_squared_error(value, target)
           : distance == L1 ? rlc_absolute_error(value, target)
                            : rlc_smooth_l1(value, target, 1);
}

rlc_tensor *rlc_chosen_value(const rlc_spec *spec, rlc_tensor *values, rlc_tensor *action) {
    if (values == NULL || action == NULL) {
        return NULL;
    }
    if (rlc_size(values, -1) != spec->n) {
        return rlc__op_fail("chosen_value", "a network gives %lld values, but the environment has %lld actions",
                            (long long)rlc_size(values, -1), (long long)spec->n);
    }
    return spec->kind == RLC_SPEC_ONE_HOT ? rlc_sum(rlc_mul(values, rlc_cast(action, RLC_F32)), -1, true)
                                          : rlc_gather(values, -1, rlc_unsqueeze(action, -1));
}
