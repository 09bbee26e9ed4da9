#include "recipes/pictures.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "envs/drawing.h"
#include "recipes/run.h"

const rlc_option rlc__pictures_options[] = {
    {.name = "module",
     .type = RLC_OPTION_MODULE,
     .offset = offsetof(rlc_pictures, module_name),
     .required = true,
     .help = "what makes them: reads one entry, which is given noise, and writes one"},
    RLC_LONG(rlc_pictures, every, 0, 0, 1e15, "frames between two; 0 for ten in a run"),
    RLC_INT(rlc_pictures, rows, 8, 1, 64, "samples below each other"),
    RLC_INT(rlc_pictures, columns, 8, 1, 64, "samples side by side"),
    RLC_INTS(rlc_pictures, shape, NULL, 1, 4096, "of a sample: [height, width] in grey, [3, height, width] in colours",
             .required = true),
    RLC_FLOAT(rlc_pictures, low, 0, -1e6, 1e6, "what is black"),
    RLC_FLOAT(rlc_pictures, high, 1, -1e6, 1e6, "what is white, or a full colour"),
    {0},
};

/* The line between two samples. */
enum { LINE = 1, GREY = 128 };

static const rlc_value *section(const rlc_run *run) {
    return run->recipe.pictures;
}

static rlc_status check_shape(const rlc_run *run) {
    const rlc_ints *s = &run->pictures.shape;
    if (s->count == 2 || (s->count == 3 && s->values[0] == 3)) {
        return RLC_OK;
    }
    return rlc_value_fail(section(run), "pictures: shape must be [height, width] or [3, height, width]");
}

/* What the module reads, as it was when it was built. */
static const rlc_tensor *example_of(const rlc_module *m) {
    return rlc_dict_find_key(m->example, m->in_keys[0]);
}

static rlc_status check_module(const rlc_run *run) {
    const rlc_module *m = run->pictures.module;
    if (m->num_in != 1 || m->num_out != 1) {
        return rlc_value_fail(section(run),
                              "pictures: %s reads %d entries and writes %d; it must read one and write one", m->path,
                              m->num_in, m->num_out);
    }
    const rlc_tensor *x = example_of(m);
    return x != NULL && x->dtype == RLC_F32
               ? RLC_OK
               : rlc_value_fail(section(run), "pictures: %s reads %s, which cannot be noise: it is not of float32",
                                m->path, m->in_keys[0]->name);
}

rlc_status rlc__pictures_read(rlc_run *run) {
    rlc_pictures *p = &run->pictures;
    const rlc_value *value = section(run);
    if (value == NULL || value->kind == RLC_NULL) {
        return RLC_OK;
    }
    RLC_TRY(rlc_options_apply(&run->recipe.arena, "pictures", value, p, rlc__pictures_options, NULL));
    RLC_TRY(check_shape(run));
    if (!(p->low < p->high)) {
        return rlc_value_fail(value, "pictures: low (%g) must be below high (%g)", p->low, p->high);
    }
    RLC_TRY(rlc_model_refer(run->model, "pictures.module", p->module_name, &p->module));
    RLC_TRY(check_module(run));
    return rlc__drawing_load() != NULL ? RLC_OK : rlc_error_status();
}

static int64_t sample_size(const rlc_pictures *p) {
    int64_t size = 1;
    for (int i = 0; i < p->shape.count; i++) {
        size *= p->shape.values[i];
    }
    return size;
}

/* Records what the module makes, and reads it into `samples`. */
static rlc_status make(rlc_run *run, rlc_stream *noise, float *samples) {
    const rlc_pictures *p = &run->pictures;
    const int64_t count = (int64_t)p->rows * p->columns;
    const int batch = p->module->example->batch.ndim;
    rlc_shape one = rlc_shape_of(example_of(p->module));
    one.ndim -= batch;
    memmove(one.size, one.size + batch, (size_t)one.ndim * sizeof *one.size);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(count));
    if (td == NULL) {
        return rlc_error_status();
    }
    rlc_dict_set_key(td, p->module->in_keys[0], rlc_randn(noise, rlc_shape_concat(RLC_SHAPE(count), one)));
    rlc_module_call(p->module, td);
    rlc_tensor *made = rlc_cast(rlc_dict_get_key(td, p->module->out_keys[0]), RLC_F32);
    if (made != NULL && made->numel != count * sample_size(p)) {
        return rlc_value_fail(section(run),
                              "pictures: %s makes %lld numbers of each sample, but shape has room for %lld",
                              p->module->path, (long long)(made->numel / count), (long long)sample_size(p));
    }
    return made != NULL ? rlc_read(rlc_contiguous(made), samples) : rlc_error_status();
}

/* The first draws of a stream of its own, outside of training. */
static rlc_status sample(rlc_run *run, float *samples) {
    rlc_stream *noise = rlc_stream_new(run->device, (uint64_t)run->recipe.seed, "pictures");
    if (noise == NULL) {
        return rlc_error_status();
    }
    rlc_begin(run->evaluating);
    rlc_no_grad(true);
    const rlc_status status = make(run, noise, samples), ended = rlc_end(run->evaluating);
    rlc_stream_free(noise);
    return status != RLC_OK ? status : ended;
}

static uint8_t shade(const rlc_pictures *p, float value) {
    const double x = 255 * ((double)value - p->low) / (p->high - p->low);
    return (uint8_t)(x > 255 ? 255 : x > 0 ? x + 0.5 : 0); /* NaN is black */
}

/* Samples next to each other, uint8 [height, width, 3]. */
static void tile(const rlc_pictures *p, const float *samples, int64_t width, uint8_t *rgb) {
    const int64_t h = p->shape.values[p->shape.count - 2], w = p->shape.values[p->shape.count - 1];
    const int64_t colours = p->shape.count == 3 ? 3 : 1;
    for (int64_t i = 0; i < (int64_t)p->rows * p->columns; i++) {
        const float *one = samples + i * colours * h * w;
        uint8_t *corner = rgb + 3 * (i / p->columns * (h + LINE) * width + i % p->columns * (w + LINE));
        for (int64_t k = 0; k < 3 * h * w; k++) {
            const int64_t y = k / (3 * w), x = k / 3 % w, c = k % 3;
            corner[3 * (y * width + x) + c] = shade(p, one[((colours == 3 ? c : 0) * h + y) * w + x]);
        }
    }
}

rlc_status rlc__pictures_draw(rlc_run *run, const char *path) {
    const rlc_pictures *p = &run->pictures;
    const rlc_drawing_table *drawing = rlc__drawing_load();
    const int64_t height = p->rows * (p->shape.values[p->shape.count - 2] + LINE) - LINE;
    const int64_t width = p->columns * (p->shape.values[p->shape.count - 1] + LINE) - LINE;
    const int64_t numbers = p->rows * p->columns * sample_size(p);
    RLC_TRY(rlc_memory_check((double)sizeof(float) * (double)numbers + 3.0 * (double)(height * width), "pictures"));
    float *samples = rlc_calloc((size_t)numbers, sizeof *samples);
    uint8_t *rgb = rlc_calloc((size_t)(height * width), 3);
    rlc_status status = drawing != NULL && samples != NULL && rgb != NULL ? sample(run, samples) : rlc_error_status();
    if (status == RLC_OK && path != NULL) {
        memset(rgb, GREY, (size_t)(3 * height * width));
        tile(p, samples, width, rgb);
        status = drawing->save_png(path, (int)height, (int)width, rgb);
    }
    free(samples);
    free(rgb);
    return status;
}

enum { PATH_SIZE = 4096, DIGITS = 9 };

static rlc_status name_folder(const char *folder, char path[PATH_SIZE]) {
    return snprintf(path, PATH_SIZE, "%s/pictures", folder) < PATH_SIZE - 32
               ? RLC_OK
               : rlc_fail(RLC_INVALID, "%s: the path is too long", folder);
}

rlc_status rlc__pictures_write(rlc_run *run, const char *folder) {
    char path[PATH_SIZE];
    RLC_TRY(name_folder(folder, path));
    RLC_TRY(rlc_folder_make(path));
    snprintf(path + strlen(path), 32, "/%0*lld.png", DIGITS, (long long)*run->collector->frames);
    return rlc__pictures_draw(run, path);
}

/* A name that this file gives: what else lies there is somebody's own. */
static bool is_ours(const char *name) {
    size_t digits = 0;
    while (isdigit((unsigned char)name[digits])) {
        digits++;
    }
    return digits >= DIGITS && strcmp(name + digits, ".png") == 0;
}

rlc_status rlc__pictures_remove(const char *folder) {
    char path[PATH_SIZE];
    RLC_TRY(name_folder(folder, path));
    DIR *listing = opendir(path);
    if (listing == NULL) {
        return errno == ENOENT ? RLC_OK : rlc_fail(RLC_FAILED, "%s: %s", path, strerror(errno));
    }
    rlc_status status = RLC_OK;
    for (struct dirent *entry = readdir(listing); entry != NULL && status == RLC_OK; entry = readdir(listing)) {
        if (is_ours(entry->d_name) && unlinkat(dirfd(listing), entry->d_name, 0) != 0) {
            status = rlc_fail(RLC_FAILED, "%s/%s: could not be removed: %s", path, entry->d_name, strerror(errno));
        }
    }
    closedir(listing);
    return status;
}
