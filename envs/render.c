#include "envs/render.h"

#include <stdlib.h>
#include <string.h>

#include "core/part.h"
#include "core/record.h"
#include "envs/drawing.h"

struct rlc_renderer {
    const rlc_drawing_table *table; /* NULL: the class draws itself */
    rlc_drawing *drawing;
    float *state, *states; /* of a row; of all of them, where they do not lie on the host */
};

const rlc_drawing_table *rlc__drawing_load(void) {
    static const rlc_part part = {
        .name = "draw",
        .abi = "rlc__drawing_abi",
        .symbol = "rlc__drawing",
        .lacking = "pictures are not available",
        .missing = "this build of rlc lacks what draws them",
        .remedy = "`make` builds it, with libcairo2-dev and libgif-dev installed",
    };
    return rlc__part_open(&part);
}

void rlc__renderer_free(rlc_renderer *r) {
    if (r != NULL) {
        if (r->drawing != NULL) {
            r->table->close(r->drawing);
        }
        free(r->state);
        free(r->states);
        free(r);
    }
}

static rlc_status fill(rlc_renderer *r, const rlc_env *env) {
    const rlc_env_class *type = env->type;
    r->state = rlc_calloc((size_t)type->state_size, sizeof *r->state);
    if (!env->device->memory.on_host) {
        r->states = rlc_calloc((size_t)env->states->numel, sizeof *r->states);
    }
    if (type->render == NULL && rlc_error_status() == RLC_OK) {
        r->table = rlc__drawing_load();
        r->drawing = r->table != NULL ? r->table->open(type->base.name, type->frame_height, type->frame_width) : NULL;
    }
    return rlc_error_status();
}

rlc_status rlc__renderer_open(rlc_env *env) {
    const char *name = env->type->base.name;
    if (env->renderer != NULL) {
        return RLC_OK;
    }
    if (env->type->frame_height <= 0 || env->type->frame_width <= 0) {
        return rlc_fail(RLC_INVALID, "environment %s cannot be drawn: its class has no picture", name);
    }
    rlc_renderer *r = rlc_calloc(1, sizeof *r);
    rlc_status status = r != NULL ? fill(r, env) : rlc_error_status();
    if (status != RLC_OK) {
        rlc__renderer_free(r);
        return status;
    }
    env->renderer = r;
    return RLC_OK;
}

rlc_status rlc_env_draw_steps(rlc_env *env) {
    if (!env->device->memory.on_host) {
        return rlc_fail(RLC_INVALID, "steps draw on the CPU, and this is device %s; use --device cpu",
                        env->device->name);
    }
    RLC_TRY(rlc__renderer_open(env));
    env->steps_draw = true;
    return RLC_OK;
}

size_t rlc_env_frame_bytes(const rlc_env *env) {
    return (size_t)env->type->frame_height * (size_t)env->type->frame_width * 3;
}

/* Draws row `row` of an array [state_size][num_envs] on the host. */
static rlc_status draw_row(const rlc_env *env, const float *states, int64_t row, uint8_t *rgb) {
    rlc_renderer *r = env->renderer;
    for (int k = 0; k < env->type->state_size; k++) {
        r->state[k] = states[k * env->num_envs + row];
    }
    if (r->drawing != NULL) {
        return r->table->draw(r->drawing, r->state, rgb);
    }
    env->type->render(r->state, rgb);
    return RLC_OK;
}

rlc_status rlc_env_render(rlc_env *env, int64_t row, uint8_t *rgb) {
    if (row < 0 || row >= env->num_envs) {
        return rlc_fail(RLC_INVALID, "rlc_env_render: there is no row %lld; there are %lld environments",
                        (long long)row, (long long)env->num_envs);
    }
    RLC_TRY(rlc__renderer_open(env));
    const float *states = env->states->data;
    if (!env->device->memory.on_host) {
        RLC_TRY(rlc_tensor_read(env->states, env->renderer->states));
        states = env->renderer->states;
    }
    return draw_row(env, states, row, rgb);
}

/* in: the states; then, or NULL, which rows are done and what the others look like. */
static void run_draw(const rlc_node *node) {
    const rlc_env *env;
    memcpy(&env, node->aux, sizeof env);
    const uint8_t *done = node->in[1] != NULL ? node->in[1]->data : NULL;
    const size_t size = rlc_env_frame_bytes(env);
    for (int64_t i = 0; i < env->num_envs; i++) {
        uint8_t *rgb = (uint8_t *)node->out->data + (size_t)i * size;
        if (done != NULL && !done[i]) {
            memcpy(rgb, (const uint8_t *)node->in[2]->data + (size_t)i * size, size);
        } else if (draw_row(env, node->in[0]->data, i, rgb) != RLC_OK) {
            rlc_kernel_fail(node, "%s", rlc_error());
            return;
        }
    }
}

rlc_tensor *rlc__env_draw(rlc_env *env, rlc_tensor *done, rlc_tensor *before) {
    static const rlc_custom_op op = {.name = "render", .run = run_draw};
    if (!env->steps_draw) {
        return NULL;
    }
    const rlc_shape shape = RLC_SHAPE(env->num_envs, env->type->frame_height, env->type->frame_width, 3);
    return rlc_custom(&op, RLC_U8, shape, env->states, done, before, &env, sizeof env);
}
