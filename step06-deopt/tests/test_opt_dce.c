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

// Of a parameter nothing is known: the interpreter may have an error to raise. A string or a number raises none in
// arithmetic; overflow, an index out of bounds or a hole are no errors. States that nobody names go as well.
static void test_unused_guards(void **state) {
    (void)state;
    assert_becomes(opt_dce,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    v3 = const 1\n"
                   "    s1 = state @0, v1, v2\n"
                   "    s2 = state @1, v1, v2\n"
                   "    v4 = guard_int v1 [s2] @1\n"
                   "    v5 = add_int v4, v3 [s2] @1\n"
                   "    v6 = add v4, v2 @2\n"
                   "    s3 = state @3, v1, v2, v6\n"
                   "    v7 = guard_number v6 [s3] @3\n"
                   "    s4 = state @4, v1, v2\n"
                   "    v8 = guard_shape v2, array [s4] @4\n"
                   "    v9 = guard_bounds v4, v8 [s4] @4\n"
                   "    v10 = load_element v8, v9 [s4] @4\n"
                   "    v11 = guard_shape v8, #12 [s4] @4\n"
                   "    v12 = load_field v11, x+16\n"
                   "    return v3\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    v3 = const 1\n"
                   "    s1 = state @1, v1, v2\n"
                   "    v4 = guard_int v1 [s1] @1\n"
                   "    v5 = add v4, v2 @2\n"
                   "    s2 = state @4, v1, v2\n"
                   "    v6 = guard_shape v2, array [s2] @4\n"
                   "    return v3\n");
}

static void fold_and_sweep(Ir *ir) {
    opt_strength(ir);
    opt_sccp(ir);
    opt_dce(ir);
}

// v6 - v6 is 0 because v6 is an integer, and v3 is never true because v3 is one: nobody uses them any more,
// but they must be integers.
static void test_a_guard_whose_type_was_relied_on_stays(void **state) {
    (void)state;
    assert_becomes(fold_and_sweep,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    s1 = state @0, v1, v2\n"
                   "    v3 = guard_int v1 [s1] @1\n"
                   "    v4 = guard_int v2 [s1] @1\n"
                   "    v6 = mod_int v3, v4 [s1] @1\n"
                   "    v7 = sub_int v6, v6 [s1] @2\n"
                   "    v8 = const true\n"
                   "    v9 = equal v3, v8\n"
                   "    v10 = add_int v3, v4 [s1] @4\n"
                   "    branch v9, B1, B2\n"
                   "B1:\n"
                   "    return v1\n"
                   "B2:\n"
                   "    return v7\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    s1 = state @0, v1, v2\n"
                   "    v3 = guard_int v1 [s1] @1\n"
                   "    v4 = guard_int v2 [s1] @1\n"
                   "    v5 = mod_int v3, v4 [s1] @1\n"
                   "    v6 = const 0\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    return v6\n");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_what_nobody_uses_goes),
    cmocka_unit_test(test_a_cycle_of_dead_values_goes),
    cmocka_unit_test(test_effects_stay),
    cmocka_unit_test(test_possible_errors_stay),
    cmocka_unit_test(test_types_tell_what_cannot_raise_an_error),
    cmocka_unit_test(test_an_empty_loop_stays),
    cmocka_unit_test(test_unused_guards),
    cmocka_unit_test(test_a_guard_whose_type_was_relied_on_stays),
};
TEST_MAIN(tests)
