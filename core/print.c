/* print.c: a tensor as PyTorch prints it: four digits, lines of 80 characters, the edges of what has more than 1000
 * elements.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/device.h"
#include "core/program.h"

enum { DIGITS = 4, LINE_WIDTH = 80, MANY = 1000, EDGE = 3, NUMBER_TEXT = 400 };

typedef struct printer {
    const rlc_tensor *t; /* whose shape is printed, with */
    const char *data;    /* its elements on the host, row-major */
    FILE *out;
    bool summarise, whole, scientific; /* whole: all numbers are integers */
    int width;                         /* of the widest number */
} printer;

static double number_at(const printer *p, int64_t i) {
    switch ((rlc_dtype)p->t->dtype) {
    case RLC_F32: return (double)((const float *)p->data)[i];
    case RLC_F64: return ((const double *)p->data)[i];
    case RLC_I64: return (double)((const int64_t *)p->data)[i];
    case RLC_I32: return ((const int32_t *)p->data)[i];
    default: return ((const uint8_t *)p->data)[i];
    }
}

/* One element, not padded. Returns its length. */
static int write_number(const printer *p, int64_t i, char text[NUMBER_TEXT]) {
    double x = number_at(p, i);
    switch ((rlc_dtype)p->t->dtype) {
    case RLC_BOOL: return snprintf(text, NUMBER_TEXT, x != 0 ? "True" : "False");
    case RLC_I64: return snprintf(text, NUMBER_TEXT, "%lld", (long long)((const int64_t *)p->data)[i]);
    case RLC_I32:
    case RLC_U8: return snprintf(text, NUMBER_TEXT, "%.0f", x);
    default: break;
    }
    if (isnan(x)) {
        return snprintf(text, NUMBER_TEXT, "nan"); /* never -nan */
    }
    if (p->scientific) {
        return snprintf(text, NUMBER_TEXT, "%.*e", DIGITS, x);
    }
    return p->whole ? snprintf(text, NUMBER_TEXT, isfinite(x) ? "%.0f." : "%.0f", x)
                    : snprintf(text, NUMBER_TEXT, "%.*f", DIGITS, x);
}

static bool is_cut(const printer *p, int64_t size) {
    return p->summarise && size > 2 * EDGE;
}

/* Calls `visit` for every element that is shown, from `at` on in dimension `dim`. */
static void for_each_shown(printer *p, int dim, int64_t at, void (*visit)(printer *p, int64_t i, void *data), void *data) {
    if (dim == p->t->ndim) {
        visit(p, at, data);
        return;
    }
    int64_t size = p->t->shape[dim], step = 1;
    for (int d = dim + 1; d < p->t->ndim; d++) {
        step *= p->t->shape[d];
    }
    for (int64_t i = 0; i < size; i++) {
        i = is_cut(p, size) && i == EDGE ? size - EDGE : i;
        for_each_shown(p, dim + 1, at + i * step, visit, data);
    }
}

typedef struct extremes {
    double smallest, largest; /* of what is finite and not 0; 0 while there is none */
} extremes;

static void look_at(printer *p, int64_t i, void *data) {
    extremes *e = data;
    double x = number_at(p, i), size = fabs(x);
    if (size == 0 || !isfinite(x)) {
        return;
    }
    p->whole = p->whole && x == ceil(x);
    e->smallest = e->largest == 0 || size < e->smallest ? size : e->smallest;
    e->largest = size > e->largest ? size : e->largest;
}

/* Infinities and zeros of floats do not count: what is written for them is wider or not, as PyTorch has it. */
static void measure(printer *p, int64_t i, void *data) {
    char text[NUMBER_TEXT];
    (void)data;
    double x = number_at(p, i);
    if (!rlc_dtype_is_float((rlc_dtype)p->t->dtype) || (x != 0 && isfinite(x))) {
        int length = write_number(p, i, text);
        p->width = length > p->width ? length : p->width;
    }
}

static void choose_format(printer *p) {
    extremes e = {0};
    p->whole = true;
    p->width = 1;
    if (rlc_dtype_is_float((rlc_dtype)p->t->dtype)) {
        for_each_shown(p, 0, 0, look_at, &e);
        p->scientific = e.largest > 0 && (e.largest / e.smallest > 1000 || e.largest > 1e8 || e.smallest < 1e-4);
    }
    for_each_shown(p, 0, 0, measure, NULL);
}

static void put_number(const printer *p, int64_t i) {
    char text[NUMBER_TEXT];
    int length = write_number(p, i, text);
    fprintf(p->out, "%*s%s", p->width > length ? p->width - length : 0, "", text);
}

/* The last dimension: as many numbers on a line as fit. */
static void put_vector(const printer *p, int64_t at, int64_t size, int indent) {
    int64_t per_line = (LINE_WIDTH - indent) / (p->width + 2), column = 0;
    per_line = per_line < 1 ? 1 : per_line;
    fputc('[', p->out);
    for (int64_t i = 0; i < size; i++, column++) {
        if (column > 0) {
            fprintf(p->out, column % per_line == 0 ? ",\n%*s" : ", ", indent + 1, "");
        }
        if (is_cut(p, size) && i == EDGE) {
            fputs(" ...", p->out);
            i = size - EDGE - 1;
        } else {
            put_number(p, at + i);
        }
    }
    fputc(']', p->out);
}

static void put(const printer *p, int dim, int64_t at, int indent) {
    const int left = p->t->ndim - dim;
    if (left == 0) {
        put_number(p, at);
        return;
    }
    int64_t size = p->t->shape[dim], step = 1;
    if (left == 1) {
        put_vector(p, at, size, indent);
        return;
    }
    for (int d = dim + 1; d < p->t->ndim; d++) {
        step *= p->t->shape[d];
    }
    fputc('[', p->out);
    for (int64_t i = 0; i < size; i++) {
        if (i > 0) {
            fprintf(p->out, ",%.*s%*s", left - 1, "\n\n\n\n\n\n\n\n", indent + 1, "");
        }
        if (is_cut(p, size) && i == EDGE) {
            fprintf(p->out, "...,%.*s%*s", left - 1, "\n\n\n\n\n\n\n\n", indent + 1, "");
            i = size - EDGE;
        }
        put(p, dim + 1, at + i * step, indent + 1);
    }
    fputc(']', p->out);
}

/* Adds what is not usual behind the numbers, on a new line where the last one is full. */
static void put_suffix(FILE *out, const char *suffix, size_t *line) {
    const size_t indent = strlen("tensor("), length = strlen(suffix);
    if (*line + length + 2 > LINE_WIDTH) {
        fprintf(out, ",\n%*s%s", (int)indent, "", suffix);
        *line = indent + length;
    } else {
        fprintf(out, ", %s", suffix);
        *line += length + 2;
    }
}

static void put_suffixes(const rlc_tensor *t, const char *text, FILE *out) {
    char suffix[RLC_SHAPE_TEXT + 32], shape[RLC_SHAPE_TEXT];
    const char *last = strrchr(text, '\n');
    size_t line = last != NULL ? strlen(last) + 1 : strlen(text) + 2;
    const bool usual = t->dtype == RLC_F32 || (t->numel > 0 && (t->dtype == RLC_I64 || t->dtype == RLC_BOOL));
    if (strcmp(t->device->name, "cpu") != 0) {
        snprintf(suffix, sizeof suffix, "device='%s'", t->device->name);
        put_suffix(out, suffix, &line);
    }
    if (t->numel == 0 && t->ndim != 1) {
        rlc_shape_text(rlc_shape_of(t), shape);
        snprintf(suffix, sizeof suffix, "size=(%.*s)", (int)strlen(shape) - 2, shape + 1);
        put_suffix(out, suffix, &line);
    }
    if (!usual) {
        snprintf(suffix, sizeof suffix, "dtype=%s", rlc_dtype_name((rlc_dtype)t->dtype));
        put_suffix(out, suffix, &line);
    }
    if (t->flags & RLC_REQUIRES_GRAD) {
        put_suffix(out, "requires_grad=True", &line);
    }
}

rlc_status rlc_tensor_print(rlc_tensor *tensor, FILE *out) {
    if (tensor == NULL) {
        return rlc_fail(RLC_INVALID, "rlc_tensor_print: the tensor is NULL");
    }
    char *data = rlc_calloc((size_t)tensor->numel, rlc_dtype_size((rlc_dtype)tensor->dtype)), *text = NULL;
    size_t size = 0;
    rlc_status status = data != NULL ? rlc_read(tensor, data) : rlc_error_status();
    FILE *memory = status == RLC_OK ? open_memstream(&text, &size) : NULL;
    if (memory == NULL) {
        free(data);
        return status != RLC_OK ? status : rlc_fail(RLC_FAILED, "rlc_tensor_print: out of memory");
    }
    printer p = {.t = tensor, .data = data, .out = memory, .summarise = tensor->numel > MANY};
    fputs("tensor(", memory);
    if (tensor->numel == 0) {
        fputs("[]", memory);
    } else {
        choose_format(&p);
        put(&p, 0, 0, (int)strlen("tensor("));
    }
    fclose(memory);
    fputs(text, out);
    put_suffixes(tensor, text, out);
    fputs(")\n", out);
    free(text);
    free(data);
    return RLC_OK;
}
