#include "objectives/target.h"

#include <stdlib.h>

#include "core/update.h"

const rlc_option rlc__target_options[] = {
    RLC_LONG(rlc_target, every, 1, 1, 1e12, "updates of the loss between two of the targets",
             .alias = "value_network_update_interval"),
    {0},
};

enum { MAX_PARAMETERS = 1024 };

/* Adds the parameters of a network and its target, as stretches of the flat buffer. */
static rlc_status add_pair(rlc_target *t, const rlc_model *model, const rlc_loss_target_entry *pair) {
    int online[MAX_PARAMETERS], target[MAX_PARAMETERS];
    rlc_range from[MAX_PARAMETERS], to[MAX_PARAMETERS];
    int count = rlc_module_parameters(pair->online, online, MAX_PARAMETERS);
    if (count > MAX_PARAMETERS || rlc_module_parameters(pair->target, target, MAX_PARAMETERS) != count) {
        return rlc_fail(RLC_INVALID, "%s: its target has other parameters, or more than %d", pair->online->path,
                        MAX_PARAMETERS);
    }
    int stretches = rlc_model_paired_ranges(model, online, target, count, from, to);
    for (int i = 0; i < stretches; i++) {
        int at = t->count++; /* before anything can fail: what is counted is freed */
        t->onlines[at] = rlc_model_values(model, from[i]);
        t->targets[at] = rlc_model_values(model, to[i]);
        if (t->onlines[at] == NULL || t->targets[at] == NULL) {
            return rlc_error_status();
        }
    }
    return RLC_OK;
}

/* A view that the updater owns, as it does those of stretches. */
static rlc_tensor *view_of(const rlc_tensor *buffer) {
    return rlc_tensor_over(buffer->device, (rlc_dtype)buffer->dtype, rlc_shape_of(buffer), buffer->data);
}

/* Adds their buffers: a target that is called outside of training needs running statistics that fit its parameters. */
static rlc_status add_buffers(rlc_target *t, const rlc_loss_target_entry *pair) {
    const rlc_tensor *online[MAX_PARAMETERS], *target[MAX_PARAMETERS];
    int count = rlc_module_buffers(pair->online, online, MAX_PARAMETERS);
    if (count > MAX_PARAMETERS || rlc_module_buffers(pair->target, target, MAX_PARAMETERS) != count) {
        return rlc_fail(RLC_INVALID, "%s: its target has other buffers, or more than %d", pair->online->path,
                        MAX_PARAMETERS);
    }
    for (int i = 0; i < count; i++) {
        int at = t->count++;
        t->onlines[at] = view_of(online[i]);
        t->targets[at] = view_of(target[i]);
        if (t->onlines[at] == NULL || t->targets[at] == NULL) {
            return rlc_error_status();
        }
    }
    return RLC_OK;
}

static rlc_status build(rlc_target *t, rlc_loss *loss, const rlc_value *options) {
    RLC_TRY(rlc_options_apply(&t->arena, "target", options, t, rlc__target_options, t->type->base.options));
    if (loss->num_targets == 0) {
        return rlc_value_fail(options, "target: the loss %s has no target network to update",
                              loss->base.type->base.name);
    }
    const rlc_model *model = loss->base.model;
    size_t room = (size_t)(model->num_parameters + model->state.count) * sizeof(rlc_tensor *);
    t->onlines = rlc_arena_calloc(&t->arena, room);
    t->targets = rlc_arena_calloc(&t->arena, room);
    t->updates = rlc_state_counter(&t->state, "updates");
    if (t->onlines == NULL || t->targets == NULL || t->updates == NULL) {
        return rlc_error_status();
    }
    for (int i = 0; i < loss->num_targets; i++) {
        RLC_TRY(add_pair(t, model, &loss->targets[i]));
        RLC_TRY(add_buffers(t, &loss->targets[i]));
    }
    return t->type->init != NULL ? t->type->init(t, options) : RLC_OK;
}

rlc_status rlc_target_new(rlc_loss *loss, const rlc_value *options, rlc_target **out) {
    if (loss->base.model->values == NULL) {
        return rlc_fail(RLC_INVALID, "rlc_target_new: the model has no memory yet; call rlc_model_allocate first");
    }
    const rlc_target_class *type =
        (const rlc_target_class *)rlc_registry_type_of(loss->base.model->registry, "target", "target", options);
    rlc_target *t = type != NULL ? rlc_calloc(1, type->base.size) : NULL;
    if (t == NULL) {
        return rlc_error_status();
    }
    t->type = type;
    rlc_status status = build(t, loss, options);
    if (status != RLC_OK) {
        rlc_target_free(t);
        return status;
    }
    *out = t;
    return RLC_OK;
}

void rlc_target_free(rlc_target *t) {
    if (t == NULL) {
        return;
    }
    for (int i = 0; i < t->count; i++) {
        rlc_tensor_free(t->onlines[i]);
        rlc_tensor_free(t->targets[i]);
    }
    rlc_state_free(&t->state);
    rlc_arena_free(&t->arena);
    free(t);
}

void rlc_target_step(rlc_target *t) {
    if (++*t->updates % t->every != 0) {
        return;
    }
    for (int i = 0; i < t->count; i++) {
        t->type->follow(t, t->targets[i], t->onlines[i]);
    }
}

typedef rlc_target HardUpdate;

static void copy(rlc_target *self, rlc_tensor *target, rlc_tensor *online) {
    (void)self;
    rlc_assign(target, online);
}

const rlc_target_class rlc_hard_update_class = {
    .base = RLC_CLASS("target", HardUpdate, .doc = "copies the network"),
    .follow = copy,
};

typedef struct SoftUpdate {
    rlc_target base;
    double tau, eps;
} SoftUpdate;

static const rlc_option soft_options[] = {
    RLC_FLOAT(SoftUpdate, tau, 0.001, 0, 1, "how much of the network each update takes in"),
    RLC_FLOAT(SoftUpdate, eps, 0.999, 0, 1, "1 - tau, how much of the target stays: the other way to say it"),
    {0},
};

/* TorchRL has both and wants one. */
static rlc_status choose_rate(rlc_target *self, const rlc_value *options) {
    SoftUpdate *s = (SoftUpdate *)self;
    const rlc_value *eps = rlc_value_find(options, "eps"), *tau = rlc_value_find(options, "tau");
    if (eps == NULL || eps->kind == RLC_NULL) {
        return RLC_OK;
    }
    if (tau != NULL && tau->kind != RLC_NULL) {
        return rlc_value_fail(eps, "target: give either 'tau' or 'eps', which is 1 - tau");
    }
    s->tau = 1 - s->eps;
    return RLC_OK;
}

/* There is nothing between two counts. */
static void blend(rlc_target *self, rlc_tensor *target, rlc_tensor *online) {
    if (rlc_dtype_is_float((rlc_dtype)target->dtype)) {
        rlc_lerp(target, online, ((SoftUpdate *)self)->tau);
    } else {
        rlc_assign(target, online);
    }
}

const rlc_target_class rlc_soft_update_class = {
    .base = RLC_CLASS("target", SoftUpdate, .doc = "takes in a little of the network (Polyak averaging)",
                      .options = soft_options),
    .follow = blend,
    .init = choose_rate,
};
