/* to_tensor_image.c: pictures as networks read them: channels first, and float32 from 0 to 1 in place of bytes.
 *
 *     {type: ToTensorImage, in_keys: [pixels], out_keys: [observation]}
 *     {type: ToTensorImage, from_int: false, dtype: uint8}      // channels first, but bytes still: for what follows
 *     {type: ToTensorImage, shape_tolerant: true}               // of pictures that may have channels first already
 */
#include "envs/image.h"

typedef struct ToTensorImage {
    rlc_transform base;
    rlc_strings in_keys, out_keys;
    int from_int, dtype;
    bool shape_tolerant;
} ToTensorImage;

enum { AUTO, ALWAYS, NEVER };
enum { FLOAT32, UINT8 };

static const rlc_option options[] = {
    RLC_IMAGE_KEYS(ToTensorImage),
    RLC_ENUM(ToTensorImage, from_int, "auto", "auto|true|false",
             "divide by 255; auto: unless the entry is of floats already"),
    RLC_ENUM(ToTensorImage, dtype, "float32", "float32|uint8", "the type of what is written"),
    RLC_BOOL_OPTION(ToTensorImage, shape_tolerant, false,
                    "leave the dimensions as they are where the last is not 3: channels come first already"),
    {0},
};

static void init(rlc_transform *self, rlc_env *env) {
    const ToTensorImage *t = (const ToTensorImage *)self;
    (void)env;
    if (t->dtype == UINT8 && t->from_int != NEVER) {
        rlc_value_fail(self->options, "%s: dtype uint8 has no room for numbers from 0 to 1; add from_int: false",
                       self->path);
        return;
    }
    rlc_transform_reads(self, t->in_keys, t->out_keys);
}

static rlc_tensor *convert(rlc_transform *self, rlc_tensor *x) {
    const ToTensorImage *t = (const ToTensorImage *)self;
    if (!rlc__image_check(self, x)) {
        return NULL;
    }
    const bool is_float = rlc_dtype_is_float((rlc_dtype)x->dtype);
    const bool divide = t->from_int == ALWAYS || (t->from_int == AUTO && !is_float);
    if (!t->shape_tolerant || rlc_size(x, -1) == 3) {
        int dims[RLC_MAX_DIMS], n = x->ndim;
        for (int i = 0; i < n; i++) {
            dims[i] = i < n - 3 ? i : i == n - 3 ? n - 1 : i - 1;
        }
        x = rlc_permute(x, dims); /* bytes stay where they are: what cuts a part out moves only that */
    }
    if (divide && x != NULL && x->dtype == RLC_U8) {
        return rlc_from_bytes(x, NULL);
    }
    x = rlc_cast(x, t->dtype == UINT8 ? RLC_U8 : RLC_F32);
    return divide ? rlc_div(x, rlc_scalar(255)) : x;
}

static void apply(rlc_transform *self, rlc_dict *dict) {
    rlc_transform_each(self, dict, convert);
}

const rlc_transform_class rlc_to_tensor_image_class = {
    .base = RLC_CLASS("transform", ToTensorImage, .doc = "pictures channels first, from 0 to 1", .options = options),
    .init = init,
    .apply = apply,
};
