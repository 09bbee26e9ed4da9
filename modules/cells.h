/* cells.h: what the cells of recurrent modules have in common; inside of modules/. */
#ifndef RLC_CELLS_H
#define RLC_CELLS_H

#include "modules/recurrent.h"

typedef struct rlc_cell_kind {
    const char *name; /* of its parameters in a module of layers: "lstm.weight_ih_l0" */
    int gates, states;
    /* Moves the state on. `input` is x weight_ih^T + bias_ih, so that a whole sequence's is one product. */
    void (*step)(const rlc_cell *cell, rlc_tensor *input, rlc_tensor **state);
} rlc_cell_kind;

enum { RLC__MAX_STATES = 2 };
extern const rlc_cell_kind rlc__lstm, rlc__gru;

/* Whether the option input_size, unless 0, is the width of x; false with an error, or for an x of NULL. */
bool rlc__cell_input_fits(const rlc_module *self, const rlc_tensor *x, int64_t input_size);

#endif
