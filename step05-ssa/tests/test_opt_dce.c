// Dead code elimination.
#include "opt_rig.h"
#include "testing/test_main.h"

static void test_what_nobody_uses_goes(void **state) {
    (void)state;
    assert_becomes(opt_dce,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 1\n"
                   "    v3 = const 2\n"
                   "    v4 = mul v2, v3\n"
                   "    v5 = new_object Thing\n"
                   "    v6 = new_array v5, v4\n"
                   "    v7 = load_function f\n"
                   "    v8 = equal v7, v6\n"
                   "    return v1\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    return v1\n");
}

// The counter and its sum use only each other.
static void test_a_cycle_of_dead_values_goes(void **state) {
    (void)state;
    assert_becomes(opt_dce,
                   "B0:\n"
                   "    v1 = const 0\n"
                   "    v2 = const 1\n"
                   "    v3 = const 10\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v4 = phi B0: v1, B2: v5\n"
                   "    v6 = phi B0: v1, B2: v7\n"
                   "    v8 = less_than v4, v3\n"
                   "    branch v8, B2, B3\n"
                   "B2:\n"
                   "    v5 = add v4, v2\n"
                   "    v7 = add v6, v4\n"
                   "    jump B1\n"
                   "B3:\n"
                   "    return v4\n",
                   "B0:\n"
                   "    v1 = const 0\n"
                   "    v2 = const 1\n"
                   "    v3 = const 10\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v4 = phi B0: v1, B2: v6\n"
                   "    v5 = less_than v4, v3\n"
                   "    branch v5, B2, B3\n"
                   "B2:\n"
                   "    v6 = add v4, v2\n"
                   "    jump B1\n"
                   "B3:\n"
                   "    return v4\n");
}

static void test_effects_stay(void **state) {
    (void)state;
    assert_stays(opt_dce,
                 "B0:\n"
                 "    v1 = param 0\n"
                 "    v2 = param 1\n"
                 "    v3 = call f, v1 @1\n"
                 "    v4 = call_method v1, m, v2 @2\n"
                 "    set_property v1, x, v2 @3\n"
                 "    v5 = delete_property v1, x @4\n"
                 "    set_index v1, v2, v2 @5\n"
                 "    set_prototype v1, v2 @6\n"
                 "    return v1\n");
}

// An error can be seen although the result is not used.
static void test_possible_errors_stay(void **state) {
    (void)state;
    assert_stays(opt_dce,
                 "B0:\n"
                 "    v1 = param 0\n"
                 "    v2 = const 1\n"
                 "    v3 = add v1, v2 @1\n"
                 "    v4 = less_than v1, v2 @2\n"
                 "    v5 = get_property v1, x @3\n"
                 "    v6 = get_index v1, v2 @4\n"
                 "    v7 = length v1 @5\n"
                 "    return v2\n");
}

// The first subtraction may raise an error, and is not needed otherwise; its result is a number, so the
// second goes.
static void test_types_tell_what_cannot_raise_an_error(void **state) {
    (void)state;
    assert_becomes(opt_dce,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 1\n"
                   "    v3 = sub v1, v2 @1\n"
                   "    v4 = sub v3, v2 @2\n"
                   "    v5 = mul v4, v4 @3\n"
                   "    v6 = const \"abc\"\n"
                   "    v7 = length v6 @4\n"
                   "    return v2\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 1\n"
                   "    v3 = sub v1, v2 @1\n"
                   "    return v2\n");
}

// Whether a loop ends is not known: it stays, with what decides it.
static void test_an_empty_loop_stays(void **state) {
    (void)state;
    assert_stays(opt_dce,
                 "B0:\n"
                 "    v1 = param 0\n"
                 "    v2 = const 1\n"
                 "    jump B1\n"
                 "B1:\n"
                 "    v3 = phi B0: v1, B1: v4\n"
                 "    v4 = sub v3, v2\n"
                 "    branch v4, B1, B2\n"
                 "B2:\n"
                 "    return v2\n");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_what_nobody_uses_goes),
    cmocka_unit_test(test_a_cycle_of_dead_values_goes),
    cmocka_unit_test(test_effects_stay),
    cmocka_unit_test(test_possible_errors_stay),
    cmocka_unit_test(test_types_tell_what_cannot_raise_an_error),
    cmocka_unit_test(test_an_empty_loop_stays),
};
TEST_MAIN(tests)
