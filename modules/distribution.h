/* distribution.h: what a stochastic policy draws its actions from: torch.distributions as TorchRL has them.
 *
 * A family is what a recipe names, `distribution: {type: TanhNormal, low: -2, high: 2}`: a class and its options. A
 * distribution is a family with the parameters that a network computed for a batch; it lives as long as those tensors.
 * Actions have the shape [*batch, *event], log-probabilities and entropies [*batch].
 *
 *     rlc_distribution d;
 *     if (rlc_module_distribution(actor, td, &d)) {                    // runs the actor's networks
 *         rlc_tensor *action = rlc_distribution_sample(&d, stream);    // gradients pass where the family allows it
 *         rlc_tensor *log_prob = rlc_distribution_log_prob(&d, action);
 *     }
 */
#ifndef RLC_DISTRIBUTION_H
#define RLC_DISTRIBUTION_H

#include "modules/module.h"

RLC_BEGIN

enum { RLC_MAX_DISTRIBUTION_PARAMETERS = 3 };

typedef struct rlc_distribution_family rlc_distribution_family;

struct rlc_distribution {
    const rlc_distribution_family *family;
    rlc_tensor *parameter[RLC_MAX_DISTRIBUTION_PARAMETERS]; /* under the class's keys; optional ones may be NULL */
    rlc_tensor *drawn, *raw; /* the last sample and what it was before it was squashed: its log-probability is exact */
    rlc_tensor *log_probs;   /* of discrete families, once computed: the normalised logits */
};

typedef struct rlc_distribution_class {
    rlc_class base;
    const char *keys[RLC_MAX_DISTRIBUTION_PARAMETERS + 1]; /* of its parameters, "loc", "scale"; */
    int num_required;                                      /* the first so many must be there */
    bool discrete;

    /* Optional: completes the options of a family from the environment's action spec; false with an error. */
    bool (*init)(rlc_distribution_family *self, const char *what, const rlc_spec *action);

    /* Optional: changes the parameters before anything is asked of the distribution. */
    void (*prepare)(rlc_distribution *d);

    /* A draw; the deterministic choice (TorchRL's deterministic_sample); the most likely and the average value. */
    rlc_tensor *(*sample)(rlc_distribution *d, rlc_stream *stream);
    rlc_tensor *(*deterministic)(rlc_distribution *d);
    rlc_tensor *(*mode)(rlc_distribution *d);
    rlc_tensor *(*mean)(rlc_distribution *d); /* NULL: there is no closed form */

    rlc_tensor *(*log_prob)(rlc_distribution *d, rlc_tensor *value);
    rlc_tensor *(*entropy)(rlc_distribution *d, rlc_stream *stream); /* by one sample where there is no closed form */
    rlc_tensor *(*kl)(rlc_distribution *p, rlc_distribution *q);     /* NULL: there is no closed form */
} rlc_distribution_class;

struct rlc_distribution_family {
    const rlc_distribution_class *type;
    rlc_spec action; /* what the environment reads */
};

/* Makes a family of what a recipe says, a name or a map with a type; it lives as long as the model. NULL with an error. */
rlc_distribution_family *rlc_distribution_family_new(rlc_module *self, const rlc_value *value, const rlc_spec *action);

rlc_tensor *rlc_distribution_sample(rlc_distribution *d, rlc_stream *stream);
rlc_tensor *rlc_distribution_mode(rlc_distribution *d);
rlc_tensor *rlc_distribution_mean(rlc_distribution *d);
rlc_tensor *rlc_distribution_deterministic(rlc_distribution *d);
rlc_tensor *rlc_distribution_log_prob(rlc_distribution *d, rlc_tensor *value);
rlc_tensor *rlc_distribution_entropy(rlc_distribution *d, rlc_stream *stream);

/* Of a discrete family: the logarithm of every action's probability, [*batch, n]; NULL with an error of another. */
rlc_tensor *rlc_distribution_log_probs(rlc_distribution *d);

/* KL(p || q) of two distributions of one family with a closed form; NULL with an error otherwise. */
rlc_tensor *rlc_distribution_kl(rlc_distribution *p, rlc_distribution *q);

/* What the program's exploration type asks for: a sample under random exploration, else a choice without chance. */
rlc_tensor *rlc_distribution_choose(rlc_distribution *d, rlc_stream *stream);

/* The distribution of a policy's actions for a batch: runs what computes its parameters, which it leaves in td. False,
 * with an error, for a module that is no stochastic policy. */
bool rlc_module_distribution(rlc_module *policy, rlc_dict *td, rlc_distribution *d);

/* Whether a module is a stochastic policy: a ProbabilisticActor, or a chain that ends in one. */
bool rlc_module_is_stochastic(const rlc_module *module);

extern const rlc_distribution_class rlc_normal_class, rlc_tanh_normal_class, rlc_truncated_normal_class, rlc_delta_class,
    rlc_tanh_delta_class, rlc_categorical_class, rlc_one_hot_categorical_class, rlc_masked_categorical_class,
    rlc_masked_one_hot_categorical_class;

RLC_END

#endif
