/* returns.c: what one learns: the discounted return of a step is its reward and gamma times the return of the next one, so it
 * is summed from the end; and where an episode ends, nothing of the next one counts.
 *
 *     cc returns.c $(pkg-config --cflags --libs rlc) -o returns
 */
#include "show.h"

enum { STEPS = 5 };

static void lesson(void) {
    const float rewards[STEPS] = {1, 2, 3, 4, 5};
    const bool one[STEPS] = {false, false, false, false, true}, two[STEPS] = {false, true, false, false, true};
    const double gamma = 0.99;
    double by_hand[STEPS], sum = 0;
    rlc_tensor *reward = rlc_from_data(RLC_F32, RLC_SHAPE(STEPS, 1), rewards); /* [time, 1], as environments have it */
    for (int t = STEPS - 1; t >= 0; t--) {
        sum = rewards[t] + gamma * sum;
        by_hand[t] = sum;
    }
    printf("by hand = %.4f %.4f %.4f %.4f %.4f\n", by_hand[0], by_hand[1], by_hand[2], by_hand[3], by_hand[4]);
    rlc_tensor *done = rlc_from_data(RLC_BOOL, RLC_SHAPE(STEPS, 1), one);
    rlc_tensor *done_twice = rlc_from_data(RLC_BOOL, RLC_SHAPE(STEPS, 1), two);
    rlc_tensor *g = rlc_reward_to_go(reward, done, gamma);
    show("in one scan", rlc_squeeze(g, -1));
    show("without discount", rlc_squeeze(rlc_reward_to_go(reward, done, 1), -1));
    show("the second step ends an episode", rlc_squeeze(rlc_reward_to_go(reward, done_twice, gamma), -1));

    /* REINFORCE weighs log-probabilities by returns; centred and scaled ones make its steps less noisy */
    rlc_tensor *centred = rlc_sub(g, rlc_mean(g, RLC_ALL, false));
    rlc_tensor *deviation = rlc_sqrt(rlc_mean(rlc_square(centred), RLC_ALL, false));
    show("standardised", rlc_squeeze(rlc_div(centred, deviation), -1));
}

int main(void) {
    rlc_device *cpu;
    rlc_program *program;
    if (rlc_device_open("cpu", &cpu) != RLC_OK || rlc_program_new(cpu, "lesson", &program) != RLC_OK) {
        fprintf(stderr, "%s\n", rlc_error());
        return 1;
    }
    rlc_begin(program);
    lesson();
    rlc_status status = rlc_end(program);
    if (status != RLC_OK) {
        fprintf(stderr, "%s\n", rlc_error());
    }
    rlc_program_free(program);
    return (int)status;
}
