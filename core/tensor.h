/* tensor.h: an n-dimensional array: where its numbers lie, their type, shape and strides.
 *
 * There are two kinds. A root (a parameter, a buffer, an environment's state) is made by rlc_tensor_new and lives until
 * rlc_tensor_free. Everything that an op returns lives in the arena of the program that was open (program.h), together
 * with its data, and is gone when that program begins again. Views share the data of what they look at.
 *
 * Shapes have at most RLC_MAX_DIMS dimensions; sizes and strides count elements; a dimension may have size 0.
 *
 *     rlc_tensor *w = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(84, 120));
 *     rlc_tensor_free(w);
 */
#ifndef RLC_TENSOR_H
#define RLC_TENSOR_H

#include "core/base.h"

RLC_BEGIN

enum { RLC_MAX_DIMS = 8 };

/* In the order of promotion: an op on two types works in the later one. */
typedef enum rlc_dtype { RLC_BOOL, RLC_U8, RLC_I32, RLC_I64, RLC_F32, RLC_F64, RLC_DTYPE_COUNT } rlc_dtype;

size_t rlc_dtype_size(rlc_dtype dtype);
const char *rlc_dtype_name(rlc_dtype dtype); /* "float32", as PyTorch says it */
static inline bool rlc_dtype_is_float(rlc_dtype dtype) {
    return dtype >= RLC_F32;
}

typedef struct rlc_shape {
    int ndim;
    int64_t size[RLC_MAX_DIMS];
} rlc_shape;

#ifdef __cplusplus
RLC_END
template <typename... sizes> static inline rlc_shape rlc_shape_from(sizes... size) {
    return rlc_shape{(int)sizeof...(size), {(int64_t)size...}};
}
#define RLC_SHAPE(...) rlc_shape_from(__VA_ARGS__)
RLC_BEGIN
#else
#define RLC_SHAPE(...) ((rlc_shape){(int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}})
#endif

typedef struct rlc_device rlc_device;
typedef struct rlc_program rlc_program;
typedef struct rlc_tensor rlc_tensor;

enum {
    RLC_REQUIRES_GRAD = 1, /* backward() computes a gradient for it */
    RLC_CONTIGUOUS = 2,    /* row-major without gaps */
    RLC_HAS_GRAD = 4,      /* a root whose `grad` holds a gradient since the last rlc_zero_grad */
    RLC_OWNS_DATA = 8,     /* a root that frees its data, */
    RLC_OWNS_GRAD = 16,    /* and its gradient buffer */
    RLC_OF_PARTS = 32,     /* a gradient that the slices of its tensor add theirs to in place, until it is handed on */
    RLC_OWN_PRODUCT = 64,  /* a gradient that the product just recorded computes, for one operand */
};

struct rlc_tensor {
    void *data; /* NULL while a program records shapes only */
    int64_t numel;
    rlc_device *device;
    rlc_program *program; /* NULL for a root */
    rlc_tensor *grad;     /* a root's gradient buffer; for others, used by backward() while it runs */
    int32_t node;         /* index of the node that made it, or -1 */
    uint8_t dtype, ndim, flags;
    uint8_t generation; /* that of the program when it was made: how often it had begun, modulo 256 */
    int64_t shape[RLC_MAX_DIMS], stride[RLC_MAX_DIMS];
};

/* A root, cleared. NULL, with an error recorded, when there is no memory. */
rlc_tensor *rlc_tensor_new(rlc_device *device, rlc_dtype dtype, rlc_shape shape);
void rlc_tensor_free(rlc_tensor *tensor);

/* A root that looks at memory somebody else owns (a range of a flat buffer): freeing it leaves the data alone. */
rlc_tensor *rlc_tensor_over(rlc_device *device, rlc_dtype dtype, rlc_shape shape, void *data);

/* Makes a root take part in autograd, with a gradient buffer of its own unless it already has one. */
rlc_status rlc_requires_grad(rlc_tensor *root);

/* Copies between a root and host memory, at once. For what a program computed, see rlc_read in program.h. */
rlc_status rlc_tensor_write(rlc_tensor *root, const void *from);
rlc_status rlc_tensor_read(const rlc_tensor *root, void *to);

static inline rlc_shape rlc_shape_of(const rlc_tensor *tensor) {
    rlc_shape shape;
    shape.ndim = tensor->ndim;
    for (int i = 0; i < tensor->ndim; i++) {
        shape.size[i] = tensor->shape[i];
    }
    return shape;
}

/* The size of dimension `dim`; -1 is the last one. 0 for a NULL tensor, or a dimension that is not there. */
int64_t rlc_size(const rlc_tensor *tensor, int dim);

bool rlc_shape_equal(rlc_shape a, rlc_shape b);
rlc_shape rlc_shape_concat(rlc_shape a, rlc_shape b);
int64_t rlc_shape_numel(rlc_shape shape); /* -1 when the product does not fit */

/* "[128, 4]" in `text`, which is returned: for messages. */
enum { RLC_SHAPE_TEXT = 192 };
const char *rlc_shape_text(rlc_shape shape, char text[RLC_SHAPE_TEXT]);

/* Fills in numel, shape, row-major strides and the contiguous flag. */
static inline void rlc__tensor_layout(rlc_tensor *t, rlc_dtype dtype, int ndim, const int64_t *size) {
    int64_t numel = 1;
    for (int i = ndim - 1; i >= 0; i--) {
        t->shape[i] = size[i];
        t->stride[i] = numel;
        numel *= size[i];
    }
    t->numel = numel;
    t->dtype = (uint8_t)dtype;
    t->ndim = (uint8_t)ndim;
    t->flags = RLC_CONTIGUOUS;
}

RLC_END

#endif
