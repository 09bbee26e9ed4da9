/* priority.h: choosing rows in proportion to their priorities.
 *
 * Schaul et al., "Prioritized Experience Replay", ICLR 2016, as TorchRL's PrioritizedSampler has it: row i counts
 * p_i = (|error| + eps)^alpha, a new row as much as the largest error so far, and has the weight (p_i / min p)^-beta.
 *
 * The p_i are the leaves of two trees over the rows of a ring: of sums, which a draw goes down, and of minima. Both lie
 * in one float64 tensor [2, 2 n], n the next power of two from the ring's capacity on: node 1 is the root, those below
 * node i are 2 i and 2 i + 1, the leaf of row i is n + i. A change adds up anew what lies above it, so nothing drifts.
 * `largest` is a float64 with one element, 1 at first. What changes is tensor data: nothing is read on the host.
 *
 *     rlc_priority settings = {.alpha = 0.7, .eps = 1e-8, .capacity = capacity};
 *     rlc_priority_extend(tree, largest, cursor, 10, &settings);             // rows that a ring is about to take
 *     rlc_tensor *index = rlc_priority_sample(stream, tree, 32);
 *     rlc_tensor *weight = rlc_priority_weight(tree, index, beta);
 *     rlc_priority_update(tree, largest, index, td_error, &settings);
 */
#ifndef RLC_PRIORITY_H
#define RLC_PRIORITY_H

#include "core/op.h"

RLC_BEGIN

/* It lies in a node byte for byte, so it has no gaps. */
typedef struct rlc_priority {
    double alpha, eps;
    int64_t capacity;
} rlc_priority;

/* The shape of the trees, and what they hold while there are no rows. NULL, with an error, without memory. */
rlc_shape rlc_priority_shape(int64_t capacity);
rlc_status rlc_priority_clear(rlc_tensor *tree);

/* Gives the rows that a ring with this cursor {head, size} writes next the largest priority so far: goes before
 * rlc_ring_advance. */
void rlc_priority_extend(rlc_tensor *tree, rlc_tensor *largest, rlc_tensor *cursor, int64_t rows,
                         const rlc_priority *settings);

/* Sets the priorities of rows, int64 [count], to what their errors, float32 [count] or [count, 1], say. Of equal rows
 * the last counts. */
void rlc_priority_update(rlc_tensor *tree, rlc_tensor *largest, rlc_tensor *index, rlc_tensor *error,
                         const rlc_priority *settings);

/* int64 [count]: rows drawn independently, each with its share of the sum. */
rlc_tensor *rlc_priority_sample(rlc_stream *stream, rlc_tensor *tree, int64_t count);

/* float32 [count]: the weights of rows; beta is a float32 with one element. */
rlc_tensor *rlc_priority_weight(rlc_tensor *tree, rlc_tensor *index, rlc_tensor *beta);

RLC_END

#endif
