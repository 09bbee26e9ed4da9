#include "objectives/values.h"

#include <math.h>

#include "core/record.h"

enum { TIME = -2 };

rlc_tensor *rlc_td0(rlc_tensor *reward, rlc_tensor *terminated, rlc_tensor *next_value, double gamma) {
    rlc_tensor *worth = rlc_where(terminated, rlc_scalar(0), rlc_mul_scalar(next_value, gamma));
    return rlc_add(reward, worth);
}

/* What an estimate reads, under the names that messages call it. */
typedef struct operand {
    const char *name;
    rlc_tensor *tensor;
} operand;

/* Whether an operand has the shape of the first, and its type unless it is a flag. */
static bool is_like(const char *what, const operand *x, const operand *first) {
    char tx[RLC_SHAPE_TEXT], tf[RLC_SHAPE_TEXT];
    rlc_dtype dtype = (rlc_dtype)x->tensor->dtype, wanted = (rlc_dtype)first->tensor->dtype;
    if (!rlc__same_shape(x->tensor, first->tensor)) {
        rlc__op_fail(what, "%s has shape %s, but %s has %s", x->name, rlc_shape_text(rlc_shape_of(x->tensor), tx),
                     first->name, rlc_shape_text(rlc_shape_of(first->tensor), tf));
        return false;
    }
    if (dtype != wanted && dtype != RLC_BOOL) {
        rlc__op_fail(what, "%s is %s, but %s is %s", x->name, rlc_dtype_name(dtype), first->name,
                     rlc_dtype_name(wanted));
        return false;
    }
    return true;
}

/* Whether all operands are there and like the first, numbers for steps. */
static bool are_steps(const char *what, const operand *operands, int count) {
    const rlc_tensor *first = operands[0].tensor;
    if (rlc__require_program(what) == NULL) {
        return false;
    }
    for (int i = 0; i < count; i++) {
        if (operands[i].tensor == NULL || first == NULL || !is_like(what, &operands[i], operands)) {
            return false;
        }
    }
    if (!rlc_dtype_is_float((rlc_dtype)first->dtype)) {
        rlc__op_fail(what, "%s is %s; it must be of a float type", operands[0].name,
                     rlc_dtype_name((rlc_dtype)first->dtype));
        return false;
    }
    if (first->ndim < 2 || rlc_size(first, TIME) == 0) {
        char text[RLC_SHAPE_TEXT];
        rlc__op_fail(what, "%s has shape %s; it must be [*batch, T, 1] with at least one step", operands[0].name,
                     rlc_shape_text(rlc_shape_of(first), text));
        return false;
    }
    return true;
}

/* `then` where a flag is set, else `otherwise`, as numbers of the type of `like`. */
static rlc_tensor *choose(rlc_tensor *flag, const rlc_tensor *like, double then, double otherwise) {
    rlc_dtype dtype = (rlc_dtype)like->dtype;
    return rlc_where(flag, rlc_full(dtype, (rlc_shape){0}, then), rlc_full(dtype, (rlc_shape){0}, otherwise));
}

static rlc_tensor *zero_where(rlc_tensor *flag, rlc_tensor *x) {
    return rlc_where(flag, rlc_scalar(0), x);
}

static rlc_tensor *last_step(rlc_tensor *x) {
    return rlc_slice(x, TIME, rlc_size(x, TIME) - 1, 1);
}

static void set(rlc_tensor **place, rlc_tensor *tensor) {
    if (place != NULL) {
        *place = tensor;
    }
}

/* r + gamma V' - V */
static rlc_tensor *surprise(const rlc_trajectory *s, rlc_tensor *next_value, double gamma) {
    return rlc_sub(rlc_td0(s->reward, s->terminated, next_value, gamma), s->value);
}

/* G[t] = a[t] + gamma lmbda G[t+1]. Behind an end there is no G, and V' has all the weight; behind the last step
 * the scan finds V' in the place of G. */
static rlc_tensor *lambda_return(const char *what, const rlc_trajectory *s, double gamma, double lmbda) {
    const operand operands[] = {
        {"reward", s->reward}, {"done", s->done}, {"terminated", s->terminated}, {"next_value", s->next_value}};
    if (!are_steps(what, operands, RLC_COUNT(operands))) {
        return NULL;
    }
    bool was = rlc_no_grad(true);
    rlc_tensor *next_value = zero_where(s->terminated, s->next_value);
    rlc_tensor *weight = choose(s->done, s->reward, gamma, gamma * (1 - lmbda));
    rlc_tensor *a = rlc_add(s->reward, rlc_mul(weight, next_value));
    rlc_tensor *out = rlc_discounted_scan(a, choose(s->done, s->reward, 0, gamma * lmbda), last_step(next_value), TIME);
    rlc_no_grad(was);
    return out;
}

rlc_tensor *rlc_td_lambda(const rlc_trajectory *steps, double gamma, double lmbda) {
    return lambda_return("td_lambda", steps, gamma, lmbda);
}

rlc_tensor *rlc_td1(const rlc_trajectory *steps, double gamma) {
    return lambda_return("td1", steps, gamma, 1);
}

rlc_tensor *rlc_reward_to_go(rlc_tensor *reward, rlc_tensor *done, double gamma) {
    const operand operands[] = {{"reward", reward}, {"done", done}};
    if (!are_steps("reward_to_go", operands, RLC_COUNT(operands))) {
        return NULL;
    }
    bool was = rlc_no_grad(true);
    rlc_tensor *out = rlc_discounted_scan(reward, choose(done, reward, 0, gamma), NULL, TIME);
    rlc_no_grad(was);
    return out;
}

rlc_tensor *rlc_gae(const rlc_trajectory *s, double gamma, double lmbda, rlc_tensor **target) {
    const operand operands[] = {{"reward", s->reward},
                                {"done", s->done},
                                {"terminated", s->terminated},
                                {"value", s->value},
                                {"next_value", s->next_value}};
    set(target, NULL);
    if (!are_steps("gae", operands, RLC_COUNT(operands))) {
        return NULL;
    }
    bool was = rlc_no_grad(true);
    rlc_tensor *keep = choose(s->done, s->reward, 0, gamma * lmbda);
    rlc_tensor *advantage = rlc_discounted_scan(surprise(s, s->next_value, gamma), keep, NULL, TIME);
    set(target, rlc_add(advantage, s->value));
    rlc_no_grad(was);
    return advantage;
}

/* v[t+1], and V' behind an end. */
static rlc_tensor *next_of(const rlc_trajectory *s, rlc_tensor *v) {
    int64_t rest = rlc_size(v, TIME) - 1;
    rlc_tensor *shifted[] = {rest >= 0 ? rlc_slice(v, TIME, 1, rest) : NULL, last_step(s->next_value)};
    return rlc_where(s->done, s->next_value, rlc_concatenate(shifted, 2, TIME));
}

rlc_tensor *rlc_vtrace(const rlc_trajectory *s, rlc_tensor *log_pi, rlc_tensor *log_mu, double gamma,
                       double rho_threshold, double c_threshold, rlc_tensor **target) {
    const operand operands[] = {{"reward", s->reward},
                                {"done", s->done},
                                {"terminated", s->terminated},
                                {"value", s->value},
                                {"next_value", s->next_value},
                                {"log_pi", log_pi},
                                {"log_mu", log_mu}};
    set(target, NULL);
    if (!are_steps("vtrace", operands, RLC_COUNT(operands))) {
        return NULL;
    }
    bool was = rlc_no_grad(true);
    rlc_tensor *ratio = rlc_exp(rlc_sub(log_pi, log_mu));
    rlc_tensor *rho = rlc_clamp(ratio, -INFINITY, rho_threshold);
    rlc_tensor *keep = rlc_mul(choose(s->done, s->reward, 0, gamma), rlc_clamp(ratio, -INFINITY, c_threshold));
    rlc_tensor *correction = rlc_discounted_scan(rlc_mul(rho, surprise(s, s->next_value, gamma)), keep, NULL, TIME);
    rlc_tensor *v = rlc_add(correction, s->value);
    rlc_tensor *advantage = rlc_mul(rho, surprise(s, next_of(s, v), gamma));
    set(target, v);
    rlc_no_grad(was);
    return advantage;
}
