#include "core/program.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/record.h"

__thread rlc_program *rlc__current __attribute__((tls_model("initial-exec")));

enum { FIRST_NODES = 255 };

/* Whose nodes run: not necessarily the program that records. */
static __thread rlc_program *running;

rlc_status rlc_program_new(rlc_device *device, const char *name, rlc_program **program) {
    rlc_program *p = rlc_calloc(1, sizeof *p);
    rlc_node *nodes = rlc_calloc(FIRST_NODES + 1, sizeof *nodes);
    if (p == NULL || nodes == NULL) {
        free(p);
        free(nodes);
        return rlc_error_status();
    }
    p->nodes = nodes;
    p->max_nodes = FIRST_NODES;
    p->device = device;
    p->name = name;
    p->data.memory = &device->memory;
    p->eager = rlc_getenv_flag("RLC_EAGER");
    p->check_nan = rlc_getenv_flag("RLC_CHECK_NAN");
    *program = p;
    return RLC_OK;
}

static void close_program(rlc_program *p) {
    for (rlc_program **link = &rlc__current; *link != NULL; link = &(*link)->outer) {
        if (*link == p) {
            *link = p->outer;
            break;
        }
    }
    p->open = false;
}

void rlc_program_free(rlc_program *p) {
    if (p == NULL) {
        return;
    }
    if (p->open) {
        close_program(p);
    }
    if (p->device->forget != NULL) {
        p->device->forget(p->device, p);
    }
    rlc_arena_free(&p->host);
    rlc_arena_free(&p->data);
    free(p->nodes);
    free(p);
}

void rlc__program_resume(rlc_program *p) {
    if (p->open) {
        close_program(p);
    }
    p->status = RLC_OK;
    p->failed_before = rlc_error_status() != RLC_OK;
    p->where = NULL;
    if (rlc__current != NULL) {
        rlc__flush(rlc__current); /* the inner program may look at what the outer one has recorded */
    }
    p->open = true;
    p->outer = rlc__current;
    rlc__current = p;
}

void rlc_begin(rlc_program *p) {
    rlc_arena_reset(&p->host);
    rlc_arena_reset(&p->data);
    p->num_nodes = p->num_run = 0;
    p->generation++;
    p->exploration = RLC_EXPLORE_RANDOM;
    p->shapes_only = p->no_grad = p->training = p->resting = false;
    p->kept = NULL;
    rlc__program_resume(p);
}

void rlc_begin_shapes(rlc_program *p) {
    rlc_begin(p);
    p->shapes_only = true;
}

/* An error of this thread since the program was opened is the program's, too: a node that found no memory for its operands
 * is missing from the list. */
rlc_status rlc__flush(rlc_program *p) {
    if (p->status == RLC_OK && !p->failed_before) {
        p->status = rlc_error_status();
    }
    if (p->status == RLC_OK && p->num_run < p->num_nodes) {
        int first = p->num_run;
        p->num_run = p->num_nodes;
        rlc_program *was = running;
        running = p;
        rlc_status status = p->device->run(p->device, p, first, p->num_nodes);
        running = was;
        if (p->status == RLC_OK) {
            p->status = status;
        }
    }
    return p->status;
}

rlc_status rlc_end(rlc_program *p) {
    if (!p->open) {
        return rlc_fail(RLC_INVALID, "rlc_end: program '%s' is not open; call rlc_begin first", p->name);
    }
    rlc__flush(p);
    close_program(p);
    return p->status;
}

/* There is always one slot more than max_nodes, so that a list that could not grow still has where to write the node
 * that will not be kept. */
void rlc__grow_nodes(rlc_program *p) {
    int max = 2 * p->max_nodes;
    rlc_node *nodes = realloc(p->nodes, (size_t)(max + 1) * sizeof *nodes);
    if (nodes == NULL) {
        p->status = rlc_fail(RLC_FAILED, "out of memory: program '%s' has %d nodes", p->name, p->num_nodes);
        return;
    }
    p->nodes = nodes;
    p->max_nodes = max;
}

/* As long as a message may be: rlc_fail marks what it has to cut, so nothing is cut here. */
enum { MESSAGE = 2048 };

rlc_tensor *rlc__op_fail(const char *op, const char *format, ...) {
    char text[MESSAGE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    rlc_program *p = rlc__current;
    bool inside = p != NULL && p->where != NULL;
    rlc_status status = rlc_fail(RLC_INVALID, "%s%s%s: %s", inside ? p->where : "", inside ? ": " : "", op, text);
    if (p != NULL && p->status == RLC_OK) {
        p->status = status;
    }
    return NULL;
}

void rlc_kernel_fail(const rlc_node *node, const char *format, ...) {
    char text[MESSAGE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *where = node->where;
    rlc_status status = rlc_fail(RLC_FAILED, "%s%s%s: %s", where != NULL ? where : "", where != NULL ? ": " : "",
                                 rlc_op_name((rlc_op)node->op), text);
    if (running != NULL) {
        running->status = status;
    }
}

rlc_tensor *rlc__result_failed(rlc_program *p, int ndim, const int64_t *size) {
    if (rlc_error_status() != RLC_OK) { /* there was no memory */
        p->status = p->status != RLC_OK ? p->status : rlc_error_status();
        return NULL;
    }
    rlc_shape shape = {.ndim = ndim};
    char text[RLC_SHAPE_TEXT];
    memcpy(shape.size, size, (size_t)ndim * sizeof *size);
    return rlc__op_fail(p->op, "the shape %s is too large, or not a shape", rlc_shape_text(shape, text));
}

/* Its memory has been given back and may hold anything by now; most often it does not yet, and then this tells. */
static inline bool is_stale(const rlc_tensor *t) {
    return t->program != NULL && t->generation != t->program->generation;
}

static rlc_tensor *stale(const char *op, const rlc_tensor *t) {
    return rlc__op_fail(op, "the tensor is from before the last rlc_begin of program '%s'", t->program->name);
}

rlc_tensor *rlc__view(rlc_program *p, const rlc_tensor *x) {
    if (RLC_UNLIKELY(is_stale(x))) {
        return stale(p->op, x);
    }
    rlc_tensor *t = rlc_arena_alloc(&p->host, sizeof *t, RLC_ALIGN_STRUCT);
    if (t == NULL) {
        p->status = rlc_error_status();
        return NULL;
    }
    *t = *x;
    t->program = p;
    t->generation = p->generation;
    t->grad = NULL;
    t->node = -1;
    t->flags &= RLC_CONTIGUOUS;
    return t;
}

/* Notes which operands want a gradient, and passes the wish on to the result. An op without a rule gives a constant. */
static inline void require_gradients(rlc_program *p, rlc_node *node) {
    unsigned needs = 0;
    for (unsigned i = 0; i < 3 && node->in[i] != NULL; i++) {
        needs |= rlc__wants_gradient(p, node->in[i]) ? 1u << i : 0;
    }
    for (unsigned i = 0; i < node->num_more; i++) {
        needs |= rlc__wants_gradient(p, node->more[i]) ? 8u : 0;
    }
    if (needs != 0 && rlc__gradients[node->op] != NULL && node->out->program == p &&
        rlc_dtype_is_float((rlc_dtype)node->out->dtype)) {
        node->needs = (uint8_t)needs;
        node->out->flags |= RLC_REQUIRES_GRAD;
        node->out->node = p->num_nodes;
    }
}

/* An operand that a kernel could not read. Without data it is one only where something will run. */
static inline bool is_unreadable(const rlc_program *p, const rlc_tensor *t) {
    return RLC_UNLIKELY(is_stale(t) || (t->data == NULL && !p->shapes_only));
}

static rlc_tensor *unreadable(const rlc_node *node, const rlc_tensor *t) {
    const char *op = rlc_op_name((rlc_op)node->op);
    return is_stale(t) ? stale(op, t)
                       : rlc__op_fail(op, "the tensor has no data: it is a parameter of a model before "
                                          "rlc_model_allocate, or one of which only the shape was recorded");
}

/* The first operand, the result included, that there is nothing to read or write in; or NULL. */
static inline const rlc_tensor *find_unreadable(const rlc_program *p, const rlc_node *node) {
    for (unsigned i = 0; i < 3 && node->in[i] != NULL; i++) {
        if (is_unreadable(p, node->in[i])) {
            return node->in[i];
        }
    }
    for (unsigned i = 0; i < node->num_more; i++) {
        if (is_unreadable(p, node->more[i])) {
            return node->more[i];
        }
    }
    return is_unreadable(p, node->out) ? node->out : NULL;
}

rlc_tensor *rlc__commit(rlc_program *p, rlc_dtype key) {
    rlc_node *node = &p->nodes[p->num_nodes];
    rlc_tensor *out = node->out;
    if (RLC_UNLIKELY(p->status != RLC_OK || out == NULL)) {
        return NULL;
    }
    const rlc_tensor *wrong = find_unreadable(p, node);
    if (RLC_UNLIKELY(wrong != NULL)) {
        return unreadable(node, wrong);
    }
    if (node->op != RLC_OP_view && node->run == NULL) {
        node->run = p->device->kernel[node->op][key];
        if (RLC_UNLIKELY(node->run == NULL)) {
            return rlc__op_fail(rlc_op_name((rlc_op)node->op), "not available for %s on device %s", rlc_dtype_name(key),
                                p->device->name);
        }
    }
    node->where = p->where;
    if (!p->no_grad) {
        require_gradients(p, node);
    }
    if (p->shapes_only) {
        return out;
    }
    p->num_nodes++;
    if (RLC_UNLIKELY(p->eager) && rlc__flush(p) != RLC_OK) {
        return NULL;
    }
    return out;
}

bool rlc__redirect(rlc_program *p, const rlc_tensor *fresh, rlc_tensor *to) {
    rlc_node *last = p->num_nodes > p->num_run ? &p->nodes[p->num_nodes - 1] : NULL;
    if (last == NULL || last->out != fresh || !(fresh->flags & to->flags & RLC_CONTIGUOUS) || last->run == NULL ||
        fresh->dtype != to->dtype || !rlc__same_shape(fresh, to)) {
        return false;
    }
    last->out = to;
    return true;
}

rlc_status rlc_read(rlc_tensor *tensor, void *to) {
    rlc_program *p = rlc__current;
    if (tensor == NULL) {
        return p != NULL && p->status != RLC_OK ? p->status : rlc_fail(RLC_INVALID, "rlc_read: the tensor is NULL");
    }
    if (is_stale(tensor)) {
        stale("rlc_read", tensor);
        return rlc_error_status();
    }
    if (p != NULL && !(tensor->flags & RLC_CONTIGUOUS)) {
        bool was = rlc_no_grad(true);
        tensor = rlc_contiguous(tensor);
        rlc_no_grad(was);
    }
    if (p != NULL) {
        RLC_TRY(rlc__flush(p));
    }
    if (!(tensor->flags & RLC_CONTIGUOUS)) {
        return rlc_fail(RLC_INVALID, "rlc_read: the tensor is a view with gaps; read it while a program is open");
    }
    if (tensor->data == NULL) {
        return rlc_fail(RLC_INVALID, "rlc_read: the tensor has no data: only its shape was recorded");
    }
    rlc_device *device = tensor->device;
    rlc_status status =
        device->to_host(device, to, tensor->data, (size_t)tensor->numel * rlc_dtype_size((rlc_dtype)tensor->dtype));
    if (status != RLC_OK && p != NULL && p->status == RLC_OK) {
        p->status = status; /* a kernel of this program may have found it */
    }
    return status;
}

double rlc_item(rlc_tensor *tensor) {
    union {
        float f32;
        double f64;
        int64_t i64;
        int32_t i32;
        uint8_t u8;
    } value;
    if (tensor != NULL && tensor->numel != 1) {
        char text[RLC_SHAPE_TEXT];
        rlc_fail(RLC_INVALID, "rlc_item: the tensor has shape %s, not one element",
                 rlc_shape_text(rlc_shape_of(tensor), text));
        return NAN;
    }
    if (rlc_read(tensor, &value) != RLC_OK) {
        return NAN;
    }
    switch ((rlc_dtype)tensor->dtype) {
    case RLC_F32: return value.f32;
    case RLC_F64: return value.f64;
    case RLC_I64: return (double)value.i64;
    case RLC_I32: return value.i32;
    default: return value.u8;
    }
}

bool rlc_no_grad(bool on) {
    rlc_program *p = rlc__current;
    bool was = p != NULL && p->no_grad;
    if (p != NULL) {
        p->no_grad = on;
    }
    return was;
}

const char *rlc_precision_name(rlc_precision precision) {
    static const char *const names[] = {"f32", "tf32", "bf16"};
    return names[precision];
}

rlc_status rlc_set_precision(rlc_program *p, rlc_precision precision) {
    if ((p->device->precisions >> precision & 1) == 0) {
        return rlc_fail(RLC_INVALID,
                        "precision %s: device %s multiplies matrices in f32 only; a GPU (device: cuda) has it",
                        rlc_precision_name(precision), p->device->name);
    }
    p->precision = precision;
    return RLC_OK;
}

rlc_exploration rlc_set_exploration(rlc_exploration type) {
    rlc_program *p = rlc__current;
    rlc_exploration was = p != NULL ? p->exploration : RLC_EXPLORE_RANDOM;
    if (p != NULL) {
        p->exploration = type;
    }
    return was;
}

bool rlc_set_training(bool on) {
    rlc_program *p = rlc__current;
    bool was = p != NULL && p->training;
    if (p != NULL) {
        p->training = on;
    }
    return was;
}
