/* op_conv.c: convolutions of images and their gradients. Padding is an op of its own (rlc_pad), so kernels know of none. */
#include "core/conv.h"

#include "core/record.h"

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

static rlc_tensor *misfit(const char *op, const rlc_tensor *x, const rlc_tensor *weight, const char *why) {
    char tx[RLC_SHAPE_TEXT], tw[RLC_SHAPE_TEXT];
    return rlc__op_fail(op, "an input of shape %s does not fit a weight of shape %s: %s",
                        rlc_shape_text(rlc_shape_of(x), tx), rlc_shape_text(rlc_shape_of(weight), tw), why);
}

static bool is_sound(const char *op, const rlc_conv *how) {
    bool good = how->groups >= 0;
    for (int d = 0; d < 2; d++) {
        good =
            good && how->stride[d] >= 0 && how->padding[d] >= 0 && how->dilation[d] >= 0 && how->output_padding[d] >= 0;
    }
    if (!good) {
        rlc__op_fail(op, "no stride, padding, dilation or number of groups can be negative");
    }
    return good;
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

/* What both kinds of convolution ask of their operands; `out` is the number of channels that come out. */
static bool fits(const char *op, const rlc_tensor *x, const rlc_tensor *weight, const rlc_tensor *bias, int64_t out,
                 const rlc_conv *how) {
    if (!is_sound(op, how) || !same_types(op, x, weight, bias)) {
        return false;
    }
    if (x->ndim < 3 || weight->ndim != 4) {
        misfit(op, x, weight, "they must be [.., channels, height, width] and have four dimensions");
        return false;
    }
    for (int i = 0; i < 4; i++) {
        if (weight->shape[i] == 0) {
            misfit(op, x, weight, "the weight is empty");
            return false;
        }
    }
    if (bias != NULL && (bias->ndim != 1 || bias->shape[0] != out)) {
        misfit(op, bias, weight, "a bias has one number for each channel that comes out");
        return false;
    }
    return true;
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
        const int64_t span = (c.kernel[d] - 1) * c.dilation[d] + 1;
        c.count[d] = span <= size[d] ? (size[d] - span) / c.stride[d] + 1 : 0;
    }
    return c;
}

/* Appends the node, with the room that the device's kernel works in. */
static rlc_tensor *record(rlc_program *p, rlc_op op, rlc_tensor *out, rlc_tensor *a, rlc_tensor *b, rlc_tensor *c,
                          const rlc_conv_shape *shape) {
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
                                 .p = {{.i = p->precision}},
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
                           const rlc_conv_shape *c) {
    return record(p, RLC_OP_conv2d, images_like(p, x, c->groups * c->out, c->count), x, weight, bias, c);
}

static rlc_tensor *input(rlc_program *p, rlc_tensor *y, rlc_tensor *weight, const rlc_conv_shape *c) {
    return record(p, RLC_OP_conv2d_input, images_like(p, y, c->groups * c->in, c->size), y, weight, NULL, c);
}

/* Adds to the weight's gradient; a root's buffer takes it without a detour. */
static void accumulate_weight(rlc_program *p, rlc_tensor *weight, rlc_tensor *y, rlc_tensor *x, rlc_conv_shape c) {
    if (weight->program == NULL) {
        bool accumulate;
        rlc_tensor *grad = rlc__root_gradient(weight, &accumulate);
        c.accumulate = accumulate;
        record(p, RLC_OP_conv2d_weight, grad, y, x, NULL, &c);
    } else {
        rlc_tensor *fresh = rlc__result_like(p, (rlc_dtype)weight->dtype, weight);
        rlc__accumulate(p, weight, record(p, RLC_OP_conv2d_weight, fresh, y, x, NULL, &c));
    }
}

static rlc_tensor *padded(rlc_tensor *x, const int64_t padding[2]) {
    const bool none = padding[0] == 0 && padding[1] == 0;
    return none ? rlc_contiguous(x) : rlc_pad(x, padding[1], padding[1], padding[0], padding[0], 0);
}

rlc_tensor *rlc_conv2d(rlc_tensor *x, rlc_tensor *weight, rlc_tensor *bias, rlc_conv how) {
    static const char op[] = "conv2d";
    rlc_program *p = rlc__require_program(op);
    if (p == NULL || x == NULL || weight == NULL || !fits(op, x, weight, bias, rlc_size(weight, 0), &how)) {
        return NULL;
    }
    const int64_t groups = or_one(how.groups);
    if (weight->shape[0] % groups != 0 || rlc_size(x, -3) != groups * weight->shape[1]) {
        return misfit(op, x, weight,
                      "its channels must be the weight's second dimension times the groups, and the groups divide the "
                      "first");
    }
    x = padded(x, how.padding);
    weight = rlc_contiguous(weight);
    bias = bias != NULL ? rlc_contiguous(bias) : NULL;
    if (x == NULL || weight == NULL) {
        return NULL;
    }
    p->op = op;
    const rlc_conv_shape c = shape_of(images_of(x), x->shape + x->ndim - 2, weight, &how);
    if (c.count[0] == 0 || c.count[1] == 0) {
        return misfit(op, x, weight, "the kernel is larger than the input with its padding");
    }
    return forward(p, x, weight, bias, &c);
}

/* Over images and places, which the channels lie between. */
static rlc_tensor *bias_gradient(rlc_tensor *g, const rlc_tensor *bias) {
    g = rlc_sum(rlc_reshape(g, RLC_SHAPE(images_of(g), bias->shape[0], rlc_size(g, -2) * rlc_size(g, -1))), 2, false);
    return rlc_sum(g, 0, false);
}

void rlc__gradient_conv2d(rlc_program *p, const rlc_node *node, rlc_tensor *g) {
    const rlc_conv_shape *c = node->aux;
    g = rlc_contiguous(g);
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

/* The convolution whose input's gradient this is: from what comes out here to what comes in. */
rlc_tensor *rlc_conv_transpose2d(rlc_tensor *x, rlc_tensor *weight, rlc_tensor *bias, rlc_conv how) {
    static const char op[] = "conv_transpose2d";
    rlc_program *p = rlc__require_program(op);
    const int64_t groups = or_one(how.groups);
    if (p == NULL || x == NULL || weight == NULL || !fits(op, x, weight, bias, groups * rlc_size(weight, 1), &how)) {
        return NULL;
    }
    if (weight->shape[0] % groups != 0 || rlc_size(x, -3) != weight->shape[0]) {
        return misfit(op, x, weight, "its channels must be the weight's first dimension, and the groups divide them");
    }
    x = rlc_contiguous(x);
    weight = rlc_contiguous(weight);
    if (x == NULL || weight == NULL) {
        return NULL;
    }
    int64_t whole[2], shown[2];
    for (int d = 0; d < 2; d++) {
        const int64_t count = x->shape[x->ndim - 2 + d], stride = or_one(how.stride[d]);
        const int64_t dilation = or_one(how.dilation[d]), longest = stride > dilation ? stride : dilation;
        whole[d] = (count - 1) * stride + (weight->shape[2 + d] - 1) * dilation + 1 + how.output_padding[d];
        shown[d] = whole[d] - 2 * how.padding[d];
        if (count < 1 || shown[d] < 1 || how.output_padding[d] >= longest) {
            return misfit(op, x, weight,
                          "nothing would be left within the padding, or the output padding is not smaller than the "
                          "stride or the dilation");
        }
    }
    rlc_conv_shape c = shape_of(images_of(x), whole, weight, &how);
    c.count[0] = rlc_size(x, -2);
    c.count[1] = rlc_size(x, -1);
    rlc_tensor *y = input(p, x, weight, &c);
    y = how.padding[0] != 0 ? rlc_slice(y, -2, how.padding[0], shown[0]) : y;
    y = how.padding[1] != 0 ? rlc_slice(y, -1, how.padding[1], shown[1]) : y;
    return bias != NULL ? rlc_add(y, rlc_reshape(bias, RLC_SHAPE(bias->shape[0], 1, 1))) : y;
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
        rlc__accumulate(p, node->in[0], forward(p, g, node->in[1], NULL, c));
    }
}
