/* optim.c: what optimisers have in common: what they train, at which rate, and what a step is. */
#include "objectives/optim.h"

#include <stdlib.h>
#include <string.h>

#include "core/record.h"

enum { MAX_PARAMETERS = 1024 };

const rlc_option rlc__optim_options[] = {
    {.name = "lr",
     .type = RLC_OPTION_VALUE,
     .offset = offsetof(rlc_optim, lr_option),
     .required = true,
     .help = "learning rate: a number, or a schedule such as {type: linear, from: 1e-3, to: 0}"},
    {.name = "params",
     .type = RLC_OPTION_STRING,
     .offset = offsetof(rlc_optim, params),
     .text = "loss",
     .help = "what it trains: loss, a group of the loss such as loss.actor, or a module"},
    RLC_FLOAT(rlc_optim, max_grad_value, 0, 0, 1e30, "clip each element of the gradient to this; 0 for no clipping"),
    RLC_FLOAT(rlc_optim, max_grad_norm, 0, 0, 1e30, "clip the gradient to this 2-norm; 0 for no clipping",
              .alias = "clip_norm"),
    {0},
};

static rlc_status read_schedule(rlc_optim *o) {
    RLC_TRY(rlc_schedule_read(o->model->registry, &o->arena, "optim", "lr", o->lr_option, &o->schedule));
    return o->frames != NULL || !rlc_schedule_changes(o->schedule)
               ? RLC_OK
               : rlc_value_fail(o->lr_option, "optim.lr: there is no run for a schedule to go by");
}

/* Keeps them in the order of the flat buffer, so that neighbours there are neighbours here. */
static rlc_status take_parameters(rlc_optim *o, const int *found, int count) {
    o->parameters = rlc_arena_alloc(&o->arena, (size_t)count * sizeof *o->parameters, RLC_ALIGN_STRUCT);
    if (o->parameters == NULL) {
        return rlc_error_status();
    }
    for (int i = 0; i < count; i++) {
        int at = i;
        for (; at > 0 && o->parameters[at - 1] > found[i]; at--) {
            o->parameters[at] = o->parameters[at - 1];
        }
        o->parameters[at] = found[i];
    }
    o->num_parameters = count;
    rlc_range first, last;
    rlc_model_ranges(o->model, &o->parameters[0], 1, &first);
    rlc_model_ranges(o->model, &o->parameters[count - 1], 1, &last);
    o->span = (rlc_range){first.offset, last.offset + last.length - first.offset};
    o->steps = rlc_state_counters(&o->state, "steps", RLC_SHAPE(count));
    return o->steps != NULL ? RLC_OK : rlc_error_status();
}

/* "loss", "loss.actor" or a module's name, as parameters that can be trained. */
static rlc_status find_parameters(rlc_optim *o, const rlc_loss *loss, const rlc_value *options) {
    int found[MAX_PARAMETERS], count;
    const rlc_value *where = rlc_value_find(options, "params");
    rlc_module *module = rlc_model_find(o->model, o->params);
    if (strcmp(o->params, "loss") == 0) {
        count = rlc_loss_parameters(loss, NULL, found, MAX_PARAMETERS);
    } else if (strncmp(o->params, "loss.", 5) == 0) {
        count = rlc_loss_parameters(loss, o->params + 5, found, MAX_PARAMETERS);
    } else {
        count = module != NULL ? rlc_module_parameters(module, found, MAX_PARAMETERS) : -1;
    }
    if (count < 0) {
        char names[512] = "";
        for (int i = 0; i < loss->num_groups && strlen(names) + strlen(loss->groups[i].name) + 16 < sizeof names; i++) {
            strcat(strcat(names, ", loss."), loss->groups[i].name);
        }
        return rlc_value_fail(where != NULL ? where : options,
                              "optim: there is nothing called '%s' to train; there is "
                              "loss%s, or the name of a module",
                              o->params, names);
    }
    if (count == 0 || count > MAX_PARAMETERS) {
        return rlc_value_fail(options, "optim: '%s' has %d parameters; it must have 1 to %d", o->params, count,
                              MAX_PARAMETERS);
    }
    return take_parameters(o, found, count);
}

/* A number that the state keeps and training reports. */
static rlc_tensor *logged_number(rlc_optim *o, const char *name, double value) {
    rlc_tensor *number = rlc_state_tensor(&o->state, o->model->device, name, RLC_F32, (rlc_shape){0});
    if (number != NULL) {
        rlc_state_log(&o->state, number);
        rlc_tensor_write(number, &(float){(float)value});
    }
    return number;
}

static rlc_status build(rlc_optim *o, rlc_loss *loss, const rlc_value *options) {
    RLC_TRY(rlc_options_apply(&o->arena, "optim", options, o, rlc__optim_options, o->type->base.options));
    o->options = options;
    RLC_TRY(read_schedule(o));
    RLC_TRY(find_parameters(o, loss, options));
    o->lr = logged_number(o, "lr", rlc_schedule_start(o->schedule));
    o->last_grad_norm = o->max_grad_norm > 0 ? logged_number(o, "grad_norm", 0) : NULL;
    RLC_TRY(rlc_error_status());
    return o->type->init(o);
}

rlc_status rlc_optim_new(rlc_loss *loss, const rlc_value *options, rlc_tensor *frames, int64_t total_frames,
                         rlc_optim **out) {
    rlc_model *model = loss->base.model;
    if (model->values == NULL) {
        return rlc_fail(RLC_INVALID, "rlc_optim_new: the model has no memory yet; call rlc_model_allocate first");
    }
    const rlc_optim_class *type =
        (const rlc_optim_class *)rlc_registry_type_of(model->registry, "optim", "optim", options);
    rlc_optim *o = type != NULL ? rlc_calloc(1, type->base.size) : NULL;
    if (o == NULL) {
        return rlc_error_status();
    }
    o->type = type;
    o->model = model;
    o->frames = frames;
    o->total_frames = total_frames;
    rlc_status status = build(o, loss, options);
    if (status != RLC_OK) {
        rlc_optim_free(o);
        return status;
    }
    *out = o;
    return RLC_OK;
}

void rlc_optim_free(rlc_optim *o) {
    if (o != NULL) {
        rlc_state_free(&o->state);
        rlc_arena_free(&o->arena);
        free(o);
    }
}

/* The parameters that got a gradient since the last step, as few stretches; the others are left alone, as with PyTorch's
 * None. Parameters that have taken different numbers of steps are told apart. */
static int with_gradient(const rlc_optim *o, rlc_stretch *stretches) {
    int count = 0;
    for (int i = 0; i < o->num_parameters; i++) {
        const rlc_parameter_entry *entry = &o->model->parameters[o->parameters[i]];
        if (!(entry->tensor->flags & RLC_HAS_GRAD)) {
            continue;
        }
        rlc_zero_grad(entry->tensor);
        rlc_range range;
        rlc_model_ranges(o->model, &o->parameters[i], 1, &range);
        rlc_stretch *last = count > 0 ? &stretches[count - 1] : NULL;
        if (last != NULL && last->first + last->count == i && o->steps[last->first] == o->steps[i] &&
            last->range.offset + last->range.length == range.offset) {
            last->range.length += range.length;
            last->count++;
        } else {
            stretches[count++] = (rlc_stretch){range, i, 1};
        }
    }
    return count;
}

static void clip(rlc_optim *o, rlc_tensor *const *grads, int count) {
    if (o->max_grad_value > 0) {
        rlc_clip_grad_value(grads, count, o->max_grad_value);
    }
    if (o->max_grad_norm > 0) {
        o->grad_norm = rlc_clip_grad_norm(grads, count, o->max_grad_norm);
        rlc_assign(o->last_grad_norm, o->grad_norm);
    }
}

void rlc_optim_step(rlc_optim *o) {
    rlc_stretch stretches[MAX_PARAMETERS];
    rlc_tensor *grads[MAX_PARAMETERS];
    int count = with_gradient(o, stretches);
    o->grad_norm = NULL;
    if (count == 0 || rlc__require_program("optim") == NULL) {
        return;
    }
    bool was = rlc_no_grad(true);
    for (int i = 0; i < count; i++) {
        grads[i] = rlc_slice(o->model->grads, 0, stretches[i].range.offset, stretches[i].range.length);
    }
    clip(o, grads, count);
    if (rlc_schedule_changes(o->schedule)) { /* computed where the step will read it */
        rlc_assign(o->lr, rlc_schedule_record(o->schedule, o->frames, o->total_frames));
    }
    for (int i = 0; i < count; i++) {
        const rlc_stretch *s = &stretches[i];
        o->type->update(o, s, rlc_slice(o->model->values, 0, s->range.offset, s->range.length), grads[i]);
        for (int k = s->first; k < s->first + s->count; k++) {
            o->steps[k]++;
        }
    }
    rlc_no_grad(was);
}

rlc_tensor *rlc_optim_buffer(rlc_optim *o, const char *name) {
    return rlc_state_tensor(&o->state, o->model->device, name, RLC_F32, RLC_SHAPE(o->span.length));
}

rlc_tensor *rlc_optim_part(const rlc_optim *o, rlc_tensor *buffer, const rlc_stretch *stretch) {
    return rlc_slice(buffer, 0, stretch->range.offset - o->span.offset, stretch->range.length);
}
