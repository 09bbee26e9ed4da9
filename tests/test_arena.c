/* Arenas: alignment, marks, resets, growth, and what happens when there is no memory. */
#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

#include "core/arena.h"

#ifdef RLC_ASAN
#include <sanitizer/asan_interface.h>
#define IS_POISONED(address) __asan_address_is_poisoned(address)
#endif

static void test_alignment(void **state) {
    (void)state;
    rlc_arena arena = {0};
    for (size_t size = 0; size < 300; size++) {
        char *text = rlc_arena_alloc(&arena, 1, 1);
        char *data = rlc_arena_alloc(&arena, size, RLC_ALIGN_DATA);
        char *part = rlc_arena_alloc(&arena, size, RLC_ALIGN_STRUCT);
        assert_true(text != NULL && data != NULL && part != NULL);
        assert_int_equal((uintptr_t)data % RLC_ALIGN_DATA, 0);
        assert_int_equal((uintptr_t)part % RLC_ALIGN_STRUCT, 0);
        memset(data, 1, size);
        memset(part, 2, size);
        assert_true(size == 0 || (data[size - 1] == 1 && data[0] == 1));
    }
    rlc_arena_free(&arena);
    assert_int_equal(rlc_arena_size(&arena), 0);
}

/* What is handed out does not overlap, whatever the sizes: every block still holds its own mark at the end. */
static void test_blocks_are_apart(void **state) {
    (void)state;
    enum { BLOCKS = 2000 };
    static struct {
        unsigned char *data;
        size_t size;
    } blocks[BLOCKS];
    rlc_arena arena = {0};
    uint32_t random = 1;
    for (int i = 0; i < BLOCKS; i++) {
        random = random * 1664525u + 1013904223u;
        blocks[i].size = random >> 16 & (i % 100 == 0 ? 0xffff : 0xff);
        blocks[i].data = rlc_arena_alloc(&arena, blocks[i].size, i % 2 ? RLC_ALIGN_DATA : 1);
        memset(blocks[i].data, i % 251, blocks[i].size);
    }
    for (int i = 0; i < BLOCKS; i++) {
        for (size_t k = 0; k < blocks[i].size; k++) {
            assert_int_equal(blocks[i].data[k], i % 251);
        }
    }
    rlc_arena_free(&arena);
}

static void request(rlc_arena *arena, void **got) {
    static const size_t sizes[] = {1, 100, 60000, 10000, 200000, 8, 0, 3000000, 64, 70000};
    for (int i = 0; i < RLC_COUNT(sizes); i++) {
        got[i] = rlc_arena_alloc(arena, sizes[i], RLC_ALIGN_DATA);
        assert_non_null(got[i]);
    }
}

static void test_reset_repeats_addresses(void **state) {
    (void)state;
    rlc_arena arena = {0};
    void *first[10], *again[10];
    request(&arena, first);
    size_t size = rlc_arena_size(&arena);
    for (int round = 0; round < 3; round++) {
        rlc_arena_reset(&arena);
        request(&arena, again);
        assert_memory_equal(first, again, sizeof first);
        assert_int_equal(rlc_arena_size(&arena), size);
    }
    rlc_arena_free(&arena);
    request(&arena, again); /* an arena that was freed can be used again */
    rlc_arena_free(&arena);
    rlc_arena_reset(&arena); /* and one without chunks reset */
    rlc_arena_free(&arena);
}

static void test_marks(void **state) {
    (void)state;
    rlc_arena arena = {0};
    rlc_mark empty = rlc_arena_mark(&arena);
    int *kept = rlc_arena_alloc(&arena, sizeof *kept, RLC_ALIGN_DATA);
    *kept = 42;
    rlc_mark mark = rlc_arena_mark(&arena);
    void *scratch[10], *again[10];
    request(&arena, scratch);
    rlc_mark inner = rlc_arena_mark(&arena);
    void *last = rlc_arena_alloc(&arena, 500000, RLC_ALIGN_DATA);
    rlc_arena_release(&arena, inner);
    assert_ptr_equal(rlc_arena_alloc(&arena, 500000, RLC_ALIGN_DATA), last);
    size_t size = rlc_arena_size(&arena);
    rlc_arena_release(&arena, mark);
    assert_int_equal(*kept, 42);
    request(&arena, again);
    assert_memory_equal(scratch, again, sizeof scratch);
    rlc_arena_release(&arena, empty); /* a mark of an empty arena gives all back */
    assert_ptr_equal(rlc_arena_alloc(&arena, sizeof *kept, RLC_ALIGN_DATA), kept);
    assert_int_equal(rlc_arena_size(&arena), size);
    rlc_arena_free(&arena);
}

static void test_text(void **state) {
    (void)state;
    rlc_arena arena = {0};
    assert_string_equal(rlc_arena_strndup(&arena, "value_net.0", 9), "value_net");
    assert_string_equal(rlc_arena_strndup(&arena, "", 0), "");
    assert_string_equal(rlc_arena_printf(&arena, "%s.%d", "next", 3), "next.3");
    char *longer = rlc_arena_printf(&arena, "%0100000d", 7); /* more than a chunk */
    assert_int_equal(strlen(longer), 100000);
    assert_int_equal(longer[99999], '7');
    char *cleared = rlc_arena_alloc(&arena, 1000, RLC_ALIGN_STRUCT);
    memset(cleared, 1, 1000);
    rlc_arena_reset(&arena);
    cleared = rlc_arena_calloc(&arena, 1000);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(cleared[i], 0);
    }
    rlc_arena_free(&arena);
}

static void test_no_memory(void **state) {
    (void)state;
    rlc_arena arena = {0};
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 63, SIZE_MAX / 2, (size_t)1 << 46};
    for (int i = 0; i < RLC_COUNT(sizes); i++) {
        assert_null(rlc_arena_alloc(&arena, sizes[i], RLC_ALIGN_DATA));
        expect_error(rlc_error_status(), RLC_FAILED, "out of memory: could not get ");
        assert_non_null(rlc_arena_alloc(&arena, 16, RLC_ALIGN_DATA)); /* a small request still fits */
    }
    assert_null(rlc_arena_calloc(&arena, SIZE_MAX));
    expect_error(rlc_error_status(), RLC_FAILED, "out of memory: could not get 18446744073709551615 bytes");
    rlc_arena_free(&arena);
}

/* Memory that counts its chunks and has only so much of them. */
typedef struct budget {
    size_t left;
    int chunks;
} budget;

static void *budget_alloc(void *self, size_t size) {
    budget *b = self;
    if (size > b->left) {
        rlc_fail(RLC_FAILED, "the budget of %zu bytes is spent", b->left);
        return NULL;
    }
    b->left -= size;
    b->chunks++;
    return rlc_host_memory.alloc(NULL, size);
}

static void budget_free(void *self, void *memory) {
    ((budget *)self)->chunks--;
    rlc_host_memory.free(NULL, memory);
}

/* A device's memory is asked for, and given back, chunk by chunk. */
static void test_memory_of_a_device(void **state) {
    (void)state;
    budget b = {.left = (size_t)1 << 24};
    const rlc_memory memory = {budget_alloc, budget_free, &b, true, true};
    rlc_arena arena = {.memory = &memory};
    void *got[10];
    request(&arena, got);
    assert_true(b.chunks > 1 && b.chunks < 10);
    assert_null(rlc_arena_alloc(&arena, (size_t)1 << 25, RLC_ALIGN_DATA));
    expect_error(rlc_error_status(), RLC_FAILED, "the budget of ");
    rlc_arena_free(&arena);
    assert_int_equal(b.chunks, 0);
    assert_ptr_equal(arena.memory, &memory);
}

/* Chunks double in size to keep their number small; where there is no room for that, what is needed is enough. */
static void test_growth_near_the_limit(void **state) {
    (void)state;
    budget b = {.left = 1000 * 1024};
    const rlc_memory memory = {budget_alloc, budget_free, &b, true, true};
    rlc_arena arena = {.memory = &memory};
    assert_non_null(rlc_arena_alloc(&arena, 600 * 1024, RLC_ALIGN_DATA));
    void *small = rlc_arena_alloc(&arena, 100 * 1024, RLC_ALIGN_DATA); /* 400 KiB are left */
    rlc_arena_free(&arena);
    assert_non_null(small);
    assert_int_equal(rlc_error_status(), RLC_OK);
}

#ifdef RLC_ASAN
/* The sanitizer sees what is used after a reset, after a release, and beyond its end. */
static void test_poison(void **state) {
    (void)state;
    rlc_arena arena = {0};
    char *kept = rlc_arena_alloc(&arena, 100, RLC_ALIGN_DATA);
    assert_false(IS_POISONED(kept) || IS_POISONED(kept + 99));
    assert_true(IS_POISONED(kept + 100));
    rlc_mark mark = rlc_arena_mark(&arena);
    char *scratch = rlc_arena_alloc(&arena, 50, RLC_ALIGN_DATA), *far = rlc_arena_alloc(&arena, 500000, RLC_ALIGN_DATA);
    assert_false(IS_POISONED(scratch + 49) || IS_POISONED(far + 499999));
    rlc_arena_release(&arena, mark);
    assert_true(IS_POISONED(scratch) && IS_POISONED(far) && IS_POISONED(far + 499999));
    assert_false(IS_POISONED(kept + 99));
    rlc_arena_reset(&arena);
    assert_true(IS_POISONED(kept));
    rlc_arena_free(&arena);
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_alignment, fresh_start),
        cmocka_unit_test_setup(test_blocks_are_apart, fresh_start),
        cmocka_unit_test_setup(test_reset_repeats_addresses, fresh_start),
        cmocka_unit_test_setup(test_marks, fresh_start),
        cmocka_unit_test_setup(test_text, fresh_start),
        cmocka_unit_test_setup(test_no_memory, fresh_start),
        cmocka_unit_test_setup(test_memory_of_a_device, fresh_start),
        cmocka_unit_test_setup(test_growth_near_the_limit, fresh_start),
#ifdef RLC_ASAN
        cmocka_unit_test_setup(test_poison, fresh_start),
#endif
    };
    return cmocka_run_group_tests_name("arenas", tests, NULL, NULL);
}
