/* resampling.h: which pixels make up one of a smaller or larger picture, and with which weights, along one dimension.
 *
 * With s = from / to, pixel i covers [i s, (i + 1) s) of the old ones, its middle is c = (i + 0.5) s:
 *
 * - area:      the mean of what it covers, parts of pixels included: OpenCV's INTER_AREA. Only to make smaller.
 * - bilinear:  antialias: a triangle as wide as two new pixels, max(s, 1) to either side of c: Pillow's BILINEAR, and
 *              torchvision's, so TorchRL's. Without: between the two old pixels around c: OpenCV's INTER_LINEAR, and
 *              torch.nn.functional.interpolate.
 * - bicubic:   antialias: Keys' kernel with a = -0.5, max(s, 1) wide: Pillow's BICUBIC, torchvision's. Without: with
 *              a = -0.75 over four old pixels: OpenCV's INTER_CUBIC, torch.nn.functional.interpolate.
 * - nearest:   pixel floor(i s): OpenCV's INTER_NEAREST and torch's; Pillow takes floor(c).
 *
 * At the edges antialiased windows are cut off and their weights brought to a sum of 1; otherwise the last pixel is
 * repeated. Keys, "Cubic Convolution Interpolation for Digital Image Processing" (1981).
 */
#ifndef RLC_RESAMPLING_H
#define RLC_RESAMPLING_H

#include "core/base.h"

RLC_BEGIN

typedef enum rlc_interpolation { RLC_AREA, RLC_BILINEAR, RLC_BICUBIC, RLC_NEAREST } rlc_interpolation;
#define RLC_INTERPOLATION_NAMES "area|bilinear|bicubic|nearest"

/* What rlc_resample takes: for each of `to` pixels the first of `taps` neighbours, and their weights [to, taps]. */
typedef struct rlc_resampling {
    int64_t to, taps;
    int64_t *first;
    float *weight;
} rlc_resampling;

/* Memory is the caller's to give back; an error where there is none. Sizes are at least 1. */
rlc_status rlc_resampling_make(rlc_interpolation way, bool antialias, int64_t from, int64_t to, rlc_resampling *table);
void rlc_resampling_free(rlc_resampling *table);

RLC_END

#endif
