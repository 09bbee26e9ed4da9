/* recurrent.h: LSTM and GRU: cells as functions of tensors, and the modules LSTMModule and GRUModule around layers of them.
 *
 *     env:
 *       type: CartPole
 *       transforms: [{type: InitTracker}, {type: TensorDictPrimer, primers: {recurrent_state_h: [1, 64], recurrent_state_c: [1, 64]}}]
 *     modules:
 *       lstm: {type: LSTMModule, in_keys: [observation], out_keys: [features], hidden_size: 64}
 *
 * As TorchRL's, a module reads the input, the states `recurrent_state_h` and, of an LSTM, `recurrent_state_c`, each
 * [*batch, num_layers, hidden_size], and `is_init` [*batch, 1], where an episode begins. It writes its
 * output [*batch, hidden_size] and the states behind the step under `next`, from where the environment takes them to the
 * next step; the TensorDictPrimer keeps a place for them and the InitTracker tells where episodes begin. One in key or one
 * out key alone is that of the input or the output.
 *
 * With one batch dimension a call is one step from the states that stand in the dict, or from 0 where is_init is true: so it
 * acts. Where there are more, the last one is time (TorchRL's recurrent mode): each step goes on from the states that the one
 * before left, and gradients pass through all of them. The first one, and each that is_init marks, begins with the states that
 * stand in the dict, which are 0 where an episode begins and those of the time where a slice does. So does a step behind a
 * `done`, if the dict has that entry: under `next` the first step of each episode is missing.
 */
#ifndef RLC_RECURRENT_H
#define RLC_RECURRENT_H

#include "modules/module.h"

RLC_BEGIN

/* Weights [gates * hidden, in] and [gates * hidden, hidden] and two biases, or NULL; the gates lie one after the other in
 * PyTorch's order. */
typedef struct rlc_cell {
    rlc_tensor *weight_ih, *weight_hh, *bias_ih, *bias_hh;
} rlc_cell;

/* For init: parameters "PREFIXweight_ihSUFFIX", ..., from U(-1/sqrt(hidden), 1/sqrt(hidden)). */
rlc_cell rlc_cell_new(rlc_module *self, const char *prefix, const char *suffix, int64_t in, int64_t hidden, int gates,
                      bool bias);

/* One step of x [*, in] from h and c [*, hidden] (Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997, with the
 * forget gate of Gers et al., 2000), as torch.nn.LSTMCell: i, f, o = sigmoid, g = tanh of the gates (in the order i, f, g, o),
 * c' = f c + i g, h' = o tanh(c'). Returns h'; *next_c gets c'. */
rlc_tensor *rlc_lstm_cell(const rlc_cell *cell, rlc_tensor *x, rlc_tensor *h, rlc_tensor *c, rlc_tensor **next_c);

/* Likewise of a gated recurrent unit (Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", EMNLP 2014), as
 * torch.nn.GRUCell: r, z = sigmoid of the gates (in the order r, z, n), n = tanh(its input + r times its part of h), h' = (1 -
 * z) n + z h. */
rlc_tensor *rlc_gru_cell(const rlc_cell *cell, rlc_tensor *x, rlc_tensor *h);

RLC_END

#endif
