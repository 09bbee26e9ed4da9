/* program.h: what has been recorded and is to be run.
 *
 * A tensor op checks shapes, allocates its result and appends one small node to the program that is open in this thread.
 * rlc_end, or reading a value on the host, runs the list. A program owns its memory: it is given back at the next
 * rlc_begin, so the same step always yields the same list at the same addresses, and never calls malloc after its first
 * few rounds. Each recurring step of a training run (collect, update, evaluate) is one program.
 *
 *     rlc_begin(program);
 *     rlc_tensor *y = rlc_exp(x);
 *     rlc_read(y, host);               // runs what is recorded so far
 *     rlc_status status = rlc_end(program);
 *     // y is valid until the next rlc_begin(program)
 *
 * A tensor from before the last rlc_begin is reported by the op that is given it, as long as nothing else has taken its
 * place: a net under mistakes, not a promise.
 *
 * Errors stick: an op that is given NULL, or shapes that do not fit, returns NULL; rlc_end returns the first error, one of
 * this thread's from elsewhere too, and runs nothing more. Programs nest: the one begun last is the one recorded into.
 *
 * RLC_EAGER=1 runs every op as it is recorded, for debugging. RLC_CHECK_NAN=1 stops at the first op whose result is not
 * finite and names it and its module.
 */
#ifndef RLC_PROGRAM_H
#define RLC_PROGRAM_H

#include <stdio.h>

#include "core/arena.h"
#include "core/device.h"
#include "core/tensor.h"

RLC_BEGIN

typedef union rlc_parameter {
    double f;
    int64_t i;
    rlc_kernel *run;
} rlc_parameter;

/* One recorded op: a kernel and all that it reads. `more` holds further operands, in or out, where three are too few;
 * `aux` holds plain data whose bytes, like all else here, decide whether two lists are the same. */
struct rlc_node {
    rlc_kernel *run; /* NULL for a view, which only autograd cares for */
    rlc_tensor *out, *in[3];
    rlc_tensor **more;
    const void *aux;
    rlc_parameter p[3];
    const char *where; /* path of the module that recorded it, or NULL */
    uint32_t aux_size;
    uint16_t op, num_more;
    uint8_t needs; /* bit i is set when in[i] wants a gradient, bit 3 when `more` does */
    bool on_host;  /* `run` wants host memory, whatever the device (device.h) */
};

/* How a policy chooses: collectors run under RANDOM, evaluation under DETERMINISTIC. */
typedef enum rlc_exploration {
    RLC_EXPLORE_RANDOM,
    RLC_EXPLORE_DETERMINISTIC,
    RLC_EXPLORE_MODE,
    RLC_EXPLORE_MEAN,
    RLC_EXPLORE_MEDIAN
} rlc_exploration;

typedef struct rlc_kept rlc_kept;

struct rlc_program {
    rlc_device *device;
    const char *name;
    rlc_arena host; /* tensors, dicts, operands: everything but data */
    rlc_arena data; /* on the device */
    rlc_node *nodes;
    int num_nodes, max_nodes, num_run;
    rlc_status status;
    rlc_program *outer; /* the program that was open before this one */
    const char *where;  /* path of the module that is recording */
    const char *op;     /* the op that is being recorded, for messages */
    rlc_exploration exploration;
    rlc_precision precision;
    bool open, shapes_only, no_grad, training, eager, check_nan;
    bool resting;       /* nothing that it records changes a parameter, */
    rlc_kept *kept;     /* so this was computed once (resting.h) */
    uint8_t generation; /* how often it has begun: what is older is gone */
    bool failed_before; /* this thread had an error when the program was opened */
    void *replay;       /* what the device keeps for this program: lists it has seen */
};

/* A program for `device`; `name` is for messages. */
rlc_status rlc_program_new(rlc_device *device, const char *name, rlc_program **program);
void rlc_program_free(rlc_program *program);

/* Gives back what the program computed last time, and records into it from here on. */
void rlc_begin(rlc_program *program);

/* As rlc_begin, for a build: ops check shapes and allocate tensors without data, and nothing will run. */
void rlc_begin_shapes(rlc_program *program);

/* Runs what was recorded and closes the program. Returns the first error since rlc_begin. */
rlc_status rlc_end(rlc_program *program);

/* The program that records in this thread, or NULL. */
extern __thread rlc_program *rlc__current __attribute__((tls_model("initial-exec")));
static inline rlc_program *rlc_current(void) {
    return rlc__current;
}

/* Runs what the current program has recorded so far, then copies the tensor's elements, row-major, to `to`. */
rlc_status rlc_read(rlc_tensor *tensor, void *to);

/* The value of a tensor with one element, of any type; NaN, with an error recorded, on failure. */
double rlc_item(rlc_tensor *tensor);

/* Writes a tensor as PyTorch prints it: "tensor([1.0000, 2.5000])", the edges only of what has more than 1000 elements. */
rlc_status rlc_tensor_print(rlc_tensor *tensor, FILE *out);

/* How exact the products of matrices are that `program` records from now on; RLC_INVALID where its device has no such
 * products. */
rlc_status rlc_set_precision(rlc_program *program, rlc_precision precision);

/* Until the next call, ops record no gradients (on = true) or do again; returns what it was. */
bool rlc_no_grad(bool on);

/* Sets how policies choose in the current program; returns what it was. */
rlc_exploration rlc_set_exploration(rlc_exploration type);

/* Sets how modules behave that learn otherwise than they act: Dropout, BatchNorm. PyTorch's module.train() is
 * rlc_set_training(true), module.eval() false; here it is the program's, and a program begins outside of training.
 * Losses are called in training, their target networks never (objectives/loss.h). Returns what it was. */
bool rlc_set_training(bool on);

/* Computes the gradients of a tensor with one element: walks the list backwards, appending gradient nodes to the same
 * program. Gradients add up in `grad` of every root that requires one, until rlc_zero_grad. */
void rlc_backward(rlc_tensor *loss);

/* Forgets a root's gradient: the next backward() writes instead of adding. */
void rlc_zero_grad(rlc_tensor *root);

/* For kernels: what they compute with is wrong, an index out of range say. Stops the program; the message gets the op and
 * its module in front. */
void rlc_kernel_fail(const rlc_node *node, const char *format, ...) RLC_PRINTF(2, 3);

RLC_END

#endif
