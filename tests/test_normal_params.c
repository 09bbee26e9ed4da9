/* What makes loc and scale of a network's output, against torch and TorchRL (tests/golden/distributions.py):
 * NormalParamExtractor and AddStateIndependentNormalScale. */
#include "tests/with_model.h"

#include <stdio.h>

/* What NormalParamExtractor makes of `x` under some options. */
static void check_extractor(const char *mapping, const char *options) {
    static const char *const bounds[] = {"0.0001", "0.5"};
    for (int i = 0; i < 2; i++) {
        char text[256], name[96];
        rlc_model_free(model);
        model = world_model(1, rlc_spec_bounded(RLC_SHAPE(3), -1, 1));
        world_add(model, "net", "{type: MLP, out_keys: [param], out_features: 6}");
        snprintf(text, sizeof text,
                 "{type: Sequential, modules: [net, {type: NormalParamExtractor, %s, scale_lb: %s}]}", options,
                 bounds[i]);
        rlc_module *chain = world_add(model, "chain", text), *extractor = chain->members[1];
        snprintf(name, sizeof name, "extract.%s.%s", mapping, bounds[i]);
        rlc_tensor *x = golden_root("distributions", "extract.x");
        rlc_begin(p);
        rlc_dict *td = rlc_dict_new(RLC_SHAPE(26));
        rlc_dict_set(td, "param", x);
        rlc_module_call(extractor, td);
        expect_close(name, rlc_dict_get(td, "loc"), golden("distributions", "%s.loc", name), 0, 0);
        rlc_tensor *scale = rlc_dict_get(td, "scale");
        expect_close(name, scale, golden("distributions", "%s.scale", name), 1e-5, 1e-6);
        rlc_backward(rlc_sum(rlc_mul(scale, golden_tensor("distributions", "extract.g")), RLC_ALL, false));
        expect_close(name, x->grad, golden("distributions", "%s.dx", name), 1e-5, 1e-6);
        expect_ok(rlc_end(p));
        rlc_tensor_free(x);
    }
}

static void test_extractor(void **state) {
    (void)state;
    check_extractor("biased_softplus_1.0", "scale_bias: 1");
    check_extractor("biased_softplus_0.3", "scale_mapping: biased_softplus, scale_bias: 0.3");
    check_extractor("softplus", "scale_mapping: softplus");
    check_extractor("exp", "scale_mapping: exp, log_scale_min: -80, log_scale_max: 80"); /* torch has no such limits */
    check_extractor("relu", "scale_mapping: relu");
    check_extractor("expln", "scale_mapping: expln");
}

static void test_extractor_by_hand(void **state) {
    (void)state;
    model = world_model(1, rlc_spec_bounded(RLC_SHAPE(3), -1, 1));
    world_add(model, "net", "{type: MLP, out_keys: [param], out_features: 6}");
    rlc_module *chain = world_add(model, "chain", "{type: Sequential, modules: [net, {type: NormalParamExtractor}]}");
    rlc_begin(p);
    rlc_dict *td = rlc_dict_new((rlc_shape){0});
    rlc_dict_set(td, "param", rlc_from_data(RLC_F32, RLC_SHAPE(6), (float[]){5, 6, 7, -2, 0, 2}));
    rlc_module_call(chain->members[1], td);
    EXPECT(rlc_dict_get(td, "loc"), 5, 6, 7);
    const double wanted[] = {0.216106, 1, 2.61244};
    expect_elements("scale", rlc_dict_get(td, "scale"), 3, wanted, 5e-6);
    expect_ok(rlc_end(p));
}

static void test_state_independent_scale(void **state) {
    (void)state;
    model = world_model(1, rlc_spec_bounded(RLC_SHAPE(3), -1, 1));
    world_add(model, "net", "{type: MLP, out_keys: [loc], out_features: 3}");
    world_add(model, "chain",
              "{type: Sequential, modules: [net, {type: AddStateIndependentNormalScale, scale_lb: 0}]}");
    expect_ok(rlc_model_allocate(model));
    rlc_module *module = rlc_model_find(model, "chain")->members[1];
    rlc_tensor *parameter = world_parameter(model, "modules.chain.1.state_independent_scale");
    expect_ok(rlc_tensor_write(parameter, golden("distributions", "independent.parameter")->data));
    rlc_begin(p);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(24));
    rlc_dict_set(td, "loc", golden_tensor("distributions", "independent.loc"));
    rlc_module_call(module, td);
    rlc_tensor *scale = rlc_dict_get(td, "scale");
    expect_close("scale", scale, golden("distributions", "independent.scale"), 1e-5, 0);
    rlc_tensor *weight = rlc_slice(golden_tensor("distributions", "extract.g"), 0, 0, 24);
    rlc_backward(rlc_sum(rlc_mul(scale, weight), RLC_ALL, false));
    expect_close("gradient", parameter->grad, golden("distributions", "independent.dparameter"), 1e-5, 1e-6);
    expect_ok(rlc_end(p));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_extractor, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_extractor_by_hand, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_state_independent_scale, start_without_model, free_model),
    };
    return cmocka_run_group_tests_name("parameters of normal distributions", tests, NULL, NULL);
}
