/* op_pool.c: what works on the planes of images one by one: pools and padding. */
#include "core/pool.h"

#include "core/record.h"
#include "core/window.h"

static int64_t planes_of(const rlc_tensor *x) {
    int64_t planes = 1;
    for (int i = 0; i < x->ndim - 2; i++) {
        planes *= x->shape[i];
    }
    return planes;
}

static bool has_planes(const char *op, const rlc_tensor *x) {
    char text[RLC_SHAPE_TEXT];
    if (!rlc_dtype_is_float((rlc_dtype)x->dtype)) {
        rlc__op_fail(op, "the input is %s; cast it to float32 first", rlc_dtype_name((rlc_dtype)x->dtype));
        return false;
    }
    if (x->ndim < 2) {
        rlc__op_fail(op, "the input has shape %s; [.., height, width] is needed",
                     rlc_shape_text(rlc_shape_of(x), text));
        return false;
    }
    return true;
}

/* How many windows there are; in ceil mode the last one may reach beyond the end, but not begin there. */
static int64_t count_of(const rlc_pool_shape *s, int d, bool ceil_mode) {
    const int64_t room = s->size[d] + 2 * s->padding[d] - rlc__span(s->kernel[d], s->dilation[d]);
    if (room < 0) {
        return 0;
    }
    const int64_t count = (room + (ceil_mode ? s->stride[d] - 1 : 0)) / s->stride[d] + 1;
    return (count - 1) * s->stride[d] >= s->size[d] + s->padding[d] ? count - 1 : count;
}

/* Whether there is something in each plane to pool. */
static bool has_places(const char *op, const rlc_tensor *x) {
    char text[RLC_SHAPE_TEXT];
    const int64_t rows = rlc_size(x, -2), columns = rlc_size(x, -1);
    if (rows < 1 || columns < 1 || rows > INT32_MAX / columns) {
        rlc__op_fail(op, "the input has shape %s; height and width must be 1 or more, and their product below 2^31",
                     rlc_shape_text(rlc_shape_of(x), text));
        return false;
    }
    return true;
}

/* Whether the numbers of a pool make sense: with more padding than half a kernel, windows would see nothing else. */
static bool numbers_fit(const char *op, const rlc_pool_shape *s) {
    char padding[RLC_SHAPE_TEXT], kernel[RLC_SHAPE_TEXT], most[RLC_SHAPE_TEXT];
    if (!rlc__pair_is_sound(op, "kernel", s->kernel, 1, "") ||
        !rlc__pair_is_sound(op, "stride", s->stride, 1, ", and 0 stands for the kernel's size") ||
        !rlc__pair_is_sound(op, "dilation", s->dilation, 1, ", and 0 stands for 1") ||
        !rlc__pair_is_sound(op, "padding", s->padding, 0, "")) {
        return false;
    }
    if (s->padding[0] > s->kernel[0] / 2 || s->padding[1] > s->kernel[1] / 2) {
        rlc__op_fail(op, "padding is %s for rows and columns; it can be half the kernel of %s at most, which is %s",
                     rlc_shape_text(RLC_SHAPE(s->padding[0], s->padding[1]), padding),
                     rlc_shape_text(RLC_SHAPE(s->kernel[0], s->kernel[1]), kernel),
                     rlc_shape_text(RLC_SHAPE(s->kernel[0] / 2, s->kernel[1] / 2), most));
        return false;
    }
    return true;
}

/* Works out the windows of a pool; false with an error when there are none. */
static bool plan(const char *op, const rlc_tensor *x, const rlc_pool *how, rlc_pool_shape *s) {
    if (!has_planes(op, x) || !has_places(op, x)) {
        return false;
    }
    *s = (rlc_pool_shape){.planes = planes_of(x), .exclude_padding = how->exclude_padding};
    for (int d = 0; d < 2; d++) {
        s->size[d] = x->shape[x->ndim - 2 + d];
        s->kernel[d] = how->kernel[d];
        s->stride[d] = how->stride[d] != 0 ? how->stride[d] : how->kernel[d];
        s->padding[d] = how->padding[d];
        s->dilation[d] = how->dilation[d] != 0 ? how->dilation[d] : 1;
    }
    if (!numbers_fit(op, s)) {
        return false;
    }
    for (int d = 0; d < 2; d++) {
        s->count[d] = count_of(s, d, how->ceil_mode);
        if (s->count[d] < 1) {
            rlc__kernel_too_large(op, x, d, s->kernel[d], s->dilation[d], s->padding[d]);
            return false;
        }
    }
    return true;
}

/* A result with the leading dimensions of `like` and planes of `size`. */
static rlc_tensor *planes_like(rlc_program *p, rlc_dtype dtype, const rlc_tensor *like, const int64_t size[2]) {
    rlc_shape shape = rlc_shape_of(like);
    shape.size[shape.ndim - 2] = size[0];
    shape.size[shape.ndim - 1] = size[1];
    return rlc__result(p, dtype, shape.ndim, shape.size);
}

static rlc_tensor *record(rlc_program *p, rlc_op op, rlc_tensor *out, rlc_tensor *x, rlc_tensor *place,
                          const rlc_pool_shape *shape) {
    rlc_pool_shape *kept = rlc__aux(p, sizeof *kept);
    if (out == NULL || x == NULL || kept == NULL) {
        return NULL;
    }
    *kept = *shape;
    *rlc__append(p) =
        (rlc_node){.op = (uint16_t)op, .out = out, .in = {x, place}, .aux = kept, .aux_size = sizeof *kept};
    return rlc__commit(p, (rlc_dtype)x->dtype);
}

rlc_tensor *rlc_max_pool2d(rlc_tensor *x, rlc_pool how) {
    rlc_program *p = rlc__require_program("max_pool2d");
    rlc_pool_shape s;
    if (p == NULL || x == NULL || !plan("max_pool2d", x, &how, &s)) {
        return NULL;
    }
    x = rlc_contiguous(x);
    rlc_tensor *place = x != NULL ? planes_like(p, RLC_I32, x, s.count) : NULL;
    return place != NULL ? record(p, RLC_OP_max_pool2d, planes_like(p, (rlc_dtype)x->dtype, x, s.count), x, place, &s)
                         : NULL;
}

static rlc_tensor *mean(rlc_program *p, rlc_tensor *x, const rlc_pool_shape *s) {
    x = rlc_contiguous(x);
    return x != NULL ? record(p, RLC_OP_avg_pool2d, planes_like(p, (rlc_dtype)x->dtype, x, s->count), x, NULL, s)
                     : NULL;
}

rlc_tensor *rlc_avg_pool2d(rlc_tensor *x, rlc_pool how) {
    rlc_program *p = rlc__require_program("avg_pool2d");
    rlc_pool_shape s;
    how.dilation[0] = how.dilation[1] = 1; /* only a maximum has one */
    if (p == NULL || x == NULL || !plan("avg_pool2d", x, &how, &s)) {
        return NULL;
    }
    return mean(p, x, &s);
}

rlc_tensor *rlc_adaptive_avg_pool2d(rlc_tensor *x, int64_t rows, int64_t columns) {
    static const char op[] = "adaptive_avg_pool2d";
    rlc_program *p = rlc__require_program(op);
    const int64_t count[2] = {rows, columns};
    if (p == NULL || x == NULL || !has_planes(op, x) || !has_places(op, x) ||
        !rlc__pair_is_sound(op, "the number of means", count, 1, "")) {
        return NULL;
    }
    rlc_pool_shape s = {
        .planes = planes_of(x), .size = {rlc_size(x, -2), rlc_size(x, -1)}, .count = {rows, columns}, .adaptive = true};
    return mean(p, x, &s);
}

void rlc__gradient_max_pool2d(rlc_program *p, const rlc_node *node, rlc_tensor *g) {
    rlc_tensor *fresh = rlc__result_like(p, (rlc_dtype)node->in[0]->dtype, node->in[0]);
    rlc__accumulate(p, node->in[0],
                    record(p, RLC_OP_max_pool2d_grad, fresh, rlc_contiguous(g), node->in[1], node->aux));
}

void rlc__gradient_avg_pool2d(rlc_program *p, const rlc_node *node, rlc_tensor *g) {
    rlc_tensor *fresh = rlc__result_like(p, (rlc_dtype)node->in[0]->dtype, node->in[0]);
    rlc__accumulate(p, node->in[0], record(p, RLC_OP_avg_pool2d_grad, fresh, rlc_contiguous(g), NULL, node->aux));
}

rlc_tensor *rlc_pad(rlc_tensor *x, int64_t left, int64_t right, int64_t top, int64_t bottom, double value) {
    rlc_program *p = rlc__require_program("pad");
    if (p == NULL || x == NULL || !has_planes("pad", x)) {
        return NULL;
    }
    if (left < 0 || right < 0 || top < 0 || bottom < 0) {
        return rlc__op_fail("pad",
                            "left, right, top and bottom are %lld, %lld, %lld and %lld; none can be negative "
                            "(rlc_slice takes rows and columns away)",
                            (long long)left, (long long)right, (long long)top, (long long)bottom);
    }
    x = rlc_contiguous(x);
    const int64_t size[2] = {rlc_size(x, -2) + top + bottom, rlc_size(x, -1) + left + right};
    rlc_tensor *out = x != NULL ? planes_like(p, (rlc_dtype)x->dtype, x, size) : NULL;
    if (out == NULL) {
        return NULL;
    }
    *rlc__append(p) = (rlc_node){.op = RLC_OP_pad, .out = out, .in = {x}, .p = {{.i = left}, {.i = top}, {.f = value}}};
    return rlc__commit(p, (rlc_dtype)x->dtype);
}

void rlc__gradient_pad(rlc_program *p, const rlc_node *node, rlc_tensor *g) {
    rlc_tensor *x = node->in[0];
    g = rlc_slice(g, -1, node->p[0].i, rlc_size(x, -1));
    rlc__accumulate(p, x, rlc_slice(g, -2, node->p[1].i, rlc_size(x, -2)));
}
