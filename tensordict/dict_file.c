/* dict_file.c: a dict as a safetensors file. */
#include "tensordict/dict_file.h"

#include <stdlib.h>
#include <string.h>

#include "core/record.h"
#include "core/safetensors.h"
#include "tensordict/file_parts.h"

static const char BATCH[] = "batch_size", NESTED[] = "nested";

typedef struct tensor_list {
    rlc_named_tensor *items; /* NULL while they are only counted */
    int count;
} tensor_list;

static void list_one(const rlc_key *key, rlc_tensor *tensor, void *data) {
    tensor_list *list = data;
    if (list->items != NULL) {
        list->items[list->count] = (rlc_named_tensor){key->name, tensor};
    }
    list->count++;
}

/* All tensors with their paths; free the items. */
static rlc_status list_tensors(const rlc_dict *dict, tensor_list *list) {
    *list = (tensor_list){0};
    rlc_dict_each(dict, list_one, list);
    list->items = rlc_calloc((size_t)list->count, sizeof *list->items);
    if (list->items == NULL) {
        return rlc_error_status();
    }
    list->count = 0;
    rlc_dict_each(dict, list_one, list);
    return RLC_OK;
}

/* Has every tensor contiguous and computed. */
static rlc_status settle(const char *path, tensor_list *list) {
    rlc_program *p = rlc_current();
    const bool was = rlc_no_grad(true);
    for (int i = 0; i < list->count && p != NULL; i++) {
        list->items[i].tensor = rlc_contiguous((rlc_tensor *)list->items[i].tensor);
    }
    rlc_no_grad(was);
    if (p != NULL) {
        RLC_TRY(rlc__flush(p));
    }
    for (int i = 0; i < list->count; i++) {
        const rlc_tensor *t = list->items[i].tensor;
        if (!(t->flags & RLC_CONTIGUOUS) || t->data == NULL) {
            return rlc_fail(RLC_INVALID, "%s: '%s' cannot be saved: %s", path, list->items[i].name,
                            t->data == NULL ? "only its shape was recorded"
                                            : "it is a view with gaps; save it while a program is open");
        }
    }
    return RLC_OK;
}

static void describe_nested(const rlc_dict *dict, const rlc_key *prefix, cJSON *to) {
    for (int i = 0; i < dict->count; i++) {
        const rlc_entry *entry = &dict->entries[i];
        const rlc_key *key = prefix != NULL ? rlc_key_join(prefix, entry->key) : entry->key;
        if (key != NULL && entry->dict != NULL) {
            cJSON_AddItemToObject(to, key->name, rlc__shape_to_json(entry->dict->batch));
            describe_nested(entry->dict, key, to);
        }
    }
}

static rlc_status write_file(const rlc_dict *dict, const char *path, const tensor_list *list) {
    cJSON *batch = rlc__shape_to_json(dict->batch), *nested = cJSON_CreateObject();
    describe_nested(dict, NULL, nested);
    char *batch_text = cJSON_PrintUnformatted(batch), *nested_text = cJSON_PrintUnformatted(nested);
    rlc_status status = RLC_OK;
    if (batch_text == NULL || nested_text == NULL) {
        status = rlc_fail(RLC_FAILED, "%s: out of memory for its metadata", path);
    } else {
        const rlc_text_pair metadata[] = {{BATCH, batch_text}, {NESTED, nested_text}};
        status = rlc_safetensors_save(path, list->items, list->count, metadata, RLC_COUNT(metadata));
    }
    cJSON_free(batch_text);
    cJSON_free(nested_text);
    cJSON_Delete(batch);
    cJSON_Delete(nested);
    return status;
}

rlc_status rlc_dict_save(const rlc_dict *dict, const char *path) {
    if (dict == NULL) {
        return rlc_fail(RLC_INVALID, "%s: there is no dict to save", path);
    }
    tensor_list list;
    rlc_status status = list_tensors(dict, &list);
    status = status == RLC_OK ? settle(path, &list) : status;
    status = status == RLC_OK ? write_file(dict, path, &list) : status;
    free(list.items);
    return status;
}

/* Makes the nested dicts that the metadata lists, each after the one it is in. */
static rlc_status make_nested(const char *path, const cJSON *nested, rlc_dict *dict) {
    const cJSON *item;
    cJSON_ArrayForEach(item, nested) {
        rlc_shape batch;
        if (!rlc__shape_from_json(item, &batch)) {
            return rlc_fail(RLC_FAILED, "%s: its metadata has no batch shape for '%s'", path, item->string);
        }
        rlc_dict *made = rlc_dict_new_in(dict->arena, batch);
        if (made == NULL) {
            return rlc_error_status();
        }
        RLC_TRY(rlc__loaded_dict(path, dict, item->string, made));
    }
    return RLC_OK;
}

static rlc_status make_dict(const char *path, const rlc_safetensors *file, rlc_state *state, rlc_dict **dict) {
    const char *batch_text = rlc_safetensors_metadata(file, BATCH),
               *nested_text = rlc_safetensors_metadata(file, NESTED);
    cJSON *sizes = cJSON_Parse(batch_text != NULL ? batch_text : "[]");
    cJSON *nested = cJSON_Parse(nested_text != NULL ? nested_text : "{}");
    rlc_shape batch;
    rlc_status status = RLC_OK;
    if (!rlc__shape_from_json(sizes, &batch) || !cJSON_IsObject(nested)) {
        status = rlc_fail(RLC_FAILED, "%s: its metadata does not describe a dict: %s %s, %s %s", path, BATCH,
                          batch_text != NULL ? batch_text : "", NESTED, nested_text != NULL ? nested_text : "");
    } else {
        *dict = rlc_dict_new_in(&state->arena, batch);
        status = *dict != NULL ? make_nested(path, nested, *dict) : rlc_error_status();
    }
    cJSON_Delete(sizes);
    cJSON_Delete(nested);
    return status;
}

static rlc_status load_all(const char *path, const rlc_safetensors *file, rlc_device *device, rlc_state *state,
                           rlc_dict **dict) {
    RLC_TRY(make_dict(path, file, state, dict));
    for (int i = 0; i < rlc_safetensors_count(file); i++) {
        const rlc_safetensors_entry *entry = rlc_safetensors_at(file, i);
        rlc_tensor *root = rlc_state_tensor(state, device, entry->name, entry->dtype, entry->shape);
        if (root == NULL) {
            return rlc_error_status();
        }
        RLC_TRY(rlc_tensor_write(root, entry->data));
        RLC_TRY(rlc__loaded_tensor(path, *dict, entry->name, root));
    }
    return RLC_OK;
}

rlc_status rlc_dict_load(const char *path, rlc_device *device, rlc_state *state, rlc_dict **dict) {
    rlc_safetensors *file;
    rlc_dict *loaded = NULL;
    RLC_TRY(rlc_safetensors_open(path, &file));
    rlc_status status = load_all(path, file, device, state, &loaded);
    rlc_safetensors_close(file);
    if (status == RLC_OK) {
        *dict = loaded;
    }
    return status;
}

static rlc_status check_root(const char *path, const rlc_safetensors *file, const rlc_named_tensor *root) {
    const rlc_tensor *t = root->tensor;
    const rlc_safetensors_entry *entry = rlc_safetensors_find(file, root->name);
    if (t->program != NULL) {
        return rlc_fail(RLC_INVALID, "%s: '%s' cannot be loaded into: a program made it, so it is no root", path,
                        root->name);
    }
    if (entry == NULL) {
        return rlc_fail(RLC_FAILED, "%s: there is no '%s', which the dict has", path, root->name);
    }
    if (entry->dtype != t->dtype || !rlc_shape_equal(entry->shape, rlc_shape_of(t))) {
        char ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
        return rlc_fail(RLC_FAILED, "%s: '%s' is %s %s, but %s %s in the dict", path, root->name,
                        rlc_dtype_name(entry->dtype), rlc_shape_text(entry->shape, ta),
                        rlc_dtype_name((rlc_dtype)t->dtype), rlc_shape_text(rlc_shape_of(t), tb));
    }
    return RLC_OK;
}

static rlc_status fill(const char *path, const rlc_safetensors *file, const rlc_dict *dict, const tensor_list *list) {
    for (int i = 0; i < list->count; i++) {
        RLC_TRY(check_root(path, file, &list->items[i]));
    }
    for (int i = 0; i < rlc_safetensors_count(file); i++) {
        const char *name = rlc_safetensors_at(file, i)->name;
        const rlc_key *key = list->count < rlc_safetensors_count(file) ? rlc_key_intern(name) : NULL;
        if (list->count < rlc_safetensors_count(file) && rlc_dict_find_key(dict, key) == NULL) {
            return rlc_fail(RLC_FAILED, "%s: the dict has no '%s'", path, name);
        }
    }
    for (int i = 0; i < list->count; i++) {
        RLC_TRY(rlc_tensor_write((rlc_tensor *)list->items[i].tensor,
                                 rlc_safetensors_find(file, list->items[i].name)->data));
    }
    return RLC_OK;
}

rlc_status rlc_dict_load_into(const char *path, rlc_dict *dict) {
    rlc_safetensors *file;
    tensor_list list;
    RLC_TRY(rlc_safetensors_open(path, &file));
    rlc_status status = list_tensors(dict, &list);
    status = status == RLC_OK ? fill(path, file, dict, &list) : status;
    free(list.items);
    rlc_safetensors_close(file);
    return status;
}
