/* Calls that are misused: each gives a message that says what is wrong, in release builds too, and nothing breaks. Ops have
 * tests of their own, test_errors.c and test_update_misuse.c.
 */
#include "tests/world.h"

#include "collectors/buffer.h"
#include "collectors/collector.h"
#include "collectors/rollout.h"
#include "objectives/loss.h"
#include "objectives/optim.h"
#include "objectives/target.h"

static rlc_program *p, *other;
static rlc_tensor *root;

static int start(void **state) {
    fresh_start(state);
    p = test_program();
    rlc_begin(p);
    return 0;
}

static int set_up(void **state) {
    (void)state;
    root = rlc_tensor_new(test_device(), RLC_F32, RLC_SHAPE(2, 3));
    return rlc_program_new(test_device(), "other", &other) != RLC_OK || root == NULL;
}

static int tear_down(void **state) {
    (void)state;
    rlc_tensor_free(root);
    rlc_program_free(other);
    return 0;
}

/* Ends the program with an error that contains `text`, and opens it again. */
static void expect_failed(const char *text) {
    expect_error(rlc_end(p), RLC_INVALID, text);
    rlc_begin(p);
}

static void test_programs(void **state) {
    (void)state;
    expect_error(rlc_end(other), RLC_INVALID, "rlc_end: program 'other' is not open");
    expect_ok(rlc_end(p));
    expect_error(rlc_end(p), RLC_INVALID, "rlc_end: program 'test' is not open");
    assert_true(isnan(rlc_item(NULL)));
    expect_error(rlc_error_status(), RLC_INVALID, "rlc_read: the tensor is NULL");
    assert_null(rlc_dict_new(RLC_SHAPE(2)));
    expect_error(rlc_error_status(), RLC_INVALID, "rlc_dict_new: no program is open");
    rlc_backward(root);
    expect_error(rlc_error_status(), RLC_INVALID, "rlc_backward: no program is open");
}

/* What a program made is gone when it begins again; as long as its memory holds something else, ops tell. */
static void test_tensors_from_before(void **state) {
    (void)state;
    static const char text[] = "from before the last rlc_begin of program 'other'";
    expect_ok(rlc_requires_grad(root));
    rlc_begin(other);
    for (int i = 0; i < 8; i++) {
        rlc_exp(root); /* in the place of these are the first tensors of the next time */
    }
    rlc_tensor *kept[2] = {rlc_exp(root), rlc_mean(root, RLC_ALL, false)};
    expect_ok(rlc_end(other));
    assert_true(rlc_item(rlc_add(kept[1], kept[1])) == 0); /* another program may use what is still there */
    rlc_begin(other);
#ifndef RLC_ASAN /* there the memory is poisoned: it reports the use itself */
    rlc_tensor *const *stale = kept;
    assert_null(rlc_add(stale[0], root));
    expect_error(rlc_end(other), RLC_INVALID, text);
    assert_null(rlc_exp(stale[0]));
    expect_failed(text);
    assert_null(rlc_reshape(stale[0], RLC_SHAPE(6)));
    expect_failed(text);
    assert_null(rlc_stack((rlc_tensor *[]){root, stale[0]}, 2, 0));
    expect_failed(text);
    rlc_no_grad(true);
    rlc_assign(root, stale[0]);
    expect_failed(text);
    assert_true(isnan(rlc_item(stale[1])));
    expect_error(rlc_error_status(), RLC_INVALID, text);
    rlc_begin(other);
    rlc_backward(stale[1]);
    expect_error(rlc_end(other), RLC_INVALID, text);
#else
    (void)text;
    expect_ok(rlc_end(other));
#endif
}

static void test_backward_elsewhere(void **state) {
    (void)state;
    expect_ok(rlc_requires_grad(root));
    rlc_begin(other);
    rlc_tensor *loss = rlc_mean(root, RLC_ALL, false);
    expect_ok(rlc_end(other));
    rlc_backward(loss);
    expect_failed("rlc_backward: the tensor belongs to another program, 'other'");
    rlc_backward(rlc_exp(root));
    expect_failed("rlc_backward: needs a tensor with one element, got shape [2, 3]");
    rlc_backward(rlc_scalar(1));
    expect_failed("rlc_backward: the tensor does not depend on anything");
}

static void test_roots(void **state) {
    (void)state;
    float values[6] = {0};
    rlc_tensor *made = rlc_exp(root);
    expect_error(rlc_tensor_write(made, values), RLC_INVALID, "rlc_tensor_write: the tensor belongs to program 'test'");
    expect_error(rlc_tensor_read(made, values), RLC_INVALID, "rlc_tensor_read: the tensor belongs to program 'test'");
    expect_error(rlc_requires_grad(made), RLC_INVALID, "rlc_requires_grad: the tensor belongs to program 'test'");
    expect_error(rlc_tensor_write(NULL, values), RLC_INVALID, "rlc_tensor_write: the tensor is NULL");
    expect_error(rlc_tensor_read(NULL, values), RLC_INVALID, "rlc_tensor_read: the tensor is NULL");
    expect_error(rlc_requires_grad(NULL), RLC_INVALID, "rlc_requires_grad: the tensor is NULL");
    rlc_zero_grad(NULL);
    rlc_tensor_free(NULL);
    expect_ok(rlc_end(p));
}

static void test_dicts(void **state) {
    (void)state;
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(2));
    rlc_dict_set(td, "x", root);
    assert_null(rlc_dict_get(td, "y"));
    expect_failed("there is no key 'y'; keys are x");
    td = rlc_dict_new(RLC_SHAPE(3));
    rlc_dict_set(td, "x", root);
    expect_failed("'x' has shape [2, 3], which does not begin with the batch shape [3]");
    td = rlc_dict_new(RLC_SHAPE(2));
    rlc_dict_set(td, NULL, root);
    expect_failed("a key is NULL");
    td = rlc_dict_new(RLC_SHAPE(2));
    rlc_dict_set_dict(td, "inner", td);
    expect_failed("'inner' cannot be the dict that it is in");
    td = rlc_dict_new(RLC_SHAPE(2));
    rlc_dict_lock(td, true);
    rlc_dict_set(td, "x", root);
    expect_failed("it is locked; 'x' cannot be set");
    rlc_dict_set(NULL, "x", root); /* what an earlier mistake left behind */
    rlc_dict_lock(NULL, true);
    rlc_dict_each(NULL, NULL, NULL);
    assert_null(rlc_dict_get(NULL, "x"));
    assert_null(rlc_dict_clone(NULL));
    expect_ok(rlc_end(p));
}

static rlc_dict *observed(void) {
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(WORLD_BATCH));
    rlc_dict_set(td, "observation", rlc_zeros(RLC_F32, RLC_SHAPE(WORLD_BATCH, WORLD_OBSERVATION)));
    return td;
}

/* A module in a model that has no memory yet can record shapes, and nothing that would run. */
static void test_unallocated(void **state) {
    (void)state;
    expect_ok(rlc_end(p));
    rlc_model *model = world_model(1, rlc_spec_one_hot(2));
    rlc_module *policy = world_add(model, "policy", "{type: QValueActor, module: {type: MLP, out_features: 2}}");
    rlc_module *loss;
    expect_ok(rlc_model_build(model, "loss", "loss", world_value("{type: DQNLoss, value_network: policy}"), &loss));
    rlc_begin(p);
    rlc_module_call(policy, observed());
    expect_failed("modules.policy.0: linear: the tensor has no data: it is a parameter of a model before "
                  "rlc_model_allocate");
    rlc_no_grad(true);
    rlc_assign(world_parameter(model, "modules.policy.0.0.weight"), rlc_scalar(0));
    expect_failed("copy: the tensor has no data");
    expect_ok(rlc_end(p));
    rlc_optim *optim = NULL;
    rlc_target *target = NULL;
    expect_error(rlc_optim_new((rlc_loss *)loss, world_value("{type: Adam, lr: 1}"), NULL, 0, &optim), RLC_INVALID,
                 "rlc_optim_new: the model has no memory yet; call rlc_model_allocate first");
    expect_error(rlc_target_new((rlc_loss *)loss, world_value("{type: SoftUpdate}"), &target), RLC_INVALID,
                 "rlc_target_new: the model has no memory yet; call rlc_model_allocate first");
    expect_error(rlc_tensor_write(world_parameter(model, "modules.policy.0.0.weight"), "x"), RLC_INVALID,
                 "rlc_tensor_write: the tensor has no data; parameters get it from rlc_model_allocate");
    expect_ok(rlc_model_allocate(model));
    expect_error(rlc_model_allocate(model), RLC_INVALID, "rlc_model_allocate: the model is allocated already");
    assert_null(rlc_parameter_new(policy, "late", RLC_SHAPE(1), (rlc_init){0}));
    expect_error(rlc_error_status(), RLC_INVALID, "parameters can only be declared before the model is allocated");
    rlc_module *late;
    expect_error(rlc_model_add(model, "late", "{type: QValueModule}", &late), RLC_INVALID,
                 "modules.late: the model is allocated; modules must be added before");
    rlc_module_call(policy, observed());
    expect_error(rlc_error_status(), RLC_INVALID, "rlc_dict_new: no program is open");
    assert_null(rlc_loss_call((rlc_loss *)loss, (rlc_dict *)model->example));
    expect_error(rlc_error_status(), RLC_INVALID, "loss_call: no program is open");
    rlc_module_call(NULL, NULL);
    rlc_begin(p);
    assert_null(rlc_loss_call((rlc_loss *)loss, NULL));
    rlc_loss_call((rlc_loss *)loss, observed());
    expect_failed("there is no key '");
    rlc_loss_set((rlc_loss *)loss, "loss", root);
    expect_failed("'loss' must be one number without dimensions, not of shape [2, 3]");
    expect_ok(rlc_end(p));
    rlc_model_free(model);
}

static void test_envs(void **state) {
    (void)state;
    expect_ok(rlc_end(p));
    rlc_env *env = world_env(1, "{type: CartPole, num_envs: 2}");
    assert_null(rlc_env_reset(env));
    expect_error(rlc_error_status(), RLC_INVALID, "env_reset: no program is open");
    assert_null(rlc_env_step(env, NULL));
    expect_error(rlc_error_status(), RLC_INVALID, "env_step: no program is open");
    assert_null(rlc_env_kept(env));
    expect_error(rlc_error_status(), RLC_INVALID, "env_kept: no program is open");
    assert_null(rlc_rollout(env, NULL, 3));
    expect_error(rlc_error_status(), RLC_INVALID, "rollout: no program is open");
    rlc_begin(p);
    assert_null(rlc_env_step(env, rlc_env_reset(env)));
    expect_failed("there is no key 'action'");
    static const struct {
        rlc_dtype dtype;
        rlc_shape shape;
        const char *text;
    } wrong[] = {
        {RLC_I64, {2, {2, 3}}, "env_step: actions are OneHot(2), int64 [2, 2], but 'action' is int64 [2, 3]"},
        {RLC_I64, {1, {2}}, "env_step: actions are OneHot(2), int64 [2, 2], but 'action' is int64 [2]"},
        {RLC_F32, {2, {2, 2}}, "env_step: actions are OneHot(2), int64 [2, 2], but 'action' is float32 [2, 2]"},
    };
    for (int i = 0; i < RLC_COUNT(wrong); i++) {
        rlc_dict *td = rlc_env_reset(env);
        rlc_dict_set(td, "action", rlc_zeros(wrong[i].dtype, wrong[i].shape));
        assert_null(rlc_env_step(env, td));
        expect_failed(wrong[i].text);
    }
    assert_null(rlc_rollout(env, NULL, 0));
    expect_failed("rollout: the number of steps must be 1 to 65535, not 0");
    rlc_env_keep(env, rlc_dict_new(RLC_SHAPE(2)));
    expect_failed("there is no key 'observation'");
    expect_ok(rlc_end(p));
    rlc_env_free(env);
    rlc_env_free(NULL);
}

static void test_buffers(void **state) {
    (void)state;
    rlc_buffer *buffer = NULL;
    expect_ok(rlc_buffer_make(world_registry(), test_device(), 1, "{type: ReplayBuffer, capacity: 8, batch_size: 2}",
                              observed(), &buffer));
    rlc_buffer_extend(buffer, rlc_dict_new(RLC_SHAPE(2)));
    expect_failed("there is no key 'observation'");
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(2));
    rlc_dict_set(td, "observation", rlc_zeros(RLC_F32, RLC_SHAPE(2, 7)));
    rlc_buffer_extend(buffer, td);
    expect_failed("ring_write: rows [2, 7] (float32) do not fit a storage of [8, 4] (float32)");
    rlc_buffer_extend(buffer, rlc_dict_new(RLC_SHAPE(9)));
    expect_failed("buffer: a batch of 9 rows does not fit its capacity of 8");
    rlc_buffer_sample(buffer);
    expect_error(rlc_end(p), RLC_FAILED, "random_index: ");
    rlc_buffer_extend(buffer, rlc_buffer_sample(buffer));
    expect_error(rlc_error_status(), RLC_INVALID, "buffer_sample: no program is open");
    rlc_buffer_extend(buffer, NULL);
    rlc_buffer_update(buffer, NULL);
    rlc_buffer_free(buffer);
    rlc_buffer_free(NULL);
}

static void test_collectors(void **state) {
    (void)state;
    static const char *const options = "{type: Collector, policy: policy, frames_per_batch: 10, total_frames: 100}";
    expect_ok(rlc_end(p));
    rlc_model *model = world_model(1, rlc_spec_one_hot(2));
    rlc_env *env = world_env(1, "{type: CartPole, num_envs: 5}");
    rlc_collector *c = NULL;
    expect_error(rlc_collector_new(model, env, world_value(options), &c), RLC_INVALID, "there is no module 'policy'");
    world_add(model, "policy", "{type: QValueActor, module: {type: MLP, out_features: 2}}");
    expect_ok(rlc_collector_new(model, env, world_value(options), &c));
    assert_null(rlc_collect(c, NULL, 0));
    expect_error(rlc_error_status(), RLC_INVALID, "collect: no program is open");
    rlc_begin(p);
    rlc_collect(c, NULL, 0);
    expect_failed("linear: the tensor has no data: it is a parameter of a model before rlc_model_allocate");
    expect_ok(rlc_end(p));
    assert_int_equal(*c->frames, 0); /* what was not collected does not count */
    expect_ok(rlc_model_allocate(model));
    rlc_begin(p);
    assert_non_null(rlc_collect(c, NULL, 0));
    expect_ok(rlc_end(p));
    assert_int_equal(*c->frames, 10);
    rlc_collector_free(c);
    rlc_collector_free(NULL);
    rlc_env_free(env);
    rlc_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_programs, start),
        cmocka_unit_test_setup(test_tensors_from_before, start),
        cmocka_unit_test_setup(test_backward_elsewhere, start),
        cmocka_unit_test_setup(test_roots, start),
        cmocka_unit_test_setup(test_dicts, start),
        cmocka_unit_test_setup(test_unallocated, start),
        cmocka_unit_test_setup(test_envs, start),
        cmocka_unit_test_setup(test_buffers, start),
        cmocka_unit_test_setup(test_collectors, start),
    };
    return cmocka_run_group_tests_name("misuse of the API", tests, set_up, tear_down);
}
