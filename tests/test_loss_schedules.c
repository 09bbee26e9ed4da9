/* Schedules of PPO: clip_epsilon and entropy_coeff as the run's frames go by, seen in the loss. */
#include "recipes/run.h"
#include "tests/golden_loss.h"

/* Two equal actions; the policy has come from log-probability log(0.5 / ratio) to log 0.5. */
static rlc_loss *loss;
static rlc_tensor *frames;
enum { TOTAL = 1000 };

static void build(const char *type, const char *options) {
    char text[256];
    rlc_model_free(model);
    model = world_model(1, rlc_spec_categorical(2));
    rlc_begin(p);
    rlc_dict *td = rlc_dict_clone(model->example);
    rlc_dict_set(td, "advantage", rlc_zeros(RLC_F32, RLC_SHAPE(WORLD_BATCH, 1)));
    rlc_dict_set(td, "action_log_prob", rlc_zeros(RLC_F32, RLC_SHAPE(WORLD_BATCH)));
    rlc_dict_set(td, "logits", rlc_zeros(RLC_F32, RLC_SHAPE(WORLD_BATCH, 2)));
    rlc_spec observation = rlc_spec_unbounded(RLC_SHAPE(WORLD_OBSERVATION)), action = rlc_spec_categorical(2);
    rlc_model_expect(model, &observation, &action, td);
    expect_ok(rlc_end(p));
    world_add(model, "net", "{type: Linear, out_keys: [logits], out_features: 2}");
    world_add(model, "actor", "{type: ProbabilisticActor, module: net, distribution: Categorical}");
    snprintf(text, sizeof text, "{type: %s, actor_network: actor, %s}", type, options);
    loss = add_loss(text);
    expect_ok(rlc_tensor_write(world_parameter(model, "modules.net.weight"), (float[2 * WORLD_OBSERVATION]){0}));
    expect_ok(rlc_tensor_write(world_parameter(model, "modules.net.bias"), (float[2]){0}));
    loss->frames = frames;
    loss->total_frames = TOTAL;
}

/* One of the loss's numbers at a frame, for such a ratio and advantage. */
static double number_at(int64_t frame, const char *name, double ratio, double advantage) {
    expect_ok(rlc_tensor_write(frames, &frame));
    rlc_begin(p);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(1));
    rlc_dict_set(td, "observation", rlc_zeros(RLC_F32, RLC_SHAPE(1, WORLD_OBSERVATION)));
    rlc_dict_set(td, "action", rlc_zeros(RLC_I64, RLC_SHAPE(1)));
    rlc_dict_set(td, "advantage", rlc_full(RLC_F32, RLC_SHAPE(1, 1), advantage));
    rlc_dict_set(td, "action_log_prob", rlc_full(RLC_F32, RLC_SHAPE(1), log(0.5 / ratio)));
    rlc_dict_set(td, "logits", rlc_zeros(RLC_F32, RLC_SHAPE(1, 2)));
    double number = rlc_item(rlc_dict_get(rlc_loss_call(loss, td), name));
    expect_ok(rlc_end(p));
    return number;
}

static void expect_number(double got, double wanted) {
    if (fabs(got - wanted) > 1e-6) {
        fail_msg("got %.9g, wanted %.9g", got, wanted);
    }
}

static void test_clip_epsilon(void **state) {
    (void)state;
    build("ClipPPOLoss", "entropy_coeff: 0, clip_epsilon: {type: linear, from: 0.5, to: 0.1}");
    expect_number(number_at(0, "loss_objective", 2, 1), -1.5);
    expect_number(number_at(0, "loss_objective", 0.25, -1), 0.5);
    expect_number(number_at(500, "loss_objective", 2, 1), -1.3);
    expect_number(number_at(500, "loss_objective", 1.2, 1), -1.2); /* within */
    expect_number(number_at(750, "loss_objective", 0.25, -2), 1.6);
    expect_number(number_at(1000, "loss_objective", 1.2, 1), -1.1);
    expect_number(number_at(1000, "clip_fraction", 1.2, 1), 1);
    expect_number(number_at(0, "clip_fraction", 1.2, 1), 0);
    build("ClipPPOLoss", "entropy_coeff: 0, clip_epsilon: 0.3");
    expect_number(number_at(1000, "loss_objective", 2, 1), -1.3);
}

static void check_entropy(const char *type) {
    build(type, "entropy_coeff: {type: linear, from: 0.4, to: 0}");
    expect_number(number_at(0, "loss_entropy", 1, 1), -0.4 * M_LN2);
    expect_number(number_at(250, "loss_entropy", 1, 1), -0.3 * M_LN2);
    expect_number(number_at(1000, "loss_entropy", 1, 1), 0);
    expect_number(number_at(250, "loss", 1, 0), -0.3 * M_LN2);
    build(type, "entropy_coeff: {type: step, from: 0.4, gamma: 0.5, step_size: 100}");
    expect_number(number_at(99, "loss_entropy", 1, 1), -0.4 * M_LN2);
    expect_number(number_at(100, "loss_entropy", 1, 1), -0.2 * M_LN2);
    build(type, "entropy_coeff: 0.05");
    expect_number(number_at(900, "loss_entropy", 1, 1), -0.05 * M_LN2);
}

static void test_entropy_coeff(void **state) {
    (void)state;
    check_entropy("ClipPPOLoss");
    check_entropy("KLPENPPOLoss");
    check_entropy("A2CLoss");
}

/* A run hands its own frames to the loss. */
static void test_in_a_run(void **state) {
    (void)state;
    rlc_run *run;
    int64_t now;
    const char *const overrides[] = {"collector.total_frames=2048"};
    expect_ok(rlc_run_load("recipes/ppo.yaml", overrides, 1, &run));
    assert_int_equal(run->loss->total_frames, 2048);
    for (int batch = 1; batch <= 2; batch++) {
        expect_ok(rlc_run_iterate(run));
        expect_ok(rlc_tensor_read(run->loss->frames, &now));
        assert_int_equal(now, 512 * batch);
    }
    rlc_run_free(run);
}

static int make_frames(void **state) {
    (void)state;
    frames = rlc_tensor_new(test_device(), RLC_I64, (rlc_shape){0});
    return frames != NULL ? 0 : -1;
}

static int free_frames(void **state) {
    (void)state;
    rlc_tensor_free(frames);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_clip_epsilon, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_entropy_coeff, start_without_model, free_model),
        cmocka_unit_test_setup(test_in_a_run, start_without_model),
    };
    return cmocka_run_group_tests_name("schedules of losses", tests, make_frames, free_frames);
}
