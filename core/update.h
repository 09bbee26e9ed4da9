/* update.h: ops that change roots: optimisers, target networks, ring buffers. One kernel each, over flat memory.
 *
 * What varies from step to step (the learning rate, Adam's powers of beta, a ring's head and size) is read from tensors
 * when the op runs, so a recorded step never holds a stale number.
 */
#ifndef RLC_UPDATE_H
#define RLC_UPDATE_H

#include "core/op.h"

RLC_BEGIN

/* Adam (Kingma and Ba, 2015) as torch.optim.Adam computes it: weight decay is added to the gradient. */
typedef struct rlc_adam {
    double beta1, beta2, eps, weight_decay;
} rlc_adam;

/* powers: float64 {t, beta1^t, beta2^t}, {0, 1, 1} before the first step, or rows of such. Moves them on by one. */
void rlc_adam_tick(rlc_tensor *powers, const rlc_adam *settings);

/* One step of `param` against `grad`; exp_avg and exp_avg_sq are the moments, lr a float32 with one element. */
void rlc_adam_step(rlc_tensor *param, rlc_tensor *grad, rlc_tensor *exp_avg, rlc_tensor *exp_avg_sq, rlc_tensor *powers,
                   rlc_tensor *lr, const rlc_adam *settings);

/* Scales the gradients so that their common 2-norm is at most max_norm, as torch.nn.utils.clip_grad_norm_ does. Returns
 * the norm there was. */
rlc_tensor *rlc_clip_grad_norm(rlc_tensor *const *grads, int count, double max_norm);

/* target <- (1 - tau) target + tau online */
void rlc_lerp(rlc_tensor *target, rlc_tensor *online, double tau);

/* A ring of `capacity` rows, cursor = int64 {head, size}: writes rows [n, ...] from the head on, then, once all tensors
 * of the ring are written, moves the head. n must not exceed the capacity. */
void rlc_ring_write(rlc_tensor *storage, rlc_tensor *rows, rlc_tensor *cursor);
void rlc_ring_advance(rlc_tensor *cursor, int64_t rows, int64_t capacity);

RLC_END

#endif
