/* op_random.c: draws from random streams. */
#include "core/record.h"

/* The stream's counter is an operand, because the kernel reads it and moves it on. */
static rlc_tensor *draw(const char *name, rlc_op op, rlc_dtype dtype, rlc_stream *stream, rlc_shape shape,
                        rlc_tensor *bound, int64_t low, int64_t high) {
    rlc_program *p = rlc__require_program(name);
    if (p == NULL || stream == NULL) {
        return NULL;
    }
    rlc_tensor *out = rlc__result(p, dtype, shape.ndim, shape.size);
    if (out == NULL) {
        return NULL;
    }
    *rlc__append(p) = (rlc_node){.op = (uint16_t)op,
                                 .out = out,
                                 .in = {stream->counter, bound},
                                 .p = {{.i = (int64_t)stream->key}, {.i = low}, {.i = high}}};
    return rlc__commit(p, dtype);
}

rlc_tensor *rlc_rand(rlc_stream *stream, rlc_shape shape) {
    return draw("rand", RLC_OP_random_uniform, RLC_F32, stream, shape, NULL, 0, 0);
}

rlc_tensor *rlc_randn(rlc_stream *stream, rlc_shape shape) {
    return draw("randn", RLC_OP_random_normal, RLC_F32, stream, shape, NULL, 0, 0);
}

/* Whether the draw may be one node, which has no gradient. */
static bool is_one_node(const rlc_program *p, const rlc_tensor *loc, const rlc_tensor *scale) {
    const bool constant = p->no_grad || !(rlc__wants_gradient(p, loc) || rlc__wants_gradient(p, scale));
    return constant && loc->dtype == RLC_F32 && scale->dtype == RLC_F32 && scale->ndim <= loc->ndim &&
           rlc__is_suffix(scale, loc);
}

rlc_tensor *rlc_normal_draw(rlc_stream *stream, rlc_tensor *loc, rlc_tensor *scale) {
    rlc_program *p = rlc__require_program("normal_draw");
    if (p == NULL || stream == NULL || loc == NULL || scale == NULL) {
        return NULL;
    }
    const rlc_shape shape = rlc_shape_of(loc);
    if (!is_one_node(p, loc, scale)) {
        return rlc_add(loc, rlc_mul(scale, rlc_randn(stream, shape)));
    }
    loc = rlc_contiguous(loc);
    scale = rlc_contiguous(rlc__same_shape(scale, loc) ? scale : rlc_expand(scale, shape));
    rlc_tensor *out = rlc__result(p, RLC_F32, shape.ndim, shape.size);
    if (loc == NULL || scale == NULL || out == NULL) {
        return NULL;
    }
    *rlc__append(p) = (rlc_node){.op = RLC_OP_random_normal,
                                 .out = out,
                                 .in = {stream->counter, loc, scale},
                                 .p = {{.i = (int64_t)stream->key}}};
    return rlc__commit(p, RLC_F32);
}

rlc_tensor *rlc_randint(rlc_stream *stream, int64_t low, int64_t high, rlc_shape shape) {
    int64_t range;
    if (high <= low || __builtin_sub_overflow(high, low, &range) || range > (int64_t)UINT32_MAX) {
        return rlc__op_fail("randint", "needs low < high, less than 2^32 apart; got %lld and %lld", (long long)low,
                            (long long)high);
    }
    return draw("randint", RLC_OP_random_integer, RLC_I64, stream, shape, NULL, low, high);
}

rlc_tensor *rlc_random_index(rlc_stream *stream, rlc_tensor *bound, int64_t count) {
    if (bound == NULL) {
        return NULL;
    }
    if (bound->dtype != RLC_I64 || bound->numel != 1) {
        return rlc__op_fail("random_index", "the bound must be one int64");
    }
    return draw("random_index", RLC_OP_random_index, RLC_I64, stream, RLC_SHAPE(count), bound, 0, 0);
}

rlc_tensor *rlc_randperm(rlc_stream *stream, int64_t count) {
    rlc_program *p = rlc__require_program("randperm");
    rlc_tensor *room = p != NULL ? rlc__result(p, RLC_I64, 1, &count) : NULL; /* the kernel sorts */
    return room != NULL ? draw("randperm", RLC_OP_random_permutation, RLC_I64, stream, RLC_SHAPE(count), room, 0, 0)
                        : NULL;
}

rlc_tensor *rlc_bernoulli(rlc_stream *stream, rlc_tensor *probability) {
    if (probability == NULL || rlc__require_program("bernoulli") == NULL) {
        return NULL;
    }
    rlc_tensor *hit = rlc_lt(rlc_rand(stream, rlc_shape_of(probability)), probability);
    return rlc_cast(hit, (rlc_dtype)probability->dtype);
}

rlc_tensor *rlc_dropout(rlc_stream *stream, rlc_tensor *x, double p) {
    if (x == NULL || stream == NULL || rlc__require_program("dropout") == NULL) {
        return NULL;
    }
    if (!(p >= 0 && p <= 1) || !rlc_dtype_is_float((rlc_dtype)x->dtype)) {
        return rlc__op_fail("dropout",
                            "cannot drop elements of %s with probability %g: a float type and a number "
                            "from 0 to 1 are needed",
                            rlc_dtype_name((rlc_dtype)x->dtype), p);
    }
    rlc_tensor *kept = rlc_ge(rlc_rand(stream, rlc_shape_of(x)), rlc_scalar(p));
    return rlc_mul(x, rlc_mul_scalar(rlc_cast(kept, (rlc_dtype)x->dtype), p < 1 ? 1 / (1 - p) : 0));
}

rlc_tensor *rlc_random_categorical(rlc_stream *stream, rlc_tensor *logits) {
    if (logits == NULL || rlc__require_program("random_categorical") == NULL) {
        return NULL;
    }
    int64_t n = rlc_size(logits, -1);
    if (logits->ndim == 0 || n == 0 || logits->dtype != RLC_F32) {
        char text[RLC_SHAPE_TEXT];
        return rlc__op_fail("random_categorical", "needs float32 logits with something to choose from, got %s %s",
                            rlc_dtype_name((rlc_dtype)logits->dtype), rlc_shape_text(rlc_shape_of(logits), text));
    }
    rlc_shape shape = rlc_shape_of(logits);
    shape.ndim--;
    return draw("random_categorical", RLC_OP_random_categorical, RLC_I64, stream, shape, rlc_contiguous(logits), n, 0);
}

/* With replacement: how many of the cumulative weights lie at or below a uniform share of their sum. */
static rlc_tensor *draw_with_replacement(rlc_stream *stream, rlc_tensor *weights, int64_t count) {
    rlc_tensor *cumulative = rlc_cumsum(weights, -1);
    int64_t n = rlc_size(weights, -1);
    rlc_shape shape = rlc_shape_of(weights);
    shape.size[shape.ndim - 1] = count;
    rlc_tensor *total = rlc_slice(cumulative, -1, n - 1, 1);
    rlc_tensor *share = rlc_unsqueeze(rlc_mul(rlc_rand(stream, shape), total), -1);
    rlc_tensor *below = rlc_le(rlc_unsqueeze(cumulative, -2), share);
    /* rounding may take the share up to the total: then it is the last one with a weight */
    rlc_tensor *index = rlc_sum(below, -1, false), *last = rlc_sum(rlc_lt(cumulative, total), -1, true);
    return rlc_minimum(index, last);
}

/* Without: each waits an exponential time at the rate of its weight, and the first `count` to come are taken. */
static rlc_tensor *draw_without_replacement(rlc_stream *stream, rlc_tensor *weights, int64_t count) {
    rlc_tensor *wait = rlc_neg(rlc_log1p(rlc_neg(rlc_rand(stream, rlc_shape_of(weights)))));
    rlc_tensor *indices;
    rlc_topk(rlc_div(wait, weights), count, -1, false, &indices);
    return indices;
}

rlc_tensor *rlc_multinomial(rlc_stream *stream, rlc_tensor *weights, int64_t count, bool replacement) {
    if (weights == NULL || stream == NULL || rlc__require_program("multinomial") == NULL) {
        return NULL;
    }
    int64_t n = rlc_size(weights, -1);
    if (weights->ndim == 0 || n == 0 || count < 1 || (!replacement && count > n)) {
        char text[RLC_SHAPE_TEXT];
        return rlc__op_fail("multinomial", "cannot draw %lld %s weights of shape %s", (long long)count,
                            replacement ? "from" : "without replacement from",
                            rlc_shape_text(rlc_shape_of(weights), text));
    }
    weights = rlc_cast(rlc_detach(weights), RLC_F32);
    return replacement ? draw_with_replacement(stream, weights, count)
                       : draw_without_replacement(stream, weights, count);
}
