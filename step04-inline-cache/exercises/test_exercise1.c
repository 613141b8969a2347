// Exercise 1: a native that tells what a value is.
#include "exercise.h"

static void check_type(const char *instructions, const char *expected) {
    char text[512];
    snprintf(text, sizeof text, "class C\nend\nfunc main params=0\n%s\n    call_native type_of\n    return\nend\n", instructions);
    check_prints(text, expected);
}

static void test_numbers(void **state) {
    (void)state;
    check_type("    load_const 1", "number");
    check_type("    load_const -0.5", "number");
    check_type("    load_const 1e300", "number");
    check_type("    load_const NaN", "number");
}

static void test_other_primitives(void **state) {
    (void)state;
    check_type("    load_const \"\"", "string");
    check_type("    load_const false", "boolean");
    check_type("    load_const undefined", "undefined");
    check_type("    load_const null", "object");
}

static void test_objects(void **state) {
    (void)state;
    check_type("    new_object C", "object");
    check_type("    new_array 0", "object");
    check_type("    load_function main", "function");
}

// The result is a string: it can be compared, joined and used as a name.
static void test_result_is_a_string(void **state) {
    (void)state;
    check_prints("func main params=0\n    load_const 1\n    call_native type_of\n    load_const \"number\"\n    equal\n    return\nend\n",
                 "true");
    check_prints("func main params=0\n    load_const 1\n    call_native type_of\n    call_native type_of\n    return\nend\n", "string");
}

// A million calls take next to no heap: the strings are not made anew.
static void test_no_heap_is_used_up(void **state) {
    (void)state;
    Program *program = load_text("func main params=1\nnext:\n    load_local 0\n    jump_if_false done\n"
                                 "    load_local 0\n    call_native type_of\n    pop\n"
                                 "    load_local 0\n    load_const 1\n    sub\n    store_local 0\n    jump next\n"
                                 "done:\n    load_const true\n    return\nend\n");
    JitOptions options = jit_default_options;
    options.heap_size = 1 << 16;
    JitCompiler *jit = jit_new(program, &options);
    Value argument = value_from_int(1000000), result;
    assert_int_equal(jit_execute(jit, "main", &argument, &result), RUN_OK);
    jit_free(jit);
    program_free(program);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_numbers),
    cmocka_unit_test(test_other_primitives),
    cmocka_unit_test(test_objects),
    cmocka_unit_test(test_result_is_a_string),
    cmocka_unit_test(test_no_heap_is_used_up),
};
TEST_MAIN(tests)
