/* module.c: what a module does once it is built. */
#include "modules/module.h"

#include <string.h>

#include "core/record.h"
#include "modules/model.h"

static bool is_thrown_away(const rlc_key *key) {
    return key->name[0] == '_' && key->name[1] == '\0';
}

static bool has_key(const rlc_module *self, const char *which, int i, int count) {
    if (i < count) {
        return true;
    }
    rlc__op_fail(self->type->base.name, "asks for %s[%d], but %s has %d", which, i, which, count);
    return false;
}

rlc_tensor *rlc_in(const rlc_module *self, const rlc_dict *td, int i) {
    return has_key(self, "in_keys", i, self->num_in) ? rlc_dict_get_key(td, self->in_keys[i]) : NULL;
}

void rlc_out(const rlc_module *self, rlc_dict *td, int i, rlc_tensor *tensor) {
    if (has_key(self, "out_keys", i, self->num_out) && !is_thrown_away(self->out_keys[i])) {
        rlc_dict_set_key(td, self->out_keys[i], tensor);
    }
}

/* Whether nobody sees what the first makes once the second is done. */
static bool takes_the_place(const rlc_module *next, const rlc_module *self) {
    return self->num_out == 1 && next->num_in == 1 && next->num_out == 1 && next->in_keys[0] == self->out_keys[0] &&
           next->out_keys[0] == self->out_keys[0];
}

/* Calls a module, and `next` with it where it can do both; returns how many it has called. */
static int call(rlc_module *self, rlc_module *next, rlc_dict *td) {
    rlc_program *p = rlc_current();
    if (RLC_UNLIKELY(self == NULL)) {
        return 1;
    }
    if (RLC_UNLIKELY(p == NULL)) {
        rlc__require_program(self->path);
        return 1;
    }
    if (RLC_UNLIKELY(td == NULL)) {
        return 1;
    }
    const char *where = p->where;
    const bool training = p->training;
    p->where = self->path;
    p->training = training && !self->is_target;
    const bool both = next != NULL && self->type->forward_with != NULL && next->is_target == self->is_target &&
                      takes_the_place(next, self) && self->type->forward_with(self, td, next);
    if (!both) {
        self->type->forward(self, td);
    }
    p->where = where;
    p->training = training;
    return both ? 2 : 1;
}

void rlc_module_call(rlc_module *self, rlc_dict *td) {
    call(self, NULL, td);
}

void rlc_module_call_each(rlc_module *const *modules, int count, rlc_dict *td) {
    for (int i = 0; i < count;) {
        i += call(modules[i], i + 1 < count ? modules[i + 1] : NULL, td);
    }
}

/* The parameters of a call are few; a module with more than these would be found by the assertion in a first test. */
enum { MAX_CALL_PARAMETERS = 1024 };

void rlc_module_call_detached(rlc_module *self, rlc_dict *td) {
    int indices[MAX_CALL_PARAMETERS];
    uint8_t flags[MAX_CALL_PARAMETERS];
    int count = rlc_module_parameters(self, indices, MAX_CALL_PARAMETERS);
    if (count > MAX_CALL_PARAMETERS) {
        rlc__op_fail(self->path, "has %d parameters; at most %d can be held constant", count, MAX_CALL_PARAMETERS);
        return;
    }
    for (int i = 0; i < count; i++) {
        rlc_tensor *tensor = self->model->parameters[indices[i]].tensor;
        flags[i] = tensor->flags & RLC_REQUIRES_GRAD;
        tensor->flags &= (uint8_t)~RLC_REQUIRES_GRAD;
    }
    rlc_module_call(self, td);
    for (int i = 0; i < count; i++) {
        self->model->parameters[indices[i]].tensor->flags |= flags[i];
    }
}

void rlc_module_requires_grad(rlc_module *self, bool on) {
    int indices[MAX_CALL_PARAMETERS];
    int count = rlc_module_parameters(self, indices, MAX_CALL_PARAMETERS);
    for (int i = 0; i < count && i < MAX_CALL_PARAMETERS; i++) {
        rlc_tensor *tensor = self->model->parameters[indices[i]].tensor;
        tensor->flags = (uint8_t)((tensor->flags & ~RLC_REQUIRES_GRAD) | (on ? RLC_REQUIRES_GRAD : 0));
    }
}

/* Calls `f` for a module and all of its members, each once. */
static void each(rlc_module *self, void (*f)(rlc_module *module, void *data), void *data, int visit) {
    if (self->visit == visit) {
        return;
    }
    self->visit = visit;
    f(self, data);
    for (int i = 0; i < self->num_members; i++) {
        each(self->members[i], f, data, visit);
    }
}

static void walk(rlc_module *self, void (*f)(rlc_module *module, void *data), void *data) {
    each(self, f, data, ++self->model->visit);
}

static void step_one(rlc_module *module, void *data) {
    if (module->type->step != NULL) {
        module->type->step(module, *(const int64_t *)data);
    }
}

void rlc_module_step(rlc_module *self, int64_t frames) {
    walk(self, step_one, &frames);
}

static void note_recurrent(rlc_module *module, void *data) {
    *(bool *)data = *(bool *)data || module->type->recurrent;
}

bool rlc_module_is_recurrent(rlc_module *self) {
    bool found = false;
    walk(self, note_recurrent, &found);
    return found;
}

/* What a walk gathers: at most `room` items. */
typedef struct gathering {
    int *indices;
    const rlc_tensor **buffers;
    int count, room;
} gathering;

static void gather_parameters(rlc_module *module, void *data) {
    gathering *g = data;
    for (int i = 0; i < module->num_parameters; i++, g->count++) {
        if (g->count < g->room) {
            g->indices[g->count] = module->first_parameter + i;
        }
    }
}

static void gather_buffers(rlc_module *module, void *data) {
    gathering *g = data;
    for (int i = 0; i < module->num_buffers; i++, g->count++) {
        if (g->count < g->room) {
            g->buffers[g->count] = module->buffers[i].tensor;
        }
    }
}

int rlc_module_parameters(rlc_module *self, int *indices, int room) {
    gathering g = {.indices = indices, .room = room};
    walk(self, gather_parameters, &g);
    return g.count;
}

int rlc_module_buffers(rlc_module *self, const rlc_tensor **buffers, int room) {
    gathering g = {.buffers = buffers, .room = room};
    walk(self, gather_buffers, &g);
    return g.count;
}

static void set_keys(const rlc_module *self, const char *which, const rlc_key **to, int *count,
                     const rlc_key *const *keys, int n) {
    if (n > RLC_MAX_KEYS) {
        rlc_fail(RLC_INVALID, "%s: %s has %d keys; at most %d are possible", self->path, which, n, RLC_MAX_KEYS);
        return;
    }
    memcpy(to, keys, (size_t)n * sizeof *to);
    *count = n;
}

void rlc_module_set_in_keys(rlc_module *self, const rlc_key *const *keys, int count) {
    set_keys(self, "in_keys", self->in_keys, &self->num_in, keys, count);
}

void rlc_module_set_out_keys(rlc_module *self, const rlc_key *const *keys, int count) {
    set_keys(self, "out_keys", self->out_keys, &self->num_out, keys, count);
}

static bool note_buffer(rlc_module *self, const char *name, const rlc_tensor *tensor) {
    rlc_arena *arena = &self->model->arena;
    const size_t count = (size_t)self->num_buffers;
    rlc_named_tensor *buffers = rlc_arena_alloc(arena, (count + 1) * sizeof *buffers, RLC_ALIGN_STRUCT);
    const char *copy = rlc_arena_strndup(arena, name, strlen(name));
    if (buffers == NULL || copy == NULL) {
        return false;
    }
    if (count > 0) {
        memcpy(buffers, self->buffers, count * sizeof *buffers);
    }
    buffers[count] = (rlc_named_tensor){copy, tensor};
    self->buffers = buffers;
    self->num_buffers++;
    return true;
}

rlc_tensor *rlc_module_run_state(rlc_module *self, const char *name, rlc_dtype dtype, rlc_shape shape) {
    rlc_model *model = self->model;
    const char *path = rlc_arena_printf(&model->arena, "%s.%s", self->path, name);
    return path != NULL ? rlc_state_tensor(&model->state, model->device, path, dtype, shape) : NULL;
}

rlc_tensor *rlc_module_buffer(rlc_module *self, const char *name, rlc_dtype dtype, rlc_shape shape) {
    rlc_tensor *buffer = rlc_module_run_state(self, name, dtype, shape);
    return buffer != NULL && note_buffer(self, name, buffer) ? buffer : NULL;
}

rlc_stream *rlc_module_stream(rlc_module *self, const char *name) {
    const char *path = rlc_arena_printf(&self->model->arena, "%s.%s", self->path, name);
    return path != NULL ? rlc_state_stream(&self->model->state, self->model->device, self->model->seed, path) : NULL;
}
