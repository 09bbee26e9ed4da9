/* image.h: what transforms of pictures share. They work on [..., C, H, W], channels first, which ToTensorImage makes of the
 * [..., H, W, C] that environments show, and on uint8 as on float32; sizes are of what stands last, however many
 * dimensions come before.
 *
 *     transforms: [{type: ToTensorImage}, {type: GrayScale}, {type: Resize, w: 84, h: 84}, {type: CatFrames, N: 4, dim: -3}]
 *
 * TorchRL hands `w` and `h` to torchvision as height and width; here w is the width.
 */
#ifndef RLC_IMAGE_H
#define RLC_IMAGE_H

#include "core/record.h"
#include "envs/transform.h"

/* The options that most of them have: in_keys, ["pixels"] as in TorchRL, and out_keys. */
#define RLC_IMAGE_KEYS(Type)                                                                                           \
    RLC_STRINGS(Type, in_keys, "[pixels]", "the entries"),                                                             \
        RLC_STRINGS(Type, out_keys, NULL, "where they are written; where they were unless given")

/* False, with an error that names the transform, unless x has a batch and three dimensions behind it; and for those that
 * work on channels first, where x has few of them last: what comes from an environment without ToTensorImage. */
bool rlc__image_check(const rlc_transform *self, const rlc_tensor *x);
bool rlc__image_check_planes(const rlc_transform *self, const rlc_tensor *x);

/* Pictures as numbers to compute with, float32 unless they are floats already; and back to uint8 where those were: rounded
 * and kept to 0 .. 255, or without `rounded` cut off. */
rlc_tensor *rlc__image_open(rlc_tensor *x);
rlc_tensor *rlc__image_close(rlc_tensor *y, const rlc_tensor *like, bool rounded);

#endif
