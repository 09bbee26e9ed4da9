/* memmap.c: a dict as a folder of memory-mapped files, in the format of Python's tensordict. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "tensordict/file_parts.h"

static const char TYPE[] = "<class 'tensordict._td.TensorDict'>";

/* What meta.json says about the dict itself, beside its entries. */
static const char *const own_names[] = {"shape", "device", "_type"};

/* A name as part of a path, escaped as tensordict's _encode_key_for_filesystem does. */
static char *escaped(rlc_arena *arena, const char *name) {
    char *text = rlc_arena_alloc(arena, 3 * strlen(name) + 1, RLC_ALIGN_STRUCT), *to = text;
    for (; text != NULL && *name != '\0'; name++) {
        const unsigned char c = (unsigned char)*name;
        if (c < 32 || c == 127 || strchr("/<>:\"|?*\\ %", c) != NULL) {
            to += snprintf(to, 4, "%%%02X", c);
        } else {
            *to++ = (char)c;
        }
    }
    if (text != NULL) {
        *to = '\0';
    }
    return text;
}

/* FOLDER/NAME.memmap, or the folder of a nested dict without an ending. */
static char *path_in(rlc_arena *arena, const char *folder, const char *name, const char *ending) {
    const char *safe = escaped(arena, name);
    return safe != NULL ? rlc_arena_printf(arena, "%s/%s%s", folder, safe, ending) : NULL;
}

static rlc_status make_folders(rlc_arena *arena, const char *path) {
    char *part = rlc_arena_strndup(arena, path, strlen(path));
    if (part == NULL) {
        return rlc_error_status();
    }
    for (char *slash = strchr(part + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash != NULL) {
            *slash = '\0';
        }
        if (mkdir(part, 0777) != 0 && errno != EEXIST) {
            return rlc_fail(RLC_FAILED, "%s: could not be made: %s", part, strerror(errno));
        }
        if (slash == NULL) {
            return RLC_OK;
        }
        *slash = '/';
    }
}

typedef struct bytes {
    const void *data;
    size_t size;
} bytes;

static bool write_bytes(FILE *out, void *data) {
    const bytes *b = data;
    return fwrite(b->data, 1, b->size, out) == b->size;
}

/* PyTorch makes no file for a tensor without elements. */
static rlc_status write_tensor(rlc_arena *arena, const char *folder, const char *name, rlc_tensor *tensor) {
    const size_t size = (size_t)tensor->numel * rlc_dtype_size((rlc_dtype)tensor->dtype);
    const char *path = path_in(arena, folder, name, ".memmap");
    void *values = path != NULL ? rlc_calloc(size, 1) : NULL;
    rlc_status status = values != NULL ? rlc_read(tensor, values) : rlc_error_status();
    if (status != RLC_OK) {
        rlc_error_prefix("%s: '%s': ", folder, name);
    } else if (size > 0) {
        status = rlc_file_write(path, write_bytes, &(bytes){values, size});
    }
    free(values);
    return status;
}

static void describe_tensor(cJSON *meta, const char *name, const rlc_tensor *tensor) {
    char type[32];
    snprintf(type, sizeof type, "torch.%s", rlc_dtype_name((rlc_dtype)tensor->dtype));
    cJSON *item = cJSON_AddObjectToObject(meta, name);
    cJSON_AddStringToObject(item, "device", "cpu");
    cJSON_AddItemToObject(item, "shape", rlc__shape_to_json(rlc_shape_of(tensor)));
    cJSON_AddStringToObject(item, "dtype", type);
    cJSON_AddBoolToObject(item, "is_nested", false);
}

static rlc_status write_meta(rlc_arena *arena, const char *folder, const rlc_dict *dict) {
    cJSON *meta = cJSON_CreateObject();
    for (int i = 0; i < dict->count; i++) {
        const rlc_entry *entry = &dict->entries[i];
        if (entry->dict != NULL) {
            cJSON_AddStringToObject(cJSON_AddObjectToObject(meta, entry->key->name), "type", "TensorDict");
        } else {
            describe_tensor(meta, entry->key->name, entry->tensor);
        }
    }
    cJSON_AddItemToObject(meta, "shape", rlc__shape_to_json(dict->batch));
    cJSON_AddStringToObject(meta, "device", "cpu");
    bool good = cJSON_AddStringToObject(meta, "_type", TYPE) != NULL;
    char *text = good ? cJSON_PrintUnformatted(meta) : NULL;
    cJSON_Delete(meta);
    const char *path = rlc_arena_printf(arena, "%s/meta.json", folder);
    rlc_status status = RLC_OK;
    if (text == NULL || path == NULL) {
        status = rlc_fail(RLC_FAILED, "%s: out of memory for meta.json", folder);
    } else {
        status = rlc_file_write(path, write_bytes, &(bytes){text, strlen(text)});
    }
    cJSON_free(text);
    return status;
}

static rlc_status save(rlc_arena *arena, const char *folder, const rlc_dict *dict) {
    RLC_TRY(make_folders(arena, folder));
    for (int i = 0; i < dict->count; i++) {
        const rlc_entry *entry = &dict->entries[i];
        const char *name = entry->key->name;
        for (int k = 0; k < RLC_COUNT(own_names); k++) {
            if (strcmp(name, own_names[k]) == 0) {
                return rlc_fail(RLC_INVALID, "%s: no entry can be called '%s': meta.json has that name for the dict",
                                folder, name);
            }
        }
        if (entry->dict != NULL) {
            const char *inner = path_in(arena, folder, name, "");
            RLC_TRY(inner != NULL ? save(arena, inner, entry->dict) : rlc_error_status());
        } else {
            RLC_TRY(write_tensor(arena, folder, name, entry->tensor));
        }
    }
    return write_meta(arena, folder, dict);
}

rlc_status rlc_dict_save_memmap(const rlc_dict *dict, const char *folder) {
    if (dict == NULL || folder[0] == '\0') {
        return rlc_fail(RLC_INVALID, "'%s': there is no %s to save", folder, dict == NULL ? "dict" : "folder");
    }
    rlc_arena arena = {0};
    rlc_status status = save(&arena, folder, dict);
    rlc_arena_free(&arena);
    return status;
}

/* The contents of a file that must have at least `least` bytes, mapped; munmap them. Not for empty files. */
static rlc_status map_file(const char *path, size_t least, bytes *out) {
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not make it wait */
    if (fd < 0 || fstat(fd, &info) != 0) {
        rlc_fail(RLC_FAILED, "%s: %s", path, strerror(errno));
    } else if (!S_ISREG(info.st_mode) || (size_t)info.st_size < least) {
        rlc_fail(RLC_FAILED, "%s: it should have %zu bytes, but has %lld", path, least, (long long)info.st_size);
    } else {
        void *map = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        *out = (bytes){map, (size_t)info.st_size};
        if (map == MAP_FAILED) {
            rlc_fail(RLC_FAILED, "%s: %s", path, strerror(errno));
        } else {
            close(fd);
            return RLC_OK;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return rlc_error_status();
}

/* meta.json; cJSON_Delete it. */
static rlc_status read_meta(rlc_arena *arena, const char *folder, cJSON **meta, rlc_shape *batch) {
    const char *path = rlc_arena_printf(arena, "%s/meta.json", folder);
    bytes text;
    if (path == NULL) {
        return rlc_error_status();
    }
    RLC_TRY(map_file(path, 2, &text));
    *meta = cJSON_ParseWithLength(text.data, text.size);
    munmap((void *)text.data, text.size);
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(*meta, "_type"));
    rlc_status status = RLC_OK;
    if (!cJSON_IsObject(*meta)) {
        status = rlc_fail(RLC_FAILED, "%s: it is not a JSON object", path);
    } else if (type == NULL || strcmp(type, TYPE) != 0) {
        status = rlc_fail(RLC_FAILED, "%s: it describes a %s; only plain TensorDicts can be read", path,
                          type != NULL ? type : "thing without a type");
    } else if (!rlc__shape_from_json(cJSON_GetObjectItemCaseSensitive(*meta, "shape"), batch)) {
        status = rlc_fail(RLC_FAILED, "%s: its shape is not a list of at most %d sizes", path, RLC_MAX_DIMS);
    }
    if (status != RLC_OK) {
        cJSON_Delete(*meta);
    }
    return status;
}

/* What loading carries along. */
typedef struct loading {
    rlc_arena *arena; /* for paths */
    rlc_device *device;
    rlc_state *state;
    const char *prefix; /* "next." within the folder of next: for the names of what the state owns */
} loading;

static bool read_dtype(const cJSON *item, rlc_dtype *dtype) {
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "dtype"));
    for (int i = 0; name != NULL && i < RLC_DTYPE_COUNT; i++) {
        if (strncmp(name, "torch.", 6) == 0 && strcmp(name + 6, rlc_dtype_name((rlc_dtype)i)) == 0) {
            *dtype = (rlc_dtype)i;
            return true;
        }
    }
    return false;
}

static rlc_status load_tensor(const loading *l, const char *folder, const cJSON *item, rlc_dict *dict) {
    rlc_dtype dtype;
    rlc_shape shape;
    if (!read_dtype(item, &dtype) || cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "is_nested")) ||
        !rlc__shape_from_json(cJSON_GetObjectItemCaseSensitive(item, "shape"), &shape)) {
        char *text = cJSON_PrintUnformatted(item);
        rlc_fail(RLC_FAILED, "%s: '%s' is nothing that can be read, a tensor of a type that rlc has: %s", folder,
                 item->string, text != NULL ? text : "");
        cJSON_free(text);
        return rlc_error_status();
    }
    const char *name = rlc_arena_printf(l->arena, "%s%s", l->prefix, item->string);
    rlc_tensor *root = name != NULL ? rlc_state_tensor(l->state, l->device, name, dtype, shape) : NULL;
    if (root == NULL) {
        rlc_error_prefix("%s: '%s': ", folder, item->string);
        return rlc_error_status();
    }
    if (root->numel > 0) {
        const char *path = path_in(l->arena, folder, item->string, ".memmap");
        bytes values;
        RLC_TRY(path != NULL ? map_file(path, (size_t)root->numel * rlc_dtype_size(dtype), &values)
                             : rlc_error_status());
        rlc_status status = rlc_tensor_write(root, values.data);
        munmap((void *)values.data, values.size);
        RLC_TRY(status);
    }
    return rlc__loaded_tensor(folder, dict, item->string, root);
}

static rlc_status load(const loading *l, const char *folder, rlc_dict **dict);

static rlc_status load_nested(const loading *l, const char *folder, const cJSON *item, rlc_dict *dict) {
    const char *inner = path_in(l->arena, folder, item->string, "");
    loading below = *l;
    below.prefix = rlc_arena_printf(l->arena, "%s%s.", l->prefix, item->string);
    rlc_dict *nested = NULL;
    RLC_TRY(inner != NULL && below.prefix != NULL ? load(&below, inner, &nested) : rlc_error_status());
    return rlc__loaded_dict(folder, dict, item->string, nested);
}

/* As in Python, what is no object in meta.json is not an entry. */
static rlc_status load_entries(const loading *l, const char *folder, const cJSON *meta, rlc_dict *dict) {
    const cJSON *item;
    cJSON_ArrayForEach(item, meta) {
        const cJSON *type = cJSON_GetObjectItemCaseSensitive(item, "type");
        if (type != NULL && strcmp(cJSON_IsString(type) ? type->valuestring : "", "TensorDict") == 0) {
            RLC_TRY(load_nested(l, folder, item, dict));
        } else if (cJSON_IsObject(item)) {
            RLC_TRY(load_tensor(l, folder, item, dict));
        }
    }
    return RLC_OK;
}

static rlc_status load(const loading *l, const char *folder, rlc_dict **dict) {
    cJSON *meta = NULL;
    rlc_shape batch;
    RLC_TRY(read_meta(l->arena, folder, &meta, &batch));
    *dict = rlc_dict_new_in(&l->state->arena, batch);
    rlc_status status = *dict != NULL ? load_entries(l, folder, meta, *dict) : rlc_error_status();
    cJSON_Delete(meta);
    return status;
}

rlc_status rlc_dict_load_memmap(const char *folder, rlc_device *device, rlc_state *state, rlc_dict **dict) {
    rlc_arena arena = {0};
    rlc_dict *loaded = NULL;
    rlc_status status = load(&(loading){&arena, device, state, ""}, folder, &loaded);
    rlc_arena_free(&arena);
    if (status == RLC_OK) {
        *dict = loaded;
    }
    return status;
}
