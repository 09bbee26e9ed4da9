/* actor_critic.h: tests of losses of actors and critics against golden files: small networks of a kind, the parts of a
 * loss. `golden_file` is the file that all of it is of. */
#ifndef RLC_TEST_ACTOR_CRITIC_H
#define RLC_TEST_ACTOR_CRITIC_H

#include "tests/golden_loss.h"

#include "tests/given_noise.h"

static const char *golden_file;

enum { ACTIONS = 2, CHOICES = 3 };

/* A model whose batches have, besides what an environment gives, what a policy and an estimator add. */
static inline void new_model(rlc_spec action) {
    static const char *const columns[] = {"advantage", "value_target"};
    rlc_model_free(model);
    model = world_model(3, action);
    rlc_begin(p);
    rlc_dict *td = rlc_dict_clone(model->example);
    for (int i = 0; i < RLC_COUNT(columns); i++) {
        rlc_dict_set(td, columns[i], rlc_zeros(RLC_F32, RLC_SHAPE(WORLD_BATCH, 1)));
    }
    rlc_dict_set(td, "action_log_prob", rlc_zeros(RLC_F32, RLC_SHAPE(WORLD_BATCH)));
    rlc_dict_set(td, "loc", rlc_zeros(RLC_F32, RLC_SHAPE(WORLD_BATCH, ACTIONS)));
    rlc_dict_set(td, "scale", rlc_ones(RLC_F32, RLC_SHAPE(WORLD_BATCH, ACTIONS)));
    rlc_dict_set(td, "logits", rlc_zeros(RLC_F32, RLC_SHAPE(WORLD_BATCH, CHOICES)));
    rlc_spec observation = rlc_spec_unbounded(RLC_SHAPE(WORLD_OBSERVATION));
    rlc_model_expect(model, &observation, &action, td);
    expect_ok(rlc_end(p));
}

static inline void expect_part(const rlc_dict *out, const char *name, const char *ours, const char *theirs) {
    char label[160];
    snprintf(label, sizeof label, "%s: %s", name, ours);
    expect_close(label, rlc_dict_get(out, ours), golden(golden_file, "%s.out.%s", name, theirs), 1e-4, 1e-6);
}

static inline void expect_parts(const rlc_dict *out, const char *name, const char *const *keys) {
    for (int i = 0; keys[i] != NULL; i++) {
        expect_part(out, name, keys[i], keys[i]);
    }
}

/* A policy with one hidden layer, for the family's actions. */
static inline void add_actor(bool categorical, const char *family) {
    char text[256];
    if (categorical) {
        world_add(model, "net", "{type: MLP, num_cells: [8], out_keys: [logits], out_features: 3}");
        world_add(model, "actor", "{type: ProbabilisticActor, module: net, distribution: Categorical}");
        return;
    }
    world_add(model, "net", "{type: MLP, num_cells: [8], out_keys: [param], out_features: 4}");
    snprintf(text, sizeof text,
             "{type: ProbabilisticActor, modules: [net, {type: NormalParamExtractor}], distribution: %s}", family);
    world_add(model, "actor", text);
}

static inline void add_critic(void) {
    world_add(
        model, "q",
        "{type: ValueOperator, in_keys: [observation, action], module: {type: MLP, num_cells: [8], out_features: 1}}");
}

/* The critics and their targets, of which the first is target number `first` of the loss. */
static inline void load_critics(const rlc_loss *loss, const char *name, int first) {
    for (int i = first; i < loss->num_targets; i++) {
        char network[32];
        snprintf(network, sizeof network, "q%d", i - first);
        load_network(loss->targets[i].online, golden_file, name, network);
        snprintf(network, sizeof network, "target%d", i - first);
        load_network(loss->targets[i].target, golden_file, name, network);
    }
}

static inline void expect_critic_gradients(const rlc_loss *loss, const char *name, int first) {
    for (int i = first; i < loss->num_targets; i++) {
        char network[32];
        snprintf(network, sizeof network, "grad.q%d", i - first);
        expect_gradients(loss->targets[i].online, golden_file, name, network, 1e-4, 1e-6);
        expect_no_gradients(loss->targets[i].target);
    }
}

#endif
