/* spec.h: what values an action or an observation can take: TorchRL's tensor specs.
 *
 * A spec describes one element of a batch; the batch dimensions come in front. It is a small value, copied freely;
 * bounds by element and the sizes of a multi-one-hot's parts are arrays in an arena that must live as long as the spec
 * is used.
 *
 *     rlc_spec action = rlc_spec_one_hot(2);
 *     rlc_tensor *a = rlc_spec_sample(&action, RLC_SHAPE(8), stream);      // int64 [8, 2]
 *     rlc_tensor *good = rlc_spec_is_in(&action, a);                       // bool [8]
 *
 * Specs under names, nested as a dict is, are in composite.h.
 */
#ifndef RLC_SPEC_H
#define RLC_SPEC_H

#include "core/arena.h"
#include "core/op.h"

RLC_BEGIN

typedef enum rlc_spec_kind {
    RLC_SPEC_UNBOUNDED,
    RLC_SPEC_BOUNDED,       /* numbers in [low, high] */
    RLC_SPEC_ONE_HOT,       /* int64 [.., n], one 1 in each row */
    RLC_SPEC_CATEGORICAL,   /* int64, 0 .. n-1 */
    RLC_SPEC_BINARY,        /* bool */
    RLC_SPEC_MULTI_ONE_HOT, /* int64 [.., n], one-hot rows of nvec[0], nvec[1], ... side by side */
    RLC_SPEC_KIND_COUNT
} rlc_spec_kind;

typedef struct rlc_spec {
    rlc_spec_kind kind;
    rlc_dtype dtype;
    rlc_shape shape;
    int64_t n;        /* choices of a one-hot or categorical; of a multi-one-hot those of all parts together */
    double low, high; /* of a bounded; NAN where the bounds differ from element to element: */
    const double *lows, *highs; /* as many as the shape has elements, row-major; else NULL */
    const int64_t *nvec;        /* of a multi-one-hot: the choices of each part */
    int parts;
} rlc_spec;

rlc_spec rlc_spec_unbounded(rlc_shape shape);                        /* float32 */
rlc_spec rlc_spec_bounded(rlc_shape shape, double low, double high); /* float32 */
rlc_spec rlc_spec_one_hot(int64_t n);
rlc_spec rlc_spec_categorical(int64_t n);
rlc_spec rlc_spec_binary(rlc_shape shape);

enum { RLC_SPEC_MAX_PARTS = 256 };

/* Bounds by element, and sizes of parts, copied into the arena. Where memory runs out, or a part has no choice, an
 * error is recorded and the arrays are NULL. */
rlc_spec rlc_spec_bounded_by(rlc_arena *arena, rlc_shape shape, const double *lows, const double *highs);
rlc_spec rlc_spec_multi_one_hot(rlc_arena *arena, const int64_t *nvec, int parts);

/* The same values as another type: rlc_spec_as(rlc_spec_bounded(shape, 0, 255), RLC_U8). */
rlc_spec rlc_spec_as(rlc_spec spec, rlc_dtype dtype);

/* The same spec with its arrays in another arena. */
rlc_spec rlc_spec_clone(rlc_arena *arena, const rlc_spec *spec);

static inline bool rlc_spec_is_discrete(const rlc_spec *spec) {
    return spec->kind == RLC_SPEC_ONE_HOT || spec->kind == RLC_SPEC_CATEGORICAL;
}

/* Whether a tensor has the type of such values, and ends in their shape. */
bool rlc_spec_fits(const rlc_spec *spec, const rlc_tensor *tensor);

/* Whether two describe the same values: bounds are compared element by element. */
bool rlc_spec_equal(const rlc_spec *a, const rlc_spec *b);

/* How many numbers a network that chooses such a value puts out: n for discrete ones, else the elements. */
int64_t rlc_spec_size(const rlc_spec *spec);

/* "OneHot(2)", "Bounded([1], -2, 2)", "Unbounded([4], int64)", for messages and tables; cut off with "..." where bounds
 * by element do not fit. */
enum { RLC_SPEC_TEXT = RLC_SHAPE_TEXT + 64 };
const char *rlc_spec_text(const rlc_spec *spec, char text[RLC_SPEC_TEXT]);

/* What follows records ops. A tensor that does not end in the spec's shape is an error that names both. */

/* Zeros, of the right shape and type. */
rlc_tensor *rlc_spec_zeros(const rlc_spec *spec, rlc_shape batch);

/* Uniform over the values, bounds included where they are integers. Where there are no bounds: a standard normal
 * number, or any integer that is not negative. Infinite bounds are an error. */
rlc_tensor *rlc_spec_sample(const rlc_spec *spec, rlc_shape batch, rlc_stream *stream);

/* Bool [*batch]: whether all of an element's values are what the spec says. A type other than the spec's is an error,
 * for which rlc_spec_fits can be asked first. A one-hot row has one 1 and nothing else but zeros (TorchRL only looks at
 * the sum). */
rlc_tensor *rlc_spec_is_in(const rlc_spec *spec, rlc_tensor *value);

/* The value itself where it is in the spec, else one near it; converted to the spec's type. Bounded: clamped.
 * Categorical and binary: rounded, halves to even, and clamped; NaN becomes 0. A row of a one-hot becomes one choice,
 * drawn from the stream in proportion to the row's entries as TorchRL draws it, or, with a stream of NULL, the largest
 * entry, of equal ones the first. Entries that are not positive are not chosen; a row without any other gives the first
 * choice. */
rlc_tensor *rlc_spec_project(const rlc_spec *spec, rlc_tensor *value, rlc_stream *stream);

/* A bounded spec's values: clamped into its bounds; and brought there from [low, high], so that its ends become the
 * bounds. Element by element where the bounds are. Values of other specs stay as they are. */
rlc_tensor *rlc_spec_clamp(const rlc_spec *spec, rlc_tensor *value);
rlc_tensor *rlc_spec_stretch(const rlc_spec *spec, rlc_tensor *value, double low, double high);

/* What choices an environment or a network names by number, as the spec writes them: int64 indices [*batch] as one-hot
 * rows, [*batch, parts] as a multi-one-hot, anything else converted to the spec's type. An index out of range is an
 * error when the op runs. And back: indices of the largest entries; what has no indices comes back as it is. */
rlc_tensor *rlc_spec_encode(const rlc_spec *spec, rlc_tensor *index);
rlc_tensor *rlc_spec_decode(const rlc_spec *spec, rlc_tensor *value);

/* The bounds of a bounded spec, in its type: without dimensions, or of the spec's shape where they differ. */
rlc_tensor *rlc_spec_low(const rlc_spec *spec);
rlc_tensor *rlc_spec_high(const rlc_spec *spec);

RLC_END

#endif
