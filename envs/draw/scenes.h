/* scenes.h: how each environment looks: geometry and colours of Gymnasium's render(), state by state.
 *
 * A scene is drawn over its backdrop, which no state changes and which is drawn once.
 */
#ifndef RLC_SCENES_H
#define RLC_SCENES_H

#include "envs/draw/shapes.h"

typedef void draw_scene(cairo_t *cr, const float *state);
typedef void draw_backdrop(cairo_t *cr);

draw_scene draw_cartpole, draw_pendulum, draw_acrobot, draw_mountain_car, draw_mountain_car_continuous;
draw_backdrop draw_track, draw_acrobot_height, draw_hill;

#endif
