/* The registry: classes by kind and name, and the plug-ins that bring more. These are compiled here, from
 * tests/plugins, into a folder of their own. */
#include "tests/world.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Thing {
    int size;
} Thing;
typedef Thing Thong;

static const rlc_class thing = RLC_CLASS("thing", Thing, .doc = "a thing");
static const rlc_class thong = RLC_CLASS("thing", Thong, .doc = "another thing");
static const rlc_class gadget = RLC_CLASS("gadget", Thing, .doc = "of the same name, of another kind");

static rlc_registry *registry;
static char folder[] = "/tmp/rlc-test-plugins-XXXXXX";

static int start(void **state) {
    fresh_start(state);
    return rlc__registry_create(&registry);
}

static int stop(void **state) {
    (void)state;
    rlc_registry_free(registry);
    return 0;
}

static void test_register(void **state) {
    (void)state;
    assert_int_equal(rlc_registry_count(registry), 0);
    expect_ok(rlc_register(registry, &thing));
    expect_ok(rlc_register(registry, &thong));
    expect_ok(rlc_register(registry, &gadget));
    assert_int_equal(rlc_registry_count(registry), 3);
    assert_ptr_equal(rlc_registry_at(registry, 1), &thong);
    assert_ptr_equal(rlc_registry_find(registry, "thing", "Thing", NULL), &thing);
    assert_ptr_equal(rlc_registry_find(registry, "gadget", "Thing", NULL), &gadget);
    expect_error(rlc_register(registry, &thong), RLC_INVALID,
                 "there is a thing 'Thong' already; give the new one another name");
    assert_int_equal(rlc_registry_count(registry), 3);
}

static void test_unknown_types(void **state) {
    (void)state;
    expect_ok(rlc_register(registry, &thing));
    expect_ok(rlc_register(registry, &thong));
    const rlc_value *where = world_value("\n\nx");
    assert_null(rlc_registry_find(registry, "thing", "thing", where));
    expect_error(rlc_error_status(), RLC_INVALID, "test:3: there is no thing of type 'thing' (did you mean 'Thing'?)");
    assert_null(rlc_registry_find(registry, "thing", "Elephant", where));
    expect_error(rlc_error_status(), RLC_INVALID,
                 "test:3: there is no thing of type 'Elephant'; types are Thing, Thong");
    assert_null(rlc_registry_find(registry, "gadget", "Thing", where));
    expect_error(rlc_error_status(), RLC_INVALID,
                 "there is no gadget of type 'Thing'; no type of this kind is built in");
    assert_null(rlc_registry_find(registry, "thing", "", NULL));
    expect_error(rlc_error_status(), RLC_INVALID, "there is no thing of type ''; types are Thing, Thong");
}

static void test_type_of_a_map(void **state) {
    (void)state;
    expect_ok(rlc_register(registry, &thing));
    static const char *const cases[][2] = {
        {"{size: 3}", "test:1: modules.x: 'type' is missing: which thing is this?"},
        {"{size: 3, type: }", "test:1: modules.x: 'type' is missing: which thing is this?"},
        {"{size: 3, type: [Thing]}", "test:1: modules.x: 'type'"},
        {"Thing", "test:1: modules.x: must be a map such as {type: ...}, not 'Thing'"},
        {"[Thing]", "test:1: modules.x: must be a map such as {type: ...}, not a list"},
        {"~", "test:1: modules.x: must be a map such as {type: ...}, not nothing"},
        {"{size: 3,\n type: Thin}", "test:2: there is no thing of type 'Thin' (did you mean 'Thing'?)"},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        assert_null(rlc_registry_type_of(registry, "thing", "modules.x", world_value(cases[i][0])));
        expect_error(rlc_error_status(), RLC_INVALID, cases[i][1]);
    }
    assert_ptr_equal(rlc_registry_type_of(registry, "thing", "modules.x", world_value("{type: Thing}")), &thing);
}

/* A default that its own range refuses could not be written down in a recipe. */
static void check_row(const rlc_class *type, const rlc_option *o) {
    bool number = o->type >= RLC_OPTION_INT && o->type <= RLC_OPTION_FLOAT && o->type != RLC_OPTION_STRING;
    bool good = o->help != NULL && o->help[0] != '\0';
    if (number && !isnan(o->number)) {
        good = good && o->min <= o->number && o->number <= o->max;
    }
    if (o->type == RLC_OPTION_ENUM) {
        char choices[256], word[64];
        snprintf(choices, sizeof choices, "|%s|", o->choices);
        snprintf(word, sizeof word, "|%s|", o->text);
        good = good && strstr(choices, word) != NULL;
    }
    for (const rlc_option *before = type->options; before != o; before++) {
        good = good && strcmp(before->name, o->name) != 0 && (o->alias == NULL || strcmp(before->name, o->alias) != 0);
    }
    if (!good) {
        fail_msg("%s %s: the row of option '%s' is not right", type->kind, type->name, o->name);
    }
}

static void test_built_in_classes(void **state) {
    (void)state;
    const rlc_registry *all = world_registry();
    static const char *const known[][2] = {{"env", "CartPole"},
                                           {"transform", "RewardSum"},
                                           {"transform", "StepCounter"},
                                           {"module", "MLP"},
                                           {"module", "Sequential"},
                                           {"module", "QValueModule"},
                                           {"module", "EGreedyModule"},
                                           {"collector", "Collector"},
                                           {"buffer", "ReplayBuffer"},
                                           {"loss", "DQNLoss"},
                                           {"target", "HardUpdate"},
                                           {"target", "SoftUpdate"},
                                           {"optim", "Adam"}};
    for (int i = 0; i < RLC_COUNT(known); i++) {
        assert_non_null(rlc_registry_find(all, known[i][0], known[i][1], NULL));
    }
    for (int i = 0; i < rlc_registry_count(all); i++) {
        const rlc_class *type = rlc_registry_at(all, i);
        assert_true(type->doc != NULL && strlen(type->doc) > 3 && type->size > 0);
        for (const rlc_option *o = type->options; o != NULL && o->name != NULL; o++) {
            check_row(type, o);
        }
    }
}

/* "FOLDER/name" */
static const char *inside(const char *name) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put_file(const char *name, const char *bytes, size_t size) {
    FILE *out = fopen(inside(name), "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, size, out), size);
    fclose(out);
}

static const char *const sources[] = {"good", "other_abi", "no_plugin", "twice", "unresolved"};

static int compile_plugins(void **state) {
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    for (int i = 0; i < RLC_COUNT(sources); i++) {
        char command[512];
        snprintf(command, sizeof command, "cc -shared -fPIC -I. -o %s/%s.so tests/plugins/%s.c", folder, sources[i],
                 sources[i]);
        if (system(command) != 0) {
            print_error("failed: %s\n", command);
            return 1;
        }
    }
    return 0;
}

static int remove_plugins(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static void test_good_plugin(void **state) {
    (void)state;
    rlc_registry *own = NULL;
    rlc_model *model = NULL;
    rlc_module *module = NULL;
    expect_ok(rlc_registry_new(&own));
    int before = rlc_registry_count(own);
    expect_ok(rlc_plugin_load(own, inside("good.so"), NULL));
    assert_int_equal(rlc_registry_count(own), before + 1);
    expect_ok(rlc_model_new(own, test_device(), 1, &model));
    rlc_begin(test_program());
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(2));
    rlc_dict_set(td, "observation", rlc_from_data(RLC_F32, RLC_SHAPE(2, 1), (float[]){3, -4}));
    rlc_spec spec = rlc_spec_unbounded(RLC_SHAPE(1));
    rlc_model_expect(model, &spec, &spec, td);
    expect_ok(rlc_model_add(model, "twice", "{type: Doubler}", &module));
    expect_ok(rlc_model_allocate(model));
    rlc_module_call(module, td);
    EXPECT(rlc_dict_get(td, "doubled"), 6, -8);
    expect_ok(rlc_end(test_program()));
    expect_error(rlc_plugin_load(own, inside("good.so"), NULL), RLC_INVALID, "there is a module 'Doubler' already");
    rlc_model_free(model);
    rlc_registry_free(own);
}

static void test_plugins_that_are_none(void **state) {
    (void)state;
    expect_ok(rlc_register(registry, &thing));
    const rlc_value *where = world_value("\nx");
    put_file("text.so", "this is text\n", 13);
    put_file("empty.so", "", 0);
    put_file("cut.so",
             "\x7f"
             "ELF\x02\x01\x01",
             7);
    char other[80];
    snprintf(other, sizeof other, "/other_abi.so was built for rlc ABI %d, this is %d; build it again", RLC_ABI + 41,
             RLC_ABI);
    const char *const cases[][2] = {
        {"absent.so", "/absent.so: there is no such file, or it cannot be read"},
        {"text.so", "/text.so: "},
        {"empty.so", "/empty.so: "},
        {"cut.so", "/cut.so: "},
        {"", "/: "},
        {"no_plugin.so", "/no_plugin.so: the library defines no RLC_PLUGIN; it is not an rlc plug-in"},
        {"other_abi.so", other},
        {"unresolved.so", "rlc_test_nowhere"},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        rlc_status status = rlc_plugin_load(registry, inside(cases[i][0]), where);
        char begin[160];
        snprintf(begin, sizeof begin, "test:2: plug-in %s", inside(cases[i][0]));
        assert_memory_equal(rlc_error(), begin, strlen(begin));
        expect_error(status, RLC_INVALID, cases[i][1]);
        assert_int_equal(rlc_registry_count(registry), 1);
    }
}

/* The source in place of what is compiled from it: the message says what is wrong, and the path once. */
static void test_file_that_is_no_library(void **state) {
    (void)state;
    rlc_status status = rlc_plugin_load(registry, "tests/plugins/good.c", NULL);
    const char *path = strstr(rlc_error(), "tests/plugins/good.c");
    assert_non_null(path);
    if (strstr(path + 1, "tests/plugins/good.c") != NULL) {
        fail_msg("the path stands twice: %s", rlc_error());
    }
    expect_error(status, RLC_INVALID, "ELF");
}

static void test_plugin_with_a_name_that_is_taken(void **state) {
    (void)state;
    rlc_registry *own = NULL;
    expect_ok(rlc_registry_new(&own));
    rlc_status status = rlc_plugin_load(own, inside("twice.so"), NULL);
    assert_non_null(strstr(rlc_error(), "/twice.so: "));
    expect_error(status, RLC_INVALID, "there is a module 'MLP' already; give the new one another name");
    rlc_registry_free(own);
}

/* A path is a path, with or without a slash in it: nothing is looked for among the system's libraries. */
static void test_paths(void **state) {
    (void)state;
    char before[512];
    assert_non_null(getcwd(before, sizeof before));
    static const char *const paths[] = {"./good.so", "good.so", "../%s/good.so"};
    for (int i = 0; i < RLC_COUNT(paths); i++) {
        rlc_registry *own = NULL;
        char path[128];
        snprintf(path, sizeof path, paths[i], folder + strlen("/tmp/"));
        expect_ok(rlc__registry_create(&own));
        assert_int_equal(chdir(folder), 0);
        rlc_status status = rlc_plugin_load(own, path, NULL);
        assert_int_equal(chdir(before), 0);
        rlc_registry_free(own);
        expect_ok(status);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_register, start, stop),
        cmocka_unit_test_setup_teardown(test_unknown_types, start, stop),
        cmocka_unit_test_setup_teardown(test_type_of_a_map, start, stop),
        cmocka_unit_test_setup_teardown(test_built_in_classes, start, stop),
        cmocka_unit_test_setup_teardown(test_good_plugin, start, stop),
        cmocka_unit_test_setup_teardown(test_plugins_that_are_none, start, stop),
        cmocka_unit_test_setup_teardown(test_file_that_is_no_library, start, stop),
        cmocka_unit_test_setup_teardown(test_plugin_with_a_name_that_is_taken, start, stop),
        cmocka_unit_test_setup_teardown(test_paths, start, stop),
    };
    return cmocka_run_group_tests_name("registry", tests, compile_plugins, remove_plugins);
}
