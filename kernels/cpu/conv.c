/* conv.c: convolutions and their gradients, as matrix products whose operands stay where they are.
 *
 * Without padding the number of x that place (i, j) of y and tap (c, u, v) of the kernel meet in stands at
 *
 *     row[i, j] + step[c, u, v]      row = i s W + j t,  step = c H W + u d W + v e
 *
 * so an image need not be unrolled (im2col) to be a matrix: a tile of the product reads a[row[i] + step[k]]. All three
 * products are of that kind, with channels along the lanes of vectors:
 *
 *     conv2d           [places, out] = x [places, taps] w           for each image
 *     conv2d_weight    [taps, out]   = x [taps, places] y           over all images
 *     conv2d_input     [places, v in] += y [places, out] w          for each image and row u of the kernel, to rows of
 *                                                                   x [H, W, in] that overlap
 *
 * What comes out has channels last and is turned around once. Nothing is allocated, and the bits depend on the shapes
 * alone. How this compares with oneDNN is in docs/architecture.md.
 */
#include "core/conv.h"

#include <string.h>

#include "kernels/cpu/products.h"

/* Where the kernel works: tables of rows and steps, of an image's places for the weights' gradient, panels of b, and a result
 * with channels last. */
typedef struct room {
    int64_t *row, *to, *step, *place;
    float *panels, *image;
} room;

/* How many columns of the kernel lie side by side in x, so that one product serves them all. */
static int64_t taps_at_once(const rlc_conv_shape *c) {
    return c->dilation[1] == 1 ? c->kernel[1] : 1;
}

static int64_t panels_of(rlc_op op, const rlc_conv_shape *c) {
    const int64_t run = taps_at_once(c), taps = rlc_conv_taps(c);
    return op == RLC_OP_conv2d         ? taps * whole_vectors(c->out)
           : op == RLC_OP_conv2d_input ? c->kernel[0] * c->kernel[1] / run * c->out * whole_vectors(run * c->in)
                                       : DEPTH * MAX_WIDTH;
}

static int64_t image_of(rlc_op op, const rlc_conv_shape *c) {
    return op == RLC_OP_conv2d         ? rlc_conv_places(c) * c->out
           : op == RLC_OP_conv2d_input ? c->size[0] * c->size[1] * c->in
                                       : rlc_conv_taps(c) * c->out;
}

/* Tables end where a line of the cache does, so that panels begin there and no vector of theirs lies in two. */
static int64_t whole_lines(int64_t numbers) {
    return (numbers + 7) / 8 * 8;
}

static int64_t rows_of(const rlc_conv_shape *c) {
    return whole_lines(larger(rlc_conv_places(c), rlc_conv_taps(c)));
}

static int64_t steps_of(const rlc_conv_shape *c) {
    return whole_lines(larger(larger(rlc_conv_taps(c), c->out), DEPTH));
}

static int64_t places_of(rlc_op op, const rlc_conv_shape *c) {
    return op == RLC_OP_conv2d_weight ? whole_lines(rlc_conv_places(c)) : 0;
}

static size_t room_of(rlc_op op, rlc_dtype dtype, const rlc_conv_shape *c) {
    const int64_t tables = 2 * rows_of(c) + steps_of(c) + places_of(op, c), floats = panels_of(op, c) + image_of(op, c);
    return dtype == RLC_F32 ? (size_t)tables * sizeof(int64_t) + (size_t)floats * sizeof(float) : 0;
}

static room lay_out(const rlc_node *node) {
    const rlc_conv_shape *c = node->aux;
    room r = {.row = node->more[0]->data};
    r.to = r.row + rows_of(c);
    r.step = r.to + rows_of(c);
    r.place = r.step + steps_of(c);
    r.panels = (float *)(r.place + places_of((rlc_op)node->op, c));
    r.image = r.panels + panels_of((rlc_op)node->op, c);
    return r;
}

/* Where each place's window begins in an image, and each tap's number in a window; `width` numbers in each pixel. */
static void list_places(const rlc_conv_shape *c, int64_t pixel, int64_t *at) {
    for (int64_t i = 0; i < c->count[0]; i++) {
        for (int64_t j = 0; j < c->count[1]; j++) {
            *at++ = (i * c->stride[0] * c->size[1] + j * c->stride[1]) * pixel;
        }
    }
}

static void list_taps(const rlc_conv_shape *c, int64_t *at) {
    for (int64_t channel = 0; channel < c->in; channel++) {
        for (int64_t u = 0; u < c->kernel[0]; u++) {
            for (int64_t v = 0; v < c->kernel[1]; v++) {
                *at++ = (channel * c->size[0] + u * c->dilation[0]) * c->size[1] + v * c->dilation[1];
            }
        }
    }
}

static void list_multiples(int64_t step, int64_t count, int64_t *at) {
    for (int64_t i = 0; i < count; i++) {
        at[i] = i * step;
    }
}

/* All panels of a group's weight [out, taps]. */
static void pack_weight(const rlc_conv_shape *c, const float *weight, float *panel) {
    const int64_t taps = rlc_conv_taps(c);
    for (int64_t column = 0; column < c->out;) {
        const int vectors = panel_vectors(c->out - column);
        const int64_t width = smaller(c->out - column, vectors * LANES);
        turn(&(turning){.from = weight + column * taps,
                        .from_step = taps,
                        .rows = width,
                        .columns = taps,
                        .to = panel,
                        .to_step = vectors * LANES,
                        .whole = true});
        panel += taps * vectors * LANES;
        column += width;
    }
}

static void conv2d_f32(const rlc_node *node) {
    const rlc_conv_shape *c = node->aux;
    const room r = lay_out(node);
    const int64_t places = rlc_conv_places(c), taps = rlc_conv_taps(c);
    const float *bias = node->in[2] != NULL ? node->in[2]->data : NULL;
    list_places(c, 1, r.row);
    list_taps(c, r.step);
    list_multiples(c->out, places, r.to);
    for (int64_t g = 0; g < c->groups; g++) {
        const float *x = (const float *)node->in[0]->data + g * c->in * c->size[0] * c->size[1];
        float *y = (float *)node->out->data + g * c->out * places;
        pack_weight(c, (const float *)node->in[1]->data + g * c->out * taps, r.panels);
        for (int64_t n = 0; n < c->images; n++, x += rlc_conv_x_image(c), y += rlc_conv_y_image(c)) {
            multiply_panels(
                (product){.a = x, .b = r.panels, .ahead = y, .c = r.image, .row = r.row, .step = r.step, .to = r.to},
                places, c->out, taps);
            turn(&(turning){.from = r.image,
                            .from_step = c->out,
                            .rows = places,
                            .columns = c->out,
                            .to = y,
                            .to_step = places,
                            .bias = bias != NULL ? bias + g * c->out : NULL,
                            .relu = node->p[1].i == RLC_RELU});
        }
    }
}

/* A group's weight [out, in, u, v] for products with y: for each row u of the kernel, and each run of its columns that is
 * served at once, panels of [out, (v, in)]. */
static void pack_weight_for_input(const rlc_conv_shape *c, const float *weight, float *panel) {
    const int64_t area = c->kernel[0] * c->kernel[1], run = taps_at_once(c), columns = run * c->in;
    for (int64_t tap = 0; tap < area; tap += run) {
        for (int64_t column = 0; column < columns;) {
            const int vectors = panel_vectors(columns - column);
            const int64_t width = smaller(columns - column, vectors * LANES);
            for (int64_t o = 0; o < c->out; o++, panel += vectors * LANES) {
                const float *from = weight + o * c->in * area + tap + column / c->in;
                int64_t channel = column % c->in;
                for (int64_t j = 0; j < width; j++) {
                    panel[j] = from[channel * area];
                    if (++channel == c->in) {
                        channel = 0;
                        from++;
                    }
                }
                for (int64_t j = width; j < vectors * LANES; j++) {
                    panel[j] = 0;
                }
            }
            column += width;
        }
    }
}

static void conv2d_input_f32(const rlc_node *node) {
    const rlc_conv_shape *c = node->aux;
    const room r = lay_out(node);
    const int64_t places = rlc_conv_places(c), pixels = c->size[0] * c->size[1], run = taps_at_once(c);
    const int64_t area = c->kernel[0] * c->kernel[1], panels = c->out * whole_vectors(run * c->in);
    list_multiples(1, places, r.row);
    list_multiples(places, c->out, r.step);
    list_places(c, c->in, r.to);
    for (int64_t g = 0; g < c->groups; g++) {
        const float *y = (const float *)node->in[0]->data + g * c->out * places;
        float *x = (float *)node->out->data + g * c->in * pixels;
        pack_weight_for_input(c, (const float *)node->in[1]->data + g * c->out * rlc_conv_taps(c), r.panels);
        for (int64_t n = 0; n < c->images; n++, x += rlc_conv_x_image(c), y += rlc_conv_y_image(c)) {
            memset(r.image, 0, (size_t)(pixels * c->in) * sizeof *r.image);
            for (int64_t tap = 0; tap < area; tap += run) {
                const int64_t u = tap / c->kernel[1] * c->dilation[0], v = tap % c->kernel[1] * c->dilation[1];
                multiply_panels((product){.a = y,
                                          .b = r.panels + tap / run * panels,
                                          .ahead = x + pixels * c->in / (area / run) * (tap / run),
                                          .c = r.image + (u * c->size[1] + v) * c->in,
                                          .row = r.row,
                                          .step = r.step,
                                          .to = r.to,
                                          .resume = true},
                                places, run * c->in, c->out);
            }
            turn(&(turning){
                .from = r.image, .from_step = c->in, .rows = pixels, .columns = c->in, .to = x, .to_step = pixels});
        }
    }
}

/* A stretch of `depth` places from `from` on, counted through all images: where each begins. */
static void list_stretch(const rlc_conv_shape *c, const int64_t *place, int64_t from, int64_t depth, int64_t *at) {
    const int64_t places = rlc_conv_places(c);
    for (int64_t piece; depth > 0; from += piece, depth -= piece, at += piece) {
        const int64_t first = from % places, image = from / places * rlc_conv_x_image(c);
        piece = smaller(depth, places - first);
        RLC_INDEPENDENT for (int64_t k = 0; k < piece; k++) {
            at[k] = image + place[first + k];
        }
    }
}

/* The panel of a stretch: `width` channels of y from `y` on, one piece an image. */
static void pack_stretch(const rlc_conv_shape *c, const float *y, int64_t from, int64_t depth, int64_t width,
                         int vectors, float *panel) {
    const int64_t places = rlc_conv_places(c);
    for (int64_t piece; depth > 0; from += piece, depth -= piece, panel += piece * vectors * LANES) {
        piece = smaller(depth, places - from % places);
        turn(&(turning){.from = y + from / places * rlc_conv_y_image(c) + from % places,
                        .from_step = places,
                        .rows = width,
                        .columns = piece,
                        .to = panel,
                        .to_step = vectors * LANES,
                        .whole = true});
    }
}

static void conv2d_weight_f32(const rlc_node *node) {
    const rlc_conv_shape *c = node->aux;
    const room r = lay_out(node);
    const int64_t places = rlc_conv_places(c), taps = rlc_conv_taps(c), all = c->images * places;
    list_taps(c, r.row);
    list_multiples(c->out, taps, r.to);
    list_places(c, 1, r.place);
    for (int64_t g = 0; g < c->groups; g++) {
        const float *y = (const float *)node->in[0]->data + g * c->out * places;
        const float *x = (const float *)node->in[1]->data + g * c->in * c->size[0] * c->size[1];
        if (all == 0) {
            memset(r.image, 0, (size_t)(taps * c->out) * sizeof *r.image);
        }
        for (int64_t from = 0; from < all; from += DEPTH) {
            product p = {.a = x, .b = r.panels, .row = r.row, .step = r.step, .to = r.to, .resume = from > 0};
            p.depth = smaller(DEPTH, all - from);
            list_stretch(c, r.place, from, p.depth, r.step);
            for (int64_t column = 0; column < c->out; column += p.width) {
                const int vectors = panel_vectors(c->out - column);
                p.width = smaller(c->out - column, vectors * LANES);
                p.c = r.image + column;
                pack_stretch(c, y + column * places, from, p.depth, p.width, vectors, r.panels);
                multiply(&p, taps, vectors);
            }
        }
        turn(&(turning){.from = r.image,
                        .from_step = c->out,
                        .rows = taps,
                        .columns = c->out,
                        .to = (float *)node->out->data + g * c->out * taps,
                        .to_step = taps,
                        .add = c->accumulate});
    }
}

#ifdef RLC_BASE
/* Double precision is for gradient tests: plain loops over all that meet. */
#define FOR_ALL(c, n, o, place, tap)                                                                                   \
    for (int64_t n = 0; n < (c)->images; n++)                                                                          \
        for (int64_t o = 0; o < (c)->groups * (c)->out; o++)                                                           \
            for (int64_t place = 0; place < rlc_conv_places(c); place++)                                               \
                for (int64_t tap = 0; tap < rlc_conv_taps(c); tap++)

/* Where channel `o` of image n at a place finds x's number for a tap. */
static int64_t x_at(const rlc_conv_shape *c, int64_t n, int64_t o, int64_t place, int64_t tap) {
    const int64_t area = c->kernel[0] * c->kernel[1], channel = o / c->out * c->in + tap / area;
    const int64_t row = place / c->count[1] * c->stride[0] + tap % area / c->kernel[1] * c->dilation[0];
    const int64_t column = place % c->count[1] * c->stride[1] + tap % c->kernel[1] * c->dilation[1];
    return n * rlc_conv_x_image(c) + (channel * c->size[0] + row) * c->size[1] + column;
}

static int64_t y_at(const rlc_conv_shape *c, int64_t n, int64_t o, int64_t place) {
    return n * rlc_conv_y_image(c) + o * rlc_conv_places(c) + place;
}

static void conv2d_f64(const rlc_node *node) {
    const rlc_conv_shape *c = node->aux;
    const double *x = node->in[0]->data, *w = node->in[1]->data, *bias = node->in[2] ? node->in[2]->data : NULL;
    double *y = node->out->data;
    for (int64_t i = 0; i < node->out->numel; i++) {
        y[i] = bias != NULL ? bias[i / rlc_conv_places(c) % (c->groups * c->out)] : 0;
    }
    FOR_ALL(c, n, o, place, tap) {
        y[y_at(c, n, o, place)] += w[o * rlc_conv_taps(c) + tap] * x[x_at(c, n, o, place, tap)];
    }
    for (int64_t i = 0; node->p[1].i == RLC_RELU && i < node->out->numel; i++) {
        y[i] = y[i] <= 0 ? 0 : y[i];
    }
}

static void conv2d_input_f64(const rlc_node *node) {
    const rlc_conv_shape *c = node->aux;
    const double *y = node->in[0]->data, *w = node->in[1]->data;
    double *x = node->out->data;
    memset(x, 0, (size_t)node->out->numel * sizeof *x);
    FOR_ALL(c, n, o, place, tap) {
        x[x_at(c, n, o, place, tap)] += w[o * rlc_conv_taps(c) + tap] * y[y_at(c, n, o, place)];
    }
}

static void conv2d_weight_f64(const rlc_node *node) {
    const rlc_conv_shape *c = node->aux;
    const double *y = node->in[0]->data, *x = node->in[1]->data;
    double *w = node->out->data;
    if (!c->accumulate) {
        memset(w, 0, (size_t)node->out->numel * sizeof *w);
    }
    FOR_ALL(c, n, o, place, tap) {
        w[o * rlc_conv_taps(c) + tap] += y[y_at(c, n, o, place)] * x[x_at(c, n, o, place, tap)];
    }
}
#endif

void ISA(kernels_conv)(rlc_device *device) {
    device->conv_room = room_of;
    device->kernel[RLC_OP_conv2d][RLC_F32] = conv2d_f32;
    device->kernel[RLC_OP_conv2d_input][RLC_F32] = conv2d_input_f32;
    device->kernel[RLC_OP_conv2d_weight][RLC_F32] = conv2d_weight_f32;
#ifdef RLC_BASE
    device->kernel[RLC_OP_conv2d][RLC_F64] = conv2d_f64;
    device->kernel[RLC_OP_conv2d_input][RLC_F64] = conv2d_input_f64;
    device->kernel[RLC_OP_conv2d_weight][RLC_F64] = conv2d_weight_f64;
#endif
}
