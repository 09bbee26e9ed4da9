#include "core/state.h"

#include <string.h>

#include "core/device.h"

static rlc_state_item *add(rlc_state *state, const char *name, rlc_tensor *tensor) {
    if (state->count == state->room) {
        int room = state->room != 0 ? 2 * state->room : 16;
        rlc_state_item *items = rlc_arena_alloc(&state->arena, (size_t)room * sizeof *items, RLC_ALIGN_STRUCT);
        if (items == NULL) {
            return NULL;
        }
        if (state->count > 0) {
            memcpy(items, state->items, (size_t)state->count * sizeof *items);
        }
        state->items = items;
        state->room = room;
    }
    const char *copy = rlc_arena_strndup(&state->arena, name, strlen(name));
    if (copy == NULL) {
        return NULL;
    }
    state->items[state->count] = (rlc_state_item){.name = copy, .tensor = tensor};
    return &state->items[state->count++];
}

rlc_tensor *rlc_state_tensor(rlc_state *state, rlc_device *device, const char *name, rlc_dtype dtype, rlc_shape shape) {
    rlc_tensor *tensor = rlc_tensor_new(device, dtype, shape);
    if (tensor == NULL || add(state, name, tensor) == NULL) {
        rlc_tensor_free(tensor);
        return NULL;
    }
    return tensor;
}

int64_t *rlc_state_counters(rlc_state *state, const char *name, rlc_shape shape) {
    rlc_device *cpu;
    if (rlc_device_open("cpu", &cpu) != RLC_OK) {
        return NULL;
    }
    rlc_tensor *tensor = rlc_state_tensor(state, cpu, name, RLC_I64, shape);
    return tensor != NULL ? tensor->data : NULL;
}

int64_t *rlc_state_counter(rlc_state *state, const char *name) {
    return rlc_state_counters(state, name, (rlc_shape){0});
}

rlc_stream *rlc_state_stream(rlc_state *state, rlc_device *device, uint64_t seed, const char *name) {
    rlc_stream *stream = rlc_arena_calloc(&state->arena, sizeof *stream);
    char *counter = rlc_arena_printf(&state->arena, "%s.counter", name);
    if (stream == NULL || counter == NULL) {
        return NULL;
    }
    stream->key = rlc_stream_key(seed, name);
    stream->counter = rlc_state_tensor(state, device, counter, RLC_I64, RLC_SHAPE(1));
    return stream->counter != NULL ? stream : NULL;
}

void rlc_state_log(rlc_state *state, const rlc_tensor *tensor) {
    for (int i = 0; i < state->count; i++) {
        state->items[i].logged = state->items[i].logged || state->items[i].tensor == tensor;
    }
}

void rlc_state_free(rlc_state *state) {
    for (int i = 0; i < state->count; i++) {
        rlc_tensor_free(state->items[i].tensor);
    }
    rlc_arena_free(&state->arena);
    *state = (rlc_state){0};
}
