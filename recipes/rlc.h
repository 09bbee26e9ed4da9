/* rlc.h: all of rlc: what a program or a plug-in includes.
 *
 *     cc -shared -fPIC dueling.c $(pkg-config --cflags rlc) -o dueling.so
 *
 * In the order of the layers: tensors and programs; dicts and specs; modules; environments; losses and optimisers;
 * collectors and buffers; recipes and runs. Each header is the manual of its part.
 */
#ifndef RLC_H
#define RLC_H

#include "core/base.h"
#include "core/class.h"
#include "core/device.h"
#include "core/file.h"
#include "core/loading.h"
#include "core/op.h"
#include "core/priority.h"
#include "core/program.h"
#include "core/safetensors.h"
#include "core/state.h"
#include "core/update.h"
#include "tensordict/composite.h"
#include "tensordict/dict.h"
#include "tensordict/dict_file.h"
#include "tensordict/spec.h"
#include "modules/chain.h"
#include "modules/distribution.h"
#include "modules/distributional.h"
#include "modules/layers.h"
#include "modules/model.h"
#include "modules/state_dict.h"
#include "modules/recurrent.h"
#include "envs/check.h"
#include "envs/env.h"
#include "envs/render.h"
#include "envs/transform.h"
#include "objectives/estimators.h"
#include "objectives/loss.h"
#include "objectives/optim.h"
#include "objectives/replay.h"
#include "objectives/schedule.h"
#include "objectives/target.h"
#include "objectives/values.h"
#include "collectors/buffer.h"
#include "collectors/buffer_transforms.h"
#include "collectors/collector.h"
#include "collectors/rollout.h"
#include "recipes/builtin.h"
#include "recipes/play.h"
#include "recipes/run.h"

#endif
