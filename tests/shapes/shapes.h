/* shapes.h: the stand-in classes of this plug-in; see shapes.c. */
#ifndef RLC_TEST_SHAPES_H
#define RLC_TEST_SHAPES_H

#include "envs/env.h"
#include "modules/chain.h"
#include "modules/model.h"
#include "objectives/loss.h"

extern const rlc_module_class shapes_probabilistic_actor, shapes_value_operator, shapes_extractor, shapes_tanh_module,
    shapes_additive_gaussian, shapes_ppo_loss, shapes_sac_loss, shapes_td3_loss;

#endif
