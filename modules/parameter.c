/* parameter.c: declaring parameters, and giving them memory and initial values. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/device.h"
#include "core/philox.h"
#include "modules/build.h"
#include "modules/state_dict.h"

/* Parameters begin at cache lines. What lies between them is 0 and stays so under every optimiser. */
enum { ALIGN = RLC_ALIGN_DATA / sizeof(float) };

rlc_tensor *rlc_parameter_new(rlc_module *self, const char *name, rlc_shape shape, rlc_init init) {
    rlc_model *model = self->model;
    if (model->values != NULL) {
        rlc_fail(RLC_INVALID, "%s: parameters can only be declared before the model is allocated", self->path);
        return NULL;
    }
    if (rlc_shape_numel(shape) < 0) {
        char text[RLC_SHAPE_TEXT];
        rlc_fail(RLC_INVALID, "%s.%s: the shape %s is too large", self->path, name, rlc_shape_text(shape, text));
        return NULL;
    }
    rlc_parameter_entry *entries =
        rlc__model_grow(model, model->parameters, model->num_parameters, &model->max_parameters, sizeof *entries);
    char *full = rlc_arena_printf(&model->arena, "%s.%s", self->path, name);
    rlc_tensor *tensor = rlc_arena_calloc(&model->arena, sizeof *tensor);
    if (entries == NULL || full == NULL || tensor == NULL) {
        return NULL;
    }
    rlc__tensor_layout(tensor, RLC_F32, shape.ndim, shape.size);
    tensor->device = model->device;
    tensor->node = -1;
    tensor->flags |= RLC_REQUIRES_GRAD;
    model->parameters = entries;
    entries[model->num_parameters] = (rlc_parameter_entry){.name = full, .tensor = tensor, .init = init, .copy_of = -1};
    /* a module's own parameters stand together in the list */
    if (self->num_parameters == 0) {
        self->first_parameter = model->num_parameters;
    } else if (self->first_parameter + self->num_parameters != model->num_parameters) {
        rlc_fail(RLC_INVALID, "%s: declare parameters first, members after them", self->path);
        return NULL;
    }
    self->num_parameters++;
    model->num_parameters++;
    return tensor;
}

/* Word i of the parameter's own stream. */
static uint32_t word(uint64_t key, int64_t i) {
    return rlc_philox(key, (uint64_t)i / 4, 0).word[i % 4];
}

/* torch.nn.init.orthogonal_: rows (or columns, of a tall matrix) of a matrix of normal numbers, made orthonormal one
 * after the other. Gram and Schmidt's method, applied twice, is as exact as a QR decomposition. */
static bool fill_orthogonal(float *values, int64_t rows, int64_t columns, double gain, uint64_t key) {
    int64_t count = rows < columns ? rows : columns, length = rows < columns ? columns : rows;
    double *q = rlc_calloc((size_t)(count * length), sizeof *q);
    if (q == NULL) {
        return false;
    }
    for (int64_t i = 0; i < count * length; i++) {
        q[i] = (double)rlc_normal(word(key, 2 * i), word(key, 2 * i + 1), 0);
    }
    for (int64_t i = 0; i < count; i++) {
        double *row = q + i * length;
        for (int pass = 0; pass < 2; pass++) {
            double norm = 0;
            for (int64_t k = 0; k < i; k++) {
                double dot = 0;
                for (int64_t j = 0; j < length; j++) {
                    dot += row[j] * q[k * length + j];
                }
                for (int64_t j = 0; j < length; j++) {
                    row[j] -= dot * q[k * length + j];
                }
            }
            for (int64_t j = 0; j < length; j++) {
                norm += row[j] * row[j];
            }
            for (int64_t j = 0; j < length; j++) {
                row[j] /= sqrt(norm);
            }
        }
    }
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t c = 0; c < columns; c++) {
            values[r * columns + c] = (float)(gain * (rows < columns ? q[r * length + c] : q[c * length + r]));
        }
    }
    free(q);
    return true;
}

static bool fill(const rlc_model *model, const rlc_parameter_entry *entry, float *values) {
    const rlc_tensor *t = entry->tensor;
    uint64_t key = rlc_stream_key(model->seed, entry->name);
    float bound = (float)entry->init.value;
    if (entry->init.kind == RLC_INIT_ORTHOGONAL) {
        int64_t rows = rlc_size(t, 0);
        return t->numel == 0 || fill_orthogonal(values, rows, t->numel / rows, entry->init.value, key);
    }
    for (int64_t i = 0; i < t->numel; i++) {
        values[i] = entry->init.kind == RLC_INIT_CONSTANT ? bound
                    : entry->init.kind == RLC_INIT_NORMAL
                        ? bound * rlc_normal(word(key, 2 * i), word(key, 2 * i + 1), 0)
                        : rlc_between(word(key, i), -bound, bound);
    }
    if (entry->cleared_row > 0) {
        const int64_t width = rlc_size(t, -1);
        memset(values + (entry->cleared_row - 1) * width, 0, (size_t)width * sizeof *values);
    }
    return true;
}

static rlc_status fill_all(const rlc_model *model, int64_t total) {
    float *values = rlc_calloc((size_t)total, sizeof *values);
    bool good = values != NULL;
    for (int i = 0; i < model->num_parameters && good; i++) {
        const rlc_parameter_entry *entry = &model->parameters[i];
        good = entry->copy_of >= 0 || fill(model, entry, values + entry->offset);
    }
    rlc_status status = good ? rlc_tensor_write(model->values, values) : rlc_error_status();
    free(values);
    return status;
}

static rlc_status copy(rlc_tensor *to, const rlc_tensor *from) {
    void *values = rlc_calloc((size_t)from->numel, rlc_dtype_size((rlc_dtype)from->dtype));
    rlc_status status = values != NULL ? rlc_tensor_read(from, values) : rlc_error_status();
    status = status == RLC_OK ? rlc_tensor_write(to, values) : status;
    free(values);
    return status;
}

/* Running statistics fit the parameters that they came with, so they go where those go. */
static rlc_status copy_buffers(rlc_module *target) {
    enum { MAX = 1024 };
    const rlc_tensor *to[MAX], *from[MAX];
    const int count = rlc_module_buffers(target, to, MAX);
    if (count > MAX || rlc_module_buffers(target->copy_of, from, MAX) != count) {
        return rlc_fail(RLC_INVALID, "%s: its copy has other buffers, or more than %d", target->copy_of->path, MAX);
    }
    for (int i = 0; i < count; i++) {
        RLC_TRY(copy((rlc_tensor *)to[i], from[i]));
    }
    return RLC_OK;
}

/* Copies come after their sources, which may be copies themselves but stand before them. */
static rlc_status copy_all(const rlc_model *model) {
    for (int i = 0; i < model->num_parameters; i++) {
        const rlc_parameter_entry *entry = &model->parameters[i];
        if (entry->copy_of >= 0) {
            RLC_TRY(copy(entry->tensor, model->parameters[entry->copy_of].tensor));
        }
    }
    for (int i = 0; i < model->num_modules; i++) {
        if (model->modules[i]->copy_of != NULL) {
            RLC_TRY(copy_buffers(model->modules[i]));
        }
    }
    return RLC_OK;
}

/* What is loaded from files takes the place of what was drawn, so that parameters do not depend on what others load. */
static rlc_status initialise(rlc_model *model, int64_t total) {
    RLC_TRY(fill_all(model, total));
    for (int i = 0; i < model->num_modules && !model->awaits_checkpoint; i++) {
        RLC_TRY(rlc__module_load_option(model->modules[i]));
    }
    return copy_all(model);
}

/* The message names the largest parameter: it is the one that somebody gave a size too many. */
static rlc_status check_memory(const rlc_model *model, double bytes) {
    const rlc_parameter_entry *largest = NULL;
    for (int i = 0; i < model->num_parameters; i++) {
        const rlc_parameter_entry *entry = &model->parameters[i];
        largest = largest == NULL || entry->tensor->numel > largest->tensor->numel ? entry : largest;
    }
    if (largest == NULL) {
        return RLC_OK;
    }
    char what[256], text[RLC_SHAPE_TEXT];
    snprintf(what, sizeof what, "%s %s: all parameters together", largest->name,
             rlc_shape_text(rlc_shape_of(largest->tensor), text));
    return rlc_memory_check(bytes, what);
}

rlc_status rlc_model_allocate(rlc_model *model) {
    int64_t total = 0;
    if (model->values != NULL) {
        return rlc_fail(RLC_INVALID, "rlc_model_allocate: the model is allocated already");
    }
    for (int i = 0; i < model->num_parameters; i++) {
        rlc_parameter_entry *entry = &model->parameters[i];
        entry->offset = total;
        if (__builtin_add_overflow(total, (entry->tensor->numel + ALIGN - 1) / ALIGN * ALIGN, &total)) {
            return rlc_fail(RLC_INVALID, "%s: the parameters do not fit in memory", entry->name);
        }
    }
    /* the values, their gradients, and the values once more while they are made */
    RLC_TRY(check_memory(model, 3 * (double)sizeof(float) * (double)total));
    model->values = rlc_tensor_new(model->device, RLC_F32, RLC_SHAPE(total));
    model->grads = model->values != NULL ? rlc_tensor_new(model->device, RLC_F32, RLC_SHAPE(total)) : NULL;
    if (model->grads == NULL) {
        return rlc_error_status();
    }
    for (int i = 0; i < model->num_parameters; i++) {
        const rlc_parameter_entry *entry = &model->parameters[i];
        rlc_tensor *grad = rlc_arena_calloc(&model->arena, sizeof *grad);
        if (grad == NULL) {
            return rlc_error_status();
        }
        entry->tensor->data = (float *)model->values->data + entry->offset;
        *grad = *entry->tensor;
        grad->data = (float *)model->grads->data + entry->offset;
        grad->flags = RLC_CONTIGUOUS;
        entry->tensor->grad = grad;
    }
    return initialise(model, total);
}

/* Where a parameter lies, with the padding behind it. */
static rlc_range range_of(const rlc_model *model, int index) {
    const rlc_parameter_entry *entry = &model->parameters[index];
    return (rlc_range){entry->offset, (entry->tensor->numel + ALIGN - 1) / ALIGN * ALIGN};
}

static bool follows(rlc_range next, rlc_range range) {
    return range.offset + range.length == next.offset;
}

int rlc_model_ranges(const rlc_model *model, const int *indices, int count, rlc_range *ranges) {
    for (int i = 0; i < count; i++) { /* insertion into the sorted list: there are few, mostly in order */
        rlc_range range = range_of(model, indices[i]);
        int at = i;
        for (; at > 0 && ranges[at - 1].offset > range.offset; at--) {
            ranges[at] = ranges[at - 1];
        }
        ranges[at] = range;
    }
    int merged = 0;
    for (int i = 0; i < count; i++) {
        if (merged > 0 && follows(ranges[i], ranges[merged - 1])) {
            ranges[merged - 1].length += ranges[i].length;
        } else {
            ranges[merged++] = ranges[i];
        }
    }
    return merged;
}

int rlc_model_paired_ranges(const rlc_model *model, const int *a, const int *b, int count, rlc_range *of_a,
                            rlc_range *of_b) {
    int n = 0;
    for (int i = 0; i < count; i++) {
        rlc_range ra = range_of(model, a[i]), rb = range_of(model, b[i]);
        if (n > 0 && follows(ra, of_a[n - 1]) && follows(rb, of_b[n - 1])) {
            of_a[n - 1].length += ra.length;
            of_b[n - 1].length += rb.length;
        } else {
            of_a[n] = ra;
            of_b[n++] = rb;
        }
    }
    return n;
}

static rlc_tensor *view(const rlc_model *model, rlc_tensor *flat, rlc_range range) {
    return rlc_tensor_over(model->device, RLC_F32, RLC_SHAPE(range.length), (float *)flat->data + range.offset);
}

rlc_tensor *rlc_model_values(const rlc_model *model, rlc_range range) {
    return view(model, model->values, range);
}

rlc_tensor *rlc_model_grads(const rlc_model *model, rlc_range range) {
    return view(model, model->grads, range);
}

rlc_linear rlc_linear_new(rlc_module *self, const char *name, int64_t in, int64_t out) {
    rlc_init init = {RLC_INIT_UNIFORM, in > 0 ? 1 / sqrt((double)in) : 0};
    char weight[96], bias[96];
    snprintf(weight, sizeof weight, "%s.weight", name);
    snprintf(bias, sizeof bias, "%s.bias", name);
    rlc_linear linear;
    linear.weight = rlc_parameter_new(self, weight, RLC_SHAPE(out, in), init);
    linear.bias = rlc_parameter_new(self, bias, RLC_SHAPE(out), init);
    return linear;
}

rlc_linear rlc_linear_orthogonal(rlc_module *self, const char *name, int64_t in, int64_t out, double gain) {
    rlc_linear linear = rlc_linear_new(self, name, in, out);
    if (linear.weight != NULL && linear.bias != NULL) {
        rlc_parameter_entry *last = &self->model->parameters[self->model->num_parameters - 1];
        last[-1].init = (rlc_init){RLC_INIT_ORTHOGONAL, gain};
        last[0].init = (rlc_init){RLC_INIT_CONSTANT, 0};
    }
    return linear;
}

rlc_tensor *rlc_linear_apply(const rlc_linear *linear, rlc_tensor *x, rlc_activation activation) {
    return rlc_affine(x, linear->weight, linear->bias, activation);
}
