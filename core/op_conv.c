/* op_conv.c: convolutions of images and their gradients. Padding is an op of its own (rlc_pad), so kernels know of none. */
#include "core/conv.h"

#include "core/record.h"
#include "core/window.h"

static int64_t or_one(int64_t given) {
    return given != 0 ? given : 1;
}

/* The product of all dimensions in front of an image's three. */
static int64_t images_of(const rlc_tensor *x) {
    int64_t images = 1;
    for (int i = 0; i < x->ndim - 3; i++) {
        images *= x->shape[i];
    }
    return images;
}

/* What both kinds of convolution take; 0 stands for 1 where 0 would make no sense. */
static bool is_sound(const char *op, const rlc_conv *how) {
    if (how->groups < 0) {
        rlc__op_fail(op, "groups is %lld; it must be 1 or more, and 0 stands for 1", (long long)how->groups);
        return false;
    }
    return rlc__pair_is_sound(op, "stride", how->stride, 0, ", which stands for 1") &&
           rlc__pair_is_sound(op, "padding", how->padding, 0, "") &&
           rlc__pair_is_sound(op, "dilation", how->dilation, 0, ", which stands for 1") &&
           rlc__pair_is_sound(op, "output_padding", how->output_padding, 0, "");
}

static bool same_types(const char *op, const rlc_tensor *x, const rlc_tensor *weight, const rlc_tensor *bias) {
    const rlc_tensor *other = x->dtype != weight->dtype ? x : bias != NULL ? bias : weight;
    if (!rlc_dtype_is_float((rlc_dtype)x->dtype)) {
        rlc__op_fail(op, "the input is %s; cast it to float32 first", rlc_dtype_name((rlc_dtype)x->dtype));
        return false;
    }
    if (other->dtype != weight->dtype) {
        rlc__op_fail(op, "the %s is %s, the weight %s; cast one of them", other == x ? "input" : "bias",
                     rlc_dtype_name((rlc_dtype)other->dtype), rlc_dtype_name((rlc_dtype)weight->dtype));
        return false;
    }
    return true;
}

/* Whether input and weight are ones at all; `form` is that of the weight. */
static bool are_images(const char *op, const rlc_tensor *x, const rlc_tensor *weight, const char *form) {
    char text[RLC_SHAPE_TEXT];
    if (x->ndim < 3) {
        rlc__op_fail(op, "the input has shape %s; [.., channels, height, width] is needed",
                     rlc_shape_text(rlc_shape_of(x), text));
        return false;
    }
    if (weight->ndim != 4) {
        rlc__op_fail(op, "the weight has shape %s; %s is needed", rlc_shape_text(rlc_shape_of(weight), text), form);
        return false;
    }
    if (weight->numel == 0) {
        rlc__op_fail(op, "the weight has shape %s; none of %s can be 0", rlc_shape_text(rlc_shape_of(weight), text),
                     form);
        return false;
    }
    return true;
}

/* Whether the input has as many channels as the weight asks for, `in`, and the groups divide the weight's first dimension,
 * which is of the channels that go `way`. */
static bool channels_fit(const char *op, const rlc_tensor *x, const rlc_tensor *weight, int64_t groups, int64_t in,
                         const char *way) {
    char tx[RLC_SHAPE_TEXT], tw[RLC_SHAPE_TEXT];
    rlc_shape_text(rlc_shape_of(weight), tw);
    if (weight->shape[0] % groups != 0) {
        rlc__op_fail(op, "groups is %lld, which does not divide the %lld channels that %s: the weight has shape %s",
                     (long long)groups, (long long)weight->shape[0], way, tw);
        return false;
    }
    if (rlc_size(x, -3) != in) {
        rlc__op_fail(op, "the input of shape %s has %lld channels; a weight of shape %s takes %lld, groups being %lld",
                     rlc_shape_text(rlc_shape_of(x), tx), (long long)rlc_size(x, -3), tw, (long long)in,
                     (long long)groups);
        return false;
    }
    return true;
}

/* Whether the bias, if there is one, has a number for each of the `out` channels. */
static bool bias_fits(const char *op, const rlc_tensor *bias, int64_t out) {
    char text[RLC_SHAPE_TEXT];
    const bool fits = bias == NULL || (bias->ndim == 1 && bias->shape[0] == out);
    if (!fits) {
        rlc__op_fail(op, "the bias has shape %s; [%lld] is needed, a number for each channel that comes out",
                     rlc_shape_text(rlc_shape_of(bias), text), (long long)out);
    }
    return fits;
}

/* The shape of a convolution from images of `size`; its counts are 0 where the kernel does not fit. */
static rlc_conv_shape shape_of(int64_t images, const int64_t size[2], const rlc_tensor *weight, const rlc_conv *how) {
    rlc_conv_shape c = {.images = images, .groups = or_one(how->groups), .in = weight->shape[1]};
    c.out = weight->shape[0] / c.groups;
    for (int d = 0; d < 2; d++) {
        c.size[d] = size[d];
        c.kernel[d] = weight->shape[2 + d];
        c.stride[d] = or_one(how->stride[d]);
        c.dilation[d] = or_one(how->dilation[d]);
        const int64_t span = rlc__span(c.kernel[d], c.dilation[d]);
        c.count[d] = span <= size[d] ? (size[d] - span) / c.stride[d] + 1 : 0;
    }
    return c;
}

/* Appends the node, with the room that the device's kernel works in. */
static rlc_tensor *record(rlc_program *p, rlc_op op, rlc_tensor *out, rlc_tensor *a, rlc_tensor *b, rlc_tensor *c,
                          rlc_activation activation, const rlc_conv_shape *shape) {
    rlc_conv_shape *kept = rlc__aux(p, sizeof *kept);
    rlc_tensor **more = rlc__aux(p, sizeof(rlc_tensor *));
    if (out == NULL || a == NULL || b == NULL || kept == NULL || more == NULL) {
        return NULL;
    }
    const rlc_dtype dtype = (rlc_dtype)a->dtype;
    const int64_t bytes = (int64_t)p->device->conv_room(op, dtype, shape);
    more[0] = rlc__result(p, RLC_U8, 1, &bytes);
    if (more[0] == NULL) {
        return NULL;
    }
    *kept = *shape;
    *rlc__append(p) = (rlc_node){.op = (uint16_t)op,
                                 .out = out,
                                 .in = {a, b, c},
                                 .more = more,
                                 .num_more = 1,
                                 .p = {{.i = p->precision}, {.i = activation}},
                                 .aux = kept,
                                 .aux_size = sizeof *kept};
    return rlc__commit(p, dtype);
}

/* [.., channels, rows, columns] with the leading dimensions of `like`. */
static rlc_tensor *images_like(rlc_program *p, const rlc_tensor *like, int64_t channels, const int64_t size[2]) {
    rlc_shape shape = rlc_shape_of(like);
    shape.size[shape.ndim - 3] = channels;
    shape.size[shape.ndim - 2] = size[0];
    shape.size[shape.ndim - 1] = size[1];
    return rlc__result(p, (rlc_dtype)like->dtype, shape.ndim, shape.size);
}

static rlc_tensor *forward(rlc_program *p, rlc_tensor *x, rlc_tensor *weight, rlc_tensor *bias,
                           rlc_activation activation, const rlc_conv_shape *c) {
    return record(p, RLC_OP_conv2d, images_like(p, x, c->groups * c->out, c->count), x, weight, bias, activation, c);
}

static rlc_tensor *input(rlc_program *p, rlc_tensor *y, rlc_tensor *weight, const rlc_conv_shape *c) {
    return record(p, RLC_OP_conv2d_input, images_like(p, y, c->groups * c->in, c->size), y, weight, NULL, RLC_IDENTITY,
                  c);
}

/* Adds to the weight's gradient; a root's buffer takes it without a detour. */
static void accumulate_weight(rlc_program *p, rlc_tensor *weight, rlc_tensor *y, rlc_tensor *x, rlc_conv_shape c) {
    if (weight->program == NULL) {
        bool accumulate;
        rlc_tensor *grad = rlc__root_gradient(weight, &accumulate);
        c.accumulate = accumulate;
        record(p, RLC_OP_conv2d_weight, grad, y, x, NULL, RLC_IDENTITY, &c);
    } else {
        rlc_tensor *fresh = rlc__result_like(p, (rlc_dtype)weight->dtype, weight);
        rlc__accumulate(p, weight, record(p, RLC_OP_conv2d_weight, fresh, y, x, NULL, RLC_IDENTITY, &c));
    }
}

static rlc_tensor *padded(rlc_tensor *x, const int64_t padding[2]) {
    const bool none = padding[0] == 0 && padding[1] == 0;
    return none ? rlc_contiguous(x) : rlc_pad(x, padding[1], padding[1], padding[0], padding[0], 0);
}

/* Whether each output has a place; `x` is as it was given. */
static bool kernel_fits(const char *op, const rlc_tensor *x, const rlc_conv_shape *c, const rlc_conv *how) {
    for (int d = 0; d < 2; d++) {
        if (c->count[d] == 0) {
            rlc__kernel_too_large(op, x, d, c->kernel[d], c->dilation[d], how->padding[d]);
            return false;
        }
    }
    return true;
}

rlc_tensor *rlc_conv2d(rlc_tensor *x, rlc_tensor *weight, rlc_tensor *bias, rlc_conv how) {
    static const char op[] = "conv2d";
    rlc_program *p = rlc__require_program(op);
    if (p == NULL || x == NULL || weight == NULL || !is_sound(op, &how) || !same_types(op, x, weight, bias) ||
        !are_images(op, x, weight, "[out, in / groups, rows, columns]")) {
        return NULL;
    }
    const int64_t groups = or_one(how.groups);
    if (!channels_fit(op, x, weight, groups, groups * weight->shape[1], "come out") ||
        !bias_fits(op, bias, weight->shape[0])) {
        return NULL;
    }
    const rlc_tensor *given = x;
    x = padded(x, how.padding);
    weight = rlc_contiguous(weight);
    bias = bias != NULL ? rlc_contiguous(bias) : NULL;
    if (x == NULL || weight == NULL) {
        return NULL;
    }
    p->op = op;
    const rlc_conv_shape c = shape_of(images_of(x), x->shape + x->ndim - 2, weight, &how);
    if (!kernel_fits(op, given, &c, &how)) {
        return NULL;
    }
    const rlc_activation fused = how.activation == RLC_RELU ? RLC_RELU : RLC_IDENTITY;
    rlc_tensor *y = forward(p, x, weight, bias, fused, &c);
    return how.activation == fused ? y : rlc_activate(y, how.activation);
}

/* Over images and places, which the channels lie between. */
static rlc_tensor *bias_gradient(rlc_tensor *g, const rlc_tensor *bias) {
    g = rlc_sum(rlc_reshape(g, RLC_SHAPE(images_of(g), bias->shape[0], rlc_size(g, -2) * rlc_size(g, -1))), 2, false);
    return rlc_sum(g, 0, false);
}

void rlc__gradient_conv2d(rlc_program *p, const rlc_node *node, rlc_tensor *g) {
    const rlc_conv_shape *c = node->aux;
    g = rlc_contiguous(g);
    g = g != NULL ? rlc__activation_gradient(p, g, node->out, (rlc_activation)node->p[1].i) : NULL;
    if (g == NULL) {
        return;
    }
    if (node->needs & 2) {
        accumulate_weight(p, node->in[1], g, node->in[0], *c);
    }
    if (node->needs & 4) {
        rlc__accumulate_fresh(p, node->in[2], bias_gradient(g, node->in[2]));
    }
    if (node->needs & 1) {
        rlc__accumulate(p, node->in[0], input(p, g, node->in[1], c));
    }
}

/* How large a transposed convolution's result is, `whole` with the padding and `shown` without; false with an error. */
static bool plan_transposed(const char *op, const rlc_tensor *x, const rlc_tensor *weight, const rlc_conv *how,
                            int64_t whole[2], int64_t shown[2]) {
    char text[RLC_SHAPE_TEXT];
    for (int d = 0; d < 2; d++) {
        const char *what = rlc__rows_or_columns(d);
        const int64_t count = rlc_size(x, d - 2), stride = or_one(how->stride[d]), dilation = or_one(how->dilation[d]);
        if (count < 1) {
            rlc__op_fail(op, "the input has shape %s, which is without %s", rlc_shape_text(rlc_shape_of(x), text),
                         what);
            return false;
        }
        if (how->output_padding[d] >= (stride > dilation ? stride : dilation)) {
            rlc__op_fail(
                op, "output_padding is %lld for %s; it must be smaller than the stride, %lld, or the dilation, %lld",
                (long long)how->output_padding[d], what, (long long)stride, (long long)dilation);
            return false;
        }
        whole[d] = (count - 1) * stride + rlc__span(weight->shape[2 + d], dilation) + how->output_padding[d];
        shown[d] = whole[d] - 2 * how->padding[d];
        if (shown[d] < 1) {
            rlc__op_fail(op, "padding is %lld for %s, and takes away all of the %lld there are; %lld at most leave one",
                         (long long)how->padding[d], what, (long long)whole[d], (long long)((whole[d] - 1) / 2));
            return false;
        }
    }
    return true;
}

/* The convolution whose input's gradient this is: from what comes out here to what comes in. */
rlc_tensor *rlc_conv_transpose2d(rlc_tensor *x, rlc_tensor *weight, rlc_tensor *bias, rlc_conv how) {
    static const char op[] = "conv_transpose2d";
    rlc_program *p = rlc__require_program(op);
    int64_t whole[2], shown[2];
    if (p == NULL || x == NULL || weight == NULL || !is_sound(op, &how) || !same_types(op, x, weight, bias) ||
        !are_images(op, x, weight, "[in, out / groups, rows, columns]") ||
        !channels_fit(op, x, weight, or_one(how.groups), weight->shape[0], "come in") ||
        !bias_fits(op, bias, or_one(how.groups) * weight->shape[1]) ||
        !plan_transposed(op, x, weight, &how, whole, shown)) {
        return NULL;
    }
    x = rlc_contiguous(x);
    weight = rlc_contiguous(weight);
    if (x == NULL || weight == NULL) {
        return NULL;
    }
    rlc_conv_shape c = shape_of(images_of(x), whole, weight, &how);
    c.count[0] = rlc_size(x, -2);
    c.count[1] = rlc_size(x, -1);
    rlc_tensor *y = input(p, x, weight, &c);
    y = how.padding[0] != 0 ? rlc_slice(y, -2, how.padding[0], shown[0]) : y;
    y = how.padding[1] != 0 ? rlc_slice(y, -1, how.padding[1], shown[1]) : y;
    y = bias != NULL ? rlc_add(y, rlc_reshape(bias, RLC_SHAPE(bias->shape[0], 1, 1))) : y;
    return rlc_activate(y, how.activation);
}

void rlc__gradient_conv2d_input(rlc_program *p, const rlc_node *node, rlc_tensor *g) {
    const rlc_conv_shape *c = node->aux;
    g = rlc_contiguous(g);
    if (g == NULL) {
        return;
    }
    if (node->needs & 2) {
        accumulate_weight(p, node->in[1], node->in[0], g, *c);
    }
    if (node->needs & 1) {
        rlc__accumulate(p, node->in[0], forward(p, g, node->in[1], NULL, RLC_IDENTITY, c));
    }
}
