#include "modules/layers.h"

#include "modules/model.h"

static rlc_layer new_layer(rlc_module *self, const char *name, int64_t in, int64_t out, bool last,
                           const rlc_layers_options *o) {
    if (o->kind == RLC_LAYER_NOISY) {
        return rlc_layer_noisy(self, name, in, out, o->std_init);
    }
    return (rlc_layer){.mean = o->orthogonal ? rlc_linear_orthogonal(self, name, in, out, last ? o->out_gain : o->gain)
                                             : rlc_linear_new(self, name, in, out)};
}

rlc_layers rlc_layers_new(rlc_module *self, const char *name, int64_t in, const rlc_layers_options *o) {
    rlc_layer *layer = rlc_arena_calloc(&self->model->arena, ((size_t)o->count + 1) * sizeof *layer);
    for (int i = 0; layer != NULL && i < o->count && rlc_error_status() == RLC_OK; i++) {
        char full[64];
        snprintf(full, sizeof full, "%s%s%d", name != NULL ? name : "", name != NULL ? "." : "", 2 * i);
        layer[i] = new_layer(self, full, in, o->widths[i], i == o->count - 1, o);
        in = o->widths[i];
    }
    return (rlc_layers){layer, layer != NULL ? o->count : 0};
}

void rlc_layers_zero_biases(rlc_module *self) {
    const rlc_model *model = self->model;
    for (int i = self->first_parameter; i < self->first_parameter + self->num_parameters; i++) {
        rlc_parameter_entry *entry = &model->parameters[i];
        if (entry->tensor->ndim == 1) {
            entry->init = (rlc_init){RLC_INIT_CONSTANT, 0};
        }
    }
}

rlc_tensor *rlc_layers_apply(const rlc_layers *layers, rlc_tensor *x, rlc_activation between, rlc_activation behind) {
    for (int i = 0; i < layers->count; i++) {
        x = rlc_layer_apply(&layers->layer[i], x, i < layers->count - 1 ? between : behind);
    }
    return x;
}

rlc_tensor *rlc_layers_input(const rlc_module *self, const rlc_dict *td, int64_t in_features) {
    rlc_tensor *parts[RLC_MAX_KEYS];
    for (int i = 0; i < self->num_in; i++) {
        parts[i] = rlc_cast(rlc_in(self, td, i), RLC_F32);
        if (parts[i] == NULL) {
            return NULL;
        }
    }
    rlc_tensor *x = self->num_in == 1 ? parts[0] : rlc_concatenate(parts, self->num_in, -1);
    int64_t width = rlc_size(x, -1);
    if (in_features != 0 && width != 0 && width != in_features) {
        rlc_fail(RLC_INVALID, "%s: in_features is %lld, but %s has a last dimension of %lld", self->path,
                 (long long)in_features, self->in_keys[0]->name, (long long)width);
        return NULL;
    }
    return x;
}

rlc_tensor *rlc_layers_atoms(rlc_tensor *x, int64_t num_atoms) {
    if (x == NULL) {
        return NULL;
    }
    rlc_shape shape = rlc_shape_of(x);
    shape.size[shape.ndim - 1] = num_atoms;
    return rlc_reshape(x, rlc_shape_concat(shape, RLC_SHAPE(rlc_size(x, -1) / num_atoms)));
}
