/* conv.c: Conv2d, ConvTranspose2d, pools and Flatten, each as torch.nn has it. */
#include "modules/classes.h"
#include "modules/images.h"
#include "modules/normalization.h"

/* Options of one or two numbers: rows, then columns. */
#define PAIR(Type, field, standard, low, text, ...) RLC_SIZES(Type, field, standard, low, 1 << 20, text, __VA_ARGS__)

typedef struct Conv2d {
    rlc_module base;
    int64_t in_channels, out_channels, groups;
    rlc_ints kernel_size, stride, padding, dilation, output_padding;
    bool bias;
    int activation;
    rlc_conv_layer layer;
} Conv2d;

typedef Conv2d ConvTranspose2d;

#define CONV_OPTIONS                                                                                                   \
    RLC_LONG(Conv2d, out_channels, RLC_REQUIRED, 1, 1 << 24, "channels that come out"),                                \
        RLC_LONG(Conv2d, in_channels, 0, 0, 1 << 24, "channels of the input; 0 takes them from what comes in"),        \
        PAIR(Conv2d, kernel_size, NULL, 1, "rows and columns of the kernel, [5, 3]; one number for both",              \
             .required = true),                                                                                        \
        PAIR(Conv2d, stride, "1", 1, "rows and columns from one window to the next"),                                  \
        PAIR(Conv2d, padding, "0", 0, "rows and columns of zeros around the image"),                                   \
        PAIR(Conv2d, dilation, "1", 1, "rows and columns from one number of the kernel to the next"),                  \
        RLC_LONG(Conv2d, groups, 1, 1, 1 << 24, "groups of channels, each with a convolution of its own"),             \
        RLC_BOOL_OPTION(Conv2d, bias, true, "add a number to each channel that comes out"),                            \
        RLC_ENUM(Conv2d, activation, "identity", RLC_ACTIVATION_NAMES, "behind the layer")

static const rlc_option conv_options[] = {CONV_OPTIONS, {0}};

static const rlc_option transposed_options[] = {
    CONV_OPTIONS,
    PAIR(Conv2d, output_padding, "0", 0, "rows and columns that are added below and to the right"),
    {0},
};

static void declare(Conv2d *m, const rlc_build *build, bool transposed) {
    const rlc_module *self = &m->base;
    const int64_t in = rlc_size(rlc_images_input(self, build->example), -3);
    int64_t kernel[2];
    rlc_conv how = {.groups = m->groups, .activation = (rlc_activation)m->activation};
    if (!rlc_images_pair(self, "kernel_size", &m->kernel_size, 1, kernel) ||
        !rlc_images_pair(self, "stride", &m->stride, 1, how.stride) ||
        !rlc_images_pair(self, "padding", &m->padding, 0, how.padding) ||
        !rlc_images_pair(self, "dilation", &m->dilation, 1, how.dilation) ||
        !rlc_images_pair(self, "output_padding", &m->output_padding, 0, how.output_padding)) {
        return;
    }
    if (m->in_channels != 0 && in != m->in_channels) {
        rlc_fail(RLC_INVALID, "%s: in_channels is %lld, but %s has %lld channels", self->path,
                 (long long)m->in_channels, self->in_keys[0]->name, (long long)in);
        return;
    }
    m->layer = rlc_conv_layer_new(&m->base, NULL, in, m->out_channels, kernel, &how, m->bias, transposed);
}

static void conv_init(rlc_module *self, const rlc_build *build) {
    declare((Conv2d *)self, build, false);
}

static void transposed_init(rlc_module *self, const rlc_build *build) {
    declare((Conv2d *)self, build, true);
}

static void conv_forward(rlc_module *self, rlc_dict *td) {
    const Conv2d *m = (const Conv2d *)self;
    rlc_out(self, td, 0, rlc_conv2d(rlc_images_input(self, td), m->layer.weight, m->layer.bias, m->layer.how));
}

/* A batch norm whose statistics stand is a convolution's own affair: weight times factor, bias times factor plus summand. */
static bool conv_forward_with(rlc_module *self, rlc_dict *td, rlc_module *next) {
    const rlc_conv_layer *l = &((const Conv2d *)self)->layer;
    const rlc_tensor *x = rlc_dict_find_key(td, self->in_keys[0]);
    rlc_conv how = l->how;
    rlc_tensor *factor, *summand;
    if (x == NULL || how.activation != RLC_IDENTITY ||
        !rlc_batch_norm_map(next, td, x->ndim, &factor, &summand, &how.activation)) {
        return false;
    }
    rlc_tensor *weight = rlc_mul(l->weight, rlc_reshape(factor, RLC_SHAPE(l->weight->shape[0], 1, 1, 1)));
    rlc_tensor *bias = l->bias != NULL ? rlc_add(rlc_mul(l->bias, factor), summand) : summand;
    rlc_out(next, td, 0, rlc_conv2d(rlc_images_input(self, td), weight, bias, how));
    return true;
}

static void transposed_forward(rlc_module *self, rlc_dict *td) {
    const Conv2d *m = (const Conv2d *)self;
    rlc_tensor *x = rlc_images_input(self, td);
    rlc_out(self, td, 0, rlc_conv_transpose2d(x, m->layer.weight, m->layer.bias, m->layer.how));
}

const rlc_module_class rlc_conv2d_class = {
    .base = RLC_CLASS("module", Conv2d, .doc = "a convolution of images", .options = conv_options),
    .in_keys = {"pixels"},
    .init = conv_init,
    .forward = conv_forward,
    .forward_with = conv_forward_with,
};

const rlc_module_class rlc_conv_transpose2d_class = {
    .base = RLC_CLASS("module", ConvTranspose2d, .doc = "a transposed convolution, which makes images larger",
                      .options = transposed_options),
    .in_keys = {"pixels"},
    .init = transposed_init,
    .forward = transposed_forward,
};

typedef struct MaxPool2d {
    rlc_module base;
    rlc_ints kernel_size, stride, padding, dilation;
    bool ceil_mode, count_include_pad;
    rlc_pool how;
} MaxPool2d;

typedef MaxPool2d AvgPool2d;

#define POOL_OPTIONS                                                                                                   \
    PAIR(MaxPool2d, kernel_size, NULL, 1, "rows and columns of a window; one number for both", .required = true),      \
        PAIR(MaxPool2d, stride, NULL, 1, "rows and columns from one window to the next; kernel_size unless given"),    \
        PAIR(MaxPool2d, padding, "0", 0, "rows and columns around the image, at most half of kernel_size"),            \
        RLC_BOOL_OPTION(MaxPool2d, ceil_mode, false, "windows may begin inside and end outside")

static const rlc_option max_options[] = {
    POOL_OPTIONS,
    PAIR(MaxPool2d, dilation, "1", 1, "rows and columns from one number of a window to the next"),
    {0},
};

static const rlc_option avg_options[] = {
    POOL_OPTIONS,
    RLC_BOOL_OPTION(MaxPool2d, count_include_pad, true, "the padding's zeros count in the mean"),
    {0},
};

static void pool_init(rlc_module *self, const rlc_build *build) {
    MaxPool2d *m = (MaxPool2d *)self;
    (void)build;
    m->how.ceil_mode = m->ceil_mode;
    m->how.exclude_padding = !m->count_include_pad;
    (void)(rlc_images_pair(self, "kernel_size", &m->kernel_size, 0, m->how.kernel) &&
           rlc_images_pair(self, "stride", &m->stride, 0, m->how.stride) &&
           rlc_images_pair(self, "padding", &m->padding, 0, m->how.padding) &&
           rlc_images_pair(self, "dilation", &m->dilation, 1, m->how.dilation));
}

static void max_forward(rlc_module *self, rlc_dict *td) {
    rlc_out(self, td, 0, rlc_max_pool2d(rlc_images_input(self, td), ((const MaxPool2d *)self)->how));
}

static void avg_forward(rlc_module *self, rlc_dict *td) {
    rlc_out(self, td, 0, rlc_avg_pool2d(rlc_images_input(self, td), ((const AvgPool2d *)self)->how));
}

const rlc_module_class rlc_max_pool2d_class = {
    .base = RLC_CLASS("module", MaxPool2d, .doc = "the largest number of each window", .options = max_options),
    .in_keys = {"pixels"},
    .init = pool_init,
    .forward = max_forward,
};

const rlc_module_class rlc_avg_pool2d_class = {
    .base = RLC_CLASS("module", AvgPool2d, .doc = "the mean of each window", .options = avg_options),
    .in_keys = {"pixels"},
    .init = pool_init,
    .forward = avg_forward,
};

typedef struct AdaptiveAvgPool2d {
    rlc_module base;
    rlc_ints output_size;
    int64_t size[2];
} AdaptiveAvgPool2d;

static const rlc_option adaptive_options[] = {
    PAIR(AdaptiveAvgPool2d, output_size, NULL, 1, "rows and columns that come out; one number for both",
         .required = true),
    {0},
};

static void adaptive_init(rlc_module *self, const rlc_build *build) {
    AdaptiveAvgPool2d *m = (AdaptiveAvgPool2d *)self;
    (void)build;
    rlc_images_pair(self, "output_size", &m->output_size, 0, m->size);
}

static void adaptive_forward(rlc_module *self, rlc_dict *td) {
    const AdaptiveAvgPool2d *m = (const AdaptiveAvgPool2d *)self;
    rlc_out(self, td, 0, rlc_adaptive_avg_pool2d(rlc_images_input(self, td), m->size[0], m->size[1]));
}

const rlc_module_class rlc_adaptive_avg_pool2d_class = {
    .base = RLC_CLASS("module", AdaptiveAvgPool2d, .doc = "means of windows that divide an image evenly",
                      .options = adaptive_options),
    .in_keys = {"pixels"},
    .init = adaptive_init,
    .forward = adaptive_forward,
};

typedef struct Flatten {
    rlc_module base;
    int start_dim, end_dim;
} Flatten;

static const rlc_option flatten_options[] = {
    RLC_INT(Flatten, start_dim, 1, 1, RLC_MAX_DIMS, "the first dimension; 1 is the first behind those of the batch"),
    RLC_INT(Flatten, end_dim, -1, -RLC_MAX_DIMS, RLC_MAX_DIMS, "the last one; -1 is the last there is"),
    {0},
};

/* All dimensions of the batch count as one, as they would be in PyTorch. */
static void flatten_forward(rlc_module *self, rlc_dict *td) {
    const Flatten *m = (const Flatten *)self;
    const int batch = td->batch.ndim, end = m->end_dim;
    rlc_out(self, td, 0, rlc_flatten(rlc_in(self, td, 0), batch + m->start_dim - 1, end < 0 ? end : batch + end - 1));
}

const rlc_module_class rlc_flatten_class = {
    .base = RLC_CLASS("module", Flatten, .doc = "several dimensions as one", .options = flatten_options),
    .in_keys = {"pixels"},
    .forward = flatten_forward,
};
