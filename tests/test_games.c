/* Games on a board: Breakout against MinAtar itself (tests/golden/breakout.py), the rules of Catch and Pong by players that
 * cannot lose and by random ones, all pictures of each, and what every environment promises. */
#include "tests/with_env.h"

#include <stdio.h>

#include "envs/breakout_step.h"
#include "envs/catch_step.h"
#include "envs/check.h"
#include "envs/pong_step.h"
#include "envs/render.h"

static const char *const names[] = {"Catch", "Breakout", "Pong"};
static const int planes_of[] = {CATCH_PLANES, BREAKOUT_PLANES, PONG_PLANES};

static rlc_env *make(const char *type, const char *more) {
    char options[160];
    snprintf(options, sizeof options, "{type: %s, action_encoding: categorical%s}", type, more);
    return world_env(1, options);
}

static void test_promises(void **unused) {
    (void)unused;
    static const char *const sizes[] = {"minatar", "atari"};
    for (int game = 0; game < RLC_COUNT(names); game++) {
        for (int size = 0; size < RLC_COUNT(sizes); size++) {
            char options[128];
            snprintf(options, sizeof options, "{type: %s, size: %s, num_envs: 3}", names[game], sizes[size]);
            expect_ok(rlc_check_env(world_registry(), test_device(), options, size == 0 ? 100 : 16));
            env = make(names[game], size == 0 ? ", num_envs: 5" : ", num_envs: 5, size: atari");
            const rlc_shape shape = size == 0 ? RLC_SHAPE(10, 10, planes_of[game]) : RLC_SHAPE(84, 84, 1);
            assert_true(env->observation.kind == RLC_SPEC_BOUNDED && env->observation.dtype == RLC_U8);
            assert_true(env->observation.low == 0 && env->observation.high == 255);
            assert_true(rlc_shape_equal(env->observation.shape, shape));
            assert_int_equal(env->action.n, 3);
            rlc_begin(p);
            rlc_dict *td = rlc_env_reset(env);
            rlc_dict_set(td, "action", rlc_zeros(RLC_I64, RLC_SHAPE(5)));
            rlc_env_step(env, td);
            expect_shape(rlc_dict_get(td, "pixels"), RLC_U8, rlc_shape_concat(RLC_SHAPE(5), shape));
            expect_shape(rlc_dict_get(td, "next.pixels"), RLC_U8, rlc_shape_concat(RLC_SHAPE(5), shape));
            assert_null(rlc_dict_find(td, "observation"));
            expect_ok(rlc_end(p));
            rlc_env_free(env);
            env = NULL;
        }
    }
}

/* One step of the environment; the dict stays valid until the program begins again. */
static rlc_dict *act(const int64_t *actions) {
    rlc_dict *td = rlc_env_kept(env);
    rlc_dict_set(td, "action", rlc_from_data(RLC_I64, RLC_SHAPE(env->num_envs), actions));
    rlc_env_keep(env, rlc_env_step(env, td));
    return td;
}

static double number_of(const rlc_dict *td, const char *key) {
    return rlc_item(rlc_dict_get(td, key));
}

/* Starts the episode that is about to begin at the side where MinAtar's did. */
static void start_at(bool right) {
    float state[BREAKOUT_STATE];
    expect_ok(rlc_tensor_read(env->states, state));
    state[BREAKOUT_BALL_X] = state[BREAKOUT_LAST_X] = right ? 9 : 0;
    state[BREAKOUT_DX] = right ? -1 : 1;
    expect_ok(rlc_tensor_write(env->states, state));
}

static void test_breakout_against_minatar(void **unused) {
    (void)unused;
    const rlc_safetensors_entry *actions = golden("breakout", "action");
    const uint8_t *action = actions->data, *right = golden("breakout", "right")->data;
    const uint8_t *reward = golden("breakout", "reward")->data, *terminal = golden("breakout", "terminal")->data;
    const uint8_t *planes = golden("breakout", "planes")->data;
    enum { CELLS = 400 };
    int episode = 0, bricks = 0;
    env = make("Breakout", ", max_episode_steps: 0");
    for (int64_t t = 0; t < actions->shape.size[0]; t++) {
        if (t == 0 || terminal[t - 1]) {
            start_at(right[episode++]);
        }
        rlc_begin(p);
        const rlc_dict *td = act(&(int64_t){action[t]});
        double *pixels = read_doubles(rlc_dict_get(td, "next.pixels"));
        assert_true(number_of(td, "next.reward") == reward[t]);
        assert_true(number_of(td, "next.terminated") == terminal[t]);
        for (int cell = 0; cell < CELLS; cell++) {
            const int wanted = planes[t * CELLS / 8 + cell / 8] >> (7 - cell % 8) & 1;
            if (pixels[cell] != 255 * wanted) {
                fail_msg("step %d: row %d, column %d, plane %d is %g", (int)t, cell / 40, cell / 4 % 10, cell % 4,
                         pixels[cell]);
            }
        }
        bricks += reward[t];
        free(pixels);
        expect_ok(rlc_end(p));
    }
    assert_true(episode > 3 && bricks > 100);
}

/* Plays `steps` of all rows with a player, who sees a row's state; the sums of rewards of the episodes that ended are
 * counted by the points they brought, from -MOST up. Returns how many ended. */
enum { MOST = 5, ROWS = 64, MAX_STATE = 16 };
typedef int player(const float *state, int64_t draw);

static int play(player *choose, int steps, int ended[2 * MOST + 1]) {
    static float state[MAX_STATE * ROWS];
    double sums[ROWS] = {0};
    int count = 0;
    for (int t = 0; t < steps; t++) {
        int64_t actions[ROWS];
        expect_ok(rlc_tensor_read(env->states, state));
        for (int i = 0; i < ROWS; i++) {
            float row[MAX_STATE];
            for (int k = 0; k < env->type->state_size; k++) {
                row[k] = state[k * ROWS + i];
            }
            actions[i] = choose(row, rlc_below(rlc_philox(5, (uint64_t)t, (uint64_t)i).word[0], 3));
        }
        rlc_begin(p);
        const rlc_dict *td = act(actions);
        double *reward = read_doubles(rlc_dict_get(td, "next.reward"));
        double *done = read_doubles(rlc_dict_get(td, "next.done"));
        for (int i = 0; i < ROWS; i++) {
            sums[i] += reward[i];
            if (done[i] != 0) {
                assert_true(sums[i] >= -MOST && sums[i] <= MOST);
                ended[(int)sums[i] + MOST]++;
                count++;
                sums[i] = 0;
            }
        }
        free(reward);
        free(done);
        expect_ok(rlc_end(p));
    }
    return count;
}

static int anywhere(const float *state, int64_t draw) {
    (void)state;
    return (int)draw;
}

static int to_the_ball(const float *state, int64_t draw) {
    (void)draw;
    return 1 + (state[CATCH_BALL_X] > state[CATCH_PADDLE]) - (state[CATCH_BALL_X] < state[CATCH_PADDLE]);
}

/* Keeps away from it, in the half of the board where it is not. */
static int away(const float *state, int64_t draw) {
    (void)draw;
    return state[CATCH_BALL_X] < BOARD_SIDE / 2 ? 2 : 0;
}

static void test_catch(void **unused) {
    (void)unused;
    static const struct {
        player *choose;
        double least, most;
    } players[] = {{to_the_ball, 1, 1}, {away, -1, -1}, {anywhere, -0.9, -0.6}};
    for (int k = 0; k < RLC_COUNT(players); k++) {
        int ended[2 * MOST + 1] = {0};
        env = make("Catch", ", num_envs: 64");
        assert_int_equal(play(players[k].choose, 9 * 20, ended), ROWS * 20); /* nine steps each, no more and no less */
        assert_int_equal(ended[MOST - 1] + ended[MOST + 1], ROWS * 20);
        const double mean = (double)(ended[MOST + 1] - ended[MOST - 1]) / (ROWS * 20);
        assert_true(mean >= players[k].least && mean <= players[k].most);
        rlc_env_stats stats;
        expect_ok(rlc_env_read_stats(env, &stats));
        assert_true(stats.length_mean == 9 && stats.solved_at == (k == 0 ? 9 * 2 * ROWS : -1));
        rlc_env_free(env);
        env = NULL;
    }
}

/* Stands where the ball will be, and hits it with an end of the paddle. */
static int with_an_end(const float *state, int64_t draw) {
    (void)draw;
    const int row = (int)state[PONG_PLAYER], y = (int)state[PONG_BALL_Y], dy = (int)state[PONG_DY];
    const int to = y + dy < 0 || y + dy >= BOARD_SIDE ? y - dy : y + dy;
    if (state[PONG_DX] < 0) {
        return y > row ? 2 : y < row ? 1 : 0;
    }
    for (int action = 0; action < PONG_ACTIONS && state[PONG_BALL_X] == 8; action++) {
        const int off = to - pong_move((float)row, action == 0 ? 0 : 2 * action - 3);
        if (off == 1 || off == -1) {
            return action;
        }
    }
    return to > row ? 2 : to < row ? 1 : 0;
}

static void test_pong(void **unused) {
    (void)unused;
    int won[2 * MOST + 1] = {0}, random[2 * MOST + 1] = {0}, plays = 0, sum = 0;
    env = make("Pong", ", num_envs: 64");
    const int games = play(with_an_end, 500, won);
    assert_true(games > 4 * ROWS && won[2 * MOST] == games); /* five to nothing */
    rlc_env_free(env);
    env = make("Pong", ", num_envs: 64");
    plays = play(anywhere, 500, random);
    for (int k = 0; k <= 2 * MOST; k++) {
        sum += random[k] * (k - MOST);
    }
    assert_true(plays > 4 * ROWS && random[MOST] == 0 && sum < 0 && sum > -2 * plays && random[0] > 0);
}

/* Where things are, in both pictures: shades of grey in cells of eight pixels behind an edge of two. */
static void test_pictures(void **unused) {
    (void)unused;
    double *planes = NULL, *screen = NULL;
    for (int size = 0; size < 2; size++) {
        env = make("Catch", size == 0 ? "" : ", size: atari");
        float state[CATCH_STATE] = {[CATCH_BALL_X] = 7, [CATCH_BALL_Y] = 2, [CATCH_PADDLE] = 3};
        expect_ok(rlc_tensor_write(env->states, state));
        rlc_begin(p);
        const rlc_dict *td = act(&(int64_t){0}); /* the ball falls, the paddle goes to the left */
        *(size == 0 ? &planes : &screen) = read_doubles(rlc_dict_get(td, "next.pixels"));
        expect_ok(rlc_end(p));
        rlc_env_free(env);
        env = NULL;
    }
    for (int y = 0; y < BOARD_SIDE; y++) {
        for (int x = 0; x < BOARD_SIDE; x++) {
            assert_true(planes[(y * BOARD_SIDE + x) * 2] == (x == 2 && y == 9 ? 255 : 0));
            assert_true(planes[(y * BOARD_SIDE + x) * 2 + 1] == (x == 7 && y == 3 ? 255 : 0));
        }
    }
    for (int y = 0; y < 84; y++) {
        for (int x = 0; x < 84; x++) {
            const bool paddle = x >= 18 && x < 26 && y >= 74 && y < 82, ball = x >= 58 && x < 66 && y >= 26 && y < 34;
            assert_true(screen[y * 84 + x] == (paddle ? 255 : ball ? 207 : 0));
        }
    }
    free(planes);
    free(screen);
}

/* seaborn.color_palette("cubehelix", planes), as MinAtar's display has it, in bytes. */
static const uint8_t two[][3] = {{43, 111, 57}, {212, 144, 198}};
static const uint8_t four[][3] = {{22, 61, 78}, {84, 121, 47}, {208, 126, 147}, {193, 202, 243}};
static const uint8_t black[3];

enum { CELL = 20, WIDTH = 10 * CELL };

/* Every pixel of a cell has the colour of what is there, as a map of the board says: a digit for a plane. */
static void expect_board(const char *type, const float *numbers, const uint8_t (*colors)[3], const char *const *map) {
    static uint8_t rgb[WIDTH][WIDTH][3];
    env = make(type, "");
    assert_int_equal(rlc_env_frame_bytes(env), sizeof rgb);
    expect_ok(rlc_tensor_write(env->states, numbers));
    expect_ok(rlc_env_render(env, 0, rgb[0][0]));
    for (int y = 0; y < WIDTH; y++) {
        for (int x = 0; x < WIDTH; x++) {
            const char what = map[y / CELL][x / CELL];
            if (memcmp(rgb[y][x], what == '.' ? black : colors[what - '0'], 3) != 0) {
                fail_msg("%s: pixel %d, %d is %d, %d, %d", type, x, y, rgb[y][x][0], rgb[y][x][1], rgb[y][x][2]);
            }
        }
    }
    rlc_env_free(env);
    env = NULL;
}

/* What people see: the ball is on top of its trail and of the paddle. */
static void test_frames(void **unused) {
    (void)unused;
    static const float falling[] = {7, 3, 2}, caught[] = {2, 9, 2};
    expect_board("Catch", falling, two,
                 (const char *[]){"..........", "..........", "..........", ".......1..", "..........", "..........",
                                  "..........", "..........", "..........", "..0......."});
    expect_board("Catch", caught, two,
                 (const char *[]){"..........", "..........", "..........", "..........", "..........", "..........",
                                  "..........", "..........", "..........", "..1......."});
    static const float wall[] = {5, 6, 4, 5, 1, 1, 4, 0, 1023, 1022, 511};
    expect_board("Breakout", wall, four,
                 (const char *[]){"..........", "3333333333", ".333333333", "333333333.", "..........", "....2.....",
                                  ".....1....", "..........", "..........", "....0....."});
    static const float rally[] = {4, 4, 4, 4, 1, -1, 5, 2, 0, 0, 9};
    expect_board("Pong", rally, four,
                 (const char *[]){"..........", "3.........", "3.........", "3.........", "....1....0", ".........0",
                                  ".........0", "..........", "..........", ".........."});
}

/* A picture may take the place of a game's own pixels, not stand beside them under the same name. */
static void test_frames_as_pixels(void **unused) {
    (void)unused;
    skip_off_host();
    rlc_env *none = NULL;
    expect_error(rlc_env_make(world_registry(), test_device(), 1, "{type: Pong, from_pixels: true}", &none),
                 RLC_INVALID, "env: from_pixels: Pong shows pixels of its own; pixels_only: true as well puts");
    static const char both[] = "{type: Pong, from_pixels: true, pixels_only: true, num_envs: 2}";
    expect_ok(rlc_check_env(world_registry(), test_device(), both, 30));
    env = world_env(1, both);
    rlc_begin(p);
    expect_shape(rlc_dict_get(rlc_env_kept(env), "pixels"), RLC_U8, RLC_SHAPE(2, WIDTH, WIDTH, 3));
    expect_ok(rlc_end(p));
}

/* A wall that is gone comes back when the ball is at the bottom, and an episode can be as long as one likes. */
static void test_breakout_wall_comes_back(void **unused) {
    (void)unused;
    float state[BREAKOUT_STATE] = {
        [BREAKOUT_BALL_X] = 4, [BREAKOUT_BALL_Y] = 8, [BREAKOUT_LAST_X] = 3, [BREAKOUT_LAST_Y] = 7,
        [BREAKOUT_DX] = 1,     [BREAKOUT_DY] = 1,     [BREAKOUT_PADDLE] = 4};
    env = make("Breakout", "");
    expect_ok(rlc_tensor_write(env->states, state));
    rlc_begin(p);
    const rlc_dict *td = act(&(int64_t){0});
    assert_true(number_of(td, "next.terminated") == 0 && number_of(td, "next.reward") == 0);
    expect_ok(rlc_end(p));
    expect_ok(rlc_tensor_read(env->states, state));
    assert_true(state[BREAKOUT_BRICKS] == 1023 && state[BREAKOUT_BRICKS + 2] == 1023);
    assert_true(state[BREAKOUT_DX] == 1 && state[BREAKOUT_DY] == -1 && state[BREAKOUT_BALL_Y] == 8);
}

static void test_options(void **unused) {
    (void)unused;
    static const char *const cases[][2] = {
        {"{type: Pong, size: large}", "env: option 'size' must be one of minatar|atari"},
        {"{type: CartPole, size: atari}", "env: unknown option 'size'"},
        {"{type: Brakeout}", "did you mean 'Breakout'?"},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        rlc_env *none = NULL;
        expect_error(rlc_env_make(world_registry(), test_device(), 1, cases[i][0], &none), RLC_INVALID, cases[i][1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_promises, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_breakout_against_minatar, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_breakout_wall_comes_back, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_catch, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_pong, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_pictures, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_frames, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_frames_as_pixels, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_options, start_without_env, free_env),
    };
    return cmocka_run_group_tests_name("games", tests, NULL, NULL);
}
