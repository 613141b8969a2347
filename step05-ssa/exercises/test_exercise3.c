// Exercise 3: behind a test for equality, a value is known.
#include "exercise.h"

// if (x === c) return x, else ...
static void check(const char *constant, const char *x, const char *expected) {
    char body[400];
    snprintf(body, sizeof body,
             "B0:\n    v1 = param 0\n    v2 = %s\n    v3 = const %s\n    v4 = equal v2, v3\n    branch v4, B1, B2\nB1:\n"
             "    return v2\nB2:\n    jump B2\n",
             x, constant);
    assert_returned("implied", body, expected);
}

static void test_on_the_true_side_the_value_is_the_constant(void **state) {
    (void)state;
    check("5", "sub v1, v1", "const 5");
    check("true", "less_than v1, v1", "const true");
    check("\"a\"", "get_property v1, x", "const \"a\"");
}

static void test_the_constant_may_come_first(void **state) {
    (void)state;
    assert_returned("implied",
                    "B0:\n    v1 = param 0\n    v3 = const 5\n    v4 = equal v3, v1\n    branch v4, B1, B2\nB1:\n    return v1\n"
                    "B2:\n    jump B2\n",
                    "const 5");
}

static void test_zero_has_two_signs(void **state) {
    (void)state;
    check("0", "sub v1, v1", "sub");
    check("-0", "sub v1, v1", "sub");
    check("0", "length v1", "const 0"); // an integer is never -0
}

static void test_on_the_false_side_nothing_is_known(void **state) {
    (void)state;
    assert_returned("implied",
                    "B0:\n    v1 = param 0\n    v2 = sub v1, v1\n    v3 = const 5\n    v4 = equal v2, v3\n    branch v4, B1, B2\nB1:\n"
                    "    jump B1\nB2:\n    return v2\n",
                    "sub");
}

static void test_behind_a_join_nothing_is_known(void **state) {
    (void)state;
    assert_returned("implied",
                    "B0:\n    v1 = param 0\n    v2 = sub v1, v1\n    v3 = const 5\n    v4 = equal v2, v3\n    branch v4, B1, B2\nB1:\n"
                    "    jump B2\nB2:\n    return v2\n",
                    "sub");
}

static void test_a_block_with_other_predecessors_tells_nothing(void **state) {
    (void)state;
    assert_returned("implied",
                    "B0:\n    v1 = param 0\n    v2 = sub v1, v1\n    v3 = const 5\n    branch v1, B1, B2\nB1:\n"
                    "    v4 = equal v2, v3\n    branch v4, B2, B3\nB2:\n    return v2\nB3:\n    jump B3\n",
                    "sub");
}

// The phi's first operand is used at the end of B1, where the value is known; its second at the end of B2.
static void test_a_phi_uses_its_operands_at_the_end_of_predecessors(void **state) {
    (void)state;
    Ir ir;
    ir_from_body(&ir, "B0:\n    v1 = param 0\n    v2 = sub v1, v1\n    v3 = const 5\n    v4 = equal v2, v3\n    branch v4, B1, B2\n"
                      "B1:\n    jump B3\nB2:\n    jump B3\nB3:\n    v5 = phi B1: v2, B2: v2\n    return v5\n");
    run_pass(&ir, "implied");
    unsigned constants = 0;
    for (uint32_t b = 0; b < ir.num_blocks; b++)
        IR_EACH(&ir, b, ref)
            if (ir.ins[ref].op == IR_PHI)
                for (uint32_t i = 0; i < 2; i++) constants += ir_is_const(&ir, ir_args(&ir, ref)[i]);
    assert_int_equal(constants, 1);
    ir_discard(&ir);
}

static void test_the_pass_has_a_place_in_the_order(void **state) {
    (void)state;
    OptPass pass = opt_find("implied", strlen("implied"));
    bool is_run = false;
    for (size_t i = 0; i < opt_order_length; i++) is_run |= opt_order[i] == pass;
    if (pass == NUM_OPT_PASSES || !is_run) fail_msg("opt_run does not run 'implied'");
}

static void test_programs_compute_the_same(void **state) {
    (void)state;
    static const char text[] = "func main params=1 locals=2\n load_local 0\n load_const 0\n mul\n store_local 1\n load_local 1\n load_const 0\n"
                               " equal\n jump_if_false other\n load_const 1\n load_local 1\n div\n return\nother: load_const 7\n return\nend\n";
    assert_same_result(text, (Value[]){value_from_int(3)});
    assert_same_result(text, (Value[]){value_from_int(-3)});
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_on_the_true_side_the_value_is_the_constant),
    cmocka_unit_test(test_the_constant_may_come_first),
    cmocka_unit_test(test_zero_has_two_signs),
    cmocka_unit_test(test_on_the_false_side_nothing_is_known),
    cmocka_unit_test(test_behind_a_join_nothing_is_known),
    cmocka_unit_test(test_a_block_with_other_predecessors_tells_nothing),
    cmocka_unit_test(test_a_phi_uses_its_operands_at_the_end_of_predecessors),
    cmocka_unit_test(test_the_pass_has_a_place_in_the_order),
    cmocka_unit_test(test_programs_compute_the_same),
};
TEST_MAIN(tests)
