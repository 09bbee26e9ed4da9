/* Pictures: those of every environment against Gymnasium's (tests/golden/frames.py), and `pixels`, which hold them. */
#include "tests/with_env.h"

#include <cairo/cairo.h>
#include <gif_lib.h>
#include <stdio.h>
#include <unistd.h>

#include "envs/check.h"
#include "envs/drawing.h"
#include "envs/render.h"
#include "envs/transform.h"
#include "kernels/cpu/env_loop.h"

enum { STATES = 20 };

/* Whether a pixel is drawn on: every background is white. */
static bool is_drawn(const uint8_t *rgb) {
    return (rgb[0] & rgb[1] & rgb[2]) != 255;
}

/* Intersection over union of what is drawn, and the mean difference of channels on the union. */
static void compare(const char *type, int state, const uint8_t *got, const uint8_t *wanted, int height, int width,
                    size_t stride) {
    int64_t both = 0, either = 0, off = 0;
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++, got += 3) {
            const uint8_t *bgra = wanted + (size_t)y * stride + 4 * (size_t)x;
            const uint8_t rgb[] = {bgra[2], bgra[1], bgra[0]};
            const bool a = is_drawn(got), b = is_drawn(rgb);
            both += a && b;
            either += a || b;
            for (int k = 0; k < 3; k++) {
                off += abs(got[k] - rgb[k]);
            }
        }
    }
    const double overlap = (double)both / (double)either, error = (double)off / (3.0 * (double)either);
    if (!(either > 500 && overlap >= 0.955 && error <= 5)) {
        fail_msg("%s, state %d: IoU %.4f, mean absolute error %.2f of 255", type, state, overlap, error);
    }
}

static void set_states(rlc_env *e, const float *rows) {
    const int64_t size = rlc_size(e->states, 0), n = e->num_envs;
    float *columns = malloc((size_t)e->states->numel * sizeof *columns);
    assert_non_null(columns);
    for (int64_t i = 0; i < size * n; i++) {
        columns[i % size * n + i / size] = rows[i];
    }
    expect_ok(rlc_tensor_write(e->states, columns));
    free(columns);
}

static void check_scene(const char *type, int height, int width) {
    char text[128];
    snprintf(text, sizeof text, "{type: %s, num_envs: %d}", type, STATES);
    env = world_env(1, text);
    assert_int_equal(env->type->frame_height, height);
    assert_int_equal(env->type->frame_width, width);
    set_states(env, golden("frames", "%s", type)->data);
    snprintf(text, sizeof text, "tests/golden/frames_%s.png", type);
    cairo_surface_t *golden = cairo_image_surface_create_from_png(text);
    assert_int_equal(cairo_surface_status(golden), CAIRO_STATUS_SUCCESS);
    assert_int_equal(cairo_image_surface_get_width(golden), STATES * width);
    assert_int_equal(cairo_image_surface_get_height(golden), height);
    uint8_t *rgb = malloc(rlc_env_frame_bytes(env));
    for (int i = 0; i < STATES; i++) {
        expect_ok(rlc_env_render(env, i, rgb));
        compare(type, i, rgb, cairo_image_surface_get_data(golden) + (size_t)(4 * i * width), height, width,
                (size_t)cairo_image_surface_get_stride(golden));
    }
    free(rgb);
    cairo_surface_destroy(golden);
    rlc_env_free(env);
    env = NULL;
}

static void test_scenes(void **state) {
    (void)state;
    check_scene("CartPole", 400, 600);
    check_scene("Pendulum", 500, 500);
    check_scene("Acrobot", 500, 500);
    check_scene("MountainCar", 400, 600);
    check_scene("MountainCarContinuous", 400, 600);
}

/* The picture in row `row` of `pixels` is that of these numbers. */
static void expect_picture(const rlc_tensor *pixels, int64_t row, const rlc_env *like, const float *numbers) {
    char text[64];
    snprintf(text, sizeof text, "{type: %s}", like->type->base.name);
    rlc_env *alone = world_env(9, text);
    const size_t size = rlc_env_frame_bytes(like);
    uint8_t *rgb = malloc(size);
    set_states(alone, numbers);
    expect_ok(rlc_env_render(alone, 0, rgb));
    assert_memory_equal((const uint8_t *)pixels->data + (size_t)row * size, rgb, size);
    free(rgb);
    rlc_env_free(alone);
}

/* CartPole's state is its observation, so what each picture is to show stands beside it: behind a step, its end included,
 * and where the next step starts from, a new episode included. */
static void check_pixels(const char *more, int steps) {
    char text[256];
    snprintf(text, sizeof text, "{type: CartPole, num_envs: 2, from_pixels: true, max_episode_steps: 7%s}", more);
    env = world_env(3, text);
    rlc_begin(p);
    rlc_dict *td = rlc_env_reset(env);
    int resets = 0;
    for (int t = 0; t < steps; t++) {
        rlc_tensor *pixels = rlc_dict_get(td, "pixels"), *seen = rlc_dict_get(td, "observation");
        expect_shape(pixels, RLC_U8, RLC_SHAPE(2, 400, 600, 3));
        rlc_dict_set(td, "action", rlc_spec_sample(&env->action, RLC_SHAPE(2), env->action_stream));
        rlc_dict *root = rlc_env_step(env, td);
        rlc_tensor *next_pixels = rlc_dict_get(td, "next.pixels"), *next = rlc_dict_get(td, "next.observation");
        expect_shape(next_pixels, RLC_U8, RLC_SHAPE(2, 400, 600, 3));
        rlc_tensor *shown = env->pixels; /* what rlrun play shows */
        float now[2][4], then[2][4];
        uint8_t done[2];
        expect_ok(rlc_read(seen, now));
        expect_ok(rlc_read(next, then));
        expect_ok(rlc_read(rlc_dict_get(td, "next.done"), done));
        for (int i = 0; i < 2; i++) {
            expect_picture(pixels, i, env, now[i]);
            expect_picture(next_pixels, i, env, then[i]);
            expect_picture(shown, i, env, then[i]);
            resets += done[i];
        }
        td = root;
    }
    expect_ok(rlc_end(p));
    assert_true(resets >= 2);
    rlc_env_free(env);
    env = NULL;
}

static void test_pixels(void **state) {
    (void)state;
    skip_off_host();
    check_pixels("", 10);
    check_pixels(", transforms: [{type: StepCounter, max_steps: 4}, {type: RewardSum}]", 10);
    check_pixels(", transforms: [{type: FrameSkipTransform, frame_skip: 3}]", 6);
}

static void test_specs(void **state) {
    (void)state;
    skip_off_host();
    env = world_env(1, "{type: Acrobot, from_pixels: true}");
    const rlc_spec wanted = rlc_spec_as(rlc_spec_bounded(RLC_SHAPE(500, 500, 3), 0, 255), RLC_U8);
    assert_true(rlc_spec_equal(&env->pixels_spec, &wanted) && rlc_spec_size(&env->observation) == 6);
    rlc_env_free(env);
    env = world_env(1, "{type: Acrobot, from_pixels: true, pixels_only: true}");
    assert_true(rlc_spec_equal(&env->observation, &wanted));
    rlc_begin(p);
    rlc_dict *td = rlc_env_reset(env);
    assert_null(rlc_dict_find_key(td, rlc_key_intern("observation")));
    rlc_dict_set(td, "action", rlc_spec_zeros(&env->action, RLC_SHAPE(1)));
    rlc_dict_set(td, "action", rlc_one_hot(rlc_zeros(RLC_I64, RLC_SHAPE(1)), 3));
    td = rlc_env_step(env, td);
    assert_null(rlc_dict_find_key(td, rlc_key_intern("observation")));
    assert_non_null(rlc_dict_find_key(td, rlc_key_intern("pixels")));
    expect_ok(rlc_end(p));
    expect_ok(rlc_check_env(world_registry(), test_device(), "{type: CartPole, num_envs: 2, from_pixels: true}", 20));
    expect_ok(
        rlc_check_env(world_registry(), test_device(), "{type: Pendulum, from_pixels: true, pixels_only: true}", 20));
}

/* The torque is part of the picture, and a reset takes it away. */
static void test_torque_is_shown(void **state) {
    (void)state;
    env = world_env(1, "{type: Pendulum, max_episode_steps: 2}");
    const size_t size = rlc_env_frame_bytes(env);
    uint8_t *pushed = malloc(size), *left_alone = malloc(size);
    float numbers[3];
    for (int t = 0; t < 2; t++) {
        rlc_begin(p);
        rlc_dict *td = rlc_env_kept(env);
        rlc_dict_set(td, "action", rlc_full(RLC_F32, RLC_SHAPE(1, 1), -5));
        rlc_env_keep(env, rlc_env_step(env, td));
        expect_ok(rlc_end(p));
        expect_ok(rlc_tensor_read(env->states, numbers));
        assert_true(numbers[2] == (t == 0 ? -2 : 0));
        expect_ok(rlc_env_render(env, 0, pushed));
        numbers[2] = 0;
        expect_ok(rlc_tensor_write(env->states, numbers));
        expect_ok(rlc_env_render(env, 0, left_alone));
        assert_int_equal(memcmp(pushed, left_alone, size) != 0, t == 0);
    }
    free(pushed);
    free(left_alone);
}

/* A class of one's own: a lamp that is as bright as its state. */
enum { LAMP_STATE = 1, LAMP_OBSERVATION = 1, LAMP_ACTIONS = 2 };

RLC_INLINE int lamp_step(float *state, int action, float *reward) {
    state[0] = action == 1 ? 200 : 50;
    *reward = 0;
    return 0;
}

RLC_INLINE void lamp_reset(float *state, const rlc_draw *draw) {
    (void)draw;
    state[0] = 7;
}

RLC_INLINE void lamp_observe(const float *state, float *observation) {
    observation[0] = state[0];
}

ENV_DISCRETE(lamp, LAMP)

static void lamp_render(const float *state, uint8_t *rgb) {
    memset(rgb, (int)state[0], 3 * 4 * 3);
}

typedef rlc_env Lamp;
typedef rlc_env DarkLamp;
#define LAMP(Type, ...)                                                                                                \
    {                                                                                                                  \
        .base = RLC_CLASS("env", Type, .doc = "a lamp"), .state_size = LAMP_STATE,                                     \
        .observation_size = LAMP_OBSERVATION, .num_actions = LAMP_ACTIONS, .threshold = NAN, .kernel = lamp_loop,      \
        __VA_ARGS__                                                                                                    \
    }
static const rlc_env_class lamp = LAMP(Lamp, .frame_height = 3, .frame_width = 4, .render = lamp_render);
static const rlc_env_class dark_lamp = LAMP(DarkLamp, .max_steps = 5);

static void test_class_that_draws_itself(void **state) {
    (void)state;
    skip_off_host();
    uint8_t rgb[36];
    expect_ok(rlc_register(world_registry(), &lamp.base));
    env = world_env(1, "{type: Lamp, num_envs: 2, from_pixels: true, action_encoding: categorical}");
    rlc_begin(p);
    rlc_dict *td = rlc_env_kept(env);
    rlc_dict_set(td, "action", rlc_from_data(RLC_I64, RLC_SHAPE(2), (int64_t[]){0, 1}));
    rlc_env_step(env, td);
    EXPECT(rlc_max(rlc_dict_get(td, "pixels"), RLC_ALL, false), 7);
    EXPECT(rlc_select(rlc_reshape(rlc_dict_get(td, "next.pixels"), RLC_SHAPE(2, 36)), 1, 35), 50, 200);
    expect_ok(rlc_end(p));
    expect_ok(rlc_env_render(env, 1, rgb));
    assert_int_equal(rgb[0], 200);
}

static void test_mistakes(void **state) {
    (void)state;
    skip_off_host();
    static uint8_t rgb[400 * 600 * 3];
    rlc_env *none = NULL;
    expect_ok(rlc_register(world_registry(), &dark_lamp.base));
    env = world_env(1, "{type: CartPole, num_envs: 2}");
    expect_error(rlc_env_render(env, 2, rgb), RLC_INVALID, "there is no row 2; there are 2 environments");
    expect_error(rlc_env_render(env, -1, rgb), RLC_INVALID, "there is no row -1");
    rlc_env_free(env);
    env = world_env(1, "{type: DarkLamp}");
    expect_error(rlc_env_render(env, 0, rgb), RLC_INVALID, "environment DarkLamp cannot be drawn");
    expect_error(rlc_env_make(world_registry(), test_device(), 1, "{type: DarkLamp, from_pixels: true}", &none),
                 RLC_INVALID, "env: from_pixels: environment DarkLamp cannot be drawn");
    expect_error(rlc_env_make(world_registry(), test_device(), 1, "{type: CartPole, pixels_only: true}", &none),
                 RLC_INVALID, "pixels_only needs from_pixels: true");
}

/* A picture can be had on any device, but steps draw on the CPU alone. */
static void test_other_device(void **state) {
    (void)state;
    rlc_device *device;
    static uint8_t got[400 * 600 * 3], wanted[400 * 600 * 3];
    expect_ok(rlc_device_open("cuda-host", &device));
    rlc_env *there = NULL, *none = NULL;
    expect_ok(rlc_env_make(world_registry(), device, 5, "{type: CartPole, num_envs: 3}", &there));
    env = world_env(5, "{type: CartPole, num_envs: 3}");
    expect_ok(rlc_env_render(there, 2, got));
    expect_ok(rlc_env_render(env, 2, wanted));
    assert_memory_equal(got, wanted, sizeof got);
    rlc_env_free(there);
    expect_error(rlc_env_make(world_registry(), device, 5, "{type: CartPole, from_pixels: true}", &none), RLC_INVALID,
                 "from_pixels: steps draw on the CPU");
}

/* A GIF has 256 colours at most; a picture of more gets those that are near: here red and green have 64 levels each and
 * blue two, 8192 colours, of which one patch of pixels is all of the same and must stay nearly as it is. */
static void test_many_colors(void **state) {
    (void)state;
    enum { SIDE = 128, PATCH = 20 };
    static uint8_t rgb[SIDE][SIDE][3];
    char path[] = "/tmp/rlc-test-gif-XXXXXX";
    const rlc_drawing_table *table = rlc__drawing_load();
    assert_non_null(table);
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            const bool patch = x < PATCH && y < PATCH;
            const uint8_t color[] = {(uint8_t)(x % 64 * 4), (uint8_t)(y % 64 * 4), x < 64 ? 0 : 255};
            memcpy(rgb[y][x], patch ? (uint8_t[]){9, 99, 200} : color, 3);
        }
    }
    close(mkstemp(path));
    rlc_film *film = table->gif->open(path, (rlc_film){SIDE, SIDE, 10, 0});
    assert_non_null(film);
    expect_ok(table->gif->frame(film, rgb[0][0]));
    expect_ok(table->gif->frame(film, rgb[0][0]));
    expect_ok(table->gif->close(film));
    int error = 0;
    GifFileType *gif = DGifOpenFileName(path, &error);
    assert_non_null(gif);
    assert_int_equal(DGifSlurp(gif), GIF_OK);
    assert_int_equal(gif->ImageCount, 2);
    assert_int_equal(gif->SavedImages[1].ImageDesc.Width * gif->SavedImages[1].ImageDesc.Height, 1);
    const SavedImage *image = &gif->SavedImages[0];
    assert_int_equal(image->ImageDesc.ColorMap->ColorCount, 256);
    int64_t total = 0;
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            const GifColorType c = image->ImageDesc.ColorMap->Colors[image->RasterBits[y * SIDE + x]];
            const int off = abs(c.Red - rgb[y][x][0]) + abs(c.Green - rgb[y][x][1]) + abs(c.Blue - rgb[y][x][2]);
            assert_true(x >= PATCH || y >= PATCH || off == 0);
            assert_true(off <= 80);
            total += off;
        }
    }
    assert_true(total < 15 * SIDE * SIDE);
    assert_int_equal(DGifCloseFile(gif, &error), GIF_OK);
    unlink(path);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start_without_env, free_env)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_scenes),
        TEST(test_pixels),
        TEST(test_specs),
        TEST(test_torque_is_shown),
        TEST(test_class_that_draws_itself),
        TEST(test_mistakes),
        TEST(test_other_device),
        TEST(test_many_colors),
    };
    return cmocka_run_group_tests_name("pictures", tests, NULL, NULL);
}
