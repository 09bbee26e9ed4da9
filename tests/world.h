/* world.h: what the tests of everything above tensors share: a registry with all classes that rlc brings, option maps
 * from text, an environment or a model in one line each.
 *
 * What fails on the way fails the test. Texts and classes live as long as the test program; environments and models are
 * the caller's to free.
 */
#ifndef RLC_TEST_WORLD_H
#define RLC_TEST_WORLD_H

#include "tests/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "envs/env.h"
#include "modules/model.h"
#include "recipes/builtin.h"
#include "tensordict/dict.h"

static rlc_registry *world_classes;
static rlc_arena world_texts;

__attribute__((destructor)) static void world_end(void) {
    rlc_registry_free(world_classes);
    rlc_arena_free(&world_texts);
}

static inline rlc_registry *world_registry(void) {
    if (world_classes == NULL) {
        expect_ok(rlc_registry_new(&world_classes));
    }
    return world_classes;
}

/* YAML as a tree, read as if it stood in the file "test". */
static inline rlc_value *world_value(const char *text) {
    rlc_value *value = NULL;
    expect_ok(rlc_value_parse(&world_texts, "test", text, &value));
    return value;
}

static inline rlc_env *world_env(uint64_t seed, const char *options) {
    rlc_env *env = NULL;
    expect_ok(rlc_env_make(world_registry(), test_device(), seed, options, &env));
    return env;
}

enum { WORLD_BATCH = 5, WORLD_OBSERVATION = 4 };

/* A model of a world that shows four numbers and takes such actions, in batches of five. */
static inline rlc_model *world_model(uint64_t seed, rlc_spec action) {
    static const char *const flags[] = {"done", "terminated", "truncated"};
    rlc_spec observation = rlc_spec_unbounded(RLC_SHAPE(WORLD_OBSERVATION));
    rlc_shape batch = RLC_SHAPE(WORLD_BATCH), column = RLC_SHAPE(WORLD_BATCH, 1);
    rlc_model *model = NULL;
    expect_ok(rlc_model_new(world_registry(), test_device(), seed, &model));
    rlc_begin(test_program());
    rlc_dict *td = rlc_dict_new(batch);
    rlc_dict_set(td, "observation", rlc_spec_zeros(&observation, batch));
    rlc_dict_set(td, "action", rlc_spec_zeros(&action, batch));
    rlc_dict_set(td, "next.observation", rlc_spec_zeros(&observation, batch));
    rlc_dict_set(td, "next.reward", rlc_zeros(RLC_F32, column));
    for (int i = 0; i < RLC_COUNT(flags); i++) {
        rlc_dict_set(td, flags[i], rlc_zeros(RLC_BOOL, column));
        rlc_dict_set(rlc_dict_get_dict(td, "next"), flags[i], rlc_zeros(RLC_BOOL, column));
    }
    rlc_model_expect(model, &observation, &action, td);
    expect_ok(rlc_end(test_program()));
    return model;
}

static inline rlc_module *world_add(rlc_model *model, const char *name, const char *options) {
    rlc_module *module = NULL;
    expect_ok(rlc_model_add(model, name, options, &module));
    return module;
}

/* The model's parameter of that name; fails when there is none, or when there are two. */
static inline rlc_tensor *world_parameter(const rlc_model *model, const char *name) {
    rlc_tensor *found = NULL;
    for (int i = 0; i < model->num_parameters; i++) {
        if (strcmp(model->parameters[i].name, name) == 0) {
            assert_null(found);
            found = model->parameters[i].tensor;
        }
    }
    if (found == NULL) {
        fail_msg("the model has no parameter '%s'", name);
    }
    return found;
}

/* Expects these elements, in this order, |got - wanted| <= tolerance. */
static inline void expect_elements(const char *what, rlc_tensor *got, int count, const double *wanted,
                                   double tolerance) {
    if (got == NULL) {
        fail_msg("%s: no result: %s", what, rlc_error());
    }
    assert_int_equal(got->numel, count);
    double *values = read_doubles(got), value = 0;
    int wrong = -1;
    for (int i = 0; i < count && wrong < 0; i++) {
        value = values[i];
        wrong = fabs(value - wanted[i]) <= tolerance ? -1 : i;
    }
    free(values);
    if (wrong >= 0) {
        fail_msg("%s: element %d is %.9g, wanted %.9g", what, wrong, value, wanted[wrong]);
    }
}
#define EXPECT(tensor, ...)                                                                                            \
    expect_elements(#tensor, tensor, RLC_COUNT(((double[]){__VA_ARGS__})), (double[]){__VA_ARGS__}, 1e-6)

static inline void expect_shape(const rlc_tensor *got, rlc_dtype dtype, rlc_shape wanted) {
    char ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
    if (got == NULL) {
        fail_msg("no tensor: %s", rlc_error());
    }
    if (got->dtype != dtype || !rlc_shape_equal(rlc_shape_of(got), wanted)) {
        fail_msg("got %s %s, wanted %s %s", rlc_dtype_name((rlc_dtype)got->dtype),
                 rlc_shape_text(rlc_shape_of(got), ta), rlc_dtype_name(dtype), rlc_shape_text(wanted, tb));
    }
}

#endif
