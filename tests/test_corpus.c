/* What fuzzing once found, and what it starts from: every file of tests/fuzz/corpus goes through its fuzz target, which
 * ends the process when something does not hold. `make fuzz` looks for more.
 */
#include "tests/support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define LLVMFuzzerTestOneInput fuzz_yaml
#include "tests/fuzz/yaml.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_recipe
#include "tests/fuzz/recipe.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_safetensors
#include "tests/fuzz/safetensors.c"

typedef int fuzz_target(const uint8_t *data, size_t size);

static void feed(const char *path, fuzz_target *target) {
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    assert_int_equal(fseek(in, 0, SEEK_END), 0);
    size_t size = (size_t)ftell(in);
    rewind(in);
    uint8_t *data = malloc(size + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, size, in), size);
    fclose(in);
    printf("%s\n", path);
    fflush(stdout); /* the last line names the file that something did not hold for */
    assert_int_equal(target(data, size), 0);
    free(data);
}

static void feed_all(const char *name, fuzz_target *target) {
    char folder[64], path[512];
    snprintf(folder, sizeof folder, "tests/fuzz/corpus/%s", name);
    DIR *files = opendir(folder);
    assert_non_null(files);
    int count = 0;
    for (struct dirent *file = readdir(files); file != NULL; file = readdir(files)) {
        if (file->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s", folder, file->d_name);
            feed(path, target);
            count++;
        }
    }
    closedir(files);
    assert_true(count >= 4);
}

static void test_yaml(void **state) {
    (void)state;
    feed_all("yaml", fuzz_yaml);
}

static void test_recipe(void **state) {
    (void)state;
    feed_all("recipe", fuzz_recipe);
}

static void test_safetensors(void **state) {
    (void)state;
    feed_all("safetensors", fuzz_safetensors);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_yaml, fresh_start),
        cmocka_unit_test_setup(test_recipe, fresh_start),
        cmocka_unit_test_setup(test_safetensors, fresh_start),
    };
    return cmocka_run_group_tests_name("fuzz corpus", tests, NULL, NULL);
}
