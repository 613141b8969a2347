// Exercise 3: the instruction has_property.
#include "exercise.h"

#define CLASSES \
    "class Base\n    method ready params=1\n        load_local 0\n        return\n    end\nend\n" \
    "class Derived extends Base\nend\n"

static void check_has(const char *instructions, const char *name, const char *expected) {
    char text[1024];
    snprintf(text, sizeof text, CLASSES "func main params=0 locals=1\n    new_object Derived\n    store_local 0\n%s"
             "    load_local 0\n    has_property %s\n    return\nend\n", instructions, name);
    check_prints(text, expected);
}

static void test_own_properties(void **state) {
    (void)state;
    check_has("", "x", "false");
    check_has("    load_local 0\n    load_const 1\n    set_property x\n", "x", "true");
    check_has("    load_local 0\n    load_const 1\n    set_property x\n", "y", "false");
}

// There is a difference between a property that is undefined and one that does not exist.
static void test_a_property_may_be_undefined(void **state) {
    (void)state;
    check_has("    load_local 0\n    load_const undefined\n    set_property x\n", "x", "true");
}

static void test_deleted_properties(void **state) {
    (void)state;
    check_has("    load_local 0\n    load_const 1\n    set_property x\n    load_local 0\n    delete_property x\n    pop\n", "x", "false");
}

static void test_inherited_properties(void **state) {
    (void)state;
    check_has("", "ready", "true");
    check_has("    load_local 0\n    load_const null\n    set_prototype\n", "ready", "false");
    check_has("    load_prototype Base\n    load_const 1\n    set_property late\n", "late", "true");
}

// It can stand before a jump, and in an expression.
static void test_result_is_a_boolean(void **state) {
    (void)state;
    check_prints(CLASSES "func main params=0\n    new_object Derived\n    has_property ready\n    jump_if_false no\n"
                         "    load_const \"yes\"\n    return\nno:\n    load_const \"no\"\n    return\nend\n", "yes");
    check_prints(CLASSES "func main params=0\n    load_const 5\n    new_object Derived\n    has_property none\n    load_const false\n"
                         "    equal\n    add\n    return\nend\n", "6");
}

static void test_primitives_are_an_error(void **state) {
    (void)state;
    Program *program = load_text("func main params=0\n    load_const 5\n    has_property x\n    return\nend\n");
    for (Tier tier = 0; tier < NUM_TIERS; tier++) {
        JitCompiler *jit = new_jit(program, tier, IC_ON);
        Value result;
        assert_int_equal(jit_execute(jit, "main", NULL, &result), RUN_TYPE_ERROR);
        jit_free(jit);
    }
    program_free(program);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_own_properties),       cmocka_unit_test(test_a_property_may_be_undefined),
    cmocka_unit_test(test_deleted_properties),   cmocka_unit_test(test_inherited_properties),
    cmocka_unit_test(test_result_is_a_boolean),  cmocka_unit_test(test_primitives_are_an_error),
};
TEST_MAIN(tests)
