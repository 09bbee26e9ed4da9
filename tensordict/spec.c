/* spec.c: specs as values: how they are made, compared and named. What records ops is in spec_ops.c. */
#include "tensordict/spec.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

/* A copy in the arena of `count` elements of `size` bytes; NULL stays NULL. */
static const void *keep(rlc_arena *arena, const void *from, int64_t count, size_t size) {
    void *copy = from != NULL ? rlc_arena_alloc(arena, (size_t)count * size, RLC_ALIGN_STRUCT) : NULL;
    return copy != NULL && count > 0 ? memcpy(copy, from, (size_t)count * size) : copy;
}

rlc_spec rlc_spec_bounded_by(rlc_arena *arena, rlc_shape shape, const double *lows, const double *highs) {
    rlc_spec spec = rlc_spec_bounded(shape, (double)NAN, (double)NAN);
    spec.lows = lows;
    spec.highs = highs;
    return rlc_spec_clone(arena, &spec);
}

rlc_spec rlc_spec_multi_one_hot(rlc_arena *arena, const int64_t *nvec, int parts) {
    bool good = parts >= 1 && parts <= RLC_SPEC_MAX_PARTS;
    rlc_spec spec = {.kind = RLC_SPEC_MULTI_ONE_HOT, .dtype = RLC_I64, .nvec = nvec, .parts = parts};
    for (int i = 0; i < parts && good; i++) {
        good = nvec[i] >= 1;
        spec.n += nvec[i];
    }
    if (!good) {
        rlc_fail(RLC_INVALID, "a multi-one-hot needs 1 to %d parts with at least one choice each", RLC_SPEC_MAX_PARTS);
        return (rlc_spec){.kind = RLC_SPEC_MULTI_ONE_HOT, .dtype = RLC_I64, .shape = RLC_SHAPE(0)};
    }
    spec.shape = RLC_SHAPE(spec.n);
    return rlc_spec_clone(arena, &spec);
}

rlc_spec rlc_spec_as(rlc_spec spec, rlc_dtype dtype) {
    spec.dtype = dtype;
    return spec;
}

rlc_spec rlc_spec_clone(rlc_arena *arena, const rlc_spec *spec) {
    rlc_spec copy = *spec;
    int64_t elements = rlc_shape_numel(spec->shape);
    copy.lows = keep(arena, spec->lows, elements, sizeof *spec->lows);
    copy.highs = keep(arena, spec->highs, elements, sizeof *spec->highs);
    copy.nvec = keep(arena, spec->nvec, spec->parts, sizeof *spec->nvec);
    return copy;
}

bool rlc_spec_fits(const rlc_spec *spec, const rlc_tensor *tensor) {
    const int first = tensor->ndim - spec->shape.ndim;
    bool fits = first >= 0 && tensor->dtype == spec->dtype;
    for (int i = 0; i < spec->shape.ndim && fits; i++) {
        fits = tensor->shape[first + i] == spec->shape.size[i];
    }
    return fits;
}

static double low_of(const rlc_spec *spec, int64_t i) {
    return spec->lows != NULL ? spec->lows[i] : spec->low;
}

static double high_of(const rlc_spec *spec, int64_t i) {
    return spec->highs != NULL ? spec->highs[i] : spec->high;
}

static bool equal_bounds(const rlc_spec *a, const rlc_spec *b) {
    bool equal = true;
    for (int64_t i = 0; i < rlc_shape_numel(a->shape) && equal; i++) {
        equal = low_of(a, i) == low_of(b, i) && high_of(a, i) == high_of(b, i);
    }
    return equal;
}

bool rlc_spec_equal(const rlc_spec *a, const rlc_spec *b) {
    if (a->kind != b->kind || a->dtype != b->dtype || !rlc_shape_equal(a->shape, b->shape) || a->n != b->n ||
        a->parts != b->parts) {
        return false;
    }
    for (int i = 0; i < a->parts; i++) {
        if (a->nvec[i] != b->nvec[i]) {
            return false;
        }
    }
    return a->kind != RLC_SPEC_BOUNDED || equal_bounds(a, b);
}

int64_t rlc_spec_size(const rlc_spec *spec) {
    return rlc_spec_is_discrete(spec) ? spec->n : rlc_shape_numel(spec->shape);
}

/* Text of at most RLC_SPEC_TEXT characters, put together piece by piece. */
typedef struct line {
    char *text;
    size_t length; /* that it would have with room enough */
} line;

static void put(line *l, const char *format, ...) RLC_PRINTF(2, 3);
static void put(line *l, const char *format, ...) {
    va_list args;
    va_start(args, format);
    size_t at = l->length < RLC_SPEC_TEXT ? l->length : RLC_SPEC_TEXT;
    int length = vsnprintf(l->text + at, RLC_SPEC_TEXT - at, format, args);
    l->length += length > 0 ? (size_t)length : 0;
    va_end(args);
}

static void put_shape(line *l, const rlc_spec *spec) {
    char shape[RLC_SHAPE_TEXT];
    put(l, "%s", rlc_shape_text(spec->shape, shape));
}

static void put_bounds(line *l, const rlc_spec *spec) {
    put_shape(l, spec);
    if (spec->lows == NULL) {
        put(l, ", %g, %g", spec->low, spec->high);
        return;
    }
    for (int64_t i = 0; i < rlc_shape_numel(spec->shape) && l->length < RLC_SPEC_TEXT; i++) {
        put(l, ", %g to %g", spec->lows[i], spec->highs[i]);
    }
}

static void put_choices(line *l, const rlc_spec *spec) {
    put(l, "%lld", (long long)spec->n);
}

static void put_parts(line *l, const rlc_spec *spec) {
    for (int i = 0; i < spec->parts && l->length < RLC_SPEC_TEXT; i++) {
        put(l, "%s%lld", i > 0 ? ", " : "", (long long)spec->nvec[i]);
    }
}

/* How each kind is written: its name, its type unless told otherwise, what stands between the parentheses. */
static const struct {
    const char *name;
    rlc_dtype dtype;
    void (*put)(line *l, const rlc_spec *spec);
} kinds[RLC_SPEC_KIND_COUNT] = {
    [RLC_SPEC_UNBOUNDED] = {"Unbounded", RLC_F32, put_shape},
    [RLC_SPEC_BOUNDED] = {"Bounded", RLC_F32, put_bounds},
    [RLC_SPEC_ONE_HOT] = {"OneHot", RLC_I64, put_choices},
    [RLC_SPEC_CATEGORICAL] = {"Categorical", RLC_I64, put_choices},
    [RLC_SPEC_BINARY] = {"Binary", RLC_BOOL, put_shape},
    [RLC_SPEC_MULTI_ONE_HOT] = {"MultiOneHot", RLC_I64, put_parts},
};

const char *rlc_spec_text(const rlc_spec *spec, char text[RLC_SPEC_TEXT]) {
    line l = {.text = text};
    put(&l, "%s(", kinds[spec->kind].name);
    kinds[spec->kind].put(&l, spec);
    if (spec->dtype != kinds[spec->kind].dtype) {
        put(&l, ", %s", rlc_dtype_name(spec->dtype));
    }
    put(&l, ")");
    if (l.length >= RLC_SPEC_TEXT) {
        memcpy(text + RLC_SPEC_TEXT - sizeof "...", "...", sizeof "...");
    }
    return text;
}
