// Exercise 1: the remainder of a remainder.
#include "exercise.h"

// How many remainders are left of two behind the pass. `second` is the second one's constant.
static unsigned remainders_left(const char *operation, const char *first, const char *second) {
    char body[500];
    Ir ir;
    unsigned count = 0;
    bool is_int = strcmp(operation, "mod_int") == 0;
    const char *where = is_int ? "[s8]" : "@0";
    snprintf(body, sizeof body,
             "B0:\n    v1 = param 0\n    v2 = const %s\n    v3 = const %s\n    s8 = state @0\n    v4 = %s v1%s\n    v5 = %s v4, v2 %s\n"
             "    v6 = %s v5, %s %s\n    return v6\n",
             first, second, is_int ? "guard_int" : "sub", is_int ? " [s8]" : ", v1 @0", operation, where, operation,
             strcmp(first, second) == 0 ? "v2" : "v3", where);
    ir_from_body(&ir, body);
    run_pass(&ir, "strength");
    run_pass(&ir, "dce");
    for (uint32_t b = 0; b < ir.num_blocks; b++)
        IR_EACH(&ir, b, ref) count += ir.ins[ref].op == IR_MOD || ir.ins[ref].op == IR_MOD_INT;
    ir_discard(&ir);
    return count;
}

static void test_the_same_remainder_twice_is_taken_once(void **state) {
    (void)state;
    assert_int_equal(remainders_left("mod_int", "7", "7"), 1);
    assert_int_equal(remainders_left("mod", "7", "7"), 1);
    assert_int_equal(remainders_left("mod", "2.5", "2.5"), 1);
}

static void test_other_remainders_stay(void **state) {
    (void)state;
    assert_int_equal(remainders_left("mod_int", "6", "4"), 2);
    assert_int_equal(remainders_left("mod", "6", "4"), 2);
}

// -5 % 1 is -0, which is no integer: the guard fails.
static void test_a_remainder_of_one_is_no_constant(void **state) {
    (void)state;
    assert_int_equal(remainders_left("mod_int", "1", "1"), 1);
}

static void test_programs_compute_the_same(void **state) {
    (void)state;
    static const char *const text = "func main params=1\n load_const 1\n load_local 0\n load_const 5\n mod\n load_const 5\n mod\n div\n"
                                    " return\nend\n";
    const int numbers[] = {0, 3, -3, 7, -7};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        assert_same_result(text, (Value[]){value_from_int(numbers[i])});
    assert_same_result(text, (Value[]){value_from_int(-5)}); // 1 / -0
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_the_same_remainder_twice_is_taken_once),
    cmocka_unit_test(test_other_remainders_stay),
    cmocka_unit_test(test_a_remainder_of_one_is_no_constant),
    cmocka_unit_test(test_programs_compute_the_same),
};
TEST_MAIN(tests)
