/* cells.c: one step of an LSTM or GRU, as functions of tensors and as the modules LSTMCell and GRUCell. */
#include <math.h>
#include <stdio.h>

#include "core/record.h"
#include "modules/cells.h"
#include "modules/classes.h"
#include "modules/layers.h"

rlc_cell rlc_cell_new(rlc_module *self, const char *prefix, const char *suffix, int64_t in, int64_t hidden, int gates,
                      bool bias) {
    const rlc_init init = {RLC_INIT_UNIFORM, 1 / sqrt((double)hidden)};
    const struct {
        const char *name;
        rlc_shape shape;
    } all[] = {{"weight_ih", RLC_SHAPE(gates * hidden, in)},
               {"weight_hh", RLC_SHAPE(gates * hidden, hidden)},
               {"bias_ih", RLC_SHAPE(gates * hidden)},
               {"bias_hh", RLC_SHAPE(gates * hidden)}};
    rlc_tensor *made[RLC_COUNT(all)] = {0};
    for (int i = 0; i < (bias ? 4 : 2); i++) {
        char name[96];
        snprintf(name, sizeof name, "%s%s%s", prefix, all[i].name, suffix);
        made[i] = rlc_parameter_new(self, name, all[i].shape, init);
    }
    return (rlc_cell){made[0], made[1], made[2], made[3]};
}

/* Part i of so many of equal width along the last dimension. */
static rlc_tensor *gate(rlc_tensor *gates, int64_t hidden, int first, int count) {
    return rlc_slice(gates, -1, first * hidden, count * hidden);
}

static void lstm_step(const rlc_cell *cell, rlc_tensor *input, rlc_tensor **state) {
    enum { INPUT, FORGET, NEW, OUTPUT };
    const int64_t hidden = rlc_size(cell->weight_hh, 1);
    rlc_tensor *gates = rlc_add(input, rlc_affine(state[0], cell->weight_hh, cell->bias_hh, RLC_IDENTITY));
    rlc_tensor *open = rlc_sigmoid(gate(gates, hidden, INPUT, 2)), *out = rlc_sigmoid(gate(gates, hidden, OUTPUT, 1));
    rlc_tensor *kept = rlc_mul(gate(open, hidden, FORGET, 1), state[1]);
    state[1] = rlc_add(kept, rlc_mul(gate(open, hidden, INPUT, 1), rlc_tanh(gate(gates, hidden, NEW, 1))));
    state[0] = rlc_mul(out, rlc_tanh(state[1]));
}

/* h' = n + z (h - n) */
static void gru_step(const rlc_cell *cell, rlc_tensor *input, rlc_tensor **state) {
    enum { RESET, UPDATE, NEW };
    const int64_t hidden = rlc_size(cell->weight_hh, 1);
    rlc_tensor *past = rlc_affine(state[0], cell->weight_hh, cell->bias_hh, RLC_IDENTITY);
    rlc_tensor *open = rlc_sigmoid(rlc_add(gate(input, hidden, RESET, 2), gate(past, hidden, RESET, 2)));
    rlc_tensor *let_in = rlc_mul(gate(open, hidden, RESET, 1), gate(past, hidden, NEW, 1));
    rlc_tensor *new = rlc_tanh(rlc_add(gate(input, hidden, NEW, 1), let_in));
    state[0] = rlc_add(new, rlc_mul(gate(open, hidden, UPDATE, 1), rlc_sub(state[0], new)));
}

const rlc_cell_kind rlc__lstm = {.name = "lstm", .gates = 4, .states = 2, .step = lstm_step};
const rlc_cell_kind rlc__gru = {.name = "gru", .gates = 3, .states = 1, .step = gru_step};

rlc_tensor *rlc_lstm_cell(const rlc_cell *cell, rlc_tensor *x, rlc_tensor *h, rlc_tensor *c, rlc_tensor **next_c) {
    rlc_tensor *state[] = {h, c};
    lstm_step(cell, rlc_affine(x, cell->weight_ih, cell->bias_ih, RLC_IDENTITY), state);
    *next_c = state[1];
    return state[0];
}

rlc_tensor *rlc_gru_cell(const rlc_cell *cell, rlc_tensor *x, rlc_tensor *h) {
    rlc_tensor *state[] = {h};
    gru_step(cell, rlc_affine(x, cell->weight_ih, cell->bias_ih, RLC_IDENTITY), state);
    return state[0];
}

typedef struct cell_module {
    rlc_module base;
    int64_t input_size, hidden_size;
    bool bias;
    rlc_cell cell;
} cell_module;

static const rlc_option options[] = {
    RLC_LONG(cell_module, hidden_size, RLC_REQUIRED, 1, 1 << 24, "numbers of a state"),
    RLC_LONG(cell_module, input_size, 0, 0, 1 << 24, "width of the input; 0 takes it from what comes in"),
    RLC_BOOL_OPTION(cell_module, bias, true, "add biases"),
    {0},
};

bool rlc__cell_input_fits(const rlc_module *self, const rlc_tensor *x, int64_t input_size) {
    if (x != NULL && input_size != 0 && rlc_size(x, -1) != input_size) {
        rlc_fail(RLC_INVALID, "%s: input_size is %lld, but %s has a last dimension of %lld", self->path,
                 (long long)input_size, self->in_keys[0]->name, (long long)rlc_size(x, -1));
        return false;
    }
    return x != NULL;
}

static void cell_init(rlc_module *self, const rlc_build *build, const rlc_cell_kind *kind) {
    cell_module *m = (cell_module *)self;
    const rlc_tensor *x = rlc_in(self, build->example, 0);
    if (self->num_in != 1 + kind->states || self->num_out != kind->states) {
        rlc_fail(RLC_INVALID,
                 "%s: a %s reads %d keys, the input and its state, and writes %d, the next state; got %d "
                 "and %d",
                 self->path, self->type->base.name, 1 + kind->states, kind->states, self->num_in, self->num_out);
    } else if (rlc__cell_input_fits(self, x, m->input_size)) {
        m->cell = rlc_cell_new(self, "", "", rlc_size(x, -1), m->hidden_size, kind->gates, m->bias);
    }
}

static void cell_forward(rlc_module *self, rlc_dict *td, const rlc_cell_kind *kind) {
    const cell_module *m = (const cell_module *)self;
    rlc_tensor *state[2];
    rlc_tensor *x = rlc_cast(rlc_in(self, td, 0), RLC_F32);
    for (int i = 0; i < kind->states; i++) {
        state[i] = rlc_in(self, td, 1 + i);
    }
    kind->step(&m->cell, rlc_affine(x, m->cell.weight_ih, m->cell.bias_ih, RLC_IDENTITY), state);
    for (int i = 0; i < kind->states; i++) {
        rlc_out(self, td, i, state[i]);
    }
}

#define CELL(Class, object, text, kind_of, ...)                                                                        \
    static void object##_init(rlc_module *self, const rlc_build *build) {                                              \
        cell_init(self, build, &kind_of);                                                                              \
    }                                                                                                                  \
    static void object##_forward(rlc_module *self, rlc_dict *td) {                                                     \
        cell_forward(self, td, &kind_of);                                                                              \
    }                                                                                                                  \
    typedef cell_module Class;                                                                                         \
    const rlc_module_class rlc_##object##_class = {                                                                    \
        .base = RLC_CLASS("module", Class, .doc = text, .options = options),                                           \
        .in_keys = {"observation", __VA_ARGS__},                                                                       \
        .out_keys = {__VA_ARGS__},                                                                                     \
        .init = object##_init,                                                                                         \
        .forward = object##_forward,                                                                                   \
    };
CELL(LSTMCell, lstm_cell, "one step of long short-term memory", rlc__lstm, "recurrent_state_h", "recurrent_state_c")
CELL(GRUCell, gru_cell, "one step of a gated recurrent unit", rlc__gru, "recurrent_state_h")
