/* time_aware.c: a transform of one's own: the observation gets one more number, the share of the episode's steps that
 * have been made (Pardo et al., "Time Limits in Reinforcement Learning", ICML 2018), so that a policy can see its end
 * coming.
 *
 *     cc -shared -fPIC time_aware.c $(pkg-config --cflags rlc) -o time_aware.so
 *
 * examples/time_aware.yaml trains with it.
 */
#include <rlc.h>

typedef struct {
    rlc_transform base; /* first */
    double limit;       /* steps that make 1; 0 for the environment's own limit */
} TimeAware;

static const rlc_option options[] = {
    RLC_FLOAT(TimeAware, limit, 0, 0, 1e15, "steps that make 1; 0 for the environment's own limit"),
    {0},
};

static void init(rlc_transform *self, rlc_env *env) {
    TimeAware *t = (TimeAware *)self;
    t->limit = t->limit > 0 ? t->limit : (double)env->max_episode_steps;
    if (t->limit <= 0) {
        rlc_fail(RLC_INVALID, "TimeAware: the episodes of %s have no limit; give one", env->type->base.name);
    }
}

/* The environment counts the steps of each row's episode: they are 0 again once it has been reset. */
static void add_time(rlc_transform *self, rlc_dict *td) {
    rlc_tensor *share = rlc_mul_scalar(rlc_cast(self->env->elapsed, RLC_F32), 1 / ((TimeAware *)self)->limit);
    rlc_tensor *parts[] = {rlc_dict_get(td, "observation"), rlc_unsqueeze(share, -1)};
    rlc_dict_set(td, "observation", rlc_concatenate(parts, 2, -1));
}

static void step(rlc_transform *self, const rlc_dict *td, rlc_dict *next) {
    (void)td;
    add_time(self, next);
}

static void reset(rlc_transform *self, rlc_dict *root, rlc_tensor *rows) {
    (void)rows; /* what becomes of the other rows is dropped */
    add_time(self, root);
}

static const rlc_transform_class time_aware = {
    .base = RLC_CLASS("transform", TimeAware, .doc = "adds the share of the episode that is over", .options = options),
    .init = init,
    .reset = reset,
    .step = step,
};

RLC_PLUGIN(registry) {
    return rlc_register(registry, &time_aware.base);
}
