/* cart_crop.c: the part of CartPole's picture around the cart, as PyTorch's DQN tutorial cuts it out (Paszke and Towers,
 * "Reinforcement Learning (DQN) Tutorial", get_screen): from 40% to 80% of the height, and 60% of the width, centred on
 * the cart as far as the picture reaches. Where the cart is, is the first number of `state_key`. */
#include "envs/image.h"

typedef struct CartCrop {
    rlc_transform base;
    double top, bottom, width, x_threshold;
    const char *state_key;
    rlc_strings in_keys, out_keys;
} CartCrop;

static const rlc_option options[] = {
    RLC_FLOAT(CartCrop, top, 0.4, 0, 1, "where the part begins, of the height"),
    RLC_FLOAT(CartCrop, bottom, 0.8, 0, 1, "where it ends"),
    RLC_FLOAT(CartCrop, width, 0.6, 0, 1, "its width, of the picture's"),
    RLC_FLOAT(CartCrop, x_threshold, 2.4, 0, 1e9, "the cart's position at the edge of the picture"),
    RLC_STRING(CartCrop, state_key, "observation", "the entry whose first number is the cart's position"),
    RLC_IMAGE_KEYS(CartCrop),
    {0},
};

static void init(rlc_transform *self, rlc_env *env) {
    const CartCrop *c = (const CartCrop *)self;
    (void)env;
    if (!(c->top < c->bottom) || !(c->width > 0) || !(c->x_threshold > 0)) {
        rlc_value_fail(self->options, "%s: top (%g) must be above bottom (%g); width (%g) and x_threshold (%g) above 0",
                       self->path, c->top, c->bottom, c->width, c->x_threshold);
        return;
    }
    self->also = rlc_key_intern(c->state_key);
    rlc_transform_reads(self, c->in_keys, c->out_keys);
}

/* The first column of each picture's part, int64 [N, 1, 1]. */
static rlc_tensor *first_columns(const CartCrop *c, rlc_tensor *state, int64_t columns, int64_t view) {
    rlc_tensor *x = rlc_cast(rlc_slice(rlc_reshape(state, RLC_SHAPE(state->shape[0], -1)), 1, 0, 1), RLC_F64);
    rlc_tensor *middle = rlc_add_scalar(rlc_mul_scalar(x, (double)columns / (2 * c->x_threshold)), (double)columns / 2);
    rlc_tensor *first = rlc_add_scalar(rlc_cast(middle, RLC_I64), -(double)(view / 2));
    return rlc_unsqueeze(rlc_clamp(first, 0, (double)(columns - view)), -1);
}

/* 0, step, 2 step, ... along one of three dimensions. */
static rlc_tensor *steps(int dim, int64_t count, int64_t step) {
    rlc_shape shape = RLC_SHAPE(1, 1, 1);
    shape.size[dim] = count;
    return rlc_reshape(rlc_mul_scalar(rlc_arange(RLC_I64, count), (double)step), shape);
}

/* Pixels become rows of a table, from which an index takes each picture's part; drawn pictures lie in memory that way. */
static rlc_tensor *cut(const CartCrop *c, rlc_tensor *x, rlc_tensor *state) {
    const int64_t n = x->shape[0], channels = x->shape[1], rows = x->shape[2], columns = x->shape[3];
    const int64_t top = (int64_t)((double)rows * c->top), view = (int64_t)((double)columns * c->width);
    const int64_t height = (int64_t)((double)rows * c->bottom) - top;
    if (height < 1 || view < 1) {
        char text[RLC_SHAPE_TEXT];
        return rlc__op_fail(c->base.type->base.name, "nothing is left of pictures of %s",
                            rlc_shape_text(rlc_shape_of(x), text));
    }
    rlc_tensor *pixels =
        rlc_reshape(rlc_permute(x, (const int[]){0, 2, 3, 1}), RLC_SHAPE(n * rows * columns, channels));
    rlc_tensor *corner = rlc_add(rlc_add_scalar(first_columns(c, state, columns, view), (double)(top * columns)),
                                 steps(0, n, rows * columns));
    rlc_tensor *index = rlc_add(rlc_add(corner, steps(1, height, columns)), steps(2, view, 1));
    x = rlc_index_select(pixels, rlc_reshape(index, RLC_SHAPE(-1)));
    x = rlc_reshape(x, RLC_SHAPE(n, height, view, channels));
    return x != NULL ? rlc_permute(x, (const int[]){0, 3, 1, 2}) : NULL;
}

/* A cart has one picture. */
static bool one_each(const rlc_transform *self, const rlc_tensor *x) {
    char text[RLC_SHAPE_TEXT];
    if (x->ndim != 4) {
        rlc__op_fail(self->type->base.name, "there is one picture for each cart, [N, C, H, W], but this is %s",
                     rlc_shape_text(rlc_shape_of(x), text));
    }
    return x->ndim == 4;
}

static void apply(rlc_transform *self, rlc_dict *dict) {
    rlc_tensor *state = rlc_dict_get_key(dict, self->also);
    for (int i = 0; i < self->entries.count && state != NULL; i++) {
        rlc_tensor *x = rlc_dict_get_key(dict, self->entries.in[i]);
        if (x != NULL && (!rlc__image_check_planes(self, x) || !one_each(self, x))) {
            return;
        }
        rlc_dict_set_key(dict, self->entries.out[i], x != NULL ? cut((const CartCrop *)self, x, state) : NULL);
    }
}

const rlc_transform_class rlc_cart_crop_class = {
    .base = RLC_CLASS("transform", CartCrop, .doc = "the part of a picture around CartPole's cart", .options = options),
    .init = init,
    .apply = apply,
};
