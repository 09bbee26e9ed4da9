/* spec.h: what values an action or an observation can take: TorchRL's tensor specs.
 *
 * A spec describes one element of a batch; the batch dimensions come in front.
 *
 *     rlc_spec action = rlc_spec_one_hot(2);
 *     rlc_tensor *a = rlc_spec_sample(&action, RLC_SHAPE(8), stream);      // int64 [8, 2]
 */
#ifndef RLC_SPEC_H
#define RLC_SPEC_H

#include "core/op.h"

RLC_BEGIN

typedef enum rlc_spec_kind {
    RLC_SPEC_UNBOUNDED,
    RLC_SPEC_BOUNDED,     /* numbers in [low, high] */
    RLC_SPEC_ONE_HOT,     /* int64 [n], one 1 */
    RLC_SPEC_CATEGORICAL, /* int64, 0 .. n-1 */
    RLC_SPEC_BINARY,      /* bool */
} rlc_spec_kind;

typedef struct rlc_spec {
    rlc_spec_kind kind;
    rlc_dtype dtype;
    rlc_shape shape;
    int64_t n;        /* of a one-hot or categorical */
    double low, high; /* of a bounded */
} rlc_spec;

rlc_spec rlc_spec_unbounded(rlc_shape shape);
rlc_spec rlc_spec_bounded(rlc_shape shape, double low, double high);
rlc_spec rlc_spec_one_hot(int64_t n);
rlc_spec rlc_spec_categorical(int64_t n);
rlc_spec rlc_spec_binary(rlc_shape shape);

static inline bool rlc_spec_is_discrete(const rlc_spec *spec) {
    return spec->kind == RLC_SPEC_ONE_HOT || spec->kind == RLC_SPEC_CATEGORICAL;
}

/* Whether a tensor has the type of such values, and ends in their shape. */
bool rlc_spec_fits(const rlc_spec *spec, const rlc_tensor *tensor);

/* How many numbers a network that chooses such a value puts out: n for discrete ones, else the elements. */
int64_t rlc_spec_size(const rlc_spec *spec);

/* Uniform over the values; a standard normal number where there are no bounds. */
rlc_tensor *rlc_spec_sample(const rlc_spec *spec, rlc_shape batch, rlc_stream *stream);

/* Zeros, of the right shape and type. */
rlc_tensor *rlc_spec_zeros(const rlc_spec *spec, rlc_shape batch);

/* The encoding of discrete values as int64 indices [batch]: argmax of a one-hot, a categorical itself; and back. */
rlc_tensor *rlc_spec_encode(const rlc_spec *spec, rlc_tensor *index);

/* "OneHot(2)", "Bounded([1], -2, 2, float32)", for messages and tables. */
const char *rlc_spec_text(const rlc_spec *spec, char text[RLC_SHAPE_TEXT + 64]);

RLC_END

#endif
