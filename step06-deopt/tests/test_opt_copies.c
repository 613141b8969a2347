// Copy and phi cleaning, and blocks that do nothing.
#include "opt_rig.h"
#include "testing/test_main.h"

static void test_a_phi_of_one_value(void **state) {
    (void)state;
    assert_becomes(opt_copies,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    branch v1, B1, B2\n"
                   "B1:\n"
                   "    v3 = call f @1\n"
                   "    jump B3\n"
                   "B2:\n"
                   "    jump B3\n"
                   "B3:\n"
                   "    v4 = phi B1: v2, B2: v2\n"
                   "    return v4\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    branch v1, B1, B2\n"
                   "B1:\n"
                   "    v3 = call f @1\n"
                   "    jump B2\n"
                   "B2:\n"
                   "    return v2\n");
}

// Of two nested loops, neither changes v1: each phi waits for the other.
static void test_phis_that_hold_each_other(void **state) {
    (void)state;
    assert_becomes(opt_copies,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v3 = phi B0: v1, B3: v4\n"
                   "    v5 = call f, v3 @1\n"
                   "    jump B2\n"
                   "B2:\n"
                   "    v4 = phi B1: v3, B2: v4\n"
                   "    v6 = call f, v4 @2\n"
                   "    branch v6, B2, B3\n"
                   "B3:\n"
                   "    branch v2, B1, B4\n"
                   "B4:\n"
                   "    return v4\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v3 = call f, v1 @1\n"
                   "    jump B2\n"
                   "B2:\n"
                   "    v4 = call f, v1 @2\n"
                   "    branch v4, B2, B3\n"
                   "B3:\n"
                   "    branch v2, B1, B4\n"
                   "B4:\n"
                   "    return v1\n");
}

static void test_a_phi_that_selects_stays(void **state) {
    (void)state;
    assert_stays(opt_copies,
                 "B0:\n"
                 "    v1 = param 0\n"
                 "    v2 = const 0\n"
                 "    v3 = const -0\n"
                 "    branch v1, B1, B2\n"
                 "B1:\n"
                 "    v5 = call f @1\n"
                 "    jump B2\n"
                 "B2:\n"
                 "    v4 = phi B0: v2, B1: v3\n"
                 "    return v4\n");
}

static void test_a_chain_of_jumps(void **state) {
    (void)state;
    assert_becomes(opt_copies,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    jump B2\n"
                   "B2:\n"
                   "    v2 = call f, v1 @1\n"
                   "    jump B3\n"
                   "B3:\n"
                   "    jump B4\n"
                   "B4:\n"
                   "    return v2\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = call f, v1 @1\n"
                   "    return v2\n");
}

static void test_a_branch_that_does_not_matter(void **state) {
    (void)state;
    assert_becomes(opt_copies,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    branch v1, B1, B2\n"
                   "B1:\n"
                   "    jump B3\n"
                   "B2:\n"
                   "    jump B3\n"
                   "B3:\n"
                   "    v3 = phi B1: v2, B2: v2\n"
                   "    return v3\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    return v2\n");
}

static void test_a_branch_that_selects_stays(void **state) {
    (void)state;
    assert_becomes(opt_copies,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    branch v1, B1, B2\n"
                   "B1:\n"
                   "    jump B3\n"
                   "B2:\n"
                   "    jump B3\n"
                   "B3:\n"
                   "    v3 = phi B1: v1, B2: v2\n"
                   "    return v3\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    branch v1, B1, B2\n"
                   "B1:\n"
                   "    jump B2\n"
                   "B2:\n"
                   "    v3 = phi B1: v1, B0: v2\n"
                   "    return v3\n");
}

// if (v1 && v2) f(): where v1 is falsy, so is the condition.
static void test_a_jump_through_a_known_branch(void **state) {
    (void)state;
    assert_becomes(opt_copies,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    v3 = const false\n"
                   "    branch v1, B1, B2\n"
                   "B1:\n"
                   "    jump B3\n"
                   "B2:\n"
                   "    jump B3\n"
                   "B3:\n"
                   "    v4 = phi B1: v2, B2: v3\n"
                   "    branch v4, B4, B5\n"
                   "B4:\n"
                   "    v5 = call f @1\n"
                   "    jump B5\n"
                   "B5:\n"
                   "    return v1\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    v3 = const false\n"
                   "    branch v1, B1, B3\n"
                   "B1:\n"
                   "    branch v2, B2, B3\n"
                   "B2:\n"
                   "    v4 = call f @1\n"
                   "    jump B3\n"
                   "B3:\n"
                   "    return v1\n");
}

// Another value is selected in the same block and goes along: on the way past it, it is known which one.
static void test_a_value_that_goes_along(void **state) {
    (void)state;
    assert_becomes(opt_copies,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    v3 = const false\n"
                   "    branch v1, B1, B2\n"
                   "B1:\n"
                   "    v8 = call f @1\n"
                   "    jump B3\n"
                   "B2:\n"
                   "    v9 = call f @2\n"
                   "    jump B3\n"
                   "B3:\n"
                   "    v4 = phi B1: v2, B2: v3\n"
                   "    v5 = phi B1: v8, B2: v9\n"
                   "    branch v4, B4, B5\n"
                   "B4:\n"
                   "    v6 = call f @3\n"
                   "    jump B5\n"
                   "B5:\n"
                   "    v7 = phi B3: v5, B4: v6\n"
                   "    return v7\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    v3 = const false\n"
                   "    branch v1, B1, B3\n"
                   "B1:\n"
                   "    v4 = call f @1\n"
                   "    branch v2, B2, B4\n"
                   "B2:\n"
                   "    v5 = call f @3\n"
                   "    jump B4\n"
                   "B3:\n"
                   "    v6 = call f @2\n"
                   "    jump B4\n"
                   "B4:\n"
                   "    v7 = phi B1: v4, B2: v5, B3: v6\n"
                   "    return v7\n");
}

// The first iteration is known to happen. Jumping into the loop behind its header would give it a second entry.
static void test_a_loop_header_is_not_passed_by(void **state) {
    (void)state;
    assert_stays(opt_copies,
                 "B0:\n"
                 "    v1 = const true\n"
                 "    jump B1\n"
                 "B1:\n"
                 "    v2 = phi B0: v1, B2: v3\n"
                 "    branch v2, B2, B3\n"
                 "B2:\n"
                 "    v3 = call f @1\n"
                 "    jump B1\n"
                 "B3:\n"
                 "    return v1\n");
}

// The selected value is used behind the branch: the block in which it is selected must be passed.
static void test_a_phi_that_is_used_elsewhere_stays(void **state) {
    (void)state;
    assert_stays(opt_copies,
                 "B0:\n"
                 "    v1 = param 0\n"
                 "    v2 = param 1\n"
                 "    v3 = const false\n"
                 "    branch v1, B1, B2\n"
                 "B1:\n"
                 "    v8 = call f @3\n"
                 "    jump B3\n"
                 "B2:\n"
                 "    v9 = call f @2\n"
                 "    jump B3\n"
                 "B3:\n"
                 "    v4 = phi B1: v2, B2: v3\n"
                 "    branch v4, B4, B5\n"
                 "B4:\n"
                 "    v5 = call g, v4 @1\n"
                 "    jump B5\n"
                 "B5:\n"
                 "    return v4\n");
}

static void test_a_loop_without_end_stays(void **state) {
    (void)state;
    assert_becomes(opt_copies, "B0:\n"
                               "    jump B1\n"
                               "B1:\n"
                               "    jump B2\n"
                               "B2:\n"
                               "    jump B1\n", "B0:\n"
                                                "    jump B1\n"
                                                "B1:\n"
                                                "    jump B1\n");
}

// A sum that is an integer starts with one: so the phi is one. A new array is an array. The rest is not known.
static void test_guards_that_have_nothing_to_check(void **state) {
    (void)state;
    assert_becomes(opt_copies,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 1\n"
                   "    v3 = new_array v1\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v4 = phi B0: v2, B2: v6\n"
                   "    s1 = state @1, v4\n"
                   "    v5 = guard_int v4 [s1] @1\n"
                   "    v6 = add_int v5, v2 [s1] @1\n"
                   "    v7 = guard_number v6 [s1] @1\n"
                   "    v8 = guard_shape v3, array [s1] @1\n"
                   "    v9 = guard_bounds v7, v8 [s1] @1\n"
                   "    v10 = load_element v8, v9 [s1] @1\n"
                   "    v11 = guard_int v10 [s1] @1\n"
                   "    branch v11, B2, B3\n"
                   "B2:\n"
                   "    jump B1\n"
                   "B3:\n"
                   "    return v9\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 1\n"
                   "    v3 = new_array v1\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v4 = phi B0: v2, B1: v5\n"
                   "    s1 = state @1, v4\n"
                   "    v5 = add_int v4, v2 [s1] @1\n"
                   "    v6 = guard_bounds v5, v3 [s1] @1\n"
                   "    v7 = load_element v3, v6 [s1] @1\n"
                   "    v8 = guard_int v7 [s1] @1\n"
                   "    branch v8, B1, B2\n"
                   "B2:\n"
                   "    return v6\n");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_phi_of_one_value),
    cmocka_unit_test(test_phis_that_hold_each_other),
    cmocka_unit_test(test_a_phi_that_selects_stays),
    cmocka_unit_test(test_a_chain_of_jumps),
    cmocka_unit_test(test_a_branch_that_does_not_matter),
    cmocka_unit_test(test_a_branch_that_selects_stays),
    cmocka_unit_test(test_a_jump_through_a_known_branch),
    cmocka_unit_test(test_a_value_that_goes_along),
    cmocka_unit_test(test_a_loop_header_is_not_passed_by),
    cmocka_unit_test(test_a_phi_that_is_used_elsewhere_stays),
    cmocka_unit_test(test_a_loop_without_end_stays),
    cmocka_unit_test(test_guards_that_have_nothing_to_check),
};
TEST_MAIN(tests)
