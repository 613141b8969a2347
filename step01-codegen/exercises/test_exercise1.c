// Exercise 1: the opcode `negate`.
#include "exercise.h"

static const char text[] = "func main params=1\n    load_local 0\n    negate\n    return\nend\n";

static void check(int64_t value, int64_t expected) {
    Program *program = load_text(text);
    assert_int_equal(run_main(program, TIER_INTERP, &value), expected);
    assert_int_equal(run_main(program, TIER_BASELINE, &value), expected);
    program_free(program);
}

static void test_negate_changes_the_sign(void **state) {
    (void)state;
    check(5, -5);
    check(-7, 7);
    check(0, 0);
}

static void test_negate_wraps(void **state) {
    (void)state;
    check(INT64_MIN, INT64_MIN);
    check(INT64_MAX, -INT64_MAX);
}

static void test_negate_leaves_what_is_below(void **state) {
    (void)state;
    Program *program = load_text("func main params=2\n    load_local 0\n    load_local 1\n    negate\n"
                                 "    sub\n    return\nend\n");
    int64_t args[2] = {10, 4};
    assert_int_equal(run_main(program, TIER_INTERP, args), 14);
    assert_int_equal(run_main(program, TIER_BASELINE, args), 14);
    program_free(program);
}

static void test_negate_needs_an_operand(void **state) {
    (void)state;
    const char *empty = "func main params=0\n    negate\n    return\nend\n";
    Program *program = program_new("exercise");
    Diagnostic diagnostic;
    assert_true(program_parse(program, empty, strlen(empty), &diagnostic));
    assert_false(program_verify(program, &diagnostic));
    program_free(program);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_negate_changes_the_sign),
    cmocka_unit_test(test_negate_wraps),
    cmocka_unit_test(test_negate_leaves_what_is_below),
    cmocka_unit_test(test_negate_needs_an_operand),
};
TEST_MAIN(tests)
