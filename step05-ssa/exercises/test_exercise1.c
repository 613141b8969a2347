// Exercise 1: a string and "" joined are the string.
#include "exercise.h"

// v1 is a parameter, of unknown type; v3 a string; v4 a number; v9 what the test says.
static void check(const char *constant, const char *operation, const char *expected) {
    char body[400];
    snprintf(body, sizeof body,
             "B0:\n    v1 = param 0\n    v2 = const \"a\"\n    v3 = add v1, v2 @0\n    v4 = sub v1, v1 @0\n    v9 = const %s\n"
             "    v10 = %s @0\n    v11 = length v10 @0\n    v12 = new_array v10, v11\n    return v10\n",
             constant, operation);
    assert_returned("strength", body, expected);
}

// v3 is computed by an addition, too; so look how many are left.
static unsigned count_additions(const char *constant, const char *operation) {
    char body[400];
    unsigned count = 0;
    Ir ir;
    snprintf(body, sizeof body,
             "B0:\n    v1 = param 0\n    v2 = const \"a\"\n    v3 = add v1, v2 @0\n    v9 = const %s\n    v10 = %s @0\n    return v10\n",
             constant, operation);
    ir_from_body(&ir, body);
    run_pass(&ir, "strength");
    for (uint32_t b = 0; b < ir.num_blocks; b++)
        IR_EACH(&ir, b, ref) count += ir.ins[ref].op == IR_ADD;
    ir_discard(&ir);
    return count;
}

static void test_a_string_and_nothing_is_the_string(void **state) {
    (void)state;
    assert_int_equal(count_additions("\"\"", "add v3, v9"), 1);
    assert_int_equal(count_additions("\"\"", "add v9, v3"), 1);
}

static void test_what_is_not_empty_is_joined(void **state) {
    (void)state;
    assert_int_equal(count_additions("\"b\"", "add v3, v9"), 2);
    assert_int_equal(count_additions("\" \"", "add v9, v3"), 2);
}

static void test_what_may_be_no_string_becomes_one(void **state) {
    (void)state;
    check("\"\"", "add v4, v9", "add"); // 5 + "" is "5"
    check("\"\"", "add v1, v9", "add");
    check("\"\"", "add v9, v1", "add");
}

static void test_the_old_rules_hold(void **state) {
    (void)state;
    check("-0", "add v4, v9", "sub");
    check("0", "add v4, v9", "add");
    check("0", "add v1, v9", "add");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_string_and_nothing_is_the_string),
    cmocka_unit_test(test_what_is_not_empty_is_joined),
    cmocka_unit_test(test_what_may_be_no_string_becomes_one),
    cmocka_unit_test(test_the_old_rules_hold),
};
TEST_MAIN(tests)
