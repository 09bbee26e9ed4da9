#include "core/safetensors.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/device.h"
#include "core/file.h"
#include "core/half.h"
#include "core/program.h"

/* A file is the length of its header (8 bytes, little-endian), the header (JSON) and the data. */
struct rlc_safetensors {
    char *map;
    size_t size;
    cJSON *header;
    rlc_safetensors_entry *entries;
    int count;
    rlc_arena widened; /* data of 16 bits, as float32 */
};

/* What a file may hold: the types of rlc, in their order, and those that become one of them when the file is opened. */
typedef struct file_type {
    const char *name;
    rlc_dtype dtype;
    size_t size; /* of an element in the file */
    float (*widen)(uint16_t bits);
    const char *widened;
} file_type;

static const file_type file_types[] = {
    [RLC_BOOL] = {"BOOL", RLC_BOOL, 1, NULL, NULL},    [RLC_U8] = {"U8", RLC_U8, 1, NULL, NULL},
    [RLC_I32] = {"I32", RLC_I32, 4, NULL, NULL},       [RLC_I64] = {"I64", RLC_I64, 8, NULL, NULL},
    [RLC_F32] = {"F32", RLC_F32, 4, NULL, NULL},       [RLC_F64] = {"F64", RLC_F64, 8, NULL, NULL},
    {"F16", RLC_F32, 2, rlc_float16_value, "float16"}, {"BF16", RLC_F32, 2, rlc_bfloat16_value, "bfloat16"},
};

static const char METADATA[] = "__metadata__";

static const file_type *read_type(const cJSON *item) {
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "dtype"));
    for (int i = 0; name != NULL && i < RLC_COUNT(file_types); i++) {
        if (strcmp(name, file_types[i].name) == 0) {
            return &file_types[i];
        }
    }
    return NULL;
}

/* A whole number that a double holds exactly. */
static bool read_integer(const cJSON *item, int64_t *value) {
    double number = cJSON_IsNumber(item) ? item->valuedouble : -1;
    if (!(number >= 0 && number <= 9007199254740992.0) || number != (double)(int64_t)number) {
        return false;
    }
    *value = (int64_t)number;
    return true;
}

static bool read_shape(const cJSON *item, rlc_shape *shape) {
    const cJSON *sizes = cJSON_GetObjectItemCaseSensitive(item, "shape"), *size;
    shape->ndim = 0;
    if (!cJSON_IsArray(sizes) || cJSON_GetArraySize(sizes) > RLC_MAX_DIMS) {
        return false;
    }
    cJSON_ArrayForEach(size, sizes) {
        if (!read_integer(size, &shape->size[shape->ndim++])) {
            return false;
        }
    }
    return true;
}

/* NULL when the entry is sound, else what is wrong with it. */
static const char *read_entry(const cJSON *item, const char *data, size_t data_size, rlc_safetensors_entry *entry) {
    const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(item, "data_offsets");
    const file_type *type = read_type(item);
    int64_t begin, end, bytes;
    entry->name = item->string;
    if (type == NULL) {
        return "its dtype is not one of BOOL, U8, I32, I64, F32, F64, F16, BF16";
    }
    entry->dtype = type->dtype;
    entry->widened = type->widened;
    if (!read_shape(item, &entry->shape)) {
        return "its shape is not a list of at most 8 sizes";
    }
    if (!cJSON_IsArray(offsets) || cJSON_GetArraySize(offsets) != 2 ||
        !read_integer(cJSON_GetArrayItem(offsets, 0), &begin) || !read_integer(cJSON_GetArrayItem(offsets, 1), &end) ||
        begin > end || (uint64_t)end > data_size) {
        return "its data lies outside of the file, which may be truncated";
    }
    int64_t numel = rlc_shape_numel(entry->shape);
    if (numel < 0 || __builtin_mul_overflow(numel, (int64_t)type->size, &bytes) || bytes != end - begin) {
        return "its shape does not fit its data";
    }
    entry->data = data + begin;
    entry->size = (size_t)bytes;
    return NULL;
}

static int by_data(const void *a, const void *b) {
    const rlc_safetensors_entry *x = *(rlc_safetensors_entry *const *)a, *y = *(rlc_safetensors_entry *const *)b;
    const char *px = x->data, *py = y->data;
    return px != py ? (px > py) - (px < py) : (x->size > y->size) - (x->size < y->size);
}

/* The format wants the tensors to cover the data without gaps or overlaps. */
static bool covers(const rlc_safetensors *file, const char *data, size_t data_size) {
    rlc_safetensors_entry **sorted = rlc_calloc((size_t)file->count, sizeof *sorted);
    if (sorted == NULL) {
        return false;
    }
    for (int i = 0; i < file->count; i++) {
        sorted[i] = &file->entries[i];
    }
    qsort(sorted, (size_t)file->count, sizeof *sorted, by_data);
    const char *next = data;
    bool good = true;
    for (int i = 0; i < file->count && good; i++) {
        good = sorted[i]->data == next;
        next += sorted[i]->size;
    }
    free(sorted);
    return good && next == data + data_size;
}

static rlc_status widen(rlc_safetensors *file, const file_type *type, rlc_safetensors_entry *entry) {
    const size_t count = entry->size / type->size;
    float *values = rlc_arena_alloc(&file->widened, count * sizeof *values, RLC_ALIGN_DATA);
    if (values == NULL) {
        return rlc_error_status();
    }
    for (size_t i = 0; i < count; i++) {
        uint16_t bits;
        memcpy(&bits, (const char *)entry->data + i * sizeof bits, sizeof bits);
        values[i] = type->widen(bits);
    }
    entry->data = values;
    entry->size = count * sizeof *values;
    return RLC_OK;
}

/* Entries stand in the order of the header. */
static rlc_status widen_all(rlc_safetensors *file) {
    rlc_safetensors_entry *entry = file->entries;
    const cJSON *item;
    cJSON_ArrayForEach(item, file->header) {
        if (strcmp(item->string, METADATA) == 0) {
            continue;
        }
        const file_type *type = read_type(item);
        if (type->widen != NULL) {
            RLC_TRY(widen(file, type, entry));
        }
        entry++;
    }
    return RLC_OK;
}

/* A zip, or as PyTorch once wrote, a pickle. */
static bool is_pytorch(const rlc_safetensors *file) {
    return file->size > 2 && (memcmp(file->map, "PK", 2) == 0 || (unsigned char)file->map[0] == 0x80);
}

static rlc_status parse(const char *path, rlc_safetensors *file) {
    uint64_t length = 0;
    for (int i = 0; i < 8 && file->size >= 8; i++) {
        length |= (uint64_t)(unsigned char)file->map[i] << (8 * i);
    }
    if (file->size < 8 || length > file->size - 8) {
        return rlc_fail(RLC_FAILED, "%s: not a safetensors file, or truncated: %zu bytes do not hold its header%s",
                        path, file->size,
                        is_pytorch(file) ? "; it looks like torch.save's, and safetensors.torch.save_file("
                                           "net.state_dict(), ...) writes one that can be read"
                                         : "");
    }
    const char *end = file->map + 8;
    errno = 0;
    file->header = cJSON_ParseWithLengthOpts(file->map + 8, length, &end, false);
    if (file->header == NULL && errno == ENOMEM) { /* cJSON itself does not tell */
        return rlc_fail(RLC_FAILED, "%s: out of memory for its header", path);
    }
    while (end < file->map + 8 + length && *end == ' ') {
        end++;
    }
    if (!cJSON_IsObject(file->header) || end != file->map + 8 + length) {
        return rlc_fail(RLC_FAILED, "%s: not a safetensors file: its header is not a JSON object", path);
    }
    const char *data = file->map + 8 + length;
    size_t data_size = file->size - 8 - length;
    file->entries = rlc_calloc((size_t)cJSON_GetArraySize(file->header), sizeof *file->entries);
    if (file->entries == NULL) {
        return rlc_error_status();
    }
    const cJSON *item;
    cJSON_ArrayForEach(item, file->header) {
        if (strcmp(item->string, METADATA) == 0) {
            continue;
        }
        const char *wrong = read_entry(item, data, data_size, &file->entries[file->count]);
        if (wrong == NULL && rlc_safetensors_find(file, item->string) != NULL) {
            wrong = "it is there twice";
        }
        if (wrong != NULL) {
            return rlc_fail(RLC_FAILED, "%s: tensor '%s': %s", path, item->string, wrong);
        }
        file->count++;
    }
    if (!covers(file, data, data_size)) {
        return rlc_fail(RLC_FAILED, "%s: its tensors do not cover its data; the file is damaged", path);
    }
    return widen_all(file);
}

rlc_status rlc_safetensors_open(const char *path, rlc_safetensors **out) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not make it wait */
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0) {
        rlc_fail(RLC_FAILED, "%s: %s", path, strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return rlc_error_status();
    }
    rlc_safetensors *file = rlc_calloc(1, sizeof *file);
    if (file == NULL || !S_ISREG(info.st_mode) || info.st_size == 0) {
        close(fd);
        free(file);
        return rlc_fail(RLC_FAILED, "%s: not a safetensors file: %s", path,
                        S_ISREG(info.st_mode) ? "it is empty" : "it is not a regular file");
    }
    file->size = (size_t)info.st_size;
    file->map = mmap(NULL, file->size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (file->map == MAP_FAILED) {
        free(file);
        return rlc_fail(RLC_FAILED, "%s: %s", path, strerror(errno));
    }
    rlc_status status = parse(path, file);
    if (status != RLC_OK) {
        rlc_safetensors_close(file);
        return status;
    }
    *out = file;
    return RLC_OK;
}

void rlc_safetensors_close(rlc_safetensors *file) {
    if (file != NULL) {
        cJSON_Delete(file->header);
        munmap(file->map, file->size);
        rlc_arena_free(&file->widened);
        free(file->entries);
        free(file);
    }
}

int rlc_safetensors_count(const rlc_safetensors *file) {
    return file->count;
}

const rlc_safetensors_entry *rlc_safetensors_at(const rlc_safetensors *file, int i) {
    return &file->entries[i];
}

const rlc_safetensors_entry *rlc_safetensors_find(const rlc_safetensors *file, const char *name) {
    for (int i = 0; i < file->count; i++) {
        if (strcmp(file->entries[i].name, name) == 0) {
            return &file->entries[i];
        }
    }
    return NULL;
}

const char *rlc_safetensors_metadata(const rlc_safetensors *file, const char *key) {
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(file->header, METADATA);
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(metadata, key));
}

rlc_status rlc_safetensors_load(const rlc_safetensors *file, const char *name, rlc_tensor *root) {
    const rlc_safetensors_entry *entry = rlc_safetensors_find(file, name);
    if (entry == NULL) {
        return rlc_fail(RLC_FAILED, "there is no tensor '%s' in the file", name);
    }
    if (entry->dtype != root->dtype || !rlc_shape_equal(entry->shape, rlc_shape_of(root))) {
        char ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
        return rlc_fail(RLC_FAILED, "tensor '%s' is %s %s in the file, but %s %s is needed", name,
                        rlc_dtype_name(entry->dtype), rlc_shape_text(entry->shape, ta),
                        rlc_dtype_name((rlc_dtype)root->dtype), rlc_shape_text(rlc_shape_of(root), tb));
    }
    return rlc_tensor_write(root, entry->data);
}

static size_t bytes_of(const rlc_tensor *t) {
    return (size_t)t->numel * rlc_dtype_size((rlc_dtype)t->dtype);
}

static bool add_number(cJSON *array, double number) {
    cJSON *item = cJSON_CreateNumber(number);
    bool added = array != NULL && item != NULL && cJSON_AddItemToArray(array, item);
    if (!added) {
        cJSON_Delete(item);
    }
    return added;
}

/* Adds one tensor's line to the header; its data begins at `offset`. False when there is no memory. */
static bool describe(cJSON *header, const rlc_named_tensor *named, size_t offset) {
    const rlc_tensor *t = named->tensor;
    cJSON *item = cJSON_AddObjectToObject(header, named->name);
    bool good = cJSON_AddStringToObject(item, "dtype", file_types[t->dtype].name) != NULL;
    cJSON *shape = cJSON_AddArrayToObject(item, "shape");
    good = good && shape != NULL;
    for (int d = 0; d < t->ndim; d++) {
        good = good && add_number(shape, (double)t->shape[d]);
    }
    cJSON *offsets = cJSON_AddArrayToObject(item, "data_offsets");
    return good && add_number(offsets, (double)offset) && add_number(offsets, (double)(offset + bytes_of(t)));
}

/* The header as text, padded so that the data begins at a multiple of 8; wide types come first and so stay aligned. */
static char *make_header(const rlc_named_tensor *tensors, int count, const int *order, const rlc_text_pair *metadata,
                         int metadata_count) {
    cJSON *header = cJSON_CreateObject();
    bool good = header != NULL;
    if (metadata_count > 0) {
        cJSON *object = cJSON_AddObjectToObject(header, METADATA);
        for (int i = 0; i < metadata_count; i++) {
            good = good && cJSON_AddStringToObject(object, metadata[i].key, metadata[i].value) != NULL;
        }
    }
    size_t offset = 0;
    for (int i = 0; i < count; i++) {
        good = good && describe(header, &tensors[order[i]], offset);
        offset += bytes_of(tensors[order[i]].tensor);
    }
    char *text = good ? cJSON_PrintUnformatted(header) : NULL;
    cJSON_Delete(header);
    size_t length = text != NULL ? strlen(text) : 0, padded = (length + 7) / 8 * 8;
    char *result = text != NULL ? rlc_calloc(padded + 1, 1) : NULL;
    if (result != NULL) {
        memset(result, ' ', padded);
        memcpy(result, text, length);
    }
    cJSON_free(text);
    return result;
}

/* What rlc_file_write hands to write_all. */
typedef struct contents {
    const char *header;
    const rlc_named_tensor *tensors;
    const int *order;
    int count;
} contents;

static bool write_all(FILE *out, void *data) {
    const contents *c = data;
    uint64_t length = strlen(c->header);
    unsigned char prefix[8];
    for (int i = 0; i < 8; i++) {
        prefix[i] = (unsigned char)(length >> (8 * i));
    }
    bool good = fwrite(prefix, 1, 8, out) == 8 && fwrite(c->header, 1, length, out) == length;
    for (int i = 0; i < c->count && good; i++) {
        const rlc_tensor *t = c->tensors[c->order[i]].tensor;
        size_t size = bytes_of(t);
        char *copy = rlc_calloc(size, 1);
        good = copy != NULL && rlc_read((rlc_tensor *)t, copy) == RLC_OK && fwrite(copy, 1, size, out) == size;
        free(copy);
    }
    return good;
}

rlc_status rlc_safetensors_save(const char *path, const rlc_named_tensor *tensors, int count,
                                const rlc_text_pair *metadata, int metadata_count) {
    int *order = rlc_calloc((size_t)count, sizeof *order), placed = 0;
    if (order == NULL) {
        return rlc_error_status();
    }
    for (size_t size = 8; size > 0; size /= 2) {
        for (int i = 0; i < count; i++) {
            if (rlc_dtype_size((rlc_dtype)tensors[i].tensor->dtype) == size) {
                order[placed++] = i;
            }
        }
    }
    char *header = make_header(tensors, count, order, metadata, metadata_count);
    rlc_status status = header != NULL ? rlc_file_write(path, write_all, &(contents){header, tensors, order, count})
                                       : rlc_fail(RLC_FAILED, "%s: out of memory for its header", path);
    free(header);
    free(order);
    return status;
}
