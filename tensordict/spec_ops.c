/* spec_ops.c: what specs record: a row of functions for each kind. */
#include <math.h>

#include "core/record.h"
#include "tensordict/spec.h"

/* The widest range that rlc_randint draws from. */
static const double DRAW_RANGE = 4294967295.0;

typedef struct spec_kind {
    rlc_tensor *(*sample)(const rlc_spec *spec, rlc_shape batch, rlc_stream *stream);
    rlc_tensor *(*is_in)(const rlc_spec *spec, rlc_tensor *value); /* bool, element by element or row by row */
    rlc_tensor *(*project)(const rlc_spec *spec, rlc_tensor *value, rlc_stream *stream);
    rlc_tensor *(*encode)(const rlc_spec *spec, rlc_tensor *index);
    rlc_tensor *(*decode)(const rlc_spec *spec, rlc_tensor *value);
} spec_kind;

static rlc_tensor *as_it_is(const rlc_spec *spec, rlc_tensor *value) {
    (void)spec;
    return value;
}

static rlc_tensor *converted(const rlc_spec *spec, rlc_tensor *value) {
    return rlc_cast(value, spec->dtype);
}

static rlc_tensor *always_in(const rlc_spec *spec, rlc_tensor *value) {
    (void)spec;
    return value != NULL ? rlc_full(RLC_BOOL, rlc_shape_of(value), 1) : NULL;
}

/* Unbounded. */

/* Any integer that is not negative; int64 from two draws of 31 and 32 bits. */
static rlc_tensor *sample_integer(rlc_dtype dtype, rlc_shape shape, rlc_stream *stream) {
    static const int64_t above[RLC_DTYPE_COUNT] = {
        [RLC_BOOL] = 2, [RLC_U8] = 1 << 8, [RLC_I32] = INT64_C(1) << 31, [RLC_I64] = INT64_C(1) << 31};
    rlc_tensor *draw = rlc_randint(stream, 0, above[dtype], shape);
    if (dtype == RLC_I64) {
        rlc_tensor *low = rlc_randint(stream, -(INT64_C(1) << 31), (INT64_C(1) << 31) - 1, shape);
        draw = rlc_abs(rlc_add(rlc_mul_scalar(draw, 4294967296.0), low));
    }
    return rlc_cast(draw, dtype);
}

static rlc_tensor *sample_unbounded(const rlc_spec *spec, rlc_shape batch, rlc_stream *stream) {
    rlc_shape shape = rlc_shape_concat(batch, spec->shape);
    return rlc_dtype_is_float(spec->dtype) ? rlc_cast(rlc_randn(stream, shape), spec->dtype)
                                           : sample_integer(spec->dtype, shape, stream);
}

static rlc_tensor *project_unbounded(const rlc_spec *spec, rlc_tensor *value, rlc_stream *stream) {
    (void)stream;
    return converted(spec, value);
}

/* Bounded. */

/* A bound as a number of the spec's type: the infinite ones of integers are the type's own. */
static double bound_in(rlc_dtype dtype, double bound) {
    static const double least[RLC_DTYPE_COUNT] = {[RLC_I32] = INT32_MIN, [RLC_I64] = -9223372036854775808.0};
    static const double most[RLC_DTYPE_COUNT] = {
        [RLC_BOOL] = 1, [RLC_U8] = UINT8_MAX, [RLC_I32] = INT32_MAX, [RLC_I64] = 9223372036854774784.0};
    return rlc_dtype_is_float(dtype) ? bound : fmin(fmax(bound, least[dtype]), most[dtype]);
}

static rlc_tensor *bounds(const rlc_spec *spec, const double *by_element, double common) {
    if (by_element == NULL) {
        return rlc_full(spec->dtype, (rlc_shape){0}, bound_in(spec->dtype, common));
    }
    rlc_program *p = rlc__require_program("spec_bounds");
    int64_t count = rlc_shape_numel(spec->shape);
    double *limited = p != NULL ? rlc__aux(p, (size_t)count * sizeof *limited) : NULL;
    if (limited == NULL) {
        return NULL;
    }
    for (int64_t i = 0; i < count; i++) {
        limited[i] = bound_in(spec->dtype, by_element[i]);
    }
    return rlc_cast(rlc_from_data(RLC_F64, spec->shape, limited), spec->dtype);
}

rlc_tensor *rlc_spec_low(const rlc_spec *spec) {
    return bounds(spec, spec->lows, spec->low);
}

rlc_tensor *rlc_spec_high(const rlc_spec *spec) {
    return bounds(spec, spec->highs, spec->high);
}

/* Whether the values between the bounds can be drawn uniformly; an error if not. */
static bool can_draw(const rlc_spec *spec) {
    int64_t count = spec->lows != NULL ? rlc_shape_numel(spec->shape) : 1;
    for (int64_t i = 0; i < count; i++) {
        double low = spec->lows != NULL ? spec->lows[i] : spec->low;
        double high = spec->lows != NULL ? spec->highs[i] : spec->high;
        bool wide = !rlc_dtype_is_float(spec->dtype) && high - low >= DRAW_RANGE;
        if (!(low <= high) || isinf(high - low) || wide) {
            rlc__op_fail("spec_sample", "cannot draw uniformly from %g to %g", low, high);
            return false;
        }
    }
    return true;
}

/* An integer between the bounds, both included: low + floor(u (high - low + 1)) where they differ by element. */
static rlc_tensor *sample_between_integers(const rlc_spec *spec, rlc_shape shape, rlc_stream *stream) {
    if (spec->lows == NULL) {
        return rlc_cast(rlc_randint(stream, (int64_t)spec->low, (int64_t)spec->high + 1, shape), spec->dtype);
    }
    rlc_tensor *low = rlc_cast(rlc_spec_low(spec), RLC_F64), *high = rlc_cast(rlc_spec_high(spec), RLC_F64);
    rlc_tensor *u = rlc_cast(rlc_randint(stream, 0, (int64_t)DRAW_RANGE, shape), RLC_F64);
    rlc_tensor *share = rlc_mul_scalar(u, 1 / DRAW_RANGE), *span = rlc_add_scalar(rlc_sub(high, low), 1);
    rlc_tensor *offset = rlc_floor(rlc_mul(share, span));
    return rlc_cast(rlc_minimum(rlc_add(low, offset), high), spec->dtype);
}

rlc_tensor *rlc_spec_clamp(const rlc_spec *spec, rlc_tensor *value) {
    if (spec->kind != RLC_SPEC_BOUNDED) {
        return value;
    }
    return spec->lows == NULL ? rlc_clamp(value, spec->low, spec->high)
                              : rlc_minimum(rlc_maximum(value, rlc_spec_low(spec)), rlc_spec_high(spec));
}

rlc_tensor *rlc_spec_stretch(const rlc_spec *spec, rlc_tensor *value, double low, double high) {
    if (spec->kind != RLC_SPEC_BOUNDED) {
        return value;
    }
    if (spec->lows != NULL) {
        rlc_tensor *bottom = rlc_spec_low(spec), *share = rlc_mul_scalar(rlc_add_scalar(value, -low), 1 / (high - low));
        return rlc_add(bottom, rlc_mul(share, rlc_sub(rlc_spec_high(spec), bottom)));
    }
    double scale = (spec->high - spec->low) / (high - low), loc = spec->low - low * scale;
    value = scale != 1 ? rlc_mul_scalar(value, scale) : value;
    return loc != 0 ? rlc_add_scalar(value, loc) : value;
}

static rlc_tensor *sample_bounded(const rlc_spec *spec, rlc_shape batch, rlc_stream *stream) {
    rlc_shape shape = rlc_shape_concat(batch, spec->shape);
    if (!can_draw(spec)) {
        return NULL;
    }
    if (!rlc_dtype_is_float(spec->dtype)) {
        return sample_between_integers(spec, shape, stream);
    }
    rlc_tensor *u = rlc_cast(rlc_rand(stream, shape), spec->dtype);
    if (spec->lows == NULL) {
        return rlc_spec_clamp(
            spec, rlc_add_scalar(rlc_mul_scalar(u, spec->high - spec->low), spec->low)); /* it was rounded */
    }
    rlc_tensor *low = rlc_spec_low(spec);
    return rlc_spec_clamp(spec, rlc_add(rlc_mul(u, rlc_sub(rlc_spec_high(spec), low)), low));
}

static rlc_tensor *in_bounds(const rlc_spec *spec, rlc_tensor *value) {
    return rlc_logical_and(rlc_ge(value, rlc_spec_low(spec)), rlc_le(value, rlc_spec_high(spec)));
}

static rlc_tensor *project_bounded(const rlc_spec *spec, rlc_tensor *value, rlc_stream *stream) {
    (void)stream;
    value = rlc_dtype_is_float((rlc_dtype)value->dtype) ? value : rlc_cast(value, RLC_I64); /* which holds any bound */
    return rlc_cast(rlc_spec_clamp(spec, value), spec->dtype);
}

/* Categorical and binary: 0 .. n-1. */

static int64_t choices(const rlc_spec *spec) {
    return spec->kind == RLC_SPEC_BINARY ? 2 : spec->n;
}

static rlc_tensor *sample_index(const rlc_spec *spec, rlc_shape batch, rlc_stream *stream) {
    return rlc_cast(rlc_randint(stream, 0, choices(spec), rlc_shape_concat(batch, spec->shape)), spec->dtype);
}

static rlc_tensor *in_range(const rlc_spec *spec, rlc_tensor *value) {
    rlc_tensor *least = rlc_zeros(RLC_I64, (rlc_shape){0});
    rlc_tensor *most = rlc_full(RLC_I64, (rlc_shape){0}, (double)(choices(spec) - 1));
    return rlc_logical_and(rlc_ge(value, least), rlc_le(value, most));
}

/* Adding 1.5 * 2^52 to a double leaves no bits behind the point, rounded half to even. */
static rlc_tensor *project_index(const rlc_spec *spec, rlc_tensor *value, rlc_stream *stream) {
    (void)stream;
    const double shift = 6755399441055744.0, last = (double)(choices(spec) - 1);
    if (!rlc_dtype_is_float((rlc_dtype)value->dtype)) {
        return rlc_cast(rlc_clamp(rlc_cast(value, RLC_I64), 0, last), spec->dtype);
    }
    rlc_tensor *number = rlc_where(rlc_eq(value, value), value, rlc_zeros(RLC_F32, (rlc_shape){0}));
    rlc_tensor *near = rlc_clamp(rlc_cast(number, RLC_F64), 0, last);
    return rlc_cast(rlc_add_scalar(rlc_add_scalar(near, shift), -shift), spec->dtype);
}

/* One-hot. */

/* The shape without its last dimension. */
static rlc_shape rows_of(const rlc_spec *spec) {
    rlc_shape shape = spec->shape;
    shape.ndim--;
    return shape;
}

static rlc_tensor *encode_one_hot(const rlc_spec *spec, rlc_tensor *index) {
    return rlc_cast(rlc_one_hot(rlc_cast(index, RLC_I64), spec->n), spec->dtype);
}

static rlc_tensor *decode_one_hot(const rlc_spec *spec, rlc_tensor *value) {
    (void)spec;
    return rlc_argmax(rlc_cast(value, RLC_I64), -1, false);
}

static rlc_tensor *sample_one_hot(const rlc_spec *spec, rlc_shape batch, rlc_stream *stream) {
    return encode_one_hot(spec, rlc_randint(stream, 0, spec->n, rlc_shape_concat(batch, rows_of(spec))));
}

static rlc_tensor *is_one_hot(const rlc_spec *spec, rlc_tensor *value) {
    (void)spec;
    rlc_tensor *zero = rlc_zeros(RLC_I64, (rlc_shape){0}), *one = rlc_full(RLC_I64, (rlc_shape){0}, 1);
    rlc_tensor *is_one = rlc_eq(value, one), *plain = rlc_logical_or(is_one, rlc_eq(value, zero));
    rlc_tensor *ones = rlc_sum(rlc_cast(is_one, RLC_I64), -1, false);
    return rlc_logical_and(rlc_all(plain, -1, false), rlc_eq(ones, one));
}

/* Drawn with probabilities in proportion to the entries w: the first of clocks that ring after E / w, E exponential. */
static rlc_tensor *project_one_hot(const rlc_spec *spec, rlc_tensor *value, rlc_stream *stream) {
    rlc_tensor *weight = rlc_cast(value, RLC_F32);
    if (stream == NULL || weight == NULL) {
        return encode_one_hot(spec, rlc_argmax(weight, -1, false));
    }
    rlc_tensor *u = rlc_rand(stream, rlc_shape_of(weight));
    rlc_tensor *clock = rlc_div(rlc_neg(rlc_log1p(rlc_neg(u))), weight);
    rlc_tensor *never = rlc_full(RLC_F32, (rlc_shape){0}, (double)INFINITY);
    rlc_tensor *possible = rlc_gt(weight, rlc_zeros(RLC_F32, (rlc_shape){0}));
    return encode_one_hot(spec, rlc_argmin(rlc_where(possible, clock, never), -1, false));
}

/* Multi-one-hot: what a one-hot does, part by part. */

/* Part i as a one-hot spec, and its columns of a value, which start at *column. */
static rlc_spec part_of(const rlc_spec *spec, int i) {
    rlc_spec part = rlc_spec_as(rlc_spec_one_hot(spec->nvec[i]), spec->dtype);
    part.shape = spec->shape;
    part.shape.size[part.shape.ndim - 1] = part.n;
    return part;
}

static rlc_tensor *columns_of(rlc_tensor *value, int64_t *column, int64_t count) {
    rlc_tensor *columns = value != NULL ? rlc_slice(value, -1, *column, count) : NULL;
    *column += count;
    return columns;
}

static rlc_tensor *sample_parts(const rlc_spec *spec, rlc_shape batch, rlc_stream *stream) {
    rlc_tensor *rows[RLC_SPEC_MAX_PARTS];
    for (int i = 0; i < spec->parts; i++) {
        const rlc_spec part = part_of(spec, i);
        rows[i] = sample_one_hot(&part, batch, stream);
    }
    return rlc_concatenate(rows, spec->parts, -1);
}

static rlc_tensor *are_one_hot(const rlc_spec *spec, rlc_tensor *value) {
    rlc_tensor *all = NULL;
    int64_t column = 0;
    for (int i = 0; i < spec->parts; i++) {
        const rlc_spec part = part_of(spec, i);
        rlc_tensor *good = is_one_hot(&part, columns_of(value, &column, part.n));
        all = i == 0 ? good : rlc_logical_and(all, good);
    }
    return all;
}

static rlc_tensor *project_parts(const rlc_spec *spec, rlc_tensor *value, rlc_stream *stream) {
    rlc_tensor *rows[RLC_SPEC_MAX_PARTS];
    int64_t column = 0;
    for (int i = 0; i < spec->parts; i++) {
        const rlc_spec part = part_of(spec, i);
        rows[i] = project_one_hot(&part, columns_of(value, &column, part.n), stream);
    }
    return rlc_concatenate(rows, spec->parts, -1);
}

static rlc_tensor *encode_parts(const rlc_spec *spec, rlc_tensor *index) {
    rlc_tensor *rows[RLC_SPEC_MAX_PARTS];
    if (index == NULL) {
        return NULL;
    }
    if (rlc_size(index, -1) != spec->parts) {
        return rlc__op_fail("spec_encode", "a choice for each of %d parts must come, not %lld", spec->parts,
                            (long long)rlc_size(index, -1));
    }
    for (int i = 0; i < spec->parts; i++) {
        const rlc_spec part = part_of(spec, i);
        rows[i] = encode_one_hot(&part, rlc_select(index, -1, i));
    }
    return rlc_concatenate(rows, spec->parts, -1);
}

static rlc_tensor *decode_parts(const rlc_spec *spec, rlc_tensor *value) {
    rlc_tensor *indices[RLC_SPEC_MAX_PARTS];
    int64_t column = 0;
    for (int i = 0; i < spec->parts; i++) {
        const rlc_spec part = part_of(spec, i);
        indices[i] = decode_one_hot(&part, columns_of(value, &column, part.n));
    }
    return rlc_stack(indices, spec->parts, -1);
}

static const spec_kind kinds[RLC_SPEC_KIND_COUNT] = {
    [RLC_SPEC_UNBOUNDED] = {sample_unbounded, always_in, project_unbounded, converted, as_it_is},
    [RLC_SPEC_BOUNDED] = {sample_bounded, in_bounds, project_bounded, converted, as_it_is},
    [RLC_SPEC_ONE_HOT] = {sample_one_hot, is_one_hot, project_one_hot, encode_one_hot, decode_one_hot},
    [RLC_SPEC_CATEGORICAL] = {sample_index, in_range, project_index, converted, as_it_is},
    [RLC_SPEC_BINARY] = {sample_index, in_range, project_index, converted, as_it_is},
    [RLC_SPEC_MULTI_ONE_HOT] = {sample_parts, are_one_hot, project_parts, encode_parts, decode_parts},
};

rlc_tensor *rlc_spec_zeros(const rlc_spec *spec, rlc_shape batch) {
    return rlc_zeros(spec->dtype, rlc_shape_concat(batch, spec->shape));
}

rlc_tensor *rlc_spec_sample(const rlc_spec *spec, rlc_shape batch, rlc_stream *stream) {
    return kinds[spec->kind].sample(spec, batch, stream);
}

rlc_tensor *rlc_spec_encode(const rlc_spec *spec, rlc_tensor *index) {
    return kinds[spec->kind].encode(spec, index);
}

/* Whether a value ends in the spec's shape, and has its type where that counts; an error if not. */
static bool accepts(const char *op, const rlc_spec *spec, const rlc_tensor *value, bool any_type) {
    if (value == NULL) {
        return false;
    }
    const rlc_spec wanted = any_type ? rlc_spec_as(*spec, (rlc_dtype)value->dtype) : *spec;
    if (rlc_spec_fits(&wanted, value)) {
        return true;
    }
    char text[RLC_SPEC_TEXT], shape[RLC_SHAPE_TEXT];
    rlc__op_fail(op, "%s %s is no batch of %s, %s", rlc_dtype_name((rlc_dtype)value->dtype),
                 rlc_shape_text(rlc_shape_of(value), shape), rlc_spec_text(spec, text), rlc_dtype_name(spec->dtype));
    return false;
}

rlc_tensor *rlc_spec_is_in(const rlc_spec *spec, rlc_tensor *value) {
    if (!accepts("spec_is_in", spec, value, false)) {
        return NULL;
    }
    const int batch = value->ndim - spec->shape.ndim;
    rlc_tensor *good = kinds[spec->kind].is_in(spec, value);
    while (good != NULL && good->ndim > batch) {
        good = rlc_all(good, -1, false);
    }
    return good;
}

rlc_tensor *rlc_spec_project(const rlc_spec *spec, rlc_tensor *value, rlc_stream *stream) {
    return accepts("spec_project", spec, value, true) ? kinds[spec->kind].project(spec, value, stream) : NULL;
}

rlc_tensor *rlc_spec_decode(const rlc_spec *spec, rlc_tensor *value) {
    return accepts("spec_decode", spec, value, true) ? kinds[spec->kind].decode(spec, value) : NULL;
}
