#include "collectors/rollout.h"

#include "core/record.h"
#include "envs/keys.h"

rlc_dict *rlc_rollout_step(rlc_env *env, rlc_module *policy, rlc_dict *td) {
    if (policy != NULL) {
        rlc_module_call(policy, td);
    } else {
        rlc_dict_set_key(td, rlc__env_keys()->action,
                         rlc_spec_sample(&env->action, RLC_SHAPE(env->num_envs), env->action_stream));
    }
    return rlc_env_step(env, td);
}

/* Whether any row is done; this reads on the host, so it runs what is recorded. */
static bool any_done(const rlc_dict *td) {
    return rlc_item(rlc_any(rlc_dict_get(td, "next.done"), RLC_ALL, false)) != 0;
}

rlc_dict *rlc_rollout_with(rlc_env *env, rlc_module *policy, int64_t steps, rlc_rollout_options options) {
    rlc_program *p = rlc__require_program("rollout");
    if (p == NULL || steps < 1 || steps > UINT16_MAX) {
        rlc__op_fail("rollout", "the number of steps must be 1 to %d, not %lld", UINT16_MAX, (long long)steps);
        return NULL;
    }
    rlc_dict **taken = rlc__aux(p, (size_t)steps * sizeof *taken);
    bool was = rlc_no_grad(true);
    rlc_dict *td = options.no_reset ? rlc_env_kept(env) : rlc_env_reset(env);
    int count = 0;
    while (taken != NULL && td != NULL && count < steps && p->status == RLC_OK) {
        taken[count++] = td;
        td = rlc_rollout_step(env, policy, td);
        if (td != NULL && !options.keep_going && any_done(taken[count - 1])) {
            break;
        }
    }
    /* before the environment keeps td: the first step may read what was kept */
    rlc_dict *stacked = td != NULL ? rlc_dict_stack(taken, count, 1) : NULL;
    rlc_env_keep(env, td);
    rlc_no_grad(was);
    return stacked;
}

rlc_dict *rlc_rollout(rlc_env *env, rlc_module *policy, int64_t steps) {
    return rlc_rollout_with(env, policy, steps, (rlc_rollout_options){0});
}
