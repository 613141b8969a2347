// Strings, their hashes and their order, and the table that makes one object of equal names.
#include "object/operators.h"
#include "object/string.h"
#include "programs.h"
#include "testing/test_main.h"

static Heap heap;

static int open_heap(void **state) {
    (void)state;
    heap_init(&heap, (size_t)3 << 30); // address space; little of it is used
    return heap.size == 0;
}

static int close_heap(void **state) {
    (void)state;
    heap_free(&heap);
    return 0;
}

static String *make(const char *bytes, size_t length) {
    String *string = string_new(&heap, length);
    memcpy(string->bytes, bytes, length);
    return string;
}

static String *from(const char *text) { return make(text, strlen(text)); }

static void test_a_new_string(void **state) {
    (void)state;
    String *string = string_new(&heap, 5);
    assert_true(value_is_string(value_from_pointer(string)));
    assert_int_equal(string->header.shape, SHAPE_STRING);
    assert_int_equal(string->length, 5);
    assert_int_equal(string->bytes[5], 0);
    assert_false(string->is_interned);
    assert_int_equal(string_new(&heap, 0)->length, 0);
}

static void test_longest_string(void **state) {
    (void)state;
    assert_non_null(string_new(&heap, MAX_STRING_LENGTH));
    assert_null(string_new(&heap, (size_t)MAX_STRING_LENGTH + 1));
    assert_null(string_new(&heap, SIZE_MAX));
    Heap small;
    heap_init(&small, 64);
    assert_null(string_new(&small, 64));
    assert_non_null(string_new(&small, 16));
    heap_free(&small);
}

// Joining is where strings grow: the limit and a full heap are errors, not crashes.
static void test_joining(void **state) {
    (void)state;
    Value a = value_from_pointer(from("ab")), b = value_from_pointer(make("c\0d", 3));
    const String *joined = value_to_string(operator_apply(&heap, OPERATOR_ADD, a, b));
    assert_int_equal(joined->length, 5);
    assert_memory_equal(joined->bytes, "abc\0d", 6);
    Value longest = value_from_pointer(string_new(&heap, MAX_STRING_LENGTH));
    assert_int_equal(operator_apply(&heap, OPERATOR_ADD, longest, a), NO_VALUE);
    Heap none = {0};
    assert_int_equal(operator_apply(&none, OPERATOR_ADD, a, value_from_int(1)), NO_VALUE);
}

static void test_hashes(void **state) {
    (void)state;
    String *a = from("radius"), *b = from("radius"), *c = from("radiut");
    assert_int_equal(string_hash(a), string_hash(b));
    assert_int_not_equal(string_hash(a), string_hash(c));
    assert_int_not_equal(string_hash(from("")), 0);
    assert_int_equal(string_hash(from("a")), 0xE40C292C); // FNV-1a's published value
    assert_int_not_equal(string_hash(make("a\0b", 3)), string_hash(make("a\0c", 3)));
}

static void test_equality(void **state) {
    (void)state;
    assert_true(strings_equal(from(""), from("")));
    assert_true(strings_equal(from("abc"), from("abc")));
    assert_false(strings_equal(from("abc"), from("abd")));
    assert_false(strings_equal(from("abc"), from("abcd")));
    assert_true(strings_equal(make("a\0b", 3), make("a\0b", 3)));
    assert_false(strings_equal(make("a\0b", 3), make("a\0c", 3)));
}

static int sign(int n) { return (n > 0) - (n < 0); }

static void test_order(void **state) {
    (void)state;
    static const char *const sorted[] = {"",  " ",  "0",  "00", "1",    "A",        "Z",
                                         "a", "aa", "ab", "b",  "\x7F", "\xC3\xA4", "\xFF"};
    enum { COUNT = sizeof sorted / sizeof *sorted };
    for (int i = 0; i < COUNT; i++)
        for (int j = 0; j < COUNT; j++)
            assert_int_equal(sign(string_compare(from(sorted[i]), from(sorted[j]))), sign(i - j));
    assert_int_equal(sign(string_compare(make("a\0b", 3), make("a\0c", 3))), -1);
    assert_int_equal(sign(string_compare(make("a", 1), make("a\0", 2))), -1);
}

// Interning.

static void test_equal_names_are_one_object(void **state) {
    (void)state;
    StringTable table = {0};
    Arena arena = {0};
    assert_null(string_table_find(&table, "x", 1));
    String *x = string_intern(&table, &arena, "x", 1);
    assert_true(x->is_interned);
    assert_ptr_equal(string_intern(&table, &arena, "x and more", 1), x);
    assert_ptr_equal(string_table_find(&table, "x", 1), x);
    assert_ptr_not_equal(string_intern(&table, &arena, "X", 1), x);
    assert_ptr_not_equal(string_intern(&table, &arena, "x\0", 2), x);
    assert_ptr_not_equal(string_intern(&table, &arena, "", 0), x);
    assert_int_equal(table.count, 4);
    assert_true(strings_equal(x, from("x"))); // interned or not
    assert_true(strings_equal(from("x"), x));
    string_table_free(&table);
    arena_free(&arena);
}

static void test_many_names(void **state) {
    (void)state;
    enum { COUNT = SANITIZED ? 20000 : 200000 };
    StringTable table = {0};
    Arena arena = {0};
    String **names = malloc(COUNT * sizeof *names);
    char text[20];
    for (int i = 0; i < COUNT; i++)
        names[i] = string_intern(&table, &arena, text, (size_t)sprintf(text, "name%d", i));
    assert_int_equal(table.count, COUNT);
    for (int i = 0; i < COUNT; i++) {
        size_t length = (size_t)sprintf(text, "name%d", i);
        assert_ptr_equal(string_table_find(&table, text, length), names[i]);
        assert_string_equal(names[i]->bytes, text);
    }
    assert_null(string_table_find(&table, "name", 4));
    free(names);
    string_table_free(&table);
    arena_free(&arena);
}

// A string of the running program becomes a name.
static void test_a_string_of_the_heap_as_a_name(void **state) {
    (void)state;
    StringTable table = {0};
    String *name = from("late");
    string_table_add(&table, name);
    assert_true(name->is_interned);
    assert_ptr_equal(string_table_find(&table, "late", 4), name);
    string_table_free(&table);
}

static const struct CMUnitTest string_tests[] = {
    cmocka_unit_test(test_a_new_string),
    cmocka_unit_test(test_longest_string),
    cmocka_unit_test(test_joining),
    cmocka_unit_test(test_hashes),
    cmocka_unit_test(test_equality),
    cmocka_unit_test(test_order),
    cmocka_unit_test(test_equal_names_are_one_object),
    cmocka_unit_test(test_many_names),
    cmocka_unit_test(test_a_string_of_the_heap_as_a_name),
};
TEST_MAIN_WITH(string_tests, open_heap, close_heap)
