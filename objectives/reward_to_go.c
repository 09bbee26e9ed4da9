/* reward_to_go.c: Reward2Go: advantages without a critic, from the rewards that followed each step. */
#include "objectives/estimators.h"

#include "objectives/values.h"

typedef struct Reward2Go {
    rlc_module base;
    double gamma;
    int baseline;
} Reward2Go;

enum { NO_BASELINE, MEAN };
enum { REWARD, DONE };

static const rlc_option options[] = {
    RLC_FLOAT(Reward2Go, gamma, 1, 0, 1, "discount of a step"),
    RLC_ENUM(Reward2Go, baseline, "none", "none|mean", "mean: advantages are rewards to go above the batch's mean one"),
    {0},
};

static void forward(rlc_module *self, rlc_dict *td) {
    const Reward2Go *m = (const Reward2Go *)self;
    bool was = rlc_no_grad(true);
    rlc_tensor *to_go = rlc_reward_to_go(rlc_in(self, td, REWARD), rlc_in(self, td, DONE), m->gamma);
    rlc_out(self, td, 0, m->baseline == MEAN ? rlc_sub(to_go, rlc_mean(to_go, RLC_ALL, false)) : to_go);
    rlc_out(self, td, 1, to_go);
    rlc_no_grad(was);
}

const rlc_module_class rlc_reward2go_class = {
    .base =
        RLC_CLASS("module", Reward2Go, .doc = "advantages from rewards to go, without a critic", .options = options),
    .in_keys = {"next.reward", "next.done"},
    .out_keys = {"advantage", "value_target"},
    .forward = forward,
};
