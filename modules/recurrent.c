/* recurrent.c: LSTMModule and GRUModule: layers of cells over a step or a sequence. */
#include "modules/recurrent.h"

#include <stdio.h>
#include <string.h>

#include "core/record.h"
#include "modules/cells.h"
#include "modules/classes.h"
#include "modules/model.h"

enum { MAX_LAYERS = 64 };

typedef struct recurrent {
    rlc_module base;
    int64_t input_size, hidden_size;
    int num_layers;
    bool bias;
    double dropout;
    const rlc_cell_kind *kind;
    rlc_cell *layers;
    rlc_stream *stream; /* of dropout */
    const rlc_key *done;
} recurrent;

static const rlc_option options[] = {
    RLC_LONG(recurrent, hidden_size, RLC_REQUIRED, 1, 1 << 24, "numbers of a state, and of the output"),
    RLC_LONG(recurrent, input_size, 0, 0, 1 << 24, "width of the input; 0 takes it from what comes in"),
    RLC_INT(recurrent, num_layers, 1, 1, MAX_LAYERS, "cells one behind the other"),
    RLC_BOOL_OPTION(recurrent, bias, true, "add biases"),
    RLC_FLOAT(recurrent, dropout, 0, 0, 1, "of what goes from a layer to the next, as Dropout"),
    {0},
};

/* in_keys are the input, the states and is_init; out_keys the output and the states of `next`. What is not given is named
 * as the class has it. */
static bool complete_keys(recurrent *m) {
    rlc_module *self = &m->base;
    const int states = m->kind->states;
    const rlc_key *in[RLC_MAX_KEYS], *out[RLC_MAX_KEYS], *next = rlc_key_intern("next");
    bool good = (self->num_in == 1 || self->num_in == 1 + states || self->num_in == 2 + states) &&
                (self->num_out == 1 || self->num_out == 1 + states);
    if (!good) {
        rlc_fail(RLC_INVALID,
                 "%s: in_keys are the input, or the input and %d state%s; out_keys the output, or with as many "
                 "states; got %d and %d",
                 self->path, states, states > 1 ? "s" : "", self->num_in, self->num_out);
        return false;
    }
    in[0] = self->in_keys[0];
    out[0] = self->out_keys[0];
    for (int i = 1; i <= states; i++) {
        in[i] = self->num_in > 1 ? self->in_keys[i] : rlc_key_intern(self->type->in_keys[i]);
        out[i] = rlc_key_join(next, in[i]);
        if (self->num_out > 1 && self->out_keys[i] != out[i]) { /* the next step would not find it */
            rlc_fail(RLC_INVALID,
                     "%s: out_keys must have '%s' for the state '%s', not '%s': a step leaves its state to the next",
                     self->path, out[i]->name, in[i]->name, self->out_keys[i]->name);
            return false;
        }
    }
    in[1 + states] = self->num_in == 2 + states ? self->in_keys[1 + states] : rlc_key_intern("is_init");
    rlc_module_set_in_keys(self, in, 2 + states);
    rlc_module_set_out_keys(self, out, 1 + states);
    return rlc_error_status() == RLC_OK;
}

/* Whether the environment has a place for the states, and says where episodes begin. */
static bool find_states(const recurrent *m, const rlc_build *build) {
    const rlc_module *self = &m->base;
    const int states = m->kind->states;
    char primers[256] = "";
    bool found = true;
    for (int i = 1; i <= states; i++) {
        const rlc_tensor *state = rlc_dict_find_key(build->example, self->in_keys[i]);
        const int n = state != NULL ? state->ndim : 0;
        found = found && n >= 2 && state->dtype == RLC_F32 && state->shape[n - 2] == m->num_layers &&
                state->shape[n - 1] == m->hidden_size;
        size_t used = strlen(primers);
        snprintf(primers + used, sizeof primers - used, "%s%s: [%d, %lld]", i > 1 ? ", " : "", self->in_keys[i]->name,
                 m->num_layers, (long long)m->hidden_size);
    }
    if (!found) {
        rlc_fail(RLC_INVALID,
                 "%s: the environment must carry its state from step to step; add {type: TensorDictPrimer, primers: "
                 "{%s}} to env.transforms",
                 self->path, primers);
        return false;
    }
    if (rlc_dict_find_key(build->example, self->in_keys[1 + states]) == NULL) {
        rlc_fail(RLC_INVALID,
                 "%s: its state begins anew where an episode does, which '%s' says; add {type: InitTracker} to "
                 "env.transforms",
                 self->path, self->in_keys[1 + states]->name);
        return false;
    }
    return true;
}

static void init(rlc_module *self, const rlc_build *build, const rlc_cell_kind *kind) {
    recurrent *m = (recurrent *)self;
    m->kind = kind;
    m->done = rlc_key_intern("done");
    m->layers = rlc_arena_calloc(&self->model->arena, (size_t)m->num_layers * sizeof *m->layers);
    const rlc_tensor *x = rlc_in(self, build->example, 0);
    if (m->layers == NULL || !rlc__cell_input_fits(self, x, m->input_size) || !complete_keys(m) ||
        !find_states(m, build)) {
        return;
    }
    char prefix[16], suffix[16];
    snprintf(prefix, sizeof prefix, "%s.", kind->name);
    for (int i = 0; i < m->num_layers; i++) {
        snprintf(suffix, sizeof suffix, "_l%d", i);
        m->layers[i] = rlc_cell_new(self, prefix, suffix, i == 0 ? rlc_size(x, -1) : m->hidden_size, m->hidden_size,
                                    kind->gates, m->bias);
    }
    m->stream = m->dropout > 0 ? rlc_module_stream(self, "dropout") : NULL;
}

/* What a call goes through: rows of steps. */
typedef struct sequence {
    int64_t rows, steps;
    bool one_step;
    rlc_tensor *x;                       /* [rows, steps, width] */
    rlc_tensor *stored[RLC__MAX_STATES]; /* [rows, steps, num_layers, hidden_size] */
    rlc_tensor *begins;                  /* bool [rows, steps, 1] */
} sequence;

/* Where a step does not go on from the one before: at is_init, and behind a `done`. */
static rlc_tensor *beginnings(const recurrent *m, const rlc_dict *td, const sequence *s) {
    const rlc_shape shape = RLC_SHAPE(s->rows, s->steps, 1);
    rlc_tensor *begins = rlc_reshape(rlc_in(&m->base, td, 1 + m->kind->states), shape);
    rlc_tensor *done = s->steps > 1 ? rlc_dict_find_key(td, m->done) : NULL;
    if (done == NULL) {
        return begins;
    }
    rlc_tensor *before = rlc_slice(rlc_reshape(done, shape), 1, 0, s->steps - 1);
    rlc_tensor *parts[] = {rlc_zeros(RLC_BOOL, RLC_SHAPE(s->rows, 1, 1)), before};
    return rlc_logical_or(begins, rlc_concatenate(parts, 2, 1));
}

/* Reads the dict; false with an error. */
static bool read(const recurrent *m, const rlc_dict *td, sequence *s) {
    const rlc_module *self = &m->base;
    const int batch = td->batch.ndim;
    const int64_t all = rlc_shape_numel(td->batch);
    rlc_tensor *x = rlc_cast(rlc_in(self, td, 0), RLC_F32);
    if (x != NULL && x->ndim != batch + 1) {
        char tx[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
        rlc__op_fail(self->type->base.name, "%s is %s: behind the batch dimensions %s there must be one more",
                     self->in_keys[0]->name, rlc_shape_text(rlc_shape_of(x), tx), rlc_shape_text(td->batch, tb));
        return false;
    }
    s->one_step = batch < 2;
    s->steps = s->one_step ? 1 : td->batch.size[batch - 1];
    s->rows = s->steps > 0 ? all / s->steps : 0;
    s->x = x != NULL ? rlc_reshape(x, RLC_SHAPE(s->rows, s->steps, rlc_size(x, -1))) : NULL;
    for (int i = 0; i < m->kind->states; i++) {
        s->stored[i] =
            rlc_reshape(rlc_in(self, td, 1 + i), RLC_SHAPE(s->rows, s->steps, m->num_layers, m->hidden_size));
        if (s->stored[i] == NULL) {
            return false;
        }
    }
    s->begins = beginnings(m, td, s);
    return s->x != NULL && s->begins != NULL;
}

/* State i [rows, hidden_size] that a layer's step t begins with; `now` is what the step before left. */
static rlc_tensor *beginning(const sequence *s, int i, int layer, int64_t t, rlc_tensor *now) {
    rlc_tensor *stored = rlc_select(rlc_select(s->stored[i], 1, t), 1, layer), *begins = rlc_select(s->begins, 1, t);
    return s->one_step ? rlc_where(begins, rlc_scalar(0), stored) : t == 0 ? stored : rlc_where(begins, stored, now);
}

/* Goes through the steps of one layer; x becomes its output, states[i] what its states are behind each step, both [rows,
 * steps, hidden_size]. */
static bool run_layer(const recurrent *m, const sequence *s, int layer, rlc_tensor **x, rlc_tensor **states) {
    const rlc_cell *cell = &m->layers[layer];
    rlc_tensor **left[RLC__MAX_STATES], *state[RLC__MAX_STATES] = {0};
    rlc_tensor *input = rlc_affine(*x, cell->weight_ih, cell->bias_ih, RLC_IDENTITY);
    for (int i = 0; i < m->kind->states; i++) {
        left[i] = rlc__aux(rlc_current(), (size_t)s->steps * sizeof *left[i]);
        if (left[i] == NULL) {
            return false;
        }
    }
    for (int64_t t = 0; t < s->steps; t++) {
        for (int i = 0; i < m->kind->states; i++) {
            state[i] = beginning(s, i, layer, t, state[i]);
        }
        m->kind->step(cell, rlc_select(input, 1, t), state);
        for (int i = 0; i < m->kind->states; i++) {
            left[i][t] = state[i];
        }
    }
    for (int i = 0; i < m->kind->states; i++) {
        states[i] = rlc_stack(left[i], (int)s->steps, 1);
    }
    *x = states[0];
    return *x != NULL;
}

static void forward(rlc_module *self, rlc_dict *td) {
    const recurrent *m = (const recurrent *)self;
    rlc_tensor *states[RLC__MAX_STATES][MAX_LAYERS], *of_layer[RLC__MAX_STATES];
    sequence s;
    if (!read(m, td, &s)) {
        return;
    }
    rlc_tensor *x = s.x;
    for (int layer = 0; layer < m->num_layers; layer++) {
        if (layer > 0 && m->stream != NULL && rlc_current()->training) {
            x = rlc_dropout(m->stream, x, m->dropout);
        }
        if (!run_layer(m, &s, layer, &x, of_layer)) {
            return;
        }
        for (int i = 0; i < m->kind->states; i++) {
            states[i][layer] = of_layer[i];
        }
    }
    rlc_out(self, td, 0, rlc_reshape(x, rlc_shape_concat(td->batch, RLC_SHAPE(m->hidden_size))));
    for (int i = 0; i < m->kind->states; i++) {
        rlc_shape shape = rlc_shape_concat(td->batch, RLC_SHAPE(m->num_layers, m->hidden_size));
        rlc_out(self, td, 1 + i, rlc_reshape(rlc_stack(states[i], m->num_layers, 2), shape));
    }
}

#define RECURRENT(Class, object, text, kind_of, ...)                                                                   \
    static void object##_init(rlc_module *self, const rlc_build *build) {                                              \
        init(self, build, &kind_of);                                                                                   \
    }                                                                                                                  \
    typedef recurrent Class;                                                                                           \
    const rlc_module_class rlc_##object##_class = {                                                                    \
        .base = RLC_CLASS("module", Class, .doc = text, .options = options),                                           \
        .in_keys = {"observation", __VA_ARGS__},                                                                       \
        .init = object##_init,                                                                                         \
        .forward = forward,                                                                                            \
        .recurrent = true,                                                                                             \
    };
RECURRENT(LSTMModule, lstm_module, "long short-term memory, step by step or over sequences", rlc__lstm,
          "recurrent_state_h", "recurrent_state_c")
RECURRENT(GRUModule, gru_module, "gated recurrent units, step by step or over sequences", rlc__gru, "recurrent_state_h")
