/* resize.c: pictures of another size; resampling.h says what each interpolation is, and whose. Bytes are rounded. */
#include "envs/resampling.h"

#include "envs/image.h"

/* How one dimension of one entry is resized: tables on the device, made when the entry is first seen. */
typedef struct table {
    int64_t from;
    rlc_tensor *first, *weight;
} table;

typedef struct Resize {
    rlc_transform base;
    int w, h, interpolation;
    bool antialias;
    rlc_strings in_keys, out_keys;
    table *tables; /* of the rows, then of the columns, of each entry */
} Resize;

static const rlc_option options[] = {
    RLC_INT(Resize, w, RLC_REQUIRED, 1, 1 << 14, "the new width"),
    RLC_INT(Resize, h, 0, 0, 1 << 14, "the new height; 0: as the width"),
    RLC_ENUM(Resize, interpolation, "bilinear", RLC_INTERPOLATION_NAMES, "how pixels are made of others"),
    RLC_BOOL_OPTION(Resize, antialias, true,
                    "bilinear and bicubic: over all that a new pixel covers (Pillow, torchvision), not between the "
                    "nearest only (OpenCV)"),
    RLC_IMAGE_KEYS(Resize),
    {0},
};

static void init(rlc_transform *self, rlc_env *env) {
    Resize *r = (Resize *)self;
    (void)env;
    r->h = r->h > 0 ? r->h : r->w;
    rlc_transform_reads(self, r->in_keys, r->out_keys);
    r->tables = rlc_arena_calloc(self->arena, 2 * ((size_t)self->entries.count + 1) * sizeof *r->tables);
}

static rlc_tensor *root(const Resize *r, const char *what, int number, rlc_dtype dtype, rlc_shape shape,
                        const void *data) {
    char name[128];
    snprintf(name, sizeof name, "transforms.%d.%s.%d", r->base.index, what, number);
    rlc_tensor *t = rlc_state_tensor(r->base.state, r->base.device, name, dtype, shape);
    return t != NULL && rlc_tensor_write(t, data) == RLC_OK ? t : NULL;
}

static bool make_table(const Resize *r, int number, int64_t from, int64_t to, table *t) {
    rlc_resampling made;
    if (rlc_resampling_make((rlc_interpolation)r->interpolation, r->antialias, from, to, &made) != RLC_OK) {
        return false;
    }
    t->from = from;
    t->first = root(r, "first", number, RLC_I64, RLC_SHAPE(to), made.first);
    t->weight = root(r, "weight", number, RLC_F32, RLC_SHAPE(to, made.taps), made.weight);
    rlc_resampling_free(&made);
    return t->first != NULL && t->weight != NULL;
}

static rlc_tensor *along(const Resize *r, int entry, rlc_tensor *x, int dim, int64_t to) {
    const int number = 2 * entry + (dim == -1);
    const int64_t from = rlc_size(x, dim);
    table *t = &r->tables[number];
    if (x == NULL || from == to) {
        return x;
    }
    if (t->from != 0 && t->from != from) {
        return rlc__op_fail(r->base.path, "a picture of %lld pixels comes after others of %lld", (long long)from,
                            (long long)t->from);
    }
    if (from < 1 || (r->interpolation == RLC_AREA && to > from)) {
        return rlc__op_fail(r->base.path, "area makes pictures smaller, not %lld pixels to %lld; take bilinear",
                            (long long)from, (long long)to);
    }
    return t->from != 0 || make_table(r, number, from, to, t) ? rlc_resample(x, dim, t->first, t->weight) : NULL;
}

/* Rows first: whole lines are added up, and fewer are left for the columns. */
static rlc_tensor *resize(const Resize *r, int entry, rlc_tensor *x) {
    rlc_tensor *y = along(r, entry, rlc__image_open(x), -2, r->h);
    return rlc__image_close(along(r, entry, y, -1, r->w), x, true);
}

static void apply(rlc_transform *self, rlc_dict *dict) {
    for (int i = 0; i < self->entries.count; i++) {
        rlc_tensor *x = rlc_dict_get_key(dict, self->entries.in[i]);
        if (x != NULL && rlc__image_check(self, x)) {
            rlc_dict_set_key(dict, self->entries.out[i], resize((const Resize *)self, i, x));
        }
    }
}

const rlc_transform_class rlc_resize_class = {
    .base = RLC_CLASS("transform", Resize, .doc = "pictures of another size", .options = options),
    .init = init,
    .apply = apply,
};
