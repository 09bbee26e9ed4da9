/* state.c: what a run must keep, and what others may want of it, as lists of named tensors. */
#include <stdlib.h>
#include <string.h>

#include "recipes/run.h"

typedef struct list {
    rlc_arena *arena;
    rlc_named_tensor *items;
    int count, room;
} list;

static bool add(list *l, const char *name, const rlc_tensor *tensor) {
    if (l->count == l->room) {
        int room = l->room != 0 ? 2 * l->room : 64;
        rlc_named_tensor *items = rlc_arena_alloc(l->arena, (size_t)room * sizeof *items, RLC_ALIGN_STRUCT);
        if (items == NULL) {
            return false;
        }
        if (l->count > 0) {
            memcpy(items, l->items, (size_t)l->count * sizeof *items);
        }
        l->items = items;
        l->room = room;
    }
    if (name != NULL) {
        l->items[l->count++] = (rlc_named_tensor){name, tensor};
    }
    return name != NULL;
}

static void add_state(list *l, const char *prefix, const rlc_state *state) {
    for (int i = 0; i < state->count; i++) {
        add(l, rlc_arena_printf(l->arena, "%s%s", prefix, state->items[i].name), state->items[i].tensor);
    }
}

rlc_status rlc_run_state(const rlc_run *run, rlc_arena *arena, rlc_named_tensor **items, int *count) {
    list l = {.arena = arena};
    add(&l, "parameters", run->model->values);
    add_state(&l, "run.", &run->state);
    add_state(&l, "env.", &run->env->state);
    add_state(&l, "env.", &run->env->learned);
    add_state(&l, "", &run->model->state);
    add_state(&l, "collector.", &run->collector->state);
    if (run->buffer != NULL && run->checkpoint.buffer) {
        add_state(&l, "buffer.", &run->buffer->state);
    }
    if (run->target != NULL) {
        add_state(&l, "target.", &run->target->state);
    }
    for (int i = 0; i < run->num_optims; i++) {
        add_state(&l, rlc_arena_printf(arena, "optim.%d.", i), &run->optims[i]->state);
    }
    *items = l.items;
    *count = l.count;
    return rlc_error_status();
}

rlc_status rlc_run_parameters(const rlc_run *run, rlc_arena *arena, rlc_named_tensor **items, int *count) {
    list l = {.arena = arena};
    for (int i = 0; i < run->model->num_parameters; i++) {
        add(&l, run->model->parameters[i].name, run->model->parameters[i].tensor);
    }
    add_state(&l, "", &run->model->state);
    add_state(&l, "env.", &run->env->learned);
    *items = l.items;
    *count = l.count;
    return rlc_error_status();
}
