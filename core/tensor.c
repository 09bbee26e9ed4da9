#include "core/tensor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/device.h"
#include "core/program.h"

static const struct {
    const char *name;
    size_t size;
} dtypes[RLC_DTYPE_COUNT] = {
    [RLC_BOOL] = {"bool", 1}, [RLC_U8] = {"uint8", 1},    [RLC_I32] = {"int32", 4},
    [RLC_I64] = {"int64", 8}, [RLC_F32] = {"float32", 4}, [RLC_F64] = {"float64", 8},
};

size_t rlc_dtype_size(rlc_dtype dtype) {
    return dtypes[dtype].size;
}

const char *rlc_dtype_name(rlc_dtype dtype) {
    return dtypes[dtype].name;
}

int64_t rlc_shape_numel(rlc_shape shape) {
    int64_t numel = 1; /* of the sizes that are not 0: strides must fit even where there are no elements */
    bool empty = false;
    for (int i = 0; i < shape.ndim; i++) {
        empty = empty || shape.size[i] == 0;
        if (shape.size[i] < 0 || __builtin_mul_overflow(numel, shape.size[i] != 0 ? shape.size[i] : 1, &numel)) {
            return -1;
        }
    }
    return empty ? 0 : numel;
}

bool rlc_shape_equal(rlc_shape a, rlc_shape b) {
    return a.ndim == b.ndim && memcmp(a.size, b.size, (size_t)a.ndim * sizeof a.size[0]) == 0;
}

rlc_shape rlc_shape_concat(rlc_shape a, rlc_shape b) {
    for (int i = 0; i < b.ndim && a.ndim < RLC_MAX_DIMS; i++) {
        a.size[a.ndim++] = b.size[i];
    }
    return a;
}

const char *rlc_shape_text(rlc_shape shape, char text[RLC_SHAPE_TEXT]) {
    int length = snprintf(text, RLC_SHAPE_TEXT, "[");
    for (int i = 0; i < shape.ndim; i++) {
        length += snprintf(text + length, (size_t)(RLC_SHAPE_TEXT - length), i > 0 ? ", %lld" : "%lld",
                           (long long)shape.size[i]);
    }
    snprintf(text + length, (size_t)(RLC_SHAPE_TEXT - length), "]");
    return text;
}

int64_t rlc_size(const rlc_tensor *tensor, int dim) {
    if (tensor == NULL || dim < -tensor->ndim || dim >= tensor->ndim) {
        return 0;
    }
    return tensor->shape[dim < 0 ? dim + tensor->ndim : dim];
}

rlc_tensor *rlc_tensor_over(rlc_device *device, rlc_dtype dtype, rlc_shape shape, void *data) {
    rlc_tensor *t = rlc_calloc(1, sizeof *t);
    if (t == NULL) {
        return NULL;
    }
    rlc__tensor_layout(t, dtype, shape.ndim, shape.size);
    t->device = device;
    t->node = -1;
    t->data = data;
    return t;
}

rlc_tensor *rlc_tensor_new(rlc_device *device, rlc_dtype dtype, rlc_shape shape) {
    int64_t numel = rlc_shape_numel(shape);
    int64_t bytes = 0;
    if (numel < 0 || __builtin_mul_overflow(numel, (int64_t)rlc_dtype_size(dtype), &bytes)) {
        char text[RLC_SHAPE_TEXT];
        rlc_fail(RLC_INVALID, "a tensor of shape %s is too large", rlc_shape_text(shape, text));
        return NULL;
    }
    void *data = device->memory.alloc(device->memory.self, bytes > 0 ? (size_t)bytes : 1);
    rlc_tensor *t = data != NULL ? rlc_tensor_over(device, dtype, shape, data) : NULL;
    if (t == NULL) {
        device->memory.free(device->memory.self, data);
        return NULL;
    }
    t->flags |= RLC_OWNS_DATA;
    return t;
}

void rlc_tensor_free(rlc_tensor *tensor) {
    if (tensor == NULL) {
        return;
    }
    if (tensor->flags & RLC_OWNS_DATA) {
        tensor->device->memory.free(tensor->device->memory.self, tensor->data);
    }
    if (tensor->flags & RLC_OWNS_GRAD) {
        rlc_tensor_free(tensor->grad);
    }
    free(tensor);
}

/* Whether `t` is a root that has memory; if not, says what it is, after the name of the call. */
static rlc_status check_root(const char *call, const rlc_tensor *t) {
    if (t == NULL) {
        return rlc_fail(RLC_INVALID, "%s: the tensor is NULL", call);
    }
    if (t->program != NULL) {
        return rlc_fail(RLC_INVALID, "%s: the tensor belongs to program '%s'; this call is for roots (rlc_tensor_new)",
                        call, t->program->name);
    }
    if (t->data == NULL) {
        return rlc_fail(RLC_INVALID, "%s: the tensor has no data; parameters get it from rlc_model_allocate", call);
    }
    return RLC_OK;
}

rlc_status rlc_requires_grad(rlc_tensor *root) {
    RLC_TRY(check_root("rlc_requires_grad", root));
    if (!rlc_dtype_is_float((rlc_dtype)root->dtype)) {
        return rlc_fail(RLC_INVALID, "only float tensors can require a gradient, not %s",
                        rlc_dtype_name((rlc_dtype)root->dtype));
    }
    if (root->grad == NULL) {
        root->grad = rlc_tensor_new(root->device, (rlc_dtype)root->dtype, rlc_shape_of(root));
        if (root->grad == NULL) {
            return rlc_error_status();
        }
        root->flags |= RLC_OWNS_GRAD;
    }
    root->flags |= RLC_REQUIRES_GRAD;
    return RLC_OK;
}

static size_t bytes_of(const rlc_tensor *t) {
    return (size_t)t->numel * rlc_dtype_size((rlc_dtype)t->dtype);
}

rlc_status rlc_tensor_write(rlc_tensor *root, const void *from) {
    RLC_TRY(check_root("rlc_tensor_write", root));
    return root->device->from_host(root->device, root->data, from, bytes_of(root));
}

rlc_status rlc_tensor_read(const rlc_tensor *root, void *to) {
    RLC_TRY(check_root("rlc_tensor_read", root));
    return root->device->to_host(root->device, to, root->data, bytes_of(root));
}
