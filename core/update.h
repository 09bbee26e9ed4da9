/* update.h: ops that change roots: optimisers, target networks, ring buffers. One kernel each, over flat memory.
 *
 * What varies from step to step (the learning rate, Adam's powers of beta, a ring's head and size) is read from tensors
 * when the op runs, so a recorded step never holds a stale number.
 */
#ifndef RLC_UPDATE_H
#define RLC_UPDATE_H

#include "core/op.h"

RLC_BEGIN

/* The settings of an optimiser lie in a node byte for byte, so none has gaps: what is true or false is an int64. */

/* Adam (Kingma and Ba, 2015) as torch.optim.Adam computes it: weight_decay is added to the gradient. AdamW (Loshchilov
 * and Hutter, 2019) shrinks the parameters by lr times decoupled_weight_decay instead. */
typedef struct rlc_adam {
    double beta1, beta2, eps, weight_decay, decoupled_weight_decay;
} rlc_adam;

/* powers: float64 {t, beta1^t, beta2^t}, {0, 1, 1} before the first step, or rows of such. Moves them on by one. */
void rlc_adam_tick(rlc_tensor *powers, const rlc_adam *settings);

/* One step of `param` against `grad`; exp_avg and exp_avg_sq are the moments, lr a float32 with one element.
 * max_exp_avg_sq is AMSGrad's (Reddi, Kale and Kumar, 2018), NULL without it. */
void rlc_adam_step(rlc_tensor *param, rlc_tensor *grad, rlc_tensor *exp_avg, rlc_tensor *exp_avg_sq,
                   rlc_tensor *max_exp_avg_sq, rlc_tensor *powers, rlc_tensor *lr, const rlc_adam *settings);

/* Stochastic gradient descent as torch.optim.SGD has it. `first` is for the first step, which dampening does not touch;
 * the buffer is zero then. */
typedef struct rlc_sgd {
    double momentum, dampening, weight_decay;
    int64_t nesterov, first;
} rlc_sgd;

/* momentum_buffer is NULL without momentum. */
void rlc_sgd_step(rlc_tensor *param, rlc_tensor *grad, rlc_tensor *momentum_buffer, rlc_tensor *lr,
                  const rlc_sgd *settings);

/* RMSprop (Hinton, 2012; centered: Graves, 2013) as torch.optim.RMSprop has it: eps is added to the root. */
typedef struct rlc_rmsprop {
    double alpha, eps, weight_decay, momentum;
} rlc_rmsprop;

/* grad_avg is NULL unless centered, momentum_buffer without momentum. */
void rlc_rmsprop_step(rlc_tensor *param, rlc_tensor *grad, rlc_tensor *square_avg, rlc_tensor *grad_avg,
                      rlc_tensor *momentum_buffer, rlc_tensor *lr, const rlc_rmsprop *settings);

/* Scales the gradients so that their common 2-norm is at most max_norm, as torch.nn.utils.clip_grad_norm_ does. Returns
 * the norm there was. */
rlc_tensor *rlc_clip_grad_norm(rlc_tensor *const *grads, int count, double max_norm);

/* Brings each element of the gradients into [-max_value, max_value], as torch.nn.utils.clip_grad_value_ does. */
void rlc_clip_grad_value(rlc_tensor *const *grads, int count, double max_value);

/* Adds numbers to running sums, total by total another one: a total is a float64 of one element, a value has one of any type. */
void rlc_tally(rlc_tensor *const *totals, rlc_tensor *const *values, int count);

/* target <- (1 - tau) target + tau online */
void rlc_lerp(rlc_tensor *target, rlc_tensor *online, double tau);

/* A ring of `capacity` rows, cursor = int64 {head, size}: writes rows [n, ...] from the head on, then, once all tensors
 * of the ring are written, moves the head. n must not exceed the capacity. */
void rlc_ring_write(rlc_tensor *storage, rlc_tensor *rows, rlc_tensor *cursor);
void rlc_ring_advance(rlc_tensor *cursor, int64_t rows, int64_t capacity);

RLC_END

#endif
