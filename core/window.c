#include "core/window.h"

bool rlc__pair_is_sound(const char *op, const char *name, const int64_t pair[2], int64_t least, const char *remark) {
    char text[RLC_SHAPE_TEXT];
    if (pair[0] >= least && pair[1] >= least) {
        return true;
    }
    rlc__op_fail(op, "%s is %s for rows and columns; neither can be less than %lld%s", name,
                 rlc_shape_text(RLC_SHAPE(pair[0], pair[1]), text), (long long)least, remark);
    return false;
}

rlc_tensor *rlc__kernel_too_large(const char *op, const rlc_tensor *x, int d, int64_t kernel, int64_t dilation,
                                  int64_t padding) {
    char text[RLC_SHAPE_TEXT];
    const char *what = rlc__rows_or_columns(d);
    const int64_t size = rlc_size(x, d - 2);
    return rlc__op_fail(op,
                        "the kernel is larger than the input with its padding: it covers %lld %s (kernel %lld, "
                        "dilation %lld) of %lld (input of shape %s, padding %lld on either side); a smaller kernel or "
                        "a larger input is needed",
                        (long long)rlc__span(kernel, dilation), what, (long long)kernel, (long long)dilation,
                        (long long)(size + 2 * padding), rlc_shape_text(rlc_shape_of(x), text), (long long)padding);
}
