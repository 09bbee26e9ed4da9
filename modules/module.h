/* module.h: a module reads some keys of a dict and writes others.
 *
 * It is built in two phases. `init` declares: it learns from an example dict (shapes, no data) what will reach the
 * module, declares parameters and builds members. Then the model allocates all parameters in one flat buffer and gives
 * them their initial values. `forward` runs in every step: it records tensor ops from the entries under in_keys to those
 * under out_keys, and runs once while the model is built, recording shapes only, so a wrong shape is found there.
 *
 * in_keys and out_keys are options of every module. Without them a module takes those its wrapper hands down (an Actor's
 * network writes "action"), else the ones its class has.
 *
 *     typedef struct { rlc_module base; rlc_linear layer; } Scale;        // base comes first
 *
 *     static void init(rlc_module *self, const rlc_build *b) {
 *         ((Scale *)self)->layer = rlc_linear_new(self, "layer", rlc_size(rlc_in(self, b->example, 0), -1), 1);
 *     }
 *     static void forward(rlc_module *self, rlc_dict *td) {
 *         rlc_out(self, td, 0, rlc_linear_apply(&((Scale *)self)->layer, rlc_in(self, td, 0), RLC_IDENTITY));
 *     }
 *     static const rlc_module_class scale = {
 *         .base = RLC_CLASS("module", Scale, .doc = "one linear layer"),
 *         .in_keys = {"observation"}, .out_keys = {"value"}, .init = init, .forward = forward};
 */
#ifndef RLC_MODULE_H
#define RLC_MODULE_H

#include "core/class.h"
#include "core/safetensors.h"
#include "core/state.h"
#include "tensordict/dict.h"
#include "tensordict/spec.h"

RLC_BEGIN

enum { RLC_MAX_KEYS = 16 };

typedef struct rlc_module rlc_module;
typedef struct rlc_model rlc_model;
typedef struct rlc_build rlc_build;
typedef struct rlc_distribution rlc_distribution;

typedef struct rlc_module_class {
    rlc_class base;
    const char *in_keys[RLC_MAX_KEYS], *out_keys[RLC_MAX_KEYS]; /* unless told otherwise */

    /* Optional. Declares parameters and members. Errors are recorded (rlc_fail, or by any op) and end the build. */
    void (*init)(rlc_module *self, const rlc_build *build);

    /* Records the ops of one call. Must not allocate other than by ops. */
    void (*forward)(rlc_module *self, rlc_dict *td);

    /* Optional. Does the work of `next` as well, which takes what this one makes and leaves its own in that place, so that
     * nobody sees what lies between: a convolution and the batch norm behind it. False, and nothing is recorded, where
     * the two are better called in turn. */
    bool (*forward_with)(rlc_module *self, rlc_dict *td, rlc_module *next);

    /* Optional, of policies that draw their actions (distribution.h): runs what computes the parameters. A module that
     * only hands on what its last member says has `ends_in_member` set. */
    bool (*distribution)(rlc_module *self, rlc_dict *td, rlc_distribution *d);
    bool ends_in_member;

    /* Its state goes on from step to step, and the last of several batch dimensions is time (recurrent.h). */
    bool recurrent;

    /* Optional. Records what changes as environments move on, `frames` steps at a time: the annealing of epsilon. */
    void (*step)(rlc_module *self, int64_t frames);

    /* Optional. Gives back what init got from elsewhere than the model. */
    void (*free)(rlc_module *self);
} rlc_module_class;

struct rlc_module {
    const rlc_module_class *type;
    rlc_model *model;
    const char *path; /* "modules.policy.0": where the recipe has it, and the prefix of its parameters' names */
    const rlc_key *in_keys[RLC_MAX_KEYS], *out_keys[RLC_MAX_KEYS];
    int num_in, num_out;
    rlc_module **members;      /* modules it calls, shared ones included */
    const char **member_names; /* as which it has them */
    int num_members;
    rlc_named_tensor *buffers; /* its own */
    int num_buffers;
    int first_parameter, num_parameters; /* its own, in the model's list */
    bool is_target;                      /* never called in training: a copy that follows another network */
    rlc_module *copy_of;                 /* whose parameters and buffers it starts with, its members' too; or NULL */
    const rlc_value *options;
    const rlc_value *state_dict;       /* option: where its initial values come from; of a second instance NULL */
    const rlc_dict *example;           /* what init saw */
    rlc_strings in_names, out_names;   /* the options in_keys and out_keys */
    rlc_strings handed_in, handed_out; /* what the wrapper handed down */
    int visit;                         /* the walk over the model that saw it last */
    bool complete;                     /* its init has come to an end */
};

/* What init is told. */
struct rlc_build {
    rlc_model *model;
    rlc_device *device;
    const rlc_dict *example;              /* what will reach the module: tensors with shapes and types but no data */
    const rlc_spec *action, *observation; /* the environment's */
    const char *path;
    const rlc_strings *in_keys, *out_keys; /* handed down by a wrapper, or NULL */
    struct rlc_cloning *cloning;           /* not NULL while a second instance is built */
};

/* The tensor under in_keys[i], an error where there is none; and the way to write out_keys[i]. Writing to the key "_"
 * throws the tensor away. */
rlc_tensor *rlc_in(const rlc_module *self, const rlc_dict *td, int i);
void rlc_out(const rlc_module *self, rlc_dict *td, int i, rlc_tensor *tensor);

/* Calls forward, with the module's path noted for messages. */
void rlc_module_call(rlc_module *self, rlc_dict *td);

/* Calls a list of modules in turn. */
void rlc_module_call_each(rlc_module *const *modules, int count, rlc_dict *td);

/* The same as rlc_module_call with its parameters held constant: no gradient reaches them, though it passes through. */
void rlc_module_call_detached(rlc_module *self, rlc_dict *td);

/* Calls `step` of the module and of all its members, each once. */
void rlc_module_step(rlc_module *self, int64_t frames);

/* For init: builds a member from what an option says, the name of a module of the model or a map with its type, and
 * notes it. `name` becomes part of its path. NULL with an error. */
rlc_module *rlc_module_build(rlc_module *self, const rlc_build *build, const rlc_value *value, const char *name);

/* For init: a second instance of `source`, built from the same options under this module's path. Its parameters are
 * initialised anew under their own names, or, with `copy`, start as those of the source, and so do its buffers. */
rlc_module *rlc_module_clone(rlc_module *self, const rlc_build *build, rlc_module *source, const char *name, bool copy);

/* Whether it, or any of its members, is recurrent. */
bool rlc_module_is_recurrent(rlc_module *self);

/* Whether gradients reach the parameters of a module and its members; a target network's do not. */
void rlc_module_requires_grad(rlc_module *self, bool on);

/* Declares which entries a module reads and writes where that is not known before init (Sequential, losses). */
void rlc_module_set_in_keys(rlc_module *self, const rlc_key *const *keys, int count);
void rlc_module_set_out_keys(rlc_module *self, const rlc_key *const *keys, int count);

/* Initial values, drawn from a stream of the parameter's own name. */
typedef enum rlc_init_kind { RLC_INIT_CONSTANT, RLC_INIT_UNIFORM, RLC_INIT_ORTHOGONAL, RLC_INIT_NORMAL } rlc_init_kind;
typedef struct rlc_init {
    rlc_init_kind kind;
    double value; /* the constant; the bound of U(-bound, bound); the gain of an orthogonal matrix; a deviation */
} rlc_init;

/* For init: a trainable float32 tensor "PATH.name". Its data comes with rlc_model_allocate. */
rlc_tensor *rlc_parameter_new(rlc_module *self, const char *name, rlc_shape shape, rlc_init init);

/* For init: a tensor that is kept with the checkpoint but not trained, cleared: PyTorch's register_buffer. Those of a
 * target network follow the network's. */
rlc_tensor *rlc_module_buffer(rlc_module *self, const char *name, rlc_dtype dtype, rlc_shape shape);

/* For init: the same for what is the run's and not the network's, where each environment's noise stands say: a checkpoint
 * has it, so that a resume goes on from there, but it is no part of the state_dict, and no target follows it. */
rlc_tensor *rlc_module_run_state(rlc_module *self, const char *name, rlc_dtype dtype, rlc_shape shape);

/* For init: a random stream of the module's own. */
rlc_stream *rlc_module_stream(rlc_module *self, const char *name);

/* torch.nn.Linear: weight [out, in] and bias [out], both from U(-1/sqrt(in), 1/sqrt(in)). */
typedef struct rlc_linear {
    rlc_tensor *weight, *bias;
} rlc_linear;
rlc_linear rlc_linear_new(rlc_module *self, const char *name, int64_t in, int64_t out);
rlc_linear rlc_linear_orthogonal(rlc_module *self, const char *name, int64_t in, int64_t out, double gain);
rlc_tensor *rlc_linear_apply(const rlc_linear *linear, rlc_tensor *x, rlc_activation activation);

/* The options that every module has. */
extern const rlc_option rlc__module_options[];

RLC_END

#endif
