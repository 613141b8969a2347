// Sparse conditional constant propagation.
#include <math.h>

#include "object/number.h"
#include "opt_rig.h"
#include "testing/test_main.h"

static void sccp_and_dce(Ir *ir) {
    opt_sccp(ir);
    opt_dce(ir);
}

static void test_constants_are_computed(void **state) {
    (void)state;
    assert_becomes(sccp_and_dce,
                   "B0:\n"
                   "    v1 = const 2\n"
                   "    v2 = const 3\n"
                   "    v3 = add v1, v2\n"
                   "    v4 = const 5\n"
                   "    v5 = mul v3, v4\n"
                   "    return v5\n",
                   "B0:\n"
                   "    v1 = const 25\n"
                   "    return v1\n");
}

// The example of Wegman and Zadeck: x is 1 because the assignment is never reached, because x is 1.
static void test_a_loop_that_never_changes_its_variable(void **state) {
    (void)state;
    assert_becomes(sccp_and_dce,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 1\n"
                   "    v3 = const 2\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v4 = phi B0: v2, B5: v5\n"
                   "    branch v1, B2, B6\n"
                   "B2:\n"
                   "    v6 = equal v4, v2\n"
                   "    branch v6, B3, B4\n"
                   "B3:\n"
                   "    jump B5\n"
                   "B4:\n"
                   "    jump B5\n"
                   "B5:\n"
                   "    v5 = phi B3: v4, B4: v3\n"
                   "    jump B1\n"
                   "B6:\n"
                   "    return v4\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v2 = const 1\n"
                   "    branch v1, B2, B5\n"
                   "B2:\n"
                   "    jump B3\n"
                   "B3:\n"
                   "    jump B4\n"
                   "B4:\n"
                   "    jump B1\n"
                   "B5:\n"
                   "    return v2\n");
}

static void test_equal_constants_from_both_sides(void **state) {
    (void)state;
    assert_becomes(sccp_and_dce,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    branch v1, B1, B2\n"
                   "B1:\n"
                   "    v2 = const 7\n"
                   "    jump B3\n"
                   "B2:\n"
                   "    v3 = const 7\n"
                   "    jump B3\n"
                   "B3:\n"
                   "    v4 = phi B1: v2, B2: v3\n"
                   "    v5 = add v4, v4\n"
                   "    return v5\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    branch v1, B1, B2\n"
                   "B1:\n"
                   "    jump B3\n"
                   "B2:\n"
                   "    jump B3\n"
                   "B3:\n"
                   "    v2 = const 14\n"
                   "    return v2\n");
}

// What one operation on constants becomes; NULL if it stays as it is.
static void assert_folds(const char *op, const char *a, const char *b, const char *expected) {
    char before[400], after[400];
    snprintf(before, sizeof before, "B0:\n"
                                    "    v1 = const %s\n"
                                    "    v2 = const %s\n"
                                    "    v3 = %s v1, v2\n"
                                    "    return v3\n", a, b, op);
    snprintf(after, sizeof after, "B0:\n"
                                  "    v1 = const %s\n"
                                  "    return v1\n", expected ? expected : "");
    if (expected) assert_becomes(sccp_and_dce, before, after);
    else assert_stays(sccp_and_dce, before);
}

static void test_arithmetic_is_that_of_javascript(void **state) {
    (void)state;
    static const char *const cases[][4] = {
        {"add", "2147483647", "1", "2147483648"},
        {"sub", "-2147483648", "1", "-2147483649"},
        {"mul", "65536", "65536", "4294967296"},
        {"mul", "-2147483648", "-1", "2147483648"},
        {"mul", "0", "-1", "-0"},
        {"mul", "-5", "0", "-0"},
        {"sub", "-0", "0", "-0"},
        {"add", "-0", "0", "0"},
        {"add", "-0", "-0", "-0"},
        {"div", "1", "0", "Infinity"},
        {"div", "-1", "0", "-Infinity"},
        {"div", "1", "-0", "-Infinity"},
        {"div", "0", "0", "NaN"},
        {"div", "0", "-3", "-0"},
        {"div", "7", "2", "3.5"},
        {"div", "-2147483648", "-1", "2147483648"},
        {"mod", "-4", "2", "-0"},
        {"mod", "5", "0", "NaN"},
        {"mod", "5", "Infinity", "5"},
        {"mod", "-7", "3", "-1"},
        {"sub", "Infinity", "Infinity", "NaN"},
        {"mul", "1e300", "1e300", "Infinity"},
        {"mul", "1e-200", "1e-200", "0"},
        {"mul", "1e-160", "1e-160", "1e-320"},
        {"add", "0.1", "0.2", "0.30000000000000004"},
        {"equal", "NaN", "NaN", "false"},
        {"equal", "0", "-0", "true"},
        {"equal", "\"a\"", "\"a\"", "true"},
        {"equal", "\"1\"", "1", "false"},
        {"equal", "undefined", "null", "false"},
        {"less_than", "NaN", "1", "false"},
        {"less_than", "\"10\"", "\"9\"", "true"},
        {"less_than", "\"10\"", "9", "false"},
        {"greater_than", "null", "-1", "true"},
        {"greater_than", "undefined", "0", "false"},
        {"sub", "\"5\"", "2", "3"},
        {"mul", "true", "null", "0"},
        {"add", "true", "1", "2"},
        {"add", "undefined", "1", "NaN"},
        {"sub", "\"x\"", "1", "NaN"},
        {"add", "\"a\"", "1", NULL}, // a string made now would have to live as long as the code
        {"add", "\"a\"", "\"b\"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_folds(cases[i][0], cases[i][1], cases[i][2], cases[i][3]);
}

static void test_a_heap_number_outlives_the_compilation(void **state) {
    (void)state;
    Ir *ir = ir_from_text("func main params=0 {\n"
                          "B0:\n"
                          "    v1 = const 1e300\n"
                          "    v2 = const 3\n"
                          "    v3 = mul v1, v2\n"
                          "    return v3\n"
                          "}\n");
    opt_sccp(ir);
    Value value = (Value)ir->ins[ir_args(ir, ir->blocks[0].last)[0]].imm;
    assert_true(value_is(value, TYPE_NUMBER));
    Program *program = ir->program;
    ir_free(ir);
    free(ir);
    assert_true(number_to_double(value) == 1e300 * 3);
    program_free(program);
}

static void test_zero_and_minus_zero_are_two_constants(void **state) {
    (void)state;
    assert_stays(opt_sccp,
                 "B0:\n"
                 "    v1 = param 0\n"
                 "    v2 = const 0\n"
                 "    v3 = const -0\n"
                 "    branch v1, B1, B2\n"
                 "B1:\n"
                 "    jump B2\n"
                 "B2:\n"
                 "    v4 = phi B0: v2, B1: v3\n"
                 "    v5 = const 1\n"
                 "    v6 = div v5, v4\n"
                 "    return v6\n");
}

static void test_nan_from_both_sides_is_one_constant(void **state) {
    (void)state;
    unsigned phis = count_behind(opt_sccp,
                                 "B0:\n"
                                 "    v1 = param 0\n"
                                 "    v2 = const 0\n"
                                 "    v3 = const NaN\n"
                                 "    v7 = div v2, v2\n"
                                 "    branch v1, B1, B2\n"
                                 "B1:\n"
                                 "    jump B2\n"
                                 "B2:\n"
                                 "    v4 = phi B0: v7, B1: v3\n"
                                 "    return v4\n", IR_PHI);
    assert_int_equal(phis, 0);
}

static void test_a_branch_that_is_decided(void **state) {
    (void)state;
    static const char *const conditions[][2] = {
        {"0", "B2"}, {"-0", "B2"}, {"NaN", "B2"}, {"\"\"", "B2"}, {"null", "B2"}, {"undefined", "B2"}, {"false", "B2"},
        {"\"0\"", "B1"}, {"1e-320", "B1"}, {"true", "B1"}, {"-1", "B1"},
    };
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
        char before[300], after[300];
        snprintf(before, sizeof before,
                 "B0:\n"
                 "    v1 = const %s\n"
                 "    v4 = const 10\n"
                 "    v5 = const 20\n"
                 "    branch v1, B1, B2\n"
                 "B1:\n"
                 "    return v4\n"
                 "B2:\n"
                 "    return v5\n", conditions[i][0]);
        snprintf(after, sizeof after, "B0:\n"
                                      "    v1 = const %s\n"
                                      "    jump B1\n"
                                      "B1:\n"
                                      "    return v1\n", conditions[i][1][1] == '1' ? "10" : "20");
        assert_becomes(sccp_and_dce, before, after);
    }
}

// Types decide, too: an object is truthy, and a number is no string.
static void test_types_decide(void **state) {
    (void)state;
    assert_becomes(sccp_and_dce,
                   "B0:\n"
                   "    v1 = new_array\n"
                   "    v2 = const 1\n"
                   "    v3 = const 2\n"
                   "    branch v1, B1, B2\n"
                   "B1:\n"
                   "    return v2\n"
                   "B2:\n"
                   "    return v3\n",
                   "B0:\n"
                   "    v1 = const 1\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    return v1\n");
    assert_becomes(sccp_and_dce,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 1\n"
                   "    v3 = sub v1, v2 @3\n"
                   "    v4 = const \"a\"\n"
                   "    v5 = equal v3, v4\n"
                   "    return v5\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 1\n"
                   "    v3 = sub v1, v2 @3\n"
                   "    v4 = const false\n"
                   "    return v4\n");
    assert_stays(opt_sccp,
                 "B0:\n"
                 "    v1 = param 0\n"
                 "    v2 = const 1\n"
                 "    v3 = sub v1, v2 @3\n"
                 "    v4 = const -0\n"
                 "    v5 = equal v3, v4\n"
                 "    return v5\n");
}

static void test_an_error_stays_where_it_is(void **state) {
    (void)state;
    assert_stays(sccp_and_dce, "B0:\n"
                               "    v1 = const 5\n"
                               "    v2 = length v1 @7\n"
                               "    return v2\n");
    assert_stays(sccp_and_dce, "B0:\n"
                               "    v1 = new_array\n"
                               "    v2 = const 5\n"
                               "    v3 = add v1, v2 @1\n"
                               "    return v2\n");
    assert_stays(sccp_and_dce, "B0:\n"
                               "    v1 = const undefined\n"
                               "    v2 = get_property v1, x @7\n"
                               "    return v2\n");
}

static void test_the_length_of_a_constant_string(void **state) {
    (void)state;
    assert_becomes(sccp_and_dce, "B0:\n"
                                 "    v1 = const \"hello\"\n"
                                 "    v2 = length v1\n"
                                 "    return v2\n",
                   "B0:\n"
                   "    v1 = const 5\n"
                   "    return v1\n");
}

static void test_a_variable_that_varies(void **state) {
    (void)state;
    assert_stays(opt_sccp,
                 "B0:\n"
                 "    v1 = const 0\n"
                 "    v2 = const 1\n"
                 "    v3 = const 10\n"
                 "    jump B1\n"
                 "B1:\n"
                 "    v4 = phi B0: v1, B2: v5\n"
                 "    v6 = less_than v4, v3\n"
                 "    branch v6, B2, B3\n"
                 "B2:\n"
                 "    v5 = add v4, v2\n"
                 "    jump B1\n"
                 "B3:\n"
                 "    return v4\n");
}

// What is never reached has no say, whatever it branches on.
static void test_blocks_that_are_not_reached(void **state) {
    (void)state;
    assert_becomes(sccp_and_dce,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const false\n"
                   "    v5 = const 5\n"
                   "    v6 = const 6\n"
                   "    v7 = const 7\n"
                   "    branch v2, B1, B2\n"
                   "B1:\n"
                   "    branch v1, B3, B4\n"
                   "B4:\n"
                   "    jump B3\n"
                   "B2:\n"
                   "    jump B3\n"
                   "B3:\n"
                   "    v8 = phi B1: v5, B4: v6, B2: v7\n"
                   "    return v8\n",
                   "B0:\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    jump B2\n"
                   "B2:\n"
                   "    v1 = const 7\n"
                   "    return v1\n");
}

// v4 turns out to vary when the phi in B4 has been seen already; the edge that would bring it is never taken.
static void test_operands_along_edges_that_are_not_taken(void **state) {
    (void)state;
    unsigned phis = count_behind(opt_sccp,
                                 "B0:\n"
                                 "    v1 = const 0\n"
                                 "    v2 = const 1\n"
                                 "    v3 = const true\n"
                                 "    v9 = param 0\n"
                                 "    jump B1\n"
                                 "B1:\n"
                                 "    v4 = phi B0: v1, B4: v5\n"
                                 "    jump B2\n"
                                 "B2:\n"
                                 "    branch v3, B3, B4\n"
                                 "B3:\n"
                                 "    jump B4\n"
                                 "B4:\n"
                                 "    v6 = phi B2: v4, B3: v2\n"
                                 "    v5 = add v4, v2\n"
                                 "    branch v9, B1, B5\n"
                                 "B5:\n"
                                 "    v8 = new_array v6, v5\n"
                                 "    return v8\n", IR_PHI);
    assert_int_equal(phis, 1);
}

// Two entries into one cycle: v5 is 3 from both.
static void test_irreducible_control_flow(void **state) {
    (void)state;
    unsigned adds = count_behind(opt_sccp,
                                 "B0:\n"
                                 "    v1 = param 0\n"
                                 "    v2 = const 3\n"
                                 "    v3 = const 4\n"
                                 "    branch v1, B1, B2\n"
                                 "B1:\n"
                                 "    v5 = phi B0: v2, B2: v6\n"
                                 "    v7 = add v5, v3\n"
                                 "    jump B2\n"
                                 "B2:\n"
                                 "    v6 = phi B0: v2, B1: v5\n"
                                 "    branch v1, B1, B3\n"
                                 "B3:\n"
                                 "    return v6\n", IR_ADD);
    assert_int_equal(adds, 0);
}

// A guard that a constant passes is the constant; so is a sum of constants if it is an integer.
static void test_integers_that_stay_integers(void **state) {
    (void)state;
    assert_becomes(opt_sccp,
                   "B0:\n"
                   "    v1 = const 6\n"
                   "    v2 = const 4\n"
                   "    s1 = state @0\n"
                   "    v3 = guard_int v1 [s1] @1\n"
                   "    v4 = add_int v3, v2 [s1] @1\n"
                   "    v5 = mod_int v4, v2 [s1] @2\n"
                   "    v6 = guard_number v5 [s1] @3\n"
                   "    return v6\n",
                   "B0:\n"
                   "    v1 = const 6\n"
                   "    v2 = const 4\n"
                   "    s1 = state @0\n"
                   "    v3 = const 6\n"
                   "    v4 = const 10\n"
                   "    v5 = const 2\n"
                   "    v6 = const 2\n"
                   "    return v6\n");
}

// 6 / 4 is no integer, nor are 6 - 6 times -4, 2^31, 6 % 0. "a" is no number.
static void test_guards_that_must_fail_stay(void **state) {
    (void)state;
    assert_stays(opt_sccp,
                 "B0:\n"
                 "    v1 = const 6\n"
                 "    v2 = const -4\n"
                 "    v3 = const 2147483647\n"
                 "    v4 = const \"a\"\n"
                 "    v5 = const 0\n"
                 "    s1 = state @0\n"
                 "    v6 = div_int v1, v2 [s1] @1\n"
                 "    v7 = mul_int v5, v2 [s1] @2\n"
                 "    v8 = add_int v3, v1 [s1] @3\n"
                 "    v9 = mod_int v1, v5 [s1] @4\n"
                 "    v10 = guard_number v4 [s1] @5\n"
                 "    v11 = guard_int v4 [s1] @6\n"
                 "    return v11\n");
}

// An integer is never "a". When the comparison is gone, the guard is still needed: see test_opt_dce.c.
static void test_a_guarded_value_makes_a_path_dead(void **state) {
    (void)state;
    assert_becomes(opt_sccp,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const \"a\"\n"
                   "    s1 = state @0, v1\n"
                   "    v3 = guard_int v1 [s1] @1\n"
                   "    v4 = equal v3, v2\n"
                   "    branch v4, B1, B2\n"
                   "B1:\n"
                   "    return v1\n"
                   "B2:\n"
                   "    return v2\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const \"a\"\n"
                   "    s1 = state @0, v1\n"
                   "    v3 = guard_int v1 [s1] @1\n"
                   "    v4 = const false\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    return v2\n");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_constants_are_computed),
    cmocka_unit_test(test_a_loop_that_never_changes_its_variable),
    cmocka_unit_test(test_equal_constants_from_both_sides),
    cmocka_unit_test(test_arithmetic_is_that_of_javascript),
    cmocka_unit_test(test_a_heap_number_outlives_the_compilation),
    cmocka_unit_test(test_zero_and_minus_zero_are_two_constants),
    cmocka_unit_test(test_nan_from_both_sides_is_one_constant),
    cmocka_unit_test(test_a_branch_that_is_decided),
    cmocka_unit_test(test_types_decide),
    cmocka_unit_test(test_an_error_stays_where_it_is),
    cmocka_unit_test(test_the_length_of_a_constant_string),
    cmocka_unit_test(test_a_variable_that_varies),
    cmocka_unit_test(test_blocks_that_are_not_reached),
    cmocka_unit_test(test_operands_along_edges_that_are_not_taken),
    cmocka_unit_test(test_irreducible_control_flow),
    cmocka_unit_test(test_integers_that_stay_integers),
    cmocka_unit_test(test_guards_that_must_fail_stay),
    cmocka_unit_test(test_a_guarded_value_makes_a_path_dead),
};
TEST_MAIN(tests)
