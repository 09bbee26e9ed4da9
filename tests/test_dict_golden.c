/* Every operation on dicts against tensordict: replays the cases that tests/golden/dicts.py describes. */
#include "tests/world.h"

#include <cjson/cJSON.h>

enum { MOST = 16 };

static rlc_program *p;
static cJSON *cases, *descriptions;

/* One case: operands, arguments and what came out. */
typedef struct replay {
    rlc_dict *dict[MOST];
    int64_t ints[MOST];
    const rlc_key *keys[MOST];
    int num_dicts, num_ints, num_keys;
    rlc_tensor *tensor;
    const char *text;

    rlc_dict *out[MOST];
    int num_out;
    int value;
    rlc_key_list names;
} replay;

static rlc_shape shape_from(const int64_t *sizes, int count) {
    rlc_shape shape = {.ndim = count};
    memcpy(shape.size, sizes, (size_t)count * sizeof *sizes);
    return shape;
}

static rlc_shape all_ints(const replay *r) {
    return shape_from(r->ints, r->num_ints);
}

static void give(replay *r, rlc_dict *out) {
    r->out[r->num_out++] = out;
}

static void give_all(replay *r, rlc_dict_list list) {
    assert_true(list.count <= MOST && (list.count > 0 || list.dict != NULL));
    for (int i = 0; i < list.count; i++) {
        give(r, list.dict[i]);
    }
}

#define INT(i) ((int)r->ints[i])
#define TD (r->dict[0])

static void run_reshape(replay *r) {
    give(r, rlc_dict_reshape(TD, all_ints(r)));
}

static void run_view(replay *r) {
    give(r, rlc_dict_view(TD, all_ints(r)));
}

static void run_flatten(replay *r) {
    give(r, rlc_dict_flatten(TD, INT(0), INT(1)));
}

static void run_unflatten(replay *r) {
    give(r, rlc_dict_unflatten(TD, INT(0), shape_from(r->ints + 1, r->num_ints - 1)));
}

static void run_squeeze(replay *r) {
    give(r, rlc_dict_squeeze(TD, r->num_ints > 0 ? INT(0) : RLC_ALL));
}

static void run_unsqueeze(replay *r) {
    give(r, rlc_dict_unsqueeze(TD, INT(0)));
}

static void run_transpose(replay *r) {
    give(r, rlc_dict_transpose(TD, INT(0), INT(1)));
}

static void run_permute(replay *r) {
    int dims[MOST];
    for (int i = 0; i < r->num_ints; i++) {
        dims[i] = INT(i);
    }
    give(r, rlc_dict_permute(TD, dims, r->num_ints));
}

static void run_expand(replay *r) {
    give(r, rlc_dict_expand(TD, all_ints(r)));
}

static void run_at(replay *r) {
    give(r, rlc_dict_at(TD, INT(0), r->ints[1]));
}

static void run_slice(replay *r) {
    give(r, rlc_dict_slice(TD, INT(0), r->ints[1], r->ints[2], r->ints[3]));
}

static void run_index(replay *r) {
    give(r, rlc_dict_index(TD, r->tensor));
}

static void run_index_select(replay *r) {
    give(r, rlc_dict_index_select(TD, INT(0), r->tensor));
}

static void run_mask(replay *r) {
    give(r, rlc_dict_mask(TD, r->tensor));
}

static void run_gather(replay *r) {
    give(r, rlc_dict_gather(TD, INT(0), r->tensor));
}

static void run_stack(replay *r) {
    give(r, rlc_dict_stack(r->dict, r->num_dicts, INT(0)));
}

static void run_cat(replay *r) {
    give(r, rlc_dict_cat(r->dict, r->num_dicts, INT(0)));
}

static void run_split(replay *r) {
    give_all(r, rlc_dict_split(TD, r->ints[0], INT(1)));
}

static void run_split_sizes(replay *r) {
    give_all(r, rlc_dict_split_sizes(TD, r->ints + 1, r->num_ints - 1, INT(0)));
}

static void run_unbind(replay *r) {
    give_all(r, rlc_dict_unbind(TD, INT(0)));
}

static void run_keys(replay *r) {
    r->names = rlc_dict_keys(TD, INT(0), INT(1));
}

static void run_is_empty(replay *r) {
    r->value = rlc_dict_is_empty(TD);
}

static void run_equal(replay *r) {
    r->value = rlc_dict_equal(TD, r->dict[1]);
}

static void run_clone(replay *r) {
    give(r, rlc_dict_clone(TD));
}

static void run_clone_deep(replay *r) {
    give(r, rlc_dict_clone_deep(TD));
}

static void run_cast(replay *r) {
    give(r, rlc_dict_cast(TD, (rlc_dtype)INT(0)));
}

static rlc_tensor *twice_and_one(rlc_tensor *tensor, void *data) {
    return rlc_add_scalar(rlc_mul_scalar(rlc_cast(tensor, RLC_F64), 2), *(const double *)data);
}

static void run_apply(replay *r) {
    give(r, rlc_dict_apply(TD, TD->batch, twice_and_one, &(double){1}));
}

static void run_select(replay *r) {
    give(r, rlc_dict_select(TD, r->keys, r->num_keys));
}

static void run_select_present(replay *r) {
    give(r, rlc_dict_select_present(TD, r->keys, r->num_keys));
}

static void run_exclude(replay *r) {
    give(r, rlc_dict_exclude(TD, r->keys, r->num_keys));
}

static void run_rename(replay *r) {
    rlc_dict_rename(TD, r->keys[0]->name, r->keys[1]->name);
    give(r, TD);
}

static void run_del(replay *r) {
    rlc_dict_del(TD, r->keys[0]->name);
    give(r, TD);
}

static void run_set(replay *r) {
    rlc_dict_set(TD, r->keys[0]->name, r->tensor);
    give(r, TD);
}

static void run_update(replay *r) {
    rlc_dict_update(TD, r->dict[1]);
    give(r, TD);
}

static void run_assign(replay *r) {
    rlc_dict_assign(TD, r->dict[1]);
    give(r, TD);
}

static void run_flatten_keys(replay *r) {
    give(r, rlc_dict_flatten_keys(TD, r->text));
}

static void run_unflatten_keys(replay *r) {
    give(r, rlc_dict_unflatten_keys(TD, r->text));
}

#define OPERATION(name)                                                                                                \
    { #name, run_##name, 0 }
static struct {
    const char *name;
    void (*run)(replay *r);
    int cases;
} operations[] = {OPERATION(reshape),       OPERATION(view),
                  OPERATION(flatten),       OPERATION(unflatten),
                  OPERATION(squeeze),       OPERATION(unsqueeze),
                  OPERATION(transpose),     OPERATION(permute),
                  OPERATION(expand),        OPERATION(at),
                  OPERATION(slice),         OPERATION(index),
                  OPERATION(index_select),  OPERATION(mask),
                  OPERATION(gather),        OPERATION(stack),
                  OPERATION(cat),           OPERATION(split),
                  OPERATION(split_sizes),   OPERATION(unbind),
                  OPERATION(keys),          OPERATION(is_empty),
                  OPERATION(equal),         OPERATION(clone),
                  OPERATION(clone_deep),    OPERATION(cast),
                  OPERATION(apply),         OPERATION(select),
                  OPERATION(exclude),       OPERATION(select_present),
                  OPERATION(rename),        OPERATION(del),
                  OPERATION(set),           OPERATION(update),
                  OPERATION(assign),        OPERATION(flatten_keys),
                  OPERATION(unflatten_keys)};

static rlc_shape shape_of_json(const cJSON *sizes) {
    rlc_shape shape = {.ndim = cJSON_GetArraySize(sizes)};
    for (int i = 0; i < shape.ndim; i++) {
        shape.size[i] = (int64_t)cJSON_GetArrayItem(sizes, i)->valuedouble;
    }
    return shape;
}

/* A dict as it is described, nested ones before what is in them. */
static rlc_dict *operand(const char *name) {
    const cJSON *description = cJSON_GetObjectItemCaseSensitive(descriptions, name), *entry;
    rlc_dict *td = rlc_dict_new(shape_of_json(cJSON_GetObjectItemCaseSensitive(description, "batch")));
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(description, "entries")) {
        const char *path = cJSON_GetArrayItem(entry, 0)->valuestring;
        const cJSON *batch = cJSON_GetArrayItem(entry, 1);
        if (cJSON_IsNull(batch)) {
            rlc_dict_set(td, path, golden_tensor("dicts", "in.%s.%s", name, path));
        } else {
            rlc_dict_set_dict(td, path, rlc_dict_new(shape_of_json(batch)));
        }
    }
    return td;
}

static void read_arguments(const cJSON *item, replay *r) {
    const cJSON *part;
    cJSON_ArrayForEach(part, cJSON_GetObjectItemCaseSensitive(item, "dicts")) {
        r->dict[r->num_dicts++] = operand(part->valuestring);
    }
    cJSON_ArrayForEach(part, cJSON_GetObjectItemCaseSensitive(item, "ints")) {
        r->ints[r->num_ints++] = cJSON_IsNull(part) ? INT64_MAX : (int64_t)part->valuedouble;
    }
    cJSON_ArrayForEach(part, cJSON_GetObjectItemCaseSensitive(item, "keys")) {
        r->keys[r->num_keys++] = rlc_key_intern(part->valuestring);
    }
    r->text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "text"));
    part = cJSON_GetObjectItemCaseSensitive(item, "tensor");
    r->tensor = part != NULL ? golden_tensor("dicts", "tensor.%s", part->valuestring) : NULL;
}

/* As many entries as described, all of them there: so no others. */
static void check_dict(const char *what, const rlc_dict *got, const cJSON *wanted, int number, int i) {
    const cJSON *entries = cJSON_GetObjectItemCaseSensitive(wanted, "entries"), *entry;
    rlc_shape batch = shape_of_json(cJSON_GetObjectItemCaseSensitive(wanted, "batch"));
    if (got == NULL) {
        fail_msg("%s: no result: %s", what, rlc_error());
    }
    if (!rlc_shape_equal(got->batch, batch)) {
        char ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
        fail_msg("%s: batch %s, wanted %s", what, rlc_shape_text(got->batch, ta), rlc_shape_text(batch, tb));
    }
    if (rlc_dict_keys(got, true, false).count != cJSON_GetArraySize(entries)) {
        fail_msg("%s: %d keys, wanted %d", what, rlc_dict_keys(got, true, false).count, cJSON_GetArraySize(entries));
    }
    cJSON_ArrayForEach(entry, entries) {
        const char *path = cJSON_GetArrayItem(entry, 0)->valuestring;
        char label[1024], ta[RLC_SHAPE_TEXT];
        snprintf(label, sizeof label, "%s: '%s'", what, path);
        if (cJSON_IsNull(cJSON_GetArrayItem(entry, 1))) {
            expect_close(label, rlc_dict_find(got, path), golden("dicts", "out.%d.%d.%s", number, i, path), 0, 0);
            continue;
        }
        const rlc_dict *nested = rlc_dict_find_dict(got, path);
        if (nested == NULL || !rlc_shape_equal(nested->batch, shape_of_json(cJSON_GetArrayItem(entry, 1)))) {
            fail_msg("%s is %s", label, nested != NULL ? rlc_shape_text(nested->batch, ta) : "no dict");
        }
    }
}

static void check(const cJSON *item, const replay *r, int number) {
    const cJSON *out = cJSON_GetObjectItemCaseSensitive(item, "out"), *part;
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, "value");
    char *text = cJSON_PrintUnformatted(item), what[512];
    char *end = strstr(text, ",\"out\"");
    snprintf(what, sizeof what, "case %d %.*s", number, end != NULL ? (int)(end - text) : 300, text);
    cJSON_free(text);
    if (cJSON_GetArraySize(out) != r->num_out) {
        fail_msg("%s: %d dicts, wanted %d: %s", what, r->num_out, cJSON_GetArraySize(out), rlc_error());
    }
    int i = 0;
    cJSON_ArrayForEach(part, out) {
        check_dict(what, r->out[i], part, number, i);
        i++;
    }
    if (value != NULL && r->value != value->valueint) {
        fail_msg("%s: %d, wanted %d", what, r->value, value->valueint);
    }
    i = 0;
    cJSON_ArrayForEach(part, cJSON_GetObjectItemCaseSensitive(item, "names")) {
        if (i >= r->names.count || strcmp(r->names.key[i]->name, part->valuestring) != 0) {
            fail_msg("%s: key %d of %d is not '%s'", what, i, r->names.count, part->valuestring);
        }
        i++;
    }
    assert_int_equal(i, r->names.count);
}

static void test_cases(void **state) {
    (void)state;
    const cJSON *item;
    int number = 0;
    cJSON_ArrayForEach(item, cases) {
        const char *name = cJSON_GetObjectItemCaseSensitive(item, "op")->valuestring;
        int at = 0;
        while (at < RLC_COUNT(operations) && strcmp(operations[at].name, name) != 0) {
            at++;
        }
        if (at == RLC_COUNT(operations)) {
            fail_msg("there is no operation '%s'", name);
        }
        replay r = {0};
        rlc_begin(p);
        read_arguments(item, &r);
        operations[at].run(&r);
        operations[at].cases++;
        check(item, &r, number++);
        expect_ok(rlc_end(p));
    }
    assert_true(number >= 200);
    for (int i = 0; i < RLC_COUNT(operations); i++) {
        if (operations[i].cases == 0) {
            fail_msg("no case for '%s'", operations[i].name);
        }
    }
}

static int open_cases(void **state) {
    rlc_safetensors *file = NULL;
    p = test_program();
    expect_ok(rlc_safetensors_open("tests/golden/dicts.safetensors", &file));
    cases = cJSON_Parse(rlc_safetensors_metadata(file, "cases"));
    descriptions = cJSON_Parse(rlc_safetensors_metadata(file, "dicts"));
    rlc_safetensors_close(file);
    assert_true(cJSON_IsArray(cases) && cJSON_IsObject(descriptions));
    return fresh_start(state);
}

static int close_cases(void **state) {
    (void)state;
    cJSON_Delete(cases);
    cJSON_Delete(descriptions);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests_name("dicts against tensordict", tests, open_cases, close_cases);
}
