/* tensordict_primer.c: entries that a policy writes for its own next step, the state of a recurrent network: a reset clears
 * them, a step takes over what the policy wrote under `next`, or where it wrote nothing what there was.
 *
 * TorchRL's default_value is left out: its recurrent modules, as ours, act from zeros where an episode begins but learn from
 * what the primer wrote there, so any other value is one that training sees and acting does not.
 */
#include "envs/transform.h"

typedef struct primer {
    const rlc_key *key;
    rlc_shape shape; /* behind the batch's */
} primer;

typedef struct TensorDictPrimer {
    rlc_transform base;
    const rlc_value *primers;
    primer *entries;
    int count;
} TensorDictPrimer;

static const rlc_option options[] = {
    RLC_VALUE(TensorDictPrimer, primers, "the entries and their sizes, {recurrent_state_h: [1, 64]}", .required = true),
    {0},
};

/* The sizes of an entry; false with an error. */
static bool read_shape(const rlc_transform *self, const char *name, const rlc_value *value, rlc_shape *shape) {
    char text[64];
    bool good = value->kind == RLC_LIST && value->count < RLC_MAX_DIMS;
    for (int i = 0; good && i < value->count; i++) {
        int64_t size;
        good = rlc_value_integer(value->items[i], &size) && size >= 1 && size <= 1 << 24;
        shape->size[shape->ndim++] = good ? size : 0;
    }
    if (!good) {
        rlc_value_fail(value, "%s: primers.%s must be a list of sizes, [1, 64], not %s", self->path, name,
                       rlc_value_describe(value, text));
    }
    return good;
}

static void init(rlc_transform *self, rlc_env *env) {
    TensorDictPrimer *t = (TensorDictPrimer *)self;
    const rlc_value *primers = t->primers;
    char text[64];
    if (primers->kind != RLC_MAP || primers->count == 0) {
        rlc_value_fail(primers,
                       "%s: primers must be a map of entries and their sizes, {recurrent_state_h: [1, 64]}, not %s",
                       self->path, rlc_value_describe(primers, text));
        return;
    }
    t->entries = rlc_arena_calloc(&env->arena, (size_t)primers->count * sizeof *t->entries);
    for (int i = 0; t->entries != NULL && i < primers->count; i++) {
        t->entries[i].key = rlc_key_intern(primers->keys[i]);
        if (!read_shape(self, primers->keys[i], primers->items[i], &t->entries[i].shape)) {
            return;
        }
        t->count++;
    }
}

static void reset(rlc_transform *self, rlc_dict *root, rlc_tensor *rows) {
    const TensorDictPrimer *t = (const TensorDictPrimer *)self;
    (void)rows;
    for (int i = 0; i < t->count; i++) {
        rlc_shape shape = rlc_shape_concat(RLC_SHAPE(self->env->num_envs), t->entries[i].shape);
        rlc_dict_set_key(root, t->entries[i].key, rlc_zeros(RLC_F32, shape));
    }
}

static void step(rlc_transform *self, const rlc_dict *td, rlc_dict *next) {
    const TensorDictPrimer *t = (const TensorDictPrimer *)self;
    for (int i = 0; i < t->count; i++) {
        if (rlc_dict_find_key(next, t->entries[i].key) == NULL) {
            rlc_dict_set_key(next, t->entries[i].key, rlc_dict_get_key(td, t->entries[i].key));
        }
    }
}

const rlc_transform_class rlc_tensordict_primer_class = {
    .base = RLC_CLASS("transform", TensorDictPrimer, .doc = "keeps a place for what a policy hands on to its next step",
                      .options = options),
    .init = init,
    .reset = reset,
    .step = step,
};
