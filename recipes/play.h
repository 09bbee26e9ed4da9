/* play.h: a trained policy at work, picture by picture.
 *
 *     static rlc_status show(void *data, const rlc_env *env, const uint8_t *rgb) { ... }
 *     RLC_TRY(rlc_run_play(run, &(rlc_play){.seed = 1, .episodes = 1, .show = show}));
 */
#ifndef RLC_PLAY_H
#define RLC_PLAY_H

#include "recipes/run.h"

RLC_BEGIN

typedef struct rlc_play {
    int64_t seed, episodes; /* seed: of the starts; with that of the eval section the first is an evaluation's first */
    /* gets each picture, uint8 [frame_height, frame_width, 3] of env->type: of the start of an episode, and behind each of
     * its steps. What it returns but RLC_OK ends the playing, with an error it has recorded. */
    rlc_status (*show)(void *data, const rlc_env *env, const uint8_t *rgb);
    void *data;
    /* filled in: of the episodes that ended */
    int64_t ended, steps;
    double total_return;
} rlc_play;

/* Plays with the policy of the eval section under deterministic exploration, in one environment that draws itself. The
 * run must be one on the CPU. */
rlc_status rlc_run_play(rlc_run *run, rlc_play *play);

RLC_END

#endif
