/* Tensors print as PyTorch prints them (tests/golden/print.py). */
#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const cases[] = {
    "scalar",           "scalar_int",       "scalar_bool",  "whole",          "fractions",     "zeros",
    "ints",             "bools",            "i32",          "u8",             "f64",           "large_ints",
    "scientific_ratio", "scientific_large", "whole_large",  "nan",            "infinite",      "only_infinite",
    "scientific_nan",   "empty",            "empty_matrix", "empty_int",      "long_line",     "matrix",
    "cube",             "four",             "wide",         "wide_ints",      "summary",       "summary_ints",
    "summary_matrix",   "summary_cube",     "summary_thin", "summary_tall",   "exactly_1000",  "ones_of_many",
    "negative_zero",    "leaf",             "scientific_small",
};

/* What a tensor prints as, without the end of the line; free it. */
static char *printed(rlc_tensor *tensor) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    expect_ok(rlc_tensor_print(tensor, out));
    fclose(out);
    assert_true(size > 0 && text[size - 1] == '\n');
    text[size - 1] = '\0';
    return text;
}

static void test_as_pytorch(void **state) {
    (void)state;
    int wrong = 0;
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        const rlc_safetensors_entry *wanted = golden("print", "%s.text", cases[i]);
        bool leaf = strcmp(cases[i], "leaf") == 0;
        rlc_begin(test_program());
        rlc_tensor *x = leaf ? golden_root("print", "%s.a", cases[i]) : golden_tensor("print", "%s.a", cases[i]);
        char *text = printed(x);
        if (strlen(text) != wanted->size || memcmp(text, wanted->data, wanted->size) != 0) {
            print_error("%s:\n%s\nwanted:\n%.*s\n", cases[i], text, (int)wanted->size, (const char *)wanted->data);
            wrong++;
        }
        free(text);
        expect_ok(rlc_end(test_program()));
        if (leaf) {
            rlc_tensor_free(x);
        }
    }
    assert_int_equal(wrong, 0);
}

/* What is printed is computed first, and may be a view. */
static void test_of_a_program(void **state) {
    (void)state;
    rlc_begin(test_program());
    rlc_tensor *x = rlc_reshape(rlc_arange(RLC_I64, 6), RLC_SHAPE(2, 3));
    char *text = printed(rlc_transpose(rlc_mul_scalar(x, 2), 0, 1));
    assert_string_equal(text, "tensor([[ 0,  6],\n        [ 2,  8],\n        [ 4, 10]])");
    free(text);
    expect_ok(rlc_end(test_program()));
    expect_error(rlc_tensor_print(NULL, stdout), RLC_INVALID, "rlc_tensor_print: the tensor is NULL");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_as_pytorch, fresh_start),
        cmocka_unit_test_setup(test_of_a_program, fresh_start),
    };
    return cmocka_run_group_tests_name("printing", tests, NULL, NULL);
}
