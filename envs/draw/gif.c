/* gif.c: an animated GIF that repeats for ever. Each frame holds the rectangle that has changed, with colours of its own, so
 * a picture of few colours keeps them all, and nothing but the last picture is remembered. */
#include <errno.h>
#include <fcntl.h>
#include <gif_lib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "envs/draw/films.h"
#include "envs/draw/palette.h"

typedef struct gif {
    rlc_film base; /* first */
    GifFileType *file;
    const char *path;
    uint8_t *last; /* the picture before, [height, width, 3] */
    GifByteType *line;
    palette palette;
} gif;

typedef struct rectangle {
    int x, y, width, height;
} rectangle;

static rlc_status fail(const char *path, int error) {
    const char *why = GifErrorString(error);
    return rlc_fail(RLC_FAILED, "%s: cannot be written: %s", path, why != NULL ? why : "giflib does not say why");
}

static rlc_status close_gif(rlc_film *film) {
    gif *g = (gif *)film;
    int error = 0;
    if (g->file != NULL && EGifCloseFile(g->file, &error) != GIF_OK) {
        fail(g->path, error);
    }
    free((char *)g->path);
    free(g->last);
    free(g->line);
    free(g);
    return rlc_error_status();
}

/* Netscape's extension, which all programs know: how often to repeat; 0 for ever. */
static bool put_repeat(GifFileType *file) {
    static const char name[] = "NETSCAPE2.0";
    static const GifByteType times[] = {1, 0, 0};
    return EGifPutExtensionLeader(file, APPLICATION_EXT_FUNC_CODE) == GIF_OK &&
           EGifPutExtensionBlock(file, sizeof name - 1, name) == GIF_OK &&
           EGifPutExtensionBlock(file, sizeof times, times) == GIF_OK && EGifPutExtensionTrailer(file) == GIF_OK;
}

/* giflib would make a file that nobody else can read. */
static void open_file(gif *g) {
    int error = 0;
    const int fd = open(g->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        rlc_fail(RLC_FAILED, "%s: cannot be written: %s", g->path, strerror(errno));
        return;
    }
    g->file = EGifOpenFileHandle(fd, &error);
    if (g->file == NULL) {
        close(fd);
        fail(g->path, error);
        return;
    }
    EGifSetGifVersion(g->file, true);
    if (EGifPutScreenDesc(g->file, g->base.width, g->base.height, 8, 0, NULL) != GIF_OK || !put_repeat(g->file)) {
        fail(g->path, g->file->Error);
    }
}

static rlc_film *open_gif(const char *path, rlc_film film) {
    const size_t pixels = (size_t)film.height * (size_t)film.width;
    gif *g = rlc_calloc(1, sizeof *g);
    if (g == NULL) {
        return NULL;
    }
    g->base = film;
    g->path = rlc_strdup(path);
    g->last = rlc_calloc(pixels, 3);
    g->line = rlc_calloc((size_t)film.width, 1);
    if (rlc_error_status() == RLC_OK) {
        open_file(g);
    }
    if (rlc_error_status() != RLC_OK) {
        close_gif(&g->base);
        return NULL;
    }
    return &g->base;
}

/* Where the picture differs from the last one; a single pixel where it does not, for a frame has at least one. */
static rectangle changed(const gif *g, const uint8_t *rgb) {
    const int height = g->base.height, width = g->base.width, stride = 3 * width;
    int left = width, right = -1, top = height, bottom = -1;
    if (g->base.frames == 0) {
        return (rectangle){0, 0, width, height};
    }
    for (int y = 0; y < height; y++) {
        const uint8_t *now = rgb + (int64_t)y * stride, *then = g->last + (int64_t)y * stride;
        if (memcmp(now, then, (size_t)stride) == 0) {
            continue;
        }
        int first = 0, last = stride - 1;
        while (now[first] == then[first]) {
            first++;
        }
        while (now[last] == then[last]) {
            last--;
        }
        left = first / 3 < left ? first / 3 : left;
        right = last / 3 > right ? last / 3 : right;
        top = y < top ? y : top;
        bottom = y;
    }
    return right < 0 ? (rectangle){0, 0, 1, 1} : (rectangle){left, top, right - left + 1, bottom - top + 1};
}

/* Delays are hundredths of a second: rounding is made up for by the frames after. */
static bool put_delay(const gif *g) {
    const int64_t n = g->base.frames, rate = g->base.frames_per_second;
    const GraphicsControlBlock control = {.DisposalMode = DISPOSE_DO_NOT,
                                          .DelayTime = (int)((n + 1) * 100 / rate - n * 100 / rate),
                                          .TransparentColor = NO_TRANSPARENT_COLOR};
    GifByteType bytes[4];
    return EGifPutExtension(g->file, GRAPHICS_EXT_FUNC_CODE, (int)EGifGCBToExtension(&control, bytes), bytes) == GIF_OK;
}

static bool put_image(gif *g, const uint8_t *rgb, rectangle r) {
    const int stride = 3 * g->base.width;
    const uint8_t *first = rgb + (int64_t)r.y * stride + 3 * r.x;
    palette_fit(&g->palette, first, r.height, r.width, stride);
    int colors = 2; /* giflib wants a power of two */
    while (colors < g->palette.count) {
        colors *= 2;
    }
    ColorMapObject *map = GifMakeMapObject(colors, NULL);
    if (map == NULL) {
        g->file->Error = E_GIF_ERR_NOT_ENOUGH_MEM;
        return false;
    }
    for (int i = 0; i < g->palette.count; i++) {
        map->Colors[i] = (GifColorType){g->palette.rgb[i][0], g->palette.rgb[i][1], g->palette.rgb[i][2]};
    }
    bool good = EGifPutImageDesc(g->file, r.x, r.y, r.width, r.height, false, map) == GIF_OK;
    GifFreeMapObject(map);
    for (int y = 0; y < r.height && good; y++) {
        for (int x = 0; x < r.width; x++) {
            g->line[x] = palette_index(&g->palette, first + (int64_t)y * stride + 3 * x);
        }
        good = EGifPutLine(g->file, g->line, r.width) == GIF_OK;
    }
    return good;
}

static rlc_status put_frame(rlc_film *film, const uint8_t *rgb) {
    gif *g = (gif *)film;
    if (!put_delay(g) || !put_image(g, rgb, changed(g, rgb))) {
        return fail(g->path, g->file->Error);
    }
    memcpy(g->last, rgb, (size_t)film->height * (size_t)film->width * 3);
    film->frames++;
    return RLC_OK;
}

const rlc_film_class rlc_gif_class = {.open = open_gif, .frame = put_frame, .close = close_gif};
