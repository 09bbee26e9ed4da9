#include "recipes/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"

static cJSON *number(double value) {
    return isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull();
}

/* cJSON forgets an item for whose name there is no memory. */
bool rlc__json_put(cJSON *object, const char *name, cJSON *item) {
    bool there = item != NULL && cJSON_AddItemToObject(object, name, item);
    if (!there) {
        cJSON_Delete(item);
    }
    return there;
}

bool rlc__json_number(cJSON *object, const char *name, double value) {
    return rlc__json_put(object, name, number(value));
}

bool rlc__json_text(cJSON *object, const char *name, const char *value) {
    return cJSON_AddStringToObject(object, name, value) != NULL;
}

cJSON *rlc__json_numbers(const double *values, int64_t count) {
    cJSON *list = cJSON_CreateArray();
    for (int64_t i = 0; i < count; i++) {
        if (!cJSON_AddItemToArray(list, number(values[i]))) {
            cJSON_Delete(list);
            return NULL;
        }
    }
    return list;
}

static bool write_line(FILE *out, void *text) {
    return fprintf(out, "%s\n", (const char *)text) > 0;
}

rlc_status rlc__json_write(const char *path, cJSON *object, bool whole) {
    char *text = whole ? cJSON_Print(object) : NULL;
    cJSON_Delete(object);
    rlc_status status =
        text != NULL ? rlc_file_write(path, write_line, text) : rlc_fail(RLC_FAILED, "%s: out of memory for it", path);
    cJSON_free(text);
    return status;
}

/* All of a file as text, for the caller to free; NULL with errno set. */
static char *read_text(const char *path) {
    FILE *in = fopen(path, "r");
    if (in == NULL) {
        return NULL;
    }
    size_t size = 0, room = 4096;
    char *text = malloc(room);
    while (text != NULL) {
        size += fread(text + size, 1, room - size - 1, in);
        if (size < room - 1) {
            break;
        }
        room *= 2;
        char *larger = realloc(text, room);
        if (larger == NULL) {
            free(text);
        }
        text = larger;
    }
    if (text != NULL) {
        text[size] = '\0';
    }
    fclose(in);
    return text;
}

rlc_status rlc__json_read(const char *path, cJSON **object) {
    char *text = read_text(path);
    if (text == NULL) {
        return rlc_fail(RLC_FAILED, "%s: could not be read: %s", path, strerror(errno));
    }
    *object = cJSON_Parse(text);
    free(text);
    return *object != NULL ? RLC_OK : rlc_fail(RLC_FAILED, "%s: this is not JSON", path);
}

double rlc__json_get(const cJSON *object, const char *path) {
    while (object != NULL) {
        char key[64];
        size_t length = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)length, path);
        object = cJSON_GetObjectItemCaseSensitive(object, key);
        if (path[length] == '\0') {
            break;
        }
        path += length + 1;
    }
    return cJSON_IsNumber(object) ? object->valuedouble : (double)NAN;
}
