#include "tensordict/file_parts.h"

#include "tensordict/batch.h"

bool rlc__shape_from_json(const cJSON *sizes, rlc_shape *shape) {
    const cJSON *size;
    *shape = (rlc_shape){0};
    if (!cJSON_IsArray(sizes) || cJSON_GetArraySize(sizes) > RLC_MAX_DIMS) {
        return false;
    }
    cJSON_ArrayForEach(size, sizes) {
        const double number = cJSON_IsNumber(size) ? size->valuedouble : -1;
        if (!(number >= 0 && number <= 9007199254740992.0) || number != (double)(int64_t)number) {
            return false; /* not a whole number that a double holds exactly */
        }
        shape->size[shape->ndim++] = (int64_t)number;
    }
    return true;
}

cJSON *rlc__shape_to_json(rlc_shape shape) {
    cJSON *sizes = cJSON_CreateArray();
    for (int i = 0; i < shape.ndim; i++) {
        cJSON_AddItemToArray(sizes, cJSON_CreateNumber((double)shape.size[i]));
    }
    return sizes;
}

static bool begins_with(rlc_shape shape, rlc_shape batch) {
    bool begins = shape.ndim >= batch.ndim;
    for (int i = 0; i < batch.ndim && begins; i++) {
        begins = shape.size[i] == batch.size[i];
    }
    return begins;
}

/* Checks what rlc_dict_set would check, before it can fail the open program; *key is NULL with an error otherwise. */
static rlc_status may_load(const char *file, const rlc_dict *dict, const char *name, rlc_shape shape,
                           const rlc_key **key) {
    *key = rlc_key_intern(name);
    if (*key == NULL) {
        rlc_error_prefix("%s: ", file);
        return rlc_error_status();
    }
    if (!rlc__dict_is_free(dict, *key)) {
        return rlc_fail(RLC_FAILED, "%s: '%s' would take the place of another entry", file, name);
    }
    for (const rlc_key *part = *key; dict != NULL && part != NULL; part = part->tail) {
        if (!begins_with(shape, dict->batch)) {
            char ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
            return rlc_fail(RLC_FAILED, "%s: '%s' has shape %s, which does not begin with the batch shape %s", file,
                            name, rlc_shape_text(shape, ta), rlc_shape_text(dict->batch, tb));
        }
        dict = rlc_dict_find_dict_key(dict, part->head);
    }
    return RLC_OK;
}

rlc_status rlc__loaded_tensor(const char *file, rlc_dict *dict, const char *name, rlc_tensor *tensor) {
    const rlc_key *key;
    RLC_TRY(may_load(file, dict, name, rlc_shape_of(tensor), &key));
    rlc_dict_set_key(dict, key, tensor);
    return rlc_dict_find_key(dict, key) == tensor ? RLC_OK : rlc_error_status(); /* there may be no memory */
}

rlc_status rlc__loaded_dict(const char *file, rlc_dict *dict, const char *name, rlc_dict *nested) {
    const rlc_key *key;
    RLC_TRY(may_load(file, dict, name, nested->batch, &key));
    rlc_dict_set_dict_key(dict, key, nested);
    return rlc_dict_find_dict_key(dict, key) == nested ? RLC_OK : rlc_error_status();
}
