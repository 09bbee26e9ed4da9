/* golden_loss.h: tests of losses against golden files. A case NAME of FILE has NAME.KEY for each key of the batch,
 * NAME.NETWORK.PART for each parameter of an MLP and NAME.grad.PART, or NAME.grad.NETWORK.PART, for its gradient. */
#ifndef RLC_TEST_GOLDEN_LOSS_H
#define RLC_TEST_GOLDEN_LOSS_H

#include <stdio.h>

#include "objectives/loss.h"
#include "tests/with_model.h"

/* The last thing that is added to `model`: nothing can be after it. */
static inline rlc_loss *add_loss(const char *options) {
    rlc_module *loss = NULL;
    expect_ok(rlc_model_build(model, "loss", "loss", world_value(options), &loss));
    expect_ok(rlc_model_allocate(model));
    return (rlc_loss *)loss;
}

typedef struct golden_part {
    const char *name;
    rlc_tensor *tensor;
} golden_part;

enum { GOLDEN_PARTS = 6 };

/* The parameters of an MLP of up to three layers under the golden files' names, which are the ends of the model's. */
static inline int golden_parts(rlc_module *module, golden_part *parts) {
    static const char *const names[GOLDEN_PARTS] = {"0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias"};
    int indices[GOLDEN_PARTS], count = rlc_module_parameters(module, indices, GOLDEN_PARTS);
    assert_in_range(count, 2, GOLDEN_PARTS);
    for (int i = 0; i < count; i++) {
        const char *name = model->parameters[indices[i]].name;
        size_t length = strlen(name), end = strlen(names[i]);
        assert_true(length >= end && strcmp(name + length - end, names[i]) == 0);
        parts[i] = (golden_part){names[i], model->parameters[indices[i]].tensor};
    }
    return count;
}

static inline void load_network(rlc_module *module, const char *file, const char *name, const char *network) {
    golden_part parts[GOLDEN_PARTS];
    for (int i = golden_parts(module, parts) - 1; i >= 0; i--) {
        const rlc_safetensors_entry *entry = golden(file, "%s.%s.%s", name, network, parts[i].name);
        assert_true(rlc_shape_equal(entry->shape, rlc_shape_of(parts[i].tensor)));
        expect_ok(rlc_tensor_write(parts[i].tensor, entry->data));
    }
}

/* `gradients` is "grad" or "grad.NETWORK". */
static inline void expect_gradients(rlc_module *module, const char *file, const char *name, const char *gradients,
                                    double relative, double absolute) {
    golden_part parts[GOLDEN_PARTS];
    for (int i = golden_parts(module, parts) - 1; i >= 0; i--) {
        char label[160];
        snprintf(label, sizeof label, "%s: %s.%s", name, gradients, parts[i].name);
        assert_true(parts[i].tensor->flags & RLC_HAS_GRAD);
        expect_close(label, parts[i].tensor->grad, golden(file, "%s.%s.%s", name, gradients, parts[i].name), relative,
                     absolute);
    }
}

static inline void expect_no_gradients(rlc_module *module) {
    golden_part parts[GOLDEN_PARTS];
    for (int i = golden_parts(module, parts) - 1; i >= 0; i--) {
        assert_false(parts[i].tensor->flags & (RLC_HAS_GRAD | RLC_REQUIRES_GRAD));
    }
}

/* Those keys that the case has. */
static inline rlc_dict *golden_batch(const char *file, const char *name, int64_t size) {
    static const char *const keys[] = {
        "observation",     "action",          "next.observation",  "next.reward", "next.done",    "loc",
        "next.terminated", "priority_weight", "steps_to_next_obs", "advantage",   "value_target", "action_log_prob",
        "scale",           "logits",          "state_value"};
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(size));
    for (int i = 0; i < RLC_COUNT(keys); i++) {
        if (has_golden(file, "%s.%s", name, keys[i])) {
            rlc_dict_set(td, keys[i], golden_tensor(file, "%s.%s", name, keys[i]));
        }
    }
    return td;
}

#endif
