#include "objectives/values.h"

rlc_tensor *rlc_td0(rlc_tensor *reward, rlc_tensor *terminated, rlc_tensor *next_value, double gamma) {
    rlc_tensor *worth = rlc_where(terminated, rlc_scalar(0), rlc_mul_scalar(next_value, gamma));
    return rlc_add(reward, worth);
}
