/* normalization.h: what a convolution must know of the batch norm behind it. */
#ifndef RLC_NORMALIZATION_H
#define RLC_NORMALIZATION_H

#include "modules/module.h"

RLC_BEGIN

/* What a BatchNorm2d does to images of so many dimensions while its running statistics stand: each channel times its factor, plus
 * its summand, [channels], then the activation. False, and nothing is recorded, where it goes by the batch, would refuse them, or
 * is another module. */
bool rlc_batch_norm_map(const rlc_module *self, const rlc_dict *td, int ndim, rlc_tensor **factor, rlc_tensor **summand,
                        rlc_activation *activation);

RLC_END

#endif
