#include "tensordict/spec.h"

#include <stdio.h>

rlc_spec rlc_spec_unbounded(rlc_shape shape) {
    return (rlc_spec){.kind = RLC_SPEC_UNBOUNDED, .dtype = RLC_F32, .shape = shape};
}

rlc_spec rlc_spec_bounded(rlc_shape shape, double low, double high) {
    return (rlc_spec){.kind = RLC_SPEC_BOUNDED, .dtype = RLC_F32, .shape = shape, .low = low, .high = high};
}

rlc_spec rlc_spec_one_hot(int64_t n) {
    return (rlc_spec){.kind = RLC_SPEC_ONE_HOT, .dtype = RLC_I64, .shape = RLC_SHAPE(n), .n = n};
}

rlc_spec rlc_spec_categorical(int64_t n) {
    return (rlc_spec){.kind = RLC_SPEC_CATEGORICAL, .dtype = RLC_I64, .n = n};
}

rlc_spec rlc_spec_binary(rlc_shape shape) {
    return (rlc_spec){.kind = RLC_SPEC_BINARY, .dtype = RLC_BOOL, .shape = shape};
}

bool rlc_spec_fits(const rlc_spec *spec, const rlc_tensor *tensor) {
    const int first = tensor->ndim - spec->shape.ndim;
    bool fits = first >= 0 && tensor->dtype == spec->dtype;
    for (int i = 0; i < spec->shape.ndim && fits; i++) {
        fits = tensor->shape[first + i] == spec->shape.size[i];
    }
    return fits;
}

int64_t rlc_spec_size(const rlc_spec *spec) {
    return rlc_spec_is_discrete(spec) ? spec->n : rlc_shape_numel(spec->shape);
}

rlc_tensor *rlc_spec_sample(const rlc_spec *spec, rlc_shape batch, rlc_stream *stream) {
    rlc_shape shape = rlc_shape_concat(batch, spec->shape);
    switch (spec->kind) {
    case RLC_SPEC_ONE_HOT: return rlc_one_hot(rlc_randint(stream, 0, spec->n, batch), spec->n);
    case RLC_SPEC_CATEGORICAL: return rlc_randint(stream, 0, spec->n, batch);
    case RLC_SPEC_BINARY: return rlc_cast(rlc_randint(stream, 0, 2, shape), RLC_BOOL);
    case RLC_SPEC_BOUNDED:
        return rlc_add_scalar(rlc_mul_scalar(rlc_rand(stream, shape), spec->high - spec->low), spec->low);
    default: return rlc_randn(stream, shape);
    }
}

rlc_tensor *rlc_spec_zeros(const rlc_spec *spec, rlc_shape batch) {
    return rlc_zeros(spec->dtype, rlc_shape_concat(batch, spec->shape));
}

rlc_tensor *rlc_spec_encode(const rlc_spec *spec, rlc_tensor *index) {
    return spec->kind == RLC_SPEC_ONE_HOT ? rlc_one_hot(index, spec->n) : index;
}

const char *rlc_spec_text(const rlc_spec *spec, char text[RLC_SHAPE_TEXT + 64]) {
    char shape[RLC_SHAPE_TEXT];
    size_t size = RLC_SHAPE_TEXT + 64;
    rlc_shape_text(spec->shape, shape);
    switch (spec->kind) {
    case RLC_SPEC_ONE_HOT: snprintf(text, size, "OneHot(%lld)", (long long)spec->n); break;
    case RLC_SPEC_CATEGORICAL: snprintf(text, size, "Categorical(%lld)", (long long)spec->n); break;
    case RLC_SPEC_BINARY: snprintf(text, size, "Binary(%s)", shape); break;
    case RLC_SPEC_BOUNDED: snprintf(text, size, "Bounded(%s, %g, %g)", shape, spec->low, spec->high); break;
    default: snprintf(text, size, "Unbounded(%s)", shape); break;
    }
    return text;
}
