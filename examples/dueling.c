/* dueling.c: a module of one's own: Q = V + A - mean A (Wang et al., "Dueling network architectures", ICML 2016).
 *
 *     cc -shared -fPIC dueling.c $(pkg-config --cflags rlc) -o dueling.so
 *
 * examples/dueling.yaml trains with it.
 */
#include <rlc.h>

typedef struct {
    rlc_module base; /* first */
    int hidden;      /* filled from the recipe */
    rlc_linear body, value, advantage;
} Dueling;

static const rlc_option options[] = {
    RLC_INT(Dueling, hidden, 64, 1, 4096, "width of the shared layer"),
    {0},
};

static void init(rlc_module *self, const rlc_build *b) {
    Dueling *m = (Dueling *)self;
    m->body = rlc_linear_new(self, "body", rlc_size(rlc_in(self, b->example, 0), -1), m->hidden);
    m->value = rlc_linear_new(self, "value", m->hidden, 1);
    m->advantage = rlc_linear_new(self, "advantage", m->hidden, rlc_spec_size(b->action));
}

static void forward(rlc_module *self, rlc_dict *td) {
    Dueling *m = (Dueling *)self;
    rlc_tensor *h = rlc_linear_apply(&m->body, rlc_in(self, td, 0), RLC_RELU);
    rlc_tensor *a = rlc_linear_apply(&m->advantage, h, RLC_IDENTITY);
    rlc_tensor *v = rlc_linear_apply(&m->value, h, RLC_IDENTITY);
    rlc_out(self, td, 0, rlc_add(v, rlc_sub(a, rlc_mean(a, -1, true))));
}

static const rlc_module_class dueling = {
    .base = RLC_CLASS("module", Dueling, .doc = "dueling Q head", .options = options),
    .in_keys = {"observation"},
    .out_keys = {"action_value"},
    .init = init,
    .forward = forward,
};

RLC_PLUGIN(registry) {
    return rlc_register(registry, &dueling.base);
}
