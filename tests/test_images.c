/* Transforms of pictures against TorchRL, OpenCV, Pillow and torch (tests/golden/images.py), as an environment has them. */
#include "tests/shown.h"

#include <stdio.h>

#include "envs/check.h"

static const char *picture; /* of the golden file, shown under `pixels` */

static void show_picture(rlc_dict *dict, bool is_reset) {
    (void)is_reset;
    rlc_dict_set(dict, "pixels", golden_tensor("images", "%s", picture));
}

static int start(void **state) {
    start_without_env(state);
    shown_entries = show_picture;
    shown_ends = NULL;
    picture = "pixels";
    return 0;
}

/* What these transforms make of a picture of the golden file, in a reset and in a step alike. */
static void check(const char *transforms, const char *wanted, double tolerance) {
    expect_ok(shown_make(2, transforms, &env));
    rlc_begin(p);
    rlc_dict *root;
    const rlc_dict *td = shown_go_on(&root);
    expect_close(transforms, rlc_dict_get(td, "pixels"), golden("images", "%s", wanted), 0, tolerance);
    expect_close(transforms, rlc_dict_get(td, "next.pixels"), golden("images", "%s", wanted), 0, tolerance);
    assert_true(rlc_dict_get(td, "pixels")->dtype == (strstr(wanted, "bytes") != NULL ? RLC_U8 : RLC_F32));
    expect_ok(rlc_end(p));
    rlc_env_free(env);
    env = NULL;
}

#define BYTES ", {type: ToTensorImage, from_int: false, dtype: uint8}"

static void test_to_tensor_and_gray(void **unused) {
    (void)unused;
    check(", {type: ToTensorImage}", "to_tensor", 0);
    check(BYTES, "to_tensor.bytes", 0);
    check(BYTES ", {type: ToTensorImage, shape_tolerant: true}", "to_tensor", 0);
    check(", {type: ToTensorImage}, {type: GrayScale}", "gray", 1e-6);
    check(BYTES ", {type: GrayScale}", "gray.bytes", 0);
    check(BYTES ", {type: GrayScale}, {type: GrayScale}", "gray.bytes", 0); /* grey stays */
}

/* Sizes w x h as the golden file has them; bytes may be one off, where others compute in fixed point, or
 * two, where Pillow rounds between its passes too. */
static void test_resize(void **unused) {
    (void)unused;
    static const struct {
        const char *name, *size;
    } sizes[] = {{"small", "w: 11, h: 9"}, {"half", "w: 31, h: 12"}, {"large", "w: 34, h: 26"}};
    static const struct {
        const char *name, *option;
    } ways[] = {
        {"area", "area"},
        {"linear", "bilinear, antialias: false"},
        {"cubic", "bicubic, antialias: false"},
        {"nearest", "nearest"},
        {"pil_bilinear", "bilinear"},
        {"pil_bicubic", "bicubic"},
        {"torch_bilinear", "bilinear"},
        {"torch_bicubic", "bicubic"},
    };
    int compared = 0;
    for (int s = 0; s < RLC_COUNT(sizes); s++) {
        for (int w = 0; w < RLC_COUNT(ways); w++) {
            for (int bytes = 0; bytes < 2; bytes++) {
                char wanted[64], transforms[256];
                snprintf(wanted, sizeof wanted, "%s.%s.%s", ways[w].name, sizes[s].name, bytes ? "bytes" : "floats");
                if (!has_golden("images", "%s", wanted)) {
                    continue;
                }
                snprintf(transforms, sizeof transforms, "%s, {type: Resize, %s, interpolation: %s}",
                         bytes ? BYTES : ", {type: ToTensorImage}", sizes[s].size, ways[w].option);
                check(transforms, wanted, !bytes ? 2e-6 : strcmp(ways[w].name, "pil_bicubic") == 0 ? 2 : 1);
                compared++;
            }
        }
    }
    assert_int_equal(compared, 2 * 3 * 6 - 2 + 6);
}

static void test_crops(void **unused) {
    (void)unused;
    static const char *const shape_of[] = {"center.8x10", "center.7x20"};
    for (int i = 0; i < RLC_COUNT(shape_of); i++) {
        char transforms[128];
        snprintf(transforms, sizeof transforms, BYTES ", {type: CenterCrop, w: %d, h: %d}", i == 0 ? 8 : 7,
                 i == 0 ? 10 : 20);
        expect_ok(shown_make(2, transforms, &env));
        rlc_begin(p);
        expect_close(shape_of[i], rlc_dict_get(rlc_env_kept(env), "pixels"), golden("images", "%s", shape_of[i]), 0, 0);
        expect_ok(rlc_end(p));
        rlc_env_free(env);
        env = NULL;
    }
}

static void show_cart(rlc_dict *dict, bool is_reset) {
    (void)is_reset;
    rlc_tensor *x = rlc_unsqueeze(golden_tensor("images", "cart.x"), -1), *rest = rlc_zeros(RLC_F32, RLC_SHAPE(6, 3));
    rlc_dict_set(dict, "observation", rlc_concatenate((rlc_tensor *[]){x, rest}, 2, 1));
    rlc_dict_set(dict, "pixels", golden_tensor("images", "cart.screen"));
}

static void test_cart_crop(void **unused) {
    (void)unused;
    shown_entries = show_cart;
    expect_ok(shown_make(6, ", {type: CartCrop, out_keys: [part]}", &env));
    rlc_begin(p);
    rlc_dict *root;
    const rlc_dict *td = shown_go_on(&root);
    expect_close("a reset's", rlc_dict_get(td, "part"), golden("images", "cart"), 0, 0);
    expect_close("a step's", rlc_dict_get(td, "next.part"), golden("images", "cart"), 0, 0);
    expect_ok(rlc_end(p));
}

/* CatFrames over steps and the ends of episodes. */
static int frame;

static void show_frame(rlc_dict *dict, bool is_reset) {
    rlc_dict_set(dict, "pixels", rlc_select(golden_tensor("images", is_reset ? "starts" : "frames"), 0, frame));
}

static const rlc_safetensors_entry *part_of(const char *name, int i, rlc_safetensors_entry *part) {
    const rlc_safetensors_entry *all = golden("images", "%s", name);
    *part = *all;
    part->shape.ndim = all->shape.ndim - 1;
    memmove(part->shape.size, all->shape.size + 1, (size_t)part->shape.ndim * sizeof *part->shape.size);
    part->data = (const uint8_t *)all->data + (int64_t)i * rlc_shape_numel(part->shape);
    return part;
}

static void check_cat_frames(const char *options, const char *name) {
    enum { STEPS = 12 };
    char transforms[160], stepped[64], started[64];
    rlc_safetensors_entry wanted;
    snprintf(transforms, sizeof transforms, ", {type: CatFrames, %s, out_keys: [stack]}", options);
    snprintf(stepped, sizeof stepped, "cat.%s.stepped", name);
    snprintf(started, sizeof started, "cat.%s.started", name);
    frame = 0;
    shown_ends = NULL;
    shown_entries = show_frame;
    expect_ok(shown_make(3, transforms, &env));
    for (frame = 1; frame <= STEPS; frame++) {
        shown_ends = (const uint8_t *)golden("images", "ends")->data + (int64_t)3 * frame;
        rlc_begin(p);
        rlc_dict *root;
        const rlc_dict *td = shown_go_on(&root);
        expect_close("before", rlc_dict_get(td, "stack"), part_of(started, frame - 1, &wanted), 0, 0);
        expect_close("after", rlc_dict_get(td, "next.stack"), part_of(stepped, frame, &wanted), 0, 0);
        rlc_env_keep(env, root);
        expect_ok(rlc_end(p));
    }
    rlc_env_free(env);
    env = NULL;
}

static void test_cat_frames(void **unused) {
    (void)unused;
    check_cat_frames("N: 4, dim: -3", "same");
    check_cat_frames("N: 3, dim: -1, padding: constant, padding_value: 7", "constant");
}

/* One frame is the picture itself; two of difference, of the picture and the one before, zero at the start. */
static void test_differences(void **unused) {
    (void)unused;
    shown_entries = show_frame;
    static const uint8_t ends[] = {0, 1, 0};
    frame = 0;
    expect_ok(shown_make(3, ", {type: FrameDifference, out_keys: [moved]}, {type: CatFrames, N: 1, dim: -3}", &env));
    for (frame = 1; frame < 4; frame++) {
        shown_ends = frame == 2 ? ends : NULL;
        rlc_begin(p);
        rlc_dict *root;
        const rlc_dict *td = shown_go_on(&root);
        rlc_tensor *now = rlc_div(rlc_dict_get(td, "next.pixels"), rlc_scalar(255));
        rlc_tensor *moved = rlc_dict_get(td, "next.moved");
        rlc_tensor *wanted = rlc_sub(now, rlc_div(rlc_dict_get(td, "pixels"), rlc_scalar(255)));
        expect_shape(moved, RLC_F32, RLC_SHAPE(3, 2, 1, 3));
        assert_true(rlc_item(rlc_all(rlc_eq(moved, wanted), RLC_ALL, false)) == 1);
        rlc_tensor *rest = rlc_any(rlc_reshape(rlc_dict_get(root, "moved"), RLC_SHAPE(3, 6)), 1, false);
        EXPECT(rest, 1, frame != 2, 1);
        EXPECT(rlc_any(rlc_reshape(rlc_dict_get(td, "moved"), RLC_SHAPE(18)), 0, false), frame > 1);
        rlc_env_keep(env, root);
        expect_ok(rlc_end(p));
    }
}

/* What policies are built for follows the picture. */
static void test_specs(void **unused) {
    (void)unused;
    env = world_env(1, "{type: Breakout, num_envs: 3, transforms: [{type: ToTensorImage, out_keys: [observation]},\n"
                       " {type: CatFrames, N: 2, dim: -3, in_keys: [observation]}]}");
    assert_string_equal(env->observed->name, "observation");
    assert_true(env->observation.dtype == RLC_F32 && rlc_shape_equal(env->observation.shape, RLC_SHAPE(8, 10, 10)));
    rlc_env_free(env);
    env = world_env(1, "{type: Pong, size: atari, transforms: [{type: ToTensorImage, from_int: false, dtype: uint8}, "
                       "{type: Resize, w: 42}]}");
    assert_string_equal(env->observed->name, "pixels");
    assert_true(env->observation.dtype == RLC_U8 && rlc_shape_equal(env->observation.shape, RLC_SHAPE(1, 42, 42)));
    assert_true(env->observation.kind == RLC_SPEC_BOUNDED && env->observation.high == 255);
    expect_ok(rlc_check_env(world_registry(), test_device(),
                            "{type: Pong, size: atari, num_envs: 2, transforms: [{type: ToTensorImage},\n"
                            " {type: Resize, w: 42}, {type: FrameDifference, out_keys: [moved]},\n"
                            " {type: CatFrames, N: 3, dim: -3, padding: constant}]}",
                            40));
}

static void test_mistakes(void **unused) {
    (void)unused;
    static const char *const cases[][2] = {
        {", {type: ToTensorImage, dtype: uint8}",
         "dtype uint8 has no room for numbers from 0 to 1; add from_int: false"},
        {", {type: ToTensorImage, in_keys: [observation]}",
         "env.transforms.1: ToTensorImage: a picture has three dimensions behind the environments, but this is [2, 4]"},
        {", {type: ToTensorImage, in_keys: [pixel]}", "there is no key 'pixel'"},
        {", {type: GrayScale}", "channels first here, but this is [2, 23, 31, 3]; put {type: ToTensorImage} before it"},
        {", {type: CartCrop}", "channels first here, but this is [2, 23, 31, 3]; put {type: ToTensorImage} before it"},
        {", {type: Resize, w: 42}",
         "channels first here, but this is [2, 23, 31, 3]; put {type: ToTensorImage} before it"},
        {BYTES ", {type: CatFrames, N: 2, dim: -3}, {type: GrayScale}",
         "colours are three channels, [..., 3, H, W], but this is [2, 6, 23, 31]"},
        {", {type: Resize}", "env.transforms.1: option 'w' is required"},
        {", {type: Resize, w: 8, interpolation: lanczos}", "must be one of area|bilinear|bicubic|nearest"},
        {BYTES ", {type: Resize, w: 40, interpolation: area}", "area makes pictures smaller, not 23 pixels to 40"},
        {BYTES ", {type: CenterCrop, w: 40, h: 3}", "40 x 3 pixels (w x h) cannot be cut out of [2, 3, 23, 31]"},
        {BYTES ", {type: CatFrames, N: 4, dim: -4}", "dim -4 is none of an entry's own"},
        {BYTES ", {type: CatFrames, N: 4, dim: 1}", "option 'dim' must be between -8 and -1"},
        {BYTES ", {type: CatFrames, dim: -3}", "option 'N' is required"},
        {BYTES ", {type: CatFrames, N: 2, dim: -3, padding: zeros}", "must be one of same|constant"},
        {BYTES ", {type: CartCrop, top: 0.8, bottom: 0.4}", "top (0.8) must be above bottom (0.4)"},
        {BYTES ", {type: CartCrop, bottom: 0.41}", "nothing is left of pictures of [2, 3, 23, 31]"},
        {BYTES ", {type: FrameDifference, out_keys: [a, b]}", "there are 1 in_keys and 2 out_keys"},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        rlc_env *none = NULL;
        const rlc_status status = shown_make(2, cases[i][0], &none);
        expect_error(status, RLC_INVALID, cases[i][1]);
        assert_null(none);
    }
    /* those of games have other numbers of planes than three */
    rlc_env *none = NULL;
    expect_error(rlc_env_make(world_registry(), test_device(), 1,
                              "{type: Breakout, size: atari, num_envs: 2, transforms: [{type: Resize, w: 42}]}", &none),
                 RLC_INVALID, "channels first here, but this is [2, 84, 84, 1]; put {type: ToTensorImage} before it");
    expect_error(rlc_env_make(world_registry(), test_device(), 1,
                              "{type: Breakout, num_envs: 2, transforms: [{type: CenterCrop, w: 4}]}", &none),
                 RLC_INVALID, "channels first here, but this is [2, 10, 10, 4]; put {type: ToTensorImage} before it");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_to_tensor_and_gray, start, free_env),
        cmocka_unit_test_setup_teardown(test_resize, start, free_env),
        cmocka_unit_test_setup_teardown(test_crops, start, free_env),
        cmocka_unit_test_setup_teardown(test_cart_crop, start, free_env),
        cmocka_unit_test_setup_teardown(test_cat_frames, start, free_env),
        cmocka_unit_test_setup_teardown(test_differences, start, free_env),
        cmocka_unit_test_setup_teardown(test_specs, start, free_env),
        cmocka_unit_test_setup_teardown(test_mistakes, start, free_env),
    };
    return cmocka_run_group_tests_name("pictures", tests, register_shown, NULL);
}
